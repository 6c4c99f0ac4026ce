"""Where things stand on a figure: panels, title, legend, footer. All sizes in inches.

Places are computed, not searched for by a layout engine: that is fast, and the same every time.
"""

import itertools
import math
from typing import NamedTuple, Optional, Sequence

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from growbench.data.statuses import OK, SKIPPED_PREDICTED
from growbench.figures.lettering import fitted, line_height, text_width, wrapped
from growbench.figures.style import Look, Style, TICK_POINTS

# The widest tick label that axes of time, memory and multiples have.
WIDEST_TICK = "0.75 MiB"
# In heights of the legend's text.
LEGEND_HANDLE, LEGEND_GAP, LEGEND_COLUMN_GAP, LEGEND_SPACING = 2.6, 0.6, 1.5, 0.45


class NothingToDraw(Exception):
    """There is no figure to make of these data. The message says why."""


class Context(NamedTuple):
    """What a plot must know besides the summary.

    what: the cells' common properties in words, such as "80-byte rows, 1 thread".
    strategies, allocators: how each is drawn, in the order of legends and panels.
    style: what the figure looks like; the looks above are in its colours.
    """

    machine_id: str
    what: str
    strategies: dict[str, Look]
    allocators: dict[str, Look]
    style: Style


def workers_text(summary: pd.DataFrame) -> str:
    """How many workers measured each cell that has figures: "10 workers per cell"."""
    counts = summary.loc[summary["ok_count"] > 0, "ok_count"]
    if counts.empty:
        return "no workers"
    low, high = int(counts.min()), int(counts.max())
    if low == high:
        return f"{low} worker{'s' if low > 1 else ''} per cell"
    return f"{low} to {high} workers per cell"


def missing_text(summary: pd.DataFrame) -> str:
    """How many cells have no figure and no prediction, and why; "" if there are none."""
    missing = summary[(summary["ok_count"] == 0) & (summary["status"] != SKIPPED_PREDICTED)]
    if missing.empty:
        return ""
    reasons = missing["status"].value_counts().sort_index()
    listed = ", ".join(f"{status} ({count})" for status, count in reasons.items())
    return f"no figure for {len(missing)} of {len(summary)} cells: {listed}"


def footer_text(
    summary: pd.DataFrame, context: Context, bars: Optional[str], *notes: str, of: str = ""
) -> str:
    """The line under a figure: machine, workers, what bars are, and what is not shown.

    bars: the summary's column that holds the lower ends of the bars; None if none are drawn.
    of: what the figures are of, if they are no medians of workers.
    """
    parts = [context.machine_id, of or f"median of {workers_text(summary)}"]
    if bars is not None:
        if summary[bars].notna().any():
            parts.append("bars are 95% intervals")
        elif (summary["status"] == OK).any():
            parts.append("too few workers for 95% intervals (6 are needed)")
    parts += [note for note in (*notes, missing_text(summary)) if note]
    return "  \N{MIDDLE DOT}  ".join(parts)


class Words(NamedTuple):
    """The texts of a figure; the labels are those of the panels' axes."""

    title: str
    subtitle: str
    footer: str
    x_label: str = ""
    y_label: str = ""


class Legend(NamedTuple):
    """What a legend says. below: it stands below the panels in any style."""

    handles: Sequence[Artist]
    labels: Sequence[str]
    title: str = ""
    below: bool = False


class Shape(NamedTuple):
    """How large panels are.

    columns: at most so many side by side; 0 for what suits the number of panels.
    aspect: height over width, where the style does not fill the page.
    lines: the panel is a table of so many lines of text, which decide on its height.
    least_width, most_width: of a panel, in widths of a figure of the style's text.
    left: room for the names beside the leftmost panels; None if they have ticks of a quantity.
    right: room right of the panels, besides that of a legend.
    head_lines: lines of text between the subtitle and the panels.
    own_y, own_x: each panel has such an axis of its own, and shows its ticks.
    ticks_below: there are tick labels and an axis label below the panels.
    """

    columns: int = 0
    aspect: float = 0.8
    lines: int = 0
    least_width: float = 25.0
    most_width: float = math.inf
    left: Optional[float] = None
    right: float = 0.0
    head_lines: int = 1
    own_y: bool = False
    own_x: bool = False
    ticks_below: bool = True


