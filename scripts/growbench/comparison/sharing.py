"""What two runs share: their cells; and what they do not: cells that are lost or that one of them
lacks, kinds of rows that one of them has not, other presets, other versions."""

from typing import Collection, Iterable, NamedTuple, Optional, Sequence, Union

import numpy as np
import pandas as pd

from growbench.data.columns import CELL, CELL_KEYS, COLUMNS, LATENCY, MEASURE, PATTERN
from growbench.data.implementations import label, strategy_name
from growbench.data.metrics import COMPARED, HEADLINES, Metric
from growbench.data.statuses import NO_FAILURES, OK
from growbench.data.units import tick

FAMILY = ("implementation", "strategy", "allocator")
Row = Union[dict, pd.Series]
_LONGEST = 6
# The passes whose rows have times, and what these are of.
TIMED = {MEASURE: "strategies", PATTERN: "copying patterns", LATENCY: "single appends"}
# What is compared of their rows unless something else is asked for. The slowest append of all is
# one reading, and left to those who ask.
HEADLINES_AND_PEAK = (*HEADLINES, "peak_memory")
_USUAL = {
    MEASURE: HEADLINES_AND_PEAK,
    PATTERN: (*HEADLINES_AND_PEAK, "warm_scan"),
    LATENCY: ("latency_median", "latency_p99", "latency_p99_9"),
}
USUAL = tuple(dict.fromkeys(name for names in _USUAL.values() for name in names))
# What is read of a timed row, beside its cell.
_OF_SIDES = {"pass", "round", "payload_bytes", "peak_resolution_bytes"}.union(
    *(metric.needed for metric in COMPARED)
)


class Numbered(NamedTuple):
    """cells: those of several tables, CELL, by texts as they appear and by numbers upwards.
    of_rows: for each table the numbers of its rows' cells."""

    cells: pd.DataFrame
    of_rows: list[np.ndarray]


def numbered(tables: Sequence[pd.DataFrame]) -> Numbered:
    """The cells of tables that have the columns CELL."""
    keys = pd.concat([rows[list(CELL)] for rows in tables], ignore_index=True)
    number = np.zeros(len(keys), dtype=np.int64)
    for key in CELL:
        code, known = pd.factorize(keys[key], sort=keys[key].dtype != object)
        # Fewer than the rows' square.
        number = pd.factorize(number * len(known) + code, sort=True)[0]
    cells = keys.iloc[np.unique(number, return_index=True)[1]].reset_index(drop=True)
    return Numbered(cells, np.split(number, np.cumsum([len(rows) for rows in tables])[:-1]))


class Sides(NamedTuple):
    """Both sides' workers that were timed, with the numbers of the cells that they are of.

    A cell that several passes have is one: what a metric is of decides on whose rows have it.
    """

    base: pd.DataFrame
    new: pd.DataFrame
    base_cell: np.ndarray
    new_cell: np.ndarray
    cells: pd.DataFrame
    family_of_cell: np.ndarray
    families: pd.DataFrame
    lost: pd.DataFrame


def usual_metrics(runs: Sequence[pd.DataFrame]) -> list[str]:
    """What is compared of these runs unless something else is asked for: the names of the metrics
    of the passes that all of them have rows of. Appends one by one are a question of their own,
    and asked where it is the only one."""
    shared = set(TIMED).intersection(*(rows["pass"].unique() for rows in runs))
    asked = (shared - {LATENCY}) or shared or {MEASURE}
    return [name for name in USUAL if any(name in _USUAL[of] for of in asked)]


def passes_of(metrics: Iterable[Metric]) -> set[str]:
    """Whose rows have any of them."""
    return {of for metric in metrics for of in metric.passes}


def bring_together(base: pd.DataFrame, new: pd.DataFrame) -> Sides:
    """The timed rows of both sides, and which cells lost their figures."""
    timed = [side["pass"].isin(list(TIMED)) & (side["status"] == OK) for side in (base, new)]
    cells, (base_cell, new_cell) = numbered(
        [side[list(CELL)][of] for side, of in zip((base, new), timed)]
    )
    # Large runs are held once more here.
    rows = [
        side[[name for name in side if name in _OF_SIDES]][of]
        for side, of in zip((base, new), timed)
    ]
    grouped = cells.groupby(list(FAMILY), sort=True)
    return Sides(
        rows[0],
        rows[1],
        base_cell,
        new_cell,
        cells,
        grouped.ngroup().to_numpy(dtype=int),
        grouped.size().rename("cell_count").reset_index()[list(FAMILY)],
        lost(base, new),
    )


