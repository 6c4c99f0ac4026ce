"""Whatever is given in place of a run: one clear message, or the right figures."""

import csv
import gzip
import io
import json
import os
import re
import warnings
from pathlib import Path
from typing import Callable, Optional

import numpy as np
import pandas as pd
import pytest
from conftest import build_runs, module_of, one_cell, write_runs
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from growbench.command_line import entry
from growbench.data.columns import CELL_KEYS, COLUMNS, IDENTIFYING, TEXT
from growbench.data.description import fact, read_machine
from growbench.data.errors import LoadError, LoadWarning
from growbench.data.metrics import METRICS
from growbench.data.load import read_runs, runs_path

WANTED = (
    "cold_build_ns",
    "cold_scan_ns",
    "cold_release_ns",
    "cold_build_minor_fault_count",
    "peak_memory_bytes",
    "warm_build_release_median_ns",
)
BUILD_NS = [column.name for column in COLUMNS].index("cold_build_ns")


@pytest.fixture
def runs_csv(tmp_path: Path) -> Path:
    return write_runs(one_cell(3), tmp_path / "runs.csv")


def with_field(content: bytes, line: int, place: int, value: bytes) -> bytes:
    lines = content.split(b"\n")
    fields = lines[line - 1].split(b",")
    fields[place] = value
    lines[line - 1] = b",".join(fields)
    return b"\n".join(lines)


def with_build_ns(value: bytes) -> Callable[[bytes], bytes]:
    return lambda content: with_field(content, 3, BUILD_NS, value)


