"""A run with the real worker: rows, libraries, machine.json, environment and progress."""

import glob
import os
import pty
import re
import socket
import subprocess
import threading
import warnings
from pathlib import Path
from typing import List, NamedTuple

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
    Growbench,
    cells_of,
    environment,
    figures_of,
    read_machine,
    read_rows,
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
    "--strategies=realloc_doubling,list_of_pointers",
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


class Run(NamedTuple):
    """A run that is over, and the runner that made it."""

    folder: Path
    done: subprocess.CompletedProcess
    growbench: Growbench


@pytest.fixture(scope="module")
def real_run(tmp_path_factory) -> Run:
    """Two strategies, two sizes, two rounds, one and two threads, on all allocators."""
    if SANITIZED:
        pytest.skip("a sanitizer's own allocator stands in front of the worker's")
    growbench = Growbench(tmp_path_factory.mktemp("real"))
    done = growbench("run", "--out=out", "--no-summary", *WORDS)

    return Run(growbench.folder / "out", done, growbench)


@pytest.fixture(scope="module")
def table(real_run) -> pd.DataFrame:
    """Its runs.csv as pandas reads it; a warning is an error."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return pd.read_csv(real_run.folder / "runs.csv")


def test_a_run_measures_every_cell_on_every_allocator_that_is_installed(real_run):
    rows = read_rows(real_run.folder)
    installed = [name for name in LIBRARIES if library(name) != ""]

    assert real_run.done.returncode == EXIT_DONE, real_run.done.stderr
    assert real_run.done.stdout == "out\n"
    assert "glibc" in installed
    assert len(rows) == 2 * 2 * 2 * 2 * len(LIBRARIES)
    for row in rows:
        wanted = "ok" if row["allocator"] in installed else "unavailable"
        assert (row["status"], row["allocator"]) == (wanted, row["allocator"]), row


def test_runs_csv_has_the_plan_s_rows_in_the_plan_s_order(real_run):
    plan = real_run.growbench.plan(*WORDS)
    rows = read_rows(real_run.folder)

    assert len(plan) == len(rows)
    assert cells_of(rows) == cells_of(plan)
    assert [row["position"] for row in rows] == [line["position"] for line in plan]


def test_each_row_names_the_library_that_was_asked_for(real_run):
    paths = {}
    for row in read_rows(real_run.folder):
        if row["status"] == "ok":
            assert re.fullmatch("[0-9a-f]{16,}", row["allocator_build_id"])
            assert re.match(r"\d+(\.\d+)*", row["allocator_version"])
            paths.setdefault(row["allocator"], set()).add(row["allocator_path"])

    assert paths == {name: {library(name)} for name in LIBRARIES if library(name) != ""}
    assert len(set.union(*paths.values())) == len(paths), "no library stands under two names"


def test_pandas_reads_numbers_as_numbers(real_run, table):
    assert len(table) == len(read_rows(real_run.folder))
    for name in FIGURES:
        kind = "text" if name == "checksum" else "number"
        assert pd.api.types.is_numeric_dtype(table[name]) == (kind == "number"), name


def test_every_column_and_no_other_is_in_the_header(real_run, table):
    listed = real_run.growbench("list", "--columns").stdout.splitlines()

    assert list(table.columns) == [line.split()[0] for line in listed]


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
    assert (ok["payload_bytes"] == ok["rows"] * ok["row_bytes"] * ok["threads"]).all()
    assert (ok["cold_build_ns"] < ok["worker_ns"]).all()
    assert (ok["peak_rss_bytes"] >= ok["peak_memory_bytes"]).all()
    assert set(ok["threads"]) == {1, 2}


def test_every_cell_of_a_size_has_built_the_same_rows(table):
    ok = table[table["status"] == "ok"]
    sums = ok.groupby(["rows", "row_bytes"])["checksum"]

    assert sums.ngroups == 2
    assert (sums.nunique() == 1).all()
    assert ok["checksum"].nunique() == 2


def test_all_allocators_of_a_cell_do_the_same_number_of_iterations(table):
    ok = table[table["status"] == "ok"]
    counts = ok.groupby(["strategy", "rows", "threads"])["warm_iteration_count"].nunique()

    assert (counts == 1).all()


def test_machine_json_says_what_was_measured_and_where(real_run):
    machine = read_machine(real_run.folder)
    run = machine["run"]

    assert (run["state"], run["seed"], run["rounds"]) == ("complete", 11, 2)
    assert run["planned_row_count"] == run["row_count"] == len(read_rows(real_run.folder))
    assert run["arguments"] == ["--passes=measure", "--no-summary", *WORDS]
    assert run["passes"] == ["measure"]
    assert {row["run_id"] for row in read_rows(real_run.folder)} == {machine["run_id"]}
    assert {row["machine_id"] for row in read_rows(real_run.folder)} == {machine["machine_id"]}
    assert [allocator["name"] for allocator in machine["allocators"]] == list(LIBRARIES)
    assert len(machine["pilot"]) == 2 * 2 * 2 * len(LIBRARIES)
    for part in ("machine", "system", "build", "state_at_start", "state_at_end"):
        assert machine[part], part


def test_every_null_in_machine_json_has_its_reason(real_run):
    machine = read_machine(real_run.folder)
    nulls = [
        name
        for part in ("machine", "system")
        for name, value in machine[part].items()
        if value is None
    ]

    assert [name for name in nulls if not machine["absent"].get(name)] == []


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
    done = growbench("run", *ONE_CELL, "--rounds=1", stand_in().option, *words, "--overwrite")

    assert done.returncode == EXIT_DONE, done.stderr
    assert "private" not in (growbench.folder / "private/machine.json").read_text()
    done = growbench("run", "--resume=private", "--no-summary")
    assert done.returncode == EXIT_DONE, done.stderr


# ---- libraries of the user's ----


@real_allocators
def test_a_library_that_is_no_allocator_is_never_measured(growbench, out):
    libm = glob.glob("/usr/lib/*/libm.so.6") + glob.glob("/lib/*/libm.so.6")
    assert libm
    words = ("--strategies=realloc_doubling", "--rows=10", "--rounds=2", "--allocators=x")
    done = growbench("run", "--out=out", "--no-summary", f"--allocator=x={libm[0]}", *words)
    rows = read_rows(out)

    assert done.returncode == EXIT_UNMEASURED
    assert [row["status"] for row in rows] == ["wrong_allocator"] * 2
    for row in rows:
        assert figures_of(row) == {}
        assert "libc.so.6 instead of" in row["status_detail"]
        assert os.path.realpath(libm[0]) in row["status_detail"]


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("/no/such/lib.so", "No such file"),
        ("/dev/null", "not a regular file"),
        ("{folder}", "not a regular file"),
        ("{folder}/text.so", "not an ELF file"),
        ("{folder}/short.so", "not an ELF file"),
        ("{folder}/foreign.so", "another kind of processor"),
    ],
)
def test_a_library_that_cannot_be_loaded_is_unavailable_and_costs_nothing_else(
    growbench, stand_in, out, tmp_path, path, reason
):
    (tmp_path / "text.so").write_text("INPUT(libreal.so) " * 100)
    (tmp_path / "short.so").write_bytes(b"\x7fELF")
    header = bytearray(GROWBENCH.read_bytes()[:4096])
    header[18] ^= 0xFF
    (tmp_path / "foreign.so").write_bytes(header)
    path = path.format(folder=tmp_path)
    worker = stand_in()
    words = (*ONE_CELL, "--allocators=x,glibc", "--rounds=2", worker.option)
    done = growbench("run", "--out=out", f"--allocator=x={path}", *words)
    rows = {name: [r for r in read_rows(out) if r["allocator"] == name] for name in ("x", "glibc")}

    assert done.returncode == EXIT_UNMEASURED, "a missing library is no failed worker"
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
def test_a_library_s_path_is_measured_under_its_label(growbench, out):
    needs("jemalloc")
    words = ("--strategies=realloc_doubling", "--rows=10", "--rounds=1", "--allocators=mine")
    name = f"--allocator=mine={library('jemalloc')}"
    done = growbench("run", "--out=out", "--no-summary", name, *words)
    rows = read_rows(out)

    assert done.returncode == EXIT_DONE, done.stderr
    assert [(row["allocator"], row["status"]) for row in rows] == [("mine", "ok")]
    assert rows[0]["allocator_path"] == library("jemalloc")


@real_allocators
def test_a_variant_with_an_environment_is_measured_and_recorded(growbench, out):
    needs("jemalloc")
    words = (
        "--strategies=realloc_doubling",
        "--rows=10",
        "--rounds=1",
        "--allocators=lazy,jemalloc",
        "--allocator=lazy=jemalloc,MALLOC_CONF=dirty_decay_ms:-1,muzzy_decay_ms:-1",
    )
    done = growbench("run", "--out=out", "--no-summary", *words)

    assert done.returncode == EXIT_DONE, done.stderr
    assert {row["allocator"] for row in read_rows(out)} == {"lazy", "jemalloc"}
    assert {row["status"] for row in read_rows(out)} == {"ok"}
    assert {row["allocator_path"] for row in read_rows(out)} == {library("jemalloc")}
    recorded = {a["name"]: a["environment"] for a in read_machine(out)["allocators"]}
    assert recorded == {
        "jemalloc": [],
        "lazy": ["MALLOC_CONF=dirty_decay_ms:-1,muzzy_decay_ms:-1"],
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
    words = (*ONE_CELL, "--rounds=1", worker.option)
    done = growbench("run", "--out=out", *words, variables=variables)

    assert done.returncode == EXIT_DONE, done.stderr
    found = environments(worker)
    assert len(found) == 2
    for seen in found:
        passed = {name: seen.get(name) for name in variables}
        assert passed == {**variables, "SECRET_TOKEN": None, "LANG": None}
        assert seen["LC_ALL"] == "C"
        assert "LD_PRELOAD" not in seen
    assert sorted(read_machine(out)["run"]["allocator_environment"]) == [
        "GLIBC_TUNABLES=glibc.malloc.tcache_count=3",
        "MALLOC_ARENA_MAX=2",
        "MIMALLOC_VERBOSE=0",
    ]
    assert "SECRET_TOKEN" not in (out / "machine.json").read_text()


def test_an_allocator_s_own_variable_replaces_the_environment_s(growbench, stand_in, out):
    worker = stand_in(measure=LOG_ENVIRONMENT)
    words = ("--allocators=mine", "--allocator=mine=glibc,MALLOC_CONF=narenas:1,MALLOC_X=,Y_1=z")
    words = (*ONE_CELL, *words, "--rounds=1", worker.option)
    variables = {"MALLOC_CONF": "background_thread:true", "MALLOC_CONF_EXTRA": "kept"}
    done = growbench("run", "--out=out", *words, variables=variables)

    assert done.returncode == EXIT_DONE, done.stderr
    found = environments(worker)
    assert len(found) == 2
    for seen in found:
        assert (seen["MALLOC_CONF"], seen["MALLOC_X"], seen["Y_1"]) == ("narenas:1", "", "z")
        assert seen["MALLOC_CONF_EXTRA"] == "kept"


@real_allocators
def test_a_preloaded_library_of_the_runner_s_is_not_the_workers(growbench, stand_in, out):
    needs("jemalloc", "mimalloc")
    worker = stand_in(measure=LOG_ENVIRONMENT)
    words = (*ONE_CELL, "--allocators=glibc,mimalloc", "--rounds=1", worker.option)
    done = growbench("run", "--out=out", *words, variables={"LD_PRELOAD": library("jemalloc")})

    assert done.returncode == EXIT_DONE, done.stderr
    found = [seen.get("LD_PRELOAD", "") for seen in environments(worker)]
    assert sorted(found) == ["", "", library("mimalloc"), library("mimalloc")]
    paths = {row["allocator"]: row["allocator_path"] for row in read_rows(out)}
    assert paths == {name: library(name) for name in ("glibc", "mimalloc")}


def test_a_locale_with_a_decimal_comma_changes_nothing_in_the_files(
    growbench, stand_in, out, comma_locale
):
    variables = {"LOCPATH": str(comma_locale), "LC_ALL": "xx_XX"}
    shown = subprocess.run(
        ["locale", "decimal_point"],
        env=environment(**variables),
        capture_output=True,
        text=True,
        check=True,
    )
    assert shown.stdout == ",\n", "the locale is not what this test needs"
    # A quadratic cell that the budget has no room for: the runner itself writes its time.
    words = ("--strategies=loop_and_append", "--allocators=glibc", "--rows=10,1000000")
    words = (*words, "--rounds=1", "--seed=1", "--no-summary", stand_in().option)
    done = growbench("run", "--out=out", *words, variables=variables)
    rows = {row["status"]: row for row in read_rows(out)}

    assert done.returncode == EXIT_DONE, done.stderr
    assert set(rows) == {"ok", "skipped_predicted"}
    assert figures_of(rows["ok"]) == FIGURES
    for name in ("predicted_cold_build_release_ns", "predicted_warm_build_release_ns"):
        assert re.fullmatch(r"\d+(\.\d+)?(e\+\d+)?", rows["skipped_predicted"][name])
        assert rows["ok"][name] == ""
    assert isinstance(read_machine(out)["run"]["rounds_s"], float)
    plan = growbench("plan", *words[:4], variables=variables).stdout
    assert re.search(r",\d+\.\d{3},$", plan, flags=re.MULTILINE)


def test_a_cell_that_blows_the_budget_is_a_row_with_a_predicted_time(growbench, stand_in, out):
    words = ("--strategies=loop_and_append", "--allocators=glibc", "--rows=10,1e6", "--rounds=2")
    worker = stand_in()
    done = growbench("run", "--out=out", *words, "--seed=1", "--no-summary", worker.option)
    skipped = [row for row in read_rows(out) if row["status"] == "skipped_predicted"]

    assert done.returncode == EXIT_DONE, "a prediction is no failure"
    assert [row["rows"] for row in skipped] == ["1000000"] * 2
    for row in skipped:
        # From 10 rows in 2004 ns (build and release), by the square of the rows.
        predicted = float(row["predicted_cold_build_release_ns"])
        assert predicted == pytest.approx(2004 * 1e10, rel=1e-6)
        assert figures_of(row) == {}
        assert "--budget" in row["status_detail"]
    assert worker.measured() == 1 + 2
    assert len(read_rows(out)) == 4


def test_a_cell_that_does_not_fit_into_memory_is_a_row_that_says_so(growbench, stand_in, out):
    words = ("--strategies=preallocate_then_fill", "--allocators=glibc", "--rows=10,1e12")
    worker = stand_in()
    words = (*words, "--rounds=1", "--seed=1", "--no-summary", worker.option)
    done = growbench("run", "--out=out", *words)
    rows = {row["rows"]: row for row in read_rows(out)}

    assert done.returncode == EXIT_UNMEASURED, done.stderr
    assert rows["10"]["status"] == "ok"
    assert rows["1000000000000"]["status"] == "skipped_memory"
    assert "a worker may use" in rows["1000000000000"]["status_detail"]
    assert figures_of(rows["1000000000000"]) == {}


@pytest.mark.parametrize("work", ["cheap", "random"])
def test_workers_are_asked_for_exactly_the_cell(growbench, stand_in, work):
    worker = stand_in()
    words = ("--strategies=chunked_list", "--allocators=glibc", "--rows=12", "--row-bytes=24")
    cpu = min(os.sched_getaffinity(0))
    words = (*words, "--threads=2", "--rounds=1", f"--work={work}", f"--cpu={cpu}", "--no-summary")
    assert growbench("run", "--out=out", *words, worker.option).returncode == EXIT_DONE

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
    words = (*ONE_CELL, "--rounds=1", f"--cpu={cpu}", worker.option)
    assert growbench("run", "--out=out", *words).returncode == EXIT_DONE

    assert [row["cpu"] for row in read_rows(out)] == [cpu]
    assert (worker.folder / "cpus").read_text().split(": ")[1] == f"{cpu}\n"


# ---- progress ----


def test_progress_in_a_pipe_is_plain_lines(growbench, stand_in):
    done = growbench("run", "--out=out", *ONE_CELL, "--rounds=20", stand_in().option)
    lines = done.stderr.splitlines()

    assert "\r" not in done.stderr
    assert "\033" not in done.stderr
    assert [line for line in lines if line.startswith("pilot 0% (0/1), ETA ")] != []
    rounds = [line for line in lines if re.match(r"rounds \d+% \(\d+/20\), ETA \d+", line)]
    assert 2 <= len(rounds) <= 11, "about one line for each tenth"
    assert "now realloc_doubling 10 x 80 B glibc" in rounds[0]
    assert lines[-1].startswith("20 of 20 rows in ")


def test_quiet_is_silent_but_for_the_folder_s_name(growbench, stand_in):
    done = growbench("run", "--out=out", *ONE_CELL, "--rounds=2", "--quiet", stand_in().option)

    assert (done.returncode, done.stdout, done.stderr) == (EXIT_DONE, "out\n", "")


def test_warnings_are_shown_even_when_quiet(growbench, stand_in):
    words = (*ONE_CELL, "--rounds=2", "--quiet", stand_in(measure="exit 9").option)
    done = growbench("run", "--out=out", *words)

    assert (done.returncode, done.stdout) == (EXIT_UNMEASURED, "out\n")
    assert done.stderr == (
        "warning: 2 workers failed (the first: measure c realloc_doubling, 10 x 80 B, glibc: "
        "exited: ended with exit status 9); the status columns of runs.csv say how\n"
        "warning: --allocators glibc, --passes measure, --strategies realloc_doubling, --rows 10: "
        "not one row was measured (exited: ended with exit status 9)\n"
    )


def run_on_terminal(growbench, *words: str, **variables: str) -> str:
    """Runs it with standard error on a terminal; returns what the terminal got."""
    terminal, theirs = pty.openpty()
    parts: List[bytes] = []

    def listen() -> None:
        while True:
            try:
                part = os.read(terminal, 4096)
            except OSError:  # the other side is closed
                return
            if not part:
                return
            parts.append(part)

    listener = threading.Thread(target=listen)
    listener.start()
    try:
        done = growbench("run", *words, variables=variables, stderr=theirs)
    finally:
        os.close(theirs)
        listener.join()
        os.close(terminal)
    assert done.returncode in (EXIT_DONE, EXIT_UNMEASURED)
    return b"".join(parts).decode()


BAR = r"\rrounds \[[#.]+\] +\d+% \d+/3 ETA \d+s  realloc_doubling 10 x 80 B glibc"


def test_progress_on_a_terminal_is_a_bar_that_goes_away(growbench, stand_in):
    words = ("--out=out", *ONE_CELL, "--rounds=3", stand_in(measure="sleep 0.15; honest").option)
    text = run_on_terminal(growbench, *words, TERM="xterm")

    assert len(re.findall(BAR, text)) == 3
    assert re.search(
        r"\r\033\[K3 of 3 rows in ", text
    ), "the bar is taken away before the last line"


def test_a_dumb_terminal_gets_plain_lines(growbench, stand_in):
    words = ("--out=out", *ONE_CELL, "--rounds=3", stand_in().option)
    text = run_on_terminal(growbench, *words, TERM="dumb")

    assert "3 of 3 rows in " in text
    assert re.search(r"^rounds 0% \(0/3\)", text, flags=re.MULTILINE)
    assert "\r" not in text.replace("\r\n", "\n")


@pytest.mark.parametrize(("variables", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_warnings_have_a_colour_on_a_terminal_unless_no_color_is_set(
    growbench, stand_in, variables, coloured
):
    words = ("--out=out", *ONE_CELL, "--rounds=1", stand_in(measure="exit 9").option)
    text = run_on_terminal(growbench, *words, TERM="xterm", **variables)

    assert ("\033[33mwarning:\033[0m 1 worker failed" in text) == coloured
    assert "warning:" in text
