#!/usr/bin/env python3
"""What the interposer of the trace pass costs in a run."""

import sys
from typing import Sequence

from growbench.cli import packages

with packages.imports():
    from growbench.analysis import tracer_cost
    from growbench.cli import entry
    from growbench.data import load

EXAMPLES = """\
  tracer_cost.py results/my-run

Make the run without timelines (--timeline none), as each of their points takes some time too.
"""


def main(arguments: Sequence[str]) -> None:
    parser = entry.parser("How much longer builds take with the interposer in front.", EXAMPLES)
    parser.add_argument("run", metavar="RUN", help="a run's folder, or its runs.csv")
    options = parser.parse_args(arguments)
    entry.tell(tracer_cost.tracer_cost(load.read_runs(options.run)).text())


if __name__ == "__main__":
    sys.exit(entry.run(main))
