"""Who is fastest, who is leanest, and by how much."""

from typing import NamedTuple, Optional, Sequence

import numpy as np
import pandas as pd

from growbench.analysis import reliance
from growbench.analysis.doubts import RANK
from growbench.findings.evidence import Evidence, Pair, ratio
from growbench.findings.finding import COLD, Finding, WARM, WHERE, cell_text
from growbench.findings.sentences import (
    Sentence,
    amount,
    counted,
    interval,
    listed,
    name,
    times,
    worded,
)
from growbench.tables.table import Column, Table
from growbench.data.units import show

_PEAK = "peak_memory"


def fastest(evidence: Evidence) -> Optional[Finding]:
    """Which cell of the article's size is the fastest, cold and warm, and by how much?"""
    cells = evidence.measured()
    sentences, rows = [], []
    for metric_name in (COLD, WARM):
        rounds = evidence.rounds_of(cells, metric_name)
        order = _by_median(cells, f"{metric_name}_median_ns")
        if len(order) < 2:
            continue
        sentences.append(
            [*_first_of(rounds, order, metric_name), *_in_doubt(order[:2], metric_name)]
        )
        rows += _first_on_each_allocator(rounds, order, metric_name)
    if not sentences:
        return None
    table = Table(
        "fastest",
        "The fastest strategy on each allocator",
        (
            Column("process", "process"),
            Column("allocator", "allocator"),
            Column("strategy", "smallest median"),
            Column("median_ns", "takes", "ns"),
            Column("next", "next"),
            Column("ratio", "\N{DIVISION SIGN} fastest", "factor"),
            Column("low", "95% interval", "interval:factor", "high"),
        ),
        pd.DataFrame(rows),
        ("Where the interval includes 1, the two cannot be told apart.",),
    )
    title = f"Who is fastest at {evidence.size}"
    return Finding("fastest", title, sentences, table, ("heat_map_cold", "heat_map_warm"))


class _Place(NamedTuple):
    """A cell and its median, and its doubts as in the summary."""

    pair: Pair
    median: float
    low: float
    high: float
    doubts: str


def _by_median(cells: pd.DataFrame, column: str) -> list[_Place]:
    """The cells that have that figure, the smallest first."""
    low, high = column.replace("_median_", "_ci_low_"), column.replace("_median_", "_ci_high_")
    places = [
        _Place((strategy, allocator), median, at_least, at_most, doubts)
        for strategy, allocator, median, at_least, at_most, doubts in zip(
            *(cells[name] for name in ("strategy", "allocator", column, low, high, "doubts"))
        )
        if median > 0
    ]
    return sorted(places, key=lambda place: (place.median, place.pair))


def _first_of(rounds: pd.DataFrame, order: Sequence[_Place], metric_name: str) -> Sentence:
    first, second = order[0], order[1]
    start = [f"{WHERE[metric_name]}, ", *cell_text(first.pair)]
    median = [amount(first.median, "ns"), *interval(first.low, first.high, "ns")]
    ahead = ratio(rounds, second.pair, first.pair)
    next_is = worded("the next, {}, takes {} as long", cell_text(second.pair), times(ahead.ratio))
    smallest = f"{{}} has the smallest median of {len(order)} cells: {{}}"
    if np.isnan(ahead.low):
        return worded(
            f"{smallest}; {{}}. There are too few rounds to tell whether that is more than chance.",
            start,
            median,
            next_is,
        )
    if ahead.low > 1.0:
        text = f"{{}} is the fastest of {len(order)} cells: {{}}; {{}}{{}}."
        return worded(text, start, median, next_is, interval(ahead.low, ahead.high))
    tied = listed([cell_text(pair) for pair in _not_slower(rounds, order)])
    return worded(f"{smallest}. It cannot be told apart from {{}}.", start, median, tied)


def _in_doubt(places: Sequence[_Place], metric_name: str) -> Sentence:
    """Which of the places are not to be relied on, and why; nothing where all are."""
    said: list = []
    for place in places:
        why = reliance.doubts_of_metric(place.doubts, RANK, metric_name)
        if why:
            text = " The place of {} is in doubt: {}."
            said += worded(text, cell_text(place.pair), listed([[name(doubt)] for doubt in why]))
    return said


def _not_slower(rounds: pd.DataFrame, order: Sequence[_Place]) -> list[Pair]:
    """The cells that are not shown to take longer than the first."""
    first = order[0].pair
    return [place.pair for place in order[1:] if not ratio(rounds, place.pair, first).low > 1.0]


def _first_on_each_allocator(
    rounds: pd.DataFrame, order: Sequence[_Place], metric_name: str
) -> list[dict]:
    rows = []
    for allocator in sorted({place.pair[1] for place in order}):
        of_allocator = [place for place in order if place.pair[1] == allocator]
        row: dict = {
            "process": "fresh" if metric_name == COLD else "steady",
            "allocator": allocator,
            "strategy": of_allocator[0].pair[0],
            "median_ns": of_allocator[0].median,
            **dict.fromkeys(("next", "ratio", "low", "high")),
        }
        if len(of_allocator) > 1:
            ahead = ratio(rounds, of_allocator[1].pair, of_allocator[0].pair)
            row.update(next=of_allocator[1].pair[0], **ahead._asdict())
        rows.append(row)
    return rows


def leanest(evidence: Evidence) -> Optional[Finding]:
    """Which cell of the article's size has the smallest peak?"""
    cells = evidence.measured()
    cells = cells[cells["peak_memory_ratio"] > 0]
    order = _by_median(cells, "peak_memory_median_bytes")
    if len(order) < 2:
        return None
    rounds = evidence.rounds_of(cells, _PEAK)
    runs = evidence.run.runs
    # A difference that is smaller than the error of a reading is none.
    error = float(runs["peak_resolution_bytes"].max())
    first, second = order[0], order[1]
    payload = float(cells["payload_bytes"].max())
    start = worded(
        f"{{}} has the smallest peak of {counted(len(order), 'cell')} at {evidence.size}: {{}}, "
        f"{show(first.median / payload, 'ratio')} the payload",
        cell_text(first.pair),
        amount(first.median, "bytes"),
    )
    ahead = ratio(rounds, second.pair, first.pair)
    if np.isnan(ahead.low):
        end = worded(
            "; the next is {}, {}. There are too few rounds to tell whether that is more than "
            "chance.",
            cell_text(second.pair),
            amount(second.median, "bytes"),
        )
    elif ahead.low > 1.0 and second.median - first.median > error:
        end = worded(
            "; the next, {}, needs {} as much{}.",
            cell_text(second.pair),
            times(ahead.ratio),
            interval(ahead.low, ahead.high),
        )
    else:
        alike = [
            cell_text(place.pair)
            for place in order[1:]
            if place.median - first.median <= error
            or not ratio(rounds, place.pair, first.pair).low > 1.0
        ]
        end = worded(
            ". It cannot be told apart from {}: a peak is read to within {}.",
            listed(alike),
            amount(error, "bytes"),
        )
    return Finding("leanest", "Who is leanest", [[*start, *end]], None, ("heat_map_peak",))
