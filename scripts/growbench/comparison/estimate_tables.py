"""Estimates of several machines as columns of a table."""

from typing import Optional, Sequence

import numpy as np
import pandas as pd

from growbench.analysis.shapes import ALLOCATOR, STRATEGY
from growbench.comparison.claims import Estimates, overlap
from growbench.comparison.hosts import Host
from growbench.tables.table import Column

# Keys that tell nothing where they are the same in every row; the others are always shown.
ALWAYS = (STRATEGY, ALLOCATOR)
_KEY_LABELS = {
    "implementation": ("Written in", "text"),
    "strategy": ("Strategy", "text"),
    "allocator": ("Allocator", "text"),
    "rows": ("Rows", "count"),
    "row_bytes": ("Row bytes", "count"),
    "threads": ("Threads", "count"),
    "work": ("Work", "text"),
}


def key_columns(frame: pd.DataFrame, always: Sequence[str] = ALWAYS) -> list[Column]:
    """Columns for the keys of a cell that `frame` has and that tell its rows apart."""
    shown = [
        key
        for key in ("strategy", "allocator", "rows", "row_bytes", "threads", "work")
        if key in frame and (key in always or frame[key].nunique() > 1)
    ]
    if {"implementation", "strategy"} <= set(frame.columns) and len(frame):
        # A strategy that is there in several implementations is not told by its name.
        if frame.groupby("strategy")["implementation"].nunique().max() > 1:
            shown.insert(0, "implementation")
    return [Column(key, *_KEY_LABELS[key]) for key in shown]


def yes_no(values: np.ndarray) -> list[Optional[str]]:
    return [None if np.isnan(value) else "yes" if value else "no" for value in values]


def estimate_frame(machines: Sequence[Host], estimates: Estimates, name: str) -> pd.DataFrame:
    columns = {}
    for i, machine in enumerate(machines):
        columns[f"{machine.label}_{name}"] = estimates.value[i]
        columns[f"{machine.label}_ci_low"] = estimates.low[i]
        columns[f"{machine.label}_ci_high"] = estimates.high[i]
    return pd.DataFrame(columns)


def estimate_columns(machines: Sequence[Host], name: str, kind: str) -> list[Column]:
    columns = []
    for machine in machines:
        columns.append(Column(f"{machine.label}_{name}", machine.label, kind))
        columns.append(
            Column(
                f"{machine.label}_ci_low",
                f"{machine.label}, 95%",
                f"interval:{kind}",
                f"{machine.label}_ci_high",
            )
        )
    return columns


def agreement_frame(
    machines: Sequence[Host], estimates: Estimates, name: str, metric: str, **more: np.ndarray
) -> pd.DataFrame:
    """The keys and each machine's estimate, named so; agree: whether all intervals overlap."""
    agree = overlap(estimates.low, estimates.high)
    tone = np.where(agree == 0.0, "bad", np.where(np.isnan(agree), "unsure", ""))
    frame = estimates.keys.assign(metric=metric, agree=yes_no(agree), **more, tone=tone)
    return pd.concat([frame, estimate_frame(machines, estimates, name)], axis=1)
