"""What somebody has to build, and which rows of a run are about that."""

from typing import NamedTuple

import pandas as pd

from growbench.comparison.run import Run
from growbench.data import parameters
from growbench.data.columns import LATENCY, MEASURE
from growbench.data.errors import UsageError
from growbench.data.implementations import COMPILED, is_compiled, ordered

TIME, PEAK, TAIL = "time", "peak", "tail"
WEIGHTS = (TIME, PEAK, TAIL)
FIRST_CHOICE_WORK = "cheap"
# What can be taken: one of each.
CANDIDATE = ("implementation", "strategy", "allocator")
Candidate = tuple[str, str, str]


class Case(NamedTuple):
    """What somebody has to build, and what matters to them.

    weight: TIME (build and release, in a fresh process or, if warm, in the steady state), PEAK
    (peak memory) or TAIL (single appends: the 99.9th percentile). known_rows: the number of rows is
    known when building begins. contiguous: the rows have to lie in one block in the end.
    implementation, strategy, allocator: only these; empty for all, but of implementations for all
    that are compiled. work: "" for cheap rows, or what there is.
    """

    rows: int
    row_bytes: int
    weight: str = TIME
    warm: bool = False
    known_rows: bool = False
    contiguous: bool = False
    implementation: tuple[str, ...] = ()
    strategy: tuple[str, ...] = ()
    allocator: tuple[str, ...] = ()
    threads: int = 1
    work: str = ""

    @property
    def payload_bytes(self) -> int:
        return self.rows * self.row_bytes * self.threads

    @property
    def of_pass(self) -> str:
        """The pass that its figures are of."""
        return LATENCY if self.weight == TAIL else MEASURE


class Weight(NamedTuple):
    """metric: its name, "" for TAIL. unit: of the values. label: of the column. compared: completes
    "it takes 1.2 times ..."."""

    metric: str
    unit: str
    label: str
    compared: str


def weight_of(case: Case) -> Weight:
    """What matters in this case."""
    if case.weight == PEAK:
        compared = "needs {} times as much memory at its peak"
        return Weight("peak_memory", "bytes", "Peak memory", compared)
    if case.weight == TAIL:
        return Weight("", "ns", "99.9% of appends within", "takes {} times as long at 99.9%")
    process = "warm" if case.warm else "cold"
    compared = "takes {} times as long"
    return Weight(f"{process}_build_release", "ns", process.capitalize(), compared)


def checked(run: Run, case: Case) -> Case:
    """The case with its work filled in. Raises UsageError for what the run does not have."""
    if case.warm and case.weight != TIME:
        raise UsageError(f"--warm goes with --weight {TIME}, not with {case.weight}")
    rows = run.runs[run.runs["pass"] == case.of_pass]
    if rows.empty:
        raise UsageError(
            f"{run.label} has no rows of the {case.of_pass} pass, so it cannot tell; make a run "
            "that has it"
        )
    for key in CANDIDATE:
        known = parameters.ordered(rows[key])
        found = {name: parameters.meant(name, known) for name in getattr(case, key)}
        for name, cells in found.items():
            if not cells:
                raise UsageError(f"no {key} {name!r} in {run.label}; there are: {', '.join(known)}")
        meant = tuple(cell for cells in found.values() for cell in cells)
        case = case._replace(**{key: meant})  # type: ignore[arg-type]
    case = _compiled_only(run, case, rows)
    works = sorted(set(rows["work"]))
    work = case.work or (FIRST_CHOICE_WORK if FIRST_CHOICE_WORK in works else works[0])
    for key, value in (("work", work), ("threads", case.threads)):
        if value not in set(rows[key]):
            listed = ", ".join(map(str, sorted(set(rows[key]))))
            raise UsageError(f"nothing of {key} {value} in {run.label}; there are: {listed}")
    return case._replace(work=work)


def _compiled_only(run: Run, case: Case, rows: pd.DataFrame) -> Case:
    """The case with the implementations that are meant where nobody says which: whoever can choose
    C asks for nothing else, and whoever cannot says so."""
    known = ordered(rows["implementation"])
    if case.implementation or set(known) <= set(COMPILED):
        return case
    compiled = tuple(name for name in known if is_compiled(name))
    if not compiled:
        raise UsageError(
            f"{run.label} has nothing compiled; say which is meant: --implementation "
            f"{','.join(known)}"
        )
    return case._replace(implementation=compiled)


def rows_of(table: pd.DataFrame, case: Case) -> pd.DataFrame:
    """The rows of the case's threads and work, and of the candidates that were asked for."""
    chosen = (table["threads"] == case.threads) & (table["work"] == case.work)
    for key in CANDIDATE:
        if getattr(case, key):
            chosen &= table[key].isin(getattr(case, key))
    return table[chosen]


def candidates_in(table: pd.DataFrame) -> list[Candidate]:
    """The candidate of each row."""
    return list(table[list(CANDIDATE)].itertuples(index=False, name=None))
