"""Time against threads. What the plots of scaling have in common."""

from matplotlib.figure import Figure

from growbench.data.article import at_article_size
from growbench.figures.canvas import Context, NothingToDraw
from growbench.analysis.analyse import Data
from growbench.figures.line_panels import draw_against
from growbench.data.metrics import Quantity

_KEYS = ["implementation", "strategy", "row_bytes", "work"]


def draw_scaling(data: Data, context: Context, time: Quantity) -> Figure:
    """`time` against threads at the article's number of rows, a panel for each allocator.

    Where each thread has a CPU and none slows another down, lines are level. The figure is of all
    thread counts of the run, so only the slice of the fewest draws it. Raises NothingToDraw.
    """
    own = data.summary[_KEYS].drop_duplicates()
    cells = data.run.merge(own, "inner", _KEYS)
    counts = sorted(cells["threads"].unique())
    if len(counts) < 2:
        raise NothingToDraw("the run has one number of threads only")
    if data.summary["threads"].iloc[0] != counts[0]:
        raise NothingToDraw(f"the figure of --threads {counts[0]} shows all of them")
    cells, size = at_article_size(cells)
    note = f"{size} in each thread"
    crowded = cells.loc[cells["doubts"].str.contains("oversubscribed"), "threads"]
    if len(crowded):
        note += f"; more threads than CPUs from {crowded.min()} on"
    before, _, _ = context.what.rpartition(", ")
    context = context._replace(what=f"{before}; each thread builds an array of its own")
    return draw_against(cells, context, time, "allocator", note, against="threads")
