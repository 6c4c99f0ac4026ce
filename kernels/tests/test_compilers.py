"""The loops that are timed do the same, whether GCC or Clang has compiled them.

A compiler may leave out a malloc with its free, make one calloc of malloc and memset, or a call of
memcpy or memset of a loop. The tests against closed forms find the first two in the build that they
are of (test_cost.c); here the worker is built once more with the other compiler, and each strategy,
container and copying pattern of both is traced by the same interposer, and looked at for what it
calls.

GROWBENCH_BUILD names the build that is tested, OTHER_CC and OTHER_CXX the other compiler; CTest
sets them.
"""

import os
import re
import subprocess
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("GROWBENCH_BUILD") or SOURCE / "build").resolve()
OTHER = BUILD / "other-compiler"
SIZES = ((1, 8), (37, 24), (1000, 80), (100, 800))
# What does not depend on the strategy alone: times, and which file supplies malloc.
NOT_COUNTED = re.compile(r"\w+_ns|allocator_(path|version|build_id)")
# What a loop may be made of, or be turned into.
CALLS = re.compile(
    r" U (malloc|calloc|realloc|free|mem(?:cpy|move|set|cmp)|mmap|mprotect|_Zn\w+|_Zd\w+)"
)
# Of the array model: the loops over elements.
ELEMENTS = ("nd_run.c", "nd_take.c", "nd_transposition.c")


def run(*words: object, **variables: str) -> str:
    done = subprocess.run(
        list(map(str, words)), env={**os.environ, **variables}, capture_output=True, text=True
    )
    assert done.returncode == 0, f"{words}\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def builds() -> list:
    """The folders of both builds, the other one made as ours is."""
    kind = re.search(r"^CMAKE_BUILD_TYPE:\w+=(.*)$", (BUILD / "CMakeCache.txt").read_text(), re.M)
    assert kind is not None
    chosen = {
        "CMAKE_BUILD_TYPE": kind[1],
        "CMAKE_C_COMPILER": os.environ["OTHER_CC"],
        "CMAKE_CXX_COMPILER": os.environ["OTHER_CXX"],
        "BUILD_TESTING": "OFF",
    }
    words = [f"-D{name}={value}" for name, value in chosen.items()]
    run("cmake", "-S", SOURCE, "-B", OTHER, *words, "--log-level=WARNING")
    told = run("cmake", "--build", OTHER, "--target", "growbench-worker", "--parallel")
    assert "warning: " not in told
    return [BUILD, OTHER]


def subjects(build: Path, implementation: str) -> list:
    """The names of its strategies and patterns."""
    report = run(
        *(build / "growbench-worker", "list", "--implementation", implementation),
        *("--report-fd", "1"),
    )
    return re.findall(r"^strategy (\S+) ", report, re.M)


def counts(build: Path, implementation: str, strategy: str, rows: int, row_bytes: int) -> dict:
    """What the trace reports; the interposer is ours for both builds."""
    report = run(
        *(build / "growbench-worker", "trace", "--report-fd", "1", "--values", "1"),
        *("--implementation", implementation, "--strategy", strategy),
        *("--rows", rows, "--row-bytes", row_bytes),
        LD_PRELOAD=str(BUILD / "libgrowbench-trace.so"),
        G_SLICE="always-malloc",
    )
    lines = (line.partition(" ") for line in report.splitlines())
    return {name: value for name, _, value in lines if not NOT_COUNTED.fullmatch(name)}


def calls_of(build: Path) -> dict:
    """The functions that each object of a strategy or pattern calls."""
    sources = {
        path.name
        # What a container's own headers have inlined is not ours.
        for folder in ("strategies", "shapes", "patterns")
        for path in (SOURCE / "kernels" / folder).glob("*.c*")
    }
    found: dict = {}
    for line in run("nm", "-A", "-u", build / "kernels/libgrowbench-kernels.a").splitlines():
        name = line.split(":")[1].removesuffix(".o")
        if name in sources or name in ELEMENTS:
            called = found.setdefault(name, set())
            called.update(CALLS.findall(line))
    assert set(found) >= {"loop_and_append.c", "transpose_view.c", "nd_run.c"}
    return found


def test_the_counts_of_every_strategy_container_and_pattern_are_the_same(builds):
    compared = 0
    for implementation in ("c", "cpp", "glib", "uthash"):
        for strategy in subjects(BUILD, implementation):
            for rows, row_bytes in SIZES:
                ours, others = (
                    counts(build, implementation, strategy, rows, row_bytes) for build in builds
                )
                assert ours == others, (implementation, strategy, rows, row_bytes)
                assert ours["status"] in ("ok", "unsupported")
                compared += ours["status"] == "ok"
    assert compared > 100


def test_a_pair_of_malloc_and_free_is_there_for_each_append(builds):
    for build in builds:
        found = counts(build, "c", "loop_and_append", 1000, 80)
        assert (found["malloc_count"], found["free_count"]) == ("1000", "999")
        assert found["calloc_count"] == "0"


def test_no_loop_was_turned_into_another_function(builds):
    ours, others = map(calls_of, builds)
    assert ours == others
    # A row of a size that is not constant is copied by memcpy.
    assert "memcpy" in ours["preallocate_then_fill.c"]
