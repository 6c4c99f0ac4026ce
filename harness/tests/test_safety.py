"""What workers, folders and files of others say and hold does no harm: SECURITY.md, tried out."""

import json
import os
import shutil
import stat
import subprocess
from pathlib import Path

import pytest
from conftest import (
    EXIT_DONE,
    EXIT_UNMEASURED,
    EXIT_USAGE,
    GROWBENCH,
    ONE_CELL,
    SANITIZED,
    WORKER,
    environment,
    read_machine,
    read_rows,
)

# A terminal would clear itself and take a new title; the last is the same command in two bytes.
COMMANDS = "\\033[2J\\033]0;owned\\007\\302\\2332J"


def is_plain(text: str) -> bool:
    """Does the text leave a terminal as it is? Line ends are no harm."""
    return all(char.isprintable() or char == "\n" for char in text)


# ---- texts ----


def test_what_a_worker_writes_to_stderr_does_not_command_the_terminal(growbench, stand_in, out):
    worker = stand_in(measure=f"printf '{COMMANDS}red\\n' >&2; exit 1")
    done = growbench("run", "--out=out", *ONE_CELL, "--rounds=1", worker.option)

    assert done.returncode == EXIT_UNMEASURED
    assert "red" in done.stderr and is_plain(done.stderr)
    assert all(is_plain(row["status_detail"]) for row in read_rows(out))


def test_a_report_that_makes_no_sense_is_quoted_harmlessly(growbench, stand_in, out):
    worker = stand_in(measure=f"begin; printf 'x{COMMANDS} 1\\n' >&3; end")
    done = growbench("run", "--out=out", *ONE_CELL, "--rounds=1", worker.option)

    assert done.returncode == EXIT_UNMEASURED
    assert "owned" in done.stderr and is_plain(done.stderr)


def test_the_help_that_a_program_gives_its_strategies_is_listed_harmlessly(growbench, tmp_path):
    script = tmp_path / "worker.sh"
    script.write_text(
        "printf 'growbench-report 1\\nstrategy push linear "
        f"{COMMANDS}help\\npasses measure\\nstatus ok\\nend\\n' >&3\n"
    )
    done = growbench("list", f"--worker=mine=sh {script}")

    assert done.returncode == EXIT_DONE, done.stderr
    assert "help" in done.stdout and is_plain(done.stdout)


def test_a_machine_json_of_others_is_quoted_harmlessly(growbench, stand_in, out):
    worker = stand_in()
    growbench("run", "--out=out", *ONE_CELL, "--rounds=2", worker.option)
    machine = read_machine(out)
    machine["run"]["arguments"] = ["--strategies=\033[2J\u009b2Jowned"]
    (out / "machine.json").write_text(json.dumps(machine))
    done = growbench("run", "--resume=out")

    assert done.returncode == EXIT_USAGE
    assert "owned" in done.stderr and is_plain(done.stderr)


def test_a_folder_s_name_is_told_harmlessly(growbench, stand_in):
    worker = stand_in()
    done = growbench("run", "--out=\033[2Jowned", *ONE_CELL, "--rounds=2", worker.option)

    assert done.returncode == EXIT_DONE, done.stderr
    assert "owned" in done.stderr and is_plain(done.stderr)
    assert done.stdout == "\033[2Jowned\n", "it is for programs"


# ---- files ----


def test_a_temporary_file_that_is_there_already_is_replaced_and_not_written_to(
    growbench, stand_in, out
):
    worker = stand_in()
    victim = growbench.folder / "victim"
    for plant in (
        lambda path: path.symlink_to(victim),
        lambda path: os.link(victim, path),
        os.mkfifo,
    ):
        victim.write_text("mine")
        growbench("run", "--out=out", *ONE_CELL, "--rounds=2", worker.option)
        plant(out / "machine.json.tmp")
        words = ("--out=out", "--overwrite", *ONE_CELL, "--rounds=2", worker.option)
        done = growbench("run", *words, timeout=20)

        assert done.returncode == EXIT_DONE, done.stderr
        assert victim.read_text() == "mine"
        assert sorted(path.name for path in out.iterdir()) == ["machine.json", "runs.csv"]
        shutil.rmtree(out)


