"""What distinguishes the machines, builds and settings of several runs, as far as it matters.

To add a fact, add a row to FACTS. The seed is none of them: it decides on the order, not on what
is measured.
"""

import re
from typing import Any, Callable, NamedTuple, Optional, Sequence, Union

import pandas as pd

from growbench.analysis.doubts import ABSOLUTE
from growbench.analysis.run_doubts import run_doubts
from growbench.comparison.run import Run
from growbench.data.description import chosen
from growbench.data.implementations import label
from growbench.data.rounds import rounds_of_all
from growbench.tables.table import Column, Table
from growbench.data.units import tick

Value = Union[str, float, None]


class Fact(NamedTuple):
    """Something that is told of a run.

    read: its value, None where nobody knows, or a dict of values for a fact of several parts, such
    as one for each allocator. why: what it changes, in a few words. apart: numbers differ if they
    are further apart than this; show: a number as text. Text differs if it is not the same.
    """

    label: str
    why: str
    read: Callable[[Run], Union[Value, dict]]
    show: Callable[[float], str] = "{:g}".format
    apart: float = 0.0


def _at(*path: str) -> Callable[[Run], Value]:
    """What machine.json has at this place."""

    def read(run: Run) -> Value:
        return _text(_find(run, path))

    return read


def _find(run: Run, path: Sequence[str]) -> Any:
    place: Any = run.machine
    for name in path:
        place = place.get(name) if isinstance(place, dict) else None
    return place


def _text(value: Any) -> Value:
    """Anything that JSON can hold as text; nothing is None."""
    if value is None:
        return None
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return " ".join(str(_text(item)) for item in value) or "none"
    if isinstance(value, dict):
        return ", ".join(f"{key} {_text(item)}" for key, item in sorted(value.items())) or "none"
    return str(value)


def _parts(*path: str) -> Callable[[Run], dict]:
    """A dict of machine.json, each of its members by itself."""

    def read(run: Run) -> dict:
        place = _find(run, path)
        if not isinstance(place, dict):
            return {}
        return {str(key): _chosen_of(_text(value)) for key, value in place.items()}

    return read


def _chosen(*path: str) -> Callable[[Run], Value]:
    """The setting in brackets, of a file that lists all there are: "always [madvise] never"."""
    return lambda run: _chosen_of(_text(_find(run, path)))


def _chosen_of(text: Value) -> Value:
    return chosen(text) if isinstance(text, str) else text


def _bytes(*path: str) -> Callable[[Run], Value]:
    def read(run: Run) -> Value:
        value = _find(run, path)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            return tick(float(value), "bytes")
        return _text(value)

    return read


def _caches(run: Run) -> dict:
    """Size, and how many CPUs share it, of each cache."""
    caches = _find(run, ("machine", "caches"))
    found: dict = {}
    for cache in caches if isinstance(caches, list) else []:
        if isinstance(cache, dict) and isinstance(cache.get("bytes"), int):
            name = f"L{cache.get('level')} {cache.get('type')}"
            shared = cache.get("shared_by_cpus")
            found[name] = f"{tick(float(cache['bytes']), 'bytes')} ({shared} CPU)"
    return found


def _memory(run: Run) -> Value:
    value = _find(run, ("machine", "memory_bytes"))
    return float(value) if isinstance(value, int) and not isinstance(value, bool) else None


# A limit of version 1 that says "none": the largest multiple of a page.
_NO_LIMIT = 2**60


def _memory_limit(run: Run) -> Value:
    value = _text(_find(run, ("system", "cgroup_memory_max")))
    if value is None:
        value = _text(_find(run, ("system", "cgroup_memory_limit_v1")))
    if isinstance(value, str) and value.isdecimal():
        return "max" if int(value) >= _NO_LIMIT else tick(float(value), "bytes")
    return value


def _cpu_limit(run: Run) -> Value:
    """As version 2 has it: quota and period in microseconds."""
    value = _text(_find(run, ("system", "cgroup_cpu_max")))
    if isinstance(value, str):
        return "max" if value.startswith("max") else value
    value = _text(_find(run, ("system", "cgroup_cpu_quota_v1")))
    return "max" if value == "-1" else value


def _arguments(run: Run) -> Value:
    """Without the seed."""
    words = _find(run, ("run", "arguments"))
    if not isinstance(words, list):
        return None
    kept = []
    skip = False
    for word in map(str, words):
        if skip or word.startswith("--seed="):
            skip = False
        elif word == "--seed":
            skip = True
        else:
            kept.append(word)
    return " ".join(kept) or "none"


def _load(run: Run) -> Value:
    """Processes that wanted to run, over the last minute, for each CPU."""
    load = _number(_find(run, ("state_at_start", "load")), r"\s*([0-9.]+)")
    cpus = _find(run, ("machine", "cpus"))
    return load / cpus if load is not None and isinstance(cpus, int) and cpus > 0 else None


