"""The shapes of a run's curves against rows: to which power they grow, and where they cross.

Both are of one machine. They say something of another machine that its times do not: a power, and
the size from which on one is faster, carry over where nanoseconds do not.
"""

import re
from pathlib import PurePath
from typing import NamedTuple, Optional, Sequence

import numpy as np
import pandas as pd

from growbench.data.columns import MEASURE
from growbench.data.statuses import OK
from growbench.data.implementations import ordered, strategy_name
from growbench.data.metrics import Metric
from growbench.statistics.crossover import crossovers
from growbench.statistics.growth import FEWEST_SIZES, growth_exponent, tail
from growbench.statistics.order import GroupedOrder, order_of_rows
from growbench.analysis.measured import LARGEST_RESOLUTION_SHARE

# What a curve against rows belongs to.
CURVE = ("implementation", "strategy", "allocator", "row_bytes", "threads", "work")
STRATEGY, ALLOCATOR = "strategy", "allocator"

# The first level of cache is none of them: arrays are read and written from one end to the other,
# and such work goes on at about the same speed in the second (see store and copy in limits.csv).
_LEVELS = (2, 3)
_DATA = ("data", "unified")

# From this size on malloc of glibc asks the kernel for a mapping of its own (M_MMAP_THRESHOLD; it
# adapts later, which is why it is a threshold for the first blocks only).
GLIBC_MMAP_THRESHOLD_BYTES = 128 * 1024
_THRESHOLD = re.compile(
    r"MALLOC_MMAP_THRESHOLD_=(\d+)$"
    r"|GLIBC_TUNABLES=(?:.*:)?glibc\.malloc\.mmap_threshold=(\d+)(?::|$)"
)


