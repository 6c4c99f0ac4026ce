"""Allocator against allocator."""

import numpy as np
import pandas as pd
import pytest
from conftest import build_runs, fail, one_cell

from growbench.analysis.pair_comparison import as_text, beyond_threshold, compare_pairs
from growbench.data.metrics import metric
from growbench.statistics.order import median_interval

WARM = metric("warm_build_release")


def two(a, b) -> pd.DataFrame:
    """A run of one cell on allocators a and b, with these warm times in each round."""
    runs = []
    for name, values in (("a", a), ("b", b)):
        run = one_cell(len(values), warm_build_release_median_ns=values)
        run["allocator"] = name
        runs.append(run)
    return pd.concat(runs, ignore_index=True).sample(frac=1.0, random_state=5)


def test_the_ratio_pairs_the_rounds():
    a, b = [1.0, 2.0, 9.0, 4.0, 5.0, 6.0, 7.0], [2.0, 3.0, 1.0, 4.0, 9.0, 3.0, 8.0]
    (row,) = compare_pairs(two(a, b), "a", "b", WARM).to_dict("records")
    logs = np.log(a) - np.log(b)
    expected = np.exp([np.median(logs), *median_interval(logs)])
    assert [row["ratio"], row["ci_low"], row["ci_high"]] == pytest.approx(expected)
    assert row["round_count"] == 7


def test_a_round_that_one_of_them_lacks_is_left_out():
    runs = two([1.0, 2.0, 3.0], [1.0, 1.0, 1.0])
    runs = fail(runs, (runs["allocator"] == "b") & (runs["round"] == 3), "crashed")
    (row,) = compare_pairs(runs, "a", "b", WARM).to_dict("records")
    assert row["round_count"] == 2
    assert row["ratio"] == pytest.approx(np.sqrt(2.0))
    assert np.isnan(row["ci_low"])


def test_each_cell_is_compared_on_its_own():
    runs = build_runs(["chunked_list", "realloc_x1.5"], ["glibc", "scudo"], [10, 1000])
    table = compare_pairs(runs, "glibc", "scudo", WARM)
    assert len(table) == 4
    one = runs[(runs["strategy"] == "chunked_list") & (runs["rows"] == 10)]
    alone = compare_pairs(one, "glibc", "scudo", WARM)
    pd.testing.assert_frame_equal(table[: len(alone)], alone)


def test_cells_that_only_one_allocator_has_are_not_compared():
    runs = two([1.0] * 6, [1.0] * 6)
    runs.loc[runs["allocator"] == "b", "rows"] = 99
    assert compare_pairs(runs, "a", "b", WARM).empty


def test_beyond_the_threshold_is_the_same_whichever_comes_first():
    ratios = pd.Series([1.0, 1.0499, 1.0501, 1 / 1.0499, 1 / 1.0501])
    assert beyond_threshold(ratios, 5.0) == beyond_threshold(1 / ratios, 5.0) == (2, 5)
    assert beyond_threshold(ratios, 5.0).share == 0.4


def test_the_table_shows_ratio_and_interval_and_a_dash_where_there_is_none():
    text = as_text(compare_pairs(two([3.0] * 6, [2.0] * 6), "a", "b", WARM))
    assert text.split("\n")[1].split()[-3:] == ["1.500", "1.500", "1.500"]
    text = as_text(compare_pairs(two([3.0] * 5, [2.0] * 5), "a", "b", WARM))
    assert text.split("\n")[1].split()[-2:] == ["1.500", "-"]
