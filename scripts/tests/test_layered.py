"""Two sides in layers: what decides, what is said first, and what the table of all layers holds."""

import json

import numpy as np
import pandas as pd
import pytest
from conftest import fail
from test_compare import counted
from test_same_machine import run, scaled

from growbench.analysis import host
from growbench.comparison import layered, layers, several
from growbench.comparison.exact_layer import exact_layer
from growbench.comparison.layered import Group
from growbench.comparison.layers import ABSENT, CLEAR, Layer, MOVED, OPEN, TIMES, WORSE
from growbench.comparison.pair import Request
from growbench.comparison.run import Run
from growbench.comparison.same_machine import Settings, compare
from growbench.comparison.sharing import FAMILY
from growbench.comparison.verdict import family_change
from growbench.data.columns import INSTRUCTIONS, MEASURE
from growbench.data.metrics import metric

REQUEST = Request([metric(name) for name in layered.METRICS])


def group(*runs: Run) -> Group:
    return Group(runs, runs)


def machine(**parts) -> dict:
    described: dict = {"machine": {"architecture": "x86-64"}, "system": {"page_bytes": 4096}}
    described["system"]["thp_enabled"] = "always [madvise] never"
    return {**described, **parts}


def documents(base: Group, new: Group):
    return layered.compare(base, new, REQUEST, Settings(), "theta 5%")


def table(document, name: str) -> pd.DataFrame:
    return next(of.frame for of in document.tables if of.name == name)


def with_instructions(seed: int, count: float, **figures: float) -> pd.DataFrame:
    runs = counted(run(seed), **figures)
    rows = runs[runs["pass"] == "trace"].assign(
        **{"pass": INSTRUCTIONS, "cold_build_instruction_count": count, "copied_bytes": np.nan}
    )
    return pd.concat([runs, rows], ignore_index=True)


# ---- what is worse exactly ----


@pytest.mark.parametrize(
    "count, verdict", [(1010.0, WORSE), (1005.0, CLEAR), (990.0, CLEAR), (1000.0, CLEAR)]
)
def test_instructions_are_worse_by_more_than_half_a_percent(count, verdict):
    base, new = (Run("a", with_instructions(1, of)) for of in (1000.0, count))
    layer = exact_layer([base], [new])
    assert layer.verdict == verdict
    cells = next(of.frame for of in layer.tables if of.name == "exact_cells")
    assert len(cells) == (0 if count == 1000.0 else 40)
    told = {1010.0: "worse", 1005.0: "other", 990.0: "better"}
    assert set(cells["change"]) <= {told.get(count)}


def test_a_small_rise_beside_a_large_fall_is_better():
    base, new = with_instructions(1, 1000.0), with_instructions(1, 1002.0)
    new.loc[
        (new["pass"] == INSTRUCTIONS) & (new["rows"] == 3000), "cold_build_instruction_count"
    ] = 9
    layer = exact_layer([Run("a", base)], [Run("b", new)])
    assert layer.verdict == CLEAR and set(layer.families["change"]) == {"better"}


def test_instructions_that_were_not_counted_alike_are_not_compared():
    def of(version: str, count: float) -> Run:
        counting = {"valgrind": version, "options": ["--tool=callgrind"]}
        return Run("a", with_instructions(1, count), machine(instructions=counting))

    older, newer = of("valgrind-3.19.0", 1000.0), of("valgrind-3.24.0", 2000.0)
    layer = exact_layer([older], [newer])
    assert layer.verdict == CLEAR
    assert "not counted alike: valgrind-3.19.0" in layer.sentences[-1]
    assert exact_layer([older], [of("valgrind-3.19.0", 2000.0)]).verdict == WORSE


def test_what_follows_the_kernels_pages_is_neither_worse_nor_better():
    rows = counted(run(1))
    more = rows.copy()
    more.loc[more["pass"] == MEASURE, "cold_build_minor_fault_count"] += 1000
    other = machine(system={"page_bytes": 4096, "thp_enabled": "[always] madvise never"})
    base = Run("a", rows, machine())
    assert exact_layer([base], [Run("b", more, machine())]).verdict == WORSE
    layer = exact_layer([base], [Run("b", more, other)])
    assert layer.verdict == CLEAR and set(layer.families["change"]) == {"other"}
    assert "transparent huge pages madvise, then 4 KiB" in layer.sentences[-1]
    # A copy more is one on any pages.
    more.loc[more["pass"] == "trace", "copied_bytes"] += 1
    assert exact_layer([base], [Run("b", more, other)]).verdict == WORSE


def test_of_a_family_the_worst_change_is_told_and_how_many_more():
    new = counted(run(2), copied_bytes=400.0, leaked_bytes=8.0)
    layer = exact_layer([Run("a", counted(run(1)))], [Run("b", new)])
    assert set(layer.families["text"]) == {
        "bytes left after the release from none at all sizes; and 1 more"
    }
    assert layer.verdict == WORSE and len(layer.families) == 8


