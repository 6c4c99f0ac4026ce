"""Runs and evidence for the tests of the report."""

from typing import Optional

import pandas as pd
from conftest import build_runs

from growbench.data.columns import TIMELINE_COLUMNS
from growbench.comparison.run import Run
from growbench.analysis.analyse import analyse
from growbench.findings.evidence import Evidence, evidence
from growbench.figures.slices import slices

NO_POINTS = pd.DataFrame(columns=[column.name for column in TIMELINE_COLUMNS])

SCRIPT = "<script>alert(1)</script>"
HOSTILE_STRATEGIES = (
    "realloc_doubling",
    SCRIPT,
    '"><img src=x onerror=alert(2)>',
    "=cmd|' /C calc'!A0",
)
HOSTILE_ALLOCATORS = ("{{7*7}}", "</style>", "glibc")
HOSTILE_MACHINE = "</script><script>alert(3)</script>"


def evidence_of(
    runs: pd.DataFrame, timeline: pd.DataFrame = NO_POINTS, machine: Optional[dict] = None
) -> Evidence:
    data = analyse(runs, timeline)
    return evidence(
        Run("a-run", runs, machine), data, slices(data, str(runs["machine_id"].iloc[0]))
    )


def hostile_run(rounds: int = 6) -> pd.DataFrame:
    """A run whose every name is an attack: on HTML, on templates, on spreadsheets."""
    runs = build_runs(HOSTILE_STRATEGIES, HOSTILE_ALLOCATORS, [100, 1000, 10_000], rounds)
    runs["machine_id"] = HOSTILE_MACHINE
    return runs


HOSTILE_DESCRIPTION = {
    "machine_id": HOSTILE_MACHINE,
    "machine": {
        "cpu_model": "<img src=x onerror=alert(4)>",
        "caches": [{"level": "<b>", "bytes": 1}],
    },
    "run": {"arguments": ["--rows", "$(reboot) <b>"], "seed": 1, "started_utc": '"><script>'},
}
