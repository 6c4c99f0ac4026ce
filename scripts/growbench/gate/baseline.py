"""The baseline: a text file that is kept beside the code, of a line for each cell.

    growbench-baseline 1
    # what each line is
    made: growbench run --preset exact
    architecture: x86_64

    c realloc_doubling glibc 10000 80 1 cheap: allocator_calls=16 page_faults=201..203

    end

Facts come first, then a cell's counts each, sorted. There is an empty line between cells, so that
changes of two cells in two branches are merged by git: it takes lines next to each other for one
place. Names are percent-encoded where they hold blanks.
"""

import re
from pathlib import Path
from typing import Any, Iterator, NamedTuple, Union
from urllib.parse import quote, unquote

import pandas as pd

from growbench.comparison.exact import FEWEST_WORKERS
from growbench.data.columns import CELL
from growbench.data.errors import LoadError
from growbench.data.exact import EXACT, Exact
from growbench.gate.facts import known_name

VERSION = 1
MAGIC = "growbench-baseline"
MADE = "made"
FIGURES = (*CELL, "exact", "low", "high")
_COMMENTS = f"""\
# {' '.join(CELL)}: counts, low..high where they vary.
# Written by: growbench gate RUN --baseline FILE --update"""
_NUMBERS = ("rows", "row_bytes", "threads")
_SORTED_BY = ["implementation", "strategy", "allocator", "row_bytes", "threads", "work", "rows"]
_CONFLICT = ("<<<<<<<", "|||||||", "=======", ">>>>>>>")
_FIGURE = re.compile(r"(\w+)=([0-9]{1,18})(?:\.\.([0-9]{1,18}))?")
_KNOWN = tuple(exact.name for exact in EXACT)
_MAKE = "remove it, and make it anew with --update"


class Baseline(NamedTuple):
    """made: the command that measured it. facts: what the counts depend on, by name. figures: a
    row for each count of each cell: FIGURES."""

    made: str
    facts: dict[str, str]
    figures: pd.DataFrame

    def ranges(self, exact: Exact) -> pd.DataFrame:
        """As ranges() of comparison/exact has it: low, high and workers by CELL.

        What does not repeat is in a baseline only if enough workers had it, or one tells.
        """
        rows = self.figures[self.figures["exact"] == exact.name]
        workers = FEWEST_WORKERS if exact.scatter is None else 1
        return rows.set_index(list(CELL))[["low", "high"]].assign(workers=workers)


def text_of(baseline: Baseline) -> str:
    """The file's content; the same for the same baseline, whatever the order of its rows."""
    lines = [f"{MAGIC} {VERSION}", _COMMENTS, f"{MADE}: {baseline.made}"]
    lines += [f"{name}: {text}" for name, text in baseline.facts.items()]
    place = {name: number for number, name in enumerate(_KNOWN)}
    figures = baseline.figures.assign(place=baseline.figures["exact"].map(place))
    figures = figures.sort_values([*_SORTED_BY, "place"])
    for cell, rows in figures.groupby(_SORTED_BY, sort=False):
        keys = dict(zip(_SORTED_BY, cell))
        words = [quote(str(keys[key]), safe="._+-~@") for key in CELL]
        lines += ["", f"{' '.join(words)}: {' '.join(map(_figure, rows.itertuples()))}"]
    return "\n".join([*lines, "", "end"]) + "\n"


def _figure(row: Any) -> str:
    high = f"..{int(row.high)}" if row.high != row.low else ""
    return f"{row.exact}={int(row.low)}{high}"


def read(path: Union[str, Path]) -> Baseline:
    """The baseline in that file. Raises LoadError."""
    try:
        content = Path(path).read_bytes()
    except FileNotFoundError:
        raise LoadError("no such file", path, advice="make it with --update") from None
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise LoadError(f"cannot be read: {why}", path, advice="give a baseline") from None
    try:
        lines = content.decode("utf-8-sig").replace("\r\n", "\n").split("\n")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise LoadError("is not UTF-8 text", path, line, advice=_MAKE) from None
    return _Reader(path, lines).baseline()


