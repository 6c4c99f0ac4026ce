"""Replays of recorded programs: what is asked of each allocator, and what is refused."""

import collections
import json
import random
import shutil
import subprocess
from pathlib import Path
from typing import Callable, Dict, List, Tuple

import pytest
from conftest import EXIT_DONE, EXIT_USAGE, GROWBENCH, SANITIZED, Growbench, environment

MAKE_PROFILE = GROWBENCH.parent / "growbench-make-profile"
KINDS = ("malloc", "malloc", "malloc", "calloc", "aligned", "realloc_new")
LARGE = 200_000

Make = Callable[..., Path]


@pytest.fixture
def make_profile(tmp_path: Path) -> Make:
    """Writes a profile of calls, lines of make_profile.c."""

    def make(calls: List[str], name: str = "known.profile") -> Path:
        path = tmp_path / name
        path.unlink(missing_ok=True)
        text = "".join(call + "\n" for call in calls)
        subprocess.run([str(MAKE_PROFILE), str(path)], input=text, text=True, check=True)
        return path

    return make


def some_calls(count: int, threads: int, seed: int) -> List[str]:
    """Calls of all kinds, in threads that free what others have."""
    dice = random.Random(seed)
    live: List[int] = []
    calls: List[str] = []
    for line in range(count):
        thread = line if line < threads else dice.randrange(threads)
        draw = dice.random() if live else 1.0
        if draw < 0.4:
            calls.append(f"{thread} free {live.pop(dice.randrange(len(live)))}")
        elif draw < 0.5:
            calls.append(f"{thread} realloc {dice.choice(live)} {dice.randrange(1, 5000)}")
        else:
            kind = dice.choice(KINDS)
            size = LARGE if dice.random() < 0.01 else dice.randrange(1, 2000)
            calls.append(f"{thread} {kind} {size}{' 64' if kind == 'aligned' else ''}")
            live.append(line)
    return calls


def totals(calls: List[str]) -> "collections.Counter[str]":
    """How often each kind is called, and the most bytes that live at once: worked out here."""
    found: "collections.Counter[str]" = collections.Counter()
    sizes: Dict[int, int] = {}
    for line, call in enumerate(calls):
        words = call.split()
        found[words[1]] += 1
        if words[1] == "free":
            del sizes[int(words[2])]
        elif words[1] == "realloc":
            sizes[int(words[2])] = int(words[3])
        else:
            sizes[line] = int(words[2])
        found["peak"] = max(found["peak"], sum(sizes.values()))
    found["live"], found["end"] = len(sizes), sum(sizes.values())
    return found


@pytest.mark.skipif(SANITIZED, reason="a sanitizer brings an allocator of its own")
@pytest.mark.parametrize("threads", [1, 4])
def test_each_allocator_is_asked_for_what_was_recorded(
    growbench: Growbench, make_profile: Make, threads: int
) -> None:
    calls = some_calls(3000, threads, seed=threads)
    profile = make_profile(calls)
    known = totals(calls)

    ran = growbench.run(f"--profile={profile}", "--rounds=1", "--passes=measure,trace")

    rows = [row for row in ran.rows if row["status"] != "unavailable"]
    assert {row["allocator"] for row in rows} >= {"glibc"}
    for row in rows:
        assert row["status"] == "ok", row["status_detail"]
        assert row["strategy"] == "replay:known" and row["implementation"] == "c"
        assert (row["rows"], row["threads"]) == ("3000", str(threads))
        # Threads that take turns need one CPU.
        assert row["cpu_count"] == "1"
    assert len({row["checksum"] for row in rows}) == 1
    for row in (row for row in rows if row["pass"] == "trace"):
        assert int(row["malloc_count"]) == known["malloc"]
        assert int(row["calloc_count"]) == known["calloc"]
        assert int(row["aligned_count"]) == known["aligned"]
        assert int(row["realloc_count"]) == known["realloc"] + known["realloc_new"]
        assert int(row["free_count"]) == known["free"]
        assert int(row["release_free_count"]) == known["live"]
        assert int(row["peak_requested_bytes"]) == known["peak"]
        assert int(row["end_requested_bytes"]) == known["end"]
        assert (row["leaked_bytes"], row["scan_call_count"]) == ("0", "0")
    told = ran.machine["run"]["profile"]
    assert told["most_requested_bytes"] == known["peak"]
    assert told["final_block_count"] == known["live"]
    assert told["thread_count"] == told["replay_thread_count"] == threads
    assert told["event_count"] == 3000


