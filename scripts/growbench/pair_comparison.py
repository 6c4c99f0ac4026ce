"""Allocator against allocator, or strategy against strategy, within one run, cell by cell."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from growbench.columns import CELL_KEYS, MEASURE, OK
from growbench.metrics import Metric
from growbench.statistics.order import grouped_order

STRATEGY = "strategy"


def compare_pairs(
    runs: pd.DataFrame, a: str, b: str, metric: Metric, of: str = "allocator"
) -> pd.DataFrame:
    """The ratio a / b of `metric` in each cell that was measured with both.

    of: the column that a and b are values of, "allocator" or "strategy" (of any implementation).

    In each round d = ln a - ln b; ratio = exp(median d), with exp() of the order-statistic
    interval of d: see statistics.order.paired_ratio(). Rounds where either has no value above 0 are
    left out. Columns: the keys that both cells have in common, round_count, ratio, ci_low, ci_high
    (nan below 6 rounds).
    """
    keys = [
        key for key in CELL_KEYS if key not in ([of, "implementation"] if of == STRATEGY else [of])
    ]
    ok = runs[(runs["status"] == OK) & (runs["pass"] == MEASURE)]
    measured = ok[[*CELL_KEYS, "round"]].assign(value=metric.values(ok))
    measured = measured[measured["value"] > 0]
    pairs = pd.merge(
        measured[measured[of] == a],
        measured[measured[of] == b],
        on=[*keys, "round"],
        suffixes=("_a", "_b"),
    )
    grouped = pairs.groupby(keys, sort=True)
    table = grouped.size().rename("round_count").reset_index()
    difference = np.log(pairs["value_a"].to_numpy()) - np.log(pairs["value_b"].to_numpy())
    order = grouped_order(difference, grouped.ngroup().to_numpy(dtype=int), len(table))
    table["ratio"] = np.exp(order.median)
    table["ci_low"] = np.exp(order.low)
    table["ci_high"] = np.exp(order.high)
    return table


def geometric_mean(ratios: pd.Series) -> float:
    """exp of the mean of the logarithms; nan without any."""
    return float(np.exp(np.log(ratios).mean())) if len(ratios) else float("nan")


class Beyond(NamedTuple):
    """How many of all cells have a ratio further from 1 than a threshold."""

    beyond_count: int
    cell_count: int

    @property
    def share(self) -> float:
        """The share of such cells, from 0 to 1; nan without cells."""
        return self.beyond_count / self.cell_count if self.cell_count else float("nan")


def beyond_threshold(ratios: pd.Series, threshold_percent: float) -> Beyond:
    """How many ratios are above 1 + t or below 1 / (1 + t), t = threshold_percent / 100.

    The same whichever allocator comes first.
    """
    limit = np.log1p(threshold_percent / 100.0)
    return Beyond(int((np.abs(np.log(ratios)) > limit).sum()), len(ratios))


def as_text(table: pd.DataFrame) -> str:
    """The table of compare_pairs() for a terminal: aligned columns, one line a cell."""
    shown = [key for key in table.columns if key in CELL_KEYS]
    # A key that is the same in every row tells nothing in this table.
    always = ("strategy", "allocator", "rows")
    shown = [key for key in shown if key in always or table[key].nunique() > 1]
    lines = [[*shown, "rounds", "ratio", "95% interval"]]
    for row in table.to_dict("records"):
        interval = "-" if np.isnan(row["ci_low"]) else f"{row['ci_low']:.3f} {row['ci_high']:.3f}"
        lines.append(
            [*(str(row[key]) for key in shown), str(row["round_count"]), f"{row['ratio']:.3f}"]
            + [interval]
        )
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    numeric = {"rows", "row_bytes", "threads", "rounds", "ratio", "95% interval"}
    aligned = [
        "  ".join(
            field.rjust(width) if name in numeric else field.ljust(width)
            for field, width, name in zip(line, widths, lines[0])
        ).rstrip()
        for line in lines
    ]
    return "\n".join(aligned)
