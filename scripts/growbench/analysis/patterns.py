"""Copying patterns: what a copy costs that need not happen, and when a copy pays for itself.

A row of the pattern pass is one operation on an array that is there: `strategy` names it, and
`rows` x `row_bytes` is the shape of its input, in doubles. Its build makes the result, a view or a
copy; its scan walks the result, that is, reads each element once. Our kernels walk in the order of
the axes; NumPy's walk is its sum(), which takes the order that suits the memory.
"""

from typing import NamedTuple, Sequence

import numpy as np
import pandas as pd

from growbench.data.columns import CELL, PATTERN
from growbench.data.statuses import OK
from growbench.analysis.limits import Costs
from growbench.analysis.traces import trace_rows
from growbench.data.metrics import Metric, metric
from growbench.statistics.order import grouped_order
from growbench.statistics.paired import pair_rounds, ratio_table

KERNELS, NUMPY = "c", "numpy"
ELEMENT_BYTES = 8
COLD, WARM = "cold", "warm"
# Whether a copy pays: after some walks; not after any number, as walking it is no faster; or the
# data do not say which.
PAYS, NEVER, NOT_RESOLVED = "pays", "never", "not_resolved"


class Pair(NamedTuple):
    """A view and a copy that hold the same elements in the same order.

    by_stride: what tells its cells apart is the stride, which is row_bytes; for others it is how
    many bytes there are, whatever the shape.
    """

    name: str
    view: str
    copy: str
    by_stride: bool = False


# What a.T.reshape(-1) copies is what a walk of a.T reads, so that is what it is held against; and a
# copy of what is contiguous already is held against a view of it that is, too.
PAIRS = (
    Pair("strided", "strided_view", "copy_strided", by_stride=True),
    Pair("naive transpose", "transpose_view", "transpose_copy_naive"),
    Pair("blocked transpose", "transpose_view", "transpose_copy_blocked"),
    Pair("transpose", "transpose_view", "transpose_copy"),
    Pair("reshaped transpose", "transpose_view", "reshape_copy"),
    Pair("slice", "slice_view", "slice_copy"),
    Pair("contiguous array", "reshape_view", "copy_contiguous"),
)


class Choice(NamedTuple):
    """Two ways to the same end, the dearer one first, as one would expect."""

    name: str
    dearer: str
    cheaper: str


CHOICES = (
    Choice("a = a + b instead of a += b", "add_out_of_place", "add_in_place"),
    Choice("temporaries instead of one pass", "add_chain", "add_chain_fused"),
    # NumPy has no one pass, but can write each step into the same array.
    Choice("temporaries instead of one array", "add_chain", "add_chain_in_one"),
    Choice("naive instead of blocked transpose", "transpose_copy_naive", "transpose_copy_blocked"),
    Choice("sums of columns instead of rows", "reduce_columns", "reduce_rows"),
    Choice("gathering all rows instead of a copy", "gather_ordered", "copy_contiguous"),
    Choice("gathering shuffled instead of sorted", "gather_shuffled", "gather_ordered"),
)

# Which patterns belong together, in the order of tables and plots.
GROUPS = {
    "contiguous": ("copy_contiguous",),
    "slice": ("slice_view", "slice_copy"),
    "stride": ("strided_view", "copy_strided"),
    "reshape": ("reshape_view", "reshape_copy"),
    "transpose": (
        "transpose_view",
        "transpose_copy_naive",
        "transpose_copy_blocked",
        "transpose_copy",
    ),
    "gather": ("gather_ordered", "gather_shuffled"),
    "reduce": ("reduce_rows", "reduce_columns"),
    "add": (
        "add_in_place",
        "add_out_of_place",
        "add_chain_fused",
        "add_chain_in_one",
        "add_chain_operators",
        "add_chain",
    ),
}
OTHER_GROUP = "other"
_GROUP_OF = {name: group for group, names in GROUPS.items() for name in names}
_ORDER = {name: place for place, name in enumerate(_GROUP_OF)}

# These copy their whole input once and do nothing else, so that the copy probe is their limit.
WHOLE_COPIES = (
    "copy_contiguous",
    "transpose_copy_naive",
    "transpose_copy_blocked",
    "transpose_copy",
    "reshape_copy",
)
# NumPy has one way to copy a transpose, and both of ours are held against it; and what we do in one
# pass is held against what it can do with one array.
_TRANSPOSE_COPIES = ("transpose_copy_blocked", "transpose_copy")
COUNTERPARTS = {
    "transpose_copy_naive": ("transpose_copy_naive", *_TRANSPOSE_COPIES),
    "transpose_copy_blocked": _TRANSPOSE_COPIES,
    "transpose_copy": _TRANSPOSE_COPIES,
    "add_chain_fused": ("add_chain_fused", "add_chain_in_one"),
}

