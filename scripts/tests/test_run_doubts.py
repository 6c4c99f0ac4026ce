"""What disturbs all cells of a run alike is said once; and what a summary may be used for."""

import re

import numpy as np
import pandas as pd
import pytest
from conftest import build_runs, one_cell

from growbench.analysis import reliance
from growbench.analysis.busy import others_share, waiting_share
from growbench.analysis.doubts import ABSOLUTE, CONCLUSIONS, DIFFERENCE, DOUBTS, RANK
from growbench.analysis.run_doubts import RUN_DOUBTS, run_doubts
from growbench.analysis.summary import summarise
from growbench.data.columns import COLUMNS
from growbench.data.metrics import METRICS

TIMES = [c.name for c in COLUMNS if re.fullmatch("(cold|warm_build_release)_.*_ns", c.name)]


def named(runs: pd.DataFrame, machine=None) -> list[str]:
    return [raised.doubt.name for raised in run_doubts(runs, machine)]


def small_run(rounds: int = 10, noise: float = 0.02) -> pd.DataFrame:
    return build_runs(
        ["realloc_doubling", "chunked_list"], sizes=[100, 1000], rounds=rounds, noise=noise
    )


def slower(runs: pd.DataFrame, where: pd.Series, factor: float) -> pd.DataFrame:
    runs = runs.copy()
    runs.loc[where, TIMES] *= factor
    return runs


def state(user: int, idle: int, pressure_us: int) -> dict:
    return {
        "cpu_ticks": f"{user} 0 0 {idle} 0 0 0 0 0 0",
        "pressure_cpu": f"some avg10=0.00 avg60=0.00 avg300=0.00 total={pressure_us}\nfull ...",
    }


def machine(user: int, idle: int, waited_us: int = 0, cpus: int = 2, **host) -> dict:
    """10 s of a run: ticks of 10 ms of all CPUs together, as they went by."""
    return {
        "state_at_start": state(5, 7, 1000),
        "state_at_end": state(5 + user, 7 + idle, 1000 + waited_us),
        "machine": {"cpus": cpus},
        "run": {"worker_cpus": [1], "runner_share": 0.02, "pilot_s": 2, "rounds_s": 8.0},
        **host,
    }


def test_a_quiet_run_is_in_no_doubt():
    assert named(small_run()) == []
    assert named(small_run(), machine(1020, 980)) == []


@pytest.mark.parametrize("pairing, found", [("duet", ["duet"]), ("interleaved", []), (3, [])])
def test_times_beside_a_second_worker_are_not_absolute(pairing, found):
    of = machine(1020, 980)
    of["run"]["pairing"] = pairing
    assert named(small_run(), of) == found
    assert reliance.of_run([ABSOLUTE]) == "no absolute times"


@pytest.mark.parametrize("share, doubted", [(0.5, True), (0.3, True), (0.1, False)])
def test_frequency_steps_are_told_of_the_run_and_not_of_its_cells(share, doubted):
    """In some of the rounds everything takes 30% longer. A tenth of the time moves no median."""
    runs = small_run()
    runs = slower(runs, runs["round"] > 10 * (1 - share), 1.3)
    assert named(runs) == (["unsteady"] if doubted else [])
    assert not any("drift" in text or "wide" in text for text in summarise(runs)["doubts"])


