"""Copying patterns: known answers, and what the data do not say."""

import numpy as np
import pandas as pd
import pytest
from conftest import build_runs, fail
from full_runs import COPY
from pattern_runs import COSTS, NUMPY_CALL_NS, NUMPY_FACTOR, VIEW_NS, Cost, pattern_run

from growbench.analysis.limits import machine_limits
from growbench.analysis.patterns import (
    CHOICES,
    COLD,
    GROUPS,
    NEVER,
    NOT_RESOLVED,
    PAIRS,
    PATTERN_METRICS,
    PAYS,
    WARM,
    beside_ours,
    choices,
    crossovers_of_views,
    in_order,
    patterns,
)

SQUARE = [(512, 4096)]
BYTES = 512 * 4096


def table_of(runs: pd.DataFrame) -> pd.DataFrame:
    return patterns(runs, machine_limits(runs))


def one(table: pd.DataFrame, **values) -> dict:
    """The only row that has these values."""
    for key, value in values.items():
        table = table[table[key] == value]
    (row,) = table.to_dict("records")
    return row


def test_a_cell_is_the_median_over_its_workers_with_their_interval():
    runs = pattern_run(["c"], ["copy_contiguous"], ["glibc"], SQUARE, rounds=8)
    workers = np.sort(runs.loc[runs["pass"] == "pattern", "warm_scan_median_ns"].to_numpy())
    row = one(table_of(runs))
    assert row["warm_walk_median_ns"] == pytest.approx((workers[3] + workers[4]) / 2)
    # k = 1 for 8 workers.
    assert (row["warm_walk_ci_low_ns"], row["warm_walk_ci_high_ns"]) == (workers[0], workers[7])
    assert (row["worker_count"], row["ok_count"], row["status"]) == (8, 8, "ok")
    assert row["cold_walk_median_ns"] == np.median(
        runs.loc[runs["pass"] == "pattern", "cold_scan_ns"]
    )
    assert (row["group"], row["payload_bytes"]) == ("contiguous", BYTES)


def test_below_six_workers_there_is_no_interval():
    runs = pattern_run(["c"], ["copy_contiguous"], ["glibc"], SQUARE, rounds=5)
    row = one(table_of(runs))
    for metric in PATTERN_METRICS:
        assert not np.isnan(row[metric.column("median")])
        assert np.isnan(row[metric.column("ci_low")]) and np.isnan(row[metric.column("ci_high")])


def test_bandwidth_is_input_over_warm_time_and_its_share_that_of_the_copy_probe():
    runs = pattern_run(["c"], allocators=["glibc"], shapes=[(1024, 4096)], noise=0.0)
    table = table_of(runs)
    copy = one(table, strategy="copy_contiguous")
    payload = 1024 * 4096
    rate = payload / (0.1 * payload + VIEW_NS)
    assert copy["bytes_per_ns"] == pytest.approx(rate)
    # 4 MiB is a size that was probed.
    assert copy["copy_limit_bytes_per_ns"] == pytest.approx(COPY[payload])
    assert copy["copy_limit_share"] == pytest.approx(rate / COPY[payload])
    # What copies a part of its input, or adds, has no such limit; a view goes through nothing.
    assert np.isnan(one(table, strategy="copy_strided")["copy_limit_share"])
    assert one(table, strategy="add_in_place")["bytes_per_ns"] > 0
    assert np.isnan(one(table, strategy="transpose_view")["bytes_per_ns"])


def test_without_probes_there_is_no_limit():
    runs = pattern_run(["c"], ["copy_contiguous"], ["glibc"], SQUARE)
    row = one(table_of(runs[runs["pass"] != "probe"].reset_index(drop=True)))
    assert row["bytes_per_ns"] > 0 and np.isnan(row["copy_limit_share"])


def test_counts_come_from_the_trace_pass():
    runs = pattern_run(allocators=["glibc"], shapes=SQUARE)
    table = table_of(runs)
    for implementation in ("c", "numpy"):
        chain = one(table, implementation=implementation, strategy="add_chain")
        assert (chain["allocation_count"], chain["copied_bytes"]) == (3, 0)
        assert (chain["peak_requested_bytes"], chain["trace_status"]) == (BYTES, "ok")
        view = one(table, implementation=implementation, strategy="slice_view")
        assert (view["allocation_count"], view["copied_bytes"]) == (0, 0)
        assert one(table, implementation=implementation, strategy="slice_copy")["copied_bytes"] == (
            BYTES // 2
        )


