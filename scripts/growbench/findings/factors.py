"""Growth factors: 1.5 against 2 on each allocator, and whether memory is used again."""

from typing import NamedTuple, Optional, Sequence

import numpy as np
import pandas as pd

from growbench.analysis import factors, reliance
from growbench.data import allocators, article, parameters
from growbench.data.columns import CELL, SLICE_KEYS
from growbench.data.implementations import C
from growbench.data.metrics import PEAK_RATIO, metric
from growbench.findings.evidence import Evidence
from growbench.findings.finding import COLD, Finding, WARM
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
from growbench.tables.table import Column, Table, factor

PLOTS = ("factor_cold", "factor_warm", "factor_copied", "factor_peak")
_PROCESSES = (("cold", COLD, "in a fresh process"), ("warm", WARM, "in the steady state"))
_INSTRUCTIONS = {
    "cold_build_instruction_count": "cold build",
    "warm_build_release_instruction_count": "warm build and release",
}
# Who grows like that, by their sources: MSVC's and libstdc++'s vector, OpenJDK's ArrayList.grow,
# Rust's RawVec, list_resize of CPython, growslice of Go since 1.18, folly's FBVector.
_PEOPLE = {
    "1.5": "MSVC's std::vector, Java's ArrayList",
    "2": "libstdc++'s and libc++'s std::vector, Rust's Vec",
    "realloc_cpython": "Python's list: 1.125 and a little more",
    "realloc_go": "Go's append since 1.18: 2 to 256 elements, then towards 1.25",
    "realloc_folly": "folly's FBVector: 1.5 from 4 KiB to 128 KiB, 2 outside of that",
}
_NOTE = (
    "Ratios are paired by round, with 95% intervals; where one includes 1, the two cannot be told "
    "apart. Of 100 such intervals of equal things five exclude 1."
)


class Answer(NamedTuple):
    """What a run says of one factor against another. sentences: a paragraph each, the first ones
    over all sizes. tables: the one by allocator first. pair: the factors."""

    sentences: Sequence[Sentence]
    tables: Sequence[Table]
    pair: tuple[float, float]


class _Known(NamedTuple):
    """Of a run that has both factors.

    a, b: the strategies. cells: of the summary, of all factors and rules, and their sizes. rows,
    size: the article's size, or the nearest there is. ratios, means: as Rounds has them, over b, by
    "cold" and "warm". peaks: the same of the resident peak, where it can be told. counts: factors.
    counts() of the same cells.
    """

    a: str
    b: str
    cells: pd.DataFrame
    rows: int
    size: str
    ratios: dict[str, pd.DataFrame]
    means: dict[str, pd.DataFrame]
    peaks: pd.DataFrame
    counts: pd.DataFrame

    @property
    def said(self) -> tuple[str, str]:
        """Both factors as their users write them."""
        return tuple(one.partition(parameters.SIGN)[2] for one in (self.a, self.b))  # type: ignore

    @property
    def allocators(self) -> list[str]:
        """Those that have a time of either of the two."""
        own = self.cells[self.cells["strategy"].isin((self.a, self.b))]
        return allocators.ordered(own.loc[own["ok_count"] > 0, "allocator"])

    @property
    def sizes(self) -> list[int]:
        """That both have."""
        of_a, of_b = (self.cells[self.cells["strategy"] == one] for one in (self.a, self.b))
        return sorted(set(of_a["rows"]) & set(of_b["rows"]))


def growth_factors(evidence: Evidence) -> Optional[Finding]:
    """Is 1.5 better than 2, on which allocator, cold and warm? Does it use memory again?"""
    found = answer(evidence)
    if found is None:
        return None
    title = "Which growth factor: {} or {}?".format(*(f"{one:g}" for one in found.pair))
    return Finding("factors", title, found.sentences, found.tables[0], PLOTS)


def answer(evidence: Evidence, pair: tuple[float, float] = factors.PAIR) -> Optional[Answer]:
    """What the main slice's cells say of these factors; None without a cell of both."""
    known = _known(evidence, pair)
    if known is None:
        return None
    tables = [_by_allocator(known), _by_size(known), _counts(known), *_rules(known)]
    reuse = _reuse_table(known)
    sentences = [
        *(_over_all_sizes(known, *process) for process in _PROCESSES),
        *(_of_allocator(known, allocator) for allocator in known.allocators),
        *_remapped(known),
        *_reuse(known),
    ]
    whole = [table for table in (*tables, reuse) if table is not None and len(table.frame)]
    return Answer(sentences, whole, pair)


