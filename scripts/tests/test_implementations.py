"""Strategies that several implementations have, in the same run: told apart everywhere."""

import re

import numpy as np
import pandas as pd
import pytest
from conftest import MACHINE, build_runs
from full_runs import full_run
from report_runs import NO_POINTS, evidence_of

from growbench.data import implementations
from growbench.advice.advise import advise
from growbench.advice.case import Case
from growbench.analysis.article_ratios import article_ratios
from growbench.data.article import FAST, SLOW
from growbench.analysis.attribution import attribute
from growbench.data.columns import CELL_KEYS, MEASURE, PATTERN
from growbench.comparison.claims import ratios, shared
from growbench.comparison.hosts import hosts_of
from growbench.comparison.differences import machine_differences
from growbench.comparison.machines import document as compare_documents
from growbench.comparison import layered
from growbench.comparison.pair import Request, settings_for
from growbench.comparison.run import Run
from growbench.comparison.same_machine import compare
from growbench.comparison.sharing import not_shared
from growbench.analysis.analyse import analyse
from growbench.data.errors import UsageError
from growbench.exports.exporting import measured as measured_for_export
from growbench.analysis.limits import machine_limits
from growbench.data.metrics import metric
from growbench.analysis.pair_comparison import compare_pairs, strategies_of, strategy_choices
from growbench.findings import findings
from growbench.findings.implementations import article_by_implementation, beside_c
from growbench.findings.people import containers
from growbench.report.sections import crossed, headlines
from growbench.findings.sentences import plain
from growbench.analysis.shapes import crossings, exponents
from growbench.figures.slices import slices
from growbench.analysis.summary import summarise

COLD = metric("cold_build")
SHARED = (SLOW, FAST, "realloc_doubling")


def planted(times: dict, rounds: int = 8, sizes=(1000, 10_000), allocators=("glibc",)):
    """A run with these times of a row in ns, by (implementation, strategy), without noise."""
    parts = []
    for (implementation, strategy), per_row in times.items():
        part = build_runs([strategy], allocators, sizes, rounds, noise=0.0)
        part = part.assign(implementation=implementation)
        values = part["rows"] * float(per_row) * (1.0 + part["round"] / 1000)
        part["cold_build_ns"] = part["warm_build_release_median_ns"] = values
        parts.append(part.assign(cold_release_ns=0.0))
    return pd.concat(parts, ignore_index=True)


THREE = {
    ("c", SLOW): 100.0,
    ("c", FAST): 10.0,
    ("numpy", SLOW): 900.0,
    ("numpy", FAST): 300.0,
    ("python", SLOW): 400.0,
    ("python", FAST): 50.0,
}


def test_names_are_as_short_as_they_can_be():
    table = pd.DataFrame({"implementation": ["c", "numpy"], "strategy": [SLOW, "np_append"]})
    assert implementations.told_apart(table).tolist() == [SLOW, "np_append"]
    assert implementations.strategy_names(table).tolist() == [SLOW, "numpy np_append"]
    both = pd.DataFrame({"implementation": ["c", "numpy"], "strategy": [SLOW, SLOW]})
    named = implementations.told_apart(both)
    assert named.tolist() == [f"c {SLOW}", f"numpy {SLOW}"]
    assert implementations.bare_names(both.assign(strategy=named)).tolist() == [SLOW, SLOW]
    assert implementations.bare_names(both).tolist() == [SLOW, SLOW]


def test_implementations_are_in_order_and_in_words():
    assert implementations.ordered(["zig", "python", "c", "go"]) == ["c", "python", "go", "zig"]
    assert implementations.in_words(["python", "numpy", "go"]) == "NumPy, Python and go"
    assert implementations.in_words(["c"]) == "C"


@pytest.mark.parametrize(
    "times, a, b, of, by, expected",
    [
        # Within each implementation that has both.
        (THREE, SLOW, FAST, "strategy", "implementation", {"c": 10.0, "numpy": 3.0, "python": 8.0}),
        # With the implementation, as it was asked for.
        (THREE, f"numpy {SLOW}", f"c {FAST}", "strategy", "implementation", {"numpy / c": 90.0}),
        # Without one that has both it is that of C.
        (
            {("c", "a"): 10.0, ("numpy", "a"): 999.0, ("cpp", "b"): 5.0},
            *("a", "b", "strategy", "implementation"),
            {"c / cpp": 2.0},
        ),
        # Implementations in the strategies that both have.
        (
            {**THREE, ("numpy", "np_append"): 5.0},
            *("numpy", "c", "implementation", "strategy"),
            {SLOW: 9.0, FAST: 30.0},
        ),
    ],
)
def test_what_is_compared_with_what(times, a, b, of, by, expected):
    found = compare_pairs(planted(times), a, b, COLD, of).groupby(by)["ratio"].agg(list)
    # Two sizes each.
    assert found.to_dict() == {name: pytest.approx([ratio] * 2) for name, ratio in expected.items()}


