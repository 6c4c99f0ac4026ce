"""Where arrays and lists lie in memory: what is measured, kept, and drawn."""

import json
import random
import sys
from pathlib import Path

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from growbench.memory_picture import c_arrays
from growbench.data.errors import LoadError
from growbench.memory_picture.layout import (
    Array,
    COPY,
    OPERATIONS,
    OWNER,
    VIEW,
    as_json,
    first_array,
    measure,
    parse_layout,
    read_layout,
)
from growbench.memory_picture.picture import draw
from growbench.figures.render import draw_in, figure_bytes
from growbench.report.memory import LAYOUT
from growbench.figures.style import STYLES

CPYTHON = pytest.mark.skipif(sys.implementation.name != "cpython", reason="lists of CPython")
SOMEWHERE = Path("layout.json")


@pytest.fixture(scope="module")
def layout():
    return measure()


def by_title(layout) -> dict[str, Array]:
    return {array.title: array for array in layout.arrays}


def test_views_share_the_memory_of_the_array_and_the_copy_does_not(layout):
    kinds = {title: array.kind for title, array in by_title(layout).items()}
    assert list(kinds.values()) == [OWNER, VIEW, VIEW, VIEW, VIEW, COPY]
    assert kinds["a.T.reshape(-1)"] == COPY
    for array in layout.arrays:
        assert (array.block_offset == 0) == (array.kind != COPY)
        assert array.block_bytes == 96


def test_strides_and_offsets_are_those_that_numpy_is_known_for(layout):
    expected = {
        "a, 3 x 4 doubles": ((3, 4), (32, 8), 0, True, False),
        "a[:, ::2]": ((3, 2), (32, 16), 0, False, False),
        "a[::-1]": ((3, 4), (-32, 8), 64, False, False),
        "a.T": ((4, 3), (8, 32), 0, False, True),
        "a.reshape(2, 6)": ((2, 6), (48, 8), 0, True, False),
        "a.T.reshape(-1)": ((12,), (8,), 0, True, True),
    }
    found = {
        title: (a.shape, a.strides, a.offset, a.c_contiguous, a.f_contiguous)
        for title, a in by_title(layout).items()
    }
    assert found == expected


