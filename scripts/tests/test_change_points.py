"""Change points of many series: planted ones are found where they are, and no others."""

import math

import numpy as np
import pytest

from growbench.statistics import change_points as module
from growbench.statistics.change_points import FEWEST, change_points

NOISE = 0.02


def noise(series: int, count: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(0.0, NOISE, (series, count))


def where(found) -> list[tuple[int, int]]:
    return [(point.series, point.position) for point in found.points]


def test_nothing_is_found_where_nothing_changed():
    found = change_points(noise(60, 50))
    assert found.points == [] and 0.0 < found.visible < 0.1


def test_a_step_is_found_in_its_series_at_its_place():
    values = noise(60, 50)
    values[7, 31:] += 0.10
    [point] = change_points(values).points
    assert (point.series, point.position) == (7, 31)
    assert point.p <= 0.01 and point.earliest <= 31 <= point.latest
    assert point.latest - point.earliest <= 4


def test_a_change_that_was_undone_is_two():
    values = noise(20, 60)
    values[3, 20:40] -= 0.10
    assert where(change_points(values)) == [(3, 20), (3, 40)]


def test_without_noise_the_place_is_exact():
    values = np.zeros((5, 12))
    values[1, 5:] = 1.0
    found = change_points(values, floor=1e-3)
    assert [point[:2] + point[3:] for point in found.points] == [(1, 5, 5, 5)]


def test_neither_the_unit_nor_the_level_matters():
    values = noise(10, 30)
    values[2, 12:] += 0.08
    expected = change_points(values)
    found = change_points(1000.0 * values + 5.0)
    assert found.points == expected.points
    assert found.visible == pytest.approx(1000.0 * expected.visible)


def test_the_same_data_give_the_same_points():
    values = noise(10, 30)
    values[2, 12:] += 0.06
    assert change_points(values) == change_points(values.copy())


def test_a_change_lies_only_where_it_may():
    values = noise(10, 30)
    values[2, 12:] += 0.15
    allowed = np.zeros(30, dtype=bool)
    allowed[[4, 10, 20]] = True
    [point] = change_points(values, allowed).points
    assert (point.series, point.position) == (2, 10)
    assert {point.earliest, point.latest} <= {4, 10, 20}


def test_three_observations_are_needed_on_each_side():
    for place, count in ((28, 0), (27, 1), (2, 0), (3, 1)):
        values = noise(3, 30)
        values[0, place:] += 1.0
        own = [point for point in change_points(values).points if point.position == place]
        assert len(own) == count


def test_missing_observations_are_left_out():
    values = noise(10, 40)
    values[4, 20:] += 0.10
    values[4, ::3] = np.nan
    values[5, 3:] = np.nan
    values[6] = np.nan
    [point] = change_points(values).points
    assert point.series == 4 and abs(point.position - 20) <= 1


def test_fewer_observations_than_can_tell_anything_tell_nothing():
    values = np.zeros((3, FEWEST - 1))
    values[0, 3:] = 1.0
    found = change_points(values, floor=1e-3)
    assert found.points == [] and found.visible == math.inf
    assert change_points(np.zeros((0, 50))).points == []


def test_nine_observations_are_the_fewest_that_can_tell():
    values = np.zeros((1, 9))
    values[0, 4:] = 1.0
    [point] = change_points(values, floor=1e-3).points
    assert point.p == pytest.approx(2 / math.comb(9, 4), abs=0.01)
    # With three on a side as well.
    assert 2 / math.comb(8, 3) > module.ALPHA > 2 / math.comb(9, 3)


def test_the_statistic_is_that_of_its_formula():
    values = noise(4, 15)
    damping = 0.01
    left = module._Series(values, None)
    t = module._statistics(left, [[]] * 4, np.ones(15, dtype=bool), damping)
    for series in range(4):
        for place in range(15):
            before, after = values[series, :place], values[series, place:]
            if min(len(before), len(after)) < 3:
                assert t[series, place] == 0.0
                continue
            squares = ((before - before.mean()) ** 2).sum() + ((after - after.mean()) ** 2).sum()
            numbers = 1 / len(before) + 1 / len(after)
            scale = (math.sqrt(squares / 13) + damping) * math.sqrt(numbers)
            assert t[series, place] == pytest.approx(abs(after.mean() - before.mean()) / scale)


def test_permutations_move_all_series_alike():
    """Equal series are one question: the critical value is that of one of them."""
    one = noise(1, 20)
    many = np.repeat(one, 30, axis=0)
    assert change_points(many).visible == pytest.approx(change_points(one).visible)
    assert change_points(noise(30, 20)).visible > 1.2 * change_points(one).visible
