"""Bad input: exit status 2, one message that helps, and nothing written."""

import pytest
from conftest import EXIT_DONE, EXIT_USAGE, ONE_CELL, STRATEGIES


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
COMMANDS = "run, list, plan, doctor, peak"

# The grammar of each option is test_request.c's and test_text.c's: these come to the person.
BAD = [
    (["--strategies=realloc_dubling"], ["strategy 'realloc_dubling'", "mean 'realloc_doubling'"]),
    (["--strategies=vector"], ["strategy 'vector'", VALID]),
    (["--strategies=chunked_list,,realloc_x1.5"], ["strategy ''", VALID]),
    (["--strategies=Chunked_List"], ["mean 'chunked_list'"]),
    (["--strategies=realloc_factor"], ["needs a factor from 1.001 to 1000", "realloc_factor:1.1"]),
    (["--strategies=realloc_factor:1"], ["'realloc_factor:1'", "a factor from 1.001 to 1000"]),
    (["--strategies=realloc_step:0B"], ["'realloc_step:0B'", "a step from 1 to 2^40"]),
    (["--strategies=realloc_doubling:3"], ["'realloc_doubling' has no parameter", "':3'"]),
    (["--strategies=realloc_facto:2"], ["mean 'realloc_factor'"]),
    (["--strategies=realloc_factor:1.1..2"], ["is not a range", "FIRST..LAST/COUNT"]),
    (["--strategies=realloc_factor:2..1.5/3"], ["a range ascends", "2 to 1000 values"]),
    (["--strategies=realloc_factor:1.1..2/99999"], ["a range ascends", "2 to 1000 values"]),
    (["--strategies=realloc_step:9B..9rows/3"], ["a range ascends, in one unit"]),
    (["--allocators="], ["allocator ''", "glibc, jemalloc, mimalloc, tcmalloc, tbbmalloc, scudo"]),
    (["--allocator=x="], ["allocator ''", "glibc, jemalloc, mimalloc, tcmalloc, tbbmalloc, scudo"]),
    (["--allocator=jemalloc"], ["NAME=BASE", "my=/opt/lib/libmy.so"]),
    ([f"--allocator={'x' * 41}=jemalloc"], ["NAME=BASE", "at most 40"]),
    (["--allocator=x=glibc,LD_PRELOAD=/lib/y.so"], ["LD_PRELOAD", "x=/path/lib.so"]),
    (["--allocator=x=glibc@none"], ["--allocator x: there is no build none", "folder of a build"]),
    (["--preset=quik"], ["preset 'quik'", "mean 'quick'", "quick, default, full"]),
    (["--work=rndom"], ["work 'rndom'", "mean 'random'", "cheap, random"]),
    (["--passes=trance"], ["unknown pass 'trance'", "mean 'trace'"]),
    (["--ou=x"], ["unknown option '--ou'", "mean --out?"]),
    (["--ro", "10"], ["unknown option '--ro'"]),
    (["--overwrit"], ["unknown option '--overwrit'", "mean --overwrite?"]),
    (["--rows"], ["--rows needs a value"]),
    (["--quiet=1"], ["--quiet takes no value"]),
    (["quick"], ["'quick' is one word too many"]),
    (["--resume="], ["--resume: the folder's name is empty"]),
    (["--rows=0"], ["--rows: '0'", "zero; give 1 or more"]),
    (["--rows=10;100"], ["--rows: '10;100'", "not a whole number"]),
    (["--rows=1000,10,1e3"], ["--rows: '1e3' is given twice"]),
    (["--row-bytes=0e5"], ["--row-bytes: '0e5'", "zero; give 1 or more"]),
    (["--threads=1e99"], ["--threads: '1e99'", "too large"]),
    (["--rounds=1.5"], ["--rounds: '1.5'", "not a whole number"]),
    (["--rounds=10001"], ["--rounds: '10001' is too large; the most is 10000"]),
    (["--budget=0"], ["--budget: '0'", "zero; give 1 or more"]),
    (["--timeout=inf"], ["--timeout: 'inf'", "not a whole number"]),
    (["--seed=1e3"], ["--seed: '1e3'", "from 0 to 18446744073709551615"]),
    (["--cpu=60000"], ["CPU"]),
    (["--rows=1e10", "--row-bytes=1e10"], ["more than can be addressed", "--rows"]),
    (
        ["--rows=1e9", "--row-bytes=1e9", "--threads=1k"],
        ["more than can be addressed", "--rows"],
    ),
    ([f"--out={'x/' * 2500}"], ["the folder's name is longer"]),
    (["--worker=mine=/no/such/program"], ["no such program"]),
    (["--worker=mine='open"], ["--worker mine"]),
    (["--worker=numpy=true"], ["one of ours"]),
]


@pytest.mark.parametrize(("words", "parts"), BAD, ids=[" ".join(words)[:60] for words, _ in BAD])
def test_a_bad_word_is_refused_with_what_is_valid(growbench, words, parts):
    refuse(growbench, ["run", "--out=out", *words], *parts)


@pytest.mark.parametrize("command", ["plan", "list", "doctor", "peak"])
def test_every_command_refuses_what_run_refuses(growbench, command):
    refuse(growbench, [command, "--timeout=1e99"], "--timeout: '1e99' is too large")
    refuse(growbench, [command, "--allocators=jemaloc"], "mean 'jemalloc'")
    refuse(growbench, [command, "--allocator=x=glibc@none"], "--allocator x: there is no build")
    if command != "plan":
        refuse(growbench, [command, "--rows=10"], f"growbench {command} takes no --rows")


def test_an_unknown_command_is_refused_with_the_nearest(growbench):
    refuse(growbench, ["doctr"], "command 'doctr'", "mean 'doctor'", COMMANDS)
    for word in ("measure", "--verbose", ""):
        refuse(growbench, [word], f"command '{word}'", COMMANDS)


def test_without_out_a_bad_word_leaves_no_results_folder(growbench):
    refuse(growbench, ["run", "--rows=0"], "--rows")
    refuse(growbench, ["run", "--overwrite"], "--overwrite needs --out")


def test_a_worker_that_cannot_be_executed_is_refused(growbench):
    plain = growbench.folder / "plain"
    plain.write_text("#!/bin/sh\n")
    (growbench.folder / "folder").mkdir()

    for name in ("missing", "plain", "folder"):
        refuse(growbench, ["run", f"--worker={name}"], f"--worker: {name} cannot be executed")
    refuse(
        growbench, ["run", "--allocator=x=glibc@folder"], "x: ", "folder has no growbench-worker"
    )


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


@pytest.mark.parametrize("text", ["20", "2e1", "00020"])
def test_the_same_number_may_be_written_in_many_ways(growbench, stand_in, text):
    done = growbench.run(*ONE_CELL, stand_in().option, "--rows", text)

    assert [row["rows"] for row in done.rows] == ["20"]


def test_help_is_given_whatever_else_was_asked(growbench):
    done = growbench("run", "--help", "--out=out", "--rows=0")

    assert done.returncode == EXIT_DONE
    assert done.stdout.startswith("usage: growbench run")
    assert sorted(growbench.folder.rglob("*")) == []
