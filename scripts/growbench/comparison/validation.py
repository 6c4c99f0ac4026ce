"""Do the statistics keep their promises? Simulations whose truth is known, and controls that fail.

Each function returns Checks: what was promised, what came out. A control does what growbench avoids
(pooling values within a worker, measuring all of A before all of B, fitting one line to all sizes),
and has to come out worse, or the simulation shows nothing.

A simulated worker is hierarchical, as real ones are: the logarithm of its time is the cell's, plus
a drift that its neighbours in time share, plus an offset of its own (spread), plus noise in it.
"""

from typing import Callable, NamedTuple, Sequence

import numpy as np
import pandas as pd
from scipy import special

from growbench.data.columns import CELL, MEASURE
from growbench.data.statuses import OK
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
from growbench.data.metrics import Metric, metric
from growbench.statistics.growth import growth_exponent
from growbench.statistics.order import GroupedOrder, interval_rank, order_of_rows
from growbench.statistics.shift import hodges_lehmann, paired_shift

METRIC = "cold_build_release"
_VALUES = 5
_WITHIN = 0.03


class Check(NamedTuple):
    """One promise. share: what came out, from 0 to 1 (nan: does not apply); goal: in words; met:
    whether it is kept; a control is kept if it fails as it should."""

    name: str
    goal: str
    share: float
    met: bool
    detail: str = ""


def coverage(seed: int, repetitions: int = 4000, spread: float = 0.10) -> list[Check]:
    """How often 95% intervals hold the truth, by number of rounds; pooled values as a control."""
    random = np.random.default_rng(seed)
    checks = []
    goal = "95% to 98.5%"
    for rounds in (6, 9, 10, 12):
        workers = random.normal(0.0, spread, (repetitions, rounds))
        values = workers[:, :, None] + random.normal(0.0, _WITHIN, (repetitions, rounds, _VALUES))
        order = order_of_rows(np.median(values, axis=2))
        share = float(((order.low <= 0) & (order.high >= 0)).mean())
        checks.append(
            Check(
                f"median of {rounds} workers: interval holds it",
                goal,
                share,
                0.95 <= share <= 0.985,
            )
        )
        pooled = order_of_rows(values.reshape(repetitions, -1))
        share = float(((pooled.low <= 0) & (pooled.high >= 0)).mean())
        checks.append(
            Check("  control: values pooled over workers", "below 90%", share, share < 0.90)
        )
    for rounds in (8, 10, 20):
        a, b = random.normal(0.0, spread, (2, repetitions, rounds))
        for name, shift in (
            ("run against run", hodges_lehmann(a, b)),
            ("pairs", paired_shift(b - a)),
        ):
            share = float(((shift.low <= 0) & (shift.high >= 0)).mean())
            # Three standard errors of the simulation itself.
            least = 0.95 - 3.0 * np.sqrt(0.95 * 0.05 / repetitions)
            checks.append(
                Check(
                    f"shift of {rounds} rounds, {name}: interval holds it",
                    f"95% (at least {least:.1%} here)",
                    share,
                    share >= least,
                )
            )
    return checks


# The rounds that every cell of the default preset has, and those that the widest have in the end;
# what they are chosen by (harness/runner/plan/extension.h).
_ALL, _MORE = 9, 15
_NARROW = 0.02

Draw = Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]


