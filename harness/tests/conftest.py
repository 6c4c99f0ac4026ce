"""The runner and the worker as programs: how the tests call them, and workers that misbehave.

GROWBENCH and GROWBENCH_WORKER name the two programs (CTest sets them; build/ is the default).
GROWBENCH_SANITIZE, if not empty, says that they are instrumented: what puts an allocator in front
of the real worker is skipped then, as a sanitizer brings an allocator of its own. Most tests of
the runner use a stand-in for the worker, a few lines of sh that report made-up figures: it is
fast, has no allocator of its own, and does on request whatever a worker should not do.
"""

import csv
import json
import os
import re
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Callable, Dict, Iterator, List, NamedTuple, Optional, Sequence

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
GROWBENCH = Path(os.environ.get("GROWBENCH") or REPOSITORY / "build/growbench").resolve()
WORKER = Path(os.environ.get("GROWBENCH_WORKER") or REPOSITORY / "build/growbench-worker").resolve()
INTERPOSER = WORKER.parent / "libgrowbench-trace.so"
# How many times as long as usual a program may take.
PATIENCE = float(os.environ.get("GROWBENCH_TEST_TIMEOUT_FACTOR") or 1)
EMULATED = PATIENCE > 1
SANITIZED = bool(os.environ.get("GROWBENCH_SANITIZE", "").strip())

# The user, and the group, who owns nothing.
NOBODY = 65534

EXIT_DONE = 0
EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_WORKERS = 3
EXIT_UNMEASURED = 4
EXIT_INTERRUPTED = 130

# What a worker says in the other passes.
FIGURES_OF_PASS = {
    "trace": {"malloc_count": "1", "realloc_moved_count": "2", "copied_bytes": "300"},
    "latency": {"latency_append_count": "10", "latency_max_ns": "70000"},
    "probe": {"probe_ns": "3.25", "probe_min_ns": "3", "probe_value_count": "9"},
}

# What identifies a row but for the library and the figures.
CELL = ("round", "pass", "implementation", "strategy", "allocator", "rows", "row_bytes", "threads")


# Every strategy is a file; how many there are is for nobody to know. Ours come first.
STRATEGY_FILES = [
    path
    for folders in (("strategies", "shapes"), ("containers",))
    for path in sorted(
        (path for folder in folders for path in (REPOSITORY / "kernels" / folder).iterdir()),
        key=lambda path: path.stem,
    )
    if path.suffix in (".c", ".cc")
]
STRATEGIES = [path.stem for path in STRATEGY_FILES]
# Those that no run has that names none.
ON_REQUEST = {path.stem for path in STRATEGY_FILES if ".on_request = true" in path.read_text()}
# Those that put their rows in another order, or cut them.
OTHER_ROWS = {path.stem for path in STRATEGY_FILES if ".expected = " in path.read_text()}
# What growbench-worker has.
COMPILED = "c,cpp,glib,uthash"
# What the stand-in reports; "worker" columns of runs.csv that hold no figure are in IDENTITY.
FIGURES = {
    "cold_build_ns": "1001",
    "cold_scan_ns": "1002",
    "cold_release_ns": "1003",
    "cold_build_minor_fault_count": "4",
    "cold_build_major_fault_count": "0",
    "cold_user_ns": "1006",
    "cold_system_ns": "1007",
    "touch_page_ns": "2500.5",
    "rss_before_bytes": "1048576",
    "peak_rss_bytes": "2097152",
    "peak_memory_bytes": "1048576",
    "cold_build_huge_fault_count": "0",
    "cold_build_huge_fault_bytes": "0",
    "warm_iteration_count": "10",
    "warm_value_count": "3",
    "warm_build_release_median_ns": "1012.5",
    "warm_build_release_min_ns": "1011.25",
    "warm_build_release_max_ns": "1013.75",
    "warm_minor_fault_count": "0.5",
    "warm_timing_count": "30",
    "warm_timing_build_count": "1",
    "warm_build_release_p5_ns": "1010.5",
    "warm_build_release_p25_ns": "1011",
    "warm_build_release_p50_ns": "1012",
    "warm_build_release_p75_ns": "1013",
    "warm_build_release_p95_ns": "1014.5",
    "warm_build_release_p99_ns": "1015",
    "involuntary_switch_count": "0",
    "checksum": "0x0123456789abcdef",
}
# Of these, what a kernel may not count, or other processes take part in: a reason is there instead.
HUGE_FAULTS = {"cold_build_huge_fault_count", "cold_build_huge_fault_bytes"}
# Those of single warm builds, which are missing where there was no memory to keep them.
TIMINGS = {name for name in FIGURES if re.match(r"warm_timing_|warm_build_release_p\d+_ns", name)}
IDENTITY = ("allocator_path", "allocator_version", "allocator_build_id")

