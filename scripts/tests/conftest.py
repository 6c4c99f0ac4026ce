"""Synthetic runs for the tests: what a runner would write, with known answers."""

import importlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Callable, Iterable, Optional

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, settings

from growbench import cli
from growbench.command_line import entry
from growbench.data.columns import COLUMNS, COUNT, TEXT
from growbench.data.load import read_runs

SCRIPTS = Path(__file__).parents[1]
# What Python is started with: then follow a verb, and its arguments.
PACKAGE = SCRIPTS / "growbench"
# How many times as long as usual a program may take.
PATIENCE = float(os.environ.get("GROWBENCH_TEST_TIMEOUT_FACTOR") or 1)
MACHINE = "example-2cpu"
# What all rows of synthetic runs have.
EACH_ROW = {
    "schema_version": 4,
    "run_id": f"{MACHINE}-20250101T120000Z",
    "machine_id": MACHINE,
    "implementation": "c",
    "threads": 1,
    "work": "cheap",
}
# How long something takes must not decide on what it says.
os.environ["GROWBENCH_PROGRESS"] = "never"

# How fast a machine is at the moment says nothing of our code.
settings.register_profile("growbench", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("growbench")

STRATEGIES = (
    "loop_and_append",
    "append_in_place",
    "realloc_doubling",
    "realloc_x1.5",
    "realloc_cpython",
    "list_of_pointers",
    "list_of_pointers_packed",
    "preallocate_then_fill",
    "preallocate_zeroed",
    "chunked_list",
    "reserve_then_commit",
)
ALLOCATORS = ("glibc", "jemalloc", "mimalloc", "tcmalloc", "tbbmalloc", "scudo")
SIZES = (10, 30, 100, 300, 1000, 3000, 10_000, 30_000, 100_000, 209_715)

MEASURED = tuple(c.name for c in COLUMNS[[c.name for c in COLUMNS].index("allocator_path") :])
# Time of a row in ns, peak over payload: made up, but of the right kind.
_LINEAR = dict(zip(STRATEGIES[2:], (9.0, 11.0, 14.0, 26.0, 38.0, 6.0, 7.0, 8.0, 10.0)))
_PEAK = dict(zip(STRATEGIES, (2.0, 1.3, 2.0, 1.7, 1.2, 1.3, 2.3, 1.0, 1.0, 1.02, 1.01)))
_FACTOR = dict(zip(ALLOCATORS, (1.0, 0.75, 0.7, 0.8, 0.9, 1.4)))
_LONGEST_NS = 3e9


def build_runs(
    strategies: Iterable[str] = STRATEGIES,
    allocators: Iterable[str] = ALLOCATORS,
    sizes: Iterable[int] = SIZES,
    rounds: int = 10,
    row_bytes: int = 80,
    threads: int = 1,
    noise: float = 0.03,
    seed: int = 1,
) -> pd.DataFrame:
    """A run as read_runs() returns it: one row for each cell and round.

    loop_and_append, and append_in_place on scudo, are quadratic; cells that would take over 3 s
    are skipped_predicted. With noise 0 every round of a cell has the same figures.
    """
    random = np.random.default_rng(seed)
    rows_made = []
    position = 0
    for round_number in range(1, rounds + 1):
        for strategy in strategies:
            for size in sizes:
                for allocator in allocators:
                    position += 1
                    row = _worker(strategy, allocator, size, row_bytes, threads, noise, random)
                    row.update(round=round_number, position=position)
                    rows_made.append(row)
    return typed(pd.DataFrame(rows_made, columns=[column.name for column in COLUMNS]))


def typed(runs: pd.DataFrame) -> pd.DataFrame:
    """Rows with all columns of runs.csv, as read_runs() returns them."""
    texts = [column.name for column in COLUMNS if column.type == TEXT]
    numbers = {c.name: "int64" if c.required else "float64" for c in COLUMNS if c.type != TEXT}
    # All columns of a type at once: one by one takes longer than to make them.
    parts = [runs[texts].fillna("")]
    for type in ("int64", "float64"):
        parts.append(runs[[name for name in numbers if numbers[name] == type]].astype(type))
    return pd.concat(parts, axis=1)[list(runs.columns)].copy()


def _worker(
    strategy: str,
    allocator: str,
    size: int,
    row_bytes: int,
    threads: int,
    noise: float,
    random: np.random.Generator,
) -> dict:
    payload = size * row_bytes * threads
    warm = _warm_ns(strategy, allocator, size, _FACTOR.get(allocator, 1.0) * row_bytes / 80)
    cold = warm * 1.4 + 3000.0 + payload / 4096 * 700.0
    scan = payload / 8 + 100
    row: dict = {
        **EACH_ROW,
        "pass": "measure",
        "strategy": strategy,
        "allocator": allocator,
        "rows": size,
        "row_bytes": row_bytes,
        "threads": threads,
        "payload_bytes": payload,
    }
    if cold > _LONGEST_NS:
        row.update(
            status="skipped_predicted",
            status_detail=f"would take {cold / 1e9:.0f} s",
            predicted_cold_build_release_ns=cold,
            predicted_warm_build_release_ns=warm,
        )
        return row

    def noisy(value: float) -> float:
        return value * float(np.exp(random.normal(0.0, noise))) if noise else value

    warm_ns = noisy(warm)
    overhead = 30_000 if noise else 0
    peak = round(_PEAK.get(strategy, 1.5) * payload + overhead * random.random())
    row.update(
        **_OF_EACH_WORKER,
        cpu_count=threads,
        allocator_path=f"/usr/lib/lib{allocator}.so",
        cold_build_ns=round(noisy(cold * 0.9)),
        cold_scan_ns=round(noisy(scan)),
        cold_release_ns=round(noisy(cold * 0.1)),
        cold_build_minor_fault_count=payload // 4096 + 3,
        cold_user_ns=round((cold + scan) * 0.6),
        cold_system_ns=round((cold + scan) * 0.5),
        peak_rss_bytes=4_000_000 + peak,
        peak_memory_bytes=peak,
        warm_iteration_count=max(1, round(2e6 / warm)),
        warm_build_release_median_ns=warm_ns,
        warm_build_release_min_ns=warm_ns * 0.99,
        warm_build_release_max_ns=warm_ns * 1.02,
    )
    return row


def _warm_ns(strategy: str, allocator: str, size: int, factor: float) -> float:
    warm = size * _LINEAR.get(strategy, 8.0) * factor + 40.0
    if strategy == "loop_and_append":
        warm += size**2 * 1.2 * factor * (10.0 if allocator in ("glibc", "scudo") else 1.0)
    elif strategy == "append_in_place" and allocator == "scudo":
        warm += size**2 * 3.0
    return warm


_OF_EACH_WORKER = {
    "status": "ok",
    "started_utc": "2025-01-01T12:00:00Z",
    "worker_ns": 50_000_000,
    "cpu": 1,
    "steal_ns": 0,
    "throttled_ns": 0,
    "peak_resolution_bytes": 126_976,
    "page_bytes": 4096,
    "allocator_version": "1.0",
    "allocator_build_id": "0123abcd",
    "cold_build_major_fault_count": 0,
    "rss_before_bytes": 4_000_000,
    "cold_build_huge_fault_count": 0,
    "cold_build_huge_fault_bytes": 0,
    "warm_value_count": 5,
    "warm_minor_fault_count": 0.0,
    "involuntary_switch_count": 0,
    "checksum": "00ff00ff00ff00ff",
}


def fail(runs: pd.DataFrame, mask: pd.Series, status: str, detail: str = "") -> pd.DataFrame:
    """A copy of `runs` where the rows in the mask have that status and no figures."""
    runs = runs.copy()
    runs.loc[mask, ["status", "status_detail"]] = [status, detail or f"{status} in words"]
    measured = [column for column in COLUMNS if column.name in MEASURED]
    runs.loc[mask, [column.name for column in measured if column.type == TEXT]] = ""
    runs.loc[mask, [column.name for column in measured if column.type != TEXT]] = np.nan
    return runs


def one_cell(rounds: int = 10, **columns: Iterable[float]) -> pd.DataFrame:
    """A run of one cell without noise, with the given columns' values, one for each round."""
    runs = build_runs(["realloc_doubling"], ["glibc"], [10_000], rounds, noise=0.0)
    for name, values in columns.items():
        runs[name] = pd.array(list(values), dtype=runs[name].dtype)
    return runs


def write_runs(runs: pd.DataFrame, path: Path) -> Path:
    """Write a run as the runner would: counts without a decimal point."""
    path.parent.mkdir(parents=True, exist_ok=True)
    table = runs.copy()
    for column in COLUMNS:
        # What is empty is so in any type.
        if column.type == COUNT and table[column.name].notna().any():
            table[column.name] = table[column.name].astype("Int64")
    # Not by write_csv(): a run of others may hold formulas.
    table.to_csv(path, index=False, na_rep="", lineterminator="\n")
    return path


@pytest.fixture(scope="session")
def default_run() -> pd.DataFrame:
    """A run like that of the default preset: 11 strategies, 6 allocators, 10 sizes, 10 rounds.

    With some trouble in it: tbbmalloc was not there, and a few workers of scudo crashed.
    """
    runs = build_runs()
    runs = fail(runs, runs["allocator"] == "tbbmalloc", "unavailable", "libtbbmalloc.so not found")
    crashed = (runs["allocator"] == "scudo") & (runs["strategy"] == "chunked_list")
    return fail(runs, crashed & (runs["rows"] >= 10_000), "crashed", "signal 11")


@pytest.fixture
def run_folder(tmp_path: Path) -> Callable[..., Path]:
    """Writes a run into a folder of its own, and returns the folder."""

    def make(runs: Optional[pd.DataFrame] = None) -> Path:
        folder = tmp_path / "run"
        write_runs(one_cell() if runs is None else runs, folder / "runs.csv")
        return folder

    return make


@pytest.fixture
def reread(tmp_path: Path) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """Writes a run and reads it again."""
    return lambda runs: read_runs(write_runs(runs, tmp_path / "reread.csv"))


@pytest.fixture(scope="session")
def python() -> str:
    """The interpreter that the tests run with."""
    return sys.executable


def module_of(verb: str):
    """The module of a verb."""
    package = "cli" if verb in cli.verbs() else "develop"
    return importlib.import_module(f"growbench.{package}.{verb.replace('-', '_')}")


@pytest.fixture
def call_here(capsys):
    """Runs a verb within this process, which is faster than a process of its own."""

    def run(verb, *arguments):
        capsys.readouterr()
        try:
            status = entry.run(module_of(verb).main, list(map(str, arguments)))
        except SystemExit as stop:  # argparse's way to end
            status = stop.code
        out, err = capsys.readouterr()
        return subprocess.CompletedProcess(verb, status, out, err)

    return run
