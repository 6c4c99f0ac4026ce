"""Panels of lines against bytes, of an array or of a stride: what plots of patterns share."""

import math
from typing import NamedTuple, Optional, Sequence

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from growbench.figures.axes import add_line, log_limits, log_ticks, sample, set_log_axis
from growbench.figures.canvas import (
    Legend,
    NothingToDraw,
    Panels,
    Shape,
    Words,
    make_panels,
    panel_title,
)
from growbench.figures.lettering import name_text, text_width
from growbench.figures.line_panels import draw_points
from growbench.analysis.patterns import ELEMENT_BYTES
from growbench.figures.style import GREY, Look, Style
from growbench.data.units import tick

_GUIDE = 0.75


class Drawing(NamedTuple):
    """What draw_lines() draws.

    table: the columns panel, line, x, median, low, high. panels: in their order.
    looks: of the lines, in the order of the legend. unit: of the y axis. guide: a level value, or
    for each panel the columns x and median; with its label. limits: of the y axis, if
    the data should not decide. shape: of the panels.
    extra: further entries of the legend.
    """

    table: pd.DataFrame
    panels: Sequence[str]
    looks: dict[str, Look]
    unit: str
    guide_label: str = ""
    guide: Optional[pd.DataFrame] = None
    level: Optional[float] = None
    limits: Optional[tuple[float, float]] = None
    shape: Shape = Shape(least_width=22.0)
    extra: Sequence[tuple[Artist, str]] = ()


def draw_lines(drawing: Drawing, words: Words, style: Style) -> Panels:
    """A panel for each of the panels, lines with 95% intervals, logarithmic axes that all share.

    Raises NothingToDraw if no line has a figure above 0.
    """
    table = drawing.table
    table = table[(table["median"] > 0) & np.isfinite(table["median"])]
    if table.empty and drawing.limits is None:
        raise NothingToDraw(f"no cell has a figure for {words.title.lower()}")
    panels = make_panels(
        len(drawing.panels),
        style,
        words,
        _legend(drawing, style),
        drawing.shape,
    )
    x_limits = log_limits(drawing.table["x"])
    x_ticks = _ticks_inside(x_limits, panels.width, style)
    values = table[["median", "low", "high"]].to_numpy(dtype=float).ravel()
    level = [] if drawing.level is None else [drawing.level]
    guided = [] if drawing.guide is None else drawing.guide["median"].tolist()
    y_limits = drawing.limits or log_limits([*values, *level, *guided])
    for axes, name in zip(panels.axes, drawing.panels):
        set_log_axis(axes, "x", x_limits, "bytes", style, x_ticks)
        set_log_axis(axes, "y", y_limits, drawing.unit, style)
        panel_title(panels, axes, style, name_text(name))
        _draw_guide(axes, drawing, style)
        own = table[table["panel"] == name]
        for line, look in drawing.looks.items():
            cells = own[own["line"] == line].sort_values("x")
            if len(cells):
                draw_points(axes, cells[_COLUMNS].to_numpy(dtype=float), look, style)
    return panels


def _ticks_inside(limits: tuple[float, float], width: float, style: Style) -> list[float]:
    """Those whose labels, which are long for bytes, do not reach into the next panel's."""
    low, high = limits
    room = width + 0.5 * style.small_points / 72.0
    ticks = log_ticks(low, high, "bytes")

    def sticks_out(value: float) -> bool:
        place = width * math.log(value / low) / math.log(high / low)
        half = text_width(tick(value, "bytes"), style.small_points) / 2.0
        return place + half > room or place - half < width - room

    return [value for value in ticks if not sticks_out(value)] or ticks[:1]


_COLUMNS = ["x", "median", "low", "high"]


def _draw_guide(axes: Axes, drawing: Drawing, style: Style) -> None:
    look = {"color": style.colour(GREY), "linewidth": _GUIDE * style.line, "zorder": 1}
    if drawing.level is not None:
        axes.axhline(drawing.level, gid="guide", **look)
    if drawing.guide is not None:
        add_line(axes, drawing.guide["x"], drawing.guide["median"], gid="guide", **look)


def _legend(drawing: Drawing, style: Style) -> Legend:
    handles: list[Artist] = [sample(look) for look in drawing.looks.values()]
    labels = [name_text(name) for name in drawing.looks]
    if drawing.guide_label:
        width = _GUIDE * style.line
        handles.append(Line2D([], [], color=style.colour(GREY), linewidth=width))
        labels.append(drawing.guide_label)
    for artist, label in drawing.extra:
        handles.append(artist)
        labels.append(label)
    return Legend(handles, labels)


def ordinal(number: int) -> str:
    """ "2nd", "11th", "64th"."""
    last = number % 10 if number // 10 % 10 != 1 else 0
    suffix = {1: "st", 2: "nd", 3: "rd"}.get(last, "th")
    return f"{number}{suffix}"


# A shape counts as square up to this ratio of its sides.
_SQUARE = 2.0


def squarest(cells: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    """One cell for each size of those that agree in `keys`, so that lines tell of sizes and not of
    shapes: of square arrays if there are several sizes of these, or else of each size the shape
    that is nearest to a square."""
    lean = np.log(cells["rows"].clip(lower=1) * ELEMENT_BYTES / cells["row_bytes"].clip(lower=1))
    lean = lean.abs()
    square = lean <= np.log(_SQUARE)
    if cells.loc[square, "payload_bytes"].nunique() > 1:
        cells, lean = cells[square], lean[square]
    ordered = cells.assign(lean=lean).sort_values(["lean", "row_bytes"], kind="stable")
    return ordered.drop_duplicates([*keys, "payload_bytes"]).drop(columns="lean").sort_index()


def shapes_text(cells: pd.DataFrame) -> str:
    """Of which shapes the cells are that squarest() chose, for a footer."""
    if (cells["rows"] * ELEMENT_BYTES == cells["row_bytes"]).all():
        return "square arrays"
    return "shapes nearest to a square"
