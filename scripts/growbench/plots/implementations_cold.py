"""NumPy, Python and C against rows: a panel for each allocator, a line for each strategy that at
least two implementations have, in each of these."""

from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from growbench.figures import beside
from growbench.figures.canvas import Context
from growbench.data.statuses import SKIPPED_PREDICTED
from growbench.analysis.analyse import Data
from growbench.data.implementations import full_name, full_names
from growbench.figures.line_panels import Lines, PREDICTED_LABEL, draw_against
from growbench.data.metrics import metric
from growbench.figures.style import GREY

NAME = "implementations_cold"
HELP = "cold build and release time of C, NumPy and Python, of the strategies that they share"
KERNELS_ONLY = True


def draw(data: Data, context: Context) -> Figure:
    cells = beside.shared(beside.of_slice(data.run, data))
    names = beside.at_least_two(cells["implementation"])
    style = context.style
    implementations = beside.looks_of(names, style)
    colours = beside.colours_of(cells["strategy"], style)
    looks = {
        full_name(implementation, strategy): look._replace(colour=colour)
        for strategy, colour in colours.items()
        for implementation, look in implementations.items()
    }
    more = []
    if (cells["status"] == SKIPPED_PREDICTED).any():
        line = Line2D([], [], color=style.colour(GREY), linestyle=":", marker="o", mfc=style.paper)
        more.append((line, PREDICTED_LABEL))
    legend = beside.legend(colours, implementations, style, more)
    return draw_against(
        cells.assign(line=full_names(cells)),
        beside.what(context, data, names),
        metric("cold_build_release").quantity,
        "allocator",
        "strategies that two or more of these have",
        lines_of=Lines("line", looks, "", legend),
    )