# ---- which layer decides ----


def of_times(verdict: str) -> Layer:
    return Layer(TIMES, [f"in time, {verdict}"], (), verdict)


@pytest.mark.parametrize(
    "exact, times, status",
    [
        (CLEAR, OPEN, 0),
        (CLEAR, CLEAR, 0),
        (CLEAR, WORSE, 1),
        (WORSE, CLEAR, 1),
        (ABSENT, CLEAR, 0),
        (OPEN, CLEAR, 0),
        (ABSENT, OPEN, 4),
        (OPEN, OPEN, 4),
        # What looks slower in several runs a side is not clear, though nothing changed exactly.
        (CLEAR, MOVED, 4),
        (WORSE, MOVED, 1),
    ],
)
def test_exact_figures_decide_first_and_times_where_they_can(monkeypatch, exact, times, status):
    rows = {
        CLEAR: (counted(run(1)), counted(run(2))),
        WORSE: (counted(run(1)), counted(run(2), copied_bytes=801.0)),
        ABSENT: (run(1), run(2)),
        OPEN: (counted(run(1)), counted(run(2)).drop(index=[len(run(2))])),
    }[exact]
    monkeypatch.setattr(several, "times_layer", lambda *_: of_times(times))
    base, new = rows
    found = documents(group(Run("a", base), Run("b", base)), group(Run("c", new), Run("d", new)))
    assert found.status == status
    assert found.title.endswith(layered.VERDICTS[status])


def test_passes_that_only_one_side_has_cover_nothing():
    both = with_instructions(1, 1000.0)
    traced = both[both["pass"] != INSTRUCTIONS].reset_index(drop=True)
    only = both[both["pass"] != "trace"].reset_index(drop=True)
    found = documents(group(Run("a", traced)), group(Run("b", only)))
    assert found.status == 4 and "cannot be told" in " ".join(found.sentences)


def test_a_cell_that_cannot_be_traced_any_more_is_lost():
    rows = counted(run(2))
    gone = (rows["pass"] == "trace") & (rows["strategy"] == "chunked_list")
    lost = fail(rows, gone & (rows["rows"] == 3000), "crashed")
    found = documents(group(Run("a", counted(run(1)))), group(Run("b", lost)))
    assert found.status == 1 and set(table(found, "lost")["rows"]) == {3000}
    assert "workers of 2 cells that a has figures of failed in b" in found.sentences


def test_times_of_other_hosts_are_not_compared_but_counts_are(monkeypatch):
    def seen(factor: float) -> dict:
        prices = {"page": {"median_ns": 700.0 * factor, "min_ns": 690.0 * factor}}
        return machine(host={"moments": [{"prices": prices}]})

    slower = scaled(run(2), 1.5)
    base = Run("a", counted(run(1)), seen(1.0))
    other = Run("b", counted(slower), seen(1.5))
    found = documents(group(base), group(other))
    assert found.status == 0
    assert any("another state: page +50%" in line for line in found.sentences)
    assert "in time, nothing is compared" in " ".join(found.sentences)
    assert "families" not in {of.name for of in found.tables}
    # Several runs a side: half of them of the same state are enough, one of three is not.
    monkeypatch.setattr(several, "times_layer", lambda *_: of_times(WORSE))
    mixed = group(other, Run("c", counted(slower), seen(1.0)))
    assert documents(group(base), mixed).status == 1
    assert documents(group(base), group(*mixed.runs, other)).status == 0
    assert documents(group(base), group(other, other)).status == 0
    assert host.distance(*(host.fingerprint(r.runs, r.machine) for r in (base, other))).moved


def test_that_machines_differ_is_no_regression_unless_a_count_is_worse():
    base = group(Run("a", counted(run(1))))

    def other(rows: pd.DataFrame) -> Group:
        return group(Run("b", rows.assign(machine_id="server-64cpu")))

    assert documents(base, other(counted(scaled(run(2), 3.0)))).status == 0
    assert documents(base, other(run(2))).status == 0
    assert documents(base, other(counted(run(2), copied_bytes=801.0))).status == 1


# ---- what is said ----


def test_what_is_known_to_be_another_is_said_first_with_the_names():
    rows = counted(run(2)).assign(allocator_version=lambda of: of["allocator_version"])
    jemalloc = (rows["allocator"] == "jemalloc") & (rows["allocator_version"] != "")
    rows.loc[jemalloc, "allocator_version"] = "2.0"
    before, after = (machine(build={"compiler": of}) for of in ("gcc 12.2.0", "clang 14.0.6"))
    base, new = Run("a", counted(run(1)), before), Run("b", rows, after)
    found = documents(group(base), group(new))
    assert found.sentences[0] == (
        "not measured alike: compiler (gcc 12.2.0, then clang 14.0.6), version of jemalloc (1.0, "
        "then 2.0)"
    )
    same = documents(group(base), group(base._replace(label="b")))
    assert same.sentences[0].startswith("exactly, nothing changed")
    # What only one of them knows is no difference.
    unknown = documents(group(base), group(new._replace(machine=None)))
    assert "compiler" not in unknown.sentences[0]


