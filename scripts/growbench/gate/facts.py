"""What counts depend on besides the code under test: the compiler, libraries, the machine's kind.

To add a fact, add a row to FACTS. The version of each allocator is one as well, unless it was given
by --allocator: then it is what is under test.
"""

import re
from typing import Any, Callable, Iterable, NamedTuple, Optional, Sequence
from urllib.parse import quote

import pandas as pd

from growbench.comparison.run import Run
from growbench.data.columns import INSTRUCTIONS, MEASURE
from growbench.data.description import fact, huge_pages
from growbench.data.exact import Exact
from growbench.data.statuses import OK
from growbench.data.text import printable

# Of these the code of the kernels decides alone.
OF_CODE = ("allocator_calls", "peak_requested", "leaked")
ALLOCATOR = "allocator"
UNKNOWN = "unknown"
_VALGRIND = "Valgrind"
# What allocator_facts() reads of runs.csv.
COLUMNS = ("allocator_version", "allocator_build_id")
# Valgrind 3.19 to 3.24 show their programs no processor above it.
_LEVEL, _HIGHEST = "x86-64-v", 3
_BUILD_ID = re.compile(r" \(build-id \w+\)")
# Words of a run that say nothing of its counts; those with a value, and those without.
_WITH_VALUE = ("--out", "--seed", "--cpu", "--budget", "--timeout", "--resume")
_BARE = ("--quiet", "--no-summary", "--overwrite")


class Fact(NamedTuple):
    """read: of machine.json, None where it does not say. bears_on: which counts depend on it."""

    name: str
    read: Callable[[Optional[dict]], Optional[str]]
    bears_on: Callable[[Exact], bool]


def _at(*keys: str) -> Callable[[Optional[dict]], Optional[str]]:
    return lambda machine: fact(machine, *keys)


def _page_size(machine: Optional[dict]) -> Optional[str]:
    size = fact(machine, "system", "page_bytes", type=int)
    return None if size is None else str(size)


def _compiler(machine: Optional[dict]) -> Optional[str]:
    parts = [fact(machine, "build", name) for name in ("compiler", "build_type", "flags")]
    return ", ".join(part for part in parts if part) or None


def _instruction_set(machine: Optional[dict]) -> Optional[str]:
    """The level that a program under Valgrind sees."""
    level = fact(machine, "system", "isa_level")
    number = (level or "").replace(_LEVEL, "")
    return f"{_LEVEL}{min(int(number), _HIGHEST)}" if number.isdecimal() else level


def _huge_pages(machine: Optional[dict]) -> Optional[str]:
    """To whom, and which sizes have a switch of their own that is on."""
    sizes = fact(machine, "system", "thp_sizes", type=dict) or {}
    chosen = {
        name.replace("hugepages-", ""): match.group(1)
        for name, text in sizes.items()
        if isinstance(text, str) and (match := re.search(r"\[(always|madvise)\]", text))
    }
    more = [f"{size} {to}" for size, to in sorted(chosen.items())]
    return ", ".join(filter(None, [huge_pages(machine), *more])) or None


def _variables(machine: Optional[dict]) -> Optional[str]:
    return (
        " ".join(map(str, fact(machine, "run", "allocator_environment", type=list) or [])) or None
    )


def _counted(exact: Exact) -> bool:
    return exact.pass_name == INSTRUCTIONS


def _resident(exact: Exact) -> bool:
    return exact.pass_name == MEASURE


def _not_of_code(exact: Exact) -> bool:
    return exact.name not in OF_CODE


FACTS = (
    Fact("architecture", _at("machine", "architecture"), _not_of_code),
    Fact("page size", _page_size, _not_of_code),
    Fact("allocator variables", _variables, _not_of_code),
    Fact("compiler", _compiler, _counted),
    Fact("C library", _at("system", "libc"), _counted),
    Fact(_VALGRIND, _at("instructions", "valgrind"), _counted),
    Fact("instruction set", _instruction_set, _counted),
    Fact("huge pages", _huge_pages, _resident),
)
_NAMES = frozenset(one.name for one in FACTS)


def known_name(name: str) -> bool:
    """Is it the name of a fact?"""
    return name in _NAMES or is_of_allocator(name)


