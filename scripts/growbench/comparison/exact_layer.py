"""The first layer of a comparison: what changed exactly, in words and tables."""

from typing import Collection, NamedTuple, Sequence

import numpy as np
import pandas as pd

from growbench.comparison import layers
from growbench.comparison.exact import (
    BETTER,
    Changes,
    OTHER,
    TONES,
    WORSE,
    by,
    changes_of,
    figures,
    where,
    worst,
    worst_first,
)
from growbench.comparison.layers import Layer
from growbench.comparison.run import Run
from growbench.comparison.sharing import FAMILY, Numbered, family_words, numbered
from growbench.data.columns import INSTRUCTIONS, MEASURE
from growbench.data.description import fact, huge_pages
from growbench.data.exact import EXACT, exact
from growbench.data.statuses import OK
from growbench.data.units import show
from growbench.tables.table import Column, Table

# By that share the same code in another place of a library may count more or fewer.
_TOLERANCE = {of.name: 0.005 for of in EXACT if of.pass_name == INSTRUCTIONS}
# What is up to the kernel's pages as much as to the code.
_BY_PAGES = [of.name for of in EXACT if of.pass_name == MEASURE]


class _Covered(NamedTuple):
    """Of how many families and cells there are counts that repeat on both sides; how many cells
    are measured on both sides and have none."""

    families: int
    cells: int
    lacking: int


def exact_layer(base: Sequence[Run], new: Sequence[Run]) -> Layer:
    """Compare the counts of two sides.

    Its verdict is WORSE if any is worse, instructions by more than 0.5%; else ABSENT if no cell has
    counts on both sides that repeat; OPEN if some cells that both sides measured have none; else
    CLEAR. Instructions that were not counted alike are not compared. Faults and resident peaks are
    neither worse nor better where the kernel's pages are others: that is the machine's.
    """
    runs = (*base, *new)
    counting, pages = ({how(run) for run in runs} - {""} for how in (_counting, _pages))
    of = [row for row in EXACT if row.pass_name != INSTRUCTIONS or len(counting) <= 1]
    sides = [[run.runs for run in side] for side in (base, new)]
    known = numbered([*sides[0], *sides[1]])
    found = changes_of(known, sides[0], sides[1], of)
    found = _as_neither(found, _excused(found.cells, len(pages) > 1))
    covered = _covered(known, sides, {row.pass_name for row in of if row.repeats})
    if found.count(WORSE):
        verdict = layers.WORSE
    elif not covered.cells:
        verdict = layers.ABSENT
    else:
        verdict = layers.OPEN if covered.lacking else layers.CLEAR
    texts = _texts(found.families)
    sentences = [*_changed(found, texts, covered), *_not_covered(covered)]
    if len(counting) > 1:
        told = ", then ".join(dict.fromkeys(filter(None, map(_counting, runs))))
        sentences.append(f"exactly, instructions are not compared, as not counted alike: {told}")
    if len(pages) > 1 and (found.families["change"] == OTHER).any():
        told = ", then ".join(dict.fromkeys(filter(None, map(_pages, runs))))
        sentences.append(f"page faults and resident peaks follow the machine's pages: {told}")
    tables = [_families_table(found), _cells_table(found), _counts_table(found)]
    return Layer(layers.EXACT, sentences, tables, verdict, texts)


def _counting(run: Run) -> str:
    """By what instructions were counted, and of what processor; "" if that is not known."""
    tool = fact(run.machine, "instructions", "valgrind")
    if tool is None or not (run.runs["pass"] == INSTRUCTIONS).any():
        return ""
    options: Sequence[str] = fact(run.machine, "instructions", "options", type=list) or ()
    tunables = fact(run.machine, "instructions", "glibc_tunables")
    architecture = fact(run.machine, "machine", "architecture")
    return " ".join(str(part) for part in (tool, architecture, tunables, *options) if part)


def _pages(run: Run) -> str:
    """What the kernel's pages are; "" if that is not known."""
    size = fact(run.machine, "system", "page_bytes", type=int)
    huge = huge_pages(run.machine)
    if size is None or huge is None:
        return ""
    return f"{show(size, 'bytes', 1)}, transparent huge pages {huge}"


def _excused(cells: pd.DataFrame, other_pages: bool) -> pd.Series:
    """Which changes of cells are neither worse nor better, whatever their direction."""
    excused = (cells["ratio"] - 1.0).abs() <= cells["exact"].map(_TOLERANCE)
    return excused | (cells["exact"].isin(_BY_PAGES) if other_pages else False)


def _as_neither(found: Changes, excused: pd.Series) -> Changes:
    """The same with these changes of cells OTHER."""
    cells, families = found.cells.copy(), found.families.copy()
    cells.loc[excused, "change"] = OTHER
    keys = ["exact", *FAMILY]
    of_families = cells.groupby(keys, observed=True)["change"].agg(worst)
    families["change"] = of_families.reindex(pd.MultiIndex.from_frame(families[keys])).to_numpy()
    return found._replace(cells=cells, families=families)


def _covered(
    known: Numbered, sides: Sequence[Sequence[pd.DataFrame]], passes: Collection[str]
) -> _Covered:
    """passes: whose counts are compared. A cell has to have the same pass on both sides.
    known: the cells of all rows of base, then of new."""

    def of_both(of: str) -> np.ndarray:
        """Whether any worker of that pass has figures, on either side."""
        numbers = iter(known.of_rows)
        both = np.ones(len(known.cells), dtype=bool)
        for side in sides:
            found = np.zeros_like(both)
            for rows, number in zip(side, numbers):
                found[number[((rows["pass"] == of) & (rows["status"] == OK)).to_numpy()]] = True
            both &= found
        return both

    counted = np.any([of_both(of) for of in passes], axis=0)
    families = known.cells.loc[counted, list(FAMILY)].drop_duplicates()
    lacking = of_both(MEASURE) & ~counted
    return _Covered(len(families), int(counted.sum()), int(lacking.sum()))


