"""compare_live.py: what it asks of the runner, and what it makes of the answer."""

import importlib
import json
import subprocess
from pathlib import Path

import pandas as pd
import pytest
from conftest import write_runs
from hypothesis import given
from hypothesis import strategies as st
from test_same_machine import run, scaled

from growbench.cli import compare_live
from growbench.command_line import entry
from growbench.comparison.live import sides
from growbench.comparison.side import ALLOCATOR, BUILD, ENVIRONMENT, allocator_options, read_side
from growbench.data.load import read_runs


def measure(words, factor, again):
    """What the runner does: writes a run of two sides, in which new is slower by `factor`, or by
    `again` when it is asked for a confirmation."""

    def value(name):
        last = len(words) - 1 - words[::-1].index(name)
        return words[last + 1]

    out = Path(value("--out"))
    seed, slower = (20, again) if out.name == "confirmation" else (1, factor)
    plan = {"rounds": int(value("--rounds")), "allocators": ("glibc",)}
    base, new = (run(seed + i, 0.02, **plan) for i in range(2))
    new = scaled(new, slower, strategy="chunked_list")
    names = value("--allocators").split(",")
    both = pd.concat([base.assign(allocator=names[0]), new.assign(allocator=names[1])])
    if "--strategies" in words:
        both = both[both["strategy"].isin(value("--strategies").split(","))]
    write_runs(both, out / "runs.csv")
    (out / "machine.json").write_text(json.dumps({"run": {"seed": 7}}))


@pytest.fixture
def live(tmp_path, monkeypatch, capsys):
    """Calls compare_live with a stand-in for the runner, which ends in `status`, and writes nothing
    if it fails; returns what it did, and the words of the runner's calls."""

    def call(*arguments, factor=1.0, again=1.0, status=0, fails=False):
        asked = []

        def runner(command, **_):
            asked.append(command[1:])
            if not fails:
                measure(command, factor, again)
            return subprocess.CompletedProcess(command, status)

        monkeypatch.setattr(compare_live.subprocess, "run", runner)
        capsys.readouterr()
        words = ["--runner", "growbench", "--out", tmp_path / "live", *arguments]
        try:
            ended = entry.run(compare_live.main, list(map(str, words)))
        except SystemExit as stop:  # argparse's way to end
            ended = stop.code
        out, err = capsys.readouterr()
        return subprocess.CompletedProcess("compare-live", ended, out, err), asked

    return call


def test_both_sides_are_measured_next_to_each_other(live, tmp_path):
    (tmp_path / "build-b").mkdir()
    done, (asked,) = live("--new", tmp_path / "build-b", "--rounds", "12")
    assert done.returncode == 0, done.stdout + done.stderr
    assert asked[:3] == ["run", "--passes", "measure"]
    told = [asked[i + 1] for i, word in enumerate(asked) if word == "--allocator"]
    assert told == ["base.glibc=glibc", f"new.glibc=glibc@{tmp_path / 'build-b'}"]
    assert asked[asked.index("--rounds") + 1] == "12"


def test_words_behind_the_dashes_are_the_runners(live):
    _, (asked,) = live(
        "--new", "A_VARIABLE=1", "--", "--rows", "1k", "--strategies", "chunked_list"
    )
    assert asked[-4:] == ["--rows", "1k", "--strategies", "chunked_list"]


def test_a_slowdown_is_confirmed_on_fresh_data(live, tmp_path, capsys):
    done, (_, again) = live("--new", "A_VARIABLE=1", factor=1.3, again=1.3)
    assert done.returncode == 1, done.stdout
    assert "fresh data" in done.stdout
    assert again[again.index("--out") + 1] == str(tmp_path / "live" / "confirmation")
    # Only what was flagged, and in another order.
    assert again[again.index("--strategies") + 1] == "chunked_list"
    assert again[again.index("--seed") + 1] == "8"
    # And compare says the same of the finished run.
    main = importlib.import_module("growbench.cli.compare").main
    assert entry.run(main, [str(tmp_path / "live")]) == 1
    assert "chunked_list" in capsys.readouterr().out


def test_what_fresh_data_do_not_show_is_no_regression(live):
    done, asked = live("--new", "A_VARIABLE=1", factor=1.3)
    assert len(asked) == 2
    assert done.returncode == 0, done.stdout
    assert "were flagged, and judged on fresh data" in done.stdout


