"""Record real programs: what that costs, how large the profiles are, and are they true?"""

import json
import re
import shutil
import subprocess
import tempfile
import time
import zlib
from pathlib import Path
from typing import NamedTuple, Optional, Sequence

from growbench.data.errors import UsageError
from growbench.command_line import packages

with packages.imports():
    import numpy as np
    import pandas as pd

    from growbench.command_line import entry
    from growbench.develop.bench_replay import PROGRAMS, Program, environment, missing
    from growbench.statistics.paired import paired_ratio
    from growbench.tables.formats import as_terminal
    from growbench.tables.table import Column, Table

EXAMPLES = """\
  growbench bench-record build
  growbench bench-record build --only sqlite3,jq --pairs 21
  growbench bench-record build --no-tools --keep /tmp/profiles

The programs and their work are those of bench-replay. Each runs alternately with the recorder and
without, and its profile is held against what memusage (package libc-devtools) and Valgrind's dhat
and massif count of the same command. Exit status: 0 the goals are met, and calls, bytes and peaks
are the same, 1 one is not, 2 wrong usage.
"""
MOST_SLOWER, MOST_EVENT_BYTES = 2.0, 16.0
WITHIN = 0.002
# How a profile lies in its file: harness/profile/format.h.
_CHUNK = 8
_HEADER = 64


class Workload(NamedTuple):
    """A program with its input, in a folder of its own."""

    program: Program
    folder: Path

    @property
    def command(self) -> list[str]:
        return [self.program.needs, *self.program.words]


class Counts(NamedTuple):
    """What one tool says of the largest process of a program; None: it does not tell.

    calls: malloc, calloc, aligned and realloc, as far as they returned memory; bytes: requested, of
    a realloc what it added; whole_bytes: with each realloc as a new block; peak: requested at once.
    """

    tool: str
    calls: Optional[int]
    bytes: Optional[int]
    whole_bytes: Optional[int]
    peak: Optional[int]


def main(arguments: Sequence[str]) -> int:
    parser = entry.parser(__name__, __doc__, EXAMPLES)
    parser.add_argument("build", metavar="BUILD", type=Path, help="a build folder")
    parser.add_argument("--only", metavar="LIST", default="", help="of the programs, these")
    parser.add_argument("--pairs", type=int, default=11, help="of each (default: %(default)s)")
    parser.add_argument("--no-tools", action="store_true", help="without the other tools")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep profiles and inputs there")
    options = parser.parse_args(arguments)
    names = [name for name in options.only.split(",") if name]
    entry.check_names("program", names, [program.name for program in PROGRAMS])
    runner = (options.build / "growbench").resolve()
    if not runner.is_file():
        raise UsageError(f"{runner} is not there; build it first: make build")
    if options.pairs < 1:
        parser.error(f"--pairs {options.pairs}: give 1 or more")
    met = True
    with tempfile.TemporaryDirectory() as temporary:
        folder = (options.keep or Path(temporary)).resolve()
        costs, counts = [], []
        for program in PROGRAMS:
            if names and program.name not in names:
                continue
            why = missing(program)
            if why:
                entry.tell(f"{program.name}: left out: {why}")
                continue
            workload = Workload(program, folder / program.name)
            workload.folder.mkdir(parents=True, exist_ok=True)
            program.prepare(workload.folder)
            entry.note(f"{program.name} ...")
            costs.append(cost_of(program.name, runner, workload, options.pairs))
            profile = told(runner, workload)
            others = [] if options.no_tools else tools(workload)
            met &= all(agrees(profile, other) for other in others)
            counts += [(program.name, one) for one in (profile, *others)]
    if not costs:
        raise UsageError("none of the programs is installed")
    print(as_terminal(cost_table(costs)))
    print(as_terminal(count_table(counts)))
    return 0 if goals(costs, met, not options.no_tools) else 1


def profile_of(workload: Workload) -> Path:
    return workload.folder.with_suffix(".profile")


