"""What runs of one machine say of times: several a side, or one.

Several: the run is the unit (between.py). A family is called slower if that is found among all
families, and if it is slower by theta, the smallest slowdown of interest: 5%, or what was asked
for. What runs of one build differ by is in the interval already, so theta is not raised by it. Only
where all runs of one side were made before those of the other the whole interval has to be above
theta, since what wandered from one to the other is in no interval.

One: see one_a_side.py.
"""

from typing import Sequence

import numpy as np
import pandas as pd

from growbench.comparison import between, layers, one_a_side
from growbench.comparison.between import ALTERNATED, APART, Between, MIXED, MOVED, Rules
from growbench.comparison.layers import ABSENT, CLEAR, Layer, OPEN, TIMES, WORSE, by_family
from growbench.comparison.pair import Request
from growbench.comparison.run import Run, check_different
from growbench.comparison.same_machine import (
    FASTER,
    LEAST_THRESHOLD,
    NO_SLOWER,
    SLOWER,
    Settings,
    UNRESOLVED,
)
from growbench.comparison.verdict import (
    LARGEST_LEFT,
    MOST_LEFT,
    change_of,
    counts_of_sides,
    left_open,
    listed,
    ranked_families,
    with_figures,
)
from growbench.data.description import fact
from growbench.data.metrics import metric
from growbench.statistics.moderated import smallest_p
from growbench.tables.table import Column, Table, percent

_EXAMPLES = 5
# What needs a look first.
_TONES = {SLOWER: "bad", MOVED: "unsure", FASTER: "good", UNRESOLVED: "unsure", NO_SLOWER: ""}
_ADVICE = {
    ALTERNATED: "",
    MIXED: "",
    APART: "all runs of one side were made before those of the other, or nobody knows when: what "
    "wandered meanwhile looks like a change, so make them alternately",
}


def times_layer(
    base: Sequence[Run], new: Sequence[Run], request: Request, settings: Settings
) -> Layer:
    """The layer of times of two sides, at least a run each, all of machines of one name.

    settings: theta for one run a side. Raises UsageError for a run that is there twice.
    """
    if len(base) == len(new) == 1:
        return one_a_side.times_layer(base[0], new[0], request, settings)
    check_different([*base, *new])
    base, new, order = in_order(base, new)
    theta = LEAST_THRESHOLD if request.threshold is None else request.threshold
    rows, count = [run.runs for run in (*base, *new)], len(base)
    values = [between.values_of(rows, count, of) for of in request.metrics]
    if not sum(len(of.families) for of in values):
        return Layer(TIMES, (), (), ABSENT)
    rules = Rules(theta, order=order)
    found = between.compare_values([of.name for of in request.metrics], values, rules)
    verdict = verdict_of(found)
    if verdict == OPEN and looks_slower(found):
        verdict = layers.MOVED
    tables = [_overview(found), _families(found, request.limit)]
    if len(found.cells):
        tables.append(_cells(found))
    return Layer(TIMES, _sentences(found, verdict), tables, verdict, _texts(found))


def in_order(base: Sequence[Run], new: Sequence[Run]) -> tuple[Sequence[Run], Sequence[Run], str]:
    """Each side's runs in the order of their times, and how the sides lie to each other: one of
    each again and again (in pairs of either order), mixed, or apart; apart where a time is not
    known."""
    begun = {id(run): fact(run.machine, "run", "started_utc") for run in (*base, *new)}
    if None in begun.values():
        return base, new, APART
    base, new = (sorted(side, key=lambda run: begun[id(run)]) for side in (base, new))
    first, second = ([begun[id(run)] for run in side] for side in (base, new))
    if first[-1] < second[0] or second[-1] < first[0]:
        return base, new, APART
    pairs = [sorted(pair) for pair in zip(first, second)]
    apart = all(a[1] < b[0] for a, b in zip(pairs, pairs[1:]))
    return base, new, ALTERNATED if len(first) == len(second) and apart else MIXED


