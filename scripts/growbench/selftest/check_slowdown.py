"""Is a planted slowdown of 20% found, and is it found to be 20%?"""

import numpy as np
import pandas as pd

from growbench.comparison.pair import both_sides
from growbench.comparison.side import allocator_options, read_side
from growbench.data.metrics import HEADLINES, Metric, metric
from growbench.selftest.bench import Bench, Measured, failures, is_loaded, noisy
from growbench.selftest.check import Check
from growbench.selftest.outcome import FAILED, Finding, Outcome, PASSED, UNKNOWN
from growbench.statistics.shift import paired_shift
from growbench.tables.table import factor, percent

STRATEGY, PERCENT = "slowed_doubling", 20
PLANTED = 1.0 + PERCENT / 100.0
# Chance alone must not tell a user that the machine is broken.
CONFIDENCE = 0.999
# The plant itself: a slow-down ends with a reading of the clock.
PLANT_ERROR = 0.01
MOST_BY_LOAD = 2.0


def measure(bench: Bench) -> Measured:
    base, new = read_side("GROWBENCH_SLOWER=0"), read_side(f"GROWBENCH_SLOWER={PERCENT}")
    words = [*bench.known(STRATEGY), *allocator_options(base, new, ["glibc"])]
    words += ["--rows", "10k,100k", "--passes", "measure", "--rounds", str(bench.rounds)]
    return bench.run("slowdown", *words)


def ratios(rows: pd.DataFrame, wanted: Metric) -> np.ndarray:
    """Of each round the logarithm of new / base, the mean over the sizes."""
    sides = [
        pd.Series(np.log(wanted.values(side).to_numpy(dtype=float)))
        .groupby([side["round"].to_numpy(), side["rows"].to_numpy()])
        .first()
        for side in both_sides(rows)
    ]
    return (sides[1] - sides[0]).groupby(level=0).mean().dropna().to_numpy()


def judge(name: str, logs: np.ndarray, loaded: bool, advice: str) -> Finding:
    """logs: as ratios() returns them. loaded: what takes longer is interrupted more often as well,
    so that it may seem to be slower than it is. advice: if the machine is too noisy."""
    expected = f"{name.lower()}: {percent(PLANTED)} was planted, and the interval holds it"
    shift = paired_shift(logs.reshape(1, -1), CONFIDENCE)
    ratio, low, high = (float(np.exp(side[0])) for side in (shift.shift, shift.low, shift.high))
    if not np.isfinite(low):
        return Finding(expected, f"{len(logs)} rounds are too few", UNKNOWN, "more --rounds")
    got = f"{percent(ratio)} ({percent(low)} to {percent(high)}, {CONFIDENCE:.1%} interval)"
    above = low / (1.0 + PLANT_ERROR) > PLANTED
    if above and loaded and low <= MOST_BY_LOAD * PLANTED:
        return Finding(expected, got, UNKNOWN, advice)
    if above or high * (1.0 + PLANT_ERROR) < PLANTED:
        why = "do not trust any ratio of times; make validate-statistics shows more"
        return Finding(expected, got, FAILED, why)
    if low > 1.0:
        return Finding(expected, got, PASSED)
    return Finding(expected, f"{got}, which does not tell it from nothing", UNKNOWN, advice)


def run(bench: Bench) -> Outcome:
    measured = measure(bench)
    failed = failures(measured.rows)
    if failed:
        expected = f"a strategy that takes {factor(PLANTED)} times as long can be measured"
        return Outcome([Finding(expected, failed, FAILED, "growbench doctor says more")])
    loaded, advice = is_loaded(measured.machine), noisy(measured.machine)
    wanted = [metric(name) for name in HEADLINES]
    return Outcome([judge(one.label, ratios(measured.rows, one), loaded, advice) for one in wanted])


CHECK = Check("slowdown", f"a planted slowdown of {PERCENT}% is found", run)
