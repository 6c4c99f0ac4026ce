"""Two sides compared in layers: what changed exactly, what the machine changed, what is left over
in times. This file puts the layers together, and says what it comes to."""

from typing import Collection, NamedTuple, Optional, Sequence

import numpy as np
import pandas as pd

from growbench.analysis.doubts import ABSOLUTE
from growbench.comparison import doubted, layers, pair, priced, several, verdict, within
from growbench.comparison.differences import machine_differences, other_builds
from growbench.comparison.exact_layer import exact_layer
from growbench.comparison.hosts import hosts_of, namesakes
from growbench.comparison.layers import ABSENT, CLEAR, Layer, TIMES, WORSE
from growbench.comparison.output import Document, VERDICTS
from growbench.comparison.run import Run
from growbench.comparison.same_machine import Settings
from growbench.comparison.sharing import (
    FAMILY,
    TIMED,
    lost,
    not_shared,
    other_versions,
    passes_of,
)
from growbench.comparison.verdict import (
    INCONCLUSIVE,
    NO_REGRESSION,
    NOT_COMPARABLE,
    REGRESSION,
)
from growbench.data.columns import CELL, INSTRUCTIONS, TRACE
from growbench.data.metrics import HEADLINES, Metric
from growbench.data.statuses import OK
from growbench.data.text import printable
from growbench.tables.table import Column, NOTHING, Table

# What is compared in time unless something else is asked for; peaks are told exactly.
METRICS = HEADLINES
_HEADINGS = {
    layers.EXACT: "changed exactly",
    layers.MACHINE: "by the machine",
    layers.TIMES: "left over in time",
}
_TONES = ("bad", "good", "unsure", "")
_NO_TIMES = Layer(
    TIMES, ["in time, nothing is compared, as the sides are not of one host"], (), ABSENT
)


class Group(NamedTuple):
    """The runs of one side, at least one. runs: with the rows that were asked for. whole: the same
    runs with all their rows, by which the machine and its doubts are known."""

    runs: Sequence[Run]
    whole: Sequence[Run]

    @property
    def label(self) -> str:
        """The first run's label, and how many there are beside it."""
        more = f" and {len(self.runs) - 1} more" if len(self.runs) > 1 else ""
        return self.runs[0].label + more

    @property
    def rows(self) -> pd.DataFrame:
        """All rows that were asked for."""
        tables = [run.runs for run in self.runs]
        return tables[0] if len(tables) == 1 else pd.concat(tables, ignore_index=True)


class _Parts(NamedTuple):
    """gone: cells that are lost, as lost() has them. one_sided: metrics that were asked for and
    have figures on one side only. notes: what else is to be known."""

    layers: Sequence[Layer]
    gone: pd.DataFrame
    one_sided: Sequence[Metric] = ()
    notes: Sequence[str] = ()


def compare(
    base: Group, new: Group, request: pair.Request, settings: Settings, origin: str
) -> Document:
    """Compare two sides. Times are compared where they are of one host.

    origin: where the thresholds are from, in words.
    """
    document = _compare(base, new, request, settings, origin)
    if len(base.runs) == len(new.runs) == 1:
        beside = within.ratios(base.runs[0], new.runs[0], request.limit <= 0)
        document = document._replace(
            sentences=[*document.sentences, *beside.sentences],
            tables=[*document.tables, *beside.tables],
        )
    if request.in_short:
        return document
    described = machine_differences([base.runs[0], new.runs[0]])
    return document._replace(tables=[*document.tables, described])


def _compare(
    base: Group, new: Group, request: pair.Request, settings: Settings, origin: str
) -> Document:
    exact = exact_layer(base.runs, new.runs)
    machine = priced.machine_layer(base.whole, new.whole, _chosen(base, new))
    labels = (base.label, new.label)
    rows = base.rows, new.rows
    notes = not_shared(*rows, labels, *pair.looked_at(*rows, request))
    notes += other_versions(*rows, labels)
    if of_other_names(base, new):
        # That a cell fails on another machine is no news of the code.
        gone = lost(*(side.head(0) for side in rows))
        return _document(base, new, _Parts((exact, machine, _NO_TIMES), gone, (), notes))
    gone = _gone(*rows)
    if apart(base, new):
        return _document(base, new, _Parts((exact, machine, _NO_TIMES), gone, (), notes))
    times = several.times_layer(base.runs, new.runs, request, settings)
    whole = (*base.whole, *new.whole)
    doubts = [] if request.in_short else doubted.of_runs(whole, ABSOLUTE)
    of_pair = len(base.runs) == len(new.runs) == 1
    times = _with_notes(times, [origin, *doubts] if of_pair else doubts)
    moved = _moved_cells(base, new, times, request)
    notes = [*doubted.of_cells(moved, whole, ABSOLUTE), *notes]
    one_sided = [metric for metric in request.metrics if _is_one_sided(metric, base, new)]
    return _document(base, new, _Parts((exact, machine, times), gone, one_sided, notes))


def of_other_names(base: Group, new: Group) -> bool:
    """Is no run of one side of a machine that has the name of any of the other?"""
    names = [{run.machine_id for run in of.whole} for of in (base, new)]
    return not names[0] & names[1]


def apart(base: Group, new: Group) -> bool:
    """Are the sides of different hosts, or states of one: is any of them that of more than half of
    the runs of one side beyond its share of the other's?"""
    for of in hosts_of([*base.whole, *new.whole]):
        own = {id(run) for run in of.runs}
        of_base, of_new = (np.mean([id(run) in own for run in side.whole]) for side in (base, new))
        if abs(of_base - of_new) > 0.5:
            return True
    return False


