"""What can be claimed of several machines at once: "holds on k of K machines".

Figures of different machines are never divided by each other, nor by a score. What is compared is
what each machine says by itself: a ratio of two cells, an exponent, a crossing, each with its
interval. A claim holds on a machine if its interval says so, and in all of its runs.
"""

from typing import NamedTuple, Sequence

import numpy as np
import pandas as pd
from scipy import special

from growbench.data.columns import CELL, IDENTIFYING, MEASURE
from growbench.data.statuses import OK
from growbench.comparison.hosts import Host
from growbench.comparison.run import Run
from growbench.data.implementations import ordered
from growbench.data.metrics import METRICS, Metric
from growbench.analysis.shapes import measured
from growbench.statistics.order import interval_rank
from growbench.statistics.paired import pair_rounds, ratio_table

# What a set of machines says of one claim.
LESS, MORE = "less", "more"
CONTRADICTION, PARTLY, UNRESOLVED = "contradiction", "partly", "unresolved"
# The columns that claims are made of.
_NEEDED = {
    *IDENTIFYING,
    "payload_bytes",
    "peak_resolution_bytes",
    *(name for metric in METRICS for name in metric.needed),
}


class Shared(NamedTuple):
    """machines: with the rows of shared cells only. cells: those that every run has measured.
    lacking: for each run's label the cells that another one has measured and it has not."""

    machines: list[Host]
    cells: pd.DataFrame
    lacking: dict[str, pd.DataFrame]


def shared(machines: Sequence[Host]) -> Shared:
    """Keep the cells that have at least one worker of the measure pass that is ok in each run."""
    runs = [run for machine in machines for run in machine.runs]
    names = list(CELL)
    of_run = {}
    for run in runs:
        ok = (run.runs["status"] == OK) & (run.runs["pass"] == MEASURE)
        of_run[run.label] = run.runs.loc[ok.to_numpy(), names].drop_duplicates()
    union = pd.concat(list(of_run.values())).drop_duplicates().sort_values(names)
    cells = union
    lacking = {}
    for label, own in of_run.items():
        cells = cells.merge(own, on=names)
        marked = union.merge(own, on=names, how="left", indicator=True)
        lacking[label] = marked.loc[marked["_merge"] == "left_only", names].reset_index(drop=True)

    def part(run: Run) -> Run:
        columns = [name for name in run.runs if name in _NEEDED]
        rows = run.runs.loc[(run.runs["pass"] == MEASURE).to_numpy(), columns]
        return run._replace(runs=rows.merge(cells, on=names))

    kept = [machine._replace(runs=[part(run) for run in machine.runs]) for machine in machines]
    return Shared(kept, cells.reset_index(drop=True), lacking)


def ratios(runs: pd.DataFrame, metric: Metric, of: str, reference: str) -> pd.DataFrame:
    """Each cell's `metric` over that of the cell with the reference instead, within one run.

    of: "strategy" (against the reference strategy under the same allocator) or "allocator" (against
    the reference allocator for the same strategy). Columns: CELL, round_count, ratio, ci_low,
    ci_high, as statistics.paired.ratio_table() gives them. The reference strategy is that of the
    same implementation where it has it, so that NumPy is held against NumPy; otherwise the one in
    C, or else the first, which is also what the references of other implementations are held
    against.
    """
    table = measured(runs, metric)
    keys = [key for key in CELL if key not in (of, "implementation" if of == "strategy" else of)]
    own = table[of] == reference
    base = table[own]
    subjects = table[~own]
    if of == "strategy":
        subjects, base = _with_references(table, own)
        keys.append("reference_of")
    return ratio_table(pair_rounds(subjects, base[[*keys, "round", "value"]], keys), CELL)


