"""The article's loop on each allocator: where its time goes in NumPy and in C, and how many times
as long as preallocating that is."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedFormatter, FixedLocator

from growbench.figures import beside
from growbench.data.article import FAST, METRIC, SLOW, at_article_size
from growbench.analysis.attribution import PARTS
from growbench.figures.axes import add_line, set_linear_axis, tick_step
from growbench.figures.canvas import (
    Context,
    NothingToDraw,
    Panels,
    Shape,
    Words,
    footer_text,
    make_panels,
    panel_title,
)
from growbench.analysis.analyse import Data
from growbench.data.implementations import C, label
from growbench.figures.lettering import name_text, text_width
from growbench.figures.part_bars import HALF, draw_parts, parts_legend
from growbench.figures.style import Style
from growbench.data.units import show

NAME = "article"
HELP = "where the time of the article's loop goes in NumPy and in C, and its ratio, by allocator"
KERNELS_ONLY = True


class _Bar(NamedTuple):
    """cell: a row of the attribution. ratio: of data.ratios, as text."""

    cell: dict
    ratio: str


def draw(data: Data, context: Context) -> Figure:
    cells = beside.of_slice(data.run_attribution, data)
    cells = cells[(cells["strategy"] == SLOW) & (cells["cold_build_ns"] > 0)]
    beside.at_least_two(cells["implementation"])
    known = cells[cells["explained_share"] > 0]
    if known.empty:
        raise NothingToDraw(f"no {SLOW} was traced on a machine whose limits were probed")
    # A size that only one of them has says nothing of the others.
    count = known.groupby("rows")["implementation"].nunique()
    known = known[known["rows"].isin(count.index[count > 1])]
    if known.empty:
        raise NothingToDraw(f"{SLOW} was not traced in two implementations at the same size")
    cells, size = at_article_size(known)
    # What the article is about comes first; C, which it is held against, last.
    names = sorted(beside.at_least_two(cells["implementation"]), key=lambda name: name == C)
    allocators = [name for name in context.allocators if (cells["allocator"] == name).any()]
    ratios = beside.of_slice(data.ratios, data)
    bars = {
        (cell["implementation"], cell["allocator"]): _Bar(cell, _ratio_text(ratios, cell))
        for cell in cells.to_dict("records")
    }
    style = context.style
    of_size = data.run[(data.run["strategy"] == SLOW) & (data.run["rows"] == cells["rows"].iloc[0])]
    words = Words(
        f"Where the time of {SLOW} goes, {size}",
        f"{beside.what(context, data, names).what}; {METRIC.label.lower()}, each panel on an axis "
        f"of its own; right: the same time, and over that of {FAST} (95% interval)",
        footer_text(
            beside.of_slice(of_size, data),
            context,
            None,
            "parts: counts x costs of the probes; interpreter: writing the rows as well",
            _not_shown(beside.of_slice(of_size, data), allocators),
        ),
    )
    shape = Shape(
        columns=3 if style.fills_page else 2,
        lines=2 * len(names),
        least_width=36.0,
        left=max(text_width(name_text(label(name)), style.small_points) for name in names),
        own_x=True,
    )
    panels = make_panels(len(allocators), style, words, parts_legend(cells, style), shape)
    for axes, allocator in zip(panels.axes, allocators):
        panel_title(panels, axes, style, name_text(allocator))
        axes.grid(False, axis="y")
        own = {name: bars[name, allocator] for name in names if (name, allocator) in bars}
        _draw_panel(panels, axes, own, names, style)
    return panels.figure


def _not_shown(cells: pd.DataFrame, shown: list[str]) -> str:
    """The allocators that have no panel, since no such cell of theirs was measured and traced."""
    names = sorted(set(cells["allocator"]) - set(shown))
    return f"not measured on {', '.join(map(name_text, names))}" if names else ""


def _ratio_text(ratios: pd.DataFrame, cell: dict) -> str:
    """How many times as long as preallocating it takes; "" where nobody knows."""
    own = ratios
    for key in ("implementation", "allocator", "rows"):
        own = own[own[key] == cell[key]]
    if own.empty:
        return ""
    row = own.iloc[0]
    times = show(row["ratio"], "ratio")
    if np.isnan(row["ci_low"]):
        return times
    low, high = (show(row[end], "ratio")[:-1] for end in ("ci_low", "ci_high"))
    return f"{times} ({low} to {high})"


def _draw_panel(
    panels: Panels, axes: Axes, bars: dict[str, _Bar], names: list[str], style: Style
) -> None:
    cells = [bar.cell for bar in bars.values()]
    y = np.array([names.index(name) for name in bars])
    measured = np.array([cell["cold_build_ns"] for cell in cells])
    parts = {part.name: np.array([cell[part.name] for cell in cells]) for part in PARTS}
    ends = draw_parts(axes, y, parts, measured, style)
    for place, time in zip(y, measured):
        width = 1.2 * style.line
        add_line(
            axes,
            [time, time],
            [place - HALF, place + HALF],
            color=style.ink,
            linewidth=width,
            solid_capstyle="butt",
            gid="measured",
        )
    size, gap = style.small_points, text_width("00", style.small_points)
    times = [show(time, "ns") for time in measured]
    ratios = [bar.ratio for bar in bars.values()]
    last = max(text_width(text, size) for text in ratios) + gap / 2
    both = max(text_width(text, size) for text in times) + gap + last
    of_bars = max(panels.width - both - gap, gap)
    high = float(ends.max())
    _set_axis(axes, high, high * panels.width / of_bars, style)
    axes.set_ylim(len(names) - 0.4, -0.6)
    axes.set_yticks(range(len(names)), [name_text(label(name)) for name in names])
    axes.tick_params(axis="y", length=0)
    for place, *texts in zip(y, times, ratios):
        for from_right, text in zip((last + gap / 2, gap / 2), texts):
            x = high * (panels.width - from_right) / of_bars
            axes.text(x, place, text, ha="right", va="center", fontsize=size)


def _set_axis(axes: Axes, high: float, width: float, style: Style) -> None:
    """From 0 to `width`, with ticks up to `high`: what is right of that is text."""
    set_linear_axis(axes, "x", high, "ns", style)
    places = list(axes.xaxis.get_majorticklocs())
    labels = axes.xaxis.get_major_formatter().seq
    axes.set_xlim(0.0, width)
    step = tick_step(axes, "x", [place / width for place in places], labels, style)
    axes.xaxis.set_major_locator(FixedLocator(places[::step]))
    axes.xaxis.set_major_formatter(FixedFormatter(labels[::step]))
