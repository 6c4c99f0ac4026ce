"""One table for all readers: what each of them sees, and what the data cannot do to them."""

import csv
import io
import json

import numpy as np
import pandas as pd
import pytest

from growbench.tables import formats
from growbench.tables.table import Column, Table, percent

COLUMNS = (
    Column("name", "strategy"),
    Column("ratio", "change", "percent"),
    Column("low", "95% interval", "interval:factor", high="high"),
    Column("time", "time", "ns"),
)


def table(names=("a", "bb"), **columns):
    count = len(names)
    frame = pd.DataFrame(
        {
            "name": list(names),
            "ratio": [1.034, 0.5][:count],
            "low": [1.0, 0.25][:count],
            "high": [1.5, np.nan][:count],
            "time": [1234.0, np.inf][:count],
            "tone": ["bad", ""][:count],
        }
    )
    return Table("things", "Things", COLUMNS, frame.assign(**columns), ["a note"], "tone")


def test_a_terminal_shows_aligned_columns_and_notes():
    assert formats.as_terminal(table()) == (
        "Things\n"
        "  strategy  change    95% interval     time\n"
        "  a          +3.4%  1.000 to 1.500  1.23 \N{MICRO SIGN}s\n"
        "  bb        -50.0%               -        -\n"
        "  a note\n"
    )


def test_colour_is_added_to_rows_with_a_tone_only_when_asked_for():
    assert "\033" not in formats.as_terminal(table())
    lines = formats.as_terminal(table(), colour=True).splitlines()
    assert "\033[1;31m" in lines[2] and lines[2].endswith("\033[0m")
    assert "\033" not in lines[3]


@pytest.mark.parametrize("limit", [0, 2, 3])
def test_a_table_that_is_short_enough_is_shown_whole(limit):
    assert list(table().first(limit).frame["name"]) == ["a", "bb"]
    assert table().first(limit).notes == ["a note"]


def test_of_a_long_table_it_is_told_how_much_is_left_out():
    first = table().first(1, "things")
    assert list(first.frame["name"]) == ["a"]
    assert first.notes == ["a note", "things not shown: 1; --all shows them"]


def test_nothing_is_said_to_be_nothing():
    assert "none" in formats.as_terminal(table(names=()))
    assert "None." in formats.as_markdown(table(names=()))


def test_markdown_escapes_what_would_be_markup():
    hostile = "<script>|`*_[x](y)"
    text = formats.as_markdown(table(names=(hostile, "b")))
    row = next(line for line in text.splitlines() if "script" in line)
    assert "<" not in row and "\\`" in row and "\\[x\\]" in row
    assert row.count("|") == 5


def test_a_name_cannot_speak_to_the_terminal():
    text = formats.as_terminal(table(names=("\033]0;owned\a", "two\nlines")))
    assert "\033" not in text and "\a" not in text
    assert len(text.splitlines()) == 5


def test_csv_has_all_columns_in_full_precision():
    rows = list(csv.DictReader(io.StringIO(formats.as_csv(table()))))
    assert [row["ratio"] for row in rows] == ["1.034", "0.5"]
    assert rows[1]["high"] == ""


@pytest.mark.parametrize("name", ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)"])
def test_csv_text_is_no_formula(name):
    (row, _) = csv.DictReader(io.StringIO(formats.as_csv(table(names=(name, "b")))))
    assert row["name"] == "'" + name


def test_json_has_null_where_there_is_no_number():
    content = json.loads(formats.to_json(formats.as_records(table())))
    assert content["rows"][1]["high"] is None and content["rows"][1]["time"] is None
    assert content["rows"][0]["ratio"] == 1.034


@pytest.mark.parametrize(
    "ratio, text", [(1.0, "+0.0%"), (2.0, "+100.0%"), (0.5, "-50.0%"), (50.0, "+4,900%")]
)
def test_changes_are_percentages(ratio, text):
    assert percent(ratio) == text
