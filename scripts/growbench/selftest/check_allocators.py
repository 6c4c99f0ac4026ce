"""Is each allocator the one that is named?"""

from typing import Callable

import pandas as pd

from growbench.data.description import fact
from growbench.selftest.bench import Bench, IMPOSTOR, Measured
from growbench.selftest.check import Check
from growbench.selftest.outcome import FAILED, Finding, Outcome, PASSED, UNKNOWN, judged

LABEL = "impostor"
_MISSING = "unavailable"


def measure(bench: Bench) -> Measured:
    """One short cell on each, and on a library that is no allocator."""
    words = bench.chosen(f"{LABEL}={bench.beside(IMPOSTOR)}")
    cell = (
        "--implementations c --strategies realloc_doubling --rows 100 --rounds 1 --passes measure"
    )
    return bench.run("allocators", *words, *cell.split())


def judge(measured: Measured, is_required: Callable[[str], bool]) -> list[Finding]:
    """is_required: was an allocator of this label asked for by name, so that it must not be
    missing?"""
    rows = measured.rows
    impostor = rows[rows["allocator"] == LABEL]
    others = rows[rows["allocator"] != LABEL]
    return [_named(others, _files(measured.machine), is_required), _refused(impostor)]


def _files(machine: dict) -> dict[str, str]:
    """The file that each label is to stand for."""
    described = fact(machine, "allocators", type=list) or []
    return {one.get("name"): one.get("path") for one in described}


def _named(
    rows: pd.DataFrame, files: dict[str, str], is_required: Callable[[str], bool]
) -> Finding:
    expected = "a worker on each allocator finds malloc in the file that is named"
    wrong, right, missing = [], [], []
    for row in rows.to_dict("records"):
        name, path = row["allocator"], row["allocator_path"]
        if row["status"] == _MISSING:
            missing.append(name)
        elif row["status"] != "ok":
            wrong.append(f"{name}: {row['status']}: {row['status_detail']}")
        elif not path or path != files.get(name):
            wrong.append(f"{name}: malloc is in {path or 'no file'}, not in {files.get(name)}")
        else:
            right.append(f"{name} {row['allocator_version']}".strip())
    if wrong or not right:
        got = "; ".join(wrong) or "no allocator could be measured"
        advice = "give the file of an allocator for this machine; growbench doctor shows each"
        return Finding(expected, got, FAILED, advice)
    required = [name for name in missing if is_required(name)]
    if required:
        got = f"asked for, and not installed: {', '.join(required)}"
        return Finding(expected, got, UNKNOWN, "install it: growbench doctor says how")
    also = f"; not installed: {', '.join(missing)}" if missing else ""
    return Finding(expected, ", ".join(right) + also, PASSED)


def _refused(rows: pd.DataFrame) -> Finding:
    statuses = sorted(set(rows["status"]))
    return judged(
        "a library that is no allocator is refused under an allocator's name",
        f"{IMPOSTOR}: {', '.join(statuses) or 'not measured'}",
        statuses == ["wrong_allocator"],
        "do not trust any allocator's figures: report this, with what growbench doctor prints",
    )


def run(bench: Bench) -> Outcome:
    return Outcome(judge(measure(bench), bench.names))


CHECK = Check("allocators", "each allocator is the one that is named", run)
