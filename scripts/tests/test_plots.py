"""What is on the figures. Nobody can look at each of them on each change, so this does."""

import io
import itertools
import re
import xml.etree.ElementTree
from functools import lru_cache

import matplotlib
import numpy as np
import pandas as pd
import pytest
from conftest import MACHINE, SCRIPTS, build_runs, fail, one_cell
from conftest import STRATEGIES as STRATEGY_NAMES
from factor_runs import factor_runs
from full_runs import CONTAINERS, full_run
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex, to_rgb
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.text import Text
from PIL import Image

from growbench.data.allocators import ordered
from growbench.data.article import at_article_size
from growbench.analysis.attribution import PARTS
from growbench.figures.part_bars import PART_LOOKS
from growbench.figures.canvas import NothingToDraw
from growbench.data.columns import TIMELINE_COLUMNS
from growbench.data.containers import CONTAINERS as CONTAINER_TABLE
from growbench.analysis.analyse import analyse
from growbench.analysis.latency import PERCENTILES
from growbench.figures.render import FORMATS, draw_all, draw_figure, figure_bytes
from growbench.plots import all_plots
from growbench.figures.slices import slices
from growbench.figures.style import (
    ALLOCATORS,
    DEFAULT_STYLE,
    IMPLEMENTATIONS,
    SPARE,
    STRATEGIES,
    STYLES,
    Style,
    looks,
    settings,
)
from growbench.figures.time_against_peak import pareto_front
from growbench.data.units import show

# The third is like the second in all but its colours.
DRAWN_STYLES = ("print", "dark")
NO_POINTS = pd.DataFrame(columns=[column.name for column in TIMELINE_COLUMNS])
# Those of copying patterns are in test_pattern_plots.py.
PLOTS = {plot.name: plot for plot in all_plots() if not plot.patterns}
# Of those that are of one kind one is enough on dark ground.
ALIKE = ("heat_map_peak", "peak_by_allocator", "time_by_strategy_cold")
DARK = [name for name in PLOTS if not name.endswith("_warm") and name not in ALIKE]
DRAWN = [("print", name) for name in PLOTS] + [("dark", name) for name in DARK]


def parts_of(runs: pd.DataFrame, style: str = DEFAULT_STYLE) -> list:
    return slices(analyse(runs, NO_POINTS), MACHINE, STYLES[style])


def whole_data_of(runs: pd.DataFrame, timeline: pd.DataFrame):
    """All of a run with all passes; its timeline as read_timeline() has it."""
    traced = runs.loc[(runs["pass"] == "trace") & (runs["status"] == "ok"), "position"]
    return analyse(runs, timeline[timeline["position"].isin(traced)])


def whole_part_of(runs: pd.DataFrame, timeline: pd.DataFrame):
    """The main slice of a run with all passes."""
    return slices(whole_data_of(runs, timeline), MACHINE)[0]


def laid_out(plot, part):
    """The figure with all its ticks, as it is drawn."""
    figure = draw_figure(plot, part)
    with matplotlib.rc_context(settings(part.context.style)):
        figure.draw_without_rendering()
    return figure


@pytest.fixture(scope="module")
def default_data():
    """A run like that of the default preset, with some trouble in it."""
    sizes = (10, 1000, 10_000, 30_000, 100_000, 209_715)
    runs, timeline = full_run([*STRATEGY_NAMES, *CONTAINERS], sizes=sizes)
    runs = fail(runs, runs["allocator"] == "tbbmalloc", "unavailable", "libtbbmalloc.so not found")
    crashed = (runs["allocator"] == "scudo") & (runs["strategy"] == "chunked_list")
    crashed &= (runs["rows"] >= 10_000) & (runs["pass"] == "measure")
    return whole_data_of(fail(runs, crashed, "crashed", "signal 11"), timeline)


@pytest.fixture(scope="module")
def threads_data():
    """A run of several thread counts."""
    return whole_data_of(*full_run(THREADS_STRATEGIES, sizes=[10_000], threads=(1, 2, 4)))


@pytest.fixture(scope="module")
def beside_data():
    """A run of C, NumPy and Python, of which scudo was not traced."""
    return whole_data_of(*beside_run())


@lru_cache(maxsize=None)
def beside_run():
    runs, timeline = full_run(
        BESIDE_STRATEGIES,
        interpreted={"numpy": [*BESIDE_STRATEGIES, "np_append"], "python": BESIDE_STRATEGIES[:2]},
        sizes=BESIDE_SIZES,
        interpreted_rounds=6,
    )
    return runs, timeline


@pytest.fixture(scope="module")
def factors_data():
    """A run of several growth factors, traced as well."""
    return analyse(factor_runs(rounds=10), NO_POINTS)


@pytest.fixture(scope="module")
def default_part(default_data):
    return slices(default_data, MACHINE)[0]


@pytest.fixture(scope="module")
def threads_part(threads_data):
    return slices(threads_data, MACHINE)[0]


BESIDE_STRATEGIES = (
    "loop_and_append",
    "preallocate_zeroed",
    "preallocate_then_fill",
    "list_of_pointers",
    "list_of_pointers_packed",
    "realloc_doubling",
)
BESIDE_SIZES = (100, 1000, 3000, 10_000)
BESIDE_PLOTS = {"article", "article_ratio", "article_ratio_warm", "implementations_cold"}
THREADS_STRATEGIES = ("loop_and_append", "realloc_doubling", "chunked_list")


@pytest.fixture(scope="module")
def styled_figures(default_data, threads_data, beside_data, factors_data) -> dict:
    """Every plot in DRAWN_STYLES, drawn once and laid out."""
    drawn = {}
    for style_name in DRAWN_STYLES:
        style = STYLES[style_name]
        default, threads, beside, factors = (
            slices(data, MACHINE, style)[0]
            for data in (default_data, threads_data, beside_data, factors_data)
        )
        for name in [name for drawn_style, name in DRAWN if drawn_style == style_name]:
            part = threads if "scaling" in name else beside if name in BESIDE_PLOTS else default
            part = factors if name.startswith("factor_") else part
            drawn[style_name, name] = laid_out(PLOTS[name], part)
    return drawn


