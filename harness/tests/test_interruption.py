"""Ctrl-C and going on: no finished row is lost, none is there twice, none is made up."""

import json
import os
from pathlib import Path

import pytest
from conftest import (
    EXIT_DONE,
    EXIT_INTERRUPTED,
    EXIT_USAGE,
    EXIT_WORKERS,
    FIGURES,
    GROWBENCH,
    cells_of,
    figures_of,
    read_machine,
    read_rows,
)

# Two cells, of which the pilot calls the worker for each once.
CELLS = (
    "--strategies=realloc_doubling",
    "--allocators=glibc,twin",
    "--allocator=twin=glibc",
    "--rows=10",
    "--rounds=4",
    "--seed=3",
)
PILOT = 2
PLANNED = 8

# The signal comes while a worker is at work, and is handled before that worker goes on.
ONE_SIGNAL = "test $call = {call} && {{ kill -{signal} $PPID; sleep 0.2; }}; honest"
# One signal after the other, until the worker itself is killed.
SIGNALS = (
    'test $call = {call} && {{ echo $$ >"$here/pid"; '
    "while :; do kill -INT $PPID; sleep 0.1; done; }}; honest"
)


def interrupted_run(growbench, stand_in, rows, script=ONE_SIGNAL, signal="INT", words=()):
    """A run that is interrupted while the worker of row number `rows` is at work."""
    worker = stand_in(measure=script.format(call=PILOT + rows, signal=signal))
    words = (*CELLS, *(words or ["--no-summary"]), worker.option)
    done = growbench("run", "--out=out", *words)

    assert done.returncode == EXIT_INTERRUPTED, done.stderr
    return done, worker


def resume(growbench, *words):
    return growbench("run", "--resume=out", "--no-summary", *words)


@pytest.fixture
def planned(growbench):
    cells = cells_of(growbench.plan(*CELLS))

    assert len(cells) == PLANNED
    return cells


@pytest.mark.parametrize("signal", ["INT", "TERM", "HUP"])
def test_an_interrupt_finishes_the_row_in_hand_and_says_how_to_go_on(
    growbench, stand_in, out, planned, signal
):
    done, worker = interrupted_run(growbench, stand_in, rows=3, signal=signal)
    rows = read_rows(out)

    assert cells_of(rows) == planned[:3]
    assert [figures_of(row) for row in rows] == [FIGURES] * 3
    assert worker.measured() == PILOT + 3, "no other worker was started"
    assert f"go on with: {GROWBENCH} run --resume out" in done.stderr
    assert done.stdout == "", "the folder's name is for a run that is whole"
    assert read_machine(out)["run"]["state"] == "interrupted"
    assert read_machine(out)["run"]["row_count"] == 3


def test_resume_completes_the_plan_with_nothing_twice(growbench, stand_in, out, planned):
    _, worker = interrupted_run(growbench, stand_in, rows=3)
    before = (out / "runs.csv").read_bytes()
    run_id = read_machine(out)["run_id"]
    done = resume(growbench)
    rows = read_rows(out)

    assert done.returncode == EXIT_DONE, done.stderr
    assert done.stdout == "out\n"
    assert "3 of 8 rows are there" in done.stderr
    assert (out / "runs.csv").read_bytes().startswith(before)
    assert cells_of(rows) == planned
    assert [row["position"] for row in rows] == [str(i + 1) for i in range(PLANNED)]
    assert {row["run_id"] for row in rows} == {run_id}
    assert worker.measured() == PILOT + PLANNED, "the pilot is not done again"
    assert read_machine(out)["run"]["state"] == "complete"
    assert read_machine(out)["run"]["row_count"] == PLANNED


def test_a_run_without_a_given_seed_goes_on_in_its_own_order(growbench, stand_in, out):
    worker = stand_in(measure=ONE_SIGNAL.format(call=PILOT + 3, signal="INT"))
    words = [word for word in CELLS if not word.startswith("--seed")]
    done = growbench("run", "--out=out", "--no-summary", *words, worker.option)
    assert done.returncode == EXIT_INTERRUPTED

    assert resume(growbench).returncode == EXIT_DONE
    seed = read_machine(out)["run"]["seed"]
    assert cells_of(read_rows(out)) == cells_of(growbench.plan(*words, f"--seed={seed}"))


