"""The tables that C and Python share: harness/common/*.def, macro calls that C includes."""

import re
from pathlib import Path

FOLDER = Path(__file__).parents[3] / "harness/common"
_STRING = r'"((?:[^"\\]|\\.)*)"'


def rows(name: str, macro: str) -> list[tuple[str, ...]]:
    """The arguments of each call of the macro in that table, strings without their quotes."""
    text = re.sub(r"/\*.*?\*/", "", (FOLDER / name).read_text(encoding="utf-8"), flags=re.S)
    # Strings side by side are one, as in C.
    text = re.sub(r'"\s*"', "", text)
    found = []
    for call in re.findall(rf'^{macro}\(((?:[^"()]|{_STRING})*)\)', text, re.M):
        parts = re.findall(rf"{_STRING}|(\w+)", call[0])
        found.append(tuple(string or word for string, word in parts))
    return found
