"""A heat map of strategy x allocator at the article's size. What the heat maps have in common."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm, Normalize, to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

from growbench.data.article import at_article_size
from growbench.figures.axes import log_ticks, tick_step
from growbench.figures.canvas import (
    Context,
    Legend,
    NothingToDraw,
    Panels,
    Shape,
    WIDEST_TICK,
    Words,
    footer_text,
    make_panels,
)
from growbench.data.statuses import SKIPPED_PREDICTED
from growbench.figures.lettering import fitted, name_text, text_width
from growbench.data.metrics import LINEAR, Quantity
from growbench.figures.style import GREY, Style
from growbench.data.units import show, tick

PREDICTED_LABEL = "predicted, not measured"
MISSING_LABEL = "no figure, and why"
# Widths in digits; the longest words in cells are those of statuses.
LEAST_CELL, MOST_CELL = 9.0, 15.0
HATCH_PREDICTED, HATCH_MISSING = "////", "xxxx"
LIGHT, DARK = "#FFFFFF", "#000000"
BAR_GAP, BAR_WIDTH = 1.2, 1.6
TOO_SMALL = "too small\nto resolve"


def draw_heat_map(
    summary: pd.DataFrame,
    context: Context,
    quantity: Quantity,
    empty: str = TOO_SMALL,
    of: str = "",
) -> Figure:
    """`quantity` for each strategy (down) and allocator (across), as colour and as number.

    Cells that were predicted are hatched and in italics; cells without a figure are hatched grey
    and say why, measured ones `empty`. A quantity of linear scale goes from 0 to 1, and 0 is a
    figure. of: as in footer_text(). Raises NothingToDraw.
    """
    linear = quantity.scale == LINEAR
    cells, size = at_article_size(summary)
    median = cells[quantity.median]
    predicted = pd.Series(np.nan, index=cells.index)
    if quantity.predicted is not None:
        predicted = cells[quantity.predicted].where(cells["status"] == SKIPPED_PREDICTED)
    shown = median.where(median >= 0 if linear else median > 0, predicted)
    shown = shown.where(shown >= 0 if linear else shown > 0)
    if not shown.notna().any():
        raise NothingToDraw(f"no cell of {size} has a figure for {quantity.label.lower()}")
    strategies = [name for name in context.strategies if (cells["strategy"] == name).any()]
    allocators = [name for name in context.allocators if (cells["allocator"] == name).any()]

    style = context.style
    digit = text_width("0", style.small_points)
    longest, widest = (
        max(text_width(name_text(name), style.small_points) for name in names)
        for names in (strategies, allocators)
    )
    panels = make_panels(
        1,
        style,
        Words(f"{quantity.label}, {size}", context.what, footer_text(cells, context, None, of=of)),
        _legend((predicted > 0).any(), not shown.notna().all(), style),
        Shape(
            lines=2 * len(strategies),
            least_width=LEAST_CELL * len(allocators),
            most_width=MOST_CELL * len(allocators),
            left=longest,
            right=(BAR_GAP + BAR_WIDTH + 1.0) * digit + text_width(WIDEST_TICK, style.small_points),
            head_lines=1 if widest < LEAST_CELL * digit else 2,
            ticks_below=False,
        ),
    )
    norm = Normalize(0.0, 1.0) if linear else _log_norm(shown)
    for index, cell in cells.iterrows():
        place = (allocators.index(cell["allocator"]), strategies.index(cell["strategy"]))
        is_predicted = not shown[index] == median[index]
        if np.isnan(shown[index]):
            colour, text, hatch = style.empty, _why(cell["status"], empty), HATCH_MISSING
        else:
            colour = colormaps[style.colour_map](norm(shown[index]))
            text, hatch = show(shown[index], quantity.unit), HATCH_PREDICTED
        _draw_cell(panels.axes[0], place, text, colour, hatch if is_predicted else "", style)
    _name_cells(panels, strategies, allocators, style)
    _colour_bar(panels, norm, quantity.unit, style)
    return panels.figure


def _draw_cell(
    axes: Axes, place: tuple[int, int], text: str, colour: Any, hatch: str, style: Style
) -> None:
    """A coloured square with text; what is hatched is in italics."""
    axes.add_artist(
        Rectangle(
            place,
            1,
            1,
            facecolor=colour,
            edgecolor=_faint(colour) if hatch else style.paper,
            hatch=hatch or None,
            linewidth=0.0,
        )
    )
    axes.add_artist(Rectangle(place, 1, 1, fill=False, edgecolor=style.paper, linewidth=1.0))
    axes.text(
        place[0] + 0.5,
        place[1] + 0.5,
        text,
        ha="center",
        va="center",
        color=_ink(colour),
        fontsize=style.small_points,
        fontstyle="italic" if hatch else "normal",
        linespacing=0.9,
        bbox={"facecolor": colour, "edgecolor": "none", "pad": 0.6} if hatch else None,
    )


def _name_cells(panels: Panels, strategies: list[str], allocators: list[str], style: Style) -> None:
    """Names of strategies left of the cells, of allocators above them, and no frame."""
    axes = panels.axes[0]
    axes.grid(False)
    axes.set_xlim(0, len(allocators))
    axes.set_ylim(len(strategies), 0)
    axes.xaxis.tick_top()
    cell_width = panels.width / len(allocators)
    heads = [_column_head(name, cell_width, style) for name in allocators]
    axes.set_xticks(np.arange(len(allocators)) + 0.5, heads)
    axes.set_yticks(np.arange(len(strategies)) + 0.5, [name_text(name) for name in strategies])
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)


def _legend(has_predicted: bool, has_missing: bool, style: Style) -> Legend:
    """What hatches mean, below the map: the colour bar is right of it."""
    rows = (
        (has_predicted, PREDICTED_LABEL, style.paper, HATCH_PREDICTED),
        (has_missing, MISSING_LABEL, style.empty, HATCH_MISSING),
    )
    handles = [
        Rectangle((0, 0), 1, 1, facecolor=face, edgecolor=GREY, hatch=hatch, linewidth=0.5)
        for there, _, face, hatch in rows
        if there
    ]
    return Legend(handles, [label for there, label, *_ in rows if there], below=True)


def _column_head(name: str, width: float, style: Style) -> str:
    """A name as the head of a column: at most two lines that fit between its neighbours."""
    name, points = name_text(name), style.small_points
    width -= 0.5 * points / 72.0
    if text_width(name, points) <= width:
        return name
    first = fitted(name, width, points)[:-1]
    return f"{first}\n{fitted(name[len(first):], width, points)}"


def _log_norm(shown: pd.Series) -> LogNorm:
    low, high = float(shown.min()), float(shown.max())
    if high < low * 1.01:
        low, high = low / 1.1, high * 1.1
    return LogNorm(low, high)


def _why(status: str, empty: str) -> str:
    """Why a cell has no figure, to fit into it; `empty` for one that was measured."""
    return empty if status in ("ok", "partial") else status.replace("_", "\n")


def _ink(colour: object) -> str:
    """Black or white, whichever is easier to read on the colour (WCAG's relative luminance)."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return DARK if (luminance + 0.05) / 0.05 > 1.05 / (luminance + 0.05) else LIGHT


def _faint(colour: object) -> tuple[float, float, float]:
    """A colour for hatching: a third of the way from the cell's colour to its ink."""
    ink = to_rgb(_ink(colour))
    red, green, blue = (c + (i - c) / 3.0 for c, i in zip(to_rgb(colour), ink))
    return red, green, blue


def _colour_bar(panels: Panels, norm: Normalize, unit: str, style: Style) -> None:
    figure, place = panels.figure, panels.axes[0].get_position()
    digit = text_width("0", style.small_points) / figure.get_size_inches()[0]
    axes = figure.add_axes((place.x1 + BAR_GAP * digit, place.y0, BAR_WIDTH * digit, place.height))
    axes.grid(False)
    is_log = isinstance(norm, LogNorm)
    if is_log:
        edges = np.geomspace(norm.vmin, norm.vmax, 65)
        middles = np.sqrt(edges[:-1] * edges[1:])
        ticks = log_ticks(norm.vmin, norm.vmax, unit)
    else:
        edges = np.linspace(norm.vmin, norm.vmax, 65)
        middles = (edges[:-1] + edges[1:]) / 2.0
        ticks = [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]
    axes.pcolormesh(
        [0.0, 1.0],
        edges,
        middles.reshape(-1, 1),
        norm=norm,
        cmap=style.colour_map,
        rasterized=False,
        edgecolor="face",
        linewidth=0.2,
    )
    axes.set_yscale("log" if is_log else "linear")
    axes.set_ylim(norm.vmin, norm.vmax)
    labels = [tick(value, unit) for value in ticks]
    step = tick_step(axes, "y", [float(norm(value)) for value in ticks], labels, style)
    axes.yaxis.set_major_locator(FixedLocator(ticks[::step]))
    axes.yaxis.set_major_formatter(FixedFormatter(labels[::step]))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.tick_right()
    axes.set_xticks([])
