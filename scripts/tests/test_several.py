"""Times of several runs a side, where the run is the unit, and of one run a side."""

import json

import numpy as np
import pandas as pd
import pytest
from conftest import write_runs
from test_same_machine import run, scaled

from growbench.comparison import between, layers, one_a_side, same_build, several
from growbench.comparison.between import ALTERNATED, APART, MIXED, MOVED
from growbench.comparison.layers import ABSENT, CLEAR, OPEN, TIMES, WORSE
from growbench.comparison.pair import Request
from growbench.comparison.run import Run, read_run
from growbench.comparison.same_machine import FASTER, SLOWER, Settings
from growbench.data.errors import UsageError
from growbench.data.metrics import metric
from growbench.tables import formats

METRICS = [metric("cold_build_release"), metric("warm_build_release")]
REQUEST = Request(METRICS)
PLAN = {"allocators": ("glibc", "jemalloc", "mimalloc")}


def shaken(rows, random, deviation=0.01, host=0.02):
    """What a run makes of its families, all workers alike, and of all of them together."""
    rows = rows.copy()
    of = rows.groupby(["strategy", "allocator"], sort=True).ngroup().to_numpy()
    for columns in (["cold_build_ns", "cold_release_ns"], ["warm_build_release_median_ns"]):
        logs = random.normal(0.0, deviation, of.max() + 1)[of] + random.normal(0.0, host)
        rows[columns] = rows[columns].mul(np.exp(logs), axis=0)
    cold = ["cold_build_ns", "cold_release_ns"]
    rows[cold] = rows[cold].round()  # whole nanoseconds, as in the file
    return rows


def described(number, minute, build="a", **more):
    """machine.json of a run."""
    return {
        "run_id": f"example-2cpu-{number}",
        "machine_id": "example-2cpu",
        "run": {"state": "complete", "started_utc": f"2026-01-01T10:{minute:02}:00Z", "rounds": 5},
        "build": {"compiler": "GNU 12"},
        "allocators": [{"name": "glibc", "version": "2.36", "worker_build_id": build}],
        "host": {"moments": [{"prices": {"page": {"median_ns": 100.0, "min_ns": 90.0}}}]},
        **more,
    }


def made(count, seed=1, rounds=5, **noise):
    """Runs of one build, one a minute."""
    random = np.random.default_rng(seed)
    runs = []
    for number in range(count):
        rows = shaken(run(100 * seed + number, 0.02, **PLAN, rounds=rounds), random, **noise)
        rows["run_id"] = f"example-2cpu-{number}"
        runs.append(Run(f"run-{number}", rows, described(number, number)))
    return runs


def slower(runs, factor, **where):
    return [one._replace(runs=scaled(one.runs, factor, **where)) for one in runs]


def layer(base, new, request=REQUEST):
    return several.times_layer(base, new, request, Settings())


def verdicts(found):
    (table,) = [table for table in found.tables if table.name == "families"]
    return table.frame.set_index(["metric", "strategy", "allocator"])["verdict"]


def test_unchanged_code_is_clear_whichever_way_round():
    runs = made(10)
    for base, new in ((runs[::2], runs[1::2]), (runs[1::2], runs[::2]), (runs[:5], runs[5:])):
        found = layer(base, new)
        assert (found.name, found.verdict) == (TIMES, CLEAR)
        assert found.sentences[0].startswith("in time, none of 24 families is slower")
        assert found.families.empty


def test_a_slower_family_is_found_and_no_other():
    runs = made(10)
    new = slower(runs[1::2], 1.10, strategy="chunked_list", allocator="jemalloc")
    found = layer(runs[::2], new)
    assert found.verdict == WORSE
    which = verdicts(found)
    assert set(which[which == SLOWER].index) == {
        (one.name, "chunked_list", "jemalloc") for one in METRICS
    }
    assert list(found.families["strategy"]) == ["chunked_list"]
    assert set(found.families["tone"]) == {"bad"}
    told = "\n".join(found.sentences)
    assert "chunked_list on jemalloc, cold build and release time: +" in told
    back = verdicts(layer(new, runs[::2]))
    assert set(back[back == FASTER].index) == set(which[which == SLOWER].index)
    assert layer(new, runs[::2]).verdict == CLEAR


def test_cells_of_what_moved_are_listed_with_their_medians():
    runs = made(10)
    new = slower(runs[1::2], 1.2, strategy="chunked_list", allocator="jemalloc")
    (cells,) = [table for table in layer(runs[::2], new).tables if table.name == "cells"]
    assert set(cells.frame["strategy"]) == {"chunked_list"}
    assert cells.frame["ratio"].between(1.1, 1.3).all()
    assert formats.as_terminal(cells, False)


@pytest.mark.parametrize("a_side", [2, 3])
def test_few_runs_tell_of_no_regression_but_that_it_moved(a_side):
    runs = made(2 * a_side)
    new = slower(runs[1::2], 1.3, strategy="chunked_list")
    found = layer(runs[::2], new)
    assert found.verdict == layers.MOVED
    assert (verdicts(found)[:, "chunked_list"] == MOVED).all()
    assert "no single family can be told from chance" in "\n".join(found.sentences)


