"""The report as files: what is in them, that names stay names, that the same run gives the same."""

import base64
import hashlib
import html.parser
import importlib
import json
import os
import re
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path

import pandas as pd
import pytest
from conftest import PATIENCE, SCRIPTS, build_runs, one_cell, write_runs
from full_runs import full_run
from report_runs import (
    HOSTILE_DESCRIPTION,
    HOSTILE_STRATEGIES,
    NO_POINTS,
    SCRIPT,
    evidence_of,
    hostile_run,
)

from growbench.command_line import entry
from growbench.comparison.run import Run, read_run
from growbench.data.files import write_csv
from growbench.plots import all_plots
from growbench.report import assemble, facts, page, paper, sections
from growbench.report.assemble import PLOT_ORDER, SIDE_BY_SIDE, Source

REFERENCE = SCRIPTS.parent / "results" / "reference-epyc-2cpu"
FEW = ("heat_map_cold",)
# One red pixel, as PNG.
PIXEL = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC"
)
# Elements that end by themselves.
VOID = {"meta", "img", "input", "br", "link"}


class Page(html.parser.HTMLParser):
    """Elements with their attributes, text by element, ids and links; fails on bad nesting."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict]] = []
        self.text: dict[str, list[str]] = {}
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        self.text.setdefault(tag, [])
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        for tag in self.open:
            self.text[tag].append(data)

    def all(self, tag: str) -> list[dict]:
        return [attributes for name, attributes in self.elements if name == tag]

    def words(self, tag: str) -> str:
        return "".join(self.text.get(tag, []))


@pytest.fixture(autouse=True, scope="module")
def few_plots():
    """Drawing takes most of the time, and is tested where the plots are."""
    chosen = [plot for plot in all_plots() if plot.name in FEW]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(assemble, "all_plots", lambda: chosen)
        yield


def page_of(runs: pd.DataFrame, timeline: pd.DataFrame = NO_POINTS, machine=None, **options) -> str:
    return page.html(*assemble.assemble([Source(Run("a-run", runs, machine), timeline)]), **options)


def small_run(rounds: int = 6) -> tuple[pd.DataFrame, pd.DataFrame]:
    strategies = ["loop_and_append", "preallocate_zeroed", "realloc_doubling"]
    return full_run(strategies, ["glibc", "jemalloc"], [1000, 10_000], rounds)


@pytest.fixture(scope="module")
def small_page() -> str:
    return page_of(*small_run())


@pytest.fixture(scope="module")
def hostile_page() -> str:
    return page_of(hostile_run(), machine=HOSTILE_DESCRIPTION)


def test_the_page_is_well_formed_and_every_link_leads_somewhere(small_page):
    parsed = Page(small_page)
    ids = [attributes["id"] for _, attributes in parsed.elements if "id" in attributes]
    assert len(set(ids)) == len(ids)
    for link in parsed.all("a"):
        assert link["href"][0] == "#" and link["href"][1:] in ids
    assert len(parsed.all("h1")) == 1 and parsed.all("html")[0]["lang"] == "en"
    for label in parsed.all("label"):
        assert label["for"] in ids


def test_the_page_needs_nothing_from_anywhere(small_page):
    for tag, attributes in Page(small_page).elements:
        assert tag not in ("link", "iframe", "object", "embed", "base", "form")
        for name in ("src", "srcset", "action", "data", "poster", "background"):
            assert attributes.get(name, "data:").startswith("data:")
        assert not [name for name in attributes if name.startswith("on")]
    style = Page(small_page).words("style")
    assert "url(" not in style and "@import" not in style
    assert "http:" not in small_page and "https:" not in small_page


def test_every_picture_is_there_with_words_for_it(small_page):
    images = Page(small_page).all("img")
    assert len(images) == 1
    for image in images:
        content = base64.b64decode(image["src"].removeprefix("data:image/png;base64,"))
        assert content[:8] == b"\x89PNG\r\n\x1a\n" and len(content) < 200_000
        assert len(image["alt"]) > 40
        assert int(image["width"]) > int(image["height"]) > 300


def test_tables_have_headings_for_columns_and_rows(small_page):
    parsed = Page(small_page)
    assert len(parsed.all("table")) == len(parsed.all("thead")) == len(parsed.all("tbody")) > 8
    assert {heading["scope"] for heading in parsed.all("th")} == {"col", "row"}
    boxes = [div for div in parsed.all("div") if "box" in div.get("class", "").split()]
    assert len(boxes) == len(parsed.all("table"))
    # A box that scrolls can be reached and told apart by keyboard.
    assert all(box["tabindex"] == "0" and box["aria-label"] for box in boxes)


def test_every_cell_of_the_run_is_in_the_table(small_page):
    _, _, after = small_page.partition('id="table-headlines-cells"')
    rows = re.findall(r"<tr.*?</tr>", after.partition("</table>")[0], re.S)
    assert len(rows) == 1 + 3 * 2 * 2


def test_only_our_own_script_may_run(hostile_page):
    parsed = Page(hostile_page)
    (policy,) = [m["content"] for m in parsed.all("meta") if "http-equiv" in m]
    script = parsed.words("script")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy and "unsafe-eval" not in policy
    assert "'unsafe-inline'" not in policy.partition("script-src")[2]
    # The policy stands before anything that it is about.
    assert hostile_page.index("Content-Security-Policy") < hostile_page.index("<style")


def test_names_are_text_whatever_they_hold(hostile_page):
    parsed = Page(hostile_page)
    assert len(parsed.all("script")) == 1 and len(parsed.all("style")) == 1
    assert {image["src"][:5] for image in parsed.all("img")} == {"data:"}
    assert not parsed.all("b") or "reboot" not in parsed.words("b")
    words = parsed.words("td") + parsed.words("th")
    for name in (*HOSTILE_STRATEGIES, "{{7*7}}", "</style>"):
        assert name in words
    assert SCRIPT not in hostile_page and "49" not in parsed.words("tbody").split()
    assert "<img src=x" not in hostile_page
    assert "alert(3)" in parsed.words("h1")


def test_a_command_of_the_run_is_quoted_for_the_shell(hostile_page):
    assert "build/growbench run --rows '$(reboot) <b>' --seed 1" in Page(hostile_page).words("pre")


def test_the_page_says_what_the_machine_was_and_how_to_make_it_again():
    machine = json.loads((REFERENCE / "machine.json").read_text())
    words = Page(page_of(*small_run(), machine=machine))
    run, build = machine["run"], machine["build"]
    for fact in ("AMD EPYC, 2 CPUs, virtual machine", "L2 512 KiB", "23.5 GiB", str(run["seed"])):
        assert fact in words.words("dd")
    assert f"{build['growbench_version']}, commit {build['git_commit']}" in words.words("dd")
    assert run["started_utc"].replace("T", " ").replace("Z", " UTC") in words.words("dd")
    assert f"build/growbench run --preset default --seed {run['seed']}" in words.words("pre")
    assert "warning" not in [p.get("class") for p in words.all("p")]


def test_facts_of_the_wrong_kind_are_not_shown():
    machine = {
        "machine": {"cpu_model": ["x"], "memory_bytes": "much", "caches": [None, {"level": 1}, 3]},
        "run": {"arguments": [1], "pilot_s": "long", "seed": None},
        "build": "none",
    }
    run = Run("a-run", one_cell(), machine)
    assert [label for label, _ in facts.machine_facts(run)] == ["Machine"]
    assert {"Took", "Seed", "growbench"}.isdisjoint(label for label, _ in facts.run_facts(run))
    assert all("growbench run" not in command.line for command in facts.commands(run))


def test_a_run_without_a_description_has_a_note(small_page):
    assert "machine.json is not beside this run" in Page(small_page).words("p")


def test_paper_leaves_out_what_it_says_that_it_leaves_out():
    of_run = evidence_of(build_runs(sizes=[100, 1000, 10_000], rounds=6))
    report = page.RunReport(of_run, [], [], sections.listings(of_run))
    whole, paper = Page(page.html([report])), Page(page.html([report], for_paper=True))
    assert len(whole.all("tr")) > len(paper.all("tr")) + 100
    # 11 strategies x 6 allocators x 3 sizes, of which one is on paper.
    assert re.search(
        r"On paper are 66\s+of 198 rows\.\s+All are .* in summary\.csv", paper.words("p")
    )
    assert re.search(r"Not on paper:\s+\d+ rows,\s+which are in the report", paper.words("p"))
    hidden = [tr for tr in whole.all("tr") if "screen" in tr.get("class", "").split()]
    assert len(hidden) >= 132


def test_a_default_run_without_its_plots_is_far_below_the_limit():
    run = read_run(REFERENCE)
    of_run = evidence_of(run.runs, machine=run.machine)
    report = page.RunReport(of_run, [], [], sections.listings(of_run))
    # The plots of such a run come to 2.3 MB.
    assert len(page.html([report]).encode()) < 2_000_000


def test_every_plot_has_its_place():
    names = {plot.name for plot in all_plots()}
    assert set(PLOT_ORDER) >= names >= set(SIDE_BY_SIDE)


def test_runs_of_two_machines_stand_side_by_side():
    runs = build_runs(
        ["loop_and_append", "preallocate_zeroed"], ["glibc", "jemalloc"], [100, 10_000]
    )
    other = build_runs(
        ["loop_and_append", "preallocate_zeroed"], ["glibc", "jemalloc"], [100, 10_000], seed=2
    )
    other["machine_id"] = "another-8cpu"
    sources = [Source(Run("one", runs), NO_POINTS), Source(Run("two", other), NO_POINTS)]
    text = page.html(*assemble.assemble(sources))
    parsed = Page(text)
    ids = [attributes["id"] for _, attributes in parsed.elements if "id" in attributes]
    assert len(set(ids)) == len(ids)
    assert {"run1-findings", "run2-findings", "side-headline", "side-article"} <= set(ids)
    assert "Growing an array on 2 machines" in parsed.words("h1")
    assert "on 2 of 2 machines" in parsed.words("p")


def test_runs_of_one_machine_are_compared_with_the_first():
    runs = build_runs(["realloc_doubling", "chunked_list"], ["glibc"], [100, 10_000])
    slower = runs.assign(
        cold_build_ns=runs["cold_build_ns"] * 2, cold_release_ns=runs["cold_release_ns"] * 2
    )
    sources = [Source(Run("before", runs), NO_POINTS), Source(Run("after", slower), NO_POINTS)]
    parsed = Page(page.html(*assemble.assemble(sources)))
    assert "2 configurations of one machine" in parsed.words("h2")
    assert "after against before: inconclusive:" in parsed.words("p")
    assert "in time, 2 of 2 families moved, 2 of them slower" in parsed.words("p")


def test_runs_that_share_nothing_are_reported_all_the_same():
    one = build_runs(["realloc_doubling"], ["glibc"], [100])
    other = build_runs(["chunked_list"], ["jemalloc"], [10_000]).assign(machine_id="another-8cpu")
    sources = [Source(Run("one", one), NO_POINTS), Source(Run("two", other), NO_POINTS)]
    words = Page(page.html(*assemble.assemble(sources))).words("p")
    assert "there is no cell that all runs have measured" in words
    assert "not of the same size" in words


# The command.


@pytest.fixture
def call(call_here):
    """Runs report.py."""
    return partial(call_here, "report")


@pytest.fixture(scope="module")
def written(tmp_path_factory) -> Path:
    """A run's folder, to be copied."""
    runs, timeline = small_run()
    folder = tmp_path_factory.mktemp("written")
    write_runs(runs, folder / "runs.csv")
    write_csv(timeline, folder / "timeline.csv")
    return folder


