"""A finding: one thing that stands against a night, with its numbers and in a sentence."""

from collections.abc import Iterable

from nightjar.core.values import Value

RUNBOOK = "audit-failed"


class Finding(Value):
    """One thing that stands against a night.

    name: which check found it, in snake case. column, slice: what it is about; "" if it is about all.
    number, expected, limit: what was measured, what ordinary nights have, and what is still allowed; None
    where a check has no such number. rate: the share of ordinary nights that reach the limit, as measured;
    None if it is not known.
    """

    name: str
    sentence: str
    column: str = ""
    slice: str = ""
    number: float | None = None
    expected: float | None = None
    limit: float | None = None
    rate: float | None = None
    runbook: str = RUNBOOK


def sentences(findings: Iterable[Finding]) -> tuple[str, ...]:
    return tuple(finding.sentence for finding in findings)


def rate_told(findings: Iterable[Finding]) -> str:
    """How often ordinary nights have such findings, in a sentence. Empty if it is known of none."""
    rates = {finding.name: finding.rate for finding in findings if finding.rate is not None}
    if not rates:
        return ""
    return f"At most {max(rates.values()):.0%} of ordinary nights reach a limit of: {', '.join(rates)}."
