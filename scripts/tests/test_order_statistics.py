"""Known answers for the statistics, and their agreement with independent computations."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from growbench.statistics.order import (
    grouped_order,
    grouped_quantile,
    grouped_spearman,
    interval_rank,
    median_interval,
)

from growbench.statistics.paired import paired_ratio

finite = st.floats(min_value=1e-3, max_value=1e12)


def test_six_values_are_bounded_by_their_extremes():
    assert median_interval([3.0, 1.0, 6.0, 2.0, 5.0, 4.0]) == (1.0, 6.0)


def test_ten_values_are_bounded_by_the_second_from_either_end():
    assert interval_rank(10) == 2
    assert median_interval(np.arange(10.0, 110.0, 10.0)) == (20.0, 90.0)


@pytest.mark.parametrize("count", range(6))
def test_fewer_than_six_values_have_no_interval_instead_of_a_narrow_one(count):
    assert np.isnan(median_interval([7.0] * count)).all()


def test_equal_values_have_an_interval_of_no_width():
    assert median_interval([7.0] * 6) == (7.0, 7.0)


def test_a_missing_value_is_refused():
    with pytest.raises(ValueError):
        median_interval([1.0, 2.0, 3.0, 4.0, 5.0, 6.0, np.nan])


@pytest.mark.parametrize("confidence", ["0.5", "0.9", "0.95", "0.99"])
def test_the_rank_is_the_largest_that_keeps_the_tail(confidence):
    tail = (1 - Fraction(confidence)) / 2
    for count in range(1, 120):
        below, rank = 0, 0
        for j in range(1, count + 1):
            below += math.comb(count, j - 1)
            if Fraction(below, 2**count) <= tail:
                rank = j
        assert interval_rank(count, float(confidence)) == rank
        if rank:
            assert stats.binom.cdf(rank - 1, count, 0.5) <= float(tail)


@pytest.mark.parametrize("count", [6, 9, 10, 12])
def test_the_interval_covers_the_true_median_at_least_as_often_as_it_says(count):
    random = np.random.default_rng(20250101)
    repetitions = 4000
    values = random.lognormal(size=(repetitions, count))
    groups = np.repeat(np.arange(repetitions), count)
    order = grouped_order(values.ravel(), groups, repetitions)
    coverage = np.mean((order.low <= 1.0) & (1.0 <= order.high))
    # Exact coverage 96.9%, 96.1%, 97.9%, 96.1%; the simulation's own error is 0.3%.
    assert 0.95 <= coverage <= 0.99


@pytest.mark.parametrize(
    "a, b, expected",
    [
        ([1.0, 20.0, 300.0], [2.0, 10.0, 100.0], (2.0, np.nan, np.nan, 3)),
        # A common disturbance of both members of a pair cancels.
        ([3.0, 15.0, 0.6, 9.0, 3.0, 120.0], [2.0, 10.0, 0.4, 6.0, 2.0, 80.0], (1.5, 1.5, 1.5, 6)),
        ([1.0, 2.0, 3.0, 4.0, 5.0, 6.0], [1.0] * 6, (np.sqrt(12.0), 1.0, 6.0, 6)),
        ([2.0] * 5, [1.0] * 5, (2.0, np.nan, np.nan, 5)),
        ([2.0, np.nan, 2.0], [1.0, 1.0, np.nan], (2.0, np.nan, np.nan, 1)),
        ([], [], (np.nan, np.nan, np.nan, 0)),
    ],
)
def test_a_ratio_is_that_of_the_pairs_and_not_of_the_medians(a, b, expected):
    assert paired_ratio(np.log(a) - np.log(b)) == pytest.approx(expected, nan_ok=True)


@given(st.lists(st.tuples(finite, finite), min_size=1, max_size=30))
def test_swapping_a_and_b_inverts_the_ratio_and_its_interval(pairs):
    a, b = np.array(pairs).T
    forth, back = (paired_ratio(logs) for logs in (np.log(a) - np.log(b), np.log(b) - np.log(a)))
    inverse = (1.0 / back.ratio, 1.0 / back.high, 1.0 / back.low, len(pairs))
    assert forth == pytest.approx(inverse, nan_ok=True)


@given(st.lists(st.tuples(st.integers(0, 3), finite), max_size=60))
def test_grouped_statistics_are_those_of_each_group_alone(pairs):
    groups = np.array([pair[0] for pair in pairs], dtype=int)
    values = np.array([pair[1] for pair in pairs], dtype=float)
    order = grouped_order(values, groups, 5)
    for group in range(5):
        own = values[groups == group]
        assert order.size[group] == len(own)
        interval = median_interval(own)
        np.testing.assert_array_equal((order.low[group], order.high[group]), interval)
        if len(own):
            assert order.median[group] == pytest.approx(np.median(own), rel=1e-15)
            assert (order.minimum[group], order.maximum[group]) == (own.min(), own.max())
        else:
            assert np.isnan([order.median[group], order.minimum[group]]).all()


def test_grouped_statistics_leave_missing_values_out():
    order = grouped_order([np.nan, 2.0, np.nan], [0, 0, 1], 2)
    assert order.size.tolist() == [1, 0]
    assert order.median[0] == 2.0 and np.isnan(order.median[1])


def test_rank_correlation_agrees_with_scipy_with_ties_and_in_any_order():
    random = np.random.default_rng(3)
    groups = random.integers(0, 6, 90)
    x, y = random.integers(0, 9, 90), random.integers(0, 5, 90)
    r, p = grouped_spearman(x, y, groups, 6)
    for group in range(6):
        expected = stats.spearmanr(x[groups == group], y[groups == group])
        assert (r[group], p[group]) == pytest.approx((expected.correlation, expected.pvalue))


def test_rank_correlation_of_too_few_or_constant_values_is_missing():
    r, p = grouped_spearman([1, 2, 1, 2, 3], [1, 2, 7, 7, 7], [0, 0, 1, 1, 1], 3)
    assert np.isnan(r).all() and np.isnan(p).all()


@given(st.lists(st.floats(-5, 5), min_size=1, max_size=30), st.floats(0.01, 0.99))
def test_grouped_quantile_is_numpys(values, share):
    groups = [i % 3 for i in range(len(values))]
    found = grouped_quantile(values, groups, 4, share)
    for group in range(4):
        own = [value for value, of in zip(values, groups) if of == group]
        expected = np.quantile(own, share, method="weibull") if own else np.nan
        assert found[group] == pytest.approx(expected, nan_ok=True)
