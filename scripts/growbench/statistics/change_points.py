"""Change points of many series that were observed together: since when is each of them another?"""

from typing import Any, Iterator, NamedTuple, Optional

import numpy as np

# Observations that a series has to have before a change and after it.
FEWEST_ASIDE = 3
# Of fewer observations hardly any split is as rare as ALPHA: 8 have one in C(8, 4) / 2 = 35.
FEWEST = 9
ALPHA = 0.03
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
    none), and 1 where there is one, else 0; None if there is one everywhere."""

    values: np.ndarray
    present: Optional[np.ndarray]

    @property
    def total(self) -> np.ndarray:
        """How many observations each has."""
        if self.present is None:
            return np.full((1,) * self.values.ndim, float(self.values.shape[-1]))
        return self.present.sum(axis=-1, keepdims=True)

    def at(self, *index: Any) -> "_Series":
        present = None if self.present is None else self.present[index]
        return _Series(self.values[index], present)


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
        p = [p_of[series, place] for place in places]
        points += _settled(values[series], series, places, may, p)
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
    return _Series(left, None if present.all() else present.astype(float))


def _usual_deviation(left: _Series, splits: list[list[int]]) -> float:
    """The median over the series of the deviation about the means of their parts."""
    freedom = left.total[:, 0] - np.array([len(places) + 1 for places in splits])
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
    """t of a change right before each observation: series x observations; 0 where none may be."""
    t = np.zeros(left.values.shape)
    for part, members, first, end in _each_part(left, splits):
        own = _shifts(part, may[first + 1 : end])
        t[members, first + 1 : end] = _over_deviation(own, part, damping)
    return t


def _each_part(
    left: _Series, splits: list[list[int]]
) -> Iterator[tuple[_Series, list[int], int, int]]:
    """The parts that are long enough to be split, each with its series, its first observation and
    the one after it; those of series that have the same splits at once."""
    for places, members in _by_splits(splits).items():
        for first, end in _parts(list(places), left.values.shape[-1]):
            if end - first >= 2 * FEWEST_ASIDE:
                all_of_it = len(members) == len(left.values)
                part = left if all_of_it else left.at(members)
                yield part.at(..., slice(first, end)), members, first, end


def _shifts(part: _Series, may: np.ndarray) -> np.ndarray:
    """|mean after - mean before| / sqrt(1 / before + 1 / after) of each place of a part; 0 where no
    change may be.

    Formula: |S - T before / n| sqrt(n / (before after)), S the sum of the values before the place,
    and T of all n.
    """
    if part.present is None:
        before = np.arange(1.0, part.values.shape[-1])
    else:
        before = np.cumsum(part.present, axis=-1)[..., :-1]
    total = part.total
    after = total - before
    good = (before >= FEWEST_ASIDE) & (after >= FEWEST_ASIDE) & may
    scale = np.sqrt(np.divide(total, before * after, where=good, out=np.zeros(good.shape)))
    sums = np.cumsum(part.values, axis=-1)
    sums, total_sum = sums[..., :-1], sums[..., -1:]
    return np.abs((sums - total_sum * (before / np.maximum(total, 1.0))) * scale)


def _over_deviation(shifts: np.ndarray, part: _Series, damping: float) -> np.ndarray:
    """t, given _shifts(); for one part it grows with these."""
    squares = (part.values**2).sum(axis=-1, keepdims=True)
    squares -= part.values.sum(axis=-1, keepdims=True) ** 2 / np.maximum(part.total, 1.0)
    freedom = part.total - 2.0
    with np.errstate(divide="ignore", invalid="ignore"):
        about = np.sqrt(np.maximum(squares - shifts**2, 0.0) / freedom)
        t = shifts / (about + damping)
    return np.where(shifts > 0.0, t, 0.0)


def _largest(
    left: _Series,
    splits: list[list[int]],
    may: np.ndarray,
    damping: float,
    random: np.random.Generator,
) -> np.ndarray:
    """The largest t of all series and places in each permutation of the observations."""
    series, count = left.values.shape
    rows = max(1, min(series, _CHUNK // count))
    step = max(1, _CHUNK // (rows * count))
    orders = np.stack([random.permutation(count) for _ in range(PERMUTATIONS)])
    largest = np.zeros(PERMUTATIONS)
    for first_row in range(0, series, rows):
        some = slice(first_row, first_row + rows)
        own = left.at(some)
        for number in range(0, PERMUTATIONS, step):
            mixed = own.at(slice(None), orders[number : number + step])
            t = largest[number : number + step]
            for part, _, first, end in _each_part(mixed, splits[some]):
                shifts = _shifts(part, may[first + 1 : end]).max(axis=-1, keepdims=True)
                np.maximum(t, _over_deviation(shifts, part, damping).max(axis=(0, 2)), out=t)
    return largest


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
    row: np.ndarray, series: int, places: list[int], may: np.ndarray, p: list[float]
) -> list[ChangePoint]:
    """The points of one series, each where it fits best between its neighbours."""
    settled, points = list(places), []
    for number in range(len(places)):
        first = settled[number - 1] if number else 0
        end = settled[number + 1] if number + 1 < len(settled) else len(row)
        there = ~np.isnan(row[first:end])
        known = np.where(there, row[first:end], 0.0)
        part = _Series(known[None, :], there[None, :].astype(float))
        settled[number] = first + 1 + int(np.argmax(_shifts(part, may[first + 1 : end])))
        near = np.flatnonzero(may[first + 1 : end]) + first + 1
        room = _room(row, first, settled[number], end)
        near = near[np.abs(near - settled[number]) <= room]
        points.append(
            ChangePoint(series, settled[number], p[number], int(near.min()), int(near.max()))
        )
    return points


def _room(row: np.ndarray, first: int, place: int, end: int) -> int:
    """How far from there a change may be: 0 where nothing varies."""
    before, after = (part[~np.isnan(part)] for part in (row[first:place], row[place:end]))
    shift = after.mean() - before.mean()
    squares = ((before - before.mean()) ** 2).sum() + ((after - after.mean()) ** 2).sum()
    variance = squares / max(len(before) + len(after) - 2, 1)
    if variance == 0.0 or shift == 0.0:
        return 0
    return int(_PLACE * variance / shift**2) + 1
