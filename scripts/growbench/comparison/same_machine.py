"""Two runs of one machine, or the two sides of a live comparison: what became slower?

Families come first. A family is a strategy under an allocator; its cells are the sizes, and each
metric has families of its own. A hundred cells of identical code always hold some that look slower,
so a cell is only listed inside a family whose difference stands up to all families being asked at
once.
"""

from typing import Iterable, NamedTuple, Optional, Sequence

import numpy as np
import pandas as pd

from growbench.comparison.sharing import FAMILY, Sides, TIMED, bring_together, passes_of
from growbench.data.columns import PATTERN
from growbench.data.metrics import Metric
from growbench.statistics.multiple import grouped_holm, simes
from growbench.statistics.paired import pair_rounds
from growbench.statistics.shift import (
    Shift,
    grouped_hodges_lehmann,
    grouped_paired_shift,
    hodges_lehmann,
    paired_shift,
)
from growbench.statistics.visible import visible_paired_shift, visible_shift
from growbench.analysis.measured import LARGEST_RESOLUTION_SHARE

LEAST_THRESHOLD = 0.05
ALPHA = 0.05

# What became of a family or of a cell.
SLOWER, FASTER, UNRESOLVED, NO_SLOWER = "slower", "faster", "unresolved", "no slower"
# A family has two chances to be found, by its mean and by its cells, so each has half of alpha.
CHANCES = 2.0
# Of fewer families it cannot be told what they have in common: one family would be its own.
FEWEST_WITH_COMMON = 3


class Settings(NamedTuple):
    """How to judge.

    paired: the rounds of both sides were interleaved, so that they are pairs.
    family_threshold, cell_threshold: theta, the smallest slowdown that counts as a regression, as a
    share: 0.05 is 5%. resolve: what the first look of a live comparison leaves open is timed once
    more, too.
    """

    paired: bool = False
    family_threshold: float = LEAST_THRESHOLD
    cell_threshold: float = LEAST_THRESHOLD
    alpha: float = ALPHA
    resolve: bool = False


class Comparison(NamedTuple):
    """What a comparison found. All ratios are new / base.

    families: metric; the keys of FAMILY; cell_count, base_round_count, new_round_count; ratio,
    ci_low, ci_high (95%); p (of the family alone), p_adjusted (Holm, over all families of the
    metric); visible_ratio (what would have been found in 80% of cases; inf: nothing); verdict.
    cells: metric; the keys of CELL; base_median, new_median (in the metric's unit); ratio, ci_low,
    ci_high, p, p_adjusted (Holm, within the family); family_rejected; verdict; doubtful (not found,
    but so far above the threshold by itself that its family cannot be called no slower).
    common: for each metric family_count; the ratio that the families have in common (the median of
    theirs, nan for fewer than 3), and its interval; one_sided: no family, but one side has figures.
    lost: cells that base has figures of, and whose workers failed in new, in the passes of what is
    compared.
    """

    families: pd.DataFrame
    cells: pd.DataFrame
    common: pd.DataFrame
    lost: pd.DataFrame
    settings: Settings

    def count(self, verdict: str) -> int:
        """How many families have that verdict."""
        return int((self.families["verdict"] == verdict).sum())


def compare(
    base: pd.DataFrame,
    new: pd.DataFrame,
    metrics: Sequence[Metric],
    settings: Settings = Settings(),
    only: Optional[pd.DataFrame] = None,
) -> Comparison:
    """Compare two sets of rows, as read_runs() returns them, on the cells that both have.

    only: the families that the question is about (columns metric and FAMILY); None: all.
    """
    return compare_sides(bring_together(base, new), metrics, settings, only=only)


def compare_sides(
    sides: Sides,
    metrics: Sequence[Metric],
    settings: Settings = Settings(),
    only: Optional[pd.DataFrame] = None,
) -> Comparison:
    """compare() for those who have more than one question."""
    cell_tables, family_tables, common = [], [], []
    for metric in metrics:
        cells, families, shared = _of_metric(sides, metric, settings)
        cell_tables.append(cells)
        family_tables.append(families)
        common.append(shared)
    cells = pd.concat(cell_tables, ignore_index=True)
    families = pd.concat(family_tables, ignore_index=True)
    if only is not None:
        keys = ["metric", *FAMILY]
        cells, families = (table.merge(only[keys], on=keys) for table in (cells, families))
    cells, families = _judge(cells, families, settings)
    return Comparison(
        families.drop(columns=["family", "deviation"]),
        cells.drop(columns="family"),
        pd.DataFrame(common),
        sides.lost[sides.lost["pass"].isin(passes_of(metrics))],
        settings,
    )


