#!/usr/bin/env python3
"""Say why cells take the time that they take: reallocs, copies, pages, and their shares."""

import sys
from typing import Sequence

from growbench import packages

with packages.imports():
    from growbench import attribution, choice, data, entry, load, why

EXAMPLES = """\
  attribute.py results/my-run
  attribute.py results/my-run --strategy loop_and_append --rows 10000
  attribute.py results/my-run --strategy realloc_doubling --allocator glibc jemalloc

Without a choice of cells: how much of the measured times the model explains, and where it is
furthest off. With one: each of these cells, in words.
"""
WORST = 10


def main(arguments: Sequence[str]) -> None:
    parser = entry.parser("Say where the time of cold builds goes, and why.", EXAMPLES)
    parser.add_argument("run", metavar="RUN", help="a run's folder, or its runs.csv")
    choice.add_arguments(parser)
    options = parser.parse_args(arguments)
    runs = load.read_runs(options.run)
    if not (runs["pass"] == "trace").any():
        raise entry.UsageError(
            f"{load.runs_path(options.run)} has no rows of the trace pass, so nobody knows why; "
            "make a run with this version of growbench"
        )
    cells = data.analyse(runs, load.read_timeline(options.run, runs)).attribution
    wanted = choice.chosen(options)
    if not wanted:
        entry.tell(why.overview(cells, attribution.explained(cells), WORST))
        return
    (cells,) = choice.choose([cells], wanted)
    if cells.empty:
        raise entry.UsageError("no measured cell is all of these at once; choose fewer")
    entry.tell("\n\n".join(why.cell_text(cell) for cell in cells.to_dict("records")))


if __name__ == "__main__":
    sys.exit(entry.run(main))
