"""Implementations as people write them."""

from typing import Iterable

# In the order of panels and sentences.
IMPLEMENTATIONS = {"c": "C", "numpy": "NumPy", "python": "Python"}


def implementation_text(name: str) -> str:
    """An implementation as people write it."""
    return IMPLEMENTATIONS.get(name, name)


def implementations_in_order(names: Iterable[str]) -> list[str]:
    """Our kernels first, then those that are known, then the others sorted."""
    place = {name: number for number, name in enumerate(IMPLEMENTATIONS)}
    return sorted(set(names), key=lambda name: (place.get(name, len(place)), name))
