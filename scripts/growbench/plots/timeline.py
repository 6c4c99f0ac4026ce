"""Memory while the array grows: live and resident bytes against rows appended, a panel for each
strategy, at the article's size."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from growbench.data.article import at_article_size
from growbench.figures.axes import add_line, set_linear_axis
from growbench.figures.canvas import (
    Context,
    Legend,
    NothingToDraw,
    Shape,
    Words,
    make_panels,
    panel_title,
)
from growbench.analysis.analyse import Data
from growbench.figures.lettering import name_text
from growbench.figures.style import GREY, Look, Style

NAME = "timeline"
HELP = "live and resident memory against rows appended, a panel per strategy"
LIVE_LABEL = "requested and live"
SPIKE_LABEL = "the same while a block moves"
PAYLOAD_LABEL = "the rows alone"
# Widths of lines are in those of the style's own.
_LIVE, _SPIKE, _PAYLOAD, _RESIDENT = 2.2, 2.9, 0.75, 0.85


def draw(data: Data, context: Context) -> Figure:
    if data.timeline.empty:
        raise NothingToDraw("the run has no timeline.csv, or no points of these cells in it")
    points, size = at_article_size(data.timeline)
    strategies = [name for name in context.strategies if (points["strategy"] == name).any()]
    allocators = {n: k for n, k in context.allocators.items() if (points["allocator"] == n).any()}
    style = context.style
    words = Words(
        f"Memory while the array grows, {size}",
        f"{context.what}; each panel has its own axis of memory",
        f"{context.machine_id}  \N{MIDDLE DOT}  one traced build of each cell; resident is above "
        "what it was before the build; moving blocks: the most of any allocator",
        "rows appended",
        "memory",
    )
    legend = _legend(allocators, style)
    panels = make_panels(len(strategies), style, words, legend, Shape(own_y=True))
    grey, thin = style.colour(GREY), _PAYLOAD * style.line
    rows = int(points["rows"].iloc[0])
    for axes, strategy in zip(panels.axes, strategies):
        panel_title(panels, axes, style, name_text(strategy))
        set_linear_axis(axes, "x", max(rows, 1) * 1.02, "count", style)
        own = points[points["strategy"] == strategy]
        payload = rows * int(own["row_bytes"].iloc[0])
        high = own[["live_bytes", "live_peak_bytes", "resident_bytes"]].max().max()
        set_linear_axis(axes, "y", max(float(high), payload, 1.0) * 1.05, "bytes", style)
        add_line(axes, [0, rows], [0, payload], color=grey, linestyle=":", linewidth=thin)
        _draw_live(axes, own, style)
        for allocator, look in allocators.items():
            line = own[own["allocator"] == allocator]
            _steps(axes, line, "resident_bytes", look, _RESIDENT * style.line)
    return panels.figure


def _legend(allocators: dict[str, Look], style: Style) -> Legend:
    live, spike = style.bands
    resident = _RESIDENT * style.line
    handles = [
        Line2D([], [], color=live, linewidth=_LIVE * style.line),
        Line2D([], [], color=spike, linewidth=_SPIKE * style.line),
        Line2D([], [], color=style.colour(GREY), linestyle=":", linewidth=_PAYLOAD * style.line),
        *(
            Line2D([], [], color=look.colour, linestyle=look.line, linewidth=resident)
            for look in allocators.values()
        ),
    ]
    labels = [LIVE_LABEL, SPIKE_LABEL, PAYLOAD_LABEL]
    labels += [f"resident, {name_text(name)}" for name in allocators]
    return Legend(handles, labels, "memory")


def _draw_live(axes: Axes, points: pd.DataFrame, style: Style) -> None:
    """What is requested, which does not depend on the allocator, and the spikes, which do."""
    live, spike = style.bands
    first = points[points["allocator"] == points["allocator"].iloc[0]]
    spikes = points.groupby("rows_appended")[["live_bytes", "live_peak_bytes"]].max()
    higher = spikes[spikes["live_peak_bytes"] > spikes["live_bytes"]]
    x = higher.index.to_numpy(dtype=float)
    gap = np.full(len(x), np.nan)
    add_line(
        axes,
        np.column_stack([x, x, gap]).ravel(),
        np.column_stack([higher["live_bytes"], higher["live_peak_bytes"], gap]).ravel(),
        color=spike,
        linewidth=_SPIKE * style.line,
        solid_capstyle="butt",
        gid="spikes",
    )
    _steps(axes, first, "live_bytes", Look(live, None), _LIVE * style.line)


def _steps(axes: Axes, points: pd.DataFrame, column: str, look: Look, width: float) -> None:
    """A value holds until the next point."""
    add_line(
        axes,
        points["rows_appended"].to_numpy(dtype=float),
        points[column].to_numpy(dtype=float),
        color=look.colour,
        linestyle=look.line,
        linewidth=width,
        drawstyle="steps-post",
        gid=column,
    )