# One row that is over in no time; what follows these words replaces them.
ONE_CELL = (
    "--strategies=realloc_doubling",
    "--allocators=glibc",
    "--rows=10",
    "--rounds=1",
    "--seed=1",
)

# Variables that the programs under test may see of ours.
_PASSED_ON = (
    "PATH",
    "HOME",
    "PYTHON",
    "LD_LIBRARY_PATH",
    "ASAN_OPTIONS",
    "UBSAN_OPTIONS",
    "LSAN_OPTIONS",
    "TSAN_OPTIONS",
)

real_allocators = pytest.mark.skipif(
    SANITIZED, reason="a sanitizer's own allocator stands in front of the worker's"
)

Row = Dict[str, str]


def environment(**variables: str) -> Dict[str, str]:
    """An environment without what would change the programs, and with these variables."""
    passed = {
        name: value
        for name, value in os.environ.items()
        if name in _PASSED_ON or name.startswith("QEMU_")
    }
    return {**passed, **variables}


def libc_path() -> str:
    """The file of the C library, links resolved, as any program here loads it."""
    for line in Path("/proc/self/maps").read_text().splitlines():
        path = line.split()[-1]
        if Path(path).name.startswith("libc.so") or Path(path).name.startswith("libc-2"):
            return os.path.realpath(path)
    raise AssertionError("this interpreter runs without a C library?")


class Ended(NamedTuple):
    """A run that has ended, in `folder`."""

    folder: Path
    stdout: str
    stderr: str

    @property
    def rows(self) -> List[Row]:
        return read_rows(self.folder)

    @property
    def machine(self) -> dict:
        return read_machine(self.folder)


def given(words: Sequence[str], *starts: str) -> bool:
    return any(word.startswith(starts) for word in words)


class Growbench:
    """Calls the runner in a folder of its own.

    program: which one. popen: what subprocess.run is told each time, such as the user.
    """

    def __init__(self, folder: Path, program: Path = GROWBENCH, **popen):
        self.folder = folder
        self.program = program
        self.popen = popen

    def __call__(
        self,
        *words: str,
        variables: Optional[Dict[str, str]] = None,
        timeout: float = 60,
        before: Sequence[str] = (),
        **popen,
    ) -> subprocess.CompletedProcess:
        """Runs it to its end; no test takes nearly as long as `timeout`.

        before: the words of a program that starts it.

        Tests that do not say which passes they want are about the measurements alone.
        """
        words = tuple(map(str, words))
        if words[:1] in (("run",), ("plan",)) and not given(words, "--resume", "--help"):
            # Nor are they about programs in other languages, but for those that name one.
            of_languages = (
                "--implementations",
                "--strategies",
                "--preset=quick",
                "--preset=article",
                "--profile",
            )
            if not given(words, *of_languages):
                words = (words[0], f"--implementations={COMPILED}", *words[1:])
            if not given(words, "--passes"):
                words = (words[0], "--passes=measure", *words[1:])
        popen = {
            "stdin": subprocess.DEVNULL,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
            **self.popen,
            **popen,
        }
        return subprocess.run(
            [*before, str(self.program), *words],
            cwd=self.folder,
            env=environment(**(variables or {})),
            text=True,
            timeout=timeout * PATIENCE,
            check=False,
            **popen,
        )

    def run(self, *words: str, ends: int = EXIT_DONE, into: str = "out", **how) -> Ended:
        """A run without a summary, which has to end with that status; how: as of a call."""
        done = self("run", f"--out={into}", "--no-summary", *words, **how)
        assert done.returncode == ends, done.stderr
        return Ended(self.folder / into, done.stdout, done.stderr)

    def resume(self, *words: str, ends: int = EXIT_DONE, into: str = "out", **how) -> Ended:
        """Goes on with a run, which has to end with that status."""
        done = self("run", f"--resume={into}", "--no-summary", *words, **how)
        assert done.returncode == ends, done.stderr
        return Ended(self.folder / into, done.stdout, done.stderr)

    def plan(self, *words: str) -> List[Row]:
        """The lines of `growbench plan`."""
        done = self("plan", *words)
        assert done.returncode == EXIT_DONE, done.stderr
        return list(csv.DictReader(done.stdout.splitlines(), strict=True))


def read_rows(folder: Path) -> List[Row]:
    """The rows of a run; fails if one has not exactly the header's columns."""
    text = (folder / "runs.csv").read_text(encoding="utf-8")
    assert text.endswith("\n"), "the last row is torn"
    rows = list(csv.reader(text.splitlines(), strict=True))
    assert rows, "there is no header"
    for row in rows[1:]:
        assert len(row) == len(rows[0]), row
    return [dict(zip(rows[0], row)) for row in rows[1:]]


