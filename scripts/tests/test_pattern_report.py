"""What report, commands and files have of copying patterns: known answers, and nothing that the
data do not support."""

import json
import re
import shutil
from pathlib import Path

import pandas as pd
import pytest
from conftest import MACHINE, build_runs, fail, write_runs
from pattern_runs import COSTS, SQUARES, Cost, pattern_run
from report_runs import NO_POINTS, SCRIPT, evidence_of
from test_report import Page

from growbench.comparison.run import Run
from growbench.analysis.analyse import analyse
from growbench.memory_picture.layout import as_json, measure
from growbench.analysis.patterns import CHOICES
from growbench.plots import all_plots
from growbench import findings
from growbench.report import assemble, page
from growbench.report.assemble import Source
from growbench.findings.sentences import plain

SQUARE = [(1024, 8192)]


def said(function, runs: pd.DataFrame) -> list[str]:
    found = function(evidence_of(runs))
    return [] if found is None else [plain(sentence) for sentence in found.sentences]


def test_what_a_needless_copy_costs_is_told_with_its_interval():
    c, numpy = said(findings.needless_copies, pattern_run(allocators=["glibc"], shapes=SQUARE))
    assert c.startswith("In C at 8.00 MiB on glibc, in the steady state, ")
    assert numpy.startswith("In NumPy at 8.00 MiB on glibc")
    for text in (c, numpy):
        found = re.search(r"a = a \+ b instead of a \+= b, (\S+) times \((\S+) to", text)
        assert float(found[1]) == pytest.approx(2.0, rel=0.05) and float(found[2]) > 1.8
    assert "; naive instead of blocked transpose, " in c and "naive" not in numpy


def test_ways_that_take_as_long_are_not_told_apart():
    costs = {"reduce_rows": Cost(0.1, 0.1), "reduce_columns": Cost(0.1, 0.1)}
    runs = pattern_run(["c"], list(costs), ["glibc"], SQUARE, rounds=10, noise=0.05, costs=costs)
    (text,) = said(findings.needless_copies, runs)
    assert text.endswith("not told apart: sums of columns instead of rows.")
    assert " times" not in text


def test_few_rounds_tell_nothing_of_copies():
    runs = pattern_run(["c"], allocators=["glibc"], shapes=SQUARE, rounds=5)
    (needless,) = said(findings.needless_copies, runs)
    (paying,) = said(findings.paying_copies, runs)
    assert " times" not in needless and "not told apart" in needless
    assert "pays" not in paying and "not resolved" in paying


def test_when_a_copy_pays_is_told_and_when_it_never_does():
    (text,) = said(findings.paying_copies, pattern_run(["c"], allocators=["glibc"], shapes=SQUARE))
    found = re.search(r"blocked transpose (\S+) \((\S+) to (\S+)\)", text)
    walks, low, high = map(float, found.groups())
    assert low <= walks <= high and walks == pytest.approx(0.5, rel=0.1)
    assert "Below 1, a copy pays even if it is walked once: blocked transpose and reshaped" in text
    assert "It never pays, as walking it is no faster: slice." in text
    assert "naive transpose" in text.split("Below 1")[0]


@pytest.mark.parametrize("name", ["needless_copies", "paying_copies"])
def test_no_patterns_and_no_figures_are_no_finding(name):
    function = getattr(findings, name)
    assert function(evidence_of(build_runs(["chunked_list"], ["glibc"], [100], rounds=6))) is None
    runs = pattern_run(shapes=SQUARE, rounds=6)
    assert function(evidence_of(fail(runs, runs["pass"] == "pattern", "crashed"))) is None
    assert function(evidence_of(pattern_run(patterns=["slice_view"], shapes=SQUARE))) is None


@pytest.fixture(scope="module", autouse=True)
def few_plots():
    """Drawing takes most of the time, and is tested where the plots are."""
    chosen = [plot for plot in all_plots() if plot.name in ("heat_map_cold", "pattern_costs")]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(assemble, "all_plots", lambda: chosen)
        yield


def page_of(*many: pd.DataFrame) -> str:
    sources = [
        Source(Run(f"run-{number}", runs, None), NO_POINTS) for number, runs in enumerate(many)
    ]
    return page.html(*assemble.assemble(sources))


