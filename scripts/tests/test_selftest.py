"""selftest.py: what is made of figures, what is kept, and what comparisons take from it. That each
check finds a planted defect in earnest is tested in harness/tests/test_selftest.py."""

import importlib
import json
import re

import numpy as np
import pandas as pd
import pytest
from conftest import SCRIPTS, build_runs, write_runs
from test_same_machine import run, scaled

from growbench.command_line import entry
from growbench.comparison import pair
from growbench.data.metrics import metric
from growbench.selftest import document
from growbench.selftest.bench import Bench, Measured, failures, is_loaded, noisy, waiting_share
from growbench.selftest.check import Check
from growbench.selftest.outcome import CannotTell, FAILED, Finding, Limit, Outcome, PASSED, UNKNOWN
from growbench.selftest.checks import CHECKS
from growbench.selftest import (
    check_aa as aa,
    check_allocators as allocators,
    check_clock as clock,
    check_counts as counts,
    check_limits as limits,
    check_loop as loop,
    check_peak as peak,
)
from growbench.selftest import check_probes as probes, check_slowdown as slowdown
from growbench.selftest.document import Report, Result

MACHINE = {"machine_id": "example-2cpu"}


def verdicts(findings):
    return [finding.verdict for finding in findings]


# ---- what is made of figures ----

FINE_CLOCK = {
    "reading_ns": 20.0,
    "step_ns": 10.0,
    "backwards_ns": 0.0,
    "move_count": 400.0,
    "cpu_count": 2.0,
    "blind_ns": 9000.0,
    "rate": 1.000002,
    "lost_share": 0.0,
    "longest_stop_ns": 900.0,
}


@pytest.mark.parametrize(
    "wrong, place",
    [
        ({"step_ns": 1001.0}, 0),
        ({"reading_ns": 1001.0}, 0),
        ({"backwards_ns": 1.0}, 1),
        ({"rate": 1.0011}, 2),
        ({"rate": 0.9989}, 2),
    ],
)
def test_a_clock_fails_by_each_of_its_faults_alone(wrong, place):
    assert verdicts(clock.judge(FINE_CLOCK)) == [PASSED] * 3
    expected = [PASSED] * 3
    expected[place] = FAILED
    assert verdicts(clock.judge({**FINE_CLOCK, **wrong})) == expected


def loops(nothing, shortest):
    runs = build_runs([loop.SHORTEST], ["glibc"], [100], 6)
    other = runs.assign(strategy=loop.NOTHING, warm_build_release_min_ns=nothing)
    runs["warm_build_release_min_ns"] = shortest
    return pd.concat([other, runs])


def test_the_loop_may_take_a_twentieth_of_the_shortest_build():
    assert verdicts(loop.judge(loops(4.9, 100.0))) == [PASSED]
    assert verdicts(loop.judge(loops(5.1, 100.0))) == [FAILED]


def peaks(off, resolution=126976.0):
    runs = build_runs(["fresh_pages"], ["glibc", "scudo"], [4096], 2, row_bytes=4096)
    off_there = np.where(runs["allocator"] == "scudo", off, 0.0)
    runs["peak_memory_bytes"] = runs["payload_bytes"] + off_there
    runs["peak_resolution_bytes"] = resolution
    return runs


def test_a_peak_has_to_be_within_the_resolution_on_each_allocator():
    assert verdicts(peak.judge(peaks(126976.0))) == [PASSED]
    assert verdicts(peak.judge(peaks(-126977.0))) == [FAILED]
    assert verdicts(peak.judge(peaks(np.nan).assign(peak_memory_bytes=np.nan))) == [UNKNOWN]


def test_a_peak_has_to_be_right_each_time():
    rows = peaks(0.0)
    rows.iloc[-1, rows.columns.get_loc("peak_memory_bytes")] *= 2
    assert verdicts(peak.judge(rows)) == [FAILED]