@pytest.fixture(scope="module")
def figures(styled_figures) -> dict:
    """Every plot as it is without --style."""
    return {name: styled_figures[DEFAULT_STYLE, name] for name in PLOTS}


def texts_of(figure) -> list[str]:
    """All texts, each in one line."""
    texts = figure.findobj(lambda artist: hasattr(artist, "get_text"))
    return [text.get_text().replace("\n", " ") for text in texts]


def title_of(figure) -> str:
    return figure.texts[0].get_text().replace("\n", " ")


def panel(figure, title: str):
    (found,) = [axes for axes in figure.axes if axes.get_title(loc="left") == title]
    return found


@pytest.mark.parametrize("name", PLOTS)
def test_title_and_footer_say_what_is_shown(figures, name):
    texts = texts_of(figures[name])
    title = title_of(figures[name])
    expected = {
        "article": "Where the time of loop_and_append goes",
        "article_ratio": "Cold build time of loop_and_append",
        "attribution": "Where the time of a cold build goes",
        "containers": "Warm time as a multiple of the kernel's",
        "factor_copied": "Bytes copied as a multiple of the payload",
        "factor_peak": "Peak memory",
        "floor_multiple": "Cold build time as a multiple of the floor",
        "heat_map_peak": "Peak memory",
        "in_place_share": "Reallocs that stayed in place",
        "latency": "Time of single appends",
        "peak_by_allocator": "Peak memory",
        "timeline": "Memory while the array grows",
    }
    assert expected.get(name, "build and release") in title
    assert any("80-byte rows" in text for text in texts)
    assert ("scaling" in name) != any("1 thread" in text for text in texts)
    (footer,) = [text for text in texts if text.startswith(MACHINE)]
    if name in ("timeline", "in_place_share", "factor_copied"):
        assert "one traced build" in footer
    elif name.startswith("article_ratio"):
        assert "median of the ratios of 6 to 10 rounds" in footer
    else:
        workers = {"latency": "1", "article": "6 to 10", "implementations_cold": "6 to 10"}
        assert re.search(rf"of {workers.get(name, '10')} workers? per cell", footer)
    without: tuple[str, ...] = ("article ",)
    without += (
        "attribution",
        "containers",
        "factor_copied",
        "heat_map",
        "in_place",
        "latency",
        "timeline",
    )
    assert ("bars are 95% intervals" in footer) == (not f"{name} ".startswith(without))


def layout_faults(figure) -> list[str]:
    """Texts and legends that stick out of the figure, or lie on each other or on panels."""
    renderer = FigureCanvasAgg(figure).get_renderer()
    panels = [
        (f"panel {n}", axes.get_window_extent(renderer)) for n, axes in enumerate(figure.axes)
    ]
    legends = [("legend", legend.get_window_extent(renderer)) for legend in figure.legends]
    texts = [(text.get_text(), text) for text in figure.texts]
    for axes in figure.axes:
        labels = [axes.title, axes._left_title, axes.xaxis.label, axes.yaxis.label]
        for axis in (axes.xaxis, axes.yaxis):
            for tick in axis.get_major_ticks():
                labels += [label for label in (tick.label1, tick.label2) if label.get_visible()]
        texts += [(label.get_text(), label) for label in labels if label.get_text()]
    outer = legends + [(text, artist.get_window_extent(renderer)) for text, artist in texts]
    inner = [
        (text.get_text(), text.get_window_extent(renderer))
        for axes in figure.axes
        for text in axes.texts
    ]
    faults = [
        f"{text!r} sticks out"
        for text, box in outer + inner
        if box.x0 < 0 or box.y0 < 0 or box.x1 > figure.bbox.x1 or box.y1 > figure.bbox.y1
    ]
    pairs = itertools.chain(
        itertools.combinations(outer, 2),
        itertools.product(outer, panels),
        itertools.combinations(inner, 2),
    )
    faults += [f"{one!r} lies on {other!r}" for (one, a), (other, b) in pairs if a.overlaps(b)]
    return faults


@pytest.mark.parametrize("style, name", DRAWN)
def test_legend_and_texts_lie_inside_the_figure_and_off_the_data(styled_figures, style, name):
    assert layout_faults(styled_figures[style, name]) == []


@pytest.mark.parametrize("style", DRAWN_STYLES)
def test_long_and_odd_names_stay_in_their_places(style):
    strategies = ["W" * 200, "$\\frac{$", "_hidden", "two\nlines\tof it", "a b " * 30]
    runs = [
        build_runs(strategies, allocators, [1000, 10_000], rounds=6)
        for allocators in (["<b>&", "M" * 99, "=1+1", "\u00e9"], ["W" * 50])
    ]
    for part in (part for some in runs for part in parts_of(some, style)):
        for name in ("heat_map_cold", "time_against_peak_cold", "time_by_strategy_cold"):
            assert layout_faults(laid_out(PLOTS[name], part)) == []


@pytest.mark.parametrize("name", PLOTS)
def test_a_print_fits_a_paper_in_size_and_in_points(styled_figures, name):
    figure = styled_figures["print", name]
    width, height = figure.get_size_inches()
    assert width in (3.5, 7.1) and height <= 9.7
    sizes = {text.get_fontsize() for text in figure.findobj(Text) if text.get_text()}
    assert 7.0 <= min(sizes) and max(sizes) <= 9.0


def test_every_style_is_explained():
    readme = (SCRIPTS / "README.md").read_text(encoding="utf-8")
    for name, style in STYLES.items():
        assert style.help
        assert f"| `{name}` |" in readme


def test_dark_is_screen_in_other_colours():
    changed = {
        name
        for name, one, other in zip(Style._fields, STYLES["screen"], STYLES["dark"])
        if one != other
    }
    colours = {"paper", "ink", "faint_ink", "frame", "grid", "bands", "empty"}
    assert changed == colours | {"help", "colour_map", "inks"}


