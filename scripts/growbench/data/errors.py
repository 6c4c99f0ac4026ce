"""What ends a command with a message instead of a result, and what its reader should know."""

from pathlib import Path
from typing import Optional, Union


class UsageError(Exception):
    """What the user asked for cannot be done. The message says what, and what to do."""


class LoadError(Exception):
    """A run that cannot be read. Says what is wrong, where (file, line, column), what to do."""

    def __init__(
        self,
        what: str,
        path: Union[str, Path],
        line: Optional[int] = None,
        column: Optional[str] = None,
        advice: str = "",
    ) -> None:
        self.path, self.line, self.column = str(path), line, column
        where = str(path)
        if line is not None:
            where += f", line {line}"
        if column is not None:
            where += f", column {column}"
        super().__init__(f"{where}: {what}" + (f"; {advice}" if advice else ""))


class LoadWarning(UserWarning):
    """Something in a run that its reader should know, and that does not prevent reading it."""