@pytest.fixture
def folder(written, tmp_path) -> Path:
    return Path(shutil.copytree(written, tmp_path / "run"))


@pytest.fixture(scope="module")
def reported(written, tmp_path_factory) -> Path:
    """A copy of it that has its report."""
    folder = Path(shutil.copytree(written, tmp_path_factory.mktemp("reported") / "run"))
    assert entry.run(importlib.import_module("growbench.cli.report").main, [str(folder)]) == 0
    return folder


def pdf_text(path: Path) -> str:
    done = subprocess.run(["pdftotext", "-layout", path, "-"], capture_output=True, check=True)
    return done.stdout.decode()


def test_the_report_is_written_beside_the_run_as_html_and_pdf(reported):
    assert sorted(path.name for path in reported.iterdir()) == [
        "report.html",
        "report.pdf",
        "runs.csv",
        "timeline.csv",
    ]
    text = pdf_text(reported / "report.pdf")
    assert "Growing an array on example-2cpu" in text
    assert "Who is fastest at 10,000 rows of 80 bytes" in text
    assert "How to make it again" in text and "heat_map_cold" in text
    assert re.search(r"\b2 ?/ ?\d+$", text, re.M)
    assert "Filter:" not in text and "Contents" not in text


def test_the_same_run_gives_the_same_bytes(reported, tmp_path):
    copy = tmp_path / "elsewhere" / "copied.csv"
    copy.parent.mkdir()
    (copy.parent / "timeline.csv").write_bytes((reported / "timeline.csv").read_bytes())
    copy.write_bytes((reported / "runs.csv").read_bytes())
    # Another process, with other seeds of hashes, another time zone, language and clock.
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); from growbench.cli import report; "
        "from growbench.command_line import entry; from growbench.report import assemble; "
        "every = assemble.all_plots(); "
        "assemble.all_plots = lambda: "
        f"[p for p in every if p.name in {FEW}]; "
        "sys.exit(entry.run(report.main, sys.argv[2:]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(SCRIPTS), str(copy)],
        env={
            **os.environ,
            "PYTHONHASHSEED": "7",
            "TZ": "Asia/Tokyo",
            "LC_ALL": "C",
            "LANGUAGE": "de",
        },
        cwd="/",
        check=True,
        capture_output=True,
        timeout=120 * PATIENCE,
    )
    assert b"Traceback" not in done.stderr
    for name in ("report.html", "report.pdf"):
        assert (copy.parent / name).read_bytes() == (reported / name).read_bytes(), name