def test_a_walk_along_the_strides_finds_the_values(layout):
    memory = first_array().ravel()
    for array in layout.arrays:
        if array.kind != COPY:
            assert tuple(memory[place // 8] for place in array.places()) == array.values
    copy = by_title(layout)["a.T.reshape(-1)"]
    assert copy.values == by_title(layout)["a.T"].values
    assert copy.places() == list(range(0, 96, 8))


@CPYTHON
def test_a_list_leads_to_its_pointers_these_to_the_rows_and_these_to_their_data(layout):
    names = [block.name for block in layout.blocks]
    assert sorted(names) == sorted(
        ["list", "pointers", *(f"{kind} {i}" for kind in ("row", "data") for i in range(3))]
    )
    leads = {b.name: [names[to] for to in b.points_to] for b in layout.blocks}
    assert leads["list"] == ["pointers"]
    assert leads["pointers"] == ["row 0", "row 1", "row 2"]
    assert [leads[f"row {i}"] for i in range(3)] == [[f"data {i}"] for i in range(3)]
    offsets = [block.offset for block in layout.blocks]
    assert offsets[0] == 0 and offsets == sorted(offsets)
    ends = [block.offset + block.bytes for block in layout.blocks]
    assert all(end <= offset for end, offset in zip(ends, offsets[1:]))
    sizes = {b.name: b.bytes for b in layout.blocks}
    assert sizes["data 0"] == 32 and sizes["pointers"] >= 24 and sizes["pointers"] % 8 == 0


@CPYTHON
def test_a_list_over_allocates_as_cpython_does(layout):
    # 0, 4, 8, 16, 24, 32: since 3.9; before it was 0, 4, 8, 16, 25.
    assert [(step.length, step.slots) for step in layout.growth][:3] == [(1, 4), (5, 8), (9, 16)]
    for step, after in zip(layout.growth, layout.growth[1:]):
        assert after.length == step.slots + 1
        assert after.bytes - step.bytes == 8 * (after.slots - step.slots)


@pytest.mark.skipif(not c_arrays.LIBRARY.exists(), reason="the kernels are not built")
def test_the_c_model_has_the_same_arrays_as_numpy(layout):
    try:
        model = c_arrays.Model(c_arrays.LIBRARY)
    except c_arrays.ModelError:
        pytest.skip("these kernels have no model of an array")
    theirs = c_arrays.model_arrays(model)
    assert len(theirs) == len(OPERATIONS) + 1
    for ours, other in zip(layout.arrays, theirs):
        assert ours._replace(block_offset=0) == other._replace(block_offset=0)
    assert c_arrays.checked(layout).checked == c_arrays.MODEL


@pytest.mark.skipif(not c_arrays.LIBRARY.exists(), reason="the kernels are not built")
def test_a_model_that_is_not_numpys_is_told(layout, monkeypatch):
    wrong = layout._replace(arrays=(layout.arrays[0]._replace(strides=(8, 24)),))
    try:
        with pytest.raises(c_arrays.ModelError, match="do not agree on a, 3 x 4 doubles"):
            c_arrays.checked(wrong, c_arrays.LIBRARY)
    except c_arrays.ModelError:
        pytest.skip("these kernels have no model of an array")


def test_a_library_that_is_not_there_is_told_if_it_was_asked_for(layout, monkeypatch, tmp_path):
    with pytest.raises(c_arrays.ModelError, match="nowhere.so"):
        c_arrays.checked(layout, tmp_path / "nowhere.so")
    monkeypatch.setattr(c_arrays, "LIBRARY", tmp_path / "nowhere.so")
    assert c_arrays.checked(layout) == layout


def test_a_layout_is_the_same_after_it_was_kept(layout, tmp_path):
    path = tmp_path / "layout.json"
    path.write_text(as_json(layout), encoding="utf-8")
    assert read_layout(path) == layout
    assert as_json(read_layout(path)) == path.read_text(encoding="utf-8")


def changed(layout, change) -> str:
    content = json.loads(as_json(layout))
    change(content)
    return json.dumps(content)


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda c: c.update(kind="a recipe"), "its kind"),
        (lambda c: c.update(version=2), "its version"),
        (lambda c: c.update(arrays=[]), "arrays is no list of 1 to 8"),
        (lambda c: c.update(arrays=c["arrays"] * 2), "arrays is no list"),
        (lambda c: c.update(arrays=[3]), "shape is no list"),
        (lambda c: c["arrays"][0].update(shape=[10**9, 4]), "shape is no whole number"),
        (lambda c: c["arrays"][0].update(shape=[4, 4]), "more than 12 elements"),
        (lambda c: c["arrays"][0].update(shape=[3, True]), "shape is no whole number"),
        (lambda c: c["arrays"][0].update(strides=[32]), "strides is no list of 2 to 2"),
        (lambda c: c["arrays"][0].update(strides=[64, 8]), "strides lead out"),
        (lambda c: c["arrays"][0].update(strides=[-32, 8]), "strides lead out"),
        (lambda c: c["arrays"][0].update(strides=[32, 4]), "lies across two"),
        (lambda c: c["arrays"][0].update(kind="<b>"), "the kind of an array"),
        (lambda c: c["arrays"][0].update(values=[1]), "not as many values"),
        (lambda c: c["arrays"][0].update(values=["x"] * 12), "a value is no whole number"),
        (lambda c: c["arrays"][0].update(values=[1e300] * 12), "a value is no whole number"),
        (lambda c: c["arrays"][0].update(values=[0.5] * 12), "a value is no whole number"),
        (lambda c: c["arrays"][0].update(c_contiguous=1), "neither true nor false"),
        (lambda c: c["arrays"][0].update(title="x" * 25), "longer than 24"),
        (lambda c: c["arrays"][0].update(title=None), "a text is missing"),
        (lambda c: c["blocks"][1].update(bytes=-1), "bytes is no whole number"),
        (lambda c: c["blocks"][0].update(bytes=c["blocks"][1]["offset"] + 1), "bytes is|lie on"),
        (lambda c: c["blocks"][0].update(name="x" * 13), "longer than 12"),
        (lambda c: c["blocks"][0].update(points_to=[8]), "points to one that is not there"),
        (lambda c: c["blocks"][0].update(offset=2**49), "not in the order"),
        (lambda c: c["growth"][0].update(slots=10**6), "slots are not between"),
        (lambda c: c.update(growth=None), "growth is no list"),
        (lambda c: c.update(made_with=[]), "made_with"),
        (lambda c: c.pop("checked"), "a text is missing"),
    ],
)
def test_what_is_no_layout_is_one_message(layout, change, message):
    with pytest.raises(LoadError, match=message) as told:
        parse_layout(changed(layout, change), SOMEWHERE)
    assert "layout.json" in str(told.value) and "--save" in str(told.value)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "1e999", "[" * 100_000, '{"kind": NaN}'])
def test_what_is_no_json_of_ours_is_one_message(text):
    with pytest.raises(LoadError, match="is no layout"):
        parse_layout(text, SOMEWHERE)


