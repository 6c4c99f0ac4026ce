"""Measure the runner itself: its memory, and its time between one worker and the next."""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Sequence

from growbench.data.errors import UsageError
from growbench.command_line import packages

with packages.imports():
    from growbench.command_line import entry
    from growbench.data.units import show

EXAMPLES = """\
  growbench bench-runner build
  growbench bench-runner build --workers 5000
  growbench bench-runner build --keep results/large --plots

A run of so many real workers of small cells is made, and then read by the scripts. Exit status: 0
the goals are met, 1 one is not, 2 wrong usage, or the run failed.
"""
MOST_BYTES, MOST_NS = 64_000_000, 3e6
FEWEST_WORKERS = 1000
# Compiled implementations on six allocators, at ten sizes: about a thousand cells.
CELLS = (
    "--implementations=c,cpp,glib,uthash",
    "--rows=10,20,50,100,200,300,400,500,700,1000",
    "--row-bytes=8",
    "--passes=measure",
    "--warm-limit=0",
)
CELL_COUNT = 1080
PACKAGE = Path(__file__).resolve().parents[1]


def main(arguments: Sequence[str]) -> int:
    parser = entry.parser(__name__, __doc__, EXAMPLES)
    parser.add_argument("build", metavar="BUILD", type=Path, help="a build folder")
    parser.add_argument(
        "--workers", type=int, default=100_000, help="about so many (default: %(default)s)"
    )
    parser.add_argument("--keep", type=Path, help="folder for the run, instead of a temporary one")
    parser.add_argument("--plots", action="store_true", help="time the plots as well")
    options = parser.parse_args(arguments)
    if options.workers < FEWEST_WORKERS:
        parser.error(f"--workers {options.workers}: give {FEWEST_WORKERS} or more")
    with tempfile.TemporaryDirectory() as folder:
        out = options.keep or Path(folder) / "run"
        peak_bytes = run(options.build / "growbench", out, options.workers)
        told = json.loads((out / "machine.json").read_text(encoding="utf-8"))["run"]
        own_ns = told["rounds_s"] * 1e9 * told["runner_share"] / told["row_count"]
        print(f"{told['row_count']:,} workers in {show(told['rounds_s'] * 1e9, 'ns')}")
        print(f"the runner's peak memory: {peak_bytes / 1e6:.1f} MB (goal: under 64 MB)")
        print(f"its own time a worker: {own_ns / 1e6:.2f} ms (goal: under 3 ms)")
        for verb in ["summarise"] + ["plot"] * options.plots:
            print(f"growbench {verb}: {show(time_of(verb, out), 'ns')}")
    return 0 if peak_bytes < MOST_BYTES and own_ns < MOST_NS else 1


def run(runner: Path, out: Path, workers: int) -> int:
    """Make the run; returns the runner's peak memory in bytes."""
    rounds = max(1, round(workers / CELL_COUNT))
    command = [str(runner), "run", f"--out={out}", f"--rounds={rounds}", "--no-summary", *CELLS]
    peak = 0
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        while process.poll() is None:
            peak = max(peak, peak_of(process.pid))
            time.sleep(0.05)
    if process.returncode not in (0, 3):
        raise UsageError(f"{' '.join(command)} ended in {process.returncode}")
    return peak


def peak_of(pid: int) -> int:
    """The peak memory of a process so far, in bytes: VmHWM of proc(5). 0 if it has ended."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:"))


def time_of(verb: str, out: Path) -> int:
    """How long the verb takes with the run, in ns."""
    start = time.monotonic_ns()
    subprocess.run(
        [sys.executable, str(PACKAGE), verb, str(out)], check=True, stdout=subprocess.DEVNULL
    )
    return time.monotonic_ns() - start
