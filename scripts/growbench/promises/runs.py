"""Are comparisons of several runs a side right, where the truth is known?

The logarithm of a simulated worker's time is the cell's, plus the host's in that run, plus what the
run made of the family's allocator, of the family, and of the cell, plus an offset of the worker's
own. All but the last are the same for all workers of a run, so that no interval within a run holds
them.
"""

from typing import Callable, NamedTuple, Sequence

import numpy as np
import pandas as pd

from growbench.comparison.between import ALPHA, ALTERNATED, APART, Between, Rules, compare_values
from growbench.comparison.between import in_families
from growbench.comparison.layers import CLEAR, WORSE
from growbench.comparison.same_machine import LEAST_THRESHOLD, SLOWER
from growbench.comparison.several import verdict_of
from growbench.comparison.sharing import FAMILY
from growbench.data.columns import CELL
from growbench.promises.check import Check, at_least, below
from growbench.statistics.shift import hodges_lehmann

_METRICS = ("cold_build_release", "warm_build_release")
_ROUNDS = 9
Noise = Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]


def _normal(random: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    return random.normal(0.0, 1.0, shape)


def _heavy(random: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Student's t with 3 degrees of freedom, scaled to a variance of 1."""
    return random.standard_t(3, shape) / np.sqrt(3.0)


class Host(NamedTuple):
    """A simulated host. All are standard deviations of logarithms: host, of its speed from run to
    run; drift, of a random walk of its speed a run; allocator, family, cell: between runs; worker:
    within. widths: how unlike families are in theirs (of its logarithm). two_modes: the share of
    families that are 15% slower in three of ten runs."""

    host: float = 0.02
    drift: float = 0.0
    allocator: float = 0.003
    family: float = 0.010
    cell: float = 0.02
    worker: float = 0.05
    widths: float = 0.4
    two_modes: float = 0.0
    noise: Noise = _normal
    strategies: int = 11
    allocators: int = 6
    sizes: Sequence[int] = (100, 3_000, 100_000)

    @property
    def cells(self) -> pd.MultiIndex:
        """All cells; those of a family next to each other."""
        of_each = [["c"], range(self.strategies), range(self.allocators), self.sizes]
        return pd.MultiIndex.from_product([*of_each, [80], [1], ["cheap"]], names=list(CELL))


def simulated(random: np.random.Generator, host: Host, runs: int) -> pd.DataFrame:
    """Cells x runs, in the order of time: the medians over 9 workers each."""
    sizes, families = len(host.sizes), host.strategies * host.allocators
    width = np.exp(random.normal(0.0, host.widths, (families, 1)))
    of_families = host.family * width * host.noise(random, (families, runs))
    allocators = host.allocator * host.noise(random, (host.allocators, runs))
    of_families += np.tile(allocators, (host.strategies, 1))
    modes = random.random((families, 1)) < host.two_modes
    of_families += 0.15 * (modes & (random.random((families, runs)) < 0.3))
    logs = of_families.repeat(sizes, axis=0)
    logs = logs + host.cell * host.noise(random, logs.shape)
    logs += random.normal(0.0, host.host, runs) + np.cumsum(random.normal(0.0, host.drift, runs))
    workers = random.normal(0.0, host.worker, (*logs.shape, _ROUNDS))
    return pd.DataFrame(logs + np.median(workers, axis=2), index=host.cells)


def _order(a_side: int, order: str) -> np.ndarray:
    """The places in time of base's runs, then of new's."""
    places = np.arange(2 * a_side)
    return np.concatenate([places[::2], places[1::2]]) if order == ALTERNATED else places


def compared(
    random: np.random.Generator, host: Host, a_side: int, order: str, slowdown: float = 0.0
) -> tuple[Between, pd.DataFrame]:
    """A comparison of two metrics, and the families in which new was made slower: one in ten."""
    families = pd.MultiIndex.from_frame(host.cells.to_frame(index=False)[list(FAMILY)])
    every = families.unique()
    chosen = every[random.permutation(len(every))[: max(1, len(every) // 10)]]
    hit = families.isin(chosen) if slowdown else np.zeros(len(families), dtype=bool)
    values = []
    for _ in _METRICS:
        made = simulated(random, host, 2 * a_side).to_numpy()[:, _order(a_side, order)]
        made[np.ix_(hit, np.arange(a_side, 2 * a_side))] += np.log1p(slowdown)
        values.append(in_families(pd.DataFrame(made, index=host.cells), a_side))
    found = compare_values(_METRICS, values, Rules(LEAST_THRESHOLD, order=order))
    return found, chosen.to_frame(index=False) if slowdown else pd.DataFrame(columns=list(FAMILY))


HOSTS = {
    "even": (Host(), ALTERNATED),
    "heavy tails": (Host(noise=_heavy), ALTERNATED),
    "allocators move together": (Host(allocator=0.012), ALTERNATED),
    "two modes in 1 of 20": (Host(two_modes=0.05), ALTERNATED),
    "host drifts, alternated": (Host(drift=0.02), ALTERNATED),
    "host drifts, one side first": (Host(drift=0.02), APART),
}


def several_runs(seed: int, repetitions: int = 60) -> list[Check]:
    """False alarms, coverage and what is found, 5 runs a side; and with fewer."""
    random = np.random.default_rng(seed)
    checks = []
    for name, (host, order) in HOSTS.items():
        equal = [compared(random, host, 5, order)[0] for _ in range(repetitions)]
        alarms, held, clear = _of_equal(f"5 runs a side, {name}", equal)
        share = _found(random, host, order, max(4, repetitions // 4))
        found = at_least("  10% slower: found", 0.90, share, of=" of families")
        if order == APART:
            # A host that drifts looks like a change, so that less can be said, and is.
            clear = clear._replace(goal="shown only", met=True)
        if order == APART or host.two_modes:
            # A change of one family looks like one whose modes fell on either side.
            found = found._replace(goal="shown only", met=True)
        checks += [alarms, held, clear, found]
    for a_side in (2, 3, 4):
        equal = [compared(random, Host(), a_side, ALTERNATED)[0] for _ in range(repetitions)]
        checks += _of_equal(f"{a_side} runs a side, even", equal)[:2]
    return [*checks, *_one_run(random, repetitions)]


def _of_equal(name: str, found: Sequence[Between]) -> list[Check]:
    verdicts = [verdict_of(one) for one in found]
    held = [
        float(((one.families["ci_low"] <= 1) & (one.families["ci_high"] >= 1)).mean())
        for one in found
    ]
    # Two standard errors of the simulation itself: comparisons' shares are about 2% apart.
    least = 0.93 - 2.0 * 0.02 / np.sqrt(len(held))
    worse, clear = (np.mean([of == wanted for of in verdicts]) for wanted in (WORSE, CLEAR))
    # Two standard errors of the simulation itself.
    most = ALPHA + 2.0 * np.sqrt(ALPHA * (1.0 - ALPHA) / len(found))
    alarms = Check(
        f"{name}: equal sides that end in 1",
        f"{ALPHA:.0%} (at most {most:.1%} here)",
        float(worse),
        bool(worse <= most),
    )
    return [
        alarms,
        Check(
            "  intervals of families hold the truth",
            f"at least 93% ({least:.1%} here)",
            float(np.mean(held)),
            bool(np.mean(held) >= least),
        ),
        at_least('  equal sides of which "no regression" is said', 0.80, float(clear)),
    ]


def _found(random: np.random.Generator, host: Host, order: str, repetitions: int) -> float:
    """The share of families made 10% slower that are called slower."""
    found, planted = 0, 0
    for _ in range(repetitions):
        result, chosen = compared(random, host, 5, order, 0.10)
        slower = result.families[result.families["verdict"] == SLOWER]
        found += len(slower.merge(chosen, on=list(FAMILY)))
        planted += len(chosen) * len(_METRICS)
    return found / planted


def _one_run(random: np.random.Generator, repetitions: int) -> list[Check]:
    """The control: one run a side, with the interval of its workers."""
    held = []
    for _ in range(max(4, repetitions // 4)):
        logs = simulated(random, Host(), 2).to_numpy()
        workers = random.normal(0.0, Host().worker, (2, len(logs), _ROUNDS))
        base, new = (logs[:, i, None] + workers[i] for i in range(2))
        shift = hodges_lehmann(base, new)
        held.append((shift.low <= 0) & (shift.high >= 0))
    share = float(np.mean(held))
    return [below("  control: one run a side, intervals of its workers", 0.90, share)]
