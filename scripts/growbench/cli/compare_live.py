"""Measure two builds, allocators or environments in one run, interleaved, and compare them."""

import argparse
import json
import shlex
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path
from typing import Optional, Sequence

from growbench.data.errors import UsageError
from growbench.command_line import packages

with packages.imports():
    import pandas as pd

    from growbench.command_line import entry
    from growbench.data import load
    from growbench.comparison import confirmation, live, output, pair, same_machine
    from growbench.comparison.side import allocator_options, read_side
    from growbench.comparison.verdict import INCONCLUSIVE
    from growbench.data.implementations import COMPILED

ALLOCATORS = "glibc"
ROUNDS = 20
OWN_BUILD = "this build"
# Exit statuses of the runner.
SOME_WORKERS_FAILED, UNMEASURED, INTERRUPTED = 3, 4, 130
EXAMPLES = """\
  growbench compare-live --base build-before --new build                    two builds
  growbench compare-live --base build-before --allocators glibc,jemalloc    against build/
  growbench compare-live --base jemalloc --new /opt/lib/libjemalloc.so.2    two allocator files
  growbench compare-live --new GLIBC_TUNABLES=glibc.malloc.hugetlb=1        an environment
  growbench compare-live --base mimalloc --new mimalloc,MIMALLOC_PURGE_DELAY=-1
  growbench compare-live --new build-after -- --strategies realloc_doubling --rows 1k,1M
  growbench compare-live --aa                        what equal things look like on this machine

Both sides are measured next to each other in every round. Families that look slower or faster are
measured once more, and judged on these fresh data alone. Words behind -- go to `growbench run`.

exit status: 0 no regression, 1 regression, 2 usage, 3 not comparable, 4 inconclusive
"""


def main(arguments: Sequence[str]) -> int:
    options = parse(arguments)
    base, new = read_side(options.base), read_side(options.new)
    try:
        compared = allocator_options(base, new, options.allocators.split(","))
    except ValueError as error:
        raise UsageError(f"--base {options.base} --new {options.new}: {error}") from None
    request = pair.request(options)
    if options.aa_run is not None:
        # What is wrong with it is told before hours of measuring.
        load.read_runs(options.aa_run)
    folder = Path(options.out or default_folder())
    words = [*compared, "--rounds", str(options.rounds), *options.words]
    is_whole = measure(options, folder, words)
    runs = load.read_runs(folder)
    if options.aa:
        document = of_itself(runs, request)
        kept = folder.with_name(f"{live.EXPERIMENTS[0]}-{runs['machine_id'].iloc[0]}")
        folder = live.take_place(folder, kept)
    else:
        settings, origin = thresholds(options, request, runs, folder)
        fresh = confirm(options, compared, runs, folder, request, settings)
        names = (options.base or OWN_BUILD, options.new or OWN_BUILD)
        document = pair.compare_live(runs, fresh, names, request, settings, origin)
    entry.put(output.FORMATS[options.format]([document], entry.in_colour(options.color)))
    print(f"measured in {folder}", file=sys.stderr)
    if is_whole or document.status != 0:
        return document.status
    print("inconclusive: what was asked for was not all measured (see above)", file=sys.stderr)
    return INCONCLUSIVE


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    # Behind -- stand the runner's own words; argparse would mix them up with ours.
    arguments = list(arguments)
    words = []
    if "--" in arguments:
        place = arguments.index("--")
        arguments, words = arguments[:place], arguments[place + 1 :]
    parser = entry.parser(
        __name__,
        "Measure two builds, two allocators or two environments in one run, and compare them.",
        EXAMPLES,
    )
    parser.add_argument(
        "--base",
        default="",
        metavar="SIDE",
        help="a build's folder, an allocator as for growbench run --allocator, or VAR=VALUE[,...]; "
        "left out: the build itself",
    )
    parser.add_argument("--new", default="", metavar="SIDE", help="the same")
    parser.add_argument(
        "--aa",
        action="store_true",
        help="compare the build with itself, and keep the run as this machine's A/A experiment",
    )
    parser.add_argument(
        "--allocators",
        default=ALLOCATORS,
        metavar="LIST",
        help="under which to compare builds and environments (default: %(default)s)",
    )
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="default: %(default)s")
    parser.add_argument("--out", metavar="DIR", help="folder of the run")
    parser.add_argument(
        "--runner", default=entry.RUNNER, metavar="FILE", help="default: %(default)s"
    )
    pair.add_arguments(parser, list(output.FORMATS))
    options = parser.parse_args(arguments)
    options.words = words
    if options.aa and (options.base or options.new):
        parser.error("--aa compares the build with itself: leave out --base and --new")
    if not options.aa and options.base == options.new:
        parser.error("--base and --new are the same; --aa compares a build with itself")
    if options.rounds < 1:
        parser.error("--rounds must be at least 1")
    return options


