"""What the data say, in sentences: each finding is a function, and FINDINGS lists them.

A finding gets the Evidence of one run and returns a Finding, or None where the data do not support
one. Rules that all of them keep: an interval that includes 1 is never read as a difference; with
fewer than 6 rounds there are no intervals, and it is said that nothing can be told apart; what was
predicted or has no figures is not compared.

To add a finding, write its function and add it to FINDINGS, and its two cases to
tests/test_findings.py: data that support it, and data that do not.
"""

from typing import Callable, NamedTuple, Optional, Sequence

import numpy as np
import pandas as pd

from growbench.attribution import EXPLAINED_HIGH, EXPLAINED_LOW, PARTS, explained
from growbench.columns import MEASURE, OK, SKIPPED_PREDICTED, SKIPPED_ROUNDS
from growbench.containers import CONTAINERS
from growbench.latency import PERCENTILES, is_near_timer
from growbench.limits import DRIFT, DRIFT_SHARE
from growbench.metrics import metric
from growbench.report.evidence import Evidence, Pair, excludes, mean_ratio, ratio
from growbench.report.sentences import (
    Sentence,
    amount,
    counted,
    figure,
    interval,
    listed,
    name,
    times,
)
from growbench.shapes import crossings, exponents
from growbench.slices import SLICE_KEYS
from growbench.tables import Column, Table, factor
from growbench.units import show

# The article's two ways to build the array.
SLOW, FAST = "loop_and_append", "preallocate_zeroed"
# Whom the other allocators are held against, where it is there.
USUAL_ALLOCATOR = "glibc"
FEWEST_ROUNDS = 6
# A part that takes more than so much of the time is what the time goes into.
MOST_OF_IT = 0.5
# A share of the time in one append of a thousand that is worth telling.
HEAVY_TAIL = 0.1
# A peak of so many payloads is more than the array and a copy of it.
MORE_THAN_A_COPY = 2.0

COLD, WARM = "cold_build_release", "warm_build_release"
_WHERE = {COLD: "In a fresh process", WARM: "In the steady state"}
_PEAK = "peak_memory"


class Finding(NamedTuple):
    """key: unique, for links. title: what it is about. sentences: one paragraph each. table: the
    cells that support it, or None. plots: names of the plots that show it."""

    key: str
    title: str
    sentences: Sequence[Sentence]
    table: Optional[Table] = None
    plots: Sequence[str] = ()


def findings(evidence: Evidence) -> list[Finding]:
    """Everything that FINDINGS has to say of a run."""
    return [made for made in (function(evidence) for function in FINDINGS) if made is not None]


def fastest(evidence: Evidence) -> Optional[Finding]:
    """Which cell of the article's size is the fastest, cold and warm, and by how much?"""
    cells = evidence.measured()
    sentences, rows = [], []
    for metric_name in (COLD, WARM):
        rounds = evidence.rounds_of(cells, metric_name)
        order = _by_median(cells, f"{metric_name}_median_ns")
        if len(order) < 2:
            return None
        sentences.append(_first_of(rounds, order, metric_name))
        rows += _first_on_each_allocator(rounds, order, metric_name)
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
    """A cell and its median."""

    pair: Pair
    median: float
    low: float
    high: float


def _by_median(cells: pd.DataFrame, column: str) -> list[_Place]:
    """The cells that have that figure, the smallest first."""
    low, high = column.replace("_median_", "_ci_low_"), column.replace("_median_", "_ci_high_")
    places = [
        _Place((strategy, allocator), median, at_least, at_most)
        for strategy, allocator, median, at_least, at_most in zip(
            cells["strategy"], cells["allocator"], cells[column], cells[low], cells[high]
        )
        if median > 0
    ]
    return sorted(places, key=lambda place: (place.median, place.pair))


def _cell(pair: Pair) -> list:
    return [name(pair[0]), " on ", name(pair[1])]


