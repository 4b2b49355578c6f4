"""Over real HTTP and SMTP, each receiver is told once when an incident begins and once when it ends."""

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import SecretStr

from db.stores.dispatches import PostgresDispatches
from db.stores.incidents import PostgresIncidents
from nightjar.adapters.notify.people import way_to
from nightjar.core.telling.incidents import Severity, Trouble, changes
from nightjar.usecases.telling.incidents import Channel, TellPeople

NOW = datetime.now(UTC)
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture
def database(shared_database):
    return shared_database


def trouble(kind: str, severity: Severity = Severity.CRITICAL) -> Trouble:
    return Trouble(
        model="toy", kind=kind, severity=severity, cause=kind, sentence=f"It is {kind}.", runbook="late-night"
    )


def look(ledger, *troubles):
    return ledger.note(lambda opened: changes(opened, troubles, lambda _: False, frozenset()))


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
