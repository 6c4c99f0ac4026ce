"""What the data say, in sentences: each finding is a function, and FINDINGS lists them.

A finding gets the Evidence of one run and returns a Finding, or None where the data do not support
one. Rules that all of them keep: an interval that includes 1 is never read as a difference; with
fewer than 6 rounds there are no intervals, and it is said that nothing can be told apart; what was
predicted or has no figures is not compared.

To add a finding, write its function into a file here, add it to FINDINGS, and its two cases to
tests/test_findings.py: data that support it, and data that do not.
"""

from typing import Callable, Optional

from growbench.findings.evidence import Evidence
from growbench.findings.allocators import swapping_allocators
from growbench.findings.appends import single_appends
from growbench.findings.capacity import real_capacity
from growbench.findings.copies import needless_copies, paying_copies
from growbench.findings.curves import crossovers, growth
from growbench.findings.doubts import trust
from growbench.findings.factors import growth_factors
from growbench.findings.finding import Finding
from growbench.findings.first_build import cold_and_warm
from growbench.findings.implementations import article_by_implementation, beside_c
from growbench.findings.peak import memory
from growbench.findings.people import containers
from growbench.findings.question import article_question
from growbench.findings.ranking import fastest, leanest

FINDINGS: tuple[Callable[[Evidence], Optional[Finding]], ...] = (
    fastest,
    article_question,
    article_by_implementation,
    beside_c,
    swapping_allocators,
    growth_factors,
    growth,
    crossovers,
    cold_and_warm,
    leanest,
    memory,
    single_appends,
    real_capacity,
    containers,
    needless_copies,
    paying_copies,
    trust,
)


def findings(evidence: Evidence) -> list[Finding]:
    """Everything that FINDINGS has to say of a run."""
    return [made for made in (function(evidence) for function in FINDINGS) if made is not None]
