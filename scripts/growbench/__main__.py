"""Starts a verb: python3 scripts/growbench VERB ... The program growbench does so for its users."""

import importlib
import sys
from pathlib import Path

# A folder that is started finds what lies in it; the package is the folder itself.
sys.path[0] = str(Path(__file__).resolve().parents[1])


def run(words: list[str]) -> int:
    """words: a verb, and its arguments. Returns the exit status."""
    from growbench import cli, develop
    from growbench.command_line import entry, packages

    own = words[: words.index("--")] if "--" in words else words
    if "--help" in own or "-h" in own:
        packages.only_help()
    verb = words[0] if words else ""
    for package in (cli, develop):
        if verb in package.verbs():
            module = importlib.import_module(f"{package.__name__}.{verb.replace('-', '_')}")
            return entry.run(module.main, words[1:])
    print(f"error: unknown verb {verb!r}; there are: {', '.join(cli.verbs())}", file=sys.stderr)
    return entry.USAGE


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
