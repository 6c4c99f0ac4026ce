#!/usr/bin/env python3
"""The interposer's counts and peaks, next to those of tools that we did not write.

usage: oracle.py BUILD_FOLDER

Each strategy is built once with the interposer preloaded, and once under each tool:

- valgrind's dhat counts allocations and frees (a realloc is one of each), and knows the most bytes
  that were live at once, between calls,
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
from typing import Callable, Dict, Iterator, List, NamedTuple, Optional, Sequence, Union

ROWS = 1000
ROW_BYTES = 80
NOTHING = "none"
SKIPPED = 77
# The system calls that the interposer counts.
CALLS = ("mmap", "munmap", "mremap", "brk", "madvise", "mprotect")
# How it can see them, and what it says only if it does.
WAYS = ("user_dispatch", "seccomp")
CALLS_SEEN = "build_program_mmap_count"

REPOSITORY = Path(__file__).resolve().parents[3]


class Comparison(NamedTuple):
    """One figure of one strategy, twice."""

    strategy: str
    figure: str
    tool: str
    of_tool: int
    of_trace: int


def build_lines(
    command: Sequence[Union[str, Path]],
    variables: Dict[str, str],
    preexec_fn: Optional[Callable[[], None]] = None,
) -> List[str]:
    """The lines of standard output and error of a program that builds."""
    environment = {key: value for key, value in os.environ.items() if key != "LD_PRELOAD"}
    # GLib's own cache of blocks would hide some from the interposer and valgrind alike.
    environment.update(variables, G_SLICE="always-malloc")
    done = subprocess.run(
        command,
        env=environment,
        preexec_fn=preexec_fn,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=True,
    )
    return done.stdout.splitlines()


class Programs:
    """What is run, and how."""

    def __init__(self, folder: Path):
        self.interposer = folder / "libgrowbench-trace.so"
        self.program = folder / "trace-build-one"

    def _run(self, strategy: str, rows: int, before: List[str], **variables: str) -> List[str]:
        """What a build writes, with the words before the program's name."""
        command = [*before, str(self.program), strategy, str(rows), str(ROW_BYTES)]
        return build_lines(command, variables)

    def trace(self, strategy: str, rows: int = ROWS, **variables: str) -> Dict[str, int]:
        """What the interposer counted."""
        lines = self._run(strategy, rows, [], LD_PRELOAD=str(self.interposer), **variables)
        pairs = (line.split(" ", 1) for line in lines)
        return {name: int(value) for name, value in pairs if value.isdigit()}

    def ways(self) -> List[str]:
        """Those to see system calls that work here."""
        return [way for way in WAYS if CALLS_SEEN in self.trace(NOTHING, GROWBENCH_TRACE_WAY=way)]

    def dhat(self, strategy: str) -> Dict[str, int]:
        """Allocations and frees of the whole program, and the most bytes live at once."""
        command = ["valgrind", "--tool=dhat", "--dhat-out-file=/dev/null"]
        text = "\n".join(self._run(strategy, ROWS, command))
        found = re.search(
            r"Total: +[\d,]+ bytes in ([\d,]+) blocks(?s:.*)At t-gmax: ([\d,]+) bytes(?s:.*)"
            r"At t-end: +[\d,]+ bytes in ([\d,]+) blocks",
            text,
        )
        assert found, text
        allocations, peak, left = (number(group) for group in found.groups())
        return {"allocations": allocations, "frees": allocations - left, "peak bytes": peak}

    def strace(self, strategy: str, rows: int) -> List[str]:
        """The system calls of the build, as strace writes them.

        The interposer is there, but does not look at system calls: without it, what the dynamic
        linker allocates is different, and so is where the heap ends.
        """
        lines = self._run(
            strategy,
            rows,
            ["strace", "-f", "-qq", "-e", f"trace=write,{','.join(CALLS)}"],
            LD_PRELOAD=str(self.interposer),
            GROWBENCH_TRACE_NO_SYSCALLS="1",
        )
        first = next(i for i, line in enumerate(lines) if '(-1, "build"' in line)
        last = next(i for i, line in enumerate(lines) if '(-1, "built"' in line)
        return lines[first + 1 : last]


