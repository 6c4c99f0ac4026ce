"""Cut the copying patterns of a run into parts that belong on one figure."""

import re

import pandas as pd

from growbench.figures.canvas import Context
from growbench.analysis.analyse import Data
from growbench.figures.slices import Slice
from growbench.figures.style import ALLOCATORS, DEFAULT_STYLE, STYLES, Style, looks

_KEYS = ("threads", "work")


def pattern_slices(run: Data, machine_id: str, style: Style = STYLES[DEFAULT_STYLE]) -> list[Slice]:
    """A part for each number of threads and kind of work, that with the most cells first; none if
    the run has no patterns. Sizes and shapes are together: plots are of all of them."""
    cells = run.patterns
    parts = sorted(cells.groupby(list(_KEYS), sort=True), key=lambda part: -len(part[1]))
    allocators = {
        name: style.look(look) for name, look in looks(ALLOCATORS, cells["allocator"]).items()
    }
    made = []
    for number, (values, _) in enumerate(parts):
        value_of = dict(zip(_KEYS, values))

        def belongs(table: pd.DataFrame) -> pd.Series:
            return (table[list(_KEYS)] == pd.Series(value_of)).all(axis=1)

        tables = {name: getattr(run, name) for name in ("patterns", "view_crossovers", "choices")}
        data = run._replace(**{name: table[belongs(table)] for name, table in tables.items()})
        suffix = "".join(
            f"-{key}_{re.sub(r'[^A-Za-z0-9.]', '_', str(value))}"
            for key, value in value_of.items()
            if cells[key].nunique() > 1
        )
        threads = value_of["threads"]
        what = f"Copying patterns of doubles, {threads} thread{'s' if threads != 1 else ''}"
        context = Context(machine_id, what, {}, allocators, style)
        made.append(Slice(suffix if number else "", data, context, of_patterns=True))
    return made
