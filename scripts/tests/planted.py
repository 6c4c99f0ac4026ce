"""Runs whose times follow a law that the test knows."""

from typing import Callable, Iterable, Optional

import numpy as np
import pandas as pd
from conftest import build_runs

SIZES = (100, 300, 1000, 3000, 10_000, 30_000, 100_000)


def planted_run(
    time: Callable[[str, str, float], float],
    strategies: Iterable[str],
    allocators: Iterable[str] = ("glibc",),
    sizes: Iterable[int] = SIZES,
    rounds: int = 10,
    noise: float = 0.0,
    seed: int = 1,
    machine: str = "machine-a",
    row_bytes: int = 80,
    peak: Optional[Callable[[str, str], float]] = None,
) -> pd.DataFrame:
    """A run where each worker takes time(strategy, allocator, rows) ns, warm and cold alike, times
    a lognormal factor that all workers of a round share and one of its own, both of that noise.

    peak: peak memory over payload, exactly; 1 without it.
    """
    runs = build_runs(strategies, allocators, sizes, rounds, row_bytes, noise=0.0)
    assert (runs["status"] == "ok").all(), "too slow for build_runs: plant smaller sizes"
    random = np.random.default_rng(seed)
    of_round = random.normal(0.0, noise, rounds + 1)[runs["round"]]
    cells = list(zip(runs["strategy"], runs["allocator"], runs["rows"]))
    values = np.array([float(time(*cell)) for cell in cells])
    values *= np.exp(of_round + random.normal(0.0, noise, len(runs)))
    runs["warm_build_release_median_ns"] = values
    runs["cold_build_ns"] = values
    runs["cold_release_ns"] = 0.0
    if peak is not None:
        factors = np.array([peak(strategy, allocator) for strategy, allocator, _ in cells])
        runs["peak_memory_bytes"] = runs["payload_bytes"] * factors
    else:
        runs["peak_memory_bytes"] = runs["payload_bytes"].astype(float)
    runs["machine_id"] = machine
    runs["run_id"] = f"{machine}-20250101T120000Z"
    return runs
