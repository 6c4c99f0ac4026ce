"""What machine.json and the rows say of a run, in short; and how to make it again.

Everything may be missing: a fact that is not known is not shown.
"""

import shlex
from typing import NamedTuple, Optional, Sequence

from growbench.analysis.host import fingerprint
from growbench.comparison.run import Run
from growbench.data.description import fact
from growbench.data.rounds import rounds_of_all
from growbench.data.statuses import SKIPPED_ROUNDS
from growbench.data.units import show

Facts = list[tuple[str, str]]


def text(machine: Optional[dict], *path: str) -> str:
    """What stands there as text; "" unless it is text or a number."""
    found = fact(machine, *path, type=(str, int, float))
    return "" if found is None else str(found)


def _size(machine: Optional[dict], *path: str) -> str:
    found = fact(machine, *path, type=(int, float))
    return "" if found is None else show(float(found), "bytes")


def _caches(machine: Optional[dict]) -> str:
    caches = fact(machine, "machine", "caches", type=list) or []
    told = [
        f"L{text(cache, 'level')}{' instructions' if cache.get('type') == 'instruction' else ''} "
        f"{_size(cache, 'bytes')}"
        for cache in caches
        if isinstance(cache, dict) and text(cache, "level") and _size(cache, "bytes")
    ]
    return ", ".join(told)


def _joined(*parts: str) -> str:
    return ", ".join(part for part in parts if part)


def _suffixed(value: str, suffix: str) -> str:
    return f"{value} {suffix}" if value else ""


def _virtual(machine: Optional[dict]) -> str:
    if text(machine, "machine", "emulator"):
        return "an emulator, whose times mean nothing"
    virtual = fact(machine, "machine", "virtual_machine", type=bool)
    return "virtual machine" if virtual else ""


def _worker_cpu(machine: Optional[dict]) -> str:
    kind = text(machine, "machine", "worker_cpu_kind")
    node = text(machine, "machine", "worker_cpu_numa_node")
    siblings = text(machine, "machine", "worker_cpu_siblings")
    return _joined(
        _suffixed_front("CPU", text(machine, "machine", "worker_cpu")),
        _suffixed_front("of a core with CPUs", siblings),
        _suffixed(kind, "core"),
        _suffixed_front("NUMA node", node),
        text(machine, "system", "isa_level"),
        _suffixed_front("under", text(machine, "machine", "hypervisor_signature")),
    )


def commit(machine: Optional[dict]) -> str:
    """The commit of growbench that made the run."""
    return text(machine, "build", "git_commit")


def version(machine: Optional[dict]) -> str:
    """The version of growbench that made the run."""
    return text(machine, "build", "growbench_version")


def started(run: Run) -> str:
    """When the run began, in UTC, as "2026-11-23 01:00:41 UTC"."""
    stamp = text(run.machine, "run", "started_utc")
    if not stamp:
        stamps = [value for value in run.runs["started_utc"] if value]
        stamp = min(stamps) if stamps else ""
    plain = len(stamp) == 20 and stamp.endswith("Z") and stamp[10] == "T"
    return f"{stamp[:10]} {stamp[11:19]} UTC" if plain else stamp


def run_id(run: Run) -> str:
    return str(run.runs["run_id"].iloc[0])


def machine_facts(run: Run) -> Facts:
    """What the machine and its system were."""
    machine = run.machine
    facts = [
        ("Machine", run.machine_id),
        (
            "Processor",
            _joined(
                text(machine, "machine", "cpu_model"),
                _suffixed(text(machine, "machine", "cpus"), "CPUs"),
                _virtual(machine),
            ),
        ),
        ("CPU of the workers", _worker_cpu(machine)),
        ("Caches", _caches(machine)),
        ("Memory", _size(machine, "machine", "memory_bytes")),
        (
            "System",
            _joined(
                text(machine, "system", "os"),
                f"kernel {text(machine, 'system', 'kernel')}".strip()
                if text(machine, "system", "kernel")
                else "",
                f"libc {text(machine, 'system', 'libc')}"
                if text(machine, "system", "libc")
                else "",
            ),
        ),
        ("Huge pages", text(machine, "system", "thp_enabled")),
        (
            "Compiler",
            _joined(text(machine, "build", "compiler"), text(machine, "build", "flags")),
        ),
    ]
    return [(label, value) for label, value in facts if value]


def run_facts(run: Run) -> Facts:
    """When and how it was measured."""
    machine, rows = run.machine, run.runs
    rounds, most = rounds_of_all(rows)
    more = f", up to {most} where intervals were wide" if most > rounds else ""
    if (rows["status"] == SKIPPED_ROUNDS).any():
        more = f" at least, as slow cells are left out of some, and {most} at most"
    state = text(machine, "run", "state")
    facts = [
        ("Run", run_id(run)),
        ("Measured", started(run)),
        ("Took", _duration(machine)),
        ("State", state if state != "complete" else ""),
        ("Preset", text(machine, "run", "preset")),
        ("Passes", ", ".join(sorted(set(rows["pass"])))),
        ("Host", fingerprint(rows, machine).text()),
        ("Workers", f"{len(rows):,}, in {rounds} round{'s' if rounds != 1 else ''}{more}"),
        ("Order", text(machine, "run", "order")),
        ("Seed", text(machine, "run", "seed")),
        ("growbench", _joined(version(machine), _suffixed_front("commit", commit(machine)))),
    ]
    return [(label, value) for label, value in facts if value]


def _suffixed_front(prefix: str, value: str) -> str:
    return f"{prefix} {value}" if value else ""


def _duration(machine: Optional[dict]) -> str:
    parts = [fact(machine, "run", name, type=(int, float)) for name in ("pilot_s", "rounds_s")]
    known = [float(part) for part in parts if part is not None]
    return f"{sum(known) / 60:.1f} minutes" if known else ""


class Command(NamedTuple):
    """A command, and what it does."""

    line: str
    does: str


def commands(run: Run) -> Sequence[Command]:
    """How to measure it again, and how to make the plots and the report from its files alone."""
    made = []
    arguments = fact(run.machine, "run", "arguments", type=list)
    seed = text(run.machine, "run", "seed")
    if arguments is not None and all(isinstance(word, str) for word in arguments):
        words = ["build/growbench", "run", *arguments]
        if seed and "--seed" not in arguments:
            words += ["--seed", seed]
        made.append(Command("make setup build", "installs what is missing, and builds"))
        made.append(
            Command(" ".join(map(shlex.quote, words)), "measures the same cells in the same order")
        )
    made.append(Command("make plots RUN=results/NAME", "draws the plots, from the CSV files alone"))
    made.append(Command("make report RUN=results/NAME", "makes this report, from the same files"))
    if {"trace", "probe"} <= set(run.runs["pass"]):
        made.append(Command("make why RUN=results/NAME", "tells where the time of each cell goes"))
    return made
