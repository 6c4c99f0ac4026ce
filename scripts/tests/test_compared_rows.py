"""Comparisons of each kind of rows: copying patterns, single appends, threads, the article's; and
why what cannot be compared cannot."""

import numpy as np
import pandas as pd
import pytest
from conftest import build_runs, fail, typed, write_runs
from pattern_runs import pattern_run
from test_article import article_run

from growbench.analysis.doubts import ABSOLUTE
from growbench.analysis.summary import summarise
from growbench.comparison import doubted, pair, within
from growbench.comparison.exact import WORSE, changes
from growbench.comparison.run import Run
from growbench.comparison.same_machine import Settings, compare, in_blocks
from growbench.comparison.sharing import (
    HEADLINES_AND_PEAK,
    USUAL,
    cell_words,
    family_words,
    not_shared,
    other_versions,
    size_words,
    telling,
    usual_metrics,
)
from growbench.comparison.verdict import lost_table
from growbench.data.columns import CELL, COLUMNS, LATENCY, MEASURE, PATTERN, PROBE, TRACE
from growbench.data.metrics import BESIDE, COMPARED, METRICS, metric

PATTERNS = ("copy_contiguous", "transpose_view", "transpose_copy_blocked")
LARGE = ((512, 4096), (2048, 16_384))
LATENCIES = [metric(name) for name in ("latency_median", "latency_p99", "latency_p99_9")]


def of_patterns(seed: int, rounds: int = 10, **options) -> pd.DataFrame:
    options = {"patterns": PATTERNS, "allocators": ("glibc",), "shapes": LARGE} | options
    return pattern_run(rounds=rounds, noise=0.01, seed=seed, **options)


def planted(runs: pd.DataFrame, factor: float, columns: list[str], **where) -> pd.DataFrame:
    """The run with these columns of some cells multiplied."""
    mask = np.ones(len(runs), dtype=bool)
    for key, value in where.items():
        mask &= (runs[key] == value).to_numpy()
    runs = runs.copy()
    for column in columns:
        runs.loc[mask, column] = (runs.loc[mask, column] * factor).round()
    return runs


def appends(seed: int, rounds: int = 10, threads: int = 1) -> pd.DataFrame:
    """Rows of the latency pass alone."""
    runs = build_runs(
        ("realloc_doubling", "chunked_list"),
        ("glibc", "scudo"),
        (1000, 10_000),
        rounds,
        threads=threads,
    )
    made = runs[[c.name for c in COLUMNS if c.required] + ["cpu", "cpu_count"]].copy()
    noise = np.exp(np.random.default_rng(seed).normal(0.0, 0.01, len(made)))
    for column, ns in (("median", 20.0), ("p99", 40.0), ("p99_9", 900.0), ("max", 90_000.0)):
        made[f"latency_{column}_ns"] = ns * 10.0 * noise
    made["latency_max_ns"] = made["latency_max_ns"].round()
    made["pass"] = LATENCY
    return typed(made.reindex(columns=[column.name for column in COLUMNS]))


def slower(found) -> set[tuple]:
    """The families that are, with their metrics."""
    families = found.families[found.families["verdict"] == "slower"]
    return set(zip(families["metric"], families["implementation"], families["strategy"]))


# Metrics


def test_a_metric_knows_whose_rows_have_it():
    assert {one.passes for one in METRICS} == {(MEASURE, PATTERN)}
    assert {one.name: one.passes for one in BESIDE} == {
        "warm_scan": (PATTERN,),
        **{f"latency_{of}": (LATENCY,) for of in ("median", "p99", "p99_9", "max")},
    }
    names = [one.name for one in COMPARED]
    assert len(set(names)) == len(names) and set(USUAL) < set(names)


def test_the_summary_is_of_strategies_alone():
    runs = pd.concat([build_runs(["chunked_list"], ["glibc"], [1000]), appends(1), of_patterns(1)])
    summary = summarise(runs.reset_index(drop=True))
    assert len(summary) == 1
    assert not [name for name in summary if "latency" in name or "warm_scan" in name]