def _known(evidence: Evidence, pair: tuple[float, float]) -> Optional[_Known]:
    summary = evidence.data.summary
    if evidence.main.summary.empty:
        return None
    main = evidence.main.summary.iloc[0]
    for key in SLICE_KEYS:
        summary = summary[summary[key] == main[key]]
    of_factors = factors.cells_of(summary)
    a, b = (factors.name_of(list(of_factors["strategy"].unique()), one) for one in pair)
    there = of_factors[of_factors["ok_count"] > 0]
    if a is None or b is None or a == b or not {a, b} <= set(there["strategy"]):
        return None
    rules = (summary["implementation"] == C) & summary["strategy"].isin(factors.RULES)
    cells = pd.concat([of_factors, summary[rules]], ignore_index=True)
    at_size, size = article.at_article_size(there[there["strategy"] == a])
    runs = evidence.run.runs
    rounds = {key: factors.rounds_of(runs, cells, metric(of)) for key, of, _ in _PROCESSES}
    told = cells[cells[PEAK_RATIO.median].notna()]
    peaks = factors.rounds_of(runs, told, metric("peak_memory"))
    return _Known(
        a,
        b,
        cells,
        int(at_size["rows"].iloc[0]),
        size,
        {key: of.ratios(b) for key, of in rounds.items()},
        {key: of.means(b) for key, of in rounds.items()},
        peaks.ratios(b),
        factors.counts(runs, cells),
    )


# ---- sentences ----


def _row(table: pd.DataFrame, **where: object) -> dict:
    """The row of that; nan in all that is asked of it where there is none."""
    for key, value in where.items():
        table = table[table[key] == value]
    return table.iloc[0].to_dict() if len(table) else {}


def verdict(row: dict) -> str:
    """What the interval says of a ratio: faster, slower, apart (not told apart) or few (rounds);
    "" where there is no ratio."""
    low, high = row.get("ci_low", np.nan), row.get("ci_high", np.nan)
    if np.isnan(row.get("ratio", np.nan)):
        return ""
    return "few" if np.isnan(low) else "slower" if low > 1 else "faster" if high < 1 else "apart"


def _ends(row: dict) -> str:
    return f"{factor(row['ci_low'])} to {factor(row['ci_high'])}"


def _over_all_sizes(known: _Known, key: str, _: str, where: str) -> Sentence:
    """On which allocators the first one is faster and slower, over all sizes together."""
    a, b = known.said
    means = known.means[key]
    rows = {one: _row(means, strategy=known.a, allocator=one) for one in known.allocators}
    groups: dict[str, list[Sentence]] = {}
    for allocator, row in rows.items():
        said = verdict(row)
        told = f"{factor(row['ratio'])}, {_ends(row)}" if said not in ("", "few") else ""
        if said and row["sizes"] < len(known.sizes):
            told = f"{told}, " * bool(told) + f"of {counted(int(row['sizes']), 'size')}"
        groups.setdefault(said, []).append(
            worded(f"{{}} ({told})" if told else "{}", name(allocator))
        )
    words = (
        ("faster", f"{a} is faster than {b} on {{}}"),
        ("slower", f"{a} is slower than {b} on {{}}"),
        ("apart", "the two cannot be told apart on {}"),
        ("few", "there are too few rounds to tell on {}"),
        ("", "no round has both on {}"),
    )
    clauses = [
        worded(text, listed(groups[said], most=len(groups[said])))
        for said, text in words
        if said in groups
    ]
    sizes = counted(len(known.sizes), "size")
    return worded(f"{where[0].upper()}{where[1:]}, over {sizes} together: {{}}.", joined(clauses))


def _clause(row: dict, pair: tuple[str, str]) -> Sentence:
    """What one ratio says."""
    a, b = pair
    said = verdict(row)
    if not said:
        return [f"no round has both {a} and {b}"]
    if said == "few":
        rounds = counted(int(row["round_count"]), "round")
        text = f"{a} takes {{}} as long as {b}, of {rounds}, too few for an interval"
        return worded(text, times(row["ratio"]))
    if said == "apart":
        return [f"{a} cannot be told apart from {b} ({_ends(row)})"]
    text = f"{a} is {said} than {b}: it takes {{}} as long ({_ends(row)})"
    return worded(text, times(row["ratio"]))


def _of_allocator(known: _Known, allocator: str) -> Sentence:
    """Both times at the article's size, and the counts that stand behind them."""
    where_it_is: dict = {"strategy": known.a, "allocator": allocator, "rows": known.rows}
    clauses = [
        worded(f"{where} {{}}", _clause(_row(known.ratios[key], **where_it_is), known.said))
        for key, _, where in _PROCESSES
    ]
    version = known.cells.loc[known.cells["allocator"] == allocator, "allocator_version"].max()
    who: list = [name(allocator), *([" ", name(version)] if version else [])]
    counts = [_row(known.counts, **{**where_it_is, "strategy": one}) for one in (known.a, known.b)]
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


