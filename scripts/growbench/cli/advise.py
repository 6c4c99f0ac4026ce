"""Say which allocator to take, for an array or for a program that was recorded, and why."""

import argparse
import re
import subprocess
import time
from pathlib import Path
from typing import Callable, Optional, Sequence, Union

from growbench.data.errors import UsageError
from growbench.command_line import packages

with packages.imports():
    from growbench.advice.advise import Advice, advise
    from growbench.advice.case import Case, TIME, WEIGHTS
    from growbench.advice.profile import Profile, find_replay, is_profile, read_profile
    from growbench.advice.program import ProgramAdvice, Wish, advise_program, check_digest
    from growbench.command_line import entry
    from growbench.command_line import runs as chosen_run
    from growbench.tables import formats
    from growbench.data.columns import COLUMNS
    from growbench.comparison.run import Run, read_run
    from growbench.data.counts import LARGEST, parse_count
    from growbench.data.metrics import METRICS

EXAMPLES = """\
  growbench advise results/my-run --rows 25k --row-bytes 80
  growbench advise --rows 1M --row-bytes 8 --known-rows           of the newest run in results/
  growbench advise --rows 10000 --row-bytes 80 --allocator glibc  "I cannot change my allocator"
  growbench advise --rows 10000 --row-bytes 80 --implementation c,cpp --contiguous --weight peak
  growbench advise --rows 10000 --row-bytes 80 --implementation numpy   "I am writing Python"
  growbench advise --rows 10000 --row-bytes 80 --warm --json
  growbench advise my.profile                       of a program: growbench record made the file
  growbench advise my.profile --replay              and replays it first
  growbench advise my.profile --run results/replay-my --weight peak --markdown

Of a program it also says which blocks grew, and what allocating them at their largest size at once
would save. Its figures are those of the newest replay of that file in results/, unless --run is
given.

Of an array: unless --known-rows is given, the number of rows is taken to be unknown when building
begins, so that nothing can be allocated beforehand; what there is otherwise is said as well. Unless
--implementation is given, only compiled code is meant: C, C++, GLib and uthash.
"""


def main(arguments: Sequence[str]) -> None:
    options = parse(arguments)
    of_program = bool(options.run) and is_profile(Path(options.run))
    check(options, of_program)
    found: Union[Advice, ProgramAdvice]
    found = about_program(options) if of_program else about_array(options)
    entry.put(as_text(found, options))


def check(options: argparse.Namespace, of_program: bool) -> None:
    """Raises UsageError for what is missing, or is of the other question."""
    rows = {"--rows": options.rows, "--row-bytes": options.row_bytes}
    missing = [name for name, value in rows.items() if value is None]
    if not of_program and missing:
        if options.run and not Path(options.run).exists():
            raise UsageError(f"{options.run}: no such file or folder")
        raise UsageError(f"{' and '.join(missing)} missing; see growbench advise --help")
    of_arrays = {
        **rows,
        "--known-rows": options.known_rows,
        "--unknown-rows": options.unknown_rows,
        "--contiguous": options.contiguous,
        "--implementation": options.implementation,
        "--strategy": options.strategy,
        "--work": options.work,
        "--threads": options.threads != 1,
    }
    of_programs = {
        "--run": options.of_run,
        "--replay": options.replay,
        "--process": options.process is not None,
    }
    for name, given in (of_arrays if of_program else of_programs).items():
        if given:
            what = "an array, and this is a profile" if of_program else "a profile of a program"
            raise UsageError(f"{name} is for {what}; leave it out")


def as_text(found: Union[Advice, ProgramAdvice], options: argparse.Namespace) -> str:
    """The answer for whoever reads it."""
    if options.json:
        return formats.to_json(found.records())
    said = [*found.sentences, *(f"! {warning}" for warning in found.warnings)]
    if options.markdown:
        parts = [*map(formats.escape_markdown, said), *map(formats.as_markdown, found.tables)]
        return "\n\n".join(parts)
    colour = entry.in_colour()
    tables = "\n".join(formats.as_terminal(table, colour) for table in found.tables)
    return "\n".join([*said, "", tables])


# ---- a program that was recorded ----


def about_program(options: argparse.Namespace) -> ProgramAdvice:
    """What its profile and a run of its replay tell."""
    profile = read_profile(Path(options.run), options.process, entry.RUNNER)
    run = run_of(profile, options)
    return advise_program(profile, run, Wish(options.weight, options.warm, options.allocator))


