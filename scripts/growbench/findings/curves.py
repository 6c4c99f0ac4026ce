"""How times grow with the number of rows, and where they cross."""

from typing import Optional

import numpy as np
import pandas as pd

from growbench.data.implementations import told_apart
from growbench.data.metrics import metric
from growbench.findings.evidence import Evidence
from growbench.findings.finding import COLD, Finding, cell_text
from growbench.findings.sentences import Sentence, counted, figure, joined, listed, name, worded
from growbench.analysis.shapes import crossings, exponents
from growbench.data.columns import SLICE_KEYS
from growbench.tables.table import Column, Table


def growth(evidence: Evidence) -> Optional[Finding]:
    """To which power of the number of rows do cold times grow?"""
    curves = exponents(_main_runs(evidence), evidence.run.machine, metric(COLD))
    curves = curves.assign(strategy=told_apart(curves))
    told = curves[curves["ci_low"].notna() & (curves["largest_rows"] > curves["smallest_rows"])]
    if told.empty:
        return None
    sentences = [_one_regime(told), _two_regimes(told)]
    if not evidence.run.machine or not bool(told["caches_known"].all()):
        unknown = (
            "The machine's caches are not known, so that such boundaries could not be kept out."
        )
        sentences.append([unknown])
    notable = told[(told["ci_low"] > 1.0) | told["straddles"]]
    frame = notable.sort_values("exponent", ascending=False, kind="stable")
    frame = frame.assign(regimes=np.where(frame["straddles"], "straddles", "one"))
    table = Table(
        "steep",
        "Curves that are steeper than linear, or of two regimes",
        GROWTH_COLUMNS,
        frame,
    )
    title = "How time grows with the number of rows"
    said = [sentence for sentence in sentences if sentence]
    shown = table if len(frame) else None
    return Finding("growth", title, said, shown, ("time_by_allocator_cold",))


def _one_regime(told: pd.DataFrame) -> Sentence:
    """How many curves are linear, and which grow more or less than that; [] if there are none."""
    curves = told[~told["straddles"]]
    more, less = curves[curves["ci_low"] > 1.0], curves[curves["ci_high"] < 1.0]
    linear = len(curves) - len(more) - len(less)
    clauses: list[Sentence] = []
    if linear:
        clauses.append([figure(str(linear)), " cannot be told apart from 1, which is linear"])
    for label, members, ascending in (
        ("more than linearly (interval above 1): ", more, False),
        ("less than linearly (interval below 1): ", less, True),
    ):
        if len(members):
            listing = _curves_text(members, ascending)
            clauses.append([figure(str(len(members))), " grow ", label, *listing])
    if not clauses:
        return []
    start = (
        f"Over their largest sizes, {counted(len(told), 'curve')} of cold time against rows have "
        "an exponent with an interval. "
    )
    return [start, *joined(clauses), "."]


def _two_regimes(told: pd.DataFrame) -> Sentence:
    """Which curves' exponents lie across a boundary; [] if none does."""
    mixed = told[told["straddles"]]
    if mixed.empty:
        return []
    return worded(
        "{} more rest on sizes that lie on both sides of a cache's size or of glibc's mmap "
        "threshold, so that their exponent is of two regimes at once and no power law: {}.",
        figure(str(len(mixed))),
        _curves_text(mixed),
    )


GROWTH_COLUMNS = (
    Column("strategy", "strategy"),
    Column("allocator", "allocator"),
    Column("exponent", "exponent", "exponent"),
    Column("ci_low", "95% interval", "interval:exponent", "ci_high"),
    Column("smallest_rows", "from rows", "count"),
    Column("largest_rows", "to rows", "count"),
    Column("regimes", "regimes"),
)


def _curves_text(curves: pd.DataFrame, ascending: bool = False) -> Sentence:
    """The curves with their exponents, the largest first unless `ascending`."""
    order = curves.sort_values("exponent", ascending=ascending)
    return listed(
        [
            worded(
                f"{{}} {{}} ({row['ci_low']:.2f} to {row['ci_high']:.2f})",
                cell_text((row["strategy"], row["allocator"])),
                figure(f"{row['exponent']:.2f}"),
            )
            for row in order.to_dict("records")
        ]
    )


def _main_runs(evidence: Evidence) -> pd.DataFrame:
    """The rows of the main slice."""
    keys = ["implementation", *SLICE_KEYS]
    cells = evidence.main.summary[keys].drop_duplicates()
    return evidence.run.runs.merge(cells, "inner", keys)


def crossovers(evidence: Evidence) -> Optional[Finding]:
    """From which number of rows on is another strategy the faster one?"""
    crossed = crossings(_main_runs(evidence), metric(COLD))
    crossed = crossed[crossed["ci_low"].notna()]
    if crossed.empty:
        return None
    # The larger the lesser of the two gains, the more it costs to choose wrongly.
    worth = crossed[["gain_below", "gain_above"]].min(axis=1)
    order = crossed.assign(worth=worth).sort_values(
        ["worth", "allocator", "a", "b"], ascending=[False, True, True, True], kind="stable"
    )
    identity = ["allocator", "implementation_a", "a", "implementation_b", "b"]
    pairs = crossed[identity].drop_duplicates()
    told = [
        worded(
            f"{{}} beats {{}} on {{}} from {{}} on ({row['ci_low']:,.0f} to {row['ci_high']:,.0f})",
            name(row["faster_above"]),
            name(row["faster_below"]),
            name(row["allocator"]),
            figure(f"{row['rows']:,.0f} rows"),
        )
        for row in order.head(3).to_dict("records")
    ]
    sentence = worded(
        "{} of strategies on the same allocator cross in cold time within the sizes measured, in a "
        "way that the intervals support on both sides. Where a wrong choice costs most: {}.",
        figure(counted(len(pairs), "pair")),
        listed(told, most=3),
    )
    table = Table(
        "crossovers",
        "Crossovers of cold times, the costliest first",
        CROSSOVER_COLUMNS,
        order.head(10),
        (f"{len(order)} in all.",) if len(order) > 10 else (),
    )
    title = "Where strategies cross over"
    return Finding("crossovers", title, [sentence], table, ("time_by_allocator_cold",))


CROSSOVER_COLUMNS = (
    Column("allocator", "allocator"),
    Column("faster_below", "faster below"),
    Column("rows", "rows", "count"),
    Column("ci_low", "95% interval", "interval:count", "ci_high"),
    Column("faster_above", "faster above"),
    Column("gain_below", "up to, below", "factor"),
    Column("gain_above", "up to, above", "factor"),
)