def test_names_to_choose_from_have_the_implementation_where_it_matters():
    runs = planted({**THREE, ("cpp", "std_vector"): 5.0})
    names = strategy_choices(strategies_of(runs))
    assert {SLOW, f"c {SLOW}", f"numpy {SLOW}", "std_vector"} <= set(names)
    assert "cpp std_vector" not in names


def test_the_articles_ratio_is_of_one_implementation_each():
    runs = planted({**THREE, ("go", SLOW): 1.0})
    table = article_ratios(runs)
    assert set(table["implementation"]) == {"c", "numpy", "python"}
    numpy = table[table["implementation"] == "numpy"]
    assert numpy["ratio"].tolist() == pytest.approx([3.0, 3.0])
    # C's slow one over Python's fast one is no answer to anything.
    alone = planted({("c", SLOW): 100.0, ("python", FAST): 50.0})
    assert article_ratios(alone).empty


def test_the_interpreters_part_is_what_its_workers_measured():
    runs, _ = full_run(
        SHARED, ["glibc"], [10_000], 6, noise=0.0, interpreted={"numpy": SHARED, "python": SHARED}
    )
    chosen = (runs["implementation"] == "numpy") & (runs["pass"] == "measure")
    runs.loc[chosen, "interpreter_ns"] *= 1.0 + (runs.loc[chosen, "round"] - 3.0) / 100
    cells = attribute(runs, summarise(runs), machine_limits(runs))
    cells = cells.set_index(["implementation", "strategy"])
    for strategy in SHARED:
        c, numpy, python = (cells.loc[name, strategy] for name in ("c", "numpy", "python"))
        # The median of 6 workers from 0.98 to 1.03 of it.
        assert numpy["interpreter_ns"] == pytest.approx(10_000 * 900.0 * 1.005)
        assert python["interpreter_ns"] == pytest.approx(10_000 * 300.0)
        assert c["interpreter_ns"] == 0.0 and c["write_ns"] > 0.0
        # Rows are written by the statements that the interpreter's part is of.
        assert numpy["write_ns"] == 0.0 and python["write_ns"] == 0.0
        for part in ("copy_ns", "fault_ns", "allocator_ns", "system_ns"):
            assert numpy[part] == pytest.approx(c[part])
        assert numpy["floor_ns"] == c["floor_ns"] > 0.0
        assert numpy["unknown_parts"] == c["unknown_parts"] == ""
        assert 0.85 < numpy["explained_share"] < 1.15


def test_an_interpreter_that_nobody_measured_is_unknown_and_not_free():
    runs, _ = full_run([SLOW], ["glibc"], [10_000], 6, interpreted={"numpy": [SLOW], "go": [SLOW]})
    runs.loc[runs["implementation"] == "numpy", "interpreter_ns"] = np.nan
    cells = attribute(runs, summarise(runs), machine_limits(runs)).set_index("implementation")
    assert cells.loc["c", "unknown_parts"] == ""
    for name in ("numpy", "go"):
        assert cells.loc[name, "unknown_parts"] == "interpreter_ns"
        assert cells.loc[name, "write_ns"] == cells.loc["c", "write_ns"]


def parts_of(runs: pd.DataFrame) -> list:
    return slices(analyse(runs, NO_POINTS), MACHINE)


def test_beside_our_kernels_the_others_have_no_slice_of_their_own():
    (part,) = parts_of(planted(THREE))
    assert set(part.data.summary["implementation"]) == {"c"}
    assert set(part.context.strategies) == {SLOW, FAST}
    assert set(part.data.run["implementation"]) == {"c", "numpy", "python"}
    assert len(part.data.ratios) == 6


def test_without_our_kernels_the_others_are_one_slice_with_names_of_their_own():
    runs = planted({key: ns for key, ns in THREE.items() if key[0] != "c"})
    (part,) = parts_of(runs)
    assert part.suffix == "" and part.context.what.startswith("NumPy and Python, 80-byte rows")
    names = {f"{name} {strategy}" for name in ("numpy", "python") for strategy in (SLOW, FAST)}
    for table in (part.data.summary, part.data.attribution):
        assert set(table["strategy"]) == names
    looks = part.context.strategies
    assert set(looks) == names and len(set(looks.values())) == len(names)
    alone = parts_of(runs[runs["implementation"] == "numpy"])[0]
    assert set(alone.data.summary["strategy"]) == {SLOW, FAST}
    assert alone.context.what.startswith("NumPy, ")


