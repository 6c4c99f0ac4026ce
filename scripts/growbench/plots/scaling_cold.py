"""Cold time against threads at the article's size: a panel for each allocator."""

from matplotlib.figure import Figure

from growbench.figures.canvas import Context
from growbench.analysis.analyse import Data
from growbench.data.metrics import metric
from growbench.figures.scaling import draw_scaling

NAME = "scaling_cold"
HELP = "cold build and release time against threads that each build an array at once"
KERNELS_ONLY = True


def draw(data: Data, context: Context) -> Figure:
    return draw_scaling(data, context, metric("cold_build_release").quantity)
