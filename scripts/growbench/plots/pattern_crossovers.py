"""After how many walks a copy pays for itself, against the size: a panel for each implementation
and process, a line for each pair of view and copy, and for each stride."""

import math

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedFormatter, FixedLocator

from growbench.axes import log_limits
from growbench.canvas import Context, NothingToDraw, Panels, Shape, Words, footer_text
from growbench.data import Data
from growbench.implementation_names import implementation_text, implementations_in_order
from growbench.pattern_lines import (
    Drawing,
    draw_lines,
    squarest,
)
from growbench.pattern_tables import usual
from growbench.patterns import COLD, ELEMENT_BYTES, NOT_RESOLVED, PAIRS, PAYS, WARM
from growbench.style import (
    BLACK,
    BLUE,
    BROWN,
    DASH_DOT,
    DASHED,
    GREEN,
    GREY,
    NAVY,
    ORANGE,
    PURPLE,
    SKY,
    VERMILLION,
    YELLOW,
    Look,
    Style,
    looks,
)
from growbench.units import tick

NAME = "pattern_crossovers"
HELP = "after how many walks a copy pays for itself, against the size of the array"
PATTERNS = True
ONE_LABEL = "one walk: below it, copy even to read once"
NEVER_LABEL = "never: walking the copy is no faster"
_LOOKS = {
    "naive transpose": Look(VERMILLION, "o"),
    "blocked transpose": Look(BLUE, "^"),
    "transpose": Look(BLUE, "^"),
    "reshaped transpose": Look(PURPLE, "v", DASHED),
    "slice": Look(GREEN, "P"),
    "contiguous array": Look(BLACK, "X"),
}
# Strides, from the smallest on: they share a marker, and go from light to dark.
_STRIDES = (
    Look(YELLOW, "s", DASH_DOT),
    Look(ORANGE, "s", DASHED),
    Look(BROWN, "s"),
    Look(NAVY, "s", DASH_DOT),
    Look(SKY, "s", DASHED),
)
_EVERY = ", every "
# Walks below this pay at once; and how much of the axis is above what pays, for what never does.
_LEAST = 0.01
_RAIL_SHARE = 0.2


def draw(data: Data, context: Context) -> Figure:
    if data.view_crossovers.empty:
        raise NothingToDraw("the run has no view and copy of the same elements")
    allocator = usual(data.patterns).allocator
    found = data.view_crossovers[data.view_crossovers["allocator"] == allocator]
    found = _one_a_size(found)
    shown = found[found["verdict"] != NOT_RESOLVED]
    if shown.empty:
        raise NothingToDraw("no crossover is resolved: intervals include it, or are missing")
    style = context.style
    pays = (shown["verdict"] == PAYS).to_numpy()
    walks = shown[["walks", "ci_low", "ci_high"]].clip(lower=_LEAST)
    limits = log_limits([*walks[pays].to_numpy(dtype=float).ravel(), 1.0])
    # As large a part of the axis, whatever its limits are.
    top = limits[1] * (limits[1] / limits[0]) ** (_RAIL_SHARE / (1.0 - _RAIL_SHARE))
    rail = math.sqrt(limits[1] * top)
    never = bool((~pays).any())
    table = shown.assign(
        panel=[_panel(*key) for key in zip(shown["implementation"], shown["process"])],
        median=walks["walks"].where(pays),
        low=walks["ci_low"].where(pays),
        high=walks["ci_high"].where(pays),
    )
    lines = _looks(table["line"].unique(), context)
    marker = Line2D([], [], color=style.colour(GREY), linestyle="none", marker="o", mfc=style.paper)
    unresolved = int((found["verdict"] == NOT_RESOLVED).sum())
    drawing = Drawing(
        table,
        [
            _panel(name, process)
            for name in implementations_in_order(shown["implementation"])
            for process in (COLD, WARM)
            if ((shown["implementation"] == name) & (shown["process"] == process)).any()
        ],
        lines,
        "count",
        ONE_LABEL,
        level=1.0,
        shape=Shape(2, aspect=0.6, least_width=22.0),
        limits=(limits[0], top) if never else limits,
        extra=[(marker, NEVER_LABEL)] if never else [],
    )
    cells = data.patterns[data.patterns["allocator"] == allocator]
    words = Words(
        "After how many walks a copy pays for itself",
        f"{context.what}, {allocator}; a walk reads each element once, in order",
        footer_text(
            cells,
            context,
            "warm_walk_ci_low_ns",
            f"not resolved, and not shown: {unresolved} of {len(found)}" if unresolved else "",
            "at the lower edge: pays at once" if (walks["walks"] <= _LEAST).any() else "",
            of="medians of rounds",
        ),
        "bytes of the input",
        "walks",
    )
    panels = draw_lines(drawing, words, style)
    if never:
        _draw_never(panels, drawing, table[~pays], (limits, rail), style)
    return panels.figure


