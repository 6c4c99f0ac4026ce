"""Each doubt is raised by what it is for, and not by what comes just short of that."""

import re

import numpy as np
import pandas as pd
import pytest
from conftest import build_runs, fail, one_cell

from growbench.analysis.doubts import CONCLUSIONS, DOUBTS
from growbench.analysis.measured import COLD, PEAK, TAIL, WARM
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


# (doubt, figure): runs that raise it, runs that come just short of it; of the cell under glibc.
CASES = {
    ("few", WARM): [
        (
            beside(warm(EQUAL[:5]), warm(EQUAL, "scudo"), warm(EQUAL, "jemalloc")),
            beside(warm(EQUAL[:6]), warm(EQUAL, "scudo"), warm(EQUAL, "jemalloc")),
        ),
        # Where all are so, the run is in doubt and not each of its cells.
        (
            beside(warm(EQUAL[:5]), warm(EQUAL, "scudo"), warm(EQUAL, "jemalloc")),
            beside(warm(EQUAL[:5]), warm(EQUAL[:5], "scudo")),
        ),
    ],
    ("few", COLD): [
        (
            beside(warm(EQUAL[:5]), warm(EQUAL, "scudo"), warm(EQUAL, "jemalloc")),
            beside(warm(EQUAL[:6]), warm(EQUAL, "scudo"), warm(EQUAL, "jemalloc")),
        )
    ],
    ("wide", WARM): [(warm(spread(88_000, 112_000)), warm(spread(92_000, 108_000)))],
    ("wide", COLD): [
        (cold(spread(88_000, 112_000)), cold(spread(92_000, 108_000))),
        # One worker of ten on either side is no doubt, however far it is.
        (cold(spread(88_000, 112_000)), cold(spread(50_000, 500_000, 1))),
    ],
    ("wide", PEAK): [
        (
            one_cell(10, peak_memory_bytes=[900_000] * 3 + [MILLION] * 4 + [1_150_000] * 3),
            one_cell(10, peak_memory_bytes=[950_000] * 3 + [MILLION] * 4 + [1_050_000] * 3),
        ),
        # A peak that is too small to be read is no figure.
        (
            one_cell(10, peak_memory_bytes=[900_000] * 3 + [MILLION] * 4 + [1_150_000] * 3),
            one_cell(
                10,
                peak_memory_bytes=[900_000] * 3 + [MILLION] * 4 + [1_150_000] * 3,
                peak_resolution_bytes=[200_000] * 10,
            ),
        ),
    ],
    ("vague", WARM): [(warm(spread(75_000, 133_000)), warm(spread(82_000, 122_000)))],
    ("vague", COLD): [(cold(spread(75_000, 133_000)), cold(spread(82_000, 122_000)))],
    ("vague", PEAK): [
        (
            one_cell(10, peak_memory_bytes=[700_000] * 3 + [MILLION] * 4 + [1_400_000] * 3),
            one_cell(10, peak_memory_bytes=[850_000] * 3 + [MILLION] * 4 + [1_150_000] * 3),
        )
    ],
    ("unordered", WARM): [
        # ±15%: whoever takes 12% longer comes before or after, whoever takes 30% longer after.
        (
            beside(warm(scattered(0.15)), warm([112_000.0] * 10, "scudo")),
            beside(warm(scattered(0.15)), warm([130_000.0] * 10, "scudo")),
        ),
        (
            beside(warm(scattered(0.15)), warm([89_000.0] * 10, "scudo")),
            beside(warm(scattered(0.15)), warm([78_000.0] * 10, "scudo")),
        ),
        # Whoever takes as long is equal, not out of order.
        (
            beside(warm(scattered(0.15)), warm([112_000.0] * 10, "scudo")),
            beside(warm(scattered(0.15)), warm([105_000.0] * 10, "scudo")),
        ),
        # Nor is what has another size.
        (
            beside(warm(scattered(0.15)), warm([112_000.0] * 10, "scudo")),
            beside(warm(scattered(0.15)), warm([112_000.0] * 10, "scudo").assign(rows=9)),
        ),
    ],
    ("unordered", COLD): [
        (
            beside(cold(spread(80_000, 120_000)), cold([112_000] * 10).assign(allocator="scudo")),
            beside(cold(spread(80_000, 120_000)), cold([190_000] * 10).assign(allocator="scudo")),
        )
    ],
    ("bimodal", WARM): [
        (warm([100_000.0] * 6 + [120_000.0] * 4), warm([100_000.0] * 6 + [108_000.0] * 4)),
        # Two of ten are a minority that the median resists.
        (warm([100_000.0] * 7 + [150_000.0] * 3), warm([100_000.0] * 8 + [150_000.0] * 2)),
        # As wide, without a gap.
        (warm([100_000.0] * 5 + [130_000.0] * 5), warm(np.linspace(100e3, 130e3, 10))),
        (warm([100_000.0] * 3 + [130_000.0] * 3), warm([100_000.0] * 3 + [130_000.0] * 2)),
        # A state of the machine is that of the neighbours as well.
        (
            beside(warm([100_000.0, 130_000.0] * 5), warm(EQUAL, "scudo")),
            beside(warm([100_000.0, 130_000.0] * 5), warm([50_000.0, 65_000.0] * 5, "scudo")),
        ),
    ],
    ("bimodal", COLD): [(cold([100_000] * 6 + [120_000] * 4), cold([100_000] * 8 + [150_000] * 2))],
    ("drift", WARM): [
        (warm(np.linspace(100e3, 115e3, 10)), warm(np.linspace(100e3, 104e3, 10))),
        (warm(np.linspace(100e3, 120e3, 6)), warm(np.linspace(100e3, 120e3, 5))),
    ],
    ("drift", COLD): [(cold(range(115_000, 100_000, -1500)), cold([100_000, 110_000] * 5))],
    ("diverging", WARM): [
        # What neighbours do as well is no difference.
        (
            beside(warm(np.linspace(100e3, 115e3, 10)), warm(EQUAL, "scudo")),
            beside(warm(np.linspace(100e3, 115e3, 10)), warm(np.linspace(50e3, 57.5e3, 10), "a")),
        ),
    ],
    ("diverging", COLD): [
        (cold(range(115_000, 100_000, -1500)), cold([100_000, 110_000] * 5)),
    ],
    ("preempted", COLD): [
        (waited(0.5), waited(0.04)),
        # Half of the workers decide on a median, three of ten do not.
        (waited(0.5, 5), waited(0.5, 3)),
        # Several threads may wait for each other.
        (waited(0.5), waited(0.5).assign(threads=2, cpu_count=2)),
        # What a quota or the disk held up is not another process's doing.
        (waited(0.5), waited(0.5).assign(throttled_ns=1.0)),
        (waited(0.5), waited(0.5).assign(cold_build_major_fault_count=1.0)),
        # Ticks of 10 ms are no time that a build of 2 ms ran.
        (waited(0.5), waited(0.5).assign(cold_user_ns=0.0, cold_system_ns=0.0)),
    ],
    ("preempted", WARM): [
        (
            warm(EQUAL, involuntary_switch_count=[5] * 10, **{LEAST_NS: [80_000.0] * 10}),
            warm(EQUAL, involuntary_switch_count=[4] * 10, **{LEAST_NS: [80_000.0] * 10}),
        ),
        (
            warm(EQUAL, involuntary_switch_count=[5] * 10, **{LEAST_NS: [80_000.0] * 10}),
            warm(EQUAL, involuntary_switch_count=[9] * 10, **{LEAST_NS: [96_000.0] * 10}),
        ),
    ],
    ("steal", WARM): [
        # A tick of 10 ms says nothing; of a second it is too little in any case.
        (
            lost("steal_ns", 10, 70 * MILLION, 1.0, SECOND),
            lost("steal_ns", 10, 59 * MILLION, 1.0, SECOND),
        ),
        (
            lost("steal_ns", 10, 20 * MILLION, 1.0, 10 * MILLION),
            lost("steal_ns", 10, 10 * MILLION, 1.0, 10 * MILLION),
        ),
        (
            lost("steal_ns", 5, 500 * MILLION, 2.0, SECOND),
            lost("steal_ns", 1, 500 * MILLION, 2.0, SECOND),
        ),
    ],
    ("steal", COLD): [
        (
            lost("steal_ns", 10, 70 * MILLION, 1.0, SECOND),
            lost("steal_ns", 4, 70 * MILLION, 1.0, SECOND),
        )
    ],
    ("throttled", WARM): [
        (
            lost("throttled_ns", 6, 80 * MILLION, 2.0, SECOND),
            lost("throttled_ns", 6, 40 * MILLION, 2.0, SECOND),
        ),
        (
            lost("throttled_ns", 5, 80 * MILLION, 1.0, SECOND),
            lost("throttled_ns", 2, 80 * MILLION, 2.0, SECOND),
        ),
    ],
    ("throttled", COLD): [
        (
            lost("throttled_ns", 6, 80 * MILLION, 1.0, SECOND),
            lost("throttled_ns", 4, 80 * MILLION, 1.0, SECOND),
        )
    ],
    ("major_faults", COLD): [
        (
            one_cell(10, cold_build_major_fault_count=[0] * 5 + [1] * 5),
            one_cell(10, cold_build_major_fault_count=[0] * 6 + [1] * 4),
        ),
        # Four of ten, whose builds the others' median would not be without.
        (
            cold(
                [100_000] * 3 + [115_000] * 3 + [300_000] * 4,
                cold_build_major_fault_count=[0] * 6 + [1] * 4,
            ),
            cold(
                [100_000] * 6 + [300_000] * 4,
                cold_build_major_fault_count=[0] * 6 + [1] * 4,
            ),
        ),
    ],
    ("oversubscribed", WARM): [
        (
            one_cell(10, threads=[4] * 10, cpu_count=[2] * 10),
            one_cell(10, threads=[2] * 10, cpu_count=[2] * 10),
        ),
        (
            one_cell(10, threads=[2] * 10, cpu_count=[1] + [2] * 9),
            one_cell(10, cpu_count=[np.nan] * 10),
        ),
    ],
    ("oversubscribed", COLD): [
        (
            one_cell(10, threads=[4] * 10, cpu_count=[2] * 10),
            one_cell(10, threads=[2] * 10, cpu_count=[2] * 10),
        )
    ],
    ("short", WARM): [
        (
            clocked([9_999.0] * 10, warm_iteration_count=[1] * 10),
            clocked([10_000.0] * 10, warm_iteration_count=[1] * 10),
        ),
        (
            clocked([4_999.0] * 6 + [10_000.0] * 4, warm_iteration_count=[2] * 10),
            clocked([4_999.0] * 4 + [10_000.0] * 6, warm_iteration_count=[2] * 10),
        ),
        # Where nobody knows what the clock costs.
        (
            clocked([9_999.0] * 10, warm_iteration_count=[1] * 10),
            warm([9_999.0] * 10, warm_iteration_count=[1] * 10),
        ),
    ],
}
# These look at what files before version 5 do not have.
WITH_QUANTILES = {("bimodal", TAIL), ("slow_builds", WARM)}