@pytest.fixture(scope="module")
def pattern_page() -> str:
    return page_of(pattern_run(shapes=SQUARES[1:]))


def test_a_run_of_patterns_alone_is_reported(pattern_page):
    parsed = Page(pattern_page)
    ids = [attributes["id"] for _, attributes in parsed.elements if "id" in attributes]
    assert len(set(ids)) == len(ids)
    for link in parsed.all("a"):
        assert link["href"][1:] in ids
    for label in parsed.all("label"):
        assert label["for"] in ids
    assert {"copies", "plot-memory", "plot-pattern_costs", "table-costs"} <= set(ids)
    assert {"table-crossovers", "table-choices", "needless-copies", "paying-copies"} <= set(ids)
    assert "there are no times to report" not in pattern_page
    assert "Copies that need not happen" in pattern_page
    assert len(parsed.all("img")) == 2
    assert all(len(image["alt"]) > 40 for image in parsed.all("img"))


def test_a_run_without_patterns_has_no_such_section():
    other = page_of(build_runs(["chunked_list"], ["glibc"], [1000, 10_000], rounds=6))
    assert "Copies that need not happen" not in other and "plot-memory" not in other


def test_names_of_patterns_are_text_whatever_they_hold():
    names = ["copy_contiguous", SCRIPT, "{{7*7}}"]
    costs = {name: Cost(0.1, 0.1) for name in names}
    runs = pattern_run(["c", "<u>"], names, ["</style>", "glibc"], SQUARE, costs=costs)
    text = page_of(runs)
    assert SCRIPT not in text and "{{7*7}}" in text and "&lt;script&gt;" in text
    assert "<u>" not in text and text.count("</style>") == 1


def test_the_same_run_of_patterns_gives_the_same_page():
    runs = pattern_run(["c"], ["slice_view", "slice_copy"], ["glibc"], SQUARE)
    assert page_of(runs) == page_of(runs)


def test_several_runs_of_patterns_have_their_findings():
    runs = pattern_run(["c"], allocators=["glibc"], shapes=SQUARE)
    other = runs.assign(machine_id="another")
    text = page_of(runs, other)
    assert text.count("When a copy pays") >= 2


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    return write_runs(pattern_run(shapes=SQUARES), tmp_path_factory.mktemp("run") / "runs.csv")


@pytest.fixture
def folder(written, tmp_path):
    (tmp_path / "run").mkdir()
    return Path(shutil.copy(written, tmp_path / "run")).parent


