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
    ONE_CELL,
    cells_of,
    figures_of,
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


def interrupted_run(growbench, stand_in, rows, script=ONE_SIGNAL, signal="INT"):
    """A run that is interrupted while the worker of row number `rows` is at work."""
    worker = stand_in(measure=script.format(call=PILOT + rows, signal=signal))

    return growbench.run(*CELLS, worker.option, ends=EXIT_INTERRUPTED), worker


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

    assert cells_of(done.rows) == planned[:3]
    assert [figures_of(row) for row in done.rows] == [FIGURES] * 3
    assert worker.measured() == PILOT + 3, "no other worker was started"
    assert f"go on with: {GROWBENCH} run --resume out" in done.stderr
    assert done.stdout == "", "the folder's name is for a run that is whole"
    assert done.machine["run"]["state"] == "interrupted"
    assert done.machine["run"]["row_count"] == 3


def test_resume_completes_the_plan_with_nothing_twice(growbench, stand_in, out, planned):
    begun, worker = interrupted_run(growbench, stand_in, rows=3)
    before = (out / "runs.csv").read_bytes()
    run_id = begun.machine["run_id"]
    done = growbench.resume()
    rows = done.rows

    assert done.stdout == "out\n"
    assert "3 of 8 rows are there" in done.stderr
    assert (out / "runs.csv").read_bytes().startswith(before)
    assert cells_of(rows) == planned
    assert [row["position"] for row in rows] == [str(i + 1) for i in range(PLANNED)]
    assert {row["run_id"] for row in rows} == {run_id}
    assert worker.measured() == PILOT + PLANNED, "the pilot is not done again"
    assert done.machine["run"]["state"] == "complete"
    assert done.machine["run"]["row_count"] == PLANNED

    whole = (out / "runs.csv").read_bytes()
    again = growbench.resume("--quiet")
    assert (again.stdout, again.stderr) == ("out\n", "")
    assert (out / "runs.csv").read_bytes() == whole
    assert worker.measured() == PILOT + PLANNED, "nothing is measured again"


def test_a_run_without_a_given_seed_goes_on_in_its_own_order(growbench, stand_in):
    worker = stand_in(measure=ONE_SIGNAL.format(call=PILOT + 3, signal="INT"))
    words = [word for word in CELLS if not word.startswith("--seed")]
    done = growbench.run(*words, worker.option, ends=EXIT_INTERRUPTED)

    growbench.resume()
    seed = done.machine["run"]["seed"]
    assert cells_of(done.rows) == cells_of(growbench.plan(*words, f"--seed={seed}"))


def test_a_run_can_be_interrupted_and_gone_on_with_many_times(growbench, stand_in, out, planned):
    script = f"test $call -gt {PILOT} && kill -INT $PPID && sleep 0.2; honest"
    growbench.run(*CELLS, stand_in(measure=script).option, ends=EXIT_INTERRUPTED)

    for count in range(1, PLANNED):
        assert cells_of(read_rows(out)) == planned[:count]
        # The last row's interrupt comes when there is nothing left to do.
        growbench.resume(ends=EXIT_INTERRUPTED if count + 1 < PLANNED else EXIT_DONE)
    assert cells_of(read_rows(out)) == planned


def test_an_interrupt_in_the_pilot_leaves_a_run_without_rows_that_goes_on(
    growbench, stand_in, planned
):
    done, worker = interrupted_run(growbench, stand_in, rows=0)
    assert done.rows == []
    assert worker.measured() == PILOT

    assert cells_of(growbench.resume().rows) == planned
    assert worker.measured() == 2 * PILOT + PLANNED, "the pilot is done again"


def test_a_second_interrupt_kills_the_worker_in_hand_and_leaves_no_row_for_it(
    growbench, stand_in, planned
):
    done, worker = interrupted_run(growbench, stand_in, rows=4, script=SIGNALS)

    assert cells_of(done.rows) == planned[:3]
    assert {row["status"] for row in done.rows} == {"ok"}
    assert not Path(f"/proc/{(worker.folder / 'pid').read_text().strip()}").exists()
    assert "--resume out" in done.stderr
    assert worker.measured() == PILOT + 4

    assert cells_of(growbench.resume().rows) == planned


def test_an_interrupted_run_has_the_summary_of_its_rows(growbench, stand_in, out):
    worker = stand_in(measure=ONE_SIGNAL.format(call=PILOT + 3, signal="INT"))
    done = growbench("run", "--out=out", *CELLS, "--quiet", worker.option)
    assert done.returncode == EXIT_INTERRUPTED, done.stderr
    lines = (out / "summary.csv").read_text().splitlines()

    assert len(lines) == 1 + 2, "a header, and a line for each of the cells"
    assert len(read_rows(out)) == 3

    done = growbench("run", "--resume=out", "--quiet")
    assert done.returncode == EXIT_DONE, done.stderr
    assert done.stdout == "out\n", "what summarises prints elsewhere"
    assert len((out / "summary.csv").read_text().splitlines()) == 1 + 2
    assert (out / "summary.csv").read_text().splitlines() != lines


