"""A time split into its parts, as a horizontal bar: what the plots of parts have in common."""

from typing import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.patches import Patch

from growbench.analysis.attribution import PARTS, parts_of
from growbench.figures.canvas import Legend
from growbench.figures.style import (
    BLUE,
    BROWN,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    SKY,
    Style,
)

# Colour and hatch of each part, by its column.
PART_LOOKS = {
    "interpreter_ns": (BROWN, "xxxx"),
    "write_ns": (GREEN, ""),
    "copy_ns": (BLUE, "////"),
    "fault_ns": (ORANGE, ""),
    "huge_fault_ns": (ORANGE, "++++"),
    "allocator_ns": (PURPLE, "\\\\\\\\"),
    "system_ns": (SKY, "...."),
}
REST_LABEL = "rest: not explained"
# Bars are cut off at so many times what was measured; what the figures beside them say is not.
LONGEST = 1.25
HALF = 0.38


def parts_legend(cells: pd.DataFrame, style: Style) -> Legend:
    """A patch for each part that the cells can have, and one for the rest."""
    parts = parts_of(cells)
    handles = [
        Patch(facecolor=style.colour(colour), hatch=hatch, edgecolor=style.paper)
        for colour, hatch in (PART_LOOKS[part.name] for part in parts)
    ]
    handles.append(Patch(facecolor=style.empty, edgecolor=GREY, linewidth=0.5))
    return Legend(handles, [*(part.label for part in parts), REST_LABEL], "part")


def draw_parts(
    axes: Axes,
    y: np.ndarray,
    parts: Mapping[str, np.ndarray],
    measured: np.ndarray,
    style: Style,
) -> np.ndarray:
    """A bar at each y: its parts one after the other, then what they leave of `measured`.

    parts: by the names of PARTS, in the unit of the axis, as `measured`; what is unknown is nan,
    and has no length. Returns where each bar ends.
    """
    end = np.zeros(len(y))
    longest = LONGEST * measured
    for part in PARTS:
        start = end
        end = start + np.nan_to_num(parts[part.name])
        colour, hatch = PART_LOOKS[part.name]
        axes.add_collection(
            PolyCollection(
                _bars(y, np.minimum(start, longest), np.minimum(end, longest)),
                facecolor=style.colour(colour),
                hatch=hatch or None,
                edgecolor=style.paper,
                linewidth=0.3,
                gid=part.name,
            ),
            autolim=False,
        )
    rest = _bars(y, np.minimum(end, measured), measured)
    axes.add_collection(
        PolyCollection(rest, facecolor=style.empty, edgecolor=GREY, linewidth=0.4, gid="rest_ns"),
        autolim=False,
    )
    return np.maximum(np.minimum(end, longest), measured)


def _bars(y: np.ndarray, left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """The corners of a horizontal bar at each y, where it has a length."""
    low, high = y - HALF, y + HALF
    corners = np.stack([left, low, right, low, right, high, left, high], axis=1)
    return corners[right > left].reshape(-1, 4, 2)
