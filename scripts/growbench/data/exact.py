"""What can be said exactly: counts that do not depend on how fast the machine is.

To add one, add a row to EXACT: comparisons, gates and histories follow from it.
"""

from typing import NamedTuple, Optional

import pandas as pd

from growbench.data.columns import COLUMNS, INSTRUCTIONS, MEASURE, PATTERN, TRACE
from growbench.data.implementations import COMPILED
from growbench.data.statuses import OK

# Which way is worse: more of it, less of it, or neither.
MORE, LESS, NEITHER = "more", "less", "neither"


class Exact(NamedTuple):
    """One count of a worker: the sum of `columns` of runs.csv less that of `minus`, in `unit`.

    pass_name: whose rows have it. worse: MORE, LESS or NEITHER. repeats: the same code has the same
    figure in every worker; if not, it depends on the addresses that the kernel gives out, or on
    when an allocator's clock gives memory back, and several workers are needed to tell: of what is
    compiled only, as an interpreter's heap depends on its path and its environment as well.
    scatter: by how much single workers differ at most, of what does not repeat, so that one worker
    a side tells more than that; None: not known. A column of `minus` that is missing counts as 0.
    also: a pass whose rows have it too, of cells that pass_name has none of: those of copying
    patterns beside those of strategies.
    """

    name: str
    label: str
    unit: str
    pass_name: str
    columns: tuple[str, ...]
    worse: str = MORE
    repeats: bool = True
    minus: tuple[str, ...] = ()
    also: str = ""
    scatter: Optional[float] = None

    @property
    def needed(self) -> tuple[str, ...]:
        """The columns that are to be read for it."""
        return (*self.columns, *self.minus)

    def values(self, rows: pd.DataFrame) -> pd.Series:
        """The figure of each row; nan where a part of it is missing."""
        values = rows[list(self.columns)].sum(axis=1, skipna=False)
        return values - rows[list(self.minus)].sum(axis=1) if self.minus else values

    def of(self, runs: pd.DataFrame) -> pd.Series:
        """The figures of a run's workers that have one, by their rows' index."""
        counted = runs["pass"].isin([self.pass_name, self.also]) & (runs["status"] == OK)
        if not self.repeats:
            counted &= runs["implementation"].isin(COMPILED)
        return self.values(runs[list(self.needed)][counted]).dropna()


def _instructions(what: str, stem: str) -> Exact:
    column = f"{stem}_instruction_count"
    return Exact(f"{stem}_instructions", f"instructions, {what}", "count", INSTRUCTIONS, (column,))


def _trace(name: str, label: str, unit: str = "count", worse: str = MORE) -> Exact:
    return Exact(name, label, unit, TRACE, (f"{name}_{unit}",), worse)


# Of the trace pass: calls of the allocator; system calls, of it and of the strategy.
CALLS = tuple(f"{of}_count" for of in ("malloc", "calloc", "realloc", "free", "aligned"))
SYSTEM_CALLS = tuple(
    column.name
    for column in COLUMNS
    if column.name.startswith(("allocator_", "strategy_")) and column.name.endswith("_count")
)
# How often memory is given back by madvise is up to an allocator's clock.
_BY_CLOCK = ("allocator_madvise_count",)
_BY_CODE = tuple(name for name in SYSTEM_CALLS if name not in _BY_CLOCK)

EXACT = (
    _instructions("cold build", "cold_build"),
    _instructions("cold release", "cold_release"),
    _instructions("warm build and release", "warm_build_release"),
    Exact("allocator_calls", "allocator calls", "count", TRACE, CALLS),
    _trace("realloc_moved", "reallocs that moved"),
    _trace("realloc_in_place", "reallocs in place", worse=NEITHER),
    _trace("realloc_remapped", "reallocs by mremap", worse=NEITHER),
    _trace("copied", "bytes copied", "bytes"),
    _trace("peak_requested", "peak of requested bytes", "bytes"),
    _trace("peak_moving", "peak of requested bytes while a realloc copies", "bytes"),
    _trace("peak_usable", "peak of usable bytes", "bytes"),
    _trace("leaked", "bytes left after the release", "bytes"),
    # jemalloc maps once more or less, as the kernel's addresses suit it or not.
    Exact("system_calls", "system calls", "count", TRACE, _BY_CODE, repeats=False, scatter=2),
    Exact("madvise_calls", "calls of madvise", "count", TRACE, _BY_CLOCK, repeats=False),
    Exact(
        "page_faults",
        "page faults, ordinary pages",
        "count",
        MEASURE,
        ("cold_build_minor_fault_count",),
        repeats=False,
        minus=("cold_build_huge_fault_count",),
        also=PATTERN,
    ),
    Exact(
        "huge_page_faults",
        "page faults, huge pages",
        "count",
        MEASURE,
        ("cold_build_huge_fault_count",),
        worse=NEITHER,
        repeats=False,
        also=PATTERN,
    ),
    Exact(
        "peak_memory",
        "peak of resident memory",
        "bytes",
        MEASURE,
        ("peak_memory_bytes",),
        repeats=False,
        also=PATTERN,
    ),
)
# What is to be read for all of them, besides a row's keys.
EXACT_COLUMNS = frozenset(column for exact in EXACT for column in exact.needed)


def exact(name: str) -> Exact:
    """The row of that name. Raises KeyError."""
    return {row.name: row for row in EXACT}[name]
