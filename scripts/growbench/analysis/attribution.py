"""Why a cold build takes the time that it takes: counts of the trace pass x costs of the probes.

The model is a sum of parts. Each is a function of the cells' counts and the machine's costs, with
its formula in its docstring; PARTS lists them, and files and plots follow that table. What the sum
leaves over, or is too much, is `rest_ns`: the model is not fitted to the measurements.

Assumptions of all parts: an operation costs in the build what it costs in the probe; operations do
not overlap; the threads of a cell share the CPUs evenly and do not slow each other down, so that
the time is the sum over all threads / min(threads, CPUs).

NumPy and Python: what the interpreter takes to run the build's statements was measured with these
statements on arrays that do not grow, so it holds making the rows, writing them, and the objects
that each statement makes. Of such cells it stands for `write_ns`, which is 0 there; copies, page
faults, calls that reached malloc and system calls are of what grew, and are counted as in C. What
is in both is counted once as long as the small objects of a statement are served by the layers
before malloc (`layers_before_malloc`), so that no call of theirs is among those that reached it; a
run without these layers, such as one with PYTHONMALLOC=malloc, has them in both parts.
"""

from typing import Callable, NamedTuple

import numpy as np
import pandas as pd

from growbench.data.columns import CELL, MEASURE
from growbench.data.exact import CALLS, SYSTEM_CALLS
from growbench.data.statuses import OK
from growbench.data.implementations import COMPILED
from growbench.analysis.limits import Costs
from growbench.analysis.traces import trace_rows

# Of runs that do not say it, which were all made on x86-64.
_PAGE_BYTES = 4096.0
# How many block sizes stand for all that were copied, in copy_cost().
_BLOCK_SIZES = 64
# Explained well enough, and cells short enough for the clock and start-up effects to matter.
EXPLAINED_LOW, EXPLAINED_HIGH = 0.75, 1.25
# Of fewer values one that was disturbed moves the middle: others are to be taken as well.
FEWEST_VALUES = 3
# So many of them are to be explained.
EXPLAINED_GOAL = 0.9
LEAST_NS = 100_000.0

_REALLOCS = (
    "realloc_count",
    *(f"realloc_{how}_count" for how in ("in_place", "moved", "remapped")),
)
_TRACE_COLUMNS = (
    *CALLS,
    *_REALLOCS[1:],
    "realloc_failed_count",
    "realloc_moved_bytes",
    "realloc_remapped_bytes",
    "strategy_copied_bytes",
    "copied_bytes",
    "peak_moving_bytes",
    "allocator_unmapped_bytes",
    *SYSTEM_CALLS,
)
# Of the measure pass, besides the keys.
_MEASURED_COLUMNS = (
    "cpu_count",
    "page_bytes",
    "touch_page_ns",
    "interpreter_ns",
    "cold_build_minor_fault_count",
    "cold_build_huge_fault_count",
    "cold_build_huge_fault_bytes",
)
# What counted() reads of runs.csv, besides a row's keys.
COUNTED_COLUMNS = frozenset({*_TRACE_COLUMNS, *_MEASURED_COLUMNS})
_FAULTS = ["page_fault_count", "huge_fault_count", "huge_fault_bytes"]


def interpreter_ns(cells: pd.DataFrame, costs: Costs) -> np.ndarray:
    """What the interpreter takes to run the build's statements: `interpreter_ns`, the median over
    the workers, x threads. 0 for what is compiled; nan where nobody has measured it. Of a cell with
    fewer than 3 workers it is that of all allocators, which have little part in it.

    Assumption: a statement takes as long on an array that does not grow, apart from what the other
    parts count; threads, if there are several, take turns.
    """
    del costs
    measured = cells["interpreter_ns"].to_numpy(float) * cells["threads"].to_numpy(float)
    return np.where(cells["implementation"].isin(COMPILED), 0.0, measured)


def write_ns(cells: pd.DataFrame, costs: Costs) -> np.ndarray:
    """written_ns(), and for memory that no page fault of the build brought what the probe `store`
    takes more in the last level of cache than in the nearest; or 0 where the interpreter's part
    has it: see the module's text.

    That memory is what is live at once at most, less what page faults brought. Assumption: what an
    allocator had before the build, such as the rest of a huge page, is where it was cleared: in the
    last level of cache. It is not known, and 0, where nobody has counted faults of huge pages.
    """
    nearest, last = costs.per_byte("store")
    brought = _ordinary_bytes(cells) + cells["huge_fault_bytes"].to_numpy(float)
    there = np.maximum(_live_bytes(cells) - brought, 0.0)
    fetched = _times(np.nan_to_num(there), max(last - nearest, 0.0))
    within = ~cells["implementation"].isin(COMPILED) & cells["interpreter_ns"].notna()
    return np.where(within, 0.0, written_ns(cells, costs) + fetched)


