"""What the commands print, as golden files, and what they promise about it."""

import os
import re
import subprocess
from pathlib import Path

import pytest
from conftest import (
    COMPILED,
    EXIT_DONE,
    EXIT_FAILED,
    EXIT_USAGE,
    EXIT_WORKERS,
    ON_REQUEST,
    REPOSITORY,
    SANITIZED,
    STRATEGIES,
    WORKER,
    environment,
)

GOLDEN = Path(__file__).parent / "golden"
COMMANDS = ("run", "list", "plan", "doctor", "peak", "record")


def compare(name: str, text: str) -> None:
    """Is the text that of golden/NAME.txt? With UPDATE_GOLDEN=1 it becomes that."""
    golden = GOLDEN / f"{name}.txt"
    if os.environ.get("UPDATE_GOLDEN") == "1":
        golden.write_text(text)
    known = golden.read_text() if golden.exists() else ""
    assert text == known, (
        f"the output is not that of {golden.name}; if it is right, "
        "UPDATE_GOLDEN=1 in the environment of this test writes the file anew"
    )


def same_everywhere(text: str) -> str:
    """The text without what depends on the machine."""
    for pattern, replacement in (
        # list: strategies come from the folder's listing, and are compared with it elsewhere
        (r"(?s)(Strategies:\n).*?(\nCopying patterns:)", r"\1  <strategies>\n\2"),
        (r"(?s)(Copying patterns:\n).*?(\nAllocators:)", r"\1  <patterns>\n\2"),
        # list: the rest of an allocator's line
        (
            r"^(  (?:glibc|jemalloc|mimalloc|tcmalloc|tbbmalloc|scudo) +)/.*$",
            r"\1<library, or why not>",
        ),
        (
            r"^(  (?:jemalloc|mimalloc|tcmalloc|tbbmalloc|scudo) +)\S+ is not .*$",
            r"\1<library, or why not>",
        ),
        # plan: what the model expects
        (r",\d+\.\d{3},", ",<ms>,"),
        (r"about \S+, by a model", "about <time>, by a model"),
        # doctor
        (
            r"^  \S+: \d+ cores?, \d+ CPUs? \(\d+ allowed\), \d+ MiB",
            "  <machine>: <n> cores, <n> CPUs (<n> allowed), <n> MiB",
        ),
        (r"^  L\d. cache: .*\n", ""),
        (r"on CPU \d+; a worker may use \d+ MB", "on CPU <n>; a worker may use <n> MB"),
        (r"(?m)^(  its core has CPUs) .*$", r"\1 <and what else is known of it>"),
        (
            r"(?m)^(  glibc: level) .*$",
            r"\1 <of the architecture, and where memcpy changes its way>",
        ),
        (r"(?m)^(  \S.{51}) (?:works|not here: .*)$", r"\1 <works, or why not>"),
        (r" +its instructions cannot be counted: .*\n", ""),
        (r"(?s)(noisy:\n).*", r"\1  <warnings>\n"),
        (r"build-id 0123abcd, /\S+", "build-id 0123abcd, <library>"),
    ):
        text = re.sub(pattern, replacement, text, flags=re.MULTILINE)
    return text


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("help", ["--help"]),
        ("version", ["--version"]),
        ("list", ["list"]),
        ("list-columns", ["list", "--columns"]),
        *((f"{command}-help", [command, "--help"]) for command in COMMANDS),
    ],
)
def test_what_needs_no_machine_prints_the_golden_text(growbench, name, words):
    done = growbench(*words)

    assert (done.returncode, done.stderr) == (EXIT_DONE, "")
    compare(name, same_everywhere(done.stdout))


def test_the_plan_prints_the_golden_order_and_sums(growbench):
    done = growbench(
        "plan",
        "--strategies=realloc_doubling,chunked_list",
        "--allocators=glibc,twin,gone",
        "--allocator=twin=glibc",
        "--allocator=gone=/no/such/lib.so",
        "--rows=10,1k",
        "--rounds=2",
        "--seed=1",
    )

    assert done.returncode == EXIT_DONE
    compare("plan", same_everywhere(f"{done.stdout}-- standard error:\n{done.stderr}"))


def test_the_doctor_prints_the_golden_findings_and_ends_with_3_for_a_missing_library(
    growbench, stand_in
):
    gone = ("--allocators=glibc,gone", "--allocator=gone=/no/such/lib.so")
    done = growbench("doctor", *gone, stand_in().option)

    assert (done.returncode, done.stderr) == (EXIT_WORKERS, "")
    compare("doctor", same_everywhere(done.stdout))


