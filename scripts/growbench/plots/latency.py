"""The time of single appends by percentile: a panel for each allocator, a line for each strategy,
at the article's size."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedFormatter, FixedLocator

from growbench.data.article import at_article_size
from growbench.figures.axes import add_line, log_limits, sample, set_log_axis
from growbench.figures.canvas import (
    Context,
    Legend,
    NothingToDraw,
    Words,
    footer_text,
    make_panels,
    panel_title,
)
from growbench.analysis.analyse import Data
from growbench.analysis.latency import NEAR_TIMER, PERCENTILES, is_near_timer
from growbench.figures.lettering import name_text
from growbench.figures.style import GREY, Look, Style

NAME = "latency"
HELP = "percentiles of the time of single appends in a cold build, at the article's size"
TIMER_LABEL = "reading the clock"
NEAR_LABEL = f"below {NEAR_TIMER:g} times that"
_COLUMNS = [percentile.column for percentile in PERCENTILES]
# Without the per cent sign six of them fit beside each other.
_TICKS = [percentile.name.rstrip("%") for percentile in PERCENTILES]
# log10 of 1 / (1 - p); the slowest of all has a place of its own after the others.
_PLACES = [np.log10(p.one_in) if p.one_in else 5.0 for p in PERCENTILES]


def draw(data: Data, context: Context) -> Figure:
    known = data.latency[data.latency["ok_count"] > 0]
    if known.empty:
        raise NothingToDraw("no cell was measured in the latency pass")
    cells, size = at_article_size(known)
    strategies = {n: k for n, k in context.strategies.items() if (cells["strategy"] == n).any()}
    allocators = [name for name in context.allocators if (cells["allocator"] == name).any()]
    error = cells["latency_error_share"].max()
    style = context.style
    grey, thin = style.colour(GREY), 0.75 * style.line
    words = Words(
        f"Time of single appends by percentile, {size}",
        f"{context.what}; cold build, the clock's own cost included",
        footer_text(cells, context, None, f"percentiles within {error:.1%}" if error > 0 else ""),
        "percentile of the appends",
        "time of an append",
    )
    panels = make_panels(len(allocators), style, words, _legend(strategies, style))
    timer = float(cells["latency_timer_ns"].median())
    values = cells[_COLUMNS].to_numpy(dtype=float).ravel()
    limits = log_limits(np.append(values, timer))
    for axes, allocator in zip(panels.axes, allocators):
        set_log_axis(axes, "y", limits, "ns", style)
        axes.set_xlim(_PLACES[0] - 0.3, _PLACES[-1] + 0.3)
        axes.xaxis.set_major_locator(FixedLocator(_PLACES))
        axes.xaxis.set_major_formatter(FixedFormatter(_TICKS))
        panel_title(panels, axes, style, name_text(allocator))
        axes.axhline(timer, color=grey, linestyle="--", linewidth=thin, zorder=1)
        own = cells[cells["allocator"] == allocator]
        near = np.column_stack([is_near_timer(own, p) for p in PERCENTILES])
        for row, strategy in enumerate(own["strategy"]):
            heights = own[_COLUMNS].iloc[row].to_numpy(dtype=float)
            _draw_line(axes, heights, near[row], strategies[strategy], style)
    return panels.figure


def _draw_line(axes: Axes, heights: np.ndarray, near: np.ndarray, look: Look, style: Style) -> None:
    there = heights > 0
    x = np.array(_PLACES)
    add_line(axes, x[there], heights[there], color=look.colour, linestyle=look.line)
    hollow = (there & near, style.paper, 0.75 * style.line, "near")
    for chosen, face, edge, gid in ((there & ~near, look.colour, 0.0, None), hollow):
        add_line(
            axes,
            x[chosen],
            heights[chosen],
            color=look.colour,
            linestyle="none",
            marker=look.marker,
            markerfacecolor=face,
            markeredgewidth=edge,
            gid=gid,
        )


def _legend(strategies: dict[str, Look], style: Style) -> Legend:
    handles = [sample(look) for look in strategies.values()]
    grey = style.colour(GREY)
    handles.append(Line2D([], [], color=grey, linestyle="--", linewidth=0.75 * style.line))
    handles.append(Line2D([], [], color=grey, linestyle="none", marker="o", mfc=style.paper))
    labels = [*(name_text(name) for name in strategies), TIMER_LABEL, NEAR_LABEL]
    return Legend(handles, labels, "strategy")
