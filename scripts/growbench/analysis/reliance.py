"""What a summary may be used for: which cells are doubted for which conclusion, and why."""

from collections import Counter
from typing import Iterable, Optional, Sequence

import pandas as pd

from growbench.analysis.doubts import ABSOLUTE, CONCLUSIONS, DIFFERENCE, DOUBTS, RANK, WIDE
from growbench.analysis.measured import COLD, PEAK, TAIL, WARM
from growbench.analysis.run_doubts import Raised

_CONCLUSIONS_OF = {doubt.name: doubt.conclusions for doubt in DOUBTS}
_CANNOT = {
    RANK: "may not be ranked",
    DIFFERENCE: f"give no difference below {WIDE:.0%}",
    ABSOLUTE: "no absolute time",
}
_NONE_OF = {RANK: "no order", DIFFERENCE: "no differences", ABSOLUTE: "no absolute times"}
# The figure that a metric is of, by how its name begins; counts are exact.
_FIGURES = {"cold_": COLD, "warm_tail": TAIL, "warm_": WARM, "peak_": PEAK}


def figure_of(metric_name: str) -> Optional[str]:
    """Which figure a metric is of; None for a count, which is never doubted."""
    if metric_name.endswith("_fault"):
        return None
    return next((of for start, of in _FIGURES.items() if metric_name.startswith(start)), None)


def doubts_in(text: str, conclusion: str, figure: Optional[str] = None) -> list[str]:
    """Names of the doubts in a cell's `doubts` that touch the conclusion, from that figure; from
    any if None. Each once, in the order of the text."""
    pairs = (part.partition(":")[::2] for part in text.split(";"))
    names = (name for name, of in pairs if figure in (None, of))
    return list(dict.fromkeys(n for n in names if conclusion in _CONCLUSIONS_OF.get(n, ())))


def doubts_of_metric(text: str, conclusion: str, metric_name: str) -> list[str]:
    """The same, from the figure that the metric is of."""
    figure = figure_of(metric_name)
    return doubts_in(text, conclusion, figure) if figure else []


def counted(names: Iterable[Iterable[str]]) -> str:
    """In how many cells each doubt is, the most frequent first: "wide 3, drift 1"."""
    count = Counter(name for of_cell in names for name in of_cell)
    ordered = sorted(count.items(), key=lambda pair: (-pair[1], pair[0]))
    return ", ".join(f"{name} {number}" for name, number in ordered)


def in_words(summary: pd.DataFrame) -> str:
    """How many of the cells that have figures may not be used for what, and why, in one line."""
    texts = summary.loc[summary["ok_count"] > 0, "doubts"]
    told = []
    for conclusion in CONCLUSIONS:
        names = [doubts_in(text, conclusion) for text in texts]
        why = f" ({counted(names)})" if any(names) else ""
        told.append(f"{sum(map(bool, names))} {_CANNOT[conclusion]}{why}")
    return f"of {len(texts)} cells with figures {', '.join(told)}"


def of_run_in_words(raised: Sequence[Raised]) -> list[str]:
    """A line for each doubt of the run as a whole."""
    return [
        f"the run as a whole gives {of_run(one.doubt.conclusions)} ({one.doubt.name}): {one.why}"
        for one in raised
    ]


def of_run(conclusions: Sequence[str]) -> str:
    """What a run does not give, in words."""
    return " and ".join(_NONE_OF[conclusion] for conclusion in conclusions)
