"""Several runs beside each other: a column for each, and what can be said across them.

Runs of different machines are asked which claims hold on how many of them; of runs of one machine
each is compared with the first.
"""

from typing import Callable, Optional, Sequence

import numpy as np
import pandas as pd

from growbench.comparison.differences import machine_differences
from growbench.comparison.machines import NothingShared, compare_machines
from growbench.comparison import layered
from growbench.comparison.layered import Group
from growbench.comparison.pair import Request, settings_for
from growbench.data.metrics import metric
from growbench.findings.evidence import Evidence, mean_ratio, ratio
from growbench.findings.finding import COLD, FAST, SLOW, USUAL_ALLOCATOR, WARM
from growbench.report.page import Comparison
from growbench.report.sections import LEFT_OUT_ROWS, Listing
from growbench.findings.sentences import Sentence, name
from growbench.statistics.paired import PairedRatio
from growbench.tables.table import Column, Table

_PROCESSES = ((COLD, "fresh"), (WARM, "steady"))


def side_by_side(evidences: Sequence[Evidence], same: Optional[pd.DataFrame]) -> Comparison:
    """What several runs have to say together; same: as in assemble()."""
    runs = [evidence.run for evidence in evidences]
    machines = {run.machine_id for run in runs}
    paragraphs: list[Sentence] = _sizes(evidences)
    tables = [_article(evidences), _allocators(evidences), _cells(evidences)]
    if len(machines) > 1:
        title = f"Side by side: {len(machines)} machines"
        try:
            headline, *others = compare_machines(runs)
            paragraphs += [[note] for note in headline.notes]
            tables = [headline._replace(notes=()), *others, *tables]
        except NothingShared as reason:
            paragraphs.append([f"What holds on all machines cannot be asked: {reason}."])
        tables.append(machine_differences(runs))
    else:
        title = f"Side by side: {len(runs)} configurations of one machine"
        for number, new in enumerate(runs[1:], start=1):
            request = Request([metric(of) for of in layered.METRICS])
            settings, origin = settings_for(request, same, False, [run.runs for run in runs])
            base, other = (Group([run], [run]) for run in (runs[0], new))
            document = layered.compare(base, other, request, settings, origin)
            paragraphs.append([f"{document.title}:"])
            paragraphs += [[line] for line in _joined(document.sentences)]
            tables += [
                table._replace(
                    name=f"{table.name}-{number}", title=f"{document.title}: {table.title}"
                )
                for table in document.tables
                if table.name != "differences"
            ]
        tables.append(machine_differences(runs))
    return Comparison(
        title,
        paragraphs,
        [
            Listing(
                table._replace(name=f"side-{table.name}"),
                [len(table.frame) <= LEFT_OUT_ROWS] * len(table.frame),
            )
            for table in tables
            if len(table.frame)
        ],
    )


def _joined(lines: Sequence[str]) -> list[str]:
    """Lines of a terminal as paragraphs: those that are indented go on with the one before."""
    joined: list[str] = []
    for line in lines:
        if joined and line.startswith(" "):
            joined[-1] += f"; {line.strip()}"
        else:
            joined.append(line.strip())
    return joined


def _sizes(evidences: Sequence[Evidence]) -> list[Sentence]:
    """Tables by cell need one size: said where the runs' nearest sizes differ."""
    if len({(evidence.rows, evidence.what) for evidence in evidences}) == 1:
        return []
    parts: list = ["The runs are not of the same size, each is shown at its own: "]
    for number, evidence in enumerate(evidences):
        parts += ["; " if number else "", name(evidence.run.label), f" {evidence.size}"]
        parts.append(f", {evidence.what}" if evidence.what else "")
    return [[*parts, "."]]


def _columns(evidences: Sequence[Evidence], kind: str) -> list[Column]:
    """Value and interval of each run."""
    columns = []
    for number, evidence in enumerate(evidences):
        label = evidence.run.label
        columns.append(Column(f"value_{number}", label, kind))
        columns.append(
            Column(f"low_{number}", f"{label}, 95%", f"interval:{kind}", f"high_{number}")
        )
    return columns


