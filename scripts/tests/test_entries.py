"""The commands as a user meets them: files, messages and exit statuses."""

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pandas as pd
import pytest
from conftest import MACHINE, PACKAGE, PATIENCE, SCRIPTS, build_runs, one_cell, write_runs
from full_runs import full_run

from growbench import cli, develop
from growbench.data.files import write_csv
from growbench.figures.render import FORMATS
from growbench.plots import all_plots

ENTRIES = sorted([*cli.verbs(), *develop.verbs()])
# What those that read a run want besides it.
READERS: dict[str, list[str]] = {
    "advise": ["--rows", "10", "--row-bytes", "80"],
    "why": [],
    "bench-compare": [],
    "compare": [],
    "compare-within": ["a", "b"],
    "export": ["--to", "go"],
    "history": [],
    "patterns": [],
    "plot": [],
    "report": [],
    "summarise": [],
    "tracer-cost": [],
}


@pytest.fixture
def call(python):
    """Runs a script and returns what it did; fails the test if there is a traceback."""

    def run(script, *arguments, cwd="/", **environment):
        done = subprocess.run(
            [python, str(PACKAGE), script, *map(str, arguments)],
            cwd=cwd,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            timeout=120 * PATIENCE,
        )
        assert "Traceback" not in done.stderr
        return done

    return run


def small_run() -> pd.DataFrame:
    return build_runs(
        ["loop_and_append", "chunked_list"], ["glibc", "jemalloc"], [10, 10_000, 100_000], 6
    )


def refused(done, *parts: str) -> None:
    """One message on stderr that holds all parts, nothing on stdout, exit status 2."""
    assert (done.returncode, done.stdout) == (2, "")
    assert re.fullmatch(r"error: [^\n]+\n", done.stderr)
    for part in parts:
        assert part in done.stderr


@pytest.mark.parametrize("script", ENTRIES)
def test_help_shows_examples_and_version_is_a_version(call, call_here, script):
    shown = call(script, "--help")
    assert shown.returncode == 0 and f"examples:\n  growbench {script}" in shown.stdout
    shown = call_here(script, "--version")
    assert shown.returncode == 0
    assert re.fullmatch(r"growbench (\d+\.\d+\.\d+|unknown)\n", shown.stdout)


@pytest.mark.parametrize("script", ENTRIES)
def test_wrong_usage_is_one_message_and_status_2(call_here, script):
    refused(call_here(script, "--nonsense"), "--help")


@pytest.mark.parametrize("script", READERS)
def test_an_unreadable_run_is_one_message_and_status_2(call_here, script, tmp_path):
    extra = READERS[script]
    refused(call_here(script, tmp_path / "nowhere", *extra), "nowhere", "no such file")
    (tmp_path / "runs.csv").write_text("rubbish\n1\n")
    refused(call_here(script, tmp_path, *extra), "runs.csv, line 1")


def test_summarise_writes_the_summary_and_says_where(call, run_folder):
    folder = run_folder()
    done = call("summarise", folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        f"{folder}/summary.csv: 1 cells of 10 rows\n"
        "of 1 cells with figures 0 may not be ranked, 0 give no difference below 10%, "
        "0 no absolute time\n"
    )
    assert len(pd.read_csv(folder / "summary.csv")) == 1
    assert sorted(path.name for path in folder.iterdir()) == ["runs.csv", "summary.csv"]


def test_plots_are_not_drawn_through_a_link(call_here, run_folder, tmp_path):
    folder = run_folder(small_run())
    (tmp_path / "elsewhere").mkdir()
    (folder / "plots").symlink_to(tmp_path / "elsewhere")
    for script in ("plot", "article"):
        done = call_here(script, folder)
        assert done.returncode == 2
        assert "plots: is a symbolic link" in done.stderr
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_summary_of_others_rows_has_no_formula(call_here, run_folder):
    runs = small_run()
    runs["allocator"] = runs["allocator"].replace("jemalloc", "=cmd|' /C calc'!A1")
    runs.loc[0, ["status", "status_detail"]] = ["crashed", "=1+1"]
    folder = run_folder(runs)
    assert call_here("summarise", folder).returncode == 0
    summary = pd.read_csv(folder / "summary.csv")
    assert set(summary["allocator"]) == {"glibc", "'=cmd|' /C calc'!A1"}
    assert "'=1+1" in set(summary["status_detail"])


