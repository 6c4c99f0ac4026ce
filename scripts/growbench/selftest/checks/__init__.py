"""One file for each check; the file's name is the check's name.

To add a check, add a file with measure(), which lets a Bench measure, judge(), which makes findings
of figures and can be tested with made-up ones, and

    CHECK = Check(name, title, run)

and its place in CHECKS. Command line, progress, report and JSON follow. A planted defect that it
has to find goes into harness/tests/test_selftest.py.
"""

from growbench.selftest.check import Check
from growbench.selftest.checks import (
    aa,
    allocators,
    clock,
    counts,
    limits,
    loop,
    peak,
    probes,
    slowdown,
)

# In the order in which they are made: what is quick and what all else rests on first.
CHECKS: tuple[Check, ...] = (
    clock.CHECK,
    loop.CHECK,
    allocators.CHECK,
    peak.CHECK,
    counts.CHECK,
    probes.CHECK,
    slowdown.CHECK,
    aa.CHECK,
    limits.CHECK,
)
