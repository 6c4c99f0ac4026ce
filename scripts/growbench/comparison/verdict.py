"""What a comparison of times comes to: sentences and tables; the exit status of a live one."""

from typing import Sequence, Union

import numpy as np
import pandas as pd

from growbench.comparison.confirmation import FRESH
from growbench.comparison.same_machine import (
    CHANCES,
    Comparison,
    FASTER,
    NO_SLOWER,
    SLOWER,
    UNRESOLVED,
)
from growbench.comparison.sharing import FAMILY, family_words, size_words, telling
from growbench.data.columns import CELL
from growbench.data.implementations import COMPILED
from growbench.data.metrics import metric
from growbench.statistics.shift import smallest_rank_sum_p, smallest_signed_rank_p
from growbench.tables.table import Column, Table, percent
from growbench.data.units import show

# Exit statuses of a comparison; 2 is for what cannot be read or was not understood.
NO_REGRESSION, REGRESSION, NOT_COMPARABLE, INCONCLUSIVE = 0, 1, 3, 4
# What needs a look first.
_TONES = {SLOWER: "bad", FASTER: "good", UNRESOLVED: "unsure", NO_SLOWER: ""}
_EXAMPLES = 3
# Nothing is called clear while slowdowns of more than so many thetas cannot be excluded in more
# than that share of the families.
LARGEST_LEFT, MOST_LEFT = 2.0, 0.10


def exit_status(judged: Comparison) -> int:
    """Of a live comparison: 1 for a regression or a lost cell, 3 without any cell to compare, 4 if
    a regression cannot be ruled out or a metric has figures on one side only, else 0."""
    if judged.count(SLOWER) or len(judged.lost):
        return REGRESSION
    if judged.families.empty:
        return NOT_COMPARABLE
    unknown = judged.count(UNRESOLVED) or judged.common["one_sided"].any()
    return INCONCLUSIVE if unknown else NO_REGRESSION


def sentences(judged: Comparison, labels: tuple[str, str]) -> list[str]:
    """A live comparison in words, most important first."""
    base, new = labels
    families = judged.families
    total = len(families)
    threshold = percent(1.0 + judged.settings.family_threshold)
    slower, faster = judged.count(SLOWER), judged.count(FASTER)
    unresolved = judged.count(UNRESOLVED)
    lines = []
    if slower:
        lines.append(f"regression: {new} is slower or larger in {slower} of {total} families")
        lines += _examples(judged, SLOWER)
    if len(judged.lost):
        lines.append(
            f"regression: workers of {len(judged.lost)} cells that {base} has figures of failed in "
            f"{new}"
        )
    if families.empty:
        return [*lines, f"not comparable: {base} and {new} have no measured cell in common"]
    if not slower and not len(judged.lost):
        if unresolved:
            lines.append(
                f"inconclusive: no regression was found, but in {unresolved} of {total} families "
                f"one of more than {threshold} cannot be ruled out"
            )
        elif judged.common["one_sided"].any():
            lines.append(
                f"inconclusive: none of {total} families is above {threshold}, but not all that "
                "was asked for could be compared"
            )
        else:
            lines.append(f"no regression: none of {total} families is above {threshold}")
    elif unresolved:
        lines.append(f"families where one of over {threshold} cannot be ruled out: {unresolved}")
    lines += _doubtful(judged)
    lines += _not_compared(judged, labels)
    if faster:
        lines.append(f"{new} is faster or smaller in {faster} of {total} families")
        lines += _examples(judged, FASTER)
    if unresolved:
        lines.append(_visible(judged))
    return [*lines, *_common(judged)]


def left_open(families: pd.DataFrame, theta: float) -> np.ndarray:
    """Which families have no interval that excludes a slowdown of so many thetas."""
    return ~(families["ci_high"].to_numpy() <= 1.0 + LARGEST_LEFT * theta)


def moved_cells(judged: Comparison) -> pd.DataFrame:
    """The cells of the families that are slower or faster: metric and CELL."""
    found = judged.families["verdict"].isin([SLOWER, FASTER])
    moved = judged.families.loc[found, ["metric", *FAMILY]]
    return judged.cells.merge(moved)[["metric", *CELL]]


