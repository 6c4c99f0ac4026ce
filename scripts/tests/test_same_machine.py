"""Two runs of one machine: what is called slower, what is not, and what could not be seen."""

import numpy as np
import pandas as pd
import pytest
from conftest import build_runs, fail

from growbench.data.statuses import OK
from growbench.comparison.confirmation import combine, flagged, rounds_needed
from growbench.comparison.same_machine import (
    FASTER,
    NO_SLOWER,
    SLOWER,
    Settings,
    UNRESOLVED,
    _medians_of_rounds,
    compare,
    in_blocks,
    threshold_from,
)
from growbench.comparison.sharing import not_shared
from growbench.comparison.verdict import cells_table
from growbench.data.metrics import metric
from growbench.statistics.visible import visible_shift

COLD = [metric("cold_build_release")]
STRATEGIES = ("realloc_doubling", "realloc_x1.5", "chunked_list", "preallocate_zeroed")
SIZES = (100, 1000, 3000, 10_000, 30_000)


def run(seed=1, noise=0.01, rounds=10, **options):
    options = {
        "strategies": STRATEGIES,
        "allocators": ("glibc", "jemalloc"),
        "sizes": SIZES,
    } | options
    return build_runs(rounds=rounds, noise=noise, seed=seed, **options)


def scaled(runs, factor, **where):
    """The run with the times of some cells multiplied."""
    mask = np.ones(len(runs), dtype=bool)
    for key, value in where.items():
        mask &= (runs[key] == value).to_numpy()
    runs = runs.copy()
    for column in ("cold_build_ns", "cold_release_ns", "warm_build_release_median_ns"):
        runs.loc[mask, column] = runs.loc[mask, column] * factor
        if column.startswith("cold"):
            runs[column] = runs[column].round()  # whole nanoseconds, as in the file
    return runs


def family(comparison, strategy, allocator):
    found = comparison.families
    return found[(found["strategy"] == strategy) & (found["allocator"] == allocator)].iloc[0]


def test_equal_runs_have_nothing_slower():
    found = compare(run(1), run(2), COLD)
    assert found.count(SLOWER) == found.count(FASTER) == 0
    assert found.count(NO_SLOWER) == 8
    assert not found.cells["family_rejected"].any()


def test_a_slower_family_is_found_with_its_cells_and_no_other():
    slower = scaled(run(2), 1.2, strategy="chunked_list", allocator="jemalloc")
    found = compare(run(1), slower, COLD)
    verdicts = found.families.set_index(["strategy", "allocator"])["verdict"]
    assert verdicts[("chunked_list", "jemalloc")] == SLOWER
    assert (verdicts == SLOWER).sum() == 1
    row = family(found, "chunked_list", "jemalloc")
    assert row["ratio"] == pytest.approx(1.2, abs=0.01)
    assert row["ci_low"] < 1.2 < row["ci_high"]
    listed = found.cells[found.cells["family_rejected"]]
    assert set(zip(listed["strategy"], listed["allocator"])) == {("chunked_list", "jemalloc")}
    assert (listed["verdict"] == SLOWER).all()


def test_one_doubled_cell_is_found_among_many():
    doubled = scaled(run(2, 0.05), 2.0, strategy="realloc_x1.5", allocator="glibc", rows=3000)
    found = compare(run(1, 0.05), doubled, COLD)
    assert family(found, "realloc_x1.5", "glibc")["verdict"] == SLOWER
    slower = found.cells[found.cells["verdict"] == SLOWER]
    assert list(slower["rows"]) == [3000]


@pytest.mark.parametrize(
    "factor, threshold, verdict",
    [
        (0.5, 0.05, FASTER),
        # A change within the threshold is none, however sure.
        (1.03, 0.05, NO_SLOWER),
        (0.97, 0.05, NO_SLOWER),
        (1.03, 0.02, SLOWER),
    ],
)
def test_a_change_is_one_beyond_the_threshold(factor, threshold, verdict):
    new = scaled(run(2, 0.002), factor, strategy="chunked_list")
    settings = Settings(family_threshold=threshold, cell_threshold=threshold)
    found = compare(run(1, 0.002), new, COLD, settings)
    row = family(found, "chunked_list", "glibc")
    assert row["p_adjusted"] < 0.01 and row["verdict"] == verdict
    assert found.count(verdict) == (8 if verdict == NO_SLOWER else 2)


