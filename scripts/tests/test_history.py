"""Histories: since when, of counts and of times, in which order, and what is said of it."""

import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import MACHINE, build_runs, typed, write_runs

from growbench.comparison.exact import BETTER, OTHER, WORSE
from growbench.data.columns import COLUMNS, TRACE
from growbench.data.errors import UsageError
from growbench.data.exact import EXACT, exact
from growbench.data.metrics import METRICS, metric
from growbench.history import changes, counts, order, reading, times

STRATEGIES = ("realloc_doubling", "append_in_place", "chunked_list", "preallocate_zeroed")
SIZES = (100, 1000, 10_000)
WANTED = reading.Wanted(EXACT, [metric("cold_build_release")])


def traced(of: str = MACHINE, copied: float = 800.0, **columns) -> pd.DataFrame:
    """A run of the trace pass only, whose workers have these figures."""
    runs = build_runs(STRATEGIES, ("glibc",), SIZES, 1)
    return typed(
        runs.assign(**{"pass": TRACE, "machine_id": of, "copied_bytes": copied}, **columns)
    )


def on_day(runs: pd.DataFrame, day: int) -> pd.DataFrame:
    return runs.assign(run_id=f"{MACHINE}-202501{day:02}T120000Z")


def measured(day: int, slower: float = 1.0, mood: float = 1.0) -> pd.DataFrame:
    """A measured run; slower: times of realloc_doubling; mood: of everything."""
    runs = build_runs(STRATEGIES, ("glibc", "jemalloc"), SIZES, 3, noise=0.02, seed=day)
    own = (runs["strategy"] == "realloc_doubling") & (runs["allocator"] == "glibc")
    factor = np.where(own, slower, 1.0) * mood
    for name in ("cold_build_ns", "cold_release_ns"):
        runs[name] = (runs[name] * factor).round()
    return on_day(runs, day)


def write(runs: pd.DataFrame, folder: Path, commit: str = "", **machine) -> Path:
    """A run's folder, with its machine.json."""
    write_runs(runs, folder / "runs.csv")
    described = {"machine_id": runs["machine_id"][0], "run_id": runs["run_id"][0], **machine}
    if commit:
        described["build"] = {"git_commit": commit}
    (folder / "machine.json").write_text(json.dumps(described))
    return folder


def taken(folders) -> list[reading.Taken]:
    return reading.read(folders, WANTED)


def found(folders, ordered=order.by_time) -> changes.History:
    runs = taken(folders)
    return changes.history(ordered(runs), changes.all_cells(runs), WANTED, times.THRESHOLD)


def of_copies(tmp_path, copied) -> list[Path]:
    """A run a day, each with these bytes copied in its larger cells of realloc_doubling."""
    made = []
    for day, value in enumerate(copied, start=1):
        runs = traced()
        own = (runs["strategy"] == "realloc_doubling") & (runs["rows"] >= 1000)
        runs.loc[own, "copied_bytes"] = value
        made.append(write(on_day(runs, day), tmp_path / f"day-{day}"))
    return made


def test_a_count_changes_since_the_first_run_that_has_the_new_figure(tmp_path):
    history = found(of_copies(tmp_path, [800, 800, 900, 900]))
    [row] = history.families.to_dict("records")
    assert (row["since"], row["last"], row["what"], row["change"]) == (2, 1, "copied", WORSE)
    assert (row["changed_count"], row["cell_count"], row["from_rows"]) == (2, 3, 1000)
    assert row["onwards"] and np.isnan(row["undone"])
    assert (row["before_low"], row["after_high"], row["ratio"]) == (800, 900, 1.125)
    assert list(history.changed_cells["rows"]) == [1000, 10_000]


def test_a_change_that_was_undone_is_two_and_says_so(tmp_path):
    history = found(of_copies(tmp_path, [800, 900, 900, 800, 800]))
    rows = history.families.to_dict("records")
    assert [(row["since"], row["change"]) for row in rows] == [(1, WORSE), (3, BETTER)]
    assert rows[0]["undone"] == 3 and np.isnan(rows[1]["undone"])


