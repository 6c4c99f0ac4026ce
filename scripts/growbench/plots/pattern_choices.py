"""Two ways to the same end: how much longer the dearer one takes, against the size; a panel for
each implementation."""

import pandas as pd
from matplotlib.figure import Figure

from growbench.data import article
from growbench.figures.canvas import Context, NothingToDraw, Shape, Words, footer_text
from growbench.analysis.analyse import Data
from growbench.data import implementations
from growbench.figures.pattern_lines import Drawing, draw_lines, shapes_text, squarest
from growbench.analysis.pattern_tables import usual
from growbench.analysis.patterns import CHOICES, WARM
from growbench.figures.style import (
    BLACK,
    BLUE,
    DASHED,
    DASH_DOT,
    GREEN,
    Look,
    ORANGE,
    PURPLE,
    VERMILLION,
    looks,
)

NAME = "pattern_choices"
HELP = (
    "how much longer copies, temporaries and walks in the wrong order take than what does without"
)
PATTERNS = True
_LOOKS = dict(
    zip(
        (choice.name for choice in CHOICES),
        (
            Look(BLUE, "^"),
            Look(ORANGE, "s"),
            Look(ORANGE, "D", DASHED),
            Look(VERMILLION, "o", DASHED),
            Look(GREEN, "P", DASH_DOT),
            Look(BLACK, "h"),
            Look(PURPLE, "v"),
        ),
    )
)


def draw(data: Data, context: Context) -> Figure:
    if data.choices.empty:
        raise NothingToDraw("no two ways to the same end were measured")
    allocator = usual(data.patterns).allocator
    found = data.choices
    found = found[(found["process"] == WARM) & (found["allocator"] == allocator)]
    if found.empty:
        raise NothingToDraw(f"no two ways to the same end were measured on {allocator}")
    squares = squarest(found, ["choice", "implementation"])
    long = found[found["row_bytes"] == article.ROW_BYTES]
    if long["rows"].nunique() < 2 or set(long.index) & set(squares.index):
        found, shapes = squares.assign(shape=""), [""]
    else:
        # Short rows are where it matters in which order they are taken.
        shapes = [f", {shapes_text(squares)}", f", {article.ROW_BYTES}-byte rows"]
        found = pd.concat([squares.assign(shape=shapes[0]), long.assign(shape=shapes[1])])
    table = found.assign(
        panel=[implementations.label(name) for name in found["implementation"]] + found["shape"],
        line=found["choice"],
        x=found["payload_bytes"],
        median=found["ratio"],
        low=found["ci_low"],
        high=found["ci_high"],
    )
    names = implementations.ordered(found["implementation"])
    chosen = looks(_LOOKS, found["choice"])
    drawing = Drawing(
        table,
        [implementations.label(name) + shape for name in names for shape in shapes],
        {name: context.style.look(look) for name, look in chosen.items()},
        "ratio",
        "as fast as the other way",
        level=1.0,
        shape=Shape(2, aspect=0.6 if len(shapes) > 1 else 0.8, least_width=22.0),
    )
    cells = data.patterns[data.patterns["allocator"] == allocator]
    words = Words(
        "What the dearer of two ways takes, over the other",
        f"{context.what}, {allocator}; warm time to make and release the result, paired by round",
        footer_text(
            cells,
            context,
            "warm_build_release_ci_low_ns",
            "" if len(shapes) > 1 else shapes_text(squares),
            of="medians of rounds",
        ),
        "bytes of the input",
        "ratio",
    )
    return draw_lines(drawing, words, context.style).figure