@pytest.mark.parametrize(
    "base, new, names",
    [
        ([MEASURE, LATENCY, TRACE], [MEASURE, LATENCY], HEADLINES_AND_PEAK),
        ([PATTERN, TRACE, PROBE], [PATTERN], (*HEADLINES_AND_PEAK, "warm_scan")),
        ([PATTERN, MEASURE], [PATTERN], (*HEADLINES_AND_PEAK, "warm_scan")),
        ([LATENCY], [LATENCY, MEASURE], ("latency_median", "latency_p99", "latency_p99_9")),
        # Where there is nothing to compare, nothing is asked that a reader does not know.
        ([PATTERN], [MEASURE], HEADLINES_AND_PEAK),
        ([PROBE], [PROBE], HEADLINES_AND_PEAK),
    ],
)
def test_without_a_metric_what_both_runs_have_rows_of_is_compared(base, new, names):
    runs = [pd.DataFrame({"pass": passes}) for passes in (base, new)]
    assert usual_metrics(runs) == list(names)


# Copying patterns


ALL_PATTERN_METRICS = [metric(name) for name in (*HEADLINES_AND_PEAK, "warm_scan")]


def test_equal_pattern_runs_have_nothing_slower():
    found = compare(of_patterns(1), of_patterns(2), ALL_PATTERN_METRICS)
    assert slower(found) == set()
    assert set(found.families["implementation"]) == {"c", "numpy"}
    assert set(found.families["metric"]) == {one.name for one in ALL_PATTERN_METRICS}


@pytest.mark.parametrize(
    "columns, name",
    [
        (["cold_build_ns", "cold_release_ns"], "cold_build_release"),
        (["warm_build_release_median_ns"], "warm_build_release"),
        (["warm_scan_median_ns"], "warm_scan"),
    ],
)
def test_a_slower_pattern_is_found_and_no_other(columns, name):
    new = planted(of_patterns(2), 1.2, columns, strategy="transpose_copy_blocked")
    found = compare(of_patterns(1), new, ALL_PATTERN_METRICS)
    assert slower(found) == {(name, "c", "transpose_copy_blocked")}
    cells = found.cells[found.cells["verdict"] == "slower"]
    assert sorted(cells["rows"]) == [512, 2048]
    assert cells["ratio"].to_numpy() == pytest.approx(1.2, rel=0.05)


def test_a_result_that_the_reading_cannot_tell_has_no_peak_whatever_its_input():
    """reduce_rows makes 1% of its input: 335,544 bytes at most, where the error is 126,976."""
    options = {"patterns": ("reduce_rows", "copy_contiguous", "transpose_view")}
    found = compare(of_patterns(1, **options), of_patterns(2, **options), [metric("peak_memory")])
    assert set(found.families["strategy"]) == {"copy_contiguous"}
    # If it becomes as large as its input, it can be told: from that side's reading.
    new = of_patterns(2, **options)
    is_sum = (new["strategy"] == "reduce_rows") & (new["pass"] == PATTERN)
    new.loc[is_sum, "peak_memory_bytes"] = new.loc[is_sum, "payload_bytes"]
    found = compare(of_patterns(1, **options), new, [metric("peak_memory")])
    assert {family[2] for family in slower(found)} == {"reduce_rows"}


def test_a_view_that_became_a_copy_is_found_by_its_counts():
    base, new = of_patterns(1, rounds=6), of_patterns(2, rounds=6)
    view = (new["strategy"] == "transpose_view") & (new["implementation"] == "c")
    for runs, bytes_each in ((base, 0.0), (new, 1.0)):
        payload = runs["payload_bytes"] * bytes_each
        runs.loc[view, "peak_memory_bytes"] = payload[view].where(runs["pass"] == PATTERN)
        traced = view & (runs["pass"] == TRACE)
        runs.loc[traced, ["copied_bytes", "peak_requested_bytes"]] = payload[traced]
    new.loc[view & (new["pass"] == PATTERN), "cold_build_minor_fault_count"] += 4096
    found = changes([base], [new]).families
    worse = found[found["change"] == WORSE]
    assert set(worse["strategy"]) == {"transpose_view"}
    assert set(worse["exact"]) == {"copied", "peak_requested", "page_faults", "peak_memory"}


def test_doubts_are_told_of_patterns_too():
    times = ["cold_build_ns", "cold_release_ns"]
    new = planted(of_patterns(2), 2.0, times, strategy="copy_contiguous", implementation="c")
    states = (new["strategy"] == "copy_contiguous") & (new["rows"] == 512)
    states &= (new["implementation"] == "c") & (new["round"] % 2 == 0)
    new.loc[states, times] *= 1.5
    base = of_patterns(1)
    cells = compare(base, new, [metric("cold_build_release")]).cells
    cells = cells[cells["verdict"] == "slower"]
    (note,) = doubted.of_cells(cells, [Run("old", base), Run("new", new)], ABSOLUTE)
    assert note.startswith("of 2 cells of the families that moved 1")