def _first_of(rounds: pd.DataFrame, order: Sequence[_Place], metric_name: str) -> Sentence:
    first, second = order[0], order[1]
    start = [f"{_WHERE[metric_name]}, ", *_cell(first.pair)]
    median = [amount(first.median, "ns"), *interval(first.low, first.high, "ns")]
    ahead = ratio(rounds, second.pair, first.pair)
    next_is = ["the next, ", *_cell(second.pair), ", takes ", times(ahead.ratio), " as long"]
    if np.isnan(ahead.low):
        return [
            *start,
            f" has the smallest median of {len(order)} cells: ",
            *median,
            "; ",
            *next_is,
            ". There are too few rounds to tell whether that is more than chance.",
        ]
    if ahead.low > 1.0:
        return [
            *start,
            f" is the fastest of {len(order)} cells: ",
            *median,
            "; ",
            *next_is,
            *interval(ahead.low, ahead.high),
            ".",
        ]
    tied = _not_slower(rounds, order)
    return [
        *start,
        f" has the smallest median of {len(order)} cells: ",
        *median,
        ". It cannot be told apart from ",
        *listed([_cell(pair) for pair in tied]),
        ".",
    ]


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
    start = [*_cell(first.pair), " has the smallest peak of "]
    start += [f"{counted(len(order), 'cell')} at {evidence.size}: "]
    start += [
        amount(first.median, "bytes"),
        f", {show(first.median / payload, 'ratio')} the payload",
    ]
    ahead = ratio(rounds, second.pair, first.pair)
    if np.isnan(ahead.low):
        end: Sentence = [
            "; the next is ",
            *_cell(second.pair),
            ", ",
            amount(second.median, "bytes"),
            ". There are too few rounds to tell whether that is more than chance.",
        ]
    elif ahead.low > 1.0 and second.median - first.median > error:
        end = [
            "; the next, ",
            *_cell(second.pair),
            ", needs ",
            times(ahead.ratio),
            " as much",
            *interval(ahead.low, ahead.high),
            ".",
        ]
    else:
        alike = [
            place.pair
            for place in order[1:]
            if place.median - first.median <= error
            or not ratio(rounds, place.pair, first.pair).low > 1.0
        ]
        end = [
            ". It cannot be told apart from ",
            *listed([_cell(pair) for pair in alike]),
            ": a peak is read to within ",
            amount(error, "bytes"),
            ".",
        ]
    return Finding("leanest", "Who is leanest", [[*start, *end]], None, ("heat_map_peak",))


def article_question(evidence: Evidence) -> Optional[Finding]:
    """How many times as long as filling a zeroed array does appending with a copy take, and why?"""
    cells = evidence.measured()
    cells = cells[cells["strategy"].isin((SLOW, FAST))]
    cold, warm = evidence.rounds_of(cells, COLD), evidence.rounds_of(cells, WARM)
    why = _shares(evidence)
    rows = []
    for allocator in sorted(set(cells["allocator"])):
        of_cold = ratio(cold, (SLOW, allocator), (FAST, allocator))
        of_warm = ratio(warm, (SLOW, allocator), (FAST, allocator))
        if np.isnan(of_cold.ratio):
            continue
        row = {"allocator": allocator, "cold": of_cold.ratio, "cold_low": of_cold.low}
        row.update(cold_high=of_cold.high, warm=of_warm.ratio)
        row.update(warm_low=of_warm.low, warm_high=of_warm.high)
        rows.append({**row, **why.get(allocator, {})})
    if not rows:
        return None
    frame = pd.DataFrame(rows).sort_values("cold", ascending=False, kind="stable")
    sentences = [_how_many_times(frame, evidence)]
    columns = [
        Column("allocator", "allocator"),
        Column("cold", "cold \N{DIVISION SIGN}", "factor"),
        Column("cold_low", "95% interval", "interval:factor", "cold_high"),
        Column("warm", "warm \N{DIVISION SIGN}", "factor"),
        Column("warm_low", "95% interval", "interval:factor", "warm_high"),
    ]
    plots = ["heat_map_cold"]
    notes: tuple[str, ...] = ()
    if why and "page_fault_count" in frame:
        notes = ("Shares of the time are modelled one by one, and need not add up to 100%.",)
        sentences.append(_what_it_goes_into(frame))
        columns += [Column(part.name, part.label, "whole_share") for part in PARTS]
        columns.append(Column("page_fault_count", "faults", "count"))
        plots.append("attribution")
    title = f"{SLOW} \N{DIVISION SIGN} {FAST} on each allocator"
    table = Table("article", title, columns, frame, notes)
    title = "The article's question: appending or preallocating?"
    return Finding("article", title, [s for s in sentences if s], table, plots)


