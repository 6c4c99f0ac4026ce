"""What other people's tools make of a run."""

import io
import json
import re
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote

import numpy as np
import pandas as pd
import pytest
from conftest import PACKAGE, SCRIPTS, build_runs, fail, one_cell, write_runs

from growbench.exports import all_exporters
from growbench.exports.exporting import (
    CannotExport,
    Export,
    chosen_metrics,
    columns_for,
    measured,
    name_part,
    plain_text,
)
from growbench.data.load import read_runs
from growbench.data.metrics import METRICS, metric

ODD_NAME = "a b/c=d:e\"f'g\\h%\u00e4\u2028|`{}<script>"
MACHINE = {
    "machine_id": "example-2cpu",
    "run": {"started_utc": "2025-01-01T12:00:00Z"},
    "machine": {
        "architecture": "x86_64",
        "cpus": 2,
        "cpu_model": "Example \u00e4 9000\ngoos: plan9",
        "cpu_max_khz": 3500000,
        "caches": [
            {"level": 1, "type": "data", "bytes": 32768, "line_bytes": 64, "shared_by_cpus": 1}
        ],
    },
    "system": {"governor": "powersave", "kernel": "6.1", "libc": "2.36"},
    "build": {"compiler": "GNU 12.2.0", "benchmark_library_debug": True},
    "state_at_start": {"load": "1.87 0.82 1.00 1/78 11393"},
}


def exported(name: str, runs: pd.DataFrame, machine=None, metrics=None) -> str:
    stream = io.StringIO()
    export = Export(measured(runs), chosen_metrics(metrics), machine)
    all_exporters()[name].write(export, stream)
    return stream.getvalue()


def google(runs: pd.DataFrame, machine=None, metrics=None) -> dict:
    return json.loads(exported("google-benchmark", runs, machine, metrics))


def repetitions(exported_json: dict, suffix: str = "") -> list[dict]:
    made = [e for e in exported_json["benchmarks"] if e["run_type"] == "iteration"]
    return [e for e in made if e["name"].endswith(suffix)]


def small_run(**arguments) -> pd.DataFrame:
    return build_runs(
        ["chunked_list", "realloc_doubling"], ["glibc", "jemalloc"], [10, 1000], **arguments
    )


@pytest.fixture(params=sorted(all_exporters()))
def exporter(request):
    return all_exporters()[request.param]


def test_every_exporter_has_a_file_a_name_and_a_help():
    files = [path.stem for path in (SCRIPTS / "growbench" / "exports").glob("[!_]*.py")]
    names = [name.replace("-", "_") for name in all_exporters()]
    assert sorted([*names, "exporting"]) == sorted(files)
    readme = (SCRIPTS / "README.md").read_text(encoding="utf-8")
    for exporter in all_exporters().values():
        assert exporter.help and f"`{exporter.name}`" in readme


def test_the_columns_that_an_exporter_names_are_enough_for_it(exporter, tmp_path):
    runs = small_run(rounds=2)
    metrics = chosen_metrics(None)
    part = read_runs(
        write_runs(runs, tmp_path / "runs.csv"), columns=columns_for(exporter, metrics)
    )
    stream = io.StringIO()
    exporter.write(Export(measured(part), metrics, MACHINE), stream)
    assert stream.getvalue() == exported(exporter.name, runs, MACHINE)


def test_the_order_of_the_rows_changes_nothing(exporter):
    runs = small_run(rounds=3)
    shuffled = runs.sample(frac=1, random_state=1).reset_index(drop=True)
    assert exported(exporter.name, shuffled) == exported(exporter.name, runs)


def test_only_workers_of_the_measure_pass_that_are_ok_are_written(exporter):
    runs = small_run(rounds=3)
    bad = fail(runs, runs["allocator"] == "jemalloc", "crashed")
    bad.loc[bad["strategy"] == "chunked_list", "pass"] = "trace"
    kept = (runs["allocator"] == "glibc") & (runs["strategy"] == "realloc_doubling")
    assert exported(exporter.name, bad) == exported(exporter.name, runs[kept])


