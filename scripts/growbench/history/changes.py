"""All that changed in a history, exactly or in time, as tables of one form."""

from typing import NamedTuple, Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from growbench.comparison.exact import BETTER, WORSE, worst
from growbench.comparison.sharing import FAMILY
from growbench.data.columns import CELL
from growbench.data.exact import Exact
from growbench.data.metrics import metric
from growbench.history import counts, times
from growbench.history.order import Order, State
from growbench.history.reading import Taken, Wanted

COUNT, TIME = "count", "time"


class OfCount(NamedTuple):
    """A count where its figures can be held against each other: which machine (or, for counts of
    blocks, which architecture and page size) that is, its figures and its changes."""

    exact: Exact
    place: str
    series: counts.Series
    found: list[counts.Found]

    @property
    def compared(self) -> bool:
        """Have two states a figure of one cell?"""
        return bool(((self.series.workers > 0).sum(axis=0) > 1).any())


class History(NamedTuple):
    """wanted: what was looked at. cells: of which there are figures, CELL. of_counts, in_time: what
    was found.

    families: a row for each count or time of a family that changed, in the order of the states:
    since, last (places of states: the first with the new figure, and the last with the old one),
    what (name of the count or metric), label, unit, kind (COUNT, TIME), place (the machine or
    surroundings, or the host's number), FAMILY, changed_count, cell_count (its cells that have a
    figure before and after), from_rows (the smallest size that changed), onwards (whether all
    larger ones did), rows, row_bytes, before_low, before_high, after_low, after_high (of the cell
    that changed most; empty for times), ratio_low, ratio_high (counts: over the cells; times: the
    95% interval), ratio (the furthest from 1; times: the estimate), change, undone (place of the
    state where all of it is as before again; empty if there is none), earliest, latest (since which
    state it may be as well), p.
    changed_cells: the same of each cell of a count, without what is of families.
    """

    order: Order
    wanted: Wanted
    cells: pd.DataFrame
    of_counts: list[OfCount]
    in_time: times.InTime
    families: pd.DataFrame
    changed_cells: pd.DataFrame

    @property
    def states(self) -> list[State]:
        return self.order.states


def history(order: Order, cells: pd.DataFrame, wanted: Wanted, threshold: float) -> History:
    """What changed between the states. cells: those that are looked at, CELL."""
    number_of = {key: n for n, key in enumerate(cells.itertuples(index=False, name=None))}
    runs = [run for state in order.states for run in state.runs]
    of_counts = []
    for exact in wanted.counts:
        for place, own in counts.places(runs, exact).items():
            series = counts.series(order.states, own, exact, number_of)
            of_counts.append(OfCount(exact, place, series, counts.found_in(series, exact)))
    found = times.in_time(order.states, wanted.metrics, number_of, threshold)
    changed = _changed_cells(of_counts, cells)
    rows = [*_count_rows(changed, of_counts, cells), *(_time_row(one) for one in found.found)]
    families = pd.DataFrame(rows, columns=_COLUMNS)
    families = families.sort_values(["since", "kind"], kind="stable").reset_index(drop=True)
    return History(order, wanted, cells, of_counts, found, families, changed)


def lasting(found: History, since: int, threshold: float) -> pd.DataFrame:
    """Of the families that changed from that state on, and were not undone, those that in the end
    are not as they were before it: what only brings an earlier figure back is no change. threshold:
    what of times is none, as a share."""
    own, cells = (table[table["since"] >= since] for table in (found.families, found.changed_cells))
    grouped = cells.groupby(["what", "place", *CELL], sort=False)
    first, last = grouped.first(), grouped.last()
    apart = (first["before_high"] < last["after_low"]) | (last["after_high"] < first["before_low"])
    moved = {key[: 2 + len(FAMILY)] for key in first.index[apart]}
    of_times = own[own["kind"] == TIME].groupby(["what", "place", *FAMILY], sort=False)["ratio"]
    moved |= {key for key, by in of_times.prod().items() if distance(by) >= np.log1p(threshold)}
    own = own[own["undone"].isna()]
    keys = own[["what", "place", *FAMILY]].itertuples(index=False, name=None)
    return own[[key in moved for key in keys]]


def all_cells(runs: Sequence[Taken]) -> pd.DataFrame:
    """CELL of every run that has figures of one, each once, sorted."""
    with_figures: set[tuple] = set()
    for run in runs:
        for of_count in run.counts.values():
            with_figures.update(run.cells[cell] for cell in of_count.cell)
        for of_time in run.times.values():
            with_figures.update(run.cells[cell] for cell in of_time.cell)
    return pd.DataFrame(sorted(with_figures), columns=list(CELL))


