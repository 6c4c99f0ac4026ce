"""The worker by hand: an ordinary Google Benchmark program, and a report for who asks."""

import json
import os
import re
import resource
import subprocess
from typing import Dict, Optional

import pytest
from conftest import (
    EMULATED,
    EXIT_DONE,
    EXIT_FAILED,
    EXIT_USAGE,
    FIGURES,
    HUGE_FAULTS,
    IDENTITY,
    INTERPOSER,
    OTHER_ROWS,
    PATIENCE,
    STRATEGIES,
    WORKER,
    environment,
    libc_path,
    real_allocators,
)
from test_run import LIBRARIES, library, needs

CELL = ("measure", "--strategy=realloc_doubling", "--rows=10", "--row-bytes=80")


def worker(
    *words: str, variables: Optional[Dict[str, str]] = None, **popen
) -> subprocess.CompletedProcess:
    """Runs the worker to its end."""
    popen.setdefault("stdout", subprocess.PIPE)
    return subprocess.run(
        [str(WORKER), *words],
        env=environment(**(variables or {})),
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        timeout=60 * PATIENCE,
        check=False,
        **popen,
    )


def read_report(text: str) -> Dict[str, str]:
    """The values of a report, which must be whole."""
    lines = text.split("\n")
    assert lines[0] == "growbench-report 1"
    assert lines[-2:] == ["end", ""]
    values = [line.split(" ", 1) for line in lines[1:-2]]
    assert len(dict(values)) == len(values), "no value stands there twice"
    return dict(values)


# ---- as a Google Benchmark program ----


def test_it_lists_its_benchmarks():
    done = worker("--benchmark_list_tests")
    names = done.stdout.splitlines()

    assert done.returncode == EXIT_DONE, done.stderr
    assert "c/realloc_doubling/rows:10000/row_bytes:80" in "\n".join(names)
    assert len({name.split("/")[1] for name in names}) == len(STRATEGIES)
    assert len(set(names)) == len(names) > 40


def test_those_that_are_filtered_run_and_are_printed_as_json():
    words = ("--benchmark_filter=rows:10/", "--benchmark_format=json")
    listed = worker(words[0], "--benchmark_list_tests").stdout.splitlines()
    done = worker(*words, "--benchmark_min_time=0.001")
    benchmarks = json.loads(done.stdout)["benchmarks"]

    assert done.returncode == EXIT_DONE, done.stderr
    assert len(listed) == len(STRATEGIES)
    assert [benchmark["name"] for benchmark in benchmarks] == listed
    for benchmark in benchmarks:
        assert "error_occurred" not in benchmark or not benchmark["error_occurred"]
        assert benchmark["iterations"] > 0
        assert benchmark["real_time"] > 0


def test_it_does_not_alarm_anybody_with_how_the_library_was_built():
    done = worker("--benchmark_filter=chunked_list/rows:10/", "--benchmark_min_time=0.001")

    assert done.returncode == EXIT_DONE
    assert "DEBUG" not in done.stdout + done.stderr


def test_an_unknown_benchmark_option_is_refused():
    done = worker("--benchmark_filtre=x")

    assert done.returncode not in (EXIT_DONE, None)
    assert "--benchmark_filtre=x" in done.stdout + done.stderr


# ---- a report ----


@real_allocators
@pytest.mark.parametrize("name", LIBRARIES)
def test_under_each_allocator_it_reports_that_library_and_all_figures(name):
    needs(name)
    variables = {} if name == "glibc" else {"LD_PRELOAD": library(name)}
    done = worker(*CELL, "--iterations=5000", "--values=3", variables=variables)
    report = read_report(done.stdout)

    assert done.returncode == EXIT_DONE, done.stderr
    assert report["status"] == "ok"
    assert report["allocator_path"] == library(name)
    figures = set(FIGURES)
    if "huge_fault_unknown_reason" in report:
        figures = figures - HUGE_FAULTS | {"huge_fault_unknown_reason"}
    if "hardware_uncounted_reason" in report:
        figures |= {"hardware_uncounted_reason"}
    else:
        figures |= {"cold_hardware_instruction_count", "warm_hardware_instruction_count"}
    assert set(report) == {*figures, *IDENTITY, "status"}
    assert (report["warm_iteration_count"], report["warm_value_count"]) == ("5000", "3")
    assert re.fullmatch("0x[0-9a-f]{16}", report["checksum"])


@real_allocators
def test_a_library_that_the_loader_ignores_is_not_reported(tmp_path):
    done = worker(*CELL, variables={"LD_PRELOAD": str(tmp_path / "missing.so")})

    assert done.returncode == EXIT_DONE, "the loader only warns"
    assert "missing.so" in done.stderr
    assert read_report(done.stdout)["allocator_path"] == libc_path()


def test_all_strategies_and_threads_build_the_same_rows_and_other_sizes_others():
    names = {line.split("/")[1] for line in worker("--benchmark_list_tests").stdout.splitlines()}
    assert len(names) == len(STRATEGIES)

    def checksum(name, rows, *words):
        done = worker("measure", f"--strategy={name}", f"--rows={rows}", *words)
        report = read_report(done.stdout)
        assert report["status"] == "ok", done.stdout
        return report["checksum"]

    others = {name for name in names if name.split(":")[0] in OTHER_ROWS}
    sums = {checksum(name, 100) for name in names - others}
    assert len(sums) == 1
    assert {"prepend", "text_lines:source"} <= others
    assert len({checksum(name, 100) for name in others} | sums) == len(others) + 1
    assert {checksum("chunked_list", 100, "--threads=3")} == sums
    assert checksum("chunked_list", 101) not in sums
    assert checksum("chunked_list", 100, "--row-bytes=72") not in sums
    assert checksum("chunked_list", 100, "--work=random") not in sums


