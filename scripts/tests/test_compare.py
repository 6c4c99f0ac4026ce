"""compare from outside: its exit statuses, formats, filters, and what it says of bad input."""

import csv
import importlib
import io
import json
import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import pandas as pd
import pytest
from conftest import PACKAGE, build_runs, fail, typed, write_runs
from test_same_machine import STRATEGIES, run, scaled

from growbench.data.columns import CELL, COLUMNS


@pytest.fixture
def folder(tmp_path):
    """Writes a run into a folder of that name."""

    def make(name, runs, machine=None):
        write_runs(runs, tmp_path / name / "runs.csv")
        content = {"machine_id": str(runs["machine_id"].iloc[0])} if machine is None else machine
        (tmp_path / name / "machine.json").write_text(json.dumps(content))
        return str(tmp_path / name)

    return make


@pytest.fixture
def compare(call_here):
    """Runs compare.py."""
    return partial(call_here, "compare")


def crashed(runs):
    return fail(runs, (runs["strategy"] == "chunked_list") & (runs["rows"] == 3000), "crashed")


def three_rounds(runs):
    return runs[~((runs["rows"] == 30_000) & (runs["round"] > 3))]


def counted(runs, **figures):
    """The run with a trace of each cell, whose counts are these besides a few of its own."""
    cells = runs[runs["round"] == 1]
    known = {"malloc_count": 3.0, "copied_bytes": 800.0, "leaked_bytes": 0.0}
    kept = [column.name for column in COLUMNS if column.required]
    traces = cells[kept].assign(**{"pass": "trace", **known, **figures})
    return typed(pd.concat([runs, traces], ignore_index=True)[list(runs.columns)])


SLOW_CELL = {"strategy": "chunked_list", "allocator": "glibc", "rows": 30_000}
ONLY_WARM = {"warm_build_release_median_ns": float("nan")}


@pytest.mark.parametrize(
    "base, new, status, words",
    [
        (counted(run(1)), counted(run(2)), 0, ["no regression", "nothing changed: 5 counts of 40"]),
        # Times alone of one run a side.
        (run(1), run(2), 4, ["inconclusive", "as no cell has them on both sides"]),
        (run(1), scaled(run(2), 1.5, **SLOW_CELL), 4, ["1 of 8 families moved"]),
        # With counts that did not change, they are no regression, either way round.
        (counted(run(1)), counted(scaled(run(2), 1.5, **SLOW_CELL)), 0, ["1 of 8", "repeat"]),
        (counted(scaled(run(2), 1.5, **SLOW_CELL)), counted(run(1)), 0, ["1 of 8", "0 of them"]),
        (
            counted(run(1)),
            counted(run(2), copied_bytes=801.0),
            1,
            [
                "regression",
                "8 families are worse: bytes copied (8)",
                "bytes copied +0.1% at all sizes",
            ],
        ),
        (counted(run(1), copied_bytes=801.0), counted(run(2)), 0, ["8 families are better"]),
        (counted(run(1)), run(2), 4, ["as no cell has them on both sides"]),
        (
            counted(run(1)),
            counted(run(2)).drop(index=[len(run(2))]),
            4,
            ["nothing can be told of 1 cell that"],
        ),
        # The peak of 100 rows cannot be read.
        (counted(run(1, sizes=[100])), counted(run(2, sizes=[100])), 0, ["no regression"]),
        (run(1), crashed(run(2)), 1, ["crashed"]),
        (
            run(1),
            fail(run(2), run(2)["round"] > 0, "crashed"),
            1,
            ["failed in b", "no measured cell in common"],
        ),
        (
            run(1),
            build_runs(["chunked_list"], ["scudo"], [77], noise=0.01),
            3,
            ["no measured cell in common"],
        ),
        (
            counted(run(1)),
            counted(run(2)).assign(**ONLY_WARM),
            4,
            ["warm build and release time: not compared"],
        ),
    ],
)
def test_the_exit_status_says_what_came_out_and_so_do_the_words(
    compare, folder, base, new, status, words
):
    done = compare(folder("a", base), folder("b", new))
    assert done.returncode == status, done.stdout + done.stderr
    assert all(word in done.stdout + done.stderr for word in words), done.stdout


