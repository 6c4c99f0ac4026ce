"""The containers that people use, beside our kernels."""

from typing import Optional

import numpy as np
import pandas as pd

from growbench.data.containers import CONTAINERS, are_containers
from growbench.data.implementations import C
from growbench.findings.evidence import Evidence, excludes, mean_ratio
from growbench.findings.finding import Finding, WARM
from growbench.findings.sentences import interval, listed, name, times, worded
from growbench.tables.table import Column, Table


def containers(evidence: Evidence) -> Optional[Finding]:
    """How do the containers that people use do beside the kernel that does the same work?"""
    summary = evidence.data.summary
    if evidence.main.summary.empty:
        return None
    like = evidence.main.summary.iloc[0]
    cells = summary[(summary["rows"] == evidence.rows) & (summary["ok_count"] > 0)]
    for key in ("row_bytes", "threads", "work"):
        cells = cells[cells[key] == like[key]]
    rounds = evidence.rounds_of(cells[are_containers(cells) | (cells["implementation"] == C)], WARM)
    rows: list[dict] = []
    for container, row in CONTAINERS.items():
        allocators = sorted({allocator for strategy, allocator in rounds if strategy == container})
        pairs = [((row.kernel, a), (container, a)) for a in allocators]
        mean, members = mean_ratio(rounds, pairs)
        if not np.isnan(mean.ratio):
            names = {"container": container, "kernel": row.kernel, "members": members}
            rows.append({**names, **mean._asdict()})
    told = [row for row in rows if excludes(row["low"], row["high"])]
    if not rows:
        return None
    frame = pd.DataFrame(rows)
    if told:
        ratios = [
            worded(
                "{}{} as long as {}",
                times(row["ratio"]),
                interval(row["low"], row["high"]),
                name(row["container"]),
            )
            for row in told
        ]
        sentence = worded(
            f"In the steady state, at {evidence.size}, our kernel that does the same work takes, "
            "in the geometric mean over the allocators, {}.",
            listed(ratios, most=len(ratios)),
        )
    else:
        sentence = [
            f"At {evidence.size} no container can be told apart from the kernel that does the "
            "same work: intervals include 1, or there are too few rounds for any."
        ]
    table = Table(
        "containers",
        "Kernel \N{DIVISION SIGN} container, warm, geometric mean over allocators",
        (
            Column("container", "container"),
            Column("kernel", "kernel"),
            Column("members", "allocators", "count"),
            Column("ratio", "ratio", "factor"),
            Column("low", "95% interval", "interval:factor", "high"),
        ),
        frame,
    )
    return Finding("containers", "Containers that people use", [sentence], table, ("containers",))
