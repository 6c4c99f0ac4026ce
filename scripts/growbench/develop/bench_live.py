"""Compare equal things, and a planted slowdown, live: both ways, and beside busy neighbours."""

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple, Sequence

from growbench.command_line import packages

with packages.imports():
    import numpy as np
    import pandas as pd

    from growbench.command_line import entry
    from growbench.command_line.neighbours import RESTLESS, neighbours
    from growbench.command_line.runner import run
    from growbench.comparison import live_page, pairing
    from growbench.comparison.live import DUET, INTERLEAVED
    from growbench.tables import formats
    from growbench.tables.table import Column, Table, percent

EXAMPLES = """\
  growbench bench-live build
  growbench bench-live build --repeat 3 --only quiet

Each comparison is `growbench compare-live` of the known worker with itself, and with itself slowed
down by pure time, under all allocators that are there. A family is an allocator and a metric. Exit
status: 0 found in at least 95% of the families, and no regression where nothing changed; 1 not.
"""
PLANTED, LEAST_FOUND = 10, 0.95
STRATEGY, WORKER = "slowed_doubling", "growbench-known-worker"
ALLOCATORS = "glibc,jemalloc,mimalloc,tcmalloc,tbbmalloc,scudo"
METRICS = ("cold_build_release", "warm_build_release")
QUIET, HOG = "quiet", "hog"
WAYS = (INTERLEAVED, DUET)


class Bench(NamedTuple):
    """build: its folder. folder: where runs are made. rounds: of each."""

    build: Path
    folder: Path
    rounds: str


class Outcome(NamedTuple):
    """Of one comparison: how many families, of these the slower ones, its exit status, and
    pairing.spread() of what was measured."""

    families: int
    slower: int
    status: int
    spread: float


def main(arguments: Sequence[str]) -> int:
    parser = entry.parser(__name__, __doc__, EXAMPLES)
    parser.add_argument("build", metavar="BUILD", type=Path, help="a build folder")
    parser.add_argument(
        "--rounds", default="auto", metavar="N", help="of each, or auto (default: %(default)s)"
    )
    parser.add_argument("--repeat", type=int, default=1, help="default: %(default)s")
    parser.add_argument("--only", choices=(QUIET, HOG), help="default: one after the other")
    options = parser.parse_args(arguments)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(options.build, Path(folder), options.rounds)
        for beside in [options.only] if options.only else [QUIET, HOG]:
            # On each CPU but the last, which is that of the workers, and one that wanders.
            cpus = [*sorted(os.sched_getaffinity(0))[:-1], None] if beside == HOG else []
            with neighbours(RESTLESS, cpus):
                rows += [of_pairing(bench, beside, way, options.repeat) for way in WAYS]
    columns = (
        Column("beside", "beside it"),
        Column("pairing", "pairing"),
        Column("spread", "equal things differ by"),
        Column("found", f"+{PLANTED}% found in"),
        Column("wrong", "of nothing, slower"),
        Column("verdict", ""),
    )
    notes = [
        f"equal things differ by less in {pairing.SHARE:.0%} of the rounds; median of the "
        "comparisons",
        "found in: families of all comparisons; of nothing: the same with nothing planted",
    ]
    table = Table("live", "Live comparisons", columns, pd.DataFrame(rows), notes)
    print(formats.as_terminal(table, entry.in_colour()), end="")
    return int(any(row["verdict"] == "NOT AS IT SHOULD" for row in rows))


def of_pairing(bench: Bench, beside: str, way: str, repeat: int) -> dict:
    """All comparisons of one way of pairing, as a row of the table."""
    planted, nothing = (
        [compared(bench, way, slower, f"{beside}-{way}-{kind}-{i}") for i in range(repeat)]
        for kind, slower in (("planted", str(PLANTED)), ("nothing", "0/2"))
    )
    families = sum(one.families for one in planted)
    found = sum(one.slower for one in planted) / max(families, 1)
    wrong = sum(one.slower for one in nothing)
    right = found >= LEAST_FOUND and wrong == 0
    row = {
        "beside": beside,
        "pairing": way,
        "spread": percent(1.0 + float(np.median([one.spread for one in nothing]))),
        "found": f"{found:.0%} of {families}",
        "wrong": f"{wrong} of {sum(one.families for one in nothing)}",
        "verdict": "as it should" if right else "NOT AS IT SHOULD",
    }
    print("; ".join(map(str, row.values())), file=sys.stderr)
    return row


def compared(bench: Bench, way: str, slower: str, name: str) -> Outcome:
    """Let growbench compare-live compare the known worker with itself, slowed down."""
    folder = bench.folder / name
    runner, worker = ((bench.build / file).absolute() for file in ("growbench", WORKER))
    command = [str(runner), "compare-live", "--runner", str(runner), "--pairing", way]
    command += ["--base", "GROWBENCH_SLOWER=0", "--new", f"GROWBENCH_SLOWER={slower}"]
    command += ["--allocators", ALLOCATORS, "--metric", *METRICS, "--no-counts", "--all"]
    command += ["--rounds", bench.rounds, "--format", "json", "--out", str(folder)]
    command += ["--", "--worker", f"known={worker}", "--implementations", "known", "--quiet"]
    command += ["--strategies", STRATEGY, "--rows", "3k,10k,30k", "--no-summary"]
    done = run(command, (0, 1, 4), quietly=True)
    [page] = json.loads(done.stdout)["comparisons"]
    rows = page["tables"]["families"]["rows"]
    count = sum(row["verdict"] == "slower" for row in rows)
    return Outcome(len(rows), count, done.returncode, pairing.spread(live_page.read(folder).timed))
