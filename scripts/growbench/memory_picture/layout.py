"""Where arrays, views and lists lie in memory: real addresses, shapes and strides, as data.

Addresses are relative to a first one, so that nothing of the process is in the data but distances,
which are kept. A layout can be saved as JSON and read again; growbench memory-picture draws it.
"""

import json
import platform
import sys
from ctypes import POINTER, Structure, c_ssize_t, c_void_p
from pathlib import Path
from typing import Any, Callable, NamedTuple, Optional, Sequence

import numpy as np

from growbench.data.errors import LoadError

KIND, VERSION = "growbench memory layout", 1
OWNER, VIEW, COPY = "owner", "view", "copy"
ROWS, COLUMNS = 3, 4
# What a picture has room for.
_MOST_ARRAYS, _MOST_ELEMENTS, _MOST_BLOCKS, _MOST_STEPS, _MOST_SLOTS = 8, 12, 8, 6, 40
_MOST_BYTES = 2**50
# How far a list is grown.
_APPENDS = 32


class Array(NamedTuple):
    """An array as it lies in memory.

    title: what it is. shape, strides: of at most two axes, strides in bytes. itemsize: bytes of an
    element. block_bytes: of the memory that it is in. block_offset: where that begins, relative to
    the memory of the first array. offset: where its first element is, in its block. kind: OWNER,
    VIEW of the first array's memory, or COPY, in memory of its own. c_contiguous, f_contiguous: as
    NumPy's flags. values: in the order of a walk.
    """

    title: str
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    itemsize: int
    block_bytes: int
    block_offset: int
    offset: int
    kind: str
    c_contiguous: bool
    f_contiguous: bool
    values: tuple[float, ...]

    def places(self) -> list[int]:
        """For each element, in the order of a walk, where it is in its block."""
        return [
            self.offset + sum(i * stride for i, stride in zip(index, self.strides))
            for index in np.ndindex(*self.shape)
        ]


class Block(NamedTuple):
    """Some memory: of a list, of its pointers, of an object. offset: relative to the lowest of all.
    points_to: the numbers of the blocks that its pointers lead to."""

    name: str
    offset: int
    bytes: int
    points_to: tuple[int, ...]


class Growth(NamedTuple):
    """A list got room for so many pointers when it got so long; bytes: sys.getsizeof()."""

    length: int
    slots: int
    bytes: int


class Layout(NamedTuple):
    """made_with: name and version of what was looked at. checked: what else has the same arrays;
    "" if nothing was asked. blocks: of a list of rows, by address. growth: of a list by append."""

    made_with: tuple[tuple[str, str], ...]
    checked: str
    arrays: tuple[Array, ...]
    blocks: tuple[Block, ...]
    growth: tuple[Growth, ...]


class Operation(NamedTuple):
    """What is done to the first array, for NumPy; the C model has it under the same title."""

    title: str
    apply: Callable[[np.ndarray], np.ndarray]


OPERATIONS = (
    Operation("a[:, ::2]", lambda a: a[:, ::2]),
    Operation("a[::-1]", lambda a: a[::-1]),
    Operation("a.T", lambda a: a.T),
    Operation("a.reshape(2, 6)", lambda a: a.reshape(2, 6)),
    Operation("a.T.reshape(-1)", lambda a: a.T.reshape(-1)),
)
FIRST = f"a, {ROWS} x {COLUMNS} doubles"


def first_array() -> np.ndarray:
    """The array that all others are made from; it owns its memory."""
    made = np.empty((ROWS, COLUMNS))
    made[...] = np.arange(made.size).reshape(made.shape)
    return made


def measure() -> Layout:
    """What NumPy and the interpreter do, here and now."""
    a = first_array()
    arrays = [_array(FIRST, a, a)]
    # The results are kept until all are looked at, or one could get the memory of another.
    results = [operation.apply(a) for operation in OPERATIONS]
    arrays += [_array(o.title, result, a) for o, result in zip(OPERATIONS, results)]
    made_with = (
        (platform.python_implementation(), platform.python_version()),
        ("NumPy", np.__version__),
    )
    return Layout(made_with, "", tuple(arrays), _list_blocks(a), _list_growth())


