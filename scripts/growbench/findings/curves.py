"""How times grow with the number of rows, and where they cross."""

from typing import Optional

import numpy as np
import pandas as pd

from growbench.data.implementations import told_apart
from growbench.data.metrics import metric
from growbench.findings.evidence import Evidence
from growbench.findings.finding import COLD, Finding, cell_text
from growbench.findings.sentences import Sentence, counted, figure, listed, name
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
    one_regime = told[~told["straddles"]]
    low, high = one_regime["ci_low"], one_regime["ci_high"]
    groups = (
        ("more than linearly (interval above 1): ", one_regime[low > 1.0]),
        ("less than linearly (interval below 1): ", one_regime[high < 1.0]),
    )
    linear = one_regime[(low <= 1.0) & (high >= 1.0)]
    sentence: list = [
        f"Over their largest sizes, {counted(len(told), 'curve')} of cold time against rows have "
        "an exponent with an interval. "
    ]
    if len(linear):
        sentence += [figure(str(len(linear))), " cannot be told apart from 1, which is linear"]
    clauses: list[Sentence] = []
    for label, members in groups:
        if len(members):
            order = members.sort_values("exponent", ascending=label.startswith("less"))
            listing = [_curve_text(row) for row in order.to_dict("records")]
            clauses.append([figure(str(len(members))), " grow ", label, *listed(listing)])
    for clause in clauses:
        sentence += ["; " if sentence[-1] != sentence[0] else "", *clause]
    sentences: list[Sentence] = []
    if len(linear) or clauses:
        sentences.append([*sentence, "."])
    mixed = told[told["straddles"]]
    if len(mixed):
        order = mixed.sort_values("exponent", ascending=False)
        sentences.append(
            [
                figure(str(len(mixed))),
                " more rest on sizes that lie on both sides of a cache's "
                "size or of glibc's mmap threshold, so that "
                "their exponent is of two regimes at once and no power law: ",
                *listed([_curve_text(row) for row in order.to_dict("records")]),
                ".",
            ]
        )
    if not evidence.run.machine or not bool(told["caches_known"].all()):
        sentences.append(
            [
                "The machine's caches are not known, so "
                "that such boundaries could not be kept out."
            ]
        )
    notable = told[(told["ci_low"] > 1.0) | told["straddles"]]
    frame = notable.sort_values("exponent", ascending=False, kind="stable")
    frame = frame.assign(regimes=np.where(frame["straddles"], "straddles", "one"))
    table = Table(
        "steep",
        "Curves that are steeper than linear, or of two regimes",
        GROWTH_COLUMNS,
        frame,
    )
    plots = ("time_by_allocator_cold",)
    shown = table if len(frame) else None
    return Finding("growth", "How time grows with the number of rows", sentences, shown, plots)


GROWTH_COLUMNS = (
    Column("strategy", "strategy"),
    Column("allocator", "allocator"),
    Column("exponent", "exponent", "exponent"),
    Column("ci_low", "95% interval", "interval:exponent", "ci_high"),
    Column("smallest_rows", "from rows", "count"),
    Column("largest_rows", "to rows", "count"),
    Column("regimes", "regimes"),
)


def _curve_text(row: dict) -> Sentence:
    return [
        *cell_text((row["strategy"], row["allocator"])),
        " ",
        figure(f"{row['exponent']:.2f}"),
        f" ({row['ci_low']:.2f} to {row['ci_high']:.2f})",
    ]


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
    first: list = [
        figure(counted(len(pairs), "pair")),
        " of strategies on the same allocator cross in cold time within the sizes measured, in a "
        "way that the intervals support on both sides. Where a wrong choice costs most: ",
    ]
    told = [
        [
            name(row["faster_above"]),
            " beats ",
            name(row["faster_below"]),
            " on ",
            name(row["allocator"]),
            " from ",
            figure(f"{row['rows']:,.0f} rows"),
            f" on ({row['ci_low']:,.0f} to {row['ci_high']:,.0f})",
        ]
        for row in order.head(3).to_dict("records")
    ]
    sentences = [[*first, *listed(told, most=3), "."]]
    table = Table(
        "crossovers",
        "Crossovers of cold times, the costliest first",
        CROSSOVER_COLUMNS,
        order.head(10),
        (f"{len(order)} in all.",) if len(order) > 10 else (),
    )
    return Finding(
        "crossovers", "Where strategies cross over", sentences, table, ("time_by_allocator_cold",)
    )


CROSSOVER_COLUMNS = (
    Column("allocator", "allocator"),
    Column("faster_below", "faster below"),
    Column("rows", "rows", "count"),
    Column("ci_low", "95% interval", "interval:count", "ci_high"),
    Column("faster_above", "faster above"),
    Column("gain_below", "up to, below", "factor"),
    Column("gain_above", "up to, above", "factor"),
)
