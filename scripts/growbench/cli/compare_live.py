"""Measure two versions, builds, allocators or environments in one run, and compare them."""

import argparse
import os
import shutil
import sys
import tempfile
from datetime import datetime, timezone
from pathlib import Path
from typing import Optional, Sequence

from growbench.data.errors import UsageError
from growbench.command_line import packages

with packages.imports():
    from growbench.command_line import entry, runner
    from growbench.data import load
    from growbench.comparison import confirmation, live, live_page, output, pair, pairing
    from growbench.comparison import same_machine
    from growbench.comparison.live import DUET, INTERLEAVED
    from growbench.comparison.pairing import Choice
    from growbench.comparison.side import Side, allocator_options, read_side
    from growbench.comparison.verdict import INCONCLUSIVE
    from growbench.data.columns import INSTRUCTIONS, MEASURE, TRACE
    from growbench.data.description import fact
    from growbench.data.implementations import COMPILED
    from growbench.data.statuses import UNAVAILABLE
    from growbench.data.text import printable

ALLOCATORS = "glibc"
ROUNDS = 20
OWN_BUILD = "this build"
AUTO = "auto"
# What tells which pairing suits this machine, in a few seconds: cells that fit a cache, and do not.
CALIBRATION_ROUNDS = 12
CALIBRATION = (
    *("--implementations", "c", "--strategies", "realloc_doubling,chunked_list"),
    *("--rows", "1k,30k", "--row-bytes", "80", "--quiet", "--no-summary"),
)
# What tells whether both sides can be measured at all, before anything is.
TRIAL = (
    *("--implementations", "c", "--strategies", "realloc_doubling", "--rows", "1"),
    *("--row-bytes", "80", "--rounds", "1", "--quiet", "--no-summary"),
)
EXAMPLES = """\
  growbench compare-live --base old=/opt/old/libjemalloc.so.2 --new new=/opt/new/libjemalloc.so.2
  growbench compare-live --allocator old=/opt/old/libmine.so --allocator new=/opt/new/libmine.so
  growbench compare-live --base build-before --new build                    two builds
  growbench compare-live --base build-before --allocators glibc,jemalloc    against build/
  growbench compare-live --base jemalloc --new mimalloc                     two allocators
  growbench compare-live --new GLIBC_TUNABLES=glibc.malloc.hugetlb=1        an environment
  growbench compare-live --base mimalloc --new mimalloc,MIMALLOC_PURGE_DELAY=-1
  growbench compare-live --new build-after -- --strategies realloc_doubling --rows 1k,1M
  growbench compare-live --new build-after --pairing duet     both sides at once, on two CPUs
  growbench compare-live --aa                        what equal things look like on this machine

Both sides are timed next to each other in every round, and each cell is counted once: what changed
exactly. Families that look slower or faster are timed once more, and judged on these fresh data
alone. Words behind -- go to `growbench run`. `growbench compare FOLDER` says it all again.

exit status: 0 no regression, 1 regression (a count, or a time), 2 usage, 3 not comparable,
4 inconclusive
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
    if not options.aa:
        check_there(options, compared)
    folder = Path(options.out or default_folder())
    choice = choose_pairing(options, base)
    chosen = choice.chosen if choice else options.pairing
    paired = [*compared, "--pairing", chosen]
    words = [*paired, "--rounds", str(pairing.rounds(chosen, options.rounds)), *options.words]
    is_whole = measure(options, folder, words)
    names = (called(options.base, base), called(options.new, new))
    live_page.keep(folder, ("itself", "a build") if options.aa else names, choice, options.resolve)
    if options.aa:
        document, folder = of_itself(folder, request)
    else:
        count(options, folder, compared)
        first = live_page.read(folder)
        settings, origin = live_page.thresholds(first, request, folder, options.aa_run)
        confirm(options, paired, folder, first, request, settings)
        document = live_page.page(live_page.read(folder), request, settings, origin)
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
        "Measure two versions of an allocator, two builds, two allocators or two environments in "
        "one run, and compare them.",
        EXAMPLES,
    )
    add_sides(parser)
    parser.add_argument(
        "--rounds",
        type=lambda text: text if text == AUTO else int(text),
        default=ROUNDS,
        metavar="N",
        help="default: %(default)s; auto: as many, and what they leave open is timed once more, in "
        f"as many rounds as its intervals need, up to {confirmation.MOST_TIMES} times as many",
    )
    parser.add_argument(
        "--pairing",
        choices=(AUTO, INTERLEAVED, DUET),
        default=AUTO,
        help="time one worker after the other, or one of each side at once on two CPUs; auto: a "
        "few seconds of equal things tell which suits this machine (default: %(default)s)",
    )
    parser.add_argument(
        "--no-counts",
        action="store_true",
        help="leave out what changed exactly: calls, copies, system calls, instructions",
    )
    parser.add_argument("--out", metavar="DIR", help="folder of the run")
    parser.add_argument(
        "--runner", default=entry.RUNNER, metavar="FILE", help="default: %(default)s"
    )
    pair.add_arguments(parser, list(output.FORMATS))
    options = parser.parse_args(arguments)
    options.words = words
    options.resolve = options.rounds == AUTO
    options.rounds = ROUNDS if options.resolve else options.rounds
    if options.allocator:
        if len(options.allocator) != 2 or options.base or options.new:
            parser.error("--allocator is given twice, the base first, in place of --base and --new")
        options.base, options.new = options.allocator
    if options.aa and (options.base or options.new):
        parser.error("--aa compares the build with itself: leave out --base and --new")
    if not options.aa and read_side(options.base)[:2] == read_side(options.new)[:2]:
        parser.error("--base and --new are the same; --aa compares a build with itself")
    if options.rounds < 1:
        parser.error("--rounds must be at least 1")
    return options


def add_sides(parser: argparse.ArgumentParser) -> None:
    """The options that say what is compared."""
    parser.add_argument(
        "--base",
        default="",
        metavar="[NAME=]SIDE",
        help="a build's folder, an allocator as for growbench run --allocator (a library's path or "
        "a known name), or VAR=VALUE[,...]; left out: the build itself. NAME, which begins with a "
        "small letter, is what it is called",
    )
    parser.add_argument("--new", default="", metavar="[NAME=]SIDE", help="the same")
    parser.add_argument(
        "--allocator",
        action="append",
        metavar="NAME=BASE",
        help="given twice, as for growbench run: the same as --base and --new",
    )
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


def default_folder() -> str:
    return f"results/live-{datetime.now(timezone.utc):%Y%m%dT%H%M%SZ}"


def called(asked: str, side: Side) -> str:
    """What a side is called on the page."""
    return side.name or asked or OWN_BUILD


def measure(
    options: argparse.Namespace,
    folder: Path,
    words: Sequence[str],
    passes: str = MEASURE,
    kept: bool = True,
) -> bool:
    """Let the runner measure both sides into `folder`. False if something that was asked for has
    no row that was measured. kept: the folder is the user's. Raises UsageError if the runner could
    not go on."""
    command = [options.runner, "run", "--passes", passes, "--out", str(folder), *words]
    try:
        return runner.run(command).returncode != runner.UNMEASURED
    except KeyboardInterrupt:
        if kept:
            print(f"what was measured is kept: growbench run --resume {folder}", file=sys.stderr)
        raise


def check_there(options: argparse.Namespace, compared: Sequence[str]) -> None:
    """Raises UsageError where the library of one side is not there, so that the other would be
    measured for nothing, or that of both. What is there under some allocators is compared."""
    with tempfile.TemporaryDirectory() as folder:
        measure(options, Path(folder) / "trial", [*compared, *TRIAL], kept=False)
        rows = load.read_runs(Path(folder) / "trial", ["status_detail"])
    both = live.sides(rows)
    assert both is not None
    lacking = [side[side["status"] == UNAVAILABLE] for side in both]
    names = [set(side["allocator"]) for side in lacking]
    alone = names[0] ^ names[1] or (names[0] if len(lacking[0]) == len(both[0]) else set())
    for rows, asked in zip(lacking, ("--base", "--new")):
        for _, row in rows[rows["allocator"].isin(alone)].iterrows():
            given = getattr(options, asked[2:]) or OWN_BUILD
            under = "" if row["allocator"] == live.ALONE else f" under {row['allocator']}"
            why = printable(row["status_detail"])
            raise UsageError(f"{asked} {given} cannot be measured{under}: {why}")


# ---- how the two workers of a pair stand to each other ----


def choose_pairing(options: argparse.Namespace, base: Side) -> Optional[Choice]:
    """What auto comes to here; None where the user chose."""
    if options.pairing != AUTO:
        return None
    if len(os.sched_getaffinity(0)) < 2:
        return Choice(INTERLEAVED, {}, "a duet needs two CPUs, and this process may use one")
    # What one side is made of, against itself.
    same = allocator_options(base, base, options.allocators.split(",")[:1])
    spreads = {}
    with tempfile.TemporaryDirectory() as folder:
        for way in (INTERLEAVED, DUET):
            place = Path(folder) / way
            rounds = str(pairing.rounds(way, CALIBRATION_ROUNDS))
            words = [*same, *CALIBRATION, "--pairing", way, "--rounds", rounds]
            measure(options, place, words, kept=False)
            runs = load.read_runs(place)
            spreads[way] = pairing.spread(pairing.crossed(runs) if way == DUET else runs)
    choice = pairing.choose(spreads)
    print(choice.sentence(), file=sys.stderr)
    return choice


# ---- what is counted ----


def count(options: argparse.Namespace, folder: Path, compared: Sequence[str]) -> None:
    """Let the runner count each cell of both sides once, beside what was timed. That something
    cannot be counted here is told on the page, and is no failure."""
    if options.no_counts:
        return
    passes = [TRACE, INSTRUCTIONS] if shutil.which("valgrind") else [TRACE]
    words = [*compared, *options.words, "--rounds", "1", "--no-summary"]
    measure(options, folder / live.COUNTED, words, ",".join(passes))


# ---- what is judged ----


def confirm(
    options: argparse.Namespace,
    paired: Sequence[str],
    folder: Path,
    first: live_page.Live,
    request: pair.Request,
    settings: same_machine.Settings,
) -> None:
    """Measure the flagged families once more, if there are any, into a folder of their own."""
    runs = first.timed
    found = same_machine.compare(*pair.both_sides(runs), request.metrics, settings)
    wanted = confirmation.flagged(found)
    if wanted.empty:
        return
    rounds = confirmation.rounds_needed(wanted, options.rounds, found)
    also = ", or are open" if options.resolve else ""
    print(
        f"{len(wanted)} families look slower or faster{also}: measuring them once more, {rounds} "
        "rounds",
        file=sys.stderr,
    )
    strategies = ",".join(sorted(set(wanted["strategy"])))
    made = str(pairing.rounds(live.pairing_of(first.machine), rounds))
    words = [*paired, *options.words, "--strategies", strategies, "--rounds", made]
    if not runs["implementation"].isin(COMPILED).all():
        # Otherwise each implementation that has one of these names would be measured again.
        words += ["--implementations", ",".join(sorted(set(wanted["implementation"])))]
    # Another seed, another order: what the first order did to a cell is not done to it again.
    seed = (fact(first.machine, "run", "seed", type=int) or 0) + 1
    measure(options, folder / live.CONFIRMATION, [*words, "--seed", str(seed)])


def of_itself(folder: Path, request: pair.Request) -> tuple[output.Document, Path]:
    """An A/A experiment: whatever differs is noise, and sets the thresholds of this machine. The
    document, and the folder where it is kept from now on."""
    found = live_page.read(folder)
    settings, origin = pair.settings_for(request, found.timed, True, [found.timed])
    document = live_page.page(found, request, settings, origin)
    kept = folder.with_name(f"{live.EXPERIMENTS[0]}-{found.runs['machine_id'].iloc[0]}")
    return document._replace(status=0), live.take_place(folder, kept)
