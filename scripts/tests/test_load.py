"""What may stand in runs.csv, and what is said about the rest."""

import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import build_runs, one_cell, write_runs

from growbench.data.columns import COLUMNS, IDENTIFYING, SCHEMA_VERSION, TIMELINE_COLUMNS
from growbench.data.errors import LoadError, LoadWarning
from growbench.data.load import read_runs, read_timeline


@pytest.fixture
def runs_csv(tmp_path: Path) -> Path:
    """A file of one cell and ten rounds."""
    return write_runs(one_cell(), tmp_path / "runs.csv")


def change(path: Path, line: int, column: str, value: str) -> None:
    """Replace one field; `line` counts from 1."""
    lines = path.read_text(encoding="utf-8").split("\n")
    fields = lines[line - 1].split(",")
    fields[lines[0].split(",").index(column)] = value
    lines[line - 1] = ",".join(fields)
    path.write_text("\n".join(lines), encoding="utf-8")


def refused(path: Path) -> LoadError:
    """The error that reading the file ends in, which always names the file."""
    with pytest.raises(LoadError) as caught:
        read_runs(path)
    assert str(path) in str(caught.value)
    return caught.value


def test_a_run_is_read_as_it_was_written(tmp_path):
    runs = build_runs(["loop_and_append", "realloc_doubling"], ["glibc"], [10, 100_000], rounds=2)
    pd.testing.assert_frame_equal(read_runs(write_runs(runs, tmp_path / "runs.csv")), runs)


def test_numbers_are_read_to_the_last_bit(tmp_path):
    values = np.random.default_rng(1).lognormal(10.0, 5.0, 500)
    runs = one_cell(500, warm_build_release_median_ns=values)
    read = read_runs(write_runs(runs, tmp_path / "runs.csv"))
    assert read["warm_build_release_median_ns"].tolist() == values.tolist()


def test_a_folder_means_the_runs_csv_in_it(runs_csv):
    assert len(read_runs(runs_csv.parent)) == 10


def test_identifying_numbers_are_whole_and_missing_text_is_empty(runs_csv):
    change(runs_csv, 3, "allocator_version", "")
    runs = read_runs(runs_csv)
    assert runs["rows"].dtype == np.int64 and runs["round"].dtype == np.int64
    assert runs["cold_build_ns"].dtype == np.float64
    assert runs["allocator_version"].iloc[1] == ""


def test_text_that_looks_like_a_number_or_like_missing_stays_text(runs_csv):
    change(runs_csv, 2, "checksum", "0012")
    change(runs_csv, 2, "allocator_version", "NA")
    row = read_runs(runs_csv).iloc[0]
    assert (row["checksum"], row["allocator_version"]) == ("0012", "NA")


def test_pandas_reads_the_file_with_no_option_and_no_warning(tmp_path, default_run):
    path = write_runs(default_run, tmp_path / "runs.csv")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(pd.read_csv(path)) == len(default_run)


def test_a_torn_last_line_is_left_out_with_a_warning(runs_csv):
    runs_csv.write_bytes(runs_csv.read_bytes()[:-20])
    with pytest.warns(LoadWarning, match="line 11: .*interrupted"):
        assert read_runs(runs_csv)["round"].tolist() == list(range(1, 10))


def test_a_last_number_that_was_cut_short_is_not_taken_for_a_number(runs_csv):
    content = runs_csv.read_bytes()
    runs_csv.write_bytes(content[: content.rindex(b",")])
    with pytest.warns(LoadWarning):
        assert len(read_runs(runs_csv)) == 9


def test_a_whole_file_is_read_without_a_warning(runs_csv):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read_runs(runs_csv)


def test_windows_line_ends_and_a_byte_order_mark_change_nothing(runs_csv):
    expected = read_runs(runs_csv)
    runs_csv.write_bytes(b"\xef\xbb\xbf" + runs_csv.read_bytes().replace(b"\n", b"\r\n"))
    pd.testing.assert_frame_equal(read_runs(runs_csv), expected)


def test_quoted_fields_and_unknown_columns_are_read(runs_csv):
    lines = runs_csv.read_text().splitlines()
    lines = [lines[0] + ",extra"] + [line + ',"a, ""b"""' for line in lines[1:]]
    runs_csv.write_text("\n".join(lines) + "\n")
    assert set(read_runs(runs_csv)["extra"]) == {'a, "b"'}


