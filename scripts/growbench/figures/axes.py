"""Logarithmic axes whose ticks can be read: 10, 100, 1k rows; ns to s; KiB to GiB; multiples."""

import math
from typing import Any, Iterable, Optional, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedFormatter, FixedLocator, NullLocator

from growbench.figures.lettering import line_height, text_width
from growbench.figures.style import Look, Style
from growbench.data.units import tick, unit_size

LEAST_TICKS, MOST_TICKS = 4, 8
# What to multiply powers of the base with where the powers alone are too few, coarse to fine.
_MANTISSAS = {
    2.0: ((1.0, 1.5), (1.0, 1.25, 1.5, 1.75)),
    10.0: (
        (1.0, 2.0, 5.0),
        (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 7.0),
        (1.0, 1.25, 1.5, 1.75, 2.0, 2.5, 3.0, 3.5, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0),
    ),
}


def log_limits(values: Iterable[float]) -> tuple[float, float]:
    """Limits of a log axis that show all values above 0, with some room around them."""
    array = np.asarray(list(values), dtype=float)
    array = array[np.isfinite(array) & (array > 0)]
    low, high = (float(array.min()), float(array.max())) if len(array) else (1.0, 10.0)
    room = max((high / low) ** 0.05, 1.15)
    return low / room, high * room


def log_ticks(low: float, high: float, unit: str) -> list[float]:
    """Round values between low and high, both above 0, at most about MOST_TICKS of them."""
    base = 2.0 if unit == "bytes" else 10.0
    first = math.ceil(math.log(low) / math.log(base) - 1e-9)
    last = math.floor(math.log(high) / math.log(base) + 1e-9)
    powers = [base**power for power in range(first, last + 1)]
    if len(powers) >= 3:
        every = math.ceil(len(powers) / MOST_TICKS)
        if base == 2.0:
            # 1, 4, 16, ... or 1, 32, 1024, ...: every unit's own 1 stays among them.
            every = next(n for n in (1, 2, 5, 10, 20, 40) if n >= every)
        return [power for power in powers if round(math.log(power, base)) % every == 0]
    for mantissas in _MANTISSAS[base]:
        inside = [
            mantissa * base**power
            for power in range(first - 1, last + 2)
            for mantissa in mantissas
            if low <= mantissa * base**power <= high
        ]
        if len(inside) >= LEAST_TICKS:
            return inside
    # Less than a factor of 1.5 or so: equal steps that are round in the unit of the labels.
    size = unit_size(high, unit)
    widest = (high - low) / size / 3.0
    decade = 10.0 ** math.floor(math.log10(widest))
    step = size * decade * max(m for m in (1.0, 2.0, 5.0) if m * decade <= widest)
    return [n * step for n in range(math.ceil(low / step), math.floor(high / step) + 1)]


def add_line(axes: Axes, x: Any, y: Any, **properties: Any) -> None:
    """axes.plot() of one line, but without a look at where its points are, which takes as long as
    all else: the limits are known."""
    axes.add_artist(Line2D(x, y, **properties))


def sample(look: Look) -> Line2D:
    """What a legend shows of a line with markers."""
    properties = {"color": look.colour, "linestyle": look.line, "marker": look.marker}
    return Line2D([], [], markeredgewidth=0.0, **properties)


def set_linear_axis(axes: Axes, which: str, high: float, unit: str, style: Style) -> None:
    """Make the axis "x" or "y" linear from 0 to `high`, with at most six ticks in `unit`."""
    size = unit_size(high, unit)
    base = 2.0 if unit == "bytes" else 10.0
    decade = base ** math.floor(math.log(high / size) / math.log(base) - 4)
    steps = (decade * base**power * m for power in range(8) for m in _MANTISSAS[base][0])
    if unit == "bytes":
        steps = (decade * base**power for power in range(12))
    step = next(s for s in steps if high / size / s < 6.0)
    ticks = [n * step * size for n in range(math.floor(high / size / step) + 1)]
    axis = axes.xaxis if which == "x" else axes.yaxis
    (axes.set_xlim if which == "x" else axes.set_ylim)(0.0, high)
    labels = [f"{n / size:.4g}{tick(size, unit)[1:]}" if n else "0" for n in ticks]
    every = tick_step(axes, which, [n / high for n in ticks], labels, style)
    axis.set_major_locator(FixedLocator(ticks[::every]))
    axis.set_major_formatter(FixedFormatter(labels[::every]))


def set_log_axis(
    axes: Axes,
    which: str,
    limits: tuple[float, float],
    unit: str,
    style: Style,
    ticks: Optional[Sequence[float]] = None,
) -> None:
    """Make the axis "x" or "y" logarithmic between the limits, with ticks in `unit`.

    ticks: where they stand, if round values will not do; those that do not fit are left out.
    """
    given = ticks is not None
    ticks = ticks if ticks is not None else log_ticks(*limits, unit)
    if which == "x":
        axes.set_xscale("log")
        axes.set_xlim(*limits)
        axis = axes.xaxis
    else:
        axes.set_yscale("log")
        axes.set_ylim(*limits)
        axis = axes.yaxis
    labels = [tick(value, unit) for value in ticks]
    low, high = limits
    places = [math.log(value / low) / math.log(high / low) for value in ticks]
    chosen = list(range(0, len(labels), tick_step(axes, which, places, labels, style)))
    if given:
        chosen = _fitting(axes, which, places, labels, style)
    axis.set_major_locator(FixedLocator([ticks[i] for i in chosen]))
    axis.set_major_formatter(FixedFormatter([labels[i] for i in chosen]))
    axis.set_minor_locator(NullLocator())


def _fitting(
    axes: Axes, which: str, places: Sequence[float], labels: Sequence[str], style: Style
) -> list[int]:
    """Which ticks have room for their labels, each beside the one before it that has."""
    chosen = [0]
    for number in range(1, len(labels)):
        pair = [chosen[-1], number]
        if tick_step(axes, which, [places[i] for i in pair], [labels[i] for i in pair], style) == 1:
            chosen.append(number)
    return chosen


def tick_step(
    axes: Axes, which: str, places: Sequence[float], labels: Sequence[str], style: Style
) -> int:
    """1 if the labels of all ticks fit beside each other, 2 if those of every second do, ...

    places: where they stand, as shares of the axis.
    """
    box, size = axes.get_position(), axes.figure.get_size_inches()
    length = box.width * size[0] if which == "x" else box.height * size[1]
    gap = 0.4 * style.small_points / 72.0 if which == "x" else 0.0
    room = [
        text_width(label, style.small_points) if which == "x" else line_height(style.small_points)
        for label in labels
    ]
    for every in range(1, len(labels)):
        chosen = range(0, len(labels), every)
        if all(
            (places[after] - places[before]) * length >= (room[before] + room[after]) / 2 + gap
            for before, after in zip(chosen, chosen[1:])
        ):
            return every
    return max(1, len(labels))
