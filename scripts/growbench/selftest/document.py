"""What a self-test comes to: a verdict in words, an exit status, a text, and JSON."""

import textwrap
from typing import NamedTuple, Sequence

from growbench.tables import formats
from growbench.data.text import printable
from growbench.selftest.check import Check
from growbench.selftest.outcome import FAILED, Outcome, PASSED, UNKNOWN
from growbench.selftest import check_aa as aa
from growbench.selftest.check_aa import ROUNDS_OF_A_RUN

# Exit statuses; 2 is for what was not understood. As those of comparisons.
TRUSTED, BROKEN, COULD_NOT_TELL = 0, 1, 4
_TONES = {PASSED: "\033[32m", FAILED: "\033[1;31m", UNKNOWN: "\033[33m"}
_PLAIN = "\033[0m"
_WIDTH = 100
# Where a self-test is kept.
FILE = "selftest.json"


class Result(NamedTuple):
    """What became of a check."""

    check: Check
    outcome: Outcome
    seconds: float


class Report(NamedTuple):
    """A self-test. machine_id: "" where no check measured. is_whole: no check was left out."""

    machine_id: str
    started_utc: str
    seconds: float
    results: Sequence[Result]
    is_whole: bool

    def named(self, verdict: str) -> list[str]:
        """The checks of that verdict."""
        return [one.check.name for one in self.results if one.outcome.verdict == verdict]

    @property
    def status(self) -> int:
        if self.named(FAILED):
            return BROKEN
        return COULD_NOT_TELL if self.named(UNKNOWN) else TRUSTED

    @property
    def theta(self) -> tuple[float, float]:
        """What equal things differ by: families, single cells; nan without the A/A check."""
        nothing = float("nan")
        for result in self.results:
            if result.check.name == aa.RUN:
                figures = result.outcome.figures
                return (
                    figures.get("theta_family_share", nothing),
                    figures.get("theta_cell_share", nothing),
                )
        return nothing, nothing


def verdict(report: Report) -> list[str]:
    """In plain words, the most important first."""
    if report.status == BROKEN:
        failed = report.named(FAILED)
        return [
            f"Do not trust what growbench says of this machine: {len(failed)} of "
            f"{len(report.results)} checks failed ({', '.join(failed)}). What to do stands with "
            "each."
        ]
    if report.status == COULD_NOT_TELL:
        return [
            "Whether this machine can be trusted could not be told: not known is "
            f"{', '.join(report.named(UNKNOWN))}. Nothing was found to be wrong; what to do stands "
            "with each."
        ]
    families, cells = report.theta
    if families != families:
        return [f"What was asked for is right: {', '.join(report.named(PASSED))}."]
    lines = [
        f"This machine can be trusted to see differences of more than {families:.1%} of a strategy "
        f"under an allocator, and of more than {cells:.1%} of a single cell, in {ROUNDS_OF_A_RUN} "
        "rounds: equal things differed by no more than that in 99 of 100 comparisons (5% is the "
        "least that counts)."
    ]
    if report.is_whole:
        lines.append("make compare and make compare-live take this as their threshold from now on.")
    return lines


def as_terminal(report: Report, colour: bool) -> str:
    lines = []
    for result in report.results:
        lines += [_heading(result, colour), *_findings(result), ""]
    lines += _limits(report)
    for sentence in verdict(report):
        lines += textwrap.wrap(printable(sentence), _WIDTH)
    lines.append(f"{len(report.results)} checks took {report.seconds:.0f} s.")
    return "\n".join(lines) + "\n"


def _heading(result: Result, colour: bool) -> str:
    verdict = result.outcome.verdict
    text = verdict.upper() if verdict == FAILED else verdict
    shown = f"{_TONES[verdict]}{text}{_PLAIN}" if colour else text
    spaces = " " * (len(UNKNOWN) - len(text))
    return f"{shown}{spaces}  {result.check.name}: {result.check.title}"


def _findings(result: Result) -> list[str]:
    lines = []
    for finding in result.outcome.findings:
        lines += _said("expected", finding.expected)
        lines += _said("got", finding.got)
        if finding.advice:
            lines += _said("next", finding.advice)
    return lines


def _said(name: str, text: str) -> list[str]:
    return textwrap.wrap(
        printable(text),
        _WIDTH,
        initial_indent=f"    {name:<8}  ",
        subsequent_indent=" " * 14,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _limits(report: Report) -> list[str]:
    limits = [limit for result in report.results for limit in result.outcome.limits]
    if not limits:
        return []
    lines = ["What limits the precision here, and what would fix it:"]
    for limit in limits:
        text = f"{limit.what}: {limit.figure}" if limit.figure else limit.what
        text += f"; {limit.fix}" if limit.fix else ""
        lines += textwrap.wrap(
            printable(text), _WIDTH, initial_indent="  ", subsequent_indent="    "
        )
    return [*lines, ""]


def as_json(report: Report) -> str:
    """For programs, and what FILE holds."""
    families, cells = report.theta
    known = families == families
    return formats.to_json(
        {
            "machine_id": report.machine_id,
            "started_utc": report.started_utc,
            "seconds": round(report.seconds, 1),
            "exit_status": report.status,
            "verdict": " ".join(verdict(report)),
            "theta_family_share": families if known else None,
            "theta_cell_share": cells if known else None,
            "checks": [_for_json(result) for result in report.results],
        }
    )


def _for_json(result: Result) -> dict:
    outcome = result.outcome
    return {
        "name": result.check.name,
        "title": result.check.title,
        "verdict": outcome.verdict,
        "seconds": round(result.seconds, 1),
        "findings": [finding._asdict() for finding in outcome.findings],
        "figures": {k: v if v == v else None for k, v in outcome.figures.items()},
        "limits": [limit._asdict() for limit in outcome.limits],
    }
