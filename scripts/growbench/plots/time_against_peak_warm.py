"""Warm time against peak memory at the article's size, with the Pareto front."""

import pandas as pd
from matplotlib.figure import Figure

from growbench.canvas import Context
from growbench.metrics import metric
from growbench.time_against_peak import draw_time_against_peak

NAME = "time_against_peak_warm"
HELP = "warm build and release time against peak memory, at the article's size"


def draw(summary: pd.DataFrame, context: Context) -> Figure:
    return draw_time_against_peak(summary, context, metric("warm_build_release").quantity)
