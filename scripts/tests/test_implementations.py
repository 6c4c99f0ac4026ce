"""Strategies that several implementations have, in the same run: told apart everywhere."""

import numpy as np
import pandas as pd
import pytest
from conftest import MACHINE, build_runs
from full_runs import full_run
from report_runs import NO_POINTS

from growbench import implementations
from growbench.article import FAST, SLOW, article_ratios
from growbench.attribution import attribute
from growbench.data import analyse
from growbench.limits import machine_limits
from growbench.metrics import metric
from growbench.pair_comparison import compare_pairs, strategy_choices, strategies_of
from growbench.slices import slices
from growbench.summary import summarise

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


def test_strategies_are_compared_within_each_implementation_that_has_both():
    table = compare_pairs(planted(THREE), SLOW, FAST, COLD, "strategy")
    found = table.groupby("implementation")["ratio"].agg(["min", "max", "size"])
    expected = {"c": 10.0, "numpy": 3.0, "python": 8.0}
    assert set(found.index) == set(expected)
    for name, ratio in expected.items():
        assert found.loc[name, "min"] == pytest.approx(ratio)
        assert found.loc[name, "max"] == pytest.approx(ratio)
        assert found.loc[name, "size"] == 2


def test_a_strategy_can_be_asked_for_with_its_implementation():
    table = compare_pairs(planted(THREE), f"numpy {SLOW}", f"c {FAST}", COLD, "strategy")
    assert set(table["implementation"]) == {"numpy / c"}
    assert table["ratio"].tolist() == pytest.approx([90.0, 90.0])


def test_without_an_implementation_that_has_both_it_is_that_of_c():
    times = {("c", "a"): 10.0, ("numpy", "a"): 999.0, ("cpp", "b"): 5.0}
    table = compare_pairs(planted(times), "a", "b", COLD, "strategy")
    assert table["ratio"].tolist() == pytest.approx([2.0, 2.0])
    assert set(table["implementation"]) == {"c / cpp"}


def test_implementations_are_compared_in_the_strategies_that_both_have():
    times = {**THREE, ("numpy", "np_append"): 5.0}
    table = compare_pairs(planted(times), "numpy", "c", COLD, "implementation")
    found = table.groupby("strategy")["ratio"].max().to_dict()
    assert found == {SLOW: pytest.approx(9.0), FAST: pytest.approx(30.0)}


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
