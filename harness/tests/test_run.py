"""A run with the real worker: rows, libraries, machine.json, environment and progress."""

import fcntl
import glob
import os
import pty
import re
import socket
import struct
import termios
import warnings
from typing import List

import pandas as pd
import pytest
from conftest import (
    EXIT_DONE,
    EXIT_UNMEASURED,
    FIGURES,
    GROWBENCH,
    HUGE_FAULTS,
    ONE_CELL,
    REPOSITORY,
    SANITIZED,
    Ended,
    Growbench,
    cells_of,
    figures_of,
    grown,
    real_allocators,
)

# Where Debian's packages put the known allocators' libraries.
LIBRARIES = {
    "glibc": "/usr/lib/*/libc.so.6",
    "jemalloc": "/usr/lib/*/libjemalloc.so.2",
    "mimalloc": "/usr/lib/*/libmimalloc.so*",
    "tcmalloc": "/usr/lib/*/libtcmalloc_minimal.so.4",
    "tbbmalloc": "/usr/lib/*/libtbbmalloc_proxy.so.2",
    "scudo": "/usr/lib/llvm-*/lib/clang/*/lib/linux/libclang_rt.scudo_standalone-*.so",
}

WORDS = (
    "--strategies=list_of_pointers",
    "--rows=10,100",
    "--rounds=2",
    "--seed=11",
    "--threads=1,2",
)


def library(name: str) -> str:
    """The allocator's library with its links resolved, or '' if it is not installed."""
    return max((os.path.realpath(path) for path in glob.glob(LIBRARIES[name])), default="")


def needs(*names: str) -> None:
    """Skips the test where one of these allocators is not installed."""
    for name in names:
        if library(name) == "":
            pytest.skip(f"{name} is not installed")


def nulls_without_reason(machine: dict) -> List[str]:
    """What machine.json does not know, and does not say why."""
    values = {**machine["machine"], **machine["system"]}
    return [name for name in values if values[name] is None and not machine["absent"].get(name)]


@pytest.fixture(scope="module")
def runner(tmp_path_factory) -> Growbench:
    return Growbench(tmp_path_factory.mktemp("real"))


@pytest.fixture(scope="module")
def real_run(runner) -> Ended:
    """Two sizes, two rounds, one and two threads, on all allocators."""
    if SANITIZED:
        pytest.skip("a sanitizer's own allocator stands in front of the worker's")
    return runner.run(*WORDS)


