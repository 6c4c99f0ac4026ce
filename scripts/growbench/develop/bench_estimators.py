"""Which figure of warm builds holds still, and still sees what it has to."""

from typing import NamedTuple, Sequence

from growbench.command_line import packages

with packages.imports():
    import numpy as np
    import pandas as pd

    from growbench.command_line import entry
    from growbench.comparison.live import BASE, NEW, sides
    from growbench.data.columns import CELL, MEASURE
    from growbench.data.errors import UsageError
    from growbench.data.load import read_runs
    from growbench.data.metrics import Metric
    from growbench.data.statuses import OK
    from growbench.statistics.order import MAD_SCALE
    from growbench.statistics.shift import paired_shift

EXAMPLES = """\
  growbench bench-estimators results/estimators-NAME

make bench-estimators measures such a run first. Its allocators are pairs base.NAME and new.NAME of
the same thing. In cells of the strategy slowed_doubling (growbench-known-worker) NAME says what was
planted into new; all others are A/A.
"""

PLANTED = "slowed_doubling"
FAR = 0.05


# Figures of a worker, each the sum of columns.
CANDIDATES = [
    Metric(label, label, "ns", columns)
    for label, columns in (
        ("median of values", ("warm_build_release_median_ns",)),
        ("minimum of values", ("warm_build_release_min_ns",)),
        *(
            (f"{share}th percentile", (f"warm_build_release_p{share}_ns",))
            for share in (5, 25, 50, 75, 95, 99)
        ),
        ("cold", ("cold_build_ns", "cold_release_ns")),
        ("cold, build", ("cold_build_ns",)),
    )
]


class Stillness(NamedTuple):
    """What one candidate is like where nothing differs: medians over cells, and shares of them.

    between: the scaled MAD of a cell's workers. within_pair: the same of the differences in a pair
    of neighbours, over the square root of 2. apart: the share of cells whose ratio, the median over
    pairs, is more than FAR from 1. cells: how many there are.
    """

    between: float
    within_pair: float
    apart: float
    cells: int


def main(arguments: Sequence[str]) -> None:
    parser = entry.parser(__name__, (__doc__ or "").split("\n", 1)[0], EXAMPLES)
    parser.add_argument("run", metavar="RUN", help="a run's folder, or its runs.csv")
    parser.add_argument("--rounds", type=int, help="take no more than the first so many")
    options = parser.parse_args(arguments)
    columns = {name for candidate in CANDIDATES for name in candidate.columns}
    runs = read_runs(options.run, columns)
    runs = runs[(runs["pass"] == MEASURE) & (runs["status"] == OK)]
    if options.rounds:
        runs = runs[runs["round"] <= options.rounds]
    both = sides(runs)
    if both is None:
        raise UsageError(f"{options.run}: its allocators are not base.NAME and new.NAME")
    entry.tell(text(*both))


def text(base: pd.DataFrame, new: pd.DataFrame) -> str:
    """A line for each candidate."""
    is_planted = [side["strategy"] == PLANTED for side in (base, new)]
    same = base[~is_planted[0]], new[~is_planted[1]]
    plants = base[is_planted[0]], new[is_planted[1]]
    names = list(dict.fromkeys(plants[0]["allocator"]))
    lines = [
        "A/A: scaled MAD of a cell's workers, and of its pairs of neighbours; cells whose ratio is",
        f"more than {FAR:.0%} from 1, and how many that are for one of today's.",
        "Planted: the ratio (median of cells), and in how many cells the 95% interval excludes 1.",
        "",
        f"{'':20} {'workers':>7} {'pairs':>6} {'apart':>6} {'to one':>6} {'cells':>5}"
        + "".join(f" {name:>15}" for name in names),
    ]
    today = stillness(CANDIDATES[0], *same)
    for candidate in CANDIDATES:
        still = stillness(candidate, *same)
        seen = [planted(candidate, *(s[s["allocator"] == name] for s in plants)) for name in names]
        to_one = still.apart / today.apart if today.apart else float("nan")
        lines.append(
            f"{candidate.label:20} {still.between:7.2%} {still.within_pair:6.2%} "
            f"{still.apart:6.1%} {to_one:6.2f} {still.cells:5}"
            + "".join(f" {one:>15}" for one in seen)
        )
    return "\n".join(lines)


def stillness(candidate: Metric, base: pd.DataFrame, new: pd.DataFrame) -> Stillness:
    """Of A/A cells."""
    rounds = in_pairs(candidate, base, new)
    sides = [scaled_mad(rounds[side]) for side in (BASE, NEW)]
    differences = rounds[NEW] - rounds[BASE]
    ratios = differences.groupby(list(CELL)).median()
    apart = ratios.abs() > np.log1p(FAR)
    return Stillness(
        float(pd.concat(sides).median()),
        float(scaled_mad(differences).median() / np.sqrt(2.0)),
        float(apart.mean()),
        len(ratios),
    )


def in_pairs(candidate: Metric, base: pd.DataFrame, new: pd.DataFrame) -> pd.DataFrame:
    """The logarithms of both sides, by cell and round; only rounds that have both."""
    keys = [*CELL, "round"]
    sides = {name: side.set_index(keys) for name, side in ((BASE, base), (NEW, new))}
    values = {name: candidate.values(side).groupby(keys).first() for name, side in sides.items()}
    both = pd.DataFrame(values)
    return np.log(both.where(both > 0)).dropna()


def scaled_mad(values: pd.Series) -> pd.Series:
    """Of each cell, whose keys are in the index."""
    keys = list(CELL)
    distance = (values - values.groupby(keys).transform("median")).abs()
    return MAD_SCALE * distance.groupby(keys).median()


def planted(candidate: Metric, base: pd.DataFrame, new: pd.DataFrame) -> str:
    """How a planted difference looks: x1.050 4/4."""
    rounds = in_pairs(candidate, base, new)
    differences = (rounds[NEW] - rounds[BASE]).unstack("round").dropna(axis="columns")
    shift = paired_shift(differences.to_numpy())
    seen = int(((shift.low > 0) | (shift.high < 0)).sum())
    return f"x{np.exp(np.median(shift.shift)):.3f} {seen}/{len(differences)}"
