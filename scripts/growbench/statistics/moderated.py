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
import warnings
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from scipy import special

CONFIDENCE = 0.95
# So many deals are looked at all; of more, a sample with a fixed seed.
_MOST_DEALS, _SEED = 1000, 20250101
# A spread of 0 has no logarithm; as limma, a hundred-thousandth of the typical one at least.
_LEAST_SHARE = 1e-5
_FEWEST_FAMILIES = 3
_NEWTON_STEPS = 50


class Prior(NamedTuple):
    """What the variances of all families say of each: as if it had been measured with `freedom`
    further degrees of freedom, 0 to inf, and been `variance`. One of each for each column."""

    freedom: np.ndarray
    variance: np.ndarray

    def moderate(self, squares: np.ndarray, freedom: np.ndarray) -> np.ndarray:
        """The variances, given sums of squared residuals and their degrees of freedom: (d0 s0^2 +
        d s^2) / (d0 + d)."""
        finite = np.where(np.isinf(self.freedom), 0.0, self.freedom)
        with np.errstate(invalid="ignore", divide="ignore"):
            mixed = (finite * self.variance + squares) / (finite + freedom)
        return np.where(np.isinf(self.freedom), self.variance, mixed)


def fit_prior(variance: np.ndarray, freedom: np.ndarray) -> Prior:
    """The prior of variances that were measured with these degrees of freedom, for each column of
    families x columns (or of families alone); what has no degree of freedom is left out.

    Formula: s^2 ~ s0^2 F(d, d0); with e = ln s^2 - digamma(d / 2) + ln(d / 2), d0 from
    trigamma(d0 / 2) = var(e) - mean trigamma(d / 2), and ln s0^2 = mean e + digamma(d0 / 2) -
    ln(d0 / 2). Where the variances differ no more than chance has it, d0 is inf.
    Assumptions: normal values; true variances as 1 / chi^2. Fewer than 3 tell nothing: d0 is 0.
    Source: G. K. Smyth, Linear models and empirical Bayes methods for assessing differential
    expression in microarray experiments, Stat. Appl. Genet. Mol. Biol. 3 (2004), section 6.2.
    """
    known = np.isfinite(variance) & (freedom > 0)
    count = known.sum(axis=0)
    enough = (count >= _FEWEST_FAMILIES) & (np.where(known, variance, 0.0) > 0).any(axis=0)
    s2 = np.where(known & enough, variance, 1.0)
    with warnings.catch_warnings():
        # A column without any has nan, and no warning.
        warnings.simplefilter("ignore", RuntimeWarning)
        typical = np.nanmedian(np.where(known & (s2 > 0), s2, np.nan), axis=0)
    s2 = np.maximum(s2, _LEAST_SHARE * np.where(enough, typical, 1.0))
    # Few different degrees of freedom, but many families: of each once.
    halves, which = np.unique(np.where(known, freedom, 1.0) / 2.0, return_inverse=True)
    which = which.reshape(known.shape)
    bias = (np.log(halves) - special.digamma(halves))[which]
    e = np.where(known, np.log(s2) + bias, 0.0)
    share = np.maximum(count, 1)
    mean = e.sum(axis=0) / share
    spread = np.where(known, (e - mean) ** 2, 0.0).sum(axis=0) / np.maximum(count - 1, 1)
    by_chance = np.where(known, special.polygamma(1, halves)[which], 0.0).sum(axis=0) / share
    excess = spread - by_chance
    of_prior = _inverse_trigamma(np.where(excess > 0, excess, 1.0))
    log = mean + np.where(excess > 0, special.digamma(of_prior) - np.log(of_prior), 0.0)
    found = np.where(excess > 0, 2.0 * of_prior, np.inf)
    return Prior(np.where(enough, found, 0.0), np.where(enough, np.exp(log), 0.0))


def _inverse_trigamma(value: np.ndarray) -> np.ndarray:
    """x with trigamma(x) = value > 0, by Newton's method on 1 / trigamma, which is nearly straight.
    Source: Smyth, appendix."""
    x = 0.5 + 1.0 / value
    for _ in range(_NEWTON_STEPS):
        trigamma = special.polygamma(1, x)
        step = trigamma * (1.0 - trigamma / value) / special.polygamma(2, x)
        x = x + step
        if (np.abs(step) <= 1e-8 * x).all():
            break
    return x


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


class Moderated(NamedTuple):
    """For each family: the shift, its standard error, degrees of freedom, the ends of the 95%
    interval, and the deviation between runs; nan where a side has no run, or no spread is known."""

    shift: np.ndarray
    error: np.ndarray
    freedom: np.ndarray
    low: np.ndarray
    high: np.ndarray
    deviation: np.ndarray


class _Dealt(NamedTuple):
    """Families x deals: the shift, its standard error over the deviation, degrees of freedom, sum
    of squared residuals."""

    shift: np.ndarray
    factor: np.ndarray
    freedom: np.ndarray
    squares: np.ndarray

    def error(self) -> tuple[np.ndarray, Prior]:
        """The moderated standard error; nan where it is not known."""
        with np.errstate(invalid="ignore", divide="ignore"):
            prior = fit_prior(self.squares / self.freedom, self.freedom)
            variance = np.where(
                self.freedom > 0, prior.moderate(self.squares, self.freedom), np.nan
            )
            return np.sqrt(variance) * self.factor, prior