@pytest.fixture(scope="module")
def table(real_run) -> pd.DataFrame:
    """Its runs.csv as pandas reads it; a warning is an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return pd.read_csv(real_run.folder / "runs.csv")


def test_a_run_measures_every_cell_on_every_allocator_that_is_installed(real_run):
    rows = real_run.rows
    installed = [name for name in LIBRARIES if library(name) != ""]

    assert real_run.stdout == "out\n"
    assert "glibc" in installed
    assert len(rows) == 2 * 2 * 2 * len(LIBRARIES)
    for row in rows:
        wanted = "ok" if row["allocator"] in installed else "unavailable"
        assert (row["status"], row["allocator"]) == (wanted, row["allocator"]), row


def test_runs_csv_has_the_plan_s_rows_in_the_plan_s_order(runner, real_run):
    plan = runner.plan(*WORDS)
    rows = real_run.rows

    assert len(plan) == len(rows)
    assert cells_of(rows) == cells_of(plan)
    assert [row["position"] for row in rows] == [line["position"] for line in plan]


def test_each_row_names_the_library_that_was_asked_for(real_run):
    paths = {}
    for row in real_run.rows:
        if row["status"] == "ok":
            assert re.fullmatch("[0-9a-f]{16,}", row["allocator_build_id"])
            assert re.match(r"\d+(\.\d+)*", row["allocator_version"])
            paths.setdefault(row["allocator"], set()).add(row["allocator_path"])

    assert paths == {name: {library(name)} for name in LIBRARIES if library(name) != ""}
    assert len(set.union(*paths.values())) == len(paths), "no library stands under two names"


def test_pandas_reads_numbers_as_numbers_in_every_column_and_no_other(runner, real_run, table):
    listed = runner("list", "--columns").stdout.splitlines()

    assert len(table) == len(real_run.rows)
    assert list(table.columns) == [line.split()[0] for line in listed]
    for name in FIGURES:
        kind = "text" if name == "checksum" else "number"
        assert pd.api.types.is_numeric_dtype(table[name]) == (kind == "number"), name


def test_times_are_positive_and_the_rest_agrees_with_itself(table):
    ok = table[table["status"] == "ok"]

    assert len(ok) > 0
    for name in ("cold_build_ns", "worker_ns", "warm_build_release_median_ns"):
        assert (ok[name] > 0).all(), name
    for name in set(FIGURES) - HUGE_FAULTS:
        assert ok[name].notna().all(), name
    for name in HUGE_FAULTS:
        assert (ok[name].notna() != ok["huge_fault_unknown_reason"].notna()).all(), name
    assert (ok["warm_build_release_min_ns"] <= ok["warm_build_release_median_ns"]).all()
    assert (ok["warm_build_release_median_ns"] <= ok["warm_build_release_max_ns"]).all()
    assert (ok["warm_build_release_p5_ns"] > 0).all()
    for lower, upper in ((5, 25), (25, 50), (50, 75), (75, 95), (95, 99)):
        names = (f"warm_build_release_p{share}_ns" for share in (lower, upper))
        below, above = (ok[name] for name in names)
        assert (below <= above).all(), upper
    timed = ok["warm_timing_count"] * ok["warm_timing_build_count"]
    assert (timed <= ok["warm_iteration_count"] * ok["warm_value_count"]).all()
    assert (ok["payload_bytes"] == ok["rows"] * ok["row_bytes"] * ok["threads"]).all()
    assert (ok["cold_build_ns"] < ok["worker_ns"]).all()
    assert (ok["peak_rss_bytes"] >= ok["peak_memory_bytes"]).all()
    assert set(ok["threads"]) == {1, 2}
    sums = ok.groupby(["rows", "row_bytes"])["checksum"]

    assert sums.ngroups == 2
    assert (sums.nunique() == 1).all()
    assert ok["checksum"].nunique() == 2
    counts = ok.groupby(["rows", "threads"])["warm_iteration_count"].nunique()
    assert (counts == 1).all(), "all allocators do the same number of iterations"


def test_machine_json_says_what_was_measured_and_where(real_run):
    machine = real_run.machine
    run = machine["run"]
    rows = real_run.rows

    assert (run["state"], run["seed"], run["rounds"]) == ("complete", 11, 2)
    assert run["planned_row_count"] == run["row_count"] == len(rows)
    assert run["arguments"] == ["--passes=measure", "--no-summary", *WORDS]
    assert run["passes"] == ["measure"]
    assert {row["run_id"] for row in rows} == {machine["run_id"]}
    assert {row["machine_id"] for row in rows} == {machine["machine_id"]}
    assert [allocator["name"] for allocator in machine["allocators"]] == list(LIBRARIES)
    assert len(machine["pilot"]) == 2 * 2 * len(LIBRARIES)
    for part in ("machine", "system", "build", "state_at_start", "state_at_end"):
        assert machine[part], part
    assert nulls_without_reason(machine) == []


def test_machine_json_names_neither_host_nor_user_s_folders(real_run):
    text = (real_run.folder / "machine.json").read_text()
    rows = (real_run.folder / "runs.csv").read_text()

    for private in (socket.gethostname(), str(REPOSITORY), str(real_run.folder), str(GROWBENCH)):
        word = re.compile(rf"(?<![\w-]){re.escape(private)}(?![\w-])")
        assert word.search(f'"{private}/x"')
        assert not word.search(text), private
        assert not word.search(rows), private


@pytest.mark.parametrize("words", [["--out", "private"], ["--out=private"]])
def test_the_output_s_folder_is_not_in_machine_json(growbench, stand_in, words):
    growbench.run(*ONE_CELL, stand_in().option, *words)

    assert "private" not in (growbench.folder / "private/machine.json").read_text()
    growbench.resume(into="private")


# ---- libraries of the user's ----


@real_allocators
def test_a_library_that_is_no_allocator_is_never_measured(growbench):
    libm = glob.glob("/usr/lib/*/libm.so.6") + glob.glob("/lib/*/libm.so.6")
    assert libm
    words = ("--strategies=realloc_doubling", "--rows=10", "--rounds=2", "--allocators=x")
    rows = growbench.run(f"--allocator=x={libm[0]}", *words, ends=EXIT_UNMEASURED).rows

    assert [row["status"] for row in rows] == ["wrong_allocator"] * 2
    for row in rows:
        assert figures_of(row) == {}
        assert "libc.so.6 instead of" in row["status_detail"]
        assert os.path.realpath(libm[0]) in row["status_detail"]


@pytest.mark.parametrize(
    ("path", "reason"), [("/no/such/lib.so", "No such file"), ("/dev/null", "not a regular file")]
)
def test_a_library_that_cannot_be_loaded_is_unavailable_and_costs_nothing_else(
    growbench, stand_in, path, reason
):
    worker = stand_in()
    words = (f"--allocator=x={path}", *ONE_CELL, "--allocators=x,glibc", "--rounds=2")
    # A missing library is no failed worker.
    done = growbench.run(*words, worker.option, ends=EXIT_UNMEASURED)
    rows = {name: [r for r in done.rows if r["allocator"] == name] for name in ("x", "glibc")}

    assert "warning: x is left out (unavailable)" in done.stderr
    assert [row["status"] for row in rows["x"]] == ["unavailable"] * 2
    assert [figures_of(row) for row in rows["x"]] == [{}] * 2
    for row in rows["x"]:
        assert f"{path} cannot be preloaded" in row["status_detail"]
        assert reason in row["status_detail"]
        assert (row["allocator_path"], row["worker_ns"]) == ("", "")
    assert [row["status"] for row in rows["glibc"]] == ["ok"] * 2
    assert [figures_of(row) for row in rows["glibc"]] == [FIGURES] * 2
    assert worker.measured() == 1 + 2, "no worker was started for the missing one"


@real_allocators
def test_a_library_s_path_and_a_variant_are_measured_and_recorded_under_their_labels(growbench):
    needs("jemalloc")
    done = growbench.run(
        *ONE_CELL,
        "--allocators=lazy,mine,jemalloc",
        "--allocator=lazy=jemalloc,MALLOC_CONF=dirty_decay_ms:-1,muzzy_decay_ms:-1",
        f"--allocator=mine={library('jemalloc')}",
    )

    found = {(row["allocator"], row["status"], row["allocator_path"]) for row in done.rows}
    assert found == {(name, "ok", library("jemalloc")) for name in ("jemalloc", "lazy", "mine")}
    assert {a["name"]: a["environment"] for a in done.machine["allocators"]} == {
        "jemalloc": [],
        "lazy": ["MALLOC_CONF=dirty_decay_ms:-1,muzzy_decay_ms:-1"],
        "mine": [],
    }


# ---- the environment ----

# As it was given: a shell that finds a variable twice keeps one of the two, getenv(3) the other.
LOG_ENVIRONMENT = "tr '\\0' '\\n' </proc/$$/environ >\"$here/environment.$call\"; honest"


def environments(worker) -> List[dict]:
    """What the stand-in's calls found in their environment, in order."""
    logs = sorted(worker.folder.glob("environment.*"), key=lambda path: int(path.suffix[1:]))
    found = []
    for log in logs:
        entries = [line.split("=", 1) for line in log.read_text().splitlines()]
        assert len(dict(entries)) == len(entries), "no variable stands there twice"
        found.append(dict(entries))
    return found


