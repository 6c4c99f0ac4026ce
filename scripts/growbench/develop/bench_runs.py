"""What comparisons say of runs of one build: equal sides, and sides of which one is slower."""

import itertools
from typing import NamedTuple, Sequence

from growbench.command_line import packages
from growbench.data.errors import UsageError

with packages.imports():
    import numpy as np
    import pandas as pd

    from growbench.analysis import host
    from growbench.command_line import entry, progress
    from growbench.comparison import between, pair, same_build, several
    from growbench.comparison.layers import CLEAR, OPEN, WORSE
    from growbench.comparison.run import Run, read_all
    from growbench.comparison.same_machine import LEAST_THRESHOLD, SLOWER, Settings
    from growbench.comparison.sharing import FAMILY
    from growbench.data.metrics import HEADLINES, metric

EXAMPLES = """\
  growbench bench-runs results/aa-runs-x/run-*      ten runs of one build: 5 a side, one a side

Equal sides: the runs are dealt into two sides again and again, in any order. Slower: in the data of
one side each tenth of the families in turn, its times multiplied.
"""
SLOWDOWN, MOST_A_SIDE = 0.10, 5


class Outcome(NamedTuple):
    """How often sides of which nothing differs had each verdict, and the share of the families made
    slower that were found, and of the others that were called slower."""

    verdicts: dict[str, int]
    found: float
    others: float


def main(arguments: Sequence[str]) -> None:
    parser = entry.parser(
        __name__, "Hold comparisons of times against runs of one build, dealt into sides.", EXAMPLES
    )
    parser.add_argument("run", metavar="RUN", nargs="+", help="a run's folder, or its runs.csv")
    parser.add_argument("--deals", type=int, default=60, help="default: %(default)s")
    parser.add_argument(
        "--pairs", type=int, default=20, help="of one run a side (default: %(default)s)"
    )
    parser.add_argument("--seed", type=int, default=1, help="default: %(default)s")
    options = parser.parse_args(arguments)
    metrics = [metric(name) for name in HEADLINES]
    progress.current.step("reading")
    runs = read_all(options.run, pair.columns(metrics) | host.COLUMNS)
    if len(runs) < 4:
        raise UsageError("give four runs of one build at least, for two sides of two")
    for run in runs[1:]:
        if not same_build.is_same(runs[0].machine, run.machine):
            raise UsageError(f"{run.label} is of another build than {runs[0].label}")
    a_side = min(MOST_A_SIDE, len(runs) // 2)
    outcome = dealt(runs, a_side, options.deals, np.random.default_rng(options.seed))
    told = [*lines(outcome, a_side, options.deals), single(runs, options.pairs), *quantiles(runs)]
    for line in told:
        entry.tell(line)


def dealt(runs: Sequence[Run], a_side: int, count: int, random: np.random.Generator) -> Outcome:
    """Deal the runs into sides, `count` times."""
    cells = {name: between.cell_values([r.runs for r in runs], metric(name)) for name in HEADLINES}
    verdicts = {WORSE: 0, CLEAR: 0, OPEN: 0}
    found, others = [], []
    for number in range(count):
        progress.current.step("dealing", number, count)
        order = random.permutation(len(runs))[: 2 * a_side]
        equal = {name: table.iloc[:, order] for name, table in cells.items()}
        verdicts[several.verdict_of(judged(equal, a_side))] += 1
        hits, wrong = planted(equal, a_side, number)
        found.append(hits)
        others.append(wrong)
    return Outcome(verdicts, float(np.nanmean(found)), float(np.mean(others)))


def judged(cells: dict[str, pd.DataFrame], a_side: int) -> between.Between:
    values = [between.in_families(table, a_side) for table in cells.values()]
    return between.compare_values(list(cells), values, between.Rules(LEAST_THRESHOLD))


def planted(equal: dict[str, pd.DataFrame], a_side: int, number: int) -> tuple[float, float]:
    """Every tenth family of new is made slower, from `number` on: the share of them that is found,
    and whether another is."""
    index = next(iter(equal.values())).index.to_frame(index=False)[list(FAMILY)]
    chosen = pd.MultiIndex.from_frame(index).unique()[number % 10 :: 10]
    slower = {}
    for name, table in equal.items():
        hit = pd.MultiIndex.from_frame(table.index.to_frame()[list(FAMILY)]).isin(chosen)
        values = table.to_numpy(copy=True)
        values[np.ix_(hit, np.arange(a_side, 2 * a_side))] += np.log1p(SLOWDOWN)
        slower[name] = pd.DataFrame(values, index=table.index)
    families = judged(slower, a_side).families
    is_planted = pd.MultiIndex.from_frame(families[list(FAMILY)]).isin(chosen)
    is_slower = (families["verdict"] == SLOWER).to_numpy()
    share = float(is_slower[is_planted].mean()) if is_planted.any() else np.nan
    return share, float(is_slower[~is_planted].any())


def lines(outcome: Outcome, a_side: int, count: int) -> list[str]:
    worse, clear, unsure = (outcome.verdicts[verdict] for verdict in (WORSE, CLEAR, OPEN))
    return [
        f"{a_side} runs a side, {count} deals of unchanged code: regression in {worse} (none), no "
        f"regression in {clear}, {clear / count:.0%} (at least 80%), inconclusive in {unsure}",
        f"{a_side} runs a side, {SLOWDOWN:.0%} slower in a tenth of the families: found in "
        f"{outcome.found:.1%} of them (at least 90%); deals in which another family is called "
        f"slower: {outcome.others:.1%}",
    ]


def single(runs: Sequence[Run], count: int) -> str:
    """One run a side: the first pairs of each with each, both ways."""
    request = pair.Request([metric(name) for name in HEADLINES])
    verdicts = {WORSE: 0, CLEAR: 0, OPEN: 0}
    both = ((pair, pair[::-1]) for pair in itertools.combinations(runs, 2))
    pairs = list(itertools.islice(itertools.chain.from_iterable(both), count))
    for number, (base, new) in enumerate(pairs):
        progress.current.step("one a side", number, len(pairs))
        verdicts[several.times_layer([base], [new], request, Settings()).verdict] += 1
    return (
        f"one run a side, {len(pairs)} ordered pairs: regression in {verdicts[WORSE]} (none), no "
        f"regression in {verdicts[CLEAR]}, inconclusive in {verdicts[OPEN]}"
    )


def quantiles(runs: Sequence[Run]) -> list[str]:
    """By how much runs differ in a family, by the quantile of a run's workers that is taken."""
    told = []
    for name in HEADLINES:
        spreads = []
        for quantile in (0.0, between.QUANTILE, 0.35, 0.50):
            cells = between.cell_values([run.runs for run in runs], metric(name), quantile)
            families = same_build.without_common(cells).families
            spreads.append(f"{quantile:g}: {np.expm1(families.std(axis=1).median()):.1%}")
        told.append(f"{name}, deviation between runs by quantile of workers: {', '.join(spreads)}")
    return told
