"""Comparisons as text: for a terminal, Markdown, JSON or CSV."""

from typing import Callable, NamedTuple, Sequence

from growbench.tables import formats
from growbench.data.text import printable
from growbench.tables.table import Table

VERDICTS = {
    0: "no regression",
    1: "regression",
    3: "not comparable",
    4: "inconclusive",
}


class Document(NamedTuple):
    """What a comparison has to say.

    title: one line. sentences: the most important first. status: the exit status.
    """

    title: str
    sentences: Sequence[str]
    tables: Sequence[Table]
    status: int


def as_terminal(documents: Sequence[Document], colour: bool = False) -> str:
    """For people: sentences, then aligned tables."""
    return "\n\n".join(_on_terminal(document, colour) for document in documents)


def _on_terminal(document: Document, colour: bool) -> str:
    title = printable(document.title)
    title = formats.bold(title) if colour else title
    lines = [f"  {printable(line)}" for line in document.sentences]
    parts = ["\n".join([title, *lines]) + "\n"]
    parts += [formats.as_terminal(table, colour) for table in document.tables]
    return "\n".join(parts)


def as_markdown(documents: Sequence[Document], colour: bool = False) -> str:
    """For a pull request or a page."""
    del colour
    return "\n".join(_in_markdown(document) for document in documents)


def _in_markdown(document: Document) -> str:
    escape = formats.escape_markdown
    lines = [f"## {escape(document.title)}", ""]
    for line in document.sentences:
        # Examples are indented below what they are examples of.
        indent = "  " if line.startswith(" ") else ""
        lines.append(f"{indent}- {escape(line.strip())}")
    return "\n".join([*lines, "", *(formats.as_markdown(table) for table in document.tables)])


def as_json(documents: Sequence[Document], colour: bool = False) -> str:
    """For programs: everything in full precision."""
    del colour
    return formats.to_json({"comparisons": [_for_json(document) for document in documents]})


def _for_json(document: Document) -> dict:
    return {
        "title": document.title,
        "verdict": VERDICTS[document.status],
        "exit_status": document.status,
        "sentences": [line.strip() for line in document.sentences],
        "tables": {table.name: formats.as_records(table) for table in document.tables},
    }


def as_csv(document: Document) -> str:
    """The only table of a document, in full precision."""
    (table,) = document.tables
    return formats.as_csv(table)


# CSV holds one table of one document, so it is not among those that take all.
CSV = "csv"
FORMATS: dict[str, Callable[[Sequence[Document], bool], str]] = {
    "terminal": as_terminal,
    "markdown": as_markdown,
    "json": as_json,
}
