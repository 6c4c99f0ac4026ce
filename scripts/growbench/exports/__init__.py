"""One file for each format of other people's tools. Beside them is only what they
have in common (exporting).

To add one, add a file with

    NAME: str                  what `growbench export --to` calls it
    HELP: str                  one line for `growbench export --list`
    COLUMNS: tuple[str, ...]   what it reads of runs.csv besides metrics and what identifies a row
    def write(export: Export, stream: IO[str]) -> None

write() gets an exporting.Export: the rows that were measured, in order, the metrics asked for, and
what is known of the machine. The same run gives the same bytes: ASCII, "\\n" as line end. It raises
exporting.CannotExport with a reason if its format has no place for what was asked for.
"""

import importlib
import pkgutil

from growbench.exports import exporting
from growbench.exports.exporting import Exporter


def all_exporters() -> dict[str, Exporter]:
    """Every exporter there is by its name, sorted."""
    found = {}
    for info in pkgutil.iter_modules(__path__):
        module = importlib.import_module(f"{__name__}.{info.name}")
        if module is exporting:
            continue
        found[module.NAME] = Exporter(module.NAME, module.HELP, module.COLUMNS, module.write)
    return dict(sorted(found.items()))
