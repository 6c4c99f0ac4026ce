"""Read a run's CSV files into DataFrames that the rest of the package can rely on.

This is the only module that opens a run. It reports the first fault with file, line and column,
and never turns something that it does not understand into a missing value.
"""

import csv
import io
import re
import warnings
from collections import defaultdict
from pathlib import Path
from typing import BinaryIO, Optional, Sequence, Union

import numpy as np
import pandas as pd

from growbench.columns import (
    CELL_KEYS,
    COLUMNS,
    COUNT,
    MEASURE,
    OK,
    OLDEST_SCHEMA_VERSION,
    SCHEMA_VERSION,
    STATUSES,
    TEXT,
    TIMELINE_COLUMNS,
    TRACE,
    Column,
)

# What the harness may write into a number's field (harness/common/columns.c, column_accepts).
_NUMBER = {
    COUNT: re.compile(r"[0-9]{1,20}"),
    "real": re.compile(r"[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]{1,2})?"),
}
_HEADLINE = ("cold_build_ns", "cold_release_ns", "warm_build_release_median_ns")


class LoadError(Exception):
    """A run that cannot be read. Says what is wrong, where (file, line, column), what to do."""

    def __init__(
        self,
        what: str,
        path: Union[str, Path],
        line: Optional[int] = None,
        column: Optional[str] = None,
        advice: str = "",
    ) -> None:
        self.path, self.line, self.column = str(path), line, column
        where = str(path)
        if line is not None:
            where += f", line {line}"
        if column is not None:
            where += f", column {column}"
        super().__init__(f"{where}: {what}" + (f"; {advice}" if advice else ""))


class LoadWarning(UserWarning):
    """Something in a run that its reader should know, and that does not prevent reading it."""


def runs_path(path: Union[str, Path]) -> Path:
    """The CSV file of a run: `path` itself, or runs.csv inside of it if it is a folder."""
    path = Path(path)
    if path.is_dir():
        path = path / "runs.csv"
    if not path.is_file():
        raise LoadError("no such file", path, advice="give a run's folder or its runs.csv")
    return path


def read_runs(path: Union[str, Path]) -> pd.DataFrame:
    """All rows of a run, from its folder or its CSV file, in the order of the file.

    Columns that every row fills hold int64 or str. Numbers that may be missing are float64 with
    NaN (exact up to 2^53: 104 days in ns, 8 PiB), missing text is "". Columns that this version
    does not know are kept as text; those that a file of an older schema version lacks are there,
    and missing in every row. A last line without its line end was torn by an interruption: it is
    dropped with a LoadWarning. Raises LoadError.
    """
    path = runs_path(path)
    runs = _read(path, COLUMNS, OLDEST_SCHEMA_VERSION)
    if runs.empty:
        raise LoadError("there are no rows under the header", path, advice="was the run started?")
    _check_versions(runs, path)
    lacking = [column for column in COLUMNS if column.name not in runs]
    if lacking:
        missing = {c.name: "" if c.type == TEXT else np.nan for c in lacking}
        runs = pd.concat([runs, pd.DataFrame(missing, index=runs.index)], axis=1)
    _check_rows(runs, path)
    return runs


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
    points = _read(path, TIMELINE_COLUMNS, SCHEMA_VERSION)
    traced = runs.loc[(runs["pass"] == TRACE) & (runs["status"] == OK), "position"]
    points = points[points["position"].isin(traced)]
    # A series begins where the rows do not go on: its points are in the order of the file.
    of_position = points.groupby("position")["rows_appended"]
    series = (of_position.diff() < 0).groupby(points["position"]).cumsum()
    points = points[series == series.groupby(points["position"]).transform("max")]
    keys = ["position", "rows_appended"]
    return points.drop_duplicates(keys, keep="last").sort_values(keys).reset_index(drop=True)


def _read(path: Path, columns: Sequence[Column], version: int) -> pd.DataFrame:
    """A file whose header has at least those of `columns` that `version` has."""
    try:
        with open(path, "rb") as stream:
            return _read_stream(stream, path, columns, version)
    except OSError as error:
        raise LoadError(f"cannot be read: {error.strerror}", path) from None


def _read_stream(
    stream: BinaryIO, path: Path, columns: Sequence[Column], version: int
) -> pd.DataFrame:
    header, complete_bytes, torn = _check_lines(stream, path)
    _check_header(header, [column for column in columns if column.since <= version], path)
    columns = [column for column in columns if column.name in header]
    stream.seek(0)
    source: BinaryIO = io.BytesIO(stream.read(complete_bytes)) if torn else stream
    types: dict = defaultdict(lambda: str)
    for column in columns:
        if column.type != TEXT:
            types[column.name] = "int64" if column.required else "float64"
    try:
        table = pd.read_csv(
            source,
            dtype=types,
            encoding="utf-8-sig",
            keep_default_na=False,
            na_values={c.name: [""] for c in columns if c.type != TEXT},
            float_precision="round_trip",
        )
    except (ValueError, OverflowError):
        _find_fault(stream, columns, path)
        raise LoadError("cannot be read as numbers and text", path) from None
    if _has_fault(table, columns):
        _find_fault(stream, columns, path)
        raise LoadError("holds a value that is out of range", path)
    return table


