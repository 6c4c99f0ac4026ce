"""Files are whole or not there, and give back what was written."""

import csv
import os
import re
import stat

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from growbench.data.files import atomic_writer, make_folder, write_csv


def test_a_file_appears_with_its_content_and_nothing_else(tmp_path):
    with atomic_writer(tmp_path / "a.txt") as stream:
        stream.write("one\n")
        assert not (tmp_path / "a.txt").exists()
    assert (tmp_path / "a.txt").read_text() == "one\n"
    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


@pytest.mark.parametrize("error", [OSError("disk full"), KeyboardInterrupt()])
def test_a_failure_keeps_the_old_file_and_leaves_no_other(tmp_path, error):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(type(error)):
        with atomic_writer(path) as stream:
            stream.write("half of the n")
            raise error
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_failure_of_the_last_step_leaves_no_temporary_file(tmp_path, monkeypatch):
    path = tmp_path / "a.txt"
    path.write_text("old")

    def refuse(*_):
        raise PermissionError("no")

    monkeypatch.setattr("os.replace", refuse)
    with pytest.raises(PermissionError):
        with atomic_writer(path) as stream:
            stream.write("new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.fixture
def no_umask():
    """Files get the modes that they are made with."""
    before = os.umask(0)
    yield
    os.umask(before)


def test_nobody_else_may_write_to_what_is_made(tmp_path, no_umask):
    make_folder(tmp_path / "a" / "b")
    with atomic_writer(tmp_path / "a" / "b" / "c.txt") as stream:
        stream.write("x")
    for name, mode in (("a", 0o755), ("a/b", 0o755), ("a/b/c.txt", 0o644)):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == mode, name


def test_a_link_is_replaced_and_not_written_through(tmp_path):
    (tmp_path / "victim").write_text("mine")
    (tmp_path / "a.txt").symlink_to("victim")
    with atomic_writer(tmp_path / "a.txt") as stream:
        stream.write("new")
    assert (tmp_path / "victim").read_text() == "mine"
    assert (tmp_path / "a.txt").read_text() == "new"
    assert not (tmp_path / "a.txt").is_symlink()


def test_a_temporary_file_of_others_is_neither_written_to_nor_removed(tmp_path, monkeypatch):
    monkeypatch.setattr("secrets.token_hex", lambda _: "guessed")
    planted = tmp_path / ".a.txt.guessed.tmp"
    (tmp_path / "victim").write_text("mine")
    planted.symlink_to("victim")
    with pytest.raises(FileExistsError):
        with atomic_writer(tmp_path / "a.txt") as stream:
            stream.write("new")
    assert (tmp_path / "victim").read_text() == "mine"
    assert planted.is_symlink() and not (tmp_path / "a.txt").exists()


def test_a_folder_is_not_made_through_a_link(tmp_path):
    (tmp_path / "there").mkdir()
    for target in ("there", "nowhere"):
        (tmp_path / "link").symlink_to(target)
        with pytest.raises(OSError, match="is a symbolic link"):
            make_folder(tmp_path / "link")
        (tmp_path / "link").unlink()
    make_folder(tmp_path / "there")
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize(
    "text",
    ["=1+1", "+1", "-1", "@a", " =1", "\t=1", "\r=1", "\x01=1", "\x85-1", "\u3000+1"]
    + ["\uff1d1", "\uff0b1", "\uff0d1", "\uff201"],
)
def test_text_in_a_csv_file_is_no_formula(tmp_path, text):
    table = pd.DataFrame({"a": [text, "b"], "c": pd.Categorical([text, "b"]), "d": [-1, -1.5]})
    write_csv(table, tmp_path / "t.csv")
    with open(tmp_path / "t.csv", encoding="utf-8", newline="") as stream:
        rows = list(csv.reader(stream))
    text = "'" + re.sub("[\t\r\x01\x85]", " ", text)
    assert rows[1:] == [[text, text, "-1.0"], ["b", "b", "-1.5"]]


@pytest.mark.parametrize("text", ["a=1", "a-b", "1", "'=1", "", " a", "\u00fc"])
def test_other_text_stays_as_it_is(tmp_path, text):
    write_csv(pd.DataFrame({"a": [text], "b": ["x"]}), tmp_path / "t.csv")
    assert (tmp_path / "t.csv").read_text(encoding="utf-8") == f"a,b\n{text},x\n"


@pytest.mark.parametrize("text", ["a\r=1", "a\n=1", "a\x9b2J\x1b[2J"])
def test_text_in_a_csv_file_neither_ends_a_line_nor_commands_a_terminal(tmp_path, text):
    write_csv(pd.DataFrame({"a": [text]}), tmp_path / "t.csv")
    lines = (tmp_path / "t.csv").read_text(encoding="utf-8").split("\n")
    assert len(lines) == 3 and lines[1].isprintable()


def test_csv_quotes_what_it_must_and_leaves_missing_values_empty(tmp_path):
    table = pd.DataFrame({"a": ['x, "y"', "\u00b5"], "b": [float("nan"), 0.5], "c": [1, 2]})
    write_csv(table, tmp_path / "t.csv")
    assert (tmp_path / "t.csv").read_bytes() == (
        'a,b,c\n"x, ""y""",,1\n\u00b5,0.5,2\n'.encode("utf-8")
    )


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1))
def test_floats_read_back_as_the_same_floats(tmp_path_factory, values):
    path = tmp_path_factory.mktemp("floats") / "t.csv"
    write_csv(pd.DataFrame({"x": values}), path)
    assert [float(line) for line in path.read_text().split("\n")[1:-1]] == values
