"""compare_live.py: what it asks of the runner, and what it makes of the answer."""

import importlib
import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import write_runs
from hypothesis import given
from hypothesis import strategies as st
from test_same_machine import run, scaled

from growbench.cli import compare_live
from growbench.command_line import entry
from growbench.comparison import live_page, pair, pairing
from growbench.comparison.live import DUET, INTERLEAVED, sides
from growbench.comparison.side import ALLOCATOR, BUILD, ENVIRONMENT, allocator_options, read_side
from growbench.data.load import read_runs


def measure(words, factor, again, copied):
    """What the runner does: writes a run of two sides, in which new is slower by `factor`, or by
    `again` when it is asked for a confirmation, and copies `copied` bytes more where it counts."""

    def value(name):
        last = len(words) - 1 - words[::-1].index(name)
        return words[last + 1]

    out = Path(value("--out"))
    # Equal things differ most where both run at once.
    noise = 0.05 if out.name == DUET else 0.02
    seed, slower = (20, again) if out.name == "confirmation" else (1, factor)
    plan = {"rounds": int(value("--rounds")), "allocators": ("glibc",)}
    base, new = (run(seed + i, noise, **plan) for i in range(2))
    if out.name not in (INTERLEAVED, DUET):
        new = scaled(new, slower, strategy="chunked_list")
    if value("--passes") != "measure":
        sides_of = ((base, 0), (new, copied))
        base, new = (counted(side, more, value("--passes")) for side, more in sides_of)
    names = value("--allocators").split(",")
    both = pd.concat([base.assign(allocator=names[0]), new.assign(allocator=names[1])])
    if "--strategies" in words:
        both = both[both["strategy"].isin(value("--strategies").split(","))]
    write_runs(both, out / "runs.csv")
    write_machine(out, both, value("--pairing") if "--pairing" in words else INTERLEAVED)


def attempt(words, missing):
    """A run of a row for each allocator; those that are `missing` are not there."""
    names = words[words.index("--allocators") + 1].split(",")
    rows = pd.concat([run(1, rounds=1).head(1).assign(allocator=name) for name in names])
    lacks = rows["allocator"].isin(missing)
    rows.loc[lacks, ["status", "status_detail"]] = ["unavailable", "no such file"]
    write_runs(rows, Path(words[words.index("--out") + 1]) / "runs.csv")


def counted(side, more, passes):
    """The rows as these passes have them."""
    columns = [name for name in side if name.endswith("_ns") or name.startswith("peak_")]
    side = side.assign(**{name: float("nan") for name in columns})
    grown = (side["strategy"] == "realloc_doubling") & (side["rows"] >= 1000)
    traced = side.assign(**{"pass": "trace", "copied_bytes": 8000.0 + more * grown})
    instructions = side.assign(**{"pass": "instructions", "cold_build_instruction_count": 1e6})
    return pd.concat([traced, instructions] if "instructions" in passes else [traced])


def write_machine(out, rows, how):
    """What the runner says of the two libraries."""
    libraries = [
        {"name": name, "path": f"/opt/{i}/lib.so", "version": f"5.{i}", "build_id": f"{i}" * 40}
        for i, name in enumerate(sorted(rows["allocator"].unique()))
    ]
    known = {"machine_id": rows["machine_id"].iloc[0], "run_id": rows["run_id"].iloc[0]}
    told = {**known, "allocators": libraries, "run": {"seed": 7, "pairing": how}}
    (out / "machine.json").write_text(json.dumps(told))


@pytest.fixture
def live(tmp_path, monkeypatch, capsys):
    """Calls compare_live with a stand-in for the runner, which ends in `status`, and writes nothing
    if it fails; returns what it did, and the words of the runner's calls."""

    def call(*arguments, factor=1.0, again=1.0, copied=0, status=0, fails=False, missing=()):
        asked = []

        def runner(command, **_):
            if set(compare_live.TRIAL) <= set(command):
                attempt(command, missing)
                return subprocess.CompletedProcess(command, 0)
            asked.append(command[1:])
            if not fails:
                measure(command, factor, again, copied)
            return subprocess.CompletedProcess(command, status)

        monkeypatch.setattr(subprocess, "run", runner)
        capsys.readouterr()
        words = ["--runner", "growbench", "--out", tmp_path / "live", "--pairing", "interleaved"]
        words += arguments
        try:
            ended = entry.run(compare_live.main, list(map(str, words)))
        except SystemExit as stop:  # argparse's way to end
            ended = stop.code
        out, err = capsys.readouterr()
        return subprocess.CompletedProcess("compare-live", ended, out, err), asked

    return call


