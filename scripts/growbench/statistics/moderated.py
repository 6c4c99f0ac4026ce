"""Few runs a side, many families: by how much do the sides differ, and is it more than chance?

Of five runs a side no family alone can say much: its spread is known from eight degrees of freedom,
and a rank test of it cannot give a p below 2/252. But all families were in the same runs. So the
spread of each is drawn towards that of all, as far as they are alike (moderated t), and p is held
against all other ways to deal the runs into two sides, with the largest figure of all families each
time. The latter asks for no shape of the distribution, and does not mind families that move
together or that have two modes.

Values are logarithms: families x runs, nan where a run has no figure.
"""

import itertools
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from scipy import special

CONFIDENCE = 0.95
# So many deals are looked at all; of more, a sample with a fixed seed.
_MOST_DEALS, _SEED = 1000, 20250101
# A spread of 0 has no logarithm; as limma, a hundred-thousandth of the typical one at least.
_LEAST_SHARE = 1e-5


class Prior(NamedTuple):
    """What the variances of all families say of each: as if it had been measured with `freedom`
    further degrees of freedom, 0 to inf, and been `variance`."""

    freedom: float
    variance: float


class Moderated(NamedTuple):
    """For each family: the shift, its standard error, degrees of freedom, and the ends of the 95%
    interval; nan where a side has no run, or no spread can be told."""

    shift: np.ndarray
    error: np.ndarray
    freedom: np.ndarray
    low: np.ndarray
    high: np.ndarray


def fit_prior(variance: np.ndarray, freedom: np.ndarray) -> Prior:
    """The prior of variances that were measured with these degrees of freedom.

    Formula: s^2 ~ s0^2 F(d, d0); with e = ln s^2 - digamma(d / 2) + ln(d / 2), d0 from
    trigamma(d0 / 2) = var(e) - mean trigamma(d / 2), and ln s0^2 = mean e + digamma(d0 / 2) -
    ln(d0 / 2). Where the variances differ no more than chance has it, d0 is inf.
    Assumptions: normal values; true variances as 1 / chi^2. Fewer than 3 tell nothing: d0 is 0.
    Source: G. K. Smyth, Linear models and empirical Bayes methods for assessing differential
    expression in microarray experiments, Stat. Appl. Genet. Mol. Biol. 3 (2004), section 6.2.
    """
    known = np.isfinite(variance) & (freedom > 0)
    s2, half = variance[known], freedom[known] / 2.0
    if len(s2) < 3 or not (s2 > 0).any():
        return Prior(0.0, 0.0)
    s2 = np.maximum(s2, _LEAST_SHARE * np.median(s2[s2 > 0]))
    e = np.log(s2) - special.digamma(half) + np.log(half)
    excess = float(e.var(ddof=1) - special.polygamma(1, half).mean())
    if excess <= 0.0:
        return Prior(np.inf, float(np.exp(e.mean())))
    of_prior = _inverse_trigamma(excess)
    log = e.mean() + special.digamma(of_prior) - np.log(of_prior)
    return Prior(2.0 * of_prior, float(np.exp(log)))


def _inverse_trigamma(value: float) -> float:
    """x with trigamma(x) = value > 0, by Newton's method on 1 / trigamma, which is nearly straight.
    Source: Smyth, appendix."""
    x = 0.5 + 1.0 / value
    for _ in range(50):
        trigamma = float(special.polygamma(1, x))
        step = trigamma * (1.0 - trigamma / value) / float(special.polygamma(2, x))
        x += step
        if -step / x < 1e-8:
            break
    return float(x)


def independent_count(residuals: np.ndarray, freedom: float) -> float:
    """As how many independent families these count, that may move together.

    residuals: families x runs, each run's distance from the mean of its side.
    Formula: G / (1 + (G - 1) r), r the mean squared correlation of two families, less what chance
    makes of it: (mean r^2 - 1 / d) / (1 - 1 / d), at least 0. With one degree of freedom all
    correlations are 1, and nothing is known: 1.
    """
    whole = residuals[~np.isnan(residuals).any(axis=1)]
    length = np.sqrt((whole**2).sum(axis=1))
    unit = whole[length > 0] / length[length > 0][:, None]
    count = len(unit)
    if count < 2 or freedom <= 1.0:
        return 1.0
    squares = float(((unit.T @ unit) ** 2).sum())
    mean = (squares - count) / (count * (count - 1))
    shared = max(0.0, (mean - 1.0 / freedom) / (1.0 - 1.0 / freedom))
    return count / (1.0 + (count - 1) * shared)


class _Spread(NamedTuple):
    """Of each family: shift, its standard error, degrees of freedom of its own, residuals."""

    shift: np.ndarray
    error: np.ndarray
    own: np.ndarray
    residuals: np.ndarray
    prior: Prior


