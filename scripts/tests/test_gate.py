"""A gate: what it says of planted changes, what it refuses, and what becomes of its baseline."""

import json
import subprocess
import xml.etree.ElementTree as xml
from functools import lru_cache
from pathlib import Path

import pandas as pd
import pytest
from conftest import build_runs, fail, typed, write_runs

from growbench.data.columns import INSTRUCTIONS, MEASURE, TRACE
from growbench.data.errors import LoadError
from growbench.data.exact import EXACT
from growbench.gate import baseline as baselines
from growbench.gate import facts

STRATEGIES, ALLOCATORS, SIZES = (
    ("realloc_doubling", "append_in_place"),
    ("glibc", "mine"),
    (100, 1000),
)
MACHINE = {
    "run": {"arguments": ["--preset", "exact", "--out", "x", "--allocator", "mine=/opt/m.so"]},
    "machine": {"architecture": "x86_64"},
    "system": {"page_bytes": 4096, "libc": "2.36", "isa_level": "x86-64-v4"},
    "build": {"compiler": "GNU 12.2.0", "flags": "-O2"},
    "instructions": {"valgrind": "valgrind-3.19.0"},
    "allocators": [],
}
BASELINE: list[str] = []


def counts(workers: int = 5) -> pd.DataFrame:
    """A row of each pass that counts, several of measure, all with the same figures."""
    return made(workers).copy()


@lru_cache(maxsize=None)
def made(workers: int) -> pd.DataFrame:
    rows = build_runs(STRATEGIES, ALLOCATORS, SIZES, workers, noise=0.0)
    rows["cold_build_minor_fault_count"] = 100.0
    rows["peak_memory_bytes"] = 40960.0
    once = rows[rows["round"] == 1]
    trace = once.assign(**{"pass": TRACE, **{c: 16.0 for e in of(TRACE) for c in e.columns}})
    counted = {c: 50_000.0 for e in of(INSTRUCTIONS) for c in e.columns}
    return typed(
        pd.concat(
            [rows, trace, once.assign(**{"pass": INSTRUCTIONS, **counted})], ignore_index=True
        )
    )


def of(pass_name: str):
    return [exact for exact in EXACT if exact.pass_name == pass_name]


def where(runs: pd.DataFrame, kind: str, **keys) -> pd.Series:
    mask = runs["pass"] == kind
    for name, value in keys.items():
        mask &= runs[name] == value
    return mask


class Bench:
    """Runs in folders, and a gate over them with one baseline."""

    def __init__(self, folder: Path, call) -> None:
        self.folder, self._call = folder, call
        self.baseline = folder / "baseline.txt"

    def run(self, runs: pd.DataFrame, name: str = "run", **machine) -> Path:
        write_runs(runs, self.folder / name / "runs.csv")
        told = {"machine_id": "example-2cpu", "run_id": runs["run_id"].iloc[0], **MACHINE}
        for path, value in machine.items():
            part, _, key = path.partition("__")
            told[part] = {**told[part], key: value} if key else value
        (self.folder / name / "machine.json").write_text(json.dumps(told))
        return self.folder / name

    def __call__(self, *words, run: str = "run"):
        runs = [self.folder / name for name in run.split()]
        return self._call("gate", *runs, "--baseline", self.baseline, *words)


@pytest.fixture
def gate(tmp_path, call_here):
    """With the baseline of counts(), which is made once."""
    bench = Bench(tmp_path, call_here)
    bench.run(counts())
    if not BASELINE:
        done = bench("--update")
        assert done.returncode == 0, done.stderr
        BASELINE.append(bench.baseline.read_text())
    bench.baseline.write_text(BASELINE[0])
    return bench


def test_the_same_counts_are_clear_and_the_file_stays_as_it_is(gate):
    before = gate.baseline.read_bytes()
    done = gate()
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("growbench gate: nothing is worse\n")
    assert gate("--update").stdout.endswith("  nothing changed\n")
    assert gate.baseline.read_bytes() == before


