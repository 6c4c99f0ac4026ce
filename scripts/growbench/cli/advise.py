"""Say which strategy and which allocator to take for an array, from what a run measured."""

import argparse
from pathlib import Path
from typing import Callable, Sequence

from growbench.data.errors import UsageError
from growbench.command_line import packages

with packages.imports():
    from growbench.advice.advise import advise
    from growbench.advice.case import Case, TIME, WEIGHTS
    from growbench.command_line import entry
    from growbench.command_line import runs as chosen_run
    from growbench.tables import formats
    from growbench.data.columns import COLUMNS
    from growbench.comparison.run import read_run
    from growbench.data.counts import LARGEST, parse_count
    from growbench.data.metrics import METRICS

EXAMPLES = """\
  growbench advise results/my-run --rows 25k --row-bytes 80
  growbench advise --rows 1M --row-bytes 8 --known-rows           of the newest run in results/
  growbench advise --rows 10000 --row-bytes 80 --allocator glibc  "I cannot change my allocator"
  growbench advise --rows 10000 --row-bytes 80 --implementation c,cpp --contiguous --weight peak
  growbench advise --rows 10000 --row-bytes 80 --implementation numpy   "I am writing Python"
  growbench advise --rows 10000 --row-bytes 80 --warm --json

Unless --known-rows is given, the number of rows is taken to be unknown when building begins, so
that nothing can be allocated beforehand; what there is otherwise is said as well. Unless
--implementation is given, only compiled code is meant: C, C++, GLib and uthash.
"""


def main(arguments: Sequence[str]) -> None:
    options = parse(arguments)
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
    found = advise(read_run(Path(options.run), columns=needed_columns()), case)
    if options.json:
        entry.put(formats.to_json(found.records()))
        return
    said = [*found.sentences, *(f"! {warning}" for warning in found.warnings), "", ""]
    entry.put("\n".join(said) + formats.as_terminal(found.ranking, entry.in_colour()))


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = entry.parser(__name__, "Say which strategy and which allocator to take.", EXAMPLES)
    chosen_run.add_argument(parser)
    for name, about in (("--rows", "such as 10k or 1M"), ("--row-bytes", "of each row")):
        parser.add_argument(name, type=count_of(name), required=True, metavar="N", help=about)
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
    parser.add_argument("--json", action="store_true", help="for programs")
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