@pytest.mark.skipif(SANITIZED, reason="a sanitizer brings an allocator of its own")
def test_the_peak_is_what_the_program_touched(growbench: Growbench, make_profile: Make) -> None:
    mib = 1 << 20
    calls = ["0 malloc 1000", f"0 calloc {64 * mib} {8 * mib}", f"0 malloc {16 * mib}"]
    profile = make_profile(calls)

    ran = growbench.run(f"--profile={profile}", "--rounds=1", "--allocators=glibc")

    (row,) = ran.rows
    assert ran.machine["run"]["profile"]["most_touched_bytes"] == 24 * mib + 1000
    assert 24 * mib <= int(row["peak_memory_bytes"]) < 25 * mib


def test_another_process_is_replayed_on_request(growbench: Growbench, make_profile: Make) -> None:
    profile = make_profile(["0 malloc 1", "0 malloc 2", "process", "0 malloc 3"], "Two Of Them.x")

    usual = growbench.plan(f"--profile={profile}", "--allocators=glibc")
    second = growbench.plan(f"--profile={profile}", "--process=1", "--allocators=glibc")

    assert {(row["strategy"], row["rows"]) for row in usual} == {("replay:two-of-them", "2")}
    assert {(row["strategy"], row["rows"]) for row in second} == {("replay:two-of-them", "1")}


def test_a_run_goes_on_with_the_profile_it_was_begun_with(
    growbench: Growbench, make_profile: Make
) -> None:
    profile = make_profile(some_calls(100, 1, seed=1))
    words = (f"--profile={profile}", "--rounds=2", "--allocators=glibc")
    begun = growbench.run(*words)
    lines = (begun.folder / "runs.csv").read_text().splitlines(keepends=True)
    (begun.folder / "runs.csv").write_text("".join(lines[:-1]))
    assert len(growbench.resume().rows) == 2

    make_profile(some_calls(100, 1, seed=2))
    refused = growbench.resume(ends=EXIT_USAGE)

    assert "is not the profile that the run was begun with; begin a new run" in refused.stderr


@pytest.mark.parametrize(
    "words, message",
    [
        (["--strategies=realloc_doubling"], "leave out --strategies"),
        (["--rows=10"], "leave out --rows"),
        (["--row-bytes=10"], "leave out --row-bytes"),
        (["--shapes=10x10"], "leave out --shapes"),
        (["--threads=2"], "leave out --threads"),
        (["--implementations=c"], "leave out --implementations"),
        (["--timeline=10"], "leave out --timeline"),
        (["--process=1"], "has 1 processes, numbered from 0; there is no 1"),
    ],
)
def test_what_does_not_go_with_a_profile_is_refused(
    growbench: Growbench, make_profile: Make, words: List[str], message: str
) -> None:
    profile = make_profile(["0 malloc 1"])

    done = growbench("run", f"--profile={profile}", "--out=out", *words)

    assert done.returncode == EXIT_USAGE
    assert message in done.stderr
    assert not (growbench.folder / "out").exists()


def test_a_process_needs_a_profile(growbench: Growbench) -> None:
    done = growbench("run", "--process=1", "--preset=quick", "--out=out")
    assert done.returncode == EXIT_USAGE
    assert "--process is of a --profile" in done.stderr