class Panels(NamedTuple):
    """A figure with its panels, row by row, and how wide each is in inches."""

    figure: Figure
    axes: list[Axes]
    width: float


def make_panels(
    count: int, style: Style, words: Words, legend: Legend, shape: Shape = Shape()
) -> Panels:
    """A figure with `count` empty panels, its texts, and its legend, which covers none of them."""
    columns = min(count, shape.columns or _columns(count, style))
    rows = math.ceil(count / columns)
    edge, small, line = style.edge, line_height(style.small_points), line_height(style.points)
    tick = _tick_length()
    ticks_width = text_width(WIDEST_TICK, style.small_points) + tick
    left = edge + (ticks_width if shape.left is None else shape.left + tick)
    left += line if words.y_label else 0.0
    gap_x = ticks_width + 0.4 * small if shape.own_y else 1.2 * small
    gap_y = line + 0.7 * small + (tick + small if shape.own_x else 0.0)
    right = max(shape.right, 1.2 * small)
    digit = text_width("0", style.small_points)
    sides = [True] if legend.below or style.legend == "below" else [False, True]
    for total_width, below in itertools.product(style.widths, sides):
        room = total_width - left - right - edge
        box = _legend_box(legend, style, total_width - 2 * edge, below)
        if not below:
            room -= box.width + edge
        width = (room - (columns - 1) * gap_x) / columns
        if width >= shape.least_width * digit:
            break
    width = max(min(width, shape.most_width * digit), digit)

    inner_width = total_width - 2 * edge
    title = wrapped(words.title, inner_width, style.title_points, True)
    subtitle = wrapped(words.subtitle, inner_width, style.points)
    footer = wrapped(words.footer, inner_width, style.small_points)
    head = edge + line_height(style.title_points) * len(title) + line * len(subtitle) + 0.4 * line
    head += line * shape.head_lines + 0.3 * small
    foot = edge + small * len(footer)
    if below and legend.labels:
        foot += box.height + 0.4 * line
    foot += 0.6 * line + (tick + small + line if shape.ticks_below else 0.0)
    spare = style.page_height - head - foot - (rows - 1) * gap_y
    height = _panel_height(shape, style, width, spare / rows)
    body_height = rows * height + (rows - 1) * gap_y
    total_height = head + foot + max(body_height, 0.0 if below else box.height)

    figure = Figure(figsize=(total_width, total_height), dpi=style.dpi, facecolor=style.paper)
    _write_texts(figure, style, title, subtitle, footer)
    top = total_height - head
    if words.y_label:
        label = fitted(words.y_label, body_height + head / 2, style.points)
        middle = min(top - body_height / 2, top)
        x, y = edge / total_width, middle / total_height
        figure.text(x, y, label, rotation="vertical", ha="left", va="center")
    grid = _Grid(columns, left, top, width, height, gap_x, gap_y)
    axes = _add_axes(figure, count, grid, shape, words.x_label, style)
    if legend.labels:
        x, y = left + columns * width + (columns - 1) * gap_x + right + edge, top
        if below:
            x, y = edge, edge + small * len(footer) + 0.4 * line + box.height
        _draw_legend(figure, legend, style, box, (x / total_width, y / total_height))
    return Panels(figure, axes, width)


def _write_texts(
    figure: Figure, style: Style, title: list[str], subtitle: list[str], footer: list[str]
) -> None:
    """The lines above the panels and those below all."""
    width, height = figure.get_size_inches()
    edge, y = style.edge, height - style.edge
    faint, title_height = style.faint_ink, line_height(style.title_points) * len(title)
    bold = {"fontsize": style.title_points, "fontweight": "bold"}
    for place, va, lines, look in (
        (y, "top", title, bold),
        (y - title_height, "top", subtitle, {"color": faint}),
        (edge, "bottom", footer, {"fontsize": style.small_points, "color": faint}),
    ):
        figure.text(edge / width, place / height, "\n".join(lines), va=va, **look)


class _Grid(NamedTuple):
    """Where panels stand: the upper left corner of the first, the size of each, the gaps."""

    columns: int
    left: float
    top: float
    width: float
    height: float
    gap_x: float
    gap_y: float


