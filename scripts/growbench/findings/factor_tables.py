"""The tables of growth factors."""

from typing import Optional

import numpy as np
import pandas as pd

from growbench.analysis import factors, reliance
from growbench.data import parameters
from growbench.data.columns import CELL
from growbench.findings.factor_ratios import PROCESSES, Known, moves_of, row_of, verdict
from growbench.tables.table import Column, Table

_INSTRUCTIONS = {
    "cold_build_instruction_count": "cold build",
    "warm_build_release_instruction_count": "warm build and release",
}
# Who grows like that, by their sources: MSVC's and libstdc++'s vector, OpenJDK's ArrayList.grow,
# Rust's RawVec, list_resize of CPython, growslice of Go since 1.18, folly's FBVector.
_PEOPLE = {
    "1.5": "MSVC's std::vector, Java's ArrayList",
    "2": "libstdc++'s and libc++'s std::vector, Rust's Vec",
    "realloc_cpython": "Python's list: 1.125 and a little more",
    "realloc_go": "Go's append since 1.18: 2 to 256 elements, then towards 1.25",
    "realloc_folly": "folly's FBVector: 1.5 from 4 KiB to 128 KiB, 2 outside of that",
}
_NOTE = (
    "Ratios are paired by round, with 95% intervals; where one includes 1, the two cannot be told "
    "apart. Of 100 such intervals of equal things five exclude 1."
)


def _ratio_columns(key: str, label: str) -> list[Column]:
    return [
        Column(f"{key}_ratio", f"{label} \N{DIVISION SIGN}", "factor"),
        Column(f"{key}_ci_low", "95% interval", "interval:factor", f"{key}_ci_high"),
    ]


def _ratio(key: str, row: dict) -> dict:
    return {f"{key}_{end}": row.get(end, np.nan) for end in ("ratio", "ci_low", "ci_high")}


def tables(known: Known) -> list[Table]:
    """All that there is something in, the one by allocator first."""
    made = [by_allocator(known), by_size(known), counts(known), *rules(known), reuse(known)]
    return [table for table in made if table is not None and len(table.frame)]


def by_allocator(known: Known) -> Table:
    rows = []
    for allocator in known.allocators:
        cell = {"strategy": known.a, "allocator": allocator}
        row: dict = {"allocator": allocator}
        for key in known.ratios:
            row.update(_ratio(key, row_of(known.ratios[key], **cell, rows=known.rows)))
            row.update(_ratio(f"{key}_mean", row_of(known.means[key], **cell)))
        rows.append(row)
    columns = [Column("allocator", "allocator")]
    for key in (of.key for of in PROCESSES):
        columns += _ratio_columns(key, key)
    for key in (of.key for of in PROCESSES):
        columns += _ratio_columns(f"{key}_mean", f"{key}, all sizes")
    title = "{} \N{DIVISION SIGN} {}: one build and release, at {}, and over all sizes".format(
        *known.said, known.size
    )
    return Table("factors", title, columns, pd.DataFrame(rows), (_NOTE,))


def by_size(known: Known) -> Table:
    rows = []
    row_bytes = int(known.cells["row_bytes"].iloc[0])
    for allocator in known.allocators:
        for size in known.sizes:
            cell = {"strategy": known.a, "allocator": allocator, "rows": size}
            row: dict = {"allocator": allocator, "rows": size, "payload_bytes": size * row_bytes}
            for key in known.ratios:
                row.update(_ratio(key, row_of(known.ratios[key], **cell)))
            rows.append(row)
    columns = [
        Column("allocator", "allocator"),
        Column("rows", "rows", "count"),
        Column("payload_bytes", "payload", "bytes"),
    ]
    for key in known.ratios:
        columns += _ratio_columns(key, key)
    title = "{} \N{DIVISION SIGN} {}, size by size".format(*known.said)
    own = known.cells[known.cells["strategy"].isin((known.a, known.b))]
    notes = (
        "peak: resident memory at the most; empty where it is too close to the error of a reading.",
        f"Doubts of single cells: {reliance.in_words(own)}.",
    )
    return Table("factors_by_size", title, columns, pd.DataFrame(rows), notes)


