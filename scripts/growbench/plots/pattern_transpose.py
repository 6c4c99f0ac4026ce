"""How fast a transpose is copied, against its size: naive, in blocks, and NumPy's, below what the
machine copies at all; a panel for each allocator."""

from typing import Optional

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from growbench.figures.canvas import Context, NothingToDraw, Words, footer_text
from growbench.analysis.analyse import Data
from growbench.data import implementations
from growbench.analysis.limits import Costs
from growbench.figures.pattern_lines import Drawing, draw_lines, shapes_text, squarest
from growbench.analysis.patterns import KERNELS, NUMPY, in_order, pattern_metric
from growbench.figures.style import (
    BLACK,
    BLUE,
    DASHED,
    DASH_DOT,
    GREEN,
    Look,
    ORANGE,
    PURPLE,
    VERMILLION,
    looks,
)

NAME = "pattern_transpose"
HELP = "bandwidth of copying a transpose against its size, beside the machine's copy limit"
PATTERNS = True
COPIES = (
    "copy_contiguous",
    "transpose_copy_naive",
    "transpose_copy_blocked",
    "transpose_copy",
)
LIMIT_LABEL = "limit: the machine's copy probe"
_LOOKS = {
    (KERNELS, "copy_contiguous"): Look(BLACK, "s", DASHED),
    (KERNELS, "transpose_copy_naive"): Look(VERMILLION, "o"),
    (KERNELS, "transpose_copy_blocked"): Look(BLUE, "^"),
    (KERNELS, "transpose_copy"): Look(BLUE, "^"),
    (NUMPY, "copy_contiguous"): Look(GREEN, "D", DASH_DOT),
    (NUMPY, "transpose_copy_naive"): Look(PURPLE, "v"),
    (NUMPY, "transpose_copy_blocked"): Look(ORANGE, "h"),
    (NUMPY, "transpose_copy"): Look(ORANGE, "h"),
}
_SIZES_OF_LIMIT = 65


def draw(data: Data, context: Context) -> Figure:
    cells = data.patterns[data.patterns["strategy"].isin(COPIES)]
    cells = squarest(cells, ["implementation", "strategy", "allocator"])
    transposes = cells["strategy"] != "copy_contiguous"
    if not cells.loc[transposes, "bytes_per_ns"].notna().any():
        raise NothingToDraw("no copy of a transpose has a figure")
    warm = pattern_metric("warm_build_release")
    payload = cells["payload_bytes"].to_numpy(dtype=float)
    table = pd.DataFrame(
        {
            "panel": cells["allocator"],
            "line": [_line(*key) for key in zip(cells["implementation"], cells["strategy"])],
            "x": payload,
            "median": cells["bytes_per_ns"],
            "low": payload / cells[warm.column("ci_high")].to_numpy(dtype=float),
            "high": payload / cells[warm.column("ci_low")].to_numpy(dtype=float),
        }
    )
    known = {_line(*key): look for key, look in _LOOKS.items()}
    order = [
        _line(implementation, pattern)
        for pattern in in_order(COPIES)
        for implementation in implementations.ordered(cells["implementation"])
    ]
    chosen = looks(known, table["line"])
    chosen = {name: context.style.look(chosen[name]) for name in order if name in chosen}
    guide = _limit(data.limits, payload)
    drawing = Drawing(
        table,
        [name for name in context.allocators if (cells["allocator"] == name).any()],
        chosen,
        "rate",
        LIMIT_LABEL if guide is not None else "",
        guide,
    )
    words = Words(
        "Bandwidth of copying a transpose, against its size",
        f"{context.what}; bytes of the input over the warm time to make and release the copy",
        footer_text(cells, context, warm.column("ci_low"), shapes_text(cells)),
        "bytes of the array",
        "bandwidth",
    )
    return draw_lines(drawing, words, context.style).figure


def _line(implementation: str, pattern: str) -> str:
    return f"{pattern}, {implementations.label(implementation)}"


def _limit(limits: pd.DataFrame, payload: np.ndarray) -> Optional[pd.DataFrame]:
    """What the probe copies between the smallest and the largest size; None without a probe."""
    sizes = np.geomspace(payload[payload > 0].min(), payload.max(), _SIZES_OF_LIMIT)
    per_byte = Costs(limits).machine_at("copy", sizes, per_byte=True)
    if np.isnan(per_byte).all():
        return None
    return pd.DataFrame({"x": sizes, "median": 1.0 / per_byte})
