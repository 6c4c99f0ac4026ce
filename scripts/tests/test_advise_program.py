"""Advice for a program that was recorded, against profiles and replays whose answer was planted."""

import json
import stat
import subprocess
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from conftest import write_runs
from full_runs import full_run

from growbench.advice import profile as profiles
from growbench.advice import symbols
from growbench.advice.growing import growing_sentences, growing_table
from growbench.advice.profile import Profile, find_replay, is_profile
from growbench.advice.program import Wish, advise_program, check_digest
from growbench.command_line import entry
from growbench.comparison.run import Run
from growbench.data.errors import UsageError
from growbench.tables.formats import to_json

REPLAY = "replay:prog"
PEAK = 16 << 20


def frame(call: str) -> dict:
    function = "" if "+" in call else call.partition(" ")[0]
    return {"module": "/usr/bin/prog", "offset": 16, "call": call, "function": function}


def group(**more) -> dict:
    """A buffer that grew in steps of 4,144 bytes to 4 MiB: 999 reallocs."""
    made = {
        "block_count": 1,
        "realloc_count": 999,
        "copied_bytes": 4144 * 999 * 500,
        "moved_count": 100,
        "moved_bytes": 200_000_000,
        "most_reallocs": 999,
        "least_first_bytes": 4144,
        "most_first_bytes": 4144,
        "least_largest_bytes": 4_144_000,
        "most_largest_bytes": 4_144_000,
        "least_step_bytes": 4144,
        "most_step_bytes": 4144,
        "doubling_count": 10,
        "doubling_copied_bytes": 4144 * 1023,
        "stack": [],
        "preallocated": {"live_bytes": 12 << 20, "moving_bytes": 12 << 20},
    }
    return {**made, **more}


def told(groups=(), **more) -> dict:
    """What `growbench profile --format json` says."""
    every = {**group(), **(groups[0] if groups else {"block_count": 0, "realloc_count": 0})}
    process = {
        "process": 0,
        "command": ["/usr/bin/prog", "--all"],
        "end": "exited",
        "event_count": 5000,
        "thread_count": 1,
        "requested_bytes": 100 << 20,
        "most_bytes": 10 << 20,
        "foreign_count": 0,
        "lost_count": 0,
    }
    process.update(more.pop("process_facts", {}))
    none = {"all": {"block_count": 0}, "groups": []}
    return {
        "replaced": none,
        "event_count": process["event_count"],
        "process": 0,
        "processes": [process],
        "peaks": {"live_bytes": PEAK, "moving_bytes": PEAK},
        "growth": {
            "all": every,
            "group_count": len(groups),
            "groups": list(groups),
            "blocks": [],
            "preallocated": {"live_bytes": 12 << 20, "moving_bytes": 12 << 20},
            "preallocated_from_bytes": 0,
        },
        **more,
    }


def profile(groups=(), **more) -> Profile:
    return Profile(Path("my.profile"), told(groups, **more), "abc")


def replayed(allocators=("glibc", "jemalloc", "scudo"), rounds=8, machine=None) -> Run:
    """Its fastest is jemalloc: scudo copies and touches most."""
    runs, _ = full_run(["append_in_place"], allocators, [10_000], rounds=rounds)
    runs["strategy"] = runs["strategy"].replace("append_in_place", REPLAY)
    return Run("replay-prog", runs, machine)


def text_of(found) -> str:
    json.loads(to_json(found.records()))
    text = " ".join([*found.sentences, *found.warnings])
    assert "nan" not in text and "None" not in text
    return text


def test_the_allocator_of_the_fastest_replay_is_named_with_margin_and_reason():
    run = replayed()
    found = advise_program(profile(), run, Wish())
    measured = run.runs[(run.runs["strategy"] == REPLAY) & (run.runs["pass"] == "measure")]
    cold = measured["cold_build_ns"] + measured["cold_release_ns"]
    medians = cold.groupby(measured["allocator"]).median().sort_values()
    assert list(found.ranking.frame["allocator"]) == list(medians.index)
    best, worst = medians.index[0], medians.index[-1]
    text = text_of(found)
    assert f"prog (5,000 calls, 10.0 MiB at once): take {best} (cold: " in text
    assert f"Runner-up: {medians.index[1]}" in text
    assert f"that {worst} takes more in a cold build, it is " in text
    assert "copying (" in text or "page faults (" in text
    assert "From replay-prog: " in text and "not of the program" in text


