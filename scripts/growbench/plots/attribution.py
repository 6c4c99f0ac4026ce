"""Where the time of a cold build goes: shares of the measured time, strategy by strategy, with a
panel for each allocator, at the article's size."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from growbench.article import at_article_size
from growbench.attribution import PARTS
from growbench.canvas import (
    SMALL_POINTS,
    Context,
    NothingToDraw,
    add_legend,
    footer_text,
    label_panels,
    make_panels,
    name_text,
    text_width,
)
from growbench.data import Data
from growbench.units import show

NAME = "attribution"
HELP = "where the time of a cold build goes, at the article's size: shares of the measured time"
REST_LABEL, REST_COLOUR = "rest: not explained", "#F2F2F2"
# Bars are cut off at this share; what the two figures beside them say is not.
LONGEST = 1.25
BAR_HEIGHT, PANEL_WIDTH = 0.2, 3.3


def draw(data: Data, context: Context) -> Figure:
    known = data.attribution[data.attribution["explained_share"] > 0]
    if known.empty:
        raise NothingToDraw("no cell was traced on a machine whose limits were probed")
    cells, size = at_article_size(known)
    strategies = [name for name in context.strategies if (cells["strategy"] == name).any()]
    allocators = [name for name in context.allocators if (cells["allocator"] == name).any()]
    handles = [Patch(facecolor=p.colour, hatch=p.hatch, edgecolor="white") for p in PARTS]
    handles.append(Patch(facecolor=REST_COLOUR, edgecolor="#777777", linewidth=0.5))
    labels = [*(part.label for part in PARTS), REST_LABEL]
    unknown = int((cells["unknown_parts"] != "").sum())
    panels = make_panels(
        len(allocators),
        2,
        labels,
        f"Where the time of a cold build goes, {size}",
        f"{context.what}; counts x costs of the probes, as shares of the measured time",
        footer_text(
            data.summary[data.summary["rows"] == cells["rows"].iloc[0]],
            context,
            None,
            "beside each bar: measured time, and how much of it the parts explain",
            _unknown_text(unknown),
        ),
        panel=(PANEL_WIDTH, BAR_HEIGHT * len(strategies) + 0.1),
        left=max(text_width(name_text(name), 7.5) for name in strategies) + 0.35,
    )
    for axes, allocator in zip(panels.axes, allocators):
        axes.set_title(name_text(allocator), loc="left", fontweight="bold")
        _draw_bars(axes, cells[cells["allocator"] == allocator], strategies)
    label_panels(panels, "share of the measured time", "")
    for axes in panels.axes:
        axes.grid(False, axis="y")
    add_legend(panels, handles, labels, "part")
    return panels.figure


def _unknown_text(count: int) -> str:
    return f"some parts are unknown in {count} cell{'s' if count > 1 else ''}" if count else ""


def _draw_bars(axes: Axes, cells: pd.DataFrame, strategies: list[str]) -> None:
    y = np.array([strategies.index(name) for name in cells["strategy"]])
    measured = cells["cold_build_ns"].to_numpy()
    end = np.zeros(len(cells))
    for part in PARTS:
        start = end
        end = start + cells[part.name].fillna(0.0).to_numpy() / measured
        left, right = np.minimum(start, LONGEST), np.minimum(end, LONGEST)
        bars = _bars(y, left, right)
        axes.add_collection(
            PolyCollection(
                bars,
                facecolor=part.colour,
                hatch=part.hatch or None,
                edgecolor="white",
                linewidth=0.3,
                gid=part.name,
            ),
            autolim=False,
        )
    rest = _bars(y, np.minimum(end, 1.0), np.ones(len(cells)))
    axes.add_collection(
        PolyCollection(
            rest, facecolor=REST_COLOUR, edgecolor="#777777", linewidth=0.4, gid="rest_ns"
        ),
        autolim=False,
    )
    axes.axvline(1.0, color="black", linewidth=0.9)
    for place, cell in zip(y, cells.to_dict("records")):
        for x, text in (
            (1.66, show(cell["cold_build_ns"], "ns")),
            (1.98, f"{cell['explained_share']:.0%}"),
        ):
            axes.text(x, place, text, ha="right", va="center", fontsize=SMALL_POINTS)
    axes.set_xlim(0.0, 2.0)
    axes.set_ylim(len(strategies) - 0.4, -0.6)
    axes.set_xticks([0.0, 0.25, 0.5, 0.75, 1.0], ["0", "25%", "50%", "75%", "100%"])
    axes.set_yticks(range(len(strategies)), [name_text(name) for name in strategies])
    axes.tick_params(axis="y", length=0)


def _bars(y: np.ndarray, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """The corners of a horizontal bar at each y, where it has a length."""
    low, high = y - 0.38, y + 0.38
    corners = np.stack([left, low, right, low, right, high, left, high], axis=1)
    return corners[right > left].reshape(-1, 4, 2)
