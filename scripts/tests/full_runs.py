"""Synthetic runs with all passes: what build_runs() makes, and why it takes so long.

The counts are the strategies' closed forms, the costs are round numbers, and the measured cold
build is made of them: a model that multiplies counts by costs has to find its parts again.
"""

from typing import Iterable, NamedTuple, Optional

import numpy as np
import pandas as pd
from conftest import ALLOCATORS, EACH_ROW, SIZES, STRATEGIES, build_runs, typed

from growbench.data.columns import CELL, COLUMNS
from growbench.data.statuses import OK

CONTAINERS = {
    "std_vector": "cpp",
    "std_vector_reserve": "cpp",
    "std_deque": "cpp",
    "std_list": "cpp",
    "glib_array": "glib",
    "glib_ptr_array": "glib",
    "utarray": "uthash",
}
_LIKE = {
    "std_vector": "loop_of_doubling",
    "std_vector_reserve": "preallocate_then_fill",
    "std_deque": "chunked_list",
    "std_list": "list_of_pointers",
    "glib_array": "realloc_doubling",
    "glib_ptr_array": "list_of_pointers",
    "utarray": "realloc_doubling",
}
# Costs of the machine, in ns.
APPEND, TOUCH, UNTOUCH, MMAP, MREMAP, MPROTECT, CALL = 4.0, 700.0, 90.0, 1200.0, 900.0, 600.0, 80.0
MALLOC_RUN, MALLOC_FREE, FREE_RUN, IN_PLACE = 30.0, 20.0, 15.0, 12.0
# What a row's statements take in an interpreter, with making and writing the row, in ns; and what
# stands between such a program and malloc.
INTERPRETER = {"numpy": 900.0, "python": 300.0}
VERSIONS = {"numpy": "NumPy 1.24.2 on CPython 3.11.2", "python": "CPython 3.11.2"}
LAYERS = {"numpy": "NumPy's cache of small blocks; pymalloc", "python": "pymalloc"}
# size: bytes copied per ns.
COPY = {8192: 32.0, 131_072: 16.0, 4_194_304: 8.0, 268_435_456: 4.0}
# How often a realloc stays in place: 1 in so many moves. 0: moved pages by mremap.
_MOVES_EVERY = dict(zip(ALLOCATORS, (0, 200, 100, 150, 120, 1)))


class _Counts(NamedTuple):
    malloc: float = 0.0
    free: float = 0.0
    in_place: float = 0.0
    moved: float = 0.0
    remapped: float = 0.0
    moved_bytes: float = 0.0
    remapped_bytes: float = 0.0
    own_bytes: float = 0.0
    touched_bytes: float = 0.0
    unmapped_bytes: float = 0.0


def _capacities(rows: int, factor: float) -> list[int]:
    found = [1]
    while found[-1] < rows:
        found.append(max(found[-1] + 1, int(found[-1] * factor)))
    return found


