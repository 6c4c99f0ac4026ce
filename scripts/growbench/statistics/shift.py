"""Two sets of workers, measured one after the other or as pairs: by how much do they differ?

Values are logarithms where a ratio is wanted: the shift of logarithms is the logarithm of a ratio.

Interval and p come from the same exact distribution, so they never contradict each other: the
interval excludes 0 where p is at most 1 - confidence, and only there. scipy.stats has the p-values
(mannwhitneyu, wilcoxon; the tests hold these functions against it), but not the intervals.
"""

from functools import lru_cache
from typing import Callable, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

# Up to here the distributions are exact; beyond, normal with the continuity correction.
LARGEST_EXACT = 50
_CHUNK = 4_000_000
# 1 - 0.9 is a little less than 0.1: a p that is exactly at the edge is on the interval's side.
_ROUNDING = 1.0 + 1e-9


class Shift(NamedTuple):
    """For each cell: the shift, its interval (nan if there are too few values), two-sided p.

    shift and interval in the unit of the values; p is 1 where there are no values to compare.
    """

    shift: np.ndarray
    low: np.ndarray
    high: np.ndarray
    p: np.ndarray


@lru_cache(maxsize=None)
def rank_sum_distribution(m: int, n: int) -> np.ndarray:
    """P(U <= u) for u = 0 ... m n: how many of the m n pairs have the second value above, if both
    sets are of one continuous distribution.

    Formula: p(m, n, u) = m / (m + n) p(m - 1, n, u - n) + n / (m + n) p(m, n - 1, u).
    Source: H. B. Mann and D. R. Whitney, On a test of whether one of two random variables is
    stochastically larger than the other, Ann. Math. Stat. 18 (1947), equation 1.
    """
    row: list[np.ndarray] = [np.ones(1)] * (n + 1)
    for i in range(1, m + 1):
        previous, row = row, [np.ones(1)]
        for j in range(1, n + 1):
            p = np.zeros(i * j + 1)
            p[j:] += i / (i + j) * previous[j]
            p[: i * (j - 1) + 1] += j / (i + j) * row[j - 1]
            row.append(p)
    return np.cumsum(row[n])


@lru_cache(maxsize=None)
def signed_rank_distribution(n: int) -> np.ndarray:
    """P(W <= w) for w = 0 ... n (n + 1) / 2: the sum of the ranks with a plus sign, if each sign is
    a fair coin.

    Formula: p(n, w) = (p(n - 1, w) + p(n - 1, w - n)) / 2.
    Source: F. Wilcoxon, Individual comparisons by ranking methods, Biometrics 1 (1945).
    """
    p = np.ones(1)
    for rank in range(1, n + 1):
        p = (np.append(p, np.zeros(rank)) + np.append(np.zeros(rank), p)) / 2.0
    return np.cumsum(p)


def _below(statistic: np.ndarray, mean: float, deviation: float) -> np.ndarray:
    """P(at most `statistic`) of the normal approximation, with the continuity correction."""
    return special.ndtr((statistic + 0.5 - mean) / deviation)


def _rank_sum_below(statistic: np.ndarray, m: int, n: int) -> np.ndarray:
    if max(m, n) <= LARGEST_EXACT:
        return np.minimum(rank_sum_distribution(m, n)[statistic], 1.0)
    return _below(statistic, m * n / 2.0, np.sqrt(m * n * (m + n + 1) / 12.0))


def _signed_rank_below(statistic: np.ndarray, n: int) -> np.ndarray:
    if n <= LARGEST_EXACT:
        return np.minimum(signed_rank_distribution(n)[statistic], 1.0)
    return _below(statistic, n * (n + 1) / 4.0, np.sqrt(n * (n + 1) * (2 * n + 1) / 24.0))


def smallest_rank_sum_p(m: int, n: int) -> float:
    """The smallest two-sided p that m and n values can give: 2 / C(m + n, m); 1 without values."""
    return 1.0 if m == 0 or n == 0 else min(1.0, 2.0 / float(special.binom(m + n, m)))


def smallest_signed_rank_p(n: int) -> float:
    """The smallest two-sided p that n pairs can give: 2 / 2^n."""
    return float(min(1.0, 2.0 * 0.5**n))


