"""What is on the figures of copying patterns."""

from functools import lru_cache

import numpy as np
import pandas as pd
import pytest
from conftest import MACHINE, build_runs, fail, one_cell
from full_runs import full_run
from matplotlib.colors import to_hex
from matplotlib.lines import Line2D
from matplotlib.text import Text
from pattern_runs import COSTS, SQUARES, Cost, pattern_run
from test_plots import (
    DRAWN_STYLES,
    NO_POINTS,
    contrast,
    laid_out,
    layout_faults,
    outcomes_of,
    panel,
    texts_of,
    title_of,
)

from growbench.figures.canvas import NothingToDraw
from growbench.analysis.analyse import analyse
from growbench.figures.pattern_lines import squarest
from growbench.figures.pattern_slices import pattern_slices
from growbench.analysis.patterns import NEVER, PAYS
from growbench.figures.render import draw_all, draw_figure, tasks_of
from growbench.plots import all_plots
from growbench.figures.slices import slices
from growbench.figures.style import STYLES

PLOTS = {plot.name: plot for plot in all_plots() if plot.patterns}
STRIDES = [(rows, row_bytes) for rows in (1000, 10_000, 100_000) for row_bytes in (16, 64, 512)]


def part_of(runs: pd.DataFrame, style: str = "print"):
    (part,) = pattern_slices(analyse(runs, NO_POINTS), MACHINE, STYLES[style])
    return part


@lru_cache(maxsize=None)
def whole_run() -> pd.DataFrame:
    """Squares of all patterns, and strides."""
    strided = ["strided_view", "copy_strided"]
    others = [name for name in COSTS if name not in strided]
    squares = pattern_run(patterns=others)
    strides = pattern_run(patterns=strided, shapes=STRIDES)
    strides = strides[strides["pass"] != "probe"]
    return pd.concat([squares, strides], ignore_index=True)


@lru_cache(maxsize=None)
def whole_part(style: str = "print"):
    return part_of(whole_run(), style)


@pytest.fixture(scope="module")
def styled_figures() -> dict:
    return {
        (style, name): laid_out(plot, whole_part(style))
        for style in DRAWN_STYLES
        for name, plot in PLOTS.items()
    }


@pytest.fixture(scope="module")
def figures(styled_figures) -> dict:
    return {name: styled_figures["print", name] for name in PLOTS}


@pytest.mark.parametrize("name", PLOTS)
def test_title_and_footer_say_what_is_shown(figures, name):
    expected = {
        "pattern_choices": "What the dearer of two ways takes",
        "pattern_costs": "What patterns take, over copy_contiguous in C, 2.00 MiB",
        "pattern_crossovers": "After how many walks a copy pays for itself",
        "pattern_strides": "After how many walks a strided copy pays for itself",
        "pattern_transpose": "Bandwidth of copying a transpose",
    }
    assert title_of(figures[name]).startswith(expected[name])
    texts = texts_of(figures[name])
    assert any("Copying patterns of doubles, 1 thread" in text for text in texts)
    (footer,) = [text for text in texts if text.startswith(MACHINE)]
    assert "bars are 95% intervals" in footer
    if name != "pattern_transpose":
        assert any("glibc" in text for text in texts)


@pytest.mark.parametrize("style", DRAWN_STYLES)
@pytest.mark.parametrize("name", PLOTS)
def test_legend_and_texts_lie_inside_the_figure_and_off_the_data(styled_figures, style, name):
    assert layout_faults(styled_figures[style, name]) == []


@pytest.mark.parametrize("name", PLOTS)
def test_figures_fit_a_paper_and_a_slide(styled_figures, name):
    width, height = styled_figures["print", name].get_size_inches()
    assert width in (3.5, 7.1) and height <= 9.7
    width, height = styled_figures["dark", name].get_size_inches()
    assert width == 12.8 and 7.0 <= height <= 8.0


