"""The array model (ndarray.h) against NumPy: chains of operations, step by step.

After each step the two have to agree on: refused or not; view or copy, and of what; where the first
element is; shape; strides; contiguity, ownership, writeability; and all elements. The chains are
generated; GROWBENCH_SEED in the environment makes others than those of every day, and a failure
prints the chain as Python.

Where the model is different on purpose (ndarray.h says why), the expectation is adapted, at the
places marked "On purpose".
"""

from __future__ import annotations

import ctypes
import os
import random
import zlib
from typing import Callable

import numpy as np
import pytest

LIBRARY = os.environ.get("GROWBENCH_ND_PROGRAM", "")
SEED = int(os.environ.get("GROWBENCH_SEED", "20240607"))
CASES = int(os.environ.get("GROWBENCH_CASES", "100000"))
CASES_IN_A_CALL = 2000
MOST_ELEMENTS = 600
MOST_AXES = 32

# enum nd_operation, enum nd_flag and ND_NONE.
WRAP, TRANSPOSE, SLICE, INDEX, BROADCAST, RESHAPE, RAVEL, AS_CONTIGUOUS, COPY, TAKE = range(10)
C_CONTIGUOUS, F_CONTIGUOUS, OWNER, WRITEABLE = 1, 2, 4, 8
NONE = -(2**63)

# np.take asks for the memory of its result before it looks at the rows, and may not get it.
# np.AxisError until NumPy 1.24, np.exceptions.AxisError from 1.25 on: of these two it is both.
REFUSED = (ValueError, IndexError, MemoryError)
LENGTHS = (0, 1, 1, 1, 2, 2, 3, 3, 4, 5, 7, 8)
STEPS = (1, 1, 2, 3, -1, -1, -2, -3, 7, -7, None)
HUGE = (2**31, 2**40, 2**59, 2**60, 2**62, 2**63 - 1)

Step = tuple[str, list[int], Callable[[np.ndarray], np.ndarray]]


def elements(shape: tuple[int, ...]) -> int:
    """As many as the shape says, in Python's numbers."""
    product = 1
    for length in shape:
        product *= length
    return product


def some_shape(random_: random.Random, most_axes: int = 5) -> tuple[int, ...]:
    """A shape of few elements; seldom one of very many axes."""
    if random_.random() < 0.01:
        most_axes = MOST_AXES
    axes = random_.randint(0, most_axes)
    shape: list[int] = []
    size = 1
    for _ in range(axes):
        length = random_.choice(LENGTHS)
        if size * length > MOST_ELEMENTS:
            length = 1
        size *= max(length, 1)
        shape.append(length)
    return tuple(shape)


def transpose(random_: random.Random, array: np.ndarray) -> Step:
    """a.T, or any order of the axes, some counted from the end, seldom one twice or none."""
    if array.ndim == 0 or random_.random() < 0.4:
        return "a.T", [TRANSPOSE, 0], lambda a: a.T
    axes = list(range(array.ndim))
    random_.shuffle(axes)
    axes = [axis - array.ndim if random_.random() < 0.2 else axis for axis in axes]
    if random_.random() < 0.05:
        axes[random_.randrange(len(axes))] = random_.randint(-array.ndim - 2, array.ndim + 2)
    return f"a.transpose({axes})", [TRANSPOSE, 1, *axes], lambda a: a.transpose(axes)


def some_end(random_: random.Random, length: int) -> int | None:
    """Where a slice may start or stop: mostly in the axis or a little out of it."""
    chance = random_.random()
    if chance < 0.3:
        return None
    if chance < 0.33:
        return random_.choice((2**62, -(2**62), 2**63 - 1, -(2**63) + 1))
    return random_.randint(-length - 2, length + 2)


def some_step(random_: random.Random) -> int | None:
    """How a slice may step, seldom not at all."""
    chance = random_.random()
    if chance < 0.01:
        return 0
    if chance < 0.03:
        return random_.choice((2**62, -(2**62), 2**63 - 1, -(2**63) + 1))
    return random_.choice(STEPS)


