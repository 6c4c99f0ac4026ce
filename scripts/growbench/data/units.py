"""Figures with their unit, as text that a reader takes in at a glance."""

import math

_TIME = ((1e9, "s"), (1e6, "ms"), (1e3, "\N{MICRO SIGN}s"), (1.0, "ns"))
_MEMORY = (
    (2.0**40, "TiB"),
    (2.0**30, "GiB"),
    (2.0**20, "MiB"),
    (2.0**10, "KiB"),
    (1.0, "B"),
)
_COUNT = ((1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""))
_RATIO = ((1.0, "\N{MULTIPLICATION SIGN}"),)
_SHARE = ((0.01, "%"),)
_RATE = ((1.0, "GB/s"),)
_SIZES = {
    "ns": _TIME,
    "bytes": _MEMORY,
    "count": _COUNT,
    "ratio": _RATIO,
    "share": _SHARE,
    "rate": _RATE,
}
# Between the figure and its unit.
_SPACED = ("ns", "bytes", "rate")


def show(value: float, unit: str, digits: int = 3) -> str:
    """`value` in `unit` (a key of _SIZES), rounded to `digits` significant digits.

    show(1903000.0, "ns") is "1.90 ms", show(65536, "bytes") is "64.0 KiB", show(10000, "count",
    1) is "10k", show(2.034, "ratio") is "2.03x" with a multiplication sign, show(0.5, "share") is
    "50.0%". A rate is in bytes per ns, which is GB/s. A share is 100% only if it is 1: 0.9996 has
    a digit more.
    """
    if unit == "share" and 0.0 < 1.0 - value < 0.5 * 10.0**-digits:
        digits = math.ceil(-math.log10(1.0 - value))
    size, name = _size_and_name(value, unit)
    # 999.9 ns is 1.00 us, not 1000 ns: the unit is that of the rounded figure.
    size, name = _size_and_name(float(f"{value / size:.{digits - 1}e}") * size, unit)
    space = " " if unit in _SPACED else ""
    return f"{_rounded(value / size, digits)}{space}{name}"


def _rounded(value: float, digits: int) -> str:
    if value == 0 or not math.isfinite(value):
        return f"{value:.0f}"
    rounded = float(f"{value:.{digits - 1}e}")
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(rounded))))
    return f"{rounded:.{decimals}f}"


def unit_size(value: float, unit: str) -> float:
    """How many of `unit` the label of `value` counts in: 1e6 for 2000000 ns, shown as 2 ms."""
    return _size_and_name(value, unit)[0]


def tick(value: float, unit: str) -> str:
    """`value` as the label of an axis: as short as it can be without loss ("10k", "2 ms")."""
    size, name = _size_and_name(value, unit)
    space = " " if unit in _SPACED else ""
    if value / size >= 10_000:
        return f"{value / size:,.0f}{space}{name}"
    return f"{value / size:.4g}{space}{name}"


def _size_and_name(value: float, unit: str) -> tuple[float, str]:
    # The 0.9999 is for powers that floating point leaves a hair below a size.
    return next((s for s in _SIZES[unit] if abs(value) >= s[0] * 0.9999), _SIZES[unit][-1])
