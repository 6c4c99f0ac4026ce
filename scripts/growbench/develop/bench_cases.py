"""Measure the cases that people argue about in public: what was said, what must be, what is."""

import sys
import tempfile
from pathlib import Path
from typing import Sequence

from growbench.command_line import packages

with packages.imports():
    import numpy as np
    import pandas as pd

    from growbench.command_line import entry, progress
    from growbench.promises.public_case import Case, Figures, Ratio, Shown, Unknown, judged, measure
    from growbench.promises.public_cases import CASES, names
    from growbench.statistics.order import median_interval
    from growbench.tables import formats
    from growbench.tables.table import Column, Table

EXAMPLES = """\
  growbench bench-cases build
  growbench bench-cases build --only append-8-bytes,transposes --rounds 12
  growbench bench-cases build --small

Counts, bytes, page faults and peaks are held to what theory says; times are told as ratios of cells
that took turns, with 95% intervals from 6 rounds on, and nothing depends on them. The largest
worker needs up to 6 GiB of memory; what there is no memory for is not judged, and says so. All of
it takes some ten minutes. Exit status: 0 all that is judged is as it must be, 1 some is not, 2
usage.
"""


def main(arguments: Sequence[str]) -> int:
    parser = entry.parser(__name__, __doc__ or "", EXAMPLES)
    parser.add_argument("build", metavar="BUILD", type=Path, help="a build folder")
    parser.add_argument("--only", metavar="LIST", help=", ".join(names()))
    parser.add_argument("--rounds", type=int, default=6, help="of times (default: %(default)s)")
    parser.add_argument("--small", action="store_true", help="at the sizes of the tests")
    options = parser.parse_args(arguments)
    chosen = options.only.split(",") if options.only else names()
    if not set(chosen) <= set(names()):
        parser.error(f"--only {options.only}: there are {', '.join(names())}")
    if options.rounds < 1:
        parser.error(f"--rounds {options.rounds}: 1 or more")
    failed = 0
    for make, name in zip(CASES, names()):
        if name in chosen:
            case = make(not options.small)
            progress.current.step(name)
            with tempfile.TemporaryDirectory() as folder:
                runner = options.build / "growbench"
                figures = measure(case, runner.absolute(), Path(folder), options.rounds)
            failed += tell(case, figures)
    return int(failed > 0)


def tell(case: Case, figures: Figures) -> int:
    """Print what was said, what must be and what is; returns how many are not as they must be."""
    results = [judged(expected, figures) for expected in case.expected]
    columns = (
        Column("verdict", ""),
        Column("what", "figure"),
        Column("must", "must be"),
        Column("shown", "is"),
        Column("why", "because"),
    )
    rows = [row_of(shown) for shown in results]
    frame = pd.DataFrame(rows, columns=[column.name for column in columns])
    notes = [told(ratio, figures) for ratio in case.ratios]
    table = Table(case.name, case.title, columns, frame, notes)
    text = formats.as_terminal(table, entry.in_colour())
    title, _, rest = text.partition("\n")
    said = [f"said: {case.said}", f"in: {case.where}", *case.links]
    entry.put("\n".join([title, *(f"  {line}" for line in said), rest, ""]))
    return sum(shown.failed for shown in results)


def row_of(shown: Shown) -> dict[str, str]:
    expected = shown.expected
    if expected.least == expected.most:
        must = number(expected.least)
    elif np.isinf(expected.most):
        must = f"{number(expected.least)} or more"
    else:
        must = f"{number(expected.least)} to {number(expected.most)}"
    verdict = "NOT MET" if shown.failed else "not known" if shown.unknown else "met"
    return {
        "verdict": verdict,
        "what": expected.what,
        "must": must,
        "shown": "-" if shown.unknown else number(shown.value),
        "why": shown.unknown or expected.why,
    }


def number(value: float) -> str:
    """Whole numbers and large ones without decimals, others with four digits."""
    return f"{value:,.0f}" if value == round(value) or abs(value) >= 1000 else f"{value:.4g}"


def told(ratio: Ratio, figures: Figures) -> str:
    """Of the pairs of each round: the median, with its interval if there are enough."""
    try:
        over = figures.values(ratio.over, ratio.column)
        under = figures.values(ratio.under, ratio.column)
    except Unknown as unknown:
        return f"time, {ratio.what}: not known: {unknown}"
    pairs = pair_rounds(over, under)
    low, high = median_interval(pairs)
    interval = f" (95%: {low:.2f} to {high:.2f})" if np.isfinite(low) else ""
    rounds = f"{len(pairs)} round" + "s" * (len(pairs) > 1)
    return f"time, {ratio.what}: {np.median(pairs):.2f} times{interval}, {rounds}"


def pair_rounds(over: dict[str, float], under: dict[str, float]) -> list[float]:
    return [over[name] / under[name] for name in over if name in under]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
