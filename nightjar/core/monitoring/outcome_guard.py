"""Is a day of outcomes like those of comparable days? A day that is not is held until a person decides."""

from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime, timedelta
from enum import StrEnum

from pydantic import AwareDatetime

from nightjar.core.comparison.comparable import HOLIDAY, comparables, in_holiday_period
from nightjar.core.model.holidays import IsHoliday, never
from nightjar.core.monitoring.outcome_findings import OF_ROWS, HoldFinding
from nightjar.core.monitoring.outcome_looks import BEFORE, OutcomeDay
from nightjar.core.monitoring.outcome_rules import HOLDS, TELLS, Limits, findings
from nightjar.core.values import Value

RATE = 0.02
"""At most this share of ordinary days reaches any of these limits.

Of 365 days of the recorded year none does: below 1% at 95% confidence (docs/adr/0114).
"""
TOLD_RATE = 0.05
"""At most this share of ordinary days reaches one of these. Of the recorded year 10 of 365 do: below 5% at
95% confidence (docs/adr/0142).
"""
TOLD_DAYS = 14
"""Doubts about so many of the newest days of a dataset are told. Who lands a year is not told all of it."""
DAY, WEEK = timedelta(days=1), timedelta(days=7)
Held = Mapping[tuple[date, datetime], datetime | None]
"""Day and instant (UTC) of a delivery -> the instant from which it counts; None: it does not count."""


def nothing_held(dataset: str) -> Held:  # noqa: ARG001  # whatever it is
    return {}


class Verdict(StrEnum):
    """What became of a day's delivery. HELD waits for a person. DOUBTED counts, and people are told."""

    PASSED = "passed"
    DOUBTED = "doubted"
    HELD = "held"
    ACCEPTED = "accepted"
    REFUSED = "refused"


COUNTS = frozenset({Verdict.PASSED, Verdict.DOUBTED, Verdict.ACCEPTED})
"""Verdicts on deliveries that are read."""
UNDECIDED = frozenset({Verdict.DOUBTED, Verdict.HELD})
"""Verdicts that a person may still change."""
BY_A_PERSON = frozenset({Verdict.ACCEPTED, Verdict.REFUSED})


class CheckedDelivery(Value):
    """The verdict on a delivery of a day of outcomes.

    recorded_at: the instant of the delivery. counts_from: the instant from which it counts, where a person
    accepted it.
    """

    dataset: str
    day: date
    recorded_at: AwareDatetime
    verdict: Verdict
    counts_from: AwareDatetime | None = None

    @property
    def counts(self) -> bool:
        return self.verdict in COUNTS


class OutcomeCheck(CheckedDelivery):
    """The same with what the day looks like, and why. actor, decided_at: set by the ledger."""

    model: str
    looks: OutcomeDay
    findings: tuple[HoldFinding, ...] = ()
    reason: str | None = None
    actor: str = ""
    decided_at: AwareDatetime | None = None

    @property
    def told(self) -> str:
        """The first finding, the names of the other checks, and how many findings there are.

        One fault makes many findings: a file in seconds has other units in each of its columns and slices.
        """
        names = [*dict.fromkeys(each.name for each in self.findings)]
        if not self.findings:
            return ""
        also = f" also of {', '.join(names[1:])}" if names[1:] else ""
        count = f". {len(self.findings)} findings in all,{also}".rstrip(",") if self.findings[1:] else ""
        return f"{self.findings[0].brief}{count}"

    @property
    def rate(self) -> float:
        """At most this share of ordinary days reaches any of the limits."""
        return TOLD_RATE if self.verdict is Verdict.DOUBTED else RATE


def held_by(checks: Iterable[tuple[date, datetime, str, datetime | None]]) -> Held:
    """The deliveries that do not count, or count later than they were recorded, by any model's check.

    checks: day, instant, verdict and counts_from of the newest verdict of each model on each delivery.
    """
    held = dict[tuple[date, datetime], datetime | None]()
    for day, recorded_at, verdict, counts_from in checks:
        if verdict in {Verdict.HELD, Verdict.REFUSED}:
            held[day, recorded_at] = None
        elif counts_from is not None:
            known = held.get((day, recorded_at), recorded_at)
            held[day, recorded_at] = known and max(known, counts_from)
    return held


def judged(
    day: date,
    found: OutcomeDay,
    days: Mapping[date, OutcomeDay],
    is_holiday: IsHoliday = never,
    step: timedelta = DAY,
) -> tuple[Verdict, tuple[HoldFinding, ...]]:
    """What becomes of a day, and why: what holds it, or else what is told of it. As `checked`.

    In a holiday period nothing is told of rows: everybody knows that fewer or more fly then. What is told has
    the narrower limits. So most days are looked at once: nothing holds where nothing is told.
    """
    doubts = checked(day, found, days, is_holiday, step, TELLS)
    if not doubts:
        return Verdict.PASSED, ()
    if held := checked(day, found, days, is_holiday, step):
        return Verdict.HELD, held
    if in_holiday_period(day, is_holiday):
        doubts = tuple(each for each in doubts if each.name not in OF_ROWS)
    return Verdict.DOUBTED if doubts else Verdict.PASSED, doubts


def compared_with(days: Iterable[date], counting: Collection[date], is_holiday: IsHoliday) -> set[date]:
    """The days that count which some of these days are compared with, as far as they count already."""
    return {each for day in days for each in comparables(day, counting, is_holiday=is_holiday).every}


def checked(
    day: date,
    found: OutcomeDay,
    days: Mapping[date, OutcomeDay],
    is_holiday: IsHoliday = never,
    step: timedelta = DAY,
    limits: Limits = HOLDS,
) -> tuple[HoldFinding, ...]:
    """Everything that stands against a day. days: those that count, of which earlier ones are compared.

    step: how far files lie apart, for the sentences.
    """
    near = comparables(day, days, is_holiday=is_holiday)
    past, alike = ([days[each] for each in which] for which in (near.every, near.alike))
    against = findings(found, past, alike, HOLIDAY if near.holiday else 1.0, limits)
    before = f" of {_before(step)}"
    return tuple(
        each.model_copy(
            update={"told": each.told.replace(BEFORE, before), "where": each.where.replace(BEFORE, before)}
        )
        for each in against
    )


def _before(step: timedelta) -> str:
    """When the file before was, in words."""
    return {DAY: "the day before", WEEK: "the week before"}.get(step, f"{step.days} days before")


def rate_told(rate: float) -> str:
    return f"At most {rate:.0%} of ordinary days reach a limit."
