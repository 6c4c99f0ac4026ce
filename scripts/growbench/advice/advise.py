"""Which strategy and which allocator to take for a given number of rows, from what was measured.

The answer is of the run's machine. It rests on measured sizes, or on two of them with a power law
in between; it goes at most one step beyond, and says so.
"""

from typing import NamedTuple, Sequence

import numpy as np
import pandas as pd

from growbench.data.columns import LATENCY, MEASURE, PATTERN
from growbench.data.statuses import NO_FAILURES, OK
from growbench.comparison.run import Run
from growbench.data.errors import UsageError
from growbench.data.implementations import C, COMPILED, is_compiled, ordered, strategy_name
from growbench.analysis.latency import NEAR_TIMER
from growbench.data.metrics import metric
from growbench.analysis.shapes import CURVE, boundaries, knows_caches, measured
from growbench.statistics.paired import PairedRatio, paired_ratio, ratios_of_rows
from growbench.analysis.summary import LARGEST_RESOLUTION_SHARE
from growbench.tables.formats import as_records
from growbench.data.text import printable
from growbench.tables.table import Column, Table, factor
from growbench.data.traits import is_contiguous, needs_rows
from growbench.data.units import show, tick

TIME, PEAK, TAIL = "time", "peak", "tail"
WEIGHTS = (TIME, PEAK, TAIL)
SHOWN = 5
_NAMED = 3
_FIRST_CHOICE_WORK = "cheap"
_DEFAULT_ALLOCATOR = "glibc"
_CANDIDATE = ("implementation", "strategy", "allocator")


class Case(NamedTuple):
    """What somebody has to build, and what matters to them.

    weight: TIME (build and release, in a fresh process or, if warm, in the steady state), PEAK
    (peak memory) or TAIL (single appends: the 99.9th percentile). known_rows: the number of rows is
    known when building begins. contiguous: the rows have to lie in one block in the end.
    implementation, strategy, allocator: only these; empty for all, but of implementations for all
    that are compiled. work: "" for cheap rows, or what there is.
    """

    rows: int
    row_bytes: int
    weight: str = TIME
    warm: bool = False
    known_rows: bool = False
    contiguous: bool = False
    implementation: tuple[str, ...] = ()
    strategy: tuple[str, ...] = ()
    allocator: tuple[str, ...] = ()
    threads: int = 1
    work: str = ""

    @property
    def payload_bytes(self) -> int:
        return self.rows * self.row_bytes * self.threads


class Advice(NamedTuple):
    """sentences: what to take, the runner-up, what else. warnings: why to be careful. ranking: the
    best ones, best first; see rank(). outside: the case is outside of what was measured."""

    case: Case
    sentences: list[str]
    warnings: list[str]
    ranking: Table
    outside: bool

    def records(self) -> dict:
        """For JSON."""
        return {
            "case": self.case._asdict(),
            "outside_of_what_was_measured": self.outside,
            "sentences": self.sentences,
            "warnings": self.warnings,
            "ranking": as_records(self.ranking),
        }


class Place(NamedTuple):
    """Where the case lies among the sizes that were measured.

    row_bytes: measured. rows: of that size, with the payload of the case. low, high: the measured
    sizes that it is worked out from; the same where one is enough. share: 0 at low and 1 at high,
    in logarithms; below 0 or above 1 outside. warnings: what is not as it was asked for.
    """

    row_bytes: int
    rows: float
    low: int
    high: int
    share: float
    warnings: list[str]
    outside: bool


class Estimates(NamedTuple):
    """candidates: one row each. logs: candidates x rounds, logarithms; nan where unknown."""

    candidates: pd.DataFrame
    logs: np.ndarray

    def only(self, chosen: np.ndarray) -> "Estimates":
        return Estimates(self.candidates[chosen].reset_index(drop=True), self.logs[chosen])


class _Weight(NamedTuple):
    """unit: of the values. label: of the column. compared: completes "it takes 1.2 times ..."."""

    unit: str
    label: str
    compared: str


def _weight(case: Case) -> _Weight:
    if case.weight == PEAK:
        return _Weight("bytes", "Peak memory", "needs {} times as much memory at its peak")
    if case.weight == TAIL:
        return _Weight("ns", "99.9% of appends within", "takes {} times as long at 99.9%")
    return _Weight("ns", "Warm" if case.warm else "Cold", "takes {} times as long")