def test_without_iterations_there_is_no_warm_part():
    report = read_report(worker(*CELL, "--iterations=0").stdout)

    assert report["status"] == "ok"
    assert [name for name in report if name.startswith("warm_")] == []
    assert int(report["cold_build_ns"]) > 0


def test_the_report_goes_to_the_descriptor_that_was_asked_for():
    reading, writing = os.pipe()
    try:
        done = worker(*CELL, f"--report-fd={writing}", pass_fds=(writing,))
    finally:
        os.close(writing)
    with os.fdopen(reading) as pipe:
        report = read_report(pipe.read())

    assert (done.returncode, done.stdout) == (EXIT_DONE, "")
    assert report["status"] == "ok"


def test_a_report_that_cannot_be_written_is_a_failure():
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = worker(*CELL, stdout=full)

    assert done.returncode == EXIT_FAILED
    assert "the report could not be written" in done.stderr


def test_nothing_is_built_for_a_reader_that_has_gone():
    # Its runner was killed before the worker could ask to be told of that.
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = worker(
            "latency", *CELL[1:2], "--rows=1G", f"--report-fd={writing}", pass_fds=(writing,)
        )
    finally:
        os.close(writing)

    assert (done.returncode, done.stdout) == (EXIT_USAGE, "")
    assert "nobody reads the report" in done.stderr


def test_the_resolution_of_peak_readings_is_reported():
    report = read_report(worker("resolution").stdout)

    assert report["status"] == "ok"
    assert "peak_resolution_bytes" in report or "status_detail" in report
    assert 0 < int(report.get("peak_resolution_bytes", "1")) < 4 << 20


# A sanitizer needs more address space than such a limit leaves.
@real_allocators
@pytest.mark.skipif(EMULATED, reason="an emulator holds its programs to no limit of address space")
def test_memory_that_runs_out_is_a_status_and_no_crash():
    limit = 256 << 20
    done = worker(
        "measure",
        "--strategy=preallocate_then_fill",
        "--rows=1e6",
        "--row-bytes=512",
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)),
    )
    report = read_report(done.stdout)

    assert done.returncode == EXIT_DONE
    assert report["status"] == "out_of_memory"
    assert "cold_build_ns" not in report


# ---- behind the interposer ----


def identity(preload: str):
    """The report of a worker with that in LD_PRELOAD."""
    return read_report(worker("resolution", variables={"LD_PRELOAD": preload}).stdout)


@real_allocators
@pytest.mark.parametrize("name", LIBRARIES)
def test_a_worker_looks_through_the_interposer(name):
    needs(name)
    behind = "" if name == "glibc" else library(name)
    traced = identity(f"{INTERPOSER}:{behind}")
    plain = identity(behind)

    assert traced["allocator_path"] == library(name)
    for column in ("status", "allocator_path", "allocator_version", "allocator_build_id"):
        assert traced[column] == plain[column]


@real_allocators
def test_an_allocator_in_front_of_the_interposer_is_refused():
    needs("jemalloc")
    report = identity(f"{library('jemalloc')}:{INTERPOSER}")

    assert report["status"] == "wrong_allocator"
    assert "jemalloc" in report["status_detail"]
    assert "LD_PRELOAD" in report["status_detail"]
    assert "allocator_path" not in report


# ---- arguments ----

BAD = [
    (["measur"], ["unknown pass 'measur'", "mean 'measure'"]),
    (["measure"], ["--strategy and --rows are needed"]),
    (["measure", "--strategy=chunked_list"], ["--strategy and --rows are needed"]),
    (["measure", "--rows=10"], ["--strategy and --rows are needed"]),
    (["measure", "--strategy=vector", "--rows=10"], ["unknown strategy 'vector'", "list"]),
    ([*CELL, "--rows=0"], ["--rows: '0' is zero"]),
    ([*CELL, "--rows=1e99"], ["--rows: '1e99' is too large"]),
    ([*CELL, "--row-bytes=-1"], ["--row-bytes: '-1' is not a whole number"]),
    ([*CELL, "--threads=0"], ["--threads: 0 threads"]),
    ([*CELL, "--threads=4097"], ["--threads: '4097' is more than 4096"]),
    ([*CELL, "--values=0"], ["--values: 0 values"]),
    ([*CELL, "--values=1e9"], ["--values: '1e9' is not a whole number"]),
    ([*CELL, "--iterations=99999999999999999"], ["--iterations", "is more than"]),
    ([*CELL, "--work=hard"], ["work 'hard'", "cheap, random"]),
    ([*CELL, "--cpus=x"], ["x"]),
    ([*CELL, "--cpus=999999"], ["999999"]),
    ([*CELL, "--report-fd=99"], ["descriptor 99 is not open"]),
    ([*CELL, "--fast"], ["unknown option", "--help"]),
    ([*CELL, "--rows"], ["missing value", "--help"]),
    ([*CELL, "more"], ["'more' is one word too many"]),
]


@pytest.mark.parametrize(("words", "parts"), BAD, ids=[" ".join(words) for words, _ in BAD])
def test_bad_arguments_are_refused_with_a_message(words, parts):
    done = worker(*words)

    assert done.returncode == EXIT_USAGE
    assert done.stdout == ""
    assert done.stderr.startswith("growbench-worker: ")
    assert done.stderr.count("\n") == 1
    for part in parts:
        assert part in done.stderr
