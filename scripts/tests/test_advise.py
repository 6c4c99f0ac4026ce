"""Advice, against runs whose answer was planted."""

import json
from functools import partial

import numpy as np
import pandas as pd
import pytest
from conftest import SCRIPTS, fail, write_runs
from hypothesis import given, settings
from hypothesis import strategies as st
from planted import planted_run

from growbench.data import traits
from growbench.advice.advise import advise
from growbench.advice.case import Case
from growbench.comparison.run import Run
from growbench.data.counts import LARGEST, parse_count
from growbench.data.errors import UsageError
from growbench.statistics.order import median_interval
from growbench.tables.formats import to_json

REFERENCE = SCRIPTS.parent / "results" / "reference-epyc-2cpu"


def run(factors: dict, machine=None, **more) -> Run:
    """A run where each strategy takes factors[strategy] ns for each row."""
    plan: dict = {"noise": 0.01, **more}
    rows = planted_run(lambda s, a, n: factors[s] * n, factors, **plan)
    return Run("mine", rows, machine)


def best(found) -> tuple:
    row = found.ranking.frame.iloc[0]
    return row["strategy"], row["allocator"]


def everything(found) -> str:
    text = " ".join([*found.sentences, *found.warnings])
    assert "nan" not in text and "None" not in text
    json.loads(to_json(found.records()))
    return text


def test_the_fastest_is_recommended_with_the_margin_of_the_runner_up():
    made = run({"slow": 9.0, "fast": 3.0, "middle": 4.0}, noise=0.05)
    found = advise(made, Case(10_000, 80))
    assert best(found) == ("fast", "glibc") and not found.outside and found.warnings == []
    assert found.ranking.title == "All candidates"
    values = made.runs[made.runs["rows"] == 10_000].pivot(
        index="round", columns="strategy", values="cold_build_ns"
    )
    second = found.ranking.frame.iloc[1]
    assert second["strategy"] == "middle" and second["round_count"] == 10
    logs = np.log(values["middle"]) - np.log(values["fast"])
    expected = np.exp([np.median(logs), *median_interval(logs)])
    margin = (second["ratio"], second["ratio_ci_low"], second["ratio_ci_high"])
    assert margin == pytest.approx(expected)
    assert found.ranking.frame["value"][0] == pytest.approx(np.exp(np.log(values["fast"]).median()))
    text = everything(found)
    assert "take fast on glibc (cold: " in text
    assert f"Runner-up: middle on glibc, which takes {expected[0]:.3f} times as long" in text


def test_what_cannot_be_told_apart_is_said():
    found = advise(run({"a": 3.0, "b": 3.0, "c": 3.0, "slow": 9.0}, noise=0.1), Case(1000, 80))
    text = everything(found)
    assert "The two cannot be told apart" in text and "Nor can these be told from the best" in text
    assert list(found.ranking.frame["tied"]) == [True, True, True, False]


def test_few_rounds_have_no_interval_and_nobody_claims_one():
    found = advise(run({"a": 3.0, "b": 4.0}, rounds=5), Case(1000, 80))
    assert "5 rounds have no interval" in everything(found)
    assert np.isnan(found.ranking.frame["ratio_ci_low"]).all()
    assert "cannot be told apart" not in everything(found)


def test_preallocating_is_for_who_knows_the_number_of_rows():
    made = run({"preallocate_zeroed": 1.0, "std_vector_reserve": 1.2, "realloc_doubling": 4.0})
    unknown = advise(made, Case(1000, 80))
    assert best(unknown)[0] == "realloc_doubling" and len(unknown.ranking.frame) == 1
    assert "If you know the number of rows beforehand: preallocate_zeroed on glibc" in everything(
        unknown
    )
    assert "no other candidate" in everything(unknown)
    known = advise(made, Case(1000, 80, known_rows=True))
    assert best(known)[0] == "preallocate_zeroed" and len(known.ranking.frame) == 3
    text = everything(known)
    assert "If you do not know the number of rows beforehand: realloc_doubling" in text
    assert "takes 4.0" in text or "takes 3.9" in text
    with pytest.raises(UsageError, match="--known-rows"):
        advise(made, Case(1000, 80, strategy=("preallocate_zeroed",)))


