"""Workers in other languages: NumPy and Python beside C, programs that speak the protocol, and such
as do not."""

import re
import subprocess
import sys

import pytest
from conftest import (
    EXIT_DONE,
    EXIT_UNMEASURED,
    EXIT_USAGE,
    GROWBENCH,
    ONE_CELL,
    REPOSITORY,
    SANITIZED,
    environment,
)

# Those that are here, as on a system that has not all of them.
ALLOCATORS = {
    name
    for name, path in re.findall(
        r"^  (\S+) +(/.*)$",
        subprocess.run([GROWBENCH, "list"], capture_output=True, text=True, check=True).stdout,
        re.MULTILINE,
    )
}
# One cell of a program that the tests call "mine", of whatever strategies it has.
MINE = ("--implementations=mine", *ONE_CELL[1:])
SAME = ("loop_and_append", "preallocate_zeroed", "list_of_pointers")
KIT = GROWBENCH.parent / "libgrowbench-worker.so"

# The library for other languages would need the sanitizer in the interpreter as well.
pytestmark = pytest.mark.skipif(SANITIZED, reason="interpreters are not instrumented")


@pytest.fixture
def worker(tmp_path):
    """Makes a worker out of shell commands: for list, and for the rest."""

    def make(listed: str, measured: str = "exit 9") -> str:
        path = tmp_path / "worker.sh"
        path.write_text(f"case $1 in list) {listed} ;; *) {measured} ;; esac\n")
        return f"--worker=mine=sh {path}"

    return make


def lines(*words: str) -> str:
    """Shell commands that report these lines."""
    return "".join(f"echo '{word}' >&3; " for word in words)


FIRST, PUSH, LAST = "growbench-report 1", "strategy push linear", ("status ok", "end")
LISTED = lines(FIRST, PUSH, "passes measure", *LAST)


# ---- NumPy and Python ----


@pytest.mark.parametrize(
    ("allocators", "strategies", "which", "shape"),
    [
        ({"glibc", "jemalloc"}, SAME[1:], "measure", "300x80"),
        (ALLOCATORS, SAME[:1], "trace", "50x24"),
    ],
    ids=["measured", "traced"],
)
def test_the_same_cells_of_c_numpy_and_python_have_the_same_checksum(
    allocators, strategies, which, shape, growbench
):
    done = growbench.run(
        f"--strategies={','.join(strategies)}",
        "--implementations=c,numpy,python",
        f"--allocators={','.join(sorted(allocators))}",
        f"--shapes={shape}",
        "--rounds=1",
        f"--passes={which}",
        timeout=500,
    )
    found = done.rows
    assert len(found) == 3 * len(strategies) * len(allocators)
    assert {row["status"] for row in found} == {"ok"}
    assert {row["allocator"] for row in found} == allocators
    assert len({row["checksum"] for row in found}) == 1
    for row in found:
        assert (row["implementation_version"] != "") == (row["implementation"] != "c")
    numpy = [row for row in found if row["implementation"] == "numpy"]
    assert all(re.match(r"NumPy \d.*, CPython 3", row["implementation_version"]) for row in numpy)
    assert all("pymalloc" in row["layers_before_malloc"] for row in numpy)
    # What NumPy's loop copies, in closed form; and the arrays do come from malloc.
    for row in numpy:
        count, size = int(row["rows"]), int(row["row_bytes"])
        if which == "trace":
            assert int(row["strategy_copied_bytes"]) == size * count * (count - 1) // 2
            assert int(row["malloc_count"]) >= count / 2
    assert [entry["name"] for entry in done.machine["implementations"]] == ["numpy", "python"]


def test_every_strategy_of_numpy_and_python_builds_what_it_should_from_any_rows(growbench):
    listed = growbench("list").stdout.split("Copying patterns:")[0].splitlines()
    names = {line.split()[0] for line in listed if line[27:33].strip() in ("numpy", "python")}
    assert len(names) >= 12
    words = (f"--strategies={','.join(sorted(names))}", "--allocators=glibc", "--rows=70")
    # Of the passes the one that builds once and needs no pilot.
    words = ("--implementations=c,numpy,python", *words, "--passes=trace", "--overwrite")
    rows = growbench.run(*words, "--row-bytes=3", timeout=500).rows
    bad = [row for row in rows if row["status"] != "ok"]
    assert [row["status"] for row in bad] == ["unsupported"], "tuples of floats need whole floats"
    assert len({row["checksum"] for row in rows if row not in bad}) == 1
    # Each draws its own random numbers.
    rows = growbench.run(*words, "--row-bytes=80", "--work=random", timeout=500).rows
    assert {row["status"] for row in rows} == {"ok"}
    assert len({(row["implementation"], row["checksum"]) for row in rows}) == 3


