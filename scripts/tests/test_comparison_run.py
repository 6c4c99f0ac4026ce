"""Runs and their labels."""

import json

import pytest
from conftest import MACHINE, one_cell, write_runs
from hypothesis import given
from hypothesis import strategies as st

from growbench.comparison.run import read_all, read_run, unique_labels
from growbench.load import LoadError


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
    assert read_run(folder).machine is None
    (folder / "machine.json").write_text(json.dumps({"schema_version": 2, "machine": {}}))
    assert read_run(folder).machine == {"schema_version": 2, "machine": {}}
    assert read_run(folder).machine_id == MACHINE


def test_runs_of_the_same_name_have_labels_that_differ(tmp_path):
    folders = [tmp_path / name / "same" for name in "ab"]
    for folder in folders:
        write_runs(one_cell(), folder / "runs.csv")
    assert [run.label for run in read_all(folders)] == ["same#1", "same#2"]


def test_a_run_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(LoadError):
        read_run(tmp_path)


@given(st.lists(st.sampled_from(["a", "b", "a#1", "a#2", "=1+1"])))
def test_labels_are_unique_and_kept_where_they_can_be(labels):
    unique = unique_labels(labels)
    assert len(set(unique)) == len(labels)
    for label, made in zip(labels, unique):
        assert made == label if labels.count(label) == 1 else made.startswith(f"{label}#")