def test_a_baseline_is_a_sorted_line_for_each_cell_with_nothing_of_the_day(gate):
    lines = gate.baseline.read_text().splitlines()
    cells = [line for line in lines if " cheap: " in line]
    assert len(cells) == 8 and lines[-1] == "end"
    assert [line.split()[1:4] for line in cells[:3]] == [
        ["append_in_place", "glibc", "100"],
        ["append_in_place", "glibc", "1000"],
        ["append_in_place", "mine", "100"],
    ]
    assert "cold_build_instructions=50000 " in cells[0] and "page_faults=100 " in cells[0]
    # What is under test has no version, and the command says only what is measured.
    facts_told = [line for line in lines if line.startswith("allocator ")]
    assert facts_told == ["allocator glibc: 1.0 (build-id 0123abcd)"]
    assert "made: growbench run --preset exact --allocator mine=/opt/m.so" in lines
    assert "2025" not in gate.baseline.read_text()


@pytest.mark.parametrize(
    ("kind", "column", "name", "worse"),
    [(e.pass_name, e.columns[0], e.name, e.worse) for e in EXACT if e.name != "madvise_calls"],
)
def test_each_kind_of_count_is_told_where_it_changed(gate, kind, column, name, worse):
    runs = counts()
    mask = where(runs, kind, strategy="realloc_doubling", allocator="mine", rows=1000)
    runs.loc[mask, column] += 4096
    gate.run(runs)
    done = gate("--format", "json")
    said = json.loads(done.stdout)
    told = [row for row in said["tables"]["cells"]["rows"] if row["exact"] == name]
    assert [(r["strategy"], r["allocator"], r["rows"]) for r in told] == [
        ("realloc_doubling", "mine", 1000)
    ]
    changes = said["tables"]["changes"]["rows"]
    assert {row["exact"] for row in changes} <= {name, "page_faults"}
    assert done.returncode == (1 if worse == "more" else 0)


def test_better_is_clear_and_hints_at_an_update_that_says_what_it_did(gate):
    runs = counts()
    runs.loc[where(runs, TRACE, rows=1000), "copied_bytes"] -= 8
    gate.run(runs)
    done = gate()
    assert (
        done.returncode == 0 and "better in 4 families: take it over with --update" in done.stdout
    )
    done = gate("--update")
    assert "  bytes copied: 4 down\n" in done.stdout
    assert gate().stdout.count("\n") == 2


def test_a_ratchet_takes_what_is_better_and_nothing_where_something_is_worse(gate):
    runs, before = counts(), gate.baseline.read_text()
    runs.loc[where(runs, TRACE, rows=1000), "copied_bytes"] -= 8
    worse = runs.copy()
    worse.loc[where(runs, TRACE, rows=100), "leaked_bytes"] += 8
    gate.run(worse)
    assert gate("--ratchet").returncode == 1 and gate.baseline.read_text() == before
    gate.run(runs)
    assert gate("--ratchet").returncode == 0 and "copied=8 " in gate.baseline.read_text()
    gate.run(counts())
    assert gate().returncode == 1


def test_a_ratchet_takes_nothing_that_is_worse_within_a_threshold(gate):
    runs, before = counts(), gate.baseline.read_text()
    runs.loc[where(runs, INSTRUCTIONS), "cold_build_instruction_count"] = 50_100.0
    gate.run(runs)
    assert gate("--ratchet", "--threshold", "all=0.5").returncode == 0
    assert gate.baseline.read_text() == before


def test_a_run_without_the_pass_lacks_counts_and_is_no_other_machine(gate):
    runs = counts()
    runs = runs[runs["pass"] != INSTRUCTIONS].reset_index(drop=True)
    gate.run(runs, instructions={})
    done = gate()
    assert done.returncode == 4 and "counts of the baseline were not measured" in done.stdout
    assert gate("--comparable").returncode == 4


def test_a_threshold_lets_a_count_be_so_much_worse_and_no_more(gate):
    runs = counts()
    runs.loc[where(runs, INSTRUCTIONS), "cold_build_instruction_count"] = 50_500.0
    gate.run(runs)
    assert gate().returncode == 1
    assert gate("--threshold", "cold_build_instructions=0.99").returncode == 1
    assert gate("--threshold", "cold_build_instructions=1").returncode == 0
    assert gate("--threshold", "all=1", "copied=0").returncode == 0
    assert gate("--threshold", "copied=5").returncode == 1