def _pressure(kind: str) -> Callable[[Run], Value]:
    """The share of the last 10 seconds in which something waited, in percent."""
    return lambda run: _number(
        _find(run, ("state_at_start", f"pressure_{kind}")), r"some avg10=([0-9.]+)"
    )


def _number(text: Any, pattern: str) -> Optional[float]:
    match = re.match(pattern, text) if isinstance(text, str) else None
    try:
        return float(match.group(1)) if match else None
    except ValueError:
        return None


def _told_by(key: str, column: str, shown: Callable[[str], str] = str) -> Callable[[Run], dict]:
    """What runs.csv tells in that column of each allocator or implementation."""

    def read(run: Run) -> dict:
        if column not in run.runs:
            return {}
        told = run.runs[[key, column]].drop_duplicates()
        told = told[told[column] != ""]
        return {
            shown(str(name)): " and ".join(sorted(map(str, values)))
            for name, values in told.groupby(key)[column]
        }

    return read


def _told_of_allocators(key: str) -> Callable[[Run], dict]:
    """What machine.json says of each allocator's label."""

    def read(run: Run) -> dict:
        allocators = _find(run, ("allocators",))
        return {
            str(row.get("name")): _text(row.get(key))
            for row in (allocators if isinstance(allocators, list) else [])
            if isinstance(row, dict)
        }

    return read


def _of_rows(column: str) -> Callable[[Run], Value]:
    """The largest value in runs.csv."""

    def read(run: Run) -> Value:
        return _text(int(run.runs[column].max())) if column in run.runs and len(run.runs) else None

    return read


def _rounds(run: Run) -> Value:
    """As "9", or "9 to 15" where some cells have more."""
    least, most = rounds_of_all(run.runs)
    return None if not most else str(least) if least == most else f"{least} to {most}"


def _doubts(run: Run) -> Value:
    """Names of the doubts of its absolute times; how few rounds it has is a fact of its own."""
    raised = [one.doubt for one in run_doubts(run.runs, run.machine)]
    names = [doubt.name for doubt in raised if ABSOLUTE in doubt.conclusions]
    return ", ".join(names) or "none"


_CODE = "other machine code"
_CLOCK = "how fast it runs, and how steadily"
_PAGES = "what a touched page costs, and how large it is"
_LIMITS = "when memory or CPU is refused"
_SAME_NAME = "another allocator in the same name"

