"""What one run a side says of times: nothing is a regression.

No interval of a single run holds what runs differ by. What is beyond the interval within the runs,
and beyond what runs of the same build on this host differ by where such runs lie beside it, has
moved.
"""

from typing import NamedTuple, Optional

import numpy as np
import pandas as pd

from growbench.analysis import host
from growbench.comparison import same_build, verdict
from growbench.comparison.layers import ABSENT, CLEAR, Layer, OPEN, TIMES, by_family
from growbench.comparison.pair import Request, columns, tail_notes
from growbench.comparison.run import Run
from growbench.comparison.same_machine import (
    Comparison,
    FASTER,
    LEAST_THRESHOLD,
    SLOWER,
    Settings,
    compare_sides,
)
from growbench.comparison.sharing import FAMILY, bring_together
from growbench.data.metrics import metric


class Learned(NamedTuple):
    """What runs of the same build that lie beside a pair say. settings: with thresholds of at least
    what such runs differ by. origin: where they are from, in words. reach: for each metric and
    FAMILY (index) the ratio that two runs of the build may differ by; None for fewer than 5."""

    settings: Settings
    origin: str
    reach: Optional[pd.Series] = None
    run_count: int = 0

    def is_enough(self) -> bool:
        """Is it known what runs differ by, and is it little enough for a slowdown to be seen?"""
        return self.reach is not None and self.settings.family_threshold <= 2.0 * LEAST_THRESHOLD


def learned(base: Run, new: Run, request: Request, settings: Settings) -> Learned:
    """What differences between two runs mean nothing here, from runs beside them."""
    if request.threshold is not None:
        return Learned(settings, f"theta {request.threshold:.1%}, as asked for")
    wanted = columns(request.metrics) | host.COLUMNS
    if same_build.is_same(base.machine, new.machine):
        # The two in question say nothing of what is usual.
        groups = [same_build.beside(base, wanted, (new,))]
    else:
        groups = [[run, *same_build.beside(run, wanted)] for run in (base, new)]
    groups = [group for group in groups if len(group) > 1]
    if not groups:
        return Learned(
            settings,
            "no other run of the same build lies beside them, so nobody knows what two runs differ "
            "by here: growbench aa --runs 5 makes some",
        )
    found = [same_build.differences(groups, of) for of in request.metrics]
    family = max(settings.family_threshold, *(of.theta() for of in found))
    cell = max(settings.cell_threshold, *(same_build.share_at(of.cells, 0.99) for of in found))
    count = found[0].run_count
    origin = (
        f"theta {family:.1%} for families, {cell:.1%} for cells: what {count} runs of the same "
        "build on this host differ by, in 99 of 100 cases, at least 5%"
    )
    made = settings._replace(family_threshold=family, cell_threshold=cell)
    if max(map(len, groups)) < same_build.ENOUGH:
        return Learned(made, origin, None, count)
    reach = pd.concat(
        {of.metric: same_build.reach(of.spread, settings.alpha) for of in found}, names=["metric"]
    )
    return Learned(made, origin, reach, count)


def times_layer(base: Run, new: Run, request: Request, settings: Settings) -> Layer:
    """The layer of times. CLEAR only where it is known what runs of this build differ by."""
    known = learned(base, new, request, settings)
    both = bring_together(base.runs, new.runs)
    judged = compare_sides(both, request.metrics, known.settings)
    if judged.families.empty:
        return Layer(TIMES, (), (), ABSENT)
    first, *more = verdict.tables(judged, (base.label, new.label), request.limit)
    tables = [first._replace(notes=[*first.notes, known.origin]), *more]
    texts = _texts(judged, known)
    of = CLEAR if _is_clear(judged, known) else OPEN
    tails = tail_notes(both, request, known.settings)
    return Layer(TIMES, [*_sentences(judged, known, texts), *tails], tables, of, texts)


def _is_clear(judged: Comparison, known: Learned) -> bool:
    left = verdict.left_open(judged.families, known.settings.family_threshold).mean()
    return not judged.count(SLOWER) and known.is_enough() and left <= verdict.MOST_LEFT


def _found(judged: Comparison) -> pd.DataFrame:
    """The families that moved, with what takes longer first."""
    found = judged.families[judged.families["verdict"].isin([SLOWER, FASTER])]
    found = found.assign(faster=found["verdict"] == FASTER)
    return found.sort_values(["faster", "ratio"], ascending=[True, False], kind="stable")


def _within(found: pd.DataFrame, known: Learned) -> np.ndarray:
    """Which of them moved by no more than runs of this build differ by in that family."""
    if known.reach is None:
        return np.zeros(len(found), dtype=bool)
    keys = pd.MultiIndex.from_frame(found[["metric", *FAMILY]])
    with np.errstate(invalid="ignore"):
        return np.exp(np.abs(np.log(found["ratio"]))) <= known.reach.reindex(keys).to_numpy()


def _sentences(judged: Comparison, known: Learned, texts: pd.DataFrame) -> list[str]:
    """What all families have in common, and what moved."""
    shifts = [
        f"{metric(row['metric']).short} {verdict.change_of(row)}"
        for row in judged.common.to_dict("records")
        if row["ci_low"] > 1.0 or row["ci_high"] < 1.0
    ]
    lines = []
    if shifts:
        told = ", ".join(shifts)
        lines.append(f"in time, all families moved together: {told}; that may be the machine")
    total = len(judged.families[list(FAMILY)].drop_duplicates())
    if texts.empty:
        return [*lines, f"in time, none of {total} families can be told to have moved"]
    slower = int((texts["verdict"] == SLOWER).sum())
    lines.append(
        f"in time, {len(texts)} of {total} families moved, {slower} of them slower; one run a side "
        "cannot tell the code from the run: repeat (compare A1 A2 .. -- B1 B2 ..), or growbench "
        "compare-live"
    )
    if known.reach is not None:
        found = _found(judged)
        lines.append(
            f"in time, {_within(found, known).sum()} of {len(found)} moves are within what "
            f"{known.run_count} runs of the same build differ by in that family"
        )
    return lines


def _texts(judged: Comparison, known: Learned) -> pd.DataFrame:
    """A row for each FAMILY that moved, for the table of all layers, with the verdict of what moved
    most; what takes longer first."""
    found = _found(judged)
    texts = [
        f"{metric(row['metric']).short} {verdict.family_change(row, judged)}"
        + (", as runs of one build differ" if within else "")
        for row, within in zip(found.to_dict("records"), _within(found, known))
    ]
    return by_family(found.assign(text=texts, tone="unsure"))
