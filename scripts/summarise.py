#!/usr/bin/env python3
"""Summarise a run: one row for each cell, with estimates, intervals and flags."""

import sys
from typing import Sequence

try:
    from growbench import entry, files, load, summary
except ImportError as error:
    print(f"error: {error}; install what is missing with: make setup", file=sys.stderr)
    sys.exit(2)

EXAMPLES = """\
  summarise.py results/my-run
  summarise.py results/my-run/runs.csv
"""


def main(arguments: Sequence[str]) -> None:
    parser = entry.parser(
        "Write summary.csv, one row for each cell, next to the runs.csv of a run.", EXAMPLES
    )
    parser.add_argument("run", metavar="RUN", help="a run's folder, or its runs.csv")
    options = parser.parse_args(arguments)
    runs = load.read_runs(options.run)
    path = load.runs_path(options.run).with_name("summary.csv")
    table = summary.summarise(runs)
    files.write_csv(table, path)
    flagged = int((table["flags"] != "").sum())
    print(f"{path}: {len(table)} cells of {len(runs)} rows, {flagged} of them flagged")


if __name__ == "__main__":
    sys.exit(entry.run(main))
