"""The report as one HTML file that needs nothing else, and nothing from any network.

Text is escaped by the template engine, without exception but for our own style and script. The
page's own policy allows that script, by its hash, and no other.
"""

import base64
import hashlib
import math
from importlib import resources
from typing import Any, NamedTuple, Optional, Sequence

import jinja2
import markupsafe

from growbench.report import facts
from growbench.report.copies import Copies
from growbench.findings.evidence import Evidence
from growbench.report.figures import Picture
from growbench.findings.finding import Finding
from growbench.report.sections import Listing
from growbench.findings.sentences import Sentence
from growbench.tables.table import Table, column_texts, kind_of
from growbench.data.version import version

# Text of a column that is longer than this may break into lines.
_LONG_TEXT = 40


class RunReport(NamedTuple):
    """What the report has to say of one run. warnings: what its reader should know first. copies:
    of copying patterns, if it has any."""

    evidence: Evidence
    findings: Sequence[Finding]
    pictures: Sequence[Picture]
    listings: Sequence[Listing]
    warnings: Sequence[str] = ()
    copies: Optional[Copies] = None


class Comparison(NamedTuple):
    """What stands side by side when there are several runs."""

    title: str
    paragraphs: Sequence[Sentence]
    listings: Sequence[Listing]


class _Heading(NamedTuple):
    label: str
    right: bool


class _Cell(NamedTuple):
    """look: its class. key: what it is sorted by; "" if missing, None if that is the text."""

    text: str
    look: str
    key: Optional[str]


class _Row(NamedTuple):
    cells: Sequence[_Cell]
    classes: str


class _Grid(NamedTuple):
    """A Table as the template has it."""

    name: str
    title: str
    columns: Sequence[_Heading]
    rows: Sequence[_Row]
    notes: Sequence[str]
    row_count: int
    paper_count: int
    file: str


def html(
    reports: Sequence[RunReport], comparison: Optional[Comparison] = None, for_paper: bool = False
) -> str:
    """The page. comparison: of the reports, if there are several. for_paper: without the rows that
    paper does not show anyway, which spares time."""
    style, script = _own("report.css"), _own("report.js")
    keys = [f"run{number}-" for number in range(1, len(reports) + 1)] if comparison else [""]
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=False
    )
    template = environment.from_string(_own("report.html"))
    return template.render(
        title=_title(reports),
        heading=_heading(reports),
        version=version(),
        date=_date(reports),
        style=markupsafe.Markup(style),
        script=markupsafe.Markup(script),
        script_hash=_hash(script),
        reports=[_context(report, key, for_paper) for report, key in zip(reports, keys)],
        comparison=comparison
        and {
            "title": comparison.title,
            "paragraphs": comparison.paragraphs,
            "grids": [_grid(listing, for_paper) for listing in comparison.listings],
        },
    )


def _own(name: str) -> str:
    """A file of this package."""
    return resources.files("growbench.report").joinpath(name).read_text(encoding="utf-8")


def _hash(script: str) -> str:
    digest = hashlib.sha256(script.encode("utf-8")).digest()
    return "sha256-" + base64.b64encode(digest).decode("ascii")


def _title(reports: Sequence[RunReport]) -> str:
    runs = [report.evidence.run for report in reports]
    if len(runs) == 1:
        return f"growbench: {facts.run_id(runs[0])}"
    return "growbench: " + ", ".join(run.label for run in runs)


def _heading(reports: Sequence[RunReport]) -> str:
    machines = list(dict.fromkeys(report.evidence.run.machine_id for report in reports))
    if len(reports) == 1:
        return f"Growing an array on {machines[0]}"
    if len(machines) == 1:
        return f"Growing an array on {machines[0]}: {len(reports)} runs"
    return f"Growing an array on {len(machines)} machines"


def _date(reports: Sequence[RunReport]) -> str:
    """When the last of the runs began, as documents note dates; "" if that is not known."""
    stamps = [facts.text(report.evidence.run.machine, "run", "started_utc") for report in reports]
    return max(stamps)


def _context(report: RunReport, key: str, for_paper: bool) -> dict[str, Any]:
    evidence = report.evidence
    of_copies = report.copies.pictures if report.copies else ()
    plots = {picture.name for picture in (*report.pictures, *of_copies)}
    findings = [
        {
            "key": finding.key,
            "title": finding.title,
            "sentences": finding.sentences,
            "grid": None if finding.table is None else _grid(_whole(finding.table)),
            "plots": [name for name in finding.plots if name in plots],
        }
        for finding in report.findings
    ]
    return {
        "key": key,
        "label": evidence.run.label,
        "about": evidence.what,
        "warnings": report.warnings,
        "machine_facts": facts.machine_facts(evidence.run),
        "run_facts": facts.run_facts(evidence.run),
        "findings": findings,
        "pictures": report.pictures,
        "grids": [_grid(listing, for_paper) for listing in report.listings],
        "copies": report.copies
        and {
            "memory": report.copies.memory,
            "pictures": report.copies.pictures,
            "grids": [_grid(listing, for_paper) for listing in report.copies.listings],
        },
        "commands": facts.commands(evidence.run),
    }


def _whole(table: Table) -> Listing:
    return Listing(table, [True] * len(table.frame))


def _grid(listing: Listing, for_paper: bool = False) -> _Grid:
    table = listing.table
    headings = [_Heading(column.label, kind_of(column).right) for column in table.columns]
    columns = []
    for column, heading in zip(table.columns, headings):
        texts = column_texts(table.frame, column)
        keys = [_key(value) if heading.right else None for value in table.frame[column.name]]
        look = "n" if heading.right else ""
        if not heading.right and max(map(len, texts), default=0) > _LONG_TEXT:
            look = "long"
        columns.append([_Cell(text, look, key) for text, key in zip(texts, keys)])
    rows = [
        _Row(cells, " ".join(filter(None, (tone, "" if on_paper else "screen"))))
        for cells, tone, on_paper in zip(zip(*columns), table.tones(), listing.on_paper)
        if on_paper or not for_paper
    ]
    return _Grid(
        table.name,
        table.title,
        headings,
        rows,
        table.notes,
        len(table.frame),
        sum(listing.on_paper),
        listing.file,
    )


def _key(value: Any) -> str:
    number = float("nan") if value is None else float(value)
    return "" if math.isnan(number) else f"{number:.9g}"
