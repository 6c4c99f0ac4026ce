"""Compare runs: of one machine before and after a change, or of several machines."""

import argparse
from pathlib import Path
from typing import Optional, Sequence

from growbench.data.errors import UsageError
from growbench.command_line import packages

with packages.imports():
    import pandas as pd

    from growbench.analysis import host
    from growbench.command_line import choice, entry, progress
    from growbench.data import files, load
    from growbench.comparison import differences, live, machines, output, pair, within
    from growbench.comparison.run import Run, read_all
    from growbench.comparison.sharing import USUAL, usual_metrics
    from growbench.comparison.verdict import NOT_COMPARABLE
    from growbench.data.metrics import METRICS
    from growbench.data.text import printable
    from growbench.tables.table import Table

# Rows of a table that a terminal has room for beside others.
LONGEST = 30
EXAMPLES = """\
  growbench compare results/before results/after
  growbench compare results/before results/after --gate          for a CI job
  growbench compare results/before results/after --strategy realloc_doubling --all
  growbench compare before.csv after.csv --format markdown --output comparison.md
  growbench compare before.csv after.csv --format csv --table cells > cells.csv
  growbench compare results/live-NAME                            a live comparison, once more
  growbench compare results/desktop results/server results/laptop

Runs of one machine are compared with the first of them; of different machines only what each
says by itself is compared: ratios within it, exponents, crossovers, memory.

exit status:
  0  no regression              3  not comparable (--gate: also another machine)
  1  regression                 4  inconclusive: one cannot be ruled out
  2  usage, or unreadable input
"""


def main(arguments: Sequence[str]) -> int:
    options = parse(arguments)
    progress.current.step("reading")
    wanted_columns = pair.columns(pair.request(options, USUAL).metrics)
    runs = read_all(options.run, wanted_columns | host.COLUMNS)
    hosts = [host.fingerprint(run.runs, run.machine) for run in runs]
    progress.current.step("comparing")
    machine_ids = {run.machine_id for run in runs}
    wanted = choice.chosen(options)
    if len(runs) == 1:
        wanted = of_both_sides(wanted, runs[0])
    rows = choice.choose([run.runs for run in runs], wanted)
    if all(of_run.empty for of_run in rows):
        entry.note("not comparable: no row is all that was asked for")
        return NOT_COMPARABLE
    named = "; ".join(printable(f"{run.label} is of {run.machine_id}") for run in runs)
    runs = [run._replace(runs=of_run) for run, of_run in zip(runs, rows)]
    options.metric = options.metric or usual_metrics(rows)
    if len(machine_ids) > 1 and options.gate:
        entry.note(f"not comparable: {named}; a gate needs runs of one machine")
        return NOT_COMPARABLE
    if len(machine_ids) > 1:
        documents = [of_machines(runs, options)]
    elif len(runs) == 1:
        documents = [of_live_run(runs[0], wanted, options)]
    else:
        documents = of_one_machine(runs, hosts, options)
    text = as_text(documents, options)
    if options.output:
        with files.atomic_writer(Path(options.output)) as stream:
            stream.write(text)
    else:
        entry.put(text)
    return worst([document.status for document in documents])


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = entry.parser(__name__, "Compare runs, the first of which is the base.", EXAMPLES)
    parser.add_argument("run", metavar="RUN", nargs="+", help="a run's folder, or its runs.csv")
    parser.add_argument("--gate", action="store_true", help="refuse runs of different machines")
    pair.add_arguments(parser, [*output.FORMATS, output.CSV])
    parser.add_argument(
        "--without-common-shift",
        action="store_true",
        help="judge what is left when the shift of all families together is taken out",
    )
    choice.add_arguments(parser)
    parser.add_argument(
        "--reference-strategy",
        default=machines.Options().reference_strategy,
        metavar="NAME",
        help="different machines: ratios are to this strategy (default: %(default)s)",
    )
    parser.add_argument(
        "--reference-allocator",
        default=machines.Options().reference_allocator,
        metavar="NAME",
        help="and to this allocator (default: %(default)s)",
    )
    parser.add_argument("--table", metavar="NAME", nargs="+", help="only these tables")
    parser.add_argument("--columns", metavar="NAME", nargs="+", help="only these columns of them")
    parser.add_argument("--output", metavar="FILE", help="write there instead of standard output")
    return parser.parse_args(arguments)


def worst(statuses: Sequence[int]) -> int:
    """Of several comparisons: a regression, else something that was not comparable, else something
    inconclusive."""
    return next((status for status in (1, 3, 4) if status in statuses), 0)


def of_both_sides(wanted: dict[str, list], run: Run) -> dict[str, list]:
    """What is wanted of a live comparison: an allocator's own name stands for both its sides."""
    labels = set(run.runs["allocator"])
    made = []
    for name in wanted.get("allocator", []):
        both = [live.label(live.BASE, name), live.label(live.NEW, name)]
        made += both if labels.issuperset(both) else [name]
    return wanted | {"allocator": made} if made else wanted


