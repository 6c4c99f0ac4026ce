"""The documents and the harness say the same as the code."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import PACKAGE, one_cell
from full_runs import full_run
from pattern_runs import pattern_run

from growbench.data import schema
from growbench.data.columns import COLUMNS, TIMELINE_COLUMNS
from growbench.data.statuses import CLASSES, STATUSES
from growbench.analysis.analyse import analyse
from growbench.analysis.doubts import CONCLUSIONS, DOUBTS
from growbench.analysis.limits import machine_limits
from growbench.analysis.patterns import patterns
from growbench.analysis.run_doubts import RUN_DOUBTS
from growbench.plots import all_plots, simple
from growbench.analysis.summary import summarise
from growbench.data.version import version

ROOT = Path(__file__).parents[2]


def headed(heading: str) -> str:
    """The part of results/README.md under that heading."""
    text = (ROOT / "results" / "README.md").read_text(encoding="utf-8")
    return re.split(r"^## ", text.split(f"\n## {heading}\n", 1)[1], maxsplit=1, flags=re.M)[0]


def names_in_table(part: str) -> list[str]:
    """The first cells of a Markdown table's rows, where they are code."""
    return re.findall(r"^\| `([^`]+)`", part, re.M)


@pytest.mark.parametrize(
    "name, macro", [("columns", "COLUMN"), ("statuses", "STATUS"), ("constants", "CONSTANT")]
)
def test_of_a_shared_table_no_row_is_overlooked(name, macro):
    """C reads each call of the macro; here they are found by their form."""
    text = (schema.FOLDER / f"{name}.def").read_text(encoding="utf-8")
    rows = schema.rows(f"{name}.def", macro)
    assert len(rows) == len(re.findall(rf"^{macro}\(", text, re.M)) > 0
    assert len({len(row) for row in rows}) == 1 and all(all(row) for row in rows)


def test_every_column_of_a_run_is_explained_in_order():
    assert names_in_table(headed("runs.csv")) == [column.name for column in COLUMNS]


def test_every_column_of_a_timeline_is_explained_in_order():
    explained = names_in_table(headed("timeline.csv"))
    assert explained == [column.name for column in TIMELINE_COLUMNS]


def rows_of_table(part: str) -> list[list[str]]:
    """The cells of a Markdown table's rows that begin with code, without its marks."""
    return [
        [cell.strip(" `") for cell in line.strip("|").split(" | ")]
        for line in re.findall(r"^\| `.*$", part, re.M)
    ]


def test_every_status_is_explained_with_its_class():
    explained = rows_of_table(headed("Statuses"))
    assert [(name, of) for name, of, _ in explained] == list(CLASSES.items())
    assert list(CLASSES) == list(STATUSES)


def test_every_doubt_is_explained_with_what_it_touches():
    explained = rows_of_table(headed("Doubts"))
    assert [name for name, _ in explained[: len(CONCLUSIONS)]] == list(CONCLUSIONS)
    told = [tuple(row[:3]) for row in explained[len(CONCLUSIONS) :]]
    assert told == [
        (doubt.name, ", ".join(doubt.figures), ", ".join(doubt.conclusions))
        for doubt in (*DOUBTS, *RUN_DOUBTS)
    ]


def test_every_column_of_a_summary_is_explained_in_order():
    explained = []
    for name in names_in_table(headed("summary.csv")):
        if "NAME" not in name:
            explained.append(name)
            continue
        for metric, unit in re.findall(r"^\| `(\w+)` \| (\w+) \|", headed("Metrics"), re.M):
            for estimate in ("median", "min", "ci_low", "ci_high"):
                explained.append(f"{metric}_{estimate}_{unit}")
    assert explained == list(summarise(one_cell()).columns)


@pytest.mark.parametrize("name", ["attribution", "latency", "limits"])
def test_every_column_of_the_other_tables_is_explained_in_order(name):
    tables = analyse(*full_run(["chunked_list"], ["glibc"], [10_000], rounds=1))
    assert names_in_table(headed(f"{name}.csv")) == list(getattr(tables, name).columns)


def test_every_column_of_the_patterns_is_explained_in_order():
    runs = pattern_run(["c"], ["slice_copy"], ["glibc"], rounds=1)
    explained = names_in_table(headed("patterns.csv"))
    assert explained == list(patterns(runs, machine_limits(runs)).columns)


def test_every_plot_is_named_after_its_file_and_explained():
    readme = (ROOT / "scripts" / "README.md").read_text(encoding="utf-8")
    files = {path.stem for path in (ROOT / "scripts" / "growbench" / "plots").glob("[!_]*.py")}
    rows = {plot.name for plot in simple.PLOTS}
    assert {plot.name for plot in all_plots()} == files - {"simple"} | rows
    for plot in all_plots():
        assert plot.help
        assert re.sub(r"_(cold|warm)$", "", plot.name) in readme


def test_the_version_is_that_of_the_project():
    if not (ROOT / "CMakeLists.txt").exists():
        pytest.skip("the project's CMakeLists.txt is not there")
    assert re.fullmatch(r"\d+\.\d+\.\d+", version())
    assert f"VERSION {version()}" in (ROOT / "CMakeLists.txt").read_text(encoding="utf-8")


def test_the_comparison_in_the_readme_is_what_the_command_prints():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    block = re.search(
        r"^    \$ build/growbench (compare (?:.*\\\n)*.*\n)((?:    .*\n|\n)+)", text, re.M
    )
    command = block[1].replace("\\\n", " ").split()
    done = subprocess.run(
        [sys.executable, PACKAGE, *command], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1, done.stderr
    shown = "\n".join(line.removeprefix("    ") for line in block[2].splitlines())
    assert done.stdout.strip() == shown.strip()


def test_make_help_names_every_command():
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    done = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    for name in re.findall(r"^([a-z-]+):.*##", text, re.M):
        assert re.search(rf"^ +{name} ", done.stdout, re.M), name


@pytest.mark.parametrize(
    "document",
    [
        "README.md",
        "CONTRIBUTING.md",
        *(f"{folder}/README.md" for folder in ("harness", "kernels", "results", "scripts")),
    ],
)
def test_every_file_that_is_named_is_there(document):
    text = (ROOT / document).read_text(encoding="utf-8")
    bases = (ROOT, (ROOT / document).parent, ROOT / "scripts", PACKAGE)
    named = set(re.findall(r"`([\w.-]+/[\w./-]+\.(?:c|cc|h|py|sh|def|css|html))`", text))
    # NAME is any name, and the strategy that quadruples is the reader's to write.
    missing = [
        name
        for name in named
        if not any((base / name).exists() for base in bases)
        and not re.search("NAME|quadrupling", name)
    ]
    assert missing == []
