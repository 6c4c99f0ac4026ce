"""What a recorded program takes under each allocator: the page of a run of a replay."""

from typing import Optional

import numpy as np
import pandas as pd

from growbench.analysis.pair_comparison import ALLOCATOR, compare_pairs
from growbench.data.columns import MEASURE
from growbench.data.description import fact
from growbench.data.errors import UsageError
from growbench.data.metrics import METRICS, Metric
from growbench.data.statuses import OK
from growbench.statistics.order import grouped_order
from growbench.tables.table import Column, Table

PREFIX = "replay:"
BASELINE = "glibc"
TIME = next(metric for metric in METRICS if metric.name == "cold_build_release")
PEAK = next(metric for metric in METRICS if metric.name == "peak_memory")
NOT_REPLAYED = (
    "time: of the allocator's calls and of writing to what they returned, in a fresh process; what "
    "the program computed in between is not replayed, nor which caches its data were in",
    "peak: of the memory that these calls brought, as far as the program touched it; its code, "
    "stacks and own mappings are not in it",
    "threads take turns in the recorded order: which thread called is replayed, what threads do to "
    "each other's speed is not",
)


def is_replay(runs: pd.DataFrame) -> pd.Series:
    """Which rows are of a replay."""
    return runs["strategy"].str.startswith(PREFIX)


def replay_table(runs: pd.DataFrame, machine: Optional[dict]) -> Table:
    """The allocators of a run of one replay, the fastest first. Raises UsageError for a run without
    one.

    Columns of the frame: allocator; time in ns and peak in bytes, medians over rounds; time_ratio
    and peak_ratio, to the baseline; of each _low and _high, ends of the 95% interval; nan where
    there are too few rounds. over_touched: peak / the most bytes of blocks that a replay touches at
    once, by machine.json.
    """
    own = runs[is_replay(runs) & (runs["pass"] == MEASURE)]
    if own.empty:
        raise UsageError("this run replays nothing; growbench replay PROFILE makes one that does")
    frame = pd.DataFrame({"allocator": sorted(set(own["allocator"]))})
    baseline = BASELINE if BASELINE in set(frame["allocator"]) else frame["allocator"].iloc[0]
    for name, metric in (("time", TIME), ("peak", PEAK)):
        frame = frame.merge(_estimates(own, name, metric), "left", "allocator")
        frame = frame.merge(_ratios(own, name, metric, baseline), "left", "allocator")
    touched = fact(machine, "run", "profile", "most_touched_bytes", type=int)
    frame["over_touched"] = frame["peak"] / (touched or np.nan)
    frame = frame.sort_values(["time", "allocator"], ignore_index=True)
    columns = [
        Column("allocator", "allocator"),
        Column("time", "time", "ns"),
        Column("time_low", "95% interval", "interval:ns", "time_high"),
        Column("time_ratio", f"/ {baseline}'s", "factor"),
        Column("time_ratio_low", "95% interval", "interval:factor", "time_ratio_high"),
        Column("peak", "peak", "bytes"),
        Column("peak_ratio", f"/ {baseline}'s", "factor"),
        Column("peak_ratio_low", "95% interval", "interval:factor", "peak_ratio_high"),
        Column("over_touched", "/ touched", "factor"),
    ]
    notes = [*_facts(machine), *_missing(own), *NOT_REPLAYED]
    return Table("replay", _title(own), columns, frame, notes)


def _title(own: pd.DataFrame) -> str:
    first = own.iloc[0]
    rounds = own["round"].nunique()
    return f"{first['strategy']}: {first['rows']:,.0f} calls under each allocator, {rounds} rounds"


def _estimates(own: pd.DataFrame, name: str, metric: Metric) -> pd.DataFrame:
    measured = own[own["status"] == OK]
    codes, allocators = pd.factorize(measured["allocator"])
    found = grouped_order(metric.values(measured), codes, len(allocators))
    return pd.DataFrame(
        {
            "allocator": allocators,
            name: found.median,
            f"{name}_low": found.low,
            f"{name}_high": found.high,
        }
    )


def _ratios(own: pd.DataFrame, name: str, metric: Metric, baseline: str) -> pd.DataFrame:
    """Of each allocator to the baseline, round by round."""
    rows = []
    for allocator in sorted(set(own["allocator"]) - {baseline}):
        for found in compare_pairs(own, allocator, baseline, metric, ALLOCATOR).itertuples():
            rows.append((allocator, found.ratio, found.ci_low, found.ci_high))
    columns = ["allocator", f"{name}_ratio", f"{name}_ratio_low", f"{name}_ratio_high"]
    return pd.DataFrame(rows, columns=columns)


def _facts(machine: Optional[dict]) -> list[str]:
    """What was recorded, as far as machine.json says."""
    profile = fact(machine, "run", "profile", type=dict)
    if profile is None:
        return []
    told = [
        f"process {profile['process']} of {profile['process_count']} (from 0); threads: "
        f"{profile['thread_count']}, replayed by {profile['replay_thread_count']}; at most "
        f"{profile['most_block_count']:,} blocks of {profile['most_requested_bytes']:,} bytes "
        f"lived at once, of which a replay touches {profile['most_touched_bytes']:,}"
    ]
    if profile["process_count"] > 1:
        share = profile["event_count"] / max(profile["all_event_count"], 1)
        told.append(f"it made {share:.0%} of all recorded calls; --process N replays another")
    if profile["recorded_until"] != "exited":
        told.append(f"not recorded to its end: {profile['recorded_until']}")
    return told


def _missing(own: pd.DataFrame) -> list[str]:
    """Allocators without a figure, and why."""
    lacking = own.groupby("allocator")["status"].agg(lambda status: (status != OK).all())
    told = []
    for allocator in lacking.index[lacking]:
        row = own[own["allocator"] == allocator].iloc[0]
        told.append(f"{allocator}: {row['status']}: {row['status_detail']}")
    return told
