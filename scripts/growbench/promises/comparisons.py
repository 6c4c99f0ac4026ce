"""Do comparisons find what is there, and nothing else? Simulated machines whose truth is known, and
measured pairs of equal things.

The logarithm of a simulated time is the cell's, plus a drift that its neighbours in time share,
plus an offset of the worker's own (spread).
"""

from typing import NamedTuple, Sequence

import numpy as np
import pandas as pd

from growbench.comparison.confirmation import combine, flagged
from growbench.comparison.same_machine import (
    Comparison,
    SLOWER,
    Settings,
    UNRESOLVED,
    compare,
    in_blocks,
    threshold_from,
)
from growbench.comparison.sharing import FAMILY
from growbench.data.columns import CELL, MEASURE
from growbench.data.metrics import Metric, metric
from growbench.data.statuses import OK
from growbench.promises.check import Check, at_least, at_most

METRIC = "cold_build_release"
Sides = tuple[pd.DataFrame, pd.DataFrame]


class Machine(NamedTuple):
    """A simulated machine. spread: between workers; drift: of the machine's speed, a random walk
    whose standard deviation is `drift` after a run."""

    spread: float = 0.10
    drift: float = 0.05
    strategies: int = 18
    allocators: int = 2
    sizes: Sequence[int] = (100, 1_000, 10_000, 100_000)

    @property
    def cells(self) -> pd.DataFrame:
        """All cells, one row each."""
        strategies = [f"strategy_{i}" for i in range(self.strategies)]
        allocators = [f"allocator_{i}" for i in range(self.allocators)]
        of_each = [["c"], strategies, allocators, self.sizes, [80], [1], ["cheap"]]
        return pd.MultiIndex.from_product(of_each, names=list(CELL)).to_frame(index=False)


def _rows(cells: pd.DataFrame, rounds: int, logs: np.ndarray) -> pd.DataFrame:
    """Rows as read_runs() returns them, of the columns that a comparison reads. logs: rounds x
    cells."""
    count = len(cells)
    table = cells.iloc[np.tile(np.arange(count), rounds)].reset_index(drop=True)
    level = 1e3 * table["rows"].to_numpy(dtype=float)
    table["pass"], table["status"] = MEASURE, OK
    table["round"] = np.arange(1, rounds + 1).repeat(count)
    table["cold_build_ns"] = level * np.exp(logs.ravel())
    table["cold_release_ns"] = 0.0
    return table


def interleaved(random: np.random.Generator, machine: Machine, rounds: int) -> Sides:
    """Two sides that are the same, measured next to each other in each round."""
    cells = machine.cells
    drift = _drift(random, machine, rounds, rounds)
    base, new = (
        _rows(cells, rounds, drift + random.normal(0.0, machine.spread, drift.shape))
        for _ in range(2)
    )
    return base, new


def one_after_the_other(random: np.random.Generator, machine: Machine, rounds: int) -> Sides:
    """Two sides that are the same, all of one measured before all of the other."""
    cells = machine.cells
    drift = _drift(random, machine, 2 * rounds, rounds)
    logs = drift + random.normal(0.0, machine.spread, drift.shape)
    return _rows(cells, rounds, logs[:rounds]), _rows(cells, rounds, logs[rounds:])


def _drift(random: np.random.Generator, machine: Machine, rounds: int, of_run: int) -> np.ndarray:
    """Rounds x cells: the random walk of a machine whose runs have `of_run` rounds."""
    count = len(machine.cells)
    step = machine.drift / np.sqrt(of_run * count)
    return np.cumsum(random.normal(0.0, step, rounds * count)).reshape(rounds, count)


def _outcome(comparison: Comparison, settings: Settings) -> tuple[float, float, bool]:
    """Of a comparison of equal things: the share of cells whose ratio is further from 1 than theta;
    of those whose whole interval is; did it find a regression?"""
    cells, limit = comparison.cells, np.log1p(settings.cell_threshold)
    beyond = np.abs(np.log(cells["ratio"])) > limit
    clear = (np.log(cells["ci_low"]) > limit) | (np.log(cells["ci_high"]) < -limit)
    return float(beyond.mean()), float(clear.mean()), comparison.count(SLOWER) > 0


