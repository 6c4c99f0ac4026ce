"""Small multiples of a quantity against rows or threads: a panel for each of one thing, a line for
each of the other. What the plots against these have in common."""

from typing import NamedTuple, Optional

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from growbench.figures.axes import add_line, log_limits, sample, set_linear_axis, set_log_axis
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
from growbench.data.statuses import SKIPPED_PREDICTED
from growbench.figures.lettering import name_text
from growbench.data.metrics import LINEAR, Quantity
from growbench.figures.style import GREY, Look, Style

PREDICTED_LABEL = "predicted, not measured"
# Widths of lines are in those of the style's own.
_GUIDE = 0.75


class Guide(NamedTuple):
    """A thin grey line behind the data, such as the floor: `values` at each of `x`.

    widens: the panels reach as far as to show it, wherever the data are.
    """

    label: str
    x: np.ndarray
    values: np.ndarray
    widens: bool = False


class Lines(NamedTuple):
    """What the lines of a panel are of, where it is no strategy and no allocator.

    column: of the cells. looks: how each of its values is drawn, in the legend's order. title: of
    the legend. legend: instead of an entry for each line.
    """

    column: str
    looks: dict[str, Look]
    title: str
    legend: Optional[Legend] = None


class _Line(NamedTuple):
    """One line of a panel, as arrays sorted by x. predicted is nan where there is none; where there
    is one, low and high are its interval's."""

    x: np.ndarray
    median: np.ndarray
    low: np.ndarray
    high: np.ndarray
    predicted: np.ndarray


def draw_against(
    summary: pd.DataFrame,
    context: Context,
    quantity: Quantity,
    panel_key: str,
    note: str = "",
    own_y: bool = False,
    guide: Optional[Guide] = None,
    against: str = "rows",
    lines_of: Optional[Lines] = None,
    of: str = "",
) -> Figure:
    """`quantity` against rows, or the column `against`: a panel for each `panel_key`.

    panel_key: "allocator" or "strategy"; the other has a line for each, unless lines_of says what
    does. Of any other column the panels are in the order of the cells. of: as in footer_text().
    Medians are solid lines with 95% intervals as bars; cells that were predicted, not measured,
    are hollow markers on dotted lines. Both axes are logarithmic, but for a quantity of linear
    scale, and all panels share them, except that own_y gives each panel y limits that fit its own
    lines. The guide is in each panel, and changes no limits unless it widens them. Raises
    NothingToDraw.
    """
    looks = {"strategy": context.strategies, "allocator": context.allocators}
    if lines_of is None:
        other = "strategy" if panel_key == "allocator" else "allocator"
        lines_of = Lines(other, looks[other], other)
    lines = _lines(summary, quantity, panel_key, lines_of.column, against)
    panel_names = [
        name
        for name in looks.get(panel_key, summary[panel_key].unique())
        if any(key[0] == name for key in lines)
    ]
    of_lines = {key[1] for key in lines}
    line_looks = {name: look for name, look in lines_of.looks.items() if name in of_lines}
    if not lines:
        raise NothingToDraw(f"no cell has a figure for {quantity.label.lower()}")
    style = context.style
    words = Words(
        f"{quantity.label} against {against}, by {panel_key}",
        context.what + ("; each panel has its own time axis" if own_y else ""),
        footer_text(summary, context, quantity.low or None, note, of=of),
        against,
        _short(quantity.label),
    )
    legend = lines_of.legend or _legend(line_looks, lines, guide, lines_of.title, style)
    panels = make_panels(len(panel_names), style, words, legend, Shape(own_y=own_y))
    x_values = np.concatenate([line.x for line in lines.values()])
    x_limits = log_limits(x_values)
    # Nobody runs 1.5 threads.
    x_ticks = None if against == "rows" else np.unique(x_values).tolist()
    y_limits = _y_limits(list(lines.values()), guide)
    for axes, name in zip(panels.axes, panel_names):
        set_log_axis(axes, "x", x_limits, "count", style, x_ticks)
        own = {key[1]: line for key, line in lines.items() if key[0] == name}
        if own_y:
            y_limits = _y_limits(list(own.values()), guide)
        if quantity.scale == LINEAR:
            set_linear_axis(axes, "y", _highest(list(lines.values()), guide), quantity.unit, style)
        else:
            set_log_axis(axes, "y", y_limits, quantity.unit, style)
        panel_title(panels, axes, style, name_text(name))
        if guide is not None:
            look = {"color": style.colour(GREY), "linewidth": _GUIDE * style.line}
            add_line(axes, guide.x, guide.values, zorder=1, gid="guide", **look)
        for line_name in line_looks:
            if line_name in own:
                _draw_line(axes, own[line_name], line_looks[line_name], style)
    return panels.figure


def _y_limits(lines: list[_Line], guide: Optional[Guide]) -> tuple[float, float]:
    shown = [values for line in lines for values in line[1:]]
    if guide is not None and guide.widens:
        shown.append(guide.values)
    return log_limits(np.concatenate(shown))