def _remapped(known: _Known) -> list[Sentence]:
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
        "pages to another place, no byte is copied, and no second block is live meanwhile, so that "
        "a smaller factor costs calls there, and no copies."
    )
    return [worded(text, listed(told, most=len(told)))]


# ---- is memory used again? ----


def _reuse(known: _Known) -> list[Sentence]:
    """The theory of the golden ratio with its conditions, and what the trace has seen of it."""
    moves = _moves(known)
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


def _moves(known: _Known) -> pd.DataFrame:
    """Moves by copying over all sizes, and how many of them, and of their bytes, went to where the
    array had been: strategy, factor, allocator, copied, reused, reused_bytes."""
    names = {"copied": "realloc_copied_count", "reused": "realloc_reused_count"}
    names["reused_bytes"] = "realloc_reused_bytes"
    table = known.counts.assign(factor=factors.factors(known.counts["strategy"]))
    grouped = table[table["factor"].notna()].groupby(["strategy", "factor", "allocator"])
    sums = grouped[list(names.values())].sum(min_count=1).reset_index()
    return sums.rename(columns={old: new for new, old in names.items()})


def _of(moves: pd.DataFrame) -> Part:
    """ "3 of 23"."""
    told = moves[moves["reused"].notna()]
    return figure(f"{told['reused'].sum():,.0f} of {told['copied'].sum():,.0f}")


def _landed(known: _Known, moves: pd.DataFrame, strategy: str) -> Sentence:
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


# ---- tables ----


def _ratio_columns(key: str, label: str) -> list[Column]:
    return [
        Column(f"{key}_ratio", f"{label} \N{DIVISION SIGN}", "factor"),
        Column(f"{key}_ci_low", "95% interval", "interval:factor", f"{key}_ci_high"),
    ]


def _ratio(key: str, row: dict) -> dict:
    return {f"{key}_{end}": row.get(end, np.nan) for end in ("ratio", "ci_low", "ci_high")}


def _by_allocator(known: _Known) -> Table:
    rows = []
    for allocator in known.allocators:
        cell = {"strategy": known.a, "allocator": allocator}
        row: dict = {"allocator": allocator}
        for key, _, _ in _PROCESSES:
            row.update(_ratio(key, _row(known.ratios[key], **cell, rows=known.rows)))
            row.update(_ratio(f"{key}_mean", _row(known.means[key], **cell)))
        rows.append(row)
    columns = [Column("allocator", "allocator")]
    for key, _, _ in _PROCESSES:
        columns += _ratio_columns(key, key)
    for key, _, _ in _PROCESSES:
        columns += _ratio_columns(f"{key}_mean", f"{key}, all sizes")
    title = "{} \N{DIVISION SIGN} {}: one build and release, at {}, and over {} together".format(
        *known.said, known.size, counted(len(known.sizes), "size")
    )
    return Table("factors", title, columns, pd.DataFrame(rows), (_NOTE,))


def _by_size(known: _Known) -> Table:
    rows = []
    row_bytes = int(known.cells["row_bytes"].iloc[0])
    for allocator in known.allocators:
        for size in known.sizes:
            cell = {"strategy": known.a, "allocator": allocator, "rows": size}
            row: dict = {"allocator": allocator, "rows": size, "payload_bytes": size * row_bytes}
            for key, _, _ in _PROCESSES:
                row.update(_ratio(key, _row(known.ratios[key], **cell)))
            rows.append({**row, **_ratio("peak", _row(known.peaks, **cell))})
    columns = [
        Column("allocator", "allocator"),
        Column("rows", "rows", "count"),
        Column("payload_bytes", "payload", "bytes"),
    ]
    for key in ("cold", "warm", "peak"):
        columns += _ratio_columns(key, key)
    title = "{} \N{DIVISION SIGN} {}, size by size".format(*known.said)
    own = known.cells[known.cells["strategy"].isin((known.a, known.b))]
    notes = (
        "peak: resident memory at the most; empty where it is too close to the error of a reading.",
        f"Doubts of single cells: {reliance.in_words(own)}.",
    )
    return Table("factors_by_size", title, columns, pd.DataFrame(rows), notes)