@pytest.mark.parametrize("name", PLOTS)
def test_nothing_is_lost_on_a_dark_ground(styled_figures, name):
    figure, style = styled_figures["dark", name], STYLES["dark"]
    decoration = {style.grid}
    for line in figure.findobj(Line2D):
        if to_hex(line.get_color()) not in decoration:
            assert contrast(line.get_color(), style.paper) >= 3.0
    for text in figure.findobj(Text):
        if text.get_text():
            assert contrast(text.get_color(), style.paper) >= 4.5, text.get_text()


def lines_of(axes, gid=None) -> list:
    return [line for line in axes.lines if line.get_gid() == gid]


def test_transposes_are_input_over_warm_time_below_the_machines_limit(figures):
    data = whole_part().data
    axes = panel(figures["pattern_transpose"], "glibc")
    cells = data.patterns[
        (data.patterns["allocator"] == "glibc")
        & (data.patterns["strategy"] == "transpose_copy_blocked")
        & (data.patterns["implementation"] == "c")
    ]
    rates = (cells["payload_bytes"] / cells["warm_build_release_median_ns"]).tolist()
    drawn = [line.get_ydata().tolist() for line in lines_of(axes)]
    assert any(one == pytest.approx(rates) for one in drawn)
    (limit,) = lines_of(axes, "guide")
    # The probe copied 8 bytes for each ns at 4 MiB.
    at = np.interp(np.log(4_194_304), np.log(limit.get_xdata()), limit.get_ydata())
    assert at == pytest.approx(8.0, rel=0.02)
    texts = texts_of(figures["pattern_transpose"])
    for label in (
        "transpose_copy_naive, C",
        "transpose_copy_blocked, C",
        "transpose_copy, NumPy",
        "limit: the machine's copy probe",
    ):
        assert label in texts
    assert any("GB/s" in text for text in texts) and any("square arrays" in t for t in texts)


def test_without_probes_there_is_no_limit_in_figure_and_legend():
    runs = pattern_run()
    part = part_of(runs[runs["pass"] != "probe"].reset_index(drop=True))
    figure = draw_figure(PLOTS["pattern_transpose"], part)
    assert not any("limit" in text for text in texts_of(figure))
    assert all(not lines_of(axes, "guide") for axes in figure.axes)


def test_crossovers_have_a_panel_for_each_implementation_and_a_line_for_each_stride(figures):
    figure = figures["pattern_crossovers"]
    titles = [axes.get_title(loc="left") for axes in figure.axes]
    assert titles == ["C, cold", "C, warm", "NumPy, cold", "NumPy, warm"]
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert [label for label in labels if "every" in label] == [
        "every 2nd element",
        "every 8th element",
        "every 64th element",
    ]
    found = [line.get_xdata() for line in lines_of(panel(figure, "C, warm"))]
    for stride in (16, 64, 512):
        sizes = [rows * stride for rows in (1000, 10_000, 100_000)]
        assert any(x == pytest.approx(sizes, rel=0.3) for x in found)


def test_strides_have_a_line_for_each_number_of_elements(figures):
    figure = figures["pattern_strides"]
    labels = [text.get_text() for text in figure.legends[0].get_texts()]
    assert labels[:3] == ["1,000 elements", "10,000 elements", "100,000 elements"]
    lines = lines_of(panel(figure, "NumPy, warm"))
    for line in lines:
        assert line.get_xdata() == pytest.approx([16, 64, 512], rel=0.1)
    # (0.06 ns a byte, half as much again) / (0.04 - 0.01 ns): 3 walks.
    assert np.concatenate([line.get_ydata() for line in lines]) == pytest.approx(3.0, rel=0.2)


def test_what_never_pays_is_hollow_above_all_that_does(figures):
    data = whole_part().data
    found = data.view_crossovers
    own = found[
        (found["allocator"] == "glibc")
        & (found["implementation"] == "c")
        & (found["process"] == "warm")
    ]
    never = own[(own["pair"] == "slice") & (own["verdict"] == NEVER)]
    axes = panel(figures["pattern_crossovers"], "C, warm")
    hollow = lines_of(axes, "never")
    sizes = pytest.approx(sorted(never["payload_bytes"]), rel=0.3)
    assert any(sorted(line.get_xdata()) == sizes for line in hollow)
    highest = own.loc[own["verdict"] == PAYS, "ci_high"].max()
    for line in hollow:
        assert line.get_markerfacecolor() == STYLES["print"].paper
        assert line.get_ydata().min() > highest
    leftmost = panel(figures["pattern_crossovers"], "C, cold")
    assert [label.get_text() for label in leftmost.get_yticklabels()][-1] == "never"
    texts = texts_of(figures["pattern_crossovers"])
    assert "never: walking the copy is no faster" in texts
    assert any("not resolved, and not shown:" in text for text in texts)


