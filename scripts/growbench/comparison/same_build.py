"""Runs of the same build on the same host: what a run is, and what such runs differ by.

What makes a run's times is its worker, its allocators, the interpreters and their packages, the
rounds and the work it was asked for, the host and how it is set. Runs in which all that is the same
differ by nothing but the run, and so they say what a difference between two runs means.
"""

import json
import warnings
from pathlib import Path
from typing import Collection, NamedTuple, Optional, Sequence

import numpy as np
import pandas as pd
from scipy import special

from growbench.analysis import host
from growbench.comparison import between
from growbench.comparison.output import Document
from growbench.comparison.run import Run, read_run
from growbench.data.description import fact, huge_pages
from growbench.data.errors import LoadError
from growbench.data.load import runs_path
from growbench.data.metrics import Metric, metric
from growbench.statistics import moderated
from growbench.tables.table import Column, Table

# So many runs beside are read; from so many on they tell what each family varies by.
MOST_BESIDE, ENOUGH = 10, 5
_OF_RUN = ("rounds", "work", "budget_s", "allocator_environment")
_OF_SYSTEM = ("kernel", "libc", "page_bytes", "governor", "aslr", "glibc_tunables")
_OF_BUILD = ("compiler", "build_type", "flags", "benchmark_library_version")
_OF_ALLOCATOR = ("version", "build_id", "worker_build_id", "environment")


def identity(machine: Optional[dict]) -> Optional[dict[str, str]]:
    """What two runs of one build have in common, by name; None where machine.json does not say."""
    allocators = fact(machine, "allocators", type=list)
    if not allocators or fact(machine, "machine_id") is None:
        return None
    found = {"machine_id": str(fact(machine, "machine_id"))}
    found |= {name: repr(fact(machine, "run", name, type=object)) for name in _OF_RUN}
    found |= {name: repr(fact(machine, "build", name, type=object)) for name in _OF_BUILD}
    found |= {name: repr(fact(machine, "system", name, type=object)) for name in _OF_SYSTEM}
    found["huge pages"] = repr(huge_pages(machine))
    for one in allocators:
        told = [fact(one, name, type=object) for name in _OF_ALLOCATOR]
        found[f"allocator {fact(one, 'name')}"] = repr(told)
    for one in fact(machine, "implementations", type=list) or []:
        found[f"implementation {fact(one, 'name')}"] = repr(fact(one, "version", type=object))
    return found


def is_same(one: Optional[dict], other: Optional[dict]) -> bool:
    """Are the runs that these machine.json describe of one build, where they have the same parts?
    Allocators and implementations that only one has are no difference; none in common is."""
    first, second = identity(one), identity(other)
    if first is None or second is None:
        return False
    common = first.keys() & second.keys()
    alike = all(first[name] == second[name] for name in common)
    return alike and any(name.startswith("allocator ") for name in common)


def beside(run: Run, columns: Optional[Collection[str]], but: Sequence[Run] = ()) -> list[Run]:
    """The runs of the same build on the same host that lie beside `run`, or in a folder beside it:
    the newest MOST_BESIDE that are whole, without `run` itself and those of `but`."""
    if run.path is None or identity(run.machine) is None:
        return []
    folder = runs_path(run.path).absolute().parent.parent
    taken = {_run_id(one.machine) for one in (run, *but)}
    found = []
    for place in [*folder.glob("*/machine.json"), *folder.glob("*/*/machine.json")]:
        machine = _described(place)
        whole = fact(machine, "run", "state") == "complete"
        if whole and _run_id(machine) not in taken and is_same(run.machine, machine):
            taken.add(_run_id(machine))
            found.append((str(fact(machine, "run", "started_utc") or ""), place.parent))
    runs = [_read(place, columns) for _, place in sorted(found, reverse=True)[:MOST_BESIDE]]
    own = run.fingerprint()
    return [one for one in runs if one is not None and _same_host(own, one)]


def _run_id(machine: Optional[dict]) -> Optional[str]:
    return fact(machine, "run_id")


