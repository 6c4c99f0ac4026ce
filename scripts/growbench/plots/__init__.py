"""simple.py has the plots that are one kind of figure of one quantity, a row each; all others are a
file each, whose name is the plot's. Nothing else is in this folder.

To add a plot, add a row there, or a file with

    NAME: str   the name of its file, and of the files that it becomes
    HELP: str   one line for `growbench plot --list`
    def draw(data: Data, context: Context) -> matplotlib.figure.Figure

and, where a second figure for the containers that people use would say too little,

    KERNELS_ONLY = True

A plot of copying patterns says so with

    PATTERNS = True

and gets a slice of all patterns and shapes (pattern_slices.pattern_slices), which others do not.

draw() gets what is known (data.Data) of the cells of one slice (slices.Slice): one row size,
number of threads and kind of work, of our own kernels or of the containers. Its summary has at
least one cell; its other tables may be empty. It raises canvas.NothingToDraw with a reason where
it has no use for them.
"""

import importlib
import pkgutil

from growbench.figures.render import Plot


def all_plots() -> list[Plot]:
    """Every plot there is, sorted by name."""
    found = []
    for info in pkgutil.iter_modules(__path__):
        module = importlib.import_module(f"{__name__}.{info.name}")
        if hasattr(module, "PLOTS"):
            found += module.PLOTS
            continue
        kernels_only = getattr(module, "KERNELS_ONLY", False)
        patterns = getattr(module, "PATTERNS", False)
        found.append(Plot(module.NAME, module.HELP, module.draw, kernels_only, patterns))
    return sorted(found, key=lambda plot: plot.name)
