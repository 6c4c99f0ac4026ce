"""Every script here: its run bit, and what it does under a Python without packages."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Optional

import pytest
from conftest import PACKAGE, SCRIPTS
from growbench.command_line import packages, progress
from test_entries import ENTRIES, READERS

PROGRAMS = sorted(
    path
    for path in SCRIPTS.rglob("*")
    if path.is_file() and "__pycache__" not in path.parts and path.read_bytes()[:2] == b"#!"
)
NAMES = [str(path.relative_to(SCRIPTS)) for path in PROGRAMS]


def call(
    words: list, python: str = "no-such-python", cwd: Optional[Path] = None
) -> subprocess.CompletedProcess:
    """Runs the words; find-python takes `python`, and looks no further."""
    return subprocess.run(
        list(map(str, words)),
        env={**os.environ, "PYTHON": python},
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.fixture(scope="module")
def bare(python, tmp_path_factory) -> list[str]:
    """The words that start a Python of another path than ours, which has no packages."""
    link = tmp_path_factory.mktemp("bare") / "python3"
    link.symlink_to(python)
    words = [str(link), "-S", "-E"]
    for package in ("numpy", "pandas", "scipy", "matplotlib", "PIL", "jinja2"):
        assert call([*words, "-c", f"import {package}"]).returncode == 1
    return words


def test_there_are_scripts():
    assert {"setup.sh", "find-python", "python_worker.py"} <= set(NAMES)


@pytest.mark.parametrize("program", PROGRAMS, ids=NAMES)
def test_what_has_an_interpreter_in_its_first_line_has_the_run_bit(program):
    assert os.access(program, os.X_OK)
    assert program.stat().st_mode & 0o111 == 0o111


@pytest.mark.parametrize(
    "words",
    [[path] for path in PROGRAMS] + [[PACKAGE, verb] for verb in ENTRIES],
    ids=NAMES + ENTRIES,
)
def test_help_needs_nothing_but_python(words, bare, tmp_path):
    is_python = words[0] == PACKAGE or words[0].suffix == ".py"
    done = call([*(bare if is_python else []), *words, "--help"], cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout) > 20
    # As of a percent sign that is taken for a format.
    assert " object at 0x" not in done.stdout
    assert list(tmp_path.iterdir()) == []
    if is_python:
        # Nothing of what stood in for the packages is in it.
        assert done.stdout == call([sys.executable, *words, "--help"], cwd=tmp_path).stdout


@pytest.mark.parametrize("script", READERS)
def test_without_packages_a_script_says_which_are_missing_and_what_installs_them(
    script, bare, run_folder
):
    done = call([*bare, PACKAGE, script, run_folder(), *READERS[script]])
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"error: {bare[0]} lacks numpy, pandas")
    of_reports = script == "report"
    command = "make setup report" if of_reports else "make setup"
    assert line.endswith(f"; install what is missing with: {command}")
    assert ("jinja2" in line) == of_reports


@pytest.mark.parametrize("script", ENTRIES)
def test_wrong_usage_is_told_before_what_is_missing(script, bare):
    done = call([*bare, PACKAGE, script, "--nonsense"])
    assert done.returncode == 2 and "--help" in done.stderr and "lacks" not in done.stderr


def test_a_script_goes_on_in_an_interpreter_that_has_the_packages(python, bare, run_folder):
    words = [PACKAGE, "compare-within", run_folder(), "glibc", "glibc"]
    elsewhere = call([*bare, *words], python=python)
    here = call([sys.executable, *words])
    assert (elsewhere.returncode, elsewhere.stdout, elsewhere.stderr) == (
        here.returncode,
        here.stdout,
        here.stderr,
    )
    assert "lacks" not in here.stderr


def test_no_timer_of_ours_runs_in_the_interpreter_that_it_goes_on_in(python, monkeypatch):
    """It outlives exec, and ends a program that has no handler for it yet, as one that starts
    slowly."""
    timers = []

    def execv(*_: object) -> None:
        timers.append(signal.getitimer(signal.ITIMER_REAL))
        raise SystemExit

    monkeypatch.setattr(packages.os, "execv", execv)
    monkeypatch.setattr(packages.sys, "executable", "/another/python3")
    monkeypatch.setenv("PYTHON", python)
    with progress.shown(), pytest.raises(SystemExit):
        packages._do_without(" lacks all")
    assert timers == [(0.0, 0.0)]
