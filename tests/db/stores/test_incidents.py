"""Over real HTTP and SMTP, each receiver is told once of each cause of an incident and once of its end."""

from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from pydantic import SecretStr

from db.stores.dispatches import PostgresDispatches
from db.stores.incidents import PostgresIncidents
from nightjar.adapters.notify.people import way_to
from nightjar.core.telling.incidents import Ending, Severity, Trouble, changes
from nightjar.usecases.telling.incidents import Channel, TellPeople

NOW = datetime.now(UTC)
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture
def database(shared_database):
    return shared_database


def trouble(kind: str, severity: Severity = Severity.CRITICAL, **fields) -> Trouble:
    told = {
        "model": "toy",
        "kind": kind,
        "severity": severity,
        "cause": kind,
        "sentence": f"It is {kind}.",
        "runbook": "late-night",
    }
    return Trouble(**told | fields)


def look(ledger, *troubles, now=NOW, **why):
    return ledger.note(
        lambda opened: changes(opened, troubles, now, unknown=lambda _: False, seen=frozenset(), **why)
    )


def test_every_receiver_is_told_once_of_a_beginning_and_once_of_an_end(engine, receiver, mailbox):
    ledger = PostgresIncidents(engine)
    urls = {
        "slack": f"slack+{receiver.url}",
        "mail": mailbox.url,
    }
    channels = {name: Channel(frozenset(Severity), way_to(SecretStr(url))) for name, url in urls.items()} | {
        "critical": Channel(frozenset({Severity.CRITICAL}), way_to(SecretStr(f"webhook+{receiver.url}")))
    }
    tell = TellPeople(dispatches=PostgresDispatches(engine), channels=channels, ui="https://ui.example")
    receiver.statuses = [500]  # the first attempt of the first channel
    for _ in range(3):
        look(ledger, trouble("late"), trouble("drifted", Severity.WARNING))
        tell(NOW)
    assert len(ledger.opened()) == 2
    tell(NOW + timedelta(hours=2))
    tell(NOW + timedelta(hours=3))
    assert len(receiver.heard) == 2 + 1 + 1, (
        "two for Slack, one of them again; the critical one for the webhook"
    )
    assert len(mailbox.mails) == 2
    assert any("late-night" in mail for mail in mailbox.mails)
    look(ledger)
    for hours in (4, 5):
        tell(NOW + timedelta(hours=hours))
    assert ledger.opened() == ()
    assert len(mailbox.mails) == 4
    assert len(receiver.heard) == 4 + 2 + 1
    assert "This is over" in receiver.bodies[-1].get("text", "")


def test_two_watchers_at_once_note_a_beginning_once(engine):
    ledger = PostgresIncidents(engine)
    assert [len(look(ledger, trouble("failed")).begun) for _ in range(2)] == [1, 0]
    look(ledger)


def test_what_ended_before_it_was_told_is_not_told(engine, receiver):
    ledger = PostgresIncidents(engine)
    channels = {"late comer": Channel(frozenset(Severity), way_to(SecretStr(f"slack+{receiver.url}")))}
    look(ledger, trouble("held_back"))
    look(ledger)
    TellPeople(dispatches=PostgresDispatches(engine), channels=channels, ui="https://ui.example")(NOW)
    assert receiver.heard == []


def failed(because: str, runbook: str) -> Trouble:
    said = f"It failed: {because}."
    return trouble("failed", Severity.WARNING, because=because, cause=because, sentence=said, runbook=runbook)


@pytest.fixture
def told(engine, receiver, mailbox):
    """All of it to a mailbox, and what is critical to a webhook."""
    channels = {
        "mail": Channel(frozenset(Severity), way_to(SecretStr(mailbox.url))),
        "critical": Channel(frozenset({Severity.CRITICAL}), way_to(SecretStr(f"webhook+{receiver.url}"))),
    }
    return TellPeople(dispatches=PostgresDispatches(engine), channels=channels, ui="https://ui.example")


