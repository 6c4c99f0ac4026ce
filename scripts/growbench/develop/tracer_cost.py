"""What the interposer of the trace pass costs in a run."""

from typing import Sequence

from growbench.command_line import packages

with packages.imports():
    from growbench.analysis import tracer_cost
    from growbench.command_line import entry
    from growbench.data import load

EXAMPLES = """\
  growbench tracer-cost results/my-run

Make the run without timelines (--timeline none), as each of their points takes some time too.
"""


def main(arguments: Sequence[str]) -> None:
    parser = entry.parser(
        __name__, "How much longer builds take with the interposer in front.", EXAMPLES
    )
    parser.add_argument("run", metavar="RUN", help="a run's folder, or its runs.csv")
    options = parser.parse_args(arguments)
    entry.tell(tracer_cost.tracer_cost(load.read_runs(options.run)).text())
