"""One file for each plot; the file's name is the plot's name. Nothing else is in this folder.

To add a plot, add a file with

    NAME: str   the name of its file, and of the files that it becomes
    HELP: str   one line for `plot.py --list`
    def draw(summary: pandas.DataFrame, context: Context) -> matplotlib.figure.Figure

draw() gets the summary's cells of one row size, number of threads, kind of work and
implementation, at least one. It raises canvas.NothingToDraw with a reason where it has no use for
them.
"""