def verdict_of(found: Between) -> str:
    """WORSE if a family is slower. CLEAR if none has moved up either, all families together are no
    slower as far as they tell, and slowdowns of two thetas are excluded in 90% of the families."""
    if found.count(SLOWER):
        return WORSE
    left = left_open(found.families, found.rules.theta).mean()
    return OPEN if looks_slower(found) or left > MOST_LEFT else CLEAR


def looks_slower(found: Between) -> bool:
    """Has any family moved up, or all of them together, without being told from chance?"""
    families = found.families
    up = (families["verdict"] == MOVED) & (families["ratio"] > 1.0)
    return bool(up.any() or (found.common["ratio"] >= 1.0 + found.rules.theta).any())


def _sentences(found: Between, verdict: str) -> list[str]:
    families = found.families
    total, theta = len(families), percent(1.0 + found.rules.theta)
    slower = families[families["verdict"] == SLOWER]
    moved = families[families["verdict"] == MOVED]
    up = moved[moved["ratio"] > 1.0]
    lines = []
    if len(slower):
        lines.append(f"in time, {len(slower)} of {total} families are slower, by {theta} or more")
        lines += _examples(slower)
    elif verdict == CLEAR:
        lines.append(f"in time, none of {total} families is slower by {theta} or more")
    else:
        lines.append(
            f"in time, no slowdown of {theta} or more is found among {total} families, and none is "
            "excluded"
        )
    if len(up):
        lines.append(f"in time, {len(up)} of {total} families look slower, which may be chance")
        lines += _examples(up)
    faster = families[families["verdict"] == FASTER]
    if len(faster):
        lines.append(f"in time, {len(faster)} of {total} families are faster")
        lines += _examples(faster)
    return [*lines, *_common(found), *_limits(found)]


def _examples(families: pd.DataFrame) -> list[str]:
    """The furthest first."""
    furthest = families.sort_values("ratio", key=lambda of: -np.abs(np.log(of)), kind="stable")
    return listed(furthest, [change_of(row) for row in furthest.to_dict("records")], _EXAMPLES)


def _common(found: Between) -> list[str]:
    """What all families moved by together, run by run taken out of each."""
    if found.rules.order == ALTERNATED:
        cause = "runs were made alternately, so it is not the host's drift"
    else:
        cause = "that may be the host"
    limit = 1.0 + found.rules.theta
    return [
        f"in time, all families moved together in {metric(row['metric']).label.lower()}: "
        f"{change_of(row)}; {cause if row['told'] else 'runs differ by as much'}"
        for row in found.common.to_dict("records")
        if row["told"] or row["ratio"] >= limit or row["ratio"] <= 1.0 / limit
    ]


def _limits(found: Between) -> list[str]:
    """What could have been found, and what is left open."""
    counts = found.families[["base_run_count", "new_run_count"]].max()
    runs = " and ".join(dict.fromkeys(str(int(count)) for count in counts))
    if smallest_p(*map(int, counts)) > found.rules.alpha or counts.min() < 2:
        told = (
            f"with {runs} runs a side no single family can be told from chance: a family with two "
            "modes would fall apart like that; of 5 a side it can"
        )
    else:
        seen = found.families["visible_ratio"]
        told = (
            f"with {runs} runs a side a slowdown of {percent(float(seen.median()))} would have "
            f"been found in half of the families, one of {percent(float(seen.max()))} in all"
        )
    left = int(left_open(found.families, found.rules.theta).sum())
    limit = percent(1.0 + LARGEST_LEFT * found.rules.theta)
    lines = [told]
    if left:
        lines.append(f"families in which a slowdown of over {limit} is not excluded: {left}")
    advice = _ADVICE[found.rules.order]
    return [*lines, advice] if advice else lines


