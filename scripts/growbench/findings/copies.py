"""Copies that need not happen, and those that pay for themselves."""

from typing import Optional

import pandas as pd

from growbench.analysis import pattern_tables
from growbench.data import implementations
from growbench.analysis.patterns import NEVER, NOT_RESOLVED, PAYS, WARM
from growbench.findings.evidence import Evidence, excludes
from growbench.findings.finding import Finding
from growbench.findings.sentences import (
    Sentence,
    figure,
    interval,
    joined,
    listed,
    name,
    times,
    worded,
)
from growbench.tables.table import factor


def needless_copies(evidence: Evidence) -> Optional[Finding]:
    """What do copies, temporaries and walks in the wrong order cost?"""
    found = _usual(evidence, evidence.data.choices)
    if found.empty:
        return None
    sentences: list[Sentence] = []
    for implementation in implementations.ordered(found["implementation"]):
        own = found[found["implementation"] == implementation].to_dict("records")
        told = [row for row in own if excludes(row["ci_low"], row["ci_high"])]
        sentence = _begun(evidence, implementation)
        if told:
            sentence.append("over the other way to the same end: ")
            sentence += [*joined([_ratio(row) for row in told]), "."]
        open_ = [[row["choice"]] for row in own if row not in told]
        if open_:
            sentence += [" Not" if told else "not", " told apart: "]
            sentence += [*listed(open_, most=len(open_)), "."]
        sentences.append(sentence)
    table = pattern_tables.choices(found)
    title = "What copies cost that need not happen"
    return Finding("needless-copies", title, sentences, table, ("pattern_choices", "pattern_costs"))


def _ratio(row: dict) -> list:
    ends = interval(row["ci_low"], row["ci_high"])
    return [row["choice"], ", ", times(row["ratio"]), *ends]


def paying_copies(evidence: Evidence) -> Optional[Finding]:
    """After how many walks does a copy pay for itself?"""
    found = _usual(evidence, evidence.data.view_crossovers)
    if found.empty:
        return None
    sentences: list[Sentence] = []
    for implementation in implementations.ordered(found["implementation"]):
        own = found[found["implementation"] == implementation]
        pays, never, unclear = (
            own[own["verdict"] == verdict].to_dict("records")
            for verdict in (PAYS, NEVER, NOT_RESOLVED)
        )
        sentence = _begun(evidence, implementation)
        if pays:
            sentence.append("a copy pays for itself after so many walks: ")
            sentence += [*listed([_walks(row) for row in pays], most=len(pays)), "."]
            at_once = [[row["pair"]] for row in pays if row["ci_high"] < 1.0]
            if at_once:
                sentence += [" Below 1, a copy pays even if it is walked once: "]
                sentence += [*listed(at_once, most=len(at_once)), "."]
        if never:
            sentence += [
                " It never" if pays else "a copy never",
                " pays, as walking it is no faster: ",
            ]
            sentence += [*listed([[row["pair"]] for row in never], most=len(never)), "."]
        if unclear:
            sentence += [" Not" if pays or never else "not", " resolved: "]
            sentence += [*listed([[row["pair"]] for row in unclear], most=len(unclear)), "."]
        sentences.append(sentence)
    table = pattern_tables.crossovers(found)
    plots = ("pattern_crossovers", "pattern_strides")
    return Finding("paying-copies", "When a copy pays", sentences, table, plots)


def _walks(row: dict) -> list:
    ends = interval(row["ci_low"], row["ci_high"])
    return [row["pair"], " ", figure(factor(row["walks"])), *ends]


def _usual(evidence: Evidence, table: pd.DataFrame) -> pd.DataFrame:
    """The warm cells of the usual size and allocator, one shape of each."""
    if table.empty:
        return table
    usual = pattern_tables.usual(evidence.data.patterns)
    chosen = usual.of(table)
    return chosen[chosen["process"] == WARM]


def _begun(evidence: Evidence, implementation: str) -> list:
    usual = pattern_tables.usual(evidence.data.patterns)
    return worded(
        f"In {{}} at {usual.size} on {{}}, in the steady state, ",
        name(implementations.label(implementation)),
        name(usual.allocator),
    )
