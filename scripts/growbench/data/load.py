"""Read a run's CSV files into DataFrames that the rest of the package can rely on.

This is the only module that opens a run's tables. It reports the first fault with file, line and
column, and never turns something that it does not understand into a missing value.
"""

import codecs
import csv
import re
import stat
import warnings
from functools import partial
from pathlib import Path
from typing import BinaryIO, Callable, Collection, Iterator, NamedTuple, Optional, Sequence, Union

import numpy as np
import pandas as pd

from growbench.data import fields
from growbench.data.errors import LoadError, LoadWarning
from growbench.data.columns import (
    CELL,
    CELL_KEYS,
    COLUMNS,
    COUNT,
    Column,
    IDENTIFYING,
    MEASURE,
    OLDEST_SCHEMA_VERSION,
    SCHEMA_VERSION,
    TEXT,
    TIMELINE_COLUMNS,
    TRACE,
)
from growbench.data.metrics import on_one_basis
from growbench.data.statuses import OK, STATUSES

# What the harness may write into a number's field (harness/common/columns.c, column_accepts).
_NUMBER = {
    COUNT: re.compile(r"[0-9]{1,20}"),
    "real": re.compile(r"[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,2})?"),
}
# A worker of the measure pass that is ok has these; where one is empty, that is told. A run may
# leave the steady state out as a whole.
_WARM = "warm_build_release_median_ns"
_MEASURED = (
    "cold_build_ns",
    "cold_scan_ns",
    "cold_release_ns",
    "cold_build_minor_fault_count",
    "peak_memory_bytes",
    _WARM,
)
# Names that harm where tables are opened or printed: formulas, markup, control characters.
_HARMFUL = re.compile(r"^[=+@-]|[<>\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_NAMES = ("machine_id", "implementation", "strategy", "allocator", "work")

# Lines are read in blocks of this size, and one by one only where something is odd.
_BLOCK_BYTES = 1 << 19
_KEPT_BYTES = 4 * _BLOCK_BYTES

_DAMAGED = "the line was cut or edited: remove it or run again"
_GIVE = "give a run's folder or its runs.csv"
_SAVE_AS = "save it as plain CSV: UTF-8, ',' between fields, '.' as decimal sign"


def runs_path(path: Union[str, Path]) -> Path:
    """The CSV file of a run: `path` itself, or runs.csv inside of it if it is a folder."""
    if not str(path):
        raise LoadError("the path is empty", "''", advice=_GIVE)
    path = Path(path)
    try:
        if path.is_dir():
            path = path / "runs.csv"
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        raise LoadError("no such file", path, advice=_GIVE) from None
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise LoadError(f"cannot be read: {why}", path, advice=_GIVE) from None
    if stat.S_ISDIR(mode):
        raise LoadError("is a folder", path, advice=_GIVE)
    if not stat.S_ISREG(mode):
        advice = "write its content to a file first, which can be read twice"
        raise LoadError("is no regular file", path, advice=advice)
    return path


def read_runs(path: Union[str, Path], columns: Optional[Collection[str]] = None) -> pd.DataFrame:
    """All rows of a run, from its folder or its CSV file, in the order of the file.

    Columns that every row fills hold int64 or str. Numbers that may be missing are float64 with
    NaN (exact up to 2^53: 104 days in ns, 8 PiB), missing text is "". Columns that this version
    does not know are kept as text; those that a file of an older schema version lacks are there,
    and missing in every row. A last line without its line end was torn by an interruption: it is
    dropped with a LoadWarning. Raises LoadError.

    columns: names of COLUMNS, for large runs. The table then has these and those of IDENTIFYING,
    and no others, in no promised order: what stands in the others is neither parsed nor kept. The
    header and the number of fields in each line are checked all the same; values are checked in the
    columns it has.
    """
    if columns is not None:
        columns = {*IDENTIFYING, *columns}
        unknown = columns - {column.name for column in COLUMNS}
        if unknown:
            raise ValueError(f"no columns of runs.csv: {', '.join(sorted(unknown))}")
    path = runs_path(path)
    runs, header = _read(path, COLUMNS, OLDEST_SCHEMA_VERSION, columns)
    if runs.empty:
        raise LoadError("there are no rows under the header", path, advice="was the run started?")
    _check_versions(runs, header, path)
    _check_rows(runs, path)
    (runs,), moved = on_one_basis([runs])
    for metric in moved:
        warnings.warn(
            f"{path}, column {metric.columns[0]}: empty in cells that have {metric.older}, so that "
            f"{metric.name} is that of the latter in all rows",
            LoadWarning,
            stacklevel=2,
        )
    return runs


def first_row(path: Union[str, Path]) -> dict[str, str]:
    """The first row of a run as text, by the name of the column. Raises LoadError."""
    path = runs_path(path)
    try:
        with open(path, "rb") as stream:
            header = _read_header(stream, path)
            _check_header(header, [c for c in COLUMNS if c.since <= OLDEST_SCHEMA_VERSION], path)
            line = stream.readline()
    except OSError as error:
        raise LoadError(f"cannot be read: {error.strerror}", path) from None
    if not line.endswith(b"\n"):
        raise LoadError("there are no rows under the header", path, advice="was the run started?")
    _check_line(line[:-1], path, 2, len(header))
    return dict(zip(header, _fields(line, path, 2)))


def read_timeline(path: Union[str, Path], runs: pd.DataFrame) -> pd.DataFrame:
    """The points of timeline.csv, beside the runs.csv of the run that `runs` was read from.

    Sorted by position and rows_appended. Points whose position has no row in `runs` that is of
    the trace pass and ok are left out: their worker was interrupted, or their row was torn. Of
    several series of a position the last counts. A run without the file, or with an empty one,
    has no points. A torn last line is dropped with a LoadWarning. Raises LoadError.
    """
    path = runs_path(path).with_name("timeline.csv")
    if not path.exists() or path.stat().st_size == 0:
        types = {c.name: "str" if c.type == TEXT else "float64" for c in TIMELINE_COLUMNS}
        return pd.DataFrame({name: pd.Series(dtype=type) for name, type in types.items()})
    points, _ = _read(path, TIMELINE_COLUMNS, SCHEMA_VERSION)
    traced = runs.loc[(runs["pass"] == TRACE) & (runs["status"] == OK), "position"]
    points = points[points["position"].isin(traced)]
    # A series begins where the rows do not go on: its points are in the order of the file.
    of_position = points.groupby("position")["rows_appended"]
    series = (of_position.diff() < 0).groupby(points["position"]).cumsum()
    points = points[series == series.groupby(points["position"]).transform("max")]
    keys = ["position", "rows_appended"]
    return points.drop_duplicates(keys, keep="last").sort_values(keys).reset_index(drop=True)


def _read(
    path: Path, columns: Sequence[Column], version: int, wanted: Optional[Collection[str]] = None
) -> tuple[pd.DataFrame, list[str]]:
    """A file whose header has at least those of `columns` that `version` has, and its header. Those
    that it lacks are missing in every row.

    wanted: the columns that the table has; None: all.
    """
    try:
        with open(path, "rb") as stream:
            header = _read_header(stream, path)
            _check_header(header, [column for column in columns if column.since <= version], path)
            return _read_table(stream, path, header, columns, wanted), header
    except OSError as error:
        raise LoadError(f"cannot be read: {error.strerror}", path) from None


def _read_table(
    stream: BinaryIO,
    path: Path,
    header: list[str],
    columns: Sequence[Column],
    wanted: Optional[Collection[str]],
) -> pd.DataFrame:
    """What stands under the header, which `stream` was read past."""
    known = {name: Column(name, TEXT) for name in header}
    known |= {column.name: column for column in columns}
    columns = [column for name, column in known.items() if wanted is None or name in wanted]
    groups = _groups(columns, header)
    # glibc gives no block below this size back to the system from here on, so that the many arrays
    # of each block of lines do not touch new pages every time.
    np.empty(_KEPT_BYTES, np.uint8)
    size, line_count = _size(stream)
    # A last line may have become whole since.
    tables = [group.table(line_count + 1) for group in groups]
    done, faulty = 0, False
    for lines in _blocks(stream, size, path, len(header)):
        faulty = faulty or not _is_text(lines.data)
        for group, table in zip(groups, tables):
            values = None if faulty else group.convert(lines)
            faulty = values is None
            if not faulty:
                table[: len(group.names), done : done + lines.line_count] = values
        done += lines.line_count
    if faulty:
        _find_fault(stream, header, [column for column in columns if column.name in header], path)
        raise LoadError("cannot be read as numbers and text", path)
    # A table of one array for each type is not copied when rows of it are chosen first.
    frames = [
        pd.DataFrame(table[:, :done].T, columns=[*group.names, *group.lacking], copy=False)
        for group, table in zip(groups, tables)
    ]
    table = pd.concat(frames, axis=1, copy=False)
    return table[list(known)] if wanted is None else table


class _Group(NamedTuple):
    """Columns that are of one type in a table.

    convert: makes the first of them of fields, a row for each column; None if one holds what it
    never does. lacking: the last ones, which the file does not have.
    """

    names: list[str]
    type: type
    convert: Callable[[fields.Fields], Optional[np.ndarray]]
    lacking: list[str]

    def table(self, line_count: int) -> np.ndarray:
        """For so many lines; of what is lacking every value is missing."""
        made: np.ndarray = np.empty((len(self.names) + len(self.lacking), line_count), self.type)
        if self.lacking:
            made[len(self.names) :] = "" if self.type is object else np.nan
        return made


def _groups(columns: Sequence[Column], header: list[str]) -> list[_Group]:
    """Of these columns, and of the file's header."""
    texts = [column for column in columns if column.type == TEXT]
    numbers = [column for column in columns if column.type != TEXT]
    always = [column for column in numbers if column.required and column.name in header]
    groups = []
    for type, chosen in (
        (object, texts),
        (np.int64, always),
        (np.float64, [column for column in numbers if column not in always]),
    ):
        read = [column for column in chosen if column.name in header]
        lacking = [column.name for column in chosen if column.name not in header]
        places = [header.index(column.name) for column in read]
        required = [column.required for column in read]
        whole = [column.type == COUNT for column in read]
        convert = (
            partial(fields.texts, columns=places, required=required, known={})
            if type is object
            else partial(fields.numbers, columns=places, whole=whole, type=type)
        )
        if chosen:
            groups.append(_Group([column.name for column in read], type, convert, lacking))
    return groups


def _size(stream: BinaryIO) -> tuple[int, int]:
    """How many bytes follow, and how many line ends are among them."""
    place = stream.tell()
    size = line_count = 0
    while block := stream.read(_BLOCK_BYTES):
        size += len(block)
        line_count += np.count_nonzero(np.frombuffer(block, np.uint8) == ord("\n"))
    stream.seek(place)
    return size, line_count


def _is_text(data: bytes) -> bool:
    """Is it UTF-8?"""
    try:
        return data.isascii() or bool(data.decode())
    except UnicodeDecodeError:
        return False


def _blocks(stream: BinaryIO, size: int, path: Path, field_count: int) -> Iterator[fields.Fields]:
    """The complete lines that begin in the `size` bytes that follow, each of which has
    `field_count` fields.

    A torn last line is told of, and is no line. A field never holds a line break, so a line is a
    record: record i is on line i + 1.
    """
    line_number = 2
    torn = False
    while not torn:
        block = stream.read(min(_BLOCK_BYTES, size))
        block += stream.readline() if block else b""
        size = max(size - len(block), 0)
        torn = not block.endswith(b"\n")
        if torn:
            rest = block[block.rfind(b"\n") + 1 :]
            block = block[: len(block) - len(rest)]
        lines = fields.cut(block, field_count)
        if lines is None:
            lines = fields.joined(_parsed(block, path, line_number, field_count))
        line_number += lines.line_count
        yield lines
    if rest:
        warnings.warn(
            f"{path}, line {line_number}: the last line has no line end, so its writing was "
            "interrupted; it is left out",
            LoadWarning,
            stacklevel=6,
        )


def _parsed(block: bytes, path: Path, line_number: int, field_count: int) -> list[list[str]]:
    """The fields of lines, by the csv module."""
    lines = block.split(b"\n")[:-1]
    return [
        _check_line(line, path, number, field_count)
        for number, line in enumerate(lines, start=line_number)
    ]


def _read_header(stream: BinaryIO, path: Path) -> list[str]:
    """The names in the first line."""
    line = stream.readline()
    if not line:
        raise LoadError("the file is empty", path, advice="was the run started?")
    if b"\0" in line or line.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise LoadError("is UTF-16 or no text at all", path, 1, advice=_SAVE_AS)
    if not line.endswith(b"\n"):
        if b"\r" in line:
            raise LoadError("lines end with a carriage return only", path, 1, advice=_SAVE_AS)
        raise LoadError("the header has no line end: the file was cut off", path, 1)
    return _fields(line, path, 1)


def _check_line(line: bytes, path: Path, line_number: int, field_count: int) -> list[str]:
    """The fields of a line, without its line end, which has so many of them."""
    line = line[:-1] if line.endswith(b"\r") else line
    # Parsers take these for the end of a field, or of a line.
    if b"\0" in line:
        raise LoadError("holds a zero byte", path, line_number, advice=_DAMAGED)
    if b"\r" in line:
        raise LoadError("holds a carriage return", path, line_number, advice=_DAMAGED)
    found = _fields(line, path, line_number)
    if len(found) != field_count:
        plural = "s" if len(found) != 1 else ""
        what = f"{len(found)} field{plural}, but the header has {field_count}"
        raise LoadError(what, path, line_number, advice=_DAMAGED)
    return found


def _fields(line: bytes, path: Path, line_number: int) -> list[str]:
    try:
        text = line.decode("utf-8-sig" if line_number == 1 else "utf-8").rstrip("\r\n")
    except UnicodeDecodeError:
        advice = _SAVE_AS if line_number == 1 else ""
        raise LoadError("is not UTF-8 text", path, line_number, advice=advice) from None
    try:
        return next(csv.reader([text], strict=True), []) or [""]
    except csv.Error as error:
        raise LoadError(f"is not CSV: {error}", path, line_number) from None


def _check_header(header: list[str], needed: Sequence[Column], path: Path) -> None:
    repeated = [name for name in dict.fromkeys(header) if header.count(name) > 1]
    if repeated:
        raise LoadError("the column stands in the header twice", path, 1, repeated[0])
    missing = [column.name for column in needed if column.name not in header]
    if missing and len(missing) == len(needed):
        kind = "timeline.csv" if needed[0] == TIMELINE_COLUMNS[0] else "runs.csv"
        advice = f"is this a {kind} of growbench?"
        for separator, name in ((";", "';'"), ("\t", "a tab")):
            if header[0].count(separator) > len(header):
                advice = f"fields must be separated by ',', not {name}: {_SAVE_AS}"
        raise LoadError(f"none of the columns of {kind} is there", path, 1, advice=advice)
    _refuse_missing(missing, path)


def _refuse_missing(missing: Sequence[str], path: Path) -> None:
    if not missing:
        return
    names = ", ".join(missing[:5]) + (f" and {len(missing) - 5} more" if len(missing) > 5 else "")
    plural = "s are" if len(missing) > 1 else " is"
    raise LoadError(f"missing column{plural} {names}", path, 1, missing[0])


def _find_fault(stream: BinaryIO, header: list[str], columns: Sequence[Column], path: Path) -> None:
    """Raise LoadError for the first field that does not hold what its column demands."""
    stream.seek(0)
    stream.readline()
    places = [(header.index(column.name), column) for column in columns]
    for line_number, line in enumerate(stream, start=2):
        if not line.endswith(b"\n"):
            return
        found = _fields(line, path, line_number)
        for place, column in places:
            value = found[place]
            if value == "":
                if column.required:
                    raise LoadError("the value is missing", path, line_number, column.name)
            elif column.type != TEXT and not (
                _NUMBER[column.type].fullmatch(value) and float(value) < fields.LIMIT
            ):
                kind = "a whole number" if column.type == COUNT else "a number"
                raise LoadError(
                    f"{value[:40]!r} is not {kind} of 0 or more", path, line_number, column.name
                )


def _shown(text: str) -> str:
    """A text of the file for a message: as it is, or where that could do harm, in quotes."""
    return text if text.isprintable() else ascii(text)


def _first(mask: np.ndarray) -> int:
    return int(np.flatnonzero(mask)[0])


def _check_versions(runs: pd.DataFrame, header: list[str], path: Path) -> None:
    """All rows are of one schema version that can be read, and its columns are there."""
    versions = runs["schema_version"]
    version = int(versions.iloc[0])
    known = versions.between(OLDEST_SCHEMA_VERSION, SCHEMA_VERSION)
    advice = "use the scripts of the release that made the run"
    if not known.all():
        row = _first(~known.to_numpy())
        what = (
            f"version {versions.iloc[row]}, and these scripts read versions "
            f"{OLDEST_SCHEMA_VERSION} to {SCHEMA_VERSION}"
        )
        raise LoadError(what, path, row + 2, "schema_version", advice)
    other = (versions != version).to_numpy()
    if other.any():
        row = _first(other)
        what = f"version {versions.iloc[row]}, but the first row is of version {version}"
        raise LoadError(what, path, row + 2, "schema_version", "keep one run in each file")
    needed = [column.name for column in COLUMNS if column.since <= version]
    _refuse_missing([name for name in needed if name not in header], path)


def _check_rows(runs: pd.DataFrame, path: Path) -> None:
    machine = (runs["machine_id"] != runs["machine_id"].iloc[0]).to_numpy()
    if machine.any():
        row = _first(machine)
        raise LoadError(
            f"{runs['machine_id'].iloc[row]!r} is another machine than "
            f"{runs['machine_id'].iloc[0]!r}",
            path,
            row + 2,
            "machine_id",
            "keep one file for each machine",
        )
    keys = [*CELL_KEYS, "round"]
    repeated = runs.duplicated(keys).to_numpy()
    if repeated.any():
        row = _first(repeated)
        same = (runs[keys] == runs[keys].iloc[row]).all(axis=1).to_numpy()
        raise LoadError(
            f"round {runs['round'].iloc[row]} of this cell stands on line {_first(same) + 2} too",
            path,
            row + 2,
            "round",
            "keep one run in each file, and each row once",
        )
    unknown = sorted(set(runs["status"].unique()) - set(STATUSES))
    if unknown:
        warnings.warn(
            f"{path}, column status: {', '.join(map(_shown, unknown))} is not a status that these "
            "scripts know; such rows count as not measured",
            LoadWarning,
            stacklevel=3,
        )
    for column in _NAMES:
        harmful = [name for name in runs[column].unique() if _HARMFUL.search(name)]
        if harmful:
            row = _first((runs[column] == harmful[0]).to_numpy())
            warnings.warn(
                f"{path}, line {row + 2}, column {column}: {ascii(harmful[0])[:60]} is an unusual "
                "name, which a spreadsheet, a browser or a terminal may take for a command",
                LoadWarning,
                stacklevel=3,
            )
    measured = (runs["status"] == OK) & (runs["pass"] == MEASURE)
    for name in [name for name in _MEASURED if name in runs]:
        lacking = measured & runs[name].isna()
        if name == _WARM and lacking.any():
            # The warm part may be left out of a cell, but not of some of its workers.
            cells = runs[list(CELL)][measured]
            of_cells = lacking[measured].groupby([cells[key] for key in CELL])
            lacking = lacking[measured] & ~of_cells.transform("all")
        empty = int(lacking.sum())
        if empty:
            warnings.warn(
                f"{path}, column {name}: empty in {empty} row{'s' if empty > 1 else ''} whose "
                "status is ok",
                LoadWarning,
                stacklevel=3,
            )