def _bimodal(random: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Three workers in ten take another path, and 3 more. The median: where 0.7 of the others are
    below 5/7 of themselves."""
    slow = random.random(shape) < 0.3
    return random.normal(0.0, 0.2, shape) + 3.0 * slow - 0.2 * special.ndtri(5.0 / 7.0)


def _drifting(random: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """The speed of all cells wanders, by half their spread in a run. The rounds of the few take the
    time of one of all together; the truth is the mean over the rounds of all."""
    time = np.where(np.arange(shape[-1]) < _ALL, 1.0, 1.0 / (shape[-1] - _ALL))
    steps = random.normal(0.0, 0.5, (*shape[:-2], 1, shape[-1])) * np.sqrt(time / time.sum())
    wander = np.cumsum(steps, axis=-1)
    wander -= wander[..., :_ALL].mean(axis=-1, keepdims=True)
    return random.normal(0.0, 1.0, shape) + wander


# Distributions of workers, each with its median at 0.
SHAPES: dict[str, Draw] = {
    "normal": lambda random, shape: random.normal(0.0, 1.0, shape),
    "lognormal": lambda random, shape: np.expm1(random.normal(0.0, 0.8, shape)),
    "heavy tails": lambda random, shape: random.standard_t(2, shape),
    "two modes": _bimodal,
    "drifting": _drifting,
}


def _holds(order: GroupedOrder) -> np.ndarray:
    return (order.low <= 0) & (order.high >= 0)


def _order(values: np.ndarray) -> GroupedOrder:
    return order_of_rows(values.reshape(-1, values.shape[-1]))


def _half_width(values: np.ndarray) -> np.ndarray:
    order = _order(values)
    return ((order.high - order.low) / 2.0).reshape(values.shape[:-1])


def _staged(values: np.ndarray, more: np.ndarray) -> np.ndarray:
    """Which intervals hold the truth: of _MORE rounds where `more`, else of _ALL. values: blocks x
    ... x rounds; more: of each block."""
    shape = values.shape[:-1]
    few = _holds(_order(values[..., :_ALL])).reshape(shape)
    many = _holds(_order(values[..., :_MORE])).reshape(shape)
    return np.where(more.reshape(-1, *[1] * (len(shape) - 1)), many, few)


def two_stages(seed: int, repetitions: int = 6000) -> list[Check]:
    """Coverage where the widest blocks have more rounds. All are equally wide in truth, so that it
    is by chance alone that they are chosen: cells that are truly wide lose less."""
    random = np.random.default_rng(seed)
    checks = []
    for name, draw in SHAPES.items():
        # Blocks of three allocators.
        values = draw(random, (repetitions, 3, _MORE))
        width = _half_width(values[..., :_ALL]).sum(axis=1)
        more = width >= np.quantile(width, 2.0 / 3.0)
        fixed = _holds(_order(values[..., :10])).mean()
        for of, looked_at in (
            ("median", values),
            ("paired ratio", values[:, :1] - values[:, 1:]),
        ):
            share = float(_staged(looked_at, more).mean())
            detail = f"10 rounds of all: {fixed:.1%}" if of == "median" else ""
            title = f"{_ALL} rounds, {_MORE} for the widest third, {name}: {of}"
            checks.append(Check(title, "at least 94%", share, share >= 0.94, detail))
    return [*checks, *_one_look(), *_stopping(random, repetitions), *_widths(random, repetitions)]


def worst_coverage(looks: Sequence[int]) -> float:
    """How often an interval holds the median after any rule that looks at these numbers of rounds,
    and ends at one of them: exact, and whatever the distribution.

    Formula: a value is below the median with probability 1/2, so that the number b below it of n is
    binomial, and the interval misses where b < k or b > n - k (interval_rank()). The worst rule
    knows the median: V(n, b) = max(miss(n, b), E V(next n, b')), and the coverage is 1 - E V at the
    first look.
    """

    def binomial(count: int) -> np.ndarray:
        return special.comb(count, np.arange(count + 1)) / 2.0**count

    def misses(count: int) -> np.ndarray:
        below, rank = np.arange(count + 1), interval_rank(count)
        return ((below < rank) | (below > count - rank)).astype(float)

    worst = misses(looks[-1])
    for here, later in reversed(list(zip(looks, looks[1:]))):
        steps = binomial(later - here)
        going_on = np.correlate(worst, steps, mode="valid")
        worst = np.maximum(misses(here), going_on)
    return 1.0 - float(worst @ binomial(looks[0]))


def _one_look() -> list[Check]:
    once = worst_coverage((_ALL, _MORE))
    always = worst_coverage(range(6, 31))
    return [
        Check(
            f"{_ALL} or {_MORE} rounds, by any rule that looks once",
            "at least 94%",
            once,
            once >= 0.94,
        ),
        Check("  control: that looks after each of 6 to 30", "below 90%", always, always < 0.90),
    ]


def _stopping(random: np.random.Generator, repetitions: int) -> list[Check]:
    """The controls: measure until the interval is narrow, or until it tells the two apart."""
    values = random.normal(0.0, 1.0, (repetitions, 40))
    orders = {rounds: order_of_rows(values[:, :rounds]) for rounds in range(6, 41)}

    def stopped(ends: Callable[[GroupedOrder], np.ndarray]) -> float:
        held = _holds(orders[40])
        for rounds in range(39, 5, -1):
            order = orders[rounds]
            held = np.where(ends(order), _holds(order), held)
        return float(held.mean())

    narrow = stopped(lambda order: order.high - order.low < 1.0)
    apart = stopped(lambda order: ~_holds(order))
    return [
        Check("  control: a round more until it is narrow", "below 95%", narrow, narrow < 0.95),
        Check("  control: a round more until 1 is outside", "below 90%", apart, apart < 0.90),
    ]


def _widths(random: np.random.Generator, repetitions: int) -> list[Check]:
    """What the time of 10 rounds buys, where cells differ in how wide they are, and in their time:
    all rounds alike, or as the runner spends them."""
    blocks = repetitions // 4
    spread = 0.03 * np.exp(
        random.normal(0.0, 0.8, (blocks, 1)) + random.normal(0.0, 0.4, (blocks, 6))
    )
    values = spread[..., None] * random.normal(0.0, 1.0, (blocks, 6, _MORE))
    time = np.exp(random.normal(0.0, 1.0, blocks))
    few, fixed, many = (_half_width(values[..., :n]) for n in (_ALL, 10, _MORE))
    need = np.maximum(few - _NARROW, 0.0).sum(axis=1)
    order = np.argsort(-need / time, kind="stable")
    more = np.zeros(blocks, dtype=bool)
    more[order] = np.cumsum((_MORE - _ALL) * time[order]) <= time.sum()
    staged = np.where(more[:, None], many, few)
    checks = []
    for limit in (0.05, 0.10):
        wide, before = float((staged > limit).mean()), float((fixed > limit).mean())
        checks.append(
            Check(
                f"{_ALL} rounds and {_MORE}: cells wider than +-{limit:.0%}",
                "fewer than 10 rounds of all",
                wide,
                wide < before,
                f"{before:.1%}; mean half width {staged.mean():.2%}, before {fixed.mean():.2%}",
            )
        )
    return checks


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
        made = pd.MultiIndex.from_product(
            [
                ["c"],
                [f"strategy_{i}" for i in range(self.strategies)],
                [f"allocator_{i}" for i in range(self.allocators)],
                self.sizes,
                [80],
                [1],
                ["cheap"],
            ],
            names=list(CELL),
        )
        return made.to_frame(index=False)


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


def interleaved(
    random: np.random.Generator, machine: Machine, rounds: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Two sides that are the same, measured next to each other in each round."""
    cells = machine.cells
    shape = (rounds, len(cells))
    step = machine.drift / np.sqrt(rounds * len(cells))
    drift = np.cumsum(random.normal(0.0, step, rounds * len(cells))).reshape(shape)
    base, new = (
        _rows(cells, rounds, drift + random.normal(0.0, machine.spread, shape)) for _ in range(2)
    )
    return base, new


def one_after_the_other(
    random: np.random.Generator, machine: Machine, rounds: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Two sides that are the same, all of one measured before all of the other."""
    cells = machine.cells
    shape = (2 * rounds, len(cells))
    step = machine.drift / np.sqrt(rounds * len(cells))
    drift = np.cumsum(random.normal(0.0, step, 2 * rounds * len(cells))).reshape(shape)
    logs = drift + random.normal(0.0, machine.spread, shape)
    return _rows(cells, rounds, logs[:rounds]), _rows(cells, rounds, logs[rounds:])


class Outcome(NamedTuple):
    """Of several comparisons of equal things."""

    cells_outside: float
    intervals_outside: float
    ended_in_1: float
    comparisons: int


def _outcome(comparisons: Sequence[Comparison], settings: Settings) -> Outcome:
    """cells_outside: the share of cells whose ratio is further from 1 than theta;
    intervals_outside: whose whole interval is; ended_in_1: comparisons that found a regression."""
    cells = pd.concat([comparison.cells for comparison in comparisons])
    limit = np.log1p(settings.cell_threshold)
    beyond = np.abs(np.log(cells["ratio"])) > limit
    clear = (np.log(cells["ci_low"]) > limit) | (np.log(cells["ci_high"]) < -limit)
    ended = [comparison.count(SLOWER) > 0 for comparison in comparisons]
    return Outcome(
        float(beyond.mean()), float(clear.mean()), float(np.mean(ended)), len(comparisons)
    )


Sides = tuple[pd.DataFrame, pd.DataFrame]


def compare_equals(
    name: str, pairs: Sequence[Sides], control: Sequence[Sides], metrics: Sequence[Metric]
) -> list[Check]:
    """Equal things, interleaved: judged with a theta from the other pairs. control: the same things
    one after the other, judged with the same theta, as unpaired runs are."""
    first = [compare(*pair, metrics, Settings(paired=True)) for pair in pairs]
    outcomes, controls, thetas = [], [], []
    for i, pair in enumerate(pairs):
        others = [comparison for j, comparison in enumerate(first) if j != i]
        settings = threshold_from(others)
        thetas.append(settings.cell_threshold)
        fresh_pair = pairs[(i + 1) % len(pairs)]
        judged = _judged(pair, fresh_pair, metrics, settings)
        outcomes.append(_outcome([judged], settings))
        if i < len(control):
            unpaired = settings._replace(paired=False)
            controls.append(_outcome([compare(*control[i], metrics, unpaired)], unpaired))
    theta = f"theta {np.mean(thetas):.1%} from the other pairs"

    def mean(results: Sequence[Outcome], field: str) -> float:
        return float(np.mean([getattr(result, field) for result in results]))

    outside, ended = mean(outcomes, "cells_outside"), mean(outcomes, "ended_in_1")
    clear = mean(outcomes, "intervals_outside")
    control_outside = mean(controls, "cells_outside")
    control_ended = mean(controls, "ended_in_1")
    return [
        Check(f"{name}: cells outside theta", "at most 1%", outside, outside <= 0.01, theta),
        Check("  of these with their whole interval", "at most 1%", clear, clear <= 0.01),
        Check(f"  comparisons that end in 1 ({len(outcomes)})", "at most 5%", ended, ended <= 0.05),
        Check(
            "  control, all A then all B: cells outside theta",
            "worse",
            control_outside,
            control_outside > outside,
        ),
        Check(
            f"  control: comparisons that end in 1 ({len(controls)})",
            "not better",
            control_ended,
            control_ended >= ended,
        ),
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
    sides: Callable[[], Sides],
    settings: Settings,
    slowdown: float,
    repetitions: int,
) -> tuple[float, list[tuple[Comparison, pd.DataFrame]]]:
    """The share of families that are found when one in ten is made slower by that much; and each
    comparison with the families that were."""
    found, planted, comparisons = 0, 0, []
    for _ in range(repetitions):
        base, new = sides()
        families = new[list(FAMILY)].drop_duplicates()
        chosen = families.sample(
            max(1, len(families) // 10), random_state=int(random.integers(2**31))
        )
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
    for name, machine, slowdown, paired in (
        ("20% slower, workers 10% apart, run against run", noisy, 0.20, False),
        (
            "20% slower, workers 10% apart, live, 20 rounds",
            noisy._replace(allocators=1),
            0.20,
            True,
        ),
        ("5% slower, workers 1% apart, run against run", quiet, 0.05, False),
        ("5% slower, workers 1% apart, live, 20 rounds", quiet._replace(allocators=1), 0.05, True),
    ):
        count = 20 if paired else rounds

        def sides(machine: Machine = machine, count: int = count) -> Sides:
            return interleaved(random, machine, count)

        share, _ = _planted(random, sides, Settings(paired=paired), slowdown, repetitions)
        checks.append(Check(f"found: {name}", "at least 95% of families", share, share >= 0.95))
    share, comparisons = _planted(
        random, lambda: interleaved(random, noisy, rounds), Settings(), 0.05, repetitions
    )
    right = np.mean([_admits(comparison, chosen) for comparison, chosen in comparisons])
    seen = np.median(np.concatenate([one.families["visible_ratio"] for one, _ in comparisons]))
    checks.append(
        Check(
            "5% slower, workers 10% apart: ends in 4, or names it",
            "at least 95%",
            float(right),
            bool(right >= 0.95),
            f"found in {share:.0%}; says that it could have seen {seen - 1:.1%}",
        )
    )
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
    base, new = interleaved(random, machine, rounds)
    said = compare(base, new, [metric(METRIC)], Settings()).families["visible_ratio"].median()
    share, _ = _planted(
        random,
        lambda: interleaved(random, machine, rounds),
        Settings(),
        float(said) - 1.0,
        repetitions,
    )
    return Check(
        f"found: what is said to be visible ({said - 1:.1%})",
        "70% to 95%",
        share,
        0.70 <= share <= 0.95,
    )


def exponents(seed: int, repetitions: int = 2000, rounds: int = 10) -> list[Check]:
    """Exponents of synthetic curves, overhead + rows^exponent, with workers 10% apart."""
    random = np.random.default_rng(seed)
    sizes = np.array([10, 100, 1_000, 3_000, 10_000, 30_000, 100_000], dtype=float)
    payload = 80.0 * sizes
    boundaries = (512.0 * 1024,)
    checks = []
    for exponent in (1.0, 2.0):
        # An overhead as large as the cost of a hundred rows, as cold builds of 10 us have.
        curve = np.log(sizes**exponent + 100.0**exponent)
        right = straight = 0
        for _ in range(repetitions):
            logs = curve + random.normal(0.0, 0.10, (rounds, len(sizes)))
            found = growth_exponent(sizes, np.exp(logs), payload, boundaries)
            right += found.low <= exponent <= found.high
            whole = growth_exponent(sizes, np.exp(logs), payload, ())
            straight += whole.low <= exponent <= whole.high
        share = right / repetitions
        checks.append(
            Check(
                f"exponent {exponent:.0f}: interval holds it", "at least 93%", share, share >= 0.93
            )
        )
        share = straight / repetitions
        checks.append(
            Check("  control: one line through all sizes", "below 50%", share, share < 0.5)
        )
    return checks


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
    for slowdown, goal in ((0.20, 0.95), (0.05, 0.0)):
        found = total = 0
        for i, pair in enumerate(pairs):
            fresh = pairs[(i + 1) % blocks]
            hit, count = _planted_live(pair, fresh, slowdown)
            found, total = found + hit, total + count
        share = found / total
        checks.append(
            Check(
                f"  {slowdown:.0%} slower, planted into each family of these",
                f"at least {goal:.0%}" if goal else "shown only",
                share,
                share >= goal,
                "live comparison, confirmed on the next pair",
            )
        )
    return checks


def _planted_live(pair: Sides, fresh: Sides, slowdown: float) -> tuple[int, int]:
    """In how many families a slowdown is found if only this one has it: found, and of how many."""
    chosen = [metric(METRIC)]
    settings = Settings(paired=True)
    families = pair[0][list(FAMILY)].drop_duplicates()
    found = 0
    for number in range(len(families)):
        family = families.iloc[[number]]
        slower = [(base, _slower(new, family, slowdown)) for base, new in (pair, fresh)]
        result = _judged(slower[0], slower[1], chosen, settings).families.merge(
            family, on=list(FAMILY)
        )
        row = result.iloc[0]
        found += bool(
            row["data"] != "first look" and row["p_adjusted"] <= settings.alpha and row["ratio"] > 1
        )
    return found, len(families)


def _slower(side: pd.DataFrame, families: pd.DataFrame, slowdown: float) -> pd.DataFrame:
    """The side with these families made slower."""
    hit = pd.MultiIndex.from_frame(side[list(FAMILY)]).isin(pd.MultiIndex.from_frame(families))
    factor = np.where(hit, 1.0 + slowdown, 1.0)
    return side.assign(
        cold_build_ns=side["cold_build_ns"] * factor,
        cold_release_ns=side["cold_release_ns"] * factor,
    )


def simulated(seed: int, fast: bool = False) -> list[Check]:
    """All simulations. fast: few repetitions, for a test with a fixed seed."""
    if fast:
        return [
            *coverage(seed, repetitions=1500),
            *two_stages(seed, repetitions=3000),
            *equals(seed, pairs=4),
            *planted(seed, repetitions=4),
            *exponents(seed, repetitions=200),
        ]
    return [
        *coverage(seed),
        *two_stages(seed),
        *equals(seed),
        *planted(seed),
        *exponents(seed),
    ]
