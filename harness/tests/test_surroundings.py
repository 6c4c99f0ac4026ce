"""Systems that give less than a whole machine: the run completes, and rows say what was missing.

One CPU, a control group's limits, little address space, system calls that a sandbox refuses, a user
who is not root.
"""

import os
import resource
import shutil
import subprocess
from pathlib import Path
from typing import List

import pytest
from conftest import (
    EMULATED,
    EXIT_DONE,
    EXIT_UNMEASURED,
    FIGURES,
    GROWBENCH,
    INTERPOSER,
    ONE_CELL,
    Group,
    Growbench,
    SANITIZED,
    WORKER,
    cells_of,
    figures_of,
    real_allocators,
)
from test_run import library, needs, nulls_without_reason
from test_worker import read_report, worker

REFUSE = GROWBENCH.parent / "growbench-refuse"
NO_WAY = 77
PEAK = ("rss_before_bytes", "peak_rss_bytes", "peak_memory_bytes")
REAL = (
    "--implementations=c",
    "--allocators=glibc",
    "--row-bytes=80",
    "--rounds=1",
    "--seed=1",
)


def statuses(rows) -> List[str]:
    return [row["status"] for row in rows]


# ---- one CPU ----


@real_allocators
def test_runner_and_workers_share_the_only_cpu(growbench):
    cpu = max(os.sched_getaffinity(0))
    words = ("--strategies=realloc_doubling", "--rows=1k", "--threads=1,2", "--passes=measure")
    done = growbench.run(*REAL, *words, preexec_fn=lambda: os.sched_setaffinity(0, {cpu}))
    rows = done.rows

    assert "only one CPU may be used" in done.stderr
    assert statuses(rows) == ["ok", "ok"]
    assert {(row["cpu"], row["cpu_count"]) for row in rows} == {(str(cpu), "1")}
    assert done.machine["run"]["runner_has_its_own_cpu"] is False


# ---- a control group ----


# A worker that needs more than the plan knows of: what it does -> the status of its row.
ENDS = {
    "is killed": (
        f'exec "{WORKER}" $(echo "$@" | sed "s/--rows 10 /--rows 3000000 /")',
        "oom_killed",
    ),
    "loses a child": ("head -c 200M /dev/zero | tail -c 200M >$here/none || exit 9", "oom_killed"),
    "kills itself": ("kill -9 $$", "crashed"),
    "ends badly": ("exit 9", "exited"),
    "does well": ("honest", "ok"),
}


@pytest.mark.skipif(SANITIZED, reason="a sanitizer takes memory of its own")
@pytest.mark.parametrize("what", ENDS)
def test_a_worker_that_its_control_group_kills_is_told_from_any_other(
    what, growbench, stand_in, small_group
):
    """Mutations: status by the signal alone; by the group's count alone; without the limit."""
    measure, status = ENDS[what]
    words = (*ONE_CELL, "--rounds=2", stand_in(measure=measure).option)
    ends = EXIT_DONE if status == "ok" else EXIT_UNMEASURED
    rows = growbench.run(*words, before=small_group.entering(), ends=ends).rows

    assert statuses(rows) == [status] * 2
    for row in rows:
        detail = row["status_detail"]
        assert (str(small_group.limit) in detail) == (status == "oom_killed"), detail
        assert (f"allows {64 << 20} bytes" in detail) == (status == "oom_killed"), detail
        assert ("SIGKILL" in detail) == (status == "crashed"), detail
        assert (figures_of(row) == {}) == (status != "ok")


def test_where_memory_runs_out_the_worker_is_what_the_kernel_takes(growbench, stand_in):
    """Not the runner. The worker is offered once it has started, so this one waits for it."""
    if (Path("/proc/self/oom_score_adj").read_text().strip()) == "1000":
        pytest.skip("all that runs here is what the kernel takes first")
    wait = "while ! grep -qx 1000 /proc/$$/oom_score_adj; do sleep 0.01; done; honest"
    words = (*ONE_CELL, "--timeout=10", stand_in(measure=wait).option)

    assert statuses(growbench.run(*words).rows) == ["ok"]


@pytest.fixture
def tight_quota(make_group) -> Group:
    """A fifth of a CPU."""
    return make_group(
        {"parent": "/sys/fs/cgroup/cpu", "files": {"cpu.cfs_quota_us": "20000"}},
        {"parent": "/sys/fs/cgroup", "files": {"cpu.max": "20000 100000"}},
    )


