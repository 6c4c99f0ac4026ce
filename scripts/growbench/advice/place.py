"""Where a case lies among the sizes that were measured."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from growbench.advice.case import Case, PEAK, TAIL, rows_of
from growbench.data.errors import UsageError


class Place(NamedTuple):
    """Where the case lies among the sizes that were measured.

    row_bytes: measured. rows: of that size, with the payload of the case. low, high: the measured
    sizes that it is worked out from; the same where one is enough. share: 0 at low and 1 at high,
    in logarithms; below 0 or above 1 outside. warnings: what is not as it was asked for.
    """

    row_bytes: int
    rows: float
    low: int
    high: int
    share: float
    warnings: list[str]
    outside: bool

    @property
    def sizes(self) -> list[int]:
        """The measured sizes, each once."""
        return [self.low] if self.low == self.high else [self.low, self.high]


def rows_at(table: pd.DataFrame, case: Case, place: Place) -> pd.DataFrame:
    """The rows of the case at the sizes that the answer rests on."""
    rows = rows_of(table, case)
    return rows[(rows["row_bytes"] == place.row_bytes) & rows["rows"].isin(place.sizes)]


def find_place(case: Case, figures: pd.DataFrame) -> Place:
    """At a measured size, or between two, or one step beyond them; a tail at the nearest size.

    figures: what was measured, with row_bytes and rows. Raises UsageError beyond that step, which
    is as large as that between the last two sizes on that side.
    """
    row_bytes, rows, warnings = _nearest_row_bytes(case, figures)
    sizes = np.unique(figures.loc[figures["row_bytes"] == row_bytes, "rows"].to_numpy())
    exact = sizes[np.isclose(sizes, rows, rtol=1e-9, atol=0.0)]
    if len(exact):
        size = int(exact[0])
        return Place(row_bytes, rows, size, size, 0.0, warnings, bool(warnings))
    outside = not sizes[0] < rows < sizes[-1]
    if outside:
        _refuse_beyond(case, row_bytes, rows, sizes)
    if case.weight == TAIL:
        # A tail follows no law from size to size.
        low = high = int(sizes[np.argmin(np.abs(np.log(sizes / rows)))])
        share = 0.0
        told = _nearest_warnings(row_bytes, rows, low, outside)
    else:
        above = int(np.clip(np.searchsorted(sizes, rows), 1, len(sizes) - 1))
        low, high = int(sizes[above - 1]), int(sizes[above])
        share = float(np.log(rows / low) / np.log(high / low))
        told = _between_warnings(case, row_bytes, rows, sizes, above)
    outside = outside or row_bytes != case.row_bytes
    return Place(row_bytes, rows, low, high, share, [*warnings, *told], outside)


def _nearest_row_bytes(case: Case, figures: pd.DataFrame) -> tuple[int, float, list[str]]:
    """The measured size of a row that is nearest by ratio, and the rows of it with the case's
    payload: bytes are what is copied and touched."""
    sizes = np.unique(figures["row_bytes"].to_numpy())
    distance = np.abs(np.log(sizes / case.row_bytes))
    row_bytes = int(sizes[np.argmin(distance)])
    if row_bytes == case.row_bytes:
        return row_bytes, float(case.rows), []
    rows = case.rows * case.row_bytes / row_bytes
    warning = (
        f"Measured at {row_bytes}-byte rows, and yours are {case.row_bytes} bytes: taken for "
        f"{rows:,.0f} rows of {row_bytes} bytes, which is the same payload; what each row costs is "
        "not the same."
    )
    return row_bytes, rows, [warning]


def _between_warnings(
    case: Case, row_bytes: int, rows: float, sizes: np.ndarray, above: int
) -> list[str]:
    """That the answer is worked out from sizes[above] and the one below."""
    ends = f"{sizes[above - 1]:,} and {sizes[above]:,} rows"
    if not sizes[0] < rows < sizes[-1]:
        return [
            f"OUTSIDE of what was measured, {sizes[0]:,} to {sizes[-1]:,} rows of {row_bytes} "
            f"bytes: the lines through {ends} are drawn out. Measure it: {_how_to_measure(case)}"
        ]
    warnings = [
        f"Not measured at {rows:,.0f} rows of {row_bytes} bytes: worked out from {ends}, with a "
        "power law in between."
    ]
    if case.weight == PEAK:
        warnings.append(
            "Peaks of strategies that grow by a factor have steps, which no line between two "
            f"sizes shows. Measure it: {_how_to_measure(case)}"
        )
    return warnings


def _nearest_warnings(row_bytes: int, rows: float, size: int, outside: bool) -> list[str]:
    loud = "OUTSIDE of what was measured: " if outside else ""
    return [
        f"{loud}single appends were timed at {size:,} rows of {row_bytes} bytes, the nearest "
        f"there is to {rows:,.0f}."
    ]


def _refuse_beyond(case: Case, row_bytes: int, rows: float, sizes: np.ndarray) -> None:
    """More than one step from the edge of what was measured is no estimate."""
    outwards = sizes if rows > sizes[-1] else sizes[::-1]
    edge, step = outwards[-1], outwards[-1] / outwards[max(len(sizes) - 2, 0)]
    if abs(np.log(rows / edge)) > abs(np.log(step)) + 1e-9:
        which = "largest" if rows > edge else "smallest"
        raise UsageError(
            f"{case.rows:,} rows of {case.row_bytes} bytes are too far from what was measured, the "
            f"{which} of which is {edge:,} rows of {row_bytes} bytes; measure it: "
            f"{_how_to_measure(case)}"
        )


def _how_to_measure(case: Case) -> str:
    threads = f" --threads {case.threads}" if case.threads != 1 else ""
    return f'make bench ARGS="--rows {case.rows} --row-bytes {case.row_bytes}{threads}"'
