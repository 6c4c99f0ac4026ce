"""What checks measure with: the runner and what lies beside it, in a folder that goes away."""

import json
import shlex
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import NamedTuple, Optional, Sequence

import pandas as pd

from growbench.analysis.busy import waiting_share
from growbench.data.statuses import OK
from growbench.data.description import fact
from growbench.data.errors import UsageError
from growbench.data.errors import LoadError
from growbench.data.load import read_runs
from growbench.selftest.outcome import CannotTell

KNOWN_WORKER, IMPOSTOR, LOOPS = "growbench-known-worker", "libgrowbench-kernels.so", "bench-shim"
# Exit statuses of the runner with which a run is whole: its rows say what was measured.
_WHOLE = (0, 3, 4)
_TIMEOUT_S = 120
_MOST_WAITING = 0.5


class Measured(NamedTuple):
    """A run: its folder, its rows as read_runs() returns them, and its machine.json."""

    folder: Path
    rows: pd.DataFrame
    machine: dict


class Bench:
    """A context: its folder is there inside of it.

    runner: the growbench of a build, beside which lie the other programs. place: where the folder
    is made. rounds: of what is measured again and again. allocators: names, or None for all.
    more_allocators: NAME=BASE[...] as for growbench run --allocator.
    """

    def __init__(
        self,
        runner: Path,
        place: Path,
        rounds: int,
        allocators: Optional[Sequence[str]] = None,
        more_allocators: Sequence[str] = (),
    ) -> None:
        self.runner, self.place, self.rounds = runner.absolute(), place, rounds
        self.allocators, self.more_allocators = allocators, more_allocators
        # What was measured so far, by name.
        self.runs: dict[str, Measured] = {}
        for program in (self.runner, self.beside(KNOWN_WORKER)):
            if not program.is_file():
                raise UsageError(f"{program} is not there; build it with: make build")

    def __enter__(self) -> "Bench":
        self.place.mkdir(parents=True, exist_ok=True)
        self.folder = Path(tempfile.mkdtemp(prefix=".selftest-", dir=self.place))
        return self

    def __exit__(self, *error: object) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def machine_id(self) -> str:
        """The stable label of the machine; "" as long as nothing was measured."""
        ids = (fact(run.machine, "machine_id") or "" for run in self.runs.values())
        return next(ids, "")

    def beside(self, name: str) -> Path:
        """A file of the build."""
        return self.runner.with_name(name)

    def known(self, strategies: str) -> list[str]:
        """The runner's words for strategies of the known worker, and those of ours in C."""
        worker = f"known={shlex.quote(str(self.beside(KNOWN_WORKER)))}"
        return ["--worker", worker, "--implementations", "known,c", "--strategies", strategies]

    def names(self, allocator: str) -> bool:
        """Was the allocator of this label asked for by name?"""
        more = (text.split("=", 1)[0] for text in self.more_allocators)
        return allocator in (self.allocators or ()) or allocator in more

    def chosen(self, *also: str) -> list[str]:
        """The runner's words for the allocators that were asked for, and those NAME=BASE as well,
        which are told apart by their names."""
        words = [part for text in (*self.more_allocators, *also) for part in ("--allocator", text)]
        if self.allocators is None:
            return words
        names = [text.split("=", 1)[0] for text in (*self.more_allocators, *also)]
        return [*words, "--allocators", ",".join([*self.allocators, *names])]

    def run(self, name: str, *words: str) -> Measured:
        """Let the runner measure. Raises CannotTell if it could not."""
        folder = self.folder / name
        always = "run --preset quick --quiet --no-summary --timeline none --budget 600 --timeout 20"
        done = self._call([str(self.runner), *always.split(), "--out", str(folder), *words])
        if done.returncode not in _WHOLE:
            raise CannotTell(f"the runner ended in {done.returncode}: {_last_line(done)}")
        machine = json.loads((folder / "machine.json").read_text(encoding="utf-8"))
        try:
            self.runs[name] = Measured(folder, read_runs(folder), machine)
        except LoadError as error:
            raise CannotTell(str(error)) from None
        return self.runs[name]

    def ask(self, program: Path, *words: str) -> subprocess.CompletedProcess:
        """Call a program of the build. Raises CannotTell if it cannot be started."""
        return self._call([str(program), *words])

    @staticmethod
    def _call(command: Sequence[str]) -> subprocess.CompletedProcess:
        try:
            return subprocess.run(
                command, capture_output=True, text=True, check=False, timeout=_TIMEOUT_S
            )
        except OSError as error:
            raise CannotTell(f"{command[0]} cannot be started: {error.strerror}") from None
        except subprocess.TimeoutExpired:
            raise CannotTell(f"{command[0]} was not done after {_TIMEOUT_S} s") from None


def _last_line(done: subprocess.CompletedProcess) -> str:
    return (done.stderr.strip().splitlines() or ["without a message"])[-1]


def failures(rows: pd.DataFrame) -> str:
    """The first worker that was to measure and did not, in words; "" if there is none."""
    failed = rows[~rows["status"].isin([OK, "unavailable", "untraced", "unprobed"])]
    if failed.empty:
        return ""
    row = failed.iloc[0]
    text = f"{row['strategy']} on {row['allocator']}: {row['status']}: {row['status_detail']}"
    return text if len(failed) == 1 else f"{text} (and {len(failed) - 1} more)"


def is_loaded(machine: dict) -> bool:
    """Did processes wait for a CPU for more of the time than not?"""
    return (waiting_share(machine) or 0.0) > _MOST_WAITING


def noisy(machine: dict) -> str:
    """What to do if figures scatter too much, with how busy the machine was meanwhile."""
    load = (fact(machine, "state_at_end", "load") or "unknown").split()[0]
    waiting = waiting_share(machine)
    text = f"load {load} on {fact(machine, 'machine', 'cpus', type=int)} CPUs"
    if waiting is not None:
        text += f", processes waited for one {waiting:.0%} of the time"
    return f"noisy ({text}): stop other programs and try again"
