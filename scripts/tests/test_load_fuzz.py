"""Any bytes in place of a run's files: a run, or one LoadError that says where, and nothing else.

GROWBENCH_FUZZ_EXAMPLES=N tries N inputs in each test instead of a few, and other ones every time.
"""

import csv
import io
import json
import os
import warnings
from pathlib import Path
from typing import Callable, Optional

import pandas as pd
import pytest
from conftest import build_runs, typed, write_runs
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from growbench.data.columns import COLUMNS, COUNT, IDENTIFYING, TEXT, TIMELINE_COLUMNS
from growbench.data.statuses import STATUSES
from growbench.data.description import fact, read_machine
from growbench.data.errors import LoadError, LoadWarning
from growbench.data.metrics import on_one_basis
from growbench.data.load import first_row, read_runs, read_timeline

EXAMPLES = int(os.environ.get("GROWBENCH_FUZZ_EXAMPLES", "0"))
WANTED = ("cold_build_ns", "allocator_path", "warm_build_release_median_ns")


def a_few(count: int) -> settings:
    """How many inputs a test tries, the same ones every time unless more are asked for."""
    return settings(
        max_examples=EXAMPLES or count,
        derandomize=EXAMPLES == 0,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


# Inputs


def csv_text(rows: list[list[str]]) -> bytes:
    """As the runner writes it (harness/runner/record/record.c)."""
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerows(rows)
    return stream.getvalue().encode("utf-8", "surrogatepass")


# What fields and files trip over.
ODD = st.sampled_from(
    "0 -0 -1 1.5 1e5 1E+05 1e400 1e19 9223372036854774784 9223372036854775807 "
    "18446744073709551616 00000000000000000000001 0x10 nan NaN inf NA null None True 1_0 1,5 "
    '\u0663 \ufeff1 \u00a01 " "" "" , ; = =1+1 @a ok measure 3 crashed'.split(" ")
) | st.sampled_from(["", " ", "1 ", "\n", "\r", "\r\n", "\0", "\x85", "\u2028", "\x1b[31m", "\x1a"])
NUMBER = st.sampled_from(
    "-1 -0.5 1.5 1e5 1E+05 1e19 nan inf 0x10 00 7 18446744073709551615".split()
)
FIELD = ODD | NUMBER | st.text(max_size=8) | st.integers(0, 2**65).map(str)


@st.composite
def tables(draw: Callable, base: list[list[str]]) -> bytes:
    """A good table with other fields, columns, lines or bytes in it."""
    rows = [list(row) for row in base]
    width = len(rows[0])
    kind = draw(st.sampled_from(["fields", "columns", "lines", "bytes"]))
    if kind == "fields":
        for _ in range(draw(st.integers(1, 3))):
            row = rows[draw(st.integers(0, len(rows) - 1))]
            place = draw(st.integers(0, width - 1))
            # A number mostly where there is one.
            row[place] = draw(NUMBER if row[place].isdigit() and draw(st.booleans()) else FIELD)
    elif kind == "columns":
        rows = [row + ["unknown"] for row in rows]
        order = draw(st.permutations(range(width + 1)))
        lost = draw(st.integers(0, 2) | st.integers(0, width))
        rows = [[row[place] for place in order[lost:]] for row in rows]
    elif kind == "lines":
        added = draw(st.lists(FIELD, max_size=4) | st.sampled_from(rows))
        rows.insert(draw(st.integers(0, len(rows))), added)
        rows = draw(st.permutations(rows)) if draw(st.booleans()) else rows
    content = csv_text(rows)
    return draw(damaged(content)) if kind == "bytes" else content


@st.composite
def damaged(draw: Callable, content: bytes) -> bytes:
    """The bytes with a few of them cut out, and others put in."""
    for _ in range(draw(st.integers(1, 2))):
        place = len(content) - draw(st.integers(0, len(content)))
        cut = draw(st.just(0) | st.integers(0, 20) | st.just(len(content)))
        noise = st.sampled_from([b"\r", b"\0", b'"', b",", b"\n", b"\xff", b""]) | st.binary(
            max_size=4
        )
        content = content[:place] + draw(noise) + content[place + cut :]
    return content


def table_of(columns: tuple, rows: list[dict]) -> list[list[str]]:
    names = [column.name for column in columns]
    return [names, *([str(row.get(name, "")) for name in names] for row in rows)]


def rows_of(path: Path) -> list[dict]:
    return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))))