def test_of_the_columns_that_are_wanted_everything_is_as_in_the_whole_table(tmp_path):
    runs = build_runs(["loop_and_append", "realloc_doubling"], ["glibc"], [10, 100_000], rounds=2)
    path = write_runs(runs, tmp_path / "runs.csv")
    part = read_runs(path, columns=["cold_build_ns", "rows", "checksum"])
    expected = [name for name in runs if name in {*IDENTIFYING, "cold_build_ns", "checksum"}]
    assert len(part.columns) == len(expected)
    pd.testing.assert_frame_equal(part[expected], runs[expected])


def test_the_columns_that_are_wanted_may_be_of_a_later_version_than_the_file(runs_csv):
    as_version_1(runs_csv)
    part = read_runs(runs_csv, columns=["probe_ns", "untraced_reason"])
    assert set(part) == {*IDENTIFYING, "probe_ns", "untraced_reason"}
    assert part["probe_ns"].isna().all() and (part["untraced_reason"] == "").all()


def test_with_some_columns_wanted_lines_and_wanted_values_are_checked(runs_csv):
    whole = runs_csv.read_text()
    change(runs_csv, 7, "cold_build_ns", "fast")
    with pytest.raises(LoadError, match="line 7, column cold_build_ns"):
        read_runs(runs_csv, columns=["cold_build_ns"])
    assert len(read_runs(runs_csv, columns=["cold_scan_ns"])) == 10
    change(runs_csv, 8, "checksum", "1,2")
    with pytest.raises(LoadError, match="line 8: "):
        read_runs(runs_csv, columns=["cold_scan_ns"])
    runs_csv.write_text(whole.replace(",probe_ns,", ",probed_ns,", 1))
    with pytest.raises(LoadError, match="line 1, column probe_ns"):
        read_runs(runs_csv, columns=["cold_scan_ns"])


def test_a_misspelt_column_is_not_silently_left_out(runs_csv):
    with pytest.raises(ValueError, match="cold_built_ns"):
        read_runs(runs_csv, columns=["cold_built_ns"])


def test_a_missing_file_or_folder_is_an_error(tmp_path):
    assert "no such file" in str(refused(tmp_path / "nowhere"))
    with pytest.raises(LoadError, match="runs.csv: no such file"):
        read_runs(tmp_path)


def test_an_empty_file_is_an_error(runs_csv):
    runs_csv.write_bytes(b"")
    assert "empty" in str(refused(runs_csv))


def test_a_header_without_rows_is_an_error(runs_csv):
    runs_csv.write_text(runs_csv.read_text().split("\n")[0] + "\n")
    assert "no rows" in str(refused(runs_csv))


def test_a_header_that_was_cut_off_is_an_error(runs_csv):
    runs_csv.write_text("schema_version,run_id")
    assert refused(runs_csv).line == 1


def test_missing_columns_are_named(runs_csv):
    pd.read_csv(runs_csv).drop(columns=["peak_memory_bytes", "cpu"]).to_csv(runs_csv, index=False)
    error = refused(runs_csv)
    assert error.line == 1
    assert "cpu" in str(error) and "peak_memory_bytes" in str(error)


def test_a_file_of_something_else_is_told_from_a_run(runs_csv):
    runs_csv.write_text("a,b\n1,2\n")
    assert "is this a runs.csv" in str(refused(runs_csv))


def test_semicolons_are_recognised(runs_csv):
    runs_csv.write_text(runs_csv.read_text().replace(",", ";"))
    assert "not ';'" in str(refused(runs_csv))


def test_a_column_that_stands_twice_is_an_error(runs_csv):
    runs_csv.write_text(runs_csv.read_text().replace(",cpu,", ",round,", 1))
    assert refused(runs_csv).column == "round"


@pytest.mark.parametrize(
    "column, value",
    [
        ("cold_build_ns", "fast"),
        ("cold_build_ns", "-5"),
        ("cold_build_ns", "12.5"),
        ("cold_build_ns", "nan"),
        ("cold_build_ns", "0x10"),
        ("cold_build_ns", " "),
        ("warm_build_release_median_ns", "inf"),
        ("warm_build_release_median_ns", "1e999"),
        ("warm_build_release_median_ns", "-1.5"),
        ("warm_build_release_median_ns", "1_000.0"),
        ("round", "two"),
        ("round", "99999999999999999999"),
        ("rows", "1.5"),
    ],
)
def test_a_wrong_number_is_reported_with_line_and_column(runs_csv, column, value):
    change(runs_csv, 7, column, value)
    error = refused(runs_csv)
    assert (error.line, error.column) == (7, column)
    assert value in str(error) and "line 7" in str(error) and column in str(error)


