"""How far a verb is: what is told to whom, and what is left when it is interrupted."""

import io
import os
import signal
import subprocess
import sys
import time

import pytest
from conftest import PACKAGE, PATIENCE, SCRIPTS, build_runs

from growbench.command_line import progress
from growbench.command_line.progress import LINE_S, PATIENCE_S, Progress

REFERENCE = SCRIPTS.parent / "results" / "reference-epyc-2cpu"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Clock:
    """Stands still, or goes on by `step` whenever it is read."""

    def __init__(self, step: float = 0.0) -> None:
        self.now, self.step = 0.0, step

    def __call__(self) -> float:
        self.now += self.step
        return self.now


@pytest.fixture
def clock(monkeypatch) -> Clock:
    monkeypatch.delenv("GROWBENCH_PROGRESS", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    made = Clock()
    monkeypatch.setattr(progress, "clock", made)
    return made


def told(clock: Clock, stream: io.StringIO, times: list[float]) -> str:
    """What stands there after a step at each of these times."""
    made = Progress(stream)
    for number, now in enumerate(times, start=1):
        clock.now = now
        made.step("drawing", number, 50)
    return stream.getvalue()


def test_what_ends_soon_says_nothing(clock):
    for stream in (io.StringIO(), Terminal()):
        assert told(clock, stream, [0.0, PATIENCE_S - 0.1]) == ""


def test_a_pipe_gets_a_line_now_and_then(clock):
    times = [1.0, PATIENCE_S, 3.0, PATIENCE_S + LINE_S - 0.1, PATIENCE_S + LINE_S]
    assert told(clock, io.StringIO(), times) == "drawing 4% (2/50)\ndrawing 10% (5/50)\n"


def test_a_terminal_has_one_line_that_goes_away(clock):
    stream = Terminal()
    made = Progress(stream)
    clock.now = PATIENCE_S
    made.step("reading")
    made.show()
    clock.now += 1.0
    made.step("drawing", 1, 3)
    assert stream.getvalue() == "\rreading\033[K\rdrawing 33% (1/3)\033[K"
    made.end()
    made.show()
    assert stream.getvalue().endswith("\033[K\r\033[K")
    clock.now = 0.0
    assert told(clock, Terminal(), []) == ""


@pytest.mark.parametrize(
    "variable, value, expected",
    [
        ("TERM", "dumb", "drawing 2% (1/50)\n"),
        ("NO_COLOR", "1", "\rdrawing 2% (1/50)\033[K"),
        ("COLUMNS", "10", "\rdrawing 2\033[K"),
        ("GROWBENCH_PROGRESS", "never", ""),
    ],
)
def test_a_terminal_that_is_otherwise(clock, monkeypatch, variable, value, expected):
    monkeypatch.setenv(variable, value)
    assert told(clock, Terminal(), [PATIENCE_S]) == expected


def test_a_step_that_takes_long_by_itself_is_shown(clock, monkeypatch, capsys):
    monkeypatch.setattr(progress, "PATIENCE_S", 0.01)
    with progress.shown():
        progress.current.step("reading")
        clock.now = 1.0
        err = ""
        for _ in range(1000):
            err += capsys.readouterr().err
            if err:
                break
            time.sleep(0.01)
    assert err == "reading\n"
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)


@pytest.mark.parametrize(
    "verb, arguments, expected",
    [
        ("plot", ["--only", "heat_map_cold", "--format", "svg"], "drawing 100% (1/1)"),
        ("compare", ["RUN"], "comparing"),
        ("summarise", [], "reading"),
    ],
)
def test_a_verb_says_where_it_is_and_takes_nothing_from_its_output(
    clock, call_here, run_folder, verb, arguments, expected
):
    folder = run_folder(build_runs(["chunked_list"], ["glibc"], [10_000], rounds=6))
    words = [folder, *(folder if word == "RUN" else word for word in arguments)]
    silent = call_here(verb, *words)
    clock.step = LINE_S
    done = call_here(verb, *words)
    assert expected in done.stderr.splitlines()
    assert (done.returncode, done.stdout) == (silent.returncode, silent.stdout)
    assert expected not in silent.stderr


@pytest.mark.parametrize(
    "words, begun",
    [
        (["plot", REFERENCE, "--output", "."], "*.pdf"),
        (["report", REFERENCE, "--output", "report.html"], ".report.html*"),
    ],
)
def test_an_interrupted_verb_leaves_nothing_half_written(tmp_path, words, begun):
    program = subprocess.Popen(
        [sys.executable, PACKAGE, *words],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    for _ in range(round(6000 * PATIENCE)):
        if program.poll() is not None or list(tmp_path.glob(begun)):
            break
        time.sleep(0.01)
    # As a terminal does: all processes of the verb get it.
    os.killpg(program.pid, signal.SIGINT)
    out, err = program.communicate(timeout=120 * PATIENCE)
    assert (program.returncode, out, err) == (130, "", "interrupted\n")
    ends = {".png": b"IEND\xaeB`\x82", ".svg": b"</svg>\n", ".pdf": b"%%EOF\n"}
    for path in tmp_path.iterdir():
        assert path.read_bytes().endswith(ends[path.suffix])
