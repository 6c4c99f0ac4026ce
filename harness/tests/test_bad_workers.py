"""The runner against workers that crash, hang, lie or write rubbish: a row, never a figure."""

import os
import subprocess
from pathlib import Path

import pytest
from conftest import (
    EMULATED,
    EXIT_DONE,
    EXIT_UNMEASURED,
    EXIT_WORKERS,
    FIGURES,
    IDENTITY,
    ONE_CELL,
    WORKER,
    cells_of,
    figures_of,
    libc_path,
    read_machine,
    read_rows,
)

ROUNDS = 2

# What a bad worker does -> the status, and what the detail says.
BAD = {
    "crashes": ("honest; kill -SEGV $$", "crashed", ["signal 11", "SIGSEGV"]),
    "aborts with a message": (
        "echo 'free(): invalid pointer' >&2; kill -ABRT $$",
        "crashed",
        ["signal 6", "SIGABRT", "free(): invalid pointer"],
    ),
    "is killed": ("kill -KILL $$", "crashed", ["signal 9", "SIGKILL"]),
    "exits with 3 after a good report": ("honest; exit 3", "exited", ["exit status 3"]),
    "exits with 1 and a message": (
        "echo 'no such thing' >&2; exit 1",
        "exited",
        ["exit status 1", "no such thing"],
    ),
    "hangs": ("honest; sleep 1000", "timeout", ["killed after 1 s", "--timeout"]),
    "hangs and does not listen": (
        "trap '' TERM INT HUP; while :; do sleep 1000; done",
        "timeout",
        ["killed after 1 s"],
    ),
    "hangs and chatters": ("yes >&2", "timeout", ["killed after 1 s"]),
    "is of another allocator": (
        "begin /usr/lib/libother.so.1; figures; end",
        "wrong_allocator",
        ["supplied by /usr/lib/libother.so.1 instead of " + libc_path()],
    ),
    "says what the loader warned of": (
        "echo 'ERROR: ld.so: object cannot be preloaded' >&2; begin /lib/other.so; figures; end",
        "wrong_allocator",
        ["/lib/other.so", "ld.so: object cannot be preloaded"],
    ),
    "does not tell its allocator": (
        "echo 'growbench-report 1' >&3; figures; end",
        "wrong_allocator",
        ["instead of " + libc_path()],
    ),
    "says nothing": ("exit 0", "bad_report", ["no report"]),
    "says nothing but on stderr": ("echo help! >&2", "bad_report", ["no report", "help!"]),
    "reports on stdout": ("honest 3>&1", "bad_report", ["no report"]),
    "writes rubbish": ("echo 'Hello, world' >&3", "bad_report", ["does not begin with"]),
    "writes bytes that are no text": (
        r"printf '\377\376\001\002\n' >&3",
        "bad_report",
        ["does not begin with"],
    ),
    "writes a NUL": (r"begin; printf 'checksum a\0b\n' >&3; end", "bad_report", ["not text"]),
    "writes a control character": (
        r"begin; printf 'checksum a\033b\n' >&3; end",
        "bad_report",
        ["checksum"],
    ),
    "stops half way": ("begin; figures", "bad_report", ["cut off before its end"]),
    "stops in a line": (
        "begin; figures; printf 'status ok\\nen' >&3",
        "bad_report",
        ["cut off before its end"],
    ),
    "has no newline after its end": (
        "begin; figures; printf 'status ok\\nend' >&3",
        "bad_report",
        ["cut off before its end"],
    ),
    "has a line without a value": (
        "begin; figures; echo checksum >&3; end",
        "bad_report",
        ["line without a value: 'checksum'"],
    ),
    "reports too much": (
        "begin; figures; head -c 200000 /dev/zero | tr '\\0' x >&3; end",
        "bad_report",
        ["longer than 131072 bytes"],
    ),
    "reports twice": ("honest; honest", "bad_report", ["goes on after its end"]),
    "gives a figure twice": (
        "begin; figures; echo 'cold_build_ns 7' >&3; end",
        "bad_report",
        ["'cold_build_ns' twice"],
    ),
    "gives an unknown figure": (
        "begin; figures; echo 'speed_mph 7' >&3; end",
        "bad_report",
        ["'speed_mph'"],
    ),
    "gives a figure of the runner's": (
        "begin; figures; echo 'worker_ns 7' >&3; end",
        "bad_report",
        ["'worker_ns'"],
    ),
    "gives a negative count": (
        "begin; echo 'cold_build_ns -5' >&3; end",
        "bad_report",
        ["cold_build_ns is '-5'"],
    ),
    "gives a time that is no number": (
        "begin; echo 'warm_build_release_min_ns nan' >&3; end",
        "bad_report",
        ["warm_build_release_min_ns is 'nan'"],
    ),
    "gives a decimal comma": (
        "begin; echo 'warm_build_release_min_ns 1,5' >&3; end",
        "bad_report",
        ["warm_build_release_min_ns is '1,5'"],
    ),
    "gives a count of more than 64 bits": (
        "begin; echo 'cold_build_ns 99999999999999999999' >&3; end",
        "bad_report",
        ["cold_build_ns is '99999999999999999999'"],
    ),
    "has no status": ("begin; figures; echo end >&3", "bad_report", ["no status"]),
    "is of another version": (
        "printf 'growbench-report 2\\nstatus ok\\nend\\n' >&3",
        "bad_report",
        ["does not begin with 'growbench-report 1'"],
    ),
    "invents a status": (
        "begin; figures; printf 'status splendid\\nend\\n' >&3",
        "bad_report",
        ["splendid"],
    ),
    "claims what only the runner knows": (
        "begin; figures; printf 'status skipped_predicted\\nend\\n' >&3",
        "bad_report",
        ["skipped_predicted"],
    ),
    "claims to have been interrupted": (
        "begin; figures; printf 'status interrupted\\nend\\n' >&3",
        "bad_report",
        ["interrupted"],
    ),
    "ran out of memory": (
        "begin; figures; printf 'status out_of_memory\\nstatus_detail no 80 bytes\\nend\\n' >&3",
        "out_of_memory",
        ["no 80 bytes"],
    ),
    "built other rows": (
        "begin; figures; printf 'status wrong_checksum\\nend\\n' >&3",
        "wrong_checksum",
        ["says no more"],
    ),
    "failed": (
        "begin; figures; printf 'status failed\\nstatus_detail no thread\\nend\\n' >&3",
        "failed",
        ["no thread"],
    ),
}


