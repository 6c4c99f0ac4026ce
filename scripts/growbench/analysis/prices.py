"""Counts of one side at the prices of another: what machines, and what counts, did to the times.

A side is one run or several of one build on one host. attribution.py says what a cell's counts come
to at a machine's prices, f(counts, prices). Of a base and a new side there are three such sums:

    machine = f(base, new's prices) / f(base, base's prices)     counts as they were
    code    = f(new, new's prices) / f(base, new's prices)       prices as they are now
    left    = measured ratio / (machine x code)                  what neither explains

A cell's time on the new side is predicted from that of the base: times `machine`. So what the model
leaves over of a cell is taken to move as what it explains. Prices alone would predict times of
cells that the base has not measured, but less well: `growbench bench-hosts` prints both.

Prices are a side's, not a worker's: a page is the median over all its workers, or the probe's on
both sides where one has too few workers. What an interpreter takes of a cell's statements is a
price too: the median over the allocators. It is the host's that ran the same cell.
"""

from typing import NamedTuple, Sequence

import numpy as np
import pandas as pd

from growbench.analysis.attribution import (
    COUNTED_COLUMNS,
    EXPLAINED_HIGH,
    EXPLAINED_LOW,
    FEWEST_VALUES,
    PARTS,
    counted,
    parts_ns,
    unknown_parts,
)
from growbench.analysis.limits import Costs, machine_limits
from growbench.data.columns import CELL, MEASURE
from growbench.data.statuses import OK
from growbench.statistics.shift import grouped_hodges_lehmann

# Of runs.csv, besides a row's keys, what side_of() reads.
_MEASURED = ("payload_bytes", "cold_build_ns", "cold_build_minor_fault_count", "touch_page_ns")
COLUMNS = COUNTED_COLUMNS | {*_MEASURED, "probe_ns"}
_NAMES = [part.name for part in PARTS]
_STATEMENTS = [key for key in CELL if key != "allocator"]


class Prices(NamedTuple):
    """costs: of the probes. page_ns: of a page in the workers; nan of fewer than 3.
    interpreter_ns: by _STATEMENTS, where an interpreter was measured."""

    costs: Costs
    page_ns: float
    interpreter_ns: pd.Series

    @property
    def known(self) -> bool:
        """Is there any?"""
        return bool(self.costs) or not np.isnan(self.page_ns)


class Side(NamedTuple):
    """cells: counted(), indexed by CELL. prices: of the host. times: cold_build_ns of all workers.
    cell: of each of them, the number of its row in `cells`."""

    cells: pd.DataFrame
    prices: Prices
    times: np.ndarray
    cell: np.ndarray


def side_of(runs: Sequence[pd.DataFrame]) -> Side:
    """Of the rows of at least one run, with COLUMNS."""
    rows = runs[0] if len(runs) == 1 else pd.concat(runs, ignore_index=True)
    costs = Costs(machine_limits(rows))
    medians, times, cell, page_ns = _measured(rows)
    cells = counted(rows, medians, costs)
    interpreter_ns = cells.groupby(_STATEMENTS, observed=True)["interpreter_ns"].median().dropna()
    prices = Prices(costs, page_ns, interpreter_ns)
    return Side(cells.set_index(list(CELL), drop=False), prices, times, cell)


def _measured(rows: pd.DataFrame) -> tuple[pd.DataFrame, np.ndarray, np.ndarray, float]:
    """As much of summarise() as counted() needs; the times, cell and page_ns of a Side."""
    measured = rows[[*CELL, *_MEASURED]][(rows["status"] == OK) & (rows["pass"] == MEASURE)]
    grouped = measured.groupby(list(CELL), sort=True, observed=True)
    medians = grouped.agg(
        payload_bytes=("payload_bytes", "first"),
        ok_count=("payload_bytes", "size"),
        cold_build_median_ns=("cold_build_ns", "median"),
        cold_build_minor_fault_median_count=("cold_build_minor_fault_count", "median"),
    )
    page = measured["touch_page_ns"]
    return (
        medians.reset_index(),
        measured["cold_build_ns"].to_numpy(float),
        grouped.ngroup().to_numpy(int),
        float(page.median()) if page.count() >= FEWEST_VALUES else np.nan,
    )


class Priced(NamedTuple):
    """cells: a row for each cell that both sides have measured: CELL; base_ns, new_ns (medians of
    the cold build); ratio, ratio_low, ratio_high (of the times, new over base, by their workers);
    explained_share (f(base, base's prices) / base_ns); machine, code, left, left_low, left_high
    (see the module; nan where a count or a price is not known); predicted_ns (base_ns x machine);
    counts_ns (f(base, new's prices)).

    base_parts, new_parts: what PARTS of the base's counts take at either side's prices, a row for
    each of `cells`; nan where one is not known.
    """

    cells: pd.DataFrame
    base_parts: pd.DataFrame
    new_parts: pd.DataFrame

    def of(self, chosen: pd.Series) -> "Priced":
        """Those cells only."""
        return Priced(*(table[chosen.to_numpy(bool)] for table in self))


