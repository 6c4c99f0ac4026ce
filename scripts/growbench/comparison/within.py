"""Ratios that each of two runs has by itself, side by side: paired by round within each, so that no
mood of the machine moves them. The article's of a run that asks its question alone; of copying
patterns, how much dearer one way is than another to the same end."""

from typing import NamedTuple, Sequence

import numpy as np
import pandas as pd

from growbench.analysis.article_ratios import article_ratios
from growbench.analysis.patterns import choices
from growbench.comparison.claims import overlap
from growbench.comparison.estimate_tables import key_columns, yes_no
from growbench.comparison.run import Run
from growbench.data.article import FAST, METRIC, SLOW, WARM
from growbench.data.columns import CELL, MEASURE, PATTERN
from growbench.data.implementations import label
from growbench.tables.table import Column, Table, factor

ARTICLE = "appending instead of preallocating"
_KEYS = ("question", "process", *(key for key in CELL if key != "strategy"))
_ESTIMATE = ["ratio", "ci_low", "ci_high"]
_SIDES = ("base", "new")
# The columns that they are made of; without one of them nothing is told.
_NEEDED = {*METRIC.needed, "cold_release_ns", *WARM.needed}


class Ratios(NamedTuple):
    """What was found of them: nothing, where the runs have none in common."""

    sentences: Sequence[str] = ()
    tables: Sequence[Table] = ()


def ratios(base: Run, new: Run, everything: bool = False) -> Ratios:
    """The ratios that both runs have. everything: show those too that are alike; the article's
    always are."""
    sides = [_of_run(run.runs) for run in (base, new)]
    both = sides[0].merge(sides[1], on=list(_KEYS), suffixes=("_base", "_new"))
    ends = [
        both[[f"ci_{end}_{side}" for side in _SIDES]].to_numpy(dtype=float).T
        for end in ("low", "high")
    ]
    alike = overlap(*ends)
    known, apart = int((~np.isnan(alike)).sum()), int((alike == 0.0).sum())
    if not known:
        return Ratios()
    frame = both.assign(alike=yes_no(alike), tone=np.where(alike == 0.0, "unsure", ""))
    labels = (base.label, new.label)
    shown = frame[everything | (alike == 0.0) | (frame["question"] == ARTICLE)]
    return Ratios(
        [
            f"ratios within each run, which no mood of the machine moves: {known - apart} of "
            f"{known} are alike, as their intervals overlap",
            *_of_article(frame, labels),
        ],
        [_table(shown, len(frame), labels)] if len(shown) else [],
    )


def _of_run(runs: pd.DataFrame) -> pd.DataFrame:
    """Columns: _KEYS, ratio, ci_low, ci_high."""
    tables = []
    if _NEEDED <= set(runs.columns):
        measured = runs[runs["pass"] == MEASURE]
        if set(measured["strategy"]) == {SLOW, FAST}:
            tables += [
                article_ratios(measured, by).assign(question=ARTICLE, process=process)
                for process, by in (("cold", METRIC), ("warm", WARM))
            ]
        if (runs["pass"] == PATTERN).any():
            tables.append(choices(runs).rename(columns={"choice": "question"}))
    columns = [*_KEYS, *_ESTIMATE]
    return pd.concat(tables)[columns] if tables else pd.DataFrame(columns=columns)


def _of_article(frame: pd.DataFrame, labels: Sequence[str]) -> list[str]:
    """The article's own ratio in both runs: of each implementation on its first allocator, in a
    fresh process. The table has the rest."""
    found = frame[(frame["question"] == ARTICLE) & (frame["process"] == "cold")]
    return [
        f"{ARTICLE} takes {label(row['implementation'])} on {row['allocator']} "
        + ", ".join(f"{_times(row, side)} in {name}" for side, name in zip(_SIDES, labels))
        for row in found.drop_duplicates("implementation").to_dict("records")
    ]


def _times(row: dict, side: str) -> str:
    ratio, low, high = (factor(row[f"{name}_{side}"]) for name in _ESTIMATE)
    return f"{ratio} times as long ({low} to {high})"


def _table(shown: pd.DataFrame, count: int, labels: Sequence[str]) -> Table:
    """count: how many there are with those that are not shown."""
    columns = [
        Column("question", "What"),
        Column("process", "Process"),
        Column("implementation", "Written in"),
        *key_columns(shown.drop(columns="implementation"), ("allocator", "rows")),
    ]
    for side, name in zip(_SIDES, labels):
        columns += [
            Column(f"ratio_{side}", name, "factor"),
            Column(f"ci_low_{side}", "95%", "interval:factor", f"ci_high_{side}"),
        ]
    notes = ["Paired by round in each run. Alike: the intervals overlap; among many, a few do not."]
    if len(shown) < count:
        notes.append(f"not shown: {count - len(shown)}; --all shows them")
    columns.append(Column("alike", "Alike"))
    return Table("within", "Ratios within each run", columns, shown, notes, "tone")