def test_what_got_worse_twice_and_then_better_than_ever_is_undone_as_a_whole(tmp_path):
    rows = found(of_copies(tmp_path, [800, 900, 1000, 700])).families.to_dict("records")
    assert [row["undone"] for row in rows[:2]] == [3, 3]
    rows = found(of_copies(tmp_path, [800, 900, 1000, 900])).families.to_dict("records")
    assert np.isnan(rows[0]["undone"]) and rows[1]["undone"] == 3


def test_unchanged_runs_have_no_change_point(tmp_path):
    history = found(of_copies(tmp_path, [800] * 6))
    assert history.families.empty and history.changed_cells.empty
    assert [one.exact.name for one in history.of_counts if one.compared] == ["copied"]


def test_a_run_that_lacks_a_cell_is_stepped_over(tmp_path):
    folders = of_copies(tmp_path, [800, 800, 900])
    runs = traced()
    write(on_day(runs[runs["strategy"] == "chunked_list"].reset_index(drop=True), 2), folders[1])
    [row] = found(folders).families.to_dict("records")
    assert (row["since"], row["last"], row["earliest"]) == (2, 0, 1)


def series(states: list[list[float]]) -> counts.Series:
    """One cell's workers, state by state."""
    return counts.Series(
        np.array([[min(state, default=np.nan)] for state in states]),
        np.array([[max(state, default=np.nan)] for state in states]),
        np.array([[float(len(state))] for state in states]),
    )


FAULTS = exact("page_faults")


@pytest.mark.parametrize(
    "states, since",
    [
        ([[10, 12, 11, 10, 12]] * 4, []),
        ([[10, 12, 11, 10, 12], [13, 15, 14, 13, 15]], []),  # no wider apart than each is wide
        ([[10, 12, 11, 10, 12], [15, 17, 16, 15, 17]], [1]),
        ([[10, 12, 11, 10, 12], [], [15, 17, 16, 15, 17]], [2]),
        ([[10, 12, 11, 10], [15, 17, 16, 15]], []),  # too few workers
        ([[10, 12, 11], [12, 10], [15, 17], [16, 16, 15], [15]], [2]),  # together they are enough
        ([[10, 12, 11], [12, 10], [15, 17], [16]], []),
        ([[10, 10, 10, 10, 10], [12] * 5, [10] * 5], [1, 2]),
        # The range is that of all since the last change, so what wavers does not change.
        ([[10] * 5, [10, 14, 10, 10, 10], [16] * 5, [10] * 5], []),
    ],
)
def test_counts_that_vary_change_where_ranges_of_enough_workers_are_apart(states, since):
    assert [one.since for one in counts.found_in(series(states), FAULTS)] == since


def test_counts_that_repeat_change_with_any_difference():
    [one] = counts.found_in(series([[10], [10], [11]]), exact("copied"))
    assert (one.last, one.since, one.low, one.change) == (1, 2, (10, 11), WORSE)
    [one] = counts.found_in(series([[10], [11]]), exact("realloc_in_place"))
    assert one.change == OTHER


def test_each_machine_has_its_own_history_of_pages_but_not_of_calls(tmp_path):
    def run(day: int, machine: str, faults: float, copied: float) -> Path:
        rows = build_runs(("chunked_list",), ("glibc",), (1000,), 5)
        rows["cold_build_minor_fault_count"] = faults
        both = pd.concat([rows, traced(copied=copied)], ignore_index=True)
        both = typed(both.assign(machine_id=machine, run_id=f"{machine}-202501{day:02}T000000Z"))
        return write(both, tmp_path / f"{day}")

    folders = [run(1, "a", 10, 8), run(2, "b", 50, 8), run(3, "a", 10, 8), run(4, "b", 60, 9)]
    rows = found(folders).families
    faults = rows[rows["what"] == "page_faults"].to_dict("records")
    assert [(row["since"], row["last"], row["place"]) for row in faults] == [(3, 1, "b")]
    assert set(rows.loc[rows["what"] == "copied", "since"]) == {3}
    assert (rows["what"] == "copied").sum() == len(STRATEGIES)


