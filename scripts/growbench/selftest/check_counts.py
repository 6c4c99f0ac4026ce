"""Are planted page faults, copies and calls counted right?"""

import os
from typing import Callable, Iterator, Mapping, NamedTuple

import pandas as pd

from growbench.data.statuses import OK
from growbench.selftest.bench import Bench, failures
from growbench.selftest.check import Check
from growbench.selftest.outcome import FAILED, Finding, Outcome, PASSED, UNKNOWN

# Few rows where copying them is quadratic.
PAGES, ROWS = 1000, 200
FAULTS, CALLS, SYSTEM = "page faults", "calls and bytes copied", "system calls"
_STEP_BYTES = 65536
Row = Mapping[str, float]


class Known(NamedTuple):
    """kind: which finding it belongs to. truth: of a row, as far as the strategy determines it."""

    kind: str
    strategy: str
    column: str
    truth: Callable[[Row], float]


def _payload(row: Row) -> float:
    return row["rows"] * row["row_bytes"]


# Why these are so stands in harness/selftest/known.h, and with each strategy in kernels/strategies.
# watched_reallocs calls calloc for each block that it saw move.
KNOWN = (
    Known(FAULTS, "fresh_pages", "cold_build_minor_fault_count", lambda row: row["rows"]),
    Known(CALLS, "loop_and_append", "malloc_count", lambda row: row["rows"]),
    Known(CALLS, "loop_and_append", "free_count", lambda row: row["rows"] - 1),
    Known(CALLS, "loop_and_append", "realloc_count", lambda row: 0),
    Known(
        CALLS,
        "loop_and_append",
        "copied_bytes",
        lambda row: row["row_bytes"] * row["rows"] * (row["rows"] - 1) / 2,
    ),
    Known(
        CALLS,
        "loop_and_append",
        "peak_requested_bytes",
        lambda row: row["row_bytes"] * (2 * row["rows"] - 1),
    ),
    Known(CALLS, "loop_and_append", "leaked_bytes", lambda row: 0),
    Known(CALLS, "watched_reallocs", "realloc_count", lambda row: row["rows"]),
    Known(CALLS, "watched_reallocs", "realloc_moved_count", lambda row: row["calloc_count"]),
    Known(
        CALLS,
        "watched_reallocs",
        "realloc_in_place_count",
        lambda row: row["rows"] - 1 - row["calloc_count"],
    ),
    Known(
        CALLS,
        "watched_reallocs",
        "realloc_moved_bytes",
        lambda row: row["end_requested_bytes"] - _payload(row),
    ),
    Known(CALLS, "watched_reallocs", "release_free_count", lambda row: row["calloc_count"] + 1),
    Known(SYSTEM, "fresh_pages", "strategy_mmap_count", lambda row: 1),
    Known(
        SYSTEM,
        "reserve_then_commit",
        "strategy_mprotect_count",
        lambda row: -(-_payload(row) // _STEP_BYTES),
    ),
)
_ADVICE = {
    FAULTS: "do not trust page faults and what is explained by them; the kernel may fault in "
    "several pages at once (/sys/kernel/mm/transparent_hugepage)",
    CALLS: "do not trust the trace pass; ctest -R trace shows more",
    SYSTEM: "do not trust system calls in the trace pass; ctest -R trace shows more",
}


def measure(bench: Bench) -> pd.DataFrame:
    """Page faults without the interposer, all else with it."""
    kinds = {
        "faults": ([known.strategy for known in KNOWN if known.kind == FAULTS], PAGES, "measure"),
        "calls": ([known.strategy for known in KNOWN if known.kind != FAULTS], ROWS, "trace"),
    }
    page = os.sysconf("SC_PAGESIZE")
    runs = []
    for name, (strategies, rows, kind) in kinds.items():
        words = [*bench.known(",".join(dict.fromkeys(strategies))), *bench.chosen()]
        size = f"--rows {rows} --row-bytes {page} --rounds 3 --passes {kind}"
        runs.append(bench.run(name, *words, *size.split()).rows)
    return pd.concat(runs, ignore_index=True)


def judge(rows: pd.DataFrame) -> list[Finding]:
    failed = failures(rows)
    if failed:
        return [Finding("all workers succeed", failed, FAILED, "growbench doctor says more")]
    rows = rows[rows["status"] == OK].reset_index(drop=True)
    return [_of_kind(kind, rows) for kind in (FAULTS, CALLS, SYSTEM)]


def _of_kind(kind: str, rows: pd.DataFrame) -> Finding:
    wanted = [known for known in KNOWN if known.kind == kind]
    expected = f"{len(wanted)} known number{'s' * (len(wanted) > 1)} of {kind}, exactly"
    wrong = [text for known in wanted for text in _wrong(known, rows)]
    if wrong:
        more = f" (and {len(wrong) - 1} more)" if len(wrong) > 1 else ""
        return Finding(expected, wrong[0] + more, FAILED, _ADVICE[kind])
    missing = [known for known in wanted if _counted(known, rows).empty]
    if missing:
        reasons = [text for text in rows["untraced_reason"].unique() if text]
        why = reasons[0] if reasons else f"there is no {missing[0].column}"
        return Finding(expected, f"not counted here: {why}", UNKNOWN, "growbench doctor says more")
    allocators = sorted({name for known in wanted for name in _counted(known, rows)["allocator"]})
    return Finding(expected, f"all, on {', '.join(allocators)}", PASSED)


def _counted(known: Known, rows: pd.DataFrame) -> pd.DataFrame:
    return rows[(rows["strategy"] == known.strategy) & rows[known.column].notna()]


def _wrong(known: Known, rows: pd.DataFrame) -> Iterator[str]:
    """Where it is another number. Of several rounds the smallest counts: a page that the kernel
    took away meanwhile, say, can only add to it."""
    for allocator, group in _counted(known, rows).groupby("allocator"):
        row = group.loc[group[known.column].idxmin()].to_dict()
        truth, got = known.truth(row), row[known.column]
        if got != truth:
            where = f"{known.strategy} on {allocator}"
            yield f"{where}: {known.column} {got:,.0f} instead of {truth:,.0f}"


def run(bench: Bench) -> Outcome:
    return Outcome(judge(measure(bench)))


CHECK = Check("counts", "planted page faults, copies and calls are counted right", run)
