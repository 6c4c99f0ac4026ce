"""The instructions pass: what Callgrind counts of a worker, and what becomes of it without."""

import csv
import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import Dict, List

import pytest
from conftest import (
    EXIT_UNMEASURED,
    WORKER,
    Growbench,
    cells_of,
    environment,
    read_rows,
    real_allocators,
)

COUNTS = (
    "cold_build_instruction_count",
    "cold_release_instruction_count",
    "warm_build_release_instruction_count",
)
PASS = "--passes=instructions"
GLIBC = ("--allocators=glibc", "--implementations=c", "--seed=1")


def can_count() -> bool:
    """Does Valgrind run a worker here? It does not under an emulator, or with a sanitizer."""
    if shutil.which("valgrind") is None:
        return False
    words = ("valgrind", "-q", "--tool=none", WORKER, "--version")
    return subprocess.run(words, capture_output=True, check=False).returncode == 0


needs_valgrind = pytest.mark.skipif(not can_count(), reason="Valgrind runs no worker here")


def counts(row: Dict[str, str]) -> List[int]:
    return [int(row[name]) for name in COUNTS]


@needs_valgrind
def test_counts_are_the_same_each_time(growbench):
    strategies = "--strategies=realloc_doubling,list_of_pointers,append_in_place"
    words = (PASS, *GLIBC, strategies, "--rows=100,1000", "--rounds=3")
    rows = growbench.run(*words).rows
    assert cells_of(rows) == cells_of(growbench.plan(*words)) and len(rows) == 3 * 6
    assert [row["position"] for row in rows] == [str(i + 1) for i in range(len(rows))]
    found: Dict[tuple, List[List[int]]] = {}
    for row in rows:
        assert (row["status"], row["status_detail"]) == ("ok", "measured") and row["checksum"]
        found.setdefault((row["strategy"], row["rows"]), []).append(counts(row))
    for cell, repeated in found.items():
        assert repeated[0] == repeated[1] == repeated[2], cell


@needs_valgrind
def test_a_row_more_is_the_same_instructions_more(growbench):
    """In memory that is there, an append of the same kind costs the same each time."""
    rows = growbench.run(
        PASS, *GLIBC, "--strategies=preallocate_then_fill", "--rows=100,101,102,103", "--rounds=1"
    ).rows
    builds = [counts(row)[0] for row in sorted(rows, key=lambda row: int(row["rows"]))]
    steps = {after - before for before, after in zip(builds, builds[1:])}
    assert len(steps) == 1 and 10 < steps.pop() < 100


