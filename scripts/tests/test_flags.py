"""Each flag is tripped by what it is for, and not by what comes just short of that."""

import numpy as np
import pandas as pd
import pytest
from conftest import fail, one_cell

from growbench.analysis.flags import FLAGS
from growbench.analysis.summary import summarise

WARM = "warm_build_release_median_ns"
EQUAL = [100_000.0] * 10


def flags(runs: pd.DataFrame) -> list[str]:
    (found,) = summarise(runs)["flags"]
    return found.split(";") if found else []


def warm(values) -> pd.DataFrame:
    return one_cell(len(values), warm_build_release_median_ns=values)


def cold(values) -> pd.DataFrame:
    zeros = [0] * len(values)
    return one_cell(len(values), cold_build_ns=values, cold_release_ns=zeros)


# name: (runs that trip it, runs that come just short of it)
CASES = {
    "ci_wide": [
        (warm([88_000] * 3 + [100_000] * 4 + [112_000] * 3), warm([91_000] * 3 + EQUAL[:7])),
        (cold([88_000] * 3 + [100_000] * 4 + [112_000] * 3), cold([91_000] * 3 + [100_000] * 7)),
    ],
    "spread": [
        (warm([100_000.0] * 9 + [151_000.0]), warm([100_000.0] * 9 + [149_000.0])),
        (cold([100_000] * 9 + [151_000]), cold([100_000] * 9 + [149_000])),
    ],
    "outlier": [
        # The scaled MAD of 98, 99, 100, 101, 102 is 1.48.
        (
            warm([98e3, 99e3, 100e3, 101e3, 102e3] * 2 + [108e3]),
            warm([98e3, 99e3, 100e3, 101e3, 102e3] * 2 + [107e3]),
        ),
        (warm(EQUAL[:9] + [101_000.0]), warm(EQUAL[:9] + [100_001.0])),
    ],
    "drift": [
        (warm(np.linspace(100e3, 115e3, 10)), warm(np.linspace(100e3, 104e3, 10))),
        (cold(range(115_000, 100_000, -1500)), cold([100_000, 110_000] * 5)),
        (warm(np.linspace(100e3, 120e3, 6)), warm(np.linspace(100e3, 120e3, 5))),
    ],
    "short": [
        (
            one_cell(10, warm_build_release_median_ns=EQUAL, warm_iteration_count=[4] + [5] * 9),
            one_cell(10, warm_build_release_median_ns=EQUAL, warm_iteration_count=[5] * 10),
        )
    ],
    "steal": [
        (
            one_cell(10, worker_ns=[10**9] * 10, steal_ns=[20_000_000] + [0] * 9),
            one_cell(10, worker_ns=[10**9] * 10, steal_ns=[10_000_000] * 10),
        ),
        (
            one_cell(10, worker_ns=[10**7] * 10, steal_ns=[20_000_000] + [0] * 9),
            one_cell(10, worker_ns=[10**7] * 10, steal_ns=[10_000_000] * 10),
        ),
        (
            one_cell(10, worker_ns=[10**10] * 10, steal_ns=[110_000_000] + [0] * 9),
            one_cell(10, worker_ns=[10**10] * 10, steal_ns=[100_000_000] * 10),
        ),
    ],
    "throttled": [
        (
            one_cell(10, throttled_ns=[0] * 9 + [1]),
            one_cell(10, throttled_ns=[0] * 10),
        )
    ],
    "preempted": [
        (
            one_cell(10, involuntary_switch_count=[1] * 6 + [0] * 4),
            one_cell(10, involuntary_switch_count=[9] * 5 + [0] * 5),
        )
    ],
    "major_faults": [
        (
            one_cell(10, cold_build_major_fault_count=[0] * 9 + [1]),
            one_cell(10, cold_build_major_fault_count=[0] * 10),
        )
    ],
    "oversubscribed": [
        (
            one_cell(10, threads=[4] * 10, cpu_count=[2] * 10),
            one_cell(10, threads=[2] * 10, cpu_count=[2] * 10),
        ),
        (
            one_cell(10, threads=[2] * 10, cpu_count=[1] + [2] * 9),
            one_cell(10, cpu_count=[np.nan] * 10),
        ),
    ],
}


def test_every_flag_has_its_cases():
    assert list(CASES) == [flag.name for flag in FLAGS]


@pytest.mark.parametrize("name, over, short", [(n, *case) for n in CASES for case in CASES[n]])
def test_the_flag_is_set_and_not_just_short_of_it(name, over, short):
    assert name in flags(over)
    assert name not in flags(short)


def test_a_calm_cell_has_no_flags():
    assert flags(one_cell()) == []


def test_flags_stand_in_the_order_of_the_table():
    runs = one_cell(10, involuntary_switch_count=[1] * 10, cold_build_major_fault_count=[1] * 10)
    assert flags(runs) == ["preempted", "major_faults"]


def test_flags_of_one_cell_do_not_reach_another():
    calm, disturbed = one_cell(), one_cell(10, cold_build_major_fault_count=[1] * 10)
    disturbed["allocator"] = "scudo"
    summary = summarise(pd.concat([calm, disturbed], ignore_index=True))
    assert dict(zip(summary["allocator"], summary["flags"])) == {
        "glibc": "",
        "scudo": "major_faults",
    }


def test_what_was_not_measured_does_not_count():
    runs = one_cell(10, cold_build_major_fault_count=[0] * 9 + [1])
    assert flags(fail(runs, runs["round"] == 10, "crashed")) == []
