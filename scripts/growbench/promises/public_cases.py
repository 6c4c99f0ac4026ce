"""The public cases: see public_case.py. To add one, write a function that makes it, and name it in
CASES.

Each can be made whole, as large as it was in public, or at a size that shows the same in a second
or two, for tests. A payload is what the rows take: rows x bytes of each.
"""

import itertools
import math
import mmap
from typing import Callable, Sequence

from growbench.promises.public_case import Case, Cell, Expected, Figures, Ratio, Run, Unknown

KIB, MIB = 1 << 10, 1 << 20
COLD, WARM = "cold_build_ns", "warm_build_release_p25_ns"
COPIED, MOVED, REMAPPED = "copied_bytes", "realloc_moved_count", "realloc_remapped_count"
FAULTS, WARM_FAULTS = "cold_build_minor_fault_count", "warm_minor_fault_count"
GIVEN_BACK = "release_unmapped_bytes"
ANY = math.inf

# From this size on glibc maps blocks of their own at first; blocks below it are copied.
GLIBC_THRESHOLD_BYTES = 128 * KIB
# A warm build's share of what the loop itself and its clock touch: a few pages.
NO_FAULTS = 16
# How many times the payload is copied in all where a block grows through all size classes: the sum
# of the classes up to a payload that has just outgrown one, over it.
COPIES_OF = {
    "jemalloc": (6.5, "4 size classes a doubling"),
    "mimalloc": (12.5, "8 size classes a doubling"),
    "tcmalloc": (5.0, "realloc asks for a quarter more than the block has"),
}


def page_bytes() -> int:
    return mmap.PAGESIZE


def pages(byte_count: float) -> int:
    return math.ceil(byte_count / page_bytes())


def _figure(cell: Cell, column: str, unit: float = 1) -> Callable[[Figures], float]:
    return lambda figures: figures.value(cell, column) / unit


def _added(cell: Cell, than: Cell, column: str) -> Callable[[Figures], float]:
    return lambda figures: figures.value(cell, column) - figures.value(than, column)


def _few_copies(cell: Cell) -> Expected:
    """Under an allocator of COPIES_OF, or glibc."""
    what = f"{cell.allocator}: payloads copied"
    if cell.allocator == "glibc":
        most = 2 * GLIBC_THRESHOLD_BYTES / cell.payload_bytes
        why = "only blocks below 128 KiB are copied, twice at most; larger ones are remapped"
    else:
        most, why = COPIES_OF[cell.allocator]
    versions = ("1.", "2.") if cell.allocator == "mimalloc" else ()
    return Expected(what, cell, _figure(cell, COPIED, cell.payload_bytes), 0, most, why, versions)


def append_8_bytes(whole: bool) -> Case:
    fewer, more, behind = 260_000, 270_000, 2_000
    common = [
        (Cell("append_in_place", name, fewer, 8), Cell("append_in_place", name, more, 8))
        for name in ("glibc", "jemalloc", "mimalloc", "tcmalloc", "tbbmalloc")
    ]
    scudo = [Cell("append_in_place", "scudo", rows, 8, "scudo") for rows in (64_000, 66_000)]
    one = "one size class ends between them"
    page = "its mapping grows by pages, of which these rows take 20"
    limits = {"glibc": (20, page), "tbbmalloc": (20, page)}
    expected = [
        Expected(
            f"{large.allocator}: moves more of 270,000 rows than of 260,000",
            large,
            _added(large, small, MOVED),
            0,
            *limits.get(large.allocator, (2, one)),
            ("1.", "2.") if large.allocator == "mimalloc" else (),
        )
        for small, large in common
    ]
    expected += [_few_copies(large) for _, large in common if large.allocator != "tbbmalloc"]
    expected.append(
        Expected(
            "scudo: moves more of 66,000 rows than of 64,000",
            scudo[1],
            _added(scudo[1], scudo[0], MOVED),
            behind / 2,
            behind / 2,
            "a block ends where its mapping does, so every 16 bytes move it",
            ("14.",),
        )
    )
    return Case(
        "append-8-bytes",
        "n + 1 of 8 bytes near 270,000 rows",
        "realloc to one number more: 260,000 took no time, 270,000 3.1 s and 280,000 7.9 s, with "
        "mimalloc alone (2019)",
        "mimalloc's issue 153, extremely slow realloc performance",
        ("https://github.com/microsoft/mimalloc/issues/153",),
        {
            "": Run([cell for pair in common for cell in pair], "trace", "measure"),
            "scudo": Run(scudo, "trace"),
        },
        expected,
        [
            Ratio(f"{large.allocator}: 270,000 rows against 260,000, cold", large, small, COLD)
            for small, large in common
        ],
    )


