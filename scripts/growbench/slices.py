"""Cut a summary into parts that belong on one figure: one row size, number of threads, kind of
work and implementation each."""

import re
from typing import NamedTuple

import pandas as pd

from growbench import article
from growbench.canvas import Context
from growbench.style import ALLOCATORS, STRATEGIES, looks

SLICE_KEYS = ("implementation", "row_bytes", "threads", "work")
_LANGUAGES = {"c": "C", "cpp": "C++", "numpy": "NumPy", "python": "Python"}
_WORKS = {"cheap": "cheap to make", "random": "pseudo-random"}


class Slice(NamedTuple):
    """suffix: what tells the slice's files from those of the main slice, whose suffix is ""."""

    suffix: str
    summary: pd.DataFrame
    context: Context


def slices(summary: pd.DataFrame, machine_id: str) -> list[Slice]:
    """The parts of the summary of the measure pass, the main one first.

    The main one has the article's row_bytes and threads where the run has them; of several such
    it is the one with the most cells.
    """
    measured = summary[summary["pass"] == "measure"]
    strategies = looks(STRATEGIES, measured["strategy"])
    allocators = looks(ALLOCATORS, measured["allocator"])
    parts = list(measured.groupby(list(SLICE_KEYS), sort=True))

    def rank(part: tuple[tuple, pd.DataFrame]) -> tuple[bool, int]:
        (_, row_bytes, threads, _), cells = part
        is_article = (row_bytes, threads) == (article.ROW_BYTES, article.THREADS)
        return (not is_article, -len(cells))

    if parts:
        main = min(parts, key=rank)
        parts = [main] + [part for part in parts if part is not main]
    varying = [key for key in SLICE_KEYS if measured[key].nunique() > 1]
    made = []
    for number, (values, cells) in enumerate(parts):
        value_of = dict(zip(SLICE_KEYS, values))
        suffix = "".join(f"-{key}_{_file_part(value_of[key])}" for key in varying)
        context = Context(machine_id, _in_words(value_of), strategies, allocators)
        made.append(Slice(suffix if number else "", cells, context))
    return made


def _file_part(value: object) -> str:
    return re.sub(r"[^A-Za-z0-9.]", "_", str(value))


def _in_words(value_of: dict) -> str:
    implementation, work = value_of["implementation"], value_of["work"]
    threads = value_of["threads"]
    return (
        f"{_LANGUAGES.get(implementation, implementation)}, {value_of['row_bytes']}-byte rows, "
        f"{_WORKS.get(work, work)}, {threads} thread{'s' if threads != 1 else ''}"
    )
