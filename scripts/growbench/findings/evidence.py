"""What findings are made from: the tables of a run, and its rounds side by side."""

from typing import Iterable, NamedTuple, Sequence

import numpy as np
import pandas as pd

from growbench.data.article import at_article_size
from growbench.data.columns import MEASURE, SLICE_KEYS
from growbench.data.statuses import OK
from growbench.comparison.run import Run
from growbench.analysis.analyse import Data
from growbench.data.implementations import bare_names, told_apart
from growbench.data.metrics import metric
from growbench.figures.slices import Slice
from growbench.statistics.paired import PairedRatio, paired_ratio

# A cell within the evidence: its strategy, by a name that tells it from others, and its allocator.
Pair = tuple[str, str]


class Evidence(NamedTuple):
    """run: the rows and the machine. data: all tables of it. main: those of its main slice, which
    most findings are about. what: that slice in words. rows, size: the number of rows that is the
    article's or the nearest there is, and that size in words; 0 and "" if nothing was planned."""

    run: Run
    data: Data
    main: Data
    what: str
    rows: int
    size: str

    def cells(self) -> pd.DataFrame:
        """The main slice's cells of that size, measured or not."""
        return self.main.summary[self.main.summary["rows"] == self.rows]

    def measured(self) -> pd.DataFrame:
        """Those of them that have figures."""
        cells = self.cells()
        return cells[cells["ok_count"] > 0]

    def rounds_of(self, cells: pd.DataFrame, name: str) -> pd.DataFrame:
        """The metric of that name in each round: rounds x (strategy, allocator).

        cells: of one size, number of threads and so on, so that the two tell them apart; where a
        strategy has several implementations, the names are those of told_apart(). Only values above
        0, of which a ratio can be taken; nan where a round has none.
        """
        runs = self.run.runs
        rows = runs[(runs["status"] == OK) & (runs["pass"] == MEASURE)]
        keys = ["implementation", "strategy", "allocator", "rows", *SLICE_KEYS]
        wanted = cells.assign(shown=told_apart(cells), strategy=bare_names(cells))
        rows = rows.merge(wanted[[*keys, "shown"]].drop_duplicates(), "inner", keys)
        values = metric(name).values(rows)
        rows = rows.assign(value=values.where(values > 0)).drop(columns="strategy")
        return rows.rename(columns={"shown": "strategy"}).pivot_table(
            index="round", columns=["strategy", "allocator"], values="value", sort=True
        )


def evidence(run: Run, data: Data, parts: Sequence[Slice]) -> Evidence:
    """parts: what slices() makes of `data`."""
    if not parts:
        return Evidence(run, data, data, "", 0, "")
    main = parts[0]
    # Where a part of the cells has figures, the size should be one of theirs.
    summary = main.data.summary
    with_figures = summary[summary["ok_count"] > 0]
    cells, size = at_article_size(with_figures if len(with_figures) else summary)
    return Evidence(run, data, main.data, main.context.what, int(cells["rows"].iloc[0]), size)


def ratio(rounds: pd.DataFrame, a: Pair, b: Pair) -> PairedRatio:
    """a / b over the rounds that have both; nan where a cell has no value at all."""
    return paired_ratio(_differences(rounds, a, b))


def _differences(rounds: pd.DataFrame, a: Pair, b: Pair) -> np.ndarray:
    """ln a - ln b of each round, nan where it lacks one; of no round where a cell is not there."""
    if a not in rounds or b not in rounds:
        return np.zeros(0)
    return (np.log(rounds[a]) - np.log(rounds[b])).to_numpy()


def mean_ratio(rounds: pd.DataFrame, pairs: Iterable[tuple[Pair, Pair]]) -> tuple[PairedRatio, int]:
    """The geometric mean of a / b over the pairs of cells that share a round at least, and how many
    these are.

    Formula: that of statistics.paired, of the mean of ln a - ln b in each round that has all of
    these. Where no round has all, nan.
    Assumptions: rounds are independent; the cells are what is asked about, not a sample of more.
    """
    differences = [_differences(rounds, a, b) for a, b in pairs]
    shared = [one for one in differences if not np.isnan(one).all()]
    return paired_ratio(np.mean(shared, axis=0) if shared else []), len(shared)


def excludes(low: float, high: float, value: float = 1.0) -> bool:
    """Does the interval exclude the value? No interval excludes nothing."""
    return bool(low > value or high < value)
