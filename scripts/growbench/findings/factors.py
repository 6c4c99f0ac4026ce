"""Growth factors: 1.5 against 2 on each allocator, and whether memory is used again."""

from typing import NamedTuple, Optional, Sequence

import numpy as np
import pandas as pd

from growbench.analysis import factors
from growbench.data import allocators, parameters
from growbench.findings import factor_tables
from growbench.findings.evidence import Evidence
from growbench.findings.factor_ratios import (
    MEASURES,
    Known,
    Measure,
    PEAK,
    ends,
    known_of,
    moves_of,
    row_of,
    verdict,
)
from growbench.findings.finding import Finding
from growbench.findings.sentences import (
    Part,
    Sentence,
    amount,
    counted,
    figure,
    joined,
    listed,
    name,
    times,
    worded,
)
from growbench.tables.table import Table, factor

PLOTS = ("factor_cold", "factor_warm", "factor_copied", "factor_peak")


class Answer(NamedTuple):
    """What a run says of one factor against another. sentences: a paragraph each, the first ones
    over all sizes. tables: the one by allocator first. pair: the factors."""

    sentences: Sequence[Sentence]
    tables: Sequence[Table]
    pair: tuple[float, float]


def growth_factors(evidence: Evidence) -> Optional[Finding]:
    """Is 1.5 better than 2, on which allocator, cold and warm? Does it use memory again?"""
    found = answer(evidence)
    if found is None:
        return None
    title = "Which growth factor: {} or {}?".format(*(f"{one:g}" for one in found.pair))
    return Finding("factors", title, found.sentences, found.tables[0], PLOTS)


def answer(evidence: Evidence, pair: tuple[float, float] = factors.PAIR) -> Optional[Answer]:
    """What the main slice's cells say of these factors; None without a cell of both."""
    known = known_of(evidence, pair)
    if known is None:
        return None
    sentences = [
        *(_over_all_sizes(known, of) for of in MEASURES if len(known.means[of.key])),
        *(_of_allocator(known, allocator) for allocator in known.allocators),
        *_remapped(known),
        *_reuse(known),
    ]
    return Answer(sentences, factor_tables.tables(known), pair)


# ---- sentences ----


def _over_all_sizes(known: Known, of: Measure) -> Sentence:
    """On which allocators the first one has less and more of it, over all sizes together."""
    a, b = known.said
    means = known.means[of.key]
    rows = {one: row_of(means, strategy=known.a, allocator=one) for one in known.allocators}
    sizes = max((int(row["sizes"]) for row in rows.values() if row), default=0)
    groups: dict[str, list[Sentence]] = {}
    for allocator, row in rows.items():
        said = verdict(row, known.margin(of, known.sizes_of(of, allocator)))
        told = f"{factor(row['ratio'])}, {ends(row)}" if said not in ("", "few") else ""
        if said and row["sizes"] < sizes:
            told = f"{told}, " * bool(told) + f"of {counted(int(row['sizes']), 'size')}"
        groups.setdefault(said, []).append(
            worded(f"{{}} ({told})" if told else "{}", name(allocator))
        )
    words = (
        ("less", f"{a} {of.less} {b} on {{}}"),
        ("more", f"{a} {of.more} {b} on {{}}"),
        ("apart", "the two cannot be told apart on {}"),
        ("near", "the two differ by no more than a reading may be off on {}"),
        ("few", "there are too few rounds to tell on {}"),
        ("", "no round has both on {}"),
    )
    clauses = [
        worded(text, listed(groups[said], most=len(groups[said])))
        for said, text in words
        if said in groups
    ]
    where = f"{of.where[0].upper()}{of.where[1:]}, over {counted(sizes, 'size')} together"
    return worded(f"{where}: {{}}.", joined(clauses))


def _clause(known: Known, row: dict, of: Measure) -> Sentence:
    """What one ratio says, at the article's size."""
    a, b = known.said
    said = verdict(row, known.margin(of, [known.rows]))
    if not said:
        return [f"{of.where} no round has both {a} and {b}"]
    if said == "near":
        return [f"{of.where} the two differ by no more than a reading may be off ({ends(row)})"]
    if said == "apart":
        return [f"{of.where} {a} cannot be told apart from {b} ({ends(row)})"]
    clause = worded(f"{of.where} {a} {of.amount} {b}", times(row["ratio"]))
    if said == "few":
        rounds = counted(int(row["round_count"]), "round")
        return [*clause, f", of {rounds}, too few for an interval"]
    return [*clause, f" ({ends(row)})"]


