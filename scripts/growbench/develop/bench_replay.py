"""Hold replays of six programs against the programs themselves, under each allocator."""

import argparse
import json
import os
import resource
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Callable, NamedTuple, Optional, Sequence

from growbench.data.errors import UsageError
from growbench.command_line import packages

with packages.imports():
    import numpy as np
    import pandas as pd
    from scipy import stats

    from growbench.analysis import replays
    from growbench.command_line import entry
    from growbench.data import description, load
    from growbench.tables import formats
    from growbench.tables.table import Column, Table

EXAMPLES = """\
  growbench bench-replay build
  growbench bench-replay build --only sqlite3 jq --rounds 6

Each program is recorded and replayed, and run itself with each allocator preloaded, round by round.
The peak of the program's heap is the VmHWM of its largest process, less what is resident of files
and stack then, and less what the allocator has by itself in a process that does nothing. gcc takes
memory past malloc as well: how much is taken from its run under glibc, whose ratio is 1 by that,
and added to each replay's peak. Of CPU times, what starting a process takes under the allocator is
left out. Exit status: 0 goals met, 1 not.
"""
# At most this far from the program's own.
PEAK_WITHIN = 0.10
# In at least so many of six programs the order by peak is the same.
SAME_RANKS = 5
LEAST_TAU = 0.6
# Peaks that are closer than this are of the same rank.
TIE = 0.03
# Times of the program that are further apart than this are told apart.
CLEAR = 0.05
MIB = 1 << 20


class Program(NamedTuple):
    """A program and its work.

    needs: the command, a name or a path. prepare: writes its input into a folder. words: its
    arguments. needs_also: arguments with which it ends well where all that it needs is there.
    has_own_mappings: it takes memory past malloc as well, which cannot be told from the heap.
    """

    name: str
    needs: str
    prepare: Callable[[Path], None]
    words: Sequence[str]
    needs_also: Sequence[str]
    has_own_mappings: bool = False


class Allocator(NamedTuple):
    """As machine.json of the replay's run has it. library: "" for the C library's own."""

    name: str
    library: str
    variables: dict


class Seen(NamedTuple):
    """Of a process: the peak of its memory, and what of that is no heap: mappings of files, and the
    stack."""

    peak_bytes: float
    beside_bytes: float

    @property
    def heap_bytes(self) -> float:
        return self.peak_bytes - self.beside_bytes


# ---- what they work on ----


def sqlite_input(folder: Path) -> None:
    (folder / "work.sql").write_text(
        "PRAGMA cache_size=-20000; CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT, value REAL);\n"
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60000)\n"
        "INSERT INTO t SELECT i, 'name ' || (i * 7919 % 60000), i * 0.5 FROM n;\n"
        "CREATE INDEX by_name ON t(name);\n"
        "SELECT count(*), sum(value) FROM t WHERE name LIKE 'name 1%';\n"
        "SELECT group_concat(name) FROM (SELECT name FROM t ORDER BY name LIMIT 20000);\n"
    )


FILES = 16


def git_input(folder: Path) -> None:
    repository = folder / "repository"
    repository.mkdir()
    for i in range(FILES):
        text = "".join(
            f"line {j} of {i}: {(i * 7919 + j * 104729) % 99991}\n" for j in range(10000)
        )
        (repository / f"file{i:03}.txt").write_text(text)
    own = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    who = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "gc.auto=0"]
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "one"]):
        subprocess.run(["git", *who, *words], cwd=repository, env=own, check=True)
    for i in range(FILES):
        with (repository / f"file{i:03}.txt").open("a") as file:
            file.write("".join(f"more of {i}: {j}\n" for j in range(500)))
    for words in (["add", "."], ["commit", "-qm", "two"]):
        subprocess.run(["git", *who, *words], cwd=repository, env=own, check=True)


