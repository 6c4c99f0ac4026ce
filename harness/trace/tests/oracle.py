#!/usr/bin/env python3
"""The interposer's counts and peaks, next to those of tools that we did not write.

usage: oracle.py BUILD_FOLDER

Each strategy is built once with the interposer preloaded, and once under each tool:

- valgrind's memcheck counts allocations and frees (a realloc is one of each),
- valgrind's dhat knows the most bytes that were live at once, between calls,
- strace lists the system calls, those of the C library's malloc and the strategy's own.

From valgrind's figures those of a run that builds nothing are taken off: what the program itself
needs. Prints a table. Ends with 0 if all agree, 1 if not, 77 if neither tool is there.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Dict, Iterator, List, NamedTuple, Optional

ROWS = 1000
ROW_BYTES = 80
NOTHING = "none"
SKIPPED = 77
# The system calls that the interposer counts.
CALLS = ("mmap", "munmap", "mremap", "brk", "madvise", "mprotect")

REPOSITORY = Path(__file__).resolve().parents[3]


class Comparison(NamedTuple):
    """One figure of one strategy, twice."""

    strategy: str
    figure: str
    tool: str
    of_tool: int
    of_trace: int


class Programs:
    """What is run, and how."""

    def __init__(self, folder: Path):
        self.interposer = folder / "libgrowbench-trace.so"
        self.program = folder / "trace-build-one"

    def _run(self, strategy: str, rows: int, before: List[str], **variables: str) -> str:
        """Standard output and error of a build, with the words before the program's name."""
        environment = {key: value for key, value in os.environ.items() if key != "LD_PRELOAD"}
        # GLib's own cache of blocks would hide some from the interposer and valgrind alike.
        environment.update(variables, G_SLICE="always-malloc")
        done = subprocess.run(
            [*before, str(self.program), strategy, str(rows), str(ROW_BYTES)],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
            check=True,
        )
        return done.stdout

    def trace(self, strategy: str, rows: int = ROWS) -> Dict[str, int]:
        """What the interposer counted."""
        lines = self._run(strategy, rows, [], LD_PRELOAD=str(self.interposer)).splitlines()
        pairs = (line.split(" ", 1) for line in lines)
        return {name: int(value) for name, value in pairs if value.isdigit()}

    def memcheck(self, strategy: str) -> Dict[str, int]:
        """Allocations and frees of the whole program."""
        text = self._run(strategy, ROWS, ["valgrind", "--tool=memcheck"])
        found = re.search(r"total heap usage: ([\d,]+) allocs, ([\d,]+) frees", text)
        assert found, text
        return {"allocations": number(found[1]), "frees": number(found[2])}

    def dhat(self, strategy: str) -> int:
        """The most bytes live at once."""
        text = self._run(strategy, ROWS, ["valgrind", "--tool=dhat", "--dhat-out-file=/dev/null"])
        found = re.search(r"At t-gmax: ([\d,]+) bytes", text)
        assert found, text
        return number(found[1])

    def strace(self, strategy: str, rows: int) -> List[str]:
        """The system calls of the build, as strace writes them.

        The interposer is there, but does not look at system calls: without it, what the dynamic
        linker allocates is different, and so is where the heap ends.
        """
        text = self._run(
            strategy,
            rows,
            ["strace", "-f", "-qq", "-e", f"trace=write,{','.join(CALLS)}"],
            LD_PRELOAD=str(self.interposer),
            GROWBENCH_TRACE_BLIND="1",
        )
        lines = text.splitlines()
        first = next(i for i, line in enumerate(lines) if '(-1, "build"' in line)
        last = next(i for i, line in enumerate(lines) if '(-1, "built"' in line)
        return lines[first + 1 : last]


def works(*tool: str) -> bool:
    """Is the tool installed, and may it do its work? A sandbox may forbid to trace."""
    if shutil.which(tool[0]) is None:
        return False
    done = subprocess.run([*tool, "true"], capture_output=True, check=False)
    return done.returncode == 0


def number(text: str) -> int:
    return int(text.replace(",", ""))


