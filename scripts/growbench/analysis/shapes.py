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
from growbench.statistics.order import grouped_order, interval_rank
from growbench.analysis.summary import LARGEST_RESOLUTION_SHARE

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


def local_exponents(runs: pd.DataFrame, metric: Metric) -> pd.DataFrame:
    """The exponent between each two neighbouring sizes of each curve, with its interval.

    Columns: CURVE, from_rows, to_rows, exponent, ci_low, ci_high (no unit; nan below 6 rounds).
    Formula: in each round ln(value(to) / value(from)) / ln(to / from); the median over the rounds
    that have both, and its order-statistic interval. Assumptions: rounds are independent.
    """
    table = measured(runs, metric).sort_values([*CURVE, "rows", "round"], kind="stable")
    sizes = table[[*CURVE, "rows"]].drop_duplicates()
    after = sizes.groupby(list(CURVE), sort=False)["rows"].shift(-1)
    steps = sizes.assign(to_rows=after).dropna(subset=["to_rows"]).astype({"to_rows": "int64"})
    later = table.rename(columns={"rows": "to_rows"})[[*CURVE, "to_rows", "round", "value"]]
    pairs = table.merge(steps, on=[*CURVE, "rows"]).merge(
        later, on=[*CURVE, "to_rows", "round"], suffixes=("", "_to")
    )
    keys = [*CURVE, "rows", "to_rows"]
    grouped = pairs.groupby(keys, sort=True)
    result = grouped.size().reset_index()[keys].rename(columns={"rows": "from_rows"})
    slope = np.log(pairs["value_to"] / pairs["value"]) / np.log(pairs["to_rows"] / pairs["rows"])
    order = grouped_order(slope, grouped.ngroup().to_numpy(dtype=int), len(result))
    return result.assign(exponent=order.median, ci_low=order.low, ci_high=order.high)


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
    a: Optional[str] = None,
    b: Optional[str] = None,
) -> pd.DataFrame:
    """Where curves cross: from which number of rows on one needs less of `metric` than another.

    of: "strategy" (pairs of strategies of any implementations, under each allocator) or "allocator"
    (pairs of allocators, for each strategy). a, b: the pair; with one of them None, all pairs with
    the other, which is that of the same implementation, or of the first one if that has none; with
    both None, all pairs.
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
        found += [(*key, *row) for row in _crossings_between(table, member, a, b)]
    implementations = ["implementation_a", "implementation_b"] if of == STRATEGY else []
    return pd.DataFrame(found, columns=[*common, *implementations, *_CROSSING_COLUMNS])


def _crossings_between(
    table: pd.DataFrame, member: list[str], a: Optional[str], b: Optional[str]
) -> list[tuple]:
    """Of all pairs of members within one group of curves that have the rest in common."""
    sizes, column = np.unique(table["rows"].to_numpy(), return_inverse=True)
    rounds, row = np.unique(table["round"].to_numpy(), return_inverse=True)
    grouped = table.groupby(member, sort=True)
    names = [name if isinstance(name, tuple) else (name,) for name in grouped.groups]
    logs = np.full((len(names), len(rounds), len(sizes)), np.nan)
    logs[grouped.ngroup().to_numpy(), row, column] = np.log(table["value"].to_numpy())
    first, second = _pairs(names, a, b)
    differences = logs[first] - logs[second]
    sides, medians = _sides(differences)
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
    names: Sequence[tuple[str, ...]], a: Optional[str], b: Optional[str]
) -> tuple[np.ndarray, np.ndarray]:
    """Places of the members of each pair asked for, each pair once.

    names: of strategies with their implementations in front.
    """
    if a is None and b is None:
        first, second = np.triu_indices(len(names), 1)
        return first, second
    wanted = [
        (i, j)
        for i, one in enumerate(names)
        for j, other in enumerate(names)
        if i != j
        and a in (None, one[-1])
        and b in (None, other[-1])
        and (b is None or other[:-1] == _whose(names, b, one[:-1]))
        and (a is None or b is not None or one[:-1] == _whose(names, a, other[:-1]))
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


def _sides(differences: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """For pairs x rounds x sizes: on which side of 0 the interval of the median lies (0: on
    neither), and the median, both pairs x sizes."""
    ordered = np.sort(differences, axis=1)  # nan last
    count = (~np.isnan(differences)).sum(axis=1)
    ranks = np.array([interval_rank(n) for n in range(differences.shape[1] + 1)], dtype=int)
    rank = ranks[count]

    def pick(place: np.ndarray) -> np.ndarray:
        place = np.clip(place, 0, ordered.shape[1] - 1)
        return np.take_along_axis(ordered, place[:, None, :], axis=1)[:, 0, :]

    low = np.where(rank > 0, pick(rank - 1), np.nan)
    high = np.where(rank > 0, pick(count - rank), np.nan)
    median = (pick((count - 1) // 2) + pick(count // 2)) / 2.0
    return (low > 0).astype(int) - (high < 0).astype(int), median
