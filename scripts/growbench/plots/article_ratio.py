"""The article's ratio against rows: a panel for each allocator, a line for each implementation."""

from matplotlib.figure import Figure

from growbench.data.article import METRIC
from growbench.figures.beside import draw_article_ratio
from growbench.figures.canvas import Context
from growbench.analysis.analyse import Data

NAME = "article_ratio"
HELP = "appending over preallocating, cold build time, of C, NumPy and Python against rows"
KERNELS_ONLY = True


def draw(data: Data, context: Context) -> Figure:
    return draw_article_ratio(data.ratios, METRIC, data, context)
