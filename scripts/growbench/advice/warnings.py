"""Why to be careful with a piece of advice."""

import pandas as pd

from growbench.advice.case import Candidate, Case, PEAK, TAIL, candidates_in, weight_of
from growbench.advice.place import Place, rows_at
from growbench.advice.rank import Estimates, peak_resolution
from growbench.advice.words import candidate_name, listed
from growbench.analysis import reliance
from growbench.analysis.doubts import RANK, doubts_in_run
from growbench.analysis.latency import NEAR_TIMER
from growbench.analysis.shapes import boundaries, knows_caches
from growbench.comparison.run import Run
from growbench.data.columns import LATENCY, MEASURE
from growbench.data.implementations import is_compiled, ordered
from growbench.data.statuses import OK
from growbench.data.units import tick


def boundary_warnings(run: Run, case: Case, place: Place, ranking: pd.DataFrame) -> list[str]:
    """Sizes at which costs change, between the case and what was measured. ranking: of whose
    allocators."""
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
            for allocator in set(ranking["allocator"])
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


def figure_warnings(
    runs: pd.DataFrame, case: Case, place: Place, ranking: pd.DataFrame
) -> list[str]:
    """What is wrong with the figures themselves."""
    if case.weight == PEAK:
        return [
            f"Peaks that are up to {tick(peak_resolution(runs), 'bytes')} apart cannot be told "
            "apart: a reading may be off by as much."
        ]
    if case.weight == TAIL:
        rows = appends_at(runs, case, place)
        near = rows["latency_p99_9_ns"] < NEAR_TIMER * rows["latency_timer_ns"].median()
        names = set(candidates_in(rows[near]))
        if candidates_in(ranking.head(1))[0] in names:
            return [
                "The best ones are near what reading the clock takes, so they cannot be told apart "
                f"({len(names)} candidates)."
            ]
    return []


def in_doubt(runs: pd.DataFrame, case: Case, place: Place, ranking: pd.DataFrame) -> list[str]:
    """Which of the best two have a doubtful place, and why."""
    metric = weight_of(case).metric
    if not reliance.figure_of(metric):
        return []
    # All of the run: doubts are also about the cells next to these.
    summary = rows_at(doubts_in_run(runs), case, place)
    told = []
    for candidate in candidates_in(ranking.head(2)):
        is_it = [name == candidate for name in candidates_in(summary)]
        texts = ";".join(summary.loc[is_it, "doubts"])
        why = reliance.doubts_of_metric(texts, RANK, metric)
        if why:
            told.append(
                f"The place of {candidate_name(*candidate)} is in doubt: {', '.join(why)} (see "
                "Doubts in results/README.md)."
            )
    return told


def appends_at(runs: pd.DataFrame, case: Case, place: Place) -> pd.DataFrame:
    """The workers that timed single appends at the place."""
    return rows_at(runs[(runs["pass"] == LATENCY) & (runs["status"] == OK)], case, place)


def left_out(
    runs: pd.DataFrame, case: Case, place: Place, estimates: Estimates, failed: set[Candidate]
) -> list[str]:
    """Who is not among the candidates, and why."""
    told = []
    if failed:
        names = [candidate_name(*name) for name in sorted(failed)]
        told.append(f"Not recommended, because workers failed: {listed(names)}.")
    planned = candidates_in(rows_at(runs[runs["pass"] == case.of_pass], case, place))
    lacking = sorted(set(planned) - set(candidates_in(estimates.candidates)) - failed)
    if lacking:
        names = [candidate_name(*name) for name in lacking]
        told.append(f"No figures at these sizes (too slow, or not there): {listed(names)}.")
    return told


def not_asked_for(runs: pd.DataFrame) -> list[str]:
    """What was measured too, and is no candidate unless it is asked for."""
    others = ordered(runs.loc[runs["pass"] == MEASURE, "implementation"])
    others = [name for name in others if not is_compiled(name)]
    if not others:
        return []
    return [f"Only compiled code was asked about; for others: --implementation {','.join(others)}."]