def test_knowing_the_number_of_rows_may_change_nothing():
    made = run({"preallocate_zeroed": 5.0, "realloc_doubling": 4.0})
    text = everything(advise(made, Case(1000, 80)))
    assert "beforehand: realloc_doubling on glibc all the same." in text


def test_contiguous_leaves_out_what_is_scattered():
    factors = {name: 1.0 + i / 10 for i, name in enumerate(sorted(traits.SCATTERED))}
    made = run({**factors, "list_of_pointers_packed": 7.0})
    assert best(advise(made, Case(1000, 80)))[0] in traits.SCATTERED
    assert best(advise(made, Case(1000, 80, contiguous=True)))[0] == "list_of_pointers_packed"
    with pytest.raises(UsageError, match="no candidate ends in one block"):
        advise(made, Case(1000, 80, contiguous=True, strategy=("std_list",)))


def test_names_in_the_traits_are_names_of_strategies():
    kernels = SCRIPTS.parent / "kernels"
    files = [*(kernels / "strategies").iterdir(), *(kernels / "containers").iterdir()]
    there = {path.name.rsplit(".", 1)[0] for path in files}
    assert traits.SCATTERED | traits.NEEDS_ROWS <= there
    reserving = {name for name in there if name.startswith("preallocate_")}
    assert all(traits.needs_rows(name) for name in reserving)
    assert not traits.needs_rows("reserve_then_commit")


def test_the_choice_can_be_narrowed():
    made = run({"a": 1.0, "b": 2.0}, allocators=["glibc", "other"])
    made.runs.loc[made.runs["allocator"] == "other", "cold_build_ns"] *= 0.5
    made.runs.loc[made.runs["strategy"] == "b", "implementation"] = "cpp"
    text = everything(advise(made, Case(1000, 80)))
    assert "take a on other" in text
    assert "If the allocator has to stay glibc: a on glibc (" in text
    found = advise(made, Case(1000, 80, allocator=("glibc",)))
    assert best(found) == ("a", "glibc") and "has to stay" not in everything(found)
    assert best(advise(made, Case(1000, 80, strategy=("b",)))) == ("b", "other")
    found = advise(made, Case(1000, 80, implementation=("cpp", "c"), strategy=("b",)))
    assert "take b (cpp) on other" in everything(found)
    with pytest.raises(UsageError, match="no allocator 'glib' in mine; there are: glibc, other"):
        advise(made, Case(1000, 80, allocator=("glib",)))
    with pytest.raises(UsageError, match="choose fewer"):
        advise(made, Case(1000, 80, implementation=("c",), strategy=("b",)))
    with pytest.raises(UsageError, match="threads 2"):
        advise(made, Case(1000, 80, threads=2))


@pytest.mark.parametrize("rows, winner", [(4000, "steep"), (6000, "flat")])
def test_between_sizes_the_lines_decide(rows, winner):
    laws = {"steep": lambda n: n**1.5, "flat": lambda n: 5000**0.5 * n}
    made = Run("mine", planted_run(lambda s, a, n: laws[s](n), laws, noise=0.01))
    found = advise(made, Case(rows, 80))
    assert best(found)[0] == winner and not found.outside
    assert found.ranking.frame["value"][0] == pytest.approx(laws[winner](rows), rel=0.02)
    second = found.ranking.frame.iloc[1]
    assert second["ratio_ci_low"] < second["ratio"] < second["ratio_ci_high"]
    assert "worked out from 3,000 and 10,000 rows" in everything(found)


def test_what_a_round_does_to_all_sizes_cancels_in_the_margin():
    made = run({"a": 3.0, "b": 4.0}, noise=0.0)
    made.runs["cold_build_ns"] *= made.runs["round"] ** 2.0
    second = advise(made, Case(5000, 80)).ranking.frame.iloc[1]
    assert second["ratio_ci_low"] == pytest.approx(4 / 3) == second["ratio_ci_high"]


