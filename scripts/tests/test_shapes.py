"""Exponents and crossings of a run, against laws that were planted."""

import json

import numpy as np
import pandas as pd
import pytest
from conftest import SCRIPTS, build_runs, fail
from hypothesis import given, settings
from hypothesis import strategies as st
from planted import planted_run

from growbench.data.load import read_runs
from growbench.data.metrics import metric
from growbench.analysis.shapes import (
    boundaries,
    crossings,
    exponents,
    knows_caches,
)
from growbench.statistics.crossover import crossovers

WARM, COLD, PEAK = (metric(name) for name in ("warm_build_release", "cold_build", "peak_memory"))
KIB = 1024
REFERENCE = SCRIPTS.parent / "results" / "reference-epyc-2cpu"


def machine(*sizes: int, **more) -> dict:
    """A description with data caches of these sizes, for levels 1, 2, 3."""
    caches = [
        {"level": level, "type": "unified", "bytes": size, "shared_by_cpus": 1}
        for level, size in enumerate(sizes, start=1)
    ]
    return {"machine": {"caches": caches}, **more}


def test_boundaries_are_the_outer_caches_and_the_threshold_of_glibc():
    known = machine(32 * KIB, 512 * KIB, 4096 * KIB)
    assert boundaries(known, "jemalloc") == [512 * KIB, 4096 * KIB]
    assert boundaries(known, "glibc") == [128 * KIB, 512 * KIB, 4096 * KIB]
    assert boundaries(None, "glibc") == [128 * KIB]
    assert boundaries(None, "scudo") == []


def test_an_instruction_cache_is_no_boundary():
    known = machine(1, 512 * KIB)
    known["machine"]["caches"].append({"level": 2, "type": "instruction", "bytes": 64 * KIB})
    assert boundaries(known, "scudo") == [512 * KIB]


def test_threads_bring_their_own_caches_and_blocks_but_share_what_is_shared():
    known = machine(32 * KIB, 512 * KIB, 4096 * KIB)
    known["machine"]["caches"][2]["shared_by_cpus"] = 4
    assert boundaries(known, "glibc", 3) == [384 * KIB, 1536 * KIB, 4096 * KIB]
    assert boundaries(known, "scudo", 5) == [2560 * KIB, 8192 * KIB]


def test_a_label_of_its_own_for_glibc_is_known_by_its_library():
    allocators = [
        {"name": "patient", "path": "/lib/libc.so.6", "environment": []},
        {"name": "glibc", "path": "/opt/libother.so", "environment": []},
    ]
    known = {"allocators": allocators}
    assert boundaries(known, "patient") == [128 * KIB]
    assert boundaries(known, "glibc") == []


@pytest.mark.parametrize(
    "variable, threshold",
    [
        ("GLIBC_TUNABLES=glibc.malloc.mmap_threshold=65536", 65536),
        ("GLIBC_TUNABLES=glibc.malloc.arena_max=1:glibc.malloc.mmap_threshold=4096:x=1", 4096),
        ("MALLOC_MMAP_THRESHOLD_=8192", 8192),
        ("MALLOC_MMAP_MAX_=8192", 128 * KIB),
        ("GLIBC_TUNABLES=glibc.malloc.trim_threshold=8192", 128 * KIB),
    ],
)
def test_a_threshold_that_was_set_counts(variable, threshold):
    of_run = {"run": {"allocator_environment": [variable]}}
    assert boundaries(of_run, "glibc") == [threshold]
    of_allocator = {
        "allocators": [{"name": "glibc", "path": "/libc.so.6", "environment": [variable]}],
        "run": {"allocator_environment": ["MALLOC_MMAP_THRESHOLD_=1"]},
    }
    expected = threshold if threshold != 128 * KIB else 1
    assert boundaries(of_allocator, "glibc") == [expected]