def test_what_the_runner_says_of_peaks_is_believed():
    said = "glibc 1108 1108 +0\nlargest difference: {} KiB (goal: at most 256)\n"
    assert peak.judge_ballast(0, said.format(92), ["glibc"]).verdict == PASSED
    assert peak.judge_ballast(3, said.format(257), ["glibc"]).verdict == FAILED
    assert peak.judge_ballast(3, "glibc none none\n" + said.format(1), ["a"]).verdict == UNKNOWN
    assert peak.judge_ballast(2, "", ["glibc"]).verdict == UNKNOWN


def counted(**changed):
    """Rows as the strategies determine them, on a page of 4096 bytes; changed: of one of them."""
    row_bytes, moved = 4096, 7
    of_trace = {"pass": "trace", "rows": 200, "cold_build_minor_fault_count": np.nan}
    rows = [
        {"strategy": "fresh_pages", "pass": "measure", "rows": 1000},
        {
            **of_trace,
            "strategy": "loop_and_append",
            "malloc_count": 200,
            "free_count": 199,
            "realloc_count": 0,
            "copied_bytes": row_bytes * 199 * 100,
            "peak_requested_bytes": row_bytes * 399,
            "leaked_bytes": 0,
        },
        {
            **of_trace,
            "strategy": "watched_reallocs",
            "realloc_count": 200,
            "calloc_count": moved,
            "realloc_moved_count": moved,
            "realloc_in_place_count": 199 - moved,
            "realloc_moved_bytes": 5 * row_bytes,
            "end_requested_bytes": 205 * row_bytes,
            "release_free_count": moved + 1,
        },
        {**of_trace, "strategy": "fresh_pages", "strategy_mmap_count": 1},
        # 200 pages are 12.5 steps of 64 KiB.
        {**of_trace, "strategy": "reserve_then_commit", "strategy_mprotect_count": 13},
    ]
    rows[0]["cold_build_minor_fault_count"] = 1000.0
    for row in rows:
        row.update({name: value for name, value in changed.items() if name in row})
        row.update(row_bytes=row_bytes, allocator="glibc", status="ok", status_detail="")
        row["untraced_reason"] = ""
    return pd.DataFrame(rows)


def test_counts_pass_if_all_are_as_the_strategies_determine():
    assert verdicts(counts.judge(counted())) == [PASSED] * 3


@pytest.mark.parametrize(
    "known", counts.KNOWN, ids=lambda known: f"{known.strategy}-{known.column}"
)
def test_each_count_that_is_off_by_one_is_found(known):
    rows = counted()
    hit = (rows["strategy"] == known.strategy) & rows[known.column].notna()
    assert hit.sum() == 1
    rows.loc[hit, known.column] += 1
    found = [finding for finding in counts.judge(rows) if finding.verdict == FAILED]
    assert len(found) == 1 and known.column in found[0].got


def test_system_calls_that_the_kernel_does_not_show_are_not_known():
    rows = counted()
    rows[["strategy_mmap_count", "strategy_mprotect_count"]] = np.nan
    rows["untraced_reason"] = "needs Linux 5.11"
    *_, system = counts.judge(rows)
    assert system.verdict == UNKNOWN and "needs Linux 5.11" in system.got


def test_a_count_that_is_not_there_is_not_known():
    rows = counted().assign(free_count=np.nan)
    assert verdicts(counts.judge(rows)) == [PASSED, UNKNOWN, PASSED]


def test_a_stray_page_fault_in_one_round_is_none_of_ours():
    rows = pd.concat([counted(), counted(cold_build_minor_fault_count=1003.0)])
    assert verdicts(counts.judge(rows)) == [PASSED] * 3


def named(**changed):
    rows = build_runs(["realloc_doubling"], ["glibc", "scudo", allocators.LABEL], [100], 1)
    rows["allocator_path"] = "/lib/" + rows["allocator"]
    refused = rows["allocator"] == allocators.LABEL
    rows.loc[refused, ["status", "allocator_path"]] = ["wrong_allocator", ""]
    for name, (column, value) in changed.items():
        rows.loc[rows["allocator"] == name, column] = value
    files = [{"name": name, "path": f"/lib/{name}"} for name in ("glibc", "scudo")]
    return Measured(None, rows, {"allocators": files})