def read_machine(folder: Path) -> dict:
    """The run's machine.json."""
    return json.loads((folder / "machine.json").read_text(encoding="utf-8"))


def cells_of(rows: List[Row]) -> List[tuple]:
    """Which cell each row is of, in their order."""
    return [tuple(row[name] for name in CELL) for row in rows]


def figures_of(row: Row) -> Row:
    """The figures that the row has."""
    return {name: row[name] for name in FIGURES if row[name] != ""}


class StandIn(NamedTuple):
    """A stand-in for the worker."""

    path: Path
    folder: Path

    @property
    def option(self) -> str:
        return f"--worker={self.path}"

    def calls(self) -> List[str]:
        """The command line of each call so far, for the check of an allocator and for cells."""
        log = self.folder / "calls"
        return log.read_text().splitlines() if log.exists() else []

    def measured(self) -> int:
        """How many calls so far were for a cell, the pilot's included."""
        return sum(call.startswith("measure ") for call in self.calls())


_SCRIPT = r"""#!/bin/sh
# A worker that does: {measure!r}
here='{folder}'
libc='{libc}'
echo "$*" >>"$here/calls"
call=$(grep -c '^measure ' "$here/calls")

begin() {{
    printf 'growbench-report 1\nallocator_path %s\n' "${{1:-${{LD_PRELOAD:-{libc}}}}}" >&3
    printf 'allocator_version 9.8.7\nallocator_build_id 0123abcd\n' >&3
}}
figures() {{
    printf '{figures}' >&3
}}
figures_of() {{
    case $1 in
{figures_of_pass}
    esac
}}
# The interposer stands before the allocator, and is not what is reported.
begin_pass() {{
    library=${{LD_PRELOAD##*libgrowbench-trace.so}}
    library=${{library#:}}
    begin "${{library:-$libc}}"
    figures_of "$1"
}}
end() {{
    printf 'status ok\nend\n' >&3
}}
honest() {{
    begin
    figures
    end
}}

case $1 in
resolution)
    {resolution}
    ;;
trace | latency | probe)
    {other}
    ;;
*)
    {measure}
    ;;
esac
"""

_HONEST_OTHER = 'begin_pass "$1"; end'
_HONEST_RESOLUTION = 'begin; echo "peak_resolution_bytes 4096" >&3; end'


@pytest.fixture
def stand_in(tmp_path_factory) -> Callable[..., StandIn]:
    """Makes a stand-in for the worker out of shell commands for each of its passes.

    `other` is for trace, latency and probe. They may use $call (how many cells it was called for so
    far, from 1), and the functions begin [PATH], figures and end, or honest for all three; in the
    other passes begin_pass PASS and end.
    """

    def make(
        measure: str = "honest", resolution: str = _HONEST_RESOLUTION, other: str = _HONEST_OTHER
    ) -> StandIn:
        folder = tmp_path_factory.mktemp("stand-in")
        figures = "".join(f"{name} {value}\\n" for name, value in FIGURES.items())
        figures_of_pass = "\n".join(
            f"    {name}) printf '"
            + "".join(f"{column} {value}\\n" for column, value in of_pass.items())
            + "checksum 0x0123456789abcdef\\n' >&3 ;;"
            for name, of_pass in FIGURES_OF_PASS.items()
        )
        path = folder / "worker"
        path.write_text(
            _SCRIPT.format(
                measure=measure,
                resolution=resolution,
                other=other,
                figures_of_pass=figures_of_pass,
                folder=folder,
                figures=figures,
                libc=libc_path(),
            )
        )
        path.chmod(0o755)
        return StandIn(path, folder)

    return make


# A worker whose builds take what the shell works out of $rows and $bytes, cold and warm.
GROWN = r"""
    rows=$(echo "$*" | sed 's/.*--rows \([0-9]*\) .*/\1/')
    bytes=$(echo "$*" | sed 's/.*--row-bytes \([0-9]*\) .*/\1/')
    {before}
    ns=$(({ns}))
    begin
    printf 'cold_build_ns %d\ncold_release_ns 0\nchecksum 0x1\n' $ns >&3
    printf 'warm_build_release_median_ns %d\n' $ns >&3
    end
"""


def grown(stand_in: Callable[..., StandIn], ns: str, before: str = ":") -> StandIn:
    """A stand-in whose builds take what the shell works out of $rows and $bytes, in ns."""
    return stand_in(measure=GROWN.format(ns=ns, before=before))