def test_a_slowdown_of_all_is_the_codes_only_where_runs_were_made_alternately():
    runs = made(10, host=0.005)
    apart, alternated = layer(runs[:5], slower(runs[5:], 1.2)), None
    assert apart.verdict == layers.MOVED
    assert "that may be the host" in "\n".join(apart.sentences)
    alternated = layer(runs[::2], slower(runs[1::2], 1.2))
    assert alternated.verdict == WORSE
    assert (verdicts(alternated) == SLOWER).all()


@pytest.mark.parametrize(
    "base, new", [(slice(0, None, 2), slice(1, None, 2)), (slice(5), slice(5, 10))]
)
def test_a_family_that_did_not_share_a_gain_is_no_regression(base, new):
    runs = made(10, host=0.005)
    gained = slower(runs[new], 0.8)
    gained = slower(gained, 1.25, strategy="chunked_list", allocator="jemalloc")
    assert layer(runs[base], gained).verdict != WORSE


def test_the_hosts_speed_of_a_run_is_taken_out_of_it():
    runs = made(10, seed=3, host=0.3)
    new = slower(runs[1::2], 1.10, strategy="chunked_list", allocator="jemalloc")
    which = verdicts(layer(runs[::2], new))
    assert set(which[which == SLOWER].index.get_level_values("strategy")) == {"chunked_list"}


def test_a_threshold_that_was_asked_for_is_the_smallest_slowdown():
    runs = made(10)
    new = slower(runs[1::2], 1.10, strategy="chunked_list", allocator="jemalloc")
    assert layer(runs[::2], new, REQUEST._replace(threshold=0.2)).verdict == CLEAR


def test_a_run_counts_once():
    runs = made(4)
    with pytest.raises(UsageError, match="run-0 and run-0 are the same run"):
        layer([runs[0], runs[0]], runs[2:])


def test_no_cell_in_common_is_no_figure():
    runs = made(4)
    new = [one._replace(runs=one.runs.assign(allocator="other")) for one in runs[2:]]
    assert layer(runs[:2], new).verdict == ABSENT


def test_a_run_that_lacks_a_family_has_no_part_in_it():
    runs = made(10)
    rows = runs[0].runs
    runs[0] = runs[0]._replace(runs=rows[rows["strategy"] != "chunked_list"])
    found = layer(runs[::2], runs[1::2])
    frame = next(table for table in found.tables if table.name == "families").frame
    assert set(frame.loc[frame["strategy"] == "chunked_list", "base_run_count"]) == {4}
    assert found.verdict == CLEAR


def test_the_order_of_runs_is_that_of_their_times():
    runs = made(10)
    base, new, order = several.in_order(runs[8::-2], runs[9::-2])
    assert order == ALTERNATED and [one.label for one in base] == [
        f"run-{i}" for i in range(0, 10, 2)
    ]
    assert several.in_order(runs[:5], runs[5:])[2] == APART
    assert several.in_order(runs[5:], runs[:5])[2] == APART
    assert (
        several.in_order([runs[i] for i in (0, 3, 4)], [runs[i] for i in (1, 2, 5)])[2]
        == ALTERNATED
    )
    assert several.in_order([runs[i] for i in (0, 1, 4)], [runs[i] for i in (2, 3, 5)])[2] == MIXED
    assert several.in_order([runs[i] for i in (0, 2)], [runs[1]])[2] == MIXED
    nobody_knows = runs[0]._replace(machine=None)
    assert several.in_order([nobody_knows, runs[2]], [runs[1], runs[3]])[2] == APART


def test_a_pair_is_never_a_regression():
    base, new = made(2, rounds=10)
    found = layer([base], slower([new], 1.5, strategy="chunked_list"))
    assert found.verdict == OPEN
    assert (verdicts(found)[:, "chunked_list"] == SLOWER).all()
    assert set(found.families["tone"]) == {"unsure"}
    assert "one run a side cannot tell the code from the run" in found.sentences[-1]
    assert "growbench aa" in found.tables[0].notes[-1]


def write(runs, folder):
    """Runs as folders; with where they lie."""
    for one in runs:
        place = folder / one.label
        write_runs(one.runs, place / "runs.csv")
        (place / "machine.json").write_text(json.dumps(one.machine))
    return [read_run(folder / one.label) for one in runs]


def test_theta_is_learned_from_runs_of_the_same_build_beside(tmp_path):
    runs = write(made(8, deviation=0.04), tmp_path)
    found = one_a_side.learned(runs[0], runs[1], REQUEST, Settings())
    assert found.run_count == 6
    assert found.settings.family_threshold == pytest.approx(
        np.expm1(2.58 * np.sqrt(2.0) * 0.04), rel=0.3
    )
    assert "what 6 runs of the same build on this host differ by" in found.origin
    assert found.reach.loc[METRICS[0].name].between(1.05, 1.4).all()
    # What was asked for counts.
    asked = REQUEST._replace(threshold=0.07)
    assert one_a_side.learned(runs[0], runs[1], asked, Settings()).reach is None


