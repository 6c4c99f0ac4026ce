"""Do intervals hold the truth as often as they say, where the truth is known?

A simulated worker is hierarchical, as real ones are: the logarithm of its time is the cell's, plus
an offset of its own (spread), plus noise in it.
"""

from typing import Callable, Sequence, Union

import numpy as np
from scipy import special

from growbench.promises.check import Check, at_least, below
from growbench.statistics.growth import growth_exponent
from growbench.statistics.order import GroupedOrder, interval_rank, order_of_rows
from growbench.statistics.shift import Shift, hodges_lehmann, paired_shift

_VALUES = 5
_WITHIN = 0.03
# The rounds that a block has at first, and those that it has if it is among the widest
# (extension_steps() in harness/runner/plan/extension.h): 6 are those of the default preset.
PLANS = ((9, (12, 15)), (6, (9, 12)))
# How wide an interval may be that is narrow enough (harness/runner/plan/extension.h).
_NARROW = 0.02


def _order(values: np.ndarray) -> GroupedOrder:
    """Over the last axis; the others stay as they are."""
    order = order_of_rows(values.reshape(-1, values.shape[-1]))
    return GroupedOrder(*(column.reshape(values.shape[:-1]) for column in order))


def _holds(found: Union[GroupedOrder, Shift]) -> np.ndarray:
    """Is the truth, which is 0, in the interval?"""
    return (found.low <= 0) & (found.high >= 0)


def coverage(seed: int, repetitions: int = 4000, spread: float = 0.10) -> list[Check]:
    """How often 95% intervals hold the truth, by number of rounds; pooled values as a control."""
    random = np.random.default_rng(seed)
    checks = []
    for rounds in (6, 9, 10, 12):
        workers = random.normal(0.0, spread, (repetitions, rounds))
        values = workers[:, :, None] + random.normal(0.0, _WITHIN, (repetitions, rounds, _VALUES))
        share = float(_holds(_order(np.median(values, axis=2))).mean())
        name = f"median of {rounds} workers: interval holds it"
        checks.append(Check(name, "95% to 98.5%", share, 0.95 <= share <= 0.985))
        pooled = _holds(_order(values.reshape(repetitions, -1))).mean()
        checks.append(below("  control: values pooled over workers", 0.90, pooled))
    # Three standard errors of the simulation itself.
    least = 0.95 - 3.0 * np.sqrt(0.95 * 0.05 / repetitions)
    goal = f"95% (at least {least:.1%} here)"
    for rounds in (8, 10, 20):
        a, b = random.normal(0.0, spread, (2, repetitions, rounds))
        shifts = {"run against run": hodges_lehmann(a, b), "pairs": paired_shift(b - a)}
        for of, shift in shifts.items():
            share = float(_holds(shift).mean())
            name = f"shift of {rounds} rounds, {of}: interval holds it"
            checks.append(Check(name, goal, share, share >= least))
    return checks


# Of so many blocks x allocators x rounds, of which the first so many are those of all.
Draw = Callable[[np.random.Generator, tuple[int, ...], int], np.ndarray]


def _bimodal(random: np.random.Generator, shape: tuple[int, ...], _: int) -> np.ndarray:
    """Three workers in ten take another path, and 3 more. The median: where 0.7 of the others are
    below 5/7 of themselves."""
    slow = random.random(shape) < 0.3
    return random.normal(0.0, 0.2, shape) + 3.0 * slow - 0.2 * special.ndtri(5.0 / 7.0)


def _drifting(random: np.random.Generator, shape: tuple[int, ...], of_all: int) -> np.ndarray:
    """The speed of all cells wanders, by half their spread in a run. The rounds of the few take the
    time of one of all together; the truth is the mean over the rounds of all."""
    time = np.where(np.arange(shape[-1]) < of_all, 1.0, 1.0 / (shape[-1] - of_all))
    steps = random.normal(0.0, 0.5, (*shape[:-2], 1, shape[-1])) * np.sqrt(time / time.sum())
    wander = np.cumsum(steps, axis=-1)
    wander -= wander[..., :of_all].mean(axis=-1, keepdims=True)
    return random.normal(0.0, 1.0, shape) + wander


# Distributions of workers, each with its median at 0.
SHAPES: dict[str, Draw] = {
    "normal": lambda random, shape, _: random.normal(0.0, 1.0, shape),
    "lognormal": lambda random, shape, _: np.expm1(random.normal(0.0, 0.8, shape)),
    "heavy tails": lambda random, shape, _: random.standard_t(2, shape),
    "two modes": _bimodal,
    "drifting": _drifting,
}


def _staged(values: np.ndarray, rounds: np.ndarray) -> float:
    """How often intervals hold the truth, where each block has its number of rounds."""
    held = [_holds(_order(values[rounds == n, ..., :n])).ravel() for n in np.unique(rounds)]
    return float(np.concatenate(held).mean())