@pytest.mark.parametrize("name", DARK)
def test_a_slide_is_wide_and_its_text_large(styled_figures, name):
    figure = styled_figures["dark", name]
    width, height = figure.get_size_inches()
    assert width == 12.8 and 7.0 <= height <= 8.0
    assert min(text.get_fontsize() for text in figure.findobj(Text) if text.get_text()) >= 10.0
    printed = styled_figures["print", name]
    widest, printed_widest = (
        max(line.get_linewidth() for line in of.findobj(Line2D)) for of in (figure, printed)
    )
    assert widest > 1.5 * printed_widest


def test_one_panel_takes_one_column_of_a_paper():
    (part,) = parts_of(build_runs(["chunked_list"], ["glibc"], [10_000], rounds=6))
    for name in ("time_by_allocator_cold", "heat_map_cold", "time_against_peak_cold"):
        figure = laid_out(PLOTS[name], part)
        assert figure.get_size_inches()[0] == 3.5
        assert layout_faults(figure) == []


def luminance(colour) -> float:
    linear = [((c + 0.055) / 1.055) ** 2.4 if c > 0.04045 else c / 12.92 for c in to_rgb(colour)]
    return float(np.dot(linear, (0.2126, 0.7152, 0.0722)))


def contrast(one, other) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("name", DARK)
def test_nothing_is_lost_on_a_dark_ground(styled_figures, name):
    figure, style = styled_figures["dark", name], STYLES["dark"]
    assert {to_hex(axes.get_facecolor()) for axes in figure.axes} == {style.paper}
    assert to_hex(figure.get_facecolor()) == style.paper
    grid = {
        line for axes in figure.axes for line in (*axes.get_xgridlines(), *axes.get_ygridlines())
    }
    for line in figure.findobj(Line2D):
        if line not in grid and line.get_color() not in style.bands:
            assert contrast(line.get_color(), style.paper) >= 3.0
            marked = line.get_marker() not in ("None", None, "") and len(line.get_xdata())
            if marked and line.get_markerfacecolor() != style.paper:
                assert contrast(line.get_markerfacecolor(), style.paper) >= 3.0
    in_cells = {text for axes in figure.axes for text in axes.texts if "heat" in name}
    for text in figure.findobj(Text):
        if text.get_text() and text not in in_cells and name != "in_place_share":
            assert contrast(text.get_color(), style.paper) >= 4.5, text.get_text()


# What is left of a colour for readers without red, and without green (Machado and others, 2009).
PROTANOPIA = ((0.152, 1.053, -0.205), (0.115, 0.786, 0.099), (-0.004, -0.048, 1.052))
DEUTERANOPIA = ((0.367, 0.861, -0.228), (0.280, 0.673, 0.047), (-0.012, 0.043, 0.969))


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("eyes", [np.eye(3), PROTANOPIA, DEUTERANOPIA])
def test_allocators_are_told_apart_by_colour_whatever_the_eyes(style, eyes):
    seen = []
    for look in ALLOCATORS.values():
        linear = [
            ((c + 0.055) / 1.055) ** 2.4 if c > 0.04045 else c / 12.92
            for c in to_rgb(STYLES[style].look(look).colour)
        ]
        # The cube root is about what lightness is to the eye.
        seen.append(np.cbrt(np.clip(np.dot(eyes, linear), 0.0, 1.0)))
    distances = [np.linalg.norm(one - other) for one, other in itertools.combinations(seen, 2)]
    assert min(distances) > 0.15


@pytest.mark.parametrize("style", STYLES)
def test_no_two_colours_become_one_in_a_style(style):
    known = [*STRATEGIES.values(), *ALLOCATORS.values(), *SPARE]
    colours = {look.colour for look in known}
    assert len({STYLES[style].colour(colour) for colour in colours}) == len(colours)
    for look in known:
        changed = STYLES[style].look(look)
        assert (changed.marker, changed.line) == (look.marker, look.line)


@pytest.mark.parametrize("style", DRAWN_STYLES)
def test_the_parts_of_a_bar_and_their_rest_stand_out(styled_figures, style):
    paper = STYLES[style].paper
    for part in PARTS:
        assert contrast(STYLES[style].colour(PART_LOOKS[part.name][0]), paper) >= 2.0
    axes = panel(styled_figures[style, "attribution"], "glibc")
    (rest,) = [c for c in axes.collections if c.get_gid() == "rest_ns"]
    assert contrast(rest.get_edgecolor()[0][:3], paper) >= 3.0


@pytest.mark.parametrize("style", DRAWN_STYLES)
def test_a_pdf_holds_its_fonts_as_truetype_and_a_png_is_as_large_as_it_says(styled_figures, style):
    figure = styled_figures[style, "heat_map_cold"]
    pdf = figure_bytes(figure, "pdf", STYLES[style])
    assert b"/FontFile2" in pdf and b"/CIDFontType2" in pdf and b"/Type3" not in pdf
    with Image.open(io.BytesIO(figure_bytes(figure, "png", STYLES[style]))) as image:
        dpi = STYLES[style].dpi
        assert image.mode == "RGB" and image.info["dpi"] == pytest.approx((dpi, dpi), abs=0.02)
        assert image.size == tuple(int(length * dpi + 1e-6) for length in figure.get_size_inches())
        assert to_hex(np.array(image.getpixel((0, 0))) / 255) == STYLES[style].paper.lower()


def test_medians_and_intervals_are_drawn_where_the_summary_has_them(figures, default_part):
    cells = default_part.data.summary
    cells = cells[(cells["allocator"] == "jemalloc") & (cells["strategy"] == "realloc_doubling")]
    axes = panel(figures["time_by_allocator_warm"], "jemalloc")
    medians = cells["warm_build_release_median_ns"].tolist()
    assert any(list(line.get_ydata()) == medians for line in axes.lines)
    expected = cells[["rows", "warm_build_release_ci_low_ns", "warm_build_release_ci_high_ns"]]
    bars = []
    for line in axes.lines:
        if line.get_gid() == "bars":
            x, y = line.get_xdata().reshape(-1, 3), line.get_ydata().reshape(-1, 3)
            assert (x[:, 0] == x[:, 1]).all() and np.isnan(y[:, 2]).all()
            bars.append(np.column_stack([x[:, 0], y[:, :2]]).tolist())
    assert expected.to_numpy(dtype=float).tolist() in bars


