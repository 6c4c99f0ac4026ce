"""A promise and what came out, as `growbench validate statistics` tells it.

A control does what growbench avoids (pooling values within a worker, measuring all of A before all
of B, fitting one line to all sizes), and has to come out worse, or the simulation shows nothing.
"""

from typing import NamedTuple


class Check(NamedTuple):
    """share: what came out, from 0 to 1; goal: in words; met: is the promise kept, or does the
    control fail as it should?"""

    name: str
    goal: str
    share: float
    met: bool
    detail: str = ""


def at_least(name: str, least: float, share: float, detail: str = "", of: str = "") -> Check:
    """A share, of what `of` says, that is to be so large."""
    goal = f"at least {100 * least:g}%{of}"
    return Check(name, goal, float(share), bool(share >= least), detail)


def at_most(name: str, most: float, share: float, detail: str = "") -> Check:
    """A share that is to be no larger."""
    return Check(name, f"at most {100 * most:g}%", float(share), bool(share <= most), detail)


def below(name: str, limit: float, share: float) -> Check:
    """A control."""
    return Check(name, f"below {100 * limit:g}%", float(share), bool(share < limit))