def _counts(strategy: str, allocator: str, rows: int, row_bytes: int) -> _Counts:
    payload = float(rows * row_bytes)
    strategy = _LIKE.get(strategy, strategy)
    if strategy == "loop_and_append":
        copied = payload * (rows - 1) / 2
        mapped = copied * 2 if allocator in ("glibc", "scudo") and payload > 131_072 else 0.0
        return _Counts(
            rows, rows - 1, own_bytes=copied, touched_bytes=payload + mapped, unmapped_bytes=mapped
        )
    if strategy == "append_in_place":
        every = _MOVES_EVERY[allocator]
        moved = (rows - 1) // every if every else min(4, rows - 1)
        moved_bytes = moved * payload / 2
        remapped = 0 if every else moved
        return _Counts(
            1,
            0,
            rows - 1 - moved,
            moved,
            remapped,
            moved_bytes,
            0 if every else moved_bytes,
            0,
            payload * 1.2,
        )
    if strategy.startswith("list_of_pointers"):
        packed = payload if strategy.endswith("packed") else 0.0
        return _Counts(
            rows + 1, rows if packed else 0, 8, 12, 0, 8.0 * rows, 0, packed, payload * 1.3 + packed
        )
    if strategy in ("chunked_list", "reserve_then_commit") or strategy.startswith("preallocate"):
        return _Counts(
            max(1, rows // 51) if strategy == "chunked_list" else 1, touched_bytes=payload
        )
    factor = {"realloc_x1.5": 1.5, "realloc_cpython": 1.125}.get(strategy, 2.0)
    grown = _capacities(rows, factor)
    moved_bytes = float(sum(grown[:-1]) * row_bytes)
    if strategy == "loop_of_doubling":
        return _Counts(
            len(grown), len(grown) - 1, own_bytes=moved_bytes, touched_bytes=payload + moved_bytes
        )
    remapped = 3 if allocator == "glibc" and len(grown) > 6 and payload > 131_072 else 0
    remapped_bytes = float(sum(grown[-1 - remapped : -1]) * row_bytes) if remapped else 0.0
    in_place = (len(grown) - 1) // 3
    return _Counts(
        1,
        0,
        in_place,
        len(grown) - 1 - in_place,
        remapped,
        moved_bytes,
        remapped_bytes,
        0,
        payload + moved_bytes - remapped_bytes,
    )


def _copy_rate(size: float) -> float:
    sizes = np.array(list(COPY), dtype=float)
    return float(
        np.interp(np.log(max(size, 1.0)), np.log(sizes), 1.0 / np.array(list(COPY.values())))
    )


def _build_ns(counts: _Counts, rows: int, row_bytes: int, per_row: float) -> float:
    copied = counts.moved_bytes - counts.remapped_bytes + counts.own_bytes
    return (
        rows * per_row
        + copied * _copy_rate(rows * row_bytes / 2)
        + counts.touched_bytes / 4096 * TOUCH
        + (counts.malloc + counts.free) * 18.0
        + counts.in_place * IN_PLACE
        + counts.moved * MALLOC_FREE
        + counts.unmapped_bytes / 4096 * UNTOUCH
        + 300.0
    )


def full_run(
    strategies: Iterable[str] = STRATEGIES,
    allocators: Iterable[str] = ALLOCATORS,
    sizes: Iterable[int] = SIZES,
    rounds: int = 10,
    row_bytes: int = 80,
    threads: Iterable[int] = (1,),
    noise: float = 0.03,
    interpreted: Optional[dict[str, Iterable[str]]] = None,
    interpreted_rounds: int = 0,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A run with all passes, and its timeline. Strategies may be containers.

    interpreted: numpy, python or somebody else's worker with their strategies, of every second size
    from the last one on, and of so many rounds; 0: all. They do what C does, and instead of writing
    rows they take INTERPRETER.
    """
    strategies, allocators, sizes = list(strategies), list(allocators), list(sizes)
    parts = [
        build_runs(strategies, allocators, sizes, rounds, row_bytes, count, noise)
        for count in threads
    ]
    for part in parts:
        part["implementation"] = part["strategy"].map(lambda name: CONTAINERS.get(name, "c"))
    for number, (name, of_name) in enumerate((interpreted or {}).items()):
        part = build_runs(
            of_name,
            allocators,
            sizes[::-2][::-1],
            interpreted_rounds or rounds,
            row_bytes,
            noise=noise,
            seed=number + 7,
        ).assign(implementation=name)
        ok = part["status"] == OK
        part.loc[ok, "implementation_version"] = VERSIONS.get(name, "1.0")
        part.loc[ok, "layers_before_malloc"] = LAYERS.get(name, "")
        if name in INTERPRETER:
            part.loc[ok, "interpreter_ns"] = part["rows"] * INTERPRETER[name]
        parts.append(part)
    measure = pd.concat(parts, ignore_index=True)
    measure["cpu_count"] = np.minimum(measure["threads"], 2).astype(float)
    cells = measure.drop_duplicates(list(CELL)).to_dict("records")
    random = np.random.default_rng(2)
    traces, latencies, points = [], [], []
    build_of, faults_of = {}, {}
    for cell in cells:
        counts = _counts(cell["strategy"], cell["allocator"], cell["rows"], row_bytes)
        key = tuple(cell[name] for name in CELL)
        slow = max(1.0, cell["threads"] / 2) * (1.1 if cell["threads"] > 1 else 1.0)
        per_row = INTERPRETER.get(cell["implementation"], APPEND * row_bytes / 80)
        build_of[key] = _build_ns(counts, cell["rows"], row_bytes, per_row) * slow
        faults_of[key] = float(round(counts.touched_bytes * cell["threads"] / 4096) + 1)
        if cell["status"] != OK:
            continue
        traces.append(_trace(cell, counts))
        if cell["threads"] == 1 and cell["rows"] >= 1000:
            latencies.append(_latency(cell, counts, random))
    cell_of = list(zip(*(measure[name] for name in CELL)))
    ok = measure["status"] == OK
    spread = np.exp(random.normal(0.0, noise, len(measure))) if noise else 1.0
    build = np.array([build_of[key] for key in cell_of])
    measure.loc[ok, "cold_build_ns"] = np.round(build * spread)[ok]
    measure.loc[ok, "cold_release_ns"] = np.round(build * 0.08 + 100)[ok]
    faults = np.array([faults_of[key] for key in cell_of])
    measure.loc[ok, "cold_build_minor_fault_count"] = faults[ok]
    rows = measure.to_dict("records") + traces + latencies
    rows += _probes(allocators, row_bytes, random)
    table = pd.DataFrame(rows, columns=[column.name for column in COLUMNS])
    runs = typed(table.assign(position=np.arange(1, len(table) + 1)))
    for cell in runs[(runs["pass"] == "trace") & (runs["rows"] == 10_000)].to_dict("records"):
        points += _points(cell)
    return runs, pd.DataFrame(points)


def _identity(cell: dict, of_pass: str) -> dict:
    kept = ("schema_version", "run_id", "machine_id", *CELL, "payload_bytes", "cpu_count")
    return {**{name: cell[name] for name in kept}, "pass": of_pass, "round": 1, "status": OK}


_NEVER_CALLED = (
    *(f"{call}_count" for call in ("calloc", "aligned", "realloc_shrunk", "realloc_failed")),
    *(f"allocator_{call}_count" for call in ("mmap", "munmap", "brk", "madvise", "mprotect")),
    *("allocator_mapped_bytes", "strategy_mmap_count", "strategy_mprotect_count"),
)


def _trace(cell: dict, counts: _Counts) -> dict:
    values = {
        **dict.fromkeys(_NEVER_CALLED, 0),
        "malloc_count": counts.malloc,
        "realloc_count": counts.in_place + counts.moved,
        "free_count": counts.free,
        "realloc_in_place_count": counts.in_place,
        "realloc_moved_count": counts.moved,
        "realloc_remapped_count": counts.remapped,
        "realloc_moved_bytes": round(counts.moved_bytes),
        "realloc_remapped_bytes": round(counts.remapped_bytes),
        "strategy_copied_bytes": round(counts.own_bytes),
        "copied_bytes": round(counts.moved_bytes - counts.remapped_bytes + counts.own_bytes),
        "allocator_mremap_count": counts.remapped,
        "allocator_unmapped_bytes": round(counts.unmapped_bytes),
    }
    of_all = {name: value * cell["threads"] for name, value in values.items()}
    return {**_identity(cell, "trace"), **of_all}


def _latency(cell: dict, counts: _Counts, random: np.random.Generator) -> dict:
    rows, timer = cell["rows"], 18.0
    mean_copy = counts.own_bytes / rows * _copy_rate(cell["payload_bytes"] / 2)
    median = timer + 3.0 + mean_copy + random.random()
    largest = median + 2000.0 + (counts.moved_bytes / 2) * _copy_rate(cell["payload_bytes"])
    values = np.geomspace(median, largest, 6) * np.array([1, 0.6, 0.5, 0.6, 0.8, 1.0])
    values = np.maximum.accumulate(values)
    return {
        **_identity(cell, "latency"),
        "latency_append_count": rows,
        "latency_timer_ns": timer,
        "latency_median_ns": values[0],
        "latency_p90_ns": values[1],
        "latency_p99_ns": values[2],
        "latency_p99_9_ns": values[3],
        "latency_p99_99_ns": values[4] if rows >= 10_000 else np.nan,
        "latency_max_ns": round(values[5]),
        "latency_total_ns": round(values[0] * rows + values[5]),
        "latency_slowest_share": min(1.0, values[5] / (values[0] * rows)),
        "latency_error_share": 1 / 64,
    }


def _probes(allocators: Iterable[str], row_bytes: int, random: np.random.Generator) -> list[dict]:
    machine = [("append", row_bytes, APPEND * row_bytes / 80), ("touch", 4096, TOUCH)]
    machine += [
        ("untouch", 4096, UNTOUCH),
        ("mmap_munmap", 4096, MMAP),
        ("mremap", 131_072, MREMAP),
    ]
    machine += [("mremap_grow", 4096, MREMAP / 3), ("brk", 131_072, 2 * CALL)]
    machine += [("mprotect", 65_536, MPROTECT), ("system_call", 1, CALL), ("clock", 1, 18.0)]
    for size, rate in COPY.items():
        machine += [("copy", size, size / rate), ("store", size, size / rate / 1.5)]
        machine += [("chase", size, 64.0 / rate)]
    probes = [("glibc", *probe) for probe in machine]
    for allocator in allocators:
        probes += [(allocator, "malloc_free", 64, MALLOC_FREE)]
        probes += [(allocator, "malloc_run", 64, MALLOC_RUN)]
        probes += [(allocator, "free_run", 64, FREE_RUN)]
        probes += [(allocator, "realloc_in_place", 64, IN_PLACE)]
    rows = []
    for visit in (1, 2, 3):
        for allocator, name, size, ns in probes:
            # The second visit is between the two others, so that it is the median: known.
            ns *= {1: 0.99, 2: 1.0, 3: 1.0 + 0.002 * random.random()}[visit]
            rows.append(probe_row(name, allocator, size, visit, ns))
    return rows


def probe_row(name: str, allocator: str, size: int, visit: int, ns: float) -> dict:
    """One row of the probe pass."""
    return {
        **EACH_ROW,
        "round": visit,
        "position": 1,
        "pass": "probe",
        "strategy": name,
        "allocator": allocator,
        "rows": 1,
        "row_bytes": size,
        "payload_bytes": size,
        "status": OK,
        "cpu_count": 1,
        "probe_ns": ns,
        "probe_min_ns": ns * 0.98,
        "probe_value_count": 5,
    }


def _points(cell: dict) -> list[dict]:
    """A sawtooth for what doubles, a line for what does not."""
    rows, row_bytes = cell["rows"], cell["row_bytes"]
    strategy = _LIKE.get(cell["strategy"], cell["strategy"])
    grows = strategy in ("realloc_doubling", "loop_of_doubling", "realloc_x1.5", "realloc_cpython")
    extra = 1.0 + 0.1 * (sum(map(ord, cell["allocator"])) % 5)
    points = []
    capacity = 0
    for appended in np.unique(np.linspace(0, rows, 400).astype(int)).tolist():
        live = peak = appended * row_bytes
        if grows:
            factor = {"realloc_x1.5": 1.5, "realloc_cpython": 1.125}.get(strategy, 2.0)
            while capacity < appended:
                before, capacity = capacity, max(capacity + 1, int(capacity * factor))
                peak = (before + capacity) * row_bytes
            live = capacity * row_bytes
            peak = max(peak, live) if cell["allocator"] != "glibc" else live
        elif strategy.startswith("preallocate"):
            live = peak = rows * row_bytes
        elif strategy == "loop_and_append":
            peak = 2 * live
        points.append(
            {
                **{name: cell[name] for name in ("position", *CELL[:5])},
                "rows_appended": appended,
                "live_bytes": live,
                "live_peak_bytes": peak,
                "resident_bytes": round(appended * row_bytes * extra / 4096) * 4096,
            }
        )
    return points
