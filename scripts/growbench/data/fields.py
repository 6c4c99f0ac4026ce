"""Fields of CSV lines, cut out and converted by NumPy, many columns at once.

A run has more columns than any use of it reads, and many fields are empty. So a block of lines is
cut where its separators are, and only what is wanted is converted, eight characters at a time.
Numbers are exact: of at most 18 digits an integer is the value, or one division of an integer by a
power of ten is, which IEEE 754 rounds correctly. All others are left to pandas' parser.
"""

import csv
import io
import warnings
from typing import Any, NamedTuple, Optional, Sequence

import numpy as np
import pandas as pd

# No time and no memory is as large; a counter that went below zero is larger.
LIMIT = 2.0**63

_COMMA, _LINE_END, _QUOTE, _POINT = b',\n".'
# More than any word of eight characters reaches beyond the lines.
_PADDING = bytes(32)
_WORD = 8
_MOST_DIGITS = 18
_MOST_EXACT = 1 << 53
_TENS = np.array([10**power for power in range(_MOST_DIGITS + 1)], dtype=np.uint64)
# The first and the last so many characters of a word; the first is in the lowest byte.
_FIRST = np.array([(1 << 8 * held) - 1 for held in range(_WORD + 1)], dtype=np.uint64)
_LAST = np.array([(1 << 64) - (1 << 64 - 8 * held) for held in range(_WORD + 1)], dtype=np.uint64)
_MIX = np.uint64(0x9E3779B97F4A7C15)
# Texts of more words are rare, and each is looked at by itself.
_MOST_WORDS = 8


def _each(octet: int) -> np.uint64:
    """A word of that octet eight times."""
    return np.uint64(octet * 0x0101010101010101)