def test_of_several_machines_it_is_said_which(tmp_path, call_here):
    folders = []
    for day, machine, faults in ((1, "a", 10.0), (2, "b", 50.0), (3, "b", 60.0), (4, "a", 10.0)):
        rows = build_runs(("chunked_list",), ("glibc",), (1000,), 5)
        rows["cold_build_minor_fault_count"] = faults
        rows = rows.assign(machine_id=machine, run_id=f"{machine}-202501{day:02}T000000Z")
        folders.append(write(rows, tmp_path / f"{day}"))
    done = call_here("history", *folders)
    assert "page faults, ordinary pages +20.0% (chunked_list on glibc on b)" in done.stdout
    assert "1 change point (" in done.stdout and "Where" in done.stdout


def days(tmp_path, made) -> list[Path]:
    return [write(runs, tmp_path / f"day-{n:02}") for n, runs in enumerate(made)]


def test_ten_percent_slower_are_found_in_their_family_only(tmp_path):
    folders = days(tmp_path, [measured(n, 1.1 if n > 10 else 1.0) for n in range(1, 21)])
    history = found(folders)
    [row] = history.families.to_dict("records")
    assert (row["kind"], row["strategy"], row["allocator"]) == ("time", "realloc_doubling", "glibc")
    assert (row["since"], row["change"], row["p"] <= 0.05) == (10, WORSE, True)
    assert row["ratio"] == pytest.approx(1.1, abs=0.03)
    assert row["ratio_low"] < row["ratio"] < row["ratio_high"]
    assert history.in_time.hosts[0].visible < 1.1


def test_what_all_families_have_in_common_is_the_hosts(tmp_path):
    folders = days(tmp_path, [measured(n, mood=1.3 if n > 10 else 1.0) for n in range(1, 21)])
    history = found(folders)
    assert history.families.empty
    [(name, place, ratio)] = history.in_time.hosts[0].common_changes
    assert (name, place) == ("cold_build_release", 10) and ratio == pytest.approx(1.3, abs=0.02)


def test_changes_below_the_threshold_are_counted_and_not_told(tmp_path):
    folders = days(tmp_path, [measured(n, 1.04 if n > 10 else 1.0) for n in range(1, 21)])
    history = found(folders)
    assert history.families.empty and history.in_time.smaller == 1


def prices(factor: float) -> dict:
    """machine.json's `host`, of a host that is as much dearer."""
    ns = {"median_ns": 10.0 * factor, "min_ns": 9.0 * factor}
    return {"moments": [{"moment": "start", "prices": {"instruction": ns, "call": ns}}]}


def test_times_of_another_host_are_no_change(tmp_path):
    folders = [
        write(measured(n, 1.1 if n > 10 else 1.0), tmp_path / f"{n}", host=prices(1.0 + (n > 10)))
        for n in range(1, 21)
    ]
    history = found(folders)
    assert history.in_time.host_of_run == [1] * 10 + [2] * 10
    assert history.families.empty and [one.number for one in history.in_time.hosts] == [1, 2]


def test_runs_of_one_state_repeat_each_other_and_split_nowhere(tmp_path):
    folders = days(tmp_path, [measured(n, 1.3 if n > 7 else 1.0) for n in range(1, 13)])
    runs = taken(folders)
    number_of = {cell: n for n, cell in enumerate(runs[0].cells)}
    for first in (6, 9):
        states = [order.State("a", "", runs[:first]), order.State("b", "", runs[first:])]
        looked = times.in_time(states, WANTED.metrics, number_of)
        # The change lies after 7 runs: at a state's begin, and nowhere else.
        assert {one.since for one in looked.found} == {1}


def test_files_that_lack_a_column_put_all_on_the_older_one(tmp_path):
    older, newer = "warm_build_release_median_ns", "warm_build_release_p25_ns"
    made = []
    for n in range(1, 13):
        runs = measured(n)
        runs[newer] = runs[older] * 0.5 if n > 6 else np.nan
        made.append(runs)
    wanted = reading.Wanted([], [metric("warm_build_release")])
    runs = reading.read(days(tmp_path, made), wanted)
    history = changes.history(order.by_time(runs), changes.all_cells(runs), wanted, 0.05)
    assert history.in_time.by_older == ["warm_build_release"]
    assert history.families.empty and not history.in_time.hosts[0].common_changes


