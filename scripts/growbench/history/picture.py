"""The figure of a history: a panel for each count or time of a family that changed, its figures in
order, and its change points."""

from typing import NamedTuple, Sequence

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedFormatter, FixedLocator, MaxNLocator

from growbench.comparison.exact import BETTER, OTHER, WORSE
from growbench.comparison.sharing import FAMILY, family_words
from growbench.data.units import tick
from growbench.figures.axes import add_line, tick_step
from growbench.figures.canvas import (
    Legend,
    NothingToDraw,
    Panels,
    Shape,
    Words,
    make_panels,
    panel_title,
)
from growbench.figures.lettering import line_height, name_text, text_width
from growbench.figures.style import BLUE, DASHED, GREEN, GREY, SOLID, Style, VERMILLION
from growbench.history.changes import COUNT, History, distance
from growbench.history.order import State

MOST_PANELS = 12
# How changes are marked: colour and line.
_MARKS = {WORSE: (VERMILLION, SOLID), BETTER: (GREEN, DASHED), OTHER: (GREY, DASHED)}
_LONGEST_LABEL = 12
_PANEL = ["what", "place", *FAMILY]


class _Line(NamedTuple):
    """What a panel shows: figures as changes in percent, at each x, from 1. low, high: of counts,
    over the workers; the same as `value` for times."""

    title: str
    what: str
    x: np.ndarray
    value: np.ndarray
    low: np.ndarray
    high: np.ndarray
    dots: bool


def draw(history: History, since: int, style: Style) -> Figure:
    """The figure. since: the place of the first state whose changes are shown. Raises NothingToDraw
    if there are none."""
    told = history.families[history.families["since"] >= since]
    if told.empty:
        raise NothingToDraw("nothing changed")
    chosen, count = _chosen(told)
    lines = [_line(history, rows.iloc[-1], rows) for rows in chosen]
    states = history.states
    note = f"the largest changes: {len(chosen)} of {count}" if len(chosen) < count else ""
    words = Words(
        "What changed, and since when",
        f"{len(states)} runs or states in the order of {history.order.by}, from "
        f"{name_text(states[0].label)} to {name_text(states[-1].label)}",
        "  \N{MIDDLE DOT}  ".join(
            part
            for part in (
                "counts: of the cell that changed most, bars over its workers",
                "times: of a family, without what all families have in common",
                note,
            )
            if part
        ),
        "place in that order",
        "change since the first",
    )
    changes = set(told["change"])
    panels = make_panels(len(lines), style, words, _legend(changes, style), Shape(own_y=True))
    for axes, line, rows in zip(panels.axes, lines, chosen):
        _draw_panel(panels, axes, line, rows, states, style)
    return panels.figure


def _chosen(told: pd.DataFrame) -> tuple[list[pd.DataFrame], int]:
    """The rows of each panel, and how many panels there might be. Of each change point and count
    the largest change comes first, so that none is hidden behind many like it."""
    ranked = told.assign(distance=distance(told["ratio"]), worse=told["change"] == WORSE)
    ranked = ranked.sort_values(["worse", "distance"], ascending=False, kind="stable")
    ranked["rank"] = ranked.groupby(["since", "what"], sort=False).cumcount()
    ranked = ranked.sort_values("rank", kind="stable")
    keys = ranked[_PANEL].drop_duplicates()
    chosen = []
    for key in keys.head(MOST_PANELS).itertuples(index=False, name=None):
        same = (told[_PANEL] == pd.Series(dict(zip(_PANEL, key)))).all(axis=1)
        chosen.append(told[same])
    return chosen, len(keys)


def _line(history: History, newest: pd.Series, rows: pd.DataFrame) -> _Line:
    name = name_text(family_words(newest))
    if newest["kind"] == COUNT:
        size = tick(newest["rows"], "count")
        return _of_count(history, newest, name, f"{newest['label']}, {size} rows")
    return _of_time(history, newest, rows, name)


def _of_count(history: History, row: pd.Series, title: str, what: str) -> _Line:
    of = next(
        one
        for one in history.of_counts
        if (one.exact.name, one.place) == (row["what"], row["place"])
    )
    cells = history.cells
    same = (cells[list(FAMILY)] == row[list(FAMILY)]).all(axis=1)
    own = same & (cells["rows"] == row["rows"]) & (cells["row_bytes"] == row["row_bytes"])
    (place, *_) = np.flatnonzero(own)
    low, high = of.series.low[:, place], of.series.high[:, place]
    there = np.flatnonzero(~np.isnan(low))
    middle = (low[there] + high[there]) / 2.0
    # What comes from 0 is told in shares of the most there is.
    base = middle[0] if middle[0] > 0 else middle.max()
    value, low, high = (100.0 * (part / base - 1.0) for part in (middle, low[there], high[there]))
    return _Line(title, what, there + 1.0, value, low, high, dots=False)


def _of_time(history: History, row: pd.Series, rows: pd.DataFrame, title: str) -> _Line:
    host = next(one for one in history.in_time.hosts if f"host {one.number}" == row["place"])
    key = (row["what"], tuple(row[list(FAMILY)]))
    series = list(zip(host.metric_of, host.families)).index(key)
    state_of = [place for place, state in enumerate(history.states) for _ in state.runs]
    x = np.array([state_of[run] for run in host.runs], dtype=float)
    values = host.values[series]
    before = values[(x < rows["since"].min()) & ~np.isnan(values)]
    figures = 100.0 * np.expm1(values - np.median(before))
    there = ~np.isnan(figures)
    shown = figures[there]
    return _Line(title, row["label"].lower(), x[there] + 1.0, shown, shown, shown, dots=True)


