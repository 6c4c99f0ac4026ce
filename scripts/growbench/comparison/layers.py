"""What a comparison says, layer by layer: counts first, then the machine's prices, then times."""

from typing import NamedTuple, Optional, Sequence

import pandas as pd

from growbench.comparison.sharing import FAMILY
from growbench.tables.table import Table

# The layers, in the order in which they are told.
EXACT, MACHINE, TIMES = "exact", "machine", "times"
# What a layer comes to: something is worse; nothing is; it cannot be told; it has no figures.
WORSE, CLEAR, OPEN, ABSENT = "worse", "clear", "open", "absent"
# Of times of several runs a side: something looks worse, which may be chance.
MOVED = "moved"


class Layer(NamedTuple):
    """name: EXACT, MACHINE or TIMES. sentences: the most important first. verdict: WORSE, CLEAR,
    OPEN, ABSENT or, of TIMES, MOVED; that of MACHINE is CLEAR or ABSENT, as no machine is a
    regression.

    families: what it has to say of single families, for the table that all layers have in common: a
    row for each, with the columns of FAMILY, `text` (a few words) and `tone` (as a Table has it);
    those first that need a look. None: nothing of any.
    """

    name: str
    sentences: Sequence[str]
    tables: Sequence[Table]
    verdict: str
    families: Optional[pd.DataFrame] = None


def by_family(found: pd.DataFrame) -> pd.DataFrame:
    """Families as a Layer has them, with `verdict`, of rows with the columns of FAMILY, text, tone
    and verdict: in their order, and of each family what stands in its first row, with all texts."""
    grouped = found.groupby(list(FAMILY), sort=False, observed=True)
    of = {name: (name, "first") for name in ("tone", "verdict")}
    return grouped.agg(text=("text", "; ".join), **of).reset_index()
