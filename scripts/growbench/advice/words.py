"""Advice in words: what to take, the runner-up, what else there is."""

from typing import Callable, NamedTuple, Sequence

import numpy as np
import pandas as pd

from growbench.advice.case import Case, FIRST_CHOICE_WORK, weight_of
from growbench.advice.place import Place
from growbench.advice.rank import Estimates, candidate_of, rank
from growbench.comparison.run import Run
from growbench.data.implementations import C, is_compiled, strategy_name
from growbench.data.units import show
from growbench.statistics.paired import PairedRatio, paired_ratio
from growbench.tables.table import factor

_NAMED = 3
DEFAULT_ALLOCATOR = "glibc"


class Candidates(NamedTuple):
    """Those of which no worker failed. fit: which end as the case wants it. unaware: which do not
    need to know the number of rows. allowed: which may be taken."""

    estimates: Estimates
    fit: np.ndarray
    unaware: np.ndarray
    allowed: np.ndarray


def candidate_name(implementation: str, strategy: str, allocator: str) -> str:
    """How sentences name a candidate."""
    name = strategy_name(implementation, strategy)
    if implementation != C and is_compiled(implementation):
        name += f" ({implementation})"
    return f"{name} on {allocator}"


def _name(row: dict) -> str:
    return candidate_name(*candidate_of(row))


def listed(names: Sequence[str]) -> str:
    """The first few, and how many more there are."""
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def _ratio_words(pairs: PairedRatio) -> str:
    """How sure a ratio is."""
    if np.isnan(pairs.low):
        count = pairs.round_count
        rounds = f"{count} rounds have" if count > 1 else "one round has"
        return f"{rounds} no interval, so nobody can say how sure that is"
    return f"95% interval {factor(pairs.low)} to {factor(pairs.high)}"


def main_sentences(case: Case, ranking: pd.DataFrame) -> list[str]:
    """What to take, and who comes next."""
    threads = f" in each of {case.threads} threads" if case.threads != 1 else ""
    known = "known beforehand" if case.known_rows else "not known beforehand"
    what = f"{case.rows:,} rows of {case.row_bytes} bytes{threads}, their number {known}"
    return ranking_sentences(what, case, ranking, _name)


def ranking_sentences(
    what: str, case: Case, ranking: pd.DataFrame, name: Callable[[dict], str]
) -> list[str]:
    """The best of a ranking for what is to be done, and who comes next. name: of a row."""
    weight = weight_of(case)
    rows = ranking.to_dict("records")
    best = rows[0]
    value = show(best["value"], weight.unit)
    said = [f"{what}: take {name(best)} ({weight.label.lower()}: {value})."]
    if len(rows) == 1:
        return [*said, "There is no other candidate to compare it with."]
    second = rows[1]
    ratio = PairedRatio(
        *(second[name] for name in ("ratio", "ratio_ci_low", "ratio_ci_high", "round_count"))
    )
    compared = f"{weight.compared.format(factor(ratio.ratio))} ({_ratio_words(ratio)})."
    if np.isnan(ratio.low) and ratio.ratio < 1.0:
        # Ranked by all of its rounds, and compared in those that both have.
        compared = f"in the rounds that both have it {compared}"
        second_value = show(second["value"], weight.unit)
        said.append(f"Runner-up: {name(second)} ({second_value}), but {compared}")
        return said
    tied = second["tied"] and not np.isnan(ratio.low)
    link = ". The two cannot be told apart: it " if tied else ", which "
    said.append(f"Runner-up: {name(second)}{link}{compared}")
    others = [name(row) for row in rows[2:] if row["tied"]]
    if others and not np.isnan(best["ci_low"]):
        said.append(f"Nor can these be told from the best: {listed(others)}.")
    return said


def other_sentences(case: Case, candidates: Candidates, ranking: pd.DataFrame) -> list[str]:
    """What else there is for who can, or cannot, do otherwise."""
    best = ranking.to_dict("records")[0]
    estimates, fit, unaware, allowed = candidates
    said = []
    own = (estimates.candidates["allocator"] == DEFAULT_ALLOCATOR).to_numpy() & allowed
    if best["allocator"] != DEFAULT_ALLOCATOR and own.any():
        against = against_best(case, estimates, own, best, _name)
        said.append(f"If the allocator has to stay {DEFAULT_ALLOCATOR}: {against}")
    other = fit & unaware if case.known_rows else fit
    if other.any() and (other != allowed).any():
        when = "do not know" if case.known_rows else "know"
        against = against_best(case, estimates, other, best, _name)
        said.append(f"If you {when} the number of rows beforehand: {against}")
    return said


def against_best(
    case: Case,
    estimates: Estimates,
    chosen: np.ndarray,
    best: dict,
    name_of: Callable[[dict], str],
) -> str:
    """The best of the chosen, compared with the recommendation."""
    weight = weight_of(case)
    row = rank(estimates.only(chosen)).to_dict("records")[0]
    if candidate_of(row) == candidate_of(best):
        return f"{name_of(row)} all the same."
    name = f"{name_of(row)} ({show(row['value'], weight.unit)})"
    pairs = paired_ratio(estimates.logs_of(row) - estimates.logs_of(best))
    if not pairs.round_count:
        return f"{name}; no round has both, so they cannot be compared."
    compared = weight.compared.format(factor(pairs.ratio))
    apart = ", so the two cannot be told apart" if pairs.low <= 1.0 <= pairs.high else ""
    return f"{name}, which {compared} ({_ratio_words(pairs)}{apart})."


def origin(run: Run, case: Case, place: Place) -> str:
    """Where the figures are from."""
    sizes = " and ".join(f"{size:,}" for size in place.sizes)
    work = "" if case.work == FIRST_CHOICE_WORK else f", {case.work} rows"
    return (
        f"From {run.label}: {run.machine_id}, measured at {sizes} rows of {place.row_bytes} "
        f"bytes{work}. Another machine may differ."
    )


def why_none(case: Case, candidates: Candidates, any_failed: bool) -> str:
    """Why there is nobody to recommend."""
    if candidates.estimates.candidates.empty and any_failed:
        return "workers of every candidate failed at these sizes; look at the run's status_detail"
    if candidates.estimates.candidates.empty:
        return "no candidate was measured at all sizes that this needs; choose fewer, or other rows"
    if candidates.fit.any() and not case.known_rows:
        return (
            "what is left needs to know the number of rows beforehand; give --known-rows if it is "
            "known"
        )
    return "no candidate ends in one block; leave out --contiguous, or choose other strategies"
