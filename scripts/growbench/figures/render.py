"""Draw plots and write them to files: the same run gives the same bytes."""

import io
import os
import signal
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, Callable, ContextManager, NamedTuple, Sequence, TypeVar

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from growbench.figures.canvas import Context, NothingToDraw
from growbench.analysis.analyse import Data
from growbench.data.files import atomic_writer
from growbench.figures.slices import Slice
from growbench.figures.style import DEFAULT_STYLE, STYLES, Style, settings

# What each format would otherwise note about the time of writing is left out.
FORMATS: dict[str, dict] = {
    "png": {},
    "svg": {"Date": None},
    "pdf": {"CreationDate": None},
}


class Plot(NamedTuple):
    """One file of the plots folder. patterns: it is of copying patterns, and not of strategies."""

    name: str
    help: str
    draw: Callable[[Data, Context], Figure]
    kernels_only: bool = False
    patterns: bool = False


def tasks_of(plots: Sequence[Plot], parts: Sequence[Slice]) -> list[tuple[Plot, Slice]]:
    """Which plots of which slices are worth trying, slice by slice."""
    return [
        (plot, part)
        for part in parts
        for plot in plots
        if plot.patterns == part.of_patterns and not (plot.kernels_only and part.beside_kernels)
    ]


class Drawn(NamedTuple):
    """What became of one plot of one slice: its files, or the reason why there are none."""

    name: str
    paths: list[Path]
    nothing: str


def draw_figure(plot: Plot, part: Slice) -> Figure:
    """The figure, untouched by the user's own matplotlib settings. Raises NothingToDraw."""
    with _settings(part.context.style):
        return plot.draw(part.data, part.context)


def figure_bytes(figure: Figure, format: str, style: Style = STYLES[DEFAULT_STYLE]) -> bytes:
    """The figure, drawn in that style, as a file of that format without the time of writing."""
    buffer = io.BytesIO()
    with _settings(style):
        if format == "png":
            # Packed less hard than by savefig(): files are about as large, and are written in half
            # the time.
            dpi = (style.dpi, style.dpi)
            image_of(figure, style).save(buffer, "png", dpi=dpi, compress_level=3)
        else:
            figure.savefig(buffer, format=format, metadata=FORMATS[format])
    return buffer.getvalue()


def image_of(figure: Figure, style: Style) -> Image.Image:
    """The figure as an image, without the transparency that no figure has."""
    with _settings(style):
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
    size = canvas.get_width_height()
    image = Image.frombuffer("RGBA", size, canvas.buffer_rgba(), "raw", "RGBA", 0, 1)
    return image.convert("RGB")


def _settings(style: Style) -> ContextManager[None]:
    changed: dict[str, Any] = {**matplotlib.rcParamsDefault, "backend": "agg", **settings(style)}
    return matplotlib.rc_context(changed)


def draw_in(style: Style, draw: Callable[[], Figure]) -> Figure:
    """A figure that is of no run, untouched by the user's own matplotlib settings."""
    with _settings(style):
        return draw()


# Called with how many of how many figures are drawn.
Told = Callable[[int, int], object]
Made = TypeVar("Made")


def draw_each(
    draw: Callable[[Plot, Slice], Made],
    plots: Sequence[Plot],
    parts: Sequence[Slice],
    told: Told = lambda done, total: None,
) -> list[Made]:
    """What `draw` makes of each plot of each slice, on all CPUs, slice by slice.

    Each figure is drawn by one process from start to end, so the number of CPUs changes nothing
    but the time. An exception waits for those that are being drawn, and for no others.
    """
    tasks = tasks_of(plots, parts)
    cpus = min(len(tasks), len(os.sched_getaffinity(0)))
    made = []
    if cpus <= 1:
        for task in tasks:
            made.append(draw(*task))
            told(len(made), len(tasks))
        return made
    # Ctrl-C is for the process that waits.
    pool = ProcessPoolExecutor(cpus, None, signal.signal, (signal.SIGINT, signal.SIG_IGN))
    try:
        for future in [pool.submit(draw, *task) for task in tasks]:
            made.append(future.result())
            told(len(made), len(tasks))
        return made
    finally:
        pool.shutdown(cancel_futures=True)


def draw_all(
    plots: Sequence[Plot],
    parts: Sequence[Slice],
    formats: Sequence[str],
    folder: Path,
    told: Told = lambda done, total: None,
) -> list[Drawn]:
    """Write each plot of each slice into the folder, as draw_each() draws them."""
    return draw_each(partial(_draw_and_write, formats, folder), plots, parts, told)


def _draw_and_write(formats: Sequence[str], folder: Path, plot: Plot, part: Slice) -> Drawn:
    name = plot.name + part.suffix
    try:
        figure = draw_figure(plot, part)
    except NothingToDraw as reason:
        return Drawn(name, [], str(reason))
    style = part.context.style
    paths = [folder / f"{name}.{format}" for format in formats]
    for format, path in zip(formats, paths):
        write_figure(figure, format, style, path)
    return Drawn(name, paths, "")


def write_figure(figure: Figure, format: str, style: Style, path: Path) -> None:
    """Write figure_bytes() to the file."""
    content = figure_bytes(figure, format, style)
    with atomic_writer(path, binary=True) as stream:
        stream.write(content)
