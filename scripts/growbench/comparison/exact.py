"""What changed exactly between two sides: counts, cell by cell, of one run a side or of several.

A side is the rows of its runs, as read_runs() returns them with EXACT_COLUMNS. Of each cell and
count both sides have a range over all their workers. Where a count repeats in every worker of the
same code, each range is one figure, and any difference is one of the code or of a library. Where it
does not, or was seen not to, a change is told only if the ranges do not overlap, by more than
either is wide, among FEWEST_WORKERS workers a side at least, or by more than single workers are
known to differ (`scatter`); a difference without that is left alone.
"""

from types import MappingProxyType
from typing import Iterable, Mapping, NamedTuple, Optional, Sequence

import numpy as np
import pandas as pd

from growbench.comparison.sharing import FAMILY, Numbered, numbered
from growbench.data.columns import CELL
from growbench.data.exact import EXACT, Exact, LESS, MORE
from growbench.data.statuses import OK
from growbench.tables.table import change_in_percent

FEWEST_WORKERS = 5
WORSE, BETTER, OTHER = "worse", "better", "other"
# In the order in which they are told, with the tone of a table's row.
TONES = {WORSE: "bad", BETTER: "good", OTHER: ""}


class Ranges(NamedTuple):
    """Of each cell: the least and the largest figure of its workers (nan without any), and how many
    workers these are."""

    low: np.ndarray
    high: np.ndarray
    workers: np.ndarray


class Changes(NamedTuple):
    """What a comparison of counts found.

    cells: a row for each count (`exact`) and cell that changed: CELL; base_low, base_high,
    new_low, new_high (in the count's unit); ratio (of the ranges' middles; inf from 0); change
    (WORSE, BETTER, OTHER). families: the same by family: exact, FAMILY, cell_count (that both sides
    have), changed_count, from_rows (the smallest size that changed), onwards (whether all larger
    ones did too), ratio_low, ratio_high, change (WORSE if any of its cells is). compared: a row for
    each of EXACT: exact, cell_count, changed_count, base_count and new_count (cells that a side has
    figures of), unclear_count (cells whose ranges differ, but not so that it can be told).
    """

    cells: pd.DataFrame
    families: pd.DataFrame
    compared: pd.DataFrame

    def count(self, change: str) -> int:
        """How many families have such a change."""
        return int((self.families["change"] == change).sum())


def changes(
    base: Sequence[pd.DataFrame], new: Sequence[pd.DataFrame], of: Sequence[Exact] = EXACT
) -> Changes:
    """Compare the counts of the runs of two sides, at least one a side."""
    return changes_of(numbered([*base, *new]), base, new, of)


def changes_of(
    known: Numbered,
    base: Sequence[pd.DataFrame],
    new: Sequence[pd.DataFrame],
    of: Sequence[Exact] = EXACT,
) -> Changes:
    """changes() for those who know the cells of the runs, base's first."""
    tables = [_by_pass(rows, number, of) for rows, number in zip((*base, *new), known.of_rows)]
    old, now = tables[: len(base)], tables[len(base) :]
    found = {exact: (_ranges(old, exact), _ranges(now, exact)) for exact in of}
    return changes_between(found, cells=known.cells.sort_values(list(CELL)))


def _by_pass(
    rows: pd.DataFrame, number: np.ndarray, of: Sequence[Exact]
) -> dict[str, pd.DataFrame]:
    """The rows with figures of each pass, by the numbers of their cells; with what is read of
    them."""
    tables = {}
    ok = (rows["status"] == OK).to_numpy()
    for name in {name for exact in of for name in (exact.pass_name, exact.also)} - {""}:
        counted = [exact for exact in of if name in (exact.pass_name, exact.also)]
        needed = {column for exact in counted for column in exact.needed}
        where = ok & (rows["pass"] == name).to_numpy()
        kept = rows[["pass", "status", "implementation", *sorted(needed)]][where]
        tables[name] = kept.set_axis(number[where])
    return tables


def _named(both: pd.DataFrame, cells: pd.DataFrame) -> pd.DataFrame:
    """The table with its cells' keys, in their order."""
    kept = cells[cells.index.isin(both.index)]
    return pd.concat([kept, both.loc[kept.index]], axis=1)


def _ranges(side: Sequence[Mapping[str, pd.DataFrame]], exact: Exact) -> pd.DataFrame:
    """As ranges(), by the numbers of the cells."""
    found = [
        exact.of(table[of]) for table in side for of in (exact.pass_name, exact.also) if of in table
    ]
    values = pd.concat(found) if found else pd.Series(dtype=float)
    made = values.groupby(level=0).agg(["min", "max", "size"])
    made.columns = pd.Index(Ranges._fields)
    return made


def changes_between(
    sides: Mapping[Exact, tuple[pd.DataFrame, pd.DataFrame]],
    tolerated: Mapping[str, float] = MappingProxyType({}),
    cells: Optional[pd.DataFrame] = None,
) -> Changes:
    """The same of ranges, as ranges() returns them: for each count those of base and of new.

    cells: where the ranges are by numbers instead of CELL, which cells these are.

    tolerated: by name of a count, the share by which it may be worse without being a change.
    """
    changed_cells, families, compared = [], [], []
    for exact, (base, new) in sides.items():
        both = base.join(new, how="inner", lsuffix="_base", rsuffix="_new")
        both.columns = pd.Index(
            [f"{side}_{name}" for side in ("base", "new") for name in Ranges._fields],
            dtype=object,
        )
        both["ratio"] = _ratio(both)
        old, now = (
            Ranges(*(both[f"{side}_{name}"].to_numpy() for name in Ranges._fields))
            for side in ("base", "new")
        )
        apart, way = _apart(old, now), direction(old, now, exact)
        small = (way == WORSE) & _within(old, now, tolerated.get(exact.name, 0.0))
        told = is_change(old, now, exact) & ~small
        both["change"] = np.where(told, way, "")
        table = both.reset_index() if cells is None else _named(both, cells)
        changed = table[table["change"] != ""].assign(exact=exact.name)
        changed_cells.append(changed)
        if len(changed):
            families.append(_families(table, exact))
        compared.append(
            {
                "exact": exact.name,
                "cell_count": len(both),
                "changed_count": len(changed),
                "base_count": len(base),
                "new_count": len(new),
                "unclear_count": int((apart & ~told & ~small).sum()),
            }
        )
    return Changes(
        pd.concat(changed_cells, ignore_index=True),
        pd.concat(families, ignore_index=True) if families else _no_families(),
        pd.DataFrame(compared),
    )


