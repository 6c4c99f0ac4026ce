"""Memory while the array grows: live and resident bytes against rows appended, a panel for each
strategy, at the article's size."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from growbench.article import at_article_size
from growbench.axes import set_linear_axis
from growbench.canvas import (
    Context,
    NothingToDraw,
    add_legend,
    label_panels,
    make_panels,
    name_text,
)
from growbench.data import Data
from growbench.style import GREY

NAME = "timeline"
HELP = "live and resident memory against rows appended, a panel per strategy"
LIVE_COLOUR, SPIKE_COLOUR = "#888888", "#C8C8C8"
OWN_Y_GAP = 0.6
LIVE_LABEL = "requested and live"
SPIKE_LABEL = "the same while a block moves"
PAYLOAD_LABEL = "the rows alone"


def draw(data: Data, context: Context) -> Figure:
    if data.timeline.empty:
        raise NothingToDraw("the run has no timeline.csv, or no points of these cells in it")
    points, size = at_article_size(data.timeline)
    strategies = [name for name in context.strategies if (points["strategy"] == name).any()]
    allocators = {n: k for n, k in context.allocators.items() if (points["allocator"] == n).any()}
    handles = [
        Line2D([], [], color=LIVE_COLOUR, linewidth=2.6),
        Line2D([], [], color=SPIKE_COLOUR, linewidth=3.5),
        Line2D([], [], color=GREY, linestyle=":"),
        *(Line2D([], [], color=k.colour, linestyle=k.line, lw=1.0) for k in allocators.values()),
    ]
    labels = [LIVE_LABEL, SPIKE_LABEL, PAYLOAD_LABEL]
    labels += [f"resident, {name_text(name)}" for name in allocators]
    panels = make_panels(
        len(strategies),
        4,
        labels,
        f"Memory while the array grows, {size}",
        f"{context.what}; each panel has its own axis of memory",
        f"{context.machine_id}  \N{MIDDLE DOT}  one traced build of each cell; resident is above "
        "what it was before the build; moving blocks: the most of any allocator",
        gap_x=OWN_Y_GAP,
    )
    rows = int(points["rows"].iloc[0])
    for axes, strategy in zip(panels.axes, strategies):
        axes.set_title(name_text(strategy), loc="left", fontweight="bold")
        set_linear_axis(axes, "x", max(rows, 1) * 1.02, "count")
        own = points[points["strategy"] == strategy]
        payload = rows * int(own["row_bytes"].iloc[0])
        high = own[["live_bytes", "live_peak_bytes", "resident_bytes"]].max().max()
        set_linear_axis(axes, "y", max(float(high), payload, 1.0) * 1.05, "bytes")
        axes.plot([0, rows], [0, payload], color=GREY, linestyle=":", linewidth=0.9)
        _draw_live(axes, own)
        for allocator, look in allocators.items():
            line = own[own["allocator"] == allocator]
            _steps(axes, line, "resident_bytes", look.colour, look.line, 1.0)
    label_panels(panels, "rows appended", "memory", own_y=True)
    add_legend(panels, handles, labels, "memory")
    return panels.figure


def _draw_live(axes: Axes, points: pd.DataFrame) -> None:
    """What is requested, which does not depend on the allocator, and the spikes, which do."""
    first = points[points["allocator"] == points["allocator"].iloc[0]]
    spikes = points.groupby("rows_appended")[["live_bytes", "live_peak_bytes"]].max()
    higher = spikes[spikes["live_peak_bytes"] > spikes["live_bytes"]]
    x = higher.index.to_numpy(dtype=float)
    gap = np.full(len(x), np.nan)
    axes.plot(
        np.column_stack([x, x, gap]).ravel(),
        np.column_stack([higher["live_bytes"], higher["live_peak_bytes"], gap]).ravel(),
        color=SPIKE_COLOUR,
        linewidth=3.5,
        solid_capstyle="butt",
        gid="spikes",
    )
    _steps(axes, first, "live_bytes", LIVE_COLOUR, "-", 2.6)


def _steps(
    axes: Axes, points: pd.DataFrame, column: str, colour: str, line: object, width: float
) -> None:
    """A value holds until the next point."""
    axes.plot(
        points["rows_appended"].to_numpy(dtype=float),
        points[column].to_numpy(dtype=float),
        color=colour,
        linestyle=line,
        linewidth=width,
        drawstyle="steps-post",
        gid=column,
    )
