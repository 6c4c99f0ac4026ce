"""Strategies that have a parameter: its value stands in their name, behind a colon.

"realloc_factor:1.25" is the strategy realloc_factor with the factor 1.25; realloc_step:4144B and
realloc_step:64rows, arrays_in_turn:8. That whole text is the strategy in each file and table; what
has to be known of its parts is asked here.
"""

import re
from typing import Collection, Iterable, Sequence

import numpy as np
import pandas as pd

SIGN = ":"
_VALUE = re.compile(r"([0-9]+(?:\.[0-9]+)?)(.*)", re.S)


def base(strategy: str) -> str:
    """The strategy without its value: "realloc_factor"."""
    return strategy.partition(SIGN)[0]


def value(strategy: str, of: str) -> float:
    """The value of the strategy `of` in that name: 1.25; nan for any other, and for a value that is
    more than a number."""
    name, _, text = strategy.partition(SIGN)
    match = _VALUE.fullmatch(text)
    return float(match[1]) if name == of and match and not match[2] else np.nan


def place(strategy: str) -> tuple[str, str, float, str]:
    """What names are sorted by: values of one strategy by unit and number, so that 2 is before 10,
    and 64rows behind all bytes."""
    name, _, text = strategy.partition(SIGN)
    match = _VALUE.fullmatch(text)
    return (name, match[2], float(match[1]), text) if match else (name, "", -1.0, text)


def ordered(strategies: Iterable[str]) -> list[str]:
    """Each once, by place()."""
    return sorted(set(strategies), key=place)


def in_order(table: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    """The table sorted by these columns, `strategy` by place(). It is sorted by them as text."""
    names = table["strategy"].unique()
    if not any(SIGN in name for name in names):
        return table
    number = {name: number for number, name in enumerate(ordered(names))}
    return table.sort_values(
        list(keys),
        key=lambda column: column.map(number) if column.name == "strategy" else column,
        kind="stable",
        ignore_index=True,
    )


def meant(name: str, known: Collection[str]) -> list[str]:
    """Which of the strategies `known` a user's name is: that one, or, where there is none, those
    that it is the base of; empty if it is neither."""
    return [name] if name in known else ordered(one for one in known if base(one) == name)
