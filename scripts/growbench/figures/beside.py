"""Implementations of the same strategies side by side. What the plots of them have in common."""

from typing import Sequence

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from growbench.data.article import FAST, SLOW, TIMES
from growbench.figures.axes import sample
from growbench.figures.canvas import Context, Legend, NothingToDraw
from growbench.data.columns import SLICE_KEYS
from growbench.data.statuses import OK
from growbench.analysis.analyse import Data
from growbench.data.implementations import IDENTITY, in_words, label, ordered
from growbench.figures.lettering import name_text
from growbench.figures.line_panels import Guide, Lines, draw_against
from growbench.data.metrics import LOG, Metric, Quantity
from growbench.figures.slices import what_of
from growbench.figures.style import (
    BLACK,
    BROWN,
    IMPLEMENTATIONS,
    Look,
    NAVY,
    SKY,
    STRATEGIES,
    Style,
    YELLOW,
    looks,
)

# For strategies whose own colour another one has.
_OTHER_COLOURS = (SKY, BLACK, NAVY, BROWN, YELLOW)


def of_slice(table: pd.DataFrame, data: Data) -> pd.DataFrame:
    """The rows of a table of the whole run that are of this slice's row size, threads and work."""
    keys = list(SLICE_KEYS)
    return table.merge(data.summary[keys].drop_duplicates(), "inner", keys)


def shared(cells: pd.DataFrame) -> pd.DataFrame:
    """The cells of strategies that at least two implementations were measured in.

    Raises NothingToDraw if there is none.
    """
    measured = cells.loc[cells["ok_count"] > 0, list(IDENTITY)].drop_duplicates()
    count = measured["strategy"].value_counts()
    several = cells["strategy"].isin(count.index[count > 1])
    # An implementation without any figure is none to put beside others.
    there = cells["implementation"].isin(set(measured["implementation"]))
    if not (several & there).any():
        raise NothingToDraw("no strategy was measured in two implementations")
    return cells[several & there].reset_index(drop=True)


def at_least_two(names: Sequence[str]) -> list[str]:
    """The implementations in order. Raises NothingToDraw if there are fewer than two."""
    found = ordered(names)
    if len(found) < 2:
        raise NothingToDraw("there is one implementation only, so there is nothing beside it")
    return found


def looks_of(names: Sequence[str], style: Style) -> dict[str, Look]:
    """How each implementation is drawn, in the order of legends."""
    found = looks(IMPLEMENTATIONS, names)
    return {name: style.look(found[name]) for name in ordered(names)}


def colours_of(strategies: Sequence[str], style: Style) -> dict[str, str]:
    """A colour for each strategy that no other of them has, its own where that is free."""
    found = looks(STRATEGIES, strategies)
    colours: dict[str, str] = {}
    spare = [c for c in _OTHER_COLOURS if c not in {look.colour for look in found.values()}]
    for name, look in found.items():
        free = look.colour not in colours.values() or not spare
        colours[name] = look.colour if free else spare.pop(0)
    return {name: style.colour(colour) for name, colour in colours.items()}


def what(context: Context, data: Data, names: Sequence[str]) -> Context:
    """The context with these implementations in its words."""
    cell = data.summary.iloc[0]
    value_of = {key: cell[key] for key in SLICE_KEYS}
    return context._replace(what=what_of(in_words(names), value_of))


def legend(
    colours: dict[str, str],
    implementations: dict[str, Look],
    style: Style,
    more: Sequence[tuple[Artist, str]] = (),
) -> Legend:
    """Colours for strategies, lines and markers for implementations, and what else there is."""
    entries: list[tuple[Artist, str]] = [
        (Line2D([], [], color=c, linewidth=4 * style.line, solid_capstyle="butt"), name_text(name))
        for name, c in colours.items()
    ]
    for name, look in implementations.items():
        line = sample(look._replace(colour=style.faint_ink))
        entries.append((line, name_text(label(name))))
    handles, labels = zip(*entries, *more)
    return Legend(handles, labels, "colour: strategy, line and marker: implementation")


def draw_article_ratio(ratios: pd.DataFrame, by: Metric, data: Data, context: Context) -> Figure:
    """The article's ratio against rows, with its own as a guide: a panel for each allocator, a line
    for each implementation.

    ratios: article_ratios() of the whole run by that metric. Raises NothingToDraw.
    """
    cells = of_slice(ratios, data)
    names = at_least_two(cells["implementation"])
    looks = {label(name): look for name, look in looks_of(names, context.style).items()}
    cells = cells.assign(
        line=[label(name) for name in cells["implementation"]],
        ok_count=cells["round_count"],
        status=OK,
    )
    low, high = int(cells["ok_count"].min()), int(cells["ok_count"].max())
    rounds = f"{low}" if low == high else f"{low} to {high}"
    name = f"{by.label} of {SLOW} \N{DIVISION SIGN} {FAST}"
    said = f"the article's {TIMES:.0f}\N{MULTIPLICATION SIGN}"
    ends = np.array([1e-9, 1e99])
    return draw_against(
        cells,
        what(context, data, names),
        Quantity(name, "ratio", LOG, "ratio", "ci_low", "ci_high"),
        "allocator",
        guide=Guide(said, ends, np.full(2, TIMES), widens=True),
        lines_of=Lines("line", looks, "implementation"),
        of=f"median of the ratios of {rounds} rounds",
    )