@pytest.mark.parametrize("kind", ["cold", "warm"])
def test_predicted_cells_are_hollow_and_dotted_and_in_the_legend(figures, default_part, kind):
    figure = figures[f"time_by_allocator_{kind}"]
    cells = default_part.data.summary
    cells = cells[(cells["allocator"] == "glibc") & (cells["status"] == "skipped_predicted")]
    axes = panel(figure, "glibc")
    (hollow,) = [line for line in axes.lines if line.get_gid() == "predicted"]
    assert list(hollow.get_xdata()) == cells["rows"].tolist() != []
    expected = cells[f"predicted_{kind}_build_release_ns"].tolist()
    assert list(hollow.get_ydata()) == expected
    assert hollow.get_markerfacecolor() == STYLES[DEFAULT_STYLE].paper
    dotted = [line for line in axes.lines if line.get_linestyle() == ":"]
    assert [list(line.get_ydata())[1:] for line in dotted] == [expected]
    assert "predicted, not measured" in texts_of(figure)


def test_a_run_without_predictions_does_not_speak_of_them():
    (part,) = parts_of(build_runs(["chunked_list"], ["glibc"], [10, 100], rounds=6))
    figure = draw_figure(PLOTS["time_by_allocator_cold"], part)
    assert not any("predicted" in text for text in texts_of(figure))


def test_a_heat_map_marks_what_was_predicted_and_what_is_missing():
    runs = build_runs(["loop_and_append", "chunked_list"], ["glibc", "scudo"], [100_000], rounds=6)
    failed = (runs["strategy"] == "chunked_list") & (runs["allocator"] == "scudo")
    (part,) = parts_of(fail(runs, failed, "timeout"))
    figure = draw_figure(PLOTS["heat_map_cold"], part)
    hatches = [p.get_hatch() for p in figure.axes[0].findobj(Rectangle) if p.get_hatch()]
    assert sorted(hatches) == ["////", "////", "xxxx"]
    by_style: dict = {"italic": [], "normal": []}
    for text in figure.axes[0].texts:
        by_style[text.get_fontstyle()].append(text.get_text())
    assert len(by_style["normal"]) == 1 and len(by_style["italic"]) == 3
    assert "timeout" in by_style["italic"]
    assert {"predicted, not measured", "no figure, and why"} <= set(texts_of(figure))


def test_a_heat_map_has_a_number_for_each_cell_of_the_articles_size(figures, default_part):
    cells, _ = at_article_size(default_part.data.summary)
    assert set(cells["rows"]) == {10_000}
    assert len(figures["heat_map_warm"].axes[0].texts) == len(cells) == 66
    assert "10,000 rows of 80 bytes" in title_of(figures["heat_map_warm"])


@pytest.mark.parametrize("kind", ["allocator", "strategy"])
def test_the_floor_is_in_every_panel_of_cold_times_and_of_no_others(figures, default_part, kind):
    floors = default_part.data.attribution.groupby("rows")["floor_ns"].first()
    for axes in figures[f"time_by_{kind}_cold"].axes:
        (floor,) = [line for line in axes.lines if line.get_gid() == "guide"]
        assert list(floor.get_xdata()) == floors.index.tolist()
        assert list(floor.get_ydata()) == floors.tolist()
    assert any("floor" in text for text in texts_of(figures[f"time_by_{kind}_cold"]))
    warm = figures[f"time_by_{kind}_warm"]
    assert not any(line.get_gid() == "guide" for axes in warm.axes for line in axes.lines)


def test_attribution_bars_are_the_shares_of_the_parts(figures, default_part):
    cells, _ = at_article_size(default_part.data.attribution)
    cells = cells[cells["allocator"] == "glibc"].set_index("strategy")
    axes = panel(figures["attribution"], "glibc")
    names = [label.get_text() for label in axes.get_yticklabels()]
    ends = dict.fromkeys(names, 0.0)
    assert not any("interpreter" in text for text in texts_of(figures["attribution"]))
    for part in PARTS:
        (bars,) = [c for c in axes.collections if c.get_gid() == part.name]
        assert to_hex(bars.get_facecolor()[0]) == PART_LOOKS[part.name][0].lower()
        for path in bars.get_paths():
            box = path.get_extents()
            name = names[round((box.y0 + box.y1) / 2)]
            assert box.x0 == pytest.approx(ends[name])
            ends[name] = box.x1
            share = cells.loc[name, part.name] / cells.loc[name, "cold_build_ns"]
            assert box.width == pytest.approx(share, abs=1e-9) or box.x1 == 1.25
    texts = [text.get_text() for text in axes.texts]
    for name, cell in cells.iterrows():
        assert ends[name] == pytest.approx(min(cell["explained_share"], 1.25))
        assert f"{cell['explained_share']:.0%}" in texts


def test_the_timeline_shows_steps_spikes_and_residents(figures, default_part):
    points = default_part.data.timeline
    axes = panel(figures["timeline"], "realloc_doubling")
    own = points[points["strategy"] == "realloc_doubling"]
    by_gid = {}
    for line in axes.lines:
        by_gid.setdefault(line.get_gid(), []).append(line)
    (live,) = by_gid["live_bytes"]
    assert live.get_drawstyle() == "steps-post"
    assert live.get_ydata().max() == 16_384 * 80
    (spikes,) = by_gid["spikes"]
    assert np.nanmax(spikes.get_ydata()) == (8192 + 16_384) * 80
    assert len(by_gid["resident_bytes"]) == own["allocator"].nunique() == 5
    assert "resident, jemalloc" in texts_of(figures["timeline"])