def _changed(found: Changes, texts: pd.DataFrame, covered: _Covered) -> list[str]:
    """What is worse, what is better, what is neither; of each the furthest family."""
    if found.families.empty:
        compared = found.compared[found.compared["cell_count"] > 0]
        if not covered.cells:
            labels = ", ".join(_labels(compared))
            return [f"exactly, nothing changed in {labels}"] if labels else []
        return [
            f"exactly, nothing changed: {len(compared)} counts of "
            f"{_number(covered.cells, 'cell')} in {_number(covered.families, 'family')}"
        ]
    lines = []
    said = {WORSE: "worse", BETTER: "better", OTHER: "otherwise, and neither worse nor better"}
    for change, words in said.items():
        of = texts[texts["change"] == change]
        if of.empty:
            continue
        changed = found.families[found.families["change"] == change].merge(of[list(FAMILY)])
        counts = changed["exact"].value_counts()
        named = ", ".join(f"{exact(name).label} ({count})" for name, count in counts.items())
        number = f"{_number(len(of), 'family')} {'are' if len(of) > 1 else 'is'}"
        lines.append(f"exactly, {number} {words}: {named}{_most(of.iloc[0])}")
    return lines


def _most(family: pd.Series) -> str:
    return f"; most of all {family_words(family)}, {family['text']}"


def _not_covered(covered: _Covered) -> list[str]:
    if not covered.cells:
        return [
            "exactly, calls, copies and instructions cannot be told, as no cell has them on both "
            "sides: measure both with --passes measure,trace, or --preset exact"
        ]
    if covered.lacking:
        cells = _number(covered.lacking, "cell")
        return [f"exactly, nothing can be told of {cells} that have no counts on both sides"]
    return []


def _number(count: int, what: str) -> str:
    if count == 1:
        return f"{count} {what}"
    return f"{count:,} {what[:-1]}ies" if what.endswith("y") else f"{count:,} {what}s"


def _texts(families: pd.DataFrame) -> pd.DataFrame:
    """A row for each FAMILY that changed in any count: text (of the count that changed most), tone,
    change (the worst of them); the worst first, and of these the one that changed most."""
    rows = []
    for family, of in families.groupby(list(FAMILY), sort=True, observed=True):
        change = worst(of["change"])
        alike = of[of["change"] == change]
        apart = _distance(alike, change)
        more = f"; and {len(of) - 1} more" if len(of) > 1 else ""
        rows.append(
            {
                **dict(zip(FAMILY, family)),
                "text": _text(alike.loc[apart.idxmax()].to_dict()) + more,
                "tone": TONES[change],
                "change": change,
                "most": apart.max(),
            }
        )
    table = pd.DataFrame(rows, columns=[*FAMILY, "text", "tone", "change", "most"])
    return worst_first(table.sort_values("most", ascending=False, kind="stable")).drop(
        columns="most"
    )


def _distance(of: pd.DataFrame, change: str) -> pd.Series:
    """By how much the counts changed that way, as logarithms: no count is worse for being less."""
    with np.errstate(divide="ignore"):
        down, up = -np.log(of["ratio_low"]), np.log(of["ratio_high"])
    return {WORSE: up, BETTER: down}.get(change, np.maximum(down, up))


def _text(row: dict) -> str:
    """ "bytes copied +12.0% from 1,000 rows on"."""
    return f"{exact(row['exact']).label} {by(row['ratio_low'], row['ratio_high'])} {where(row)}"


def _labels(table: pd.DataFrame) -> list[str]:
    return [exact(name).label for name in table["exact"]]


_WHAT = (
    Column("label", "what"),
    Column("implementation", "impl."),
    Column("strategy", "strategy"),
    Column("allocator", "allocator"),
)


def _families_table(found: Changes) -> Table:
    families = worst_first(found.families)
    families["tone"] = families["change"].map(TONES)
    families["label"] = _labels(families)
    families["where"] = list(map(where, families.to_dict("records")))
    families["by"] = list(map(by, families["ratio_low"], families["ratio_high"]))
    columns = (
        *_WHAT,
        Column("where", "where"),
        Column("by", "change"),
        Column("change", "that is"),
    )
    title = "What changed exactly: a strategy under an allocator"
    return Table("exact", title, columns, families, (), "tone")


def _cells_table(found: Changes) -> Table:
    cells = found.cells.assign(tone=found.cells["change"].map(TONES), label=_labels(found.cells))
    for side in ("base", "new"):
        cells[side] = list(map(figures, cells[f"{side}_low"], cells[f"{side}_high"]))
    cells["by"] = list(map(by, cells["ratio"], cells["ratio"]))
    columns = (
        *_WHAT,
        Column("rows", "rows", "count"),
        Column("row_bytes", "row bytes", "count"),
        Column("threads", "threads", "count"),
        Column("base", "base"),
        Column("new", "new"),
        Column("by", "change"),
        Column("change", "that is"),
    )
    return Table("exact_cells", "What changed exactly: cells", columns, cells, (), "tone")


def _counts_table(found: Changes) -> Table:
    counts = found.compared.assign(label=_labels(found.compared))
    columns = (
        Column("label", "what"),
        Column("base_count", "cells of base", "count"),
        Column("new_count", "of new", "count"),
        Column("cell_count", "of both", "count"),
        Column("changed_count", "changed", "count"),
        Column("unclear_count", "unclear", "count"),
    )
    notes = [
        "unclear: workers differ in it by themselves, and both sides are not so far apart that it "
        "can be told"
    ]
    return Table("counts", "What was compared exactly", columns, counts, notes)
