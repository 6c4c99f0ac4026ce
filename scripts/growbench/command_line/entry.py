"""What the command-line entries have in common: their help, their errors, their exit status."""

import argparse
import difflib
import os
import sys
import warnings
from typing import Any, Callable, Optional, Sequence, Union

from growbench.command_line import packages, progress
from growbench.data.errors import UsageError
from growbench.data.errors import LoadError, LoadWarning
from growbench.data.text import printable
from growbench.data.version import version

USAGE = 2
# The program that measures: the one that was called, or else the one of the checkout.
RUNNER = os.environ.get("GROWBENCH_RUNNER") or "build/growbench"


class Parser(argparse.ArgumentParser):
    """Prints an error in the form that all errors of growbench have, and comes back only where the
    packages are there that the script needs."""

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        parsed = super().parse_args(args, namespace)
        packages.require()
        return parsed

    def error(self, message: str) -> None:  # type: ignore[override]
        self.exit(USAGE, f"error: {message}; see {self.prog} --help\n")


def parser(module: str, description: str, examples: str) -> argparse.ArgumentParser:
    """An argument parser with --help (which shows `examples`) and --version, for the verb that the
    module of that name is."""
    made = Parser(
        prog="growbench " + module.rpartition(".")[2].replace("_", "-"),
        description=description,
        epilog="examples:\n" + examples,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("--version", action="version", version=f"growbench {version()}")
    return made


def run(
    main: Callable[[Sequence[str]], Optional[int]], arguments: Optional[Sequence[str]] = None
) -> int:
    """Call `main` with the arguments and return the exit status: what `main` returned (nothing is
    0), or 2 with one message.

    A fault of our own is 2 as well, never Python's 1, which would read as a regression; with
    GROWBENCH_TRACEBACK set it shows where.
    """

    def show(message: Union[Warning, str], category: type[Warning], *rest: object) -> None:
        text = (
            str(message) if issubclass(category, LoadWarning) else f"{category.__name__}: {message}"
        )
        progress.current.clear()
        print(f"warning: {_harmless(text)}", file=sys.stderr)

    try:
        with progress.shown(), warnings.catch_warnings():
            warnings.showwarning = show  # type: ignore[assignment]
            status = main(sys.argv[1:] if arguments is None else arguments)
            sys.stdout.flush()
    except (LoadError, UsageError) as error:
        print(f"error: {_harmless(str(error))}", file=sys.stderr)
        return USAGE
    except BrokenPipeError:
        # The reader, such as head, has seen enough.
        _hush()
        return 0
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        print(
            f"error: {where}{error.strerror}; choose a place that can be written to",
            file=sys.stderr,
        )
        return USAGE
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except Exception as error:
        if os.environ.get("GROWBENCH_TRACEBACK"):
            raise
        print(
            f"error: a fault of growbench, {type(error).__name__}: {error}; please report it, with "
            "what GROWBENCH_TRACEBACK=1 shows",
            file=sys.stderr,
        )
        return USAGE
    return status or 0


def tell(text: str) -> None:
    """Print lines in which names of a run stand, without what would speak to the terminal."""
    progress.current.end()
    print(_harmless(text))


def note(text: str) -> None:
    """The same on standard error."""
    progress.current.end()
    print(_harmless(text), file=sys.stderr)


def _harmless(text: str) -> str:
    return "\n".join(map(printable, text.split("\n")))


def put(text: str) -> None:
    """Write to standard output. A reader that has seen enough, such as head, is no error, and takes
    nothing from the exit status."""
    progress.current.end()
    try:
        print(text, end="", flush=True)
    except BrokenPipeError:
        _hush()


def _hush() -> None:
    """Keep Python from flushing into a pipe that nobody reads, now and at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def check_names(kind: str, names: Sequence[str], known: Sequence[str]) -> None:
    """Raise UsageError for the first name that is not known."""
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {near[0]}? " if near else ""
            raise UsageError(f"unknown {kind} {name!r}; {hint}known: {', '.join(known)}")


def in_colour(choice: str = "auto") -> bool:
    """Should standard output be coloured? choice: always, never, or auto, which colours a terminal
    unless NO_COLOR is set (https://no-color.org) or the terminal is dumb."""
    if choice != "auto":
        return choice == "always"
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return not plain and sys.stdout.isatty()