def ranges(runs: Sequence[pd.DataFrame], exact: Exact) -> pd.DataFrame:
    """For each cell that has figures: low, high (over the workers of all runs) and workers."""
    keys, values = [], []
    for rows in runs:
        of_run = exact.of(rows)
        values.append(of_run)
        keys.append(rows.loc[of_run.index, list(CELL)])
    cells = pd.concat(keys, ignore_index=True)
    cells["value"] = pd.concat(values, ignore_index=True)
    found = cells.groupby(list(CELL), observed=True)["value"].agg(["min", "max", "size"])
    found.columns = pd.Index(Ranges._fields)
    return found


def _apart(base: Ranges, new: Ranges) -> np.ndarray:
    """Whether the ranges differ without overlap."""
    return (base.high < new.low) | (new.high < base.low)


def is_change(base: Ranges, new: Ranges, exact: Exact) -> np.ndarray:
    """Whether a difference is one, for each cell; not where a side has no figure."""
    gap = np.maximum(new.low - base.high, base.low - new.high)
    width = np.maximum(base.high - base.low, new.high - new.low)
    enough = np.minimum(base.workers, new.workers) >= FEWEST_WORKERS
    told = enough & (gap > width)
    if exact.scatter is not None:
        told |= gap > width + exact.scatter
    if exact.repeats:
        told |= width == 0
    return _apart(base, new) & told


def _within(base: Ranges, new: Ranges, share: float) -> np.ndarray:
    """Whether the new range is no further than that share from the base's."""
    more = new.low <= base.high * (1.0 + share)
    return more & (new.high >= base.low * (1.0 - share))


def _ratio(both: pd.DataFrame) -> np.ndarray:
    base, new = ((both[f"{side}_low"] + both[f"{side}_high"]) / 2.0 for side in ("base", "new"))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(base == new, 1.0, new.to_numpy(float) / base.to_numpy(float))


def direction(base: Ranges, new: Ranges, exact: Exact) -> np.ndarray:
    """WORSE, BETTER or OTHER, for each cell that changed."""
    if exact.worse not in (MORE, LESS):
        return np.full(len(base.low), OTHER, dtype=object)
    more = new.low > base.high
    return np.where(more == (exact.worse == MORE), WORSE, BETTER).astype(object)


def _families(table: pd.DataFrame, exact: Exact) -> pd.DataFrame:
    """The families that changed; from which size on is told by rows alone."""
    rows = []
    for family, cells in table.groupby(list(FAMILY), sort=True, observed=True):
        changed = cells[cells["change"] != ""]
        if changed.empty:
            continue
        first = int(changed["rows"].min())
        rows.append(
            {
                "exact": exact.name,
                **dict(zip(FAMILY, family)),
                "cell_count": len(cells),
                "changed_count": len(changed),
                "from_rows": first,
                "onwards": bool((cells.loc[cells["rows"] >= first, "change"] != "").all()),
                "ratio_low": float(changed["ratio"].min()),
                "ratio_high": float(changed["ratio"].max()),
                "change": worst(changed["change"]),
            }
        )
    return pd.DataFrame(rows)


def worst(found: Iterable[str]) -> str:
    """Of changes that which is told first."""
    return min(set(found), key=list(TONES).index)


def worst_first(families: pd.DataFrame) -> pd.DataFrame:
    """The families of Changes, sorted."""
    place = {change: number for number, change in enumerate(TONES)}
    ordered = families.sort_values("change", key=lambda of: of.map(place), kind="stable")
    return ordered.reset_index(drop=True)


def by(low: float, high: float) -> str:
    """By how much, of two ratios: "+12.0%", "+12.0% to +25.0%", "from none"."""
    texts = [change_in_percent(of) if np.isfinite(of) else "from none" for of in (low, high)]
    return " to ".join(dict.fromkeys(texts))


def where(family: Mapping) -> str:
    """At which of its sizes a family changed: "from 1,000 rows on"."""
    changed, cells, first = (family[of] for of in ("changed_count", "cell_count", "from_rows"))
    if changed == cells > 1:
        return "at all sizes"
    if family["onwards"] and changed < cells:
        return f"from {first:,.0f} rows on"
    return f"at {first:,.0f} rows" if changed == 1 else f"at {changed} of {cells} sizes"


def figures(low: float, high: float, unit: str = "") -> str:
    """A range in full, as what is exact is not rounded: "16", "16 to 20"."""
    return " to ".join(dict.fromkeys(f"{end:,.0f}{unit}" for end in (low, high)))


def _no_families() -> pd.DataFrame:
    names = ("cell_count", "changed_count", "from_rows", "onwards", "ratio_low", "ratio_high")
    return pd.DataFrame(columns=["exact", *FAMILY, *names, "change"])
