"""The time of single appends: one row for each cell of the latency pass."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from growbench.data.columns import CELL, LATENCY
from growbench.data.parameters import in_order
from growbench.data.statuses import OK

# A percentile below so many times what reading the clock takes says more of the clock.
NEAR_TIMER = 2.0


class Percentile(NamedTuple):
    """name: for people. column: in runs.csv and latency.csv. one_in: one append in so many is
    slower; 0 for the slowest of all."""

    name: str
    column: str
    one_in: int


PERCENTILES = (
    Percentile("50%", "latency_median_ns", 2),
    Percentile("90%", "latency_p90_ns", 10),
    Percentile("99%", "latency_p99_ns", 100),
    Percentile("99.9%", "latency_p99_9_ns", 1000),
    Percentile("99.99%", "latency_p99_99_ns", 10_000),
    Percentile("max", "latency_max_ns", 0),
)
_MEDIANS = (
    "latency_append_count",
    *(percentile.column for percentile in PERCENTILES),
    "latency_total_ns",
    "latency_slowest_share",
    "latency_error_share",
)


def latencies(runs: pd.DataFrame) -> pd.DataFrame:
    """One row for each cell of the latency pass of `runs`, sorted; none if there was no such pass.

    Columns: the cell; ok_count (workers); status (ok if any is); the median over the workers of
    each column of the pass, but of latency_timer_ns, which is the machine's, that over all workers
    of the pass; near_timer: the percentiles, separated by ";", that are less than twice that.
    """
    rows = runs[runs["pass"] == LATENCY]
    ok = rows["status"] == OK
    grouped = rows.assign(is_ok=ok).groupby(list(CELL), sort=True)
    table = grouped.agg(ok_count=("is_ok", "sum"), status=("status", "first")).reset_index()
    table["status"] = table["status"].where(table["ok_count"] == 0, OK)
    medians = rows.loc[ok, [*CELL, *_MEDIANS]].groupby(list(CELL), sort=True).median()
    table = table.join(medians, on=list(CELL))
    timer = rows.loc[ok, "latency_timer_ns"].median()
    table.insert(
        table.columns.get_loc("latency_append_count") + 1,
        "latency_timer_ns",
        np.where(table["ok_count"] > 0, timer, np.nan),
    )
    table["near_timer"] = [
        ";".join(p.name for p in PERCENTILES if cell[p.column] < limit)
        for cell, limit in zip(table.to_dict("records"), NEAR_TIMER * table["latency_timer_ns"])
    ]
    return in_order(table, CELL)


def is_near_timer(table: pd.DataFrame, percentile: Percentile) -> np.ndarray:
    """For each row of latencies(): does the clock make up much of that percentile?"""
    return (table[percentile.column] < NEAR_TIMER * table["latency_timer_ns"]).to_numpy()