def _array(title: str, array: np.ndarray, first: np.ndarray) -> Array:
    memory = array if array is first or array.base is None else array.base
    start = memory.__array_interface__["data"][0]
    place = array.__array_interface__["data"][0]
    kind = OWNER if array is first else VIEW if memory is first else COPY
    return Array(
        title,
        array.shape,
        array.strides,
        array.itemsize,
        memory.nbytes,
        start - first.__array_interface__["data"][0],
        place - start,
        kind,
        array.flags.c_contiguous,
        array.flags.f_contiguous,
        tuple(float(value) for value in array.flat),
    )


class _ListObject(Structure):
    """PyListObject of CPython's Include/cpython/listobject.h."""

    _fields_ = [
        ("ob_refcnt", c_ssize_t),
        ("ob_type", c_void_p),
        ("ob_size", c_ssize_t),
        ("ob_item", POINTER(c_void_p)),
        ("allocated", c_ssize_t),
    ]


def _list_blocks(a: np.ndarray) -> tuple[Block, ...]:
    """A list of the array's rows as arrays of their own; none if this is not CPython, whose lists
    are known."""
    if sys.implementation.name != "cpython":
        return ()
    rows: list[np.ndarray] = []
    for row in a:
        rows.append(row.copy())
    header = _ListObject.from_address(id(rows))
    pointers = c_void_p.from_buffer(header, _ListObject.ob_item.offset).value or 0
    found = [
        ("list", id(rows), list.__basicsize__, ["pointers"]),
        ("pointers", pointers, header.allocated * 8, [f"row {i}" for i in range(len(rows))]),
    ]
    for number, row in enumerate(rows):
        place = row.__array_interface__["data"][0]
        found.append((f"row {number}", id(row), np.ndarray.__basicsize__, [f"data {number}"]))
        found.append((f"data {number}", place, row.nbytes, []))
    # What the pointers say is read, not assumed.
    assert [header.ob_item[i] for i in range(len(rows))] == [id(row) for row in rows]
    found.sort(key=lambda block: block[1])
    lowest = found[0][1]
    numbers = {name: number for number, (name, *_) in enumerate(found)}
    return tuple(
        Block(name, address - lowest, size, tuple(numbers[to] for to in points_to))
        for name, address, size, points_to in found
    )