def test_allocator_variables_reach_workers_and_are_recorded_and_no_others(growbench, stand_in, out):
    worker = stand_in(measure=LOG_ENVIRONMENT)
    variables = {
        "MALLOC_ARENA_MAX": "2",
        "MIMALLOC_VERBOSE": "0",
        "GLIBC_TUNABLES": "glibc.malloc.tcache_count=3",
        "SECRET_TOKEN": "x",
        "LANG": "de_DE.UTF-8",
    }
    done = growbench.run(*ONE_CELL, worker.option, variables=variables)

    found = environments(worker)
    assert len(found) == 2
    for seen in found:
        passed = {name: seen.get(name) for name in variables}
        assert passed == {**variables, "SECRET_TOKEN": None, "LANG": None}
        assert seen["LC_ALL"] == "C"
        assert "LD_PRELOAD" not in seen
    assert sorted(done.machine["run"]["allocator_environment"]) == [
        "GLIBC_TUNABLES=glibc.malloc.tcache_count=3",
        "MALLOC_ARENA_MAX=2",
        "MIMALLOC_VERBOSE=0",
    ]
    assert "SECRET_TOKEN" not in (out / "machine.json").read_text()


def test_an_allocator_s_own_variable_replaces_the_environment_s(growbench, stand_in):
    worker = stand_in(measure=LOG_ENVIRONMENT)
    words = ("--allocators=mine", "--allocator=mine=glibc,MALLOC_CONF=narenas:1,MALLOC_X=,Y_1=z")
    words = (*ONE_CELL, *words, worker.option)
    variables = {"MALLOC_CONF": "background_thread:true", "MALLOC_CONF_EXTRA": "kept"}
    growbench.run(*words, variables=variables)

    found = environments(worker)
    assert len(found) == 2
    for seen in found:
        assert (seen["MALLOC_CONF"], seen["MALLOC_X"], seen["Y_1"]) == ("narenas:1", "", "z")
        assert seen["MALLOC_CONF_EXTRA"] == "kept"