def _shares(evidence: Evidence) -> dict[str, dict]:
    """For each allocator the shares of the cold build of SLOW, where all parts are known and
    explain it."""
    table = evidence.main.attribution
    chosen = (table["rows"] == evidence.rows) & (table["strategy"] == SLOW)
    chosen &= (table["unknown_parts"] == "") & (table["cold_build_ns"] > 0)
    # Where the parts do not come to about the measured time, their shares say nothing of it.
    chosen &= table["explained_share"].between(EXPLAINED_LOW, EXPLAINED_HIGH)
    return {
        cell["allocator"]: {
            **{part.name: cell[part.name] / cell["cold_build_ns"] for part in PARTS},
            "page_fault_count": cell["page_fault_count"],
        }
        for cell in table[chosen].to_dict("records")
    }


def _how_many_times(frame: pd.DataFrame, evidence: Evidence) -> Sentence:
    """The ratios in a fresh process, largest first."""
    told = [row for row in frame.to_dict("records")]
    ratios = [
        [figure(factor(row["cold"]))]
        + interval(row["cold_low"], row["cold_high"])
        + [" on ", name(row["allocator"])]
        for row in told
    ]
    parts: list = [
        f"At {evidence.size}, in a fresh process, ",
        name(SLOW),
        " takes so many times as ",
    ]
    parts += ["long as ", name(FAST), ": "]
    parts += listed(ratios, most=len(ratios)) + ["."]
    if np.isnan(frame["cold_low"]).all():
        return [*parts, " There are too few rounds for intervals."]
    alike = [row for row in told if row["cold_low"] <= 1.0 <= row["cold_high"]]
    if alike:
        parts += [" The two cannot be told apart on "]
        parts += [*listed([[name(row["allocator"])] for row in alike]), "."]
    return parts


def _what_it_goes_into(frame: pd.DataFrame) -> Sentence:
    """Which part takes most of the time on which allocators."""
    clauses: list[Sentence] = []
    for part in PARTS:
        if part.name not in frame:
            continue
        most = frame[frame[part.name] > MOST_OF_IT].sort_values("allocator", kind="stable")
        if most.empty:
            continue
        on = [
            [name(row["allocator"]), " (", figure(f"{row[part.name]:.0%}"), ")"]
            for row in most.to_dict("records")
        ]
        clauses.append([f"{part.label} on ", *listed(on, most=len(on))])
    if not clauses:
        return []
    return [
        "Counts of what the build did \N{MULTIPLICATION SIGN} what each thing costs on this "
        "machine say that most of that time goes into ",
        *listed(clauses, most=len(clauses)),
        ".",
    ]


