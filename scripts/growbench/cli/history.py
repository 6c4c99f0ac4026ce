"""Say since when counts and times are as they are: many runs, of commits, versions or days."""

import argparse
from functools import partial
from pathlib import Path
from typing import Sequence

from growbench.data.errors import UsageError
from growbench.command_line import packages

with packages.imports():
    from growbench.command_line import choice, entry, progress
    from growbench.comparison import output, pair
    from growbench.comparison.exact import WORSE
    from growbench.data import files
    from growbench.data.exact import EXACT
    from growbench.data.metrics import HEADLINES, METRICS
    from growbench.figures import render
    from growbench.figures.canvas import NothingToDraw
    from growbench.figures.style import DEFAULT_STYLE, STYLES, Style
    from growbench.history import changes, document, order, picture, reading
    from growbench.history.times import THRESHOLD
    from growbench.tables import formats
    from growbench.tables.table import Table

EXAMPLES = """\
  growbench history results/nightly-*
  growbench history results/nightly-* --plot history.svg
  growbench history results/nightly-* --git --repository ~/growbench
  growbench history results/jemalloc-* --by-version jemalloc --format markdown
  growbench history results/nightly-* --since 2026-11-01 --fail-on worse
  growbench history results/nightly-* --table changes --format csv > changes.csv

Counts are exact: one run before and one after tell a change. Times are told within one host only,
where it has 9 runs or more; in 97 of 100 histories in which nothing changed, none is told.

exit status: 0; 1 --fail-on says so; 2 usage, or unreadable input; 3 no cell is in two of the runs
"""
FAILED, NOT_COMPARABLE = 1, 3
NEVER, CHANGE = "never", "change"
FORMATS = ("terminal", "markdown", "json", "csv")
# What is shown unasked, and how much of it.
SUMMARY, FAMILIES, LONGEST = "summary", "changes", 30


def main(arguments: Sequence[str]) -> int:
    options = parse(arguments)
    wanted = what(options)
    told = partial(progress.current.step, "reading")
    runs, notes = order.without_twins(reading.read(options.run, wanted, told))
    if len(runs) < 2:
        raise UsageError("a history takes two runs at least; give more of them")
    progress.current.step("looking for changes")
    ordered = in_order(runs, options)
    (cells,) = choice.choose([changes.all_cells(runs)], choice.chosen(options))
    if max(changes.in_how_many(cells, runs), default=0) < 2:
        entry.note("not comparable: no cell has figures in two of the runs")
        return NOT_COMPARABLE
    found = changes.history(ordered, cells.reset_index(drop=True), wanted, options.threshold)
    since = order.place_of(options.since, ordered) if options.since else 0
    notes += changes.not_everywhere(cells, runs)
    said = document.said(found, document.Asked(since, options.threshold), notes)
    said = said._replace(status=status(found, since, options))
    text = as_text(said, options)
    for path in options.plot or []:
        draw(found, since, Path(path), STYLES[options.style])
    if options.output:
        with files.atomic_writer(Path(options.output)) as stream:
            stream.write(text)
    else:
        entry.put(text)
    return said.status


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = entry.parser(
        __name__,
        "Say since when counts and times are as they are, of many runs in order.",
        EXAMPLES,
    )
    parser.add_argument("run", metavar="RUN", nargs="+", help="a run's folder, or its runs.csv")
    add_order(parser)
    add_judgement(parser)
    choice.add_arguments(parser)
    add_output(parser)
    options = parser.parse_args(arguments)
    for path in options.plot or []:
        if Path(path).suffix[1:] not in render.FORMATS:
            parser.error(f"--plot {path}: the name has to end in .{', .'.join(render.FORMATS)}")
    return options


def add_order(parser: argparse.ArgumentParser) -> None:
    by = parser.add_mutually_exclusive_group()
    by.add_argument(
        "--git",
        action="store_true",
        help="in the order of the commits that the runs were built from; runs of one commit repeat "
        "each other (default: in the order in which they began)",
    )
    by.add_argument(
        "--by-version",
        metavar="ALLOCATOR",
        help="in the order of that allocator's versions; runs of one version repeat each other",
    )
    parser.add_argument(
        "--repository", metavar="DIR", default=".", help="of the commits (default: here)"
    )
    parser.add_argument(
        "--since", metavar="WHEN", help="only changes since that run, commit, version or date"
    )


