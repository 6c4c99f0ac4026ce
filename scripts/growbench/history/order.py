"""Which run comes after which: by when they began, by commits, or by versions of an allocator."""

import re
import subprocess
from pathlib import Path
from typing import NamedTuple, Optional, Sequence

from growbench.data.errors import UsageError
from growbench.data.text import printable
from growbench.history.reading import Taken

_COMMIT = re.compile(r"[0-9a-f]{4,64}")
_DATE = re.compile(r"\d{4}-\d\d")


class State(NamedTuple):
    """What is measured at one place of a history: one run, or several that repeat each other.

    label: for people. detail: more of it, such as a commit's subject; "" if there is none. runs:
    those that are of it, in the order in which they began. steps: how many commits it is after the
    state before it, without those of other branches; None where there are no commits, or where it
    is not after it.
    """

    label: str
    detail: str
    runs: list[Taken]
    steps: Optional[int] = None


class Order(NamedTuple):
    """states: the first comes first. by: what they are in the order of, in words. notes: what is to
    be told of it."""

    states: list[State]
    by: str
    notes: list[str]


def without_twins(runs: Sequence[Taken]) -> tuple[list[Taken], list[str]]:
    """Each run once: a copy of a run is no repetition. With a note for each that is left out."""
    kept: dict[str, Taken] = {}
    notes = []
    for run in runs:
        if run.run_id in kept:
            first = kept[run.run_id].label
            notes.append(f"{run.label} is the run {first} once more, and left out")
        else:
            kept[run.run_id] = run
    return list(kept.values()), notes


def by_time(runs: Sequence[Taken]) -> Order:
    """Each run is a state of its own."""
    ordered = sorted(runs, key=lambda run: run.began)
    states = [State(run.label, "", [run]) for run in ordered]
    return Order(states, "when they began", _moved(runs, ordered))


def by_version(runs: Sequence[Taken], allocator: str) -> Order:
    """By the version of that allocator, and of one version by its build-id as runs began with it.
    Raises UsageError for a run that does not tell it."""
    told = {run.run_id: _versions(run) for run in runs}
    for run in runs:
        known = told[run.run_id]
        if allocator not in known:
            raise UsageError(
                printable(f"{run.label} does not say which version of {allocator} it measured; ")
                + (f"it knows of {', '.join(map(printable, known))}" if known else "leave it out")
            )
    began: dict[tuple[str, str], str] = {}
    for run in sorted(runs, key=lambda one: one.began):
        began.setdefault(told[run.run_id][allocator], run.began)
    keys = sorted(began, key=lambda key: (_parts_of(key[0]), began[key]))
    states = []
    for version, build in keys:
        own = [run for run in runs if told[run.run_id][allocator] == (version, build)]
        several = sum(1 for key in keys if key[0] == version) > 1
        detail = f"build-id {build[:12]}" if several and build else ""
        label = f"{version} ({build[:7]})" if detail else version
        states.append(State(label, detail, sorted(own, key=lambda run: run.began)))
    ordered = [run for state in states for run in state.runs]
    return Order(states, f"the version of {allocator}", _moved(runs, ordered))


def by_commit(runs: Sequence[Taken], repository: Path) -> Order:
    """By the commits that growbench was built from, parents first; runs of one commit repeat each
    other. Raises UsageError for a run that is of none of the repository's commits."""
    _git(repository, "rev-parse", "--git-dir")
    for run in runs:
        _check_commit(run)
    names = list(dict.fromkeys(run.commit for run in runs))
    full = dict(zip(names, _resolved(names, runs, repository)))
    ordered = _parents_first(list(dict.fromkeys(full.values())), repository)
    states, notes = [], []
    for place, commit in enumerate(ordered):
        own = [run for run in runs if full[run.commit] == commit]
        subject = _git(repository, "log", "-1", "--format=%s", commit).strip()
        steps = _steps(ordered[place - 1], commit, repository) if place else None
        label = commit[: max(len(run.commit) for run in own)]
        own.sort(key=lambda run: run.began)
        states.append(State(label, printable(subject), own, steps))
        if place and steps is None:
            notes.append(
                f"{label} does not come after {states[-2].label}: they lie on different branches, "
                "and what changed between them may be of either"
            )
    moved = _moved(runs, [run for state in states for run in state.runs])
    return Order(states, "the commits they were built from", [*moved, *notes])


