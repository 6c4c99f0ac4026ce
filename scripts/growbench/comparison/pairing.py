"""Interleaved or duet: which of the two measures equal things as more equal on this machine?

Each way of pairing measures a few cells of one side against themselves, in the same time. What both
sides of a round differ by is noise: by how much they do in most rounds is what the two ways are
compared by.

No two CPUs are equally fast at any moment. In a duet both sides swap theirs from round to round, so
that two rounds together, a crossover (AB, BA), are free of it: crossed() makes one round of them.
"""

from typing import Mapping, NamedTuple

import numpy as np
import pandas as pd

from growbench.comparison.live import DUET, INTERLEAVED, sides
from growbench.data.columns import CELL, MEASURE
from growbench.data.metrics import HEADLINES, METRICS, metric
from growbench.data.statuses import OK
from growbench.tables.table import percent

# So many of the rounds differ by less than the spread: three in four.
SHARE = 0.75
# Rounds of a duet that make one that is free of its CPUs, in which it takes as long as one round of
# single workers.
CROSSOVER = 2
_TIMES = frozenset(column for metric in METRICS if metric.unit == "ns" for column in metric.needed)


class Choice(NamedTuple):
    """chosen: INTERLEAVED or DUET. spreads: by the name of the pairing, as spread() has them; empty
    where nothing was measured. why: instead of them, in words."""

    chosen: str
    spreads: Mapping[str, float]
    why: str = ""

    def sentence(self) -> str:
        """What was found, and what follows."""
        if not self.spreads:
            return f"measured {self.chosen}: {self.why}"
        told = ", ".join(f"{name} {percent(1.0 + by)}" for name, by in self.spreads.items())
        return (
            f"measured {self.chosen}, as this machine does it best: in three rounds of four, equal "
            f"things differed by less than this: {told}"
        )


def rounds(pairing: str, count: int) -> int:
    """How many rounds the runner has to make for so many that are compared."""
    return CROSSOVER * count if pairing == DUET else count


def crossed(runs: pd.DataFrame) -> pd.DataFrame:
    """The rows of a duet with each CROSSOVER rounds as one: of a side's measured workers of a cell
    the geometric mean of each time, and the mean of all else that is counted. A worker without the
    other of its two rounds is left out; rows without figures stay."""
    keys = [*CELL, "round"]
    runs = runs.assign(round=(runs["round"] + CROSSOVER - 1) // CROSSOVER)
    measured = (runs["pass"] == MEASURE) & (runs["status"] == OK)
    rows = runs[measured].copy()
    numbers = [name for name in rows.select_dtypes("number").columns if name not in keys]
    times = [name for name in numbers if name in _TIMES]
    with np.errstate(divide="ignore"):
        rows[times] = np.log(rows[times].astype(float))
    grouped = rows.groupby(keys, sort=False, observed=True)
    made = grouped.first()
    made[numbers] = grouped[numbers].mean()
    made[times] = np.exp(made[times])
    made = made[grouped.size() == CROSSOVER].reset_index()[list(runs.columns)]
    return pd.concat([made, runs[~measured]], ignore_index=True)


def spread(runs: pd.DataFrame) -> float:
    """By which share the longer time of a round is above the shorter in SHARE of all rounds at
    most: of an A/A experiment's cells and rounds, and of both headlines, whichever is larger. nan
    without any."""
    both = sides(runs[runs["status"] == OK])
    if both is None:
        return float("nan")
    keys = [*CELL, "round"]
    found = []
    for name in HEADLINES:
        values = [
            side[keys].assign(value=np.log(metric(name).values(side).to_numpy(float)))
            for side in both
        ]
        pairs = values[0].merge(values[1], on=keys, suffixes=("_base", "_new"))
        apart = (pairs["value_new"] - pairs["value_base"]).abs().dropna()
        if len(apart):
            found.append(float(np.expm1(np.quantile(apart, SHARE))))
    return max(found, default=float("nan"))


def choose(spreads: Mapping[str, float]) -> Choice:
    """The smaller of both spreads; INTERLEAVED, which shares nothing, where they are as large or
    one is not known."""
    if not all(np.isfinite(by) for by in spreads.values()):
        return Choice(INTERLEAVED, {}, "equal things could not be measured both ways")
    duet = spreads[DUET] < spreads[INTERLEAVED]
    return Choice(DUET if duet else INTERLEAVED, spreads)