def test_a_cell_that_could_not_be_traced_has_no_counts_and_says_so():
    runs = pattern_run(["c"], ["slice_copy", "slice_view"], ["glibc"], SQUARE)
    hidden = (runs["pass"] == "trace") & (runs["strategy"] == "slice_copy")
    untraced = fail(runs, hidden, "untraced")
    table = table_of(untraced)
    row = one(table, strategy="slice_copy")
    assert row["trace_status"] == "untraced" and np.isnan(row["allocation_count"])
    # Of several rows of a cell the one that is ok counts.
    both = table_of(pd.concat([untraced, runs[hidden]], ignore_index=True))
    assert one(both, strategy="slice_copy")["trace_status"] == "ok"
    without = table_of(runs[runs["pass"] == "pattern"].reset_index(drop=True))
    assert set(without["trace_status"]) == {""} and without["copied_bytes"].isna().all()
    assert list(without.columns) == list(table.columns)


def test_cells_that_failed_have_a_status_and_no_figures():
    runs = pattern_run(["c", "numpy"], ["slice_copy"], ["glibc"], SQUARE)
    of_pass = runs["pass"] == "pattern"
    runs = fail(runs, of_pass & (runs["implementation"] == "numpy"), "unavailable", "no NumPy")
    runs = fail(runs, of_pass & (runs["implementation"] == "c") & (runs["round"] == 2), "crashed")
    table = table_of(runs)
    gone = one(table, implementation="numpy")
    assert (gone["status"], gone["status_detail"], gone["ok_count"]) == (
        "unavailable",
        "no NumPy",
        0,
    )
    assert np.isnan(gone["warm_walk_median_ns"]) and np.isnan(gone["bytes_per_ns"])
    part = one(table, implementation="c")
    assert (part["status"], part["ok_count"], part["worker_count"]) == ("partial", 7, 8)


@pytest.mark.parametrize("of", [patterns, crossovers_of_views, beside_ours, choices])
def test_a_run_without_patterns_has_tables_without_rows(of):
    runs = build_runs(["chunked_list"], ["glibc"], [100], rounds=1)
    whole = pattern_run(rounds=1)
    arguments = [machine_limits(runs)] if of is patterns else []
    table = of(runs, *arguments)
    assert table.empty and list(table.columns) == list(of(whole, *arguments).columns)


def test_a_copy_pays_after_what_it_costs_over_what_each_walk_gains():
    runs = pattern_run(["c"], allocators=["glibc"], shapes=SQUARE, noise=0.0)
    table = crossovers_of_views(runs)
    for process, factor in ((WARM, 1.0), (COLD, 2.0)):
        blocked = one(table, pair="blocked transpose", process=process)
        # (0.2 ns a byte for the copy) / (0.45 - 0.05 ns a byte for each walk); cold all is double.
        assert blocked["walks"] == pytest.approx(0.5, rel=1e-4)
        assert blocked["copy_ns"] == pytest.approx(factor * 0.2 * BYTES, rel=1e-4)
        assert blocked["walk_ratio"] == pytest.approx(9.0, rel=1e-4)
        assert (blocked["view"], blocked["copy"]) == ("transpose_view", "transpose_copy_blocked")
        assert blocked["verdict"] == PAYS
    naive = one(table, pair="naive transpose", process=WARM)
    assert naive["walks"] == pytest.approx(1.5, rel=1e-4)
    assert one(table, pair="strided", process=WARM)["walks"] == pytest.approx(2.0, rel=1e-4)


def test_a_copy_that_is_walked_no_faster_never_pays():
    runs = pattern_run(["c"], ["slice_view", "slice_copy"], ["glibc"], SQUARE, rounds=8)
    row = one(crossovers_of_views(runs), process=WARM)
    assert row["verdict"] == NEVER and row["walk_ratio_ci_high"] < 1.0
    assert np.isnan(row["walks"]) and np.isnan(row["ci_low"]) and np.isnan(row["ci_high"])


def test_equal_walks_are_not_resolved_and_never_called_never():
    runs = pattern_run(["c"], ["reshape_view", "copy_contiguous"], ["glibc"], SQUARE, rounds=10)
    row = one(crossovers_of_views(runs), process=WARM)
    assert row["walk_ratio_ci_low"] < 1.0 < row["walk_ratio_ci_high"]
    assert row["verdict"] == NOT_RESOLVED


def test_few_rounds_resolve_nothing_and_figures_are_shown():
    runs = pattern_run(["c"], ["transpose_view", "reshape_copy"], ["glibc"], SQUARE, rounds=5)
    row = one(crossovers_of_views(runs), process=WARM)
    assert row["verdict"] == NOT_RESOLVED and row["walks"] == pytest.approx(0.5, rel=0.1)
    assert np.isnan(row["ci_low"]) and np.isnan(row["walk_ratio_ci_low"])


def test_the_interval_of_the_walks_covers_the_truth_and_is_finite_where_a_copy_pays():
    costs = {**COSTS, "slice_view": Cost(0.0, 0.03)}
    runs = pattern_run(
        ["c"], ["slice_view", "slice_copy"], ["glibc"], SQUARE, 20, noise=0.05, costs=costs
    )
    row = one(crossovers_of_views(runs), process=WARM)
    assert row["verdict"] == PAYS
    assert row["ci_low"] < 10.0 < row["ci_high"] < np.inf


