"""What the report says of a run: known answers, and nothing that the data do not support."""

import re
from functools import lru_cache

import numpy as np
import pandas as pd
import pytest
from conftest import build_runs, fail, one_cell
from full_runs import full_run
from planted import planted_run
from report_runs import NO_POINTS, evidence_of, hostile_run

from growbench import findings
from growbench.findings import FINDINGS
from growbench.findings.finding import FAST, SLOW
from growbench.findings.sentences import counted, listed, name, plain

CACHES = {"machine": {"caches": [{"level": 2, "type": "unified", "bytes": 1_000_000}]}}


def said(function, runs, machine=None, timeline=None) -> str:
    """The sentences of one finding as text; "" if there is none."""
    points = NO_POINTS if timeline is None else timeline
    found = function(evidence_of(runs, points, machine))
    return "" if found is None else " ".join(plain(sentence) for sentence in found.sentences)


def times_of(**factors):
    """ns for a row, by strategy."""
    return lambda strategy, allocator, rows: factors[strategy] * rows


def test_the_fastest_is_named_with_its_lead_and_interval():
    runs = planted_run(times_of(a=100, b=110, c=300), "abc", sizes=[10_000], noise=0.002, rounds=10)
    text = said(findings.fastest, runs)
    assert "In a fresh process, a on glibc is the fastest of 3 cells: 1.00 ms" in text
    lead = re.search(r"the next, b on glibc, takes (\S+) times as long \((\S+) to (\S+)\)", text)
    ratio, low, high = map(float, lead.groups())
    assert low <= ratio <= high and 1.09 < ratio < 1.11 and low > 1.0


def test_a_place_that_is_in_doubt_is_told():
    """b takes 110 or 150 ns for a row, in turns."""
    runs = planted_run(times_of(a=100, b=110, c=300), "abc", sizes=[10_000], noise=0.002)
    second = (runs["strategy"] == "b") & (runs["round"] % 2 == 0)
    runs.loc[second, "cold_build_ns"] *= 1.4
    text = said(findings.fastest, runs)
    assert re.search(r"The place of b on glibc is in doubt: [\w, ]*bimodal", text)
    assert text.count("in doubt") == 1, "neither the first nor anything warm"


def test_a_lead_whose_interval_includes_1_is_none():
    runs = planted_run(times_of(a=100, b=100, c=300), "abc", sizes=[10_000], noise=0.05)
    text = said(findings.fastest, runs)
    assert "is the fastest" not in text
    assert re.search(r"cannot be told apart from [ab] on glibc\.", text)
    assert "c on glibc" not in text


def test_a_few_rounds_make_nobody_the_fastest():
    runs = planted_run(times_of(a=100, b=200), "ab", sizes=[10_000], rounds=5, noise=0.001)
    text = said(findings.fastest, runs)
    assert "is the fastest" not in text
    assert "too few rounds" in text
    assert "b on glibc, takes 2.0" in text


def peaks(**factors):
    return lambda strategy, allocator: factors[strategy]


def test_the_leanest_is_named_where_peaks_differ_by_more_than_their_error():
    runs = planted_run(
        times_of(a=9, b=9), "ab", sizes=[10_000], peak=peaks(a=1.0, b=1.5), noise=0.01
    )
    text = said(findings.leanest, runs)
    assert "a on glibc has the smallest peak of 2 cells" in text
    assert "b on glibc, needs 1.500 times as much" in text


def test_peaks_within_the_error_of_a_reading_are_not_told_apart():
    # 10% of 800,000 bytes are less than the 126,976 that a reading may be off by.
    runs = planted_run(times_of(a=9, b=9), "ab", sizes=[10_000], peak=peaks(a=1.0, b=1.1))
    text = said(findings.leanest, runs)
    assert "cannot be told apart from b on glibc: a peak is read to within 124 KiB" in text
    assert "needs" not in text


