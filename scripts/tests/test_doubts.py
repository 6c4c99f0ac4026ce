"""Each doubt is raised by what it is for, and not by what comes just short of that."""

import re

import numpy as np
import pandas as pd
import pytest
from conftest import build_runs, fail, one_cell

from growbench.analysis.doubts import CONCLUSIONS, DOUBTS
from growbench.analysis.measured import COLD, PEAK, TAIL, WARM, measured_in
from growbench.analysis.summary import summarise
from growbench.data.columns import COLUMNS

QUANTILES = {n: f"warm_build_release_p{n}_ns" for n in (25, 50, 75, 95)}
QUANTILES_KNOWN = [c.name for c in COLUMNS if re.fullmatch(r"warm_build_release_p\d+_ns", c.name)]
WARM_NS, LEAST_NS = "warm_build_release_median_ns", "warm_build_release_min_ns"
EQUAL = [100_000.0] * 10
MILLION, SECOND = 10**6, 10**9


def doubts(runs: pd.DataFrame, allocator: str = "glibc") -> list[str]:
    summary = summarise(runs)
    (found,) = summary.loc[summary["allocator"] == allocator, "doubts"]
    return found.split(";") if found else []


def warm(values, allocator="glibc", **columns) -> pd.DataFrame:
    # Whatever the headline is, and its quantiles where this version has them.
    every = {name: values for name in (*QUANTILES_KNOWN, WARM_NS)}
    cell = one_cell(len(values), **{**every, **columns})
    return cell.assign(allocator=allocator)


def clocked(values, **columns) -> pd.DataFrame:
    """Beside a probe of a clock that takes 100 ns."""
    probe = one_cell(1).assign(probe_ns=100.0, strategy="clock", **{"pass": "probe"})
    cell = warm(values, **columns)
    if "warm_timing_build_count" in cell:
        cell["warm_timing_build_count"] = np.nan
    return beside(cell, probe)


def cold(values, **columns) -> pd.DataFrame:
    zeros = [0] * len(values)
    columns = {"cold_build_ns": values, "cold_release_ns": zeros, "cold_scan_ns": zeros, **columns}
    return one_cell(len(values), **columns)


def beside(*cells: pd.DataFrame) -> pd.DataFrame:
    return pd.concat(cells, ignore_index=True)


def spread(low, high, low_count=3, count=10):
    """Three at either end, so that the interval goes from one to the other."""
    return [low] * low_count + [100_000] * (count - 2 * low_count) + [high] * low_count


def scattered(half: float, count=10, seed=2) -> np.ndarray:
    """Values without a gap whose interval is about ±half wide."""
    return 100_000.0 * np.exp(np.linspace(-1.3 * half, 1.3 * half, count))


def waited(share: float, of: int = 10) -> pd.DataFrame:
    """Cold builds that take twice as long in `of` workers, which did not run in `share` of it."""
    wall = [2 * MILLION] * of + [MILLION] * (10 - of)
    ran = [round(wall[0] * (1 - share))] * of + [MILLION] * (10 - of)
    return cold(wall, cold_user_ns=ran, cold_system_ns=[1000] * 10)


def lost(column: str, some: int, amount: int, longer: float, worker_ns: int) -> pd.DataFrame:
    """In `some` of ten workers so much, and their times are so many times as long."""
    times = [100_000.0 * longer] * some + list(scattered(0.02))[some:]
    taken = [amount] * some + [0] * (10 - some)
    return warm(times, worker_ns=[worker_ns] * 10, **{column: taken})


def among_others(count: int) -> pd.DataFrame:
    """A cell of so many workers beside two of ten."""
    return beside(warm(EQUAL[:count]), warm(EQUAL, "scudo"), warm(EQUAL, "jemalloc"))


def next_to(other: float, make=warm, values=scattered(0.15)) -> pd.DataFrame:
    """A cell whose interval is about ±15% wide beside one that takes so long."""
    return beside(make(values), make([other] * 10).assign(allocator="scudo"))


def peak(low: int, high: int, **columns) -> pd.DataFrame:
    return one_cell(10, peak_memory_bytes=[low] * 3 + [MILLION] * 4 + [high] * 3, **columns)


def switched(count: int, least_ns: float) -> pd.DataFrame:
    """Workers that were preempted so often, and whose smallest value of 100,000 ns was that."""
    columns = {"involuntary_switch_count": [count] * 10, LEAST_NS: [least_ns] * 10}
    return warm(EQUAL, **columns)


