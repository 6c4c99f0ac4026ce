"""Rounds: not all cells of a run have as many, since those with wide intervals have more."""

from typing import Collection

import pandas as pd

from growbench.data.columns import CELL_KEYS, MEASURE, PATTERN
from growbench.data.statuses import SKIPPED_ROUNDS


def rounds_of_all(
    runs: pd.DataFrame, passes: Collection[str] = (MEASURE, PATTERN)
) -> tuple[int, int]:
    """How many rounds of these passes each cell of a run has, at least and at most; 0 without any.

    runs: as read_runs() returns them, of one run. A round that a slow cell skips is none of its.
    """
    made = runs["pass"].isin(list(passes)) & (runs["status"] != SKIPPED_ROUNDS)
    timed = runs[list(CELL_KEYS)][made]
    if timed.empty:
        return 0, 0
    count = timed.groupby(list(CELL_KEYS), sort=False).size()
    return int(count.min()), int(count.max())
