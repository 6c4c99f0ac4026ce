"""What a live comparison flags is measured once more, and judged on the fresh data alone.

The first look may be generous, since nothing is concluded from it: families whose p alone is small
and whose change is beyond the threshold. The second asks about these few only, so that Holm's
adjustment is for a few. Data that raised a suspicion never confirm it.

Who wants every family resolved has those timed once more, too, of which the first look leaves open
whether they are slower, in as many rounds as their intervals need: Stein's two stages. The width of
the first look says how many, and the fresh data alone are judged, so that no peeking is in it.
Source: C. Stein, A two-sample test for a linear hypothesis whose power is independent of the
variance, Ann. Math. Stat. 16 (1945).
"""

import math
from typing import Optional

import numpy as np
import pandas as pd

from growbench.data.columns import CELL_KEYS
from growbench.comparison.same_machine import (
    CHANCES,
    Comparison,
    FASTER,
    SLOWER,
    UNRESOLVED,
)
from growbench.comparison.sharing import FAMILY

FIRST, FRESH = "first look", "fresh data"


# Half an interval is to be that share of the logarithm of the threshold, so that what is twice the
# threshold is seen to be above it, and no difference to be below.
_HALF_WIDTH = 0.5
# A family that varies more is not waited for: so many times the rounds of the first look.
MOST_TIMES = 5


def flagged(first: Comparison) -> pd.DataFrame:
    """The families to look at once more: columns metric and FAMILY."""
    settings = first.settings
    beyond = np.log1p(settings.family_threshold)
    families = first.families
    keys = ["metric", *FAMILY]
    moved = np.abs(np.log(families["ratio"])) > beyond
    cells = first.cells
    one_moved = (cells["p_adjusted"] <= settings.alpha) & (
        np.abs(np.log(cells["ratio"])) > np.log1p(settings.cell_threshold)
    )
    with_such = pd.MultiIndex.from_frame(cells.loc[one_moved, keys])
    has_one = pd.MultiIndex.from_frame(families[keys]).isin(with_such)
    suspicious = (families["p"] <= settings.alpha) & (moved | has_one)
    if settings.resolve:
        suspicious |= families["verdict"] == UNRESOLVED
    return families.loc[suspicious, keys].reset_index(drop=True)


def rounds_needed(wanted: pd.DataFrame, rounds: int, first: Comparison) -> int:
    """How many rounds the fresh data need: as many as the first look had, and enough that a
    signed-rank test can give a p that survives Holm's first step; and where all is to be resolved,
    as many as the widest interval of the families needs, up to MOST_TIMES those of the first look.

    Formula: an interval becomes narrower by the root of the rounds.
    """
    settings = first.settings
    count = int(wanted["metric"].value_counts().max())
    needed = max(rounds, math.ceil(math.log2(2.0 * CHANCES * count / settings.alpha)))
    if not settings.resolve:
        return needed
    families = first.families.merge(wanted)
    half = np.log(families["ci_high"] / families["ci_low"]).max(skipna=False) / 2.0
    times = (half / (_HALF_WIDTH * math.log1p(settings.family_threshold))) ** 2
    # No interval at all is as wide as can be.
    times = MOST_TIMES if math.isnan(times) else min(times, MOST_TIMES)
    return max(needed, math.ceil(rounds * times))


def combine(first: Comparison, fresh: Optional[Comparison]) -> Comparison:
    """The verdicts on flagged families from the fresh data, on the others from the first look.

    fresh: None if there are none. A family without fresh data, such as one whose workers all failed
    the second time, is not called slower or faster, and none of its cells is. families and cells
    get a column `data`, FIRST or FRESH.
    """
    families, cells = (
        table.assign(data=FIRST, verdict=table["verdict"].replace([SLOWER, FASTER], UNRESOLVED))
        for table in (first.families, first.cells.assign(family_rejected=False))
    )
    if fresh is None:
        return first._replace(families=families, cells=cells)
    lost = pd.concat([first.lost, fresh.lost], ignore_index=True).drop_duplicates(list(CELL_KEYS))
    return first._replace(
        families=_instead(families, fresh.families, fresh),
        cells=_instead(cells, fresh.cells, fresh),
        lost=lost,
    )


def _instead(old: pd.DataFrame, new: pd.DataFrame, fresh: Comparison) -> pd.DataFrame:
    """The rows of `new`, then those of `old` whose family has no fresh data."""
    keys = ["metric", *FAMILY]
    asked = pd.MultiIndex.from_frame(fresh.families[keys])
    rest = old[~pd.MultiIndex.from_frame(old[keys]).isin(asked)]
    parts = [part for part in (new.assign(data=FRESH), rest) if len(part)]
    return pd.concat(parts, ignore_index=True) if parts else rest
