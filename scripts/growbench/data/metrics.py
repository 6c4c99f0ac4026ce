"""What is measured: one table that the summary, the comparison and every plot read.

To add a metric, add a row to METRICS. Its columns in summary.csv follow from it. What only other
passes have, which comparisons take as well, is a row of BESIDE.
"""

from typing import NamedTuple, Optional, Sequence

import numpy as np
import pandas as pd

from growbench.data.columns import CELL_KEYS, LATENCY, MEASURE, PATTERN

LOG = "log"
LINEAR = "linear"


class Quantity(NamedTuple):
    """Something in the summary that can be drawn: where its figures stand, and how to show it.

    unit: ns, bytes, count, ratio or share. scale: LOG or LINEAR.
    low, high: columns with the ends of the interval; "" if there is none.
    predicted: column with the prediction for cells that were skipped, if there is one; the columns
    with the ends of its interval are named after it.
    """

    label: str
    unit: str
    scale: str
    median: str
    low: str
    high: str
    predicted: Optional[str] = None

    def predicted_end(self, end: str) -> str:
        """The column with an end of the prediction's interval: low or high."""
        assert self.predicted is not None
        return f"{self.predicted.rpartition('_')[0]}_{end}_{self.unit}"


class Metric(NamedTuple):
    """One metric of a worker: the sum of `columns` of runs.csv, in `unit`.

    older: the column that files have which lack the only one of `columns`, and what stands for it
    there; on_one_basis() sees to it that the two are never mixed. passes: whose rows have it. No
    strategy has the name of a copying pattern, so that a cell has it from one of them.
    """

    name: str
    label: str
    unit: str
    columns: tuple[str, ...]
    predicted: Optional[str] = None
    older: Optional[str] = None
    passes: tuple[str, ...] = (MEASURE, PATTERN)

    @property
    def short(self) -> str:
        """Where there is little room: "cold", "warm", "peak memory"."""
        return self.label.lower().removesuffix(" build and release time")

    @property
    def needed(self) -> tuple[str, ...]:
        """The columns that are to be read for it."""
        return self.columns if self.older is None else (*self.columns, self.older)

    def values(self, runs: pd.DataFrame) -> pd.Series:
        """The metric for each row of `runs`; nan where a part of it is missing."""
        values = runs[list(self.columns)].sum(axis=1, skipna=False)
        return values if self.older is None else values.fillna(runs[self.older])

    def source(self, runs: pd.DataFrame) -> str:
        """The column that the figures of `runs` are from, or the sum of columns."""
        if self.older in runs and runs[self.columns[0]].isna().all():
            return str(self.older)
        return " + ".join(self.columns)

    def column(self, estimate: str) -> str:
        """Name of the summary's column for `estimate`: median, min, ci_low or ci_high."""
        return f"{self.name}_{estimate}_{self.unit}"

    @property
    def quantity(self) -> Quantity:
        """The metric's median and interval as something to draw."""
        return Quantity(
            self.label,
            self.unit,
            LOG,
            self.column("median"),
            self.column("ci_low"),
            self.column("ci_high"),
            self.predicted,
        )


METRICS = (
    Metric("cold_build", "Cold build time", "ns", ("cold_build_ns",)),
    Metric("cold_scan", "Cold scan time", "ns", ("cold_scan_ns",)),
    Metric("cold_release", "Cold release time", "ns", ("cold_release_ns",)),
    Metric(
        "cold_build_release",
        "Cold build and release time",
        "ns",
        ("cold_build_ns", "cold_release_ns"),
        "predicted_cold_build_release_ns",
    ),
    Metric(
        "warm_build_release",
        "Warm build and release time",
        "ns",
        ("warm_build_release_p25_ns",),
        "predicted_warm_build_release_ns",
        "warm_build_release_median_ns",
    ),
    Metric(
        "warm_tail",
        "Warm build and release time, 95th percentile",
        "ns",
        ("warm_build_release_p95_ns",),
    ),
    Metric("peak_memory", "Peak memory", "bytes", ("peak_memory_bytes",)),
    Metric(
        "cold_build_minor_fault",
        "Page faults of the cold build",
        "count",
        ("cold_build_minor_fault_count",),
    ),
)


def _latency(name: str, label: str) -> Metric:
    return Metric(
        f"latency_{name}", f"Append, {label}", "ns", (f"latency_{name}_ns",), passes=(LATENCY,)
    )


# What the summary has no columns of.
BESIDE = (
    Metric("warm_scan", "Warm scan time", "ns", ("warm_scan_median_ns",), passes=(PATTERN,)),
    _latency("median", "median"),
    _latency("p99", "99th percentile"),
    _latency("p99_9", "99.9th percentile"),
    _latency("max", "slowest"),
)
# What comparisons can be of.
COMPARED = (*METRICS, *BESIDE)

# The times that stand for a cell; doubts look at these.
HEADLINES = ("cold_build_release", "warm_build_release")

PEAK_RATIO = Quantity(
    "Peak memory as a multiple of the payload",
    "ratio",
    LOG,
    "peak_memory_ratio",
    "peak_memory_ratio_ci_low",
    "peak_memory_ratio_ci_high",
)


def metric(name: str) -> Metric:
    """The metric of that name. Raises KeyError."""
    return {row.name: row for row in COMPARED}[name]


def on_one_basis(
    tables: Sequence[pd.DataFrame], metrics: Sequence[Metric] = METRICS
) -> tuple[list[pd.DataFrame], list[Metric]]:
    """The tables with each metric from the same column in every row, and which metrics that moved.

    Where a cell has the older column of a metric only, the newer one is emptied in all tables. A
    row that lacks it beside others of its cell has no figure: its older one is emptied.
    """
    tables, moved = list(tables), []
    for one in metrics:
        if one.older is None or not all(set(one.needed) <= set(table) for table in tables):
            continue
        (newer,) = one.columns
        if not any(table[newer].notna().any() for table in tables):
            continue
        if any(_has_older_only(table, newer, one.older) for table in tables):
            tables = [table.assign(**{newer: np.nan}) for table in tables]
            moved.append(one)
        else:
            tables = [_without_older(table, newer, one.older) for table in tables]
    return tables, moved


def _has_older_only(table: pd.DataFrame, newer: str, older: str) -> bool:
    """Has any cell the older column in some row, and the newer one in none?"""
    some = table[[*CELL_KEYS, newer]][table[older].notna()]
    if some[newer].notna().all():
        return False
    return bool((some.groupby(list(CELL_KEYS), observed=True)[newer].count() == 0).any())


def _without_older(table: pd.DataFrame, newer: str, older: str) -> pd.DataFrame:
    lacks = table[newer].isna() & table[older].notna()
    return table.assign(**{older: table[older].mask(lacks)}) if lacks.any() else table
