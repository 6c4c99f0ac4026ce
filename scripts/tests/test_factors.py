"""Growth factors: known answers, counts worked out apart, runs that have no answer; and names with
a parameter wherever strategies are ordered, chosen and written."""

import json
import math
import re
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from conftest import build_runs, fail
from factor_runs import FACTORS, MREMAP_BYTES, capacities, factor_runs
from hypothesis import given
from hypothesis import strategies as st

from growbench.analysis import factors
from growbench.analysis.analyse import analyse
from growbench.analysis.summary import summarise
from growbench.comparison.run import Run
from growbench.data import parameters, traits
from growbench.data.columns import TIMELINE_COLUMNS
from growbench.data.metrics import metric
from growbench.figures.canvas import NothingToDraw
from growbench.figures.render import draw_figure
from growbench.figures.slices import slices
from growbench.figures.style import STRATEGIES, looks
from growbench.findings import factors as findings
from growbench.findings.evidence import evidence
from growbench.findings.factor_ratios import MEASURES, PEAK, known_of, row_of, verdict
from growbench.findings.sentences import plain
from growbench.plots import all_plots
from growbench.report.sections import growth_factors as listings

PLANTED = {"glibc": (1.1, 1.0), "scudo": (0.9, 1.2)}
PLOTS = {plot.name: plot for plot in all_plots() if plot.name in findings.PLOTS}
NO_TIMELINE = pd.DataFrame({column.name: [] for column in TIMELINE_COLUMNS}).astype(
    {"implementation": str, "strategy": str}
)
A, B = "realloc_factor:1.5", "realloc_factor:2"


def evidence_of(runs):
    """The evidence of a run."""
    data = analyse(runs, NO_TIMELINE)
    return evidence(Run("run", runs), data, slices(data, "example-2cpu"))


@pytest.fixture(scope="module")
def planted():
    return factor_runs(times=PLANTED, noise=0.0)


@pytest.fixture(scope="module")
def found(planted):
    return findings.answer(evidence_of(planted))


def table(answer, name):
    (one,) = [table for table in answer.tables if table.name == name]
    return one


def said_of(answer, allocator):
    (sentence,) = [
        plain(s) for s in answer.sentences if plain(s).startswith(f"On {allocator} 1.0, at ")
    ]
    return sentence


# ---- what a run says ----


def test_planted_ratios_are_found_and_told_as_what_they_are(found):
    frame = table(found, "factors").frame.set_index("allocator")
    for allocator in frame.index:
        cold, warm = PLANTED.get(allocator, (1.0, 1.0))
        for key, wanted in (("cold", cold), ("warm", warm)):
            for name in (f"{key}_ratio", f"{key}_ci_low", f"{key}_ci_high", f"{key}_mean_ratio"):
                assert frame.at[allocator, name] == pytest.approx(wanted, rel=2e-4)
    cold, warm, peak = map(plain, found.sentences[:3])
    assert "at the peak, over 2 sizes together: the two cannot be told apart on glibc" in peak
    assert re.search(r"1\.5 is faster than 2 on scudo \(0\.9\d\d", cold)
    assert re.search(r"1\.5 is slower than 2 on glibc \(1\.1", cold)
    assert re.search(r"slower than 2 on scudo \(1\.200", warm) and "faster" not in warm
    assert "over 3 sizes together" in cold
    assert "in a fresh process 1.5 takes 1.100 times as long as 2 (1.1" in said_of(found, "glibc")


def test_equal_times_with_noise_are_mostly_not_told_apart():
    answer = findings.answer(evidence_of(factor_runs(noise=0.05)))
    frame = table(answer, "factors_by_size").frame
    held = (frame["cold_ci_low"] <= 1.0) & (frame["cold_ci_high"] >= 1.0)
    assert held.mean() > 0.8


def test_means_and_ratios_are_those_of_the_rounds(planted):
    noisy = factor_runs(times=PLANTED, allocators=["glibc", "scudo"], rounds=7)
    cells = factors.cells_of(summarise(noisy))
    rounds = factors.rounds_of(noisy, cells, metric("cold_build_release"))
    own = noisy[(noisy["pass"] == "measure") & (noisy["allocator"] == "scudo")]
    logs = np.log(
        own.pivot_table(index="round", columns=["strategy", "rows"], values="cold_build_ns")
    )
    differences = logs[A] - logs[B]
    means = rounds.means(B).set_index(["strategy", "allocator"]).loc[(A, "scudo")]
    by_round = np.sort(differences.mean(axis=1))
    # Of seven rounds the interval of the median is from the smallest to the largest.
    assert means["ratio"] == pytest.approx(math.exp(np.median(by_round)))
    assert means["ci_low"] == pytest.approx(math.exp(by_round[0]))
    assert means["ci_high"] == pytest.approx(math.exp(by_round[-1]))
    assert (means["sizes"], means["round_count"]) == (3, 7)
    one = rounds.ratios(B).set_index(["strategy", "allocator", "rows"]).loc[(A, "scudo", 10_000)]
    assert one["ratio"] == pytest.approx(math.exp(np.median(differences[10_000])))


