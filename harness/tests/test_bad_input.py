"""Bad input: exit status 2, one message that helps, and nothing written."""

import os
from pathlib import Path

import pytest
from conftest import EXIT_DONE, EXIT_USAGE, ONE_CELL, STRATEGIES, read_rows


def refuse(growbench, words, *parts):
    """Calls the runner, which must refuse with a message that has all these parts in it."""
    before = sorted(growbench.folder.rglob("*"))
    done = growbench(*words)

    assert done.returncode == EXIT_USAGE, done.stderr
    assert done.stdout == ""
    assert done.stderr.startswith("growbench: ")
    assert done.stderr.count("\n") == 1, "one message, and it is one line"
    for part in parts:
        assert part in done.stderr
    assert sorted(growbench.folder.rglob("*")) == before, "something was written"


VALID = ", ".join(STRATEGIES)
ALLOCATORS = "glibc, jemalloc, mimalloc, tcmalloc, tbbmalloc, scudo"

BAD_NAMES = [
    (["--strategies=realloc_dubling"], ["strategy 'realloc_dubling'", "mean 'realloc_doubling'"]),
    (["--strategies", "vector"], ["strategy 'vector'", VALID]),
    (["--strategies=chunked_list,,realloc_x1.5"], ["strategy ''", VALID]),
    (["--strategies="], ["strategy ''", VALID]),
    (["--strategies=chunked_list,"], ["strategy ''", VALID]),
    (["--strategies=Chunked_List"], ["mean 'chunked_list'"]),
    (["--allocators=jemaloc"], ["allocator 'jemaloc'", "mean 'jemalloc'", ALLOCATORS]),
    (["--allocators=windows"], ["allocator 'windows'", ALLOCATORS]),
    (["--allocators="], ["allocator ''", ALLOCATORS]),
    (["--allocator=x=jemallok"], ["allocator 'jemallok'", "mean 'jemalloc'", ALLOCATORS]),
    (["--allocator=x="], ["allocator ''", ALLOCATORS]),
    (["--allocator=jemalloc"], ["NAME=BASE", "my=/opt/lib/libmy.so"]),
    (["--allocator==jemalloc"], ["NAME=BASE"]),
    (["--allocator=a b=jemalloc"], ["NAME=BASE"]),
    (["--allocator=a,b=jemalloc"], ["NAME=BASE"]),
    ([f"--allocator={'x' * 41}=jemalloc"], ["NAME=BASE", "at most 40"]),
    (["--allocator=glibc=jemalloc"], ["glibc: the name is taken"]),
    (["--allocator=x=jemalloc", "--allocator=x=glibc"], ["x: the name is taken"]),
    (["--allocator=x=glibc,LD_PRELOAD=/lib/y.so"], ["LD_PRELOAD", "x=/path/lib.so"]),
    (["--preset=fast"], ["preset 'fast'", "quick, default, full"]),
    (["--preset=quik"], ["mean 'quick'", "quick, default, full"]),
    (["--work=rndom"], ["work 'rndom'", "mean 'random'", "cheap, random"]),
]

BAD_WORDS = [
    (["--alocators=glibc"], ["unknown option '--alocators'", "mean --allocators?"]),
    (["--rounds=3", "--zzzzzzzzzz"], ["unknown option '--zzzzzzzzzz'", "--help shows"]),
    (["--ou=x"], ["unknown option '--ou'", "mean --out?"]),
    (["--ro", "10"], ["unknown option '--ro'"]),
    (["--overwrit"], ["unknown option '--overwrit'", "mean --overwrite?"]),
    (["-x"], ["unknown option '-x'", "--help shows"]),
    (["--rows"], ["--rows needs a value"]),
    (["--quiet=1"], ["--quiet takes no value"]),
    (["quick"], ["'quick' is one word too many"]),
    (["--out="], ["--out: the folder's name is empty"]),
    (["--resume="], ["--resume: the folder's name is empty"]),
]

# What no count may be.
BAD_COUNTS = [
    ("0", "zero; give 1 or more"),
    ("0e5", "zero; give 1 or more"),
    ("-1", "not a whole number"),
    ("+1", "not a whole number"),
    ("1.5", "not a whole number"),
    ("ten", "not a whole number"),
    ("", "not a whole number"),
    (" 10", "not a whole number"),
    ("10 ", "not a whole number"),
    ("0x10", "not a whole number"),
    ("1e", "not a whole number"),
    ("1e-1", "not a whole number"),
    ("10K", "not a whole number"),
    ("inf", "not a whole number"),
    ("1e99", "too large"),
    ("18446744073709551616", "too large"),
    ("99999999999999999999999999", "too large"),
    ("1e18446744073709551617", "too large"),
]

BAD_NUMBERS = [
    *(
        ([f"{option}={text}"], [f"{option}: '{text}'", reason])
        for option in ("--rows", "--row-bytes", "--threads", "--rounds", "--budget", "--timeout")
        for text, reason in BAD_COUNTS
    ),
    (["--rows=10,10"], ["--rows: '10' is given twice"]),
    (["--rows=1000,10,1e3"], ["--rows: '1e3' is given twice"]),
    (["--rows=10,"], ["--rows: ''", "not a whole number"]),
    (["--rows=10;100"], ["--rows: '10;100'", "not a whole number"]),
    (["--threads=4097"], ["--threads: more than 4096"]),
    (["--rounds=10001"], ["--rounds: '10001' is too large; the most is 10000"]),
    (["--timeout=86401"], ["--timeout: '86401' is too large; the most is 86400"]),
    (["--seed=-1"], ["--seed: '-1'", "from 0 to 18446744073709551615"]),
    (["--seed="], ["--seed: ''"]),
    (["--seed=1e3"], ["--seed: '1e3'"]),
    (["--seed=18446744073709551616"], ["--seed"]),
    (["--cpu=99999"], ["--cpu: '99999' is too large"]),
    (["--cpu=x"], ["--cpu: 'x'"]),
]