def strategy_names() -> List[str]:
    """Those whose files there are."""
    return [
        path.name.rsplit(".", 1)[0]
        for folder in ("strategies", "containers")
        for path in sorted((REPOSITORY / "kernels" / folder).iterdir())
        if path.suffix in (".c", ".cc")
    ]


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
    base = programs.dhat(NOTHING)
    for strategy in strategies:
        trace = programs.trace(strategy)
        tool = programs.dhat(strategy)
        of_trace = {
            "allocations": sum(
                trace[f"build_{call}_count"] for call in ("malloc", "calloc", "realloc", "aligned")
            ),
            # Each realloc of a block frees it, in the tool's eyes.
            "frees": sum(
                trace[f"{phase}_{call}_count"]
                for phase in ("build", "release")
                for call in ("free", "realloc_in_place", "realloc_moved")
            ),
        }
        # What is mapped by the strategy itself is not in valgrind's heap.
        if trace.get(CALLS_SEEN, 0) == 0:
            of_trace["peak bytes"] = trace["build_peak_requested_bytes"]
        for figure, count in of_trace.items():
            yield Comparison(strategy, figure, "dhat", tool[figure] - base[figure], count)


def committed_bytes(calls: List[str]) -> int:
    """Bytes made writable by mprotect; a strategy never does it twice to the same ones."""
    found = (
        re.search(r"mprotect\(\w+, (\d+), PROT_READ\|PROT_WRITE\) = 0", call) for call in calls
    )
    return sum(int(match[1]) for match in found if match)


def of_strace(programs: Programs, strategies: List[str]) -> Iterator[Comparison]:
    """System calls, at a size where the C library's malloc makes some."""
    ways = programs.ways()
    if not ways:
        print("skipped: the interposer cannot see system calls here")
    for strategy in strategies if ways else []:
        # Gigabytes are copied, and nothing else is seen than at a smaller size.
        rows = (2 if strategy == "loop_and_append" else 20) * ROWS
        calls = programs.strace(strategy, rows)
        for way in ways:
            trace = programs.trace(strategy, rows, GROWBENCH_TRACE_WAY=way)
            yield from against_strace(strategy, way, calls, trace)


def against_strace(
    strategy: str, way: str, calls: List[str], trace: Dict[str, int]
) -> Iterator[Comparison]:
    """What was seen in one of the ways."""
    for name in CALLS:
        of_tool = sum(bool(re.search(rf"\b{name}\(.* = (?!-1 )", call)) for call in calls)
        of_trace = sum(trace[f"build_{who}_{name}_count"] for who in ("allocator", "program"))
        if of_tool or of_trace:
            yield Comparison(strategy, f"{name} calls, {way}", "strace", of_tool, of_trace)
    if trace[CALLS_SEEN] > 0:
        yield Comparison(
            strategy,
            f"peak bytes, {way}",
            "strace",
            committed_bytes(calls),
            trace["build_peak_requested_bytes"],
        )


def print_table(comparisons: List[Comparison]) -> None:
    print(f"{'strategy':26} {'figure':32} {'tool':9} {'of the tool':>12} {'of the trace':>12}")
    for one in comparisons:
        verdict = "" if one.of_tool == one.of_trace else "  DIFFERS"
        print(
            f"{one.strategy:26} {one.figure:32} {one.tool:9} {one.of_tool:12,} "
            f"{one.of_trace:12,}{verdict}"
        )


def main(arguments: List[str]) -> Optional[int]:
    if len(arguments) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    programs = Programs(Path(arguments[1]).resolve())
    strategies = strategy_names()
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