def written_ns(cells: pd.DataFrame, costs: Costs) -> np.ndarray:
    """rows x threads x the probe `append` of that row size.

    Assumption: rows are written to where the cache already is; what it takes to get there is in
    the page faults, and in write_ns. The probe's rows are cheap to make: random ones cost more,
    which is rest.
    """
    prices = {size: costs.machine("append", size) for size in cells["row_bytes"].unique()}
    append = cells["row_bytes"].map(prices).to_numpy(float)
    return _times((cells["rows"] * cells["threads"]).to_numpy(float), append)


def copy_ns(cells: pd.DataFrame, costs: Costs) -> np.ndarray:
    """Bytes copied by realloc, and by the strategy itself, x copy_cost() of their block sizes.

    Assumption: a strategy that copies makes a new block each time, so that it copied as many
    blocks as it called malloc. Blocks that mremap moved cost no copy.
    """
    moved = (cells["realloc_moved_bytes"] - cells["realloc_remapped_bytes"]).to_numpy(float)
    moves = (cells["realloc_moved_count"] - cells["realloc_remapped_count"]).to_numpy(float)
    # Where system calls were not seen, nothing moved is still nothing copied.
    none = (cells["realloc_moved_count"] == 0).to_numpy()
    moved, moves = np.where(none, 0.0, moved), np.where(none, 0.0, moves)
    own = cells["strategy_copied_bytes"].to_numpy(float)
    largest = (cells["rows"] * cells["row_bytes"]).to_numpy(float)
    of_realloc = copy_cost(largest, moved / np.maximum(moves, 1.0), costs)
    of_strategy = copy_cost(largest, own / np.maximum(_fresh_blocks(cells), 1.0), costs)
    return _times(moved, of_realloc) + _times(own, of_strategy)


def copy_cost(largest: np.ndarray, mean: np.ndarray, costs: Costs) -> np.ndarray:
    """ns per byte of copying blocks of up to `largest` bytes that are `mean` bytes in the mean.

    Formula: block sizes s have the density s^(p - 1) on 0 to `largest`, whose mean is
    p / (p + 1) x largest, so p = mean / (largest - mean): 1 where each append copies all there
    is (the mean is half of the largest), near 0 where capacities grow by a factor. The bytes
    copied then have the density s^p, and the cost is the integral of r(s) s^p over that of s^p.
    r(s) is the probe `copy` over its size: linear in log s between the sizes that were probed,
    constant beyond them. The integral is taken at the middles of 64 equal shares of the bytes.
    """
    mean = np.minimum(mean, 0.98 * largest)
    with np.errstate(divide="ignore", invalid="ignore"):
        power = np.where(largest > 0, mean / (largest - mean), 0.0)
    share = (np.arange(_BLOCK_SIZES) + 0.5) / _BLOCK_SIZES
    block = largest[:, None] * share[None, :] ** (1.0 / (power[:, None] + 1.0))
    return costs.machine_at("copy", block, per_byte=True).mean(axis=1)


def fault_ns(cells: pd.DataFrame, costs: Costs) -> np.ndarray:
    """Minor page faults of the build that brought one ordinary page x what such a page costs just
    then.

    It is the median over the workers of faults x price. The price is the median over all workers of
    a round of `touch_page_ns`, what some pages of a worker's own took just before its build: so a
    machine whose speed changes is priced round by round, and no worker that was disturbed sets a
    price. Of a round with fewer than 3 workers it is that of the run. Where the run has fewer than
    3 as well, it is the probe `touch` for the memory that a thread has at once (few pages come from
    the kernel's list for the CPU, many do not): `peak_moving_bytes`, since pages that were given
    back come from that list again, or what was touched if that is less. Without that probe it is
    the lowest of the few workers', as what disturbs makes it dearer.

    Where nobody has counted the faults that brought a huge page, all are taken for ordinary ones.
    """
    faults = cells["small_fault_count"].to_numpy(float)
    threads = cells["threads"].to_numpy(float)
    extent = np.minimum(_ordinary_bytes(cells), _live_bytes(cells)) / threads
    probed = pd.Series(_times(faults, costs.machine_at("touch", extent)), cells.index)
    return cells["own_fault_ns"].fillna(probed).to_numpy(float)