def steps_of_4144_bytes(whole: bool) -> Case:
    strategy, step, rows, row_bytes = "realloc_step:4144B", 4144, 518, 8
    # A payload past 6 MB has 1,500 steps; nothing changes from 1 MB on.
    steps, fewer = 1_500 if whole else 500, 300
    cells = {
        name: Cell(strategy, name, steps * rows, row_bytes)
        for name in ("glibc", "jemalloc", "mimalloc", "tcmalloc", "tbbmalloc", "scudo")
    }
    tbb = Cell(strategy, "tbbmalloc", fewer * rows, row_bytes, "fewer")
    scudo = cells["scudo"]
    expected = [_few_copies(cells[name]) for name in ("glibc", *COPIES_OF)]
    expected += [
        Expected(
            "tbbmalloc: bytes copied beyond 300 steps",
            cells["tbbmalloc"],
            lambda figures: figures.value(cells["tbbmalloc"], COPIED) - figures.value(tbb, COPIED),
            0,
            0,
            "from 1 MiB on it grows a mapping of its own by mremap",
        ),
        Expected(
            "scudo: steps that move the block",
            scudo,
            _figure(scudo, MOVED, steps - 1),
            1 - 20 / steps,
            1,
            "a mapping ends where the block does; only below 64 KiB is there room behind it",
            ("14.",),
        ),
        Expected(
            "scudo: bytes copied, over what copying at each step comes to",
            scudo,
            _figure(scudo, COPIED, step * steps * (steps - 1) / 2),
            0.99,
            1,
            "4144 n (n - 1) / 2 for n steps",
            ("14.",),
        ),
    ]
    return Case(
        "steps-of-4144-bytes",
        f"steps of 4,144 bytes to {steps * step / 1e6:.1f} MB",
        "a graphics driver grows a block past 6 MB by 4,144 bytes at a time: some 30 s with Scudo, "
        "not to be noticed with other allocators",
        "LLVM's issue 86115, There's a real gain of in-place realloc",
        ("https://github.com/llvm/llvm-project/issues/86115",),
        {"": Run(list(cells.values()), "trace", "measure"), "fewer": Run([tbb], "trace")},
        expected,
        [
            Ratio(f"{name} against glibc, cold", cells[name], cells["glibc"], COLD)
            for name in cells
            if name != "glibc"
        ],
    )


