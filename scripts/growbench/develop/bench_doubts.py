"""Plant disturbances, and see which doubts they raise; and which there are without."""

import contextlib
import json
import os
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Callable, Iterator, NamedTuple, Sequence

from growbench.command_line import packages

with packages.imports():
    import numpy as np
    import pandas as pd

    from growbench.analysis.doubts import doubts_in_run
    from growbench.analysis.run_doubts import run_doubts
    from growbench.command_line import entry
    from growbench.command_line.neighbours import HOG, neighbours
    from growbench.command_line.runner import run
    from growbench.data.load import read_runs
    from growbench.tables import formats
    from growbench.tables.table import Column, Table

EXAMPLES = """\
  growbench bench-doubts build
  growbench bench-doubts build --only quiet,bimodal --rounds 20

Each disturbance is a small run. A hog on a CPU, a process that preempts the workers, and a quota of
CPU time (needs the right to make a control group) are real; steps of the frequency, two states and
a slow worker in ten are planted into the reports of real workers. Exit status: 0 each raised what
it should, 1 one did not, 2 wrong usage.
"""
CELLS = (
    *("--preset", "quick", "--implementations", "c", "--passes", "measure", "--timeline", "none"),
    *("--strategies", "realloc_doubling,realloc_x1.5,chunked_list", "--rows", "1k,10k,100k"),
    *("--allocators", "glibc,jemalloc,mimalloc", "--budget", "120", "--quiet", "--no-summary"),
)
# What a machine does to a cell, it does to those next to it: a kernel's own doing is planted into
# one strategy under one allocator.
STATES, UNDER = "realloc_doubling", "glibc"
# A quarter of a CPU, in periods that are shorter than a worker.
QUOTA_US, PERIOD_US = 5000, 20000
GROUPS = (
    (Path("/sys/fs/cgroup"), {"cpu.max": f"{QUOTA_US} {PERIOD_US}"}),
    (
        Path("/sys/fs/cgroup/cpu"),
        {"cpu.cfs_period_us": str(PERIOD_US), "cpu.cfs_quota_us": str(QUOTA_US)},
    ),
)
# At most so many of the cells have a doubt on a quiet machine.
MOST_QUIET = 0.10

# A worker that changes what the real one reports: `factors` are expressions over `call` (how often
# it was asked to measure this cell, from 0), `every` (any cell), `strategy` and `preload`, which is
# "" under glibc.
WORKER = """#!{python}
import os, subprocess, sys
given = dict(zip(sys.argv[2::2], sys.argv[3::2]))
if sys.argv[1] != "measure":
    os.execv({worker!r}, [{worker!r}, *sys.argv[1:]])
def count(name):
    path = os.path.join({folder!r}, name.replace("/", "_"))
    number = os.path.getsize(path) if os.path.exists(path) else 0
    with open(path, "a") as file:
        file.write(".")
    return number
strategy = given["--strategy"]
every = count("every")
preload = os.environ.get("LD_PRELOAD", "")
call = count("-".join((strategy, given["--rows"], preload)))
factor, tail = {factors}
read, write = os.pipe()
words = list(sys.argv[1:])
words[words.index("--report-fd") + 1] = str(write)
with subprocess.Popen([{worker!r}, *words], pass_fds=[write]) as worker:
    os.close(write)
    lines = open(read).read().splitlines()
for place, line in enumerate(lines):
    name, _, value = line.partition(" ")
    times = name.startswith(("cold_", "warm_build_release")) and name.endswith("_ns")
    if times:
        by = factor * (tail if "_p95_" in name or "_p99_" in name else 1)
        changed = float(value) * by
        lines[place] = f"{{name}} {{round(changed) if value.isdigit() else changed}}"
os.write(int(given["--report-fd"]), "".join(line + "\\n" for line in lines).encode())
sys.exit(worker.returncode)
"""


class Bench(NamedTuple):
    """build: its folder. folder: where runs are made. rounds: of each. cpus: those that may be
    used; the last is that of the workers."""

    build: Path
    folder: Path
    rounds: int
    cpus: Sequence[int]


