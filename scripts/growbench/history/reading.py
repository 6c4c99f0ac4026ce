"""What a history keeps of each run: for each cell the ranges of its counts and the medians of its
times, and what was measured where. The rows themselves are dropped as soon as a run is read."""

import os
import re
import signal
import warnings
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Callable, NamedTuple, Sequence, Union

import numpy as np
import pandas as pd

from growbench.analysis import host
from growbench.comparison.exact import Ranges
from growbench.comparison.run import Run, label_of, unique_labels
from growbench.data.columns import CELL, IDENTIFYING
from growbench.data.description import fact, read_machine
from growbench.data.errors import LoadError, LoadWarning, UsageError
from growbench.data.exact import Exact
from growbench.data.load import read_runs
from growbench.data.metrics import Metric
from growbench.data.statuses import OK

# What is told of a run besides its figures.
_DESCRIBING = ("allocator_version", "allocator_build_id", "implementation_version", "page_bytes")
# So many runs are read before other processes have begun.
_FEW = 8
_TIME_OF_ID = re.compile(r"-(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$")


class Figures(NamedTuple):
    """Of those of a run's cells that have any: which they are, by their places in Taken.cells, and
    the ranges of a count."""

    cell: np.ndarray
    ranges: Ranges


class Times(NamedTuple):
    """The medians over the workers of a metric, cell by cell, and the column that they are from;
    older: those from the column that older files have instead, if there is one."""

    cell: np.ndarray
    median: np.ndarray
    source: str
    older: np.ndarray


class Taken(NamedTuple):
    """A run as a history has it.

    run: its label, its machine.json, and of its rows one for each implementation and allocator.
    began: UTC, ISO 8601. commit: that it was built from, as machine.json has it; "" if it has none.
    surroundings: what counts of the allocator's calls may depend on: architecture and page size.
    cells: a tuple of CELL for each. counts, times: by the name of the count and of the metric.
    """

    run: Run
    run_id: str
    began: str
    commit: str
    host: host.Fingerprint
    surroundings: str
    cells: list[tuple]
    counts: dict[str, Figures]
    times: dict[str, Times]

    @property
    def label(self) -> str:
        return self.run.label

    @property
    def machine_id(self) -> str:
        return self.run.machine_id


class Wanted(NamedTuple):
    """What is to be read of each run."""

    counts: Sequence[Exact]
    metrics: Sequence[Metric]

    @property
    def columns(self) -> set[str]:
        of_counts = {name for one in self.counts for name in one.needed}
        of_metrics = {name for one in self.metrics for name in one.needed}
        return of_counts | of_metrics | host.COLUMNS | set(_DESCRIBING)


# Called with how many of how many runs are read.
Told = Callable[[int, int], object]


def read(
    paths: Sequence[Union[str, Path]], wanted: Wanted, told: Told = lambda done, total: None
) -> list[Taken]:
    """The runs in that order, with labels that differ, read on all CPUs. Warns (LoadWarning) of
    what reading them warns of. Raises LoadError, and UsageError for a run that cannot be read."""
    cpus = min(len(paths), len(os.sched_getaffinity(0)))
    take = partial(_take_quietly, wanted)
    taken: list[Taken] = []

    def add(made: tuple[Union[Taken, str], list[str]]) -> None:
        found, said = made
        for text in said:
            warnings.warn(text, LoadWarning, stacklevel=3)
        if isinstance(found, str):
            raise UsageError(found)
        taken.append(found)
        told(len(taken), len(paths))

    if cpus <= 1 or len(paths) < _FEW:
        for path in paths:
            add(take(path))
    else:
        # Ctrl-C is for the process that waits.
        pool = ProcessPoolExecutor(cpus, None, signal.signal, (signal.SIGINT, signal.SIG_IGN))
        try:
            for made in pool.map(take, paths):
                add(made)
        finally:
            pool.shutdown(cancel_futures=True)
    labels = unique_labels([one.label for one in taken])
    return [one._replace(run=one.run._replace(label=name)) for one, name in zip(taken, labels)]


