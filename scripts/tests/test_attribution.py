"""The model of where the time goes, against numbers worked out by hand."""

import re
from typing import Sequence

import numpy as np
import pandas as pd
import pytest
from conftest import ALLOCATORS, build_runs
from full_runs import full_run, probe_row

from growbench.analysis.attribution import PARTS, attribute, copy_cost, explained
from growbench.data.columns import COLUMNS
from growbench.analysis.instructions import with_instructions
from growbench.analysis.limits import Costs, machine_limits
from growbench.analysis.summary import summarise
from growbench.analysis.why import cell_text

COSTS = {
    ("append", 80): 5.0,
    ("touch", 4096): 1000.0,
    ("untouch", 4096): 100.0,
    ("mmap_munmap", 4096): 2000.0,
    ("mremap", 4096): 700.0,
    ("mremap_grow", 4096): 300.0,
    ("brk", 131_072): 100.0,
    ("mprotect", 4096): 600.0,
    ("system_call", 1): 50.0,
    ("malloc_run", 64): 30.0,
    ("malloc_free", 64): 20.0,
    ("free_run", 64): 15.0,
    ("realloc_in_place", 64): 12.0,
    ("store", 1000): 50.0,
    ("store", 1_000_000): 50_000.0,
    ("store", 100_000_000): 9_000_000.0,
}
_NAMES = [column.name for column in COLUMNS]
TRACED = [
    name
    for name in _NAMES[_NAMES.index("checksum") + 1 : _NAMES.index("latency_append_count")]
    if name.endswith(("_count", "_bytes"))
]
FLAT_COPY = {("copy", 1000): 100.0, ("copy", 1_000_000): 100_000.0}


def limits_of(costs: dict) -> pd.DataFrame:
    rows = [probe_row(name, "glibc", size, 1, ns) for (name, size), ns in costs.items()]
    return machine_limits(pd.DataFrame(rows, columns=[column.name for column in COLUMNS]))


def one_traced(threads: int = 1, faults: int = 10, **counts: float) -> pd.DataFrame:
    """A run of one cell, 1000 rows of 80 bytes, with these counts in its trace row and else 0."""
    runs, _ = full_run(["realloc_doubling"], ["glibc"], [1000], 3, threads=[threads], noise=0.0)
    runs.loc[runs["pass"] == "measure", "cold_build_ns"] = 100_000.0
    runs.loc[runs["pass"] == "measure", "cold_build_minor_fault_count"] = float(faults)
    runs.loc[runs["pass"] == "trace", TRACED] = 0.0
    for name, value in counts.items():
        assert name in TRACED
        runs.loc[runs["pass"] == "trace", name] = float(value)
    return runs


def only_cell(runs: pd.DataFrame, costs: dict) -> pd.Series:
    table = attribute(runs, summarise(runs), limits_of(costs))
    assert len(table) == 1
    return table.iloc[0]


def test_each_part_is_its_counts_times_their_costs():
    runs = one_traced(
        malloc_count=7,
        calloc_count=1,
        realloc_count=6,
        free_count=5,
        realloc_in_place_count=2,
        realloc_moved_count=3,
        realloc_remapped_count=1,
        realloc_moved_bytes=3000,
        realloc_remapped_bytes=1000,
        strategy_copied_bytes=500,
        copied_bytes=2500,
        allocator_mmap_count=2,
        allocator_munmap_count=1,
        strategy_mmap_count=1,
        allocator_mremap_count=3,
        allocator_mprotect_count=1,
        strategy_mprotect_count=2,
        allocator_brk_count=3,
        allocator_madvise_count=1,
        allocator_unmapped_bytes=3 * 4096,
    )
    cell = only_cell(runs, {**COSTS, **FLAT_COPY})
    assert cell["write_ns"] == 1000 * 5
    # 0.1 ns a byte at every size: 2000 bytes by realloc, 500 by the strategy.
    assert cell["copy_ns"] == pytest.approx(250.0)
    assert cell["fault_ns"] == 10 * 1000
    # New blocks: 7 + 1, and the one realloc of nothing; 5 of these 9 were freed.
    assert cell["allocator_ns"] == 4 * 30 + 5 * 10 + 5 * 15 + 2 * 12 + 3 * 20
    assert cell["system_ns"] == 3 * 100 + 4 * 1000 + 700 + 2 * 300 + 3 * 600 + 3 * 50 + 50
    total = sum(cell[part.name] for part in PARTS)
    assert cell["rest_ns"] == pytest.approx(100_000 - total)
    assert cell["explained_share"] == pytest.approx(total / 100_000)
    assert cell["allocator_call_count"] == 19 and cell["system_call_count"] == 14
    assert cell["copy_amplification"] == 2500 / 80_000
    assert cell["unknown_parts"] == "" and cell["trace_status"] == "ok"


