"""An end says who decided it, if somebody decided since the incident began."""

from datetime import UTC, date, datetime, timedelta

import pytest

from nightjar.core.telling.decisions import DECIDES, decided
from nightjar.core.telling.facts import Decision, ModelFacts
from nightjar.core.telling.incidents import Note, Severity, Step
from nightjar.core.telling.rules import OF_A_MODEL

NOW = datetime(2026, 1, 2, 11, tzinfo=UTC)
DAY = date(2026, 1, 2)
HOUR = timedelta(hours=1)
ACCEPTED = Decision("Accepted", "it is a holiday", NOW)


def began(kind: str, subject: str = str(DAY), at: datetime = NOW - HOUR) -> Note:
    told = {"model": "toy", "kind": kind, "subject": subject, "cause": kind, "sentence": "x", "runbook": "y"}
    return Note(**told, severity=Severity.WARNING, id=1, step=Step.BEGAN, noted_at=at)


def facts(**known) -> list[ModelFacts]:
    return [ModelFacts(**{"model": "toy", "now": NOW, "zone": "UTC"} | known)]


@pytest.mark.parametrize(
    ("kind", "subject", "known"),
    [
        ("late", str(DAY), {"decided_nights": {DAY: ACCEPTED}}),
        ("failed", str(DAY), {"decided_nights": {DAY: ACCEPTED}}),
        ("held_back", str(DAY), {"decided_nights": {DAY: ACCEPTED}}),
        ("doubted", str(DAY), {"decided_nights": {DAY: ACCEPTED}}),
        ("partial", f"{DAY} rows", {"decided_nights": {DAY: ACCEPTED}}),
        ("outcomes_held", str(DAY), {"decided_outcomes": {DAY: ACCEPTED}}),
        ("outcomes_doubted", str(DAY), {"decided_outcomes": {DAY: ACCEPTED}}),
        ("degraded", "", {"promoted": ACCEPTED}),
        ("champion_stale", "", {"promoted": ACCEPTED}),
    ],
)
def test_what_a_person_decided_since_is_told_and_what_was_decided_before_is_not(kind, subject, known):
    assert decided(facts(**known), began(kind, subject)) == "Accepted: it is a holiday."
    assert decided(facts(**known), began(kind, subject, NOW + HOUR)) is None
    assert decided(facts(), began(kind, subject)) is None
    assert decided([], began(kind, subject)) is None


def test_rows_that_were_set_aside_name_the_nights_that_were_published_since():
    nights = {DAY + timedelta(days=n): Decision("Published", f"repair {n}", NOW + n * HOUR) for n in range(5)}
    told = decided(facts(decided_nights=nights), began("quarantine_unread", "", NOW + HOUR))
    assert told == (
        "Published since: 2026-01-06 (repair 4), 2026-01-05 (repair 3), 2026-01-04 (repair 2), "
        "and 1 other night."
    )
    assert decided(facts(decided_nights=nights), began("quarantine_unread", "", NOW + 9 * HOUR)) is None


def test_people_decide_about_kinds_that_there_are():
    assert DECIDES.keys() <= {rule.kind for rule in OF_A_MODEL}
    assert decided(facts(decided_nights={DAY: ACCEPTED}), began("drifted")) is None