def advise(run: Run, case: Case) -> Advice:
    """What to take for the case. Raises UsageError if the run cannot tell."""
    asked, case = case, _checked(run, case)
    figures = _figures(run.runs, case)
    place = _nearest(case, figures) if case.weight == TAIL else _between(case, figures)
    estimates = _estimates(figures[figures["row_bytes"] == place.row_bytes], place)
    failed = _failed(run.runs, case, place)
    names = pd.MultiIndex.from_frame(estimates.candidates[list(_CANDIDATE)])
    healthy = estimates.only(~names.isin(failed))
    strategies = healthy.candidates["strategy"]
    fit = np.array([is_contiguous(s) or not case.contiguous for s in strategies], dtype=bool)
    blind = np.array([not needs_rows(s) for s in strategies], dtype=bool)
    allowed = fit if case.known_rows else fit & blind
    if not allowed.any():
        raise UsageError(_why_none(case, healthy, failed, bool(fit.any())))
    ranking = rank(healthy.only(allowed))
    if case.weight == PEAK:
        # Closer than the readings are exact is not apart, however narrow the interval.
        ranking["tied"] |= ranking["value"] - ranking["value"][0] <= _resolution(run.runs)
    warnings = [
        *place.warnings,
        *_boundary_warnings(run, case, place, ranking),
        *_figure_warnings(run.runs, case, place, ranking),
        *_left_out(run.runs, case, place, estimates, failed),
        *([] if asked.implementation else _not_asked_for(run.runs)),
    ]
    sentences = [
        *_main_sentences(case, ranking),
        *_other_sentences(case, healthy, fit, blind, allowed, ranking),
        _origin(run, case, place),
    ]
    return Advice(
        case,
        [printable(text) for text in sentences],
        [printable(text) for text in warnings],
        _table(run.runs, case, place, ranking),
        place.outside,
    )


# What was measured.


def _checked(run: Run, case: Case) -> Case:
    """The case with its work filled in. Raises UsageError for what the run does not have."""
    if case.warm and case.weight != TIME:
        raise UsageError(f"--warm goes with --weight {TIME}, not with {case.weight}")
    rows = run.runs[run.runs["pass"] == (LATENCY if case.weight == TAIL else MEASURE)]
    if rows.empty:
        raise UsageError(
            f"{run.label} has no rows of the {LATENCY if case.weight == TAIL else MEASURE} pass, "
            "so it cannot tell; make a run that has it"
        )
    for key in _CANDIDATE:
        known = sorted(set(rows[key]))
        for name in getattr(case, key):
            if name not in known:
                raise UsageError(f"no {key} {name!r} in {run.label}; there are: {', '.join(known)}")
    case = _compiled_only(run, case, rows)
    works = sorted(set(rows["work"]))
    work = case.work or (_FIRST_CHOICE_WORK if _FIRST_CHOICE_WORK in works else works[0])
    for key, value in (("work", work), ("threads", case.threads)):
        if value not in set(rows[key]):
            listed = ", ".join(map(str, sorted(set(rows[key]))))
            raise UsageError(f"nothing of {key} {value} in {run.label}; there are: {listed}")
    return case._replace(work=work)


def _compiled_only(run: Run, case: Case, rows: pd.DataFrame) -> Case:
    """The case with the implementations that are meant where nobody says which: whoever can choose
    C asks for nothing else, and whoever cannot says so."""
    known = ordered(rows["implementation"])
    if case.implementation or set(known) <= set(COMPILED):
        return case
    compiled = tuple(name for name in known if is_compiled(name))
    if not compiled:
        raise UsageError(
            f"{run.label} has nothing compiled; say which is meant: --implementation "
            f"{','.join(known)}"
        )
    return case._replace(implementation=compiled)


def _not_asked_for(runs: pd.DataFrame) -> list[str]:
    """What was measured too, and is no candidate unless it is asked for."""
    others = ordered(runs.loc[runs["pass"] == MEASURE, "implementation"])
    others = [name for name in others if not is_compiled(name)]
    if not others:
        return []
    return [f"Only compiled code was asked about; for others: --implementation {','.join(others)}."]