def test_both_sides_are_measured_next_to_each_other(live, tmp_path):
    (tmp_path / "build-b").mkdir()
    done, (asked, _) = live("--new", tmp_path / "build-b", "--rounds", "12")
    assert done.returncode == 0, done.stdout + done.stderr
    assert asked[:3] == ["run", "--passes", "measure"]
    told = [asked[i + 1] for i, word in enumerate(asked) if word == "--allocator"]
    assert told == ["base.glibc=glibc", f"new.glibc=glibc@{tmp_path / 'build-b'}"]
    assert asked[asked.index("--rounds") + 1] == "12"


def test_words_behind_the_dashes_are_the_runners(live):
    _, (asked, again) = live(
        "--new", "A_VARIABLE=1", "--", "--rows", "1k", "--strategies", "chunked_list"
    )
    assert asked[-4:] == ["--rows", "1k", "--strategies", "chunked_list"]
    # Behind them stands what makes it a count.
    place = again.index("--rows")
    assert again[place:] == [*asked[-4:], "--rounds", "1", "--no-summary"]


def test_a_slowdown_is_confirmed_on_fresh_data(live, tmp_path, capsys):
    done, (_, _, again) = live("--new", "A_VARIABLE=1", factor=1.3, again=1.3)
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


def test_auto_times_what_is_left_open_once_more_in_as_many_rounds_as_it_needs(
    live, tmp_path, capsys
):
    # Half of the interval is wider than half of the threshold, so that little is certain.
    words = ("--new", "A_VARIABLE=1", "--rounds", "auto", "--threshold", "0.5")
    done, (first, _, again) = live(*words)
    assert [first[first.index("--rounds") + 1], again[again.index("--rounds") + 1]] == ["20", "100"]
    assert "or are open: measuring them once more, 100 rounds" in done.stderr
    assert "families were flagged, or left open, and judged on fresh data" in done.stdout
    main = importlib.import_module("growbench.cli.compare").main
    entry.run(main, [str(tmp_path / "live"), "--threshold", "0.5"])
    assert "families were flagged, or left open, and judged" in capsys.readouterr().out


def test_what_fresh_data_do_not_show_is_no_regression(live):
    done, asked = live("--new", "A_VARIABLE=1", factor=1.3)
    assert len(asked) == 3
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
        ["--base", "old=jemalloc", "--new", "new=jemalloc"],
        ["--allocator", "old=jemalloc"],
        ["--allocator", "old=jemalloc", "--allocator", "new=mimalloc", "--base", "glibc"],
    ],
)
def test_what_makes_no_sense_ends_in_2_and_measures_nothing(live, arguments):
    done, asked = live(*arguments)
    assert done.returncode == 2 and asked == []


@pytest.mark.parametrize(
    "missing, told",
    [
        (["new.glibc"], "--new A_VARIABLE=1 cannot be measured under glibc: no such file"),
        (["base.jemalloc"], "--base this build cannot be measured under jemalloc: no such file"),
        (["base.glibc", "new.glibc", "base.jemalloc", "new.jemalloc"], "--base this build cannot"),
        (["base.jemalloc", "new.jemalloc"], ""),
    ],
)
def test_a_side_that_is_not_there_is_told_before_the_other_is_measured(live, missing, told):
    words = ("--new", "A_VARIABLE=1", "--allocators", "glibc,jemalloc")
    done, asked = live(*words, missing=missing)
    assert (done.returncode == 2) == bool(told) and told in done.stderr
    assert (asked == []) == bool(told)


