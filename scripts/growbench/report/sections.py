"""The report's tables: what a reader looks up, cell by cell.

Long tables are whole on the screen. Paper has of the first of them the rows of the article's size,
of the others nothing, and says where they are: nobody reads a thousand rows on paper, and to set
them would take most of the report's time.
"""

from typing import Callable, NamedTuple, Optional, Sequence

import numpy as np
import pandas as pd

from growbench.analysis.attribution import parts_of
from growbench.data.columns import CELL
from growbench.data.statuses import STATUSES
from growbench.analysis.doubts import DOUBTS
from growbench.analysis.instructions import COUNTED
from growbench.data.implementations import is_compiled
from growbench.analysis.latency import PERCENTILES
from growbench.data.metrics import metric
from growbench.findings import factors
from growbench.findings.curves import CROSSOVER_COLUMNS, GROWTH_COLUMNS
from growbench.findings.evidence import Evidence
from growbench.analysis.shapes import crossings, exponents
from growbench.tables.table import Column, Table

# A table of more rows than this is shortened on paper, or left out.
PAPER_ROWS, LEFT_OUT_ROWS = 70, 25
_VARYING = ("implementation", "row_bytes", "threads", "work")
_PROCESSES = {"cold_build_release": "fresh", "warm_build_release": "steady"}


class Listing(NamedTuple):
    """A table of the report. on_paper: for each row, whether paper has it. file: of the run, where
    all of it stands; "" if none does."""

    table: Table
    on_paper: Sequence[bool]
    file: str = ""


def listings(evidence: Evidence) -> list[Listing]:
    """The tables that there is something in, in the order of the report."""
    made = [
        headlines(evidence),
        *growth_factors(evidence),
        shares(evidence),
        counts(evidence),
        appends(evidence),
        growth(evidence),
        crossed(evidence),
        limits(evidence),
        doubts(evidence),
        statuses(evidence),
    ]
    return [listing for listing in made if listing is not None]


def _listing(table: Table, file: str = "") -> Optional[Listing]:
    """Nothing if the table is empty; on paper if it is short."""
    count = len(table.frame)
    return Listing(table, [count <= LEFT_OUT_ROWS] * count, file) if count else None


def _cell_columns(frame: pd.DataFrame) -> list[Column]:
    """What tells the cells apart: strategy, allocator, rows, and what else varies."""
    kinds = {"row_bytes": "count", "threads": "count"}
    labels = {"implementation": "written in", "row_bytes": "row bytes"}
    return [
        Column("strategy", "strategy"),
        Column("allocator", "allocator"),
        Column("rows", "rows", "count"),
        *(
            Column(key, labels.get(key, key), kinds.get(key, "text"))
            for key in _VARYING
            if frame[key].nunique() > 1
        ),
    ]


def _spaced(names: pd.Series) -> list[str]:
    """Names that were joined for a CSV file, as text for people."""
    return [joined.replace(";", ", ") for joined in names]


def headlines(evidence: Evidence) -> Optional[Listing]:
    frame = evidence.data.summary
    columns = [*_cell_columns(frame), Column("ok_count", "workers", "count")]
    for name, label in (("cold_build_release", "cold"), ("warm_build_release", "warm")):
        of = metric(name)
        columns.append(Column(of.column("median"), label, "ns", help=f"{of.label}, median"))
        low, high = of.column("ci_low"), of.column("ci_high")
        columns.append(Column(low, "95% interval", "interval:ns", high))
    columns += [
        Column("peak_memory_median_bytes", "peak", "bytes"),
        Column("peak_memory_ratio", "\N{DIVISION SIGN} payload", "factor"),
        Column("cold_build_minor_fault_median_count", "page faults", "count"),
        Column("status", "status"),
        Column("predicted_cold_build_release_ns", "predicted cold", "ns"),
        Column(
            "predicted_cold_build_release_low_ns",
            "its interval",
            "interval:ns",
            "predicted_cold_build_release_high_ns",
        ),
        Column("doubts", "doubts"),
    ]
    columns = [
        column
        for column in columns
        if not column.name.startswith("predicted") or frame[column.name].notna().any()
    ]
    frame = frame.assign(doubts=_spaced(frame["doubts"]))
    table = Table("headlines", "Every cell: times, peak memory, status, doubts", columns, frame)
    listing = _listing(table, "summary.csv")
    return listing and listing._replace(on_paper=_of_main_size(frame, evidence))


def growth_factors(evidence: Evidence) -> list[Optional[Listing]]:
    """What stands behind the finding of growth factors."""
    found = factors.answer(evidence)
    return [_listing(table) for table in found.tables[1:]] if found else []


