"""Hold the copying patterns against the machine's copy limit, against plain loops, and NumPy."""

import ctypes
import math
import mmap
import os
import time
from pathlib import Path
from typing import Callable, NamedTuple, Sequence

from growbench.data.errors import UsageError
from growbench.command_line import packages

with packages.imports():
    import numpy as np

    from growbench.command_line import entry
    from growbench.statistics.order import median_interval
    from growbench.data.units import show

EXAMPLES = """\
  growbench bench-patterns build
  growbench bench-patterns build --pairs 31

Two sides are measured in turns in this process, each half a millisecond at a time, and the ratio of
each pair is taken: medians, with 95% intervals. Times are those of the processor, so that it does
not count what else it had to do. Both sides allocate their results with the malloc of this process,
and free them, from the same source, with the view made before. NumPy is called from Python, as it
is by its users; ours is called from C, many times in a call from Python.
"""
KIB, MIB = 1 << 10, 1 << 20
VALUE_NS = 500_000
# What one comparison may take; the large ones have fewer pairs.
COMPARISON_NS = 2_000_000_000
FEWEST_PAIRS = 7
DOUBLE = 8
MOST_AXES = 32
COPY_GOAL, NAIVE_GOAL = 0.9, 3.0
MEMORY_BYTES = 128 * MIB
SQUARES = (64, 128, 256, 512, 1024, 2048, 4096)
OTHER_SHAPES = (
    *((100, 100), (1000, 1000), (3000, 3000), (10000, 10), (10, 10000)),
    *((1000000, 10), (1000, 64), (64, 1000), (333, 777), (2048, 2056)),
)
STRIDES = (2, 3, 4, 8, 10, 16, 64, 512)
STRIDED_ELEMENTS = (1000, 30000, 1000000)
MOST_INPUT_BYTES = 256 * MIB


class Array(ctypes.Structure):
    """struct ndarray (kernels/ndarray.h)."""

    _fields_ = [
        ("data", ctypes.c_void_p),
        ("itemsize", ctypes.c_size_t),
        ("ndim", ctypes.c_size_t),
        ("shape", ctypes.c_size_t * MOST_AXES),
        ("strides", ctypes.c_ssize_t * MOST_AXES),
        ("flags", ctypes.c_uint),
        ("base", ctypes.c_void_p),
    ]


class Kernels:
    """The functions of the libraries in a build folder."""

    def __init__(self, build: Path) -> None:
        try:
            nd = ctypes.CDLL(str(build / "libgrowbench-kernels.so"))
            repeat = ctypes.CDLL(str(build / "libgrowbench-repeat.so"))
        except OSError as error:
            raise UsageError(f"{error}; build it first: make build") from error
        size, array = ctypes.c_size_t, ctypes.POINTER(Array)
        sizes, lengths = ctypes.POINTER(size), ctypes.POINTER(ctypes.c_ssize_t)
        self.wrap = self._function(nd.nd_wrap, array, ctypes.c_void_p, size, size, sizes)
        self.transpose = self._function(nd.nd_transpose, array, array, lengths)
        self.slice = self._function(nd.nd_slice, array, array, size, lengths)
        # Called in C only.
        self.as_contiguous, self.copy = nd.nd_as_contiguous, nd.nd_copy
        self.repeat_make = self._function(repeat.repeat_make, ctypes.c_void_p, array, size)
        self.repeat_reshape = self._function(repeat.repeat_reshape, array, size)
        self.open = self._function(repeat.repeat_open, ctypes.c_char_p, size, size)
        self.open.restype = ctypes.c_void_p  # type: ignore[attr-defined]
        self.close = self._function(repeat.repeat_close, ctypes.c_void_p)
        self.repeat_pattern = self._function(repeat.repeat_pattern, ctypes.c_void_p, size)
        self.repeat_memcpy = self._function(
            repeat.repeat_memcpy, ctypes.c_void_p, ctypes.c_void_p, size, size
        )
        self.repeat_copy_into = self._function(repeat.repeat_copy_into, array, array, size)

    @staticmethod
    def _function(function: Callable, *argtypes: type) -> Callable:
        function.argtypes = argtypes  # type: ignore[attr-defined]
        return function


class Ratio(NamedTuple):
    """The median of pairs' ratios, and its interval."""

    name: str
    first_ns: float
    second_ns: float
    median: float
    low: float
    high: float