def test_a_mixed_slice_keeps_its_rounds_apart():
    runs = planted({key: ns for key, ns in THREE.items() if key[0] != "c"})
    evidence = evidence_of(runs)
    rounds = evidence.rounds_of(evidence.measured(), "cold_build")
    first = rounds.loc[1]
    for name, per_row in (("numpy", 900.0), ("python", 400.0)):
        assert first[f"{name} {SLOW}", "glibc"] == pytest.approx(10_000 * per_row * 1.001)
    # Cells that come from the whole run are told apart as well.
    cells = analyse(planted(THREE), NO_POINTS).summary
    whole = evidence_of(planted(THREE)).rounds_of(cells[cells["rows"] == 10_000], "cold_build")
    assert whole.loc[1][f"c {SLOW}", "glibc"] == pytest.approx(10_000 * 100.0 * 1.001)
    assert len(whole.columns) == len(THREE)


def with_patterns(runs: pd.DataFrame, timeline: pd.DataFrame):
    """The same run with a pattern pass, which was traced too, of names of its own and of ours."""
    own = runs[(runs["pass"] == "measure") & (runs["rows"] == runs["rows"].max())]
    parts = []
    for strategy, status in (("copy_strided", "ok"), (SLOW, "ok"), ("transpose_copy", "crashed")):
        part = own.drop_duplicates(["allocator", "implementation"]).assign(
            strategy=strategy, status=status, round=99, rows=777, cold_build_ns=1.0
        )
        parts.append(part.assign(**{"pass": "pattern"}))
    traced = runs[runs["pass"] == "trace"].drop_duplicates(["allocator", "implementation"])
    traced = traced.assign(strategy="copy_strided", rows=9_999, round=1)
    more = pd.concat([*parts, traced], ignore_index=True)
    more["position"] = runs["position"].max() + 1 + np.arange(len(more))
    whole = pd.concat([runs, more], ignore_index=True)
    points = timeline.head(3).assign(
        strategy="copy_strided",
        implementation="c",
        position=more["position"].max(),
        rows=9_999,
    )
    return whole, pd.concat([timeline, points], ignore_index=True)


@pytest.fixture(scope="module")
def beside():
    return full_run(
        SHARED,
        ["glibc", "jemalloc"],
        [100, 1000, 10_000],
        6,
        interpreted={"numpy": [SLOW, FAST], "python": [SLOW, FAST]},
    )


def test_copying_patterns_change_no_table(beside):
    one, other = analyse(*beside), analyse(*with_patterns(*beside))
    own = {"patterns", "view_crossovers", "choices"}
    for name in set(one._fields) - own:
        table, same = getattr(one, name), getattr(other, name)
        pd.testing.assert_frame_equal(table, same, obj=name)


def test_copying_patterns_change_no_shape_no_claim_and_no_other_comparison(beside):
    runs, whole = beside[0], with_patterns(*beside)[0]
    for function in (
        lambda of: exponents(of, None, COLD),
        lambda of: crossings(of, COLD),
        lambda of: ratios(of, COLD, "strategy", FAST),
        lambda of: shared(hosts_of([Run("a", of)])).cells,
        lambda of: compare(of, of, [COLD._replace(passes=(MEASURE,))]).families,
        lambda of: compare(of, of, [COLD]).lost,
        lambda of: compare_pairs(of, SLOW, FAST, COLD, "strategy"),
        lambda of: measured_for_export(of),
    ):
        expected, actual = function(runs), function(whole)
        assert len(expected) or function(runs).empty
        pd.testing.assert_frame_equal(expected, actual, check_dtype=False)
    families = compare(whole, whole, [COLD]).families
    assert len(families) > len(compare(runs, runs, [COLD]).families)
    assert families["strategy"].isin(whole.loc[whole["pass"] == PATTERN, "strategy"]).any()
    (said,) = not_shared(runs, whole, ("a", "b"))
    assert said.startswith("b has times of copying patterns")
    request = Request([COLD._replace(passes=(MEASURE,))])
    same = pd.concat(
        [runs.assign(allocator=f"{side}.glibc") for side in ("base", "new")], ignore_index=True
    )
    same = same.drop_duplicates(["allocator", *CELL_KEYS, "round"])
    assert settings_for(request, same, False, [runs]) == settings_for(request, same, False, [whole])


