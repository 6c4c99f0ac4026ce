"""The first build of a process, and later ones."""

from typing import Optional

from growbench.findings.evidence import Evidence
from growbench.findings.finding import COLD, Finding, WARM, cell_text
from growbench.findings.sentences import counted, figure, times, worded


def cold_and_warm(evidence: Evidence) -> Optional[Finding]:
    """How much longer does a first build take than a later one?"""
    summary = evidence.main.summary
    cold, warm = summary[f"{COLD}_median_ns"], summary[f"{WARM}_median_ns"]
    times_as_long = (cold / warm)[(cold > 0) & (warm > 0)]
    if len(times_as_long) < 2:
        return None
    ends: list = []
    for index in (times_as_long.idxmin(), times_as_long.idxmax()):
        cell = summary.loc[index]
        who = cell_text((cell["strategy"], cell["allocator"]))
        ends.append(worded(f"{{}} ({{}}, {cell['rows']:,} rows)", times(times_as_long[index]), who))
    sentence = worded(
        "A cold build and release takes between {} and {} as long as a warm one; in half of the {} "
        "more than {}. The two answer different questions, and no figure of one stands for the "
        "other.",
        *ends,
        figure(counted(len(times_as_long), "cell")),
        times(float(times_as_long.median())),
    )
    return Finding("cold_and_warm", "First build and later ones", [sentence])