def _figures(runs: pd.DataFrame, case: Case) -> pd.DataFrame:
    """The workers that can tell: CURVE, rows, payload_bytes, round, value."""
    if case.weight == TAIL:
        table = _tails(runs)
    else:
        table = measured(runs, metric(_metric_of(case)))
    chosen = (table["threads"] == case.threads) & (table["work"] == case.work)
    for key in _CANDIDATE:
        if getattr(case, key):
            chosen &= table[key].isin(getattr(case, key))
    table = table[chosen]
    if case.weight == PEAK:
        _refuse_small_peak(runs, case)
    if table.empty:
        raise UsageError("no worker that is all of this at once has figures; choose fewer")
    return table


def _metric_of(case: Case) -> str:
    if case.weight == PEAK:
        return "peak_memory"
    return "warm_build_release" if case.warm else "cold_build_release"


def _tails(runs: pd.DataFrame) -> pd.DataFrame:
    """The latency pass: value is the 99.9th percentile, from 1,000 appends on."""
    rows = runs[((runs["pass"] == LATENCY) & (runs["status"] == OK)).to_numpy()]
    rows = rows.assign(value=rows["latency_p99_9_ns"])
    return rows.loc[rows["value"] > 0, [*CURVE, "rows", "payload_bytes", "round", "value"]]


def _resolution(runs: pd.DataFrame) -> float:
    """How far a peak may be from the truth, in bytes; nan if the run does not say."""
    return float(runs.loc[runs["pass"] == MEASURE, "peak_resolution_bytes"].max())


