"""Files are whole or not there, and give back what was written."""

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from growbench.files import atomic_writer, write_csv


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
