"""After how many walks a copy of every k-th element pays for itself, against the stride: a panel
for each implementation and process, a line for each number of elements."""

from matplotlib.figure import Figure

from growbench.figures.canvas import Context, NothingToDraw, Words
from growbench.figures.crossover_panels import draw_crossovers
from growbench.analysis.analyse import Data
from growbench.analysis.pattern_tables import usual
from growbench.analysis.patterns import PAIRS
from growbench.figures.style import (
    BLUE,
    DASHED,
    DASH_DOT,
    GREEN,
    Look,
    ORANGE,
    PURPLE,
    SKY,
    VERMILLION,
    looks,
)

NAME = "pattern_strides"
HELP = "after how many walks a copy of every k-th element pays for itself, against the stride"
PATTERNS = True
_LOOKS = (
    Look(BLUE, "o"),
    Look(VERMILLION, "s", DASHED),
    Look(GREEN, "^"),
    Look(PURPLE, "v", DASH_DOT),
    Look(ORANGE, "D"),
    Look(SKY, "h", DASHED),
)


def draw(data: Data, context: Context) -> Figure:
    found = data.view_crossovers
    found = found[found["pair"].isin([pair.name for pair in PAIRS if pair.by_stride])]
    if found.empty:
        raise NothingToDraw("the run has no strides")
    found = found[found["allocator"] == usual(data.patterns).allocator]
    several = found.groupby("rows")["row_bytes"].transform("nunique") > 1
    if not several.any():
        raise NothingToDraw("the run has one stride for each number of elements only")
    found = found[several]
    names = {rows: f"{rows:,} elements" for rows in sorted(found["rows"].unique())}
    table = found.assign(line=found["rows"].map(names), x=found["row_bytes"])
    known = dict(zip(names.values(), _LOOKS))
    words = Words("After how many walks a strided copy pays for itself", "", "", "stride in bytes")
    return draw_crossovers(table, looks(known, table["line"]), data, context, words)