def is_of_allocator(name: str) -> bool:
    """Is it the version of an allocator?"""
    return name not in _NAMES and re.fullmatch(rf"{ALLOCATOR} \S+", name) is not None


def _name_of(allocator: str) -> str:
    return f"{ALLOCATOR} {quote(allocator)}"


def facts_of(run: Run) -> dict[str, str]:
    """The facts of a run that are known, in the order in which a baseline has them."""
    found = {one.name: one.read(run.machine) for one in FACTS}
    found |= allocator_facts(run.runs, under_test(run.machine), _environments(run.machine))
    return {name: printable(text) for name, text in found.items() if text}


def under_test(machine: Optional[dict]) -> set[str]:
    """The labels of allocators that were given by --allocator LABEL=..."""
    words = [str(w) for w in fact(machine, "run", "arguments", type=list) or []]
    given = [word.partition("=")[2] for word in words if word.startswith("--allocator=")]
    given += [after for word, after in zip(words, words[1:]) if word == "--allocator"]
    return {text.partition("=")[0] for text in given}


def allocator_facts(
    runs: pd.DataFrame, given: set[str], environments: dict[str, str]
) -> dict[str, Optional[str]]:
    """The version of each allocator that was measured, with its build-id and its variables."""
    ok = runs[(runs["status"] == OK) & ~runs["allocator"].isin(given)]
    found: dict[str, Optional[str]] = {}
    for name, rows in ok.groupby("allocator", sort=True):
        versions = sorted({text for text in rows["allocator_version"] if text})
        ids = sorted({text for text in rows["allocator_build_id"] if text})
        text = " and ".join(versions) or UNKNOWN
        text += f" (build-id {ids[0]})" if len(ids) == 1 else ""
        text += f" with {environments[name]}" if environments.get(name) else ""
        found[_name_of(name)] = text
    return found


def _environments(machine: Optional[dict]) -> dict[str, str]:
    rows: Iterable[Any] = fact(machine, "allocators", type=list) or []
    return {
        str(row.get("name")): " ".join(map(str, row.get("environment") or []))
        for row in rows
        if isinstance(row, dict)
    }


def made_by(run: Run) -> str:
    """The command that measured it, without what says nothing of its counts."""
    kept, skip = [], False
    for word in map(str, fact(run.machine, "run", "arguments", type=list) or []):
        name = word.partition("=")[0]
        if not skip and name not in (*_WITH_VALUE, *_BARE):
            kept.append(word)
        skip = not skip and word in _WITH_VALUE
    return printable(" ".join(["growbench run", *kept]))


class Difference(NamedTuple):
    """A fact that differs, in words: what it was then, and what it is now."""

    name: str
    then: str
    now: str

    def bears_on(self, exact: Exact, allocator: str) -> bool:
        """Do these counts of a cell under that allocator depend on it?"""
        if is_of_allocator(self.name):
            return self.name == _name_of(allocator) and _not_of_code(exact)
        return next(one for one in FACTS if one.name == self.name).bears_on(exact)

    def text(self) -> str:
        return f"{self.name}: {self.then}, now {self.now}"


def differences(then: dict[str, str], now: dict[str, str]) -> list[Difference]:
    """The facts that differ; another build of the same version is none. An allocator of which one
    side says nothing is no difference: it was not measured, or is under test."""
    found = []
    for name in dict.fromkeys([*then, *now]):
        a, b = (side.get(name, "none" if side else UNKNOWN) for side in (then, now))
        if is_of_allocator(name) and not (name in then and name in now):
            continue
        if name == _VALGRIND and not (name in then and name in now):
            # Nothing was counted on one side: then the counts are what is missing.
            continue
        if _BUILD_ID.sub("", a) != _BUILD_ID.sub("", b):
            found.append(Difference(name, a, b))
    return found


def rebuilt(then: dict[str, str], now: dict[str, str]) -> list[str]:
    """Allocators of the same version in another build."""
    other = {difference.name for difference in differences(then, now)}
    return [
        name.partition(" ")[2]
        for name in then
        if name in now and then[name] != now[name] and name not in other
    ]


def agree(runs: Sequence[Run]) -> list[Difference]:
    """Where the runs of one side differ among themselves from the first."""
    return [one for run in runs[1:] for one in differences(facts_of(runs[0]), facts_of(run))]