def threshold_from(same: Sequence[Comparison]) -> Settings:
    """The thresholds that a machine's own A/A experiments ask for.

    same: comparisons of the machine with itself, at least one. Formula: theta = max(5%, the 99th
    percentile of exp(|ln ratio|) - 1), for families over their families, for cells over their
    cells.
    """

    def p99(ratios: Iterable[pd.Series]) -> float:
        distance = np.abs(np.log(pd.concat(ratios).dropna().to_numpy()))
        return float(np.expm1(np.quantile(distance, 0.99))) if len(distance) else 0.0

    return same[0].settings._replace(
        family_threshold=max(LEAST_THRESHOLD, p99(one.families["ratio"] for one in same)),
        cell_threshold=max(LEAST_THRESHOLD, p99(one.cells["ratio"] for one in same)),
    )


def in_blocks(side: pd.DataFrame, rounds: int) -> list[pd.DataFrame]:
    """The rows of one side in blocks of so many rounds, which are comparisons of their own; one
    block if there are not enough rounds for two. Rounds that fill no block are left out."""
    side = side[side["pass"].isin(list(TIMED))]
    last = int(side["round"].max())
    count = max(1, last // rounds)
    number = (side["round"].to_numpy() - 1) // (rounds if count > 1 else last)
    return [side[number == block] for block in range(count)]


class _Values(NamedTuple):
    """A side's logarithms of one metric: nan where it was not measured."""

    log: np.ndarray
    cell: np.ndarray
    round: np.ndarray


def _of_metric(
    sides: Sides, metric: Metric, settings: Settings
) -> tuple[pd.DataFrame, pd.DataFrame, dict]:
    cell_count = len(sides.cells)
    floor = _floor(sides, metric)
    base = _values(sides.base, sides.base_cell, metric, floor)
    new = _values(sides.new, sides.new_cell, metric, floor)
    one_sided = (len(base.cell) == 0) != (len(new.cell) == 0)
    shared = (np.bincount(base.cell, minlength=cell_count) > 0) & (
        np.bincount(new.cell, minlength=cell_count) > 0
    )
    base, new = (_where(side, shared[side.cell]) for side in (base, new))
    medians = [_grouped_median(side.log, side.cell, cell_count) for side in (base, new)]
    make = _paired if settings.paired else _unpaired
    measured = make(base, new, sides.family_of_cell, len(sides.families))
    common = _common(measured)

    cells = sides.cells.assign(family=sides.family_of_cell, metric=metric.name)
    cells["base_median"], cells["new_median"] = np.exp(medians)
    cells = _with_shift(cells, measured.of_cells)[shared]
    families = sides.families.assign(family=np.arange(len(sides.families)))
    families["metric"] = metric.name
    families["cell_count"] = np.bincount(
        sides.family_of_cell[shared], minlength=len(sides.families)
    )
    families["base_round_count"] = measured.base_round_count
    families["new_round_count"] = measured.new_round_count
    families = _with_shift(families, measured.of_families)
    families["deviation"] = measured.deviation
    families = families[families["cell_count"] > 0]
    by_cells = simes(cells["p"].to_numpy(), cells["family"].to_numpy(), len(sides.families))
    best = np.minimum(families["p"].to_numpy(), by_cells[families["family"].to_numpy()])
    families["p"] = np.minimum(1.0, CHANCES * best)
    ratio, low, high = np.exp([common["log"], common["low"], common["high"]])
    row = {"metric": metric.name, "family_count": len(families), "one_sided": one_sided}
    return cells, families, {**row, "ratio": ratio, "ci_low": low, "ci_high": high}


def _floor(sides: Sides, metric: Metric) -> Optional[np.ndarray]:
    """For each cell the bytes that a reading's error is held against; None for what is no peak.

    A strategy's array takes its payload at least. A copying pattern's result may be smaller than
    its input, or a view, so that it is the larger side's median.
    """
    if metric.unit != "bytes":
        return None
    count = len(sides.cells)
    floors = []
    for side, cell in ((sides.base, sides.base_cell), (sides.new, sides.new_cell)):
        known = side["payload_bytes"].to_numpy(dtype=float)
        of_pattern = (side["pass"] == PATTERN).to_numpy()
        if of_pattern.any():
            peaks = metric.values(side).to_numpy(dtype=float)
            known = np.where(of_pattern, _grouped_median(peaks, cell, count)[cell], known)
        floors.append(pd.Series(known).groupby(cell).max().reindex(np.arange(count)))
    return np.fmax(*(of_side.to_numpy() for of_side in floors))


def _values(
    side: pd.DataFrame, cell: np.ndarray, metric: Metric, floor: Optional[np.ndarray]
) -> _Values:
    values = metric.values(side).to_numpy(dtype=float)
    usable = (values > 0) & side["pass"].isin(metric.passes).to_numpy()
    if floor is not None:
        # A peak that is near the reading's own error says nothing of the code.
        resolution = side["peak_resolution_bytes"].to_numpy(dtype=float)
        usable &= resolution <= LARGEST_RESOLUTION_SHARE * floor[cell]
    rounds = side["round"].to_numpy()
    return _Values(np.log(values[usable]), cell[usable], rounds[usable])


def _where(side: _Values, mask: np.ndarray) -> _Values:
    return _Values(side.log[mask], side.cell[mask], side.round[mask])


def _grouped_median(values: np.ndarray, groups: np.ndarray, count: int) -> np.ndarray:
    medians = pd.Series(values).groupby(groups).median()
    return medians.reindex(np.arange(count)).to_numpy()


class _Measured(NamedTuple):
    """Shifts of the logarithms of one metric.

    deviation: of a family's rounds, over both sides (paired: of its differences).
    common: per side (paired: of the differences) the median over families in each round.
    """

    of_cells: Shift
    of_families: Shift
    base_round_count: np.ndarray
    new_round_count: np.ndarray
    deviation: np.ndarray
    common: Sequence[np.ndarray]


def _unpaired(
    base: _Values, new: _Values, family_of_cell: np.ndarray, family_count: int
) -> _Measured:
    """Each side's rounds by themselves. A family's value in a round is the mean of its cells'
    logarithms, less each cell's median over both sides, so that a cell that some rounds lack does
    not move it."""
    cell_count = len(family_of_cell)
    of_cells = grouped_hodges_lehmann(base.log, base.cell, new.log, new.cell, cell_count)
    level = _grouped_median(
        np.append(base.log, new.log), np.append(base.cell, new.cell), cell_count
    )
    means = [
        _round_means(side.log - level[side.cell], family_of_cell[side.cell], side.round)
        for side in (base, new)
    ]
    of_families = grouped_hodges_lehmann(
        means[0]["value"], means[0]["family"], means[1]["value"], means[1]["family"], family_count
    )
    counts = [np.bincount(side["family"], minlength=family_count) for side in means]
    squares = sum(_squares(side, family_count) for side in means)
    freedom = counts[0] + counts[1] - 2
    deviation = np.sqrt(squares / np.maximum(freedom, 1))
    common = [_medians_of_rounds(side) for side in means]
    return _Measured(of_cells, of_families, counts[0], counts[1], deviation, common)


def _paired(
    base: _Values, new: _Values, family_of_cell: np.ndarray, family_count: int
) -> _Measured:
    """Each round is a pair: the differences of the logarithms, and their mean over a family's
    cells. What disturbs both sides of a round alike is gone."""
    of_base, of_new = (pd.DataFrame(side._asdict()) for side in (base, new))
    pairs = pair_rounds(of_base, of_new, ["cell"])
    difference = (pairs["log_b"] - pairs["log_a"]).to_numpy()
    cell = pairs["cell"].to_numpy()
    of_cells = grouped_paired_shift(difference, cell, len(family_of_cell))
    means = _round_means(difference, family_of_cell[cell], pairs["round"].to_numpy())
    of_families = grouped_paired_shift(means["value"], means["family"], family_count)
    count = np.bincount(means["family"], minlength=family_count)
    deviation = np.sqrt(_squares(means, family_count) / np.maximum(count - 1, 1))
    common = [_medians_of_rounds(means)]
    return _Measured(of_cells, of_families, count, count, deviation, common)


def _round_means(values: np.ndarray, family: np.ndarray, rounds: np.ndarray) -> pd.DataFrame:
    """The mean of each family in each round that has half of its cells or more: columns family,
    round, value. A round that only the cells with wide intervals have is none of the family's."""
    place, numbers = pd.factorize(rounds, sort=True)
    group = family * len(numbers) + place
    cells = np.bincount(group)
    there = np.flatnonzero(cells)
    means = pd.DataFrame(
        {
            "family": there // max(len(numbers), 1),
            "round": numbers[there % max(len(numbers), 1)],
            "value": np.bincount(group, weights=values)[there] / cells[there],
        }
    )
    most = pd.Series(cells[there]).groupby(means["family"]).transform("max")
    return means[2 * cells[there] >= most]


def _medians_of_rounds(means: pd.DataFrame) -> np.ndarray:
    """The median over families in each round that half of them or more have."""
    rounds = means.groupby("round")["value"].agg(["median", "size"])
    return rounds.loc[2 * rounds["size"] >= rounds["size"].max(), "median"].to_numpy()


def _squares(means: pd.DataFrame, family_count: int) -> np.ndarray:
    """Sum of the squared distances of each family's rounds from their mean."""
    family, values = means["family"].to_numpy(), means["value"].to_numpy()
    count = np.maximum(np.bincount(family, minlength=family_count), 1)
    mean = np.bincount(family, weights=values, minlength=family_count) / count
    return np.bincount(family, weights=(values - mean[family]) ** 2, minlength=family_count)


def _common(measured: _Measured) -> dict:
    """The shift that the families have in common: the median of theirs. Its interval reaches as far
    to either side as that of the rounds' medians over families does, whose own estimate is another:
    where few families are slow, these medians lean towards them."""
    shifts = measured.of_families.shift[~np.isnan(measured.of_families.shift)]
    if len(shifts) < FEWEST_WITH_COMMON:
        return {"log": np.nan, "low": np.nan, "high": np.nan}
    rounds = [values.reshape(1, -1) for values in measured.common]
    of_rounds = (
        hodges_lehmann(rounds[0], rounds[1]) if len(rounds) == 2 else paired_shift(rounds[0])
    )
    middle = float(np.median(shifts))
    from_rounds = middle - of_rounds.shift[0]
    return {
        "log": middle,
        "low": float(of_rounds.low[0] + from_rounds),
        "high": float(of_rounds.high[0] + from_rounds),
    }


def _with_shift(table: pd.DataFrame, shift: Shift) -> pd.DataFrame:
    return table.assign(
        ratio=np.exp(shift.shift), ci_low=np.exp(shift.low), ci_high=np.exp(shift.high), p=shift.p
    )


def _judge(
    cells: pd.DataFrame, families: pd.DataFrame, settings: Settings
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Adjusted p, visible effects and verdicts; each metric is a question of its own."""
    alpha = settings.alpha
    families["p_adjusted"] = grouped_holm(
        families["p"].to_numpy(), pd.factorize(families["metric"])[0]
    )
    rejected = (families["p_adjusted"] <= alpha).to_numpy()

    metrics = list(dict.fromkeys(families["metric"]))
    family_count = int(families["family"].max()) + 1 if len(families) else 0
    place = {metric: number * family_count for number, metric in enumerate(metrics)}

    def number(table: pd.DataFrame) -> np.ndarray:
        return (table["metric"].map(place) + table["family"]).to_numpy(dtype=int)

    of_family, of_cell = number(families), number(cells)
    is_rejected = np.zeros(len(metrics) * family_count, dtype=bool)
    is_rejected[of_family] = rejected
    cells["p_adjusted"] = grouped_holm(cells["p"].to_numpy(), of_cell)
    cells["family_rejected"] = is_rejected[of_cell]
    listed = cells["family_rejected"] & (cells["p_adjusted"] <= alpha)
    cells["verdict"] = _verdicts(cells, listed.to_numpy(), settings.cell_threshold)

    # A cell without an interval of its own, such as one of three rounds, is doubtful by its ratio.
    at_least = cells["ci_low"].fillna(cells["ratio"])
    cells["doubtful"] = (at_least > 1.0 + settings.cell_threshold) & (cells["verdict"] != SLOWER)

    def has(of: pd.Series) -> np.ndarray:
        """Which families have such a cell?"""
        found = np.zeros(len(is_rejected), dtype=bool)
        found[of_cell[of.to_numpy(dtype=bool)]] = True
        return found[of_family]

    verdict = _verdicts(families, rejected, settings.family_threshold)
    verdict[rejected & has(cells["verdict"] == FASTER) & (verdict == NO_SLOWER)] = FASTER
    verdict[has(cells["doubtful"]) & (verdict != SLOWER)] = UNRESOLVED
    verdict[rejected & has(cells["verdict"] == SLOWER)] = SLOWER
    families["verdict"] = verdict
    families["visible_ratio"] = _visible(families, settings)
    return cells, families


def _verdicts(table: pd.DataFrame, found: np.ndarray, threshold: float) -> np.ndarray:
    """slower or faster: found, and the interval lies beyond the threshold as a whole. Otherwise
    no slower, if the interval excludes a slowdown of more than the threshold; else unresolved."""
    low, high = table["ci_low"].to_numpy(), table["ci_high"].to_numpy()
    with np.errstate(invalid="ignore"):
        verdict = np.where(high <= 1.0 + threshold, NO_SLOWER, UNRESOLVED).astype(object)
        verdict[found & (low > 1.0 + threshold)] = SLOWER
        verdict[found & (high < 1.0 / (1.0 + threshold))] = FASTER
    return verdict


def _visible(families: pd.DataFrame, settings: Settings) -> np.ndarray:
    """The smallest ratio above 1 that would have been found in 80% of cases.

    At the level of Holm's first step: alpha over the number of the metric's families, and half of
    that, since a family has two chances.
    """
    family_count = families.groupby("metric")["family"].transform("size").to_numpy()
    alpha = settings.alpha / family_count / CHANCES
    m = families["base_round_count"].to_numpy()
    n = families["new_round_count"].to_numpy()
    deviation = families["deviation"].to_numpy()
    if settings.paired:
        return np.exp(visible_paired_shift(deviation, n, alpha))
    return np.exp(visible_shift(deviation, m, n, alpha))