@pytest.mark.parametrize("rows, value", [(300_000, 900_000.0), (40, 120.0)])
def test_one_step_beyond_is_loud(rows, value):
    found = advise(run({"a": 3.0, "b": 4.0}, noise=0.0), Case(rows, 80))
    assert found.outside and best(found)[0] == "a"
    assert found.ranking.frame["value"][0] == pytest.approx(value)
    text = everything(found)
    assert "OUTSIDE of what was measured, 100 to 100,000 rows" in text
    assert f'make bench ARGS="--rows {rows} --row-bytes 80"' in text
    assert "caches are not known" in text


@pytest.mark.parametrize("rows", [400_000, 10**9, 33, 1])
def test_further_than_a_step_is_refused(rows):
    with pytest.raises(UsageError, match="too far from what was measured.*make bench"):
        advise(run({"a": 3.0, "b": 4.0}), Case(rows, 80))


def test_one_size_is_no_line():
    made = run({"a": 3.0}, sizes=[1000])
    assert best(advise(made, Case(1000, 80)))[0] == "a"
    for rows in (999, 1001):
        with pytest.raises(UsageError, match="too far"):
            advise(made, Case(rows, 80))


def caches(*sizes: int) -> dict:
    return {"machine": {"caches": [{"level": 3, "type": "unified", "bytes": s} for s in sizes]}}


def test_a_cache_beyond_what_was_measured_is_loud():
    found = advise(run({"a": 3.0}, caches(200_000 * 80)), Case(300_000, 80))
    assert "COSTS CHANGE beyond what was measured: 15.26 MiB" in everything(found)
    before = advise(run({"a": 3.0}, caches(200_000 * 80)), Case(150_000, 80))
    assert "COSTS CHANGE" not in everything(before) and "caches are" not in everything(before)
    between = advise(run({"a": 3.0}, caches(20_000 * 80)), Case(15_000, 80))
    assert "lies between the sizes it is worked out from: 1.526 MiB" in everything(between)
    at_one = advise(run({"a": 3.0}, caches(20_000 * 80)), Case(30_000, 80))
    assert at_one.warnings == []


def test_other_row_sizes_are_scaled_by_payload_and_said_to_be_outside():
    found = advise(run({"a": 3.0, "b": 4.0}, noise=0.0), Case(10_000, 24))
    assert found.outside
    assert found.ranking.frame["value"][0] == pytest.approx(3.0 * 3000)
    assert "Measured at 80-byte rows, and yours are 24 bytes" in everything(found)
    both = pd.concat([run({"a": 3.0}).runs, run({"a": 1.0}, row_bytes=16).runs])
    found = advise(Run("mine", both), Case(1000, 24))
    assert "Measured at 16-byte rows" in everything(found)
    exact = advise(Run("mine", both), Case(1000, 16))
    assert not exact.outside and exact.warnings == []


@pytest.mark.parametrize("status", ["crashed", "timeout", "wrong_checksum", "something_new"])
def test_cells_with_failed_workers_are_not_recommended(status):
    made = run({"a": 3.0, "b": 4.0})
    one = (made.runs["strategy"] == "a") & (made.runs["round"] == 3)
    failed = made._replace(runs=fail(made.runs, one & (made.runs["rows"] == 10_000), status))
    for rows in (10_000, 5000, 20_000):
        found = advise(failed, Case(rows, 80))
        assert best(found)[0] == "b"
        assert "Not recommended, because workers failed: a on glibc." in everything(found)
    assert best(advise(failed, Case(1000, 80)))[0] == "a"
    every = made._replace(runs=fail(made.runs, made.runs["round"] == 1, status))
    with pytest.raises(UsageError, match="workers of every candidate failed"):
        advise(every, Case(1000, 80))