def slice_(random_: random.Random, array: np.ndarray) -> Step:
    """A slice for each of the first axes, seldom for more than there are."""
    count = random_.randint(0, array.ndim)
    if random_.random() < 0.02:
        count = array.ndim + 1
    key: list = []
    words = [SLICE, count]
    for axis in range(count):
        length = array.shape[axis] if axis < array.ndim else 1
        part = slice(some_end(random_, length), some_end(random_, length), some_step(random_))
        key.append(part)
        words += [NONE if end is None else end for end in (part.start, part.stop, part.step)]
    return f"a[{key}]", words, lambda a: a[(*key, ...)]


def index(random_: random.Random, array: np.ndarray) -> Step:
    """An integer for each of the first axes, some from the end, seldom out of bounds."""
    count = random_.randint(0, min(array.ndim, 2))
    if random_.random() < 0.02:
        count = array.ndim + 1
    key: list = []
    for axis in range(count):
        length = array.shape[axis] if axis < array.ndim else 1
        out = 2 if random_.random() < 0.05 or length == 0 else 0
        key.append(random_.randint(-length - out, length - 1 + out))
    # On purpose: with the ellipsis, as without it the last axis would leave a scalar.
    return f"a[{key}, ...]", [INDEX, count, *key], lambda a: a[(*key, ...)]


def broadcast(random_: random.Random, array: np.ndarray) -> Step:
    """Axes of length 1 made longer and new ones in front, seldom what does not match or fit."""
    shape = list(array.shape)
    size = max(elements(tuple(shape)), 1)
    for axis, length in enumerate(shape):
        if length == 1 and random_.random() < 0.5:
            shape[axis] = random_.choice(LENGTHS)
    for _ in range(random_.choice((0, 0, 1, 1, 2))):
        shape.insert(0, random_.choice(LENGTHS))
    if elements(tuple(shape)) > max(size, MOST_ELEMENTS):
        shape = list(array.shape)
    chance = random_.random()
    if chance < 0.05 and shape:
        shape[random_.randrange(len(shape))] = random_.choice(LENGTHS)
    elif chance < 0.1:
        shape.insert(0, random_.choice((*HUGE, 0)))
        shape.insert(0, random_.choice(HUGE))
        # What fits would have to be walked.
        if 0 < elements(tuple(shape)) < 2**63:
            shape = [2**62] * 2 + shape
    elif chance < 0.12:
        shape = shape[1:]
    elif chance < 0.13:
        shape = [1] * (MOST_AXES + 1 - len(shape)) + shape
    if 0 < elements(tuple(shape)) < 2**60 and elements(tuple(shape)) > 10 * MOST_ELEMENTS:
        shape = list(array.shape)
    return (
        f"np.broadcast_to(a, {shape})",
        [BROADCAST, len(shape), *shape],
        lambda a: np.broadcast_to(a, shape),
    )


def factors(random_: random.Random, size: int) -> list[int]:
    """Lengths whose product is `size`, with some 1s."""
    shape: list[int] = []
    while size > 1 and len(shape) < 5:
        divisors = [d for d in range(2, min(size, 40) + 1) if size % d == 0] or [size]
        divisor = random_.choice(divisors)
        shape.append(divisor)
        size //= divisor
    if size != 1 or random_.random() < 0.2:
        shape.append(size)
    random_.shuffle(shape)
    for _ in range(random_.choice((0, 0, 0, 1, 2))):
        shape.insert(random_.randint(0, len(shape)), 1)
    return shape


