"""Since when is something as it is: many runs in order, and where their figures change."""

import argparse
from functools import partial
from pathlib import Path
from typing import Sequence

from growbench.data.errors import UsageError
from growbench.command_line import packages

with packages.imports():
    import pandas as pd

    from growbench.command_line import choice, entry, progress
    from growbench.comparison import output
    from growbench.comparison.exact import WORSE
    from growbench.data import files
    from growbench.data.exact import EXACT
    from growbench.data.metrics import HEADLINES, METRICS
    from growbench.figures import render
    from growbench.figures.canvas import NothingToDraw
    from growbench.figures.style import DEFAULT_STYLE, STYLES
    from growbench.history import changes, document, order, picture, reading
    from growbench.history.times import THRESHOLD
    from growbench.tables import formats

EXAMPLES = """\
  growbench history results/nightly-*
  growbench history results/nightly-* --plot history.svg
  growbench history results/nightly-* --git --repository ~/growbench
  growbench history results/jemalloc-* --by-version jemalloc --format markdown
  growbench history results/nightly-* --since 2026-11-01 --fail-on worse
  growbench history results/nightly-* --table changes --format csv > changes.csv

Counts are exact: one run before and one after tell a change. Times are told within one host only,
where it has 8 runs or more; in 95 of 100 histories in which nothing changed, none is told.

exit status: 0; 1 if --fail-on says so; 2 usage, or unreadable input; 3 no cell is in two of the runs
"""
FAILED, NOT_COMPARABLE = 1, 3
NEVER, CHANGE = "never", "change"
FORMATS = ("terminal", "markdown", "json", "csv")
# What a terminal is shown unasked, if it is no longer than that.
SHOWN, LONGEST = ("summary", "changes"), 30
TIMES = [one.name for one in METRICS if one.unit == "ns"]


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
    if shared(cells, runs) == 0:
        entry.note("not comparable: no cell has figures in two of the runs")
        return NOT_COMPARABLE
    found = changes.history(ordered, cells.reset_index(drop=True), wanted, options.threshold)
    asked = document.Asked(place_of(options.since, ordered), options.threshold)
    said = document.said(found, asked, [*notes, *alone(cells, runs)])
    for path in options.plot or []:
        draw(found, asked, Path(path), options.style)
    write(as_text(said, status(found, asked, options), options), options)
    return status(found, asked, options)


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = entry.parser(
        __name__,
        "Say since when counts and times are as they are, of many runs in order.",
        EXAMPLES,
    )
    parser.add_argument("run", metavar="RUN", nargs="+", help="a run's folder, or its runs.csv")
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
    parser.add_argument(
        "--metric", nargs="+", metavar="NAME", help=f"only these: {', '.join(names())}"
    )
    parser.add_argument(
        "--threshold",
        type=share,
        default=THRESHOLD,
        metavar="SHARE",
        help="times: changes below that are not told (default: %(default)s)",
    )
    parser.add_argument(
        "--fail-on",
        choices=(NEVER, WORSE, CHANGE),
        default=NEVER,
        help="exit status 1 if something got worse, or changed at all, and was not undone since "
        "(default: %(default)s)",
    )
    parser.add_argument(
        "--plot", nargs="+", metavar="FILE", help="draw it: FILE.png, FILE.svg or FILE.pdf"
    )
    parser.add_argument("--style", default=DEFAULT_STYLE, choices=list(STYLES), help="of the plot")
    choice.add_arguments(parser)
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
    options = parser.parse_args(arguments)
    for path in options.plot or []:
        if Path(path).suffix[1:] not in render.FORMATS:
            parser.error(f"--plot {path}: the name has to end in .{', .'.join(render.FORMATS)}")
    return options


def share(text: str) -> float:
    """A share of 0 or more."""
    value = float(text)
    if not 0.0 <= value < 100.0:
        raise ValueError
    return value


def names() -> list[str]:
    """What --metric can choose from."""
    return [*(one.name for one in EXACT), *TIMES]


def what(options: argparse.Namespace) -> reading.Wanted:
    """The counts and times that were asked for; by default all counts, and the headlines."""
    asked = options.metric or [*(one.name for one in EXACT), *HEADLINES]
    entry.check_names("metric", asked, names())
    return reading.Wanted(
        [one for one in EXACT if one.name in asked],
        [one for one in METRICS if one.name in asked and one.name in TIMES],
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
            f"all runs are of {made.states[0].label}, so nothing has changed between them; do "
            "without --git and --by-version to see them one after the other"
        )
    return made