def ids(cases):
    return [" ".join(words) for words, _ in cases]


@pytest.mark.parametrize(("words", "parts"), BAD_NAMES, ids=ids(BAD_NAMES))
def test_an_unknown_name_is_refused_with_the_nearest_or_all_valid_ones(growbench, words, parts):
    refuse(growbench, ["run", "--out=out", *words], *parts)


@pytest.mark.parametrize(("words", "parts"), BAD_WORDS, ids=ids(BAD_WORDS))
def test_words_that_are_no_options_are_refused(growbench, words, parts):
    refuse(growbench, ["run", "--out=out", *words], *parts)


@pytest.mark.parametrize(("words", "parts"), BAD_NUMBERS, ids=ids(BAD_NUMBERS))
def test_a_number_out_of_range_is_refused_with_what_is_valid(growbench, words, parts):
    refuse(growbench, ["run", "--out=out", *words], *parts)


@pytest.mark.parametrize("command", ["plan", "list", "doctor", "peak"])
def test_every_command_refuses_what_run_refuses(growbench, command):
    refuse(growbench, [command, "--timeout=1e99"], "--timeout: '1e99' is too large")
    refuse(growbench, [command, "--allocators=jemaloc"], "mean 'jemalloc'")


@pytest.mark.parametrize("command", ["list", "doctor", "peak"])
def test_an_option_of_another_command_is_refused(growbench, command):
    refuse(growbench, [command, "--rows=10"], f"growbench {command} takes no --rows")


def test_sizes_whose_product_overflows_are_refused(growbench):
    for words in (
        ["--rows=1e10", "--row-bytes=1e10"],
        ["--rows=1e9", "--row-bytes=1e9", "--threads=1k"],
        ["--rows=18446744073709551615", "--row-bytes=1"],
    ):
        refuse(growbench, ["run", "--out=out", *words], "more than can be addressed", "--rows")


def test_an_unknown_command_is_refused_with_the_nearest(growbench):
    refuse(
        growbench, ["doctr"], "command 'doctr'", "mean 'doctor'", "run, list, plan, doctor, peak"
    )
    refuse(growbench, ["measure"], "command 'measure'", "run, list, plan, doctor, peak")
    refuse(growbench, ["--verbose"], "command '--verbose'", "run, list, plan, doctor, peak")
    refuse(growbench, [""], "command ''", "run, list, plan, doctor, peak")


def test_without_out_a_bad_word_leaves_no_results_folder(growbench):
    refuse(growbench, ["run", "--rows=0"], "--rows")
    refuse(growbench, ["run", "--worker=/no/such/worker"], "--worker")


def test_a_cpu_that_is_not_there_is_refused(growbench):
    refuse(growbench, ["run", "--out=out", f"--cpu={os.cpu_count() + 4000}"], "CPU")


def test_a_worker_that_cannot_be_executed_is_refused(growbench):
    plain = growbench.folder / "plain"
    plain.write_text("#!/bin/sh\n")
    (growbench.folder / "folder").mkdir()

    for name in ("missing", "plain", "folder"):
        refuse(
            growbench,
            ["run", "--out=out", f"--worker={name}"],
            f"--worker: {name} cannot be executed",
        )


def test_overwrite_without_out_is_refused(growbench):
    refuse(growbench, ["run", "--overwrite"], "--overwrite needs --out")


def test_resume_of_what_is_no_run_is_refused(growbench):
    (growbench.folder / "empty").mkdir()
    (growbench.folder / "file").write_text("x")
    broken = growbench.folder / "broken"
    broken.mkdir()
    (broken / "runs.csv").write_text("")
    (broken / "machine.json").write_text('{"run": ')

    for name in ("missing", "empty", "file"):
        refuse(growbench, ["run", f"--resume={name}"], f"{name}/runs.csv", "a run's folder?")
    refuse(growbench, ["run", "--resume=broken"], "broken/machine.json", "a run's folder?")


def test_a_folder_s_name_that_is_too_long_is_refused(growbench):
    refuse(growbench, ["run", f"--out={'x/' * 2500}"], "the folder's name is longer")


@pytest.mark.parametrize("text", ["20", "2e1", "00020"])
def test_the_same_number_may_be_written_in_many_ways(growbench, stand_in, text):
    done = growbench("run", "--out=out", *ONE_CELL, "--rounds=1", stand_in().option, "--rows", text)

    assert done.returncode == EXIT_DONE, done.stderr
    assert [row["rows"] for row in read_rows(Path(growbench.folder / "out"))] == ["20"]


def test_help_is_given_whatever_else_was_asked(growbench):
    done = growbench("run", "--help", "--out=out", "--rows=0")

    assert done.returncode == EXIT_DONE
    assert done.stdout.startswith("usage: growbench run")
    assert sorted(growbench.folder.rglob("*")) == []