def test_what_needs_more_memory_than_there_is_is_refused(
    growbench: Growbench, make_profile: Make
) -> None:
    profile = make_profile([f"0 malloc {1 << 40}"] * 20)

    done = growbench("run", f"--profile={profile}", "--out=out")

    assert done.returncode == EXIT_USAGE
    assert "what this program had at once needs up to 2199" in done.stderr
    assert "a worker may use" in done.stderr
    assert not (growbench.folder / "out").exists()


def test_address_space_that_was_not_touched_needs_no_memory(
    growbench: Growbench, make_profile: Make
) -> None:
    """What cannot be had all the same is a row that says so."""
    profile = make_profile([f"0 malloc {1 << 46} 0", "0 malloc 100"])

    done = growbench("run", f"--profile={profile}", "--rounds=1", "--allocators=glibc", "--out=out")

    assert done.returncode in (3, 4), done.stderr
    assert "out_of_memory" in (growbench.folder / "out/runs.csv").read_text()


def test_a_profile_that_is_damaged_is_refused_or_replayed_whole(
    growbench: Growbench, make_profile: Make
) -> None:
    whole = make_profile(some_calls(500, 2, seed=3)).read_bytes()
    damaged = growbench.folder / "damaged.profile"
    dice = random.Random(1)
    contents = [whole[: dice.randrange(len(whole))] for _ in range(12)]
    for _ in range(25):
        place = dice.randrange(len(whole))
        contents.append(whole[:place] + bytes([dice.randrange(256)]) + whole[place + 1 :])
    contents += [b"", b"\0" * 5000, dice.randbytes(5000)]
    for content in contents:
        damaged.write_bytes(content)
        done = growbench("plan", f"--profile={damaged}", "--allocators=glibc")
        assert done.returncode in (EXIT_DONE, EXIT_USAGE), done.stderr
        if done.returncode == EXIT_USAGE:
            assert done.stdout == "" and done.stderr.startswith("growbench: "), done.stderr
            assert len(done.stderr.splitlines()) == 1
    damaged.unlink()
    done = growbench("run", f"--profile={damaged}", "--out=out")
    assert done.returncode == EXIT_USAGE and "No such file" in done.stderr


def replay(growbench: Growbench, *words: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [str(GROWBENCH), "replay", *words],
        cwd=growbench.folder,
        env=environment(),
        text=True,
        capture_output=True,
        timeout=60,
        check=False,
    )


def test_the_verb_makes_a_run_and_a_page(growbench: Growbench, make_profile: Make) -> None:
    profile = make_profile(some_calls(300, 2, seed=4), "my program.profile")

    done = replay(growbench, str(profile), "--rounds", "2", "--allocators", "glibc", "--quiet")

    assert done.returncode == EXIT_DONE, done.stderr
    assert done.stdout.startswith("replay:my-program: 300 calls under each allocator, 2 rounds\n")
    assert "glibc" in done.stdout and "is not replayed" in done.stdout
    (folder,) = (growbench.folder / "results").iterdir()
    assert folder.name.startswith("replay-my-program-")

    again = replay(growbench, f"results/{folder.name}", "--format", "json")
    (record,) = json.loads(again.stdout)["replay"]["rows"]
    assert record["allocator"] == "glibc" and record["time"] > 0


def test_the_verb_refuses_what_the_runner_refuses(growbench: Growbench, make_profile: Make) -> None:
    profile = make_profile(["0 malloc 1"])
    cases: List[Tuple[List[str], str]] = [
        (["nowhere.profile"], "No such file"),
        ([str(profile), "--rows", "5"], "leave out --rows"),
        ([str(profile), "--no-such-option"], "unknown option '--no-such-option'"),
        ([], "PROFILE"),
    ]
    for words, message in cases:
        done = replay(growbench, *words)
        assert done.returncode == EXIT_USAGE, done.stderr
        assert done.stdout == "" and message in done.stderr
    shutil.rmtree(growbench.folder / "results", ignore_errors=True)
