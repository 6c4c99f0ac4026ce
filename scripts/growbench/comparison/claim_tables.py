"""What a metric's claims hold on, by tables and in words."""

from typing import Callable, NamedTuple, Optional, Sequence

import numpy as np
import pandas as pd

from growbench.analysis.shapes import ALLOCATOR, CURVE, STRATEGY, crossings
from growbench.comparison.claims import (
    CONTRADICTION,
    Estimates,
    LESS,
    MORE,
    PARTLY,
    UNRESOLVED,
    across,
    overlap,
)
from growbench.comparison.estimate_tables import (
    ALWAYS,
    agreement_frame,
    estimate_columns,
    estimate_frame,
    key_columns,
    yes_no,
)
from growbench.comparison.hosts import Host
from growbench.comparison.run import Run
from growbench.comparison.sharing import cell_words
from growbench.data import article
from growbench.data.implementations import strategy_name, told_apart
from growbench.data.metrics import Metric
from growbench.tables.table import Column, Table, factor

_TONES = {CONTRADICTION: "bad", PARTLY: "unsure", UNRESOLVED: "unsure"}


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


class Claims(NamedTuple):
    """The claims of one kind: strategies against the reference strategy, or allocators."""

    of: str
    reference: str
    estimates: Estimates
    side: np.ndarray
    verdict: np.ndarray


def of_each_run(
    machines: Sequence[Host], table: Callable[[Run], pd.DataFrame]
) -> list[list[pd.DataFrame]]:
    return [[table(run) for run in machine.runs] for machine in machines]


def words_of(metric: Metric) -> tuple[str, str]:
    """Of a ratio below 1 and of one above."""
    return ("faster", "slower") if metric.unit == "ns" else ("less", "more")


def question_of(claim: Claims) -> str:
    kind = "strategies" if claim.of == STRATEGY else "allocators"
    return f"{kind} against {claim.reference}"


def _unresolved(side: np.ndarray, machines: Sequence[Host]) -> list[str]:
    """For each claim the machines that are not resolved."""
    labels = [machine.label for machine in machines]
    return [
        ", ".join(label for label, value in zip(labels, column) if value == 0) for column in side.T
    ]


def _holds(side: np.ndarray) -> list[str]:
    """For each claim "k of K": on how many machines the more frequent side holds."""
    best = np.maximum((side < 0).sum(axis=0), (side > 0).sum(axis=0))
    return [f"{count} of {len(side)}" for count in best]


def _verdict_words(claim: Claims, metric: Metric) -> list[str]:
    less, more = words_of(metric)
    words = {
        LESS: less,
        MORE: more,
        CONTRADICTION: "contradiction",
        UNRESOLVED: "unresolved",
    }
    on_some = np.where((claim.side < 0).any(axis=0), less, more)
    return [words.get(v, w) for v, w in zip(claim.verdict, on_some)]


def _claim_frame(machines: Sequence[Host], claim: Claims, metric: Metric) -> pd.DataFrame:
    """All claims of one kind, with each machine's ratio and interval."""
    frame = claim.estimates.keys.assign(reference=claim.reference, metric=metric.name)
    frame["verdict"] = _verdict_words(claim, metric)
    frame["holds_on"] = _holds(claim.side)
    frame["unresolved_on"] = _unresolved(claim.side, machines)
    frame["sizes_overlap"] = yes_no(overlap(claim.estimates.low, claim.estimates.high))
    frame["tone"] = [_TONES.get(name, "") for name in claim.verdict]
    return pd.concat([frame, estimate_frame(machines, claim.estimates, "ratio")], axis=1)


def _subjects(claim: Claims) -> pd.Series:
    """For each claim whom it is about; strategies of several implementations by both names."""
    keys = claim.estimates.keys
    return told_apart(keys) if claim.of == STRATEGY else keys[claim.of]


