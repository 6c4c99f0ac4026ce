"""Summaries of runs whose answers are known by hand."""

import numpy as np
import pandas as pd
import pytest
from conftest import build_runs, fail, one_cell

from growbench.data.metrics import METRICS
from growbench.analysis.summary import summarise


def only_row(runs: pd.DataFrame) -> pd.Series:
    summary = summarise(runs)
    assert len(summary) == 1
    return summary.iloc[0]


def test_estimates_are_the_order_statistics_of_the_workers():
    cell = only_row(one_cell(10, cold_build_ns=[50, 10, 20, 30, 40, 60, 70, 80, 90, 100]))
    assert cell["cold_build_median_ns"] == 55
    assert cell["cold_build_min_ns"] == 10
    assert (cell["cold_build_ci_low_ns"], cell["cold_build_ci_high_ns"]) == (20, 90)


def test_cold_build_release_adds_up_each_worker_before_the_median():
    cell = only_row(one_cell(3, cold_build_ns=[10, 20, 90], cold_release_ns=[50, 5, 1]))
    assert cell["cold_build_release_median_ns"] == 60
    assert cell["cold_build_release_min_ns"] == 25


def test_fewer_than_six_workers_have_no_interval():
    cell = only_row(one_cell(5))
    assert cell["warm_build_release_median_ns"] > 0
    assert np.isnan([cell["warm_build_release_ci_low_ns"], cell["peak_memory_ratio_ci_low"]]).all()


def test_every_metric_has_its_four_columns():
    columns = summarise(one_cell()).columns
    for metric in METRICS:
        for estimate in ("median", "min", "ci_low", "ci_high"):
            assert f"{metric.name}_{estimate}_{metric.unit}" in columns


def test_the_peak_is_divided_by_the_payload():
    peaks = [1_600_000, 800_000, 2_400_000]
    cell = only_row(one_cell(3, peak_memory_bytes=peaks))
    assert cell["payload_bytes"] == 800_000
    assert cell["peak_memory_ratio"] == 2.0


@pytest.mark.parametrize("resolution, empty", [(160_000, False), (160_001, True), (np.nan, True)])
def test_the_ratio_is_empty_where_the_resolution_is_over_a_fifth_of_the_payload(resolution, empty):
    cell = only_row(one_cell(6, peak_resolution_bytes=[resolution] * 6))
    ratio = cell[["peak_memory_ratio", "peak_memory_ratio_ci_low", "peak_memory_ratio_ci_high"]]
    assert ratio.isna().all() if empty else ratio.notna().all()
    assert cell["peak_memory_median_bytes"] > 0


LAST = ([7, 8], "skipped_rounds", "6 of 8 rounds")


@pytest.mark.parametrize(
    "failures, status, detail, median",
    [
        ([], "ok", "", 4.5),
        ([([7, 8], "crashed", "signal 11")], "partial", "signal 11", 3.5),
        # The detail is that of the first that is not ok.
        ([([8], "timeout", "9 s"), ([7], "crashed", "signal 6")], "partial", "signal 6", 3.5),
        ([(range(9), "unavailable", "gone")], "unavailable", "gone", np.nan),
        ([(range(5), "crashed", "6"), (range(5, 9), "timeout", "9 s")], "partial", "6", np.nan),
        # Rounds that the plan skipped do no harm.
        ([LAST], "ok", "", 3.5),
        ([LAST, ([6], "crashed", "signal 11")], "partial", "signal 11", 3.0),
        ([(range(9), *LAST[1:])], "skipped_rounds", "", np.nan),
    ],
)
def test_the_status_is_what_the_workers_have_in_common(failures, status, detail, median):
    runs = one_cell(8, cold_build_ns=[1, 2, 3, 4, 5, 6, 7, 1000])
    failed = set()
    for rounds, *what in failures:
        runs = fail(runs, runs["round"].isin(rounds), *what)
        failed |= set(rounds) - {0}
    cell = only_row(runs)
    assert (cell["status"], cell["status_detail"]) == (status, detail)
    assert (cell["worker_count"], cell["ok_count"]) == (8, 8 - len(failed))
    assert cell["cold_build_median_ns"] == pytest.approx(median, nan_ok=True)
    assert cell["doubts"] == "" or len(failed) < 8


def test_predictions_are_kept():
    cell = only_row(build_runs(["loop_and_append"], ["glibc"], [100_000], rounds=3))
    assert cell["status"] == "skipped_predicted"
    assert cell["predicted_cold_build_release_ns"] > 1e9
    assert cell["predicted_warm_build_release_ns"] > 1e9


def test_the_order_of_the_rows_changes_nothing():
    runs = build_runs(["chunked_list", "realloc_x1.5"], ["glibc", "scudo"], [10, 1000])
    shuffled = runs.sample(frac=1.0, random_state=1).reset_index(drop=True)
    pd.testing.assert_frame_equal(summarise(runs), summarise(shuffled))


def test_cells_of_other_work_are_kept_apart():
    runs = one_cell(4)
    runs.loc[runs["round"] > 2, "work"] = "random"
    assert len(summarise(runs)) == 2


@pytest.mark.parametrize("other", ["trace", "latency", "probe"])
def test_only_the_measure_pass_is_summarised(other):
    runs = one_cell(4)
    runs.loc[runs["round"] > 2, "pass"] = other
    cell = only_row(runs)
    assert (cell["worker_count"], cell["pass"]) == (2, "measure")
    runs["pass"] = other
    assert summarise(runs).empty