# Single appends


def test_a_slower_percentile_is_found_in_its_own_metric():
    new = planted(appends(2), 1.5, ["latency_p99_ns"], strategy="chunked_list")
    found = compare(appends(1), new, LATENCIES)
    assert slower(found) == {("latency_p99", "c", "chunked_list")}
    assert set(found.families["metric"]) == {one.name for one in LATENCIES}
    # There are no times of builds in these rows.
    assert compare(appends(1), new, [metric("cold_build_release")]).families.empty


def test_rows_of_one_pass_never_count_for_another():
    """A worker of somebody else's may fill columns that are not of its pass."""
    base = pd.concat([build_runs(["chunked_list"], ["glibc"], [1000]), appends(1)])
    new = base.copy()
    new.loc[new["pass"] == LATENCY, ["cold_build_ns", "cold_release_ns"]] = 1e9
    found = compare(base, new, [metric("cold_build_release")])
    assert set(found.cells["ratio"]) == {1.0}


def test_a_cell_is_lost_in_the_passes_that_were_asked_for():
    crashed = fail(appends(2), appends(2)["strategy"] == "chunked_list", "crashed")
    strategies = build_runs(["chunked_list", "realloc_doubling"], ["glibc"], [1000])
    base = pd.concat([appends(1), strategies], ignore_index=True)
    new = pd.concat([crashed, strategies], ignore_index=True)
    assert compare(base, new, [metric("cold_build")]).lost.empty
    found = compare(base, new, [metric("cold_build"), metric("latency_p99")])
    assert len(found.lost) == 4 and set(found.lost["pass"]) == {LATENCY}


def test_experiments_have_blocks_of_every_kind_of_rows():
    assert [len(block) for block in in_blocks(appends(1, rounds=12), 6)] == [48, 48]
    assert [len(block) for block in in_blocks(of_patterns(1, rounds=12), 6)] == [72, 72]


def test_an_experiment_of_other_rows_gives_no_threshold():
    same = build_runs(["chunked_list"], ["base", "new"], [1000])
    request = pair.Request(LATENCIES)
    settings, origin = pair.settings_for(request, same, False, [appends(1), appends(2)])
    assert settings == Settings() and "has no such rows" in origin
    of_appends = appends(1).replace({"allocator": {"glibc": "base", "scudo": "new"}})
    _, origin = pair.settings_for(request, of_appends, False, [appends(1), appends(2)])
    assert "1 A/A pairs of 10 rounds" in origin


# Threads, and what else tells cells apart


def test_cells_of_several_threads_are_told_apart():
    cells = pd.concat(
        build_runs(["chunked_list"], ["glibc"], [1000], rounds=1, threads=count)[list(CELL)]
        for count in (1, 4)
    )
    assert telling(cells) == ["threads"]
    words = [size_words(cell, telling(cells)) for cell in cells.to_dict("records")]
    assert words == ["1,000 rows, 1 thread", "1,000 rows, 4 threads"]
    other = cells.assign(row_bytes=[8, 80], work=["cheap", "random"])
    words = [size_words(cell, telling(other)) for cell in other.to_dict("records")]
    assert words == [
        "1,000 cheap rows of 8 bytes, 1 thread",
        "1,000 random rows of 80 bytes, 4 threads",
    ]
    assert list(map(cell_words, other.to_dict("records"))) == [
        "chunked_list on glibc, 1,000 rows of 8 bytes",
        "chunked_list on glibc, 1,000 random rows of 80 bytes, 4 threads",
    ]
    (of_numpy,) = other[:1].assign(implementation="numpy").to_dict("records")
    assert family_words(of_numpy) == "numpy chunked_list on glibc"
    assert telling(cells[:1]) == [] and size_words(cells[:1].to_dict("records")[0], []) == (
        "1,000 rows"
    )


def of_threads(seed: int) -> pd.DataFrame:
    sizes = (1000, 10_000)
    return pd.concat(
        [
            build_runs(["chunked_list"], ["glibc"], sizes, threads=n, noise=0.01, seed=seed + n)
            for n in (1, 4)
        ],
        ignore_index=True,
    )


def test_what_is_slower_with_several_threads_only_is_found_there():
    times = ["cold_build_ns", "cold_release_ns"]
    new = planted(of_threads(20), 1.5, times, threads=4)
    found = compare(of_threads(10), new, [metric("cold_build_release")])
    cells = found.cells[found.cells["verdict"] == "slower"]
    assert list(cells["threads"]) == [4, 4]
    lost = compare(of_threads(10), fail(new, new["rows"] == 1000, "crashed"), COMPARED).lost
    names = [column.name for column in lost_table(lost).columns]
    assert "threads" in names and "pass" not in names and "work" not in names


