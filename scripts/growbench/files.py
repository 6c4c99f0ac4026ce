"""Write files so that a reader never finds half of one."""

import os
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Iterator

import pandas as pd


@contextmanager
def atomic_writer(path: Path, binary: bool = False) -> Iterator[IO]:
    """Open a stream whose content becomes `path` when the block ends without an exception.

    The content goes to a temporary file in the same folder, which then takes the name of `path`
    in one step. On an exception the temporary file is removed, and an old `path` stays as it was.
    Text is UTF-8, and line ends are written as they are.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        if binary:
            with open(temporary, "xb") as stream:
                yield stream
        else:
            with open(temporary, "x", encoding="utf-8", newline="") as stream:
                yield stream
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def write_csv(table: pd.DataFrame, path: Path) -> None:
    """Write `table` as RFC 4180 CSV, but with "\\n" as line end, atomically.

    Decimal sign '.', missing values empty, and each float in the shortest form that reads back
    as the same float.
    """
    with atomic_writer(path) as stream:
        table.to_csv(stream, index=False, na_rep="", lineterminator="\n")
