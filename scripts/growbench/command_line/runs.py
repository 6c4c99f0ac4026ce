"""The run that a verb is asked about: a folder, a CSV file, or, if nothing is said, the newest."""

import argparse
import json
import sys
import time
from pathlib import Path

from growbench.command_line import progress
from growbench.data.errors import UsageError

# Where runs are: here; and one that came with growbench, to which nothing is ever written.
HERE = Path("results")
REFERENCE = Path(__file__).parents[3] / "results"


def add_argument(parser: argparse.ArgumentParser, several: bool = False) -> None:
    """RUN, which need not be given; several: one or more of them."""
    parser.add_argument(
        "run",
        metavar="RUN",
        nargs="*" if several else "?",
        help="a run's folder, or its runs.csv (default: the newest in results/)",
    )


def given(options: argparse.Namespace, *or_else: Path) -> None:
    """Puts the newest run where none was given; says which, so that nobody takes it for another.

    or_else: folders of runs that will do if there is none of one's own.
    """
    if not options.run:
        path = newest(HERE, *or_else)
        print(f"of the newest run, {path}", file=sys.stderr)
        options.run = str(path) if options.run is None else [str(path)]
    progress.current.step("reading")


def newest(*places: Path) -> Path:
    """The folder of the run that began last, in the first place that has one. Raises UsageError if
    there is none."""
    for place in places:
        found = [path.parent for path in place.glob("*/runs.csv") if path.is_file()]
        if found:
            return max(found, key=lambda folder: (_began(folder), folder.name))
    raise UsageError(
        f"there is no run in {places[0]}/; give a run's folder, or make one with: make bench"
    )


def _began(folder: Path) -> str:
    """When, as machine.json says, or else when its rows were last written; UTC, ISO 8601."""
    try:
        told = json.loads((folder / "machine.json").read_text(encoding="utf-8"))
        return str(told["run"]["started_utc"])
    except (OSError, ValueError, KeyError, TypeError):
        written = time.gmtime((folder / "runs.csv").stat().st_mtime)
        return time.strftime("%Y-%m-%dT%H:%M:%SZ", written)
