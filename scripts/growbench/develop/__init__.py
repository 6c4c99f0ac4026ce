"""Verbs as those of growbench.cli, for whoever works on growbench: they hold it to its promises."""

import pkgutil


def verbs() -> list[str]:
    """All of them, sorted."""
    return sorted(info.name.replace("_", "-") for info in pkgutil.iter_modules(__path__))