def doubling(whole: bool) -> Case:
    """A payload that fills the last block, and one of a row more than the block before it."""
    rows, row_bytes = 1 << (20 if whole else 14), 4 * KIB
    names = ("glibc", "tbbmalloc", "jemalloc", "mimalloc", "tcmalloc", "scudo")
    cells = {name: Cell("realloc_doubling", name, rows, row_bytes) for name in names}
    grown = {
        name: cell._replace(rows=rows // 2 + 1, run="just-doubled") for name, cell in cells.items()
    }
    expected: list[Expected] = []
    for name, cell in cells.items():
        expected += (_remapped if name in names[:2] else _copied)(cell, grown[name])
    words = ("--implementations", "c", "--warm-limit", "0")
    return Case(
        "doubling",
        f"doubling to {rows * row_bytes >> 20:,} MiB",
        "a huge array that grows by realloc should never need its old and its new size at once: "
        "mremap moves pages, where copying takes half as much again and more",
        "mimalloc's issue 693, Use mremap for mi_realloc on large objects; jemalloc's issue 126, "
        "repeated huge reallocations are slow",
        (
            "https://github.com/microsoft/mimalloc/issues/693",
            "https://github.com/jemalloc/jemalloc/issues/126",
        ),
        {
            "": Run(list(cells.values()), "trace,measure", "measure", words=words),
            "just-doubled": Run(list(grown.values()), "measure", words=words),
        },
        expected,
        [
            Ratio(f"{name} against glibc, cold", cells[name], cells["glibc"], COLD)
            for name in names[1:]
        ],
        rounds=1 if whole else 1000,
    )


REQUESTED, RESIDENT = "peak_moving_bytes", "peak_memory_bytes"


def _remapped(full: Cell, grown: Cell) -> Sequence[Expected]:
    """Where mremap moves pages."""
    payload, name = full.payload_bytes, full.allocator
    once = 1 - MIB / payload, 1 + 4 * MIB / payload
    return (
        _of_payload(f"{name}: requested at once", full, REQUESTED, 1, 1, "one block"),
        _of_payload(f"{name}: copied", full, COPIED, 0, MIB / payload, "blocks below 1 MiB"),
        _of_payload(f"{name}: resident at once", full, RESIDENT, *once, "one block"),
        _of_payload(
            f"{name}, just doubled: resident", grown, RESIDENT, *once, "one block, half empty"
        ),
    )


def _copied(full: Cell, grown: Cell) -> Sequence[Expected]:
    """Where a block is copied into one of twice the size; some allocators keep the old ones."""
    payload, name = full.payload_bytes, full.allocator
    versions = {"mimalloc": ("1.", "2."), "scudo": ("14.",)}.get(name, ())
    less, more = MIB / payload, 4 * MIB / payload
    all_but_one = 1 - full.row_bytes / payload
    kept = "old blocks, if all are kept, are as much again"
    twice = "two blocks of the payload, and a third if old ones are kept"
    return (
        _of_payload(
            f"{name}: requested at once", full, REQUESTED, 1.5, 1.5, "old and new", versions
        ),
        _of_payload(f"{name}: copied", full, COPIED, 0.5, all_but_one, "all old blocks", versions),
        _of_payload(
            f"{name}: resident at once", full, RESIDENT, 1 - less, 2 + more, kept, versions
        ),
        _of_payload(
            f"{name}, just doubled: resident",
            grown,
            RESIDENT,
            2 - 2 * less,
            3 + 2 * more,
            twice,
            versions,
        ),
    )


def _of_payload(
    what: str,
    cell: Cell,
    column: str,
    least: float,
    most: float,
    why: str,
    versions: Sequence[str] = (),
) -> Expected:
    """In multiples of the payload."""
    figure = _figure(cell, column, cell.payload_bytes)
    return Expected(f"{what}, over the payload", cell, figure, least, most, why, versions)


def mmap_threshold(whole: bool) -> Case:
    """11 MiB are above the threshold that glibc begins with, and below the largest it takes."""
    tunables = "glibc,GLIBC_TUNABLES=glibc.malloc.mmap_threshold="
    labels = {
        "pinned_128k": f"{tunables}{128 * KIB}",
        "pinned_32m": f"{tunables}{32 * MIB}",
        "pinned_both": f"{tunables}{32 * MIB}:glibc.malloc.trim_threshold={64 * MIB}",
    }

    def fills(label: str, mebibytes: int, run: str = "") -> Cell:
        return Cell("preallocate_then_fill", label, mebibytes * KIB, KIB, run)

    adaptive, above = fills("glibc", 11), fills("glibc", 33, "above")
    small, large, both = (fills(label, 11) for label in labels)
    count, payload = pages(adaptive.payload_bytes), adaptive.payload_bytes
    # The block's header takes a page of its own in front of the rows; a little may be kept.
    all_pages, most_pages = (count + 1, count + 1), (0.98 * count, count + NO_FAULTS)
    mapped = (payload + page_bytes(), payload + page_bytes(), "the mapping is given back")
    freed = "the first block that is freed raises the threshold to its size, and the trim threshold"
    expected = [
        Expected(what, cell, _figure(cell, column), least, most, why)
        for what, cell, column, (least, most), why in (
            ("adaptive: cold page faults", adaptive, FAULTS, all_pages, "a new mapping"),
            ("adaptive: warm page faults", adaptive, WARM_FAULTS, (0, NO_FAULTS), freed),
            ("adaptive: bytes given back at first", adaptive, GIVEN_BACK, mapped[:2], mapped[2]),
            (
                "pinned at 128 KiB: warm page faults",
                small,
                WARM_FAULTS,
                most_pages,
                "a mapping each time",
            ),
            (
                "pinned at 32 MiB: warm page faults",
                large,
                WARM_FAULTS,
                most_pages,
                "the trim threshold is left at 128 KiB, so the heap is cut each time",
            ),
            (
                "pinned at 32 MiB: bytes given back",
                large,
                GIVEN_BACK,
                (payload - 128 * KIB, payload + 128 * KIB),
                "the heap's end is",
            ),
            (
                "both thresholds pinned: warm page faults",
                both,
                WARM_FAULTS,
                (0, NO_FAULTS),
                "the heap stays",
            ),
            (
                "both thresholds pinned: bytes given back",
                both,
                GIVEN_BACK,
                (0, 0),
                "the heap stays",
            ),
            (
                "33 MiB, adaptive: warm page faults",
                above,
                WARM_FAULTS,
                (pages(above.payload_bytes), pages(above.payload_bytes) + NO_FAULTS),
                "the threshold is never raised beyond 32 MiB",
            ),
        )
    ]
    ratios = [
        Ratio("pinned at 128 KiB against adaptive, warm", small, adaptive, WARM),
        Ratio("pinned at 32 MiB against adaptive, warm", large, adaptive, WARM),
        Ratio("both pinned against adaptive, warm", both, adaptive, WARM),
    ]
    return Case(
        "mmap-threshold",
        "arrays of 11 MiB around glibc's adaptive mmap threshold",
        "glibc adapts the size from which it maps blocks of their own, so that one program has "
        "page faults at each turn or none, by what was freed before; pinning one of its two "
        "thresholds alone is worse than neither",
        "sonos/tract's pull request 2783; ZettaScaleLabs/hiroz's 350; Pillow's 2738",
        (
            "https://github.com/sonos/tract/pull/2783",
            "https://github.com/ZettaScaleLabs/hiroz/pull/350",
            "https://github.com/python-pillow/Pillow/pull/2738",
        ),
        {
            "": Run([adaptive, small, large, both], "trace,measure", "measure", labels),
            "above": Run([above], "measure"),
        },
        expected,
        ratios,
    )


def jemalloc_7_megabytes(whole: bool) -> Case:
    """7.0 and 7.1 MB are of one size class; 7 and 7.1 MiB are not."""
    label = "oversize_16m"
    labels = {label: f"jemalloc,MALLOC_CONF=oversize_threshold:{16 * MIB}"}

    def fills(rows: int, row_bytes: int, allocator: str = "jemalloc") -> Cell:
        return Cell("preallocate_then_fill", allocator, rows, row_bytes)

    megabytes = fills(7_000, 1_000), fills(7_100, 1_000)
    mebibytes = fills(7 * KIB, KIB), fills(7_271, KIB)
    told = fills(7_271, KIB, label)
    none = "in the size class of 7 MiB, which is kept for the next one"
    over = "in the size class of 8 MiB, which opt.oversize_threshold has given back at once"
    expected = [
        Expected(f"{what}: warm page faults", cell, _figure(cell, WARM_FAULTS), low, high, why, of)
        for what, cell, low, high, why, of in (
            ("7.0 MB", megabytes[0], 0, NO_FAULTS, none, ("5.",)),
            ("7.1 MB", megabytes[1], 0, NO_FAULTS, none, ("5.",)),
            ("7.0 MiB", mebibytes[0], 0, NO_FAULTS, none, ("5.",)),
            ("7.1 MiB", mebibytes[1], pages(7_271 * KIB), pages(8 * MIB) + 16, over, ("5.",)),
            (
                "7.1 MiB, threshold set to 16 MiB",
                told,
                pages(7_271 * KIB),
                pages(8 * MIB) + NO_FAULTS,
                "5.3.0 goes on with 8 MiB (jemalloc's issue 2809)",
                ("5.3.0",),
            ),
        )
    ]
    expected += [
        Expected(
            f"{what}: bytes given back",
            cell,
            _figure(cell, GIVEN_BACK),
            least,
            most,
            why,
            ("5.",),
        )
        for what, cell, least, most, why in (
            ("7.1 MB", megabytes[1], 0, 0, none),
            ("7.1 MiB", mebibytes[1], 8 * MIB, 8 * MIB + page_bytes(), over),
        )
    ]
    return Case(
        "jemalloc-7-megabytes",
        "7.0 against 7.1 MB in a loop under jemalloc",
        "malloc, memset and free in a loop: no page faults and 5,000 a second with 7 MB, many page "
        "faults and 600 a second with 7.1 MB, whatever opt.oversize_threshold says (5.3)",
        "jemalloc's issue 2824, How to fine-tune settings for large memory requests; 2809",
        (
            "https://github.com/jemalloc/jemalloc/issues/2824",
            "https://github.com/jemalloc/jemalloc/issues/2809",
        ),
        {"": Run([*megabytes, *mebibytes, told], "trace,measure", "measure", labels)},
        expected,
        [
            Ratio("7.1 MB against 7.0 MB, warm", megabytes[1], megabytes[0], WARM),
            Ratio("7.1 MiB against 7.0 MiB, warm", mebibytes[1], mebibytes[0], WARM),
        ],
    )


def transposes(whole: bool) -> Case:
    """A column's elements are a row apart: of 12,800 doubles that is 25 pages of 4 KiB.

    Huge pages are left to those who ask for them, as NumPy does: with pages of 4 KiB each element
    of a column needs another entry of the TLB, and that takes longer than what is to be seen.
    """
    side, counted_side = 12_800 if whole else 1_024, 1_024
    in_c = ["transpose_copy_naive", "transpose_copy_blocked"]
    in_numpy = ["transpose_copy"] if whole else []

    def pair(strategy: str, side: int, run: str) -> Sequence[Cell]:
        return [Cell(strategy, "glibc", side, 8 * columns, run) for columns in (side, side + 1)]

    timed = {strategy: pair(strategy, side, "") for strategy in (*in_c, *in_numpy)}
    counted = {strategy: pair(strategy, counted_side, "counted") for strategy in in_c}
    expected: list[Expected] = []
    for strategy, cells in counted.items():
        for cell in cells:
            what, size = f"{strategy}, {cell.rows:,} x {cell.row_bytes // 8:,}", cell.payload_bytes
            faults = pages(size), pages(size) + 8
            expected += [
                Expected(f"{what}: bytes copied", cell, _figure(cell, COPIED), size, size, "once"),
                Expected(
                    f"{what}: page faults", cell, _figure(cell, FAULTS), *faults, "of the result"
                ),
            ]
        expected.append(_same_instructions(strategy, *cells))
    languages = "c,numpy" if whole else "c"
    return Case(
        "transposes",
        f"transposes at {side:,} x {side:,} against {side:,} x {side + 1:,}",
        "B[:] = A.T in NumPy, 30 times: 14 s for 12,800 x 12,801 and 40 s for 12,800 x 12,800",
        "a comment of 2021-05-08 in NumPy's issue 18512, argmax performance issue",
        ("https://github.com/numpy/numpy/issues/18512",),
        {
            "": Run(
                list(itertools.chain.from_iterable(timed.values())),
                "pattern",
                "pattern",
                words=("--implementations", languages, "--warm-limit", "60"),
                huge_pages=True,
            ),
            "counted": Run(
                list(itertools.chain.from_iterable(counted.values())),
                "trace,instructions,pattern",
            ),
        },
        expected,
        [
            Ratio(f"{name}: {side:,} columns against {side + 1:,}, {when}", one, other, column)
            for name, (one, other) in timed.items()
            for when, column in (("cold", COLD), ("warm", "warm_build_release_median_ns"))
        ],
        rounds=1 if whole else 1000,
    )


def _same_instructions(strategy: str, square: Cell, other: Cell) -> Expected:
    column = "cold_build_instruction_count"

    def of(figures: Figures) -> float:
        one = figures.value(square, column) / square.payload_bytes
        return one / (figures.value(other, column) / other.payload_bytes)

    why = "the code does the same: what differs is in the caches"
    what = f"{strategy}: instructions an element, 1,024 columns over 1,025"
    return Expected(what, square, of, 0.998, 1.002, why)


def huge_pages(whole: bool) -> Case:
    """Forbidden by prctl, or asked for by glibc (madvise), in one worker as in the other."""
    label, huge_bytes = "asking", 2 * MIB
    rows = (1_024 if whole else 64) * KIB
    off = Cell("preallocate_then_fill", "glibc", rows, KIB, "off")
    on = Cell("preallocate_then_fill", label, rows, KIB, "on")
    payload = off.payload_bytes

    def given(figures: Figures) -> float:
        brought = figures.value(on, "cold_build_huge_fault_bytes")
        if brought == 0:
            raise Unknown("the kernel gave no huge page: it is set to never, or has none free")
        return brought

    def covered(figures: Figures) -> float:
        brought, huge = given(figures), figures.value(on, "cold_build_huge_fault_count")
        return ((figures.value(on, FAULTS) - huge) * page_bytes() + brought) / payload

    def fewer(figures: Figures) -> float:
        given(figures)
        return figures.value(off, FAULTS) / figures.value(on, FAULTS)

    def peak(figures: Figures) -> float:
        given(figures)
        return figures.value(on, "peak_memory_bytes") / payload

    expected = (
        Expected(
            "off: page faults",
            off,
            _figure(off, FAULTS),
            pages(payload) + 1,
            pages(payload) + 1,
            "one a page, and one for the block's header",
        ),
        Expected(
            "off: those that brought a huge page",
            off,
            _figure(off, "cold_build_huge_fault_count"),
            0,
            0,
            "prctl forbids it",
        ),
        Expected("on: payloads that the faults brought", on, covered, 1, ANY, "all is touched"),
        Expected("page faults, off over on", off, fewer, 1, ANY, "a huge page is 512 of 4 KiB"),
        Expected(
            "on: most resident at once, over the payload",
            on,
            peak,
            1 - MIB / payload,
            1 + 2 * huge_bytes / payload,
            "a huge page at each end may be brought in part",
        ),
    )
    words = ("--implementations", "c", "--warm-limit", "0")
    tunable = {label: "glibc,GLIBC_TUNABLES=glibc.malloc.hugetlb=1"}
    return Case(
        "huge-pages",
        "huge pages on and off",
        "a large array that is touched for the first time takes a multiple of the time that it "
        "takes with huge pages",
        "NumPy's issue 11919, Guide for hugepages? Speedup large array creation",
        ("https://github.com/numpy/numpy/issues/11919",),
        {
            "off": Run([off], "measure", "measure", words=words),
            "on": Run([on], "measure", "measure", tunable, words, huge_pages=True),
        },
        expected,
        [Ratio("off against on, cold", off, on, COLD)],
    )


# By what they are called: each is called with whether it is wanted whole.
CASES: Sequence[Callable[[bool], Case]] = (
    append_8_bytes,
    steps_of_4144_bytes,
    doubling,
    mmap_threshold,
    jemalloc_7_megabytes,
    transposes,
    huge_pages,
)


def names() -> list[str]:
    return [make.__name__.replace("_", "-") for make in CASES]