def test_the_floor_is_to_write_the_rows_and_touch_their_pages():
    cell = only_cell(one_traced(), {**COSTS, **FLAT_COPY})
    assert cell["floor_ns"] == 1000 * 5 + 20 * 1000  # 80,000 bytes: 19.5 pages
    assert cell["floor_ratio"] == 4.0


def test_pages_that_were_never_touched_cost_nothing_to_give_back():
    runs = one_traced(faults=10, allocator_unmapped_bytes=1000 * 4096)
    assert only_cell(runs, {**COSTS, **FLAT_COPY})["system_ns"] == 10 * 100


def test_more_is_explained_than_was_measured_where_the_model_is_too_slow():
    cell = only_cell(one_traced(faults=200), {**COSTS, **FLAT_COPY})
    assert cell["explained_share"] == pytest.approx(2.05) and cell["rest_ns"] < 0


@pytest.mark.parametrize(
    "faults, live, price",
    # All that is touched is live; less is live than is touched; neither is beyond the probes.
    [(10, 10**9, 100.0), (1000, 10 * 4096, 100.0), (1000, 10**9, 200.0), (100, 10**9, 150.0)],
)
def test_a_page_costs_what_it_does_where_so_much_is_touched(faults, live, price):
    touch = {("touch", 10 * 4096): 100.0, ("touch", 1000 * 4096): 200.0}
    costs = {key: ns for key, ns in {**COSTS, **FLAT_COPY}.items() if key[0] != "touch"}
    cell = only_cell(one_traced(faults=faults, peak_moving_bytes=live), {**costs, **touch})
    assert cell["fault_ns"] == pytest.approx(faults * price)
    payload = 100.0 + 100.0 * np.log(80_000 / 40_960) / np.log(100)
    assert cell["floor_ns"] == pytest.approx(1000 * 5 + 20 * payload)


def test_a_block_that_moved_by_mremap_is_priced_by_its_size():
    runs = one_traced(
        realloc_count=2,
        realloc_moved_count=2,
        realloc_remapped_count=2,
        realloc_moved_bytes=2 * 10**5,
        realloc_remapped_bytes=2 * 10**5,
        allocator_mremap_count=2,
    )
    sized = {("mremap", 10**4): 1000.0, ("mremap", 10**6): 3000.0}
    costs = {key: ns for key, ns in COSTS.items() if key[0] != "mremap"}
    assert only_cell(runs, {**costs, **sized})["system_ns"] == pytest.approx(2 * 2000)


@pytest.mark.parametrize("threads, at_once", [(2, 2), (4, 2)])
def test_threads_share_the_cpus(threads, at_once):
    cell = only_cell(one_traced(threads, faults=12), {**COSTS, **FLAT_COPY})
    assert cell["write_ns"] == 1000 * threads * 5 / at_once
    assert cell["fault_ns"] == 12 * 1000 / at_once
    assert cell["floor_ns"] == (1000 * 5 + 20 * 1000) * threads / at_once


