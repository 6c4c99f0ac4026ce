"""How busy a machine was while a run went on, by what machine.json says of its start and end."""

import re
from typing import Optional

import numpy as np

from growbench.data.description import fact

_MOMENTS = ("state_at_start", "state_at_end")
# Fields of /proc/stat's line "cpu": user nice system idle iowait irq softirq steal.
_IDLE = (3, 4)
_TICKS = re.compile(r"\d+(?: \d+){7,}")


def waiting_share(machine: Optional[dict]) -> Optional[float]:
    """The share of the run's time in which some process waited for a CPU (/proc/pressure/cpu); None
    where the kernel does not tell."""
    texts = [fact(machine, moment, "pressure_cpu") or "" for moment in _MOMENTS]
    totals = [int(total) for text in texts for total in re.findall(r"some .*total=(\d+)", text)[:1]]
    parts = [fact(machine, "run", part, type=(int, float)) for part in ("pilot_s", "rounds_s")]
    seconds = sum(part or 0.0 for part in parts)
    if len(totals) < len(_MOMENTS) or seconds <= 0:
        return None
    return min(1.0, (totals[1] - totals[0]) / 1e6 / seconds)


def others_share(machine: Optional[dict]) -> Optional[float]:
    """How much of the CPUs that are not the workers' others used, 0 to 1, the runner's own share
    left out; None where that is not known, or where workers may run on all of them."""
    texts = [fact(machine, moment, "cpu_ticks") or "" for moment in _MOMENTS]
    cpus = fact(machine, "machine", "cpus", type=int) or 0
    others = cpus - len(fact(machine, "run", "worker_cpus", type=list) or [None] * cpus)
    if others < 1 or not all(map(_TICKS.fullmatch, texts)):
        return None
    start, end = (np.array(text.split()[:8], dtype=float) for text in texts)
    passed = end - start
    # All CPUs together: so many went by while one did.
    while_one = passed.sum() / cpus
    if while_one <= 0:
        return None
    own = fact(machine, "run", "runner_share", type=(int, float)) or 0.0
    unused = passed[list(_IDLE)].sum() / while_one
    return float(np.clip(1.0 - (unused + own) / others, 0.0, 1.0))