def _examples(judged: Comparison, verdict: str) -> list[str]:
    """The furthest few families of a verdict."""
    found = judged.families[judged.families["verdict"] == verdict]
    ascending = verdict == FASTER
    found = found.sort_values("ratio", ascending=ascending, kind="stable")
    return listed(found, [family_change(row, judged) for row in found.to_dict("records")])


def family_change(row: dict, judged: Comparison) -> str:
    """A family's change; where its verdict is that of single cells, the furthest of them first."""
    if not _by_cells(row, judged):
        return change_of(row)
    cells = judged.cells
    where = (cells["metric"] == row["metric"]) & (cells["verdict"] == row["verdict"])
    for key in FAMILY:
        where &= cells[key] == row[key]
    ordered = cells[where].sort_values("ratio", ascending=row["verdict"] == FASTER)
    if ordered.empty:
        return change_of(row)
    cell = ordered.iloc[0]
    size = size_words(cell, telling(cells))
    return f"{change_of(cell)} at {size}, all sizes {percent(row['ratio'])}"


def _by_cells(row: dict, judged: Comparison) -> bool:
    """Is a family called slower or faster for single cells, and not as a whole?"""
    beyond = 1.0 + judged.settings.family_threshold
    if row["verdict"] == SLOWER:
        return not row["ci_low"] > beyond
    return row["verdict"] == FASTER and not row["ci_high"] < 1.0 / beyond


def listed(
    found: pd.DataFrame, changes: Sequence[str], most: int = _EXAMPLES, keys: Sequence[str] = ()
) -> list[str]:
    """The first few families or cells, indented, with their changes. keys: as size_words() has
    them."""
    lines = [
        f"  {family_words(row)}, "
        + (f"{size_words(row, keys)}, " if "rows" in row else "")
        + f"{metric(row['metric']).label.lower()}: {change}"
        for row, change in zip(found.head(most).to_dict("records"), changes)
    ]
    if len(found) > most:
        lines.append(f"  and {len(found) - most} more")
    return lines


def _doubtful(judged: Comparison) -> list[str]:
    """Cells that keep their families from being called no slower. Where a family has no interval,
    too little is known for its cells to be worth a look."""
    families = judged.families
    unsure = families[(families["verdict"] == UNRESOLVED) & families["ci_high"].notna()]
    cells = judged.cells[judged.cells["doubtful"]].merge(unsure[["metric", *FAMILY]])
    if cells.empty:
        return []
    threshold = percent(1.0 + judged.settings.cell_threshold)
    found = cells.sort_values("ratio", ascending=False, kind="stable")
    return [
        f"single cells that look over {threshold} slower, which may be chance: {len(cells)}",
        *listed(
            found,
            [change_of(row) for row in found.to_dict("records")],
            keys=telling(judged.cells),
        ),
    ]


def _not_compared(judged: Comparison, labels: tuple[str, str]) -> list[str]:
    """Metrics of which no cell could be compared."""
    base, new = labels
    return [
        f"{metric(row['metric']).label.lower()}: not compared, since no cell has figures "
        + ("on both sides" if row["one_sided"] else f"of it that count, in {base} or in {new}")
        for row in judged.common.to_dict("records")
        if not row["family_count"]
    ]


def change_of(row: Union[dict, pd.Series]) -> str:
    """A ratio as a change, with its interval if it has one."""
    change = percent(row["ratio"])
    if np.isnan(row["ci_low"]):
        return f"{change} (too few for an interval)"
    return f"{change} ({percent(row['ci_low'])} to {percent(row['ci_high'])})"


def _visible(judged: Comparison) -> str:
    """What could have been seen, and what to do about it."""
    visible = judged.families["visible_ratio"].to_numpy()
    rounds = int(judged.families[["base_round_count", "new_round_count"]].min().min())
    advice = "measure more --rounds or fewer families"
    seen = visible[np.isfinite(visible)]
    if len(seen) == 0:
        return (
            f"with {rounds} round{'s' if rounds != 1 else ''} nothing can be told from chance "
            f"among so many families, however large; {advice}"
        )
    unseen = len(visible) - len(seen)
    middle = float(np.median(visible))
    in_half = f"{percent(middle)} would have been found in half of the families, one of "
    text = (
        f"a slowdown of {in_half if np.isfinite(middle) else ''}{percent(float(seen.max()))} "
        "would have been found in all"
    )
    if unseen:
        text += f" but {unseen}, which have too few rounds"
    return f"{text} (four times in five); for smaller ones {advice}"