def run_of(profile: Profile, options: argparse.Namespace) -> Optional[Run]:
    """The run that was given, or made, or the newest one there is."""
    path = Path(options.of_run) if options.of_run else find_replay(profile, chosen_run.HERE)
    if options.replay:
        path = replay(profile, options.process)
    if path is None:
        return None
    if not options.of_run:
        entry.note(f"of the replay {path}")
    run = read_run(path)
    check_digest(run, profile)
    return run


def replay(profile: Profile, process: Optional[int]) -> Path:
    """Measures it under each allocator; raises UsageError if that fails."""
    name = re.sub(r"[^\w.-]", "-", profile.path.stem)
    folder = chosen_run.HERE / f"replay-{name}-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}"
    command = [entry.RUNNER, "replay", str(profile.path), "--out", str(folder)]
    command += [] if process is None else ["--process", str(process)]
    done = subprocess.run(command, stdout=subprocess.DEVNULL, check=False)
    # 3 and 4: the run is there, and some of it is missing.
    if done.returncode not in (0, 3, 4) or not folder.is_dir():
        raise UsageError(f"{' '.join(command)} ended in {done.returncode}, without a run")
    return folder


# ---- an array ----


def about_array(options: argparse.Namespace) -> Advice:
    """What a run tells of so many rows."""
    chosen_run.given(options, chosen_run.REFERENCE)
    case = Case(
        rows=options.rows,
        row_bytes=options.row_bytes,
        weight=options.weight,
        warm=options.warm,
        known_rows=options.known_rows,
        contiguous=options.contiguous,
        implementation=options.implementation,
        strategy=options.strategy,
        allocator=options.allocator,
        threads=options.threads,
        work=options.work,
    )
    if case.payload_bytes > LARGEST:
        raise UsageError("rows x row bytes x threads is more than 2^64 bytes; ask for less")
    return advise(read_run(Path(options.run), columns=needed_columns()), case)


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = entry.parser(__name__, "Say what to take, and why.", EXAMPLES)
    parser.add_argument(
        "run",
        metavar="RUN|PROFILE",
        nargs="?",
        help="a run's folder or its runs.csv (default: the newest in results/), or the profile of "
        "a program",
    )
    for name, about in (("--rows", "such as 10k or 1M"), ("--row-bytes", "of each row")):
        parser.add_argument(name, type=count_of(name), metavar="N", help=about)
    program = parser.add_argument_group("of a program")
    program.add_argument(
        "--run", dest="of_run", metavar="RUN", help="a run that replayed it, instead of the newest"
    )
    program.add_argument("--replay", action="store_true", help="replay it now")
    program.add_argument(
        "--process", type=int, metavar="N", help="of its processes (default: that with most events)"
    )
    parser.add_argument(
        "--weight",
        choices=WEIGHTS,
        default=TIME,
        help="what matters: time of build and release, peak memory, or the tail of single appends "
        "(default: %(default)s)",
    )
    parser.add_argument(
        "--warm", action="store_true", help="time in the steady state, not in a fresh process"
    )
    knowing = parser.add_mutually_exclusive_group()
    knowing.add_argument(
        "--known-rows", action="store_true", help="the number of rows is known beforehand"
    )
    knowing.add_argument(
        "--unknown-rows", action="store_true", help="it is not, which is the default"
    )
    parser.add_argument(
        "--contiguous",
        action="store_true",
        help="only strategies whose rows lie in one block in the end",
    )
    for key in ("implementation", "strategy", "allocator"):
        parser.add_argument(
            f"--{key}", type=names, default=(), metavar="LIST", help=f"only this {key}: A,B,..."
        )
    parser.add_argument("--threads", type=count_of("--threads"), default=1, metavar="N")
    parser.add_argument("--work", default="", metavar="NAME", help="how rows are made")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--json", action="store_true", help="for programs")
    how.add_argument("--markdown", action="store_true", help="for a page")
    return parser.parse_args(arguments)


def count_of(what: str) -> Callable[[str], int]:
    """Reads a number for argparse; what is wrong with it is said as the runner says it."""

    def read(text: str) -> int:
        try:
            return parse_count(text)
        except ValueError as error:
            raise UsageError(f"{what}: {error}") from None

    return read


def names(text: str) -> tuple[str, ...]:
    """A,B,C"""
    return tuple(part for part in text.split(",") if part)


def needed_columns() -> list[str]:
    """Of a run's columns those that the answer is made of."""
    told = [column.name for column in COLUMNS if column.name.startswith("latency_")]
    told += [name for metric in METRICS for name in metric.needed]
    return [*dict.fromkeys(told), "payload_bytes", "peak_resolution_bytes", "status_detail"]