@pytest.mark.parametrize(
    "changed, expected",
    [
        ({}, [PASSED, PASSED]),
        ({"scudo": ("status", "unavailable")}, [PASSED, PASSED]),
        ({"scudo": ("status", "wrong_allocator")}, [FAILED, PASSED]),
        ({"scudo": ("allocator_path", "/lib/glibc")}, [FAILED, PASSED]),
        (
            {"glibc": ("status", "unavailable"), "scudo": ("status", "unavailable")},
            [FAILED, PASSED],
        ),
        ({allocators.LABEL: ("status", "ok")}, [PASSED, FAILED]),
    ],
)
def test_allocators_are_held_against_their_files(changed, expected):
    assert verdicts(allocators.judge(named(**changed), lambda name: False)) == expected


def test_an_allocator_that_was_asked_for_must_not_be_missing():
    rows = named(scudo=("status", "unavailable"))
    findings = allocators.judge(rows, lambda name: name == "scudo")
    assert verdicts(findings) == [UNKNOWN, PASSED] and "scudo" in findings[0].got


def test_probes_that_drift_are_noise():
    def judged(drift):
        table = pd.DataFrame({"drift_share": drift, "doubts": ""})
        return probes.judge(table, "", "noisy")

    assert verdicts(judged([0.01, 0.09, 3.0])) == [PASSED]
    (finding,) = judged([0.01, 0.11, 3.0])
    assert (finding.verdict, finding.advice) == (UNKNOWN, "noisy")
    assert verdicts(probes.judge(pd.DataFrame({"drift_share": [0.0]}), "store: crashed", "")) == [
        FAILED
    ]
    assert verdicts(judged([np.nan])) == [FAILED]


@pytest.mark.parametrize(
    "planted, noise, loaded, expected",
    [
        (1.2, 0.01, False, PASSED),
        (1.2, 0.05, True, PASSED),
        (1.0, 0.01, False, FAILED),
        (1.0, 0.01, True, FAILED),
        (1.3, 0.01, False, FAILED),
        (1.3, 0.01, True, UNKNOWN),
        (3.0, 0.01, True, FAILED),
        (1.2, 0.60, False, UNKNOWN),
        (1.0, 0.60, True, UNKNOWN),
    ],
)
def test_a_slowdown_is_found_missed_or_lost_in_noise(planted, noise, loaded, expected):
    logs = np.log(planted) + np.random.default_rng(1).normal(0.0, noise, 40)
    assert slowdown.judge("Time", logs, loaded, "noisy").verdict == expected


def test_a_slowdown_needs_rounds():
    assert slowdown.judge("Time", np.full(6, np.log(1.2)), False, "").verdict == UNKNOWN


def test_ratios_are_of_pairs_of_a_round():
    base = run(1, 0.3, 12, allocators=("glibc",))
    both = pd.concat([base.assign(allocator="base"), scaled(base, 1.2).assign(allocator="new")])
    logs = slowdown.ratios(both, metric("cold_build_release"))
    assert len(logs) == 12
    assert np.exp(logs) == pytest.approx(1.2, rel=1e-4)


def equal_things(factor=1.0, noise=0.02, rounds=20):
    base = run(1, noise, rounds, allocators=("glibc",))
    new = scaled(run(2, noise, rounds, allocators=("glibc",)), factor, strategy="chunked_list")
    return pd.concat([base.assign(allocator="base.glibc"), new.assign(allocator="new.glibc")])


def aa_verdict(rows, loaded=False):
    return aa.judge(aa.compared(rows), aa.theta_of(rows), failures(rows), loaded, "noisy")[0]


def test_equal_things_pass_and_tell_theta():
    found = aa_verdict(equal_things())
    assert found.verdict == PASSED and "theta is 5.0% for families" in found.got


def test_things_that_differ_fail():
    found = aa_verdict(equal_things(1.3))
    assert found.verdict == FAILED and "chunked_list" in found.got


def test_noise_is_no_difference_and_no_theta():
    assert aa_verdict(equal_things(noise=0.8)).verdict == UNKNOWN


