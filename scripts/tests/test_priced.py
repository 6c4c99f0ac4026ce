"""What prices and counts did to the times of two sides: planted prices, counts and times."""

from typing import Optional

import numpy as np
import pandas as pd
import pytest
from conftest import write_runs
from full_runs import APPEND, MALLOC_RUN, TOUCH, full_run
from test_host import QUIET, described, times

from growbench.analysis.prices import (
    Priced,
    Side,
    departs,
    effect,
    explained_of_moves,
    parts_of_effect,
    priced,
    side_of,
    within,
)
from growbench.comparison.hosts import hosts_of, namesakes
from growbench.comparison.layers import ABSENT, CLEAR, MACHINE
from growbench.comparison.machines import document
from growbench.comparison.priced import COUNTS, NOTHING, WORKERS, departures, longest, machine_layer
from growbench.comparison.run import Run
from growbench.data.columns import CELL
from growbench.tables import formats

STRATEGIES = ["realloc_doubling", "loop_and_append", "preallocate_then_fill"]
FAULTS = "cold_build_minor_fault_count"


@pytest.fixture(scope="module", name="plain")
def plain_run() -> pd.DataFrame:
    """A run whose times are what the model says, to the digit, and whose workers priced a page."""
    runs, _ = full_run(STRATEGIES, ["glibc", "jemalloc"], [1000, 10_000, 100_000], 8, noise=0.0)
    runs.loc[measured(runs), "touch_page_ns"] = TOUCH
    return told_by_model(runs)


def measured(runs: pd.DataFrame) -> pd.Series:
    return (runs["pass"] == "measure") & (runs["status"] == "ok")


def told_by_model(runs: pd.DataFrame, factor: float = 1.0) -> pd.DataFrame:
    """The run, whose cold builds take that factor of what its counts come to at its prices."""
    side = side_of([runs])
    itself = priced(side, side)
    totals = itself.base_parts.sum(axis=1, skipna=False)
    of_cell = dict(zip(map(tuple, itself.cells[list(CELL)].to_numpy()), totals))
    runs = runs.copy()
    rows = runs.loc[measured(runs), list(CELL)]
    took = [of_cell[tuple(row)] * factor for row in rows.to_numpy()]
    runs.loc[rows.index, "cold_build_ns"] = took
    return runs


def at(
    runs: pd.DataFrame,
    every: float = 1.0,
    page: float = 1.0,
    faults: float = 1.0,
    copied: float = 1.0,
) -> pd.DataFrame:
    """The run with these factors on all of its prices, on that of a page, and on its counts; its
    times are as they were."""
    runs = runs.copy()
    touch = (runs["pass"] == "probe") & (runs["strategy"] == "touch")
    for column in ("probe_ns", "probe_min_ns"):
        runs[column] *= every
        runs.loc[touch, column] *= page
    runs["touch_page_ns"] *= every * page
    runs[FAULTS] = (runs[FAULTS] * faults).round()
    for column in ("realloc_moved_bytes", "realloc_remapped_bytes", "strategy_copied_bytes"):
        runs[column] *= copied
    return runs


def compared(base: pd.DataFrame, new: pd.DataFrame) -> Priced:
    return priced(side_of([base]), side_of([new]))


def cell(found: Priced, strategy: str, rows: int, allocator: str = "glibc") -> pd.Series:
    cells = found.cells
    chosen = (cells["strategy"] == strategy) & (cells["rows"] == rows)
    return cells[chosen & (cells["allocator"] == allocator)].iloc[0]


def as_run(runs: pd.DataFrame, label: str, machine: Optional[dict] = None) -> Run:
    return Run(label, runs, machine)


