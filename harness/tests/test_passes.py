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
    EXIT_USAGE,
    FIGURES,
    FIGURES_OF_PASS,
    WORKER,
    cells_of,
    read_machine,
    read_rows,
    real_allocators,
)

ALL = "--passes=measure,trace,latency,probe"
CELLS = (
    "--strategies=realloc_doubling",
    "--allocators=glibc",
    "--rows=1000",
    "--seed=1",
    "--no-summary",
)
TRACED = "--passes=trace"
POINTS = r"""printf 'point 1 80 80 0\npoint 500 40960 61440 49152\n' >&3
    printf 'point 1000 81920 122880 94208\n' >&3"""
SAYING = """library=${LD_PRELOAD##*libgrowbench-trace.so}
    library=${library#:}
    begin "${library:-$libc}"
    figures_of "$1"
    %s
    end"""


def read_timeline(folder: Path) -> List[Dict[str, str]]:
    """The points of a run's timeline.csv."""
    with (folder / "timeline.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream, strict=True))


def test_a_run_of_all_passes_has_the_rows_of_the_plan(growbench, stand_in, out):
    words = (ALL, *CELLS, "--rounds=3")
    done = growbench("run", "--out=out", *words, stand_in().option)

    assert done.returncode == EXIT_DONE, done.stderr
    rows = read_rows(out)
    assert cells_of(rows) == cells_of(growbench.plan(*words))
    passes = Counter(row["pass"] for row in rows)
    assert passes["measure"] == 3 and passes["trace"] == 1 and passes["latency"] == 1
    assert passes["probe"] % 3 == 0 and passes["probe"] > 30
    assert [row["position"] for row in rows] == [str(i + 1) for i in range(len(rows))]


def test_each_pass_fills_its_own_columns_and_no_others(growbench, stand_in, out):
    growbench("run", "--out=out", ALL, *CELLS, "--rounds=1", stand_in().option)

    for row in read_rows(out):
        assert row["status"] == "ok" and row["status_detail"] == "measured"
        for name, figures in (("measure", FIGURES), *FIGURES_OF_PASS.items()):
            for column, value in figures.items():
                if column != "checksum":
                    assert row[column] == (value if row["pass"] == name else ""), (column, row)


def test_probes_come_at_the_start_in_the_middle_and_at_the_end(growbench):
    plan = growbench.plan(ALL, *CELLS, "--rounds=4")
    visits = [line["round"] for line in plan if line["pass"] == "probe"]
    once = len(visits) // 3
    assert visits == ["1"] * once + ["2"] * once + ["3"] * once
    assert plan[0]["pass"] == plan[-1]["pass"] == "probe"
    middle = [i for i, line in enumerate(plan) if line["pass"] == "probe" and line["round"] == "2"]
    before = [line["round"] for line in plan[: middle[0]] if line["pass"] == "measure"]
    after = [line["round"] for line in plan[middle[-1] :] if line["pass"] == "measure"]
    assert before == ["1", "2"] and after == ["3", "4"]


def test_only_the_passes_that_are_asked_for_are_run(growbench, stand_in, out):
    worker = stand_in()
    done = growbench("run", "--out=out", TRACED, *CELLS, worker.option)

    assert done.returncode == EXIT_DONE, done.stderr
    assert [row["pass"] for row in read_rows(out)] == ["trace"]
    assert worker.measured() == 0, "not even by a pilot"
    assert read_machine(out)["run"]["passes"] == ["trace"]


def test_an_unknown_pass_names_the_known_ones(growbench, out):
    done = growbench("run", "--out=out", "--passes=trance", *CELLS)
    assert done.returncode == EXIT_USAGE
    assert "unknown pass 'trance'" in done.stderr and "trace" in done.stderr
    assert not out.exists()


def test_the_interposer_stands_before_the_library_and_only_where_it_is_traced(
    growbench, stand_in, out
):
    worker = stand_in(
        measure='echo "$LD_PRELOAD" >>"$here/measured"; honest',
        other='echo "$1 $LD_PRELOAD" >>"$here/others"\n' + SAYING % "",
    )
    growbench("run", "--out=out", ALL, *CELLS, "--rounds=1", worker.option)

    assert set((worker.folder / "measured").read_text().split()) == set()
    for line in (worker.folder / "others").read_text().splitlines():
        name, _, preload = line.partition(" ")
        expected = f"{worker.folder}/libgrowbench-trace.so" if name == "trace" else ""
        assert preload == expected


def test_where_nothing_can_be_put_in_front_of_an_allocator_the_rest_goes_on(
    growbench, stand_in, out
):
    worker = stand_in(other='test "$1" = trace && kill -SEGV $$\n' + SAYING % "")
    done = growbench("run", "--out=out", ALL, *CELLS, "--rounds=1", worker.option)

    assert done.returncode == EXIT_UNMEASURED, done.stderr
    assert "glibc is not traced: the interposer cannot be put in front of it" in done.stderr
    for row in read_rows(out):
        if row["pass"] == "trace":
            assert row["status"] == "untraced" and "SIGSEGV" in row["status_detail"]
            assert row["malloc_count"] == ""
        else:
            assert row["status"] == "ok"
    assert "SIGSEGV" in read_machine(out)["allocators"][0]["why_not_traced"]


def test_a_path_that_the_loader_cannot_take_is_named(growbench, stand_in, out, tmp_path):
    worker = tmp_path / "a b" / "worker"
    worker.parent.mkdir()
    worker.write_bytes(stand_in().path.read_bytes())
    worker.chmod(0o755)
    done = growbench("run", "--out=out", TRACED, *CELLS, f"--worker={worker}")

    assert done.returncode == EXIT_UNMEASURED, done.stderr
    (row,) = read_rows(out)
    assert row["status"] == "untraced" and "a b/libgrowbench-trace.so" in row["status_detail"]


def test_what_a_machine_does_not_offer_is_no_failure_of_a_probe(growbench, stand_in, out):
    worker = stand_in(
        other="begin; echo status unprobed >&3; echo status_detail none here >&3; echo end >&3"
    )
    done = growbench("run", "--out=out", "--passes=probe", *CELLS, worker.option)

    assert done.returncode == EXIT_UNMEASURED, done.stderr
    for row in read_rows(out):
        assert (row["status"], row["status_detail"]) == ("unprobed", "none here")
        assert row["probe_ns"] == ""


# ---- the timeline ----


def test_points_go_into_a_file_of_their_own_with_their_cell(growbench, stand_in, out):
    words = (TRACED, *CELLS, "--timeline=1000", "--timeline-points=77")
    worker = stand_in(other=SAYING % POINTS)
    done = growbench("run", "--out=out", *words, worker.option)

    assert done.returncode == EXIT_DONE, done.stderr
    (row,) = read_rows(out)
    assert row["status"] == "ok"
    points = read_timeline(out)
    for point in points:
        for key in ("position", "implementation", "strategy", "allocator", "rows", "row_bytes"):
            assert point[key] == row[key]
    assert [point["rows_appended"] for point in points] == ["1", "500", "1000"]
    assert [point["live_bytes"] for point in points] == ["80", "40960", "81920"]
    assert [point["live_peak_bytes"] for point in points] == ["80", "61440", "122880"]
    assert [point["resident_bytes"] for point in points] == ["0", "49152", "94208"]
    assert "--points 77" in worker.calls()[-1]


def test_no_timeline_is_asked_for_at_other_rows(growbench, stand_in, out):
    worker = stand_in()
    growbench("run", "--out=out", TRACED, *CELLS, "--timeline=10000", worker.option)
    assert not any("--points" in call for call in worker.calls())
    assert not (out / "timeline.csv").exists()


@pytest.mark.parametrize(
    "point", ["point 1 2 3", "point 1 2 3 4 5", "point 1 2 3 x", "point -1 2 3 4"]
)
def test_a_point_that_is_no_point_makes_a_bad_report(growbench, stand_in, out, point):
    worker = stand_in(other=SAYING % f'case "$*" in *"--rows 1000"*) echo "{point}" >&3 ;; esac')
    growbench("run", "--out=out", TRACED, *CELLS, worker.option)
    (row,) = read_rows(out)
    assert row["status"] == "bad_report"
    assert row["malloc_count"] == ""
    assert not (out / "timeline.csv").exists()


def test_a_torn_timeline_loses_its_last_line_on_resuming(growbench, stand_in, out):
    words = (TRACED, *CELLS, "--timeline=1000", "--rows=1000,2000")
    worker = stand_in(other=SAYING % POINTS)
    growbench("run", "--out=out", *words, worker.option)
    whole = (out / "timeline.csv").read_text()
    rows = (out / "runs.csv").read_text().splitlines(keepends=True)
    traced = next(row for row in rows if ",1000,80," in row)
    (out / "runs.csv").write_text("".join(row for row in rows if row != traced))
    (out / "timeline.csv").write_text(whole[: len(whole) - 30])

    done = growbench("run", "--resume=out", "--no-summary")
    assert done.returncode == EXIT_DONE, done.stderr
    points = read_timeline(out)
    assert points[-1]["rows_appended"] == "1000"
    assert all(None not in point and None not in point.values() for point in points)


# ---- with the real worker ----


@real_allocators
def test_the_real_worker_does_all_passes(growbench, out):
    words = (ALL, "--strategies=realloc_doubling,std_vector,glib_array", "--rows=1000")
    done = growbench(
        "run", "--out=out", *words, "--rounds=1", "--no-summary", "--timeline=1000", "--seed=3"
    )
    assert done.returncode == EXIT_DONE, done.stderr
    rows = read_rows(out)
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
def test_without_sight_of_system_calls_what_they_tell_is_missing_with_a_reason(growbench, out):
    done = growbench(
        "run",
        "--out=out",
        TRACED,
        "--strategies=append_in_place",
        "--allocators=glibc",
        "--rows=10000",
        "--no-summary",
        variables={"GROWBENCH_TRACE_BLIND": "1"},
    )
    assert done.returncode == EXIT_DONE, done.stderr
    (row,) = read_rows(out)
    assert row["status"] == "ok" and row["realloc_count"] == "10000"
    assert row["realloc_remapped_count"] == row["allocator_mmap_count"] == ""
    # What has not moved was not copied, whoever looks.
    assert row["copied_bytes"] == ("0" if row["realloc_moved_count"] == "0" else "")
    assert row["untraced_reason"] != ""
    assert read_machine(out)["allocators"][0]["why_no_system_calls"] == row["untraced_reason"]


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