def _check_lines(stream: BinaryIO, path: Path) -> tuple[list[str], int, bool]:
    """The header, the size in bytes of all complete lines, and whether one more was torn.

    A field never holds a line break, so a line is a record: record i is on line i + 1.
    """
    columns: list[str] = []
    complete_bytes = 0
    line_number = 0
    for line in stream:
        line_number += 1
        if not line.endswith(b"\n"):
            break
        complete_bytes += len(line)
        if line_number == 1:
            columns = _fields(line, path, 1)
            continue
        if b'"' in line or b"\0" in line:
            count = len(_fields(line, path, line_number))
        else:
            count = line.count(b",") + 1
        if count != len(columns):
            raise LoadError(
                f"{count} fields, but the header has {len(columns)}",
                path,
                line_number,
                advice="the line was cut or edited: remove it or run again",
            )
    if line_number == 0:
        raise LoadError("the file is empty", path, advice="was the run started?")
    torn = not line.endswith(b"\n")
    if torn and complete_bytes == 0:
        raise LoadError("the header has no line end: the file was cut off", path, 1)
    if torn:
        warnings.warn(
            f"{path}, line {line_number}: the last line has no line end, so its writing was "
            "interrupted; it is left out",
            LoadWarning,
            stacklevel=5,
        )
    return columns, complete_bytes, torn


def _fields(line: bytes, path: Path, line_number: int) -> list[str]:
    try:
        text = line.decode("utf-8-sig" if line_number == 1 else "utf-8").rstrip("\r\n")
    except UnicodeDecodeError:
        raise LoadError("is not UTF-8 text", path, line_number) from None
    try:
        return next(csv.reader([text], strict=True), [""])
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
        if len(header) == 1 and ";" in header[0]:
            advice = "fields must be separated by ',', not ';': save it as plain CSV"
        raise LoadError(f"none of the columns of {kind} is there", path, 1, advice=advice)
    _refuse_missing(missing, path)


def _refuse_missing(missing: Sequence[str], path: Path) -> None:
    if not missing:
        return
    names = ", ".join(missing[:5]) + (f" and {len(missing) - 5} more" if len(missing) > 5 else "")
    plural = "s are" if len(missing) > 1 else " is"
    raise LoadError(f"missing column{plural} {names}", path, 1, missing[0])


def _has_fault(table: pd.DataFrame, columns: Sequence[Column]) -> bool:
    """Did pandas take something for a number that the harness never writes?"""
    for column in columns:
        values = table[column.name]
        if column.type == TEXT:
            if column.required and (values == "").any():
                return True
            continue
        array = values.to_numpy()
        if (array < 0).any() or np.isinf(array).any():
            return True
        if column.type == COUNT and array.dtype.kind == "f":
            present = array[~np.isnan(array)]
            if (present != np.floor(present)).any():
                return True
    return False


def _find_fault(stream: BinaryIO, columns: Sequence[Column], path: Path) -> None:
    """Raise LoadError for the first field that does not hold what its column demands."""
    stream.seek(0)
    header = _fields(stream.readline(), path, 1)
    places = [(header.index(column.name), column) for column in columns]
    for line_number, line in enumerate(stream, start=2):
        if not line.endswith(b"\n"):
            return
        fields = _fields(line, path, line_number)
        for place, column in places:
            value = fields[place]
            if value == "":
                if column.required:
                    raise LoadError("the value is missing", path, line_number, column.name)
            elif column.type != TEXT and not (
                _NUMBER[column.type].fullmatch(value) and float(value) < 2.0**63
            ):
                kind = "a whole number" if column.type == COUNT else "a number"
                raise LoadError(
                    f"{value[:40]!r} is not {kind} of 0 or more", path, line_number, column.name
                )


def _first(mask: np.ndarray) -> int:
    return int(np.flatnonzero(mask)[0])


def _check_versions(runs: pd.DataFrame, path: Path) -> None:
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
    _refuse_missing([name for name in needed if name not in runs], path)


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
    unknown = sorted(set(runs["status"]) - set(STATUSES))
    if unknown:
        warnings.warn(
            f"{path}, column status: {', '.join(unknown)} is not a status that these scripts "
            "know; such rows count as not measured",
            LoadWarning,
            stacklevel=3,
        )
    measured = runs[(runs["status"] == OK) & (runs["pass"] == MEASURE)]
    for name in _HEADLINE:
        empty = int(measured[name].isna().sum())
        if empty:
            warnings.warn(
                f"{path}, column {name}: empty in {empty} rows whose status is ok",
                LoadWarning,
                stacklevel=3,
            )
