"""Runs of different machines beside each other: which claims hold on how many of them?

The numbers are made in claims.py; here they become tables and words.
"""

from typing import Callable, NamedTuple, Optional, Sequence

import numpy as np
import pandas as pd

from growbench.data import article
from growbench.data.columns import CELL
from growbench.comparison.claims import (
    CONTRADICTION,
    Estimates,
    LESS,
    MORE,
    Machine,
    PARTLY,
    Shared,
    UNRESOLVED,
    across,
    contradictions_by_chance,
    machines_of,
    overlap,
    ratios,
    shared,
    sides,
    verdicts,
)
from growbench.comparison.differences import machine_differences
from growbench.comparison.output import Document
from growbench.comparison.run import Run
from growbench.comparison.verdict import NOT_COMPARABLE
from growbench.data.implementations import strategy_name, told_apart
from growbench.data.metrics import HEADLINES, Metric, metric
from growbench.analysis.shapes import ALLOCATOR, CURVE, STRATEGY, crossings, exponents, measured
from growbench.statistics.order import grouped_order
from growbench.data.text import printable
from growbench.tables.table import Column, Table, factor
from growbench.data.units import show

PEAK = "peak_memory"
# Keys that tell nothing where they are the same in every row; the others are always shown.
_ALWAYS = (STRATEGY, ALLOCATOR)
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
    found = _compare(runs, options)
    notes = [*found.sentences, *found.notes]
    return [found.headline._replace(notes=notes), *found.tables]


def document(runs: Sequence[Run], options: Options = Options()) -> Document:
    """The comparison of the machines and of their descriptions, for any format.

    Its status is 0, or 3 where nothing can be compared: that machines differ is no regression.
    """
    ids = [printable(name) for name in dict.fromkeys(run.machine_id for run in runs)]
    title = f"{len(ids)} machines: {', '.join(ids)}"
    differences = machine_differences(runs)
    try:
        found = _compare(runs, options)
    except NothingShared as error:
        return Document(title, [f"Not comparable: {error}."], [differences], NOT_COMPARABLE)
    headline = found.headline._replace(notes=found.notes)
    machines, *tables = found.tables
    return Document(title, found.sentences, [headline, machines, differences, *tables], 0)


def _compare(runs: Sequence[Run], options: Options) -> _Compared:
    machines = machines_of(runs)
    if len(machines) < 2:
        names = ", ".join(machine.machine_id for machine in machines)
        raise NothingShared(
            f"the runs are of {len(machines)} machine ({names}), and this compares different ones; "
            "give runs of two machines and more"
        )
    common = shared(machines)
    if common.cells.empty:
        raise NothingShared(
            "there is no cell that all runs have measured; give runs whose strategies, allocators, "
            "rows and row sizes overlap"
        )
    counts, sentences, tables = [], [], []
    for name in options.metrics:
        found = _of_metric(common, metric(name), options)
        counts += found.counts
        sentences += found.sentences
        tables += found.tables
    notes = [_HOW_TO_READ, *_not_shared(common)]
    if set(metric(PEAK).columns) <= set(runs[0].runs.columns):
        memory, said = _memory(common)
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


class _Side(NamedTuple):
    """The claims of one kind: strategies against the reference strategy, or allocators."""

    of: str
    reference: str
    estimates: Estimates
    side: np.ndarray
    verdict: np.ndarray


def _of_metric(common: Shared, metric: Metric, options: Options) -> _Found:
    found = _Found([], [], [])
    claims = []
    for of, reference in (
        (STRATEGY, options.reference_strategy),
        (ALLOCATOR, options.reference_allocator),
    ):
        tables = _each(common.machines, lambda run: ratios(run.runs, metric, of, reference))
        estimates = across(tables, CELL, "ratio")
        side = sides(estimates)
        claims.append(_Side(of, reference, estimates, side, verdicts(side)))
        found.counts.append(_counts(claims[-1], metric, _round_counts(tables)))
    powers = across(
        _each(common.machines, lambda run: exponents(run.runs, run.machine, metric)),
        CURVE,
        "exponent",
    )
    crossed = [_crossings(common.machines, metric, claim) for claim in claims]
    found.sentences.extend(_sentences(claims, powers, metric, len(common.machines)))
    found.tables.extend(
        [
            _by_subject(claims, metric),
            _contradictions(common.machines, claims, metric, options),
            *(_ratio_table(common.machines, claim, metric, options) for claim in claims),
            _exponent_table(common.machines, powers, metric),
            *crossed,
        ]
    )
    return found


