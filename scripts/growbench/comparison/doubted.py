"""Which conclusions of a comparison of one machine rest on cells, or on runs, that are in doubt."""

from typing import Sequence

import pandas as pd

from growbench.analysis import reliance
from growbench.analysis.doubts import doubts_in_run
from growbench.analysis.run_doubts import run_doubts
from growbench.comparison.run import Run
from growbench.data.columns import MEASURE, PATTERN

# What doubts are found by, besides what is compared and a row's keys. What a version or a reader of
# some columns only does not have is not asked about.
COLUMNS = (
    "cpu_count",
    "worker_ns",
    "steal_ns",
    "throttled_ns",
    "cold_build_major_fault_count",
    "involuntary_switch_count",
)


def of_runs(runs: Sequence[Run], conclusion: str) -> list[str]:
    """A sentence for each doubt of a run as a whole that touches the conclusion. runs: with all
    their rows, as these doubts are not those of a few cells."""
    return [
        f"{run.label} gives {reliance.of_run([conclusion])} ({raised.doubt.name}): {raised.why}"
        for run in runs
        for raised in run_doubts(run.runs, run.machine)
        if conclusion in raised.doubt.conclusions
    ]


def of_cells(cells: pd.DataFrame, runs: Sequence[Run], conclusion: str) -> list[str]:
    """In how many cells of the families that moved a doubt touches the conclusion; none where
    nothing is in doubt. cells: with metric and CELL. runs: with all their rows."""
    if cells.empty:
        return []
    names: list[set[str]] = [set() for _ in range(len(cells))]
    for run in runs:
        texts = cells.merge(doubts_in_run(run.runs, (MEASURE, PATTERN)), "left")["doubts"].fillna(
            ""
        )
        for of_cell, text, metric in zip(names, texts, cells["metric"]):
            of_cell.update(reliance.doubts_of_metric(text, conclusion, metric))
    if not any(names):
        return []
    return [
        f"of {len(cells)} cells of the families that moved {sum(map(bool, names))} are in doubt "
        f"for this: {reliance.counted(names)}"
    ]
