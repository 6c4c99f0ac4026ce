"""The commands of the README's section on programs, as they are written."""

import re
import shutil
import subprocess

import pytest
from conftest import GROWBENCH, REPOSITORY, SANITIZED, environment

HEADING = "Which allocator suits my program?"


def section() -> str:
    text = (REPOSITORY / "README.md").read_text(encoding="utf-8")
    return text.split(f"\n## {HEADING}\n", 1)[1].split("\n## ", 1)[0]


def commands() -> list:
    """What is typed there, line by line; the continued ones as one, and without remarks."""
    code = "\n".join(re.findall(r"^    (.*)$", section(), re.M)).replace("\\\n", " ")
    lines = [re.sub(r" +# .*", "", line) for line in code.splitlines()]
    return [line for line in lines if line.startswith("build/growbench ")]


@pytest.mark.skipif(SANITIZED, reason="a sanitizer interposes malloc")
@pytest.mark.skipif(shutil.which("sqlite3") is None, reason="sqlite3 is not installed")
def test_the_commands_of_the_section_work_as_they_are_written(tmp_path):
    """But for the replay's rounds, which are many, and its allocators, which may be missing."""
    (tmp_path / "build").symlink_to(GROWBENCH.parent)
    verbs = []
    for command in commands():
        verbs.append(command.split()[1])
        if verbs[-1] == "replay":
            command += " --rounds 1 --allocators glibc"
        done = subprocess.run(
            ["sh", "-c", command],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            env=environment(),
            check=False,
        )
        assert done.returncode == 0, f"{command}\n{done.stderr}"
        if verbs[-1] == "advise":
            assert ": take glibc (cold: " in done.stdout
            assert "grew, by" in done.stdout and "would save" in done.stdout
    assert verbs == ["record", "replay", "advise", "profile"]