def test_what_is_written_is_ascii_and_has_no_missing_numbers(exporter):
    runs = small_run(rounds=3)
    runs["strategy"] = ODD_NAME + runs["strategy"]
    runs.loc[::2, ["peak_memory_bytes", "cold_user_ns", "warm_value_count"]] = np.nan
    runs.loc[::3, "warm_build_release_median_ns"] = np.nan
    text = exported(exporter.name, runs, MACHINE)
    assert text.isascii() and "NaN" not in text and "nan" not in text


@pytest.mark.parametrize("text", [ODD_NAME, "", " ", "/", "%2F", "\n", "a-1", "realloc_x1.5"])
def test_a_name_keeps_its_identity_and_loses_what_tools_could_misread(text):
    assert unquote(name_part(text)) == text
    assert re.fullmatch(r"[A-Za-z0-9_.~+%-]*", name_part(text))


def test_text_for_a_heading_is_one_line():
    assert plain_text("a\nb:\t\u00e4\x1b[31m") == "a b: \\xe4 [31m"


# Google Benchmark


def test_a_worker_is_a_repetition_with_its_figures():
    runs = one_cell(3, cold_build_ns=[100, 200, 300], cold_release_ns=[1, 2, 3])
    cold = repetitions(google(runs), "/cold_build_release")
    assert [e["real_time"] for e in cold] == [101.0, 202.0, 303.0]
    assert [e["repetition_index"] for e in cold] == [0, 1, 2]
    spent = runs["cold_user_ns"] + runs["cold_system_ns"]
    assert [e["cpu_time"] for e in cold] == spent.tolist()
    for made in cold:
        name = "c/realloc_doubling/glibc/rows:10000/row_bytes:80/threads:1/cold_build_release"
        assert made["name"] == made["run_name"] == name
        assert (made["repetitions"], made["threads"], made["iterations"]) == (3, 1, 1)
        assert made["time_unit"] == "ns"
        assert made["peak_memory_bytes"] == runs["peak_memory_bytes"].iloc[0]
    warm = repetitions(google(runs), "/warm_build_release")
    assert [e["real_time"] for e in warm] == runs["warm_build_release_median_ns"].tolist()
    assert warm[0]["iterations"] == 5 * runs["warm_iteration_count"].iloc[0]
    assert warm[0]["cpu_time"] == warm[0]["real_time"]
    assert "peak_memory_bytes" not in warm[0]


def test_the_median_is_an_aggregate_unless_there_is_but_one():
    runs = one_cell(3, cold_build_ns=[100, 200, 900], cold_release_ns=[0, 0, 0])
    made = [e for e in google(runs)["benchmarks"] if e["run_type"] == "aggregate"]
    assert [e["name"] == e["run_name"] + "_median" for e in made] == [True, True]
    assert made[0]["real_time"] == 200.0 and made[0]["aggregate_name"] == "median"
    assert not [e for e in google(one_cell(1))["benchmarks"] if e["run_type"] == "aggregate"]


def test_families_and_instances_number_all_benchmarks_once():
    made = google(small_run(rounds=2))["benchmarks"]
    numbers = {(e["family_index"], e["per_family_instance_index"], e["run_name"]) for e in made}
    assert len(numbers) == len({e["run_name"] for e in made}) == 16
    assert len({(family, instance) for family, instance, _ in numbers}) == 16
    assert {family for family, _, _ in numbers} == {0, 1, 2, 3}


def test_another_kind_of_work_is_another_benchmark():
    runs = one_cell(2)
    both = pd.concat([runs, runs.assign(work="random")], ignore_index=True)
    names = {e["run_name"] for e in google(both)["benchmarks"]}
    assert len(names) == 4 and sum("/work:random/" in name for name in names) == 2


