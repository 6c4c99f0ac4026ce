"""The counts of instructions: known answers of a few workers of the pass."""

import numpy as np
import pandas as pd
import pytest
from conftest import build_runs, fail, one_cell, typed

from growbench.analysis.instructions import (
    COLUMNS,
    COUNTED,
    HARDWARE,
    counts_text,
    instructions,
    with_instructions,
)
from growbench.data.columns import CELL, INSTRUCTIONS


def counted(counts, strategies=("realloc_doubling",), allocators=("glibc",)) -> pd.DataFrame:
    """A run of the pass in which round i counts counts[i], 10 * counts[i] and 100 * counts[i]."""
    runs = build_runs(strategies, allocators, [1000], len(counts), noise=0.0)
    runs["pass"] = INSTRUCTIONS
    for i, column in enumerate(counted.column for counted in COUNTED):
        runs[column] = runs["round"].map(lambda number: counts[number - 1] * 10.0**i)
    return typed(runs)


def only(table: pd.DataFrame) -> pd.Series:
    assert len(table) == 1
    return table.iloc[0]


def test_a_run_without_the_pass_has_no_rows_but_all_columns():
    table = instructions(one_cell(3))
    assert table.empty
    assert list(table.columns) == [*CELL, "ok_count", "status", "status_detail", *COLUMNS]


@pytest.mark.parametrize(
    ("counts", "median", "spread"),
    [([500, 500, 500], 500, 0), ([500, 503, 499], 500, 4), ([500, 502], 501, 2)],
)
def test_the_count_is_the_median_and_its_spread_the_whole_range(counts, median, spread):
    row = only(instructions(counted(counts)))
    assert (row["ok_count"], row["status"], row["status_detail"]) == (len(counts), "ok", "")
    for i, of in enumerate(COUNTED):
        assert row[of.column] == median * 10**i
        assert row[of.spread] == spread * 10**i


def test_one_count_has_no_spread():
    row = only(instructions(counted([500])))
    assert row[COUNTED[0].column] == 500 and np.isnan(row[COUNTED[0].spread])


def test_what_was_not_counted_has_its_reason_and_no_count():
    runs = counted([500, 500], allocators=("glibc", "scudo"))
    runs = fail(runs, runs["allocator"] == "scudo", "uncounted", "it does not run under Valgrind")
    table = instructions(runs).set_index("allocator")
    assert list(table["status"]) == ["ok", "uncounted"]
    assert table.loc["scudo", "status_detail"] == "it does not run under Valgrind"
    assert table.loc["scudo", "ok_count"] == 0 and table.loc["scudo", list(COLUMNS)].isna().all()
    assert counts_text(instructions(runs)) == (
        "1 of 2 cells counted; the same to the digit each time: 1 of 1"
    )


def test_one_worker_that_failed_leaves_the_others_counts():
    runs = counted([500, 900, 500])
    runs = fail(runs, runs["round"] == 2, "timeout")
    row = only(instructions(runs))
    assert (row["ok_count"], row["status"]) == (2, "ok")
    assert (row[COUNTED[0].column], row[COUNTED[0].spread]) == (500, 0)


def test_the_text_counts_cells_that_vary():
    steady = counted([500, 500])
    restless = counted([500, 501], strategies=("chunked_list",))
    assert counts_text(instructions(pd.concat([steady, restless]))) == (
        "2 of 2 cells counted; the same to the digit each time: 1 of 2"
    )
    assert counts_text(instructions(counted([500]))) == "1 of 1 cells counted"


def test_cells_have_both_kinds_of_counts_beside_each_other_and_never_mixed():
    measured = build_runs(["realloc_doubling"], ["glibc", "jemalloc"], [1000], 3, noise=0.0)
    measured[HARDWARE[0]] = measured["round"] * 7.0
    runs = typed(pd.concat([measured, counted([500, 500])], ignore_index=True))
    cells = measured[list(CELL)].drop_duplicates().assign(kept=1)
    table = with_instructions(cells, runs).set_index("allocator")
    assert table.loc["glibc", COUNTED[0].column] == 500
    assert np.isnan(table.loc["jemalloc", COUNTED[0].column])
    assert list(table[HARDWARE[0]]) == [14, 14] and table[HARDWARE[1]].isna().all()
    assert list(table["kept"]) == [1, 1]
