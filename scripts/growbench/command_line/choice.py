"""Choosing cells on the command line: --strategy realloc_doubling --rows 10000 ..."""

import argparse
from typing import Sequence

import pandas as pd

from growbench.data.errors import UsageError
from growbench.data.parameters import meant, ordered
from growbench.data.text import printable

NUMBERS = ("rows", "row_bytes", "threads")
KEYS = ("implementation", "strategy", "allocator", *NUMBERS, "work")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """An option for each key by which cells can be chosen."""
    for key in KEYS:
        parser.add_argument(
            f"--{key.replace('_', '-')}",
            nargs="+",
            metavar=key.upper(),
            type=int if key in NUMBERS else str,
            help=f"only cells of this {key.replace('_', ' ')}",
        )


def chosen(options: argparse.Namespace) -> dict[str, list]:
    """The values that were asked for, key by key; empty if all cells are meant."""
    return {key: getattr(options, key) for key in KEYS if getattr(options, key)}


def choose(tables: Sequence[pd.DataFrame], wanted: dict[str, list]) -> list[pd.DataFrame]:
    """The rows of each table that are all that is wanted; a strategy without its parameter's value
    is all values that there are.

    Raises UsageError for a value that none of the tables has.
    """
    for key, values in wanted.items():
        known = set().union(*(table[key].unique() for table in tables))
        there = ordered(known) if key == "strategy" else sorted(known)
        for value in values:
            if not (meant(value, known) if key == "strategy" else value in known):
                listed = ", ".join(map(str, there))
                raise UsageError(printable(f"no cell of {key} {value}; there are: {listed}"))
    return [of(table, wanted) for table in tables]


def of(table: pd.DataFrame, wanted: dict[str, list]) -> pd.DataFrame:
    """The rows that are all that is wanted, if there are any."""
    for key, values in wanted.items():
        if key == "strategy":
            known = set(table[key].unique())
            values = [name for value in values for name in meant(value, known)]
        table = table[table[key].isin(values)]
    return table