def crowded(threads: int, cpus: list) -> pd.DataFrame:
    return one_cell(10, threads=[threads] * 10, cpu_count=cpus)


def with_quantiles(p25: float, p75: float, p95) -> pd.DataFrame:
    """A cell whose single builds have these quantiles, as shares of their median."""
    runs = warm(EQUAL)
    for percent, share in ((25, p25), (50, 1.0), (75, p75), (95, p95)):
        runs[QUANTILES[percent]] = 100_000.0 * np.array(share)
    return runs


STEP = [100_000.0, 130_000.0] * 5
RISING = np.linspace(100e3, 115e3, 10)
FAULTS = {"cold_build_major_fault_count": [0] * 6 + [1] * 4}
ONE, TWO = ({"warm_iteration_count": [count] * 10} for count in (1, 2))

# DOUBT:FIGURE, or several of them; runs that raise it, and those that come just short of it; of the
# cell under glibc.
CASES = [
    # Where all are so, the run is in doubt and not each of its cells.
    (
        "few:warm few:cold",
        among_others(5),
        [among_others(6), beside(warm(EQUAL[:5]), warm(EQUAL[:5], "scudo"))],
    ),
    ("wide:warm", warm(spread(88_000, 112_000)), [warm(spread(92_000, 108_000))]),
    # One worker of ten on either side is no doubt, however far it is.
    (
        "wide:cold",
        cold(spread(88_000, 112_000)),
        [cold(spread(92_000, 108_000)), cold(spread(50_000, 500_000, 1))],
    ),
    # A peak that is too small to be read is no figure.
    (
        "wide:peak",
        peak(900_000, 1_150_000),
        [
            peak(950_000, 1_050_000),
            peak(900_000, 1_150_000, peak_resolution_bytes=[200_000] * 10),
        ],
    ),
    ("vague:warm", warm(spread(75_000, 133_000)), [warm(spread(82_000, 122_000))]),
    ("vague:cold", cold(spread(75_000, 133_000)), [cold(spread(82_000, 122_000))]),
    ("vague:peak", peak(700_000, 1_400_000), [peak(850_000, 1_150_000)]),
    # Whoever takes 12% longer comes before or after, whoever takes 30% longer after; who takes as
    # long is equal, not out of order; nor is what has another size.
    (
        "unordered:warm",
        next_to(112_000.0),
        [
            next_to(130_000.0),
            next_to(105_000.0),
            beside(warm(scattered(0.15)), warm([112_000.0] * 10, "scudo").assign(rows=9)),
        ],
    ),
    ("unordered:warm", next_to(89_000.0), [next_to(78_000.0)]),
    (
        "unordered:cold",
        next_to(112_000, cold, spread(80_000, 120_000)),
        [next_to(190_000, cold, spread(80_000, 120_000))],
    ),
    ("bimodal:warm", warm([1e5] * 6 + [1.2e5] * 4), [warm([1e5] * 6 + [1.08e5] * 4)]),
    # Two of ten are a minority that the median resists.
    ("bimodal:warm", warm([1e5] * 7 + [1.5e5] * 3), [warm([1e5] * 8 + [1.5e5] * 2)]),
    # As wide, without a gap.
    ("bimodal:warm", warm([1e5] * 5 + [1.3e5] * 5), [warm(np.linspace(100e3, 130e3, 10))]),
    ("bimodal:warm", warm([1e5] * 5 + [1.3e5] * 4), [warm([1e5] * 4 + [1.3e5] * 4)]),
    # A state of the machine is that of the neighbours as well.
    (
        "bimodal:warm",
        beside(warm(STEP), warm(EQUAL, "scudo")),
        [beside(warm(STEP), warm([50_000.0, 65_000.0] * 5, "scudo"))],
    ),
    ("bimodal:cold", cold([100_000] * 6 + [120_000] * 4), [cold([100_000] * 8 + [150_000] * 2)]),
    ("drift:warm", warm(RISING), [warm(np.linspace(100e3, 104e3, 10))]),
    ("drift:warm", warm(np.linspace(100e3, 120e3, 7)), [warm(np.linspace(100e3, 120e3, 6))]),
    (
        "drift:cold diverging:cold",
        cold(range(115_000, 100_000, -1500)),
        [cold([100_000, 110_000] * 5)],
    ),
    # What neighbours do as well is no difference.
    (
        "diverging:warm",
        beside(warm(RISING), warm(EQUAL, "scudo")),
        [beside(warm(RISING), warm(RISING / 2, "scudo"))],
    ),
    (
        "preempted:cold",
        waited(0.5),
        [
            waited(0.04),
            # Several threads may wait for each other.
            waited(0.5).assign(threads=2, cpu_count=2),
            # What a quota or the disk held up is not another process's doing.
            waited(0.5).assign(throttled_ns=1.0),
            waited(0.5).assign(cold_build_major_fault_count=1.0),
            # Ticks of 10 ms are no time that a build of 2 ms ran.
            waited(0.5).assign(cold_user_ns=0.0, cold_system_ns=0.0),
        ],
    ),
    # Half of the workers decide on a median, three of ten do not.
    ("preempted:cold", waited(0.5, 5), [waited(0.5, 3)]),
    ("preempted:warm", switched(5, 80e3), [switched(4, 80e3), switched(9, 96e3)]),
    # A tick of 10 ms says nothing; of a second it is too little in any case.
    (
        "steal:warm",
        lost("steal_ns", 10, 70 * MILLION, 1.0, SECOND),
        [lost("steal_ns", 10, 59 * MILLION, 1.0, SECOND)],
    ),
    (
        "steal:warm",
        lost("steal_ns", 10, 20 * MILLION, 1.0, 10 * MILLION),
        [lost("steal_ns", 10, 10 * MILLION, 1.0, 10 * MILLION)],
    ),
    (
        "steal:warm",
        lost("steal_ns", 5, 500 * MILLION, 2.0, SECOND),
        [lost("steal_ns", 1, 500 * MILLION, 2.0, SECOND)],
    ),
    (
        "steal:cold",
        lost("steal_ns", 10, 70 * MILLION, 1.0, SECOND),
        [lost("steal_ns", 4, 70 * MILLION, 1.0, SECOND)],
    ),
    (
        "throttled:warm",
        lost("throttled_ns", 6, 80 * MILLION, 2.0, SECOND),
        [lost("throttled_ns", 6, 40 * MILLION, 2.0, SECOND)],
    ),
    (
        "throttled:warm",
        lost("throttled_ns", 5, 80 * MILLION, 1.0, SECOND),
        [lost("throttled_ns", 2, 80 * MILLION, 2.0, SECOND)],
    ),
    (
        "throttled:cold",
        lost("throttled_ns", 6, 80 * MILLION, 1.0, SECOND),
        [lost("throttled_ns", 4, 80 * MILLION, 1.0, SECOND)],
    ),
    (
        "major_faults:cold",
        one_cell(10, cold_build_major_fault_count=[0] * 5 + [1] * 5),
        [one_cell(10, **FAULTS)],
    ),
    # Four of ten, whose builds the others' median would not be without.
    (
        "major_faults:cold",
        cold([100_000] * 3 + [115_000] * 3 + [300_000] * 4, **FAULTS),
        [cold([100_000] * 6 + [300_000] * 4, **FAULTS)],
    ),
    ("oversubscribed:warm oversubscribed:cold", crowded(4, [2] * 10), [crowded(2, [2] * 10)]),
    ("oversubscribed:warm", crowded(2, [1] + [2] * 9), [one_cell(10, cpu_count=[np.nan] * 10)]),
    # The other is where nobody knows what the clock costs.
    (
        "short:warm",
        clocked([9_999.0] * 10, **ONE),
        [clocked([10_000.0] * 10, **ONE), warm([9_999.0] * 10, **ONE)],
    ),
    (
        "short:warm",
        clocked([4_999.0] * 6 + [10_000.0] * 4, **TWO),
        [clocked([4_999.0] * 4 + [10_000.0] * 6, **TWO)],
    ),
    # These look at what files before version 5 do not have.
    ("bimodal:warm", with_quantiles(0.9, 1.2, 1.2), [with_quantiles(0.95, 1.1, 1.2)]),
    ("slow_builds:warm", with_quantiles(0.9, 1.0, 2.1), [with_quantiles(0.9, 1.0, 1.9)]),
    (
        "bimodal:tail",
        with_quantiles(1.0, 1.0, [1.1] * 6 + [1.4] * 4),
        [with_quantiles(1.0, 1.0, [1.1] * 8 + [1.4] * 2)],
    ),
]
# Asked of the tail as well, and of nothing that the tail has of its own.
AS_OF_WARM = {"oversubscribed:tail"}


