"""Two builds of the worker in one run: --allocator NAME=BASE@BUILD."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Dict, List, NamedTuple

import pytest
from conftest import (
    EXIT_DONE,
    EXIT_UNMEASURED,
    EXIT_USAGE,
    EXIT_WORKERS,
    FIGURES,
    INTERPOSER,
    ONE_CELL,
    WORKER,
    Ended,
    Growbench,
    cells_of,
    figures_of,
    libc_path,
    real_allocators,
)

PAIR = (
    "--allocators=base,new",
    "--strategies=realloc_doubling",
    "--rows=100",
    "--rounds=4",
    "--seed=1",
)


class Builds(NamedTuple):
    """Two builds in folders of their own."""

    base: Path
    new: Path

    @property
    def options(self) -> List[str]:
        return [f"--allocator=base=glibc@{self.base}", f"--allocator=new=glibc@{self.new}"]


def make_build(folder: Path) -> Path:
    """A copy of the build under test."""
    folder.mkdir()
    for file in (WORKER, INTERPOSER):
        shutil.copy(file, folder)
    return folder


@pytest.fixture
def builds(tmp_path) -> Builds:
    return Builds(make_build(tmp_path / "A"), make_build(tmp_path / "B"))


def build_id(path: Path) -> str:
    """The program's build-id by another's reading."""
    if shutil.which("readelf") is None:
        pytest.skip("there is no readelf")
    done = subprocess.run(
        ["readelf", "-n", str(path)], capture_output=True, text=True, check=True
    ).stdout
    found = re.findall(r"Build ID: ([0-9a-f]+)", done)
    if not found:
        pytest.skip("the linker leaves no build-id")
    return found[0]


def rebuild(worker: Path) -> str:
    """Makes the worker one of another build-id, which is returned; it works as before."""
    old = bytes.fromhex(build_id(worker))
    program = worker.read_bytes()
    assert program.count(old) == 1
    worker.write_bytes(program.replace(old, old[::-1]))
    assert build_id(worker) == old[::-1].hex() != old.hex()
    return old[::-1].hex()


def by_label(rows: List[Dict[str, str]]) -> Dict[str, List[Dict[str, str]]]:
    labels = {row["allocator"] for row in rows}
    return {label: [row for row in rows if row["allocator"] == label] for label in labels}


def allocators_of(done: Ended) -> Dict[str, dict]:
    return {allocator["name"]: allocator for allocator in done.machine["allocators"]}


# ---- with the real worker ----


@real_allocators
def test_two_builds_are_interleaved_in_one_run(growbench, builds):
    new_id = rebuild(builds.new / "growbench-worker")
    done = growbench.run(*builds.options, *PAIR)
    rows = done.rows

    assert [row["status"] for row in rows] == ["ok"] * 8
    assert cells_of(rows) == cells_of(growbench.plan(*builds.options, *PAIR))
    pairs = [tuple(row["allocator"] for row in rows[i : i + 2]) for i in range(0, 8, 2)]
    assert sorted(pairs) == [("base", "new")] * 2 + [("new", "base")] * 2
    assert len({row["warm_iteration_count"] for row in rows}) == 1
    assert len({row["checksum"] for row in rows}) == 1
    assert {row["allocator_path"] for row in rows} == {libc_path()}

    found = allocators_of(done)
    assert (found["base"]["worker"], found["new"]["worker"]) == (str(builds.base), str(builds.new))
    assert found["base"]["worker_build_id"] == build_id(WORKER)
    assert found["new"]["worker_build_id"] == new_id
    assert [found[name]["why_no_worker_build_id"] for name in ("base", "new")] == [None, None]


@real_allocators
def test_each_build_is_traced_with_its_own_interposer(growbench, builds):
    (builds.new / INTERPOSER.name).unlink()
    words = ("--passes=trace", "--timeline=none")
    done = growbench.run(*words, *builds.options, *PAIR, ends=EXIT_UNMEASURED)
    rows = by_label(done.rows)

    assert [row["status"] for row in rows["base"]] == ["ok"]
    assert int(rows["base"][0]["realloc_count"]) > 0
    assert [row["status"] for row in rows["new"]] == ["untraced"]
    assert "warning: new is not traced" in done.stderr
    found = allocators_of(done)
    assert found["base"]["why_not_traced"] is None
    assert "interposer" in found["new"]["why_not_traced"]


@real_allocators
def test_resume_refuses_a_build_that_was_made_anew_or_moved(growbench, out, builds):
    def refused(*parts: str) -> None:
        done = growbench.resume(ends=EXIT_USAGE)
        for part in parts:
            assert part in done.stderr.splitlines()[-1]
        assert (out / "runs.csv").read_bytes() == lines

    growbench.run(*builds.options, *PAIR)
    lines = b"".join((out / "runs.csv").read_bytes().splitlines(keepends=True)[:-3])
    (out / "runs.csv").write_bytes(lines)
    worker = builds.new / "growbench-worker"
    before = worker.read_bytes()

    rebuild(worker)
    refused("allocator new is not the one", "worker_build_id has changed", "begin a new run")
    worker.rename(builds.new / "elsewhere")
    refused("--allocator new", f"{builds.new} has no growbench-worker")
    builds.new.rename(builds.new.parent / "C")
    refused("--allocator new", f"there is no build {builds.new}")

    make_build(builds.new)
    assert worker.read_bytes() == before
    assert len(growbench.resume().rows) == 8


@real_allocators
def test_resume_refuses_a_run_s_own_worker_that_was_made_anew(growbench, builds):
    words = (*ONE_CELL, "--rounds=2", f"--worker={builds.base}/growbench-worker")
    own = allocators_of(growbench.run(*words))["glibc"]
    assert (own["worker"], own["worker_build_id"]) == (None, build_id(WORKER))
    rebuild(builds.base / "growbench-worker")
    done = growbench.resume(ends=EXIT_USAGE)

    assert "allocator glibc is not the one" in done.stderr
    assert "worker_build_id has changed" in done.stderr


# ---- with stand-ins ----


def run_pair(growbench: Growbench, base, new, *words: str, ends: int = EXIT_DONE):
    """A run of two stand-ins side by side, and the rows of each."""
    labels = (f"--allocator=base=glibc@{base.path}", f"--allocator=new=glibc@{new.path}")
    done = growbench.run(*labels, *PAIR, *words, ends=ends)

    return done, by_label(done.rows)


def test_each_label_is_measured_by_the_worker_of_its_build_alone(growbench, stand_in):
    own, base, new = stand_in(), stand_in(), stand_in()
    other = str(FIGURES["cold_build_ns"]) + "7"
    new.path.write_text(new.path.read_text().replace(FIGURES["cold_build_ns"], other))
    done, rows = run_pair(growbench, base, new, own.option)

    assert [row["cold_build_ns"] for row in rows["base"]] == [FIGURES["cold_build_ns"]] * 4
    assert [row["cold_build_ns"] for row in rows["new"]] == [other] * 4
    assert (base.measured(), new.measured()) == (1 + 4, 1 + 4), "the pilot's call, and the rounds'"
    assert own.calls() == []
    for label in ("base", "new"):
        found = allocators_of(done)[label]
        assert found["worker_build_id"] is None
        assert found["why_no_worker_build_id"] == "it is not an ELF file of this kind of machine"


def test_iteration_counts_are_the_same_for_both_builds_however_fast_they_are(growbench, stand_in):
    base, new = stand_in(), stand_in()
    text = new.path.read_text()
    assert "median_ns 1012.5" in text
    new.path.write_text(text.replace("median_ns 1012.5", "median_ns 101250"))
    run_pair(growbench, base, new)

    def iterations(worker) -> List[str]:
        calls = [call for call in worker.calls() if call.startswith("measure ")]
        return re.findall(r"--iterations (\d+)", " ".join(calls[1:]))

    assert len(iterations(base)) == 4
    assert iterations(base) == iterations(new)
    assert len(set(iterations(base))) == 1


def test_the_interposer_is_the_one_beside_the_build_s_worker(growbench, stand_in):
    log = 'echo "$LD_PRELOAD" >>"$here/preloads"; begin_pass "$1"; end'
    base, new = stand_in(other=log), stand_in(other=log)
    _, rows = run_pair(growbench, base, new, "--passes=trace", "--timeline=none")

    assert [row["status"] for row in rows["base"] + rows["new"]] == ["ok", "ok"]
    for worker in (base, new):
        preloads = set((worker.folder / "preloads").read_text().split())
        assert preloads == {f"{worker.folder}/libgrowbench-trace.so"}


def test_a_strategy_that_a_build_does_not_know_is_a_row_that_says_so(growbench, stand_in):
    unknown = "echo \"growbench-worker: unknown strategy 'chunked_list'\" >&2; exit 2"
    new = stand_in(measure=f'case "$*" in *chunked_list*) {unknown} ;; esac; honest')
    words = ("--strategies=chunked_list,realloc_doubling", "--rounds=2")
    _, rows = run_pair(growbench, stand_in(), new, *words, ends=EXIT_WORKERS)

    assert [row["status"] for row in rows["base"]] == ["ok"] * 4
    assert [figures_of(row) for row in rows["base"]] == [FIGURES] * 4
    for row in rows["new"]:
        known = row["strategy"] == "realloc_doubling"
        assert row["status"] == ("ok" if known else "exited")
        assert known or "unknown strategy 'chunked_list'" in row["status_detail"]
        assert figures_of(row) == (FIGURES if known else {})


@pytest.mark.parametrize("always", [True, False])
def test_a_build_of_another_protocol_is_rows_that_say_so(growbench, stand_in, always):
    speak = "printf 'growbench-report 9\\nstatus ok\\nend\\n' >&3"
    new = stand_in(measure=speak, **({"resolution": speak} if always else {}))
    _, rows = run_pair(growbench, stand_in(), new, ends=EXIT_UNMEASURED)

    assert [row["status"] for row in rows["base"]] == ["ok"] * 4
    assert [row["status"] for row in rows["new"]] == ["bad_report"] * 4
    for row in rows["new"]:
        assert "does not begin with 'growbench-report 1'" in row["status_detail"]
        assert figures_of(row) == {}
    assert new.measured() == (0 if always else 1 + 4)


def test_a_build_may_be_given_by_its_folder_with_variables_behind_it(growbench, stand_in):
    worker = stand_in(measure='echo "$MALLOC_X" >>"$here/variables"; honest')
    worker.path.rename(worker.folder / "growbench-worker")
    label = f"--allocator=x=glibc@{worker.folder}/,MALLOC_X=a@b,c"
    found = allocators_of(growbench.run(label, *ONE_CELL, "--allocators=x"))["x"]

    assert set((worker.folder / "variables").read_text().split()) == {"a@b,c"}
    assert found["worker"] == f"{worker.folder}/"
    assert found["environment"] == ["MALLOC_X=a@b,c"]


# ---- what is printed ----


def test_list_plan_and_doctor_say_which_worker_measures_a_label(growbench, stand_in):
    worker = stand_in()
    label = f"--allocator=x=glibc@{worker.path}"
    words = (label, "--allocators=glibc,x")
    listed = growbench("list", *words).stdout.splitlines()
    planned = growbench("plan", *words).stderr.splitlines()
    checked = growbench("doctor", *words).stdout

    assert f"  {'x':24} {libc_path()}, measured with {worker.path}" in listed
    assert f"  {'glibc':24} {libc_path()}" in listed
    assert f"x is measured with {worker.path}" in planned
    assert sum("is measured with" in line for line in planned) == 1
    assert checked.count("measured with") == 1
    assert f"measured with {worker.path}, build-id none" in checked
