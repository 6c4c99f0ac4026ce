"""How wide text is, and how it is made to fit."""

import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from growbench.figures.lettering import ELLIPSIS, fitted, name_text, text_width, wrapped


@pytest.mark.parametrize("bold", [False, True])
@pytest.mark.parametrize("text", ["realloc_x1.5", "WWWWWWWWWW", "iiiiiiiiii", "0.75 MiB"])
def test_text_is_about_as_wide_as_it_is_drawn(text, bold):
    figure = Figure(dpi=300)
    drawn = figure.text(0, 0, text, fontsize=8, fontweight="bold" if bold else "normal")
    drawn.set_fontfamily("DejaVu Sans")
    box = drawn.get_window_extent(FigureCanvasAgg(figure).get_renderer())
    assert text_width(text, 8, bold) == pytest.approx(box.width / 300, rel=0.05)


def test_what_fits_is_left_alone_and_the_rest_is_cut_off_to_fit():
    assert fitted("short", 10.0, 8) == "short"
    cut = fitted("a" * 100, 1.0, 8)
    assert cut.endswith(ELLIPSIS) and 0.9 < text_width(cut, 8) <= 1.0
    assert fitted("abc", 0.0, 8) == "a" + ELLIPSIS


def test_lines_are_broken_at_blanks_and_lose_no_word():
    text = "one  two   three " + "x" * 200 + " four"
    lines = wrapped(text, 1.0, 8)
    assert all(text_width(line, 8) <= 1.0 for line in lines)
    words = " ".join(lines).split()
    assert words[:3] + words[4:] == ["one", "two", "three", "four"]
    assert wrapped("one  two", 10.0, 8) == ["one  two"]
    assert wrapped("", 1.0, 8) == []


def test_a_name_is_one_line_that_a_legend_shows():
    assert name_text("two\nlines\tand\x00more") == "two lines and more"
    assert name_text("_hidden") == " _hidden"
    assert len(name_text("x" * 99)) == 36
