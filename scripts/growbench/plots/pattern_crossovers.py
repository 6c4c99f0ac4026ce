"""After how many walks a copy pays for itself, against the size: a panel for each implementation
and process, a line for each pair of view and copy, and for each stride of several sizes."""

import pandas as pd
from matplotlib.figure import Figure

from growbench.figures.canvas import Context, NothingToDraw, Words
from growbench.figures.crossover_panels import draw_crossovers
from growbench.analysis.analyse import Data
from growbench.figures.pattern_lines import ordinal, squarest
from growbench.analysis.pattern_tables import usual
from growbench.analysis.patterns import ELEMENT_BYTES, PAIRS
from growbench.figures.style import (
    BLACK,
    BLUE,
    BROWN,
    DASHED,
    DASH_DOT,
    GREEN,
    Look,
    NAVY,
    ORANGE,
    PURPLE,
    SKY,
    VERMILLION,
    YELLOW,
    looks,
)

NAME = "pattern_crossovers"
HELP = "after how many walks a copy pays for itself, against the size of the array"
PATTERNS = True
_LOOKS = {
    "naive transpose": Look(VERMILLION, "o"),
    "blocked transpose": Look(BLUE, "^"),
    "transpose": Look(BLUE, "^"),
    "reshaped transpose": Look(PURPLE, "v", DASHED),
    "slice": Look(GREEN, "P"),
    "contiguous array": Look(BLACK, "X"),
}
# Strides, from the smallest on: they share a marker, and go from light to dark.
_STRIDES = (
    Look(YELLOW, "s", DASH_DOT),
    Look(ORANGE, "s", DASHED),
    Look(BROWN, "s"),
    Look(NAVY, "s", DASH_DOT),
    Look(SKY, "s", DASHED),
)


def draw(data: Data, context: Context) -> Figure:
    found = data.view_crossovers
    if found.empty:
        raise NothingToDraw("the run has no view and copy of the same elements")
    found = found[found["allocator"] == usual(data.patterns).allocator]
    by_stride = found["pair"].isin([pair.name for pair in PAIRS if pair.by_stride])
    strided = found[by_stride]
    # One size of a stride makes no line; the plot against strides has it.
    several = strided.groupby("row_bytes")["rows"].transform("nunique") > 1
    strided = strided[several]
    names = {
        stride: f"every {ordinal(stride // ELEMENT_BYTES)} element"
        for stride in sorted(strided["row_bytes"].unique())
    }
    strided = strided.assign(line=strided["row_bytes"].map(names))
    others = squarest(found[~by_stride], ["pair", "implementation", "process"])
    table = pd.concat([others.assign(line=others["pair"]), strided], ignore_index=True)
    table["x"] = table["payload_bytes"]
    known = {**_LOOKS, **dict(zip(names.values(), _STRIDES))}
    words = Words("After how many walks a copy pays for itself", "", "", "bytes of the input")
    return draw_crossovers(table, looks(known, table["line"]), data, context, words)
