"""`growbench validate prediction`: what it measures, and what it says of it, with a runner that
makes its times up."""

import importlib
import sys
from pathlib import Path

import pytest

from growbench.command_line import entry
from growbench.promises import prediction

# Writes what the real one would, of one cell: its times grow with the rows; what it predicts is off
# by the factor in its place.
RUNNER = """#!{python}
import sys
words = sys.argv[1:]
value = lambda name: words[words.index(name) + 1]
above = "--predict-above" in words
open({log!r}, "a").write(" ".join(words) + "\\n")
sys.path.insert(0, {scripts!r})
from growbench.data.columns import COLUMNS, SCHEMA_VERSION
import csv, os
os.mkdir(value("--out"))
rounds = 1 if above else int(value("--rounds"))
with open(value("--out") + "/runs.csv", "w", newline="") as stream:
    writer = csv.writer(stream, lineterminator="\\n")
    writer.writerow([column.name for column in COLUMNS])
    position = 0
    for strategy in value("--strategies").split(","):
        for allocator in value("--allocators").split(","):
            for rows in map(int, value("--rows").split(",")):
                for number in range(rounds):
                    position += 1
                    size, time = int(value("--row-bytes")), rows * 10
                    row = dict(schema_version=SCHEMA_VERSION, run_id="r", machine_id="m",
                        round=number + 1, position=position, implementation="c",
                        strategy=strategy, allocator=allocator, rows=rows, row_bytes=size,
                        threads=1, work="cheap", payload_bytes=rows * size, status="ok",
                        status_detail="measured")
                    row["pass"] = "measure"
                    if above and allocator == "missing":
                        row.update(status="skipped_budget")
                    elif above:
                        row.update(status="skipped_predicted")
                        for kind in ("cold", "warm"):
                            name = "predicted_" + kind + "_build_release"
                            row[name + "_ns"] = {factor} * time
                            row[name + "_low_ns"] = 0.9 * time
                            row[name + "_high_ns"] = 1.1 * time
                    else:
                        row.update(cold_build_ns=time - 1, cold_release_ns=1,
                            warm_build_release_median_ns=time, allocator_path="/lib",
                            checksum="0x1")
                    writer.writerow([row.get(column.name, "") for column in COLUMNS])
sys.exit(4 if above else 0)
"""


@pytest.fixture
def runner(tmp_path):
    """Makes a runner whose predictions are off by that factor; its calls are in the log."""

    def make(factor):
        path = tmp_path / "growbench"
        scripts = str(entry.__file__).rpartition("/growbench/")[0]
        text = RUNNER.format(
            python=sys.executable, log=str(tmp_path / "log"), scripts=scripts, factor=factor
        )
        path.write_text(text)
        path.chmod(0o755)
        return path

    return make


def validate(runner, *words):
    main = importlib.import_module("growbench.cli.validate").main
    return entry.run(main, ["prediction", f"--runner={runner}", *words])


@pytest.mark.parametrize(("factor", "status"), [(1.0, 0), (1.9, 0), (2.1, 1), (0.4, 1)])
def test_the_exit_status_says_whether_predictions_are_right(runner, capsys, factor, status):
    words = ("--only=loop_and_append,chunked_list", "--row-bytes=80", "--allocators=glibc")
    assert validate(runner(factor), *words) == status
    out = capsys.readouterr().out
    inside = "100.0%" if factor == 1.0 else "0.0%"
    assert f"12 of 12 figures were predicted, the others left missing; {1 - status:.1%} of" in out
    assert f"{inside} inside their interval" in out


def test_what_is_measured_is_what_was_predicted_right_after_it(runner, tmp_path):
    assert validate(runner(1.0), "--row-bytes=800", "--allocators=glibc,jemalloc") == 0
    calls = [line.split() for line in (tmp_path / "log").read_text().splitlines()]
    assert len(calls) == 2 * len(prediction.GROUPS)
    for predicted, measured in zip(calls[::2], calls[1::2]):
        assert "--predict-above" in predicted and "--predict-above" not in measured
        for option in ("--strategies", "--allocators", "--rows", "--row-bytes"):
            at = predicted.index(option)
            assert predicted[at : at + 2] == measured[measured.index(option) :][:2]
        most = int(predicted[predicted.index("--predict-above") + 1])
        rows = predicted[predicted.index("--rows") + 1]
        assert [int(size) / most for size in rows.split(",")] == [2, 4, 8]


def test_what_is_missing_is_told_and_not_counted(runner, capsys):
    words = ("--only=chunked_list", "--row-bytes=8", "--allocators=glibc,missing")
    assert validate(runner(1.0), *words) == 0
    assert "6 of 12 figures were predicted" in capsys.readouterr().out
    assert validate(runner(1.0), *words[:2], "--allocators=missing") == 2


@pytest.mark.parametrize("words", [["--only=nothing"], ["--row-bytes=7"], ["--runner=/no/such"]])
def test_what_cannot_be_validated_is_told(runner, capsys, words):
    assert validate(runner(1.0), *words) == 2
    assert capsys.readouterr().err.startswith("error: ")


def test_the_grid_has_all_strategies_of_c():
    kernels = Path(__file__).parents[2] / "kernels/strategies"
    names = {path.stem for path in kernels.glob("*.c")}
    assert names == {name for group in prediction.GROUPS for name in group.strategies}
