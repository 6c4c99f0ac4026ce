"""Public cases: what is judged, what is not, and what is told of times."""

import math
import subprocess

import pytest

from growbench.data.errors import UsageError
from growbench.develop import bench_cases
from growbench.promises.public_case import (
    Case,
    Cell,
    Expected,
    Figures,
    Ratio,
    Run,
    Unknown,
    forbid_huge_pages,
    judged,
    measure,
    words_of,
)
from growbench.promises.public_cases import CASES, names

CELL = Cell("append_in_place", "glibc", 10, 8)
OTHER = CELL._replace(rows=20)


def row(cell=CELL, number=1, status="ok", **columns):
    """Of runs.csv, as far as it is looked at."""
    known = dict(zip(Cell._fields, map(str, cell)))
    return {
        **known,
        "round": str(number),
        "status": status,
        "status_detail": "for a reason",
        "allocator_version": "2.36",
        "moved": "",
        "ns": "",
        **columns,
    }


def figures_of(*rows):
    figures = Figures()
    figures.add(rows, "")
    return figures


def expected(least=1, most=3, **what):
    return Expected(
        "moves", CELL, lambda figures: figures.value(CELL, "moved"), least, most, "theory", **what
    )


@pytest.mark.parametrize(("moved", "failed"), [(0, True), (1, False), (3, False), (4, True)])
def test_a_figure_has_to_lie_within_its_bounds(moved, failed):
    shown = judged(expected(), figures_of(row(moved=str(moved))))
    assert (shown.value, shown.failed, shown.unknown) == (moved, failed, "")


def test_a_figure_is_the_median_of_its_rounds_and_of_no_other_cell():
    rows = [row(number=number, moved=str(moved)) for number, moved in enumerate((9, 2, 1))]
    rows += [row(cell, moved="50") for cell in (OTHER, CELL._replace(allocator="jemalloc"))]
    assert judged(expected(), figures_of(*rows)).value == 2


def test_rows_of_other_runs_and_turns_are_told_apart():
    figures = figures_of(row(moved="2"))
    figures.add([row(moved="7")], "", turn=1)
    figures.add([row(moved="50")], "other")
    assert list(figures.values(CELL, "moved").values()) == [2, 7]
    assert figures.value(CELL._replace(run="other"), "moved") == 50


@pytest.mark.parametrize(
    ("broken", "failed", "why"),
    [
        ({"status": "skipped_memory"}, False, "skipped_memory: for a reason"),
        ({"status": "unavailable"}, False, "unavailable: for a reason"),
        ({"status": "crashed"}, True, "crashed: for a reason"),
        ({}, False, "moved: not measured"),
    ],
)
def test_what_is_not_there_is_not_judged_unless_a_worker_broke(broken, failed, why):
    shown = judged(expected(), figures_of(row(**broken)))
    assert math.isnan(shown.value)
    assert (shown.unknown, shown.failed) == (why, failed)


def test_why_a_peak_could_not_be_read_is_told():
    figures = figures_of(row(peak_memory_bytes="", no_peak_reason="no /proc"))
    with pytest.raises(Unknown, match="^peak_memory_bytes: no /proc$"):
        figures.value(CELL, "peak_memory_bytes")


@pytest.mark.parametrize(("versions", "known"), [((), True), (("2.3",), True), (("3.",), False)])
def test_other_versions_of_an_allocator_are_not_judged(versions, known):
    shown = judged(expected(versions=versions), figures_of(row(moved="9")))
    assert shown.failed is known and bool(shown.unknown) is not known
    if not known:
        assert shown.unknown == "known of 3., and this is 2.36"


def test_times_are_ratios_of_pairs_of_one_round():
    rows = [row(number=number, ns=str(10 * number)) for number in range(1, 8)]
    rows += [row(OTHER, number=number, ns=str(30 * number)) for number in range(2, 9)]
    told = bench_cases.told(Ratio("20 rows", OTHER, CELL, "ns"), figures_of(*rows))
    assert told == "time, 20 rows: 3.00 times (95%: 3.00 to 3.00), 6 rounds"
    told = bench_cases.told(Ratio("20 rows", OTHER, CELL, "ns"), figures_of(row(ns="1")))
    assert told.startswith("time, 20 rows: not known: ns: not measured")