def test_percentiles_near_the_timer_are_hollow_and_its_cost_is_a_line(figures, default_part):
    cells, _ = at_article_size(default_part.data.latency)
    cells = cells[cells["allocator"] == "glibc"].set_index("strategy")
    axes = panel(figures["latency"], "glibc")
    assert any(list(line.get_ydata()) == [18.0, 18.0] for line in axes.lines)
    hollow = [line for line in axes.lines if line.get_gid() == "near"]
    near = cells["near_timer"].map(lambda names: len(names.split(";")) if names else 0)
    assert [len(line.get_xdata()) for line in hollow] == near.tolist() and near.sum() > 0
    lowest = panel(figures["latency"], "scudo")
    ticks = [label.get_text() for label in lowest.get_xticklabels()]
    assert ticks == ["50", "90", "99", "99.9", "99.99", "max"]
    drawn = [list(line.get_ydata()) for line in axes.lines if len(line.get_xdata()) == 6]
    columns = [p.column for p in PERCENTILES]
    assert cells.loc["realloc_doubling", columns].astype(float).tolist() in drawn


def test_the_share_in_place_is_not_made_up_where_nothing_was_resized(figures):
    texts = [text.get_text() for text in figures["in_place_share"].axes[0].texts]
    assert "n/a" in texts and "0%" in texts and "99.96%" in texts and "unavailable" in texts
    assert "100%" not in texts


def test_the_multiple_of_the_floor_is_that_of_the_attribution(figures, default_part):
    cells = default_part.data.attribution
    cells = cells[(cells["allocator"] == "glibc") & (cells["strategy"] == "realloc_x1.5")]
    axes = panel(figures["floor_multiple"], "glibc")
    drawn = [np.asarray(line.get_ydata()) for line in axes.lines]
    expected = cells["floor_ratio"].to_numpy()
    assert any(len(y) == len(expected) and np.allclose(y, expected) for y in drawn)


def test_scaling_has_a_tick_for_each_number_of_threads_and_names_the_crowd(figures, threads_part):
    for name in ("scaling_cold", "scaling_warm"):
        for axes in figures[name].axes:
            assert list(axes.get_xticks()) == [1, 2, 4]
        assert any("more threads than CPUs from 4 on" in text for text in texts_of(figures[name]))
    cells = threads_part.data.run
    cells = cells[(cells["allocator"] == "scudo") & (cells["strategy"] == "chunked_list")]
    expected = cells["cold_build_release_median_ns"].tolist()
    axes = panel(figures["scaling_cold"], "scudo")
    assert any(list(line.get_ydata()) == expected for line in axes.lines)


def test_containers_are_divided_by_the_kernel_that_does_the_same(figures, default_part):
    run = default_part.data.run
    run = run[run["allocator"] == "glibc"].set_index("strategy")["warm_build_release_median_ns"]
    axes = panel(figures["containers"], "glibc")
    drawn = [np.asarray(line.get_ydata()) for line in axes.lines]
    for name, container in CONTAINER_TABLE.items():
        expected = run[name].to_numpy() / run[container.kernel].to_numpy()
        assert any(len(y) == len(expected) and np.allclose(y, expected) for y in drawn), name
    assert any("std_deque / chunked_list 1.0" in text for text in texts_of(figures["containers"]))


def drawn_lines(axes, gid=None) -> list[list[float]]:
    return [list(line.get_ydata()) for line in axes.lines if (gid is None or line.get_gid() == gid)]


def test_implementations_are_lines_of_the_strategies_that_they_share(figures, beside_data):
    figure = figures["implementations_cold"]
    axes = panel(figure, "jemalloc")
    cells = beside_data.run[beside_data.run["allocator"] == "jemalloc"]
    median = "cold_build_release_median_ns"
    seen = set()
    for (implementation, strategy), own in cells.groupby(["implementation", "strategy"]):
        own = own[own[median] > 0]
        there = own[median].tolist() in drawn_lines(axes)
        # Of NumPy alone, and so beside nothing.
        assert there == (strategy != "np_append"), (implementation, strategy)
        if there:
            (line,) = [x for x in axes.lines if list(x.get_ydata()) == own[median].tolist()]
            look = IMPLEMENTATIONS[implementation]
            assert line.get_marker() == look.marker
            seen.add((line.get_color(), line.get_marker()))
    assert len(seen) == len(BESIDE_STRATEGIES) * 2 + 2
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels[-3:] == ["C", "NumPy", "Python"]
    assert set(labels[:-3]) == set(BESIDE_STRATEGIES)
    assert any(text.startswith("C, NumPy and Python, 80-byte rows") for text in texts_of(figure))


def test_predicted_cells_of_implementations_are_hollow_and_in_the_legend():
    both = ["loop_and_append", "preallocate_zeroed"]
    runs, _ = full_run(both, ["glibc"], [10_000, 20_000, 30_000], 6, interpreted={"numpy": both})
    figure = draw_figure(PLOTS["implementations_cold"], whole_part_of(runs, NO_POINTS))
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels[-1] == "predicted, not measured"
    hollow = [line for line in figure.axes[0].lines if line.get_gid() == "predicted"]
    assert len(hollow) == 2


def test_the_articles_ratio_has_a_line_for_each_implementation_and_the_articles_own(
    figures, beside_data
):
    figure = figures["article_ratio"]
    axes = panel(figure, "mimalloc")
    cells = beside_data.ratios[beside_data.ratios["allocator"] == "mimalloc"]
    assert set(cells["implementation"]) == {"c", "numpy", "python"}
    for implementation, own in cells.groupby("implementation"):
        (line,) = [x for x in axes.lines if list(x.get_ydata()) == own["ratio"].tolist()]
        assert line.get_color() == IMPLEMENTATIONS[implementation].colour
        assert line.get_linestyle() == ("-" if implementation == "c" else line.get_linestyle())
    bars = [bar for x in axes.lines if x.get_gid() == "bars" for bar in x.get_ydata()]
    assert set(cells["ci_low"]) | set(cells["ci_high"]) == {y for y in bars if y == y}
    assert drawn_lines(axes, "guide") == [[25.0, 25.0]]
    low, high = axes.get_ylim()
    assert low < 25.0 < high
    assert "the article's 25\N{MULTIPLICATION SIGN}" in texts_of(figure)


