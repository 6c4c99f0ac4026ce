"""Holm's and Simes' adjustments: known answers and what they guarantee."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from growbench.statistics.multiple import grouped_holm, simes

probabilities = st.lists(st.floats(0.0, 1.0), min_size=1, max_size=20)


def holm(p):
    return grouped_holm(p, np.zeros(len(p), dtype=int))


def test_holm_by_hand():
    # 4 x 0.005, 3 x 0.01, then 2 x 0.03 = 0.06, and 0.04 may not be below it.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_holm_never_exceeds_1():
    assert holm([0.9, 0.8]) == pytest.approx([1.0, 1.0])


@given(probabilities)
def test_holm_is_at_least_p_and_at_most_bonferroni_and_keeps_the_order(p):
    adjusted = holm(p)
    assert (adjusted >= np.array(p) - 1e-15).all()
    assert (adjusted <= np.minimum(1.0, len(p) * np.array(p)) + 1e-15).all()
    order = np.argsort(p, kind="stable")
    assert (np.diff(adjusted[order]) >= 0).all()


@given(probabilities)
def test_the_smallest_p_gets_bonferroni(p):
    assert holm(p).min() == pytest.approx(min(1.0, len(p) * min(p)))


@given(probabilities, st.integers(0, 2**32 - 1))
def test_groups_are_adjusted_by_themselves(p, seed):
    groups = np.random.default_rng(seed).integers(0, 3, len(p))
    adjusted = grouped_holm(p, groups)
    for group in np.unique(groups):
        assert adjusted[groups == group] == pytest.approx(holm(np.array(p)[groups == group]))


def test_holm_of_nothing_is_nothing():
    assert len(holm([])) == 0


def test_simes_by_hand():
    # 3 x 0.02 / 1, 3 x 0.03 / 2, 3 x 0.9 / 3
    assert simes([0.9, 0.03, 0.02], [0, 0, 0], 2) == pytest.approx([0.045, 1.0])


@given(probabilities)
def test_simes_lies_between_the_smallest_p_and_bonferroni(p):
    found = simes(p, np.zeros(len(p), dtype=int), 1)[0]
    assert min(p) - 1e-15 <= found <= min(1.0, len(p) * min(p)) + 1e-15