PATTERN_METRICS = (
    metric("cold_build")._replace(label="Cold time to make it"),
    metric("cold_scan")._replace(name="cold_walk", label="Cold time to walk it"),
    metric("cold_release")._replace(label="Cold time to release it"),
    metric("warm_build_release")._replace(label="Warm time to make and release it", predicted=None),
    metric("warm_scan")._replace(name="warm_walk", label="Warm time to walk it"),
    metric("peak_memory"),
    metric("cold_build_minor_fault"),
)
_METRICS = {row.name: row for row in PATTERN_METRICS}
# For each process, what making and releasing takes, and what a walk does.
MAKE = {COLD: metric("cold_build_release"), WARM: _METRICS["warm_build_release"]}
WALK = {COLD: ("cold_scan_ns",), WARM: ("warm_scan_median_ns",)}

_ALLOCATIONS = ("malloc_count", "calloc_count", "realloc_count", "aligned_count")
_TRACED = (
    "copied_bytes",
    "strategy_copied_bytes",
    "peak_requested_bytes",
    "end_requested_bytes",
)
# What tells cells apart beside the pattern; in each round of these there is one value of each.
_SHAPE = [key for key in CELL if key != "strategy"]
_BESIDE = [key for key in _SHAPE if key != "implementation"]
_RATIO = ("payload_bytes", "round_count", "a_ns", "b_ns", "ratio", "ci_low", "ci_high")
_CROSSOVER_COLUMNS = (
    "pair",
    "view",
    "copy",
    *_SHAPE,
    "payload_bytes",
    "process",
    "round_count",
    "copy_ns",
    "view_walk_ns",
    "copy_walk_ns",
    "walk_ratio",
    "walk_ratio_ci_low",
    "walk_ratio_ci_high",
    "walks",
    "ci_low",
    "ci_high",
    "verdict",
)


def pattern_metric(name: str) -> Metric:
    """The metric of PATTERN_METRICS of that name. Raises KeyError."""
    return _METRICS[name]


def group_of(pattern: str) -> str:
    """The group that a pattern belongs to; OTHER_GROUP for one that is not known here."""
    return _GROUP_OF.get(pattern, OTHER_GROUP)


def in_order(names: Sequence[str]) -> list[str]:
    """The names once each, in the order of GROUPS, those that are not in it sorted at the end."""
    return sorted(set(names), key=lambda name: (_ORDER.get(name, len(_ORDER)), name))


def patterns(runs: pd.DataFrame, limits: pd.DataFrame) -> pd.DataFrame:
    """One row for each cell of the pattern pass of `runs`, sorted; none if there was no such pass.

    limits: machine_limits(runs). Columns: the cell; group; payload_bytes (of the input);
    worker_count, ok_count, status (ok if all are, the common status if all have the same, else
    partial), status_detail (of the first that is not ok); median and 95% interval over the workers
    of each of PATTERN_METRICS; bytes_per_ns = payload_bytes / the warm median, of what goes
    through its input; copy_limit_bytes_per_ns, what the copy probe does at that size, and
    copy_limit_share, of the patterns that only copy the whole input; trace_status and counts from
    the trace pass: allocation_count, copied_bytes, strategy_copied_bytes, peak_requested_bytes,
    end_requested_bytes. Missing numbers are nan, missing text is "".
    """
    rows = runs[runs["pass"] == PATTERN]
    keys = list(CELL)
    table = rows[[*keys, "payload_bytes"]].drop_duplicates(keys)
    table = table.sort_values(keys, ignore_index=True)
    cell = rows.groupby(keys, sort=True).ngroup().to_numpy(dtype=int)
    count = len(table)
    table["worker_count"] = np.bincount(cell, minlength=count)
    table.insert(len(CELL), "group", [group_of(name) for name in table["strategy"]])
    ok = (rows["status"] == OK).to_numpy()
    table["ok_count"] = np.bincount(cell[ok], minlength=count)
    statuses = rows["status"].groupby(cell)
    table["status"] = statuses.first().where(statuses.nunique() == 1, "partial").to_numpy()
    detail = np.full(count, "", dtype=object)
    failed, first = np.unique(cell[~ok], return_index=True)
    detail[failed] = rows["status_detail"].to_numpy()[~ok][first]
    table["status_detail"] = detail
    for row in PATTERN_METRICS:
        values = np.where(ok, row.values(rows).to_numpy(dtype=float), np.nan)
        order = grouped_order(values, cell, count)
        table[row.column("median")] = order.median
        table[row.column("ci_low")] = order.low
        table[row.column("ci_high")] = order.high
    _add_rates(table, limits)
    return _with_trace(table, runs)