# What shows a run's names, how to have it do so, and what else it wants.
TELLERS: dict[str, list[str]] = {
    **READERS,
    "why": ["--rows", "1000"],
    "compare-within": ["glibc", "\033[31m\u009b2Jred"],
    "plot": ["--only", "heat_map_cold", "--format", "png"],
}
# One takes the times of compare.py, and the other draws as plot.py does.
del TELLERS["bench-compare"], TELLERS["report"]


@pytest.mark.parametrize("script", TELLERS)
def test_names_in_a_run_do_not_command_the_terminal(call_here, run_folder, script):
    runs, _ = full_run(["loop_and_append", "std_vector"], ["glibc", "scudo"], [1000], rounds=6)
    names = {"scudo": "\033[31m\u009b2Jred", "cheap": "\033[2J"}
    runs[["allocator", "work"]] = runs[["allocator", "work"]].replace(names)
    done = call_here(script, run_folder(runs), *TELLERS[script])
    assert done.stdout or done.stderr
    assert not {"\033", "\u009b"} & set(done.stdout + done.stderr)


@pytest.fixture
def full_folder(run_folder) -> Path:
    """A run with all passes and a timeline, in a folder."""
    strategies = ["loop_and_append", "realloc_doubling", "std_vector"]
    runs, timeline = full_run(strategies, ["glibc", "scudo"], [1000, 10_000], rounds=6)
    folder = run_folder(runs)
    write_csv(timeline, folder / "timeline.csv")
    return folder