def swapping_allocators(evidence: Evidence) -> Optional[Finding]:
    """What does another allocator do to the same strategies?"""
    cells = evidence.measured()
    allocators = sorted(set(cells["allocator"]))
    usual = _usual(cells)
    if len(allocators) < 2 or not usual:
        return None
    rows = []
    for metric_name in (COLD, WARM):
        rounds = evidence.rounds_of(cells, metric_name)
        for other in allocators:
            row = _swap(rounds, usual, other) if other != usual else None
            if row:
                process = "fresh" if metric_name == COLD else "steady"
                rows.append({"process": process, "allocator": other, **row})
    if not rows:
        return None
    frame = pd.DataFrame(rows)
    sentences = [
        sentence
        for process, metric_name in (("fresh", COLD), ("steady", WARM))
        for sentence in [_swap_sentence(frame[frame["process"] == process], metric_name, usual)]
        if sentence
    ]
    if not sentences:
        return None
    table = Table(
        "allocators",
        f"Each allocator \N{DIVISION SIGN} {usual}: geometric mean over strategies, and extremes",
        (
            Column("process", "process"),
            Column("allocator", "allocator"),
            Column("members", "strategies", "count"),
            Column("ratio", f"\N{DIVISION SIGN} {usual}", "factor"),
            Column("low", "95% interval", "interval:factor", "high"),
            Column("best", "gains most"),
            Column("best_ratio", "ratio", "factor"),
            Column("best_low", "95% interval", "interval:factor", "best_high"),
            Column("worst", "loses most"),
            Column("worst_ratio", "ratio", "factor"),
            Column("worst_low", "95% interval", "interval:factor", "worst_high"),
        ),
        frame,
        (f"At {evidence.size}. Below 1: faster than on {usual}.",),
    )
    plots = ("time_by_strategy_cold", "time_by_strategy_warm")
    return Finding("allocators", "What swapping the allocator does", sentences, table, plots)


def _usual(cells: pd.DataFrame) -> str:
    """The allocator that others are held against: glibc, or the one with the most cells."""
    counts = cells["allocator"].value_counts()
    if counts.empty:
        return ""
    if USUAL_ALLOCATOR in counts:
        return USUAL_ALLOCATOR
    return str(sorted(counts.index[counts == counts.max()])[0])


def _swap(rounds: pd.DataFrame, usual: str, other: str) -> Optional[dict]:
    strategies = sorted({strategy for strategy, _ in rounds.columns})
    mean = mean_ratio(rounds, [((s, other), (s, usual)) for s in strategies])
    ratios = {s: ratio(rounds, (s, other), (s, usual)) for s in strategies}
    ratios = {s: of for s, of in ratios.items() if not np.isnan(of.ratio)}
    if not ratios or np.isnan(mean.ratio):
        return None
    best = min(ratios, key=lambda s: (ratios[s].ratio, s))
    worst = max(ratios, key=lambda s: (ratios[s].ratio, s))
    row: dict = mean._asdict()
    for label, strategy in (("best", best), ("worst", worst)):
        row[label] = strategy
        of = ratios[strategy]
        row.update({f"{label}_ratio": of.ratio, f"{label}_low": of.low, f"{label}_high": of.high})
    return row


def _swap_sentence(frame: pd.DataFrame, metric_name: str, usual: str) -> Sentence:
    """Who is faster and who is slower than the usual one, in the mean; who is neither."""
    if frame.empty:
        return []
    many = int(frame["members"].max())
    start: list = [f"{_WHERE[metric_name]}, over {counted(many, 'strategy', 'strategies')} "]
    start += ["(geometric mean of the times as ratios to ", name(usual), "): "]
    rows = frame.sort_values("ratio", kind="stable").to_dict("records")
    if all(np.isnan(row["low"]) for row in rows):
        ratios = [[name(row["allocator"]), " ", figure(factor(row["ratio"]))] for row in rows]
        end = "; there are too few rounds to tell them apart."
        return [*start, *listed(ratios, most=len(ratios)), end]
    clauses: list[Sentence] = []
    groups = (
        ("faster: ", [row for row in rows if row["high"] < 1.0]),
        ("slower: ", [row for row in rows if row["low"] > 1.0]),
        ("cannot be told apart: ", [row for row in rows if not excludes(row["low"], row["high"])]),
    )
    for label, members in groups:
        told: list[Sentence] = [
            [
                name(row["allocator"]),
                " ",
                figure(factor(row["ratio"])),
                *interval(row["low"], row["high"]),
            ]
            for row in members
        ]
        if told:
            clauses.append([label, *listed(told, most=len(told))])
    parts = list(start)
    for number, clause in enumerate(clauses):
        parts += ["; " if number else "", *clause]
    return [*parts, "."]