def test_the_table_of_all_layers_has_a_row_for_each_family_that_is_told_of():
    new = counted(scaled(run(2), 1.5, strategy="realloc_doubling"))
    where = (new["pass"] == "trace") & (new["strategy"] == "chunked_list")
    new.loc[where, "copied_bytes"] = 900.0
    found = documents(group(Run("a", counted(run(1)))), group(Run("b", new)))
    frame = table(found, "layers")
    assert list(frame["strategy"]) == ["chunked_list"] * 2 + ["realloc_doubling"] * 2
    assert list(frame["exact"].str[:12]) == ["bytes copied"] * 2 + ["-"] * 2
    assert list(frame["times"].str[:4]) == ["-"] * 2 + ["warm"] * 2
    assert list(frame["tone"]) == ["bad"] * 2 + ["unsure"] * 2
    assert layers.MACHINE not in {column.name for column in found.tables[0].columns}


def test_what_the_machine_did_stands_beside_what_else_is_told(monkeypatch):
    new = counted(run(2))
    where = (new["pass"] == "trace") & (new["strategy"] == "chunked_list")
    new.loc[where, "copied_bytes"] = 900.0
    keys = new[list(FAMILY)].drop_duplicates()
    priced = Layer(layers.MACHINE, ["the machine"], (), CLEAR, keys.assign(text="cold", tone=""))
    monkeypatch.setattr(layered.priced, "machine_layer", lambda *_: priced)
    found = documents(group(Run("a", counted(run(1)))), group(Run("b", new)))
    frame = table(found, "layers")
    assert list(frame["strategy"]) == ["chunked_list"] * 2
    assert list(frame["machine"]) == ["cold"] * 2
    assert layers.MACHINE in {column.name for column in found.tables[0].columns}


def test_doubts_of_a_run_are_looked_for_in_all_of_its_rows():
    whole = run(2)
    late = whole["round"] > 5
    times = [name for name in whole if name.startswith("warm_build_release_")]
    whole.loc[late, ["cold_build_ns", "cold_release_ns", *times]] *= 1.3
    few = whole[(whole["strategy"] == "chunked_list") & (whole["rows"] == 100)]
    base = Run("a", run(1))
    chosen = Group([base], [base]), Group([Run("b", few)], [Run("b", whole)])
    notes = next(of.notes for of in documents(*chosen).tables if of.name == "overview")
    assert any(note.startswith("b gives no absolute times (unsteady)") for note in notes)


def test_a_family_that_is_slower_at_one_size_is_told_with_it():
    new = scaled(run(2), 0.5, strategy="chunked_list", allocator="glibc")
    new = scaled(new, 2.6, strategy="chunked_list", allocator="glibc", rows=3000)
    judged = compare(run(1), new, [metric("cold_build_release")])
    rows = judged.families[judged.families["verdict"] == "slower"].to_dict("records")
    (row,) = rows
    assert row["ratio"] < 0.8
    told = family_change(row, judged)
    assert told.startswith("+29.5%") and "at 3,000 rows, all sizes -" in told


def test_markdown_and_json_say_the_same(tmp_path, call_here):
    from conftest import write_runs

    paths = []
    for name, rows in (("a", counted(run(1))), ("b", counted(run(2), copied_bytes=801.0))):
        paths.append(str(write_runs(rows, tmp_path / name / "runs.csv").parent))
    found = json.loads(call_here("compare", *paths, "--format", "json").stdout)
    (document,) = found["comparisons"]
    text = call_here("compare", *paths, "--format", "markdown").stdout
    assert document["verdict"] == "regression" and document["exit_status"] == 1
    for line in document["sentences"]:
        assert f"- {line}" in text
    for row in document["tables"]["layers"]["rows"]:
        assert row["strategy"] in text and row["exact"] in text
    assert {"exact", "exact_cells", "counts", "families"} <= set(document["tables"])


def test_most_of_all_is_the_family_and_the_count_that_changed_most():
    base, new = counted(run(1), realloc_moved_count=100.0), counted(
        run(2), realloc_moved_count=99.0
    )
    far = (new["pass"] == "trace") & (new["strategy"] == "chunked_list")
    new.loc[far, "copied_bytes"] = 80.0
    (told,) = [
        line
        for line in documents(group(Run("a", base)), group(Run("b", new))).sentences
        if "better" in line
    ]
    assert "most of all chunked_list on" in told and "bytes copied -90" in told
