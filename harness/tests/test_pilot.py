"""The pilot: what it looks at, what it predicts from that, and what it leaves out.

Its workers make up times that grow in a known way, so that what is predicted can be known as well.
What each of these catches: a prediction from fewer than two measured sizes, one by the declared
order of a strategy, a cell that was seen to be cheap and is not measured, a look that goes on for
ever, a run that measures nothing and says that all is well, and a resumed run that decides
otherwise.
"""

import json
import re
from collections import Counter

import pytest
from conftest import EXIT_UNMEASURED, GROWN, cells_of, grown, read_rows

QUADRATIC = ("--strategies=loop_and_append", "--allocators=glibc", "--row-bytes=8", "--seed=1")


def looks(worker):
    """The (rows, row_bytes) that it was called for, in order."""
    calls = [call for call in worker.calls() if call.startswith("measure ")]
    found = (re.search(r"--rows (\d+) --row-bytes (\d+) ", call) for call in calls)
    return [(int(match[1]), int(match[2])) for match in found if match]


def predicted(rows, kind="cold"):
    """(low, predicted, high) of a row."""
    name = f"predicted_{kind}_build_release"
    return tuple(float(rows[f"{name}{end}_ns"]) for end in ("_low", "", "_high"))


@pytest.mark.parametrize(
    "ns",
    ["rows * 5000", "rows * rows * bytes / 4", "rows * 100 + rows * rows * bytes / 8"],
    ids=["linear", "quadratic", "linear, then quadratic"],
)
@pytest.mark.parametrize("rows", [40000, 100000])
def test_known_growth_is_predicted_with_an_interval(growbench, stand_in, ns, rows):
    worker = grown(stand_in, ns)
    words = (f"--rows={rows}", "--predict-above=10000", "--rounds=1")
    done = growbench.run(*QUADRATIC, *words, worker.option, ends=EXIT_UNMEASURED)
    expected = eval(ns.replace("bytes", "8"))  # pylint: disable=eval-used
    (row,) = done.rows

    assert row["status"] == "skipped_predicted"
    for kind in ("cold", "warm"):
        low, middle, high = predicted(row, kind)
        assert expected / 1.5 <= middle <= expected * 1.5
        assert low <= expected <= high and low < middle < high
    assert max(rows for rows, size in looks(worker) if size == 8) == 10000
    assert "predicted from sizes of up to 10000 rows" in row["status_detail"]


def test_a_kink_between_is_seen_by_larger_rows(growbench, stand_in):
    # From 256 KiB on an append takes 10 times as long.
    kink = "(rows * bytes <= 262144 ? rows * rows * bytes / 8 : rows * rows * bytes * 10 / 8)"
    worker = grown(stand_in, kink)
    words = ("--rows=65536", "--predict-above=16384", "--rounds=1")
    (row,) = growbench.run(*QUADRATIC, *words, worker.option, ends=EXIT_UNMEASURED).rows

    assert predicted(row)[1] == pytest.approx(65536 * 65536 * 10, rel=0.3)
    assert max(rows * size for rows, size in looks(worker)) == 65536 * 8
    assert max(rows for rows, size in looks(worker)) == 16384


def test_further_than_ten_times_beyond_nothing_is_told(growbench, stand_in):
    worker = grown(stand_in, "rows * rows * bytes / 8")
    words = ("--rows=110000", "--predict-above=10000", "--rounds=1")
    (row,) = growbench.run(*QUADRATIC, *words, worker.option, ends=EXIT_UNMEASURED).rows
    assert row["status"] == "skipped_budget"


@pytest.mark.parametrize(("rows", "most"), [("40000", "10000"), ("200M", "100M")])
def test_of_what_grows_with_its_rows_nothing_is_told(growbench, stand_in, rows, most):
    worker = grown(stand_in, "rows * 10")
    words = ("--strategies=realloc_doubling", *QUADRATIC[1:], f"--predict-above={most}")
    words += (f"--rows={rows}", "--rounds=1", "--budget=10000", worker.option)
    (row,) = growbench.run(*words, ends=EXIT_UNMEASURED).rows
    assert row["status"] == "skipped_budget"
    assert row["predicted_cold_build_release_ns"] == ""