def python_input(folder: Path) -> None:
    (folder / "work.py").write_text(
        "import numpy as np\n"
        "rows = []\n"
        "for i in range(3000):\n"
        "    rows.append({'key': str(i), 'values': list(range(i % 50))})\n"
        "a = np.zeros((0, 10))\n"
        "for i in range(1200):\n"
        "    a = np.concatenate((a, np.full((1, 10), float(i))))\n"
        "b = [np.arange(n, dtype=float) * 2.0 for n in range(1, 3000)]\n"
        "c = np.concatenate(b)\n"
        "print(a.sum(), c.sum(), len(rows))\n"
    )


def gcc_input(folder: Path) -> None:
    body = "".join(
        f"struct s{i} {{ int a[{i % 17 + 1}]; double b; struct s{max(i - 1, 0)} *next; }};\n"
        f"int f{i}(struct s{i} *x, int n)\n{{\n\tint sum = n;\n"
        f"\tfor (int i = 0; i < {i % 17 + 1}; i++)\n\t\tsum += x->a[i] * {i} + (int)x->b;\n"
        f"\tswitch (sum % 5) {{ case 0: return sum; case 1: return n + {i}; default: break; }}\n"
        f"\treturn sum > 0 ? f{max(i - 1, 0)}((void *)x->next, sum) : n;\n}}\n"
        for i in range(40)
    )
    (folder / "work.c").write_text(body)
    (folder / "empty.c").write_text("int x;\n")


def jq_input(folder: Path) -> None:
    rows = [
        {"id": i, "name": f"name {i * 7919 % 10007}", "tags": [f"t{i % 13}", f"u{i % 7}"]}
        for i in range(15000)
    ]
    (folder / "work.json").write_text(json.dumps(rows))


def perl_input(folder: Path) -> None:
    (folder / "work.pl").write_text(
        "my (%seen, @all);\n"
        "for my $i (1 .. 120000) {\n"
        "    my $word = 'word' . ($i * 7919 % 30011);\n"
        "    push @{$seen{$word}}, $i;\n"
        "    push @all, join(',', $word, $i) if $i % 3 == 0;\n"
        "}\n"
        "my @sorted = sort { $a cmp $b } @all;\n"
        "my $text = join('', @sorted);\n"
        "$text =~ s/word(\\d)/w$1/g;\n"
        "print scalar(keys %seen), ' ', length($text), \"\\n\";\n"
    )


PROGRAMS = (
    Program(
        "sqlite3",
        "sqlite3",
        sqlite_input,
        ["-batch", "-init", "work.sql", ":memory:", ".quit"],
        ["--version"],
    ),
    Program(
        "git",
        "git",
        git_input,
        ["-C", "repository", "pack-objects", "--all", "--stdout", "--threads=1", "--window=50"],
        ["--version"],
    ),
    Program("python3", "/usr/bin/python3", python_input, ["work.py"], ["-c", "import numpy"]),
    Program(
        "gcc",
        "gcc",
        gcc_input,
        ["-O1", "-w", "-c", "work.c", "-o", "work.o"],
        ["--version"],
        # What its garbage collector manages.
        has_own_mappings=True,
    ),
    Program(
        "jq",
        "jq",
        jq_input,
        ["group_by(.name) | map({k: .[0].name, n: length})", "work.json"],
        ["--version"],
    ),
    Program("perl", "perl", perl_input, ["work.pl"], ["-e", "1"]),
)

# ---- the program itself ----


def environment(allocator: Optional[Allocator]) -> dict:
    """Python's own allocator takes its memory by mmap: it is told to ask malloc."""
    own = {**os.environ, "LC_ALL": "C", "PYTHONMALLOC": "malloc", "PYTHONHASHSEED": "0"}
    own.update({"GIT_CONFIG_GLOBAL": os.devnull, "GIT_PAGER": "cat", "OPENBLAS_NUM_THREADS": "1"})
    if allocator is not None:
        own.update(allocator.variables)
        if allocator.library:
            own["LD_PRELOAD"] = allocator.library
    return own


