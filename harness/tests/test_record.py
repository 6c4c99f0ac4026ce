"""`growbench record`: what is in the profile of programs whose allocations are known."""

import os
import re
import resource
import shutil
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path
from typing import Dict, List

import pytest
from conftest import (
    EMULATED,
    EXIT_DONE,
    EXIT_FAILED,
    EXIT_INTERRUPTED,
    EXIT_USAGE,
    EXIT_WORKERS,
    GROWBENCH,
    PATIENCE,
    SANITIZED,
    environment,
)
from profiles import TOUCH_BYTES, Event, Process, read_profile, read_totals

BUILD = GROWBENCH.parent
KNOWN = BUILD / "record-known"
# What the program itself asks for is not smaller.
MARK = 70000
PAGE = resource.getpagesize()

pytestmark = pytest.mark.skipif(SANITIZED, reason="a sanitizer interposes malloc")


def run_record(folder: Path, *words, **how) -> subprocess.CompletedProcess:
    how = {"env": environment(), "stdout": subprocess.PIPE, **how}
    return subprocess.run(
        [GROWBENCH, "record", *map(str, words)],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        timeout=100 * PATIENCE,
        check=False,
        **how,
    )


def record(folder: Path, *words, ends: int = EXIT_DONE, options=(), **how) -> List[Process]:
    """The profile of a command."""
    done = run_record(folder, "-o", "p", *options, "--", *words, **how)
    assert done.returncode == ends, done.stderr
    assert [path.name for path in folder.iterdir() if "recording" in path.name] == []
    return read_profile(folder / "p")


def marked(process: Process) -> List[Event]:
    """Of the blocks that the program itself asked for, and not the C++ library, for exceptions."""
    found, blocks = [], set()
    for event in process.events:
        of_library = event.kind == "malloc" and 71000 < event.size < 80000
        if event.size >= MARK and event.kind not in ("realloc", "free") and not of_library:
            blocks.add(event.block)
        if event.block in blocks:
            found.append(event)
        if event.kind == "free":
            blocks.discard(event.block)
    return found


def calls(events: List[Event]) -> List[tuple]:
    return [(event.kind, event.size) for event in events]


def check_totals(process: Process) -> None:
    """That the index says what the events are, counted anew."""
    totals = process.totals
    live: Dict[int, int] = {}
    requested = most_bytes = most_blocks = 0
    for event in process.events:
        if event.kind == "free":
            assert live.pop(event.block) == event.size
            continue
        assert (event.block in live) == (event.kind == "realloc")
        assert live.get(event.block, 0) == event.old
        requested += max(0, event.size - event.old)
        live[event.block] = event.size
        most_bytes = max(most_bytes, sum(live.values()))
        most_blocks = max(most_blocks, len(live))
    assert totals["event_count"] == len(process.events)
    assert totals["requested_bytes"] == requested
    assert totals["most_bytes"] == most_bytes
    assert totals["most_blocks"] == most_blocks
    assert totals["thread_count"] == len({event.thread for event in process.events})
    counts = Counter(event.kind for event in process.events)
    assert {kind: totals[kind] for kind in counts} == counts


# ---- known programs ----