def test_more_than_twice_the_payload_must_be_more_than_the_error_of_a_reading():
    def text_of(peak: float) -> str:
        runs = planted_run(times_of(a=9, b=9), "ab", sizes=[10_000], peak=peaks(a=1.0, b=peak))
        return said(findings.memory, runs)

    assert "1 cell of 2 need more than twice" in text_of(3.0)
    assert "more than twice" not in text_of(2.1)
    assert "b on glibc: 2.10\N{MULTIPLICATION SIGN} the payload" in text_of(2.1)


def test_the_articles_question_has_its_ratio_on_each_allocator():
    def time(strategy, allocator, rows):
        slow = {"glibc": 50.0, "jemalloc": 8.0}[allocator]
        return 1000.0 * (slow if strategy == SLOW else 1.0)

    runs = planted_run(time, [SLOW, FAST], ["glibc", "jemalloc"], [10_000], noise=0.01)
    finding = findings.article_question(evidence_of(runs))
    frame = finding.table.frame.set_index("allocator")
    assert frame.loc["glibc", "cold"] == pytest.approx(50.0, rel=0.03)
    assert frame.loc["jemalloc", "cold"] == pytest.approx(8.0, rel=0.03)
    assert (frame["cold_low"] <= frame["cold"]).all() and (
        frame["cold"] <= frame["cold_high"]
    ).all()
    # No probes, no reasons.
    assert len(finding.sentences) == 1
    assert "goes into" not in plain(finding.sentences[0])


def test_equal_strategies_are_not_told_apart_in_the_articles_question():
    runs = planted_run(lambda *cell: 1000.0, [SLOW, FAST], ["glibc"], [10_000], noise=0.05)
    assert "The two cannot be told apart on glibc." in said(findings.article_question, runs)


def test_why_is_said_where_the_model_explains_the_time():
    runs, timeline = full_run([SLOW, FAST], ["glibc", "jemalloc"], [1000, 10_000])
    text = said(findings.article_question, runs, timeline=timeline)
    assert re.search(r"copying on jemalloc \(\d+%\) and page faults on glibc \(\d+%\)", text)


def test_why_is_not_said_where_the_model_does_not_explain_the_time():
    runs, timeline = full_run([SLOW, FAST], ["glibc", "jemalloc"], [1000, 10_000])
    measured = (runs["pass"] == "measure") & (runs["strategy"] == SLOW)
    runs.loc[measured, "cold_build_ns"] *= 3
    assert "goes into" not in said(findings.article_question, runs, timeline=timeline)


def by_allocator(**factors):
    return lambda strategy, allocator, rows: 10.0 * rows * factors[allocator]


def test_a_swap_of_the_allocator_has_its_mean_and_its_extremes():
    def time(strategy, allocator, rows):
        if allocator == "glibc":
            return 10.0 * rows
        return 10.0 * rows * {"a": 0.25, "b": 1.0}[strategy]

    runs = planted_run(time, "ab", ["glibc", "jemalloc"], [10_000], noise=0.005)
    finding = findings.swapping_allocators(evidence_of(runs))
    row = finding.table.frame.iloc[0]
    assert row["ratio"] == pytest.approx(0.5, rel=0.02)
    assert (row["best"], row["worst"]) == ("a", "b")
    assert row["best_ratio"] == pytest.approx(0.25, rel=0.02)
    assert "faster: jemalloc 0.5" in plain(finding.sentences[0])


def test_allocators_that_are_alike_are_not_ranked():
    factors = {"glibc": 1.0, "jemalloc": 1.0}
    runs = planted_run(by_allocator(**factors), "ab", factors, [10_000], noise=0.05)
    text = said(findings.swapping_allocators, runs)
    assert "cannot be told apart: jemalloc" in text
    assert "faster:" not in text and "slower:" not in text


def test_growth_tells_linear_from_quadratic():
    def time(strategy, allocator, rows):
        return float(rows) ** {"linear": 1.0, "quadratic": 2.0}[strategy]

    # Not on glibc, whose mmap threshold would lie in between.
    runs = planted_run(time, ["linear", "quadratic"], ["mimalloc"], [100, 1000, 10_000], noise=0.02)
    text = said(findings.growth, runs, {"machine": {"caches": [{"level": 2, "bytes": 10}]}})
    assert "1 cannot be told apart from 1, which is linear" in text
    assert re.search(r"1 grow more than linearly .*quadratic on mimalloc (1\.9\d|2\.0\d) \(", text)


