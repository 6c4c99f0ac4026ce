"""How many of the reallocs stayed in place: strategy x allocator at the article's size."""

from matplotlib.figure import Figure

from growbench.figures.canvas import Context
from growbench.data.columns import CELL
from growbench.analysis.analyse import Data
from growbench.figures.heat_map import draw_heat_map
from growbench.data.metrics import LINEAR, Quantity

NAME = "in_place_share"
HELP = "share of the reallocs that left the block where it was, at the article's size"
KERNELS_ONLY = True
LABEL = "Reallocs that stayed in place"


def draw(data: Data, context: Context) -> Figure:
    keys, counts = list(CELL), ["realloc_in_place_count", "realloc_moved_count"]
    cells = data.summary.merge(data.attribution[[*keys, *counts]], "left", keys)
    stayed, moved = (cells[name] for name in counts)
    resized = stayed + moved
    cells["in_place_share"] = (stayed / resized).where(resized > 0)
    quantity = Quantity(LABEL, "share", LINEAR, "in_place_share", "", "")
    of = "one traced build of each cell; n/a: no block was resized"
    return draw_heat_map(cells, context, quantity, "n/a", of)