def _of_main_size(frame: pd.DataFrame, evidence: Evidence) -> list[bool]:
    """The rows of the article's size, of our kernels if these are too many."""
    if len(frame) <= LEFT_OUT_ROWS:
        return [True] * len(frame)
    chosen = (frame["rows"] == evidence.rows).to_numpy()
    if chosen.sum() > PAPER_ROWS:
        main = set(evidence.main.summary["implementation"])
        chosen &= frame["implementation"].isin(main).to_numpy()
    return [bool(of_size) for of_size in chosen & (np.cumsum(chosen) <= PAPER_ROWS)]


def shares(evidence: Evidence) -> Optional[Listing]:
    if evidence.data.limits.empty:
        return None
    frame = evidence.data.attribution
    measured = frame["cold_build_ns"].where(frame["cold_build_ns"] > 0)
    parts = parts_of(frame)
    shown = {f"{part.name}_share": frame[part.name] / measured for part in parts}
    frame = frame.assign(**shown, rest_share=frame["rest_ns"] / measured)
    faults = [Column("page_fault_count", "page faults", "count")]
    if (frame["huge_fault_count"] > 0).any():
        faults.append(Column("huge_fault_count", "huge ones of these", "count"))
    columns = [
        *_cell_columns(frame),
        Column("cold_build_ns", "cold build", "ns"),
        *(Column(f"{part.name}_share", part.label, "whole_share") for part in parts),
        Column("rest_share", "rest", "whole_share"),
        Column("realloc_in_place_count", "reallocs in place", "count"),
        Column("realloc_moved_count", "moved", "count"),
        Column("copy_amplification", "copied \N{DIVISION SIGN} payload", "factor"),
        *faults,
        Column("system_call_count", "system calls", "count"),
        Column("floor_ratio", "\N{DIVISION SIGN} floor", "factor"),
    ]
    notes = (
        "Shares are counts \N{MULTIPLICATION SIGN} what each thing costs on this machine, over the "
        "measured time: they need not add up to 100%, and the rest may be below 0.",
    )
    table = Table("shares", "Where the time of each cold build goes", columns, frame, notes)
    return _listing(table, "attribution.csv")


def counts(evidence: Evidence) -> Optional[Listing]:
    """Instructions beside the times of the same cells."""
    frame = evidence.data.instructions
    frame = frame[frame["status"] == "ok"]
    if frame.empty:
        return None
    times = [metric(name).column("median") for name in ("cold_build", "warm_build_release")]
    keys = list(CELL)
    frame = frame.join(evidence.data.run.set_index(keys)[times], on=keys)
    cold, warm = COUNTED[0], COUNTED[-1]
    frame["cold_per_row"] = frame[cold.column] / frame["rows"]
    frame["warm_per_row"] = frame[warm.column] / frame["rows"]
    columns = [
        *_cell_columns(frame),
        Column(cold.column, "cold build", "count"),
        Column("cold_per_row", "a row", "factor"),
        Column(cold.spread, "largest \N{MINUS SIGN} smallest", "count"),
        Column(times[0], "its time", "ns"),
        Column(warm.column, "warm build and release", "count"),
        Column("warm_per_row", "an append", "factor"),
        Column(warm.spread, "largest \N{MINUS SIGN} smallest", "count"),
        Column(times[1], "their time", "ns"),
    ]
    notes = (
        "Counted by Valgrind's Callgrind, from outside of the allocator: they do not depend on how "
        "fast the machine is, or on what else it does.",
    )
    table = Table("instructions", "Instructions, and times beside them", columns, frame, notes)
    return _listing(table, "instructions.csv")


def appends(evidence: Evidence) -> Optional[Listing]:
    frame = evidence.data.latency
    frame = frame.assign(near_timer=_spaced(frame["near_timer"]))
    columns = [
        *_cell_columns(frame),
        *(Column(p.column, p.name if p.one_in else "slowest", "ns") for p in PERCENTILES),
        Column("latency_slowest_share", "share of the slowest 0.1%", "whole_share"),
        Column("latency_timer_ns", "reading the clock", "ns"),
        Column("near_timer", "too near the clock"),
    ]
    table = Table("appends", "Single appends", columns, frame)
    return _listing(table, "latency.csv")


