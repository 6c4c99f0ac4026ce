"""Which allocator to take for a program that was recorded, and which of its growing blocks cost
most: from its profile, and from a run that replayed it.

What a replay cannot tell is said in harness/worker/replay.h: the program's own computing, and what
its threads do to each other's speed, are not in the times.
"""

from typing import NamedTuple, Optional

import numpy as np
import pandas as pd

from growbench.advice import warnings, words
from growbench.advice.advise import ranked
from growbench.advice.case import Case, PEAK, TIME, checked, weight_of
from growbench.advice.growing import growing_sentences, growing_table
from growbench.advice.place import Place, find_place
from growbench.advice.profile import Profile, REPLAY
from growbench.advice.rank import Estimates, estimates_at, failed_at, figures, values_at
from growbench.analysis.attribution import PARTS, Part, attribute
from growbench.analysis.limits import machine_limits
from growbench.analysis.summary import summarise
from growbench.comparison.run import Run
from growbench.data.columns import MEASURE
from growbench.data.errors import UsageError
from growbench.data.exact import exact
from growbench.data.text import printable
from growbench.data.units import show
from growbench.tables.formats import as_records
from growbench.tables.table import Column, Table, whole_share

# What says why one allocator takes longer than another, of the parts of the attribution: the others
# are of arrays that are built by rows.
_WHY = ("copy_ns", "fault_ns", "huge_fault_ns", "system_ns")
# Counts beside each allocator.
_COUNTS = ("page_faults", "system_calls", "realloc_moved", "copied")
# A part that is less of the difference explains nothing.
_LEAST_SHARE = 0.2
_ENDS = {
    "killed": "The record ends where the program was killed, or still ran.",
    "limited": "The record ends at its limit of disk space, before the program did.",
    "no_space": "The record ends where the disk or the memory was full, before the program did.",
}


class Wish(NamedTuple):
    """What matters, as in Case, and which allocators may be taken: () for all."""

    weight: str = TIME
    warm: bool = False
    allocator: tuple[str, ...] = ()


class ProgramAdvice(NamedTuple):
    """sentences: what to take, why, what grew. warnings: why to be careful. ranking: None without a
    run. growing: the kinds of growth."""

    profile: Profile
    sentences: list[str]
    warnings: list[str]
    ranking: Optional[Table]
    growing: Table

    @property
    def tables(self) -> list[Table]:
        """What stands below the sentences."""
        grown = [self.growing] if len(self.growing.frame) else []
        return [*([] if self.ranking is None else [self.ranking]), *grown]

    def records(self) -> dict:
        """For JSON."""
        return {
            "profile": {**self.profile.told, "sha256": self.profile.digest},
            "sentences": self.sentences,
            "warnings": self.warnings,
            "ranking": None if self.ranking is None else as_records(self.ranking),
            "growing": as_records(self.growing),
        }


def advise_program(profile: Profile, run: Optional[Run], wish: Wish) -> ProgramAdvice:
    """What to take. run: of its replay, or None. Raises UsageError if the run cannot tell."""
    said, saving, careful, ranking = [], [], _recording_warnings(profile), None
    if run is None:
        said.append(
            f"{profile.name} was not replayed yet, so no allocator can be named; measure it: "
            f"growbench replay {profile.path}"
        )
    else:
        of_run = _OfRun(profile, run, wish)
        ranking = of_run.table()
        said += of_run.sentences()
        saving = of_run.saving()
        careful += of_run.warnings()
    said += [*growing_sentences(profile), *saving]
    return ProgramAdvice(
        profile,
        [printable(text) for text in said],
        [printable(text) for text in careful],
        ranking,
        growing_table(profile),
    )


def _recording_warnings(profile: Profile) -> list[str]:
    process = profile.process
    told = [_ENDS[process["end"]]] if process["end"] in _ENDS else []
    others = profile.told["event_count"] - process["event_count"]
    if others > 0:
        told.append(
            f"This is of one of {len(profile.told['processes'])} processes; the others have "
            f"{others:,} of {profile.told['event_count']:,} events (--process N is for these)."
        )
    if process["foreign_count"] or process["lost_count"]:
        told.append(
            f"{process['foreign_count'] + process['lost_count']:,} calls are not in the record: "
            "of blocks from before it, or that contradict others."
        )
    return told


