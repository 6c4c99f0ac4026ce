"""Strategies as the statements that a user would write, compiled into one function each.

As `timeit` does: no call and no lambda stands between the loop and the statement under study. With
cheap rows the loop is

    for i in range(rows):
        number[0] = i            # the row's number, into its first bytes (kernels/row_source.h)
        APPEND

and with random ones, as in the article, `row = np.random.rand(1, columns)` stands in the place of
the number. A statement that keeps the row writes KEEP: the row itself where each is a new one, a
copy of it where it is always the same object.
"""

from typing import Any, Callable, Iterable, NamedTuple

from workers.kit import LINEAR, Buffer

CHEAP, RANDOM = "cheap", "random"


class Snippet(NamedTuple):
    """A strategy in statements, which may use the names rows, row_bytes, columns, row, i, and those
    of its Language.

    before, after: around the loop. append: in the loop; "" if `before` does all, with the generator
    source(rows). result: what is left. idle_before, idle: the same statements as often, on arrays
    that do not grow; "" if there is no such thing. pieces, copied_bytes, blocks, order: as in
    kit.Subject.
    """

    name: str
    help: str
    counterpart: str
    append: str
    pieces: Callable[[Any], Iterable[tuple[Buffer, int]]]
    before: str = ""
    after: str = ""
    result: str = "arr"
    idle_before: str = ""
    idle: str = ""
    order: int = LINEAR
    copied_bytes: Callable[[int, int], int] = lambda rows, row_bytes: 0
    blocks: Callable[[int], int] = lambda rows: 64
    supports: Callable[[int], bool] = lambda row_bytes: True


class Language(NamedTuple):
    """names: what the statements may use, first_row and number of cheap_row() among them. make: how
    a row comes about, by the kind of work. keep: what KEEP stands for, by the same."""

    names: dict[str, Any]
    make: dict[str, str]
    keep: dict[str, str]


def cheap_row(row_bytes: int) -> tuple[bytearray, Any]:
    """The first cheap row (kernels/row_source.h), and where to write the number of the next one:
    number[0] = i sets its first 8 bytes, or all of them if it has fewer."""
    buffer = bytearray(i % 251 + 1 for i in range(row_bytes))
    view = memoryview(buffer)
    return buffer, view[:8].cast("Q") if row_bytes >= 8 else _LowBytes(view)


class _LowBytes:
    """As many of the low bytes of a number as there is room for."""

    def __init__(self, view: memoryview) -> None:
        self._view = view

    def __setitem__(self, _: int, number: int) -> None:
        self._view[:] = number.to_bytes(8, "little")[: len(self._view)]


def compiled(snippet: Snippet, language: Language, work: str) -> Callable[[int], Any]:
    """The function of `rows` that builds."""
    lines = [*_lines(snippet.before)]
    if snippet.append:
        lines += ["for i in range(rows):"]
        lines += _indented(language.make[work], snippet.append)
    lines += [*_lines(snippet.after), f"return {snippet.result}"]
    return _function(lines, language, work)


def compiled_idle(snippet: Snippet, language: Language, work: str) -> Callable[[int], None]:
    """The function of `rows` that executes the statements on arrays that do not grow."""
    lines = [*_lines(snippet.idle_before), "for i in range(rows):"]
    return _function(lines + _indented(language.make[work], snippet.idle), language, work)


def _function(lines: list[str], language: Language, work: str) -> Callable[[int], Any]:
    names = list(language.names)
    # `row` is assigned to where rows are random, so that it has to be local from the start.
    source = ["def source(rows):", "    row = first_row", "    for i in range(rows):"]
    source += [f"        {line}" for line in [*_lines(language.make[work]), "yield row"]]
    # Names of a function around are as fast as local ones; those of a module are not.
    text = [f"def make({', '.join(names)}):"]
    text += [f"    {line}" for line in source]
    text += ["    def build(rows):", "        row = first_row"]
    text += [f"        {line}" for line in lines]
    text += ["    return build"]
    code = "\n".join(text).replace("KEEP", language.keep[work])
    made: dict[str, Any] = {}
    exec(compile(code, "<snippet>", "exec"), made)
    function: Callable[[int], Any] = made["make"](**language.names)
    return function


def _lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.strip()]


def _indented(*texts: str) -> list[str]:
    return [f"    {line}" for text in texts for line in _lines(text)]
