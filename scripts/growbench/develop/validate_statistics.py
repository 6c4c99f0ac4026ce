"""Show that the statistics keep their promises: coverage, false alarms, planted slowdowns."""

from typing import Sequence

from growbench.data.errors import UsageError
from growbench.command_line import packages

with packages.imports():
    import pandas as pd

    from growbench.command_line import entry
    from growbench.comparison import validation
    from growbench.data import load
    from growbench.tables import formats
    from growbench.tables.table import Column, Table
    from growbench.comparison import live

EXAMPLES = """\
  growbench validate-statistics                              simulations, about half a minute
  growbench validate-statistics --fast                       fewer repetitions, a few seconds
  growbench validate-statistics --run results/aa-MACHINE     and measured A/A pairs, from `make aa`

exit status: 0 all promises are kept, 1 one is not, 2 usage
"""
COLUMNS = (
    Column("name", "promise"),
    Column("goal", "goal"),
    Column("share", "got", "share"),
    Column("kept", ""),
    Column("detail", ""),
)


def main(arguments: Sequence[str]) -> int:
    parser = entry.parser(
        __name__, "Hold the statistics against simulations whose truth is known.", EXAMPLES
    )
    parser.add_argument("--seed", type=int, default=1, help="default: %(default)s")
    parser.add_argument("--fast", action="store_true", help="fewer repetitions")
    parser.add_argument("--run", metavar="RUN", help="an A/A experiment of this machine")
    parser.add_argument(
        "--rounds", type=int, default=20, help="rounds of each of its pairs (default: %(default)s)"
    )
    options = parser.parse_args(arguments)
    checks = validation.simulated(options.seed, options.fast)
    if options.run:
        both = live.sides(load.read_runs(options.run))
        if both is None:
            raise UsageError(f"{options.run} is no A/A experiment; make one with: make aa")
        pairs = int(both[0]["round"].max()) // max(options.rounds, 1)
        if pairs < 2:
            raise UsageError(
                f"{options.run} has fewer than two pairs of {options.rounds} rounds; take fewer "
                "--rounds, or measure more: make aa ARGS='--rounds 100'"
            )
        checks += validation.real(both, options.rounds)
    frame = pd.DataFrame(checks)
    frame["kept"] = ["kept" if check.met else "NOT KEPT" for check in checks]
    frame["tone"] = ["" if check.met else "bad" for check in checks]
    table = Table("promises", "What the statistics promise", COLUMNS, frame, tone="tone")
    print(formats.as_terminal(table, entry.in_colour()), end="")
    broken = sum(not check.met for check in checks)
    print(f"{len(checks) - broken} of {len(checks)} promises and controls are as they should be")
    return 1 if broken else 0
