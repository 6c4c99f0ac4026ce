"""NumPy, Python and others beside C: what the same strategy costs, and the article's ratio."""

from typing import Optional

import pandas as pd

from growbench.data.article import FAST, METRIC, SLOW
from growbench.data.implementations import C, in_words, label, ordered
from growbench.analysis.pair_comparison import IMPLEMENTATION, compare_pairs
from growbench.data.metrics import metric
from growbench.findings.evidence import Evidence, excludes
from growbench.findings.finding import COLD, Finding, USUAL_ALLOCATOR
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
from growbench.data.columns import SLICE_KEYS
from growbench.tables.table import Column, Table, factor


def beside_c(evidence: Evidence) -> Optional[Finding]:
    """How many times as long as in C does the same strategy take in other implementations?"""
    runs = _runs_of_size(evidence)
    tables = []
    for other in ordered(runs["implementation"]):
        if other != C:
            pairs = compare_pairs(runs, other, C, metric(COLD), IMPLEMENTATION)
            tables.append(pairs.assign(implementation=other))
    frame = pd.concat(tables, ignore_index=True) if tables else pd.DataFrame()
    if frame.empty:
        return None
    sentences: list[Sentence] = []
    for other in ordered(frame["implementation"]):
        sentence = _against_c(frame[frame["implementation"] == other], other, evidence)
        if sentence:
            sentences.append(sentence)
    if not sentences:
        return None
    table = Table(
        "beside_c",
        f"{metric(COLD).label} over that in C, of the same strategy",
        (
            Column("implementation", "written in"),
            Column("strategy", "strategy"),
            Column("allocator", "allocator"),
            Column("round_count", "rounds", "count"),
            Column("ratio", "\N{DIVISION SIGN} C", "factor"),
            Column("ci_low", "95% interval", "interval:factor", "ci_high"),
        ),
        frame.sort_values(["implementation", "strategy", "allocator"], kind="stable"),
        ("Where the interval includes 1, the two cannot be told apart.",),
    )
    title = f"{in_words(frame['implementation'])} beside C"
    return Finding("beside_c", title, sentences, table, ("implementations_cold",))


def _runs_of_size(evidence: Evidence) -> pd.DataFrame:
    """The rows of all implementations at the size and in the slice that findings are about."""
    if evidence.main.summary.empty:
        return evidence.run.runs.head(0)
    like = evidence.main.summary.iloc[0]
    runs = evidence.run.runs[evidence.run.runs["rows"] == evidence.rows]
    for key in SLICE_KEYS:
        runs = runs[runs[key] == like[key]]
    return runs


def _against_c(frame: pd.DataFrame, other: str, evidence: Evidence) -> Sentence:
    """The range over the cells, on the usual allocator in figures; [] if nothing is told apart."""
    told = frame[[excludes(row.ci_low, row.ci_high) for row in frame.itertuples()]]
    if told.empty:
        return []
    usual = told[told["allocator"] == USUAL_ALLOCATOR]
    on = USUAL_ALLOCATOR if len(usual) else str(sorted(told["allocator"])[0])
    shown = told[told["allocator"] == on].sort_values("ratio", ascending=False, kind="stable")
    ratios: list[Sentence] = [
        [name(row["strategy"]), " ", times(row["ratio"]), *interval(row["ci_low"], row["ci_high"])]
        for row in shown.to_dict("records")
    ]
    slower, faster = int((told["ci_low"] > 1.0).sum()), int((told["ci_high"] < 1.0).sum())
    return worded(
        f"At {evidence.size}, in a fresh process, {{}} takes longer than C for the same strategy "
        "and allocator in {}, less long in {}; the others are not told apart. On {}, as many "
        "times as long as C: {}.",
        name(label(other)),
        figure(f"{slower} of {len(frame)} cells"),
        figure(str(faster)),
        name(on),
        listed(ratios, most=len(ratios)),
    )


def article_by_implementation(evidence: Evidence) -> Optional[Finding]:
    """The article's ratio in each implementation, where more than one has it."""
    first = _told(evidence, evidence.data.ratios)
    names = ordered(first["implementation"])
    if len(names) < 2:
        return None
    warm = _told(evidence, evidence.data.warm_ratios)
    sentences: list[Sentence] = [
        worded(
            f"At {evidence.size}, in a fresh process, the build alone takes so many times as long "
            "with {} as with {}: {}.",
            name(SLOW),
            name(FAST),
            _by_implementation(first),
        )
    ]
    if len(warm):
        again = "In the steady state, where such arrays were built and dropped before, build and "
        sentences.append(worded(again + "release take: {}.", _by_implementation(warm)))
    plots = ("article_ratio", "article_ratio_warm", "article")
    title = f"The article's ratio in {in_words(names)}"
    table = _wide(first, names)
    return Finding("article_by_implementation", title, sentences, table, plots)


def _told(evidence: Evidence, ratios: pd.DataFrame) -> pd.DataFrame:
    """The ratios of the size and slice that findings are about, where they have an interval:
    without one nobody knows whether a ratio is more than chance."""
    if evidence.main.summary.empty:
        return ratios.head(0)
    like = evidence.main.summary.iloc[0]
    ratios = ratios[(ratios["rows"] == evidence.rows) & ratios["ci_low"].notna()]
    for key in SLICE_KEYS:
        ratios = ratios[ratios[key] == like[key]]
    return ratios


def _by_implementation(told: pd.DataFrame) -> list:
    """ "C 10.0 (9 to 11) on glibc to 20.0 (19 to 21) on scudo; NumPy ..." """
    clauses: list[Sentence] = []
    for implementation in ordered(told["implementation"]):
        own = told[told["implementation"] == implementation].sort_values("ratio", kind="stable")
        least, most = own.iloc[0], own.iloc[-1]
        clause: list = [name(label(implementation)), " ", *_on_allocator(least)]
        if len(own) > 1:
            clause += [" to ", *_on_allocator(most)]
        clauses.append(clause)
    return joined(clauses)


def _on_allocator(row: pd.Series) -> Sentence:
    ends = interval(row["ci_low"], row["ci_high"])
    return worded("{}{} on {}", figure(factor(row["ratio"])), ends, name(row["allocator"]))


def _wide(told: pd.DataFrame, names: list[str]) -> Table:
    """A row for each allocator, with ratio and interval of each implementation."""
    wide = told.pivot(index="allocator", columns="implementation")
    rows = []
    for allocator in wide.index:
        row: dict = {"allocator": allocator}
        for implementation in names:
            for column in ("ratio", "ci_low", "ci_high"):
                row[f"{implementation}_{column}"] = wide.loc[allocator, (column, implementation)]
        rows.append(row)
    columns = [Column("allocator", "allocator")]
    for implementation in names:
        who = label(implementation)
        columns.append(Column(f"{implementation}_ratio", f"{who} \N{DIVISION SIGN}", "factor"))
        ends = (f"{implementation}_ci_low", f"{implementation}_ci_high")
        columns.append(Column(ends[0], f"{who}, 95%", "interval:factor", ends[1]))
    title = f"{SLOW} \N{DIVISION SIGN} {FAST}, {METRIC.label.lower()}, by implementation"
    return Table("article_by_implementation", title, columns, pd.DataFrame(rows))
