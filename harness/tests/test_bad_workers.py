"""The runner against workers that crash, hang, lie or write rubbish: a row, never a figure."""

import os

import pytest
from conftest import (
    EMULATED,
    EXIT_UNMEASURED,
    EXIT_WORKERS,
    FIGURES,
    IDENTITY,
    ONE_CELL,
    cells_of,
    figures_of,
    libc_path,
)

CELLS = (*ONE_CELL, "--rounds=2")

# What a bad worker does -> the status, and what the detail says. Reports that are none are
# test_report.c's, ways to end test_process.c's: here is one of each kind.
BAD = {
    "crashes": ("honest; kill -SEGV $$", "crashed", ["signal 11", "SIGSEGV"]),
    "aborts with a message": (
        "echo 'free(): invalid pointer' >&2; kill -ABRT $$",
        "crashed",
        ["signal 6", "SIGABRT", "free(): invalid pointer"],
    ),
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
    "says nothing but on stderr": ("echo help! >&2", "bad_report", ["no report", "help!"]),
    "reports on stdout": ("honest 3>&1", "bad_report", ["no report"]),
    "writes bytes that are no text": (
        r"printf '\377\376\001\002\n' >&3",
        "bad_report",
        ["does not begin with"],
    ),
    "stops half way": ("begin; figures", "bad_report", ["cut off before its end"]),
    "reports too much": (
        "begin; figures; head -c 200000 /dev/zero | tr '\\0' x >&3; end",
        "bad_report",
        ["longer than 131072 bytes"],
    ),
    "gives a decimal comma": (
        "begin; echo 'warm_build_release_min_ns 1,5' >&3; end",
        "bad_report",
        ["warm_build_release_min_ns is '1,5'"],
    ),
    "gives no checksum": (
        "begin; echo 'cold_build_ns 7' >&3; end",
        "bad_report",
        ["says ok and has no figures"],
    ),
    "gives no time": ("begin; echo 'checksum 0x1' >&3; end", "bad_report", ["has no figures"]),
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
    "says what a spreadsheet would run": (
        "begin; printf 'status failed\\nstatus_detail =cmd|\"x\",y\\nend\\n' >&3",
        "failed",
        ['\'=cmd|"x",y'],
    ),
}


def test_the_stand_in_itself_gives_rows_with_all_its_figures(growbench, stand_in):
    worker = stand_in()
    rows = growbench.run(*CELLS, worker.option).rows

    assert [row["status"] for row in rows] == ["ok"] * 2
    for row in rows:
        assert figures_of(row) == FIGURES
        assert tuple(row[name] for name in IDENTITY) == (libc_path(), "9.8.7", "0123abcd")
        assert row["peak_resolution_bytes"] == "4096"
        assert row["status_detail"] == "measured"
    assert worker.measured() == 1 + 2, "one for the pilot, and one a round"


@pytest.mark.parametrize("deed", BAD)
def test_a_row_says_that_a_worker(deed, growbench, stand_in):
    script, status, parts = BAD[deed]
    worker = stand_in(measure=script)
    done = growbench.run(*CELLS, "--timeout=1", worker.option, ends=EXIT_UNMEASURED)
    rows = done.rows

    assert "2 workers failed" in done.stderr
    assert f"{status}: {rows[0]['status_detail']}"[:100] in done.stderr
    assert cells_of(rows) == cells_of(growbench.plan(*CELLS))
    assert [row["status"] for row in rows] == [status] * 2
    for row in rows:
        for part in parts:
            assert part in row["status_detail"]
        assert figures_of(row) == {}
        assert int(row["worker_ns"]) > 0
        assert row["predicted_cold_build_release_ns"] == ""
    assert worker.measured() == 1 + 2


def test_one_bad_worker_costs_only_its_own_row(growbench, stand_in):
    # Call 1 is the pilot's.
    worker = stand_in(measure="test $call = 3 && kill -SEGV $$; honest")
    rows = growbench.run(*CELLS, "--rounds=3", worker.option, ends=EXIT_WORKERS).rows

    assert [row["status"] for row in rows] == ["ok", "crashed", "ok"]
    assert [len(figures_of(row)) for row in rows] == [len(FIGURES), 0, len(FIGURES)]


def test_a_worker_whose_figures_are_few_gives_a_row_without_the_others(growbench, stand_in):
    few = "begin; printf 'cold_build_ns 7\\nchecksum 0x1\\n' >&3; end"
    rows = growbench.run(*CELLS, stand_in(measure=few).option).rows

    assert [figures_of(row) for row in rows] == [{"cold_build_ns": "7", "checksum": "0x1"}] * 2


def test_what_a_worker_prints_is_neither_in_its_report_nor_on_our_output(growbench, stand_in):
    noise = "yes noise | head -c 200000; yes noise | head -c 200000 >&2"
    done = growbench.run(*CELLS, stand_in(measure=f"{noise}; honest; {noise}").option)

    assert done.stdout == "out\n"
    assert "noise" not in done.stderr
    assert [figures_of(row) for row in done.rows] == [FIGURES] * 2


def test_a_worker_gets_the_report_s_descriptor_and_no_other(growbench, stand_in):
    worker = stand_in(measure='ls -l /proc/self/fd >"$here/fds"; honest')
    inherited = os.open("/dev/null", os.O_RDONLY)
    try:
        os.set_inheritable(inherited, True)
        growbench.run(*ONE_CELL, worker.option, pass_fds=(inherited,))
    finally:
        os.close(inherited)

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
    done = growbench.run(*CELLS, "--timeout=1", worker.option, ends=EXIT_UNMEASURED)

    assert f"warning: glibc is left out ({status})" in done.stderr
    assert cells_of(done.rows) == cells_of(growbench.plan(*CELLS))
    for row in done.rows:
        assert row["status"] == status
        assert part in row["status_detail"]
        assert figures_of(row) == {}
        assert [row[name] for name in IDENTITY] == ["", "", ""]
    assert worker.measured() == 0, "no cell of it is measured"
    assert done.machine["allocators"][0]["status"] == status


def test_a_resolution_that_cannot_be_measured_is_a_warning_and_an_empty_value(growbench, stand_in):
    unread = "begin; printf 'status ok\\nstatus_detail no /proc here\\nend\\n' >&3"
    done = growbench.run(*CELLS, stand_in(resolution=unread).option)

    assert "warning: peaks of memory cannot be read here: no /proc here" in done.stderr
    assert [row["peak_resolution_bytes"] for row in done.rows] == [""] * 2
    assert [figures_of(row) for row in done.rows] == [FIGURES] * 2


@pytest.mark.skipif(EMULATED, reason="an emulator's posix_spawn loses the error")
def test_a_worker_that_cannot_be_started_gives_rows_that_say_so(growbench, stand_in):
    # It is there when the run begins, and has no interpreter when it is started.
    worker = stand_in()
    worker.path.write_text("#!/no/such/interpreter\n")
    rows = growbench.run(*CELLS, worker.option, ends=EXIT_UNMEASURED).rows

    assert [row["status"] for row in rows] == ["not_started"] * 2
    assert all("could not be started" in row["status_detail"] for row in rows)
    assert [figures_of(row) for row in rows] == [{}] * 2
