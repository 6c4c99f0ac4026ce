"""Ways to collect rows in Python alone. To add one: a Snippet in SNIPPETS.

Names are those of the strategies in C that do the same thing (kernels/strategies/).
"""

import random
import struct
from array import array
from typing import Any, Iterable

from workers.kit import QUADRATIC, Buffer
from workers.snippets import CHEAP, RANDOM, Language, Snippet, cheap_row

_AT_ONCE = 64


class _Rows:
    """The size of rows, for functions that verify."""

    row_bytes = 80


def _of_bytes(data: Any) -> Iterable[tuple[Buffer, int]]:
    yield data, len(data) // _Rows.row_bytes


def _of_bytearray(data: Any) -> Iterable[tuple[Buffer, int]]:
    import ctypes

    view = (ctypes.c_char * len(data)).from_buffer(data)
    yield ctypes.addressof(view), len(data) // _Rows.row_bytes


def _of_array(data: Any) -> Iterable[tuple[Buffer, int]]:
    address, length = data.buffer_info()
    yield address, length * data.itemsize // _Rows.row_bytes


def _of_floats(kept: Any) -> Iterable[tuple[Buffer, int]]:
    pack = struct.Struct(f"{_Rows.row_bytes // 8}d").pack
    for start in range(0, len(kept), _AT_ONCE):
        part = kept[start : start + _AT_ONCE]
        yield b"".join([pack(*row) for row in part]), len(part)


SNIPPETS = (
    Snippet(
        "loop_and_append",
        "Make new bytes of the old ones and the row for every row",
        "data = data + row",
        before='data = b""',
        append="data = data + row",
        result="data",
        idle_before='data = b""',
        idle="grown = data + row",
        pieces=_of_bytes,
        order=QUADRATIC,
        copied_bytes=lambda rows, row_bytes: rows * (rows - 1) // 2 * row_bytes,
        blocks=lambda rows: 2,
    ),
    Snippet(
        "preallocate_zeroed",
        "Make a bytearray of the final size, then assign each row to its slice",
        "data = bytearray(rows * row_bytes); data[a:b] = row",
        before="data = bytearray(rows * row_bytes)",
        append="data[i * row_bytes : (i + 1) * row_bytes] = row",
        result="data",
        idle_before="data = bytearray(row_bytes)",
        idle="data[0 * row_bytes : (0 + 1) * row_bytes] = row",
        pieces=_of_bytearray,
    ),
    Snippet(
        "bytearray",
        "Add each row to a bytearray",
        "data += row",
        before="data = bytearray()",
        append="data += row",
        result="data",
        idle_before="data = bytearray(row_bytes)",
        idle="data[:] = row",
        pieces=_of_bytearray,
    ),
    Snippet(
        "array_array",
        "Add the numbers of each row to an array.array",
        "data.frombytes(row)",
        before="data = array(code)",
        append="data.frombytes(row)",
        result="data",
        pieces=_of_array,
    ),
    Snippet(
        "list_of_pointers",
        "Keep a list of tuples of floats, each an object of its own",
        "kept.append((x, y, ...))",
        before="kept = []",
        append="kept.append(unpack(row))",
        result="kept",
        idle="kept = [unpack(row)]",
        pieces=_of_floats,
        blocks=lambda rows: 64,
        supports=lambda row_bytes: row_bytes % 8 == 0,
    ),
    Snippet(
        "list_of_pointers_packed",
        "Keep a list of bytes, then join them",
        'b"".join(kept)',
        before="kept = []",
        append="kept.append(KEEP)",
        after='data = b"".join(kept)',
        result="data",
        idle="kept = [KEEP]",
        pieces=_of_bytes,
        copied_bytes=lambda rows, row_bytes: rows * row_bytes,
        blocks=lambda rows: rows + 64,
    ),
)


def language(row_bytes: int, work: str) -> Language:
    """Rows are bytes: always the same bytearray with cheap rows, new bytes with random ones."""
    _Rows.row_bytes = row_bytes
    columns = row_bytes // 8
    buffer, number = cheap_row(row_bytes)
    layout = struct.Struct(f"{columns}d")
    names = {
        "first_row": buffer,
        "number": number,
        "row_bytes": row_bytes,
        "columns": columns,
        "array": array,
        "code": "d" if row_bytes % 8 == 0 else "B",
        "unpack": layout.unpack,
        "pack": layout.pack,
        "draw": random.random,
    }
    make = {
        CHEAP: "number[0] = i",
        RANDOM: "row = pack(*[draw() for _ in range(columns)])",
    }
    return Language(names, make, {CHEAP: "bytes(row)", RANDOM: "row"})


_SEED = 20170801


def rewind_random() -> None:
    random.seed(_SEED)


def drawn_again(row_bytes: int) -> Any:
    """The random rows as pieces, drawn once more."""

    def pieces(rows: int) -> Iterable[tuple[Buffer, int]]:
        rewind_random()
        for _ in range(rows):
            values = array("d", (random.random() for _ in range(row_bytes // 8)))
            yield values.tobytes(), 1

    return pieces
