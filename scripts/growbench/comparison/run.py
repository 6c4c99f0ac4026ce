"""A run as comparisons take it: its rows, what its machine was, and a short name for it."""

import warnings
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Collection, NamedTuple, Optional, Sequence, Union

import pandas as pd

from growbench.analysis.host import Fingerprint, fingerprint
from growbench.data.description import fact, read_machine
from growbench.data.errors import LoadWarning, UsageError
from growbench.data.load import read_runs, runs_path
from growbench.data.metrics import on_one_basis
from growbench.data.text import printable


class Run(NamedTuple):
    """label: unique among the runs of a comparison. runs: as read_runs() returns them. machine:
    what machine.json says, or None where there is none. seen: of a run that was read, its host's
    fingerprint, whichever rows are chosen later. path: where it was read from."""

    label: str
    runs: pd.DataFrame
    machine: Optional[dict] = None
    seen: Optional[Fingerprint] = None
    path: Optional[Path] = None

    def fingerprint(self) -> Fingerprint:
        """Of the host that it saw."""
        return fingerprint(self.runs, self.machine) if self.seen is None else self.seen

    @property
    def machine_id(self) -> str:
        """The stable label of the machine, which runs.csv has in every row.

        Where no row was chosen, what machine.json says; "" if there is none.
        """
        if len(self.runs):
            return str(self.runs["machine_id"].iloc[0])
        return str(fact(self.machine, "machine_id") or "")


def read_run(path: Union[str, Path], columns: Optional[Collection[str]] = None) -> Run:
    """A run from its folder or its CSV file, labelled by label_of(). Raises LoadError.

    columns: of runs.csv, as read_runs() has it; None: all. Without analysis.host.COLUMNS the host
    of a run whose machine.json does not tell its prices is not known.
    """
    runs, machine = read_runs(path, columns), read_machine(path)
    return Run(label_of(path), runs, machine, fingerprint(runs, machine), Path(path))


def read_all(
    paths: Sequence[Union[str, Path]], columns: Optional[Collection[str]] = None
) -> list[Run]:
    """The runs in that order, with labels that differ, and each metric from the same column in all
    of them: a LoadWarning says where that is an older one. Raises LoadError."""
    # Much of the work is in pandas' parser, which lets other threads run meanwhile.
    with ThreadPoolExecutor() as pool:
        runs = list(pool.map(lambda path: read_run(path, columns), paths))
    labels = unique_labels([run.label for run in runs])
    tables, moved = on_one_basis([run.runs for run in runs])
    for metric in moved:
        warnings.warn(
            f"{metric.name} is read from {metric.older} in all runs, as one of them has no "
            f"{metric.columns[0]}",
            LoadWarning,
            stacklevel=2,
        )
    return [
        run._replace(label=label, runs=table) for run, label, table in zip(runs, labels, tables)
    ]


def label_of(path: Union[str, Path]) -> str:
    """The name of the run's folder, or of its file if that is not called runs.csv."""
    file = runs_path(path).absolute()
    return printable(file.parent.name if file.name == "runs.csv" else file.stem)


def unique_labels(labels: Sequence[str]) -> list[str]:
    """The labels; those that occur several times are numbered: a, b, a becomes a#1, b, a#2."""
    count, seen, taken = Counter(labels), Counter[str](), set(labels)
    unique = []
    for label in labels:
        made = label
        while count[label] > 1 and made in taken:
            seen[label] += 1
            made = f"{label}#{seen[label]}"
        taken.add(made)
        unique.append(made)
    return unique


def check_different(runs: Sequence[Run]) -> None:
    """Raises UsageError if a run is there twice."""
    seen: dict[str, str] = {}
    for run in runs:
        run_id = str(run.runs["run_id"].iloc[0]) if len(run.runs) else ""
        if run_id in seen and run_id:
            raise UsageError(
                f"{seen[run_id]} and {run.label} are the same run, {run_id}; a run counts once"
            )
        seen[run_id] = run.label
