"""Rounds as pairs: what was measured in the same round, and the ratio of it.

There is one ratio of a to b in all of growbench: in each round that has both, d = ln a - ln b; exp
of the median of d, and of its interval, see order.median_interval(). No unit.
Assumptions: the d are independent and of one distribution; what disturbs both sides of a round
alike cancels. Values are above 0.
"""

from typing import NamedTuple, Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from growbench.statistics.order import GroupedOrder, grouped_order, order_of_rows


class PairedRatio(NamedTuple):
    """A ratio with its interval; nan where there is none."""

    ratio: float
    low: float
    high: float
    round_count: int = 0


class PairedRatios(NamedTuple):
    """The same of several ratios, an array of each."""

    ratio: np.ndarray
    low: np.ndarray
    high: np.ndarray
    round_count: np.ndarray


def paired_ratio(differences: ArrayLike) -> PairedRatio:
    """The ratio from the rounds' differences of logarithms; nan are left out."""
    of_one = ratios_of_rows(np.asarray(differences, dtype=float)[None, :])
    return PairedRatio(*(column[0].item() for column in of_one))


def ratios_of_rows(differences: np.ndarray) -> PairedRatios:
    """paired_ratio() of each row: ratios x rounds."""
    return _exp(order_of_rows(differences))


def _exp(order: GroupedOrder) -> PairedRatios:
    return PairedRatios(np.exp(order.median), np.exp(order.low), np.exp(order.high), order.size)


def pair_rounds(a: pd.DataFrame, b: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    """The rows of a and b that agree in `keys` and in the round, beside each other: columns that
    both have end in _a and _b."""
    return a.merge(b, "inner", [*keys, "round"], suffixes=("_a", "_b"))


def ratio_table(
    pairs: pd.DataFrame, keys: Sequence[str], a: str = "value_a", b: str = "value_b"
) -> pd.DataFrame:
    """The ratio of column a to column b for each combination of keys, sorted.

    pairs: as pair_rounds() gives them. Columns: keys, round_count, ratio, ci_low, ci_high (nan
    below 6 rounds).
    """
    grouped = pairs.groupby(list(keys), sort=True)
    table = grouped.size().rename("round_count").reset_index()
    difference = np.log(pairs[a].to_numpy()) - np.log(pairs[b].to_numpy())
    found = _exp(grouped_order(difference, grouped.ngroup().to_numpy(dtype=int), len(table)))
    return table.assign(ratio=found.ratio, ci_low=found.low, ci_high=found.high)
