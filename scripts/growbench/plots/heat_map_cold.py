"""Cold time of each strategy on each allocator at the article's size."""

from matplotlib.figure import Figure

from growbench.figures.canvas import Context
from growbench.analysis.analyse import Data
from growbench.figures.heat_map import draw_heat_map
from growbench.data.metrics import metric

NAME = "heat_map_cold"
HELP = "cold build and release time, strategy x allocator, at the article's size"
KERNELS_ONLY = True


def draw(data: Data, context: Context) -> Figure:
    return draw_heat_map(data.summary, context, metric("cold_build_release").quantity)
