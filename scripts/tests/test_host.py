"""Which host a run saw, and how far two are apart: known prices, known answers."""

import copy
import json

import pandas as pd
import pytest
from full_runs import full_run, probe_row

from growbench.analysis.host import MACHINE, NOT_KNOWN, SAME, STATE, distance, fingerprint
from growbench.analysis.limits import Costs, machine_limits
from growbench.data.columns import COLUMNS

QUIET = {"instruction": 0.3, "call": 200.0, "page": 1900.0, "copy_near": 90.0, "copy_far": 7e6}
NO_ROWS = pd.DataFrame(columns=[column.name for column in COLUMNS])
HARDWARE = {"cpu_model": "AMD EPYC", "cpu_family": "25", "caches": [{"level": 1, "bytes": 32768}]}


def described(*moments: dict, best: float = 0.98, **host) -> dict:
    """machine.json of a run with these prices at its moments, whose best are so many times that."""
    made = [
        {
            "moment": f"m{number}",
            "prices": {name: {"median_ns": ns, "min_ns": ns * best} for name, ns in prices.items()},
        }
        for number, prices in enumerate(moments)
    ]
    return {"machine": HARDWARE, "host": {"moments": made, "changed": False, **host}}


def of(*moments: dict, **host):
    return fingerprint(NO_ROWS, described(*moments, **host))


def times(factor: float, *names: str) -> dict:
    return {name: ns * (factor if name in names else 1.0) for name, ns in QUIET.items()}


def test_a_fingerprint_is_the_middle_of_the_moments_and_the_best_of_all():
    found = of(QUIET, times(1.2, "page"), times(1.1, "page"), state="as told")
    assert list(found.prices) == list(QUIET)
    page = found.prices["page"]
    assert page.typical == pytest.approx(1900 * 1.1)
    assert page.best == pytest.approx(1900 * 0.98)
    assert page.drift == pytest.approx(1.2)
    assert found.text() == "as told"


def test_a_run_that_is_older_is_known_by_its_probes():
    sizes = {"touch": (262_144, 1_048_576, 8_388_608), "copy": (8192, 131_072, 67_108_864)}
    rows = [probe_row("system_call", "glibc", 1, visit, 200.0 + visit) for visit in (1, 2, 3)]
    rows += [probe_row("chase", "glibc", 16384, 1, 5.0)]
    rows += [probe_row(name, "glibc", s, 1, s / 10.0) for name, of in sizes.items() for s in of]
    runs = pd.DataFrame(rows, columns=[column.name for column in COLUMNS])
    found = fingerprint(runs, None)
    typical = {name: price.typical for name, price in found.prices.items()}
    assert typical == {
        "call": 202.0,
        "page": 104_857.6,
        "copy_near": 819.2,
        "copy_far": 6_710_886.4,
    }
    assert found.prices["call"].drift == pytest.approx(203 / 201)
    assert found.text() == "call 202 ns, page 105 µs, copy_near 819 ns, copy_far 6.71 ms"


@pytest.mark.parametrize(
    "machine",
    [
        None,
        {},
        {"host": None},
        {"host": []},
        {"host": {"moments": 5}},
        {"host": {"moments": [5, None, {"prices": 3}, {"prices": {"page": 7}}]}},
        {"host": {"moments": [{"prices": {"page": {"median_ns": "x", "min_ns": 1}}}]}},
        {"host": {"moments": [{"prices": {"page": {"median_ns": 1, "min_ns": 2}}}]}},
        {"host": {"moments": [{"prices": {"page": {"median_ns": True, "min_ns": True}}}]}},
        {"host": {"moments": [{"prices": {"page": {"median_ns": 0, "min_ns": 0}}}]}},
    ],
    ids=json.dumps,
)
def test_what_is_no_price_is_none(machine):
    found = fingerprint(NO_ROWS, machine)
    assert found.prices == {} and found.text() == ""
    assert distance(found, of(QUIET)).verdict == NOT_KNOWN


