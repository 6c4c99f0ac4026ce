"""Peak memory over payload against rows: a panel for each allocator, a line for each strategy."""

from matplotlib.figure import Figure

from growbench.figures.canvas import Context
from growbench.analysis.analyse import Data
from growbench.figures.line_panels import draw_against
from growbench.data.metrics import PEAK_RATIO

NAME = "peak_by_allocator"
HELP = "peak memory as a multiple of the payload against rows, a panel per allocator"
KERNELS_ONLY = True


def draw(data: Data, context: Context) -> Figure:
    note = "sizes whose peak is too close to the error of the reading are not shown"
    return draw_against(data.summary, context, PEAK_RATIO, "allocator", note)