def growth(evidence: Evidence) -> Optional[Finding]:
    """To which power of the number of rows do cold times grow?"""
    curves = exponents(_main_runs(evidence), evidence.run.machine, metric(COLD))
    told = curves[curves["ci_low"].notna() & (curves["largest_rows"] > curves["smallest_rows"])]
    if told.empty:
        return None
    one_regime = told[~told["straddles"]]
    low, high = one_regime["ci_low"], one_regime["ci_high"]
    groups = (
        ("more than linearly (interval above 1): ", one_regime[low > 1.0]),
        ("less than linearly (interval below 1): ", one_regime[high < 1.0]),
    )
    linear = one_regime[(low <= 1.0) & (high >= 1.0)]
    sentence: list = [
        f"Over their largest sizes, {counted(len(told), 'curve')} of cold time against rows have "
        "an exponent with an interval. "
    ]
    if len(linear):
        sentence += [figure(str(len(linear))), " cannot be told apart from 1, which is linear"]
    clauses: list[Sentence] = []
    for label, members in groups:
        if len(members):
            order = members.sort_values("exponent", ascending=label.startswith("less"))
            listing = [_curve_text(row) for row in order.to_dict("records")]
            clauses.append([figure(str(len(members))), " grow ", label, *listed(listing)])
    for clause in clauses:
        sentence += ["; " if sentence[-1] != sentence[0] else "", *clause]
    sentences: list[Sentence] = []
    if len(linear) or clauses:
        sentences.append([*sentence, "."])
    mixed = told[told["straddles"]]
    if len(mixed):
        order = mixed.sort_values("exponent", ascending=False)
        sentences.append(
            [
                figure(str(len(mixed))),
                " more rest on sizes that lie on both sides of a cache's "
                "size or of glibc's mmap threshold, so that "
                "their exponent is of two regimes at once and no power law: ",
                *listed([_curve_text(row) for row in order.to_dict("records")]),
                ".",
            ]
        )
    if not evidence.run.machine or not bool(told["caches_known"].all()):
        sentences.append(
            [
                "The machine's caches are not known, so "
                "that such boundaries could not be kept out."
            ]
        )
    notable = told[(told["ci_low"] > 1.0) | told["straddles"]]
    frame = notable.sort_values("exponent", ascending=False, kind="stable")
    frame = frame.assign(regimes=np.where(frame["straddles"], "straddles", "one"))
    table = Table(
        "steep",
        "Curves that are steeper than linear, or of two regimes",
        GROWTH_COLUMNS,
        frame,
    )
    plots = ("time_by_allocator_cold",)
    shown = table if len(frame) else None
    return Finding("growth", "How time grows with the number of rows", sentences, shown, plots)


GROWTH_COLUMNS = (
    Column("strategy", "strategy"),
    Column("allocator", "allocator"),
    Column("exponent", "exponent", "exponent"),
    Column("ci_low", "95% interval", "interval:exponent", "ci_high"),
    Column("smallest_rows", "from rows", "count"),
    Column("largest_rows", "to rows", "count"),
    Column("regimes", "regimes"),
)


def _curve_text(row: dict) -> Sentence:
    return [
        *_cell((row["strategy"], row["allocator"])),
        " ",
        figure(f"{row['exponent']:.2f}"),
        f" ({row['ci_low']:.2f} to {row['ci_high']:.2f})",
    ]


def _main_runs(evidence: Evidence) -> pd.DataFrame:
    """The rows of the main slice."""
    keys = ["implementation", *SLICE_KEYS]
    cells = evidence.main.summary[keys].drop_duplicates()
    return evidence.run.runs.merge(cells, "inner", keys)