@pytest.mark.parametrize("word", ["copied", "copied=", "copied=-1", "copied=nan", "copyed=1"])
def test_a_threshold_that_is_none_is_refused(gate, word):
    done = gate("--threshold", word)
    assert done.returncode == 2 and word.partition("=")[0] in done.stderr


def test_another_compiler_leaves_the_instructions_out(gate):
    runs = counts()
    runs.loc[where(runs, INSTRUCTIONS), "cold_build_instruction_count"] += 1
    gate.run(runs, build={"compiler": "Clang 14"})
    done = gate()
    assert done.returncode == 3
    assert "not as it was: compiler: GNU 12.2.0, -O2, now Clang 14" in done.stdout
    assert "24 counts depend on that" in done.stdout
    assert gate("--comparable").returncode == 0
    runs.loc[where(runs, TRACE), "copied_bytes"] += 1
    gate.run(runs, build={"compiler": "Clang 14"})
    assert gate("--comparable").returncode == gate().returncode == 1


def test_another_architecture_leaves_what_the_code_alone_decides(gate):
    gate.run(counts(), machine__architecture="aarch64")
    done = gate("--format", "json", "--comparable")
    assert done.returncode == 0
    excluded = {row["exact"] for row in json.loads(done.stdout)["tables"]["not_compared"]["rows"]}
    assert excluded == {e.name for e in EXACT} - set(facts.OF_CODE) - {"madvise_calls"}


def test_another_version_of_a_library_concerns_its_own_cells_only(gate):
    runs = counts()
    runs["allocator_version"] = "2.0"
    gate.run(runs)
    done = gate()
    assert (
        done.returncode == 3 and "allocator glibc: 1.0 (build-id 0123abcd), now 2.0" in done.stdout
    )
    assert "under glibc;" not in done.stdout.replace("under glibc)", "")
    assert gate("--allocator", "mine").returncode == 0
    runs["allocator_version"], runs["allocator_build_id"] = "1.0", "9999"
    gate.run(runs)
    done = gate()
    assert done.returncode == 0 and "glibc is another build of the same version" in done.stdout


def test_runs_that_differ_among_themselves_are_no_side(gate):
    gate.run(counts(), "other", system__libc="2.41")
    done = gate(run="run other")
    assert done.returncode == 3 and "C library: 2.36, now 2.41" in done.stderr


def test_what_was_not_measured_is_incomplete_and_what_is_new_is_named(gate):
    runs = counts()
    gate.run(runs[runs["rows"] == 100].reset_index(drop=True))
    done = gate()
    assert done.returncode == 4 and "counts of the baseline were not measured" in done.stdout
    assert gate("--rows", "100").returncode == 0
    more = runs.assign(strategy=runs["strategy"].replace("append_in_place", "chunked_list"))
    gate.run(pd.concat([runs, more[more["strategy"] == "chunked_list"]], ignore_index=True))
    done = gate()
    assert done.returncode == 0
    assert (
        "4 cells are not in the baseline: chunked_list on glibc, chunked_list on mine"
        in done.stdout
    )


def test_a_worker_that_fails_now_is_worse(gate):
    runs = counts()
    gate.run(fail(runs, where(runs, TRACE, allocator="mine", rows=100), "crashed", "signal 11"))
    done = gate()
    assert done.returncode == 1
    assert (
        "their workers failed: realloc_doubling on mine, 100 rows: crashed, signal 11"
        in done.stdout
    )
    runs.loc[where(runs, INSTRUCTIONS), "status"] = "uncounted"
    gate.run(runs)
    assert gate().returncode == 4


def test_what_varies_is_a_range_of_enough_workers_only(gate):
    runs = counts()
    runs.loc[runs["round"] == 1, "cold_build_minor_fault_count"] = 103.0
    gate.run(runs)
    assert gate("--update").returncode == 0
    assert "page_faults=100..103 " in gate.baseline.read_text()
    runs = counts()
    runs["cold_build_minor_fault_count"] = 106.0
    gate.run(runs)
    done = gate()
    assert done.returncode == 0 and "8 counts that vary are outside of their range" in done.stdout
    runs["cold_build_minor_fault_count"] = 107.0
    gate.run(runs)
    assert gate().returncode == 1
    gate.baseline.unlink()
    gate.run(counts(workers=4))
    done = gate("--update")
    assert "left out, for want of workers" in done.stdout
    assert "page_faults" not in gate.baseline.read_text()