def test_without_numpy_its_cells_are_unavailable_and_everything_else_runs(growbench, tmp_path):
    python = tmp_path / "python"
    # Without `site` there are no installed packages.
    python.write_text(f'#!/bin/sh\nexec {sys.executable} -S -s -E "$@"\n')
    python.chmod(0o755)
    done = growbench.run(
        "--strategies=preallocate_zeroed,np_append",
        "--implementations=c,numpy,python",
        "--allocators=glibc,jemalloc",
        "--rows=10",
        "--rounds=2",
        variables={"PYTHON": str(python)},
        ends=EXIT_UNMEASURED,
    )
    rows = done.rows
    statuses = {(row["implementation"], row["status"]) for row in rows}
    assert statuses == {("c", "ok"), ("python", "ok"), ("numpy", "unavailable")}
    missing = [row for row in rows if row["implementation"] == "numpy"]
    assert {row["strategy"] for row in missing} == {"preallocate_zeroed", "np_append"}
    assert len(missing) == 2 * 2 * 2
    assert all("has no NumPy" in row["status_detail"] for row in missing)
    assert all("make setup" in row["status_detail"] for row in missing)
    assert "numpy is left out (unavailable)" in done.stderr


def test_pythonmalloc_is_a_variant_and_brings_every_object_to_malloc(growbench):
    rows = growbench.run(
        "--strategies=list_of_pointers",
        "--implementations=python",
        "--allocator=plain=glibc,PYTHONMALLOC=malloc",
        "--allocators=glibc,plain",
        "--rows=1000",
        "--passes=trace",
    ).rows
    by_label = {row["allocator"]: row for row in rows}
    # 1,000 tuples and 10,000 floats, or the few that pymalloc does not serve.
    assert int(by_label["plain"]["malloc_count"]) >= 11000
    assert int(by_label["glibc"]["malloc_count"]) < 1000
    assert "nothing" in by_label["plain"]["layers_before_malloc"]


def test_patterns_of_numpy_and_c_make_the_same_and_copy_as_much(growbench):
    words = ("--preset=patterns", "--implementations=c,numpy", "--allocators=jemalloc")
    words = (*words, "--shapes=41x800", "--rounds=1")
    rows = growbench.run(*words, "--passes=trace", timeout=300).rows
    few = ("--strategies=copy_contiguous,transpose_view", "--passes=pattern", "--overwrite")
    timed = growbench.run(*words, *few).rows
    assert {row["status"] for row in (*rows, *timed)} == {"ok"}
    by_name = {}
    for row in rows:
        by_name.setdefault((row["strategy"], row["rows"]), {})[row["implementation"]] = row
    both = {name: of for (name, _), of in by_name.items() if len(of) == 2}
    assert len(both) >= 14
    for name, of in both.items():
        assert of["c"]["checksum"] == of["numpy"]["checksum"], name
        assert of["c"]["strategy_copied_bytes"] == of["numpy"]["strategy_copied_bytes"], name
        assert ("view" in name) <= (of["c"]["malloc_count"] == "0")
    assert len(timed) == 2 * 2
    assert all(float(row["warm_scan_median_ns"]) > 0 for row in timed)
    assert {row["checksum"] for row in timed} <= {row["checksum"] for row in rows}


MUTANT = """
import sys
sys.path.insert(0, {scripts!r})
from workers import kit
def build(rows):
    {build}
subject = kit.Subject("mutant", "", "", 1, build, lambda r: [(r, len(r) // 8)], lambda n: 0,
                      lambda n: 0)
library = kit.Kit({kit!r})
sys.exit(library.run(kit.Description("mine", "", ""), [subject], 8, sys.argv[1:]))
"""