@pytest.mark.parametrize(
    "known",
    [
        {},
        {"machine": None},
        {"machine": {"caches": None}},
        {"machine": {"caches": [None, {"level": 2}, {"level": 2, "bytes": None}]}, "run": []},
        {"allocators": [None], "run": {"allocator_environment": None}},
    ],
)
def test_a_description_with_holes_has_fewer_boundaries(known):
    assert boundaries(known, "glibc") == [128 * KIB]
    assert not knows_caches(known)


POWERS = {"linear": 1.0, "square": 2.0, "<b>": 1.5}


def test_planted_powers_are_found_with_their_intervals():
    runs = planted_run(lambda s, a, n: 5.0 * n ** POWERS[s], POWERS, ["a", "b"], noise=0.02)
    table = exponents(runs, None, WARM)
    assert len(table) == 6
    for row in table.to_dict("records"):
        assert row["exponent"] == pytest.approx(POWERS[row["strategy"]], abs=0.03)
        assert row["ci_low"] < row["exponent"] < row["ci_high"]
        assert row["ci_high"] - row["ci_low"] < 0.1
        assert (row["size_count"], row["smallest_rows"], row["largest_rows"]) == (7, 100, 100_000)
        assert not row["straddles"] and not row["caches_known"]


def test_the_fit_is_over_the_largest_sizes_within_one_regime():
    # A constant cost that hides the power at small sizes, and a cache in between.
    runs = planted_run(lambda s, a, n: 1e7 + n**2 if n < 2000 else n**2.0, ["x"], ["a"])
    known = machine(1, 2000 * 80)
    (row,) = exponents(runs, known, WARM).to_dict("records")
    assert row["exponent"] == pytest.approx(2.0)
    assert (row["size_count"], row["smallest_rows"], row["straddles"]) == (4, 3000, False)
    assert row["caches_known"]
    (all_sizes,) = exponents(runs, None, WARM).to_dict("records")
    assert all_sizes["exponent"] < 1.9


def test_a_fit_that_cannot_help_it_is_said_to_straddle():
    runs = planted_run(lambda s, a, n: n, ["x"], ["a"])
    (row,) = exponents(runs, machine(1, 20_000 * 80), WARM).to_dict("records")
    assert (row["size_count"], row["smallest_rows"], row["straddles"]) == (3, 10_000, True)


def test_the_threshold_concerns_glibc_only():
    runs = planted_run(lambda s, a, n: n, ["x"], ["glibc", "other"], [100, 1000, 3000, 6000, 9000])
    table = exponents(runs, None, WARM).set_index("allocator")
    assert list(table["size_count"]) == [3, 5]


@pytest.mark.parametrize("rounds, known", [(5, False), (6, True)])
def test_below_six_rounds_there_is_an_exponent_and_no_interval(rounds, known):
    runs = planted_run(lambda s, a, n: n, ["x"], rounds=rounds, noise=0.1)
    (row,) = exponents(runs, None, WARM).to_dict("records")
    assert np.isfinite(row["exponent"])
    assert np.isfinite([row["ci_low"], row["ci_high"]]).all() == known


def test_one_size_has_no_exponent_and_straddles_nothing():
    runs = planted_run(lambda s, a, n: n, ["x"], sizes=[100])
    (row,) = exponents(runs, None, WARM).to_dict("records")
    assert np.isnan(row["exponent"]) and row["size_count"] == 1 and not row["straddles"]


def test_workers_that_failed_and_other_passes_are_no_part_of_it():
    runs = planted_run(lambda s, a, n: n, ["x", "gone"])
    runs = fail(runs, (runs["strategy"] == "gone") | (runs["rows"] == 100_000), "crashed")
    other = runs[runs["strategy"] == "x"].assign(**{"pass": "latency"})
    other["warm_build_release_median_ns"] = 1.0
    table = exponents(pd.concat([runs, other], ignore_index=True), None, WARM)
    assert list(table["strategy"]) == ["x"]
    assert table["largest_rows"][0] == 30_000
    assert table["exponent"][0] == pytest.approx(1.0)


