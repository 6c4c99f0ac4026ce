"""After how many walks a copy pays for itself, against sizes or strides: a panel for each
implementation and process. What the plots of crossovers have in common."""

import math

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedFormatter, FixedLocator

from growbench.figures.axes import add_line, log_limits
from growbench.figures.canvas import Context, NothingToDraw, Panels, Shape, Words, footer_text
from growbench.analysis.analyse import Data
from growbench.data import implementations
from growbench.figures.pattern_lines import Drawing, draw_lines
from growbench.analysis.patterns import COLD, NEVER, NOT_RESOLVED, WARM
from growbench.figures.style import GREY, Look, Style
from growbench.data.units import tick

ONE_LABEL = "one walk: below it, copy even to read once"
NEVER_LABEL = "never: walking the copy is no faster"
# Walks below this pay at once; and how much of the axis is above what pays, for what never does.
_LEAST = 0.01
# Lines are shifted sideways against each other by this factor, or their bars would hide each other.
_SHIFT = 1.06
_RAIL_SHARE = 0.2


def draw_crossovers(
    found: pd.DataFrame, looks: dict[str, Look], data: Data, context: Context, words: Words
) -> Figure:
    """found: rows of crossovers_of_views() of one allocator, with the columns line and x.

    looks: of the lines, as of white paper. words: title and labels; the rest is added. What is not
    resolved is not drawn, and counted. Raises NothingToDraw.
    """
    shown = found[found["verdict"] != NOT_RESOLVED]
    if shown.empty:
        raise NothingToDraw("no crossover is resolved: intervals include it, or are missing")
    style, allocator = context.style, shown["allocator"].iloc[0]
    walks = shown[["walks", "ci_low", "ci_high"]].clip(lower=_LEAST)
    limits = log_limits([*walks.to_numpy(dtype=float).ravel(), 1.0])
    table = shown.assign(
        panel=[_panel(*key) for key in zip(shown["implementation"], shown["process"])],
        median=walks["walks"],
        low=walks["ci_low"],
        high=walks["ci_high"],
    )
    order = [name for name in looks if name in set(table["line"])]
    shifts = {name: _SHIFT ** (place - (len(order) - 1) / 2) for place, name in enumerate(order)}
    table["x"] = table["x"] * table["line"].map(shifts)
    gone = table[table["verdict"] == NEVER]
    # As large a part of the axis, whatever its limits are.
    top = limits[1] * (limits[1] / limits[0]) ** (_RAIL_SHARE / (1.0 - _RAIL_SHARE))
    marker = Line2D([], [], color=style.colour(GREY), linestyle="none", marker="o", mfc=style.paper)
    drawing = Drawing(
        table,
        _panels(table),
        {name: style.look(looks[name]) for name in order},
        "count",
        ONE_LABEL,
        level=1.0,
        shape=Shape(2, aspect=0.6, least_width=22.0),
        limits=(limits[0], top) if len(gone) else limits,
        extra=[(marker, NEVER_LABEL)] if len(gone) else [],
    )
    unresolved = len(found) - len(shown)
    words = words._replace(
        subtitle=f"{context.what}, {allocator}; a walk reads each element once",
        footer=footer_text(
            data.patterns[data.patterns["allocator"] == allocator],
            context,
            "warm_walk_ci_low_ns",
            f"not resolved, and not shown: {unresolved} of {len(found)}" if unresolved else "",
            "at the lower edge: pays at once" if (walks["walks"] <= _LEAST).any() else "",
            "points are shifted sideways, so that bars do not hide each other",
            of="medians of rounds",
        ),
        y_label="walks",
    )
    made = draw_lines(drawing, words, style)
    if len(gone):
        _draw_never(made, drawing, gone, (limits[1], math.sqrt(limits[1] * top)), style)
    return made.figure


def _panel(implementation: str, process: str) -> str:
    return f"{implementations.label(implementation)}, {process}"


def _panels(table: pd.DataFrame) -> list[str]:
    """Those that have something to show, in order."""
    names = implementations.ordered(table["implementation"])
    every = [_panel(name, process) for name in names for process in (COLD, WARM)]
    return [panel for panel in every if panel in set(table["panel"])]


def _draw_never(
    panels: Panels,
    drawing: Drawing,
    gone: pd.DataFrame,
    places: tuple[float, float],
    style: Style,
) -> None:
    """What never pays, on a rail above all that does. places: the end of that, and the rail."""
    end, rail = places
    names = sorted(gone["line"].unique())
    middle = (len(names) - 1) / 2.0
    step = (rail / end) ** (1.2 / max(len(names), 2))
    spread = {line: step ** (place - middle) for place, line in enumerate(names)}
    for axes, name in zip(panels.axes, drawing.panels):
        ticks = [value for value in axes.yaxis.get_major_locator()() if value <= end]
        labels = [tick(value, "count") for value in ticks]
        axes.yaxis.set_major_locator(FixedLocator([*ticks, rail]))
        axes.yaxis.set_major_formatter(FixedFormatter([*labels, "never"]))
        axes.axhspan(end, axes.get_ylim()[1], color=style.empty, zorder=0, linewidth=0.0)
        for line, cells in gone[gone["panel"] == name].groupby("line"):
            add_line(
                axes,
                cells["x"],
                np.full(len(cells), rail * spread[line]),
                color=drawing.looks[line].colour,
                linestyle="none",
                marker=drawing.looks[line].marker,
                markerfacecolor=style.paper,
                markeredgewidth=0.75 * style.line,
                gid="never",
            )
