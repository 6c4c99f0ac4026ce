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
CASES = {
    "summarise": "summarise {reference-epyc-2cpu}",
    "summarise-patterns": "summarise {reference-epyc-2cpu-patterns}",
    "attribute": "why {reference-epyc-2cpu}",
    "attribute-explained": "why {reference-epyc-2cpu} {reference-epyc-2cpu-hugetlb} --explained",
    "attribute-cells": "why {reference-epyc-2cpu} --rows 10000 --allocator glibc scudo",
    "attribute-article": "why {reference-epyc-2cpu-article} --implementation numpy",
    "advise": "advise {reference-epyc-2cpu} --rows 25k --row-bytes 80",
    "advise-peak": "advise {reference-epyc-2cpu} --rows 1M --row-bytes 8 --known-rows --weight peak",
    "advise-tail": "advise {reference-epyc-2cpu} --rows 10k --row-bytes 80 --weight tail --contiguous",
    "advise-numpy": "advise {reference-epyc-2cpu} --rows 10k --row-bytes 80 --implementation numpy --warm",
    "advise-json": "advise {reference-epyc-2cpu} --rows 25k --row-bytes 80 --json",
    "article": "article {reference-epyc-2cpu-article} --no-plot",
    "article-markdown": "article {reference-epyc-2cpu-article} --no-plot --markdown",
    "article-json": "article {reference-epyc-2cpu-article} --no-plot --json",
    "patterns": "patterns {reference-epyc-2cpu-patterns}",
    "patterns-markdown": "patterns {reference-epyc-2cpu-patterns} --table crossovers --all --markdown",
    "patterns-csv": "patterns {reference-epyc-2cpu-patterns} --table costs --all --format csv",
    "patterns-json": "patterns {reference-epyc-2cpu-patterns} --json",
    "compare": "compare {reference-epyc-2cpu} {reference-epyc-2cpu-hugetlb}",
    "compare-gate": "compare {reference-epyc-2cpu} {reference-epyc-2cpu-hugetlb} --gate --all",
    "compare-markdown": "compare {reference-epyc-2cpu} {reference-epyc-2cpu-hugetlb} --format markdown",
    "compare-json": "compare {reference-epyc-2cpu} {reference-epyc-2cpu-hugetlb} --format json",
    "compare-cells": "compare {reference-epyc-2cpu} {reference-epyc-2cpu-hugetlb} --format csv --table cells",
    "compare-itself": "compare {reference-epyc-2cpu} {reference-epyc-2cpu}",
    "compare-nothing-shared": "compare {reference-epyc-2cpu} {reference-epyc-2cpu-patterns}",
    "compare-one": "compare {reference-epyc-2cpu}",
    "compare-within": "compare-within {reference-epyc-2cpu} jemalloc glibc",
    "compare-within-strategies": "compare-within {reference-epyc-2cpu} realloc_doubling std_vector --metric peak_memory",
    "compare-within-implementations": "compare-within {reference-epyc-2cpu} numpy c",
    "export-go": "export {reference-epyc-2cpu} --to go --rows 10000",
    "export-google-benchmark": "export {reference-epyc-2cpu} --to google-benchmark",
    "export-list": "export --list",
    "tracer-cost": "tracer-cost {reference-epyc-2cpu}",
    "plot-list": "plot --list",
    "plot-unknown": "plot {reference-epyc-2cpu} --only heat_map_cool",
    "bad-folder": "summarise {out}",
}
# Their bytes are Matplotlib's as much as ours.
FIGURES = {
    "plot": "plot {reference-epyc-2cpu} --format svg --output {out}",
    "plot-dark": "plot {reference-epyc-2cpu} --only heat_map_cold attribution --style dark --output {out}",
    "plot-article": "plot {reference-epyc-2cpu-article} --format svg --output {out}",
    "plot-patterns": "plot {reference-epyc-2cpu-patterns} --format svg --output {out}",
    "article-plot": "article {reference-epyc-2cpu-article}",
    "report": "report {reference-epyc-2cpu} --no-pdf --output {out}/report.html",
    "report-two": "report {reference-epyc-2cpu} {reference-epyc-2cpu-hugetlb} --no-pdf --output {out}/report.html",
    "report-patterns": "report {reference-epyc-2cpu-patterns} --no-pdf --output {out}/report.html",
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
