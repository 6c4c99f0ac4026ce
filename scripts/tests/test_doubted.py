"""What a comparison says of the doubts that it rests on."""

import pandas as pd
import pytest
from conftest import build_runs

from growbench.analysis.doubts import ABSOLUTE, DIFFERENCE
from growbench.comparison import doubted
from growbench.comparison.run import Run
from growbench.comparison.same_machine import compare
from growbench.comparison.verdict import moved_cells
from growbench.data.columns import COLUMNS
from growbench.data.metrics import metric

# Whoever takes longer runs for as long.
COLD = ["cold_build_ns", "cold_release_ns", "cold_user_ns", "cold_system_ns"]
WARM = [column.name for column in COLUMNS if column.name.startswith("warm_build_release_")]
STRATEGIES = ("realloc_doubling", "chunked_list", "preallocate_zeroed")


def runs(seed: int, **slower: float) -> pd.DataFrame:
    made = build_runs(STRATEGIES, ["glibc", "scudo"], [100, 1000], noise=0.01, seed=seed)
    for strategy, factor in slower.items():
        made.loc[made["strategy"] == strategy, COLD] *= factor
    return made


def notes(base: pd.DataFrame, new: pd.DataFrame, conclusion: str = ABSOLUTE) -> list[str]:
    judged = compare(base, new, [metric("cold_build_release")])
    both = [Run("old", base), Run("new", new)]
    of_runs = doubted.of_runs(both, conclusion)
    return of_runs + doubted.of_cells(moved_cells(judged), both, conclusion)


def test_where_nothing_is_in_doubt_nothing_is_said():
    assert notes(runs(1), runs(2)) == []
    assert notes(runs(1), runs(2, chunked_list=1.5)) == []


@pytest.mark.parametrize("strategy, told", [("chunked_list", True), ("realloc_doubling", False)])
def test_cells_of_what_moved_are_counted_and_no_others(strategy, told):
    new = runs(2, chunked_list=2.0)
    states = (new["strategy"] == strategy) & (new["round"] % 2 == 0) & (new["rows"] == 100)
    new.loc[states & (new["allocator"] == "glibc"), COLD] *= 1.5
    expected = "of 4 cells of the families that moved 1 are in doubt for this: bimodal 1"
    assert [note.startswith(expected) for note in notes(runs(1), new)] == [True] * told


def test_a_doubt_of_another_conclusion_is_not_told():
    """Wide is for differences below 10%, and a run that was measured apart gives none."""
    new = runs(2, chunked_list=2.0)
    where = new["strategy"] == "chunked_list"
    # Not what both allocators have in common in a round.
    step = new["round"] * new["allocator"].map({"glibc": 1, "scudo": 3})
    factors = (1 + step % 7 / 17)[where].to_numpy()
    new.loc[where, COLD] = new.loc[where, COLD].mul(factors, axis=0)
    assert notes(runs(1), new) == []
    (note,) = notes(runs(1), new, DIFFERENCE)
    assert note.endswith("are in doubt for this: wide 4")


def test_a_run_in_doubt_is_named():
    new = runs(2)
    new.loc[new["round"] > 5, [*COLD, *WARM]] *= 1.3
    (note,) = notes(runs(1), new)
    assert note.startswith("new gives no absolute times (unsteady): the machine was not as fast")
    assert notes(runs(1), new, DIFFERENCE) == []
