"""The article's ratio, appending over preallocating, wherever a run has both."""

import pandas as pd

from growbench.analysis.pair_comparison import STRATEGY, compare_pairs
from growbench.data.article import FAST, METRIC, SLOW
from growbench.data.metrics import Metric


def article_ratios(runs: pd.DataFrame, by: Metric = METRIC) -> pd.DataFrame:
    """SLOW / FAST by that metric in each implementation that was measured with both.

    Columns: implementation, allocator, rows, row_bytes, threads, work, pass, round_count, ratio,
    ci_low, ci_high, as compare_pairs() gives them.
    """
    table = compare_pairs(runs, SLOW, FAST, by, STRATEGY)
    # One in C over one of somebody else's is not the article's question.
    own = table["implementation"].isin(set(runs["implementation"]))
    return table[own].reset_index(drop=True)