def test_copying_patterns_are_no_advice_and_no_finding(beside):
    runs, whole = beside[0], with_patterns(*beside)[0]
    case = Case(777, 80)
    one, other = (advise(Run("a", of), case) for of in (runs, whole))
    assert (one.sentences, one.warnings) == (other.sentences, other.warnings)
    assert not any("copy_strided" in text for text in [*other.sentences, *other.warnings])
    texts = [
        [plain(sentence) for finding in findings(evidence_of(of)) for sentence in finding.sentences]
        for of in (runs, whole)
    ]
    assert texts[0] == texts[1]


def test_a_ratio_is_to_the_reference_of_the_same_implementation():
    runs = planted({**THREE, ("cpp", "std_vector"): 30.0, ("numpy", "np_append"): 600.0})
    table = ratios(runs, COLD, "strategy", FAST)
    found = table.groupby(["implementation", "strategy"])["ratio"].max()
    expected = {
        ("c", SLOW): 10.0,
        ("numpy", SLOW): 3.0,
        ("numpy", "np_append"): 2.0,
        ("python", SLOW): 8.0,
        # What has no such strategy, and the others' own, are held against C's.
        ("cpp", "std_vector"): 3.0,
        ("numpy", FAST): 30.0,
        ("python", FAST): 5.0,
    }
    assert found.to_dict() == {key: pytest.approx(ratio) for key, ratio in expected.items()}


def test_machines_are_told_about_each_implementation_by_itself():
    one = planted(THREE)
    # On the other machine NumPy's loop is the faster one, and C's is as it was.
    two = planted({**THREE, ("numpy", SLOW): 30.0}).assign(machine_id="other")
    document = compare_documents([Run("a", one), Run("b", two)])
    table = next(t for t in document.tables if t.name == "claims_cold_build_release")
    verdicts = table.frame[table.frame["kind"] == "strategy"].set_index("name")
    assert verdicts.loc[f"c {SLOW}", "more_count"] == 2
    assert verdicts.loc[f"numpy {SLOW}", "contradiction_count"] == 2
    assert verdicts.loc[f"python {SLOW}", "contradiction_count"] == 0
    assert any(f"numpy {SLOW}" in text for text in document.sentences)


def test_a_crossing_is_with_the_reference_of_the_same_implementation():
    times = {
        ("c", "a"): lambda n: 50.0 * n,
        ("c", FAST): lambda n: 10.0 * n + 1e5,
        ("numpy", "a"): lambda n: 500.0 * n,
        ("numpy", FAST): lambda n: 300.0 * n + 1e6,
    }
    sizes = (100, 1000, 2000, 3000, 4500, 5500, 10_000, 100_000)
    runs = planted(dict.fromkeys(times, 1.0), sizes=sizes)
    values = [
        times[key](n) * (1.0 + r / 1000)
        for *key, n, r in zip(runs["implementation"], runs["strategy"], runs["rows"], runs["round"])
        for key in [tuple(key)]
    ]
    runs = runs.assign(cold_build_ns=values)
    table = crossings(runs, COLD, "strategy", FAST)
    found = {
        (row["implementation_a"], row["implementation_b"]): (row["faster_below"], row["rows"])
        for row in table.to_dict("records")
    }
    # 50 n = 10 n + 1e5 at 2,500; 500 n = 300 n + 1e6 at 5,000.
    assert set(found) == {("c", "c"), ("numpy", "numpy")}
    assert found["c", "c"][0] == "a" and found["c", "c"][1] == pytest.approx(2500, rel=0.1)
    assert found["numpy", "numpy"][0] == "numpy a"
    assert found["numpy", "numpy"][1] == pytest.approx(5000, rel=0.1)


def test_what_became_slower_is_named_with_its_implementation():
    base = planted(THREE, rounds=12)
    slow = (base["implementation"] == "numpy") & (base["strategy"] == SLOW)
    new = base.assign(cold_build_ns=base["cold_build_ns"] * np.where(slow, 1.5, 1.0))
    request = Request([COLD])
    settings, origin = settings_for(request, None, False, [base, new])
    sides = [layered.Group([run], [run]) for run in (Run("old", base), Run("new", new))]
    document = layered.compare(*sides, request, settings, origin)
    (told,) = document.tables[0].frame.to_dict("records")
    assert (told["implementation"], told["strategy"]) == ("numpy", SLOW)
    assert "implementation" in [column.name for column in document.tables[0].columns]
    cells = next(table for table in document.tables if table.name == "cells")
    assert set(cells.frame["implementation"]) == {"numpy"}
    assert "implementation" in [column.name for column in cells.columns]


