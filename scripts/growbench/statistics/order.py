"""Order statistics: medians over workers, their intervals, rank correlation."""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

# A normal distribution's standard deviation over its median absolute deviation: 1 / Phi^-1(3/4).
MAD_SCALE = 1.482602218505602


@lru_cache(maxsize=None)
def interval_rank(count: int, confidence: float = 0.95) -> int:
    """Which order statistic bounds the interval of a median: k, from 1; 0 if there is none.

    Formula: k = max{j: P(Bin(count, 1/2) <= j - 1) <= (1 - confidence) / 2}; the interval is
    [x(k), x(count + 1 - k)].
    Source: H. A. David and H. N. Nagaraja, Order Statistics, 3rd ed., section 7.1.
    """
    if count < 1:
        return 0
    below = special.bdtr(np.arange(count), count, 0.5)
    return int(np.searchsorted(below, (1.0 - confidence) / 2.0, side="right"))


def median_interval(values: ArrayLike) -> tuple[float, float]:
    """95% interval of the median of the values' distribution, without assuming its shape.

    Formula: [x(k), x(R + 1 - k)] with k of interval_rank(). Unit: that of the values.
    Assumptions: the values are independent and of one distribution. The coverage is at least
    95% for a continuous one.
    (nan, nan) where there are fewer than 6 values: never a zero width for that
    reason. Raises ValueError for a nan among the values.
    Source: as interval_rank().
    """
    ordered = np.sort(np.asarray(values, dtype=float))
    if np.isnan(ordered).any():
        raise ValueError("a value is missing")
    rank = interval_rank(len(ordered))
    if rank == 0:
        return (np.nan, np.nan)
    return (float(ordered[rank - 1]), float(ordered[len(ordered) - rank]))


class GroupedOrder(NamedTuple):
    """Per group: how many values, and their order statistics; nan where there is none."""

    size: np.ndarray
    median: np.ndarray
    minimum: np.ndarray
    maximum: np.ndarray
    low: np.ndarray
    high: np.ndarray

    @property
    def half_width(self) -> np.ndarray:
        """Of the interval."""
        return (self.high - self.low) / 2.0

    @property
    def side(self) -> np.ndarray:
        """1 where the interval lies above 0, -1 where it lies below; 0 otherwise."""
        return (self.low > 0).astype(int) - (self.high < 0).astype(int)


def order_of_rows(values: np.ndarray) -> GroupedOrder:
    """grouped_order() with each row as a group."""
    row_count, column_count = values.shape
    return grouped_order(values.ravel(), np.arange(row_count).repeat(column_count), row_count)


def grouped_order(values: ArrayLike, groups: ArrayLike, group_count: int) -> GroupedOrder:
    """median, minimum, maximum and median_interval() of each group's values; nan are left out.

    groups: for each value the number of its group, from 0 to group_count - 1.
    """
    value_array, group_array = np.asarray(values, dtype=float), np.asarray(groups)
    present = ~np.isnan(value_array)
    value_array, group_array = value_array[present], group_array[present]
    order = np.lexsort((value_array, group_array))
    # One nan at the end, for groups without values to point at.
    ordered = np.append(value_array[order], np.nan)
    count = np.bincount(group_array, minlength=group_count)
    start = np.cumsum(count) - count
    nowhere = len(ordered) - 1

    def pick(rank_from_0: np.ndarray, valid: np.ndarray) -> np.ndarray:
        return ordered[np.where(valid, start + rank_from_0, nowhere)]

    some = count > 0
    ranks = {n: interval_rank(int(n)) for n in np.unique(count)}
    rank = np.array([ranks[n] for n in count], dtype=int)
    return GroupedOrder(
        size=count,
        median=(pick((count - 1) // 2, some) + pick(count // 2, some)) / 2.0,
        minimum=pick(np.zeros_like(count), some),
        maximum=pick(count - 1, some),
        low=pick(rank - 1, rank > 0),
        high=pick(count - rank, rank > 0),
    )


def grouped_quantile(
    values: ArrayLike, groups: ArrayLike, group_count: int, share: float
) -> np.ndarray:
    """For each group the quantile of its values; nan without any.

    Formula: between the ordered values that stand around share x (n + 1), from the first to the
    last: whatever n is, a value of the distribution lies below it with about that probability, so
    that groups of different sizes can be compared.
    Source: R. J. Hyndman and Y. Fan, Sample quantiles in statistical packages, The American
    Statistician 50 (1996), definition 6.
    """
    value_array, group_array = np.asarray(values, dtype=float), np.asarray(groups, dtype=int)
    order = np.lexsort((value_array, group_array))
    ordered = np.append(value_array[order], np.nan)
    count = np.bincount(group_array, minlength=group_count)
    start = np.cumsum(count) - count
    place = np.clip(share * (count + 1.0), 1.0, np.maximum(count, 1)) - 1.0
    below = np.floor(place).astype(int)
    above = np.minimum(below + 1, np.maximum(count, 1) - 1)
    low, high = (ordered[np.where(count > 0, start + i, len(ordered) - 1)] for i in (below, above))
    return low + (place - below) * (high - low)


def grouped_spearman(
    x: ArrayLike, y: ArrayLike, groups: ArrayLike, group_count: int
) -> tuple[np.ndarray, np.ndarray]:
    """Spearman's rank correlation of x with y in each group, and its two-sided p-value.

    Formula: Pearson's r of the ranks (ties share their mean rank), and
    t = r sqrt((n - 2) / (1 - r^2)) with n - 2 degrees of freedom, as scipy.stats.spearmanr has it.
    Assumptions: independent pairs; the approximation by t is rough for n < 10 and useless below 6.
    nan where n < 3 or where x or y does not vary. x and y hold no nan.
    """
    group_array = np.asarray(groups)
    count = np.bincount(group_array, minlength=group_count)

    def centred_ranks(values: ArrayLike) -> np.ndarray:
        rank = _ranks_within(np.asarray(values, dtype=float), group_array)
        return rank - ((count + 1) / 2.0)[group_array]

    def sums(products: np.ndarray) -> np.ndarray:
        return np.bincount(group_array, weights=products, minlength=group_count)

    a, b = centred_ranks(x), centred_ranks(y)
    with np.errstate(divide="ignore", invalid="ignore"):
        r = np.clip(sums(a * b) / np.sqrt(sums(a * a) * sums(b * b)), -1.0, 1.0)
        r[count < 3] = np.nan
        t = np.abs(r) * np.sqrt((count - 2) / (1.0 - r * r))
    return r, 2.0 * special.stdtr(np.maximum(count - 2, 1), -t)


def _ranks_within(values: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Rank of each value in its group, from 1; equal values share their mean rank."""
    if len(values) == 0:
        return np.zeros(0)
    order = np.lexsort((values, groups))
    sorted_values, sorted_groups = values[order], groups[order]
    new_group = np.append(True, sorted_groups[1:] != sorted_groups[:-1])
    new_tie = new_group | np.append(True, sorted_values[1:] != sorted_values[:-1])
    tie_start = np.flatnonzero(new_tie)
    tie_end = np.append(tie_start[1:], len(values)) - 1
    tie = np.cumsum(new_tie) - 1
    group_start = np.flatnonzero(new_group)[np.cumsum(new_group) - 1]
    ranks = np.empty(len(values))
    ranks[order] = (tie_start + tie_end)[tie] / 2.0 - group_start + 1.0
    return ranks
