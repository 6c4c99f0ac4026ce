"""`growbench validate prediction`: what it measures, and what it says of it, with a runner that
makes its times up."""

import importlib
from pathlib import Path

import pytest
from conftest import build_runs, fail, one_cell, write_runs

from growbench.command_line import entry
from growbench.data.errors import UsageError
from growbench.promises import prediction


def rows_of(given, factor):
    """What the real one would measure or predict: times grow with the rows, and what it predicts,
    but under the allocator `missing`, is off by the factor."""
    above = "--predict-above" in given
    names = [given[f"--{name}"].split(",") for name in ("strategies", "allocators", "rows")]
    rounds = 1 if above else int(given["--rounds"])
    sizes = [int(rows) for rows in names.pop()]
    runs = build_runs(*names, sizes, rounds, int(given["--row-bytes"]), noise=0.0)
    time = 10.0 * runs["rows"]
    if not above:
        figures = {"cold_build_ns": time - 1, "cold_release_ns": 1.0}
        return runs.assign(**figures, warm_build_release_median_ns=time)
    runs = fail(runs, runs["rows"] > 0, "skipped_predicted")
    runs.loc[runs["allocator"] == "missing", "status"] = "skipped_budget"
    for name in ("cold_build_release", "warm_build_release"):
        for end, off in (("", factor), ("_low", 0.9), ("_high", 1.1)):
            runs[f"predicted_{name}{end}_ns"] = off * time
    return runs


@pytest.fixture
def calls():
    """The options of each call of the runner."""
    return []


@pytest.fixture
def runner(tmp_path, monkeypatch, calls):
    """Makes a runner whose predictions are off by that factor."""

    def make(factor):
        def run(_runner, _out, words):
            calls.append(dict(zip(words[::2], words[1::2])))
            return rows_of(calls[-1], factor)

        monkeypatch.setattr(prediction, "run", run)
        path = tmp_path / "growbench"
        path.touch()
        return path

    return make


def validate(runner, *words):
    main = importlib.import_module("growbench.cli.validate").main
    return entry.run(main, ["prediction", f"--runner={runner}", *words])


@pytest.mark.parametrize(("factor", "status"), [(1.0, 0), (1.9, 0), (2.1, 1), (0.4, 1)])
def test_the_exit_status_says_whether_predictions_are_right(runner, capsys, factor, status):
    words = ("--only=loop_and_append,chunked_list", "--row-bytes=80", "--allocators=glibc")
    assert validate(runner(factor), *words) == status
    out = capsys.readouterr().out
    inside = "100.0%" if factor == 1.0 else "0.0%"
    assert f"12 of 12 figures were predicted, the others left missing; {1 - status:.1%} of" in out
    assert f"{inside} inside their interval" in out


def test_what_is_measured_is_what_was_predicted_right_after_it(runner, calls):
    assert validate(runner(1.0), "--row-bytes=800", "--allocators=glibc,jemalloc") == 0
    assert len(calls) == 2 * len(prediction.GROUPS)
    for predicted, measured in zip(calls[::2], calls[1::2]):
        assert "--predict-above" not in measured
        for option in ("--strategies", "--allocators", "--rows", "--row-bytes"):
            assert predicted[option] == measured[option]
        most = int(predicted["--predict-above"])
        assert [int(size) / most for size in predicted["--rows"].split(",")] == [2, 4, 8]


def test_a_run_that_is_not_whole_is_an_error(tmp_path):
    made, runner = write_runs(one_cell(), tmp_path / "made.csv"), tmp_path / "growbench"
    runner.write_text(
        f'#!/bin/sh\nmkdir "$3" && cp {made} "$3/runs.csv"\necho why >&2; exit "$6"\n'
    )
    runner.chmod(0o755)
    for status in "034":
        assert len(prediction.run(runner, tmp_path / "run", [status])) == 10
    with pytest.raises(UsageError, match="ended with 1: why"):
        prediction.run(runner, tmp_path / "run", ["1"])


def test_what_is_missing_is_told_and_not_counted(runner, capsys):
    words = ("--only=chunked_list", "--row-bytes=8", "--allocators=glibc,missing")
    assert validate(runner(1.0), *words) == 0
    assert "6 of 12 figures were predicted" in capsys.readouterr().out
    assert validate(runner(1.0), *words[:2], "--allocators=missing") == 2


@pytest.mark.parametrize("words", [["--only=nothing"], ["--row-bytes=7"], ["--runner=/no/such"]])
def test_what_cannot_be_validated_is_told(runner, capsys, words):
    assert validate(runner(1.0), *words) == 2
    assert capsys.readouterr().err.startswith("error: ")


def test_the_grid_has_all_strategies_of_c():
    kernels = Path(__file__).parents[2] / "kernels/strategies"
    texts = {path.stem: path.read_text() for path in kernels.glob("*.c")}
    names = {name for name, text in texts.items() if ".on_request = true" not in text}
    assert names == {name for group in prediction.GROUPS for name in group.strategies}
