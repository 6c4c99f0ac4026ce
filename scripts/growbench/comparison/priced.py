"""What the machine did to the times: prices then and now, and what they explain.

The figures are made in analysis/prices.py, the hosts in hosts.py; here they become a layer of a
comparison. It is about cold builds: of warm ones nobody counts what their time is made of.
"""

from typing import NamedTuple, Optional, Sequence

import numpy as np
import pandas as pd

from growbench.analysis import host, prices
from growbench.analysis.attribution import EXPLAINED_HIGH, EXPLAINED_LOW, LEAST_NS
from growbench.analysis.prices import Priced, Side
from growbench.comparison.hosts import Host, hosts_of
from growbench.comparison.layers import ABSENT, CLEAR, Layer, MACHINE
from growbench.comparison.run import Run
from growbench.comparison.sharing import FAMILY, cell_words
from growbench.data.columns import CELL
from growbench.data.description import huge_pages
from growbench.data.implementations import C, strategy_names
from growbench.data.text import printable
from growbench.data.units import show
from growbench.tables.table import Column, Table, percent, whole_share

# Of runs.csv, besides a row's keys, what is to be read for the layer.
COLUMNS = prices.COLUMNS | host.COLUMNS
# Less than that is no move of prices, or of a family, that is worth a word.
LEAST_MOVE = 1.05
# Nor that of counts: page faults differ by some percent from one worker to the next.
LEAST_COUNTS = 1.10
# A part of the effect that is smaller is in the table, and in no sentence.
_LEAST_POINTS = 0.01
_EXAMPLES = 3
_PRICES = {
    "instruction": "an instruction",
    "call": "a system call",
    "page": "a page, by the probe",
    "copy_near": "a copy in the nearest cache",
    "copy_far": "a copy in memory",
}
_PAGE = "a page, in the workers"
# Why a cell departs from what was predicted.
COUNTS, WORKERS = "its counts moved", "its workers differ by as much"
MODEL, NOTHING = "not explained on the base side either", "nothing that is counted"
_COLD = "this is about cold builds: what a warm one's time is made of is not counted"


class Chosen(NamedTuple):
    """The cells that sentences are of: cells that are long enough to be explained, and `words` for
    them."""

    found: Priced
    words: str


def machine_layer(
    base: Sequence[Run], new: Sequence[Run], cells: Optional[pd.DataFrame] = None
) -> Layer:
    """What the hosts of two sides did to their cold builds.

    base, new: at least one whole run a side, read with COLUMNS, for prices are in rows that no
    choice of cells keeps. cells: with CELL, those that are told about; None: all.
    """
    sides = [prices.side_of([run.runs for run in runs]) for runs in (base, new)]
    hosts = hosts_of([*base, *new])
    found = of_cells(prices.priced(*sides), cells)
    why = _why_nothing(sides, found, base, new)
    table = price_table(sides, base, new)
    if why:
        tables = [table] if len(table.frame) else []
        return Layer(MACHINE, [f"the machine: not priced, {why}"], tables, ABSENT)
    chosen = longest(found)
    families = family_table(found)
    tables = [table, effect_table(chosen), families, departures(chosen.found.cells)]
    shown = [each for each in tables if len(each.frame)]
    sentences = _sentences(chosen, base, new, hosts)
    return Layer(MACHINE, sentences, shown, CLEAR, unexplained_families(families))


def _sentences(
    chosen: Chosen, base: Sequence[Run], new: Sequence[Run], hosts: Sequence[Host]
) -> list[str]:
    """What there is to say of these cells; little if neither the host nor its prices changed."""
    one = _share_a_host(base, new, hosts)
    effect = prices.effect(chosen.found)
    names = [printable(", ".join(run.label for run in runs)) for runs in (base, new)]
    if one and max(effect, 1.0 / effect) < LEAST_MOVE:
        count = len(chosen.found.cells)
        same = "the machine's prices are about the same on both sides: they put"
        told = f"{same} {count} {chosen.words} at {percent(effect)}"
        return [told, *_by_counts(chosen), *_huge_pages(base, new)]
    said = [headline(chosen, one, names[1]), *_predicted(chosen, names[0]), *_left_over(chosen)]
    return [*said, *_by_counts(chosen), *_huge_pages(base, new), _COLD]


