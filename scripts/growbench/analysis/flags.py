"""Reasons to look twice at a cell. Data are never dropped: they are flagged.

To add a flag, write its function and add a row to FLAGS; results/README.md explains each.
"""

from typing import Callable, NamedTuple

import numpy as np
import pandas as pd

from growbench.data.metrics import HEADLINES, metric
from growbench.statistics.order import GroupedOrder, MAD_SCALE, grouped_order, grouped_spearman

WIDE = 0.10
SPREAD = 1.5
OUTLIER_MADS = 5.0
SMALLEST_MAD = 0.001
DRIFT_P = 0.01
DRIFT_SHIFT = 0.05
DRIFT_ROUNDS = 6
SHORT_NS = 0.5e6
STEAL_SHARE = 0.01
TICK_NS = 10e6


class Measured(NamedTuple):
    """The workers that have figures, as the flags see them.

    rows: their rows of runs.csv. cell: for each row the number of its cell, from 0 to
    cell_count - 1.
    """

    rows: pd.DataFrame
    cell: np.ndarray
    cell_count: int

    def order(self, values: np.ndarray) -> GroupedOrder:
        """Order statistics of `values`, one for each row, in each cell."""
        return grouped_order(values, self.cell, self.cell_count)

    def any(self, mask: np.ndarray) -> np.ndarray:
        """For each cell: is the mask set for one of its rows?"""
        return self.share(mask) > 0.0

    def share(self, mask: np.ndarray) -> np.ndarray:
        """For each cell: the share of its rows for which the mask is set; 0 without rows."""
        hits = np.bincount(self.cell, weights=mask, minlength=self.cell_count)
        count = np.bincount(self.cell, minlength=self.cell_count)
        return hits / np.maximum(count, 1)


def _headlines(measured: Measured) -> list[np.ndarray]:
    return [metric(name).values(measured.rows).to_numpy() for name in HEADLINES]


def ci_wide(measured: Measured) -> np.ndarray:
    """Half the interval's width is above 10% of the median, cold or warm. No interval: not set."""
    wide = np.zeros(measured.cell_count, dtype=bool)
    for values in _headlines(measured):
        order = measured.order(values)
        wide |= (order.high - order.low) / 2.0 > WIDE * order.median
    return wide


def spread(measured: Measured) -> np.ndarray:
    """The slowest worker took more than 1.5 times as long as the fastest, cold or warm."""
    apart = np.zeros(measured.cell_count, dtype=bool)
    for values in _headlines(measured):
        order = measured.order(values)
        apart |= order.maximum > SPREAD * order.minimum
    return apart


def outlier(measured: Measured) -> np.ndarray:
    """A worker is further than 5 scaled MADs from the cell's median, cold or warm.

    Scaled MAD: 1.4826 x the median of |x - median|. Where nearly all workers agree to the
    nanosecond it would be next to nothing, so it counts as at least 0.1% of the median.
    """
    found = np.zeros(measured.cell_count, dtype=bool)
    for values in _headlines(measured):
        median = measured.order(values).median
        distance = np.abs(values - median[measured.cell])
        scaled = MAD_SCALE * measured.order(distance).median
        limit = OUTLIER_MADS * np.fmax(scaled, SMALLEST_MAD * median)
        found |= measured.any(distance > limit[measured.cell])
    return found


def drift(measured: Measured) -> np.ndarray:
    """Time went up or down with the round, cold or warm, over at least 6 rounds.

    Spearman's correlation of time with round has p < 0.01, and the median of the later half of
    the rounds differs from that of the earlier half by more than 5%.
    """
    found = np.zeros(measured.cell_count, dtype=bool)
    rounds = measured.rows["round"].to_numpy(dtype=float)
    for values in _headlines(measured):
        there = ~np.isnan(values)
        cell = measured.cell[there]
        _, p = grouped_spearman(rounds[there], values[there], cell, measured.cell_count)
        middle = grouped_order(rounds[there], cell, measured.cell_count)
        early = measured.order(np.where(rounds < middle.median[measured.cell], values, np.nan))
        late = measured.order(np.where(rounds > middle.median[measured.cell], values, np.nan))
        shifted = np.abs(late.median - early.median) > DRIFT_SHIFT * early.median
        found |= (p < DRIFT_P) & shifted & (middle.size >= DRIFT_ROUNDS)
    return found


def short(measured: Measured) -> np.ndarray:
    """In some worker a warm value lasts under 0.5 ms: warm_iteration_count x the median."""
    rows = measured.rows
    duration = rows["warm_iteration_count"] * rows["warm_build_release_median_ns"]
    return measured.any((duration < SHORT_NS).to_numpy())


def steal(measured: Measured) -> np.ndarray:
    """In some worker the hypervisor took more than 1% of the time, and more than a clock tick.

    Steal comes in ticks of 10 ms: a single one is over 1% of any short worker.
    """
    rows = measured.rows
    much = (rows["steal_ns"] > STEAL_SHARE * rows["worker_ns"]) & (rows["steal_ns"] > TICK_NS)
    return measured.any(much.to_numpy())


def throttled(measured: Measured) -> np.ndarray:
    """In some worker a control group's CPU quota held it back.

    However short: it is held back to the end of a period, in the middle of whatever it does.
    """
    return measured.any((measured.rows["throttled_ns"] > 0).to_numpy())


def preempted(measured: Measured) -> np.ndarray:
    """More than half of the workers were preempted at least once."""
    return measured.share((measured.rows["involuntary_switch_count"] > 0).to_numpy()) > 0.5


def major_faults(measured: Measured) -> np.ndarray:
    """In some worker the cold build had to wait for the disk."""
    return measured.any((measured.rows["cold_build_major_fault_count"] > 0).to_numpy())


def oversubscribed(measured: Measured) -> np.ndarray:
    """There were more threads than CPUs for them, in some worker."""
    return measured.any((measured.rows["threads"] > measured.rows["cpu_count"]).to_numpy())


class Flag(NamedTuple):
    """name: as in summary.csv. meaning: one line. test: for each cell, whether it is set."""

    name: str
    meaning: str
    test: Callable[[Measured], np.ndarray]


FLAGS = (
    Flag("ci_wide", "the 95% interval of a headline time is wider than +-10%", ci_wide),
    Flag("spread", "the slowest worker took over 1.5 times as long as the fastest", spread),
    Flag("outlier", "a worker is further than 5 scaled MADs from the median", outlier),
    Flag("drift", "times went up or down by over 5% with the rounds, p < 0.01", drift),
    Flag("short", "a warm value lasts under 0.5 ms", short),
    Flag("steal", "the hypervisor took over 1% of a worker's time", steal),
    Flag("throttled", "a CPU quota held a worker back", throttled),
    Flag("preempted", "more than half of the workers were preempted", preempted),
    Flag("major_faults", "a cold build had to wait for the disk", major_faults),
    Flag("oversubscribed", "more threads than CPUs", oversubscribed),
)


def flags_of(measured: Measured) -> np.ndarray:
    """For each cell its flags in the table's order, separated by ';'; "" if there is none."""
    names: list[list[str]] = [[] for _ in range(measured.cell_count)]
    for flag in FLAGS:
        for cell in np.flatnonzero(flag.test(measured)):
            names[cell].append(flag.name)
    return np.array([";".join(of_cell) for of_cell in names], dtype=object)