def of_live_run(run: Run, wanted: dict[str, list], options: argparse.Namespace) -> output.Document:
    """The two sides of a live comparison, with its confirmation if it has one."""
    if live.sides(run.runs) is None:
        raise UsageError(
            f"{run.label} is one run, and no live comparison, whose allocators are named base... "
            "and new...; give a second run to compare it with"
        )
    settings, origin = pair.settings_for(
        pair.request(options), experiment([run], options), True, [run.runs]
    )
    again = load.runs_path(options.run[0]).with_name(live.CONFIRMATION)
    fresh = None
    if (again / "runs.csv").is_file():
        # Only what was flagged is in there, so that there may be none of what is wanted.
        rows = choice.of(load.read_runs(again), wanted)
        fresh = rows if live.sides(rows) is not None else None
    return pair.compare_live(
        run.runs, fresh, (live.BASE, live.NEW), pair.request(options), settings, origin
    )


def of_one_machine(
    runs: Sequence[Run], hosts: Sequence[host.Fingerprint], options: argparse.Namespace
) -> list[output.Document]:
    """Each run against the first."""
    rows = [run.runs for run in runs]
    settings, origin = pair.settings_for(
        pair.request(options), experiment(runs, options), False, rows
    )
    base = runs[0]
    documents = []
    for new, of_new in zip(runs[1:], hosts[1:]):
        document = pair.compare_pair(base, new, pair.request(options), settings, origin)
        described = differences.machine_differences([base, new])
        beside = within.ratios(base, new, options.all)
        warned = host_warning(hosts[0], of_new)
        sentences = [*document.sentences, *beside.sentences, *warned]
        tables = [*document.tables, *beside.tables, described]
        documents.append(document._replace(sentences=sentences, tables=tables))
    return documents


def host_warning(base: host.Fingerprint, new: host.Fingerprint) -> list[str]:
    """A sentence where a machine of one name was not the same host in both runs; else none."""
    found = host.distance(base, new)
    if found.verdict not in (host.STATE, host.MACHINE):
        return []
    return [
        f"the host was not the same, whatever its name: {found.text()} (prices of the second "
        "over the first); that alone moves times"
    ]


def of_machines(runs: Sequence[Run], options: argparse.Namespace) -> output.Document:
    """What holds on how many machines."""
    wanted = pair.request(options).metrics
    times = [one.name for one in wanted if one.unit == "ns" and one in METRICS]
    asked = machines.Options(
        options.reference_strategy,
        options.reference_allocator,
        tuple(times),
        rows=0 if options.all else None,
    )
    document = machines.document(runs, asked)
    left = [one.name for one in wanted if one not in METRICS]
    if left and document.status != NOT_COMPARABLE:
        said = f"Not compared: {', '.join(left)}, of which only runs of one machine are."
        document = document._replace(sentences=[*document.sentences, said])
    if options.format == "terminal" and not options.all and not options.table:
        document = without_long_tables(document)
    return document


def without_long_tables(document: output.Document) -> output.Document:
    """The document with its long tables named instead of shown."""
    long = [table for table in document.tables if len(table.frame) > LONGEST]
    if not long:
        return document
    names = ", ".join(f"{table.name} ({len(table.frame)} rows)" for table in long)
    return document._replace(
        sentences=[*document.sentences, f"more with --table NAME, or --all: {names}"],
        tables=[table for table in document.tables if len(table.frame) <= LONGEST],
    )


def experiment(runs: Sequence[Run], options: argparse.Namespace) -> Optional[pd.DataFrame]:
    """The rows of the machine's A/A experiment, if it has one and its threshold is wanted."""
    if options.aa_run is None and options.threshold is not None:
        return None
    machine_id = next(run.machine_id for run in runs if run.machine_id)
    paths = [Path(path) for path in options.run]
    return pair.experiment(options.aa_run, paths, machine_id, pair.request(options).metrics)


def as_text(documents: Sequence[output.Document], options: argparse.Namespace) -> str:
    """All documents in the format that was asked for."""
    chosen = [chosen_tables(document, options) for document in documents]
    if options.format == output.CSV:
        if len(documents) > 1:
            raise UsageError("a CSV file holds one comparison; give two runs")
        names = [table.name for table in chosen[0].tables]
        if len(names) != 1:
            raise UsageError(
                f"a CSV file holds one table; say which with --table: {', '.join(names) or 'none'}"
            )
        return output.as_csv(chosen[0])
    return output.FORMATS[options.format](chosen, entry.in_colour(options.color))


def chosen_tables(document: output.Document, options: argparse.Namespace) -> output.Document:
    """The document with those of its tables, and of their columns, that were asked for."""
    tables = list(document.tables)
    if options.table:
        entry.check_names("table", options.table, [table.name for table in tables])
        tables = [table for table in tables if table.name in options.table]
    if options.columns:
        known = list(dict.fromkeys(c.name for table in tables for c in table.columns))
        entry.check_names("column", options.columns, known)
        tables = [with_columns(table, options.columns) for table in tables]
    return document._replace(tables=tables)


def with_columns(table: Table, names: Sequence[str]) -> Table:
    """The table with those columns that it has, in the order of `names`."""
    columns = [column for name in names for column in table.columns if column.name == name]
    kept = [part for column in columns for part in (column.name, column.high) if part]
    return table._replace(columns=columns, frame=table.frame[kept], tone="")
