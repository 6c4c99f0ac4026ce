"""Change points of many series that were observed together: since when is each of them another?"""

from typing import NamedTuple, Optional

import numpy as np

# Observations that a series has to have before a change and after it.
FEWEST_ASIDE = 3
# Fewer observations in all can never be told to change at ALPHA: one split in C(8, 4) / 2 is.
FEWEST = 8
ALPHA = 0.05
PERMUTATIONS, _SEED = 999, 20250101
# So many figures are worked on at a time: what fits a cache.
_CHUNK = 1 << 15
# 95% of the place of the largest value of a two-sided Brownian motion with a drift of 1/2.
_PLACE = 11.0


class ChangePoint(NamedTuple):
    """series, position: from 0; the series is another from the observation `position` on. p:
    adjusted for all series and all places. earliest, latest: where the change may be as well (95%).
    """

    series: int
    position: int
    p: float
    earliest: int
    latest: int


class ChangePoints(NamedTuple):
    """points: those found, by series and position. visible: the shift of a usual series that would
    be found half way, in the unit of the values; inf where none would be."""

    points: list[ChangePoint]
    visible: float


class _Series(NamedTuple):
    """Observations, along the last axis, of series, along the first: values (0 where there is
    none), and 1 where there is one, else 0."""

    values: np.ndarray
    present: np.ndarray


def change_points(
    values: np.ndarray,
    allowed: Optional[np.ndarray] = None,
    alpha: float = ALPHA,
    floor: float = 0.0,
) -> ChangePoints:
    """The change points of each series.

    values: series x observations, nan where a series has none. allowed: for each observation, may a
    change lie right before it; None: before each. floor: what series differ by at least, as a
    standard deviation.
    Formula: t(k) = |mean after k - mean before| / ((s + s0) sqrt(1 / before + 1 / after)), s the
    standard deviation about both means, s0 the median over all series of that about one, so that no
    series stands out by being still for a while. The critical value is that which the largest t of
    all series and places exceeds in `alpha` of PERMUTATIONS permutations of the observations, the
    same for all series. Each series whose largest t is beyond is split there, and what is left
    about the means of its parts is looked at in the same way, until nothing is found. In the end
    each point moves to the least sum of squares between its neighbours. earliest and latest:
    position -+ (floor(11 s^2 / shift^2) + 1).
    Assumptions: without changes the observations are exchangeable: no trend. How series depend on
    each other, and how their values are distributed, is not assumed.
    Source: P. H. Westfall and S. S. Young, Resampling-based multiple testing (1993), section 2.6,
    for the largest t; V. G. Tusher, R. Tibshirani and G. Chu, Proc. Natl. Acad. Sci. 98 (2001), for
    s0; D. S. Matteson and N. A. James, J. Am. Stat. Assoc. 109 (2014), section 3, for splitting by
    permutations; J. Bai, Rev. Econ. Stat. 79 (1997), proposition 3, for the interval.
    """
    present = ~np.isnan(values)
    series_count, count = values.shape
    may = np.ones(count, dtype=bool) if allowed is None else allowed
    splits: list[list[int]] = [[] for _ in range(series_count)]
    p_of: dict[tuple[int, int], float] = {}
    visible = np.inf
    if series_count and count >= FEWEST:
        random = np.random.default_rng(_SEED)
        while True:
            left = _residuals(values, present, splits)
            damping = max(_usual_deviation(left, splits), floor)
            found = _statistics(left, splits, may, damping)
            null = _largest(left, splits, may, damping, random)
            critical = float(np.quantile(null, 1.0 - alpha, method="higher"))
            if not p_of:
                visible = critical * 2.0 * damping * 2.0 / np.sqrt(count)
            new = _beyond(found, splits, critical)
            if not new:
                break
            for series, position in new:
                larger = int((null >= found[series, position]).sum())
                p_of[series, position] = (larger + 1.0) / (len(null) + 1.0)
                splits[series] = sorted([*splits[series], position])
    points = []
    for series, places in enumerate(splits):
        own = _Series(np.where(present, values, 0.0)[[series]], present[[series]].astype(float))
        points += _settled(own, series, places, may, [p_of[series, at] for at in places])
    return ChangePoints(points, visible)


def _parts(splits: list[int], count: int) -> list[tuple[int, int]]:
    return list(zip([0, *splits], [*splits, count]))


def _residuals(values: np.ndarray, present: np.ndarray, splits: list[list[int]]) -> _Series:
    """What is left about the mean of each part."""
    left = np.where(present, values, 0.0)
    for series, places in enumerate(splits):
        for first, end in _parts(places, values.shape[1]):
            own = present[series, first:end]
            if own.any():
                part = left[series, first:end]
                left[series, first:end] = np.where(own, part - part[own].mean(), 0.0)
    return _Series(left, present.astype(float))


