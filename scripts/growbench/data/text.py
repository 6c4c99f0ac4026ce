"""Text of a run, where people read it."""


def printable(text: str) -> str:
    """Text from the data as part of a line: it neither breaks it nor speaks to the terminal."""
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
