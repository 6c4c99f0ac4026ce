"""How much memory an array needs at its peak."""

from typing import Optional

import pandas as pd

from growbench.findings.evidence import Evidence
from growbench.findings.finding import Finding, cell_text
from growbench.findings.sentences import Sentence, counted, figure, interval, listed, name, worded
from growbench.tables.table import Column, Table
from growbench.data.units import show

# A peak of so many payloads is more than the array and a copy of it.
MORE_THAN_A_COPY = 2.0


def memory(evidence: Evidence) -> Optional[Finding]:
    """How many times its payload does an array need at its peak?"""
    cells = evidence.measured()
    cells = cells[cells["peak_memory_ratio"].notna()]
    if cells.empty:
        return None
    frame = _extremes(cells)
    # Beyond what chance and the error of a reading can do.
    error = float(evidence.run.runs["peak_resolution_bytes"].max()) / cells["payload_bytes"]
    above = cells[cells["peak_memory_ratio_ci_low"] - error > MORE_THAN_A_COPY]
    sentences: list[Sentence] = []
    if len(cells) > 1:
        sentences.append(_largest(frame.iloc[0], evidence))
    if len(above):
        strategies: list[Sentence] = [
            [name(strategy), f" on {counted(len(of), 'allocator')}"]
            for strategy, of in above.groupby("strategy", sort=True)
        ]
        sentences.append(
            worded(
                f"{{}} of {len(cells)} need more than twice their payload, which is more than the "
                "array and a whole copy of it: {}.",
                figure(counted(len(above), "cell")),
                listed(strategies, most=12),
            )
        )
    if not sentences:
        return None
    table = Table("memory", "Peak memory over payload", _COLUMNS, frame)
    return Finding(
        "memory", "Memory at the peak", sentences, table, ("heat_map_peak", "peak_by_allocator")
    )


_COLUMNS = (
    Column("strategy", "strategy"),
    Column("count", "allocators", "count"),
    Column("least", "least", "factor"),
    Column("least_low", "95% interval", "interval:factor", "least_high"),
    Column("least_allocator", "on"),
    Column("most", "most", "factor"),
    Column("most_low", "95% interval", "interval:factor", "most_high"),
    Column("most_allocator", "on"),
)


def _extremes(cells: pd.DataFrame) -> pd.DataFrame:
    """Of each strategy the allocators with the smallest and the largest peak, largest first."""
    rows = []
    for strategy, of in cells.groupby("strategy", sort=True):
        row = {"strategy": strategy, "count": len(of)}
        for label, place in (("least", "idxmin"), ("most", "idxmax")):
            cell = of.loc[of["peak_memory_ratio"].agg(place)]
            row[label] = cell["peak_memory_ratio"]
            row[f"{label}_low"] = cell["peak_memory_ratio_ci_low"]
            row[f"{label}_high"] = cell["peak_memory_ratio_ci_high"]
            row[f"{label}_allocator"] = cell["allocator"]
        rows.append(row)
    return pd.DataFrame(rows).sort_values("most", kind="stable", ascending=False)


def _largest(worst: pd.Series, evidence: Evidence) -> Sentence:
    return worded(
        f"At {evidence.size} the largest median peak is that of {{}}: {{}} the payload{{}}.",
        cell_text((worst["strategy"], worst["most_allocator"])),
        figure(show(worst["most"], "ratio")),
        interval(worst["most_low"], worst["most_high"]),
    )
