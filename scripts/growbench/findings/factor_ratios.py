"""What factors are compared by, and all that a run has measured of them: what sentences and tables
of growth factors are made from."""

from typing import NamedTuple, Optional, Sequence

import numpy as np
import pandas as pd

from growbench.analysis import factors
from growbench.data import allocators, article, parameters
from growbench.data.columns import SLICE_KEYS
from growbench.data.implementations import C
from growbench.data.metrics import PEAK_RATIO, metric
from growbench.findings.evidence import Evidence
from growbench.findings.finding import COLD, WARM
from growbench.tables.table import factor


class Measure(NamedTuple):
    """What factors are compared by. key: of its figures. metric: its name. where: in a sentence.
    less, more: what one is that has less, and more, of it. amount: how much it has."""

    key: str
    metric: str
    where: str
    less: str
    more: str
    amount: str


_TIME = ("is faster than", "is slower than", "takes {} as long as")
PROCESSES = (
    Measure("cold", COLD, "in a fresh process", *_TIME),
    Measure("warm", WARM, "in the steady state", *_TIME),
)
PEAK = Measure(
    "peak",
    "peak_memory",
    "in resident memory at the peak",
    "needs less than",
    "needs more than",
    "needs {} as much as",
)
MEASURES = (*PROCESSES, PEAK)


class Known(NamedTuple):
    """Of a run that has both factors.

    a, b: the strategies. cells: of the summary, of all factors and rules, and their sizes. rows,
    size: the article's size, or the nearest there is. ratios, means: as Rounds has them, over b, by
    the measure's key; of the peak where it can be told. counts: factors.counts() of the same cells.
    error_bytes: how far a peak may be from the truth.
    """

    a: str
    b: str
    cells: pd.DataFrame
    rows: int
    size: str
    ratios: dict[str, pd.DataFrame]
    means: dict[str, pd.DataFrame]
    counts: pd.DataFrame
    error_bytes: float

    def margin(self, of: Measure, rows: Sequence[int]) -> float:
        """What a ratio over these sizes may be off by besides chance: a peak is the payload's at
        least."""
        if of is not PEAK or not len(rows):
            return 0.0
        payloads = np.asarray(rows, dtype=float) * float(self.cells["row_bytes"].iloc[0])
        return float(np.mean(self.error_bytes / payloads))

    @property
    def said(self) -> tuple[str, str]:
        """Both factors as their users write them."""
        return tuple(one.partition(parameters.SIGN)[2] for one in (self.a, self.b))  # type: ignore

    @property
    def allocators(self) -> list[str]:
        """Those that have a time of either of the two."""
        own = self.cells[self.cells["strategy"].isin((self.a, self.b))]
        return allocators.ordered(own.loc[own["ok_count"] > 0, "allocator"])

    def sizes_of(self, of: Measure, allocator: str) -> list[int]:
        """At which there is a ratio of the two."""
        table = self.ratios[of.key]
        own = (table["strategy"] == self.a) & (table["allocator"] == allocator)
        return sorted(set(table.loc[own, "rows"]))

    @property
    def sizes(self) -> list[int]:
        """That both have."""
        of_a, of_b = (self.cells[self.cells["strategy"] == one] for one in (self.a, self.b))
        return sorted(set(of_a["rows"]) & set(of_b["rows"]))


def known_of(evidence: Evidence, pair: tuple[float, float]) -> Optional[Known]:
    summary = evidence.data.summary
    if evidence.main.summary.empty:
        return None
    main = evidence.main.summary.iloc[0]
    for key in SLICE_KEYS:
        summary = summary[summary[key] == main[key]]
    of_factors = factors.cells_of(summary)
    a, b = (factors.name_of(list(of_factors["strategy"].unique()), one) for one in pair)
    there = of_factors[of_factors["ok_count"] > 0]
    if a is None or b is None or a == b or not {a, b} <= set(there["strategy"]):
        return None
    rules = (summary["implementation"] == C) & summary["strategy"].isin(factors.RULES)
    cells = pd.concat([of_factors, summary[rules]], ignore_index=True)
    at_size, size = article.at_article_size(there[there["strategy"] == a])
    runs = evidence.run.runs
    told = {PEAK.key: cells[cells[PEAK_RATIO.median].notna()]}
    rounds = {
        of.key: factors.rounds_of(runs, told.get(of.key, cells), metric(of.metric))
        for of in MEASURES
    }
    return Known(
        a,
        b,
        cells,
        int(at_size["rows"].iloc[0]),
        size,
        {key: of.ratios(b) for key, of in rounds.items()},
        {key: of.means(b) for key, of in rounds.items()},
        factors.counts(runs, cells),
        float(runs["peak_resolution_bytes"].max()),
    )


def row_of(table: pd.DataFrame, **where: object) -> dict:
    """The row of that; nan in all that is asked of it where there is none."""
    for key, value in where.items():
        table = table[table[key] == value]
    return table.iloc[0].to_dict() if len(table) else {}


def verdict(row: dict, margin: float = 0.0) -> str:
    """What the interval says of a ratio: less, more, apart (not told apart), near (1, though not
    by chance: within `margin`, what it may be off by), or few (rounds); "" where there is no
    ratio."""
    low, high = row.get("ci_low", np.nan), row.get("ci_high", np.nan)
    if np.isnan(row.get("ratio", np.nan)):
        return ""
    if np.isnan(low):
        return "few"
    if low <= 1.0 <= high:
        return "apart"
    return "more" if low > 1.0 + margin else "less" if high < 1.0 - margin else "near"


def ends(row: dict) -> str:
    return f"{factor(row['ci_low'])} to {factor(row['ci_high'])}"


def moves_of(known: Known) -> pd.DataFrame:
    """Moves by copying over all sizes, and how many of them, and of their bytes, went to where the
    array had been: strategy, factor, allocator, copied, reused, reused_bytes."""
    names = {"copied": "realloc_copied_count", "reused": "realloc_reused_count"}
    names["reused_bytes"] = "realloc_reused_bytes"
    table = known.counts.assign(factor=factors.factors(known.counts["strategy"]))
    grouped = table[table["factor"].notna()].groupby(["strategy", "factor", "allocator"])
    sums = grouped[list(names.values())].sum(min_count=1).reset_index()
    return sums.rename(columns={old: new for new, old in names.items()})
