"""What `growbench profile` says is in a profile, against what is known to be in it: an oracle that
knows each event, and holds all blocks at once."""

import json
import random
import subprocess
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any, Dict, List, NamedTuple, Optional, Tuple

import pytest
from conftest import EXIT_DONE, EXIT_USAGE, GROWBENCH

WRITER = Path(GROWBENCH).parent / "write-profile"
SHOWN = 16


class Event(NamedTuple):
    """As in harness/profile/profile.h; block: the oracle's own number, never used again."""

    kind: str
    thread: int
    block: int
    size: int
    old: int = 0
    moved: bool = False
    stack: Optional[int] = None


class Program:
    """Makes events, and what write-profile is told of them: blocks have the lowest numbers that it
    expects, the one that was freed last first."""

    def __init__(self) -> None:
        self.events: List[Event] = []
        self.lines: List[str] = ["process program --word"]
        self.live: Dict[int, Tuple[int, int]] = {}
        self.free: List[int] = []
        self.stacks = 0
        self.threads: Dict[int, int] = {}

    def stack(self, *frames: str) -> int:
        if not self.stacks:
            self.lines.append("module /usr/bin/program")
        self.lines.append("stack " + " ".join(f"0:{frame}" for frame in frames))
        self.stacks += 1
        return self.stacks - 1

    def make(self, size: int, thread: int = 0, kind: str = "malloc", stack: Optional[int] = None):
        block = sum(event.kind not in ("realloc", "free") for event in self.events)
        number = self.free.pop() if self.free else len(self.live)
        self.live[block] = (number, size)
        self.events.append(Event(kind, thread, block, size, stack=stack))
        alignment = " 64" if kind == "aligned" else ""
        thread = self._number(thread)
        self.lines.append(f"{kind} {thread} {size}{alignment}{self._of(stack)}")
        return block

    def resize(
        self, block: int, size: int, moved: bool, thread: int = 0, stack: Optional[int] = None
    ) -> None:
        number, old = self.live[block]
        self.live[block] = (number, size)
        self.events.append(Event("realloc", thread, block, size, old, moved, stack))
        thread = self._number(thread)
        self.lines.append(f"realloc {thread} {number} {size} {int(moved)}{self._of(stack)}")

    def release(self, block: int, thread: int = 0) -> None:
        number, size = self.live.pop(block)
        self.free.append(number)
        self.events.append(Event("free", thread, block, size))
        thread = self._number(thread)
        self.lines.append(f"free {thread} {number}")

    def _number(self, thread: int) -> int:
        """Threads are numbered by their first events."""
        return self.threads.setdefault(thread, len(self.threads))

    @staticmethod
    def _of(stack: Optional[int]) -> str:
        return "" if stack is None else f" {stack}"

    def write(self, path: Path) -> Path:
        text = "\n".join([*self.lines, "end exited", ""])
        subprocess.run([str(WRITER), str(path)], input=text, text=True, check=True)
        return path


# ---- the oracle ----


class Grown(NamedTuple):
    """A block that grew: its reallocs up to the last one that made it larger."""

    block: int
    until: int
    first: int
    largest: int
    reallocs: List[Event]


def grown_blocks(events: List[Event]) -> List[Grown]:
    by_block: Dict[int, List[Tuple[int, Event]]] = defaultdict(list)
    for number, event in enumerate(events):
        by_block[event.block].append((number, event))
    found = []
    for block, its in by_block.items():
        reallocs = [(number, event) for number, event in its if event.kind == "realloc"]
        larger = [number for number, event in reallocs if event.size > event.old]
        if larger:
            sizes = [event.size for _, event in its if event.kind != "free"]
            kept = [event for number, event in reallocs if number <= larger[-1]]
            found.append(Grown(block, larger[-1], sizes[0], max(sizes), kept))
    return found