def test_one_cell_by_hand(plain):
    new = told_by_model(at(plain, page=0.5))
    found = cell(compared(plain, new), "preallocate_then_fill", 1000)
    # 80,000 bytes are 19.5 pages, and the run has one fault more.
    pages = 21
    then = 1000 * APPEND + pages * TOUCH + MALLOC_RUN
    now = 1000 * APPEND + pages * TOUCH / 2 + MALLOC_RUN
    assert found["base_ns"] == pytest.approx(then, rel=1e-3)
    assert found["machine"] == pytest.approx(now / then, rel=1e-3)
    assert found["counts_ns"] == found["predicted_ns"] == pytest.approx(now, rel=1e-3)
    assert found["code"] == 1.0
    assert found["left"] == pytest.approx(1.0)
    assert found["explained_share"] == pytest.approx(1.0)


def test_a_host_at_seven_tenths_of_all_prices_explains_all_that_moved(plain):
    found = compared(plain, told_by_model(at(plain, every=0.7)))
    assert effect(found) == pytest.approx(0.7)
    assert explained_of_moves(found.cells) == pytest.approx(1.0)
    assert np.allclose(found.cells[["machine", "ratio"]], 0.7)
    assert np.allclose(found.cells[["code", "left", "left_low", "left_high"]], 1.0)
    assert within(found.cells).all() and not departs(found.cells).any()


def test_the_effect_is_the_sum_of_what_its_parts_add(plain):
    found = compared(plain, told_by_model(at(plain, page=0.5)))
    parts = parts_of_effect(found).set_index("part")
    assert parts.loc["fault_ns", "price"] == pytest.approx(0.5)
    others = parts.drop("fault_ns")
    assert np.allclose(others["price"], 1.0) and np.allclose(others["points"], 0.0)
    assert parts["share"].sum() == pytest.approx(1.0)
    assert parts["points"].sum() == pytest.approx(effect(found) - 1.0)
    # Nothing of a price at which nothing is done.
    assert "huge_fault_ns" not in parts.index and "interpreter_ns" not in parts.index


def test_counts_that_moved_are_not_the_machines(plain):
    found = compared(plain, told_by_model(at(plain, faults=2.0)))
    assert np.allclose(found.cells["machine"], 1.0)
    assert np.allclose(found.cells["code"], found.cells["ratio"])
    assert np.allclose(found.cells["left"], 1.0)
    one = cell(found, "preallocate_then_fill", 1000)
    before = 1000 * APPEND + 21 * TOUCH + MALLOC_RUN
    assert one["code"] == pytest.approx((before + 21 * TOUCH) / before, rel=1e-3)


def test_prices_and_counts_that_both_moved_are_told_apart(plain):
    new = told_by_model(at(plain, every=0.8, faults=1.5, copied=2.0))
    found = compared(plain, new)
    assert np.allclose(found.cells["machine"], 0.8)
    assert np.allclose(found.cells["machine"] * found.cells["code"], found.cells["ratio"])
    copying = cell(found, "loop_and_append", 10_000)
    assert copying["code"] > 1.4
    assert np.allclose(found.cells["left"], 1.0)


def test_time_that_neither_explains_is_left_over(plain):
    found = compared(plain, told_by_model(plain, 1.1))
    assert np.allclose(found.cells[["machine", "code"]], 1.0)
    assert np.allclose(found.cells[["left", "left_low", "left_high"]], 1.1)
    assert explained_of_moves(found.cells) == 0.0


def test_a_cell_of_which_the_model_lacks_half_moves_with_its_machine(plain):
    """What is left over of a cell is taken to move as what is explained of it does."""
    found = compared(told_by_model(plain, 2.0), told_by_model(at(plain, every=0.7), 2.0))
    assert np.allclose(found.cells["explained_share"], 0.5)
    assert np.allclose(found.cells["predicted_ns"], found.cells["new_ns"])
    assert np.allclose(found.cells["counts_ns"] * 2.0, found.cells["new_ns"])


def test_the_other_way_round_is_the_reciprocal(plain):
    other = told_by_model(at(plain, every=0.6, page=1.3))
    there, back = compared(plain, other), compared(other, plain)
    assert np.allclose(there.cells["machine"] * back.cells["machine"], 1.0)
    assert np.allclose(there.cells["ratio"] * back.cells["ratio"], 1.0)