def test_a_machine_json_that_is_a_link_is_replaced_and_not_written_through(
    growbench, stand_in, out
):
    worker = stand_in()
    victim = growbench.folder / "victim"
    growbench("run", "--out=out", *ONE_CELL, "--rounds=2", worker.option)
    shutil.move(out / "machine.json", victim)
    before = victim.read_bytes()
    (out / "machine.json").symlink_to(victim)
    words = ("--out=out", "--overwrite", *ONE_CELL, "--seed=5", worker.option)
    done = growbench("run", *words)

    assert done.returncode == EXIT_DONE, done.stderr
    assert victim.read_bytes() == before
    assert not (out / "machine.json").is_symlink()


def test_a_run_is_not_begun_through_a_link(growbench, stand_in, out):
    worker = stand_in()
    (growbench.folder / "elsewhere").mkdir()
    for target in ("elsewhere", "nowhere"):
        out.symlink_to(target)
        for name in ("out", "out/"):
            done = growbench("run", f"--out={name}", *ONE_CELL, "--rounds=2", worker.option)
            assert done.returncode == EXIT_USAGE
            assert "out is a symbolic link" in done.stderr
        out.unlink()
    assert worker.calls() == []
    assert list(growbench.folder.rglob("*")) == [growbench.folder / "elsewhere"]


def test_nobody_else_may_write_to_a_run_whatever_the_umask(growbench, stand_in):
    worker = stand_in()
    words = [word for word in ONE_CELL if word != "--no-summary"]
    done = growbench(
        "run", "--out=a/b", *words, "--rounds=2", worker.option, preexec_fn=lambda: os.umask(0)
    )
    made = [growbench.folder / "a", *(growbench.folder / "a").rglob("*")]

    assert done.returncode == EXIT_DONE, done.stderr
    assert {path.name for path in made} >= {"b", "runs.csv", "machine.json", "summary.csv"}
    for path in made:
        mode = path.stat().st_mode
        assert stat.S_IMODE(mode) == (0o755 if stat.S_ISDIR(mode) else 0o644), path


# ---- rights ----


def test_a_worker_cannot_get_rights_that_the_caller_has_not(growbench, stand_in, out):
    worker = stand_in(measure="grep NoNewPrivs /proc/self/status >&2; exit 1")
    growbench("run", "--out=out", *ONE_CELL, "--rounds=1", worker.option)
    (row,) = read_rows(out)

    assert "NoNewPrivs: 1" in row["status_detail"]


def lent(program: Path, folder: Path) -> Path:
    """A copy of the program that would run as nobody; skips where that cannot be."""
    copy = folder / program.name
    shutil.copy(program, copy)
    if os.geteuid() != 0:
        pytest.skip("only root can lend a program's rights to another user")
    os.chown(copy, 65534, -1)
    copy.chmod(0o4755)
    return copy


@pytest.mark.skipif(SANITIZED, reason="a sanitizer stops such a program on its own")
def test_the_runner_refuses_to_run_with_rights_that_the_caller_has_not(tmp_path):
    probe = lent(Path(shutil.which("id")), tmp_path)
    if subprocess.run([probe, "-u"], capture_output=True, text=True).stdout != "65534\n":
        pytest.skip("no program gets other rights here: nosuid, or no_new_privs")
    shutil.copy(WORKER, tmp_path)
    runner = lent(GROWBENCH, tmp_path)
    for words in (["--version"], ["list"], ["run", "--out=out", *ONE_CELL]):
        done = subprocess.run(
            [runner, *words], cwd=tmp_path, env=environment(), capture_output=True, text=True
        )
        assert (done.returncode, done.stdout) == (EXIT_USAGE, "")
        assert "would run its workers with rights that you do not have" in done.stderr
    assert not (tmp_path / "out").exists()