def test_a_summary_that_cannot_be_made_is_a_warning_with_the_remedy(growbench, stand_in, out):
    words = ("run", "--out=out", *ONE_CELL, stand_in().option)
    done = growbench(*words, variables={"PYTHON": "/no/such/python"})

    assert done.returncode == EXIT_DONE, done.stderr
    assert "warning: summary.csv was not written" in done.stderr
    assert "growbench summarise out" in done.stderr
    assert len(read_rows(out)) == 1


def test_resume_ends_with_3_if_workers_failed_before_the_interrupt(growbench, stand_in):
    script = f"test $call = {PILOT + 1} && exit 7; " + ONE_SIGNAL
    interrupted_run(growbench, stand_in, rows=3, script=script)
    done = growbench.resume(ends=EXIT_WORKERS)

    assert [row["status"] for row in done.rows] == ["exited"] + ["ok"] * (PLANNED - 1)
    assert "1 worker failed (measure c realloc_doubling, 10 x 80 B, twin: exited: " in done.stderr


def test_resume_repairs_a_last_line_that_is_torn(growbench, stand_in, out, planned):
    interrupted_run(growbench, stand_in, rows=4)
    lines = (out / "runs.csv").read_bytes().splitlines(keepends=True)
    (out / "runs.csv").write_bytes(b"".join(lines[:-1]) + lines[-1][:200])

    done = growbench.resume()
    assert "3 of 8 rows are there" in done.stderr
    assert cells_of(done.rows) == planned
    assert (out / "runs.csv").read_bytes().startswith(b"".join(lines[:-1]))
    assert {row["schema_version"] for row in done.rows} == {"6"}, "nothing of it is left"


def refused_resume(growbench, worker, out, *parts):
    """Resumes, which must be refused with all these parts in the message; no cell is measured."""
    before, measured = (out / "runs.csv").read_bytes(), worker.measured()
    done = growbench.resume(ends=EXIT_USAGE)

    assert done.stdout == ""
    for part in parts:
        assert part in done.stderr.splitlines()[-1]
    assert (out / "runs.csv").read_bytes() == before
    assert worker.measured() == measured


# What of machine.json is another one now -> what is told of it, with what was and what is.
CHANGES = {
    ("build", "compiler"): ("another", ["another build", "compiler was {to} and is {now}", "new"]),
    ("build", "git_commit"): ("another", ["git_commit was {to} and is {now}", "new run"]),
    ("machine_id",): ("cray-1", ["begun on machine {to}", "this is {now}"]),
    ("allocators", 1, "version"): ("0.1", ["allocator twin", "version", "new run"]),
    ("system", "kernel"): ("5.4.0-1", ["kernel was {to} and is {now}"]),
    ("system", "thp_enabled"): ("[sometimes] never", ["thp_enabled was {to} and is "]),
    ("system", "memory_policy"): ("bind 7", ["memory_policy was {to} and is "]),
    ("run", "planned_row_count"): (9, ["it had 9 rows and has 8"]),
    ("run", "seed"): (12345, ["another order; begin a new run"]),
    ("run", "plan_digest"): (None, ["another order; begin a new run"]),
}


def test_resume_where_anything_is_another_is_refused_with_the_difference(growbench, stand_in, out):
    done, worker = interrupted_run(growbench, stand_in, rows=3)
    text = json.dumps(done.machine)

    for keys, (to, parts) in CHANGES.items():
        machine = json.loads(text)
        place = machine
        for key in keys[:-1]:
            place = place[key]
        now, place[keys[-1]] = place[keys[-1]], to
        assert now != to, keys
        (out / "machine.json").write_text(json.dumps(machine))
        refused_resume(growbench, worker, out, *(part.format(to=to, now=now) for part in parts))


def test_resume_refuses_rows_of_another_run_and_rows_that_are_there_twice(growbench, stand_in, out):
    done, worker = interrupted_run(growbench, stand_in, rows=3)
    good = (out / "runs.csv").read_text()
    lines = good.splitlines(keepends=True)

    for broken, told in (
        (good + lines[-1], "line 5: this is no row"),
        (good.replace(done.machine["run_id"], "other"), "line 2: this is no row"),
        (lines[0] + "1,2,3\n" + lines[1], "line 2: this is no row"),
        (lines[0] + '"never closed\n', "line 2: this is no row"),
        ("x" + good, "line 1: its columns are of another"),
        ("", "runs.csv has no header"),
    ):
        (out / "runs.csv").write_text(broken)
        refused_resume(growbench, worker, out, "out/runs.csv", told)
    os.unlink(out / "runs.csv")
    (out / "runs.csv").symlink_to("/no/such/file")
    assert "out/runs.csv cannot be opened" in growbench.resume(ends=EXIT_USAGE).stderr


def test_resume_refuses_an_option_that_would_say_what_to_run(growbench, stand_in):
    interrupted_run(growbench, stand_in, 2)
    assert "leave out --rows" in growbench.resume("--rows", "5", ends=EXIT_USAGE).stderr
