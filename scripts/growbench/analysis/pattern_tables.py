"""The tables of copying patterns, for terminals, files and the report."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from growbench.data.columns import CELL
from growbench.analysis.patterns import NEVER, NOT_RESOLVED, PAYS, WARM, in_order
from growbench.tables.table import Column, Table
from growbench.data.units import show

# Whom others are held against, where it is there.
USUAL_ALLOCATOR = "glibc"
# Beyond the caches of most machines, so that what copies is memory.
USUAL_BYTES = 8 * 2**20
VERDICTS = {PAYS: "", NEVER: "never", NOT_RESOLVED: "not resolved"}
_VARYING = ("implementation", "allocator", "rows", "row_bytes", "threads", "work")
_LABELS = {"implementation": "written in", "row_bytes": "row bytes"}
_COUNTS = ("rows", "row_bytes", "threads")


class Usual(NamedTuple):
    """The cells that stand for all others where there is room for a few. size: in words."""

    allocator: str
    payload_bytes: int
    size: str

    def of(self, table: pd.DataFrame) -> pd.DataFrame:
        """Those rows of the table."""
        chosen = table["allocator"] == self.allocator
        return table[chosen & (table["payload_bytes"] == self.payload_bytes)]


def usual(cells: pd.DataFrame) -> Usual:
    """Of patterns() with a row at least: glibc or else the first allocator, and the size that most
    of the patterns have, of several such the one that is nearest to 8 MiB by ratio."""
    with_figures = cells[cells["ok_count"] > 0]
    known = with_figures if len(with_figures) else cells
    allocators = sorted(known["allocator"].unique())
    allocator = USUAL_ALLOCATOR if USUAL_ALLOCATOR in allocators else allocators[0]
    of_one = known[known["allocator"] == allocator]
    counts = of_one.groupby("payload_bytes")["strategy"].nunique()
    sizes = counts[counts == counts.max()].index.to_numpy()
    size = int(sizes[np.argmin(np.abs(np.log(np.maximum(sizes, 1) / USUAL_BYTES)))])
    return Usual(allocator, size, show(size, "bytes"))


def _cell_columns(frame: pd.DataFrame, always: tuple[str, ...] = ("row_bytes",)) -> list[Column]:
    """What tells the cells apart beside the pattern."""
    return [
        Column(key, _LABELS.get(key, key), "count" if key in _COUNTS else "text")
        for key in _VARYING
        if key in frame and (key in always or frame[key].nunique() > 1)
    ]


def _sorted(frame: pd.DataFrame, by: str, last: tuple[str, ...] = ()) -> pd.DataFrame:
    """By size, then the order of patterns in `by`, then what else there is."""
    place = {name: number for number, name in enumerate(in_order(frame[by].tolist()))}
    keys = ["payload_bytes", "row_bytes", "place", *last, "allocator"]
    placed = frame.assign(place=frame[by].map(place))
    keys = [key for key in keys if key in placed]
    return placed.sort_values(keys, kind="stable", ignore_index=True).drop(columns="place")


def costs(cells: pd.DataFrame, beside: pd.DataFrame) -> Table:
    """What each pattern allocates, copies and takes, and how C stands to the others.

    cells, beside: rows of patterns() and beside_ours().
    """
    frame = cells
    others = sorted(beside["other"].unique()) if len(beside) else []
    columns = [
        Column("strategy", "pattern"),
        *_cell_columns(cells, ("implementation", "row_bytes")),
        Column("payload_bytes", "input", "bytes"),
        Column("allocation_count", "allocations", "count"),
        Column("copied_bytes", "copied", "bytes"),
        Column("peak_requested_bytes", "asked for", "bytes"),
        Column("cold_build_minor_fault_median_count", "page faults", "count"),
        Column("cold_build_median_ns", "cold", "ns"),
        Column("cold_build_ci_low_ns", "95% interval", "interval:ns", "cold_build_ci_high_ns"),
        Column("warm_build_release_median_ns", "warm", "ns"),
        Column(
            "warm_build_release_ci_low_ns",
            "95% interval",
            "interval:ns",
            "warm_build_release_ci_high_ns",
        ),
        Column("warm_walk_median_ns", "warm walk", "ns"),
        Column("bytes_per_ns", "GB/s", "factor"),
        Column("copy_limit_share", "of copy limit", "whole_share"),
    ]
    for other in others:
        ratios = beside[(beside["other"] == other) & (beside["process"] == WARM)]
        names = {name: f"{name}_{other}" for name in ("ratio", "ci_low", "ci_high")}
        keys = [key for key in CELL if key != "implementation"]
        ratios = ratios[[*keys, *names]].rename(columns=names).assign(implementation="c")
        frame = frame.merge(ratios, "left", list(CELL))
        columns += [
            Column(names["ratio"], f"c / {other}", "factor"),
            Column(names["ci_low"], "95% interval", "interval:factor", names["ci_high"]),
        ]
    if frame["status"].ne("ok").any():
        columns.append(Column("status", "status"))
    notes = [
        "Cold: made once in a fresh process. Warm: made and released, over and over. A walk reads "
        "each element of the result once: C in the order of the axes, NumPy by sum(), in the order "
        "that suits the memory.",
        "GB/s is the input's bytes over the warm time, with allocating and freeing in it; the copy "
        "limit is what the probe of the machine copies at that size.",
    ]
    if others:
        notes.append("Ratios are of the warm times, paired by round: below 1 C is faster.")
    return Table("costs", "What patterns cost", columns, _sorted(frame, "strategy"), notes)


def crossovers(found: pd.DataFrame) -> Table:
    """When a copy pays for itself. found: rows of crossovers_of_views()."""
    frame = _sorted(found, "copy", ("implementation", "process"))
    frame["shown"] = [VERDICTS[verdict] for verdict in frame["verdict"]]
    columns = [
        Column("view", "walk the view"),
        Column("copy", "or copy and walk that"),
        *_cell_columns(frame, ("implementation", "row_bytes")),
        Column("payload_bytes", "input", "bytes"),
        Column("process", "process"),
        Column("view_walk_ns", "walk of the view", "ns"),
        Column("copy_walk_ns", "of the copy", "ns"),
        Column("walk_ratio", "view / copy", "factor"),
        Column("walk_ratio_ci_low", "95% interval", "interval:factor", "walk_ratio_ci_high"),
        Column("copy_ns", "copying takes", "ns"),
        Column("walks", "pays after walks", "factor"),
        Column("ci_low", "95% interval", "interval:factor", "ci_high"),
        Column("shown", ""),
    ]
    notes = (
        "walks = (making the copy - making the view) / (walking the view - walking the copy), in "
        "each round; both are released again, too. Never: walking the copy is no faster. Not "
        "resolved: the interval of view / copy includes 1, or there are fewer than 6 rounds.",
        "Cold, each walk is taken to cost what the first does. NumPy walks by sum(), which takes "
        "the order that suits the memory, so that copying what is transposed gains it little.",
    )
    return Table("crossovers", "After how many walks a copy pays", columns, frame, notes)


def choices(found: pd.DataFrame) -> Table:
    """What the dearer of two ways costs. found: rows of patterns.choices()."""
    order = ["choice", "payload_bytes", "row_bytes", "implementation", "allocator", "process"]
    names = {name: place for place, name in enumerate(found["choice"].unique())}
    frame = found.assign(place=found["choice"].map(names))
    frame = frame.sort_values(["place", *order[1:]], kind="stable", ignore_index=True)
    columns = [
        Column("choice", "what"),
        *_cell_columns(frame, ("implementation", "row_bytes")),
        Column("payload_bytes", "input", "bytes"),
        Column("process", "process"),
        Column("a_ns", "dearer way", "ns"),
        Column("b_ns", "cheaper way", "ns"),
        Column("ratio", "ratio", "factor"),
        Column("ci_low", "95% interval", "interval:factor", "ci_high"),
    ]
    notes = ("Made and released; ratios are paired by round.",)
    return Table("choices", "Two ways to the same end", columns, frame.drop(columns="place"), notes)
