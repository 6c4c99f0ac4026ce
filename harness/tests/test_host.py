"""Which host a run saw, as machine.json and the runner tell it: prices are planted by a worker."""

import json

import pytest
from conftest import EXIT_DONE, EXIT_INTERRUPTED, ONE_CELL, Growbench, real_allocators

# One page of 1 MiB is touched at each of the three visits of the probes.
_TOUCH = "--probe touch --rows 1 --row-bytes 1048576 "
# What the probes say, in ns: `first` up to the visit number `last`, and then `other`.
_PROBES = (
    'begin; n=$(grep -c -e "{touch}" "$here/calls"); ns={first}; '
    '[ "$n" -gt {last} ] && ns={other}; '
    'printf "probe_ns $ns.5\\nprobe_min_ns $ns\\nprobe_value_count 9\\n" >&3; end'
)
RUN = (*ONE_CELL, "--rounds=4", "--passes=measure,probe")


def probes(first: int = 100, other: int = 100, last: int = 3) -> str:
    return _PROBES.format(touch=_TOUCH, first=first, other=other, last=last)


def host_of(done) -> dict:
    return done.machine["host"]


def test_a_steady_host_is_told_as_such(growbench, stand_in):
    done = growbench.run(*RUN, stand_in(other=probes()).option)
    host = host_of(done)

    assert host["changed"] is False and host["changes"] == []
    assert [moment["moment"] for moment in host["moments"]] == ["start", "middle", "end"]
    for moment in host["moments"]:
        assert set(moment["prices"]) == {"instruction", "call", "page", "copy_near", "copy_far"}
        assert moment["prices"]["page"] == {"median_ns": 100.5, "min_ns": 100.0}
        assert moment["load"] is None or moment["load"] >= 0
    assert host["state"].endswith("; steady")
    assert "host changed" not in done.stderr


def test_a_host_that_changes_while_the_run_goes_on_is_warned_of(growbench, stand_in):
    done = growbench.run(*RUN, stand_in(other=probes(other=150, last=2)).option)
    host = host_of(done)

    assert host["changed"] is True
    page = next(change for change in host["changes"] if change["price"] == "page")
    assert (page["from"], page["to"]) == ("start", "end")
    assert page["ratio"] == pytest.approx(150.5 / 100.5)
    assert page["limit_ratio"] == pytest.approx(1.1)
    (line,) = [line for line in done.stderr.splitlines() if "host changed" in line]
    assert "page +50% (start to end)" in line


def test_a_run_without_the_probes_takes_its_prices_by_itself(growbench, stand_in):
    worker = stand_in(other=probes())
    done = growbench.run(*ONE_CELL, worker.option)
    host = host_of(done)

    assert set(host["moments"][0]["prices"]) == {"instruction", "call", "page", "copy_near"}
    assert host["changed"] is None, "it was over at once"
    assert host["moments"][-1]["prices"] == {}
    assert "--passes" in host["probes"]["copy_far"]["why_not"]
    assert sum(call.startswith("probe ") for call in worker.calls()) == 4
    assert {row["pass"] for row in done.rows} == {"measure"}, "no row is made of them"


def test_a_longer_run_without_the_probes_looks_three_times(growbench, stand_in):
    worker = stand_in(measure="sleep 0.3; honest", other=probes(other=150, last=2))
    done = growbench.run(*ONE_CELL, "--rounds=14", worker.option)

    assert [len(moment["prices"]) for moment in host_of(done)["moments"]] == [4, 4, 4]
    assert "page +50% (start to end)" in done.stderr


@pytest.mark.parametrize("says", ["exit 1", "begin; end", "kill -9 $$"])
def test_a_price_that_cannot_be_taken_is_missing_with_the_reason(says, growbench, stand_in):
    done = growbench.run(*ONE_CELL, stand_in(other=says).option, ends=EXIT_DONE)
    host = host_of(done)

    assert host["moments"][0]["prices"] == {} and host["changed"] is None
    assert host["state"] == "no price is known"
    assert all(len(probe["why_not"]) > 10 for probe in host["probes"].values())


def test_what_was_seen_before_an_interruption_is_kept(growbench, stand_in, out):
    measure = "test $call = 4 && { kill -TERM $PPID; sleep 0.2; }; honest"
    worker = stand_in(measure=measure, other=probes(other=150, last=1))
    words = (*RUN, worker.option)
    begun = growbench.run(*words, ends=EXIT_INTERRUPTED)

    assert [len(moment["prices"]) for moment in host_of(begun)["moments"]][0] == 5
    done = growbench.resume()
    assert [len(moment["prices"]) for moment in host_of(done)["moments"]] == [5, 5, 5]
    assert host_of(done)["moments"][0] == host_of(begun)["moments"][0]
    assert host_of(done)["changed"] is True


def test_a_run_that_was_begun_before_hosts_were_looked_at_goes_on(growbench, stand_in, out):
    measure = "test $call = 4 && { kill -TERM $PPID; sleep 0.2; }; honest"
    growbench.run(*ONE_CELL, "--rounds=5", stand_in(measure=measure).option, ends=EXIT_INTERRUPTED)
    machine = json.loads((out / "machine.json").read_text())
    del machine["host"]
    (out / "machine.json").write_text(json.dumps(machine))
    done = growbench.resume()

    assert len(done.rows) == 5
    assert host_of(done)["moments"][0]["prices"]["page"]["median_ns"] == 3.25


@real_allocators
def test_the_real_machine_has_prices_and_facts(tmp_path):
    done = Growbench(tmp_path).run(*ONE_CELL)
    machine, system = done.machine["machine"], done.machine["system"]
    prices = host_of(done)["moments"][0]["prices"]

    assert 0 < prices["instruction"]["median_ns"] < prices["call"]["median_ns"]
    assert prices["call"]["min_ns"] <= prices["call"]["median_ns"]
    assert machine["worker_cpu"] == done.machine["run"]["worker_cpus"][0]
    absent = done.machine["absent"]
    for name in ("glibc_tunables", "isa_level", "memory_policy", "cgroup_cpu_burst_us"):
        assert (system[name] is None) == (name in absent), name


@real_allocators
def test_the_tunables_are_those_that_workers_get(tmp_path):
    variables = {"GLIBC_TUNABLES": "glibc.malloc.arena_max=3"}
    system = Growbench(tmp_path).run(*ONE_CELL, variables=variables).machine["system"]

    if system["glibc_tunables"] is not None:
        assert system["glibc_tunables"]["malloc.arena_max"] == "0x3"