def _from_differences(differences: np.ndarray, below: np.ndarray, confidence: float) -> Shift:
    """Median, interval and p of all differences (cells x pairs), given P(statistic <= i)."""
    ordered = np.sort(differences, axis=1)
    count = ordered.shape[1]
    rank = int(np.searchsorted(below, (1.0 - confidence) / 2.0 * _ROUNDING, side="right"))
    if rank > 0:
        low, high = ordered[:, rank - 1], ordered[:, count - rank]
    else:
        low = high = np.full(len(ordered), np.nan)
    # A difference of 0 speaks for neither side, so it counts for the one that p is not about.
    fewer = np.minimum((ordered <= 0).sum(axis=1), (ordered >= 0).sum(axis=1))
    middle = (ordered[:, (count - 1) // 2] + ordered[:, count // 2]) / 2.0
    return Shift(middle, low, high, np.minimum(1.0, 2.0 * below[fewer]))


def hodges_lehmann(a: ArrayLike, b: ArrayLike, confidence: float = 0.95) -> Shift:
    """The shift from a to b, which were measured independently of each other.

    a, b: cells x workers, without nan; the numbers of workers may differ.
    Formula: the median of all differences b[j] - a[i]; the interval [D(k), D(m n + 1 - k)] of the
    ordered differences with k = max{k: P(U <= k - 1) <= (1 - confidence) / 2}; p = 2 P(U <= the
    number of differences on the rarer side), at most 1. Equal values make p larger, not smaller.
    Assumptions: the values are independent, and both sets are of one distribution but for a shift.
    Source: J. L. Hodges and E. L. Lehmann, Estimates of location based on rank tests, Ann. Math.
    Stat. 34 (1963); E. L. Lehmann, Nonparametrics, section 2.6.
    """
    base, new = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    (cells, m), n = base.shape, new.shape[1]
    if m == 0 or n == 0:
        return _no_shift(cells)
    below = _rank_sum_below(np.arange(m * n + 1), m, n)

    def differences(some: slice) -> np.ndarray:
        return (new[some, None, :] - base[some, :, None]).reshape(-1, m * n)

    return _in_chunks(differences, cells, below, confidence)


def paired_shift(differences: ArrayLike, confidence: float = 0.95) -> Shift:
    """The shift of pairs that were measured next to each other.

    differences: cells x pairs, b - a of each pair, without nan.
    Formula: the median of the Walsh averages (d[i] + d[j]) / 2, i <= j; the interval of their order
    statistics, and p, as hodges_lehmann() has them, with Wilcoxon's signed-rank distribution.
    Assumptions: the pairs are independent, and their differences symmetric about the shift, as they
    are about 0 where nothing distinguishes a from b.
    Source: as hodges_lehmann(); Lehmann, section 4.3.
    """
    values = np.asarray(differences, dtype=float)
    cells, n = values.shape
    if n == 0:
        return _no_shift(cells)
    first, second = np.triu_indices(n)
    below = _signed_rank_below(np.arange(len(first) + 1), n)

    def averages(some: slice) -> np.ndarray:
        return (values[some][:, first] + values[some][:, second]) / 2.0

    return _in_chunks(averages, cells, below, confidence)


def _in_chunks(
    differences: Callable[[slice], np.ndarray], cells: int, below: np.ndarray, confidence: float
) -> Shift:
    """_from_differences() of all cells, of so many at a time as memory should hold."""
    step = max(1, _CHUNK // (len(below) - 1))
    parts = [
        _from_differences(differences(slice(i, i + step)), below, confidence)
        for i in range(0, cells, step)
    ]
    return Shift(*(np.concatenate(columns) for columns in zip(*parts))) if parts else _no_shift(0)


def _no_shift(cells: int) -> Shift:
    nothing = np.full(cells, np.nan)
    return Shift(nothing, nothing, nothing, np.ones(cells))


class _Ragged(NamedTuple):
    """Values in the order of their groups, and how many each group has."""

    values: np.ndarray
    start: np.ndarray
    size: np.ndarray

    def rows(self, groups: np.ndarray, count: int) -> np.ndarray:
        """The values of `groups`, which have `count` each: groups x count."""
        return self.values[self.start[groups][:, None] + np.arange(count)]


def _ragged(values: ArrayLike, groups: ArrayLike, group_count: int) -> _Ragged:
    value_array, group_array = np.asarray(values, dtype=float), np.asarray(groups, dtype=int)
    present = ~np.isnan(value_array)
    value_array, group_array = value_array[present], group_array[present]
    count = np.bincount(group_array, minlength=group_count)
    order = np.argsort(group_array, kind="stable")
    return _Ragged(value_array[order], np.cumsum(count) - count, count)


def grouped_hodges_lehmann(
    a: ArrayLike, a_groups: ArrayLike, b: ArrayLike, b_groups: ArrayLike, group_count: int
) -> Shift:
    """hodges_lehmann() of each group: values in any order, with their groups' numbers from 0.

    nan are left out. A group without values on one side has nan, and p = 1.
    """
    first, second = _ragged(a, a_groups, group_count), _ragged(b, b_groups, group_count)

    def shift_of(chosen: np.ndarray, m: int, n: int) -> Shift:
        return hodges_lehmann(first.rows(chosen, m), second.rows(chosen, n))

    return _by_size(np.stack([first.size, second.size], axis=1), shift_of)


def grouped_paired_shift(differences: ArrayLike, groups: ArrayLike, group_count: int) -> Shift:
    """paired_shift() of each group's differences; nan are left out."""
    ragged = _ragged(differences, groups, group_count)
    return _by_size(ragged.size[:, None], lambda chosen, n: paired_shift(ragged.rows(chosen, n)))


def _by_size(sizes: np.ndarray, shift_of: Callable[..., Shift]) -> Shift:
    """Of all groups, those of the same sizes at once. shift_of: given their numbers and sizes."""
    result = Shift(*(column.copy() for column in _no_shift(len(sizes))))
    for size in np.unique(sizes, axis=0):
        chosen = np.flatnonzero((sizes == size).all(axis=1))
        for column, of_part in zip(result, shift_of(chosen, *size)):
            column[chosen] = of_part
    return result
