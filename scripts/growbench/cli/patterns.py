"""Say what copying patterns cost, and after how many walks a copy pays for itself."""

import argparse
from typing import Sequence

from growbench.data.errors import UsageError
from growbench.command_line import packages

with packages.imports():
    import pandas as pd

    from growbench.analysis import limits, pattern_tables, patterns
    from growbench.command_line import choice, entry, progress
    from growbench.command_line import runs as chosen_run
    from growbench.data import load
    from growbench.tables import formats
    from growbench.tables.table import Table

EXAMPLES = """\
  growbench patterns results/my-patterns
  growbench patterns results/my-patterns --strategy transpose_copy_blocked --all
  growbench patterns results/my-patterns --table crossovers --allocator glibc --markdown
  growbench patterns results/my-patterns --table costs --all --format csv > costs.csv

Without a choice of cells: the costs at one size, and the rest at all sizes, on glibc or else the
first allocator. A run with patterns is made by: make patterns
"""
TABLES = ("costs", "crossovers", "choices")
FORMATS = ("terminal", "markdown", "json", "csv")


def main(arguments: Sequence[str]) -> None:
    options = parse(arguments)
    if options.format == "csv" and len(options.table) != 1:
        raise UsageError("CSV holds one table; choose it with --table")
    chosen_run.given(options)
    runs = load.read_runs(options.run)
    progress.current.step("comparing")
    cells = patterns.patterns(runs, limits.machine_limits(runs))
    if cells.empty:
        raise UsageError(
            f"{load.runs_path(options.run)} has no rows of the pattern pass; make a run with: "
            "make patterns"
        )
    made = chosen_tables(runs, cells, options)
    if options.format == "json":
        entry.put(formats.to_json({table.name: formats.as_records(table) for table in made}))
    elif options.format == "csv":
        entry.put(formats.as_csv(made[0]))
    elif options.format == "markdown":
        entry.put("\n".join(formats.as_markdown(table) for table in made))
    else:
        entry.put("\n".join(formats.as_terminal(table, entry.in_colour()) for table in made))


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = entry.parser(
        __name__,
        "Say what copying patterns allocate, copy and take, beside NumPy's, and when a copy pays.",
        EXAMPLES,
    )
    chosen_run.add_argument(parser)
    choice.add_arguments(parser)
    parser.add_argument(
        "--table", nargs="+", choices=TABLES, default=TABLES, help="only these tables"
    )
    parser.add_argument("--all", action="store_true", help="all allocators, and all sizes")
    parser.add_argument(
        "--format",
        choices=FORMATS,
        default=FORMATS[0],
        help="what to write (default: %(default)s); JSON and CSV are in full precision",
    )
    parser.add_argument(
        "--json", dest="format", action="store_const", const="json", help="--format json"
    )
    parser.add_argument(
        "--markdown",
        dest="format",
        action="store_const",
        const="markdown",
        help="--format markdown",
    )
    return parser.parse_args(arguments)


def chosen_tables(
    runs: pd.DataFrame, cells: pd.DataFrame, options: argparse.Namespace
) -> Sequence[Table]:
    """The tables that were asked for, of the cells that were."""
    wanted = choice.chosen(options)
    choice.choose([cells], wanted)
    usual = None if wanted or options.all else pattern_tables.usual(cells)

    def costs() -> Table:
        own = narrowed(cells, wanted, ["strategy"])
        return pattern_tables.costs(usual.of(own) if usual else own, patterns.beside_ours(runs))

    def of(table: pd.DataFrame, names: list[str]) -> pd.DataFrame:
        own = narrowed(table, wanted, names)
        return own[own["allocator"] == usual.allocator] if usual else own

    def crossovers() -> Table:
        return pattern_tables.crossovers(of(patterns.crossovers_of_views(runs), ["view", "copy"]))

    def choices() -> Table:
        return pattern_tables.choices(of(patterns.choices(runs), ["dearer", "cheaper"]))

    made = dict(zip(TABLES, (costs, crossovers, choices)))
    return [make() for name, make in made.items() if name in options.table]


def narrowed(table: pd.DataFrame, wanted: dict[str, list], names: list[str]) -> pd.DataFrame:
    """The rows that are all that is wanted; a pattern may stand in any of the columns `names`."""
    others = {key: values for key, values in wanted.items() if key != "strategy"}
    table = choice.of(table, others)
    if "strategy" in wanted:
        table = table[table[names].isin(wanted["strategy"]).any(axis=1)]
    return table
