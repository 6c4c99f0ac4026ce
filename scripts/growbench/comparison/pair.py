"""Compare a pair of runs of one machine, from reading to what is said about it."""

from pathlib import Path
from typing import NamedTuple, Optional, Sequence

import pandas as pd

from growbench.comparison import verdict
from growbench.comparison.live import sides
from growbench.comparison.output import Document
from growbench.comparison.same_machine import (
    LEAST_THRESHOLD,
    Settings,
    compare,
    threshold_from,
)
from growbench.comparison.sharing import not_shared
from growbench.metrics import Metric
from growbench.tables import Table


class Wish(NamedTuple):
    """What the user wants to know. threshold: theta that was asked for, as a share; None: 5%, or
    what the machine's A/A experiment says. limit: how many families are shown, 0 for all."""

    metrics: Sequence[Metric]
    threshold: Optional[float] = None
    without_common: bool = False
    limit: int = 20


def aa_folder(run_path: Path, machine_id: str) -> Optional[Path]:
    """Where the machine's own A/A experiment lies, if there is one: aa-MACHINE beside the run."""
    folder = run_path.absolute().parent
    if run_path.is_file():
        folder = folder.parent
    found = folder / f"aa-{machine_id}"
    return found if (found / "runs.csv").is_file() else None


def settings_for(wish: Wish, same: Optional[pd.DataFrame], paired: bool) -> tuple[Settings, str]:
    """The thresholds, and where they come from in words.

    same: the rows of the machine's A/A experiment, a live comparison of a build with itself.
    """
    plain = Settings(paired=paired)
    if wish.threshold is not None:
        chosen = plain._replace(family_threshold=wish.threshold, cell_threshold=wish.threshold)
        return chosen, f"theta {wish.threshold:.1%}, as asked for"
    both = sides(same) if same is not None else None
    if both is None:
        return plain, f"theta {LEAST_THRESHOLD:.0%}: this machine has no A/A experiment (make aa)"
    settings = threshold_from(compare(*both, wish.metrics, Settings(paired=True)))
    return (
        settings._replace(paired=paired),
        f"theta {settings.family_threshold:.1%} for families, {settings.cell_threshold:.1%} for "
        "cells: the 99th percentile of this machine's A/A experiment, at least 5%",
    )


def compare_pair(
    base: pd.DataFrame,
    new: pd.DataFrame,
    labels: tuple[str, str],
    wish: Wish,
    settings: Settings,
    origin: str,
) -> Document:
    """Compare the rows of two runs of one machine, or the two sides of a live comparison."""
    raw = compare(base, new, wish.metrics, settings)
    without = compare(base, new, wish.metrics, settings, without_common=True)
    view = verdict.View(raw, without, without if wish.without_common else raw, labels)
    lines = verdict.sentences(view) + not_shared(base, new, labels) + [origin]
    tables: list[Table] = []
    if not raw.families.empty:
        tables = [verdict.overview(view), verdict.families_table(view.judged, wish.limit)]
        if view.judged.cells["family_rejected"].any():
            tables.append(verdict.cells_table(view.judged))
    if len(raw.lost):
        tables.append(verdict.lost_table(raw))
    title = f"{labels[1]} against {labels[0]}"
    return Document(title, lines, tables, verdict.exit_status(view.judged))
