"""How far a verb is, on standard error: one line that is overwritten on a terminal, else plain
lines now and then, in no colours. Nothing is shown of what ends within PATIENCE_S, nor with
GROWBENCH_PROGRESS=never in the environment."""

import math
import os
import shutil
import signal
import sys
import time
from contextlib import contextmanager
from typing import Callable, Iterator, Optional, TextIO

PATIENCE_S, REDRAW_S, LINE_S = 2.0, 0.1, 5.0
clock: Callable[[], float] = time.monotonic


class Progress:
    """One verb's. stream: standard error, as it is when something is shown, unless it is given."""

    def __init__(self, stream: Optional[TextIO] = None) -> None:
        self._stream = stream
        self._start, self._shown_at = clock(), -math.inf
        self._text = self._last = ""

    def step(self, what: str, done: int = 0, total: int = 0) -> None:
        """What is done from now on, and how many of its parts are done."""
        self._text = f"{what} {done * 100 // total}% ({done}/{total})" if total else what
        self.show()

    def show(self) -> None:
        """Show the step that was told last, unless it is too soon to do so."""
        now = clock()
        on_terminal = self._on_terminal()
        pause = REDRAW_S if on_terminal else LINE_S
        soon = now - self._start < PATIENCE_S or now - self._shown_at < pause
        never = os.environ.get("GROWBENCH_PROGRESS") == "never"
        if soon or never or self._text in ("", self._last):
            return
        self._shown_at, self._last = now, self._text
        if on_terminal:
            width = shutil.get_terminal_size().columns - 1
            self._write(f"\r{self._text[:width]}\033[K")
        else:
            self._write(f"{self._text}\n")

    def clear(self) -> None:
        """Make room for something else; the next step is shown again."""
        if self._last and self._on_terminal():
            self._write("\r\033[K")
        self._last = ""

    def end(self) -> None:
        """There is no step any more."""
        self.clear()
        self._text = ""

    def _on_terminal(self) -> bool:
        stream = self._stream or sys.stderr
        return stream.isatty() and os.environ.get("TERM") != "dumb"

    def _write(self, text: str) -> None:
        stream = self._stream or sys.stderr
        stream.write(text)
        stream.flush()


# The program's: a process has one standard error. A verb tells it its steps.
current = Progress()


@contextmanager
def shown() -> Iterator[None]:
    """The steps of a verb that runs in here are shown, also one that takes long by itself."""
    global current
    current = Progress()

    def show(*_: object) -> None:
        try:
            current.show()
        except RuntimeError:
            # It interrupted something that was being written there.
            pass

    before = signal.signal(signal.SIGALRM, show)
    signal.setitimer(signal.ITIMER_REAL, PATIENCE_S, LINE_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)
        current.end()