def test_p_is_adjusted_for_two_chances_all_families_and_all_cells():
    """All is three times as slow, so that each p is the smallest of 10 against 10."""
    found = compare(run(1), scaled(run(2), 3.0), COLD)
    smallest = 2 / 184_756
    assert found.families["p"].to_numpy() == pytest.approx(2 * smallest)
    assert found.families["p_adjusted"].to_numpy() == pytest.approx(8 * 2 * smallest)
    assert found.cells["p_adjusted"].to_numpy() == pytest.approx(5 * smallest)


def test_metrics_are_questions_of_their_own():
    both = compare(run(1), scaled(run(2), 3.0), [*COLD, metric("warm_build_release")])
    assert both.families["p_adjusted"].to_numpy() == pytest.approx(8 * 2 * 2 / 184_756)


def test_what_is_visible_is_that_of_holms_first_step_with_two_chances():
    found = compare(run(1, 0.1), run(2, 0.1), COLD)
    visible = np.log(found.families["visible_ratio"].to_numpy())
    of_one = visible_shift(1.0, 10, 10, 0.05 / 8 / 2)
    # What is left is the deviation between rounds: 10% in each of 5 cells.
    assert np.median(visible / of_one) == pytest.approx(0.1 / np.sqrt(5), rel=0.2)


def test_what_cannot_be_ruled_out_is_not_called_the_same():
    found = compare(run(1, 0.3), run(2, 0.3), COLD)
    assert found.count(UNRESOLVED) > 0 and found.count(SLOWER) == 0
    assert (found.families["visible_ratio"] > 1.1).all()


def test_few_rounds_see_nothing_and_say_so():
    found = compare(run(1, rounds=3), scaled(run(2, rounds=3), 3.0), COLD)
    assert found.count(SLOWER) == 0
    assert (found.families["verdict"] == UNRESOLVED).all()
    assert np.isinf(found.families["visible_ratio"]).all()


def test_a_common_shift_is_told():
    slow_machine = scaled(run(2), 1.15)
    found = compare(run(1), slow_machine, COLD)
    assert found.common["ratio"].iloc[0] == pytest.approx(1.15, abs=0.01)
    assert found.common["ci_low"].iloc[0] < 1.15 < found.common["ci_high"].iloc[0]
    assert found.count(SLOWER) == 8


def test_swapping_base_and_new_turns_every_ratio():
    a, b = run(1, 0.1), scaled(run(2, 0.1), 1.3, strategy="chunked_list")
    there, back = compare(a, b, COLD), compare(b, a, COLD)
    keys = ["strategy", "allocator"]
    both = there.families.merge(back.families, on=keys, suffixes=("", "_back"))
    assert both["ratio"].to_numpy() == pytest.approx(1 / both["ratio_back"].to_numpy())
    assert both["p"].to_numpy() == pytest.approx(both["p_back"].to_numpy())


def test_the_order_of_rows_does_not_matter():
    a, b = run(1, 0.1), run(2, 0.1)
    shuffled = b.sample(frac=1.0, random_state=3)
    one, two = compare(a, b, COLD), compare(a, shuffled, COLD)
    pd.testing.assert_frame_equal(one.families, two.families)
    pd.testing.assert_frame_equal(one.cells, two.cells)


def test_pairs_do_not_see_what_moves_both_sides_of_a_round():
    """Rounds that are up to three times as slow, on both sides alike."""
    a, b = run(1), scaled(run(2), 1.2, strategy="chunked_list")
    speed = dict(zip(range(1, 11), np.linspace(1.0, 3.0, 10)))
    a, b = (
        side.assign(
            cold_build_ns=side["cold_build_ns"] * side["round"].map(speed),
            cold_release_ns=side["cold_release_ns"] * side["round"].map(speed),
        )
        for side in (a, b)
    )
    pairs = compare(a, b, COLD, Settings(paired=True))
    apart = compare(a, b, COLD)
    for allocator in ("glibc", "jemalloc"):
        row = family(pairs, "chunked_list", allocator)
        assert row["ratio"] == pytest.approx(1.2, abs=0.01)
        assert row["ci_low"] > 1.17
        assert family(apart, "chunked_list", allocator)["ci_low"] < 1.0


