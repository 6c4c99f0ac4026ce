"""One table, many readers: a terminal, Markdown, CSV, JSON. (HTML is the report's.)"""

import json
import math
from typing import Any, Optional

from growbench.data.files import spreadsheet_safe
from growbench.data.text import printable
from growbench.tables.table import Table, kind_of

# Terminal colours of the tones: bold as well, so that they are not told by hue alone.
_TONES = {"bad": "\033[1;31m", "good": "\033[32m", "unsure": "\033[33m"}
_BOLD, _PLAIN = "\033[1m", "\033[0m"


def bold(text: str) -> str:
    """Text of a terminal that stands out."""
    return f"{_BOLD}{text}{_PLAIN}"


def as_terminal(table: Table, colour: bool = False) -> str:
    """Title, aligned columns, notes; colour: with escape sequences."""
    title = printable(table.title)
    lines = [bold(title) if colour else title]
    rows = [[printable(column.label) for column in table.columns], *table.texts()]
    if len(rows) > 1:
        widths = [max(len(row[i]) for row in rows) for i in range(len(table.columns))]
        right = [kind_of(column).right for column in table.columns]
        for number, row in enumerate(rows):
            line = "  ".join(
                text.rjust(width) if at_right else text.ljust(width)
                for text, width, at_right in zip(row, widths, right)
            ).rstrip()
            tone = _TONES.get(table.tones()[number - 1], "") if colour and number else ""
            lines.append(f"  {tone}{line}{_PLAIN if tone else ''}")
    else:
        lines.append("  none")
    lines += [f"  {printable(note)}" for note in table.notes]
    return "\n".join(lines) + "\n"


def as_markdown(table: Table) -> str:
    """A section with a pipe table and its notes; text from the data is escaped."""
    lines = [f"### {escape_markdown(table.title)}", ""]
    texts = table.texts()
    if texts:
        lines.append(
            "| " + " | ".join(escape_markdown(column.label) for column in table.columns) + " |"
        )
        rules = ["---:" if kind_of(column).right else "---" for column in table.columns]
        lines.append("| " + " | ".join(rules) + " |")
        lines += ["| " + " | ".join(map(escape_markdown, row)) + " |" for row in texts]
    else:
        lines.append("None.")
    for note in table.notes:
        lines += ["", escape_markdown(note)]
    return "\n".join(lines) + "\n"


def escape_markdown(text: str) -> str:
    """Text from the data as text of a Markdown document: nothing in it is markup."""
    for sign in "\\`*[]<>|":
        text = text.replace(sign, f"&#{ord(sign)};" if sign in "<>|" else f"\\{sign}")
    return text


def as_records(table: Table) -> dict:
    """A table as JSON has it: every column of the frame in full precision, null where missing."""
    rows = [
        {str(name): _plain(value) for name, value in row.items()}
        for row in table.frame.to_dict("records")
    ]
    return {"title": table.title, "notes": list(table.notes), "rows": rows}


def _plain(value: Any) -> Any:
    value = value.item() if hasattr(value, "item") else value
    return None if isinstance(value, float) and not math.isfinite(value) else value


def to_json(content: dict) -> str:
    """JSON text, the same for the same content; NaN is an error, as JSON has none."""
    return json.dumps(content, indent=1, allow_nan=False, ensure_ascii=False) + "\n"


def as_csv(table: Table) -> str:
    """All columns of the frame in full precision, missing ones empty."""
    text: Optional[str] = spreadsheet_safe(table.frame).to_csv(index=False, lineterminator="\n")
    return text or ""
