"""Hold the counts of runs against a baseline."""

from typing import Mapping, NamedTuple, Sequence

import pandas as pd

from growbench.comparison.exact import FEWEST_WORKERS, WORSE, Changes, changes_between, ranges
from growbench.comparison.run import Run, check_different
from growbench.comparison.sharing import FAMILY
from growbench.data.columns import CELL
from growbench.data.exact import EXACT, Exact
from growbench.data.statuses import NO_FAILURES, OK
from growbench.gate.baseline import FIGURES, Baseline
from growbench.gate.facts import Difference, differences, facts_of, is_of_allocator, made_by

# Exit statuses.
CLEAR, REGRESSION, NOT_COMPARABLE, INCOMPLETE = 0, 1, 3, 4


class Measured(NamedTuple):
    """Runs of one side. ranges: of each count (its name), as ranges() has them. failed: cells of
    which a worker failed, and none of that pass is ok: CELL, pass, status, status_detail."""

    made: str
    facts: dict[str, str]
    ranges: Mapping[str, pd.DataFrame]
    failed: pd.DataFrame


class Verdict(NamedTuple):
    """differences: facts that are not as they were. excluded: figures of the baseline that depend
    on these, and were not compared. missing: other figures of it that the runs lack. failed: cells
    of those that the runs lack because their workers failed: CELL, status, status_detail. added:
    cells that only the runs have. (Figures are rows of CELL and exact, cells of CELL.) loose: how
    many figures are outside of a range, but not so that it can be told."""

    changes: Changes
    differences: Sequence[Difference]
    excluded: pd.DataFrame
    missing: pd.DataFrame
    failed: pd.DataFrame
    added: pd.DataFrame
    loose: int
    status: int

    @property
    def compared(self) -> int:
        """How many figures."""
        return int(self.changes.compared["cell_count"].sum())

    def count(self, change: str) -> int:
        """How many families have such a change, in whichever counts."""
        families = self.changes.families
        return len(families.loc[families["change"] == change, list(FAMILY)].drop_duplicates())


def measured(runs: Sequence[Run]) -> Measured:
    """What runs of one side have measured, at least one. Raises UsageError for a run that is there
    twice."""
    check_different(runs)
    tables = [run.runs for run in runs]
    facts: dict[str, str] = {}
    for run in reversed(runs):
        facts |= facts_of(run)
    rows = pd.concat(tables, ignore_index=True)
    keys = [*CELL, "pass"]
    done = rows[keys][rows["status"] == OK].drop_duplicates()
    failed = rows[[*keys, "status", "status_detail"]][~rows["status"].isin(NO_FAILURES)]
    failed = failed.drop_duplicates(keys)
    failed = failed[~_among(failed, done, keys)]
    found = {exact.name: ranges(tables, exact) for exact in EXACT}
    return Measured(made_by(runs[0]), _in_order(facts), found, failed)


def _in_order(facts: dict[str, str]) -> dict[str, str]:
    """The allocators by their names, behind the others."""
    allocators = sorted(filter(is_of_allocator, facts))
    others = [name for name in facts if not is_of_allocator(name)]
    return {name: facts[name] for name in [*others, *allocators]}


def _among(rows: pd.DataFrame, others: pd.DataFrame, keys: Sequence[str]) -> pd.Series:
    """Whether each row's keys are those of one of the others."""
    index = pd.MultiIndex.from_frame(rows[list(keys)])
    return pd.Series(index.isin(pd.MultiIndex.from_frame(others[list(keys)])), rows.index)


def judge(baseline: Baseline, new: Measured, tolerated: Mapping[str, float], part: bool) -> Verdict:
    """What the runs are against the baseline.

    tolerated: as changes_between() has it. part: what can be compared is enough.
    """
    found = [one for one in differences(baseline.facts, new.facts) if _matters(one, baseline)]
    sides, excluded, missing = {}, [], []
    for exact in EXACT:
        base, now = baseline.ranges(exact), new.ranges[exact.name]
        barred = _barred(base, exact, found)
        excluded.append(_named(base[barred], exact))
        base = base[~barred]
        sides[exact] = (base, now)
        missing.append(_named(base[~base.index.isin(now.index)], exact))
    changes = changes_between(sides, tolerated)
    lacking = pd.concat(missing, ignore_index=True)
    failed = _failed(lacking, new.failed)
    measured_cells = pd.concat(
        [_named(of, exact)[list(CELL)] for exact, of in ((e, new.ranges[e.name]) for e in EXACT)],
        ignore_index=True,
    ).drop_duplicates()
    verdict = Verdict(
        changes,
        found,
        pd.concat(excluded, ignore_index=True),
        lacking[~_among(lacking, failed, CELL)].reset_index(drop=True),
        failed,
        measured_cells[~_among(measured_cells, baseline.figures, CELL)].reset_index(drop=True),
        int(changes.compared["unclear_count"].sum()),
        CLEAR,
    )
    return verdict._replace(status=_status(verdict, part))