def huge_fault_ns(cells: pd.DataFrame, costs: Costs) -> np.ndarray:
    """Page faults of the build that brought a huge page x the probe `touch_huge` at their mean
    size, and what it takes to get their bytes into the nearest cache where something is written to
    them: `fill_huge` over the size, less `store` in the nearest cache. nan where nobody has counted
    them.

    Such a page is larger than the caches of a core, so that what is cleared at once has left them
    when it is written. Assumptions: rows and copies go to ordinary pages as far as there are any,
    and then each to memory of its own, as far as there is any; what a huge page costs is linear in
    its size between the sizes that were probed, so that pages of several sizes cost what as many
    of their mean size do.
    """
    faults, brought = (cells[f"huge_fault_{of}"].to_numpy(float) for of in ("count", "bytes"))
    size = _huge_page_bytes(cells)
    written = (cells["payload_bytes"] + cells["copied_bytes"].fillna(0.0)).to_numpy(float)
    written = np.maximum(written - _ordinary_bytes(cells), 0.0)
    nearest, _ = costs.per_byte("store")
    filling = costs.machine_between("fill_huge", size) / np.maximum(size, 1.0)
    fetching = np.maximum(filling - nearest, 0.0)
    touching = _times(faults, costs.machine_between("touch_huge", size))
    return touching + _times(np.minimum(written, brought), fetching)


def _live_bytes(cells: pd.DataFrame) -> np.ndarray:
    """The most that was requested and live at once; the payload where nobody has traced it."""
    return cells["peak_moving_bytes"].fillna(cells["payload_bytes"]).to_numpy(float)


def _ordinary_bytes(cells: pd.DataFrame) -> np.ndarray:
    """What the page faults brought that were none of huge pages."""
    return (cells["small_fault_count"] * cells["page_bytes"]).to_numpy(float)


def _huge_page_bytes(cells: pd.DataFrame) -> np.ndarray:
    """The mean size of the huge pages that were touched; 0 where there were none."""
    faults = cells["huge_fault_count"].fillna(0.0).to_numpy(float)
    return cells["huge_fault_bytes"].fillna(0.0).to_numpy(float) / np.maximum(faults, 1.0)


def allocator_ns(cells: pd.DataFrame, costs: Costs) -> np.ndarray:
    """Calls x the probes of that allocator, at the row size nearest to the cell's.

    Blocks that live on when the build ends, or are freed only once all are there, come one after
    the other: `malloc_run` each. For each free there was another malloc: `malloc_free` / 2 for it,
    and `free_run` for the free. A realloc in place is `realloc_in_place`; one that moved is a
    malloc and a free, `malloc_free`, and the copy is in copy_ns.
    """
    names, sizes = cells["allocator"].tolist(), cells["row_bytes"].tolist()
    malloc_run, malloc_free, free_run, in_place = (
        costs.allocators(probe, names, sizes)
        for probe in ("malloc_run", "malloc_free", "free_run", "realloc_in_place")
    )
    fresh, freed = _fresh_blocks(cells), cells["free_count"].to_numpy(float)
    kept = np.maximum(fresh - freed, 0.0)
    return (
        _times(kept, malloc_run)
        + _times(fresh - kept, malloc_free / 2.0)
        + _times(freed, free_run)
        + _times(cells["realloc_in_place_count"].to_numpy(float), in_place)
        + _times(cells["realloc_moved_count"].to_numpy(float), malloc_free)
    )


