"""Runs and their labels."""

import json

import pandas as pd
import pytest
from conftest import MACHINE, one_cell, write_runs
from hypothesis import given
from hypothesis import strategies as st

from growbench.comparison.pair import Request, settings_for
from growbench.comparison.run import read_all, read_run, unique_labels
from growbench.data.columns import COLUMNS
from growbench.data.errors import LoadError, LoadWarning
from growbench.data.load import read_runs
from growbench.data.metrics import metric, on_one_basis


WARM = metric("warm_build_release")

pytestmark = pytest.mark.filterwarnings("ignore::growbench.data.errors.LoadWarning")


def test_a_run_is_labelled_by_its_folder_or_its_own_name(tmp_path):
    folder = write_runs(one_cell(), tmp_path / "mine" / "runs.csv").parent
    other = write_runs(one_cell(), tmp_path / "yours.csv")
    assert [read_run(path).label for path in (folder, folder / "runs.csv", other)] == [
        "mine",
        "mine",
        "yours",
    ]


def test_the_description_of_the_machine_is_read_where_it_is_there(tmp_path):
    folder = write_runs(one_cell(), tmp_path / "runs.csv").parent
    with pytest.warns(LoadWarning, match="machine.json is not there"):
        assert read_run(folder).machine is None
    known = {"machine_id": MACHINE, "machine": {}}
    (folder / "machine.json").write_text(json.dumps(known))
    run = read_run(folder)
    assert run.machine == known and run.machine_id == MACHINE
    assert run._replace(runs=run.runs.head(0)).machine_id == MACHINE
    assert run._replace(runs=run.runs.head(0), machine=None).machine_id == ""


def test_runs_of_the_same_name_have_labels_that_differ(tmp_path):
    folders = [tmp_path / name / "same" for name in "ab"]
    for folder in folders:
        write_runs(one_cell(), folder / "runs.csv")
    assert [run.label for run in read_all(folders)] == ["same#1", "same#2"]


def test_a_run_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(LoadError):
        read_run(tmp_path)


def test_a_label_never_speaks_to_the_terminal(tmp_path):
    folder = write_runs(one_cell(), tmp_path / "a\033[31m\nb" / "runs.csv").parent
    assert read_run(folder).label == "a\N{REPLACEMENT CHARACTER}[31m\N{REPLACEMENT CHARACTER}b"


@given(st.lists(st.sampled_from(["a", "b", "a#1", "a#2", "=1+1"])))
def test_labels_are_unique_and_kept_where_they_can_be(labels):
    unique = unique_labels(labels)
    assert len(set(unique)) == len(labels)
    for label, made in zip(labels, unique):
        assert made == label if labels.count(label) == 1 else made.startswith(f"{label}#")


NEWER, OLDER = "warm_build_release_p25_ns", "warm_build_release_median_ns"


def write_pair(tmp_path, older, newer):
    """Two runs: one before there were timings, and one that has them."""
    old = one_cell().assign(**{OLDER: older})
    new = one_cell().assign(**{OLDER: older * 2.0, NEWER: newer}, schema_version=5)
    paths = [
        write_runs(runs, tmp_path / name / "runs.csv")
        for runs, name in ((old, "old"), (new, "new"))
    ]
    table = pd.read_csv(paths[0], dtype=str, keep_default_na=False)
    table = table[[column.name for column in COLUMNS if column.since <= 4]]
    table.to_csv(paths[0], index=False, lineterminator="\n")
    return paths


def test_a_metric_is_never_read_from_two_columns_in_one_comparison(tmp_path):
    paths = write_pair(tmp_path, 1000.0, 7.0)
    with pytest.warns(LoadWarning, match=f"read from {OLDER} in all runs"):
        runs = read_all(paths)
    assert [set(WARM.values(run.runs)) for run in runs] == [{1000.0}, {2000.0}]
    assert [WARM.source(run.runs) for run in runs] == [OLDER, OLDER]
    (alone,) = read_all(paths[1:])
    assert set(WARM.values(alone.runs)) == {7.0} and WARM.source(alone.runs) == NEWER
    alike = read_all([paths[1], paths[1]])
    assert [set(WARM.values(run.runs)) for run in alike] == [{7.0}, {7.0}]
    # Without the metric there is nothing to say of it.
    assert len(read_all(paths, ["cold_build_ns"])) == 2


