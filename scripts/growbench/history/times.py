"""Change points of times: within one host, where several runs before and after allow it."""

from typing import NamedTuple, Optional, Sequence

import numpy as np

from growbench.analysis import host
from growbench.comparison.sharing import FAMILY
from growbench.data.columns import CELL
from growbench.data.metrics import Metric
from growbench.history.order import State
from growbench.history.reading import Taken, Times
from growbench.statistics.change_points import ALPHA, FEWEST, ChangePoint, change_points
from growbench.statistics.shift import hodges_lehmann

# A change below that is not told: it is less than what equal things are taken to differ by.
THRESHOLD = 0.05
# What so many families have in common in a run is the host's; and no change is told of all alike.
FEWEST_FAMILIES = 3
# A tenth of a percent: what is closer to each other than that is rounded as much as measured.
_FLOOR = 1e-3
_PLACES_OF_FAMILY = [CELL.index(key) for key in FAMILY]


class Shifted(NamedTuple):
    """A time of a family that changed.

    metric: its name. family: FAMILY. last, since: states. earliest, latest: since which state it
    may be as well (95%). ratio, low, high: after over before, of the runs' figures, with its 95%
    interval (nan: too few runs). p: adjusted. host: its number. cells: how many it is of.
    undone: the first later state since which it is as before again, up to the threshold, or further
    off the other way.
    """

    metric: str
    family: tuple
    last: int
    since: int
    earliest: int
    latest: int
    ratio: float
    low: float
    high: float
    p: float
    host: int
    cells: int
    undone: Optional[int] = None


class OfHost(NamedTuple):
    """What was looked at on one host.

    runs: their numbers in the order of the history. metrics: names. families: FAMILY of each
    series; metric_of: its metric. values: series x runs, logarithms of the figure over the series'
    usual one, without what all have in common. common: metric x runs, that; nan where it is not
    known. visible: the ratio that would have been found half way; inf if none. common_changes:
    (metric, state, ratio) of changes in what all have in common.
    """

    number: int
    runs: list[int]
    metric_of: list[str]
    families: list[tuple]
    cells: list[int]
    values: np.ndarray
    common: dict[str, np.ndarray]
    visible: float
    common_changes: list[tuple[str, int, float]]


class InTime(NamedTuple):
    """hosts: those with enough runs. found: changes beyond the threshold. smaller: how many there
    are that are not. host_of_run: the number of each run's host, from 1. by_older: metrics that are
    read from the column of older files."""

    hosts: list[OfHost]
    found: list[Shifted]
    smaller: int
    host_of_run: list[int]
    by_older: list[str]


def in_time(
    states: Sequence[State],
    metrics: Sequence[Metric],
    number_of: dict[tuple, int],
    threshold: float = THRESHOLD,
) -> InTime:
    """The changes of each family in each metric. number_of: the place of each cell."""
    runs = [run for state in states for run in state.runs]
    state_of = [place for place, state in enumerate(states) for _ in state.runs]
    host_of_run = _hosts(runs)
    enough = [n for n in sorted(set(host_of_run)) if host_of_run.count(n) >= FEWEST]
    by_older = [one.name for one in metrics if _needs_older(runs, one)]
    hosts: list[OfHost] = []
    found: list[Shifted] = []
    smaller = 0
    for number in enough:
        own = [place for place, of in enumerate(host_of_run) if of == number]
        looked = _of_host(runs, own, number, metrics, by_older, number_of)
        own_states = np.array([state_of[place] for place in own])
        allowed = np.append(False, own_states[1:] != own_states[:-1])
        points = change_points(looked.values, allowed, ALPHA / len(enough), _FLOOR)
        shifted = [
            _shifted(looked, own_states, points.points, point, threshold) for point in points.points
        ]
        told = [one for one in shifted if abs(np.log(one.ratio)) >= np.log1p(threshold)]
        smaller += len(shifted) - len(told)
        found += told
        common = _common_changes(looked, own_states, allowed)
        hosts.append(looked._replace(visible=float(np.exp(points.visible)), common_changes=common))
    return InTime(hosts, found, smaller, host_of_run, by_older)


def _hosts(runs: Sequence[Taken]) -> list[int]:
    """The number of each run's host: that of the first host of its name that at least half of the
    runs so far are the same as, or as far as is known."""
    members: list[list[Taken]] = []
    numbers = []
    for run in runs:
        for number, own in enumerate(members):
            if own[0].machine_id != run.machine_id:
                continue
            alike = [host.distance(other.host, run.host).verdict for other in own]
            same = sum(verdict in (host.SAME, host.NOT_KNOWN) for verdict in alike)
            if 2 * same >= len(own):
                own.append(run)
                numbers.append(number + 1)
                break
        else:
            members.append([run])
            numbers.append(len(members))
    return numbers


def _needs_older(runs: Sequence[Taken], metric: Metric) -> bool:
    """Has a run only the older column of this metric?"""
    return metric.older is not None and any(
        len(run.times[metric.name].cell) and run.times[metric.name].source == metric.older
        for run in runs
    )


