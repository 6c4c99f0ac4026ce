"""Predict the cold builds of one host from a run of another, and print how many are right."""

import sys
from itertools import permutations
from typing import Sequence

from growbench.command_line import packages
from growbench.data.errors import UsageError

with packages.imports():
    import pandas

    from growbench.analysis import prices
    from growbench.analysis.attribution import EXPLAINED_HIGH
    from growbench.command_line import entry
    from growbench.comparison import priced
    from growbench.comparison.run import read_all
    from growbench.tables import formats
    from growbench.tables.table import Column, Table

EXAMPLES = """\
  growbench bench-hosts results/laptop results/server
  growbench bench-hosts results/monday results/tuesday results/wednesday --worst 20

Each run is predicted from each other one. A run without probes or counts predicts nothing.

exit status: 0 enough of them are right each time, 1 not, 2 usage, or unreadable input
"""
GOAL = 0.9


def main(arguments: Sequence[str]) -> int:
    parser = entry.parser(__name__, __doc__, EXAMPLES)
    parser.add_argument("run", metavar="RUN", nargs="+", help="a run's folder, or its runs.csv")
    parser.add_argument(
        "--worst", type=int, default=0, metavar="N", help="show N cells that are furthest off"
    )
    options = parser.parse_args(arguments)
    if len(options.run) < 2:
        raise UsageError("give at least two runs, to predict one from the other")
    runs = read_all(options.run, priced.COLUMNS)
    sides = {run.label: prices.side_of([run.runs]) for run in runs}
    found = {
        pair: priced.longest(prices.priced(sides[pair[0]], sides[pair[1]])).found.cells
        for pair in permutations(sides, 2)
    }
    shares = pandas.DataFrame(
        [{"base": base, "new": new, **shares_of(cells)} for (base, new), cells in found.items()]
    )
    entry.put(formats.as_terminal(table_of(shares), entry.in_colour()))
    for (base, new), cells in found.items() if options.worst else ():
        far = priced.departures(cells)
        title = f"{far.title}: {new} from {base}"
        far = far._replace(title=title, frame=far.frame.head(options.worst))
        entry.put("\n" + formats.as_terminal(far, entry.in_colour()))
    missed = int((~(shares["calibrated"] >= GOAL)).sum())
    entry.put(f"{len(shares) - missed} of {len(shares)} at {GOAL:.0%} and more\n")
    return 1 if missed else 0


def shares_of(cells: pandas.DataFrame) -> dict:
    """The shares of the cells that are right, by what they are predicted from."""
    cells = cells.assign(both_ns=cells["predicted_ns"] * cells["code"])
    ways = {
        "calibrated": "predicted_ns",
        "counts": "counts_ns",
        "both": "both_ns",
        "unmoved": "base_ns",
    }
    shares = {name: prices.within(cells, column).mean() for name, column in ways.items()}
    return {"cell_count": len(cells), **shares}


def table_of(shares: pandas.DataFrame) -> Table:
    columns = (
        Column("base", "From"),
        Column("new", "Predicted"),
        Column("cell_count", "Cells", "count"),
        Column("calibrated", "Times and prices", "share"),
        Column("counts", "Counts and prices", "share"),
        Column("both", "With the counts of both", "share"),
        Column("unmoved", "Times as they were", "share"),
    )
    title = f"Cold C builds of 100 \N{MICRO SIGN}s and more within {EXPLAINED_HIGH - 1.0:.0%}"
    notes = (
        "Times and prices: the first run's times, times what its counts come to at the other's "
        "prices over its own: what compare predicts. Counts and prices: without its times.",
    )
    return Table("predicted", title, columns, shares, notes)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