def _spread(base: np.ndarray, new: np.ndarray) -> _Spread:
    m, n = (np.isfinite(side).sum(axis=1) for side in (base, new))
    own = (m + n - 2).astype(float)
    with np.errstate(invalid="ignore", divide="ignore"):
        means = [np.nansum(side, axis=1) / count for side, count in ((base, m), (new, n))]
        residuals = np.hstack([base - means[0][:, None], new - means[1][:, None]])
        squares = np.nansum(residuals**2, axis=1)
        told = (m > 0) & (n > 0) & (own > 0)
        prior = fit_prior(np.where(told, squares / own, np.nan), own)
        if np.isinf(prior.freedom):
            variance = np.full(len(own), prior.variance)
        else:
            variance = (prior.freedom * prior.variance + squares) / (prior.freedom + own)
        error = np.sqrt(np.where(told, variance, np.nan) * (1.0 / m + 1.0 / n))
    return _Spread(means[1] - means[0], error, own, residuals, prior)


def moderated_t(base: np.ndarray, new: np.ndarray) -> np.ndarray:
    """t of moderated_shift() alone; 0 where there is none, and where nothing differs at all."""
    found = _spread(base, new)
    with np.errstate(invalid="ignore", divide="ignore"):
        t = found.shift / found.error
    return np.where(np.isnan(t), 0.0, t)


def moderated_shift(base: np.ndarray, new: np.ndarray) -> Moderated:
    """The shift of each family from `base` to `new`, families x runs.

    Formula: the difference of the sides' means; variance (d0 s0^2 + d s^2) / (d0 + d), s^2 pooled
    over the sides with d = m + n - 2; t with d0 + d degrees of freedom, at most as many as all
    families have together (independent_count() x d): the prior knows no more than it was made from.
    Assumptions: runs are independent of each other, and about as wide on both sides.
    Source: Smyth, as fit_prior(), section 3.
    """
    found = _spread(base, new)
    told = np.isfinite(found.error)
    most = found.own
    if told.any():
        count = independent_count(found.residuals[told], float(np.median(found.own[told])))
        most = count * found.own
    freedom = np.where(told, np.minimum(found.own + found.prior.freedom, most), np.nan)
    with np.errstate(invalid="ignore"):
        reach = special.stdtrit(freedom, (1.0 + CONFIDENCE) / 2.0) * found.error
    low, high = found.shift - reach, found.shift + reach
    return Moderated(found.shift, found.error, freedom, low, high)


def moderated_deviation(squares: np.ndarray, freedom: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each family's standard deviation between runs, and its degrees of freedom, from the sum of
    its squared residuals and their degrees of freedom, as moderated_shift() has them; without the
    limit of families that move together. nan where nothing is known."""
    with np.errstate(invalid="ignore", divide="ignore"):
        prior = fit_prior(np.where(freedom > 0, squares / freedom, np.nan), freedom)
        if np.isinf(prior.freedom):
            variance = np.full(len(freedom), prior.variance)
        else:
            variance = (prior.freedom * prior.variance + squares) / (prior.freedom + freedom)
    told = freedom > 0
    total = np.minimum(freedom + prior.freedom, freedom.sum())
    return np.sqrt(np.where(told, variance, np.nan)), np.where(told, total, np.nan)


@lru_cache(maxsize=None)
def deals(base_count: int, new_count: int) -> np.ndarray:
    """Ways to deal all runs into the two sides, deals x runs, True for those of new; the first is
    the real one (base first, then new). Of sides of the same size a deal and its opposite are one.
    """
    count = base_count + new_count
    if special.comb(count, new_count) <= 2 * _MOST_DEALS:
        chosen = [list(c) for c in itertools.combinations(range(count), new_count)]
        if base_count == new_count:
            chosen = [c for c in chosen if count - 1 in c]
        made = np.zeros((len(chosen), count), dtype=bool)
        for row, runs in zip(made, chosen):
            row[runs] = True
        real = np.arange(count) >= base_count
        return made[np.argsort(~(made == real).all(axis=1), kind="stable")]
    random = np.random.default_rng(_SEED)
    made = np.arange(count) >= base_count
    return np.vstack([made, *(random.permutation(made) for _ in range(_MOST_DEALS - 1))])


def smallest_p(base_count: int, new_count: int) -> float:
    """The smallest p that dealing so many runs can give."""
    if base_count == 0 or new_count == 0:
        return 1.0
    return 1.0 / len(deals(base_count, new_count))


def adjusted_p(t: np.ndarray) -> np.ndarray:
    """For each family p of there being no shift in it, adjusted for all: with at most alpha,
    rejecting errs in any of them with probability alpha at most.

    t: deals x families, the real deal first; the order of nothing else matters.
    Formula: step-down maxT. With |t| of the real deal from small to large, the share of deals in
    which the largest |t| of this family and of those with smaller ones is at least as large; made
    monotonous from the largest on.
    Assumptions: without a shift the runs of both sides can be exchanged. That is so if they were
    made alternately, or in any order, but not if the host wandered between one side and the other.
    Source: P. H. Westfall and S. S. Young, Resampling-based multiple testing (1993), algorithm 4.1.
    """
    sizes = np.abs(t)
    order = np.argsort(sizes[0], kind="stable")
    largest = np.maximum.accumulate(sizes[:, order], axis=1)
    # Equal figures may come out in another way of adding up: a deal is not smaller by that.
    share = (largest >= largest[0] * (1.0 - 1e-9)).mean(axis=0)
    share = np.maximum.accumulate(share[::-1])[::-1]
    adjusted = np.empty(len(order))
    adjusted[order] = share
    return adjusted