def test_the_reason_is_what_was_planted():
    """Of two that are the same but for page faults."""
    run = replayed(("glibc", "jemalloc"))
    runs = run.runs
    ours = (runs["strategy"] == REPLAY) & (runs["allocator"] == "glibc")
    runs.loc[ours & (runs["pass"] == "measure"), "cold_build_minor_fault_count"] += 100_000
    runs.loc[ours & (runs["pass"] == "measure"), "cold_build_ns"] += 100_000 * 700.0
    text = text_of(advise_program(profile(), run, Wish()))
    assert "that glibc takes more in a cold build, it is page faults (" in text


def test_the_calls_themselves_are_the_reason_where_nothing_else_is():
    run = replayed(("glibc", "jemalloc"))
    runs = run.runs
    counts = [name for name in runs if name.endswith(("_count", "_bytes"))]
    ours = runs["strategy"] == REPLAY
    for of_pass in ("measure", "trace"):
        of_glibc, of_other = (
            ours & (runs["pass"] == of_pass) & (runs["allocator"] == name)
            for name in ("glibc", "jemalloc")
        )
        for name in counts:
            runs.loc[of_glibc, name] = runs.loc[of_other, name].iloc[0]
    measured = ours & (runs["pass"] == "measure")
    runs.loc[measured, "cold_build_ns"] = runs["allocator"].map({"glibc": 3e8, "jemalloc": 2e8})
    text = text_of(advise_program(profile([group()]), run, Wish()))
    # 10,000 calls: 10 microseconds more for each.
    assert "Of the 100 ms that glibc takes more in a cold build, it is the calls " in text
    assert "In its replay on jemalloc, what reallocs copied makes " in text


def test_what_has_no_price_is_not_called_free():
    """A run without probes does not know what copying takes."""
    run = replayed(("glibc", "jemalloc"))
    runs = run.runs[run.runs["pass"] != "probe"].reset_index(drop=True)
    of_glibc = (runs["allocator"] == "glibc") & (runs["pass"] == "measure")
    runs.loc[of_glibc, "cold_build_ns"] += 1e9
    text = text_of(advise_program(profile([group()]), Run("r", runs, run.machine), Wish()))
    assert "what reallocs copied makes" not in text
    assert "it is the calls themselves with copying" in text and "no price here" in text


def test_one_round_in_which_the_runner_up_was_faster_is_no_ranking():
    """The best by all of its rounds, of which they share one."""
    run = replayed(("glibc", "jemalloc"))
    runs = run.runs
    measured = (runs["strategy"] == REPLAY) & (runs["pass"] == "measure")
    for allocator, first, others in (("glibc", 3e6, 1e6), ("jemalloc", 2e6, None)):
        of = measured & (runs["allocator"] == allocator)
        runs.loc[of, "cold_build_ns"] = others
        runs.loc[of & (runs["round"] == 1), "cold_build_ns"] = first
    kept = ~measured | (runs["allocator"] == "glibc") | (runs["round"] == 1)
    runs = runs[kept].reset_index(drop=True)
    text = text_of(advise_program(profile(), Run("r", runs, run.machine), Wish()))
    assert "take glibc" in text
    assert (
        "Runner-up: jemalloc (" in text and "but in the rounds that both have it takes 0." in text
    )


def test_what_needs_least_memory_is_said_and_ranked_on_request():
    run = replayed()
    measured = run.runs["pass"] == "measure"
    for allocator, peak in (("glibc", 20e6), ("jemalloc", 30e6), ("scudo", 10e6)):
        run.runs.loc[measured & (run.runs["allocator"] == allocator), "peak_memory_bytes"] = peak
    run.runs.loc[measured, "peak_resolution_bytes"] = 1000.0
    text = text_of(advise_program(profile(), run, Wish()))
    assert "At its peak scudo needs least memory: 9.54 MiB" in text
    by_peak = advise_program(profile(), run, Wish(weight="peak"))
    assert list(by_peak.ranking.frame["allocator"]) == ["scudo", "glibc", "jemalloc"]
    assert "take scudo (peak memory: 9.54 MiB)" in text_of(by_peak)
    assert by_peak.ranking.frame["peak_ratio"][0] == pytest.approx(10e6 / (10 << 20))


