"""Several runs a side: the run is the unit.

A run's value of a cell is the 20th percentile of its workers' logarithms; of a family the median
over its cells of what these are above the cell's level, which is the mean of both sides' medians
over runs. Both resist what comes between, such as a neighbour: it makes some workers, of some
cells, slower and none faster (`growbench bench-runs` prints the spread of other percentiles). So
what is slower in fewer than half of a family's sizes is not seen here.
What all families of a run have in common, the median of theirs, is taken out of each, run by run: a
host that is slower for a minute moves all of them. It is told by itself.

Within a run workers differ, and between runs the families do, all workers of a run alike: a page
that lies elsewhere, a neighbour that came. The spread of a run's values holds both.
"""

from typing import NamedTuple, Optional, Sequence

import numpy as np
import pandas as pd
from scipy import special

from growbench.analysis.measured import LARGEST_RESOLUTION_SHARE
from growbench.comparison.same_machine import (
    FASTER,
    FEWEST_WITH_COMMON,
    NO_SLOWER,
    SLOWER,
    UNRESOLVED,
)
from growbench.comparison.sharing import FAMILY
from growbench.data.columns import CELL
from growbench.data.metrics import Metric
from growbench.data.statuses import OK
from growbench.statistics import moderated
from growbench.statistics.order import grouped_quantile

# It differs, but is not found among all families, or none could be with so few runs.
MOVED = "moved"
# The order of runs in time: one of each side again and again; mixed; all of one before the other.
ALTERNATED, MIXED, APART = "alternated", "mixed", "apart"
# Of unchanged code one comparison in fifty may find anything: a CI job must not cry wolf.
ALPHA = 0.02
# Of a run's workers.
QUANTILE = 0.20
# What all families share is told from chance with this confidence: it is one figure of few runs.
_COMMON_CONFIDENCE = 0.99
# Of fewer runs a side nothing is found, whatever the other side has: they have no spread.
_FEWEST_RUNS = 2
# What has a p of at most that, or the smallest that so few runs can have, is worth a second look.
_STANDS_OUT = 0.10
_POWER = 0.8


class Rules(NamedTuple):
    """theta: the smallest slowdown of interest, as a share. alpha: how often any family of
    unchanged code may be called slower or faster. order: ALTERNATED, MIXED or APART."""

    theta: float
    alpha: float = ALPHA
    order: str = MIXED


class Between(NamedTuple):
    """What several runs a side say. All ratios are new / base.

    families: metric; FAMILY; cell_count, base_run_count, new_run_count; ratio, ci_low, ci_high
    (95%, each by itself), without what all have in common as far as that may be the host's; p
    (adjusted for all families of all metrics); spread (between runs of one side, a ratio);
    visible_ratio (what would have been found in 80% of cases; inf: nothing); verdict.
    cells: of the families that were found: metric; CELL; base_value, new_value (medians over runs,
    in the metric's unit); ratio, ci_low, ci_high, likewise.
    common: for each metric family_count; ratio, ci_low, ci_high (99%): what all have in common, nan
    for fewer than 3 families; told: whether that can be told from chance.
    """

    families: pd.DataFrame
    cells: pd.DataFrame
    common: pd.DataFrame
    rules: Rules

    def count(self, verdict: str) -> int:
        """How many families have that verdict."""
        return int((self.families["verdict"] == verdict).sum())