def test_a_count_that_is_worse_is_named_with_the_size_from_which_on(compare, folder):
    new = counted(run(2))
    where = (new["pass"] == "trace") & (new["rows"] >= 3000) & (new["allocator"] == "jemalloc")
    new.loc[where & (new["strategy"] == "chunked_list"), "copied_bytes"] = 1600.0
    done = compare(folder("a", counted(run(1))), folder("b", new))
    assert done.returncode == 1
    title, first = done.stdout.splitlines()[:2]
    assert title == "b against a: regression"
    assert "1 family is worse: bytes copied (1); most of all chunked_list on jemalloc" in first
    assert first.endswith("bytes copied +100.0% from 3,000 rows on")
    cells = compare(folder("a", counted(run(1))), folder("b", new), "--table", "exact_cells")
    assert [line.split()[5] for line in cells.stdout.splitlines() if "jemalloc" in line][1:] == [
        "3,000",
        "10,000",
        "30,000",
    ]


def test_several_runs_a_side_stand_on_both_sides_of_two_dashes(compare, folder):
    made = [counted(run(seed)).assign(run_id=f"run-{seed}") for seed in range(4)]
    paths = [folder(name, rows) for name, rows in zip("abcd", made)]
    worse = folder("worse", counted(run(9), copied_bytes=801.0).assign(run_id="run-9"))
    done = compare(*paths[:2], "--", *paths[2:], "--format", "json")
    (found,) = json.loads(done.stdout)["comparisons"]
    assert found["title"] == "c and 1 more against a and 1 more: no regression"
    assert compare(*paths[:2], "--", worse).returncode == 1
    # Where one of several runs is as the others, their ranges are not apart.
    assert compare(*paths[:2], "--", paths[2], worse).returncode == 0
    # Behind an option with several values -- ends them, as everywhere.
    assert compare("--strategy", "chunked_list", "--", *paths[:2]).returncode == 0
    assert compare("--", "--strategy").returncode == 2
    assert compare("--").returncode == 2 and compare().returncode == 2


@pytest.mark.parametrize(
    "content",
    [b"", b"rubbish\n", b"a;b;c\n1;2;3\n", b"\xff\xfe\x00r\x00u\x00n\x00", b"\0\0\0\0"],
)
def test_rubbish_ends_in_2_with_one_message(compare, folder, tmp_path, content):
    (tmp_path / "rubbish.csv").write_bytes(content)
    done = compare(folder("a", run(1)), tmp_path / "rubbish.csv")
    assert done.returncode == 2
    assert "rubbish.csv" in done.stderr and "Traceback" not in done.stderr
    assert done.stdout == ""


def test_the_exit_status_is_that_of_the_process(folder):
    done = subprocess.run(
        [sys.executable, PACKAGE, "compare", folder("a", run(1)), folder("b", crashed(run(2)))],
        capture_output=True,
        check=False,
    )
    assert done.returncode == 1


def test_another_machine_is_never_divided_by_this_one(compare, folder):
    slow = scaled(run(2), 10.0).assign(machine_id="server-64cpu")
    done = compare(folder("a", run(1)), folder("b", slow), "--table", "headline")
    assert done.returncode == 0, done.stderr
    assert "2 of 2" in done.stdout
    assert "+900" not in done.stdout


def test_long_tables_of_machines_are_named_and_can_be_asked_for(compare, folder):
    many = {"strategies": [*STRATEGIES, *"abcdefgh"], "allocators": ("glibc", "jemalloc", "scudo")}
    many["sizes"] = (100, 1000)
    a = folder("a", run(1, **many))
    b = folder("b", run(2, **many).assign(machine_id="server-64cpu"))
    short = compare(a, b).stdout
    name = "exponents_cold_build_release"
    assert f"{name} (36)" in short
    asked = compare(a, b, "--table", name).stdout
    assert len(asked.splitlines()) > 36 and name not in asked
    assert len(compare(a, b, "--all").stdout.splitlines()) > len(short.splitlines()) + 36