def test_an_exponent_across_a_cache_is_no_power_law():
    runs = planted_run(
        lambda strategy, allocator, rows: float(rows) ** 2, ["a"], sizes=[100, 1000, 100_000]
    )
    text = said(findings.growth, runs, CACHES)
    assert "on both sides of a cache's size" in text
    assert "more than linearly" not in text


def crossing(strategy, allocator, rows):
    return {"flat": 5.0 * rows + 50_000.0, "steep": 55.0 * rows}[strategy]


def slow_is_predicted() -> pd.DataFrame:
    runs = build_runs([SLOW, FAST], ["glibc"], [10_000], noise=0.0)
    return fail(runs, runs["strategy"] == SLOW, "skipped_predicted")


SOME_SIZES = [100, 300, 3000, 10_000]


@pytest.mark.parametrize(
    "function, runs",
    [
        (findings.fastest, one_cell()),
        (findings.leanest, one_cell()),
        (findings.article_question, one_cell()),
        (findings.article_question, slow_is_predicted()),
        (findings.swapping_allocators, planted_run(times_of(a=9, b=9), "ab", sizes=[10_000])),
        (findings.growth, planted_run(times_of(a=9), "a", sizes=[10_000])),
        # Too few rounds.
        (findings.growth, planted_run(times_of(a=9), "a", sizes=[100, 1000, 10_000], rounds=5)),
        (
            findings.crossovers,
            planted_run(crossing, ["flat", "steep"], sizes=SOME_SIZES, rounds=5),
        ),
        # They do not cross.
        (findings.crossovers, planted_run(times_of(a=9, b=18), "ab", sizes=SOME_SIZES)),
        (findings.single_appends, build_runs(sizes=[10_000])),
        (findings.containers, one_cell()),
        (findings.real_capacity, one_cell()),
    ],
)
def test_nothing_is_found_in_data_that_do_not_support_it(function, runs):
    assert function(evidence_of(runs)) is None


def test_a_crossover_is_where_it_was_planted():
    runs = planted_run(crossing, ["flat", "steep"], sizes=SOME_SIZES, noise=0.01)
    finding = findings.crossovers(evidence_of(runs))
    row = finding.table.frame.iloc[0]
    assert row["rows"] == pytest.approx(1000, rel=0.1)
    assert "flat beats steep on glibc from " in plain(finding.sentences[0])


def test_single_appends_are_said_with_their_extremes():
    runs, timeline = full_run([SLOW, "chunked_list"], ["glibc"], [10_000])
    latency = runs["pass"] == "latency"
    runs.loc[latency & (runs["strategy"] == SLOW), "latency_max_ns"] = 5e6
    runs.loc[latency & (runs["strategy"] != SLOW), "latency_max_ns"] = 2e3
    runs.loc[latency & (runs["strategy"] == SLOW), "latency_slowest_share"] = 0.4
    text = said(findings.single_appends, runs, timeline=timeline)
    assert "from 2.00 \N{MICRO SIGN}s (chunked_list on glibc) to 5.00 ms (loop_and_append" in text
    assert "In 1 of 2 cells the slowest thousandth" in text and "40.0%" in text


def grown(strategies, copied):
    """Traced runs on two allocators; copied: bytes by (strategy, allocator)."""
    runs, _ = full_run(strategies, ["glibc", "jemalloc"], [10_000])
    traced = runs["pass"] == "trace"
    runs.loc[traced, ["malloc_count", "realloc_count", "peak_moving_bytes"]] = 0, 24, 2**20
    for (strategy, allocator), count in copied.items():
        chosen = traced & (runs["strategy"] == strategy) & (runs["allocator"] == allocator)
        runs.loc[chosen, "copied_bytes"] = count
    return runs


