"""The workers of a run that have figures, cell by cell: what summaries and doubts are made from."""

from functools import cached_property, lru_cache
from typing import Collection

import numpy as np
import pandas as pd

from growbench.data.columns import CELL, MEASURE, PROBE
from growbench.data.metrics import metric
from growbench.data.statuses import OK
from growbench.statistics.order import GroupedOrder, grouped_order

# The figures that can be doubted. Exact counts never are.
COLD, WARM, PEAK, TAIL = "cold", "warm", "peak", "tail"
_METRICS = {
    COLD: metric("cold_build_release"),
    WARM: metric("warm_build_release"),
    PEAK: metric("peak_memory"),
    TAIL: metric("warm_tail"),
}

# A peak is a figure only where the reading's error is at most this share of the payload.
LARGEST_RESOLUTION_SHARE = 0.2
# Of fewer cells nobody can tell what they have in common from what each has of its own.
FEWEST_IN_COMMON = 8


class Measured:
    """The workers that have figures.

    rows: their rows of runs.csv. cell: for each row the number of its cell, from 0 to
    cell_count - 1. clock_ns: what reading the clock costs; nan where nobody knows.
    """

    def __init__(
        self, rows: pd.DataFrame, cell: np.ndarray, cell_count: int, clock_ns: float = np.nan
    ) -> None:
        self.rows, self.cell, self.cell_count = rows, cell, cell_count
        self.clock_ns = clock_ns
        self.logs = lru_cache(maxsize=None)(self._logs)
        self.relative = lru_cache(maxsize=None)(self._relative)
        self.deviation = lru_cache(maxsize=None)(self._deviation)

    def order(self, values: np.ndarray) -> GroupedOrder:
        """Order statistics of `values`, one for each row, in each cell."""
        return grouped_order(values, self.cell, self.cell_count)

    def share(self, mask: np.ndarray) -> np.ndarray:
        """For each cell: the share of its rows for which the mask is set; 0 without rows."""
        hits = np.bincount(self.cell, weights=mask, minlength=self.cell_count)
        return hits / np.maximum(self.size, 1)

    @cached_property
    def size(self) -> np.ndarray:
        """For each cell: how many workers have figures."""
        return np.bincount(self.cell, minlength=self.cell_count)

    def column(self, name: str) -> np.ndarray:
        """A column of runs.csv; nan where the file does not have it, or it was not read."""
        if name not in self.rows:
            return np.full(len(self.rows), np.nan)
        return self.rows[name].to_numpy(dtype=float)

    def quantile(self, percent: int) -> np.ndarray:
        """A quantile of each worker's single warm builds; files before version 5 have none."""
        return self.column(f"warm_build_release_p{percent}_ns")

    def _logs(self, figure: str) -> np.ndarray:
        """The figure's logarithm for each worker; nan where it has none that is above 0, and where
        a peak is too small for its reading."""
        of = _METRICS[figure]
        if not set(of.columns) <= set(self.rows.columns):
            return np.full(len(self.rows), np.nan)
        values = of.values(self.rows).to_numpy(dtype=float)
        usable = values > 0
        if figure == PEAK:
            least = self.column("peak_resolution_bytes") / LARGEST_RESOLUTION_SHARE
            usable &= least <= self.column("payload_bytes")
        return np.log(np.where(usable, values, np.nan))

    def _deviation(self, figure: str) -> np.ndarray:
        """How far each worker is from its cell's median, as a logarithm."""
        logs = self.logs(figure)
        return logs - self.order(logs).median[self.cell]

    def _relative(self, figure: str) -> np.ndarray:
        """The logarithms less what moved the cells next to them: those that differ in the
        allocator only, which are measured one right after the other in each round. A worker
        without such neighbours stays as it is.

        Formula: less the median of the neighbours' deviations, its own not among them.
        """
        deviation = self.deviation(figure)
        block, place = self._blocks
        table = np.full((block.max(initial=-1) + 1, place.max(initial=-1) + 1), np.nan)
        table[block, place] = deviation
        common = np.zeros_like(table)
        for own in range(table.shape[1]):
            others = np.delete(table, own, axis=1)
            known = ~np.isnan(others).all(axis=1)
            common[known, own] = np.nanmedian(others[known], axis=1)
        return self.logs(figure) - common[block, place]

    @cached_property
    def _blocks(self) -> tuple[np.ndarray, np.ndarray]:
        """For each row the number of its block, and its place among the block's."""
        keys = [key for key in CELL if key != "allocator"]
        grouped = self.rows.groupby([*keys, "round"], sort=False)
        return grouped.ngroup().to_numpy(dtype=int), grouped.cumcount().to_numpy(dtype=int)

    def compared(self, figure: str) -> GroupedOrder:
        """Order statistics whose interval counts where cells of this run are held against each
        other: the figure's own, or that of the ratio to its neighbours, whichever is narrower."""
        own, relative = self.order(self.logs(figure)), self.order(self.relative(figure))
        narrower = relative.half_width < own.half_width
        away = own.median - relative.median
        return own._replace(
            low=np.where(narrower, relative.low + away, own.low),
            high=np.where(narrower, relative.high + away, own.high),
        )

    def of_rounds(self, figure: str) -> np.ndarray:
        """For each row: by how much the whole run's cells deviated in its round, as a logarithm; 0
        where there are too few cells to tell."""
        if self.size.astype(bool).sum() < FEWEST_IN_COMMON:
            return np.zeros(len(self.rows))
        deviation = pd.Series(self.deviation(figure), index=self.rows.index)
        return deviation.groupby(self.rows["round"]).transform("median").fillna(0.0).to_numpy()


def clock_ns(runs: pd.DataFrame) -> float:
    """What reading the clock cost, from the run's probe; nan where it has none."""
    rows = runs[(runs["pass"] == PROBE) & (runs["strategy"] == "clock") & (runs["status"] == OK)]
    return float(rows["probe_ns"].median()) if "probe_ns" in rows else float("nan")


def measured_in(
    runs: pd.DataFrame, passes: Collection[str] = (MEASURE,)
) -> tuple[Measured, pd.DataFrame]:
    """The workers of these passes of a run that have figures, and their cells: CELL.

    passes: MEASURE, PATTERN, or both, whose cells are others.
    """
    # Without texts that are no keys: a large run is held once more here.
    kept = [name for name in runs if name in CELL or runs[name].dtype != object]
    rows = runs[kept][runs["pass"].isin(list(passes)) & (runs["status"] == OK)]
    grouped = rows.groupby(list(CELL), sort=True, observed=True)
    cells = grouped.size().reset_index()[list(CELL)]
    cell = grouped.ngroup().to_numpy(dtype=int)
    return Measured(rows, cell, len(cells), clock_ns(runs)), cells
