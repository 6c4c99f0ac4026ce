"""The picture of memory in the report.

It is of a layout that was measured once and is kept here, since addresses differ from process to
process, and the same run gives the same report.
"""

from functools import lru_cache
from pathlib import Path

from growbench.memory_picture.layout import read_layout
from growbench.memory_picture.picture import draw
from growbench.figures.render import draw_in
from growbench.report.figures import Picture, picture
from growbench.figures.style import DEFAULT_STYLE, STYLES

LAYOUT = Path(__file__).with_name("memory_layout.json")
NAME = "memory"
CAPTION = (
    "An array, views of it, a copy, and a list of rows in memory, from real strides and addresses"
)


@lru_cache(maxsize=None)
def memory() -> Picture:
    """The same in each report."""
    layout, style = read_layout(LAYOUT), STYLES[DEFAULT_STYLE]
    of = "Measured once, with " + ", ".join(
        f"{name} {version}" for name, version in layout.made_with
    )
    return picture(draw_in(style, lambda: draw(layout, style)), style, (NAME, NAME, CAPTION, of))
