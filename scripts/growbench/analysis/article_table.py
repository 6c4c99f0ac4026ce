"""The article's question as one table: its ratio on each allocator, in NumPy and in C, and where
the time of NumPy's loop goes."""

from typing import NamedTuple, Optional

import numpy as np
import pandas as pd

from growbench.data import article
from growbench.data.article import FAST, METRIC, SLOW, WARM, TIMES, at_article_size
from growbench.analysis.attribution import PARTS
from growbench.data.columns import SLICE_KEYS
from growbench.data.statuses import OK
from growbench.analysis.analyse import Data
from growbench.data.errors import UsageError
from growbench.data.metrics import Metric
from growbench.data.implementations import C, NUMPY, label, ordered
from growbench.data import allocators
from growbench.tables.formats import as_records
from growbench.data.text import printable
from growbench.tables.table import Column, Table, factor

# Between these the ratio is the article's, on a machine that is like its own.
RANGE = (15.0, 40.0)
USUAL_ALLOCATOR = "glibc"
# The article's rows are made like this.
_WORK = "random"
_SHOWN_PARTS = ("interpreter_ns", "copy_ns", "fault_ns")


class Answer(NamedTuple):
    """sentences: whether the article's ratio is found here, in a fresh process first. table: a row
    for each allocator. steady: the same of the steady state, where the run has it. cells: what they
    are of: row_bytes, threads, work. inside, steady_inside: does NumPy's ratio on glibc lie in
    RANGE? None where it has none."""

    sentences: list[str]
    table: Table
    steady: Optional[Table]
    cells: dict
    inside: Optional[bool]
    steady_inside: Optional[bool]

    @property
    def tables(self) -> list[Table]:
        """Both, or the one that there is."""
        return [self.table, *([self.steady] if self.steady else [])]

    def records(self) -> dict:
        """For JSON."""
        return {
            "metric": METRIC.column("median"),
            "range": list(RANGE),
            "inside": self.inside,
            "steady_inside": self.steady_inside,
            "cells": self.cells,
            "sentences": self.sentences,
            "table": as_records(self.table),
            "steady_table": as_records(self.steady) if self.steady else None,
        }


def answer(runs: pd.DataFrame, data: Data, work: str = "") -> Answer:
    """What the run says of the article's question.

    runs, data: of one run, as read_runs() and analyse() give them. work: how rows are made; "" for
    the article's own, or what there is. Raises UsageError if the run has nothing of it.
    """
    cells = _cells(data.run, work)
    value_of = {key: cells[key].iloc[0] for key in SLICE_KEYS}
    rows = int(cells["rows"].iloc[0])
    frame = _frame(cells, data.ratios, METRIC)
    frame = _with_shares(frame, cells, data.run_attribution)
    first, inside = _first(frame, cells)
    names = ordered(cells.loc[cells["ok_count"] > 0, "implementation"])
    columns = _columns(names)
    if NUMPY in names:
        labels = {part.name: part.label for part in PARTS}
        columns += [
            Column(f"{NUMPY}_{part}_share", labels[part], "whole_share") for part in _SHOWN_PARTS
        ]
        columns.append(Column(f"{NUMPY}_other_share", "other parts", "whole_share"))
        columns.append(Column(f"{NUMPY}_rest_share", "rest", "whole_share"))
    size = f"{rows:,} rows of {value_of['row_bytes']} bytes"
    title = f"{SLOW} \N{DIVISION SIGN} {FAST}, {METRIC.label.lower()}, {size}"
    notes = _notes(runs, cells, names, value_of, rows)
    warm = _frame(cells, data.warm_ratios, WARM)
    has_steady = warm[[f"{name}_ratio" for name in names]].notna().any(axis=None)
    if not has_steady:
        notes.insert(1, "The run has no steady state, which takes less on some allocators.")
    table = Table("article", title, columns, frame, [printable(note) for note in notes])
    whole = {**value_of, "rows": rows}
    of_json = {key: v.item() if hasattr(v, "item") else v for key, v in whole.items()}
    said, steady, steady_inside = [first], None, None
    if has_steady:
        title = f"{SLOW} \N{DIVISION SIGN} {FAST}, {WARM.label.lower()}, {size}"
        note = f"{WARM.label} ({WARM.source(runs)}): {_STEADY}"
        steady = Table("article_steady", title, _columns(names), warm, [note])
        again, steady_inside = _first(warm, cells, "once such arrays were built and dropped before")
        said += [again] if steady_inside is not None else []
    return Answer([printable(text) for text in said], table, steady, of_json, inside, steady_inside)


_STEADY = (
    "in a process that has done the same before. glibc asks "
    "the kernel for a mapping of its own for each block of 128 KiB and more. When one is freed it "
    "raises that limit to its size: an array that grows exceeds it with its next row all the same, "
    "while one that was dropped whole has raised it for all blocks of the next one, which come "
    "from the heap, whose pages are there. Whoever builds and drops the array before the loop, as "
    "by running the faster way first, measures this."
)


