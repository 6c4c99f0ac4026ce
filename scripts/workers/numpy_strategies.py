"""Ways to build an array in NumPy, row by row. To add one: a Snippet in SNIPPETS.

Names are those of the strategies in C that do the same thing (kernels/strategies/).
"""

from typing import Any, Iterable

from workers.kit import QUADRATIC, Buffer
from workers.snippets import CHEAP, RANDOM, Language, Snippet, cheap_row

# What there is to build can be listed without NumPy.
np: Any = None
MISSING = ""
try:
    import numpy as np
except Exception as error:
    # A NumPy that is broken fails in its own way.
    MISSING = f"{type(error).__name__}: {error}".splitlines()[0]

# Rows of a list that are looked at together, so that verifying needs no large block.
_AT_ONCE = 64


def _contiguous(arr: Any) -> Iterable[tuple[Buffer, int]]:
    if not arr.flags["C_CONTIGUOUS"]:
        raise AssertionError("the result is no contiguous array")
    yield arr.ctypes.data, len(arr)


def _separate(kept: Any) -> Iterable[tuple[Buffer, int]]:
    for start in range(0, len(kept), _AT_ONCE):
        part = kept[start : start + _AT_ONCE]
        yield b"".join(part), len(part)


def _each_before(rows: int, row_bytes: int) -> int:
    return rows * (rows - 1) // 2 * row_bytes


def _each_once(rows: int, row_bytes: int) -> int:
    return rows * row_bytes


_IDLE_LIST = "kept = [KEEP]"
SNIPPETS = (
    Snippet(
        "loop_and_append",
        "Concatenate the array and the row into a new array for every row",
        "np.concatenate((arr, row))",
        before="arr = np.zeros((0, columns), dtype)",
        append="arr = np.concatenate((arr, row))",
        idle_before="arr = np.zeros((0, columns), dtype)",
        idle="grown = np.concatenate((arr, row))",
        pieces=_contiguous,
        order=QUADRATIC,
        copied_bytes=_each_before,
        blocks=lambda rows: 2,
    ),
    Snippet(
        "np_append",
        "Append with np.append, which concatenates",
        "np.append(arr, row, axis=0)",
        before="arr = np.zeros((0, columns), dtype)",
        append="arr = np.append(arr, row, axis=0)",
        idle_before="arr = np.zeros((0, columns), dtype)",
        idle="grown = np.append(arr, row, axis=0)",
        pieces=_contiguous,
        order=QUADRATIC,
        copied_bytes=_each_before,
        blocks=lambda rows: 2,
    ),
    Snippet(
        "append_in_place",
        "Resize the array in place to one more row for every row",
        "arr.resize((i + 1, columns)); arr[i] = row",
        before="arr = np.zeros((0, columns), dtype)",
        append="arr.resize((i + 1, columns), refcheck=False)\narr[i] = row",
        idle_before="arr = np.zeros((1, columns), dtype)",
        idle="arr.resize((1, columns), refcheck=False)\narr[0] = row",
        pieces=_contiguous,
        order=QUADRATIC,
    ),
    Snippet(
        "realloc_doubling",
        "Resize the array in place to twice its rows when it is full",
        "arr.resize((2 * i, columns)); arr[i] = row",
        before="arr = np.zeros((1, columns), dtype)\ncapacity = 1",
        append="if i == capacity:\n"
        "    capacity = 2 * i\n"
        "    arr.resize((capacity, columns), refcheck=False)\n"
        "arr[i] = row",
        result="arr[:rows]",
        idle_before="arr = np.zeros((1, columns), dtype)\ncapacity = -1",
        idle="if i == capacity:\n    pass\narr[0] = row",
        pieces=_contiguous,
    ),
    Snippet(
        "preallocate_zeroed",
        "Make the whole array with np.zeros, then assign each row",
        "arr = np.zeros((rows, columns)); arr[i] = row",
        before="arr = np.zeros((rows, columns), dtype)",
        append="arr[i] = row",
        idle_before="arr = np.zeros((1, columns), dtype)",
        idle="arr[0] = row",
        pieces=_contiguous,
    ),
    Snippet(
        "preallocate_then_fill",
        "Make the whole array with np.empty, then assign each row",
        "arr = np.empty((rows, columns)); arr[i] = row",
        before="arr = np.empty((rows, columns), dtype)",
        append="arr[i] = row",
        idle_before="arr = np.empty((1, columns), dtype)",
        idle="arr[0] = row",
        pieces=_contiguous,
    ),
    Snippet(
        "list_of_pointers",
        "Keep a Python list of one array for each row",
        "kept.append(row)",
        before="kept = []",
        append="kept.append(KEEP)",
        result="kept",
        idle="kept = [KEEP]",
        pieces=_separate,
        blocks=lambda rows: 2 * rows + 64,
    ),
    Snippet(
        "list_of_pointers_packed",
        "Keep a list of rows, then make one array of it with np.array",
        "np.array(kept)",
        before="kept = []",
        append="kept.append(KEEP)",
        after="arr = np.array(kept).reshape(rows, columns)",
        idle=_IDLE_LIST,
        pieces=_contiguous,
        copied_bytes=_each_once,
        blocks=lambda rows: 2 * rows + 64,
    ),
    Snippet(
        "list_concatenated",
        "Keep a list of rows, then concatenate all of them at once",
        "np.concatenate(kept)",
        before="kept = []",
        append="kept.append(KEEP)",
        after="arr = np.concatenate(kept)",
        idle=_IDLE_LIST,
        pieces=_contiguous,
        copied_bytes=_each_once,
        blocks=lambda rows: 2 * rows + 64,
    ),
    Snippet(
        "list_vstacked",
        "Keep a list of rows, then stack all of them at once",
        "np.vstack(kept)",
        before="kept = []",
        append="kept.append(KEEP)",
        after="arr = np.vstack(kept)",
        idle=_IDLE_LIST,
        pieces=_contiguous,
        copied_bytes=_each_once,
        blocks=lambda rows: 3 * rows + 64,
    ),
    Snippet(
        "np_fromiter",
        "Fill an array from a generator of rows, which grows by half as it needs",
        "np.fromiter(source, dtype)",
        before="arr = np.fromiter(source(rows), row_type)",
        append="",
        idle="",
        pieces=_contiguous,
    ),
)