def reshape(random_: random.Random, array: np.ndarray) -> Step:
    """Another shape of as many elements, often with one length left out, seldom of others."""
    if array.size == 0:
        shape = list(some_shape(random_))
        if random_.random() < 0.8 and shape:
            shape[random_.randrange(len(shape))] = 0
    elif random_.random() < 0.25:
        # Two neighbours as one, or one as two: where a view may do.
        shape = list(array.shape)
        if len(shape) >= 2 and random_.random() < 0.7:
            axis = random_.randrange(len(shape) - 1)
            shape[axis : axis + 2] = [shape[axis] * shape[axis + 1]]
        elif shape:
            axis = random_.randrange(len(shape))
            shape[axis : axis + 1] = factors(random_, shape[axis])
    else:
        shape = factors(random_, array.size)
    chance = random_.random()
    if chance < 0.3 and shape:
        shape[random_.randrange(len(shape))] = random_.choice((-1, -1, -1, -2, -(2**62)))
    elif chance < 0.36 and shape:
        shape[random_.randrange(len(shape))] = random_.choice((*LENGTHS, *HUGE))
    elif chance < 0.38:
        shape += [-1, -1]
    elif chance < 0.40:
        shape += [random_.choice(HUGE), random_.choice((0, 1, *HUGE))]
    elif chance < 0.41:
        shape += [1] * MOST_AXES
    return (
        f"a.reshape({shape})",
        [RESHAPE, len(shape), *shape],
        lambda a: a.reshape(shape),
    )


