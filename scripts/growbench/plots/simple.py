"""The plots that are one kind of figure of one quantity: a row each."""

from functools import partial
from typing import Optional

from matplotlib.figure import Figure

from growbench.analysis.analyse import Data
from growbench.data.article import METRIC, WARM
from growbench.data.metrics import PEAK_RATIO, metric
from growbench.figures.beside import draw_article_ratio
from growbench.figures.canvas import Context
from growbench.figures.factors import COPIED, draw_factors, each_move_copies
from growbench.figures.floor import floor_guide
from growbench.figures.heat_map import draw_heat_map
from growbench.figures.line_panels import Guide, draw_against
from growbench.figures.render import Plot
from growbench.figures.scaling import draw_scaling
from growbench.figures.time_against_peak import draw_time_against_peak

# Figures are drawn in other processes, which are sent functions by their names: so these are of the
# module. metric: of growbench.data.metrics.


def _heat_map(metric_name: str, data: Data, context: Context) -> Figure:
    return draw_heat_map(data.summary, context, metric(metric_name).quantity)


def _scaling(metric_name: str, data: Data, context: Context) -> Figure:
    return draw_scaling(data, context, metric(metric_name).quantity)


def _time_against_peak(metric_name: str, data: Data, context: Context) -> Figure:
    return draw_time_against_peak(data.summary, context, metric(metric_name).quantity)


def _by_allocator(metric_name: str, data: Data, context: Context) -> Figure:
    quantity, guide = metric(metric_name).quantity, _guide(metric_name, data)
    return draw_against(data.summary, context, quantity, "allocator", guide=guide)


def _by_strategy(metric_name: str, data: Data, context: Context) -> Figure:
    quantity, guide = metric(metric_name).quantity, _guide(metric_name, data)
    return draw_against(data.summary, context, quantity, "strategy", own_y=True, guide=guide)


def _guide(metric_name: str, data: Data) -> Optional[Guide]:
    """The floor of a cold build; a warm one touches no page."""
    return floor_guide(data) if metric_name.startswith("cold") else None


def _heat_map_of_peaks(data: Data, context: Context) -> Figure:
    return draw_heat_map(data.summary, context, PEAK_RATIO)


def _peak_by_allocator(data: Data, context: Context) -> Figure:
    note = "sizes whose peak is too close to the error of the reading are not shown"
    return draw_against(data.summary, context, PEAK_RATIO, "allocator", note)


def _article_ratio(data: Data, context: Context) -> Figure:
    return draw_article_ratio(data.ratios, METRIC, data, context)


def _article_ratio_warm(data: Data, context: Context) -> Figure:
    return draw_article_ratio(data.warm_ratios, WARM, data, context)


def _factor_time(metric_name: str, data: Data, context: Context) -> Figure:
    return draw_factors(data, context, metric(metric_name).quantity)


def _factor_copied(data: Data, context: Context) -> Figure:
    note = "blocks that the kernel moves by mremap are not copied"
    return draw_factors(data, context, COPIED, note, each_move_copies(data))


def _factor_peak(data: Data, context: Context) -> Figure:
    note = "sizes whose peak is too close to the error of the reading are not shown"
    return draw_factors(data, context, PEAK_RATIO, note)


# Name, help, what draws it, and whether it is of our own kernels only; once cold and once warm.
COLD_AND_WARM = (
    (
        "factor_{}",
        "{} build and release time against the growth factor, a panel per size",
        _factor_time,
        True,
    ),
    (
        "heat_map_{}",
        "{} build and release time, strategy x allocator, at the article's size",
        _heat_map,
        True,
    ),
    (
        "scaling_{}",
        "{} build and release time against threads that each build an array at once",
        _scaling,
        True,
    ),
    (
        "time_against_peak_{}",
        "{} build and release time against peak memory, at the article's size",
        _time_against_peak,
        True,
    ),
    (
        "time_by_allocator_{}",
        "{} build and release time against rows, a panel per allocator",
        _by_allocator,
        False,
    ),
    (
        "time_by_strategy_{}",
        "{} build and release time against rows, a panel per strategy",
        _by_strategy,
        True,
    ),
)
PLOTS = [
    Plot(name.format(state), text.format(state), partial(draw, f"{state}_build_release"), kernels)
    for name, text, draw, kernels in COLD_AND_WARM
    for state in ("cold", "warm")
] + [
    Plot(
        "article_ratio",
        "appending over preallocating, cold build time, of C, NumPy and Python against rows",
        _article_ratio,
        True,
    ),
    Plot(
        "article_ratio_warm",
        "the same in the steady state, with the release: what such an array takes once more",
        _article_ratio_warm,
        True,
    ),
    Plot(
        "factor_copied",
        "bytes copied over the payload against the growth factor, a panel per size",
        _factor_copied,
        True,
    ),
    Plot(
        "factor_peak",
        "peak memory over the payload against the growth factor, a panel per size",
        _factor_peak,
        True,
    ),
    Plot(
        "heat_map_peak",
        "peak memory over payload, strategy x allocator, at the article's size",
        _heat_map_of_peaks,
        True,
    ),
    Plot(
        "peak_by_allocator",
        "peak memory as a multiple of the payload against rows, a panel per allocator",
        _peak_by_allocator,
        True,
    ),
]