@pytest.mark.parametrize(
    "arguments, word",
    [
        (["--metric", "speed"], "speed"),
        (["--threshold", "0"], "--threshold"),
        (["--threshold", "a lot"], "--threshold"),
        (["--strategy", "nonsense"], "nonsense"),
        (["--table", "famlies"], "families"),
        (["--columns", "nonsense"], "nonsense"),
        (["--format", "csv"], "--table"),
        (["--aa-run", "/nowhere"], "/nowhere"),
    ],
)
def test_a_wrong_word_ends_in_2(compare, folder, arguments, word):
    done = compare(folder("a", run(1)), folder("b", run(2)), *arguments)
    assert done.returncode == 2
    assert word in done.stderr and "Traceback" not in done.stderr


def test_each_of_several_runs_is_compared_with_the_first(compare, folder):
    done = compare(
        folder("a", counted(run(1))),
        folder("b", counted(run(2))),
        folder("c", counted(run(3), copied_bytes=801.0)),
        "--format",
        "json",
    )
    comparisons = json.loads(done.stdout)["comparisons"]
    assert [one["exit_status"] for one in comparisons] == [0, 1]
    assert [one["title"] for one in comparisons] == [
        "b against a: no regression",
        "c against a: regression",
    ]
    assert done.returncode == 1


def test_columns_and_rows_can_be_chosen(compare, folder):
    done = compare(
        *(folder("a", run(1)), folder("b", run(2)), "--strategy", "chunked_list", "--rows", "3000"),
        *("--format", "csv", "--table", "families", "--columns", "allocator", "ratio", "--all"),
        *("--metric", "warm_build_release"),
    )
    lines = done.stdout.splitlines()
    assert lines[0] == "allocator,ratio"
    assert sorted(line.split(",")[0] for line in lines[1:]) == ["glibc", "jemalloc"]


def test_output_is_written_whole_or_not_at_all(compare, folder, tmp_path):
    a, b = folder("a", counted(run(1))), folder("b", counted(run(2)))
    done = compare(a, b, "--output", tmp_path / "comparison.txt")
    assert done.returncode == 0 and done.stdout == ""
    assert "no regression" in (tmp_path / "comparison.txt").read_text()
    done = compare(a, b, "--output", tmp_path / "no-such" / "comparison.txt")
    assert done.returncode == 2
    assert not (tmp_path / "no-such").exists()


def test_colour_is_for_terminals_and_no_color_is_respected(compare, folder):
    a, b = folder("a", run(1)), folder("b", scaled(run(2), 1.5))
    assert "\033" not in compare(a, b).stdout
    assert "\033" in compare(a, b, "--color", "always").stdout
    assert "\033" not in compare(a, b, "--color", "never").stdout


def test_the_machines_own_experiment_sets_the_threshold(compare, folder, tmp_path):
    slower = scaled(run(2, 0.005), 1.08, strategy="chunked_list")
    a, b = folder("a", run(1, 0.005)), folder("b", slower)
    moved = "2 of 8 families moved"
    assert moved in compare(a, b).stdout
    labels = {"glibc": "base", "jemalloc": "new"}
    noisy = run(3, 0.3)
    noisy["allocator"] = noisy["allocator"].map(labels)
    folder("aa-example-2cpu", noisy)
    done = compare(a, b, "--all")
    assert moved not in done.stdout
    assert "1 A/A pairs of 10 rounds" in done.stdout
    assert moved in compare(a, b, "--threshold", "5").stdout


def test_a_live_run_is_compared_in_pairs(compare, folder):
    both = run(1, 0.01)
    both["allocator"] = both["allocator"].map({"glibc": "base.glibc", "jemalloc": "new.glibc"})
    done = compare(folder("live", both), "--table", "overview")
    # jemalloc's rows are faster than glibc's, but that is not confirmed by fresh data.
    assert done.returncode == 4, done.stderr
    assert "compared as pairs" in done.stdout and "was not confirmed" in done.stdout


def test_files_of_another_version_are_compared_on_what_they_share(compare, folder):
    old = run(1)
    since = [column.name for column in COLUMNS if column.since == 1]
    old = old[since].assign(schema_version=1)
    folder_of_old = folder("b", run(2))
    path = Path(folder_of_old) / "runs.csv"
    old.to_csv(path, index=False)
    for column in COLUMNS:
        if column.type == "count" and column.name in old:
            old[column.name] = old[column.name].astype("Int64")
    old.to_csv(path, index=False, lineterminator="\n")
    done = compare(folder("a", run(2)), folder_of_old)
    assert done.returncode == 4, done.stderr
    assert "schema version" in done.stdout