def test_the_context_says_what_is_known_and_nothing_else():
    context = google(one_cell(), MACHINE)["context"]
    assert context["date"] == "2025-01-01T12:00:00Z"
    assert (context["num_cpus"], context["mhz_per_cpu"]) == (2, 3500)
    assert context["cpu_scaling_enabled"] is True and context["library_build_type"] == "debug"
    assert context["caches"] == [{"type": "Data", "level": 1, "size": 32768, "num_sharing": 1}]
    assert context["load_avg"] == [1.87, 0.82, 1.0]
    bare = google(one_cell())["context"]
    assert sorted(bare) == ["caches", "date", "executable", "host_name", "run_id"]


@pytest.mark.parametrize("wrong", [None, 1, "x", [], [1], {}, {"cpus": "two", "caches": [7]}, True])
def test_a_description_of_another_shape_is_taken_for_unknown(exporter, wrong):
    machine = {key: wrong for key in MACHINE}
    assert exported(exporter.name, one_cell(), machine)


def test_google_benchmark_has_no_place_for_memory_alone():
    with pytest.raises(CannotExport, match="time"):
        google(one_cell(), metrics=["peak_memory"])


def compare_py() -> Path:
    """Google Benchmark's compare.py, from Debian's package."""
    listed = subprocess.run(["dpkg", "-L", "libbenchmark-tools"], capture_output=True, text=True)
    if listed.returncode != 0:
        pytest.skip("the package libbenchmark-tools is not installed")
    return Path(next(line for line in listed.stdout.split("\n") if line.endswith("/compare.py")))


def compared(*arguments: object) -> list[list[str]]:
    """The words of each line that compare.py prints."""
    command = [sys.executable, compare_py(), "--no-color", *arguments]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    return [line.split() for line in done.stdout.split("\n")]


def test_compare_py_finds_the_ratio_and_does_its_test(tmp_path):
    runs = small_run(noise=0.02)
    runs["strategy"] = runs["strategy"].replace("chunked_list", ODD_NAME)
    times = ["cold_build_ns", "cold_release_ns", "cold_user_ns", "cold_system_ns"]
    times.append("warm_build_release_median_ns")
    doubled = runs.copy()
    doubled[times] *= 2
    for name, table in (("a", runs), ("b", doubled)):
        (tmp_path / name).write_text(exported("google-benchmark", table, MACHINE))
    lines = compared("benchmarks", tmp_path / "a", tmp_path / "b")
    figures = [words for words in lines if len(words) == 7 and re.match(r"[+-]\d", words[1])]
    # 8 cells, cold and warm, 10 repetitions and the median; and the geometric mean of all.
    assert len(figures) == 8 * 2 * 11 + 1
    assert {(words[1], words[2]) for words in figures} == {("+1.0000", "+1.0000")}
    tests = [words for words in lines if words and words[0].endswith("_pvalue")]
    assert len(tests) == 16
    for words in tests:
        assert float(words[1]) < 0.05 and " ".join(words[3:]) == "U Test, Repetitions: 10 vs 10"
    names = {words[0] for words in figures}
    assert (
        f"c/{name_part(ODD_NAME)}/glibc/rows:10/row_bytes:80/threads:1/cold_build_release" in names
    )


def test_compare_py_compares_two_allocators_of_one_file(tmp_path):
    runs = small_run(noise=0.0)
    path = tmp_path / "a.json"
    path.write_text(exported("google-benchmark", runs))
    lines = compared("filters", path, "/glibc/.*/cold", "/jemalloc/.*/cold")
    figures = [words for words in lines if len(words) > 6 and words[-6][:1] in "+-"]
    total = runs["cold_build_ns"] + runs["cold_release_ns"]
    cells = runs.assign(total=total).groupby(["allocator", "strategy", "rows"])["total"].first()
    expected = cells["jemalloc"] / cells["glibc"] - 1.0
    shown = sorted({float(words[-6]) for words in figures[:-1]})
    assert np.allclose(shown, sorted(set(expected.round(4))), atol=2e-4)


