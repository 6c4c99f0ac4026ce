"""What people said in public of arrays that grow, as tests of the harness (../README.md has them).

Counts, bytes, page faults and peaks are asserted, of real allocators; a duration never is.
"""

import subprocess
import sys

import pytest
from conftest import EMULATED, GROWBENCH, REPOSITORY, environment, real_allocators

sys.path.insert(0, str(REPOSITORY / "scripts"))
from growbench.promises.public_case import judged, measure  # noqa: E402
from growbench.promises.public_cases import CASES, doubling, names  # noqa: E402


pytestmark = [
    real_allocators,
    pytest.mark.skipif(EMULATED, reason="an emulator's memory is not the kernel's"),
]


@pytest.mark.parametrize("make", CASES, ids=names())
def test_a_public_case_shows_what_it_must(make, tmp_path):
    case = make(False)
    figures = measure(case, GROWBENCH, tmp_path, variables=environment())
    results = [judged(expected, figures) for expected in case.expected]
    assert not [shown for shown in results if shown.failed]
    if all(shown.unknown for shown in results):
        pytest.skip("; ".join(sorted({shown.unknown for shown in results})))


def test_a_case_fails_where_what_it_stands_on_is_taken_away(tmp_path):
    """Without mremap glibc copies what grows, as the others do."""
    refuse = GROWBENCH.parent / "growbench-refuse"
    if subprocess.run([str(refuse), "mremap", "/bin/true"], check=False).returncode != 0:
        pytest.skip("no sandbox can be made here")
    case = doubling(False)
    runs = {
        name: run._replace(cells=[cell for cell in run.cells if cell.allocator == "glibc"])
        for name, run in case.runs.items()
    }
    runner = tmp_path / "growbench"
    runner.write_text(f'#!/bin/sh\nexec "{refuse}" mremap "{GROWBENCH}" "$@"\n')
    runner.chmod(0o755)
    figures = measure(case._replace(runs=runs), runner, tmp_path, variables=environment())
    results = [judged(one, figures) for one in case.expected if one.cell.allocator == "glibc"]
    assert [round(shown.value, 1) for shown in results] == [1.5, 1.0, 1.0, 2.0]
    assert [shown.failed for shown in results] == [True, True, False, True]
