"""Where a run goes: refused at once where it cannot go, whole rows only where it stops."""

import resource
from pathlib import Path

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


def run(growbench, stand_in, *words, **popen):
    """A run of one cell with a stand-in: how it ended, and the stand-in."""
    worker = stand_in()
    done = growbench("run", *ONE_CELL, "--rounds=2", worker.option, *words, **popen)

    return done, worker


def files_below(folder: Path) -> list:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_a_run_makes_its_folder_with_those_above_it_and_names_it(growbench, stand_in):
    done, _ = run(growbench, stand_in, "--out=a/b/c/")

    assert done.returncode == EXIT_DONE, done.stderr
    assert done.stdout == "a/b/c\n"
    assert files_below(growbench.folder / "a/b/c") == ["machine.json", "runs.csv"]


def test_without_out_a_run_goes_into_results_under_its_own_name(growbench, stand_in):
    done, _ = run(growbench, stand_in)
    folder = growbench.folder / done.stdout.rstrip("\n")

    assert done.returncode == EXIT_DONE, done.stderr
    assert folder.parent == growbench.folder / "results"
    assert folder.name == read_machine(folder)["run_id"]
    assert {row["run_id"] for row in read_rows(folder)} == {folder.name}


def test_an_empty_folder_is_used_as_it_is(growbench, stand_in, out):
    out.mkdir()
    out.chmod(0o777)
    before = out.stat()
    done, _ = run(growbench, stand_in, "--out=out")

    assert done.returncode == EXIT_DONE, done.stderr
    assert len(read_rows(out)) == 2
    assert (out.stat().st_ino, out.stat().st_mode) == (before.st_ino, before.st_mode)


def test_the_present_folder_may_take_a_run_if_it_is_empty(growbench, stand_in):
    done, _ = run(growbench, stand_in, "--out=.")

    assert done.returncode == EXIT_DONE, done.stderr
    assert len(read_rows(growbench.folder)) == 2


def test_a_folder_with_a_run_in_it_is_refused_and_left_alone(growbench, stand_in, out):
    run(growbench, stand_in, "--out=out")
    before = (out / "runs.csv").read_bytes(), (out / "machine.json").read_bytes()
    done, worker = run(growbench, stand_in, "--out=out")

    assert done.returncode == EXIT_USAGE
    for part in ("out has a run in it", "--resume out", "--overwrite"):
        assert part in done.stderr
    assert ((out / "runs.csv").read_bytes(), (out / "machine.json").read_bytes()) == before
    assert worker.calls() == []


def test_overwrite_replaces_a_run(growbench, stand_in, out):
    run(growbench, stand_in, "--out=out", "--rounds=5")
    (out / "summary.csv").write_text("of the old rows\n")
    assert len(read_rows(out)) == 5
    done, _ = run(growbench, stand_in, "--out=out", "--overwrite", "--seed=77")

    assert done.returncode == EXIT_DONE, done.stderr
    assert len(read_rows(out)) == 2
    assert read_machine(out)["run"]["seed"] == 77
    assert not (out / "summary.csv").exists(), "it is of rows that are gone"


def test_a_folder_with_other_files_is_refused_even_to_overwrite(growbench, stand_in, out):
    out.mkdir()
    (out / "thesis.txt").write_text("mine")

    for words in (["--out=out"], ["--out=out", "--overwrite"]):
        done, worker = run(growbench, stand_in, *words)
        assert done.returncode == EXIT_USAGE
        assert "out exists and is not an empty folder" in done.stderr
        assert worker.calls() == []
    assert files_below(out) == ["thesis.txt"]


def test_a_file_in_the_way_is_refused(growbench, stand_in):
    (growbench.folder / "file").write_text("mine")

    for name, status in (("file", EXIT_USAGE), ("file/below", EXIT_FAILED)):
        done, worker = run(growbench, stand_in, f"--out={name}")
        assert done.returncode == status
        assert "file" in done.stderr.splitlines()[-1]
        assert "choose another --out" in done.stderr
        assert worker.calls() == []
    assert files_below(growbench.folder) == ["file"]


def test_a_folder_that_cannot_be_made_is_refused_before_anything_is_measured(growbench, stand_in):
    done, worker = run(growbench, stand_in, "--out=/proc/growbench/run")

    assert done.returncode == EXIT_FAILED
    assert "/proc/growbench cannot be made" in done.stderr
    assert "choose another --out" in done.stderr
    assert (done.stdout, worker.calls()) == ("", [])


def test_a_runs_csv_that_is_a_link_is_not_written_through(growbench, stand_in, out):
    out.mkdir()
    (growbench.folder / "elsewhere").write_text("mine")
    (out / "runs.csv").symlink_to(growbench.folder / "elsewhere")
    done, worker = run(growbench, stand_in, "--out=out", "--overwrite")

    assert done.returncode == EXIT_FAILED
    assert "out/runs.csv cannot be written" in done.stderr
    assert (growbench.folder / "elsewhere").read_text() == "mine"
    assert worker.calls() == []


def test_a_read_only_disk_is_refused_before_anything_is_measured(growbench, stand_in, small_disk):
    disk = small_disk("ro,size=1m")
    done, worker = run(growbench, stand_in, f"--out={disk}/run")

    assert done.returncode == EXIT_FAILED
    assert f"{disk}/run cannot be made: Read-only file system" in done.stderr
    assert worker.calls() == []