@pytest.mark.parametrize(
    ("build", "status", "detail"),
    [
        ("return b''.join(i.to_bytes(8, 'little') for i in range(rows))", "ok", ""),
        ("return b''.join(i.to_bytes(8, 'little') for i in range(rows - 1))", "wrong_checksum", ""),
        ("raise MemoryError", "out_of_memory", "out of memory"),
        ("return b''", "wrong_checksum", "checksum"),
        ("return 1 / 0", "exited", "ZeroDivisionError: division by zero"),
        ("import os; os.kill(os.getpid(), 9)", "crashed", "SIGKILL"),
    ],
)
def test_what_goes_wrong_in_a_callback_is_a_status(growbench, tmp_path, build, status, detail):
    script = tmp_path / "mutant.py"
    script.write_text(MUTANT.format(scripts=str(REPOSITORY / "scripts"), build=build, kit=str(KIT)))
    program = f"--worker=mine={sys.executable} {script}"
    ends = EXIT_DONE if status == "ok" else EXIT_UNMEASURED
    (row,) = growbench.run(program, *MINE, "--row-bytes=8", ends=ends).rows
    assert (row["implementation"], row["strategy"], row["status"]) == ("mine", "mutant", status)
    assert detail in row["status_detail"]


def test_a_library_of_another_version_is_refused_and_told(tmp_path):
    done = subprocess.run(
        [sys.executable, REPOSITORY / "scripts/python_worker.py", "list"],
        env=environment(GROWBENCH_WORKER_KIT=str(tmp_path / "none.so")),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1 and done.stdout == ""
    assert "none.so" in done.stderr and "build" in done.stderr


# ---- any program ----


def test_the_worker_in_perl_of_the_readme_is_measured_under_all_allocators(growbench, tmp_path):
    text = (REPOSITORY / "harness/README.md").read_text()
    script = tmp_path / "worker.pl"
    (program,) = re.findall(r"```perl\n(.*?)```", text, re.DOTALL)
    assert len(program.splitlines()) < 40
    script.write_text(program)
    rows = growbench.run(
        f"--worker=perl=perl {script}",
        "--implementations=perl,c",
        f"--allocators={','.join(sorted(ALLOCATORS))}",
        "--strategies=push,preallocate_zeroed",
        "--shapes=10x27,100x80",
        "--rounds=2",
    ).rows
    assert {row["status"] for row in rows} == {"ok"}
    perl = [row for row in rows if row["implementation"] == "perl"]
    assert {row["allocator"] for row in perl} == ALLOCATORS
    assert len(perl) == 2 * len(ALLOCATORS) * 2
    assert len({(row["rows"], row["row_bytes"], row["checksum"]) for row in rows}) == 2


NO_STRATEGY = "a name of lower-case letters, digits and _.-, not twice, and linear, quadratic or"
RUBBISH = {
    "says nothing": ("true", "bad_report", "report"),
    "prints rubbish": (lines("hello", "world"), "bad_report", ""),
    "prints zero bytes": ("head -c 100 /dev/zero >&3", "bad_report", ""),
    "prints a lot": ("head -c 300000 /dev/zero >&3", "bad_report", "too long"),
    "stops in the middle": (lines(FIRST, "strategy a linear"), "bad_report", ""),
    "has no strategy": (lines(FIRST, *LAST), "bad_report", "no strat"),
    "has an unknown kind": (lines(FIRST, "strategy a cubic", *LAST), "bad_report", NO_STRATEGY),
    "has a strategy twice": (
        lines(FIRST, "strategy a linear", "strategy a linear", *LAST),
        "bad_report",
        NO_STRATEGY,
    ),
    "has a name that is no name": (
        lines(FIRST, "strategy =A1+1 linear", *LAST),
        "bad_report",
        NO_STRATEGY,
    ),
    "exits with 7": ("echo oh >&2; exit 7", "exited", "exit status 7: oh"),
    "crashes": ("kill -SEGV $$", "crashed", "signal 11"),
    "hangs": ("sleep 1000", "timeout", "--timeout"),
    "is not there": (
        lines(FIRST, PUSH, "status unavailable", "status_detail no such thing; install it", "end"),
        "unavailable",
        "install it",
    ),
}


@pytest.mark.parametrize("what", RUBBISH)
def test_a_program_that_cannot_be_asked_has_rows_that_say_so(growbench, worker, what):
    listed, status, detail = RUBBISH[what]
    strategies = "--strategies=preallocate_zeroed" + (",push" if status == "unavailable" else "")
    words = (worker(listed), *MINE, "--implementations=c,mine", strategies, "--rounds=2")
    done = growbench.run(*words, "--timeout=1", ends=EXIT_UNMEASURED)
    mine = [row for row in done.rows if row["implementation"] == "mine"]
    assert [row["status"] for row in mine] == [status] * 2
    assert all(detail in row["status_detail"] for row in mine), mine[0]["status_detail"]
    assert {row["status"] for row in done.rows if row["implementation"] == "c"} == {"ok"}
    assert "mine is left out" in done.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("--strategies=loop_and_append", "--rows=10"),
        ("--preset=patterns", "--shapes=8x16"),
        ("--passes=trace,probe", "--strategies=loop_and_append", "--rows=10"),
    ],
)
def test_a_program_that_cannot_be_asked_has_rows_in_whatever_run(growbench, worker, words):
    plan = growbench("plan", worker("exit 7"), "--implementations=c,mine", *words)
    lines_of_mine = [line for line in plan.stdout.splitlines() if ",mine," in line]
    assert lines_of_mine and all(line.endswith(",exited") for line in lines_of_mine)