def test_what_changed_exactly_comes_first_and_is_a_regression(live, tmp_path, capsys):
    words = ("--base", "old=/a.so", "--new", "new=/b.so")
    done, (_, counts) = live(*words, "--format", "json", copied=65536)
    assert done.returncode == 1
    [page] = json.loads(done.stdout)["comparisons"]
    assert page["title"] == "new against old" and page["exit_status"] == 1
    lines = page["sentences"]
    assert lines[:3] == [
        "regression: what can be counted is worse, whatever it costs in time",
        "old: /opt/0/lib.so, version 5.0, build-id 000000000000",
        "new: /opt/1/lib.so, version 5.1, build-id 111111111111",
    ]
    exact = next(i for i, line in enumerate(lines) if "bytes copied" in line)
    times = next(i for i, line in enumerate(lines) if "in time, no regression" in line)
    assert exact < times
    names = list(page["tables"])
    assert names.index("exact") < names.index("overview")
    assert "realloc_doubling" in json.dumps(page["tables"]["exact"])
    assert counts[counts.index("--passes") + 1].startswith("trace")
    # The folder says the same, by itself.
    main = importlib.import_module("growbench.cli.compare").main
    again = ["--format", "json", "--metric", *pair.HEADLINES_AND_PEAK]
    assert entry.run(main, [str(tmp_path / "live"), *again]) == 1
    assert json.loads(capsys.readouterr().out)["comparisons"] == [page]


def test_allocators_may_be_named_as_for_a_run(live):
    words = ("--allocator", "old=/a.so", "--allocator", "new=/b.so")
    done, (asked, _) = live(*words)
    told = [asked[i + 1] for i, word in enumerate(asked) if word == "--allocator"]
    assert told == ["base=/a.so", "new=/b.so"]
    assert done.stdout.startswith("new against old")


def test_fewer_copies_are_no_regression(live):
    done, _ = live("--new", "A_VARIABLE=1", copied=-4000)
    assert done.returncode == 0 and "better" in done.stdout


def test_builds_and_environments_are_counted_as_well_unless_it_is_left_out(live, tmp_path):
    done, asked = live("--new", "A_VARIABLE=1", copied=65536)
    assert done.returncode == 1 and "bytes copied" in done.stdout and len(asked) == 2
    words = ("--no-counts", "--out", tmp_path / "uncounted")
    done, asked = live("--new", "A_VARIABLE=1", *words, copied=65536)
    assert done.returncode == 0 and "bytes copied" not in done.stdout and len(asked) == 1


def test_instructions_are_asked_for_where_they_can_be_counted(live, monkeypatch, tmp_path):
    for valgrind, passes in (("/usr/bin/valgrind", "trace,instructions"), (None, "trace")):
        monkeypatch.setattr(compare_live.shutil, "which", lambda _, found=valgrind: found)
        done, (_, asked) = live("--new", "A_VARIABLE=1", "--out", tmp_path / passes)
        assert asked[asked.index("--passes") + 1] == passes
        assert ("there is no Valgrind" in done.stdout) == (valgrind is None)


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="there is one CPU")
def test_auto_takes_the_way_in_which_equal_things_differ_least(live, tmp_path, capsys):
    done, asked = live("--new", "A_VARIABLE=1", "--pairing", "auto")
    assert [words[words.index("--pairing") + 1] for words in asked[:3]] == [
        INTERLEAVED,
        DUET,
        INTERLEAVED,
    ]
    # One side against itself.
    for words in asked[:2]:
        told = [words[i + 1] for i, word in enumerate(words) if word == "--allocator"]
        assert told == ["base.glibc=glibc", "new.glibc=glibc"]
    assert "measured interleaved, as this machine does it best" in done.stdout
    main = importlib.import_module("growbench.cli.compare").main
    entry.run(main, [str(tmp_path / "live")])
    assert "measured interleaved, as this machine does it best" in capsys.readouterr().out


def test_with_one_cpu_auto_is_interleaved_and_says_why(live, monkeypatch):
    monkeypatch.setattr(compare_live.os, "sched_getaffinity", lambda _: {3})
    done, asked = live("--new", "A_VARIABLE=1", "--pairing", "auto")
    assert len(asked) == 2 and "a duet needs two CPUs" in done.stdout


