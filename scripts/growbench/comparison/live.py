"""A live comparison: both sides were measured in one run, their rounds interleaved.

In such a run every allocator's label says which side it is: `base.glibc` and `new.glibc`, or `base`
and `new` where one thing is compared with another.
"""

import re
import shutil
from pathlib import Path
from typing import Optional

import pandas as pd

from growbench.data.description import fact

BASE, NEW = "base", "new"
# A machine's A/A experiments are runs named KIND-MACHINE: of `make aa`, and of `make selftest`.
EXPERIMENTS = ("aa", "selftest")
# Inside the run's folder: the runs of the confirmation, and of what is counted.
CONFIRMATION, COUNTED = "confirmation", "counted"
# Beside its runs.csv: what the sides are called, and how the pairing was chosen.
KEPT = "live.json"
# How the runner lets workers of both sides stand to each other.
INTERLEAVED, DUET = "interleaved", "duet"
_LABEL = re.compile(r"(base|new)(?:\.(.+))?", re.DOTALL)
ALONE = "new / base"


def label(side: str, allocator: str = "") -> str:
    """The label of an allocator on one side."""
    return f"{side}.{allocator}" if allocator else side


def sides(runs: pd.DataFrame) -> Optional[tuple[pd.DataFrame, pd.DataFrame]]:
    """The rows of base and those of new, with the allocators' own names; None for a run that is no
    live comparison."""
    labels = runs["allocator"].unique()
    found = {text: _LABEL.fullmatch(str(text)) for text in labels}
    if not all(found.values()):
        return None
    side_of = {text: match[1] for text, match in found.items() if match}
    name_of = {text: match[2] or ALONE for text, match in found.items() if match}
    if set(side_of.values()) != {BASE, NEW}:
        return None
    side = runs["allocator"].map(side_of)
    named = runs.assign(allocator=runs["allocator"].map(name_of).astype(object))
    return named[side == BASE], named[side == NEW]


def pairing_of(machine: Optional[dict]) -> str:
    """INTERLEAVED or DUET, as machine.json of the run has it; runs from before duets were one."""
    return fact(machine, "run", "pairing") or INTERLEAVED


def take_place(folder: Path, kept: Path) -> Path:
    """Name a run's folder `kept`, in place of an older one, which goes only when the new one is
    there. Both are on the same disk."""
    if kept.exists() and kept.samefile(folder):
        return folder
    older = kept.with_name(f".{kept.name}.old")
    shutil.rmtree(older, ignore_errors=True)
    if kept.exists():
        kept.rename(older)
    folder.rename(kept)
    shutil.rmtree(older, ignore_errors=True)
    return kept
