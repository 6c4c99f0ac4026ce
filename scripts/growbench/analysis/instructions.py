"""The instructions that a cell executes, as Callgrind counts them: a row for each cell of the pass.

They are of user space, of one thread, and do not depend on the machine's speed. What the
processor's own counter says while a cell is timed is another thing, and is never mixed with them.
"""

from typing import NamedTuple

import pandas as pd

from growbench.data.columns import CELL, INSTRUCTIONS, MEASURE
from growbench.data.parameters import in_order
from growbench.data.statuses import OK


class Counted(NamedTuple):
    """What is counted. name: for people. stem: of the columns in runs.csv, summary.csv and
    instructions.csv."""

    name: str
    stem: str

    @property
    def column(self) -> str:
        return f"{self.stem}_instruction_count"

    @property
    def spread(self) -> str:
        return f"{self.stem}_instruction_spread"


COUNTED = (
    Counted("cold build", "cold_build"),
    Counted("cold release", "cold_release"),
    Counted("warm build and release", "warm_build_release"),
)
HARDWARE = ("cold_hardware_instruction_count", "warm_hardware_instruction_count")
COLUMNS = tuple(name for counted in COUNTED for name in (counted.column, counted.spread))


def instructions(runs: pd.DataFrame) -> pd.DataFrame:
    """One row for each cell of the instructions pass of `runs`, sorted; none if there was no such
    pass.

    Columns: the cell; ok_count (workers that were counted); status (ok if any is); status_detail
    (of the first that is not ok); for each of COUNTED the median of the counts, and their spread:
    the largest - the smallest, 0 where all are the same to the digit, nan where only one is known.
    """
    rows = runs[runs["pass"] == INSTRUCTIONS]
    ok = rows["status"] == OK
    detail = rows["status_detail"].where(~ok, "")
    grouped = rows.assign(is_ok=ok, status_detail=detail).groupby(list(CELL), sort=True)
    table = grouped.agg(
        ok_count=("is_ok", "sum"),
        status=("status", "first"),
        status_detail=("status_detail", "max"),
    ).reset_index()
    table["status"] = table["status"].where(table["ok_count"] == 0, OK)
    counts = rows[ok].groupby(list(CELL), sort=True)[[counted.column for counted in COUNTED]]
    several = counts.count() > 1
    spreads = (counts.max() - counts.min()).where(several)
    spreads.columns = pd.Index([counted.spread for counted in COUNTED])
    table = table.join(counts.median(), on=list(CELL)).join(spreads, on=list(CELL))
    return in_order(table[[*CELL, "ok_count", "status", "status_detail", *COLUMNS]], CELL)


def with_instructions(cells: pd.DataFrame, runs: pd.DataFrame) -> pd.DataFrame:
    """The cells, of any table, with COLUMNS and HARDWARE (medians over the measuring workers)
    beside what they have; nan where nothing was counted."""
    keys = list(CELL)
    measured = runs[(runs["pass"] == MEASURE) & (runs["status"] == OK)]
    hardware = measured.groupby(keys, sort=True)[list(HARDWARE)].median()
    counted = instructions(runs).set_index(keys)[list(COLUMNS)]
    return cells.join(counted, on=keys).join(hardware, on=keys)


def counts_text(table: pd.DataFrame) -> str:
    """How many cells of instructions() were counted, and how many of them the same each time."""
    ok = table[table["status"] == OK]
    several = ok[ok["ok_count"] > 1]
    spread = several[[counted.spread for counted in COUNTED]].max(axis=1)
    text = f"{len(ok)} of {len(table)} cells counted"
    if several.empty:
        return text
    return f"{text}; the same to the digit each time: {(spread == 0).sum()} of {len(several)}"