def place_of(when: str, order: Order) -> int:
    """The place of the first state that is meant by a label, a commit, a version or a date (UTC).
    Raises UsageError if there is none."""
    for place, state in enumerate(order.states):
        if when in (state.label, *(run.label for run in state.runs)):
            return place
    if _DATE.match(when):
        meant = [n for n, state in enumerate(order.states) if state.runs[-1].began >= when]
    else:
        meant = [n for n, state in enumerate(order.states) if state.label.startswith(when)]
    if not meant:
        last = ", ".join(state.label for state in order.states[-3:])
        raise UsageError(f"no run, commit, version or date is {when!r}; the last ones are {last}")
    return meant[0]


def _moved(given: Sequence[Taken], ordered: Sequence[Taken]) -> list[str]:
    same = [run.run_id for run in given] == [run.run_id for run in ordered]
    return [] if same else ["the runs were given in another order, and have been put into this one"]


def _versions(run: Taken) -> dict[str, tuple[str, str]]:
    """Version and build-id of each allocator."""
    rows = run.run.runs
    columns = (rows["allocator"], rows["allocator_version"], rows["allocator_build_id"])
    return {str(name): (str(version), str(build)) for name, version, build in zip(*columns)}


def _parts_of(version: str) -> tuple:
    """What versions are in the order of: 5.10 comes after 5.9."""
    parts = re.findall(r"\d+|[A-Za-z]+", version)
    return tuple((1, int(part), "") if part.isdigit() else (0, 0, part) for part in parts)


def _check_commit(run: Taken) -> None:
    commit = run.commit.rstrip("+")
    if not _COMMIT.fullmatch(commit):
        raise UsageError(
            f"{run.label} does not say which commit it was built from (build.git_commit of its "
            f"machine.json is {ascii(run.commit)[:40] if run.commit else 'not there'}); leave it "
            "out, or do without --git"
        )
    if run.commit.endswith("+"):
        raise UsageError(
            f"{run.label} was built from {commit} with changes on top that no commit has; leave it "
            "out, or build and measure what is committed"
        )


def _resolved(names: Sequence[str], runs: Sequence[Taken], repository: Path) -> list[str]:
    """The full names of the commits."""
    asked = "".join(f"{name}^{{commit}}\n" for name in names)
    answers = _git(repository, "cat-file", "--batch-check", given=asked).splitlines()
    full = []
    for name, answer in zip(names, answers):
        words = answer.split()
        if len(words) != 3 or words[1] != "commit":
            label = next(run.label for run in runs if run.commit == name)
            why = "is the beginning of several" if "ambiguous" in answer else "is not a commit"
            raise UsageError(
                f"{label} was built from {name}, which {why} of the repository {repository}; fetch "
                "it, or name its repository with --repository"
            )
        full.append(words[0])
    return full


def _parents_first(commits: Sequence[str], repository: Path) -> list[str]:
    base = _git(repository, "merge-base", "--octopus", *commits, may_fail=True).split()
    listed = _git(
        repository, "rev-list", "--topo-order", "--reverse", *commits, *(f"^{b}^@" for b in base)
    ).split()
    wanted = set(commits)
    return [commit for commit in listed if commit in wanted]


def _steps(before: str, after: str, repository: Path) -> Optional[int]:
    """How many commits there are after one and up to the other; None if that is no descendant."""
    base = _git(repository, "merge-base", before, after, may_fail=True).strip()
    if base != before:
        return None
    found = _git(repository, "rev-list", "--count", "--ancestry-path", f"{before}..{after}")
    return int(found)


def _git(repository: Path, *words: str, given: Optional[str] = None, may_fail: bool = False) -> str:
    """What git prints. Raises UsageError if it fails, unless it may."""
    command = ["git", "-C", str(repository), *words]
    try:
        done = subprocess.run(command, input=given, capture_output=True, text=True)
    except OSError as error:
        raise UsageError(f"git cannot be started: {error.strerror}; install it") from None
    if done.returncode and not may_fail:
        lines = done.stderr.strip().splitlines()
        why = printable(lines[0]) if lines else f"exit status {done.returncode}"
        raise UsageError(
            f"git {words[0]} in {repository}: {why}; name the repository of the commits with "
            "--repository"
        )
    return done.stdout
