"""What strategies are written in, and how a strategy is named where several languages have it.

A strategy's name says what it does; together with the implementation it says which code that is.
Among the compiled ones names are unique, so these go by the strategy alone. NumPy, Python and
workers of somebody else's use the same names for the same work: they are told with both.
"""

from typing import Iterable, NamedTuple, Sequence

import pandas as pd

C, NUMPY, PYTHON = "c", "numpy", "python"
# What a strategy is told by: its implementation and its name.
IDENTITY = ("implementation", "strategy")


class Implementation(NamedTuple):
    """label: for people. interpreted: a part of its time is the interpreter's own."""

    label: str
    interpreted: bool = False


# In the order of legends and tables. Any other one is a worker that somebody gave to the runner.
IMPLEMENTATIONS = {
    C: Implementation("C"),
    "cpp": Implementation("C++"),
    "glib": Implementation("GLib"),
    "uthash": Implementation("uthash"),
    NUMPY: Implementation("NumPy", interpreted=True),
    PYTHON: Implementation("Python", interpreted=True),
}
COMPILED = tuple(name for name, row in IMPLEMENTATIONS.items() if not row.interpreted)


def label(implementation: str) -> str:
    """For people: "NumPy"; a name of somebody else's as it is."""
    known = IMPLEMENTATIONS.get(implementation)
    return known.label if known else implementation


def is_compiled(implementation: str) -> bool:
    """Is it one of ours in C, or a container of C or C++?"""
    return implementation in COMPILED


def ordered(names: Iterable[str]) -> list[str]:
    """Each once: the known ones in the table's order, then the others sorted."""
    place = {name: number for number, name in enumerate(IMPLEMENTATIONS)}
    return sorted(set(names), key=lambda name: (place.get(name, len(place)), name))


def in_words(names: Iterable[str]) -> str:
    """ "NumPy", "NumPy and Python", "NumPy, Python and go"."""
    labels = [label(name) for name in ordered(names)]
    return " and ".join([", ".join(labels[:-1]), labels[-1]] if len(labels) > 1 else labels)


def full_name(implementation: str, strategy: str) -> str:
    """ "numpy loop_and_append": no other code of a run has this name."""
    return f"{implementation} {strategy}"


def strategy_name(implementation: str, strategy: str) -> str:
    """How a sentence names it: the strategy alone where it is compiled."""
    return strategy if is_compiled(implementation) else full_name(implementation, strategy)


def strategy_names(table: pd.DataFrame) -> pd.Series:
    """strategy_name() of each row."""
    names = [strategy_name(*key) for key in zip(table["implementation"], table["strategy"])]
    return pd.Series(names, table.index, dtype=object)


def full_names(table: pd.DataFrame) -> pd.Series:
    """full_name() of each row."""
    names = [full_name(*key) for key in zip(table["implementation"], table["strategy"])]
    return pd.Series(names, table.index, dtype=object)


def names_collide(table: pd.DataFrame) -> bool:
    """Has a strategy more than one implementation in this table?"""
    pairs = table[list(IDENTITY)].drop_duplicates()
    return bool(pairs["strategy"].duplicated().any())


def told_apart(table: pd.DataFrame) -> pd.Series:
    """For each row a name that no other implementation's strategy of the table has: the strategy
    alone where that is enough in all rows, else full_name() in all of them."""
    return full_names(table) if names_collide(table) else table["strategy"]


def bare_names(table: pd.DataFrame) -> pd.Series:
    """For each row the strategy as runs.csv has it, whether or not told_apart() has named it."""
    names = [
        strategy[len(implementation) + 1 :]
        if strategy.startswith(full_name(implementation, ""))
        else strategy
        for implementation, strategy in zip(table["implementation"], table["strategy"])
    ]
    return pd.Series(names, table.index, dtype=object)


def written_by(name: str, known: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Of the known (implementation, strategy) those that `name` may mean: "loop_and_append" is
    that of any implementation, "numpy loop_and_append" is one."""
    return [key for key in known if name in (key[1], full_name(*key))]
