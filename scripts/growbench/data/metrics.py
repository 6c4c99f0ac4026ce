"""What is measured: one table that the summary, the comparison and every plot read.

To add a metric, add a row to METRICS. Its columns in summary.csv follow from it.
"""

from typing import NamedTuple, Optional

import pandas as pd

LOG = "log"
LINEAR = "linear"


class Quantity(NamedTuple):
    """Something in the summary that can be drawn: where its figures stand, and how to show it.

    unit: ns, bytes, count, ratio or share. scale: LOG or LINEAR.
    low, high: columns with the ends of the interval; "" if there is none.
    predicted: column with the prediction for cells that were skipped, if there is one.
    """

    label: str
    unit: str
    scale: str
    median: str
    low: str
    high: str
    predicted: Optional[str] = None


class Metric(NamedTuple):
    """One metric of a worker: the sum of `columns` of runs.csv, in `unit`."""

    name: str
    label: str
    unit: str
    scale: str
    columns: tuple[str, ...]
    predicted: Optional[str] = None

    def values(self, runs: pd.DataFrame) -> pd.Series:
        """The metric for each row of `runs`; nan where a part of it is missing."""
        return runs[list(self.columns)].sum(axis=1, skipna=False)

    def column(self, estimate: str) -> str:
        """Name of the summary's column for `estimate`: median, min, ci_low or ci_high."""
        return f"{self.name}_{estimate}_{self.unit}"

    @property
    def quantity(self) -> Quantity:
        """The metric's median and interval as something to draw."""
        return Quantity(
            self.label,
            self.unit,
            self.scale,
            self.column("median"),
            self.column("ci_low"),
            self.column("ci_high"),
            self.predicted,
        )


METRICS = (
    Metric("cold_build", "Cold build time", "ns", LOG, ("cold_build_ns",)),
    Metric("cold_scan", "Cold scan time", "ns", LOG, ("cold_scan_ns",)),
    Metric("cold_release", "Cold release time", "ns", LOG, ("cold_release_ns",)),
    Metric(
        "cold_build_release",
        "Cold build and release time",
        "ns",
        LOG,
        ("cold_build_ns", "cold_release_ns"),
        "predicted_cold_build_release_ns",
    ),
    Metric(
        "warm_build_release",
        "Warm build and release time",
        "ns",
        LOG,
        ("warm_build_release_median_ns",),
        "predicted_warm_build_release_ns",
    ),
    Metric("peak_memory", "Peak memory", "bytes", LOG, ("peak_memory_bytes",)),
    Metric(
        "cold_build_minor_fault",
        "Page faults of the cold build",
        "count",
        LOG,
        ("cold_build_minor_fault_count",),
    ),
)

# The times that stand for a cell; flags look at these.
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
    return {row.name: row for row in METRICS}[name]
