"""What a comparison says, layer by layer: counts first, then the machine's prices, then times."""

from typing import NamedTuple, Sequence

from growbench.tables.table import Table

# The layers, in the order in which they are told.
EXACT, MACHINE, TIMES = "exact", "machine", "times"
# What a layer comes to: something is worse; nothing is; it cannot be told; it has no figures.
WORSE, CLEAR, OPEN, ABSENT = "worse", "clear", "open", "absent"


class Layer(NamedTuple):
    """name: EXACT, MACHINE or TIMES. sentences: the most important first. verdict: WORSE, CLEAR,
    OPEN or ABSENT; that of MACHINE is CLEAR or ABSENT, as no machine is a regression."""

    name: str
    sentences: Sequence[str]
    tables: Sequence[Table]
    verdict: str
