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
)

# A terminal would clear itself and take a new title; the last is the same command in two bytes.
COMMANDS = "\\033[2J\\033]0;owned\\007\\302\\2332J"


def is_plain(text: str) -> bool:
    """Does the text leave a terminal as it is? Line ends are no harm."""
    return all(char.isprintable() or char == "\n" for char in text)


# ---- texts ----


def test_what_a_worker_writes_to_stderr_does_not_command_the_terminal(growbench, stand_in):
    worker = stand_in(measure=f"printf '{COMMANDS}red\\n' >&2; exit 1")
    done = growbench.run(*ONE_CELL, worker.option, ends=EXIT_UNMEASURED)

    assert "red" in done.stderr and is_plain(done.stderr)
    assert all(is_plain(row["status_detail"]) for row in done.rows)


def test_a_report_that_makes_no_sense_is_quoted_harmlessly(growbench, stand_in):
    worker = stand_in(measure=f"begin; printf 'x{COMMANDS} 1\\n' >&3; end")
    done = growbench.run(*ONE_CELL, worker.option, ends=EXIT_UNMEASURED)

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
    machine = growbench.run(*ONE_CELL, stand_in().option).machine
    machine["run"]["arguments"] = ["--strategies=\033[2J\u009b2Jowned"]
    (out / "machine.json").write_text(json.dumps(machine))
    done = growbench.resume(ends=EXIT_USAGE)

    assert "owned" in done.stderr and is_plain(done.stderr)


def test_a_folder_s_name_is_told_harmlessly(growbench, stand_in):
    done = growbench.run(*ONE_CELL, stand_in().option, into="\033[2Jowned")

    assert "owned" in done.stderr and is_plain(done.stderr)
    assert done.stdout == "\033[2Jowned\n", "it is for programs"


# ---- files ----


@pytest.mark.parametrize(
    ("name", "plant"),
    [
        ("machine.json.tmp", lambda path, victim: path.symlink_to(victim)),
        ("machine.json.tmp", lambda path, victim: os.link(victim, path)),
        ("machine.json.tmp", lambda path, victim: os.mkfifo(path)),
        ("machine.json", lambda path, victim: path.symlink_to(victim)),
    ],
    ids=["symbolic link", "link", "fifo", "machine.json"],
)
def test_what_stands_in_a_file_s_place_is_replaced_and_not_written_to(
    growbench, stand_in, out, name, plant
):
    worker = stand_in()
    growbench.run(*ONE_CELL, worker.option)
    victim = growbench.folder / "victim"
    victim.write_bytes((out / "machine.json").read_bytes() + b"mine")
    before = victim.read_bytes()
    (out / name).unlink(missing_ok=True)
    plant(out / name, victim)
    growbench.run(*ONE_CELL, "--seed=5", "--overwrite", worker.option, timeout=20)

    assert victim.read_bytes() == before
    assert sorted(path.name for path in out.iterdir()) == ["machine.json", "runs.csv"]
    assert not (out / "machine.json").is_symlink()


def test_a_run_is_not_begun_through_a_link(growbench, stand_in, out):
    worker = stand_in()
    (growbench.folder / "elsewhere").mkdir()
    for target in ("elsewhere", "nowhere"):
        out.symlink_to(target)
        for name in ("out", "out/"):
            done = growbench.run(*ONE_CELL, worker.option, into=name, ends=EXIT_USAGE)
            assert "out is a symbolic link" in done.stderr
        out.unlink()
    assert worker.calls() == []
    assert list(growbench.folder.rglob("*")) == [growbench.folder / "elsewhere"]


def test_nobody_else_may_write_to_a_run_whatever_the_umask(growbench, stand_in):
    words = ("run", "--out=a/b", *ONE_CELL, stand_in().option)
    done = growbench(*words, preexec_fn=lambda: os.umask(0))
    made = [growbench.folder / "a", *(growbench.folder / "a").rglob("*")]

    assert done.returncode == EXIT_DONE, done.stderr
    assert {path.name for path in made} >= {"b", "runs.csv", "machine.json", "summary.csv"}
    for path in made:
        mode = path.stat().st_mode
        assert stat.S_IMODE(mode) == (0o755 if stat.S_ISDIR(mode) else 0o644), path


# ---- rights ----


def test_a_worker_cannot_get_rights_that_the_caller_has_not(growbench, stand_in):
    worker = stand_in(measure="grep NoNewPrivs /proc/self/status >&2; exit 1")
    (row,) = growbench.run(*ONE_CELL, worker.option, ends=EXIT_UNMEASURED).rows

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
