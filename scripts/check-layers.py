#!/usr/bin/env python3
"""Is there a circle among the files, or among the folders, of what includes or imports what?

usage: check-layers.py [FILE...]   (of the folder that it is called in; default: what git tracks)

A header and the source of its name are one module. Tests and fuzz targets may use all. A folder of
the Python package knows nothing of those after it in this order:

    {order}

Exit status: 0 there is none, 1 there is one, named with the files that close it.
"""

import ast
import graphlib
import re
import subprocess
import sys
from pathlib import Path
from typing import Dict, List, Set, Tuple

ORDER = (
    "data statistics tables analysis comparison gate advice figures plots memory_picture exports "
    "history findings report selftest command_line promises cli develop"
).split()
INCLUDE = re.compile(r'^#include "((?:harness|kernels)/[\w/]+)\.h"', re.M)
PACKAGE = Path("scripts/growbench")

Graph = Dict[str, Set[str]]


def included(path: Path) -> Set[str]:
    """The modules that a C file includes."""
    return set(INCLUDE.findall(path.read_text(encoding="utf-8")))


def imported(path: Path, modules: Set[str]) -> Set[str]:
    """Those of `modules` that a Python file imports."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            base = "scripts/" + node.module.replace(".", "/")
            names = [f"{base}/{alias.name}" for alias in node.names]
            within = {*names, *(f"{name}/__init__" for name in names)} & modules
            found |= within or {base, f"{base}/__init__"} & modules
    return found


def graph_of(files: List[str]) -> Graph:
    """What each module uses of the others."""
    paths = [Path(name) for name in files if not {"tests", "fuzz"} & set(Path(name).parts)]
    python = [path for path in paths if path.suffix == ".py" and PACKAGE in path.parents]
    modules = {str(path.with_suffix("")) for path in python}
    graph: Graph = {}
    for path in paths:
        if path.suffix in (".c", ".cc", ".h") and path.parts[0] in ("harness", "kernels"):
            graph.setdefault(str(path.with_suffix("")), set()).update(included(path))
    for path in python:
        name = str(path.with_suffix(""))
        graph[name] = imported(path, modules)
    return {name: used - {name} for name, used in graph.items()}


def folders_of(graph: Graph) -> Graph:
    """The same of the folders that the modules are in."""
    folders: Graph = {}
    for name, used in graph.items():
        own = str(Path(name).parent)
        folders.setdefault(own, set()).update({str(Path(other).parent) for other in used} - {own})
    return folders


def circle(graph: Graph) -> List[str]:
    """One of it: the first again at the end; empty if there is none."""
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        return list(reversed(error.args[1]))
    return []


def upward(graph: Graph) -> List[Tuple[str, str]]:
    """Modules of the package with what they use of a folder after their own."""

    def place(name: str) -> int:
        parts = Path(name).parts[2:]
        return ORDER.index(parts[0]) if parts and parts[0] in ORDER else len(ORDER)

    return [
        (name, other)
        for name, used in sorted(graph.items())
        if name.startswith(str(PACKAGE))
        for other in sorted(used)
        if place(other) > place(name)
    ]


def main() -> int:
    """Prints what there is."""
    if "--help" in sys.argv[1:]:
        print((__doc__ or "").replace("{order}", " ".join(ORDER)).strip())
        return 0
    files = sys.argv[1:] or subprocess.run(
        ["git", "ls-files"], check=True, capture_output=True, text=True
    ).stdout.split("\n")
    graph = graph_of([name for name in files if name and Path(name).exists()])
    faults = [
        f"circle of {what}: {' -> '.join(found)}"
        for what, found in (("files", circle(graph)), ("folders", circle(folders_of(graph))))
        if found
    ]
    faults += [f"{name} uses {other}, which comes after it" for name, other in upward(graph)]
    for fault in faults:
        print(f"layers: {fault}", file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
