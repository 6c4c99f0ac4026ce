"""What changed exactly: planted changes of known size, and no change where nothing changed."""

import numpy as np
import pandas as pd
import pytest
from conftest import build_runs, typed

from growbench.comparison.exact import BETTER, OTHER, WORSE, changes, changes_between, ranges
from growbench.data.columns import MEASURE, PATTERN, TRACE
from growbench.data.exact import EXACT, exact

SIZES = (100, 1000, 10_000)


def run(of: str = MEASURE, rounds: int = 1, seed: int = 1, **columns: float) -> pd.DataFrame:
    """A run of two families under one allocator, whose workers all have these figures."""
    runs = build_runs(("realloc_doubling", "append_in_place"), ("glibc",), SIZES, rounds, seed=seed)
    return typed(runs.assign(**{"pass": of}, **columns))


def where(runs: pd.DataFrame, strategy: str, least: int) -> pd.Series:
    return (runs["strategy"] == strategy) & (runs["rows"] >= least)


def row(found, name: str) -> pd.Series:
    return found.compared.set_index("exact").loc[name]


def test_the_same_counts_are_no_change_and_are_compared():
    found = changes([run(TRACE, copied_bytes=800.0)], [run(TRACE, copied_bytes=800.0)])
    assert found.cells.empty and found.families.empty
    assert list(row(found, "copied")) == [6, 0, 6, 6, 0]
    assert list(found.compared["exact"]) == [of.name for of in EXACT]


def test_one_more_copy_is_found_in_each_cell_that_has_it_from_its_size_on():
    base, new = run(TRACE, copied_bytes=1e9), run(TRACE, copied_bytes=1e9)
    new.loc[where(new, "realloc_doubling", 1000), "copied_bytes"] += 65536
    found = changes([base], [new])
    assert list(found.cells["rows"]) == [1000, 10_000]
    assert (found.cells["exact"] == "copied").all() and (found.cells["change"] == WORSE).all()
    [family] = found.families.to_dict("records")
    assert (family["strategy"], family["from_rows"], family["onwards"]) == (
        "realloc_doubling",
        1000,
        True,
    )
    assert (family["cell_count"], family["changed_count"]) == (3, 2)
    assert family["ratio_low"] == family["ratio_high"] == pytest.approx(1.000065536)
    back = changes([new], [base])
    assert (back.cells["change"] == BETTER).all() and back.count(WORSE) == 0


def test_a_change_that_larger_sizes_do_not_have_is_not_told_as_onwards():
    base, new = run(TRACE, realloc_moved_count=10.0), run(TRACE, realloc_moved_count=10.0)
    new.loc[
        (new["rows"] == 1000) & (new["strategy"] == "append_in_place"), "realloc_moved_count"
    ] = 11
    [family] = changes([base], [new]).families.to_dict("records")
    assert (family["from_rows"], family["onwards"], family["changed_count"]) == (1000, False, 1)


def test_what_has_no_worse_side_is_another_not_a_worse_one():
    base, new = run(TRACE, realloc_in_place_count=5.0), run(TRACE, realloc_in_place_count=7.0)
    assert set(changes([base], [new]).cells["change"]) == {OTHER}


def varying(rounds: int, least: float, step: float) -> pd.DataFrame:
    """Page faults of `rounds` workers: least, least + step, least, ..."""
    runs = run(rounds=rounds, cold_build_huge_fault_count=0.0)
    runs["cold_build_minor_fault_count"] = least + step * (runs["round"] % 2)
    return runs


@pytest.mark.parametrize(
    ("new_least", "rounds", "changed", "unclear"),
    [
        (105.0, 6, 6, 0),  # 100 to 102 against 105 to 107: further apart than either is wide
        (104.0, 6, 0, 6),  # apart by 2, as wide as they are
        (102.0, 6, 0, 0),  # they touch
        (105.0, 4, 0, 6),  # too few workers
    ],
)
def test_what_varies_is_told_where_the_ranges_are_apart(new_least, rounds, changed, unclear):
    found = changes([varying(rounds, 100.0, 2.0)], [varying(rounds, new_least, 2.0)])
    assert tuple(row(found, "page_faults")[["changed_count", "unclear_count"]]) == (
        changed,
        unclear,
    )


