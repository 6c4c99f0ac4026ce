"""Draw the plots of a run from its CSV files alone."""

from functools import partial
from pathlib import Path
from typing import Sequence

from growbench.command_line import packages

with packages.imports():
    from growbench.analysis import analyse
    from growbench.command_line import entry, progress
    from growbench.command_line import runs as chosen_run
    from growbench.data import files, load
    from growbench.figures import pattern_slices, render, slices
    from growbench.plots import all_plots
    from growbench.figures.style import DEFAULT_STYLE, STYLES

EXAMPLES = """\
  growbench plot results/my-run
  growbench plot results/my-run --only heat_map_cold heat_map_peak --format svg
  growbench plot results/my-run/runs.csv --output /tmp/plots --format png,pdf
  growbench plot results/my-run --style dark --output results/my-run/plots-dark
  growbench plot --list
"""


def main(arguments: Sequence[str]) -> None:
    parser = entry.parser(
        __name__,
        "Draw the plots of a run into RUN/plots, from runs.csv and timeline.csv alone.",
        EXAMPLES,
    )
    chosen_run.add_argument(parser)
    parser.add_argument(
        "--format",
        default=",".join(render.FORMATS),
        metavar="LIST",
        help="formats, separated by commas (default: %(default)s)",
    )
    parser.add_argument("--only", nargs="+", metavar="NAME", help="draw these plots only")
    styles = "; ".join(f"{name}: {style.help}" for name, style in STYLES.items())
    parser.add_argument(
        "--style",
        default=DEFAULT_STYLE,
        metavar="NAME",
        help=f"what the figures look like (default: %(default)s); {styles}",
    )
    parser.add_argument("--output", metavar="DIR", help="write the files here")
    parser.add_argument("--list", action="store_true", help="list the plots and stop")
    options = parser.parse_args(arguments)
    plots = all_plots()
    if options.list:
        width = max(len(plot.name) for plot in plots)
        print("\n".join(f"{plot.name.ljust(width)}  {plot.help}" for plot in plots))
        return
    formats = list(dict.fromkeys(options.format.split(",")))
    entry.check_names("format", formats, list(render.FORMATS))
    entry.check_names("style", [options.style], list(STYLES))
    names = [plot.name for plot in plots]
    only = options.only or names
    entry.check_names("plot", only, names)
    chosen_run.given(options)

    runs = load.read_runs(options.run)
    tables = analyse.analyse(runs, load.read_timeline(options.run, runs))
    folder = Path(options.output or load.runs_path(options.run).with_name("plots"))
    of = (tables, runs["machine_id"].iloc[0], STYLES[options.style])
    parts = slices.slices(*of) + pattern_slices.pattern_slices(*of)
    files.make_folder(folder)
    chosen = [plot for plot in plots if plot.name in only]
    told = partial(progress.current.step, "drawing")
    drawn = render.draw_all(chosen, parts, formats, folder, told)
    for figure in drawn:
        if figure.nothing:
            entry.tell(f"{figure.name}: nothing to draw: {figure.nothing}")
    if not drawn:
        entry.tell("nothing to draw: the run has no rows of the passes measure and pattern")
    count = sum(1 for figure in drawn if figure.paths)
    entry.tell(f"{folder}: {count} figures as {', '.join(formats)}")