def test_hostile_names_are_words_on_paper_too(call, tmp_path):
    runs = hostile_run()
    write_runs(runs[runs["rows"] == 10_000], tmp_path / "runs.csv")
    (tmp_path / "machine.json").write_text(json.dumps(HOSTILE_DESCRIPTION))
    assert call(tmp_path).returncode == 0
    text = pdf_text(tmp_path / "report.pdf")
    assert SCRIPT in text and "{{7*7}}" in text and "</style>" in text


def test_paper_takes_nothing_from_files_or_networks(tmp_path):
    picture = base64.b64decode(PIXEL)
    (tmp_path / "pixel.png").write_bytes(picture)
    of_file = paper.pdf(f'<img src="{(tmp_path / "pixel.png").as_uri()}">')
    assert b"/Image" not in of_file
    assert b"/Image" in paper.pdf(f'<img src="data:image/png;base64,{PIXEL}">')


def test_without_weasyprint_the_html_is_written_with_a_warning(call, folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "weasyprint", None)
    done = call(folder)
    assert done.returncode == 0
    assert "warning: no PDF" in done.stderr and "make setup" in done.stderr
    assert (folder / "report.html").exists() and not (folder / "report.pdf").exists()


def test_without_weasyprint_a_pdf_that_was_asked_for_is_an_error(call, folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "weasyprint", None)
    done = call(folder, "--pdf")
    assert done.returncode == 2 and done.stderr.count("error:") == 1
    assert not list(folder.glob("*report*"))


