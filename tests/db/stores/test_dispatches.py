"""Every publication reaches every consumer at least once: over real HTTP, through failures and kills."""

import base64
import hmac
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from pydantic import SecretStr

from db.stores.dispatches import PostgresDispatches
from nightjar.adapters.notify.webhook import Webhook
from nightjar.core.telling.publications import PublicationNews
from nightjar.usecases.telling.publications import TellConsumers

KEY = b"a key of the specification's length"
NOW = datetime.now(UTC)
LATER = NOW + timedelta(hours=2)
ATTEMPTS = (
    "SELECT publication_id, attempt, arrived, error FROM nightjar.dispatch WHERE channel = %s "
    "ORDER BY publication_id, attempt"
)


@pytest.fixture
def database(shared_database):
    """One for all: each test publishes revisions of its own, and tells a channel of its own."""
    return shared_database


@pytest.fixture
def channel(request):
    return request.node.name


@pytest.fixture
def publish(on_postgres):
    return lambda: on_postgres.publish(force=True)[1]


@pytest.fixture
def dispatches(engine):
    return PostgresDispatches(engine)


@pytest.fixture
def tell(dispatches, receiver, channel):
    """Tells one webhook, which knew nothing of the ledger before its first call."""
    told = TellConsumers(dispatches=dispatches, consumers={channel: Webhook(SecretStr(receiver.url), [KEY])})
    told(NOW)
    return told


@pytest.fixture
def attempts(database, channel):
    def stored():
        with psycopg.connect(database.url("writer")) as writer:
            return writer.execute(ATTEMPTS, [channel]).fetchall()

    return stored


def test_a_consumer_that_was_known_before_the_first_publication_is_told_of_it(publish, tell, receiver):
    number = publish().id
    assert number == 1, "this test has to be the first"
    tell(NOW)
    assert [body["data"]["publication_id"] for body in receiver.bodies] == [number]


def test_publications_rollbacks_and_repairs_are_told_once_each_in_order(on_postgres, publish, tell, receiver):
    first, again = publish(), publish()
    back = on_postgres.store.roll_back(on_postgres.store.run(first.run_id), "worse")
    for now in (NOW, NOW, LATER):
        tell(now)
    told = [PublicationNews.model_validate(body["data"]) for body in receiver.bodies]
    assert [each.publication_id for each in told] == [first.id, again.id, back.id]
    assert [each.action for each in told] == ["publish", "publish", "rollback"]
    assert told[0].revision == told[1].revision - 1 == told[2].revision


def test_a_receiver_can_check_the_signature_and_the_time_of_each_message(publish, tell, receiver):
    publish()
    tell(NOW)
    ((heard, body),) = receiver.heard
    signed = f"{heard['webhook-id']}.{heard['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.digest(KEY, signed, "sha256")).decode()
    assert heard["webhook-signature"] == f"v1,{expected}"
    assert abs(datetime.now(UTC).timestamp() - int(heard["webhook-timestamp"])) < 60


def test_what_a_receiver_refuses_at_first_comes_again_under_the_same_id(publish, tell, receiver, attempts):
    number = publish().id
    receiver.statuses = [500, 404]
    for now in (NOW, NOW, LATER, LATER + timedelta(hours=2)):
        tell(now)
    assert attempts() == [
        (number, 1, False, "answered 500"),
        (number, 2, False, "answered 404"),
        (number, 3, True, None),
    ]
    assert len({heard["webhook-id"] for heard, _ in receiver.heard}) == 1
    assert len({heard["webhook-timestamp"] for heard, _ in receiver.heard}) >= 1


def test_a_receiver_that_is_gone_is_told_later_and_its_url_is_in_no_row(
    publish, dispatches, attempts, channel
):
    gone = Webhook(SecretStr("http://127.0.0.1:9/t0ken"), [KEY])
    tell = TellConsumers(dispatches=dispatches, consumers={channel: gone})
    tell(NOW)
    number = publish().id
    tell(NOW)
    assert attempts() == [(number, 1, False, "ConnectError")]


def test_a_redirect_is_not_followed(publish, tell, receiver, attempts):
    publish()
    receiver.statuses = [302]
    tell(NOW)
    assert [error for *_, error in attempts()] == ["answered 302"]


def test_a_sender_that_dies_after_sending_sends_again_and_one_that_dies_before_loses_nothing(
    publish, dispatches, receiver, attempts, channel
):
    class Killed(BaseException):
        """A kill leaves no time to clean up."""

    webhook = Webhook(SecretStr(receiver.url), [KEY])

    def dies_after(news):
        webhook(news)
        raise Killed

    def dies_before(news):
        raise Killed

    TellConsumers(dispatches=dispatches, consumers={channel: webhook})(NOW)
    publish()
    for dying in (dies_before, dies_after):
        with pytest.raises(Killed):
            TellConsumers(dispatches=dispatches, consumers={channel: dying})(NOW)
    TellConsumers(dispatches=dispatches, consumers={channel: webhook})(NOW)
    assert len(receiver.heard) == 2
    assert len({heard["webhook-id"] for heard, _ in receiver.heard}) == 1
    assert [(attempt, arrived) for _, attempt, arrived, _ in attempts()] == [(1, True)]


def test_of_two_senders_at_once_one_sends(publish, dispatches, tell, receiver, channel):
    publish()
    with dispatches.alone(channel) as ours:
        assert ours
        tell(NOW)
        with dispatches.alone(channel) as theirs:
            assert not theirs
    assert receiver.heard == []
    tell(NOW)
    assert len(receiver.heard) == 1


def test_a_new_consumer_is_told_of_what_comes_and_of_nothing_before(publish, dispatches, channel):
    publish()
    heard = []
    tell = TellConsumers(dispatches=dispatches, consumers={channel: heard.append})
    tell(NOW)
    assert heard == []
    number = publish().id
    tell(NOW)
    assert [news.publication_id for news in heard] == [number]


def test_a_receiver_that_is_down_is_not_asked_for_each_publication(publish, tell, receiver):
    for _ in range(3):
        publish()
    receiver.statuses = [503] * 99
    tell(NOW)
    assert len(receiver.heard) == 1


def test_messages_that_a_receiver_refuses_for_ever_hold_up_no_other(
    publish, tell, receiver, attempts, monkeypatch
):
    """As those of a model that it does not know. As many as a round tells are tried and not taken."""
    monkeypatch.setattr("nightjar.usecases.telling.publications.AT_ONCE", 2)
    refused = [publish().id, publish().id]
    receiver.statuses = [400, 400]
    tell(NOW)
    tell(NOW)
    assert attempts() == [(number, 1, False, "answered 400") for number in refused]
    number = publish().id
    tell(NOW)
    assert attempts()[-1] == (number, 1, True, None)
    tell(LATER)
    assert [arrived for _, attempt, arrived, _ in attempts() if attempt == 2] == [True, True]


def test_a_receiver_that_is_slow_gets_a_turn_and_no_more_of_a_round(publish, dispatches, channel):
    """The watcher looks after each round: it would see nothing while a hundred messages take 10 s each."""
    seconds, heard = [0.0], []

    def slow(news):
        seconds[0] += 10
        heard.append(news.publication_id)

    tell = TellConsumers(dispatches=dispatches, consumers={channel: slow}, clock=lambda: seconds[0])
    tell(NOW)
    numbers = [publish().id for _ in range(4)]
    tell(NOW)
    assert heard == numbers[:2]
    tell(NOW)
    assert heard == numbers