POINTS = [
    {"position": p, "implementation": "c", "strategy": "chunked_list", "allocator": "glibc",
     "rows": 100, "row_bytes": 80, "rows_appended": n, "live_bytes": 80 * n, "live_peak_bytes": 99,
     "resident_bytes": 4096}
    for p in (1, 2) for n in (0, 50, 100)
]  # fmt: skip

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.sampled_from(["machine_id", "run_id", "run", "build"]), inner),
    max_leaves=8,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A run of two cells, with its machine.json, and traced in its first two rows."""
    runs = build_runs(["chunked_list"], ["glibc"], [10, 100], rounds=2)
    runs.loc[:1, "pass"] = "trace"
    folder = tmp_path_factory.mktemp("run")
    write_runs(runs, folder / "runs.csv")
    (folder / "machine.json").write_text(
        json.dumps({"machine_id": runs["machine_id"][0], "run_id": runs["run_id"][0]})
    )
    return folder


@pytest.fixture(scope="module")
def base(folder) -> list[list[str]]:
    return table_of(COLUMNS, rows_of(folder / "runs.csv"))


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """A folder for one input after the other."""
    return tmp_path_factory.mktemp("place")


# What must be so


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def attempt(read: Callable, path: Path) -> Optional[object]:
    """What is read, or None after a LoadError, which must tell of the file. Nothing is written,
    and no other warning comes than a LoadWarning."""
    before = contents(path.parent)
    result = None
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        try:
            result = read()
        except LoadError as error:
            assert str(path.parent) in str(error) and "\n" not in str(error)
            lines = Path(error.path).read_bytes().count(b"\n") + 1
            assert error.line is None or 1 <= error.line <= lines
    assert {warning.category for warning in told} <= {LoadWarning}
    assert contents(path.parent) == before
    return result


def check_table(table: pd.DataFrame, columns: tuple) -> None:
    for column in columns:
        values = table[column.name]
        if column.type == TEXT:
            assert all(isinstance(value, str) for value in values)
            assert not (column.required and (values == "").any())
        else:
            assert values.dtype == ("int64" if column.required else "float64")
            present = values.dropna()
            assert ((present >= 0) & (present < 2.0**63)).all()
            assert column.type != COUNT or (present % 1 == 0).all()


def check_runs(path: Path) -> None:
    runs = attempt(lambda: read_runs(path), path)
    row = attempt(lambda: first_row(path), path)
    part = attempt(lambda: read_runs(path, columns=WANTED), path)
    if runs is None:
        return
    assert isinstance(runs, pd.DataFrame) and isinstance(part, pd.DataFrame)
    check_table(runs, COLUMNS)
    assert set(part) <= set(runs)
    pd.testing.assert_frame_equal(part, runs[list(part)])
    assert set(part) == {*IDENTIFYING, *WANTED}
    content = path.read_bytes()
    assert len(runs) == content.count(b"\n") - 1
    assert isinstance(row, dict)
    for column in COLUMNS:
        if column.type == TEXT and column.name in row:
            assert row[column.name] == runs[column.name][0]


@a_few(150)
@given(content=st.binary(max_size=200) | FIELD.map(lambda text: text.encode("utf-8", "replace")))
@example(content=b"\xef\xbb\xbf")
@example(content=b"\n")
def test_any_bytes_are_refused_as_a_run(place, content):
    path = place / "runs.csv"
    path.write_bytes(content)
    assert attempt(lambda: read_runs(path), path) is None
    assert attempt(lambda: first_row(path), path) is None


@a_few(100)
@given(data=st.data())
def test_any_table_is_a_run_or_is_refused(place, base, data):
    path = place / "runs.csv"
    path.write_bytes(data.draw(tables(base)))
    check_runs(path)


@a_few(100)
@given(data=st.data())
def test_any_timeline_is_read_or_refused(folder, data):
    path = folder / "timeline.csv"
    path.write_bytes(data.draw(tables(table_of(TIMELINE_COLUMNS, POINTS))))
    runs = read_runs(folder)
    points = attempt(lambda: read_timeline(folder, runs), path)
    if points is not None:
        assert isinstance(points, pd.DataFrame)
        check_table(points.astype({"rows_appended": "int64"}), TIMELINE_COLUMNS[6:])
        assert set(points["position"]) <= {1, 2}
        keys = list(zip(points["position"], points["rows_appended"]))
        assert keys == sorted(set(keys))


@a_few(150)
@given(data=st.data())
def test_any_description_is_read_or_refused(folder, data):
    path = folder / "machine.json"
    known = JSON.map(lambda value: {"build": value, "machine_id": "example-2cpu"})
    content = (known | JSON).map(lambda value: json.dumps(value).encode())
    path.write_bytes(data.draw(st.binary(max_size=20) | content | content.flatmap(damaged)))
    machine = attempt(lambda: read_machine(folder), path)
    assert machine is None or isinstance(machine, dict)
    for type in (str, (int, float), dict, bool):
        found = fact(
            machine, *data.draw(st.lists(st.text(max_size=3) | ODD, max_size=2)), type=type
        )
        assert found is None or isinstance(found, type)
        assert not isinstance(found, bool) or type is bool


def test_a_description_nested_beyond_measure_is_refused(folder):
    path = folder / "machine.json"
    for content in (b"[" * 10**5, b'{"a":' * 10**5, b"[" * 10**5 + b"]" * 10**5):
        path.write_bytes(content)
        assert attempt(lambda: read_machine(folder), path) is None


# Text as the runner lets it into a row: record_set_text, column_accepts.
TEXTS = st.text(st.characters(blacklist_categories=("Cc", "Cs")), min_size=1, max_size=12).filter(
    lambda text: text[0] not in "=+-@"
)
NUMBERS = st.integers(0, 2**53) | st.sampled_from([0, 1, 2**53])
REALS = st.floats(1e-99, 2.0**62) | NUMBERS.map(float)


def values(column) -> st.SearchStrategy:
    if column.name == "schema_version":
        return st.just(3)
    if column.name == "status":
        return st.sampled_from(sorted(STATUSES))
    value = {TEXT: TEXTS, COUNT: NUMBERS}.get(column.type, REALS)
    return value if column.required else st.just("") | value


@st.composite
def whole_runs(draw: Callable) -> list[dict]:
    rows = draw(
        st.lists(
            st.fixed_dictionaries({column.name: values(column) for column in COLUMNS}),
            min_size=1,
            max_size=3,
        )
    )
    for number, row in enumerate(rows, start=1):
        row.update(run_id=rows[0]["run_id"], machine_id=rows[0]["machine_id"], round=number)
    return rows


def field(value: object) -> str:
    return repr(value) if isinstance(value, float) else str(value)


@a_few(25)
@given(rows=whole_runs())
def test_whatever_the_runner_can_write_is_read_as_it_is(place, rows):
    path = place / "runs.csv"
    names = [column.name for column in COLUMNS]
    path.write_bytes(csv_text([names, *([field(row[name]) for name in names] for row in rows)]))
    runs = attempt(lambda: read_runs(path), path)
    assert isinstance(runs, pd.DataFrame)
    expected = pd.DataFrame(rows, columns=names)
    for column in COLUMNS:
        if column.type != TEXT:
            expected[column.name] = pd.to_numeric(expected[column.name], errors="coerce")
    # Of a metric that not all rows have in its newest column none has it there.
    (expected,), _ = on_one_basis([expected])
    pd.testing.assert_frame_equal(runs, typed(expected))
