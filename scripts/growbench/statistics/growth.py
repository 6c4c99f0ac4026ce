"""How a time grows with the number of rows: as rows to which power?"""

from typing import NamedTuple, Sequence

import numpy as np
from numpy.typing import ArrayLike

from growbench.statistics.order import median_interval

# Sizes that a fit should rest on, and must.
ENOUGH_SIZES, FEWEST_SIZES = 3, 2


def tail(payload_bytes: ArrayLike, boundaries: Sequence[float]) -> tuple[np.ndarray, bool]:
    """Which of the largest sizes to fit, and whether they straddle a boundary all the same.

    payload_bytes: of each size, ascending. boundaries: cache sizes and thresholds, in bytes.
    The longest run of sizes up to the largest with no boundary in between; if these are fewer than
    3, the 3 largest there are. Returns their indices.
    """
    payload = np.asarray(payload_bytes, dtype=float)
    segment = np.searchsorted(np.sort(np.asarray(boundaries, dtype=float)), payload, side="right")
    alike = int((segment == segment[-1]).sum()) if len(segment) else 0
    count = min(len(payload), max(alike, ENOUGH_SIZES))
    return np.arange(len(payload) - count, len(payload)), count > alike


class Growth(NamedTuple):
    """time ~ rows^exponent over the largest sizes; nan where it is not known.

    low, high: 95% interval, nan below 6 rounds. size_count: sizes that the fit rests on.
    straddles: these lie on both sides of a cache's size or a threshold, so that the exponent is of
    two regimes at once.
    """

    exponent: float
    low: float
    high: float
    size_count: int
    straddles: bool


def growth_exponent(
    sizes: ArrayLike,
    values: ArrayLike,
    payload_bytes: ArrayLike,
    boundaries: Sequence[float] = (),
) -> Growth:
    """The exponent of the tail, with its interval.

    sizes: numbers of rows, ascending. values: rounds x sizes, above 0; nan where a round did not
    measure a size. payload_bytes, boundaries: see tail().
    Formula: in each round the least-squares slope of ln(value) against ln(size) over the sizes of
    the tail; the median of the rounds' slopes, and its order-statistic interval. A fit over all
    sizes would say less than the truth: overheads that do not grow lift its lower end.
    Assumptions: rounds are independent of each other; in the tail the time is a power of the size.
    Rounds that did not measure all sizes of the tail are left out: their slopes would be of other
    sizes.
    """
    sizes, values = np.asarray(sizes, dtype=float), np.asarray(values, dtype=float)
    payload = np.asarray(payload_bytes, dtype=float)
    measured = np.flatnonzero((~np.isnan(values)).any(axis=0))
    chosen, straddles = tail(payload[measured], boundaries)
    chosen = measured[chosen]
    unknown = Growth(np.nan, np.nan, np.nan, len(chosen), straddles)
    if len(chosen) < FEWEST_SIZES:
        return unknown
    there = values[:, chosen]
    there = there[~np.isnan(there).any(axis=1)]
    if len(there) == 0:
        return unknown
    x = np.log(sizes[chosen])
    x -= x.mean()
    slopes = np.log(there) @ x / (x @ x)
    low, high = median_interval(slopes)
    return Growth(float(np.median(slopes)), low, high, len(chosen), straddles)
