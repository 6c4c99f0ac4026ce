"""The machine's limits, their drift, and the latency pass."""

import numpy as np
import pandas as pd
import pytest
from conftest import one_cell
from full_runs import full_run, probe_row

from growbench.data.columns import COLUMNS
from growbench.analysis.latency import PERCENTILES, latencies
from growbench.analysis.limits import Costs, drift_text, machine_limits


def limits_of(*rows: dict) -> pd.DataFrame:
    return machine_limits(pd.DataFrame(rows, columns=[column.name for column in COLUMNS]))


def visits(*values: float, name: str = "touch", size: int = 4096) -> list[dict]:
    return [probe_row(name, "glibc", size, i, ns) for i, ns in enumerate(values, start=1)]


def test_a_limit_is_the_median_of_its_visits():
    (limit,) = limits_of(*visits(101.0, 100.0, 102.0)).to_dict("records")
    assert (limit["probe"], limit["allocator"], limit["probe_bytes"]) == ("touch", "glibc", 4096)
    assert (limit["probe_median_ns"], limit["probe_min_ns"], limit["probe_max_ns"]) == (
        101,
        100,
        102,
    )
    assert limit["visit_count"] == 3 and np.isnan(limit["bytes_per_ns"])


@pytest.mark.parametrize("name", ["store", "copy"])
def test_bandwidth_is_bytes_over_time(name):
    (limit,) = limits_of(*visits(100.0, name=name, size=3200)).to_dict("records")
    assert limit["bytes_per_ns"] == 32.0


@pytest.mark.parametrize("last, doubt", [(103.1, "drift"), (102.9, "")])
def test_a_probe_that_changed_by_more_than_3_percent_is_doubted(last, doubt):
    (limit,) = limits_of(*visits(100.0, 101.0, last)).to_dict("records")
    assert limit["doubts"] == doubt
    assert limit["drift_share"] == pytest.approx(last / 100.0 - 1.0)


def test_drift_is_told_in_one_line():
    steady, gone = visits(1.0, 1.0, name="clock", size=1), visits(100.0, 150.0)
    text = drift_text(limits_of(*steady, *gone))
    assert text.startswith("1 of 2 probes drifted by more than 3%")
    assert "touch of 4096 bytes on glibc, 50.0%" in text
    assert drift_text(limits_of(*steady)) == "0 of 1 probes drifted by more than 3%"
    assert drift_text(limits_of()) == ""


def test_a_visit_that_failed_does_not_count_and_no_visit_is_no_figure():
    rows = visits(100.0, 1.0, 100.0)
    rows[1].update(status="failed", probe_ns=np.nan)
    (limit,) = limits_of(*rows).to_dict("records")
    assert (limit["visit_count"], limit["status"], limit["doubts"]) == (2, "ok", "")
    for row in rows:
        row.update(status="failed", probe_ns=np.nan)
    limits = limits_of(*rows)
    assert limits["status"].tolist() == ["failed"] and limits["probe_median_ns"].isna().all()
    assert np.isnan(Costs(limits).machine("touch"))


def test_costs_are_found_by_probe_size_and_allocator():
    rows = visits(10.0, size=4096) + visits(20.0, size=2_097_152)
    for name, size, ns in (("glibc", 64, 3.0), ("a", 8, 4.0), ("a", 80, 5.0)):
        rows.append(probe_row("malloc_run", name, size, 1, ns))
    costs = Costs(limits_of(*rows))
    assert costs.machine("touch", 2_097_152) == 20.0
    assert np.isnan(costs.machine("touch", 8))
    found = costs.allocators("malloc_run", ["a", "a", "glibc", "b"], [8, 800, 8, 8])
    assert found[:3].tolist() == [4.0, 5.0, 3.0] and np.isnan(found[3])
    middle = 4096 * 512**0.5
    sizes = np.array([1.0, middle, 1e9])
    assert costs.machine_at("touch", sizes).tolist() == pytest.approx([10.0, 15.0, 20.0])
    per_byte = costs.machine_at("touch", sizes, per_byte=True)
    assert per_byte[[0, 2]].tolist() == pytest.approx([10 / 4096, 20 / 2_097_152])
    assert np.isnan(costs.machine_at("copy", sizes)).all()


def latency_run(**changed: float) -> pd.DataFrame:
    runs, _ = full_run(["chunked_list"], ["glibc"], [10_000], rounds=2)
    row = runs[runs["pass"] == "latency"].copy()
    values = {p.column: 100.0 * (i + 1) for i, p in enumerate(PERCENTILES)}
    for name, value in {**values, "latency_timer_ns": 20.0, **changed}.items():
        row[name] = value
    return pd.concat([runs[runs["pass"] != "latency"], row], ignore_index=True)


def test_a_cell_has_the_medians_of_its_latency_rows():
    runs = latency_run()
    more = runs[runs["pass"] == "latency"].assign(round=2, latency_max_ns=1000.0)
    more = pd.concat([more, more.assign(round=3, latency_max_ns=2000.0)])
    failed = more.iloc[:1].assign(round=4, status="crashed", latency_max_ns=np.nan)
    (cell,) = latencies(pd.concat([runs, more, failed], ignore_index=True)).to_dict("records")
    assert (cell["latency_max_ns"], cell["latency_median_ns"]) == (1000.0, 100.0)
    assert (cell["ok_count"], cell["status"]) == (3, "ok")


def test_percentiles_below_twice_the_timer_are_marked():
    (cell,) = latencies(latency_run(latency_timer_ns=100.0)).to_dict("records")
    assert cell["near_timer"] == "50%"
    (cell,) = latencies(latency_run(latency_timer_ns=100.1)).to_dict("records")
    assert cell["near_timer"] == "50%;90%"
    (cell,) = latencies(latency_run()).to_dict("records")
    assert cell["near_timer"] == ""


def test_a_percentile_that_is_missing_is_not_marked():
    (cell,) = latencies(latency_run(latency_p99_99_ns=np.nan)).to_dict("records")
    assert np.isnan(cell["latency_p99_99_ns"]) and cell["near_timer"] == ""


def test_a_run_without_these_passes_has_empty_tables():
    assert latencies(one_cell()).empty and machine_limits(one_cell()).empty


def test_the_clock_is_the_machine_s_not_that_of_one_worker_that_was_disturbed():
    runs = latency_run(latency_timer_ns=20.0)
    disturbed = latency_run(latency_timer_ns=2000.0).assign(allocator="jemalloc")
    other = latency_run(latency_timer_ns=21.0).assign(allocator="mimalloc")
    table = latencies(pd.concat([runs, disturbed, other], ignore_index=True))
    assert table["latency_timer_ns"].tolist() == [21.0] * 3
    assert table["near_timer"].nunique() == 1
