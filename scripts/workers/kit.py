"""The harness's library for workers in other languages (harness/worker/worker_kit.h), by ctypes.

It measures, traces, verifies and reports with the same code as growbench-worker, and calls back for
what a strategy does. A strategy is an object with the members of Subject.
"""

import ctypes
import functools
import os
import sys
import traceback
from typing import Any, Callable, Iterable, NamedTuple, Optional, Sequence, Union

LIBRARY = "libgrowbench-worker.so"
VERSION = 2
# sysexits.h: an internal software error.
FAULT = 70

BUILD_OK, BUILD_OUT_OF_MEMORY = 0, 1
LINEAR, QUADRATIC = 1, 2

Buffer = Union[bytes, int]


class Subject(NamedTuple):
    """Something that can be built, as struct strategy (kernels/strategy.h) has it.

    build: makes the result of `rows` rows and returns it; MemoryError is out of memory. pieces: the
    result's rows, in order, as pairs of a buffer (bytes, or an address) and how many rows it holds;
    of a pattern, elements of 8 bytes instead of rows. copied_bytes, blocks: of so many rows, in
    closed form: bytes that the build copies from place to place, calls of malloc at most.
    idle: makes the build's statements do as much of what is not growth; None: cannot be told.
    rewind, expected, walk: as there; expected gives the checksum.
    like: a copying pattern: the name of the one in C (kernels/patterns/) with whose input it
    begins, and whose result its own must equal; build gets that Input instead of a number of rows.
    """

    name: str
    help: str
    counterpart: str
    order: int
    build: Callable[[Any], Any]
    pieces: Callable[[Any], Iterable[tuple[Buffer, int]]]
    copied_bytes: Callable[[int], int]
    blocks: Callable[[int], int]
    idle: Optional[Callable[[int], None]] = None
    like: str = ""
    rewind: Optional[Callable[[], None]] = None
    expected: Optional[Callable[[int], int]] = None
    walk: Optional[Callable[[Any], Any]] = None
    supports: Callable[[int], bool] = lambda row_bytes: True


class Input(NamedTuple):
    """What a copying pattern starts from: NumPy arrays of the library's memory. b, index: None if
    the pattern has no use for them."""

    a: Any
    b: Any
    index: Any


_pointer, _size = ctypes.c_void_p, ctypes.c_size_t
_SUPPORTS = ctypes.CFUNCTYPE(ctypes.c_bool, _size)
_BEGIN = ctypes.CFUNCTYPE(ctypes.c_int, _pointer, _size)
_APPEND = ctypes.CFUNCTYPE(ctypes.c_int, _pointer, _pointer)
_FINISH = ctypes.CFUNCTYPE(ctypes.c_int, _pointer)
_BUILD = ctypes.CFUNCTYPE(ctypes.c_int, _pointer, _size, _pointer)
_SCAN = ctypes.CFUNCTYPE(ctypes.c_uint64, _pointer)
_RELEASE = ctypes.CFUNCTYPE(None, _pointer)


class _Cost(ctypes.Structure):
    _fields_ = [
        (name, ctypes.c_uint64)
        for name in (
            "malloc_count",
            "calloc_count",
            "realloc_count",
            "free_count",
            "mmap_count",
            "mprotect_count",
            "copied_bytes",
            "realloc_moved_bytes",
            "peak_bytes",
            "peak_moving_bytes",
            "final_bytes",
            "live_block_count",
        )
    ]


_COST = ctypes.CFUNCTYPE(None, _size, _size, ctypes.POINTER(_Cost))
_PREPARE = ctypes.CFUNCTYPE(ctypes.c_int, _pointer, _size)
_DISPOSE = ctypes.CFUNCTYPE(None, _pointer)
_REWIND = ctypes.CFUNCTYPE(None, _pointer, _size)
_EXPECTED = ctypes.CFUNCTYPE(ctypes.c_uint64, _pointer, _size)
_WALK = ctypes.CFUNCTYPE(None, _pointer)


class _Strategy(ctypes.Structure):
    _fields_ = [
        ("name", ctypes.c_char_p),
        ("implementation", ctypes.c_char_p),
        ("help", ctypes.c_char_p),
        ("counterpart", ctypes.c_char_p),
        ("order", ctypes.c_int),
        ("supports", _SUPPORTS),
        ("aborts_without_memory", ctypes.c_bool),
        ("on_request", ctypes.c_bool),
        ("parameter", _pointer),
        ("value", ctypes.c_uint64),
        ("is_pattern", ctypes.c_bool),
        ("begin", _BEGIN),
        ("append", _APPEND),
        ("finish", _FINISH),
        ("build", _BUILD),
        ("scan", _SCAN),
        ("release", _RELEASE),
        ("cost", _COST),
        ("cost_at", _pointer),
        ("prepare", _PREPARE),
        ("dispose", _DISPOSE),
        ("rewind", _REWIND),
        ("expected", _EXPECTED),
        ("walk", _WALK),
        ("takes_turns", ctypes.c_bool),
        ("paused_ns", _pointer),
    ]