def test_a_round_that_lacks_a_size_is_in_no_mean(planted):
    lacking = planted[
        ~((planted["round"] == 3) & (planted["rows"] == 1000) & (planted["strategy"] == A))
    ]
    cells = factors.cells_of(summarise(planted))
    means = factors.rounds_of(lacking, cells, metric("cold_build_release")).means(B)
    counts = means.set_index(["strategy", "allocator"])["round_count"]
    assert counts[(A, "glibc")] == 7 and counts[("realloc_factor:3", "glibc")] == 8


def test_counts_are_those_of_the_trace(found):
    jemalloc, glibc = said_of(found, "jemalloc"), said_of(found, "glibc")
    for factor in ("1.5", "2"):
        grown = capacities(10_000, float(factor))
        # One is in place, the first is realloc(NULL).
        assert (
            f"with {factor} it makes {len(grown)} reallocs (1 in place and {len(grown) - 2} copied)"
            in jemalloc
        )
        remapped = sum(1 for one in grown[:-1] if one * 80 >= MREMAP_BYTES)
        assert f"{len(grown) - 2 - remapped} copied and {remapped} by mremap" in glibc
    frame = table(found, "factor_counts").frame
    copied = frame[(frame["allocator"] == "jemalloc") & (frame["rows"] == 1_000_000)]
    wanted = [80 * (sum(capacities(1_000_000, f)[:-1]) - 1) for f in (1.5, 2.0)]
    assert copied["copied_bytes"].tolist() == wanted
    assert frame["rows"].unique().tolist() == [10_000, 1_000_000]


def test_what_mremap_moves_is_said_to_copy_nothing(found):
    (said,) = [plain(s) for s in found.sentences if plain(s).startswith("Large blocks")]
    assert "mremap on glibc (" in said and "jemalloc" not in said and "no byte is copied" in said
    none = factor_runs(allocators=["jemalloc"], noise=0.0)
    told = [plain(s) for s in findings.answer(evidence_of(none)).sentences]
    assert not any("mremap" in text for text in told)


def test_rules_of_others_stand_beside_the_factors(found):
    frame = table(found, "factor_rules_warm").frame.set_index("strategy")
    others = [f"realloc_factor:{f}" for f in FACTORS if f != "2"]
    assert frame.index.tolist() == [*others, "realloc_cpython"]
    assert "Java" in frame.at[A, "people"] and "Python" in frame.at["realloc_cpython", "people"]
    assert frame.at[A, "scudo"] == "1.20* (1.20 to 1.20)"
    assert frame.at[A, "glibc"].startswith("1.00 (")


# ---- what a run does not say ----


def test_few_rounds_tell_nothing_apart():
    answer = findings.answer(evidence_of(factor_runs(times=PLANTED, rounds=5, noise=0.0)))
    told = " ".join(plain(sentence) for sentence in answer.sentences)
    assert "there are too few rounds to tell on glibc" in told
    assert "5 rounds, too few for an interval" in told
    assert "faster" not in told and "slower" not in told
    assert not any("*" in text for text in table(answer, "factor_rules_cold").frame["glibc"])


@given(st.lists(st.floats(0.5, 2.0), min_size=3, max_size=3))
def test_no_interval_that_holds_1_is_a_difference(ends):
    low, ratio, high = sorted(ends)
    row = {"ratio": ratio, "ci_low": low, "ci_high": high}
    assert (verdict(row) == "apart") == (low <= 1.0 <= high) == (verdict(row, 0.2) == "apart")
    assert verdict(row) != "less" or high < 1.0
    assert verdict(row) != "more" or low > 1.0
    # What a reading may be off by is no difference, either.
    assert verdict(row, 0.2) != "more" or low > 1.2
    assert verdict(row, 0.2) != "less" or high < 0.8