def system_ns(cells: pd.DataFrame, costs: Costs) -> np.ndarray:
    """System calls x their probes, and pages given back x the probes `untouch` and `untouch_huge`.

    mmap and munmap cost `mmap_munmap` / 2 each, brk `brk` / 2, mprotect `mprotect`, madvise the
    empty `system_call`. An mremap that moved a block costs `mremap` of the mean size of these
    blocks, any other `mremap_grow`. Pages that were given back were touched before, so there are
    no more of them than page faults brought. Assumption: of all kinds of pages the same share was
    given back.
    """

    def count(column: str) -> np.ndarray:
        return cells[f"{column}_count"].to_numpy(float)

    unmapped = cells["allocator_unmapped_bytes"].to_numpy(float)
    small = cells["small_fault_count"].to_numpy(float)
    huge, brought = (
        cells[f"huge_fault_{of}"].fillna(0.0).to_numpy(float) for of in ("count", "bytes")
    )
    of_huge = brought / np.maximum(_ordinary_bytes(cells) + brought, 1.0)
    page, huge_page = cells["page_bytes"].to_numpy(float), _huge_page_bytes(cells)
    pages = np.minimum(unmapped * (1.0 - of_huge) / page, small)
    huge_pages = np.minimum(unmapped * of_huge / np.maximum(huge_page, 1.0), huge)
    at_a_time = unmapped / np.maximum(count("allocator_munmap") + count("allocator_madvise"), 1.0)
    moves = np.minimum(count("realloc_remapped"), count("allocator_mremap"))
    moved = cells["realloc_remapped_bytes"].to_numpy(float) / np.maximum(moves, 1.0)
    maps = count("allocator_mmap") + count("allocator_munmap") + count("strategy_mmap")
    protects = count("allocator_mprotect") + count("strategy_mprotect")
    return (
        _times(pages, costs.machine_at("untouch", at_a_time))
        + _times(huge_pages, costs.machine_between("untouch_huge", huge_page))
        + _times(moves, costs.machine_at("mremap", moved))
        + _times(count("allocator_mremap") - moves, costs.machine("mremap_grow"))
        + _times(maps, costs.machine("mmap_munmap") / 2.0)
        + _times(protects, costs.machine("mprotect"))
        + _times(count("allocator_brk"), costs.machine("brk") / 2.0)
        + _times(count("allocator_madvise"), costs.machine("system_call"))
    )


class Part(NamedTuple):
    """One part of the time. name: its column. label: for people. ns: for each cell, the sum over
    all threads; nan where a count or a cost is unknown."""

    name: str
    label: str
    ns: Callable[[pd.DataFrame, Costs], np.ndarray]


PARTS = (
    Part("interpreter_ns", "interpreter", interpreter_ns),
    Part("write_ns", "writing rows", write_ns),
    Part("copy_ns", "copying", copy_ns),
    Part("fault_ns", "page faults", fault_ns),
    Part("huge_fault_ns", "huge page faults", huge_fault_ns),
    Part("allocator_ns", "allocator calls", allocator_ns),
    Part("system_ns", "system calls", system_ns),
)


def parts_of(cells: pd.DataFrame) -> tuple[Part, ...]:
    """The parts that these cells can have: without an interpreter's where all are compiled, and
    without huge pages where none was given one."""
    left_out = []
    if cells["implementation"].isin(COMPILED).all():
        left_out.append(interpreter_ns)
    if not (cells["huge_fault_ns"] > 0).any():
        left_out.append(huge_fault_ns)
    return tuple(part for part in PARTS if part.ns not in left_out)


def attribute(runs: pd.DataFrame, summary: pd.DataFrame, limits: pd.DataFrame) -> pd.DataFrame:
    """One row for each cell of `summary` that has figures: what was done, and what that took.

    runs, summary, limits: of one run, as read_runs(), summarise() and machine_limits() give them.
    Columns: the cell; payload_bytes; trace_status (of the cell's row of the trace pass, "" if it
    has none); the counts: reallocs in place, moved, remapped; copied_bytes and copy_amplification
    = copied_bytes / payload_bytes; page_fault_count, huge_fault_count and huge_fault_bytes
    (medians over the workers of the measure pass), allocator_call_count, system_call_count,
    unmapped_bytes; cold_build_ns (median); the PARTS; rest_ns = cold_build_ns - their sum;
    explained_share = their sum / cold_build_ns; unknown_parts: those that are nan, separated by
    ";", which count as 0 in these two (but not huge faults that nobody counted: fault_ns has
    them); floor_ns: to write the payload and touch its pages once; floor_ratio = cold_build_ns /
    floor_ns.
    """
    costs = Costs(limits)
    cells = counted(runs, summary, costs)
    measured = cells["cold_build_ns"].to_numpy(float)
    parts = parts_ns(cells, costs)
    # That there is no interpreter, or no huge page, explains nothing, where nothing else is known.
    compiled = cells["implementation"].isin(COMPILED).to_numpy()
    told = parts.assign(
        interpreter_ns=parts["interpreter_ns"].where(~compiled),
        huge_fault_ns=parts["huge_fault_ns"].where(parts["huge_fault_ns"] > 0),
    )
    explained = told.sum(axis=1, min_count=1).to_numpy(float)
    payload = (cells["rows"] * cells["row_bytes"]).to_numpy(float)
    floor = (written_ns(cells, costs) + _touched_once_ns(cells, payload, costs)) / _at_once(cells)

    table = cells[[*CELL, "payload_bytes", "trace_status", *_REALLOCS, "copied_bytes"]].copy()
    table["copy_amplification"] = _ratio(cells["copied_bytes"], cells["payload_bytes"])
    table[_FAULTS] = cells[_FAULTS]
    table["allocator_call_count"] = _sum(cells, *CALLS)
    table["system_call_count"] = _sum(cells, *SYSTEM_CALLS)
    table["unmapped_bytes"] = cells["allocator_unmapped_bytes"]
    table["cold_build_ns"] = measured
    table = pd.concat([table, parts], axis=1)
    table["rest_ns"] = measured - explained
    table["explained_share"] = _ratio(explained, measured)
    unknown = unknown_parts(cells, parts)
    table["unknown_parts"] = [
        ";".join(part.name for part, missing in zip(PARTS, row) if missing)
        for row in unknown.to_numpy()
    ]
    table["floor_ns"] = floor
    table["floor_ratio"] = _ratio(measured, floor)
    return table


