"""The public cases: see public_case.py. To add one, write a function that makes it, and name it in
CASES.

Each can be made whole, as large as it was in public, or at a size that shows the same in a second
or two, for tests. A payload is what the rows take: rows x bytes of each.
"""

import math
import mmap
from typing import Callable, Mapping, Sequence

from growbench.promises.public_case import Case, Cell, Expected, Figures, Ratio, Run, Unknown

KIB, MIB = 1 << 10, 1 << 20
PAGE = mmap.PAGESIZE
COLD, WARM = "cold_build_ns", "warm_build_release_p25_ns"
COPIED, MOVED = "copied_bytes", "realloc_moved_count"
FAULTS, WARM_FAULTS = "cold_build_minor_fault_count", "warm_minor_fault_count"
REQUESTED, RESIDENT = "peak_moving_bytes", "peak_memory_bytes"
GIVEN_BACK = "release_unmapped_bytes"
WITHOUT_WARM = ("--implementations", "c", "--warm-limit", "0")

# What the loop of warm builds and its clock touch, a build: a few pages at most.
FEW = 16
# glibc copies blocks of less; larger ones are mappings of their own at first.
GLIBC_COPIES_BELOW = 128 * KIB
# How many payloads are copied in all where a block grows through all size classes: the sum of the
# classes up to the one that was just outgrown, over that, at most.
PAYLOADS_COPIED = {
    "jemalloc": (6.5, "4 size classes a doubling"),
    "mimalloc": (12.5, "8 size classes a doubling"),
    "tcmalloc": (5.0, "realloc asks for a quarter more than the block has"),
}
# For which versions that is known which is not of all of them.
KNOWN: Mapping[str, Sequence[str]] = {
    "mimalloc": ("1.", "2."),
    "scudo": ("14.",),
    "jemalloc": ("5.",),
}

Bounds = tuple[float, float]


def exactly(value: float) -> Bounds:
    return value, value


def pages(byte_count: float) -> int:
    return math.ceil(byte_count / PAGE)


def expect(
    what: str, cell: Cell, column: str, bounds: Bounds, why: str, unit: float = 1
) -> Expected:
    """A figure of the cell, counted in `unit`."""
    known = KNOWN.get(cell.allocator, ())
    return Expected(what, cell, lambda all: all.value(cell, column) / unit, *bounds, why, known)


def more(what: str, cell: Cell, than: Cell, column: str, bounds: Bounds, why: str) -> Expected:
    """By how much a figure of `cell` is larger than that of `than`."""

    def of(figures: Figures) -> float:
        return figures.value(cell, column) - figures.value(than, column)

    return Expected(what, cell, of, *bounds, why, KNOWN.get(cell.allocator, ()))


def few_copies(cell: Cell) -> Expected:
    """Of glibc, or an allocator of PAYLOADS_COPIED."""
    most, why = PAYLOADS_COPIED.get(
        cell.allocator,
        (2 * GLIBC_COPIES_BELOW / cell.payload_bytes, "blocks below 128 KiB, twice at most"),
    )
    what = f"{cell.allocator}: payloads copied"
    return expect(what, cell, COPIED, (0, most), why, cell.payload_bytes)


def append_8_bytes(_whole: bool) -> Case:
    """2 MiB, where mimalloc's largest size class ended in 2019, are 262,144 rows."""
    pairs = {
        name: [Cell("append_in_place", name, rows, 8) for rows in (260_000, 270_000)]
        for name in ("glibc", "tbbmalloc", "jemalloc", "mimalloc", "tcmalloc")
    }
    pairs["scudo"] = [
        Cell("append_in_place", "scudo", rows, 8, "scudo") for rows in (64_000, 66_000)
    ]
    page = (0.0, 20.0), "its mapping grows by pages, and these rows take 20"
    one = (0.0, 2.0), "one size class ends between them"
    each = exactly(1000), "a block ends where its mapping does, so 16 bytes more move it"
    limits = {"glibc": page, "tbbmalloc": page, "scudo": each}
    expected = [
        more(
            f"{name}: moves more of {large.rows:,} rows than of {small.rows:,}",
            *(large, small, MOVED),
            *limits.get(name, one),
        )
        for name, (small, large) in pairs.items()
    ]
    expected += [few_copies(pairs[name][1]) for name in ("glibc", *PAYLOADS_COPIED)]
    timed = {name: cells for name, cells in pairs.items() if name != "scudo"}
    return Case(
        "append-8-bytes",
        "n + 1 of 8 bytes near 270,000 rows",
        "realloc to one number more: 260,000 took no time, 270,000 3.1 s and 280,000 7.9 s, with "
        "mimalloc alone (2019)",
        "mimalloc's issue 153, extremely slow realloc performance",
        ("https://github.com/microsoft/mimalloc/issues/153",),
        {
            "": Run([cell for cells in timed.values() for cell in cells], "trace", "measure"),
            "scudo": Run(pairs["scudo"], "trace"),
        },
        expected,
        [
            Ratio(f"{name}: 270,000 rows against 260,000, cold", large, small, COLD)
            for name, (small, large) in timed.items()
        ],
    )