def _frame(
    evidences: Sequence[Evidence], keys: Sequence[str], found: Sequence[dict[tuple, PairedRatio]]
) -> pd.DataFrame:
    """One row for each key that any run has something of, in the order of the keys."""
    rows = []
    for key in sorted({key for of_run in found for key in of_run}):
        row = dict(zip(keys, key))
        for number, of_run in enumerate(found):
            value = of_run.get(key, PairedRatio(np.nan, np.nan, np.nan))
            row.update({f"value_{number}": value.ratio, f"low_{number}": value.low})
            row[f"high_{number}"] = value.high
        rows.append(row)
    return pd.DataFrame(rows)


def _ratios(
    evidences: Sequence[Evidence], of: Callable[[pd.DataFrame], dict[str, PairedRatio]]
) -> list[dict[tuple, PairedRatio]]:
    """For each run what `of` makes of its rounds, by process and by the name that it gives."""
    return [
        {
            (process, key): value
            for metric_name, process in _PROCESSES
            for key, value in of(evidence.rounds_of(evidence.measured(), metric_name)).items()
            if not np.isnan(value.ratio)
        }
        for evidence in evidences
    ]


def _article(evidences: Sequence[Evidence]) -> Table:
    def of(rounds: pd.DataFrame) -> dict[str, PairedRatio]:
        allocators = {allocator for _, allocator in rounds.columns}
        return {a: ratio(rounds, (SLOW, a), (FAST, a)) for a in allocators}

    frame = _frame(evidences, ("process", "allocator"), _ratios(evidences, of))
    columns = [Column("process", "process"), Column("allocator", "allocator")]
    title = f"{SLOW} \N{DIVISION SIGN} {FAST}, on each allocator"
    return Table("article", title, [*columns, *_columns(evidences, "factor")], frame)


def _allocators(evidences: Sequence[Evidence]) -> Table:
    def of(rounds: pd.DataFrame) -> dict[str, PairedRatio]:
        names = sorted({allocator for _, allocator in rounds.columns})
        strategies = sorted({strategy for strategy, _ in rounds.columns})
        means = {}
        for allocator in names:
            pairs = [((s, allocator), (s, USUAL_ALLOCATOR)) for s in strategies]
            if allocator != USUAL_ALLOCATOR:
                means[allocator], _ = mean_ratio(rounds, pairs)
        return means

    frame = _frame(evidences, ("process", "allocator"), _ratios(evidences, of))
    columns = [Column("process", "process"), Column("allocator", "allocator")]
    title = f"Each allocator \N{DIVISION SIGN} {USUAL_ALLOCATOR}, geometric mean over strategies"
    return Table("allocators", title, [*columns, *_columns(evidences, "factor")], frame)


def _cells(evidences: Sequence[Evidence]) -> Table:
    """Cold, warm and peak of each cell of the article's size."""
    # What a run is mainly of may be another implementation.
    keys = ["implementation", "strategy", "allocator"]
    figures = (
        (f"{COLD}_median_ns", "cold", "ns"),
        (f"{WARM}_median_ns", "warm", "ns"),
        ("peak_memory_ratio", "peak \N{DIVISION SIGN} payload", "factor"),
    )
    columns = [Column(key, key) for key in keys[1:]]
    frame = pd.DataFrame(columns=keys)
    for number, evidence in enumerate(evidences):
        names = {name: f"{name}_{number}" for name, _, _ in figures}
        part = evidence.measured()[[*keys, *names]].rename(columns=names)
        frame = frame.merge(part, "outer", keys)
        for column, label, kind in figures:
            columns.append(Column(names[column], f"{evidence.run.label}: {label}", kind))
    if frame["implementation"].nunique() > 1:
        columns.insert(0, Column("implementation", "written in"))
    title = "Medians at the article's size"
    return Table("cells", title, columns, frame.sort_values(keys, kind="stable"))
