"""Does growbench measure right on this machine, and how exactly? With a verdict in plain words."""

import argparse
import os
import sys
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import Sequence

from growbench.data.errors import UsageError
from growbench.command_line import packages

with packages.imports():
    from growbench.command_line import entry
    from growbench.comparison import live
    from growbench.data.files import atomic_writer
    from growbench.selftest import document
    from growbench.selftest.bench import Bench
    from growbench.selftest.check import Check
    from growbench.selftest.outcome import CannotTell, Finding, Outcome, PASSED, UNKNOWN
    from growbench.selftest.checks import CHECKS
    from growbench.selftest import check_aa as aa
    from growbench.selftest.document import Report, Result

# Comparisons cut them into pairs of as many rounds as their runs have.
ROUNDS = 40
RESULTS = Path("results")
EXAMPLES = """\
  growbench selftest                                     all checks, under two minutes
  growbench selftest --only clock peak                   some of them; nothing is kept then
  growbench selftest --allocator mine=/opt/lib/libmine.so
  growbench selftest --json > selftest.json

What is found is kept in results/selftest-MACHINE: selftest.json, and the run of the A/A check if
that passed, from which comparisons take their threshold as from one of `make aa`.

exit status: 0 all is right, 1 a check failed, 2 usage, 4 something could not be told
"""


def main(arguments: Sequence[str]) -> int:
    options = parse(arguments)
    checks = [check for check in CHECKS if not options.only or check.name in options.only]
    if options.out:
        refuse_to_replace(Path(options.out))
    place = Path(options.out).absolute().parent if options.out else RESULTS
    with Bench(
        Path(options.runner), place, options.rounds, options.allocators, options.allocator
    ) as bench:
        report = made(bench, checks)
        is_of_use = report.is_whole and report.machine_id
        kept = keep(report, bench, options.out) if is_of_use else None
    text = (
        document.as_json(report)
        if options.json
        else document.as_terminal(report, entry.in_colour(options.color))
    )
    entry.put(text)
    if kept:
        print(f"kept in {kept}", file=sys.stderr)
    return report.status


def refuse_to_replace(out: Path) -> None:
    """Raise UsageError for something that is there and is no older self-test."""
    if out.exists() and not (out / document.FILE).is_file():
        raise UsageError(f"{out} is there, and is no self-test; give another --out")


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = entry.parser(
        __name__,
        "Measure things whose truth is known, and say whether growbench can be trusted here.",
        EXAMPLES,
    )
    parser.add_argument(
        "--only",
        nargs="+",
        choices=[check.name for check in CHECKS],
        metavar="CHECK",
        help="of %(choices)s (default: all)",
    )
    parser.add_argument(
        "--rounds",
        type=int,
        default=ROUNDS,
        help="of the A/A check and of the planted slowdown (default: %(default)s)",
    )
    parser.add_argument(
        "--allocators",
        type=lambda text: text.split(","),
        metavar="LIST",
        help="to check (default: all that are found)",
    )
    parser.add_argument(
        "--allocator",
        action="append",
        default=[],
        metavar="NAME=BASE",
        help="one more, as for growbench run; may be repeated",
    )
    parser.add_argument(
        "--out", metavar="DIR", help="where to keep it (default: results/selftest-MACHINE)"
    )
    parser.add_argument(
        "--runner", default=entry.RUNNER, metavar="FILE", help="default: %(default)s"
    )
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.add_argument("--color", choices=("auto", "always", "never"), default="auto")
    options = parser.parse_args(arguments)
    if options.rounds < 1:
        parser.error("--rounds must be at least 1")
    return options


def made(bench: Bench, checks: Sequence[Check]) -> Report:
    """Make the checks, with a line of progress for each."""
    started = datetime.now(timezone.utc)
    start = time.monotonic()
    results = []
    for check in checks:
        print(f"{check.name}: {check.title} ... ", end="", file=sys.stderr, flush=True)
        began = time.monotonic()
        try:
            outcome = check.run(bench)
        except CannotTell as reason:
            outcome = Outcome(
                [Finding(check.title, str(reason), UNKNOWN, "growbench doctor says more")]
            )
        result = Result(check, outcome, time.monotonic() - began)
        print(f"{outcome.verdict} ({result.seconds:.1f} s)", file=sys.stderr, flush=True)
        results.append(result)
    return Report(
        bench.machine_id,
        f"{started:%Y-%m-%dT%H:%M:%SZ}",
        time.monotonic() - start,
        results,
        len(checks) == len(CHECKS),
    )


def keep(report: Report, bench: Bench, out: str) -> Path:
    """Put selftest.json into a folder of its own in place of an older one, beside the run of the
    A/A check, if that passed: comparisons take a run that lies there for an experiment."""
    kept = Path(out) if out else RESULTS / f"{live.EXPERIMENTS[1]}-{report.machine_id}"
    made = bench.folder / "kept"
    passed = {result.check.name for result in report.results if result.outcome.verdict == PASSED}
    if report.status != document.BROKEN and aa.RUN in passed:
        os.rename(bench.runs[aa.RUN].folder, made)
    else:
        made.mkdir()
    with atomic_writer(made / document.FILE) as stream:
        stream.write(document.as_json(report))
    return live.take_place(made, kept)
