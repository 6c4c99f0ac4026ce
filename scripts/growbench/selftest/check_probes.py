"""Do probes of the machine say the same each time?"""

import pandas as pd

from growbench.data.columns import PROBE
from growbench.analysis.limits import drift_text, machine_limits
from growbench.selftest.bench import Bench, Measured, failures, noisy
from growbench.selftest.check import Check
from growbench.selftest.outcome import FAILED, Finding, Outcome, PASSED, UNKNOWN
from growbench.data.units import show

# Half of the probes have to be within this from visit to visit.
MOST_DRIFT = 0.10


def measure(bench: Bench) -> Measured:
    words = "--implementations c --strategies realloc_doubling --rows 100 --allocators glibc"
    return bench.run("probes", *words.split(), "--rounds", "3", "--passes", "probe")


def judge(limits: pd.DataFrame, failed: str, advice: str) -> list[Finding]:
    """limits: as machine_limits() returns them. failed: in words. advice: if they drifted."""
    expected = f"half of the probes are within {MOST_DRIFT:.0%} in three visits"
    drift = limits["drift_share"].dropna()
    if failed or drift.empty:
        got = failed or "no probe could be made"
        return [Finding(expected, got, FAILED, "growbench list says what probes there are")]
    got = f"half are within {show(float(drift.median()), 'share')}; {drift_text(limits)}"
    if drift.median() <= MOST_DRIFT:
        return [Finding(expected, got, PASSED)]
    return [Finding(expected, got, UNKNOWN, advice)]


def run(bench: Bench) -> Outcome:
    measured = measure(bench)
    rows = measured.rows
    limits = machine_limits(rows)
    findings = judge(limits, failures(rows[rows["pass"] == PROBE]), noisy(measured.machine))
    return Outcome(findings, {"probe_drift_median_share": float(limits["drift_share"].median())})


CHECK = Check("probes", "probes of the machine say the same each time", run)
