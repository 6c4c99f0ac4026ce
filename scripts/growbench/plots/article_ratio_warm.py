"""The article's ratio in the steady state against rows: a panel for each allocator, a line for each
implementation."""

from matplotlib.figure import Figure

from growbench.data.article import STEADY
from growbench.figures.beside import draw_article_ratio
from growbench.figures.canvas import Context
from growbench.analysis.analyse import Data

NAME = "article_ratio_warm"
HELP = "the same in the steady state, with the release: what such an array takes once more"
KERNELS_ONLY = True


def draw(data: Data, context: Context) -> Figure:
    return draw_article_ratio(data.steady_ratios, STEADY, data, context)