def test_peaks_are_told_apart_beyond_the_error_of_a_reading(planted):
    error = planted["peak_resolution_bytes"].max()
    is_first = (planted["strategy"] == A) & (planted["pass"] == "measure")
    for times, wanted in ((1.0, "apart"), (1.02, "near"), (1.5, "more"), (0.4, "less")):
        peaks = planted["peak_memory_bytes"].where(~is_first, planted["peak_memory_bytes"] * times)
        known = known_of(evidence_of(planted.assign(peak_memory_bytes=peaks)), (1.5, 2.0))
        margin = known.margin(PEAK, [10_000])
        assert margin == pytest.approx(error / 800_000)
        row = row_of(known.ratios["peak"], strategy=A, allocator="glibc", rows=10_000)
        assert verdict(row, margin) == wanted and row["ratio"] == pytest.approx(times)
        assert known.margin(MEASURES[0], [10_000]) == 0.0


def test_without_a_trace_it_says_so():
    answer = findings.answer(evidence_of(factor_runs(traced=False, noise=0.0)))
    told = [plain(sentence) for sentence in answer.sentences]
    assert any("was not traced" in text for text in told)
    assert not any("golden ratio" in text or "mremap" in text for text in told)
    assert {table.name for table in answer.tables}.isdisjoint({"factor_counts", "factor_reuse"})


def test_an_older_trace_does_not_tell_where_blocks_moved(planted):
    runs = planted.assign(realloc_reused_count=np.nan, realloc_reused_bytes=np.nan)
    answer = findings.answer(evidence_of(runs))
    assert plain(answer.sentences[-1]).endswith("does not tell where blocks have moved to.")
    assert "factor_reuse" not in {table.name for table in answer.tables}


def test_system_calls_that_were_not_seen_leave_question_marks(planted):
    unseen = ["realloc_remapped_count", "copied_bytes", "realloc_reused_count"]
    answer = findings.answer(evidence_of(planted.assign(**{name: np.nan for name in unseen})))
    assert "? copied" in said_of(answer, "glibc") and "copies ?" in said_of(answer, "glibc")


@pytest.mark.parametrize("given", [("1.5",), ("1.125", "1.5"), ("2", "3"), ()])
def test_a_run_without_both_has_no_answer(given):
    runs = factor_runs(given, noise=0.0)
    assert (
        findings.answer(evidence_of(runs)) is None
        and findings.growth_factors(evidence_of(runs)) is None
    )
    assert listings(evidence_of(runs)) == []


def test_a_factor_that_failed_everywhere_has_no_answer(planted):
    broken = fail(planted, (planted["strategy"] == A) & (planted["pass"] == "measure"), "crashed")
    assert findings.answer(evidence_of(broken)) is None


def test_one_that_failed_on_one_allocator_has_no_round_there(planted):
    chosen = (planted["strategy"] == A) & (planted["allocator"] == "scudo")
    answer = findings.answer(
        evidence_of(fail(planted, chosen & (planted["pass"] == "measure"), "crashed"))
    )
    assert "no round has both 1.5 and 2" in said_of(answer, "scudo")
    assert "no round has both on scudo" in plain(answer.sentences[0])


def test_other_factors_can_be_asked_for(planted):
    answer = findings.answer(evidence_of(planted), (1.25, 3.0))
    assert "the two cannot be told apart on glibc" in plain(answer.sentences[0])
    assert answer.tables[0].title.startswith("1.25 \N{DIVISION SIGN} 3:")


# ---- the theory ----


def reuse_by_counting(factor: Fraction, most: int) -> int:
    """After how many moves the blocks that were left hold the next one; 0: not within `most`."""
    live, left = Fraction(1), Fraction(0)
    for moves in range(1, most + 1):
        left, live = left + live, live * factor
        if left >= live * factor:
            return moves
    return 0


@pytest.mark.parametrize(
    "factor", ["1.001", "1.1", "1.125", "1.25", "1.3", "1.45", "1.5", "1.6", "1.618"]
)
def test_when_memory_could_be_used_again_is_what_counting_says(factor):
    assert factors.moves_until_reuse(float(factor)) == reuse_by_counting(Fraction(factor), 40)


def test_the_figures_of_follys_document_come_out():
    assert [factors.moves_until_reuse(f) for f in (1.5, 1.45, 1.3)] == [4, 3, 2]


