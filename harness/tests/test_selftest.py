"""make selftest: it passes as things are, and finds each defect that is planted."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
from conftest import EMULATED, GROWBENCH, PATIENCE, WORKER, environment, real_allocators

BUILD = GROWBENCH.parent
DEFECTS = BUILD / "libgrowbench-defects.so"
KNOWN, SHIM = "growbench-known-worker", "bench-shim"
PACKAGE = Path(__file__).parents[2] / "scripts" / "growbench"
RIGHT, BROKEN, USAGE, COULD_NOT_TELL = 0, 1, 2, 4

# It stands in for the runner, or for a worker; what comes before the last line is the defect.
_STAND_IN = '#!/bin/sh\n{before}\nexec {program} "$@"\n'
# In the tests of other things `growbench peak`, which takes seconds, says what is right.
_NO_PEAK = "[ \"$1\" = peak ] && echo 'largest difference: 84 KiB (goal: at most 256)' && exit 0"

pytestmark = real_allocators


class Build(NamedTuple):
    """A folder that holds what a build holds, but for what a test puts in its place."""

    folder: Path

    def put(self, name: str, before: str, program: Path) -> Path:
        """A program that does `before`, shell commands, and then becomes `program`, in place of
        what is there."""
        path = self.folder / name
        path.unlink(missing_ok=True)
        path.write_text(_STAND_IN.format(before=before, program=program))
        path.chmod(0o755)
        return path

    def selftest(self, *words: str) -> subprocess.CompletedProcess:
        runner = self.folder / "growbench"
        command = [sys.executable, PACKAGE, "selftest", "--runner", runner, *words]
        return subprocess.run(
            list(map(str, command)),
            cwd=self.folder,
            env=environment(),
            capture_output=True,
            text=True,
            timeout=300 * PATIENCE,
            check=False,
        )

    def finds(self, *words: str) -> str:
        """What it prints of a defect, which has to fail."""
        done = self.selftest("--only", *words)
        assert done.returncode == BROKEN, done.stdout + done.stderr
        assert "Do not trust" in done.stdout
        return " ".join(done.stdout.split())


@pytest.fixture
def build(tmp_path) -> Build:
    made = Build(tmp_path)
    for name in (KNOWN, "libgrowbench-kernels.so"):
        (tmp_path / name).symlink_to(BUILD / name)
    made.put("growbench", _NO_PEAK, GROWBENCH)
    made.put(SHIM, "echo 'median ratio: 1.000 (goal: 1.00 +- 0.05): reached'; exit 0", Path("true"))
    return made


def swapping(*cases: str) -> str:
    """Commands that put other words in the place of some, by cases of the shell."""
    return (
        f'for word; do shift; case $word in {" ;; ".join(cases)} ;; esac; set -- "$@" "$word"; done'
    )


def preloaded(defect: str) -> str:
    return f'export DEFECT={defect} LD_PRELOAD="${{LD_PRELOAD:+$LD_PRELOAD:}}{DEFECTS}"'


@pytest.mark.skipif(EMULATED, reason="what an emulator does between two loops is not a loop's")
def test_it_passes_as_things_are(build):
    checks = ["clock", "loop", "allocators", "peak", "counts", "limits"]
    done = build.selftest("--only", *checks, "--allocators", "glibc", "--json")
    assert done.returncode == RIGHT, done.stdout + done.stderr
    document = json.loads(done.stdout)
    assert {check["name"]: check["verdict"] for check in document["checks"]} == dict.fromkeys(
        checks, "passed"
    )
    warned = [limit["what"] for limit in document["checks"][-1]["limits"]]
    doctor = subprocess.run(
        [GROWBENCH, "doctor", "--allocators", "glibc"], capture_output=True, text=True, check=False
    ).stdout
    for line in doctor.partition("What will make figures noisy:\n")[2].splitlines():
        assert line.strip() in [*warned, "nothing that could be seen"] or "loadavg" in line
    # Nothing is kept of a part, and nothing is left.
    assert not [path for path in (build.folder / "results").iterdir()]


def test_a_sleeping_kernel_is_found(build):
    (build.folder / KNOWN).unlink()
    (build.folder / KNOWN).symlink_to(BUILD / "sleeping-worker")
    assert "FAILED loop" in build.finds("loop")


def test_a_loop_that_is_slower_than_the_native_one_is_found(build):
    missed = "echo 'median ratio: 6.400 (goal: 1.00 +- 0.05): MISSED'; exit 1"
    build.put(SHIM, missed, Path("true"))
    assert "6.400 times as long" in build.finds("loop")


def test_a_library_that_is_no_allocator_is_found(build):
    wrong = build.folder / "libgrowbench-kernels.so"
    text = build.finds("allocators", "--allocators", "glibc", "--allocator", f"mine={wrong}")
    assert "mine: wrong_allocator: malloc was supplied by" in text


def test_a_worker_that_believes_in_a_wrong_library_is_found(build):
    """Its report names what was preloaded, whatever malloc is."""
    real = (
        '[ -z "$LD_PRELOAD" ] || { fd=$(echo "$*" | sed \'s/.*--report-fd //\'); '
        f'{WORKER} "$@" 3>&1 | sed "s|^allocator_path .*|allocator_path $LD_PRELOAD|" >&3; exit; }}'
    )
    worker = build.put("worker", real, WORKER)
    build.put("growbench", f'[ "$1" = run ] && set -- "$@" --worker={worker}', GROWBENCH)
    assert "libgrowbench-kernels.so: ok" in build.finds("allocators", "--allocators", "glibc")


def test_a_peak_that_is_not_set_back_is_found(build):
    build.put(KNOWN, preloaded("no_reset"), BUILD / KNOWN)
    assert re.search("glibc off by 4[78].. MiB", build.finds("peak", "--allocators", "glibc"))


def test_a_peak_that_a_worker_inherits_is_found(build):
    """Read as ru_maxrss, it is at least the 300 MiB of the runner's."""
    worker = build.put("worker", preloaded("maxrss"), WORKER)
    build.put("growbench", f'set -- "$@" --worker={worker}', GROWBENCH)
    text = build.finds("peak", "--allocators", "glibc")
    assert re.search(r"FAILED peak.* got off by 3\d{5} KiB at most", text)


