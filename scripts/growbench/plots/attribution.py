"""Where the time of a cold build goes: shares of the measured time, strategy by strategy, with a
panel for each allocator, at the article's size."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from growbench.data.article import at_article_size
from growbench.analysis.attribution import PARTS
from growbench.figures.axes import tick_step
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
from growbench.figures.lettering import name_text, text_width
from growbench.figures.part_bars import LONGEST, draw_parts, parts_legend
from growbench.figures.style import Style
from growbench.data.units import show

NAME = "attribution"
HELP = "where the time of a cold build goes, at the article's size: shares of the measured time"


def draw(data: Data, context: Context) -> Figure:
    known = data.attribution[data.attribution["explained_share"] > 0]
    if known.empty:
        raise NothingToDraw("no cell was traced on a machine whose limits were probed")
    cells, size = at_article_size(known)
    strategies = [name for name in context.strategies if (cells["strategy"] == name).any()]
    allocators = [name for name in context.allocators if (cells["allocator"] == name).any()]
    unknown = int((cells["unknown_parts"] != "").sum())
    style = context.style
    words = Words(
        f"Where the time of a cold build goes, {size}",
        f"{context.what}; counts x costs of the probes, as shares of the measured time",
        footer_text(
            data.summary[data.summary["rows"] == cells["rows"].iloc[0]],
            context,
            None,
            "beside each bar: measured time, and how much of it the parts explain",
            _unknown_text(unknown),
        ),
        "share of the measured time",
    )
    shape = Shape(
        columns=3 if style.fills_page else 2,
        lines=len(strategies),
        least_width=28.0,
        left=max(text_width(name_text(name), style.small_points) for name in strategies),
    )
    panels = make_panels(len(allocators), style, words, parts_legend(cells, style), shape)
    for axes, allocator in zip(panels.axes, allocators):
        panel_title(panels, axes, style, name_text(allocator))
        axes.grid(False, axis="y")
        own = cells[cells["allocator"] == allocator]
        _draw_bars(axes, own, strategies, style)
        _write_figures(panels, axes, own, strategies, style)
    return panels.figure


def _unknown_text(count: int) -> str:
    return f"some parts are unknown in {count} cell{'s' if count > 1 else ''}" if count else ""


def _draw_bars(axes: Axes, cells: pd.DataFrame, strategies: list[str], style: Style) -> None:
    y = np.array([strategies.index(name) for name in cells["strategy"]])
    measured = cells["cold_build_ns"].to_numpy()
    parts = {part.name: cells[part.name].to_numpy() / measured for part in PARTS}
    draw_parts(axes, y, parts, np.ones(len(cells)), style)
    axes.axvline(1.0, color=style.ink, linewidth=0.9 * style.line)
    axes.set_ylim(len(strategies) - 0.4, -0.6)
    axes.set_yticks(range(len(strategies)), [name_text(name) for name in strategies])
    axes.tick_params(axis="y", length=0)


def _write_figures(
    panels: Panels, axes: Axes, cells: pd.DataFrame, strategies: list[str], style: Style
) -> None:
    """Measured time and explained share, in two columns right of the longest bars."""
    times = [show(time, "ns") for time in cells["cold_build_ns"]]
    shares = [f"{share:.0%}" for share in cells["explained_share"]]
    gap, size = text_width("0", style.small_points), style.small_points
    last = max(text_width(text, size) for text in shares) + gap
    both = max(text_width(text, size) for text in times) + gap + last
    of_bars = max(panels.width - both - gap / 2, gap)
    axes.set_xlim(0.0, LONGEST * panels.width / of_bars)
    quarters, labels = [0.0, 0.25, 0.5, 0.75, 1.0], ["0", "25%", "50%", "75%", "100%"]
    places = [x / axes.get_xlim()[1] for x in quarters]
    # The last is the one that must be there.
    step = next(n for n in (1, 2, 4) if n >= min(4, tick_step(axes, "x", places, labels, style)))
    axes.set_xticks(quarters[::step], labels[::step])
    for strategy, *texts in zip(cells["strategy"], times, shares):
        for from_right, text in zip((last + gap / 2, gap / 2), texts):
            x = LONGEST * (panels.width - from_right) / of_bars
            place = strategies.index(strategy)
            axes.text(x, place, text, ha="right", va="center", fontsize=size)
