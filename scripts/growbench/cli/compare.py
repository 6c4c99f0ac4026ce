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
    from growbench.data import exact, files
    from growbench.comparison import layered, live, live_page, machines, output, pair, priced
    from growbench.comparison.layered import Group
    from growbench.comparison.run import Run, read_all
    from growbench.comparison.sharing import USUAL, usual_metrics
    from growbench.comparison.verdict import NOT_COMPARABLE
    from growbench.data.metrics import METRICS, metric
    from growbench.tables.table import Table

# Rows of a table that a terminal has room for beside others.
LONGEST = 30
# What is shown of a comparison in layers unless more is asked for.
FIRST = ("layers", "lost")
SHORT = ("terminal", "markdown")
EXAMPLES = """\
  growbench compare results/before results/after
  growbench compare before-1 before-2 before-3 -- after-1 after-2 after-3
  growbench compare results/before results/after --strategy realloc_doubling --all
  growbench compare before.csv after.csv --format markdown --output comparison.md
  growbench compare before.csv after.csv --format csv --table exact_cells > cells.csv
  growbench compare results/live-NAME                            a live comparison, once more
  growbench compare results/desktop results/server results/laptop

It says what changed exactly (counts: instructions, calls, bytes copied, page faults, peaks), then
what the machine changed, then what is left over in times. One run a side can be worse exactly; what
moved in its times is listed, and is no regression: repeat, with the runs of both sides apart by --,
or interleave them with growbench compare-live. Without -- each run is compared with the first. Of
different machines times are not compared; each says its own ratios, exponents and crossovers.

exit status:
  0  nothing is worse: exactly, or in times of several runs a side
  1  something is worse, or workers fail that did not before
  2  usage, or unreadable input
  3  not comparable: no cell in common
  4  it cannot be told: no exact figures on both sides, or not of all that was compared
"""


def main(arguments: Sequence[str]) -> int:
    options = parse(arguments)
    paths = [*options.base, *options.run]
    progress.current.step("reading")
    runs = read_all(paths, columns(options))
    progress.current.step("comparing")
    wanted = choice.chosen(options)
    if len(runs) == 1:
        wanted = of_both_sides(wanted, runs[0])
    rows = choice.choose([run.runs for run in runs], wanted)
    if all(of_run.empty for of_run in rows):
        entry.note("not comparable: no row is all that was asked for")
        return NOT_COMPARABLE
    options.metric = options.metric or times_of(rows)
    chosen = [run._replace(runs=of_run) for run, of_run in zip(runs, rows)]
    if len(runs) == 1:
        documents = [of_live_run(chosen[0], wanted, options)]
    else:
        base, sides = sides_of(chosen, runs, len(options.base))
        documents = of_sides(base, sides, paths, options)
    write(as_text(documents, options), options)
    return worst([document.status for document in documents])


def columns(options: argparse.Namespace) -> set[str]:
    """The columns of runs.csv that are read besides a row's keys."""
    wanted = pair.columns(pair.request(options, USUAL).metrics)
    return wanted | host.COLUMNS | priced.COLUMNS | exact.EXACT_COLUMNS


def times_of(rows: Sequence[pd.DataFrame]) -> list[str]:
    """The times that are compared of these runs unless something else is asked for; peaks are told
    exactly."""
    return [name for name in usual_metrics(rows) if metric(name).unit == "ns"]


def write(text: str, options: argparse.Namespace) -> None:
    if options.output:
        with files.atomic_writer(Path(options.output)) as stream:
            stream.write(text)
    else:
        entry.put(text)


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """base: the runs before --, if there is one and if any stand there; run: all others."""
    parser = entry.parser(
        __name__,
        "Compare runs: each with the first, or those behind -- with those before it.",
        EXAMPLES,
    )
    parser.add_argument("run", metavar="RUN", nargs="*", help="a run's folder, or its runs.csv")
    pair.add_arguments(parser, [*output.FORMATS, output.CSV], layered.METRICS)
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
    # argparse takes -- away, so the two sides are read one after the other.
    words = list(arguments)
    place = words.index("--") if "--" in words else len(words)
    if "--" in words[place + 1 :]:
        parser.error("-- stands between the two sides, once; compare other sides by themselves")
    options = parser.parse_args(words[:place])
    options.base = options.run
    options = parser.parse_args(words[place + 1 :], options)
    if not options.base or place == len(words):
        options.run, options.base = [*options.base, *options.run], []
    if not options.run:
        parser.error("say which runs: a RUN is a folder in results/, or a runs.csv")
    return options


def worst(statuses: Sequence[int]) -> int:
    """Of several comparisons: a regression, else something that was not comparable, else something
    inconclusive."""
    return next((status for status in (1, 3, 4) if status in statuses), 0)