def peaks(events: List[Event], preallocated: List[Grown]) -> Dict[str, int]:
    """The most requested bytes that were live at once, from the sizes of all blocks that live."""
    held = {grown.block: grown for grown in preallocated}
    live: Dict[int, int] = {}
    most = moving = 0
    for number, event in enumerate(events):
        grown = held.get(event.block)
        within = 0
        if event.kind == "free":
            del live[event.block]
        elif event.kind != "realloc":
            live[event.block] = grown.largest if grown else event.size
        elif grown is None or number > grown.until:
            within = sum(live.values()) + event.size if event.moved else 0
            live[event.block] = event.size
        now = sum(live.values())
        most, moving = max(most, now), max(moving, now, within)
    return {"live_bytes": most, "moving_bytes": moving}


def doubling(grown: Grown) -> Tuple[int, int]:
    room, count, copied = max(grown.first, 1), 0, 0
    while room < grown.largest:
        copied, count, room = copied + room, count + 1, 2 * room
    return count, copied


def told(blocks: List[Grown]) -> Dict[str, int]:
    every = [event for grown in blocks for event in grown.reallocs]
    steps = [event.size - event.old for event in every if event.size > event.old]
    moved = [min(event.size, event.old) for event in every if event.moved]
    return {
        "block_count": len(blocks),
        "realloc_count": len(every),
        "copied_bytes": sum(min(event.size, event.old) for event in every),
        "moved_count": len(moved),
        "moved_bytes": sum(moved),
        "most_reallocs": max(len(grown.reallocs) for grown in blocks),
        "least_first_bytes": min(grown.first for grown in blocks),
        "most_first_bytes": max(grown.first for grown in blocks),
        "least_largest_bytes": min(grown.largest for grown in blocks),
        "most_largest_bytes": max(grown.largest for grown in blocks),
        "least_step_bytes": min(steps),
        "most_step_bytes": max(steps),
        "doubling_count": sum(doubling(grown)[0] for grown in blocks),
        "doubling_copied_bytes": sum(doubling(grown)[1] for grown in blocks),
    }


