"""Make the report of a run, or of several side by side: an HTML file, and the same as PDF."""

from functools import partial
from pathlib import Path
from typing import Optional, Sequence

from growbench.data.errors import UsageError
from growbench.command_line import packages

with packages.imports():
    from growbench.command_line import entry, progress
    from growbench.command_line import runs as chosen_run
    from growbench.data import files, load
    from growbench.comparison import layered, pair
    from growbench.comparison.run import read_all
    from growbench.data.metrics import metric
    from growbench.report import assemble, page, paper
    from growbench.data.units import show

EXAMPLES = """\
  growbench report results/my-run
  growbench report results/my-run --output /tmp/my-run.html --no-pdf
  growbench report results/desktop results/server --output desktop-and-server.html
"""


def main(arguments: Sequence[str]) -> None:
    parser = entry.parser(
        __name__,
        "Make the report of a run, from its CSV files and machine.json: one HTML file that needs "
        "nothing else, and the same as PDF beside it.",
        EXAMPLES,
    )
    chosen_run.add_argument(parser, several=True)
    parser.add_argument(
        "--output",
        metavar="FILE.html",
        help="write here (default: report.html in the run's folder; of several runs, in the "
        "folder that holds the first)",
    )
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument("--no-pdf", action="store_true", help="the HTML file only")
    choice.add_argument(
        "--pdf",
        action="store_true",
        help="fail without a PDF, instead of warning that there is none",
    )
    options = parser.parse_args(arguments)
    chosen_run.given(options)
    path = output_path(options.output, options.run)
    runs = read_all(options.run)
    sources = [
        assemble.Source(run, load.read_timeline(place, run.runs))
        for run, place in zip(runs, options.run)
    ]
    same = None
    if len(runs) > 1 and len({run.machine_id for run in runs}) == 1:
        compared = [metric(name) for name in layered.METRICS]
        paths = [Path(place) for place in options.run]
        same = pair.experiment(None, paths, runs[0].machine_id, compared)
    if not path.parent.is_dir():
        files.make_folder(path.parent)
    with files.atomic_writer(path) as stream:
        told = partial(progress.current.step, "drawing")
        assembled = assemble.assemble(sources, same, told)
        stream.write(page.html(*assembled))
        pdf = None if options.no_pdf else as_pdf(assembled, options.pdf)
    written = [path]
    if pdf is not None:
        written.append(path.with_suffix(".pdf"))
        with files.atomic_writer(written[-1], binary=True) as binary:
            binary.write(pdf)
    for file in written:
        entry.tell(f"{file}: {show(file.stat().st_size, 'bytes')}")


def output_path(output: Optional[str], runs: Sequence[str]) -> Path:
    """Where the HTML file goes. Raises UsageError for a name that is no HTML file's."""
    if output is not None:
        if not output.endswith((".html", ".htm")):
            raise UsageError(f"--output {output}: give a name that ends in .html")
        return Path(output)
    csv = load.runs_path(runs[0])
    if len(runs) > 1 and csv.name == "runs.csv":
        return csv.absolute().parent.with_name("report.html")
    return csv.with_name("report.html")


def as_pdf(assembled: assemble.Assembled, required: bool) -> Optional[bytes]:
    """The PDF, or None with a warning where it cannot be made and is not required."""
    progress.current.step("making the PDF")
    try:
        return paper.pdf(page.html(*assembled, for_paper=True))
    except paper.NoWeasyPrint as reason:
        if required:
            raise UsageError(str(reason)) from None
        entry.note(f"warning: {reason}")
        return None
