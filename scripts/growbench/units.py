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


def show(value: float, unit: str, digits: int = 3) -> str:
    """`value` in `unit` (ns, bytes, count or ratio), rounded to `digits` significant digits.

    show(1903000.0, "ns") is "1.90 ms", show(65536, "bytes") is "64.0 KiB", show(10000, "count",
    1) is "10k", show(2.034, "ratio") is "2.03x" with a multiplication sign.
    """
    if unit == "ratio":
        return f"{_rounded(value, digits)}\N{MULTIPLICATION SIGN}"
    sizes = {"ns": _TIME, "bytes": _MEMORY, "count": _COUNT}[unit]
    # Round first: 999.9 ns is 1.00 us, not 1000 ns.
    rounded = float(f"{value:.{digits - 1}e}")
    size, name = next((s for s in sizes if abs(rounded) >= s[0]), sizes[-1])
    space = " " if name and unit != "count" else ""
    return f"{_rounded(value / size, digits)}{space}{name}"


def _rounded(value: float, digits: int) -> str:
    if value == 0 or not math.isfinite(value):
        return f"{value:.0f}"
    rounded = float(f"{value:.{digits - 1}e}")
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(rounded))))
    return f"{rounded:.{decimals}f}"


def tick(value: float, unit: str) -> str:
    """`value` as the label of an axis: as short as it can be without loss ("10k", "2 ms")."""
    sizes = {"ns": _TIME, "bytes": _MEMORY, "count": _COUNT, "ratio": ((1.0, ""),)}[unit]
    size, name = next((s for s in sizes if abs(value) >= s[0] * 0.9999), sizes[-1])
    if unit == "ratio":
        name = "\N{MULTIPLICATION SIGN}"
    space = " " if name and unit in ("ns", "bytes") else ""
    return f"{value / size:.4g}{space}{name}"