@pytest.fixture(scope="session", autouse=True)
def programs_are_there() -> None:
    for program in (GROWBENCH, WORKER):
        assert os.access(program, os.X_OK), (
            f"{program} is not there: build it with cmake --build, or name it with GROWBENCH and "
            "GROWBENCH_WORKER"
        )


@pytest.fixture
def growbench(tmp_path) -> Growbench:
    """The runner, to be called in an empty folder."""
    folder = tmp_path / "cwd"
    folder.mkdir()
    return Growbench(folder)


@pytest.fixture
def plain_user() -> Iterator[Growbench]:
    """The runner as somebody who is not root, and to whom something is forbidden.

    A plain user calls it as it is. For root it is copied to where nobody may read it, and nobody
    calls it.
    """
    with tempfile.TemporaryDirectory(prefix="growbench-test-") as name:
        folder = Path(name)
        if os.geteuid() != 0:
            yield Growbench(folder)
            return
        folder.chmod(0o755)
        build, home = folder / "build", folder / "cwd"
        build.mkdir()
        for program in (GROWBENCH, WORKER, INTERPOSER):
            if program.exists():
                shutil.copy(program, build)
        home.mkdir()
        os.chown(home, NOBODY, NOBODY)
        yield Growbench(
            home, build / GROWBENCH.name, user=NOBODY, group=NOBODY, extra_groups=[], umask=0o022
        )


@pytest.fixture
def out(growbench) -> Path:
    """Where a run of that runner may go with --out=out; not there yet."""
    return growbench.folder / "out"


@pytest.fixture(scope="session")
def comma_locale(tmp_path_factory) -> Path:
    """A folder for LOCPATH with a locale xx_XX that has a decimal comma."""
    folder = tmp_path_factory.mktemp("locales")
    done = subprocess.run(
        ["localedef", "-i", "de_DE", "-f", "ISO-8859-1", str(folder / "xx_XX")],
        capture_output=True,
        text=True,
        check=False,
    )
    # localedef ends with 1 for mere warnings.
    if not (folder / "xx_XX/LC_NUMERIC").exists():
        pytest.skip(f"no locale with a decimal comma can be made here: {done.stderr.strip()}")
    variables = environment(LOCPATH=str(folder), LC_ALL="xx_XX")
    assert subprocess.check_output(["locale", "decimal_point"], env=variables) == b",\n"
    return folder


class Group(NamedTuple):
    """A control group of our own. limit: the file that holds it."""

    folder: Path
    limit: Path

    def entering(self) -> List[str]:
        """The words that start a program in it."""
        join = "tasks" if (self.folder / "tasks").exists() else "cgroup.procs"
        return ["/bin/sh", "-c", f'echo $$ >{self.folder / join}; exec "$@"', "sh"]


@pytest.fixture
def make_group() -> Iterator[Callable[..., Group]]:
    """Makes a control group with a limit: the files of version 1 or 2, and what they hold.

    Skips where we may not make one.
    """
    made: List[Path] = []

    def make(*choices: dict) -> Group:
        for choice in choices:
            parent = Path(choice["parent"])
            group = parent / f"growbench-test-{os.getpid()}"
            try:
                group.mkdir()
                made.append(group)
                for name, text in choice["files"].items():
                    (group / name).write_text(text)
                if (group / "memory.swap.max").exists():
                    (group / "memory.swap.max").write_text("0")
            except OSError:
                continue
            return Group(group, group / list(choice["files"])[0])
        pytest.skip(
            "no such control group can be made here: that is for root, outside of containers"
        )
        raise AssertionError

    yield make
    for group in made:
        # What was in it may still be ending.
        for _ in range(100):
            try:
                group.rmdir()
                break
            except OSError:
                time.sleep(0.02)


@pytest.fixture
def small_group(make_group) -> Group:
    return make_group(
        {"parent": "/sys/fs/cgroup/memory", "files": {"memory.limit_in_bytes": str(64 << 20)}},
        {"parent": "/sys/fs/cgroup", "files": {"memory.max": str(64 << 20)}},
    )


@pytest.fixture
def small_disk(tmp_path) -> Iterator[Callable[[str], Path]]:
    """Mounts file systems in memory, with options as of mount(8); skips where that is forbidden."""
    mounted: List[Path] = []

    def mount(options: str) -> Path:
        folder = tmp_path / f"disk{len(mounted)}"
        folder.mkdir()
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            pytest.skip(f"a small disk cannot be mounted here: {done.stderr.strip()}")
        mounted.append(folder)
        return folder

    if shutil.which("mount") is None:
        pytest.skip("there is no mount here")
    yield mount
    for folder in mounted:
        subprocess.run(["umount", str(folder)], check=True)
