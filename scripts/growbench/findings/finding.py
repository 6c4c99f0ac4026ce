"""What a finding is, and what all of them share."""

from typing import NamedTuple, Optional, Sequence

from growbench.data.article import FAST, SLOW
from growbench.findings.evidence import Pair
from growbench.findings.sentences import Sentence, name
from growbench.tables.table import Table

__all__ = ["COLD", "FAST", "SLOW", "USUAL_ALLOCATOR", "WARM", "WHERE", "Finding"]
# Whom the other allocators are held against, where it is there.
USUAL_ALLOCATOR = "glibc"

COLD, WARM = "cold_build_release", "warm_build_release"
WHERE = {COLD: "In a fresh process", WARM: "In the steady state"}


class Finding(NamedTuple):
    """key: unique, for links. title: what it is about. sentences: one paragraph each. table: the
    cells that support it, or None. plots: names of the plots that show it."""

    key: str
    title: str
    sentences: Sequence[Sentence]
    table: Optional[Table] = None
    plots: Sequence[str] = ()


def cell_text(pair: Pair) -> list:
    """Strategy on allocator."""
    return [name(pair[0]), " on ", name(pair[1])]
