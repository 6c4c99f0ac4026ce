"""Google Benchmark's JSON, which its compare.py reads, and whatever else reads that.

Each time that was asked for is a benchmark of its own, each worker that is ok a repetition of it:

    c/realloc_doubling/glibc/rows:10000/row_bytes:80/threads:1/cold_build_release

real_time is that time. cpu_time is what is known of processor time, and that is not much:

    cold    cold_user_ns + cold_system_ns, which is of build, scan and release together and of all
            threads, so it may be more than real_time; it has the grain of the kernel's accounting
    warm    not measured: real_time once more. A worker has its CPUs for itself, so with one thread
            the two differ by little but what the hypervisor and interrupts take

so look at the column Time of compare.py, not at CPU. What is no time (peak memory, page faults) is
a counter of the cold benchmark. From two repetitions on there is their median too, which is what
`compare.py -a` shows. Of the aggregates that Google Benchmark has it is the only one: compare.py
needs time that grows with the square of the number of names.
"""

import json
import math
import statistics
from typing import IO, Any, Iterator, NamedTuple, Optional

import numpy as np

from growbench.exports import exporting
from growbench.data.description import fact
from growbench.exports.exporting import (
    CannotExport,
    Export,
    USUAL_WORK,
    WARM_COLUMNS,
    is_warm,
    name_part,
)
from growbench.data.metrics import Metric

NAME = "google-benchmark"
HELP = "JSON of Google Benchmark, for its compare.py"
_CPU_COLUMNS = ("cold_user_ns", "cold_system_ns")
COLUMNS = (*_CPU_COLUMNS, *WARM_COLUMNS, "started_utc")


def write(export: Export, stream: IO[str]) -> None:
    """See the module's text. Raises CannotExport if no time was asked for."""
    if not export.times():
        raise CannotExport("a benchmark of this format is a time: ask for one of them too")
    stream.write('{\n"context": ' + json.dumps(_context(export), indent=2, allow_nan=False))
    stream.write(',\n"benchmarks": [')
    between = "\n"
    for benchmark in _benchmarks(export):
        stream.write(between + json.dumps(benchmark, allow_nan=False))
        between = ",\n"
    stream.write("\n]\n}\n")


def _context(export: Export) -> dict[str, Any]:
    """What is known of what Google Benchmark's context has; what is not known is not there."""
    machine = export.machine
    date = fact(machine, "run", "started_utc") or min(export.runs["started_utc"], default="")
    known = {
        "date": date,
        "host_name": export.runs["machine_id"].iloc[0],
        "executable": "growbench",
        "num_cpus": fact(machine, "machine", "cpus", type=int),
        "mhz_per_cpu": _mhz(machine),
        "cpu_scaling_enabled": _scaling(machine),
        "caches": _caches(machine),
        "load_avg": _load(machine),
        "library_build_type": _library(machine),
        "run_id": export.runs["run_id"].iloc[0],
        "cpu_model": fact(machine, "machine", "cpu_model"),
        "kernel": fact(machine, "system", "kernel"),
        "libc": fact(machine, "system", "libc"),
        "compiler": fact(machine, "build", "compiler"),
    }
    return {key: value for key, value in known.items() if value not in (None, "")}


def _mhz(machine: Optional[dict]) -> Optional[int]:
    khz = fact(machine, "machine", "cpu_max_khz", type=(int, str))
    text = str(khz)
    return int(text) // 1000 if text.isdecimal() and len(text) < 12 else None


def _scaling(machine: Optional[dict]) -> Optional[bool]:
    governor = fact(machine, "system", "governor")
    return None if governor is None else governor != "performance"


def _caches(machine: Optional[dict]) -> list[dict]:
    caches = []
    for cache in fact(machine, "machine", "caches", type=list) or []:
        known = {
            "type": (fact(cache, "type") or "unknown").capitalize(),
            "level": fact(cache, "level", type=int),
            "size": fact(cache, "bytes", type=int),
            "num_sharing": fact(cache, "shared_by_cpus", type=int),
        }
        caches.append({key: value for key, value in known.items() if value is not None})
    return caches


def _load(machine: Optional[dict]) -> Optional[list[float]]:
    """The averages over 1, 5 and 15 minutes, from the words of /proc/loadavg."""
    words = (fact(machine, "state_at_start", "load") or "").split()[:3]
    try:
        load = [float(word) for word in words]
    except ValueError:
        return None
    return load if len(load) == 3 and np.isfinite(load).all() else None


def _library(machine: Optional[dict]) -> Optional[str]:
    debug = fact(machine, "build", "benchmark_library_debug", type=bool)
    return None if debug is None else "debug" if debug else "release"


class _Figures(NamedTuple):
    """Of the rows of a benchmark: real and processor time, iterations, counters by their name."""

    real: list[float]
    cpu: list[float]
    iterations: list[int]
    counters: dict[str, list[float]]


def _benchmarks(export: Export) -> Iterator[dict]:
    values = export.values()
    cpu = export.runs[list(_CPU_COLUMNS)].sum(axis=1, skipna=False).to_numpy(dtype=float)
    warm_iterations = exporting.warm_iterations(export.runs)
    families: dict[tuple, int] = {}
    instances: dict[tuple, int] = {}
    for cell, place in export.cells():
        family = (cell["implementation"], cell["strategy"], cell["allocator"])
        families.setdefault(family, len(families))
        for metric in export.times():
            warm = is_warm(metric)
            present = np.flatnonzero(~np.isnan(values[metric.name][place])) + place.start
            if not len(present):
                continue
            real = values[metric.name][present]
            figures = _Figures(
                real.tolist(),
                # A worker without the figure has its real time here too.
                (real if warm else np.where(np.isnan(cpu[present]), real, cpu[present])).tolist(),
                warm_iterations[present].tolist() if warm else [1] * len(present),
                {
                    f"{m.name}_{m.unit}": values[m.name][present].tolist()
                    for m in export.others(warm)
                },
            )
            same = {
                "family_index": families[family],
                "per_family_instance_index": instances.get(family, 0),
                "run_name": _name(cell, metric),
                "repetitions": len(present),
                "threads": cell["threads"],
                "time_unit": "ns",
            }
            instances[family] = instances.get(family, 0) + 1
            yield from _repetitions(same, figures)
            if len(present) > 1:
                yield _median(same, figures)


def _name(cell: dict, metric: Metric) -> str:
    names = [name_part(cell[key]) for key in ("implementation", "strategy", "allocator")]
    numbers = [f"{key}:{cell[key]}" for key in ("rows", "row_bytes", "threads")]
    work = [] if cell["work"] == USUAL_WORK else [f"work:{name_part(cell['work'])}"]
    return "/".join([*names, *numbers, *work, metric.name])


def _repetitions(same: dict, figures: _Figures) -> Iterator[dict]:
    for index, iterations in enumerate(figures.iterations):
        counters = {name: values[index] for name, values in figures.counters.items()}
        yield {
            "name": same["run_name"],
            **same,
            "run_type": "iteration",
            "repetition_index": index,
            "iterations": iterations,
            "real_time": figures.real[index],
            "cpu_time": figures.cpu[index],
            **{name: value for name, value in counters.items() if not math.isnan(value)},
        }


def _median(same: dict, figures: _Figures) -> dict:
    return {
        "name": f"{same['run_name']}_median",
        **same,
        "run_type": "aggregate",
        "aggregate_name": "median",
        "aggregate_unit": "time",
        "iterations": same["repetitions"],
        "real_time": statistics.median(figures.real),
        "cpu_time": statistics.median(figures.cpu),
    }