def steps_of_4144_bytes(whole: bool) -> Case:
    """1,500 steps come past 6 MB; what is to be seen is there from 1 MiB on."""
    step, steps, rows_a_step = 4144, 1_500 if whole else 500, 518
    strategy = f"realloc_step:{step}B"
    cells = {
        name: Cell(strategy, name, steps * rows_a_step, 8)
        for name in ("glibc", "jemalloc", "mimalloc", "tcmalloc", "tbbmalloc", "scudo")
    }
    scudo, tbb = cells["scudo"], cells["tbbmalloc"]
    fewer = tbb._replace(rows=300 * rows_a_step, run="fewer")
    each = "only below 64 KiB, some 16 steps, is there room behind a block"
    expected = [few_copies(cells[name]) for name in ("glibc", *PAYLOADS_COPIED)]
    expected += [
        more(
            "tbbmalloc: bytes copied beyond 300 steps",
            *(tbb, fewer, COPIED, exactly(0)),
            "from 1 MiB on a block is a mapping of its own, which mremap makes longer",
        ),
        expect(
            "scudo: share of steps that move the block",
            *(scudo, MOVED, (1 - 20 / steps, 1), each, steps - 1),
        ),
        expect(
            "scudo: bytes copied, over 4,144 n (n - 1) / 2 for n steps",
            *(scudo, COPIED, (0.99, 1), "each step copies all of the block"),
            step * steps * (steps - 1) / 2,
        ),
    ]
    return Case(
        "steps-of-4144-bytes",
        f"steps of 4,144 bytes to {steps * step / 1e6:.1f} MB",
        "a graphics driver grows a block past 6 MB by 4,144 bytes at a time: some 30 s with Scudo, "
        "not to be noticed with other allocators",
        "LLVM's issue 86115, There's a real gain of in-place realloc",
        ("https://github.com/llvm/llvm-project/issues/86115",),
        {"": Run(list(cells.values()), "trace", "measure"), "fewer": Run([fewer], "trace")},
        expected,
        against_glibc(cells),
    )


def against_glibc(cells: Mapping[str, Cell]) -> list[Ratio]:
    return [
        Ratio(f"{name} against glibc, cold", cell, cells["glibc"], COLD)
        for name, cell in cells.items()
        if name != "glibc"
    ]


