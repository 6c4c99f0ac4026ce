"""A claim that somebody made in public about arrays that grow, and what growbench must show of it.

A case is one run or more of a few cells, and figures of these with the least and the most that they
may be: exact ones (counts, bytes, page faults, peaks), from theory and not from a run that went
before. How long something takes is never among them: that is told as a ratio of cells that were
measured side by side.

What an allocator must show may be known of some of its versions; of others it is not judged. Nor is
what cannot be measured: an allocator that is not here, memory that there is not.
"""

import csv
import ctypes
import math
import subprocess
from pathlib import Path
from typing import Callable, Mapping, NamedTuple, Optional, Sequence

from growbench.data.errors import UsageError
from growbench.data.statuses import NO_FAILURES, OK

_PR_SET_THP_DISABLE = 41
# Which column says why a figure is empty, by how the figure's name begins.
_REASONS = {
    "peak_memory": "no_peak_reason",
    "cold_build_huge": "huge_fault_unknown_reason",
    "allocator_": "untraced_reason",
    "release_unmapped": "untraced_reason",
}
# What the runner ends in where there are rows: all, with failed workers, with something unmeasured.
_WITH_ROWS = (0, 3, 4)


class Unknown(Exception):
    """A figure that is not there. The message says why. failed: a worker broke, so that it should
    have been there."""

    def __init__(self, why: str, failed: bool = False) -> None:
        super().__init__(why)
        self.failed = failed


class Cell(NamedTuple):
    """allocator: the label of one. run: the name of the run that has it."""

    strategy: str
    allocator: str
    rows: int
    row_bytes: int
    run: str = ""

    @property
    def payload_bytes(self) -> int:
        return self.rows * self.row_bytes


class Run(NamedTuple):
    """What `growbench run` is asked for: every strategy of the cells with every allocator of theirs
    in every shape.

    exact: the passes that have the figures. timed: those that have times, "" if nothing of it is
    told. labels: what --allocator makes of further labels. words: others. huge_pages: may workers
    have transparent huge pages? Most are forbidden to (prctl), as with them page faults do not tell
    how much memory was touched.
    """

    cells: Sequence[Cell]
    exact: str
    timed: str = ""
    labels: Mapping[str, str] = {}
    words: Sequence[str] = ("--implementations", "c")
    huge_pages: bool = False


