"""Workers that end in every way that a system has: each is a row, and the runner stays as it was.

GROWBENCH_EXHAUSTIVE=1 takes 10,000 workers instead of 240.
"""

import os
import signal
import subprocess
import time
from pathlib import Path
from typing import NamedTuple

import pytest
from conftest import (
    EMULATED,
    EXIT_DONE,
    EXIT_UNMEASURED,
    EXIT_WORKERS,
    GROWBENCH,
    ONE_CELL,
    SANITIZED,
    WORKER,
    environment,
    figures_of,
    read_rows,
)

MANY = 10000 if os.environ.get("GROWBENCH_EXHAUSTIVE") else 240
# A process that gets one of these goes on, or sleeps until it is killed: signal(7).
IGNORED = (signal.SIGCHLD, signal.SIGCONT, signal.SIGURG, signal.SIGWINCH)
STOPPING = (signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU)


@pytest.mark.skipif(EMULATED, reason="an emulator keeps some signals for itself")
def test_every_signal_is_a_row_with_its_name(growbench, stand_in):
    numbers = sorted(signal.valid_signals())
    # The first call is the pilot's.
    worker = stand_in(
        measure="set -- " + " ".join(["0", *(str(int(number)) for number in numbers)]) + "\n"
        '    shift $((call - 1)); test "$1" = 0 || kill -$1 $$; honest'
    )
    words = (*ONE_CELL, f"--rounds={len(numbers)}", "--timeout=1", worker.option)
    rows = growbench.run(*words, ends=EXIT_WORKERS).rows

    assert len(rows) == len(numbers)
    for number, row in zip(numbers, rows):
        if number in IGNORED:
            assert row["status"] == "ok"
        elif number in STOPPING:
            assert (row["status"], figures_of(row)) == ("timeout", {})
        else:
            assert (row["status"], figures_of(row)) == ("crashed", {})
            assert f"ended by signal {int(number)} (SIG" in row["status_detail"]


@pytest.mark.skipif(SANITIZED, reason="a sanitizer takes memory of its own")
def test_what_our_own_group_allows_is_all_that_a_worker_is_planned_to_use(growbench, small_group):
    words = ("--strategies=preallocate_then_fill", "--allocators=glibc", "--rows=100k,1M")
    words = (*words, "--row-bytes=80", "--passes=measure", "--rounds=1")
    done = growbench("plan", *words, before=small_group.entering())
    assert done.returncode == EXIT_DONE, done.stderr
    notes = {line.split(",")[6]: line.split(",")[-1] for line in done.stdout.splitlines()[1:]}

    assert notes == {"100000": "", "1000000": "skipped_memory"}


# What a worker leaves behind -> what becomes of its row. None of it is there afterwards.
LEFT = {
    "a child": ("sleep 1000 & echo $! >>$left; honest", "ok"),
    "a child that it waits for": ("sleep 1000 & echo $! >>$left; wait", "timeout"),
    "a child that left the group": (
        "setsid sh -c 'echo $$ >>'$left'; exec sleep 1000' & "
        "while ! test -s $left; do sleep 0.01; done; honest",
        "ok",
    ),
    "a family that nobody is parent of": (
        "(setsid sh -c 'sleep 1000 & echo $! >>'$left'; echo $$ >>'$left'; "
        "exec sleep 1000' &) ; while ! test -s $left; do sleep 0.01; done; "
        "sleep 0.05; honest",
        "ok",
    ),
    "a child that reports when it is too late": (
        "(setsid sh -c 'echo $$ >>'$left'; sleep 0.3; echo status ok >&3; sleep 1000' &) ; "
        "while ! test -s $left; do sleep 0.01; done; begin; figures",
        "bad_report",
    ),
    "a stopped child": ("sleep 1000 & echo $! >>$left; kill -STOP $!; honest", "ok"),
}


@pytest.mark.parametrize("what", LEFT)
def test_what_a_worker_leaves_behind_is_gone_before_the_next(what, growbench, stand_in):
    script, status = LEFT[what]
    worker = stand_in(measure=f"left=$here/left$call; {script}")
    words = (*ONE_CELL, *(["--timeout=1"] if status == "timeout" else []), worker.option)
    (row,) = growbench.run(*words, ends=EXIT_DONE if status == "ok" else EXIT_UNMEASURED).rows

    assert row["status"] == status
    # Of the pilot and of the round.
    left = [pid for call in (1, 2) for pid in (worker.folder / f"left{call}").read_text().split()]
    assert len(left) >= 2
    assert [pid for pid in left if Path(f"/proc/{pid}").exists()] == []


class Holdings(NamedTuple):
    """What a process holds."""

    descriptors: int
    children: int
    resident_kib: int


def holdings_of(pid: int) -> Holdings:
    status = Path(f"/proc/{pid}/status").read_text()
    resident = next(line for line in status.splitlines() if line.startswith("VmRSS"))
    return Holdings(
        len(os.listdir(f"/proc/{pid}/fd")),
        len(Path(f"/proc/{pid}/task/{pid}/children").read_text().split()),
        int(resident.split()[1]),
    )


@pytest.mark.skipif(SANITIZED, reason="a sanitizer's allocator keeps what is freed for a while")
def test_many_workers_good_and_bad_leave_the_runner_as_it_was(growbench, tmp_path):
    """Every second one dies; what the runner holds is looked at while a worker is at work."""
    worker = tmp_path / "worker"
    worker.write_text(
        f"""#!/bin/sh
case $* in
resolution*|*"--strategy realloc_doubling"*) exec "{WORKER}" "$@" ;;
esac
kill -SEGV $$
"""
    )
    worker.chmod(0o755)
    cells = ("--strategies=realloc_doubling,list_of_pointers", "--allocators=glibc", "--rows=10")
    words = (*cells, f"--rounds={MANY // 2}", "--passes=measure", f"--worker={worker}")
    process = subprocess.Popen(
        [str(GROWBENCH), "run", "--out=out", "--no-summary", "--implementations=c", *words],
        cwd=growbench.folder,
        env=environment(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    table = growbench.folder / "out" / "runs.csv"
    seen = []
    while process.poll() is None:
        if table.exists() and table.stat().st_size > 20000:
            try:
                seen.append(holdings_of(process.pid))
            except (OSError, StopIteration):
                pass
        time.sleep(0.002)

    assert process.returncode == EXIT_UNMEASURED
    statuses = [row["status"] for row in read_rows(growbench.folder / "out")]
    assert (statuses.count("ok"), statuses.count("crashed")) == (MANY // 2, MANY // 2)
    assert len(seen) > 20
    assert max(holdings.children for holdings in seen) <= 1
    # runs.csv; a worker's two pipes and its number; what is read of /proc.
    assert max(holdings.descriptors for holdings in seen) <= 3 + 1 + 5 + 1
    early = max(holdings.resident_kib for holdings in seen[: len(seen) // 4])
    late = max(holdings.resident_kib for holdings in seen[len(seen) // 4 :])
    assert late - early <= 256
    growbench.resume(ends=EXIT_UNMEASURED)
