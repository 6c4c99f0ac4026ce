"""What a gate says, as text: for a terminal, a pull request, a program, a CI server."""

import xml.etree.ElementTree as xml
from typing import Callable, NamedTuple, Sequence

import pandas as pd

from growbench.comparison import output
from growbench.comparison.exact import (
    BETTER,
    OTHER,
    TONES,
    WORSE,
    by,
    figures,
    where,
    worst_first,
)
from growbench.comparison.sharing import FAMILY, family_words, size_words
from growbench.data.exact import exact
from growbench.data.implementations import strategy_names
from growbench.data.text import printable
from growbench.gate.facts import rebuilt
from growbench.gate.judge import (
    CLEAR,
    INCOMPLETE,
    NOT_COMPARABLE,
    REGRESSION,
    Verdict,
)
from growbench.tables import formats
from growbench.tables.table import Column, Table

VERDICTS = {
    CLEAR: "nothing is worse",
    REGRESSION: "worse",
    NOT_COMPARABLE: "not comparable",
    INCOMPLETE: "incomplete",
}
_SHOWN = 6


class Page(NamedTuple):
    """A verdict with what it is about. baseline, runs: names for people. limit: how many rows of
    the table are shown, 0 for all."""

    verdict: Verdict
    baseline: str
    runs: Sequence[str]
    families: Sequence[tuple[str, ...]]
    then: dict[str, str]
    now: dict[str, str]
    limit: int = 20

    @property
    def title(self) -> str:
        worse = self.verdict.count(WORSE)
        text = f"growbench gate: {VERDICTS[self.verdict.status]}"
        return f"{text} in {worse} of {len(self.families)} families" if worse else text

    def sentences(self) -> list[str]:
        """The most important first."""
        verdict = self.verdict
        runs = ", ".join(self.runs)
        said = [
            f"{verdict.compared:,} counts of {len(self.families)} families of {runs} were held "
            f"against {self.baseline}"
        ]
        said += [f"not as it was: {one.text()}" for one in verdict.differences]
        return said + [text for text in self._outcomes() if text]

    def _outcomes(self) -> list[str]:
        verdict = self.verdict
        better = verdict.count(BETTER)
        other = verdict.count(OTHER)
        return [
            _some(verdict.failed, "their workers failed: {}", _first_failure(verdict.failed)),
            _some(
                verdict.excluded,
                "{} counts depend on that, and were not compared ({}); measure where it is as it "
                "was, or make the baseline anew with --update",
                _counts(verdict.excluded),
            ),
            _some(
                verdict.missing,
                "{} counts of the baseline were not measured: {}",
                _counts(verdict.missing),
            ),
            f"better in {better} families: take it over with --update" if better else "",
            f"changed, and neither better nor worse, in {other} families" if other else "",
            f"{verdict.loose} counts that vary are outside of their range, but not so far, or in "
            "so many workers, that it can be told"
            if verdict.loose
            else "",
            _some(
                verdict.added,
                "{} cells are not in the baseline: {}; take them in with --update",
                _cells(verdict.added),
            ),
            *(
                f"{name} is another build of the same version"
                for name in rebuilt(self.then, self.now)
            ),
        ]

    def table(self) -> Table:
        """The families that changed, the worse ones first."""
        frame = _changed(self.verdict)
        columns = (
            Column("change", ""),
            Column("name", "Strategy"),
            Column("allocator", "Allocator"),
            Column("label", "Count"),
            Column("ratio_low", "Change", "interval:change", high="ratio_high"),
            Column("where", "Where"),
            Column("example", "At the smallest size"),
        )
        table = Table("changes", "Counts that changed", columns, frame, (), "tone")
        return table.first(self.limit)


def _some(rows: pd.DataFrame, text: str, listed: str) -> str:
    return text.format(*([f"{len(rows):,}"] * (text.count("{}") - 1)), listed) if len(rows) else ""


def _first_failure(failed: pd.DataFrame) -> str:
    if failed.empty:
        return ""
    row = failed.iloc[0]
    more = f" (and {len(failed) - 1} more cells)" if len(failed) > 1 else ""
    where = f"{family_words(row)}, {row['rows']:,} rows"
    return f"{where}: {row['status']}, {row['status_detail']}{more}"


def _counts(figures: pd.DataFrame) -> str:
    """Of which kinds, and under which allocators."""
    if figures.empty:
        return ""
    names = [exact(name).label for name in dict.fromkeys(figures["exact"])]
    return f"{_list(names)}, under {_list(sorted(set(figures['allocator'])))}"


def _cells(cells: pd.DataFrame) -> str:
    if cells.empty:
        return ""
    return _list(list(dict.fromkeys(map(family_words, cells.to_dict("records")))))