FACTS = (
    Fact("machine", "another machine altogether", lambda run: run.machine_id),
    Fact("CPU model", _CLOCK, _at("machine", "cpu_model")),
    Fact("CPU vendor", _CLOCK, _at("machine", "cpu_vendor")),
    Fact("CPU family", _CLOCK, _at("machine", "cpu_family")),
    Fact("CPU model number", _CLOCK, _at("machine", "cpu_model_number")),
    Fact("CPU stepping", _CLOCK, _at("machine", "cpu_stepping")),
    Fact("microcode", "mitigations in the CPU itself", _at("machine", "cpu_microcode")),
    Fact("highest frequency, kHz", _CLOCK, _at("machine", "cpu_max_khz")),
    Fact("architecture", _CODE, _at("machine", "architecture")),
    Fact("packages", "distance to memory", _at("machine", "packages")),
    Fact("cores", "what disturbs the worker", _at("machine", "cores")),
    Fact("CPUs", "what disturbs the worker", _at("machine", "cpus")),
    Fact("CPUs allowed", "what disturbs the worker", _at("machine", "allowed_cpus")),
    Fact("NUMA nodes", "distance to memory", _at("machine", "numa_nodes")),
    Fact("cache", "from which size on copying costs more", _caches),
    Fact("memory", _LIMITS, _memory, lambda value: tick(value, "bytes"), 2.0**28),
    Fact(
        "virtual machine",
        "page faults cost more, time is stolen",
        _at("machine", "virtual_machine"),
    ),
    Fact("emulator", "times mean nothing", _at("machine", "emulator")),
    Fact("hypervisor", "what a page fault costs", _at("machine", "hypervisor")),
    Fact("hypervisor by CPUID", "what a page fault costs", _at("machine", "hypervisor_signature")),
    Fact("CPUs of the worker's core", _CLOCK, _at("machine", "worker_cpu_siblings")),
    Fact("kind of the worker's core", _CLOCK, _at("machine", "worker_cpu_kind")),
    Fact("capacity of the worker's core", _CLOCK, _at("machine", "worker_cpu_capacity")),
    Fact("NUMA node of the worker", "distance to memory", _at("machine", "worker_cpu_numa_node")),
    Fact("vendor", "another machine", _at("machine", "vendor")),
    Fact("product", "another machine", _at("machine", "product")),
    Fact("operating system", "libraries of other versions", _at("system", "os")),
    Fact("kernel", "what page faults and mappings cost", _at("system", "kernel")),
    Fact("kernel build", "what page faults and mappings cost", _at("system", "kernel_version")),
    Fact("kernel parameters", "mitigations, isolation, pages", _at("system", "kernel_parameters")),
    Fact("libc", "glibc's malloc, memcpy", _at("system", "libc")),
    Fact("level of the architecture", "which memcpy is taken", _at("system", "isa_level")),
    Fact("glibc tunable", "glibc's malloc, memcpy", _parts("system", "glibc_tunables")),
    Fact("memory policy", "distance to memory", _at("system", "memory_policy")),
    Fact("page size", _PAGES, _bytes("system", "page_bytes")),
    Fact("transparent huge pages", _PAGES, _chosen("system", "thp_enabled")),
    Fact("THP defragmentation", _PAGES, _chosen("system", "thp_defrag")),
    Fact("THP of shared memory", _PAGES, _chosen("system", "thp_shmem_enabled")),
    Fact("THP of size", _PAGES, _parts("system", "thp_sizes")),
    Fact("reserved huge pages", _PAGES, _parts("system", "hugetlb_pages")),
    Fact("governor", _CLOCK, _at("system", "governor")),
    Fact("frequency driver", _CLOCK, _at("system", "frequency_driver")),
    Fact("turbo off (Intel)", _CLOCK, _at("system", "turbo_off_intel")),
    Fact("turbo on", _CLOCK, _at("system", "turbo_on")),
    Fact("SMT", "a neighbour shares the core's caches", _at("system", "smt_active")),
    Fact("isolated CPUs", "what disturbs the worker", _at("system", "isolated_cpus")),
    Fact("mitigation of", "what entering the kernel costs", _parts("system", "mitigations")),
    Fact("ASLR", "where blocks lie, so whether they can grow", _at("system", "aslr")),
    Fact("overcommit", _LIMITS, _at("system", "overcommit_memory")),
    Fact("overcommit ratio", _LIMITS, _at("system", "overcommit_ratio")),
    Fact("mappings allowed", _LIMITS, _at("system", "max_map_count")),
    Fact("address space limit", _LIMITS, _bytes("system", "limit_address_space_bytes")),
    Fact("memory limit (cgroup)", _LIMITS, _memory_limit),
    Fact("CPU limit (cgroup)", _LIMITS, _cpu_limit),
    Fact("CPU burst (cgroup), us", _LIMITS, _at("system", "cgroup_cpu_burst_us")),
    Fact("swap", "large arrays may be paged out", _at("system", "swap_total")),
    Fact("swappiness", "large arrays may be paged out", _at("system", "swappiness")),
    Fact("NUMA balancing", "pages move, faults are added", _at("system", "numa_balancing")),
    Fact("clock source", "what reading the clock costs", _at("system", "clock_source")),
    Fact("growbench", "strategies or measurement changed", _at("build", "growbench_version")),
    Fact("git commit", "strategies or measurement changed", _at("build", "git_commit")),
    Fact("compiler", _CODE, _at("build", "compiler")),
    Fact("build type", _CODE, _at("build", "build_type")),
    Fact("compiler flags", _CODE, _at("build", "flags")),
    Fact("benchmark library", "the loop of warm times", _at("build", "benchmark_library")),
    Fact("its version", "the loop of warm times", _at("build", "benchmark_library_version")),
    Fact("version of", _SAME_NAME, _told_by("allocator", "allocator_version")),
    Fact("build-id of", _SAME_NAME, _told_by("allocator", "allocator_build_id")),
    Fact(
        "implementation",
        "another interpreter or library",
        _told_by("implementation", "implementation_version", label),
    ),
    Fact("environment of", "changes what an allocator does", _told_of_allocators("environment")),
    Fact("worker of", "strategies or measurement changed", _told_of_allocators("worker")),
    Fact("worker's build-id of", "other machine code", _told_of_allocators("worker_build_id")),
    Fact("allocator variables", "change what allocators do", _at("run", "allocator_environment")),
    Fact("schema version", "what the columns mean", _of_rows("schema_version")),
    Fact("state", "an interrupted run lacks rounds", _at("run", "state")),
    Fact("preset", "other cells and rounds", _at("run", "preset")),
    Fact("arguments", "other cells and rounds", _arguments),
    Fact("work", "making the rows costs too", _at("run", "work")),
    Fact("rounds", "how wide intervals are", _rounds),
    Fact("passes", "what is known of a cell", _at("run", "passes")),
    Fact("time budget, s", "which slow cells were skipped", _at("run", "budget_s")),
    Fact("time limit, s", "which slow cells were stopped", _at("run", "timeout_s")),
    Fact("order", "what disturbs whom", _at("run", "order")),
    Fact("CPUs of workers", "what else runs there", _at("run", "worker_cpus")),
    Fact(
        "runner on a CPU of its own",
        "what disturbs the worker",
        _at("run", "runner_has_its_own_cpu"),
    ),
    Fact("doubts of the run", "its absolute times are not to be relied on", _doubts),
    Fact("load per CPU at start", "something else was running", _load, "{:.2f}".format, 0.25),
    Fact("CPU pressure at start, %", "something else ran", _pressure("cpu"), "{:.1f}".format, 10.0),
    Fact("memory pressure, %", "memory was short", _pressure("memory"), "{:.1f}".format, 1.0),
    Fact("I/O pressure, %", "something else ran", _pressure("io"), "{:.1f}".format, 10.0),
)


