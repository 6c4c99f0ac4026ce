"""A picture of memory: an array in one block, views of it, the copy that a reshape has to make, a
list of rows, and how a list grows. Drawn from a memory_layout.Layout; lengths are in inches.

The same layout and style give the same figure.
"""

from typing import NamedTuple, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, Rectangle
from matplotlib.path import Path

from growbench.figures.lettering import fitted, line_height, text_width, wrapped
from growbench.memory_picture.layout import Array, Block, COPY, Growth, Layout
from growbench.figures.style import BLUE, GREEN, ORANGE, PURPLE, SKY, Style, VERMILLION, YELLOW
from growbench.data.units import show

TITLE = "Where arrays, views and lists lie in memory"
SUBTITLE = (
    "Colours are rows; arcs lead from each element to the next one of a walk, dashed where it goes "
    "back; numbers below are bytes from the start of the block"
)
_ROW_COLOURS = (SKY, ORANGE, GREEN, YELLOW)
# Widths and heights in those of small text.
_CELL, _CELL_HEIGHT, _GRID_CELL = 1.95, 1.7, 1.45
_ARCS, _GAP = 2.6, 1.6
_INK_ON_COLOUR = "#000000"


class _Pen(NamedTuple):
    """What draws on a figure whose axes are in inches; y goes up."""

    axes: Axes
    style: Style

    @property
    def em(self) -> float:
        return self.style.small_points / 72.0

    def text(self, x: float, y: float, text: str, **properties: object) -> None:
        given = {"fontsize": self.style.small_points, "va": "top", **properties}
        self.axes.text(x, y, text, **given)

    def box(self, x: float, y: float, size: tuple[float, float], face: str, edge: str) -> None:
        line = 0.6 * self.style.line
        # An edge that is seen lies above those that only part.
        order = 1.0 if edge == self.style.paper else 1.1
        self.axes.add_patch(
            Rectangle((x, y), *size, facecolor=face, edgecolor=edge, linewidth=line, zorder=order)
        )