def _add_rates(table: pd.DataFrame, limits: pd.DataFrame) -> None:
    """Bytes of the input for each ns of the warm time, and how near that is to the copy probe."""
    payload = table["payload_bytes"].to_numpy(dtype=float)
    warm = table[_METRICS["warm_build_release"].column("median")].to_numpy(dtype=float)
    goes_through = ~table["strategy"].str.endswith("_view").to_numpy(dtype=bool)
    known = goes_through & (warm > 0) & (payload > 0)
    rate = np.full(len(table), np.nan)
    rate[known] = payload[known] / warm[known]
    per_byte = Costs(limits).machine_at("copy", payload, per_byte=True)
    whole = table["strategy"].isin(WHOLE_COPIES).to_numpy(dtype=bool) & (per_byte > 0)
    limit = np.full(len(table), np.nan)
    limit[whole] = 1.0 / per_byte[whole]
    table["bytes_per_ns"] = rate
    table["copy_limit_bytes_per_ns"] = limit
    table["copy_limit_share"] = rate / limit


def _with_trace(table: pd.DataFrame, runs: pd.DataFrame) -> pd.DataFrame:
    """The table with what the trace pass counted in each cell."""
    traces = trace_rows(runs, [*_ALLOCATIONS, *_TRACED])
    traces["allocation_count"] = traces[list(_ALLOCATIONS)].sum(axis=1, skipna=False)
    counts = ["trace_status", "allocation_count", *_TRACED]
    # Without rows, a merge turns the order of the columns around.
    columns = [*table, *counts]
    table = table.merge(traces[[*CELL, *counts]], "left", list(CELL))[columns]
    table["trace_status"] = table["trace_status"].fillna("")
    return table


def crossovers_of_views(runs: pd.DataFrame) -> pd.DataFrame:
    """After how many walks is a copy, and walks of it, cheaper than as many walks of the view?

    One row for each of PAIRS, cell that has both and process (cold, warm), in that order. In each
    round, with what both take to be made and released, and what one walk of each takes:

        walks = (making the copy - making the view) / (walking the view - walking the copy)

    0 where the copy is no dearer to make; infinite where walking it is no faster. `walks` is the
    median over the rounds, ci_low and ci_high its order-statistic interval. verdict: PAYS where
    the interval of the median gain of a walk lies above 0; NEVER where it lies below; NOT_RESOLVED
    where it includes 0, or where there are too few rounds for an interval. Only what pays has
    walks, and what has too few rounds to tell. Cold: each walk is taken to cost what the first
    does.

    Columns: pair, view, copy, the cell but for its strategy, payload_bytes, process, round_count;
    copy_ns (what the copy is dearer to make), view_walk_ns, copy_walk_ns, medians; walk_ratio, view
    / copy, with walk_ratio_ci_low and walk_ratio_ci_high; walks, ci_low, ci_high, verdict.
    """
    rows = _measured(runs)
    of = dict(list(rows.groupby("strategy")))
    found = []
    for pair in PAIRS:
        if pair.view in of and pair.copy in of:
            for process in (COLD, WARM):
                table = _crossovers(_side_by_side(of[pair.view], of[pair.copy], _SHAPE, process))
                names = {"pair": pair.name, "view": pair.view, "copy": pair.copy}
                found.append(table.assign(**names, process=process))
    return _joined(found, _CROSSOVER_COLUMNS)


def _crossovers(both: pd.DataFrame) -> pd.DataFrame:
    """both: the rounds that have the view, as a, and the copy, as b."""
    both = both[both[["make_a", "make_b"]].notna().all(axis=1)]
    both = both[(both["walk_a"] > 0) & (both["walk_b"] > 0)]
    dearer, gain = both["make_b"] - both["make_a"], both["walk_a"] - both["walk_b"]
    grouped = both.assign(dearer=dearer).groupby(_SHAPE, sort=True)
    table = grouped.agg(
        payload_bytes=("payload_bytes", "first"),
        copy_ns=("dearer", "median"),
        view_walk_ns=("walk_a", "median"),
        copy_walk_ns=("walk_b", "median"),
    ).reset_index()
    names = {"ratio": "walk_ratio", "ci_low": "walk_ratio_ci_low", "ci_high": "walk_ratio_ci_high"}
    ratios = ratio_table(both, _SHAPE, "walk_a", "walk_b").rename(columns=names)
    table = table.merge(ratios, on=_SHAPE)
    walks = np.full(len(both), np.inf)
    np.divide(np.maximum(dearer, 0.0), gain, out=walks, where=gain > 0)
    cell = grouped.ngroup().to_numpy(dtype=int)
    order, of_gain = (grouped_order(values, cell, len(table)) for values in (walks, gain))
    table["verdict"] = np.select([of_gain.side > 0, of_gain.side < 0], [PAYS, NEVER], NOT_RESOLVED)
    # Where it is known that nothing is known, a figure would only mislead.
    unknown = (table["verdict"] != PAYS).to_numpy() & ~np.isnan(of_gain.low)
    for name, values in (("walks", order.median), ("ci_low", order.low), ("ci_high", order.high)):
        table[name] = np.where(unknown | ~np.isfinite(values), np.nan, values)
    return table