_INTERPRETER = ctypes.CFUNCTYPE(ctypes.c_double, ctypes.POINTER(_Strategy), _size, _size)


class _Program(ctypes.Structure):
    _fields_ = [
        ("name", ctypes.c_char_p),
        ("tables", ctypes.POINTER(ctypes.POINTER(_Strategy)) * 2),
        ("implementation_version", ctypes.c_char_p),
        ("layers_before_malloc", ctypes.c_char_p),
        ("missing", ctypes.c_char_p),
        ("interpreter_ns", _INTERPRETER),
        ("replay", _pointer),
    ]


class _Input(ctypes.Structure):
    _fields_ = [("a", _pointer), ("b", _pointer), ("index", _pointer)]


class _Layout(ctypes.Structure):
    _fields_ = [(name, _size) for name in ("version", "strategy", "cost", "program")]


class Description(NamedTuple):
    """What a worker says of itself: the columns of these names; missing: why nothing can be built
    here, and what to do, or ""."""

    implementation: str
    version: str
    layers: str
    missing: str = ""


class Kit:
    """The library, loaded. Raises SystemExit with a message if it is not there, or another's."""

    def __init__(self, path: str) -> None:
        try:
            # The callbacks run Python code, so the interpreter's lock stays ours.
            self._library = ctypes.PyDLL(path)
        except OSError as error:
            raise SystemExit(f"{error}; build it with cmake --build, as make build does") from None
        layout = _Layout()
        self._library.worker_kit_layout(ctypes.byref(layout))
        ours = (VERSION, *map(ctypes.sizeof, (_Strategy, _Cost, _Program)))
        if (layout.version, layout.strategy, layout.cost, layout.program) != ours:
            raise SystemExit(f"{path} is of another version than this script; build it anew")
        self._library.worker_kit_checksum_add.argtypes = [
            ctypes.POINTER(ctypes.c_uint64),
            _pointer,
            _size,
            _size,
        ]
        self._library.worker_kit_checksum_add.restype = None
        self._library.worker_kit_checksum_value.restype = ctypes.c_uint64
        self._library.row_source_checksum.argtypes = [_pointer, _size]
        self._library.row_source_checksum.restype = ctypes.c_uint64
        self._library.worker_kit_pattern.argtypes = [ctypes.c_char_p]
        self._library.worker_kit_pattern.restype = ctypes.POINTER(_Strategy)
        self._library.worker_kit_input.argtypes = [_pointer, ctypes.POINTER(_Input)]
        self._library.worker_kit_input.restype = None
        # What ctypes only points to has to be kept alive.
        self._kept: list[Any] = []

    def checksum(self, pieces: Iterable[tuple[Buffer, int]], row_bytes: int) -> int:
        """The checksum (kernels/checksum.h) of rows in pieces, as Subject.pieces gives them."""
        sums = (ctypes.c_uint64 * 2)()
        for buffer, count in pieces:
            self._library.worker_kit_checksum_add(sums, buffer, count, row_bytes)
        value: int = self._library.worker_kit_checksum_value(sums)
        return value

    def run(
        self,
        description: Description,
        subjects: Sequence[Subject],
        row_bytes: int,
        arguments: Sequence[str],
    ) -> int:
        """Do what the command line asks for, and return the exit status."""
        structures = [self._strategy(subject, description, row_bytes) for subject in subjects]
        table = (ctypes.POINTER(_Strategy) * (len(structures) + 1))()
        for i, structure in enumerate(structures):
            table[i] = ctypes.pointer(structure)
        by_name = {subject.name.encode(): subject for subject in subjects}

        def interpreter_ns(strategy: Any, rows: int, _: int) -> float:
            idle = by_name[strategy.contents.name].idle
            if idle is None:
                return -1.0
            ns: float = _guarded(functools.partial(_shortest_ns, idle, rows), -1.0)
            return ns

        program = _Program(
            name=b"python_worker",
            implementation_version=description.version.encode() or None,
            layers_before_malloc=description.layers.encode() or None,
            missing=description.missing.encode() or None,
            interpreter_ns=_INTERPRETER(interpreter_ns),
        )
        program.tables[0] = table
        words = [b"python_worker", *map(os.fsencode, arguments)]
        argv = (ctypes.c_char_p * (len(words) + 1))(*words, None)
        status: int = self._library.worker_command(ctypes.byref(program), len(words), argv)
        return status

    def _strategy(self, subject: Subject, description: Description, row_bytes: int) -> _Strategy:
        result: list[Any] = [None]
        given: list[Any] = [None]
        unit = 8 if subject.like else row_bytes

        def build(_array: int, rows: int, _source: int) -> int:
            try:
                result[0] = subject.build(given[0] if subject.like else rows)
            except MemoryError:
                return BUILD_OUT_OF_MEMORY
            except BaseException:
                die()
            return BUILD_OK

        def scan(_array: int) -> int:
            # After a build that ran out of memory there is nothing to look at.
            if result[0] is None:
                return 0
            return _guarded(lambda: self.checksum(subject.pieces(result[0]), unit), 0)

        def release(_array: int) -> None:
            result[0] = None

        def rewind(_source: int, _rows: int) -> None:
            if subject.rewind is not None:
                _guarded(subject.rewind, None)

        def expected(source: int, rows: int) -> int:
            if subject.expected is None:
                checksum: int = self._library.row_source_checksum(source, rows)
                return checksum
            of_subject = subject.expected
            return _guarded(lambda: of_subject(rows), 0)

        def walk(_array: int) -> None:
            _guarded(lambda: subject.walk(result[0]) if subject.walk else None, None)

        made = _Strategy(
            name=subject.name.encode(),
            implementation=description.implementation.encode(),
            help=subject.help.encode(),
            counterpart=subject.counterpart.encode(),
            order=subject.order,
            supports=_SUPPORTS(subject.supports),
            is_pattern=bool(subject.like),
            build=_BUILD(build),
            scan=_SCAN(scan),
            release=_RELEASE(release),
            cost=_COST(functools.partial(_tell_cost, subject)),
            rewind=_REWIND(rewind),
            expected=_EXPECTED(expected),
        )
        if subject.like:
            self._begin_like(made, subject.like, given, row_bytes)
        if subject.walk is not None:
            made.walk = _WALK(walk)
        self._kept.append(made)
        return made

    def _begin_like(self, made: _Strategy, name: str, given: list[Any], row_bytes: int) -> None:
        """Have it begin with the input of the pattern in C, which it leaves in given[0]."""
        found = self._library.worker_kit_pattern(name.encode())
        if not found:
            raise SystemExit(f"there is no pattern {name} in C to begin with")
        ours = found.contents

        def prepare(source: int, rows: int) -> int:
            status: int = ours.prepare(source, rows)
            if status == BUILD_OK:
                given[0] = _guarded(lambda: self._input(source, rows, row_bytes // 8), None)
            return status

        made.prepare = _PREPARE(prepare)
        for member in ("supports", "dispose", "rewind", "expected"):
            setattr(made, member, getattr(ours, member))
        self._kept.append(ours)

    def _input(self, source: int, rows: int, columns: int) -> Input:
        import numpy as np

        found = _Input()
        self._library.worker_kit_input(source, ctypes.byref(found))

        def array(address: Optional[int], kind: Any, *shape: int) -> Any:
            if address is None:
                return None
            return np.ctypeslib.as_array(ctypes.cast(address, ctypes.POINTER(kind)), shape)

        return Input(
            array(found.a, ctypes.c_double, rows, columns),
            array(found.b, ctypes.c_double, rows, columns),
            array(found.index, ctypes.c_ssize_t, rows),
        )


def _shortest_ns(statement: Callable[[int], None], rows: int) -> float:
    """The shortest of three times that it takes."""
    from time import perf_counter_ns

    times = []
    for _ in range(3):
        start = perf_counter_ns()
        statement(rows)
        times.append(perf_counter_ns() - start)
    return float(min(times))


def _tell_cost(subject: Subject, rows: int, _row_bytes: int, cost: Any) -> None:
    cost[0] = _guarded(
        lambda: _Cost(malloc_count=subject.blocks(rows), copied_bytes=subject.copied_bytes(rows)),
        _Cost(),
    )


def _guarded(call: Callable[[], Any], otherwise: Any) -> Any:
    """What the call returns. An exception may not go through the library: it ends the process."""
    try:
        return call()
    except BaseException:
        die()
    return otherwise


def die() -> None:
    lines = traceback.format_exc().splitlines()
    # The first line is what the runner keeps in the row.
    print(f"python_worker: {lines[-1]}", *lines, sep="\n", file=sys.stderr, flush=True)
    os._exit(FAULT)