def lost(
    base: pd.DataFrame, new: pd.DataFrame, passes: Collection[str] = tuple(TIMED)
) -> pd.DataFrame:
    """Cells that base has figures of in such a pass, and of which a worker in new failed:
    CELL_KEYS, status, status_detail, worker_count. A cell of which workers failed in base as well
    is lost if new has no figures."""
    keys = list(CELL_KEYS)

    def of(side: pd.DataFrame, wanted: pd.Series, *more: str) -> pd.DataFrame:
        columns = side[[*keys, *(name for name in more if name in side)]]
        return columns[wanted & side["pass"].isin(list(passes))]

    failed = of(new, ~new["status"].isin(NO_FAILURES), "status", "status_detail")
    if failed.empty:
        return failed[[*keys, "status"]].assign(status_detail="", worker_count=0)
    measured = of(base, base["status"] == OK).drop_duplicates()
    shaky = of(base, ~base["status"].isin(NO_FAILURES)).drop_duplicates()
    still = of(new, new["status"] == OK).drop_duplicates()
    # As shaky as it was before: nothing new.
    as_before = pd.MultiIndex.from_frame(shaky.merge(still, on=keys))
    sound = measured[~pd.MultiIndex.from_frame(measured).isin(as_before)]
    detail = failed["status_detail"] if "status_detail" in failed else ""
    found = failed.assign(status_detail=detail).merge(sound, on=keys)
    return (
        found.groupby(keys, observed=True)
        .agg(
            status=("status", "first"),
            status_detail=("status_detail", "first"),
            worker_count=("status", "size"),
        )
        .reset_index()
    )


def not_shared(
    base: pd.DataFrame,
    new: pd.DataFrame,
    labels: Sequence[str],
    passes: Collection[str] = (MEASURE, PATTERN),
    kinds: Collection[str] = tuple(TIMED),
) -> list[str]:
    """Sentences about what only one side has figures of; empty if there is nothing.

    passes: whose cells are looked at one by one. kinds: of which rows it is told that a side has
    none at all.
    """
    notes = []
    versions = [int(side["schema_version"].iloc[0]) for side in (base, new) if len(side)]
    if len(set(versions)) > 1:
        notes.append(
            f"{labels[0]} is of schema version {versions[0]}, {labels[1]} of {versions[1]}: "
            f"compared on the columns of both{read_by_older(base, new)}"
        )
    both = (base, new)
    cells = {of: [_cells(side, of) for side in both] for of in TIMED}
    notes += [_untimed(side, name) for side, name in zip(both, labels)]
    for of, (mine, others) in cells.items():
        if mine.empty != others.empty and of in kinds:
            has, lacks = labels if others.empty else labels[::-1]
            count = len(mine) or len(others)
            notes.append(f"{has} has times of {TIMED[of]} ({count} cells), {lacks} has none")
        elif of in passes:
            notes.append(_not_in(of, (mine, others), new, labels))
            notes.append(_not_in(of, (others, mine), base, labels[::-1]))
    return [note for note in notes if note]


def _untimed(side: pd.DataFrame, name: str) -> str:
    """A sentence about a run that no worker was timed in; else ""."""
    passes = [str(of) for of in side["pass"].unique()]
    if not passes or set(TIMED).intersection(passes):
        return ""
    return f"{name} has no times that can be compared: all its rows are of {_listed(passes)}"


def _cells(side: pd.DataFrame, of: str) -> pd.DataFrame:
    """The cells that a side has figures of in this pass."""
    return side[list(CELL)][(side["pass"] == of) & (side["status"] == OK)].drop_duplicates()