def test_the_interval_is_of_the_workers(plain):
    random = np.random.default_rng(5)
    noisy = plain.copy()
    rows = noisy.index[measured(noisy)]
    noisy.loc[rows, "cold_build_ns"] *= np.exp(random.normal(0.0, 0.05, len(rows)))
    cells = compared(plain, noisy).cells
    assert (cells["left_low"] < cells["left"]).all() and (cells["left"] < cells["left_high"]).all()
    few = noisy[~measured(noisy) | (noisy["round"] <= 2)]
    cells = compared(plain[~measured(plain) | (plain["round"] <= 1)], few).cells
    assert cells["left"].notna().all() and cells["left_low"].isna().all()


def test_a_page_is_the_workers_or_on_both_sides_the_probes(plain):
    dear = plain.assign(touch_page_ns=plain["touch_page_ns"] * 10.0)
    assert effect(compared(plain, dear)) > 3.0
    silent = plain.copy()
    silent.loc[silent.index[measured(silent)][2:], "touch_page_ns"] = np.nan
    assert effect(compared(dear, silent)) == pytest.approx(1.0)
    assert effect(compared(silent, dear)) == pytest.approx(1.0)


def test_what_an_interpreter_takes_is_a_price():
    runs, _ = full_run(
        ["preallocate_then_fill"],
        ["glibc"],
        [1000, 10_000],
        6,
        noise=0.0,
        interpreted={"numpy": ["preallocate_then_fill"]},
    )
    fast = runs.assign(interpreter_ns=runs["interpreter_ns"] * 0.5)
    found = compared(runs, fast)
    numpy = found.cells["implementation"] == "numpy"
    assert (found.cells.loc[numpy, "machine"] < 0.9).all()
    assert np.allclose(found.cells.loc[~numpy, "machine"], 1.0)
    # Who has not measured what an interpreter takes has no price of it.
    nobody = compared(runs, runs.assign(interpreter_ns=np.nan)).cells
    assert nobody.loc[numpy, "machine"].isna().all() and nobody.loc[~numpy, "machine"].notna().all()


def test_a_part_that_is_not_known_on_one_side_is_no_zero(plain):
    no_append = plain[~((plain["pass"] == "probe") & (plain["strategy"] == "append"))]
    for base, new in ((plain, no_append), (no_append, plain)):
        cells = compared(base, new).cells
        assert cells[["machine", "left"]].isna().all().all() and cells["ratio"].notna().all()
    untraced = compared(plain, plain[plain["pass"] != "trace"]).cells
    assert np.allclose(untraced["machine"], 1.0) and untraced["code"].isna().all()


def test_runs_of_one_side_are_taken_together(plain):
    dear = told_by_model(at(plain, every=1.2))
    both = side_of([plain, dear, dear])
    assert both.prices.page_ns == pytest.approx(1.2 * TOUCH)
    assert both.prices.costs.machine("append", 80) == pytest.approx(1.2 * APPEND, rel=0.02)
    assert len(both.times) == 3 * measured(plain).sum()
    assert effect(priced(side_of([plain]), both)) == pytest.approx(1.2, rel=0.02)


@pytest.mark.parametrize("factor, told", [(0.7, "30% faster"), (1.4, "40% slower")])
def test_the_layer_says_which_host_and_why(plain, factor, told):
    new = told_by_model(at(plain, every=factor))
    layer = machine_layer([as_run(plain, "old")], [as_run(new, "new")])
    assert (layer.name, layer.verdict) == (MACHINE, CLEAR)
    assert layer.sentences[0].startswith(f"another host, {told} (the same counts take")
    assert f"page faults {factor - 1.0:+.0%}" in layer.sentences[0]
    assert "explains 100% of what moved in 12 cold C builds of 100 µs" in layer.sentences[0]
    assert layer.sentences[1].endswith("12 of 12 (100.0%) of these within 25% of what was measured")
    assert layer.sentences[-1].startswith("this is about cold builds")
    assert [table.name for table in layer.tables] == ["prices", "machine", "priced_families"]
    for table in layer.tables:
        assert len(formats.as_records(table)["rows"]) == len(table.frame)
        assert all(column.name in table.frame for column in table.columns)
    moved = layer.tables[0].frame.set_index("what")["ratio"]
    assert moved["a page, in the workers"] == pytest.approx(factor)
    families = layer.tables[2].frame
    assert np.allclose(families["machine"], factor) and np.allclose(families["machine_share"], 1.0)


