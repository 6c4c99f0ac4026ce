"""What a live comparison compares: a build, an allocator, or variables of the environment."""

import re
from pathlib import Path
from typing import NamedTuple, Sequence

from growbench.comparison.live import BASE, NEW, label

WORKER = "growbench-worker"
_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]*=")
# Begins with a small letter, as variables do not.
_NAMED = re.compile(r"([a-z][A-Za-z0-9_.+-]*)=(.*)", re.DOTALL)

BUILD, ALLOCATOR, ENVIRONMENT = "build", "allocator", "environment"


class Side(NamedTuple):
    """One side. kind: BUILD (a folder, or "" for the runner's own), ALLOCATOR (as for `growbench
    run --allocator`, without its name) or ENVIRONMENT (VARIABLE=VALUE[,...]). name: what the user
    calls it."""

    kind: str
    text: str
    name: str = ""

    def of(self, allocator: str) -> str:
        """What --allocator takes for this side of `allocator`, behind the label."""
        if self.kind == ENVIRONMENT:
            return f"{allocator},{self.text}"
        return f"{allocator}@{self.text}" if self.text else allocator


def read_side(text: str) -> Side:
    """What the user means by BASE or NEW: a folder that holds a worker or a worker itself,
    variables, or else an allocator; nothing is the runner's own build. Before any of these may
    stand NAME=, as in old=/opt/lib/libold.so."""
    named = _NAMED.fullmatch(text)
    if named:
        return read_side(named[2])._replace(name=named[1])
    if _VARIABLE.match(text):
        return Side(ENVIRONMENT, text)
    path = Path(text)
    if text == "" or path.is_dir() or path.name == WORKER:
        return Side(BUILD, text)
    return Side(ALLOCATOR, text)


def allocator_options(base: Side, new: Side, allocators: Sequence[str]) -> list[str]:
    """The runner's options that measure both sides next to each other.

    allocators: under which builds or environments are compared; two allocators are compared with
    each other. Raises ValueError for an allocator against something else.
    """
    sides = ((BASE, base), (NEW, new))
    kinds = {base.kind, new.kind}
    if kinds == {ALLOCATOR}:
        made = [(label(name), side.text) for name, side in sides]
    elif ALLOCATOR in kinds:
        raise ValueError("an allocator can only be compared with an allocator")
    else:
        made = [(label(name, of), side.of(of)) for of in allocators for name, side in sides]
    options = [part for name, text in made for part in ("--allocator", f"{name}={text}")]
    return [*options, "--allocators", ",".join(name for name, _ in made)]