@pytest.mark.parametrize(
    "defect, said",
    [
        ("fault_off", "cold_build_minor_fault_count 1,001 instead of 1,000"),
        ("trace_off", "loop_and_append on glibc: malloc_count 201 instead of 200"),
    ],
)
def test_counts_that_are_off_by_one_are_found(build, defect, said):
    build.put(KNOWN, preloaded(defect), BUILD / KNOWN)
    worker = build.put("worker", preloaded(defect), WORKER)
    (build.folder / "libgrowbench-trace.so").symlink_to(BUILD / "libgrowbench-trace.so")
    build.put("growbench", f'set -- "$@" --worker={worker}', GROWBENCH)
    assert said in build.finds("counts", "--allocators", "glibc")


@pytest.mark.parametrize(
    "defect, said",
    [
        ("clock_back", "back by"),
        ("clock_coarse", "steps of 4.00 ms"),
        ("clock_fast", "faster by (299|300)"),
    ],
)
def test_a_clock_that_is_wrong_is_found(build, defect, said):
    if defect == "clock_back" and len(os.sched_getaffinity(0)) < 2:
        pytest.skip("one CPU only")
    build.put(KNOWN, preloaded(defect), BUILD / KNOWN)
    assert re.search(said, build.finds("clock"))


def test_a_slowdown_that_is_another_one_is_found(build):
    build.put(KNOWN, '[ "$GROWBENCH_SLOWER" = 20 ] && export GROWBENCH_SLOWER=900', BUILD / KNOWN)
    build.put("growbench", swapping("10k,100k) word=1k"), GROWBENCH)
    assert "FAILED slowdown" in build.finds("slowdown", "--rounds", "12")


@pytest.mark.parametrize(
    "slower, status",
    [("0", 0), ("1000", 0), ("30/2", 0), ("1001", 2), ("x", 2), ("5/", 2), ("5/0", 2), ("5/2x", 2)],
)
def test_what_is_planted_is_a_percentage_of_one_build_in_so_many(slower, status):
    words = "measure --strategy slowed_doubling --rows 10 --row-bytes 8 --iterations 40 --values 2"
    done = subprocess.run(
        [BUILD / KNOWN, *words.split()],
        capture_output=True,
        text=True,
        env=environment(GROWBENCH_SLOWER=slower),
    )
    assert done.returncode == status, done.stderr
    assert ("GROWBENCH_SLOWER is no percentage" in done.stderr) == (status == 2)


def test_equal_things_that_are_not_equal_are_found(build):
    """The second label's clock is too fast."""
    worker = build.put("worker", preloaded("clock_fast"), WORKER)
    few = (
        f"new.glibc=glibc) word=$word@{worker}",
        "100,3k,100k) word=100",
        "*,realloc_doubling,*) word=realloc_doubling,chunked_list",
    )
    build.put("growbench", swapping(*few), GROWBENCH)
    assert "on fresh data as well" in build.finds("aa", "--rounds", "10")


def test_a_build_that_is_not_there_is_usage(build):
    (build.folder / KNOWN).unlink()
    done = build.selftest()
    assert done.returncode == USAGE
    assert "make build" in done.stderr and not (build.folder / "results").exists()


def test_a_runner_that_cannot_run_is_not_known(build):
    build.put("growbench", "echo 'no memory at all' >&2; exit 1", GROWBENCH)
    done = build.selftest("--only", "counts")
    assert done.returncode == COULD_NOT_TELL
    assert "no memory at all" in done.stdout