def growth(evidence: Evidence) -> Optional[Listing]:
    run = evidence.run
    frame = _of_both(lambda name: exponents(run.runs, run.machine, metric(name)))
    frame = frame[frame["exponent"].notna()]
    frame = frame.assign(regimes=np.where(frame["straddles"].astype(bool), "straddles", "one"))
    curve = [column for column in _cell_columns(frame.assign(rows=0)) if column.name != "rows"]
    of_curve = [column for column in GROWTH_COLUMNS if column.name not in CELL]
    columns = [*curve, Column("process", "process"), *of_curve]
    title = "Growth: time as rows to this power, over the largest sizes"
    return _listing(Table("growth", title, columns, frame))


def _of_both(make: Callable[[str], pd.DataFrame]) -> pd.DataFrame:
    """The table of a first build's time and below it that of the steady state's."""
    tables = [make(name).assign(process=process) for name, process in _PROCESSES.items()]
    return pd.concat(tables, ignore_index=True)


def crossed(evidence: Evidence) -> Optional[Listing]:
    frame = _of_both(lambda name: crossings(evidence.run.runs, metric(name)))
    frame = frame[frame["ci_low"].notna()]
    # Nobody chooses between C and NumPy by the number of rows.
    kinds = [frame[f"implementation_{side}"].map(is_compiled) for side in "ab"]
    frame = frame[kinds[0] == kinds[1]].reset_index(drop=True)
    varying = [key for key in ("row_bytes", "threads", "work") if frame[key].nunique() > 1]
    columns = [
        Column("process", "process"),
        Column("allocator", "allocator"),
        *(Column(key, key.replace("_", " ")) for key in varying),
        # Without the allocator, and the gains, which are at most so much there.
        *CROSSOVER_COLUMNS[1:-2],
        Column("gain_below", "gain below", "factor"),
        Column("gain_above", "gain above", "factor"),
    ]
    title = "Crossovers of strategies on the same allocator"
    return _listing(Table("crossed", title, columns, frame))


def limits(evidence: Evidence) -> Optional[Listing]:
    columns = [
        Column("probe", "probe"),
        Column("allocator", "allocator"),
        Column("probe_bytes", "bytes", "count"),
        Column("probe_median_ns", "one operation", "ns"),
        Column("probe_min_ns", "range of the visits", "interval:ns", "probe_max_ns"),
        Column("bytes_per_ns", "bytes per ns", "factor"),
        Column("drift_share", "drift", "share"),
        Column("status", "status"),
    ]
    table = Table("limits", "What this machine can do", columns, evidence.data.limits)
    return _listing(table, "limits.csv")


def doubts(evidence: Evidence) -> Optional[Listing]:
    """How many cells have each doubt, with what it means and touches; those that none has are left
    out."""
    measured = evidence.data.summary[evidence.data.summary["ok_count"] > 0]
    parts = measured["doubts"].str.split(";").explode()
    names = parts.str.split(":").str[0]
    rows = []
    for doubt in DOUBTS:
        figures = [figure for figure in doubt.figures if (parts == f"{doubt.name}:{figure}").any()]
        count = parts.index[names == doubt.name].nunique()
        if count:
            touched = (", ".join(figures), ", ".join(doubt.conclusions))
            rows.append((doubt.name, count, count / len(measured), doubt.meaning, *touched))
    columns = (
        Column("doubt", "doubt"),
        Column("count", "cells", "count"),
        Column("share", "of those with figures", "whole_share"),
        Column("meaning", "meaning"),
        Column("figures", "figures"),
        Column("conclusions", "not to be relied on for"),
    )
    frame = pd.DataFrame(rows, columns=[column.name for column in columns])
    return _listing(Table("doubts", "Doubts", columns, frame))


def statuses(evidence: Evidence) -> Optional[Listing]:
    """What became of the workers, pass by pass, with the first detail of each."""
    runs = evidence.run.runs
    grouped = runs.groupby(["pass", "status"], sort=True)
    frame = grouped.agg(count=("status", "size"), detail=("status_detail", "first")).reset_index()
    cells = runs.drop_duplicates([*CELL, "pass", "status"]).groupby(["pass", "status"]).size()
    frame["cells"] = [int(cells[key]) for key in zip(frame["pass"], frame["status"])]
    frame["meaning"] = [
        detail if status not in STATUSES else STATUSES[status]
        for status, detail in zip(frame["status"], frame["detail"])
    ]
    frame["detail"] = frame["detail"].where(frame["status"] != "ok", "")
    columns = (
        Column("pass", "pass"),
        Column("status", "status"),
        Column("count", "workers", "count"),
        Column("cells", "cells", "count"),
        Column("meaning", "meaning"),
        Column("detail", "the first of them says"),
    )
    return _listing(Table("statuses", "What became of the workers", columns, frame))
