"""Cut a run into parts that belong on one figure: one row size, number of threads and kind of work
each, of our own kernels, of the containers that people use, or of NumPy, Python and the like."""

import re
from typing import NamedTuple

import pandas as pd

from growbench.data import article
from growbench.figures.canvas import Context
from growbench.data.columns import SLICE_KEYS
from growbench.data.containers import CONTAINERS, REFERENCES
from growbench.analysis.analyse import Data
from growbench.data.implementations import (
    C,
    bare_names,
    full_names,
    in_words,
    names_collide,
    ordered,
)
from growbench.figures.style import (
    ALLOCATORS,
    DEFAULT_STYLE,
    Look,
    STRATEGIES,
    STYLES,
    Style,
    looks,
)

KERNELS, CONTAINER_SLICE, OTHERS = C, "containers", "others"
_CONTAINER_IMPLEMENTATIONS = {row.implementation for row in CONTAINERS.values()}
_WORKS = {"cheap": "cheap to make", "random": "pseudo-random"}


class Slice(NamedTuple):
    """suffix: what tells the slice's files from those of the main slice, whose suffix is "".

    beside_kernels: it is of the containers, and the run has our own kernels too, so that plots
    which say no more of the containers need not be drawn once more. of_patterns: it is of copying
    patterns (pattern_slices), and for the plots that are of these.
    """

    suffix: str
    data: Data
    context: Context
    beside_kernels: bool = False
    of_patterns: bool = False


def slices(run: Data, machine_id: str, style: Style = STYLES[DEFAULT_STYLE]) -> list[Slice]:
    """The parts of a run that was measured, the main one first, to be drawn in a style.

    Our own kernels are apart from the containers (C++, GLib and uthash together), beside which
    the kernels that they are compared with are shown too. All other implementations, such as NumPy
    and Python, are together too, and only where the run has none of our kernels: beside these there
    are plots of their own for them (plots.implementations_cold and others), which are part of our
    kernels' slices. Strategies of a slice that several implementations have are named with both,
    "numpy loop_and_append", in all of its tables but those of the whole run. The main one is of our
    kernels, and has the article's row_bytes and threads where the run has them; of several such it
    is the one with the most cells.
    """
    cells = run.summary
    allocators = _on_paper(looks(ALLOCATORS, cells["allocator"]), style)
    parts = list(cells.groupby([_kind(cells), *SLICE_KEYS], sort=True))
    if any(values[0] == KERNELS for values, _ in parts):
        parts = [part for part in parts if part[0][0] != OTHERS]

    def rank(part: tuple[tuple, pd.DataFrame]) -> tuple[bool, bool, int]:
        (kind, row_bytes, threads, _), part_cells = part
        is_article = (row_bytes, threads) == (article.ROW_BYTES, article.THREADS)
        return (kind != KERNELS, not is_article, -len(part_cells))

    if parts:
        main = min(parts, key=rank)
        parts = [main] + [part for part in parts if part is not main]
    varying = [
        key
        for key, place in zip(SLICE_KEYS, (1, 2, 3))
        if len({part[0][place] for part in parts}) > 1
    ]
    made = []
    for number, (values, of_part) in enumerate(parts):
        kind, value_of = values[0], dict(zip(SLICE_KEYS, values[1:]))

        def belongs(table: pd.DataFrame) -> pd.Series:
            chosen = _kind(table) == kind
            if kind == CONTAINER_SLICE:
                chosen |= (table["implementation"] == KERNELS) & table["strategy"].isin(REFERENCES)
            for key, value in value_of.items():
                chosen &= table[key] == value
            return chosen

        names = ordered(of_part["implementation"])
        label = names[0] if kind == OTHERS and len(names) == 1 else kind
        suffix = "" if number == 0 or kind == KERNELS else f"-{_file_part(label)}"
        if number > 0:
            suffix += "".join(f"-{key}_{_file_part(value_of[key])}" for key in varying)
        what = what_of(kind if kind == CONTAINER_SLICE else in_words(names), value_of)
        data = _named(run.part(belongs))
        # Figures of our kernels have containers in them too, and the other way round.
        compiled = cells[_kind(cells) != OTHERS]
        of_names = (
            _looks(data.summary) if kind == OTHERS else looks(STRATEGIES, compiled["strategy"])
        )
        strategies = _on_paper(of_names, style)
        context = Context(machine_id, what, strategies, allocators, style)
        beside_kernels = kind == CONTAINER_SLICE and KERNELS in set(cells["implementation"])
        made.append(Slice(suffix, data, context, beside_kernels))
    return made


def _named(data: Data) -> Data:
    """The same with names that tell its strategies apart."""
    if not names_collide(data.summary):
        return data
    tables = ("summary", "attribution", "latency", "timeline")
    named = {name: getattr(data, name) for name in tables}
    return data._replace(
        **{name: table.assign(strategy=full_names(table)) for name, table in named.items()}
    )


def _looks(cells: pd.DataFrame) -> dict[str, Look]:
    """How each strategy is drawn, by its name in this table. Of several implementations of one
    strategy the first has the strategy's own look."""
    if not names_collide(cells.assign(strategy=bare_names(cells))):
        return looks(STRATEGIES, cells["strategy"])
    known: dict[str, Look] = {}
    keys = cells.assign(bare=bare_names(cells))[["implementation", "bare", "strategy"]]
    taken: set[str] = set()
    for implementation in ordered(keys["implementation"]):
        own = keys[keys["implementation"] == implementation]
        names = dict(zip(own["bare"], own["strategy"]))
        for bare, look in STRATEGIES.items():
            if bare in names and bare not in taken:
                known[names[bare]] = look
                taken.add(bare)
    return looks(known, cells["strategy"])


def _on_paper(of_names: dict[str, Look], style: Style) -> dict[str, Look]:
    return {name: style.look(look) for name, look in of_names.items()}


def _kind(table: pd.DataFrame) -> pd.Series:
    """For each row: our kernels, the containers together, or all others together."""
    implementation = table["implementation"]
    kinds = implementation.where(implementation == KERNELS, OTHERS)
    containers = implementation.isin(_CONTAINER_IMPLEMENTATIONS)
    return kinds.where(~containers, CONTAINER_SLICE).rename("kind")


def _file_part(value: object) -> str:
    return re.sub(r"[^A-Za-z0-9.]", "_", str(value))


def what_of(who: str, value_of: dict) -> str:
    """A slice in words: "C, 80-byte rows, cheap to make, 1 thread"."""
    threads, work = value_of["threads"], value_of["work"]
    return (
        f"{who}, {value_of['row_bytes']}-byte rows, "
        f"{_WORKS.get(work, work)}, {threads} thread{'s' if threads != 1 else ''}"
    )
