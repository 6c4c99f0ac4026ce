"""What distinguishes machines."""

import copy
import json

import numpy as np
import pytest
from conftest import SCRIPTS, build_runs

from growbench.comparison.differences import FACTS, machine_differences
from growbench.comparison.run import Run
from growbench.tables.formats import as_csv, as_markdown, as_records, as_terminal, to_json

REFERENCE = SCRIPTS.parent / "results" / "reference-epyc-2cpu" / "machine.json"
ROWS = build_runs(["realloc_doubling"], ["glibc", "jemalloc"], [10], 2)


@pytest.fixture(scope="module")
def known() -> dict:
    """What the reference run says, but for what is another in each run."""
    machine = json.loads(REFERENCE.read_text())
    machine["build"]["git_commit"] = "4b895381de70"
    machine["state_at_start"]["load"] = "1.87 0.82 1.00 1/78 11393"
    machine["host"].update(changed=False, changes=[])
    for state in ("state_at_start", "state_at_end"):
        machine[state]["pressure_cpu"] = "some avg10=33.57 avg60=8.61 avg300=2.39 total=1"
    return machine


def changed(known: dict, *path: str, value: object) -> dict:
    made = copy.deepcopy(known)
    place = made
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = value
    return made


def told(*machines, rows=ROWS) -> dict:
    """what -> values of a table that every format can show."""
    runs = [Run(f"run {i}", rows, machine) for i, machine in enumerate(machines)]
    table = machine_differences(runs)
    as_terminal(table), as_markdown(table), as_csv(table), to_json(as_records(table))
    names = [f"run_{i}" for i in range(1, len(machines) + 1)]
    return {row["what"]: [row[n] for n in names] for row in table.frame.to_dict("records")}


def test_a_machine_does_not_differ_from_itself(known):
    table = machine_differences([Run("a", ROWS, known), Run("b", ROWS, copy.deepcopy(known))])
    assert table.frame.empty
    assert table.notes == [f"None of {len(FACTS)} facts differs, as far as they are known."]


@pytest.mark.parametrize(
    "path, value, what, texts",
    [
        (("machine", "cpu_model"), "Xeon", "CPU model", ["AMD EPYC", "Xeon"]),
        (("machine", "cpu_microcode"), "0x2", "microcode", ["0x1000065", "0x2"]),
        (("machine", "memory_bytes"), 2**34, "memory", ["23.54 GiB", "16 GiB"]),
        (("machine", "virtual_machine"), False, "virtual machine", ["yes", "no"]),
        (
            ("system", "thp_enabled"),
            "[always] madvise never",
            "transparent huge pages",
            ["madvise", "always"],
        ),
        (
            ("system", "thp_sizes", "hugepages-64kB"),
            "[always] inherit madvise never",
            "THP of size hugepages-64kB",
            ["never", "always"],
        ),
        (
            ("system", "mitigations", "retbleed"),
            "Vulnerable",
            "mitigation of retbleed",
            ["Not affected", "Vulnerable"],
        ),
        (("system", "governor"), "performance", "governor", [None, "performance"]),
        (
            ("system", "cgroup_memory_max"),
            "1073741824",
            "memory limit (cgroup)",
            ["max", "1 GiB"],
        ),
        (
            ("system", "cgroup_cpu_max"),
            "50000 100000",
            "CPU limit (cgroup)",
            ["max", "50000 100000"],
        ),
        (
            ("system", "limit_address_space_bytes"),
            2**30,
            "address space limit",
            ["unlimited", "1 GiB"],
        ),
        (("build", "git_commit"), "1234", "git commit", ["4b895381de70", "1234"]),
        (("build", "flags"), "-O3", "compiler flags", ["-O2 -g -DNDEBUG", "-O3"]),
        (
            ("run", "allocator_environment"),
            ["MALLOC_ARENA_MAX=1"],
            "allocator variables",
            ["none", "MALLOC_ARENA_MAX=1"],
        ),
        (("run", "preset"), "quick", "preset", ["default", "quick"]),
        (("run", "state"), "running", "state", ["complete", "running"]),
    ],
)
def test_what_matters_is_told_with_both_values(known, path, value, what, texts):
    assert told(known, changed(known, *path, value=value)) == {what: texts}


def test_only_the_cache_that_differs_is_told(known):
    other = copy.deepcopy(known)
    other["machine"]["caches"][2]["bytes"] = 2**20
    assert told(known, other) == {"cache L2 unified": ["512 KiB (1 CPU)", "1 MiB (1 CPU)"]}


def test_an_allocator_with_other_variables_is_told(known):
    other = copy.deepcopy(known)
    other["allocators"][1]["environment"] = ["MALLOC_CONF=dirty_decay_ms:-1"]
    found = told(known, other)
    assert found == {"environment of jemalloc": ["none", "MALLOC_CONF=dirty_decay_ms:-1"]}