def _common(judged: Comparison) -> list[str]:
    """Metrics whose families moved together, as far as their median tells."""
    return [
        f"the median of all families moved in {metric(row['metric']).label.lower()}: "
        f"{change_of(row)}; the rounds were interleaved, so that is not the machine"
        for row in judged.common.to_dict("records")
        if row["ci_low"] > 1.0 or row["ci_high"] < 1.0
    ]


_RATIO = (
    Column("ratio", "change", "percent", help="new / base - 1"),
    Column("ci_low", "95% interval", "interval:percent", high="ci_high"),
)
_P = Column("p_adjusted", "p (Holm)", "p", help="adjusted for all families of the metric")


def tables(judged: Comparison, labels: tuple[str, str], limit: int) -> list[Table]:
    """All of what was found; limit: how many families, 0 for all."""
    found = [overview(judged, labels), families_table(judged, limit)]
    return [*found, cells_table(judged)] if judged.cells["family_rejected"].any() else found


def overview(judged: Comparison, labels: tuple[str, str]) -> Table:
    """A row for each metric: verdicts, what all families have in common, what could be seen."""
    rows = []
    for common in judged.common.to_dict("records"):
        name = common["metric"]
        families = judged.families[judged.families["metric"] == name]
        visible = families["visible_ratio"].to_numpy()
        row = {"metric": name, "families": len(families)}
        for verdict in (SLOWER, FASTER, UNRESOLVED, NO_SLOWER):
            row[verdict.replace(" ", "_")] = int((families["verdict"] == verdict).sum())
        row |= {
            "common_ratio": common["ratio"],
            "common_ci_low": common["ci_low"],
            "common_ci_high": common["ci_high"],
            "visible_ratio_median": float(np.median(visible)) if len(visible) else np.nan,
            "visible_ratio_max": float(visible.max()) if len(visible) else np.nan,
        }
        rows.append(row)
    settings = judged.settings
    columns = (
        Column("metric", "metric"),
        Column("families", "families", "count"),
        Column("slower", "slower", "count"),
        Column("faster", "faster", "count"),
        Column("unresolved", "unresolved", "count"),
        Column("no_slower", "no slower", "count"),
        Column("common_ratio", "common shift", "percent"),
        Column("common_ci_low", "95% interval", "interval:percent", high="common_ci_high"),
        Column("visible_ratio_median", "visible in half", "percent"),
        Column("visible_ratio_max", "in all", "percent"),
    )
    how = (
        "rounds were interleaved, so they are compared as pairs"
        if settings.paired
        else "the runs were measured one after the other"
    )
    notes = [
        f"ratios are {labels[1]} / {labels[0]}; {how}",
        f"slower: found among all families of the metric (Holm, {settings.alpha:.0%}), and the "
        f"whole interval above {percent(1.0 + settings.family_threshold)} "
        f"(a single cell: {percent(1.0 + settings.cell_threshold)})",
        "unresolved: such a slowdown cannot be ruled out, which is not the same as no difference",
    ]
    return Table("overview", "Verdicts by metric", columns, pd.DataFrame(rows), notes)


def families_table(comparison: Comparison, limit: int) -> Table:
    """The families, what needs a look first; limit: how many, 0 for all."""
    families = comparison.families.copy()
    families["tone"] = families["verdict"].map(_TONES)
    families["found"] = [_found(row, comparison) for row in families.to_dict("records")]
    families["rounds"] = counts_of_sides(families, "round")
    columns = (
        Column("metric", "metric"),
        Column("implementation", "impl."),
        Column("strategy", "strategy"),
        Column("allocator", "allocator"),
        Column("cell_count", "cells", "count"),
        Column("rounds", "rounds"),
        *_RATIO,
        _P,
        *((Column("data", "judged on"),) if "data" in families else ()),
        Column("visible_ratio", "visible", "percent", help="found in 80% of cases"),
        Column("found", "verdict"),
    )
    return ranked_families(columns, families, list(_TONES), limit)


def counts_of_sides(families: pd.DataFrame, of: str) -> list[str]:
    """How many rounds or runs each family has: one figure where both sides have as many."""
    both = zip(families[f"base_{of}_count"], families[f"new_{of}_count"])
    return [str(a) if a == b else f"{a}, {b}" for a, b in both]