def _each(
    machines: Sequence[Machine], table: Callable[[Run], pd.DataFrame]
) -> list[list[pd.DataFrame]]:
    return [[table(run) for run in machine.runs] for machine in machines]


def _round_counts(tables: Sequence[Sequence[pd.DataFrame]]) -> list[int]:
    """Of each machine the rounds that most of its ratios rest on."""
    return [
        min((int(t["round_count"].median()) if len(t) else 0) for t in of_machine)
        for of_machine in tables
    ]


def _words(metric: Metric) -> tuple[str, str]:
    """Of a ratio below 1 and of one above."""
    return ("faster", "slower") if metric.unit == "ns" else ("less", "more")


def _question(claim: _Side) -> str:
    kind = "strategies" if claim.of == STRATEGY else "allocators"
    return f"{kind} against {claim.reference}"


def _counts(claim: _Side, metric: Metric, round_counts: Sequence[int]) -> dict:
    count = {
        name: int((claim.verdict == name).sum())
        for name in (LESS, MORE, CONTRADICTION, PARTLY, UNRESOLVED)
    }
    total = len(claim.verdict)
    return {
        "metric": metric.name,
        "metric_label": metric.label,
        "question": _question(claim),
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
        notes.append(f"The runs are of different schema versions: {listed}.")
    return notes


def cell_words(cell: dict) -> str:
    """A cell in words: "c realloc_doubling on glibc, 10,000 rows of 80 bytes"."""
    threads = cell.get("threads", 1)
    more = f", {threads} threads" if threads != 1 else ""
    more += f", {cell['work']} rows" if cell.get("work", "cheap") != "cheap" else ""
    return (
        f"{cell['implementation']} {cell['strategy']} on {cell['allocator']}, "
        f"{cell['rows']:,} rows of {cell['row_bytes']} bytes{more}"
    )


def _machines(common: Shared) -> Table:
    frame = pd.DataFrame(
        [
            {
                "label": machine.label,
                "machine_id": machine.machine_id,
                "run_count": len(machine.runs),
                "runs": ", ".join(run.label for run in machine.runs),
                "round_count": min(int(run.runs["round"].max()) for run in machine.runs),
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


def _unresolved(side: np.ndarray, machines: Sequence[Machine]) -> list[str]:
    """For each claim the machines that are not resolved."""
    labels = [machine.label for machine in machines]
    return [
        ", ".join(label for label, value in zip(labels, column) if value == 0) for column in side.T
    ]


def _holds(side: np.ndarray) -> list[str]:
    """For each claim "k of K": on how many machines the more frequent side holds."""
    best = np.maximum((side < 0).sum(axis=0), (side > 0).sum(axis=0))
    return [f"{count} of {len(side)}" for count in best]


_TONES = {CONTRADICTION: "bad", PARTLY: "unsure", UNRESOLVED: "unsure"}


def _verdict_words(claim: _Side, metric: Metric) -> list[str]:
    less, more = _words(metric)
    words = {
        LESS: less,
        MORE: more,
        CONTRADICTION: "contradiction",
        UNRESOLVED: "unresolved",
    }
    on_some = np.where((claim.side < 0).any(axis=0), less, more)
    return [words.get(v, w) for v, w in zip(claim.verdict, on_some)]


def _claim_frame(machines: Sequence[Machine], claim: _Side, metric: Metric) -> pd.DataFrame:
    """All claims of one kind, with each machine's ratio and interval."""
    frame = claim.estimates.keys.assign(reference=claim.reference, metric=metric.name)
    frame["verdict"] = _verdict_words(claim, metric)
    frame["holds_on"] = _holds(claim.side)
    frame["unresolved_on"] = _unresolved(claim.side, machines)
    frame["sizes_overlap"] = _yes_no(overlap(claim.estimates.low, claim.estimates.high))
    frame["tone"] = [_TONES.get(name, "") for name in claim.verdict]
    return pd.concat([frame, _estimate_frame(machines, claim.estimates, "ratio")], axis=1)


def _yes_no(values: np.ndarray) -> list[Optional[str]]:
    return [None if np.isnan(value) else "yes" if value else "no" for value in values]


def _estimate_frame(machines: Sequence[Machine], estimates: Estimates, name: str) -> pd.DataFrame:
    columns = {}
    for i, machine in enumerate(machines):
        columns[f"{machine.label}_{name}"] = estimates.value[i]
        columns[f"{machine.label}_ci_low"] = estimates.low[i]
        columns[f"{machine.label}_ci_high"] = estimates.high[i]
    return pd.DataFrame(columns)


def _estimate_columns(machines: Sequence[Machine], name: str, kind: str) -> list[Column]:
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


_KEY_LABELS = {
    "implementation": ("Written in", "text"),
    "strategy": ("Strategy", "text"),
    "allocator": ("Allocator", "text"),
    "rows": ("Rows", "count"),
    "row_bytes": ("Row bytes", "count"),
    "threads": ("Threads", "count"),
    "work": ("Work", "text"),
}


def key_columns(frame: pd.DataFrame, always: Sequence[str] = _ALWAYS) -> list[Column]:
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


def _subjects(claim: _Side) -> pd.Series:
    """For each claim whom it is about; strategies of several implementations by both names."""
    keys = claim.estimates.keys
    return told_apart(keys) if claim.of == STRATEGY else keys[claim.of]


def _by_subject(claims: Sequence[_Side], metric: Metric) -> Table:
    """How often each strategy, and each allocator, is on which side."""
    less, more = _words(metric)
    rows = []
    for claim in claims:
        subject = _subjects(claim)
        for name in dict.fromkeys(subject):
            chosen = (subject == name).to_numpy()
            verdict, value = claim.verdict[chosen], claim.estimates.value[:, chosen]
            rows.append(
                {
                    "kind": claim.of,
                    "name": name,
                    "reference": claim.reference,
                    "ratio_count": int(chosen.sum()),
                    "less_count": int((verdict == LESS).sum()),
                    "more_count": int((verdict == MORE).sum()),
                    "contradiction_count": int((verdict == CONTRADICTION).sum()),
                    "open_count": int(np.isin(verdict, (PARTLY, UNRESOLVED)).sum()),
                    "smallest_ratio": float(value.min()),
                    "largest_ratio": float(value.max()),
                    "tone": "bad" if (verdict == CONTRADICTION).any() else "",
                }
            )
    columns = (
        Column("name", "Strategy or allocator"),
        Column("reference", "Against"),
        Column("ratio_count", "Ratios", "count"),
        Column("less_count", f"{less.capitalize()} on all", "count"),
        Column("more_count", f"{more.capitalize()} on all", "count"),
        Column("contradiction_count", "Contradict", "count"),
        Column("open_count", "Unresolved somewhere", "count"),
        Column("smallest_ratio", "Ratios", "interval:factor", "largest_ratio"),
    )
    names = [*_BY_SUBJECT]
    frame = pd.DataFrame(rows, columns=names)
    missing = [
        f"No ratios of {_question(claim)}: not all runs have measured it beside others."
        for claim in claims
        if claim.estimates.keys.empty
    ]
    title = f"{metric.label}: claims by strategy and by allocator"
    return Table(f"claims_{metric.name}", title, columns, frame, missing, "tone")


_BY_SUBJECT = (
    "kind",
    "name",
    "reference",
    "ratio_count",
    "less_count",
    "more_count",
    "contradiction_count",
    "open_count",
    "smallest_ratio",
    "largest_ratio",
    "tone",
)


def _strength(claim: _Side) -> np.ndarray:
    """By how much the machines contradict: the smaller of the largest ratios on either side."""
    log = np.log(claim.estimates.value)
    below = np.where(claim.side < 0, -log, 0.0).max(axis=0)
    above = np.where(claim.side > 0, log, 0.0).max(axis=0)
    return np.exp(np.minimum(below, above))


def _contradictions(
    machines: Sequence[Machine], claims: Sequence[_Side], metric: Metric, options: Options
) -> Table:
    frames = []
    for claim in claims:
        chosen = claim.verdict == CONTRADICTION
        frame = _claim_frame(machines, claim, metric)[chosen]
        frames.append(frame.assign(strength=_strength(claim)[chosen]))
    frame = pd.concat(frames, ignore_index=True)
    frame = frame.sort_values("strength", ascending=False, kind="stable", ignore_index=True)
    notes = _cut(len(frame), options.longest, "strongest")
    frame = frame.head(options.longest)
    columns = [
        *key_columns(frame, (*_ALWAYS, "rows")),
        Column("reference", "Against"),
        Column("strength", "Both ways by", "factor"),
        *_estimate_columns(machines, "ratio", "factor"),
    ]
    title = f"{metric.label}: where machines contradict each other"
    return Table(f"contradictions_{metric.name}", title, columns, frame, notes, "tone")


def _cut(count: int, longest: int, which: str) -> list[str]:
    return [f"{count - longest:,} more; these are the {which}."] if count > longest else []


def _ratio_table(
    machines: Sequence[Machine], claim: _Side, metric: Metric, options: Options
) -> Table:
    frame = _claim_frame(machines, claim, metric)
    at, words = _rows_of(frame, options.rows)
    frame = frame[frame["rows"].isin(at)].reset_index(drop=True)
    columns = [
        *key_columns(frame),
        *_estimate_columns(machines, "ratio", "factor"),
        Column("verdict", "It is"),
        Column("holds_on", "Holds on"),
        Column("unresolved_on", "Unresolved on"),
        Column("sizes_overlap", "Intervals overlap"),
    ]
    title = f"{metric.label} over that of {claim.reference}{words}"
    name = f"{claim.of}_ratios_{metric.name}"
    return Table(name, title, columns, _blank_text(frame), (), "tone")


def _blank_text(frame: pd.DataFrame) -> pd.DataFrame:
    """Nothing to name is shown as a dash."""
    return frame.assign(unresolved_on=[text or None for text in frame["unresolved_on"]])


def _rows_of(frame: pd.DataFrame, rows: Optional[int]) -> tuple[list[int], str]:
    """The numbers of rows to show, and in words."""
    there = sorted(set(frame["rows"]))
    if rows == 0 or not there:
        return there, ""
    wanted = rows or article.ROWS
    nearest = min(there, key=lambda size: abs(np.log(max(size, 1) / wanted)))
    words = f", {nearest:,} rows"
    return [nearest], words if nearest == wanted else f"{words} (nearest there is to {wanted:,})"


def _exponent_table(machines: Sequence[Machine], powers: Estimates, metric: Metric) -> Table:
    agree = overlap(powers.low, powers.high)
    frame = powers.keys.assign(metric=metric.name, agree=_yes_no(agree))
    frame["tone"] = np.where(agree == 0.0, "bad", np.where(np.isnan(agree), "unsure", ""))
    frame = pd.concat([frame, _estimate_frame(machines, powers, "exponent")], axis=1)
    columns = [
        *key_columns(frame),
        *_estimate_columns(machines, "exponent", "exponent"),
        Column("agree", "Intervals overlap"),
    ]
    notes = [
        "Time grows as rows to that power, over the largest shared sizes that no cache and no "
        "threshold of the machine separates where there are three, over the three largest "
        "otherwise."
    ]
    title = f"{metric.label}: growth exponents"
    return Table(f"exponents_{metric.name}", title, columns, frame, notes, "tone")


def _crossings(machines: Sequence[Machine], metric: Metric, claim: _Side) -> Table:
    """Crossings with the reference, the n-th of a pair that goes the same way beside each other."""

    def of_run(run: Run) -> pd.DataFrame:
        table = crossings(run.runs, metric, claim.of, claim.reference)
        rest = [key for key in CURVE if key in table]
        table["subject"] = table["a"]
        if claim.of == STRATEGY:
            keys_of_a = zip(table["implementation_a"], table["a"])
            table["subject"] = [strategy_name(*key) for key in keys_of_a]
        table["less_below"] = table["faster_below"] == table["subject"]
        keys = [*rest, "subject", "less_below"]
        if claim.of == STRATEGY:
            keys.append("implementation_a")
        table["number"] = table.groupby(keys).cumcount()
        return table[[*keys, "number", "rows", "ci_low", "ci_high"]]

    tables = _each(machines, of_run)
    keys = [name for name in tables[0][0] if name not in ("rows", "ci_low", "ci_high")]
    found = across(tables, keys, "rows", everywhere=False)
    there = ~np.isnan(found.value)
    frame = found.keys.assign(metric=metric.name, reference=claim.reference)
    frame["less_up_to"] = [
        row["subject"] if row["less_below"] else claim.reference for row in frame.to_dict("records")
    ]
    frame["less_from"] = [
        claim.reference if row["less_below"] else row["subject"] for row in frame.to_dict("records")
    ]
    frame["holds_on"] = [f"{count} of {len(machines)}" for count in there.sum(axis=0)]
    frame["agree"] = _yes_no(np.where(there.all(axis=0), overlap(found.low, found.high), np.nan))
    frame = pd.concat([frame, _estimate_frame(machines, found, "rows")], axis=1)
    frame["tone"] = np.where(there.all(axis=0), np.where(frame["agree"] == "no", "bad", ""), "")
    order = np.argsort(-there.sum(axis=0), kind="stable")
    # A crossing on one machine alone, of a pair that others do not resolve, says little.
    frame = frame.iloc[order[there.any(axis=0)[order]]].reset_index(drop=True)
    less, _ = _words(metric)
    columns = [
        *key_columns(frame, (ALLOCATOR,) if claim.of == STRATEGY else (STRATEGY,)),
        Column("less_up_to", f"{less.capitalize()} below"),
        Column("less_from", f"{less.capitalize()} above"),
        *_estimate_columns(machines, "rows", "count"),
        Column("holds_on", "Crosses on"),
        Column("agree", "Intervals overlap"),
    ]
    notes = ["In numbers of rows. A machine without figures shows no crossing; it may have one."]
    title = f"{metric.label}: from which number of rows on {_question(claim)} change sides"
    return Table(f"{claim.of}_crossings_{metric.name}", title, columns, frame, notes, "tone")


def _sentences(claims: Sequence[_Side], powers: Estimates, metric: Metric, count: int) -> list[str]:
    """What of a metric holds everywhere, and what contradicts, in words."""
    less, more = _words(metric)
    said = []
    for claim in claims:
        subject = _subjects(claim)
        everywhere: dict[str, list[str]] = {LESS: [], MORE: []}
        for name in dict.fromkeys(subject):
            chosen = (subject == name).to_numpy()
            for verdict, names in everywhere.items():
                if (claim.verdict[chosen] == verdict).all():
                    value = claim.estimates.value[:, chosen]
                    names.append(f"{name} ({factor(value.min())} to {factor(value.max())})")
        for verdict, word in ((LESS, less), (MORE, more)):
            if everywhere[verdict]:
                said.append(
                    f"{metric.label}: in every shared cell, on {count} of {count} machines, "
                    f"{word} than {claim.reference}: {', '.join(everywhere[verdict])}."
                )
        against = np.flatnonzero(claim.verdict == CONTRADICTION)
        if len(against):
            worst = against[np.argmax(_strength(claim)[against])]
            cell = cell_words(claim.estimates.keys.iloc[worst].to_dict())
            values = ", ".join(
                f"M{i + 1} {factor(value)}"
                for i, value in enumerate(claim.estimates.value[:, worst])
            )
            said.append(
                f"{metric.label}: {len(against):,} of {len(claim.verdict):,} ratios of "
                f"{_question(claim)} contradict; the strongest is {cell}: {values}."
            )
    agree = overlap(powers.low, powers.high)
    known = int((~np.isnan(agree)).sum())
    if known:
        said.append(
            f"{metric.label}: the growth exponents' intervals overlap on all machines for "
            f"{int((agree == 1.0).sum()):,} of {known:,} curves."
        )
    return said


# Peak memory.


def _peaks(run: Run) -> pd.DataFrame:
    """Peak memory over payload of each cell, with the resolution of the reading as interval.

    Formula: the median over workers of peak / payload; ci_low and ci_high are the interval's ends,
    moved apart by peak_resolution_bytes / payload, since the reading may be off by so much.
    """
    table = measured(run.runs, metric(PEAK))
    grouped = table.groupby(list(CELL), sort=True)
    result = grouped["payload_bytes"].first().reset_index()
    payload = result["payload_bytes"].to_numpy(dtype=float)
    order = grouped_order(table["value"], grouped.ngroup().to_numpy(dtype=int), len(result))
    off = float(run.runs["peak_resolution_bytes"].max())
    return result.assign(
        ratio=order.median / payload,
        ci_low=(order.low - off) / payload,
        ci_high=(order.high + off) / payload,
    )


def _memory(common: Shared) -> tuple[Table, list[str]]:
    """Peak over payload at the largest size of each curve that all have a figure of."""
    found = across(_each(common.machines, _peaks), CELL, "ratio")
    keys = found.keys
    largest = keys["rows"].eq(keys.groupby(list(CURVE))["rows"].transform("max")).to_numpy()
    found = Estimates(
        keys[largest].reset_index(drop=True), *(part[:, largest] for part in found[1:])
    )
    agree = overlap(found.low, found.high)
    spread = found.value.max(axis=0) / found.value.min(axis=0) if len(found.keys) else np.zeros(0)
    frame = found.keys.assign(metric=PEAK, agree=_yes_no(agree), spread=spread)
    frame["tone"] = np.where(agree == 0.0, "bad", np.where(np.isnan(agree), "unsure", ""))
    frame = pd.concat([frame, _estimate_frame(common.machines, found, "ratio")], axis=1)
    columns = [
        *key_columns(frame, (*_ALWAYS, "rows")),
        *(Column(f"{m.label}_ratio", m.label, "factor") for m in common.machines),
        Column("spread", "Largest over smallest", "factor"),
        Column("agree", "Alike"),
    ]
    notes = [
        "At the largest size of each curve that all machines have a figure of. Alike: the "
        "intervals overlap, each widened by the resolution of the reading."
    ]
    table = Table(
        "peak_memory", "Peak memory over payload, per machine", columns, frame, notes, "tone"
    )
    known = int((~np.isnan(agree)).sum())
    said = []
    if known:
        said.append(
            f"Peak memory over payload is alike on all machines for {int((agree == 1.0).sum()):,} "
            f"of {known:,} curves."
        )
        differ = np.flatnonzero(agree == 0.0)
        if len(differ):
            worst = differ[np.argmax(spread[differ])]
            cell = cell_words(found.keys.iloc[worst].to_dict())
            values = ", ".join(
                f"M{i + 1} {show(value, 'ratio')}" for i, value in enumerate(found.value[:, worst])
            )
            said[0] = said[0][:-1] + f"; it differs most for {cell}: {values}."
    return table, said