def test_what_a_loaded_machine_says_of_theta_is_only_believed_if_it_is_the_least():
    noisy_rows = equal_things(noise=0.15)
    assert aa_verdict(noisy_rows).verdict == PASSED
    assert aa_verdict(noisy_rows, loaded=True).verdict == UNKNOWN
    assert aa_verdict(equal_things(), loaded=True).verdict == PASSED


def test_too_few_rounds_to_find_anything_are_not_known():
    assert aa_verdict(equal_things(rounds=6)).verdict == UNKNOWN


def test_workers_that_fail_are_told():
    rows = equal_things()
    rows.iloc[0, rows.columns.get_loc("status")] = "crashed"
    assert "crashed" in failures(rows)
    assert aa_verdict(rows).verdict == FAILED


def machine_that_waits(seconds):
    def state(total):
        return {
            "load": "3.39 2.64 1.88 6/109 1",
            "pressure_cpu": f"some avg10=1 total={total}\nfull",
        }

    return {
        "run": {"pilot_s": 2.0, "rounds_s": 8.0},
        "machine": {"cpus": 2, "virtual_machine": True},
        "system": {"clock_source": "tsc"},
        "state_at_start": state(1_000_000),
        "state_at_end": state(1_000_000 + seconds * 1_000_000),
    }


def test_waiting_is_a_share_of_the_run():
    assert waiting_share(machine_that_waits(4)) == pytest.approx(0.4)
    assert waiting_share(machine_that_waits(40)) == 1.0
    assert waiting_share({}) is None
    assert not is_loaded(machine_that_waits(4)) and is_loaded(machine_that_waits(6))
    assert not is_loaded({})
    assert "load 3.39 on 2 CPUs, processes waited for one 40% of the time" in noisy(
        machine_that_waits(4)
    )


def test_limits_have_figures_and_what_doctor_says():
    figures = {**FINE_CLOCK, "steal_share": 0.01, "touch_page_ns": 2400.0}
    figures["peak_resolution_bytes"] = 126976.0
    told = {
        limit.what: limit.figure
        for limit in (one(machine_that_waits(4), figures) for one in limits.LIMITS)
    }
    assert len(told) == len(limits.LIMITS)
    assert "1.00%" in told.values() and "2.40 \N{MICRO SIGN}s" in told.values()
    # A machine that tells nothing of itself.
    assert all(one({}, figures) is None or one({}, figures).figure for one in limits.LIMITS)
    said = (
        "Probes:\n  stolen time (/proc/stat)        works\n  counters (perf)   not here: denied\n"
        "\nWhat will make figures noisy:\n  turbo is on; turn it off\n"
    )
    assert limits.warnings(said) == [
        Limit("turbo is on; turn it off", ""),
        Limit("not to be seen here: counters (perf)", "denied"),
    ]
    assert limits.warnings("\nWhat will make figures noisy:\n  nothing that could be seen\n") == []


# ---- what it comes to ----


def report(**outcomes) -> Report:
    """Of checks with these verdicts."""
    results = [
        Result(
            Check(name, f"{name} is right", lambda bench: Outcome([])),
            Outcome([Finding("this", "that", verdict, "" if verdict == PASSED else "do so")]),
            0.1,
        )
        for name, verdict in outcomes.items()
    ]
    return Report("example-2cpu", "2026-01-01T12:00:00Z", 1.0, results, False)


@pytest.mark.parametrize(
    "outcomes, status, words",
    [
        ({"a": PASSED, "b": PASSED}, 0, "What was asked for is right: a, b"),
        ({"a": UNKNOWN, "b": PASSED}, 4, "could not be told: not known is a"),
        ({"a": UNKNOWN, "b": FAILED}, 1, "1 of 2 checks failed (b)"),
    ],
)
def test_a_verdict_is_in_words_and_a_status(outcomes, status, words):
    made = report(**outcomes)
    assert made.status == status
    assert words in " ".join(document.as_terminal(made, False).split())
    as_json = json.loads(document.as_json(made))
    assert as_json["exit_status"] == status and words in as_json["verdict"]
    assert [check["verdict"] for check in as_json["checks"]] == list(outcomes.values())


