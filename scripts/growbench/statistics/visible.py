"""What a comparison could not have seen. "Not resolved" is not "the same"."""

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

POWER = 0.8
# A rank test needs pi / 3 times the values that a t test needs where values are normal.
_RANK_COST = np.sqrt(np.pi / 3.0)


def visible_shift(
    deviation: ArrayLike, m: ArrayLike, n: ArrayLike, alpha: ArrayLike, smallest_p: ArrayLike
) -> np.ndarray:
    """The smallest shift between sets of m and n workers that a rank-sum test at level alpha
    finds in 80% of cases.

    deviation: between workers, in the unit of the shift. smallest_p: what the test can give at
    best; where that is above alpha the answer is inf: no shift can be seen, however large.
    Formula: (t(1 - alpha / 2) + t(0.8)) x deviation x sqrt(1 / m + 1 / n) x sqrt(pi / 3), t with
    m + n - 2 degrees of freedom.
    Assumptions: values are about normal, and about as wide on both sides.
    Source: E. L. Lehmann, Nonparametrics, sections 2.3 and 2.4.
    """
    m, n = np.asarray(m, dtype=float), np.asarray(n, dtype=float)
    with np.errstate(divide="ignore"):
        error = np.asarray(deviation, dtype=float) * np.sqrt(1.0 / m + 1.0 / n)
    return _visible(error, m + n - 2.0, alpha, smallest_p)


def visible_paired_shift(
    deviation: ArrayLike, n: ArrayLike, alpha: ArrayLike, smallest_p: ArrayLike
) -> np.ndarray:
    """The same for n pairs whose differences have that deviation, and the signed-rank test."""
    n = np.asarray(n, dtype=float)
    with np.errstate(divide="ignore"):
        error = np.asarray(deviation, dtype=float) / np.sqrt(n)
    return _visible(error, n - 1.0, alpha, smallest_p)


def _visible(
    error: np.ndarray, freedom: np.ndarray, alpha: ArrayLike, smallest_p: ArrayLike
) -> np.ndarray:
    alpha = np.asarray(alpha, dtype=float)
    enough = (freedom >= 1.0) & (np.asarray(smallest_p, dtype=float) <= alpha)
    freedom = np.maximum(freedom, 1.0)
    quantiles = special.stdtrit(freedom, 1.0 - alpha / 2.0) + special.stdtrit(freedom, POWER)
    return np.where(enough, quantiles * error * _RANK_COST, np.inf)
