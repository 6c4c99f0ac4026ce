"""What the report has of copying patterns: their plots, their tables, and a picture of memory."""

from typing import NamedTuple, Optional, Sequence

import pandas as pd

from growbench.analysis import pattern_tables
from growbench.analysis.analyse import Data
from growbench.analysis.patterns import beside_ours
from growbench.report.figures import Picture
from growbench.report.memory import memory
from growbench.report.sections import LEFT_OUT_ROWS, Listing
from growbench.tables.table import Table


class Copies(NamedTuple):
    """The section of copies that need not happen. memory: a picture that is of no run."""

    memory: Picture
    pictures: Sequence[Picture]
    listings: Sequence[Listing]


def copies(runs: pd.DataFrame, data: Data, pictures: Sequence[Picture]) -> Optional[Copies]:
    """Of a run's rows and tables; None if it has no copying patterns. pictures: of these."""
    if data.patterns.empty:
        return None
    usual = pattern_tables.usual(data.patterns)
    listings = [
        _listing(pattern_tables.costs(data.patterns, beside_ours(runs)), usual, "patterns.csv")
    ]
    for made, found in (
        (pattern_tables.crossovers, data.view_crossovers),
        (pattern_tables.choices, data.choices),
    ):
        if len(found):
            listings.append(_listing(made(found), usual))
    return Copies(memory(), pictures, listings)


def _listing(table: Table, usual: pattern_tables.Usual, file: str = "") -> Listing:
    """Of a long table paper has the cells of one size and allocator."""
    frame = table.frame
    if len(frame) <= LEFT_OUT_ROWS:
        return Listing(table, [True] * len(frame), file)
    return Listing(table, [bool(index) for index in frame.index.isin(usual.of(frame).index)], file)
