"""Replay a recorded program under each allocator: time and peak memory."""

import argparse
import re
import subprocess
from datetime import datetime, timezone
from pathlib import Path
from typing import Sequence

from growbench.data.errors import UsageError
from growbench.command_line import packages

with packages.imports():
    from growbench.analysis import replays
    from growbench.command_line import entry
    from growbench.data import description, load
    from growbench.tables import formats

# Exit statuses of the runner with which there are rows to show.
DONE, SOME_WORKERS_FAILED, UNMEASURED, INTERRUPTED = 0, 3, 4, 130
FORMATS = {
    "terminal": lambda table: formats.as_terminal(table, entry.in_colour()),
    "markdown": formats.as_markdown,
    "json": lambda table: formats.to_json({table.name: formats.as_records(table)}),
    "csv": formats.as_csv,
}
EXAMPLES = """\
  growbench replay sqlite3.profile
  growbench replay sqlite3.profile --allocators glibc,jemalloc --rounds 12
  growbench replay sqlite3.profile --allocator lazy=jemalloc,MALLOC_CONF=dirty_decay_ms:-1
  growbench replay sqlite3.profile --process 2 --out results/third-process
  growbench replay results/replay-sqlite3-20260131T235959Z      the page of a run that is there

Words behind PROFILE go to `growbench run`, whose run this is: six rounds of all allocators that are
installed, each in processes of its own, times, peaks and traces; so plot, report, compare and
export know it. Calls, sizes, order, lifetimes and threads are replayed; computation, caches and
the timing of threads are not.
"""


def main(arguments: Sequence[str]) -> int:
    options, words = parse(arguments)
    status = DONE
    folder = Path(options.profile)
    if folder.is_dir():
        if words:
            raise UsageError(f"{folder} is a run that is there; it takes no {words[0]}")
    else:
        folder, status = measure(options, words)
    if status not in (DONE, SOME_WORKERS_FAILED, UNMEASURED):
        return status
    table = replays.replay_table(load.read_runs(folder), description.read_machine(folder))
    entry.put(FORMATS[options.format](table))
    return status


def parse(arguments: Sequence[str]) -> tuple[argparse.Namespace, list[str]]:
    """The options, and the words for the runner."""
    parser = entry.parser(
        __name__,
        "Ask each allocator for what a recorded program asked for, and say what that takes.",
        EXAMPLES,
    )
    parser.add_argument(
        "profile",
        metavar="PROFILE",
        help="what growbench record wrote; or the folder of a replay's run, whose page is shown",
    )
    parser.add_argument(
        "--out", metavar="DIR", help="folder of the run (default: results/replay-NAME-TIME)"
    )
    parser.add_argument(
        "--format",
        choices=list(FORMATS),
        default="terminal",
        help="of the page (default: %(default)s); JSON and CSV are in full precision",
    )
    parser.add_argument(
        "--runner", default=entry.RUNNER, metavar="FILE", help="default: %(default)s"
    )
    # Shortened options would be taken for the runner's, or the other way round.
    parser.allow_abbrev = False
    options, words = parser.parse_known_args(arguments)
    packages.require()
    return options, words


def measure(options: argparse.Namespace, words: Sequence[str]) -> tuple[Path, int]:
    """Let the runner replay the profile: the run's folder, and its exit status."""
    folder = Path(options.out or default_folder(options.profile))
    # By its whole path, so that the run can be gone on with from anywhere.
    profile = Path(options.profile).absolute()
    command = [options.runner, "run", "--profile", str(profile), "--out", str(folder), *words]
    try:
        done = subprocess.run(command, stdout=subprocess.DEVNULL, check=False)
    except OSError as error:
        raise UsageError(f"{options.runner}: {error.strerror}; build it with: make build") from None
    except KeyboardInterrupt:
        return folder, INTERRUPTED
    return folder, done.returncode


def default_folder(profile: str) -> str:
    name = re.sub(r"[^A-Za-z0-9_.-]", "-", Path(profile).stem)
    return f"results/replay-{name}-{datetime.now(timezone.utc):%Y%m%dT%H%M%SZ}"