def test_what_real_capacity_saves_is_counted_beside_the_same_factor():
    own, beside = "realloc_good_size:1.5", "realloc_factor:1.5"
    copied = {(s, a): 4096.0 for s in (own, beside) for a in ("glibc", "jemalloc")}
    copied[own, "jemalloc"] = 1024.0
    runs = grown([own, beside], copied)
    text = said(findings.real_capacity, runs)
    assert f"Counted at 10,000 rows of 80 bytes, {own} beside {beside}: " in text
    assert "under jemalloc 1,024 instead of 4,096 bytes copied; the same under glibc." in text
    finding = findings.real_capacity(evidence_of(runs))
    table = finding.table.frame.set_index("allocator")
    assert table.loc["jemalloc", "copied_bytes"] == 1024
    assert table.loc["jemalloc", "copied_bytes_beside"] == 4096
    assert table.loc["jemalloc", "calls"] == 24


def test_real_capacity_needs_the_same_factor_without_it():
    copied = {}
    assert findings.real_capacity(evidence_of(grown(["realloc_usable:2"], copied))) is None
    others = ["realloc_usable:2", "realloc_factor:1.5"]
    assert findings.real_capacity(evidence_of(grown(others, copied))) is None
    assert said(findings.real_capacity, grown(["realloc_usable:2", "realloc_doubling"], copied))


def test_what_was_not_counted_saves_nothing():
    strategies = ["expand_in_place:2", "realloc_factor:2"]
    copied = {("expand_in_place:2", a): np.nan for a in ("glibc", "jemalloc")}
    text = said(findings.real_capacity, grown(strategies, copied))
    assert text.endswith("not all of it was counted.")


def test_a_container_is_held_against_its_kernel():
    runs = planted_run(
        times_of(realloc_doubling=10.0, std_vector=20.0),
        ["realloc_doubling", "std_vector"],
        ["glibc", "jemalloc"],
        [10_000],
        noise=0.01,
    )
    runs.loc[runs["strategy"] == "std_vector", "implementation"] = "cpp"
    finding = findings.containers(evidence_of(runs))
    assert finding.table.frame["ratio"].iloc[0] == pytest.approx(0.5, rel=0.03)
    assert "as long as std_vector" in plain(finding.sentences[0])


def test_a_container_that_is_like_its_kernel_is_not_told_apart():
    runs = planted_run(
        times_of(realloc_doubling=10.0, std_vector=10.0),
        ["realloc_doubling", "std_vector"],
        sizes=[10_000],
        noise=0.05,
    )
    runs.loc[runs["strategy"] == "std_vector", "implementation"] = "cpp"
    assert "no container can be told apart" in said(findings.containers, runs)


def test_what_not_to_trust_is_counted():
    runs = build_runs(["a", "b"], ["glibc"], [100, 10_000], noise=0.0)
    runs = fail(runs, (runs["strategy"] == "a") & (runs["rows"] == 100), "crashed", "signal 11")
    predicted = (runs["strategy"] == "b") & (runs["rows"] == 10_000)
    runs = fail(runs, predicted, "skipped_predicted")
    runs.loc[runs["status"] == "ok", "steal_ns"] = 4e9
    text = said(findings.trust, runs)
    assert (
        "Of 2 cells with figures 0 may not be ranked, 2 give no difference below 10% (steal 2), "
        "2 no absolute time (steal 2)." in text
    )
    assert "10 of 40 workers of the measure pass have no figures: crashed 10." in text
    assert "1 cell would have taken too much of the time budget" in text and "(b)" in text
    missing = said(findings.trust, fail(runs, predicted, "skipped_budget"))
    assert "could be measured to predict them: they are missing (b); status_detail" in missing
    assert "were predicted from" in text and "were predicted from" not in missing


def test_a_quiet_run_has_nothing_to_distrust_but_few_workers_have_no_interval():
    assert said(findings.trust, one_cell()) == (
        "Of 1 cells with figures 0 may not be ranked, 0 give no difference below 10%, "
        "0 no absolute time."
    )
    text = said(findings.trust, one_cell(rounds=3))
    assert "no order and no differences (few_rounds): most cells have 3 workers" in text


