"""The article's question on each allocator, and why the answer is what it is."""

from typing import Optional

import numpy as np
import pandas as pd

from growbench.analysis.attribution import EXPLAINED_HIGH, EXPLAINED_LOW, PARTS, parts_of
from growbench.findings.evidence import Evidence, ratio
from growbench.findings.finding import COLD, FAST, Finding, SLOW, WARM
from growbench.findings.sentences import Sentence, figure, interval, listed, name, worded
from growbench.tables.table import Column, Table, factor

# A part that takes more than so much of the time is what the time goes into.
MOST_OF_IT = 0.5


def article_question(evidence: Evidence) -> Optional[Finding]:
    """How many times as long as filling a zeroed array does appending with a copy take, and why?"""
    cells = evidence.measured()
    cells = cells[cells["strategy"].isin((SLOW, FAST))]
    cold, warm = evidence.rounds_of(cells, COLD), evidence.rounds_of(cells, WARM)
    why = _shares(evidence)
    rows = []
    for allocator in sorted(set(cells["allocator"])):
        of_cold = ratio(cold, (SLOW, allocator), (FAST, allocator))
        of_warm = ratio(warm, (SLOW, allocator), (FAST, allocator))
        if np.isnan(of_cold.ratio):
            continue
        row = {"allocator": allocator, "cold": of_cold.ratio, "cold_low": of_cold.low}
        row.update(cold_high=of_cold.high, warm=of_warm.ratio)
        row.update(warm_low=of_warm.low, warm_high=of_warm.high)
        rows.append({**row, **why.get(allocator, {})})
    if not rows:
        return None
    frame = pd.DataFrame(rows).sort_values("cold", ascending=False, kind="stable")
    sentences = [_how_many_times(frame, evidence)]
    columns = [
        Column("allocator", "allocator"),
        Column("cold", "cold \N{DIVISION SIGN}", "factor"),
        Column("cold_low", "95% interval", "interval:factor", "cold_high"),
        Column("warm", "warm \N{DIVISION SIGN}", "factor"),
        Column("warm_low", "95% interval", "interval:factor", "warm_high"),
    ]
    plots = ["heat_map_cold"]
    notes: tuple[str, ...] = ()
    if why and "page_fault_count" in frame:
        notes = ("Shares of the time are modelled one by one, and need not add up to 100%.",)
        sentences.append(_what_it_goes_into(frame))
        parts = parts_of(evidence.main.attribution)
        columns += [Column(part.name, part.label, "whole_share") for part in parts]
        columns.append(Column("page_fault_count", "faults", "count"))
        plots.append("attribution")
    title = f"{SLOW} \N{DIVISION SIGN} {FAST} on each allocator"
    table = Table("article", title, columns, frame, notes)
    title = "The article's question: appending or preallocating?"
    return Finding("article", title, [s for s in sentences if s], table, plots)


def _shares(evidence: Evidence) -> dict[str, dict]:
    """For each allocator the shares of the cold build of SLOW, where all parts are known and
    explain it."""
    table = evidence.main.attribution
    chosen = (table["rows"] == evidence.rows) & (table["strategy"] == SLOW)
    chosen &= (table["unknown_parts"] == "") & (table["cold_build_ns"] > 0)
    # Where the parts do not come to about the measured time, their shares say nothing of it.
    chosen &= table["explained_share"].between(EXPLAINED_LOW, EXPLAINED_HIGH)
    return {
        cell["allocator"]: {
            **{part.name: cell[part.name] / cell["cold_build_ns"] for part in PARTS},
            "page_fault_count": cell["page_fault_count"],
        }
        for cell in table[chosen].to_dict("records")
    }


def _how_many_times(frame: pd.DataFrame, evidence: Evidence) -> Sentence:
    """The ratios in a fresh process, largest first."""
    told = frame.to_dict("records")
    ratios = [
        worded(
            "{}{} on {}",
            figure(factor(row["cold"])),
            interval(row["cold_low"], row["cold_high"]),
            name(row["allocator"]),
        )
        for row in told
    ]
    said = worded(
        f"At {evidence.size}, in a fresh process, {{}} takes so many times as long as {{}}: {{}}.",
        name(SLOW),
        name(FAST),
        listed(ratios, most=len(ratios)),
    )
    if np.isnan(frame["cold_low"]).all():
        return [*said, " There are too few rounds for intervals."]
    alike = [[name(row["allocator"])] for row in told if row["cold_low"] <= 1.0 <= row["cold_high"]]
    if alike:
        said += worded(" The two cannot be told apart on {}.", listed(alike))
    return said


def _what_it_goes_into(frame: pd.DataFrame) -> Sentence:
    """Which part takes most of the time on which allocators."""
    clauses: list[Sentence] = []
    for part in PARTS:
        if part.name not in frame:
            continue
        most = frame[frame[part.name] > MOST_OF_IT].sort_values("allocator", kind="stable")
        if most.empty:
            continue
        on = [
            worded("{} ({})", name(row["allocator"]), figure(f"{row[part.name]:.0%}"))
            for row in most.to_dict("records")
        ]
        clauses.append([f"{part.label} on ", *listed(on, most=len(on))])
    if not clauses:
        return []
    return worded(
        "Counts of what the build did \N{MULTIPLICATION SIGN} what each thing costs on this "
        "machine say that most of that time goes into {}.",
        listed(clauses, most=len(clauses)),
    )