def test_the_allocators_can_be_narrowed_and_failed_ones_are_left_out():
    run = replayed()
    only = advise_program(profile(), run, Wish(allocator=("glibc",)))
    assert "take glibc" in text_of(only) and "no other candidate" in text_of(only)
    with pytest.raises(UsageError, match="no allocator 'glib'"):
        advise_program(profile(), run, Wish(allocator=("glib",)))
    best = advise_program(profile(), run, Wish()).ranking.frame["allocator"][0]
    failed = (run.runs["allocator"] == best) & (run.runs["round"] == 3)
    run.runs.loc[failed, "status"] = "crashed"
    found = advise_program(profile(), run, Wish())
    assert best not in set(found.ranking.frame["allocator"])
    assert f"workers failed: {REPLAY} on {best}" in text_of(found)


def test_without_a_replay_it_says_how_to_make_one_and_what_grew():
    found = advise_program(profile([group()]), None, Wish())
    text = text_of(found)
    assert "prog was not replayed yet" in text and "growbench replay my.profile" in text
    assert found.ranking is None and [table.name for table in found.tables] == ["growing"]


def test_what_grew_is_told_with_what_preallocating_saves():
    said = " ".join(growing_sentences(profile([group()])))
    for text in (
        "1 block grew, by 999 reallocs, which can have copied 1.93 GiB (19.7 times what it",
        "as recorded, 100 moved, with 191 MiB",
        "These cost most: 1 block, from 4.05 KiB to 3.95 MiB, by 999 reallocs in steps of 4,144",
        "would save 999 reallocs and that copying",
        "would fall from 16.0 MiB to 12.0 MiB",
        "doubling would take 10 reallocs, which can copy 4.04 MiB",
    ):
        assert text in said


def test_the_place_is_told_where_it_was_recorded():
    stack = [frame("prog+0x1"), frame("xrealloc"), frame("buffer_add (buffer.c:12)")]
    found = profile([group(stack=stack)])
    said = " ".join(growing_sentences(found))
    assert "Those of buffer_add (buffer.c:12) cost most" in said
    table = growing_table(found)
    assert list(table.frame["calls"]) == ["xrealloc < buffer_add"]
    assert not any("--stacks" in note for note in table.notes)
    nameless = profile([group(stack=[frame("prog+0x1"), frame("prog+0x2")])])
    assert "Those of prog+0x1 cost most" in " ".join(growing_sentences(nameless))
    assert list(growing_table(nameless).frame["calls"]) == ["prog+0x1 < prog+0x2"]
    assert any("--stacks" in note for note in growing_table(profile([group()])).notes)


def test_preallocating_may_cost_memory_and_little_growth_is_little():
    dearer = told([group()])
    dearer["growth"]["preallocated"]["moving_bytes"] = 2 * PEAK
    dearer["growth"]["preallocated_from_bytes"] = 64
    said = " ".join(growing_sentences(Profile(Path("p"), dearer, "")))
    assert "would rise from 16.0 MiB to 32.0 MiB" in said
    assert "that peak is with blocks of 64.0 B and more" in said
    little = group(realloc_count=3, copied_bytes=100, moved_count=0, moved_bytes=0)
    assert "That is little" in " ".join(growing_sentences(profile([little])))
    assert "No block of it grew by realloc." in " ".join(growing_sentences(profile()))
    assert growing_table(profile()).frame.empty


def test_what_grew_without_realloc_is_told():
    stack = [frame("std::vector::push_back"), frame("main")]
    grown = group(block_count=2, realloc_count=20, copied_bytes=4096, stack=stack)
    said = growing_sentences(profile(replaced={"all": grown, "groups": [grown]}))
    assert len(said) == 2
    assert "2 blocks grew as std::vector does" in said[1]
    assert "20 steps, which copied 4.00 KiB" in said[1]
    assert "Those of std::vector::push_back cost most" in said[1]


def test_what_the_record_lacks_is_warned_of():
    facts = {"end": "killed", "lost_count": 2, "foreign_count": 1}
    found = profile(process_facts=facts, event_count=6000)
    text = " ".join(advise_program(found, None, Wish()).warnings)
    assert "ends where the program was killed" in text
    assert "the others have 1,000 of 6,000 events" in text
    assert "3 calls are not in the record" in text