def _share_a_host(base: Sequence[Run], new: Sequence[Run], hosts: Sequence[Host]) -> bool:
    """Is a run of each side of the same host?"""
    labels = [{run.label for run in runs} for runs in (base, new)]
    members = [{run.label for run in host.runs} for host in hosts]
    return any(all(of & side for side in labels) for of in members)


def of_cells(found: Priced, cells: Optional[pd.DataFrame]) -> Priced:
    """Of these cells alone, if any are asked for."""
    if cells is None:
        return found
    asked = pd.MultiIndex.from_frame(cells[list(CELL)].drop_duplicates())
    return found.of(pd.Series(pd.MultiIndex.from_frame(found.cells[list(CELL)]).isin(asked)))


def _why_nothing(
    sides: Sequence[Side], found: Priced, base: Sequence[Run], new: Sequence[Run]
) -> str:
    """Why no cell could be priced; "" if one could."""
    if found.cells["machine"].notna().any():
        return ""
    if found.cells.empty:
        return "as no cell has a cold build on both sides"
    for side, runs in zip(sides, (base, new)):
        label = printable(", ".join(run.label for run in runs))
        if not side.prices.known:
            return f"as {label} has no probes of the host (pass probe)"
        if side.cells["malloc_count"].isna().all():
            return f"as {label} has no counts (pass trace)"
    return "as of each cell a count or a price is missing on one side"


def longest(found: Priced) -> Chosen:
    """The C cells of 100 us and more that are priced, or else the long ones of all, or else all."""
    priced = found.cells["machine"].notna()
    long = priced & (found.cells["new_ns"] >= LEAST_NS)
    own = long & (found.cells["implementation"] == C)
    least = f"of {show(LEAST_NS, 'ns', 1)} and more"
    for chosen, words in ((own, f"cold C builds {least}"), (long, f"cold builds {least}")):
        if chosen.any():
            return Chosen(found.of(chosen), words)
    return Chosen(found.of(priced), "cold builds")


def headline(chosen: Chosen, one_host: bool, name: str) -> str:
    """Which host that is, how fast it is, and why."""
    effect = prices.effect(chosen.found)
    moved = max(effect, 1.0 / effect) >= LEAST_MOVE
    count = len(chosen.found.cells)
    if not moved:
        return (
            f"{name} is of another host, whose prices are about the same: they put {count} "
            f"{chosen.words} at {percent(effect)}"
        )
    which = "the same host at other prices" if one_host else "another host"
    faster, less = ("faster", "less") if effect < 1.0 else ("slower", "more")
    parts = prices.parts_of_effect(chosen.found)
    parts = parts[parts["points"].abs() >= _LEAST_POINTS]
    parts = parts.reindex(parts["points"].abs().sort_values(ascending=False).index)
    why = ", ".join(f"{row['label']} {row['price'] - 1.0:+.0%}" for row in parts.to_dict("records"))
    share = prices.explained_of_moves(chosen.found.cells)
    change = f"{abs(effect - 1.0):.0%}"
    return (
        f"{which}, {change} {faster} (the same counts take {change} {less} time): {why}; "
        f"that explains {whole_share(share)} of what moved in {count} {chosen.words}"
    )


def _predicted(chosen: Chosen, name: str) -> list[str]:
    """How many times are as predicted, and which are not."""
    cells = chosen.found.cells
    inside = int(prices.within(cells).sum())
    limit = f"{EXPLAINED_HIGH - 1.0:.0%}"
    said = [
        f"predicted from the times of {name} and both sides' prices: {inside} of {len(cells)} "
        f"({inside / len(cells):.1%}) of these within {limit} of what was measured"
    ]
    far = departures(cells).frame
    sure = far[far["is_sure"]]
    if len(far):
        told = "; ".join(
            f"{cell_words(cell)}, {show(cell['new_ns'], 'ns')} and not "
            f"{show(cell['predicted_ns'], 'ns')}: {cell['why']}"
            for cell in sure.head(_EXAMPLES).to_dict("records")
        )
        such = ", such as " if len(sure) > _EXAMPLES else ": "
        workers = f"{len(sure) or 'none'} by more than their workers differ"
        said.append(printable(f"further off: {len(far)}, {workers}{such if told else ''}{told}"))
    return said


