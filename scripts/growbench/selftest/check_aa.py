"""A/A: do equal things differ by nothing? What they differ by is the machine's theta."""

import numpy as np
import pandas as pd

from growbench.comparison.confirmation import combine, flagged
from growbench.comparison.pair import HEADLINES_AND_PEAK, both_sides
from growbench.comparison.same_machine import (
    Comparison,
    FASTER,
    LEAST_THRESHOLD,
    SLOWER,
    Settings,
    compare,
    in_blocks,
    threshold_from,
)
from growbench.comparison.side import allocator_options, read_side
from growbench.data.metrics import metric
from growbench.selftest.bench import Bench, Measured, failures, is_loaded, noisy
from growbench.selftest.check import Check
from growbench.selftest.outcome import FAILED, Finding, Outcome, PASSED, UNKNOWN
from growbench.tables.table import percent

RUN = "aa"
STRATEGIES = (
    "preallocate_zeroed,realloc_doubling,realloc_x1.5,chunked_list,list_of_pointers,std_vector"
)
ROWS = "100,3k,100k"
# Which all cells of a default run have: those with wide intervals have more.
ROUNDS_OF_A_RUN = 6
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


def theta_of(rows: pd.DataFrame) -> Settings:
    """The thresholds for runs of as many rounds as the default preset has."""
    base, new = (in_blocks(side, ROUNDS_OF_A_RUN) for side in both_sides(rows))
    pairs = (compare(*pair, _METRICS, Settings(paired=True)) for pair in zip(base, new))
    return threshold_from(list(pairs))


def judge(
    last: Comparison, theta: Settings, failed: str, loaded: bool, advice: str
) -> list[Finding]:
    """last: says what differs. theta: as theta_of() has it. failed: in words. loaded: theta is
    only believed where it is the least there is. advice: if theta is too large."""
    largest = LEAST_THRESHOLD if loaded else MOST_THETA
    expected = f"none of {len(last.families)} families differs, and theta is at most "
    expected += f"{largest:.0%} for them{' while the machine is loaded' if loaded else ''}"
    if failed:
        return [Finding(expected, failed, FAILED, "growbench doctor says more")]
    different = last.families[last.families["verdict"].isin([SLOWER, FASTER])]
    if len(different):
        row = different.iloc[0]
        got = f"{row['strategy']}, {row['metric']}: {percent(row['ratio'])} "
        got += f"({percent(row['ci_low'])} to {percent(row['ci_high'])}), on fresh data as well"
        why = "do not trust comparisons: something distinguishes equal things; make aa shows all"
        return [Finding(expected, got, FAILED, why)]
    if not np.isfinite(last.families["visible_ratio"]).all():
        got = "too few rounds: nothing could have been found"
        return [Finding(expected, got, UNKNOWN, "more --rounds")]
    got = (
        f"none; theta is {theta.family_threshold:.1%} for families, {theta.cell_threshold:.1%} for "
        f"single cells, of {ROUNDS_OF_A_RUN} rounds"
    )
    if theta.family_threshold <= largest:
        return [Finding(expected, got, PASSED)]
    return [Finding(expected, got, UNKNOWN, advice)]


def run(bench: Bench) -> Outcome:
    measured = measure(bench, RUN)
    rows = measured.rows
    last = confirmed(bench, compared(rows))
    theta = theta_of(rows)
    machine = measured.machine
    findings = judge(last, theta, failures(rows), is_loaded(machine), noisy(machine))
    figures = {
        "theta_family_share": theta.family_threshold,
        "theta_cell_share": theta.cell_threshold,
        "rounds_count": float(rows["round"].max()),
    }
    return Outcome(findings, figures)


CHECK = Check(RUN, "A/A: equal things differ by nothing", run)
