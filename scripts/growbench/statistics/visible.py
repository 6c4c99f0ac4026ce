"""What a comparison could not have seen. "Not resolved" is not "the same"."""

from functools import lru_cache
from typing import Callable

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from growbench.statistics.shift import Shift, hodges_lehmann, paired_shift

POWER = 0.8
# A rank test needs pi / 3 times the values that a t test needs where values are normal and many.
_RANK_COST = np.sqrt(np.pi / 3.0)
# With few values rank tests are far from that, so their power is found by simulation.
_FEW = 25
_REPETITIONS, _STEPS, _SEED = 1000, 12, 20250101


def visible_shift(deviation: ArrayLike, m: ArrayLike, n: ArrayLike, alpha: ArrayLike) -> np.ndarray:
    """The smallest shift between sets of m and n workers that a rank-sum test at level alpha
    finds in 80% of cases; inf where it finds none, however large.

    deviation: between workers, in the unit of the shift.
    Formula: deviation x sqrt(1 / m + 1 / n) x c. Up to 25 workers on a side c is where the power of
    the exact test is 80%, by bisection over 1,000 simulated pairs of normal samples with a fixed
    seed; beyond, c = (t(1 - alpha / 2) + t(0.8)) sqrt(pi / 3), t with m + n - 2 degrees of freedom.
    Assumptions: values are about normal, and about as wide on both sides.
    Source: E. L. Lehmann, Nonparametrics, sections 2.3 and 2.4.
    """
    m, n, alpha = np.broadcast_arrays(m, n, alpha)
    factors = np.array([_unpaired_factor(*key) for key in zip(m.ravel(), n.ravel(), alpha.ravel())])
    return _times(deviation, factors.reshape(m.shape))


def visible_paired_shift(deviation: ArrayLike, n: ArrayLike, alpha: ArrayLike) -> np.ndarray:
    """The same for n pairs whose differences have that deviation, and the signed-rank test.

    Formula: deviation / sqrt(n) x c, c as for visible_shift(), with n - 1 degrees of freedom.
    """
    n, alpha = np.broadcast_arrays(n, alpha)
    factors = np.array([_paired_factor(*key) for key in zip(n.ravel(), alpha.ravel())])
    return _times(deviation, factors.reshape(n.shape))


def _times(deviation: ArrayLike, factors: np.ndarray) -> np.ndarray:
    """Where no shift is found, none is found without any noise either."""
    finite = np.where(np.isinf(factors), 0.0, factors)
    return np.where(np.isinf(factors), np.inf, np.asarray(deviation, dtype=float) * finite)


@lru_cache(maxsize=None)
def _unpaired_factor(m: int, n: int, alpha: float) -> float:
    if m == 0 or n == 0:
        return np.inf
    error = float(np.sqrt(1.0 / m + 1.0 / n))
    if max(m, n) > _FEW:
        return error * _factor_of_many(m + n - 2, alpha)
    random = np.random.default_rng(_SEED)
    a, b = random.normal(size=(_REPETITIONS, m)), random.normal(size=(_REPETITIONS, n))
    return _where_power(lambda shift: hodges_lehmann(a, b + shift), error, alpha)


@lru_cache(maxsize=None)
def _paired_factor(n: int, alpha: float) -> float:
    if n == 0:
        return np.inf
    error = float(np.sqrt(1.0 / n))
    if n > _FEW:
        return error * _factor_of_many(n - 1, alpha)
    differences = np.random.default_rng(_SEED).normal(size=(_REPETITIONS, n))
    return _where_power(lambda shift: paired_shift(differences + shift), error, alpha)


def _factor_of_many(freedom: int, alpha: float) -> float:
    quantiles = special.stdtrit(freedom, [1.0 - alpha / 2.0, POWER])
    return float(quantiles.sum() * _RANK_COST)


def _where_power(test: Callable[[float], Shift], error: float, alpha: float) -> float:
    """The shift at which the test's p is at most alpha in 80% of the samples."""

    def power(shift: float) -> float:
        return float((test(shift).p <= alpha).mean())

    low, high = 0.0, 30.0 * error
    if power(high) < POWER:
        return np.inf
    for _ in range(_STEPS):
        middle = (low + high) / 2.0
        low, high = (low, middle) if power(middle) >= POWER else (middle, high)
    return high
