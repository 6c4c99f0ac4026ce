"""The runner is compiled so that a mistake in it ends it; what is measured is compiled as usual."""

import os
import subprocess

import pytest
from conftest import GROWBENCH, SANITIZED, WORKER

pytestmark = pytest.mark.skipif(
    SANITIZED or os.environ.get("GROWBENCH_BUILD_TYPE") == "Debug",
    reason="sanitizers bring flags of their own, and nothing is checked without optimisation",
)

MEASURED = (
    "growbench-worker",
    "libgrowbench-kernels.so",
    "libgrowbench-trace.so",
    "libgrowbench-worker.so",
)


def output_of(*words) -> str:
    return subprocess.run(
        [str(word) for word in words], capture_output=True, text=True, check=True
    ).stdout


def calls_of(program) -> set:
    """What it calls in shared libraries, without the versions."""
    return {
        line.split()[-1].split("@")[0]
        for line in output_of("nm", "-D", "-u", program).split("\n")
        if line
    }


def checks_of(program) -> set:
    """Those of its calls that a compiler puts in on its own."""
    return {name for name in calls_of(program) if name.endswith("_chk") or "stack_chk" in name}


def test_the_runner_lies_anywhere_and_its_tables_are_closed_before_it_begins():
    dynamic = output_of("readelf", "-dW", GROWBENCH)
    segments = output_of("readelf", "-lW", GROWBENCH)
    (stack,) = [line.split() for line in segments.split("\n") if "GNU_STACK" in line]

    assert "DYN (Position-Independent Executable" in output_of("readelf", "-hW", GROWBENCH)
    assert "PIE" in dynamic and "NOW" in dynamic
    assert "GNU_RELRO" in segments
    assert "E" not in stack[-2], "its stack can be executed"


def test_the_runner_checks_its_stack_and_its_buffers():
    checks = checks_of(GROWBENCH)

    assert "__stack_chk_fail" in checks
    assert "__snprintf_chk" in checks, checks


def test_what_is_measured_is_compiled_as_the_compiler_does_by_itself(tmp_path):
    source = tmp_path / "usual.c"
    source.write_text(
        "#include <stdio.h>\nint main(int n, char **a) { char t[64]; "
        'snprintf(t, n, "%s", a[0]); return puts(t); }\n'
    )
    output_of("cc", "-O2", "-o", tmp_path / "usual", source)
    if checks_of(tmp_path / "usual"):
        pytest.skip("this compiler checks everything by itself")

    for name in MEASURED:
        assert checks_of(WORKER.with_name(name)) == set(), name
