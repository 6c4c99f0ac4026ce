"""Measure the same build again and again: which differences between two runs mean nothing here."""

import argparse
import json
import shlex
import sys
from datetime import datetime, timezone
from pathlib import Path
from typing import Optional, Sequence

from growbench.data.errors import UsageError
from growbench.command_line import packages

with packages.imports():
    from growbench.analysis import host
    from growbench.command_line import entry, progress, runner
    from growbench.comparison import output, pair, same_build
    from growbench.comparison.run import Run, read_all
    from growbench.data.description import fact
    from growbench.data.metrics import HEADLINES, METRICS, metric

RUNS = 5
EXAMPLES = """\
  growbench aa                                     five runs of the default preset
  growbench aa --runs 10 -- --preset quick         ten short ones
  growbench aa --runs 8 --out results/aa-runs-x    goes on with what is there

Each run lies in a folder of its own in DIR. growbench compare finds them there, beside what it
compares, and takes from them what two runs of one build differ by. Within a run, interleaved, that
is measured by growbench compare-live --aa.

exit status: 0, or 2 for usage and for a run that could not be made
"""


def main(arguments: Sequence[str]) -> int:
    options = parse(arguments)
    folder = Path(options.out or f"results/aa-runs-{datetime.now(timezone.utc):%Y%m%dT%H%M%SZ}")
    places = [folder / f"run-{number:02}" for number in range(1, options.runs + 1)]
    try:
        for number, place in enumerate(places, start=1):
            if not is_whole(place):
                entry.note(f"run {number} of {options.runs}: {place}")
                measure(options, place)
            check_same(places[0], place)
    except KeyboardInterrupt:
        words = shlex.join(["--", *options.words]) if options.words else ""
        entry.note(
            f"what was measured is kept; go on with: growbench aa --runs {options.runs} "
            f"--out {shlex.quote(str(folder))} {words}".rstrip()
        )
        raise
    progress.current.step("reading")
    wanted = [metric(name) for name in dict.fromkeys(options.metric)]
    runs = read_all(places, pair.columns(wanted) | host.COLUMNS)
    entry.put(as_text(runs, folder, options))
    print(f"measured in {folder}", file=sys.stderr)
    return 0


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """The options, and in `words` what stands behind --, for the runner."""
    arguments = list(arguments)
    place = arguments.index("--") if "--" in arguments else len(arguments)
    parser = entry.parser(
        __name__,
        "Make runs of the same build one after the other, and say what they differ by.",
        EXAMPLES,
    )
    parser.add_argument("--runs", type=int, default=RUNS, metavar="N", help="default: %(default)s")
    parser.add_argument(
        "--out",
        metavar="DIR",
        help="where the runs' folders are, or will be (default: results/aa-runs-UTC); runs that "
        "are whole are kept, and one that was interrupted is gone on with",
    )
    parser.add_argument(
        "--metric",
        nargs="+",
        choices=[row.name for row in METRICS],
        default=list(HEADLINES),
        metavar="NAME",
        help="of %(choices)s (default: " + " ".join(HEADLINES) + ")",
    )
    parser.add_argument(
        "--format", choices=list(output.FORMATS), default="terminal", help="default: %(default)s"
    )
    parser.add_argument("--color", choices=("auto", "always", "never"), default="auto")
    parser.add_argument(
        "--runner", default=entry.RUNNER, metavar="FILE", help="default: %(default)s"
    )
    options = parser.parse_args(arguments[:place])
    options.words = arguments[place + 1 :]
    if options.runs < 2:
        parser.error("--runs must be at least 2: one run differs from none")
    for word in options.words:
        if word.split("=", 1)[0] in ("--out", "--resume", "--overwrite"):
            parser.error(f"{word} is not for behind --; say where with --out before it")
    return options


def described(place: Path) -> Optional[dict]:
    """machine.json of a run's folder; None if it has none. Raises UsageError for one that cannot be
    read."""
    path = place / "machine.json"
    if not path.is_file():
        return None
    try:
        machine = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{path} cannot be read: {error}; move {place} away") from None
    return machine if isinstance(machine, dict) else None


def is_whole(place: Path) -> bool:
    """Is there a run that came to its end?"""
    return fact(described(place), "run", "state") == "complete"


def measure(options: argparse.Namespace, place: Path) -> None:
    """Let the runner make the run, or go on with it. Raises UsageError if it could not."""
    begun = (place / "runs.csv").is_file() and described(place) is not None
    if not begun and place.exists() and any(place.iterdir()):
        raise UsageError(f"{place} is no run; move it away, or choose another --out")
    how = ["--resume", str(place)] if begun else ["--out", str(place), *options.words]
    command = [options.runner, "run", *how]
    status = runner.run(command).returncode
    if not is_whole(place):
        raise UsageError(f"{shlex.join(command)}: ended in {status}")


def check_same(first: Path, place: Path) -> None:
    """Raises UsageError where a run is of another build, or was asked for something else, than the
    first."""
    one, other = (same_build.identity(described(of)) or {} for of in (first, place))
    differ = sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))
    if differ:
        raise UsageError(
            f"{place} and {first} are not of the same build and plan ({', '.join(differ)}); choose "
            "another --out"
        )


def as_text(runs: Sequence[Run], folder: Path, options: argparse.Namespace) -> str:
    """What the runs differ by."""
    names = dict.fromkeys(options.metric)
    found = [same_build.differences([runs], metric(name)) for name in names]
    document = same_build.document(found, str(folder))
    return output.FORMATS[options.format]([document], entry.in_colour(options.color))
