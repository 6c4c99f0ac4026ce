"""Write files so that a reader never finds half of one, and no link is written through."""

import errno
import os
import re
import secrets
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Iterator

import pandas as pd

# Less the umask: only we may write to what we make.
_FILE_MODE, _FOLDER_MODE = 0o644, 0o755
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
# Spreadsheets may look past blanks, and take the wide forms of the signs for the plain ones.
_FORMULA = re.compile(r"\s*[=+\-@\uff1d\uff0b\uff0d\uff20]")


@contextmanager
def atomic_writer(path: Path, binary: bool = False) -> Iterator[IO]:
    """Open a stream whose content becomes `path` when the block ends without an exception.

    The content goes to a temporary file in the same folder, which then takes the name of `path`
    in one step: a link of that name is replaced, not followed. On an exception the temporary file
    is removed, and an old `path` stays as it was. Text is UTF-8, and line ends are written as they
    are.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}.tmp")
    # O_EXCL: it is new, whatever others put into the folder.
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _FILE_MODE)
    text: dict[str, Any] = {} if binary else {"encoding": "utf-8", "newline": ""}
    try:
        with open(descriptor, "wb" if binary else "w", **text) as stream:
            yield stream
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def make_folder(path: Path) -> None:
    """Make a folder to write files to, with those above it, unless it is there.

    Raises OSError, also where a link stands in its place: what it leads to was perhaps not meant.
    """
    if path.is_symlink():
        raise OSError(
            errno.ELOOP, "is a symbolic link, through which nothing is written", str(path)
        )
    for folder in [*reversed(path.parents), path]:
        if not folder.is_dir():
            folder.mkdir(_FOLDER_MODE, exist_ok=True)


def spreadsheet_safe(table: pd.DataFrame) -> pd.DataFrame:
    """The table with a "'" before text that a spreadsheet would run as a formula, and blanks for
    control characters: the same as the runner writes (harness/runner/record/record.h)."""
    safe = table.copy()
    for name in safe.columns:
        if not pd.api.types.is_numeric_dtype(safe[name]):
            safe[name] = [_harmless(value) for value in safe[name]]
    return safe


def _harmless(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    text = _CONTROL.sub(" ", value)
    return f"'{text}" if _FORMULA.match(text) else text


def write_csv(table: pd.DataFrame, path: Path) -> None:
    """Write `table` as RFC 4180 CSV, but with "\\n" as line end, atomically.

    Decimal sign '.', missing values empty, each float in the shortest form that reads back as the
    same float, and no text that a spreadsheet takes for a formula.
    """
    with atomic_writer(path) as stream:
        spreadsheet_safe(table).to_csv(stream, index=False, na_rep="", lineterminator="\n")
