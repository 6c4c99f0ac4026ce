"""Workers in other languages: NumPy and Python beside C, programs that speak the protocol, and such
as do not."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import (
    EXIT_DONE,
    EXIT_UNMEASURED,
    EXIT_USAGE,
    GROWBENCH,
    REPOSITORY,
    SANITIZED,
    environment,
    libc_path,
    read_machine,
    read_rows,
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
SAME = ("loop_and_append", "preallocate_zeroed", "list_of_pointers", "list_of_pointers_packed")
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


LISTED = lines("growbench-report 1", "strategy push linear", "passes measure", "status ok", "end")


# ---- NumPy and Python ----


@pytest.mark.parametrize(
    ("allocators", "rows", "row_bytes"),
    # All sizes on one of them, and all of them at one size.
    [({"glibc"}, (50, 300), (24, 80)), (ALLOCATORS - {"glibc"}, (50,), (24,))],
    ids=["sizes", "allocators"],
)
def test_the_same_cells_of_c_numpy_and_python_have_the_same_checksum(
    allocators, rows, row_bytes, growbench
):
    done = growbench(
        "run",
        "--out=out",
        f"--strategies={','.join(SAME)}",
        "--implementations=c,numpy,python",
        f"--allocators={','.join(sorted(allocators))}",
        f"--rows={','.join(map(str, rows))}",
        f"--row-bytes={','.join(map(str, row_bytes))}",
        "--rounds=1",
        "--passes=measure,trace",
        "--no-summary",
        timeout=500,
    )
    assert done.returncode == EXIT_DONE, done.stderr
    found = read_rows(growbench.folder / "out")
    assert len(found) == 2 * 3 * len(SAME) * len(allocators) * len(rows) * len(row_bytes)
    assert {row["status"] for row in found} == {"ok"}
    assert {row["allocator"] for row in found} == allocators
    sums = {(row["rows"], row["row_bytes"], row["checksum"]) for row in found}
    assert len(sums) == len(rows) * len(row_bytes), "one of each size"
    for row in found:
        assert (row["implementation_version"] != "") == (row["implementation"] != "c")
    numpy = [row for row in found if row["implementation"] == "numpy"]
    assert all(re.match(r"NumPy \d.*, CPython 3", row["implementation_version"]) for row in numpy)
    assert all("pymalloc" in row["layers_before_malloc"] for row in numpy)
    # What NumPy's loop copies, in closed form; and the arrays do come from malloc.
    for row in numpy:
        count, size = int(row["rows"]), int(row["row_bytes"])
        if row["strategy"] == "loop_and_append" and row["pass"] == "trace":
            assert int(row["strategy_copied_bytes"]) == size * count * (count - 1) // 2
            assert int(row["malloc_count"]) >= count / 2
    names = [entry["name"] for entry in read_machine(growbench.folder / "out")["implementations"]]
    assert names == ["numpy", "python"]


def test_every_strategy_of_numpy_and_python_builds_what_it_should_from_any_rows(growbench):
    listed = growbench("list").stdout.split("Copying patterns:")[0].splitlines()
    names = {line.split()[0] for line in listed if line[27:33].strip() in ("numpy", "python")}
    assert len(names) >= 12
    for words in (("--row-bytes=3,8",), ("--row-bytes=80", "--work=random")):
        out = f"out{words[-1][-3:]}"
        done = growbench(
            "run",
            f"--out={out}",
            f"--strategies={','.join(sorted(names))}",
            "--implementations=numpy,python",
            "--allocators=glibc",
            "--rows=70",
            "--rounds=1",
            "--no-summary",
            *words,
            timeout=500,
        )
        rows = read_rows(growbench.folder / out)
        assert done.returncode == EXIT_DONE, done.stderr
        bad = [row for row in rows if row["status"] != "ok"]
        # Tuples of floats need whole floats.
        assert all(row["status"] == "unsupported" and row["row_bytes"] == "3" for row in bad), bad
        assert len(bad) == (1 if "--row-bytes=3,8" in words else 0)
        for implementation in ("numpy", "python"):
            for size in {row["row_bytes"] for row in rows}:
                sums = {
                    row["checksum"]
                    for row in rows
                    if (row["implementation"], row["row_bytes"]) == (implementation, size)
                }
                assert len(sums - {""}) == 1, (implementation, size)


def test_without_numpy_its_cells_are_unavailable_and_everything_else_runs(growbench, tmp_path):
    python = tmp_path / "python"
    # Without `site` there are no installed packages.
    python.write_text(f'#!/bin/sh\nexec {sys.executable} -S -s -E "$@"\n')
    python.chmod(0o755)
    done = growbench(
        "run",
        "--out=out",
        "--strategies=preallocate_zeroed,np_append",
        "--implementations=c,numpy,python",
        "--allocators=glibc,jemalloc",
        "--rows=10",
        "--rounds=2",
        "--no-summary",
        variables={"PYTHON": str(python)},
    )
    assert done.returncode == EXIT_UNMEASURED
    rows = read_rows(growbench.folder / "out")
    statuses = {(row["implementation"], row["status"]) for row in rows}
    assert statuses == {("c", "ok"), ("python", "ok"), ("numpy", "unavailable")}
    missing = [row for row in rows if row["implementation"] == "numpy"]
    assert {row["strategy"] for row in missing} == {"preallocate_zeroed", "np_append"}
    assert len(missing) == 2 * 2 * 2
    assert all("has no NumPy" in row["status_detail"] for row in missing)
    assert all("make setup" in row["status_detail"] for row in missing)
    assert "numpy is left out (unavailable)" in done.stderr


def test_pythonmalloc_is_a_variant_and_brings_every_object_to_malloc(growbench):
    done = growbench(
        "run",
        "--out=out",
        "--strategies=list_of_pointers",
        "--implementations=python",
        "--allocator=plain=glibc,PYTHONMALLOC=malloc",
        "--allocators=glibc,plain",
        "--rows=1000",
        "--rounds=1",
        "--passes=trace",
        "--no-summary",
    )
    assert done.returncode == EXIT_DONE, done.stderr
    by_label = {row["allocator"]: row for row in read_rows(growbench.folder / "out")}
    # 1,000 tuples and 10,000 floats, or the few that pymalloc does not serve.
    assert int(by_label["plain"]["malloc_count"]) >= 11000
    assert int(by_label["glibc"]["malloc_count"]) < 1000
    assert "nothing" in by_label["plain"]["layers_before_malloc"]


def test_patterns_of_numpy_and_c_make_the_same_and_copy_as_much(growbench):
    done = growbench(
        "run",
        "--out=out",
        "--preset=patterns",
        "--implementations=c,numpy",
        "--allocators=jemalloc",
        "--shapes=41x800",
        "--rounds=1",
        "--passes=pattern,trace",
        "--no-summary",
        timeout=300,
    )
    assert done.returncode == EXIT_DONE, done.stderr
    rows = read_rows(growbench.folder / "out")
    assert {row["pass"] for row in rows} == {"pattern", "trace"}
    assert {row["status"] for row in rows} == {"ok"}
    by_name = {}
    for row in rows:
        key = (row["strategy"], row["rows"], row["pass"])
        by_name.setdefault(key, {}).setdefault(row["implementation"], row)
    both = {key: of for key, of in by_name.items() if len(of) == 2}
    assert len({key[0] for key in both}) >= 14
    for (name, _, which), of in both.items():
        assert of["c"]["checksum"] == of["numpy"]["checksum"], name
        if which == "trace":
            copied = {row["strategy_copied_bytes"] for row in of.values()}
            assert len(copied) == 1, (name, copied)
            assert ("view" in name) <= (of["c"]["malloc_count"] == "0")
        else:
            assert all(float(row["warm_scan_median_ns"]) > 0 for row in of.values())


MUTANT = """
import sys
sys.path.insert(0, {scripts!r})
from workers import kit
def build(rows):
    {build}