def test_an_experiment_with_itself_becomes_the_machines_own(live, tmp_path):
    done, (asked,) = live("--aa")
    assert done.returncode == 0, done.stdout
    told = [asked[i + 1] for i, word in enumerate(asked) if word == "--allocator"]
    assert told == ["base.glibc=glibc", "new.glibc=glibc"]
    kept = tmp_path / "aa-example-2cpu"
    assert sides(read_runs(kept)) is not None
    assert not (tmp_path / "live").exists()
    # A second one takes its place.
    done, _ = live("--aa")
    assert done.returncode == 0 and kept.is_dir()


def test_an_experiment_that_is_in_its_place_already_stays(live, tmp_path):
    kept = tmp_path / "aa-example-2cpu"
    done, _ = live("--aa", "--out", kept)
    assert done.returncode == 0, done.stderr
    assert sides(read_runs(kept)) is not None


def test_an_experiment_that_cannot_be_read_is_told_before_measuring(live, tmp_path):
    done, asked = live("--new", "A_VARIABLE=1", "--aa-run", tmp_path / "nowhere")
    assert done.returncode == 2 and asked == []


@pytest.mark.parametrize(
    "status, ended, word", [(1, 2, "ended in 1"), (70, 2, "ended in 70"), (130, 130, "--resume")]
)
def test_a_runner_that_fails_ends_in_2_and_one_that_is_interrupted_can_go_on(
    live, status, ended, word
):
    done, _ = live("--new", "A_VARIABLE=1", status=status, fails=True)
    assert done.returncode == ended and word in done.stderr


# The runner's 4: something that was named has no row that was measured.
@pytest.mark.parametrize("runner, factor, status", [(3, 1, 0), (4, 1, 4), (4, 1.3, 1)])
def test_what_was_not_measured_is_never_called_no_regression(live, runner, factor, status):
    done, _ = live("--new", "A_VARIABLE=1", factor=factor, again=factor, status=runner)
    assert done.returncode == status, done.stdout
    assert ("what was asked for was not all measured" in done.stderr) == (status == 4)


def test_a_missing_runner_is_named(tmp_path, capsys):
    words = ["--runner", str(tmp_path / "nothing"), "--new", "A=1", "--out", str(tmp_path / "o")]
    assert entry.run(compare_live.main, words) == 2
    assert "make build" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--base", "jemalloc", "--new", "jemalloc"],
        ["--base", "jemalloc", "--new", "A_VARIABLE=1"],
        ["--aa", "--new", "jemalloc"],
        ["--new", "jemalloc", "--rounds", "0"],
    ],
)
def test_what_makes_no_sense_ends_in_2_and_measures_nothing(live, arguments):
    done, asked = live(*arguments)
    assert done.returncode == 2 and asked == []


@pytest.mark.parametrize(
    "text, kind",
    [
        ("", BUILD),
        ("/", BUILD),
        ("somewhere/growbench-worker", BUILD),
        ("GLIBC_TUNABLES=glibc.malloc.hugetlb=1", ENVIRONMENT),
        ("jemalloc", ALLOCATOR),
        ("/opt/lib/libmine.so", ALLOCATOR),
        ("jemalloc,MALLOC_CONF=dirty_decay_ms:-1", ALLOCATOR),
    ],
)
def test_sides_are_what_they_look_like(text, kind):
    assert read_side(text).kind == kind


def test_two_allocators_are_compared_with_each_other_alone():
    options = allocator_options(
        read_side("jemalloc"), read_side("/opt/lib/libjemalloc.so.2"), ["glibc", "mimalloc"]
    )
    assert options == [
        *("--allocator", "base=jemalloc"),
        *("--allocator", "new=/opt/lib/libjemalloc.so.2"),
        *("--allocators", "base,new"),
    ]


def test_environments_are_compared_under_each_allocator():
    options = allocator_options(read_side("A=1"), read_side(""), ["glibc", "mimalloc"])
    assert options[1::2] == [
        "base.glibc=glibc,A=1",
        "new.glibc=glibc",
        "base.mimalloc=mimalloc,A=1",
        "new.mimalloc=mimalloc",
        "base.glibc,new.glibc,base.mimalloc,new.mimalloc",
    ]


@given(st.text(alphabet="abcXYZ@/=,._-", max_size=30))
def test_any_text_is_some_side(text):
    assert read_side(text).kind in (BUILD, ALLOCATOR, ENVIRONMENT)