def test_the_articles_ratio_in_the_steady_state_is_of_warm_times(figures, beside_data):
    axes = panel(figures["article_ratio_warm"], "mimalloc")
    run = beside_data.run[beside_data.run["allocator"] == "mimalloc"]
    for name in ("c", "numpy", "python"):
        own = run[run["implementation"] == name].pivot(index="rows", columns="strategy")
        medians = own["warm_build_release_median_ns"]
        expected = (medians["loop_and_append"] / medians["preallocate_zeroed"]).dropna()
        assert any(
            len(y) == len(expected) and np.allclose(y, expected, rtol=0.05)
            for y in drawn_lines(axes)
        )


def test_the_articles_ratio_reaches_the_articles_own_where_no_figure_does():
    runs, timeline = beside_run()
    runs = runs[(runs["rows"] == 1000) | (runs["pass"] == "probe")].reset_index(drop=True)
    slow = (runs["strategy"] == "loop_and_append") & (runs["pass"] == "measure")
    runs.loc[slow, "cold_build_ns"] = 1000.0
    figure = draw_figure(PLOTS["article_ratio"], whole_part_of(runs, NO_POINTS))
    assert all(axes.get_ylim()[1] > 25.0 for axes in figure.axes)


def test_the_articles_bars_are_of_a_size_that_two_implementations_have():
    runs, _ = beside_run()
    foreign = runs["implementation"].isin(["numpy", "python"])
    runs = runs[~(foreign & (runs["rows"] == 10_000))].reset_index(drop=True)
    shared = sorted(set(runs.loc[runs["implementation"] == "numpy", "rows"]))
    assert shared and 10_000 in set(runs.loc[runs["implementation"] == "c", "rows"])
    figure = draw_figure(PLOTS["article"], whole_part_of(runs, NO_POINTS))
    nearest = min(shared, key=lambda rows: abs(np.log(rows / 10_000)))
    assert any(f"{nearest:,} rows of 80 bytes" in text for text in texts_of(figure))
    alone = runs[~(runs["implementation"].isin(["numpy", "python"]))].reset_index(drop=True)
    with pytest.raises(NothingToDraw):
        draw_figure(PLOTS["article"], whole_part_of(alone, NO_POINTS))


def test_the_articles_bars_are_the_parts_and_end_where_the_time_does(figures, beside_data):
    figure = figures["article"]
    assert [axes.get_title(loc="left") for axes in figure.axes] == list(ALLOCATORS)
    names = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert names == ["NumPy", "Python", "C"]
    for allocator in ("glibc", "jemalloc"):
        axes = panel(figure, allocator)
        cells = beside_data.run_attribution
        cells = cells[(cells["allocator"] == allocator) & (cells["strategy"] == "loop_and_append")]
        cells = cells[cells["rows"] == 10_000].set_index("implementation")
        ratios = beside_data.ratios[beside_data.ratios["rows"] == 10_000]
        ratios = ratios[ratios["allocator"] == allocator].set_index("implementation")
        written = [text.get_text() for text in axes.texts]
        for place, name in enumerate(("numpy", "python", "c")):
            measured = cells.loc[name, "cold_build_ns"]
            end = 0.0
            for part in PARTS:
                (bars,) = [c for c in axes.collections if c.get_gid() == part.name]
                own = [
                    box
                    for box in (path.get_extents() for path in bars.get_paths())
                    if round((box.y0 + box.y1) / 2) == place
                ]
                expected = min(cells.loc[name, part.name], 1.25 * measured - end)
                assert sum(box.width for box in own) == pytest.approx(expected, abs=1e-6)
                assert all(box.x0 == pytest.approx(end) for box in own)
                end += expected
            (marker,) = [
                line
                for line in axes.lines
                if line.get_gid() == "measured" and round(np.mean(line.get_ydata())) == place
            ]
            assert list(marker.get_xdata()) == [measured, measured]
            assert show(measured, "ns") in written
            ratio = ratios.loc[name]
            low, high = (show(ratio[x], "ratio")[:-1] for x in ("ci_low", "ci_high"))
            assert f"{show(ratio['ratio'], 'ratio')} ({low} to {high})" in written
        assert cells.loc["numpy", "interpreter_ns"] > 0.0 == cells.loc["c", "interpreter_ns"]
        # Ticks are of the bars: what stands right of these is text.
        assert max(axes.get_xticks()) <= 1.25 * max(cells["cold_build_ns"]) < axes.get_xlim()[1]
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels[:2] == ["interpreter", "writing rows"]


def test_an_article_without_its_loop_on_an_allocator_says_so():
    runs, timeline = beside_run()
    gone = (runs["allocator"] == "scudo") & (runs["strategy"] == "loop_and_append")
    runs = fail(runs, gone & runs["pass"].isin(["measure", "trace"]), "skipped_predicted")
    figure = draw_figure(PLOTS["article"], whole_part_of(runs, NO_POINTS))
    assert len(figure.axes) == len(ALLOCATORS) - 1
    assert any("not measured on scudo" in text for text in texts_of(figure))


def test_plots_of_implementations_are_of_runs_that_have_several():
    strategies = BESIDE_STRATEGIES[:2]
    runs, timeline = full_run(strategies, ["glibc"], [10_000], rounds=6)
    for name in BESIDE_PLOTS:
        with pytest.raises(NothingToDraw):
            draw_figure(PLOTS[name], whole_part_of(runs, timeline))
    # NumPy is planned, and is not there.
    both, _ = full_run(strategies, ["glibc"], [10_000], 6, interpreted={"numpy": strategies})
    missing = fail(both, both["implementation"] == "numpy", "unavailable", "no module numpy")
    for name in BESIDE_PLOTS:
        with pytest.raises(NothingToDraw):
            draw_figure(PLOTS[name], whole_part_of(missing, NO_POINTS))


