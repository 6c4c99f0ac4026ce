"""Where a run goes: refused at once where it cannot go, whole rows only where it stops."""

import os
import resource
from pathlib import Path

import pytest
from conftest import (
    EXIT_DONE,
    EXIT_FAILED,
    EXIT_USAGE,
    ONE_CELL,
    cells_of,
    read_machine,
    read_rows,
    real_allocators,
)

CELLS = (*ONE_CELL, "--rounds=2")


def files_below(folder: Path) -> list:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_a_run_makes_its_folder_with_those_above_it_and_names_it(growbench, stand_in):
    done = growbench.run(*CELLS, stand_in().option, into="a/b/c/")

    assert done.stdout == "a/b/c\n"
    assert files_below(done.folder) == ["machine.json", "runs.csv"]


def test_without_out_a_run_goes_into_results_under_its_own_name(growbench, stand_in):
    done = growbench("run", *CELLS, "--no-summary", stand_in().option)
    folder = growbench.folder / done.stdout.rstrip("\n")

    assert done.returncode == EXIT_DONE, done.stderr
    assert folder.parent == growbench.folder / "results"
    assert folder.name == read_machine(folder)["run_id"]
    assert {row["run_id"] for row in read_rows(folder)} == {folder.name}


@pytest.mark.parametrize("name", ["out", "."])
def test_an_empty_folder_is_used_as_it_is(growbench, stand_in, name):
    folder = growbench.folder / name
    folder.mkdir(exist_ok=True)
    folder.chmod(0o777)
    before = folder.stat()

    assert len(growbench.run(*CELLS, stand_in().option, into=name).rows) == 2
    assert (folder.stat().st_ino, folder.stat().st_mode) == (before.st_ino, before.st_mode)


def test_overwrite_replaces_a_run(growbench, stand_in, out):
    worker = stand_in()
    assert len(growbench.run(*CELLS, "--rounds=5", worker.option).rows) == 5
    made = [
        out / name for name in ("summary.csv", "instructions.csv", "patterns.csv", "factors.md")
    ]
    for path in made:
        path.write_text("of the old rows\n")
    done = growbench.run(*CELLS, "--overwrite", "--seed=77", worker.option)

    assert len(done.rows) == 2
    assert done.machine["run"]["seed"] == 77
    assert not any(path.exists() for path in made), "they are of rows that are gone"


def in_place(folder: Path, path: str) -> None:
    """A file at that path, or a link to one that is the user's."""
    (folder / path).parent.mkdir(exist_ok=True)
    (folder / "elsewhere").write_text("mine")
    if path.endswith("runs.csv"):
        (folder / path).symlink_to("../elsewhere")
    else:
        (folder / path).write_text("mine")


@pytest.mark.parametrize(
    ("place", "words", "status", "parts"),
    [
        ("out/thesis.txt", ["--out=out"], EXIT_USAGE, ["out exists and is not an empty folder"]),
        ("out/thesis.txt", ["--out=out", "--overwrite"], EXIT_USAGE, ["not an empty folder"]),
        ("file", ["--out=file"], EXIT_USAGE, ["file", "choose another --out"]),
        ("file", ["--out=file/below"], EXIT_FAILED, ["file", "choose another --out"]),
        (
            "file",
            ["--out=/proc/growbench/run"],
            EXIT_FAILED,
            ["/proc/growbench cannot be made", "choose another --out"],
        ),
        (
            "out/runs.csv",
            ["--out=out", "--overwrite"],
            EXIT_FAILED,
            ["out/runs.csv cannot be written"],
        ),
    ],
)
def test_what_is_in_the_way_is_left_alone_and_nothing_is_measured(
    growbench, stand_in, place, words, status, parts
):
    in_place(growbench.folder, place)
    before = files_below(growbench.folder)
    worker = stand_in()
    done = growbench("run", *CELLS, worker.option, *words)

    assert (done.returncode, done.stdout) == (status, "")
    for part in parts:
        assert part in done.stderr.splitlines()[-1]
    assert worker.calls() == []
    assert files_below(growbench.folder) == before
    assert (growbench.folder / place).read_text() == "mine"


def test_a_folder_with_a_run_in_it_is_refused_and_left_alone(growbench, stand_in, out):
    worker = stand_in()
    growbench.run(*CELLS, worker.option)
    before = (out / "runs.csv").read_bytes(), (out / "machine.json").read_bytes(), worker.calls()
    done = growbench.run(*CELLS, worker.option, ends=EXIT_USAGE)

    for part in ("out has a run in it", "--resume out", "--overwrite"):
        assert part in done.stderr
    after = (out / "runs.csv").read_bytes(), (out / "machine.json").read_bytes(), worker.calls()
    assert after == before


