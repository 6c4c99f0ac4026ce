"""Requested means required: what was named and could not be measured ends in a status of its own.

What each of these catches: a requirement that is not made of an option, is made of a preset, is met
by a row that has no figures, is lost by --resume, or is not told with its reason.
"""

import re
from pathlib import Path

import pytest
from conftest import (
    EXIT_DONE,
    EXIT_UNMEASURED,
    EXIT_WORKERS,
    ONE_CELL,
    grown,
    real_allocators,
)

GHOST = "--allocator=ghost=/no/such/lib.so"
FAST = ("--rows=10", "--rounds=1", "--seed=1", "--quiet")
SMALL = ("--strategies=chunked_list", "--allocators=glibc", *FAST)
IS_MISSING = "/no/such/lib.so cannot be preloaded: No such file or directory"


def told(done) -> list:
    """What is told of what was named."""
    return [
        line for line in done.stderr.splitlines() if re.search("not one row|has no row of", line)
    ]


# ---- each option that names something ----


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (["--strategies=chunked_list", GHOST, "--allocators=ghost,glibc"], "--allocators ghost"),
        (["--strategies=chunked_list", GHOST], "--allocator ghost"),
        (
            ["--strategies=chunked_list", "--implementations=c,x", "--worker=x=false"],
            "--implementations x",
        ),
        (["--worker=x=false", "--strategies=chunked_list"], "--worker x"),
        # No container of C++ has rows of 7 bytes.
        (
            ["--strategies=std_vector", "--row-bytes=7,8", "--allocators=glibc"],
            "--row-bytes 7",
        ),
        (
            ["--strategies=std_vector", "--shapes=10x7,10x8", "--allocators=glibc"],
            "--shapes 10x7",
        ),
        (
            ["--strategies=chunked_list", "--shapes=10x8,1e12x8", "--allocators=glibc"],
            "--shapes 1000000000000x8",
        ),
        # Of its two passes only one has rows of threads, or of so few rows.
        (
            ["--strategies=chunked_list", "--allocators=glibc", "--passes=measure,latency"],
            "--passes latency",
        ),
        (
            ["--strategies=chunked_list,std_vector", "--implementations=c,cpp,glib", "--rows=10"],
            "--implementations glib",
        ),
        (
            ["--strategies=chunked_list,transpose_view", "--passes=measure", "--row-bytes=16"],
            "--strategies transpose_view",
        ),
    ],
)
def test_what_an_option_names_has_to_be_measured(growbench, stand_in, words, what):
    fast = [word for word in FAST if not word.startswith("--rows") or "--shapes" not in str(words)]
    done = growbench.run(*fast, *words, stand_in().option, ends=EXIT_UNMEASURED)

    assert any(line.startswith(f"warning: {what}: ") for line in told(done)), done.stderr
    assert done.stdout == "out\n", "the run is whole"


def test_threads_that_no_worker_can_have_are_told(growbench, stand_in):
    bad = "case \"$*\" in *'--threads 2 '*) exit 1 ;; esac; honest"
    done = growbench.run(
        *SMALL, "--threads=1,2", stand_in(measure=bad).option, ends=EXIT_UNMEASURED
    )

    assert told(done) == [
        "warning: --threads 2: not one row was measured (exited: ended with exit status 1)"
    ]


def test_a_timeline_that_could_not_be_traced_is_told(growbench, stand_in):
    worker = stand_in(other='test "$1" = trace && exit 9\n    honest')
    words = (*SMALL, "--passes=measure,trace", "--timeline=10", worker.option)
    done = growbench.run(*words, ends=EXIT_UNMEASURED)

    assert len(told(done)) == 1, "of one reason in one sentence"
    assert told(done)[0].startswith("warning: --passes trace, --timeline 10: not one row was")


# ---- what is not required ----


@real_allocators
@pytest.mark.parametrize("named", [True, False])
def test_what_only_a_preset_named_stays_a_warning(growbench, stand_in, tmp_path, named):
    # Without NumPy: the interpreter that is asked has no installed packages.
    python = tmp_path / "python"
    python.write_text('#!/bin/sh\nexec /usr/bin/env python3 -S -s -E "$@"\n')
    python.chmod(0o755)
    words = ("--preset=article", "--passes=measure", "--allocators=glibc", "--budget=1", *FAST)
    words += (stand_in().option,) + (("--implementations=c,numpy",) if named else ())
    ends = EXIT_UNMEASURED if named else EXIT_DONE
    done = growbench.run(*words, ends=ends, variables={"PYTHON": str(python)})

    assert "numpy is left out (unavailable)" in done.stderr
    assert len(told(done)) == named
    statuses = {row["implementation"]: row["status"] for row in done.rows}
    assert statuses == {"c": "ok", "numpy": "unavailable"}


def test_one_measured_row_is_enough(growbench, stand_in):
    # Call 1 is the pilot's.
    worker = stand_in(measure="test $call = 3 || exit 9; honest")
    done = growbench.run(*ONE_CELL, "--rounds=4", worker.option, ends=EXIT_WORKERS)

    assert told(done) == []


