"""The copying patterns (kernels/patterns/) in NumPy. To add one: a Pattern in PATTERNS.

Each begins with the arrays that the pattern in C begins with, and must end with the same elements.
Walking is `sum()`: it reads each element once, in the order that suits the memory, which is not
always that of the axes.
"""

from typing import Any, Callable, Iterable, NamedTuple

from workers.kit import Buffer, Input
from workers.numpy_strategies import np


class Pattern(NamedTuple):
    """name: as in C where the same is done. like: the one in C with the same input and result.
    build: makes the result. copied: of the bytes of the input, how many are copied into a new array
    as they are, times `of`, which is 1, or 0.5 for half of the columns."""

    name: str
    like: str
    help: str
    counterpart: str
    build: Callable[[Input], Any]
    copied: Callable[[int, int], int] = lambda rows, row_bytes: 0
    blocks: int = 1


def _all(rows: int, row_bytes: int) -> int:
    return rows * row_bytes


def _half(rows: int, row_bytes: int) -> int:
    return rows * (row_bytes // 16) * 8


def _column(rows: int, row_bytes: int) -> int:
    return rows * 8


def _add_in_place(given: Input) -> Any:
    a = given.a
    a += given.b
    return a


def _chain_in_one(given: Input) -> Any:
    result = np.multiply(given.a, 2)
    result += given.b
    result -= 1
    return result


PATTERNS = (
    Pattern(
        "copy_contiguous",
        "copy_contiguous",
        "Copy a contiguous array",
        "a.copy()",
        lambda given: given.a.copy(),
        _all,
    ),
    Pattern(
        "strided_view",
        "strided_view",
        "View every k-th element, k columns",
        "a.ravel()[::k]",
        lambda given: given.a.ravel()[:: given.a.shape[1]],
    ),
    Pattern(
        "copy_strided",
        "copy_strided",
        "Copy every k-th element, k columns",
        "a.ravel()[::k].copy()",
        lambda given: given.a.ravel()[:: given.a.shape[1]].copy(),
        _column,
    ),
    Pattern(
        "transpose_view",
        "transpose_view",
        "Transpose by exchanging strides",
        "a.T",
        lambda given: given.a.T,
    ),
    Pattern(
        "transpose_copy",
        "transpose_copy_blocked",
        "Transpose into a copy",
        "np.ascontiguousarray(a.T)",
        lambda given: np.ascontiguousarray(given.a.T),
        _all,
    ),
    Pattern(
        "reshape_view",
        "reshape_view",
        "Reshape a contiguous array to one axis",
        "a.reshape(-1)",
        lambda given: given.a.reshape(-1),
    ),
    Pattern(
        "reshape_copy",
        "reshape_copy",
        "Reshape a transposed array to one axis",
        "a.T.reshape(-1)",
        lambda given: given.a.T.reshape(-1),
        _all,
    ),
    Pattern(
        "slice_view",
        "slice_view",
        "View the first half of the columns",
        "a[:, :columns // 2]",
        lambda given: given.a[:, : given.a.shape[1] // 2],
    ),
    Pattern(
        "slice_copy",
        "slice_copy",
        "Copy the first half of the columns",
        "a[:, :columns // 2].copy()",
        lambda given: given.a[:, : given.a.shape[1] // 2].copy(),
        _half,
    ),
    Pattern(
        "reduce_rows",
        "reduce_rows",
        "Add up each row",
        "a.sum(axis=1)",
        lambda given: given.a.sum(axis=1),
    ),
    Pattern(
        "reduce_columns",
        "reduce_columns",
        "Add up each column",
        "a.sum(axis=0)",
        lambda given: given.a.sum(axis=0),
    ),
    Pattern(
        "gather_ordered",
        "gather_ordered",
        "Gather all rows by their numbers, in order",
        "a[np.arange(rows)]",
        lambda given: given.a[given.index],
        _all,
    ),
    Pattern(
        "gather_shuffled",
        "gather_shuffled",
        "Gather all rows by their numbers, shuffled",
        "a[permutation]",
        lambda given: given.a[given.index],
        _all,
    ),
    Pattern(
        "add_in_place",
        "add_in_place",
        "Add an array to another one in place",
        "a += b",
        _add_in_place,
    ),
    Pattern(
        "add_out_of_place",
        "add_out_of_place",
        "Add two arrays into a new one",
        "a = a + b",
        lambda given: given.a + given.b,
    ),
    Pattern(
        "add_chain",
        "add_chain",
        "Work out a * 2 + b - 1, each step in a new array",
        "np.subtract(np.add(np.multiply(a, 2), b), 1)",
        lambda given: np.subtract(np.add(np.multiply(given.a, 2), given.b), 1),
        blocks=3,
    ),
    Pattern(
        "add_chain_operators",
        "add_chain",
        "Work out a * 2 + b - 1 with operators, which reuse large temporaries",
        "a * 2 + b - 1",
        lambda given: given.a * 2 + given.b - 1,
        blocks=3,
    ),
    Pattern(
        "add_chain_in_one",
        "add_chain",
        "Work out a * 2 + b - 1, each step in the same new array",
        "r = np.multiply(a, 2); r += b; r -= 1",
        _chain_in_one,
    ),
)

# Elements that are brought into order at once, where they are not: few, so that no large block is
# asked for beside the result.
_AT_ONCE = 4096


def pieces(result: Any) -> Iterable[tuple[Buffer, int]]:
    """The elements of a result in the order of its axes."""
    if result.flags["C_CONTIGUOUS"]:
        yield result.ctypes.data, result.size
        return
    for line in result if result.ndim > 1 else (result,):
        for start in range(0, len(line), _AT_ONCE):
            part = np.ascontiguousarray(line[start : start + _AT_ONCE])
            yield part.tobytes(), part.size


def walk(result: Any) -> Any:
    return result.sum()