@pytest.mark.parametrize("key, value", [("row_bytes", 8), ("threads", 2), ("work", "random")])
def test_a_failure_in_another_cell_is_not_held_against_this_one(key, value):
    made = run({"a": 3.0, "b": 4.0})
    other = fail(made.runs.assign(**{key: value}), made.runs["strategy"] == "a", "crashed")
    both = made._replace(runs=pd.concat([made.runs, other], ignore_index=True))
    assert best(advise(both, Case(1000, 80)))[0] == "a"


def test_cells_that_the_plan_left_out_are_no_failures():
    made = run({"a": 3.0, "b": 4.0})
    rounds = (made.runs["strategy"] == "a") & (made.runs["round"] > 6)
    some = made._replace(runs=fail(made.runs, rounds, "skipped_rounds"))
    found = advise(some, Case(1000, 80))
    assert best(found)[0] == "a" and found.ranking.frame["round_count"].tolist() == [6, 6]
    slow = (made.runs["strategy"] == "a") & (made.runs["rows"] == 10_000)
    predicted = made._replace(runs=fail(made.runs, slow, "skipped_predicted"))
    found = advise(predicted, Case(5000, 80))
    assert best(found)[0] == "b"
    assert "No figures at these sizes (too slow, or not there): a on glibc." in everything(found)


def test_the_steady_state_is_another_question():
    made = run({"a": 3.0, "b": 4.0})
    chosen = made.runs["strategy"] == "b"
    made.runs.loc[chosen, "warm_build_release_median_ns"] /= 10.0
    assert best(advise(made, Case(1000, 80)))[0] == "a"
    found = advise(made, Case(1000, 80, warm=True))
    assert best(found)[0] == "b" and "(warm: 400 ns)" in everything(found)
    with pytest.raises(UsageError, match="--warm goes with --weight time"):
        advise(made, Case(1000, 80, weight="peak", warm=True))


def peaks(**factors: float) -> Run:
    made = planted_run(lambda s, a, n: n, factors, noise=0.0, peak=lambda s, a: factors[s])
    return Run("mine", made)


def test_peaks_are_compared_where_they_can_be_read():
    found = advise(peaks(big=2.0, small=1.1), Case(30_000, 80, weight="peak"))
    assert best(found)[0] == "small"
    assert "which needs 1.818 times as much memory at its peak" in everything(found)
    # 126,976 bytes of resolution are 5.3% of 2.4 MB.
    near = advise(peaks(one=1.0, other=1.05, far=1.06), Case(30_000, 80, weight="peak"))
    assert near.ranking.frame["tied"].tolist() == [True, True, False]
    assert "up to 124 KiB apart" in everything(near)
    assert "steps" in everything(advise(peaks(one=1.0), Case(20_000, 80, weight="peak")))


def test_a_peak_under_the_resolution_is_refused_and_says_from_when_on():
    with pytest.raises(UsageError, match="ask for 7,936 rows and more"):
        advise(peaks(one=1.0), Case(7935, 80, weight="peak"))
    advise(peaks(one=1.0), Case(7936, 80, weight="peak"))
    made = peaks(one=1.0)
    made.runs["peak_resolution_bytes"] = np.nan
    with pytest.raises(UsageError, match="does not say how exact"):
        advise(made, Case(30_000, 80, weight="peak"))


def with_tails(tails: dict, rounds: int = 1, timer: float = 20.0) -> Run:
    made = run(dict.fromkeys(tails, 3.0))
    rows = made.runs[(made.runs["round"] <= rounds) & (made.runs["rows"] >= 1000)].copy()
    rows["pass"] = "latency"
    rows["latency_p99_9_ns"] = rows["strategy"].map(tails)
    rows["latency_max_ns"] = 1000.0
    rows["latency_timer_ns"] = timer
    return made._replace(runs=pd.concat([made.runs, rows], ignore_index=True))


