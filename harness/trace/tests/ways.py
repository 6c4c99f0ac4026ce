#!/usr/bin/env python3
"""Do both ways to see system calls count the same?

usage: ways.py BUILD_FOLDER

Each strategy is built under each allocator, once with Syscall User Dispatch and once with a seccomp
filter, at the same addresses, and every count and peak has to be the same. Prints what is not. Ends
with 0 if all is, 1 if not, 77 if one of the two is not offered here.
"""

import ctypes
import re
import subprocess
import sys
from pathlib import Path
from typing import Dict, List

from oracle import SKIPPED, build_lines, strategy_names

WAYS = ("user_dispatch", "seccomp")
ROW_BYTES = 80
# Whoever copies with each append is measured at a smaller size.
ROWS = 5_000
ROWS_COPIED = 1_000
ADDR_NO_RANDOMIZE = 0x0040000


def same_addresses() -> None:
    """In the child: what the kernel places lies where it lay the last time."""
    if ctypes.CDLL(None).personality(ADDR_NO_RANDOMIZE) < 0:
        raise OSError("personality() is refused")


def allocators(growbench: Path) -> Dict[str, str]:
    """The libraries to preload by name; none for glibc."""
    text = subprocess.run([growbench, "list"], capture_output=True, text=True, check=True).stdout
    found = {name: path for name, path in re.findall(r"^  (\w+) +(/.*)$", text, re.MULTILINE)}
    return {name: "" if name == "glibc" else path for name, path in found.items()}


def counted(folder: Path, library: str, strategy: str, way: str) -> List[str]:
    """What the interposer says of a build, without what is of a clock, and the way itself."""
    rows = ROWS_COPIED if strategy == "loop_and_append" else ROWS
    preload = ":".join(filter(None, [str(folder / "libgrowbench-trace.so"), library]))
    lines = build_lines(
        [folder / "trace-build-one", strategy, str(rows), str(ROW_BYTES)],
        {
            "LD_PRELOAD": preload,
            "GROWBENCH_TRACE_WAY": way,
            # Else it gives memory back by the clock.
            "SCUDO_OPTIONS": "GWP_ASAN_Enabled=false:release_to_os_interval_ms=-1",
        },
        same_addresses,
    )
    return [line for line in lines if line.split(" ", 1)[0] not in ("ms", "way")]


def main(arguments: List[str]) -> int:
    if len(arguments) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    folder = Path(arguments[1]).resolve()
    try:
        for way in WAYS:
            for line in counted(folder, "", "preallocate_then_fill", way):
                if line.startswith("syscalls_unavailable "):
                    print(f"skipped: {line[len('syscalls_unavailable '):]}")
                    return SKIPPED
    except subprocess.SubprocessError as error:
        print(f"skipped: addresses cannot be kept the same here: {error}")
        return SKIPPED
    differing = 0
    seen = 0
    for allocator, library in allocators(folder / "growbench").items():
        for strategy in strategy_names():
            first, second = (counted(folder, library, strategy, way) for way in WAYS)
            seen += len(first)
            for one, other in zip(first, second):
                if one != other:
                    differing += 1
                    print(f"{strategy} on {allocator}: {one} by {WAYS[0]}, {other} by {WAYS[1]}")
            differing += len(first) != len(second)
    print(f"{seen} figures, {differing} of them not the same by {' and '.join(WAYS)}")
    return int(differing > 0 or seen == 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv))
