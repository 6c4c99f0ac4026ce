"""What an update of a baseline changed, in words."""

from typing import Optional

import pandas as pd

from growbench.data.columns import CELL
from growbench.data.exact import EXACT
from growbench.gate.baseline import Baseline
from growbench.gate.facts import differences
from growbench.gate.judge import Measured, Update

_KEYS = [*CELL, "exact"]


def of_update(old: Optional[Baseline], made: Update, new: Measured) -> list[str]:
    """A sentence for each thing that is not as it was."""
    said = []
    if old:
        found = differences(old.facts, new.facts)
        said = [f"{one.name} is {one.now}, was {one.then}" for one in found]
        said += _figures(old.figures, made.baseline.figures)
        said = said or ["nothing changed"]
    if made.dropped:
        said.append(
            f"{made.dropped:,} counts are gone: they depend on that, and were not measured, or not "
            "chosen"
        )
    if made.kept:
        said.append(
            f"{made.kept:,} cells were not measured and are kept; where they are no more, remove "
            "their lines"
        )
    if made.scattered:
        said.append(
            f"{made.scattered:,} counts that vary are left out, for want of workers: give more runs"
        )
    failed = new.failed.drop_duplicates(list(CELL))
    if len(failed):
        said.append(f"of {len(failed):,} cells the workers failed")
    return said


def _figures(old: pd.DataFrame, new: pd.DataFrame) -> list[str]:
    both = old.merge(new, how="outer", on=_KEYS, suffixes=("_old", "_new"), indicator="side")
    changed = both[
        (both["side"] == "both")
        & ((both["low_old"] != both["low_new"]) | (both["high_old"] != both["high_new"]))
    ]
    said = []
    for one in EXACT:
        rows = changed[changed["exact"] == one.name]
        if rows.empty:
            continue
        up = int((rows["low_new"] > rows["high_old"]).sum())
        down = int((rows["high_new"] < rows["low_old"]).sum())
        parts = [f"{up} up" if up else "", f"{down} down" if down else ""]
        wider = len(rows) - up - down
        parts.append(f"{wider} of another range" if wider else "")
        said.append(f"{one.label}: {', '.join(part for part in parts if part)}")
    for side, text in (("right_only", "new"), ("left_only", "gone")):
        count = int((both["side"] == side).sum())
        if count:
            said.append(f"{count:,} counts are {text}")
    return said
