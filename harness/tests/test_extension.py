"""More rounds where intervals are wide: chosen once from the run's own rows, written down, kept."""

import json

import pytest
from conftest import (
    EXIT_INTERRUPTED,
    EXIT_UNMEASURED,
    EXIT_USAGE,
    cells_of,
    read_machine,
    read_rows,
)

WIDE, NARROW = "realloc_doubling", "realloc_x1.5"
ROUNDS, MORE, PILOT = 9, 6, 4
CELLS = (
    f"--strategies={WIDE},{NARROW}",
    "--allocators=glibc,twin",
    "--allocator=twin=glibc",
    "--rows=10",
    f"--rounds={ROUNDS}",
    "--seed=3",
)
# Time enough for all that is wide.
EXTENDED = (*CELLS, "--extra-rounds=30")
BASE = 2 * 2 * ROUNDS
WHOLE = BASE + 2 * MORE

# Cold times of the wide strategy are up to 40% apart, and those of the other the same.
TIMES = (
    'case "$*" in *{wide}*) ns=$((100000 + 20000 * (call / 4 % 3))) ;; *) ns=100000 ;; esac; '
    'begin; figures 3>&1 | sed "s/^cold_build_ns .*/cold_build_ns $ns/" >&3; end'
).format(wide=WIDE)
# The signal comes while the worker of that row is at work.
AT = "test $call = {call} && {{ kill -{signal} $PPID; sleep 0.2; }}; {times}"


def stopped(growbench, stand_in, rows, signal="INT", ends=EXIT_INTERRUPTED):
    """A run that ends while the worker of row number `rows` is at work."""
    worker = stand_in(measure=AT.format(call=PILOT + rows, signal=signal, times=TIMES))
    done = growbench("run", "--out=out", "--no-summary", *EXTENDED, worker.option)
    assert done.returncode == ends, done.stderr
    return done, worker


def more_of(rows):
    return [row for row in rows if int(row["round"]) > ROUNDS]


def extended(machine):
    return {block["strategy"]: block["extra_rounds"] for block in machine["extension"]["blocks"]}


def test_what_is_wide_has_more_rounds_under_all_allocators(growbench, stand_in):
    done = growbench.run(*EXTENDED, stand_in(measure=TIMES).option)
    rows, machine = done.rows, done.machine
    more = more_of(rows)

    assert rows[BASE:] == more, "they follow those that all have"
    assert {row["strategy"] for row in more} == {WIDE}
    assert sorted((int(row["round"]), row["allocator"]) for row in more) == [
        (ROUNDS + 1 + extra, name) for extra in range(MORE) for name in ("glibc", "twin")
    ]
    first = [row["allocator"] for row in more[::2]]
    assert set(first) == {"glibc", "twin"}, "each allocator comes first now and then"
    assert [row["position"] for row in rows] == [str(i + 1) for i in range(WHOLE)]
    assert extended(machine) == {WIDE: MORE}
    assert machine["run"]["planned_row_count"] == BASE
    assert machine["extension"]["row_count"] == WHOLE - BASE
    assert machine["run"]["row_count"] == WHOLE == len(rows)
    assert machine["run"]["state"] == "complete"
    assert f"{WHOLE - BASE} rows more, where intervals are widest" in done.stderr


def test_more_rounds_come_before_the_probes_at_the_end(growbench, stand_in):
    words = (*EXTENDED, "--passes=measure,probe")
    rows = growbench.run(*words, stand_in(measure=TIMES).option).rows
    last = max(i for i, row in enumerate(rows) if row["pass"] == "measure")

    assert int(rows[last]["round"]) == ROUNDS + MORE
    assert len(rows) - last - 1 == sum(row["pass"] == "probe" for row in rows) / 3
    assert {row["round"] for row in rows[last + 1 :]} == {"3"}


@pytest.mark.parametrize(
    "words, measure",
    [(EXTENDED, "honest"), (CELLS, TIMES), ((*CELLS, "--extra-rounds=0"), TIMES)],
    ids=["nothing is wide", "rounds were asked for", "none were wanted"],
)
def test_there_are_no_more_rounds_than_are_needed_or_asked_for(growbench, stand_in, words, measure):
    done = growbench.run(*words, stand_in(measure=measure).option)

    assert len(done.rows) == BASE
    assert done.machine.get("extension", {"blocks": []})["blocks"] == []
    assert done.machine["run"]["state"] == "complete"


def test_there_are_none_beyond_the_budget(growbench, stand_in):
    slow = "sleep 0.05; " + TIMES
    done = growbench.run(*EXTENDED, "--budget=1", stand_in(measure=slow).option)

    assert len(done.rows) == BASE
    assert done.machine["extension"] == {"row_count": 0, "blocks": []}