class Figures:
    """The rows of a case's runs."""

    def __init__(self) -> None:
        self._rows: list[dict[str, str]] = []

    def add(self, rows: Sequence[Mapping[str, str]], run: str, turn: int = 0) -> None:
        """rows: of runs.csv. turn: how often that run was made before; its rounds are others."""
        for row in rows:
            self._rows.append({**row, "run": run, "round": f"{turn}.{row['round']}"})

    def values(self, cell: Cell, column: str) -> dict[str, float]:
        """By round. Raises Unknown if there is none."""
        rows = self._of(cell)
        values = {row["round"]: float(row[column]) for row in rows if row[column] != ""}
        if values:
            return values
        for row in rows:
            if row["status"] != OK:
                why = f"{row['status']}: {row['status_detail']}"
                raise Unknown(why, row["status"] not in NO_FAILURES)
        told = [name for start, name in _REASONS.items() if column.startswith(start)]
        why = next((row[name] for row in rows for name in told if row[name]), "not measured")
        raise Unknown(f"{column}: {why}")

    def value(self, cell: Cell, column: str) -> float:
        """The median of the rounds; of an even number, the larger one of the two in the middle."""
        ordered = sorted(self.values(cell, column).values())
        return ordered[len(ordered) // 2]

    def version(self, cell: Cell) -> str:
        """Of the allocator that was measured; "" if it does not say."""
        return next((row["allocator_version"] for row in self._of(cell)), "")

    def _of(self, cell: Cell) -> list[dict[str, str]]:
        wanted = tuple(map(str, cell))
        return [row for row in self._rows if tuple(row[name] for name in Cell._fields) == wanted]


class Expected(NamedTuple):
    """A figure, and what it must be.

    what: it is, in words. cell: whose it is. of: finds it; may raise Unknown. why: it must be so.
    versions: how those of the allocator begin for which that is known; none: for all.
    """

    what: str
    cell: Cell
    of: Callable[[Figures], float]
    least: float
    most: float
    why: str
    versions: Sequence[str] = ()


class Ratio(NamedTuple):
    """How many times as long `over` takes as `under`: told, and never judged."""

    what: str
    over: Cell
    under: Cell
    column: str


class Case(NamedTuple):
    """said: the claim, in our words. where: it was made, in words. links: to that.

    rounds: the most that times have, where one takes long.
    """

    name: str
    title: str
    said: str
    where: str
    links: Sequence[str]
    runs: Mapping[str, Run]
    expected: Sequence[Expected]
    ratios: Sequence[Ratio] = ()
    rounds: int = 1000


class Shown(NamedTuple):
    """What came out. value: nan where `unknown` says why there is none. failed: it should be there,
    or is not what it must be."""

    expected: Expected
    value: float
    unknown: str
    failed: bool


def judged(expected: Expected, figures: Figures) -> Shown:
    version = figures.version(expected.cell)
    if expected.versions and version and not version.startswith(tuple(expected.versions)):
        known = " and ".join(expected.versions)
        return Shown(expected, math.nan, f"known of {known}, and this is {version}", False)
    try:
        value = expected.of(figures)
    except Unknown as unknown:
        return Shown(expected, math.nan, str(unknown), unknown.failed)
    return Shown(expected, value, "", not expected.least <= value <= expected.most)


def measure(
    case: Case,
    runner: Path,
    folder: Path,
    rounds: int = 0,
    variables: Optional[Mapping[str, str]] = None,
) -> Figures:
    """Make the case's runs, in new folders in `folder`; those that are timed take turns.

    rounds: of times; 0: none are wanted. variables: the runner's whole environment; None: ours.
    Raises UsageError if a run cannot be made.
    """
    figures = Figures()
    rounds = min(rounds, case.rounds)
    timed = [name for name, run in case.runs.items() if rounds and run.timed]
    turns = rounds if len(timed) > 1 else 1
    for turn in range(max(1, turns)):
        for name, run in case.runs.items():
            if turn and name not in timed:
                continue
            out = folder / f"{case.name}-{name}-{turn}"
            words = [str(runner), *words_of(run, rounds // turns if name in timed else 0)]
            _call([*words, "--out", str(out)], run.huge_pages, variables)
            with open(out / "runs.csv", encoding="utf-8", newline="") as file:
                figures.add(list(csv.DictReader(file, strict=True)), name, turn)
    return figures


def words_of(run: Run, rounds: int) -> list[str]:
    """Of the runner, but for its name and the folder. rounds: of times; 0: none are wanted."""

    def listed(values: Sequence[str]) -> str:
        return ",".join(dict.fromkeys(value for value in values if value))

    passes = [*run.exact.split(","), run.timed if rounds else ""]
    words = ["run", "--no-summary", "--quiet", "--timeline", "none", "--seed", "1"]
    words += ["--budget", "3600", "--rounds", str(max(1, rounds)), "--passes", listed(passes)]
    words += ["--strategies", listed([cell.strategy for cell in run.cells])]
    words += ["--shapes", listed([f"{cell.rows}x{cell.row_bytes}" for cell in run.cells])]
    words += ["--allocators", listed([cell.allocator for cell in run.cells])]
    for label, text in run.labels.items():
        words += ["--allocator", f"{label}={text}"]
    return [*words, *run.words]


def forbid_huge_pages() -> None:
    """To this process, and to all that it starts; the system's setting stays as it is."""
    ctypes.CDLL(None).prctl(_PR_SET_THP_DISABLE, 1, 0, 0, 0)


def _call(words: Sequence[str], huge_pages: bool, variables: Optional[Mapping[str, str]]) -> None:
    """Raises UsageError if it makes no run."""
    before = None if huge_pages else forbid_huge_pages
    try:
        done = subprocess.run(
            words, env=variables, capture_output=True, text=True, check=False, preexec_fn=before
        )
    except OSError as error:
        raise UsageError(f"{words[0]}: {error.strerror}; build it with: make build") from None
    if done.returncode not in _WITH_ROWS:
        raise UsageError(f"the runner ended in {done.returncode}: {done.stderr.strip()[-300:]}")