def test_a_run_of_numpy_and_python_alone_has_every_plot_with_both_names():
    runs, timeline = beside_run()
    chosen = (runs["implementation"] != "c") & (runs["rows"] >= 1000) | (runs["pass"] == "probe")
    runs = runs[chosen & (runs["allocator"].isin(["glibc", "scudo"]))].reset_index(drop=True)
    part = whole_part_of(runs, timeline)
    outcomes = outcomes_of(part)
    nothing = {"containers", "scaling_cold", "scaling_warm"} | FACTOR_PLOTS
    assert {name for name, what in outcomes.items() if what != "drawn"} == nothing
    cells = part.data.summary
    for name in ("heat_map_cold", "time_by_strategy_cold", "attribution", "timeline"):
        figure = laid_out(PLOTS[name], part)
        assert layout_faults(figure) == []
        assert {"numpy loop_and_append", "python loop_and_append"} <= set(texts_of(figure))
    axes = draw_figure(PLOTS["heat_map_cold"], part).axes[0]
    assert len(axes.texts) == len(cells[cells["rows"] == 10_000])
    shown = {text.get_text() for text in axes.texts}
    for cell in cells[cells["rows"] == 10_000].to_dict("records"):
        assert show(cell["cold_build_release_median_ns"], "ns") in shown or not cell["ok_count"]


PASSES_PLOTS = {"attribution", "floor_multiple", "in_place_share", "latency", "timeline"}
FACTOR_PLOTS = {name for name in PLOTS if name.startswith("factor_")}
OTHER_PLOTS = (
    PASSES_PLOTS | BESIDE_PLOTS | FACTOR_PLOTS | {"containers", "scaling_cold", "scaling_warm"}
)


def outcomes_of(part, plots=PLOTS, written=False) -> dict:
    """For each plot the reason why there is nothing to draw, or "drawn"; written: as SVG, too."""
    outcomes = {}
    for name, plot in plots.items():
        try:
            figure = draw_figure(plot, part)
            if written:
                xml.etree.ElementTree.fromstring(figure_bytes(figure, "svg"))
            outcomes[name] = "drawn"
        except NothingToDraw as reason:
            outcomes[name] = str(reason)
    return outcomes


@pytest.mark.parametrize("without", ["trace", "latency", "probe"])
def test_a_run_without_one_of_the_passes_draws_the_rest(without):
    runs, timeline = full_run(["realloc_doubling"], ["glibc"], [1000, 10_000], rounds=6)
    kept = runs["pass"] != without
    part = whole_part_of(
        runs[kept].reset_index(drop=True), timeline if without != "trace" else NO_POINTS
    )
    missing = {name for name, outcome in outcomes_of(part).items() if outcome != "drawn"}
    expected = {
        "trace": {"in_place_share", "timeline"},
        "latency": {"latency"},
        "probe": {"attribution", "floor_multiple"},
    }
    assert missing == expected[without] | (OTHER_PLOTS - PASSES_PLOTS)


def test_an_untraced_allocator_is_drawn_with_what_is_known():
    runs, _ = full_run(["realloc_doubling"], ["glibc", "scudo"], [10_000], rounds=6)
    hidden = (runs["pass"] == "trace") & (runs["allocator"] == "scudo")
    part = whole_part_of(fail(runs, hidden, "untraced"), NO_POINTS)
    texts = texts_of(draw_figure(PLOTS["attribution"], part))
    assert any("some parts are unknown in 1 cell" in text for text in texts)
    assert "n/a" in texts_of(draw_figure(PLOTS["in_place_share"], part))


def test_a_heat_map_says_so_if_the_articles_size_is_not_there():
    (part,) = parts_of(build_runs(["chunked_list"], ["glibc"], [100, 8192, 99_999], rounds=2))
    title = title_of(draw_figure(PLOTS["heat_map_cold"], part))
    assert "8,192 rows of 80 bytes (nearest there is to 10,000)" in title


@pytest.mark.parametrize(
    "style, name", [d for d in DRAWN if "heat_map" in d[1] or d[1] == "in_place_share"]
)
def test_numbers_on_a_heat_map_stand_out_from_their_ground(styled_figures, style, name):
    axes = styled_figures[style, name].axes[0]
    grounds = [p for p in axes.patches if p.get_fill()]
    for text, ground in zip(axes.texts, grounds):
        assert contrast(text.get_color(), ground.get_facecolor()[:3]) >= 4.5
        if ground.get_hatch() and style == "dark":
            assert contrast(ground.get_edgecolor()[:3], ground.get_facecolor()[:3]) >= 1.5


def test_a_strategy_looks_the_same_in_every_panel_of_every_plot(figures):
    for name in ("time_by_allocator_cold", "time_by_allocator_warm", "peak_by_allocator"):
        legend = figures[name].legends[0]
        # Matplotlib 3.7 gave them another name.
        handles = getattr(legend, "legend_handles", None) or legend.legendHandles
        for handle, text in zip(handles, legend.get_texts()):
            if text.get_text() in STRATEGIES:
                assert handle.get_color() == STRATEGIES[text.get_text()].colour


def test_no_two_strategies_and_no_two_allocators_look_alike():
    for known in (STRATEGIES, ALLOCATORS):
        assert len({(look.colour, look.marker) for look in known.values()}) == len(known)
        assert len({look.marker for look in known.values()}) == len(known)
    assert len({look.colour for look in ALLOCATORS.values()}) == len(ALLOCATORS)


def test_an_unknown_name_looks_the_same_whoever_is_with_it():
    alone = looks(ALLOCATORS, ["mine"])["mine"]
    assert looks(ALLOCATORS, ["glibc", "mine", "scudo"])["mine"] == alone
    names = [f"variant-{i}" for i in range(len(SPARE))]
    assert len(set(looks(ALLOCATORS, names).values())) == len(SPARE)


