"""The allocators that everybody knows, in the order of legends, panels and tables."""

from typing import Iterable

ALLOCATORS = ("glibc", "jemalloc", "mimalloc", "tcmalloc", "tbbmalloc", "scudo")


def ordered(names: Iterable[str]) -> list[str]:
    """Those of ALLOCATORS first, then the others sorted; each once."""
    present = set(names)
    known = [name for name in ALLOCATORS if name in present]
    return known + sorted(present - set(ALLOCATORS))
