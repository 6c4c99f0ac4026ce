"""Warm time against peak memory at the article's size, with the Pareto front."""

from matplotlib.figure import Figure

from growbench.canvas import Context
from growbench.data import Data
from growbench.metrics import metric
from growbench.time_against_peak import draw_time_against_peak

NAME = "time_against_peak_warm"
HELP = "warm build and release time against peak memory, at the article's size"
KERNELS_ONLY = True


def draw(data: Data, context: Context) -> Figure:
    return draw_time_against_peak(data.summary, context, metric("warm_build_release").quantity)
