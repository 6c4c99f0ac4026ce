"""What a live comparison comes to, on one page: which two things they were, what one of them does
otherwise, exactly, and what that costs."""

import json
from pathlib import Path
from typing import Callable, NamedTuple, Optional

import pandas as pd

from growbench.comparison import layers, pair
from growbench.comparison.exact_layer import exact_layer
from growbench.comparison.live import (
    BASE,
    CONFIRMATION,
    COUNTED,
    DUET,
    KEPT,
    NEW,
    label,
    pairing_of,
    sides,
)
from growbench.comparison.output import Document
from growbench.comparison.pairing import Choice, crossed
from growbench.comparison.run import Run
from growbench.comparison.same_machine import Settings
from growbench.comparison.sharing import family_words
from growbench.comparison.verdict import REGRESSION
from growbench.data.columns import INSTRUCTIONS
from growbench.data.description import fact, read_machine
from growbench.data.load import read_runs, runs_path
from growbench.data.statuses import OK
from growbench.data.text import printable

# Hexadecimal digits of a build-id that tell libraries apart.
_DIGITS = 12
# Of what is said of a library, so many parts name it.
_NAMING = 2


class Live(NamedTuple):
    """A live comparison as it lies in its folder. runs: the rows that were timed. machine: what
    machine.json says. counted, fresh: the rows of what was counted, and of the confirmation; None
    where there are none. names: of both sides. choice: how the pairing was chosen, if it was.
    resolve: as Settings has it."""

    runs: pd.DataFrame
    machine: Optional[dict] = None
    counted: Optional[pd.DataFrame] = None
    fresh: Optional[pd.DataFrame] = None
    names: tuple[str, str] = (BASE, NEW)
    choice: Optional[Choice] = None
    resolve: bool = False

    @property
    def timed(self) -> pd.DataFrame:
        """The rows whose rounds are compared."""
        return crossed(self.runs) if self.is_duet else self.runs

    @property
    def is_duet(self) -> bool:
        """Did both sides run at once?"""
        return pairing_of(self.machine) == DUET

    def of(self, choose: Callable[[pd.DataFrame], pd.DataFrame]) -> "Live":
        """The same of the rows that are chosen. Where none of a part are, there is no such part."""

        def part(rows: Optional[pd.DataFrame]) -> Optional[pd.DataFrame]:
            chosen = rows if rows is None else choose(rows)
            return None if chosen is None or sides(chosen) is None else chosen

        return self._replace(
            runs=choose(self.runs), counted=part(self.counted), fresh=part(self.fresh)
        )


def keep(folder: Path, names: tuple[str, str], choice: Optional[Choice], resolve: bool) -> None:
    """Write down what the rows do not say, so that what is said of the run can be said again."""
    chosen = None if choice is None else choice._asdict()
    told = {"base": names[0], "new": names[1], "pairing": chosen, "resolve": resolve}
    (folder / KEPT).write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")


def _kept(folder: Path) -> tuple[tuple[str, str], Optional[Choice], bool]:
    """What keep() wrote; without it, or where it is of somebody else, what all runs are called."""
    try:
        told = json.loads((folder / KEPT).read_text(encoding="utf-8"))
        names, kept = (str(told["base"]), str(told["new"])), told["pairing"]
        choice = Choice(**kept) if kept is not None else None
        if choice is not None:
            choice.sentence()
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return (BASE, NEW), None, False
    return names, choice, told.get("resolve") is True


def read(path: Path) -> Live:
    """The live comparison of that folder, or of that runs.csv. Raises LoadError."""
    folder = runs_path(path).parent
    return Live(
        read_runs(path),
        read_machine(path),
        _rows_in(folder / COUNTED),
        _rows_in(folder / CONFIRMATION),
        *_kept(folder),
    )


def _rows_in(folder: Path) -> Optional[pd.DataFrame]:
    return read_runs(folder) if (folder / "runs.csv").is_file() else None


def thresholds(
    of: Live, request: pair.Request, path: Path, aa_run: Optional[str]
) -> tuple[Settings, str]:
    """Settings for the live comparison at `path`, and where its theta comes from in words: what was
    asked for, what the machine's A/A experiment says, or 5%. An experiment of another pairing does
    not count, as other noise is in it."""
    settings, origin = _thresholds(of, request, path, aa_run)
    return settings._replace(resolve=of.resolve), origin


def _thresholds(
    of: Live, request: pair.Request, path: Path, aa_run: Optional[str]
) -> tuple[Settings, str]:
    same = None
    if request.threshold is None:
        machine_id = str(of.runs["machine_id"].iloc[0])
        same = pair.experiment(aa_run, [path], machine_id, request.metrics)
        place = Path(aa_run) if aa_run else pair.aa_folder(path, machine_id)
        if same is not None and place is not None:
            was, now = pairing_of(read_machine(place)), pairing_of(of.machine)
            if was != now:
                settings, _ = pair.settings_for(request, None, True, [of.timed])
                told = f"{place.name} was measured {was}, and this run {now}"
                return settings, f"theta {settings.family_threshold:.0%}: {told}"
            same = crossed(same) if of.is_duet else same
    return pair.settings_for(request, same, True, [of.timed])


