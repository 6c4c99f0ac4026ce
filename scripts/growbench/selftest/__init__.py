"""Does growbench measure right on this machine? Things whose truth is known are measured, by the
same runner, workers and files as everything else, and what comes out is held against the truth.

check.py says what a check is, bench.py lets the runner measure, check_*.py are the checks, and
document.py says what they come to.
"""
