"""Fields that NumPy cuts out and converts are those of the csv module, of float() and of str."""

import csv
import random
from pathlib import Path
from typing import Optional

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from growbench.data import fields, load
from growbench.data.columns import COLUMNS, OLDEST_SCHEMA_VERSION, TEXT

WIDTH = 3
ROOT = Path(__file__).resolve().parents[2]


def parsed(line: str) -> Optional[list[str]]:
    """The fields of a line by the csv module; None if they are not WIDTH, or the line is no CSV."""
    try:
        found: list[str] = next(csv.reader([line], strict=True), []) or [""]
    except csv.Error:
        return None
    return found if len(found) == WIDTH else None


def as_text(cut: fields.Fields) -> list:
    """All fields, line by line, by places()."""
    start, end = (of.tolist() for of in cut.places(range(cut.field_count)))
    found = [cut.data[place:stop].decode() for place, stop in zip(start, end)]
    return [found[line :: cut.line_count] for line in range(cut.line_count)]


def lines_of(values: list[str], quoted: bool = False) -> fields.Fields:
    """Lines of WIDTH fields: the values, and something else on either side of them."""
    mark = '"' if quoted else ""
    text = "".join(f"7.5,{mark}{value}{mark},8\n" for value in values)
    cut = fields.cut(text.encode(), WIDTH)
    assert cut is not None
    return cut


def test_lines_are_cut_as_the_csv_module_does_or_left_to_it():
    dice = random.Random(20261130)
    cut_count = {"plain": 0, "quoted": 0, "refused": 0}
    for _ in range(20_000):
        lines = []
        for _ in range(dice.randint(1, 3)):
            some = ['"a,b"', '""', '"', "a", "a", "b c", ""]
            line = ",".join(dice.choice(some) for _ in range(WIDTH))
            if dice.random() < 0.1:
                line += dice.choice([",", '"', "a", '""', "\r", "\n"])
            lines.append(line)
        text = "\n".join(lines) + "\n"
        cut = fields.cut(text.encode(), WIDTH)
        expected = [parsed(line.rstrip("\r")) for line in text.split("\n")[:-1]]
        if cut is None:
            cut_count["refused"] += 1
            assert None in expected or '"' in text or "\r" in text
        else:
            cut_count["quoted" if '"' in text else "plain"] += 1
            assert as_text(cut) == expected, text
    assert min(cut_count.values()) > 1000


@pytest.mark.parametrize(
    "text",
    [
        "a,b\nc,d,e,f\n",
        "a,b,c,d,e,f\n",
        "a,b\nc\nd,e,f\n",
        'a,"b\n",c\n',
        'a,"b""c",d\n',
        'a,b"c",d\n',
        'a,"b"c,d\n',
        "a,b,\0\n",
        "a,\r,c\n",
        "a,b,c\r\r\n",
    ],
)
def test_what_takes_a_parser_is_left_to_it(text):
    assert fields.cut(text.encode(), WIDTH) is None


def test_line_ends_of_windows_are_line_ends():
    cut = fields.cut(b"a,b,c\r\nd,e,f\n", WIDTH)
    assert cut is not None and as_text(cut) == [["a", "b", "c"], ["d", "e", "f"]]


def test_no_lines_are_no_rows():
    cut = fields.cut(b"", WIDTH)
    assert cut is not None and cut.line_count == 0
    assert fields.texts(cut, [0, 2], [True, False], {}).shape == (2, 0)
    assert fields.numbers(cut, [0, 2], [True, False], float).shape == (2, 0)


def test_what_a_parser_has_read_is_read_back():
    rows = [["a,", 'b"', ""], ["", "\u00e4", "1"]]
    assert as_text(fields.joined(rows)) == rows


DIGITS = st.text("0123456789", min_size=1, max_size=22)
NUMBERS = (
    DIGITS
    | st.builds("{}.{}".format, DIGITS, DIGITS)
    | st.floats(0, 2.0**62).map(repr)
    | st.floats(0, 2.0**62).map("{:.9g}".format)
    | st.integers(0, 2**62).map(str)
)
IN_RANGE = NUMBERS.filter(lambda text: float(text) < fields.LIMIT and "e+" not in text.lower())