def test_one_host_at_its_prices_explains_nothing(plain):
    layer = machine_layer([as_run(plain, "a")], [as_run(told_by_model(plain, 1.1), "b")])
    assert layer.sentences[0] == (
        "the machine's prices are about the same on both sides: they put 12 cold C builds of 100 "
        "µs and more at +0.0%"
    )
    assert len(layer.sentences) == 1 and layer.families.empty


def test_a_host_of_another_name_at_the_same_prices(plain):
    other = plain.assign(machine_id="other")
    layer = machine_layer([as_run(plain, "a")], [as_run(told_by_model(other, 1.1), "b")])
    assert layer.sentences[0].startswith("b is of another host, whose prices are about the same")
    assert any("taken out: +10.0% in the middle" in text for text in layer.sentences)


def test_what_departs_is_named_with_what_is_known_of_it(plain):
    new = told_by_model(at(plain, every=0.7))
    cells = new["strategy"] + " " + new["rows"].astype(str) + " " + new["allocator"]
    slow = measured(new) & (cells == "preallocate_then_fill 100000 jemalloc")
    new.loc[slow, "cold_build_ns"] *= 1.5
    shaky = measured(new) & (cells == "preallocate_then_fill 100000 glibc")
    new.loc[shaky, "cold_build_ns"] *= np.geomspace(0.5, 4.5, int(shaky.sum()))
    more = measured(new) & (cells == "realloc_doubling 100000 glibc")
    new.loc[more, [FAULTS, "cold_build_ns"]] *= 1.6
    found = longest(compared(plain, new))
    table = departures(found.found.cells).frame.set_index(["strategy", "allocator"])
    assert table["why"].to_dict() == {
        ("preallocate_then_fill", "jemalloc"): NOTHING,
        ("preallocate_then_fill", "glibc"): WORKERS,
        ("realloc_doubling", "glibc"): COUNTS,
    }
    assert table["is_sure"].to_dict()["preallocate_then_fill", "glibc"] == 0
    layer = machine_layer([as_run(plain, "a")], [as_run(new, "b")])
    said = layer.sentences
    assert list(layer.families["strategy"]) == ["preallocate_then_fill", "realloc_doubling"]
    assert list(layer.families["text"])[0].startswith("-30.0% of ")
    assert any(
        text.startswith("further off: 3, 2 by more than their workers differ: realloc_doubling")
        for text in said
    )
    assert any(text.endswith("by 10% and more, at the prices of now: +44.3%") for text in said)


def test_only_the_cells_that_are_asked_for(plain):
    new = told_by_model(at(plain, every=0.7))
    wanted = plain.loc[plain["allocator"] == "jemalloc", list(CELL)]
    layer = machine_layer([as_run(plain, "a")], [as_run(new, "b")], wanted)
    assert set(layer.tables[2].frame["allocator"]) == {"jemalloc"}
    assert "6 cold C builds" in layer.sentences[0]


def test_huge_pages_that_a_setting_gave_are_not_the_codes(plain):
    machines = [{"system": {"thp_enabled": text}} for text in ("[always] never", "always [never]")]
    runs = [as_run(plain, label, machine) for label, machine in zip("ab", machines)]
    said = machine_layer(runs[:1], runs[1:]).sentences
    assert any(text.startswith("transparent huge pages were set to always then") for text in said)
    assert not any("huge pages" in text for text in machine_layer(runs[:1], runs[:1]).sentences)


