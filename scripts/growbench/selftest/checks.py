"""All checks; a file check_*.py for each, which is named as the check is.

To add a check, add a file with measure(), which lets a Bench measure, judge(), which makes findings
of figures and can be tested with made-up ones, and

    CHECK = Check(name, title, run)

and its place in CHECKS. Command line, progress, report and JSON follow. A planted defect that it
has to find goes into harness/tests/test_selftest.py.
"""

from growbench.selftest import (
    check_aa,
    check_allocators,
    check_clock,
    check_counts,
    check_limits,
    check_loop,
    check_peak,
    check_probes,
    check_slowdown,
)
from growbench.selftest.check import Check

# In the order in which they are made: what is quick and what all else rests on first.
CHECKS: tuple[Check, ...] = (
    check_clock.CHECK,
    check_loop.CHECK,
    check_allocators.CHECK,
    check_peak.CHECK,
    check_counts.CHECK,
    check_probes.CHECK,
    check_slowdown.CHECK,
    check_aa.CHECK,
    check_limits.CHECK,
)