def doubling(whole: bool) -> Case:
    """A payload that fills the last block, and one of a row more than the block before it."""
    rows, remapping = 1 << (20 if whole else 14), ("glibc", "tbbmalloc")
    cells = {
        name: Cell("realloc_doubling", name, rows, 4 * KIB)
        for name in (*remapping, "jemalloc", "mimalloc", "tcmalloc", "scudo")
    }
    doubled = {
        name: cell._replace(rows=rows // 2 + 1, run="doubled") for name, cell in cells.items()
    }
    expected: list[Expected] = []
    for name, cell in cells.items():
        expected += (remapped if name in remapping else copied)(cell, doubled[name])
    return Case(
        "doubling",
        f"doubling to {rows * 4 * KIB >> 20:,} MiB",
        "a huge array that grows by realloc should never need its old and its new size at once: "
        "mremap moves pages, where copying takes half as much again and more",
        "mimalloc's issue 693, Use mremap for mi_realloc on large objects; jemalloc's issue 126, "
        "repeated huge reallocations are slow",
        (
            "https://github.com/microsoft/mimalloc/issues/693",
            "https://github.com/jemalloc/jemalloc/issues/126",
        ),
        {
            "": Run(list(cells.values()), "trace,measure", "measure", words=WITHOUT_WARM),
            "doubled": Run(list(doubled.values()), "measure", words=WITHOUT_WARM),
        },
        expected,
        against_glibc(cells),
        rounds=1 if whole else 1000,
    )


def remapped(full: Cell, doubled: Cell) -> Sequence[Expected]:
    """Where mremap moves pages. Figures are in payloads."""
    payload, name = full.payload_bytes, full.allocator
    once = 1 - MIB / payload, 1 + 4 * MIB / payload
    half = doubled.payload_bytes
    return (
        expect(f"{name}: requested at once", full, REQUESTED, exactly(1), "one block", payload),
        expect(f"{name}: copied", full, COPIED, (0, MIB / payload), "blocks below 1 MiB", payload),
        expect(f"{name}: resident at once", full, RESIDENT, once, "one block", payload),
        expect(f"{name}: resident, just doubled", doubled, RESIDENT, once, "one, half empty", half),
    )


def copied(full: Cell, doubled: Cell) -> Sequence[Expected]:
    """Where a block is copied into one of twice the size. Figures are in payloads."""
    payload, name = full.payload_bytes, full.allocator
    less, over = MIB / payload, 4 * MIB / payload
    old = 0.5, 1 - full.row_bytes / payload
    kept = "old blocks, if they are all kept, are as much again"
    two = "old and new block, and a third payload if older ones are kept"
    half = doubled.payload_bytes
    return (
        expect(f"{name}: requested at once", full, REQUESTED, exactly(1.5), "old, new", payload),
        expect(f"{name}: copied", full, COPIED, old, "all blocks but the last", payload),
        expect(f"{name}: resident at once", full, RESIDENT, (1 - less, 2 + over), kept, payload),
        expect(
            f"{name}: resident, just doubled",
            *(doubled, RESIDENT, (2 - 2 * less, 3 + 2 * over), two, half),
        ),
    )


def mmap_threshold(_whole: bool) -> Case:
    """11 MiB are above the threshold that glibc begins with, and below the largest it takes."""
    tunables = "glibc,GLIBC_TUNABLES=glibc.malloc.mmap_threshold="
    labels = {
        "pinned_128k": f"{tunables}{128 * KIB}",
        "pinned_32m": f"{tunables}{32 * MIB}",
        "pinned_both": f"{tunables}{32 * MIB}:glibc.malloc.trim_threshold={64 * MIB}",
    }
    adaptive = Cell("preallocate_then_fill", "glibc", 11 * KIB, KIB)
    small, large, both = (adaptive._replace(allocator=label) for label in labels)
    above = adaptive._replace(rows=33 * KIB, run="above")
    count, payload = pages(adaptive.payload_bytes), adaptive.payload_bytes
    # The block's header has a page of its own before the rows; what is kept is 128 KiB at most.
    near = payload - 128 * KIB, payload + 128 * KIB
    each, most = (0.98 * count, count + FEW), (pages(above.payload_bytes), 3 * count + FEW)
    kept = "what was freed once raised both thresholds"
    cut = "the trim threshold stays at 128 KiB, so the heap is cut each time"
    stays = "the heap stays as it is"
    mapped = "a mapping of its own, with a header"
    return Case(
        "mmap-threshold",
        "arrays of 11 MiB around glibc's adaptive mmap threshold",
        "glibc adapts the size from which it maps blocks of their own, so that one program has "
        "page faults at each turn or none, by what was freed before; to pin one of its two "
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
        (
            expect("adaptive: cold page faults", adaptive, FAULTS, exactly(count + 1), mapped),
            expect("adaptive: given back", adaptive, GIVEN_BACK, exactly(payload + PAGE), mapped),
            expect("adaptive: warm page faults", adaptive, WARM_FAULTS, (0, FEW), kept),
            expect("pinned at 128 KiB: warm page faults", small, WARM_FAULTS, each, mapped),
            expect("pinned at 32 MiB: warm page faults", large, WARM_FAULTS, each, cut),
            expect("pinned at 32 MiB: bytes given back", large, GIVEN_BACK, near, cut),
            expect("both pinned: warm page faults", both, WARM_FAULTS, (0, FEW), stays),
            expect("both pinned: bytes given back", both, GIVEN_BACK, exactly(0), stays),
            expect("33 MiB, adaptive: warm page faults", above, WARM_FAULTS, most, "above 32 MiB"),
        ),
        [
            Ratio(f"{what} against adaptive, warm", cell, adaptive, WARM)
            for what, cell in (
                ("pinned at 128 KiB", small),
                ("pinned at 32 MiB", large),
                ("both pinned", both),
            )
        ],
    )


def jemalloc_7_megabytes(_whole: bool) -> Case:
    """7.0 and 7.1 MB are of one size class; 7 and 7.1 MiB are not."""
    labels = {"oversize_16m": f"jemalloc,MALLOC_CONF=oversize_threshold:{16 * MIB}"}
    cells = {
        what: Cell("preallocate_then_fill", "jemalloc", rows, row_bytes)
        for what, rows, row_bytes in (
            ("7.0 MB", 7_000, 1_000),
            ("7.1 MB", 7_100, 1_000),
            ("7.0 MiB", 7 * KIB, KIB),
            ("7.1 MiB", 7_271, KIB),
        )
    }
    over = cells["7.1 MiB"]
    told = over._replace(allocator="oversize_16m")
    all_pages = pages(over.payload_bytes), pages(8 * MIB) + FEW
    none = "of the size class of 7 MiB, which is kept for the next one"
    back = "of the class of 8 MiB, opt.oversize_threshold, which is given back at once"
    expected = [
        expect(f"{what}: warm page faults", cells[what], WARM_FAULTS, (0, FEW), none)
        for what in ("7.0 MB", "7.1 MB", "7.0 MiB")
    ]
    expected += [
        expect("7.1 MiB: warm page faults", over, WARM_FAULTS, all_pages, back),
        expect("7.1 MB: bytes given back", cells["7.1 MB"], GIVEN_BACK, exactly(0), none),
        expect("7.1 MiB: bytes given back", over, GIVEN_BACK, (8 * MIB, 8 * MIB + PAGE), back),
        expect(
            "7.1 MiB, threshold set to 16 MiB: warm page faults",
            *(told, WARM_FAULTS, all_pages, "5.3.0 goes on with 8 MiB (issue 2809)"),
        )._replace(versions=("5.3.0",)),
    ]
    return Case(
        "jemalloc-7-megabytes",
        "7.0 against 7.1 MB in a loop under jemalloc",
        "malloc, memset and free in a loop: no page faults and 5,000 a second with 7 MB, many page "
        "faults and 600 a second with 7.1 MB, whatever opt.oversize_threshold says (5.3)",
        "jemalloc's issues 2824, How to fine-tune settings for large memory requests, and 2809",
        (
            "https://github.com/jemalloc/jemalloc/issues/2824",
            "https://github.com/jemalloc/jemalloc/issues/2809",
        ),
        {"": Run([*cells.values(), told], "trace,measure", "measure", labels)},
        expected,
        [
            Ratio(f"7.1 {unit} against 7.0, warm", cells[f"7.1 {unit}"], cells[f"7.0 {unit}"], WARM)
            for unit in ("MB", "MiB")
        ],
    )


def transposes(whole: bool) -> Case:
    """A column's elements are a row apart: of 12,800 doubles that is 25 pages of 4 KiB.

    Huge pages are left to those who ask for them, as NumPy does: with pages of 4 KiB each element
    of a column needs another entry of the TLB, and that takes longer than what is to be seen.
    """
    side = 12_800 if whole else 1_024
    in_c = ["transpose_copy_naive", "transpose_copy_blocked"]
    # The plain loops in C take ten seconds and more of each worker at the whole size.
    of_times = ["transpose_copy", "transpose_copy_blocked"] if whole else in_c

    def pair(strategy: str, side: int, run: str) -> list[Cell]:
        return [Cell(strategy, "glibc", side, 8 * columns, run) for columns in (side, side + 1)]

    timed = {name: pair(name, side, "") for name in of_times}
    counted = {name: pair(name, 1_024, "counted") for name in in_c}
    expected: list[Expected] = []
    for name, cells in counted.items():
        for cell in cells:
            what, size = f"{name}, {cell.rows:,} x {cell.row_bytes // 8:,}", cell.payload_bytes
            faults = pages(size), pages(size) + FEW
            expected += [
                expect(f"{what}: bytes copied", cell, COPIED, exactly(size), "each element once"),
                expect(f"{what}: page faults", cell, FAULTS, faults, "those of the result"),
            ]
        expected.append(same_instructions(*cells))
    words = ("--implementations", "c,numpy" if whole else "c", "--warm-limit", "60")
    both = [[cell for cells in of.values() for cell in cells] for of in (timed, counted)]
    return Case(
        "transposes",
        f"transposes at {side:,} x {side:,} against {side:,} x {side + 1:,}",
        "B[:] = A.T in NumPy, 30 times: 14 s for 12,800 x 12,801 and 40 s for 12,800 x 12,800",
        "a comment of 2021-05-08 in NumPy's issue 18512, argmax performance issue",
        ("https://github.com/numpy/numpy/issues/18512",),
        {
            "": Run(both[0], "pattern", "pattern", words=words, huge_pages=True),
            "counted": Run(both[1], "trace,instructions,pattern"),
        },
        expected,
        [
            Ratio(f"{name}: {side:,} columns against {side + 1:,}, {when}", one, other, column)
            for name, (one, other) in timed.items()
            for when, column in (("cold", COLD), ("warm", "warm_build_release_median_ns"))
        ],
        rounds=1 if whole else 1000,
    )


def same_instructions(square: Cell, other: Cell) -> Expected:
    column = "cold_build_instruction_count"

    def of(figures: Figures) -> float:
        one = figures.value(square, column) / square.payload_bytes
        return one / (figures.value(other, column) / other.payload_bytes)

    what = f"{square.strategy}: instructions an element, 1,024 columns over 1,025"
    why = "the code does the same: what differs is in the caches"
    return Expected(what, square, of, 0.998, 1.002, why)


def huge_pages(whole: bool) -> Case:
    """Forbidden by prctl, or asked for by glibc (madvise), in one worker as in the other."""
    off = Cell("preallocate_then_fill", "glibc", (1_024 if whole else 64) * KIB, KIB, "off")
    on = off._replace(allocator="asking", run="on")
    labels = {on.allocator: "glibc,GLIBC_TUNABLES=glibc.malloc.hugetlb=1"}
    payload, huge_bytes = off.payload_bytes, 2 * MIB
    count = pages(payload) + 1
    resident = 1 - MIB / payload, 1 + 2 * huge_bytes / payload

    def if_given(of: Callable[[Figures], float]) -> Callable[[Figures], float]:
        """The figure, where the kernel gave huge pages."""

        def figure(figures: Figures) -> float:
            if figures.value(on, "cold_build_huge_fault_count") == 0:
                raise Unknown("the kernel gave no huge page: it is set to never, or has none free")
            return of(figures)

        return figure

    def brought(figures: Figures) -> float:
        ordinary = figures.value(on, FAULTS) - figures.value(on, "cold_build_huge_fault_count")
        return (ordinary * PAGE + figures.value(on, "cold_build_huge_fault_bytes")) / payload

    def fewer(figures: Figures) -> float:
        return figures.value(off, FAULTS) / figures.value(on, FAULTS)

    at_once = expect("on: payloads resident at once", on, RESIDENT, resident, "ends", payload)
    column = "cold_build_huge_fault_count"
    expected = (
        expect("off: page faults", off, FAULTS, exactly(count), "one a page, and the header's"),
        expect("off: that brought huge pages", off, column, exactly(0), "prctl forbids it"),
        Expected("on: payloads brought", on, if_given(brought), 1, math.inf, "all is touched"),
        Expected("page faults, off over on", off, if_given(fewer), 1, math.inf, "2 MiB at once"),
        at_once._replace(of=if_given(at_once.of), why="a huge page at each end, at most"),
    )
    return Case(
        "huge-pages",
        "huge pages on and off",
        "to fill a large array for the first time takes far less time with huge pages",
        "NumPy's issue 11919, Guide for hugepages? Speedup large array creation",
        ("https://github.com/numpy/numpy/issues/11919",),
        {
            "off": Run([off], "measure", "measure", words=WITHOUT_WARM),
            "on": Run([on], "measure", "measure", labels, WITHOUT_WARM, huge_pages=True),
        },
        expected,
        [Ratio("off against on, cold", off, on, COLD)],
    )


# Each is called with whether it is wanted whole.
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
