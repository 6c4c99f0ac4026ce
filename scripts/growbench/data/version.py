"""The version of growbench, which has one source: the project's CMakeLists.txt."""

import re
from pathlib import Path

_PROJECT = r"project\s*\(\s*growbench\s+VERSION\s+([0-9.]+)"


def version() -> str:
    """That version, from VERSION where growbench is installed; "unknown" where neither is."""
    for name, form in (("VERSION", r"([0-9.]+)"), ("CMakeLists.txt", _PROJECT)):
        path = Path(__file__).parents[3] / name
        found = re.search(form, path.read_text(encoding="utf-8")) if path.is_file() else None
        if found:
            return found.group(1)
    return "unknown"
