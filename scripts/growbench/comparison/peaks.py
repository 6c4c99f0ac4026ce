"""Peak memory over payload, machine beside machine."""

import numpy as np
import pandas as pd

from growbench.analysis.shapes import CURVE, measured
from growbench.comparison.claim_tables import of_each_run
from growbench.comparison.claims import Estimates, Shared, across, overlap
from growbench.comparison.estimate_tables import ALWAYS, agreement_frame, key_columns
from growbench.comparison.run import Run
from growbench.comparison.sharing import cell_words
from growbench.data.columns import CELL
from growbench.data.metrics import metric
from growbench.data.units import show
from growbench.statistics.order import grouped_order
from growbench.tables.table import Column, Table

PEAK = "peak_memory"


def _peaks(run: Run) -> pd.DataFrame:
    """Peak memory over payload of each cell, with the resolution of the reading as interval.

    Formula: the median over workers of peak / payload; ci_low and ci_high are the interval's ends,
    moved apart by peak_resolution_bytes / payload, since the reading may be off by so much.
    """
    table = measured(run.runs, metric(PEAK))
    grouped = table.groupby(list(CELL), sort=True)
    result = grouped["payload_bytes"].first().reset_index()
    payload = result["payload_bytes"].to_numpy(dtype=float)
    order = grouped_order(table["value"], grouped.ngroup().to_numpy(dtype=int), len(result))
    off = float(run.runs["peak_resolution_bytes"].max())
    return result.assign(
        ratio=order.median / payload,
        ci_low=(order.low - off) / payload,
        ci_high=(order.high + off) / payload,
    )


def memory(common: Shared) -> tuple[Table, list[str]]:
    """Peak over payload at the largest size of each curve that all have a figure of."""
    found = across(of_each_run(common.machines, _peaks), CELL, "ratio")
    keys = found.keys
    largest = keys["rows"].eq(keys.groupby(list(CURVE))["rows"].transform("max")).to_numpy()
    found = Estimates(
        keys[largest].reset_index(drop=True), *(part[:, largest] for part in found[1:])
    )
    spread = found.value.max(axis=0) / found.value.min(axis=0) if len(found.keys) else np.zeros(0)
    frame = agreement_frame(common.machines, found, "ratio", PEAK, spread=spread)
    columns = [
        *key_columns(frame, (*ALWAYS, "rows")),
        *(Column(f"{m.label}_ratio", m.label, "factor") for m in common.machines),
        Column("spread", "Largest over smallest", "factor"),
        Column("agree", "Alike"),
    ]
    notes = [
        "At the largest size of each curve that all machines have a figure of. Alike: the "
        "intervals overlap, each widened by the resolution of the reading."
    ]
    table = Table(
        "peak_memory", "Peak memory over payload, per machine", columns, frame, notes, "tone"
    )
    return table, _memory_sentences(found, spread)


def _memory_sentences(found: Estimates, spread: np.ndarray) -> list[str]:
    """For how many curves the machines are alike, and where they are least so."""
    agree = overlap(found.low, found.high)
    known = int((~np.isnan(agree)).sum())
    if not known:
        return []
    alike = int((agree == 1.0).sum())
    said = f"Peak memory over payload is alike on all machines for {alike:,} of {known:,} curves"
    differ = np.flatnonzero(agree == 0.0)
    if len(differ):
        worst = differ[np.argmax(spread[differ])]
        cell = cell_words(found.keys.iloc[worst].to_dict())
        values = ", ".join(
            f"M{i + 1} {show(value, 'ratio')}" for i, value in enumerate(found.value[:, worst])
        )
        said += f"; it differs most for {cell}: {values}"
    return [f"{said}."]
