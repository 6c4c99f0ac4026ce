"""Measure whether what growbench promises holds: its statistics, its predictions."""

from typing import Sequence

from growbench.command_line import packages

with packages.imports():
    from growbench.command_line import entry
    from growbench.promises import prediction, statistics

EXAMPLES = """\
  growbench validate statistics                           simulations, a minute or two
  growbench validate statistics --fast                    fewer repetitions, half a minute
  growbench validate statistics --run results/aa-MACHINE  and measured A/A pairs, from `make aa`
  growbench validate prediction                           predicts, then measures: some 10 minutes
  growbench validate prediction --fast                    fewer strategies and sizes
  growbench validate prediction --only append_in_place    some of the strategies

exit status: 0 all promises are kept, 1 one is not, 2 usage
"""


def main(arguments: Sequence[str]) -> int:
    parser = entry.parser(__name__, "Hold what growbench promises against the truth.", EXAMPLES)
    parser.add_argument("what", choices=("statistics", "prediction"), help="to be validated")
    parser.add_argument("--fast", action="store_true", help="less of it")
    parser.add_argument("--seed", type=int, default=1, help="default: %(default)s")
    of_statistics = parser.add_argument_group("of statistics")
    of_statistics.add_argument("--run", metavar="RUN", help="an A/A experiment of this machine")
    of_statistics.add_argument(
        "--rounds", type=int, default=20, help="rounds of each of its pairs (default: %(default)s)"
    )
    of_prediction = parser.add_argument_group("of predictions")
    of_prediction.add_argument(
        "--only", metavar="LIST", help="strategies of C, separated by commas (default: all)"
    )
    of_prediction.add_argument(
        "--row-bytes", metavar="LIST", help="of 8, 80 and 800 (default: all)"
    )
    of_prediction.add_argument(
        "--allocators", metavar="LIST", default=prediction.ALLOCATORS, help="default: %(default)s"
    )
    of_prediction.add_argument(
        "--runner", default=entry.RUNNER, metavar="FILE", help="default: %(default)s"
    )
    options = parser.parse_args(arguments)
    return {"statistics": statistics, "prediction": prediction}[options.what].main(options)
