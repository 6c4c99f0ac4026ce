"""Real programs for records of allocations: workloads of some hundred ms, made by seed, so that
each machine has the same."""

import random
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Callable, NamedTuple, Optional


class Workload(NamedTuple):
    """A command, in the folder that it was made for."""

    command: list[str]
    folder: Path


class Program(NamedTuple):
    """A program with what it is to do. make: writes its input into a folder, and returns the
    command; raises FileNotFoundError or ImportError with what is not there."""

    name: str
    make: Callable[[Path], list[str]]


def _tool(name: str) -> str:
    """Its path, links resolved, as some are started by another name's file."""
    path = shutil.which(name)
    if path is None:
        raise FileNotFoundError(f"{name} is not installed")
    return path


def sqlite3(folder: Path) -> list[str]:
    """A table of 60,000 rows with texts, an index, and three queries that sort and group."""
    statements = """
CREATE TABLE item(id INTEGER PRIMARY KEY, name TEXT, kind INTEGER, price REAL);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60000)
INSERT INTO item SELECT i, printf('item %d of %d', i, i * 7919 % 997), i * 31 % 64, i % 1009 FROM n;
CREATE INDEX by_name ON item(name);
SELECT kind, count(*), group_concat(name) FROM item WHERE price < 300 GROUP BY kind;
SELECT name FROM item ORDER BY price, name DESC;
SELECT count(*) FROM item a JOIN item b ON a.name = b.name AND a.kind = b.kind;
"""
    (folder / "in.sql").write_text(statements, encoding="ascii")
    return [_tool("sqlite3"), "-init", "in.sql", ":memory:", ".quit"]


def git(folder: Path) -> list[str]:
    """The history of 400 commits, with all their changes."""
    tool, chance = _tool("git"), random.Random(1)
    files = {f"src/file{i}.c": [f"line {i} {j}" for j in range(200)] for i in range(30)}
    parts = []
    for number in range(400):
        changed = chance.sample(sorted(files), 3) if number else sorted(files)
        parts.append("commit refs/heads/main\n")
        parts.append(f"committer A <a@example.org> {1_600_000_000 + number} +0000\n")
        message = f"change {number}\n"
        parts.append(f"data {len(message)}\n{message}")
        for name in changed:
            lines = files[name]
            for at in chance.sample(range(len(lines)), 12):
                lines[at] = f"line {number} {chance.random()}"
            text = "\n".join(lines) + "\n"
            parts.append(f"M 100644 inline {name}\ndata {len(text)}\n{text}\n")
    repository = folder / "repository"
    for words in (["init", "-q", "repository"], ["-C", "repository", "fast-import", "--quiet"]):
        stream = "".join(parts) if "fast-import" in words else ""
        subprocess.run([tool, *words], input=stream, text=True, check=True, cwd=folder)
    assert repository.is_dir()
    return [tool, "-C", "repository", "--no-pager", "log", "-p", "--stat", "main"]


def numpy(folder: Path) -> list[str]:
    """Lists, dictionaries and texts, and arrays of NumPy's that grow by concatenation."""
    script = """
import numpy as np
rows = np.zeros((0, 10))
for i in range(1500):
    rows = np.concatenate((rows, np.full((1, 10), float(i))))
words = {}
for i in range(60000):
    words.setdefault("w%d" % (i * 7919 % 5003), []).append(i)
text = ""
for i in range(30000):
    text += "row %d;" % i
print(rows.sum(), len(words), len(text), np.sort(rows, axis=None)[::-1][:3], len(text.split(";")))
"""
    (folder / "in.py").write_text(script, encoding="ascii")
    for python in (sys.executable, "/usr/bin/python3"):
        found = subprocess.run([python, "-c", "import numpy"], capture_output=True, check=False)
        if found.returncode == 0:
            return [python, "in.py"]
    raise ImportError("no python3 has NumPy")


def gcc(folder: Path) -> list[str]:
    """The compiler proper (cc1), on 40 functions with optimisation; so one process does all."""
    chance = random.Random(2)
    parts = ["#include <stddef.h>\n"]
    for i in range(40):
        parts.append(f"int f{i}(const int *a, size_t n)\n{{\n\tint sum = {i};\n")
        for j in range(6):
            factor = chance.randint(2, 99)
            parts.append(
                f"\tfor (size_t i = {j}; i < n; i++)\n"
                f"\t\tif (a[i] % {factor} == {j})\n\t\t\tsum += a[i] * {factor};\n"
                f"\t\telse\n\t\t\tsum ^= a[i] >> {j};\n"
            )
        parts.append("\treturn sum;\n}\n")
    (folder / "in.c").write_text("".join(parts), encoding="ascii")
    asked = [_tool("gcc"), "-print-prog-name=cc1"]
    compiler = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()
    if not Path(compiler).is_file():
        raise FileNotFoundError("gcc is there, and its cc1 is not")
    return [compiler, "-quiet", "-O1", "in.c", "-o", "out.s"]


def jq(folder: Path) -> list[str]:
    """Groups 12,000 objects, and makes others of them."""
    chance = random.Random(3)
    objects = (
        f'{{"id": {i}, "name": "item {i}", "kind": "k{chance.randint(0, 40)}", '
        f'"tags": ["t{chance.randint(0, 9)}", "t{i % 7}"], '
        f'"price": {chance.randint(1, 9999) / 100}}}'
        for i in range(12_000)
    )
    (folder / "in.json").write_text("[" + ",\n".join(objects) + "]", encoding="ascii")
    script = (
        'group_by(.kind) | map({kind: .[0].kind, names: map(.name) | join(", "), '
        "sum: map(.price) | add, tags: map(.tags[]) | unique})"
    )
    return [_tool("jq"), script, "in.json"]


def perl(folder: Path) -> list[str]:
    """Counts and sorts words in hashes, and grows texts and arrays."""
    script = """
my (%count, @all); my $text = ''; my $seed = 7;
for my $i (1 .. 120000) {
    $seed = ($seed * 1103515245 + 12345) % 2147483648;
    my $word = 'w' . ($seed % 20011);
    push @{$count{$word}}, $i; push @all, $word; $text .= "$word ";
}
my @sorted = sort { @{$count{$b}} <=> @{$count{$a}} || $a cmp $b } keys %count;
my @parts = split / /, $text;
print scalar(@sorted), ' ', scalar(@parts), ' ', join(',', @sorted[0 .. 9]), "\\n";
"""
    (folder / "in.pl").write_text(script, encoding="ascii")
    return [_tool("perl"), "in.pl"]


PROGRAMS = tuple(
    Program(name, make)
    for name, make in (
        ("sqlite3", sqlite3),
        ("git", git),
        ("numpy", numpy),
        ("gcc", gcc),
        ("jq", jq),
        ("perl", perl),
    )
)


def make_workload(program: Program, folder: Path) -> tuple[Optional[Workload], str]:
    """Its input, in the folder of its name; or why it is not there."""
    own = folder / program.name
    own.mkdir(parents=True, exist_ok=True)
    try:
        return Workload(program.make(own), own), ""
    except (OSError, ImportError, subprocess.CalledProcessError) as error:
        return None, str(error)