def place_of(since: str, ordered: order.Order) -> int:
    """The first state that is meant by it; 0 if nothing was asked for."""
    if not since:
        return 0
    for place, state in enumerate(ordered.states):
        if since in (state.label, *(run.label for run in state.runs)):
            return place
    for place, state in enumerate(ordered.states):
        if state.label.startswith(since) and not since[:4].isdigit():
            return place
    if since[:4].isdigit() and "-" in since:
        later = [n for n, state in enumerate(ordered.states) if state.runs[-1].began >= since]
        if later:
            return later[0]
    labels = ", ".join(state.label for state in ordered.states[-3:])
    raise UsageError(f"--since {since}: no run, commit or version of that name; the last: {labels}")


def shared(cells: pd.DataFrame, runs: Sequence[reading.Taken]) -> int:
    """How many of the cells are in two runs."""
    return sum(number > 1 for number in _in_runs(cells, runs))


def alone(cells: pd.DataFrame, runs: Sequence[reading.Taken]) -> list[str]:
    """A note where not all runs have the same cells."""
    number = _in_runs(cells, runs)
    everywhere = sum(n == len(runs) for n in number)
    if everywhere == len(number):
        return []
    once = sum(n == 1 for n in number)
    return [
        f"{everywhere:,} of {len(number):,} cells are in all runs; {once:,} are in one only, and "
        "have no history"
    ]


def _in_runs(cells: pd.DataFrame, runs: Sequence[reading.Taken]) -> list[int]:
    held = [set(run.cells) for run in runs]
    keys = cells.itertuples(index=False, name=None)
    return [sum(key in own for own in held) for key in keys]


def status(found: changes.History, asked: document.Asked, options: argparse.Namespace) -> int:
    """1 if there is what --fail-on names, and it still stands."""
    own = found.families
    own = own[(own["since"] >= asked.since) & own["undone"].isna()]
    if options.fail_on == CHANGE:
        return FAILED if len(own) else 0
    return FAILED if options.fail_on == WORSE and (own["change"] == WORSE).any() else 0


def as_text(said: document.Said, exit_status: int, options: argparse.Namespace) -> str:
    """In the format that was asked for, with the tables that were."""
    tables = said.tables
    known = [table.name for table in tables]
    entry.check_names("table", options.table or [], known)
    if options.format == "csv" and len(options.table or []) != 1:
        raise UsageError(f"a CSV file holds one table; say which with --table: {', '.join(known)}")
    if options.table:
        tables = [table for table in tables if table.name in options.table]
    elif not options.all and options.format != "json":
        tables = [t for t in tables if t.name in SHOWN and 0 < len(t.frame) <= LONGEST]
    if options.format == "csv":
        return formats.as_csv(tables[0])
    if options.format == "json":
        content = {"title": said.title, "exit_status": exit_status, "sentences": said.sentences}
        by_name = {table.name: formats.as_records(table) for table in tables}
        return formats.to_json({**content, "tables": by_name})
    sentences = list(said.sentences)
    long = [t for t in said.tables if t.name in SHOWN and len(t.frame) > LONGEST]
    if long and not options.all and not options.table:
        named = ", ".join(f"{table.name} ({len(table.frame)} rows)" for table in long)
        sentences.append(f"more with --table NAME, or --all: {named}")
    shown = output.Document(said.title, sentences, tables, exit_status)
    return output.FORMATS[options.format]([shown], entry.in_colour(options.color))


def write(text: str, options: argparse.Namespace) -> None:
    if options.output:
        with files.atomic_writer(Path(options.output)) as stream:
            stream.write(text)
    else:
        entry.put(text)


def draw(found: changes.History, asked: document.Asked, path: Path, style_name: str) -> None:
    """Write the figure; what there is nothing to draw of is said."""
    style = STYLES[style_name]
    try:
        figure = render.draw_in(style, lambda: picture.draw(found, asked.since, style))
    except NothingToDraw as reason:
        entry.note(f"{path}: nothing to draw: {reason}")
        return
    render.write_figure(figure, path.suffix[1:], style, path)
