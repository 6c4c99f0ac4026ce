"""Allocators on a heap that is not fresh: growbench run --aged."""

import subprocess

import pytest
from conftest import EXIT_USAGE, EXIT_WORKERS, SANITIZED, WORKER, Growbench, environment

RUN = (
    "--strategies=realloc_doubling,arrays_in_turn:8",
    "--implementations=c",
    "--allocators=glibc",
    "--rows=10k",
    "--aged=7",
    "--seed=1",
)
pytestmark = pytest.mark.skipif(
    SANITIZED, reason="a sanitizer's own allocator stands in front of the worker's"
)


def by_allocator(rows, **of):
    """The one row of each allocator, of those that are so."""
    chosen = [row for row in rows if all(row[name] == value for name, value in of.items())]
    assert len(chosen) == 2, of
    return {row["allocator"]: row for row in chosen}


@pytest.fixture(scope="module", name="rows")
def _rows(tmp_path_factory):
    growbench = Growbench(tmp_path_factory.mktemp("aged"))
    return growbench.run(*RUN, "--rounds=1", "--passes=measure,trace,latency").rows


def test_each_allocator_is_measured_fresh_and_aged(rows):
    assert {row["status"] for row in rows} == {"ok"}
    seeds = {(row["allocator"], row["allocator_aged_seed"]) for row in rows}
    assert seeds == {("glibc", ""), ("glibc-aged", "7")}


@pytest.mark.parametrize("strategy", ["realloc_doubling", "arrays_in_turn:8"])
def test_what_aged_the_heap_is_in_no_count(rows, strategy):
    traces = by_allocator(rows, strategy=strategy, **{"pass": "trace"})
    counted = ("malloc", "calloc", "realloc", "free", "release_free")
    of_closed_forms = [f"{name}_count" for name in counted]
    of_closed_forms += ["peak_requested_bytes", "end_requested_bytes", "strategy_copied_bytes"]
    of_closed_forms += ["leaked_bytes", "checksum"]
    for name in of_closed_forms:
        assert traces["glibc"][name] == traces["glibc-aged"][name] != "", name
    # 1, 2, ..., 16384 rows of one array; 1, ..., 2048 of each of eight.
    reallocs = {"realloc_doubling": 15, "arrays_in_turn:8": 8 * 12}[strategy]
    assert int(traces["glibc-aged"]["realloc_count"]) == reallocs
    assert traces["glibc-aged"]["leaked_bytes"] == "0"
    # In an old heap somebody is behind the array.
    place = {name: int(row["realloc_in_place_count"]) for name, row in traces.items()}
    assert place["glibc-aged"] != place["glibc"]


@pytest.mark.parametrize("strategy", ["realloc_doubling", "arrays_in_turn:8"])
def test_what_stays_is_in_no_peak(rows, strategy):
    measured = by_allocator(rows, strategy=strategy, **{"pass": "measure"})
    if measured["glibc"]["peak_memory_bytes"] == "":
        pytest.skip("this system does not let a process reset its peak")
    before = {name: int(row["rss_before_bytes"]) for name, row in measured.items()}
    # Half of 32,768 blocks of 192 bytes on average are 3 MB.
    assert before["glibc-aged"] - before["glibc"] > 2_000_000
    for row in measured.values():
        assert int(row["peak_memory_bytes"]) < 2 * 16384 * 80


def test_the_same_seed_gives_the_same_heap(growbench):
    exact = ("realloc_in_place_count", "realloc_moved_count", "realloc_moved_bytes")
    exact += ("peak_usable_bytes", "end_usable_bytes", "release_free_count")
    runs = [growbench.run(*RUN, "--passes=trace", into=into) for into in ("one", "same")]
    one, same = (
        sorted(tuple(row[name] for name in ("strategy", "allocator", *exact)) for row in run.rows)
        for run in runs
    )
    assert one == same
    told = {each["name"]: each["environment"] for each in runs[0].machine["allocators"]}
    assert told == {"glibc": [], "glibc-aged": ["GROWBENCH_AGED=7"]}


def test_each_thread_ages_its_own(growbench):
    run = growbench.run(*RUN, "--threads=2", "--rounds=1", "--passes=measure,trace")
    assert {row["status"] for row in run.rows} == {"ok"}


def test_a_worker_that_does_not_know_of_it_is_refused(growbench, stand_in):
    run = growbench.run(*RUN, stand_in().option, "--rounds=1", ends=EXIT_WORKERS)
    status = {(row["allocator"], row["status"]) for row in run.rows if row["pass"] == "measure"}
    assert status == {("glibc", "ok"), ("glibc-aged", "wrong_allocator")}
    [detail] = {row["status_detail"] for row in run.rows if row["status"] == "wrong_allocator"}
    assert "heap is fresh, not aged" in detail and "GROWBENCH_AGED" in detail


def test_by_hand_a_seed_that_is_none_is_refused():
    ended = subprocess.run(
        [WORKER, "measure", "--strategy=prepend", "--rows=10"],
        env=environment(GROWBENCH_AGED="old"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == EXIT_USAGE and ended.stdout == ""
    assert "GROWBENCH_AGED: 'old' is not a whole number" in ended.stderr
