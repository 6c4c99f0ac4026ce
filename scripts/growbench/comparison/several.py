"""What runs of one machine say of times: several a side, or one."""

from typing import Sequence

import pandas as pd

from growbench.comparison import verdict
from growbench.comparison.layers import ABSENT, Layer, OPEN, TIMES
from growbench.comparison.pair import Request
from growbench.comparison.run import Run
from growbench.comparison.same_machine import (
    Comparison,
    FASTER,
    SLOWER,
    Settings,
    compare_sides,
)
from growbench.comparison.sharing import FAMILY, bring_together
from growbench.data.metrics import HEADLINES, metric


def times_layer(
    base: Sequence[Run], new: Sequence[Run], request: Request, settings: Settings
) -> Layer:
    """The layer of times of two sides. With one run a side nothing is a regression; several are not
    compared yet."""
    if len(base) > 1 or len(new) > 1:
        return Layer(TIMES, ["in time, several runs a side are not compared"], (), ABSENT)
    both = bring_together(base[0].runs, new[0].runs)
    # Sides that are not of one host are not compared in time, so nothing is to be taken out.
    judged = compare_sides(both, request.metrics, settings)
    if judged.families.empty:
        return Layer(TIMES, (), (), ABSENT)
    labels = (base[0].label, new[0].label)
    tables = [verdict.overview(judged, labels), verdict.families_table(judged, request.limit)]
    if judged.cells["family_rejected"].any():
        tables.append(verdict.cells_table(judged))
    return Layer(TIMES, _sentences(judged), tables, OPEN, _texts(judged))


def _sentences(judged: Comparison) -> list[str]:
    """What all families have in common, and what moved."""
    shifts = [
        f"{_short(row['metric'])} {verdict.change_of(row)}"
        for row in judged.common.to_dict("records")
        if row["ci_low"] > 1.0 or row["ci_high"] < 1.0
    ]
    lines = []
    if shifts:
        told = ", ".join(shifts)
        lines.append(f"in time, all families moved together: {told}; that may be the machine")
    total = len(judged.families[list(FAMILY)].drop_duplicates())
    found = _texts(judged)
    if found.empty:
        return [*lines, f"in time, none of {total} families can be told to have moved"]
    slower = int((found["verdict"] == SLOWER).sum())
    return [
        *lines,
        f"in time, {len(found)} of {total} families moved, {slower} of them slower; one run a side "
        "cannot tell the code from the run: repeat (compare A1 A2 .. -- B1 B2 ..), or growbench "
        "compare-live",
    ]


def _texts(judged: Comparison) -> pd.DataFrame:
    """A row for each FAMILY that moved, for the table of all layers, with the verdict of what moved
    most; what takes longer first."""
    found = judged.families[judged.families["verdict"].isin([SLOWER, FASTER])]
    found = found.assign(faster=found["verdict"] == FASTER)
    found = found.sort_values(["faster", "ratio"], ascending=[True, False], kind="stable")
    rows = []
    for family, of in found.groupby(list(FAMILY), sort=False):
        told = (
            f"{_short(row['metric'])} {verdict.family_change(row, judged)}"
            for row in of.to_dict("records")
        )
        row = {"text": "; ".join(told), "tone": "unsure", "verdict": of["verdict"].iloc[0]}
        rows.append({**dict(zip(FAMILY, family)), **row})
    return pd.DataFrame(rows, columns=[*FAMILY, "text", "tone", "verdict"])


def _short(name: str) -> str:
    """A metric where there is little room: "cold", "warm", "peak memory"."""
    label = metric(name).label.lower()
    return label.replace(" build and release time", "") if name in HEADLINES else label