subject = kit.Subject("mutant", "", "", 1, build, lambda r: [(r, len(r) // 8)], lambda n: 0,
                      lambda n: 0)
library = kit.Kit({kit!r})
sys.exit(library.run(kit.Description("mutant", "", ""), [subject], 8, sys.argv[1:]))
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
    done = growbench(
        "run",
        "--out=out",
        f"--worker=mutant={sys.executable} {script}",
        "--implementations=mutant",
        "--allocators=glibc",
        "--rows=10",
        "--row-bytes=8",
        "--rounds=1",
        "--no-summary",
    )
    (row,) = read_rows(growbench.folder / "out")
    assert (row["implementation"], row["strategy"], row["status"]) == ("mutant", "mutant", status)
    assert detail in row["status_detail"]
    assert done.returncode == (EXIT_DONE if status == "ok" else EXIT_UNMEASURED)


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
    done = growbench(
        "run",
        "--out=out",
        f"--worker=perl=perl {script}",
        "--implementations=perl,c",
        f"--allocators={','.join(sorted(ALLOCATORS))}",
        "--strategies=push,preallocate_zeroed",
        "--rows=10,100",
        "--row-bytes=27,80",
        "--rounds=2",
        "--no-summary",
    )
    assert done.returncode == EXIT_DONE, done.stderr
    rows = read_rows(growbench.folder / "out")
    assert {row["status"] for row in rows} == {"ok"}
    perl = [row for row in rows if row["implementation"] == "perl"]
    assert {row["allocator"] for row in perl} == ALLOCATORS
    assert len(perl) == 4 * len(ALLOCATORS) * 2
    for size in {(row["rows"], row["row_bytes"]) for row in rows}:
        sums = {row["checksum"] for row in rows if (row["rows"], row["row_bytes"]) == size}
        assert len(sums) == 1, size


RUBBISH = {
    "says nothing": ("true", "bad_report", "report"),
    "prints rubbish": (lines("hello", "world"), "bad_report", ""),
    "prints zero bytes": ("head -c 100 /dev/zero >&3", "bad_report", ""),
    "prints too much": ("yes >&3", "timeout", "killed after"),
    "prints a lot": ("head -c 300000 /dev/zero >&3", "bad_report", "too long"),
    "stops in the middle": (lines("growbench-report 1", "strategy a linear"), "bad_report", ""),
    "has no strategy": (lines("growbench-report 1", "status ok", "end"), "bad_report", "no strat"),
    "has an unknown kind": (
        lines("growbench-report 1", "strategy a cubic", "status ok", "end"),
        "bad_report",
        "linear, quadratic or pattern",
    ),
    "has a strategy twice": (
        lines("growbench-report 1", "strategy a linear", "strategy a linear", "status ok", "end"),
        "bad_report",
        "not twice",
    ),
    "has a name that is no name": (
        lines("growbench-report 1", "strategy =A1+1 linear", "status ok", "end"),
        "bad_report",
        "a name of",
    ),
    "exits with 7": ("echo oh >&2; exit 7", "exited", "exit status 7: oh"),
    "crashes": ("kill -SEGV $$", "crashed", "signal 11"),
    "hangs": ("sleep 1000", "timeout", "--timeout"),
    "is not there": (
        lines(
            "growbench-report 1",
            "strategy push linear",
            "status unavailable",
            "status_detail no such thing; install it",
            "end",
        ),
        "unavailable",
        "install it",
    ),
}


@pytest.mark.parametrize("what", RUBBISH)
def test_a_program_that_cannot_be_asked_has_rows_that_say_so(growbench, worker, what):
    listed, status, detail = RUBBISH[what]
    done = growbench(
        "run",
        "--out=out",
        worker(listed),
        "--implementations=c,mine",
        "--strategies=preallocate_zeroed" + (",push" if status == "unavailable" else ""),
        "--allocators=glibc",
        "--rows=10",
        "--rounds=2",
        "--timeout=1",
        "--no-summary",
    )
    rows = read_rows(growbench.folder / "out")
    mine = [row for row in rows if row["implementation"] == "mine"]
    assert [row["status"] for row in mine] == [status] * 2
    assert all(detail in row["status_detail"] for row in mine), mine[0]["status_detail"]
    assert {row["status"] for row in rows if row["implementation"] == "c"} == {"ok"}
    assert done.returncode == EXIT_UNMEASURED
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
        ("sleep 1000", "timeout"),
        (lines("rubbish"), "bad_report"),
        (lines("growbench-report 1", "allocator_path /lib/other.so", "status ok", "end"), "bad_r"),
        (
            lines(
                "growbench-report 1",
                f"allocator_path {libc_path()}",
                "status unsupported",
                "status_detail no such rows",
                "end",
            ),
            "unsupported",
        ),
        (lines("growbench-report 1", "status splendid", "end"), "bad_report"),
    ],
)
def test_a_program_that_can_be_asked_and_then_fails_has_rows_too(
    growbench, worker, measured, status
):
    growbench(
        "run",
        "--out=out",
        worker(LISTED, measured),
        "--implementations=mine",
        "--allocators=glibc",
        "--rows=10",
        "--rounds=1",
        "--timeout=1",
        "--no-summary",
    )
    (row,) = read_rows(growbench.folder / "out")
    assert row["strategy"] == "push" and row["status"].startswith(status)
    assert row["cold_build_ns"] == ""