@pytest.mark.parametrize("factor", [factors.GOLDEN, 1.6181, 1.7, 1.99, 2.0, 3.0])
def test_from_the_golden_ratio_on_it_never_can(factor):
    assert factors.moves_until_reuse(factor) is None
    assert reuse_by_counting(Fraction(factor), 400) == 0 or factor == factors.GOLDEN


def copied_moves(side):
    """Over the sizes: the first is realloc(NULL), and one is in place."""
    sizes = (1_000, 10_000, 1_000_000)
    return sum(len(capacities(rows, float(f))) - 2 for f in side for rows in sizes)


def test_moves_to_where_the_array_had_been_are_told(found):
    said = plain(found.sentences[-1])
    # Two a cell of jemalloc, none of the others.
    assert f"with 1.5 6 of {copied_moves(['1.5'])} on jemalloc and none on glibc, mimalloc," in said
    assert f"with 2 6 of {copied_moves(['2'])} on jemalloc and none on glibc" in said
    assert "below the golden ratio 24 of " in said and "from it on 12 of " in said
    frame = table(found, "factor_reuse").frame.set_index("factor")
    assert frame.at[1.5, "theory"] == "after 4" and frame.at[2.0, "theory"] == "never"
    assert frame.at[1.125, "tcmalloc"] == f"0 of {copied_moves(['1.125'])}"
    assert frame.at[3.0, "jemalloc_reused_bytes"] == 3 * 160


# ---- the verb, the report, the plots ----


def test_the_page_is_written_with_its_plots(call_here, run_folder, planted):
    folder = run_folder(planted)
    done = call_here("factors", folder)
    assert done.returncode == 0, done.stderr
    assert "over 3 sizes together" in done.stdout
    page = (folder / "factors.md").read_text(encoding="utf-8")
    assert page.startswith("# Growth factors: 1.5 or 2?\n")
    pictures = re.findall(r"!\[\w+\]\(([^)]+)\)", page)
    assert len(pictures) == 4 and all((folder / name).is_file() for name in pictures)
    assert not any(":" in path.name for path in folder.rglob("*"))
    assert all(name in done.stderr for name in ("factors.md", "factor_cold.png"))


def test_programs_get_figures_in_full(call_here, run_folder, planted):
    folder = run_folder(planted)
    done = call_here("factors", folder, "--json", "--no-plot")
    answer = json.loads(done.stdout)
    assert answer["factors"] == [1.5, 2.0]
    (row,) = [r for r in answer["tables"]["factors"]["rows"] if r["allocator"] == "scudo"]
    assert row["cold_ratio"] == pytest.approx(0.9, rel=1e-3)
    assert {path.name for path in folder.iterdir()} == {"runs.csv"}


@pytest.mark.parametrize(
    "given, words, said",
    [
        (("1.5",), [], "its factors are: 1.5; make a run that has"),
        (FACTORS, ["--factors", "1.4", "2"], "1.125, 1.25, 1.5, 1.618, 2, 3; choose two"),
        (FACTORS, ["--factors", "2", "2"], "these are the same; give two"),
        ((), [], "its factors are: none"),
    ],
)
def test_a_run_without_an_answer_is_refused_and_nothing_is_written(
    call_here, run_folder, given, words, said
):
    folder = run_folder(factor_runs(given, noise=0.0, rounds=2))
    done = call_here("factors", folder, *words)
    assert done.returncode == 2 and said in done.stderr
    assert {path.name for path in folder.iterdir()} == {"runs.csv"}


def test_the_report_has_it_as_a_finding_with_its_tables(planted):
    finding = findings.growth_factors(evidence_of(planted))
    assert finding.title == "Which growth factor: 1.5 or 2?" and finding.plots == findings.PLOTS
    assert [listing.table.name for listing in listings(evidence_of(planted))] == [
        "factors_by_size",
        "factor_counts",
        "factor_rules_cold",
        "factor_rules_warm",
        "factor_reuse",
    ]


@pytest.mark.parametrize("name", PLOTS)
def test_the_plots_have_a_panel_for_each_size_and_a_line_for_each_allocator(planted, name):
    (part,) = slices(analyse(planted, NO_TIMELINE), "example-2cpu")
    figure = draw_figure(PLOTS[name], part)
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    # The peaks of the smallest are too close to the error of a reading.
    assert len(titles) == (2 if name == "factor_peak" else 3)
    assert any("article" in title for title in titles)
    for axes in figure.axes:
        marked = [line for line in axes.get_lines() if line.get_marker() not in ("None", None, "")]
        assert len({line.get_color() for line in marked}) == 6


