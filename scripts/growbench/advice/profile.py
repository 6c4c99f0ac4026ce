"""A profile of a program's allocations, as `growbench profile` tells what is in it."""

import hashlib
import json
import subprocess
from pathlib import Path
from typing import Any, NamedTuple, Optional

from growbench.advice import symbols
from growbench.data.errors import UsageError
from growbench.data.text import printable

_MAGIC = b"GROWPROF"
# The names of replays, as strategies: see harness/worker/replay.h.
REPLAY = "replay:"


class Profile(NamedTuple):
    """told: the JSON of `growbench profile`, for one of its processes. digest: SHA-256 of the file,
    by which runs of it are known."""

    path: Path
    told: dict[str, Any]
    digest: str

    @property
    def process(self) -> dict[str, Any]:
        """The process that is told of."""
        found: dict[str, Any] = self.told["processes"][self.told["process"]]
        return found

    @property
    def growth(self) -> dict[str, Any]:
        """The blocks that grew."""
        found: dict[str, Any] = self.told["growth"]
        return found

    @property
    def name(self) -> str:
        """The program's, or else the file's."""
        command = self.process["command"]
        return printable(Path(command[0]).name if command else self.path.stem)


def is_profile(path: Path) -> bool:
    """Does the file begin as a profile does?"""
    try:
        with open(path, "rb") as file:
            return file.read(len(_MAGIC)) == _MAGIC
    except OSError:
        return False


def read_profile(path: Path, process: Optional[int], runner: str) -> Profile:
    """What `runner` says of the process, or of the one with most events. Raises UsageError with
    what it says where it refuses the profile."""
    command = [runner, "profile", str(path), "--format", "json"]
    command += [] if process is None else ["--process", str(process)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        raise UsageError(
            f"{runner} cannot be started, and has to read the profile: {error.strerror}; build it "
            "with: make build"
        ) from None
    if done.returncode != 0:
        raise UsageError(done.stderr.strip().removeprefix("growbench: "))
    told = json.loads(done.stdout)
    symbols.name_calls(_stacks(told["growth"]))
    return Profile(path, told, _digest(path))


def _stacks(growth: dict[str, Any]) -> list[list[dict[str, Any]]]:
    return [group["stack"] for group in (*growth["groups"], *growth["blocks"])]


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


def find_replay(profile: Profile, folder: Path) -> Optional[Path]:
    """The newest run in the folder that is a replay of this process of this profile."""
    found = []
    for path in folder.glob("*/machine.json"):
        try:
            told = json.loads(path.read_text(encoding="utf-8"))
            of = told["run"]["profile"]
            if (of["sha256"], of["process"]) == (profile.digest, profile.told["process"]):
                found.append((str(told["run"]["started_utc"]), path.parent))
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return max(found)[1] if found else None
