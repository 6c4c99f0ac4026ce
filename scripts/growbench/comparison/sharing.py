"""What two runs share: their cells; and what they do not: cells that are lost or that one of them
lacks, other presets, other versions."""

from typing import NamedTuple, Sequence

import numpy as np
import pandas as pd

from growbench.data.columns import CELL, COLUMNS, MEASURE
from growbench.data.metrics import METRICS
from growbench.data.statuses import NO_FAILURES, OK
from growbench.data.units import tick

FAMILY = ("implementation", "strategy", "allocator")
_LONGEST = 6


class Sides(NamedTuple):
    """Both sides' measured workers, with the numbers of the cells that they are of."""

    base: pd.DataFrame
    new: pd.DataFrame
    base_cell: np.ndarray
    new_cell: np.ndarray
    cells: pd.DataFrame
    family_of_cell: np.ndarray
    families: pd.DataFrame
    lost: pd.DataFrame


def bring_together(base: pd.DataFrame, new: pd.DataFrame) -> Sides:
    """The measured rows of both sides, and which cells lost their figures."""
    keys = list(CELL)
    lost = _lost(base, new)
    rows = [(side["pass"] == MEASURE) & (side["status"] == OK) for side in (base, new)]
    both = pd.concat(
        [side.loc[mask, keys] for side, mask in zip((base, new), rows)], ignore_index=True
    )
    # Without the keys, and of texts the pass alone: large runs are held once more here.
    base, new = (
        side.loc[
            mask,
            [
                name
                for name in side
                if name == "pass" or (name not in keys and side[name].dtype != object)
            ],
        ]
        for side, mask in zip((base, new), rows)
    )
    for key in keys:
        if both[key].dtype == object:
            both[key] = both[key].astype("category")
    cell = both.groupby(keys, sort=True, observed=True).ngroup().to_numpy()
    cells = both.iloc[np.unique(cell, return_index=True)[1]].reset_index(drop=True)
    cells = cells.astype({key: object for key in keys if cells[key].dtype == "category"})
    grouped = cells.groupby(list(FAMILY), sort=True)
    return Sides(
        base,
        new,
        cell[: len(base)],
        cell[len(base) :],
        cells,
        grouped.ngroup().to_numpy(dtype=int),
        grouped.size().rename("cell_count").reset_index()[list(FAMILY)],
        lost,
    )


def _lost(base: pd.DataFrame, new: pd.DataFrame) -> pd.DataFrame:
    """Cells that base measured, and of which a worker in new failed: CELL, status, status_detail,
    worker_count. A cell of which workers failed in base as well is lost if new has no figures."""
    keys = list(CELL)
    base, new = (
        side.loc[side["pass"] == MEASURE, side.columns.isin([*keys, "status", "status_detail"])]
        for side in (base, new)
    )
    failed = new[~new["status"].isin(NO_FAILURES)]
    if failed.empty:
        return failed[[*keys, "status"]].assign(status_detail="", worker_count=0)
    measured = base.loc[base["status"] == OK, keys].drop_duplicates()
    shaky = base.loc[~base["status"].isin(NO_FAILURES), keys].drop_duplicates()
    still = new.loc[new["status"] == OK, keys].drop_duplicates()
    # As shaky as it was before: nothing new.
    as_before = pd.MultiIndex.from_frame(shaky.merge(still, on=keys))
    sound = measured[~pd.MultiIndex.from_frame(measured).isin(as_before)]
    detail = failed["status_detail"] if "status_detail" in failed else ""
    lost = failed.assign(status_detail=detail).merge(sound, on=keys)
    return (
        lost.groupby(keys, observed=True)
        .agg(
            status=("status", "first"),
            status_detail=("status_detail", "first"),
            worker_count=("status", "size"),
        )
        .reset_index()
    )


def not_shared(base: pd.DataFrame, new: pd.DataFrame, labels: Sequence[str]) -> list[str]:
    """Sentences about cells that only one side has figures of; empty if there are none."""
    keys = list(CELL)
    sides = [
        side.loc[(side["pass"] == MEASURE) & (side["status"] == OK), keys].drop_duplicates()
        for side in (base, new)
    ]
    notes = []
    versions = [int(side["schema_version"].iloc[0]) for side in (base, new) if len(side)]
    if len(set(versions)) > 1:
        notes.append(
            f"{labels[0]} is of schema version {versions[0]}, {labels[1]} of {versions[1]}: "
            f"compared on the columns of both{read_by_older(base, new)}"
        )
    for mine, other, label, other_label in ((*sides, *labels), (*sides[::-1], *labels[::-1])):
        both = mine.merge(other, how="left", on=keys, indicator="side")
        alone = both[both["side"] == "left_only"]
        if alone.empty:
            continue
        why = [_only(mine, other, alone, key) for key in keys]
        listed = "; ".join(text for text in why if text)
        notes.append(
            f"{len(alone)} of {len(mine)} cells of {label} have no figures in {other_label}"
            + (f": {listed}" if listed else "")
        )
    return notes


def read_by_older(*sides: pd.DataFrame) -> str:
    """Which metrics a newer file is read by the column of older ones for, in words for the end of a
    sentence; "" if there are none."""
    newest = max((int(side["schema_version"].max()) for side in sides if len(side)), default=0)
    since = {column.name: column.since for column in COLUMNS}
    read = [
        f", {one.name} by {one.older}"
        for one in METRICS
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
    shown = [tick(value, "count") if key == "rows" else str(value) for value in values[:_LONGEST]]
    more = f" and {len(values) - _LONGEST} more" if len(values) > _LONGEST else ""
    return f"{key} {', '.join(shown)}{more}"