def rising(size: float) -> float:
    """1 ns a byte up to 1000 bytes, 4 from 1000000 on, and between them linear in the logarithm."""
    return float(np.interp(np.log(size), np.log([1e3, 1e6]), [1.0, 4.0]))


def test_the_cost_of_copying_follows_the_sizes_of_the_blocks():
    costs = Costs(limits_of({("copy", 1000): 1000.0, ("copy", 1_000_000): 4_000_000.0}))

    def cost(largest: float, mean: float) -> float:
        return float(copy_cost(np.array([largest]), np.array([mean]), costs)[0])

    # All blocks as large as the largest: its cost.
    assert cost(31_623.0, 31_623.0) == pytest.approx(rising(31_623), rel=0.01)
    # Beyond what was probed it is constant.
    assert cost(500.0, 250.0) == 1.0
    assert cost(1e12, 0.98e12) == pytest.approx(4.0)
    # Each append copies what there is: sizes 1 to n. Doubling: 1, 2, 4, ...; summed up in full.
    sizes = np.arange(1.0, 1e5)
    exact = sum(s * rising(s) for s in sizes) / sizes.sum()
    assert cost(1e5, sizes.mean()) == pytest.approx(exact, rel=0.02)
    sizes = 2.0 ** np.arange(17)
    exact = sum(s * rising(s) for s in sizes) / sizes.sum()
    assert cost(2.0**16, sizes.mean()) == pytest.approx(exact, rel=0.05)


def test_a_cell_that_could_not_be_traced_keeps_what_is_known():
    runs = one_traced(malloc_count=1)
    trace = runs["pass"] == "trace"
    runs.loc[trace, "status"] = "untraced"
    runs.loc[trace, TRACED] = np.nan
    cell = only_cell(runs, {**COSTS, **FLAT_COPY})
    assert cell["trace_status"] == "untraced"
    assert cell["unknown_parts"] == "copy_ns;allocator_ns;system_ns"
    assert cell["write_ns"] == 5000 and cell["explained_share"] == pytest.approx(0.15)
    # Of system calls alone they are unknown, and not none; a cost that is not needed is not missed.
    runs = one_traced()
    runs.loc[trace, "allocator_mmap_count"] = np.nan
    cell = only_cell(runs, COSTS)
    assert cell["unknown_parts"] == "system_ns" and np.isnan(cell["system_call_count"])
    assert cell["copy_ns"] == 0


def test_a_run_of_one_pass_has_nothing_to_say():
    runs = build_runs(["chunked_list"], ["glibc"], [10, 1000], rounds=2)
    table = attribute(runs, summarise(runs), machine_limits(runs))
    assert len(table) == 2 and table["explained_share"].isna().all()
    assert table["cold_build_ns"].notna().all() and (table["trace_status"] == "").all()


def test_the_goal_counts_our_kernels_from_100_us_on():
    table = pd.DataFrame(
        {
            "implementation": ["c"] * 5 + ["cpp"],
            "cold_build_ns": [1e5, 1e6, 1e6, 1e6, 99_999.0, 1e6],
            "explained_share": [0.75, 1.25, 1.0, 1.26, 1.0, 1.0],
            "unknown_parts": ["", "", "copy_ns", "", "", ""],
        }
    )
    found = explained(table)
    assert (len(found.cells), found.within, found.unknown) == (3, 2, 1)
    assert "in 2 of 3 cold C cells of 100 \u00b5s and more (67%)" in found.text()
    assert "1 more have parts that are unknown" in found.text()


def test_without_sight_of_system_calls_nothing_moved_is_nothing_copied():
    runs = one_traced()
    runs.loc[runs["pass"] == "trace", ["realloc_remapped_count", "realloc_remapped_bytes"]] = np.nan
    assert only_cell(runs, {**COSTS, **FLAT_COPY})["copy_ns"] == 0.0


