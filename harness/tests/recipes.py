"""CONTRIBUTING.md's recipes, followed literally in a copy of the tree.

usage: recipes.py add TREE        one thing of each kind, where CONTRIBUTING.md says, only there
       recipes.py check TREE RUN  is each there, in the tree when built, and in a run made with it?

Exit status: 0, or 1 with what is missing.
"""

import csv
import re
import subprocess
import sys
from pathlib import Path
from typing import Dict, List, NamedTuple


class Addition(NamedTuple):
    """Text for a file that CONTRIBUTING.md names for it: before `where` (its last place), or, if
    that is empty, as a new file."""

    path: str
    text: str
    where: str = ""


PLOT = '''"""A plot of the recipe."""

from growbench.data.metrics import metric
from growbench.figures.heat_map import draw_heat_map

NAME = "recipe"
HELP = "the recipe's own metric"


def draw(data, context):
    return draw_heat_map(data.summary, context, metric("recipe").quantity)
'''
VERB = '''"""Say that the recipe works."""

from growbench.command_line import entry


def main(arguments):
    parser = entry.parser(__name__, "Say that the recipe works.", "  growbench recipe\\n")
    parser.parse_args(arguments)
    print("the recipe works")
'''
DOUBT = '''def recipe(measured: Measured, _: str) -> np.ndarray:
    """Always."""
    return np.ones(measured.cell_count, dtype=bool)


'''
# What each kind is called in the table of CONTRIBUTING.md, and what is added for it.
ADDITIONS: Dict[str, List[Addition]] = {
    "an allocator": [
        Addition(
            "harness/runner/request/allocators.c",
            '\t{"recipe_malloc", "libc6", {"libc.so.6", NULL}, NULL},\n',
            "\t{NULL, NULL, {NULL}, NULL},",
        )
    ],
    "a metric": [
        Addition(
            "harness/common/columns.def",
            'COLUMN(recipe_ns, COUNT, WORKER, SOMETIMES, 4, "of the recipe")\n',
            "/* the probe pass",
        ),
        Addition(
            "harness/worker/passes.c",
            'report_count(report, "recipe_ns", 42);\n\t',
            'report_count(report, "cold_build_ns"',
        ),
        Addition(
            "scripts/growbench/data/metrics.py",
            '    Metric("recipe", "Of the recipe", "ns", ("recipe_ns",)),\n',
            '    Metric("cold_build",',
        ),
    ],
    "a status": [
        Addition(
            "harness/common/statuses.def",
            'STATUS(recipe_failed, FAILURE, WORKER, "the recipe failed")\n',
            "STATUS(not_started",
        )
    ],
    "a doubt": [
        Addition("scripts/growbench/analysis/doubts.py", DOUBT, "DOUBTS = ("),
        Addition(
            "scripts/growbench/analysis/doubts.py",
            '    Doubt("recipe", "always", _TIMES, _SIZES, recipe),\n',
            '    Doubt("few"',
        ),
    ],
    "a verb": [Addition("scripts/growbench/cli/recipe.py", VERB)],
    "a plot": [Addition("scripts/growbench/plots/recipe.py", PLOT)],
}


def recipe_of(tree: Path, kind: str) -> str:
    """The second cell of its row."""
    text = (tree / "CONTRIBUTING.md").read_text(encoding="utf-8")
    (found,) = re.findall(rf"^\| {re.escape(kind)} \| (.*) \|$", text, re.M)
    return found


def add_strategy(tree: Path) -> None:
    """The one that CONTRIBUTING.md has in full."""
    text = (tree / "CONTRIBUTING.md").read_text(encoding="utf-8")
    path, code = re.findall(r"Put this into `([^`]+)`:\n\n```c\n(.*?)```", text, re.S)[0]
    (tree / path).write_text(code, encoding="utf-8")


def add(tree: Path) -> None:
    add_strategy(tree)
    for kind, additions in ADDITIONS.items():
        recipe = recipe_of(tree, kind)
        for addition in additions:
            named = [addition.path, str(Path(addition.path).parent) + "/"]
            assert any(f"`{name}`" in recipe for name in named), f"{kind}: {addition.path}"
            path = tree / addition.path
            if not addition.where:
                path.write_text(addition.text, encoding="utf-8")
                continue
            before, found, after = path.read_text(encoding="utf-8").rpartition(addition.where)
            assert found, f"{addition.path} has no {addition.where!r}"
            path.write_text(before + addition.text + found + after, encoding="utf-8")


def check(tree: Path, run: Path) -> None:
    def ask(*words: str) -> str:
        command = [str(tree / "build/growbench"), *words]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    def expect(text: str, pattern: str) -> None:
        assert re.search(pattern, text, re.M), f"no {pattern!r} in:\n{text}"

    listed = ask("list", "--implementations=c")
    expect(listed, r"^  realloc_quadrupling +c +Quadruple")
    expect(listed, r"^  recipe_malloc +/.*libc\.so\.6")
    expect(ask("list", "--columns"), r"^recipe_ns +count of the recipe")
    expect(ask("--help"), r"^  recipe +Say that the recipe works$")
    expect(ask("recipe"), "^the recipe works$")
    expect(ask("plot", "--list"), r"^recipe +the recipe's own metric$")
    with open(run / "runs.csv", encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["pass"] == "measure"]
    compiled = [row for row in rows if row["implementation"] == "c"]
    assert {row["recipe_ns"] for row in compiled} == {"42"}, rows
    assert "realloc_quadrupling" in {row["strategy"] for row in compiled}
    assert "recipe_malloc" in {row["allocator"] for row in compiled}
    ask("summarise", str(run))
    expect((run / "summary.csv").read_text(encoding="utf-8"), r"\brecipe_median_ns\b")
    expect((run / "summary.csv").read_text(encoding="utf-8"), r"[,;]recipe\b")
    ask("plot", str(run), "--only", "recipe", "--format", "svg")
    assert list((run / "plots").glob("recipe*.svg"))
    sys.path.insert(0, str(tree / "scripts"))
    from growbench.data.statuses import NO_FAILURES, STATUSES

    assert STATUSES["recipe_failed"] == "the recipe failed" and "recipe_failed" not in NO_FAILURES


if __name__ == "__main__":
    if sys.argv[1:2] == ["add"] and len(sys.argv) == 3:
        add(Path(sys.argv[2]))
    elif sys.argv[1:2] == ["check"] and len(sys.argv) == 4:
        check(Path(sys.argv[2]), Path(sys.argv[3]))
    else:
        sys.exit((__doc__ or "").strip())