def _left_over(chosen: Chosen) -> list[str]:
    """What neither prices nor counts explain."""
    left = chosen.found.cells["left"].dropna()
    if left.empty:
        return []
    low, middle, high = (percent(left.quantile(q)) for q in (0.05, 0.5, 0.95))
    return [
        f"left over in the times when prices and counts are taken out: {middle} in the middle, "
        f"9 of 10 from {low} to {high}"
    ]


def _by_counts(chosen: Chosen) -> list[str]:
    """How far counts moved the times."""
    code = chosen.found.cells["code"]
    moved = code[_apart(code) >= LEAST_COUNTS]
    if moved.empty:
        return []
    ends = dict.fromkeys(percent(end) for end in (moved.min(), moved.max()))
    return [
        f"counts moved {len(moved)} of these {len(code)} {chosen.words} by "
        f"{LEAST_COUNTS - 1.0:.0%} and more, at the prices of now: {' to '.join(ends)}"
    ]


def _huge_pages(base: Sequence[Run], new: Sequence[Run]) -> list[str]:
    """That the hosts give huge pages to others, so that what moved in faults is a setting's."""
    settings = [{huge_pages(run.machine) for run in runs} for runs in (base, new)]
    then, now = (", ".join(sorted(filter(None, of))) for of in settings)
    if not then or not now or then == now:
        return []
    return [
        f"transparent huge pages were set to {then} then, and to {now} now: page faults, and with "
        "them peaks, move with that setting and not with the code"
    ]


def _apart(ratio: pd.Series) -> pd.Series:
    return np.maximum(ratio, 1.0 / ratio)


def price_table(sides: Sequence[Side], base: Sequence[Run], new: Sequence[Run]) -> Table:
    """What a few things cost on both sides; a row for each price that one of them knows."""
    seen = [_typical(runs) for runs in (base, new)]
    rows = [(label, *(of.get(name) for of in seen)) for name, label in _PRICES.items()]
    rows.append((_PAGE, *(side.prices.page_ns for side in sides)))
    frame = pd.DataFrame(rows, columns=["what", "base_ns", "new_ns"])
    frame = frame.astype({"base_ns": float, "new_ns": float}).dropna(
        subset=["base_ns", "new_ns"], how="all"
    )
    frame["ratio"] = frame["new_ns"] / frame["base_ns"]
    columns = (
        Column("what", "What"),
        Column("base_ns", "Then", "ns"),
        Column("new_ns", "Now", "ns"),
        Column("ratio", "Change", "percent"),
    )
    return Table("prices", "Prices then and now", columns, frame.reset_index(drop=True))


def _typical(runs: Sequence[Run]) -> dict[str, float]:
    """The typical prices of a side: of several runs the median."""
    seen = [run.fingerprint().prices for run in runs]
    return {
        name: float(np.median([of[name].typical for of in seen if name in of]))
        for name in host.PRICES
        if any(name in of for of in seen)
    }


def effect_table(chosen: Chosen) -> Table:
    """Which prices the machine's effect is made of, and the whole of it."""
    frame = prices.parts_of_effect(chosen.found)[["label", "share", "price", "points"]]
    whole = prices.effect(chosen.found)
    total = {"label": "all", "share": frame["share"].sum(), "price": whole, "points": whole - 1.0}
    frame = pd.concat([frame, pd.DataFrame([total])], ignore_index=True)
    frame["points"] += 1.0
    columns = (
        Column("label", "Part of the time"),
        Column("share", "Share then", "whole_share"),
        Column("price", "Its price", "percent"),
        Column("points", "Adds", "percent"),
    )
    notes = (
        "Price: what the same counts cost now, over then. Adds: to the time of all. Each of the "
        f"{len(chosen.found.cells)} {chosen.words} counts alike.",
    )
    return Table("machine", "What the machine did", columns, frame, notes)


