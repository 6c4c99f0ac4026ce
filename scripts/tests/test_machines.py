"""Several machines: claims that hold on all of them, and claims that contradict."""

import numpy as np
import pandas as pd
import pytest
from conftest import fail
from hypothesis import given, settings
from hypothesis import strategies as st
from planted import planted_run

from growbench.comparison.claims import (
    CONTRADICTION,
    LESS,
    MORE,
    PARTLY,
    UNRESOLVED,
    across,
    contradictions_by_chance,
    overlap,
    ratios,
    shared,
    sides,
    verdicts,
)
from growbench.comparison.hosts import hosts_of
from growbench.comparison.machines import NothingShared, Options, compare_machines, document
from growbench.comparison.run import Run
from growbench.data.metrics import metric
from growbench.analysis.pair_comparison import compare_pairs
from growbench.tables.formats import as_csv, as_markdown, as_records, as_terminal, to_json

WARM = metric("warm_build_release")
BASE = "preallocate_zeroed"
SIZES = (1000, 3000, 10_000, 30_000)


def run(machine: str, factors: dict, label: str = "", power: float = 1.0, **more) -> Run:
    """A run where strategies take factors[strategy] times what the reference takes, and machines
    differ in their speed, which is nobody's business."""
    speed = 1.0 + sum(map(ord, machine)) % 7

    def time(strategy, allocator, n):
        own = factors.get((strategy, allocator), factors.get(strategy, 1.0))
        return speed * own * n**power * 100.0

    names = [BASE, *dict.fromkeys(k if isinstance(k, str) else k[0] for k in factors)]
    plan: dict = {"sizes": SIZES, "noise": 0.01, "machine": machine, **more}
    rows = planted_run(time, dict.fromkeys(names), **plan)
    return Run(label or machine, rows, None)


def tables(*runs: Run, **options) -> dict:
    asked: dict = {"metrics": ("warm_build_release",), **options}
    made = compare_machines(runs, Options(**asked))
    assert len({table.name for table in made}) == len(made)
    for table in made:
        as_terminal(table, colour=True), as_markdown(table), as_csv(table)
        to_json(as_records(table))
        assert "nan" not in as_terminal(table).replace("nanoseconds", "")
    return {table.name: table for table in made}


def ratio_rows(found: dict, kind: str = "strategy") -> dict:
    frame = found[f"{kind}_ratios_warm_build_release"].frame
    return {(row["strategy"], row["allocator"]): row for row in frame.to_dict("records")}


def test_a_claim_that_holds_everywhere_and_one_that_contradicts():
    found = tables(
        run("a", {"slow": 2.0, "torn": 1.5, "same": 1.0}),
        run("b", {"slow": 3.0, "torn": 0.5, "same": 1.0}),
    )
    rows = ratio_rows(found)
    assert rows["slow", "glibc"]["verdict"] == "slower"
    assert rows["slow", "glibc"]["holds_on"] == "2 of 2"
    assert rows["slow", "glibc"]["M1_ratio"] == pytest.approx(2.0, rel=0.02)
    assert rows["slow", "glibc"]["M2_ratio"] == pytest.approx(3.0, rel=0.02)
    # On the same side is not of the same size.
    assert rows["slow", "glibc"]["sizes_overlap"] == "no"
    assert rows["torn", "glibc"]["verdict"] == "contradiction"
    assert rows["torn", "glibc"]["holds_on"] == "1 of 2"
    assert rows["torn", "glibc"]["unresolved_on"] is None
    assert rows["same", "glibc"]["holds_on"] != "2 of 2"
    (headline,) = found["headline"].frame[:1].to_dict("records")
    assert (headline["ratio_count"], headline["contradiction_count"]) == (12, 4)
    assert 4 <= headline["holds_count"] <= 8
    words = " ".join(found["headline"].notes)
    assert "on 2 of 2 machines, slower than preallocate_zeroed: slow (1." in words
    assert "4 of 12 ratios of strategies against preallocate_zeroed contradict" in words


def test_unresolved_machines_are_named():
    noisy = run("b", {"slow": 1.1}, noise=0.5)
    row = ratio_rows(tables(run("a", {"slow": 1.1}), noisy, run("c", {"slow": 1.1})))
    assert row["slow", "glibc"]["unresolved_on"] == "M2"
    assert row["slow", "glibc"]["holds_on"] == "2 of 3"
    assert row["slow", "glibc"]["verdict"] == "slower"


def test_speed_itself_is_never_compared():
    """The same claims, whatever the factor by which one machine is slower in everything."""
    slow = run("b", {"x": 2.0})
    slow.runs["warm_build_release_median_ns"] *= 1000.0
    first = tables(run("a", {"x": 2.0}), run("b", {"x": 2.0}))
    second = tables(run("a", {"x": 2.0}), slow)
    name = "strategy_ratios_warm_build_release"
    pd.testing.assert_frame_equal(first[name].frame, second[name].frame)


