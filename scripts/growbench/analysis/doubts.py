"""Doubts: what was measured, and for some use is not to be relied on. Data are never dropped.

A doubt names the figures and the conclusions that it touches. It is raised only where what
disturbed a cell can have moved its figure by as much as matters: a median resists a disturbed
worker among ten. Exact counts are never doubted.

To add a doubt, write its function and add a row to DOUBTS; results/README.md explains each.
"""

from typing import Callable, Collection, NamedTuple

import numpy as np
import pandas as pd

from growbench.analysis.measured import (
    COLD,
    FEWEST_IN_COMMON,
    Measured,
    PEAK,
    TAIL,
    WARM,
    measured_in,
)
from growbench.analysis.replays import is_replay
from growbench.data.columns import MEASURE, SLICE_KEYS
from growbench.statistics.order import grouped_order, grouped_spearman

# What is concluded from a figure: which cell of this run comes before which; by how much two cells
# of this run differ; what a cell takes by itself, as it is held against another run or machine.
RANK, DIFFERENCE, ABSOLUTE = "rank", "difference", "absolute"
CONCLUSIONS = (RANK, DIFFERENCE, ABSOLUTE)

# The smallest shift of a headline that matters: no comparison calls less a difference.
EFFECT = 0.05
# From so large a share of disturbed workers on their figures decide on the median.
BREAKDOWN = 0.5
# A worker that lost less of its time than this was not disturbed.
LOST = 0.05
# No difference below this can be told where half the interval is wider; and no absolute time where
# it is wider than VAGUE, which is what runs of the same code differ by anyway.
WIDE, VAGUE = 0.10, 0.25
FEWEST_WORKERS = 6
# Of 6 even a perfect order has p = 2 / 6! = 0.0028.
DRIFT_P, DRIFT_ROUNDS = 0.001, 7
# Two states of a cell: no more than one group of at least a quarter of the workers each, apart by
# 10% and more, with a gap that is more than half of all the range there is. Of 6 workers that are
# normal and 10% to 20% apart, one cell in ten looks so, of 9 one in a hundred.
STATES_WORKERS = 9
STATES_APART, STATES_SHARE, STATES_GAP = 0.10, 0.25, 0.5
# States that single builds of a worker change between: its quartiles are so far apart.
QUARTILES_APART = 0.25
# The slowest 5% of builds make 5% of all time if they take so much longer than the median.
SLOW_BUILDS = EFFECT / 0.05
TICK_NS = 10e6
# Time that a process ran is told exactly, or in steps of this and more.
STEP_NS = 1e6
# Reading the clock is at most 1% of what is timed.
CLOCK_SHARE = 0.01


def few(measured: Measured, figure: str) -> np.ndarray:
    """Too few workers for an interval, where most cells have enough. If most have not, that is the
    run's, see run_doubts.few_rounds()."""
    size = measured.order(measured.logs(figure)).size
    some = size > 0
    usual = np.median(size[some]) if some.any() else 0
    return some & (size < FEWEST_WORKERS) & (usual >= FEWEST_WORKERS)


def is_wide(measured: Measured, figure: str) -> np.ndarray:
    """Half the interval is above 10%, and so is that of the ratio to the cells next to it."""
    return measured.compared(figure).half_width > np.log1p(WIDE)


def is_vague(measured: Measured, figure: str) -> np.ndarray:
    """Half the interval is above 25%."""
    return measured.order(measured.logs(figure)).half_width > np.log1p(VAGUE)


def is_unordered(measured: Measured, figure: str) -> np.ndarray:
    """is_wide(), and another cell of its size is over 10% away and within the interval, too.

    Cells that are closer take the same time: that their order is open says nothing of the figures.
    """
    order = measured.compared(figure)
    apart = np.log1p(WIDE)
    size = measured.rows.groupby(["rows", *SLICE_KEYS], sort=False).ngroup().to_numpy(dtype=int)
    found = np.zeros(measured.cell_count, dtype=bool)
    for number in range(size.max(initial=-1) + 1):
        cells = np.unique(measured.cell[size == number])
        cells = cells[~np.isnan(order.high[cells])]
        medians = np.append(np.sort(order.median[cells]), np.inf)
        above = medians[np.searchsorted(medians, order.median[cells] + apart, "right")]
        below = medians[np.searchsorted(medians, order.low[cells], "left")]
        found[cells] = (above <= order.high[cells]) | (below < order.median[cells] - apart)
    return found & is_wide(measured, figure)