def test_a_number_beyond_int64_is_reported_and_nothing_else_said(runs_csv):
    change(runs_csv, 7, "rows", "1e19")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert refused(runs_csv).column == "rows"


@pytest.mark.parametrize("column", ["round", "strategy", "status", "payload_bytes"])
def test_an_empty_field_that_must_be_filled_is_reported(runs_csv, column):
    change(runs_csv, 4, column, "")
    error = refused(runs_csv)
    assert (error.line, error.column) == (4, column)


def test_an_empty_measurement_of_an_ok_row_is_missing_but_not_silently(runs_csv):
    change(runs_csv, 4, "cold_build_ns", "")
    with pytest.warns(LoadWarning, match="cold_build_ns: empty in 1 row"):
        assert read_runs(runs_csv)["cold_build_ns"].isna().sum() == 1


@pytest.mark.parametrize("edit", [lambda line: line[:60], lambda line: line + ",1", lambda _: ""])
def test_a_line_with_too_few_or_too_many_fields_is_reported(runs_csv, edit):
    lines = runs_csv.read_text().split("\n")
    lines[5] = edit(lines[5])
    runs_csv.write_text("\n".join(lines))
    assert refused(runs_csv).line == 6


def test_a_quote_that_is_never_closed_is_reported_where_it_is(runs_csv):
    change(runs_csv, 5, "status_detail", '"oops')
    assert refused(runs_csv).line == 5


def test_bytes_that_are_not_text_are_reported(runs_csv):
    runs_csv.write_bytes(runs_csv.read_bytes().replace(b"realloc_doubling", b"\xff\xfe", 1))
    error = refused(runs_csv)
    assert error.line == 2 and "UTF-8" in str(error)


def test_a_row_that_stands_twice_is_reported_with_both_lines(runs_csv):
    change(runs_csv, 9, "round", "3")
    error = refused(runs_csv)
    assert error.line == 9 and "line 4" in str(error)


def test_the_same_round_of_another_pass_is_not_a_repetition(runs_csv):
    change(runs_csv, 9, "round", "3")
    change(runs_csv, 9, "pass", "trace")
    assert len(read_runs(runs_csv)) == 10


@pytest.mark.parametrize("version", ["0", str(SCHEMA_VERSION + 1)])
def test_another_schema_version_is_refused(runs_csv, version):
    change(runs_csv, 2, "schema_version", version)
    error = refused(runs_csv)
    assert (error.line, error.column) == (2, "schema_version")


def as_version(version: int, path: Path) -> None:
    """Rewrite a file as that version had it."""
    table = pd.read_csv(path, dtype=str, keep_default_na=False)
    table = table.drop(columns=[column.name for column in COLUMNS if column.since > version])
    table.assign(schema_version=str(version)).to_csv(path, index=False)


def as_version_1(path: Path) -> None:
    as_version(1, path)


def test_version_3_is_read_and_what_it_lacked_is_missing(runs_csv):
    now = read_runs(runs_csv)
    as_version(3, runs_csv)
    assert "throttled_ns" not in runs_csv.read_text()
    old = read_runs(runs_csv)
    assert set(old.columns) == set(now.columns)
    assert old["throttled_ns"].isna().all() and (old["no_peak_reason"] == "").all()
    assert old["steal_ns"].tolist() == now["steal_ns"].tolist()


def test_version_1_is_read_and_what_it_lacked_is_missing(runs_csv):
    now = read_runs(runs_csv)
    as_version_1(runs_csv)
    old = read_runs(runs_csv)
    assert set(old.columns) == set(now.columns)
    assert old["copied_bytes"].isna().all() and old["cpu_count"].isna().all()
    assert (old["untraced_reason"] == "").all()
    assert old["cold_build_ns"].tolist() == now["cold_build_ns"].tolist()


def test_the_newest_version_must_have_its_columns(runs_csv):
    as_version_1(runs_csv)
    for line in range(2, 12):
        change(runs_csv, line, "schema_version", "4")
    assert "cpu_count" in str(refused(runs_csv))


def test_two_versions_in_one_file_are_refused(runs_csv):
    change(runs_csv, 5, "schema_version", "1")
    error = refused(runs_csv)
    assert (error.line, error.column) == (5, "schema_version")


