"""Compare two allocators, strategies or implementations within one run, cell by cell."""

from typing import Sequence

from growbench.data.errors import UsageError
from growbench.command_line import packages

with packages.imports():
    import pandas as pd

    from growbench.analysis import pair_comparison
    from growbench.command_line import entry
    from growbench.data import load, metrics
    from growbench.data.columns import MEASURE

EXAMPLES = """\
  growbench compare-within results/my-run jemalloc glibc
  growbench compare-within results/my-run jemalloc glibc --metric peak_memory
  growbench compare-within results/a-a-check a b --threshold 5
  growbench compare-within results/my-run realloc_doubling std_vector --metric warm_build_release
  growbench compare-within results/my-run loop_and_append preallocate_zeroed --metric cold_build
  growbench compare-within results/my-run "numpy np_append" "numpy loop_and_append"
  growbench compare-within results/my-run numpy c

The ratio is A / B: below 1, A needs less. It is the median over the rounds, each of which
measured A and B; two allocators next to each other. Two labels for the same allocator show how
far apart equal things seem to be here. Strategies are compared within each implementation that
has both, such as C and NumPy, and implementations in the strategies that both have.
"""


def main(arguments: Sequence[str]) -> None:
    names = [row.name for row in metrics.METRICS]
    parser = entry.parser(
        __name__,
        "Compare A with B, two allocators, strategies or implementations, within one run.",
        EXAMPLES,
    )
    parser.add_argument("run", metavar="RUN", help="a run's folder, or its runs.csv")
    parser.add_argument("a", metavar="A", help="an allocator, a strategy or an implementation")
    parser.add_argument("b", metavar="B", help="another one")
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
    measured = runs[runs["pass"] == MEASURE]
    if measured.empty:
        raise UsageError(
            f"{load.runs_path(options.run)} has no rows of the measure pass; give a run that has"
        )
    of = kind_of(options, known_names(measured))
    for name in dict.fromkeys(options.metric or metrics.HEADLINES):
        metric = metrics.metric(name)
        table = pair_comparison.compare_pairs(runs, options.a, options.b, metric, of)
        entry.tell(f"{metric.label} ({metric.name}), {options.a} / {options.b}")
        if table.empty:
            entry.tell("no cell was measured with both\n")
            continue
        entry.tell(pair_comparison.as_text(table))
        beyond = pair_comparison.beyond_threshold(table["ratio"], options.threshold)
        entry.tell(
            f"{beyond.beyond_count} of {beyond.cell_count} cells ({beyond.share:.1%}) "
            f"differ by more than {options.threshold:g}%; geometric mean of the ratios "
            f"{pair_comparison.geometric_mean(table['ratio']):.3f}"
        )
        if of != pair_comparison.ALLOCATOR:
            entry.tell(by_allocator(table))
        print()


def by_allocator(table: object) -> str:
    """The geometric mean under each allocator, in one line."""
    means = [
        f"{name} {pair_comparison.geometric_mean(cells['ratio']):.3f}"
        for name, cells in table.groupby("allocator")  # type: ignore[attr-defined]
    ]
    return "by allocator: " + ", ".join(means)


def known_names(measured: pd.DataFrame) -> dict[str, list[str]]:
    """What can be compared, by its kind."""
    return {
        pair_comparison.ALLOCATOR: sorted(set(measured["allocator"])),
        pair_comparison.STRATEGY: pair_comparison.strategy_choices(
            pair_comparison.strategies_of(measured)
        ),
        pair_comparison.IMPLEMENTATION: sorted(set(measured["implementation"])),
    }


def kind_of(options: object, known: dict[str, list[str]]) -> str:
    """What A and B are. Raises UsageError if they are not the same."""
    a, b, run = options.a, options.b, options.run  # type: ignore[attr-defined]
    for kind, names in known.items():
        if a in names and b in names:
            if a == b:
                raise UsageError(f"A and B are the same {kind}; give two")
            return kind
    meant = [kind for kind, names in known.items() if a in names or b in names]
    kind = meant[0] if meant else pair_comparison.ALLOCATOR
    unknown = a if a not in known[kind] else b
    raise UsageError(
        f"no {kind} {unknown!r} in {load.runs_path(run)}; there are: {', '.join(known[kind])}"
    )


def percentage(text: str) -> float:
    """A number above 0, for argparse."""
    value = float(text)
    if not 0.0 < value < float("inf"):
        raise ValueError(text)
    return value
