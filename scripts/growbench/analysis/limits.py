"""What the machine can do: one row for each probe, and how it drifted while the run lasted."""

import math
from typing import Optional, Sequence

import numpy as np
import pandas as pd

from growbench.data.columns import PROBE
from growbench.data.statuses import OK
from growbench.statistics.order import grouped_order

# A probe whose visits differ by more than this, largest over smallest - 1, has drifted.
DRIFT_SHARE = 0.03
DRIFT = "drift"
_KEYS = ["probe", "allocator", "probe_bytes"]
# Probes that pass over probe_bytes once, so that a rate can be stated.
_RATES = ("store", "copy")


def machine_limits(runs: pd.DataFrame) -> pd.DataFrame:
    """One row for each probe of `runs`, sorted: the median over its visits, and their range.

    Columns: probe, allocator (which supplied malloc), probe_bytes; status (ok if any visit is),
    visit_count (those that are ok); probe_median_ns, probe_min_ns and probe_max_ns, of one
    operation; bytes_per_ns of the probes that pass over probe_bytes once; drift_share = max / min
    - 1; doubts: "drift" where that is above 3%. A run of version 1 has no probes.
    """
    probes = runs[runs["pass"] == PROBE]
    probes = probes.rename(columns={"strategy": "probe", "row_bytes": "probe_bytes"})
    grouped = probes.groupby(_KEYS, sort=True)
    limits = grouped["status"].first().rename("first_status").reset_index()
    ok = (probes["status"] == OK).to_numpy()
    values = np.where(ok, probes["probe_ns"].to_numpy(dtype=float), np.nan)
    order = grouped_order(values, grouped.ngroup().to_numpy(dtype=int), len(limits))
    limits["status"] = limits.pop("first_status").where(order.size == 0, OK)
    limits["visit_count"] = order.size
    limits["probe_median_ns"] = order.median
    limits["probe_min_ns"] = order.minimum
    limits["probe_max_ns"] = order.maximum
    with np.errstate(divide="ignore", invalid="ignore"):
        rate = limits["probe_bytes"].to_numpy() / order.median
        drift = order.maximum / order.minimum - 1.0
    limits["bytes_per_ns"] = np.where(limits["probe"].isin(_RATES), rate, np.nan)
    limits["drift_share"] = drift
    limits["doubts"] = np.where(drift > DRIFT_SHARE, DRIFT, "")
    return limits


def drift_text(limits: pd.DataFrame) -> str:
    """How many probes drifted, in one line; "" without probes."""
    if limits.empty:
        return ""
    drifted = limits[limits["doubts"] == DRIFT]
    text = f"{len(drifted)} of {len(limits)} probes drifted by more than {DRIFT_SHARE:.0%}"
    if drifted.empty:
        return text
    worst = drifted.loc[drifted["drift_share"].idxmax()]
    return (
        f"{text}; most: {worst['probe']} of {worst['probe_bytes']} bytes on "
        f"{worst['allocator']}, {worst['drift_share']:.1%}"
    )


class Costs:
    """What one operation costs in ns, by the medians of machine_limits(); nan where not probed.

    Of two visits it is the cheaper: what disturbs one of them makes it dearer.
    """

    def __init__(self, limits: pd.DataFrame) -> None:
        known = limits[limits["probe_median_ns"].notna()]
        price = known["probe_median_ns"].where(known["visit_count"] > 2, known["probe_min_ns"])
        self._ns = dict(zip(known[_KEYS].itertuples(index=False, name=None), price))

    def __len__(self) -> int:
        return len(self._ns)

    def machine(self, probe: str, probe_bytes: Optional[int] = None) -> float:
        """A probe that does not depend on the allocator; of any size if no size is given."""
        for (name, _, size), ns in self._ns.items():
            if name == probe and probe_bytes in (None, size):
                return ns
        return float("nan")

    def machine_at(self, probe: str, sizes: np.ndarray, per_byte: bool = False) -> np.ndarray:
        """The same at each of `sizes`: linear in log size between those that were probed, and
        constant beyond them; per_byte: of the cost over the size."""
        at, cost = self._probed(probe)
        logs = np.log(np.maximum(sizes, 1.0))
        return np.interp(logs, np.log(at), cost / at if per_byte else cost)

    def machine_between(self, probe: str, sizes: np.ndarray) -> np.ndarray:
        """The same, linear in the size itself: the cost of the mean of several sizes is then the
        mean of their costs."""
        return np.interp(sizes, *self._probed(probe))

    def per_byte(self, probe: str) -> tuple[float, float]:
        """Its cost over its size in the nearest cache and in the last one: at the smallest size
        that was probed, and at the largest but one, as the largest is of memory."""
        at, cost = self._probed(probe)
        last = max(len(at) - 2, 0)
        return cost[0] / at[0], cost[last] / at[last]

    def _probed(self, probe: str) -> tuple[np.ndarray, np.ndarray]:
        """Its sizes, ascending, and what it costs at each; nan at 1 byte if it was not probed."""
        probed = sorted((key[2], ns) for key, ns in self._ns.items() if key[0] == probe)
        at, cost = np.array(probed or [(1.0, np.nan)], dtype=float).T
        return at, cost

    def allocators(self, probe: str, allocators: Sequence[str], sizes: Sequence[int]) -> np.ndarray:
        """A probe of each of these allocators, at that one of its sizes that is nearest."""

        def nearest(allocator: str, size: int) -> float:
            found = [
                (abs(math.log(key[2] / size)), key[2], ns)
                for key, ns in self._ns.items()
                if key[:2] == (probe, allocator)
            ]
            return min(found)[2] if found else math.nan

        known = {pair: nearest(*pair) for pair in set(zip(allocators, sizes))}
        return np.array([known[pair] for pair in zip(allocators, sizes)], dtype=float)