def parts_ns(cells: pd.DataFrame, costs: Costs) -> pd.DataFrame:
    """A column for each of PARTS: what it takes of the time of these cells, as counted() has them,
    at these costs."""
    at_once = _at_once(cells)
    parts = {part.name: part.ns(cells, costs) / at_once for part in PARTS}
    return pd.DataFrame(parts, index=cells.index)


def unknown_parts(cells: pd.DataFrame, parts: pd.DataFrame) -> pd.DataFrame:
    """Which of the parts_ns() of these cells are not known; but not huge faults that nobody
    counted, which fault_ns has."""
    unknown = parts.isna()
    unknown["huge_fault_ns"] &= cells["huge_fault_count"].notna()
    return unknown


def _at_once(cells: pd.DataFrame) -> np.ndarray:
    """How many of its threads ran at the same time, for each cell."""
    cpus = cells["cpu_count"].where(cells["cpu_count"] > 0, cells["threads"])
    return np.minimum(cells["threads"], cpus).to_numpy(float)


def counted(runs: pd.DataFrame, summary: pd.DataFrame, costs: Costs) -> pd.DataFrame:
    """The measured cells, with the counts of their trace rows, the CPUs that they had, and what
    PARTS take as the median over their workers.

    Of `summary` only CELL, ok_count, payload_bytes and the medians of the cold build and of its
    faults are needed.
    """
    keys = list(CELL)
    columns = {
        "cold_build_median_ns": "cold_build_ns",
        "cold_build_minor_fault_median_count": "page_fault_count",
    }
    cells = summary[summary["ok_count"] > 0].rename(columns=columns)
    cells = cells[[*keys, "payload_bytes", *columns.values()]]
    is_measured = (runs["status"] == OK) & (runs["pass"] == MEASURE)
    measured = runs[[*keys, "round", *_MEASURED_COLUMNS]][is_measured]
    of_workers = _of_workers(measured, not np.isnan(costs.machine("touch")))
    medians = of_workers.groupby(keys).median().reset_index()
    cells = cells.merge(trace_rows(runs, _TRACE_COLUMNS), "left", keys)
    cells = cells.merge(medians, "left", keys)
    return cells.assign(trace_status=cells["trace_status"].fillna(""))


def _of_workers(measured: pd.DataFrame, probed: bool) -> pd.DataFrame:
    """What a cell has as the median over its workers, one row for each. probed: there is a probe
    of a page as well."""
    faults = measured["cold_build_minor_fault_count"]
    small = faults - measured["cold_build_huge_fault_count"].fillna(0.0)
    return measured[list(CELL)].assign(
        cpu_count=measured["cpu_count"],
        page_bytes=measured["page_bytes"].fillna(_PAGE_BYTES),
        small_fault_count=small,
        huge_fault_count=measured["cold_build_huge_fault_count"],
        huge_fault_bytes=measured["cold_build_huge_fault_bytes"],
        own_fault_ns=small * _page_ns(measured, probed),
        interpreter_ns=_interpreter_ns(measured),
    )


def _page_ns(measured: pd.DataFrame, probed: bool) -> pd.Series:
    """What a page cost when each of these rows was made; nan where the probe has to say it."""
    price = measured["touch_page_ns"]
    if probed and price.count() < FEWEST_VALUES:
        return price * np.nan
    return _middle(price, measured["round"], pd.Series(0, measured.index))