def _refuse_small_peak(runs: pd.DataFrame, case: Case) -> None:
    resolution = _resolution(runs)
    if np.isnan(resolution):
        raise UsageError("the run does not say how exact its peaks are, so they cannot be compared")
    least = resolution / LARGEST_RESOLUTION_SHARE
    if case.payload_bytes < least:
        rows = int(-(-least // (case.row_bytes * case.threads)))
        raise UsageError(
            f"{case.rows:,} rows of {case.row_bytes} bytes are too few for their peak to be told: "
            f"a reading is off by up to {tick(resolution, 'bytes')}; ask for {rows:,} rows and "
            "more, or for another weight"
        )


# Where the case lies.


def _nearest_row_bytes(case: Case, figures: pd.DataFrame) -> tuple[int, float, list[str]]:
    """The measured size of a row that is nearest by ratio, and the rows of it with the case's
    payload: bytes are what is copied and touched."""
    sizes = np.unique(figures["row_bytes"].to_numpy())
    distance = np.abs(np.log(sizes / case.row_bytes))
    row_bytes = int(sizes[np.argmin(distance)])
    if row_bytes == case.row_bytes:
        return row_bytes, float(case.rows), []
    rows = case.rows * case.row_bytes / row_bytes
    warning = (
        f"Measured at {row_bytes}-byte rows, and yours are {case.row_bytes} bytes: taken for "
        f"{rows:,.0f} rows of {row_bytes} bytes, which is the same payload; what each row costs is "
        "not the same."
    )
    return row_bytes, rows, [warning]


def _sizes(figures: pd.DataFrame, row_bytes: int) -> np.ndarray:
    return np.unique(figures.loc[figures["row_bytes"] == row_bytes, "rows"].to_numpy())


def _between(case: Case, figures: pd.DataFrame) -> Place:
    """Between two measured sizes, at one, or one step beyond them. Raises UsageError beyond that.

    A step is as large as that between the last two sizes on that side.
    """
    row_bytes, rows, warnings = _nearest_row_bytes(case, figures)
    sizes = _sizes(figures, row_bytes)
    exact = np.flatnonzero(np.isclose(sizes, rows, rtol=1e-9, atol=0.0))
    if len(exact):
        size = int(sizes[exact[0]])
        return Place(row_bytes, rows, size, size, 0.0, warnings, bool(warnings))
    above = int(np.searchsorted(sizes, rows))
    outside = above in (0, len(sizes))
    low = min(max(above - 1, 0), max(len(sizes) - 2, 0))
    high = min(low + 1, len(sizes) - 1)
    if outside:
        edge, step = (sizes[0], sizes[high] / sizes[0]) if above == 0 else _last_step(sizes)
        _refuse_beyond(case, row_bytes, rows, int(edge), float(step))
        warnings.append(
            f"OUTSIDE of what was measured, {sizes[0]:,} to {sizes[-1]:,} rows of {row_bytes} "
            f"bytes: the lines through {sizes[low]:,} and {sizes[high]:,} rows are drawn out. "
            f"Measure it: {_how_to_measure(case)}"
        )
    else:
        warnings.append(
            f"Not measured at {rows:,.0f} rows of {row_bytes} bytes: worked out from "
            f"{sizes[low]:,} and {sizes[high]:,} rows, with a power law in between."
        )
        if case.weight == PEAK:
            warnings.append(
                "Peaks of strategies that grow by a factor have steps, which no line between two "
                f"sizes shows. Measure it: {_how_to_measure(case)}"
            )
    share = np.log(rows / sizes[low]) / np.log(sizes[high] / sizes[low])
    return Place(
        row_bytes,
        rows,
        int(sizes[low]),
        int(sizes[high]),
        float(share),
        warnings,
        outside or row_bytes != case.row_bytes,
    )


def _last_step(sizes: np.ndarray) -> tuple[int, float]:
    return sizes[-1], sizes[-1] / sizes[-2] if len(sizes) > 1 else 1.0


def _refuse_beyond(case: Case, row_bytes: int, rows: float, edge: int, step: float) -> None:
    """More than one step from the edge of what was measured is no estimate."""
    if max(rows / edge, edge / rows) > step * (1.0 + 1e-9):
        which = "largest" if rows > edge else "smallest"
        raise UsageError(
            f"{case.rows:,} rows of {case.row_bytes} bytes are too far from what was measured, the "
            f"{which} of which is {edge:,} rows of {row_bytes} bytes; measure it: "
            f"{_how_to_measure(case)}"
        )


def _how_to_measure(case: Case) -> str:
    threads = f" --threads {case.threads}" if case.threads != 1 else ""
    return f'make bench ARGS="--rows {case.rows} --row-bytes {case.row_bytes}{threads}"'


def _nearest(case: Case, figures: pd.DataFrame) -> Place:
    """The measured size that is nearest by ratio: a tail follows no law from size to size."""
    row_bytes, rows, warnings = _nearest_row_bytes(case, figures)
    sizes = _sizes(figures, row_bytes)
    size = int(sizes[np.argmin(np.abs(np.log(sizes / rows)))])
    outside = not sizes[0] <= rows <= sizes[-1]
    if outside:
        step = _last_step(sizes)[1] if rows > sizes[-1] else sizes[min(1, len(sizes) - 1)] / size
        _refuse_beyond(case, row_bytes, rows, size, float(step))
    if not np.isclose(size, rows, rtol=1e-9, atol=0.0):
        loud = "OUTSIDE of what was measured: " if outside else ""
        warnings.append(
            f"{loud}single appends were timed at {size:,} rows of {row_bytes} bytes, the nearest "
            f"there is to {rows:,.0f}."
        )
    return Place(row_bytes, rows, size, size, 0.0, warnings, outside or row_bytes != case.row_bytes)


# Estimates and their order.


def _estimates(figures: pd.DataFrame, place: Place) -> Estimates:
    """Each candidate's value at the place, round by round.

    Formula: ln v = (1 - share) ln v(low) + share ln v(high), from the same round, so that what a
    round does to both cancels in ratios. Candidates without both in any round are left out.
    """
    grouped = figures.groupby(list(_CANDIDATE), sort=True)
    number = grouped.ngroup().to_numpy()
    candidates = pd.DataFrame(list(grouped.groups), columns=list(_CANDIDATE))
    rounds, column = np.unique(figures["round"].to_numpy(), return_inverse=True)
    logs = []
    for size in (place.low, place.high):
        at = (figures["rows"] == size).to_numpy()
        values = np.full((len(candidates), len(rounds)), np.nan)
        values[number[at], column[at]] = np.log(figures["value"].to_numpy()[at])
        logs.append(values)
    low, high = logs
    at_place = low if place.low == place.high else (1.0 - place.share) * low + place.share * high
    known = ~np.isnan(at_place).all(axis=1)
    return Estimates(candidates, at_place).only(known)


def rank(estimates: Estimates) -> pd.DataFrame:
    """The candidates, best first.

    Columns: implementation, strategy, allocator; value, ci_low, ci_high: exp of the median of the
    rounds' logarithms, and of its order-statistic interval; ratio, ratio_ci_low, ratio_ci_high:
    value over that of the best, paired by round (see statistics.order.paired_ratio()); round_count
    of the pairs; tied: the interval of the ratio includes 1, or there is none.
    """
    logs = estimates.logs
    own = ratios_of_rows(logs)
    pairs = ratios_of_rows(logs - logs[np.argmin(own.ratio)])
    table = estimates.candidates.assign(
        value=own.ratio,
        ci_low=own.low,
        ci_high=own.high,
        ratio=pairs.ratio,
        ratio_ci_low=pairs.low,
        ratio_ci_high=pairs.high,
        round_count=pairs.round_count,
        tied=~(pairs.low > 1.0),
    )
    table = table.sort_values("value", kind="stable", ignore_index=True)
    table["rank"] = np.arange(1, len(table) + 1)
    return table


def _failed(runs: pd.DataFrame, case: Case, place: Place) -> set[tuple]:
    """Candidates of which a worker failed at a size that the answer rests on, in any pass."""
    keys = list(_CANDIDATE)
    measured_ones = runs.loc[runs["pass"].isin((MEASURE, LATENCY)), keys].drop_duplicates()
    # Neither probes nor copying patterns, nor what was traced of these, build the array.
    runs = runs[runs["pass"] != PATTERN].merge(measured_ones, "inner", keys)
    for key in keys:
        if getattr(case, key):
            runs = runs[runs[key].isin(getattr(case, key))]
    at = (
        runs["rows"].isin([place.low, place.high])
        & (runs["row_bytes"] == place.row_bytes)
        & (runs["threads"] == case.threads)
        & (runs["work"] == case.work)
        & ~runs["status"].isin(NO_FAILURES)
    )
    return set(runs.loc[at, list(_CANDIDATE)].itertuples(index=False, name=None))


# Words.


def _name(row: dict) -> str:
    name = strategy_name(row["implementation"], row["strategy"])
    if row["implementation"] != C and is_compiled(row["implementation"]):
        name += f" ({row['implementation']})"
    return f"{name} on {row['allocator']}"


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def _ratio_words(pairs: PairedRatio) -> str:
    """How sure a ratio is."""
    if np.isnan(pairs.low):
        count = pairs.round_count
        rounds = f"{count} rounds have" if count > 1 else "one round has"
        return f"{rounds} no interval, so nobody can say how sure that is"
    return f"95% interval {factor(pairs.low)} to {factor(pairs.high)}"


def _main_sentences(case: Case, ranking: pd.DataFrame) -> list[str]:
    weight = _weight(case)
    rows = ranking.to_dict("records")
    best = rows[0]
    threads = f" in each of {case.threads} threads" if case.threads != 1 else ""
    known = "known beforehand" if case.known_rows else "not known beforehand"
    said = [
        f"{case.rows:,} rows of {case.row_bytes} bytes{threads}, their number {known}: "
        f"take {_name(best)} ({weight.label.lower()}: {show(best['value'], weight.unit)})."
    ]
    if len(rows) == 1:
        return [*said, "There is no other candidate to compare it with."]
    second = rows[1]
    ratio = PairedRatio(
        *(second[name] for name in ("ratio", "ratio_ci_low", "ratio_ci_high", "round_count"))
    )
    compared = f"{weight.compared.format(factor(ratio.ratio))} ({_ratio_words(ratio)})."
    tied = second["tied"] and not np.isnan(ratio.low)
    link = ". The two cannot be told apart: it " if tied else ", which "
    said.append(f"Runner-up: {_name(second)}{link}{compared}")
    others = [_name(row) for row in rows[2:] if row["tied"]]
    if others and not np.isnan(best["ci_low"]):
        said.append(f"Nor can these be told from the best: {_listed(others)}.")
    return said


def _other_sentences(
    case: Case,
    healthy: Estimates,
    fit: np.ndarray,
    blind: np.ndarray,
    allowed: np.ndarray,
    ranking: pd.DataFrame,
) -> list[str]:
    """What else there is for who can, or cannot, do otherwise."""
    best = ranking.to_dict("records")[0]
    said = []
    own = (healthy.candidates["allocator"] == _DEFAULT_ALLOCATOR).to_numpy()
    if best["allocator"] != _DEFAULT_ALLOCATOR and (own & allowed).any():
        said.append(
            f"If the allocator has to stay {_DEFAULT_ALLOCATOR}: "
            f"{_against(case, healthy, own & allowed, best)}"
        )
    other = fit & blind if case.known_rows else fit
    if other.any() and (other != allowed).any():
        when = "do not know" if case.known_rows else "know"
        said.append(
            f"If you {when} the number of rows beforehand: {_against(case, healthy, other, best)}"
        )
    return said


def _against(case: Case, healthy: Estimates, chosen: np.ndarray, best: dict) -> str:
    """The best of the chosen, compared with the recommendation."""
    weight = _weight(case)
    candidates = healthy.candidates
    row = rank(healthy.only(chosen)).to_dict("records")[0]
    places = [
        np.flatnonzero((candidates[list(_CANDIDATE)] == [which[k] for k in _CANDIDATE]).all(axis=1))
        for which in (row, best)
    ]
    name = f"{_name(row)} ({show(row['value'], weight.unit)})"
    if places[0][0] == places[1][0]:
        return f"{_name(row)} all the same."
    pairs = paired_ratio(healthy.logs[places[0][0]] - healthy.logs[places[1][0]])
    if not pairs.round_count:
        return f"{name}; no round has both, so they cannot be compared."
    compared = weight.compared.format(factor(pairs.ratio))
    apart = ", so the two cannot be told apart" if pairs.low <= 1.0 <= pairs.high else ""
    return f"{name}, which {compared} ({_ratio_words(pairs)}{apart})."


def _origin(run: Run, case: Case, place: Place) -> str:
    sizes = f"{place.low:,}" if place.low == place.high else f"{place.low:,} and {place.high:,}"
    work = "" if case.work == _FIRST_CHOICE_WORK else f", {case.work} rows"
    return (
        f"From {run.label}: {run.machine_id}, measured at {sizes} rows of {place.row_bytes} "
        f"bytes{work}. Another machine may differ."
    )


def _boundary_warnings(run: Run, case: Case, place: Place, ranking: pd.DataFrame) -> list[str]:
    """Sizes at which costs change, between the case and what was measured."""
    if place.low == place.high:
        return []
    scale = place.row_bytes * case.threads
    inside = 0.0 <= place.share <= 1.0
    ends = [place.low * scale, place.high * scale]
    if not inside:
        ends = sorted([ends[1] if place.share > 1.0 else ends[0], round(place.rows * scale)])
    crossed = sorted(
        {
            limit
            for allocator in set(ranking["allocator"].head(SHOWN))
            for limit in boundaries(run.machine, allocator, case.threads)
            if ends[0] < limit < ends[1]
        }
    )
    warnings = []
    if crossed:
        what = ", ".join(tick(limit, "bytes") for limit in crossed)
        where = "between the sizes it is worked out from" if inside else "beyond what was measured"
        loud = "A size at which costs change lies" if inside else "COSTS CHANGE"
        warnings.append(
            f"{loud} {where}: {what} (a cache, or a threshold of the allocator), so the order may "
            "be another one."
        )
    if not inside and not knows_caches(run.machine):
        warnings.append("The machine's caches are not known, so one may lie in between.")
    return warnings


def _figure_warnings(
    runs: pd.DataFrame, case: Case, place: Place, ranking: pd.DataFrame
) -> list[str]:
    """What is wrong with the figures themselves."""
    warnings = []
    if case.weight == PEAK:
        warnings.append(
            f"Peaks that are up to {tick(_resolution(runs), 'bytes')} apart cannot be told "
            "apart: a reading may be off by as much."
        )
    if case.weight == TAIL:
        rows = runs[
            (runs["pass"] == LATENCY)
            & (runs["status"] == OK)
            & (runs["rows"] == place.low)
            & (runs["row_bytes"] == place.row_bytes)
        ]
        near = rows["latency_p99_9_ns"] < NEAR_TIMER * rows["latency_timer_ns"]
        names = set(rows.loc[near, list(_CANDIDATE)].itertuples(index=False, name=None))
        best = ranking.to_dict("records")[0]
        if tuple(best[key] for key in _CANDIDATE) in names:
            warnings.append(
                "The best ones are near what reading the clock takes, so they cannot be told apart "
                f"({len(names)} candidates)."
            )
    return warnings


def _left_out(
    runs: pd.DataFrame, case: Case, place: Place, estimates: Estimates, failed: set[tuple]
) -> list[str]:
    """Who is not among the candidates, and why."""
    told = []
    there = set(estimates.candidates[list(_CANDIDATE)].itertuples(index=False, name=None))
    keys = ("implementation", "strategy", "allocator")
    if failed:
        names = [_name(dict(zip(keys, name))) for name in sorted(failed)]
        told.append(f"Not recommended, because workers failed: {_listed(names)}.")
    which = LATENCY if case.weight == TAIL else MEASURE
    planned = runs[
        (runs["pass"] == which)
        & (runs["row_bytes"] == place.row_bytes)
        & runs["rows"].isin([place.low, place.high])
        & (runs["threads"] == case.threads)
        & (runs["work"] == case.work)
    ]
    for key in _CANDIDATE:
        if getattr(case, key):
            planned = planned[planned[key].isin(getattr(case, key))]
    names_of = planned[list(_CANDIDATE)].drop_duplicates().itertuples(index=False, name=None)
    lacking = sorted(set(names_of) - there - failed)
    if lacking:
        names = [_name(dict(zip(keys, name))) for name in lacking]
        told.append(f"No figures at these sizes (too slow, or not there): {_listed(names)}.")
    return told


def _why_none(case: Case, healthy: Estimates, failed: set[tuple], any_fit: bool) -> str:
    if healthy.candidates.empty and failed:
        return "workers of every candidate failed at these sizes; look at the run's status_detail"
    if healthy.candidates.empty:
        return "no candidate was measured at all sizes that this needs; choose fewer, or other rows"
    if any_fit and not case.known_rows:
        return (
            "what is left needs to know the number of rows beforehand; give --known-rows if it is "
            "known"
        )
    return "no candidate ends in one block; leave out --contiguous, or choose other strategies"


# The table.


def _side(
    runs: pd.DataFrame, case: Case, place: Place, ranking: pd.DataFrame, metric_name: str
) -> list[float]:
    """Another metric of the same candidates at the same place; nan where it is not known."""
    figures = measured(runs, metric(metric_name))
    figures = figures[
        (figures["row_bytes"] == place.row_bytes)
        & (figures["threads"] == case.threads)
        & (figures["work"] == case.work)
    ]
    found = {}
    if len(figures):
        estimates = _estimates(figures, place)
        if len(estimates.candidates):
            found = {
                tuple(row[key] for key in _CANDIDATE): row["value"]
                for row in rank(estimates).to_dict("records")
            }
    return [
        found.get(tuple(row[key] for key in _CANDIDATE), float("nan"))
        for row in ranking.to_dict("records")
    ]


def _slowest(runs: pd.DataFrame, place: Place, ranking: pd.DataFrame) -> list[float]:
    """The slowest single append: the median over the workers' slowest ones, in ns."""
    rows = runs[
        (runs["pass"] == LATENCY)
        & (runs["status"] == OK)
        & (runs["rows"] == place.low)
        & (runs["row_bytes"] == place.row_bytes)
    ]
    found = rows.groupby(list(_CANDIDATE))["latency_max_ns"].median().to_dict()
    return [
        found.get(tuple(row[key] for key in _CANDIDATE), float("nan"))
        for row in ranking.to_dict("records")
    ]


def _table(runs: pd.DataFrame, case: Case, place: Place, ranking: pd.DataFrame) -> Table:
    weight = _weight(case)
    top = ranking.head(SHOWN)
    columns = [
        Column("rank", "", "count"),
        Column("strategy", "Strategy"),
        Column("implementation", "Written in"),
        Column("allocator", "Allocator"),
        Column("value", weight.label, weight.unit),
        Column("ratio", "Over the best", "factor"),
        Column("ratio_ci_low", "95%", "interval:factor", "ratio_ci_high"),
    ]
    if case.weight == TAIL:
        top = top.assign(slowest_ns=_slowest(runs, place, top))
        columns.append(Column("slowest_ns", "Slowest append", "ns"))
    if case.weight != TIME or case.warm:
        top = top.assign(cold_ns=_side(runs, case, place, top, "cold_build_release"))
        columns.append(Column("cold_ns", "Cold", "ns"))
    if case.weight == TIME and not case.warm:
        top = top.assign(warm_ns=_side(runs, case, place, top, "warm_build_release"))
        columns.append(Column("warm_ns", "Warm", "ns"))
    if case.weight != PEAK:
        peak = np.array(_side(runs, case, place, top, "peak_memory"))
        top = top.assign(peak_ratio=peak / (place.rows * place.row_bytes * case.threads))
        columns.append(Column("peak_ratio", "Peak over payload", "factor"))
    count = len(ranking)
    title = f"The best {len(top)} of {count}" if count > SHOWN else "All candidates"
    return Table("ranking", title, columns, top.reset_index(drop=True))
