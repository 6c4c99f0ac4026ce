"""Everything that is known of a run, worked out from its rows: what files and plots are made of."""

from typing import Callable, NamedTuple

import pandas as pd

from growbench.attribution import attribute
from growbench.columns import TRACE
from growbench.latency import latencies
from growbench.limits import machine_limits
from growbench.patterns import choices, crossovers_of_views, patterns
from growbench.summary import summarise


class Data(NamedTuple):
    """The tables of a run, or of a part of it.

    summary, attribution, latency: one row for each cell, as summarise(), attribute() and
    latencies() give them. timeline: the points of timeline.csv, with the cells' threads and work.
    limits: machine_limits(), always of the whole run. run: the summary of the whole run, for what
    needs cells of other parts beside its own. patterns, view_crossovers, choices: of the pattern
    pass of the whole run, as patterns(), crossovers_of_views() and choices() give them.
    """

    summary: pd.DataFrame
    attribution: pd.DataFrame
    latency: pd.DataFrame
    timeline: pd.DataFrame
    limits: pd.DataFrame
    run: pd.DataFrame
    patterns: pd.DataFrame
    view_crossovers: pd.DataFrame
    choices: pd.DataFrame

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
    traces = runs.loc[runs["pass"] == TRACE, ["position", "threads", "work"]]
    return Data(
        summary,
        attribute(runs, summary, limits),
        latencies(runs),
        timeline.merge(traces, "left", "position"),
        limits,
        summary,
        patterns(runs, limits),
        crossovers_of_views(runs),
        choices(runs),
    )