# Go


class GoLine(NamedTuple):
    name: str
    keys: dict[str, str]
    threads: int
    iterations: int
    values: dict[str, float]


def parse_go(text: str) -> tuple[dict[str, str], list[GoLine]]:
    """Read as the format's specification says, strictly: all other lines are # or empty."""
    configuration: dict[str, str] = {}
    lines = []
    for line in text.split("\n"):
        if re.match(r"Benchmark[A-Z]", line):
            fields = line.split()
            assert len(fields) >= 4 and len(fields) % 2 == 0
            named = re.fullmatch(r"Benchmark(.*)-(\d+)", fields[0])
            assert named is not None
            name, threads = named.groups()
            base, *parts = name.split("/")
            keys = dict(part.split("=") for part in parts)
            assert len(keys) == len(parts)
            pairs = zip(fields[3::2], fields[2::2])
            values = {unit: float(value) for unit, value in pairs}
            assert len(values) == len(fields) // 2 - 1
            lines.append(GoLine(base, keys, int(threads), int(fields[1]), values))
        elif re.match(r"[^\sA-Z:#][^\sA-Z:]*:( |$)", line):
            assert not lines, "configuration after a result"
            key, value = line.split(":", 1)
            assert key not in configuration
            configuration[key] = value.strip()
        else:
            assert line == "" or line.startswith("#"), line
    return configuration, lines


def test_go_has_a_line_for_each_worker_with_its_figures():
    runs = one_cell(3, cold_build_ns=[100, 200, 300], cold_release_ns=[1, 2, 3])
    configuration, lines = parse_go(exported("go", runs, MACHINE))
    assert configuration["goos"] == "linux" and configuration["goarch"] == "amd64"
    assert configuration["cpu"] == "Example \\xe4 9000 goos: plan9"
    assert [line.name for line in lines] == ["ColdBuildRelease"] * 3 + ["WarmBuildRelease"] * 3
    assert [line.values["ns/op"] for line in lines[:3]] == [101.0, 202.0, 303.0]
    assert lines[0].keys == {
        "implementation": "c",
        "strategy": "realloc_doubling",
        "allocator": "glibc",
        "rows": "10000",
        "row_bytes": "80",
    }
    assert (lines[0].threads, lines[0].iterations) == (1, 1)
    assert lines[0].values["peak-memory-B/op"] == runs["peak_memory_bytes"].iloc[0]
    faults = runs["cold_build_minor_fault_count"].iloc[0]
    assert lines[0].values["cold-build-minor-faults/op"] == faults
    assert list(lines[3].values) == ["ns/op"]
    assert lines[3].values["ns/op"] == runs["warm_build_release_median_ns"].iloc[0]
    assert lines[3].iterations == 5 * runs["warm_iteration_count"].iloc[0]


def test_go_names_hold_together_whatever_the_data_is_called():
    runs = small_run(rounds=1).assign(work="random")
    runs["strategy"] = ODD_NAME + "-7"
    runs = runs.drop_duplicates(["strategy", "allocator", "rows"])
    _, lines = parse_go(exported("go", runs.assign(threads=4)))
    assert {unquote(line.keys["strategy"]) for line in lines} == {ODD_NAME + "-7"}
    assert {line.keys["work"] for line in lines} == {"random"}
    assert {line.threads for line in lines} == {4}


def test_two_runs_of_one_machine_have_one_configuration():
    first = parse_go(exported("go", one_cell(), MACHINE))[0]
    later = one_cell().assign(run_id="example-2cpu-20260101T120000Z")
    changed = {**MACHINE, "build": {"compiler": "another"}, "system": {"kernel": "7.0"}}
    assert parse_go(exported("go", later, changed))[0] == first


