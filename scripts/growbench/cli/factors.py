"""Say what a run makes of growth factors, 1.5 against 2, on each allocator, and draw it."""

import argparse
from pathlib import Path
from typing import Sequence

from growbench.command_line import packages
from growbench.data.errors import UsageError

with packages.imports():
    from growbench.analysis import analyse, factors, reliance, run_doubts
    from growbench.command_line import entry
    from growbench.command_line import runs as chosen_run
    from growbench.comparison.run import Run, read_run
    from growbench.data import files, load
    from growbench.figures import render, slices
    from growbench.figures.style import DEFAULT_STYLE, STYLES
    from growbench.findings import factors as findings
    from growbench.findings.evidence import evidence
    from growbench.findings.sentences import plain
    from growbench.plots import all_plots
    from growbench.report import facts
    from growbench.tables import formats

PAGE = "factors.md"
EXAMPLES = """\
  growbench factors results/my-run
  growbench factors results/my-run --markdown > factors.md
  growbench factors results/my-run --factors 1.25 2 --no-plot

Such a run is made by `growbench run --preset factors`, which ends in this: the same page is in
RUN/factors.md, with the plots beside it.
"""


def main(arguments: Sequence[str]) -> None:
    options = parse(arguments)
    chosen_run.given(options)
    entry.check_names("style", [options.style], list(STYLES))
    run = read_run(options.run)
    known = analyse.analyse(run.runs, load.read_timeline(options.run, run.runs))
    parts = slices.slices(known, run.machine_id, STYLES[options.style])
    first, second = options.factors
    found = findings.answer(evidence(run, known, parts), (first, second))
    if found is None:
        raise UsageError(why_none(run, options.factors))
    folder = load.runs_path(options.run).parent
    entry.put(as_text(run, found, options))
    if options.no_plot:
        return
    drawn = draw(parts[0], folder / "plots")
    with files.atomic_writer(folder / PAGE) as stream:
        stream.write(as_markdown(run, found, drawn))
    entry.note(f"{folder / PAGE}, {folder / 'plots'}: {', '.join(path.name for path in drawn)}")


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = entry.parser(
        __name__,
        "Say on each allocator whether arrays that grow by a factor of 1.5 take more or less time "
        "and memory than with 2, and draw RUN/plots/factor_*; write RUN/factors.md.",
        EXAMPLES,
    )
    chosen_run.add_argument(parser)
    parser.add_argument(
        "--factors",
        nargs=2,
        type=float,
        default=list(factors.PAIR),
        metavar=("A", "B"),
        help="A against B (default: 1.5 2)",
    )
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--json", action="store_true", help="for programs")
    how.add_argument("--markdown", action="store_true", help="for a page")
    parser.add_argument("--no-plot", action="store_true", help="write and draw nothing")
    parser.add_argument("--style", default=DEFAULT_STYLE, metavar="NAME", help="of the plots")
    return parser.parse_args(arguments)


def why_none(run: Run, pair: Sequence[float]) -> str:
    """What the run lacks, and how to get it."""
    if pair[0] == pair[1]:
        return f"--factors {pair[0]:g} {pair[1]:g}: these are the same; give two"
    cells = factors.cells_of(run.runs)
    measured = sorted(set(cells.loc[cells["status"] == "ok", "factor"]))
    there = ", ".join(f"{factor:g}" for factor in measured)
    wanted = " and ".join(f"{factor:g}" for factor in pair)
    advice = "choose two of these with --factors" if len(measured) > 1 else "make a run that has"
    return (
        f"{run.label} has no figures of {factors.STRATEGY} with both {wanted}, on the same size of "
        f"rows and number of threads; its factors are: {there or 'none'}; {advice}: growbench run "
        "--preset factors"
    )


def as_text(run: Run, found: findings.Answer, options: argparse.Namespace) -> str:
    """The answer for whoever reads it."""
    if options.json:
        records = {
            "factors": list(found.pair),
            "facts": dict(about(run)),
            "doubts": doubts(run),
            "sentences": [plain(sentence) for sentence in found.sentences],
            "tables": {table.name: formats.as_records(table) for table in found.tables},
        }
        return formats.to_json(records)
    if options.markdown:
        return as_markdown(run, found, [])
    said = [plain(sentence) for sentence in found.sentences]
    colour = entry.in_colour()
    shown = [formats.as_terminal(table, colour) for table in found.tables]
    told = "\n".join(f"  {name}: {text}" for name, text in about(run))
    where = f"Where this was measured\n{told}\n"
    return "\n\n".join([*said, *(f"! {one}" for one in doubts(run)), "\n".join([*shown, where])])


def about(run: Run) -> list[tuple[str, str]]:
    """Where the figures are from."""
    return [*facts.machine_facts(run), *facts.run_facts(run)]


def doubts(run: Run) -> list[str]:
    """What the run as a whole is not to be relied on for."""
    return reliance.of_run_in_words(run_doubts.run_doubts(run.runs, run.machine))


def as_markdown(run: Run, found: findings.Answer, drawn: Sequence[Path]) -> str:
    """The page; drawn: the plots beside it."""
    a, b = found.pair
    escaped = formats.escape_markdown
    said = [escaped(plain(sentence)) for sentence in found.sentences]
    pictures = [f"![{path.stem}](plots/{path.name})" for path in drawn if path.suffix == ".png"]
    told = [f"- {escaped(name)}: {escaped(text)}" for name, text in about(run)]
    return "\n\n".join(
        [
            f"# Growth factors: {a:g} or {b:g}?",
            *said,
            *(f"**Doubt:** {escaped(one)}" for one in doubts(run)),
            *(formats.as_markdown(table) for table in found.tables),
            *pictures,
            "### Where this was measured",
            "\n".join(told),
            "",
        ]
    )


def draw(part: slices.Slice, folder: Path) -> list[Path]:
    """Draw the plots of the main slice that are of factors; returns their files."""
    plots = [plot for plot in all_plots() if plot.name in findings.PLOTS]
    files.make_folder(folder)
    drawn = render.draw_all(plots, [part], list(render.FORMATS), folder)
    return [path for figure in drawn for path in figure.paths]