def test_costs_are_multiples_of_a_plain_copy_in_c(figures):
    part = whole_part()
    (axes,) = figures["pattern_costs"].axes
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert names[0] == "copy_contiguous" and "transpose_view" in names
    cells = part.data.patterns
    cells = cells[(cells["payload_bytes"] == 512 * 4096) & (cells["allocator"] == "glibc")]
    c = cells[cells["implementation"] == "c"].set_index("strategy")
    made = c["warm_build_release_median_ns"]
    blue = STYLES["print"].colour("#0072B2")
    of_c = [line for line in lines_of(axes, "made") if line.get_color() == blue][0]
    drawn = dict(zip((names[round(y)] for y in of_c.get_ydata()), of_c.get_xdata()))
    assert drawn["copy_contiguous"] == 1.0
    ratio = made["transpose_copy_naive"] / made["copy_contiguous"]
    assert drawn["transpose_copy_naive"] == pytest.approx(ratio)
    read = [line for line in lines_of(axes, "read") if line.get_color() == blue][0]
    drawn = dict(zip((names[round(y)] for y in read.get_ydata()), read.get_xdata()))
    both = made["slice_view"] + c["warm_walk_median_ns"]["slice_view"]
    assert drawn["slice_view"] == pytest.approx(both / made["copy_contiguous"])


def test_choices_are_ratios_with_a_guide_at_1(figures):
    figure = figures["pattern_choices"]
    assert [axes.get_title(loc="left") for axes in figure.axes] == ["C", "NumPy"]
    for axes in figure.axes:
        (guide,) = lines_of(axes, "guide")
        assert list(guide.get_ydata()) == [1, 1]
    ratios = np.concatenate([line.get_ydata() for line in lines_of(figure.axes[0])])
    assert 1.3 < ratios.min() and ratios.max() < 4.5
    # NumPy has no naive transpose here.
    assert len(lines_of(figure.axes[0])) == len(lines_of(figure.axes[1])) + 1


def test_choices_of_short_rows_have_panels_beside_those_of_squares():
    long = pattern_run(shapes=[(1000, 80), (10_000, 80)])
    both = pd.concat([pattern_run(), long[long["pass"] != "probe"]], ignore_index=True)
    figure = draw_figure(PLOTS["pattern_choices"], part_of(both))
    assert [axes.get_title(loc="left") for axes in figure.axes] == [
        "C, square arrays",
        "C, 80-byte rows",
        "NumPy, square arrays",
        "NumPy, 80-byte rows",
    ]
    for line in lines_of(figure.axes[1]):
        assert line.get_xdata().tolist() == [80_000, 800_000]


def test_of_each_size_the_squarest_shape_is_taken():
    cells = pd.DataFrame(
        {
            "name": "x",
            "rows": [64, 8, 512, 16],
            "row_bytes": [512, 4096, 64, 512],
            "payload_bytes": [32_768, 32_768, 32_768, 8192],
        }
    )
    assert squarest(cells, ["name"])["rows"].tolist() == [64, 16]
    # With several sizes of squares there are only squares.
    cells.loc[3] = ["x", 128, 1024, 131_072]
    assert squarest(cells, ["name"])["rows"].tolist() == [64, 128]