def test_go_has_lines_of_their_own_for_what_is_asked_for_alone():
    runs = one_cell(2)
    _, lines = parse_go(exported("go", runs, metrics=["peak_memory", "warm_build_release"]))
    assert {(line.name, *line.values) for line in lines} == {
        ("PeakMemory", "peak-memory-B/op"),
        ("WarmBuildRelease", "ns/op"),
    }
    runs.loc[0, "peak_memory_bytes"] = np.nan
    _, lines = parse_go(exported("go", runs, metrics=["peak_memory"]))
    assert len(lines) == 1


def test_every_metric_can_be_exported_by_its_name(exporter):
    for row in METRICS:
        if row.unit == "ns":
            assert exported(exporter.name, one_cell(2), metrics=[row.name])
    assert metric("peak_memory") in chosen_metrics(None)


# The command


@pytest.fixture
def call(call_here):
    """Runs export.py."""
    return partial(call_here, "export")


def refused(done, *parts: str) -> None:
    assert (done.returncode, done.stdout) == (2, "")
    last = done.stderr.rstrip("\n").split("\n")[-1]
    assert last.startswith("error: ")
    for part in parts:
        assert part in last


@pytest.fixture
def folder(run_folder) -> Path:
    folder = run_folder(small_run(rounds=2))
    (folder / "machine.json").write_text(json.dumps(MACHINE))
    return folder


def test_the_command_writes_to_stdout_or_a_file(call, folder, tmp_path, exporter):
    shown = call(folder, "--to", exporter.name)
    assert (shown.returncode, shown.stderr) == (0, "")
    path = tmp_path / "made"
    done = call(folder / "runs.csv", "--to", exporter.name, "--output", path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{path}: 16 workers of 8 cells\n"
    assert path.read_text() == shown.stdout


def test_the_command_takes_cells_and_metrics(call, folder):
    chosen = ["--rows", "1000", "--allocator", "glibc", "--metric", "cold_build"]
    _, lines = parse_go(call(folder, "--to", "go", *chosen).stdout)
    assert {(line.name, line.keys["rows"], line.keys["allocator"]) for line in lines} == {
        ("ColdBuild", "1000", "glibc")
    }
    assert len(lines) == 4


def test_without_a_description_there_is_a_warning_and_the_export(call, folder):
    (folder / "machine.json").unlink()
    done = call(folder, "--to", "go")
    assert done.returncode == 0 and "machine.json" in done.stderr
    assert done.stderr.startswith("warning: ") and "Benchmark" in done.stdout


def test_wrong_usage_says_what_would_do(call, folder, tmp_path):
    refused(call("--to", "go"), "no run in results/")
    refused(call(folder), "--to")
    refused(call(folder, "--to", "gnu"), "google-benchmark")
    refused(call(folder, "--to", "go", "--rows", "7"), "10, 1000")
    refused(call(folder, "--to", "go", "--rows", "many"), "--rows")
    refused(call(folder, "--to", "go", "--metric", "speed"), "peak_memory")
    refused(call(folder, "--to", "google-benchmark", "--metric", "peak_memory"), "time")
    refused(call(folder, "--to", "go", "--output", ""), "--output")
    refused(call(folder, "--to", "go", "--output", tmp_path / "no" / "file"), "no")
    refused(call(tmp_path / "nowhere", "--to", "go"), "nowhere")
    write_runs(fail(one_cell(), one_cell()["rows"] > 0, "crashed"), tmp_path / "bad" / "runs.csv")
    refused(call(tmp_path / "bad", "--to", "go"), "measured")
    assert sorted(path.name for path in folder.iterdir()) == ["machine.json", "runs.csv"]


def test_a_reader_that_goes_away_is_no_error(folder, python):
    command = f"'{python}' '{PACKAGE}' export '{folder}' --to go | head -n 1"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("goos: linux\n", "")


def test_the_list_names_every_format(call):
    done = call("--list")
    assert [line.split()[0] for line in done.stdout.splitlines()] == list(all_exporters())