def test_no_pdf_is_made_where_none_is_wanted(call, folder, tmp_path):
    path = tmp_path / "new" / "mine.html"
    done = call(folder, "--no-pdf", "--output", path)
    assert done.returncode == 0 and str(path) in done.stdout
    assert [file.name for file in path.parent.iterdir()] == ["mine.html"]


def test_of_several_runs_the_report_stands_beside_them(call, tmp_path):
    for name, seed in (("before", 1), ("after", 2)):
        runs = build_runs(["realloc_doubling"], ["glibc"], [10_000], seed=seed)
        write_runs(runs, tmp_path / name / "runs.csv")
    assert call(tmp_path / "before", tmp_path / "after", "--no-pdf").returncode == 0
    assert "before" in (tmp_path / "report.html").read_text()


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["/nowhere"], "no such file"),
        (["RUN", "--output", "x.pdf"], "give a name that ends in .html"),
        (["RUN", "--pdf", "--no-pdf"], "not allowed with"),
        ([], "there is no run in results/"),
    ],
)
def test_wrong_usage_is_one_message(call, folder, arguments, message):
    done = call(*[str(folder) if word == "RUN" else word for word in arguments])
    assert done.returncode == 2
    assert message in done.stderr and done.stderr.count("error:") == 1


@pytest.mark.parametrize("content", ["{", "[]", '{"machine_id": "another"}'])
def test_a_description_that_cannot_be_right_stops_the_report(call, folder, content):
    (folder / "machine.json").write_text(content)
    done = call(folder)
    assert done.returncode == 2 and "machine.json" in done.stderr
    assert not list(folder.glob("*report*"))


def test_a_torn_table_leaves_the_old_report_as_it_was(call, folder):
    (folder / "report.html").write_text("old")
    text = (folder / "runs.csv").read_text()
    (folder / "runs.csv").write_text(text.replace("10000", "x", 1))
    done = call(folder)
    assert done.returncode == 2 and "column rows" in done.stderr
    assert (folder / "report.html").read_text() == "old"
