"""Read machine.json, which says what the machine, the build and the libraries of a run were.

Nothing in it is needed to work with a run; what wants to show a part of it uses fact(), which
takes whatever is not there for unknown.
"""

import json
import re
import warnings
from pathlib import Path
from typing import Any, NoReturn, Optional, Union

from growbench.data.errors import LoadError, LoadWarning
from growbench.data.load import first_row, runs_path

_ADVICE = "restore it, or move it away: a run can do without"


def read_machine(path: Union[str, Path]) -> Optional[dict]:
    """machine.json beside the runs.csv of a run, given as in read_runs(); None if it is not there.

    Warns (LoadWarning) where it is not there, and where it is of another run of the same machine.
    Raises LoadError if it cannot be read, is no JSON object, or is of another machine.
    """
    table = runs_path(path)
    path = table.with_name("machine.json")
    try:
        content = path.read_bytes() if path.is_file() else None
    except OSError as error:
        raise LoadError(f"cannot be read: {error.strerror}", path) from None
    if content is None:
        what = "is no file" if path.exists() else "is not there"
        warnings.warn(
            f"{path} {what}, so nothing is known of the machine but its name",
            LoadWarning,
            stacklevel=2,
        )
        return None
    machine = _parse(content, path)
    _compare(machine, first_row(table), path, table)
    return machine


def fact(machine: Optional[dict], *keys: str, type: Any = str) -> Any:
    """What stands in machine[keys[0]][keys[1]]..., or None if it is not there or of another type.

    type: a type, or several, as isinstance() takes them; bool is not taken for a number.
    """
    value: Any = machine
    for key in keys:
        if not isinstance(value, dict) or key not in value:
            return None
        value = value[key]
    if isinstance(value, bool) and type is not bool:
        return None
    return value if isinstance(value, type) else None


def chosen(text: Optional[str]) -> Optional[str]:
    """What is set, of a kernel's file that lists all there are: "always [madvise] never"."""
    match = re.fullmatch(r"(?:\S+ )*\[(\S+)\](?: \S+)*", text or "")
    return match.group(1) if match else text


def huge_pages(machine: Optional[dict]) -> Optional[str]:
    """To whom the kernel gave transparent huge pages: always, madvise or never; None: not known."""
    if fact(machine, "system", "thp_disabled", type=bool):
        return "never"
    return chosen(fact(machine, "system", "thp_enabled"))


def _parse(content: bytes, path: Path) -> dict:
    def refuse(constant: str) -> NoReturn:
        raise ValueError(f"{constant} is no number")

    try:
        machine = json.loads(content.decode("utf-8-sig"), parse_constant=refuse)
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise LoadError("is not UTF-8 text", path, line, advice=_ADVICE) from None
    except json.JSONDecodeError as error:
        raise LoadError(
            f"is not JSON: {error.msg}", path, error.lineno, str(error.colno), _ADVICE
        ) from None
    except (ValueError, RecursionError) as error:
        raise LoadError(f"is not JSON: {error}", path, 1, advice=_ADVICE) from None
    if not isinstance(machine, dict):
        raise LoadError("is no JSON object", path, 1, advice=_ADVICE)
    return machine


def _compare(machine: dict, row: dict[str, str], path: Path, table: Path) -> None:
    """Is the description of the run whose first row that is?"""
    machine_id = machine.get("machine_id")
    if machine_id is None:
        warnings.warn(
            f"{path}: it has no machine_id, so it may be of another machine than {table.name}",
            LoadWarning,
            stacklevel=3,
        )
    elif machine_id != row["machine_id"]:
        raise LoadError(
            f"{machine_id!r} is another machine than {row['machine_id']!r} in {table.name}",
            path,
            _line_of(path, "machine_id"),
            "machine_id",
            _ADVICE,
        )
    run_id = machine.get("run_id")
    if machine_id is not None and run_id is not None and run_id != row["run_id"]:
        warnings.warn(
            f"{path}: it is of run {run_id!r}, and {table.name} is of {row['run_id']!r}",
            LoadWarning,
            stacklevel=3,
        )


def _line_of(path: Path, key: str) -> int:
    """The first line that names the key."""
    lines = path.read_text(encoding="utf-8-sig").split("\n")
    return next((n for n, line in enumerate(lines, start=1) if f'"{key}"' in line), 1)