def _of_host(
    runs: Sequence[Taken],
    own: list[int],
    number: int,
    metrics: Sequence[Metric],
    by_older: Sequence[str],
    number_of: dict[tuple, int],
) -> OfHost:
    families = _families(number_of)
    parts, metric_of, names, cells = [], [], [], []
    common: dict[str, np.ndarray] = {}
    for metric in metrics:
        logs = np.full((len(own), len(number_of)), np.nan)
        for row, place in enumerate(own):
            _fill(
                logs[row], runs[place], runs[place].times[metric.name], number_of, metric, by_older
            )
        values, kept, count = _by_family(logs, families)
        if not len(values):
            continue
        shared = np.zeros(len(own))
        if len(values) >= FEWEST_FAMILIES:
            shared = _median_of(values)
            values = values - shared
            common[metric.name] = shared
        parts.append(values)
        metric_of += [metric.name] * len(values)
        names += kept
        cells += count
    values = np.concatenate(parts) if parts else np.zeros((0, len(own)))
    return OfHost(number, own, metric_of, names, cells, values, common, np.inf, [])


def _fill(
    row: np.ndarray,
    run: Taken,
    times: Times,
    number_of: dict[tuple, int],
    metric: Metric,
    by_older: Sequence[str],
) -> None:
    """The logarithms of a run's figures, each at its cell's place."""
    figures = times.older if metric.name in by_older else times.median
    for cell, value in zip(times.cell, figures):
        place = number_of.get(run.cells[cell])
        if place is not None and value > 0.0:
            row[place] = np.log(value)


def _families(number_of: dict[tuple, int]) -> dict[tuple, list[int]]:
    families: dict[tuple, list[int]] = {}
    for cell, place in number_of.items():
        families.setdefault(tuple(cell[i] for i in _PLACES_OF_FAMILY), []).append(place)
    return families


def _median_of(values: np.ndarray) -> np.ndarray:
    """Of each column, without nan; 0 where there is nothing else."""
    known = ~np.isnan(values).all(axis=0)
    return np.where(known, np.nanmedian(np.where(known, values, 0.0), axis=0), 0.0)


def _by_family(
    logs: np.ndarray, families: dict[tuple, list[int]]
) -> tuple[np.ndarray, list[tuple], list[int]]:
    """For each family the mean over its cells of how far a run is from the cell's median over all
    runs: families x runs; which families these are, and of how many cells. A cell that fewer than
    half of the runs have is of none."""
    known = 2 * (~np.isnan(logs)).sum(axis=0) >= len(logs)
    centred = logs - _median_of(logs)
    values, kept, count = [], [], []
    for family, places in families.items():
        own = [place for place in places if known[place]]
        there = ~np.isnan(centred[:, own])
        if not own or there.any(axis=1).sum() < FEWEST:
            continue
        sums = np.where(there, centred[:, own], 0.0).sum(axis=1)
        number = there.sum(axis=1)
        values.append(np.where(number > 0, sums / np.maximum(number, 1), np.nan))
        kept.append(family)
        count.append(len(own))
    return np.array(values), kept, count


def _shifted(
    looked: OfHost,
    states: np.ndarray,
    points: Sequence[ChangePoint],
    point: ChangePoint,
    threshold: float,
) -> Shifted:
    """A change point, with what it comes to. points: all of them."""
    places = [one.position for one in points if one.series == point.series]
    values = looked.values[point.series]
    parts = [part[~np.isnan(part)] for part in np.split(values, places)]
    at = places.index(point.position)
    before, after = parts[at], parts[at + 1]
    way = np.sign(after.mean() - before.mean())
    as_before = [
        int(states[place])
        for place, part in zip(places[at + 1 :], parts[at + 2 :])
        if way * (part.mean() - before.mean()) < np.log1p(threshold)
    ]
    shift = hodges_lehmann(before[None, :], after[None, :])
    ratio, low, high = (float(np.exp(part[0])) for part in shift[:3])
    return Shifted(
        looked.metric_of[point.series],
        looked.families[point.series],
        int(states[point.position - 1]),
        int(states[point.position]),
        int(states[point.earliest]),
        int(states[point.latest]),
        ratio,
        low,
        high,
        point.p,
        looked.number,
        looked.cells[point.series],
        as_before[0] if as_before else None,
    )


def _common_changes(
    looked: OfHost, states: np.ndarray, allowed: np.ndarray
) -> list[tuple[str, int, float]]:
    """(metric, state, ratio) of each change in what all families have in common."""
    names = list(looked.common)
    if not names:
        return []
    values = np.stack([looked.common[name] for name in names])
    found = []
    for series, position, *_ in change_points(values, allowed, ALPHA, _FLOOR).points:
        mean = values[series, position:].mean() - values[series, :position].mean()
        found.append((names[series], int(states[position]), float(np.exp(mean))))
    return found