def _highest(lines: list[_Line], guide: Optional[Guide]) -> float:
    """Of a linear axis that shows all of it; nothing is 0 high."""
    shown = [values for line in lines for values in line[1:]]
    shown += [guide.values] if guide is not None else []
    return 1.05 * float(np.nanmax(np.concatenate(shown))) or 1.0


def _short(label: str) -> str:
    """The label as far as it fits next to a panel: the title has all of it."""
    label = label.replace(" as a multiple of the payload", " / payload")
    label = label.replace(" as a multiple of the kernel's", " / kernel's")
    # What is divided says more than that it is a time.
    label = label.rpartition(" time of ")[2]
    return label.replace(" as a multiple of the floor", " / floor")


def _lines(
    summary: pd.DataFrame, quantity: Quantity, panel_key: str, line_key: str, against: str
) -> dict[tuple[str, str], _Line]:
    """The lines that have at least one point, by (panel, line)."""
    lines = {}
    for key, cells in summary.groupby([panel_key, line_key], sort=True):
        cells = cells.sort_values(against)
        none = np.full(len(cells), np.nan)
        median, low, high = (
            cells[name].to_numpy(dtype=float) if name else none
            for name in (quantity.median, quantity.low, quantity.high)
        )
        predicted = none
        if quantity.predicted is not None:
            skipped = (cells["status"] == SKIPPED_PREDICTED).to_numpy()
            predicted = np.where(skipped, cells[quantity.predicted], np.nan)
            low = np.where(skipped, cells[quantity.predicted_end("low")], low)
            high = np.where(skipped, cells[quantity.predicted_end("high")], high)
        line = _Line(cells[against].to_numpy(dtype=float), median, low, high, predicted)
        # A log axis has no place for 0.
        shown = line.median >= 0 if quantity.scale == LINEAR else line.median > 0
        there = shown | (line.predicted > 0)
        if there.any():
            lines[key] = _Line(*(values[there] for values in line))
    return lines


def _draw_line(axes: Axes, line: _Line, look: Look, style: Style) -> None:
    measured = line.median >= 0
    add_line(
        axes,
        line.x[measured],
        line.median[measured],
        color=look.colour,
        linestyle=look.line,
        marker=look.marker,
        markeredgewidth=0.0,
    )
    _draw_bars(axes, line, measured, look, style, "bars")
    predicted = line.predicted > 0
    if predicted.any():
        # From the last measured point on, so that the eye can follow.
        joined = predicted.copy()
        joined[:-1] |= predicted[1:] & measured[:-1]
        add_line(
            axes,
            line.x[joined],
            np.where(predicted, line.predicted, line.median)[joined],
            color=look.colour,
            linestyle=":",
        )
        add_line(
            axes,
            line.x[predicted],
            line.predicted[predicted],
            color=look.colour,
            linestyle="none",
            marker=look.marker,
            markerfacecolor=style.paper,
            markeredgewidth=0.75 * style.line,
            gid="predicted",
        )
        _draw_bars(axes, line, predicted, look, style, "predicted bars")


def _draw_bars(
    axes: Axes, line: _Line, points: np.ndarray, look: Look, style: Style, gid: str
) -> None:
    """The intervals of these points; of predictions they are thin."""
    bars = points & (line.low > 0)
    if bars.any():
        # One line with gaps instead of a line for each bar: a fraction of the file's size.
        gap = np.full(bars.sum(), np.nan)
        add_line(
            axes,
            np.column_stack([line.x[bars], line.x[bars], gap]).ravel(),
            np.column_stack([line.low[bars], line.high[bars], gap]).ravel(),
            color=look.colour,
            linewidth=(1.3 if gid == "bars" else 0.6) * style.line,
            solid_capstyle="butt",
            gid=gid,
        )


def _legend(
    looks: dict[str, Look],
    lines: dict[tuple[str, str], _Line],
    guide: Optional[Guide],
    title: str,
    style: Style,
) -> Legend:
    handles: list[Artist] = [sample(look) for look in looks.values()]
    grey = style.colour(GREY)
    labels = [name_text(name) for name in looks]
    if any((line.predicted > 0).any() for line in lines.values()):
        handles.append(
            Line2D([], [], color=grey, linestyle=":", marker="o", markerfacecolor=style.paper)
        )
        labels.append(PREDICTED_LABEL)
    if guide is not None:
        handles.append(Line2D([], [], color=grey, linewidth=_GUIDE * style.line))
        labels.append(guide.label)
    return Legend(handles, labels, title)


def draw_points(axes: Axes, points: np.ndarray, look: Look, style: Style) -> None:
    """One line of a figure that is laid out elsewhere. points: x, median, low and high in columns,
    sorted by x; nan where there is no interval."""
    x, median, low, high = points.T
    _draw_line(axes, _Line(x, median, low, high, np.full(len(points), np.nan)), look, style)