def test_a_cell_without_timings_leaves_none_to_the_others(tmp_path):
    _, path = write_pair(tmp_path, 1000.0, 7.0)
    runs = read_runs(path)
    other = runs.assign(rows=runs["rows"] + 1, **{NEWER: float("nan")})
    both = pd.concat([runs, other], ignore_index=True)
    with pytest.warns(LoadWarning, match=f"{NEWER}: empty in cells that have {OLDER}"):
        runs = read_runs(write_runs(both, path))
    assert set(WARM.values(runs)) == {2000.0}


def test_a_row_without_timings_beside_others_of_its_cell_has_no_figure(tmp_path):
    _, path = write_pair(tmp_path, 1000.0, 7.0)
    runs = read_runs(path)
    runs.loc[3, NEWER] = float("nan")
    values = WARM.values(read_runs(write_runs(runs, path)))
    assert values.isna().sum() == 1 and set(values.dropna()) == {7.0}
    # Neither has a row without a warm part.
    runs = one_cell().assign(**{OLDER: 1000.0, NEWER: 7.0})
    runs.loc[3, [OLDER, NEWER]] = float("nan")
    (table,), moved = on_one_basis([runs])
    assert not moved and set(WARM.values(table).dropna()) == {7.0}


def test_a_comparison_says_what_it_read(tmp_path, call_here):
    old, new = write_pair(tmp_path, 1000.0, 7.0)
    done = call_here("compare", old, new, "--metric", "warm_build_release", "--all")
    assert f"warm_build_release by {OLDER}" in done.stdout
    done = call_here("compare", new, new, "--metric", "warm_build_release", "--all")
    assert OLDER not in done.stdout + done.stderr


def test_slow_builds_are_told_where_the_headline_does_not_see_them(tmp_path, call_here):
    figures = {OLDER: 1000.0, NEWER: 1000.0, "schema_version": 5}

    def of(tail: float) -> str:
        sides = (("base", 1100.0), ("new", tail))
        rows = [
            one_cell().assign(allocator=f"{side}.glibc", **figures, warm_build_release_p95_ns=value)
            for side, value in sides
        ]
        return str(write_runs(pd.concat(rows), tmp_path / f"{tail}" / "runs.csv").parent)

    done = call_here("compare", of(2200.0))
    assert "slow builds are slower, or more, in 1 of 1 families" in done.stdout
    assert "realloc_doubling on glibc: +100.0%" in done.stdout
    for tail in (1100.0, 1200.0):
        assert "slow builds" not in call_here("compare", of(tail)).stdout
    asked = call_here("compare", of(2200.0), "--metric", "warm_tail")
    assert "slow builds are" not in asked.stdout
    cold = call_here("compare", of(2200.0), "--metric", "cold_build_release")
    assert "slow builds" not in cold.stdout


def test_the_threshold_is_of_the_column_that_the_runs_are_read_by():
    """In the A/A experiment the older column is the same on both sides, the newer one is not."""
    older = one_cell(20).assign(**{OLDER: 1000.0})
    newer = older.assign(**{NEWER: 1000.0})
    same = pd.concat(
        newer.assign(allocator=f"{side}.glibc", **{NEWER: value})
        for side, value in (("base", 1000.0), ("new", 1500.0))
    )
    of = [
        settings_for(Request([WARM]), same, False, [runs])[0].family_threshold
        for runs in (older, newer)
    ]
    assert of == [pytest.approx(0.05), pytest.approx(0.5)]
