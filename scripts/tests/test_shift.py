"""Shifts of two sets of workers, held against SciPy, brute force and known answers."""

from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from growbench.statistics import shift
from growbench.statistics.shift import (
    grouped_hodges_lehmann,
    grouped_paired_shift,
    hodges_lehmann,
    paired_shift,
    rank_sum_distribution,
    signed_rank_distribution,
)

# Different numbers, so that there are no ties.
samples = st.lists(st.integers(-10_000, 10_000), min_size=2, max_size=14, unique=True)
# Of whole numbers: a confidence that is 1e-13 beside a p tests nothing but rounding.
percentages = st.integers(50, 99)


def rank_sum_by_counting(m, n):
    """P(U <= u) from all C(m + n, m) orders."""
    counts = np.zeros(m * n + 1)
    for places in combinations(range(m + n), m):
        counts[sum(place - i for i, place in enumerate(places))] += 1
    return np.cumsum(counts) / counts.sum()


@pytest.mark.parametrize("m, n", [(1, 1), (3, 2), (4, 4), (5, 6)])
def test_the_rank_sum_distribution_counts_all_orders(m, n):
    assert rank_sum_distribution(m, n) == pytest.approx(rank_sum_by_counting(m, n))


@pytest.mark.parametrize("n", [1, 4, 9])
def test_the_signed_rank_distribution_counts_all_signs(n):
    counts = np.zeros(n * (n + 1) // 2 + 1)
    for signs in product((0, 1), repeat=n):
        counts[sum(rank for rank, sign in enumerate(signs, start=1) if sign)] += 1
    assert signed_rank_distribution(n) == pytest.approx(np.cumsum(counts) / 2**n)


@given(samples, samples)
def test_p_is_that_of_mann_and_whitney(a, b):
    b = [value + 0.5 for value in b]
    expected = stats.mannwhitneyu(a, b, method="exact").pvalue
    assert hodges_lehmann([a], [b]).p[0] == pytest.approx(expected)


@given(samples)
def test_p_of_pairs_is_that_of_wilcoxon(differences):
    # Walsh averages of exactly 0 would be ties.
    differences = [value + 0.25 for value in differences]
    ranks = np.abs(differences)
    if len(set(ranks)) < len(ranks):
        return
    expected = stats.wilcoxon(differences, mode="exact").pvalue
    assert paired_shift([differences]).p[0] == pytest.approx(expected)


@given(samples, samples, percentages)
def test_interval_and_p_never_contradict_each_other(a, b, percent):
    confidence = percent / 100
    for found in (hodges_lehmann([a], [b], confidence), paired_shift([a], confidence)):
        excludes = not found.low[0] <= 0.0 <= found.high[0] and not np.isnan(found.low[0])
        assert excludes == (found.p[0] <= 1.0 - confidence + 1e-12)


def test_the_shift_is_the_median_of_all_differences():
    found = hodges_lehmann([[1.0, 4.0, 10.0]], [[2.0, 20.0]])
    # 1 19, -2 16, -8 10: sorted -8 -2 1 10 16 19
    assert found.shift[0] == 5.5


def test_ten_against_ten_take_the_24th_difference_from_either_end():
    """The value of the printed tables: the interval of 10 and 10 at 95% leaves out 23 each side."""
    a, b = np.arange(10.0), np.arange(10.0) * 0.1
    differences = np.sort((b[None, :] - a[:, None]).ravel())
    found = hodges_lehmann([a], [b])
    assert (found.low[0], found.high[0]) == (differences[23], differences[76])


def test_ten_pairs_take_the_9th_walsh_average_from_either_end():
    """Tables of the signed-rank test: W <= 8 at 5%, two-sided, 10 pairs."""
    differences = np.array([3.1, -1.2, 0.7, 5.5, 2.9, 4.4, -0.3, 6.1, 1.8, 2.2])
    first, second = np.triu_indices(10)
    walsh = np.sort((differences[first] + differences[second]) / 2)
    found = paired_shift([differences])
    assert (found.low[0], found.high[0]) == (walsh[8], walsh[-9])


def test_a_shift_of_all_values_shifts_the_estimate_by_as_much():
    random = np.random.default_rng(4)
    a, b = random.normal(size=(2, 5, 10))
    before, after = hodges_lehmann(a, b), hodges_lehmann(a, b + 0.25)
    assert after.shift == pytest.approx(before.shift + 0.25)
    assert after.low == pytest.approx(before.low + 0.25)


def test_swapping_sides_turns_the_sign_and_keeps_p():
    random = np.random.default_rng(5)
    a, b = random.normal(size=(5, 8)), random.normal(size=(5, 11))
    there, back = hodges_lehmann(a, b), hodges_lehmann(b, a)
    assert back.shift == pytest.approx(-there.shift)
    assert back.low == pytest.approx(-there.high)
    assert back.p == pytest.approx(there.p)


def test_equal_values_speak_for_neither_side():
    found = hodges_lehmann([[7.0] * 10], [[7.0] * 10])
    assert (found.shift[0], found.low[0], found.high[0], found.p[0]) == (0.0, 0.0, 0.0, 1.0)
    assert paired_shift([[0.0] * 10]).p[0] == 1.0


def test_constant_values_that_differ_are_as_clear_as_can_be():
    found = hodges_lehmann([[7.0] * 10], [[8.0] * 10])
    assert found.p[0] == pytest.approx(2 / 184_756)
    assert (found.low[0], found.high[0]) == (1.0, 1.0)


def test_a_p_at_the_very_edge_has_its_interval():
    """3 against 3 can give 2 / 20, which is what 90% ask for."""
    found = hodges_lehmann([np.zeros(3)], [np.ones(3)], 0.90)
    assert found.p[0] == pytest.approx(0.1) and found.low[0] == 1.0


@pytest.mark.parametrize("m, n", [(2, 2), (3, 3), (1, 10)])
def test_too_few_workers_have_no_interval(m, n):
    found = hodges_lehmann([np.zeros(m)], [np.ones(n)])
    assert np.isnan([found.low[0], found.high[0]]).all()
    assert found.p[0] > 0.05


def test_nothing_on_one_side_is_no_shift():
    found = hodges_lehmann(np.zeros((2, 0)), np.ones((2, 5)))
    assert np.isnan(found.shift).all() and (found.p == 1.0).all()


def test_many_values_are_close_to_the_exact_answer(monkeypatch):
    random = np.random.default_rng(6)
    a, b = random.normal(size=(20, 40)), random.normal(0.4, 1.0, size=(20, 40))
    exact = hodges_lehmann(a, b)
    monkeypatch.setattr(shift, "LARGEST_EXACT", 10)
    approximate = hodges_lehmann(a, b)
    assert approximate.p == pytest.approx(exact.p, abs=0.01)
    assert approximate.low == pytest.approx(exact.low, abs=0.02)
    pairs = paired_shift(b - a)
    monkeypatch.setattr(shift, "LARGEST_EXACT", 50)
    assert pairs.p == pytest.approx(paired_shift(b - a).p, abs=0.01)


@settings(max_examples=30)
@given(st.integers(0, 2**32 - 1))
def test_groups_are_what_each_is_alone(seed):
    random = np.random.default_rng(seed)
    a_groups, b_groups = random.integers(0, 4, 40), random.integers(0, 4, 30)
    a, b = random.normal(size=40), random.normal(size=30)
    a[random.random(40) < 0.1] = np.nan
    found = grouped_hodges_lehmann(a, a_groups, b, b_groups, 5)
    pairs = grouped_paired_shift(a, a_groups, 5)
    for group in range(5):
        mine, other = a[a_groups == group], b[b_groups == group]
        mine = mine[~np.isnan(mine)]
        alone = hodges_lehmann([mine], [other])
        for column, expected in zip(found, alone):
            assert column[group] == pytest.approx(expected[0], nan_ok=True)
        for column, expected in zip(pairs, paired_shift([mine])):
            assert column[group] == pytest.approx(expected[0], nan_ok=True)


def test_chunks_do_not_change_the_answer(monkeypatch):
    random = np.random.default_rng(7)
    a, b = random.normal(size=(2, 9, 6))
    whole, pairs = hodges_lehmann(a, b), paired_shift(a)
    monkeypatch.setattr(shift, "_CHUNK", 80)
    for column, expected in zip(hodges_lehmann(a, b), whole):
        assert column == pytest.approx(expected)
    for column, expected in zip(paired_shift(a), pairs):
        assert column == pytest.approx(expected)