def _deal(values: np.ndarray, ways: np.ndarray) -> _Dealt:
    """values: families x runs. ways: deals x runs, True for the runs of the second side."""
    there = np.isfinite(values).astype(float)
    count = np.maximum(there.sum(axis=1), 1.0)
    # About their mean, so that the differences of squares keep their digits.
    centred = np.where(there > 0, values, 0.0)
    centred = np.where(there > 0, centred - (centred.sum(axis=1) / count)[:, None], 0.0)
    second = ways.T.astype(float)
    n, of_new = there @ second, centred @ second
    m, of_base = there @ (1.0 - second), centred @ (1.0 - second)
    with np.errstate(invalid="ignore", divide="ignore"):
        shift = of_new / n - of_base / m
        squares = (centred**2).sum(axis=1)[:, None] - of_new**2 / n - of_base**2 / m
        factor = np.sqrt(1.0 / m + 1.0 / n)
    both = (m > 0) & (n > 0)
    freedom = np.where(both, m + n - 2.0, 0.0)
    return _Dealt(np.where(both, shift, np.nan), factor, freedom, np.maximum(squares, 0.0))


def moderated_shift(base: np.ndarray, new: np.ndarray) -> Moderated:
    """The shift of each family from `base` to `new`, families x runs.

    Formula: the difference of the sides' means; variance (d0 s0^2 + d s^2) / (d0 + d), s^2 pooled
    over the sides with d = m + n - 2; t with d0 + d degrees of freedom, at most as many as all
    families have together (independent_count() x d): the prior knows no more than it was made from.
    Assumptions: runs are independent of each other, and about as wide on both sides.
    Source: Smyth, as fit_prior(), section 3.
    """
    values = np.hstack([base, new])
    is_new = np.arange(values.shape[1]) >= base.shape[1]
    dealt = _deal(values, is_new[None, :])
    errors, prior = dealt.error()
    error = errors[:, 0]
    shift, own, factor = (part[:, 0] for part in (dealt.shift, dealt.freedom, dealt.factor))
    told = np.isfinite(error)
    most = own
    if told.any():
        with np.errstate(invalid="ignore", divide="ignore"):
            means = [np.nansum(of, 1) / np.isfinite(of).sum(axis=1) for of in (base, new)]
        residuals = np.hstack([base - means[0][:, None], new - means[1][:, None]])[told]
        most = independent_count(residuals, float(np.median(own[told]))) * own
    freedom = np.where(told, np.minimum(own + prior.freedom[0], most), np.nan)
    with np.errstate(invalid="ignore"):
        reach = special.stdtrit(freedom, (1.0 + CONFIDENCE) / 2.0) * error
    return Moderated(shift, error, freedom, shift - reach, shift + reach, error / factor)


def moderated_deviation(squares: np.ndarray, freedom: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each family's standard deviation between runs, and its degrees of freedom, from the sum of
    its squared residuals and their degrees of freedom, as moderated_shift() has them; without the
    limit of families that move together. nan where nothing is known."""
    with np.errstate(invalid="ignore", divide="ignore"):
        prior = fit_prior(squares / freedom, freedom)
    told = freedom > 0
    variance = np.where(told, prior.moderate(squares, freedom), np.nan)
    total = np.minimum(freedom + prior.freedom, freedom.sum())
    return np.sqrt(variance), np.where(told, total, np.nan)


@lru_cache(maxsize=None)
def deals(base_count: int, new_count: int) -> np.ndarray:
    """Ways to deal all runs into the two sides, deals x runs, True for those of new; the first is
    the real one (base first, then new). Of sides of the same size a deal and its opposite are one.
    """
    count = base_count + new_count
    real = np.arange(count) >= base_count
    if special.comb(count, new_count) > 2 * _MOST_DEALS:
        random = np.random.default_rng(_SEED)
        return np.vstack([real, *(random.permutation(real) for _ in range(_MOST_DEALS - 1))])
    chosen = [list(c) for c in itertools.combinations(range(count), new_count)]
    if base_count == new_count:
        chosen = [c for c in chosen if count - 1 in c]
    made = np.zeros((len(chosen), count), dtype=bool)
    for row, runs in zip(made, chosen):
        row[runs] = True
    return made[np.argsort(~(made == real).all(axis=1), kind="stable")]


def smallest_p(base_count: int, new_count: int) -> float:
    """The smallest p that dealing so many runs can give."""
    if base_count == 0 or new_count == 0:
        return 1.0
    return 1.0 / len(deals(base_count, new_count))


def dealt_t(base: np.ndarray, new: np.ndarray) -> np.ndarray:
    """t of moderated_shift() for each of deals(), deals x families; 0 where there is none, and
    where nothing differs at all."""
    dealt = _deal(np.hstack([base, new]), deals(base.shape[1], new.shape[1]))
    with np.errstate(invalid="ignore", divide="ignore"):
        t = dealt.shift / dealt.error()[0]
    return np.where(np.isnan(t), 0.0, t).T


def adjusted_p(t: np.ndarray) -> np.ndarray:
    """For each family p of there being no shift in it, adjusted for all: rejecting what is at most
    alpha errs in any of them with probability alpha at most.

    t: deals x families, as dealt_t() has them, of one metric or of several beside each other.
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