def test_mutilated_layouts_are_refused_or_drawn(layout):
    """Whatever is done to a file, it is a layout that can be drawn, or one message."""
    chance = random.Random(5)
    text = as_json(layout)
    for _ in range(300):
        place = chance.randrange(len(text))
        broken = text[:place] + chance.choice('0-9x"]},{ ') + text[place + 1 :]
        try:
            read = parse_layout(broken, SOMEWHERE)
        except LoadError:
            continue
        assert len(read.arrays) == len(layout.arrays)
    with pytest.raises(LoadError, match="UTF-8"):
        read_layout(Path(sys.executable))


@pytest.mark.parametrize("style", STYLES)
def test_the_same_layout_is_the_same_picture(layout, style):
    again = parse_layout(as_json(layout), SOMEWHERE)
    pictures = [
        figure_bytes(draw_in(STYLES[style], lambda: draw(of, STYLES[style])), "svg", STYLES[style])
        for of in (layout, again)
    ]
    assert pictures[0] == pictures[1]


def texts_with_boxes(figure) -> list:
    renderer = FigureCanvasAgg(figure).get_renderer()
    texts = [text for axes in figure.axes for text in axes.texts]
    return [(text.get_text(), text.get_window_extent(renderer)) for text in texts]


def far_apart(layout):
    """The widest that distances can be: none of the blocks touches another."""
    blocks = [block._replace(offset=99_999 * n) for n, block in enumerate(layout.blocks)]
    arrays = [a._replace(block_offset=-99_999 if a.kind == COPY else 0) for a in layout.arrays]
    return layout._replace(blocks=tuple(blocks), arrays=tuple(arrays), checked=c_arrays.MODEL)


@CPYTHON
@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("distances", ["as they are", "wide"])
def test_texts_lie_inside_the_picture_and_off_each_other(layout, style, distances):
    layout = far_apart(layout) if distances == "wide" else layout
    figure = draw_in(STYLES[style], lambda: draw(layout, STYLES[style]))
    found = texts_with_boxes(figure)
    for text, box in found:
        inside = box.x0 >= 0 and box.y0 >= 0 and box.x1 <= figure.bbox.x1 + 1
        assert inside and box.y1 <= figure.bbox.y1 + 1, text
    for number, (one, a) in enumerate(found):
        for other, b in found[number + 1 :]:
            assert not a.overlaps(b), (one, other)
    width, height = figure.get_size_inches()
    assert width == STYLES[style].widths[-1]
    assert height <= (9.4 if style == "print" else 8.0)


def test_shape_strides_and_kind_are_lettered_for_each_array(layout):
    style = STYLES["print"]
    texts = {text for text, _ in texts_with_boxes(draw_in(style, lambda: draw(layout, style)))}
    assert "shape (3, 4)  strides (32, 8)" in texts
    assert "shape (3, 4)  strides (\N{MINUS SIGN}32, 8)" in texts
    assert "shape (4, 3)  strides (8, 32)" in texts
    assert {"owner, C contiguous", "view, F contiguous", "view, not contiguous"} <= texts
    assert any(text.startswith("shape (12,)  strides (8,)  in a block ") for text in texts)
    assert {array.title for array in layout.arrays} <= texts


def test_each_element_is_drawn_where_it_is(layout):
    style = STYLES["print"]
    transposed = [array for array in layout.arrays if array.title == "a.T"]
    alone = layout._replace(arrays=tuple(transposed), blocks=(), growth=())
    found = texts_with_boxes(draw_in(style, lambda: draw(alone, style)))
    offsets = {text: (box.x0 + box.x1) / 2 for text, box in found if text in ("8", "24", "40")}
    lowest = min(box.y0 for text, box in found if text == "40")
    in_memory = {
        text: (box.x0 + box.x1) / 2
        for text, box in found
        if text.isdigit() and lowest < box.y0 < lowest + 60 and text in ("3", "5")
    }
    # Value 3 lies 24 bytes from the start, and 5 lies at 40.
    assert in_memory["3"] == pytest.approx(offsets["24"], abs=1.0)
    assert in_memory["5"] == pytest.approx(offsets["40"], abs=1.0)


def test_the_layout_of_the_report_is_a_real_one_and_is_numpys(layout):
    kept = read_layout(LAYOUT)
    assert dict(kept.made_with)["NumPy"]
    assert kept.checked == c_arrays.MODEL
    assert kept.blocks and kept.growth
    for ours, theirs in zip(layout.arrays, kept.arrays):
        assert ours._replace(block_offset=0) == theirs._replace(block_offset=0)
    assert np.unique([block.offset for block in kept.blocks]).size == len(kept.blocks)
