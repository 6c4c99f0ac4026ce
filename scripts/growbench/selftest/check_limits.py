"""What limits the precision on this machine, in figures, and what would fix it."""

import re
from typing import Callable, Mapping, Optional

import pandas as pd

from growbench.data.description import fact
from growbench.selftest.bench import Bench, Measured, waiting_share
from growbench.selftest.check import Check
from growbench.selftest.outcome import Finding, Limit, Outcome, PASSED
from growbench.selftest import check_aa as aa, check_clock as clock
from growbench.data.units import show

_STOP = "stop other programs, or keep a CPU for the workers (isolcpus=)"
Facts = Mapping[str, float]


def _processors(machine: dict, figures: Facts) -> Optional[Limit]:
    cpus = fact(machine, "machine", "cpus", type=int)
    if not cpus:
        return None
    load = (fact(machine, "state_at_start", "load") or "unknown").split()[0]
    return Limit("load at the start", f"{load} on {cpus} CPUs", _STOP)


def _waiting(machine: dict, figures: Facts) -> Optional[Limit]:
    share = waiting_share(machine)
    if share is None:
        return None
    return Limit("time in which processes waited for a CPU", f"{share:.0%}", _STOP)


def _stops(machine: dict, figures: Facts) -> Optional[Limit]:
    longest = show(figures["longest_stop_ns"], "ns")
    return Limit(
        "time that a process which only reads the clock did not run",
        f"{figures['lost_share']:.1%}, at most {longest} at once",
        _STOP,
    )


def _steal(machine: dict, figures: Facts) -> Optional[Limit]:
    if not fact(machine, "machine", "virtual_machine", type=bool):
        return None
    return Limit(
        "virtual machine: time that the host took from the workers' CPU",
        show(figures["steal_share"], "share") if figures["steal_share"] > 0 else "none seen",
        "measure on a machine of your own, or on a host that gives CPUs to you alone",
    )


def _page_fault(machine: dict, figures: Facts) -> Optional[Limit]:
    return Limit(
        "first touch of a page",
        show(figures["touch_page_ns"], "ns"),
        "huge pages make fewer of them: GLIBC_TUNABLES=glibc.malloc.hugetlb=1",
    )


def _peak(machine: dict, figures: Facts) -> Optional[Limit]:
    resolution = figures["peak_resolution_bytes"]
    return Limit(
        "resolution of peaks of memory",
        show(resolution, "bytes") if resolution >= 0 else "peaks cannot be read",
        "arrays of five times as much and more: the kernel counts pages in batches",
    )


def _clock(machine: dict, figures: Facts) -> Optional[Limit]:
    source = fact(machine, "system", "clock_source") or "unknown"
    step, reading = (show(figures[name], "ns") for name in ("step_ns", "reading_ns"))
    return Limit("clock", f"{source}: steps of {step}, {reading} for a reading", "")


LIMITS: tuple[Callable[[dict, Facts], Optional[Limit]], ...] = (
    _processors,
    _waiting,
    _stops,
    _steal,
    _page_fault,
    _peak,
    _clock,
)


def warnings(text: str) -> list[Limit]:
    """What `growbench doctor` warns of, and what it cannot look at here."""
    absent = re.findall(r"^  (.+?) +not here: (.*)$", text, re.M)
    noisy = text.partition("\nWhat will make figures noisy:\n")[2]
    found = [line.strip() for line in noisy.splitlines() if "nothing that could" not in line]
    return [
        *(Limit(line, "") for line in found if line),
        *(Limit(f"not to be seen here: {what}", why) for what, why in absent),
    ]


def measured_run(bench: Bench) -> Measured:
    """That of the A/A check, which lasts long enough to tell something; else a short one."""
    if aa.RUN in bench.runs:
        return bench.runs[aa.RUN]
    words = "--implementations c --strategies realloc_doubling --rows 100 --passes measure"
    return bench.run("limits", *words.split(), "--allocators", "glibc", "--rounds", "10")


def figures_of(rows: pd.DataFrame) -> dict[str, float]:
    return {
        "steal_share": float(rows["steal_ns"].sum() / rows["worker_ns"].sum()),
        "touch_page_ns": float(rows["touch_page_ns"].median()),
        "peak_resolution_bytes": float(rows["peak_resolution_bytes"].fillna(-1).min()),
    }


def run(bench: Bench) -> Outcome:
    measured = measured_run(bench)
    figures = {**clock.measure(bench), **figures_of(measured.rows)}
    doctor = bench.ask(bench.runner, "doctor", "--allocators", "glibc").stdout
    found = [one for one in (limit(measured.machine, figures) for limit in LIMITS) if one]
    limits = [*found, *warnings(doctor)]
    expected = "what limits the precision is known"
    return Outcome([Finding(expected, f"{len(limits)} things, below", PASSED)], figures, limits)


CHECK = Check("limits", "what limits the precision here", run)