def _with_references(
    table: pd.DataFrame, is_reference: pd.Series
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What is held against a reference, and the references, with the implementation that each
    reference is of as `reference_of` in both."""
    base = table[is_reference]
    having = ordered(base["implementation"])
    first = having[0] if having else ""
    whose = table["implementation"].where(table["implementation"].isin(having), first)
    # A reference is held against the first one, which itself is held against nothing.
    whose = whose.where(~is_reference, first)
    subjects = table.assign(reference_of=whose)
    subjects = subjects[~(is_reference & (table["implementation"] == first))]
    return subjects, base.rename(columns={"implementation": "reference_of"})


class Estimates(NamedTuple):
    """keys: one row for each claim. value, low, high: machines x claims; nan where unknown."""

    keys: pd.DataFrame
    value: np.ndarray
    low: np.ndarray
    high: np.ndarray


def across(
    tables: Sequence[Sequence[pd.DataFrame]],
    keys: Sequence[str],
    value: str,
    everywhere: bool = True,
) -> Estimates:
    """Put the tables of all machines beside each other.

    tables: for each machine, for each of its runs, a table with keys, `value`, ci_low and ci_high.
    everywhere: only rows that every run has; otherwise all, with nan for a machine of which not all
    runs have it.
    A machine with several runs has the geometric mean of their values, and the hull of their
    intervals: an interval of the hull excludes 1 if, and only if, those of all runs do, on the same
    side. It is nan if one of them is.
    """
    names = list(keys)
    flat = [table for of_machine in tables for table in of_machine]
    # A table without rows has columns without a type, which merge with none.
    filled = [table[names] for table in flat if len(table)]
    if not filled or (everywhere and len(filled) < len(flat)):
        nothing = np.full((len(tables), 0), np.nan)
        return Estimates(flat[0][names].head(0), nothing, nothing, nothing)
    every = pd.concat(filled).drop_duplicates().sort_values(names)
    if everywhere:
        for table in filled:
            every = every.merge(table, on=names)
    every = every.reset_index(drop=True)
    columns = ("value", "low", "high")
    stacked = {name: np.full((len(tables), len(every)), np.nan) for name in columns}
    for i, of_machine in enumerate(tables):
        # value, low, high x runs x claims.
        parts = [_placed(table, every, (value, "ci_low", "ci_high")) for table in of_machine]
        values, lows, highs = np.stack(parts, axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = np.exp(np.log(values).mean(axis=0))
        stacked["value"][i] = mean if len(parts) > 1 else values[0]
        stacked["low"][i] = lows.min(axis=0)
        stacked["high"][i] = highs.max(axis=0)
    return Estimates(every, stacked["value"], stacked["low"], stacked["high"])


def _placed(table: pd.DataFrame, every: pd.DataFrame, columns: Sequence[str]) -> np.ndarray:
    """The table's columns at the places of `every`, columns x claims; nan where it has no row."""
    if table.empty:
        return np.full((len(columns), len(every)), np.nan)
    merged = every.merge(table, on=list(every.columns), how="left")
    return merged[list(columns)].to_numpy(dtype=float).T


def sides(estimates: Estimates) -> np.ndarray:
    """Machines x claims: -1 where the interval is below 1, 1 where it is above, 0 otherwise."""
    return (estimates.low > 1.0).astype(int) - (estimates.high < 1.0).astype(int)


def verdicts(side: np.ndarray) -> np.ndarray:
    """For each claim: LESS or MORE (on all machines), CONTRADICTION (both, on different ones),
    PARTLY (on some, and the others are unresolved) or UNRESOLVED (on all)."""
    less, more = (side < 0).sum(axis=0), (side > 0).sum(axis=0)
    count = len(side)
    return np.select(
        [(less > 0) & (more > 0), less == count, more == count, less + more > 0],
        [CONTRADICTION, LESS, MORE, PARTLY],
        UNRESOLVED,
    )


def overlap(low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """For each claim: do the intervals of all machines have a point in common? nan if one is
    unknown. Intervals that do not are of different truths at well below 5% error; those that do may
    be of different ones all the same."""
    unknown = (np.isnan(low) | np.isnan(high)).any(axis=0)
    common = (low.max(axis=0) <= high.min(axis=0)).astype(float)
    return np.where(unknown, np.nan, common)


def contradictions_by_chance(round_counts: Sequence[int], claim_count: int) -> float:
    """How many of so many ratios that are truly 1 would contradict, in expectation, at most.

    round_counts: of each machine. Formula: claims x (1 - 2 prod(1 - p) + prod(1 - 2 p)), where
    p = P(Bin(R, 1/2) <= k - 1) is what the order-statistic interval leaves out on one side.
    Assumptions: machines are independent of each other.
    """
    outside = []
    for count in round_counts:
        rank = interval_rank(int(count))
        outside.append(float(special.bdtr(rank - 1, count, 0.5)) if rank > 0 else 0.0)
    one_side = np.prod([1.0 - p for p in outside])
    neither = np.prod([1.0 - 2.0 * p for p in outside])
    return float(claim_count * (1.0 - 2.0 * one_side + neither))