def crossovers(evidence: Evidence) -> Optional[Finding]:
    """From which number of rows on is another strategy the faster one?"""
    crossed = crossings(_main_runs(evidence), metric(COLD))
    crossed = crossed[crossed["ci_low"].notna()]
    if crossed.empty:
        return None
    # The larger the lesser of the two gains, the more it costs to choose wrongly.
    worth = crossed[["gain_below", "gain_above"]].min(axis=1)
    order = crossed.assign(worth=worth).sort_values(
        ["worth", "allocator", "a", "b"], ascending=[False, True, True, True], kind="stable"
    )
    pairs = crossed[["allocator", "a", "b"]].drop_duplicates()
    first: list = [
        figure(counted(len(pairs), "pair")),
        " of strategies on the same allocator cross in cold time within the sizes measured, in a "
        "way that the intervals support on both sides. Where a wrong choice costs most: ",
    ]
    told = [
        [
            name(row["faster_above"]),
            " beats ",
            name(row["faster_below"]),
            " on ",
            name(row["allocator"]),
            " from ",
            figure(f"{row['rows']:,.0f} rows"),
            f" on ({row['ci_low']:,.0f} to {row['ci_high']:,.0f})",
        ]
        for row in order.head(3).to_dict("records")
    ]
    sentences = [[*first, *listed(told, most=3), "."]]
    table = Table(
        "crossovers",
        "Crossovers of cold times, the costliest first",
        CROSSOVER_COLUMNS,
        order.head(10),
        (f"{len(order)} in all.",) if len(order) > 10 else (),
    )
    return Finding(
        "crossovers", "Where strategies cross over", sentences, table, ("time_by_allocator_cold",)
    )


CROSSOVER_COLUMNS = (
    Column("allocator", "allocator"),
    Column("faster_below", "faster below"),
    Column("rows", "rows", "count"),
    Column("ci_low", "95% interval", "interval:count", "ci_high"),
    Column("faster_above", "faster above"),
    Column("gain_below", "up to, below", "factor"),
    Column("gain_above", "up to, above", "factor"),
)


def memory(evidence: Evidence) -> Optional[Finding]:
    """How many times its payload does an array need at its peak?"""
    cells = evidence.measured()
    cells = cells[cells["peak_memory_ratio"].notna()]
    if cells.empty:
        return None
    rows = []
    for strategy, of in cells.groupby("strategy", sort=True):
        least, most = (of.loc[of["peak_memory_ratio"].agg(which)] for which in ("idxmin", "idxmax"))
        row = {"strategy": strategy, "count": len(of)}
        for label, cell in (("least", least), ("most", most)):
            row.update(
                {
                    label: cell["peak_memory_ratio"],
                    f"{label}_low": cell["peak_memory_ratio_ci_low"],
                    f"{label}_high": cell["peak_memory_ratio_ci_high"],
                    f"{label}_allocator": cell["allocator"],
                }
            )
        rows.append(row)
    frame = pd.DataFrame(rows).sort_values("most", kind="stable", ascending=False)
    # Beyond what chance and the error of a reading can do.
    error = float(evidence.run.runs["peak_resolution_bytes"].max()) / cells["payload_bytes"]
    above = cells[cells["peak_memory_ratio_ci_low"] - error > MORE_THAN_A_COPY]
    worst = frame.iloc[0]
    sentences: list[Sentence] = []
    if len(frame) > 1 or len(cells) > 1:
        sentences.append(
            [
                f"At {evidence.size} the largest median peak is that of ",
                *_cell((worst["strategy"], worst["most_allocator"])),
                ": ",
                figure(show(worst["most"], "ratio")),
                " the payload",
                *interval(worst["most_low"], worst["most_high"]),
                ".",
            ]
        )
    if len(above):
        sentences.append(
            [
                figure(counted(len(above), "cell")),
                f" of {len(cells)} need more than twice their payload, which is more than the "
                "array and a whole copy of it: ",
                *listed(
                    [
                        [name(strategy), f" on {counted(len(of), 'allocator')}"]
                        for strategy, of in above.groupby("strategy", sort=True)
                    ],
                    most=12,
                ),
                ".",
            ]
        )
    if not sentences:
        return None
    table = Table(
        "memory",
        "Peak memory over payload",
        (
            Column("strategy", "strategy"),
            Column("count", "allocators", "count"),
            Column("least", "least", "factor"),
            Column("least_low", "95% interval", "interval:factor", "least_high"),
            Column("least_allocator", "on"),
            Column("most", "most", "factor"),
            Column("most_low", "95% interval", "interval:factor", "most_high"),
            Column("most_allocator", "on"),
        ),
        frame,
    )
    return Finding(
        "memory", "Memory at the peak", sentences, table, ("heat_map_peak", "peak_by_allocator")
    )