def test_the_tail_is_of_the_latency_pass():
    made = with_tails({"a": 900.0, "b": 300.0})
    found = advise(made, Case(10_000, 80, weight="tail"))
    assert best(found)[0] == "b" and found.warnings == []
    text = everything(found)
    assert "99.9% of appends within: 300 ns" in text
    assert "takes 3.000 times as long at 99.9% (one round has no interval" in text
    assert found.ranking.frame["slowest_ns"][0] == 1000.0
    more = made.runs.assign(threads=2, latency_max_ns=9000.0)
    both = made._replace(runs=pd.concat([made.runs, more], ignore_index=True))
    found = advise(both, Case(10_000, 80, weight="tail"))
    assert found.ranking.frame["slowest_ns"][0] == 1000.0
    several = advise(with_tails({"a": 900.0, "b": 300.0}, 6), Case(10_000, 80, weight="tail"))
    assert "95% interval 3.000 to 3.000" in everything(several)


def test_tails_are_of_the_nearest_size_and_not_of_lines():
    made = with_tails({"a": 900.0, "b": 300.0})
    text = everything(advise(made, Case(6000, 80, weight="tail")))
    assert "timed at 10,000 rows of 80 bytes, the nearest there is to 6,000" in text
    assert "OUTSIDE" in everything(advise(made, Case(500, 80, weight="tail")))
    with pytest.raises(UsageError, match="smallest of which is 1,000 rows"):
        advise(made, Case(50, 80, weight="tail"))
    with pytest.raises(UsageError, match="no rows of the latency pass"):
        advise(run({"a": 3.0}), Case(1000, 80, weight="tail"))


def test_a_tail_near_the_clock_is_said_to_be():
    found = advise(with_tails({"a": 900.0, "b": 39.0}), Case(10_000, 80, weight="tail"))
    assert "near what reading the clock takes" in everything(found)
    found = advise(with_tails({"a": 900.0, "b": 41.0}), Case(10_000, 80, weight="tail"))
    assert found.warnings == []


def test_threads_and_work_are_part_of_the_question():
    two = run({"a": 3.0, "b": 4.0}).runs.assign(threads=2)
    two["payload_bytes"] *= 2
    swapped = two.replace({"strategy": {"a": "b", "b": "a"}})
    both = Run("mine", pd.concat([run({"a": 3.0, "b": 4.0}).runs, swapped], ignore_index=True))
    assert best(advise(both, Case(1000, 80)))[0] == "a"
    found = advise(both, Case(1000, 80, threads=2))
    assert best(found)[0] == "b" and "in each of 2 threads" in everything(found)
    assert not found.outside
    random = Run("mine", run({"a": 3.0}).runs.assign(work="random"))
    assert "random rows" in everything(advise(random, Case(1000, 80)))


def test_names_never_speak_to_the_terminal():
    made = run({"=1+1<b>\033[31m\n": 3.0, "b": 4.0})
    text = everything(advise(made, Case(1000, 80)))
    assert "=1+1<b>" in text and "\033" not in text and "\n" not in text


@settings(max_examples=15)
@given(
    seed=st.integers(0, 99),
    rows=st.integers(40, 300_000),
    noise=st.sampled_from([0.0, 0.1, 1.0]),
    weight=st.sampled_from(["time", "peak"]),
    known=st.booleans(),
)
def test_the_best_is_never_behind_another_and_no_figure_is_missing(
    seed, rows, noise, weight, known
):
    made = run({"a": 3.0, "std_list": 3.1, "preallocate_zeroed": 2.9}, noise=noise, seed=seed)
    try:
        found = advise(made, Case(rows, 80, weight=weight, known_rows=known))
    except UsageError as error:
        assert weight == "peak" and "too few" in str(error)
        return
    frame = found.ranking.frame
    assert (frame["value"].diff().dropna() >= 0).all()
    assert len(frame) == 2 + known
    assert frame.drop(columns=["peak_ratio"], errors="ignore").notna().all().all()
    assert ((frame["ci_low"] <= frame["value"]) & (frame["value"] <= frame["ci_high"])).all()
    everything(found)