class _OfRun:
    """What a run of the replay says. Raises UsageError if it is of something else."""

    def __init__(self, profile: Profile, run: Run, wish: Wish) -> None:
        self.profile, self.run = profile, run
        self.case = checked(run, _case_of(run, wish))
        self.attribution = _attribution(run, self.case)
        table = figures(run.runs, self.case)
        self.place: Place = find_place(self.case, table)
        every = estimates_at(table, self.case, self.place)
        self.every = every
        self.failed = failed_at(run.runs, self.case, self.place)
        names = {name[2] for name in self.failed}
        self.healthy: Estimates = every.only(~every.candidates["allocator"].isin(names).to_numpy())
        if self.healthy.candidates.empty:
            raise UsageError("workers of every allocator failed; look at the run's status_detail")
        self.ranking = ranked(run.runs, self.case, self.healthy)

    def sentences(self) -> list[str]:
        """What to take, how far the others are, why."""
        case, best = self.case, self.ranking.to_dict("records")[0]
        process = self.profile.process
        what = (
            f"{self.profile.name} ({process['event_count']:,} calls, "
            f"{show(process['most_bytes'], 'bytes')} at once)"
        )
        said = words.ranking_sentences(what, case, self.ranking, _allocator)
        own = (self.healthy.candidates["allocator"] == words.DEFAULT_ALLOCATOR).to_numpy()
        # As runner-up it was compared already.
        if own.any() and words.DEFAULT_ALLOCATOR not in set(self.ranking["allocator"][:2]):
            against = words.against_best(case, self.healthy, own, best, _allocator)
            said.append(f"If the allocator has to stay {words.DEFAULT_ALLOCATOR}: {against}")
        if case.weight == TIME:
            said += [*self._why(), *self._least_peak()]
        threads = f" in {case.threads} threads that take turns" if case.threads > 1 else ""
        said.append(
            f"From {self.run.label}: {self.run.machine_id}, which replayed it{threads}. Times are "
            "of the allocator's calls and the memory's first touch, not of the program. Another "
            "machine may differ."
        )
        return said

    def _why(self) -> list[str]:
        """What the slowest takes more than the best, cold: the parts that make it."""
        rows = self.ranking.to_dict("records")
        cells = self.attribution
        if len(rows) < 2 or self.case.warm or cells.empty:
            return []
        best, worst = (cells.loc[row["allocator"]] for row in (rows[0], rows[-1]))
        more = worst["cold_build_ns"] - best["cold_build_ns"]
        if not more > 0:
            return []
        every = [(part.label, worst[part.name] - best[part.name]) for part in _why_parts()]
        parts = [(label, ns) for label, ns in every if not np.isnan(ns)]
        unpriced = [label for label, ns in every if np.isnan(ns)]
        calls = [
            (cell["cold_build_ns"] - _parts_ns(cell)) / self.case.rows for cell in (worst, best)
        ]
        without = f" with {' and '.join(unpriced)}, which have no price here" if unpriced else ""
        own = (
            f"the calls themselves{without}, {show(calls[0], 'ns')} each instead of "
            f"{show(calls[1], 'ns')}"
        )
        parts.append((own, (calls[0] - calls[1]) * self.case.rows))
        large = sorted((pair for pair in parts if pair[1] >= _LEAST_SHARE * more), key=_negative)
        shares = " and ".join(f"{label} ({whole_share(ns / more)})" for label, ns in large)
        return [
            f"Of the {show(more, 'ns')} that {rows[-1]['allocator']} takes more in a cold build, "
            f"it is {shares}: counts times what each costs on that machine, and what is left."
        ]

    def saving(self) -> list[str]:
        """What preallocating can save of the time on the best allocator."""
        best = self.ranking["allocator"][0]
        grown = self.profile.growth["all"]["block_count"]
        if not grown or self.attribution.empty or best not in self.attribution.index:
            return []
        cell = self.attribution.loc[best]
        if np.isnan(cell["copy_ns"]):
            return []
        return [
            f"In its replay on {best}, what reallocs copied makes "
            f"{whole_share(cell['copy_ns'] / cell['cold_build_ns'])} of the time "
            f"({show(cell['cold_build_ns'], 'ns')}): preallocating saves that there, and the "
            "calls."
        ]

    def _least_peak(self) -> list[str]:
        """Who needs least memory, if that is another one."""
        peaks = {name[2]: peak for name, peak in self._peaks().items()}
        peaks = {name: peaks[name] for name in self.ranking["allocator"] if name in peaks}
        best = self.ranking["allocator"][0]
        least = min(peaks, key=lambda name: peaks[name], default=best)
        if least == best or best not in peaks:
            return []
        return [
            f"At its peak {least} needs least memory: {show(peaks[least], 'bytes')}, where {best} "
            f"needs {show(peaks[best], 'bytes')} (--weight {PEAK} is for that)."
        ]

    def _peaks(self) -> dict:
        return values_at(self.run.runs, "peak_memory", self.case, self.place)

    def warnings(self) -> list[str]:
        """Why to be careful with the figures."""
        runs, case, place = self.run.runs, self.case, self.place
        return [
            *warnings.figure_warnings(runs, case, place, self.ranking),
            *warnings.in_doubt(runs, case, place, self.ranking),
            *warnings.left_out(runs, case, place, self.every, self.failed),
        ]

    def table(self) -> Table:
        """The allocators, best first, with their counts."""
        weight = weight_of(self.case)
        columns = [
            Column("rank", "", "count"),
            Column("allocator", "Allocator"),
            Column("value", weight.label, weight.unit),
            Column("ratio", "Over the best", "factor"),
            Column("ratio_ci_low", "95%", "interval:factor", "ratio_ci_high"),
        ]
        frame = self.ranking.copy()
        if self.case.weight != PEAK:
            peaks = {name[2]: peak for name, peak in self._peaks().items()}
            frame["peak_memory_bytes"] = frame["allocator"].map(peaks).astype(float)
            frame["peak_ratio"] = frame["peak_memory_bytes"] / self.profile.process["most_bytes"]
            columns.append(Column("peak_memory_bytes", "Peak memory", "bytes"))
        else:
            frame["peak_ratio"] = frame["value"] / self.profile.process["most_bytes"]
        columns.append(Column("peak_ratio", "Peak over requested", "factor"))
        for name in _COUNTS:
            count = exact(name)
            frame[name] = frame["allocator"].map(self._median(name)).astype(float)
            columns.append(Column(name, count.label.capitalize(), count.unit))
        title = f"Allocators for {self.profile.name}"
        return Table("ranking", title, columns, frame)

    def _median(self, name: str) -> pd.Series:
        """A count of EXACT by allocator: the median over its workers."""
        rows = self.run.runs[self.run.runs["strategy"] == self.case.strategy[0]]
        values = exact(name).of(rows)
        return values.groupby(rows["allocator"].reindex(values.index)).median()


