"""Show that the statistics keep their promises: coverage, false alarms, planted slowdowns."""

import argparse
from typing import Callable

import pandas as pd

from growbench.command_line import entry
from growbench.comparison import live
from growbench.data import load
from growbench.data.errors import UsageError
from growbench.promises import comparisons, histories, intervals, runs
from growbench.promises.check import Check
from growbench.tables import formats
from growbench.tables.table import Column, Table

COLUMNS = (
    Column("name", "promise"),
    Column("goal", "goal"),
    Column("share", "got", "share"),
    Column("kept", ""),
    Column("detail", ""),
)

# The simulations, and how few repetitions are enough for a test with a fixed seed.
_SIMULATIONS: tuple[tuple[Callable[..., list[Check]], dict[str, int]], ...] = (
    (intervals.coverage, {"repetitions": 1500}),
    (intervals.two_stages, {"repetitions": 3000}),
    (comparisons.equals, {"pairs": 4}),
    (comparisons.planted, {"repetitions": 4}),
    (runs.several_runs, {"repetitions": 8}),
    (intervals.exponents, {"repetitions": 200}),
    (histories.unchanged, {"repetitions": 6}),
    (histories.planted, {"repetitions": 3}),
)


def simulated(seed: int, fast: bool = False) -> list[Check]:
    """All simulations. fast: few repetitions."""
    return [check for make, few in _SIMULATIONS for check in make(seed, **(few if fast else {}))]


def main(options: argparse.Namespace) -> int:
    """0 if all promises are kept, 1 if one is not.

    options: seed, fast; run, or None, and rounds of each of its pairs.
    """
    checks = simulated(options.seed, options.fast)
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
        checks += comparisons.real(both, options.rounds)
    frame = pd.DataFrame(checks)
    frame["kept"] = ["kept" if check.met else "NOT KEPT" for check in checks]
    frame["tone"] = ["" if check.met else "bad" for check in checks]
    table = Table("promises", "What the statistics promise", COLUMNS, frame, tone="tone")
    print(formats.as_terminal(table, entry.in_colour()), end="")
    broken = sum(not check.met for check in checks)
    print(f"{len(checks) - broken} of {len(checks)} promises and controls are as they should be")
    return 1 if broken else 0