def sides_of(
    chosen: Sequence[Run], whole: Sequence[Run], base_count: int
) -> tuple[Group, list[Group]]:
    """The base, and what is compared with it: one side of all others where -- stands before them,
    else each by itself. chosen, whole: the same runs, with the rows asked for and with all."""
    if base_count:
        base, new = (slice(None, base_count), slice(base_count, None))
        return Group(chosen[base], whole[base]), [Group(chosen[new], whole[new])]
    first, *others = [Group([a], [b]) for a, b in zip(chosen, whole)]
    return first, others


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
    request, path = pair.request(options), Path(options.run[0])
    found = live_page.read(path).of(lambda rows: choice.of(rows, wanted))
    settings, origin = live_page.thresholds(found, request, path, options.aa_run)
    return live_page.page(found, request, settings, origin)


def of_sides(
    base: Group, sides: Sequence[Group], paths: Sequence[str], options: argparse.Namespace
) -> list[output.Document]:
    """Each side against the base; of several machines what holds on how many of them as well."""
    runs = [run for side in (base, *sides) for run in side.runs]
    request = pair.request(options)._replace(in_short=is_short(options))
    settings, origin = pair.settings_for(
        request, experiment(runs, paths, options), False, [run.runs for run in runs]
    )
    found = [layered.compare(base, side, request, settings, origin) for side in sides]
    if not any(layered.apart(base, side) for side in sides):
        return found
    of_all = of_machines(runs, options)
    if of_all.status != 0:
        # Runs without times may say what is exact all the same.
        return found
    return [*(one for one in found if one.status != NOT_COMPARABLE), of_all]


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
    return document


def is_short(options: argparse.Namespace) -> bool:
    """Is the page for people who did not ask for more?"""
    return options.format in SHORT and not options.all and not options.table


def in_short(document: output.Document) -> output.Document:
    """The document for people who did not ask for more: of long tables the first rows, or their
    names."""
    names = {table.name for table in document.tables}
    shown, left = [], []
    for table in document.tables:
        length = len(table.frame)
        if "layers" in names and table.name in FIRST:
            shown.append(table.first(LONGEST, "families"))
        elif "layers" in names or length > LONGEST:
            left += [f"{table.name} ({length})"] if length else []
        else:
            shown.append(table)
    shown = [table for table in shown if len(table.frame) or table.name not in FIRST]
    if "layers" in names:
        left.append("differences")
    more = [f"more with --table NAME, or --all: {', '.join(left)}"] if left else []
    return document._replace(sentences=[*document.sentences, *more], tables=shown)


def experiment(
    runs: Sequence[Run], paths: Sequence[str], options: argparse.Namespace
) -> Optional[pd.DataFrame]:
    """The rows of the machine's A/A experiment, if it has one and its threshold is wanted."""
    if options.aa_run is None and options.threshold is not None:
        return None
    machine_id = next(run.machine_id for run in runs if run.machine_id)
    places = [Path(path) for path in paths]
    return pair.experiment(options.aa_run, places, machine_id, pair.request(options).metrics)


def as_text(documents: Sequence[output.Document], options: argparse.Namespace) -> str:
    """All documents in the format that was asked for."""
    if is_short(options):
        documents = [in_short(document) for document in documents]
    chosen = chosen_tables(documents, options)
    if options.format != output.CSV:
        return output.FORMATS[options.format](chosen, entry.in_colour(options.color))
    names = [table.name for document in chosen for table in document.tables]
    if len(set(names)) != len(names):
        raise UsageError("a CSV file holds one comparison; give two runs")
    if len(names) != 1:
        raise UsageError(
            f"a CSV file holds one table; say which with --table: {', '.join(names) or 'none'}"
        )
    return output.as_csv(next(document for document in chosen if document.tables))


def chosen_tables(
    documents: Sequence[output.Document], options: argparse.Namespace
) -> list[output.Document]:
    """The documents with those of their tables, and of their columns, that were asked for; without
    those that have none of them."""
    tables = [table for document in documents for table in document.tables]
    if options.table:
        known = list(dict.fromkeys(table.name for table in tables))
        entry.check_names("table", options.table, known)
        tables = [table for table in tables if table.name in options.table]
    if options.columns:
        known = list(dict.fromkeys(c.name for table in tables for c in table.columns))
        entry.check_names("column", options.columns, known)
    chosen = [_with_tables(document, options) for document in documents]
    return [document for document in chosen if document.tables or not options.table]


def _with_tables(document: output.Document, options: argparse.Namespace) -> output.Document:
    tables = list(document.tables)
    if options.table:
        tables = [table for table in tables if table.name in options.table]
    if options.columns:
        tables = [with_columns(table, options.columns) for table in tables]
    return document._replace(tables=tables)


def with_columns(table: Table, names: Sequence[str]) -> Table:
    """The table with those columns that it has, in the order of `names`."""
    columns = [column for name in names for column in table.columns if column.name == name]
    kept = [part for column in columns for part in (column.name, column.high) if part]
    return table._replace(columns=columns, frame=table.frame[kept], tone="")