class Values(NamedTuple):
    """Of one metric: cells, and families, x runs, those of base first; logarithms, nan where a run
    has no figure. Both have the keys CELL, or FAMILY, as index."""

    cells: pd.DataFrame
    families: pd.DataFrame
    cell_count: pd.Series
    base_count: int

    def sides(self, table: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        """A table's values of base and of new."""
        values = table.to_numpy(dtype=float)
        return values[:, : self.base_count], values[:, self.base_count :]


def cell_values(
    runs: Sequence[pd.DataFrame], metric: Metric, quantile: float = QUANTILE
) -> pd.DataFrame:
    """Cells x runs: the metric's logarithm, the 20th percentile of a run's workers."""
    columns = []
    for rows in runs:
        ok = rows[rows["pass"].isin(metric.passes) & (rows["status"] == OK)]
        value = metric.values(ok)
        usable = value > 0
        if metric.unit == "bytes":
            # A peak that is near the reading's own error says nothing of the code.
            limit = LARGEST_RESOLUTION_SHARE * ok["payload_bytes"]
            usable &= ok["peak_resolution_bytes"] <= limit
        keys = [ok.loc[usable, key] for key in CELL]
        logs = np.log(value[usable].to_numpy(dtype=float))
        grouped = pd.Series(logs).groupby([key.to_numpy() for key in keys], observed=True)
        index = grouped.size().index
        found = grouped_quantile(logs, grouped.ngroup(), len(index), quantile)
        columns.append(pd.Series(found, index=index))
    made = pd.concat(columns, axis=1, keys=range(len(columns))).sort_index()
    made.index.names = list(CELL)
    return made


def values_of(runs: Sequence[pd.DataFrame], base_count: int, metric: Metric) -> Values:
    """The values of all runs, those of base first, on the cells that both sides have figures of."""
    return in_families(cell_values(runs, metric), base_count)


def in_families(cells: pd.DataFrame, base_count: int) -> Values:
    """Values from cells x runs. A run that lacks more than half of a family's cells has no figure
    of the family."""
    base, new = cells.iloc[:, :base_count], cells.iloc[:, base_count:]
    cells = cells[(base.notna().any(axis=1) & new.notna().any(axis=1)).to_numpy()]
    centred = cells.sub(_level(cells, base_count), axis=0)
    grouped = centred.groupby(list(FAMILY), sort=True, observed=True)
    size, known = grouped.size(), grouped.count()
    families = grouped.median().where(known.mul(2).ge(size, axis=0))
    return Values(cells, families, size, base_count)


def _level(table: pd.DataFrame, base_count: int) -> pd.Series:
    """The middle between the medians of both sides."""
    sides = (table.iloc[:, :base_count], table.iloc[:, base_count:])
    return sum(side.median(axis=1) for side in sides) / 2.0


def common_of_runs(values: Values) -> Optional[np.ndarray]:
    """For each run the median over families; None where they are too few to tell."""
    if len(values.families) < FEWEST_WITH_COMMON:
        return None
    centred = values.families.sub(_level(values.families, values.base_count), axis=0)
    return centred.median(axis=0).to_numpy()


def common_shift(runs: np.ndarray, base_count: int, order: str) -> tuple[float, float, float]:
    """By how much the runs of new are above those of base in what all families share, with the ends
    of its 99% interval; nan for the ends where there are too few.

    Formula: the difference of the means; t with n - 1 degrees of freedom from the differences of
    the n pairs where runs were made alternately, so that slow drift is out; else with m + n - 2.
    """
    base, new = runs[:base_count], runs[base_count:]
    shift = float(new.mean() - base.mean())
    if order == ALTERNATED:
        freedom = len(base) - 1
        squares, share = float(np.var(new - base, ddof=1)) if freedom else np.nan, 1.0 / len(base)
    else:
        freedom = len(runs) - 2
        left = float(((base - base.mean()) ** 2).sum() + ((new - new.mean()) ** 2).sum())
        squares, share = left / freedom if freedom else np.nan, 1.0 / len(base) + 1.0 / len(new)
    if freedom < 1:
        return shift, np.nan, np.nan
    quantile = special.stdtrit(freedom, (1.0 + _COMMON_CONFIDENCE) / 2.0)
    reach = float(quantile * np.sqrt(squares * share))
    return shift, shift - reach, shift + reach


def compare_values(metrics: Sequence[str], values: Sequence[Values], rules: Rules) -> Between:
    """Compare two sides, metric by metric; p is adjusted over all of them."""
    families, ts, common, cells = [], [], [], []
    for name, of in zip(metrics, values):
        table, t, shared = _of_metric(of, rules)
        families.append(table.assign(metric=name))
        ts.append(t)
        cells.append(_cells(of, shared.pop("shared")).assign(metric=name))
        common.append({"metric": name, "family_count": len(of.families), **shared})
    table = pd.concat(families, ignore_index=True)
    t = np.hstack(ts)
    table["p"] = moderated.adjusted_p(t)
    table["visible_ratio"] = _visible(table, t, rules)
    shared_table = pd.DataFrame(common)
    table["verdict"] = _verdicts(table, 1.0 / len(t), rules)
    found = table.loc[table["verdict"].isin([SLOWER, FASTER, MOVED]), ["metric", *FAMILY]]
    of_found = pd.concat(cells, ignore_index=True).merge(found, on=["metric", *FAMILY])
    return Between(table.drop(columns=["shared", "gain", "error"]), of_found, shared_table, rules)


def _visible(table: pd.DataFrame, t: np.ndarray, rules: Rules) -> np.ndarray:
    """Formula: exp((c + 0.84) x standard error), 0.84 the normal distribution's 80%, c the largest
    |t| that all deals but a share of alpha stay below; at least 1 + theta."""
    if t.shape[1] == 0 or 1.0 / len(t) > rules.alpha:
        return np.full(len(table), np.inf)
    limit = np.quantile(np.abs(t).max(axis=1), 1.0 - rules.alpha, method="higher")
    found = np.exp((limit + special.ndtri(_POWER)) * table["error"].to_numpy())
    return np.maximum(found, 1.0 + rules.theta)


def _of_metric(values: Values, rules: Rules) -> tuple[pd.DataFrame, np.ndarray, dict]:
    """The families without verdicts, t of each way to deal the runs, and what is common."""
    runs, families = common_of_runs(values), values.families
    shift = low = high = np.nan
    if runs is not None:
        families = families.sub(runs, axis=1)
        shift, low, high = common_shift(runs, values.base_count, rules.order)
    base, new = values.sides(families)
    found = moderated.moderated_shift(base, new)
    shared, gain = _shared(low, high, rules.order)
    m, n = (np.isfinite(side).sum(axis=1) for side in (base, new))
    table = values.cell_count.rename("cell_count").reset_index()
    table = table.assign(
        base_run_count=m,
        new_run_count=n,
        ratio=np.exp(found.shift + shared),
        ci_low=np.exp(found.low + shared),
        ci_high=np.exp(found.high + shared),
        spread=np.exp(found.deviation),
        shared=shared,
        gain=gain,
        error=found.error,
    )
    told = bool(low > 0.0 or high < 0.0)
    common = dict(zip(("ratio", "ci_low", "ci_high"), np.exp([shift, low, high]).tolist()))
    return table, moderated.dealt_t(base, new), {**common, "told": told, "shared": shared}


def _shared(low: float, high: float, order: str) -> tuple[float, float]:
    """How much of what all families share is part of each one's own shift, and how much of it
    counts against calling one slower, 0 or below.

    Where runs were made alternately the host's drift is not in it, and as much as is certain is
    each one's own. Else it may be the host's; but if it is a gain of the code, a family that did
    not share it is no slower than it was.
    """
    certain = low if low > 0.0 else high if high < 0.0 else 0.0
    return (certain, 0.0) if order == ALTERNATED else (0.0, min(certain, 0.0))


def _verdicts(table: pd.DataFrame, smallest_p: float, rules: Rules) -> np.ndarray:
    """slower, faster: found among all (or all are together), and beyond theta; by the whole
    interval where the sides were measured apart, since what wandered from one to the other is in no
    interval. moved: beyond theta, the family's own interval excludes 1, and it stands out among
    all, but no more. no slower: the interval excludes a slowdown of more than theta. Else
    unresolved."""
    low, high, ratio, p = (table[name].to_numpy() for name in ("ci_low", "ci_high", "ratio", "p"))
    shared, gain = np.exp(table["shared"].to_numpy()), np.exp(table["gain"].to_numpy())
    limit = 1.0 + rules.theta
    together = (shared >= limit) | (shared <= 1.0 / limit)
    several = (table[["base_run_count", "new_run_count"]].min(axis=1) >= _FEWEST_RUNS).to_numpy()
    found = ((p <= rules.alpha) | together) & several
    stands_out = (p <= max(_STANDS_OUT, smallest_p)) | together
    above, below = (low, high) if rules.order == APART else (ratio, ratio)
    with np.errstate(invalid="ignore"):
        verdict = np.where(high <= limit, NO_SLOWER, UNRESOLVED).astype(object)
        moved = ((low > 1.0) & (ratio >= limit)) | ((high < 1.0) & (ratio <= 1.0 / limit))
        verdict[moved & stands_out] = MOVED
        verdict[found & moved & (above * gain >= limit)] = SLOWER
        verdict[found & moved & (below <= 1.0 / limit)] = FASTER
    return verdict


def _cells(values: Values, shared: float) -> pd.DataFrame:
    """Each cell's medians and its shift: without what is common, but for `shared` of it."""
    cells = values.cells
    runs = common_of_runs(values)
    found = moderated.moderated_shift(
        *values.sides(cells if runs is None else cells.sub(runs, axis=1))
    )
    base, new = values.sides(cells)
    table = cells.index.to_frame(index=False)
    return table.assign(
        base_value=np.exp(np.nanmedian(base, axis=1)) if len(table) else [],
        new_value=np.exp(np.nanmedian(new, axis=1)) if len(table) else [],
        ratio=np.exp(found.shift + shared),
        ci_low=np.exp(found.low + shared),
        ci_high=np.exp(found.high + shared),
    )