def two_stages(seed: int, repetitions: int = 6000) -> list[Check]:
    """Coverage where the widest blocks have more rounds, half of these the larger step. All are
    equally wide in truth, so that it is by chance alone that they are chosen: cells that are truly
    wide lose less."""
    random = np.random.default_rng(seed)
    checks = []
    for all_have, (more, most) in PLANS:
        of = f"{all_have} rounds, {more} or {most} for the widest third"
        for name, draw in SHAPES.items():
            # Blocks of three allocators.
            values = draw(random, (repetitions, 3, most), all_have)
            width = _order(values[..., :all_have]).half_width.sum(axis=1)
            third, sixth = np.quantile(width, (2 / 3, 5 / 6))
            rounds = np.select([width >= sixth, width >= third], [most, more], all_have)
            share = _staged(values, rounds)
            one_more = _holds(_order(values[..., : all_have + 1])).mean()
            detail = f"{all_have + 1} rounds of all: {one_more:.1%}"
            checks.append(at_least(f"{of}, {name}: median", 0.94, share, detail))
            share = _staged(values[:, :1] - values[:, 1:], rounds)
            checks.append(at_least(f"{of}, {name}: paired ratio", 0.94, share))
    return [*checks, *_any_rule(), *_stopping(random, repetitions), *_widths(random, repetitions)]


def worst_coverage(looks: Sequence[int], ends: Sequence[int] = ()) -> float:
    """How often an interval holds the median after any rule that looks at these numbers of rounds,
    and ends at one of them, or after the last at one of `ends`: exact, and whatever the
    distribution.

    Formula: a value is below the median with probability 1/2, so that the number b below it of n is
    binomial, and the interval misses where b < k or b > n - k (interval_rank()). The worst rule
    knows the median: V(n, b) = max(miss(n, b), E V(m, b')), m the next look or, after the last, the
    worst of the ends, where V is miss; and the coverage is 1 - E V at the first look.
    """

    def binomial(count: int) -> np.ndarray:
        return special.comb(count, np.arange(count + 1)) / 2.0**count

    def misses(count: int) -> np.ndarray:
        below_it, rank = np.arange(count + 1), interval_rank(count)
        return ((below_it < rank) | (below_it > count - rank)).astype(float)

    def before(worst: np.ndarray, count: int) -> np.ndarray:
        """The expectation of what is known by number of values below, when there are `count`."""
        return np.correlate(worst, binomial(len(worst) - 1 - count), mode="valid")

    last = looks[-1]
    worst = np.max([misses(last), *(before(misses(end), last) for end in ends)], axis=0)
    for look in reversed(looks[:-1]):
        worst = np.maximum(misses(look), before(worst, look))
    return 1.0 - float(worst @ binomial(looks[0]))


def _any_rule() -> list[Check]:
    checks = []
    for all_have, ends in PLANS:
        name = f"{all_have} rounds, or {ends[0]} or {ends[1]}, by any rule that looks once"
        checks.append(at_least(name, 0.935, worst_coverage((all_have,), ends)))
    always = worst_coverage(range(6, 31))
    return [*checks, below("  control: that looks after each of 6 to 30", 0.90, always)]


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

    narrow = stopped(lambda order: order.half_width < 0.5)
    apart = stopped(lambda order: ~_holds(order))
    return [
        below("  control: a round more until it is narrow", 0.95, narrow),
        below("  control: a round more until 1 is outside", 0.90, apart),
    ]


def _widths(random: np.random.Generator, repetitions: int) -> list[Check]:
    """What the time of 10 rounds buys, where cells differ in how wide they are, and in their time:
    all rounds alike, or as the runner spends them."""
    all_have, (_, most) = PLANS[0]
    blocks = repetitions // 4
    of_blocks, of_cells = random.normal(0.0, 0.8, (blocks, 1)), random.normal(0.0, 0.4, (blocks, 6))
    spread = 0.03 * np.exp(of_blocks + of_cells)
    values = spread[..., None] * random.normal(0.0, 1.0, (blocks, 6, most))
    time = np.exp(random.normal(0.0, 1.0, blocks))
    few, fixed, many = (_order(values[..., :n]).half_width for n in (all_have, 10, most))
    need = np.maximum(few - _NARROW, 0.0).sum(axis=1)
    order = np.argsort(-need / time, kind="stable")
    more = np.zeros(blocks, dtype=bool)
    more[order] = np.cumsum((most - all_have) * time[order]) <= time.sum()
    staged = np.where(more[:, None], many, few)
    checks = []
    for limit in (0.05, 0.10):
        wide, before = float((staged > limit).mean()), float((fixed > limit).mean())
        name = f"{all_have} rounds and {most}: cells wider than +-{limit:.0%}"
        told = f"{before:.1%}; mean half width {staged.mean():.2%}, before {fixed.mean():.2%}"
        checks.append(Check(name, "fewer than 10 rounds of all", wide, wide < before, told))
    return checks


def exponents(seed: int, repetitions: int = 2000, rounds: int = 10) -> list[Check]:
    """Exponents of synthetic curves, overhead + rows^exponent, with workers 10% apart."""
    random = np.random.default_rng(seed)
    sizes = np.array([10, 100, 1_000, 3_000, 10_000, 30_000, 100_000], dtype=float)
    checks = []
    for exponent in (1.0, 2.0):
        # An overhead as large as the cost of a hundred rows, as cold builds of 10 us have.
        curve = np.log(sizes**exponent + 100.0**exponent)
        held = {(512.0 * 1024,): 0, (): 0}
        for _ in range(repetitions):
            times = np.exp(curve + random.normal(0.0, 0.10, (rounds, len(sizes))))
            for boundaries in held:
                found = growth_exponent(sizes, times, 80.0 * sizes, boundaries)
                held[boundaries] += found.low <= exponent <= found.high
        right, straight = (count / repetitions for count in held.values())
        checks.append(at_least(f"exponent {exponent:.0f}: interval holds it", 0.93, right))
        checks.append(below("  control: one line through all sizes", 0.50, straight))
    return checks
