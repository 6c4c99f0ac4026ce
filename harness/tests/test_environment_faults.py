"""Disks, terminals, clocks and descriptors that fail: whole rows or none, and a message."""

import os
import re
import shutil
import subprocess
import time
from pathlib import Path
from typing import List

import pytest
from conftest import (
    EXIT_DONE,
    EXIT_FAILED,
    EXIT_USAGE,
    GROWBENCH,
    ONE_CELL,
    SANITIZED,
    cells_of,
    environment,
    read_machine,
    read_rows,
    real_allocators,
)

CLOCK_JUMP = GROWBENCH.parent / "harness" / "tests" / "libgrowbench-clock-jump.so"
# A run whose points and rows are written, of two passes; the real worker, as it is quick.
CELLS = (
    "--implementations=c",
    "--strategies=realloc_doubling",
    "--allocators=glibc",
    "--rows=50",
    "--rounds=1",
    "--seed=1",
    "--passes=measure,trace",
    "--timeline=50",
    "--timeline-points=3",
    "--quiet",
    "--no-summary",
)
# The system calls with which files are made and written, and the errors that they meet.
FAULTS = [
    ("write", "ENOSPC"),
    ("fsync", "EIO"),
    ("rename", "EACCES"),
    ("ftruncate", "EIO"),
    ("mkdir", "EROFS"),
    ("flock", "ENOLCK"),
    ("statfs", "EIO"),
]


def calls_to_fail(growbench, call: str) -> List[int]:
    """The numbers of a run's calls; of those that write the same, as to each worker's
    /proc/PID/oom_score_adj, the first."""
    log = growbench.folder / "calls"
    trace(growbench, [f"-e{call}", f"-o{log}"], "--out=counted")
    lines = [line for line in log.read_text().splitlines() if line.startswith(f"{call}(")]
    if call == "write":
        return sorted({line: len(lines) - i for i, line in enumerate(reversed(lines))}.values())
    return list(range(1, len(lines) + 1))


def trace(growbench, strace, *words: str) -> subprocess.CompletedProcess:
    """A run under strace, which does not follow the workers."""
    return subprocess.run(
        ["strace", "-qq", *strace, str(GROWBENCH), "run", *CELLS, *words],
        cwd=growbench.folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )


def can_inject() -> bool:
    if shutil.which("strace") is None:
        return False
    words = ["strace", "-qq", "-o/dev/null", "-einject=getpid:error=EIO", "true"]
    return subprocess.run(words, capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(SANITIZED, reason="a leak cannot be looked for under strace")
@pytest.mark.skipif(not can_inject(), reason="strace cannot inject faults here")
@pytest.mark.parametrize(("call", "error"), FAULTS)
def test_whichever_call_fails_no_row_is_wrong_and_the_run_goes_on(call, error, growbench):
    planned = cells_of(growbench.plan(*CELLS[:-1]))
    calls = calls_to_fail(growbench, call)
    assert calls
    points = len((growbench.folder / "counted" / "timeline.csv").read_text().splitlines()) - 1

    for number in calls:
        out = growbench.folder / f"out{number}"
        done = trace(
            growbench,
            ["-o/dev/null", f"-einject={call}:error={error}:when={number}"],
            f"--out={out.name}",
        )
        where = f"{call} number {number}: {done.stderr}"
        if done.returncode == EXIT_DONE:
            # It was a message that could not be written, or something that it can do without.
            assert done.stdout == f"{out.name}\n", where
            assert read_machine(out)["run"]["state"] == "complete", where
        else:
            assert done.returncode in (EXIT_FAILED, EXIT_USAGE), where
            assert "growbench: " in done.stderr or call == "write", where
            assert done.stdout == "", where
            again = ["--overwrite", f"--out={out.name}", *CELLS]
            if (out / "machine.json").exists():
                before = read_rows(out)
                assert cells_of(before) == planned[: len(before)], where
                again = [f"--resume={out.name}", "--no-summary"]
            elif not out.exists():
                again = [f"--out={out.name}", *CELLS]
            done = growbench("run", *again)
            assert done.returncode == EXIT_DONE, where + done.stderr
        assert cells_of(read_rows(out)) == planned, where
        assert {row["status"] for row in read_rows(out)} == {"ok"}, where
        assert len((out / "timeline.csv").read_text().splitlines()) == 1 + points, where
        assert not list(out.glob("*.tmp")), where


def test_a_pipe_that_closes_is_no_end_of_the_run(growbench, stand_in, out):
    """Whoever reads the messages has gone."""
    reader, writer = os.pipe()
    os.close(reader)
    done = growbench.run(*ONE_CELL, "--rounds=3", stand_in().option, stderr=writer)
    os.close(writer)

    assert done.stdout == "out\n"
    assert len(done.rows) == 3


def test_a_folder_s_name_that_nobody_can_read_is_a_failure_and_no_loss(growbench, stand_in):
    reader, writer = os.pipe()
    os.close(reader)
    done = growbench.run(
        *ONE_CELL, "--rounds=3", stand_in().option, stdout=writer, ends=EXIT_FAILED
    )
    os.close(writer)

    assert "standard output cannot be written" in done.stderr
    assert len(done.rows) == 3


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_descriptors_that_are_closed_are_not_taken_for_others(closed, growbench, stand_in, out):
    """Else messages would be written into runs.csv, which was opened in their place."""
    words = (*ONE_CELL, "--rounds=3", stand_in().option)
    ends = EXIT_FAILED if ">&-" in closed.split() else EXIT_DONE
    done = growbench.run(*words, before=["sh", "-c", f'exec "$0" "$@" {closed}'], ends=ends)

    assert [row["status"] for row in done.rows] == ["ok"] * 3
    assert done.machine["run"]["state"] == "complete"


@real_allocators
def test_a_clock_that_is_set_while_it_runs_changes_no_time_that_is_measured(growbench):
    done = growbench.run(*CELLS, "--rounds=4", variables={"LD_PRELOAD": str(CLOCK_JUMP)})
    years = {row["started_utc"][:4] for row in done.rows}

    assert len(years) > 1, "the clock has jumped"
    hour = 3600 * 10**9
    for row in done.rows:
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", row["started_utc"])
        assert 0 < int(row["worker_ns"]) < hour
    assert 0 < done.machine["run"]["rounds_s"] < 3600


def test_times_are_of_no_time_zone(growbench, stand_in, out):
    stamp = growbench.folder / "stamp"
    stamp.touch()
    variables = {"TZ": "XXX-14", "LC_ALL": "de_DE.UTF-8"}
    (row,) = growbench.run(*ONE_CELL, stand_in().option, variables=variables).rows
    made, ended = (
        time.strftime("%Y-%m-%dT%H", time.gmtime(path.stat().st_mtime))
        for path in (stamp, out / "runs.csv")
    )

    assert made <= row["started_utc"][:13] <= ended


def test_a_folder_that_goes_away_while_it_runs_is_an_error(growbench, stand_in, out):
    gone = Path(f"{out}-gone")
    worker = stand_in(measure=f"test $call = 3 && mv {out} {gone}; honest")
    done = growbench.run(*ONE_CELL, "--rounds=4", worker.option, ends=EXIT_FAILED)

    assert "out/machine.json cannot be written" in done.stderr
    assert len(read_rows(gone)) == 4, "the rows went into the file that was open"