def by_subject(claims: Sequence[Claims], metric: Metric) -> Table:
    """How often each strategy, and each allocator, is on which side."""
    less, more = words_of(metric)
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
    frame = pd.DataFrame(rows, columns=[*_BY_SUBJECT])
    missing = [
        f"No ratios of {question_of(claim)}: not all runs have measured it beside others."
        for claim in claims
        if claim.estimates.keys.empty
    ]
    title = f"{metric.label}: claims by strategy and by allocator"
    return Table(f"claims_{metric.name}", title, columns, frame, missing, "tone")


def _strength(claim: Claims) -> np.ndarray:
    """By how much the machines contradict: the smaller of the largest ratios on either side."""
    log = np.log(claim.estimates.value)
    below = np.where(claim.side < 0, -log, 0.0).max(axis=0)
    above = np.where(claim.side > 0, log, 0.0).max(axis=0)
    return np.exp(np.minimum(below, above))


def contradictions(
    machines: Sequence[Host], claims: Sequence[Claims], metric: Metric, longest: int
) -> Table:
    """The strongest ones, at most so many."""
    frames = []
    for claim in claims:
        chosen = claim.verdict == CONTRADICTION
        frame = _claim_frame(machines, claim, metric)[chosen]
        frames.append(frame.assign(strength=_strength(claim)[chosen]))
    frame = pd.concat(frames, ignore_index=True)
    frame = frame.sort_values("strength", ascending=False, kind="stable", ignore_index=True)
    more = len(frame) - longest
    notes = [f"{more:,} more; these are the strongest."] if more > 0 else []
    frame = frame.head(longest)
    columns = [
        *key_columns(frame, (*ALWAYS, "rows")),
        Column("reference", "Against"),
        Column("strength", "Both ways by", "factor"),
        *estimate_columns(machines, "ratio", "factor"),
    ]
    title = f"{metric.label}: where machines contradict each other"
    return Table(f"contradictions_{metric.name}", title, columns, frame, notes, "tone")


def ratio_table(
    machines: Sequence[Host], claim: Claims, metric: Metric, rows: Optional[int]
) -> Table:
    """Each ratio on each machine. rows: only of so many, or the nearest there is; see Options."""
    frame = _claim_frame(machines, claim, metric)
    at, words = _rows_of(frame, rows)
    frame = frame[frame["rows"].isin(at)].reset_index(drop=True)
    # Nothing to name is shown as a dash.
    frame = frame.assign(unresolved_on=[text or None for text in frame["unresolved_on"]])
    columns = [
        *key_columns(frame),
        *estimate_columns(machines, "ratio", "factor"),
        Column("verdict", "It is"),
        Column("holds_on", "Holds on"),
        Column("unresolved_on", "Unresolved on"),
        Column("sizes_overlap", "Intervals overlap"),
    ]
    title = f"{metric.label} over that of {claim.reference}{words}"
    name = f"{claim.of}_ratios_{metric.name}"
    return Table(name, title, columns, frame, (), "tone")


def _rows_of(frame: pd.DataFrame, rows: Optional[int]) -> tuple[list[int], str]:
    """The numbers of rows to show, and in words."""
    there = sorted(set(frame["rows"]))
    if rows == 0 or not there:
        return there, ""
    wanted = rows or article.ROWS
    nearest = min(there, key=lambda size: abs(np.log(max(size, 1) / wanted)))
    words = f", {nearest:,} rows"
    return [nearest], words if nearest == wanted else f"{words} (nearest there is to {wanted:,})"


def exponent_table(machines: Sequence[Host], powers: Estimates, metric: Metric) -> Table:
    """The exponent of each curve on each machine."""
    frame = agreement_frame(machines, powers, "exponent", metric.name)
    columns = [
        *key_columns(frame),
        *estimate_columns(machines, "exponent", "exponent"),
        Column("agree", "Intervals overlap"),
    ]
    notes = [
        "Time grows as rows to that power, over the largest shared sizes that no cache and no "
        "threshold of the machine separates where there are three, over the three largest "
        "otherwise."
    ]
    title = f"{metric.label}: growth exponents"
    return Table(f"exponents_{metric.name}", title, columns, frame, notes, "tone")


