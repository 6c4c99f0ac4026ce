"""What a check is."""

from typing import Callable, NamedTuple

from growbench.selftest.bench import Bench
from growbench.selftest.outcome import Outcome


class Check(NamedTuple):
    """name: on the command line. title: what is right if it passes. run: measures and judges;
    raises CannotTell where that cannot be done here."""

    name: str
    title: str
    run: Callable[[Bench], Outcome]