def test_a_cell_that_some_rounds_lack_does_not_move_its_family():
    base, new = run(1), run(2)
    slowest = (new["strategy"] == "chunked_list") & (new["rows"] == 30_000)
    new = new[~(slowest & (new["round"] > 6))]
    row = family(compare(base, new, COLD), "chunked_list", "glibc")
    assert row["ratio"] == pytest.approx(1.0, abs=0.02)
    assert 0.97 < row["ci_low"] and row["ci_high"] < 1.03


def extended(runs, *blocks):
    """Of 15 rounds the first 9, and all of these blocks: strategy and rows."""
    more = pd.MultiIndex.from_frame(runs[["strategy", "rows"]]).isin(blocks)
    return runs[(runs["round"] <= 9) | more].reset_index(drop=True)


def test_rounds_that_only_wide_cells_have_are_none_of_their_family():
    """They are of these cells' own interval and p, on either side."""
    base = extended(run(1, rounds=15), ("chunked_list", 100), ("realloc_x1.5", 3000))
    new = extended(scaled(run(2, rounds=15), 1.2, strategy="chunked_list"), ("chunked_list", 1000))
    found = compare(base, new, COLD)
    assert (found.families[["base_round_count", "new_round_count"]] == 9).all(axis=None)
    verdicts = found.families.set_index("strategy")["verdict"]
    assert (verdicts["chunked_list"] == SLOWER).all()
    assert not (verdicts.drop("chunked_list") == SLOWER).any()

    def width(comparison, rows):
        cells = comparison.cells.set_index(["strategy", "allocator", "rows"])
        cell = cells.loc[("chunked_list", "glibc", rows)]
        return np.log(cell["ci_high"] / cell["ci_low"])

    fewer = compare(extended(base), extended(new), COLD)
    assert width(found, 3000) == width(fewer, 3000)
    assert width(found, 100) != width(fewer, 100) and width(found, 1000) != width(fewer, 1000)


def test_rounds_that_half_of_a_familys_cells_have_are_its_own():
    blocks = [("chunked_list", rows) for rows in SIZES[:3]]
    found = compare(*(extended(run(seed, rounds=15), *blocks) for seed in (1, 2)), COLD)
    rounds = found.families.set_index("strategy")["base_round_count"]
    assert (rounds["chunked_list"] == 15).all() and (rounds.drop("chunked_list") == 9).all()


def test_what_families_have_in_common_is_of_rounds_that_half_of_them_have():
    means = pd.DataFrame({"family": [0, 1, 2, 0, 1, 0], "round": [1, 1, 1, 2, 2, 3]})
    medians = _medians_of_rounds(means.assign(value=[1.0, 2.0, 6.0, 3.0, 5.0, 99.0]))
    assert list(medians) == [2.0, 4.0]


def test_only_shared_cells_are_compared_and_the_rest_is_told():
    base, new = run(1), run(2, sizes=SIZES[1:], allocators=("glibc", "scudo"))
    found = compare(base, new, COLD)
    assert set(found.families["allocator"]) == {"glibc"}
    assert set(found.cells["rows"]) == set(SIZES[1:])
    notes = not_shared(base, new, ("before", "after"))
    assert any("before" in note and "jemalloc" in note and "100" in note for note in notes)
    assert any("after" in note and "scudo" in note for note in notes)


def test_runs_that_share_nothing_have_no_families():
    found = compare(run(1, allocators=("glibc",)), run(2, allocators=("scudo",)), COLD)
    assert found.families.empty and found.cells.empty


ALWAYS, ONCE, TWICE = range(1, 11), [1], [1, 2]


@pytest.mark.parametrize(
    "before, now, status, lost",
    [
        ([], ALWAYS, "crashed", 2),
        # What was not tried is not lost; nor is what crashed before, or now and then before.
        ([], ALWAYS, "unavailable", 0),
        ([], ALWAYS, "skipped_predicted", 0),
        ([], ALWAYS, "skipped_memory", 0),
        (ALWAYS, ALWAYS, "crashed", 0),
        (ONCE, TWICE, "crashed", 0),
        (ONCE, ALWAYS, "crashed", 2),
    ],
)
def test_a_cell_is_lost_that_had_figures_and_crashes_now(before, now, status, lost):
    def failing(runs, rounds):
        cell = (runs["strategy"] == "chunked_list") & (runs["rows"] == 3000)
        return fail(runs, cell & runs["round"].isin(rounds), status)

    found = compare(failing(run(1), before), failing(run(2), now), COLD).lost
    assert found["status"].tolist() == [status] * lost
    assert found["worker_count"].tolist() == [10] * lost


