"""Which allocator a worker names when the interposer is preloaded in front of it."""

import pytest
from conftest import WORKER, real_allocators
from test_run import LIBRARIES, library, needs
from test_worker import read_report, worker

INTERPOSER = WORKER.parent / "libgrowbench-trace.so"

pytestmark = real_allocators


def identity(preload: str):
    """The report of a worker with that in LD_PRELOAD."""
    return read_report(worker("resolution", variables={"LD_PRELOAD": preload}).stdout)


@pytest.mark.parametrize("name", LIBRARIES)
def test_a_worker_looks_through_the_interposer(name):
    needs(name)
    behind = "" if name == "glibc" else library(name)
    traced = identity(f"{INTERPOSER}:{behind}")
    plain = identity(behind)

    assert traced["allocator_path"] == library(name)
    for column in ("status", "allocator_path", "allocator_version", "allocator_build_id"):
        assert traced[column] == plain[column]


def test_an_allocator_in_front_of_the_interposer_is_refused():
    needs("jemalloc")
    report = identity(f"{library('jemalloc')}:{INTERPOSER}")

    assert report["status"] == "wrong_allocator"
    assert "jemalloc" in report["status_detail"]
    assert "LD_PRELOAD" in report["status_detail"]
    assert "allocator_path" not in report