@pytest.mark.parametrize(
    "text, value",
    [("1", 1), ("10k", 10_000), ("1M", 10**6), ("2G", 2 * 10**9), ("1e4", 10_000), ("007", 7)]
    + [(str(LARGEST), LARGEST), ("18446744073709551615e0", LARGEST)],
)
def test_numbers_are_read_as_the_runner_reads_them(text, value):
    assert parse_count(text) == value


@pytest.mark.parametrize(
    "text, what",
    [(text, "not a whole number") for text in ("", "k", "1.5", "-1", "1K", "1e", "1e-3", "1 000")]
    + [(text, "not a whole number") for text in ("+1", "0x10", "1kk", "\u0661", "1m", " 1")]
    + [(text, "is zero") for text in ("0", "0k", "0e9999")]
    + [(text, "too large") for text in ("18446744073709551616", "1e20", "1e9999", "9" * 5000)],
)
def test_numbers_that_the_runner_refuses_are_refused(text, what):
    with pytest.raises(ValueError, match=what):
        parse_count(text)


@given(st.integers(1, LARGEST // 10**9), st.sampled_from(["", "k", "M", "G"]))
def test_suffixes_are_powers_of_a_thousand(number, suffix):
    assert parse_count(f"{number}{suffix}") == number * 1000 ** ["", "k", "M", "G"].index(suffix)


# The entry.


@pytest.fixture
def call_advise(call_here):
    """Runs advise.py."""
    return partial(call_here, "advise")


def write(folder, made: Run):
    whole = made.runs.assign(cold_build_ns=made.runs["cold_build_ns"].round())
    write_runs(whole, folder / "runs.csv")
    (folder / "machine.json").write_text(
        json.dumps({"machine_id": "machine-a", **caches(10**9)}), encoding="utf-8"
    )
    return folder


@pytest.mark.parametrize(
    "arguments, parts",
    [
        (["--rows", "1.5", "--row-bytes", "8"], ["--rows: '1.5' is not a whole number", "10k"]),
        (["--rows", "0", "--row-bytes", "8"], ["--rows: '0' is zero"]),
        (["--rows", "9", "--row-bytes", "1e30"], ["--row-bytes: '1e30' is too large"]),
        (["--rows", "1e19", "--row-bytes", "8"], ["2^64"]),
        (["--rows", "9"], ["--row-bytes", "--help"]),
        (["--rows", "1k", "--row-bytes", "80", "--weight", "speed"], ["time", "peak", "tail"]),
        (["--rows", "1k", "--row-bytes", "80", "--known-rows", "--unknown-rows"], ["not allowed"]),
        (["--rows", "1k", "--row-bytes", "80", "--allocator", "glib"], ["'glib'", "glibc"]),
        (["--rows", "1G", "--row-bytes", "80"], ["too far", "make bench"]),
    ],
)
def test_bad_numbers_and_choices_are_one_message_and_status_2(
    call_advise, tmp_path, arguments, parts
):
    done = call_advise(write(tmp_path, run({"a": 3.0})), *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: ") and done.stderr.count("\n") == 1
    assert all(part in done.stderr for part in parts)


def test_an_unreadable_run_is_status_2(call_advise, tmp_path):
    done = call_advise(tmp_path / "nowhere", "--rows", "1", "--row-bytes", "1")
    assert done.returncode == 2 and "nowhere" in done.stderr


@pytest.mark.parametrize("doubtful, told", [("b", True), ("c", False)])
def test_a_place_that_is_in_doubt_is_warned_of(doubtful, told):
    """Of the best two: whoever comes after them is not recommended."""
    mine = run({"a": 100.0, "b": 110.0, "c": 300.0})
    second = (mine.runs["strategy"] == doubtful) & (mine.runs["round"] % 2 == 0)
    mine.runs.loc[second, "cold_build_ns"] *= 1.4
    text = " ".join(advise(mine, Case(10_000, 80)).warnings)
    assert ("The place of b on glibc is in doubt: " in text) == told
    assert "bimodal" in text if told else "in doubt" not in text
