"""The article that the question comes from: 10,000 rows of 80 bytes, built by one thread, by
appending with a copy of all there is or into a zeroed array; it found a ratio of about 25."""

import numpy as np
import pandas as pd

from growbench.data.constants import ARTICLE_ROWS as ROWS
from growbench.data.constants import ARTICLE_ROW_BYTES as ROW_BYTES
from growbench.data.constants import ARTICLE_THREADS as THREADS
from growbench.data.metrics import metric

__all__ = [
    "ROWS",
    "ROW_BYTES",
    "THREADS",
    "SLOW",
    "FAST",
    "TIMES",
    "METRIC",
    "WARM",
    "at_article_size",
]

# Its two ways to build the array, and how many times as long the first one takes, it says.
SLOW, FAST = "loop_and_append", "preallocate_zeroed"
TIMES = 25.0
# What its two snippets are timed over: from no array to one that holds all rows.
METRIC = metric("cold_build")
# And once the process has built and dropped such arrays before, which some allocators remember.
WARM = metric("warm_build_release")


def at_article_size(summary: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """The cells with the number of rows nearest to the article's, and that size in words.

    Nearest by ratio. The cells are of one row_bytes, and there is at least one.
    """
    sizes = np.unique(summary["rows"].to_numpy())
    distance = np.abs(np.log(np.maximum(sizes, 1) / ROWS))
    rows = int(sizes[np.argmin(distance)])
    row_bytes = int(summary["row_bytes"].iloc[0])
    words = f"{rows:,} rows of {row_bytes} bytes"
    if rows != ROWS:
        words += f" (nearest there is to {ROWS:,})"
    return summary[summary["rows"] == rows], words
