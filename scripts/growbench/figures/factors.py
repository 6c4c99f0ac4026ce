"""A quantity against the growth factor: a panel for each size, a line for each allocator."""

from typing import Optional

import numpy as np
from matplotlib.figure import Figure

from growbench.analysis import factors
from growbench.analysis.analyse import Data
from growbench.data import article
from growbench.data.columns import CELL
from growbench.data.implementations import bare_names
from growbench.data.metrics import LINEAR, Quantity
from growbench.data.units import show, tick
from growbench.figures.canvas import Context, NothingToDraw
from growbench.figures.line_panels import Guide, Lines, draw_against

COPIED = Quantity(
    "Bytes copied as a multiple of the payload", "ratio", LINEAR, "copy_amplification", "", ""
)


def draw_factors(
    data: Data, context: Context, quantity: Quantity, note: str = "", guide: Optional[Guide] = None
) -> Figure:
    """Raises NothingToDraw without two factors."""
    keys = list(CELL)
    cells = data.summary.assign(strategy=bare_names(data.summary))
    cells = factors.cells_of(cells)
    if cells["factor"].nunique() < 2:
        raise NothingToDraw(f"{factors.STRATEGY} was not measured with several factors")
    of = ""
    if quantity is COPIED:
        counted = data.run_attribution[[*keys, COPIED.median]]
        cells, of = cells.merge(counted, "left", keys), "one traced build of each cell"
    sizes = zip(cells["rows"], cells["row_bytes"])
    cells = cells.assign(size=[size_text(*size) for size in sizes]).sort_values("rows")
    lines = Lines("allocator", context.allocators, "allocator")
    own_y = quantity.unit == "ns"
    return draw_against(
        cells, context, quantity, "size", note, own_y, guide, "factor", lines_of=lines, of=of
    )


def each_move_copies(data: Data) -> Optional[Guide]:
    """What a growing array copies if each realloc moves it by copying, over its capacity."""
    known = factors.factors(data.run["strategy"]).dropna()
    if known.empty:
        return None
    x = np.geomspace(known.min(), known.max(), 50)
    return Guide(
        "1 \N{DIVISION SIGN} (factor \N{MINUS SIGN} 1): each realloc copies", x, 1 / (x - 1)
    )


def size_text(rows: int, row_bytes: int) -> str:
    """A size in few words, the article's marked: "10k rows, 781 KiB (article)"."""
    mark = " (article)" if (rows, row_bytes) == (article.ROWS, article.ROW_BYTES) else ""
    return f"{tick(rows, 'count')} rows, {show(rows * row_bytes, 'bytes')}{mark}"
