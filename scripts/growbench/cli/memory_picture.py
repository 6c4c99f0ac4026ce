"""Draw how arrays, views of them and lists lie in memory, from real strides and addresses."""

import argparse
from pathlib import Path
from typing import Optional, Sequence

from growbench.data.errors import UsageError
from growbench.command_line import packages

with packages.imports():
    from growbench.command_line import entry
    from growbench.data import files
    from growbench.figures import render
    from growbench.memory_picture import c_arrays, layout, picture
    from growbench.figures.style import DEFAULT_STYLE, STYLES

NAME = "memory"
EXAMPLES = """\
  growbench memory-picture --output /tmp/pictures
  growbench memory-picture --save layout.json --format svg
  growbench memory-picture --layout layout.json --style dark

Addresses differ from process to process. --save keeps those that were measured, and --layout draws
them again: the same layout gives the same bytes.
"""


def main(arguments: Sequence[str]) -> None:
    options = parse(arguments)
    formats = list(dict.fromkeys(options.format.split(",")))
    entry.check_names("format", formats, list(render.FORMATS))
    entry.check_names("style", [options.style], list(STYLES))
    if options.layout:
        arrays = layout.read_layout(Path(options.layout))
    else:
        arrays = measured(options.library)
    folder, style = Path(options.output), STYLES[options.style]
    files.make_folder(folder)
    if options.save:
        with files.atomic_writer(Path(options.save)) as stream:
            stream.write(layout.as_json(arrays))
        print(options.save)
    figure = render.draw_in(style, lambda: picture.draw(arrays, style))
    for format in formats:
        path = folder / f"{NAME}.{format}"
        render.write_figure(figure, format, style, path)
        print(path)


def measured(library: Optional[str]) -> layout.Layout:
    """What is so here and now, held against the C model."""
    try:
        return c_arrays.checked(layout.measure(), Path(library) if library else None)
    except c_arrays.ModelError as error:
        raise UsageError(str(error)) from None


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    parser = entry.parser(
        __name__,
        "Draw a picture of memory: an array, views of it, a copy, a list of pointers.",
        EXAMPLES,
    )
    parser.add_argument(
        "--output", default=".", metavar="DIR", help=f"write {NAME}.png and so on here (default: .)"
    )
    parser.add_argument(
        "--format",
        default=",".join(render.FORMATS),
        metavar="LIST",
        help="formats, separated by commas (default: %(default)s)",
    )
    parser.add_argument(
        "--style",
        default=DEFAULT_STYLE,
        metavar="NAME",
        help=f"{', '.join(STYLES)}, as of growbench plot (default: %(default)s)",
    )
    parser.add_argument("--save", metavar="FILE", help="write what was measured, as JSON")
    parser.add_argument("--layout", metavar="FILE", help="draw what --save wrote, measure nothing")
    parser.add_argument(
        "--library",
        metavar="FILE",
        help="libgrowbench-kernels.so, whose model of an array has to say the same as NumPy "
        "(default: build/libgrowbench-kernels.so, if it is there)",
    )
    return parser.parse_args(arguments)