def test_runs_are_put_in_the_order_in_which_they_began(tmp_path):
    folders = of_copies(tmp_path, [800, 900, 900])
    ordered = order.by_time(taken(folders[::-1]))
    assert [state.label for state in ordered.states] == ["day-1", "day-2", "day-3"]
    assert "another order" in ordered.notes[0]
    assert order.by_time(taken(folders)).notes == []


def test_when_it_began_is_what_machine_json_says(tmp_path):
    folders = of_copies(tmp_path, [800, 900])
    write(on_day(traced(), 1), folders[0], run={"started_utc": "2025-02-01T00:00:00Z"})
    assert [state.label for state in order.by_time(taken(folders)).states] == ["day-2", "day-1"]


def test_a_copy_of_a_run_is_left_out(tmp_path):
    first, second = of_copies(tmp_path, [800, 900])
    again = write(on_day(traced(), 1), tmp_path / "copy")
    kept, notes = order.without_twins(taken([first, again, second]))
    assert [run.label for run in kept] == ["day-1", "day-2"]
    assert notes == ["copy is the run day-1 once more, and left out"]


def test_versions_are_in_their_own_order(tmp_path):
    told = {
        1: ("5.10", "x"),
        2: ("5.9", "y"),
        3: ("5.9", "z"),
        4: ("5.9", "y"),
        5: ("5.9-rc1", "w"),
    }
    folders = []
    for day, (version, build) in told.items():
        runs = on_day(traced(), day)
        runs["allocator_version"], runs["allocator_build_id"] = version, build
        folders.append(write(runs, tmp_path / f"day-{day}"))
    ordered = order.by_version(taken(folders), "glibc")
    assert [state.label for state in ordered.states] == ["5.9 (y)", "5.9 (z)", "5.9-rc1", "5.10"]
    assert [run.label for run in ordered.states[0].runs] == ["day-2", "day-4"]
    with pytest.raises(UsageError, match="day-1 does not say which version of jemalloc.*glibc"):
        order.by_version(taken(folders), "jemalloc")


class Repository:
    """A repository of git with a few commits."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self.git("init", "-q", "-b", "main")

    def git(self, *words: str) -> str:
        identity = {"NAME": "a", "EMAIL": "a@example.org", "DATE": "2025-01-01T00:00:00Z"}
        names = {
            f"GIT_{who}_{k}": v for who in ("AUTHOR", "COMMITTER") for k, v in identity.items()
        }
        done = subprocess.run(
            ["git", "-C", str(self.folder), *words],
            env={**os.environ, **names, "GIT_CONFIG_GLOBAL": "/dev/null"},
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    def commit(self, subject: str) -> str:
        self.git("commit", "-q", "--allow-empty", "-m", subject)
        return self.git("rev-parse", "--short=12", "HEAD")


@pytest.fixture
def repository(tmp_path) -> Repository:
    return Repository(tmp_path / "repository")


def built(tmp_path, commits) -> list[Path]:
    """A run a day of each of the commits; bytes copied are the number of the commit's place."""
    places = {name: n for n, name in enumerate(dict.fromkeys(commits))}
    return [
        write(on_day(traced(copied=places[name] + 1.0), day), tmp_path / f"day-{day}", name)
        for day, name in enumerate(commits, start=1)
    ]


def test_commits_come_after_their_parents_whenever_they_were_measured(tmp_path, repository):
    first, second, third = (repository.commit(name) for name in ("one", "two", "three"))
    folders = built(tmp_path, [third, first, second, first])
    ordered = order.by_commit(taken(folders), repository.folder)
    assert [state.label for state in ordered.states] == [first, second, third]
    assert [state.detail for state in ordered.states] == ["one", "two", "three"]
    assert [state.steps for state in ordered.states] == [None, 1, 1]
    assert [run.label for run in ordered.states[0].runs] == ["day-2", "day-4"]
    assert ordered.notes == [
        "the runs were given in another order, and have been put into this one"
    ]


def test_commits_between_are_counted_and_branches_are_told(tmp_path, repository):
    first = repository.commit("one")
    repository.commit("in between")
    third = repository.commit("three")
    repository.git("checkout", "-q", "-b", "side", first)
    side = repository.commit("aside")
    ordered = order.by_commit(taken(built(tmp_path, [first, third])), repository.folder)
    assert ordered.states[1].steps == 2 and ordered.notes == []
    ordered = order.by_commit(taken(built(tmp_path, [first, third, side])), repository.folder)
    assert None in [state.steps for state in ordered.states[1:]]
    assert any("different branches" in note for note in ordered.notes)