@pytest.mark.parametrize(
    "of_findings, of_check",
    [((PASSED, UNKNOWN), UNKNOWN), ((UNKNOWN, FAILED, PASSED), FAILED), ((PASSED,), PASSED)],
)
def test_a_check_is_as_its_worst_finding(of_findings, of_check):
    assert Outcome([Finding("", "", verdict) for verdict in of_findings]).verdict == of_check


def test_a_check_that_finds_nothing_out_is_not_known():
    assert Outcome([]).verdict == UNKNOWN


def test_colour_is_only_where_it_is_asked_for():
    assert "\033" not in document.as_terminal(report(a=FAILED), False)
    assert "\033[1;31mFAILED" in document.as_terminal(report(a=FAILED), True)


def test_checks_are_named_after_their_files_and_explained():
    files = {path.stem[6:] for path in (SCRIPTS / "growbench/selftest").glob("check_*.py")}
    assert {check.name for check in CHECKS} == files
    readme = (SCRIPTS / "README.md").read_text(encoding="utf-8")
    part = readme.split("\n## Self-test\n", 1)[1].split("\n## ", 1)[0]
    assert set(re.findall(r"^\| `(\w+)` \|", part, re.M)) == files


# ---- the command, and what is kept ----


@pytest.fixture
def selftest(tmp_path, monkeypatch, capsys):
    """Calls selftest.py in a folder with a build that is never called: the checks are two of ours,
    of which A/A `measures` equal things."""
    module = importlib.import_module("growbench.cli.selftest")
    for name in ("growbench", "growbench-known-worker"):
        (tmp_path / name).write_text("")
    monkeypatch.chdir(tmp_path)
    verdict = {"aa": PASSED, "other": PASSED}

    def measure(bench):
        folder = bench.folder / aa.RUN
        rows = equal_things().assign(run_id="example-2cpu-20260101T120000Z")
        write_runs(rows.assign(machine_id="example-2cpu"), folder / "runs.csv")
        bench.runs[aa.RUN] = Measured(folder, rows, MACHINE)
        figures = {"theta_family_share": 0.05, "theta_cell_share": 0.06}
        return Outcome([Finding("this", "that", verdict["aa"])], figures)

    def other(bench):
        if verdict["other"] is None:
            raise CannotTell("there is no such thing here")
        if verdict["other"] == "interrupt":
            raise KeyboardInterrupt
        return Outcome([Finding("this", "that", verdict["other"])])

    checks = (Check("aa", "A/A", measure), Check("other", "the other", other))
    monkeypatch.setattr(module, "CHECKS", checks)

    def call(*words, **verdicts):
        verdict.update(verdicts)
        try:
            status = entry.run(module.main, ["--runner", str(tmp_path / "growbench"), *words])
        except SystemExit as stop:
            status = stop.code
        return status, *capsys.readouterr()

    return call


def kept(tmp_path):
    return sorted(path.name for path in (tmp_path / "results").iterdir())


def test_what_was_found_is_kept_beside_the_runs(selftest, tmp_path):
    status, out, err = selftest()
    assert status == 0 and "differences of more than 5.0%" in " ".join(out.split())
    assert re.match(r"aa: A/A \.\.\. passed \(\d+\.\d s\)\n", err)
    assert kept(tmp_path) == ["selftest-example-2cpu"]
    folder = tmp_path / "results" / "selftest-example-2cpu"
    assert json.loads((folder / "selftest.json").read_text())["theta_cell_share"] == 0.06
    assert (folder / "runs.csv").is_file()


def test_the_next_one_takes_its_place_and_a_failed_one_gives_no_theta(selftest, tmp_path):
    selftest()
    assert selftest(other=FAILED)[0] == 1
    assert kept(tmp_path) == ["selftest-example-2cpu"]
    folder = tmp_path / "results" / "selftest-example-2cpu"
    assert [path.name for path in folder.iterdir()] == ["selftest.json"]
    assert json.loads((folder / "selftest.json").read_text())["exit_status"] == 1
    assert selftest(other=PASSED, aa=UNKNOWN)[0] == 4
    assert [path.name for path in folder.iterdir()] == ["selftest.json"]