def single_appends(evidence: Evidence) -> Optional[Finding]:
    """How slow is the slowest append of many?"""
    cells = evidence.main.latency
    cells = cells[(cells["rows"] == evidence.rows) & (cells["ok_count"] > 0)]
    cells = cells[cells["latency_max_ns"].notna()]
    if len(cells) < 2:
        return None
    by_tail = cells.sort_values(["latency_max_ns", "strategy", "allocator"], kind="stable")
    lightest, heaviest = by_tail.iloc[0], by_tail.iloc[-1]
    workers = int(cells["ok_count"].max())
    builds = (
        "one cold build of each cell" if workers == 1 else f"{workers} cold builds of each cell"
    )
    sentences: list[Sentence] = [
        [
            f"At {evidence.size}, in {builds}, the slowest single append took from ",
            amount(lightest["latency_max_ns"], "ns"),
            " (",
            *_cell((lightest["strategy"], lightest["allocator"])),
            ") to ",
            amount(heaviest["latency_max_ns"], "ns"),
            " (",
            *_cell((heaviest["strategy"], heaviest["allocator"])),
            "). One build tells how large such pauses are, not how sure that is.",
        ]
    ]
    heavy = cells[cells["latency_slowest_share"] > HEAVY_TAIL]
    if len(heavy):
        worst = heavy.loc[heavy["latency_slowest_share"].idxmax()]
        sentences.append(
            [
                "In ",
                figure(f"{len(heavy)} of {len(cells)} cells"),
                f" the slowest thousandth of the appends takes more than {HEAVY_TAIL:.0%} of the "
                "whole time; most in ",
                *_cell((worst["strategy"], worst["allocator"])),
                ": ",
                figure(show(worst["latency_slowest_share"], "share")),
                ".",
            ]
        )
    median = PERCENTILES[0]
    near = int(is_near_timer(cells, median).sum())
    if near:
        sentences.append(
            [
                "In ",
                figure(f"{near} of {len(cells)} cells"),
                " the median append takes less than twice what reading the clock does, so that "
                "the median tells nothing.",
            ]
        )
    table = _slowest_by_strategy(cells)
    return Finding("tail", "The tail of single appends", sentences, table, ("latency",))


def _slowest_by_strategy(cells: pd.DataFrame) -> Table:
    rows = []
    for strategy, of in cells.groupby("strategy", sort=True):
        low, high = of["latency_max_ns"].min(), of["latency_max_ns"].max()
        shares = of["latency_slowest_share"]
        rows.append(
            {
                "strategy": strategy,
                "count": len(of),
                "p99": of["latency_p99_ns"].median(),
                "p99_9": of["latency_p99_9_ns"].median(),
                "max_low": low,
                "max_high": high,
                "share_low": shares.min(),
                "share_high": shares.max(),
            }
        )
    return Table(
        "tail",
        "Single appends by strategy",
        (
            Column("strategy", "strategy"),
            Column("count", "allocators", "count"),
            Column("p99", "99%, median of the allocators", "ns"),
            Column("p99_9", "99.9%", "ns"),
            Column("max_low", "slowest, range over the allocators", "interval:ns", "max_high"),
            Column(
                "share_low",
                "share of the slowest 0.1%, range",
                "interval:whole_share",
                "share_high",
            ),
        ),
        pd.DataFrame(rows).sort_values("max_high", ascending=False, kind="stable"),
    )


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
            *_cell((cell["strategy"], cell["allocator"])),
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


