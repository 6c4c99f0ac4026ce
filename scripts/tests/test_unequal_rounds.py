"""Runs in which the cells with wide intervals have more rounds than the others."""

import pandas as pd
import pytest
from conftest import build_runs, fail, write_runs

from growbench.analysis.summary import summarise
from growbench.comparison.differences import machine_differences
from growbench.comparison.run import Run
from growbench.data.rounds import rounds_of_all
from growbench.report.facts import run_facts

CELLS = {
    "strategies": ("realloc_doubling", "chunked_list"),
    "allocators": ("glibc", "jemalloc"),
    "sizes": (1000, 3000, 10_000),
}


@pytest.fixture(scope="module")
def runs():
    """9 rounds of all, and 6 more of one block."""
    made = build_runs(rounds=15, **CELLS)
    wide = (made["strategy"] == "chunked_list") & (made["rows"] == 1000)
    return made[(made["round"] <= 9) | wide].reset_index(drop=True)


def test_the_rounds_of_a_run_are_those_that_all_cells_have_and_the_most(runs):
    assert rounds_of_all(runs) == (9, 15)
    assert rounds_of_all(runs[runs["round"] <= 9]) == (9, 9)
    probes = pd.concat([runs, runs[runs["round"] <= 3].assign(**{"pass": "probe"})])
    assert rounds_of_all(probes) == (9, 15)
    assert rounds_of_all(runs.head(0)) == (0, 0)


def test_a_round_that_a_slow_cell_is_left_out_of_is_none_of_its(runs):
    late = (runs["strategy"] == "realloc_doubling") & (runs["round"] > 6)
    slow = fail(runs, late & (runs["rows"] == 10_000), "skipped_rounds")
    assert rounds_of_all(slow) == (6, 15)
    told = dict(run_facts(Run("mine", slow)))["Workers"]
    assert told.endswith("in 6 rounds at least, as slow cells are left out of some, and 15 at most")


def test_a_summary_counts_and_uses_all_workers_of_a_cell(runs):
    summary = summarise(runs).set_index(["strategy", "rows"]).sort_index()
    assert (summary.loc[("chunked_list", 1000), "ok_count"] == 15).all()
    assert (summary.drop(("chunked_list", 1000))["ok_count"] == 9).all()
    assert (summary["worker_count"] == summary["ok_count"]).all()
    assert (summary["status"] == "ok").all()


def test_the_rounds_are_told_as_they_are(runs):
    facts = dict(run_facts(Run("mine", runs)))
    assert facts["Workers"] == "120, in 9 rounds, up to 15 where intervals were wide"
    same = runs[runs["round"] <= 9]
    assert dict(run_facts(Run("mine", same)))["Workers"].endswith(", in 9 rounds")
    frame = machine_differences([Run("a", runs), Run("b", same)]).frame
    (row,) = frame[frame["what"] == "rounds"].to_dict("records")
    assert (row["run_1"], row["run_2"]) == ("9 to 15", "9")


def test_a_pair_has_the_rounds_that_both_have(runs, call_here, tmp_path):
    folder = write_runs(runs, tmp_path / "run" / "runs.csv").parent
    done = call_here("compare-within", folder, "realloc_doubling", "chunked_list")
    assert done.returncode == 0, done.stderr
    lines = [line.split() for line in done.stdout.splitlines()]
    rounds = [line[2] for line in lines if line[:1] == ["glibc"] and len(line) == 6]
    assert rounds and set(rounds) == {"9"}


@pytest.mark.parametrize(
    "verb, words",
    [
        ("summarise", ()),
        ("report", ("--no-pdf",)),
        ("plot", ("--format", "svg")),
        ("advise", ("--rows", "1000", "--row-bytes", "80")),
        ("export", ("--to", "go")),
    ],
)
def test_every_verb_takes_cells_of_unequal_rounds(runs, call_here, tmp_path, verb, words):
    folder = write_runs(runs, tmp_path / "run" / "runs.csv").parent
    done = call_here(verb, folder, *words)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr


def test_runs_of_unequal_rounds_are_compared(runs, call_here, tmp_path):
    more = build_runs(rounds=15, seed=7, **CELLS)
    other = more[(more["round"] <= 9) | (more["rows"] == 3000)]
    folders = [
        write_runs(of_run, tmp_path / name / "runs.csv").parent
        for name, of_run in (("a", runs), ("b", other))
    ]
    done = call_here("compare", *folders)
    assert done.returncode in (0, 4), done.stderr
