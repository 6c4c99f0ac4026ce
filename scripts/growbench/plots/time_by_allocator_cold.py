"""Cold time against rows: a panel for each allocator, a line for each strategy."""

from matplotlib.figure import Figure

from growbench.figures.canvas import Context
from growbench.analysis.analyse import Data
from growbench.figures.floor import floor_guide
from growbench.figures.line_panels import draw_against
from growbench.data.metrics import metric

NAME = "time_by_allocator_cold"
HELP = "cold build and release time against rows, a panel per allocator"


def draw(data: Data, context: Context) -> Figure:
    quantity = metric("cold_build_release").quantity
    return draw_against(data.summary, context, quantity, "allocator", guide=floor_guide(data))
