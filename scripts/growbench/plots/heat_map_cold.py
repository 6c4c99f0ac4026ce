"""Cold time of each strategy on each allocator at the article's size."""

from matplotlib.figure import Figure

from growbench.canvas import Context
from growbench.data import Data
from growbench.heat_map import draw_heat_map
from growbench.metrics import metric

NAME = "heat_map_cold"
HELP = "cold build and release time, strategy x allocator, at the article's size"
KERNELS_ONLY = True


def draw(data: Data, context: Context) -> Figure:
    return draw_heat_map(data.summary, context, metric("cold_build_release").quantity)