@pytest.mark.parametrize("rounds", [1, 2, 5])
def test_below_six_rounds_there_is_no_interval_anywhere(rounds):
    runs, timeline = full_run(
        [SLOW, FAST, "realloc_doubling", "std_vector"],
        ["glibc", "jemalloc"],
        [1000, 10_000],
        rounds,
    )
    told = findings.findings(evidence_of(runs, timeline))
    assert len(told) >= 6
    for finding in told:
        for sentence in finding.sentences:
            assert not re.search(r"\(\S+( \S+)? to \S+( \S+)?\)", plain(sentence)), plain(sentence)
            assert "cannot be told apart from" not in plain(sentence)
        for column in finding.table.columns if finding.table else ():
            if column.label == "95% interval":
                assert finding.table.frame[column.name].isna().all(), (finding.key, column)


@lru_cache
def degenerate_runs() -> dict[str, pd.DataFrame]:
    runs, _ = full_run([SLOW, "realloc_doubling"], ["glibc"], [100, 10_000], rounds=2)
    zero = one_cell()
    zero[["cold_build_ns", "cold_release_ns", "warm_build_release_median_ns"]] = 0.0
    zero["peak_memory_bytes"] = 0.0
    bare = build_runs(["a", "b"], ["x", "y"], [0, 1, 10_000], 6)
    return {
        "one cell": one_cell(),
        "one round": one_cell(rounds=1),
        "no measure pass": runs[runs["pass"] != "measure"].reset_index(drop=True),
        "probes alone": runs[runs["pass"] == "probe"].reset_index(drop=True),
        "all failed": fail(one_cell(), one_cell()["rows"] > 0, "crashed"),
        "all predicted": fail(one_cell(), one_cell()["rows"] > 0, "skipped_predicted"),
        "nothing takes any time": zero,
        "no rows at all in an array": bare,
        "hostile names": hostile_run(),
        "no resolution known": bare.assign(peak_resolution_bytes=np.nan),
    }


@pytest.mark.parametrize("kind", degenerate_runs())
@pytest.mark.filterwarnings("error")
def test_every_finding_takes_any_run(kind):
    told = findings.findings(evidence_of(degenerate_runs()[kind]))
    assert "trust" in [finding.key for finding in told]
    for finding in told:
        assert finding.sentences and all(plain(sentence) for sentence in finding.sentences)
        for sentence in finding.sentences:
            assert "nan" not in plain(sentence) and "inf" not in plain(sentence), plain(sentence)


def test_findings_have_keys_of_their_own():
    interpreted = {"numpy": [SLOW, FAST]}
    runs, timeline = full_run(sizes=[1000, 10_000], rounds=6, interpreted=interpreted)
    keys = [finding.key for finding in findings.findings(evidence_of(runs, timeline))]
    # Two are of copying patterns, two of growth factors and of real capacity: runs of their own.
    assert len(set(keys)) == len(keys) >= len(FINDINGS) - 5


def test_lists_read_as_people_write_them():
    words = [["a"], ["b"], ["c"]]
    assert [plain(listed(words[:n])) for n in (0, 1, 2, 3)] == ["", "a", "a and b", "a, b and c"]
    assert plain(listed(words, most=2)) == "a, b and 1 more"
    assert counted(1, "cell") == "1 cell" and counted(2000, "cell") == "2,000 cells"


def test_a_name_cannot_break_a_line_or_turn_text_around():
    assert "\n" not in name("a\nb").text and "\u202e" not in name("a\u202eb").text


def test_the_fastest_of_a_run_without_a_steady_state_is_that_of_the_first_build():
    runs = planted_run(times_of(a=100, b=110), "ab", sizes=[10_000], noise=0.002, rounds=10)
    runs["warm_build_release_median_ns"] = np.nan
    text = said(findings.fastest, runs)
    assert "a on glibc is the fastest of 2 cells" in text and "steady" not in text