def counts(known: Known) -> Table:
    """Of both factors, at the article's size and at the largest."""
    sizes = sorted({known.rows, max(known.sizes, default=known.rows)})
    frame = known.counts[
        known.counts["strategy"].isin((known.a, known.b)) & known.counts["rows"].isin(sizes)
    ]
    place = {allocator: number for number, allocator in enumerate(known.allocators)}
    frame = frame.assign(factor=factors.factors(frame["strategy"]))
    frame = frame.assign(place=frame["allocator"].map(place))
    frame = frame.merge(known.cells[[*CELL, *_INSTRUCTIONS]], "left", list(CELL))
    frame = frame.sort_values(["rows", "place", "factor"], ignore_index=True)
    columns = [
        Column("allocator", "allocator"),
        Column("rows", "rows", "count"),
        Column("factor", "factor", "number"),
        Column("realloc_count", "reallocs", "count"),
        Column("realloc_in_place_count", "in place", "count"),
        Column("realloc_copied_count", "copied", "count"),
        Column("realloc_remapped_count", "by mremap", "count"),
        Column("copied_bytes", "bytes copied", "bytes"),
        Column("peak_requested_bytes", "requested", "bytes", help="peak, between calls"),
        Column("peak_moving_bytes", "while copying", "bytes", help="the same with both blocks"),
        Column("peak_usable_bytes", "usable", "bytes", help="peak of what the blocks can hold"),
        Column("allocator_mapped_bytes", "from the kernel", "bytes", help="address space too"),
        *(
            Column(key, f"instructions, {when}", "count")
            for key, when in _INSTRUCTIONS.items()
            if frame[key].notna().any()
        ),
    ]
    title = "Exact counts of one first build, by factor"
    notes = (
        "requested, while copying, usable: the most at once. What no clock can disturb.",
        "What a factor leaves unused at one size depends on where that size lies between two "
        "capacities; sizes that are spread over a doubling even that out.",
    )
    return Table("factor_counts", title, columns, frame.drop(columns="place"), notes)


def rules(known: Known) -> list[Table]:
    """All factors and rules over the second factor, over all sizes: cold, and warm."""
    _, b = known.said
    names = [one for one in parameters.ordered(known.cells["strategy"]) if one != known.b]
    names.sort(key=lambda one: parameters.base(one) != factors.STRATEGY)
    tables = []
    for of in PROCESSES:
        rows = []
        for strategy in names:
            text = strategy.partition(parameters.SIGN)[2]
            row = {"strategy": strategy, "people": _PEOPLE.get(text or strategy, "")}
            for allocator in known.allocators:
                mean = row_of(known.means[of.key], strategy=strategy, allocator=allocator)
                row.update(_ratio(allocator, mean), **{allocator: _shown(mean)})
            rows.append(row)
        columns = [
            Column("strategy", "strategy"),
            *(Column(allocator, allocator) for allocator in known.allocators),
            Column("people", "who grows like that"),
        ]
        title = f"Each \N{DIVISION SIGN} {b}, {of.where}, over all sizes together"
        note = f"{b} itself: {_PEOPLE[b]}." if b in _PEOPLE else ""
        notes = [text for text in (note, f"*: told apart from {b}. {_NOTE}") if text]
        tables.append(Table(f"factor_rules_{of.key}", title, columns, pd.DataFrame(rows), notes))
    return tables


def _shown(row: dict) -> str:
    """A ratio with its interval in one text; a star where the interval excludes 1."""
    said = verdict(row)
    if not said:
        return "-"
    text = f"{row['ratio']:.2f}"
    if said == "few":
        return text
    star = "*" if said in ("less", "more") else ""
    return f"{text}{star} ({row['ci_low']:.2f} to {row['ci_high']:.2f})"


def reuse(known: Known) -> Optional[Table]:
    """Factor by factor, how many moves by copying landed where the array had been."""
    moves = moves_of(known)
    if moves["reused"].isna().all():
        return None
    rows = []
    for one in sorted(set(moves["factor"])):
        row: dict = {"factor": one, "theory": _theory(one)}
        for cell in moves[moves["factor"] == one].to_dict("records"):
            of = cell["allocator"]
            row[of] = "?"
            if not np.isnan(cell["reused"]):
                row[of] = f"{cell['reused']:,.0f} of {cell['copied']:,.0f}"
            row.update({f"{of}_{key}": cell[key] for key in ("copied", "reused", "reused_bytes")})
        rows.append(row)
    frame = pd.DataFrame(rows)
    shown = [Column(allocator, allocator) for allocator in known.allocators if allocator in frame]
    title = "Moves by copying that landed where the array had been, over all sizes"
    note = "theory: after how many moves what was left holds the next block, by first fit."
    heads = [Column("factor", "factor", "number"), Column("theory", "theory")]
    return Table("factor_reuse", title, [*heads, *shown], frame, (note,))


def _theory(one: float) -> str:
    after = factors.moves_until_reuse(one)
    return "never" if after is None else f"after {after}"