def test_what_cannot_be_priced_is_said_with_the_reason(plain):
    def layer(base: pd.DataFrame, new: pd.DataFrame):
        return machine_layer([as_run(base, "a")], [as_run(new, "b")])

    no_probes = plain[plain["pass"] != "probe"].assign(touch_page_ns=np.nan)
    untraced = plain[plain["pass"] != "trace"]
    elsewhere = plain.assign(rows=plain["rows"] + 1)
    for base, new, why in (
        (plain, no_probes, "as b has no probes of the host (pass probe)"),
        (untraced, plain, "as a has no counts (pass trace)"),
        (plain, elsewhere, "as no cell has a cold build on both sides"),
        (plain, plain.iloc[:0], "as no cell has a cold build on both sides"),
    ):
        found = layer(base, new)
        assert found.verdict == ABSENT
        assert found.sentences[-1] == f"the machine: not priced, {why}"


def seen(label: str, prices: dict, runs: pd.DataFrame, machine_id: str = "m") -> Run:
    return Run(label, runs.assign(machine_id=machine_id), described(prices))


def test_runs_are_of_one_host_if_nothing_says_otherwise(plain):
    few = plain.head(3)
    a, b = seen("a", QUIET, few), seen("b", times(1.5, "page"), few)
    c, other = seen("c", times(1.05, "page"), few), seen("d", QUIET, few, "n")
    unknown = Run("e", few.assign(machine_id="m"))
    hosts = hosts_of([a, b, c, other, unknown])
    assert [[run.label for run in host.runs] for host in hosts] == [["a", "c", "e"], ["b"], ["d"]]
    assert [host.label for host in hosts] == ["M1", "M2", "M3"]
    assert namesakes(hosts) == [
        "two hosts of one name, m: a, c, e is of one, b of another (another state: page +50%)"
    ]
    better = seen("f", {**times(1.3, "page"), "call": 150.0}, few)
    assert "(another machine: best call -25%" in namesakes(hosts_of([a, better]))[0]
    assert namesakes(hosts_of([a, c, other])) == []


def test_what_a_run_saw_stays_when_rows_are_chosen(plain):
    whole = Run("a", plain, None, Run("a", plain).fingerprint())
    assert whole._replace(runs=plain.head(1)).fingerprint().prices.keys() == {
        "call",
        "page",
        "copy_near",
        "copy_far",
    }


def test_two_hosts_of_one_name_are_two_machines(plain):
    runs = [seen("a", QUIET, plain), seen("b", times(1.5, "page"), plain)]
    told = document(runs)
    assert told.title == "2 machines: m, m" and told.status == 0
    assert told.sentences[0].startswith("two hosts of one name, m: a is of one, b of another")
    assert document([runs[0], seen("c", QUIET, plain)]).status == 3


def test_bench_hosts_prints_the_shares_both_ways(call_here, tmp_path, plain):
    slow = told_by_model(at(plain, every=1.5))
    off = slow.copy()
    off["cold_build_ns"] *= np.where(off["rows"] == 100_000, 1.5, 1.0)
    for name, runs in (("a", plain), ("b", slow), ("c", off)):
        runs = runs.round({"cold_build_ns": 0, "strategy_copied_bytes": 0})
        write_runs(runs, tmp_path / name / "runs.csv")
    a, b, c = (str(tmp_path / name) for name in "abc")
    done = call_here("bench-hosts", a, b)
    assert done.returncode == 0 and "2 of 2 at 90% and more" in done.stdout
    done = call_here("bench-hosts", a, c, "--worst", "3")
    assert done.returncode == 1 and "0 of 2 at 90% and more" in done.stdout
    assert "Cells that are not as predicted: c from a" in done.stdout
    assert call_here("bench-hosts", a).returncode == 2
    assert isinstance(side_of([plain]), Side)