def measure(growbench, worker, *words, rounds=ROUNDS):
    """A run of one cell with this worker: how it ended, and its rows."""
    words = (*ONE_CELL, f"--rounds={rounds}", *words)
    done = growbench("run", "--out=out", *words, worker.option)

    return done, read_rows(growbench.folder / "out")


def test_the_stand_in_itself_gives_rows_with_all_its_figures(growbench, stand_in):
    worker = stand_in()
    done, rows = measure(growbench, worker)

    assert done.returncode == EXIT_DONE, done.stderr
    assert [row["status"] for row in rows] == ["ok"] * ROUNDS
    for row in rows:
        assert figures_of(row) == FIGURES
        assert tuple(row[name] for name in IDENTITY) == (libc_path(), "9.8.7", "0123abcd")
        assert row["peak_resolution_bytes"] == "4096"
        assert row["status_detail"] == "measured"
    assert worker.measured() == 1 + ROUNDS, "one for the pilot, and one a round"


@pytest.mark.parametrize("deed", BAD)
def test_a_row_says_that_a_worker(deed, growbench, stand_in):
    script, status, parts = BAD[deed]
    worker = stand_in(measure=script)
    done, rows = measure(growbench, worker, "--timeout=1")

    assert done.returncode == EXIT_UNMEASURED, done.stderr
    assert f"{ROUNDS} workers failed" in done.stderr
    assert f"{status}: {rows[0]['status_detail']}"[:100] in done.stderr
    assert cells_of(rows) == cells_of(growbench.plan(*ONE_CELL, f"--rounds={ROUNDS}"))
    assert [row["status"] for row in rows] == [status] * ROUNDS
    for row in rows:
        for part in parts:
            assert part in row["status_detail"]
        assert figures_of(row) == {}
        assert int(row["worker_ns"]) > 0
        assert row["predicted_cold_build_release_ns"] == ""
    assert worker.measured() == 1 + ROUNDS


