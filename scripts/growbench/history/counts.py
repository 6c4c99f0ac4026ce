"""Change points of what can be said exactly: between two neighbouring states that have figures of
a cell, those that differ as comparison/exact has it."""

from typing import NamedTuple, Optional, Sequence

import numpy as np

from growbench.comparison.exact import FEWEST_WORKERS, Ranges, direction, is_change
from growbench.data.columns import INSTRUCTIONS, MEASURE, TRACE
from growbench.data.description import fact, huge_pages
from growbench.data.exact import Exact
from growbench.history.order import State
from growbench.history.reading import Taken

NOTHING = -1


class Found(NamedTuple):
    """A count of a cell that changed.

    cell: its place among the history's cells. last, since: the last state that had the old figure
    and the first that has the new one. low, high: before and after, over all workers. change: as
    comparison/exact has it. undone: the first later state that is as before again, or further off
    the other way; NOTHING if there is none.
    """

    cell: int
    last: int
    since: int
    low: tuple[float, float]
    high: tuple[float, float]
    change: str
    undone: int


class Series(NamedTuple):
    """The ranges of a count: low and high are states x cells, nan where a state has no figure of a
    cell; workers: how many have one, 0 there."""

    low: np.ndarray
    high: np.ndarray
    workers: np.ndarray

    def at(self, state: int) -> Ranges:
        return Ranges(self.low[state], self.high[state], self.workers[state])


def places(runs: Sequence[Taken], exact: Exact) -> dict[str, list[Taken]]:
    """The runs whose figures of a count can be held against each other, by where they are of.

    What an allocator is asked for and does with blocks depends on the architecture and the size of
    a page; instructions, pages and system calls on the machine and its kernel, so that each machine
    has a history of its own. So have instructions by each Valgrind, and pages under each setting of
    huge ones.
    """
    told: dict[str, list[Taken]] = {}
    for run in runs:
        of_blocks = exact.pass_name == TRACE and exact.repeats
        place = run.surroundings if of_blocks else run.machine_id
        known = {INSTRUCTIONS: _valgrind, MEASURE: huge_pages}.get(exact.pass_name)
        more = known(run.run.machine) if known else None
        told.setdefault(f"{place}, {more}" if more else place, []).append(run)
    return told


def _valgrind(machine: Optional[dict]) -> Optional[str]:
    return fact(machine, "instructions", "valgrind")


def series(
    states: Sequence[State], runs: Sequence[Taken], exact: Exact, number_of: dict[tuple, int]
) -> Series:
    """The figures of those runs, state by state. number_of: the place of each cell."""
    shape = (len(states), len(number_of))
    made = Series(np.full(shape, np.inf), np.full(shape, -np.inf), np.zeros(shape))
    own = {run.run_id for run in runs}
    for place, state in enumerate(states):
        for run in state.runs:
            if run.run_id not in own or exact.name not in run.counts:
                continue
            figures = run.counts[exact.name]
            cells = np.array([number_of.get(cell, NOTHING) for cell in run.cells], dtype=int)
            cell = cells[figures.cell]
            wanted = cell != NOTHING
            cell, of = cell[wanted], Ranges(*(part[wanted] for part in figures.ranges))
            made.low[place, cell] = np.minimum(made.low[place, cell], of.low)
            made.high[place, cell] = np.maximum(made.high[place, cell], of.high)
            made.workers[place, cell] += of.workers
    none = made.workers == 0
    return Series(np.where(none, np.nan, made.low), np.where(none, np.nan, made.high), made.workers)


def found_in(of: Series, exact: Exact) -> list[Found]:
    """Each change of each cell, in the order of the states.

    Where a count does not repeat, the old figure is the range of all workers since the last change,
    and the new one that of as many states as have FEWEST_WORKERS workers.
    """
    cells = of.low.shape[1]
    base = Ranges(np.full(cells, np.nan), np.full(cells, np.nan), np.zeros(cells))
    last = np.full(cells, NOTHING)
    found: list[Found] = []
    for state in range(len(of.low)):
        own, new = of.at(state), _ahead(of, state, exact)
        there = own.workers > 0
        changed = there & (base.workers > 0) & is_change(base, new, exact)
        way = direction(base, new, exact)
        for cell in np.flatnonzero(changed):
            low = float(base.low[cell]), float(new.low[cell])
            high = float(base.high[cell]), float(new.high[cell])
            found.append(
                Found(int(cell), int(last[cell]), state, low, high, str(way[cell]), NOTHING)
            )
        base = _joined(base, own, there, changed)
        last[there] = state
    return _with_undone(found)


def _ahead(of: Series, state: int, exact: Exact) -> Ranges:
    """The range of a state, with those after it as far as a count that varies needs workers."""
    own = of.at(state)
    if exact.repeats:
        return own
    low, high, workers = (part.copy() for part in own)
    for later in range(state + 1, min(state + FEWEST_WORKERS, len(of.low))):
        few = (workers > 0) & (workers < FEWEST_WORKERS) & (of.workers[later] > 0)
        if not few.any():
            break
        low[few] = np.minimum(low[few], of.low[later][few])
        high[few] = np.maximum(high[few], of.high[later][few])
        workers[few] += of.workers[later][few]
    return Ranges(low, high, workers)


def _joined(base: Ranges, own: Ranges, there: np.ndarray, changed: np.ndarray) -> Ranges:
    """The range since the last change, with a state's own figures."""
    fresh = there & (changed | (base.workers == 0))
    more = there & ~fresh
    return Ranges(
        np.where(fresh, own.low, np.where(more, np.minimum(base.low, own.low), base.low)),
        np.where(fresh, own.high, np.where(more, np.maximum(base.high, own.high), base.high)),
        np.where(fresh, own.workers, np.where(more, base.workers + own.workers, base.workers)),
    )


def _with_undone(found: list[Found]) -> list[Found]:
    """With the first later change of the cell after which it is as it was before, or further off
    the other way."""
    later: dict[int, list[Found]] = {}
    made = []
    for one in reversed(found):
        after = later.setdefault(one.cell, [])
        as_before = (x.since for x in reversed(after) if _is_back(one, x))
        made.append(one._replace(undone=next(as_before, NOTHING)))
        after.append(one)
    return made[::-1]


def _is_back(one: Found, later: Found) -> bool:
    if one.low[1] > one.high[0]:
        return later.low[1] <= one.high[0]
    return later.high[1] >= one.low[0]