BUSY = "i=0; while [ $i -lt 100000 ]; do i=$((i + 1)); done; honest"


def test_a_worker_that_a_quota_held_back_says_so(growbench, stand_in, tight_quota):
    worker = stand_in(measure=BUSY)
    done = growbench.run(*ONE_CELL, worker.option, before=tight_quota.entering())

    assert all(int(row["throttled_ns"]) > 0 for row in done.rows), done.rows
    assert done.machine["system"]["cgroup_cpu_max"] == "20000 100000"
    assert "a control group's CPU quota (20000 100000) allows 0.20 of these" in done.stderr


def test_doctor_tells_of_a_quota_beforehand(growbench, tight_quota):
    words = ("doctor", "--allocators=glibc")
    inside = growbench(*words, before=tight_quota.entering()).stdout
    noisy = inside.split("What will make figures noisy:")[1]

    assert "a control group's CPU quota (20000 100000) allows 0.20 of these" in noisy
    assert "CPU quota (20000" not in growbench(*words).stdout


def test_without_a_quota_nothing_is_held_back_or_nobody_knows(growbench, stand_in):
    """Empty is for who cannot tell, and doctor says why."""
    done = growbench.run(*ONE_CELL, stand_in().option)
    (row,) = done.rows
    machine = done.machine
    shown = growbench("doctor", "--allocators=glibc").stdout
    (line,) = [line for line in shown.splitlines() if "throttling by a CPU quota" in line]

    assert (row["throttled_ns"] != "") == line.endswith("works")
    if machine["system"]["cgroup_cpu_max"] is None:
        assert "cpu.max" in machine["absent"]["cgroup_cpu_max"]


# ---- little address space ----


@pytest.mark.skipif(SANITIZED, reason="a sanitizer reserves address space of its own")
@pytest.mark.skipif(EMULATED, reason="an emulator holds its programs to no limit of address space")
def test_a_run_within_little_address_space_completes(growbench, stand_in):
    """The plan leaves out what will not fit; what does not fit all the same is out of memory."""
    worker = stand_in(
        measure=f'exec "{WORKER}" $(echo "$@" | sed "s/--rows 10 /--rows 3000000 /")',
        resolution=f'exec "{WORKER}" "$@"',
    )
    limit = 150 << 20
    words = ("--strategies=realloc_doubling,reserve_then_commit", "--rows=10,1k,10M")
    done = growbench.run(
        *REAL,
        *words,
        worker.option,
        ends=EXIT_UNMEASURED,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)),
    )
    found = {(row["strategy"], row["rows"]): row["status"] for row in done.rows}

    for strategy in ("realloc_doubling", "reserve_then_commit"):
        assert found[strategy, "10"] == "out_of_memory"
        assert found[strategy, "1000"] == "ok"
        assert found[strategy, "10000000"] == "skipped_memory"
    assert done.machine["system"]["limit_address_space_bytes"] == limit


# ---- a sandbox ----

# Both ways in which system calls are seen.
UNSEEN = ("dispatch", "seccomp")


def refusing(*what: str) -> List[str]:
    """The words that start a program that is refused these calls; skips where that cannot be."""
    words = [str(REFUSE), ",".join(what)]
    done = subprocess.run([*words, "/bin/true"], capture_output=True, text=True, check=False)
    if done.returncode == NO_WAY:
        pytest.skip(done.stderr.strip())
    assert done.returncode == 0, done.stderr
    return words


def read_only_proc() -> List[str]:
    """The words that start a program to which /proc is read-only."""
    script = 'mount --rbind /proc /proc && mount -o remount,bind,ro /proc && exec "$@"'
    for flags in ("-m", "-rm") if shutil.which("unshare") else ():
        words = ["unshare", flags, "/bin/sh", "-c", script, "sh"]
        done = subprocess.run([*words, "/bin/true"], capture_output=True, check=False)
        if done.returncode == 0:
            return words
    pytest.skip("no mount of our own can be made here")
    raise AssertionError


WITHOUT_PEAKS = {
    "it may not be opened": (
        lambda: refusing("clear_refs"),
        "/proc/self/clear_refs cannot be opened: Permission denied",
    ),
    "/proc is read-only": (
        read_only_proc,
        "/proc/self/clear_refs cannot be opened: Read-only file system",
    ),
}


