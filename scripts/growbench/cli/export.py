"""Write a run in the format of another tool."""

import argparse
import sys
from pathlib import Path
from typing import Sequence

from growbench.data.errors import UsageError
from growbench.command_line import packages

with packages.imports():
    from growbench.command_line import choice, entry
    from growbench.command_line import runs as chosen_run
    from growbench.data import description, files, load, metrics
    from growbench.exports import all_exporters, exporting

EXAMPLES = """\
  growbench export results/my-run --to google-benchmark --output my-run.json
  growbench export results/my-run --to go --rows 10000 > my-run.txt
  growbench export results/my-run --to go --metric cold_build peak_memory --allocator glibc

then, with the tools that read these:

  compare.py benchmarks before.json after.json
  compare.py filters my-run.json /glibc/ /jemalloc/
  benchstat before.txt after.txt
"""


def main(arguments: Sequence[str]) -> None:
    exporters = all_exporters()
    parser = entry.parser(__name__, "Write a run in the format of another tool.", EXAMPLES)
    chosen_run.add_argument(parser)
    parser.add_argument("--to", choices=list(exporters), help="the format: see --list")
    parser.add_argument("--output", default="-", metavar="FILE", help="default: -, which is stdout")
    parser.add_argument(
        "--metric",
        nargs="+",
        choices=[metric.name for metric in metrics.METRICS],
        metavar="METRIC",
        help="what of it: " + ", ".join(metric.name for metric in metrics.METRICS),
    )
    choice.add_arguments(parser)
    parser.add_argument("--list", action="store_true", help="name the formats, and end")
    options = parser.parse_args(arguments)
    if options.list:
        for exporter in exporters.values():
            print(f"{exporter.name:18} {exporter.help}")
        return
    if options.to is None:
        raise UsageError("--to is missing; see growbench export --help")
    if not options.output:
        raise UsageError("--output is empty; give a file, or - for stdout")
    chosen_run.given(options)
    export_run(exporters[options.to], options)


def export_run(exporter: exporting.Exporter, options: argparse.Namespace) -> None:
    """Read, choose, write."""
    run, output = options.run, options.output
    chosen = exporting.chosen_metrics(options.metric)
    runs = load.read_runs(run, columns=exporting.columns_for(exporter, chosen))
    rows = exporting.measured(runs)
    if rows.empty:
        raise UsageError(f"{load.runs_path(run)} has no row that was measured")
    (rows,) = choice.choose([rows], choice.chosen(options))
    if rows.empty:
        raise UsageError("no measured cell is all of these at once; choose fewer")
    rows = rows.reset_index(drop=True)
    export = exporting.Export(rows, chosen, description.read_machine(run))
    try:
        if output == "-":
            exporter.write(export, sys.stdout)
            return
        with files.atomic_writer(Path(output)) as stream:
            exporter.write(export, stream)
    except exporting.CannotExport as reason:
        raise UsageError(f"{exporter.name}: {reason}") from None
    entry.tell(f"{output}: {len(rows)} workers of {sum(1 for _ in export.cells())} cells")