def test_summarise_writes_what_the_run_has_the_passes_for(call_here, full_folder):
    done = call_here("summarise", full_folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert "summary.csv: 12 cells" in done.stdout
    assert "limits.csv: 0 of 30 probes drifted by more than 3%" in done.stdout
    assert re.search(r"attribution.csv: explained 75% to 125% in \d+ of \d+ cold C", done.stdout)
    assert "latency.csv: 12 cells" in done.stdout
    for name, count in (("summary", 12), ("attribution", 12), ("latency", 12), ("limits", 30)):
        assert len(pd.read_csv(full_folder / f"{name}.csv")) == count


def test_a_broken_timeline_is_one_message(call_here, full_folder):
    path = full_folder / "timeline.csv"
    path.write_text(path.read_text().replace(",glibc,", ",", 1))
    for script in ("summarise", "plot", "why"):
        refused(call_here(script, full_folder), "timeline.csv, line 2")


def test_attribute_says_how_much_is_explained_and_where_it_is_furthest_off(call_here, full_folder):
    done = call_here("why", full_folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("explained 75% to 125% in ")
    for text in ("page faults", "rest", "furthest from the measured time", "realloc_doubling on"):
        assert text in done.stdout


def test_attribute_answers_why_for_the_cells_asked_for(call_here, full_folder):
    choice = ["--strategy", "realloc_doubling", "--allocator", "glibc", "--rows", "10000"]
    done = call_here("why", full_folder, *choice)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count(" on glibc, 10,000 rows of 80 bytes: ") == 1
    assert re.search(r"reallocs +4 in place, 10 moved \(3 of these by mremap\)\n", done.stdout)
    # 80 x (1 + 2 + ... + 8192), less the three largest.
    assert re.search(r"copied +160 KiB, 0\.205. the payload\n", done.stdout)
    assert re.search(r"page faults +\d+\.\d%  \d", done.stdout)


def test_attribute_refuses_what_is_not_there(call_here, full_folder, tmp_path):
    refused(call_here("why", full_folder, "--strategy", "nothing"), "realloc_doubling")
    refused(call_here("why", full_folder, "--rows", "many"), "--rows")
    refused(call_here("why", full_folder, "--rows", "7"), "1000, 10000")
    old = write_runs(one_cell(), tmp_path / "old" / "runs.csv")
    refused(call_here("why", old), "no rows of the trace pass")


def test_attribute_says_what_is_unknown(call_here, run_folder):
    runs, _ = full_run(["realloc_doubling"], ["scudo"], [10_000], rounds=1)
    runs.loc[runs["pass"] == "trace", "status"] = "untraced"
    counts = [name for name in runs if "realloc" in name or name == "copied_bytes"]
    runs.loc[runs["pass"] == "trace", counts] = float("nan")
    done = call_here("why", run_folder(runs), "--allocator", "scudo")
    assert "not traced: untraced" in done.stdout
    assert re.search(r"reallocs +unknown\n", done.stdout)
    assert re.search(r"copying +unknown\n", done.stdout)
    assert "nan" not in done.stdout


def test_a_torn_line_is_a_warning_and_the_rest_is_summarised(call, run_folder):
    folder = run_folder()
    content = (folder / "runs.csv").read_bytes()
    (folder / "runs.csv").write_bytes(content[:-30])
    done = call("summarise", folder)
    assert done.returncode == 0 and "of 9 rows" in done.stdout
    assert re.fullmatch(r"warning: [^\n]*line 11[^\n]*\n", done.stderr)


def test_a_place_that_cannot_be_written_is_one_message(call, run_folder, tmp_path):
    (tmp_path / "file").write_text("in the way")
    refused(call("plot", run_folder(), "--output", tmp_path / "file" / "plots"), "file", "choose")


USERS_SETTINGS = """\
font.size: 20
font.family: serif
axes.facecolor: red
axes.grid.axis: x
axes.formatter.use_locale: True
figure.dpi: 40
savefig.bbox: tight
savefig.dpi: 33
savefig.transparent: True
pdf.fonttype: 3
pdf.compression: 0
svg.fonttype: none
path.sketch: 1, 100, 2
text.parse_math: True
"""


# Bars, cells, lines and steps: what all figures are made of.
KINDS = ("attribution", "heat_map_cold", "time_by_allocator_cold", "timeline")


def test_the_same_file_gives_the_same_bytes_whatever_the_surroundings(call, full_folder, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    # Where matplotlib looks first.
    (elsewhere / "matplotlibrc").write_text(USERS_SETTINGS)
    words = ["--only", *KINDS]
    first = call("plot", full_folder, *words, PYTHONHASHSEED="1")
    second = call(
        "plot",
        "../run/runs.csv",
        *words,
        "--output",
        "again",
        cwd=elsewhere,
        PYTHONHASHSEED="2",
        MPLBACKEND="svg",
        TZ="Asia/Tokyo",
        SOURCE_DATE_EPOCH="86400",
        LC_ALL="C",
    )
    for done in (first, second):
        assert (done.returncode, done.stderr) == (0, "")
    names = {path.name for path in (full_folder / "plots").iterdir()}
    assert names >= {f"{kind}.{format}" for kind in KINDS for format in FORMATS}
    assert names == {path.name for path in (elsewhere / "again").iterdir()}
    starts = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}
    for name in names:
        content = (full_folder / "plots" / name).read_bytes()
        assert content == (elsewhere / "again" / name).read_bytes(), name
        assert content.startswith(starts[name[-3:]])


def test_only_some_plots_in_one_format_are_drawn(call_here, run_folder):
    folder = run_folder()
    done = call_here("plot", folder, "--only", "heat_map_cold", "heat_map_peak", "--format", "svg")
    assert done.returncode == 0
    names = sorted(path.name for path in (folder / "plots").iterdir())
    assert names == ["heat_map_cold.svg", "heat_map_peak.svg"]


def test_nothing_to_draw_is_said_and_is_no_failure(call_here, run_folder):
    runs = one_cell(2)
    runs["status"] = "crashed"
    done = call_here("plot", run_folder(runs), "--only", "heat_map_cold")
    assert (done.returncode, done.stderr) == (0, "")
    assert "heat_map_cold: nothing to draw: no cell" in done.stdout
    assert "0 figures" in done.stdout


def test_the_list_names_every_plot(call_here):
    done = call_here("plot", "--list")
    assert done.returncode == 0
    listed = [line.split()[0] for line in done.stdout.splitlines()]
    assert listed == [plot.name for plot in all_plots()]


def test_an_unknown_plot_or_format_names_the_nearest_and_writes_nothing(call_here, run_folder):
    folder = run_folder()
    refused(call_here("plot", folder, "--only", "heatmap_cold"), "did you mean heat_map_cold?")
    refused(call_here("plot", folder, "--format", "png,gif"), "'gif'", "svg")
    refused(call_here("plot", folder, "--style", "drak"), "unknown style", "did you mean dark?")
    assert [path.name for path in folder.iterdir()] == ["runs.csv"]


def test_two_labels_for_equal_things_differ_in_few_cells(call_here, run_folder):
    runs = build_runs(["chunked_list", "realloc_x1.5"], ["a", "b"], [10, 1000, 10_000], noise=0.01)
    done = call_here("compare-within", run_folder(runs), "a", "b", "--threshold", "5")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("0 of 6 cells (0.0%) differ by more than 5%") == 2


def test_a_comparison_shows_the_ratio_of_the_metric_asked_for(call_here, run_folder):
    runs = build_runs(["chunked_list"], ["glibc", "scudo"], [10_000], rounds=6, noise=0.0)
    runs.loc[runs["allocator"] == "scudo", "peak_memory_bytes"] *= 2
    done = call_here(
        "compare-within", run_folder(runs), "scudo", "glibc", "--metric", "peak_memory"
    )
    assert done.stdout.startswith("Peak memory (peak_memory), scudo / glibc\n")
    assert re.search(r"chunked_list +10000 +6 +2\.000 +2\.000 2\.000\n1 of 1 cells", done.stdout)


def test_an_unknown_allocator_metric_or_threshold_is_refused(call_here, run_folder):
    folder = run_folder()
    refused(call_here("compare-within", folder, "glibc", "jemaloc"), "'jemaloc'", "glibc")
    refused(call_here("compare-within", folder, "glibc", "glibc"), "same")
    arguments = ["compare-within", folder, "glibc", "scudo"]
    refused(call_here(*arguments, "--metric", "speed"), "peak_memory")
    refused(call_here(*arguments, "--threshold", "-1"), "threshold")
    refused(call_here(*arguments, "--threshold", "nan"), "threshold")


def test_a_reader_that_goes_away_is_no_error(python, run_folder):
    runs = build_runs(["chunked_list"], ["a", "b"], range(1, 2500), rounds=1)
    command = f"'{python}' '{PACKAGE}' compare-within '{run_folder(runs)}' a b | head -n 1"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True)
    assert done.stderr == ""


def test_a_locale_with_decimal_commas_changes_nothing(call, call_here, run_folder, tmp_path):
    if shutil.which("localedef") is None:
        pytest.skip("localedef is not there")
    made = tmp_path / "locales"
    made.mkdir()
    subprocess.run(
        ["localedef", "-i", "de_DE", "-f", "UTF-8", str(made / "de_DE.UTF-8")],
        capture_output=True,
    )
    if not list(made.iterdir()):
        pytest.skip("the source of a locale with decimal commas is not there")
    folder = run_folder(small_run())
    german = {"LC_ALL": "de_DE.UTF-8", "LOCPATH": str(made)}
    contents = []
    for how, environment in ((call_here, {}), (call, german)):
        assert how("summarise", folder, **environment).returncode == 0
        plot = ["plot", folder, "--only", "heat_map_cold", "--format", "svg"]
        assert how(*plot, **environment).returncode == 0
        names = ("summary.csv", "plots/heat_map_cold.svg")
        contents.append([(folder / name).read_bytes() for name in names])
        for words in (
            ("export", folder, "--to", "go"),
            ("export", folder, "--to", "google-benchmark"),
            ("advise", folder, "--rows", "10k", "--row-bytes", "80"),
        ):
            told = how(*words, **environment)
            assert told.returncode == 0, told.stderr
            contents[-1].append(told.stdout.encode())
    assert contents[0] == contents[1]


def test_a_broken_module_is_told_with_how_to_get_it(call, run_folder, tmp_path):
    for package in ("pandas", "numpy"):
        error = f"raise ImportError(\"No module named '{package}'\")\n"
        (tmp_path / f"{package}.py").write_text(error)
    # As no other interpreter has it either.
    for script in ("report", "summarise"):
        done = call(script, run_folder(), PYTHONPATH=str(tmp_path), PYTHON="no-such-python")
        refused(done, "No module named", "make setup")


def stub(folder: Path, name: str, script: str) -> Path:
    """A program of that name."""
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return path


def find_python(*arguments: str, **environment: str) -> subprocess.CompletedProcess:
    kept = {key: value for key, value in os.environ.items() if key != "PYTHON"}
    return subprocess.run(
        [str(SCRIPTS / "find-python"), *arguments],
        env={**kept, **environment},
        capture_output=True,
        text=True,
    )


def test_find_python_takes_the_interpreter_that_it_is_told(python):
    done = find_python("--with-pytest", PYTHON=python)
    assert (done.returncode, done.stderr) == (0, "")
    assert Path(done.stdout.strip()).samefile(python)


def test_find_python_does_not_look_further_than_the_interpreter_it_is_told(python, tmp_path):
    poor = stub(tmp_path, "poor", f'case "$2" in *scipy*) exit 1;; esac; exec "{python}" "$@"')
    done = find_python(PYTHON=str(poor))
    assert (done.returncode, done.stdout) == (1, "")
    assert "lacks scipy;" in done.stderr and "make setup" in done.stderr
    done = find_python(PYTHON=str(tmp_path / "nothing"))
    assert done.returncode == 1 and "does not run" in done.stderr


def test_find_python_passes_over_an_interpreter_without_modules(python, tmp_path):
    stub(
        tmp_path, "python3", f'case "$2" in *import\\ *numpy*) exit 1;; esac; exec "{python}" "$@"'
    )
    path = f"{tmp_path}:{os.environ['PATH']}"
    done = find_python(PATH=path)
    expected = (0, "") if Path("/usr/bin/python3").exists() else (1, "")
    assert (done.returncode, done.stderr) == expected


def test_find_python_names_what_is_missing(tmp_path):
    # "sys" is asked for first, to learn the version and the path.
    stub(tmp_path, "python3", 'case "$2" in "import sys"*) exit 0;; esac; exit 1')
    text = (SCRIPTS / "find-python").read_text().replace("/usr/bin/python3", "no-such-python")
    changed = stub(tmp_path, "find", text.split("\n", 1)[1])
    done = subprocess.run(
        [str(changed), "--with-pytest"],
        env={"PATH": f"{tmp_path}:/usr/bin-without-python"},
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout) == (1, "")
    for module in ("numpy", "pandas", "scipy", "matplotlib", "pytest", "hypothesis"):
        assert module in done.stderr
    assert "make setup" in done.stderr


def test_find_python_refuses_unknown_arguments():
    assert find_python("--nonsense").returncode == 2


def test_attribute_counts_the_explained_cells_of_several_runs(call_here, full_folder, tmp_path):
    runs, _ = full_run(["realloc_doubling"], ["glibc", "scudo"], [100_000], rounds=1, noise=0.0)
    measured = runs["pass"] == "measure"
    runs.loc[measured & (runs["allocator"] == "scudo"), "cold_build_ns"] *= 2.0
    half = write_runs(runs, tmp_path / "half" / "runs.csv").parent
    system = {"thp_enabled": "[always] madvise never", "thp_disabled": False}
    machine = {"machine_id": MACHINE, "system": system}
    (half / "machine.json").write_text(json.dumps(machine))
    missed = call_here("why", "--explained", full_folder, half)
    assert missed.returncode == 1
    assert re.search(r"half +always +all +2 +1 +50% ", missed.stdout)
    assert re.search(r"half +always +scudo +1 +0 +0% ", missed.stdout)
    assert missed.stdout.endswith("below the goal of 90%: half\n")

    runs.loc[measured & (runs["allocator"] == "scudo"), "cold_build_ns"] /= 2.0
    write_runs(runs, half / "runs.csv")
    machine["system"]["thp_disabled"] = True
    (half / "machine.json").write_text(json.dumps(machine))
    met = call_here("why", "--explained", half)
    assert met.returncode == 0 and "below" not in met.stdout
    assert re.search(r"half +never +all +2 +2 +100% ", met.stdout)


def test_attribute_refuses_several_runs_and_cells_together(call_here, full_folder):
    refused(call_here("why", full_folder, full_folder), "--explained")
    refused(call_here("why", full_folder, "--explained", "--rows", "1000"), "whole runs")
