"""Time against peak memory at the article's size, with the Pareto front. What the plots of time
against peak have in common."""

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from growbench.article import at_article_size
from growbench.axes import log_limits, set_log_axis
from growbench.canvas import (
    Context,
    NothingToDraw,
    add_legend,
    footer_text,
    label_panels,
    make_panels,
    name_text,
)
from growbench.metrics import PEAK_RATIO, Quantity, metric
from growbench.style import Look

FRONT_LABEL = "Pareto front"
FRONT_COLOUR = "#999999"
LEGEND_TITLE = "marker: strategy, colour: allocator"
ZOOM = 4


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
    handles, labels = _legend(strategies, allocators)
    near = drawn[drawn[time.median] <= ZOOM * drawn[time.median].min()]
    views = [drawn] if len(near) == len(drawn) else [drawn, near]
    panels = make_panels(
        len(views),
        len(views),
        [*labels, LEGEND_TITLE],
        f"{time.label} against peak memory, {size}",
        f"{context.what}; nearer to the lower left corner is better",
        footer_text(drawn, context, time.low, _left_out_text(len(cells) - len(drawn), len(cells))),
        panel=(4.4, 4.4),
        gap_x=0.75,
    )
    for axes, view in zip(panels.axes, views):
        set_log_axis(axes, "x", _limits(view, peak), peak.unit)
        set_log_axis(axes, "y", _limits(view, time), time.unit)
        _draw_front(axes, view[peak.median].to_numpy(), view[time.median].to_numpy())
        for cell in view.to_dict("records"):
            colour = allocators[cell["allocator"]].colour
            _draw_cell(axes, cell, peak, time, colour, strategies[cell["strategy"]].marker)
    if len(views) == 2:
        panels.axes[0].set_title("all cells", loc="left")
        panels.axes[1].set_title(f"within {ZOOM} times of the fastest", loc="left")
    label_panels(panels, peak.label, time.label, own_y=True)
    add_legend(panels, handles, labels, LEGEND_TITLE)
    return panels.figure


def _left_out_text(left_out: int, count: int) -> str:
    if left_out == 0:
        return ""
    return f"not shown, without a time or a peak: {left_out} of {count} cells"


def _limits(cells: pd.DataFrame, quantity: Quantity) -> tuple[float, float]:
    return log_limits(cells[[quantity.median, quantity.low, quantity.high]].to_numpy().ravel())


def _draw_front(axes: Axes, x: np.ndarray, y: np.ndarray) -> None:
    front = pareto_front(x, y)
    axes.plot(
        [x[front[0]], *x[front], axes.get_xlim()[1]],
        [axes.get_ylim()[1], *y[front], y[front[-1]]],
        color=FRONT_COLOUR,
        linestyle="--",
        linewidth=1.0,
        drawstyle="steps-post",
        zorder=1,
        gid="front",
    )


def _draw_cell(
    axes: Axes, cell: dict, peak: Quantity, time: Quantity, colour: str, marker: object
) -> None:
    x, y = cell[peak.median], cell[time.median]
    if cell[time.low] > 0 and cell[peak.low] > 0:
        bars = [
            [(x, cell[time.low]), (x, cell[time.high])],
            [(cell[peak.low], y), (cell[peak.high], y)],
        ]
        axes.add_collection(LineCollection(bars, colors=colour, linewidths=0.8), autolim=False)
    axes.plot(
        x,
        y,
        color=colour,
        marker=marker,
        markersize=6.5,
        markeredgecolor="white",
        markeredgewidth=0.4,
        linestyle="none",
    )


def _legend(
    strategies: dict[str, Look], allocators: dict[str, Look]
) -> tuple[list[Artist], list[str]]:
    """Markers for strategies, colours for allocators, and the front."""
    entries: list[tuple[Artist, str]] = []
    for name, look in strategies.items():
        marker = Line2D([], [], color="#555555", linestyle="none", marker=look.marker, ms=6)
        entries.append((marker, name_text(name)))
    for name, look in allocators.items():
        colour = Line2D([], [], color=look.colour, linewidth=5, solid_capstyle="butt")
        entries.append((colour, name_text(name)))
    entries.append((Line2D([], [], color=FRONT_COLOUR, linestyle="--"), FRONT_LABEL))
    return [entry[0] for entry in entries], [entry[1] for entry in entries]