def test_an_aged_allocator_stands_behind_the_fresh_one_and_has_its_colour():
    names = ["mine", "scudo", "glibc-aged", "scudo-aged", "glibc"]
    assert ordered(names) == ["glibc", "glibc-aged", "scudo", "scudo-aged", "mine"]
    drawn = looks(ALLOCATORS, names)
    assert list(drawn) == ordered(names)
    for name in ("glibc", "scudo"):
        assert drawn[f"{name}-aged"][:2] == drawn[name][:2] == ALLOCATORS[name][:2]
        assert drawn[f"{name}-aged"].line != drawn[name].line


def test_the_front_holds_what_nothing_beats():
    x, y = np.array([3.0, 1.0, 2.0, 2.0, 4.0, 1.0]), np.array([1.0, 5.0, 3.0, 2.0, 1.0, 5.0])
    assert pareto_front(x, y).tolist() == [1, 3, 0]


def test_several_row_sizes_give_a_figure_each_with_the_value_in_name_and_title(tmp_path):
    runs = [
        build_runs(["chunked_list"], ["glibc"], [100, 1000], rounds=6, row_bytes=row_bytes)
        for row_bytes in (8, 80, 800)
    ]
    parts = parts_of(pd.concat(runs, ignore_index=True))
    assert [part.suffix for part in parts] == ["", "-row_bytes_8", "-row_bytes_800"]
    titles = [title_of(draw_figure(PLOTS["heat_map_cold"], part)) for part in parts]
    for title, row_bytes in zip(titles, (80, 8, 800)):
        assert f"of {row_bytes} bytes" in title
    drawn = draw_all([PLOTS["heat_map_cold"]], parts, ["png"], tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "heat_map_cold-row_bytes_8.png",
        "heat_map_cold-row_bytes_800.png",
        "heat_map_cold.png",
    ]
    assert [figure.paths[0].name for figure in drawn][0] == "heat_map_cold.png"


def test_without_the_articles_row_size_the_most_common_is_the_main_one():
    few = build_runs(["chunked_list"], ["glibc"], [100], rounds=1, row_bytes=8)
    many = build_runs(["chunked_list"], ["glibc"], [100, 1000], rounds=1, row_bytes=16)
    parts = parts_of(pd.concat([few, many], ignore_index=True))
    assert [part.suffix for part in parts] == ["", "-row_bytes_8"]


def test_containers_have_a_slice_of_their_own_beside_the_kernels_they_are_compared_with():
    strategies = ["realloc_doubling", "chunked_list", "std_vector", "glib_array", "utarray"]
    main, containers = parts_of(full_run(strategies, ["glibc"], [1000], rounds=2)[0])
    assert (main.suffix, containers.suffix) == ("", "-containers")
    assert set(main.data.summary["strategy"]) == {"realloc_doubling", "chunked_list"}
    shown = {"realloc_doubling", "std_vector", "glib_array", "utarray"}
    for table in (containers.data.summary, containers.data.attribution, containers.data.latency):
        assert set(table["strategy"]) == shown
    assert len(containers.data.run) == 5
    assert containers.context.what.startswith("containers, 80-byte rows")


def test_containers_alone_are_the_main_slice_and_others_have_their_own():
    runs, _ = full_run(["std_vector", "utarray"], ["glibc"], [1000], rounds=2)
    (part,) = parts_of(runs)
    assert part.suffix == ""
    runs.loc[runs["strategy"] == "utarray", "implementation"] = "numpy"
    assert [part.suffix for part in parts_of(runs)] == ["", "-numpy"]


@lru_cache(maxsize=None)
def degenerate_runs() -> dict[str, pd.DataFrame]:
    whole = build_runs(["loop_and_append", "chunked_list"], ["glibc", "scudo"], [10, 10_000], 2)
    skipped = build_runs(["loop_and_append"], ["glibc", "scudo"], [100_000, 200_000], rounds=2)
    odd = build_runs(["$\\frac{$", "_hidden", "x" * 200], ["<b>&", "=1+1", "\u00e9"], [10_000], 6)
    zero = one_cell(6, peak_memory_bytes=[0] * 6, cold_build_ns=[0] * 6, cold_release_ns=[0] * 6)
    other_pass = one_cell(6)
    other_pass["pass"] = "trace"
    return {
        "one cell": one_cell(10),
        "one cell, one round": one_cell(1),
        "too few rounds for intervals": whole,
        "all rows skipped": skipped,
        "no row ok": fail(whole, whole["rows"] > 0, "crashed"),
        "one allocator not there": fail(whole, whole["allocator"] == "scudo", "unavailable"),
        "names full of signs": odd,
        "figures of zero": zero,
        "empty rows": build_runs(["chunked_list"], ["glibc"], [0, 1], rounds=6),
        "another pass": other_pass,
    }


@pytest.mark.parametrize("what", degenerate_runs())
def test_a_degenerate_run_draws_what_there_is(what):
    outcomes: dict = {}
    for part in parts_of(degenerate_runs()[what]):
        outcomes.update(outcomes_of(part, written=True))
    drawn = {name for name, outcome in outcomes.items() if outcome == "drawn"}
    assert all(outcomes.values())
    expected = {
        "no row ok": set(),
        "another pass": set(),
        "all rows skipped": {name for name in PLOTS if name.startswith("time_by")}
        | {"heat_map_cold", "heat_map_warm"},
        "figures of zero": {name for name in PLOTS if name.endswith("warm")}
        - {"time_against_peak_warm", "scaling_warm", "article_ratio_warm", "factor_warm"},
        "empty rows": {"time_by_allocator_cold", "time_by_allocator_warm"}
        | {"time_by_strategy_cold", "time_by_strategy_warm", "heat_map_cold", "heat_map_warm"},
    }
    assert drawn == expected.get(what, set(PLOTS) - OTHER_PLOTS)


def test_too_few_workers_for_bars_are_admitted(default_run):
    (part,) = parts_of(one_cell(5))
    texts = texts_of(draw_figure(PLOTS["time_by_allocator_cold"], part))
    assert any("too few workers" in text for text in texts)
    assert not any("bars are" in text for text in texts)


def test_formats_are_those_that_the_help_names():
    assert list(FORMATS) == ["png", "svg", "pdf"]
