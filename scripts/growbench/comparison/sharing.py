"""What two runs do not share: other presets, other versions, cells that one of them lacks."""

from typing import Sequence

import pandas as pd

from growbench.data.columns import CELL, MEASURE
from growbench.data.statuses import OK
from growbench.data.units import tick

_LONGEST = 6


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
            "compared on the columns of both"
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


def _only(mine: pd.DataFrame, other: pd.DataFrame, alone: pd.DataFrame, key: str) -> str:
    """The values of `key` that only this side has, or ""."""
    values = [value for value in sorted(set(alone[key])) if value not in set(other[key])]
    if not values:
        return ""
    shown = [tick(value, "count") if key == "rows" else str(value) for value in values[:_LONGEST]]
    more = f" and {len(values) - _LONGEST} more" if len(values) > _LONGEST else ""
    return f"{key} {', '.join(shown)}{more}"