def _list(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def _changed(verdict: Verdict) -> pd.DataFrame:
    """The families of a verdict, as they are shown."""
    families = worst_first(verdict.changes.families)
    rows = families.to_dict("records")
    return families.assign(
        name=strategy_names(families),
        label=[exact(name).label for name in families["exact"]],
        where=list(map(where, rows)),
        example=[_then_and_now(_smallest(verdict, row)) for row in rows],
        tone=families["change"].map(TONES),
    )


def _smallest(verdict: Verdict, family: dict) -> pd.Series:
    """The smallest cell of a family that changed."""
    cells = verdict.changes.cells
    for key in ("exact", *FAMILY):
        cells = cells[cells[key] == family[key]]
    return cells.sort_values("rows").iloc[0]


def _then_and_now(cell: pd.Series) -> str:
    base, new = (figures(cell[f"{side}_low"], cell[f"{side}_high"]) for side in ("base", "new"))
    return f"{base}, now {new}"


# ---- as text ----


def as_terminal(page: Page, colour: bool = False) -> str:
    """For people."""
    return output.as_terminal([_document(page)], colour)


def as_markdown(page: Page, colour: bool = False) -> str:
    """For a comment on a pull request."""
    return output.as_markdown([_document(page)], colour)


def _document(page: Page) -> output.Document:
    table = page.table()
    tables = [table] if len(table.frame) else []
    sentences = list(map(printable, page.sentences()))
    return output.Document(page.title, sentences, tables, page.verdict.status)


def as_json(page: Page, colour: bool = False) -> str:
    """For programs: everything in full precision."""
    del colour
    verdict = page.verdict
    cells = verdict.changes.cells
    everything = {
        "changes": page._replace(limit=0).table(),
        "cells": Table("cells", "Cells that changed", (), cells),
        "not_compared": Table("not_compared", "Counts that depend on it", (), verdict.excluded),
        "missing": Table("missing", "Counts that were not measured", (), verdict.missing),
        "failed": Table("failed", "Cells whose workers failed", (), verdict.failed),
        "added": Table("added", "Cells that are not in the baseline", (), verdict.added),
    }
    content = {
        "title": page.title,
        "verdict": VERDICTS[verdict.status],
        "exit_status": verdict.status,
        "sentences": page.sentences(),
        "differences": [one._asdict() for one in verdict.differences],
        "tables": {name: formats.as_records(table) for name, table in everything.items()},
    }
    return formats.to_json(content)


def as_junit(page: Page, colour: bool = False) -> str:
    """For a CI server: a test case for each family of the baseline."""
    del colour
    suites = xml.Element("testsuites")
    suite = xml.SubElement(suites, "testsuite", name="growbench gate")
    properties = xml.SubElement(suite, "properties")
    for name, text in page.now.items():
        xml.SubElement(properties, "property", name=printable(name), value=printable(text))
    seen = {"failure": 0, "error": 0, "skipped": 0}
    for family in page.families:
        case = xml.SubElement(suite, "testcase", _case_of(family))
        kind, text = _outcome(page.verdict, family)
        if kind:
            found = xml.SubElement(case, kind, message=printable(text.split("\n", maxsplit=1)[0]))
            found.text = "\n".join(map(printable, text.split("\n")))
            seen[kind] += 1
    if not page.families:
        case = xml.SubElement(suite, "testcase", classname="growbench.gate", name="baseline")
        xml.SubElement(case, "skipped", message=printable(page.title))
        seen["skipped"] += 1
    of_all = {"tests": str(max(1, len(page.families))), "failures": str(seen["failure"])}
    of_all |= {"errors": str(seen["error"]), "skipped": str(seen["skipped"]), "time": "0"}
    suite.attrib.update(of_all)
    suites.attrib.update({name: of_all[name] for name in ("tests", "failures", "errors", "time")})
    xml.indent(suites, " ")
    head = '<?xml version="1.0" encoding="UTF-8"?>\n'
    return head + xml.tostring(suites, encoding="unicode") + "\n"


def _case_of(family: tuple[str, ...]) -> dict[str, str]:
    implementation, strategy, allocator = map(printable, family)
    return {
        "classname": f"growbench.gate.{allocator}",
        "name": f"{implementation} {strategy}",
        "time": "0",
    }


def _outcome(verdict: Verdict, family: tuple[str, ...]) -> tuple[str, str]:
    """failure, error or skipped, with a text whose first line is the message; "" if it passed."""

    def of_it(rows: pd.DataFrame) -> pd.DataFrame:
        return rows[(rows[list(FAMILY)] == list(family)).all(axis=1)] if len(rows) else rows

    cells = of_it(verdict.changes.cells)
    worse = cells[cells["change"] == WORSE]
    failed, missing = of_it(verdict.failed), of_it(verdict.missing)
    if len(worse):
        return "failure", "\n".join(
            f"{exact(row['exact']).label}: {_then_and_now(row)} "
            f"({by(row['ratio'], row['ratio'])}), at {size_words(row)}"
            for _, row in worse.iterrows()
        )
    if len(failed):
        lines = (
            f"{row['status']}: {row['status_detail']}, at {size_words(row)}"
            for _, row in failed.iterrows()
        )
        return "failure", "\n".join(lines)
    if len(missing):
        return "error", f"not measured: {_counts(missing)}"
    compared = verdict.changes.compared
    excluded = of_it(verdict.excluded)
    if len(excluded):
        names = ", ".join(one.name for one in verdict.differences)
        return "skipped", f"not compared, as it depends on {names}: {_counts(excluded)}"
    return ("skipped", "nothing was compared") if not compared["cell_count"].sum() else ("", "")


FORMATS: dict[str, Callable[[Page, bool], str]] = {
    "terminal": as_terminal,
    "markdown": as_markdown,
    "json": as_json,
    "junit": as_junit,
}
# By how a file ends, where nothing is said.
ENDINGS = {".md": "markdown", ".json": "json", ".xml": "junit"}
