"""Two ways to the same end: how much longer the dearer one takes, against the size; a panel for
each implementation."""

from matplotlib.figure import Figure

from growbench.canvas import Context, NothingToDraw, Words, footer_text
from growbench.data import Data
from growbench.implementation_names import implementation_text, implementations_in_order
from growbench.pattern_lines import (
    Drawing,
    draw_lines,
    shapes_text,
    squarest,
)
from growbench.pattern_tables import usual
from growbench.patterns import CHOICES, WARM
from growbench.style import (
    BLACK,
    BLUE,
    DASH_DOT,
    DASHED,
    GREEN,
    ORANGE,
    PURPLE,
    VERMILLION,
    Look,
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
    found = squarest(found, ["choice", "implementation"])
    if found.empty:
        raise NothingToDraw(f"no two ways to the same end were measured on {allocator}")
    table = found.assign(
        panel=[implementation_text(name) for name in found["implementation"]],
        line=found["choice"],
        x=found["payload_bytes"],
        median=found["ratio"],
        low=found["ci_low"],
        high=found["ci_high"],
    )
    names = implementations_in_order(found["implementation"])
    chosen = looks(_LOOKS, found["choice"])
    drawing = Drawing(
        table,
        [implementation_text(name) for name in names],
        {name: context.style.look(look) for name, look in chosen.items()},
        "ratio",
        "as fast as the other way",
        level=1.0,
    )
    cells = data.patterns[data.patterns["allocator"] == allocator]
    words = Words(
        "What the dearer of two ways takes, over the other",
        f"{context.what}, {allocator}; warm time to make and release the result, paired by round",
        footer_text(
            cells,
            context,
            "warm_build_release_ci_low_ns",
            shapes_text(found),
            of="medians of rounds",
        ),
        "bytes of the input",
        "ratio",
    )
    return draw_lines(drawing, words, context.style).figure
