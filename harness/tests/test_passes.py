"""The passes beside the measurements: trace, timeline, latency and probes."""

import csv
import os
import subprocess
from collections import Counter
from pathlib import Path
from typing import Dict, List

import pytest
from conftest import (
    EXIT_DONE,
    EXIT_UNMEASURED,
    FIGURES,
    FIGURES_OF_PASS,
    WORKER,
    cells_of,
    real_allocators,
)

ALL = "--passes=measure,trace,latency,probe"
CELLS = (
    "--strategies=realloc_doubling",
    "--allocators=glibc",
    "--rows=1000",
    "--rounds=1",
    "--seed=1",
)
TRACED = "--passes=trace"
POINTS = r"""printf 'point 1 80 80 0\npoint 500 40960 61440 49152\n' >&3
    printf 'point 1000 81920 122880 94208\n' >&3"""
SAYING = 'begin_pass "$1"; %s\n end'


def read_timeline(folder: Path) -> List[Dict[str, str]]:
    """The points of a run's timeline.csv."""
    with (folder / "timeline.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream, strict=True))


def test_a_run_of_all_passes_has_the_rows_of_the_plan(growbench, stand_in):
    words = (ALL, *CELLS, "--rounds=3")
    rows = growbench.run(*words, stand_in().option).rows
    assert cells_of(rows) == cells_of(growbench.plan(*words))
    passes = Counter(row["pass"] for row in rows)
    assert passes["measure"] == 3 and passes["trace"] == 1 and passes["latency"] == 1
    assert passes["probe"] % 3 == 0 and passes["probe"] > 30
    assert [row["position"] for row in rows] == [str(i + 1) for i in range(len(rows))]


def test_each_pass_fills_its_own_columns_and_no_others(growbench, stand_in):
    for row in growbench.run(ALL, *CELLS, stand_in().option).rows:
        assert row["status"] == "ok" and row["status_detail"] == "measured"
        for name, figures in (("measure", FIGURES), *FIGURES_OF_PASS.items()):
            for column, value in figures.items():
                if column != "checksum":
                    assert row[column] == (value if row["pass"] == name else ""), (column, row)


def test_only_the_passes_that_are_asked_for_are_run(growbench, stand_in):
    worker = stand_in()
    done = growbench.run(TRACED, *CELLS, worker.option)

    assert [row["pass"] for row in done.rows] == ["trace"]
    assert worker.measured() == 0, "not even by a pilot"
    assert done.machine["run"]["passes"] == ["trace"]


def test_the_interposer_stands_before_the_library_and_only_where_it_is_traced(growbench, stand_in):
    worker = stand_in(
        measure='echo "$LD_PRELOAD" >>"$here/measured"; honest',
        other='echo "$1 $LD_PRELOAD" >>"$here/others"\n' + SAYING % "true",
    )
    growbench.run(ALL, *CELLS, worker.option)

    assert set((worker.folder / "measured").read_text().split()) == set()
    for line in (worker.folder / "others").read_text().splitlines():
        name, _, preload = line.partition(" ")
        expected = f"{worker.folder}/libgrowbench-trace.so" if name == "trace" else ""
        assert preload == expected


def test_where_nothing_can_be_put_in_front_of_an_allocator_the_rest_goes_on(growbench, stand_in):
    worker = stand_in(other='test "$1" = trace && kill -SEGV $$\n' + SAYING % "true")
    done = growbench.run(ALL, *CELLS, worker.option, ends=EXIT_UNMEASURED)

    assert "glibc is not traced: the interposer cannot be put in front of it" in done.stderr
    for row in done.rows:
        if row["pass"] == "trace":
            assert row["status"] == "untraced" and "SIGSEGV" in row["status_detail"]
            assert row["malloc_count"] == ""
        else:
            assert row["status"] == "ok"
    assert "SIGSEGV" in done.machine["allocators"][0]["why_not_traced"]


def test_a_path_that_the_loader_cannot_take_is_named(growbench, stand_in, tmp_path):
    worker = tmp_path / "a b" / "worker"
    worker.parent.mkdir()
    worker.write_bytes(stand_in().path.read_bytes())
    worker.chmod(0o755)
    (row,) = growbench.run(TRACED, *CELLS, f"--worker={worker}", ends=EXIT_UNMEASURED).rows
    assert row["status"] == "untraced" and "a b/libgrowbench-trace.so" in row["status_detail"]


@pytest.mark.parametrize(("probes", "ends"), [("*mremap*", EXIT_DONE), ("*", EXIT_UNMEASURED)])
def test_what_a_machine_does_not_offer_is_no_failure_of_a_probe(growbench, stand_in, probes, ends):
    unprobed = "begin; printf 'status unprobed\\nstatus_detail none here\\nend\\n' >&3"
    honest = 'begin_pass "$1"; end'
    worker = stand_in(other=f'case "$*" in {probes}) {unprobed} ;; *) {honest} ;; esac')
    rows = growbench.run("--passes=probe", *CELLS, worker.option, ends=ends).rows

    for row in rows:
        if "mremap" in row["strategy"] or probes == "*":
            assert (row["status"], row["status_detail"]) == ("unprobed", "none here")
            assert row["probe_ns"] == ""
        else:
            assert row["status"] == "ok"


# ---- the timeline ----


def test_points_of_the_rows_that_were_named_go_into_a_file_with_their_cell(
    growbench, stand_in, out
):
    worker = stand_in(other=f'begin_pass "$1"; case "$*" in *--points*) {POINTS} ;; esac; end')
    words = (TRACED, *CELLS, "--rows=1000,2000", "--timeline=1000", "--timeline-points=77")
    (row,) = [row for row in growbench.run(*words, worker.option).rows if row["rows"] == "1000"]

    points = read_timeline(out)
    for point in points:
        for key in ("position", "implementation", "strategy", "allocator", "rows", "row_bytes"):
            assert point[key] == row[key]
    assert [point["rows_appended"] for point in points] == ["1", "500", "1000"]
    assert [point["live_bytes"] for point in points] == ["80", "40960", "81920"]
    assert [point["live_peak_bytes"] for point in points] == ["80", "61440", "122880"]
    assert [point["resident_bytes"] for point in points] == ["0", "49152", "94208"]
    (asked,) = [call for call in worker.calls() if "--points" in call]
    assert "--points 77" in asked and "--rows 1000 " in asked


@pytest.mark.parametrize(
    "point", ["point 1 2 3", "point 1 2 3 4 5", "point 1 2 3 x", "point -1 2 3 4"]
)
def test_a_point_that_is_no_point_makes_a_bad_report(growbench, stand_in, out, point):
    worker = stand_in(other=SAYING % f'case "$*" in *"--rows 1000"*) echo "{point}" >&3 ;; esac')
    (row,) = growbench.run(TRACED, *CELLS, worker.option, ends=EXIT_UNMEASURED).rows
    assert row["status"] == "bad_report"
    assert row["malloc_count"] == ""
    assert not (out / "timeline.csv").exists()


# ---- with the real worker ----


@real_allocators
def test_the_real_worker_does_all_passes(growbench, out):
    words = ("--passes=measure,trace,latency", "--rows=1000", "--rounds=1", "--timeline=1000")
    rows = growbench.run(*words, "--strategies=realloc_doubling,std_vector,glib_array").rows
    allocators = {row["allocator"] for row in rows if row["status"] == "ok"}
    traced = [row for row in rows if row["pass"] == "trace" and row["status"] == "ok"]
    assert {row["allocator"] for row in traced} == allocators
    for row in traced:
        assert row["leaked_bytes"] == "0" and row["scan_call_count"] == "0"
        if row["strategy"] == "realloc_doubling":
            # Capacities 1, 2, ... 1024 rows of 80 bytes.
            assert (row["realloc_count"], row["peak_requested_bytes"]) == ("11", "81920")
            moved = int(row["realloc_moved_count"]) + int(row["realloc_in_place_count"])
            assert moved == 10
    checksums = {row["checksum"] for row in rows if row["checksum"] != ""}
    assert len(checksums) == 1
    for row in rows:
        if row["pass"] == "latency" and row["status"] == "ok":
            assert row["latency_append_count"] == "1000" and row["latency_p99_9_ns"] != ""
            assert row["latency_p99_99_ns"] == ""
    points = read_timeline(out)
    last = [point for point in points if point["rows_appended"] == "1000"]
    assert len(last) == len(traced)
    assert {point["live_bytes"] for point in last if point["strategy"] == "realloc_doubling"} == {
        "81920"
    }


@real_allocators
def test_without_sight_of_system_calls_what_they_tell_is_missing_with_a_reason(growbench):
    done = growbench.run(
        TRACED,
        "--strategies=append_in_place",
        "--allocators=glibc",
        "--rows=10000",
        variables={"GROWBENCH_TRACE_NO_SYSCALLS": "1"},
    )
    (row,) = done.rows
    assert row["status"] == "ok" and row["realloc_count"] == "10000"
    assert row["realloc_remapped_count"] == row["allocator_mmap_count"] == ""
    # What has not moved was not copied, whoever looks.
    assert row["copied_bytes"] == ("0" if row["realloc_moved_count"] == "0" else "")
    assert row["untraced_reason"] != ""
    assert done.machine["allocators"][0]["why_no_system_calls"] == row["untraced_reason"]


@real_allocators
def test_a_worker_without_the_interposer_says_so(growbench):
    done = subprocess.run(
        [WORKER, "trace", "--strategy", "realloc_doubling", "--rows", "10"],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": os.environ["PATH"]},
    )
    assert "status failed" in done.stdout
    assert "libgrowbench-trace.so is not preloaded" in done.stdout