def _of_allocator(known: Known, allocator: str) -> Sentence:
    """The ratios at the article's size, and the counts that stand behind them."""
    where_it_is: dict = {"strategy": known.a, "allocator": allocator, "rows": known.rows}
    rows = {of: row_of(known.ratios[of.key], **where_it_is) for of in MEASURES}
    # A peak that is too small to be read is none that no round has.
    clauses = [_clause(known, row, of) for of, row in rows.items() if row or of is not PEAK]
    version = known.cells.loc[known.cells["allocator"] == allocator, "allocator_version"].max()
    # "5.3.0-0-g54eaed1d": behind the first dash stands no version.
    short = version.partition("-")[0]
    who: list = [name(allocator), *([" ", name(short)] if short else [])]
    counts = [
        row_of(known.counts, **{**where_it_is, "strategy": one}) for one in (known.a, known.b)
    ]
    said = worded(f"On {{}}, at {known.size}: {{}}.", who, joined(clauses))
    if not all(counts):
        return [*said, " One of the two was not traced."]
    exactly = [
        worded(f"with {one} it makes {{}}", _counts_in_words(row))
        for one, row in zip(known.said, counts)
    ]
    return [*said, *worded(" In a first build, {}.", joined(exactly))]


def _counts_in_words(row: dict) -> Sentence:
    """What one build did, exactly."""
    ways = [("in place", row["realloc_in_place_count"]), ("copied", row["realloc_copied_count"])]
    if row["realloc_remapped_count"] > 0:
        ways.append(("by mremap", row["realloc_remapped_count"]))
    of_them = [worded(f"{{}} {how}", amount_of(count, "count")) for how, count in ways]
    return worded(
        "{} reallocs ({}), copies {}, and has at most {} requested, {} usable and, while a block "
        "is copied, {} requested at once",
        amount_of(row["realloc_count"], "count"),
        listed(of_them),
        *(
            amount_of(row[column], "bytes")
            for column in (
                "copied_bytes",
                "peak_requested_bytes",
                "peak_usable_bytes",
                "peak_moving_bytes",
            )
        ),
    )


def amount_of(value: float, unit: str) -> Part:
    """A count in full; bytes in their unit; "?" for what was not counted."""
    if np.isnan(value):
        return figure("?")
    return figure(f"{value:,.0f}") if unit == "count" else amount(value, unit)


def _remapped(known: Known) -> list[Sentence]:
    """Where moves are not copies, since the kernel moves the pages."""
    of_factors = known.counts[known.counts["strategy"].map(parameters.base) == factors.STRATEGY]
    by = of_factors.groupby("allocator")[["realloc_remapped_count", "realloc_moved_count"]].sum()
    told = [
        worded(
            "{} ({} of {} moves)",
            name(allocator),
            amount_of(by.at[allocator, "realloc_remapped_count"], "count"),
            amount_of(by.at[allocator, "realloc_moved_count"], "count"),
        )
        for allocator in known.allocators
        if allocator in by.index and by.at[allocator, "realloc_remapped_count"] > 0
    ]
    if not told:
        return []
    text = (
        "Large blocks are moved by mremap on {}, over all factors and sizes: the kernel maps their "
        "pages to another place, no byte is copied, and no second block is live meanwhile."
    )
    return [worded(text, listed(told, most=len(told)))]


# ---- is memory used again? ----


def _reuse(known: Known) -> list[Sentence]:
    """The theory of the golden ratio with its conditions, and what the trace has seen of it."""
    moves = moves_of(known)
    if moves.empty:
        return []
    a, _ = known.said
    after = factors.moves_until_reuse(parameters.value(known.a, factors.STRATEGY))
    said: Sentence = [
        f"Below the golden ratio ({factors.GOLDEN:.3f}) memory can be used again, the theory says: "
        "the blocks that a growing array has left come to at least its next one",
        f", with {a} after {counted(after, 'move')}" if after else "",
        ". That holds of an allocator that puts blocks side by side into one heap, merges what is "
        "freed and takes the first space that fits, in a program that allocates nothing else, and "
        "as long as nothing grows in place. ",
    ]
    if moves["reused"].isna().all():
        return [[*said, "The trace of this run does not tell where blocks have moved to."]]
    below = moves["factor"] < factors.GOLDEN
    return [
        [
            *said,
            *worded(
                "Here, in first builds of all sizes, so many of the blocks that were moved by "
                "copying came to lie, wholly or in part, where the array had been before: {}; with "
                "all factors below the golden ratio {}, with those from it on {}.",
                joined([_landed(known, moves, one) for one in (known.a, known.b)]),
                _of(moves[below]),
                _of(moves[~below]),
            ),
        ]
    ]


def _of(moves: pd.DataFrame) -> Part:
    """ "3 of 23"."""
    told = moves[moves["reused"].notna()]
    return figure(f"{told['reused'].sum():,.0f} of {told['copied'].sum():,.0f}")


def _landed(known: Known, moves: pd.DataFrame, strategy: str) -> Sentence:
    """On which allocators one factor had moves to such a place, and on which it had none."""
    own = moves[(moves["strategy"] == strategy) & moves["reused"].notna()]
    some: list[Sentence] = []
    none: list[Sentence] = []
    for allocator in allocators.ordered(own["allocator"]):
        row = own[own["allocator"] == allocator]
        if row["reused"].iloc[0] > 0:
            some.append(worded("{} on {}", _of(row), name(allocator)))
        else:
            none.append([name(allocator)])
    told = [listed(some, most=len(some))] if some else []
    if none:
        told.append(["none on ", *listed(none, most=len(none))])
    factor_text = strategy.partition(parameters.SIGN)[2]
    return [f"with {factor_text} ", *(listed(told) if told else ["it is not known"])]