class _Reader:
    """Goes through the lines, and knows where it is for what is wrong."""

    def __init__(self, path: Union[str, Path], lines: list[str]) -> None:
        self._path, self._lines = path, lines
        self._number = 1
        self._facts: dict[str, str] = {}
        self._rows: list[tuple] = []
        self._line_of: dict[tuple, int] = {}

    def _fail(self, what: str, advice: str) -> LoadError:
        return LoadError(what, self._path, self._number, advice=advice)

    def baseline(self) -> Baseline:
        self._check_first()
        for text in self._told():
            if text == "end":
                break
            if " " in text.partition(":")[0] and not self._is_fact(text):
                self._cell(text)
            else:
                self._fact(text)
        else:
            self._number = len(self._lines)
            raise self._fail("the line 'end' is missing: the file was cut off", _MAKE)
        for _ in self._told(self._number):
            raise self._fail("something stands behind the line 'end'", "remove what was added")
        figures = pd.DataFrame(self._rows, columns=list(FIGURES))
        return Baseline(self._facts.pop(MADE, ""), self._facts, figures)

    def _check_first(self) -> None:
        self._refuse_conflict(self._lines[0])
        name, _, version = self._lines[0].rstrip().partition(" ")
        if name != MAGIC:
            raise self._fail(f"is no baseline: it does not begin with {MAGIC!r}", _MAKE)
        if version != str(VERSION):
            what = f"version {version[:20]!r}, and these scripts read version {VERSION}"
            raise self._fail(what, f"take the release that wrote it, or {_MAKE}")

    def _refuse_conflict(self, text: str) -> None:
        if text.startswith(_CONFLICT):
            what = f"a conflict of a merge: {text[:7]}"
            raise self._fail(what, f"take the lines of one side, or measure and {_MAKE}")

    def _told(self, after: int = 1) -> Iterator[str]:
        """The lines after that one that say something."""
        for number, text in enumerate(self._lines[after:], start=after + 1):
            self._number = number
            self._refuse_conflict(text)
            if text.strip() and not text.startswith("#"):
                yield text.rstrip()

    def _is_fact(self, text: str) -> bool:
        return known_name(text.partition(":")[0])

    def _fact(self, text: str) -> None:
        name, colon, value = text.partition(": ")
        if not colon or not value.strip() or not (name == MADE or known_name(name)):
            what = f"{text[:40]!r} is neither a fact nor a cell's counts"
            raise self._fail(what, f"mend the line, or {_MAKE}")
        if name in self._facts:
            raise self._fail(f"{name} stands there twice", "keep the line that is true")
        self._facts[name] = value.strip()

    def _cell(self, text: str) -> None:
        key, colon, counts = text.partition(":")
        words = key.split()
        if not colon or len(words) != len(CELL):
            what = f"{len(words)} words before ':', and a cell has {len(CELL)}: {' '.join(CELL)}"
            raise self._fail(what, f"mend the line, or {_MAKE}")
        cell = tuple(self._key(name, word) for name, word in zip(CELL, words))
        if cell in self._line_of:
            what = f"{' '.join(words)} stands on line {self._line_of[cell]} too"
            raise self._fail(what, "keep the line that is true")
        self._line_of[cell] = self._number
        figures = [self._figure(word) for word in counts.split()]
        names = [name for name, _, _ in figures]
        if not names or len(set(names)) != len(names):
            what = "no count stands there" if not names else "a count stands there twice"
            raise self._fail(what, f"mend the line, or {_MAKE}")
        self._rows += [(*cell, *figure) for figure in figures]

    def _key(self, name: str, word: str) -> Union[int, str]:
        if name not in _NUMBERS:
            return unquote(word)
        if not re.fullmatch("[0-9]{1,15}", word):
            raise self._fail(f"{name}: {word[:40]!r} is no whole number", "mend the line")
        return int(word)

    def _figure(self, word: str) -> tuple[str, float, float]:
        match = _FIGURE.fullmatch(word)
        if match is None:
            what = f"{word[:60]!r} is neither NAME=NUMBER nor NAME=LOW..HIGH"
            raise self._fail(what, f"mend the line, or {_MAKE}")
        name, low, high = match.groups()
        if name not in _KNOWN:
            what = f"{name[:40]!r} is no count that is known here"
            raise self._fail(what, f"take the release that wrote it; known: {', '.join(_KNOWN)}")
        if high is not None and int(high) <= int(low):
            raise self._fail(f"{word}: the range does not go upwards", "mend the line")
        return name, float(low), float(high or low)