def test_the_doctor_ends_with_0_if_every_allocator_is_what_it_should_be(growbench, stand_in):
    assert growbench("doctor", "--allocators=glibc", stand_in().option).returncode == EXIT_DONE


def test_the_worker_prints_its_golden_help():
    done = subprocess.run(
        [WORKER, "--help"], capture_output=True, text=True, env=environment(), check=False
    )

    assert (done.returncode, done.stderr) == (EXIT_DONE, "")
    compare("worker-help", done.stdout)


def test_every_golden_file_belongs_to_a_test():
    known = {"help", "version", "list", "list-columns", "plan", "doctor", "worker-help"}
    known |= {f"{command}-help" for command in COMMANDS}

    assert {path.stem for path in GOLDEN.glob("*.txt")} == known


def test_the_help_names_every_command(growbench):
    listed = re.findall(r"^  ([\w-]+) {2,}\S", growbench("--help").stdout, flags=re.MULTILINE)
    verbs = (REPOSITORY / "scripts/growbench/cli").glob("[a-z]*.py")

    assert tuple(listed) == (*COMMANDS, *sorted(path.stem.replace("_", "-") for path in verbs))


def test_without_a_command_the_help_comes_with_the_status_of_wrong_usage(growbench):
    done = growbench()

    assert done.returncode == EXIT_USAGE
    assert done.stdout == growbench("--help").stdout


def test_no_line_of_a_help_ends_in_blanks(growbench):
    for words in (["--help"], *([command, "--help"] for command in COMMANDS)):
        lines = growbench(*words).stdout.splitlines()
        assert len(lines) > 5
        assert [line for line in lines if line != line.rstrip()] == []


@pytest.mark.parametrize("words", [["--help"], ["list"], ["list", "--columns"], ["plan"]])
def test_output_that_a_full_disk_does_not_take_is_a_failure(growbench, words):
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = growbench(*words, stdout=full)

    assert done.returncode == EXIT_FAILED
    assert "standard output cannot be written" in done.stderr


def test_the_full_preset_is_planned_with_a_reason_for_each_cell_that_is_left_out(growbench):
    plan = growbench.plan("--preset=full", "--rounds=1", "--seed=1")

    # But for those that are run on request only.
    assert "realloc_factor" in STRATEGIES
    assert {line["strategy"] for line in plan} == set(STRATEGIES) - ON_REQUEST
    assert len(plan) == len(set(STRATEGIES) - ON_REQUEST) * 6 * 8 * 4 * 2
    assert {line["rows"] for line in plan} >= {"10", "100000000"}
    assert {line["threads"] for line in plan} == {"1", "2"}
    for line in plan:
        assert (float(line["expected_ms"]) > 0) == (line["note"] == "")


def names_below(text: str, heading: str) -> list:
    """The names in the part of `growbench list` with this heading."""
    part = text.split(f"{heading}:\n")[1].split("\n\n")[0]
    return [line.split()[0] for line in part.splitlines()]


def test_list_names_what_the_options_take(growbench):
    text = growbench("list").stdout
    strategies = names_below(text, "Strategies")
    allocators = names_below(text, "Allocators")
    presets = names_below(text, "Presets")

    if SANITIZED:
        # Interpreters cannot load what is instrumented.
        strategies = [name for name in strategies if name.split(":")[0] in STRATEGIES]
    else:
        assert len(set(strategies)) > len(STRATEGIES), "those of other languages are there, too"
    assert allocators == ["glibc", "jemalloc", "mimalloc", "tcmalloc", "tbbmalloc", "scudo"]
    assert presets == [
        "quick",
        "default",
        "full",
        "article",
        "patterns",
        "factors",
        "exact",
        "shapes",
    ]
    assert names_below(text, "Work") == ["cheap", "random"]
    plan = growbench.plan(
        f"--strategies={','.join(sorted(set(strategies)))}",
        f"--implementations={COMPILED}" + ("" if SANITIZED else ",numpy,python"),
        f"--allocators={','.join(allocators)}",
        "--rows=10",
        "--rounds=1",
    )
    assert {line["strategy"] for line in plan} == set(strategies)
    assert {line["allocator"] for line in plan} == set(allocators)


def test_list_names_every_strategy_that_has_a_file(growbench):
    listed = growbench("list").stdout.split("Copying patterns:")[0].splitlines()[1:]
    compiled = [line.split()[0] for line in listed if line[27:33].strip() in COMPILED.split(",")]

    assert len(STRATEGIES) >= 11
    assert [name.split(":")[0] for name in compiled] == STRATEGIES
