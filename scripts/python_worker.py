#!/usr/bin/env python3
"""A worker that measures NumPy and Python as growbench-worker measures C (harness/README.md)."""

import os
import platform
import sys
from pathlib import Path
from typing import Any

from workers import kit, snippets

IMPLEMENTATIONS = ("numpy", "python")
HELP = """\
usage: python_worker.py PASS --implementation numpy|python --strategy NAME --rows N --row-bytes N
Measures one cell for growbench; the passes and options are those of growbench-worker --help.

examples:
  python_worker.py list --implementation numpy
  python_worker.py measure --implementation numpy --strategy loop_and_append --rows 100
  LD_PRELOAD=libjemalloc.so.2 python_worker.py measure --implementation python \\
      --strategy bytearray --rows 1000 --row-bytes 80 --iterations 10 --values 3

GROWBENCH_WORKER_KIT names the library if it is not build/libgrowbench-worker.so.
"""


def main(arguments: list[str]) -> int:
    if not arguments or arguments[0] in ("-h", "--help"):
        print(HELP, end="")
        return 0 if arguments else 2
    implementation = _value(arguments, "--implementation", "numpy")
    if implementation not in IMPLEMENTATIONS:
        raise SystemExit(f"unknown implementation {implementation!r}; known: numpy, python")
    size = _value(arguments, "--row-bytes", "80")
    if not size.isdecimal() or not 0 < int(size) < 1 << 40:
        raise SystemExit(f"--row-bytes: {size!r} is no number of bytes")
    work = _value(arguments, "--work", snippets.CHEAP)
    library = kit.Kit(
        os.environ.get("GROWBENCH_WORKER_KIT")
        or str(Path(__file__).resolve().parent.parent / "build" / kit.LIBRARY)
    )
    wanted = _value(arguments, "--strategy", "")
    description, subjects = _load(library, implementation, int(size), work, wanted)
    return library.run(description, subjects, int(size), arguments)


def _value(arguments: list[str], name: str, otherwise: str) -> str:
    """The value of an option of the command line, which the library checks in full."""
    for i, word in enumerate(arguments):
        if word == name and i + 1 < len(arguments):
            otherwise = arguments[i + 1]
        if word.startswith(f"{name}="):
            otherwise = word[len(name) + 1 :]
    return otherwise


def _load(
    library: kit.Kit, implementation: str, row_bytes: int, work: str, wanted: str
) -> tuple[kit.Description, list[kit.Subject]]:
    """What the worker says of itself, and what it can build."""
    python = f"{platform.python_implementation()} {platform.python_version()}"
    layers = (
        "PYTHONMALLOC=malloc: nothing for Python's objects"
        if os.environ.get("PYTHONMALLOC", "").startswith("malloc")
        else "pymalloc: blocks up to 512 bytes, in arenas that it maps itself"
    )
    strategies: Any
    if implementation == "python":
        from workers import python_strategies as strategies

        return kit.Description(implementation, python, layers), _subjects(
            library, strategies, row_bytes, work, wanted
        )
    from workers import numpy_strategies as strategies

    if strategies.MISSING:
        missing = (
            f"{sys.executable} has no NumPy ({strategies.MISSING}); make setup installs it, "
            "PYTHON names another interpreter"
        )
        return kit.Description(implementation, python, layers, missing), [
            *map(_nothing_but_a_name, strategies.SNIPPETS),
            *_pattern_subjects(row_bytes, wanted),
        ]
    # numpy/core/src/multiarray/alloc.c: NBUCKETS, NCACHE.
    layers += "; NumPy: keeps 7 freed data blocks of each size below 1,024 bytes"
    version = f"NumPy {strategies.np.__version__}, {python}"
    return kit.Description(implementation, version, layers), [
        *_subjects(library, strategies, row_bytes, work, wanted),
        *_pattern_subjects(row_bytes, wanted),
    ]


def _subjects(
    library: kit.Kit, strategies: Any, row_bytes: int, work: str, wanted: str
) -> list[kit.Subject]:
    """The snippets of an implementation, compiled for rows of that size and kind: the one that is
    wanted, or all for ""."""
    language = strategies.language(row_bytes, work)
    again = strategies.drawn_again(row_bytes)
    is_random = work == snippets.RANDOM

    def subject(snippet: snippets.Snippet) -> kit.Subject:
        return kit.Subject(
            name=snippet.name,
            help=snippet.help,
            counterpart=snippet.counterpart,
            order=snippet.order,
            build=snippets.compiled(snippet, language, work),
            pieces=snippet.pieces,
            copied_bytes=lambda rows: snippet.copied_bytes(rows, row_bytes),
            blocks=snippet.blocks,
            idle=snippets.compiled_idle(snippet, language, work) if snippet.idle else None,
            rewind=strategies.rewind_random if is_random else None,
            expected=(lambda rows: library.checksum(again(rows), row_bytes)) if is_random else None,
            supports=lambda size: snippet.supports(size) and (not is_random or size % 8 == 0),
        )

    return [subject(snippet) for snippet in strategies.SNIPPETS if wanted in ("", snippet.name)]


def _pattern_subjects(row_bytes: int, wanted: str) -> list[kit.Subject]:
    from workers import numpy_patterns

    def subject(pattern: numpy_patterns.Pattern) -> kit.Subject:
        return kit.Subject(
            name=pattern.name,
            help=pattern.help,
            counterpart=pattern.counterpart,
            order=kit.LINEAR,
            build=pattern.build,
            pieces=numpy_patterns.pieces,
            copied_bytes=lambda rows: pattern.copied(rows, row_bytes),
            blocks=lambda rows: pattern.blocks,
            like=pattern.like,
            walk=numpy_patterns.walk,
        )

    return [subject(one) for one in numpy_patterns.PATTERNS if wanted in ("", one.name)]


def _nothing_but_a_name(snippet: snippets.Snippet) -> kit.Subject:
    """For a list of what could be built if all was there."""
    return kit.Subject(
        name=snippet.name,
        help=snippet.help,
        counterpart=snippet.counterpart,
        order=snippet.order,
        build=lambda rows: None,
        pieces=lambda result: (),
        copied_bytes=lambda rows: 0,
        blocks=lambda rows: 0,
    )


if __name__ == "__main__":
    try:
        exit_status = main(sys.argv[1:])
    except Exception:
        kit.die()
    # What there is has been reported; tearing down the interpreter takes as long as some cells.
    sys.stdout.flush()
    os._exit(exit_status)