def test_a_budget_for_one_more_round_of_all_is_not_exceeded(growbench, stand_in):
    """Of two blocks of a time, one may have the time of both: two rounds, less than the least."""
    words = [word for word in EXTENDED if not word.startswith("--extra-rounds")]
    done = growbench.run(*words, "--extra-rounds=1", stand_in(measure=TIMES).option)

    assert len(done.rows) == BASE


@pytest.mark.parametrize("signal, ends", [("INT", EXIT_INTERRUPTED), ("KILL", -9)])
@pytest.mark.parametrize("rows", [BASE - 3, BASE, BASE + 1, BASE + 5, WHOLE - 1])
def test_a_run_that_was_stopped_goes_on_to_the_same_rows(
    growbench, stand_in, out, rows, signal, ends
):
    whole = growbench.run(*EXTENDED, stand_in(measure=TIMES).option, into="whole")
    stopped(growbench, stand_in, rows, signal, ends)
    begun, machine = (out / "runs.csv").read_bytes(), read_machine(out)
    done = growbench.resume()

    assert ("extension" in machine) == (rows > BASE), "it is chosen when the rounds are there"
    assert machine.get("extension", done.machine["extension"]) == done.machine["extension"]
    assert done.machine["extension"] == whole.machine["extension"]
    assert cells_of(done.rows) == cells_of(whole.rows)
    assert (out / "runs.csv").read_bytes().startswith(begun)
    assert done.machine["run"]["row_count"] == WHOLE
    again = growbench.resume("--quiet")
    assert again.stderr == "" and len(again.rows) == WHOLE


def test_a_run_that_ends_with_its_rounds_is_not_whole(growbench, stand_in, out):
    done, _ = stopped(growbench, stand_in, BASE)

    assert len(read_rows(out)) == BASE
    assert "go on with" in done.stderr and done.stdout == ""
    assert read_machine(out)["run"]["state"] == "interrupted"


def test_workers_that_fail_are_nothing_to_choose_by(growbench, stand_in):
    """Five times are no interval; those of the other allocator are, and take both along."""
    failing = 'case "$LD_PRELOAD$*" in *{0}*) test $((call / 4)) -gt 5 && exit 7 ;; esac; '
    done = growbench.run(*EXTENDED, stand_in(measure=failing.format(WIDE) + TIMES).option, ends=3)

    assert len(done.rows) == BASE and done.machine["extension"]["blocks"] == []
    none = growbench.run(
        *EXTENDED, "--overwrite", stand_in(measure="exit 7").option, ends=EXIT_UNMEASURED
    )
    assert len(none.rows) == BASE and none.machine["extension"]["blocks"] == []


# What of the extension is another one now.
@pytest.mark.parametrize(
    "change",
    [
        {"row_count": 3},
        {"blocks": None},
        {"blocks": [{"strategy": WIDE}]},
        {"strategy": NARROW + "x"},
        {"extra_rounds": 5},
        {"extra_rounds": -6},
        {"rows": 11},
    ],
    ids=str,
)
def test_an_extension_of_another_plan_is_refused(growbench, stand_in, out, change):
    _, worker = stopped(growbench, stand_in, BASE + 2)
    before, measured = (out / "runs.csv").read_bytes(), worker.measured()
    machine = read_machine(out)
    of_block = {key for block in machine["extension"]["blocks"] for key in block}
    place = machine["extension"]["blocks"][0] if of_block & set(change) else machine["extension"]
    place.update(change)
    (out / "machine.json").write_text(json.dumps(machine))
    done = growbench.resume(ends=EXIT_USAGE)

    assert "its extension is of other cells, or of other rounds" in done.stderr
    assert (out / "runs.csv").read_bytes() == before
    assert worker.measured() == measured


def test_the_plan_says_how_much_is_kept_for_more_rounds(growbench):
    plan = growbench("plan", *CELLS, "--extra-rounds=1")

    assert f"4 cells x {ROUNDS} rounds" in plan.stderr
    assert "on 3 or 6 more rounds where the intervals of these turn out widest" in plan.stderr
    assert "more rounds" not in growbench("plan", *CELLS).stderr
    default = growbench("plan", "--preset=default", "--rows=10")
    assert "x 6 rounds" in default.stderr and "3 or 6 more rounds" in default.stderr


def test_more_rounds_of_too_few_are_refused(growbench):
    done = growbench("run", "--preset=quick", "--extra-rounds=1")

    assert done.returncode == EXIT_USAGE
    assert "2 rounds have none; give --rounds 6 or more" in done.stderr