def compare(name: str, first: Callable, second: Callable, pairs: int) -> Ratio:
    """Time the two in turns: each is called with how often it has to do its work."""
    count = calibrate(second)
    # This pair also brings the allocator and the caches into their state.
    pair_ns = timed(first, count) + timed(second, count)
    pairs = max(FEWEST_PAIRS, min(pairs, COMPARISON_NS // pair_ns))
    times = []
    for pair in range(pairs):
        order = (first, second) if pair % 2 else (second, first)
        measured = {side: timed(side, count) for side in order}
        times.append((measured[first], measured[second]))
    ratios = [a / b for a, b in times]
    low, high = median_interval(ratios)
    return Ratio(
        name,
        float(np.median([a for a, _ in times])) / count,
        float(np.median([b for _, b in times])) / count,
        float(np.median(ratios)),
        low,
        high,
    )


def timed(side: Callable, count: int) -> int:
    """The processor's time of this thread, in the kernel as well."""
    start = time.thread_time_ns()
    side(count)
    return time.thread_time_ns() - start


def calibrate(side: Callable) -> int:
    """How often the work has to be done for a value that is long enough."""
    count = 1
    while min(timed(side, count), timed(side, count)) < VALUE_NS / 2:
        count *= 2
    return count


def print_table(title: str, first: str, second: str, ratios: Sequence[Ratio], digits: int) -> None:
    print(f"\n{title}")
    print(f"  {'':24} {first:>10} {second:>10} {'ratio':>7}  95% interval")
    for row in ratios:
        print(
            f"  {row.name:24} {show(row.first_ns, 'ns'):>10} {show(row.second_ns, 'ns'):>10} "
            f"{row.median:7.{digits}f}  {row.low:.{digits}f} .. {row.high:.{digits}f}"
        )


def geometric_mean(ratios: Sequence[Ratio]) -> float:
    return math.exp(sum(math.log(row.median) for row in ratios) / len(ratios))


def pages(byte_count: int) -> np.ndarray:
    """Memory as the probe of the copy limit has it: mapped, in small pages, and touched."""
    memory = mmap.mmap(-1, byte_count)
    if hasattr(mmap, "MADV_NOHUGEPAGE"):
        memory.madvise(mmap.MADV_NOHUGEPAGE)
    array = np.frombuffer(memory, dtype=np.uint8)
    array[:] = 1
    return array


def cache_bytes() -> list[tuple[str, int]]:
    """The levels that hold data, as the kernel tells them."""
    levels = {}
    for folder in sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        if (folder / "type").read_text().strip() != "Instruction":
            size = (folder / "size").read_text().strip()
            level = (folder / "level").read_text().strip()
            levels["L" + level] = int(size.rstrip("KM")) * (MIB if size.endswith("M") else KIB)
    if not levels:
        raise UsageError("the kernel does not tell the sizes of the caches")
    return sorted(levels.items(), key=lambda item: item[1])


def wrapped(kernels: Kernels, array: np.ndarray) -> Array:
    """The memory of a C-contiguous array of NumPy's as one of the model's."""
    made = Array()
    shape = (ctypes.c_size_t * array.ndim)(*array.shape)
    kernels.wrap(made, array.ctypes.data, array.itemsize, array.ndim, shape)
    return made


def copy_share(kernels: Kernels, name: str, each_bytes: int, behind: int, pairs: int) -> Ratio:
    """memcpy / nd_copy_into between buffers that are there."""
    source = pages(each_bytes)
    target = pages(each_bytes + behind)[behind:]
    to, from_ = wrapped(kernels, target), wrapped(kernels, source)
    addresses = target.ctypes.data, source.ctypes.data
    return compare(
        name,
        lambda count: kernels.repeat_memcpy(*addresses, each_bytes, count),
        lambda count: kernels.repeat_copy_into(to, from_, count),
        pairs,
    )


def copy_sizes() -> list[tuple[str, int]]:
    """Bytes of each of two buffers that take half of a level, or two of it, or lie in memory."""
    sizes = []
    for level, level_bytes in cache_bytes():
        sizes.append((f"half {level}, {show(level_bytes // 4, 'bytes')}", level_bytes // 4))
        sizes.append((f"twice {level}, {show(level_bytes, 'bytes')}", level_bytes))
    return [*sizes, (f"memory, {show(MEMORY_BYTES, 'bytes')}", MEMORY_BYTES)]


def theirs(operation: Callable) -> Callable:
    """NumPy's operation so many times; it frees a result that nobody keeps."""

    def side(count: int) -> None:
        for _ in range(count):
            operation()

    return side


def numbers(rows: int, columns: int) -> np.ndarray:
    return np.arange(1, rows * columns + 1, dtype=float).reshape(rows, columns)


def transposed(kernels: Kernels, array: np.ndarray) -> tuple[Array, Array]:
    """A view of the model's, and what it is a view of, which has to stay."""
    whole, view = wrapped(kernels, array), Array()
    kernels.transpose(view, whole, None)
    return view, whole


def naive_against_blocked(kernels: Kernels, pairs: int) -> Ratio:
    """The two patterns, as a worker runs them."""
    names = b"transpose_copy_naive", b"transpose_copy_blocked"
    naive, blocked = (kernels.open(name, 4096, 4096 * DOUBLE) for name in names)
    if not naive or not blocked:
        raise UsageError("no memory for two arrays of 4096 x 4096 doubles")
    ratio = compare(
        "4096 x 4096",
        lambda count: kernels.repeat_pattern(naive, count),
        lambda count: kernels.repeat_pattern(blocked, count),
        pairs,
    )
    kernels.close(naive)
    kernels.close(blocked)
    return ratio


def transposition(kernels: Kernels, rows: int, columns: int, pairs: int) -> Ratio:
    array = numbers(rows, columns)
    view, _whole = transposed(kernels, array)
    theirs_view = array.T
    return compare(
        f"{rows} x {columns}",
        lambda count: kernels.repeat_make(kernels.as_contiguous, view, count),
        theirs(lambda: np.ascontiguousarray(theirs_view)),
        pairs,
    )


def reshape(kernels: Kernels, rows: int, columns: int, pairs: int) -> Ratio:
    array = numbers(rows, columns)
    view, _whole = transposed(kernels, array)
    theirs_view = array.T
    return compare(
        f"{rows} x {columns}",
        lambda count: kernels.repeat_reshape(view, count),
        theirs(lambda: theirs_view.reshape(-1)),
        pairs,
    )


def strided(kernels: Kernels, elements: int, stride: int, pairs: int) -> Ratio:
    array = numbers(1, elements * stride)[0]
    whole, view = wrapped(kernels, array), Array()
    missing = -(2**63)
    kernels.slice(view, whole, 1, (ctypes.c_ssize_t * 3)(missing, missing, stride))
    theirs_view = array[::stride]
    return compare(
        f"{elements} of stride {stride}",
        lambda count: kernels.repeat_make(kernels.copy, view, count),
        theirs(theirs_view.copy),
        pairs,
    )


def verdict(goal: str, value: float, met: bool) -> bool:
    print(f"  {'met' if met else 'NOT MET':8} {goal}: {value:.2f}")
    return met


def main(arguments: Sequence[str]) -> int:
    parser = entry.parser(
        __name__, "Hold the copying patterns against what they are to reach.", EXAMPLES
    )
    parser.add_argument("build", type=Path, metavar="BUILD", help="a build folder")
    parser.add_argument(
        "--pairs", type=int, default=101, help="of each ratio, at most; default: %(default)s"
    )
    options = parser.parse_args(arguments)
    if options.pairs < FEWEST_PAIRS:
        parser.error(f"--pairs {options.pairs}: an interval needs {FEWEST_PAIRS} or more")
    kernels, pairs = Kernels(options.build.resolve()), options.pairs
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})

    copies = [copy_share(kernels, name, size, 0, pairs) for name, size in copy_sizes()]
    print_table("share of the copy limit", "memcpy", "copy", copies, 2)
    behind = [copy_share(kernels, name, size, 16, pairs) for name, size in copy_sizes()]
    print_table("the same, target 16 bytes behind the source", "memcpy", "copy", behind, 2)
    naive = naive_against_blocked(kernels, pairs)
    print_table("transpose_copy_naive / transpose_copy_blocked", "naive", "blocked", [naive], 2)
    shapes = (*((n, n) for n in SQUARES), *OTHER_SHAPES)
    transpositions = [transposition(kernels, *shape, pairs) for shape in shapes]
    print_table("transpose_copy_blocked / NumPy", "ours", "NumPy", transpositions, 2)
    gathers = [
        strided(kernels, elements, stride, pairs)
        for elements in STRIDED_ELEMENTS
        for stride in STRIDES
        if elements * stride * DOUBLE <= MOST_INPUT_BYTES
    ]
    print_table("copy_strided / NumPy", "ours", "NumPy", gathers, 2)
    reshapes = [reshape(kernels, *shape, pairs) for shape in shapes]
    print_table("reshape_copy / NumPy", "ours", "NumPy", reshapes, 2)

    print(f"\ngoals, NumPy {np.__version__}")
    share, slowest = min(row.median for row in copies), max(row.median for row in transpositions)
    strided_mean, reshape_mean = geometric_mean(gathers), geometric_mean(reshapes)
    met = [
        verdict("smallest share of the copy limit, at least 0.9", share, share >= COPY_GOAL),
        verdict(
            "naive / blocked transposition at 4096 x 4096, at least 3",
            naive.median,
            naive.median >= NAIVE_GOAL,
        ),
        verdict("blocked transposition / NumPy, largest, at most 1", slowest, slowest <= 1),
        verdict("strided copy / NumPy, geometric mean, at most 1", strided_mean, strided_mean <= 1),
        verdict("reshape copy / NumPy, geometric mean, at most 1", reshape_mean, reshape_mean <= 1),
    ]
    return 0 if all(met) else 1
