"""What each command says of the runs in results/, word for word, and each file that it writes.

The files in golden/ were written by the commands themselves: they say that a change of the code
changed nothing that people see. GROWBENCH_GOLDEN=write writes them anew, for `git diff` to show.
"""

import hashlib
import os
import re
import shlex
import shutil
from pathlib import Path

import matplotlib
import pytest
from conftest import SCRIPTS

RESULTS = SCRIPTS.parent / "results"
GOLDEN = Path(__file__).parent / "golden"
# Longer outputs are kept as a digest, as files are.
LONGEST = 20_000

REFERENCE, HUGETLB, ARTICLE, PATTERNS = (
    f"reference-epyc-2cpu{which}" for which in ("", "-hugetlb", "-article", "-patterns")
)
# {NAME} is a copy of that run, {out} an empty folder.
OUT, RUN, HUGE, ARTICLE, PATTERNS = (
    "{out}",
    "{reference-epyc-2cpu}",
    "{reference-epyc-2cpu-hugetlb}",
    "{reference-epyc-2cpu-article}",
    "{reference-epyc-2cpu-patterns}",
)
CASES = {
    "summarise": f"summarise {RUN}",
    "summarise-patterns": f"summarise {PATTERNS}",
    "attribute": f"why {RUN}",
    "attribute-explained": f"why {RUN} {HUGE} --explained",
    "attribute-cells": f"why {RUN} --rows 10000 --allocator glibc scudo",
    "attribute-article": f"why {ARTICLE} --implementation numpy",
    "advise": f"advise {RUN} --rows 25k --row-bytes 80",
    "advise-peak": f"advise {RUN} --rows 1M --row-bytes 8 --known-rows --weight peak",
    "advise-tail": f"advise {RUN} --rows 10k --row-bytes 80 --weight tail --contiguous",
    "advise-numpy": f"advise {RUN} --rows 10k --row-bytes 80 --implementation numpy --warm",
    "advise-json": f"advise {RUN} --rows 25k --row-bytes 80 --json",
    "article": f"article {ARTICLE} --no-plot",
    "article-markdown": f"article {ARTICLE} --no-plot --markdown",
    "article-json": f"article {ARTICLE} --no-plot --json",
    "patterns": f"patterns {PATTERNS}",
    "patterns-markdown": f"patterns {PATTERNS} --table crossovers --all --markdown",
    "patterns-csv": f"patterns {PATTERNS} --table costs --all --format csv",
    "patterns-json": f"patterns {PATTERNS} --json",
    "compare": f"compare {RUN} {HUGE}",
    "compare-all": f"compare {RUN} {HUGE} --all",
    "compare-markdown": f"compare {RUN} {HUGE} --format markdown",
    "compare-json": f"compare {RUN} {HUGE} --format json",
    "compare-cells": f"compare {RUN} {HUGE} --format csv --table cells",
    "compare-itself": f"compare {RUN} {RUN}",
    "compare-nothing-shared": f"compare {RUN} {PATTERNS}",
    "compare-one": f"compare {RUN}",
    "compare-within": f"compare-within {RUN} jemalloc glibc",
    "compare-within-strategies": f"compare-within {RUN} realloc_doubling std_vector "
    "--metric peak_memory",
    "compare-within-implementations": f"compare-within {RUN} numpy c",
    "export-go": f"export {RUN} --to go --rows 10000",
    "export-google-benchmark": f"export {RUN} --to google-benchmark",
    "export-list": "export --list",
    "tracer-cost": f"tracer-cost {RUN}",
    "plot-list": "plot --list",
    "plot-unknown": f"plot {RUN} --only heat_map_cool",
    "bad-folder": f"summarise {OUT}",
}
# Their bytes are Matplotlib's as much as ours.
FIGURES = {
    "plot": f"plot {RUN} --format svg --output {OUT}",
    "plot-dark": f"plot {RUN} --only heat_map_cold attribution --style dark --output {OUT}",
    "plot-article": f"plot {ARTICLE} --format svg --output {OUT}",
    "plot-patterns": f"plot {PATTERNS} --format svg --output {OUT}",
    "article-plot": f"article {ARTICLE}",
    "report": f"report {RUN} --no-pdf --output {OUT}/report.html",
    "report-two": f"report {RUN} {HUGE} --no-pdf --output {OUT}/report.html",
    "report-patterns": f"report {PATTERNS} --no-pdf --output {OUT}/report.html",
}


def digest(data: bytes) -> str:
    return f"{len(data)} bytes, sha256 {hashlib.sha256(data).hexdigest()}"


def text_of(stream: str, places: dict[str, Path]) -> str:
    """What was written there, with the places' names for their paths."""
    for name, path in places.items():
        stream = stream.replace(str(path), "{" + name + "}")
    return stream if len(stream) <= LONGEST else digest(stream.encode()) + "\n"


def written(places: dict[str, Path], since: dict[Path, int]) -> str:
    """A line for each file that is new or was written anew."""
    lines = []
    for name, folder in places.items():
        for path in sorted(p for p in folder.rglob("*") if p.is_file()):
            if since.get(path) != path.stat().st_mtime_ns:
                lines.append(
                    f"{{{name}}}/{path.relative_to(folder)}: {digest(path.read_bytes())}\n"
                )
    return "".join(lines)


def said(command: str, call_here, tmp_path) -> str:
    """The command, what it wrote to which stream, its exit status, its files."""
    places = {"out": tmp_path / "out"}
    places["out"].mkdir()
    for name in dict.fromkeys(re.findall(r"\{(reference[^}]*)\}", command)):
        places[name] = shutil.copytree(RESULTS / name, tmp_path / name)
    since = {p: p.stat().st_mtime_ns for folder in places.values() for p in folder.rglob("*")}
    script, *arguments = shlex.split(command)
    for name, path in places.items():
        arguments = [word.replace("{" + name + "}", str(path)) for word in arguments]
    done = call_here(script, *arguments)
    parts = [
        f"$ growbench {command}\n",
        text_of(done.stdout, places),
        f"--- stderr\n{text_of(done.stderr, places)}" if done.stderr else "",
        f"--- exit status {done.returncode}\n",
        written(places, since),
    ]
    return "".join(parts)


def check(name: str, text: str) -> None:
    path = GOLDEN / f"{name}.txt"
    if os.environ.get("GROWBENCH_GOLDEN") == "write":
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")


@pytest.fixture(autouse=True)
def plain(monkeypatch):
    """No colours, no width of a terminal, no commit of this checkout in what is said."""
    for name in ("NO_COLOR", "TERM"):
        monkeypatch.setenv(name, "dumb")
    monkeypatch.setenv("COLUMNS", "80")


@pytest.mark.parametrize("name", CASES)
def test_a_command_says_and_writes_what_it_did_before(name, call_here, tmp_path):
    check(name, said(CASES[name], call_here, tmp_path))


@pytest.mark.parametrize("name", FIGURES)
def test_figures_are_the_same_bytes_as_before(name, call_here, tmp_path):
    version = (GOLDEN / "matplotlib.txt").read_text(encoding="utf-8").strip()
    if matplotlib.__version__ != version:
        pytest.skip(f"the bytes kept are those of Matplotlib {version}")
    check(name, said(FIGURES[name], call_here, tmp_path))
