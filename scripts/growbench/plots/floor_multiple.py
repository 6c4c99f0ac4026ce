"""Cold build time as a multiple of the floor against rows: a panel for each allocator."""

from matplotlib.figure import Figure

from growbench.figures.canvas import Context
from growbench.data.columns import CELL
from growbench.analysis.analyse import Data
from growbench.figures.line_panels import draw_against
from growbench.data.metrics import LOG, Quantity, metric

NAME = "floor_multiple"
HELP = "cold build time as a multiple of writing the rows and touching their pages once"
KERNELS_ONLY = True
_NAMES = {"median": "floor_ratio", "ci_low": "floor_ratio_ci_low", "ci_high": "floor_ratio_ci_high"}


def draw(data: Data, context: Context) -> Figure:
    keys = list(CELL)
    cells = data.summary.merge(data.attribution[[*keys, "floor_ns"]], "left", keys)
    build = metric("cold_build")
    for estimate, name in _NAMES.items():
        cells[name] = cells[build.column(estimate)] / cells["floor_ns"].where(cells["floor_ns"] > 0)
    label = "Cold build time as a multiple of the floor"
    quantity = Quantity(label, "ratio", LOG, *_NAMES.values())
    note = "floor: write the rows once, touch the payload's pages once, at this machine's limits"
    return draw_against(cells, context, quantity, "allocator", note)