def _take_quietly(wanted: Wanted, path: Union[str, Path]) -> tuple[Union[Taken, str], list[str]]:
    """The run, or why it cannot be read; and the warnings of reading it."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", LoadWarning)
        try:
            made: Union[Taken, str] = take(path, wanted)
        except (LoadError, UsageError) as error:
            made = str(error)
    return made, [str(one.message) for one in caught if issubclass(one.category, LoadWarning)]


def take(path: Union[str, Path], wanted: Wanted) -> Taken:
    """What a history keeps of one run. Raises LoadError."""
    rows, machine = read_runs(path, wanted.columns), read_machine(path)
    keys = rows[list(CELL)].astype("category")
    number = keys.groupby(list(CELL), observed=True, sort=False).ngroup().to_numpy()
    _, first = np.unique(number, return_index=True)
    run_id = str(rows["run_id"].iloc[0])
    return Taken(
        Run(label_of(path), _described(rows), _slim(machine)),
        run_id,
        _began(run_id, machine, path),
        fact(machine, "build", "git_commit") or "",
        host.fingerprint(rows, machine),
        _surroundings(rows, machine),
        list(rows[list(CELL)].iloc[first].itertuples(index=False, name=None)),
        _counts(rows, number, wanted.counts),
        {one.name: _times(rows, number, one) for one in wanted.metrics},
    )


def _described(rows: pd.DataFrame) -> pd.DataFrame:
    """Who supplied what: no row of them has figures, nor is of any pass."""
    told = rows[(rows["allocator_version"] != "") | (rows["allocator_build_id"] != "")]
    kept = told if len(told) else rows.head(1)
    kept = kept.drop_duplicates(["implementation", "allocator", *_DESCRIBING[:3]])
    return (
        kept[[*IDENTIFYING, *_DESCRIBING]]
        .assign(**{"pass": "", "status": ""})
        .reset_index(drop=True)
    )


def _slim(machine: Union[dict, None]) -> Union[dict, None]:
    """Without what is told of each cell, which is most of it."""
    return None if machine is None else {k: v for k, v in machine.items() if k != "pilot"}


def _began(run_id: str, machine: Union[dict, None], path: Union[str, Path]) -> str:
    told = fact(machine, "run", "started_utc")
    if told:
        return told
    found = _TIME_OF_ID.search(run_id)
    if not found:
        raise UsageError(
            f"{path} does not say when it began: its run_id {ascii(run_id)[:60]} has no time, and "
            "there is no machine.json that has one; leave it out"
        )
    return "{}-{}-{}T{}:{}:{}Z".format(*found.groups())


def _surroundings(rows: pd.DataFrame, machine: Union[dict, None]) -> str:
    page = rows["page_bytes"].max()
    known = "" if np.isnan(page) else f"{page:.0f}"
    architecture = fact(machine, "machine", "architecture")
    return f"{architecture or 'x86_64'} {known or 4096}"


def _counts(rows: pd.DataFrame, number: np.ndarray, counts: Sequence[Exact]) -> dict[str, Figures]:
    """number: of each row's cell."""
    found = {}
    for passes, group in _by_pass(counts).items():
        counted = (rows["pass"].isin(passes) & (rows["status"] == OK)).to_numpy()
        own = rows[counted].reset_index(drop=True)
        of_own = number[counted]
        for one in group:
            values = one.of(own)
            found[one.name] = _figures(values.to_numpy(float), of_own[values.index.to_numpy()])
    return found


def _by_pass(counts: Sequence[Exact]) -> dict[tuple[str, str], list[Exact]]:
    groups: dict[tuple[str, str], list[Exact]] = {}
    for one in counts:
        groups.setdefault((one.pass_name, one.also), []).append(one)
    return groups


def _figures(values: np.ndarray, cell: np.ndarray) -> Figures:
    """The range of each cell's values."""
    order = np.argsort(cell, kind="stable")
    values, cell = values[order], cell[order]
    if not len(cell):
        return Figures(cell, Ranges(values, values, values))
    first = np.flatnonzero(np.append(True, cell[1:] != cell[:-1]))
    low, high = np.minimum.reduceat(values, first), np.maximum.reduceat(values, first)
    workers = np.diff(np.append(first, len(cell))).astype(float)
    return Figures(cell[first], Ranges(low, high, workers))


def _times(rows: pd.DataFrame, number: np.ndarray, one: Metric) -> Times:
    measured = (rows["pass"].isin(one.passes) & (rows["status"] == OK)).to_numpy()
    own, of = rows[measured], number[measured]
    values = pd.DataFrame({"value": one.values(own)})
    values["older"] = own[one.older] if one.older else np.nan
    found = values[values["value"] > 0].groupby(of[(values["value"] > 0).to_numpy()]).median()
    return Times(
        found.index.to_numpy(int),
        found["value"].to_numpy(float),
        one.source(own),
        found["older"].to_numpy(float),
    )
