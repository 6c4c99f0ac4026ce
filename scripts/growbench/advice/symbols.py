"""Calls by name: the functions and lines that the frames of a stack lie in.

A frame is a file and a place in it. Lines are known where the file has debug symbols; functions
also where it exports them, if the place lies within one: a nearest name would often be a wrong one.
"""

import bisect
import subprocess
from pathlib import Path
from typing import Any, NamedTuple, Optional, Sequence

Frame = dict[str, Any]


class Symbol(NamedTuple):
    """A function: where it begins and ends in its file."""

    begin: int
    end: int
    name: str


def name_calls(stacks: Sequence[Sequence[Frame]]) -> None:
    """Adds to each frame `function`, "" where it is not known, and `call`: what a reader is told.
    Needs addr2line and nm (binutils) to say more than the place."""
    by_module: dict[str, list[Frame]] = {}
    for stack in stacks:
        for frame in stack:
            by_module.setdefault(frame["module"], []).append(frame)
    for module, frames in by_module.items():
        functions = _functions(module)
        lines = _lines(module, [_call(frame) for frame in frames])
        for frame, line in zip(frames, lines):
            frame["function"] = _function_at(functions, _call(frame))
            where = line or f"{Path(module).name or 'no file'}+{_call(frame):#x}"
            frame["call"] = f"{frame['function']} ({where})" if frame["function"] else where


def _call(frame: Frame) -> int:
    """The frame has the place that the call returns to, which may be of the next function."""
    return max(0, int(frame["offset"]) - 1)


def _function_at(functions: Sequence[Symbol], place: int) -> str:
    at = bisect.bisect_right(functions, (place, 1 << 64, "")) - 1
    return functions[at].name if at >= 0 and place < functions[at].end else ""


def _functions(module: str) -> list[Symbol]:
    """Those that the file names, or at least exports, in order."""
    for command in (["nm"], ["nm", "-D"]):
        said = _said(module, *command, "-C", "-S", "--defined-only", module)
        found = sorted(filter(None, map(_symbol, said.splitlines())))
        if found:
            return found
    return []


def _symbol(line: str) -> Optional[Symbol]:
    words = line.split(maxsplit=3)
    if len(words) < 4 or words[2] not in "TtWwi":
        return None
    try:
        begin, size = int(words[0], 16), int(words[1], 16)
    except ValueError:
        return None
    return Symbol(begin, begin + size, words[3].partition("@")[0])


def _lines(module: str, places: Sequence[int]) -> list[str]:
    """file.c:123 of each place; "" where nothing is known."""
    asked = [f"{place:#x}" for place in places]
    lines = _said(module, "addr2line", "-e", module, *asked).splitlines()
    if len(lines) != len(places):
        return [""] * len(places)
    return ["" if line.startswith("??") or line.endswith(":?") else _short(line) for line in lines]


def _short(line: str) -> str:
    return line.partition(" (")[0].rpartition("/")[2]


def _said(module: str, *command: str) -> str:
    """What a tool says of a module; "" if the tool is not there, or refuses the file."""
    # The path is what a profile says: none that a tool could take for an option.
    if not module.startswith("/") or not Path(module).is_file():
        return ""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, errors="replace", timeout=60
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout if done.returncode == 0 else ""
