#!/usr/bin/env python3
"""Compare two allocators within one run, cell by cell."""

import sys
from typing import Sequence

try:
    from growbench import allocator_comparison, entry, load, metrics
except ImportError as error:
    print(f"error: {error}; install what is missing with: make setup", file=sys.stderr)
    sys.exit(2)

EXAMPLES = """\
  compare_allocators.py results/my-run jemalloc glibc
  compare_allocators.py results/my-run jemalloc glibc --metric peak_memory
  compare_allocators.py results/a-a-check a b --threshold 5

The ratio is A / B: below 1, A needs less. It is the median over the rounds, each of which
measured A and B next to each other. Two labels for the same allocator show how far apart equal
things seem to be here.
"""


def main(arguments: Sequence[str]) -> None:
    names = [row.name for row in metrics.METRICS]
    parser = entry.parser("Compare allocator A with allocator B within one run.", EXAMPLES)
    parser.add_argument("run", metavar="RUN", help="a run's folder, or its runs.csv")
    parser.add_argument("a", metavar="A", help="an allocator of the run")
    parser.add_argument("b", metavar="B", help="another allocator of the run")
    parser.add_argument(
        "--metric",
        action="append",
        choices=names,
        help=f"can be repeated (default: {' and '.join(metrics.HEADLINES)})",
    )
    parser.add_argument(
        "--threshold",
        type=percentage,
        default=5.0,
        metavar="PERCENT",
        help="count the cells that differ by more than this (default: 5)",
    )
    options = parser.parse_args(arguments)
    runs = load.read_runs(options.run)
    for allocator in (options.a, options.b):
        known = sorted(set(runs["allocator"]))
        if allocator not in known:
            raise entry.UsageError(
                f"no allocator {allocator!r} in {load.runs_path(options.run)}; "
                f"there are: {', '.join(known)}"
            )
    if options.a == options.b:
        raise entry.UsageError("A and B are the same allocator; give two labels")
    for name in dict.fromkeys(options.metric or metrics.HEADLINES):
        metric = metrics.metric(name)
        table = allocator_comparison.compare_allocators(runs, options.a, options.b, metric)
        print(f"{metric.label} ({metric.name}), {options.a} / {options.b}")
        if table.empty:
            print("no cell was measured with both\n")
            continue
        print(allocator_comparison.as_text(table))
        beyond = allocator_comparison.beyond_threshold(table["ratio"], options.threshold)
        print(
            f"{beyond.beyond_count} of {beyond.cell_count} cells ({beyond.share:.1%}) "
            f"differ by more than {options.threshold:g}%\n"
        )


def percentage(text: str) -> float:
    """A number above 0, for argparse."""
    value = float(text)
    if not 0.0 < value < float("inf"):
        raise ValueError(text)
    return value


if __name__ == "__main__":
    sys.exit(entry.run(main))