def compare_equals(
    name: str, pairs: Sequence[Sides], control: Sequence[Sides], metrics: Sequence[Metric]
) -> list[Check]:
    """Equal things, interleaved: judged with a theta from the other pairs. control: the same things
    one after the other, judged with the same theta, as unpaired runs are."""
    first = [compare(*pair, metrics, Settings(paired=True)) for pair in pairs]
    outcomes, controls, thetas = [], [], []
    for i, pair in enumerate(pairs):
        settings = threshold_from([*first[:i], *first[i + 1 :]])
        thetas.append(settings.cell_threshold)
        judged = _judged(pair, pairs[(i + 1) % len(pairs)], metrics, settings)
        outcomes.append(_outcome(judged, settings))
        if i < len(control):
            unpaired = settings._replace(paired=False)
            controls.append(_outcome(compare(*control[i], metrics, unpaired), unpaired))
    theta = f"theta {np.mean(thetas):.1%} from the other pairs"
    outside, clear, ended = np.mean(outcomes, axis=0).tolist()
    worse, _, more = np.mean(controls, axis=0).tolist()
    alone = f"  control: comparisons that end in 1 ({len(controls)})"
    return [
        at_most(f"{name}: cells outside theta", 0.01, outside, theta),
        at_most("  of these with their whole interval", 0.01, clear),
        at_most(f"  comparisons that end in 1 ({len(outcomes)})", 0.05, ended),
        Check("  control, all A then all B: cells outside theta", "worse", worse, worse > outside),
        Check(alone, "not better", more, more >= ended),
    ]


def _judged(pair: Sides, fresh: Sides, metrics: Sequence[Metric], settings: Settings) -> Comparison:
    """A live comparison as growbench compare-live makes it, with `fresh` as its confirmation."""
    first = compare(*pair, metrics, settings)
    wanted = flagged(first)
    second = None if wanted.empty else compare(*fresh, metrics, settings, only=wanted)
    return combine(first, second)


def equals(seed: int, pairs: int = 20, rounds: int = 20) -> list[Check]:
    """A/A by simulation, for a machine whose workers are 10% apart, and whose speed drifts."""
    random = np.random.default_rng(seed)
    machine = Machine()
    same = [interleaved(random, machine, rounds) for _ in range(pairs)]
    apart = [one_after_the_other(random, machine, rounds) for _ in range(pairs)]
    return compare_equals("A/A, simulated", same, apart, [metric(METRIC)])


