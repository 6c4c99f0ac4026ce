"""The statistics keep their promises, in a fast version of `make validate-statistics`; and the
simulations notice statistics that do not."""

import importlib
import itertools

import numpy as np
import pytest
from test_same_machine import SIZES, STRATEGIES, run

from growbench.command_line import entry
from growbench.comparison import validation
from growbench.comparison import same_machine
from growbench.statistics import order, shift


@pytest.fixture(scope="module")
def checks():
    return validation.simulated(seed=1, fast=True)


def test_every_promise_is_kept_and_every_control_fails(checks):
    assert [check for check in checks if not check.met] == []
    assert len(checks) == 45


def test_intervals_that_are_too_narrow_are_noticed(monkeypatch):
    narrow = order.interval_rank
    monkeypatch.setattr(order, "interval_rank", lambda n, confidence=0.95: narrow(n) + 1)
    broken = [check for check in validation.coverage(1, 800) if not check.met]
    assert len(broken) >= 4


def by_hand(looks):
    """The same as worst_coverage() for two looks, from each sequence of values below (1) and above
    (0) the median: the rule ends where it knows that it misses, and otherwise at the likelier."""
    first, last = looks

    def misses(values):
        rank = order.interval_rank(len(values))
        return not rank <= sum(values) <= len(values) - rank

    missed = 0.0
    for begun in itertools.product((0, 1), repeat=first):
        rest = list(itertools.product((0, 1), repeat=last - first))
        going_on = sum(misses(begun + more) for more in rest) / len(rest)
        missed += max(misses(begun), going_on)
    return 1.0 - missed / 2**first


@pytest.mark.parametrize("looks", [(6, 9), (6, 10), (9, 12), (9, 15)])
def test_the_worst_coverage_is_that_of_all_sequences(looks):
    assert validation.worst_coverage(looks) == pytest.approx(by_hand(looks), abs=1e-12)


def test_one_look_keeps_the_promise_and_more_looks_lose_by_each():
    assert validation.worst_coverage((9,)) == pytest.approx(1 - 20 / 512)
    assert validation.worst_coverage((9, 15)) >= 0.94
    once, twice = validation.worst_coverage((9, 15)), validation.worst_coverage((9, 12, 15))
    assert twice < once < validation.worst_coverage((9,))


def test_intervals_of_two_stages_that_are_too_narrow_are_noticed(monkeypatch):
    narrow = order.interval_rank
    monkeypatch.setattr(order, "interval_rank", lambda n, confidence=0.95: narrow(n) + 1)
    monkeypatch.setattr(validation, "interval_rank", order.interval_rank)
    found = [check for check in validation.two_stages(1, 600) if check.goal == "at least 94%"]
    assert len(found) == 11 and not any(check.met for check in found)


def test_p_values_that_are_too_small_are_noticed(monkeypatch):
    def halved(a, b, confidence=0.95):
        found = shift.hodges_lehmann(a, b, confidence)
        return found._replace(low=found.shift + (found.low - found.shift) / 2)

    monkeypatch.setattr(validation, "hodges_lehmann", halved)
    assert any(
        not check.met for check in validation.coverage(1, 800) if "run against" in check.name
    )


def test_a_comparison_without_adjustment_is_noticed(monkeypatch):
    """Without Holm, and with any family that looks slower called so, equal things are not equal."""
    monkeypatch.setattr(same_machine, "grouped_holm", lambda p, groups: np.zeros(len(p)))
    random = np.random.default_rng(1)
    pairs = [validation.interleaved(random, validation.Machine(), 10) for _ in range(2)]
    settings = same_machine.Settings(family_threshold=1e-6, cell_threshold=1e-6)
    metrics = [validation.metric(validation.METRIC)]
    assert any(same_machine.compare(*pair, metrics, settings).count("slower") for pair in pairs)


def test_measured_pairs_are_judged_like_simulated_ones():
    few = {"strategies": STRATEGIES[:2], "sizes": SIZES[:2], "rounds": 60}
    base, new = (run(seed, 0.02, **few) for seed in (1, 2))
    found = {check.name.strip(): check for check in validation.real((base, new), 20)}
    planted = next(check for name, check in found.items() if name.startswith("20% slower"))
    assert planted.share == 1.0 and planted.met
    ended = next(check for name, check in found.items() if "end in 1 (3)" in name)
    assert ended.share == 0.0


def test_the_command_ends_in_1_for_a_broken_promise(monkeypatch, capsys):
    main = importlib.import_module("growbench.cli.validate").main
    broken = [validation.Check("a promise", "all", 0.5, False)]
    monkeypatch.setattr(validation, "simulated", lambda seed, fast: broken)
    assert entry.run(main, ["statistics"]) == 1
    assert "NOT KEPT" in capsys.readouterr().out
    monkeypatch.setattr(validation, "simulated", lambda seed, fast: [broken[0]._replace(met=True)])
    assert entry.run(main, ["statistics"]) == 0