def status_of(parts: _Parts, shared: bool) -> int:
    """The exit status. Exact figures decide first; times only where there are several runs a side,
    as only then their layer is more than OPEN: nothing is clear while something looks slower."""
    exact, _, times = parts.layers
    if WORSE in (exact.verdict, times.verdict) or len(parts.gone):
        return REGRESSION
    if not shared:
        return NOT_COMPARABLE
    clear = CLEAR in (exact.verdict, times.verdict) and times.verdict != layers.MOVED
    return NO_REGRESSION if clear and not parts.one_sided else INCONCLUSIVE


def _chosen(base: Group, new: Group) -> Optional[pd.DataFrame]:
    """The cells that were asked for; None if that is all of them."""
    if all(len(a.runs) == len(b.runs) for of in (base, new) for a, b in zip(of.runs, of.whole)):
        return None
    return pd.concat([of.rows[list(CELL)] for of in (base, new)]).drop_duplicates()


def _gone(base: pd.DataFrame, new: pd.DataFrame) -> pd.DataFrame:
    """The cells that are lost in any pass that is compared; each once."""
    return lost(base, new, (*TIMED, TRACE, INSTRUCTIONS)).drop_duplicates(list(CELL))


def _measured(of: Group, metrics: Sequence[Metric], columns: Collection[str]) -> pd.DataFrame:
    """These columns of the rows of a side that have any of the metrics."""
    parts = []
    for run in of.runs:
        rows = run.runs
        timed = rows["pass"].isin(passes_of(metrics)) & (rows["status"] == OK)
        parts.append(rows[list(columns)][timed])
    return pd.concat(parts, ignore_index=True)


def _is_one_sided(metric: Metric, base: Group, new: Group) -> bool:
    has = [
        metric.values(_measured(of, [metric], metric.needed)).notna().any() for of in (base, new)
    ]
    return has[0] != has[1]


def _moved_cells(base: Group, new: Group, times: Layer, request: pair.Request) -> pd.DataFrame:
    """The cells of the families that the layer of times names, for each metric."""
    columns = ["metric", *CELL]
    if times.families is None or times.families.empty:
        return pd.DataFrame(columns=columns)
    cells = [_measured(of, request.metrics, CELL).drop_duplicates() for of in (base, new)]
    both = cells[0].merge(cells[1]).merge(times.families[list(FAMILY)])
    return pd.concat([both.assign(metric=metric.name) for metric in request.metrics])[columns]


def _with_notes(times: Layer, notes: Sequence[str]) -> Layer:
    """The layer whose first table says that as well."""
    if not times.tables:
        return times
    first, *rest = times.tables
    return times._replace(tables=[first._replace(notes=[*first.notes, *notes]), *rest])


def _document(base: Group, new: Group, parts: _Parts) -> Document:
    exact, machine, times = parts.layers
    (counts,) = (table for table in exact.tables if table.name == "counts")
    shared = bool(counts.frame["cell_count"].sum()) or times.verdict != ABSENT
    status = status_of(parts, shared)
    if status == INCONCLUSIVE and of_other_names(base, new):
        # That machines differ is no regression, and what they have in common is told elsewhere.
        status = NO_REGRESSION
    lines = namesakes(hosts_of([*base.whole, *new.whole]))
    lines += other_builds(base.runs[0], new.runs[0])
    tables = []
    if len(parts.gone):
        failed = f"{len(parts.gone)} cells that {base.label} has figures of"
        lines.append(f"workers of {failed} failed in {new.label}")
        tables.append(verdict.lost_table(parts.gone))
    tables = [_together(parts.layers), *tables]
    if shared:
        lines += [*exact.sentences, *machine.sentences, *times.sentences]
        lines += [
            f"{metric.label.lower()}: not compared, since only one side has figures of it"
            for metric in parts.one_sided
        ]
    else:
        lines.append(f"{base.label} and {new.label} have no measured cell in common")
    lines += parts.notes
    for layer in parts.layers:
        tables += layer.tables
    title = _title(base, new, status)
    return Document(title, [printable(line) for line in lines], tables, status)


def _title(base: Group, new: Group, status: int) -> str:
    return printable(f"{new.label} against {base.label}: {VERDICTS[status]}")


def _together(of: Sequence[Layer]) -> Table:
    """The table of all layers: a row for each family of which counts or times have something to
    say; what is worse first. What the machine did to the others is no news of them."""
    rows: dict[tuple, dict] = {}
    for layer in sorted(of, key=lambda layer: layer.name == layers.MACHINE):
        if layer.families is None:
            continue
        for told in layer.families.to_dict("records"):
            key = tuple(told[name] for name in FAMILY)
            if layer.name == layers.MACHINE and key not in rows:
                continue
            row = rows.setdefault(key, {**dict(zip(FAMILY, key)), "tone": ""})
            row[layer.name] = told["text"]
            row["tone"] = min(row["tone"], told["tone"], key=_TONES.index)
    names = [*_HEADINGS, "tone"]
    frame = pd.DataFrame(list(rows.values()), columns=[*FAMILY, *names]).fillna(NOTHING)
    frame = frame.sort_values("tone", key=lambda tones: tones != "bad", kind="stable")
    shown = [name for name in _HEADINGS if name != layers.MACHINE or (frame[name] != NOTHING).any()]
    columns = (
        *verdict.whose(frame),
        Column("strategy", "strategy"),
        Column("allocator", "allocator"),
        *(Column(name, _HEADINGS[name]) for name in shown),
    )
    title = "What changed: a strategy under an allocator"
    return Table("layers", title, columns, frame.reset_index(drop=True), (), "tone")
