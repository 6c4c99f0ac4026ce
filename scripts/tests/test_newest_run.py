"""What a verb is about if no run is named."""

import json

import pytest
from conftest import one_cell, write_runs

from growbench.command_line import runs
from growbench.data.errors import UsageError
from growbench.report import assemble


def make(folder, began=None):
    folder.mkdir(parents=True)
    write_runs(one_cell(3), folder / "runs.csv")
    if began:
        (folder / "machine.json").write_text(json.dumps({"run": {"started_utc": began}}))


def test_the_run_that_began_last_is_the_newest(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="make bench"):
        runs.newest(runs.HERE)
    make(tmp_path / "came-with-it/reference")
    assert runs.newest(runs.HERE, tmp_path / "came-with-it").name == "reference"
    make(tmp_path / "results/new", "2026-11-02T10:00:00Z")
    make(tmp_path / "results/old", "2026-11-02T09:59:59Z")
    (tmp_path / "results/empty").mkdir()
    assert runs.newest(runs.HERE).name == "new"
    # It has no description, and was written just now.
    make(tmp_path / "results/bare")
    assert runs.newest(runs.HERE).name == "bare"


WORDS = {
    "advise": ["--rows", "10", "--row-bytes", "80"],
    "export": ["--to", "go"],
    "plot": ["--only", "heat_map_cold", "--format", "svg"],
    "report": ["--no-pdf"],
    "summarise": [],
    "why": [],
}


@pytest.mark.parametrize("verb", WORDS)
def test_a_verb_says_which_run_it_took(call_here, tmp_path, monkeypatch, verb):
    monkeypatch.setattr(assemble, "all_plots", lambda: [])
    make(tmp_path / "results/mine", "2026-11-02T10:00:00Z")
    monkeypatch.chdir(tmp_path)
    done = call_here(verb, *WORDS[verb])
    assert "of the newest run, results/mine" in done.stderr


@pytest.mark.parametrize("verb", ["report", "plot", "summarise"])
def test_what_came_with_growbench_is_not_written_to(call_here, tmp_path, monkeypatch, verb):
    monkeypatch.chdir(tmp_path)
    done = call_here(verb)
    assert done.returncode == 2 and "there is no run in results/" in done.stderr