def run(command: Sequence[str], workload: Workload) -> int:
    """Runs it, and returns how long that took, in ns."""
    start = time.monotonic_ns()
    done = subprocess.run(
        command,
        cwd=workload.folder,
        env=environment(None),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        check=False,
    )
    if done.returncode != 0:
        raise UsageError(
            f"{' '.join(command)} ended in {done.returncode}: {done.stderr.decode()[-500:]}"
        )
    return time.monotonic_ns() - start


# ---- what it costs ----


def cost_of(name: str, runner: Path, workload: Workload, pairs: int) -> dict:
    """Pairs of runs with and without, in turns; then the size of the last profile."""
    recording = [str(runner), "record", "--quiet", "--overwrite"]
    recording += [f"--out={profile_of(workload)}", "--"]
    sides = {False: workload.command, True: [*recording, *workload.command]}
    for command in sides.values():
        run(command, workload)
    times: dict[bool, list[int]] = {False: [], True: []}
    for pair in range(pairs):
        for recorded in (True, False) if pair % 2 else (False, True):
            times[recorded].append(run(sides[recorded], workload))
    ratio = paired_ratio(np.log(times[True]) - np.log(times[False]))
    data = profile_of(workload).read_bytes()
    events = json_of(runner, workload)["event_count"]
    return {
        "program": name,
        "plain_ns": float(np.median(times[False])),
        "recorded_ns": float(np.median(times[True])),
        "ratio": ratio.ratio,
        "ratio_low": ratio.low,
        "ratio_high": ratio.high,
        "events": events,
        "event_ns": float(np.median(np.subtract(times[True], times[False]))) / max(events, 1),
        "raw": unpacked_bytes(data) / max(events, 1),
        "packed": len(data) / max(events, 1),
    }


def unpacked_bytes(data: bytes) -> int:
    """Of all chunks of a profile: harness/profile/README.md."""
    end = int.from_bytes(data[32:40], "little")
    at, total = _HEADER, 0
    while at < end:
        unpacker = zlib.decompressobj()
        total += len(unpacker.decompress(data[at + _CHUNK : end]))
        at = end - len(unpacker.unused_data)
    return total


def cost_table(costs: Sequence[dict]) -> Table:
    columns = (
        Column("program", "Program"),
        Column("plain_ns", "Plain", "ns"),
        Column("recorded_ns", "Recorded", "ns"),
        Column("ratio", "Slower", "factor"),
        Column("ratio_low", "95%", "interval:factor", "ratio_high"),
        Column("events", "Events", "count"),
        Column("event_ns", "An event", "ns"),
        Column("raw", "Bytes each", "factor"),
        Column("packed", "In the file", "factor"),
    )
    return Table("costs", "What recording costs", columns, pd.DataFrame(costs))


# ---- what was counted ----


