"""Everything that is known of a run, worked out from its rows: what files and plots are made of."""

from typing import Callable, NamedTuple

import pandas as pd

from growbench.analysis.article_ratios import article_ratios
from growbench.data.article import WARM
from growbench.analysis.attribution import attribute
from growbench.data.columns import TRACE
from growbench.data.implementations import IDENTITY
from growbench.analysis.instructions import instructions
from growbench.analysis.latency import latencies
from growbench.analysis.limits import machine_limits
from growbench.analysis.patterns import choices, crossovers_of_views, patterns
from growbench.analysis.summary import summarise


class Data(NamedTuple):
    """The tables of a run, or of a part of it.

    summary, attribution, latency: one row for each cell, as summarise(), attribute() and
    latencies() give them. instructions: instructions() of the whole run. timeline: the
    points of timeline.csv, with the cells' threads and work.
    limits: machine_limits(), always of the whole run. run, run_attribution: the summary and the
    attribution of the whole run, for what needs cells of other parts beside its own. ratios,
    warm_ratios: article_ratios() of the whole run, of a first build and in the steady state.
    patterns, view_crossovers, choices: of the pattern pass of the whole run, as patterns(),
    crossovers_of_views() and choices() give them.
    """

    summary: pd.DataFrame
    attribution: pd.DataFrame
    latency: pd.DataFrame
    timeline: pd.DataFrame
    limits: pd.DataFrame
    run: pd.DataFrame
    run_attribution: pd.DataFrame
    ratios: pd.DataFrame
    warm_ratios: pd.DataFrame
    patterns: pd.DataFrame
    view_crossovers: pd.DataFrame
    choices: pd.DataFrame
    instructions: pd.DataFrame

    def part(self, chosen: Callable[[pd.DataFrame], pd.Series]) -> "Data":
        """The cells for which `chosen` is true, given a table with the columns of a cell."""
        tables = (self.summary, self.attribution, self.latency, self.timeline)
        summary, attribution, latency, timeline = (
            table[chosen(table)].reset_index(drop=True) for table in tables
        )
        return self._replace(
            summary=summary, attribution=attribution, latency=latency, timeline=timeline
        )


def analyse(runs: pd.DataFrame, timeline: pd.DataFrame) -> Data:
    """The tables of a whole run, from read_runs() and read_timeline()."""
    summary = summarise(runs)
    limits = machine_limits(runs)
    attribution = attribute(runs, summary, limits)
    traces = runs.loc[runs["pass"] == TRACE, ["position", "threads", "work"]]
    # What was traced for the pattern pass is none of the strategies that were measured.
    known = summary[list(IDENTITY)].drop_duplicates()
    points = timeline.merge(known, "inner", list(IDENTITY)).merge(traces, "left", "position")
    return Data(
        summary,
        attribution,
        latencies(runs),
        points.sort_values(["position", "rows_appended"], kind="stable", ignore_index=True),
        limits,
        summary,
        attribution,
        article_ratios(runs),
        article_ratios(runs, WARM),
        patterns(runs, limits),
        crossovers_of_views(runs),
        choices(runs),
        instructions(runs),
    )
