"""What things look like: the same strategy, and the same allocator, alike in every plot.

Colours start from M. Okabe and K. Ito's palette, which readers with any common colour vision
can tell apart; markers and line styles tell apart what shares a hue.
"""

import zlib
from typing import Iterable, NamedTuple

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

SOLID, DASHED, DASH_DOT = "-", (0, (5, 1.5)), (0, (5, 1.5, 1, 1.5))


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
}
ALLOCATORS = {
    "glibc": Look(BLACK, "o"),
    "jemalloc": Look(BLUE, "s"),
    "mimalloc": Look(VERMILLION, "^"),
    "tcmalloc": Look(GREEN, "D", DASHED),
    "tbbmalloc": Look(PURPLE, "v"),
    "scudo": Look(ORANGE, "h", DASH_DOT),
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


def looks(known: dict[str, Look], names: Iterable[str]) -> dict[str, Look]:
    """A look for each name, in the order of legends: known names first, then the others sorted.

    An unknown name gets a spare look that depends on the name, not on its company, unless two
    names would share one.
    """
    present = set(names)
    chosen = {name: look for name, look in known.items() if name in present}
    taken: set[int] = set()
    for name in sorted(present - set(known)):
        place = zlib.crc32(name.encode()) % len(SPARE)
        for step in range(len(SPARE)):
            if (place + step) % len(SPARE) not in taken:
                place = (place + step) % len(SPARE)
                break
        taken.add(place)
        chosen[name] = SPARE[place]
    return chosen


# Sizes in inches and points; text that is not mathematics, whatever signs a label holds.
SETTINGS = {
    "font.family": "DejaVu Sans",
    "font.size": 8.0,
    "axes.titlesize": 9.0,
    "axes.labelsize": 8.0,
    "axes.linewidth": 0.6,
    "axes.edgecolor": "#444444",
    "axes.axisbelow": True,
    "xtick.labelsize": 7.5,
    "ytick.labelsize": 7.5,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "xtick.major.size": 3.0,
    "ytick.major.size": 3.0,
    "grid.color": "#DDDDDD",
    "grid.linewidth": 0.5,
    "legend.fontsize": 8.0,
    "legend.frameon": False,
    "hatch.linewidth": 0.5,
    "lines.linewidth": 1.2,
    "lines.markersize": 4.0,
    "text.parse_math": False,
    "savefig.dpi": 150.0,
    "svg.hashsalt": "growbench",
    "pdf.fonttype": 3,
}