def language(row_bytes: int, work: str) -> Language:
    """Rows are of float64, or of bytes if their size is no multiple of 8."""
    size = 8 if row_bytes % 8 == 0 else 1
    dtype = np.dtype(np.float64 if size == 8 else np.uint8)
    columns = row_bytes // size
    buffer, number = cheap_row(row_bytes)
    row = np.frombuffer(buffer, dtype).reshape(1, columns)
    names = {
        "np": np,
        "first_row": row,
        "number": number,
        "columns": columns,
        "row_bytes": row_bytes,
        "dtype": dtype,
        "row_type": np.dtype((dtype, (columns,))),
    }
    make = {CHEAP: "number[0] = i", RANDOM: "row = np.random.rand(1, columns)"}
    return Language(names, make, {CHEAP: "row.copy()", RANDOM: "row"})


# The state that random rows begin from, so that they can be drawn once more to be verified.
_SEED = 20170801


def rewind_random() -> None:
    np.random.seed(_SEED)


def drawn_again(row_bytes: int) -> Any:
    """The random rows as pieces, drawn anew by another call, a few at a time: a large block that is
    freed would change how the C library's malloc treats the next one."""

    def pieces(rows: int) -> Iterable[tuple[Buffer, int]]:
        rewind_random()
        for start in range(0, rows, _AT_ONCE // 8):
            count = min(_AT_ONCE // 8, rows - start)
            drawn = np.random.rand(count, row_bytes // 8)
            yield drawn.tobytes(), count

    return pieces
