"""Allocator against allocator, strategy against strategy, or implementation against implementation,
within one run, cell by cell."""

from collections import Counter
from typing import NamedTuple, Sequence

import numpy as np
import pandas as pd

from growbench.data.columns import CELL_KEYS, MEASURE
from growbench.data.statuses import OK
from growbench.data.implementations import IDENTITY, full_name, is_compiled, ordered, written_by
from growbench.data.metrics import Metric
from growbench.statistics.paired import pair_rounds, ratio_table

ALLOCATOR, STRATEGY, IMPLEMENTATION = "allocator", "strategy", "implementation"
KINDS = (ALLOCATOR, STRATEGY, IMPLEMENTATION)


def compare_pairs(
    runs: pd.DataFrame, a: str, b: str, metric: Metric, of: str = ALLOCATOR
) -> pd.DataFrame:
    """The ratio a / b of `metric` in each cell that was measured with both.

    of: the column that a and b are values of: ALLOCATOR, IMPLEMENTATION (in the strategies that
    both have) or STRATEGY, by its name or by implementation and name ("numpy loop_and_append").
    Strategies are compared within each implementation that has both; where none has, one with the
    other, each in C, or else in the first implementation that has it.

    Ratios are those of statistics.paired. Rounds where either has no value above 0 are left out.
    Columns: the keys that both cells have in common (for strategies the implementation, which is
    "c / cpp" where a and b are of two), round_count, ratio, ci_low, ci_high (nan below 6 rounds).
    """
    keys = [key for key in CELL_KEYS if key != of]
    ok = runs[(runs["status"] == OK) & (runs["pass"] == MEASURE)]
    measured = ok[[*CELL_KEYS, "round"]].assign(value=metric.values(ok))
    measured = measured[measured["value"] > 0]
    if of == STRATEGY:
        pairs = _pairs_of_strategies(measured, a, b)
    else:
        pairs = pair_rounds(measured[measured[of] == a], measured[measured[of] == b], keys)
    return ratio_table(pairs, keys)


def _pairs_of_strategies(measured: pd.DataFrame, a: str, b: str) -> pd.DataFrame:
    """The rounds of each pair, with the implementation, or both, that it is of."""
    keys = [key for key in CELL_KEYS if key not in IDENTITY]
    tables = [
        pair_rounds(_of_strategy(measured, one), _of_strategy(measured, other), keys).assign(
            implementation=" / ".join(dict.fromkeys((one[0], other[0])))
        )
        for one, other in strategy_pairs(strategies_of(measured), a, b)
    ]
    if tables:
        return pd.concat(tables, ignore_index=True)
    # Without any pair the columns are the same, and there are no rows.
    return pair_rounds(measured.head(0), measured.head(0), ["implementation", *keys])


def _of_strategy(measured: pd.DataFrame, key: tuple[str, str]) -> pd.DataFrame:
    own = (measured["implementation"] == key[0]) & (measured["strategy"] == key[1])
    return measured[own].drop(columns=list(IDENTITY))


def strategies_of(runs: pd.DataFrame) -> list[tuple[str, str]]:
    """Implementation and strategy of every cell, those of C first."""
    keys = set(runs[list(IDENTITY)].drop_duplicates().itertuples(index=False, name=None))
    place = {name: number for number, name in enumerate(ordered(key[0] for key in keys))}
    return sorted(keys, key=lambda key: (place[key[0]], key[1]))


def strategy_pairs(
    known: Sequence[tuple[str, str]], a: str, b: str
) -> list[tuple[tuple[str, str], tuple[str, str]]]:
    """Which strategies are meant by the names a and b, pair by pair; see compare_pairs().

    known: in the order of preference, as strategies_of() has it.
    """
    of_a, of_b = written_by(a, known), written_by(b, known)
    within = [(one, other) for one in of_a for other in of_b if one[0] == other[0]]
    return within or ([(of_a[0], of_b[0])] if of_a and of_b else [])


def strategy_choices(known: Sequence[tuple[str, str]]) -> list[str]:
    """The names by which strategies can be asked for: those of strategies, then those with the
    implementation, where the strategy alone does not say whose it is."""
    count = Counter(strategy for _, strategy in known)
    full = [full_name(*key) for key in known if not is_compiled(key[0]) or count[key[1]] > 1]
    return sorted(count) + sorted(full)


def geometric_mean(ratios: pd.Series) -> float:
    """exp of the mean of the logarithms; nan without any."""
    return float(np.exp(np.log(ratios).mean())) if len(ratios) else float("nan")


class Beyond(NamedTuple):
    """How many of all cells have a ratio further from 1 than a threshold."""

    beyond_count: int
    cell_count: int

    @property
    def share(self) -> float:
        """The share of such cells, from 0 to 1; nan without cells."""
        return self.beyond_count / self.cell_count if self.cell_count else float("nan")


def beyond_threshold(ratios: pd.Series, threshold_percent: float) -> Beyond:
    """How many ratios are above 1 + t or below 1 / (1 + t), t = threshold_percent / 100.

    The same whichever allocator comes first.
    """
    limit = np.log1p(threshold_percent / 100.0)
    return Beyond(int((np.abs(np.log(ratios)) > limit).sum()), len(ratios))


def as_text(table: pd.DataFrame) -> str:
    """The table of compare_pairs() for a terminal: aligned columns, one line a cell."""
    shown = [key for key in table.columns if key in CELL_KEYS]
    # A key that is the same in every row tells nothing in this table.
    always = (STRATEGY, ALLOCATOR, "rows")
    shown = [key for key in shown if key in always or table[key].nunique() > 1]
    lines = [[*shown, "rounds", "ratio", "95% interval"]]
    for row in table.to_dict("records"):
        interval = "-" if np.isnan(row["ci_low"]) else f"{row['ci_low']:.3f} {row['ci_high']:.3f}"
        lines.append(
            [*(str(row[key]) for key in shown), str(row["round_count"]), f"{row['ratio']:.3f}"]
            + [interval]
        )
    widths = [max(len(line[i]) for line in lines) for i in range(len(lines[0]))]
    numeric = {"rows", "row_bytes", "threads", "rounds", "ratio", "95% interval"}
    aligned = [
        "  ".join(
            field.rjust(width) if name in numeric else field.ljust(width)
            for field, width, name in zip(line, widths, lines[0])
        ).rstrip()
        for line in lines
    ]
    return "\n".join(aligned)
