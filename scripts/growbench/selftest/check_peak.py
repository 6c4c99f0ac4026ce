"""Is a known peak of memory read right?"""

import os
import re

import pandas as pd

from growbench.selftest.bench import Bench, failures
from growbench.selftest.check import Check
from growbench.selftest.outcome import FAILED, Finding, Outcome, UNKNOWN, judged
from growbench.data.units import show

STRATEGY, MIB = "fresh_pages", 16
_ADVICE = (
    "do not trust peaks and ratios of memory; make bench-peak shows single readings, and "
    "harness/README.md how they are made"
)
_UNREADABLE = "let this process write to /proc/self/clear_refs (sandboxes and containers forbid it)"


def measure(bench: Bench) -> pd.DataFrame:
    """A known number of pages, after a peak four times as high, on each allocator."""
    page = os.sysconf("SC_PAGESIZE")
    size = f"--rows {(MIB << 20) // page} --row-bytes {page} --rounds 3 --passes measure"
    return bench.run("peak", *bench.known(STRATEGY), *bench.chosen(), *size.split()).rows


def judge(rows: pd.DataFrame) -> list[Finding]:
    expected = (
        f"{MIB} MiB after an earlier peak of {4 * MIB} MiB are read within the resolution that is "
        "stated"
    )
    failed = failures(rows)
    if failed:
        return [Finding(expected, failed, FAILED, "growbench doctor says more")]
    rows = rows[rows["status"] == "ok"]
    off = (rows["peak_memory_bytes"] - rows["payload_bytes"]).abs()
    if off.isna().all():
        return [Finding(expected, "no peak could be read", UNKNOWN, _UNREADABLE)]
    worst = off.groupby(rows["allocator"]).max()
    within = rows["peak_resolution_bytes"].groupby(rows["allocator"]).min()
    got = "; ".join(
        f"{name} off by {show(worst[name], 'bytes')} (stated: {show(within[name], 'bytes')})"
        for name in worst.index
    )
    return [judged(expected, got, bool((worst <= within).all()), _ADVICE)]


def beside_ballast(bench: Bench, names: list[str]) -> Finding:
    """Known amounts while the runner holds 300 MiB, which a worker must not inherit."""
    done = bench.ask(bench.runner, "peak", "--allocators", ",".join(names))
    return judge_ballast(done.returncode, done.stdout, names)


def judge_ballast(status: int, text: str, names: list[str]) -> Finding:
    """Of what `growbench peak` has printed, and its exit status."""
    expected = (
        f"1 MiB to 1 GiB on {' and '.join(names)} are read within 64 pages while the runner holds "
        "300 MiB"
    )
    found = re.search(r"^largest difference: (\d+) KiB", text, re.M)
    if not found:
        return Finding(expected, f"growbench peak ended in {status}", UNKNOWN, "make bench-peak")
    if re.search(r"\bnone\b", text):
        advice = f"give it 1.4 GiB of memory, and {_UNREADABLE}"
        return Finding(expected, "some peaks could not be read", UNKNOWN, advice)
    return judged(expected, f"off by {found[1]} KiB at most", status == 0, _ADVICE)


def run(bench: Bench) -> Outcome:
    rows = measure(bench)
    measured = dict.fromkeys(rows.loc[rows["status"] == "ok", "allocator"])
    known = [name for name in measured if name not in _own_names(bench)]
    findings = judge(rows)
    if known:
        # The C library's, and one other: each takes seconds.
        findings.append(beside_ballast(bench, sorted(known, key=lambda name: name != "glibc")[:2]))
    return Outcome(findings)


def _own_names(bench: Bench) -> list[str]:
    return [text.split("=", 1)[0] for text in bench.more_allocators]


CHECK = Check("peak", "a known peak of memory is read right", run)