def _interpreter_ns(measured: pd.DataFrame) -> pd.Series:
    """What the interpreter takes of each of these rows; nan of what is compiled."""
    every = measured.index
    measured = measured[~measured["implementation"].isin(COMPILED)]
    cell = measured.groupby(list(CELL), sort=False).ngroup()
    wider = [column for column in CELL if column != "allocator"]
    of_all = measured.groupby(wider, sort=False).ngroup()
    return _middle(measured["interpreter_ns"], cell, of_all).reindex(every)


def _middle(values: pd.Series, group: pd.Series, wider: pd.Series) -> pd.Series:
    """For each value the median of its group; of one of fewer than FEWEST_VALUES that of its wider
    group; and of one that has as few the smallest of them. What is nan is left out."""
    narrow, wide = values.groupby(group), values.groupby(wider)
    enough = wide.transform("count") >= FEWEST_VALUES
    found = wide.transform("median").where(enough, wide.transform("min"))
    return narrow.transform("median").where(narrow.transform("count") >= FEWEST_VALUES, found)


def _touched_once_ns(cells: pd.DataFrame, payload: np.ndarray, costs: Costs) -> np.ndarray:
    """To touch each page of a payload once, in all threads: of ordinary pages, or, in a run that
    was given huge ones, with as many of the largest that it was given as fit, if that takes less.
    """
    page = cells["page_bytes"].to_numpy(float)
    small_ns = costs.machine_at("touch", payload)
    least = np.ceil(payload / page) * small_ns
    huge = _huge_page_bytes(cells).max(initial=0.0)
    if huge > 0:
        whole = payload // huge
        rest = np.ceil((payload - whole * huge) / page)
        mixed = whole * costs.machine_between("touch_huge", np.array(huge)) + rest * small_ns
        least = np.fmin(least, mixed)
    return _times(least * cells["threads"].to_numpy(float), 1.0)


def _fresh_blocks(cells: pd.DataFrame) -> np.ndarray:
    """Calls that made a new block: malloc and its like, and realloc of no block."""
    resized = cells["realloc_in_place_count"] + cells["realloc_moved_count"]
    of_nothing = cells["realloc_count"] - resized - cells["realloc_failed_count"]
    return _sum(cells, "malloc_count", "calloc_count", "aligned_count") + of_nothing.to_numpy()


def _sum(cells: pd.DataFrame, *columns: str) -> np.ndarray:
    return cells[list(columns)].sum(axis=1, skipna=False).to_numpy(float)


def _times(count: np.ndarray, cost: object) -> np.ndarray:
    """count x cost, and 0 where there were none, whatever they would cost."""
    return np.where(count == 0.0, 0.0, count * np.asarray(cost, dtype=float))


def _ratio(a: object, b: object) -> np.ndarray:
    top, bottom = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(bottom > 0, top / bottom, np.nan)


class Explained(NamedTuple):
    """How far the model explains the C cells that are long enough.

    cells: those of which all parts are known. within: those of them with an explained_share from
    75% to 125%. unknown: how many were left out, as a part is unknown.
    """

    cells: pd.DataFrame
    within: int
    unknown: int

    @property
    def share(self) -> float:
        """Of the cells, those within; nan without cells."""
        return self.within / len(self.cells) if len(self.cells) else float("nan")

    def text(self) -> str:
        """The goal's line."""
        count = len(self.cells)
        share = f"{self.share:.0%}" if count else "-"
        line = (
            f"explained {EXPLAINED_LOW:.0%} to {EXPLAINED_HIGH:.0%} in {self.within} of {count} "
            f"cold C cells of 100 \N{MICRO SIGN}s and more ({share})"
        )
        left_out = (
            f"; {self.unknown} more have parts that are unknown: were the probes run, and could "
            "system calls be counted (untraced_reason)?"
        )
        return line + (left_out if self.unknown else "")


def explained(attribution: pd.DataFrame) -> Explained:
    """How well the cold builds of our own kernels that take 100 us or more are explained."""
    long = (attribution["cold_build_ns"] >= LEAST_NS) & (attribution["implementation"] == "c")
    known = long & (attribution["unknown_parts"] == "")
    cells = attribution[known]
    within = cells["explained_share"].between(EXPLAINED_LOW, EXPLAINED_HIGH)
    return Explained(cells, int(within.sum()), int(long.sum() - known.sum()))