def test_allocators_are_claims_of_their_own():
    factors = {("x", "other"): 0.5, (BASE, "other"): 2.0}
    found = tables(
        *(run(name, {"x": 1.0, **factors}, allocators=["glibc", "other"]) for name in "ab")
    )
    rows = ratio_rows(found, "allocator")
    assert set(rows) == {("x", "other"), (BASE, "other")}
    assert rows["x", "other"]["verdict"] == "faster"
    assert rows[BASE, "other"]["verdict"] == "slower"


def test_several_runs_of_a_machine_are_one_machine_and_must_agree():
    runs = [run("a", {"x": 2.0}, "first"), run("a", {"x": 0.5}, "again"), run("b", {"x": 2.0})]
    found = tables(*runs)
    row = ratio_rows(found)["x", "glibc"]
    assert (row["holds_on"], row["unresolved_on"], row["verdict"]) == ("1 of 2", "M1", "slower")
    assert row["M1_ratio"] == pytest.approx(1.0, rel=0.02)
    assert row["M1_ci_low"] < 0.55 and row["M1_ci_high"] > 1.9
    machines = found["machines"].frame
    assert list(machines["run_count"]) == [2, 1]
    assert list(machines["runs"]) == ["first, again", "b"]


def test_one_machine_is_not_several():
    with pytest.raises(NothingShared, match=r"of 1 machine \(a\)"):
        compare_machines([run("a", {"x": 2.0}, "one"), run("a", {"x": 2.0}, "two")])
    with pytest.raises(NothingShared, match="0 machine"):
        compare_machines([])


def test_nothing_in_common_is_said():
    with pytest.raises(NothingShared, match="no cell"):
        compare_machines([run("a", {"x": 2.0}), run("b", {"x": 2.0}, row_bytes=8)])


def test_only_what_is_shared_is_compared_and_the_rest_is_told():
    more = run("a", {"x": 2.0, "only_here": 3.0}, sizes=(1000, 10_000, 100_000))
    less = run("b", {"x": 2.0}, sizes=(1000, 10_000))
    less = less._replace(runs=fail(less.runs, less.runs["rows"] == 10_000, "crashed"))
    less.runs["schema_version"] = 1
    found = tables(more, less, rows=0)
    frame = found["strategy_ratios_warm_build_release"].frame
    assert list(zip(frame["strategy"], frame["rows"])) == [("x", 1000)]
    notes = " ".join(found["headline"].notes)
    # 3 strategies x 3 sizes, of which b has 2.
    assert "because b has no figures of it: 7 cells, such as" in notes
    assert "because a has" not in notes
    assert "schema versions: a 4, b 1" in notes


def test_the_document_has_the_words_first_and_the_differences_too():
    runs = [run("a", {"x": 2.0}), run("\033b", {"x": 2.0})]
    made = document(runs)
    assert made.status == 0 and made.title == "2 machines: a, \N{REPLACEMENT CHARACTER}b"
    assert any("slower than preallocate_zeroed: x" in line for line in made.sentences)
    assert [table.name for table in made.tables][:3] == ["headline", "machines", "differences"]
    assert not set(made.sentences) & set(made.tables[0].notes)
    apart = document([runs[0], run("c", {"x": 2.0}, row_bytes=8)])
    assert apart.status == 3 and "no cell" in apart.sentences[0]
    assert [table.name for table in apart.tables] == ["differences"]
    nothing = document([runs[0], runs[1]._replace(runs=runs[1].runs.head(0))])
    assert nothing.status == 3


def test_a_reference_that_is_not_there_is_told():
    found = tables(run("a", {"x": 2.0}), run("b", {"x": 2.0}), reference_strategy="nobody")
    table = found["claims_warm_build_release"]
    assert "No ratios of strategies against nobody" in table.notes[0]
    assert found["strategy_ratios_warm_build_release"].frame.empty


def test_a_few_rounds_resolve_nothing():
    found = tables(run("a", {"x": 9.0}), run("b", {"x": 9.0}, rounds=5))
    row = ratio_rows(found)["x", "glibc"]
    assert (row["unresolved_on"], row["holds_on"]) == ("M2", "1 of 2")
    assert any("M2: fewer than 6 rounds" in note for note in found["machines"].notes)


def test_exponents_that_differ_are_told_from_those_that_do_not():
    found = tables(run("a", {"x": 2.0}, power=1.0), run("b", {"x": 2.0}, power=1.3))
    table = found["exponents_warm_build_release"].frame
    assert set(table["agree"]) == {"no"} and set(table["tone"]) == {"bad"}
    same = tables(run("a", {"x": 2.0}, seed=3), run("b", {"x": 9.0}, seed=4))
    assert set(same["exponents_warm_build_release"].frame["agree"]) == {"yes"}
    assert "intervals overlap on all machines for 2 of 2 curves" in " ".join(same["headline"].notes)