def default_folder() -> str:
    return f"results/live-{datetime.now(timezone.utc):%Y%m%dT%H%M%SZ}"


def measure(options: argparse.Namespace, folder: Path, words: Sequence[str]) -> bool:
    """Let the runner measure both sides into `folder`. False if something that was asked for has
    no row that was measured. Raises UsageError if the runner could not go on."""
    command = [options.runner, "run", "--passes", "measure", "--out", str(folder), *words]
    try:
        status = subprocess.run(command, stdout=subprocess.DEVNULL, check=False).returncode
    except OSError as error:
        raise UsageError(f"{options.runner}: {error.strerror}; build it with: make build") from None
    except KeyboardInterrupt:
        status = INTERRUPTED
    if status == INTERRUPTED:
        print(f"what was measured is kept: growbench run --resume {folder}", file=sys.stderr)
        raise KeyboardInterrupt
    if status not in (0, SOME_WORKERS_FAILED, UNMEASURED):
        raise UsageError(f"{shlex.join(command)}: ended in {status}")
    return status != UNMEASURED


def thresholds(
    options: argparse.Namespace, request: pair.Request, runs: pd.DataFrame, folder: Path
) -> tuple[same_machine.Settings, str]:
    """Theta: what was asked for, what the machine's A/A experiment says, or 5%."""
    same = None
    if options.threshold is None:
        machine_id = str(runs["machine_id"].iloc[0])
        same = pair.experiment(options.aa_run, [folder], machine_id, request.metrics)
    return pair.settings_for(request, same, True, [runs])


def confirm(
    options: argparse.Namespace,
    compared: Sequence[str],
    runs: pd.DataFrame,
    folder: Path,
    request: pair.Request,
    settings: same_machine.Settings,
) -> Optional[pd.DataFrame]:
    """Fresh data of the flagged families, if there are any."""
    first = same_machine.compare(*pair.both_sides(runs), request.metrics, settings)
    wanted = confirmation.flagged(first)
    if wanted.empty:
        return None
    rounds = confirmation.rounds_needed(wanted, options.rounds, settings)
    print(
        f"{len(wanted)} families look slower or faster: measuring them once more, {rounds} rounds",
        file=sys.stderr,
    )
    again = folder / live.CONFIRMATION
    strategies = ",".join(sorted(set(wanted["strategy"])))
    words = [*compared, *options.words, "--strategies", strategies, "--rounds", str(rounds)]
    if not runs["implementation"].isin(COMPILED).all():
        # Otherwise each implementation that has one of these names would be measured again.
        words += ["--implementations", ",".join(sorted(set(wanted["implementation"])))]
    # Another seed, another order: what the first order did to a cell is not done to it again.
    seed = json.loads((folder / "machine.json").read_text(encoding="utf-8"))["run"]["seed"] + 1
    measure(options, again, [*words, "--seed", str(seed)])
    return load.read_runs(again)


def of_itself(runs: pd.DataFrame, request: pair.Request) -> output.Document:
    """An A/A experiment: whatever differs is noise, and sets the thresholds of this machine."""
    settings, origin = pair.settings_for(request, runs, True, [runs])
    document = pair.compare_live(runs, None, ("itself", "a build"), request, settings, origin)
    return document._replace(status=0)
