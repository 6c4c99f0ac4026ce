"""From runs to a report: what is worked out of each, what of all of them together."""

from typing import NamedTuple, Optional, Sequence

import pandas as pd

from growbench.comparison.run import Run
from growbench.analysis.analyse import analyse
from growbench.analysis.doubts import FEWEST_WORKERS
from growbench.data.rounds import rounds_of_all
from growbench.figures.render import Told
from growbench.figures.pattern_slices import pattern_slices
from growbench.plots import all_plots
from growbench.report.copies import copies
from growbench.findings.evidence import Evidence, evidence
from growbench.report.figures import draw_pictures
from growbench.findings import findings
from growbench.report.page import Comparison, RunReport
from growbench.report.sections import listings
from growbench.report.side_by_side import side_by_side
from growbench.figures.slices import slices

# The order of the plots: the picture as a whole, then time, memory, and why. Others come after.
PLOT_ORDER = (
    "heat_map_cold",
    "heat_map_warm",
    "factor_cold",
    "factor_warm",
    "factor_copied",
    "factor_peak",
    "time_by_allocator_cold",
    "time_by_allocator_warm",
    "time_by_strategy_cold",
    "time_by_strategy_warm",
    "attribution",
    "article",
    "article_ratio",
    "article_ratio_warm",
    "implementations_cold",
    "floor_multiple",
    "in_place_share",
    "heat_map_peak",
    "peak_by_allocator",
    "timeline",
    "time_against_peak_cold",
    "time_against_peak_warm",
    "latency",
    "containers",
    "scaling_cold",
    "scaling_warm",
    "pattern_costs",
    "pattern_choices",
    "pattern_crossovers",
    "pattern_strides",
    "pattern_transpose",
)
# Those that are put side by side when there are several runs.
SIDE_BY_SIDE = (
    "heat_map_cold",
    "heat_map_warm",
    "heat_map_peak",
    "time_by_allocator_cold",
    "attribution",
)


class Source(NamedTuple):
    """A run and its timeline, as read_run() and read_timeline() give them."""

    run: Run
    timeline: pd.DataFrame


class Assembled(NamedTuple):
    """What page.html() takes."""

    reports: Sequence[RunReport]
    comparison: Optional[Comparison]


def assemble(
    sources: Sequence[Source],
    same: Optional[pd.DataFrame] = None,
    told: Told = lambda done, total: None,
) -> Assembled:
    """One run in full; of several what stands side by side, and each one's findings.

    same: the rows of the machine's A/A experiment, for several runs of one machine. told: of the
    plots of a run.
    """
    several = len(sources) > 1
    reports = [_report(source, several, told) for source in sources]
    evidences: list[Evidence] = [report.evidence for report in reports]
    return Assembled(reports, side_by_side(evidences, same) if several else None)


def _report(source: Source, several: bool, told: Told) -> RunReport:
    run = source.run
    data = analyse(run.runs, source.timeline)
    parts = slices(data, run.machine_id)
    of_run = evidence(run, data, parts)
    wanted = SIDE_BY_SIDE if several else PLOT_ORDER
    place = {name: number for number, name in enumerate(PLOT_ORDER)}
    plots = [plot for plot in all_plots() if not several or plot.name in wanted]
    plots.sort(key=lambda plot: (place.get(plot.name, len(place)), plot.name))
    if several:
        pictures = draw_pictures(plots, parts[:1], told)
        return RunReport(of_run, findings(of_run), pictures, [], _warnings(run))
    pictures = draw_pictures(plots, parts + pattern_slices(data, run.machine_id), told)
    of_patterns = {plot.name for plot in plots if plot.patterns}
    return RunReport(
        of_run,
        findings(of_run),
        [picture for picture in pictures if picture.plot not in of_patterns],
        listings(of_run),
        _warnings(run),
        copies(run.runs, data, [picture for picture in pictures if picture.plot in of_patterns]),
    )


def _warnings(run: Run) -> list[str]:
    """What the reader should know before anything else."""
    said = []
    if run.machine is None:
        said.append(
            "machine.json is not beside this run's runs.csv, so that nothing is known of the "
            "machine, the build and the libraries, and no cache size could be kept apart in the "
            "growth exponents."
        )
    _, rounds = rounds_of_all(run.runs)
    if 0 < rounds < FEWEST_WORKERS:
        said.append(
            f"This run has {rounds} round{'s' if rounds > 1 else ''}. Below {FEWEST_WORKERS} there "
            "are no intervals: figures are shown, and nothing is told apart."
        )
    if not rounds:
        said.append(
            "This run has neither a measure nor a pattern pass: there are no times to report."
        )
    return said
