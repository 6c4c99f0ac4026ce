"""Runs of different machines beside each other: which claims hold on how many of them?

A machine is a host here, told by its prices as well as by its name: see hosts.py.
The numbers are made in claims.py; claim_tables.py and peaks.py make tables and words of them.
"""

from typing import NamedTuple, Optional, Sequence

import pandas as pd

from growbench.analysis.shapes import ALLOCATOR, CURVE, STRATEGY, exponents
from growbench.comparison import claim_tables, peaks
from growbench.comparison.claim_tables import Claims, of_each_run, question_of
from growbench.comparison.claims import (
    CONTRADICTION,
    LESS,
    MORE,
    PARTLY,
    Shared,
    UNRESOLVED,
    across,
    contradictions_by_chance,
    ratios,
    shared,
    sides,
    verdicts,
)
from growbench.comparison.differences import machine_differences
from growbench.comparison.hosts import Host, hosts_of, namesakes
from growbench.comparison.output import Document
from growbench.comparison.run import Run
from growbench.comparison.sharing import TIMED, cell_words, read_by_older
from growbench.comparison.verdict import NOT_COMPARABLE
from growbench.data.columns import CELL, MEASURE
from growbench.data.metrics import HEADLINES, Metric, metric
from growbench.data.rounds import rounds_of_all
from growbench.data.text import printable
from growbench.tables.table import Column, Table

_EXAMPLES = 3
_HOW_TO_READ = (
    "A ratio is of two cells of one machine, paired by round; it is on a side of 1 where its 95% "
    "interval excludes 1, on a machine with several runs in each of them. Not resolved is not the "
    "same."
)


class Options(NamedTuple):
    """What to ask of the machines.

    metrics: names in METRICS. rows: the number of rows that the tables of ratios are of, or None
    for the shared one that is nearest to the article's; 0 for all. longest: rows of the tables that
    list what differs; the most telling ones are kept.
    """

    reference_strategy: str = "preallocate_zeroed"
    reference_allocator: str = "glibc"
    metrics: tuple[str, ...] = HEADLINES
    rows: Optional[int] = None
    longest: int = 20


class NothingShared(Exception):
    """The runs cannot be compared. The message says why, and what to do."""


class _Compared(NamedTuple):
    """sentences: what holds and what does not. notes: how to read that, and what was left out."""

    sentences: list[str]
    notes: list[str]
    headline: Table
    tables: list[Table]


def compare_machines(runs: Sequence[Run], options: Options = Options()) -> list[Table]:
    """Tables of what holds on all machines and what does not: the headline first, which has it in
    words among its notes.

    In this order: headline; machines; for each metric the claims by strategy and allocator, the
    contradictions, the ratios against the reference strategy and the reference allocator, the
    exponents, the crossings with the references; then peak memory over payload, if its column was
    read. Only cells that all runs have measured are compared, and notes tell which are not.
    Raises NothingShared where the runs are of fewer than two machines or share no cell.
    """
    found = _compare(hosts_of(runs), options)
    notes = [*found.sentences, *found.notes]
    return [found.headline._replace(notes=notes), *found.tables]


def document(runs: Sequence[Run], options: Options = Options()) -> Document:
    """The comparison of the machines and of their descriptions, for any format.

    Its status is 0, or 3 where nothing can be compared: that machines differ is no regression.
    """
    machines = hosts_of(runs)
    named = ", ".join(printable(machine.machine_id) for machine in machines)
    title = f"{len(machines)} machines: {named}"
    differences = machine_differences(runs)
    try:
        found = _compare(machines, options)
    except NothingShared as error:
        return Document(title, [f"Not comparable: {error}."], [differences], NOT_COMPARABLE)
    headline = found.headline._replace(notes=found.notes)
    described, *tables = found.tables
    return Document(title, found.sentences, [headline, described, differences, *tables], 0)


def _compare(machines: Sequence[Host], options: Options) -> _Compared:
    runs = [run for machine in machines for run in machine.runs]
    if len(machines) < 2:
        names = ", ".join(machine.machine_id for machine in machines)
        raise NothingShared(
            f"the runs are of {len(machines)} machine ({names}), and this compares different ones; "
            "give runs of two machines and more"
        )
    common = shared(machines)
    if common.cells.empty:
        others = {TIMED[of] for run in runs for of in TIMED if (run.runs["pass"] == of).any()}
        why = (
            f" (of {' and '.join(sorted(others))} only runs of one machine are compared)"
            if others and TIMED[MEASURE] not in others
            else ""
        )
        raise NothingShared(
            f"there is no cell that all runs have measured{why}; give runs whose strategies, "
            "allocators, rows and row sizes overlap"
        )
    counts, sentences, tables = [], namesakes(machines), []
    for name in options.metrics:
        found = _of_metric(common, metric(name), options)
        counts += found.counts
        sentences += found.sentences
        tables += found.tables
    notes = [_HOW_TO_READ, *_not_shared(common)]
    if set(metric(peaks.PEAK).columns) <= set(runs[0].runs.columns):
        memory, said = peaks.memory(common)
        tables.append(memory)
        sentences += said
    else:
        notes.append("Peak memory was not read, so it is not compared.")
    return _Compared(
        [printable(text) for text in sentences],
        [printable(text) for text in notes],
        _headline(common, counts),
        [_machines(common), *tables],
    )