def test_a_run_of_something_else_is_refused():
    def of(**facts) -> Run:
        return Run("other", replayed().runs, {"run": {"profile": facts}})

    check_digest(of(sha256="abc", process=0), profile())
    check_digest(Run("old", replayed().runs, None), profile())
    with pytest.raises(UsageError, match="replay of another file, there; make one of this"):
        check_digest(of(sha256="def", path="there"), profile())
    with pytest.raises(UsageError, match="of process 2.*--process 2"):
        check_digest(of(sha256="abc", process=2), profile())
    plain, _ = full_run(["append_in_place"], ["glibc"], [10_000], rounds=6)
    with pytest.raises(UsageError, match="growbench replay PROFILE"):
        advise_program(profile(), Run("plain", plain), Wish())


def test_the_newest_replay_of_that_process_is_found(tmp_path):
    def write(name: str, started: str, **facts) -> None:
        (tmp_path / name).mkdir()
        of = {"sha256": "abc", "process": 0, **facts}
        content = {"run": {"started_utc": started, "profile": of}}
        (tmp_path / name / "machine.json").write_text(json.dumps(content), encoding="utf-8")

    assert find_replay(profile(), tmp_path) is None
    write("old", "2026-01-01T00:00:00Z")
    write("new", "2026-01-02T00:00:00Z")
    write("of-another-process", "2026-01-03T00:00:00Z", process=1)
    write("of-another-file", "2026-01-04T00:00:00Z", sha256="def")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "machine.json").write_text("{", encoding="utf-8")
    assert find_replay(profile(), tmp_path) == tmp_path / "new"


# ---- the verb ----


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    """A runner that says of each profile what it is given, and a file that looks like one."""

    def make(content: dict, status: int = 0) -> Path:
        (tmp_path / "told.json").write_text(json.dumps(content), encoding="utf-8")
        runner = tmp_path / "runner"
        runner.write_text(
            f'#!/bin/sh\n[ "$1" != replay ] || exec cp -r {tmp_path}/run "$4"\n'
            f'[ {status} = 0 ] || {{ echo "growbench: it is cut" >&2; exit {status}; }}\n'
            f"cat {tmp_path}/told.json\n",
            encoding="ascii",
        )
        runner.chmod(runner.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setattr(entry, "RUNNER", str(runner))
        monkeypatch.chdir(tmp_path)
        path = tmp_path / "my.profile"
        path.write_bytes(b"GROWPROF....")
        return path

    return make


@pytest.fixture
def call_advise(call_here):
    return partial(call_here, "advise")


def write_run(folder: Path, digest: str) -> Path:
    folder.mkdir(parents=True)
    run = replayed()
    whole = run.runs[run.runs["pass"] != "latency"].copy()
    whole["cold_build_ns"] = whole["cold_build_ns"].round()
    write_runs(whole, folder / "runs.csv")
    of_run = {"started_utc": "2026-01-01", "profile": {"sha256": digest, "process": 0}}
    machine = {"machine_id": str(whole["machine_id"].iloc[0]), "run": of_run}
    (folder / "machine.json").write_text(json.dumps(machine), encoding="utf-8")
    return folder


def test_the_verb_knows_a_profile_and_takes_the_newest_replay(call_advise, stand_in, tmp_path):
    path = stand_in(told([group()]))
    assert is_profile(path) and not is_profile(tmp_path) and not is_profile(tmp_path / "none")
    done = call_advise(path)
    assert done.returncode == 0 and "not replayed yet" in done.stdout
    write_run(tmp_path / "results" / "replay-prog", profiles._digest(path))
    done = call_advise(path)
    assert done.returncode == 0 and ": take " in done.stdout
    assert "of the replay results/replay-prog" in done.stderr
    markdown = call_advise(path, "--markdown").stdout
    assert "| Allocator |" in markdown and "What grew, by sizes" in markdown
    content = json.loads(call_advise(path, "--json").stdout)
    assert content["ranking"]["rows"] and content["growing"]["rows"]
    assert content["profile"]["process"] == 0


def test_the_verb_makes_the_replay_on_request_or_takes_the_given_one(
    call_advise, stand_in, tmp_path
):
    path = stand_in(told())
    folder = write_run(tmp_path / "run", profiles._digest(path))
    (tmp_path / "results").mkdir()
    done = call_advise(path, "--replay")
    assert done.returncode == 0 and ": take " in done.stdout
    done = call_advise(path, "--run", folder)
    assert (done.returncode, done.stderr) == (0, "") and ": take " in done.stdout
    (folder / "machine.json").write_text(
        (folder / "machine.json").read_text().replace(profiles._digest(path), "other"),
        encoding="utf-8",
    )
    done = call_advise(path, "--run", folder)
    assert (done.returncode, done.stdout) == (2, "") and "another file" in done.stderr


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["--rows", "10"], ["--rows is for an array"]),
        (["--known-rows"], ["--known-rows is for an array"]),
        (["--weight", "tail"], ["latency"]),
        (["--process", "x"], ["--process", "--help"]),
    ],
)
def test_what_is_of_the_other_question_is_refused(call_advise, stand_in, tmp_path, words, parts):
    path = stand_in(told())
    write_run(tmp_path / "results" / "replay-prog", profiles._digest(path))
    done = call_advise(path, *words)
    assert (done.returncode, done.stdout) == (2, "")
    for part in parts:
        assert part in done.stderr