def test_several_runs_make_ranges_and_an_update_keeps_what_was_not_measured(gate):
    gate.baseline.unlink()
    for number in range(2):
        runs = counts(workers=3)
        runs["cold_build_minor_fault_count"] = 100.0 + number
        runs["run_id"] = f"run-{number}"
        gate.run(runs, f"run{number}")
    assert gate("--update", run="run0 run1").returncode == 0
    assert gate.baseline.read_text().count("page_faults=100..101 ") == 8
    some = counts()
    gate.run(some[some["rows"] == 100].reset_index(drop=True))
    done = gate("--update")
    assert "4 cells were not measured and are kept" in done.stdout
    # 100 is in what they were: nothing is known to have changed.
    assert gate.baseline.read_text().count("page_faults=100..101 ") == 8


@pytest.mark.parametrize("words", [("--update",), ("--ratchet",)])
def test_of_cells_that_were_not_chosen_an_update_says_nothing(gate, words):
    before = gate.baseline.read_text()
    done = gate("--rows", "100", *words)
    assert done.returncode == 0 and "kept" not in done.stdout
    assert "nothing changed" in done.stdout and gate.baseline.read_text() == before


def test_an_update_on_another_compiler_drops_what_depends_on_it(gate):
    some = counts()
    gate.run(some[some["rows"] == 100].reset_index(drop=True), build__compiler="GNU 14.2.0")
    done = gate("--update")
    assert "compiler is GNU 14.2.0, -O2, was GNU 12.2.0, -O2" in done.stdout
    assert "12 counts are gone" in done.stdout
    assert gate.baseline.read_text().count("cold_build_instructions") == 4


# ---- the file ----


def test_what_is_written_is_read_back(gate):
    first = baselines.read(gate.baseline)
    assert baselines.text_of(first) == gate.baseline.read_text()
    odd = first.figures.replace({"allocator": {"mine": "a b:c=1%"}})
    text = baselines.text_of(first._replace(figures=odd))
    gate.baseline.write_text(text)
    again = baselines.read(gate.baseline)
    assert (
        set(again.figures["allocator"]) == {"glibc", "a b:c=1%"}
        and baselines.text_of(again) == text
    )


def test_a_file_with_other_line_ends_and_none_between_cells_is_read(gate):
    text = gate.baseline.read_text()
    gate.baseline.write_bytes(text.replace("\n\n", "\n").replace("\n", "\r\n").encode())
    assert baselines.text_of(baselines.read(gate.baseline)) == text
    assert gate().returncode == 0


