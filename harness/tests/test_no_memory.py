"""An allocation fails, each in its turn: in the runner, and in a worker in each of its passes.

libgrowbench-fail-allocation.so (fail_allocation.c) is preloaded into the program under test. Each
fault is injected twice: one call fails, and that call and all after it. Of the calls, those are
taken that are the first from their place in the program, thinned out to a few; with
GROWBENCH_EXHAUSTIVE=1 it is all of them, but for what is beyond the first 500 of a worker's own: a
probe calls as often as time allows.
"""

import json
import mmap
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Callable, Dict, List, NamedTuple, Sequence

import pytest
from conftest import (
    EMULATED,
    EXIT_DONE,
    EXIT_FAILED,
    GROWBENCH,
    HUGE_FAULTS,
    INTERPOSER,
    PATIENCE,
    REPOSITORY,
    SANITIZED,
    TIMINGS,
    WORKER,
    cells_of,
    environment,
    read_rows,
)

LIBRARY = GROWBENCH.parent / "libgrowbench-fail-allocation.so"
EXHAUSTIVE = os.environ.get("GROWBENCH_EXHAUSTIVE", "") not in ("", "0")

pytestmark = pytest.mark.skipif(SANITIZED, reason="a sanitizer's malloc would not be the one")

CALL = re.compile(r"\d+ \w+ (main|before) [0-9a-f]+")


class Call(NamedTuple):
    """A call of malloc, or of one like it."""

    number: int
    function: str
    before_main: bool
    place: str


class Outcome(NamedTuple):
    """What a program did with a call that failed."""

    status: int
    stdout: str
    stderr: str
    calls: List[Call]  # those that failed
    stacks: List[str]  # of each of them; with threads, the last need not be what ended it


class Program:
    """A command that is run in `folder` with an allocation failing."""

    def __init__(self, words: Sequence[object], folder: Path, preload: Sequence[Path] = ()):
        self.words = [str(word) for word in words]
        self.folder = folder
        self.preload = ":".join(map(str, (*preload, LIBRARY)))
        self.log = folder / "log"

    def run(self, number: int = 0, all_after: bool = False) -> Outcome:
        """With that call failing (0: none)."""
        variables = {
            "LD_PRELOAD": self.preload,
            "G_SLICE": "always-malloc",
            "FAIL_ALLOCATION": str(number),
            "FAIL_ALLOCATION_LOG": str(self.log),
        }
        if all_after:
            variables["FAIL_ALLOCATION_ALL"] = "1"
        done = subprocess.run(
            self.words,
            cwd=self.folder,
            env=environment(**variables),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60 * PATIENCE,
            check=False,
        )
        calls: List[Call] = []
        stacks: List[str] = []
        for line in self.log.read_text().splitlines() if self.log.exists() else []:
            if CALL.fullmatch(line):
                at, function, when, place = line.split()
                calls.append(Call(int(at), function, when == "before", place))
                stacks.append("")
            else:
                stacks[-1] += line + "\n"
        self.log.unlink(missing_ok=True)
        return Outcome(done.returncode, done.stdout, done.stderr, calls, stacks)


