"""Systems that cannot work are refused before anything is built, with what works all the same."""

import platform
import shutil
import subprocess
from pathlib import Path

import pytest
from conftest import REPOSITORY, environment

pytestmark = pytest.mark.skipif(shutil.which("cmake") is None, reason="there is no cmake here")


def refused(tmp_path: Path, *settings: str) -> str:
    """What CMake says to such a system, on one line."""
    words = ["cmake", "-S", str(REPOSITORY), "-B", str(tmp_path / "build"), *settings]
    done = subprocess.run(
        words, env=environment(), capture_output=True, text=True, timeout=120, check=False
    )
    said = " ".join(done.stderr.split())

    assert done.returncode != 0, done.stdout
    assert said.count("CMake Error") == 1, "one message"
    assert "growbench cannot measure on this system. It needs" in said
    assert "What works all the same needs Python alone: plots, tables, reports" in said
    assert not (tmp_path / "build" / "Makefile").exists()
    return said


GLIBC = "glibc 2.34 or newer (this C library is older, or another, such as musl)"
OLD = "#define __GLIBC__ 2\n#define __GLIBC_PREREQ(major, minor) ((minor) <= 31)\n"


@pytest.mark.parametrize("features", ["/* as musl's, it says nothing of glibc */\n", OLD])
def test_a_c_library_that_is_not_glibc_or_old_is_refused(tmp_path, features):
    (tmp_path / "features.h").write_text(features)
    said = refused(tmp_path, f"-DCMAKE_C_FLAGS=-I{tmp_path}")

    assert GLIBC in said
    assert "64 bits" not in said


@pytest.mark.skipif(platform.machine() != "x86_64", reason="there is no compiler of 32 bits here")
def test_32_bits_are_refused(tmp_path):
    """Without their C library a program cannot be linked, which CMake does not have to try."""
    said = refused(
        tmp_path,
        "-DCMAKE_TRY_COMPILE_TARGET_TYPE=STATIC_LIBRARY",
        "-DCMAKE_C_FLAGS=-m32",
        "-DCMAKE_CXX_FLAGS=-m32",
    )

    assert "64 bits (this compiler makes programs of 32)" in said
    assert "glibc" not in said
