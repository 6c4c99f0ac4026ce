"""Do histories of times find what is there, and nothing else? Simulated runs of one host, of which
nothing, or one family, changed."""

from typing import NamedTuple, Optional

import numpy as np
import pandas as pd

from growbench.analysis.host import Fingerprint
from growbench.comparison.run import Run
from growbench.data.metrics import metric
from growbench.history.order import State
from growbench.history.reading import Taken, Times
from growbench.history.times import InTime, in_time
from growbench.promises.check import Check, at_least, below

METRIC = "cold_build_release"
# A cell's own part of what runs differ by, and a run's own of all cells.
_CELL, _RUN = 0.05, 0.04


class Setting(NamedTuple):
    """runs of `families` families of `sizes` cells each. spread: what runs of the same code differ
    by in a family, as a standard deviation; every tenth run by three times as much."""

    runs: int = 50
    families: int = 20
    sizes: int = 4
    spread: float = 0.02


def _simulated(
    random: np.random.Generator, setting: Setting, changed: Optional[int] = None, by: float = 0.0
) -> InTime:
    """What is found if the first family changes by the share `by` from the run `changed` on."""
    cells: list[tuple] = [
        ("c", f"strategy_{family}", "glibc", 10**size, 80, 1, "cheap")
        for family in range(setting.families)
        for size in range(1, setting.sizes + 1)
    ]
    wild = np.where(random.random((setting.runs, setting.families)) < 0.1, 3.0, 1.0)
    of_family = random.normal(0.0, setting.spread, wild.shape) * wild
    logs = np.repeat(of_family, setting.sizes, axis=1)
    logs += random.normal(0.0, _CELL, logs.shape)
    logs += random.normal(0.0, _RUN, (setting.runs, 1))
    if changed is not None:
        logs[changed:, : setting.sizes] += np.log1p(by)
    states = [State(str(n), "", [_run(n, cells, row)]) for n, row in enumerate(logs)]
    return in_time(states, [metric(METRIC)], {cell: n for n, cell in enumerate(cells)})


def _run(number: int, cells: list[tuple], logs: np.ndarray) -> Taken:
    times = Times(np.arange(len(cells)), 1e6 * np.exp(logs), "", np.full(len(cells), np.nan))
    rows = pd.DataFrame({"machine_id": ["simulated"]})
    run = Run(str(number), rows)
    return Taken(run, str(number), str(number), "", Fingerprint({}), "", cells, {}, {METRIC: times})


def unchanged(seed: int, repetitions: int = 40, setting: Setting = Setting()) -> list[Check]:
    """Histories in which nothing changed, and what testing each family and place by itself, without
    regard for how many there are, would say of them."""
    random = np.random.default_rng(seed)
    silent, nothing, silent_alone = [], [], []
    for _ in range(repetitions):
        found = _simulated(random, setting)
        silent.append(not found.found)
        nothing.append(not found.found and not found.smaller)
        values = found.hosts[0].values
        silent_alone.append(max(_largest_alone(values)) < 2.0)
    name = f"histories of {setting.runs} runs, nothing changed"
    none = f"{np.mean(nothing):.1%}"
    alone = "  control: each family and place tested by itself at 5%"
    return [
        at_least(
            name,
            0.90,
            float(np.mean(silent)),
            f"97% are to be expected; none below the threshold either: {none}",
        ),
        below(alone, 0.50, float(np.mean(silent_alone))),
    ]


def _largest_alone(values: np.ndarray) -> list[float]:
    """The largest t statistic over all places, of each family."""
    largest = []
    for series in values:
        ts = []
        for place in range(3, len(series) - 2):
            before, after = series[:place], series[place:]
            scale = np.sqrt(before.var(ddof=1) / len(before) + after.var(ddof=1) / len(after))
            ts.append(abs(after.mean() - before.mean()) / scale)
        largest.append(max(ts))
    return largest


def planted(seed: int, repetitions: int = 20, setting: Setting = Setting()) -> list[Check]:
    """One family becomes slower by 10%: half way, and ten runs before the end."""
    random = np.random.default_rng(seed)
    checks = []
    for place in (setting.runs // 2, setting.runs - 10):
        found, near = [], []
        for _ in range(repetitions):
            own = [one for one in _simulated(random, setting, place, 0.10).found if one.ratio > 1.0]
            mine = [one for one in own if one.family[1] == "strategy_0"]
            found.append(bool(mine))
            near += [any(one.earliest <= place <= one.latest for one in mine)] if mine else []
        name = f"  10% slower since run {place} of {setting.runs}"
        detail = f"the place within its interval in {np.mean(near):.0%}" if near else ""
        checks.append(at_least(name, 0.95, float(np.mean(found)), detail))
    return checks
