"""Does the loop around what is measured cost nothing?"""

import re

import pandas as pd

from growbench.selftest.bench import Bench, LOOPS, failures
from growbench.selftest.check import Check
from growbench.selftest.outcome import FAILED, Finding, Outcome, UNKNOWN, judged
from growbench.data.units import show

# Of the shortest warm build of the default preset.
LARGEST_SHARE = 0.05
NOTHING, SHORTEST, ROWS = "nothing", "preallocate_then_fill", 100
# The smallest value of all workers: what else runs on the machine only adds to it.
_WARM = "warm_build_release_min_ns"
_ADVICE = "build it optimised (cmake --preset default); a debugger or a profiler may slow the loop"


def measure(bench: Bench) -> pd.DataFrame:
    words = f"--rows {ROWS} --allocators glibc --rounds 6 --passes measure"
    return bench.run("loop", *bench.known(f"{NOTHING},{SHORTEST}"), *words.split()).rows


def judge(rows: pd.DataFrame) -> list[Finding]:
    expected = f"a warm build that does nothing takes at most {LARGEST_SHARE:.0%} of the shortest"
    failed = failures(rows)
    if failed:
        return [Finding(expected, failed, FAILED, "growbench doctor says more")]
    nothing, shortest = (
        float(rows.loc[rows["strategy"] == name, _WARM].min()) for name in (NOTHING, SHORTEST)
    )
    share = nothing / shortest
    got = f"{show(nothing, 'ns')}, {share:.1%} of {show(shortest, 'ns')} ({SHORTEST}, {ROWS} rows)"
    return [judged(expected, got, share <= LARGEST_SHARE, _ADVICE)]


def against_native(bench: Bench) -> Finding:
    """An empty loop in C against Google Benchmark's own in C++ (harness/shim/README.md)."""
    expected = "an empty loop takes as long as Google Benchmark's own in C++, within 5%"
    program = bench.beside(LOOPS)
    if not program.is_file():
        return Finding(expected, f"no {LOOPS} in this build", UNKNOWN, "make build")
    done = bench.ask(program)
    ratio = re.search(r"^median ratio: ([0-9.]+)", done.stdout, re.M)
    if not ratio:
        return Finding(expected, f"{LOOPS} ended in {done.returncode}", FAILED, "make bench-shim")
    got = f"{ratio[1]} times as long, in pairs of turns"
    return judged(
        expected, got, done.returncode == 0, f"{_ADVICE}; make bench-shim shows the pairs"
    )


def run(bench: Bench) -> Outcome:
    return Outcome([*judge(measure(bench)), against_native(bench)])


CHECK = Check("loop", "the loop costs nothing", run)