def ranked_families(
    columns: Sequence[Column], families: pd.DataFrame, verdicts: Sequence[str], limit: int
) -> Table:
    """The families in the order of these verdicts, by which they need a look; of each the slowest
    first. Whatever the limit, all are shown whose verdict stands before UNRESOLVED."""
    rank = families["verdict"].map({verdict: place for place, verdict in enumerate(verdicts)})
    order = np.lexsort((-families["ratio"].fillna(1.0).to_numpy(), rank.to_numpy()))
    found = int((rank < verdicts.index(UNRESOLVED)).sum())
    families = families.iloc[order].reset_index(drop=True)
    title = "Families: a strategy under an allocator"
    table = Table("families", title, columns, families, (), "tone")
    return table.first(max(limit, found) if limit > 0 else 0, "families")


def _found(row: dict, comparison: Comparison) -> str:
    """The verdict; where it is that of single cells, that is said."""
    return f"{row['verdict']}{' at some sizes' if _by_cells(row, comparison) else ''}"


def whose(table: pd.DataFrame) -> tuple[Column, ...]:
    """A column for the implementation, where the strategy alone does not tell it."""
    told = table["implementation"].isin(COMPILED).all()
    return () if told else (Column("implementation", "impl."),)


def cells_table(comparison: Comparison) -> Table:
    """The cells of families that were found; of others no cell is listed."""
    cells = comparison.cells[comparison.cells["family_rejected"]].copy()
    cells["tone"] = cells["verdict"].map(_TONES)
    columns = (
        Column("metric", "metric"),
        *whose(cells),
        Column("strategy", "strategy"),
        Column("allocator", "allocator"),
        Column("rows", "rows", "count"),
        Column("row_bytes", "row bytes", "count"),
        Column("threads", "threads", "count"),
        *((Column("work", "work"),) if cells["work"].nunique() > 1 else ()),
        Column("base", "base"),
        Column("new", "new"),
        *_RATIO,
        Column("p_adjusted", "p (Holm)", "p", help="adjusted for the family's cells"),
        Column("verdict", "verdict"),
    )
    cells = with_figures(cells, "median")
    return Table(
        "cells", "Cells of these families", columns, cells, _cell_notes(comparison), "tone"
    )


def with_figures(cells: pd.DataFrame, of: str) -> pd.DataFrame:
    """With base and new: the sides' figures, base_`of` and new_`of`, as text."""
    units = [metric(name).unit for name in cells["metric"]]
    return cells.assign(
        **{side: list(map(show, cells[f"{side}_{of}"], units)) for side in ("base", "new")}
    )


def _cell_notes(comparison: Comparison) -> list[str]:
    """How many rounds a single cell would need to be found in its family by itself."""
    families = comparison.families
    if "data" in families:
        families = families[families["data"] == FRESH]
    if families.empty:
        return []
    largest = families.loc[families["cell_count"].idxmax()]
    count = int((families["metric"] == largest["metric"]).sum())
    if comparison.settings.paired:
        smallest = smallest_signed_rank_p(int(largest["new_round_count"]))
    else:
        smallest = smallest_rank_sum_p(
            int(largest["base_round_count"]), int(largest["new_round_count"])
        )
    if CHANCES * smallest * largest["cell_count"] * count <= comparison.settings.alpha:
        return []
    return [
        f"one cell alone, however slow, cannot be told from chance among {count} families of "
        f"{largest['cell_count']} cells with so few rounds: it shows in its family's mean only"
    ]


def lost_table(lost: pd.DataFrame) -> Table:
    """Cells whose workers failed in new only."""
    columns = (
        *whose(lost),
        Column("strategy", "strategy"),
        Column("allocator", "allocator"),
        Column("rows", "rows", "count"),
        Column("row_bytes", "row bytes", "count"),
        *(Column(key, key) for key in ("threads", "work", "pass") if lost[key].nunique() > 1),
        Column("worker_count", "workers", "count"),
        Column("status", "status"),
        Column("status_detail", "in words"),
    )
    title = "Cells that are lost"
    return Table("lost", title, columns, lost.assign(tone="bad"), (), "tone")