def test_a_copy_that_is_no_dearer_pays_at_once():
    costs = {"transpose_view": Cost(0.3, 0.4), "reshape_copy": Cost(0.1, 0.1)}
    runs = pattern_run(["c"], list(costs), ["glibc"], SQUARE, costs=costs)
    row = one(crossovers_of_views(runs), process=WARM)
    assert (row["walks"], row["ci_low"], row["ci_high"], row["verdict"]) == (0, 0, 0, PAYS)


def test_crossovers_are_paired_by_round_and_cell():
    runs = pattern_run(noise=0.0, rounds=6)
    disturbed = (runs["pass"] == "pattern") & (runs["round"] == 3)
    for name in ("warm_build_release_median_ns", "warm_scan_median_ns"):
        runs.loc[disturbed, name] *= 100.0
    row = one(
        crossovers_of_views(runs),
        pair="blocked transpose",
        process=WARM,
        implementation="c",
        allocator="glibc",
        rows=512,
    )
    # A round in which all was slower changes neither the ratio nor its interval.
    assert row["ci_low"] == pytest.approx(row["ci_high"]) == pytest.approx(0.5, rel=1e-3)
    assert row["round_count"] == 6


def test_rounds_without_a_partner_or_a_figure_are_left_out():
    runs = pattern_run(["c"], ["transpose_view", "reshape_copy"], ["glibc"], SQUARE, rounds=9)
    view = (runs["pass"] == "pattern") & (runs["strategy"] == "transpose_view")
    runs = fail(runs, view & (runs["round"] == 1), "timeout")
    runs.loc[view & (runs["round"] == 2), "warm_scan_median_ns"] = np.nan
    runs.loc[view & (runs["round"] == 3), "warm_scan_median_ns"] = 0.0
    table = crossovers_of_views(runs)
    assert one(table, process=WARM)["round_count"] == 6
    assert one(table, process=COLD)["round_count"] == 8


def test_c_beside_numpy_is_a_ratio_of_pairs():
    runs = pattern_run(allocators=["glibc"], shapes=SQUARE, noise=0.0)
    table = beside_ours(runs)
    row = one(table, strategy="copy_contiguous", process=WARM)
    ours = 0.1 * BYTES + VIEW_NS
    assert row["ratio"] == pytest.approx(ours / (NUMPY_FACTOR * ours + NUMPY_CALL_NS))
    assert (row["other"], row["counterpart"], row["round_count"]) == ("numpy", "copy_contiguous", 8)


def test_both_ways_to_transpose_are_held_against_the_only_one_of_numpy():
    runs = pattern_run(allocators=["glibc"], shapes=SQUARE, noise=0.0)
    for other in ("transpose_copy", "transpose_copy_blocked"):
        renamed = runs.copy()
        theirs = (runs["implementation"] == "numpy") & (runs["strategy"] == "transpose_copy")
        renamed.loc[theirs, "strategy"] = other
        table = beside_ours(renamed)
        naive = one(table, strategy="transpose_copy_naive", process=WARM)
        blocked = one(table, strategy="transpose_copy_blocked", process=WARM)
        assert naive["counterpart"] == blocked["counterpart"] == other
        assert naive["ratio"] / blocked["ratio"] == pytest.approx(3.0, rel=1e-3)
        fused = one(table, strategy="add_chain_fused", process=WARM)
        assert fused["counterpart"] == "add_chain_in_one"


def test_choices_say_how_much_dearer_one_way_is():
    runs = pattern_run(["c"], allocators=["glibc"], shapes=SQUARE)
    row = one(choices(runs), choice="temporaries instead of one pass", process=WARM)
    assert row["ci_low"] <= 3.0 <= row["ci_high"] and row["ci_high"] < 3.3
    both = choices(pattern_run(allocators=["glibc"], shapes=SQUARE))
    assert set(both["choice"]) == {choice.name for choice in CHOICES}
    in_one = both[both["choice"] == "temporaries instead of one array"]
    assert set(in_one["implementation"]) == {"numpy"}


def test_unknown_patterns_come_last_and_have_a_group():
    assert in_order(["zz", "aa", "slice_copy", "copy_contiguous", "aa"]) == [
        "copy_contiguous",
        "slice_copy",
        "aa",
        "zz",
    ]
    costs = {"<b>": Cost(0.1, 0.1)}
    row = one(table_of(pattern_run(["c"], ["<b>"], ["=1"], SQUARE, costs=costs)))
    assert row["group"] == "other" and row["warm_walk_median_ns"] > 0


def test_every_pattern_that_is_paired_or_chosen_has_a_group():
    known = {name for names in GROUPS.values() for name in names}
    assert {name for pair in PAIRS for name in pair[1:3]} <= known
    assert {name for choice in CHOICES for name in choice[1:]} <= known
