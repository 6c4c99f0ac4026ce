"""Time against peak memory at the article's size, with the Pareto front. What the plots of time
against peak have in common."""

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from growbench.data.article import at_article_size
from growbench.figures.axes import add_line, log_limits, set_log_axis
from growbench.figures.canvas import (
    Context,
    Legend,
    NothingToDraw,
    Shape,
    Words,
    footer_text,
    make_panels,
    panel_title,
)
from growbench.figures.lettering import name_text
from growbench.data.metrics import PEAK_RATIO, Quantity, metric
from growbench.figures.style import GREY, Look, Style

FRONT_LABEL = "Pareto front"
LEGEND_TITLE = "marker: strategy, colour: allocator"
ZOOM = 4
# Markers are in those of the style's own.
_MARKER = 1.5


def pareto_front(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Indices of the points that no other point beats, sorted by x; smaller is better in both.

    A point is beaten by one that is not worse in either and better in one. Of equal points the
    first is kept.
    """
    order = np.lexsort((y, x))
    front = []
    best = np.inf
    for index in order:
        if y[index] < best:
            best = y[index]
            front.append(index)
    return np.array(front, dtype=int)


def draw_time_against_peak(summary: pd.DataFrame, context: Context, time: Quantity) -> Figure:
    """`time` (up) against peak memory (across): markers are strategies, colours allocators.

    Cells whose peak is too close to the resolution of the reading are left out, as are those
    without figures. Where a few slow cells press the others together, a second panel shows those
    near the fastest. Raises NothingToDraw.
    """
    peak = metric("peak_memory").quantity
    cells, size = at_article_size(summary)
    drawn = cells[(cells[time.median] > 0) & (cells[PEAK_RATIO.median] > 0)].reset_index(drop=True)
    if drawn.empty:
        raise NothingToDraw(f"no cell of {size} has both a time and a peak that can be resolved")
    strategies = {n: k for n, k in context.strategies.items() if (drawn["strategy"] == n).any()}
    allocators = {n: k for n, k in context.allocators.items() if (drawn["allocator"] == n).any()}
    style = context.style
    near = drawn[drawn[time.median] <= ZOOM * drawn[time.median].min()]
    views = [drawn] if len(near) == len(drawn) else [drawn, near]
    words = Words(
        f"{time.label} against peak memory, {size}",
        f"{context.what}; nearer to the lower left corner is better",
        footer_text(drawn, context, time.low, _left_out_text(len(cells) - len(drawn), len(cells))),
        peak.label,
        time.label,
    )
    legend = _legend(strategies, allocators, style)
    panels = make_panels(len(views), style, words, legend, Shape(aspect=1.0, own_y=True))
    for axes, view in zip(panels.axes, views):
        set_log_axis(axes, "x", _limits(view, peak), peak.unit, style)
        set_log_axis(axes, "y", _limits(view, time), time.unit, style)
        _draw_front(axes, view[peak.median].to_numpy(), view[time.median].to_numpy(), style)
        for cell in view.to_dict("records"):
            # The colour of the one, the marker of the other.
            look = strategies[cell["strategy"]]._replace(
                colour=allocators[cell["allocator"]].colour
            )
            _draw_cell(axes, cell, peak, time, look, style)
    if len(views) == 2:
        panel_title(panels, panels.axes[0], style, "all cells")
        panel_title(panels, panels.axes[1], style, f"within {ZOOM} times of the fastest")
    return panels.figure


def _left_out_text(left_out: int, count: int) -> str:
    if left_out == 0:
        return ""
    return f"not shown, without a time or a peak: {left_out} of {count} cells"


def _limits(cells: pd.DataFrame, quantity: Quantity) -> tuple[float, float]:
    return log_limits(cells[[quantity.median, quantity.low, quantity.high]].to_numpy().ravel())


def _draw_front(axes: Axes, x: np.ndarray, y: np.ndarray, style: Style) -> None:
    front = pareto_front(x, y)
    add_line(
        axes,
        [x[front[0]], *x[front], axes.get_xlim()[1]],
        [axes.get_ylim()[1], *y[front], y[front[-1]]],
        color=style.colour(GREY),
        linestyle="--",
        linewidth=0.8 * style.line,
        drawstyle="steps-post",
        zorder=1,
        gid="front",
    )


def _draw_cell(
    axes: Axes, cell: dict, peak: Quantity, time: Quantity, look: Look, style: Style
) -> None:
    x, y = cell[peak.median], cell[time.median]
    if cell[time.low] > 0 and cell[peak.low] > 0:
        bars = [
            [(x, cell[time.low]), (x, cell[time.high])],
            [(cell[peak.low], y), (cell[peak.high], y)],
        ]
        width = 0.65 * style.line
        axes.add_collection(
            LineCollection(bars, colors=look.colour, linewidths=width), autolim=False
        )
    add_line(
        axes,
        [x],
        [y],
        color=look.colour,
        marker=look.marker,
        markersize=_MARKER * style.marker,
        markeredgecolor=style.paper,
        markeredgewidth=0.3 * style.line,
        linestyle="none",
    )


def _legend(strategies: dict[str, Look], allocators: dict[str, Look], style: Style) -> Legend:
    """Markers for strategies, colours for allocators, and the front."""
    entries: list[tuple[Artist, str]] = []
    for name, look in strategies.items():
        shape = {"marker": look.marker, "markersize": _MARKER * style.marker}
        marker = Line2D([], [], color=style.faint_ink, linestyle="none", **shape)
        entries.append((marker, name_text(name)))
    for name, look in allocators.items():
        colour = Line2D([], [], color=look.colour, linewidth=4 * style.line, solid_capstyle="butt")
        entries.append((colour, name_text(name)))
    front = Line2D([], [], color=style.colour(GREY), linestyle="--", linewidth=0.8 * style.line)
    entries.append((front, FRONT_LABEL))
    handles, labels = zip(*entries)
    return Legend(handles, labels, LEGEND_TITLE)