class Skipped(Exception):
    """The disturbance cannot be planted here. The message says why."""


# What plants a disturbance is given the bench, and yields options of the runner, or what starts it.


@contextlib.contextmanager
def nothing(_: Bench) -> Iterator[list[str]]:
    yield []


@contextlib.contextmanager
def hog(on_worker_cpu: bool, bench: Bench) -> Iterator[list[str]]:
    """A process that never sleeps, on the workers' CPU or on the others."""
    cpus = bench.cpus[-1:] if on_worker_cpu else bench.cpus[:-1]
    if not cpus:
        raise Skipped("there is one CPU only")
    with neighbours(HOG, cpus):
        yield []


@contextlib.contextmanager
def quota(_: Bench) -> Iterator[list[str]]:
    """A control group with a CPU quota, for the runner and its workers."""
    for parent, limits in GROUPS:
        if not (parent / "cgroup.procs").exists():
            continue
        group = parent / f"growbench-bench-doubts-{os.getpid()}"
        try:
            group.mkdir()
        except OSError:
            continue
        try:
            for name, text in limits.items():
                (group / name).write_text(text, encoding="ascii")
            yield ["/bin/sh", "-c", f'echo $$ >"{group}/cgroup.procs" && exec "$@"', "sh"]
            return
        except OSError:
            continue
        finally:
            remove(group)
    raise Skipped("no control group with a CPU quota can be made here")


def remove(group: Path) -> None:
    """What was in it may still be ending."""
    for _ in range(100):
        try:
            group.rmdir()
            return
        except OSError:
            time.sleep(0.02)


@contextlib.contextmanager
def reports(factors: str, bench: Bench) -> Iterator[list[str]]:
    """Real workers, whose times are reported so many times as long: a pair of factors, of all times
    and, besides, of the upper quantiles of single builds."""
    place = Path(tempfile.mkdtemp(dir=bench.folder))
    worker = str((bench.build / "growbench-worker").absolute())
    text = WORKER.format(python=sys.executable, worker=worker, folder=str(place), factors=factors)
    script = place / "worker"
    script.write_text(text, encoding="utf-8")
    script.chmod(0o755)
    yield [f"--worker={script}"]


class Disturbance(NamedTuple):
    """raises: the doubt that it should raise of a quarter of the cells at least; with `strategy`,
    of its cells under UNDER, and of at most MOST_QUIET of the others. raises_of_run: that of the
    run. "" for none. calm: at most MOST_QUIET of all cells have any doubt."""

    name: str
    what: str
    plant: Callable
    raises: str = ""
    raises_of_run: str = ""
    strategy: str = ""
    calm: bool = False


_IS_IT = f"(strategy, preload) == ({STATES!r}, '')"
DISTURBANCES = (
    Disturbance("quiet", "nothing", nothing, calm=True),
    Disturbance("other-cpu", "a hog on the other CPUs", partial(hog, False), "", "busy"),
    Disturbance(
        "same-cpu", "a process that preempts the workers", partial(hog, True), "preempted", "busy"
    ),
    Disturbance("quota", "a quarter of a CPU by quota", quota, "throttled"),
    Disturbance(
        "frequency",
        "all 1.3 times as long in each second stretch of 60 workers",
        partial(reports, "(1.3 if every // 60 % 2 else 1), 1"),
        raises_of_run="unsteady",
    ),
    Disturbance(
        "bimodal",
        f"each second worker of {STATES} on {UNDER} takes 1.5 times as long",
        partial(reports, f"(1.5 if {_IS_IT} and call % 2 else 1), 1"),
        "bimodal",
        strategy=STATES,
    ),
    Disturbance(
        "slow-tenth",
        f"each tenth warm build of {STATES} on {UNDER} takes 3 times as long",
        partial(reports, f"1, (3 if {_IS_IT} else 1)"),
        "slow_builds",
        strategy=STATES,
    ),
    Disturbance(
        "slow-worker",
        "one worker in ten takes 3 times as long",
        partial(reports, "(3 if call % 10 == 4 else 1), 1"),
        calm=True,
    ),
)