@pytest.mark.parametrize("strategy", ["loop_and_append", "append_in_place"])
def test_what_larger_rows_contradict_is_missing(growbench, stand_in, strategy):
    # Rows of more than 8 B take 30 times as long: what they say is not of this cell. Of what
    # realloc may copy they say nothing at all.
    worker = grown(stand_in, "rows * rows * bytes / 8 * (bytes > 8 ? 30 : 1)")
    words = (f"--strategies={strategy}", *QUADRATIC[1:], "--rows=20000", "--predict-above=10000")
    (row,) = growbench.run(*words, "--rounds=1", worker.option, ends=EXIT_UNMEASURED).rows
    assert row["status"] == "skipped_budget"


def test_what_is_predicted_is_the_headline(growbench, stand_in):
    before = "printf 'warm_build_release_p25_ns %d\\n' $((rows * rows * bytes / 80)) >&3"
    template = GROWN.replace("begin\n", "begin\n    {before}\n", 1).replace(
        "    {before}\n    ns=", "    ns=", 1
    )
    ns = "rows * rows * bytes / 8"
    worker = stand_in(measure=template.format(ns=ns, before=before))
    words = ("--rows=40000", "--predict-above=10000", "--rounds=1")
    (row,) = growbench.run(*QUADRATIC, *words, worker.option, ends=EXIT_UNMEASURED).rows

    assert predicted(row)[1] == pytest.approx(40000 * 40000, rel=0.01)
    assert predicted(row, "warm")[1] == pytest.approx(40000 * 40000 / 10, rel=0.01)


def test_one_disturbed_look_does_not_decide(growbench, stand_in):
    log = '"$here/once-$rows-$bytes"'
    before = f"slow=1; test -e {log} || {{ slow=20; touch {log}; }}"
    worker = grown(stand_in, "rows * rows * bytes / 8 * (rows == 10000 ? slow : 1)", before)
    words = ("--rows=40000", "--predict-above=10000", "--rounds=1")
    (row,) = growbench.run(*QUADRATIC, *words, worker.option, ends=EXIT_UNMEASURED).rows

    assert predicted(row)[1] == pytest.approx(40000 * 40000, rel=0.3)
    seen = Counter(rows for rows, size in looks(worker) if size == 8)
    assert [seen[rows] for rows in sorted(seen)[-2:]] == [2, 2]


def test_what_is_declared_quadratic_and_seen_to_be_cheap_is_measured(growbench, stand_in):
    words = [word for word in QUADRATIC if not word.startswith("--strategies")]
    words += ["--strategies=append_in_place", "--rows=250k,260k,270k,280k,290k", "--budget=30"]
    words += ["--rounds=10"]
    worker = grown(stand_in, "rows * 16")
    done = growbench.run(*words, worker.option)

    assert {row["status"] for row in done.rows} == {"ok"}
    assert len(done.rows) == 50


def test_a_size_alone_is_no_reason_to_predict(growbench, stand_in):
    # Only one row can be built in time.
    slow = "test $rows -gt 1 && exit 9"
    words = ("--rows=1M", "--rounds=2", "--budget=20")
    worker = grown(stand_in, "1000", slow)
    done = growbench.run(*QUADRATIC, *words, worker.option, ends=EXIT_UNMEASURED)

    assert {row["status"] for row in done.rows} == {"skipped_budget"}
    assert {row["predicted_cold_build_release_ns"] for row in done.rows} == {""}
    (warning,) = [line for line in done.stderr.splitlines() if "not one row" in line]
    assert re.search(r"--budget \d+ would measure it once", warning)


