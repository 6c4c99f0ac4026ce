"""Count instructions again and again: are they the same to the digit, and how long does it take?"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Sequence

from growbench.command_line import packages

with packages.imports():
    import pandas

    from growbench.analysis.instructions import COUNTED
    from growbench.command_line import entry
    from growbench.data import load
    from growbench.data.columns import CELL
    from growbench.data.statuses import OK

EXAMPLES = """\
  growbench bench-instructions build
  growbench bench-instructions build --rounds 3 --rows 100,1000 --allocators glibc,jemalloc

What is not given is as in the preset exact, but of C alone. Exit status: 0 all counts of every cell
are the same, 1 some are not, 2 wrong usage, or the run failed.
"""


def main(arguments: Sequence[str]) -> int:
    parser = entry.parser(__name__, __doc__, EXAMPLES)
    parser.add_argument("build", metavar="BUILD", type=Path, help="a build folder")
    parser.add_argument("--rounds", type=int, default=3, help="(default: %(default)s)")
    parser.add_argument("--rows", help="sizes (default: those of the preset)")
    parser.add_argument("--allocators", help="(default: all)")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "run"
        words = [str(options.build / "growbench"), "run", "--preset", "exact", "--out", str(out)]
        words += ["--implementations", "c", "--passes", "instructions", "--no-summary", "--quiet"]
        words += ["--rounds", str(options.rounds)]
        words += ["--rows", options.rows] if options.rows else []
        words += ["--allocators", options.allocators] if options.allocators else []
        started = time.monotonic()
        if subprocess.run(words, check=False, stdout=subprocess.DEVNULL).returncode not in (0, 4):
            return 2
        seconds = time.monotonic() - started
        same = repeated(load.read_runs(out))
    for allocator, of_it in same.groupby(level="allocator"):
        equal = f"{of_it.sum()} of {len(of_it)} cells equal"
        print(f"{allocator}: {equal} in {options.rounds} repetitions")
    print(f"{len(same) * options.rounds} workers in {seconds:.1f} s")
    return 0 if len(same) and same.all() else 1


def repeated(runs: pandas.DataFrame) -> pandas.Series:
    """For each cell that was counted: are all of its counts the same each time?"""
    ok = runs[runs["status"] == OK]
    counts = ok.groupby(list(CELL))[[counted.column for counted in COUNTED]]
    return (counts.nunique() == 1).all(axis=1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
