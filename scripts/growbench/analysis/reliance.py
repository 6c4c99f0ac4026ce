"""What a summary may be used for: which cells are doubted for which conclusion, and why."""

from typing import Mapping, Optional, Sequence

import numpy as np
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


def doubts_in(text: str, conclusion: str, figures: Optional[Sequence[str]] = None) -> list[str]:
    """Names of the doubts in a cell's `doubts` that touch the conclusion, from one of the figures;
    from any of them if None. Each once, in the order of the text."""
    pairs = (part.partition(":")[::2] for part in text.split(";") if part)
    return list(
        dict.fromkeys(
            name
            for name, figure in pairs
            if conclusion in _CONCLUSIONS_OF.get(name, ()) and (not figures or figure in figures)
        )
    )


def doubted(
    summary: pd.DataFrame, conclusion: str, figures: Optional[Sequence[str]] = None
) -> np.ndarray:
    """For each cell: is there a doubt that touches the conclusion? See doubts_in()."""
    texts = summary["doubts"]
    answers = {text: bool(doubts_in(text, conclusion, figures)) for text in texts.unique()}
    return texts.map(answers).to_numpy(dtype=bool)


def counts(texts: Sequence[str], conclusion: str) -> Mapping[str, int]:
    """In how many cells each doubt touches the conclusion, the most frequent first."""
    names = pd.Series(
        [name for text in texts for name in doubts_in(text, conclusion)], dtype=object
    )
    return names.value_counts().sort_index().sort_values(ascending=False, kind="stable").to_dict()


def in_words(summary: pd.DataFrame) -> str:
    """How many of the cells that have figures may not be used for what, and why, in one line."""
    texts = summary.loc[summary["ok_count"] > 0, "doubts"]
    told = []
    for conclusion in CONCLUSIONS:
        touched = sum(bool(doubts_in(text, conclusion)) for text in texts)
        why = ", ".join(f"{name} {count}" for name, count in counts(texts, conclusion).items())
        told.append(f"{touched} {_CANNOT[conclusion]}{f' ({why})' if why else ''}")
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
