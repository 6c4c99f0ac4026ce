"""What comes out of a check."""

from typing import Mapping, NamedTuple, Sequence

# The worst first.
FAILED, UNKNOWN, PASSED = "failed", "not known", "passed"
VERDICTS = (FAILED, UNKNOWN, PASSED)


class Finding(NamedTuple):
    """One thing that was expected, what was got, and what to do next if that is not the same."""

    expected: str
    got: str
    verdict: str
    advice: str = ""


class Limit(NamedTuple):
    """Something of this machine that limits the precision: its figure, and what would fix it."""

    what: str
    figure: str
    fix: str = ""


class Outcome(NamedTuple):
    """figures: for programs; each in the unit that its name ends in."""

    findings: Sequence[Finding]
    figures: Mapping[str, float] = {}
    limits: Sequence[Limit] = ()

    @property
    def verdict(self) -> str:
        """The worst of the findings'; a check that found nothing out is not known."""
        verdicts = [finding.verdict for finding in self.findings] or [UNKNOWN]
        return min(verdicts, key=VERDICTS.index)


class CannotTell(Exception):
    """A check could not be made. The message says why."""


def judged(expected: str, got: str, is_right: bool, advice: str) -> Finding:
    """A finding that has passed or failed."""
    return Finding(expected, got, PASSED if is_right else FAILED, "" if is_right else advice)