def priced(base: Side, new: Side) -> Priced:
    """What the host, and what counts, did to the cold builds that both sides have."""
    cells = base.cells.index.intersection(new.cells.index, sort=False)
    by_workers = not np.isnan(base.prices.page_ns + new.prices.page_ns)
    counts, of_new = base.cells.loc[cells], new.cells.loc[cells]
    then = _at_prices(counts, base.prices, by_workers)
    now = _at_prices(counts, new.prices, by_workers)
    both = _at_prices(of_new, new.prices, by_workers)
    table = counts[list(CELL)].reset_index(drop=True)
    table["base_ns"] = counts["cold_build_ns"].to_numpy(float)
    table["new_ns"] = of_new["cold_build_ns"].to_numpy(float)
    shift = _shift(base, new, cells)
    table["ratio"], table["ratio_low"], table["ratio_high"] = np.exp(shift)
    then_ns, now_ns, both_ns = (_total(parts) for parts in (then, now, both))
    table["explained_share"] = then_ns / table["base_ns"]
    table["machine"] = now_ns / then_ns
    table["code"] = both_ns / now_ns
    known = table["machine"] * table["code"]
    for name in ("", "_low", "_high"):
        table[f"left{name}"] = table[f"ratio{name}"] / known
    table["predicted_ns"] = table["base_ns"] * table["machine"]
    table["counts_ns"] = now_ns
    return Priced(table, then.reset_index(drop=True), now.reset_index(drop=True))


def _at_prices(cells: pd.DataFrame, prices: Prices, by_workers: bool) -> pd.DataFrame:
    """parts_ns() of these counts; all of them nan where one of the parts is not known."""
    page_ns = prices.page_ns if by_workers else np.nan
    statements = pd.MultiIndex.from_frame(cells[_STATEMENTS])
    cells = cells.reset_index(drop=True).assign(
        own_fault_ns=(cells["small_fault_count"] * page_ns).to_numpy(float),
        interpreter_ns=prices.interpreter_ns.reindex(statements).to_numpy(float),
    )
    parts = parts_ns(cells, prices.costs)
    unknown = unknown_parts(cells, parts).any(axis=1)
    return parts.fillna(0.0).mask(unknown)


def _total(parts: pd.DataFrame) -> np.ndarray:
    """Of each cell; nan where it is not known, or nothing."""
    total = parts.sum(axis=1, skipna=False).to_numpy(float)
    return np.where(total > 0.0, total, np.nan)


def _shift(base: Side, new: Side, cells: pd.MultiIndex) -> np.ndarray:
    """The shift of the logarithms of the times in each of these cells, and its interval: 3 rows."""
    values, places = [], []
    for side in (base, new):
        place = cells.get_indexer(side.cells.index)[side.cell]
        values.append(np.log(side.times[place >= 0]))
        places.append(place[place >= 0])
    shift = grouped_hodges_lehmann(values[0], places[0], values[1], places[1], len(cells))
    return np.stack([shift.shift, shift.low, shift.high])


def effect(found: Priced) -> float:
    """What the machine did to these cells, each of which counts alike: the mean of `machine`, which
    parts_of_effect() add up to; nan without cells."""
    return float(found.cells["machine"].mean())


def parts_of_effect(found: Priced) -> pd.DataFrame:
    """A row for each part that takes time: part, label; share (of the time that is priced, at the
    base's prices: the mean of the cells'); price (new over base, of what the cells do); points
    (what it adds to effect() - 1: they add up to it).
    """
    total = found.base_parts.sum(axis=1, skipna=False)
    share, moved = (
        parts.div(total, axis=0).mean() for parts in (found.base_parts, found.new_parts)
    )
    table = pd.DataFrame({"part": _NAMES, "label": [part.label for part in PARTS]})
    table["share"] = share.reindex(_NAMES).to_numpy(float)
    table["price"] = (moved / share.where(share > 0)).reindex(_NAMES).to_numpy(float)
    table["points"] = (moved - share).reindex(_NAMES).to_numpy(float)
    return table[table["share"] > 0].reset_index(drop=True)


def explained_of_moves(cells: pd.DataFrame) -> float:
    """The share of what moved in the times that the machine explains.

    Formula: 1 - sum |ln(ratio / machine)| / sum |ln ratio| over the cells, at least 0; nan where
    nothing moved.
    """
    moved = np.abs(np.log(cells["ratio"])).sum()
    rest = np.abs(np.log(cells["ratio"] / cells["machine"])).sum()
    return max(0.0, 1.0 - float(rest / moved)) if moved > 0 else float("nan")


def within(cells: pd.DataFrame, column: str = "predicted_ns") -> pd.Series:
    """Is the prediction at most 25% beside what was measured?"""
    return (cells[column] / cells["new_ns"]).between(EXPLAINED_LOW, EXPLAINED_HIGH)


def departs(cells: pd.DataFrame) -> pd.Series:
    """Is the prediction further off, and not by what workers differ in? Where there are too few of
    them for an interval, that it is further off is enough."""
    low, high = (
        (cells["machine"] / cells[f"ratio_{end}"]).fillna(cells["predicted_ns"] / cells["new_ns"])
        for end in ("high", "low")
    )
    return (
        ~within(cells)
        & cells["machine"].notna()
        & ((high < EXPLAINED_LOW) | (low > EXPLAINED_HIGH))
    )