@real_allocators
def test_a_preloaded_library_of_the_runner_s_is_not_the_workers(growbench, stand_in):
    needs("jemalloc", "mimalloc")
    worker = stand_in(measure=LOG_ENVIRONMENT)
    words = (*ONE_CELL, "--allocators=glibc,mimalloc", worker.option)
    done = growbench.run(*words, variables={"LD_PRELOAD": library("jemalloc")})

    found = [seen.get("LD_PRELOAD", "") for seen in environments(worker)]
    assert sorted(found) == ["", "", library("mimalloc"), library("mimalloc")]
    paths = {row["allocator"]: row["allocator_path"] for row in done.rows}
    assert paths == {name: library(name) for name in ("glibc", "mimalloc")}


def test_a_locale_with_a_decimal_comma_changes_nothing_in_the_files(
    growbench, stand_in, out, comma_locale
):
    variables = {"LOCPATH": str(comma_locale), "LC_ALL": "xx_XX"}
    # A cell that may not be measured: the runner itself writes its time.
    words = ("--strategies=loop_and_append", "--allocators=glibc", "--rows=10,9000")
    worker = grown(stand_in, "rows * rows * bytes / 8", "[ $rows = 10 ] && { honest; exit; }")
    more = ("--predict-above=1000", "--rounds=1", worker.option)
    done = growbench.run(*words, *more, variables=variables)
    rows = {row["status"]: row for row in done.rows}

    assert set(rows) == {"ok", "skipped_predicted"}
    assert figures_of(rows["ok"]) == FIGURES
    for name in ("predicted_cold_build_release_ns", "predicted_warm_build_release_ns"):
        assert re.fullmatch(r"\d+(\.\d+)?(e\+\d+)?", rows["skipped_predicted"][name])
        assert rows["ok"][name] == ""
    assert isinstance(done.machine["run"]["rounds_s"], float)
    plan = growbench("plan", *words[:4], variables=variables).stdout
    assert re.search(r",\d+\.\d{3},$", plan, flags=re.MULTILINE)