def crossing_table(machines: Sequence[Host], metric: Metric, claim: Claims) -> Table:
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

    tables = of_each_run(machines, of_run)
    keys = [name for name in tables[0][0] if name not in ("rows", "ci_low", "ci_high")]
    found = across(tables, keys, "rows", everywhere=False)
    there = ~np.isnan(found.value)
    frame = found.keys.assign(metric=metric.name, reference=claim.reference)
    below, subject = frame["less_below"].astype(bool), frame["subject"]
    frame["less_up_to"] = subject.where(below, claim.reference)
    frame["less_from"] = subject.where(~below, claim.reference)
    frame["holds_on"] = [f"{count} of {len(machines)}" for count in there.sum(axis=0)]
    frame["agree"] = yes_no(np.where(there.all(axis=0), overlap(found.low, found.high), np.nan))
    frame = pd.concat([frame, estimate_frame(machines, found, "rows")], axis=1)
    frame["tone"] = np.where(there.all(axis=0), np.where(frame["agree"] == "no", "bad", ""), "")
    order = np.argsort(-there.sum(axis=0), kind="stable")
    # A crossing on one machine alone, of a pair that others do not resolve, says little.
    frame = frame.iloc[order[there.any(axis=0)[order]]].reset_index(drop=True)
    less, _ = words_of(metric)
    columns = [
        *key_columns(frame, (ALLOCATOR,) if claim.of == STRATEGY else (STRATEGY,)),
        Column("less_up_to", f"{less.capitalize()} below"),
        Column("less_from", f"{less.capitalize()} above"),
        *estimate_columns(machines, "rows", "count"),
        Column("holds_on", "Crosses on"),
        Column("agree", "Intervals overlap"),
    ]
    notes = ["In numbers of rows. A machine without figures shows no crossing; it may have one."]
    title = f"{metric.label}: from which number of rows on {question_of(claim)} change sides"
    return Table(f"{claim.of}_crossings_{metric.name}", title, columns, frame, notes, "tone")


def sentences(claims: Sequence[Claims], powers: Estimates, metric: Metric, count: int) -> list[str]:
    """What of a metric holds everywhere, and what contradicts, in words."""
    said = []
    for claim in claims:
        said += _everywhere(claim, metric, count)
        said += _strongest_contradiction(claim)
    agree = overlap(powers.low, powers.high)
    known = int((~np.isnan(agree)).sum())
    if known:
        said.append(
            "the growth exponents' intervals overlap on all machines for "
            f"{int((agree == 1.0).sum()):,} of {known:,} curves."
        )
    return [f"{metric.label}: {text}" for text in said]


def _everywhere(claim: Claims, metric: Metric, count: int) -> list[str]:
    """Who is on the same side in all cells on all machines."""
    said = []
    subject = _subjects(claim)
    for verdict, word in zip((LESS, MORE), words_of(metric)):
        names = []
        for name in dict.fromkeys(subject):
            chosen = (subject == name).to_numpy()
            if (claim.verdict[chosen] == verdict).all():
                value = claim.estimates.value[:, chosen]
                names.append(f"{name} ({factor(value.min())} to {factor(value.max())})")
        if names:
            said.append(
                f"in every shared cell, on {count} of {count} machines, {word} than "
                f"{claim.reference}: {', '.join(names)}."
            )
    return said


def _strongest_contradiction(claim: Claims) -> list[str]:
    against = np.flatnonzero(claim.verdict == CONTRADICTION)
    if not len(against):
        return []
    worst = against[np.argmax(_strength(claim)[against])]
    cell = cell_words(claim.estimates.keys.iloc[worst].to_dict())
    values = ", ".join(
        f"M{i + 1} {factor(value)}" for i, value in enumerate(claim.estimates.value[:, worst])
    )
    return [
        f"{len(against):,} of {len(claim.verdict):,} ratios of {question_of(claim)} contradict; "
        f"the strongest is {cell}: {values}."
    ]