def test_bytes_that_are_not_copied_are_a_line_at_0(planted):
    (part,) = slices(analyse(planted, NO_TIMELINE), "example-2cpu")
    figure = draw_figure(PLOTS["factor_copied"], part)
    assert figure.axes[-1].get_ylim()[0] == 0.0 and figure.axes[-1].get_yscale() == "linear"


@pytest.mark.parametrize("name", PLOTS)
def test_one_factor_is_no_plot(name):
    runs = factor_runs(["1.5"], rounds=2, noise=0.0)
    (part,) = slices(analyse(runs, NO_TIMELINE), "example-2cpu")
    with pytest.raises(NothingToDraw, match="several factors"):
        draw_figure(PLOTS[name], part)


# ---- names with a value ----

VALUES = st.integers(1, 10**6).map(lambda n: f"{n / 1000:g}")


@given(st.lists(VALUES, min_size=2, unique=True))
def test_names_are_in_the_order_of_their_values(values):
    names = parameters.ordered(f"realloc_factor:{value}" for value in values)
    found = [parameters.value(name, "realloc_factor") for name in names]
    assert found == sorted(map(float, values))


def test_units_are_apart_and_other_names_are_as_text():
    names = ["b:64rows", "b:4144B", "b:64B", "a:x", "a", "realloc_x1.5", "a:10", "a:2"]
    assert parameters.ordered(names) == [
        "a",
        "a:x",
        "a:2",
        "a:10",
        "b:64B",
        "b:4144B",
        "b:64rows",
        "realloc_x1.5",
    ]
    assert math.isnan(parameters.value("realloc_step:64B", "realloc_step"))
    assert math.isnan(parameters.value("realloc_doubling", "realloc_factor"))


def test_a_summary_and_its_legends_are_in_the_order_of_the_values():
    runs = build_runs([f"realloc_factor:{f}" for f in (10, 2, 1.5)], ["glibc"], [1000], 2)
    names = ["realloc_factor:1.5", "realloc_factor:2", "realloc_factor:10"]
    assert summarise(runs)["strategy"].tolist() == names
    found = looks(STRATEGIES, [*names[::-1], "realloc_doubling"])
    assert list(found) == ["realloc_doubling", *names]
    assert len({look.colour for look in found.values()}) == 4


def test_a_name_without_a_value_is_all_of_its_values(call_here, run_folder):
    folder = run_folder(factor_runs(["1.5", "2"], ["glibc"], [1000], rounds=2))
    done = call_here("export", folder, "--to", "go", "--strategy", "realloc_factor")
    assert done.returncode == 0, done.stderr
    assert set(re.findall(r"strategy=([^/]+)", done.stdout)) == {
        "realloc_factor%3A1.5",
        "realloc_factor%3A2",
    }
    done = call_here("export", folder, "--to", "go", "--strategy", "realloc_factor:3")
    assert done.returncode == 2
    assert "there are: realloc_cpython, realloc_factor:1.5, realloc_factor:2" in done.stderr


def test_advice_takes_a_name_without_a_value(call_here, run_folder):
    folder = run_folder(factor_runs(["1.5", "2"], ["glibc"], [1000, 10_000], rounds=6))
    words = ["--rows", "1000", "--row-bytes", "80", "--strategy", "realloc_factor", "--json"]
    done = call_here("advise", folder, *words)
    assert done.returncode == 0, done.stderr
    assert "realloc_factor:1.5" in done.stdout and "realloc_cpython" not in done.stdout


def test_a_baseline_keeps_names_with_a_value(call_here, run_folder, tmp_path):
    folder = run_folder(factor_runs(["1.5", "2"], ["glibc"], [1000], rounds=2))
    file = tmp_path / "baseline.txt"
    done = call_here("gate", folder, "--baseline", file, "--update")
    assert done.returncode == 0, done.stderr
    assert "realloc_factor%3A1.5" in file.read_text(encoding="utf-8")
    done = call_here("gate", folder, "--baseline", file)
    assert done.returncode == 0, done.stdout + done.stderr


def test_traits_are_of_the_strategy_whatever_its_value():
    assert traits.is_contiguous("realloc_factor:1.5") and not traits.is_contiguous("chunked_list:8")
    assert traits.needs_rows("preallocate_then_fill:2")


def test_a_written_run_is_read_with_the_same_names(reread):
    runs = factor_runs(["1.125", "1.618"], ["glibc"], [1000], rounds=2)
    assert set(reread(runs)["strategy"]) == set(runs["strategy"])
