"""Plant changes of counts, and see whether each is told exactly, and none where there is none."""

import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Iterator, NamedTuple, Sequence

from growbench.command_line import packages

with packages.imports():
    import numpy as np
    import pandas as pd

    from growbench.command_line import entry, progress
    from growbench.command_line.neighbours import HOG, neighbours
    from growbench.command_line.runner import UNMEASURED, run
    from growbench.comparison.exact import FEWEST_WORKERS, changes, ranges
    from growbench.data.columns import CELL, MEASURE, TRACE
    from growbench.data.exact import EXACT_COLUMNS, exact
    from growbench.data.load import read_runs
    from growbench.tables import formats
    from growbench.tables.table import Column, Table

EXAMPLES = """\
  growbench bench-exact build
  growbench bench-exact build --only copy,faults --repetitions 20

The allocator is libgrowbench-planted.so, and one run is a side. Exit status: 0 each planted
change was told in all cells that have it, and none where nothing was planted, 1 not so, 2 usage.
"""
LABEL, LIBRARY = "planted", "libgrowbench-planted.so"
# Of these the reallocs may stay in place.
GROWING = ("append_in_place",)
STRATEGIES = (*GROWING, "realloc_doubling", "chunked_list", "list_of_pointers")
CELLS = (
    *("run", "--preset", "exact", "--implementations", "c", "--rows", "3k,10k", "--budget", "120"),
    *("--allocators", LABEL, "--quiet", "--no-summary", "--timeline", "none"),
)


class Plant(NamedTuple):
    """told: the counts that it changes, each in every cell of the strategies."""

    name: str
    what: str
    told: Sequence[str]
    strategies: Sequence[str]

    @property
    def passes(self) -> set[str]:
        """Whose rows have these counts."""
        return {exact(name).pass_name for name in self.told}


PLANTS = (
    Plant(
        "instructions",
        "two instructions in each malloc and realloc",
        ("cold_build_instructions", "warm_build_release_instructions"),
        STRATEGIES,
    ),
    Plant("copy", "a copy of 64 KiB", ("copied", "realloc_moved"), GROWING),
    Plant("move", "one realloc in a hundred moves", ("realloc_moved",), GROWING),
    Plant("faults", "a page for each 20", ("page_faults",), STRATEGIES),
    Plant("peak", "blocks of 10% more", ("peak_usable",), STRATEGIES),
    Plant("resident", "a page for each 10", ("peak_memory",), STRATEGIES),
)


class Bench(NamedTuple):
    """build: its folder. folder: where runs are made."""

    build: Path
    folder: Path

    def side(self, name: str, passes: set[str], planted: str = "") -> pd.DataFrame:
        """A side: what is counted once, and what varies in enough workers."""
        once = [self._run(f"{name}-{of}", of, 1, planted) for of in sorted(passes - {MEASURE})]
        several = [self._run(name, MEASURE, FEWEST_WORKERS, planted)] if MEASURE in passes else []
        return pd.concat([*once, *several], ignore_index=True)

    def _run(self, name: str, passes: str, rounds: int, planted: str) -> pd.DataFrame:
        """The rows of a run. Raises UsageError if it cannot be made."""
        library = (self.build / LIBRARY).absolute()
        variable = f",GROWBENCH_PLANTED={planted}" if planted else ""
        out = self.folder / name
        words = [str(self.build / "growbench"), *CELLS, "--passes", passes, "--out", str(out)]
        words += ["--allocator", f"{LABEL}={library}{variable}", "--rounds", str(rounds)]
        words += ["--strategies", ",".join(STRATEGIES)]
        run(words, (0, UNMEASURED), quietly=True)
        return read_runs(out, EXACT_COLUMNS)


