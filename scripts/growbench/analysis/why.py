"""The attribution in words, for a terminal."""

from typing import Iterator, Optional, Sequence

import pandas as pd

from growbench.analysis.attribution import (
    EXPLAINED_HIGH,
    EXPLAINED_LOW,
    Explained,
    LEAST_NS,
    explained,
    parts_of,
)
from growbench.analysis.instructions import COUNTED, HARDWARE
from growbench.data.implementations import strategy_name
from growbench.tables.table import Column, NOTHING, Table
from growbench.data.units import show

UNKNOWN = "unknown"


def cell_text(cell: dict) -> str:
    """One row of attribute() with_instructions(): how many reallocs moved, what was copied and
    touched, how many instructions that were, and which part of the time each thing is."""
    threads = f", {cell['threads']} threads" if cell["threads"] != 1 else ""
    floor = cell["floor_ratio"]
    times = f", {show(floor, 'ratio')} the floor" if floor > 0 else ""
    lines = [
        f"{cell['implementation']} {cell['strategy']} on {cell['allocator']}, "
        f"{cell['rows']:,} rows of {cell['row_bytes']} bytes{threads}: "
        f"{show(cell['cold_build_ns'], 'ns')}{times}"
    ]
    if cell["trace_status"] != "ok":
        lines.append(f"  not traced: {cell['trace_status'] or 'no row of the trace pass'}")
    moved, remapped = _count(cell["realloc_moved_count"]), _count(cell["realloc_remapped_count"])
    amplification = show(cell["copy_amplification"], "ratio")
    facts = (
        (
            "reallocs",
            f"{_count(cell['realloc_in_place_count'])} in place, {moved} moved "
            f"({remapped} of these by mremap)",
        ),
        ("copied", _bytes(cell["copied_bytes"]) + f", {amplification} the payload"),
        ("pages touched", _pages(cell)),
        ("allocator calls", _count(cell["allocator_call_count"])),
        (
            "system calls",
            f"{_count(cell['system_call_count'])}, " f"{_bytes(cell['unmapped_bytes'])} given back",
        ),
    )
    lines += [f"  {name:16} {UNKNOWN if 'nan' in text else text}" for name, text in facts]
    lines += [f"  {name:16} {text}" for name, text in _instructions(cell)]
    measured = cell["cold_build_ns"]
    for part in parts_of(pd.DataFrame([cell])):
        lines.append(f"  {part.label:16} {_share(cell[part.name], measured)}")
    lines.append(f"  {'rest':16} {_share(cell['rest_ns'], measured)}")
    return "\n".join(lines)


def overview(attribution: pd.DataFrame, found: Explained, worst_count: int) -> str:
    """How well the cells are explained, what the parts come to, and the worst cells."""
    cells = found.cells
    lines = [found.text()]
    if cells.empty:
        return "\n".join(lines)
    parts = parts_of(cells)
    total = cells["cold_build_ns"].sum()
    mean = {part.name: (cells[part.name] / cells["cold_build_ns"]).mean() for part in parts}
    lines += ["", f"{'part':16} {'in total':>10}  share of it  mean of the cells' shares"]
    for part in parts:
        sum_ns = cells[part.name].sum()
        lines.append(
            f"{part.label:16} {show(sum_ns, 'ns'):>10}  {sum_ns / total:>11.1%}  "
            f"{mean[part.name]:>6.1%}"
        )
    rest = cells["rest_ns"].sum()
    rest_mean = (cells["rest_ns"] / cells["cold_build_ns"]).mean()
    lines.append(f"{'rest':16} {show(rest, 'ns'):>10}  {rest / total:>11.1%}  {rest_mean:>6.1%}")
    lines.append(f"{'measured':16} {show(total, 'ns'):>10}")
    distance = (cells["explained_share"] - 1.0).abs().sort_values(ascending=False, kind="stable")
    lines += ["", f"furthest from the measured time, of those that take {show(LEAST_NS, 'ns')}:"]
    for cell in cells.loc[distance.index[:worst_count]].to_dict("records"):
        shares = ", ".join(
            f"{part.label} {cell[part.name] / cell['cold_build_ns']:.0%}"
            for part in parts
            if cell[part.name] > 0
        )
        lines.append(
            f"  {cell['explained_share']:>5.0%}  "
            f"{strategy_name(cell['implementation'], cell['strategy'])} on {cell['allocator']}, "
            f"{cell['rows']:,} rows of {cell['row_bytes']} bytes, {cell['threads']} thread(s), "
            f"{show(cell['cold_build_ns'], 'ns')}: {shares}"
        )
    return "\n".join(lines)


