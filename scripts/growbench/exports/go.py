"""The text format of Go's benchmarks, which benchstat reads.

It is specified at https://golang.org/design/14313-benchmark-format.

Each time that was asked for is a benchmark of its own, each worker that is ok a line:

    BenchmarkColdBuildRelease/implementation=c/strategy=realloc_doubling/allocator=glibc/rows=10000/
    row_bytes=80-1  1  1234 ns/op  800000 peak-memory-B/op  210 cold-build-minor-faults/op

(in one line), with the number of threads where Go has GOMAXPROCS. What is no time stands beside the
cold times, or alone in a line of its own name if none of these was asked for. `benchstat -col
/allocator FILE` compares allocators, `benchstat OLD NEW` runs.

benchstat compares only what has the same configuration, so the lines at the top say what two runs
on one machine have in common, and what tells them apart is in comments.
"""

import math
from typing import IO, Iterator, Optional

import numpy as np

from growbench.exports import exporting
from growbench.data.description import fact
from growbench.exports.exporting import (
    Export,
    USUAL_WORK,
    WARM_COLUMNS,
    is_warm,
    name_part,
    plain_text,
)
from growbench.data.metrics import Metric

NAME = "go"
HELP = "text of Go's benchmarks, for benchstat"
COLUMNS = WARM_COLUMNS
# How Go calls what the kernel's name for a machine is.
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "i686": "386", "armv7l": "arm"}


def write(export: Export, stream: IO[str]) -> None:
    """See the module's text."""
    for key, value in _configuration(export.machine).items():
        if value:
            stream.write(f"{key}: {plain_text(value)}\n")
    for key, value in _comments(export).items():
        if value:
            stream.write(f"# {key}: {plain_text(value)}\n")
    stream.write("\n")
    for line in _lines(export):
        stream.write(line)


def _configuration(machine: Optional[dict]) -> dict[str, Optional[str]]:
    architecture = fact(machine, "machine", "architecture")
    return {
        "goos": "linux",
        "goarch": _ARCHITECTURES.get(architecture, architecture),
        "pkg": "growbench",
        "cpu": fact(machine, "machine", "cpu_model"),
    }


def _comments(export: Export) -> dict[str, Optional[str]]:
    return {
        "machine": export.runs["machine_id"].iloc[0],
        "run": export.runs["run_id"].iloc[0],
        "kernel": fact(export.machine, "system", "kernel"),
        "libc": fact(export.machine, "system", "libc"),
        "compiler": fact(export.machine, "build", "compiler"),
    }


def _lines(export: Export) -> Iterator[str]:
    """By cell, then metric, then worker, as `go test -count` has them."""
    leading = export.times()
    for warm in (False, True):
        if not any(is_warm(metric) == warm for metric in leading):
            leading += export.others(warm)
    values = export.values()
    pairs = {m.name: _pairs(values[m.name], _unit(m)) for m in export.metrics}
    warm_iterations = exporting.warm_iterations(export.runs).tolist()
    for cell, place in export.cells():
        for metric in leading:
            warm = is_warm(metric)
            beside = [m.name for m in export.others(warm)] if metric.unit == "ns" else []
            name = _name(cell, metric)
            for row in range(place.start, place.stop):
                if not pairs[metric.name][row]:
                    continue
                shown = [pairs[key][row] for key in (metric.name, *beside)]
                iterations = warm_iterations[row] if warm else 1
                yield "\t".join([name, str(iterations), *filter(None, shown)]) + "\n"


def _name(cell: dict, metric: Metric) -> str:
    title = "".join(word.capitalize() for word in metric.name.split("_"))
    keys = ["implementation", "strategy", "allocator", "rows", "row_bytes"]
    if cell["work"] != USUAL_WORK:
        keys.append("work")
    parts = "".join(f"/{key}={name_part(cell[key])}" for key in keys)
    return f"Benchmark{title}{parts}-{cell['threads']}"


def _pairs(values: np.ndarray, unit: str) -> list[str]:
    """Value and unit for each row; "" where there is no value."""
    return ["" if math.isnan(value) else f"{_number(value)} {unit}" for value in values.tolist()]


def _unit(metric: Metric) -> str:
    words = metric.name.replace("_", "-")
    return {"ns": "ns/op", "bytes": f"{words}-B/op", "count": f"{words}s/op"}.get(
        metric.unit, f"{words}-{metric.unit}"
    )


def _number(value: float) -> str:
    return str(int(value)) if value.is_integer() else repr(value)