def _planted(
    random: np.random.Generator,
    machine: Machine,
    settings: Settings,
    slowdown: float,
    repetitions: int,
    rounds: int,
) -> tuple[float, list[tuple[Comparison, pd.DataFrame]]]:
    """The share of families that are found when one in ten is made slower by that much; and each
    comparison with the families that were."""
    found, planted, comparisons = 0, 0, []
    for _ in range(repetitions):
        base, new = interleaved(random, machine, rounds)
        families = new[list(FAMILY)].drop_duplicates()
        number, state = max(1, len(families) // 10), int(random.integers(2**31))
        chosen = families.sample(number, random_state=state)
        result = compare(base, _slower(new, chosen, slowdown), [metric(METRIC)], settings)
        comparisons.append((result, chosen))
        verdicts = result.families.merge(chosen, on=list(FAMILY))
        rejected = (verdicts["p_adjusted"] <= settings.alpha) & (verdicts["ratio"] > 1.0)
        found += int(rejected.sum())
        planted += len(chosen)
    return found / planted, comparisons


def planted(seed: int, repetitions: int = 40, rounds: int = 10) -> list[Check]:
    """Planted slowdowns: 20% with workers 10% apart; 5% with workers 1% apart; and 5% where it
    cannot be seen, which must end in "inconclusive" and say so."""
    random = np.random.default_rng(seed)
    noisy = Machine(spread=0.10, allocators=6, sizes=(100, 1_000, 3_000, 10_000, 30_000, 100_000))
    quiet = noisy._replace(spread=0.01, drift=0.01)
    checks = []
    for slowdown, machine in ((0.20, noisy), (0.05, quiet)):
        what = f"found: {slowdown:.0%} slower, workers {machine.spread:.0%} apart"
        share, _ = _planted(random, machine, Settings(), slowdown, repetitions, rounds)
        of = " of families"
        checks.append(at_least(f"{what}, run against run", 0.95, share, of=of))
        live = machine._replace(allocators=1)
        share, _ = _planted(random, live, Settings(paired=True), slowdown, repetitions, 20)
        checks.append(at_least(f"{what}, live, 20 rounds", 0.95, share, of=of))
    share, comparisons = _planted(random, noisy, Settings(), 0.05, repetitions, rounds)
    right = float(np.mean([_admits(comparison, chosen) for comparison, chosen in comparisons]))
    seen = np.median(np.concatenate([one.families["visible_ratio"] for one, _ in comparisons]))
    name = "5% slower, workers 10% apart: ends in 4, or names it"
    told = f"found in {share:.0%}; says that it could have seen {seen - 1:.1%}"
    checks.append(at_least(name, 0.95, right, told))
    checks.append(visible_is_seen(random, noisy, rounds, repetitions))
    return checks


def _admits(comparison: Comparison, planted_families: pd.DataFrame) -> bool:
    """Does it end in "inconclusive", or in a regression that is one of those planted?"""
    slower = comparison.families[comparison.families["verdict"] == SLOWER]
    if slower.empty:
        return comparison.count(UNRESOLVED) > 0
    return len(slower.merge(planted_families, on=list(FAMILY))) == len(slower)


def visible_is_seen(
    random: np.random.Generator, machine: Machine, rounds: int, repetitions: int
) -> Check:
    """The effect that is said to be visible four times in five: how often is it seen?"""
    sides = interleaved(random, machine, rounds)
    said = compare(*sides, [metric(METRIC)], Settings()).families["visible_ratio"].median()
    share, _ = _planted(random, machine, Settings(), float(said) - 1.0, repetitions, rounds)
    name = f"found: what is said to be visible ({said - 1:.1%})"
    return Check(name, "70% to 95%", share, 0.70 <= share <= 0.95)


def real(runs: Sides, rounds: int) -> list[Check]:
    """A/A on a machine: the two sides of a live comparison of a build with itself, in blocks of so
    many rounds. Each block is a pair; the control takes base from one block, new from the next.

    Planted slowdowns go into real noise in the same way.
    """
    base, new = runs
    metrics = [metric(METRIC), metric("warm_build_release")]
    pairs = list(zip(in_blocks(base, rounds), in_blocks(new, rounds)))
    blocks = len(pairs)
    control = [(mine[0], later[1]) for mine, later in zip(pairs, pairs[1:])]
    name = f"A/A, measured, {blocks} pairs of {rounds} rounds"
    checks = compare_equals(name, pairs, control, metrics)
    for slowdown, least in ((0.20, 0.95), (0.05, 0.0)):
        hits = [
            _planted_live(pair, pairs[(i + 1) % blocks], slowdown) for i, pair in enumerate(pairs)
        ]
        check = at_least(
            f"  {slowdown:.0%} slower, planted into each family of these",
            least,
            float(np.mean(np.concatenate(hits))),
            "live comparison, confirmed on the next pair",
        )
        checks.append(check if least else check._replace(goal="shown only"))
    return checks


def _planted_live(pair: Sides, fresh: Sides, slowdown: float) -> list[bool]:
    """For each family: is a slowdown found if only this one has it?"""
    settings = Settings(paired=True)
    families = pair[0][list(FAMILY)].drop_duplicates()
    found = []
    for number in range(len(families)):
        family = families.iloc[[number]]
        slower = [(base, _slower(new, family, slowdown)) for base, new in (pair, fresh)]
        judged = _judged(slower[0], slower[1], [metric(METRIC)], settings)
        row = judged.families.merge(family, on=list(FAMILY)).iloc[0]
        seen = row["p_adjusted"] <= settings.alpha and row["ratio"] > 1
        found.append(bool(seen and row["data"] != "first look"))
    return found


def _slower(side: pd.DataFrame, families: pd.DataFrame, slowdown: float) -> pd.DataFrame:
    """The side with these families made slower."""
    hit = pd.MultiIndex.from_frame(side[list(FAMILY)]).isin(pd.MultiIndex.from_frame(families))
    factor = np.where(hit, 1.0 + slowdown, 1.0)
    return side.assign(
        cold_build_ns=side["cold_build_ns"] * factor,
        cold_release_ns=side["cold_release_ns"] * factor,
    )