def test_steps_within_rounds_are_seen_as_well():
    runs = small_run()
    place = runs.groupby("round")["position"].transform("min")
    assert named(slower(runs, runs["position"] - place < 12, 1.3)) == []
    step = (runs["position"] // 24) % 2 == 0
    assert "unsteady" in named(slower(runs, step, 1.3))


def test_of_one_cell_nobody_can_tell_what_the_machine_did():
    runs = one_cell(80)
    assert named(slower(runs, runs["round"] > 40, 1.3)) == []


def test_too_few_rounds_are_the_runs_and_not_each_cells():
    assert named(small_run(rounds=5)) == ["few_rounds"]
    assert named(small_run(rounds=6)) == []
    assert set(summarise(small_run(rounds=5))["doubts"]) == {""}


@pytest.mark.parametrize("half, names", [(0.15, ["wide_intervals"]), (0.4, None)])
def test_intervals_of_most_cells_that_are_wide_are_the_runs(half, names):
    """Each cell by itself, so that no ratio to its neighbours is narrower."""
    runs = small_run()
    random = np.random.default_rng(3)
    factor = np.exp(random.uniform(-2.0 * half, 2.0 * half, len(runs)))
    runs["warm_build_release_median_ns"] *= factor
    found = [name for name in named(runs) if name not in ("unsteady", "no_order")]
    assert found == (names or ["wide_intervals", "vague_intervals"])
    texts = ";".join(summarise(runs)["doubts"])
    assert not re.search("(wide|vague):warm", texts)
    assert ("unordered:warm" in texts) != ("no_order" in named(runs))
    # Of a third of the cells it is theirs.
    some = runs["strategy"] == runs["strategy"].iloc[0]
    calm = small_run()
    calm.loc[some, "warm_build_release_median_ns"] *= factor[some]
    assert "wide_intervals" not in named(calm)
    assert "wide:warm" in ";".join(summarise(calm)["doubts"])


@pytest.mark.parametrize(
    "user, idle, waited_us, doubted",
    [
        # The worker's CPU alone; another process on the other for a third and for a fifth of it.
        (1000, 1000, 0, False),
        (1350, 650, 0, True),
        (1220, 780, 0, False),
        # On the worker's own CPU: it is in use once, and somebody waits.
        (1000, 1000, 9_000_000, True),
        (1000, 1000, 2_000_000, False),
    ],
)
def test_a_busy_machine(user, idle, waited_us, doubted):
    assert named(small_run(), machine(user, idle, waited_us)) == (["busy"] if doubted else [])


def test_shares_of_a_busy_machine():
    assert others_share(machine(1500, 500)) == pytest.approx(0.48)
    assert others_share(machine(4000, 0, cpus=4)) == pytest.approx(1 - 0.02 / 3)
    # To wait for a disk is no use of a CPU.
    waits = {**machine(0, 0), "state_at_end": {"cpu_ticks": "1505 0 0 7 500 0 0 0"}}
    assert others_share(waits) == pytest.approx(0.48)
    assert waiting_share(machine(1, 1, 2_500_000)) == pytest.approx(0.25)
    assert waiting_share({**machine(1, 1), "state_at_end": {}}) is None


@pytest.mark.parametrize(
    "unknown",
    [
        None,
        {},
        {"state_at_start": {"cpu_ticks": "1 2 3"}, "state_at_end": {"cpu_ticks": None}},
        {**machine(1000, 1000), "machine": {}},
        {**machine(1000, 1000), "run": {"worker_cpus": [0, 1]}},
        {**machine(0, 0)},
    ],
)
def test_what_machine_json_does_not_tell_is_not_doubted(unknown):
    assert others_share(unknown) is None
    assert named(small_run(), unknown) == []


@pytest.mark.parametrize("changed", [True, False, None])
def test_a_host_that_became_another(changed):
    found = named(small_run(), machine(1000, 1000, host={"changed": changed}))
    assert found == (["host_changed"] if changed else [])


def test_a_run_without_figures_is_in_no_doubt():
    assert named(small_run()[:0]) == []


def test_every_doubt_of_a_run_says_what_it_touches():
    for doubt in RUN_DOUBTS:
        assert doubt.meaning and doubt.figures and set(doubt.conclusions) <= set(CONCLUSIONS)
    assert not {doubt.name for doubt in DOUBTS} & {doubt.name for doubt in RUN_DOUBTS}


# ---- what a summary may be used for ----


def summary(*texts: str) -> pd.DataFrame:
    return pd.DataFrame({"doubts": list(texts), "ok_count": [10] * len(texts)})


def test_one_line_says_how_many_cells_may_not_be_used_for_what():
    cells = summary(
        "", "wide:cold;unordered:cold;wide:warm", "bimodal:warm", "steal:cold", "wide:cold"
    )
    cells = pd.concat([cells, pd.DataFrame({"doubts": [""], "ok_count": [0]})])
    assert reliance.in_words(cells) == (
        "of 5 cells with figures 2 may not be ranked (bimodal 1, unordered 1), "
        "4 give no difference below 10% (wide 2, bimodal 1, steal 1), "
        "2 no absolute time (bimodal 1, steal 1)"
    )


@pytest.mark.parametrize(
    "conclusion, figure, expected",
    [
        (DIFFERENCE, None, ["wide", "bimodal"]),
        (DIFFERENCE, "cold", ["wide"]),
        (RANK, None, ["bimodal"]),
        (ABSOLUTE, "peak", []),
    ],
)
def test_a_doubt_is_of_a_figure_and_of_conclusions(conclusion, figure, expected):
    text = "wide:cold;bimodal:warm;of_a_later_version:warm"
    assert reliance.doubts_in(text, conclusion, figure) == expected
    assert reliance.doubts_in("", conclusion, figure) == []


def test_a_count_is_in_no_doubt_and_others_are_by_their_figure():
    text = "bimodal:cold;wide:cold;bimodal:tail"
    assert reliance.doubts_of_metric(text, RANK, "cold_build_minor_fault") == []
    assert reliance.doubts_of_metric(text, DIFFERENCE, "cold_build") == ["bimodal", "wide"]
    assert reliance.doubts_of_metric(text, DIFFERENCE, "warm_build_release") == []
    assert reliance.doubts_of_metric(text, DIFFERENCE, "warm_tail") == ["bimodal"]


def test_counts_are_never_doubted():
    figures = {metric.name: reliance.figure_of(metric.name) for metric in METRICS}
    assert figures["cold_build_minor_fault"] is None
    assert figures["cold_build_release"] == "cold" and figures["warm_build_release"] == "warm"
    assert figures["peak_memory"] == "peak" and figures.get("warm_tail", "tail") == "tail"
    for metric in METRICS:
        assert (figures[metric.name] is None) == (metric.unit == "count")


def test_a_line_for_each_doubt_of_a_run():
    lines = reliance.of_run_in_words(run_doubts(small_run(rounds=5), machine(2000, 0)))
    assert len(lines) == 2
    assert lines[0].startswith("the run as a whole gives no order and no differences (few_rounds):")
    assert lines[1].startswith("the run as a whole gives no absolute times (busy): CPUs that are")


def test_what_neither_version_knows_is_not_a_doubt():
    runs = small_run()
    old = runs.drop(columns=[name for name in ("throttled_ns", "position") if name in runs])
    assert named(old) == []
    assert np.all(summarise(runs)["doubts"] == "")