@pytest.mark.parametrize(
    "arguments",
    [
        ["--preset", "default", "--seed", "7"],
        ["--seed", "7", "--preset", "default"],
        ["--preset", "default", "--seed=7"],
    ],
)
def test_the_seed_is_no_difference(known, arguments):
    other = changed(known, "run", "seed", value=7)
    assert told(known, changed(other, "run", "arguments", value=arguments)) == {}
    more = changed(known, "run", "arguments", value=[*arguments, "--rounds", "20"])
    found = {"arguments": ["--preset default", "--preset default --rounds 20"]}
    assert told(known, more) == found


def test_what_differs_from_run_to_run_by_nature_is_no_difference(known):
    other = copy.deepcopy(known)
    other["run_id"] = other["run"]["started_utc"] = other["run"]["ended_utc"] = "later"
    other["pilot"], other["run"]["pilot_s"], other["state_at_end"] = [], 1.0, {}
    other["machine"]["memory_bytes"] += 4096
    assert told(known, other) == {}


def test_load_and_pressure_are_told_only_if_they_are_far_apart(known):
    # Two CPUs: 1.87 is 0.94 for each.
    assert told(known, changed(known, "state_at_start", "load", value="1.5 0 0 1/1 1")) == {}
    found = told(known, changed(known, "state_at_start", "load", value="0.10 0 0 1/1 1"))
    assert found == {"load per CPU at start": ["0.94", "0.05"]}
    pressure = ["some avg10=30.00 avg60=1 avg300=1 total=1", "some avg10=0.00 avg60=8"]
    first, second = (changed(known, "state_at_start", "pressure_cpu", value=p) for p in pressure)
    assert told(known, first) == {}
    assert told(known, second) == {"CPU pressure at start, %": ["33.6", "0.0"]}
    assert told(known, changed(known, "state_at_start", "load", value="rubbish")) == {}


def test_a_run_beside_which_something_else_ran_is_told(known):
    waited = "some avg10=33.57 avg60=8.61 avg300=2.39 total=900000000"
    found = told(known, changed(known, "state_at_end", "pressure_cpu", value=waited))
    assert found == {"doubts of the run": ["none", "busy"]}


def test_libraries_are_compared_by_what_the_workers_found(known):
    other = ROWS.copy()
    other.loc[other["allocator"] == "jemalloc", "allocator_version"] = "5.3.1"
    table = machine_differences([Run("a", ROWS, known), Run("b", other, known)])
    (row,) = table.frame.to_dict("records")
    assert (row["what"], row["run_1"], row["run_2"]) == ("version of jemalloc", "1.0", "5.3.1")
    # Rows that tell nothing are no version.
    other["allocator_version"] = np.where(other["round"] == 1, "", ROWS["allocator_version"])
    assert machine_differences([Run("a", ROWS, known), Run("b", other, known)]).frame.empty
    lacking = ROWS.drop(columns=["allocator_version", "allocator_build_id"])
    machine_differences([Run("a", lacking, known), Run("b", lacking, known)])


def test_a_run_without_description_is_told_and_compared_on_the_rest(known):
    runs = [Run("a", ROWS, known), Run("bare", ROWS[ROWS["round"] == 1], None)]
    table = machine_differences(runs)
    assert list(table.frame["what"]) == ["rounds"]
    assert table.notes[0] == "bare: no machine.json, so only what runs.csv tells is compared."
    other = Run("c", ROWS, changed(known, "machine", "cpu_model", value="Xeon"))
    frame = machine_differences([*runs, other]).frame.set_index("what")
    assert list(frame.loc["CPU model"])[:3] == ["AMD EPYC", None, "Xeon"]


@pytest.mark.parametrize(
    "part", ["machine", "system", "build", "run", "allocators", "state_at_start"]
)
@pytest.mark.parametrize("value", [None, [], "rubbish", 5, {"caches": 3, "arguments": 1}])
def test_a_description_with_holes_is_no_error(known, part, value):
    told(known, changed(known, part, value=value))
    told(changed(known, part, value=value), changed(known, part, value=value))
    told({}, {})


def test_every_fact_has_a_label_of_its_own_and_says_why():
    assert len({fact.label for fact in FACTS}) == len(FACTS)
    assert all(fact.why for fact in FACTS)


def test_what_is_dangerous_elsewhere_is_text_here(known):
    other = changed(known, "machine", "cpu_model", value="=1+1 <b>\n\033[31m|")
    table = machine_differences([Run("a", ROWS, known), Run("=b", ROWS, other)])
    assert "\033" not in as_terminal(table) and "\n\n" not in as_terminal(table)
    assert "<b>" not in as_markdown(table)
    assert ",'=1+1" in as_csv(table) or ",\"'=1+1" in as_csv(table)