def with_quantiles(p25: float, p75: float, p95, count: int = 10) -> pd.DataFrame:
    """A cell whose single builds have these quantiles, as shares of their median."""
    runs = warm(EQUAL[:count])
    for percent, share in ((25, p25), (50, 1.0), (75, p75), (95, p95)):
        runs[QUANTILES[percent]] = 100_000.0 * np.array(share)
    return runs


OF_QUANTILES = {
    ("bimodal", WARM): [(with_quantiles(0.9, 1.2, 1.2), with_quantiles(0.95, 1.1, 1.2))],
    ("slow_builds", WARM): [(with_quantiles(1.0, 1.0, 2.1), with_quantiles(1.0, 1.0, 1.9))],
    ("bimodal", TAIL): [
        (
            with_quantiles(1.0, 1.0, [1.1] * 6 + [1.4] * 4),
            with_quantiles(1.0, 1.0, [1.1] * 8 + [1.4] * 2),
        )
    ],
}
# Asked of the tail as well, and of nothing that the tail has of its own.
AS_OF_WARM = {("oversubscribed", TAIL)}


def test_every_doubt_of_every_figure_has_its_cases():
    asked = {(doubt.name, figure) for doubt in DOUBTS for figure in doubt.figures}
    assert set(CASES) | WITH_QUANTILES | AS_OF_WARM == asked
    assert set(OF_QUANTILES) == WITH_QUANTILES | {("bimodal", WARM)}


@pytest.mark.parametrize(
    "name, over, short",
    [
        (f"{doubt}:{figure}", *case)
        for cases in (CASES, OF_QUANTILES)
        for doubt, figure in cases
        for case in cases[doubt, figure]
    ],
)
def test_the_doubt_is_raised_and_not_just_short_of_it(name, over, short):
    assert name in doubts(over)
    assert name not in doubts(short)


def test_the_quantiles_are_those_of_this_version():
    """All of them, or none where single builds are not timed."""
    assert set(QUANTILES.values()) & set(QUANTILES_KNOWN) in (set(QUANTILES.values()), set())


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


@pytest.mark.parametrize("noise", [0.01, 0.03])
def test_a_quiet_run_has_hardly_any_doubts(noise):
    """1% and 3% between workers: below one cell in a hundred."""
    runs = build_runs(noise=noise, seed=5)
    summary = summarise(runs)
    cells = summary[summary["ok_count"] > 0]
    assert (cells["doubts"] != "").mean() < 0.01
