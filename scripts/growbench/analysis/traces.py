"""The trace pass: one row for each cell."""

import pandas as pd

from growbench.data.columns import CELL, TRACE
from growbench.data.statuses import OK


def trace_rows(runs: pd.DataFrame) -> pd.DataFrame:
    """Of each cell the first row that is ok, or else the first; its status as `trace_status`."""
    traces = runs[runs["pass"] == TRACE]
    traces = traces.assign(worse=traces["status"] != OK).sort_values("worse", kind="stable")
    return traces.drop_duplicates(list(CELL)).rename(columns={"status": "trace_status"})
