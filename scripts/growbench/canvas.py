"""Where things stand on a figure: panels, title, legend, footer. All sizes in inches.

Places are computed, not searched for by a layout engine: that is fast, and the same every time.
"""

import math
import textwrap
from typing import NamedTuple, Optional, Sequence

import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from growbench.columns import OK, SKIPPED_PREDICTED
from growbench.style import Look

TITLE_POINTS = 11.0
SMALL_POINTS = 7.0
LEFT, RIGHT, TOP, BOTTOM = 0.85, 0.15, 0.85, 0.75
GAP_X, GAP_Y = 0.18, 0.36
LEAST_WIDTH = 7.0
LEGEND_LINE = 0.185
LONGEST_NAME = 36


class NothingToDraw(Exception):
    """There is no figure to make of these data. The message says why."""


class Context(NamedTuple):
    """What a plot must know besides the summary.

    what: the cells' common properties in words, such as "80-byte rows, 1 thread".
    strategies, allocators: how each is drawn, in the order of legends and panels.
    """

    machine_id: str
    what: str
    strategies: dict[str, Look]
    allocators: dict[str, Look]


def name_text(name: str) -> str:
    """A name from the data as text of a figure: not too long, and never hidden.

    The legend leaves out labels that begin with "_".
    """
    if len(name) > LONGEST_NAME:
        name = name[: LONGEST_NAME - 1] + "\N{HORIZONTAL ELLIPSIS}"
    return " " + name if name.startswith("_") else name


def text_width(text: str, points: float = 8.0) -> float:
    """About how wide a line of text is."""
    return len(text) * points * 0.0087


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


class Panels(NamedTuple):
    """A figure with its panels, row by row, and where its legend goes."""

    figure: Figure
    axes: list[Axes]
    columns: int


def make_panels(
    count: int,
    columns: int,
    legend_labels: Sequence[str],
    title: str,
    subtitle: str,
    footer: str,
    panel: tuple[float, float] = (0.0, 0.0),
    left: float = LEFT,
    bottom: float = BOTTOM,
    gap_x: float = GAP_X,
) -> Panels:
    """A figure with `count` empty panels, its texts, and room for a legend on the right.

    panel: width and height of each, chosen from the number of columns if it is left out.
    """
    columns = min(columns, count)
    rows = math.ceil(count / columns)
    if panel == (0.0, 0.0):
        panel = {1: (4.6, 3.3), 2: (3.3, 2.6)}.get(columns, (2.5, 2.4))
    width, height = panel
    body_width = columns * width + (columns - 1) * gap_x
    body_height = rows * height + (rows - 1) * GAP_Y
    body_height = max(body_height, 1.2)
    legend_columns = _legend_columns(len(legend_labels), body_height)
    legend_width = legend_columns * _legend_entry_width(legend_labels)
    total_width = max(LEAST_WIDTH, left + body_width + RIGHT + legend_width)
    footer_lines = textwrap.wrap(footer, int((total_width - 0.3) / text_width("x", SMALL_POINTS)))
    bottom += 0.13 * (len(footer_lines) - 1)
    total_height = TOP + body_height + bottom

    figure = Figure(figsize=(total_width, total_height), facecolor="white")
    figure.text(
        0.15 / total_width,
        1.0 - 0.15 / total_height,
        title,
        fontsize=TITLE_POINTS,
        fontweight="bold",
        va="top",
    )
    figure.text(0.15 / total_width, 1.0 - 0.37 / total_height, subtitle, va="top", color="#444444")
    figure.text(
        0.15 / total_width,
        0.1 / total_height,
        "\n".join(footer_lines),
        fontsize=SMALL_POINTS,
        va="bottom",
        color="#444444",
    )
    axes = []
    for number in range(count):
        row, column = divmod(number, columns)
        x = left + column * (width + gap_x)
        y = total_height - TOP - height - row * (height + GAP_Y)
        axes.append(
            figure.add_axes(
                (x / total_width, y / total_height, width / total_width, height / total_height)
            )
        )
    return Panels(figure, axes, columns)


def add_legend(
    panels: Panels, handles: Sequence[Artist], labels: Sequence[str], title: str
) -> None:
    """The legend, right of the panels: it never covers data."""
    figure = panels.figure
    total_width, total_height = figure.get_size_inches()
    right = max(axes.get_position().x1 for axes in panels.axes) + 0.15 / total_width
    body_height = total_height * (
        panels.axes[0].get_position().y1 - panels.axes[-1].get_position().y0
    )
    figure.legend(
        handles,
        labels,
        title=title,
        alignment="left",
        loc="upper left",
        bbox_to_anchor=(right, 1.0 - (TOP - 0.08) / total_height),
        borderaxespad=0.0,
        ncol=_legend_columns(len(labels), max(body_height, 1.2)),
        handlelength=2.6,
    )


def _legend_columns(entries: int, height: float) -> int:
    return max(1, math.ceil((entries + 1.5) * LEGEND_LINE / height)) if entries else 0


def _legend_entry_width(labels: Sequence[str]) -> float:
    return 0.7 + max((text_width(label) for label in labels), default=0.0)


def label_panels(panels: Panels, x_label: str, y_label: str, own_y: bool = False) -> None:
    """Axis labels and tick labels, on the outer panels only where all panels share an axis.

    own_y: each panel has a y axis of its own, and shows its ticks.
    """
    count = len(panels.axes)
    for number, axes in enumerate(panels.axes):
        leftmost = number % panels.columns == 0
        lowest = number + panels.columns >= count
        axes.tick_params(labelleft=leftmost or own_y, labelbottom=lowest)
        if lowest:
            axes.set_xlabel(x_label)
        if leftmost:
            axes.set_ylabel(y_label)
        axes.grid(True)