def test_a_pattern_that_is_named_is_measured_in_its_own_pass_in_any_preset(growbench):
    words = ("--strategies=copy_contiguous,utarray", "--rows=10", "--allocators=glibc")
    by_default = subprocess.run(
        [GROWBENCH, "plan", *words], capture_output=True, text=True, check=True, env=environment()
    ).stdout.splitlines()
    passes = {(line.split(",")[4], line.split(",")[2]) for line in by_default if "," in line}
    assert ("copy_contiguous", "pattern") in passes and ("utarray", "measure") in passes
    assert ("copy_contiguous", "measure") not in passes


@pytest.mark.parametrize(
    ("measured", "status"),
    [
        ("exit 9", "exited"),
        (lines(FIRST, "status unsupported", "status_detail no such rows", "end"), "unsupported"),
        (lines(FIRST, "status splendid", "end"), "bad_report"),
    ],
)
def test_a_program_that_can_be_asked_and_then_fails_has_rows_too(
    growbench, worker, measured, status
):
    (row,) = growbench.run(worker(LISTED, measured), *MINE, ends=EXIT_UNMEASURED).rows
    assert (row["strategy"], row["status"], row["cold_build_ns"]) == ("push", status, "")


def test_passes_that_a_program_does_not_know_are_not_asked_for(growbench, worker):
    plan = growbench.plan(
        worker(LISTED), "--implementations=mine", "--rows=1000", "--passes=measure,trace,latency"
    )
    assert {line["pass"] for line in plan} == {"measure"}


def test_a_command_is_split_into_words_but_not_run_by_a_shell(growbench, tmp_path):
    script = tmp_path / "a worker.sh"
    script.write_text(
        'test "$1" = "two words" || exit 8\ntest "$2" = \'$HOME;*\' || exit 9\nexit 7\n'
    )
    program = f"--worker=mine=sh '{script}' \"two words\" '$HOME;*'"
    (row,) = growbench.run(program, *MINE, ends=EXIT_UNMEASURED).rows
    assert "exit status 7" in row["status_detail"]


def test_a_run_is_not_gone_on_with_by_another_version_of_the_program(growbench, worker, out):
    listed = lines(FIRST, "implementation_version mine 1", PUSH, "passes measure", *LAST)
    growbench.run(worker(listed), *MINE, ends=EXIT_UNMEASURED)
    header = (out / "runs.csv").read_text().splitlines()[0]
    (out / "runs.csv").write_text(header + "\n")
    worker(listed.replace("mine 1", "mine 2"))
    told = growbench.resume(ends=EXIT_USAGE).stderr
    assert "mine 1" in told and "mine 2" in told
    worker(listed)
    assert [row["strategy"] for row in growbench.resume(ends=EXIT_UNMEASURED).rows] == ["push"]