@real_allocators
@pytest.mark.parametrize("why", WITHOUT_PEAKS)
def test_a_peak_that_cannot_be_read_is_empty_with_its_reason(why, growbench):
    before, reason = WITHOUT_PEAKS[why]
    words = ("--strategies=realloc_doubling", "--rows=10,1k", "--passes=measure,latency")
    done = growbench.run(*REAL, *words, before=before())
    measured = [row for row in done.rows if row["pass"] == "measure"]

    assert set(statuses(done.rows)) == {"ok"}
    assert len(measured) == 2
    for row in measured:
        assert row["no_peak_reason"] == reason
        assert [row[name] for name in PEAK] == [""] * 3
        # Nothing else is missing.
        assert set(FIGURES) - set(figures_of(row)) == set(PEAK)
    assert {row["peak_resolution_bytes"] for row in measured} == {""}
    assert done.stderr.count("warning: peaks of memory cannot be read here: " + reason) == 1


GROWING = ("--strategies=realloc_doubling,append_in_place", "--rows=10k", "--passes=measure,trace")


def counts(row, *names: str) -> List[int]:
    return [int(row[name] or -1) for name in names]


@real_allocators
def test_a_refused_mremap_shows_as_a_copy(growbench):
    """glibc takes a new block then, copies, and frees the old one."""
    names = ("realloc_moved_count", "realloc_remapped_count", "allocator_mremap_count")
    names = (*names, "realloc_moved_bytes", "copied_bytes")
    done = growbench.run(*REAL, *GROWING, into="free")
    for row in done.rows:
        if row["pass"] == "measure":
            assert (row["peak_memory_bytes"] == "") == (row["no_peak_reason"] != "")
        else:
            assert (row["allocator_mmap_count"] == "") == (row["untraced_reason"] != "")
    free = [row for row in done.rows if row["pass"] == "trace"]
    if any(row["untraced_reason"] for row in free):
        pytest.skip(f"nobody sees an mremap here: {free[0]['untraced_reason']}")
    rows = growbench.run(*REAL, *GROWING, before=refusing("mremap")).rows

    assert set(statuses(rows)) == {"ok"}
    for row in free:
        moved, remapped, calls, moved_bytes, copied = counts(row, *names)
        assert 0 < remapped <= moved and calls >= remapped
        assert copied < moved_bytes
    for row in (row for row in rows if row["pass"] == "trace"):
        moved, remapped, calls, moved_bytes, copied = counts(row, *names)
        assert moved > 0
        assert (remapped, calls) == (0, 0)
        assert copied == moved_bytes > 0


@real_allocators
@pytest.mark.parametrize("what", UNSEEN)
def test_system_calls_are_seen_where_one_of_the_two_ways_is_refused(growbench, what):
    words = (*REAL, "--strategies=reserve_then_commit", "--rows=100k", "--passes=trace")
    (row,) = growbench.run(*words, before=refusing(what)).rows

    assert (row["status"], row["untraced_reason"]) == ("ok", "")
    assert row["strategy_mmap_count"] == "1" and row["strategy_mprotect_count"] != "0"


EVERYTHING = ("mremap", *UNSEEN, "clear_refs", "perf_event_open", "populate")


@real_allocators
def test_where_everything_is_refused_the_run_is_whole_and_says_what_is_missing(growbench):
    words = (*REAL, "--strategies=realloc_doubling,reserve_then_commit", "--allocator=again=glibc")
    words = (*words, "--allocators=glibc,again", "--rows=10k", "--passes=measure,trace,latency")
    done = growbench.run(*words, before=refusing(*EVERYTHING))
    rows = done.rows

    assert cells_of(rows) == cells_of(growbench.plan(*words))
    assert set(statuses(rows)) == {"ok"}
    for row in (row for row in rows if row["pass"] == "trace"):
        assert row["untraced_reason"] != ""
        assert row["allocator_mremap_count"] == row["realloc_remapped_count"] == ""
        # How much of what was moved was copied, nobody knows.
        assert (row["copied_bytes"] == "") == (row["realloc_moved_count"] != "0")
        assert row["malloc_count"] != ""
    for what in ("peaks of memory cannot be read", "system calls cannot be counted"):
        assert done.stderr.count(f"warning: {what} here") == 1, "of all allocators once"