def start(words: Sequence[str], folder: Path, allocator: Allocator) -> subprocess.Popen:
    return subprocess.Popen(
        list(words),
        cwd=folder,
        env=environment(allocator),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def end(started: subprocess.Popen, allocator: Allocator) -> None:
    if started.wait() != 0:
        raise UsageError(f"{started.args!r} under {allocator.name}: ended in {started.returncode}")


def watch(words: Sequence[str], folder: Path, allocator: Allocator) -> Seen:
    """Run it once, and look at the memory of its largest process until it ends."""
    started = start(words, folder, allocator)
    seen = Seen(0.0, 0.0)
    while started.poll() is None:
        for process in family(started.pid):
            peak = status_bytes(process, "VmHWM")
            if peak > seen.peak_bytes:
                seen = Seen(peak, beside_heap(process) or seen.beside_bytes)
        time.sleep(0.001)
    end(started, allocator)
    return seen


def cpu_ns(words: Sequence[str], folder: Path, allocator: Allocator) -> float:
    """CPU time of it and all that it starts."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    end(start(words, folder, allocator), allocator)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return spent * 1e9


def own_bytes(folder: Path, allocator: Allocator) -> float:
    """What an allocator has touched before a program asks for anything: a replay's peak does not
    have it."""
    looks = [watch(["sleep", "0.05"], folder, allocator).heap_bytes for _ in range(5)]
    return float(np.median(looks))


def family(pid: int) -> list[int]:
    """The process, and those that it and they have started."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()
    except OSError:
        return [pid]
    return [pid, *(own for child in children for own in family(int(child)))]


def status_bytes(pid: int, name: str) -> float:
    try:
        text = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return 0.0
    for line in text.splitlines():
        if line.startswith(f"{name}:"):
            return float(line.split()[1]) * 1024
    return 0.0


def beside_heap(pid: int) -> float:
    """Resident bytes of mappings that have a file, and of the stack; 0 if they cannot be read."""
    try:
        text = Path(f"/proc/{pid}/smaps").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return 0.0
    total, counts = 0.0, False
    for line in text.splitlines():
        words = line.split()
        if not words[0].endswith(":"):
            name = words[5] if len(words) > 5 else ""
            counts = name.startswith("/") or name in ("[stack]", "[vdso]", "[vvar]")
        elif words[0] == "Rss:" and counts:
            total += float(words[1]) * 1024
    return total


# ---- its replay ----


def record(program: Program, build: Path, folder: Path) -> Path:
    profile = folder / f"{program.name}.profile"
    words = [build / "growbench", "record", "--quiet", "--out", profile, "--"]
    done = subprocess.run(
        [*map(str, words), program.needs, *program.words],
        cwd=folder,
        env=environment(None),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        check=False,
    )
    if done.returncode != 0:
        raise UsageError(f"{program.name}: it was not recorded: {done.stderr.decode()}")
    return profile


def replay(profile: Path, build: Path, folder: Path, rounds: int) -> Path:
    run = folder / "run"
    words = ["run", "--profile", profile, "--out", run, "--rounds", rounds, "--passes", "measure"]
    command = [str(build / "growbench"), *map(str, words), "--quiet", "--warm-limit", "0"]
    done = subprocess.run([*command, "--budget", "600"], stdout=subprocess.DEVNULL, check=False)
    if done.returncode not in (0, 3):
        raise UsageError(f"{shlex.join(command)}: ended in {done.returncode}")
    return run


def allocators_of(machine: dict) -> list[Allocator]:
    """Those that were replayed."""
    found = []
    for told in machine["allocators"]:
        if told["status"] == "ok":
            library = "" if told["name"] == replays.BASELINE else told["path"]
            variables = dict(entry.split("=", 1) for entry in told["environment"])
            if told["name"] == "scudo":
                variables.setdefault("SCUDO_OPTIONS", "GWP_ASAN_Enabled=false")
            found.append(Allocator(told["name"], library, variables))
    return found


# ---- one against the other ----


def hold(program: Program, options: argparse.Namespace, folder: Path) -> pd.DataFrame:
    """For each allocator the medians of the program and of its replay."""
    program.prepare(folder)
    build = Path(options.build).absolute()
    run = replay(record(program, build, folder), build, folder, options.rounds)
    machine = description.read_machine(run) or {}
    allocators = allocators_of(machine)
    seen: dict[str, list[tuple[float, Seen]]] = {one.name: [] for one in allocators}
    words = [program.needs, *program.words]
    for number in range(options.rounds):
        for place in range(len(allocators)):
            one = allocators[(place + number) % len(allocators)]
            both = cpu_ns(words, folder, one), watch(words, folder, one)
            seen[one.name].append(both)
    runs = load.read_runs(run)
    found = replays.replay_table(runs, machine).frame.set_index("allocator")
    # As of the program: what a busy machine takes away is in no CPU time.
    replayed = runs.assign(cpu=runs["cold_user_ns"] + runs["cold_system_ns"])
    replayed = replayed.groupby("allocator")["cpu"].median()
    processes = machine["run"]["profile"]["process_count"]
    rows = []
    for one in allocators:
        of_one = seen[one.name]
        starts = [cpu_ns(["true"], folder, one) for _ in range(3 * options.rounds)]
        # A look that comes late sees less than there was, and none sees more.
        most = Seen(*np.max([looked for _, looked in of_one], axis=0).tolist())
        rows.append(
            {
                "program": program.name,
                "allocator": one.name,
                "events": machine["run"]["profile"]["event_count"],
                "cpu": float(np.median([cpu for cpu, _ in of_one]) - processes * np.median(starts)),
                "replayed": float(replayed[one.name]),
                "peak": most.heap_bytes - own_bytes(folder, one),
                "beside": most.beside_bytes,
                "replayed_peak": found.loc[one.name, "peak"],
            }
        )
    table = pd.DataFrame(rows)
    if program.has_own_mappings:
        base = table[table["allocator"] == replays.BASELINE].iloc[0]
        table["replayed_peak"] += max(base["peak"] - base["replayed_peak"], 0.0)
    return table.assign(ratio=lambda table: table["replayed_peak"] / table["peak"])


def same_order(table: pd.DataFrame) -> bool:
    """Does no pair of allocators stand the other way round by the replay's peak? Of peaks within
    TIE of each other none is the larger."""
    real, replayed = np.log(table["peak"].to_numpy()), np.log(table["replayed_peak"].to_numpy())
    real, replayed = np.subtract.outer(real, real), np.subtract.outer(replayed, replayed)
    clear = (np.abs(real) > np.log1p(TIE)) & (np.abs(replayed) > np.log1p(TIE))
    return bool((np.sign(real) == np.sign(replayed))[clear].all())


def tau(table: pd.DataFrame) -> float:
    """Kendall's tau-b of the CPU times of program and replay (M. G. Kendall, The treatment of ties
    in ranking problems, 1945)."""
    return float(stats.kendalltau(table["cpu"], table["replayed"]).statistic)


def clear_pairs(table: pd.DataFrame) -> tuple[int, int]:
    """Pairs of allocators under which the program's CPU times differ by more than CLEAR; and of
    these, those that the replay has in the same order."""
    real, replayed = np.log(table["cpu"].to_numpy()), np.log(table["replayed"].to_numpy())
    real, replayed = np.subtract.outer(real, real), np.subtract.outer(replayed, replayed)
    clear = real > np.log1p(CLEAR)
    return int(clear.sum()), int((replayed > 0)[clear].sum())


def verdicts(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    rows = []
    for table in tables:
        clear, same = clear_pairs(table)
        rows.append(
            {
                "program": table["program"].iloc[0],
                "events": table["events"].iloc[0],
                "median_ratio": table["ratio"].median(),
                "worst": float(np.exp(np.abs(np.log(table["ratio"])).max())),
                "order": "same" if same_order(table) else "another",
                "tau": tau(table),
                "spread": table["cpu"].max() / table["cpu"].min(),
                "clear": f"{same} of {clear}",
            }
        )
    return pd.DataFrame(rows)


def pages(tables: Sequence[pd.DataFrame], judged: pd.DataFrame) -> list[Table]:
    each = Table(
        "cells",
        "Programs and their replays",
        [
            Column("program", "program"),
            Column("allocator", "allocator"),
            Column("cpu", "program's CPU time", "ns"),
            Column("replayed", "replay's", "ns"),
            Column("peak", "program's heap, peak", "bytes"),
            Column("replayed_peak", "replay's", "bytes"),
            Column("ratio", "ratio", "factor"),
            Column("beside", "no heap", "bytes"),
        ],
        pd.concat(tables, ignore_index=True),
    )
    each_program = Table(
        "programs",
        "By program",
        [
            Column("program", "program"),
            Column("events", "calls", "count"),
            Column("median_ratio", "peak ratio, median", "factor"),
            Column("worst", "farthest from 1", "factor"),
            Column("order", "order by peak"),
            Column("tau", "Kendall's tau by time", "exponent"),
            Column("clear", "clear pairs in order"),
            Column("spread", "slowest / fastest program", "factor"),
        ],
        judged,
        [
            f"peaks within {TIE:.0%} of each other have no order",
            f"clear pairs: the program's CPU times differ by more than {CLEAR:.0%}",
        ],
    )
    return [each, each_program]


def main(arguments: Sequence[str]) -> int:
    parser = entry.parser(__name__, "Hold replays against the programs they are of.", EXAMPLES)
    parser.add_argument("build", help="folder of the build")
    parser.add_argument("--rounds", type=int, default=6, help="default: %(default)s")
    names = [program.name for program in PROGRAMS]
    parser.add_argument("--only", nargs="+", choices=names, default=names, help="these programs")
    options = parser.parse_args(arguments)
    tables = []
    for program in PROGRAMS:
        if program.name not in options.only:
            continue
        why_not = missing(program)
        if why_not:
            print(f"{program.name}: left out: {why_not}", file=sys.stderr)
            continue
        with tempfile.TemporaryDirectory() as folder:
            tables.append(hold(program, options, Path(folder)))
        print(f"{program.name}: done", file=sys.stderr)
    if not tables:
        raise UsageError("none of the programs is there")
    judged = verdicts(tables)
    for page in pages(tables, judged):
        print(formats.as_terminal(page))
    return judge(judged)


def missing(program: Program) -> str:
    """Why it cannot be run; "" if it can."""
    if shutil.which(program.needs) is None:
        return "it is not installed"
    done = subprocess.run(
        [program.needs, *program.needs_also],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=False,
    )
    return "" if done.returncode == 0 else f"{program.needs} {shlex.join(program.needs_also)} fails"


def judge(judged: pd.DataFrame) -> int:
    """Print the goals beside what was found; the exit status."""
    near = int((np.abs(judged["median_ratio"] - 1) <= PEAK_WITHIN).sum())
    same = int((judged["order"] == "same").sum())
    tied = int((judged["tau"] >= LEAST_TAU).sum())
    count = len(judged)
    needed = min(SAME_RANKS, count)
    print(f"peak within {PEAK_WITHIN:.0%} (median of the allocators): {near} of {count} programs")
    print(f"order by peak the same: {same} of {count} (goal: {SAME_RANKS} of {len(PROGRAMS)})")
    print(f"Kendall's tau by time at least {LEAST_TAU}: {tied} of {count}")
    return 0 if near == count and same >= needed and tied == count else 1
