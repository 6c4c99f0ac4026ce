"""What comparisons of one machine have in common, and the two sides of a live one."""

import argparse
from pathlib import Path
from typing import NamedTuple, Optional, Sequence

import pandas as pd

from growbench.analysis.doubts import DIFFERENCE
from growbench.comparison import doubted, verdict
from growbench.comparison.confirmation import combine, flagged
from growbench.comparison.live import EXPERIMENTS, sides
from growbench.comparison.output import Document
from growbench.comparison.run import Run
from growbench.comparison.same_machine import (
    Comparison,
    LEAST_THRESHOLD,
    SLOWER,
    Settings,
    compare,
    compare_sides,
    in_blocks,
    threshold_from,
)
from growbench.comparison.sharing import (
    HEADLINES_AND_PEAK,
    Sides,
    TIMED,
    bring_together,
    family_words,
    not_shared,
    passes_of,
    usual_metrics,
)
from growbench.data.errors import UsageError
from growbench.data.load import first_row, read_runs
from growbench.data.metrics import COMPARED, Metric, metric, on_one_basis
from growbench.data.rounds import rounds_of_all
from growbench.data.text import printable
from growbench.tables.table import Table

# A headline that resists slow builds does not see more of them, or slower ones. Beside it their own
# figure is looked at; it varies more, so that only a larger slowdown is told.
_TAIL, _TAIL_OF = metric("warm_tail"), metric("warm_build_release")
_LEAST_OF_TAIL = 0.25


class Request(NamedTuple):
    """What the user wants to know. threshold: theta that was asked for, as a share; None: 5%, or
    what the machine's A/A experiment says. limit: how many families are shown, 0 for all.
    in_short: what only somebody who looks closer asks for may be left out, as it takes time."""

    metrics: Sequence[Metric]
    threshold: Optional[float] = None
    limit: int = 20
    in_short: bool = False


def add_arguments(
    parser: argparse.ArgumentParser,
    formats: Sequence[str],
    metrics: Sequence[str] = HEADLINES_AND_PEAK,
) -> None:
    """The options that all comparisons of one machine have. metrics: compared by default."""
    parser.add_argument(
        "--metric",
        nargs="+",
        choices=[row.name for row in COMPARED],
        metavar="NAME",
        help="what to compare, of %(choices)s (default: "
        + " ".join(metrics)
        + ", and what copying patterns or latencies have, where the runs are of these)",
    )
    parser.add_argument(
        "--threshold",
        type=percentage,
        metavar="PERCENT",
        help="the smallest slowdown that counts as a regression "
        "(default: 5, or more if the machine's A/A experiment says so)",
    )
    parser.add_argument(
        "--aa-run",
        metavar="RUN",
        help="the machine's A/A experiment (default: the newer of aa-MACHINE and selftest-MACHINE "
        "beside the runs)",
    )
    parser.add_argument(
        "--all", action="store_true", help="show all families, not only what needs a look"
    )
    parser.add_argument(
        "--format", choices=formats, default="terminal", help="default: %(default)s"
    )
    parser.add_argument("--color", choices=("auto", "always", "never"), default="auto")


def columns(metrics: Sequence[Metric]) -> set[str]:
    """The columns of runs.csv that a comparison of these metrics reads, besides a row's keys."""
    wanted = {"payload_bytes", "peak_resolution_bytes", "status_detail", *doubted.COLUMNS}
    wanted |= {"allocator_version", "allocator_build_id", "implementation_version"}
    wanted |= {*_TAIL.needed} if _TAIL_OF in metrics else set()
    return wanted.union(*(metric.needed for metric in metrics))


def request(options: argparse.Namespace, usual: Sequence[str] = HEADLINES_AND_PEAK) -> Request:
    """What the options of add_arguments() ask for. usual: the metrics without --metric."""
    return Request(
        [metric(name) for name in dict.fromkeys(options.metric or usual)],
        options.threshold,
        0 if options.all else Request([]).limit,
    )


def percentage(text: str) -> float:
    """A percentage above 0, for argparse, as a share."""
    value = float(text) / 100.0
    if not 0.0 < value < 100.0:
        raise ValueError(text)
    return value


def aa_folder(run_path: Path, machine_id: str) -> Optional[Path]:
    """Where the machine's own A/A experiment lies, if there is one beside the run: aa-MACHINE or
    selftest-MACHINE, the newer of them."""
    folder = run_path.absolute().parent
    if run_path.is_file():
        folder = folder.parent
    places = [folder / f"{kind}-{machine_id}" for kind in EXPERIMENTS]
    # A run_id ends with the time at which the run began.
    found = [
        (first_row(place / "runs.csv")["run_id"], place)
        for place in places
        if (place / "runs.csv").is_file()
    ]
    return max(found)[1] if found else None


def experiment(
    asked: Optional[str], run_paths: Sequence[Path], machine_id: str, metrics: Sequence[Metric]
) -> Optional[pd.DataFrame]:
    """The rows of the machine's A/A experiment: that which was asked for, or else one beside the
    runs; None if there is none. Raises UsageError for what is none, or of another machine."""
    found = (aa_folder(path, machine_id) for path in run_paths)
    places = [Path(asked)] if asked else [place for place in found if place is not None]
    if not places:
        return None
    folder = places[0]
    rows = read_runs(folder, columns(metrics))
    if sides(rows) is None:
        raise UsageError(f"{folder} is no A/A experiment; make one with: make aa")
    if rows["machine_id"].iloc[0] != machine_id:
        other = printable(str(rows["machine_id"].iloc[0]))
        raise UsageError(f"{folder} is the A/A experiment of {other}, not of {machine_id}")
    return rows