def test_one_bad_worker_costs_only_its_own_row(growbench, stand_in):
    # Call 1 is the pilot's.
    done, rows = measure(
        growbench, stand_in(measure="test $call = 3 && kill -SEGV $$; honest"), rounds=3
    )

    assert done.returncode == EXIT_WORKERS
    assert [row["status"] for row in rows] == ["ok", "crashed", "ok"]
    assert [len(figures_of(row)) for row in rows] == [len(FIGURES), 0, len(FIGURES)]


def test_a_worker_whose_figures_are_few_gives_a_row_without_the_others(growbench, stand_in):
    few = "begin; printf 'cold_build_ns 7\\nchecksum 0x1\\n' >&3; end"
    _, rows = measure(growbench, stand_in(measure=few))

    assert [figures_of(row) for row in rows] == [{"cold_build_ns": "7", "checksum": "0x1"}] * ROUNDS


@pytest.mark.parametrize("given", ["", "cold_build_ns 7\\n", "checksum 0x1\\n"])
def test_a_worker_that_says_ok_without_a_time_and_a_checksum_is_not_believed(
    growbench, stand_in, given
):
    done, rows = measure(growbench, stand_in(measure=f"begin; printf '{given}' >&3; end"))

    assert done.returncode == EXIT_UNMEASURED
    assert {row["status"] for row in rows} == {"bad_report"}
    assert [figures_of(row) for row in rows] == [{}] * ROUNDS


def test_what_a_worker_prints_is_neither_in_its_report_nor_on_our_output(growbench, stand_in):
    noise = "yes noise | head -c 200000; yes noise | head -c 200000 >&2"
    done, rows = measure(growbench, stand_in(measure=f"{noise}; honest; {noise}"))

    assert done.returncode == EXIT_DONE, done.stderr
    assert done.stdout == "out\n"
    assert "noise" not in done.stderr
    assert [figures_of(row) for row in rows] == [FIGURES] * ROUNDS


def test_text_that_a_spreadsheet_would_run_is_quoted_and_separators_are_kept(growbench, stand_in):
    detail = '=cmd|"x",y'
    script = f"begin; printf 'status failed\\nstatus_detail %s\\nend\\n' '{detail}' >&3"
    _, rows = measure(growbench, stand_in(measure=script))

    assert [row["status_detail"] for row in rows] == ["'" + detail] * ROUNDS


def test_a_worker_that_hangs_is_killed_with_all_that_it_started(growbench, stand_in):
    worker = stand_in(measure='sleep 1000 & echo $! >"$here/child"; wait')
    done, rows = measure(growbench, worker, "--timeout=1", rounds=1)

    assert [row["status"] for row in rows] == ["timeout"]
    assert done.returncode == EXIT_UNMEASURED
    assert not is_running(int((worker.folder / "child").read_text()))


def test_what_a_good_worker_leaves_running_is_killed_and_not_waited_for(growbench, stand_in):
    worker = stand_in(measure='sleep 1000 & echo $! >"$here/child"; honest')
    done, rows = measure(growbench, worker, rounds=1)

    assert done.returncode == EXIT_DONE, done.stderr
    assert [row["status"] for row in rows] == ["ok"]
    assert not is_running(int((worker.folder / "child").read_text()))


def is_running(pid: int) -> bool:
    """Is there a process of this number that is not only waiting to be reaped?"""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in ("Z", "X")