def test_peaks_below_the_resolution_are_no_cells():
    found = compare(run(1), run(2), [metric("peak_memory")])
    # 126,976 bytes of resolution are over 20% of what 3000 rows of 80 bytes take.
    assert set(found.cells["rows"]) == {10_000, 30_000}


def test_theta_is_the_99th_percentile_of_equal_things_but_at_least_5_percent():
    quiet = threshold_from([compare(run(1), run(2), COLD, Settings(paired=True))])
    assert (quiet.family_threshold, quiet.cell_threshold) == (0.05, 0.05)
    same = compare(run(1, 0.3), run(2, 0.3), COLD, Settings(paired=True))
    noisy = threshold_from([same])
    distance = np.abs(np.log(same.cells["ratio"]))
    assert np.log1p(noisy.cell_threshold) == pytest.approx(np.quantile(distance, 0.99))
    assert 0.05 < noisy.family_threshold < noisy.cell_threshold


def test_blocks_are_of_so_many_rounds_and_all_alike():
    blocks = in_blocks(run(1, rounds=25), 10)
    assert [sorted(set(block["round"])) for block in blocks] == [
        list(range(1, 11)),
        list(range(11, 21)),
    ]
    (whole,) = in_blocks(run(1, rounds=15), 10)
    assert whole["round"].max() == 15
    # A choice of cells may leave fewer rows than there were rounds.
    late = run(1, rounds=15)
    late = late[late["round"] == 15].head(1)
    (one,) = in_blocks(late, 10)
    assert len(one) == 1
    (few,) = in_blocks(run(1, rounds=6), 10)
    assert len(few) == len(run(1, rounds=6))


def live(seed, noise=0.05, factor=1.0, **where):
    return run(seed, noise), scaled(run(seed + 100, noise), factor, **where)


PAIRED = Settings(paired=True)


def test_a_flagged_family_is_judged_on_fresh_data_alone():
    slower = {"factor": 1.4, "strategy": "chunked_list"}
    first = compare(*live(1, **slower), COLD, PAIRED)
    wanted = flagged(first)
    assert set(wanted["strategy"]) >= {"chunked_list"}
    still = compare(*live(2, **slower), COLD, PAIRED, only=wanted)
    judged = combine(first, still)
    row = family(judged, "chunked_list", "glibc")
    assert row["data"] == "fresh data"
    assert row["ratio"] == family(still, "chunked_list", "glibc")["ratio"]
    assert len(judged.families) == len(first.families)
    gone = combine(first, compare(*live(3), COLD, PAIRED, only=wanted))
    assert gone.count(SLOWER) == 0


def test_nothing_is_slower_without_fresh_data():
    first = compare(*live(1, factor=1.4, strategy="chunked_list"), COLD, PAIRED)
    assert first.count(SLOWER) == 2
    judged = combine(first, None)
    assert judged.count(SLOWER) == 0
    assert family(judged, "chunked_list", "glibc")["verdict"] == UNRESOLVED
    assert not judged.cells["family_rejected"].any()


@pytest.mark.parametrize(
    "of_family, of_cell, suspicious",
    [
        # p alone is asked, not the adjusted one: the first look may be generous.
        ({"p": 0.01, "ratio": 1.2}, {}, True),
        ({"p": 0.01, "ratio": 0.8}, {}, True),
        ({"p": 0.10, "ratio": 1.2}, {}, False),
        ({"p": 0.01, "ratio": 1.01}, {}, False),
        ({"p": 0.01, "ratio": 1.01}, {"p_adjusted": 0.01, "ratio": 1.5}, True),
        ({"p": 0.01, "ratio": 1.01}, {"p_adjusted": 0.10, "ratio": 1.5}, False),
        ({"p": 0.10, "ratio": 1.01}, {"p_adjusted": 0.01, "ratio": 1.5}, False),
    ],
)
def test_flagged_is_what_moved_and_has_a_small_p(of_family, of_cell, suspicious):
    first = compare(*live(1), COLD, PAIRED)
    keys = ["metric", "implementation", "strategy", "allocator"]
    families = first.families.head(1).assign(p_adjusted=0.9, **of_family)
    cells = first.cells.merge(families[keys]).assign(p_adjusted=0.9, ratio=1.0)
    cells = pd.concat([cells.head(1).assign(**of_cell), cells.iloc[1:]])
    assert len(flagged(first._replace(families=families, cells=cells))) == suspicious


