"""Growth factors: what the times and the counts of a run say of one against another.

realloc_factor:F grows a full array by realloc to F times its capacity. Ratios are those of
statistics.paired: of two strategies in the same round, on the same allocator, at the same size.
"""

import math
from typing import NamedTuple, Optional, Sequence

import numpy as np
import pandas as pd

from growbench.analysis.traces import trace_rows
from growbench.data import parameters
from growbench.data.columns import CELL, MEASURE
from growbench.data.implementations import C
from growbench.data.metrics import Metric
from growbench.data.statuses import OK
from growbench.statistics.paired import pair_rounds, ratio_table

STRATEGY = "realloc_factor"
# Rules of others, which are shown beside the factors.
RULES = ("realloc_cpython", "realloc_go", "realloc_folly")
# What is argued about: the factor of MSVC and Java, and that of libstdc++ and Rust.
PAIR = (1.5, 2.0)
GOLDEN = (1.0 + math.sqrt(5.0)) / 2.0
KEYS = ["strategy", "allocator", "rows"]
_RATIO = ["round_count", "ratio", "ci_low", "ci_high"]


def factors(strategies: pd.Series) -> pd.Series:
    """The factor of each strategy; nan of those that have none."""
    known = {name: parameters.value(name, STRATEGY) for name in strategies.unique()}
    return strategies.map(known).astype(float)


def cells_of(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of a table of cells that are of the factors in C, with their `factor`."""
    table = table[table["implementation"] == C]
    table = table.assign(factor=factors(table["strategy"]))
    return table[table["factor"].notna()].reset_index(drop=True)


def moves_until_reuse(factor: float) -> Optional[int]:
    """After how many reallocs that move the blocks that were left, together, hold the next one;
    None: never.

    Formula: blocks of 1, f, f^2, ...; after m moves f^m is live, and those before it were left:
    (f^m - 1) / (f - 1) >= f^(m + 1), so m >= -ln(1 - f (f - 1)) / ln f, which there is while
    f (f - 1) < 1: below the golden ratio.
    Assumptions: the blocks lie side by side in one heap, which merges them and takes the first
    space that fits; nothing else is allocated; capacities are not rounded; nothing is grown in
    place. The old block is live while it is copied.
    Source: the argument of folly/docs/FBVector.md (1.5: 4, 1.45: 3, 1.3: 2), whose "any number
    smaller than 2" forgets that the last block is live.
    """
    room = 1.0 - factor * (factor - 1.0)
    return math.ceil(-math.log(room) / math.log(factor) - 1e-9) if room > 1e-12 else None


class Rounds(NamedTuple):
    """The measured rounds of one metric: KEYS, round, value."""

    table: pd.DataFrame

    def ratios(self, base: str) -> pd.DataFrame:
        """Each strategy over `base` at each allocator and size, itself left out: KEYS, round_count,
        ratio, ci_low, ci_high (nan below 6 rounds)."""
        return ratio_table(self._pairs(base), KEYS)

    def means(self, base: str) -> pd.DataFrame:
        """The geometric mean of that over the sizes that both have: strategy, allocator, sizes (how
        many), and as above. Rounds that lack one of the sizes are left out.

        Formula: exp of the median over rounds of the mean of the logarithms over sizes.
        Assumptions: rounds are independent; the sizes are what is asked about, not a sample.
        """
        pairs, keys = self._pairs(base), KEYS[:2]
        pairs["log"] = np.log(pairs["value_a"]) - np.log(pairs["value_b"])
        sizes = pairs.groupby(keys)["rows"].nunique().rename("sizes")
        whole = pairs.groupby([*keys, "round"])["log"].agg(["mean", "count"]).reset_index()
        whole = whole.join(sizes, on=keys)
        whole = whole[whole["count"] == whole["sizes"]]
        whole = whole.assign(value_a=np.exp(whole["mean"]), value_b=1.0)
        table = ratio_table(whole, keys)
        return table.join(sizes, on=keys)[[*keys, "sizes", *_RATIO]]

    def _pairs(self, base: str) -> pd.DataFrame:
        own = self.table["strategy"] == base
        others = self.table[self.table["strategy"] != base]
        beside = self.table[own].drop(columns="strategy")
        return pair_rounds(others, beside, KEYS[1:])


def rounds_of(runs: pd.DataFrame, cells: pd.DataFrame, metric: Metric) -> Rounds:
    """The metric in each round of these cells, where it is above 0."""
    ok = runs[(runs["pass"] == MEASURE) & (runs["status"] == OK)]
    ok = ok.merge(cells[list(CELL)].drop_duplicates(), "inner", list(CELL))
    table = ok[[*KEYS, "round"]].assign(value=metric.values(ok))
    return Rounds(table[table["value"] > 0])


_COUNTS = (
    "realloc_count",
    "realloc_in_place_count",
    "realloc_moved_count",
    "realloc_remapped_count",
    "copied_bytes",
    "peak_requested_bytes",
    "peak_moving_bytes",
    "peak_usable_bytes",
    "allocator_mapped_bytes",
    "realloc_reused_count",
    "realloc_reused_bytes",
)


def counts(runs: pd.DataFrame, cells: pd.DataFrame) -> pd.DataFrame:
    """What the trace pass counted of the build of each of these cells: CELL, payload_bytes, the
    counts of trace.h, and realloc_copied_count: reallocs that moved by copying. Cells without a
    trace are left out."""
    traces = trace_rows(runs, _COUNTS)
    traces = traces[traces["trace_status"] == OK]
    table = cells[[*CELL, "payload_bytes"]].merge(traces[[*CELL, *_COUNTS]], "inner", list(CELL))
    copied = table["realloc_moved_count"] - table["realloc_remapped_count"]
    return table.assign(realloc_copied_count=copied)


def name_of(strategies: Sequence[str], factor: float) -> Optional[str]:
    """The strategy of that factor, however it is written; None if there is none."""
    return next((s for s in strategies if parameters.value(s, STRATEGY) == factor), None)