def test_a_worker_gets_the_report_s_descriptor_and_no_other(growbench, stand_in):
    worker = stand_in(measure='ls -l /proc/self/fd >"$here/fds"; honest')
    inherited = os.open("/dev/null", os.O_RDONLY)
    try:
        os.set_inheritable(inherited, True)
        words = ("run", "--out=out", *ONE_CELL, "--rounds=1", worker.option)
        done = growbench(*words, pass_fds=(inherited,))
    finally:
        os.close(inherited)

    assert done.returncode == EXIT_DONE, done.stderr
    links = [line.split(" -> ") for line in (worker.folder / "fds").read_text().splitlines()[1:]]
    open_files = {int(left.split()[-1]): right for left, right in links}
    # 1 is the file that ls writes to, and one is the folder that it reads.
    others = [path for fd, path in open_files.items() if fd != 1 and "/proc/" not in path]
    assert len(others) == 3
    assert open_files[0] == "/dev/null"
    assert open_files[2].startswith("pipe:")
    assert open_files[3].startswith("pipe:")


@pytest.mark.parametrize(
    ("resolution", "status", "part"),
    [
        ("begin /lib/other.so; end", "wrong_allocator", "/lib/other.so"),
        ("kill -SEGV $$", "crashed", "SIGSEGV"),
        ("exit 7", "exited", "exit status 7"),
        ("echo rubbish >&3", "bad_report", "does not begin with"),
        ("sleep 1000", "timeout", "killed after 1 s"),
    ],
)
def test_an_allocator_that_fails_its_check_is_left_out_with_rows_that_say_so(
    growbench, stand_in, resolution, status, part
):
    worker = stand_in(resolution=resolution)
    done, rows = measure(growbench, worker, "--timeout=1")

    assert done.returncode == EXIT_UNMEASURED
    assert f"warning: glibc is left out ({status})" in done.stderr
    assert cells_of(rows) == cells_of(growbench.plan(*ONE_CELL, f"--rounds={ROUNDS}"))
    for row in rows:
        assert row["status"] == status
        assert part in row["status_detail"]
        assert figures_of(row) == {}
        assert [row[name] for name in IDENTITY] == ["", "", ""]
    assert worker.measured() == 0, "no cell of it is measured"
    assert read_machine(growbench.folder / "out")["allocators"][0]["status"] == status


def test_a_resolution_that_cannot_be_measured_is_a_warning_and_an_empty_value(growbench, stand_in):
    worker = stand_in(
        resolution="begin; printf 'status ok\\nstatus_detail no /proc here\\nend\\n' >&3"
    )
    done, rows = measure(growbench, worker)

    assert done.returncode == EXIT_DONE
    assert "warning: peaks of memory cannot be read here: no /proc here" in done.stderr
    assert [row["peak_resolution_bytes"] for row in rows] == [""] * ROUNDS
    assert [figures_of(row) for row in rows] == [FIGURES] * ROUNDS


@pytest.mark.skipif(EMULATED, reason="an emulator's posix_spawn loses the error")
def test_a_worker_that_cannot_be_started_gives_rows_that_say_so(growbench, stand_in):
    # It is there when the run begins, and has no interpreter when it is started.
    worker = stand_in()
    worker.path.write_text("#!/no/such/interpreter\n")
    done, rows = measure(growbench, worker)

    assert done.returncode == EXIT_UNMEASURED
    assert [row["status"] for row in rows] == ["not_started"] * ROUNDS
    assert all("could not be started" in row["status_detail"] for row in rows)
    assert [figures_of(row) for row in rows] == [{}] * ROUNDS


def test_the_real_worker_refuses_a_report_s_descriptor_that_is_not_open():
    done = subprocess.run(
        [WORKER, "measure", "--strategy=chunked_list", "--rows=10", "--report-fd=17"],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 2
    assert "descriptor 17 is not open" in done.stderr
