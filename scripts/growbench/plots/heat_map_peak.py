"""Peak memory of each strategy on each allocator at the article's size, over the payload."""

from matplotlib.figure import Figure

from growbench.canvas import Context
from growbench.data import Data
from growbench.heat_map import draw_heat_map
from growbench.metrics import PEAK_RATIO

NAME = "heat_map_peak"
HELP = "peak memory over payload, strategy x allocator, at the article's size"
KERNELS_ONLY = True


def draw(data: Data, context: Context) -> Figure:
    return draw_heat_map(data.summary, context, PEAK_RATIO)