class Fields(NamedTuple):
    """Fields of whole lines, each of as many.

    data: the fields, a byte behind each that is none of it, and _PADDING around all. bounds: where
    these bytes are, and first where one would be before the first field. quoted: some fields stand
    in quotes, which `data` still has.
    """

    data: bytes
    bounds: np.ndarray
    field_count: int
    quoted: bool

    @property
    def line_count(self) -> int:
        return (len(self.bounds) - 1) // self.field_count

    def places(self, columns: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
        """Where the fields of some columns begin and end, without their quotes: all of the first,
        then all of the next."""
        start, end = (
            part.reshape(-1, self.field_count).T[columns].ravel()
            for part in (self.bounds[:-1], self.bounds[1:])
        )
        start += 1
        if self.quoted:
            octets = np.frombuffer(self.data, np.uint8)
            quoted = octets[start] == _QUOTE
            start, end = start + quoted, end - quoted
        return start, end

    def words(self, places: np.ndarray) -> np.ndarray:
        """The eight characters from each place on, as one number."""
        overlapping: np.ndarray = np.ndarray(
            len(self.data) - _WORD + 1, dtype="<u8", buffer=self.data, strides=(1,)
        )
        return overlapping[places].astype(np.uint64, copy=False)


def cut(lines: bytes, field_count: int) -> Optional[Fields]:
    """The fields of lines that all have so many; None where that is not so, or not to be told
    without a parser: quotes that stand around no whole field, or hold some, zero bytes, carriage
    returns that are not part of a line end."""
    if b"\r" in lines:
        lines = lines.replace(b"\r\n", b"\n")
    if b"\0" in lines or b"\r" in lines:
        return None
    data = _PADDING + lines + _PADDING
    octets = np.frombuffer(data, np.uint8)
    line_ends = octets == _LINE_END
    separators = octets == _COMMA
    separators |= line_ends
    separators[len(_PADDING) - 1] = True
    bounds = np.flatnonzero(separators)
    quoted = b'"' in lines
    if quoted:
        outside = _outside_quotes(octets, bounds)
        if outside is None:
            return None
        bounds = outside
    found = Fields(data, bounds, field_count, quoted)
    ends = bounds[field_count::field_count]
    if (
        len(bounds) % field_count != 1 % field_count
        or np.count_nonzero(line_ends) != found.line_count
        or not line_ends[ends].all()
    ):
        return None
    return found


def _outside_quotes(octets: np.ndarray, bounds: np.ndarray) -> Optional[np.ndarray]:
    """Of the places of separators those that are outside of quotes; None if not all quotes stand
    around whole fields, or some hold quotes."""
    quotes = np.flatnonzero(octets == _QUOTE)
    if len(quotes) % 2:
        return None
    opening, closing = quotes[::2], quotes[1::2]
    around = np.append(octets[opening - 1], octets[closing + 1])
    if not ((around == _COMMA) | (around == _LINE_END) | (around == 0)).all():
        return None
    beyond = np.searchsorted(bounds, closing)
    inside = beyond - np.searchsorted(bounds, opening)
    return np.delete(bounds, np.arange(inside.sum()) + np.repeat(beyond - inside.cumsum(), inside))


def joined(rows: Sequence[Sequence[str]]) -> Fields:
    """The fields of lines that a parser has read, at least one."""
    fields = [field.encode() for row in rows for field in row]
    bounds = len(_PADDING) - 1 + np.cumsum([0, *(len(field) + 1 for field in fields)])
    data = _PADDING + b"\n".join(fields) + b"\n" + _PADDING
    return Fields(data, bounds, len(rows[0]), False)


def texts(
    fields: Fields, columns: Sequence[int], required: Sequence[bool], known: dict[bytes, str]
) -> Optional[np.ndarray]:
    """Columns as str, a row for each: of equal texts one object, which `known` keeps. None if one
    that is `required` is empty. The data is UTF-8."""
    start, end = fields.places(columns)
    if (
        (start == end)
        .reshape(len(columns), fields.line_count)[np.asarray(required, dtype=bool)]
        .any()
    ):
        return None
    firsts, codes = _distinct(fields, start, end)
    found = np.empty(len(firsts), dtype=object)
    for number, (begin, stop) in enumerate(zip(start[firsts].tolist(), end[firsts].tolist())):
        raw = fields.data[begin:stop]
        if raw not in known:
            known[raw] = raw.decode()
        found[number] = known[raw]
    return found[codes].reshape(len(columns), fields.line_count)


def _distinct(fields: Fields, start: np.ndarray, end: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The first place of each distinct text, and for each text which of them it is."""
    length = end - start
    every = np.arange(len(start))
    # All words of a text, mixed into one number. No text ends with a zero byte.
    mixed = np.zeros(len(start), dtype=np.uint64)
    words = []
    for number in range(min(-(-int(length.max(initial=0)) // _WORD), _MOST_WORDS)):
        some: Any = np.flatnonzero(length > number * _WORD) if number else slice(None)
        kept = _FIRST[np.minimum(length[some] - number * _WORD, _WORD)]
        word = fields.words(start[some] + number * _WORD) & kept
        before = mixed[some]
        mixed[some] = (before ^ (before >> np.uint64(29))) * _MIX + word
        words.append((some, kept, word))
    long = np.flatnonzero(length > _MOST_WORDS * _WORD)
    mixed[long] = ~long.astype(np.uint64)
    codes, distinct = pd.factorize(mixed)
    firsts = np.empty(len(distinct), dtype=np.int64)
    firsts[codes[::-1]] = every[::-1]
    # Two texts may be mixed alike; then none is taken for another.
    first = firsts[codes]
    place = start[first]
    alike = np.array_equal(length[first], length)
    for number, (some, kept, word) in enumerate(words):
        alike = alike and np.array_equal(fields.words(place[some] + number * _WORD) & kept, word)
    return (firsts, codes) if alike else (every, every)


def numbers(
    fields: Fields, columns: Sequence[int], whole: Sequence[bool], type: type
) -> Optional[np.ndarray]:
    """Columns as numbers of a type, a row for each: int64, or float64 with NaN where a field is
    empty.

    None if there is another than a finite one from 0 to LIMIT, one with a fraction in a column that
    is `whole`, or none where the type has no NaN.
    """
    start, end = fields.places(columns)
    present = np.flatnonzero(start < end)
    values: np.ndarray = np.empty(len(start), dtype=type)
    if len(present) < len(start):
        if values.dtype.kind != "f":
            return None
        values.fill(np.nan)
    start, end = start[present], end[present]
    is_whole = np.repeat(np.asarray(whole, dtype=bool), fields.line_count)[present]
    values[present], good = _digits(fields, start, end)
    rest = np.flatnonzero(~good)
    if len(rest) and not all(whole):
        values[present[rest]], good = _with_point(fields, start[rest], end[rest])
        rest = rest[~good | is_whole[rest]]
    if len(rest):
        found = _parsed(fields, start[rest], end[rest], type)
        if found is None or not ((found >= 0) & (found < LIMIT)).all():
            return None
        if (found != np.floor(found))[is_whole[rest]].any():
            return None
        values[present[rest]] = found
    return values.reshape(len(columns), fields.line_count)


def _digits(fields: Fields, start: np.ndarray, end: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The numbers that digits stand for, and of which fields that is the number: it has at least
    one digit, at most _MOST_DIGITS, and nothing else."""
    length = end - start
    good = (length > 0) & (length <= _MOST_DIGITS)
    values = np.zeros(len(start), dtype=np.uint64)
    for number in range(-(-min(int(length.max(initial=0)), _MOST_DIGITS) // _WORD)):
        some: Any = np.flatnonzero(length > number * _WORD) if number else slice(None)
        # The last characters of a field are its lowest digits; what stands before them is no digit
        # of it, and becomes 0.
        held = np.minimum(length[some] - number * _WORD, _WORD)
        digits = (fields.words(end[some] - (number + 1) * _WORD) ^ _each(0x30)) & _LAST[held]
        wrong = ((digits + _each(0x76)) | digits) & _each(0x80)
        good[some] &= wrong == 0
        # Two, four, then eight digits become one number.
        digits = (digits * np.uint64(2561)) >> np.uint64(8) & np.uint64(0x00FF00FF00FF00FF)
        digits = (digits * np.uint64(6553601)) >> np.uint64(16) & np.uint64(0x0000FFFF0000FFFF)
        digits = (digits * np.uint64(42949672960001)) >> np.uint64(32)
        values[some] += digits * _TENS[number * _WORD]
    return values, good


def _with_point(
    fields: Fields, start: np.ndarray, end: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The numbers that digits with a decimal point between them stand for, and of which fields
    that is the number, to the last bit."""
    point = end
    for number in reversed(range(-(-_MOST_DIGITS // _WORD))):
        place = start + number * _WORD
        # The lowest octet that is a point has its highest bit left.
        differs = fields.words(place) ^ _each(_POINT)
        found = (differs - _each(1)) & ~differs & _each(0x80)
        lowest = np.frexp((found & (~found + np.uint64(1))).astype(float))[1] // _WORD
        point = np.where(lowest > 0, place + lowest - 1, point)
    good = (point < end) & (end - start <= _MOST_DIGITS)
    point = np.where(good, point, start)
    before, is_number = _digits(fields, start, point)
    behind, is_fraction = _digits(fields, point + 1, end)
    scale = _TENS[np.where(good, end - point - 1, 0)]
    digits = before * scale + behind
    good &= is_number & is_fraction & (digits < _MOST_EXACT)
    return digits.astype(float) / scale.astype(float), good


def _parsed(fields: Fields, start: np.ndarray, end: np.ndarray, type: type) -> Optional[np.ndarray]:
    """The numbers that pandas takes these fields for; None if some are none, or are rounded."""
    rows = [fields.data[begin:stop] for begin, stop in zip(start.tolist(), end.tolist())]
    text = b"\n".join(rows) + b"\n"
    # Spreadsheets write E+ where they have rounded.
    if b"," in text or b"E+" in text or not text.isascii():
        return None
    try:
        with warnings.catch_warnings():
            # Of a number that is none of int64.
            warnings.simplefilter("error", RuntimeWarning)
            table = pd.read_csv(
                io.BytesIO(text),
                header=None,
                dtype=type,
                quoting=csv.QUOTE_NONE,
                skip_blank_lines=False,
                na_filter=False,
                float_precision="round_trip",
            )
    except (ValueError, OverflowError, RuntimeWarning):
        return None
    return table[0].to_numpy()
