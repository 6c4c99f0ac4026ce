"""setup.sh with a package manager that only writes down what it is asked for; the words that the
Makefile gives it; and what try-system.sh refuses."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SETUP = ROOT / "scripts" / "setup.sh"
# The tools that setup.sh needs beside those of the package manager.
TOOLS = ("sh", "tr", "sed", "grep", "awk", "env", "echo")
# apt-cache tells these apart by the version alone: the first exists as a name only.
POLICY = """\
{name}:
  Installed: (none)
  Candidate: {candidate}
  Version table:
"""


class System:
    """A system with these packages installed, and these to be had."""

    def __init__(self, folder: Path, installed: set[str], available: dict[str, str], user: int = 0):
        self.bin = folder / "bin"
        self.bin.mkdir()
        self.asked = folder / "asked"
        for tool in TOOLS:
            found = shutil.which(tool)
            assert found
            (self.bin / tool).symlink_to(found)
        status = "".join(f"installed {name}\n" for name in sorted(installed))
        policy = "".join(
            POLICY.format(name=name, candidate=version) for name, version in available.items()
        )
        self._tool("dpkg-query", f"cat <<'END'\n{status}END")
        self._tool("apt-cache", f'echo "apt-cache $*" >>"{self.asked}"\ncat <<\'END\'\n{policy}END')
        self._tool("apt-get", f'echo "apt-get $*" >>"{self.asked}"')
        self._tool("id", f"echo {user}")
        cat = shutil.which("cat")
        assert cat
        (self.bin / "cat").symlink_to(cat)

    def _tool(self, name: str, script: str) -> None:
        path = self.bin / name
        path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        path.chmod(0o755)

    def setup(self, *words: str) -> subprocess.CompletedProcess:
        return subprocess.run(
            [str(SETUP), *words],
            env={"PATH": str(self.bin), "LC_ALL": "C.UTF-8"},
            capture_output=True,
            text=True,
            check=False,
        )

    def installs(self) -> list[list[str]]:
        """The packages of each apt-get install, after "download" if they are not to be unpacked."""
        lines = [line.split() for line in self.asked.read_text(encoding="utf-8").splitlines()]
        lines = [line for line in lines if line[:2] == ["apt-get", "install"]]
        return [
            ["download"] * ("--download-only" in line)
            + [word for word in line[2:] if not word.startswith("-")]
            for line in lines
        ]


def names(option: str = "") -> list[list[str]]:
    """The alternatives of each word that setup.sh installs, from its own list."""
    text = SETUP.read_text(encoding="utf-8")
    lists = ["measure", "allocators", "plot"] + ([option] if option else [])
    found = []
    for name in lists:
        words = text.split(f"\n{name}='", 1)[1].split("'", 1)[0].split()
        found += [word.split("|") for word in words]
    return found


def all_to_be_had(**other: str) -> dict[str, str]:
    wanted = {name: "1.0" for words in names() for name in words}
    return {**wanted, **{name.replace("_", "-"): version for name, version in other.items()}}


def test_a_name_without_a_candidate_is_passed_over(tmp_path):
    available = all_to_be_had(libmimalloc3="(none)")
    del available["libtcmalloc-minimal4t64"]
    system = System(tmp_path, set(), available)
    done = system.setup()

    assert done.returncode == 0, done.stderr
    (packages,) = system.installs()
    assert "libmimalloc3" not in packages and "libmimalloc2.1" in packages
    assert "libtcmalloc-minimal4" in packages and "libtcmalloc-minimal4t64" not in packages
    assert len(packages) == len(names()), "one of the alternatives of each word"


def test_what_is_installed_is_kept_and_nothing_else_looked_for(tmp_path):
    installed = {words[-1] for words in names()}
    system = System(tmp_path, installed, all_to_be_had())
    done = system.setup()

    assert (done.returncode, done.stdout) == (0, "setup: everything is installed\n")
    assert not system.asked.exists()


def test_an_allocator_that_cannot_be_had_is_told_and_left_out(tmp_path):
    system = System(tmp_path, set(), all_to_be_had(libtbbmalloc2="(none)"))
    done = system.setup()

    assert done.returncode == 0
    assert "no package libtbbmalloc2 here; going on without that allocator" in done.stderr
    assert "libtbbmalloc2" not in system.installs()[0]


def test_another_package_that_cannot_be_had_ends_it_before_anything_is_installed(tmp_path):
    system = System(tmp_path, set(), all_to_be_had(uthash_dev="(none)"))
    done = system.setup()

    assert done.returncode == 1
    assert "no package named uthash-dev" in done.stderr
    assert system.installs() == []


def test_what_plots_need_is_only_downloaded_before_measuring(tmp_path):
    system = System(tmp_path, set(), all_to_be_had())
    done = system.setup("--only-measure")

    assert done.returncode == 0, done.stderr
    first, later = system.installs()
    assert later == ["download", "python3-pandas", "python3-scipy", "python3-matplotlib"]
    assert not set(first) & set(later) and "python3-numpy" in first


def test_without_rights_it_says_what_root_has_to_run(tmp_path):
    system = System(tmp_path, {words[0] for words in names()} - {"cmake"}, {}, user=1000)
    done = system.setup()

    assert done.returncode == 1
    assert done.stderr.endswith("  apt-get install cmake\n")
    assert not system.asked.exists()


def test_an_unknown_word_is_wrong_usage(tmp_path):
    done = System(tmp_path, set(), {}).setup("--with-everything")

    assert done.returncode == 2
    assert "--with-everything" in done.stderr and "usage" in done.stderr


@pytest.mark.parametrize(
    "goals, words",
    [
        ("setup", []),
        ("setup bench", ["--only-measure"]),
        ("setup report", ["--with-report"]),
        ("setup test", ["--with-tests"]),
        ("setup bench test", ["--with-tests"]),
        ("setup lint", ["--with-tests", "--with-lint"]),
    ],
)
def test_make_installs_what_the_commands_beside_setup_need(goals, words):
    # Not what a make that runs this test says to those that it starts.
    variables = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    done = subprocess.run(
        ["make", "-n", "-C", str(ROOT), *goals.split(), "RUN=x"],
        env=variables,
        capture_output=True,
        text=True,
        check=True,
    )
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("scripts/setup.sh")]
    assert line.split()[1:] == words


@pytest.mark.parametrize(
    "words, message",
    [
        (["potato"], "unknown suite 'potato'; the suites are: bookworm trixie sid"),
        ([], "the suites are: bookworm trixie sid"),
        (["--page-size", "64K", "trixie", "arm64"], "not '64K'"),
        (["--commit", "no-such-commit", "trixie"], "there is no commit 'no-such-commit'"),
        (["--frobnicate", "trixie"], "unknown option '--frobnicate'"),
    ],
)
def test_a_system_that_is_not_known_is_refused_before_anything_is_made(words, message):
    done = subprocess.run(
        [str(ROOT / "scripts" / "try-system.sh"), *words],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