def test_an_incident_that_gets_other_causes_is_told_anew_and_ends_once(engine, told, receiver, mailbox):
    ledger, hours = PostgresIncidents(engine), iter(range(100))

    def see(*troubles, **why):
        now = NOW + next(hours) * timedelta(minutes=20)
        look(ledger, *troubles, now=now, **why)
        told(now)

    held = trouble("held_back", because="volume", sentence="It is held: volume.", runbook="audit-failed")
    for seen in (failed("lost", "database-down"), failed("damaged", "damaged"), held, held):
        see(seen)
        see(seen.model_copy(update={"sentence": f"{seen.sentence} 2 of 3."}))
    see(failed("lost", "database-down"))  # within a day
    assert len(mailbox.mails) == 3
    assert [body["title"] for body in receiver.bodies] == ["Nightjar critical, changed: toy: held back"]
    (note,) = receiver.bodies[0]["notes"]
    assert (note["step"], note["was"]) == ("changed", "It failed: damaged.")
    second = mailbox.mails[1].replace("=\r\n", "")
    assert "Was: It failed: lost." in second
    assert "Now: It failed: damaged." in second
    assert "runbook-pages/damaged.html" in second
    assert [incident.now.sentence for incident in ledger.opened()] == ["It failed: lost."]
    for _ in range(2):
        see(why=lambda _: Ending(decided="Accepted: it is a holiday."))
    assert len(mailbox.mails) == 4
    assert receiver.bodies[1]["title"] == "Nightjar over: toy: failed"
    text = receiver.bodies[1]["text"]
    assert text.startswith("toy: This is over. Accepted: it is a holiday. It began 20")
    assert text.endswith(" UTC. It was: It failed: lost.")


def test_a_receiver_that_was_away_is_told_the_newest_cause_alone(engine, told, receiver, mailbox):
    ledger = PostgresIncidents(engine)
    for because in ("volume", "units"):
        said = f"It is held: {because}."
        look(ledger, trouble("held_back", because=because, cause=f"away {because}", sentence=said))
    told(NOW)
    (body,) = receiver.bodies
    assert body["text"].startswith("toy: Now: It is held: units.\n")
    assert body["text"].endswith("\nWas: It is held: volume.")
    look(ledger)
    told(NOW + timedelta(hours=1))
    assert [body["title"] for body in receiver.bodies][1:] == ["Nightjar over: toy: held back"]


def test_who_hears_of_critical_ones_alone_hears_of_one_that_becomes_critical_and_of_its_end(
    engine, told, receiver, mailbox
):
    ledger = PostgresIncidents(engine)
    filling = trouble(
        "disk_filling", Severity.WARNING, model="", cause="disk_filling", sentence="9% are free."
    )
    full = trouble("disk_full", model="", cause="disk_full", sentence="1% is free.")
    for minutes, seen in enumerate((filling, full, filling)):
        now = NOW + timedelta(minutes=minutes)
        look(ledger, seen, now=now)
        told(now)
    look(ledger)
    told(NOW + timedelta(hours=1))
    assert [body["title"] for body in receiver.bodies] == [
        "Nightjar critical, changed: disk full",
        "Nightjar over: disk filling",
    ]
    assert len(mailbox.mails) == 3


def test_analysts_see_the_newest_words_of_an_incident_and_how_it_ended(engine, database):
    ledger = PostgresIncidents(engine)
    look(ledger, trouble("failed", Severity.WARNING, subject="seen", because="a", sentence="A."))
    look(ledger, trouble("held_back", subject="seen", because="b", sentence="B.", runbook="b"))
    seen = "SELECT kind, severity, sentence, runbook, first_sentence, ended_as, ending FROM incidents"
    with psycopg.connect(database.url("analyst"), autocommit=True) as analyst:
        rows = analyst.execute(f"{seen} WHERE subject = 'seen'").fetchall()
        assert rows == [("held_back", "critical", "B.", "b", "A.", None, None)]
        look(ledger, why=lambda _: Ending(unmended="Too old."))
        rows = analyst.execute(f"{seen} WHERE subject = 'seen'").fetchall()
        assert rows[0][5] == "unseen"
        assert rows[0][6].startswith("This is told no more. Too old. It began ")
        assert rows[0][6].endswith(" UTC. It was: B.")
