"""Predictions against measurements of the same cells.

Each part of a grid is predicted by a run that may not measure it (`growbench run --predict-above`),
and right afterwards measured by another: so both see the same mood of the machine, and the figures
are those of the runner itself. What a cell was predicted from lies at a half of its rows and below.
The factor of the intervals (shape_factor in harness/runner/plan/growth.c) is from trials of other
sizes: of 3,000, 800 and 240 rows of 8, 80 and 800 bytes and their multiples.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple, Sequence

import pandas as pd

from growbench.command_line import entry
from growbench.data import load
from growbench.data.errors import UsageError
from growbench.data.metrics import HEADLINES, metric
from growbench.data.statuses import OK, SKIPPED_PREDICTED
from growbench.tables import formats
from growbench.tables.table import Column, Table

ALLOCATORS = "glibc,jemalloc,mimalloc,tcmalloc,tbbmalloc"
# A prediction is right within this factor, and this share of them has to be.
FACTOR, GOAL = 2.0, 0.95
# The share of them that an interval is meant to hold.
INSIDE = 0.9


class Group(NamedTuple):
    """Strategies that are predicted in the same way."""

    strategies: tuple[str, ...]
    # The most rows that may be measured, by row_bytes; what is predicted are multiples of it.
    largest: dict[int, int]
    times: tuple[int, ...]
    # Of the predicting run: they fix how long a look may take (4% of the budget, over the rounds).
    budget_s: int
    rounds: int
    # In how many the truth is measured.
    true_rounds: int


GROUPS = (
    # Each append copies the array: some ms at first, some s at last.
    Group(("loop_and_append",), {8: 5000, 80: 1300, 800: 400}, (2, 4, 8), 100, 40, 3),
    # realloc may have to copy, which nothing tells: all of these are to be left missing.
    Group(("append_in_place",), {8: 32000, 80: 6000, 800: 1200}, (2, 4, 8), 100, 40, 1),
    # These grow with their rows, which does not tell either.
    Group(
        (
            "chunked_list",
            "list_of_pointers",
            "list_of_pointers_packed",
            "preallocate_then_fill",
            "preallocate_zeroed",
            "realloc_cpython",
            "realloc_doubling",
            "realloc_x1.5",
            "reserve_then_commit",
        ),
        {8: 512000, 80: 51200, 800: 5120},
        (2, 4, 8),
        100,
        40,
        1,
    ),
)
# Exit statuses of the runner with which a run is whole.
_WHOLE = (0, 3, 4)
_CELL = ["strategy", "allocator", "rows", "row_bytes"]
_WORST = 10


class Part(NamedTuple):
    """Strategies of a group that are predicted and measured together."""

    group: Group
    strategies: list[str]
    row_bytes: int

    @property
    def largest(self) -> int:
        return self.group.largest[self.row_bytes]

    @property
    def rows(self) -> list[int]:
        return [self.largest * times for times in self.group.times]


def main(options: argparse.Namespace) -> int:
    """0 if enough predictions are right, 1 if not.

    options: fast, only, row_bytes, allocators, runner, seed.
    """
    runner = Path(options.runner)
    if not runner.is_file():
        raise UsageError(f"{runner} is not there; build it with: make build")
    both = []
    with tempfile.TemporaryDirectory(prefix="growbench-validate-") as folder:
        for part in parts_of(options):
            words = (", ".join(part.strategies), part.row_bytes, part.largest)
            print("{}: rows of {} B, above {}".format(*words), file=sys.stderr, flush=True)
            both.append(measure(part, options, runner.absolute(), Path(folder)))
    return tell(held_against(pd.concat(both, ignore_index=True)))


def parts_of(options: argparse.Namespace) -> list[Part]:
    """The grid. Raises UsageError for a strategy or a row size that is not of it."""
    known = [name for group in GROUPS for name in group.strategies]
    only = options.only.split(",") if options.only else known
    sizes = [int(text) for text in (options.row_bytes or "8,80,800").split(",") if text.isdigit()]
    if not set(only) <= set(known):
        raise UsageError(f"--only takes some of {', '.join(known)}")
    if not sizes or not set(sizes) <= {8, 80, 800}:
        raise UsageError("--row-bytes takes some of 8, 80 and 800")
    if options.fast:
        sizes = sizes[-1:]
    parts = []
    for group in GROUPS:
        strategies = [name for name in group.strategies if name in only]
        if options.fast and not options.only:
            strategies = strategies[-2:]
        parts += [Part(group, strategies, size) for size in sizes if strategies]
    return parts


def measure(part: Part, options: argparse.Namespace, runner: Path, folder: Path) -> pd.DataFrame:
    """The rows of both runs of a part, told apart by `kind`."""
    words = ["--implementations", "c", "--strategies", ",".join(part.strategies)]
    words += ["--allocators", options.allocators, "--row-bytes", str(part.row_bytes)]
    words += ["--rows", ",".join(map(str, part.rows)), "--passes", "measure"]
    words += ["--seed", str(options.seed)]
    predicted = ["--predict-above", str(part.largest), "--budget", str(part.group.budget_s)]
    predicted += ["--rounds", str(part.group.rounds)]
    measured = ["--budget", "100000", "--rounds", str(part.group.true_rounds)]
    rows = run(runner, folder / "predicted", [*words, *predicted]).assign(kind="predicted")
    # What is missing needs no truth.
    if not (rows["status"] == SKIPPED_PREDICTED).any():
        return rows
    truth = run(runner, folder / "measured", [*words, *measured]).assign(kind="measured")
    return pd.concat([rows, truth], ignore_index=True)


def run(runner: Path, out: Path, words: Sequence[str]) -> pd.DataFrame:
    """The rows of a run."""
    command = [str(runner), "run", "--out", str(out), "--no-summary", "--quiet", *words]
    shutil.rmtree(out, ignore_errors=True)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode not in _WHOLE:
        raise UsageError(f"{' '.join(command)} ended with {done.returncode}: {done.stderr.strip()}")
    return load.read_runs(out)


def held_against(rows: pd.DataFrame) -> pd.DataFrame:
    """A row for each figure, cold and warm, of each cell: predicted (nan where it is missing), low,
    high, measured (the median over workers), ratio, is_right, is_inside."""
    is_predicted = rows["kind"] == "predicted"
    measured = rows[~is_predicted & (rows["status"] == OK)]
    predicted = rows[is_predicted].groupby(_CELL, as_index=False).first()
    figures = []
    for name in HEADLINES:
        of = metric(name)
        column = f"predicted_{name}"
        truth = measured.assign(measured=of.values(measured)).groupby(_CELL)["measured"].median()
        frame = predicted.join(truth, on=_CELL)
        made = frame["status"] == SKIPPED_PREDICTED
        figures.append(
            frame[_CELL].assign(
                figure=name.split("_", maxsplit=1)[0],
                predicted=frame[f"{column}_ns"].where(made),
                low=frame[f"{column}_low_ns"],
                high=frame[f"{column}_high_ns"],
                measured=frame["measured"],
            )
        )
    table = pd.concat(figures, ignore_index=True)
    ratio = table["predicted"] / table["measured"]
    return table.assign(
        ratio=ratio,
        is_right=(ratio >= 1 / FACTOR) & (ratio <= FACTOR),
        is_inside=(table["low"] <= table["measured"]) & (table["measured"] <= table["high"]),
    )


def tell(figures: pd.DataFrame) -> int:
    """Print what was found, and return the exit status."""
    made = figures.dropna(subset=["ratio"])
    if made.empty:
        raise UsageError("nothing was predicted: growbench doctor says what is missing")
    colour = entry.in_colour()
    for title, key in (
        ("By figure", "figure"),
        ("By strategy", "strategy"),
        ("By allocator", "allocator"),
        ("By row size", "row_bytes"),
    ):
        entry.put(formats.as_terminal(_grouped(figures, title, key), colour))
    entry.put(formats.as_terminal(_worst(made), colour))
    right, inside = made["is_right"].mean(), made["is_inside"].mean()
    entry.put(
        f"{len(made)} of {len(figures)} figures were predicted, the others left missing; "
        f"{right:.1%} of the predicted are within 0.5 to 2 of what was measured (goal {GOAL:.0%}), "
        f"{inside:.1%} inside their interval (meant: {INSIDE:.0%})\n"
    )
    return 0 if right >= GOAL else 1


def _grouped(figures: pd.DataFrame, title: str, key: str) -> Table:
    """What was predicted and how well, by that column."""
    is_made = figures["ratio"].notna()
    frame = figures.assign(
        is_missing=~is_made,
        is_right=figures["is_right"].where(is_made).astype(float),
        is_inside=figures["is_inside"].where(is_made).astype(float),
    )
    frame = frame.groupby(key).agg(
        count=("ratio", "count"),
        missing=("is_missing", "sum"),
        median=("ratio", "median"),
        right=("is_right", "mean"),
        inside=("is_inside", "mean"),
    )
    columns = (
        Column(key, key, "count") if key == "row_bytes" else Column(key, key),
        Column("count", "predictions", "count"),
        Column("missing", "left missing", "count"),
        Column("median", "predicted \N{DIVISION SIGN} measured", "factor"),
        Column("right", "within 0.5 to 2", "share"),
        Column("inside", "inside its interval", "share"),
    )
    return Table("predictions", title, columns, frame.reset_index())


def _worst(made: pd.DataFrame) -> Table:
    off = made["ratio"].where(made["ratio"] >= 1, 1 / made["ratio"])
    columns = (
        *(Column(key, key) for key in ("strategy", "allocator")),
        *(Column(key, key, "count") for key in ("rows", "row_bytes")),
        Column("figure", ""),
        Column("predicted", "predicted", "ns"),
        Column("measured", "measured", "ns"),
        Column("ratio", "\N{DIVISION SIGN}", "factor"),
    )
    worst = made.assign(off=off).sort_values("off", ascending=False, kind="stable").head(_WORST)
    return Table("worst", "Furthest off", columns, worst)
