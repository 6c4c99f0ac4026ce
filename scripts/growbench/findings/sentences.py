"""Text made of parts, so that names and figures can be set apart, and are escaped where shown.

A sentence is a sequence of plain strings and Parts. Plain strings are ours; what comes from the
data is always a Part, and a template escapes both.
"""

import math
from typing import Any, NamedTuple, Sequence, Union

from growbench.tables.table import factor
from growbench.data.units import show

NAME, FIGURE = "name", "figure"
# So many names of a list are written out; the others are counted.
MOST_NAMES = 4


class Part(NamedTuple):
    """kind: NAME, something that stands in the data under that name; FIGURE, what was measured."""

    text: str
    kind: str


Sentence = Sequence[Union[str, Part]]


def name(text: object) -> Part:
    # What is not printable could break a line or turn text around.
    return Part(
        "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in str(text)), NAME
    )


def figure(text: str) -> Part:
    return Part(text, FIGURE)


def times(value: float) -> Part:
    """A ratio: "12.3 times"."""
    return figure(f"{factor(value)} times")


def amount(value: float, unit: str) -> Part:
    """A figure in its unit, as units.show() has it."""
    return figure(show(value, unit))


def interval(low: float, high: float, unit: str = "") -> list[Union[str, Part]]:
    """ " (1.02 to 1.10)", or nothing where there is no interval. unit: as show() takes it, or ""
    for a ratio."""
    if math.isnan(low) or math.isnan(high):
        return []
    ends = [show(end, unit) if unit else factor(end) for end in (low, high)]
    return [f" ({ends[0]} to {ends[1]})"]


def listed(items: Sequence[Sequence[Any]], most: int = MOST_NAMES) -> list[Union[str, Part]]:
    """ "a, b and c", or "a, b, c, d and 5 more"."""
    shown, rest = list(items[:most]), len(items) - most
    parts: list[Union[str, Part]] = []
    for number, item in enumerate(shown):
        if number:
            parts.append(" and " if number == len(shown) - 1 and rest <= 0 else ", ")
        parts += item
    return parts + ([f" and {rest} more"] if rest > 0 else [])


def worded(text: str, *parts: Union[str, Part, Sentence]) -> list[Union[str, Part]]:
    """The text with a part, or several in a row, in place of each {}. Names from the data are
    parts, never in the text."""
    first, *rest = text.split("{}")
    made: list[Union[str, Part]] = [first]
    for part, after in zip(parts, rest):
        made += [part, after] if isinstance(part, (str, Part)) else [*part, after]
    return made


def joined(clauses: Sequence[Sequence[Any]]) -> list[Union[str, Part]]:
    """ "a; b; c": of clauses that have commas of their own."""
    parts: list[Union[str, Part]] = []
    for number, clause in enumerate(clauses):
        parts += ["; " if number else "", *clause]
    return parts


def plain(sentence: Sentence) -> str:
    """The text alone."""
    return "".join(part if isinstance(part, str) else part.text for part in sentence)


def counted(count: int, noun: str, plural: str = "") -> str:
    """ "1 cell", "2 cells"."""
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"