def _described(place: Path) -> Optional[dict]:
    """What it says; None where it cannot be read: nobody asked about that run."""
    try:
        machine = json.loads(place.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return machine if isinstance(machine, dict) and (place.parent / "runs.csv").is_file() else None


def _read(place: Path, columns: Optional[Collection[str]]) -> Optional[Run]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return read_run(place, columns)
        except LoadError:
            return None


def _same_host(own: host.Fingerprint, run: Run) -> bool:
    return host.distance(own, run.fingerprint()).verdict == host.SAME


class Differences(NamedTuple):
    """What two runs of one build differ by, of one metric: absolute differences of logarithms.

    families, cells: of any two runs, without what all families of a run have in common, `common`.
    families_within, cells_within: what their workers alone would make of it. spread: by FAMILY, the
    deviation between runs and its degrees of freedom.
    """

    metric: str
    run_count: int
    families: np.ndarray
    families_within: np.ndarray
    cells: np.ndarray
    cells_within: np.ndarray
    common: np.ndarray
    spread: pd.DataFrame

    def theta(self) -> float:
        """What 99 in 100 families differ by less than, as a share."""
        return share_at(self.families, 0.99)


def share_at(differences: np.ndarray, quantile: float) -> float:
    """A quantile of differences of logarithms, as a share; 0 where there are none."""
    return float(np.expm1(np.quantile(differences, quantile))) if len(differences) else 0.0


def differences(groups: Sequence[Sequence[Run]], one: Metric) -> Differences:
    """Of groups of runs, each of one build: at least one group of two.

    within: from the odd and the even rounds of a run, over sqrt(2), since a half has half of the
    workers. spread: moderated (statistics/moderated.py).
    """
    pieces: dict[str, list[np.ndarray]] = {name: [] for name in _PIECES}
    for group in groups:
        for name, found in _of_group(group, one).items():
            pieces[name].append(found)
    count = sum(len(group) for group in groups)
    made = {name: np.concatenate(found) for name, found in pieces.items()}
    return Differences(one.name, count, spread=_spread(groups, one), **made)


_PIECES = ("families", "families_within", "cells", "cells_within", "common")


def _of_group(group: Sequence[Run], one: Metric) -> dict[str, np.ndarray]:
    rows = [run.runs for run in group]
    whole = without_common(between.cell_values(rows, one))
    halves = [
        without_common(between.cell_values([of[of["round"] % 2 == odd] for odd in (1, 0)], one))
        for of in rows
    ]
    return {
        "families": _apart([whole.families]),
        "cells": _apart([whole.cells]),
        "families_within": _apart([half.families for half in halves]) / np.sqrt(2.0),
        "cells_within": _apart([half.cells for half in halves]) / np.sqrt(2.0),
        "common": _apart([pd.DataFrame([whole.common])]),
    }


class Parted(NamedTuple):
    """Cells and families x runs, without what all families of a run have in common."""

    cells: pd.DataFrame
    families: pd.DataFrame
    common: np.ndarray


def without_common(cells: pd.DataFrame) -> Parted:
    """From cells x runs, as between.cell_values() has them."""
    values = between.in_families(cells, 1)
    runs = between.common_of_runs(values)
    if runs is None:
        return Parted(values.cells, values.families, np.full(cells.shape[1], np.nan))
    return Parted(values.cells.sub(runs, axis=1), values.families.sub(runs, axis=1), runs)


def _apart(tables: Sequence[pd.DataFrame]) -> np.ndarray:
    """Of each table's rows the absolute differences of any two columns, all in one."""
    found = [np.zeros(0)]
    for table in tables:
        values = table.to_numpy(dtype=float)
        first, second = np.triu_indices(values.shape[1], 1)
        found.append(np.abs(values[:, first] - values[:, second]).ravel())
    all_of = np.concatenate(found)
    return all_of[~np.isnan(all_of)]


def _spread(groups: Sequence[Sequence[Run]], one: Metric) -> pd.DataFrame:
    """By FAMILY: deviation and freedom, from all groups together."""
    parts = []
    for group in groups:
        families = without_common(between.cell_values([run.runs for run in group], one)).families
        parts.append(families.sub(families.mean(axis=1), axis=0))
    residuals = pd.concat(parts, axis=1)
    known = sum((part.notna().sum(axis=1) - 1).clip(lower=0) for part in parts)
    freedom = known.reindex(residuals.index).fillna(0).to_numpy(dtype=float)
    squares = np.nansum(residuals.to_numpy() ** 2, axis=1)
    deviation, total = moderated.moderated_deviation(squares, freedom)
    return pd.DataFrame({"deviation": deviation, "freedom": total}, index=residuals.index)


def reach(spread: pd.DataFrame, alpha: float) -> pd.Series:
    """What two runs of one build may differ by in a family, with 1 - alpha for all families
    together: a ratio. Formula: exp(t sqrt(2) s), t at alpha over the number of families."""
    count = max(len(spread), 1)
    t = special.stdtrit(spread["freedom"].to_numpy(), 1.0 - alpha / count / 2.0)
    return pd.Series(np.exp(t * np.sqrt(2.0) * spread["deviation"]), index=spread.index)


_QUANTILES = (0.50, 0.95, 0.99)
_PARTS = (("families", "families"), ("cells", "single cells"), ("common", "all together"))


def document(found: Sequence[Differences], label: str) -> Document:
    """Which differences between two runs mean nothing. label: of the runs."""
    rows = []
    for of in found:
        for name, told in _PARTS:
            values, within = getattr(of, name), getattr(of, f"{name}_within", np.zeros(0))
            row = {"metric": of.metric, "of": told, "difference_count": len(values)}
            for quantile in _QUANTILES:
                end = f"p{100 * quantile:.0f}"
                row[end] = share_at(values, quantile) if len(values) else np.nan
                row[f"within_{end}"] = share_at(within, quantile) if len(within) else np.nan
            rows.append(row)
    ends = [f"p{100 * quantile:.0f}" for quantile in _QUANTILES]
    columns = (
        Column("metric", "metric"),
        Column("of", "of"),
        Column("difference_count", "pairs", "count"),
        *(Column(end, f"{end} between runs", "share") for end in ends),
        *(Column(f"within_{end}", f"{end} within", "share") for end in ends),
    )
    notes = [
        "differences of two runs, without what all families of a run have in common, which is in "
        "the rows `all together`",
        "within: what two runs would differ by if only their workers did",
    ]
    count = found[0].run_count
    lines = [
        f"{metric(of.metric).label.lower()}: of {count} runs of the same build any two differ by "
        f"up to {of.theta():.1%} in 99 of 100 families, and by {share_at(of.cells, 0.99):.1%} in "
        "99 of 100 cells; their workers alone would make that "
        f"{share_at(of.families_within, 0.99):.1%} and {share_at(of.cells_within, 0.99):.1%}"
        for of in found
        if len(of.families)
    ]
    lines.append(
        "between one run and another of this host such differences mean nothing; growbench compare "
        "finds these runs beside what it compares, and takes its theta from them"
    )
    table = Table(
        "between", "What runs of the same build differ by", columns, pd.DataFrame(rows), notes
    )
    return Document(f"{count} runs of the same build: {label}", lines, [table], 0)
