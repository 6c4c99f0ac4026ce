"""The version of growbench, which has one source: the project's CMakeLists.txt."""

import re
from pathlib import Path


def version() -> str:
    """The version in CMakeLists.txt, or "unknown" where the scripts were copied without it."""
    try:
        text = (Path(__file__).parents[3] / "CMakeLists.txt").read_text(encoding="utf-8")
    except OSError:
        return "unknown"
    found = re.search(r"project\s*\(\s*growbench\s+VERSION\s+([0-9.]+)", text)
    return found.group(1) if found else "unknown"
