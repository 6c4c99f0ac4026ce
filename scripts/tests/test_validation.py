"""The statistics keep their promises, in a fast version of `make validate-statistics`; and the
simulations notice statistics that do not."""

import importlib
import itertools

import numpy as np
import pytest
from test_same_machine import SIZES, STRATEGIES, run

from growbench.command_line import entry
from growbench.comparison import between, same_machine
from growbench.promises import comparisons, histories, intervals, runs, statistics
from growbench.promises.check import Check
from growbench.statistics import change_points, moderated, order, shift


@pytest.fixture(scope="module")
def checks():
    return statistics.simulated(seed=1, fast=True)


def test_every_promise_is_kept_and_every_control_fails(checks):
    assert [check for check in checks if not check.met] == []
    assert len(checks) == 91


@pytest.fixture
def narrow(monkeypatch):
    """Intervals by one value on each side narrower than they should be."""
    rank = order.interval_rank
    for module in (order, intervals):
        monkeypatch.setattr(
            module, "interval_rank", lambda n, confidence=0.95: rank(n, confidence) + 1
        )


def test_intervals_that_are_too_narrow_are_noticed(narrow):
    assert len([check for check in intervals.coverage(1, 800) if not check.met]) >= 4


def test_intervals_of_two_stages_that_are_too_narrow_are_noticed(narrow):
    found = [one for one in intervals.two_stages(1, 600) if one.goal.startswith("at least 9")]
    assert len(found) == 22 and not any(check.met for check in found)


def by_hand(first, ends):
    """The same as worst_coverage() for one look, from each sequence of values below (1) and above
    (0) the median: the rule ends where it knows that it misses, and otherwise at the likeliest."""

    def misses(values):
        rank = order.interval_rank(len(values))
        return not rank <= sum(values) <= len(values) - rank

    def share(begun, end):
        rest = itertools.product((0, 1), repeat=end - first)
        return sum(misses(begun + more) for more in rest) / 2 ** (end - first)

    every = itertools.product((0, 1), repeat=first)
    return (
        1.0 - sum(max(share(begun, end) for end in (first, *ends)) for begun in every) / 2**first
    )


@pytest.mark.parametrize(
    "first, ends, missed",
    [
        (9, (), 20 / 512),
        (6, (10,), None),
        (9, (12,), 0.0566),
        (9, (12, 15), 0.0618),
        (6, (9, 12), 0.0620),
    ],
)
def test_the_worst_coverage_is_that_of_all_sequences(first, ends, missed):
    """The figures are those of harness/runner/plan/extension.h."""
    found = intervals.worst_coverage((first,), ends)
    assert found == pytest.approx(by_hand(first, ends), abs=1e-12)
    assert missed is None or 1.0 - found == pytest.approx(missed, abs=5e-5)


def test_more_looks_lose_by_each():
    once = intervals.worst_coverage((9,), (12, 15))
    assert intervals.worst_coverage((9, 12, 15)) < once < intervals.worst_coverage((9,))


def test_plans_are_as_the_runner_extends_them():
    """By as many rounds as it takes to lose one more value on each side, and two."""
    for all_have, ends in intervals.PLANS:
        ranks = [order.interval_rank(count) for count in (all_have, *ends)]
        assert ranks == [ranks[0], ranks[0] + 1, ranks[0] + 2]
        assert all(order.interval_rank(end - 1) < order.interval_rank(end) for end in ends)


def test_p_values_that_are_too_small_are_noticed(monkeypatch):
    def halved(a, b, confidence=0.95):
        found = shift.hodges_lehmann(a, b, confidence)
        return found._replace(low=found.shift + (found.low - found.shift) / 2)

    monkeypatch.setattr(intervals, "hodges_lehmann", halved)
    assert any(not check.met for check in intervals.coverage(1, 800) if "run against" in check.name)


def test_a_comparison_without_adjustment_is_noticed(monkeypatch):
    """Without Holm, and with any family that looks slower called so, equal things are not equal."""
    monkeypatch.setattr(same_machine, "grouped_holm", lambda p, groups: np.zeros(len(p)))
    random = np.random.default_rng(1)
    pairs = [comparisons.interleaved(random, comparisons.Machine(), 10) for _ in range(2)]
    settings = same_machine.Settings(family_threshold=1e-6, cell_threshold=1e-6)
    metrics = [comparisons.metric(comparisons.METRIC)]
    assert any(same_machine.compare(*pair, metrics, settings).count("slower") for pair in pairs)


def test_measured_pairs_are_judged_like_simulated_ones():
    few = {"strategies": STRATEGIES[:2], "sizes": SIZES[:2], "rounds": 60}
    base, new = (run(seed, 0.02, **few) for seed in (1, 2))
    found = {check.name.strip(): check for check in comparisons.real((base, new), 20)}
    planted = next(check for name, check in found.items() if name.startswith("20% slower"))
    assert planted.share == 1.0 and planted.met
    ended = next(check for name, check in found.items() if "end in 1 (3)" in name)
    assert ended.share == 0.0


def test_the_command_ends_in_1_for_a_broken_promise(monkeypatch, capsys):
    main = importlib.import_module("growbench.cli.validate").main
    broken = [Check("a promise", "all", 0.5, False)]
    monkeypatch.setattr(statistics, "simulated", lambda seed, fast: broken)
    assert entry.run(main, ["statistics"]) == 1
    assert "NOT KEPT" in capsys.readouterr().out
    monkeypatch.setattr(statistics, "simulated", lambda seed, fast: [broken[0]._replace(met=True)])
    assert entry.run(main, ["statistics"]) == 0


def test_histories_that_cry_wolf_are_noticed(monkeypatch):
    """Each series by itself: without regard for how many there are, some change is always found."""

    def alone(left, splits, may, damping, random):
        some = range(min(3, len(left.values)))
        largest = [of_all(left.at([n]), splits[:1], may, damping, random) for n in some]
        return np.mean(largest, axis=0)

    of_all = change_points._largest
    monkeypatch.setattr(change_points, "_largest", alone)
    promise, _ = histories.unchanged(1, 6)
    assert not promise.met


def test_runs_that_are_taken_for_more_than_they_are_are_noticed(monkeypatch):
    """Intervals of several runs that leave out what families differ by between runs."""
    shift = moderated.moderated_shift

    def narrow(base, new):
        found = shift(base, new)
        reach = (found.high - found.shift) / 2.0
        return found._replace(low=found.shift - reach, high=found.shift + reach)

    monkeypatch.setattr(between.moderated, "moderated_shift", narrow)
    broken = [check for check in runs.several_runs(1, 6) if not check.met]
    assert sum("hold the truth" in check.name for check in broken) == 9


def test_p_that_is_not_adjusted_for_all_families_is_noticed(monkeypatch):
    monkeypatch.setattr(
        between.moderated, "adjusted_p", lambda t: (abs(t) >= abs(t[0])).mean(axis=0)
    )
    broken = [check for check in runs.several_runs(1, 6) if not check.met]
    assert any("equal sides that end in 1" in check.name for check in broken)