def _columns(names: list[str]) -> list[Column]:
    """The allocator, the ratio of each implementation, and NumPy's two times."""
    columns = [Column("allocator", "allocator")]
    for name in _in_table_order(names):
        ratio = f"{label(name)} \N{DIVISION SIGN}"
        columns.append(Column(f"{name}_ratio", ratio, "factor"))
        columns.append(Column(f"{name}_ci_low", "95%", "interval:factor", f"{name}_ci_high"))
    if NUMPY in names:
        columns.append(Column(f"{NUMPY}_{SLOW}_ns", "append", "ns", help=f"NumPy's {SLOW}"))
        columns.append(Column(f"{NUMPY}_{FAST}_ns", "preallocate", "ns", help=f"NumPy's {FAST}"))
    return columns


def _in_table_order(names: list[str]) -> list[str]:
    """What the article is about first, C beside it, then what else there is."""
    return sorted(names, key=lambda name: (name != NUMPY, name != C))


def _cells(summary: pd.DataFrame, work: str) -> pd.DataFrame:
    """The cells of both ways that are nearest to the article's size and rows."""
    cells = summary[summary["strategy"].isin((SLOW, FAST))]
    works = sorted(set(cells["work"]))
    if not works:
        raise UsageError(
            f"the run has no cell of {SLOW} or {FAST}, so it has no answer; make one: make article"
        )
    if work and work not in works:
        raise UsageError(f"no such cell of work {work!r}; there are: {', '.join(works)}")
    chosen = work or (_WORK if _WORK in works else works[0])
    cells = cells[cells["work"] == chosen]
    # Sizes that have figures count first, and NumPy's before those of the others.
    measured = cells[cells["ok_count"] > 0]
    best = next(
        part
        for part in (measured[measured["implementation"] == NUMPY], measured, cells)
        if len(part)
    )
    for key, wanted in (("threads", article.THREADS), ("row_bytes", article.ROW_BYTES)):
        distance = np.abs(np.log(best[key] / wanted))
        value = best.loc[distance.idxmin(), key]
        best, cells = best[best[key] == value], cells[cells[key] == value]
    rows = at_article_size(best)[0]["rows"].iloc[0]
    return cells[cells["rows"] == rows]


def _frame(cells: pd.DataFrame, ratios: pd.DataFrame, by: Metric) -> pd.DataFrame:
    """A row for each allocator: ratio and interval, and both times, of each implementation, under
    its name."""
    ratios = _of(ratios, cells)
    rows = []
    for allocator in allocators.ordered(cells["allocator"]):
        row: dict = {"allocator": allocator}
        for name in ordered(cells["implementation"]):
            one = (("implementation", name), ("allocator", allocator))
            row.update(_times_of(_where(cells, *one), name, by))
            row.update(_ratio_of(_where(ratios, *one), name))
        rows.append(row)
    return pd.DataFrame(rows)


def _with_shares(
    frame: pd.DataFrame, cells: pd.DataFrame, attribution: pd.DataFrame
) -> pd.DataFrame:
    """The same with the parts of the loop's time."""
    parts = _of(attribution, cells)
    parts = parts[(parts["strategy"] == SLOW) & (parts["explained_share"] > 0)]
    rows = []
    for allocator in frame["allocator"]:
        row: dict = {}
        for name in ordered(cells["implementation"]):
            one = (("implementation", name), ("allocator", allocator))
            row.update(_shares_of(_where(parts, *one), name))
        rows.append(row)
    return pd.concat([frame, pd.DataFrame(rows)], axis=1)


def _of(table: pd.DataFrame, cells: pd.DataFrame) -> pd.DataFrame:
    """The rows of a table of the whole run that are of these cells' size and kind."""
    keys = ["allocator", "rows", *SLICE_KEYS]
    return table.merge(cells[keys].drop_duplicates(), "inner", keys)


def _where(table: pd.DataFrame, *conditions: tuple[str, str]) -> pd.DataFrame:
    for key, value in conditions:
        table = table[table[key] == value]
    return table


def _times_of(cells: pd.DataFrame, name: str, by: Metric) -> dict:
    medians = dict(zip(cells["strategy"], cells[by.column("median")]))
    return {f"{name}_{strategy}_ns": medians.get(strategy, np.nan) for strategy in (SLOW, FAST)}


def _ratio_of(ratios: pd.DataFrame, name: str) -> dict:
    columns = ("ratio", "ci_low", "ci_high", "round_count")
    row = ratios.iloc[0] if len(ratios) else {}
    return {f"{name}_{column}": row.get(column, np.nan) for column in columns}


def _shares_of(parts: pd.DataFrame, name: str) -> dict:
    """Each part over the measured time; nan where it is unknown. Huge pages, as far as they were
    counted, are among the page faults. other: what the table has no column for."""
    cell = parts.iloc[0] if len(parts) else {}
    measured = cell.get("cold_build_ns", np.nan)
    shares = {part.name: cell.get(part.name, np.nan) / measured for part in PARTS}
    shares["fault_ns"] += float(np.nan_to_num(shares.pop("huge_fault_ns")))
    other = sum(share for part, share in shares.items() if part not in _SHOWN_PARTS)
    return {
        **{f"{name}_{part}_share": share for part, share in shares.items()},
        f"{name}_other_share": other,
        f"{name}_rest_share": cell.get("rest_ns", np.nan) / measured,
    }


