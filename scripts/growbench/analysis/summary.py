"""One row for each cell: estimates, intervals and doubts."""

import numpy as np
import pandas as pd

from growbench.data.columns import CELL_KEYS, MEASURE
from growbench.data.parameters import in_order
from growbench.data.statuses import OK, SKIPPED_ROUNDS
from growbench.analysis.doubts import doubts_of
from growbench.analysis.instructions import with_instructions
from growbench.analysis.measured import LARGEST_RESOLUTION_SHARE, Measured, clock_ns
from growbench.data.metrics import METRICS, PEAK_RATIO

_PREDICTED = (
    "predicted_cold_build_release_ns",
    "predicted_warm_build_release_ns",
    "predicted_cold_build_release_low_ns",
    "predicted_cold_build_release_high_ns",
    "predicted_warm_build_release_low_ns",
    "predicted_warm_build_release_high_ns",
)


def summarise(runs: pd.DataFrame) -> pd.DataFrame:
    """The summary of the measure pass of `runs`, as read_runs() returns them, sorted by cell.

    Columns: the cell's keys; payload_bytes; worker_count (its rows in runs.csv, measured or not);
    ok_count; status (ok if all are ok, the common status if all have the same, else partial; rows
    that are skipped_rounds do not count beside others); status_detail (of the first that is not
    ok and counts); allocator_version; the predictions and their intervals (medians);
    then for each metric median, min and 95% interval over workers, the peak as a multiple of the
    payload, the instructions (with_instructions()), and the doubts. Missing numbers are nan,
    missing text is "".
    """
    whole = runs
    clock = clock_ns(runs)
    runs = runs[runs["pass"] == MEASURE]
    keys = list(CELL_KEYS)
    grouped = runs.groupby(keys, sort=True)
    cell = grouped.ngroup().to_numpy()
    summary = grouped.agg(
        payload_bytes=("payload_bytes", "first"), worker_count=("round", "size")
    ).reset_index()
    cell_count = len(summary)

    ok = (runs["status"] == OK).to_numpy()
    summary["ok_count"] = np.bincount(cell[ok], minlength=cell_count)
    by_plan = (runs["status"] == SKIPPED_ROUNDS).to_numpy()
    status = np.full(cell_count, SKIPPED_ROUNDS, dtype=object)
    others = runs["status"][~by_plan].groupby(cell[~by_plan])
    first_status = others.first().where(others.nunique() == 1, "partial")
    status[first_status.index.to_numpy(dtype=int)] = first_status.to_numpy()
    summary["status"] = status
    told = ~ok & ~by_plan
    summary["status_detail"] = _first_text(runs["status_detail"], cell, told, cell_count)
    summary["allocator_version"] = _first_text(runs["allocator_version"], cell, ok, cell_count)
    for name in _PREDICTED:
        summary[name] = grouped[name].median().to_numpy()

    measured = Measured(runs[ok], cell[ok], cell_count, clock)
    estimates = {}
    for metric in METRICS:
        order = measured.order(metric.values(measured.rows).to_numpy(dtype=float))
        estimates[metric.column("median")] = order.median
        estimates[metric.column("min")] = order.minimum
        estimates[metric.column("ci_low")] = order.low
        estimates[metric.column("ci_high")] = order.high
    payload = summary["payload_bytes"].to_numpy(dtype=float)
    resolution = measured.order(measured.rows["peak_resolution_bytes"].to_numpy(dtype=float))
    # An unknown resolution is not a good one: the comparison is false for nan.
    resolved = resolution.maximum <= LARGEST_RESOLUTION_SHARE * payload
    divisor = np.where(resolved & (payload > 0), payload, np.nan)
    estimates[PEAK_RATIO.median] = estimates["peak_memory_median_bytes"] / divisor
    estimates[PEAK_RATIO.low] = estimates["peak_memory_ci_low_bytes"] / divisor
    estimates[PEAK_RATIO.high] = estimates["peak_memory_ci_high_bytes"] / divisor
    summary = pd.concat([summary, pd.DataFrame(estimates)], axis=1)
    summary = with_instructions(summary, whole)
    summary["doubts"] = doubts_of(measured)
    return in_order(summary, keys)


def _first_text(text: pd.Series, cell: np.ndarray, mask: np.ndarray, count: int) -> np.ndarray:
    """For each cell the first text that is not empty, of the rows in the mask."""
    chosen = mask & (text != "").to_numpy()
    cells, index = np.unique(cell[chosen], return_index=True)
    first = np.full(count, "", dtype=object)
    first[cells] = text.to_numpy()[chosen][index]
    return first