@pytest.mark.parametrize(
    "base, new, verdict, moved",
    [
        ([QUIET], [QUIET], SAME, ()),
        ([QUIET], [times(1.09, *QUIET)], SAME, ()),
        ([QUIET], [times(1.11, "page")], STATE, ("page",)),
        # The other way round it is as far.
        ([times(1.11, "page")], [QUIET], STATE, ("page",)),
        # The clock: all that is the core's own.
        ([QUIET], [times(1.5, "instruction", "call", "copy_near")], STATE,
         ("instruction", "call", "copy_near")),
        # The run saw as much by itself.
        ([QUIET, times(1.3, "page")], [times(1.4, "page")], SAME, ()),
        ([QUIET, times(1.3, "page")], [times(1.6, "page")], STATE, ("page",)),
        # No neighbour makes anything cheaper.
        ([QUIET], [{**times(1.3, "page"), "call": 150.0}], MACHINE, ("call", "page")),
        ([QUIET], [{**times(1.05, "page"), "call": 150.0}], STATE, ("call",)),
    ],
)  # fmt: skip
def test_how_far_apart_two_hosts_are(base, new, verdict, moved):
    found = distance(of(*base), of(*new))
    assert (found.verdict, found.moved) == (verdict, moved)


def test_only_prices_that_both_have_are_compared():
    some = {name: QUIET[name] for name in ("call", "page")}
    other = {"page": 1900.0, "copy_near": 500.0}
    found = distance(of(some), of(other))
    assert found.verdict == SAME and list(found.ratios) == ["page"]
    assert distance(of({"call": 1.0}), of({"page": 1.0})).verdict == NOT_KNOWN


def test_other_hardware_is_another_machine_whatever_it_costs():
    machine = described(QUIET)
    changed = copy.deepcopy(machine)
    changed["machine"]["caches"] = [{"level": 1, "bytes": 49152}]
    del changed["machine"]["cpu_family"]
    found = distance(fingerprint(NO_ROWS, machine), fingerprint(NO_ROWS, changed))
    assert found.verdict == MACHINE and found.text() == "another machine: caches"


def test_the_distance_in_words():
    other = distance(of(QUIET), of({**times(1.5, "page"), "call": 100.0}))
    assert other.text() == "another machine: best call -50%, best page +50%"
    text = "another state: page +50%, call +20%"
    new = of({**times(1.5, "page"), "call": 240.0})
    assert distance(of(QUIET), new).text() == text
    assert distance(of(QUIET), of(QUIET)).text().startswith("same: instruction +0%, call +0%")


def test_of_two_visits_of_a_probe_the_cheaper_is_the_price():
    columns = [column.name for column in COLUMNS]

    def price(*visits: float) -> float:
        rows = [probe_row("touch", "glibc", 4096, n, ns) for n, ns in enumerate(visits, start=1)]
        return Costs(machine_limits(pd.DataFrame(rows, columns=columns))).machine("touch")

    assert price(2900.0, 66_800.0) == 2900.0
    assert price(66_800.0, 2900.0, 3000.0) == 3000.0
    assert price(2900.0) == 2900.0


def test_compare_says_that_the_host_was_another(call_here, tmp_path):
    from conftest import write_runs

    runs, _ = full_run(["realloc_doubling"], ["glibc"], [1000], 6)
    for name, factor in (("quiet", 1.0), ("busy", 1.4), ("again", 1.02)):
        write_runs(runs, tmp_path / name / "runs.csv")
        machine = {**described(times(factor, "page")), "machine_id": runs["machine_id"].iloc[0]}
        (tmp_path / name / "machine.json").write_text(json.dumps(machine))
    quiet, busy, again = (str(tmp_path / name) for name in ("quiet", "busy", "again"))
    assert "another state: page +40%" in call_here("compare", quiet, busy).stdout
    assert "host" not in call_here("compare", quiet, again).stdout
