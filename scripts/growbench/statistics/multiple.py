"""Many questions at once: of a hundred true nulls, five have p < 0.05."""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike


def grouped_holm(p: ArrayLike, groups: ArrayLike) -> np.ndarray:
    """p-values adjusted so that, within a group, rejecting what is at most alpha errs anywhere with
    probability alpha at most. groups: for each p the number of its group, from 0.

    Formula: with p(1) <= ... <= p(n), adjusted(i) = max over j <= i of min(1, (n + 1 - j) p(j)).
    Assumptions: each p is valid by itself; nothing about how they depend on each other.
    Source: S. Holm, A simple sequentially rejective multiple test procedure, Scand. J. Stat. 6
    (1979).
    """
    values, members = np.asarray(p, dtype=float), np.asarray(groups, dtype=int)
    order = np.lexsort((values, members))
    values, members = values[order], members[order]
    count = np.bincount(members)
    rank = np.arange(len(values)) - (np.cumsum(count) - count)[members]
    stepped = np.minimum(1.0, (count[members] - rank) * values)
    adjusted = np.empty(len(values))
    adjusted[order] = pd.Series(stepped).groupby(members).cummax()
    return adjusted


def simes(p: ArrayLike, groups: ArrayLike, group_count: int) -> np.ndarray:
    """For each group one p for "there is nothing in any of its members"; 1 without members.

    Formula: min over i of n p(i) / i, p(1) <= ... <= p(n).
    Assumptions: the members are independent or depend on each other positively, as times that share
    a machine do.
    Source: R. J. Simes, An improved Bonferroni procedure for multiple tests of significance,
    Biometrika 73 (1986).
    """
    values, members = np.asarray(p, dtype=float), np.asarray(groups, dtype=int)
    order = np.lexsort((values, members))
    values, members = values[order], members[order]
    count = np.bincount(members, minlength=group_count)
    start = np.cumsum(count) - count
    rank = np.arange(len(values)) - start[members] + 1
    result = np.ones(group_count)
    np.minimum.at(result, members, values * count[members] / rank)
    return result
