"""The least that a cell can take: its rows written once, its pages touched once."""

from typing import Optional

from growbench.analysis.analyse import Data
from growbench.figures.line_panels import Guide

LABEL = "floor: write rows, touch pages"


def floor_guide(data: Data) -> Optional[Guide]:
    """The floor of the slice's cold builds against rows; None where it is unknown.

    It is the same for all strategies and allocators, but for the CPUs of a cell.
    """
    floors = data.attribution.groupby("rows")["floor_ns"].min().dropna()
    if floors.empty:
        return None
    return Guide(LABEL, floors.index.to_numpy(dtype=float), floors.to_numpy())