def test_a_cell_that_does_not_fit_into_memory_is_a_row_that_says_so(growbench, stand_in):
    words = ("--strategies=preallocate_then_fill", "--allocators=glibc", "--rows=10,1e12")
    worker = stand_in()
    done = growbench.run(*words, "--rounds=1", worker.option, ends=EXIT_UNMEASURED)
    rows = {row["rows"]: row for row in done.rows}

    assert rows["10"]["status"] == "ok"
    assert rows["1000000000000"]["status"] == "skipped_memory"
    assert "a worker may use" in rows["1000000000000"]["status_detail"]
    assert figures_of(rows["1000000000000"]) == {}


@pytest.mark.parametrize("work", ["cheap", "random"])
def test_workers_are_asked_for_exactly_the_cell(growbench, stand_in, work):
    worker = stand_in()
    words = ("--strategies=chunked_list", "--allocators=glibc", "--rows=12", "--row-bytes=24")
    cpu = min(os.sched_getaffinity(0))
    words = (*words, "--threads=2", "--rounds=1", f"--work={work}", f"--cpu={cpu}")
    growbench.run(*words, worker.option)

    asked = [call for call in worker.calls() if call.startswith("measure ")]
    assert len(asked) == 2
    for call in asked:
        assert call.startswith("measure --implementation c --strategy chunked_list ")
        assert " --rows 12 --row-bytes 24 " in call
        assert f" --threads 2 --work {work} " in call
        assert re.search(rf" --cpus {cpu}(,\d+)? --report-fd 3$", call)


def test_the_row_names_the_cpu_that_was_asked_for(growbench, stand_in, out):
    cpu = str(min(os.sched_getaffinity(0)))
    worker = stand_in(measure='taskset -pc $$ >"$here/cpus"; honest')

    assert [row["cpu"] for row in growbench.run(*ONE_CELL, f"--cpu={cpu}", worker.option).rows] == [
        cpu
    ]
    assert (worker.folder / "cpus").read_text().split(": ")[1] == f"{cpu}\n"


# ---- progress ----


def test_progress_in_a_pipe_is_plain_lines(growbench, stand_in):
    done = growbench.run(*ONE_CELL, "--rounds=20", stand_in().option)
    lines = done.stderr.splitlines()

    assert "\r" not in done.stderr
    assert "\033" not in done.stderr
    assert [line for line in lines if line.startswith("pilot 0% (0/1), ETA ")] != []
    rounds = [line for line in lines if re.match(r"rounds \d+% \(\d+/20\), ETA \d+", line)]
    assert 2 <= len(rounds) <= 11, "about one line for each tenth"
    assert "now realloc_doubling 10 x 80 B glibc" in rounds[0]
    assert lines[-1].startswith("20 of 20 rows in ")


def test_quiet_is_silent_but_for_the_folder_s_name(growbench, stand_in):
    done = growbench.run(*ONE_CELL, "--rounds=2", "--quiet", stand_in().option)

    assert (done.stdout, done.stderr) == ("out\n", "")


def test_warnings_are_shown_even_when_quiet(growbench, stand_in):
    words = (*ONE_CELL, "--rounds=2", "--quiet", stand_in(measure="exit 9").option)
    done = growbench.run(*words, ends=EXIT_UNMEASURED)

    assert done.stdout == "out\n"
    assert done.stderr == (
        "warning: 2 workers failed (the first: measure c realloc_doubling, 10 x 80 B, glibc: "
        "exited: ended with exit status 9); the status columns of runs.csv say how\n"
        "warning: --allocators glibc, --passes measure, --strategies realloc_doubling, --rows 10: "
        "not one row was measured (exited: ended with exit status 9)\n"
    )