def take(random_: random.Random, array: np.ndarray) -> Step:
    """Rows in any order, some of them twice, some from the end, seldom out of bounds."""
    length = array.shape[0] if array.ndim > 0 else 1
    row_elements = array.size // length if length else 1
    count = random_.randint(0, min(6, MOST_ELEMENTS // max(row_elements, 1)))
    out = 2 if random_.random() < 0.05 or length == 0 else 0
    rows = [random_.randint(-length - out, length - 1 + out) for _ in range(count)]
    # On purpose: np.take gathers into C order, a[rows] into the order of a.
    gather = np.array(rows, dtype=np.intp)
    if array.ndim == 0:
        return f"a[{rows}]", [TAKE, count, *rows], lambda a: a[gather]
    return f"np.take(a, {rows}, 0)", [TAKE, count, *rows], lambda a: np.take(a, gather, 0)


def ravel(_random: random.Random, _array: np.ndarray) -> Step:
    """One axis."""
    return "a.ravel()", [RAVEL], lambda a: a.ravel()


def as_contiguous(_random: random.Random, _array: np.ndarray) -> Step:
    """A copy if it is needed."""
    return "np.ascontiguousarray(a)", [AS_CONTIGUOUS], np.ascontiguousarray


def copy(_random: random.Random, _array: np.ndarray) -> Step:
    """A copy."""
    return "a.copy()", [COPY], lambda a: a.copy()


# Views that others build on come often, so that chains get somewhere.
OPERATIONS = (
    *(transpose, transpose, transpose, slice_, slice_, slice_, slice_, index, index),
    *(reshape, reshape, reshape, reshape, broadcast, broadcast, ravel, as_contiguous, copy, take),
)


def root(array: np.ndarray) -> np.ndarray:
    """The array that this one is a view of, through all views between."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


def address(array: np.ndarray) -> int:
    """Of the first element."""
    return array.__array_interface__["data"][0]


def facts_of(array: np.ndarray, before: np.ndarray) -> list[int]:
    """What nd_program_run says of a result."""
    is_copy = root(array) is not root(before)
    flags = array.flags
    # On purpose: what NumPy's reshape copies is a view of a copy without a name.
    owns = is_copy
    offset = address(array) - address(root(array)) if array.size else 0
    return [
        0,
        int(is_copy),
        offset,
        C_CONTIGUOUS * flags.c_contiguous
        + F_CONTIGUOUS * flags.f_contiguous
        + OWNER * owns
        + WRITEABLE * flags.writeable,
        zlib.crc32(array.tobytes()),
        array.ndim,
        *array.shape,
        *array.strides,
    ]


class Batch:
    """Chains for one call of nd_program_run, and what NumPy says of them."""

    def __init__(self, random_: random.Random) -> None:
        self.random = random_
        self.words: list[int] = []
        # One for each operation: the chain so far as Python, and the facts.
        self.chains: list[tuple[str, ...]] = []
        self.expected: list[list[int]] = []
        self.arrays: list[np.ndarray] = []

    def add_case(self) -> None:
        """Up to six operations on a new array."""
        shape = some_shape(self.random)
        dtype = self.random.choice(("u1", "u2", "u4", "u8", "u8", "u8", "c16"))
        memory = np.arange(1, elements(shape) + 1).astype(dtype)
        array: np.ndarray = np.ndarray(shape, dtype, memory)
        self.arrays.append(array)
        self.words += [WRAP, address(array), array.itemsize, array.ndim, *array.shape]
        chain: tuple[str, ...] = (
            f"a = np.ndarray({shape}, '{dtype}', np.arange(1, {array.size + 1}).astype('{dtype}'))",
        )
        for _ in range(self.random.randint(1, 6)):
            text, words, operation = self.random.choice(OPERATIONS)(self.random, array)
            self.words += words
            chain += (f"a = {text}",)
            self.chains.append(chain)
            try:
                result = operation(array)
            except REFUSED:
                result = None
            # NumPy 2 has room for 64 axes, the model for as many as NumPy 1.
            if result is None or result.ndim > MOST_AXES:
                self.expected.append([])
                continue
            self.expected.append(facts_of(result, array))
            self.arrays.append(result)
            array = result

    def run(self, library: ctypes.CDLL) -> list[list[int]]:
        """What the model says, for each operation."""
        most = sum(len(facts) + MOST_AXES for facts in self.expected) + 1000
        words = np.array(self.words, dtype=np.int64)
        facts = np.zeros(most, dtype=np.int64)
        count = library.nd_program_run(words.ctypes.data, len(words), facts.ctypes.data, len(facts))
        assert 0 < count < most
        return split(facts[:count].tolist())


def split(facts: list[int]) -> list[list[int]]:
    """The facts of each operation; none for one that is refused."""
    parts: list[list[int]] = []
    place = 0
    while place < len(facts):
        if facts[place] != 0:
            parts.append([])
            place += 1
            continue
        end = place + 6 + 2 * facts[place + 5]
        parts.append(facts[place:end])
        place = end
    return parts


@pytest.fixture(scope="module")
def library() -> ctypes.CDLL:
    """The model with its interpreter, as CMake has built it."""
    assert LIBRARY, "GROWBENCH_ND_PROGRAM has to be the path of the library; CTest sets it"
    loaded = ctypes.CDLL(LIBRARY)
    loaded.nd_program_run.restype = ctypes.c_size_t
    loaded.nd_program_run.argtypes = [
        ctypes.c_void_p,
        ctypes.c_size_t,
        ctypes.c_void_p,
        ctypes.c_size_t,
    ]
    return loaded


def differences(batch: Batch, found: list[list[int]]) -> list[str]:
    """Every operation on which the two do not agree."""
    assert len(found) == len(batch.expected)
    return [
        "\n    ".join(chain) + f"\n  NumPy {expected}\n  model {facts}"
        for chain, expected, facts in zip(batch.chains, batch.expected, found)
        if facts != expected
    ]


def test_the_model_agrees_with_numpy(library: ctypes.CDLL) -> None:
    """All facts, after each operation of each chain."""
    random_ = random.Random(SEED)
    counts = {"operations": 0, "refused": 0, "copies": 0, "views": 0}
    for _ in range(0, CASES, CASES_IN_A_CALL):
        batch = Batch(random_)
        for _ in range(CASES_IN_A_CALL):
            batch.add_case()
        found = batch.run(library)
        wrong = differences(batch, found)
        assert not wrong, f"seed {SEED}: {len(wrong)} differences, such as\n" + "\n".join(wrong[:5])
        counts["operations"] += len(found)
        counts["refused"] += sum(not facts for facts in found)
        counts["copies"] += sum(bool(facts) and facts[1] for facts in found)
        counts["views"] += sum(bool(facts) and not facts[1] for facts in found)
    print(counts)
    # A generator that makes nothing but errors or nothing but copies would prove little.
    assert counts["operations"] >= 2 * CASES
    assert counts["views"] > counts["copies"] > counts["operations"] / 20
    assert counts["refused"] > counts["operations"] / 100


def test_a_difference_is_found(library: ctypes.CDLL) -> None:
    """The comparison itself: one wrong stride is one difference."""
    batch = Batch(random.Random(SEED))
    while not (batch.expected and batch.expected[-1] and batch.expected[-1][5] > 0):
        batch.add_case()
    batch.expected[-1][-1] += 1
    assert len(differences(batch, batch.run(library))) == 1
