"""The containers that people use against our kernels: the warm time over that of the kernel that
does the same work, against rows, a panel for each allocator."""

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from growbench.figures.canvas import Context, NothingToDraw
from growbench.data.containers import CONTAINERS, are_containers
from growbench.analysis.analyse import Data
from growbench.figures.line_panels import Guide, draw_against
from growbench.data.metrics import LOG, Quantity, metric

NAME = "containers"
HELP = "warm time of each container over that of the kernel that does the same work"
KERNELS_ONLY = True
LABEL = "Warm time as a multiple of the kernel's"
KERNELS = "c"
_SLICE = ["row_bytes", "threads", "work"]
_CELL = ["allocator", "rows", *_SLICE]


def draw(data: Data, context: Context) -> Figure:
    cells = data.run[are_containers(data.run)]
    cells = cells.merge(data.summary[_SLICE].drop_duplicates(), "inner", _SLICE)
    if cells.empty:
        raise NothingToDraw("the run has no containers")
    cells = cells.assign(kernel=[CONTAINERS[name].kernel for name in cells["strategy"]])
    time = metric("warm_build_release").column("median")
    kernels = data.run[data.run["implementation"] == KERNELS]
    kernels = kernels[["strategy", *_CELL, time]].rename(columns={"strategy": "kernel"})
    cells = cells.merge(kernels, "left", ["kernel", *_CELL], suffixes=("", "_of_kernel"))
    cells["ratio"] = cells[time] / cells[f"{time}_of_kernel"]
    equal = Guide("as fast as the kernel", np.array([1e-9, 1e99]), np.array([1.0, 1.0]))
    quantity = Quantity(LABEL, "ratio", LOG, "ratio", "", "")
    context = context._replace(what=f"Containers against our kernels in {context.what}")
    return draw_against(cells, context, quantity, "allocator", _means(cells), guide=equal)


def _means(cells: pd.DataFrame) -> str:
    """Geometric means over sizes and allocators, of each container."""
    means = []
    for (name, kernel), of_one in cells[cells["ratio"] > 0].groupby(["strategy", "kernel"]):
        mean = np.exp(np.log(of_one["ratio"]).mean())
        means.append(f"{name} / {kernel} {mean:.2f}")
    return "geometric means: " + ", ".join(means)