@pytest.mark.parametrize(
    "commit, message",
    [
        ("", "does not say which commit"),
        ("unknown", "does not say which commit"),
        ("--all", "does not say which commit"),
        ("{first}+", "with changes on top"),
        ("0123456789ab", "is not a commit of the repository"),
    ],
)
def test_a_run_of_no_commit_is_refused(tmp_path, repository, commit, message):
    first = repository.commit("one")
    folders = built(tmp_path, [first, commit.format(first=first)])
    with pytest.raises(UsageError, match=f"day-2 .*{message}"):
        order.by_commit(taken(folders), repository.folder)


def test_what_is_no_repository_is_refused(tmp_path, call_here):
    folders = built(tmp_path, ["0123456789ab", "0123456789ac"])
    for place in (tmp_path, tmp_path / "nowhere"):
        done = call_here("history", *folders, "--git", "--repository", place)
        assert done.returncode == 2 and "--repository" in done.stderr
        assert str(place) in done.stderr and done.stdout == ""


def test_a_history_by_commits_says_since_which(tmp_path, repository, call_here):
    first, second = repository.commit("one"), repository.commit("Copy once more")
    folders = built(tmp_path, [first, first, second])
    done = call_here("history", *folders, "--git", "--repository", repository.folder)
    assert done.returncode == 0
    assert f"since {second} (2025-01-03 12:00; Copy once more): worse: bytes copied" in done.stdout
    assert "3 runs of 2 states" in done.stdout
    done = call_here("history", *folders[:2], "--git", "--repository", repository.folder)
    assert done.returncode == 2 and f"all runs are of {first}" in done.stderr


@pytest.fixture
def nightly(tmp_path) -> list[Path]:
    return of_copies(tmp_path, [800, 800, 900, 900, 850])


def test_the_newest_change_is_said_first(nightly, call_here):
    done = call_here("history", *nightly)
    assert done.stderr == ""
    lines = done.stdout.splitlines()
    assert lines[0] == "history of 5 runs, day-1 to day-5, by when they began"
    assert lines[1].startswith("  2 change points (1 count of 12 cells looked at)")
    assert lines[2].startswith("  since day-5 (2025-01-05 12:00): better: bytes copied -5.6%")
    assert lines[3].startswith("  since day-3 (2025-01-03 12:00): worse: bytes copied +12.5%")
    assert "realloc_doubling on glibc from 1,000 rows on" in lines[3]
    assert done.returncode == 0


def test_all_formats_have_the_same_content(nightly, call_here, tmp_path):
    told = json.loads(call_here("history", *nightly, "--format", "json").stdout)
    assert list(told) == ["title", "exit_status", "sentences", "tables"]
    assert list(told["tables"]) == ["summary", "changes", "cells", "differences", "runs"]
    rows = told["tables"]["changes"]["rows"]
    assert [(row["since"], row["last"], row["change"]) for row in rows] == [
        ("day-5", "day-4", "better"),
        ("day-3", "day-2", "worse"),
    ]
    out = tmp_path / "cells.csv"
    done = call_here("history", *nightly, "--format", "csv", "--table", "cells", "--output", out)
    assert (done.returncode, done.stdout) == (0, "")
    cells = pd.read_csv(out)
    assert len(cells) == len(told["tables"]["cells"]["rows"]) == 4
    assert list(cells["before_low"]) == [900.0, 900.0, 800.0, 800.0]
    markdown = call_here("history", *nightly, "--format", "markdown", "--all").stdout
    assert markdown.startswith("## history of 5 runs") and markdown.count("\n### ") == 5
    for sentence in told["sentences"]:
        assert sentence.split(" (")[0] in markdown