def _not_in(
    of: str, cells: tuple[pd.DataFrame, pd.DataFrame], side: pd.DataFrame, labels: Sequence[str]
) -> str:
    """A sentence about those of the first run's cells that the second, whose rows are `side`, has
    no figures of, with the reason; "" if there are none. cells: of both, in the pass `of`."""
    keys = list(CELL)
    mine, other = cells
    both = mine.merge(other, how="left", on=keys, indicator="side")
    alone = both[both["side"] == "left_only"]
    if alone.empty:
        return ""
    listed = "; ".join(text for text in (_only(mine, other, alone, key) for key in keys) if text)
    if not listed:
        # All that it has figures of looks the same, so its own rows have to say why.
        rows = side[[*keys, "status"]][side["pass"] == of].drop_duplicates(keys)
        found = alone[keys].merge(rows, on=keys)
        counts = found["status"].value_counts().to_dict()
        counts["without any row"] = len(alone) - len(found)
        listed = ", ".join(f"{count} {why}" for why, count in counts.items() if count)
    told = f"{len(alone)} of {len(mine)} cells of {labels[0]} have no figures in {labels[1]}"
    return told + (f": {listed}" if listed else "")


def telling(cells: pd.DataFrame) -> list[str]:
    """Which of a cell's keys, beside its family's and its rows, tell these cells apart."""
    return [key for key in ("row_bytes", "threads", "work") if cells[key].nunique() > 1]


def size_words(cell: Row, keys: Optional[Sequence[str]] = None) -> str:
    """A cell's size in words: "3,000 rows of 80 bytes, 2 threads". keys: those of telling() that
    are told; None: the bytes, and what is not usual."""
    if keys is None:
        usual = {"threads": 1, "work": "cheap"}
        keys = ["row_bytes", *(key for key in usual if cell.get(key, usual[key]) != usual[key])]
    words = f"{cell['rows']:,}{' ' + cell['work'] if 'work' in keys else ''} rows"
    words += f" of {cell['row_bytes']:,} bytes" if "row_bytes" in keys else ""
    if "threads" in keys:
        words += f", {cell['threads']} thread{'s' * (cell['threads'] != 1)}"
    return words


def family_words(row: Row) -> str:
    """ "realloc_doubling on glibc"."""
    return f"{strategy_name(row['implementation'], row['strategy'])} on {row['allocator']}"


def cell_words(cell: Row) -> str:
    """A cell in words: "realloc_doubling on glibc, 10,000 rows of 80 bytes"."""
    return f"{family_words(cell)}, {size_words(cell)}"


def other_versions(base: pd.DataFrame, new: pd.DataFrame, labels: Sequence[str]) -> list[str]:
    """A sentence for each implementation of somebody else's that both have, in other versions."""
    told = [_versions(side) for side in (base, new)]
    return [
        f"{label(name)} is {told[0][name]} in {labels[0]} and {told[1][name]} in {labels[1]}"
        for name in told[0]
        if name in told[1] and told[0][name] != told[1][name]
    ]


def _versions(side: pd.DataFrame) -> dict[str, str]:
    """What each implementation of a run says that it is."""
    if "implementation_version" not in side:
        return {}
    said = side[["implementation", "implementation_version"]].drop_duplicates()
    said = said[said["implementation_version"].astype(str) != ""]
    return {
        str(name): " and ".join(sorted(map(str, versions)))
        for name, versions in said.groupby("implementation", observed=True)[
            "implementation_version"
        ]
    }


def read_by_older(*sides: pd.DataFrame) -> str:
    """Which metrics a newer file is read by the column of older ones for, in words for the end of a
    sentence; "" if there are none."""
    newest = max((int(side["schema_version"].max()) for side in sides if len(side)), default=0)
    since = {column.name: column.since for column in COLUMNS}
    read = [
        f", {one.name} by {one.older}"
        for one in COMPARED
        if one.older is not None
        and since[one.columns[0]] <= newest
        and all(one.source(side) == one.older for side in sides)
    ]
    return "".join(read)


def _only(mine: pd.DataFrame, other: pd.DataFrame, alone: pd.DataFrame, key: str) -> str:
    """The values of `key` that only this side has, or ""."""
    values = [value for value in sorted(set(alone[key])) if value not in set(other[key])]
    if not values:
        return ""
    return f"{key} " + _listed([tick(v, "count") if key == "rows" else str(v) for v in values])


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _LONGEST} more" if len(names) > _LONGEST else ""
    return ", ".join(names[:_LONGEST]) + more