def run_on_terminal(growbench, *words: str, columns: int = 0, ends=EXIT_DONE, **variables) -> str:
    """Runs one cell with standard error on a terminal; returns what the terminal got."""
    terminal, theirs = pty.openpty()
    if columns:
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    try:
        # A terminal holds some 4 KiB until it is read.
        growbench.run(*ONE_CELL, *words, ends=ends, variables=variables, stderr=theirs)
    finally:
        os.close(theirs)
    parts: List[bytes] = []
    try:
        while parts[-1:] != [b""]:
            parts.append(os.read(terminal, 65536))
    except OSError:  # the other side is closed
        pass
    os.close(terminal)
    return b"".join(parts).decode()


BAR = r"\rrounds \[[#.]+\] +\d+% \d+/3 ETA \d+s  realloc_doubling 10 x 80 B glibc"


# The bar is drawn anew after a tenth of a second.
SLOW = "sleep 0.11; honest"


def test_progress_on_a_terminal_is_a_bar_that_goes_away(growbench, stand_in):
    text = run_on_terminal(growbench, "--rounds=3", stand_in(measure=SLOW).option, TERM="xterm")

    assert len(re.findall(BAR, text)) == 3
    assert re.search(r"\r\033\[K3 of 3 rows in ", text), "the bar goes before the last line"


@pytest.mark.parametrize("columns", [2, 40, 200])
def test_no_line_of_the_bar_is_wider_than_the_terminal(columns, growbench, stand_in):
    words = ("--rounds=3", stand_in(measure=SLOW).option)
    text = run_on_terminal(growbench, *words, columns=columns, TERM="xterm")
    bars = re.findall(r"\r(?!\x1b)([^\r\n\x1b]*)\x1b\[K", text)

    assert len(bars) >= 3
    assert max(map(len, bars)) < columns


def test_a_dumb_terminal_gets_plain_lines(growbench, stand_in):
    text = run_on_terminal(growbench, "--rounds=3", stand_in().option, TERM="dumb")

    assert "3 of 3 rows in " in text
    assert re.search(r"^rounds 0% \(0/3\)", text, flags=re.MULTILINE)
    assert "\r" not in text.replace("\r\n", "\n")


@pytest.mark.parametrize(("variables", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_warnings_have_a_colour_on_a_terminal_unless_no_color_is_set(
    growbench, stand_in, variables, coloured
):
    worker = stand_in(measure="exit 9").option
    text = run_on_terminal(growbench, worker, ends=EXIT_UNMEASURED, TERM="xterm", **variables)

    assert ("\033[33mwarning:\033[0m 1 worker failed" in text) == coloured
    assert "warning:" in text


FACTORS = ("--preset=factors", "--implementations=c", "--rows=100", "--rounds=1")


def test_a_run_of_a_preset_with_a_question_ends_in_the_answer(growbench, out):
    words = ("run", "--out=out", *FACTORS, "--passes=measure,trace", "--warm-limit=1")
    done = growbench(*words)

    assert done.returncode == EXIT_DONE, done.stderr
    assert done.stdout == "out\n"
    assert "with 1.5 it makes 13 reallocs" in done.stderr
    page = (out / "factors.md").read_text(encoding="utf-8")
    assert page.startswith("# Growth factors: 1.5 or 2?")
    assert (out / "plots" / "factor_copied.png").is_file()


@pytest.mark.parametrize(
    "words",
    [
        ("--passes=trace",),
        ("--passes=measure", "--no-summary"),
        ("--passes=measure", "--strategies=realloc_go"),
    ],
)
def test_without_what_it_asks_for_a_preset_has_no_answer(growbench, out, words):
    done = growbench("run", "--out=out", *FACTORS, *words)

    assert done.returncode == EXIT_DONE, done.stderr
    assert not (out / "factors.md").exists() and "factors" not in done.stderr.split("into out")[1]
