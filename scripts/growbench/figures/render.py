"""Draw plots and write them to files: the same run gives the same bytes."""

import io
import os
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import IO, Any, Callable, ContextManager, NamedTuple, Sequence

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
            _write_png(figure, style.dpi, buffer)
        else:
            figure.savefig(buffer, format=format, metadata=FORMATS[format])
    return buffer.getvalue()


def _write_png(figure: Figure, dpi: int, stream: IO[bytes]) -> None:
    """Like savefig(), but without the transparency that no figure has, and packed less hard: files
    are about as large, and are written in half the time."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    size = canvas.get_width_height()
    image = Image.frombuffer("RGBA", size, canvas.buffer_rgba(), "raw", "RGBA", 0, 1)
    image.convert("RGB").save(stream, "png", dpi=(dpi, dpi), compress_level=3)


def _settings(style: Style) -> ContextManager[None]:
    changed: dict[str, Any] = {**matplotlib.rcParamsDefault, "backend": "agg", **settings(style)}
    return matplotlib.rc_context(changed)


def draw_in(style: Style, draw: Callable[[], Figure]) -> Figure:
    """A figure that is of no run, untouched by the user's own matplotlib settings."""
    with _settings(style):
        return draw()


def draw_and_write(plot: Plot, part: Slice, formats: Sequence[str], folder: Path) -> Drawn:
    """Draw one plot of one slice and write it in each format."""
    name = plot.name + part.suffix
    try:
        figure = draw_figure(plot, part)
    except NothingToDraw as reason:
        return Drawn(name, [], str(reason))
    paths = []
    for format in formats:
        path = folder / f"{name}.{format}"
        content = figure_bytes(figure, format, part.context.style)
        with atomic_writer(path, binary=True) as stream:
            stream.write(content)
        paths.append(path)
    return Drawn(name, paths, "")


def draw_all(
    chosen: Sequence[Plot], parts: Sequence[Slice], formats: Sequence[str], folder: Path
) -> list[Drawn]:
    """Draw each plot of each slice into the folder, on all CPUs, in the order given.

    Each figure is drawn by one process from start to end, so the number of CPUs changes nothing
    but the time.
    """
    tasks = tasks_of(chosen, parts)
    cpus = min(len(tasks), len(os.sched_getaffinity(0)))
    if cpus <= 1:
        return [draw_and_write(plot, part, formats, folder) for plot, part in tasks]
    with ProcessPoolExecutor(cpus) as pool:
        futures = [pool.submit(draw_and_write, *task, formats, folder) for task in tasks]
        return [future.result() for future in futures]
