"""A table of figures, for any reader.

A Table holds figures in full precision; what a reader sees is made at the last moment, by the
column's kind. To add a kind, add a row to KINDS.
"""

import math
from typing import Any, Callable, NamedTuple, Sequence

import pandas as pd

from growbench.data.text import printable
from growbench.data.units import show

NOTHING = "-"


class Column(NamedTuple):
    """A column of a Table.

    name: of the frame's column, and of the column in CSV and JSON. label: its heading.
    kind: how it is shown, a key of KINDS. high: for an interval, the frame's column with its upper
    end; `name` is that of the lower end. help: one line for headings that can tell more.
    """

    name: str
    label: str
    kind: str = "text"
    high: str = ""
    help: str = ""


class Table(NamedTuple):
    """A table with a title, and notes that travel with it as footnotes.

    frame: a column for each Column (for an interval two); others are not shown, but stand in CSV
    and JSON. tone: a column of the frame that says how a row is meant: good, bad, unsure or "";
    "" if none does. name: of the file or the JSON member that holds it.
    """

    name: str
    title: str
    columns: Sequence[Column]
    frame: pd.DataFrame
    notes: Sequence[str] = ()
    tone: str = ""

    def first(self, limit: int, what: str = "rows") -> "Table":
        """Its first rows, and a note that there are more. limit: how many, 0 for all. what: is
        left out, in words."""
        more = len(self.frame) - limit
        if limit <= 0 or more <= 0:
            return self
        notes = [*self.notes, f"{what} not shown: {more}; --all shows them"]
        return self._replace(frame=self.frame.head(limit), notes=notes)

    def texts(self) -> list[list[str]]:
        """The cells as a reader sees them, row by row."""
        by_column = [column_texts(self.frame, column) for column in self.columns]
        return [list(row) for row in zip(*by_column)]

    def tones(self) -> list[str]:
        """What colour each row asks for."""
        return list(self.frame[self.tone]) if self.tone else [""] * len(self.frame)


class Kind(NamedTuple):
    """show: one value as text. right: numbers stand at the right."""

    show: Callable[[Any], str]
    right: bool = True


def _unit(unit: str) -> Kind:
    return Kind(lambda value: show(value, unit))


def factor(value: float) -> str:
    """A ratio with as many digits as it needs: 1.034, 12.3, 4,321."""
    if value < 10:
        return f"{value:.3f}"
    return f"{value:.1f}" if value < 1000 else f"{value:,.0f}"


def whole_share(value: float) -> str:
    """A share without decimals: 83%, and <1% where it would say 0% of something."""
    return "<1%" if 0.0 < value < 0.005 else f"{value:.0%}"


def percent(value: float) -> str:
    """A ratio as a change: 1.034 is +3.4%, 0.5 is -50.0%."""
    change = 100.0 * (value - 1.0)
    return f"{change:+.1f}%" if abs(change) < 1000 else f"{change:+,.0f}%"


def change_in_percent(value: float) -> str:
    """percent() with so many digits that no change is shown as none: 1.00004 is +0.004%."""
    change = 100.0 * (value - 1.0)
    return f"{change:+.1g}%" if 0.0 < abs(change) < 0.05 else percent(value)


KINDS = {
    "text": Kind(str, right=False),
    "count": Kind(lambda value: f"{value:,.0f}"),
    "number": Kind(lambda value: f"{value:g}"),
    "ns": _unit("ns"),
    "bytes": _unit("bytes"),
    "share": _unit("share"),
    "whole_share": Kind(whole_share),
    "factor": Kind(factor),
    "percent": Kind(percent),
    "change": Kind(change_in_percent),
    "exponent": Kind(lambda value: f"{value:.2f}"),
    "p": Kind(lambda value: "<0.0001" if value < 0.0001 else f"{value:.4f}"),
}
# Intervals are shown as "low to high", each end by the kind behind the colon.
_INTERVAL = "interval:"


def kind_of(column: Column) -> Kind:
    return KINDS[column.kind.removeprefix(_INTERVAL)]


def column_texts(frame: pd.DataFrame, column: Column) -> list[str]:
    """A column's cells as text; what is missing or infinite is "-"."""
    kind = kind_of(column)
    low = [_shown(value, kind) for value in frame[column.name]]
    if not column.kind.startswith(_INTERVAL):
        return low
    high = [_shown(value, kind) for value in frame[column.high]]
    return [NOTHING if NOTHING in pair else f"{pair[0]} to {pair[1]}" for pair in zip(low, high)]


def _shown(value: Any, kind: Kind) -> str:
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return NOTHING
    return printable(kind.show(value))