def few(calls: List[Call], most: int) -> List[Call]:
    """The first call from each place, thinned out evenly."""
    first = list({call.place: call for call in reversed(calls)}.values())[::-1]
    return first[:: max(1, -(-len(first) // most))]


def chosen(calls: List[Call], most: int) -> List[Call]:
    """The calls that are to fail."""
    return calls if EXHAUSTIVE else few(calls, most)


def processes_in(folder: Path) -> List[str]:
    """Those that have it as their working folder, as workers have it of the runner."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if os.readlink(process / "cwd") == str(folder):
                found.append(process.name)
        except OSError:
            pass
    return found


# ---- the runner ----

RUN = (
    "--strategies=realloc_doubling",
    "--allocators=glibc",
    "--rows=10",
    "--seed=1",
    "--rounds=1",
    "--passes=measure,trace",
    "--timeline=10",
    "--no-summary",
)


def faults(program: Program, most: int, before: Callable[[], object] = lambda: None):
    """Each fault's outcome. The runner ends by itself, with a message, and nothing else."""
    before()
    whole = program.run()
    assert whole.status == EXIT_DONE, whole.stderr
    for call in chosen(whole.calls, most):
        for all_after in (False, True):
            before()
            outcome = program.run(call.number, all_after)
            assert processes_in(program.folder) == []
            if outcome.calls:
                assert outcome.status == EXIT_FAILED, outcome
                assert "growbench: no memory" in outcome.stderr
            else:
                assert outcome.status == EXIT_DONE, "the program did not come to that call"
            yield outcome


@pytest.mark.parametrize(
    "words",
    [
        ["list", "--implementations=c", "--worker=none=false 'of that'"],
        ["plan", "--preset=quick", "--implementations=c", "--allocator=mine=glibc,A=b"],
    ],
    ids=["list", "plan"],
)
def test_a_command_without_memory_says_so(tmp_path, words):
    outcomes = list(faults(Program([GROWBENCH, *words], tmp_path), 15))

    assert len(outcomes) > 20


def assert_can_be_gone_on_with(growbench, out: Path, whole: List[tuple]) -> None:
    """The rows are those of a whole run as far as they go, and going on adds the others."""
    before = (out / "runs.csv").read_bytes()
    assert cells_of(read_rows(out)) == whole[: len(read_rows(out))]
    json.loads((out / "machine.json").read_text())

    done = growbench("run", f"--resume={out}", "--no-summary")
    assert done.returncode == EXIT_DONE, done.stderr
    assert (out / "runs.csv").read_bytes().startswith(before)
    assert cells_of(read_rows(out)) == whole


def test_a_run_without_memory_keeps_its_rows(growbench):
    out = growbench.folder / "out"
    program = Program([GROWBENCH, "run", "--out=out", *RUN], growbench.folder)
    assert program.run().status == EXIT_DONE
    whole = cells_of(read_rows(out))
    resumed = 0

    for outcome in faults(program, 14, lambda: shutil.rmtree(out, ignore_errors=True)):
        if outcome.status == EXIT_FAILED and "--resume out\n" not in outcome.stderr:
            assert not out.exists()
            continue
        assert_can_be_gone_on_with(growbench, out, whole)
        resumed += outcome.status == EXIT_FAILED

    assert resumed > 2


def test_going_on_without_memory_keeps_the_rows(growbench):
    begun, out = growbench.folder / "begun", growbench.folder / "out"
    assert growbench("run", "--out=begun", *RUN).returncode == EXIT_DONE
    whole = cells_of(read_rows(begun))
    lines = (begun / "runs.csv").read_text().splitlines(keepends=True)
    (begun / "runs.csv").write_text("".join(lines[:2]))
    program = Program([GROWBENCH, "run", "--resume=out", "--no-summary"], growbench.folder)

    def begin():
        shutil.rmtree(out, ignore_errors=True)
        shutil.copytree(begun, out)

    for _ in faults(program, 6, begin):
        assert (out / "runs.csv").read_text().startswith("".join(lines[:2]))
        assert_can_be_gone_on_with(growbench, out, whole)


# ---- the worker ----

CELL = ("--rows=20", "--row-bytes=80", "--iterations=2", "--values=2")
IN_EACH = {"ok", "out_of_memory", "failed"}
# A reading that could not be taken is missing; a reason is where the reading is not, as when
# another process has taken huge pages at the same time.
READINGS = {
    "huge_fault_unknown_reason",
    *HUGE_FAULTS,
    "rss_before_bytes",
    "peak_rss_bytes",
    "peak_memory_bytes",
    "peak_resolution_bytes",
    "touch_page_ns",
    *TIMINGS,
}
# What ends a process by itself: constructors of libraries, before the worker's own code is reached;
# and GLib, so that its containers do (aborts_without_memory).
ENDS_IT = {
    True: re.compile(r"libglib-2\.0\.so|libbenchmark\.so"),
    False: re.compile(r"libglib-2\.0\.so"),
}


def report_of(outcome: Outcome) -> Dict[str, str]:
    """What a worker reported; fails if it is not whole."""
    lines = outcome.stdout.splitlines()
    assert outcome.stdout.endswith("\nend\n") and lines[0] == "growbench-report 1", outcome
    return dict(line.split(" ", 1) for line in lines[1:-1])


def tells_of_huge_pages(report: Dict[str, str]) -> bool:
    """Does it say how many there were, or why nobody knows?"""
    return "cold_build_huge_fault_count" in report or "huge_fault_unknown_reason" in report


def judge(outcome: Outcome, whole: Dict[str, str]) -> str:
    """The status that the worker gave itself, or how it ended; fails if it left that open."""
    if outcome.status < 0:
        assert outcome.stdout == ""
        # From 1.8 on, in a thread that it has started, before that calls anything of ours.
        if any(
            "libbenchmark.so" in stack and "growbench-worker(" not in stack
            for stack in outcome.stacks
        ):
            return "exited"
        assert ENDS_IT[outcome.calls[-1].before_main].search(outcome.stacks[-1]), outcome
        return "crashed"
    if outcome.status > 0:
        assert outcome.stderr != "" and outcome.stdout == "", outcome
        return "exited"
    report = report_of(outcome)
    if report["status"] != "ok":
        assert report["status_detail"] != ""
        return report["status"]
    assert set(whole) - set(report) <= READINGS, outcome
    assert tells_of_huge_pages(whole) == tells_of_huge_pages(report), outcome
    assert report.get("checksum") == whole.get("checksum")
    assert report.get("malloc_count") == whole.get("malloc_count")
    return "ok"


def statuses(program: Program, most: int) -> set:
    """What came of all faults from main on, and of some before it."""
    whole = program.run()
    report = report_of(whole)
    if report["status"] == "unprobed":
        pytest.skip("it is not to be had on this machine")
    assert report["status"] == "ok"
    started = [call for call in whole.calls if not call.before_main]
    before = [call for call in whole.calls if call.before_main]
    found = set()

    for call in chosen(before, 2):
        for all_after in (False, True):
            judge(program.run(call.number, all_after), report)
    for call in chosen(started, most)[:500]:
        for all_after in (False, True):
            found.add(judge(program.run(call.number, all_after), report))
    return found


@pytest.mark.parametrize(
    "words, expected",
    [
        (["measure", "--strategy=realloc_doubling"], IN_EACH),
        (["measure", "--strategy=reserve_then_commit", "--threads=2"], IN_EACH),
        (["measure", "--strategy=std_vector"], IN_EACH),
        (["measure", "--strategy=glib_array"], {"ok", "failed", "crashed"}),
        (["pattern", "--strategy=add_chain"], IN_EACH),
        (["latency", "--strategy=list_of_pointers"], IN_EACH),
        (["trace", "--strategy=list_of_pointers_packed", "--points=5"], IN_EACH),
        (["trace", "--strategy=std_deque", "--threads=2"], IN_EACH),
        (["trace", "--strategy=utarray"], IN_EACH),
        (["trace", "--strategy=add_chain"], IN_EACH),
        (["resolution"], {"ok"}),
        (["peak-over"], {"ok", "failed"}),
        (["list"], {"ok"}),
    ],
    ids=lambda value: "-".join(value).replace("--", "") if isinstance(value, list) else "",
)
def test_a_worker_without_memory_says_which_is_missing(tmp_path, words, expected):
    preload = [INTERPOSER] if words[0] == "trace" else []
    cell = CELL if words[0] not in ("resolution", "list") else ()

    found = statuses(Program([WORKER, *words, *cell], tmp_path, preload), 40)
    # That of Google Benchmark's own: it ends the process where it cannot read about the CPU, or in
    # a thread of its own.
    assert found - {"exited"} == expected


def test_a_worker_by_hand_without_memory_says_so(tmp_path):
    words = [WORKER, "--benchmark_filter=c/realloc_doubling/rows:10/", "--benchmark_min_time=1e-4"]
    program = Program(words, tmp_path)

    for call in chosen([call for call in program.run().calls if not call.before_main], 15):
        for all_after in (False, True):
            outcome = program.run(call.number, all_after)
            # No exception came through.
            assert outcome.status >= 0, outcome
            assert outcome.stderr != "" if outcome.status > 0 else "rows:10/" in outcome.stdout


PROBES = re.findall(
    r'^\t\t\.name = "(\w+)"', (REPOSITORY / "harness/worker/probes.c").read_text(), re.M
)


_PMD_SIZE = Path("/sys/kernel/mm/transparent_hugepage/hpage_pmd_size")
HUGE_PAGE_BYTES = int(_PMD_SIZE.read_text()) if _PMD_SIZE.exists() else 2 << 20


@pytest.mark.parametrize("name", PROBES)
def test_a_probe_without_memory_is_no_figure(tmp_path, name):
    if EMULATED and name == "brk":
        pytest.skip("an emulator has it not")
    row_bytes = HUGE_PAGE_BYTES if name.endswith("_huge") else mmap.PAGESIZE
    words = [WORKER, "probe", f"--probe={name}", f"--row-bytes={row_bytes}"]

    assert statuses(Program(words, tmp_path), 4) <= {"ok", "failed", "unprobed"}
