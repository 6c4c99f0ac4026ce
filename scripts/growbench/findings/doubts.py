"""What figures are not to be relied on for, and which are not there."""

import pandas as pd

from growbench.analysis import reliance
from growbench.analysis.attribution import explained
from growbench.analysis.run_doubts import run_doubts
from growbench.data.columns import MEASURE
from growbench.data.statuses import OK, SKIPPED_BUDGET, SKIPPED_PREDICTED, SKIPPED_ROUNDS
from growbench.data.implementations import strategy_names
from growbench.analysis.limits import DRIFT, DRIFT_SHARE
from growbench.findings.evidence import Evidence
from growbench.findings.finding import Finding
from growbench.findings.sentences import Sentence, counted, figure, listed, name, worded

# What became of cells that take too long, by their status.
_SKIPPED = {
    SKIPPED_PREDICTED: "{} would have taken too much of the time budget, and were predicted from "
    "smaller sizes instead ({}): plots show them hollow or hatched, and no sentence here rests on "
    "them.",
    SKIPPED_BUDGET: "{} would have taken too much of the time budget, and too little of them could "
    "be measured to predict them: they are missing ({}); status_detail in summary.csv says which "
    "--budget has room for them.",
}


def trust(evidence: Evidence) -> Finding:
    """What are which figures not to be relied on for, and which are not there?"""
    summary = evidence.data.summary
    measured = summary[summary["ok_count"] > 0]
    sentences: list[Sentence] = []
    if len(measured) == 0:
        sentences.append(["No cell of the measure pass has figures."])
    else:
        of_run = run_doubts(evidence.run.runs, evidence.run.machine)
        lines = [reliance.in_words(measured), *reliance.of_run_in_words(of_run)]
        sentences += [[f"{line[0].upper()}{line[1:]}."] for line in lines]
    sentences += _without_figures(evidence.run.runs, summary)
    sentences += _explained(evidence)
    limits = evidence.data.limits
    if len(limits):
        drifted = limits[limits["doubts"] == DRIFT]
        sentences.append(
            worded(
                "What the machine can do was probed at the start, in the middle and at the end: {} "
                f"differ by more than {DRIFT_SHARE:.0%} between their visits.",
                figure(f"{len(drifted)} of {len(limits)} probes"),
            )
        )
    return Finding("trust", "What not to trust", sentences)


def _without_figures(runs: pd.DataFrame, summary: pd.DataFrame) -> list[Sentence]:
    """Workers that failed, and cells that were predicted or skipped."""
    sentences: list[Sentence] = []
    workers = runs[runs["pass"] == MEASURE]
    planned = (OK, SKIPPED_BUDGET, SKIPPED_PREDICTED, SKIPPED_ROUNDS)
    lost = workers[~workers["status"].isin(planned)]
    if len(lost):
        counts = lost["status"].value_counts().sort_index()
        told: list[Sentence] = [[name(status), f" {count}"] for status, count in counts.items()]
        sentences.append(
            worded(
                "{} of the measure pass have no figures: {}.",
                figure(f"{len(lost):,} of {len(workers):,} workers"),
                listed(told, most=len(told)),
            )
        )
    for status, text in _SKIPPED.items():
        cells = summary[summary["status"] == status]
        if len(cells):
            strategies = listed(
                [[name(strategy)] for strategy in sorted(set(strategy_names(cells)))]
            )
            sentences.append(worded(text, figure(counted(len(cells), "cell")), strategies))
    return sentences


def _explained(evidence: Evidence) -> list[Sentence]:
    if evidence.data.limits.empty:
        return []
    share = explained(evidence.data.attribution)
    if not len(share.cells):
        return []
    return [
        worded(
            "Of the cold builds of our kernels that take 100 \N{MICRO SIGN}s and more, the model "
            "of counts \N{MULTIPLICATION SIGN} costs explains {} to 75% to 125% of the measured "
            "time; where it does not, the shares of the time are to be taken with care.",
            figure(f"{share.within} of {len(share.cells)}"),
        )
    ]
