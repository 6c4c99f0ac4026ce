"""The tail of single appends."""

from typing import Optional

import pandas as pd

from growbench.analysis.latency import PERCENTILES, is_near_timer
from growbench.findings.evidence import Evidence
from growbench.findings.finding import Finding, cell_text
from growbench.findings.sentences import Sentence, amount, figure, worded
from growbench.tables.table import Column, Table
from growbench.data.units import show

# A share of the time in one append of a thousand that is worth telling.
HEAVY_TAIL = 0.1


def single_appends(evidence: Evidence) -> Optional[Finding]:
    """How slow is the slowest append of many?"""
    cells = evidence.main.latency
    cells = cells[(cells["rows"] == evidence.rows) & (cells["ok_count"] > 0)]
    cells = cells[cells["latency_max_ns"].notna()]
    if len(cells) < 2:
        return None
    by_tail = cells.sort_values(["latency_max_ns", "strategy", "allocator"], kind="stable")
    lightest, heaviest = by_tail.iloc[0], by_tail.iloc[-1]
    workers = int(cells["ok_count"].max())
    builds = (
        "one cold build of each cell" if workers == 1 else f"{workers} cold builds of each cell"
    )
    sentences: list[Sentence] = [
        worded(
            f"At {evidence.size}, in {builds}, the slowest single append took from {{}} ({{}}) to "
            "{} ({}). One build tells how large such pauses are, not how sure that is.",
            amount(lightest["latency_max_ns"], "ns"),
            cell_text((lightest["strategy"], lightest["allocator"])),
            amount(heaviest["latency_max_ns"], "ns"),
            cell_text((heaviest["strategy"], heaviest["allocator"])),
        )
    ]
    heavy = cells[cells["latency_slowest_share"] > HEAVY_TAIL]
    if len(heavy):
        worst = heavy.loc[heavy["latency_slowest_share"].idxmax()]
        sentences.append(
            worded(
                "In {} the slowest thousandth of the appends takes more than "
                f"{HEAVY_TAIL:.0%} of the whole time; most in {{}}: {{}}.",
                figure(f"{len(heavy)} of {len(cells)} cells"),
                cell_text((worst["strategy"], worst["allocator"])),
                figure(show(worst["latency_slowest_share"], "share")),
            )
        )
    near = int(is_near_timer(cells, PERCENTILES[0]).sum())
    if near:
        sentences.append(
            worded(
                "In {} the median append takes less than twice what reading the clock does, so "
                "that the median tells nothing.",
                figure(f"{near} of {len(cells)} cells"),
            )
        )
    table = _slowest_by_strategy(cells)
    return Finding("tail", "The tail of single appends", sentences, table, ("latency",))


def _slowest_by_strategy(cells: pd.DataFrame) -> Table:
    rows = []
    for strategy, of in cells.groupby("strategy", sort=True):
        low, high = of["latency_max_ns"].min(), of["latency_max_ns"].max()
        shares = of["latency_slowest_share"]
        rows.append(
            {
                "strategy": strategy,
                "count": len(of),
                "p99": of["latency_p99_ns"].median(),
                "p99_9": of["latency_p99_9_ns"].median(),
                "max_low": low,
                "max_high": high,
                "share_low": shares.min(),
                "share_high": shares.max(),
            }
        )
    return Table(
        "tail",
        "Single appends by strategy",
        (
            Column("strategy", "strategy"),
            Column("count", "allocators", "count"),
            Column("p99", "99%, median of the allocators", "ns"),
            Column("p99_9", "99.9%", "ns"),
            Column("max_low", "slowest, range over the allocators", "interval:ns", "max_high"),
            Column(
                "share_low",
                "share of the slowest 0.1%, range",
                "interval:whole_share",
                "share_high",
            ),
        ),
        pd.DataFrame(rows).sort_values("max_high", ascending=False, kind="stable"),
    )
