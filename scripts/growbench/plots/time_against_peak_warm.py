"""Warm time against peak memory at the article's size, with the Pareto front."""

from matplotlib.figure import Figure

from growbench.figures.canvas import Context
from growbench.analysis.analyse import Data
from growbench.data.metrics import metric
from growbench.figures.time_against_peak import draw_time_against_peak

NAME = "time_against_peak_warm"
HELP = "warm build and release time against peak memory, at the article's size"
KERNELS_ONLY = True


def draw(data: Data, context: Context) -> Figure:
    return draw_time_against_peak(data.summary, context, metric("warm_build_release").quantity)