def explained_table(
    tables: Sequence[tuple[str, Optional[str], pd.DataFrame]], goal: float
) -> tuple[Table, list[str]]:
    """How many cells of each run are explained, in all and by allocator; and the runs that miss the
    goal, or have no such cell.

    tables: for each run its label, how huge pages were set (None: not known), and attribute().
    """
    rows = []
    missed = []
    for label, setting, attribution in tables:
        if not explained(attribution).share >= goal:
            missed.append(label)
        parts = [("all", attribution), *attribution.groupby("allocator", sort=True)]
        for allocator, part in parts:
            found = explained(part)
            if len(found.cells) or found.unknown or allocator == "all":
                rows.append(
                    {
                        "run": label,
                        "huge_pages": setting or NOTHING,
                        "allocator": allocator,
                        "cell_count": len(found.cells),
                        "explained_count": found.within,
                        "explained_cell_share": found.share,
                        "median_explained_share": found.cells["explained_share"].median(),
                        "unknown_count": found.unknown,
                    }
                )
    columns = [
        Column("run", "run"),
        Column("huge_pages", "huge pages"),
        Column("allocator", "allocator"),
        Column("cell_count", "cells", "count"),
        Column("explained_count", "explained", "count"),
        Column("explained_cell_share", "share", "whole_share"),
        Column("median_explained_share", "median", "whole_share"),
        Column("unknown_count", "unknown", "count"),
    ]
    low, high = f"{EXPLAINED_LOW:.0%}", f"{EXPLAINED_HIGH:.0%}"
    title = f"Cold C cells of {show(LEAST_NS, 'ns')} and more, and those explained {low} to {high}"
    notes = (
        "Median: of what is explained of a cell. Unknown: cells left out, as a count or a cost of "
        "theirs is not known.",
    )
    return Table("explained", title, columns, pd.DataFrame(rows), notes), missed


def _instructions(cell: dict) -> Iterator[tuple[str, str]]:
    """Those of a cold build beside its time, and of the steady state; nothing if not counted."""
    rows = cell["rows"] * cell["threads"]
    cold, warm = COUNTED[0], COUNTED[-1]
    if cell[cold.column] == cell[cold.column]:
        yield "instructions", (
            f"{_count(cell[cold.column])}, {cell[cold.column] / rows:,.1f} a row, in "
            f"{show(cell['cold_build_ns'] / rows, 'ns')} a row{_spread(cell[cold.spread])}"
        )
        yield "in steady state", (
            f"{_count(cell[warm.column])} with the release, "
            f"{cell[warm.column] / rows:,.1f} an append{_spread(cell[warm.spread])}"
        )
    if cell[HARDWARE[0]] == cell[HARDWARE[0]]:
        yield "by the processor", f"{_count(cell[HARDWARE[0]])} with the release, in its own count"


def _spread(spread: float) -> str:
    """By how much a count differed from one time to the next, if it did."""
    return f" (\N{PLUS-MINUS SIGN}{_count(spread)})" if spread > 0 else ""


def _pages(cell: dict) -> str:
    """How many, and how many of them were huge."""
    huge = cell["huge_fault_count"]
    if not huge > 0:
        return _count(cell["page_fault_count"])
    small = max(cell["page_fault_count"] - huge, 0.0)
    return f"{_count(small)}, and {_count(huge)} huge ({_bytes(cell['huge_fault_bytes'])})"


def _count(value: Optional[float]) -> str:
    return f"{value:,.0f}"


def _bytes(value: float) -> str:
    return show(value, "bytes") if value == value else "nan"


def _share(part_ns: float, measured: float) -> str:
    if not (part_ns == part_ns and measured > 0):
        return UNKNOWN
    return f"{part_ns / measured:>6.1%}  {show(part_ns, 'ns')}"
