"""A heat map of strategy x allocator at the article's size. What the heat maps have in common."""

from typing import Optional

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.colors import LogNorm, Normalize, to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

from growbench.article import at_article_size
from growbench.axes import log_ticks
from growbench.canvas import (
    Context,
    NothingToDraw,
    Panels,
    footer_text,
    make_panels,
    name_text,
    text_width,
)
from growbench.columns import SKIPPED_PREDICTED
from growbench.metrics import LINEAR, Quantity
from growbench.units import show, tick

CELL_WIDTH, CELL_HEIGHT = 0.92, 0.34
PREDICTED_LABEL = "predicted, not measured"
MISSING_LABEL = "no figure, and why"
HATCH_PREDICTED, HATCH_MISSING = "////", "xxxx"
LIGHT, DARK = "#FFFFFF", "#000000"


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

    labels = [PREDICTED_LABEL] if (predicted > 0).any() else []
    if not shown.notna().all():
        labels.append(MISSING_LABEL)
    longest = max(text_width(name_text(name), 8.5) for name in strategies)
    # The colour bar stands where other figures have their legend; the legend is below the map.
    panels = make_panels(
        1,
        1,
        ["x" * 5],
        f"{quantity.label}, {size}",
        context.what,
        footer_text(cells, context, None, of=of),
        panel=(CELL_WIDTH * len(allocators), CELL_HEIGHT * len(strategies)),
        left=longest + 0.3,
        bottom=0.45 + (0.3 if labels else 0.0),
    )
    axes = panels.axes[0]
    axes.set_xlim(0, len(allocators))
    axes.set_ylim(len(strategies), 0)
    norm = Normalize(0.0, 1.0) if linear else _log_norm(shown)
    for index, cell in cells.iterrows():
        x, y = allocators.index(cell["allocator"]), strategies.index(cell["strategy"])
        value = shown[index]
        there = not np.isnan(value)
        is_predicted = not value == median[index]
        colour = colormaps["viridis_r"](norm(value)) if there else "#EEEEEE"
        hatch: Optional[str] = None
        if is_predicted:
            hatch = HATCH_PREDICTED if there else HATCH_MISSING
        ink = _ink(colour)
        axes.add_patch(
            Rectangle(
                (x, y),
                1,
                1,
                facecolor=colour,
                edgecolor=_faint(colour) if hatch else "white",
                hatch=hatch,
                linewidth=0.0,
            )
        )
        axes.add_patch(Rectangle((x, y), 1, 1, fill=False, edgecolor="white", linewidth=1.0))
        text = show(value, quantity.unit) if there else _why(cell["status"], empty)
        axes.text(
            x + 0.5,
            y + 0.5,
            text,
            ha="center",
            va="center",
            color=ink,
            fontsize=8.0 if there else 6.0,
            fontstyle="italic" if is_predicted else "normal",
            linespacing=0.95,
            bbox={"facecolor": colour, "edgecolor": "none", "pad": 1.0} if hatch else None,
        )
    axes.xaxis.tick_top()
    axes.set_xticks(np.arange(len(allocators)) + 0.5, [_column_head(name) for name in allocators])
    axes.set_yticks(np.arange(len(strategies)) + 0.5, [name_text(name) for name in strategies])
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    _colour_bar(panels, norm, quantity.unit)
    handles = [
        Rectangle((0, 0), 1, 1, facecolor=face, edgecolor="#777777", hatch=hatch, linewidth=0.5)
        for label, face, hatch in (
            (PREDICTED_LABEL, "#FFFFFF", HATCH_PREDICTED),
            (MISSING_LABEL, "#EEEEEE", HATCH_MISSING),
        )
        if label in labels
    ]
    if labels:
        place, height = axes.get_position(), panels.figure.get_size_inches()[1]
        panels.figure.legend(
            handles,
            labels,
            loc="upper left",
            bbox_to_anchor=(place.x0, place.y0 - 0.08 / height),
            borderaxespad=0.0,
            ncol=2,
        )
    return panels.figure


def _column_head(name: str) -> str:
    """A name as the head of a column: at most two lines that fit between its neighbours."""
    name = name_text(name)
    rest = name[13:] if len(name) <= 26 else name[13:25] + "\N{HORIZONTAL ELLIPSIS}"
    return f"{name[:13]}\n{rest}".rstrip()


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


def _colour_bar(panels: Panels, norm: Normalize, unit: str) -> None:
    figure, place = panels.figure, panels.axes[0].get_position()
    width = figure.get_size_inches()[0]
    axes = figure.add_axes((place.x1 + 0.2 / width, place.y0, 0.13 / width, place.height))
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
        cmap="viridis_r",
        rasterized=False,
        edgecolor="face",
        linewidth=0.2,
    )
    axes.set_yscale("log" if is_log else "linear")
    axes.set_ylim(norm.vmin, norm.vmax)
    axes.yaxis.set_major_locator(FixedLocator(ticks))
    axes.yaxis.set_major_formatter(FixedFormatter([tick(value, unit) for value in ticks]))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.tick_right()
    axes.set_xticks([])
