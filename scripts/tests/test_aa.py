"""growbench aa: what it asks of the runner, what it keeps, and what it says."""

import json
import subprocess
from pathlib import Path

import pytest
from conftest import write_runs
from test_several import made

from growbench.cli import aa
from growbench.command_line import entry


@pytest.fixture
def again(tmp_path, monkeypatch, capsys):
    """Calls aa with a stand-in for the runner, which makes the run of that number, but for those in
    `ends`, which end in that status and have no whole run; returns what it did, and the words of
    the runner's calls."""
    runs = made(4)

    def call(*arguments, ends=None, build=None):
        asked = []

        def runner(command, **_):
            asked.append(command[1:])
            place = Path(
                command[command.index("--resume" if "--resume" in command else "--out") + 1]
            )
            number = int(place.name[-2:]) - 1
            status = (ends or {}).get(number, 0)
            write_runs(runs[number].runs, place / "runs.csv")
            machine = json.loads(json.dumps(runs[number].machine))
            machine["run"]["state"] = "complete" if status == 0 else "interrupted"
            if build == number:
                machine["allocators"][0]["worker_build_id"] = "other"
            (place / "machine.json").write_text(json.dumps(machine))
            return subprocess.CompletedProcess(command, status)

        monkeypatch.setattr(subprocess, "run", runner)
        capsys.readouterr()
        words = ["--runner", "growbench", "--out", str(tmp_path / "same"), *arguments]
        status = entry.run(aa.main, words)
        return status, *capsys.readouterr(), asked

    return call


def test_each_run_has_a_folder_and_they_are_compared(again, tmp_path):
    status, out, _, asked = again("--runs", "3", "--", "--preset", "quick")
    assert status == 0
    places = [str(tmp_path / "same" / f"run-{number:02}") for number in (1, 2, 3)]
    assert asked == [["run", "--out", place, "--preset", "quick"] for place in places]
    assert out.startswith(f"3 runs of the same build: {tmp_path}/same\n")
    assert "cold build and release time: of 3 runs of the same build any two differ by up to" in out
    assert "single cells" in out and "all together" in out


def test_what_is_whole_is_kept_and_what_was_interrupted_is_gone_on_with(again, tmp_path):
    status, out, err, asked = again("--runs", "3", "--", "--rows", "1 k", ends={1: 130})
    assert (status, out, len(asked)) == (130, "", 2)
    assert f"go on with: growbench aa --runs 3 --out {tmp_path}/same -- --rows '1 k'\n" in err
    status, out, _, asked = again("--runs", "3")
    assert status == 0
    assert [words[1] for words in asked] == ["--resume", "--out"]
    status, again_out, _, asked = again("--runs", "3")
    assert (status, again_out, asked) == (0, out, [])


def test_a_run_of_another_build_is_refused_by_name(again, tmp_path):
    status, out, err, _ = again("--runs", "3", build=1)
    assert (status, out) == (2, "")
    assert "run-02 and" in err and "(allocator glibc)" in err and "another --out" in err


def test_a_runner_that_fails_is_told(again):
    status, out, err, _ = again("--runs", "2", ends={0: 1})
    assert (status, out) == (2, "")
    assert "ended in 1" in err


def test_a_folder_that_is_no_run_is_not_written_to(again, tmp_path):
    place = tmp_path / "same" / "run-01"
    place.mkdir(parents=True)
    (place / "notes.txt").write_text("mine")
    status, _, err, asked = again("--runs", "2")
    assert status == 2 and asked == [] and "run-01 is no run" in err


def test_a_machine_json_that_cannot_be_read_is_told(again, tmp_path):
    place = tmp_path / "same" / "run-01"
    place.mkdir(parents=True)
    (place / "machine.json").write_text("{")
    status, _, err, _ = again("--runs", "2")
    assert status == 2 and "machine.json cannot be read" in err


@pytest.mark.parametrize(
    "words, told",
    [
        (["--runs", "1"], "at least 2"),
        (["--", "--out", "x"], "--out is not for behind --"),
        (["--", "--resume=x"], "is not for behind --"),
        (["--metric", "nonsense"], "invalid choice"),
    ],
)
def test_wrong_usage_is_told_before_anything_is_measured(again, capsys, words, told):
    with pytest.raises(SystemExit) as ended:
        again(*words)
    assert ended.value.code == 2 and told in capsys.readouterr().err


def test_json_has_the_figures_in_full(again):
    _, out, _, _ = again("--runs", "3", "--format", "json")
    (document,) = json.loads(out)["comparisons"]
    rows = document["tables"]["between"]["rows"]
    assert {row["of"] for row in rows} == {"families", "single cells", "all together"}
    assert all(0 < row["p50"] < row["p95"] <= row["p99"] for row in rows)