# What cannot be compared, and why


def test_what_only_one_side_has_rows_of_is_said():
    strategies, copies = build_runs(["chunked_list"], ["glibc"], [1000]), of_patterns(1)
    assert not_shared(strategies, copies, ("a", "b")) == [
        "a has times of strategies (1 cells), b has none",
        "b has times of copying patterns (12 cells), a has none",
    ]
    both = pd.concat([strategies, appends(1)])
    assert not_shared(both, strategies, ("a", "b")) == [
        "a has times of single appends (8 cells), b has none"
    ]
    assert not_shared(both, strategies, ("a", "b"), (MEASURE,), (MEASURE,)) == []
    probes = copies[copies["pass"] == PROBE]
    assert not_shared(probes, copies, ("a", "b")) == [
        "a has no times that can be compared: all its rows are of probe",
        "b has times of copying patterns (12 cells), a has none",
    ]


def test_the_cells_of_a_pass_are_looked_at_where_it_was_asked_for():
    base = appends(1)
    new = base[base["rows"] == 1000]
    assert not_shared(base, new, ("a", "b")) == []
    assert not_shared(base, new, ("a", "b"), (LATENCY,)) == [
        "4 of 8 cells of a have no figures in b: rows 10k"
    ]


def test_cells_that_nothing_tells_apart_lack_figures_by_their_status():
    base = of_patterns(1)
    cell = (base["strategy"] == "copy_contiguous") & (base["rows"] == 512)
    cell &= (base["implementation"] == "numpy") & (base["pass"] == PATTERN)
    assert not_shared(base, fail(base, cell, "skipped_budget"), ("a", "b")) == [
        "1 of 12 cells of a have no figures in b: 1 skipped_budget"
    ]


def test_another_version_of_an_implementation_is_told():
    def run(version: str) -> pd.DataFrame:
        runs = of_patterns(1)
        runs.loc[runs["implementation"] == "numpy", "implementation_version"] = version
        return runs

    old, new = run("NumPy 1.24.2, CPython 3.11.2"), run("NumPy 2.2.0, CPython 3.13.1")
    assert other_versions(old, old, ("a", "b")) == []
    assert other_versions(old, new, ("a", "b")) == [
        "NumPy is NumPy 1.24.2, CPython 3.11.2 in a and NumPy 2.2.0, CPython 3.13.1 in b"
    ]
    # What one of them does not have is told elsewhere.
    assert other_versions(old, new[new["implementation"] == "c"], ("a", "b")) == []


# The command


@pytest.fixture
def compared(call_here, tmp_path):
    """What `growbench compare` says of two tables of rows: exit status, text."""

    def run(base: pd.DataFrame, new: pd.DataFrame, *arguments: str):
        paths = [tmp_path / name / "runs.csv" for name in "ab"]
        for path, rows in zip(paths, (base, new)):
            write_runs(rows, path)
        done = call_here("compare", *paths, *arguments)
        return done.returncode, done.stdout + done.stderr

    return run


def test_pattern_runs_are_compared_without_being_asked_for_a_metric(compared):
    new = planted(of_patterns(2), 1.3, ["warm_scan_median_ns"], strategy="transpose_view")
    status, text = compared(of_patterns(1), new)
    # What is exact of a pattern is as it was, and one run a side is no regression by time.
    assert status == 0, text
    assert "exactly, nothing changed" in text
    assert "2 of 6 families moved, 2 of them slower" in text
    assert text.count("warm scan time +") == 2


def test_latencies_are_compared_where_there_is_nothing_else_or_when_asked_for(compared):
    new = planted(appends(2), 1.5, ["latency_p99_ns"], strategy="chunked_list")
    status, text = compared(appends(1), new)
    # Of single appends nothing is exact.
    assert status == 4 and "append, 99th percentile +" in text
    strategies = build_runs(["chunked_list"], ["glibc"], [1000], noise=0.01)
    base, beside = (pd.concat([strategies, rows], ignore_index=True) for rows in (appends(1), new))
    status, text = compared(base, beside)
    assert status == 4 and "append" not in text, text
    said = "a has times of single appends (8 cells), b has none"
    assert said in compared(base, strategies)[1]
    assert said not in compared(base, strategies, "--metric", "cold_build")[1]
    status, text = compared(base, beside, "--metric", "latency_p99")
    assert status == 4 and "append, 99th percentile +" in text


