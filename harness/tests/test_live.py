"""A live comparison from end to end: the real runner, the real worker, a build of its own."""

import shutil
import subprocess
from pathlib import Path

import pytest
from conftest import GROWBENCH, SANITIZED, WORKER, read_rows


@pytest.mark.skipif(SANITIZED, reason="a sanitizer's worker is slow, and this is no test of it")
def test_two_builds_are_measured_interleaved_and_compared(tmp_path):
    build = tmp_path / "build-b"
    build.mkdir()
    shutil.copy2(WORKER, build / WORKER.name)
    done = subprocess.run(
        [
            *(GROWBENCH, "compare-live", "--runner", GROWBENCH),
            *("--new", build, "--out", tmp_path / "live"),
        ]
        + ["--rounds", "6", "--metric", "peak_memory"]
        + ["--", "--strategies", "realloc_doubling", "--rows", "10k", "--quiet"],
        capture_output=True,
        text=True,
        check=False,
    )
    # What the figures say is up to the machine; that they were made and compared is not.
    assert done.returncode in (0, 1, 4), done.stderr
    assert f"{build} against this build" in done.stdout
    assert "compared as pairs" in done.stdout
    rows = read_rows(Path(tmp_path) / "live")
    labels = [row["allocator"] for row in rows]
    assert labels.count("base.glibc") == labels.count("new.glibc") == 6
    assert all(set(labels[i : i + 2]) == {"base.glibc", "new.glibc"} for i in range(0, 12, 2))
