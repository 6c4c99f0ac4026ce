"""The same arrays as memory_layout measures, made by our kernels' model of NumPy's array
(kernels/ndarray.h), so that a picture of one is a picture of the other.

The library is built with everything else, and need not be there.
"""

import ctypes
from ctypes import POINTER, Structure, byref, c_size_t, c_ssize_t, c_uint, c_void_p
from pathlib import Path
from typing import Optional

import numpy as np

from growbench.memory_picture.layout import Array, COPY, FIRST, Layout, OWNER, VIEW, first_array

LIBRARY = Path(__file__).resolve().parents[3] / "build" / "libgrowbench-kernels.so"
MODEL = "the C model"
# kernels/ndarray.h
_MOST_AXES = 32
_C_CONTIGUOUS, _F_CONTIGUOUS, _OWNER = 1, 2, 4
_NONE = -(2 ** (8 * ctypes.sizeof(c_ssize_t) - 1))


class _NdArray(Structure):
    """struct ndarray"""

    _fields_ = [
        ("data", c_void_p),
        ("itemsize", c_size_t),
        ("ndim", c_size_t),
        ("shape", c_size_t * _MOST_AXES),
        ("strides", c_ssize_t * _MOST_AXES),
        ("flags", c_uint),
        ("base", c_void_p),
    ]


class _Slice(Structure):
    """struct nd_slice"""

    _fields_ = [("start", c_ssize_t), ("stop", c_ssize_t), ("step", c_ssize_t)]


class ModelError(Exception):
    """The library has no such model, or it refused, or it is not NumPy's. The message says what."""


class Model:
    """The functions of the model that are used here. Raises ModelError."""

    def __init__(self, path: Path) -> None:
        array = POINTER(_NdArray)
        try:
            # A name without a folder would be looked for among the system's libraries.
            library = ctypes.CDLL(str(path.resolve()))
            self.make = library.nd_make
            self.transpose = library.nd_transpose
            self.slice = library.nd_slice
            self.reshape = library.nd_reshape
            self.release = library.nd_release
        except (OSError, AttributeError) as error:
            raise ModelError(f"{path}: {error}; build it with: make build") from None
        self.make.argtypes = [array, c_size_t, c_size_t, POINTER(c_size_t)]
        self.transpose.argtypes = [array, array, POINTER(c_ssize_t)]
        self.slice.argtypes = [array, array, c_size_t, POINTER(_Slice)]
        self.reshape.argtypes = [array, array, c_size_t, POINTER(c_ssize_t)]
        self.release.argtypes = [array]
        self.release.restype = None


def model_arrays(model: Model) -> tuple[Array, ...]:
    """The arrays of memory_layout.measure(), made by the C model. Raises ModelError."""
    values = first_array()
    first = _NdArray()
    shape = (c_size_t * values.ndim)(*values.shape)
    _check(model.make(byref(first), values.itemsize, values.ndim, shape), FIRST)
    owners = [first]
    try:
        ctypes.memmove(first.data, values.ctypes.data, values.nbytes)
        found = [_array(FIRST, first, first)]

        def sliced(*slices: tuple[int, int, int]) -> _NdArray:
            result = _NdArray()
            asked = (_Slice * len(slices))(*(_Slice(*of_axis) for of_axis in slices))
            status = model.slice(byref(result), byref(first), len(slices), asked)
            return _made(result, status, "nd_slice", owners)

        def transposed() -> _NdArray:
            result = _NdArray()
            status = model.transpose(byref(result), byref(first), None)
            return _made(result, status, "nd_transpose", owners)

        def reshaped(array: _NdArray, *lengths: int) -> _NdArray:
            result = _NdArray()
            wanted = (c_ssize_t * len(lengths))(*lengths)
            status = model.reshape(byref(result), byref(array), len(lengths), wanted)
            return _made(result, status, "nd_reshape", owners)

        whole = (_NONE, _NONE, 1)
        results = {
            "a[:, ::2]": sliced(whole, (_NONE, _NONE, 2)),
            "a[::-1]": sliced((_NONE, _NONE, -1)),
            "a.T": transposed(),
            "a.reshape(2, 6)": reshaped(first, 2, 6),
            "a.T.reshape(-1)": reshaped(transposed(), -1),
        }
        return (*found, *(_array(title, made, first) for title, made in results.items()))
    finally:
        for owner in reversed(owners):
            model.release(byref(owner))


def checked(layout: Layout, path: Optional[Path] = None) -> Layout:
    """The layout, which says so if the C model has the same arrays.

    path: of the library; without one it is looked for where it is built, and if it is not there,
    or is one of before there was a model, the layout stays as it is. Raises ModelError if they are
    not the same.
    """
    try:
        model = Model(path or LIBRARY)
    except ModelError:
        if path is not None:
            raise
        return layout
    theirs = model_arrays(model)
    for ours, other in zip(layout.arrays, theirs):
        # Where a block lies is the allocator's business.
        if ours._replace(block_offset=0) != other._replace(block_offset=0):
            raise ModelError(f"NumPy and {MODEL} do not agree on {ours.title}: {ours} and {other}")
    return layout._replace(checked=MODEL)


def _made(result: _NdArray, status: int, name: str, owners: list[_NdArray]) -> _NdArray:
    _check(status, name)
    if result.flags & _OWNER:
        owners.append(result)
    return result


def _check(status: int, what: str) -> None:
    if status != 0:
        raise ModelError(f"{MODEL} refused {what} with status {status}")


def _array(title: str, array: _NdArray, first: _NdArray) -> Array:
    shape, strides = tuple(array.shape[: array.ndim]), tuple(array.strides[: array.ndim])
    is_first = array is first
    owns = bool(array.flags & _OWNER)
    start = array.data if owns else first.data
    values = np.lib.stride_tricks.as_strided(
        np.ctypeslib.as_array(ctypes.cast(array.data, POINTER(ctypes.c_double)), (1,)),
        shape,
        strides,
    )
    return Array(
        title,
        shape,
        strides,
        array.itemsize,
        array.itemsize * int(np.prod(first.shape[: first.ndim])),
        start - first.data,
        array.data - start,
        OWNER if is_first else COPY if owns else VIEW,
        bool(array.flags & _C_CONTIGUOUS),
        bool(array.flags & _F_CONTIGUOUS),
        tuple(float(value) for value in values.flat),
    )
