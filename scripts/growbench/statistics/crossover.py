"""From which size on is one faster than another?"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from growbench.statistics.order import median_interval, order_of_rows


class Crossover(NamedTuple):
    """The size at which a and b take the same time.

    low, high: 95% interval, within the sizes that were measured. faster_below: a is the faster one
    below the crossover, and b above; otherwise the other way round.
    """

    size: float
    low: float
    high: float
    faster_below: bool


def crossovers(sizes: ArrayLike, differences: ArrayLike) -> list[Crossover]:
    """All crossovers that the data support, from small sizes to large ones.

    sizes: ascending, above 0. differences: rounds x sizes, ln a - ln b of each round; nan where it
    was not measured.
    There is one between two sizes where the interval of the median difference excludes 0 on
    opposite sides, and includes it at all sizes in between. Formula: in each round the first zero
    of the differences, joined by straight lines over ln(size), between these two; a round that is
    on the far side already at the first counts as that size, one that never gets there as the
    second. The median of the rounds' zeros, and its order-statistic interval.
    Assumptions: rounds are independent; between neighbouring sizes the ratio follows a power law.
    """
    log_sizes = np.log(np.asarray(sizes, dtype=float))
    differences = np.asarray(differences, dtype=float)
    sides = order_of_rows(differences.T).side
    resolved = np.flatnonzero(sides)
    found = []
    for i, j in zip(resolved[:-1], resolved[1:]):
        if sides[i] == sides[j]:
            continue
        between = slice(i, j + 1)
        zeros = [
            _first_zero(log_sizes[between], differences_of_round * sides[j])
            for differences_of_round in differences[:, between]
            if not np.isnan(differences_of_round).any()
        ]
        if not zeros:
            continue
        low, high = median_interval(zeros)
        found.append(
            Crossover(
                float(np.exp(np.median(zeros))),
                float(np.exp(low)),
                float(np.exp(high)),
                bool(sides[i] < 0),
            )
        )
    return found


def _first_zero(x: np.ndarray, y: np.ndarray) -> float:
    """Where the line through the points first rises through 0, within x."""
    above = np.flatnonzero(y > 0)
    if len(above) == 0:
        return float(x[-1])
    first = int(above[0])
    if first == 0:
        return float(x[0])
    share = -y[first - 1] / (y[first] - y[first - 1])
    return float(x[first - 1] + share * (x[first] - x[first - 1]))