def family_table(found: Priced) -> Table:
    """By family, of its long cells: how far the times moved, and how much of it is the machine's.

    machine_share: ln machine / ln ratio, where the times moved by 5% or more. left_low, left_high:
    the smallest and the largest of the cells.
    """
    known = found.cells["machine"].notna() & (found.cells["new_ns"] >= LEAST_NS)
    cells = found.cells[known]
    logs = cells[list(FAMILY)].copy()
    for name in ("ratio", "machine", "code", "left"):
        logs[name] = np.log(cells[name])
    logs["departed"] = prices.departs(cells)
    grouped = logs.groupby(list(FAMILY), sort=True, observed=True)
    mean = grouped[["ratio", "machine", "code", "left"]].mean()
    frame = np.exp(mean)
    moved = mean["ratio"].abs() >= np.log(LEAST_MOVE)
    frame["machine_share"] = (mean["machine"] / mean["ratio"]).where(moved)
    frame["left_low"], frame["left_high"] = (
        np.exp(getattr(grouped["left"], end)()) for end in ("min", "max")
    )
    frame["cell_count"] = grouped.size()
    frame["departed_count"] = grouped["departed"].sum()
    frame["apart"] = mean["left"].abs()
    frame = frame.sort_values("apart", ascending=False, kind="stable").drop(columns="apart")
    frame = frame.reset_index()
    frame["name"] = strategy_names(frame)
    columns = (
        Column("name", "Strategy"),
        Column("allocator", "Allocator"),
        Column("cell_count", "Cells", "count"),
        Column("ratio", "Moved", "percent"),
        Column("machine", "By the machine", "percent"),
        Column("machine_share", "Share of it", "whole_share"),
        Column("code", "By counts", "percent"),
        Column("left", "Left over", "percent"),
        Column("left_low", "Of its cells", "interval:percent", "left_high"),
        Column("departed_count", "Depart", "count"),
    )
    notes = (
        f"Cold builds of {show(LEAST_NS, 'ns', 1)} and more; the furthest from what was predicted "
        "first.",
    )
    return Table("priced_families", "What the machine explains, by family", columns, frame, notes)


def unexplained_families(table: Table) -> pd.DataFrame:
    """Of family_table() those of which a cell departs, as a Layer has them."""
    frame = table.frame[table.frame["departed_count"] > 0]
    texts = [
        f"{percent(family['machine'])} of {percent(family['ratio'])}"
        for family in frame.to_dict("records")
    ]
    return frame[list(FAMILY)].assign(text=texts, tone="unsure")


def departures(cells: pd.DataFrame) -> Table:
    """The cells whose times are not as predicted, the furthest first."""
    far = cells[cells["machine"].notna() & ~prices.within(cells)]
    frame = far[[*CELL, "base_ns", "predicted_ns", "new_ns", "code"]].copy()
    frame["left_low"], frame["left_high"] = far["left_low"], far["left_high"]
    frame["is_sure"] = prices.departs(far)
    # Who predicts a half is as far off as who predicts the double.
    ratio = far["new_ns"] / far["predicted_ns"]
    frame["ratio"] = ratio
    moved = (_apart(far["code"]) >= LEAST_COUNTS) & ((far["code"] > 1.0) == (ratio > 1.0))
    unexplained = ~far["explained_share"].between(EXPLAINED_LOW, EXPLAINED_HIGH)
    causes = [(moved, COUNTS), (~frame["is_sure"], WORKERS), (unexplained, MODEL)]
    frame["why"] = np.select([cause for cause, _ in causes], [why for _, why in causes], NOTHING)
    order = _apart(ratio).sort_values(ascending=False, kind="stable").index
    frame = frame.reindex(order).reset_index(drop=True)
    frame["name"] = strategy_names(frame)
    columns = (
        Column("name", "Strategy"),
        Column("allocator", "Allocator"),
        Column("rows", "Rows", "count"),
        Column("row_bytes", "Row bytes", "count"),
        Column("threads", "Threads", "count"),
        Column("base_ns", "Then", "ns"),
        Column("predicted_ns", "Predicted", "ns"),
        Column("new_ns", "Now", "ns"),
        Column("ratio", "Now over that", "percent"),
        Column("left_low", "Left over, 95%", "interval:percent", "left_high"),
        Column("why", "Why"),
    )
    notes = (
        f'Left over: what counts and prices do not explain. "{COUNTS}": in the direction of the '
        f'time. "{MODEL}": counts times prices are further than 25% from the time there, too.',
    )
    return Table("departures", "Cells that are not as predicted", columns, frame, notes)