def main(arguments: Sequence[str]) -> int:
    parser = entry.parser(__name__, __doc__ or "", EXAMPLES)
    parser.add_argument("build", metavar="BUILD", type=Path, help="a build folder")
    parser.add_argument("--only", metavar="LIST", help=", ".join(one.name for one in PLANTS))
    parser.add_argument(
        "--repetitions", type=int, default=100, help="of nothing planted (default: %(default)s)"
    )
    parser.add_argument(
        "--seconds", type=float, default=180.0, help="for them; others are resampled workers"
    )
    options = parser.parse_args(arguments)
    names = [one.name for one in PLANTS]
    chosen = options.only.split(",") if options.only else names
    if not set(chosen) <= set(names):
        parser.error(f"--only {options.only}: there are {', '.join(names)}")
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(options.build, Path(folder))
        planted = [one for one in PLANTS if one.name in chosen]
        base = bench.side("base", set().union(*(one.passes for one in planted)))
        progress.current.step("planting")
        rows = [row for one in planted for row in outcomes(bench, base, one)]
        columns = (
            Column("what", "planted"),
            Column("beside", "beside"),
            Column("count", "count"),
            Column("found", "told in"),
            Column("ratio_low", "change", "interval:percent", high="ratio_high"),
        )
        table = Table("exact", "Planted changes of counts", columns, pd.DataFrame(rows))
        print(formats.as_terminal(table, entry.in_colour()), flush=True)
        false = unchanged(bench, options.repetitions, options.seconds)
    return int(false > 0 or any(row["missed"] for row in rows))


def outcomes(bench: Bench, base: pd.DataFrame, one: Plant) -> Iterator[dict]:
    """A row for each count that it changes, on a machine as it is and on a busy one."""
    for beside in ("nothing", "hogs"):
        with neighbours(HOG, sorted(os.sched_getaffinity(0)) if beside == "hogs" else []):
            new = bench.side(f"{one.name}-{beside}", one.passes, one.name)
        for name in one.told:
            which = exact(name)
            cells = ranges([base[base["strategy"].isin(one.strategies)]], which)
            found = changes([base], [new], [which]).cells.set_index(list(CELL))
            found = found[found.index.isin(cells.index) & (found["change"] == "worse")]
            yield {
                "what": one.what,
                "beside": beside,
                "count": which.label,
                "found": f"{len(found)} of {len(cells)} cells",
                "ratio_low": found["ratio"].min(),
                "ratio_high": found["ratio"].max(),
                "missed": len(cells) - len(found) + (len(cells) == 0),
            }


def unchanged(bench: Bench, repetitions: int, seconds: float) -> int:
    """How many changes are told between runs of the same; says so."""
    started = time.monotonic()
    runs: list[pd.DataFrame] = []
    while len(runs) < 2 or (len(runs) <= repetitions and time.monotonic() - started < seconds):
        runs.append(bench.side(f"same-{len(runs)}", {MEASURE, TRACE}))
    real = len(runs) - 1
    told = sum(len(changes([a], [b]).cells) for a, b in zip(runs, runs[1:]))
    random = np.random.default_rng(1)
    pool = pd.concat(runs, ignore_index=True)
    again = sum(
        len(changes([resampled(pool, random)], [resampled(pool, random)]).cells)
        for _ in range(repetitions - real)
    )
    print(
        f"nothing planted: {told} changes told in {real} repetitions, each against the one before"
    )
    if repetitions > real:
        print(f"and {again} in {repetitions - real} pairs of their workers, drawn anew")
    return told + again


def resampled(pool: pd.DataFrame, random: np.random.Generator) -> pd.DataFrame:
    """A run of workers of all runs: of each cell and pass as many as one has."""
    kept = []
    for (_, kind), rows in pool.groupby([*CELL[1:2], "pass"]):
        for _, cell in rows.groupby(list(CELL)):
            size = FEWEST_WORKERS if kind == MEASURE else 1
            kept.append(cell.iloc[random.choice(len(cell), size, replace=False)])
    return pd.concat(kept, ignore_index=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
