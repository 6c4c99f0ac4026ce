"""The trace pass: one row for each cell."""

from typing import Sequence

import pandas as pd

from growbench.data.columns import CELL, TRACE
from growbench.data.statuses import OK


def trace_rows(runs: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """Of each cell the first row that is ok, or else the first: CELL, `trace_status`, and these
    columns."""
    traces = runs[[*CELL, "status", *columns]][runs["pass"] == TRACE]
    traces = traces.assign(worse=traces["status"] != OK).sort_values("worse", kind="stable")
    traces = traces.drop_duplicates(list(CELL)).rename(columns={"status": "trace_status"})
    return traces.drop(columns="worse")