def test_several_runs_a_side_are_one_range():
    base = [varying(6, 100.0, 2.0), varying(6, 104.0, 2.0)]
    found = changes(base, [varying(6, 105.0, 2.0)])
    assert row(found, "page_faults")["changed_count"] == 0
    assert list(row(found, "page_faults")[["base_count", "new_count"]]) == [6, 6]


def test_faults_of_an_interpreter_are_not_compared():
    base, new = (varying(6, least, 0.0).assign(implementation="python") for least in (100.0, 200.0))
    assert row(changes([base], [new]), "page_faults")["cell_count"] == 0


def test_faults_of_ordinary_pages_are_those_that_brought_no_huge_one():
    runs = varying(1, 100.0, 0.0)
    assert set(exact("page_faults").of(runs)) == {100.0}
    runs["cold_build_huge_fault_count"] = 30.0
    assert set(exact("page_faults").of(runs)) == {70.0}
    runs["cold_build_huge_fault_count"] = np.nan
    assert set(exact("page_faults").of(runs)) == {100.0}


def test_from_none_to_some_is_a_change_without_a_finite_ratio():
    base, new = run(TRACE, leaked_bytes=0.0), run(TRACE, leaked_bytes=8.0)
    found = changes([base], [new])
    assert np.isinf(found.cells["ratio"]).all() and (found.cells["change"] == WORSE).all()


@pytest.mark.parametrize(("more", "changed"), [(2, 0), (3, 6)])
def test_one_worker_a_side_tells_of_system_calls_what_single_ones_do_not_differ_by(more, changed):
    base, new = (run(TRACE, **{name: 0.0 for name in exact("system_calls").columns}) for _ in "ab")
    new["allocator_mmap_count"] += more
    assert row(changes([base], [new]), "system_calls")["changed_count"] == changed


def test_what_an_allocator_gives_back_by_its_clock_is_no_system_call_of_the_code():
    base, new = run(TRACE, allocator_madvise_count=0.0), run(TRACE, allocator_madvise_count=50.0)
    assert changes([base], [new]).cells.empty


def test_a_count_that_repeats_and_was_seen_to_vary_needs_what_others_need():
    base = [run(TRACE, copied_bytes=800.0 + more) for more in (0, 4)]
    assert changes(base, [run(TRACE, copied_bytes=820.0)]).cells.empty
    five = [run(TRACE, copied_bytes=820.0)] * 5
    assert len(changes([*base, *base, base[0]], five).cells) == 6


def test_what_is_tolerated_is_no_change_and_unclear_neither():
    base, new = run(TRACE, copied_bytes=1000.0), run(TRACE, copied_bytes=1010.0)
    of = exact("copied")
    sides = {of: (ranges([base], of), ranges([new], of))}
    assert len(changes_between(sides, {"copied": 0.009}).cells) == 6
    found = changes_between(sides, {"copied": 0.01})
    assert found.cells.empty and row(found, "copied")["unclear_count"] == 0
    back = {of: (ranges([new], of), ranges([base], of))}
    assert len(changes_between(back, {"copied": 0.1}).cells) == 6


def test_faults_and_peaks_of_copying_patterns_are_counted_like_those_of_strategies():
    base, new = (run(PATTERN, 6, peak_memory_bytes=peak) for peak in (8e6, 9e6))
    for runs, faults in ((base, 2000.0), (new, 2300.0)):
        runs["cold_build_minor_fault_count"], runs["cold_build_huge_fault_count"] = faults, 0.0
    found = changes([base], [new])
    assert set(found.families["exact"]) == {"page_faults", "peak_memory"}
    assert (found.families["change"] == WORSE).all()
    assert list(row(found, "peak_memory")) == [6, 6, 6, 6, 0]
    # A pass that has no such figures is none of them.
    assert exact("peak_memory").of(new.assign(**{"pass": TRACE})).empty