@pytest.mark.parametrize(
    "base, new, arguments, status, words",
    [
        (
            build_runs(["chunked_list"], ["glibc"], [1000]),
            of_patterns(1),
            [],
            3,
            "b has times of copying patterns",
        ),
        (appends(1), of_patterns(1), [], 3, "a has times of single appends"),
        (
            of_patterns(1),
            of_patterns(1)[lambda rows: rows["pass"] == PROBE],
            [],
            3,
            "all its rows are of probe",
        ),
        (
            pd.concat([of_patterns(1), appends(1)]),
            of_patterns(2),
            ["--metric", "latency_p99", "cold_build"],
            4,
            "append, 99th percentile: not compared",
        ),
    ],
)
def test_what_is_not_comparable_is_said_with_the_reason(
    compared, base, new, arguments, status, words
):
    done, text = compared(base, new, *arguments)
    assert done == status and words in text, text


@pytest.mark.parametrize(
    "runs, status, reason",
    [
        (of_patterns(1), 0, "exactly, nothing changed: 6 counts of 12 cells"),
        (appends(1), 3, "have no measured cell in common"),
        (
            pd.concat([build_runs(["chunked_list"], ["glibc"], [1000]), appends(1)]),
            0,
            "Not compared: latency_max, of which only runs of one machine are.",
        ),
    ],
)
def test_between_machines_there_is_a_reason_too(compared, runs, status, reason):
    other = runs.assign(machine_id="server-64cpu")
    done, text = compared(runs, other, "--metric", "latency_max", "cold_build_release")
    assert done == status and reason in text, text


# Ratios within each run


def within_of(base: pd.DataFrame, new: pd.DataFrame, everything: bool = False):
    return within.ratios(Run("a", base), Run("b", new), everything)


def of_article(ratio: float, mood: float = 1.0) -> pd.DataFrame:
    """The ratios of the rounds vary, warm ones too; on a machine that takes `mood` as long."""
    runs = article_run(ratio, spread=0.05)
    runs["cold_build_ns"] *= mood
    varied = np.where(runs["strategy"] == "loop_and_append", 1.0 + runs["round"] / 100.0, 1.0)
    runs["warm_build_release_median_ns"] *= mood * varied
    return runs


def test_the_articles_ratio_is_told_of_both_runs_whatever_the_machine_did():
    found = within_of(of_article(24.0), of_article(24.0, mood=3.0))
    # Two implementations, two allocators, cold and warm.
    assert "8 of 8 are alike" in found.sentences[0]
    # By hand: rounds go from 0.95 to 1.05 times 24; of 8 the interval is all there is.
    assert found.sentences[2] == (
        f"{within.ARTICLE} takes NumPy on glibc 24.0 times as long (22.8 to 25.2) in a, "
        "24.0 times as long (22.8 to 25.2) in b"
    )
    (table,) = found.tables
    assert len(table.frame) == 8 and set(table.frame["alike"]) == {"yes"}
    found = within_of(of_article(24.0), of_article(12.0))
    assert "6 of 8 are alike" in found.sentences[0]
    (table,) = found.tables
    differ = table.frame[table.frame["alike"] == "no"]
    assert set(differ["implementation"]) == {"numpy"} and set(differ["process"]) == {"cold"}


def test_of_patterns_the_choices_that_differ_are_shown():
    ways = {"patterns": ("transpose_copy_naive", "transpose_copy_blocked")}
    base, new = of_patterns(1, **ways), of_patterns(2, **ways)
    found = within_of(base, new)
    assert "4 of 4 are alike" in found.sentences[0] and not found.tables
    assert len(within_of(base, new, True).tables[0].frame) == 4
    times = ["warm_build_release_median_ns"]
    found = within_of(base, planted(new, 1.2, times, strategy="transpose_copy_naive"))
    (table,) = found.tables
    assert set(table.frame["process"]) == {"warm"} and len(table.frame) == 2
    assert any("not shown: 2" in note for note in table.notes)


def test_where_runs_have_no_such_ratio_or_it_was_not_read_nothing_is_told():
    strategies = build_runs(["chunked_list", "loop_and_append"], ["glibc"], [1000])
    assert within_of(strategies, strategies) == within.Ratios()
    unread = of_patterns(1).drop(columns="cold_release_ns")
    assert within_of(unread, unread) == within.Ratios()
    few = article_run(24.0, rounds=3)
    assert within_of(few, few) == within.Ratios()
