"""What another allocator does to the same strategies."""

from typing import Optional

import numpy as np
import pandas as pd

from growbench.findings.evidence import Evidence, excludes, mean_ratio, ratio
from growbench.findings.finding import COLD, Finding, USUAL_ALLOCATOR, WARM, WHERE
from growbench.findings.sentences import (
    Sentence,
    counted,
    figure,
    interval,
    joined,
    listed,
    name,
    worded,
)
from growbench.tables.table import Column, Table, factor


def swapping_allocators(evidence: Evidence) -> Optional[Finding]:
    """What does another allocator do to the same strategies?"""
    cells = evidence.measured()
    allocators = sorted(set(cells["allocator"]))
    usual = _usual(cells)
    if len(allocators) < 2 or not usual:
        return None
    rows = []
    for metric_name in (COLD, WARM):
        rounds = evidence.rounds_of(cells, metric_name)
        for other in allocators:
            row = _swap(rounds, usual, other) if other != usual else None
            if row:
                process = "fresh" if metric_name == COLD else "steady"
                rows.append({"process": process, "allocator": other, **row})
    if not rows:
        return None
    frame = pd.DataFrame(rows)
    sentences = [
        sentence
        for process, metric_name in (("fresh", COLD), ("steady", WARM))
        for sentence in [_swap_sentence(frame[frame["process"] == process], metric_name, usual)]
        if sentence
    ]
    if not sentences:
        return None
    table = Table(
        "allocators",
        f"Each allocator \N{DIVISION SIGN} {usual}: geometric mean over strategies, and extremes",
        (
            Column("process", "process"),
            Column("allocator", "allocator"),
            Column("members", "strategies", "count"),
            Column("ratio", f"\N{DIVISION SIGN} {usual}", "factor"),
            Column("low", "95% interval", "interval:factor", "high"),
            Column("best", "gains most"),
            Column("best_ratio", "ratio", "factor"),
            Column("best_low", "95% interval", "interval:factor", "best_high"),
            Column("worst", "loses most"),
            Column("worst_ratio", "ratio", "factor"),
            Column("worst_low", "95% interval", "interval:factor", "worst_high"),
        ),
        frame,
        (f"At {evidence.size}. Below 1: faster than on {usual}.",),
    )
    plots = ("time_by_strategy_cold", "time_by_strategy_warm")
    return Finding("allocators", "What swapping the allocator does", sentences, table, plots)


def _usual(cells: pd.DataFrame) -> str:
    """The allocator that others are held against: glibc, or the one with the most cells."""
    counts = cells["allocator"].value_counts()
    if counts.empty:
        return ""
    if USUAL_ALLOCATOR in counts:
        return USUAL_ALLOCATOR
    return str(sorted(counts.index[counts == counts.max()])[0])


def _swap(rounds: pd.DataFrame, usual: str, other: str) -> Optional[dict]:
    strategies = sorted({strategy for strategy, _ in rounds.columns})
    mean, members = mean_ratio(rounds, [((s, other), (s, usual)) for s in strategies])
    ratios = {s: ratio(rounds, (s, other), (s, usual)) for s in strategies}
    ratios = {s: of for s, of in ratios.items() if not np.isnan(of.ratio)}
    if not ratios or np.isnan(mean.ratio):
        return None
    best = min(ratios, key=lambda s: (ratios[s].ratio, s))
    worst = max(ratios, key=lambda s: (ratios[s].ratio, s))
    row: dict = {**mean._asdict(), "members": members}
    for label, strategy in (("best", best), ("worst", worst)):
        row[label] = strategy
        of = ratios[strategy]
        row.update({f"{label}_ratio": of.ratio, f"{label}_low": of.low, f"{label}_high": of.high})
    return row


def _swap_sentence(frame: pd.DataFrame, metric_name: str, usual: str) -> Sentence:
    """Who is faster and who is slower than the usual one, in the mean; who is neither."""
    if frame.empty:
        return []
    many = int(frame["members"].max())
    start: list = [f"{WHERE[metric_name]}, over {counted(many, 'strategy', 'strategies')} "]
    start += ["(geometric mean of the times as ratios to ", name(usual), "): "]
    rows = frame.sort_values("ratio", kind="stable").to_dict("records")
    if all(np.isnan(row["low"]) for row in rows):
        ratios = [[name(row["allocator"]), " ", figure(factor(row["ratio"]))] for row in rows]
        end = "; there are too few rounds to tell them apart."
        return [*start, *listed(ratios, most=len(ratios)), end]
    clauses: list[Sentence] = []
    groups = (
        ("faster: ", [row for row in rows if row["high"] < 1.0]),
        ("slower: ", [row for row in rows if row["low"] > 1.0]),
        ("cannot be told apart: ", [row for row in rows if not excludes(row["low"], row["high"])]),
    )
    for label, members in groups:
        told: list[Sentence] = [
            worded(
                "{} {}{}",
                name(row["allocator"]),
                figure(factor(row["ratio"])),
                interval(row["low"], row["high"]),
            )
            for row in members
        ]
        if told:
            clauses.append([label, *listed(told, most=len(told))])
    return [*start, *joined(clauses), "."]