def test_a_run_can_be_interrupted_and_gone_on_with_many_times(growbench, stand_in, out, planned):
    script = f"test $call -gt {PILOT} && kill -INT $PPID && sleep 0.2; honest"
    worker = stand_in(measure=script)
    done = growbench("run", "--out=out", "--no-summary", *CELLS, worker.option)

    for count in range(1, PLANNED):
        assert done.returncode == EXIT_INTERRUPTED
        assert cells_of(read_rows(out)) == planned[:count]
        done = resume(growbench)
    # The last row's interrupt comes when there is nothing left to do.
    assert done.returncode == EXIT_DONE
    assert cells_of(read_rows(out)) == planned


def test_an_interrupt_in_the_pilot_leaves_a_run_without_rows_that_goes_on(
    growbench, stand_in, out, planned
):
    _, worker = interrupted_run(growbench, stand_in, rows=0)
    assert read_rows(out) == []
    assert worker.measured() == PILOT
    done = resume(growbench)

    assert done.returncode == EXIT_DONE, done.stderr
    assert cells_of(read_rows(out)) == planned
    assert worker.measured() == 2 * PILOT + PLANNED, "the pilot is done again"


def test_a_second_interrupt_kills_the_worker_in_hand_and_leaves_no_row_for_it(
    growbench, stand_in, out, planned
):
    done, worker = interrupted_run(growbench, stand_in, rows=4, script=SIGNALS)

    assert cells_of(read_rows(out)) == planned[:3]
    assert {row["status"] for row in read_rows(out)} == {"ok"}
    assert not Path(f"/proc/{(worker.folder / 'pid').read_text().strip()}").exists()
    assert "--resume out" in done.stderr
    assert worker.measured() == PILOT + 4

    assert resume(growbench).returncode == EXIT_DONE
    assert cells_of(read_rows(out)) == planned


def test_an_interrupted_run_has_the_summary_of_its_rows(growbench, stand_in, out):
    interrupted_run(growbench, stand_in, rows=3, words=["--quiet"])
    lines = (out / "summary.csv").read_text().splitlines()

    assert len(lines) == 1 + 2, "a header, and a line for each of the cells"
    assert len(read_rows(out)) == 3

    done = growbench("run", "--resume=out", "--quiet")
    assert done.returncode == EXIT_DONE, done.stderr
    assert done.stdout == "out\n", "what summarises prints elsewhere"
    assert len((out / "summary.csv").read_text().splitlines()) == 1 + 2
    assert (out / "summary.csv").read_text().splitlines() != lines


def test_a_summary_that_cannot_be_made_is_a_warning_with_the_remedy(growbench, stand_in, out):
    words = ("--strategies=realloc_doubling", "--allocators=glibc", "--rows=10", "--rounds=1")
    done = growbench(
        "run", "--out=out", *words, stand_in().option, variables={"PYTHON": "/no/such/python"}
    )

    assert done.returncode == EXIT_DONE, done.stderr
    assert "warning: summary.csv was not written" in done.stderr
    assert "growbench summarise out" in done.stderr
    assert len(read_rows(out)) == 1


def test_resume_of_a_whole_run_measures_nothing(growbench, stand_in, out):
    worker = stand_in()
    growbench("run", "--out=out", "--no-summary", *CELLS, worker.option)
    before = (out / "runs.csv").read_bytes()
    done = resume(growbench)

    assert (done.returncode, done.stdout) == (EXIT_DONE, "out\n")
    assert (out / "runs.csv").read_bytes() == before
    assert worker.measured() == PILOT + PLANNED


def test_resume_ends_with_3_if_workers_failed_before_the_interrupt(growbench, stand_in, out):
    script = f"test $call = {PILOT + 1} && exit 7; " + ONE_SIGNAL
    interrupted_run(growbench, stand_in, rows=3, script=script)
    done = resume(growbench)

    assert [row["status"] for row in read_rows(out)] == ["exited"] + ["ok"] * (PLANNED - 1)
    assert done.returncode == EXIT_WORKERS, done.stderr
    assert "1 worker failed (measure c realloc_doubling, 10 x 80 B, twin: exited: " in done.stderr