def test_advice_is_about_compiled_code_unless_it_is_asked_otherwise():
    times = {**THREE, ("numpy", FAST): 1.0, ("cpp", "std_vector"): 20.0}
    run = Run("a", planted(times))
    case = Case(10_000, 80, known_rows=True)
    found = advise(run, case)
    assert f"take {FAST} on glibc" in found.sentences[0]
    assert set(found.ranking.frame["implementation"]) == {"c", "cpp"}
    assert found.warnings[-1].endswith("for others: --implementation numpy,python.")
    other = advise(run, case._replace(implementation=("numpy", "python")))
    assert f"take numpy {FAST} on glibc" in other.sentences[0]
    assert not any("compiled" in text for text in other.warnings)
    alone = Run("a", planted({("numpy", FAST): 1.0}))
    with pytest.raises(UsageError, match="nothing compiled.*--implementation numpy"):
        advise(alone, case)


def test_a_container_is_not_held_against_somebody_elses_kernel():
    times = {
        ("c", "realloc_doubling"): 10.0,
        ("numpy", "realloc_doubling"): 9999.0,
        ("cpp", "std_vector"): 20.0,
        ("rust", "std_vector"): 1.0,
    }
    table = containers(evidence_of(planted(times))).table.frame
    assert table["ratio"].tolist() == pytest.approx([0.5])


def test_what_implementations_cost_beside_c_is_said_with_its_interval():
    text, finding = said(beside_c, planted(THREE))
    assert "NumPy takes longer than C" in text and "in 2 of 2 cells" in text
    assert f"{FAST} 30.0 times (30.0 to 30.0)" in text
    assert f"{SLOW} 9.000 times" in text
    frame = finding.table.frame.set_index(["implementation", "strategy"])
    assert frame.loc[("python", SLOW), "ratio"] == pytest.approx(4.0)
    assert "implementations_cold" in finding.plots


def test_what_does_not_differ_from_c_is_not_said_to():
    runs = planted({("c", SLOW): 100.0, ("numpy", SLOW): 100.0})
    noise = np.random.default_rng(3).normal(0.0, 0.1, len(runs))
    runs["cold_build_ns"] *= np.exp(noise)
    assert said(beside_c, runs) == ("", None)
    assert said(beside_c, planted(THREE, rounds=5)) == ("", None)
    assert said(beside_c, planted({("c", SLOW): 1.0, ("numpy", FAST): 9.0})) == ("", None)
    assert said(beside_c, planted({("numpy", SLOW): 1.0, ("python", SLOW): 9.0})) == ("", None)


def test_the_articles_ratio_is_said_for_each_implementation_that_has_one():
    text, finding = said(article_by_implementation, planted(THREE, allocators=("glibc", "scudo")))
    for name, ratio in (("C", 10.0), ("NumPy", 3.0), ("Python", 8.0)):
        figures = re.search(rf"{name} (\S+) \((\S+) to (\S+)\) on (glibc|scudo) to ", text)
        assert [float(figure) for figure in figures.groups()[:3]] == pytest.approx([ratio] * 3)
    frame = finding.table.frame.set_index("allocator")
    assert frame.loc["scudo", "numpy_ratio"] == pytest.approx(3.0)
    assert finding.title == "The article's ratio in C, NumPy and Python"


def test_the_articles_ratio_is_not_said_of_one_implementation_or_a_few_rounds():
    assert said(article_by_implementation, planted(THREE, rounds=5)) == ("", None)
    alone = {key: ns for key, ns in THREE.items() if key[0] == "c"}
    assert said(article_by_implementation, planted(alone)) == ("", None)


def said(function, runs: pd.DataFrame):
    finding = function(evidence_of(runs))
    if finding is None:
        return "", None
    return " ".join(plain(sentence) for sentence in finding.sentences), finding


def test_the_report_lists_both_names_where_strategies_cross():
    runs = planted(THREE)
    crossed_ones = crossed(evidence_of(runs))
    if crossed_ones is not None:
        frame = crossed_ones.table.frame
        assert (frame["implementation_a"] != "c").eq(frame["implementation_b"] != "c").all()
    columns = [column.name for column in headlines(evidence_of(runs)).table.columns]
    assert "implementation" in columns


def test_versions_of_implementations_are_a_difference_between_runs():
    runs = planted(THREE).assign(implementation_version="")
    numpy = runs["implementation"] == "numpy"
    one, two = (
        runs.assign(implementation_version=runs["implementation_version"].where(~numpy, version))
        for version in ("NumPy 1.24.2", "NumPy 2.0.0")
    )
    frame = machine_differences([Run("a", one), Run("b", two)]).frame
    row = frame[frame["what"] == "implementation NumPy"].iloc[0]
    assert (row["run_1"], row["run_2"]) == ("NumPy 1.24.2", "NumPy 2.0.0")
