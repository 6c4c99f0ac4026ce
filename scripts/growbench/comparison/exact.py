"""What changed exactly between two sides: counts, cell by cell, of one run a side or of several.

A side is the rows of its runs, as read_runs() returns them with EXACT_COLUMNS. Of each cell and
count both sides have a range over all their workers. Where a count repeats in every worker of the
same code, each range is one figure, and any difference is one of the code or of a library. Where it
does not, or was seen not to, a change is told only if the ranges do not overlap, by more than
either is wide, among FEWEST_WORKERS workers a side at least, or by more than single workers are
known to differ (`scatter`); a difference without that is left alone.
"""

from types import MappingProxyType
from typing import Mapping, NamedTuple, Sequence

import numpy as np
import pandas as pd

from growbench.comparison.sharing import FAMILY
from growbench.data.columns import CELL
from growbench.data.exact import EXACT, Exact, LESS, MORE

FEWEST_WORKERS = 5
WORSE, BETTER, OTHER = "worse", "better", "other"
_RANGE = ["low", "high", "workers"]


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
    return changes_between({exact: (ranges(base, exact), ranges(new, exact)) for exact in of})


def changes_between(
    sides: Mapping[Exact, tuple[pd.DataFrame, pd.DataFrame]],
    tolerated: Mapping[str, float] = MappingProxyType({}),
) -> Changes:
    """The same of ranges, as ranges() returns them: for each count those of base and of new.

    tolerated: by name of a count, the share by which it may be worse without being a change.
    """
    cells, families, compared = [], [], []
    for exact, (base, new) in sides.items():
        both = base.join(new, how="inner", lsuffix="_base", rsuffix="_new")
        both.columns = pd.Index(
            [f"{side}_{name}" for side in ("base", "new") for name in _RANGE], dtype=object
        )
        both["ratio"] = _ratio(both)
        apart, direction = _apart(both), _direction(both, exact)
        small = (direction == WORSE) & _within(both, tolerated.get(exact.name, 0.0))
        told = _told(both, exact) & ~small
        both["change"] = np.where(told, direction, "")
        table = both.reset_index()
        changed = table[table["change"] != ""].assign(exact=exact.name)
        cells.append(changed)
        if len(changed):
            families.append(families_of(table, exact))
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
        pd.concat(cells, ignore_index=True),
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
    found.columns = pd.Index(_RANGE)
    return found


def _apart(both: pd.DataFrame) -> pd.Series:
    """Whether the ranges differ without overlap."""
    return (both["base_high"] < both["new_low"]) | (both["new_high"] < both["base_low"])


def _told(both: pd.DataFrame, exact: Exact) -> pd.Series:
    """Whether a difference is one, for each cell."""
    gap = np.maximum(both["new_low"] - both["base_high"], both["base_low"] - both["new_high"])
    width = np.maximum(both["base_high"] - both["base_low"], both["new_high"] - both["new_low"])
    enough = both[["base_workers", "new_workers"]].min(axis=1) >= FEWEST_WORKERS
    known = gap > width + exact.scatter if exact.scatter is not None else False
    told = (enough & (gap > width)) | known
    if exact.repeats:
        told |= width == 0
    return _apart(both) & told


def _within(both: pd.DataFrame, share: float) -> pd.Series:
    """Whether the new range is no further than that share from the base's."""
    more = both["new_low"] <= both["base_high"] * (1.0 + share)
    return more & (both["new_high"] >= both["base_low"] * (1.0 - share))


def _ratio(both: pd.DataFrame) -> np.ndarray:
    base, new = ((both[f"{side}_low"] + both[f"{side}_high"]) / 2.0 for side in ("base", "new"))
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(base == new, 1.0, new.to_numpy(float) / base.to_numpy(float))


def _direction(both: pd.DataFrame, exact: Exact) -> np.ndarray:
    if exact.worse not in (MORE, LESS):
        return np.full(len(both), OTHER, dtype=object)
    more = (both["new_low"] > both["base_high"]).to_numpy()
    return np.where(more == (exact.worse == MORE), WORSE, BETTER).astype(object)


def families_of(table: pd.DataFrame, exact: Exact) -> pd.DataFrame:
    """The families that have a changed cell in `table`, which has a row for each cell of both
    sides, as in Changes.cells, with "" for no change; from which size on is told by rows alone."""
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
                "change": next(c for c in (WORSE, BETTER, OTHER) if c in set(changed["change"])),
            }
        )
    return pd.DataFrame(rows)


def _no_families() -> pd.DataFrame:
    names = ("cell_count", "changed_count", "from_rows", "onwards", "ratio_low", "ratio_high")
    return pd.DataFrame(columns=["exact", *FAMILY, *names, "change"])
