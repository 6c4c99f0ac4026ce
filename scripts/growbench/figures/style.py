"""What things look like: the same strategy, and the same allocator, alike in every plot; and
STYLES, what figures look like on paper, on slides and on dark pages: a row for each.

Colours start from M. Okabe and K. Ito's palette, which readers with any common colour vision
can tell apart; markers and line styles tell apart what shares a hue.
"""

import zlib
from itertools import groupby
from typing import Iterable, NamedTuple

from growbench.data import allocators, parameters

BLACK = "#000000"
ORANGE = "#E69F00"
SKY = "#56B4E9"
GREEN = "#009E73"
YELLOW = "#C9B400"  # darker than the palette's, which is lost on white paper
BLUE = "#0072B2"
VERMILLION = "#D55E00"
PURPLE = "#CC79A7"
GREY = "#7F7F7F"
BROWN = "#8C510A"
NAVY = "#332288"

TICK_POINTS = 3.0
SOLID, DASHED, DASH_DOT = "-", (0, (5, 1.5)), (0, (5, 1.5, 1, 1.5))
DOTTED = (0, (1, 1.5))


class Look(NamedTuple):
    """How one strategy or one allocator is drawn; marker and line as matplotlib has them."""

    colour: str
    marker: object
    line: object = SOLID


# In the order of legends and panels: what reallocates at every row, what grows by a factor,
# pointers, one allocation, no copy at all; then the containers that people use. Markers are filled:
# a line's markers have no edge.
STRATEGIES = {
    "loop_and_append": Look(VERMILLION, "o"),
    "append_in_place": Look(ORANGE, "s"),
    "realloc_doubling": Look(BLUE, "^"),
    "realloc_x1.5": Look(SKY, "v", DASHED),
    "realloc_cpython": Look(NAVY, "D", DASH_DOT),
    "realloc_go": Look(GREEN, (5, 1, 0), DASHED),
    "realloc_folly": Look(ORANGE, (7, 1, 180), DASH_DOT),
    "list_of_pointers": Look(PURPLE, "<"),
    "list_of_pointers_packed": Look(PURPLE, ">", DASHED),
    "preallocate_then_fill": Look(GREEN, "P"),
    "preallocate_zeroed": Look(GREEN, "X", DASHED),
    "chunked_list": Look(YELLOW, "h"),
    "reserve_then_commit": Look(BLACK, "*"),
    "std_vector": Look(VERMILLION, "p", DASHED),
    "std_vector_reserve": Look(ORANGE, "d", DASHED),
    "std_deque": Look(YELLOW, "H"),
    "std_list": Look(PURPLE, "8"),
    "glib_array": Look(SKY, (4, 1, 0), DASH_DOT),
    "glib_ptr_array": Look(NAVY, (3, 1, 0)),
    "utarray": Look(BROWN, (3, 1, 180), DASHED),
    # What only NumPy and Python have.
    "np_append": Look(VERMILLION, (6, 1, 0), DASH_DOT),
    "list_concatenated": Look(SKY, (5, 1, 180)),
    "list_vstacked": Look(NAVY, (4, 1, 45), DASHED),
    "np_fromiter": Look(BROWN, (7, 1, 0)),
    "array_array": Look(BLUE, (8, 1, 0), DASHED),
    "bytearray": Look(GREEN, (6, 1, 30), DASH_DOT),
}
_OF_ALLOCATORS = (
    Look(BLACK, "o"),
    Look(BLUE, "s"),
    Look(VERMILLION, "^"),
    Look(GREEN, "D", DASHED),
    Look(PURPLE, "v"),
    Look(ORANGE, "h", DASH_DOT),
)
ALLOCATORS = dict(zip(allocators.ALLOCATORS, _OF_ALLOCATORS))
# Where lines are of implementations; the markers and lines also where colours are of strategies.
IMPLEMENTATIONS = {
    "c": Look(BLUE, "o"),
    "numpy": Look(VERMILLION, "s", DASHED),
    "python": Look(GREEN, "^", DASH_DOT),
}
SPARE = (
    Look(BROWN, "p"),
    Look(GREY, "d", DASHED),
    Look(SKY, "H", DASH_DOT),
    Look(YELLOW, "8"),
    Look(NAVY, "o", DASHED),
    Look(BROWN, "s", DASH_DOT),
    Look(GREY, "^"),
    Look(SKY, "v", DASHED),
)
# From small values to large ones, each of which can be told from its neighbours: matplotlib's map
# "plasma" without its lightest end.
ROW = ("#0D0887", "#5302A3", "#8B0AA5", "#B83289", "#DB5C68", "#F48849", "#FDB32F")
_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "p", "*", "h", "<", ">")


def looks(known: dict[str, Look], names: Iterable[str]) -> dict[str, Look]:
    """A look for each name, in the order of legends: known names first, then the others sorted.

    An unknown name gets a spare look that depends on the name, not on its company, unless two
    names would share one. An aged allocator looks as the fresh one, but that its line is dotted.
    Several values of a strategy's parameter are a row of colours, from dark to light.
    """
    present = set(names)
    known = {
        label: of
        for name, look in known.items()
        for label, of in ((name, look), (name + allocators.AGED, look._replace(line=DOTTED)))
    }
    chosen = {name: look for name, look in known.items() if name in present}
    others = parameters.ordered(present - set(known))
    for number, (_, group) in enumerate(groupby(others, parameters.base)):
        values = list(group)
        if len(values) > 1:
            chosen.update(zip(values, _row(len(values), number)))
    taken: set[int] = set()
    for name in others:
        if name in chosen:
            continue
        place = zlib.crc32(name.encode()) % len(SPARE)
        for step in range(len(SPARE)):
            if (place + step) % len(SPARE) not in taken:
                place = (place + step) % len(SPARE)
                break
        taken.add(place)
        chosen[name] = SPARE[place]
    return chosen