def test_the_table_of_patterns_is_written_if_the_run_has_them(call_here, folder):
    done = call_here("summarise", folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert f"{folder}/patterns.csv: 210 cells" in done.stdout
    assert len(pd.read_csv(folder / "patterns.csv")) == 210
    written = {path.name for path in folder.iterdir()}
    assert written == {"runs.csv", "summary.csv", "limits.csv", "patterns.csv"}


def test_the_table_of_patterns_is_not_written_if_the_run_has_none(call_here, run_folder):
    folder = run_folder()
    assert call_here("summarise", folder).returncode == 0
    assert not (folder / "patterns.csv").exists()


def test_patterns_are_told_at_one_size_and_crossovers_at_all(call_here, folder):
    done = call_here("patterns", folder)
    assert (done.returncode, done.stderr) == (0, "")
    costs, crossovers, choices = done.stdout.split("\n\n")
    assert costs.startswith("What patterns cost") and "2.00 MiB" in costs
    assert "32.0 MiB" not in costs and "jemalloc" not in done.stdout
    assert "After how many walks a copy pays" in crossovers and "32.0 MiB" in crossovers
    assert "never" in crossovers and "not resolved" in crossovers
    assert all(choice.name in choices for choice in CHOICES)
    (line,) = [li for li in costs.splitlines() if re.match(r"  add_chain +c ", li)]
    assert re.search(r"add_chain +c +512? .* 3 +0 B +2\.00 MiB", line.replace("4,096", "512"))
    everything = call_here("patterns", folder, "--all").stdout
    assert "jemalloc" in everything and len(everything) > 2 * len(done.stdout)


def test_patterns_can_be_chosen_and_written_for_programs(call_here, folder):
    done = call_here("patterns", folder, "--strategy", "slice_copy", "--rows", "512", "--json")
    tables = json.loads(done.stdout)
    assert {row["strategy"] for row in tables["costs"]["rows"]} == {"slice_copy"}
    assert {row["copy"] for row in tables["crossovers"]["rows"]} == {"slice_copy"}
    assert {row["allocator"] for row in tables["costs"]["rows"]} == {"glibc", "jemalloc"}
    assert tables["choices"]["rows"] == []
    assert {row["rows"] for row in tables["crossovers"]["rows"]} == {512}
    csv = call_here("patterns", folder, "--table", "crossovers", "--format", "csv").stdout
    assert csv.startswith("pair,view,copy,")
    markdown = call_here("patterns", folder, "--table", "choices", "--markdown").stdout
    assert markdown.startswith("### Two ways to the same end\n\n| what |")


def test_patterns_refuses_what_makes_no_sense(call_here, folder, run_folder):
    for arguments, message in (
        ([folder, "--strategy", "nothing"], "no cell of strategy nothing"),
        ([folder, "--format", "csv"], "choose it with --table"),
        ([folder, "--table", "nothing"], "invalid choice"),
        ([folder.parent / "nowhere"], "no such file"),
    ):
        done = call_here("patterns", *arguments)
        assert done.returncode == 2 and message in done.stderr and done.stdout == ""
    write_runs(build_runs(["chunked_list"], ["glibc"], [100], rounds=1), folder / "runs.csv")
    done = call_here("patterns", folder)
    assert done.returncode == 2 and "no rows of the pattern pass" in done.stderr


def test_hostile_names_neither_break_lines_nor_speak_to_the_terminal(call_here, tmp_path):
    names = ["a\x1b[31mb", "c\u202ed", "copy_contiguous"]
    costs = {name: COSTS["copy_contiguous"] for name in names}
    runs = pattern_run(["c"], names, ["glibc"], SQUARE, rounds=2, costs=costs)
    path = write_runs(runs, tmp_path / "runs.csv")
    done = call_here("patterns", path)
    assert done.returncode == 0
    assert "\x1b" not in done.stdout and "\u202e" not in done.stdout


def test_the_picture_of_memory_is_drawn_again_byte_for_byte(call_here, tmp_path):
    kept = tmp_path / "layout.json"
    first = call_here("memory-picture", "--output", tmp_path / "a", "--save", kept)
    assert (first.returncode, first.stderr) == (0, "")
    second = call_here("memory-picture", "--output", tmp_path / "b", "--layout", kept)
    assert second.returncode == 0
    for name in ("memory.png", "memory.svg", "memory.pdf"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
        assert str(tmp_path / "b" / name) in second.stdout
    dark = ["--style", "dark", "--format", "svg"]
    call_here("memory-picture", "--output", tmp_path / "c", "--layout", kept, *dark)
    assert [path.name for path in (tmp_path / "c").iterdir()] == ["memory.svg"]


def test_the_picture_of_memory_refuses_what_it_cannot_draw(call_here, tmp_path):
    (tmp_path / "rubbish.json").write_text("{}")
    (tmp_path / "layout.json").write_text(as_json(measure()), encoding="utf-8")
    place = ["--output", tmp_path / "out"]
    for arguments, message in (
        (["--layout", tmp_path / "nowhere"], "cannot be read"),
        (["--layout", tmp_path / "rubbish.json"], "is no layout"),
        (["--layout", tmp_path / "layout.json", "--style", "drak"], "did you mean dark?"),
        (["--format", "jpg"], "unknown format 'jpg'"),
        (["--library", tmp_path / "nowhere.so"], "nowhere.so"),
    ):
        done = call_here("memory-picture", *place, *arguments)
        assert done.returncode == 2 and message in done.stderr and done.stdout == ""
        assert not (tmp_path / "out").exists()


def test_a_run_with_both_has_the_tables_of_both():
    both = pd.concat(
        [
            build_runs(["chunked_list"], ["glibc"], [1000], rounds=6),
            pattern_run(["c"], ["slice_copy"], ["glibc"], SQUARE),
        ],
        ignore_index=True,
    )
    data = analyse(both, NO_POINTS)
    assert set(data.summary["strategy"]) == {"chunked_list"}
    assert set(data.patterns["strategy"]) == {"slice_copy"}
    assert both["machine_id"].unique().tolist() == [MACHINE]
