"""Reads a profile as harness/profile/README.md says that it is laid out, without its reader."""

import struct
import zlib
from pathlib import Path
from typing import Dict, Iterator, List, NamedTuple, Optional, Tuple

KINDS = ("malloc", "calloc", "aligned", "realloc_new", "realloc", "free")
STARTS = ("started", "forked")
ENDS = ("exited", "replaced", "killed", "limited", "no_space")
NONE = 2**32 - 1
TOUCH_BYTES = 128 * 1024
TOTALS = (
    *("offset", "bytes", "start", "end", "parent", "thread_count", "most_blocks", "stack_count"),
    *("event_count", *KINDS, "requested_bytes", "most_bytes", "largest_bytes", "moved_count"),
    *("failed_count", "foreign_count", "lost_count"),
)


class Event(NamedTuple):
    kind: str
    thread: int
    block: int
    size: int
    old: int = 0
    alignment: int = 0
    touched: Optional[int] = None
    moved: bool = False
    stack: Tuple[Tuple[str, int], ...] = ()


class Process(NamedTuple):
    totals: Dict[str, int]
    command: List[str]
    events: List[Event]

    @property
    def start(self) -> str:
        return STARTS[self.totals["start"]]

    @property
    def end(self) -> str:
        return ENDS[self.totals["end"]]

    @property
    def parent(self) -> Optional[int]:
        return None if self.totals["parent"] == NONE else self.totals["parent"]


class _Piece:
    """A piece that is not compressed any more."""

    def __init__(self, data: bytes):
        self.data, self.at = data, 0

    def byte(self) -> int:
        self.at += 1
        return self.data[self.at - 1]

    def varint(self) -> int:
        value = shift = 0
        while True:
            byte = self.byte()
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    def text(self) -> bytes:
        length = self.varint()
        self.at += length
        return self.data[self.at - length : self.at]


class _Heap:
    """Which block a number means, and what is said of the events that follow."""

    def __init__(self, page_bytes: int):
        self.page_bytes = page_bytes
        self.sizes: List[int] = []
        self.free: List[int] = []
        self.thread = 0
        self.stack: Tuple[Tuple[str, int], ...] = ()
        self.stacks: List[Tuple[Tuple[str, int], ...]] = []
        self.modules: List[str] = []
        self.command = b""

    def context(self, what: int, piece: _Piece) -> None:
        if what == 0:
            self.thread = piece.varint()
        elif what == 1:
            self.stack = self.stacks[piece.varint()]
        elif what == 2:
            frames = [(piece.varint(), piece.varint()) for _ in range(piece.varint())]
            self.stacks.append(tuple((self.modules[module], place) for module, place in frames))
        elif what == 3:
            self.modules.append(piece.text().decode())
        else:
            assert what == 4
            self.command += piece.text()

    def number(self, size: int) -> int:
        block = self.free.pop() if self.free else len(self.sizes)
        self.sizes[block : block + 1] = [size]
        return block

    def touched(self, size: int, piece: _Piece) -> Optional[int]:
        pages = piece.varint() if size >= TOUCH_BYTES else 0
        return min((pages - 1) * self.page_bytes, size) if pages else None

    def event(self, operation: int, piece: _Piece) -> Event:
        kind, number = KINDS[operation & 7], operation >> 3
        stack, self.stack = self.stack, ()
        if number == 31:
            number += piece.varint()
        if kind == "free":
            self.free.append(number)
            return Event(kind, self.thread, number, self.sizes[number])
        if kind == "realloc":
            place = piece.varint()
            block, old = place >> 1, self.sizes[place >> 1]
            self.sizes[block] = number
            touched = self.touched(number, piece)
            return Event(kind, self.thread, block, number, old, 0, touched, place % 2 == 1, stack)
        alignment = 1 << piece.byte() if kind == "aligned" else 0
        touched = self.touched(number, piece)
        block = self.number(number)
        return Event(kind, self.thread, block, number, 0, alignment, touched, False, stack)


def _pieces(data: bytes) -> Iterator[_Piece]:
    at = 0
    while at < len(data):
        packed, raw = struct.unpack_from("<II", data, at)
        text = zlib.decompress(data[at + 8 : at + 8 + packed])
        assert len(text) == raw
        at += 8 + packed
        yield _Piece(text)


def _read_process(data: bytes, totals: Dict[str, int], page_bytes: int) -> Process:
    heap = _Heap(page_bytes)
    events = []
    for piece in _pieces(data[totals["offset"] : totals["offset"] + totals["bytes"]]):
        while piece.at < len(piece.data):
            operation = piece.byte()
            if operation & 7 == 6:
                heap.context(operation >> 3, piece)
            else:
                events.append(heap.event(operation, piece))
    return Process(totals, [word.decode() for word in heap.command.split(b"\0")[:-1]], events)


def read_totals(path: Path) -> List[Dict[str, int]]:
    """What the index says of its processes."""
    data = path.read_bytes()
    magic, version, _, word_bits = struct.unpack_from("<8sIII", data)
    file_bytes, index, count = struct.unpack_from("<QQI", data, 24)
    assert (magic, version, word_bits) == (b"GROWPROF", 1, 64)
    assert file_bytes == len(data)
    assert struct.unpack_from("<I", data, 60)[0] == zlib.crc32(data[:60])
    record = struct.Struct(f"<{len(TOTALS)}Q")
    assert index + count * record.size + 4 == len(data)
    assert struct.unpack_from("<I", data[-4:])[0] == zlib.crc32(data[index:-4])
    return [dict(zip(TOTALS, numbers)) for numbers in record.iter_unpack(data[index:-4])]


def read_profile(path: Path) -> List[Process]:
    """Its processes with all their events."""
    data = path.read_bytes()
    page_bytes = struct.unpack_from("<I", data, 20)[0]
    return [_read_process(data, totals, page_bytes) for totals in read_totals(path)]