def in_how_many(cells: pd.DataFrame, runs: Sequence[Taken]) -> list[int]:
    """For each cell how many of the runs have it."""
    held = [set(run.cells) for run in runs]
    keys = cells.itertuples(index=False, name=None)
    return [sum(key in own for own in held) for key in keys]


def not_everywhere(cells: pd.DataFrame, runs: Sequence[Taken]) -> list[str]:
    """A note where not all runs have the same cells."""
    number = in_how_many(cells, runs)
    everywhere = number.count(len(runs))
    if everywhere == len(number):
        return []
    return [
        f"{everywhere:,} of {len(number):,} cells are in all runs; {number.count(1):,} are in one "
        "only, and have no history"
    ]


_COLUMNS = [
    *("since", "last", "what", "label", "unit", "kind", "place", *FAMILY),
    *("changed_count", "cell_count", "from_rows", "onwards", "rows", "row_bytes"),
    *("before_low", "before_high", "after_low", "after_high"),
    *("ratio", "ratio_low", "ratio_high", "change", "undone", "earliest", "latest", "p"),
]


def _changed_cells(of_counts: Sequence[OfCount], cells: pd.DataFrame) -> pd.DataFrame:
    rows = []
    keys = list(cells.itertuples(index=False, name=None))
    for number, of in enumerate(of_counts):
        for one in of.found:
            rows.append(
                {
                    "since": one.since,
                    "last": one.last,
                    "of": number,
                    "what": of.exact.name,
                    "place": of.place,
                    **dict(zip(CELL, keys[one.cell])),
                    "before_low": one.low[0],
                    "before_high": one.high[0],
                    "after_low": one.low[1],
                    "after_high": one.high[1],
                    "ratio": _ratio(one),
                    "change": one.change,
                    "undone": np.nan if one.undone == counts.NOTHING else float(one.undone),
                }
            )
    names = ["since", "last", "of", "what", "place", *CELL, "before_low", "before_high"]
    names += ["after_low", "after_high", "ratio", "change", "undone"]
    table = pd.DataFrame(rows, columns=names)
    return table.sort_values("since", kind="stable").reset_index(drop=True)


def _ratio(one: counts.Found) -> float:
    before, after = ((one.low[side] + one.high[side]) / 2.0 for side in (0, 1))
    return after / before if before else np.inf


def _count_rows(
    changed: pd.DataFrame, of_counts: Sequence[OfCount], cells: pd.DataFrame
) -> list[dict]:
    """A row for each family of which a count changed at a state."""
    rows = []
    keys = ["since", "of", *FAMILY]
    in_family = cells.groupby(list(FAMILY)).indices
    for key, own in changed.groupby(keys, sort=True):
        of, since = of_counts[key[1]], int(key[0])
        members = in_family[tuple(key[2:])]
        workers = of.series.workers[:, members]
        both = (workers[since] > 0) & (workers[:since] > 0).any(axis=0)
        first = int(own["rows"].min())
        sizes = cells["rows"].to_numpy()[members][both]
        most = own.iloc[int(np.argmax(distance(own["ratio"])))]
        rows.append(
            {
                **dict(zip(("since", *FAMILY), (since, *key[2:]))),
                **most[["last", "what", "place", "rows", "row_bytes"]].to_dict(),
                **most[["before_low", "before_high", "after_low", "after_high", "ratio"]].to_dict(),
                "label": of.exact.label,
                "unit": of.exact.unit,
                "kind": COUNT,
                "changed_count": len(own),
                "cell_count": int(both.sum()),
                "from_rows": first,
                "onwards": int((sizes >= first).sum()) == len(own),
                "ratio_low": float(own["ratio"].min()),
                "ratio_high": float(own["ratio"].max()),
                "change": worst(own["change"]),
                "undone": float(own["undone"].max(skipna=False)),
                "earliest": int(own["last"].max()) + 1,
                "latest": since,
                "p": np.nan,
            }
        )
    return rows


def distance(ratio: ArrayLike) -> np.ndarray:
    """How far from 1 each is, either way; what comes from 0 or goes there is furthest."""
    with np.errstate(divide="ignore"):
        return np.abs(np.log(np.asarray(ratio, dtype=float)))


def _time_row(one: times.Shifted) -> dict:
    return {
        "since": one.since,
        "last": one.last,
        "what": one.metric,
        "label": metric(one.metric).label,
        "unit": "ns",
        "kind": TIME,
        "place": f"host {one.host}",
        **dict(zip(FAMILY, one.family)),
        "changed_count": one.cells,
        "cell_count": one.cells,
        "from_rows": np.nan,
        "onwards": True,
        "ratio": one.ratio,
        "ratio_low": one.low,
        "ratio_high": one.high,
        "change": WORSE if one.ratio > 1.0 else BETTER,
        "undone": np.nan if one.undone is None else float(one.undone),
        "earliest": one.earliest,
        "latest": one.latest,
        "p": one.p,
    }
