"""Say what a run makes of the article's question, on each allocator, and draw it."""

from pathlib import Path
from typing import Sequence

from growbench.command_line import packages

with packages.imports():
    from growbench.analysis import analyse, article_table
    from growbench.command_line import entry
    from growbench.command_line import runs as chosen_run
    from growbench.data import files, load
    from growbench.figures import render, slices
    from growbench.plots import all_plots
    from growbench.tables import formats
    from growbench.figures.style import DEFAULT_STYLE, STYLES

PLOT = "article"
EXAMPLES = """\
  growbench article results/article
  growbench article results/article --markdown > article.md
  growbench article results/my-run --work cheap --no-plot

`make article` makes such a run, and then calls this.
"""


def main(arguments: Sequence[str]) -> None:
    parser = entry.parser(
        __name__,
        "Say how many times as long appending takes as preallocating, on each allocator, in NumPy "
        "and in C, and where NumPy's time goes; and draw RUN/plots/article.",
        EXAMPLES,
    )
    chosen_run.add_argument(parser)
    parser.add_argument(
        "--work", default="", metavar="NAME", help="how rows are made (default: random, if it can)"
    )
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--json", action="store_true", help="for programs")
    how.add_argument("--markdown", action="store_true", help="for a page")
    parser.add_argument("--no-plot", action="store_true", help="do not draw anything")
    parser.add_argument("--style", default=DEFAULT_STYLE, metavar="NAME", help="of the plot")
    options = parser.parse_args(arguments)
    chosen_run.given(options)
    entry.check_names("style", [options.style], list(STYLES))

    runs = load.read_runs(options.run)
    known = analyse.analyse(runs, load.read_timeline(options.run, runs))
    found = article_table.answer(runs, known, options.work)
    entry.put(as_text(found, options.json, options.markdown))
    if not options.no_plot:
        parts = slices.slices(known, runs["machine_id"].iloc[0], STYLES[options.style])
        folder = load.runs_path(options.run).with_name("plots")
        entry.note(draw(found, parts, folder))


def as_text(found: article_table.Answer, as_json: bool, as_markdown: bool) -> str:
    """The answer for whoever reads it."""
    if as_json:
        return formats.to_json(found.records())
    if as_markdown:
        said = [formats.escape_markdown(line) for line in found.sentences]
        return "\n\n".join([*said, *(formats.as_markdown(table) for table in found.tables)])
    colour = entry.in_colour()
    shown = "\n".join(formats.as_terminal(table, colour) for table in found.tables)
    return "\n".join([*found.sentences, "", shown])


def draw(found: article_table.Answer, parts: Sequence[slices.Slice], folder: Path) -> str:
    """Draw the plot of the cells that the answer is of; says what became of it."""
    (plot,) = [plot for plot in all_plots() if plot.name == PLOT]
    own = [part for part in parts if not part.beside_kernels and is_of(part, found.cells)]
    files.make_folder(folder)
    drawn = render.draw_all([plot], own[:1], list(render.FORMATS), folder)
    if not drawn or drawn[0].nothing:
        why = drawn[0].nothing if drawn else "there is no figure of these cells"
        return f"{PLOT}: nothing to draw: {why}"
    return f"{folder}: {', '.join(path.name for path in drawn[0].paths)}"


def is_of(part: slices.Slice, cells: dict) -> bool:
    """Is the slice of that row size, number of threads and kind of work?"""
    return all(part.data.summary[key].iloc[0] == cells[key] for key in slices.SLICE_KEYS)