def _add_axes(
    figure: Figure, count: int, grid: _Grid, shape: Shape, x_label: str, style: Style
) -> list[Axes]:
    """The panels, row by row."""
    total_width, total_height = figure.get_size_inches()
    width, height = grid.width, grid.height
    axes = []
    for number in range(count):
        row, column = divmod(number, grid.columns)
        x = grid.left + column * (width + grid.gap_x)
        y = grid.top - height - row * (height + grid.gap_y)
        places = (x / total_width, y / total_height, width / total_width, height / total_height)
        made = figure.add_axes(places)
        axes.append(made)
        leftmost, lowest = column == 0, number + grid.columns >= count
        below_it = lowest or shape.own_x
        if not (leftmost or shape.own_y) or not below_it:
            made.tick_params(labelleft=leftmost or shape.own_y, labelbottom=below_it)
        if lowest and x_label:
            made.set_xlabel(fitted(x_label, width + grid.gap_x, style.points), va="top")
        # A place that is known need not be searched for, which each axis does, with or without a
        # label.
        below = _tick_length() + line_height(style.small_points)
        made.xaxis.set_label_coords(0.5, -below / height)
        made.yaxis.set_label_coords(0.0, 0.5)
    return axes


def _tick_length() -> float:
    """Of a tick, and what is between it and its label."""
    return (TICK_POINTS * 2.0 + 1.0) / 72.0


def panel_title(panels: Panels, axes: Axes, style: Style, text: str) -> None:
    """The title of a panel, above its left corner, cut off where the next one may begin."""
    figure_width = panels.figure.get_figwidth()
    x = axes.get_position().x0
    others = [other.get_position().x0 for other in panels.axes]
    end = min((other for other in others if other > x + 1e-6), default=axes.get_position().x1)
    room = (end - x) * figure_width - (style.edge if end in others else 0.0)
    text = fitted(text, room, style.points, True)
    # With y given, matplotlib does not look for a place above the tick labels, which takes long.
    axes.set_title(text, loc="left", y=1.0)


def _columns(count: int, style: Style) -> int:
    """So many that the panels of a page are wider than high."""
    if style.fills_page:
        return 3 if count in (3, 5, 6) else 2 if count <= 4 else 4
    return 3 if count <= 12 else 4


def _panel_height(shape: Shape, style: Style, width: float, spare: float) -> float:
    """spare: how high the page lets it be."""
    small = line_height(style.small_points)
    if shape.lines:
        least, usual, most = (shape.lines * n * small for n in (1.05, 1.3, 1.8))
    else:
        least, usual, most = 7.0 * small, shape.aspect * width, max(spare, 0.0)
    return max(least, min(most if style.fills_page else usual, spare))


class _LegendBox(NamedTuple):
    labels: list[str]
    columns: int
    width: float
    height: float


def _legend_box(legend: Legend, style: Style, room: float, below: bool) -> _LegendBox:
    """How large a legend is that is at most `room` wide."""
    em = style.points / 72.0
    around = (LEGEND_HANDLE + LEGEND_GAP) * em
    labels = [fitted(label, room - around - em, style.points) for label in legend.labels]
    if not labels:
        return _LegendBox([], 0, 0.0, 0.0)
    entries = [around + 1.02 * text_width(label, style.points) for label in labels]
    line = (1.17 + LEGEND_SPACING) * em

    def width_of(columns: int) -> float:
        # As matplotlib fills them: one after the other, the first ones with one entry more.
        widths = (part.max() for part in np.array_split(entries, columns))
        return sum(widths) + (columns - 1) * LEGEND_COLUMN_GAP * em

    if below:
        fitting = (n for n in range(len(labels), 1, -1) if width_of(n) <= room)
        columns = next(fitting, 1)
    else:
        columns = math.ceil((len(labels) + 1) * line / (0.8 * style.page_height))
    lines = math.ceil(len(labels) / columns) + (1 if legend.title else 0)
    width = max(width_of(columns), text_width(legend.title, style.points) + em)
    return _LegendBox(labels, columns, width, lines * line)


def _draw_legend(
    figure: Figure, legend: Legend, style: Style, box: _LegendBox, place: tuple[float, float]
) -> None:
    figure.legend(
        legend.handles,
        box.labels,
        title=legend.title or None,
        alignment="left",
        loc="upper left",
        bbox_to_anchor=place,
        borderaxespad=0.0,
        borderpad=0.0,
        ncol=box.columns,
        columnspacing=LEGEND_COLUMN_GAP,
        labelspacing=LEGEND_SPACING,
        handlelength=LEGEND_HANDLE,
        handletextpad=LEGEND_GAP,
    )
