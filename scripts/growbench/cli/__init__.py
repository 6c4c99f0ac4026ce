"""One file for each verb that is Python's; nothing else is in this folder.

The file's name is the verb, the first line of its docstring what `growbench --help` says of it.
main(arguments) does it, and returns the exit status, or None for 0.
"""

import pkgutil


def verbs() -> list[str]:
    """All of them, sorted."""
    return sorted(info.name.replace("_", "-") for info in pkgutil.iter_modules(__path__))
