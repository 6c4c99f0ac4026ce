"""Few runs a side, many families: variances that are drawn together, and p by dealing anew."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import special, stats

from growbench.statistics import moderated


def sides(seed, families=60, a_side=5, deviation=0.02, widths=0.0):
    random = np.random.default_rng(seed)
    each = deviation * np.exp(random.normal(0.0, widths, (families, 1)))
    values = each * random.normal(0.0, 1.0, (families, 2 * a_side))
    return values[:, :a_side], values[:, a_side:]


@given(st.floats(1e-4, 1e4))
def test_inverse_trigamma_is_one(x):
    value = special.polygamma(1, x)
    assert moderated._inverse_trigamma(np.array([value])) == pytest.approx([x], rel=1e-6)


@pytest.mark.parametrize("freedom, prior", [(8, 4.0), (4, 10.0), (2, 6.0)])
def test_a_prior_is_found_again(freedom, prior):
    random = np.random.default_rng(1)
    true = 0.04 * prior / random.chisquare(prior, 20_000)
    variance = true * random.chisquare(freedom, 20_000) / freedom
    found = moderated.fit_prior(variance, np.full(20_000, float(freedom)))
    assert found.freedom == pytest.approx(prior, rel=0.1)
    assert found.variance == pytest.approx(0.04, rel=0.05)


def test_families_that_are_alike_make_a_prior_that_decides_alone():
    random = np.random.default_rng(2)
    variance = random.chisquare(8, 5000) / 8
    variance = np.exp(np.log(variance) * 0.9)
    found = moderated.fit_prior(variance, np.full(5000, 8.0))
    assert np.isinf(found.freedom) and found.variance == pytest.approx(1.0, rel=0.1)


def test_two_families_have_no_prior_and_get_students_t():
    base, new = sides(3, families=2)
    found = moderated.moderated_shift(base, new)
    plain = stats.ttest_ind(new, base, axis=1)
    assert found.shift / found.error == pytest.approx(plain.statistic)
    # Of two families the prior has nothing, so that the interval is that of Student.
    reach = stats.t.ppf(0.975, 8) * found.error
    assert (found.freedom == 8.0).all()
    assert found.high - found.shift == pytest.approx(reach)


def test_the_spread_of_a_family_is_between_its_own_and_that_of_all():
    base, new = sides(4, widths=0.5)
    found = moderated.moderated_shift(base, new)
    own = np.sqrt((base.var(axis=1, ddof=1) + new.var(axis=1, ddof=1)) / 2.0)
    drawn, typical = found.deviation, np.median(own)
    narrow, wide = own < 0.5 * typical, own > 2.0 * typical
    assert (drawn[narrow] > own[narrow]).all() and (drawn[wide] < own[wide]).all()


def test_families_that_move_together_tell_no_more_than_one():
    """All families have the same noise: nothing is learnt from the others."""
    random = np.random.default_rng(5)
    one = random.normal(0.0, 1.0, 10)
    values = one * np.linspace(1.0, 1.3, 60)[:, None]
    found = moderated.moderated_shift(values[:, :5], values[:, 5:])
    assert (found.freedom <= 8.01).all()
    apart = moderated.moderated_shift(*sides(5))
    assert (apart.freedom > 30).all()


def test_independent_families_count_as_many_as_they_are():
    base, new = sides(6, families=200)
    residuals = np.hstack([side - side.mean(axis=1)[:, None] for side in (base, new)])
    assert moderated.independent_count(residuals, 8.0) > 50
    assert moderated.independent_count(np.tile(residuals[0], (200, 1)), 8.0) == pytest.approx(1.0)


def test_deals_are_all_ways_to_take_a_side_and_the_first_is_the_real_one():
    for m, n, count in ((2, 2, 3), (3, 3, 10), (5, 5, 126), (2, 4, 15), (1, 4, 5)):
        ways = moderated.deals(m, n)
        assert len(ways) == count and len({tuple(way) for way in ways}) == count
        assert (ways.sum(axis=1) == n).all()
        assert (ways[0] == (np.arange(m + n) >= m)).all()
        assert moderated.smallest_p(m, n) == pytest.approx(1.0 / count)
    many = moderated.deals(10, 10)
    assert (many.sum(axis=1) == 10).all() and len(many) == 1000
    assert (moderated.deals(10, 10) == many).all()


def test_t_of_each_deal_is_that_of_moderated_shift():
    base, new = sides(7, families=20, a_side=3)
    base[3, 1] = new[5, 0] = np.nan
    both = np.hstack([base, new])
    found = moderated.dealt_t(base, new)
    for t, way in zip(found, moderated.deals(3, 3)):
        one = moderated.moderated_shift(both[:, ~way], both[:, way])
        assert t == pytest.approx(one.shift / one.error, rel=1e-6)


def naive(t):
    """Step-down maxT as its authors write it, for each hypothesis by loops."""
    order = sorted(range(t.shape[1]), key=lambda i: -abs(t[0, i]))
    p, largest_so_far = {}, 0.0
    for place, i in enumerate(order):
        rest = order[place:]
        hits = [max(abs(row[j]) for j in rest) >= abs(t[0, i]) * (1 - 1e-9) for row in t]
        largest_so_far = max(largest_so_far, float(np.mean(hits)))
        p[i] = largest_so_far
    return [p[i] for i in range(t.shape[1])]


@given(st.integers(0, 1000), st.integers(1, 12))
def test_adjusted_p_is_that_of_the_algorithm(seed, count):
    t = np.random.default_rng(seed).normal(size=(10, count)).round(1)
    assert moderated.adjusted_p(t) == pytest.approx(naive(t))


def test_a_shift_of_one_family_is_found_and_no_other():
    base, new = sides(8)
    new[7] += 0.2
    p = moderated.adjusted_p(moderated.dealt_t(base, new))
    assert p[7] == pytest.approx(1 / 126) and (np.delete(p, 7) > 0.05).all()


def test_two_values_that_fell_apart_are_not_found_of_three_runs_a_side():
    base, new = sides(9, a_side=3)
    new[7] += 5.0
    assert moderated.adjusted_p(moderated.dealt_t(base, new))[7] == pytest.approx(0.1)


def test_what_nobody_measured_has_no_figure_and_no_p_below_1():
    base, new = sides(10, families=5)
    base[2] = np.nan
    new[3, 1:] = base[3, 1:] = np.nan
    found = moderated.moderated_shift(base, new)
    assert np.isnan(found.shift[2]) and np.isnan(found.low[2])
    assert np.isfinite(found.shift[3]) and np.isnan(found.low[3])
    p = moderated.adjusted_p(moderated.dealt_t(base, new))
    assert p[2] == 1.0 and np.isfinite(p).all()


def test_equal_figures_are_no_shift():
    same = np.full((10, 5), 3.0)
    found = moderated.moderated_shift(same, same)
    assert (found.shift == 0).all()
    assert (moderated.adjusted_p(moderated.dealt_t(same, same)) == 1.0).all()


def test_few_families_are_fewer_than_three():
    assert list(itertools.islice(moderated.fit_prior(np.ones(2), np.ones(2)), 2)) == [0.0, 0.0]
