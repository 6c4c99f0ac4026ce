"""The packages that the scripts need besides Python, and what is done where they are not there.

Modules import them at their top, also where no more is wanted of a script than its --help. So a
package that is missing is stood in for while a script is imported, as Sphinx does for what it has
to document and cannot import (autodoc_mock_imports). Nothing is ever done with a stand-in: parsing
the command line, which comes before any work, ends with require().
"""

import importlib.abc
import importlib.machinery
import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any, Iterator, NoReturn, Optional, Sequence

NEEDED = ("numpy", "pandas", "scipy", "matplotlib", "PIL", "jinja2", "markupsafe")
_HOME = Path(__file__).resolve().parents[3]
_FIND_PYTHON = _HOME / "scripts/find-python"
# Debian's packages that are not named python3-NAME.
_DEBIAN = {"PIL": "python3-pil"}
# What find-python asks of an interpreter only on request.
_OF_REPORTS = "jinja2"


class _StandIn(ModuleType):
    """Whatever a module names, calls, derives from or calculates with while it is imported."""

    __path__: list[str] = []

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __call__(self, *_: object, **__: object) -> Any:
        return self

    def __mro_entries__(self, _: tuple) -> tuple:
        return ()

    def __iter__(self) -> Iterator[Any]:
        return iter(())

    __getitem__ = __neg__ = __call__
    __add__ = __radd__ = __sub__ = __rsub__ = __call__
    __mul__ = __rmul__ = __truediv__ = __rtruediv__ = __pow__ = __call__


class _Finder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Stands behind all other finders, so that it is asked for what none of them has found."""

    def __init__(self) -> None:
        self.missing: set[str] = set()

    def find_spec(
        self, fullname: str, _: Optional[Sequence[str]] = None, __: Optional[ModuleType] = None
    ) -> Optional[importlib.machinery.ModuleSpec]:
        package = fullname.partition(".")[0]
        if package in NEEDED and (package == fullname or package in self.missing):
            self.missing.add(package)
            return importlib.machinery.ModuleSpec(fullname, self, is_package=True)
        return None

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        return _StandIn(spec.name)

    def exec_module(self, _: ModuleType) -> None:
        pass


_finder = _Finder()


def only_help() -> None:
    """No package is looked for: what is imported from now on is only asked for its --help, which
    comes before require(), and sooner without them."""
    sys.meta_path.insert(0, _finder)


@contextmanager
def imports() -> Iterator[None]:
    """A script's imports stand in here. A package that is there, and is broken, ends the script."""
    sys.meta_path.append(_finder)
    try:
        yield
    except ImportError as error:
        _do_without(f": {error}")
    finally:
        sys.meta_path.remove(_finder)


def require() -> None:
    """Return if all packages that were imported are there. Otherwise go on in an interpreter that
    has them, or end with 2 and say which are missing, and what installs them."""
    if _finder.missing:
        _do_without(" lacks " + ", ".join(name for name in NEEDED if name in _finder.missing))


def _do_without(reason: str) -> NoReturn:
    # `python3` on the PATH may be one without packages beside the system's, which has them.
    of_reports = _OF_REPORTS in _finder.missing
    words = ["--with-report"] if of_reports else []
    found = subprocess.run([str(_FIND_PYTHON), *words], capture_output=True, text=True, check=False)
    other = found.stdout.strip()
    if found.returncode == 0 and other != sys.executable:
        # A timer outlives exec, a handler does not: that of progress would end the new program.
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        os.execv(other, [other, *sys.argv])
    command = "make setup report" if of_reports else "make setup"
    if not (_HOME / "Makefile").exists():
        # Installed: there is no checkout whose make could do it.
        missing = [
            _DEBIAN.get(name, f"python3-{name}") for name in NEEDED if name in _finder.missing
        ]
        command = "apt-get install " + " ".join(missing or ["python3-numpy", "python3-pandas"])
    print(
        f"error: {sys.executable}{reason}; install what is missing with: {command}", file=sys.stderr
    )
    sys.exit(2)