def _allocator(row: dict) -> str:
    return str(row["allocator"])


def _negative(pair: tuple[str, float]) -> float:
    return -pair[1]


def _parts_ns(cell: pd.Series) -> float:
    """What is known of a cell's time."""
    return float(np.nansum([cell[part.name] for part in _why_parts()]))


def _why_parts() -> list[Part]:
    return [part for part in PARTS if part.name in _WHY]


def _case_of(run: Run, wish: Wish) -> Case:
    """The one cell of a replay, as a case. Raises UsageError if the run is none."""
    rows = run.runs[run.runs["strategy"].str.startswith(REPLAY) & (run.runs["pass"] == MEASURE)]
    if rows.empty:
        raise UsageError(
            f"{run.label} is no run of a profile, or has no rows of the {MEASURE} pass; make one "
            "with: growbench replay PROFILE"
        )
    first = rows.iloc[0]
    return Case(
        rows=int(first["rows"]),
        row_bytes=int(first["row_bytes"]),
        weight=wish.weight,
        warm=wish.warm,
        implementation=(first["implementation"],),
        strategy=(first["strategy"],),
        allocator=wish.allocator,
        threads=int(first["threads"]),
    )


def _attribution(run: Run, case: Case) -> pd.DataFrame:
    """attribute() of the replay's cells, by allocator; nan: what has no price in this run."""
    rows = run.runs[(run.runs["strategy"] == case.strategy[0]) | (run.runs["pass"] == "probe")]
    table = attribute(rows, summarise(rows), machine_limits(rows)).set_index("allocator")
    return table[table["strategy"] == case.strategy[0]]


def check_digest(run: Run, profile: Profile) -> None:
    """Raises UsageError if the run says that it is a replay of something else."""
    told = ((run.machine or {}).get("run") or {}).get("profile") or {}
    if told.get("sha256", profile.digest) != profile.digest:
        raise UsageError(
            f"{run.label} is a replay of another file, {printable(str(told.get('path')))}; make "
            f"one of this: growbench replay {profile.path}"
        )
    process = told.get("process", profile.told["process"])
    if process != profile.told["process"]:
        raise UsageError(
            f"{run.label} is a replay of process {process}, and this is process "
            f"{profile.told['process']}; give --process {process}"
        )