@pytest.mark.parametrize(
    ("options", "parts"),
    [
        ("ro,size=1m", ["/run cannot be made: Read-only file system"]),
        ("size=1m", ["/run has only 1 MB free, and this run needs up to", "make room"]),
    ],
)
def test_a_disk_that_takes_no_run_is_refused_before_anything_is_measured(
    growbench, stand_in, small_disk, options, parts
):
    disk = small_disk(options)
    worker = stand_in()
    done = growbench.run(*CELLS, worker.option, into=f"{disk}/run", ends=EXIT_FAILED)

    assert str(disk) + parts[0] in done.stderr
    assert parts[-1] in done.stderr
    assert worker.calls() == []
    assert files_below(disk) == []


def test_a_disk_that_fills_up_leaves_whole_rows_from_which_the_run_goes_on(
    growbench, stand_in, small_disk
):
    disk = small_disk("size=20m")
    out = disk / "run"
    # The first call is the pilot's; the tenth leaves not one page.
    fill = f"test $call = 10 && cat /dev/zero >{disk}/filler 2>/dev/null; honest"
    words = (*ONE_CELL, "--rounds=60")
    done = growbench.run(*words, stand_in(measure=fill).option, into=out, ends=EXIT_FAILED)

    assert f"growbench: {out}/runs.csv cannot be written" in done.stderr
    assert "the rows so far are whole" in done.stderr
    rows = done.rows
    assert 9 <= len(rows) < 60
    planned = cells_of(growbench.plan(*words))
    assert cells_of(rows) == planned[: len(rows)]

    (disk / "filler").unlink()
    growbench.resume(into=out)
    assert cells_of(read_rows(out)) == planned
    assert read_rows(out)[: len(rows)] == rows


def limit_files_to(size: int):
    """What a child calls before it becomes the runner."""
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def test_a_limit_on_file_sizes_leaves_whole_rows_from_which_the_run_goes_on(
    growbench, stand_in, out
):
    limit = 32 << 10
    words = (*ONE_CELL, "--rounds=120")
    done = growbench.run(
        *words, stand_in().option, ends=EXIT_FAILED, preexec_fn=limit_files_to(limit)
    )
    rows = done.rows
    planned = cells_of(growbench.plan(*words))

    assert "growbench: out/runs.csv cannot be written" in done.stderr
    assert "the rows so far are whole" in done.stderr
    longest = max(len(line) for line in (out / "runs.csv").read_bytes().splitlines(keepends=True))
    assert done.machine["run"]["state"] == "failed"
    assert done.machine["run"]["row_count"] == len(rows)
    assert limit - longest < (out / "runs.csv").stat().st_size <= limit
    assert cells_of(rows) == planned[: len(rows)]
    assert cells_of(growbench.resume().rows) == planned


@pytest.mark.parametrize(
    ("bytes_", "message"),
    [
        # Not ended by SIGXFSZ.
        (0, "out/runs.csv cannot be written: File too large"),
        (4096, "out/machine.json cannot be written: the disk is full"),
    ],
)
def test_a_limit_that_does_not_allow_the_files_stops_the_run_before_the_rounds(
    growbench, stand_in, out, bytes_, message
):
    if bytes_ == 0 and "thread" in os.environ.get("GROWBENCH_SANITIZE", ""):
        pytest.skip("the thread sanitizer writes a file of its own as it starts")
    worker = stand_in()
    limit = limit_files_to(bytes_)
    done = growbench.run(*CELLS, worker.option, ends=EXIT_FAILED, preexec_fn=limit)

    assert message in done.stderr
    assert worker.measured() == 0
    assert not out.exists()


def test_a_folder_that_must_not_be_written_is_refused(plain_user):
    plain_user.folder.chmod(0o555)
    done = plain_user.run(*ONE_CELL, ends=EXIT_FAILED)

    assert done.stdout == ""
    assert "out cannot be made: Permission denied" in done.stderr
    assert list(plain_user.folder.iterdir()) == []


@real_allocators
def test_a_run_that_belongs_to_somebody_else_is_not_gone_on_with(plain_user):
    """Nor is anything of it changed."""
    out = plain_user.run(*ONE_CELL).folder
    kept = {path.name: path.read_bytes() for path in out.iterdir()}
    for path in (*out.iterdir(), out):
        path.chmod(0o555 if path.is_dir() else 0o444)
    for words in (("--resume=out",), ("--out=out", "--overwrite", *ONE_CELL)):
        done = plain_user("run", *words)
        assert done.returncode in (EXIT_FAILED, EXIT_USAGE), words
        assert "Permission denied" in done.stderr, words
        assert {path.name: path.read_bytes() for path in out.iterdir()} == kept
    out.chmod(0o755)