def _usual_deviation(left: _Series, splits: list[list[int]]) -> float:
    """The median over the series of the deviation about the means of their parts."""
    freedom = left.present.sum(axis=1) - np.array([len(places) + 1 for places in splits])
    squares = (left.values**2).sum(axis=1)
    known = freedom > 0
    return float(np.median(np.sqrt(squares[known] / freedom[known]))) if known.any() else 0.0


def _by_splits(splits: list[list[int]]) -> dict[tuple[int, ...], list[int]]:
    """The series that have the same splits, which are looked at together."""
    groups: dict[tuple[int, ...], list[int]] = {}
    for series, places in enumerate(splits):
        groups.setdefault(tuple(places), []).append(series)
    return groups


def _statistics(
    left: _Series, splits: list[list[int]], may: np.ndarray, damping: float
) -> np.ndarray:
    """t of a change right before each observation, in the shape of `left`; 0 where none may be."""
    count = left.values.shape[-1]
    t = np.zeros(left.values.shape)
    for places, members in _by_splits(splits).items():
        for first, end in _parts(list(places), count):
            if end - first >= 2 * FEWEST_ASIDE:
                part = _Series(*(array[members][..., first:end] for array in left))
                t[members, ..., first + 1 : end] = _of_part(part, may[first + 1 : end], damping)
    return t


def _of_part(part: _Series, may: np.ndarray, damping: float) -> np.ndarray:
    before, sums = (np.cumsum(array, axis=-1) for array in (part.present, part.values))
    total, total_sum = before[..., -1:], sums[..., -1:]
    squares = (part.values**2).sum(axis=-1, keepdims=True)
    before, sums = before[..., :-1], sums[..., :-1]
    after = total - before
    with np.errstate(divide="ignore", invalid="ignore"):
        mean_before, mean_after = sums / before, (total_sum - sums) / after
        about = squares - before * mean_before**2 - after * mean_after**2
        deviation = np.sqrt(np.maximum(about, 0.0) / (total - 2.0))
        scale = (deviation + damping) * np.sqrt(1.0 / before + 1.0 / after)
        t = np.abs(mean_after - mean_before) / scale
    good = (before >= FEWEST_ASIDE) & (after >= FEWEST_ASIDE) & may & ~np.isnan(t)
    return np.where(good, t, 0.0)


def _largest(
    left: _Series,
    splits: list[list[int]],
    may: np.ndarray,
    damping: float,
    random: np.random.Generator,
) -> np.ndarray:
    """The largest t of all series and places in each permutation of the observations."""
    series, count = left.values.shape
    step = max(1, _CHUNK // (series * count))
    orders = np.stack([random.permutation(count) for _ in range(PERMUTATIONS)])
    largest = []
    for first in range(0, PERMUTATIONS, step):
        mixed = _Series(*(array[:, orders[first : first + step]] for array in left))
        largest.append(_statistics(mixed, splits, may, damping).max(axis=(0, 2)))
    return np.concatenate(largest)


def _beyond(t: np.ndarray, splits: list[list[int]], critical: float) -> list[tuple[int, int]]:
    """For each part of each series where its largest t is, if that is beyond the critical value."""
    new = []
    for series in np.flatnonzero(t.max(axis=1) > critical):
        for first, end in _parts(splits[series], t.shape[1]):
            place = first + int(np.argmax(t[series, first:end]))
            if t[series, place] > critical:
                new.append((int(series), place))
    return new


def _settled(
    own: _Series, series: int, places: list[int], may: np.ndarray, p: list[float]
) -> list[ChangePoint]:
    """The points of one series, each where it fits best between its neighbours."""
    count = own.values.shape[1]
    settled, points = list(places), []
    for number in range(len(places)):
        first = settled[number - 1] if number else 0
        end = settled[number + 1] if number + 1 < len(settled) else count
        part = _Series(*(array[:, first:end] for array in own))
        about = part.values - part.values.sum() / part.present.sum()
        centred = _Series(about * part.present, part.present)
        t = _of_part(centred, may[first + 1 : end], 0.0)[0]
        if t.max() > 0.0:
            settled[number] = first + 1 + int(np.argmax(t))
        room = _room(own, first, settled[number], end)
        near = np.flatnonzero(may[first + 1 : end]) + first + 1
        near = near[np.abs(near - settled[number]) <= room]
        low, high = (int(near.min()), int(near.max())) if len(near) else (settled[number],) * 2
        points.append(ChangePoint(series, settled[number], p[number], low, high))
    return points


def _room(own: _Series, first: int, place: int, end: int) -> int:
    """How far from there a change may be: 0 where nothing varies."""
    before, after = (
        own.values[0, a:b][own.present[0, a:b] > 0] for a, b in ((first, place), (place, end))
    )
    shift = after.mean() - before.mean()
    squares = ((before - before.mean()) ** 2).sum() + ((after - after.mean()) ** 2).sum()
    variance = squares / max(len(before) + len(after) - 2, 1)
    if variance == 0.0 or shift == 0.0:
        return 0
    return int(_PLACE * variance / shift**2) + 1