# What becomes of the file, what is said, and the line that is named.
REFUSED: dict[str, tuple[Callable[[bytes], bytes], str, Optional[int]]] = {
    "empty": (lambda _: b"", "empty", None),
    "an empty line": (lambda _: b"\n", "none of the columns", 1),
    "an empty line first": (lambda c: b"\n" + c, "none of the columns", 1),
    "no rows": (lambda c: c[: c.index(b"\n") + 1], "no rows", None),
    "half a header": (lambda c: c[:40], "cut off", 1),
    "a comment first": (lambda c: b"# made today\n" + c, "none of the columns", 1),
    "an empty line last": (lambda c: c + b"\n", "1 field, but", 5),
    "another table": (lambda _: b"a,b\n1,2\n", "is this a runs.csv", 1),
    "markup": (lambda _: b"<html>\n<body>\n", "none of the columns", 1),
    "semicolons": (lambda c: c.replace(b",", b";"), "not ';'", 1),
    "semicolons and decimal commas": (
        lambda c: c.replace(b",", b";").replace(b".", b","),
        "not ';'",
        1,
    ),
    "tabs": (lambda c: c.replace(b",", b"\t"), "not a tab", 1),
    "carriage returns only": (lambda c: c.replace(b"\n", b"\r"), "carriage return", 1),
    "a carriage return in a field": (with_build_ns(b"1\r2"), "carriage return", 3),
    "UTF-16": (lambda c: c.decode().encode("utf-16"), "UTF-16", 1),
    "UTF-16 without a mark": (lambda c: c.decode().encode("utf-16-le"), "UTF-16", 1),
    "UTF-32": (lambda c: c.decode().encode("utf-32"), "UTF-16 or no text", 1),
    "Latin-1": (lambda c: c.replace(b"glibc", b"gl\xefbc"), "not UTF-8", 2),
    "gzip": (lambda c: gzip.compress(c, mtime=0) + b"\n", "text", 1),
    "a zero byte in a number": (with_build_ns(b"12\x0034"), "zero byte", 3),
    "a block of zeros": (lambda c: c + b"\0" * 300 + b"\n", "zero byte", 5),
    "rounded by a spreadsheet": (with_build_ns(b"1.2E+09"), "not a whole number", 3),
    "a thousands separator": (with_build_ns(b'"1,200"'), "not a whole number", 3),
    "a number too large": (with_build_ns(b"18446744073709551615"), "not a whole number", 3),
    "a line twice": (lambda c: c + c.split(b"\n")[2] + b"\n", "line 3 too", 5),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_is_no_run_is_refused_with_the_place(runs_csv, kind):
    change, said, line = REFUSED[kind]
    runs_csv.write_bytes(change(runs_csv.read_bytes()))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for columns in (None, WANTED):
            with pytest.raises(LoadError) as caught:
                read_runs(runs_csv, columns=columns)
            assert str(runs_csv) in str(caught.value) and said in str(caught.value)
            assert caught.value.line == line


UNCHANGED: dict[str, Callable[[bytes], bytes]] = {
    "CRLF": lambda c: c.replace(b"\n", b"\r\n"),
    "CRLF here and there": lambda c: c.replace(b"\n", b"\r\n", 2),
    "a mark and quotes": lambda c: b"\xef\xbb\xbf" + re.sub(rb"[^,\n]+", rb'"\g<0>"', c),
    "spaces around a number": lambda c: re.sub(rb",(\d+),", rb", \1 ,", c, count=1),
}


@pytest.mark.parametrize("kind", UNCHANGED)
def test_what_editors_change_without_harm_is_read(runs_csv, kind):
    expected = read_runs(runs_csv)
    runs_csv.write_bytes(UNCHANGED[kind](runs_csv.read_bytes()))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pd.testing.assert_frame_equal(read_runs(runs_csv), expected)


def test_a_path_to_something_else_is_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder" / "runs.csv").mkdir(parents=True)
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    (tmp_path / "file").write_text("")
    for path, said in (
        ("", "the path is empty"),
        (tmp_path / "pipe", "no regular file"),
        ("/dev/null", "no regular file"),
        (tmp_path / "folder", "is a folder"),
        (tmp_path, "runs.csv: no such file"),
        (tmp_path / "loop", "cannot be read"),
        (tmp_path / "file" / "runs.csv", "no such file"),
        (tmp_path / ("x" * 300), "cannot be read"),
        ("a\0b", "cannot be read"),
    ):
        with pytest.raises(LoadError, match=re.escape(said)):
            runs_path(path)


@pytest.mark.parametrize(
    "name", ["=cmd|' /C calc'!A1", "+1", "-x", "@a", "<script>", "\x1b[31m", "a\u202eb", "a\u0085b"]
)
def test_a_name_that_could_do_harm_is_read_and_told_without_harm(tmp_path, name):
    path = write_runs(one_cell().assign(strategy=name), tmp_path / "runs.csv")
    with pytest.warns(LoadWarning, match="line 2, column strategy: .* unusual name") as told:
        assert set(read_runs(path)["strategy"]) == {name}
    assert len(told) == 1 and str(told[0].message).isprintable()


@pytest.mark.parametrize("name", ["realloc_x1.5", "my allocator", "a/b", "na\u00efve", "NaN", "1"])
def test_usual_names_are_read_in_silence(tmp_path, name):
    path = write_runs(one_cell().assign(allocator=name), tmp_path / "runs.csv")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert set(read_runs(path)["allocator"]) == {name}


@pytest.mark.parametrize("name", WANTED)
def test_no_figure_of_a_measured_row_is_missing_in_silence(tmp_path, name):
    path = write_runs(one_cell(3, **{name: [1, np.nan, 3]}), tmp_path / "runs.csv")
    for columns in (None, WANTED):
        with pytest.warns(LoadWarning, match=f"{name}: empty in 1 row "):
            read_runs(path, columns=columns)


def test_lines_are_counted_right_across_blocks(tmp_path, monkeypatch):
    monkeypatch.setattr("growbench.data.load._BLOCK_BYTES", 1000)
    path = write_runs(one_cell(50), tmp_path / "runs.csv")
    whole = path.read_bytes()
    pd.testing.assert_frame_equal(read_runs(path), one_cell(50))
    for line in (2, 17, 51):
        path.write_bytes(with_field(whole, line, BUILD_NS, b"1,2"))
        with pytest.raises(LoadError) as caught:
            read_runs(path)
        assert caught.value.line == line
    path.write_bytes(whole.replace(b"\n", b"\r\n") + b"2,torn")
    with pytest.warns(LoadWarning, match="line 52: "):
        pd.testing.assert_frame_equal(read_runs(path), one_cell(50))


@pytest.mark.parametrize("script", ["summarise", "plot", "export"])
def test_a_command_ends_with_one_message_and_status_2(script, capsys, tmp_path, runs_csv):
    runs_csv.write_bytes(with_build_ns(b"1,5")(runs_csv.read_bytes()))
    (tmp_path / "machine.json").write_text("{")
    extra = ["--to", "go"] if script == "export" else []
    assert entry.run(module_of(script).main, [str(tmp_path), *extra]) == 2
    out, err = capsys.readouterr()
    assert out == "" and re.fullmatch(r"error: [^\n]*runs.csv, line 3: [^\n]*\n", err)


# What else may become of a file on its way


@pytest.fixture(scope="module")
def base(tmp_path_factory) -> bytes:
    """A file of four cells, one of them predicted, and two rounds."""
    runs = build_runs(["chunked_list", "loop_and_append"], ["glibc"], [10, 100_000], rounds=2)
    return write_runs(runs, tmp_path_factory.mktemp("base") / "runs.csv").read_bytes()


Change = Callable[[bytes], bytes]


def flip(place: int, mask: int) -> Change:
    return (
        lambda c: c[: place % len(c)] + bytes([c[place % len(c)] ^ mask]) + c[place % len(c) + 1 :]
    )


def insert(place: int, noise: bytes) -> Change:
    return lambda c: c[: place % len(c)] + noise + c[place % len(c) :]


def cut(place: int) -> Change:
    return lambda c: c[: max(1, place % len(c))]


def remove(place: int, count: int) -> Change:
    return lambda c: c[: place % len(c)] + c[place % len(c) + count :] or b"\n"


def on_lines(change: Callable[[list[bytes], int], None], line: int) -> Change:
    def changed(content: bytes) -> bytes:
        lines = content.split(b"\n")
        change(lines, line % len(lines))
        return b"\n".join(lines) or b"\n"

    return changed


def swap_fields(line: int, a: int, b: int) -> Change:
    def swap(lines: list[bytes], number: int) -> None:
        fields = lines[number].split(b",")
        x, y = a % len(fields), b % len(fields)
        fields[x], fields[y] = fields[y], fields[x]
        lines[number] = b",".join(fields)

    return on_lines(swap, line)


PLACES = st.integers(0, 10**4)
NOISE = st.sampled_from([b'"', b'""', b",", b"\n", b"\r", b"\r\n", b"\0", b";", b" ", b"-", b"."])
CHANGES = st.one_of(
    st.builds(flip, PLACES, st.integers(1, 255)),
    st.builds(insert, PLACES, NOISE | st.binary(min_size=1, max_size=3)),
    st.builds(cut, PLACES),
    st.builds(remove, PLACES, st.integers(1, 9)),
    st.builds(on_lines, st.just(lambda lines, n: lines.pop(n)), PLACES),
    st.builds(on_lines, st.just(lambda lines, n: lines.insert(n, lines[n])), PLACES),
    st.builds(swap_fields, PLACES, PLACES, PLACES),
)


# The columns that have an older one in their place where a cell lacks them, and that one.
NEWER = {name for one in METRICS if one.older for name in (*one.columns, one.older)}


def key_of(row: dict) -> tuple:
    return tuple(str(row[name]) for name in (*CELL_KEYS, "round"))


@settings(
    max_examples=200,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(changes=st.lists(CHANGES, min_size=1, max_size=3))
@example(changes=[flip(0, 255)])
def test_after_any_damage_figures_are_those_of_the_file_or_there_are_none(tmp_path, base, changes):
    content = base
    for change in changes:
        content = change(content)
    path = tmp_path / "runs.csv"
    path.write_bytes(content)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        try:
            runs = read_runs(path)
        except LoadError as error:
            assert str(path) in str(error)
            return
    assert {warning.category for warning in told} <= {LoadWarning}
    messages = [str(warning.message) for warning in told]
    part = read_runs_in_silence(path)
    pd.testing.assert_frame_equal(part, runs[list(part)])

    # Read in another way, the file says the same, to the last field.
    complete = content[: content.rindex(b"\n") + 1].decode("utf-8-sig")
    header, *records = csv.reader(io.StringIO(complete, newline=""), strict=True)
    assert len(runs) == len(records)
    rows = [dict(zip(header, record)) for record in records]
    for column in COLUMNS:
        read = runs[column.name].tolist()
        for value, row in zip(read, rows):
            # A file of an older schema need not have it.
            text = row.get(column.name, "")
            if column.type == TEXT or text == "":
                assert value == text or (value != value and text == ""), column.name
            elif value != value:
                # A figure that not all cells have is left out of all, and that is told.
                assert column.name in NEWER and messages, column.name
            else:
                assert value == float(text) >= 0, column.name
    for name in WANTED:
        ok = [row for row in rows if (row["status"], row["pass"]) == ("ok", "measure")]
        assert any(f"column {name}:" in m for m in messages) == any(r[name] == "" for r in ok)

    # And figures of rows that are still there are the old ones, unless other numbers stand there.
    originals = {key_of(row): row for row in csv.DictReader(io.StringIO(base.decode()))}
    for place, row in enumerate(rows):
        original = originals.get(key_of(row), {})
        for name in WANTED:
            if original.get(name, "") != "" and row[name] == original[name]:
                assert runs[name].iloc[place] == float(original[name])


def read_runs_in_silence(path: Path) -> pd.DataFrame:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LoadWarning)
        part = read_runs(path, columns=WANTED)
    assert set(part) == {*IDENTIFYING, *WANTED}
    return part


# machine.json


@pytest.fixture
def machine_json(runs_csv) -> Path:
    row = one_cell(1).iloc[0]
    path = runs_csv.with_name("machine.json")
    path.write_text(json.dumps({"machine_id": row["machine_id"], "run_id": row["run_id"]}))
    return path


def test_the_description_of_a_run_is_read(machine_json):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read_machine(machine_json.parent) == json.loads(machine_json.read_text())
        assert read_machine(machine_json.with_name("runs.csv")) is not None
        machine_json.write_bytes(b"\xef\xbb\xbf" + machine_json.read_bytes())
        assert read_machine(machine_json.parent) is not None


def test_a_run_can_do_without_a_description(machine_json):
    machine_json.unlink()
    with pytest.warns(LoadWarning, match="machine.json is not there"):
        assert read_machine(machine_json.parent) is None
    machine_json.mkdir()
    with pytest.warns(LoadWarning, match="machine.json is no file"):
        assert read_machine(machine_json.parent) is None


@pytest.mark.parametrize(
    "content, line, column",
    [
        (b"", 1, "1"),
        (b'{\n  "a": 1,\n  "b" 2}', 3, "7"),
        (b'{"a": 1', 1, "8"),
        (b'{"a": NaN}', 1, None),
        (b"[" * 100_000, 1, None),
        (b'{"a": ' + b"9" * 5000 + b"}", 1, None),
        (b"[1]", 1, None),
        (b"7", 1, None),
        (b'{\n"a": "\xff"}', 2, None),
        ('{"a": 1}'.encode("utf-16"), 1, None),
        (b'{\n\n"machine_id": "another"}', 3, "machine_id"),
        (b'{"machine_id": 7}', 1, "machine_id"),
        (b'{"machine_id": ["example-2cpu"]}', 1, "machine_id"),
    ],
)
def test_a_description_that_is_none_is_refused_with_the_place(machine_json, content, line, column):
    machine_json.write_bytes(content)
    with pytest.raises(LoadError) as caught:
        read_machine(machine_json.parent)
    assert str(machine_json) in str(caught.value)
    assert (caught.value.line, caught.value.column) == (line, column)


def test_a_description_of_another_run_is_told(machine_json):
    machine_json.write_text('{"machine_id": "example-2cpu", "run_id": "another"}')
    with pytest.warns(LoadWarning, match="'another'"):
        assert read_machine(machine_json.parent) is not None
    machine_json.write_text("{}")
    with pytest.warns(LoadWarning, match="no machine_id"):
        assert read_machine(machine_json.parent) == {}


def test_a_description_of_a_table_that_cannot_be_read_is_not_read(machine_json):
    runs_csv = machine_json.with_name("runs.csv")
    for content in (b"a,b\n1,2\n", runs_csv.read_bytes().split(b"\n")[0] + b"\n"):
        runs_csv.write_bytes(content)
        with pytest.raises(LoadError, match="runs.csv"):
            read_machine(machine_json.parent)


def test_a_fact_is_of_the_type_that_is_asked_for_or_unknown():
    machine = {"machine": {"cpus": 2, "model": "x", "virtual": True, "none": None}}
    assert fact(machine, "machine", "cpus", type=int) == 2
    assert fact(machine, "machine", "virtual", type=bool) is True
    for keys in (("machine", "cpus"), ("machine", "none"), ("machine", "model", "y"), ("z",)):
        assert fact(machine, *keys) is None
    assert fact(machine, "machine", "virtual", type=int) is None
    assert fact(None, "machine") is None
