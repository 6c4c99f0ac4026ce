"""How wide text is on a figure, and text that fits. Widths in inches, sizes in points."""

import warnings
from functools import lru_cache

from matplotlib import ft2font
from matplotlib.font_manager import FontProperties, findfont, get_font

LONGEST_NAME = 36
ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"
_FONT = "DejaVu Sans"
_MEASURED_POINTS = 72.0
# Matplotlib 3.10 gave the flags a name of their own.
if hasattr(ft2font, "LoadFlags"):
    _NO_HINTING = ft2font.LoadFlags.NO_HINTING
else:
    _NO_HINTING = ft2font.LOAD_NO_HINTING


def line_height(points: float) -> float:
    """From one line of text to the next."""
    return 1.3 * points / 72.0


def text_width(text: str, points: float, bold: bool = False) -> float:
    """How wide a line of text is."""
    return _measured_width(text, bold) * points / _MEASURED_POINTS


@lru_cache(maxsize=None)
def _measured_width(text: str, bold: bool) -> float:
    name = findfont(FontProperties(family=_FONT, weight="bold" if bold else "normal"))
    font = get_font(name)
    font.set_size(_MEASURED_POINTS, 72)
    with warnings.catch_warnings():
        # It says that there is no glyph for a sign when the text is drawn, and once is enough.
        warnings.simplefilter("ignore")
        font.set_text(text, 0.0, flags=_NO_HINTING)
    return font.get_width_height()[0] / 64.0 / 72.0


def fitted(text: str, width: float, points: float, bold: bool = False) -> str:
    """The text, cut off where it would become wider than `width`."""
    if text_width(text, points, bold) <= width:
        return text
    length = len(text) - 1
    while length > 1 and text_width(text[:length] + ELLIPSIS, points, bold) > width:
        length -= 1
    return text[:length] + ELLIPSIS


def wrapped(text: str, width: float, points: float, bold: bool = False) -> list[str]:
    """The text in lines that are at most that wide, broken at blanks."""
    lines: list[str] = []
    for word in text.split(" "):
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and text_width(longer, points, bold) <= width:
            lines[-1] = longer
        elif word:
            lines.append(fitted(word, width, points, bold))
    return [line.rstrip() for line in lines]


def name_text(name: str) -> str:
    """A name from the data as text of a figure: one line, not too long, and never hidden.

    The legend leaves out labels that begin with "_".
    """
    name = "".join(sign if sign.isprintable() else " " for sign in name)
    if len(name) > LONGEST_NAME:
        name = name[: LONGEST_NAME - 1] + ELLIPSIS
    return " " + name if name.startswith("_") else name
