"""The tracer's cost, against numbers worked out by hand."""

import pytest
from full_runs import full_run

from growbench.analysis.tracer_cost import tracer_cost


def one_cell(cold_ns: float, traced_ns: float):
    runs, _ = full_run(["realloc_doubling"], ["glibc"], [1000], 3, noise=0.0)
    runs.loc[runs["pass"] == "measure", "cold_build_ns"] = cold_ns * 0.75
    runs.loc[runs["pass"] == "measure", "cold_release_ns"] = cold_ns * 0.25
    runs.loc[runs["pass"] == "trace", "traced_build_release_ns"] = traced_ns
    return runs


def test_it_is_traced_over_untraced_build_and_release():
    (cell,) = tracer_cost(one_cell(2e6, 5e6)).cells.to_dict("records")
    assert (cell["cold_ns"], cell["traced_ns"]) == (2e6, 5e6)
    assert cell["ratio"] == pytest.approx(2.5)


def test_cells_below_a_millisecond_do_not_count():
    assert tracer_cost(one_cell(0.99e6, 5e6)).cells.empty
    assert "no cell" in tracer_cost(one_cell(0.99e6, 5e6)).text()


def test_the_text_has_the_median_the_most_and_how_many_are_above_the_goal():
    text = tracer_cost(one_cell(2e6, 8e6)).text()
    assert "4.00 times" in text and "above 3 times in 1" in text
    assert "realloc_doubling on glibc, 1,000 rows of 80 bytes, 2.00 ms" in text


def test_a_trace_that_failed_does_not_count():
    runs = one_cell(2e6, 8e6)
    runs.loc[runs["pass"] == "trace", "status"] = "untraced"
    assert tracer_cost(runs).cells.empty
