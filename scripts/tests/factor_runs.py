"""Synthetic runs of growth factors: known ratios of times, and counts that are worked out here."""

import math
from typing import Iterable

import numpy as np
import pandas as pd
from conftest import ALLOCATORS, EACH_ROW, build_runs, typed

from growbench.data.columns import COLUMNS

FACTORS = ("1.125", "1.25", "1.5", "1.618", "2", "3")
SIZES = (1_000, 10_000, 1_000_000)
# From here on the glibc of these runs moves blocks by mremap.
MREMAP_BYTES = 131_072


def capacities(rows: int, factor: float) -> list[int]:
    """Those that an array passes through: one more row at least, and the next whole number."""
    found = [1]
    while found[-1] < rows:
        found.append(max(found[-1] + 1, math.ceil(found[-1] * factor)))
    return found


def factor_runs(
    factors: Iterable[str] = FACTORS,
    allocators: Iterable[str] = ALLOCATORS,
    sizes: Iterable[int] = SIZES,
    rounds: int = 8,
    traced: bool = True,
    times: dict = {},
    noise: float = 0.02,
) -> pd.DataFrame:
    """times: by allocator how many times as long a factor of 1.5 takes, cold and warm, as 2; 1, 1
    for the others. Each round has its own mood, which all its workers share, and which ratios of
    rounds are free of."""
    names = [f"realloc_factor:{factor}" for factor in factors]
    runs = build_runs([*names, "realloc_cpython"], allocators, sizes, rounds, noise=0.0)
    random = np.random.default_rng(3)
    mood = np.exp(random.normal(0.0, 0.3, rounds + 1))[runs["round"]]
    for number, column in enumerate(("cold_build_ns", "warm_build_release_median_ns")):
        own = mood * np.exp(random.normal(0.0, noise, len(runs)))
        is_first = runs["strategy"] == "realloc_factor:1.5"
        for allocator, wanted in times.items():
            own = np.where(is_first & (runs["allocator"] == allocator), own * wanted[number], own)
        runs[column] = (runs[column] * own).round()
    runs["cold_release_ns"] = 0.0
    runs["peak_memory_bytes"] = (runs["payload_bytes"] * 1.5).round()
    traces = [_trace(*key) for key in _cells(names, allocators, sizes)] if traced else []
    made = pd.DataFrame(traces, columns=[column.name for column in COLUMNS])
    return pd.concat([runs, typed(made)], ignore_index=True) if traced else runs


def _cells(names: list[str], allocators: Iterable[str], sizes: Iterable[int]) -> list[tuple]:
    return [(name, allocator, size) for name in names for allocator in allocators for size in sizes]


def _trace(strategy: str, allocator: str, rows: int) -> dict:
    grown = capacities(rows, float(strategy.partition(":")[2]))
    old = [one * 80 for one in grown[:-1]]
    remapped = [b for b in old if allocator == "glibc" and b >= MREMAP_BYTES]
    # One in place, right at the end: the others are copied.
    in_place = 1 if len(old) > len(remapped) else 0
    copied = [b for b in old if b not in remapped][in_place:]
    return {
        **EACH_ROW,
        "pass": "trace",
        "round": 1,
        "position": 1,
        "strategy": strategy,
        "allocator": allocator,
        "rows": rows,
        "row_bytes": 80,
        "payload_bytes": rows * 80,
        "status": "ok",
        "realloc_count": len(grown),
        "realloc_in_place_count": in_place,
        "realloc_moved_count": len(remapped) + len(copied),
        "realloc_remapped_count": len(remapped),
        "realloc_moved_bytes": sum(remapped) + sum(copied),
        "realloc_remapped_bytes": sum(remapped),
        "strategy_copied_bytes": 0,
        "copied_bytes": sum(copied),
        "peak_requested_bytes": grown[-1] * 80,
        "peak_moving_bytes": (grown[-1] + grown[-2]) * 80,
        "peak_usable_bytes": grown[-1] * 80 + 8,
        "allocator_mapped_bytes": sum(old) + grown[-1] * 80,
        "realloc_reused_count": 2 if allocator == "jemalloc" else 0,
        "realloc_reused_bytes": 160 if allocator == "jemalloc" else 0,
    }