def add_judgement(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--metric", nargs="+", metavar="NAME", help=f"only these: {', '.join(names())}"
    )
    parser.add_argument(
        "--threshold",
        type=pair.percentage,
        default=str(round(100.0 * THRESHOLD)),
        metavar="PERCENT",
        help="times: changes below that are not told (default: %(default)s)",
    )
    parser.add_argument(
        "--fail-on",
        choices=(NEVER, WORSE, CHANGE),
        default=NEVER,
        help="exit status 1 if something got worse, or changed at all, and still is so (default: "
        "%(default)s)",
    )


def add_output(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--plot", nargs="+", metavar="FILE", help="draw it: FILE.png, FILE.svg or FILE.pdf"
    )
    parser.add_argument("--style", default=DEFAULT_STYLE, choices=list(STYLES), help="of the plot")
    parser.add_argument("--table", metavar="NAME", nargs="+", help="only these tables")
    parser.add_argument("--all", action="store_true", help="all tables, however long")
    parser.add_argument(
        "--format",
        choices=FORMATS,
        default=FORMATS[0],
        help="what to write (default: %(default)s); JSON and CSV are in full precision",
    )
    parser.add_argument(
        "--color", choices=("auto", "always", "never"), default="auto", help="default: %(default)s"
    )
    parser.add_argument("--output", metavar="FILE", help="write there instead of standard output")


def names() -> list[str]:
    """What --metric can choose from."""
    return [*(one.name for one in EXACT), *(one.name for one in METRICS if one.unit == "ns")]


def what(options: argparse.Namespace) -> reading.Wanted:
    """The counts and times that were asked for; by default all counts, and the headlines."""
    asked = options.metric or [*(one.name for one in EXACT), *HEADLINES]
    entry.check_names("metric", asked, names())
    return reading.Wanted(
        [one for one in EXACT if one.name in asked],
        [one for one in METRICS if one.name in asked and one.unit == "ns"],
    )


def in_order(runs: Sequence[reading.Taken], options: argparse.Namespace) -> order.Order:
    if options.git:
        made = order.by_commit(runs, Path(options.repository))
    elif options.by_version:
        made = order.by_version(runs, options.by_version)
    else:
        made = order.by_time(runs)
    if len(made.states) < 2:
        raise UsageError(
            f"all runs are of {made.states[0].label}, so there is nothing to hold them against; do "
            "without --git and --by-version to see them one after the other"
        )
    return made


def status(found: changes.History, since: int, options: argparse.Namespace) -> int:
    """1 if there is what --fail-on names, and it still stands."""
    own = found.families
    own = own[(own["since"] >= since) & own["undone"].isna()]
    failed = {
        NEVER: False,
        WORSE: (own["change"] == WORSE).any(),
        CHANGE: len(changes.lasting(found, since, options.threshold)) > 0,
    }
    return FAILED if failed[options.fail_on] else 0


def as_text(said: output.Document, options: argparse.Namespace) -> str:
    """In the format that was asked for, with the tables that were."""
    tables = list(said.tables)
    known = [table.name for table in tables]
    entry.check_names("table", options.table or [], known)
    if options.format == "csv" and len(options.table or []) != 1:
        raise UsageError(f"a CSV file holds one table; say which with --table: {', '.join(known)}")
    if options.table:
        tables = [table for table in tables if table.name in options.table]
    elif not options.all and options.format != "json":
        tables = short(tables)
    if options.format == "csv":
        return formats.as_csv(tables[0])
    if options.format == "json":
        content = {"title": said.title, "exit_status": said.status, "sentences": said.sentences}
        by_name = {table.name: formats.as_records(table) for table in tables}
        return formats.to_json({**content, "tables": by_name})
    shown = said._replace(tables=tables)
    return output.FORMATS[options.format]([shown], entry.in_colour(options.color))


def short(tables: Sequence[Table]) -> list[Table]:
    """What is shown unasked: since when, the newest first, and the families if they are few."""
    shown = []
    for table in tables:
        count = len(table.frame)
        if table.name == SUMMARY and count:
            shown.append(table.first(LONGEST, "older rows"))
        elif table.name == FAMILIES and 0 < count <= LONGEST:
            shown.append(table)
        elif table.name == FAMILIES and count:
            note = f"Family by family, {count} rows: --table {FAMILIES}"
            shown[-1] = shown[-1]._replace(notes=[*shown[-1].notes, note])
    return shown


def draw(found: changes.History, since: int, path: Path, style: Style) -> None:
    """Write the figure, or say why there is none."""
    try:
        figure = render.draw_in(style, lambda: picture.draw(found, since, style))
    except NothingToDraw as reason:
        entry.note(f"{path}: nothing to draw: {reason}")
        return
    render.write_figure(figure, path.suffix[1:], style, path)