def beside_ours(runs: pd.DataFrame) -> pd.DataFrame:
    """Our kernels against other implementations of a pattern: below 1 where C is faster.

    Both make and release the result; a pair is of the same round. One row for each other
    implementation, pattern, process and cell that both have, in that order. Columns: other,
    strategy, counterpart (what the other calls it, see COUNTERPARTS), process, the cell but for
    implementation and strategy, payload_bytes, round_count, a_ns (ours) and b_ns (the other's),
    medians; ratio, ci_low, ci_high.
    """
    rows = _measured(runs)
    is_ours = rows["implementation"] == KERNELS
    ours = dict(list(rows[is_ours].groupby("strategy")))
    found = []
    for other, of_other in rows[~is_ours].groupby("implementation", sort=True):
        theirs = dict(list(of_other.groupby("strategy")))
        for name in in_order(list(ours)):
            counterpart = next((n for n in COUNTERPARTS.get(name, (name,)) if n in theirs), "")
            for process in (COLD, WARM) if counterpart else ():
                both = _side_by_side(ours[name], theirs[counterpart], _BESIDE, process)
                names = {"other": other, "strategy": name, "counterpart": counterpart}
                found.append(_ratios(both, _BESIDE).assign(**names, process=process))
    return _joined(found, ["other", "strategy", "counterpart", "process", *_BESIDE, *_RATIO])


def choices(runs: pd.DataFrame) -> pd.DataFrame:
    """For each of CHOICES, process and cell that has both: the dearer way / the cheaper one.

    Columns: choice, dearer, cheaper, process, the cell but for its strategy, payload_bytes,
    round_count, a_ns (the dearer) and b_ns (the cheaper), medians; ratio, ci_low, ci_high, paired
    by round.
    """
    of = dict(list(_measured(runs).groupby("strategy")))
    found = []
    for choice in CHOICES:
        if choice.dearer in of and choice.cheaper in of:
            for process in (COLD, WARM):
                both = _side_by_side(of[choice.dearer], of[choice.cheaper], _SHAPE, process)
                names = {"choice": choice.name, "dearer": choice.dearer, "cheaper": choice.cheaper}
                found.append(_ratios(both, _SHAPE).assign(**names, process=process))
    return _joined(found, ["choice", "dearer", "cheaper", "process", *_SHAPE, *_RATIO])


def _measured(runs: pd.DataFrame) -> pd.DataFrame:
    return runs[(runs["pass"] == PATTERN) & (runs["status"] == OK)]


def _side_by_side(
    a: pd.DataFrame, b: pd.DataFrame, keys: Sequence[str], process: str
) -> pd.DataFrame:
    """The rounds that have both, by `keys`: make_a, walk_a, make_b, walk_b in ns, payload_bytes.
    A walk is nan where its columns were not read."""

    def side(rows: pd.DataFrame, suffix: str) -> pd.DataFrame:
        made = rows[[*keys, "round"]].copy()
        made[f"make_{suffix}"] = MAKE[process].values(rows)
        walk = rows.reindex(columns=list(WALK[process]))
        made[f"walk_{suffix}"] = walk.sum(axis=1, skipna=False)
        return made

    payloads = side(a, "a").assign(payload_bytes=a["payload_bytes"])
    return pair_rounds(payloads, side(b, "b"), keys)


def _ratios(both: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    """make_a / make_b in each cell, of the rounds where both are above 0."""
    both = both[(both["make_a"] > 0) & (both["make_b"] > 0)]
    medians = both.groupby(list(keys), sort=True, as_index=False).agg(
        payload_bytes=("payload_bytes", "first"),
        a_ns=("make_a", "median"),
        b_ns=("make_b", "median"),
    )
    return medians.merge(ratio_table(both, keys, "make_a", "make_b"), on=list(keys))


def _joined(found: Sequence[pd.DataFrame], columns: Sequence[str]) -> pd.DataFrame:
    """One table with these columns, also of nothing."""
    if not found:
        return pd.DataFrame(columns=list(columns))
    return pd.concat(found, ignore_index=True)[list(columns)]
