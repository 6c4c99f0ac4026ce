"""Doubts of a run as a whole: the machine was busy, or not as fast all the time.

What disturbs all cells alike is said once, not of each cell. Needs what runs.csv has, and what
machine.json tells if it is there.
"""

import re
from typing import Callable, NamedTuple, Optional

import numpy as np
import pandas as pd

from growbench.analysis.doubts import (
    ABSOLUTE,
    DIFFERENCE,
    EFFECT,
    FEWEST_WORKERS,
    RANK,
)
from growbench.analysis.measured import COLD, FEWEST_IN_COMMON, Measured, TAIL, WARM, measured_in
from growbench.data.description import fact

# Workers that followed each other: what they have in common is what the machine did meanwhile.
WINDOW = 8
FEWEST_WINDOWS = 8
# Of the CPUs that are not the workers', others may use so much, and processes may wait for a CPU
# for so much of the time.
BUSY_SHARE = 0.25
# Fields of /proc/stat's line "cpu": user nice system idle iowait irq softirq steal.
_IDLE = (3, 4)
_TICK_FIELDS = 8


class Facts(NamedTuple):
    """measured: the workers of the measure pass that have figures. machine: what machine.json says,
    or None."""

    measured: Measured
    machine: Optional[dict]


def facts(runs: pd.DataFrame, machine: Optional[dict]) -> Facts:
    """Of a run's rows, as read_runs() returns them."""
    return Facts(measured_in(runs)[0], machine)


def few_rounds(of: Facts) -> str:
    """Most cells have fewer than 6 workers, so that they have no interval."""
    size = of.measured.size
    if not len(size) or np.median(size) >= FEWEST_WORKERS:
        return ""
    return f"most cells have {np.median(size):.0f} workers, and an interval takes {FEWEST_WORKERS}"


def unsteady(of: Facts) -> str:
    """The machine as a whole was faster at some times than at others: half the distance between the
    quartiles, over the run's time, of what workers next to each other have in common is above 5%.

    Formula: of each 8 workers in a row, of whatever cells, the median deviation from their cells'
    medians. Needs 8 cells, and 64 workers.
    """
    told = []
    for figure in (COLD, WARM):
        half = _unsteadiness(of.measured, figure)
        if half > np.log1p(EFFECT):
            told.append(f"{figure} times by ±{np.expm1(half):.0%}")
    return f"the machine was not as fast all the time: {' and '.join(told)}" if told else ""


def _unsteadiness(measured: Measured, figure: str) -> float:
    """Half the distance between the quartiles of the windows' deviations; nan if there are few."""
    deviation = measured.deviation(figure)
    order = np.argsort(measured.column("position"), kind="stable")
    ordered = deviation[order][~np.isnan(deviation[order])]
    count = len(ordered) // WINDOW
    if (measured.size > 0).sum() < FEWEST_IN_COMMON or count < FEWEST_WINDOWS:
        return float("nan")
    windows = np.median(ordered[: count * WINDOW].reshape(count, WINDOW), axis=1)
    low, high = np.quantile(windows, (0.25, 0.75))
    return float(high - low) / 2.0


def busy(of: Facts) -> str:
    """Something else ran: processes waited for a CPU in more than a quarter of the time, or the
    CPUs that are not the workers' were in use for more than a quarter of it."""
    told = []
    waited, used = waiting_share(of.machine), others_share(of.machine)
    if used is not None and used > BUSY_SHARE:
        told.append(f"CPUs that are not the workers' were in use for {used:.0%} of the time")
    if waited is not None and waited > BUSY_SHARE:
        told.append(f"processes waited for a CPU for {waited:.0%} of it")
    return ", and ".join(told)


def waiting_share(machine: Optional[dict]) -> Optional[float]:
    """The share of the run's time in which some process waited for a CPU (/proc/pressure/cpu); None
    where the kernel does not tell."""
    totals = []
    for state in ("state_at_start", "state_at_end"):
        found = re.search(r"some .*total=(\d+)", fact(machine, state, "pressure_cpu") or "")
        totals.append(int(found[1]) if found else None)
    seconds = sum(
        fact(machine, "run", part, type=(int, float)) or 0.0 for part in ("pilot_s", "rounds_s")
    )
    if totals[0] is None or totals[1] is None or seconds <= 0:
        return None
    return min(1.0, (totals[1] - totals[0]) / 1e6 / seconds)


def others_share(machine: Optional[dict]) -> Optional[float]:
    """How much of the CPUs that are not the workers' others used, 0 to 1, the runner's own share
    left out; None where that is not known, or where workers may run on all of them."""
    ticks = [_ticks(machine, state) for state in ("state_at_start", "state_at_end")]
    cpus = fact(machine, "machine", "cpus", type=int) or 0
    others = cpus - len(fact(machine, "run", "worker_cpus", type=list) or [None] * cpus)
    if ticks[0] is None or ticks[1] is None or others < 1:
        return None
    passed = ticks[1] - ticks[0]
    idle = passed[list(_IDLE)].sum()
    # All CPUs together: so many went by while one did.
    while_one = passed.sum() / cpus
    if while_one <= 0:
        return None
    own = fact(machine, "run", "runner_share", type=(int, float)) or 0.0
    unused = idle / while_one
    return float(np.clip(1.0 - (unused + own) / others, 0.0, 1.0))


def _ticks(machine: Optional[dict], state: str) -> Optional[np.ndarray]:
    text = fact(machine, state, "cpu_ticks") or ""
    if not re.fullmatch(rf"\d+(?: \d+){{{_TICK_FIELDS - 1},}}", text):
        return None
    return np.array([float(count) for count in text.split()[:_TICK_FIELDS]])


def host_changed(of: Facts) -> str:
    """machine.json says that the machine was another one at the end, by its probes."""
    changed = fact(of.machine, "host", "changed", type=bool)
    return "its probes found another machine later on than at first" if changed else ""


class RunDoubt(NamedTuple):
    """As Doubt, of all cells at once. test: why, in words; "" if there is no such doubt."""

    name: str
    meaning: str
    figures: tuple[str, ...]
    conclusions: tuple[str, ...]
    test: Callable[[Facts], str]


_TIMES = (COLD, WARM, TAIL)

RUN_DOUBTS = (
    RunDoubt(
        "few_rounds",
        "most cells have fewer than 6 workers",
        _TIMES,
        (RANK, DIFFERENCE),
        few_rounds,
    ),
    RunDoubt(
        "unsteady",
        "the machine was not as fast all the time, by more than ±5% between quarters of it",
        _TIMES,
        (ABSOLUTE,),
        unsteady,
    ),
    RunDoubt(
        "busy",
        "something else ran, or waited to run, for more than a quarter of the time",
        _TIMES,
        (ABSOLUTE,),
        busy,
    ),
    RunDoubt(
        "host_changed",
        "probes found another machine later on than at first",
        _TIMES,
        (ABSOLUTE,),
        host_changed,
    ),
)


class Raised(NamedTuple):
    """A doubt of a run, and why in words."""

    doubt: RunDoubt
    why: str


def run_doubts(runs: pd.DataFrame, machine: Optional[dict]) -> list[Raised]:
    """The doubts of the run, in the table's order."""
    of = facts(runs, machine)
    if not len(of.measured.cell):
        return []
    found = [Raised(doubt, doubt.test(of)) for doubt in RUN_DOUBTS]
    return [raised for raised in found if raised.why]
