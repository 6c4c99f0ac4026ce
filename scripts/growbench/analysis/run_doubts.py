"""Doubts of a run as a whole: the machine was busy, or not as fast all the time.

What disturbs all cells alike is said once, not of each cell. Needs what runs.csv has, and what
machine.json tells if it is there.
"""

from typing import Callable, NamedTuple, Optional

import numpy as np
import pandas as pd

from growbench.analysis.busy import others_share, waiting_share
from growbench.analysis.doubts import (
    ABSOLUTE,
    DIFFERENCE,
    Doubt,
    EFFECT,
    FEWEST_WORKERS,
    RANK,
    VAGUE,
    WIDE,
    is_unordered,
    is_vague,
    is_wide,
    most,
)
from growbench.analysis.measured import COLD, FEWEST_IN_COMMON, Measured, TAIL, WARM, measured_in
from growbench.data.description import fact

# Workers that followed each other: what they have in common is what the machine did meanwhile.
WINDOW = 8
FEWEST_WINDOWS = 8
# Of the CPUs that are not the workers', others may use so much, and processes may wait for a CPU
# for so much of the time.
BUSY_SHARE = 0.25


def few_rounds(measured: Measured, _: Optional[dict]) -> str:
    """Most cells have fewer than 6 workers, so that they have no interval."""
    if not len(measured.size) or np.median(measured.size) >= FEWEST_WORKERS:
        return ""
    count = f"{np.median(measured.size):.0f} workers"
    return f"most cells have {count}, and an interval takes {FEWEST_WORKERS}"


def wide_intervals(measured: Measured, _: Optional[dict]) -> str:
    """Most cells' intervals are wider than ±10%, by themselves and next to their neighbours."""
    return _of_most(measured, is_wide, f"the interval is wider than ±{WIDE:.0%}")


def vague_intervals(measured: Measured, _: Optional[dict]) -> str:
    """Most cells' intervals are wider than ±25%."""
    return _of_most(measured, is_vague, f"the interval is wider than ±{VAGUE:.0%}")


def no_order(measured: Measured, _: Optional[dict]) -> str:
    """Of most cells another one that is over 10% away is within the interval."""
    return _of_most(measured, is_unordered, f"a cell over {WIDE:.0%} away is within the interval")


def _of_most(measured: Measured, test: Callable, what: str) -> str:
    found = {figure: test(measured, figure) for figure in (COLD, WARM)}
    told = [
        f"of {cells.sum()} of {(measured.size > 0).sum()} {figure} times"
        for figure, cells in found.items()
        if most(measured, figure, cells)
    ]
    return f"{what} {' and '.join(told)}" if told else ""


def unsteady(measured: Measured, _: Optional[dict]) -> str:
    """The machine as a whole was faster at some times than at others: half the distance between the
    quartiles, over the run's time, of what workers next to each other have in common is above 5%.

    Formula: of each 8 workers in a row, of whatever cells, the median deviation from their cells'
    medians. Needs 8 cells, and 64 workers.
    """
    told = []
    for figure in (COLD, WARM):
        half = _unsteadiness(measured, figure)
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


def busy(_: Measured, machine: Optional[dict]) -> str:
    """Something else ran: processes waited for a CPU in more than a quarter of the time, or the
    CPUs that are not the workers' were in use for more than a quarter of it."""
    told = []
    waited, used = waiting_share(machine), others_share(machine)
    if used is not None and used > BUSY_SHARE:
        told.append(f"CPUs that are not the workers' were in use for {used:.0%} of the time")
    if waited is not None and waited > BUSY_SHARE:
        told.append(f"processes waited for a CPU for {waited:.0%} of it")
    return ", and ".join(told)


def host_changed(_: Measured, machine: Optional[dict]) -> str:
    """machine.json says that the machine was another one at the end, by its probes."""
    changed = fact(machine, "host", "changed", type=bool)
    return "its probes found another machine later on than at first" if changed else ""


def duet(_: Measured, machine: Optional[dict]) -> str:
    """machine.json says that two workers ran at once, which share caches and the memory's
    bandwidth."""
    at_once = fact(machine, "run", "pairing") == "duet"
    return "two workers ran at once, each beside the other" if at_once else ""


_TIMES = (COLD, WARM, TAIL)

# test: of the workers that have figures and of machine.json, None where there is none: why the run
# is in doubt, in words; "" if it is not.
RUN_DOUBTS = (
    Doubt("few_rounds", "most cells have no interval", _TIMES, (RANK, DIFFERENCE), few_rounds),
    Doubt("wide_intervals", "most are wider than ±10%", _TIMES, (DIFFERENCE,), wide_intervals),
    Doubt("vague_intervals", "most are wider than ±25%", _TIMES, (ABSOLUTE,), vague_intervals),
    Doubt("no_order", "most cells are within others' intervals", _TIMES, (RANK,), no_order),
    Doubt("unsteady", "the machine was not as fast all the time", _TIMES, (ABSOLUTE,), unsteady),
    Doubt("busy", "something else ran, or waited to run", _TIMES, (ABSOLUTE,), busy),
    Doubt("host_changed", "probes found another machine", _TIMES, (ABSOLUTE,), host_changed),
    Doubt("duet", "two workers ran at once", _TIMES, (ABSOLUTE,), duet),
)


class Raised(NamedTuple):
    """A doubt of a run, and why in words."""

    doubt: Doubt
    why: str


def run_doubts(runs: pd.DataFrame, machine: Optional[dict]) -> list[Raised]:
    """The doubts of the run, in the table's order. runs: as read_runs() returns them; machine: what
    machine.json says, or None."""
    measured, _ = measured_in(runs)
    if not len(measured.cell):
        return []
    found = [Raised(doubt, doubt.test(measured, machine)) for doubt in RUN_DOUBTS]
    return [raised for raised in found if raised.why]