class _Found(NamedTuple):
    counts: list[dict]
    sentences: list[str]
    tables: list[Table]


def _of_metric(common: Shared, metric: Metric, options: Options) -> _Found:
    machines = common.machines
    claims, counts = [], []
    for of, reference in (
        (STRATEGY, options.reference_strategy),
        (ALLOCATOR, options.reference_allocator),
    ):
        tables = of_each_run(machines, lambda run: ratios(run.runs, metric, of, reference))
        estimates = across(tables, CELL, "ratio")
        side = sides(estimates)
        claims.append(Claims(of, reference, estimates, side, verdicts(side)))
        counts.append(_counts(claims[-1], metric, _round_counts(tables)))
    of_runs = of_each_run(machines, lambda run: exponents(run.runs, run.machine, metric))
    powers = across(of_runs, CURVE, "exponent")
    return _Found(
        counts,
        claim_tables.sentences(claims, powers, metric, len(machines)),
        [
            claim_tables.by_subject(claims, metric),
            claim_tables.contradictions(machines, claims, metric, options.longest),
            *(claim_tables.ratio_table(machines, claim, metric, options.rows) for claim in claims),
            claim_tables.exponent_table(machines, powers, metric),
            *(claim_tables.crossing_table(machines, metric, claim) for claim in claims),
        ],
    )


def _round_counts(tables: Sequence[Sequence[pd.DataFrame]]) -> list[int]:
    """Of each machine the rounds that most of its ratios rest on."""
    return [
        min((int(t["round_count"].median()) if len(t) else 0) for t in of_machine)
        for of_machine in tables
    ]


def _counts(claim: Claims, metric: Metric, round_counts: Sequence[int]) -> dict:
    count = {
        name: int((claim.verdict == name).sum())
        for name in (LESS, MORE, CONTRADICTION, PARTLY, UNRESOLVED)
    }
    total = len(claim.verdict)
    return {
        "metric": metric.name,
        "metric_label": metric.label,
        "question": question_of(claim),
        "ratio_count": total,
        "holds_count": count[LESS] + count[MORE],
        **{f"{name}_count": value for name, value in count.items()},
        "by_chance_count": contradictions_by_chance(round_counts, total),
    }


def _headline(common: Shared, counts: list[dict]) -> Table:
    count = len(common.machines)
    columns = (
        Column("metric_label", "Metric"),
        Column("question", "Ratios of"),
        Column("ratio_count", "Ratios", "count"),
        Column("holds_count", f"Same side on {count} of {count}", "count"),
        Column("contradiction_count", "Contradict", "count"),
        Column("partly_count", "Unresolved on some", "count"),
        Column("unresolved_count", "On all", "count"),
        Column("by_chance_count", "Contradict by chance, at most", "exponent"),
    )
    frame = pd.DataFrame(counts)
    return Table("headline", f"What holds on all {count} machines", columns, frame)


def _not_shared(common: Shared) -> list[str]:
    notes = []
    for label, cells in common.lacking.items():
        if len(cells):
            examples = "; ".join(map(cell_words, cells.head(_EXAMPLES).to_dict("records")))
            notes.append(
                f"Not compared, because {label} has no figures of it: {len(cells):,} "
                f"cell{'s' if len(cells) > 1 else ''}, such as {examples}."
            )
    versions = {
        run.label: int(run.runs["schema_version"].iloc[0])
        for machine in common.machines
        for run in machine.runs
    }
    if len(set(versions.values())) > 1:
        listed = ", ".join(f"{label} {version}" for label, version in versions.items())
        tables = [run.runs for machine in common.machines for run in machine.runs]
        notes.append(
            f"The runs are of different schema versions: {listed}{read_by_older(*tables)}."
        )
    return notes


def _machines(common: Shared) -> Table:
    frame = pd.DataFrame(
        [
            {
                "label": machine.label,
                "machine_id": machine.machine_id,
                "host": machine.seen.text(),
                "run_count": len(machine.runs),
                "runs": ", ".join(run.label for run in machine.runs),
                "round_count": min(rounds_of_all(run.runs)[1] for run in machine.runs),
                "cell_count": len(common.cells),
            }
            for machine in common.machines
        ]
    )
    columns = (
        Column("label", "Machine"),
        Column("machine_id", "Id"),
        Column("runs", "Runs"),
        Column("round_count", "Rounds", "count"),
        Column("cell_count", "Shared cells", "count"),
    )
    notes = []
    few = [row["label"] for row in frame.to_dict("records") if row["round_count"] < 6]
    if few:
        notes.append(
            f"{', '.join(few)}: fewer than 6 rounds give no interval, so nothing is resolved there."
        )
    return Table("machines", "The machines", columns, frame, notes)
