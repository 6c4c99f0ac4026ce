"""The page of a replay: known figures in, known figures out."""

import json

import numpy as np
import pytest
from conftest import build_runs, typed

from growbench.analysis import doubts, replays
from growbench.analysis.measured import Measured
from growbench.data.errors import UsageError

FACTS = {
    "run": {
        "profile": {
            "process": 1,
            "process_count": 3,
            "thread_count": 9,
            "replay_thread_count": 4,
            "most_block_count": 1234,
            "most_requested_bytes": 1_200_000,
            "most_touched_bytes": 1_000_000,
            "event_count": 80,
            "all_event_count": 100,
            "recorded_until": "killed",
        }
    }
}
ROUNDS = 6


def replayed(allocators=("glibc", "jemalloc", "scudo"), rounds=ROUNDS):
    """jemalloc takes half of glibc's time and twice its memory, scudo twice its time."""
    runs = build_runs(["replay:my-program"], allocators, [5000], rounds, noise=0.0)
    factors = {"glibc": (1.0, 1.0), "jemalloc": (0.5, 2.0), "scudo": (2.0, 1.0)}
    round_ns = 1e6 * (1 + runs["round"])
    time = runs["allocator"].map({name: of[0] for name, of in factors.items()})
    peak = runs["allocator"].map({name: of[1] for name, of in factors.items()})
    return runs.assign(
        cold_build_ns=0.75 * round_ns * time,
        cold_release_ns=0.25 * round_ns * time,
        peak_memory_bytes=1_500_000 * peak,
    )


def test_allocators_stand_by_time_with_their_ratios_to_glibc():
    frame = replays.replay_table(replayed(), FACTS).frame.set_index("allocator")

    assert list(frame.index) == ["jemalloc", "glibc", "scudo"]
    # The median of rounds 1 to 6, and from the fewest to the most of 6, as there are no fewer.
    assert frame.loc["glibc", ["time", "time_low", "time_high"]].tolist() == [4.5e6, 2e6, 7e6]
    assert frame.loc["jemalloc", "time_ratio"] == pytest.approx(0.5)
    assert frame.loc["scudo", ["time_ratio_low", "time_ratio_high"]].tolist() == pytest.approx(
        [2.0, 2.0]
    )
    assert frame["peak"].tolist() == [3e6, 1.5e6, 1.5e6]
    assert frame.loc["jemalloc", "peak_ratio"] == pytest.approx(2.0)
    assert frame.loc["glibc", ["time_ratio", "peak_ratio"]].isna().all()
    assert frame["over_touched"].tolist() == pytest.approx([3.0, 1.5, 1.5])


def test_the_notes_say_what_was_recorded_and_what_is_not_replayed():
    table = replays.replay_table(replayed(), FACTS)

    assert table.title == "replay:my-program: 5,000 calls under each allocator, 6 rounds"
    notes = "\n".join(table.notes)
    assert "process 1 of 3 (from 0); threads: 9, replayed by 4; at most 1,234 blocks" in notes
    assert "80% of all recorded calls; --process N replays another" in notes
    assert "not recorded to its end: killed" in notes
    for line in replays.NOT_REPLAYED:
        assert line in table.notes


def test_an_allocator_without_figures_is_named_with_the_reason():
    runs = replayed()
    failed = runs["allocator"] == "scudo"
    runs.loc[failed, "status"] = "crashed"
    runs.loc[failed, "status_detail"] = "ended by signal 11"
    runs.loc[failed, ["cold_build_ns", "cold_release_ns", "peak_memory_bytes"]] = np.nan

    table = replays.replay_table(typed(runs), None)

    assert "scudo: crashed: ended by signal 11" in table.notes
    assert table.frame.set_index("allocator").loc["scudo"].isna().all()
    # Without machine.json nobody knows what was touched.
    assert table.frame["over_touched"].isna().all()


def test_few_rounds_have_no_intervals_and_without_glibc_another_is_the_base():
    table = replays.replay_table(replayed(("jemalloc", "scudo"), rounds=2), FACTS)

    frame = table.frame.set_index("allocator")
    assert frame.loc["scudo", "time_ratio"] == pytest.approx(4.0)
    assert frame[["time_low", "time_ratio_low", "peak_low"]].isna().all(axis=None)
    assert any(column.label == "/ jemalloc's" for column in table.columns)


def test_a_run_without_a_replay_is_refused():
    with pytest.raises(UsageError, match="replays nothing"):
        replays.replay_table(build_runs(["chunked_list"], ["glibc"], [10], 1), None)


@pytest.mark.parametrize("strategy, crowded", [("replay:x", False), ("chunked_list", True)])
def test_threads_that_take_turns_do_not_crowd_their_cpu(strategy, crowded):
    runs = build_runs([strategy], ["glibc"], [10], 6, threads=4).assign(cpu_count=1)
    cell = np.zeros(len(runs), dtype=int)

    assert doubts.oversubscribed(Measured(runs, cell, 1), "").tolist() == [crowded]


def test_a_page_can_be_read_by_programs():
    from growbench.tables import formats

    table = replays.replay_table(replayed(), FACTS)
    rows = json.loads(formats.to_json({table.name: formats.as_records(table)}))["replay"]["rows"]

    assert [row["allocator"] for row in rows] == ["jemalloc", "glibc", "scudo"]