@pytest.mark.parametrize("whole", [False, True])
def test_each_case_asks_of_cells_that_its_runs_have(whole):
    assert len(set(names())) == len(CASES)
    for make, name in zip(CASES, names()):
        case = make(whole)
        assert case.name == name and case.expected and case.links
        cells = {cell for run in case.runs.values() for cell in run.cells}
        named = {cell.run for cell in cells}
        assert named == set(case.runs)
        for expected in case.expected:
            assert expected.cell in cells and expected.least <= expected.most
            assert "_ns" not in expected.what
        timed = {cell for run in case.runs.values() if run.timed for cell in run.cells}
        assert {cell for ratio in case.ratios for cell in (ratio.over, ratio.under)} <= timed


def test_a_run_is_asked_for_times_only_where_they_are_wanted():
    run = Run([CELL, OTHER], "trace", "measure")
    for rounds, passes in ((0, "trace"), (5, "trace,measure")):
        words = words_of(run, rounds)
        assert words[words.index("--passes") + 1] == passes
        assert words[words.index("--rounds") + 1] == str(max(1, rounds))
        assert words[words.index("--shapes") + 1] == "10x8,20x8"


@pytest.fixture
def runner(tmp_path):
    """Makes a stand-in that writes a row of each label, and counts how often it was called."""
    header, values = ",".join(row()), ",".join(row(moved="2", ns="5").values())
    path = tmp_path / "growbench"
    path.write_text(
        f"""#!/bin/sh
echo "$*" >>{tmp_path}/calls
for word; do test "$before" = --out && mkdir "$word" &&
    printf '%s\\n%s\\n' '{header}' '{values}' >"$word/runs.csv"; before=$word; done
exit ${{ENDS-0}}
"""
    )
    path.chmod(0o755)
    return path


def made_case(**runs):
    return Case("name", "title", "said", "where", ("link",), runs, (expected(),), ())


def test_runs_that_are_timed_take_turns_and_others_are_made_once(runner, tmp_path):
    run = Run([CELL], "trace", "measure")
    case = made_case(a=run, b=run, once=run._replace(timed=""))
    measure(case, runner, tmp_path, 3)
    calls = (tmp_path / "calls").read_text().splitlines()
    outs = [call.split("name-")[1] for call in calls]
    assert outs == ["a-0", "b-0", "once-0", "a-1", "b-1", "a-2", "b-2"]
    assert all("--rounds 1 " in call for call in calls)


def test_a_run_alone_has_all_of_its_rounds(runner, tmp_path):
    measure(made_case(a=Run([CELL], "trace", "measure")), runner, tmp_path, 3)
    (call,) = (tmp_path / "calls").read_text().splitlines()
    assert "--rounds 3 " in call


def test_a_runner_that_fails_or_is_not_there_is_told(runner, tmp_path):
    case = made_case(a=Run([CELL], "trace"))
    with pytest.raises(UsageError, match="the runner ended in 2"):
        measure(case, runner, tmp_path, variables={"ENDS": "2", "PATH": "/bin:/usr/bin"})
    with pytest.raises(UsageError, match="build it with: make build"):
        measure(case, tmp_path / "none", tmp_path)


def test_huge_pages_are_forbidden_to_what_is_started(python):
    asked = "import ctypes; print(ctypes.CDLL(None).prctl(42, 0, 0, 0, 0))"
    done = subprocess.run([python, "-c", asked], capture_output=True, preexec_fn=forbid_huge_pages)
    assert done.stdout == b"1\n"


def test_the_command_says_what_was_said_what_must_be_and_what_is(capsys):
    case = made_case(a=Run([CELL], "trace"))
    assert bench_cases.tell(case, figures_of(row(moved="9"))) == 1
    out = capsys.readouterr().out
    assert "said: said" in out and "in: where" in out and "link" in out
    assert "NOT MET  moves   1 to 3   9   theory" in out
    assert bench_cases.tell(case, figures_of(row(status="skipped_memory"))) == 0
    assert "not known" in capsys.readouterr().out


def test_a_case_that_there_is_not_is_refused(call_here):
    done = call_here("bench-cases", "build", "--only", "none")
    assert done.returncode == 2 and "append-8-bytes" in done.stderr
    assert call_here("bench-cases", "build", "--rounds", "0").returncode == 2