def of_valgrind(programs: Programs, strategies: List[str]) -> Iterator[Comparison]:
    """Counts and peaks of what comes from malloc."""
    base = programs.memcheck(NOTHING)
    base_peak = programs.dhat(NOTHING)
    for strategy in strategies:
        trace = programs.trace(strategy)
        tool = programs.memcheck(strategy)
        allocations = sum(
            trace[f"build_{call}_count"] for call in ("malloc", "calloc", "realloc", "aligned")
        )
        # Each realloc of a block frees it, in memcheck's eyes.
        frees = sum(
            trace[f"{phase}_{call}_count"]
            for phase in ("build", "release")
            for call in ("free", "realloc_in_place", "realloc_moved")
        )
        yield Comparison(
            strategy,
            "allocations",
            "memcheck",
            tool["allocations"] - base["allocations"],
            allocations,
        )
        yield Comparison(strategy, "frees", "memcheck", tool["frees"] - base["frees"], frees)
        # What is mapped by the strategy itself is not in valgrind's heap.
        if trace.get("build_program_mmap_count", 0) == 0:
            peak = programs.dhat(strategy) - base_peak
            yield Comparison(
                strategy, "peak bytes", "dhat", peak, trace["build_peak_requested_bytes"]
            )


def committed_bytes(calls: List[str]) -> int:
    """Bytes made writable by mprotect; a strategy never does it twice to the same ones."""
    found = (
        re.search(r"mprotect\(\w+, (\d+), PROT_READ\|PROT_WRITE\) = 0", call) for call in calls
    )
    return sum(int(match[1]) for match in found if match)


def of_strace(programs: Programs, strategies: List[str]) -> Iterator[Comparison]:
    """System calls, at a size where the C library's malloc makes some."""
    rows = 20 * ROWS
    for strategy in strategies:
        # Gigabytes are copied, and nothing else is seen than at a smaller size.
        if strategy == "loop_and_append":
            rows_here = 2 * ROWS
        else:
            rows_here = rows
        trace = programs.trace(strategy, rows_here)
        if "build_program_mmap_count" not in trace:
            print(f"{strategy}: the interposer cannot see system calls here")
            return
        calls = programs.strace(strategy, rows_here)
        for name in CALLS:
            of_tool = sum(bool(re.search(rf"\b{name}\(.* = (?!-1 )", call)) for call in calls)
            of_trace = sum(trace[f"build_{who}_{name}_count"] for who in ("allocator", "program"))
            if of_tool or of_trace:
                yield Comparison(strategy, f"{name} calls", "strace", of_tool, of_trace)
        if trace["build_program_mmap_count"] > 0:
            yield Comparison(
                strategy,
                "peak bytes",
                "strace",
                committed_bytes(calls),
                trace["build_peak_requested_bytes"],
            )


def print_table(comparisons: List[Comparison]) -> None:
    print(f"{'strategy':26} {'figure':16} {'tool':9} {'of the tool':>12} {'of the trace':>12}")
    for one in comparisons:
        verdict = "" if one.of_tool == one.of_trace else "  DIFFERS"
        print(
            f"{one.strategy:26} {one.figure:16} {one.tool:9} {one.of_tool:12,} "
            f"{one.of_trace:12,}{verdict}"
        )


def main(arguments: List[str]) -> Optional[int]:
    if len(arguments) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    programs = Programs(Path(arguments[1]).resolve())
    strategies = [
        path.name.rsplit(".", 1)[0]
        for folder in ("strategies", "containers")
        for path in sorted((REPOSITORY / "kernels" / folder).iterdir())
        if path.suffix in (".c", ".cc")
    ]
    comparisons: List[Comparison] = []
    if works("valgrind", "--quiet"):
        comparisons += of_valgrind(programs, strategies)
    else:
        print("skipped: valgrind is not installed, or does not work here")
    if works("strace", "-qq", "-e", "trace=none"):
        comparisons += of_strace(programs, strategies)
    else:
        print("skipped: strace is not installed, or may not trace here")
    if not comparisons:
        return SKIPPED
    print_table(comparisons)
    return int(any(one.of_tool != one.of_trace for one in comparisons))


if __name__ == "__main__":
    sys.exit(main(sys.argv))
