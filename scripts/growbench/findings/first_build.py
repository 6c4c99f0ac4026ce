"""The first build of a process, and later ones."""

from typing import Optional

from growbench.findings.evidence import Evidence
from growbench.findings.finding import COLD, Finding, WARM, cell_text
from growbench.findings.sentences import counted, figure, times


def cold_and_warm(evidence: Evidence) -> Optional[Finding]:
    """How much longer does a first build take than a later one?"""
    summary = evidence.main.summary
    cold, warm = summary[f"{COLD}_median_ns"], summary[f"{WARM}_median_ns"]
    times_as_long = (cold / warm)[(cold > 0) & (warm > 0)]
    if len(times_as_long) < 2:
        return None
    low, high = times_as_long.idxmin(), times_as_long.idxmax()
    sentence: list = ["A cold build and release takes between "]
    for label, index in ((" and ", low), ("", high)):
        cell = summary.loc[index]
        sentence += [
            times(times_as_long[index]),
            " (",
            *cell_text((cell["strategy"], cell["allocator"])),
        ]
        sentence += [f", {cell['rows']:,} rows){label}"]
    sentence += [
        " as long as a warm one; in half of the ",
        figure(counted(len(times_as_long), "cell")),
        " more than ",
        times(float(times_as_long.median())),
        ". The two answer different questions, and no figure of one stands for the other.",
    ]
    return Finding("cold_and_warm", "First build and later ones", [sentence])