@needs_valgrind
def test_the_counts_are_those_of_callgrind_s_own_tool(growbench, tmp_path):
    """What callgrind_annotate says of the functions, for a worker that is started by hand."""
    (row,) = growbench.run(
        PASS, *GLIBC, "--strategies=realloc_x1.5", "--rows=500", "--rounds=1"
    ).rows
    dump = tmp_path / "dump"
    names = ("growbench_cold_build", "growbench_cold_release", "growbench_warm_build_release")
    words = ["valgrind", "-q", "--tool=callgrind", f"--callgrind-out-file={dump}"]
    words += [f"--toggle-collect={name}" for name in names]
    words += [str(WORKER), "instructions", "--strategy", "realloc_x1.5", "--rows", "500"]
    ours = environment(
        GLIBC_TUNABLES="glibc.cpu.hwcaps=-ERMS",
        LD_PRELOAD=str(Path(WORKER).with_name("libgrowbench-clock.so")),
    )
    subprocess.run(words, check=True, capture_output=True, env=ours)
    told = subprocess.run(
        ("callgrind_annotate", "--inclusive=yes", "--threshold=100", str(dump)),
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    for name, count in zip(names, counts(row)):
        (inclusive,) = re.findall(rf"^ *([\d,]+) .*:{name} \[", told, re.M)
        assert int(inclusive.replace(",", "")) == count, name


KNOWN = ("glibc", "jemalloc", "mimalloc", "tcmalloc", "tbbmalloc")


def build_in(folder: Path) -> Path:
    """A copy of what a count is made with."""
    folder.mkdir(parents=True)
    for file in (WORKER, WORKER.with_name("libgrowbench-clock.so")):
        shutil.copy(file, folder)
    return folder


def only_of(labels: List[str]) -> str:
    """The option that leaves out all allocators but the labels."""
    return "--allocators=" + ",".join(label.split("=")[1] for label in labels)


@needs_valgrind
@real_allocators
def test_counts_do_not_depend_on_where_the_worker_lies_and_is_called(growbench, tmp_path):
    """Builds at longer and longer paths; and one with more in its environment and elsewhere.

    A lookup that finds nothing leaves on the heap "PATH: undefined symbol: ...", were it not for
    what worker_command does about it: rows as long as that for one of the paths would take the
    place of that message when it is gone.
    """
    builds = [build_in(tmp_path / ("b" * (1 + 16 * i))) for i in range(4)]
    row_bytes = (len(str(builds[1] / WORKER.name)) + 35) // 8 * 8
    words = [PASS, "--implementations=c", "--strategies=list_of_pointers"]
    words += ["--rows=50", f"--row-bytes={row_bytes}", "--rounds=1", "--seed=1"]
    labels = [f"--allocator={name}.{i}={name}@{builds[i]}" for name in KNOWN for i in (0, 1)]
    labels += [f"--allocator=glibc.{i}=glibc@{builds[i]}" for i in (2, 3)]
    rows = growbench.run(*words, only_of(labels), *labels).rows
    elsewhere = Growbench(build_in(tmp_path / "else" / "where"))
    labels = [f"--allocator={name}.else={name}@{builds[0]}" for name in KNOWN]
    variables = {"PATH": f"{os.environ['PATH']}:/x{'y' * 40}", "LD_LIBRARY_PATH": "/no/such"}
    rows += elsewhere.run(*words, only_of(labels), *labels, variables=variables).rows
    found: Dict[str, Dict[str, List[int]]] = {}
    for row in rows:
        if row["status"] != "unavailable":
            assert row["status"] == "ok", row
            name = row["allocator"].split(".")[0]
            found.setdefault(name, {})[row["allocator"]] = counts(row)
    assert len(found["glibc"]) == 5
    for of_it in found.values():
        assert len({tuple(count) for count in of_it.values()}) == 1, of_it


@needs_valgrind
@real_allocators
def test_each_allocator_is_counted_or_the_reason_is_told_once(growbench):
    ended = growbench.run(
        PASS,
        "--strategies=realloc_doubling",
        "--implementations=c",
        "--rows=100",
        "--rounds=1",
    )
    for row in ended.rows:
        warned = ended.stderr.count(f"instructions of {row['allocator']} are not counted")
        if row["status"] == "ok":
            assert warned == 0 and min(counts(row)) > 0
        elif row["status"] != "unavailable":
            assert row["status"] == "uncounted" and warned == 1, row
            assert "does not run under Valgrind" in row["status_detail"]
            assert not any(row[name] for name in COUNTS)
    assert {row["status"] for row in ended.rows if row["allocator"] == "glibc"} == {"ok"}


def test_without_valgrind_rows_say_what_to_install(growbench, tmp_path):
    words = (PASS, *GLIBC, "--strategies=realloc_doubling", "--rows=100", "--rounds=1")
    ended = growbench.run(*words, ends=EXIT_UNMEASURED, variables={"PATH": str(tmp_path)})
    assert [row["status"] for row in ended.rows] == ["uncounted"]
    assert "install the package" in ended.machine["instructions"]["why_not"]
    assert "install the package valgrind" in ended.rows[0]["status_detail"]
    assert ended.stderr.count("instructions are not counted") == 1


@needs_valgrind
def test_without_our_clock_nothing_is_counted(growbench, tmp_path):
    # The loader would go on without it, and what an allocator does by the clock would be counted.
    alone = tmp_path / "alone"
    alone.mkdir()
    shutil.copy2(WORKER, alone)
    words = (PASS, *GLIBC, "--strategies=realloc_doubling", "--rows=100", "--rounds=1")
    ended = growbench.run(*words, f"--worker={alone / WORKER.name}", ends=EXIT_UNMEASURED)
    assert [row["status"] for row in ended.rows] == ["uncounted"]
    assert "libgrowbench-clock.so cannot be read" in ended.rows[0]["status_detail"]
    assert "built and installed with growbench" in ended.rows[0]["status_detail"]


def call(growbench, *words: str, **variables: str) -> "subprocess.CompletedProcess[str]":
    """Calls it without the passes that tests are usually about."""
    return subprocess.run(
        (growbench.program, *words),
        cwd=growbench.folder,
        env=environment(**variables),
        capture_output=True,
        text=True,
        check=True,
    )


def valgrind_that_says(folder: Path, version: str) -> str:
    """A PATH whose valgrind tells another version, and counts as the real one does."""
    program = folder / "valgrind"
    real = shutil.which("valgrind")
    program.write_text(
        f'#!/bin/sh\n[ "$1" = --version ] && echo {version} && exit\nexec {real} "$@"\n'
    )
    program.chmod(0o755)
    return f"{folder}:{os.environ['PATH']}"


@needs_valgrind
def test_another_version_does_not_go_on_with_a_run(growbench, tmp_path):
    words = (PASS, *GLIBC, "--strategies=realloc_doubling", "--rows=100", "--rounds=1")
    path = valgrind_that_says(tmp_path, "valgrind-1.2.3")
    told = growbench.run(*words, variables={"PATH": path}).machine
    assert told["instructions"]["valgrind"] == "valgrind-1.2.3"
    assert told["instructions"]["why_not"] is None
    assert "--tool=callgrind" in told["instructions"]["options"]
    assert told["allocators"][0]["why_not_counted"] is None
    ended = subprocess.run(
        (growbench.program, "run", "--resume", "out", "--no-summary"),
        cwd=growbench.folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode != 0
    assert "by valgrind-1.2.3, and now by valgrind-" in ended.stderr


def test_what_was_not_named_is_not_missed(growbench, tmp_path):
    words = ("--preset=exact", "--strategies=realloc_doubling", "--allocators=glibc", "--rows=100")
    call(growbench, "run", "--out=out", "--no-summary", *words, PATH=str(tmp_path))
    assert sorted((row["pass"], row["status"]) for row in read_rows(growbench.folder / "out")) == [
        ("instructions", "uncounted"),
        ("trace", "ok"),
    ]


def test_a_dump_that_makes_no_sense_is_a_bad_report(growbench, tmp_path):
    """A valgrind that runs the worker and writes a torn dump."""
    program = tmp_path / "valgrind"
    program.write_text(
        "#!/bin/sh\nfor word; do case $word in\n"
        "--callgrind-out-file=*) printf 'events: Ir\\ntotals: 5' >\"${word#*=}\" ;;\n"
        "--*) ;;\n*) break ;;\nesac; shift; done\n"
        'unset LD_PRELOAD GLIBC_TUNABLES\nexec "$@"\n'
    )
    program.chmod(0o755)
    words = (PASS, *GLIBC, "--strategies=realloc_doubling", "--rows=100", "--rounds=1")
    path = f"{tmp_path}:{os.environ['PATH']}"
    ended = growbench.run(*words, ends=EXIT_UNMEASURED, variables={"PATH": path})
    assert "makes no sense: growbench_cold_build was not called" in ended.rows[0]["status_detail"]


def test_a_cell_that_would_take_too_long_says_so(growbench):
    words = (PASS, *GLIBC, "--strategies=loop_and_append", "--rows=100000", "--rounds=1")
    ended = growbench.run(*words, ends=EXIT_UNMEASURED)
    (row,) = ended.rows
    assert row["status"] == "uncounted" and "--budget gives more" in row["status_detail"]


def test_the_default_preset_counts_the_article_s_rows(growbench):
    told = call(growbench, "plan", "--allocators=glibc", "--implementations=c,numpy").stdout
    rows = list(csv.DictReader(told.splitlines(), strict=True))
    counted = [row for row in rows if row["pass"] == "instructions"]
    assert {(row["rows"], row["implementation"]) for row in counted} == {("10000", "c")}
    assert {row["round"] for row in counted} == {"1"}
    last = max(int(row["position"]) for row in rows if row["pass"] == "measure")
    assert min(int(row["position"]) for row in counted) > last


@needs_valgrind
@pytest.mark.parametrize("kill", (signal.SIGINT, signal.SIGKILL))
def test_a_run_that_was_interrupted_goes_on(growbench, kill):
    strategies = "--strategies=realloc_doubling,chunked_list,list_of_pointers,preallocate_zeroed"
    words = (PASS, *GLIBC, strategies, "--rows=100,1000,3000", "--rounds=1")
    process = subprocess.Popen(
        (growbench.program, "run", "--out=out", "--no-summary", *words),
        cwd=growbench.folder,
        env=environment(),
        stderr=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    file = growbench.folder / "out" / "runs.csv"
    while process.poll() is None and (not file.exists() or file.read_text().count("\n") < 3):
        time.sleep(0.02)
    process.send_signal(kill)
    process.wait()
    rows = growbench.resume().rows
    whole = growbench.run(*words, into="other").rows
    assert sorted(cells_of(rows)) == sorted(cells_of(whole))
    by_position = {row["position"]: counts(row) for row in rows}
    assert by_position == {row["position"]: counts(row) for row in whole}