def _list_growth() -> tuple[Growth, ...]:
    """How much room a list has that grows by append, each time that it gets more."""
    grown: list[None] = []
    empty = sys.getsizeof(grown)
    found: list[Growth] = []
    for length in range(1, _APPENDS + 1):
        grown.append(None)
        size = sys.getsizeof(grown)
        if not found or size != found[-1].bytes:
            found.append(Growth(length, (size - empty) // 8, size))
    return tuple(step for step in found[:_MOST_STEPS] if step.slots <= _MOST_SLOTS)


def as_json(layout: Layout) -> str:
    """A layout as a file has it: the same text for the same layout."""
    content = {
        "kind": KIND,
        "version": VERSION,
        "made_with": dict(layout.made_with),
        "checked": layout.checked,
        "arrays": [array._asdict() for array in layout.arrays],
        "blocks": [block._asdict() for block in layout.blocks],
        "growth": [growth._asdict() for growth in layout.growth],
    }
    return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def read_layout(path: Path) -> Layout:
    """The layout that as_json() wrote. Raises LoadError for anything else, and for what a picture
    has no room for."""
    try:
        text = Path(path).read_text(encoding="utf-8")
    except OSError as error:
        raise LoadError(f"cannot be read: {error.strerror}", path) from None
    except UnicodeDecodeError:
        raise LoadError("is not UTF-8", path) from None
    return parse_layout(text, path)


def parse_layout(text: str, path: Path) -> Layout:
    """As read_layout(), of the file's text; path: for messages."""
    try:
        return _layout_from(json.loads(text))
    except (ValueError, RecursionError) as error:
        what = f"is no layout: {error}" if isinstance(error, ValueError) else "is no layout"
        raise LoadError(
            what, path, advice="make one with: growbench memory-picture --save FILE"
        ) from None


def _layout_from(content: Any) -> Layout:
    """Takes a layout apart and trusts nothing in it. Raises ValueError."""
    if not isinstance(content, dict) or content.get("kind") != KIND:
        raise ValueError(f"its kind is not {KIND!r}")
    if content.get("version") != VERSION:
        raise ValueError(f"its version is not {VERSION}")
    arrays = [_array_from(item) for item in _items(content, "arrays", 1, _MOST_ARRAYS)]
    blocks = [_block_from(item) for item in _items(content, "blocks", 0, _MOST_BLOCKS)]
    offsets = [block.offset for block in blocks]
    if offsets != sorted(offsets):
        raise ValueError("blocks are not in the order of their addresses")
    if any(one.offset + one.bytes > other.offset for one, other in zip(blocks, blocks[1:])):
        raise ValueError("blocks lie on each other")
    if any(to >= len(blocks) for block in blocks for to in block.points_to):
        raise ValueError("a block points to one that is not there")
    growth = [
        Growth(*(_whole(item, key, 1, 10**6) for key in Growth._fields))
        for item in _items(content, "growth", 0, _MOST_STEPS)
    ]
    if any(not step.length <= step.slots <= _MOST_SLOTS for step in growth):
        raise ValueError(f"growth: slots are not between length and {_MOST_SLOTS}")
    made_with = content.get("made_with")
    if not isinstance(made_with, dict) or len(made_with) > 4:
        raise ValueError("made_with is no object of at most 4 names")
    return Layout(
        tuple((_text(name), _text(value)) for name, value in made_with.items()),
        _text(content.get("checked")),
        tuple(arrays),
        tuple(blocks),
        tuple(growth),
    )


def _array_from(item: Any) -> Array:
    shape = tuple(_numbers(item, "shape", 1, 2, 1, _MOST_ELEMENTS))
    strides = tuple(_numbers(item, "strides", len(shape), len(shape), -(2**20), 2**20))
    count = int(np.prod(shape))
    if count > _MOST_ELEMENTS:
        raise ValueError(f"an array has more than {_MOST_ELEMENTS} elements")
    itemsize = _whole(item, "itemsize", 1, 64)
    block_bytes = _whole(item, "block_bytes", itemsize, itemsize * _MOST_ELEMENTS)
    if item.get("kind") not in (OWNER, VIEW, COPY):
        raise ValueError(f"the kind of an array is none of {OWNER}, {VIEW}, {COPY}")
    values = item.get("values")
    if not isinstance(values, list) or len(values) != count:
        raise ValueError("an array has not as many values as elements")
    if not all(type(value) in (int, float) and value in range(1000) for value in values):
        raise ValueError("a value is no whole number below 1000")
    flags = [item.get(name) for name in ("c_contiguous", "f_contiguous")]
    if not all(isinstance(flag, bool) for flag in flags):
        raise ValueError("a flag is neither true nor false")
    array = Array(
        _text(item.get("title")),
        shape,
        strides,
        itemsize,
        block_bytes,
        _whole(item, "block_offset", -_MOST_BYTES, _MOST_BYTES),
        _whole(item, "offset", 0, block_bytes),
        item["kind"],
        flags[0],
        flags[1],
        tuple(float(value) for value in values),
    )
    if not all(0 <= place <= block_bytes - itemsize for place in array.places()):
        raise ValueError("strides lead out of the memory of an array")
    if any(place % itemsize for place in array.places()):
        raise ValueError("an element lies across two others")
    return array


def _block_from(item: Any) -> Block:
    return Block(
        _text(item.get("name") if isinstance(item, dict) else None, 12),
        _whole(item, "offset", 0, _MOST_BYTES),
        _whole(item, "bytes", 0, 10**6),
        tuple(_numbers(item, "points_to", 0, _MOST_BLOCKS, 0, _MOST_BLOCKS)),
    )


def _items(content: dict, name: str, least: int, most: int) -> Sequence[Any]:
    found = content.get(name)
    if not isinstance(found, list) or not least <= len(found) <= most:
        raise ValueError(f"{name} is no list of {least} to {most}")
    return found


def _numbers(item: Any, name: str, least: int, most: int, low: int, high: int) -> list[int]:
    found = item.get(name) if isinstance(item, dict) else None
    if not isinstance(found, list) or not least <= len(found) <= most:
        raise ValueError(f"{name} is no list of {least} to {most} numbers")
    return [_in_range(value, name, low, high) for value in found]


def _whole(item: Any, name: str, low: int, high: int) -> int:
    return _in_range(item.get(name) if isinstance(item, dict) else None, name, low, high)


def _in_range(value: Any, name: str, low: int, high: int) -> int:
    if type(value) is not int or not low <= value <= high:
        raise ValueError(f"{name} is no whole number between {low} and {high}")
    return value


def _text(value: Optional[str], most: int = 24) -> str:
    if not isinstance(value, str) or len(value) > most:
        raise ValueError(f"a text is missing or longer than {most} signs")
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in value)