def _draw_never(
    panels: Panels,
    drawing: Drawing,
    gone: pd.DataFrame,
    places: tuple[tuple[float, float], float],
    style: Style,
) -> None:
    """What never pays, on a rail above all that does. places: the limits of that, and the rail."""
    limits, rail = places
    names = sorted(gone["line"].unique())
    middle = (len(names) - 1) / 2.0
    step = (rail / limits[1]) ** (1.2 / max(len(names), 2))
    spread = {line: step ** (place - middle) for place, line in enumerate(names)}
    for axes, name in zip(panels.axes, drawing.panels):
        ticks = [*axes.yaxis.get_major_locator()()]
        ticks = [value for value in ticks if value <= limits[1]]
        labels = [tick(value, "count") for value in ticks]
        axes.yaxis.set_major_locator(FixedLocator([*ticks, rail]))
        axes.yaxis.set_major_formatter(FixedFormatter([*labels, "never"]))
        axes.axhspan(limits[1], axes.get_ylim()[1], color=style.empty, zorder=0, linewidth=0.0)
        for line, cells in gone[gone["panel"] == name].groupby("line"):
            axes.plot(
                cells["payload_bytes"],
                np.full(len(cells), rail * spread[line]),
                color=drawing.looks[line].colour,
                linestyle="none",
                marker=drawing.looks[line].marker,
                markerfacecolor=style.paper,
                markeredgewidth=0.75 * style.line,
                gid="never",
            )


def _panel(implementation: str, process: str) -> str:
    return f"{implementation_text(implementation)}, {process}"


def _one_a_size(found: pd.DataFrame) -> pd.DataFrame:
    """One cell for each line and size, with the column line: pairs by stride keep each stride,
    others the shape that is nearest to a square."""
    by_stride = {pair.name for pair in PAIRS if pair.by_stride}
    strided = found[found["pair"].isin(by_stride)]
    strides = [_ordinal(stride // ELEMENT_BYTES) for stride in strided["row_bytes"]]
    strided = strided.assign(line=strided["pair"] + _EVERY + pd.Series(strides, strided.index))
    others = found[~found["pair"].isin(by_stride)]
    others = squarest(others, ["pair", "implementation", "process"])
    return pd.concat([strided, others.assign(line=others["pair"])], ignore_index=True)


def _ordinal(number: int) -> str:
    """ "2nd", "11th", "64th"."""
    last = number % 10 if number // 10 % 10 != 1 else 0
    suffix = {1: "st", 2: "nd", 3: "rd"}.get(last, "th")
    return f"{number}{suffix}"


def _looks(lines: np.ndarray, context: Context) -> dict[str, Look]:
    """Pairs in their order, strides from the smallest to the largest."""

    strides = {line: int(line.rpartition(_EVERY)[2][:-2]) for line in lines if _EVERY in line}
    strided = sorted(strides, key=lambda line: strides[line])
    known = {**_LOOKS, **dict(zip(strided, _STRIDES))}
    chosen = looks(known, lines)
    return {name: context.style.look(look) for name, look in chosen.items()}