def test_a_made_up_run_is_explained_by_what_it_is_made_of():
    runs, _ = full_run(["loop_and_append", "realloc_doubling", "chunked_list"], noise=0.0, rounds=1)
    found = explained(attribute(runs, summarise(runs), machine_limits(runs)))
    assert len(found.cells) > 30 and found.within >= 0.9 * len(found.cells)


def test_a_page_is_priced_at_the_workers_own_moment_where_it_is_known():
    runs = one_traced(faults=10)
    runs.loc[runs["pass"] == "measure", "touch_page_ns"] = [2000.0, 3000.0, 9000.0]
    cell = only_cell(runs, COSTS)
    assert cell["fault_ns"] == pytest.approx(10 * 3000.0)
    runs.loc[runs["pass"] == "measure", "touch_page_ns"] = np.nan
    assert only_cell(runs, COSTS)["fault_ns"] == pytest.approx(10 * COSTS[("touch", 4096)])


HUGE = 2 << 20
HUGE_COSTS = {
    **COSTS,
    **FLAT_COPY,
    ("touch_huge", HUGE): 200_000.0,
    ("fill_huge", HUGE): 0.08 * HUGE,
    ("untouch_huge", HUGE): 7000.0,
}


def with_huge_faults(runs: pd.DataFrame, count: float, size: float = HUGE) -> pd.DataFrame:
    """The same run where so many of the faults brought a huge page."""
    measured = runs["pass"] == "measure"
    runs.loc[measured, "cold_build_huge_fault_count"] = count
    runs.loc[measured, "cold_build_huge_fault_bytes"] = count * size
    return runs


def test_a_huge_page_is_priced_as_one_and_the_others_as_ordinary_ones():
    runs = with_huge_faults(one_traced(faults=10), 3)
    runs.loc[runs["pass"] == "measure", "touch_page_ns"] = 2000.0
    cell = only_cell(runs, HUGE_COSTS)
    assert cell["fault_ns"] == 7 * 2000.0
    # The 80,000 bytes of rows that are not in the 7 ordinary pages: 0.08 - 0.05 ns a byte.
    fetched = (80_000 - 7 * 4096) * 0.03
    assert cell["huge_fault_ns"] == pytest.approx(3 * 200_000.0 + fetched)
    assert (cell["page_fault_count"], cell["huge_fault_count"]) == (10, 3)
    assert cell["huge_fault_bytes"] == 3 * HUGE and cell["unknown_parts"] == ""


@pytest.mark.parametrize(
    "missing, part",
    [
        ("append", "write_ns"),
        ("copy", "copy_ns"),
        ("touch", "fault_ns"),
        ("touch_huge", "huge_fault_ns"),
        ("fill_huge", "huge_fault_ns"),
        ("malloc_free", "allocator_ns"),
        ("mmap_munmap", "system_ns"),
    ],
)
def test_a_probe_that_is_not_there_leaves_its_part_unknown(missing, part):
    moved = {"realloc_moved_count": 1, "realloc_count": 1, "realloc_moved_bytes": 500}
    runs = with_huge_faults(one_traced(allocator_mmap_count=1, **moved), 1)
    cell = only_cell(runs, {key: ns for key, ns in HUGE_COSTS.items() if key[0] != missing})
    assert cell["unknown_parts"] == part and np.isnan(cell[part])
    known = sum(cell[other.name] for other in PARTS if other.name != part)
    assert cell["explained_share"] == pytest.approx(known / 100_000)


def test_copies_go_to_huge_pages_too_as_far_as_there_are_any():
    runs = with_huge_faults(one_traced(faults=1, copied_bytes=500_000), 1)
    fetched = (80_000 + 500_000) * 0.03
    assert only_cell(runs, HUGE_COSTS)["huge_fault_ns"] == pytest.approx(200_000 + fetched)
    runs = with_huge_faults(one_traced(faults=1, copied_bytes=10**9), 1)
    assert only_cell(runs, HUGE_COSTS)["huge_fault_ns"] == pytest.approx(200_000 + HUGE * 0.03)