def containers(evidence: Evidence) -> Optional[Finding]:
    """How do the containers that people use do beside the kernel that does the same work?"""
    summary = evidence.data.summary
    if evidence.main.summary.empty:
        return None
    like = evidence.main.summary.iloc[0]
    cells = summary[(summary["rows"] == evidence.rows) & (summary["ok_count"] > 0)]
    for key in ("row_bytes", "threads", "work"):
        cells = cells[cells[key] == like[key]]
    rounds = evidence.rounds_of(cells, WARM)
    rows: list[dict] = []
    for container, row in CONTAINERS.items():
        allocators = sorted({allocator for strategy, allocator in rounds if strategy == container})
        pairs = [((row.kernel, a), (container, a)) for a in allocators]
        mean = mean_ratio(rounds, pairs)
        if not np.isnan(mean.ratio):
            rows.append({"container": container, "kernel": row.kernel, **mean._asdict()})
    told = [row for row in rows if excludes(row["low"], row["high"])]
    if not rows:
        return None
    frame = pd.DataFrame(rows)
    if told:
        sentence: list = [
            f"In the steady state, at {evidence.size}, our kernel that does the same work takes, "
            "in the geometric mean over the allocators, "
        ]
        sentence += listed(
            [
                [times(row["ratio"]), *interval(row["low"], row["high"]), " as long as "]
                + [name(row["container"])]
                for row in told
            ],
            most=len(told),
        )
        sentence.append(".")
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
        sentences.append(
            [
                figure(f"{flagged} of {len(measured)} cells"),
                " with figures have a flag: a reason to look twice, not an error. ",
                *listed(_flag_counts(measured)),
                ".",
            ]
        )
    else:
        sentences.append(["No cell with figures has a flag."])
    if len(measured) and fewest < FEWEST_ROUNDS:
        few = int((measured["ok_count"] < FEWEST_ROUNDS).sum())
        sentences.append(
            [
                figure(f"{few} of {len(measured)} cells"),
                f" were measured by fewer than {FEWEST_ROUNDS} workers, so that they have no "
                "interval, and are not told apart from anything.",
            ]
        )
    sentences += _without_figures(evidence.run.runs, summary)
    sentences += _explained(evidence)
    limits = evidence.data.limits
    if len(limits):
        drifted = limits[limits["flags"] == DRIFT]
        sentences.append(
            [
                "What the machine can do was probed at the start, in the middle and at the end: ",
                figure(f"{len(drifted)} of {len(limits)} probes"),
                f" differ by more than {DRIFT_SHARE:.0%} between their visits.",
            ]
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
    planned = (OK, SKIPPED_PREDICTED, SKIPPED_ROUNDS)
    lost = workers[~workers["status"].isin(planned)]
    if len(lost):
        counts = lost["status"].value_counts().sort_index()
        told: list[Sentence] = [[name(status), f" {count}"] for status, count in counts.items()]
        sentences.append(
            [
                figure(f"{len(lost):,} of {len(workers):,} workers"),
                " of the measure pass have no figures: ",
                *listed(told, most=len(told)),
                ".",
            ]
        )
    predicted = summary[summary["status"] == SKIPPED_PREDICTED]
    if len(predicted):
        strategies = sorted(set(predicted["strategy"]))
        sentences.append(
            [
                figure(counted(len(predicted), "cell")),
                " would have taken too much of the time budget, and were predicted from smaller "
                "sizes instead (",
                *listed([[name(strategy)] for strategy in strategies]),
                "): plots show them hollow or hatched, and no sentence here rests on them.",
            ]
        )
    return sentences


def _explained(evidence: Evidence) -> list[Sentence]:
    if evidence.data.limits.empty:
        return []
    share = explained(evidence.data.attribution)
    if not len(share.cells):
        return []
    return [
        [
            "Of the cold builds of our kernels that take 100 \N{MICRO SIGN}s and more, the model "
            "of counts \N{MULTIPLICATION SIGN} costs explains ",
            figure(f"{share.within} of {len(share.cells)}"),
            " to 75% to 125% of the measured time; where it does not, the shares of the time are "
            "to be taken with care.",
        ]
    ]


FINDINGS: tuple[Callable[[Evidence], Optional[Finding]], ...] = (
    fastest,
    article_question,
    swapping_allocators,
    growth,
    crossovers,
    cold_and_warm,
    leanest,
    memory,
    single_appends,
    containers,
    trust,
)
