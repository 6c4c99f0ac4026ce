"""The article's ratio against rows: a panel for each allocator, a line for each implementation."""

import numpy as np
from matplotlib.figure import Figure

from growbench import beside
from growbench.article import FAST, METRIC, SLOW, TIMES
from growbench.canvas import Context
from growbench.columns import OK
from growbench.data import Data
from growbench.implementations import label
from growbench.line_panels import Guide, Lines, draw_against
from growbench.metrics import LOG, Quantity

NAME = "article_ratio"
HELP = "appending over preallocating, cold build time, of C, NumPy and Python against rows"
KERNELS_ONLY = True
LABEL = f"{METRIC.label} of {SLOW} \N{DIVISION SIGN} {FAST}"


def draw(data: Data, context: Context) -> Figure:
    ratios = beside.of_slice(data.ratios, data)
    names = beside.at_least_two(ratios["implementation"])
    looks = {label(name): look for name, look in beside.looks_of(names, context.style).items()}
    cells = ratios.assign(
        line=[label(name) for name in ratios["implementation"]],
        ok_count=ratios["round_count"],
        status=OK,
    )
    low, high = int(cells["ok_count"].min()), int(cells["ok_count"].max())
    rounds = f"{low}" if low == high else f"{low} to {high}"
    said = f"the article's {TIMES:.0f}\N{MULTIPLICATION SIGN}"
    ends = np.array([1e-9, 1e99])
    return draw_against(
        cells,
        beside.what(context, data, names),
        Quantity(LABEL, "ratio", LOG, "ratio", "ci_low", "ci_high"),
        "allocator",
        guide=Guide(said, ends, np.full(2, TIMES), widens=True),
        lines_of=Lines("line", looks, "implementation"),
        of=f"median of the ratios of {rounds} rounds",
    )
