"""A live comparison from end to end: the real runner, the real worker, a build of its own."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from conftest import GROWBENCH, SANITIZED, WORKER, libc_path, read_rows


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
        + ["--rounds", "6", "--metric", "peak_memory", "--pairing", "interleaved"]
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


def test_a_library_that_is_not_there_is_told_before_anything_is_measured(tmp_path):
    done = subprocess.run(
        [GROWBENCH, "compare-live", "--runner", GROWBENCH, "--out", tmp_path / "live"]
        + ["--base", libc_path(), "--new", tmp_path / "libgone.so"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2 and not (tmp_path / "live").exists()
    assert f"--new {tmp_path}/libgone.so cannot be measured: " in done.stderr
    assert "No such file" in done.stderr


@pytest.mark.skipif(SANITIZED, reason="a sanitizer's own allocator stands in front of the worker's")
@pytest.mark.parametrize("pairing", ["interleaved", "duet"])
def test_two_files_of_one_allocator_are_told_by_what_they_do_exactly(tmp_path, pairing):
    if pairing == "duet" and len(os.sched_getaffinity(0)) < 2:
        pytest.skip("a duet needs two CPUs, and there is one")
    copies = [tmp_path / name / "libc.so.6" for name in ("old", "new")]
    for copy in copies:
        copy.parent.mkdir()
        copy.symlink_to(libc_path())
    # The same library twice: nothing changed; and once with another threshold for mmap.
    sides = [f"old={copies[0]}", f"new={copies[1]}"]
    variable = "GLIBC_TUNABLES=glibc.malloc.mmap_threshold=4096"
    for name, new, worse in (("same", sides[1], False), ("other", f"{sides[1]},{variable}", True)):
        done = subprocess.run(
            [GROWBENCH, "compare-live", "--runner", GROWBENCH, "--base", sides[0], "--new", new]
            + ["--out", tmp_path / name, "--rounds", "6", "--pairing", pairing, "--format", "json"]
            + ["--metric", "peak_memory"]
            + ["--", "--strategies", "append_in_place", "--rows", "1k", "--quiet"],
            capture_output=True,
            text=True,
            check=False,
        )
        [page] = json.loads(done.stdout)["comparisons"]
        exact = {row["exact"] for row in page["tables"].get("exact", {"rows": []})["rows"]}
        # Of 1,000 rows all after the 52nd are in blocks of their own, which mremap makes larger.
        assert ("realloc_remapped" in exact) == worse, done.stdout
        assert page["title"] == "new against old"
        if worse:
            assert done.returncode == 1
        rows = read_rows(tmp_path / name)
        assert len({row["cpu"] for row in rows}) == (2 if pairing == "duet" else 1)
        counted = read_rows(tmp_path / name / "counted")
        assert {row["pass"] for row in counted} <= {"trace", "instructions"}
