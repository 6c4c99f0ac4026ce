"""What the interposer of the trace pass costs: that pass's time over that of the same cell without.

No time of the trace pass is used for anything else.
"""

from typing import NamedTuple

import pandas as pd

from growbench.data.columns import CELL, MEASURE, TRACE
from growbench.data.statuses import OK
from growbench.data.implementations import strategy_name

# Shorter cells are mostly the start of the process.
LEAST_NS = 1e6


class TracerCost(NamedTuple):
    """cells: one row for each traced cell that takes LEAST_NS and more: its keys, cold_ns (median
    of cold build + release over the workers), traced_ns, and their ratio; largest ratio first."""

    cells: pd.DataFrame

    def text(self) -> str:
        """The goal's line, and the cells where it costs most."""
        if self.cells.empty:
            return "no cell of 1 ms and more was both measured and traced"
        ratio = self.cells["ratio"]
        lines = [
            f"with the interposer, build and release take {ratio.median():.2f} times as long as "
            f"without in the median of {len(ratio)} cells of 1 ms and more, at most "
            f"{ratio.max():.2f} times; above 3 times in {int((ratio > 3.0).sum())}"
        ]
        for cell in self.cells.head(5).to_dict("records"):
            lines.append(
                f"  {cell['ratio']:5.2f}  "
                f"{strategy_name(cell['implementation'], cell['strategy'])} on "
                f"{cell['allocator']}, "
                f"{cell['rows']:,} rows of {cell['row_bytes']} bytes, "
                f"{cell['cold_ns'] / 1e6:.2f} ms"
            )
        return "\n".join(lines)


def tracer_cost(runs: pd.DataFrame) -> TracerCost:
    """The cost in each cell that was both measured and traced. Both are of a fresh process."""
    keys = list(CELL)
    ok = runs[runs["status"] == OK]
    measured = ok[ok["pass"] == MEASURE]
    measured = measured.assign(cold_ns=measured["cold_build_ns"] + measured["cold_release_ns"])
    cold = measured.groupby(keys)["cold_ns"].median().reset_index()
    traced = ok[ok["pass"] == TRACE].groupby(keys)["traced_build_release_ns"].median()
    cells = cold.merge(traced.rename("traced_ns").reset_index(), on=keys)
    cells = cells[cells["cold_ns"] >= LEAST_NS]
    cells = cells.assign(ratio=cells["traced_ns"] / cells["cold_ns"])
    return TracerCost(cells.sort_values("ratio", ascending=False, ignore_index=True))