def json_of(runner: Path, workload: Workload) -> dict:
    command = [str(runner), "profile", str(profile_of(workload)), "--format", "json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    told: dict = json.loads(done.stdout)
    return told


def told(runner: Path, workload: Workload) -> Counts:
    """What the profile says of its main process."""
    content = json_of(runner, workload)
    process = content["processes"][content["process"]]
    kinds = process["kinds"]
    calls = sum(count for kind, count in kinds.items() if kind != "free")
    requested = process["requested_bytes"]
    kept = content["enlarged"]["bytes"] + content["not_enlarged"]["bytes"]
    return Counts("growbench", calls, requested, requested + kept, process["most_bytes"])


def tools(workload: Workload) -> list[Counts]:
    """Of those that are installed."""
    found = []
    if shutil.which("memusage"):
        found.append(memusage(workload))
    if shutil.which("valgrind"):
        found += [dhat(workload), massif(workload)]
    return found


def said(command: Sequence[str], workload: Workload) -> str:
    """What it writes to standard error."""
    done = subprocess.run(
        [*command, *workload.command],
        cwd=workload.folder,
        env=environment(None),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        check=False,
    )
    return re.sub(r"\033\[[\d;]*m", "", done.stderr.decode(errors="replace"))


def number(text: str) -> int:
    return int(text.replace(",", ""))


def memusage(workload: Workload) -> Counts:
    """Calls that failed are counted there as well, and aligned blocks are not."""
    found = []
    for text in said(["memusage"], workload).split("Memory usage summary:")[1:]:
        calls = re.findall(r"^ *(?:malloc|realloc|calloc)\| +(\d+)", text, re.M)
        total = re.search(r"heap total: (\d+), heap peak: (\d+)", text)
        if total is not None:
            requested, peak = map(int, total.groups())
            found.append(Counts("memusage", sum(map(int, calls)), requested, None, peak))
    return largest("memusage", found)


def largest(tool: str, found: Sequence[Counts]) -> Counts:
    """Of the processes that a tool tells of, as the profile's is that with most events."""
    none = Counts(tool, None, None, None, None)
    return max(found, key=lambda one: one.calls or one.peak or 0, default=none)


VALGRIND = ("valgrind", "--trace-children=yes", "--run-libc-freeres=no")


def dhat(workload: Workload) -> Counts:
    text = said([*VALGRIND, "--tool=dhat", "--dhat-out-file=/dev/null"], workload)
    totals = re.findall(r"Total: +([\d,]+) bytes in ([\d,]+) blocks", text)
    peaks = re.findall(r"At t-gmax: +([\d,]+) bytes", text)
    found = [
        Counts("dhat", number(total[1]), None, number(total[0]), number(peak))
        for total, peak in zip(totals, peaks)
    ]
    return largest("dhat", found)


def massif(workload: Workload) -> Counts:
    options = ["--tool=massif", "--heap-admin=0", "--peak-inaccuracy=0.0"]
    said([*VALGRIND, *options, f"--massif-out-file={workload.folder}/massif.%p"], workload)
    found = []
    for file in workload.folder.glob("massif.*"):
        text = file.read_text(encoding="utf-8", errors="replace")
        peaks = [int(value) for value in re.findall(r"^mem_heap_B=(\d+)", text, re.M)]
        found.append(Counts("massif", None, None, None, max(peaks, default=None)))
        file.unlink()
    return largest("massif", found)


def agrees(ours: Counts, other: Counts) -> bool:
    """Is each figure that both have nearly the same? Programs that hash addresses, or look at their
    environment, differ from run to run; memusage does not see aligned blocks."""
    within = WITHIN * (10 if other.tool == "memusage" else 1)
    return all(
        abs(a - b) <= max(16, within * b)
        for a, b in zip(ours[1:], other[1:])
        if isinstance(a, int) and isinstance(b, int)
    )


def count_table(counts: Sequence[tuple[str, Counts]]) -> Table:
    columns = (
        Column("program", "Program"),
        Column("tool", "Counted by"),
        Column("calls", "Calls", "count"),
        Column("bytes", "Bytes", "count"),
        Column("whole_bytes", "With whole reallocs", "count"),
        Column("peak", "Peak", "count"),
    )
    rows = [{"program": name, **one._asdict()} for name, one in counts]
    frame = pd.DataFrame(rows, columns=[column.name for column in columns])
    numbers = ["calls", "bytes", "whole_bytes", "peak"]
    frame[numbers] = frame[numbers].astype(float)
    return Table("counts", "The same by other tools", columns, frame)


def goals(costs: Sequence[dict], same: bool, compared: bool) -> bool:
    slower = max(cost["ratio"] for cost in costs)
    raw = max(cost["raw"] for cost in costs)
    checks = [
        (f"slower by at most {MOST_SLOWER:.0f} times: {slower:.2f}", slower <= MOST_SLOWER),
        (f"at most {MOST_EVENT_BYTES:.0f} bytes an event: {raw:.2f}", raw <= MOST_EVENT_BYTES),
    ]
    if compared:
        checks.append(("calls, bytes and peaks as other tools count them", same))
    for text, met in checks:
        print(f"  {'met' if met else 'NOT MET':8} {text}")
    return all(met for _, met in checks)
