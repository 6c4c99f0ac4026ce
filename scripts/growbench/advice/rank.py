"""What each candidate takes at a place, round by round, and who is best."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from growbench.advice.case import (
    CANDIDATE,
    Candidate,
    Case,
    PEAK,
    TAIL,
    candidates_in,
    rows_of,
    weight_of,
)
from growbench.advice.place import Place, rows_at
from growbench.analysis.shapes import CURVE, measured
from growbench.analysis.measured import LARGEST_RESOLUTION_SHARE
from growbench.data.columns import LATENCY, MEASURE, PATTERN
from growbench.data.errors import UsageError
from growbench.data.metrics import metric
from growbench.data.statuses import NO_FAILURES, OK
from growbench.data.units import tick
from growbench.statistics.paired import ratios_of_rows


def figures(runs: pd.DataFrame, case: Case) -> pd.DataFrame:
    """The workers that can tell: CURVE, rows, payload_bytes, round, value. Raises UsageError if
    there are none."""
    if case.weight == PEAK:
        _refuse_small_peak(runs, case)
    every = _tails(runs) if case.weight == TAIL else measured(runs, metric(weight_of(case).metric))
    table = rows_of(every, case)
    if table.empty:
        raise UsageError("no worker that is all of this at once has figures; choose fewer")
    return table


def _tails(runs: pd.DataFrame) -> pd.DataFrame:
    """The latency pass: value is the 99.9th percentile, from 1,000 appends on."""
    rows = runs[((runs["pass"] == LATENCY) & (runs["status"] == OK)).to_numpy()]
    rows = rows.assign(value=rows["latency_p99_9_ns"])
    return rows.loc[rows["value"] > 0, [*CURVE, "rows", "payload_bytes", "round", "value"]]


def peak_resolution(runs: pd.DataFrame) -> float:
    """How far a peak may be from the truth, in bytes; nan if the run does not say."""
    return float(runs.loc[runs["pass"] == MEASURE, "peak_resolution_bytes"].max())


def _refuse_small_peak(runs: pd.DataFrame, case: Case) -> None:
    resolution = peak_resolution(runs)
    if np.isnan(resolution):
        raise UsageError("the run does not say how exact its peaks are, so they cannot be compared")
    least = resolution / LARGEST_RESOLUTION_SHARE
    if case.payload_bytes < least:
        rows = int(-(-least // (case.row_bytes * case.threads)))
        raise UsageError(
            f"{case.rows:,} rows of {case.row_bytes} bytes are too few for their peak to be told: "
            f"a reading is off by up to {tick(resolution, 'bytes')}; ask for {rows:,} rows and "
            "more, or for another weight"
        )


class Estimates(NamedTuple):
    """candidates: one row each. logs: candidates x rounds, logarithms; nan where unknown."""

    candidates: pd.DataFrame
    logs: np.ndarray

    def only(self, chosen: np.ndarray) -> "Estimates":
        return Estimates(self.candidates[chosen].reset_index(drop=True), self.logs[chosen])

    def logs_of(self, row: dict) -> np.ndarray:
        """The rounds of the candidate that `row` names."""
        return self.logs[candidates_in(self.candidates).index(candidate_of(row))]


def candidate_of(row: dict) -> Candidate:
    """The candidate that a row of a ranking is about."""
    return row["implementation"], row["strategy"], row["allocator"]


def estimates_at(table: pd.DataFrame, case: Case, place: Place) -> Estimates:
    """Each candidate's value at the place, round by round.

    table: as figures() gives it. Formula: ln v = (1 - share) ln v(low) + share ln v(high), from the
    same round, so that what a round does to both cancels in ratios. Candidates without both in any
    round are left out.
    """
    table = rows_at(table, case, place)
    grouped = table.groupby(list(CANDIDATE), sort=True)
    number = grouped.ngroup().to_numpy(dtype=int)
    candidates = pd.DataFrame(list(grouped.groups), columns=list(CANDIDATE))
    rounds, column = np.unique(table["round"].to_numpy(), return_inverse=True)
    logs = []
    for size in place.sizes:
        at = (table["rows"] == size).to_numpy()
        values = np.full((len(candidates), len(rounds)), np.nan)
        values[number[at], column[at]] = np.log(table["value"].to_numpy()[at])
        logs.append(values)
    at_place = logs[0]
    if len(logs) > 1:
        at_place = (1.0 - place.share) * logs[0] + place.share * logs[1]
    return Estimates(candidates, at_place).only(~np.isnan(at_place).all(axis=1))


def rank(estimates: Estimates) -> pd.DataFrame:
    """The candidates, best first.

    Columns: implementation, strategy, allocator; value, ci_low, ci_high: exp of the median of the
    rounds' logarithms, and of its order-statistic interval; ratio, ratio_ci_low, ratio_ci_high:
    value over that of the best, paired by round (see statistics.paired); round_count of the pairs;
    tied: the interval of the ratio includes 1, or there is none.
    """
    logs = estimates.logs
    own = ratios_of_rows(logs)
    pairs = ratios_of_rows(logs - logs[np.argmin(own.ratio)])
    table = estimates.candidates.assign(
        value=own.ratio,
        ci_low=own.low,
        ci_high=own.high,
        ratio=pairs.ratio,
        ratio_ci_low=pairs.low,
        ratio_ci_high=pairs.high,
        round_count=pairs.round_count,
        tied=~(pairs.low > 1.0),
    )
    table = table.sort_values("value", kind="stable", ignore_index=True)
    table["rank"] = np.arange(1, len(table) + 1)
    return table


def values_at(
    runs: pd.DataFrame, metric_name: str, case: Case, place: Place
) -> dict[Candidate, float]:
    """Another metric of the candidates at the same place, of those that have it."""
    estimates = estimates_at(measured(runs, metric(metric_name)), case, place)
    return dict(zip(candidates_in(estimates.candidates), ratios_of_rows(estimates.logs).ratio))


def failed_at(runs: pd.DataFrame, case: Case, place: Place) -> set[Candidate]:
    """Candidates of which a worker failed at a size that the answer rests on, in any pass."""
    keys = list(CANDIDATE)
    measured_ones = runs.loc[runs["pass"].isin((MEASURE, LATENCY)), keys].drop_duplicates()
    # Neither probes nor copying patterns, nor what was traced of these, build the array.
    rows = rows_at(runs[runs["pass"] != PATTERN], case, place).merge(measured_ones, "inner", keys)
    return set(candidates_in(rows[~rows["status"].isin(NO_FAILURES)]))
