"""Time growbench compare on runs of the default preset's size, and on a million rows."""

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Callable, Sequence

from growbench.data.errors import UsageError
from growbench.command_line import packages

with packages.imports():
    import pandas as pd

    from growbench.command_line import entry
    from growbench.comparison import pair
    from growbench.data import load
    from growbench.data.columns import COLUMNS, IDENTIFYING, TEXT
    from growbench.data.metrics import metric
    from growbench.data.units import show

EXAMPLES = """\
  growbench bench-compare results/reference-epyc-2cpu

The million rows are those of RUN, over and over under other names of strategies, in two files.
"""
ROWS = 500_000
# Runs a command from a small process: its peak memory would else be at least that of its parent.
MEASURE = """
import os, subprocess, sys, time
start = time.monotonic_ns()
child = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
_, status, usage = os.wait4(child.pid, 0)
print(time.monotonic_ns() - start, usage.ru_maxrss, os.waitstatus_to_exitcode(status))
"""


def main(arguments: Sequence[str]) -> None:
    parser = entry.parser(
        __name__, "Time growbench compare, as a process, and take its peak memory.", EXAMPLES
    )
    parser.add_argument("run", metavar="RUN", help="a run's folder, or its runs.csv")
    parser.add_argument("--repeat", type=int, default=5, help="default: %(default)s")
    options = parser.parse_args(arguments)
    path = load.runs_path(options.run)
    rows = len(load.read_runs(path, columns=()))
    with tempfile.TemporaryDirectory() as folder:
        large = [Path(folder) / f"{name}.csv" for name in "ab"]
        for copy in large:
            multiply(path, copy, ROWS)
        table = [
            measure("two such runs", 2 * rows, [path, path], options.repeat, "2 s"),
            measure("a million rows", 2 * ROWS, large, 1, "15 s, 1 GiB"),
        ]
        reading = by_pandas(large[0])
    print(f"{'growbench compare, whole':26} {'rows':>9} {'median':>8} {'slowest':>8}  peak memory")
    for row in [*table, reading]:
        print(row)


def multiply(source: Path, target: Path, rows: int) -> None:
    """A run of so many rows: those of `source`, again and again, under other strategies' names."""
    header, *lines = source.read_bytes().splitlines(keepends=True)
    place = header.decode().split(",").index("strategy")
    with open(target, "wb") as stream:
        stream.write(header)
        for number in range(rows):
            line = lines[number % len(lines)]
            fields = line.split(b",", place + 1)
            fields[place] += b"_%d" % (number // len(lines))
            stream.write(b",".join(fields))


def by_pandas(path: Path) -> str:
    """Read the columns of a comparison as the package does, and by pandas' own parser, which checks
    nothing; what that takes becomes a line."""
    names = [*IDENTIFYING, *pair.columns([metric(name) for name in pair.HEADLINES_AND_PEAK])]
    with open(path, encoding="utf-8") as stream:
        header = stream.readline().rstrip("\n").split(",")
    columns = [column for column in COLUMNS if column.name in names and column.name in header]

    def plainly() -> None:
        pd.read_csv(
            path,
            usecols=[column.name for column in columns],
            dtype={c.name: str if c.type == TEXT else "float64" for c in columns},
            keep_default_na=False,
            na_values={c.name: [""] for c in columns if c.type != TEXT},
            float_precision="round_trip",
        )

    ours, plain = seconds(lambda: load.read_runs(path, names)), seconds(plainly)
    return (
        f"reading {ROWS:,} rows: {ours:.2f} s of CPU, pandas.read_csv {plain:.2f} s: "
        f"{plain / ours:.1f} times"
    )


def seconds(read: Callable[[], object]) -> float:
    """CPU seconds of the better of two."""
    times = []
    for _ in range(2):
        start = time.process_time()
        read()
        times.append(time.process_time() - start)
    return min(times)


def measure(what: str, rows: int, runs: Sequence[Path], repeat: int, goal: str) -> str:
    """Run growbench compare on the files; its wall times and peak memory become a line."""
    command = [
        sys.executable,
        str(Path(__file__).resolve().parents[1]),
        "compare",
        *map(str, runs),
        "--threshold",
        "5",
    ]
    times, peak = [], 0
    for _ in range(repeat):
        done = subprocess.run(
            [sys.executable, "-I", "-c", MEASURE, *command],
            capture_output=True,
            text=True,
            check=True,
        )
        elapsed_ns, peak_kib, status = map(int, done.stdout.split())
        if status == entry.USAGE:
            raise UsageError(f"{' '.join(command)} ended in 2")
        times.append(elapsed_ns)
        peak = max(peak, peak_kib * 1024)
    order = sorted(times)
    return (
        f"{what:26} {rows:>9,} {show(order[len(order) // 2], 'ns'):>8} {show(order[-1], 'ns'):>8}  "
        f"{show(peak, 'bytes')} (at most {goal})"
    )
