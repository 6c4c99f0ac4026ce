"""What people said in public of arrays that grow, as tests of the harness (../README.md has them).

Counts, bytes, page faults and peaks are asserted, of real allocators; a duration never is.
"""

import sys

import pytest
from conftest import EMULATED, GROWBENCH, REPOSITORY, environment, real_allocators

sys.path.insert(0, str(REPOSITORY / "scripts"))
from growbench.promises.public_case import judged, measure  # noqa: E402
from growbench.promises.public_cases import CASES, names  # noqa: E402


@real_allocators
@pytest.mark.skipif(EMULATED, reason="an emulator's memory is not the kernel's")
@pytest.mark.parametrize("make", CASES, ids=names())
def test_a_public_case_shows_what_it_must(make, tmp_path):
    case = make(False)
    figures = measure(case, GROWBENCH, tmp_path, variables=environment())
    results = [judged(expected, figures) for expected in case.expected]
    assert not [shown for shown in results if shown.failed]
    if all(shown.unknown for shown in results):
        pytest.skip("; ".join(sorted({shown.unknown for shown in results})))