def test_patterns_have_slices_of_their_own_and_other_plots_are_not_of_them(tmp_path):
    runs, _ = full_run(["realloc_doubling"], ["glibc"], [1000], rounds=6)
    both = pd.concat([runs, whole_run()], ignore_index=True)
    data = analyse(both, NO_POINTS)
    parts = slices(data, MACHINE) + pattern_slices(data, MACHINE)
    assert [part.of_patterns for part in parts] == [False, True]
    for plot, part in tasks_of(all_plots(), parts):
        assert plot.patterns == part.of_patterns
    assert set(parts[0].data.summary["strategy"]) == {"realloc_doubling"}
    names = ["heat_map_cold", "pattern_costs"]
    chosen = [plot for plot in all_plots() if plot.name in names]
    drawn = draw_all(chosen, parts, ["svg"], tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"{name}.svg" for name in names]
    assert len(drawn) == 2


def test_a_run_without_patterns_has_no_slice_and_draws_none_of_these():
    runs = build_runs(["chunked_list"], ["glibc"], [100], rounds=1)
    data = analyse(runs, NO_POINTS)
    assert pattern_slices(data, MACHINE) == []
    (part,) = slices(data, MACHINE)
    for plot in PLOTS.values():
        with pytest.raises(NothingToDraw):
            draw_figure(plot, part)


def test_several_numbers_of_threads_are_several_slices():
    one, two = whole_run(), pattern_run(patterns=["slice_copy"], shapes=SQUARES[:1])
    two["threads"] = 2
    data = analyse(pd.concat([one, two[two["pass"] != "probe"]], ignore_index=True), NO_POINTS)
    parts = pattern_slices(data, MACHINE)
    assert [part.suffix for part in parts] == ["", "-threads_2"]
    assert set(parts[1].data.patterns["threads"]) == {2}
    assert "2 threads" in parts[1].context.what


@lru_cache(maxsize=None)
def degenerate_runs() -> dict[str, pd.DataFrame]:
    whole = pattern_run(shapes=SQUARES[:2], rounds=6)
    of_pass = whole["pass"] == "pattern"
    zero = whole.copy()
    for name in ("warm_build_release_median_ns", "warm_scan_median_ns"):
        zero.loc[of_pass, name] = 0.0
    names = ["$\\frac{$", "_hidden", "x" * 200, "copy_contiguous"]
    odd = {name: Cost(0.1, 0.1) for name in names}
    return {
        "few rounds": pattern_run(rounds=2),
        "no row ok": fail(whole, of_pass, "crashed"),
        "no numpy": fail(whole, of_pass & (whole["implementation"] == "numpy"), "unavailable"),
        "no c": whole[whole["implementation"] != "c"].reset_index(drop=True),
        "figures of zero": zero,
        "names full of signs": pattern_run(["c", "<b>"], names, ["=1+1", "\u00e9"], costs=odd),
        "one pattern": pattern_run(
            ["numpy"],
            ["transpose_copy"],
            ["glibc"],
            SQUARES[:1],
            costs={"transpose_copy": Cost(0.1, 0.1)},
        ),
        "empty arrays": pattern_run(shapes=[(0, 8), (1, 8)]),
        "views only": pattern_run(patterns=["slice_view", "transpose_view"]),
        "another run": one_cell(2),
    }


@pytest.mark.parametrize("what", degenerate_runs())
def test_a_degenerate_run_draws_what_there_is(what):
    drawn = set()
    for part in pattern_slices(analyse(degenerate_runs()[what], NO_POINTS), MACHINE):
        outcomes = outcomes_of(part, PLOTS, written=True)
        assert all(outcomes.values())
        drawn |= {name for name, outcome in outcomes.items() if outcome == "drawn"}
    expected = {
        "few rounds": {"pattern_choices", "pattern_costs", "pattern_transpose"},
        "no row ok": set(),
        "no numpy": set(PLOTS) - {"pattern_strides"},
        "empty arrays": set(PLOTS) - {"pattern_strides"},
        "no c": {"pattern_choices", "pattern_crossovers", "pattern_transpose"},
        "figures of zero": {"pattern_crossovers"},
        "names full of signs": {"pattern_costs"},
        "one pattern": {"pattern_transpose"},
        "views only": set(),
        "another run": set(),
    }
    assert drawn == expected.get(what, set(PLOTS))