def test_one_slow_cell_flags_its_family():
    many = {"strategy": "chunked_list", "allocator": "glibc", "rows": 3000}
    first = compare(*live(1, 0.01, factor=1.5, **many), COLD, PAIRED)
    assert len(first.families) == 8
    assert ("chunked_list", "glibc") in set(
        zip(flagged(first)["strategy"], flagged(first)["allocator"])
    )


@pytest.mark.parametrize("families, rounds", [(1, 10), (10, 10), (132, 14)])
def test_fresh_data_have_rounds_enough_for_all_that_was_flagged(families, rounds):
    wanted = pd.DataFrame({"metric": ["cold_build_release"] * families})
    needed = rounds_needed(wanted, 10, compare(*live(1), COLD, PAIRED))
    assert needed == rounds
    # The smallest p of so many pairs survives Holm's first step, with two chances for each family.
    assert 2 * 0.5**needed * 2 * families <= 0.05


@pytest.mark.parametrize(
    "half_width, rounds",
    [(0.01, 10), (0.0243, 10), (0.0487, 40), (1, 50), (np.nan, 50)],
)
def test_where_all_is_to_be_resolved_the_widest_interval_says_how_many_rounds(half_width, rounds):
    first = compare(*live(1), COLD, PAIRED._replace(resolve=True))
    low, high = np.exp([-half_width, half_width])
    families = first.families.assign(ci_low=0.999, ci_high=1.001)
    families.loc[3, ["ci_low", "ci_high"]] = low, high
    wanted = families[["metric", "implementation", "strategy", "allocator"]]
    assert rounds_needed(wanted, 10, first._replace(families=families)) == rounds
    # Of a family that nobody asks about the interval may be as wide as it likes.
    assert rounds_needed(wanted.head(3), 10, first._replace(families=families)) == 10


def resolved(seed, noise, factor, resolve):
    """The verdicts of two stages on families that are all slower by `factor`."""
    settings = PAIRED._replace(resolve=resolve)
    first = compare(*live(seed, noise, factor), COLD, settings)
    wanted = flagged(first)
    if wanted.empty:
        return combine(first, None)
    made = {"rounds": rounds_needed(wanted, 10, first)}
    base, new = (run(seed + more, noise, **made) for more in (1000, 2000))
    return combine(first, compare(base, scaled(new, factor), COLD, settings, only=wanted))


def test_what_is_open_is_resolved_and_equal_things_stay_so():
    found = {
        (factor, resolve): [resolved(seed, 0.1, factor, resolve) for seed in range(1, 6)]
        for factor in (1.1, 1.0)
        for resolve in (False, True)
    }
    slower = {key: sum(one.count(SLOWER) for one in all_of) for key, all_of in found.items()}
    assert slower[1.0, False] == slower[1.0, True] == 0
    assert slower[1.1, False] < slower[1.1, True] == 40
    left_open = [sum(one.count(UNRESOLVED) for one in found[1.0, of]) for of in (False, True)]
    assert left_open[0] > left_open[1] == 0


def test_the_status_of_every_row_is_respected():
    base, new = run(1), run(2)
    broken = fail(new, new["round"] == 1, "timeout")
    assert (broken["status"] == OK).sum() < len(broken)
    found = compare(base, broken, COLD)
    assert (found.families["new_round_count"] == 9).all()


MANY = {
    "strategies": [*STRATEGIES, *"abcdefgh"],
    "allocators": ("glibc", "jemalloc", "scudo"),
    "sizes": (100, 200, 300, 500, 1000, 2000, 3000, 5000, 10_000, 30_000),
}
WARM = [metric("warm_build_release")]


def test_a_slow_cell_that_its_family_hides_is_not_called_no_slower():
    """One in ten cells is 40% slower: 3.4% in the mean, and too many families for its own p."""
    slow = {"strategy": "a", "allocator": "glibc", "rows": 100}
    base, new = run(1, 0.02, 6, **MANY), scaled(run(2, 0.02, 6, **MANY), 1.4, **slow)
    found = compare(base, new, WARM)
    row = family(found, "a", "glibc")
    assert row["ci_high"] < 1.05 < row["p_adjusted"] * 1e3
    assert row["verdict"] == UNRESOLVED
    doubtful = found.cells[found.cells["doubtful"]]
    assert list(zip(doubtful["strategy"], doubtful["allocator"], doubtful["rows"])) == [
        ("a", "glibc", 100)
    ]
    assert found.count(NO_SLOWER) == 35