def test_a_profile_that_is_not_there_is_told(call_advise, tmp_path):
    done = call_advise(str(tmp_path / "nowhere.profile"))
    assert done.returncode == 2 and "nowhere.profile: no such file" in done.stderr


def test_options_of_a_program_are_refused_for_an_array(call_advise, tmp_path):
    write_runs(replayed().runs.round(), tmp_path / "runs.csv")
    for words in (["--replay"], ["--run", "x"], ["--process", "1"]):
        done = call_advise(tmp_path, "--rows", "10", "--row-bytes", "8", *words)
        assert done.returncode == 2 and f"{words[0]} is for a profile" in done.stderr


def test_what_the_runner_says_of_a_bad_profile_is_the_message(call_advise, stand_in, monkeypatch):
    path = stand_in(told(), status=2)
    done = call_advise(path)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", "error: it is cut\n")
    monkeypatch.setattr(entry, "RUNNER", "/no/such/growbench")
    done = call_advise(path)
    assert done.returncode == 2 and "make build" in done.stderr


# ---- calls by name ----


@pytest.mark.skipif(
    subprocess.run(
        ["sh", "-c", "command -v gcc nm addr2line"], check=False, capture_output=True
    ).returncode
    != 0,
    reason="needs gcc and binutils",
)
def test_calls_have_their_names_as_far_as_the_file_tells(tmp_path):
    source = tmp_path / "lib.c"
    source.write_text(
        "static int hidden(int x)\n{\n\treturn x * x;\n}\n"
        "int __attribute__((noinline)) shown(int x)\n{\n\treturn hidden(x) + 1;\n}\n",
        encoding="ascii",
    )
    library = tmp_path / "lib.so"
    subprocess.run(
        ["gcc", "-g", "-O0", "-shared", "-fPIC", "-o", library, source], check=True, cwd=tmp_path
    )
    stripped = tmp_path / "stripped.so"
    subprocess.run(["strip", "-o", stripped, library], check=True)
    said = subprocess.run(["nm", library], check=True, capture_output=True, text=True).stdout
    at = {
        line.split()[2]: int(line.split()[0], 16)
        for line in said.splitlines()
        if " t " in line or " T " in line
    }
    stack = [
        {"module": str(module), "offset": at[name] + 9}
        for module in (library, stripped)
        for name in ("shown", "hidden")
    ]
    stack.append({"module": "/no/such", "offset": 17})
    stack.append({"module": "-x", "offset": 17})
    symbols.name_calls([stack])
    calls = [frame["call"] for frame in stack]
    assert calls[0].startswith("shown (lib.c:") and calls[1].startswith("hidden (lib.c:")
    assert calls[2].startswith("shown (stripped.so+0x")
    # Not that of the nearest function that has a name.
    assert calls[3] == f"stripped.so+{at['hidden'] + 8:#x}"
    assert calls[4:] == ["such+0x10", "-x+0x10"]


def test_ratios_are_paired_by_round():
    run = replayed()
    found = advise_program(profile(), run, Wish())
    rows = run.runs[(run.runs["strategy"] == REPLAY) & (run.runs["pass"] == "measure")]
    cold = (
        (rows["cold_build_ns"] + rows["cold_release_ns"])
        .groupby([rows["round"], rows["allocator"]])
        .first()
        .unstack()
    )
    first, second = found.ranking.frame["allocator"][:2]
    ratio = np.exp(np.median(np.log(cold[second]) - np.log(cold[first])))
    assert found.ranking.frame["ratio"][1] == pytest.approx(ratio)