def _matters(difference: Difference, baseline: Baseline) -> bool:
    """Does a figure of the baseline depend on it?"""
    pairs = baseline.figures[["exact", "allocator"]].drop_duplicates()
    known = {exact.name: exact for exact in EXACT}
    return any(difference.bears_on(known[name], of) for name, of in pairs.to_numpy())


def _barred(base: pd.DataFrame, exact: Exact, found: Sequence[Difference]) -> pd.Series:
    """Whether the figures of these cells depend on something that differs."""
    allocators = base.index.get_level_values("allocator")
    names = {name for name in set(allocators) if any(d.bears_on(exact, name) for d in found)}
    return pd.Series(allocators.isin(names), base.index)


def _named(cells: pd.DataFrame, exact: Exact) -> pd.DataFrame:
    return cells.index.to_frame(index=False).reindex(columns=list(CELL)).assign(exact=exact.name)


def _failed(lacking: pd.DataFrame, failed: pd.DataFrame) -> pd.DataFrame:
    """The failed cells that explain what is lacking."""
    wanted = pd.concat(
        lacking[lacking["exact"] == exact.name].assign(**{"pass": of})
        for exact in EXACT
        for of in (exact.pass_name, exact.also)
    )
    keys = [*CELL, "pass"]
    return failed[_among(failed, wanted, keys)].drop_duplicates(list(CELL)).reset_index(drop=True)


def _status(verdict: Verdict, part: bool) -> int:
    if verdict.changes.count(WORSE) or len(verdict.failed):
        return REGRESSION
    if verdict.compared == 0 or (len(verdict.excluded) and not part):
        return NOT_COMPARABLE
    return INCOMPLETE if len(verdict.missing) else CLEAR


class Update(NamedTuple):
    """The baseline as it becomes. dropped: how many figures of it were left out, as they depend on
    what is not as it was, and were not measured or not chosen. kept: chosen cells that were not
    measured, and stay.
    scattered: figures that vary, of several workers, but too few of them to be kept."""

    baseline: Baseline
    dropped: int
    kept: int
    scattered: int


def updated(old: Baseline, new: Measured, chosen: pd.DataFrame, ratchet: bool = False) -> Update:
    """The old baseline with the figures of the runs. What varies, and still does so in the same
    place, becomes the range of both. chosen: its figures that the update is about; of others nobody
    asked whether they were measured. ratchet: what is worse, and what cannot be compared, stays as
    it was."""
    found = differences(old.facts, new.facts)
    figures, dropped, scattered = [], 0, 0
    for exact in EXACT:
        base, now = old.ranges(exact), new.ranges[exact.name]
        barred = _barred(base, exact, found)
        if ratchet:
            now = now[~now.index.isin(_kept(base, now, exact, barred))]
            barred[:] = False
        base = base[~barred]
        dropped += int((barred & ~barred.index.isin(now.index)).sum())
        vague = _vague(now, exact)
        scattered += int((vague & (now["workers"] > 1)).sum())
        merged = _merged(base, now[~vague], exact)
        figures.append(merged.reset_index().assign(exact=exact.name))
    table = pd.concat(figures, ignore_index=True)[list(FIGURES)]
    # An allocator that was not measured keeps its version.
    lasting = {name: text for name, text in old.facts.items() if is_of_allocator(name)}
    facts = _in_order(new.facts | old.facts if ratchet else lasting | new.facts)
    cells = pd.concat([of.index.to_frame(index=False) for of in new.ranges.values()])
    kept = table[~_among(table, cells, CELL) & _among(table, chosen, CELL)]
    kept = kept[list(CELL)].drop_duplicates()
    return Update(Baseline(new.made, facts, table), dropped, len(kept), scattered)


def _kept(base: pd.DataFrame, now: pd.DataFrame, exact: Exact, barred: pd.Series) -> pd.MultiIndex:
    """The cells whose figures a ratchet does not touch."""
    changed = changes_between({exact: (base, now)}).cells
    worse = changed.loc[changed["change"] == WORSE, list(CELL)]
    return base.index[barred].union(pd.MultiIndex.from_frame(worse))


def _vague(now: pd.DataFrame, exact: Exact) -> pd.Series:
    """Whether a range is of too few workers to tell how far it reaches."""
    enough = (now["workers"] >= FEWEST_WORKERS) | (exact.scatter is not None)
    return ~enough & ((not exact.repeats) | (now["low"] < now["high"]))


def _merged(base: pd.DataFrame, now: pd.DataFrame, exact: Exact) -> pd.DataFrame:
    """low and high by cell: of both where nothing is told to have changed, else of now."""
    both = base.join(now, how="inner", lsuffix="_base", rsuffix="_now")
    changed = changes_between({exact: (base, now)}).cells
    same = both[~both.index.isin(pd.MultiIndex.from_frame(changed[list(CELL)]))]
    figures = pd.concat([now, base[~base.index.isin(now.index)]])[["low", "high"]].copy()
    figures.loc[same.index, "low"] = same[["low_base", "low_now"]].min(axis=1)
    figures.loc[same.index, "high"] = same[["high_base", "high_now"]].max(axis=1)
    return figures
