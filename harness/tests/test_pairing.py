"""Two workers at once: growbench run --pairing duet."""

import os
import shutil

import pytest
from conftest import EXIT_UNMEASURED, EXIT_USAGE, SANITIZED

TWO = (
    "--pairing=duet",
    "--allocator=base=glibc",
    "--allocator=new=glibc",
    "--allocators=base,new",
    "--strategies=realloc_doubling",
    "--seed=1",
)
# Ends only when its partner has said something, or has ended; what it heard is logged.
MEETS = r"""
    [ -n "$GROWBENCH_PARTNER_FD" ] || { honest; exit; }
    trap "" PIPE
    echo hello >&4
    if read -r heard <&4; then echo "$heard" >>"$here/heard"; fi
    honest
"""
two_cpus = pytest.mark.skipif(
    len(os.sched_getaffinity(0)) < 2, reason="a duet needs two CPUs, and there is one"
)


def in_pairs(rows):
    return list(zip(rows[::2], rows[1::2]))


@two_cpus
def test_pairs_run_at_once_on_two_cpus_which_they_swap(growbench, stand_in):
    worker = stand_in(measure=MEETS)
    run = growbench.run(*TWO, worker.option, "--rows=10,20", "--rounds=4")
    # Each could hear the other: both were alive.
    assert (worker.folder / "heard").read_text().split() == ["hello"] * 16
    assert run.machine["run"]["pairing"] == "duet"
    assert len(run.machine["run"]["worker_cpus"]) == 2
    cpus = list(map(str, run.machine["run"]["worker_cpus"]))
    firsts = []
    for first, second in in_pairs(run.rows):
        assert {first["allocator"], second["allocator"]} == {"base", "new"}
        assert first["rows"] == second["rows"] and first["round"] == second["round"]
        assert [first["cpu"], second["cpu"]] == cpus
        firsts.append((first["rows"], first["allocator"]))
    # Each side is on each CPU in half of the rounds, for each size.
    assert all(firsts.count((rows, name)) == 2 for rows in ("10", "20") for name in ("base", "new"))


@two_cpus
@pytest.mark.skipif(SANITIZED, reason="a sanitizer's own allocator stands in front of the worker's")
def test_real_workers_meet_and_all_else_runs_alone(growbench):
    run = growbench.run(*TWO, "--rows=1k", "--rounds=3", "--passes=measure,trace,probe")
    measured = [row for row in run.rows if row["pass"] == "measure"]
    assert len(measured) == 6 and {row["status"] for row in run.rows} == {"ok"}
    assert all(a["cpu"] != b["cpu"] for a, b in in_pairs(measured))
    assert len({row["cpu"] for row in run.rows if row["pass"] != "measure"}) == 1


def test_without_a_word_workers_run_one_at_a_time(growbench, stand_in):
    worker = stand_in(measure=MEETS)
    run = growbench.run(*TWO[1:], worker.option, "--rows=10", "--rounds=2")
    assert not (worker.folder / "heard").exists()
    assert run.machine["run"]["pairing"] == "interleaved"
    assert len({row["cpu"] for row in run.rows}) == 1


@two_cpus
def test_one_that_ends_early_keeps_nobody_waiting(growbench, stand_in):
    worker = stand_in(measure='[ -n "$SIDE" ] && exit 7\n' + MEETS)
    words = [word.replace("new=glibc", "new=glibc,SIDE=new") for word in TWO]
    run = growbench.run(*words, worker.option, "--rows=10", "--rounds=3", ends=EXIT_UNMEASURED)
    status = {(row["allocator"], row["status"]) for row in run.rows}
    assert status == {("new", "exited"), ("base", "ok")}


@two_cpus
def test_a_missing_side_leaves_the_other_alone(growbench, stand_in):
    worker = stand_in(measure=MEETS)
    words = [word.replace("new=glibc", "new=/nowhere/lib.so") for word in TWO]
    run = growbench.run(*words, worker.option, "--rows=10", "--rounds=2", ends=EXIT_UNMEASURED)
    assert [row["status"] for row in run.rows if row["allocator"] == "base"] == ["ok", "ok"]
    assert {row["status"] for row in run.rows if row["allocator"] == "new"} == {"unavailable"}
    assert not (worker.folder / "heard").exists()


@two_cpus
@pytest.mark.parametrize("kept", [0, 1, 4, 5])
def test_a_torn_pair_is_made_again_and_no_row_comes_twice(growbench, stand_in, out, kept):
    worker = stand_in(measure=MEETS)
    whole = growbench.run(*TWO, worker.option, "--rows=10", "--rounds=4").rows
    lines = (out / "runs.csv").read_text().splitlines(keepends=True)
    (out / "runs.csv").write_text("".join(lines[: 1 + kept]))
    (worker.folder / "heard").unlink()
    again = growbench.resume().rows
    assert [(row["position"], row["allocator"], row["cpu"]) for row in again] == [
        (row["position"], row["allocator"], row["cpu"]) for row in whole
    ]
    # Whoever was missing had company.
    heard = (worker.folder / "heard").read_text().split()
    assert len(heard) == 2 * ((8 - kept + 1) // 2)


@pytest.mark.skipif(shutil.which("taskset") is None, reason="there is no taskset")
@pytest.mark.parametrize("words", [TWO, (*TWO, "--threads=1,2")])
def test_too_few_cpus_are_refused_with_the_reason(growbench, stand_in, words):
    cpus = sorted(os.sched_getaffinity(0))[: 3 if "--threads=1,2" in words else 1]
    only = ["taskset", "-c", ",".join(map(str, cpus))]
    done = growbench("run", "--out=out", *words, stand_in().option, "--rows=10", before=only)
    assert done.returncode == EXIT_USAGE
    assert "--pairing duet: two workers at once need" in done.stderr
    assert not (growbench.folder / "out").exists()


@two_cpus
def test_the_plan_of_a_duet_stands_in_pairs(growbench):
    lines = growbench.plan(*TWO, "--rows=10", "--rounds=2", "--passes=measure")
    assert [line["allocator"] for line in lines] in (
        ["base", "new", "new", "base"],
        ["new", "base", "base", "new"],
    )
