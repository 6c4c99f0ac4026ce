"""Processes that keep CPUs busy beside what is measured."""

import contextlib
import os
import subprocess
import sys
from typing import Iterator, Optional, Sequence

# Never sleeps.
HOG = "while True: pass"
# Works and rests for about as long as a worker lives.
RESTLESS = """
import random, time
while True:
    until = time.monotonic() + random.uniform(0.01, 0.1)
    while time.monotonic() < until:
        pass
    time.sleep(random.uniform(0.01, 0.1))
"""


@contextlib.contextmanager
def neighbours(program: str, cpus: Sequence[Optional[int]]) -> Iterator[None]:
    """One on each of these CPUs; None: one that goes where it likes."""
    with contextlib.ExitStack() as started:
        for cpu in cpus:
            one = started.enter_context(subprocess.Popen([sys.executable, "-c", program]))
            started.callback(one.kill)
            if cpu is not None:
                os.sched_setaffinity(one.pid, {cpu})
        yield
