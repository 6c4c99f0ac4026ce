"""What all exporters have in common: which rows they write, in which order, and how names are
written so that no tool takes a part of them for something else."""

import urllib.parse
from typing import IO, Callable, Iterable, Iterator, NamedTuple, Optional, Sequence

import numpy as np
import pandas as pd

from growbench.data.columns import CELL, MEASURE
from growbench.data.statuses import OK
from growbench.data.metrics import METRICS, Metric
from growbench.data.parameters import in_order

# What the rows are made like unless somebody asks for another way; it is left out of names.
USUAL_WORK = "cheap"
WARM_COLUMNS = ("warm_iteration_count", "warm_value_count")


class CannotExport(Exception):
    """The format has no place for what was asked for. The message says what would do."""


class Export(NamedTuple):
    """What is to be written.

    runs: rows of the measure pass that are ok, by cell and round. metrics: what of them.
    machine: machine.json as description.read_machine() gives it, or None.
    """

    runs: pd.DataFrame
    metrics: Sequence[Metric]
    machine: Optional[dict]

    def times(self) -> list[Metric]:
        """The metrics that are times: a benchmark of its own each."""
        return [metric for metric in self.metrics if metric.unit == "ns"]

    def others(self, warm: bool) -> list[Metric]:
        """The metrics that are no times, and are told beside one."""
        return [m for m in self.metrics if m.unit != "ns" and is_warm(m) == warm]

    def cells(self) -> Iterator[tuple[dict, slice]]:
        """Each cell's keys, and where its rows are."""
        keys = self.runs[list(CELL)]
        starts = np.flatnonzero((keys != keys.shift()).any(axis=1).to_numpy()).tolist()
        for cell, start, end in zip(
            keys.iloc[starts].to_dict("records"), starts, [*starts[1:], len(keys)]
        ):
            yield cell, slice(start, end)

    def values(self) -> dict[str, np.ndarray]:
        """By the name of each metric, its values in all rows."""
        return {m.name: m.values(self.runs).to_numpy(dtype=float) for m in self.metrics}


class Exporter(NamedTuple):
    """One format."""

    name: str
    help: str
    columns: tuple[str, ...]
    write: Callable[[Export, IO[str]], None]


def columns_for(exporter: Exporter, metrics: Iterable[Metric]) -> set[str]:
    """What read_runs() is to read for it."""
    return {*exporter.columns, *(column for metric in metrics for column in metric.needed)}


def measured(runs: pd.DataFrame) -> pd.DataFrame:
    """The rows that an Export is made of."""
    chosen = runs[(runs["pass"] == MEASURE) & (runs["status"] == OK)]
    keys = [*CELL, "round"]
    return in_order(chosen.sort_values(keys, kind="stable").reset_index(drop=True), keys)


def chosen_metrics(names: Optional[Sequence[str]]) -> list[Metric]:
    """The metrics of these names, in the order of METRICS.

    Without names: cold and warm build and release, and all that are no times.
    """
    if names:
        return [metric for metric in METRICS if metric.name in names]
    usual = ("cold_build_release", "warm_build_release")
    return [metric for metric in METRICS if metric.unit != "ns" or metric.name in usual]


def is_warm(metric: Metric) -> bool:
    """Is it of the steady state? The others are of the first build of a fresh process."""
    return all(column.startswith("warm_") for column in metric.columns)


def warm_iterations(runs: pd.DataFrame) -> np.ndarray:
    """For each row, how many builds its warm figure is of; 1 if nobody knows."""
    counts = runs[list(WARM_COLUMNS)].prod(axis=1, skipna=False).to_numpy(dtype=float)
    return np.where(counts >= 1.0, counts, 1.0).astype("int64")


def name_part(text: object) -> str:
    """`text` without anything that has a meaning between names: spaces, quotes, '/', '=', ':'.

    Letters, digits, and _ . - ~ + stay; each other byte of its UTF-8 becomes %XX, so that
    different texts stay different, and urllib.parse.unquote() gives them back.
    """
    return urllib.parse.quote(str(text), safe="+")


def plain_text(text: str) -> str:
    """`text` on one line of ASCII, for a place where nobody reads it back."""
    printable = "".join(char if char.isprintable() else " " for char in text)
    return " ".join(printable.encode("ascii", "backslashreplace").decode("ascii").split())