def test_a_look_that_takes_for_ever_is_ended_and_is_no_prediction(growbench, stand_in):
    worker = grown(stand_in, "rows * rows", "test $rows -gt 2000 && sleep 100")
    words = ("--rows=1M", "--rounds=10", "--budget=20", "--timeout=30")
    done = growbench.run(*QUADRATIC, *words, worker.option, ends=EXIT_UNMEASURED)

    assert done.machine["run"]["pilot_s"] < 20
    assert {row["status"] for row in done.rows} <= {"skipped_budget", "skipped_predicted"}


def test_what_was_named_is_measured_as_often_as_there_is_room(growbench, stand_in):
    # A worker of some seconds: there is room for one in a minute, and not for 10 of them.
    words = ("--rows=1000,20000", "--rounds=10", "--budget=30")
    worker = grown(stand_in, "rows * 50000")
    rows = growbench.run(*QUADRATIC, *words, worker.option).rows
    statuses = [row["status"] for row in rows if row["rows"] == "20000"]

    assert statuses.count("ok") in (1, 6)
    assert statuses.count("ok") + statuses.count("skipped_rounds") == 10


def test_a_run_that_measures_nothing_says_how_much_it_needs(growbench, stand_in):
    words = ("--rows=10M", "--allocators=glibc", "--rounds=2", "--budget=20")
    worker = grown(stand_in, "rows * 1000000 + rows * rows")
    done = growbench.run(
        "--implementations=c", "--strategies=loop_and_append", *words, worker.option,
        ends=EXIT_UNMEASURED,
    )  # fmt: skip

    assert not {row["status"] for row in done.rows} & {"ok"}
    assert re.search(r"warning: .*not one row was measured .*--budget \d+", done.stderr)


def test_plan_says_what_is_measured_predicted_and_left_out(growbench):
    words = ("--rows=100,1M", "--rounds=2", "--budget=20")
    notes = {row["rows"]: row["note"] for row in growbench.plan(*QUADRATIC, *words)}

    assert notes == {"100": "", "1000000": "skipped_predicted"}
    told = growbench("plan", *QUADRATIC, *words).stderr
    assert "1 cells will be skipped_predicted" in told


def decided(rows):
    """Of each row the cell, what became of it, and what was predicted."""
    figures = [(row["status"], row["predicted_cold_build_release_ns"]) for row in rows]
    return list(zip(cells_of(rows), figures))


@pytest.mark.parametrize("older", [False, True])
def test_a_resumed_run_decides_as_it_did_before(growbench, stand_in, out, older):
    worker = grown(stand_in, "rows * rows * bytes / 8")
    words = (*QUADRATIC, "--rows=10,100,50000", "--predict-above=10000")
    words += ("--rounds=6", worker.option)
    growbench.run(*words)
    whole = out / "runs.csv"
    lines = whole.read_bytes().splitlines(keepends=True)
    before = decided(read_rows(out))
    whole.write_bytes(b"".join(lines[:5]))
    if older:
        machine = json.loads((out / "machine.json").read_text())
        for cell in machine["pilot"]:
            for key in ("rounds", "seen_rows", "needed_budget_s"):
                cell.pop(key, None)
        (out / "machine.json").write_text(json.dumps(machine))
    after = decided(growbench.resume().rows)

    assert [cell for cell, *_ in after] == [cell for cell, *_ in before]
    if not older:
        assert after == before


def test_a_patterns_largest_shape_is_looked_at_however_far_it_is(growbench, stand_in):
    """What it does is the same for each element: a small shape tells what the largest takes."""
    worker = grown(stand_in, "rows * bytes / 100")
    words = ("--preset=patterns", "--strategies=copy_contiguous", "--implementations=c")
    words += ("--allocators=glibc", "--passes=pattern", "--rounds=1", "--shapes=1000000x512")
    (row,) = growbench.run(*words, "--budget=10", worker.option).rows

    assert row["status"] == "ok"
    calls = [call for call in worker.calls() if call.startswith("pattern ")]
    rows = [int(re.search(r"--rows (\d+)", call)[1]) for call in calls]
    assert rows[0] * 10 < 1000000 and set(rows[1:]) == {1000000}
