"""Which host a run saw: what a few things cost there, and how far two runs' hosts are apart.

A label is no host: two machines of one model have one machine_id, and so has a machine before and
after its neighbours became busy. What tells them apart are prices that no code of a cell has a part
in: an instruction, a system call, a page, a copy in the nearest cache and one in memory. The runner
takes them at three moments of a run (machine.json, `host`) and says whether they changed on the
way, which is not decided once more here; those of an older run come from its probes.
"""

import math
from typing import NamedTuple, Optional

import numpy as np
import pandas as pd

from growbench.data.columns import PROBE
from growbench.data.description import fact
from growbench.data.statuses import OK
from growbench.data.units import show

# Columns of runs.csv that fingerprint() reads besides a row's keys.
COLUMNS = frozenset({"probe_ns", "probe_min_ns"})
SAME, STATE, MACHINE, NOT_KNOWN = "same", "another state", "another machine", "not known"
# Prices of one state are no further apart than that, or than one of the runs saw itself.
APART_RATIO = 1.10
_PAGE_BYTES = 1 << 20
# Of machine.json: what another machine may differ in, and a state cannot.
_IDENTITY = (
    "cpu_vendor",
    "cpu_family",
    "cpu_model",
    "cpu_model_number",
    "cpu_stepping",
    "hypervisor_signature",
    "caches",
)


class _Probe(NamedTuple):
    """name: of the price. probe: whose it is. pick: of the sizes that were probed, which."""

    name: str
    probe: str
    pick: str = "smallest"


_PROBES = (
    _Probe("instruction", "instruction"),
    _Probe("call", "system_call"),
    _Probe("page", "touch", "page"),
    _Probe("copy_near", "copy"),
    _Probe("copy_far", "copy", "largest"),
)
PRICES = tuple(probe.name for probe in _PROBES)


class Price(NamedTuple):
    """What something costs, in ns. typical: the median over the moments of their medians. best: the
    smallest value of all. drift: the moments' largest median over their smallest."""

    typical: float
    best: float
    drift: float


class Fingerprint(NamedTuple):
    """prices: those that are known, by name. said: the runner's own words, with what changed while
    the run went on; "" of an older run. identity: what is known of the hardware, by its name in
    machine.json."""

    prices: dict[str, Price]
    said: str = ""
    identity: dict[str, str] = {}

    def text(self) -> str:
        """In one line; "" if nothing is known."""
        told = (f"{n} {show(price.typical, 'ns')}" for n, price in self.prices.items())
        return self.said or ", ".join(told)


class Distance(NamedTuple):
    """How far the hosts of two runs are apart.

    verdict: SAME, STATE, MACHINE or NOT_KNOWN. ratios: by price, what is typical of the second run
    over what is of the first. bests: the same of the best. moved: the prices that the verdict is
    of, the furthest first, or the facts of the hardware that differ.
    """

    verdict: str
    ratios: dict[str, float]
    bests: dict[str, float]
    moved: tuple[str, ...]

    def text(self) -> str:
        """The verdict and what it is of, in one line."""
        if self.verdict == NOT_KNOWN:
            return f"{NOT_KNOWN}: the runs have no price in common"
        kind, ratios = ("best ", self.bests) if self.verdict == MACHINE else ("", self.ratios)
        told = [
            f"{kind}{name} {ratios[name] - 1.0:+.0%}" if name in ratios else name
            for name in self.moved or ratios
        ]
        return f"{self.verdict}: {', '.join(told)}"


def fingerprint(runs: pd.DataFrame, machine: Optional[dict]) -> Fingerprint:
    """Of a run: its rows, with COLUMNS, and its machine.json if it has one.

    From `host` of machine.json where that has prices; else from the rows of the pass probe.
    """
    known = {name: fact(machine, "machine", name, type=(str, int, list)) for name in _IDENTITY}
    identity = {name: str(value) for name, value in known.items() if value is not None}
    prices: dict[str, Price] = {}
    for name in PRICES:
        described = [
            fact(moment, "prices", name, type=dict)
            for moment in fact(machine, "host", "moments", type=list) or []
        ]
        _add(prices, name, [(_ns(of, "median_ns"), _ns(of, "min_ns")) for of in described])
    if prices:
        return Fingerprint(prices, fact(machine, "host", "state") or "", identity)
    return Fingerprint(_from_probes(runs), identity=identity)


def distance(base: Fingerprint, new: Fingerprint) -> Distance:
    """How far `new` is from `base`, by the prices that both have.

    Another state: typical prices are further apart than APART_RATIO, and than either run saw
    between its own moments. Another machine: the hardware says that it is another; or of the best
    prices one is cheaper and another dearer by as much, since whatever is in a machine's way, such
    as a busy neighbour or a lower clock, makes none cheaper. So a machine that is faster in
    everything than another of its name is told as another state.
    """
    common = [name for name in PRICES if name in base.prices and name in new.prices]
    ratios = {n: new.prices[n].typical / base.prices[n].typical for n in common}
    bests = {n: new.prices[n].best / base.prices[n].best for n in common}
    hardware = base.identity.keys() & new.identity.keys()
    other = sorted(name for name in hardware if base.identity[name] != new.identity[name])
    if other:
        return Distance(MACHINE, ratios, bests, tuple(other))
    if not common:
        return Distance(NOT_KNOWN, {}, {}, ())
    moved = [
        name
        for name in common
        if _apart(ratios[name]) > max(APART_RATIO, base.prices[name].drift, new.prices[name].drift)
    ]
    beyond = [name for name in common if _apart(bests[name]) > APART_RATIO]
    if len({bests[name] > 1.0 for name in beyond}) > 1:
        return Distance(MACHINE, ratios, bests, _furthest(beyond, bests))
    return Distance(STATE if moved else SAME, ratios, bests, _furthest(moved, ratios))


def _apart(ratio: float) -> float:
    return max(ratio, 1.0 / ratio)


def _furthest(names: list[str], ratios: dict[str, float]) -> tuple[str, ...]:
    """The names, those first that are furthest from 1."""
    return tuple(sorted(names, key=lambda name: -_apart(ratios[name])))


def _ns(price: Optional[dict], key: str) -> float:
    """0 if it is not known."""
    return fact(price, key, type=(int, float)) or 0.0


def _add(prices: dict[str, Price], name: str, moments: list[tuple[float, float]]) -> None:
    """Adds the price of which these are the medians and the smallest values, if there are any."""
    good = [(m, b) for m, b in moments if math.isfinite(m) and 0.0 < b <= m]
    if good:
        medians = [median for median, _ in good]
        prices[name] = Price(
            float(np.median(medians)), min(best for _, best in good), max(medians) / min(medians)
        )


def _from_probes(runs: pd.DataFrame) -> dict[str, Price]:
    """Of rows of the pass probe."""
    prices: dict[str, Price] = {}
    if not COLUMNS.issubset(runs.columns):
        return prices
    is_probe = (runs["pass"] == PROBE) & (runs["status"] == OK)
    rows = runs[["strategy", "row_bytes", *COLUMNS]][is_probe]
    for probe in _PROBES:
        of = rows[rows["strategy"] == probe.probe]
        if of.empty:
            continue
        sizes = of["row_bytes"]
        size = {
            "smallest": sizes.min(),
            "largest": sizes.max(),
            "page": sizes.iloc[int((sizes - _PAGE_BYTES).abs().to_numpy().argmin())],
        }[probe.pick]
        of = of[sizes == size]
        _add(prices, probe.name, list(zip(of["probe_ns"], of["probe_min_ns"])))
    return prices
