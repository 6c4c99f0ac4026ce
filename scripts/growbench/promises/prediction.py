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
from typing import Mapping, NamedTuple, Sequence

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


# What is predicted: multiples of the most rows that may be measured.
TIMES = (2, 4, 8)
# Of the predicting run: they fix how long a look may take (4% of the budget, over the rounds).
BUDGET_S, ROUNDS = 100, 40


class Group(NamedTuple):
    """Strategies that are predicted in the same way. largest: the most rows that may be measured,
    by row_bytes. true_rounds: in how many the truth is measured."""

    strategies: Sequence[str]
    largest: Mapping[int, int]
    true_rounds: int


GROUPS = (
    # Each append copies the array: some ms at first, some s at last.
    Group(["loop_and_append"], {8: 5000, 80: 1300, 800: 400}, 3),
    # realloc may have to copy, which nothing tells: all of these are to be left missing.
    Group(["append_in_place"], {8: 32000, 80: 6000, 800: 1200}, 1),
    # These grow with their rows, which does not tell either.
    Group(
        "chunked_list list_of_pointers list_of_pointers_packed preallocate_then_fill "
        "preallocate_zeroed realloc_cpython realloc_doubling realloc_x1.5 "
        "reserve_then_commit".split(),
        {8: 512000, 80: 51200, 800: 5120},
        1,
    ),
)
ROW_BYTES = (8, 80, 800)
# Exit statuses of the runner with which a run is whole.
_WHOLE = (0, 3, 4)
_CELL = ["strategy", "allocator", "rows", "row_bytes"]
_WORST = 10


class Part(NamedTuple):
    """Strategies that are predicted and measured together. largest, true_rounds: as of a group."""

    strategies: Sequence[str]
    row_bytes: int
    largest: int
    true_rounds: int


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
            told = f"{', '.join(part.strategies)}: rows of {part.row_bytes} B, above {part.largest}"
            print(told, file=sys.stderr, flush=True)
            both.append(measure(part, options, runner.absolute(), Path(folder)))
    return tell(held_against(pd.concat(both, ignore_index=True)))


def parts_of(options: argparse.Namespace) -> list[Part]:
    """The grid. Raises UsageError for a strategy or a row size that is not of it."""
    known = [name for group in GROUPS for name in group.strategies]
    only = options.only.split(",") if options.only else known
    listed = options.row_bytes.split(",") if options.row_bytes else map(str, ROW_BYTES)
    sizes = [int(text) for text in listed if text.isdigit()]
    if not set(only) <= set(known):
        raise UsageError(f"--only takes some of {', '.join(known)}")
    if not sizes or not set(sizes) <= set(ROW_BYTES):
        raise UsageError("--row-bytes takes some of 8, 80 and 800")
    if options.fast:
        sizes = sizes[-1:]
    parts = []
    for group in GROUPS:
        strategies = [name for name in group.strategies if name in only]
        if options.fast and not options.only:
            strategies = strategies[-2:]
        for size in sizes if strategies else ():
            parts.append(Part(strategies, size, group.largest[size], group.true_rounds))
    return parts


def measure(part: Part, options: argparse.Namespace, runner: Path, folder: Path) -> pd.DataFrame:
    """The rows of both runs of a part, told apart by `kind`."""
    words = ["--implementations", "c", "--strategies", ",".join(part.strategies)]
    words += ["--allocators", options.allocators, "--row-bytes", str(part.row_bytes)]
    words += ["--rows", ",".join(str(part.largest * times) for times in TIMES)]
    words += ["--passes", "measure", "--seed", str(options.seed)]
    predicted = ["--predict-above", str(part.largest), "--budget", str(BUDGET_S)]
    predicted += ["--rounds", str(ROUNDS)]
    measured = ["--budget", "100000", "--rounds", str(part.true_rounds)]
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
    """A row for each figure, cold and warm, of each cell: predicted, low, high, measured (the
    median over workers), ratio, is_right, is_inside; nan where nothing was predicted."""
    is_predicted = rows["kind"] == "predicted"
    measured = rows[~is_predicted & (rows["status"] == OK)]
    predicted = rows[is_predicted].groupby(_CELL, as_index=False).first()
    figures = []
    for name in HEADLINES:
        of = metric(name)
        truth = measured.assign(measured=of.values(measured)).groupby(_CELL)["measured"].median()
        frame = predicted.join(truth, on=_CELL)
        ratio = frame[of.quantity.predicted] / frame["measured"]
        ratio = ratio.where(frame["status"] == SKIPPED_PREDICTED)
        low, high = (frame[of.quantity.predicted_end(end)] for end in ("low", "high"))
        inside = (low <= frame["measured"]) & (frame["measured"] <= high)
        figures.append(
            frame[[*_CELL, "measured"]].assign(
                figure=name.split("_", maxsplit=1)[0],
                predicted=frame[of.quantity.predicted],
                ratio=ratio,
                is_right=ratio.between(1 / FACTOR, FACTOR).astype(float).where(ratio.notna()),
                is_inside=inside.astype(float).where(ratio.notna()),
            )
        )
    return pd.concat(figures, ignore_index=True)


def tell(figures: pd.DataFrame) -> int:
    """Print what was found, and return the exit status."""
    made = figures.dropna(subset=["ratio"])
    if made.empty:
        raise UsageError("nothing was predicted: growbench doctor says what is missing")
    tables = [_grouped(figures, key) for key in ("figure", "strategy", "allocator", "row_bytes")]
    for table in (*tables, _worst(made)):
        entry.put(formats.as_terminal(table, entry.in_colour()))
    right, inside = made["is_right"].mean(), made["is_inside"].mean()
    entry.put(
        f"{len(made)} of {len(figures)} figures were predicted, the others left missing; "
        f"{right:.1%} of the predicted are within 0.5 to 2 of what was measured (goal {GOAL:.0%}), "
        f"{inside:.1%} inside their interval (meant: {INSIDE:.0%})\n"
    )
    return 0 if right >= GOAL else 1


def _grouped(figures: pd.DataFrame, key: str) -> Table:
    """What was predicted and how well, by that column."""
    of_size = key == "row_bytes"
    frame = figures.assign(missing=figures["ratio"].isna()).groupby(key, as_index=False)
    frame = frame.agg(
        count=("ratio", "count"),
        missing=("missing", "sum"),
        median=("ratio", "median"),
        right=("is_right", "mean"),
        inside=("is_inside", "mean"),
    )
    columns = (
        Column(key, key, "count" if of_size else "text"),
        Column("count", "predictions", "count"),
        Column("missing", "left missing", "count"),
        Column("median", "predicted \N{DIVISION SIGN} measured", "factor"),
        Column("right", "within 0.5 to 2", "share"),
        Column("inside", "inside its interval", "share"),
    )
    return Table("predictions", f"By {'row size' if of_size else key}", columns, frame)


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
