"""The plots as pictures for the report: small PNG images, and words for those who do not see them.

A PNG of 256 colours: a third of the full-colour one, half of what SVG takes, and text and lines
look the same.
"""

import base64
import io
from typing import NamedTuple, Optional, Sequence

from matplotlib.figure import Figure
from PIL import Image

from growbench.figures.canvas import NothingToDraw
from growbench.figures.render import Plot, Told, draw_each, draw_figure, image_of
from growbench.figures.slices import Slice
from growbench.figures.style import Style

_COLOURS = 255


class Picture(NamedTuple):
    """name: unique in a run, the plot's name and the slice's suffix. plot: the plot's name.
    caption: what it shows. of: which cells. png: the file. width, height: in pixels. inches: how
    wide it is meant to be on paper."""

    name: str
    plot: str
    caption: str
    of: str
    png: bytes
    width: int
    height: int
    inches: float

    @property
    def source(self) -> str:
        """The file as a data: address."""
        return "data:image/png;base64," + base64.b64encode(self.png).decode("ascii")

    @property
    def alt(self) -> str:
        """What an image stands for when it is not seen."""
        return f"Plot {self.name}: {self.caption} ({self.of}). The tables below hold its figures."


def draw_pictures(plots: Sequence[Plot], parts: Sequence[Slice], told: Told) -> list[Picture]:
    """Each plot of each slice that there is something to draw of, as draw_each() draws them."""
    drawn = draw_each(_draw, plots, parts, told)
    return [picture for picture in drawn if picture is not None]


def _draw(plot: Plot, part: Slice) -> Optional[Picture]:
    try:
        figure = draw_figure(plot, part)
    except NothingToDraw:
        return None
    caption = plot.help[:1].upper() + plot.help[1:]
    words = (plot.name + part.suffix, plot.name, caption, part.context.what)
    return picture(figure, part.context.style, words)


def picture(figure: Figure, style: Style, words: tuple[str, str, str, str]) -> Picture:
    """A figure as a small PNG image. words: its name, plot, caption and of, see Picture."""
    image = image_of(figure, style)
    # Method 0 is the median cut, whatever Pillow's types call it.
    small = image.quantize(_COLOURS, 0, dither=Image.Dither.NONE)
    buffer = io.BytesIO()
    small.save(buffer, "png", compress_level=9)
    width = image.width / style.dpi
    return Picture(*words, buffer.getvalue(), image.width, image.height, width)