def test_a_disk_that_is_too_small_is_refused_before_anything_is_measured(
    growbench, stand_in, small_disk
):
    disk = small_disk("size=1m")
    done, worker = run(growbench, stand_in, f"--out={disk}/run")

    assert done.returncode == EXIT_FAILED
    assert f"{disk}/run has only 1 MB free, and this run needs up to" in done.stderr
    assert "make room" in done.stderr
    assert worker.calls() == []
    assert files_below(disk) == []


def test_a_disk_that_fills_up_leaves_whole_rows_from_which_the_run_goes_on(
    growbench, stand_in, small_disk
):
    disk = small_disk("size=20m")
    out = disk / "run"
    # The first call is the pilot's; the tenth leaves not one page.
    fill = f"test $call = 10 && cat /dev/zero >{disk}/filler 2>/dev/null; honest"
    worker = stand_in(measure=fill)
    words = (*ONE_CELL, "--rounds=60", worker.option)
    done = growbench("run", f"--out={out}", *words)

    assert done.returncode == EXIT_FAILED, done.stderr
    assert f"growbench: {out}/runs.csv cannot be written" in done.stderr
    assert "the rows so far are whole" in done.stderr
    rows = read_rows(out)
    assert 9 <= len(rows) < 60
    planned = cells_of(growbench.plan(*ONE_CELL, "--rounds=60"))
    assert cells_of(rows) == planned[: len(rows)]

    (disk / "filler").unlink()
    done = growbench("run", f"--resume={out}", "--no-summary")
    assert done.returncode == EXIT_DONE, done.stderr
    assert cells_of(read_rows(out)) == planned
    assert read_rows(out)[: len(rows)] == rows


def limit_files_to(size: int):
    """What a child calls before it becomes the runner."""
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def test_a_limit_on_file_sizes_leaves_whole_rows_from_which_the_run_goes_on(
    growbench, stand_in, out
):
    limit = 48 * 1024
    words = (*ONE_CELL, "--rounds=200", stand_in().option)
    done = growbench("run", "--out=out", *words, preexec_fn=limit_files_to(limit))
    rows = read_rows(out)
    planned = cells_of(growbench.plan(*ONE_CELL, "--rounds=200"))

    assert done.returncode == EXIT_FAILED, done.stderr
    assert "growbench: out/runs.csv cannot be written" in done.stderr
    assert "the rows so far are whole" in done.stderr
    longest = max(len(line) for line in (out / "runs.csv").read_bytes().splitlines(keepends=True))
    assert read_machine(out)["run"]["state"] == "failed"
    assert read_machine(out)["run"]["row_count"] == len(rows)
    assert limit - longest < (out / "runs.csv").stat().st_size <= limit
    assert cells_of(rows) == planned[: len(rows)]

    done = growbench("run", "--resume=out", "--no-summary")
    assert done.returncode == EXIT_DONE, done.stderr
    assert cells_of(read_rows(out)) == planned


def test_a_limit_that_allows_no_file_at_all_is_an_error_and_no_signal(growbench, stand_in, out):
    worker = stand_in()
    words = (*ONE_CELL, "--rounds=2", worker.option)
    done = growbench("run", "--out=out", *words, preexec_fn=limit_files_to(0))

    assert done.returncode == EXIT_FAILED, "ended by SIGXFSZ?"
    assert "out/runs.csv cannot be written: File too large" in done.stderr
    assert worker.calls() == []
    assert not out.exists()


def test_a_machine_json_that_cannot_be_written_stops_the_run_before_the_rounds(
    growbench, stand_in, out
):
    worker = stand_in()
    words = (*ONE_CELL, "--rounds=2", worker.option)
    done = growbench("run", "--out=out", *words, preexec_fn=limit_files_to(4096))

    assert done.returncode == EXIT_FAILED
    assert "out/machine.json cannot be written: the disk is full" in done.stderr
    assert worker.measured() == 0
    assert not (out / "machine.json").exists()


def test_a_folder_that_must_not_be_written_is_refused(plain_user):
    plain_user.folder.chmod(0o555)
    done = plain_user("run", "--out=out", *ONE_CELL)

    assert (done.returncode, done.stdout) == (EXIT_FAILED, "")
    assert "out cannot be made: Permission denied" in done.stderr
    assert list(plain_user.folder.iterdir()) == []


@real_allocators
def test_a_run_that_belongs_to_somebody_else_is_not_gone_on_with(plain_user):
    """Nor is anything of it changed."""
    assert plain_user("run", "--out=out", *ONE_CELL, "--rounds=1").returncode == EXIT_DONE
    out = plain_user.folder / "out"
    kept = {path.name: path.read_bytes() for path in out.iterdir()}
    for path in (*out.iterdir(), out):
        path.chmod(0o555 if path.is_dir() else 0o444)
    for words in (("--resume=out",), ("--out=out", "--overwrite", *ONE_CELL)):
        done = plain_user("run", *words)
        assert done.returncode in (EXIT_FAILED, EXIT_USAGE), words
        assert "Permission denied" in done.stderr, words
        assert {path.name: path.read_bytes() for path in out.iterdir()} == kept
    out.chmod(0o755)