CELL = "c realloc_doubling glibc 100 80 1 cheap: copied=16"
FAULTS = {
    "conflict": (lambda t: t.replace("\n\nc ", "\n<<<<<<< HEAD\nc ", 1), "a conflict of a merge"),
    "middle": (lambda t: t.replace("\n\nc ", "\n=======\nc ", 1), "a conflict of a merge"),
    "schema": (lambda t: t.replace("baseline 1", "baseline 2", 1), "version '2'"),
    "no baseline": (lambda t: "a,b\n" + t, "is no baseline"),
    "empty": (lambda t: "", "is no baseline"),
    "cut": (lambda t: t[: len(t) // 2].rpartition("\n")[0], "the file was cut off"),
    "cut in a line": (lambda t: t[: t.rindex("=") - 3], "neither NAME=NUMBER"),
    "behind the end": (lambda t: t + CELL, "something stands behind"),
    "cell twice": (lambda t: t.replace("\nend", f"\n{CELL}\nend"), "stands on line"),
    "fact twice": (
        lambda t: t.replace("made:", "C library: 2.37\nmade:"),
        "C library stands there",
    ),
    "no fact": (lambda t: t.replace("made:", "colour: red\nmade:"), "neither a fact nor"),
    "no number": (lambda t: t.replace("copied=16", "copied=sixteen", 1), "'copied=sixteen'"),
    "float": (lambda t: t.replace("copied=16", "copied=1.5e3", 1), "neither NAME=NUMBER"),
    "range": (lambda t: t.replace("copied=16", "copied=16..12", 1), "does not go upwards"),
    "count": (lambda t: t.replace("copied=16", "copid=16", 1), "no count that is known"),
    "count twice": (lambda t: t.replace("copied=16", "copied=16 copied=17", 1), "a count stands"),
    "words": (lambda t: t.replace(" 80 1 cheap:", " 80 cheap:", 1), "6 words before ':'"),
    "rows": (lambda t: t.replace(" 100 80 ", " many 80 ", 1), "no whole number"),
    "no counts": (lambda t: t.replace(CELL[:39] + ": ", CELL[:39] + ":\n#", 1), "no count stands"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_damaged_file_is_one_message_with_its_line_and_stays(gate, name):
    spoil, message = FAULTS[name]
    text = spoil(gate.baseline.read_text())
    gate.baseline.write_text(text)
    for words in ((), ("--update",)):
        done = gate(*words)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith(f"error: {gate.baseline}, line ") and message in done.stderr
        assert done.stderr.count("\n") == 1
    assert gate.baseline.read_text() == text


def test_the_line_is_the_right_one(gate):
    lines = gate.baseline.read_text().splitlines(keepends=True)
    number = next(n for n, line in enumerate(lines) if " 1000 " in line)
    lines[number] = lines[number].replace("copied=", "copied:")
    gate.baseline.write_text("".join(lines))
    with pytest.raises(LoadError) as error:
        baselines.read(gate.baseline)
    assert error.value.line == number + 1


def test_a_baseline_that_is_not_there_or_no_text_is_refused(gate, tmp_path):
    gate.baseline.write_bytes(b"growbench-baseline 1\n\xff\xfe\n")
    assert "line 2: is not UTF-8" in gate().stderr
    gate.baseline.unlink()
    done = gate()
    assert done.returncode == 2 and "make it with --update" in done.stderr
    gate.baseline.mkdir()
    assert gate().returncode == 2


def test_an_update_without_counts_writes_nothing(gate, tmp_path):
    gate.baseline.unlink()
    gate.run(counts(workers=1)[lambda rows: rows["pass"] == MEASURE].reset_index(drop=True))
    done = gate("--update")
    assert done.returncode == 2 and "--preset exact" in done.stderr
    assert not gate.baseline.exists()


def test_changes_of_any_two_cells_in_two_branches_merge(gate, tmp_path):
    base = gate.baseline.read_text()
    cells = [n for n, line in enumerate(base.splitlines()) if " cheap: " in line]
    sides = []
    for number, value in zip(cells[2:4], (17, 18)):
        lines = base.splitlines()
        lines[number] = lines[number].replace("copied=16", f"copied={value}")
        sides.append("\n".join(lines) + "\n")
    for name, text in zip(("ours", "base", "theirs"), (sides[0], base, sides[1])):
        (tmp_path / name).write_text(text)
    words = ["git", "merge-file", "-p", "ours", "base", "theirs"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert "copied=17" in done.stdout and "copied=18" in done.stdout
    gate.baseline.write_text(done.stdout)
    assert baselines.text_of(baselines.read(gate.baseline)) == done.stdout


# ---- what is shown ----


def test_an_unreadable_run_is_one_message(gate):
    done = gate(run="nowhere")
    assert done.returncode == 2 and "nowhere: no such file" in done.stderr


def test_names_of_a_run_do_not_command_the_terminal(gate, tmp_path):
    evil = "\033[31m\u009b2Jred"
    runs = counts().replace({"allocator": {"mine": evil}})
    gate.run(runs)
    out = [tmp_path / "a.md", tmp_path / "a.xml"]
    for words in ((), ("--update",), ("--output", *out)):
        done = gate(*words)
        assert "\033" not in done.stdout + done.stderr and "\u009b" not in done.stdout + done.stderr
    assert not any("\033" in path.read_text() for path in (*out, gate.baseline))


def test_a_pull_request_gets_a_short_comment(gate, tmp_path):
    runs = counts()
    runs.loc[where(runs, TRACE, strategy="realloc_doubling"), "copied_bytes"] += 4
    gate.run(runs)
    out = [tmp_path / "comment.md", tmp_path / "junit.xml", tmp_path / "all.json"]
    done = gate("--output", *out)
    assert done.returncode == 1 and done.stdout.startswith(
        "growbench gate: worse in 2 of 4 families"
    )
    text = out[0].read_text()
    assert text.startswith("## growbench gate: worse in 2 of 4 families\n")
    assert (
        "| worse | realloc_doubling | mine | bytes copied | +25.0% to +25.0% | at all sizes |"
        in text
    )
    assert len(text.splitlines()) < 20
    assert json.loads(out[2].read_text())["exit_status"] == 1


def test_a_small_change_is_not_shown_as_none(gate, tmp_path):
    runs = counts()
    runs.loc[
        where(runs, INSTRUCTIONS, strategy="realloc_doubling"), "cold_build_instruction_count"
    ] += 5
    gate.run(runs)
    out = [tmp_path / "comment.md", tmp_path / "junit.xml"]
    assert gate("--output", *out).returncode == 1
    assert "| +0.01% to +0.01% |" in out[0].read_text()
    assert "50,000, now 50,005 (+0.01%), at 100 rows" in out[1].read_text()


def junit(path: Path) -> tuple[dict, dict[str, str]]:
    """The suite's attributes and what each case came to, as CI servers read it."""
    suite = xml.parse(path).getroot().find("testsuite")
    assert suite is not None
    cases = suite.findall("testcase")
    kinds = {f"{c.get('classname')} {c.get('name')}": c[0].tag if len(c) else "" for c in cases}
    assert len(kinds) == len(cases) == int(suite.get("tests", ""))
    for kind, attribute in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
        assert list(kinds.values()).count(kind) == int(suite.get(attribute, ""))
    return dict(suite.attrib), kinds


def test_junit_has_a_case_for_each_family(gate, tmp_path):
    runs = counts()
    runs.loc[where(runs, TRACE, strategy="realloc_doubling", allocator="mine"), "copied_bytes"] += 4
    runs = runs[~where(runs, TRACE, strategy="append_in_place", allocator="mine")]
    gate.run(
        fail(runs, where(runs, TRACE, strategy="append_in_place"), "crashed", "a\x1b]<&\ufffe")
    )
    out = tmp_path / "junit.xml"
    assert gate("--output", out).returncode == 1
    assert junit(out)[1] == {
        "growbench.gate.glibc c append_in_place": "failure",
        "growbench.gate.glibc c realloc_doubling": "",
        "growbench.gate.mine c append_in_place": "error",
        "growbench.gate.mine c realloc_doubling": "failure",
    }
    text = out.read_text()
    assert "bytes copied: 16, now 20 (+25.0%), at 100 rows of 80 bytes" in text


def test_junit_is_what_an_independent_parser_reads(gate, tmp_path):
    junitparser = pytest.importorskip("junitparser")
    runs = counts()
    runs.loc[where(runs, TRACE, allocator="mine"), "copied_bytes"] += 4
    gate.run(runs, build__compiler="Clang 14")
    out = tmp_path / "junit.xml"
    assert gate("--output", out).returncode == 1
    [suite] = junitparser.JUnitXml.fromfile(str(out))
    assert (suite.tests, suite.failures, suite.skipped) == (4, 2, 2)
    assert sorted(case.name for case in suite) == 2 * ["c append_in_place"] + 2 * [
        "c realloc_doubling"
    ]


def test_a_gate_that_does_not_finish_its_baseline_leaves_the_old_one(gate, monkeypatch):
    before = gate.baseline.read_bytes()
    runs = counts()
    runs.loc[where(runs, TRACE), "copied_bytes"] += 4
    gate.run(runs)

    def broken(*_):
        raise OSError(28, "No space left on device", str(gate.baseline))

    monkeypatch.setattr("growbench.data.files.os.replace", broken)
    done = gate("--update")
    assert done.returncode == 2 and "No space left" in done.stderr
    assert gate.baseline.read_bytes() == before
    assert [p.name for p in gate.folder.iterdir() if p.suffix == ".tmp"] == []
