"""The article's question as a table: known answers, and what is said where there is none."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import build_runs, fail, write_runs
from full_runs import APPEND, INTERPRETER, full_run
from report_runs import NO_POINTS

from growbench.data.article import FAST, SLOW
from growbench.analysis.article_table import answer
from growbench.analysis.analyse import analyse
from growbench.data.errors import UsageError
from growbench.tables.formats import as_terminal

BOTH = [SLOW, FAST]


def article_run(
    ratio: float = 24.0, rounds: int = 8, spread: float = 0.0, work: str = "random", sizes=(10_000,)
) -> pd.DataFrame:
    """NumPy's loop takes so many times as long on glibc, half as many on jemalloc; C 1000 times.

    spread: ratios of the rounds go from 1 - spread to 1 + spread times that.
    """
    parts = []
    for implementation, fast in (("c", 1e5), ("numpy", 1e7)):
        part = build_runs(BOTH, ["glibc", "jemalloc"], sizes, rounds, noise=0.0)
        times = np.where(implementation == "c", 1000.0, ratio)
        times = times * np.where(part["allocator"] == "jemalloc", 0.5, 1.0)
        times = times * (1.0 + spread * (2.0 * (part["round"] - 1) / max(rounds - 1, 1) - 1.0))
        # Rounds of which both take twice as long change no ratio.
        mood = fast * (1.0 + part["round"] % 2)
        part = fail(part, part["status"] != "ok", "ok").assign(
            implementation=implementation,
            cold_build_ns=np.where(part["strategy"] == SLOW, times * mood, mood),
            cold_release_ns=7e7,
            warm_build_release_median_ns=np.where(part["strategy"] == SLOW, 2.0, 0.5) * fast,
            cold_build_minor_fault_count=5.0,
            work=work,
            implementation_version="NumPy 1.24.2" if implementation == "numpy" else "",
            layers_before_malloc="pymalloc" if implementation == "numpy" else "",
        )
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def found(runs: pd.DataFrame, work: str = ""):
    return answer(runs, analyse(runs, NO_POINTS), work)


def test_the_ratios_are_those_of_the_build_alone_paired_by_round():
    frame = found(article_run(spread=0.1)).table.frame.set_index("allocator")
    assert list(frame.index) == ["glibc", "jemalloc"]
    for allocator, factor in (("glibc", 1.0), ("jemalloc", 0.5)):
        row = frame.loc[allocator]
        assert row["numpy_ratio"] == pytest.approx(24.0 * factor, rel=1e-3)
        assert row["c_ratio"] == pytest.approx(1000.0 * factor, rel=1e-3)
        # Eight rounds: from the smallest to the largest.
        assert row["numpy_ci_low"] == pytest.approx(24.0 * factor * 0.9)
        assert row["numpy_ci_high"] == pytest.approx(24.0 * factor * 1.1)
        assert row[f"numpy_{FAST}_ns"] == pytest.approx(1.5e7)


@pytest.mark.parametrize(
    "ratio, inside", [(14.9, False), (15.1, True), (39.9, True), (40.1, False), (2.0, False)]
)
def test_the_first_line_says_whether_the_ratio_is_the_articles(ratio, inside):
    of = found(article_run(ratio))
    assert of.inside is inside
    line, steady = of.sentences
    start = "The article says about 25\N{MULTIPLICATION SIGN}; here, in a fresh process, on glibc, "
    assert line.startswith(start)
    assert "Once such arrays were built and dropped before, on glibc, NumPy takes 4.000" in steady
    assert of.steady_inside is False and "which does not lie in 15 to 40" in steady
    assert ("which lies in 15 to 40" in line) == inside
    assert ("which does not lie in 15 to 40" in line) == (not inside)
    assert "reaches beyond" not in line


def test_an_interval_that_reaches_beyond_the_range_is_told():
    of = found(article_run(38.0, spread=0.1))
    assert of.inside and "the interval reaches beyond that" in of.sentences[0]


def test_a_few_rounds_have_a_ratio_and_no_interval():
    of = found(article_run(rounds=5))
    assert of.inside and "(5 rounds, too few for an interval)" in of.sentences[0]
    text = as_terminal(of.table)
    assert text.split("\n")[2].split()[1:3] == ["24.0", "-"]


def test_shares_of_numpys_loop_are_those_of_the_attribution():
    runs, _ = full_run(BOTH, ["glibc"], [10_000], 6, noise=0.0, interpreted={"numpy": BOTH})
    data = analyse(runs, NO_POINTS)
    row = answer(runs, data).table.frame.iloc[0]
    cells = data.attribution.set_index(["implementation", "strategy"])
    cell = cells.loc["numpy", SLOW]
    assert row["numpy_interpreter_ns_share"] == pytest.approx(
        10_000 * INTERPRETER["numpy"] / cell["cold_build_ns"]
    )
    parts = ("interpreter_ns", "copy_ns", "fault_ns", "write_ns", "allocator_ns", "system_ns")
    assert row["numpy_other_share"] == pytest.approx(
        sum(cell[part] for part in parts[3:]) / cell["cold_build_ns"]
    )
    shown = sum(row[f"numpy_{part}_share"] for part in parts[:3])
    assert shown + row["numpy_other_share"] + row["numpy_rest_share"] == pytest.approx(1.0)
    assert row["c_interpreter_ns_share"] == 0.0
    assert row["c_write_ns_share"] == pytest.approx(
        10_000 * APPEND / cells.loc["c", SLOW]["cold_build_ns"]
    )


def test_without_numpy_it_is_said_and_c_has_its_ratio():
    runs = article_run()
    runs = fail(runs, runs["implementation"] == "numpy", "unavailable", "no module named numpy")
    of = found(runs)
    assert of.inside is None
    assert "NumPy has no ratio on glibc" in of.sentences[0]
    assert "unavailable (no module named numpy)" in of.sentences[0]
    row = of.table.frame.set_index("allocator").loc["glibc"]
    assert row["c_ratio"] == pytest.approx(1000.0) and np.isnan(row["numpy_ratio"])
    assert [column.name for column in of.table.columns][:2] == ["allocator", "c_ratio"]
    assert any("NumPy, unavailable" in note for note in of.table.notes)


def test_a_run_of_c_alone_and_one_without_glibc_have_no_answer_and_say_why():
    runs = article_run()
    alone = found(runs[runs["implementation"] == "c"].reset_index(drop=True))
    assert alone.inside is None and "since the run has no such cell" in alone.sentences[0]
    other = found(runs[runs["allocator"] == "jemalloc"].reset_index(drop=True))
    assert other.inside is None
    assert other.table.frame["numpy_ratio"].tolist() == pytest.approx([12.0])


def test_a_run_without_the_two_strategies_is_refused():
    with pytest.raises(UsageError, match="make article"):
        found(build_runs(["chunked_list"], ["glibc"], [10_000], 2))


def test_random_rows_are_the_articles_and_others_have_to_be_asked_for():
    runs = pd.concat([article_run(24.0), article_run(30.0, work="cheap")], ignore_index=True)
    assert found(runs).cells["work"] == "random"
    assert any("Rows are random" in note for note in found(runs).table.notes)
    cheap = found(runs, "cheap")
    assert cheap.cells["work"] == "cheap"
    assert cheap.table.frame["numpy_ratio"].iloc[0] == pytest.approx(30.0)
    assert any("--work random" in note for note in cheap.table.notes)
    with pytest.raises(UsageError, match="no such cell of work 'odd'; there are: cheap, random"):
        found(runs, "odd")


def test_it_is_of_the_size_that_is_nearest_to_the_articles():
    of = found(article_run(sizes=(100, 8000)))
    assert of.cells["rows"] == 8000
    assert any("the nearest that was measured" in note for note in of.table.notes)
    # NumPy is what the question is about, so its sizes decide.
    runs = article_run(sizes=(1000, 10_000))
    gone = (runs["implementation"] == "numpy") & (runs["rows"] == 10_000)
    assert found(runs[~gone].reset_index(drop=True)).cells["rows"] == 1000


def test_notes_tell_versions_and_what_stands_before_malloc():
    notes = found(article_run()).table.notes
    assert "NumPy is NumPy 1.24.2." in notes
    assert "NumPy, between the program and malloc: pymalloc." in notes


def test_the_entry_draws_it_beside_the_run(call_here, tmp_path: Path):
    runs, _ = full_run(BOTH, ["glibc"], [10_000], 6, interpreted={"numpy": BOTH})
    folder = write_runs(runs, tmp_path / "run" / "runs.csv").parent
    done = call_here("article", folder)
    assert done.returncode == 0 and str(folder / "plots") in done.stderr
    drawn = {path.name for path in (folder / "plots").iterdir()}
    assert drawn == {"article.png", "article.svg", "article.pdf"}


def test_the_entry_says_why_it_draws_nothing(call_here, run_folder):
    runs = article_run()
    folder = run_folder(runs[runs["implementation"] == "c"].reset_index(drop=True))
    done = call_here("article", folder)
    assert done.returncode == 0 and "nothing to draw" in done.stderr
    assert not list((folder / "plots").iterdir())


def test_the_entry_refuses_what_it_cannot_answer(call_here, run_folder, tmp_path: Path):
    done = call_here("article", run_folder())
    assert (
        done.returncode == 2 and done.stderr.startswith("error: ") and "make article" in done.stderr
    )
    assert call_here("article", tmp_path / "nowhere").returncode == 2
    assert call_here("article", run_folder(), "--style", "odd").returncode == 2
    both = call_here("article", run_folder(), "--json", "--markdown")
    assert both.returncode == 2


def test_the_steady_state_has_a_table_of_its_own_where_it_was_measured():
    of = found(article_run())
    assert of.steady is not None and of.tables == [of.table, of.steady]
    row = of.steady.frame.set_index("allocator").loc["jemalloc"]
    assert row[["numpy_ratio", "c_ratio"]].tolist() == pytest.approx([4.0, 4.0])
    assert row[f"numpy_{FAST}_ns"] == pytest.approx(5e6)
    cold_only = article_run()
    cold_only["warm_build_release_median_ns"] = np.nan
    of = found(cold_only)
    assert of.steady is None and of.steady_inside is None and len(of.sentences) == 1
    assert of.inside is True and of.tables == [of.table]
    assert any("no steady state" in note for note in of.table.notes)
    assert of.records()["steady_table"] is None