@settings(max_examples=150, deadline=None)
@given(values=st.lists(IN_RANGE | st.just(""), min_size=1, max_size=8), quoted=st.booleans())
def test_numbers_are_those_of_float_to_the_last_bit(values, quoted):
    read = fields.numbers(lines_of(values, quoted), [1, 0], [False, False], float)
    expected = [float(value or "nan") for value in values]
    assert read[0].tobytes() == np.array(expected).tobytes()
    assert set(read[1]) == {7.5}


@settings(max_examples=60, deadline=None)
@given(values=st.lists(st.integers(0, 2**63 - 2**11), min_size=1, max_size=8))
def test_whole_numbers_are_exact_beyond_what_a_float_holds(values):
    read = fields.numbers(lines_of([str(value) for value in values]), [1], [True], np.int64)
    assert read.dtype == np.int64 and read[0].tolist() == values


@pytest.mark.parametrize("length", range(1, 20))
@pytest.mark.parametrize("odd", "/:.-e x\xff")
def test_a_character_that_is_no_digit_is_seen_wherever_it_stands(length, odd):
    for place in range(length):
        text = "9" * place + odd + "9" * (length - place - 1)
        _, good = fields._digits(lines_of([text]), *lines_of([text]).places([1]))
        assert not good[0]


@pytest.mark.parametrize(
    "value", ["1,5", "1E+05", "x", "-1", "1e19", "inf", "nan", "\ufeff1", "1_0"]
)
@pytest.mark.parametrize("type", [float, np.int64])
def test_what_is_no_number_of_a_run_is_none(value, type):
    cut = fields.joined([["1", "2", "3"], ["1", value, "3"]])
    assert fields.numbers(cut, [1], [False], type) is None
    assert fields.numbers(cut, [0, 2], [False, False], type).tolist() == [[1, 1], [3, 3]]


def test_a_fraction_or_nothing_is_none_where_it_must_not_be():
    assert fields.numbers(lines_of(["1.5"]), [1], [True], float) is None
    assert fields.numbers(lines_of(["1.0"]), [1], [True], float).tolist() == [[1.0]]
    assert fields.numbers(lines_of(["1", ""]), [1], [True], np.int64) is None
    assert fields.texts(lines_of(["a", ""]), [1], [True], {}) is None


TEXTS = st.text(st.characters(blacklist_categories=("Cc", "Cs"), blacklist_characters=',"'))
# Alike in all but a few characters, wherever these stand.
ALIKE = st.builds(
    lambda size, places: "".join("ab"[place in places] for place in range(size)),
    st.integers(0, 40),
    st.sets(st.integers(0, 40), max_size=2),
)


@pytest.mark.parametrize("mix", [fields._MIX, np.uint64(0)])
@settings(max_examples=60, deadline=None)
@given(values=st.lists(TEXTS | ALIKE | ALIKE.map(lambda text: text * 20), min_size=1, max_size=20))
def test_texts_are_read_as_they_are_even_if_they_are_mixed_alike(mix, values):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fields, "_MIX", mix)
        known = {}
        read = fields.texts(lines_of(values), [1, 2], [False, True], known)
    assert read[0].tolist() == values and set(read[1]) == {"8"}
    # One object for each text.
    assert len({id(text) for text in read.ravel()}) == len({*values, "8"}) == len(known)


@pytest.mark.parametrize(
    "path", sorted((ROOT / "results").glob("*/runs.csv")), ids=lambda path: path.parent.name
)
def test_committed_runs_are_read_as_the_csv_module_and_float_read_them(path):
    read, header = load._read(path, COLUMNS, OLDEST_SCHEMA_VERSION)
    with open(path, encoding="utf-8", newline="") as stream:
        rows = list(csv.reader(stream))
    # Then come those that a file of an older schema lacks.
    assert header == rows[0] == list(read)[: len(header)]
    described = {column.name: column for column in COLUMNS}
    for name, values in zip(header, zip(*rows[1:])):
        if name not in described or described[name].type == TEXT:
            assert tuple(read[name]) == values
        else:
            expected = np.array([float(value or "nan") for value in values])
            assert read[name].to_numpy(dtype=float).tobytes() == expected.tobytes(), name