@pytest.mark.parametrize(
    "arguments, status",
    [
        ([], 0),
        (["--fail-on", "worse"], 1),
        (["--fail-on", "worse", "--since", "day-4"], 0),
        (["--fail-on", "change", "--since", "day-4"], 1),
        (["--fail-on", "change", "--since", "2025-01-04"], 1),
        (["--fail-on", "worse", "--since", "2025-01-04"], 0),
        (["--fail-on", "worse", "--metric", "page_faults"], 3),
        (["--fail-on", "worse", "--strategy", "chunked_list"], 0),
    ],
)
def test_the_exit_status_is_what_was_asked_for(nightly, call_here, arguments, status):
    assert call_here("history", *nightly, *arguments).returncode == status


def test_what_was_undone_does_not_fail(tmp_path, call_here):
    folders = of_copies(tmp_path, [800, 900, 800])
    done = call_here("history", *folders, "--fail-on", "worse")
    assert done.returncode == 0 and "undone since day-3" in done.stdout


@pytest.mark.parametrize(
    "copied, since, status",
    [
        ([800, 900], 1, 1),
        ([800, 900, 800], 1, 0),
        ([900, 800, 900], 1, 0),
        ([800, 900, 1000, 800], 1, 0),
        ([800, 900, 700], 1, 1),
        ([800, 900, 800, 850], 1, 1),
        ([800, 900, 800], 3, 1),
    ],
)
def test_what_is_as_it_was_is_no_change(tmp_path, call_here, copied, since, status):
    folders = of_copies(tmp_path, copied)
    done = call_here("history", *folders, "--fail-on", "change", "--since", f"day-{since}")
    assert done.returncode == status


def test_what_else_is_new_stands_beside_the_change(tmp_path, call_here):
    folders = of_copies(tmp_path, [800, 900])
    runs = on_day(traced(copied=900.0), 2).assign(allocator_version="2.0")
    write(runs, folders[1], "0123456789ab", system={"kernel": "6.2"})
    write(on_day(traced(), 1), folders[0], "0123456789ac", system={"kernel": "6.1"})
    done = call_here("history", *folders)
    for part in ("kernel 6.1 → 6.2", "version of glibc 1.0 → 2.0", "git commit 0123456789ac → "):
        assert part in done.stdout


SIGNATURES = {"png": b"\x89PNG\r\n", "svg": b"<?xml", "pdf": b"%PDF-"}


def test_the_figure_is_the_same_each_time_in_all_formats(nightly, call_here, tmp_path):
    files = [tmp_path / f"history.{kind}" for kind in SIGNATURES]
    assert call_here("history", *nightly, "--plot", *files).returncode == 0
    before = [path.read_bytes() for path in files]
    for content, signature in zip(before, SIGNATURES.values()):
        assert content.startswith(signature)
    call_here("history", *nightly, "--plot", *files)
    assert [path.read_bytes() for path in files] == before
    svg = before[1].decode()
    assert svg.count('id="change') == 2 and "day-3" in svg


def test_the_figure_shows_times_as_well(tmp_path, call_here):
    folders = days(tmp_path, [measured(n, 1.2 if n > 10 else 1.0) for n in range(1, 21)])
    path = tmp_path / "history.svg"
    call_here("history", *folders, "--plot", path, "--style", "dark")
    assert path.read_text().count('id="level') >= 2


def test_nothing_to_draw_is_said(tmp_path, call_here):
    path = tmp_path / "history.png"
    done = call_here("history", *of_copies(tmp_path, [800, 800]), "--plot", path)
    assert done.returncode == 0 and "nothing to draw: nothing changed" in done.stderr
    assert not path.exists() and "nothing changed: of 1 count of 12 cells" in done.stdout


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["--since", "day-9"], "no run, commit, version or date is 'day-9'"),
        (["--since", "2026-01"], "no run, commit, version or date"),
        (["--metric", "copies"], "unknown metric 'copies'"),
        (["--table", "chances"], "unknown table 'chances'; did you mean changes?"),
        (["--format", "csv"], "a CSV file holds one table"),
        (["--threshold", "-1"], "--threshold"),
        (["--plot", "history.jpg"], "has to end in .png, .svg, .pdf"),
        (["--strategy", "none"], "no cell of strategy none"),
        (["--git", "--by-version", "glibc"], "not allowed with"),
    ],
)
def test_wrong_usage_is_said(nightly, call_here, arguments, message):
    done = call_here("history", *nightly, *arguments)
    assert (done.returncode, done.stdout) == (2, "") and message in done.stderr