def crossing(machine: str, at: float) -> Run:
    laws = {"steep": lambda n: n**1.5, BASE: lambda n: at**0.5 * n}
    rows = planted_run(lambda s, a, n: laws[s](n), laws, sizes=SIZES, noise=0.01, machine=machine)
    return Run(machine, rows)


@pytest.mark.parametrize("other, agree", [(5000.0, "yes"), (9000.0, "no")])
def test_crossings_stand_beside_each_other(other, agree):
    found = tables(crossing("a", 5000.0), crossing("b", other))
    (row,) = found["strategy_crossings_warm_build_release"].frame.to_dict("records")
    assert (row["less_up_to"], row["less_from"]) == ("steep", BASE)
    assert row["M1_rows"] == pytest.approx(5000.0, rel=0.05)
    assert row["M2_rows"] == pytest.approx(other, rel=0.05)
    assert (row["holds_on"], row["agree"]) == ("2 of 2", agree)


def test_a_crossing_that_one_machine_lacks_is_on_one_of_two():
    found = tables(crossing("a", 5000.0), crossing("b", 1e9))
    (row,) = found["strategy_crossings_warm_build_release"].frame.to_dict("records")
    assert row["holds_on"] == "1 of 2" and np.isnan(row["M2_rows"]) and row["agree"] is None


def test_peaks_are_alike_within_their_resolution():
    def peaks(machine, factor):
        made = run(machine, {"x": 2.0}, peak=lambda s, a: factor if s == "x" else 1.0)
        return made

    # 126,976 bytes of resolution are 5% of 30,000 rows of 80 bytes.
    alike = tables(peaks("a", 2.0), peaks("b", 2.1))["peak_memory"].frame.set_index("strategy")
    assert alike.loc["x", "agree"] == "yes" and alike.loc["x", "rows"] == 30_000
    assert alike.loc["x", "spread"] == pytest.approx(1.05)
    other = tables(peaks("a", 2.0), peaks("b", 2.2))
    frame = other["peak_memory"].frame.set_index("strategy")
    assert (frame.loc["x", "agree"], frame.loc[BASE, "agree"]) == ("no", "yes")
    assert "it differs most for x on glibc, 30,000 rows" in " ".join(other["headline"].notes)


def test_small_arrays_have_no_peak_and_no_exponent_and_that_is_no_error():
    found = tables(*(run(name, {"x": 2.0}, sizes=[10]) for name in "ab"))
    assert found["peak_memory"].frame.empty
    assert found["exponents_warm_build_release"].frame["agree"].isna().all()


def test_runs_that_were_read_without_peaks_are_compared_without_them():
    made = [run(name, {"x": 2.0}) for name in "ab"]
    made = [r._replace(runs=r.runs.drop(columns=["peak_memory_bytes", "cpu"])) for r in made]
    found = tables(*made)
    assert "peak_memory" not in found
    assert "Peak memory was not read, so it is not compared." in found["headline"].notes


def test_a_metric_that_nobody_has_gives_empty_tables():
    made = [run(name, {"x": 2.0}) for name in "ab"]
    for one in made:
        one.runs["warm_build_release_median_ns"] = np.nan
    found = tables(*made)
    assert found["claims_warm_build_release"].frame.empty
    assert found["headline"].frame["ratio_count"].sum() == 0


def test_the_longest_list_keeps_the_strongest_and_says_what_is_left_out():
    factors = [{f"s{i}": 2.0 + i for i in range(5)}, {f"s{i}": 1 / (2.0 + i) for i in range(5)}]
    found = tables(run("a", factors[0]), run("b", factors[1]), longest=3)
    table = found["contradictions_warm_build_release"]
    assert set(table.frame["strategy"]) == {"s4"} and len(table.frame) == 3
    assert table.notes == ["17 more; these are the strongest."]


def test_names_that_are_formulas_or_markup_are_names():
    name = "=HYPERLINK(1)<b>"
    found = tables(*(run(machine, {name: 2.0}) for machine in ("=1+1", "<i>")))
    assert (name, "glibc") in ratio_rows(found)
    for table in found.values():
        assert "<b>" not in as_markdown(table)
        assert "\n=" not in as_csv(table) and ",=" not in as_csv(table)


def test_all_sizes_can_be_asked_for():
    made = [run(name, {"x": 2.0}) for name in "ab"]
    sizes = {
        rows: sorted(tables(*made, rows=rows)["strategy_ratios_warm_build_release"].frame["rows"])
        for rows in (0, 2000)
    }
    assert sizes == {0: sorted(SIZES), 2000: [3000]}


