"""Which conclusions of a comparison of one machine rest on cells, or on runs, that are in doubt."""

from typing import Sequence

from growbench.analysis import reliance
from growbench.analysis.doubts import doubts_in_run
from growbench.analysis.run_doubts import run_doubts
from growbench.comparison.run import Run
from growbench.comparison.same_machine import Comparison, FASTER, SLOWER
from growbench.comparison.sharing import FAMILY
from growbench.data.columns import CELL, MEASURE, PATTERN

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


def notes(judged: Comparison, runs: Sequence[Run], conclusion: str) -> list[str]:
    """Sentences; none where nothing is in doubt. conclusion: what is concluded from the runs."""
    told = [
        f"{run.label} gives {reliance.of_run([conclusion])} ({raised.doubt.name}): {raised.why}"
        for run in runs
        for raised in run_doubts(run.runs, run.machine)
        if conclusion in raised.doubt.conclusions
    ]
    found = judged.families["verdict"].isin([SLOWER, FASTER])
    moved = judged.families.loc[found, ["metric", *FAMILY]]
    if moved.empty:
        return told
    # Of a metric's cells, those that one of the runs has in doubt.
    cells = judged.cells.merge(moved)[["metric", *CELL]]
    names: list[set[str]] = [set() for _ in range(len(cells))]
    for run in runs:
        texts = cells.merge(doubts_in_run(run.runs, (MEASURE, PATTERN)), "left")["doubts"].fillna(
            ""
        )
        for of_cell, text, metric in zip(names, texts, cells["metric"]):
            of_cell.update(reliance.doubts_of_metric(text, conclusion, metric))
    if any(names):
        told.append(
            f"of {len(cells)} cells of the families that moved {sum(map(bool, names))} are in "
            f"doubt for this: {reliance.counted(names)}"
        )
    return told
