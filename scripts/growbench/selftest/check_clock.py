"""Is the clock fine enough, steady, and the same on all CPUs?"""

import os
from typing import Mapping

from growbench.selftest.bench import Bench, KNOWN_WORKER
from growbench.selftest.check import Check
from growbench.selftest.outcome import CannotTell, Finding, Outcome, judged
from growbench.data.units import show

# A cold build of a few rows takes microseconds.
COARSEST_NS = 1000.0
# NTP may let the clock go wrong by 500 ppm at most.
MOST_RATE_ERROR = 0.001
_SOURCE = "/sys/devices/system/clocksource/clocksource0"
_ADVICE = (
    f"see which clock the kernel uses ({_SOURCE}/current_clocksource) and which it could "
    "(available_clocksource): tsc on x86 is what it should be"
)


def measure(bench: Bench) -> dict[str, float]:
    """Figures of clock_check.h by their names."""
    cpu = max(os.sched_getaffinity(0))
    done = bench.ask(bench.beside(KNOWN_WORKER), "clock", str(cpu))
    if done.returncode != 0:
        raise CannotTell(done.stderr.strip())
    return {name: float(value) for name, value in map(str.split, done.stdout.splitlines())}


def judge(clock: Mapping[str, float]) -> list[Finding]:
    reading, step = (show(clock[name], "ns") for name in ("reading_ns", "step_ns"))
    moves, cpus = (int(clock[name]) for name in ("move_count", "cpu_count"))
    error = clock["rate"] - 1.0
    return [
        judged(
            f"a step and a reading of at most {show(COARSEST_NS, 'ns')}",
            f"steps of {step}, {reading} for a reading",
            clock["step_ns"] <= COARSEST_NS and clock["reading_ns"] <= COARSEST_NS,
            _ADVICE,
        ),
        judged(
            "it never goes back from one CPU to another",
            f"back by {show(clock['backwards_ns'], 'ns')} at most in {moves} moves among {cpus} "
            f"CPUs (by less than {show(clock['blind_ns'], 'ns')} would not be seen)",
            clock["backwards_ns"] == 0,
            _ADVICE,
        ),
        judged(
            f"as fast as the raw clock of the hardware, within {MOST_RATE_ERROR:.1%}",
            f"{'faster' if error > 0 else 'slower'} by {abs(error):.4%}",
            abs(error) <= MOST_RATE_ERROR,
            _ADVICE,
        ),
    ]


def run(bench: Bench) -> Outcome:
    clock = measure(bench)
    return Outcome(judge(clock), clock)


CHECK = Check("clock", "the clock is fine, steady, and the same on all CPUs", run)