def test_every_kind_of_call(tmp_path):
    (process,) = record(tmp_path, KNOWN, "kinds")
    aligned = MARK + 64 - MARK % 64
    assert calls(marked(process)) == [
        ("malloc", MARK),
        ("calloc", 10 * (MARK // 10 + 1)),
        ("aligned", MARK + 2),
        ("free", MARK),
        ("aligned", aligned),
        ("realloc", MARK + 4),
        ("aligned", MARK + 5),
        ("free", MARK + 5),
        ("free", MARK + 4),
        ("realloc_new", MARK + 6),
        ("realloc", 2 * MARK),
        ("free", MARK + 2),
        ("free", aligned),
        ("malloc", MARK + 7),
        ("free", MARK + 7),
    ]
    alignments = {event.size: event.alignment for event in process.events if event.alignment}
    assert alignments == {MARK + 2: 4096, aligned: 64, MARK + 5: 256}
    assert (process.start, process.end, process.parent) == ("started", "exited", None)
    assert process.totals["failed_count"] == 1
    assert process.totals["lost_count"] == process.totals["foreign_count"] == 0
    check_totals(process)


def test_operators_of_cpp(tmp_path):
    (process,) = record(tmp_path, BUILD / "record-known_cpp")
    assert calls(marked(process)) == [
        *[("malloc", MARK), ("malloc", MARK + 1), ("aligned", 70144)],
        *[("free", MARK), ("free", MARK + 1), ("free", 70144)],
        *[("malloc", MARK + 2), ("free", MARK + 2)],
    ]
    assert [event.alignment for event in process.events if event.kind == "aligned"] == [128]
    assert process.totals["failed_count"] == 1


def test_a_block_that_grows_is_one_block(tmp_path):
    (process,) = record(tmp_path, KNOWN, "grow", 300)
    events = marked(process)
    assert calls(events) == [
        ("realloc_new", MARK),
        *[("realloc", steps * MARK) for steps in range(2, 301)],
        ("free", 300 * MARK),
    ]
    assert len({event.block for event in events}) == 1
    assert [event.old for event in events[1:-1]] == [steps * MARK for steps in range(1, 300)]
    # It is not looked at again before it has grown by a quarter; the last size always is.
    known = [event.size for event in events if event.touched is not None]
    assert known[-1] == 300 * MARK
    assert len(known) < 40
    for smaller, larger in zip(known, known[1:-1]):
        assert larger >= 1.25 * smaller
    check_totals(process)


def test_how_much_of_a_large_block_was_touched(tmp_path):
    (process,) = record(tmp_path, KNOWN, "touch")
    mib = 1 << 20
    quarter, none, all_of_it, at_end, resized = [
        event for event in marked(process) if event.kind != "free"
    ]
    # The allocator's own header may share the first page, and a huge page reaches further.
    near = 4 * mib
    assert 16 * mib <= quarter.touched <= 16 * mib + near
    assert none.touched <= near
    assert all_of_it.touched == all_of_it.size
    assert mib <= at_end.touched <= mib + near
    assert 72 * mib <= resized.touched <= 72 * mib + near
    # Nothing is said of those that are smaller.
    for event in process.events:
        assert event.size >= TOUCH_BYTES or event.touched is None


def test_threads_are_told_apart_and_no_call_is_lost(tmp_path):
    (process,) = record(tmp_path, KNOWN, "threads")
    events = marked(process)
    rounds, threads = 20000, 8
    made = Counter(event.size for event in events if event.kind == "malloc")
    assert made == {MARK + number: rounds for number in range(threads)}
    assert sum(event.kind == "free" for event in events) == rounds * threads
    # A thread makes blocks of its size alone.
    makers = {(event.thread, event.size) for event in events if event.kind == "malloc"}
    assert len(makers) == threads
    assert len({thread for thread, _ in makers}) == threads
    assert process.totals["lost_count"] == process.totals["foreign_count"] == 0
    check_totals(process)


def test_each_child_of_fork_has_its_own_events(tmp_path):
    parent, *children = record(tmp_path, KNOWN, "fork")
    assert calls(marked(parent)) == [
        *[("malloc", MARK + 10), ("malloc", MARK + 11), ("free", MARK + 10)],
        ("realloc", MARK + 12),
    ]
    assert len(children) == 3
    for child in children:
        assert (child.start, child.end, child.parent) == ("forked", "exited", 0)
        # What it had from its parent is nowhere but in the count.
        assert calls(marked(child)) == [
            *[("malloc", MARK + 20), ("realloc_new", MARK + 21), ("free", MARK + 21)],
            *[("free", MARK + 20), ("malloc", MARK + 22)],
        ]
        assert child.totals["foreign_count"] == 2
        assert child.totals["lost_count"] == 0
        check_totals(child)


def test_a_child_of_vfork_and_what_it_becomes(tmp_path):
    parent, child = record(tmp_path, KNOWN, "spawn")
    assert calls(marked(parent)) == [("malloc", MARK + 30), ("free", MARK + 30)]
    assert (parent.end, child.end) == ("exited", "exited")
    assert (child.start, child.parent) == ("started", 0)
    assert child.totals["aligned"] == 3


def test_a_program_that_becomes_another(tmp_path):
    before, after = record(tmp_path, KNOWN, "exec")
    assert calls(marked(before)) == [("malloc", MARK + 40)]
    assert (before.end, after.end) == ("replaced", "exited")
    assert (after.start, after.parent) == ("started", 0)
    assert after.totals["aligned"] == 3


def test_what_a_killed_program_did_is_there(tmp_path):
    (process,) = record(tmp_path, KNOWN, "kill", 1000, ends=EXIT_WORKERS)
    assert process.end == "killed"
    events = marked(process)
    assert calls(events)[-2:] == [("free", 1000 * MARK), ("malloc", MARK + 50)]
    assert len(events) == 1002


@pytest.mark.skipif(EMULATED, reason="an emulator is too slow for that")
def test_a_kill_at_any_moment_leaves_a_profile(tmp_path):
    for delay in (0.01, 0.08):
        (tmp_path / "p").unlink(missing_ok=True)
        command = f"{KNOWN} many 100000000 & sleep {delay}; kill -9 $!"
        _, *rest = record(tmp_path, "sh", "-c", command)
        many = max(rest, key=lambda process: len(process.events))
        check_totals(many)
        sizes = [event.size for event in many.events if event.kind == "malloc"]
        assert sizes[: len(sizes)] == [MARK % 100 + i % 1000 for i in range(len(sizes))]


def test_the_status_is_told_in_words(tmp_path):
    done = run_record(tmp_path, "-o", "p", "--", KNOWN, "status", 7)
    assert done.returncode == EXIT_WORKERS
    assert "ended with status 7" in done.stderr
    done = run_record(tmp_path, "-o", "q", "--", KNOWN, "kill", 1)
    assert "was ended by signal 9 (Killed)" in done.stderr


def test_output_is_the_programs_own(tmp_path):
    done = run_record(tmp_path, "-o", "p", "--quiet", "--", "echo", "--limit", "-o")
    assert (done.stdout, done.stderr, done.returncode) == ("--limit -o\n", "", EXIT_DONE)


@pytest.mark.skipif(EMULATED, reason="an emulator is too slow for that")
def test_ten_million_calls_in_bounded_memory(tmp_path):
    """160 MB of events; `growbench record -- build/record-known many 50000000` are 1.6 GB."""
    limit = 64 << 20
    done = run_record(
        tmp_path,
        *("-o", "p", "--", KNOWN, "many", 5000000),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_DATA, (limit, limit)),
    )
    assert done.returncode == EXIT_DONE, done.stderr
    (totals,) = read_totals(tmp_path / "p")
    assert (totals["event_count"], totals["malloc"], totals["most_blocks"]) == (
        10**7,
        5 * 10**6,
        1,
    )
    assert totals["lost_count"] == 0


# ---- what is kept of it ----


def test_nothing_says_whose_profile_it_is(tmp_path):
    word = "a-very-particular-word"
    record(tmp_path, "env", f"NAME={word}", KNOWN, "kinds", word)
    for process in read_profile(tmp_path / "p"):
        assert process.command == []
        assert all(event.stack == () for event in process.events)


def test_names_on_request(tmp_path):
    env, *_ = record(tmp_path, "env", KNOWN, "kinds", options=["--names"])
    assert env.command == ["env", str(KNOWN), "kinds"]
    known = read_profile(tmp_path / "p")[-1]
    assert known.command == [str(KNOWN), "kinds"]


@pytest.mark.skipif(shutil.which("nm") is None, reason="nm is needed")
def test_stacks_on_request(tmp_path):
    (process,) = record(tmp_path, KNOWN, "grow", 50, options=["--stacks"])
    symbols = subprocess.run(["nm", "-S", str(KNOWN)], capture_output=True, text=True, check=True)
    start, size = next(
        (int(line.split()[0], 16), int(line.split()[1], 16))
        for line in symbols.stdout.splitlines()
        if line.endswith(" grow")
    )
    for event in marked(process):
        if event.kind == "free":
            assert event.stack == ()
            continue
        module, place = event.stack[0]
        assert module == str(KNOWN)
        assert start < place <= start + size
    assert process.totals["stack_count"] >= 1
    assert len({event.stack for event in marked(process) if event.stack}) == 1


# ---- limits and failures ----


def test_a_limit_of_disk_space(tmp_path):
    done = run_record(tmp_path, "-o", "p", "--limit", "1MiB", "--", KNOWN, "many", 300000)
    assert done.returncode == EXIT_WORKERS
    assert "--limit was used up" in done.stderr
    (process,) = read_profile(tmp_path / "p")
    assert process.end == "limited"
    assert 10000 < len(process.events) < 1 << 16
    check_totals(process)


def test_a_file_size_limit_stops_the_record_and_not_the_program(tmp_path):
    limit = 1 << 20
    done = run_record(
        tmp_path,
        *("-o", "p", "--", KNOWN, "many", 300000),
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )
    assert done.returncode == EXIT_WORKERS
    assert "ended with status 0" in done.stderr and "the disk or the memory was full" in done.stderr
    assert read_profile(tmp_path / "p")[0].end == "no_space"


def test_a_full_disk(tmp_path, small_disk):
    disk = small_disk("size=2m")
    done = run_record(tmp_path, "-o", disk / "p", "--", KNOWN, "many", 300000)
    assert done.returncode == EXIT_WORKERS, done.stderr
    assert "ended with status 0" in done.stderr
    assert read_profile(disk / "p")[0].end in ("limited", "no_space")


def test_a_disk_without_any_space(tmp_path, small_disk):
    disk = small_disk("size=64k")
    (disk / "filler").write_bytes(b"x" * 50000)
    done = run_record(tmp_path, "-o", disk / "p", "--", KNOWN, "many", 10)
    assert done.returncode in (EXIT_USAGE, EXIT_FAILED)
    assert "growbench: " in done.stderr
    assert [path.name for path in disk.iterdir()] == ["filler"]


def interrupt(folder: Path, *signals: int) -> subprocess.CompletedProcess:
    """A program that waits is recorded, and growbench is sent these."""
    with subprocess.Popen(
        [GROWBENCH, "record", "-o", "p", "--", KNOWN, "wait"],
        cwd=folder,
        env=environment(),
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    ) as started:
        deadline = time.monotonic() + 20 * PATIENCE
        while not list(folder.glob("p.recording-*/[0-9]*")) and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(0.2 * PATIENCE)
        for number in signals:
            started.send_signal(number)
        _, text = started.communicate(timeout=60 * PATIENCE)
        return subprocess.CompletedProcess([], started.returncode, "", text)


def test_interrupting_keeps_what_is_there(tmp_path):
    done = interrupt(tmp_path, signal.SIGINT)
    assert done.returncode == EXIT_INTERRUPTED
    assert "was ended by signal 2" in done.stderr
    (process,) = read_profile(tmp_path / "p")
    assert calls(marked(process)) == [("malloc", MARK + 60)]


def test_what_still_runs_is_recorded_up_to_now(tmp_path):
    pid_file = tmp_path / "pid"
    done = run_record(
        tmp_path,
        *("-o", "p", "--", "sh", "-c"),
        f"{KNOWN} wait >/dev/null 2>&1 & echo $! >{pid_file}; sleep 0.5",
    )
    os.kill(int(pid_file.read_text()), signal.SIGKILL)
    assert done.returncode == EXIT_DONE, done.stderr
    assert "1 process still runs: recorded up to now" in done.stderr
    processes = read_profile(tmp_path / "p")
    assert ("malloc", MARK + 60) in [call for one in processes for call in calls(one.events)]


@pytest.mark.parametrize(
    "words, message",
    [
        ([], "no command to record"),
        (["--"], "no command to record"),
        (["--", ""], "the command's name is empty"),
        (["--", "no-such-program"], "no such program in the folders of PATH"),
        (["--", "./none"], "cannot be executed: No such file"),
        (["--", "/"], "cannot be executed: it is not a file"),
        (["--", BUILD / "record-static", "kinds"], "it is linked statically"),
        (["--limit", "0", "--", "true"], "is zero"),
        (["--limit", "4XB", "--", "true"], "is no size"),
        (["--limit", "1e30", "--", "true"], "too large"),
        (["--limit", "9999999TiB", "--", "true"], "too large"),
        (["-o"], "-o needs a value"),
        (["--stak", "--", "true"], "did you mean --stacks?"),
        (["--out", "none/p", "--", "true"], "there is no folder none"),
        (["--out", "/dev/null", "--", "true"], "is there and is no file"),
    ],
)
def test_what_is_refused(tmp_path, words, message):
    done = run_record(tmp_path, *words)
    assert done.returncode == EXIT_USAGE
    assert message in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_rights_scripts_and_other_files(tmp_path):
    program = tmp_path / "program"
    shutil.copy(KNOWN, program)
    program.chmod(0o4755)
    assert "it is set-user-ID" in run_record(tmp_path, "--", program, "kinds").stderr
    program.chmod(0o755)
    script = tmp_path / "script"
    script.write_text(f"#!{program}\n")
    script.chmod(0o755)
    # The script's own name is the mode, which is none.
    assert "ended with status 2" in run_record(tmp_path, "-o", "s", "--", script).stderr
    script.write_text(f"#!{BUILD / 'record-static'}\n")
    assert "linked statically" in run_record(tmp_path, "--", script).stderr
    script.write_text("echo without a first line\n")
    assert "neither a program nor a script" in run_record(tmp_path, "--", script).stderr
    script.write_text(f"#!{script}\n")
    assert "name each other" in run_record(tmp_path, "--", script).stderr


def test_a_profile_is_replaced_on_request_only(tmp_path):
    (tmp_path / "true.profile").write_text("precious")
    done = run_record(tmp_path, "--", "true")
    assert done.returncode == EXIT_USAGE and "is there already" in done.stderr
    assert (tmp_path / "true.profile").read_text() == "precious"
    assert run_record(tmp_path, "--overwrite", "--", "true").returncode == EXIT_DONE
    assert len(read_profile(tmp_path / "true.profile")) == 1


# ---- real programs ----

REAL = {
    "sqlite3": [
        "sqlite3",
        ":memory:",
        "create table t(a,b); insert into t values(1,2);"
        " with recursive n(i) as (select 1 union all select i+1 from n where i<5000)"
        " insert into t select i, i from n; select sum(a) from t group by b%7;",
    ],
    "git": ["git", "--version"],
    "python3": ["python3", "-c", "import json; json.dumps({str(i): i for i in range(9999)})"],
    "perl": ["perl", "-e", 'my %h; $h{$_}="x$_" for 1..9999; print scalar(keys %h)'],
    "jq": ["jq", "-n", "[range(9999)|{a:.}]|length"],
    "gcc": ["gcc", "-x", "c", "-S", "-o", "out.s", "/dev/null"],
}


@pytest.mark.parametrize("name", REAL)
def test_real_programs(tmp_path, name):
    if shutil.which(name) is None:
        pytest.skip(f"{name} is not installed")
    for process in record(tmp_path, *REAL[name]):
        check_totals(process)
        assert process.totals["lost_count"] == 0
        assert process.end in ("exited", "replaced")
    assert (tmp_path / "p").stat().st_size < 2_000_000


def test_the_same_in_front_of_other_allocators(tmp_path, growbench):
    text = growbench("list").stdout
    found = re.findall(r"^  (jemalloc|mimalloc|tcmalloc)\s+(/.*)$", text, re.MULTILINE)
    if not found:
        pytest.skip("no other allocator is installed")
    expected = calls(marked(record(tmp_path, KNOWN, "kinds")[0]))
    for _, library in found:
        (tmp_path / "p").unlink()
        (process,) = record(tmp_path, KNOWN, "kinds", env=environment(LD_PRELOAD=library))
        got = calls(marked(process))
        assert got[:-1] == expected[:-1]
        # realloc(block, 0) frees the block in glibc, and keeps a small one in some others.
        assert got[-1] in (expected[-1], ("realloc", 0))
