"""Figures and ticks as text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from growbench.figures.axes import MOST_TICKS, log_limits, log_ticks
from growbench.data.units import show, tick


@pytest.mark.parametrize(
    "value, unit, text",
    [
        (0.0, "ns", "0 ns"),
        (12.34, "ns", "12.3 ns"),
        (999.4, "ns", "999 ns"),
        (999.6, "ns", "1.00 \u00b5s"),
        (1_903_000, "ns", "1.90 ms"),
        (1.5e12, "ns", "1500 s"),
        (65536, "bytes", "64.0 KiB"),
        (1536 * 1024, "bytes", "1.50 MiB"),
        (563_000, "count", "563k"),
        (2.034, "ratio", "2.03\u00d7"),
    ],
)
def test_a_figure_is_shown_with_three_digits_and_its_unit(value, unit, text):
    assert show(value, unit) == text


@pytest.mark.parametrize(
    "value, unit, text",
    [
        (10, "count", "10"),
        (1000, "count", "1k"),
        (100_000, "count", "100k"),
        (1e4, "ns", "10 \u00b5s"),
        (2**20, "bytes", "1 MiB"),
        (2**16, "bytes", "64 KiB"),
        (1.5, "ratio", "1.5\u00d7"),
    ],
)
def test_a_tick_is_as_short_as_can_be(value, unit, text):
    assert tick(value, unit) == text


def test_rows_have_a_tick_at_each_power_of_ten():
    ticks = log_ticks(*log_limits([10, 209_715]), "count")
    assert [tick(value, "count") for value in ticks] == ["10", "100", "1k", "10k", "100k"]


@given(
    st.floats(1e-2, 1e15),
    st.floats(1.0, 1e12),
    st.sampled_from(["ns", "bytes", "count", "ratio"]),
)
def test_every_axis_has_a_few_ticks_within_its_limits(low, factor, unit):
    limits = log_limits([low, low * factor])
    ticks = log_ticks(*limits, unit)
    assert limits[0] < low and low * factor < limits[1]
    assert 2 <= len(ticks) <= 2 * MOST_TICKS
    assert ticks == sorted(set(ticks))
    assert limits[0] * 0.999 <= ticks[0] and ticks[-1] <= limits[1] * 1.001


def test_limits_ignore_what_a_log_axis_cannot_show():
    assert log_limits([0.0, -1.0, float("nan"), 100.0]) == log_limits([100.0])
    assert log_limits([]) == log_limits([1.0, 10.0])


@pytest.mark.parametrize(
    "value, text",
    [(2**30, "1.00 GiB"), (2**20, "1.00 MiB"), (1023.9, "1.00 KiB"), (1023, "1020 B")],
)
def test_a_whole_unit_is_one_of_it(value, text):
    assert show(float(value), "bytes") == text
