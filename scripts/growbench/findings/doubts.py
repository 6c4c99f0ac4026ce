"""Which figures should be looked at twice, and which are not there."""

import pandas as pd

from growbench.analysis.attribution import explained
from growbench.data.columns import MEASURE
from growbench.data.statuses import OK, SKIPPED_BUDGET, SKIPPED_PREDICTED, SKIPPED_ROUNDS
from growbench.data.implementations import strategy_names
from growbench.analysis.limits import DRIFT, DRIFT_SHARE
from growbench.findings.evidence import Evidence
from growbench.findings.finding import FEWEST_ROUNDS, Finding
from growbench.findings.sentences import Sentence, counted, figure, listed, name, worded


def trust(evidence: Evidence) -> Finding:
    """Which figures should be looked at twice, and which are not there?"""
    summary = evidence.data.summary
    measured = summary[summary["ok_count"] > 0]
    flagged = int((measured["flags"] != "").sum())
    sentences: list[Sentence] = []
    fewest = int(measured["ok_count"].min()) if len(measured) else 0
    if len(measured) == 0:
        sentences.append(["No cell of the measure pass has figures."])
    elif flagged:
        text = "{} with figures have a flag: a reason to look twice, not an error. {}."
        cells = figure(f"{flagged} of {len(measured)} cells")
        sentences.append(worded(text, cells, listed(_flag_counts(measured))))
    else:
        sentences.append(["No cell with figures has a flag."])
    if len(measured) and fewest < FEWEST_ROUNDS:
        few = int((measured["ok_count"] < FEWEST_ROUNDS).sum())
        sentences.append(
            worded(
                f"{{}} were measured by fewer than {FEWEST_ROUNDS} workers, so that they have no "
                "interval, and are not told apart from anything.",
                figure(f"{few} of {len(measured)} cells"),
            )
        )
    sentences += _without_figures(evidence.run.runs, summary)
    sentences += _explained(evidence)
    limits = evidence.data.limits
    if len(limits):
        drifted = limits[limits["flags"] == DRIFT]
        sentences.append(
            worded(
                "What the machine can do was probed at the start, in the middle and at the end: {} "
                f"differ by more than {DRIFT_SHARE:.0%} between their visits.",
                figure(f"{len(drifted)} of {len(limits)} probes"),
            )
        )
    return Finding("trust", "What not to trust", sentences)


def _flag_counts(measured: pd.DataFrame) -> list[Sentence]:
    names = measured["flags"].str.split(";").explode()
    counts = names[names != ""].value_counts().sort_index()
    ordered = counts.sort_values(ascending=False, kind="stable")
    return [[name(flag), f" in {count}"] for flag, count in ordered.items()]


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
    predicted = summary[summary["status"] == SKIPPED_PREDICTED]
    if len(predicted):
        strategies = sorted(set(strategy_names(predicted)))
        sentences.append(
            worded(
                "{} would have taken too much of the time budget, and were predicted from smaller "
                "sizes instead ({}): plots show them hollow or hatched, and no sentence here rests "
                "on them.",
                figure(counted(len(predicted), "cell")),
                listed([[name(strategy)] for strategy in strategies]),
            )
        )
    missing = summary[summary["status"] == SKIPPED_BUDGET]
    if len(missing):
        sentences.append(
            worded(
                "{} would have taken too much of the time budget, and too little of them could be "
                "measured to predict them: they are missing ({}); status_detail in summary.csv "
                "says which --budget has room for them.",
                figure(counted(len(missing), "cell")),
                listed([[name(strategy)] for strategy in sorted(set(strategy_names(missing)))]),
            )
        )
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
