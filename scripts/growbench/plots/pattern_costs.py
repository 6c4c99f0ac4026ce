"""What each pattern costs at one size, as a multiple of a plain copy in C: to make it, and to make
it and read it once; C beside NumPy."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedFormatter, FixedLocator

from growbench.figures.axes import add_line, log_limits, set_log_axis
from growbench.figures.canvas import (
    Context,
    Legend,
    NothingToDraw,
    Shape,
    Words,
    footer_text,
    make_panels,
)
from growbench.analysis.analyse import Data
from growbench.data import implementations
from growbench.figures.lettering import fitted, name_text, text_width
from growbench.figures.pattern_lines import squarest
from growbench.analysis.pattern_tables import usual
from growbench.analysis.patterns import KERNELS, NUMPY, group_of, in_order, pattern_metric
from growbench.figures.style import BLUE, GREY, Look, Style, VERMILLION, looks

NAME = "pattern_costs"
HELP = "what each pattern takes at one size, over a plain copy: made, and made and read once"
PATTERNS = True
REFERENCE = "copy_contiguous"
MADE_LABEL, READ_LABEL = "made and released", "and read once"
_LOOKS = {KERNELS: Look(BLUE, "o"), NUMPY: Look(VERMILLION, "s")}
# Lines of text for each pattern, and how far implementations are from its middle.
_LINES, _SPREAD = 1.4, 0.22


def draw(data: Data, context: Context) -> Figure:
    if data.patterns.empty:
        raise NothingToDraw("the run has no copying patterns")
    size = usual(data.patterns)
    cells = squarest(size.of(data.patterns), ["implementation", "strategy"])
    make, walk = pattern_metric("warm_build_release"), pattern_metric("warm_walk")
    known = cells[cells[make.column("median")] > 0]
    plain = known[(known["strategy"] == REFERENCE) & (known["implementation"] == KERNELS)]
    if plain.empty:
        raise NothingToDraw(f"{REFERENCE} has no figure in C at {size.size} on {size.allocator}")
    unit = float(plain[make.column("median")].iloc[0])
    table = pd.DataFrame(
        {
            "pattern": known["strategy"],
            "implementation": known["implementation"],
            "made": known[make.column("median")] / unit,
            "low": known[make.column("ci_low")] / unit,
            "high": known[make.column("ci_high")] / unit,
            "read": (known[make.column("median")] + known[walk.column("median")]) / unit,
        }
    )
    names = in_order(table["pattern"].tolist())
    style = context.style
    chosen = looks(_LOOKS, table["implementation"])
    chosen = {
        name: style.look(chosen[name]) for name in implementations.ordered(table["implementation"])
    }
    longest = max(text_width(name_text(name), style.small_points) for name in names)
    panels = make_panels(
        1,
        style,
        Words(
            f"What patterns take, over {REFERENCE} in C, {size.size}",
            f"{context.what}, {size.allocator}; warm; the time to make and release it is 1",
            footer_text(cells, context, make.column("ci_low")),
            "multiple of a plain copy",
        ),
        _legend(chosen, style),
        Shape(lines=round(_LINES * len(names)), least_width=40.0, left=longest, head_lines=0),
    )
    (axes,) = panels.axes
    values = table[["made", "low", "high", "read"]].to_numpy(dtype=float).ravel()
    set_log_axis(axes, "x", log_limits(values), "ratio", style)
    axes.axvline(1.0, color=style.colour(GREY), linewidth=0.75 * style.line, zorder=1, gid="guide")
    _name_rows(axes, names, longest, style)
    offsets = np.linspace(-_SPREAD, _SPREAD, len(chosen)) if len(chosen) > 1 else np.zeros(1)
    for (implementation, look), offset in zip(chosen.items(), offsets):
        own = table[table["implementation"] == implementation]
        _draw(axes, own, [names.index(name) + offset for name in own["pattern"]], look, style)
    return panels.figure


def _name_rows(axes: Axes, names: list[str], longest: float, style: Style) -> None:
    """Names from top to bottom, with a line between groups."""
    axes.set_ylim(len(names) - 0.5, -0.5)
    labels = [fitted(name_text(name), longest, style.small_points) for name in names]
    axes.yaxis.set_major_locator(FixedLocator(range(len(names))))
    axes.yaxis.set_major_formatter(FixedFormatter(labels))
    axes.tick_params(axis="y", length=0)
    axes.grid(False, axis="y")
    for place, (above, below) in enumerate(zip(names, names[1:])):
        if group_of(above) != group_of(below):
            axes.axhline(place + 0.5, color=style.grid, linewidth=0.75 * style.line, zorder=0)


def _draw(axes: Axes, own: pd.DataFrame, heights: list[float], look: Look, style: Style) -> None:
    """From making it to having read it once, with the interval of making it."""
    y = np.array(heights)
    gap = np.full(len(own), np.nan)

    def spans(start: str, end: str, width: float, gid: str) -> None:
        add_line(
            axes,
            np.column_stack([own[start], own[end], gap]).ravel(),
            np.column_stack([y, y, gap]).ravel(),
            color=look.colour,
            linewidth=width,
            solid_capstyle="butt",
            gid=gid,
        )

    spans("made", "read", 0.5 * style.line, "span")
    spans("low", "high", 2.0 * style.line, "bars")
    thin = 0.75 * style.line
    for column, face, gid in (("made", look.colour, "made"), ("read", style.paper, "read")):
        add_line(
            axes,
            own[column],
            y,
            color=look.colour,
            linestyle="none",
            marker=look.marker,
            markerfacecolor=face,
            markeredgewidth=thin,
            gid=gid,
        )


def _legend(chosen: dict[str, Look], style: Style) -> Legend:
    grey, thin = style.colour(GREY), 0.75 * style.line
    handles = [
        Line2D([], [], color=look.colour, linestyle="none", marker=look.marker)
        for look in chosen.values()
    ]
    for face in (grey, style.paper):
        handles.append(Line2D([], [], color=grey, linestyle="none", marker="o", mfc=face, mew=thin))
    labels = [implementations.label(name) for name in chosen]
    return Legend(handles, [*labels, MADE_LABEL, READ_LABEL], below=True)