def test_the_thing_is_required_and_not_each_of_its_cells(growbench, stand_in):
    # std_vector has no rows of 7 bytes, and chunked_list has.
    words = ("--strategies=std_vector,chunked_list", "--row-bytes=7,8", "--allocators=glibc")
    done = growbench.run(*words, *FAST, stand_in().option)

    assert told(done) == []
    assert "unsupported" in {row["status"] for row in done.rows}


def test_a_size_may_be_predicted_and_a_strategy_may_not(growbench, stand_in):
    worker = grown(stand_in, "rows * rows * bytes / 8")
    words = ("--allocators=glibc", "--rounds=2", "--overwrite", worker.option)
    above = ("--rows=10,9000", "--predict-above=1000")

    assert told(growbench.run("--strategies=loop_and_append", *above, *words)) == []
    alone = ("--strategies=loop_and_append", "--rows=9000", "--predict-above=1000")
    (line,) = told(growbench.run(*alone, *words, ends=EXIT_UNMEASURED))
    assert "--strategies loop_and_append: not one row" in line and "--predict-above" in line
    assert "--rows" not in line


def test_sizes_that_are_only_predicted_are_no_run(growbench, stand_in):
    words = ("--implementations=c", "--rows=9000", "--predict-above=1000", "--rounds=1")
    (line,) = told(growbench.run(*words, stand_in().option, ends=EXIT_UNMEASURED))
    assert "not one row was measured" in line and "--predict-above" in line


def test_a_probe_measures_no_allocator(growbench, stand_in):
    words = ("--passes=measure,probe", "--strategies=chunked_list", "--allocators=glibc", *FAST)
    done = growbench.run(*words, stand_in(measure="exit 9").option, ends=EXIT_UNMEASURED)

    rows = done.rows
    assert {row["status"] for row in rows if row["pass"] == "probe"} == {"ok"}
    (line,) = told(done)
    assert "--allocators glibc" in line and "probe" not in line


def test_where_only_probes_are_asked_for_they_measure_the_allocators(growbench, stand_in):
    words = ("--passes=probe", "--allocators=glibc,ghost", GHOST, *SMALL[:1], *FAST)
    done = growbench.run(*words, stand_in().option, ends=EXIT_UNMEASURED)

    assert told(done) == [
        f"warning: --allocators ghost: not one row was measured (unavailable: {IS_MISSING})"
    ]


# ---- a run without a single measured row ----


def test_a_run_of_a_preset_alone_without_a_measured_row_ends_in_the_same_status(
    growbench, stand_in
):
    words = ("--preset=quick", "--rounds=1", "--budget=1", "--quiet", "--timeline=none")
    worker = stand_in(measure="exit 9", other="exit 9")
    done = growbench.run(*words, worker.option, ends=EXIT_UNMEASURED, timeout=120)

    assert any("not one row was measured" in line for line in told(done))


# ---- what is told, when, and again ----


def test_what_the_plan_has_no_rows_of_is_told_before_anything_is_measured(growbench, stand_in):
    words = [word for word in SMALL if word != "--quiet"]
    words = (*words, "--passes=measure,latency", stand_in().option)
    lines = growbench.run(*words, ends=EXIT_UNMEASURED).stderr.splitlines()
    told_at = [i for i, line in enumerate(lines) if "--passes latency: the run has no" in line]
    measured_at = [i for i, line in enumerate(lines) if line.startswith("1 of 1 rows")]
    assert len(told_at) == 2 and told_at[0] < measured_at[0] < told_at[1]


def test_resume_keeps_what_was_named(growbench, stand_in, out):
    words = (*SMALL, GHOST, "--allocators=glibc,ghost", stand_in().option)
    first = growbench.run(*words, ends=EXIT_UNMEASURED)
    rows = (out / "runs.csv").read_bytes().splitlines(keepends=True)

    for kept in range(1, len(rows) + 1):
        (out / "runs.csv").write_bytes(b"".join(rows[:kept]))
        again = growbench.resume("--quiet", ends=EXIT_UNMEASURED)
        assert told(again) == told(first) != []


@real_allocators
def test_peaks_of_an_allocator_that_was_named_have_to_be_read(growbench):
    done = growbench("peak", "--allocators=ghost", GHOST)

    assert done.returncode == EXIT_UNMEASURED
    assert done.stderr == f"growbench: ghost: no peak was read: {IS_MISSING}\n"


def test_every_exit_status_of_the_runner_is_in_its_readme_and_help(growbench):
    readme = (Path(__file__).parents[1] / "README.md").read_text()
    table = readme.split("| exit status | meaning |\n")[1].split("\n\n")[0]
    statuses = re.findall(r"^\| (\d+) \|", table, re.MULTILINE)
    header = (Path(__file__).parents[1] / "common/exit_status.h").read_text()
    shown = growbench("--help").stdout.split("Exit status:")[1]

    assert statuses == re.findall(r"EXIT_[A-Z]+ = (\d+),", header)
    assert re.findall(r"\b(\d+) [a-z]", shown) == statuses