def is_step(old: int, new: int) -> bool:
    """By a factor of 2 or 1.5, within 1/32 or 2 bytes."""
    within = max(2, old // 32)
    return new > old and min(abs(new - 2 * old), abs(new - old * 3 // 2)) <= within


def replaced_chains(events: List[Event]) -> List[List[Tuple[Event, Event]]]:
    """Blocks that a larger one took the place of, from link to link: what was made, what was freed
    by the next event; three links and more."""
    chains: Dict[int, List[Tuple[Event, Event]]] = {}
    done = []
    before: List[Optional[Event]] = [None, *events]
    for made, event in zip(before, events):
        if event.kind != "free":
            continue
        chain = chains.pop(event.block, [])
        if made is None or made.kind in ("realloc", "free"):
            pass
        elif made.thread == event.thread and is_step(event.size, made.size):
            if made.block != event.block:
                chains[made.block] = [*chain, (made, event)]
                continue
        done.append(chain)
    return [chain for chain in [*done, *chains.values()] if len(chain) >= 3]


def size_class(value: int) -> int:
    return 0 if value < 2 else 1 << (value.bit_length() - 1)


def classes(values: List[Tuple[int, int]]) -> List[Dict[str, int]]:
    """Of what and bytes: by what."""
    count, total = Counter(), Counter()  # type: ignore[var-annotated]
    for what, size in values:
        count[size_class(what)] += 1
        total[size_class(what)] += size
    return [{"count": count[at], "bytes": total[at], "from": at} for at in sorted(count)]


def check(program: Program, said: dict, frames: Dict[Optional[int], Tuple[str, ...]]) -> None:
    """All that is said of the program, against the oracle. frames: that tell one stack from
    another."""
    events = program.events
    blocks = grown_blocks(events)
    made = {
        event.block: (n, event)
        for n, event in enumerate(events)
        if event.kind != "realloc" and event.kind != "free"
    }
    ends = [(n, event) for n, event in enumerate(events) if event.kind == "free"]
    assert said["sizes"] == classes([(event.size, event.size) for _, event in made.values()])
    assert said["lives"] == classes([(n - made[event.block][0], event.size) for n, event in ends])
    left = [size for _, size in program.live.values()]
    assert said["never_freed"] == {"count": len(left), "bytes": sum(left)}
    away = [e.size for _, e in ends if e.thread != made[e.block][1].thread]
    assert said["freed_elsewhere"] == {"count": len(away), "bytes": sum(away)}
    reallocs = [event for event in events if event.kind == "realloc"]
    for name, larger in (("enlarged", True), ("not_enlarged", False)):
        of = [min(e.size, e.old) for e in reallocs if (e.size > e.old) == larger]
        assert said[name] == {"count": len(of), "bytes": sum(of)}
    chains = replaced_chains(events)
    every = said["replaced"]["all"]
    assert every["block_count"] == len(chains)
    assert every["realloc_count"] == sum(map(len, chains))
    assert every["copied_bytes"] == sum(freed.size for chain in chains for _, freed in chain)
    assert said["peaks"] == peaks(events, [])
    growth = said["growth"]
    if not blocks:
        assert growth["all"]["block_count"] == 0 and growth["groups"] == []
        return
    assert growth["preallocated"] == peaks(events, blocks)
    assert {k: v for k, v in growth["all"].items() if k != "stack"} == told(blocks)
    groups: Dict[tuple, List[Grown]] = defaultdict(list)
    for grown in blocks:
        stack = events[grown.until].stack
        where = frames.get(stack) if stack is not None else None
        groups[where or (size_class(grown.first), size_class(grown.largest))].append(grown)
    assert growth["group_count"] == len(groups)
    expected: List[Dict[str, Any]] = [
        {**told(of), "preallocated": peaks(events, of)} for of in groups.values()
    ]
    order = sorted(expected, key=lambda group: -group["copied_bytes"])
    assert [g["copied_bytes"] for g in growth["groups"]] == [
        g["copied_bytes"] for g in order[:SHOWN]
    ]
    for group in growth["groups"]:
        assert {name: value for name, value in group.items() if name != "stack"} in expected
    copied = sorted((told([grown])["copied_bytes"] for grown in blocks), reverse=True)
    assert [block["copied_bytes"] for block in growth["blocks"]] == copied[:SHOWN]


def random_program(seed: int, with_stacks: bool) -> Tuple[Program, Dict]:
    chance = random.Random(seed)
    program = Program()
    # The last frame does not tell one place from another, where four do.
    frames = {}
    if with_stacks:
        for place in range(chance.randint(1, 30)):
            calls = tuple(f"{chance.randint(1, 3):#x}" for _ in range(4))
            for beyond in ("0x100", "0x200"):
                frames[program.stack(*calls, beyond)] = calls
    threads = chance.choice([1, 3])
    largest = chance.choice([40, 5000, 1 << 20])

    def any_stack() -> Optional[int]:
        return chance.choice([None, *frames]) if frames else None

    for _ in range(chance.randint(1, 400)):
        thread = chance.randrange(threads)
        what = chance.random()
        if what < 0.4 or not program.live:
            kind = chance.choice(["malloc", "calloc", "aligned", "realloc_new"])
            program.make(chance.randint(0, largest), thread, kind, any_stack())
            continue
        block = chance.choice(list(program.live)[-3:])
        if what < 0.5:
            factor = chance.choice([2, 2, 2, 1.5, 3, 0.9])
            larger = program.make(int(program.live[block][1] * factor), thread)
            program.release(block, thread if chance.random() < 0.9 else 0)
            assert larger in program.live
        elif what < 0.75:
            size = program.live[block][1]
            wanted = chance.choice([size * 2, size + 7, size // 3, size, size + 4144])
            program.resize(block, max(1, wanted), chance.random() < 0.5, thread, any_stack())
        else:
            program.release(block, thread)
    return program, frames


@pytest.fixture
def ask(growbench):
    """What is said of a profile, as JSON."""

    def said(path: Path, *words: str) -> dict:
        done = growbench("profile", str(path), "--format=json", *words)
        assert (done.returncode, done.stderr) == (EXIT_DONE, "")
        return json.loads(done.stdout)

    return said


@pytest.mark.parametrize("seed", range(40))
def test_what_is_said_of_any_program_is_what_the_oracle_says(ask, tmp_path, seed):
    program, frames = random_program(seed, with_stacks=seed % 2 == 1)
    check(program, ask(program.write(tmp_path / "p")), frames)


def test_a_block_that_grows_in_steps_is_told_with_its_cost(ask, tmp_path):
    program = Program()
    stack = program.stack("0x10", "0x20")
    other = program.make(1 << 20)
    block = program.make(4144, stack=stack)
    for i in range(2, 1001):
        program.resize(block, 4144 * i, i % 10 == 0, stack=stack)
    program.resize(block, 100, False)
    program.release(block)
    program.release(other)
    said = ask(program.write(tmp_path / "p"))
    (group,) = said["growth"]["groups"]
    assert group["stack"][0] == {"module": "/usr/bin/program", "offset": 16}
    # 4144 x (1 + 2 + ... + 999), by 999 reallocs; the one that made it smaller is not saved.
    assert (group["realloc_count"], group["copied_bytes"]) == (999, 4144 * 999 * 1000 // 2)
    assert group["moved_count"] == 100
    assert group["least_step_bytes"] == group["most_step_bytes"] == 4144
    assert (group["doubling_count"], group["doubling_copied_bytes"]) == (10, 4144 * 1023)
    # The last one moved: both blocks, and the other one.
    assert said["peaks"]["moving_bytes"] == (1 << 20) + 4144 * 999 + 4144 * 1000
    assert said["growth"]["preallocated"]["moving_bytes"] == (1 << 20) + 4144 * 1000


def test_preallocating_can_cost_memory(ask, tmp_path):
    """A block that is small while others are large, and large when they are gone."""
    program = Program()
    block = program.make(10)
    large = program.make(1000)
    program.release(large)
    program.resize(block, 900, False)
    program.release(block)
    said = ask(program.write(tmp_path / "p"))
    assert said["peaks"]["live_bytes"] == 1010
    assert said["growth"]["preallocated"]["live_bytes"] == 1900


def test_growth_by_new_blocks_is_seen_where_nothing_lies_between(ask, growbench, tmp_path):
    """As std::vector of numbers grows, twice; and a list of texts, which is hidden."""
    program = Program()
    stack = program.stack("0x30")
    for _ in range(2):
        block = program.make(8, kind="malloc")
        for power in range(4, 12):
            larger = program.make(1 << power, stack=stack)
            program.release(block)
            block = larger
        program.release(block)
        other = program.make(1)
        for power in range(4, 12):
            larger = program.make(1 << power)
            text = program.make(20)
            program.release(other)
            program.release(text)
            other = larger
        program.release(other)
    path = program.write(tmp_path / "p")
    said = ask(path)
    check(program, said, {stack: ("0x30",)})
    (group,) = said["replaced"]["groups"]
    assert (group["block_count"], group["realloc_count"]) == (2, 16)
    assert group["copied_bytes"] == 2 * sum(1 << power for power in range(3, 11))
    assert (group["least_first_bytes"], group["most_largest_bytes"]) == (8, 2048)
    assert group["stack"][0]["offset"] == 0x30
    shown = growbench("profile", str(path)).stdout
    assert "as far as can be seen: 2, in 16 steps that can have copied 3.98 KiB" in shown


@pytest.mark.parametrize(
    ("sizes", "freed_by", "chains"),
    [
        ((3200, 6400, 12800, 25600), 0, 1),
        ((3200, 6400, 12800, 25600), 1, 0),
        ((3200, 6400, 12800), 0, 0),
        ((3200, 6500, 13203, 26818), 0, 1),
        ((3200, 6501, 13205, 26822), 0, 0),
        ((31, 61, 121, 241), 0, 1),
        ((16, 24, 36, 54), 0, 1),
        ((16, 28, 50, 88), 0, 0),
    ],
)
def test_what_counts_as_growth_by_new_blocks(ask, tmp_path, sizes, freed_by, chains):
    program = Program()
    block = program.make(sizes[0])
    for size in sizes[1:]:
        larger = program.make(size)
        program.release(block, thread=freed_by)
        block = larger
    said = ask(program.write(tmp_path / "p"))
    assert said["replaced"]["all"]["block_count"] == chains
    check(program, said, {})


def test_of_many_places_each_that_is_shown_is_preallocated_by_itself(ask, tmp_path):
    program = Program()
    stacks = [program.stack(f"{place:#x}") for place in range(1, 41)]
    blocks = [program.make(100 + place) for place in stacks]
    # So that the peak is where what is preallocated makes it larger.
    program.release(program.make(1 << 20))
    for step in range(1, 5):
        for place, block in zip(stacks, blocks):
            program.resize(block, (100 + place) << step, place % 3 == 0, stack=place)
    for block in blocks:
        program.release(block)
    said = ask(program.write(tmp_path / "p"))
    assert said["growth"]["group_count"] == 40 and len(said["growth"]["groups"]) == SHOWN
    check(program, said, {place: (place,) for place in stacks})


def test_without_growth_that_is_said(ask, growbench, tmp_path):
    program = Program()
    block = program.make(100)
    program.resize(block, 50, True)
    path = program.write(tmp_path / "p")
    check(program, ask(path), {})
    assert "No block grew by realloc." in growbench("profile", str(path)).stdout


def test_people_are_told_the_same(growbench, tmp_path):
    program = Program()
    stack = program.stack("0x10", "0x20")
    block = program.make(1000, thread=0)
    program.resize(block, 3000, True, stack=stack)
    program.release(block, thread=1)
    done = growbench("profile", str(program.write(tmp_path / "p")))
    assert (done.returncode, done.stderr) == (EXIT_DONE, "")
    for text in (
        "p: 1 process, 3 events, ",
        "Process 0, program --word: 2 threads, exited",
        "malloc 1 realloc 1 (1 moved) free 1",
        "2.93 KiB in all; at once at most 2.93 KiB, in 1 block at most",
        "with both blocks of each realloc that moved: at most 3.91 KiB at once",
        "freed by another thread: 1 block, 2.93 KiB",
        "Blocks that grew: 1, by 1 realloc that can have copied 1000 B; 1 moved (1000 B)",
        "1000 B to 2.93 KiB",
        "/usr/bin/program+0x10",
    ):
        assert text in done.stdout


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        ([], ["which one", "growbench record"]),
        (["{p}", "{p}"], ["one word too many"]),
        (["{p}", "--process=1"], ["there is no process 1", "has 1"]),
        (["{p}", "--format=xml"], ["'xml'", "terminal, json"]),
        (["{p}", "--frames=0"], ["--frames"]),
        (["{p}", "--rows=1"], ["takes no --rows"]),
        (["/no/such/file"], ["/no/such/file"]),
        (["/dev/null"], ["/dev/null"]),
        (["{cut}"], ["cut"]),
    ],
)
def test_wrong_usage_and_what_is_no_profile_are_one_message(growbench, tmp_path, words, parts):
    program = Program()
    program.make(1)
    path = program.write(tmp_path / "p")
    cut = tmp_path / "cut"
    cut.write_bytes(path.read_bytes()[:-1])
    done = growbench("profile", *(word.format(p=path, cut=cut) for word in words))
    assert (done.returncode, done.stdout) == (EXIT_USAGE, "")
    assert done.stderr.startswith("growbench: ") and done.stderr.count("\n") == 1
    for part in parts:
        assert part in done.stderr