def main(arguments: Sequence[str]) -> int:
    parser = entry.parser(__name__, __doc__, EXAMPLES)
    parser.add_argument("build", metavar="BUILD", type=Path, help="a build folder")
    parser.add_argument("--rounds", type=int, default=10, help="of each run (default: %(default)s)")
    names = [one.name for one in DISTURBANCES]
    parser.add_argument("--only", metavar="LIST", help=f"of {', '.join(names)}")
    options = parser.parse_args(arguments)
    chosen = options.only.split(",") if options.only else names
    if not set(chosen) <= set(names):
        parser.error(f"--only {options.only}: there are {', '.join(names)}")
    with tempfile.TemporaryDirectory() as folder:
        cpus = sorted(os.sched_getaffinity(0))
        bench = Bench(options.build, Path(folder), options.rounds, cpus)
        rows = [outcome(bench, one) for one in DISTURBANCES if one.name in chosen]
    columns = (
        Column("name", "planted"),
        Column("what", "what"),
        Column("expected", "should raise"),
        Column("doubted", "cells in doubt", "whole_share"),
        Column("found", "raised in cells"),
        Column("of_run", "of the run"),
        Column("verdict", ""),
    )
    table = Table("doubts", "Doubts that planted disturbances raise", columns, pd.DataFrame(rows))
    print(formats.as_terminal(table, entry.in_colour()), end="")
    return int(any(row["verdict"] == "NOT AS IT SHOULD" for row in rows))


def outcome(bench: Bench, one: Disturbance) -> dict:
    """What became of it, as a row of the table."""
    expected = [one.raises, one.raises_of_run and f"{one.raises_of_run} of the run"]
    row = {
        "name": one.name,
        "what": one.what,
        "expected": ", ".join(filter(None, expected)) or f"at most {MOST_QUIET:.0%}",
    }
    try:
        with one.plant(bench) as words:
            folder = measured(bench, one.name, words)
    except Skipped as why:
        return {**row, "doubted": None, "found": "", "of_run": "", "verdict": f"skipped: {why}"}
    runs = read_runs(folder)
    machine = json.loads((folder / "machine.json").read_text(encoding="utf-8"))
    cells = doubts_in_run(runs)
    names = pd.Series(
        [{part.split(":")[0] for part in text.split(";")} for text in cells["doubts"]]
    )
    count = names.explode().value_counts().drop("", errors="ignore")
    of_run = [raised.doubt.name for raised in run_doubts(runs, machine)]
    doubted = float((cells["doubts"] != "").mean())
    right = one.raises_of_run in (*of_run, "") and (doubted <= MOST_QUIET or not one.calm)
    if one.raises:
        has = names.map(lambda found: one.raises in found).to_numpy()
        its = (cells["strategy"] == one.strategy) & (cells["allocator"] == UNDER)
        its = its.to_numpy() if one.strategy else np.ones(len(cells), dtype=bool)
        right &= has[its].mean() >= 0.25 and has[~its].sum() <= MOST_QUIET * (~its).sum()
    return {
        **row,
        "doubted": doubted,
        "found": ", ".join(f"{name} {number}" for name, number in count.items()),
        "of_run": ", ".join(of_run),
        "verdict": "as it should" if right else "NOT AS IT SHOULD",
    }


def measured(bench: Bench, name: str, words: Sequence[str]) -> Path:
    """The folder of a run. words: options of the runner, or what starts it."""
    folder = bench.folder / name
    options = [word for word in words if word.startswith("--")]
    before = [] if options else list(words)
    command = [*before, str((bench.build / "growbench").absolute()), "run", *CELLS, *options]
    command += ["--cpu", str(bench.cpus[-1]), "--rounds", str(bench.rounds), "--out", str(folder)]
    run(command, (0,), quietly=True)
    return folder