def test_a_slow_cell_of_three_rounds_is_not_called_no_slower():
    def three(runs):
        return runs[~((runs["strategy"] == "a") & (runs["rows"] == 30_000) & (runs["round"] > 3))]

    new = scaled(run(2, 0.02, **MANY), 1.6, strategy="a", allocator="scudo", rows=30_000)
    found = compare(three(run(1, 0.02, **MANY)), three(new), WARM)
    assert family(found, "a", "scudo")["verdict"] == UNRESOLVED
    assert family(found, "a", "glibc")["verdict"] == NO_SLOWER


def test_a_slow_cell_is_not_made_up_for_by_fast_ones():
    new = scaled(run(2), 0.5, strategy="chunked_list")
    few = {"strategy": "chunked_list", "allocator": "glibc", "rows": 3000}
    new = scaled(new, 2.6, **few)  # 1.3 in the end, in 3 rounds
    three = ~((new["strategy"] == "chunked_list") & (new["rows"] == 3000) & (new["round"] > 3))
    found = compare(run(1)[three], new[three], WARM)
    assert family(found, "chunked_list", "glibc")["verdict"] == UNRESOLVED
    assert family(found, "chunked_list", "jemalloc")["verdict"] == FASTER


def test_a_fast_cell_does_not_hide_that_its_family_is_unresolved():
    """One cell is faster beyond doubt; of the others nothing is known."""
    base, new = run(1, 0.01), run(2, 0.01)
    random = np.random.default_rng(3)
    noisy = []
    for side in (base, new):
        wide = (side["strategy"] == "chunked_list") & (side["rows"] != 100)
        factor = np.where(wide, np.exp(random.normal(0.0, 1.0, len(side))), 1.0)
        column = "warm_build_release_median_ns"
        noisy.append(side.assign(**{column: side[column] * factor}))
    fast = scaled(noisy[1], 0.3, strategy="chunked_list", rows=100)
    found = compare(noisy[0], fast, WARM)
    row = family(found, "chunked_list", "glibc")
    cells = found.cells[found.cells["verdict"] == FASTER]
    assert "glibc" in set(cells["allocator"])
    assert row["ci_high"] > 1.05 and row["verdict"] == UNRESOLVED


def test_of_a_few_families_nothing_is_told_to_be_common():
    chosen = {"strategies": ("chunked_list",)}
    found = compare(run(1, **chosen), scaled(run(2, **chosen), 1.5), COLD)
    assert np.isnan(found.common["ratio"].iloc[0])
    assert found.count(SLOWER) == 2


def test_the_common_shift_lies_within_its_interval():
    slow = scaled(scaled(run(2, 0.05), 2.0, strategy="chunked_list"), 3.0, rows=100)
    for settings in (Settings(), PAIRED):
        row = compare(run(1, 0.05), slow, COLD, settings).common.iloc[0]
        assert row["ci_low"] < row["ratio"] < row["ci_high"]


def test_a_family_that_fresh_data_lack_is_not_called_slower():
    first = compare(*live(1, factor=1.4, strategy="chunked_list"), COLD, PAIRED)
    base, new = live(2, factor=1.4, strategy="chunked_list")
    only_glibc = [side[side["allocator"] == "glibc"] for side in (base, new)]
    fresh = compare(*only_glibc, COLD, PAIRED, only=flagged(first))
    judged = combine(first, fresh)
    assert family(judged, "chunked_list", "glibc")["verdict"] == SLOWER
    assert family(judged, "chunked_list", "jemalloc")["verdict"] == UNRESOLVED
    assert set(judged.cells.loc[judged.cells["verdict"] == SLOWER, "allocator"]) == {"glibc"}
    nothing = combine(first, compare(base[:0], new[:0], COLD, PAIRED, only=flagged(first)))
    assert nothing.count(SLOWER) == 0 and len(nothing.families) == len(first.families)


def test_a_note_says_where_one_cell_alone_cannot_be_found():
    seven = compare(run(1, rounds=7, **MANY), scaled(run(2, rounds=7, **MANY), 2.0), WARM)
    assert "10 cells" in cells_table(seven).notes[0]
    assert not cells_table(compare(run(1), scaled(run(2), 2.0), WARM)).notes