@real_allocators
@pytest.mark.parametrize("probe", ["mremap", "mremap_grow", "mmap_munmap"])
def test_what_a_sandbox_refuses_a_probe_is_unprobed_with_the_reason(probe):
    words = [*refusing("mremap"), WORKER, "probe", f"--probe={probe}", "--row-bytes=1M"]
    report = read_report(subprocess.check_output(words, text=True))

    assert report["status"] == ("ok" if probe == "mmap_munmap" else "unprobed")
    assert ("mremap" in report.get("status_detail", "")) == (report["status"] == "unprobed")


@real_allocators
def test_doctor_says_what_a_sandbox_refuses(growbench):
    done = growbench("doctor", "--allocators=glibc", before=refusing(*EVERYTHING))
    lines = [line.strip() for line in done.stdout.splitlines()]

    assert done.returncode == EXIT_DONE, done.stderr
    for start, part in (
        ("peak memory cannot be read: /proc/self/clear_refs", ""),
        ("", "but not its system calls:"),
        ("peak memory of a process", "denied"),
        ("hardware counters", "Permission denied"),
        ("code mapped before", "not here"),
    ):
        assert any(line.startswith(start) and part in line for line in lines), (start, part)


@real_allocators
def test_a_worker_that_cannot_be_watched_is_not_started(growbench):
    done = growbench.run(*ONE_CELL, before=refusing("pidfd_open"), ends=EXIT_UNMEASURED)

    assert "a process cannot be watched: pidfd_open needs Linux 5.3" in done.stderr
    assert statuses(done.rows) == ["not_started"]


# ---- nobody's rights ----


@real_allocators
def test_a_user_who_is_not_root_measures_all_that_root_does(plain_user):
    words = (*REAL, *GROWING[:2], "--passes=measure,trace,latency", "--timeline=10k")
    done = plain_user.run(*words)
    rows = done.rows

    assert set(statuses(rows)) <= {"ok", "unprobed"}
    for row in rows:
        if row["pass"] == "measure":
            assert row["peak_memory_bytes"] != "" or row["no_peak_reason"] != ""
        if row["pass"] == "trace":
            assert row["allocator_mmap_count"] != "" or row["untraced_reason"] != ""
    assert nulls_without_reason(done.machine) == []


# ---- paths and words ----


@real_allocators
@pytest.mark.parametrize("name", ["Größe mit Blank", "a:b", "$ORIGIN", "${LIB}"])
def test_programs_and_libraries_may_lie_where_the_loader_would_split_or_expand_their_paths(
    name, tmp_path
):
    """Each allocator is proven to be the one, in front of which the interposer stands."""
    needs("jemalloc")
    folder = tmp_path / name
    folder.mkdir()
    for program in (GROWBENCH, WORKER, INTERPOSER):
        shutil.copy(program, folder)
    mine = shutil.copy(library("jemalloc"), folder / "mine.so")
    growbench = Growbench(folder, folder / GROWBENCH.name)
    words = ("--implementations=c", f"--allocator=mine={mine}", "--allocators=glibc,mine")
    words = (*words, "--strategies=append_in_place", "--rows=1k", "--rounds=1")
    rows = growbench.run(*words, "--passes=measure,trace", into="out läuft").rows

    assert [row["status_detail"] for row in rows] == ["measured"] * 4
    assert {row["allocator_path"] for row in rows if row["allocator"] == "mine"} == {str(mine)}
    moved = {row["realloc_count"] for row in rows if row["pass"] == "trace"}
    assert moved == {"1000"}


@real_allocators
@pytest.mark.parametrize("words", ["measure", "trace", "latency", "probe"])
def test_a_worker_in_a_locale_with_a_decimal_comma_reports_as_in_any_other(words, comma_locale):
    """It is the runner that sets LC_ALL=C; by hand nobody does."""
    given = ["--strategy=realloc_doubling", "--rows=1000", "--iterations=10", "--values=3"]
    preload = str(INTERPOSER) if words == "trace" else ""
    if words == "probe":
        given = ["--probe=clock", "--row-bytes=1"]
    variables = {"LOCPATH": str(comma_locale), "LC_ALL": "xx_XX", "LD_PRELOAD": preload}
    report = read_report(worker(words, *given, variables=variables).stdout)

    assert report["status"] == "ok", report
    numbers = {key: value for key, value in report.items() if key.endswith(("_ns", "_share"))}
    assert numbers
    for key, value in numbers.items():
        assert float(value) >= 0, key
