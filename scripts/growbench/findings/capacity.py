"""What growing into the capacity that the allocator really gives saves, counted."""

from typing import NamedTuple, Optional

import pandas as pd

from growbench.data.columns import CELL, TRACE
from growbench.data.statuses import OK
from growbench.findings.evidence import Evidence
from growbench.findings.finding import Finding
from growbench.findings.sentences import Sentence, figure, joined, listed, name, worded
from growbench.tables.table import Column, Table

# Strategies that ask the allocator what it gives, and those that grow by a factor without asking.
ASKING = ("realloc_good_size", "realloc_usable", "expand_in_place")
_PLAIN = {"2": "realloc_doubling", "1.5": "realloc_x1.5"}


class _Measure(NamedTuple):
    """A count of the trace pass: column, heading, unit, and what it is in a sentence."""

    column: str
    label: str
    unit: str
    words: str


_MEASURES = (
    _Measure("calls", "calls", "count", "calls"),
    _Measure("copied_bytes", "copied", "bytes", "bytes copied"),
    _Measure("peak_moving_bytes", "peak", "bytes", "bytes at the peak"),
)


def real_capacity(evidence: Evidence) -> Optional[Finding]:
    """What does it save to grow into what the allocator gives anyway, beside the same factor?"""
    counts = _counts(evidence)
    pairs = [(own, _beside(own, counts)) for own in sorted(set(counts["strategy"]))]
    found = [_side_by_side(counts, own, beside) for own, beside in pairs if beside]
    frame = pd.concat(found) if found else pd.DataFrame()
    if frame.empty:
        return None
    sentences = [_sentence(part, evidence.size) for _, part in frame.groupby("strategy")]
    columns = [Column("strategy", "strategy"), Column("beside", "beside")]
    columns.append(Column("allocator", "allocator"))
    for measure in _MEASURES:
        columns.append(Column(f"{measure.column}_beside", f"{measure.label}, beside", measure.unit))
        columns.append(Column(measure.column, measure.label, measure.unit))
    notes = (
        "Calls: those that made the array's block, or made it larger. Copied: by realloc and by "
        "the strategy. Peak: most requested at once, with both blocks of a move. All are counted.",
    )
    title = "Asking the allocator how much it gives, beside growing by the same factor"
    table = Table("real-capacity", title, columns, frame, notes)
    return Finding("real-capacity", "Growing into what the allocator gives", sentences, table)


def _counts(evidence: Evidence) -> pd.DataFrame:
    """The main slice's traced cells of the finding's size, one row each."""
    runs = evidence.run.runs
    rows = runs[(runs["pass"] == TRACE) & (runs["status"] == OK)]
    cells = rows.merge(evidence.cells()[list(CELL)], "inner", list(CELL))
    cells = cells.assign(calls=cells["malloc_count"] + cells["realloc_count"])
    return cells.groupby(["strategy", "allocator"], as_index=False)[
        [measure.column for measure in _MEASURES]
    ].median()


def _beside(strategy: str, counts: pd.DataFrame) -> str:
    """The traced strategy that grows by the same factor without asking; "" if there is none."""
    kind, _, value = strategy.partition(":")
    if kind not in ASKING:
        return ""
    names = (f"realloc_factor:{value}", _PLAIN.get(value, ""))
    return next((one for one in names if one in set(counts["strategy"])), "")


def _side_by_side(counts: pd.DataFrame, own: str, beside: str) -> pd.DataFrame:
    """A row for each allocator that has both."""
    frames = [counts[counts["strategy"] == one].set_index("allocator") for one in (own, beside)]
    joint = frames[0].join(frames[1], how="inner", rsuffix="_beside")
    return joint.reset_index().rename(columns={"strategy_beside": "beside"})


def _sentence(frame: pd.DataFrame, size: str) -> Sentence:
    """One strategy beside one other, allocator by allocator."""
    clauses, same = [], []
    for row in frame.to_dict("records"):
        differences = [m for m in _MEASURES if row[m.column] != row[f"{m.column}_beside"]]
        known = [m for m in differences if not pd.isna(row[m.column] - row[f"{m.column}_beside"])]
        if known:
            parts = [_changed(measure, row) for measure in known]
            clauses.append(["under ", name(row["allocator"]), " ", *listed(parts)])
        elif not differences:
            same.append([name(row["allocator"])])
    first = frame.iloc[0]
    text = f"Counted at {size}, {{}} beside {{}}: {{}}."
    if same:
        clauses.append(["the same under ", *listed(same, most=len(same))])
    return worded(
        text,
        name(first["strategy"]),
        name(first["beside"]),
        joined(clauses or [["not all of it was counted"]]),
    )


def _changed(measure: _Measure, row: dict) -> list:
    """ "15 instead of 16 calls"."""
    own, beside = row[measure.column], row[f"{measure.column}_beside"]
    return [figure(f"{own:,.0f}"), f" instead of {beside:,.0f} {measure.words}"]