def test_rows_of_two_machines_are_refused(runs_csv):
    change(runs_csv, 6, "machine_id", "other")
    error = refused(runs_csv)
    assert (error.line, error.column) == (6, "machine_id")


def test_an_unknown_status_is_told(runs_csv):
    change(runs_csv, 6, "status", "melted")
    with pytest.warns(LoadWarning, match="melted"):
        read_runs(runs_csv)


TIMELINE_HEADER = ",".join(column.name for column in TIMELINE_COLUMNS)


def timeline_of(path: Path, points: str) -> pd.DataFrame:
    """The timeline of a run whose positions 1 and 2 are of the trace pass, and only 1 is ok."""
    for line, status in ((2, "ok"), (3, "crashed")):
        change(path, line, "pass", "trace")
        change(path, line, "status", status)
    path.with_name("timeline.csv").write_text(points)
    return read_timeline(path, read_runs(path))


def point(position: int, rows_appended: int, live_bytes: int) -> str:
    return f"{position},c,chunked_list,glibc,100,80,{rows_appended},{live_bytes},9,4096\n"


def test_a_timeline_is_read_in_order(runs_csv):
    points = timeline_of(runs_csv, TIMELINE_HEADER + "\n" + point(1, 0, 0) + point(1, 5, 50))
    assert points["rows_appended"].tolist() == [0, 5]
    assert points["live_bytes"].tolist() == [0, 50]


def test_of_a_worker_that_was_interrupted_and_done_again_the_second_series_counts(runs_csv):
    first = point(1, 1, 10) + point(1, 3, 30) + point(1, 5, 50)
    second = point(1, 1, 11) + point(1, 5, 55)
    points = timeline_of(runs_csv, TIMELINE_HEADER + "\n" + first + second)
    assert points["rows_appended"].tolist() == [1, 5]
    assert points["live_bytes"].tolist() == [11, 55]


def test_an_empty_timeline_has_no_points(runs_csv):
    assert timeline_of(runs_csv, "").empty


def test_of_points_that_stand_twice_the_later_counts(runs_csv):
    points = timeline_of(runs_csv, TIMELINE_HEADER + "\n" + point(1, 5, 50) + point(1, 5, 60))
    assert points["live_bytes"].tolist() == [60]


def test_points_without_a_whole_trace_row_are_left_out(runs_csv):
    text = "".join(point(position, 5, 50) for position in (1, 2, 3, 99))
    assert timeline_of(runs_csv, TIMELINE_HEADER + "\n" + text)["position"].tolist() == [1]


def test_a_run_without_a_timeline_has_no_points(runs_csv):
    points = read_timeline(runs_csv, read_runs(runs_csv))
    assert points.empty and list(points.columns) == [c.name for c in TIMELINE_COLUMNS]


def test_a_timeline_of_only_a_header_has_no_points(runs_csv):
    assert timeline_of(runs_csv, TIMELINE_HEADER + "\n").empty


def test_a_torn_last_point_is_left_out_with_a_warning(runs_csv):
    text = TIMELINE_HEADER + "\n" + point(1, 5, 50) + point(1, 6, 60)
    with pytest.warns(LoadWarning, match="timeline.csv, line 3: .*interrupted"):
        assert timeline_of(runs_csv, text[:-3])["rows_appended"].tolist() == [5]


@pytest.mark.parametrize("broken", ["1,c,2\n", point(1, 5, 50).replace(",50,", ",fifty,"), "\n"])
def test_a_broken_point_is_reported_with_its_line(runs_csv, broken):
    with pytest.raises(LoadError) as caught:
        timeline_of(runs_csv, TIMELINE_HEADER + "\n" + point(1, 4, 40) + broken + point(1, 6, 60))
    assert caught.value.line == 3 and "timeline.csv" in str(caught.value)


def test_something_else_in_place_of_a_timeline_is_told(runs_csv):
    with pytest.raises(LoadError, match="is this a timeline.csv"):
        timeline_of(runs_csv, "a,b\n1,2\n")


def test_a_run_that_leaves_the_steady_state_out_is_whole(tmp_path):
    runs = build_runs(["chunked_list"], ["glibc"], [10, 100], 2)
    warm = [name for name in runs if name.startswith("warm_")]
    runs[warm] = np.nan
    path = write_runs(runs, tmp_path / "runs.csv")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read_runs(path)[warm].isna().all().all()