def _draw_panel(
    panels: Panels,
    axes: Axes,
    line: _Line,
    rows: pd.DataFrame,
    states: Sequence[State],
    style: Style,
) -> None:
    panel_title(panels, axes, style, line.title)
    _set_axes(axes, line, len(states), style)
    inside = {"fontsize": style.small_points, "color": style.faint_ink}
    ground = {"facecolor": style.paper, "edgecolor": "none", "pad": 1.0}
    place = {"transform": axes.transAxes, "va": "bottom"}
    axes.text(0.02, 0.02, line.what, bbox=ground, zorder=3.0, **place, **inside)
    colour = style.colour(BLUE)
    if line.dots:
        look = {"linestyle": "none", "marker": "o", "markersize": 0.6 * style.marker}
        add_line(axes, line.x, line.value, color=colour, markeredgewidth=0.0, **look)
        _draw_levels(axes, line, rows, style)
    else:
        add_line(axes, line.x, line.value, color=colour, drawstyle="steps-mid", gid="figures")
        gap = np.full(len(line.x), np.nan)
        x, y = (
            np.column_stack(parts).ravel()
            for parts in ((line.x, line.x, gap), (line.low, line.high, gap))
        )
        add_line(axes, x, y, color=colour, linewidth=1.3 * style.line, gid="bars")
    _mark(axes, rows, states, style)


def _draw_levels(axes: Axes, line: _Line, rows: pd.DataFrame, style: Style) -> None:
    """The median between one change and the next."""
    ends = [0.5, *sorted(rows["since"].to_numpy(float) + 0.5), np.inf]
    for first, end in zip(ends, ends[1:]):
        own = (line.x > first) & (line.x < end)
        if own.any():
            x = line.x[own]
            level = float(np.median(line.value[own]))
            add_line(axes, [x.min(), x.max()], [level] * 2, color=style.ink, gid="level")


def _set_axes(axes: Axes, line: _Line, count: int, style: Style) -> None:
    low, high = min(line.low.min(), 0.0), max(line.high.max(), 0.0)
    height = axes.get_position().height * axes.figure.get_figheight()
    # A line of text below the figures, and one above them.
    text = 1.5 * line_height(style.small_points) / height
    room = text / (1.0 - 2.0 * text) * max(high - low, 1e-3)
    axes.set_xlim(0.5, count + 0.5)
    axes.set_ylim(low - room, high + room)
    for which, limits in (("x", (1, count)), ("y", (low, high))):
        axis = axes.xaxis if which == "x" else axes.yaxis
        places = MaxNLocator(5, integer=which == "x", steps=[1, 2, 5, 10]).tick_values(*limits)
        little = 1e-6 * (limits[1] - limits[0])
        ticks = [float(p) for p in places if limits[0] - little <= p <= limits[1] + little]
        labels = [f"{p:.0f}" if which == "x" else f"{p:+.4g}%" if p else "0" for p in ticks]
        start, end = axes.get_xlim() if which == "x" else axes.get_ylim()
        shares = [(p - start) / (end - start) for p in ticks]
        every = tick_step(axes, which, shares, labels, style)
        axis.set_major_locator(FixedLocator(ticks[::every]))
        axis.set_major_formatter(FixedFormatter(labels[::every]))


def _mark(axes: Axes, rows: pd.DataFrame, states: Sequence[State], style: Style) -> None:
    """A line at each change, and its state's name where there is room for it, the newest first."""
    inches = axes.get_position().width * axes.figure.get_figwidth()
    first, end = axes.get_xlim()
    taken = np.inf
    for _, row in rows.sort_values("since", ascending=False).iterrows():
        x = row["since"] + 0.5
        colour, line = _MARKS[row["change"]]
        colour = style.colour(colour)
        add_line(axes, [x, x], list(axes.get_ylim()), color=colour, linestyle=line, gid="change")
        name = f" {_short(states[int(row['since'])])} "
        wide = text_width(name, style.small_points) / inches * (end - first)
        right = x + wide <= min(end, taken)
        if not right and not (x <= taken and x - wide >= first):
            continue
        place = {"ha": "left" if right else "right", "va": "top"}
        look = {"fontsize": style.small_points, "color": colour}
        transform = axes.get_xaxis_transform()
        axes.text(x, 0.985, name, transform=transform, **place, **look)
        taken = x if right else x - wide


def _short(state: State) -> str:
    """A name for a state that fits beside a line: a commit, a version, or a day and time."""
    if len(state.label) <= _LONGEST_LABEL:
        return name_text(state.label)
    return state.runs[0].began[5:16].replace("T", " ")


def _legend(changes: set[str], style: Style) -> Legend:
    handles: list[Artist] = []
    labels = []
    for change, (colour, line) in _MARKS.items():
        if change in changes:
            handles.append(Line2D([], [], color=style.colour(colour), linestyle=line))
            labels.append(f"{change} from here on")
    return Legend(handles, labels, below=True)