def _row(count: int, number: int) -> list[Look]:
    """The looks of the values of one strategy's parameter, the number-th of a figure."""
    line = (SOLID, DASHED, DASH_DOT)[number % 3]
    colours = [ROW[round(place * (len(ROW) - 1) / (count - 1))] for place in range(count)]
    return [Look(colour, _MARKERS[i % len(_MARKERS)], line) for i, colour in enumerate(colours)]


class Style(NamedTuple):
    """What figures look like for one use. Lengths in inches, sizes of text and lines in points.

    widths: the figures' widths; a figure takes the first in which its panels are wide enough.
    page_height: figures are not higher, unless their panels could not be read.
    fills_page: panels are as high as the page lets them be, and not as their width suggests.
    edge: what is kept free around a figure.
    points: axis labels and legends. small_points: ticks, footers, numbers on heat maps.
    line, marker: of a line of data, and its markers.
    legend: "below" the panels, or "right" of them where that leaves them wide enough.
    paper, ink, faint_ink: what is drawn on, texts, and texts that are less important.
    bands: thick lines behind the data, stronger and weaker. empty: a cell without a figure.
    colour_map: of heat maps; its end for high values stands out from the paper.
    inks: what replaces a colour of Look or of the attribution's parts that this paper swallows.
    """

    help: str
    widths: tuple[float, ...]
    page_height: float
    fills_page: bool
    edge: float
    dpi: int
    title_points: float
    points: float
    small_points: float
    line: float
    marker: float
    legend: str
    paper: str
    ink: str
    faint_ink: str
    frame: str
    grid: str
    bands: tuple[str, str]
    empty: str
    colour_map: str
    inks: dict[str, str]

    def colour(self, colour: str) -> str:
        """That colour, or what stands for it on this paper."""
        return self.inks.get(colour, colour)

    def look(self, look: Look) -> Look:
        """The same look on this paper."""
        return look._replace(colour=self.colour(look.colour))


_PRINT = Style(
    help="for a paper: one or two columns wide, 7 to 9 points, white",
    widths=(3.5, 7.1),
    page_height=9.4,
    fills_page=False,
    edge=0.06,
    # SVG and PDF are for printers. At 300 dpi the PNG files would be 1.7 times as large,
    # and take twice the time to write.
    dpi=200,
    title_points=9.0,
    points=7.5,
    small_points=7.0,
    line=1.0,
    marker=3.6,
    legend="below",
    paper="#FFFFFF",
    ink=BLACK,
    faint_ink="#444444",
    frame="#444444",
    grid="#DDDDDD",
    bands=("#888888", "#C8C8C8"),
    empty="#EEEEEE",
    colour_map="viridis_r",
    inks={},
)
_SCREEN = _PRINT._replace(
    help="for slides and pages: 16:9, large text and lines, white",
    widths=(12.8,),
    page_height=7.2,
    fills_page=True,
    edge=0.18,
    dpi=150,
    title_points=16.0,
    points=11.5,
    small_points=10.5,
    line=1.9,
    marker=6.5,
    legend="right",
)
_DARK = _SCREEN._replace(
    help="as screen, on a dark ground",
    paper="#111111",
    ink="#F0F0F0",
    faint_ink="#BBBBBB",
    frame="#999999",
    grid="#333333",
    bands=("#8C8C8C", "#505050"),
    empty="#2B2B2B",
    colour_map="viridis",
    inks={
        BLACK: "#F0F0F0",
        BLUE: "#2F8FDB",
        SKY: "#8FD6FF",
        NAVY: "#B3A6F5",
        BROWN: "#B5793A",
        GREY: "#909090",
        ROW[0]: "#7D7BFF",
        ROW[1]: "#A26BFF",
        ROW[2]: "#C45FDF",
    },
)
STYLES = {"print": _PRINT, "screen": _SCREEN, "dark": _DARK}
DEFAULT_STYLE = "print"


def settings(style: Style) -> dict[str, object]:
    """The settings of matplotlib for a style, beside its defaults."""
    thin = 0.5 * style.line
    return {
        "font.family": "DejaVu Sans",
        "font.size": style.points,
        "axes.titlesize": style.points,
        "axes.titleweight": "bold",
        "axes.titlepad": 0.5 * style.small_points,
        "axes.labelsize": style.points,
        "axes.linewidth": thin,
        "axes.facecolor": style.paper,
        "axes.edgecolor": style.frame,
        "axes.labelcolor": style.ink,
        "axes.axisbelow": True,
        "axes.grid": True,
        "figure.facecolor": style.paper,
        "text.color": style.ink,
        **{
            f"{axis}tick.{name}": value
            for axis in "xy"
            for name, value in (
                ("labelsize", style.small_points),
                ("color", style.frame),
                ("labelcolor", style.ink),
                ("major.width", thin),
                ("major.size", TICK_POINTS),
                ("major.pad", TICK_POINTS),
            )
        },
        "grid.color": style.grid,
        "grid.linewidth": thin,
        "legend.fontsize": style.points,
        "legend.title_fontsize": style.points,
        "legend.frameon": False,
        "hatch.linewidth": thin,
        "lines.linewidth": style.line,
        "lines.markersize": style.marker,
        # Text is not mathematics, whatever signs it holds.
        "text.parse_math": False,
        "svg.hashsalt": "growbench",
        # TrueType: what publishers ask for.
        "pdf.fonttype": 42,
    }