def boundaries(machine: Optional[dict], allocator: str, threads: int = 1) -> list[int]:
    """Payloads in bytes where the cost of a byte may change, ascending.

    machine: what machine.json says, or None: then no cache is known. The sizes of the data caches
    of levels 2 and 3, and for glibc its mmap threshold. With several threads, which share the
    payload: as much of it as fits when each has a block of its own, and as many caches as they
    need: size x ceil(threads / CPUs that share it).
    """
    found = {size * -(-threads // max(1, shared)) for size, shared in _caches(machine) if size > 0}
    if _is_glibc(machine, allocator):
        found.add(_mmap_threshold(machine, allocator) * threads)
    return sorted(found)


def knows_caches(machine: Optional[dict]) -> bool:
    """Does the description tell the size of any cache?"""
    return bool(_caches(machine))


def _caches(machine: Optional[dict]) -> list[tuple[int, int]]:
    """Size and number of CPUs that share it, of each data cache."""
    caches = _part(machine, "machine").get("caches")
    found = []
    for cache in caches if isinstance(caches, list) else []:
        if not isinstance(cache, dict) or not isinstance(cache.get("bytes"), int):
            continue
        if cache.get("level") in _LEVELS and cache.get("type", "data") in _DATA:
            shared = cache.get("shared_by_cpus")
            found.append((cache["bytes"], shared if isinstance(shared, int) else 1))
    return found


def _part(machine: Optional[dict], name: str) -> dict:
    part = (machine or {}).get(name)
    return part if isinstance(part, dict) else {}


def _described(machine: Optional[dict], allocator: str) -> dict:
    """What machine.json says of that allocator."""
    known = (machine or {}).get("allocators")
    rows = [row for row in known if isinstance(row, dict)] if isinstance(known, list) else []
    return next((row for row in rows if row.get("name") == allocator), {})


def _is_glibc(machine: Optional[dict], allocator: str) -> bool:
    """A label of its own, such as one for glibc with other variables, is known by its library."""
    library = PurePath(str(_described(machine, allocator).get("path") or "")).name
    return library.startswith(("libc.so", "libc-")) if library else allocator == "glibc"


def _mmap_threshold(machine: Optional[dict], allocator: str) -> int:
    for place in (
        _described(machine, allocator).get("environment"),
        _part(machine, "run").get("allocator_environment"),
    ):
        for variable in place if isinstance(place, list) else []:
            match = _THRESHOLD.match(str(variable))
            if match:
                return int(match.group(1) or match.group(2))
    return GLIBC_MMAP_THRESHOLD_BYTES


def measured(runs: pd.DataFrame, metric: Metric) -> pd.DataFrame:
    """The workers of the measure pass that have a value above 0: CURVE, rows, payload_bytes, round,
    value.

    A peak whose reading may be off by more than 20% of the payload is none, as in the summary.
    """
    ok = runs[((runs["status"] == OK) & (runs["pass"] == MEASURE)).to_numpy()]
    value = metric.values(ok)
    # An array without rows has no place on a logarithmic axis.
    keep = (value > 0).to_numpy() & (ok["rows"] > 0).to_numpy()
    if metric.unit == "bytes":
        limit = LARGEST_RESOLUTION_SHARE * ok["payload_bytes"]
        keep &= (ok["peak_resolution_bytes"] <= limit).to_numpy()
    table = ok.loc[keep, [*CURVE, "rows", "payload_bytes", "round"]]
    return table.assign(value=value[keep])


class _Curve(NamedTuple):
    """sizes: ascending. values: rounds x sizes, nan where a round lacks one."""

    sizes: np.ndarray
    values: np.ndarray


def _curve(table: pd.DataFrame) -> _Curve:
    sizes, column = np.unique(table["rows"].to_numpy(), return_inverse=True)
    rounds, row = np.unique(table["round"].to_numpy(), return_inverse=True)
    values = np.full((len(rounds), len(sizes)), np.nan)
    values[row, column] = table["value"].to_numpy()
    return _Curve(sizes, values)


_EXPONENT_COLUMNS = (
    "exponent",
    "ci_low",
    "ci_high",
    "size_count",
    "smallest_rows",
    "largest_rows",
    "straddles",
    "caches_known",
)


def exponents(runs: pd.DataFrame, machine: Optional[dict], metric: Metric) -> pd.DataFrame:
    """To which power of its rows each curve of `metric` grows, over its largest sizes.

    One row for each of CURVE that has a value, sorted. Columns: these; exponent, ci_low, ci_high
    (no unit) and size_count as growth_exponent() gives them; smallest_rows and largest_rows of the
    fit; straddles: the fit lies on both sides of one of boundaries(); caches_known: whether the
    machine's caches could be among these. Without two sizes the exponent is nan.
    Assumptions: those of growth_exponent(). Sizes that were predicted and not measured are no part
    of it.
    """
    known = knows_caches(machine)
    found = []
    for key, table in measured(runs, metric).groupby(list(CURVE), sort=True):
        sizes, values = _curve(table)
        curve = dict(zip(CURVE, key))
        payload = sizes * float(curve["row_bytes"] * curve["threads"])
        limits = boundaries(machine, curve["allocator"], curve["threads"])
        growth = growth_exponent(sizes, values, payload, limits)
        chosen, _ = tail(payload, limits)
        fit = (growth.exponent, growth.low, growth.high, growth.size_count)
        ends = (int(sizes[chosen[0]]), int(sizes[chosen[-1]]))
        straddles = growth.straddles and growth.size_count >= FEWEST_SIZES
        found.append((*key, *fit, *ends, straddles, known))
    return pd.DataFrame(found, columns=[*CURVE, *_EXPONENT_COLUMNS])


_CROSSING_COLUMNS = (
    "a",
    "b",
    "rows",
    "ci_low",
    "ci_high",
    "faster_below",
    "faster_above",
    "gain_below",
    "gain_above",
    "smallest_rows",
    "largest_rows",
)


def crossings(
    runs: pd.DataFrame,
    metric: Metric,
    of: str = STRATEGY,
    reference: Optional[str] = None,
) -> pd.DataFrame:
    """Where curves cross: from which number of rows on one needs less of `metric` than another.

    of: "strategy" (pairs of strategies of any implementations, under each allocator) or "allocator"
    (pairs of allocators, for each strategy). reference: only pairs with it as b, which is that of
    a's implementation, or of the first one if that has none; None: all pairs.
    Columns: what the two have in common of CURVE; implementation_a and implementation_b, for
    strategies; a, b; rows, ci_low, ci_high (numbers of rows, and fractions of one between the sizes
    measured); faster_below, faster_above: the names, of strategies as strategy_name() has them;
    gain_below, gain_above: the largest ratio by which they are that on either side, up to the next
    crossing (no unit, above 1); smallest_rows and largest_rows that both were measured at.
    Formula and assumptions: crossovers(), from differences of values of the same round. A pair
    without sizes that are resolved on both sides has none, which does not say that it never
    crosses.
    """
    member = ["implementation", of] if of == STRATEGY else [of]
    common = [key for key in CURVE if key not in member]
    found = []
    for key, table in measured(runs, metric).groupby(common, sort=True):
        found += [(*key, *row) for row in _crossings_between(table, member, reference)]
    implementations = ["implementation_a", "implementation_b"] if of == STRATEGY else []
    return pd.DataFrame(found, columns=[*common, *implementations, *_CROSSING_COLUMNS])


def _crossings_between(
    table: pd.DataFrame, member: list[str], reference: Optional[str]
) -> list[tuple]:
    """Of all pairs of members within one group of curves that have the rest in common."""
    sizes, column = np.unique(table["rows"].to_numpy(), return_inverse=True)
    rounds, row = np.unique(table["round"].to_numpy(), return_inverse=True)
    grouped = table.groupby(member, sort=True)
    names = [name if isinstance(name, tuple) else (name,) for name in grouped.groups]
    logs = np.full((len(names), len(rounds), len(sizes)), np.nan)
    logs[grouped.ngroup().to_numpy(), row, column] = np.log(table["value"].to_numpy())
    first, second = _pairs(names, reference)
    differences = logs[first] - logs[second]
    order = _order_of_rounds(differences)
    sides, medians = order.side, order.median
    found = []
    # Only pairs that are resolved both ways can cross.
    for i in np.flatnonzero((sides > 0).any(axis=1) & (sides < 0).any(axis=1)):
        one, other = names[first[i]], names[second[i]]
        both = np.flatnonzero(~np.isnan(differences[i]).all(axis=0))
        crossed = crossovers(sizes[both], differences[i][:, both])
        edges = [0.0, *(crossing.size for crossing in crossed), np.inf]
        for number, crossing in enumerate(crossed):
            below = (sizes > edges[number]) & (sizes <= crossing.size)
            above = (sizes >= crossing.size) & (sizes < edges[number + 2])
            sign = -1.0 if crossing.faster_below else 1.0
            lower, upper = (one, other) if crossing.faster_below else (other, one)
            found.append(
                (
                    *(name[0] for name in (one, other) if len(name) > 1),
                    one[-1],
                    other[-1],
                    *crossing[:3],
                    _shown(lower),
                    _shown(upper),
                    _gain(sign * medians[i][below & (sides[i] == sign)]),
                    _gain(-sign * medians[i][above & (sides[i] == -sign)]),
                    int(sizes[both[0]]),
                    int(sizes[both[-1]]),
                )
            )
    return found


def _shown(name: tuple[str, ...]) -> str:
    return strategy_name(*name) if len(name) > 1 else name[0]


def _gain(log_ratios: np.ndarray) -> float:
    return float(np.exp(log_ratios.max())) if len(log_ratios) else float("nan")


def _pairs(
    names: Sequence[tuple[str, ...]], reference: Optional[str]
) -> tuple[np.ndarray, np.ndarray]:
    """Places of the members of each pair asked for, each pair once.

    names: of strategies with their implementations in front.
    """
    if reference is None:
        first, second = np.triu_indices(len(names), 1)
        return first, second
    wanted = [
        (i, j)
        for i, one in enumerate(names)
        for j, other in enumerate(names)
        if i != j and other[-1] == reference and other[:-1] == _whose(names, reference, one[:-1])
    ]
    pairs = np.array(wanted, dtype=int).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1]


def _whose(
    names: Sequence[tuple[str, ...]], wanted: str, preferred: tuple[str, ...]
) -> tuple[str, ...]:
    """Which implementation's strategy of that name is meant beside one of `preferred`."""
    having = [name[:-1] for name in names if name[-1] == wanted]
    if preferred in having or not having or not preferred:
        return preferred
    return (ordered(name for name, in having)[0],)


def _order_of_rounds(values: np.ndarray) -> GroupedOrder:
    """Of pairs x rounds x sizes: the order statistics over the rounds, each pairs x sizes."""
    pairs, rounds, sizes = values.shape
    order = order_of_rows(values.transpose(0, 2, 1).reshape(-1, rounds))
    return GroupedOrder(*(column.reshape(pairs, sizes) for column in order))