def test_nothing_measured_is_an_empty_table_with_its_columns():
    runs = planted_run(lambda s, a, n: n, ["x"])
    runs = fail(runs, runs["rows"] > 0, "crashed")
    assert exponents(runs, None, WARM).empty and "exponent" in exponents(runs, None, WARM)
    assert crossings(runs, WARM).empty and "faster_below" in crossings(runs, WARM)


def test_a_peak_near_its_resolution_is_no_part_of_it():
    runs = planted_run(lambda s, a, n: n, ["x"])
    (row,) = exponents(runs, None, PEAK).to_dict("records")
    # 126,976 bytes of resolution over 0.2 are 634,880 bytes: 7,936 rows.
    assert (row["smallest_rows"], row["largest_rows"]) == (10_000, 100_000)
    runs["peak_resolution_bytes"] = np.nan
    assert exponents(runs, None, PEAK).empty


def test_cells_that_differ_in_anything_have_curves_of_their_own():
    runs = [
        planted_run(lambda s, a, n: n**p, ["x"], row_bytes=size)
        for p, size in ((1.0, 80), (2.0, 8))
    ]
    runs.append(runs[0].assign(threads=2, warm_build_release_median_ns=7.0))
    runs.append(runs[0].assign(work="random", implementation="cpp"))
    table = exponents(pd.concat(runs, ignore_index=True), None, WARM)
    found = dict(zip(zip(table["row_bytes"], table["threads"], table["work"]), table["exponent"]))
    assert found == pytest.approx(
        {(80, 1, "cheap"): 1, (8, 1, "cheap"): 2, (80, 2, "cheap"): 0, (80, 1, "random"): 1}
    )


def crossing_run(at: float, noise: float = 0.0, **more) -> pd.DataFrame:
    """steep needs less than flat up to `at` rows, and more above."""
    laws = {
        "steep": lambda n: n**1.5,
        "flat": lambda n: at**0.5 * n,
    }
    return planted_run(lambda s, a, n: laws[s](n), ["steep", "flat"], noise=noise, **more)


def test_a_planted_crossing_is_found_and_who_is_faster_below():
    table = crossings(crossing_run(5000.0), WARM)
    (row,) = table.to_dict("records")
    assert (row["a"], row["b"]) == ("flat", "steep")
    assert (row["faster_below"], row["faster_above"]) == ("steep", "flat")
    assert row["rows"] == pytest.approx(5000.0)
    assert (row["smallest_rows"], row["largest_rows"]) == (100, 100_000)
    assert row["gain_below"] == pytest.approx((5000 / 100) ** 0.5)
    assert row["gain_above"] == pytest.approx((100_000 / 5000) ** 0.5)
    assert (row["implementation_a"], row["implementation_b"]) == ("c", "c")


@pytest.mark.parametrize("reference, other", [("steep", "flat"), ("flat", "steep")])
def test_pairs_with_a_reference_can_be_asked_for(reference, other):
    runs = crossing_run(5000.0)
    (row,) = crossings(runs, WARM, "strategy", reference).to_dict("records")
    assert (row["faster_below"], row["faster_above"]) == ("steep", "flat")
    assert (row["a"], row["b"]) == (other, reference)
    assert crossings(runs, WARM, "strategy", "unknown").empty


def test_allocators_cross_too_for_each_strategy():
    def time(strategy, allocator, n):
        limit = {"x": 1000.0, "y": 20_000.0}[strategy]
        return n if allocator == "a" else 2.0 * n if n < limit else 0.5 * n

    table = crossings(planted_run(time, ["x", "y"], ["a", "b"]), WARM, "allocator")
    assert list(table["strategy"]) == ["x", "y"] and set(table["faster_below"]) == {"a"}
    assert "implementation_a" not in table
    assert 300 < table["rows"][0] < 1000 and 10_000 < table["rows"][1] < 30_000


