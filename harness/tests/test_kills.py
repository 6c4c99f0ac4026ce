"""The runner itself dies, or there are two of it: no finished row is lost, twice, torn or made up.

GROWBENCH_EXHAUSTIVE=1 kills it 200 times instead of some 12.
"""

import csv
import os
import random
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path
from typing import List

import pytest
from conftest import (
    EMULATED,
    EXIT_DONE,
    EXIT_FAILED,
    EXIT_INTERRUPTED,
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

KILLS = 200 if os.environ.get("GROWBENCH_EXHAUSTIVE") else 12
# Of all passes, and with points of a timeline.
CELLS = (
    "--implementations=c",
    "--strategies=realloc_doubling,list_of_pointers",
    "--allocators=glibc,twin",
    "--allocator=twin=glibc",
    "--rows=10,200",
    "--rounds=3",
    "--seed=3",
    "--passes=measure,trace",
    "--timeline=200",
    "--timeline-points=5",
)


def start(growbench, *words: str) -> subprocess.Popen:
    return subprocess.Popen(
        [str(GROWBENCH), "run", *words, "--no-summary"],
        cwd=growbench.folder,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def whole_rows(folder: Path) -> bytes:
    """What is in runs.csv up to its last newline."""
    path = folder / "runs.csv"
    text = path.read_bytes() if path.exists() else b""
    return text[: text.rfind(b"\n") + 1]


def commands_of(program: str) -> List[List[str]]:
    """The command lines of all processes of that program."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_text().split("\0")
        except OSError:
            continue
        # An emulator stands in front of it.
        if program in words[:3]:
            found.append(words)
    return found


@real_allocators
def test_a_run_that_is_killed_again_and_again_ends_as_one_that_was_not(growbench, tmp_path):
    rows = cells_of(growbench.plan(*CELLS))
    dice = random.Random(20261126)
    kills = Counter()
    runs = 0
    # A whole run takes about a second, most of it for the rows; where it takes longer, this grows.
    longest_s = 0.5

    while sum(kills.values()) < KILLS:
        out = growbench.folder / f"out{runs}"
        words = (f"--out={out.name}", *CELLS)
        before = b""
        while True:
            process = start(growbench, *words)
            time.sleep(dice.uniform(0, longest_s))
            process.kill()
            _, message = process.communicate()
            if process.returncode == EXIT_DONE:
                break
            if process.returncode == EXIT_USAGE:
                # It was killed before it could write down what it was asked for.
                assert not (out / "machine.json").exists(), message
                assert before == b"" and "--overwrite" in message
                words = (f"--out={out.name}", "--overwrite", *CELLS)
                continue
            assert process.returncode == -signal.SIGKILL, message
            after = whole_rows(out)
            assert after.startswith(before), "what was finished stays as it is"
            at = "rows" if after.count(b"\n") > 1 else "start"
            kills[at] += 1
            longest_s *= 1.25 if after == before else 1
            before = after
            if (out / "machine.json").exists():
                words = (f"--resume={out.name}",)
        runs += 1
        assert cells_of(read_rows(out)) == rows
        assert {row["status"] for row in read_rows(out)} == {"ok"}
        assert read_machine(out)["run"]["state"] == "complete"
        with open(out / "timeline.csv", encoding="utf-8") as file:
            points = Counter(
                (row["position"], row["rows_appended"]) for row in csv.DictReader(file)
            )
        assert set(points.values()) == {1}, "no point is there twice"
        assert {int(position) for position, _ in points} == {
            index + 1 for index, row in enumerate(rows) if "trace" in row and "200" in row
        }
    assert kills["rows"] > 0


@pytest.mark.skipif(
    EMULATED, reason="an emulator does not tell a program that its parent has ended"
)
@pytest.mark.skipif(SANITIZED, reason="it is slower with a sanitizer, and so is over too late")
def test_the_worker_of_a_runner_that_is_killed_ends_with_it(growbench, tmp_path):
    # A copy of the worker, so that it can be told from those of other tests.
    worker = tmp_path / "worker"
    worker.write_bytes((GROWBENCH.parent / "growbench-worker").read_bytes())
    worker.chmod(0o755)
    # Many seconds of work, of which it has done little when it is to end: a billion appends.
    words = ("--strategies=preallocate_then_fill", "--allocators=glibc", "--rows=1G")
    process = start(
        growbench, "--out=out", *words, "--row-bytes=1", "--passes=latency", f"--worker={worker}"
    )
    while not any("latency" in words for words in commands_of(str(worker))):
        assert process.poll() is None
        time.sleep(0.01)
    process.kill()
    process.communicate()
    for _ in range(800):
        if not commands_of(str(worker)):
            return
        time.sleep(0.01)
    raise AssertionError("the worker goes on without its runner")


def test_a_second_runner_on_the_same_folder_is_refused(growbench, stand_in, out):
    worker = stand_in(
        measure='touch "$here/started"; while test -e "$here/started"; do sleep 0.02; done; honest'
    )
    process = start(
        growbench, "--out=out", *ONE_CELL, "--rounds=2", "--passes=measure", worker.option
    )
    while not (worker.folder / "started").exists():
        assert process.poll() is None
        time.sleep(0.01)
    before = (out / "runs.csv").read_bytes(), (out / "machine.json").read_bytes()

    for second in (
        growbench.run("--overwrite", *ONE_CELL, ends=EXIT_FAILED),
        growbench.resume(ends=EXIT_USAGE),
    ):
        assert "another growbench is writing to out" in second.stderr
        assert ((out / "runs.csv").read_bytes(), (out / "machine.json").read_bytes()) == before
    while process.poll() is None:
        (worker.folder / "started").unlink(missing_ok=True)
        time.sleep(0.02)
    assert process.returncode == EXIT_DONE, process.communicate()[1]
    assert len(read_rows(out)) == 2


@pytest.mark.parametrize("command", ["list", "plan", "run", "doctor"])
def test_an_interrupt_ends_the_question_to_a_program_that_hangs(command, growbench, tmp_path):
    pid = tmp_path / "pid"
    program = tmp_path / "hangs"
    program.write_text(f"#!/bin/sh\necho $$ >{pid}\nexec sleep 1000\n")
    program.chmod(0o755)
    process = subprocess.Popen(
        [str(GROWBENCH), command, f"--worker=mine={program}"],
        cwd=growbench.folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    while not pid.exists() or not pid.read_text().endswith("\n"):
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    try:
        process.communicate(timeout=30)
    finally:
        process.kill()

    assert process.returncode == EXIT_INTERRUPTED
    assert not Path(f"/proc/{pid.read_text().strip()}").exists()
    assert not (growbench.folder / "results").exists()


@real_allocators
def test_points_of_a_row_that_was_not_written_any_more_are_not_there_twice(growbench, out):
    """It was killed after the points, before the row that they are of."""
    cells = ("--strategies=realloc_doubling", "--allocators=glibc,twin", "--allocator=twin=glibc")
    words = ("--implementations=c", "--rows=200", "--rounds=1", "--passes=trace", "--timeline=200")
    growbench.run(*cells, *words, "--timeline-points=5")
    whole = (out / "timeline.csv").read_text()
    rows = (out / "runs.csv").read_text().splitlines(keepends=True)
    (out / "runs.csv").write_text("".join(rows[:-1]))

    growbench.resume()
    again = (out / "timeline.csv").read_text()
    assert [line.split(",")[0] for line in again.splitlines()] == [
        line.split(",")[0] for line in whole.splitlines()
    ]