# Those of them without which the same code gives the same counts.
_OF_COUNTS = (
    "architecture",
    "growbench",
    "git commit",
    "compiler",
    "build type",
    "compiler flags",
    "version of",
    "build-id of",
    "worker's build-id of",
    "implementation",
    "libc",
    "environment of",
    "allocator variables",
    "page size",
    "transparent huge pages",
)
_LONGEST_VALUE, _MOST = 40, 4


def other_builds(base: Run, new: Run) -> list[str]:
    """A sentence that names what may be a reason for other counts; none if nothing is known to be
    another. What only one of the runs knows is left out."""
    facts = [fact for fact in FACTS if fact.label in _OF_COUNTS]
    found = machine_differences([base, new], facts).frame.dropna()
    # An id of each allocator's worker is one worker's.
    found = found.drop_duplicates(["run_1", "run_2"])
    told = [
        f"{row['what']} ({_short(row['run_1'])}, then {_short(row['run_2'])})"
        for row in found.to_dict("records")
    ]
    if not told:
        return []
    more = f" and {len(told) - _MOST} more (--table differences)" if len(told) > _MOST else ""
    return [f"not measured alike: {', '.join(told[:_MOST])}{more}"]


def _short(text: str) -> str:
    """Of a long text or of an id the beginning."""
    if re.fullmatch("[0-9a-f]{16,}", text):
        return text[:8]
    return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 2]}.."


def machine_differences(runs: Sequence[Run], facts: Sequence[Fact] = FACTS) -> Table:
    """What differs between the runs: a row for each fact, with its value in each of them.

    Columns of the frame: what, why, and run_1, run_2, ... in the order of the runs; a value that
    is not known is None. A run without machine.json is told of in a note, and is no difference.
    """
    columns = [f"run_{number}" for number, _ in enumerate(runs, start=1)]
    rows = []
    for fact in facts:
        for what, values in _values(fact, runs).items():
            if _differ(values, runs, fact):
                row: dict[str, Optional[str]] = {"what": what, "why": fact.why}
                row.update((name, _shown(value, fact)) for name, value in zip(columns, values))
                rows.append(row)
    frame = pd.DataFrame(rows, columns=["what", *columns, "why"], dtype=object)
    shown = [
        Column("what", "What"),
        *(Column(name, run.label) for name, run in zip(columns, runs)),
        Column("why", "What it changes"),
    ]
    notes = [
        f"{run.label}: no machine.json, so only what runs.csv tells is compared."
        for run in runs
        if run.machine is None
    ]
    if frame.empty:
        notes.append(f"None of {len(facts)} facts differs, as far as they are known.")
    return Table("differences", "What differs between the runs", shown, frame, notes)


def _values(fact: Fact, runs: Sequence[Run]) -> dict[str, list[Value]]:
    """For each part of the fact its values, one for each run."""
    read = [fact.read(run) for run in runs]
    if not any(isinstance(value, dict) for value in read):
        return {fact.label: read}  # type: ignore[dict-item]
    parts = [value if isinstance(value, dict) else {} for value in read]
    names = dict.fromkeys(name for part in parts for name in part)
    return {f"{fact.label} {name}": [part.get(name) for part in parts] for name in names}


def _differ(values: Sequence[Value], runs: Sequence[Run], fact: Fact) -> bool:
    """A fact that one run knows and another does not is a difference, unless that other one knows
    nothing at all; numbers have to be known to be far apart."""
    told = [value for value, run in zip(values, runs) if run.machine or value is not None]
    numbers = [value for value in told if isinstance(value, float)]
    if numbers:
        return max(numbers) - min(numbers) > fact.apart
    return len(set(told)) > 1


def _shown(value: Value, fact: Fact) -> Optional[str]:
    return fact.show(value) if isinstance(value, float) else value