def test_curves_that_cross_twice_have_two_crossings():
    def time(strategy, allocator, n):
        return 2000.0 * n if strategy == "x" else n * (1000.0 if 1000 < n < 20_000 else 4000.0)

    table = crossings(planted_run(time, ["x", "y"]), WARM)
    assert list(table["faster_below"]) == ["x", "y"] and list(table["faster_above"]) == ["y", "x"]
    assert list(table["gain_below"]) == pytest.approx([2.0, 2.0])


def test_what_is_not_resolved_does_not_cross():
    # Five rounds have no interval; and equal things only seem to cross.
    assert crossings(crossing_run(5000.0, rounds=5), WARM).empty
    assert len(crossings(crossing_run(5000.0, rounds=6), WARM)) == 1
    assert crossings(planted_run(lambda s, a, n: n, ["x", "y"], noise=0.2), WARM).empty


def test_strategies_of_one_name_and_two_implementations_are_two():
    runs = crossing_run(5000.0)
    runs["implementation"] = np.where(runs["strategy"] == "flat", "numpy", "c")
    runs["strategy"] = "same"
    (row,) = crossings(runs, WARM).to_dict("records")
    assert (row["implementation_a"], row["implementation_b"]) == ("c", "numpy")
    assert row["rows"] == pytest.approx(5000.0)


@settings(max_examples=12)
@given(seed=st.integers(0, 1000), lost=st.integers(0, 40), noise=st.sampled_from([0.0, 0.05, 0.3]))
def test_the_fast_way_finds_what_each_pair_by_itself_has(seed, lost, noise):
    names = ["p", "q", "r"]
    runs = planted_run(
        lambda s, a, n: n ** {"p": 1.0, "q": 1.2, "r": 1.1}[s], names, rounds=8, noise=noise
    )
    chosen = np.random.default_rng(seed).permutation(len(runs))[:lost]
    runs = fail(runs, runs.index.isin(chosen), "crashed")
    expected = []
    for a, b in (("p", "q"), ("p", "r"), ("q", "r")):
        values = [
            np.log(
                runs[runs["strategy"] == name].pivot(
                    index="round", columns="rows", values="warm_build_release_median_ns"
                )
            )
            for name in (a, b)
        ]
        difference = (values[0] - values[1]).dropna(axis=1, how="all")
        for found in crossovers(difference.columns, difference.to_numpy()):
            expected.append((a, b, *found[:3], a if found.faster_below else b))
    table = crossings(runs, WARM)
    columns = ["a", "b", "rows", "ci_low", "ci_high", "faster_below"]
    assert [tuple(row) for row in table[columns].to_numpy()] == expected


def test_the_reference_run_has_the_shapes_that_its_documents_tell():
    runs = read_runs(REFERENCE)
    known = json.loads((REFERENCE / "machine.json").read_text())
    table = exponents(runs, known, COLD)
    # NumPy and Python have two sizes.
    table = table[~table["implementation"].isin(["numpy", "python"])]
    table = table.set_index(["strategy", "allocator"])
    assert len(table) == 108 and table["caches_known"].all()
    linear = table.loc[[("preallocate_then_fill", a) for a in ("glibc", "jemalloc", "scudo")]]
    assert ((linear["ci_low"] < 1.05) & (linear["ci_high"] > 0.95)).all()
    assert not linear["straddles"].any()
    quadratic = table.loc[("loop_and_append", "jemalloc")]
    assert quadratic["ci_low"] > 1.5
    assert np.isfinite(table["exponent"]).all()
    found = crossings(runs, COLD, "strategy", "preallocate_then_fill")
    found = found[found["a"] == "loop_and_append"]
    assert "loop_and_append" not in set(found["faster_above"])


def test_a_default_run_with_holes_gives_no_silent_gaps():
    runs = build_runs(sizes=(10, 1000, 10_000), rounds=6)
    runs = fail(runs, (runs["allocator"] == "scudo") & (runs["rows"] == 1000), "timeout")
    table = exponents(runs, None, WARM)
    assert table[["exponent", "ci_low", "ci_high"]].notna().all().all()
    assert (table.loc[table["allocator"] == "scudo", "size_count"] == 2).all()