def test_pages_of_several_sizes_cost_what_they_do_one_by_one():
    # 4 of 64 KiB at 10 us and 2 of 2 MiB at 200 us, of which only the sums are known.
    small = 64 << 10
    runs = with_huge_faults(one_traced(faults=20), 6, (4 * small + 2 * HUGE) / 6)
    costs = {**HUGE_COSTS, ("touch_huge", small): 10_000.0, ("fill_huge", small): 0.05 * small}
    cell = only_cell(runs, {**costs, ("fill_huge", HUGE): 0.05 * HUGE})
    assert cell["huge_fault_ns"] == pytest.approx(4 * 10_000.0 + 2 * 200_000.0)


def test_pages_of_each_kind_are_given_back_at_their_own_price():
    touched = 10 * 4096 + 4 * HUGE
    runs = one_traced(faults=14, allocator_unmapped_bytes=touched / 2, allocator_munmap_count=1)
    cell = only_cell(with_huge_faults(runs, 4), HUGE_COSTS)
    assert cell["system_ns"] == pytest.approx(5 * 100 + 2 * 7000 + 1000)


def test_huge_pages_that_nobody_counted_are_ordinary_ones_and_no_unknown_part():
    cell = only_cell(with_huge_faults(one_traced(faults=10), np.nan), COSTS)
    assert cell["fault_ns"] == 10 * 1000 and np.isnan(cell["huge_fault_ns"])
    assert cell["unknown_parts"] == "" and np.isnan(cell["huge_fault_count"])
    assert cell["write_ns"] == 1000 * 5


def test_memory_that_no_fault_brought_has_to_be_fetched():
    costs = {**COSTS, ("store", 1_000_000): 90_000.0}
    runs = one_traced(faults=5, peak_moving_bytes=90_000)
    cell = only_cell(runs, costs)
    assert cell["write_ns"] == pytest.approx(1000 * 5 + (90_000 - 5 * 4096) * (0.09 - 0.05))
    # A huge page that the build was given is no such memory.
    cell = only_cell(with_huge_faults(runs, 1), {**HUGE_COSTS, **costs})
    assert cell["write_ns"] == 1000 * 5


def test_the_floor_has_huge_pages_only_in_a_run_that_was_given_some():
    runs, _ = full_run(["chunked_list"], ["glibc"], [100_000], 1, noise=0.0)
    costs = {**HUGE_COSTS, ("append", 80): 0.0}
    assert only_cell(runs, costs)["floor_ns"] == np.ceil(8_000_000 / 4096) * 1000
    rest = np.ceil((8_000_000 - 3 * HUGE) / 4096) * 1000
    cell = only_cell(with_huge_faults(runs, 1), costs)
    assert cell["floor_ns"] == pytest.approx(3 * 200_000 + rest)
    # Nor where they take longer.
    cell = only_cell(runs, {**costs, ("touch_huge", HUGE): 1e9})
    assert cell["floor_ns"] == np.ceil(8_000_000 / 4096) * 1000


def test_a_page_has_the_size_that_the_run_says():
    runs = one_traced(faults=10, allocator_unmapped_bytes=3 * 65_536)
    runs.loc[runs["pass"] == "measure", "page_bytes"] = 65_536.0
    cell = only_cell(runs, {**COSTS, **FLAT_COPY})
    assert cell["system_ns"] == pytest.approx(3 * 100)
    assert cell["floor_ns"] == 1000 * 5 + 2 * 1000  # 80,000 bytes: 1.2 pages


