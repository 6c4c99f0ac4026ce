"""Numbers as users write them: 10000, 10k, 1M, 1e4."""

import re

from growbench.data.constants import SUFFIXES

LARGEST = 2**64 - 1
_FORM = re.compile(rf"([0-9]+)({'|'.join(SUFFIXES)}|e[0-9]{{1,4}})?")


def parse_count(text: str) -> int:
    """A whole number from 1 to 2^64 - 1, in the forms that `growbench run --rows` takes.

    Raises ValueError with what is wrong, for a message that begins with what the number is of.
    """
    match = _FORM.fullmatch(text) if text.isascii() else None
    if match is None:
        raise ValueError(
            f"{text[:40]!r} is not a whole number; give one of 1 and more, such as 10000, 10k or "
            "1e4"
        )
    digits, suffix = match.groups()
    power = SUFFIXES[suffix] if suffix in SUFFIXES else int(suffix[1:]) if suffix else 0
    # Python has limits of its own for the digits that it takes.
    too_long = len(digits) > 40 or power > 40
    value = 0 if not digits.strip("0") else LARGEST + 1 if too_long else int(digits) * 10**power
    if value > LARGEST:
        raise ValueError(f"{text[:40]!r} is too large; the most is {LARGEST}")
    if value == 0:
        raise ValueError(f"{text[:40]!r} is zero; give 1 or more")
    return value
