"""The size that the question comes from: 10,000 rows of 80 bytes, built by one thread."""

import numpy as np
import pandas as pd

ROWS = 10_000
ROW_BYTES = 80
THREADS = 1


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
