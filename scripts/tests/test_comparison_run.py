"""Runs and their labels."""

import json

import pytest
from conftest import MACHINE, one_cell, write_runs
from hypothesis import given
from hypothesis import strategies as st

from growbench.comparison.run import read_all, read_run, unique_labels
from growbench.data.errors import LoadError, LoadWarning


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