def test_why_tells_huge_pages_from_the_others():
    def text(huge: int) -> str:
        runs = with_huge_faults(one_traced(faults=10), huge)
        row = with_instructions(only_cell(runs, HUGE_COSTS).to_frame().T, runs)
        return cell_text(row.iloc[0].to_dict())

    assert re.search(r"pages touched +7, and 3 huge \(6\.00 MiB\)\n", text(3))
    assert re.search(r"huge page faults +\d", text(3))
    assert re.search(r"pages touched +10\n", text(0)) and "huge" not in text(0)


def with_page(runs: pd.DataFrame, prices: list) -> pd.DataFrame:
    """The run whose workers' own price of a page are these, in the order of their rounds."""
    measured = runs["pass"] == "measure"
    assert measured.sum() == len(prices)
    runs.loc[measured, "touch_page_ns"] = prices
    return runs


def run_of(rounds: int, allocators: Sequence[str], faults: int = 10) -> pd.DataFrame:
    runs, _ = full_run(["realloc_doubling"], allocators, [1000], rounds, noise=0.0)
    runs.loc[runs["pass"] == "measure", "cold_build_minor_fault_count"] = float(faults)
    return runs


def fault_ns(runs: pd.DataFrame, costs: dict) -> list:
    return attribute(runs, summarise(runs), limits_of(costs))["fault_ns"].tolist()


def test_no_worker_that_was_disturbed_sets_the_price_of_a_page():
    """Of a cell with one worker it would be the whole price: 66.8 us instead of 2.9."""
    for disturbed in range(6):
        prices = [2900.0] * 6
        prices[disturbed] = 66_800.0
        found = fault_ns(with_page(run_of(1, ALLOCATORS), prices), COSTS)
        assert found == pytest.approx([10 * 2900.0] * 6)


def test_the_price_of_a_page_follows_a_machine_that_changes_between_rounds():
    runs = run_of(3, ALLOCATORS)
    measured = runs["pass"] == "measure"
    runs.loc[measured, "touch_page_ns"] = runs.loc[measured, "round"] * 1000.0
    faults = runs.loc[measured, "round"].map({1: 90.0, 2: 40.0, 3: 10.0})
    runs.loc[measured, "cold_build_minor_fault_count"] = faults
    # Of 90 x 1000, 40 x 2000 and 10 x 3000 the middle one.
    assert fault_ns(runs, COSTS) == pytest.approx([80_000.0] * 6)


def test_where_rounds_have_few_workers_the_run_says_what_a_page_costs():
    prices = [2900.0, 2900.0, 66_800.0, 66_800.0, 2900.0]
    assert fault_ns(with_page(run_of(5, ["glibc"]), prices), COSTS) == [29_000.0]


def test_where_a_run_has_few_workers_the_probe_does_and_else_the_cheaper_of_them():
    runs = with_page(run_of(2, ["glibc"]), [66_800.0, 2900.0])
    assert fault_ns(runs, COSTS) == [10 * 1000.0]
    without = {key: ns for key, ns in COSTS.items() if key[0] != "touch"}
    assert fault_ns(runs, without) == [10 * 2900.0]


@pytest.mark.parametrize("rounds, expected", [(2, 1000.0), (5, 2000.0)])
def test_what_an_interpreter_takes_is_of_all_allocators_where_a_cell_has_few_workers(
    rounds, expected
):
    """Of two rounds one was disturbed."""
    runs = run_of(rounds, ["glibc", "jemalloc", "mimalloc"])
    runs["implementation"] = runs["implementation"].where(runs["pass"] == "probe", "numpy")
    measured = runs["pass"] == "measure"
    runs.loc[measured, "interpreter_ns"] = 1000.0
    mine = measured & (runs["allocator"] == "glibc")
    runs.loc[mine, "interpreter_ns"] = 2000.0 if rounds == 5 else 1000.0
    runs.loc[mine & (runs["round"] == 2), "interpreter_ns"] = 90_000.0
    table = attribute(runs, summarise(runs), limits_of(COSTS)).set_index("allocator")
    assert table.loc["glibc", "interpreter_ns"] == expected