def test_every_doubt_of_every_figure_has_its_cases():
    asked = {f"{doubt.name}:{figure}" for doubt in DOUBTS for figure in doubt.figures}
    assert {name for names, *_ in CASES for name in names.split()} | AS_OF_WARM == asked


@pytest.mark.parametrize("names, over, short", CASES)
def test_the_doubt_is_raised_and_not_just_short_of_it(names, over, short):
    assert set(names.split()) <= set(doubts(over))
    for runs in short:
        assert not set(names.split()) & set(doubts(runs))


def test_a_file_without_quantiles_is_not_asked_about_them():
    runs = one_cell()
    runs[QUANTILES_KNOWN] = np.nan
    assert doubts(runs) == []


def test_every_doubt_says_what_it_touches():
    for doubt in DOUBTS:
        assert doubt.meaning and doubt.figures and set(doubt.conclusions) <= set(CONCLUSIONS)
        assert set(doubt.figures) <= {COLD, WARM, PEAK, TAIL}, "exact counts are never doubted"


def test_a_calm_cell_has_no_doubts():
    assert doubts(one_cell()) == []


def test_doubts_stand_in_the_order_of_the_table():
    runs = one_cell(10, threads=[4] * 10, cpu_count=[2] * 10, throttled_ns=[MILLION * 25] * 10)
    names = [doubt.name for doubt in DOUBTS]
    found = [doubt.partition(":")[0] for doubt in doubts(runs)]
    assert set(found) == {"throttled", "oversubscribed"}
    assert found == sorted(found, key=names.index)