def _texts(found: Between) -> pd.DataFrame:
    """For the table of all layers: the families that are slower, faster, or have moved."""
    wanted = found.families[found.families["verdict"].isin([SLOWER, FASTER, MOVED])]
    texts = [f"{metric(row['metric']).short} {change_of(row)}" for row in wanted.to_dict("records")]
    tones = wanted["verdict"].map(_TONES)
    rank = wanted["verdict"].map(list(_TONES).index)
    wanted = wanted.assign(text=texts, tone=tones, rank=rank)
    return by_family(wanted.sort_values(["rank", "ratio"], ascending=[True, False], kind="stable"))


_RATIO = (
    Column("ratio", "change", "percent", help="new / base - 1, without what all have in common"),
    Column("ci_low", "95% interval", "interval:percent", high="ci_high"),
)


def _overview(found: Between) -> Table:
    rows = []
    for common in found.common.to_dict("records"):
        of = found.families[found.families["metric"] == common["metric"]]
        row = {"metric": common["metric"], "families": len(of)}
        for verdict in (SLOWER, FASTER, MOVED, UNRESOLVED, NO_SLOWER):
            row[verdict.replace(" ", "_")] = int((of["verdict"] == verdict).sum())
        for name in ("ratio", "ci_low", "ci_high"):
            row[f"common_{name}"] = common[name]
        row["spread_median"] = float(of["spread"].median()) if len(of) else np.nan
        row["visible_ratio_median"] = float(of["visible_ratio"].median()) if len(of) else np.nan
        rows.append(row)
    columns_ = (
        Column("metric", "metric"),
        Column("families", "families", "count"),
        *(Column(v.replace(" ", "_"), v, "count") for v in (SLOWER, FASTER, MOVED)),
        *(Column(v.replace(" ", "_"), v, "count") for v in (UNRESOLVED, NO_SLOWER)),
        Column("common_ratio", "all together", "percent"),
        Column("common_ci_low", "99% interval", "interval:percent", high="common_ci_high"),
        Column("spread_median", "runs differ by", "percent", help="standard deviation"),
        Column("visible_ratio_median", "visible in half", "percent"),
    )
    return Table(
        "overview", "Times, by metric", columns_, pd.DataFrame(rows), _overview_notes(found)
    )


def _overview_notes(found: Between) -> list[str]:
    theta = percent(1.0 + found.rules.theta)
    how = {ALTERNATED: "alternately", MIXED: "in mixed order", APART: "one side after the other"}
    return [
        f"ratios are new / base; runs were made {how[found.rules.order]}; what all families of a "
        "run have in common is taken out of each",
        f"slower: by {theta} or more, and found among all families of all metrics "
        f"({found.rules.alpha:.0%}, by dealing the runs into other sides)",
        "moved: beyond that, and it stands out, but with so many families and so few runs that may "
        "be chance",
    ]


def _families(found: Between, limit: int) -> Table:
    families = found.families.copy()
    families["tone"] = families["verdict"].map(_TONES)
    families["runs"] = counts_of_sides(families, "run")
    columns_ = (
        Column("metric", "metric"),
        Column("implementation", "impl."),
        Column("strategy", "strategy"),
        Column("allocator", "allocator"),
        Column("cell_count", "cells", "count"),
        Column("runs", "runs"),
        *_RATIO,
        Column("p", "p", "p", help="adjusted for all families of all metrics"),
        Column("spread", "runs differ by", "percent", help="standard deviation"),
        Column("visible_ratio", "visible", "percent", help="found in 80% of cases"),
        Column("verdict", "verdict"),
    )
    return ranked_families(columns_, families, list(_TONES), limit)


def _cells(found: Between) -> Table:
    cells = with_figures(found.cells, "value")
    columns_ = (
        Column("metric", "metric"),
        Column("implementation", "impl."),
        Column("strategy", "strategy"),
        Column("allocator", "allocator"),
        Column("rows", "rows", "count"),
        Column("row_bytes", "row bytes", "count"),
        Column("threads", "threads", "count"),
        Column("base", "base"),
        Column("new", "new"),
        *_RATIO,
    )
    return Table("cells", "Cells of families that moved", columns_, cells)
