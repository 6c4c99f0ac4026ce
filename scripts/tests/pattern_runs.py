"""Synthetic runs of the pattern pass: what a runner would write, with known answers."""

from typing import Iterable, NamedTuple

import numpy as np
import pandas as pd
from conftest import EACH_ROW, typed
from full_runs import COPY, probe_row

from growbench.data.columns import COLUMNS


class Cost(NamedTuple):
    """What a pattern costs for each byte of its input, in ns, warm; cold is twice as much. The
    view's `make` is for the whole. copied, made: bytes copied and bytes of the result, over those
    of the input."""

    make: float
    walk: float
    copied: float = 0.0
    made: float = 0.0


COSTS = {
    "copy_contiguous": Cost(0.1, 0.05, 1.0, 1.0),
    "strided_view": Cost(0.0, 0.04),
    "copy_strided": Cost(0.06, 0.01, 0.125, 0.125),
    "transpose_view": Cost(0.0, 0.45),
    "transpose_copy_naive": Cost(0.6, 0.05, 1.0, 1.0),
    "transpose_copy_blocked": Cost(0.2, 0.05, 1.0, 1.0),
    "reshape_view": Cost(0.0, 0.05),
    "reshape_copy": Cost(0.2, 0.05, 1.0, 1.0),
    "slice_view": Cost(0.0, 0.02),
    "slice_copy": Cost(0.05, 0.025, 0.5, 0.5),
    "reduce_rows": Cost(0.05, 0.001, 0.0, 0.01),
    "reduce_columns": Cost(0.15, 0.001, 0.0, 0.01),
    "gather_ordered": Cost(0.15, 0.05, 1.0, 1.0),
    "gather_shuffled": Cost(0.6, 0.05, 1.0, 1.0),
    "add_in_place": Cost(0.1, 0.05),
    "add_out_of_place": Cost(0.2, 0.05, 0.0, 1.0),
    "add_chain_fused": Cost(0.25, 0.05, 0.0, 1.0),
    "add_chain": Cost(0.75, 0.05, 0.0, 1.0),
}
VIEW_NS = 20.0
SQUARES = ((64, 512), (512, 4096), (2048, 16_384))
# NumPy's factor, and what each of its calls takes.
NUMPY_FACTOR, NUMPY_CALL_NS = 1.5, 200.0
# What it calls by another name, and what it has not.
NUMPY_NAMES = {"transpose_copy_blocked": "transpose_copy", "add_chain_fused": "add_chain_in_one"}
NOT_IN_NUMPY = "transpose_copy_naive"


def pattern_run(
    implementations: Iterable[str] = ("c", "numpy"),
    patterns: Iterable[str] = tuple(COSTS),
    allocators: Iterable[str] = ("glibc", "jemalloc"),
    shapes: Iterable[tuple[int, int]] = SQUARES,
    rounds: int = 8,
    noise: float = 0.02,
    seed: int = 1,
    costs: dict[str, Cost] = COSTS,
) -> pd.DataFrame:
    """Rows of the passes pattern, trace and probe, as read_runs() returns them.

    shapes: (rows, row_bytes). NumPy takes NUMPY_FACTOR times as long and NUMPY_CALL_NS more, and
    has one way to copy a transpose, which takes what ours in blocks does.
    """
    random = np.random.default_rng(seed)
    made: list[dict] = []
    for visit in (1, 2, 3):
        made += [
            probe_row("copy", "glibc", size, visit, size / rate) for size, rate in COPY.items()
        ]
    cells = [
        (implementation, pattern, allocator, rows, row_bytes)
        for implementation in implementations
        for pattern in patterns
        for allocator in allocators
        for rows, row_bytes in shapes
        if not (implementation == "numpy" and pattern == NOT_IN_NUMPY)
    ]
    for number in range(1, rounds + 1):
        for cell in cells:
            made.append({**_row(cell, costs, noise, random), "pass": "pattern", "round": number})
    for cell in cells:
        made.append({**_traced(cell, costs), "pass": "trace", "round": 1})
    for position, row in enumerate(made, start=1):
        row["position"] = position
    return typed(pd.DataFrame(made, columns=[column.name for column in COLUMNS]))


def _base(cell: tuple) -> dict:
    implementation, pattern, allocator, rows, row_bytes = cell
    if implementation == "numpy":
        pattern = NUMPY_NAMES.get(pattern, pattern)
    return {
        **EACH_ROW,
        "implementation": implementation,
        "strategy": pattern,
        "allocator": allocator,
        "rows": rows,
        "row_bytes": row_bytes,
        "payload_bytes": rows * row_bytes,
        "status": "ok",
    }


def _row(cell: tuple, costs: dict[str, Cost], noise: float, random: np.random.Generator) -> dict:
    implementation, pattern, _, rows, row_bytes = cell
    cost, payload = costs[pattern], rows * row_bytes
    factor, call = (1.0, 0.0) if implementation == "c" else (NUMPY_FACTOR, NUMPY_CALL_NS)

    def noisy(value: float) -> float:
        return value * float(np.exp(random.normal(0.0, noise))) if noise else value

    make = noisy((cost.make * payload + VIEW_NS) * factor + call)
    # Programs in Python walk with the same loop in C: NumPy's.
    walk = noisy(cost.walk * payload + 10.0)
    cold_walk = noisy(2.0 * (cost.walk * payload + 10.0))
    peak = round(cost.made * payload)
    return {
        **_base(cell),
        "cpu": 1,
        "cpu_count": 1,
        "peak_resolution_bytes": 126_976,
        "page_bytes": 4096,
        "cold_build_ns": round(1.8 * make),
        "cold_scan_ns": round(cold_walk),
        "cold_release_ns": round(0.2 * make),
        "cold_build_minor_fault_count": peak // 4096 + 1,
        "peak_memory_bytes": peak,
        "cold_build_huge_fault_count": 0,
        "cold_build_huge_fault_bytes": 0,
        "warm_iteration_count": 10,
        "warm_value_count": 5,
        "warm_build_release_median_ns": make,
        "warm_build_release_min_ns": make * 0.99,
        "warm_build_release_max_ns": make * 1.02,
        "warm_scan_value_count": 5,
        "warm_scan_median_ns": walk,
        "warm_scan_min_ns": walk * 0.99,
        "checksum": "00ff00ff00ff00ff",
    }


def _traced(cell: tuple, costs: dict[str, Cost]) -> dict:
    _, pattern, _, rows, row_bytes = cell
    cost, payload = costs[pattern], rows * row_bytes
    allocations = 3 if pattern == "add_chain" else 1 if cost.made else 0
    return {
        **_base(cell),
        "malloc_count": allocations,
        "calloc_count": 0,
        "realloc_count": 0,
        "free_count": allocations,
        "aligned_count": 0,
        "strategy_copied_bytes": round(cost.copied * payload),
        "copied_bytes": round(cost.copied * payload),
        "peak_requested_bytes": round(cost.made * payload),
        "end_requested_bytes": round(cost.made * payload),
    }