@pytest.mark.parametrize("kept", [1, 200, -2, -1])
def test_resume_repairs_a_last_line_that_is_torn(growbench, stand_in, out, planned, kept):
    interrupted_run(growbench, stand_in, rows=4)
    lines = (out / "runs.csv").read_bytes().splitlines(keepends=True)
    (out / "runs.csv").write_bytes(b"".join(lines[:-1]) + lines[-1][:kept])

    done = resume(growbench)
    assert done.returncode == EXIT_DONE, done.stderr
    assert "3 of 8 rows are there" in done.stderr
    assert cells_of(read_rows(out)) == planned
    assert (out / "runs.csv").read_bytes().startswith(b"".join(lines[:-1]))
    assert {row["schema_version"] for row in read_rows(out)} == {"4"}, "nothing of it is left"


def edit_machine(out, change):
    """Changes the run's machine.json in place by a function."""
    machine = read_machine(out)
    change(machine)
    (out / "machine.json").write_text(json.dumps(machine))


def refused_resume(growbench, worker, out, *parts):
    """Resumes, which must be refused with all these parts in the message; no cell is measured."""
    before, measured = (out / "runs.csv").read_bytes(), worker.measured()
    done = resume(growbench)

    assert done.returncode == EXIT_USAGE, done.stderr
    assert done.stdout == ""
    for part in parts:
        assert part in done.stderr.splitlines()[-1]
    assert (out / "runs.csv").read_bytes() == before
    assert worker.measured() == measured


@pytest.mark.parametrize("key", ["compiler", "git_commit"])
def test_resume_with_another_build_is_refused_with_the_difference(growbench, stand_in, out, key):
    _, worker = interrupted_run(growbench, stand_in, rows=3)
    now = read_machine(out)["build"][key]
    edit_machine(out, lambda machine: machine["build"].update({key: "another"}))

    refused_resume(
        growbench, worker, out, "another build", f"{key} was another and is {now}", "new run"
    )


def test_resume_on_another_machine_is_refused_with_the_difference(growbench, stand_in, out):
    _, worker = interrupted_run(growbench, stand_in, rows=3)
    now = read_machine(out)["machine_id"]
    edit_machine(out, lambda machine: machine.update(machine_id="cray-1"))

    refused_resume(growbench, worker, out, "begun on machine cray-1", f"this is {now}")


def test_resume_with_another_version_of_an_allocator_is_refused(growbench, stand_in, out):
    _, worker = interrupted_run(growbench, stand_in, rows=3)
    edit_machine(out, lambda machine: machine["allocators"][1].update(version="0.1"))

    refused_resume(growbench, worker, out, "allocator twin", "version", "new run")


def test_resume_refuses_rows_of_another_run_and_rows_that_are_there_twice(growbench, stand_in, out):
    _, worker = interrupted_run(growbench, stand_in, rows=3)
    good = (out / "runs.csv").read_text()
    lines = good.splitlines(keepends=True)
    run_id = read_machine(out)["run_id"]

    for broken, number in (
        (good + lines[-1], 5),
        (good.replace(run_id, "other"), 2),
        (lines[0] + "1,2,3\n" + lines[1], 2),
        (lines[0] + '"never closed\n', 2),
    ):
        (out / "runs.csv").write_text(broken)
        refused_resume(growbench, worker, out, f"out/runs.csv, line {number}: this is no row")

    (out / "runs.csv").write_text("x" + good)
    refused_resume(growbench, worker, out, "out/runs.csv, line 1: its columns are of another")
    (out / "runs.csv").write_text("")
    refused_resume(growbench, worker, out, "out/runs.csv has no header")
    os.unlink(out / "runs.csv")
    (out / "runs.csv").symlink_to("/no/such/file")
    done = resume(growbench)
    assert done.returncode == EXIT_USAGE
    assert "out/runs.csv cannot be opened" in done.stderr


def test_resume_takes_the_run_s_own_options_and_not_new_ones(growbench, stand_in, out, planned):
    interrupted_run(growbench, stand_in, rows=3)
    done = resume(growbench, "--quiet")

    assert (done.returncode, done.stdout, done.stderr) == (EXIT_DONE, "out\n", "")
    assert cells_of(read_rows(out)) == planned


def test_resume_refuses_an_option_that_would_say_what_to_run(growbench, stand_in, out):
    interrupted_run(growbench, stand_in, 2)
    done = resume(growbench, "--rows", "5")

    assert done.returncode == 2
    assert "leave out --rows" in done.stderr
