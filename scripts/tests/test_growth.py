"""Exponents, crossovers and visible effects: known answers."""

import numpy as np
import pytest

from growbench.statistics.crossover import crossovers
from growbench.statistics.growth import growth_exponent, tail
from growbench.statistics.shift import hodges_lehmann, paired_shift
from growbench.statistics.visible import visible_paired_shift, visible_shift

SIZES = np.array([10.0, 100.0, 1000.0, 10_000.0])


@pytest.mark.parametrize(
    "boundaries, indices, straddles",
    [
        ((), [0, 1, 2, 3, 4], False),
        ((50,), [1, 2, 3, 4], False),
        ((300,), [2, 3, 4], False),
        ((3000,), [2, 3, 4], True),
        ((50, 300, 10_000_000), [2, 3, 4], False),
        ((100,), [1, 2, 3, 4], False),
    ],
)
def test_the_tail_stays_on_one_side_of_a_boundary_if_it_can(boundaries, indices, straddles):
    found, over = tail([10, 100, 1000, 10_000, 100_000], boundaries)
    assert (list(found), over) == (indices, straddles)


def test_the_exponent_is_that_of_the_tail_not_of_the_overhead():
    values = np.tile(1e4 + SIZES**2, (10, 1))
    found = growth_exponent(SIZES, values, 80 * SIZES, (40_000.0,))
    # 1000 rows still carry 1% of overhead.
    assert found.size_count == 3 and found.straddles
    whole = growth_exponent(SIZES, values, 80 * SIZES)
    assert whole.exponent < found.exponent < 2.0


def test_the_interval_is_that_of_the_rounds_slopes():
    slopes = np.linspace(0.8, 1.2, 10)
    values = np.exp(slopes[:, None] * np.log(SIZES)[None, :])
    found = growth_exponent(SIZES, values, 80 * SIZES)
    ordered = np.sort(slopes)
    assert found.exponent == pytest.approx(1.0)
    assert (found.low, found.high) == pytest.approx((ordered[1], ordered[8]))


def test_a_round_that_lacks_a_size_has_no_slope():
    values = np.tile(SIZES**2, (8, 1))
    values[0, 3] = np.nan
    values[1] = np.nan, 1.0, 1.0, np.nan
    found = growth_exponent(SIZES, values, 80 * SIZES)
    assert (found.exponent, found.low, found.high) == pytest.approx((2.0, 2.0, 2.0))
    values[2, 0] = np.nan
    assert np.isnan(growth_exponent(SIZES, values, 80 * SIZES).low)  # five are too few


@pytest.mark.parametrize("sizes", [[], [10.0]])
def test_fewer_than_two_sizes_have_no_exponent(sizes):
    found = growth_exponent(sizes, np.ones((10, len(sizes))), sizes)
    assert np.isnan(found.exponent) and np.isnan(found.low)


def test_few_rounds_have_an_exponent_without_an_interval():
    found = growth_exponent(SIZES, np.tile(SIZES, (3, 1)), 80 * SIZES)
    assert found.exponent == pytest.approx(1.0) and np.isnan(found.low)


def rounds_of(curve, noise=0.0, rounds=10, seed=1):
    random = np.random.default_rng(seed)
    return np.asarray(curve) + random.normal(0.0, noise, (rounds, len(curve)))


@pytest.mark.parametrize(
    "curve, size, faster_below",
    [
        ([-1.0, -0.5, 0.5, 1.0], np.sqrt(100 * 1000), True),
        ([1.0, 0.5, -0.5, -1.0], np.sqrt(100 * 1000), False),
        # What is exactly equal is on neither side.
        ([-1.0, 0.0, 0.0, 1.0], 1000, True),
    ],
)
def test_a_crossover_is_where_the_line_meets_zero(curve, size, faster_below):
    (found,) = crossovers(SIZES, rounds_of(curve))
    assert found[:3] == pytest.approx((size, size, size))
    assert found.faster_below == faster_below


def test_sizes_that_are_not_resolved_widen_the_interval():
    narrow = crossovers(SIZES, rounds_of([-1.0, -0.5, 0.5, 1.0], 0.05))[0]
    wide = crossovers(SIZES, rounds_of([-1.0, -0.01, 0.01, 1.0], 0.3))[0]
    assert wide.high / wide.low > narrow.high / narrow.low
    assert SIZES[0] <= wide.low <= wide.size <= wide.high <= SIZES[3]


def test_two_crossovers_are_two():
    found = crossovers(SIZES, rounds_of([-1.0, 1.0, 1.0, -1.0], 0.05))
    assert [one.faster_below for one in found] == [True, False]


@pytest.mark.parametrize(
    "curve, noise",
    [([-1.0, -0.5, -0.2, -0.1], 0.01), ([-0.01, 0.0, 0.0, 0.01], 0.3)],
)
def test_what_the_data_do_not_support_is_no_crossover(curve, noise):
    assert crossovers(SIZES, rounds_of(curve, noise)) == []


def test_few_rounds_support_no_crossover():
    assert crossovers(SIZES, rounds_of([-1.0, -0.5, 0.5, 1.0], rounds=5)) == []


def power(test, alpha):
    return (test.p <= alpha).mean()


@pytest.mark.parametrize(
    "m, n, alpha", [(10, 10, 0.05), (10, 10, 3e-4), (6, 12, 0.01), (30, 30, 1e-3)]
)
def test_what_is_visible_is_seen_four_times_in_five(m, n, alpha):
    random = np.random.default_rng(m * n)
    a, b = random.normal(size=(3000, m)), random.normal(size=(3000, n))
    shift = float(visible_shift(1.0, m, n, alpha))
    assert power(hodges_lehmann(a, b + shift), alpha) == pytest.approx(0.8, abs=0.05)


@pytest.mark.parametrize("n, alpha", [(10, 0.05), (20, 1e-4), (40, 1e-3)])
def test_what_is_visible_in_pairs_is_seen_four_times_in_five(n, alpha):
    differences = np.random.default_rng(n).normal(size=(3000, n))
    shift = float(visible_paired_shift(1.0, n, alpha))
    assert power(paired_shift(differences + shift), alpha) == pytest.approx(0.8, abs=0.05)


def test_the_visible_effect_scales_with_the_noise():
    quiet, noisy = visible_shift([0.01, 0.1], 10, 10, 1e-3)
    assert noisy == pytest.approx(10 * quiet)


def test_too_few_workers_see_nothing_however_large():
    # 2 / C(12, 6) is above 0.001; so is 2 / 2^10.
    assert visible_shift([0.1, 0.0], 6, 6, 1e-3).tolist() == [np.inf, np.inf]
    assert visible_paired_shift(0.1, 10, 1e-3) == np.inf
    assert visible_shift(0.1, 0, 10, 0.05) == np.inf