def _counts(known: _Known) -> Table:
    """Of both factors, at the article's size and at the largest."""
    sizes = sorted({known.rows, max(known.sizes, default=known.rows)})
    frame = known.counts[
        known.counts["strategy"].isin((known.a, known.b)) & known.counts["rows"].isin(sizes)
    ]
    place = {allocator: number for number, allocator in enumerate(known.allocators)}
    frame = frame.assign(factor=factors.factors(frame["strategy"]))
    frame = frame.assign(place=frame["allocator"].map(place))
    frame = frame.merge(known.cells[[*CELL, *_INSTRUCTIONS]], "left", list(CELL))
    frame = frame.sort_values(["rows", "place", "factor"], ignore_index=True)
    columns = [
        Column("allocator", "allocator"),
        Column("rows", "rows", "count"),
        Column("factor", "factor", "number"),
        Column("realloc_count", "reallocs", "count"),
        Column("realloc_in_place_count", "in place", "count"),
        Column("realloc_copied_count", "copied", "count"),
        Column("realloc_remapped_count", "by mremap", "count"),
        Column("copied_bytes", "bytes copied", "bytes"),
        Column("peak_requested_bytes", "requested", "bytes", help="peak, between calls"),
        Column("peak_moving_bytes", "while copying", "bytes", help="the same with both blocks"),
        Column("peak_usable_bytes", "usable", "bytes", help="peak of what the blocks can hold"),
        Column("allocator_mapped_bytes", "from the kernel", "bytes", help="address space too"),
        *(
            Column(key, f"instructions, {when}", "count")
            for key, when in _INSTRUCTIONS.items()
            if frame[key].notna().any()
        ),
    ]
    title = "Exact counts of one first build, by factor"
    notes = (
        "requested, while copying, usable: the most at once. What no clock can disturb.",
        "What a factor leaves unused at one size depends on where that size lies between two "
        "capacities; sizes that are spread over a doubling even that out.",
    )
    return Table("factor_counts", title, columns, frame.drop(columns="place"), notes)


def _rules(known: _Known) -> list[Table]:
    """All factors and rules over the second factor, over all sizes: cold, and warm."""
    _, b = known.said
    names = [one for one in parameters.ordered(known.cells["strategy"]) if one != known.b]
    names.sort(key=lambda one: parameters.base(one) != factors.STRATEGY)
    tables = []
    for key, _, where in _PROCESSES:
        rows = []
        for strategy in names:
            text = strategy.partition(parameters.SIGN)[2]
            row = {"strategy": strategy, "people": _PEOPLE.get(text or strategy, "")}
            for allocator in known.allocators:
                mean = _row(known.means[key], strategy=strategy, allocator=allocator)
                row.update(_ratio(allocator, mean), **{allocator: _shown(mean)})
            rows.append(row)
        columns = [
            Column("strategy", "strategy"),
            *(Column(allocator, allocator) for allocator in known.allocators),
            Column("people", "who grows like that"),
        ]
        title = f"Each \N{DIVISION SIGN} {b}, {where}, over all sizes together"
        note = f"{b} itself: {_PEOPLE[b]}." if b in _PEOPLE else ""
        notes = [text for text in (note, _NOTE) if text]
        tables.append(Table(f"factor_rules_{key}", title, columns, pd.DataFrame(rows), notes))
    return tables


def _shown(row: dict) -> str:
    """A ratio with its interval in one text; a star where the interval excludes 1."""
    said = verdict(row)
    if not said:
        return "-"
    text = f"{row['ratio']:.2f}"
    if said == "few":
        return text
    star = "*" if said in ("faster", "slower") else ""
    return f"{text}{star} ({row['ci_low']:.2f} to {row['ci_high']:.2f})"


def _reuse_table(known: _Known) -> Optional[Table]:
    """Factor by factor, how many moves by copying landed where the array had been."""
    moves = _moves(known)
    if moves["reused"].isna().all():
        return None
    rows = []
    for one in sorted(set(moves["factor"])):
        row: dict = {"factor": one, "theory": _theory(one)}
        for cell in moves[moves["factor"] == one].to_dict("records"):
            of = cell["allocator"]
            row[of] = "?"
            if not np.isnan(cell["reused"]):
                row[of] = f"{cell['reused']:,.0f} of {cell['copied']:,.0f}"
            row.update({f"{of}_{key}": cell[key] for key in ("copied", "reused", "reused_bytes")})
        rows.append(row)
    frame = pd.DataFrame(rows)
    shown = [Column(allocator, allocator) for allocator in known.allocators if allocator in frame]
    title = "Moves by copying that landed where the array had been, over all sizes"
    note = "theory: after how many moves what was left holds the next block, by first fit."
    heads = [Column("factor", "factor", "number"), Column("theory", "theory")]
    return Table("factor_reuse", title, [*heads, *shown], frame, (note,))


def _theory(one: float) -> str:
    after = factors.moves_until_reuse(one)
    return "never" if after is None else f"after {after}"
