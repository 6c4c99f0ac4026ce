"""Which strategy and which allocator to take for a given number of rows, from what was measured.

The answer is of the run's machine. It rests on measured sizes, or on two of them with a power law
in between; it goes at most one step beyond, and says so.
"""

from typing import NamedTuple

import numpy as np
import pandas as pd

from growbench.advice import warnings, words
from growbench.advice.case import (
    CANDIDATE,
    Case,
    PEAK,
    TAIL,
    TIME,
    candidates_in,
    checked,
    weight_of,
)
from growbench.advice.place import Place, find_place
from growbench.advice.rank import (
    Estimates,
    estimates_at,
    failed_at,
    figures,
    peak_resolution,
    rank,
    values_at,
)
from growbench.comparison.run import Run
from growbench.data.errors import UsageError
from growbench.data.text import printable
from growbench.data.traits import is_contiguous, needs_rows
from growbench.tables.formats import as_records
from growbench.tables.table import Column, Table

SHOWN = 5


class Advice(NamedTuple):
    """sentences: what to take, the runner-up, what else. warnings: why to be careful. ranking: the
    best ones, best first; see rank(). outside: the case is outside of what was measured."""

    case: Case
    sentences: list[str]
    warnings: list[str]
    ranking: Table
    outside: bool

    @property
    def tables(self) -> list[Table]:
        """What stands below the sentences."""
        return [self.ranking]

    def records(self) -> dict:
        """For JSON."""
        return {
            "case": self.case._asdict(),
            "outside_of_what_was_measured": self.outside,
            "sentences": self.sentences,
            "warnings": self.warnings,
            "ranking": as_records(self.ranking),
        }


def advise(run: Run, case: Case) -> Advice:
    """What to take for the case. Raises UsageError if the run cannot tell."""
    asked, case = case, checked(run, case)
    table = figures(run.runs, case)
    place = find_place(case, table)
    estimates = estimates_at(table, case, place)
    failed = failed_at(run.runs, case, place)
    healthy = estimates.only(
        np.array([name not in failed for name in candidates_in(estimates.candidates)], dtype=bool)
    )
    strategies = healthy.candidates["strategy"]
    fit = np.array([is_contiguous(s) or not case.contiguous for s in strategies], dtype=bool)
    unaware = np.array([not needs_rows(s) for s in strategies], dtype=bool)
    allowed = fit if case.known_rows else fit & unaware
    candidates = words.Candidates(healthy, fit, unaware, allowed)
    if not allowed.any():
        raise UsageError(words.why_none(case, candidates, bool(failed)))
    ranking = ranked(run.runs, case, healthy.only(allowed))
    careful = [
        *place.warnings,
        *warnings.boundary_warnings(run, case, place, ranking.head(SHOWN)),
        *warnings.figure_warnings(run.runs, case, place, ranking),
        *warnings.in_doubt(run.runs, case, place, ranking),
        *warnings.left_out(run.runs, case, place, estimates, failed),
        *([] if asked.implementation else warnings.not_asked_for(run.runs)),
    ]
    sentences = [
        *words.main_sentences(case, ranking),
        *words.other_sentences(case, candidates, ranking),
        words.origin(run, case, place),
    ]
    return Advice(
        case,
        [printable(text) for text in sentences],
        [printable(text) for text in careful],
        _table(run.runs, case, place, ranking),
        place.outside,
    )


def ranked(runs: pd.DataFrame, case: Case, estimates: Estimates) -> pd.DataFrame:
    """rank(), where peaks that are closer than the readings are exact are not apart, however narrow
    the interval."""
    ranking = rank(estimates)
    if case.weight == PEAK:
        ranking["tied"] |= ranking["value"] - ranking["value"][0] <= peak_resolution(runs)
    return ranking


def _table(runs: pd.DataFrame, case: Case, place: Place, ranking: pd.DataFrame) -> Table:
    """The best ones, with other figures of theirs."""
    weight = weight_of(case)
    top = ranking.head(SHOWN).reset_index(drop=True)
    columns = [
        Column("rank", "", "count"),
        Column("strategy", "Strategy"),
        Column("implementation", "Written in"),
        Column("allocator", "Allocator"),
        Column("value", weight.label, weight.unit),
        Column("ratio", "Over the best", "factor"),
        Column("ratio_ci_low", "95%", "interval:factor", "ratio_ci_high"),
    ]

    def of_top(values: dict) -> np.ndarray:
        return np.array([values.get(name, np.nan) for name in candidates_in(top)])

    if case.weight == TAIL:
        rows = warnings.appends_at(runs, case, place)
        # The median over the workers' slowest ones.
        slowest = rows.groupby(list(CANDIDATE))["latency_max_ns"].median().to_dict()
        top = top.assign(slowest_ns=of_top(slowest))
        columns.append(Column("slowest_ns", "Slowest append", "ns"))
    other = "warm" if case.weight == TIME and not case.warm else "cold"
    top[f"{other}_ns"] = of_top(values_at(runs, f"{other}_build_release", case, place))
    columns.append(Column(f"{other}_ns", other.capitalize(), "ns"))
    if case.weight != PEAK:
        peak = of_top(values_at(runs, "peak_memory", case, place))
        top = top.assign(peak_ratio=peak / (place.rows * place.row_bytes * case.threads))
        columns.append(Column("peak_ratio", "Peak over payload", "factor"))
    count = len(ranking)
    title = f"The best {len(top)} of {count}" if count > SHOWN else "All candidates"
    return Table("ranking", title, columns, top)