def test_a_duet_says_what_it_does_to_times_and_takes_its_own_experiment(live, tmp_path):
    live("--aa")
    done, (asked, _) = live("--new", "A_VARIABLE=1", "--pairing", "duet", "--rounds", "10")
    assert asked[asked.index("--rounds") + 1] == "20"
    assert "in a duet both sides run at once" in done.stdout
    assert "was measured interleaved, and this run duet" in done.stdout
    live("--aa", "--pairing", "duet")
    done, _ = live("--new", "A_VARIABLE=1", "--pairing", "duet")
    assert "of this machine, at least 5%" in done.stdout


def test_two_rounds_of_a_duet_are_one_that_is_free_of_its_cpus():
    """One CPU is twice as fast; the sides swap them from round to round, and new is 1.1 times as
    slow."""
    sides_of = []
    for name, slower in (("base", 1.0), ("new", 1.1)):
        side = run(1, 0.0, rounds=4, allocators=(name,))
        on_slow = (side["round"] % 2 == 1) == (name == "base")
        side = scaled(scaled(side, slower), 1.0)
        side.loc[on_slow, ["cold_build_ns", "warm_build_release_median_ns"]] *= 2.0
        sides_of.append(side)
    both = pd.concat(sides_of, ignore_index=True)
    lost = both.index[(both["rows"] == 100) & (both["round"] == 3) & (both["allocator"] == "new")]
    both.loc[lost, "status"] = "crashed"
    made = pairing.crossed(both)
    assert list(made.columns) == list(both.columns)
    measured = made[made["status"] == "ok"]
    keys = ["strategy", "rows", "round"]
    base, new = (
        measured[measured["allocator"] == name].set_index(keys) for name in ("base", "new")
    )
    ratio = new["warm_build_release_median_ns"] / base["warm_build_release_median_ns"]
    assert ratio.dropna().to_numpy() == pytest.approx(1.1)
    assert set(measured["round"]) == {1, 2}
    # A worker whose other round has no figures is left out, and the one without them stays.
    assert (100 not in new.loc[:, :, 2].reset_index()["rows"].tolist()) and len(lost) > 0
    assert (made["status"] == "crashed").sum() == len(lost)
    assert pairing.rounds(DUET, 20) == 40 and pairing.rounds(INTERLEAVED, 20) == 20


def test_a_spread_is_that_of_three_pairs_in_four():
    rows = [run(seed, 0.0, rounds=1, allocators=("glibc",)) for seed in (1, 1)]
    new = rows[1].copy()
    factors = np.exp(np.linspace(0.0, 1.0, len(new)))
    new["warm_build_release_median_ns"] *= factors
    both = pd.concat([rows[0].assign(allocator="base"), new.assign(allocator="new")])
    assert pairing.spread(both) == pytest.approx(np.expm1(0.75))
    assert np.isnan(pairing.spread(both.iloc[: len(new)]))
    assert pairing.choose({INTERLEAVED: 0.1, DUET: 0.05}).chosen == DUET
    assert pairing.choose({INTERLEAVED: 0.05, DUET: 0.05}).chosen == INTERLEAVED
    assert pairing.choose({INTERLEAVED: 0.05, DUET: float("nan")}).chosen == INTERLEAVED


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"base": 1, "new": 2, "pairing": {"a": 1}}']
)
def test_a_broken_note_of_the_names_is_none(live, tmp_path, text):
    live("--new", "A_VARIABLE=1")
    (tmp_path / "live/live.json").write_text(text)
    assert live_page.read(tmp_path / "live").names == ("base", "new")


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
        ("old=/opt/lib/libmine.so", ALLOCATOR),
        ("old=A_VARIABLE=1", ENVIRONMENT),
        ("old=", BUILD),
    ],
)
def test_sides_are_what_they_look_like(text, kind):
    assert read_side(text).kind == kind


def test_a_name_is_not_part_of_a_side():
    assert read_side("old.5-1=/opt/lib/a=b.so") == (ALLOCATOR, "/opt/lib/a=b.so", "old.5-1")
    assert read_side("jemalloc,MALLOC_CONF=a").name == read_side("/opt/a=b").name == ""


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