def most(measured: Measured, figure: str, found: np.ndarray) -> bool:
    """Are these over half of the cells that have the figure, of 8 and more? Then it is the run's,
    and is said once."""
    some = measured.order(measured.logs(figure)).size > 0
    return bool(some.sum() >= FEWEST_IN_COMMON and 2 * found.sum() > some.sum())


def wide(measured: Measured, figure: str) -> np.ndarray:
    """is_wide(). Where most cells' times are, that is said once, of the run: see RUN_DOUBTS."""
    return _of_some(measured, figure, is_wide(measured, figure))


def vague(measured: Measured, figure: str) -> np.ndarray:
    """is_vague(); the same of most cells."""
    return _of_some(measured, figure, is_vague(measured, figure))


def unordered(measured: Measured, figure: str) -> np.ndarray:
    """is_unordered(); the same of most cells."""
    return _of_some(measured, figure, is_unordered(measured, figure))


def _of_some(measured: Measured, figure: str, found: np.ndarray) -> np.ndarray:
    return found & (figure == PEAK or not most(measured, figure, found))


def bimodal(measured: Measured, figure: str) -> np.ndarray:
    """Two states, of which the median shows one or the other by chance.

    Between workers: in two groups that are apart, see STATES_GAP, by themselves and next to their
    neighbours, since states of the machine move these as well; needs 9 workers. Within workers: the
    quartiles of single warm builds are over 25% apart in most of them.
    """
    found = _two_groups(measured, measured.logs(figure))
    found &= _two_groups(measured, measured.relative(figure))
    return found | (_apart(measured, 25, 75) > 1.0 + QUARTILES_APART) if figure == WARM else found


def _apart(measured: Measured, low: int, high: int) -> np.ndarray:
    """For each cell the ratio of two percentiles of single warm builds; the median over workers."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = measured.quantile(high) / measured.quantile(low)
    return measured.order(ratio).median


def _two_groups(measured: Measured, logs: np.ndarray) -> np.ndarray:
    """The widest gap of those that leave a quarter of the workers on either side."""
    there = np.flatnonzero(~np.isnan(logs))
    there = there[np.lexsort((logs[there], measured.cell[there]))]
    cell, ordered = measured.cell[there], logs[there]
    count = np.bincount(cell, minlength=measured.cell_count)
    rank = np.arange(len(cell)) - (np.cumsum(count) - count)[cell] + 1
    fewest = np.maximum(np.ceil(STATES_SHARE * count), 2)[cell]
    inside = (rank >= fewest) & (count[cell] - rank >= fewest) & (count[cell] >= STATES_WORKERS)
    gap = np.where(inside, np.append(ordered[1:], np.nan) - ordered, 0.0)
    order = grouped_order(ordered, cell, measured.cell_count)
    enough = np.fmax(np.log1p(STATES_APART), STATES_GAP * (order.maximum - order.minimum))
    return grouped_order(gap, cell, measured.cell_count).maximum > enough


def slow_builds(measured: Measured, _: str) -> np.ndarray:
    """In most workers the 95th percentile of single warm builds is over twice their median:
    what many builds take together is not what the headline says."""
    return _apart(measured, 50, 95) > 1.0 + SLOW_BUILDS


def drift(measured: Measured, figure: str) -> np.ndarray:
    """Times went up or down with the rounds, besides what the whole run did."""
    return _drifts(measured, measured.logs(figure) - measured.of_rounds(figure))


def diverging(measured: Measured, figure: str) -> np.ndarray:
    """Ratios to the cells next to it went up or down with the rounds."""
    return _drifts(measured, measured.relative(figure))


def _drifts(measured: Measured, logs: np.ndarray) -> np.ndarray:
    """Spearman's correlation with the round has p < 0.001, and the later half's median differs from
    the earlier half's by more than 5%; needs 7 rounds."""
    there = ~np.isnan(logs)
    rounds = measured.column("round")
    cell = measured.cell[there]
    _, p = grouped_spearman(rounds[there], logs[there], cell, measured.cell_count)
    middle = grouped_order(rounds[there], cell, measured.cell_count)
    early = measured.order(np.where(rounds < middle.median[measured.cell], logs, np.nan))
    late = measured.order(np.where(rounds > middle.median[measured.cell], logs, np.nan))
    shifted = np.abs(late.median - early.median) > np.log1p(EFFECT)
    return (p < DRIFT_P) & shifted & (middle.size >= DRIFT_ROUNDS)


