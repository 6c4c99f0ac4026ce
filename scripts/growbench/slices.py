"""Cut a run into parts that belong on one figure: one row size, number of threads and kind of work
each, of our own kernels or of the containers that people use."""

import re
from typing import NamedTuple

import pandas as pd

from growbench import article
from growbench.canvas import Context
from growbench.containers import CONTAINERS, REFERENCES
from growbench.data import Data
from growbench.style import ALLOCATORS, DEFAULT_STYLE, STRATEGIES, STYLES, Style, looks

SLICE_KEYS = ("row_bytes", "threads", "work")
KERNELS, CONTAINER_SLICE = "c", "containers"
_CONTAINER_IMPLEMENTATIONS = {row.implementation for row in CONTAINERS.values()}
_NAMES = {KERNELS: "C", CONTAINER_SLICE: "containers", "numpy": "NumPy", "python": "Python"}
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
    the kernels that they are compared with are shown too. An implementation that is neither has
    slices of its own. The main one is of our kernels, and has the article's row_bytes and threads
    where the run has them; of several such it is the one with the most cells.
    """
    cells = run.summary
    strategies, allocators = (
        {name: style.look(look) for name, look in looks(known, cells[key]).items()}
        for known, key in ((STRATEGIES, "strategy"), (ALLOCATORS, "allocator"))
    )
    parts = list(cells.groupby([_kind(cells), *SLICE_KEYS], sort=True))

    def rank(part: tuple[tuple, pd.DataFrame]) -> tuple[bool, bool, int]:
        (kind, row_bytes, threads, _), part_cells = part
        is_article = (row_bytes, threads) == (article.ROW_BYTES, article.THREADS)
        return (kind != KERNELS, not is_article, -len(part_cells))

    if parts:
        main = min(parts, key=rank)
        parts = [main] + [part for part in parts if part is not main]
    varying = [key for key in SLICE_KEYS if cells[key].nunique() > 1]
    made = []
    for number, (values, _) in enumerate(parts):
        kind, value_of = values[0], dict(zip(SLICE_KEYS, values[1:]))

        def belongs(table: pd.DataFrame) -> pd.Series:
            chosen = _kind(table) == kind
            if kind == CONTAINER_SLICE:
                chosen |= (table["implementation"] == KERNELS) & table["strategy"].isin(REFERENCES)
            for key, value in value_of.items():
                chosen &= table[key] == value
            return chosen

        suffix = "" if number == 0 or kind == KERNELS else f"-{_file_part(kind)}"
        if number > 0:
            suffix += "".join(f"-{key}_{_file_part(value_of[key])}" for key in varying)
        context = Context(machine_id, _in_words(kind, value_of), strategies, allocators, style)
        beside_kernels = kind == CONTAINER_SLICE and KERNELS in set(cells["implementation"])
        made.append(Slice(suffix, run.part(belongs), context, beside_kernels))
    return made


def _kind(table: pd.DataFrame) -> pd.Series:
    """For each row: our kernels, the containers together, or the implementation itself."""
    implementation = table["implementation"]
    return implementation.where(
        ~implementation.isin(_CONTAINER_IMPLEMENTATIONS), CONTAINER_SLICE
    ).rename("kind")


def _file_part(value: object) -> str:
    return re.sub(r"[^A-Za-z0-9.]", "_", str(value))


def _in_words(kind: str, value_of: dict) -> str:
    threads, work = value_of["threads"], value_of["work"]
    return (
        f"{_NAMES.get(kind, kind)}, {value_of['row_bytes']}-byte rows, "
        f"{_WORKS.get(work, work)}, {threads} thread{'s' if threads != 1 else ''}"
    )
