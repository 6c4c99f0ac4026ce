"""Calls of the runner."""

import shlex
import subprocess
from typing import Any, Collection, Sequence

from growbench.data.errors import UsageError

# Its exit statuses where the run is whole: some workers failed; something has no row.
SOME_WORKERS_FAILED, UNMEASURED = 3, 4
WHOLE = (0, SOME_WORKERS_FAILED, UNMEASURED)
_INTERRUPTED = 130


def run(
    command: Sequence[str], whole: Collection[int] = WHOLE, quietly: bool = False
) -> subprocess.CompletedProcess:
    """Let the runner do that. whole: the exit statuses with which it has. quietly: what it says is
    kept, and told if it fails. Raises UsageError if it cannot be started or ends in another status,
    and KeyboardInterrupt if it was interrupted."""
    kept: dict[str, Any] = {"stdout": subprocess.DEVNULL}
    if quietly:
        kept = {"capture_output": True, "text": True}
    try:
        done = subprocess.run(command, check=False, **kept)
    except OSError as error:
        raise UsageError(f"{command[0]}: {error.strerror}; build it with: make build") from None
    if done.returncode == _INTERRUPTED:
        raise KeyboardInterrupt
    if done.returncode not in whole:
        said = f": {done.stderr.strip()[-300:]}" if quietly else ""
        raise UsageError(f"{shlex.join(command)}: ended in {done.returncode}{said}")
    return done