def draw(layout: Layout, style: Style) -> Figure:
    """The picture, as wide as the style's widest figure."""
    width = style.widths[-1]
    em, edge = style.small_points / 72.0, style.edge
    small, line = line_height(style.small_points), line_height(style.points)
    strip = max(array.block_bytes // array.itemsize for array in layout.arrays) * _CELL * em
    columns = max(1, int((width - 2 * edge + 2 * em) / (strip + 2 * em)))
    pitch = (width - 2 * edge) / columns
    rows = [layout.arrays[i : i + columns] for i in range(0, len(layout.arrays), columns)]
    heights = [max(_array_height(array, style) for array in row) + _GAP * em for row in rows]
    side_by_side = columns > 2
    list_height = _blocks_height(layout.blocks, style) if layout.blocks else 0.0
    growth_height = _growth_height(layout.growth, style) if layout.growth else 0.0
    bottom = max(list_height, growth_height) if side_by_side else list_height + growth_height
    subtitle = wrapped(SUBTITLE, width - 2 * edge, style.points)
    footer = wrapped(_footer(layout), width - 2 * edge, style.small_points)
    head = edge + line_height(style.title_points) + line * len(subtitle) + 0.8 * line
    foot = edge + small * len(footer) + 0.5 * small
    height = head + sum(heights) + bottom + foot

    figure = Figure(figsize=(width, height), dpi=style.dpi, facecolor=style.paper)
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set_axis_off()
    axes.set_xlim(0.0, width)
    axes.set_ylim(0.0, height)
    pen = _Pen(axes, style)
    top = height - edge
    pen.text(edge, top, TITLE, fontsize=style.title_points, fontweight="bold")
    faint = {"color": style.faint_ink}
    top -= line_height(style.title_points)
    pen.text(edge, top, "\n".join(subtitle), fontsize=style.points, **faint)
    pen.text(edge, edge, "\n".join(footer), **{**faint, "va": "bottom"})
    y = height - head
    for row, row_height in zip(rows, heights):
        for column, array in enumerate(row):
            _draw_array(pen, array, edge + column * pitch, y)
        y -= row_height
    list_width = pitch * (columns - 1) - em if side_by_side else width - 2 * edge
    if layout.blocks:
        _draw_blocks(pen, layout.blocks, edge, y, list_width)
    if layout.growth:
        x = edge + pitch * (columns - 1) if side_by_side else edge
        below = y if side_by_side else y - list_height
        _draw_growth(pen, layout.growth, x, below, width - edge - x)
    return figure


def _footer(layout: Layout) -> str:
    made = ", ".join(f"{name} {version}" for name, version in layout.made_with)
    parts = [f"strides, flags and addresses as they were: {made}"]
    if layout.checked:
        parts.append(f"{layout.checked} has the same shapes, strides and flags")
    return "  \N{MIDDLE DOT}  ".join(parts)


def _array_height(array: Array, style: Style) -> float:
    em, small = style.small_points / 72.0, line_height(style.small_points)
    lines = line_height(style.points) + small
    return lines + (_grid_rows(array) * _GRID_CELL + _ARCS + _CELL_HEIGHT) * em + 1.2 * small


def _grid_rows(array: Array) -> int:
    return array.shape[0] if len(array.shape) == 2 else 1


def _draw_array(pen: _Pen, array: Array, x: float, top: float) -> None:
    """What it is, its rows and columns, and below its memory with the way that a walk takes."""
    style, em = pen.style, pen.em
    pen.text(x, top, array.title, fontsize=style.points, fontweight="bold")
    told = f"{array.kind}, {_contiguous(array)}"
    room = text_width(array.title, style.points, True) + em
    pen.text(x + room, top - 0.08 * em, told, color=style.faint_ink)
    top -= line_height(style.points)
    lettered = f"shape {_tuple(array.shape)}  strides {_tuple(array.strides)}"
    if array.kind == COPY:
        lettered += f"  in a block {_away(array.block_offset)}"
    pen.text(x, top, lettered)
    top -= line_height(style.small_points) + 0.2 * em

    row_length = array.shape[-1]
    colours = [style.colour(c) for c in _ROW_COLOURS]
    of_element = [colours[n // row_length % len(colours)] for n in range(len(array.values))]
    width, height = _CELL * em, _GRID_CELL * em
    for number, value in enumerate(array.values):
        row, column = divmod(number, row_length)
        _cell(
            pen, x + column * width, top - (row + 1) * height, (width, height), of_element[number]
        )
        _number(pen, x + (column + 0.5) * width, top - (row + 0.5) * height, value)
    base = top - _grid_rows(array) * height - (_ARCS + _CELL_HEIGHT) * em
    _draw_memory(pen, array, of_element, x, base)


def _draw_memory(pen: _Pen, array: Array, colours: Sequence[str], x: float, y: float) -> None:
    """The block, cell by cell; y: its lower edge."""
    style, em = pen.style, pen.em
    width, height = _CELL * em, _CELL_HEIGHT * em
    places = [place // array.itemsize for place in array.places()]
    held = {place: number for number, place in enumerate(places)}
    for place in range(array.block_bytes // array.itemsize):
        left = x + place * width
        if place in held:
            _cell(pen, left, y, (width, height), colours[held[place]])
            _number(pen, left + 0.5 * width, y + 0.5 * height, array.values[held[place]])
        else:
            pen.box(left, y, (width, height), style.paper, style.faint_ink)
        pen.text(
            left + 0.5 * width,
            y - 0.15 * em,
            str(place * array.itemsize),
            ha="center",
            color=style.faint_ink,
        )
    longest = max((abs(b - a) for a, b in zip(places, places[1:])), default=1)
    for start, end in zip(places, places[1:]):
        # As high as the hop is far; the square root keeps the short ones visible.
        rise = _ARCS * em * 0.8 * np.sqrt(abs(end - start) / max(longest, 6))
        t = np.linspace(0.0, np.pi, 25)
        middle, half = (start + end) / 2.0, (start - end) / 2.0
        pen.axes.plot(
            x + (middle + 0.5 + half * np.cos(t)) * width,
            y + height + rise * np.sin(t),
            color=style.colour(BLUE if end > start else VERMILLION),
            linewidth=0.6 * style.line,
            linestyle="-" if end > start else (0, (3, 1)),
        )
    pen.axes.plot(
        [x + (places[0] + 0.5) * width],
        [y + height + 0.15 * em],
        marker="v",
        markersize=0.45 * style.small_points,
        color=style.ink,
        markeredgewidth=0.0,
    )


def _cell(pen: _Pen, x: float, y: float, size: tuple[float, float], colour: str) -> None:
    pen.box(x, y, size, colour, pen.style.paper)


def _number(pen: _Pen, x: float, y: float, value: float) -> None:
    pen.text(x, y, f"{value:g}", ha="center", va="center", color=_INK_ON_COLOUR)


def _contiguous(array: Array) -> str:
    flags = [name for name, is_so in zip("CF", (array.c_contiguous, array.f_contiguous)) if is_so]
    return f"{' and '.join(flags)} contiguous" if flags else "not contiguous"


def _tuple(numbers: Sequence[int]) -> str:
    inside = ", ".join(str(n).replace("-", "\N{MINUS SIGN}") for n in numbers)
    return f"({inside},)" if len(numbers) == 1 else f"({inside})"


def _away(offset: int) -> str:
    return f"{_distance(abs(offset))} {'above' if offset > 0 else 'below'} a"


def _distance(count: int) -> str:
    """Bytes in full where that is short."""
    return f"{count:,} B" if count < 100_000 else show(count, "bytes")


# The list: boxes in the order of their addresses, arrows below them.
_BOX_HEIGHT, _ARROWS = 3.0, 4.2
_BLOCK_COLOURS = {"list": ORANGE, "pointers": YELLOW, "row": SKY}


def _wide(pen: _Pen, text: str) -> float:
    """Of the widest of its lines."""
    return max(text_width(line, pen.style.small_points) for line in text.split("\n"))


def _blocks_height(blocks: Sequence[Block], style: Style) -> float:
    em = style.small_points / 72.0
    lines = line_height(style.points) + 2 * line_height(style.small_points)
    return lines + (_BOX_HEIGHT + _ARROWS + _GAP) * em


def _draw_blocks(pen: _Pen, blocks: Sequence[Block], x: float, top: float, width: float) -> None:
    style, em, small = pen.style, pen.em, line_height(pen.style.small_points)
    title = "rows = [row.copy() for row in a]"
    pen.text(x, top, title, fontsize=style.points, fontweight="bold")
    room = text_width(title, style.points, True) + em
    told = "a list of pointers, by address; gaps are not to scale"
    pen.text(x + room, top - 0.08 * em, told, color=style.faint_ink)
    top -= line_height(style.points) + 0.2 * em
    # The number above its unit: what is between blocks should not take their room.
    gaps = [
        _distance(after.offset - before.offset - before.bytes).replace(" ", "\n")
        for before, after in zip(blocks, blocks[1:])
    ]
    # A gap of 0 is no gap: such blocks touch.
    rooms = [0.0 if gap == "0\nB" else _wide(pen, gap) + 0.8 * em for gap in gaps] + [0.0]
    least = [_wide(pen, f"{block.name}\n{block.bytes:,} B") for block in blocks]
    spare = (width - sum(rooms) - sum(least)) / len(blocks)
    y = top - small - _BOX_HEIGHT * em
    centre = {"ha": "center", "va": "center"}
    places = []
    left = x
    for block, gap, room, narrow in zip(blocks, [*gaps, ""], rooms, least):
        face = style.colour(_BLOCK_COLOURS.get(block.name.split()[0], GREEN))
        box = narrow + spare
        middle = y + _BOX_HEIGHT * em / 2
        pen.box(left, y, (box, _BOX_HEIGHT * em), face, style.paper)
        inside = f"{fitted(block.name, box, style.small_points)}\n{block.bytes:,} B"
        pen.text(left + box / 2, middle, inside, color=_INK_ON_COLOUR, linespacing=1.1, **centre)
        places.append((left, box))
        left += box
        if room:
            pen.text(left + room / 2, middle, gap, color=style.faint_ink, linespacing=1.1, **centre)
        left += room
    for start, block in enumerate(blocks):
        kind = block.name.split()[0]
        colour = style.colour({"list": PURPLE, "pointers": BLUE}.get(kind, VERMILLION))
        for place, end in enumerate(block.points_to):
            # What leads away starts right of the middle, what arrives ends left of it.
            share = 0.6 + 0.3 * place / max(len(block.points_to) - 1, 1)
            (left, box), (to_left, to_box) = places[start], places[end]
            ends = (left + share * box, to_left + 0.3 * to_box)
            _arrow(pen, ends, y - 0.15 * em, width, colour)


def _arrow(pen: _Pen, ends: tuple[float, float], y: float, width: float, colour: str) -> None:
    """From below one box to below another, the deeper the farther, straight up at its end."""
    style, em = pen.style, pen.em
    start, end = ends
    depth = em * (1.2 + (_ARROWS - 1.6) * np.sqrt(min(abs(end - start) / width, 1.0)))
    below = y - depth * 4.0 / 3.0
    path = Path(
        [(start, y), (start, below), (end, below), (end, y)],
        [Path.MOVETO, Path.CURVE4, Path.CURVE4, Path.CURVE4],
    )
    pen.axes.add_patch(
        FancyArrowPatch(
            path=path,
            arrowstyle="-|>",
            mutation_scale=0.9 * style.small_points,
            shrinkA=0.0,
            shrinkB=0.0,
            color=colour,
            linewidth=0.8 * style.line,
        )
    )


# Of a slot, at most.
_SLOT = 0.85


def _growth_height(growth: Sequence[Growth], style: Style) -> float:
    return line_height(style.points) + (len(growth) + 0.6) * line_height(style.small_points)


def _draw_growth(pen: _Pen, growth: Sequence[Growth], x: float, top: float, width: float) -> None:
    style, em, small = pen.style, pen.em, line_height(pen.style.small_points)
    title = "rows.append(row)"
    pen.text(x, top, title, fontsize=style.points, fontweight="bold")
    room = text_width(title, style.points, True) + em
    pen.text(x + room, top - 0.08 * em, "used slots and spare ones", color=style.faint_ink)
    top -= line_height(style.points) + 0.2 * em
    labels = [f"length {step.length}: {step.slots} slots, {step.bytes} B" for step in growth]
    left = x + max(text_width(label, style.small_points) for label in labels) + 0.8 * em
    width_of_slot = min(_SLOT * em, (x + width - left) / max(step.slots for step in growth))
    for step, label in zip(growth, labels):
        pen.text(x, top, label)
        for slot in range(step.slots):
            face = style.colour(YELLOW) if slot < step.length else style.paper
            place = left + slot * width_of_slot
            size = (0.7 * width_of_slot, 0.8 * em)
            pen.box(place, top - 0.95 * em, size, face, style.frame)
        top -= small