def test_a_move_is_told_against_what_runs_of_this_build_differ_by(tmp_path):
    runs = write(made(8, rounds=10, deviation=0.02), tmp_path)
    (new,) = slower([runs[1]], 1.5, strategy="chunked_list")
    found = layer([runs[0]], [new])
    assert found.verdict == OPEN
    texts = found.families.loc[found.families["strategy"] == "chunked_list", "text"]
    assert len(texts) == 3 and not texts.str.contains("as runs of one build differ").any()
    assert found.sentences[-1].startswith("in time, 0 of 6 moves are within what 6 runs")
    assert layer([runs[0]], [runs[1]]).verdict == CLEAR


def other(kind, folder):
    """machine.json of a run that is not of the same build, host or plan."""
    there = json.loads((folder / "machine.json").read_text())
    if kind == "worker":
        there["allocators"][0]["worker_build_id"] = "b"
    elif kind == "huge pages":
        there["system"] = {"thp_enabled": "[always] madvise never"}
    elif kind == "rounds":
        there["run"]["rounds"] = 20
    elif kind == "host":
        there["host"]["moments"][0]["prices"]["page"] = {"median_ns": 200.0, "min_ns": 190.0}
    elif kind == "interrupted":
        there["run"]["state"] = "interrupted"
    elif kind == "machine":
        there["machine_id"] = "other-2cpu"
    return json.dumps(there)


@pytest.mark.parametrize(
    "kind", ["worker", "huge pages", "rounds", "host", "interrupted", "machine", "rubbish"]
)
def test_only_whole_runs_of_the_same_build_and_host_are_learned_from(tmp_path, kind):
    runs = write(made(4), tmp_path)
    assert [one.label for one in same_build.beside(runs[0], None, [runs[1]])] == ["run-3", "run-2"]
    text = "{" if kind == "rubbish" else other(kind, tmp_path / "run-3")
    (tmp_path / "run-3" / "machine.json").write_text(text)
    assert [one.label for one in same_build.beside(runs[0], None, [runs[1]])] == ["run-2"]


def test_runs_in_a_folder_beside_are_found(tmp_path):
    (first, *_) = write(made(1), tmp_path)
    write(made(3, seed=2)[1:], tmp_path / "aa-runs")
    assert len(same_build.beside(first, None)) == 2


def test_allocators_that_one_run_lacks_are_no_difference():
    mine, theirs = described(0, 0), described(1, 1)
    theirs["allocators"].append({"name": "scudo", "version": "1"})
    assert same_build.is_same(mine, theirs)
    theirs["allocators"] = theirs["allocators"][1:]
    assert not same_build.is_same(mine, theirs) and not same_build.is_same(mine, None)


def test_differences_between_runs_are_those_that_were_made():
    """Normal with 3%: two runs differ by sqrt(2) times that; half of them by less than 0.674 x."""
    found = same_build.differences([made(12, deviation=0.03)], METRICS[0])
    assert found.run_count == 12
    median = float(np.median(found.families))
    assert median == pytest.approx(0.6745 * np.sqrt(2.0) * 0.03, rel=0.25)
    assert np.median(found.families_within) < 0.5 * median
    assert found.spread["deviation"].median() == pytest.approx(0.03, rel=0.25)


def test_cells_are_what_one_worker_in_five_is_faster_than():
    one, two = (run(seed, 0.05, **PLAN, rounds=5) for seed in (1, 2))
    cells = between.cell_values([one, two], METRICS[0])
    key = cells.index[7]
    for number, rows in enumerate((one, two)):
        own = rows.set_index(list(cells.index.names)).sort_index().loc[key]
        expected = np.quantile(
            np.log(own["cold_build_ns"] + own["cold_release_ns"]), 0.2, method="weibull"
        )
        assert cells.iloc[7, number] == pytest.approx(expected)


def test_a_family_is_the_median_of_its_cells_above_their_levels():
    index = pd.MultiIndex.from_product(
        [["c"], ["s"], ["a"], [10, 100, 1000], [8], [1], ["cheap"]],
        names=["implementation", "strategy", "allocator", "rows", "row_bytes", "threads", "work"],
    )
    rows = [[1.0, 1.0, 1.3, 1.3], [5.0, 5.0, 5.1, 5.1], [9.0, 9.0, 9.0, np.nan]]
    cells = pd.DataFrame(rows, index=index)
    found = between.in_families(cells, 2)
    assert found.families.to_numpy() == pytest.approx(np.array([[-0.05, -0.05, 0.05, 0.1]]))
    # A run that lacks more than half of the cells has no figure of the family.
    cells.iloc[1, 3] = np.nan
    assert np.isnan(between.in_families(cells, 2).families.iloc[0, 3])