def test_what_is_no_history_is_refused(nightly, call_here, tmp_path):
    done = call_here("history", nightly[0])
    assert done.returncode == 2 and "two runs at least" in done.stderr
    done = call_here("history", nightly[0], nightly[0])
    assert done.returncode == 2 and "two runs at least" in done.stderr
    (tmp_path / "empty").mkdir()
    done = call_here("history", *nightly, tmp_path / "empty")
    assert done.returncode == 2 and "empty/runs.csv: no such file" in done.stderr
    other = traced().replace({"strategy": {name: f"{name}_2" for name in STRATEGIES}})
    done = call_here("history", nightly[0], write(on_day(other, 9), tmp_path / "other"))
    assert done.returncode == 3 and "no cell has figures in two" in done.stderr


def test_a_run_that_does_not_say_when_it_began_is_refused(nightly, call_here, tmp_path):
    folder = write(traced().assign(run_id="some-run"), tmp_path / "some")
    done = call_here("history", *nightly, folder)
    assert done.returncode == 2 and "does not say when it began" in done.stderr


def test_an_older_schema_is_compared_on_what_it_has(tmp_path, call_here):
    folders = of_copies(tmp_path, [800, 900])
    table = pd.read_csv(folders[0] / "runs.csv", dtype=str, keep_default_na=False)
    table = table[[column.name for column in COLUMNS if column.since <= 2]].assign(schema_version=2)
    table.to_csv(folders[0] / "runs.csv", index=False, lineterminator="\n")
    done = call_here("history", *folders)
    assert done.returncode == 0 and "since day-2" in done.stdout


def test_cells_that_not_all_runs_have_are_told(nightly, call_here):
    runs = traced()
    write(on_day(runs[runs["rows"] < 1000].reset_index(drop=True), 2), nightly[1])
    done = call_here("history", *nightly)
    assert "4 of 12 cells are in all runs; 0 are in one only" in done.stdout


@pytest.mark.parametrize("count", [2, 9])
def test_warnings_of_runs_are_not_lost_in_whichever_process(tmp_path, call_here, count):
    folders = of_copies(tmp_path, [800] * count)
    for path in folders:
        (path / "machine.json").unlink()
    done = call_here("history", *folders)
    assert done.returncode == 0 and done.stderr.count("machine.json is not there") == count
    (folders[-1] / "runs.csv").write_text("rubbish\n1\n")
    done = call_here("history", *folders)
    assert done.returncode == 2 and "runs.csv, line 1" in done.stderr and done.stdout == ""


def test_names_of_runs_do_not_command_the_terminal(tmp_path, call_here):
    folders = of_copies(tmp_path, [800, 900])
    for path in folders:
        table = (path / "runs.csv").read_text().replace("glibc", "\033[31mred")
        (path / "runs.csv").write_text(table)
    done = call_here("history", *folders, "--all")
    assert "\033" not in done.stdout + done.stderr and "red" in done.stdout


def test_a_name_is_of_a_count_or_of_a_time():
    assert {one.name for one in METRICS if one.unit == "ns"}.isdisjoint(one.name for one in EXACT)


def test_of_each_cell_the_range_and_the_median_of_its_workers_are_kept(tmp_path):
    runs = build_runs(("chunked_list", "realloc_doubling"), ("glibc",), (100, 1000), 5)
    faults = np.arange(len(runs), dtype=float)
    runs["cold_build_minor_fault_count"] = faults
    runs.loc[0, "status"] = "crashed"
    [run] = taken([write(runs, tmp_path / "run")])
    figures, own = run.counts["page_faults"], run.times["cold_build_release"]
    ok = runs[runs["status"] == "ok"]
    assert len(figures.cell) == len(own.cell) == 4 == len(run.cells)
    for place, cell in enumerate(run.cells):
        rows = ok[(ok["strategy"] == cell[1]) & (ok["rows"] == cell[3])]
        at = list(figures.cell).index(place)
        told = rows["cold_build_minor_fault_count"]
        assert [part[at] for part in figures.ranges] == [told.min(), told.max(), len(rows)]
        median = (rows["cold_build_ns"] + rows["cold_release_ns"]).median()
        assert own.median[list(own.cell).index(place)] == median