def _moved(measured: Measured, figure: str, lost: np.ndarray) -> np.ndarray:
    """Could what workers lost have moved the cell's headline by as much as matters?

    lost: the share of its time that each worker lost; nan where nobody knows. Disturbed is who lost
    over 5%. Where half of the workers and more are, they decide on the median. Where fewer are, it
    lies within the others' figures, and counts as moved if it differs from theirs by over 5%.
    """
    logs = measured.logs(figure)
    disturbed = np.nan_to_num(lost) > LOST
    share = measured.share(disturbed & ~np.isnan(logs))
    clean = measured.order(np.where(disturbed, np.nan, logs)).median
    apart = np.abs(measured.order(logs).median - clean) > np.log1p(EFFECT)
    return (share >= BREAKDOWN) | ((share > 0.0) & apart)


def preempted(measured: Measured, figure: str) -> np.ndarray:
    """Workers had to wait for their CPU.

    Cold: the share of the time in which it did not run, from its user and system time; of one
    thread, as several may wait for each other. Warm: it was preempted at least as often as it took
    values, and then their median over the smallest of them is what it lost. What a worker waited
    for by one of the causes below is that one's.
    """
    other = (measured.column("throttled_ns") > 0) | (measured.column("steal_ns") > TICK_NS)
    if figure == COLD:
        wall = sum(measured.column(f"cold_{part}_ns") for part in ("build", "scan", "release"))
        ran = measured.column("cold_user_ns") + measured.column("cold_system_ns")
        if not (ran % STEP_NS).any():
            # A system that counts in ticks knows nothing of builds that are shorter.
            return np.zeros(measured.cell_count, dtype=bool)
        with np.errstate(divide="ignore", invalid="ignore"):
            lost = 1.0 - ran / wall
        other |= measured.column("cold_build_major_fault_count") > 0
        other |= measured.column("threads") != 1
        return _moved(measured, figure, np.where(other, 0.0, lost))
    switches = measured.column("involuntary_switch_count")
    often = switches >= np.fmax(measured.column("warm_value_count"), 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        smallest = measured.column("warm_build_release_min_ns") / np.exp(measured.logs(WARM))
    return _moved(measured, figure, np.where(often & ~other, 1.0 - smallest, 0.0))


def steal(measured: Measured, figure: str) -> np.ndarray:
    """The hypervisor took time from workers. It is told in ticks of 10 ms, so that one of them says
    nothing of a short worker."""
    beyond = np.fmax(measured.column("steal_ns") - TICK_NS, 0.0)
    return _moved(measured, figure, beyond / measured.column("worker_ns"))


def throttled(measured: Measured, figure: str) -> np.ndarray:
    """A control group's CPU quota held workers back."""
    lost = measured.column("throttled_ns") / measured.column("worker_ns")
    return _moved(measured, figure, lost)


def major_faults(measured: Measured, figure: str) -> np.ndarray:
    """Cold builds had to wait for the disk."""
    waited = measured.column("cold_build_major_fault_count") > 0
    return _moved(measured, figure, waited.astype(float))


def oversubscribed(measured: Measured, _: str) -> np.ndarray:
    """There were more threads than CPUs for them, in some worker; those of a replay take turns."""
    crowded = measured.column("threads") > measured.column("cpu_count")
    return measured.share(crowded & ~is_replay(measured.rows).to_numpy(dtype=bool)) > 0.0


def short(measured: Measured, _: str) -> np.ndarray:
    """In most workers reading the clock takes over 1% of what is timed at once: one warm build or a
    few, or, in files without such timings, a warm value."""
    builds = measured.column("warm_timing_build_count")
    builds = np.where(np.isnan(builds), measured.column("warm_iteration_count"), builds)
    timed = builds * np.exp(measured.logs(WARM))
    return measured.order(timed).median < measured.clock_ns / CLOCK_SHARE


class Doubt(NamedTuple):
    """name: as in summary.csv. meaning: one line. figures: which it is asked of. conclusions: for
    which these are not to be relied on. test: given the workers and a figure, of each cell: is its
    figure doubted? (Of a run's doubt, see RUN_DOUBTS.)"""

    name: str
    meaning: str
    figures: tuple[str, ...]
    conclusions: tuple[str, ...]
    test: Callable


_TIMES, _EACH = (COLD, WARM), (COLD, WARM, PEAK)
_SIZES = (DIFFERENCE, ABSOLUTE)

DOUBTS = (
    Doubt("few", "fewer than 6 workers, so no interval", _TIMES, (RANK, DIFFERENCE), few),
    Doubt("wide", "the 95% interval is wider than ±10%", _EACH, (DIFFERENCE,), wide),
    Doubt("vague", "the 95% interval is wider than ±25%", _EACH, (ABSOLUTE,), vague),
    Doubt("unordered", "a cell over 10% away is within the interval", _TIMES, (RANK,), unordered),
    Doubt("bimodal", "two states, over 10% apart", (COLD, WARM, TAIL), CONCLUSIONS, bimodal),
    Doubt(
        "slow_builds",
        "one warm build in twenty takes twice as long",
        (WARM,),
        (ABSOLUTE,),
        slow_builds,
    ),
    Doubt("drift", "up or down by over 5% with the rounds, p < 0.001", _TIMES, (ABSOLUTE,), drift),
    Doubt(
        "diverging", "its ratio to the cells next to it drifts so", _TIMES, (DIFFERENCE,), diverging
    ),
    Doubt("preempted", "workers had to wait for their CPU", _TIMES, _SIZES, preempted),
    Doubt("steal", "the hypervisor took time from workers", _TIMES, _SIZES, steal),
    Doubt("throttled", "a CPU quota held workers back", _TIMES, _SIZES, throttled),
    Doubt("major_faults", "cold builds had to wait for the disk", (COLD,), _SIZES, major_faults),
    Doubt("oversubscribed", "more threads than CPUs", (COLD, WARM, TAIL), _SIZES, oversubscribed),
    Doubt("short", "reading the clock takes over 1% of a warm timing", (WARM,), _SIZES, short),
)


def doubts_of(measured: Measured) -> np.ndarray:
    """For each cell its doubts in the table's order, as NAME:FIGURE, separated by ';'; "" if there
    is none."""
    names: list[list[str]] = [[] for _ in range(measured.cell_count)]
    for doubt in DOUBTS:
        for figure in doubt.figures:
            for cell in np.flatnonzero(doubt.test(measured, figure)):
                names[cell].append(f"{doubt.name}:{figure}")
    return np.array([";".join(of_cell) for of_cell in names], dtype=object)


def doubts_in_run(runs: pd.DataFrame, passes: Collection[str] = (MEASURE,)) -> pd.DataFrame:
    """CELL and doubts, as doubts_of() has them, of the cells of a run that have figures in these
    passes."""
    measured, cells = measured_in(runs, passes)
    return cells.assign(doubts=doubts_of(measured))