def test_doubts_of_one_cell_do_not_reach_another():
    calm, disturbed = one_cell(), one_cell(10, cold_build_major_fault_count=[1] * 10)
    runs = beside(calm, disturbed.assign(allocator="scudo"))
    assert doubts(runs) == []
    assert doubts(runs, "scudo") == ["major_faults:cold"]


def test_what_was_not_measured_does_not_count():
    runs = one_cell(10, cold_build_major_fault_count=[0] * 4 + [1] * 6)
    assert doubts(runs) == ["major_faults:cold"]
    assert doubts(fail(runs, runs["round"] >= 8, "crashed")) == []


def test_one_disturbed_worker_of_ten_is_no_doubt():
    """However it was disturbed: a median resists it."""
    for column, value in (
        ("involuntary_switch_count", 100),
        ("throttled_ns", 40 * MILLION),
        ("steal_ns", 40 * MILLION),
        ("cold_build_major_fault_count", 9),
        ([WARM_NS, *QUANTILES_KNOWN], 1e6),
        ("cold_build_ns", 10**8),
    ):
        runs = one_cell()
        runs.loc[runs["round"] == 4, column] = value
        assert doubts(runs) == [], str(column)


def test_what_moves_all_neighbours_alike_is_no_doubt_about_differences():
    """Each block of a restless machine is up to 20% slower, all of it alike."""
    restless = np.random.default_rng(1).uniform(1.0, 1.5, 10)
    cells = [warm(1e5 * size * restless, name) for size, name in ((1, "glibc"), (2, "b"), (3, "c"))]
    assert doubts(beside(*cells)) == []
    # A cell alone may have done that by itself.
    assert [name for name in doubts(cells[0]) if name.startswith("wide")] == ["wide:warm"]


def test_an_interval_next_to_neighbours_is_about_the_cells_own_median():
    random = np.random.default_rng(1)
    restless = random.uniform(1.0, 1.5, 10)
    cells = [warm(1e5 * restless * random.lognormal(0.0, 0.01, 10), name) for name in "abcdefghij"]
    measured, _ = measured_in(beside(*cells))
    own, compared = measured.order(measured.logs(WARM)), measured.compared(WARM)
    assert (compared.half_width < own.half_width).all()
    assert ((compared.low <= own.median) & (own.median <= compared.high)).all()


@pytest.mark.parametrize("noise", [0.01, 0.03])
def test_a_quiet_run_has_hardly_any_doubts(noise):
    """1% and 3% between workers: below one cell in a hundred."""
    runs = build_runs(noise=noise, seed=5)
    summary = summarise(runs)
    cells = summary[summary["ok_count"] > 0]
    assert (cells["doubts"] != "").mean() < 0.01