def _first(frame: pd.DataFrame, cells: pd.DataFrame, when: str = "") -> tuple[str, Optional[bool]]:
    """Whether NumPy's ratio is the article's here. when: for what is no fresh process."""
    said = f"The article says about {TIMES:.0f}\N{MULTIPLICATION SIGN}"
    start = f"{when[:1].upper()}{when[1:]}" if when else f"{said}; here, in a fresh process"
    low, high = RANGE
    there = frame[frame["allocator"] == USUAL_ALLOCATOR]
    ratio = there[f"{NUMPY}_ratio"].iloc[0] if len(there) and f"{NUMPY}_ratio" in there else np.nan
    if np.isnan(ratio):
        why = _why_none(cells)
        return f"{said}; here NumPy has no ratio on {USUAL_ALLOCATOR}{why}.", None
    inside = bool(low <= ratio <= high)
    row = there.iloc[0]
    ends = row[f"{NUMPY}_ci_low"], row[f"{NUMPY}_ci_high"]
    sure = f" (95% interval {factor(ends[0])} to {factor(ends[1])})"
    if np.isnan(ends[0]):
        sure = f" ({row[f'{NUMPY}_round_count']:.0f} rounds, too few for an interval)"
    where = "which lies in" if inside else "which does not lie in"
    text = f"{start}, on {USUAL_ALLOCATOR}, NumPy takes {factor(ratio)} times as long{sure}, "
    text += f"{where} {low:.0f} to {high:.0f}"
    if inside != (low <= ends[0] and ends[1] <= high) and not np.isnan(ends[0]):
        text += "; the interval reaches beyond that" if inside else ""
    return text + ".", inside


def _why_none(cells: pd.DataFrame) -> str:
    own = cells[(cells["implementation"] == NUMPY) & (cells["allocator"] == USUAL_ALLOCATOR)]
    lacking = own[own["ok_count"] == 0]
    if own.empty:
        return ", since the run has no such cell"
    if lacking.empty:
        return ", since no round measured both"
    detail = lacking["status_detail"].iloc[0]
    return f": {lacking['strategy'].iloc[0]} is {lacking['status'].iloc[0]}" + (
        f" ({detail})" if detail else ""
    )


def _notes(
    runs: pd.DataFrame,
    cells: pd.DataFrame,
    names: list[str],
    value_of: dict,
    rows: int,
) -> list[str]:
    """How the figures were made, and what is not as it is in the article."""
    metric = METRIC.column("median").replace("_median", "")
    notes = [
        f"{METRIC.label} ({metric}): from no array to one that holds all rows, in a process that "
        "is fresh and touches its memory for the first time. Times are medians over workers; "
        "ratios are paired by round."
    ]
    if (rows, value_of["row_bytes"]) != (article.ROWS, article.ROW_BYTES):
        notes.append(
            f"The article's array has {article.ROWS:,} rows of {article.ROW_BYTES} bytes; this is "
            "the nearest that was measured."
        )
    if value_of["work"] == _WORK:
        notes.append(
            "Rows are random: NumPy's are made as the article's are, C's by a generator of its "
            "own; making them is in both times of a ratio."
        )
    else:
        notes.append(
            f"Rows are {value_of['work']} to make here; the article's are random, which makes "
            "both ways slower and the ratio smaller: --work random."
        )
    if NUMPY in names:
        notes.append(
            "Shares are of the time of NumPy's loop: counts \N{MULTIPLICATION SIGN} what each "
            "thing costs on this machine. The interpreter's has making and writing the rows in "
            "it; other parts are calls of the allocator and of the system; the rest is not "
            "explained, and below 0 where the parts are too much."
        )
    for name in names:
        notes += _of_implementation(runs, name)
    missing = cells[cells["ok_count"] == 0]
    for (name, status), of in missing.groupby(["implementation", "status"], sort=True):
        detail = of["status_detail"].iloc[0]
        where = ", ".join(sorted(set(of["strategy"] + " on " + of["allocator"])))
        notes.append(f"{label(name)}, {status}: {where}" + (f" ({detail})" if detail else ""))
    return notes


def _of_implementation(runs: pd.DataFrame, name: str) -> list[str]:
    """Which version it is, and what stands between it and malloc."""
    own = runs[(runs["implementation"] == name) & (runs["status"] == OK)]
    told = []
    for column in ("implementation_version", "layers_before_malloc"):
        values = sorted(set(own[column]) - {""})
        told.append(" or ".join(values))
    version, layers = told
    notes = []
    if version:
        notes.append(f"{label(name)} is {version}.")
    if layers:
        notes.append(f"{label(name)}, between the program and malloc: {layers}.")
    return notes