def test_of_a_part_nothing_is_kept(selftest, tmp_path):
    assert selftest("--only", "aa")[0] == 0
    assert kept(tmp_path) == []


def test_an_interrupted_one_leaves_what_was_there(selftest, tmp_path):
    selftest()
    status, out, err = selftest(other="interrupt")
    assert (status, out) == (130, "")
    assert kept(tmp_path) == ["selftest-example-2cpu"]
    assert (tmp_path / "results" / "selftest-example-2cpu" / "runs.csv").is_file()


def test_what_cannot_be_told_is_no_failure(selftest):
    status, out, _ = selftest("--only", "other", other=None)
    assert status == 4 and "there is no such thing here" in out


def test_another_place_may_be_named(selftest, tmp_path):
    assert selftest("--out", "here/mine")[0] == 0
    assert (tmp_path / "here" / "mine" / "selftest.json").is_file()
    assert not (tmp_path / "results").exists()


def test_what_is_no_selftest_is_not_replaced(selftest, tmp_path):
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "precious").write_text("")
    status, _, err = selftest("--out", "here")
    assert status == 2 and "is no self-test" in err
    assert (tmp_path / "here" / "precious").exists()
    assert selftest("--out", "mine")[0] == selftest("--out", "mine")[0] == 0


def test_nothing_is_kept_of_a_machine_that_was_not_met(selftest, tmp_path, monkeypatch):
    monkeypatch.setattr(Bench, "machine_id", "")
    assert selftest()[0] == 0
    assert kept(tmp_path) == []


def test_wrong_usage_measures_nothing(selftest, tmp_path):
    assert selftest("--rounds", "0")[0] == 2
    assert selftest("--only", "nothing")[0] == 2
    (tmp_path / "growbench").unlink()
    status, _, err = selftest()
    assert status == 2 and "make build" in err
    assert not (tmp_path / "results").exists()


def test_a_bench_goes_away_with_its_runs(selftest, tmp_path):
    with Bench(tmp_path / "growbench", tmp_path / "place", 1) as bench:
        (bench.folder / "run").mkdir()
        with pytest.raises(CannotTell, match="cannot be started"):
            bench.run("run")
    assert list((tmp_path / "place").iterdir()) == []


# ---- what comparisons take from it ----


def experiment_of(folder, name, noise, begun):
    rows = equal_things(noise=noise).assign(
        machine_id="example-2cpu", run_id=f"example-2cpu-{begun}"
    )
    write_runs(rows, folder / name / "runs.csv")


@pytest.mark.parametrize("newer", ["aa", "selftest"])
def test_comparisons_take_their_threshold_from_the_newer_experiment(tmp_path, newer):
    for kind in ("aa", "selftest"):
        noise, begun = (0.3, "20260102T120000Z") if kind == newer else (0.01, "20260101T120000Z")
        experiment_of(tmp_path, f"{kind}-example-2cpu", noise, begun)
    found = pair.aa_folder(tmp_path / "my-run", "example-2cpu")
    assert found == tmp_path / f"{newer}-example-2cpu"
    metrics = [metric("cold_build_release")]
    rows = pair.experiment(None, [tmp_path / "my-run"], "example-2cpu", metrics)
    base = run(1, 0.02, 10)
    settings, origin = pair.settings_for(pair.Request(metrics), rows, True, [base])
    assert settings.family_threshold > 0.05 and "A/A pairs of 10 rounds" in origin


def test_a_selftest_without_a_run_is_no_experiment(tmp_path):
    experiment_of(tmp_path, "aa-example-2cpu", 0.01, "20260101T120000Z")
    (tmp_path / "selftest-example-2cpu").mkdir()
    (tmp_path / "selftest-example-2cpu" / "selftest.json").write_text("{}")
    found = pair.aa_folder(tmp_path / "my-run", "example-2cpu")
    assert found == tmp_path / "aa-example-2cpu"
    assert pair.aa_folder(tmp_path / "my-run", "another") is None