def test_passes_that_a_program_does_not_know_are_not_asked_for(growbench, worker):
    plan = growbench.plan(
        worker(LISTED), "--implementations=mine", "--rows=1000", "--passes=measure,trace,latency"
    )
    assert {line["pass"] for line in plan} == {"measure"}


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("--worker=mine=/no/such/program", "no such program"),
        ("--worker=mine='open", "--worker mine"),
        ("--worker=c=true", "one of ours"),
        ("--worker=numpy=true", "one of ours"),
    ],
)
def test_a_command_that_cannot_be_is_refused_before_anything_is_written(growbench, word, message):
    done = growbench("run", "--out=out", word, "--rows=10")
    assert done.returncode == EXIT_USAGE and message in done.stderr
    assert not (growbench.folder / "out").exists()


def test_a_command_is_split_into_words_but_not_run_by_a_shell(growbench, tmp_path):
    script = tmp_path / "a worker.sh"
    script.write_text(
        'test "$1" = "two words" || exit 8\ntest "$2" = \'$HOME;*\' || exit 9\nexit 7\n'
    )
    done = growbench(
        "run",
        "--out=out",
        f"--worker=mine=sh '{script}' \"two words\" '$HOME;*'",
        "--implementations=mine",
        "--allocators=glibc",
        "--rows=10",
        "--rounds=1",
        "--no-summary",
    )
    (row,) = read_rows(growbench.folder / "out")
    assert done.returncode == EXIT_UNMEASURED and "exit status 7" in row["status_detail"]


def test_a_run_is_not_gone_on_with_by_another_version_of_the_program(growbench, worker, tmp_path):
    listed = lines(
        "growbench-report 1",
        "implementation_version mine 1",
        "strategy push linear",
        "passes measure",
        "status ok",
        "end",
    )
    words = ("--implementations=mine", "--allocators=glibc", "--rows=10", "--rounds=1")
    growbench("run", "--out=out", worker(listed), *words, "--no-summary")
    changed = growbench.folder / "out/runs.csv"
    header = changed.read_text().splitlines()[0]
    changed.write_text(header + "\n")
    worker(listed.replace("mine 1", "mine 2"))
    done = growbench("run", "--resume=out")
    assert done.returncode == EXIT_USAGE, done.stderr
    assert "mine 1" in done.stderr and "mine 2" in done.stderr
    worker(listed)
    done = growbench("run", "--resume=out")
    assert done.returncode == EXIT_UNMEASURED, done.stderr
    assert [row["strategy"] for row in read_rows(Path(growbench.folder / "out"))] == ["push"]