def test_names_from_the_data_do_nothing(compare, folder):
    name = "=cmd|'<script>alert(1)</script>'\033[2J"
    hostile = [
        seeded.assign(strategy=seeded["strategy"].replace(STRATEGIES[0], name))
        for seeded in (run(1), run(2))
    ]
    a, b = folder("a", hostile[0]), folder("b", hostile[1])
    assert "\033" not in compare(a, b, "--all").stdout
    assert "<script" not in compare(a, b, "--all", "--format", "markdown").stdout
    text = compare(a, b, "--all", "--format", "csv", "--table", "families").stdout
    assert not any(row["strategy"].startswith("=") for row in csv.DictReader(io.StringIO(text)))


def test_a_hostile_name_in_a_sentence_does_nothing(compare, folder):
    name = "a\033[2J\x9b"
    sides = (run(1), scaled(run(2), 1.5, strategy="chunked_list"))
    a, b = (
        folder(label, side.assign(strategy=side["strategy"].replace("chunked_list", name)))
        for label, side in zip("ab", sides)
    )
    for arguments in ([a, b], [a, b, "--format", "markdown"], [a, b, "--strategy", "c"]):
        done = compare(*arguments)
        assert not {"\033", "\x9b"} & set(done.stdout + done.stderr)
    assert "a\N{REPLACEMENT CHARACTER}[2J" in compare(a, b, "--all").stdout


def test_a_choice_that_leaves_one_side_empty_is_of_the_same_machine(compare, folder):
    runs = run(2)
    part = runs[~((runs["strategy"] == "chunked_list") & (runs["rows"] == 3000))]
    b = Path(folder("b", part))
    (b / "machine.json").unlink()
    chosen = ("--strategy", "chunked_list", "--rows", "3000")
    done = compare(folder("a", run(1)), b, *chosen)
    assert done.returncode == 3
    assert "no measured cell in common" in done.stdout
    done = compare(b, b, *chosen)
    assert done.returncode == 3 and "no row" in done.stderr


def test_a_live_run_is_chosen_from_by_the_names_that_it_shows(compare, folder):
    base, new = run(1), scaled(run(2), 1.5, strategy="chunked_list")
    both = pd.concat(
        side.assign(allocator=f"{name}." + side["allocator"])
        for name, side in (("base", base), ("new", new))
    )
    live = Path(folder("live", both))
    write_runs(both[both["strategy"] == "chunked_list"], live / "confirmation" / "runs.csv")
    assert compare(live, "--allocator", "glibc").returncode == 1
    # Nothing of it was flagged, so there is nothing of it in the confirmation.
    assert compare(live, "--strategy", "realloc_doubling").returncode == 0
    assert compare(live, "--allocator", "scudo").returncode == 2


def test_a_reader_that_has_seen_enough_changes_no_exit_status(folder):
    a, b = folder("a", run(1)), folder("b", crashed(run(2)))
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, PACKAGE, "compare", a, b]
    done = subprocess.run(command, stdout=writer, stderr=subprocess.PIPE, check=False)
    os.close(writer)
    assert done.returncode == 1 and done.stderr == b""


@pytest.mark.parametrize(
    "statuses, status", [([3, 4, 1], 1), ([0, 4, 3], 3), ([4, 0], 4), ([0], 0)]
)
def test_the_worst_of_several_comparisons_counts(statuses, status):
    assert importlib.import_module("growbench.cli.compare").worst(statuses) == status


def test_fresh_data_are_asked_about_what_was_flagged_only(compare, folder):
    base, new = run(1), scaled(run(2), 1.5, strategy="chunked_list")
    both = pd.concat([base.assign(allocator="base"), new.assign(allocator="new")])
    both = both.drop_duplicates([*CELL, "round"])
    live = Path(folder("live", both))
    write_runs(both, live / "confirmation" / "runs.csv")
    done = compare(live, "--format", "json", "--all", "--metric", "warm_build_release")
    rows = json.loads(done.stdout)["comparisons"][0]["tables"]["families"]["rows"]
    fresh = [row for row in rows if row["data"] == "fresh data"]
    assert [row["strategy"] for row in fresh] == ["chunked_list"]
    assert fresh[0]["p_adjusted"] == fresh[0]["p"] and len(rows) == 4
