"""The allocators that everybody knows, in the order of legends, panels and tables."""

from typing import Iterable

ALLOCATORS = ("glibc", "jemalloc", "mimalloc", "tcmalloc", "tbbmalloc", "scudo")
# Behind the name of one whose heap was used before (growbench run --aged).
AGED = "-aged"


def ordered(names: Iterable[str]) -> list[str]:
    """Those of ALLOCATORS first, each with its aged one, then the others sorted; each once."""
    present = set(names)
    known = [label for name in ALLOCATORS for label in (name, name + AGED) if label in present]
    return known + sorted(present - set(known))