def page(of: Live, request: pair.Request, settings: Settings, origin: str) -> Document:
    """Which two things were compared, what changed exactly, and times. It is a regression if a
    count is worse, or a time."""
    fresh = crossed(of.fresh) if of.fresh is not None and of.is_duet else of.fresh
    times = pair.compare_live(of.timed, fresh, of.names, request, settings, origin)
    told = [*_compared(of), *_pairing(of)]
    tables = list(times.tables)
    status = times.status
    if of.counted is not None:
        exact = exact_layer(*_counts(of))
        told += [*exact.sentences, *_uncounted(of.counted)]
        shown = (table.first(request.limit) for table in exact.tables)
        tables = [*(table for table in shown if len(table.frame)), *tables]
        if exact.verdict == layers.WORSE:
            status = REGRESSION
            told.insert(0, "regression: what can be counted is worse, whatever it costs in time")
    first, *more = times.sentences
    sentences = [*map(printable, told), f"in time, {first}", *more]
    return times._replace(sentences=sentences, tables=tables, status=status)


def _counts(of: Live) -> tuple[list[Run], list[Run]]:
    """The runs of each side that have counts: faults and peaks are those of the timed workers."""
    assert of.counted is not None
    found = [sides(rows) for rows in (of.counted, of.runs)]
    base, new = zip(*(both for both in found if both is not None))
    return [Run(BASE, rows) for rows in base], [Run(NEW, rows) for rows in new]


def _uncounted(counted: pd.DataFrame) -> list[str]:
    """Why there are no instructions on a side."""
    rows = counted[counted["pass"] == INSTRUCTIONS]
    lacking = rows[rows["status"] != OK]
    if rows.empty:
        return ["instructions were not counted: there is no Valgrind; its package is valgrind"]
    if lacking.empty:
        return []
    first = lacking.iloc[0]
    return [
        f"instructions of {len(lacking)} of {len(rows)} cells were not counted, such as "
        f"{family_words(first)}: {first['status_detail']}"
    ]


# ---- which two things they are ----


def _compared(of: Live) -> list[str]:
    """A line for each side of each allocator whose library or build differs between them."""
    described = fact(of.machine, "allocators", type=list) or []
    entries = {fact(entry, "name"): entry for entry in described}
    lines = []
    for allocator in _allocators(of.runs):
        parts = [_library(entries.get(label(side, allocator))) for side in (BASE, NEW)]
        # What is the same on both sides tells nothing, but for the library's name.
        texts = [
            ", ".join(
                part for i, part in enumerate(of) if part and (i < _NAMING or part != other[i])
            )
            for of, other in (parts, parts[::-1])
        ]
        if parts[0] and parts[1] and texts[0] != texts[1]:
            named = [f"{name}, {allocator}" if allocator else name for name in of.names]
            lines += [f"{name}: {text}" for name, text in zip(named, texts)]
    return lines


def _allocators(runs: pd.DataFrame) -> list[str]:
    """What stands behind the sides' names in the labels, each once."""
    found = (str(text).partition(".")[2] for text in runs["allocator"].unique())
    return list(dict.fromkeys(found))


def _library(entry: Optional[dict]) -> list[str]:
    """What machine.json says of an allocator, in words, "" for what it does not say; nothing if it
    does not name the library. The first _NAMING name it."""
    path, version, build_id = (fact(entry, key) for key in ("path", "version", "build_id"))
    if path is None:
        return []
    variables = " ".join(map(str, fact(entry, "environment", type=list) or ()))
    worker, worker_id = (fact(entry, key) for key in ("worker", "worker_build_id"))
    return [
        path,
        f"version {version}" if version else "of no stated version",
        f"build-id {build_id[:_DIGITS]}" if build_id else "",
        f"with {variables}" if variables else "with no variables",
        f"measured by {worker}" if worker else "measured by this build",
        f"worker's build-id {worker_id[:_DIGITS]}" if worker_id else "",
    ]


# ---- how they were measured ----


def _pairing(of: Live) -> list[str]:
    """How the two workers of a pair stood to each other, where there is something to say of it."""
    lines = [of.choice.sentence()] if of.choice is not None else []
    if of.is_duet:
        lines.append(
            "in a duet both sides run at once, each on a CPU of its own, which they swap from "
            "round to round, so that two rounds are compared as one; they share caches and the "
            "memory's bandwidth, so that large arrays take longer than alone: compare the sides "
            "with each other, and no time with that of another run"
        )
    return lines
