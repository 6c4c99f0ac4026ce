"""A/A: do equal things differ by nothing? What they differ by is the machine's theta."""

import pandas as pd

from growbench.comparison.confirmation import combine, flagged
from growbench.comparison.pair import HEADLINES_AND_PEAK, both_sides
from growbench.comparison.same_machine import (
    FASTER,
    SLOWER,
    Comparison,
    Settings,
    compare,
    threshold_from,
)
from growbench.comparison.side import allocator_options, read_side
from growbench.metrics import metric
from growbench.selftest.bench import Bench, Measured, failures, load_in_words
from growbench.selftest.check import FAILED, PASSED, UNKNOWN, Check, Finding, Outcome
from growbench.tables import percent

RUN = "aa"
STRATEGIES = (
    "preallocate_zeroed,realloc_doubling,realloc_x1.5,chunked_list,list_of_pointers,std_vector"
)
ROWS = "100,3k,100k"
# With more than this no slowdown that people ask about can be seen.
MOST_THETA = 0.20
_METRICS = [metric(name) for name in HEADLINES_AND_PEAK]


def measure(bench: Bench, name: str) -> Measured:
    """The same worker under two labels, next to each other in each round."""
    itself = read_side("")
    words = [*allocator_options(itself, itself, ["glibc"]), "--implementations", "c,cpp"]
    words += ["--strategies", STRATEGIES, "--rows", ROWS, "--passes", "measure"]
    return bench.run(name, *words, "--rounds", str(bench.rounds))


def compared(rows: pd.DataFrame) -> Comparison:
    return compare(*both_sides(rows), _METRICS, Settings(paired=True))


def confirmed(bench: Bench, first: Comparison) -> Comparison:
    """As a live comparison: what looks different is judged on fresh data."""
    wanted = flagged(first)
    if wanted.empty:
        return first
    rows = measure(bench, "aa-again").rows
    fresh = compare(*both_sides(rows), _METRICS, first.settings, only=wanted)
    return combine(first, fresh)


def judge(first: Comparison, last: Comparison, failed: str, load: str) -> list[Finding]:
    """first: sets theta. last: says what differs; both may be the same. failed, load: in words."""
    theta = threshold_from([first]).family_threshold
    expected = f"none of {len(last.families)} families differs, and theta is at most "
    expected += f"{MOST_THETA:.0%}"
    if failed:
        return [Finding(expected, failed, FAILED, "growbench doctor says more")]
    different = last.families[last.families["verdict"].isin([SLOWER, FASTER])]
    if len(different):
        row = different.iloc[0]
        got = f"{row['strategy']}, {row['metric']}: {percent(row['ratio'])} "
        got += f"({percent(row['ci_low'])} to {percent(row['ci_high'])}), on fresh data as well"
        advice = "do not trust comparisons: something distinguishes equal things; make aa shows all"
        return [Finding(expected, got, FAILED, advice)]
    if first.families["ci_low"].isna().all():
        return [Finding(expected, "too few rounds for intervals", UNKNOWN, "more --rounds")]
    cells = threshold_from([first]).cell_threshold
    got = f"none; theta is {theta:.1%} for families, {cells:.1%} for single cells"
    if theta <= MOST_THETA:
        return [Finding(expected, got, PASSED)]
    advice = f"noisy: stop other programs and try again ({load})"
    return [Finding(expected, got, UNKNOWN, advice)]


def run(bench: Bench) -> Outcome:
    measured = measure(bench, RUN)
    first = compared(measured.rows)
    last = confirmed(bench, first)
    findings = judge(first, last, failures(measured.rows), load_in_words(measured.machine))
    theta = threshold_from([first])
    figures = {
        "theta_family_share": theta.family_threshold,
        "theta_cell_share": theta.cell_threshold,
        "rounds_count": float(measured.rows["round"].max()),
        "steal_share": float(measured.rows["steal_ns"].sum() / measured.rows["worker_ns"].sum()),
    }
    return Outcome(findings, figures)


CHECK = Check(RUN, "A/A: equal things differ by nothing", run)