def settings_for(
    request: Request, same: Optional[pd.DataFrame], paired: bool, runs: Sequence[pd.DataFrame]
) -> tuple[Settings, str]:
    """The thresholds for a comparison of `runs`, and where they come from in words.

    same: the rows of the machine's A/A experiment, a live comparison of a build with itself. It is
    cut into pairs of as many rounds as the runs have: more rounds would promise too much.
    """
    plain = Settings(paired=paired)
    if request.threshold is not None:
        chosen = plain._replace(
            family_threshold=request.threshold, cell_threshold=request.threshold
        )
        return chosen, f"theta {request.threshold:.1%}, as asked for"
    both = sides(same) if same is not None else None
    if both is None:
        why = "this machine has no A/A experiment (make selftest, make aa)"
        return plain, f"theta {LEAST_THRESHOLD:.0%}: {why}"
    timed = passes_of(request.metrics)
    if not any(of in timed for side in both for of in side["pass"].unique()):
        why = "this machine's A/A experiment has no such rows"
        return plain, f"theta {LEAST_THRESHOLD:.0%}: {why}"
    # By the columns that the runs are read by.
    alike = [on_one_basis([side, *runs], request.metrics)[0][0] for side in both]
    rounds = min((rounds_of_all(rows, timed)[0] or 1 for rows in runs), default=1)
    base, new = (in_blocks(side, rounds) for side in alike)
    # Each pair under an allocator's name of its own: one comparison of all is faster than many.
    all_base, all_new = (
        pd.concat(
            [rows.assign(allocator=rows["allocator"] + f"#{i}") for i, rows in enumerate(side)]
        )
        for side in (base, new)
    )
    settings = threshold_from([compare(all_base, all_new, request.metrics, Settings(paired=True))])
    of_pairs = int(base[0]["round"].nunique())
    return (
        settings._replace(paired=paired),
        f"theta {settings.family_threshold:.1%} for families, {settings.cell_threshold:.1%} for "
        f"cells: the 99th percentile of {len(base)} A/A pairs of {of_pairs} rounds of this "
        "machine, at least 5%",
    )


def looked_at(base: pd.DataFrame, new: pd.DataFrame, request: Request) -> tuple[set[str], set[str]]:
    """The passes whose cells the metrics are of, and those of which it is told that a run lacks
    them: all of them, unless it was asked for some metrics only."""
    asked = passes_of(request.metrics)
    names = [one.name for one in request.metrics]
    usual = usual_metrics([base, new])
    times = [name for name in usual if metric(name).unit == "ns"]
    return asked, set(TIMED) if names in (usual, times) else asked


def tail_notes(both: Sides, request: Request, settings: Settings) -> list[str]:
    """Whether slow builds became more or slower, where the headline would not show it."""
    if _TAIL in request.metrics or _TAIL_OF not in request.metrics:
        return []
    if not all(set(_TAIL.columns) <= set(side) for side in (both.base, both.new)):
        return []
    least = max(settings.family_threshold, _LEAST_OF_TAIL)
    stricter = settings._replace(family_threshold=least, cell_threshold=least)
    found = compare_sides(both, [_TAIL], stricter)
    families = found.families
    slower = families[families["verdict"] == SLOWER]
    if slower.empty:
        return []
    first = slower.sort_values("ratio", ascending=False).iloc[0].to_dict()
    return [
        f"slow builds are slower, or more, in {len(slower)} of {len(families)} families, such as "
        f"{family_words(first)}: {verdict.family_change(first, found)}, at the 95th percentile of "
        f"a worker's warm builds; more with --metric {_TAIL.name}"
    ]


def compare_live(
    runs: pd.DataFrame,
    fresh: Optional[pd.DataFrame],
    names: tuple[str, str],
    request: Request,
    settings: Settings,
    origin: str,
) -> Document:
    """Compare the two sides of a live comparison.

    fresh: the rows of its confirmation; None if nothing was flagged.
    """
    base, new = both_sides(runs)
    both = bring_together(base, new)
    first = compare_sides(both, request.metrics, settings)
    wanted = flagged(first)
    second = None
    notes = [origin]
    if fresh is not None:
        second = compare(*both_sides(fresh), request.metrics, settings, only=wanted)
        why = "flagged, or left open," if settings.resolve else "flagged,"
        notes.insert(0, f"{len(wanted)} families were {why} and judged on fresh data")
        if len(second.families) < len(wanted):
            notes[0] += f"; {len(wanted) - len(second.families)} of them have none"
    elif len(wanted):
        why = "slower or faster, or are left open" if settings.resolve else "slower or faster"
        notes.insert(0, f"{len(wanted)} families look {why}, which was not confirmed")
    judged = combine(first, second)
    run = [Run("the run", runs)]
    doubts = doubted.of_runs(run, DIFFERENCE)
    doubts += doubted.of_cells(verdict.moved_cells(judged), run, DIFFERENCE)
    notes = [*not_shared(base, new, names), *tail_notes(both, request, settings), *notes]
    return _document(judged, names, [*doubts, *notes], request.limit)


def both_sides(runs: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """sides() of a run that has them; otherwise ValueError."""
    both = sides(runs)
    if both is None:
        raise ValueError("no live comparison")
    return both


def _document(
    judged: Comparison, labels: tuple[str, str], notes: Sequence[str], limit: int
) -> Document:
    """Sentences and tables of a live comparison."""
    tables: list[Table] = []
    if not judged.families.empty:
        tables = verdict.tables(judged, labels, limit)
    if len(judged.lost):
        tables.append(verdict.lost_table(judged.lost))
    title = f"{labels[1]} against {labels[0]}"
    lines = [printable(line) for line in (*verdict.sentences(judged, labels), *notes)]
    return Document(printable(title), lines, tables, verdict.exit_status(judged))