def test_ratios_are_those_of_compare_pairs():
    rows = run("a", {"x": 2.0, "y": 3.0}, noise=0.2, allocators=["glibc", "scudo"]).runs
    rows = fail(rows, rows.index.isin(range(0, len(rows), 7)), "crashed")
    for of, reference, other in (("strategy", BASE, "y"), ("allocator", "glibc", "scudo")):
        table = ratios(rows, WARM, of, reference)
        assert reference not in set(table[of])
        expected = compare_pairs(rows, other, reference, WARM, of)
        own = table[table[of] == other].reset_index(drop=True)
        columns = ["round_count", "ratio", "ci_low", "ci_high"]
        pd.testing.assert_frame_equal(own[columns], expected[columns])


def test_a_reference_in_several_implementations_is_ours():
    rows = run("a", {"x": 2.0}).runs
    other = rows[rows["strategy"] == BASE].assign(implementation="aardvark")
    other["warm_build_release_median_ns"] *= 4.0
    table = ratios(pd.concat([rows, other]), WARM, "strategy", BASE)
    by = table.groupby(["implementation", "strategy"])["ratio"].median()
    assert by["c", "x"] == pytest.approx(2.0, rel=0.02)
    # The other implementation of the reference is a cell like any other.
    assert by["aardvark", BASE] == pytest.approx(4.0, rel=0.02)
    assert len(table) == 2 * len(SIZES)


@given(st.lists(st.lists(st.sampled_from([-1, 0, 1]), min_size=3, max_size=3), min_size=1))
def test_a_verdict_says_what_the_sides_say(columns):
    side = np.array(columns).T
    for verdict, column in zip(verdicts(side), columns):
        less, more = column.count(-1), column.count(1)
        assert (verdict == CONTRADICTION) == (less > 0 and more > 0)
        assert (verdict == LESS) == (less == 3) and (verdict == MORE) == (more == 3)
        assert (verdict == UNRESOLVED) == (column == [0, 0, 0])
        assert verdict in (LESS, MORE, CONTRADICTION, PARTLY, UNRESOLVED)


@settings(max_examples=20)
@given(
    st.lists(
        st.tuples(st.floats(0.1, 10), st.floats(0.1, 10)).map(lambda pair: sorted(pair)),
        min_size=1,
        max_size=4,
    )
)
def test_the_hull_excludes_1_where_all_runs_do_on_the_same_side(intervals):
    of_runs = [
        pd.DataFrame({"key": ["k"], "ratio": [low], "ci_low": [low], "ci_high": [high]})
        for low, high in intervals
    ]
    side = sides(across([of_runs], ["key"], "ratio"))[0, 0]
    each = {int(low > 1) - int(high < 1) for low, high in intervals}
    assert side == (each.pop() if len(each) == 1 else 0)


def test_a_run_without_interval_leaves_its_machine_unresolved():
    known = pd.DataFrame({"key": ["k"], "ratio": [2.0], "ci_low": [1.9], "ci_high": [2.1]})
    unknown = known.assign(ci_low=np.nan, ci_high=np.nan)
    found = across([[known, unknown], [known]], ["key"], "ratio")
    assert sides(found).T.tolist() == [[0, 1]]
    assert np.isnan(overlap(found.low, found.high)).all()


def test_intervals_that_touch_overlap():
    low, high = np.array([[1.0, 1.0], [2.0, 2.1]]), np.array([[2.0, 2.0], [3.0, 3.0]])
    assert overlap(low, high).tolist() == [1.0, 0.0]


def test_chance_contradicts_as_often_as_simulated():
    # Two machines of 10 rounds: each interval misses on either side with p = 11/1024.
    p = 11 / 1024
    assert contradictions_by_chance([10, 10], 1000) == pytest.approx(1000 * 2 * p * p)
    assert contradictions_by_chance([10, 5], 1000) == 0.0
    sides_of = np.random.default_rng(1).choice([-1, 0, 1], (3, 400_000), p=[p, 1 - 2 * p, p])
    simulated = ((sides_of < 0).any(axis=0) & (sides_of > 0).any(axis=0)).mean()
    assert contradictions_by_chance([10, 10, 10], 1) == pytest.approx(simulated, rel=0.1)


def test_cells_count_as_shared_only_if_every_run_measured_them():
    runs = [run("a", {"x": 1.0}), run("b", {"x": 1.0}, "b1"), run("b", {"x": 1.0}, "b2")]
    runs[2] = runs[2]._replace(runs=fail(runs[2].runs, runs[2].runs["rows"] == 1000, "timeout"))
    common = shared(hosts_of(runs))
    assert len(common.cells) == 6 and 1000 not in set(common.cells["rows"])
    assert {label: len(cells) for label, cells in common.lacking.items()} == {
        "a": 0,
        "b1": 0,
        "b2": 2,
    }
    assert [len(machine.runs) for machine in common.machines] == [1, 2]
