"""Consumers are told of a publication in its own transaction, and the feed loses none, whoever publishes at
the same time.
"""

import json
import random
import threading
import time
from datetime import timedelta

import psycopg
import pytest
from psycopg import errors

AFTER = "SELECT publication_id FROM publications_after(%s)"
UNORDERED = "ALTER TABLE nightjar.publication DISABLE TRIGGER publish_in_order"
ROLL_BACK = (
    "INSERT INTO nightjar.publication (model, score_date, run_id, action) SELECT model, score_date, run_id, "
    "'rollback' FROM nightjar.publication WHERE run_id = %s LIMIT 1 RETURNING id"
)
PUBLISHERS, EACH = 6, 12


def feed(database, after: int = 0) -> list[int]:
    with psycopg.connect(database.url("analyst"), autocommit=True) as analyst:
        return [number for (number,) in analyst.execute(AFTER, [after])]


@pytest.fixture
def two_runs(on_postgres, make):
    """Runs of two nights, so that their publications do not wait for one another by the night's own lock."""
    return [on_postgres.publish(make.day + timedelta(days=n))[0].id for n in range(2)]


def test_the_feed_gives_what_was_published_after_an_id_oldest_first(on_postgres, database, make):
    first = on_postgres.publish()[1]
    again = on_postgres.publish(force=True)[1]
    back = on_postgres.store.roll_back(on_postgres.store.run(first.run_id), "worse")
    assert feed(database) == [first.id, again.id, back.id]
    assert feed(database, again.id) == [back.id]
    assert feed(database, back.id) == []


def test_a_publication_waits_for_one_that_has_a_lower_id(database, two_runs):
    with (
        psycopg.connect(database.url("writer")) as early,
        psycopg.connect(database.url("writer")) as late,
    ):
        early.execute(ROLL_BACK, two_runs[:1])
        late.execute("SET lock_timeout = '50ms'")
        with pytest.raises(errors.LockNotAvailable):
            late.execute(ROLL_BACK, two_runs[1:])


def test_without_that_order_a_reader_that_remembers_the_newest_id_misses_one(database, two_runs):
    """So the test below can fail."""
    with psycopg.connect(database.url("owner")) as owner:
        owner.execute(UNORDERED)
    with (
        psycopg.connect(database.url("writer")) as early,
        psycopg.connect(database.url("writer")) as late,
    ):
        lower = early.execute(ROLL_BACK, two_runs[:1]).fetchone()[0]
        higher = late.execute(ROLL_BACK, two_runs[1:]).fetchone()[0]
        late.commit()
        newest = max(feed(database))
        assert newest == higher > lower
        early.commit()
        assert feed(database, newest) == []


def publish_and_dawdle(database, run: int) -> None:
    chance = random.Random(run * threading.get_ident())
    with psycopg.connect(database.url("writer")) as writer:
        for _ in range(EACH):
            writer.execute(ROLL_BACK, [run])
            time.sleep(chance.random() / 500)
            writer.rollback() if chance.random() < 0.3 else writer.commit()


def test_a_reader_that_follows_many_publishers_misses_nothing(database, two_runs):
    threads = [
        threading.Thread(target=publish_and_dawdle, args=(database, two_runs[number % 2]))
        for number in range(PUBLISHERS)
    ]
    seen: list[int] = []
    with psycopg.connect(database.url("analyst"), autocommit=True) as analyst:
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads):
            seen += [number for (number,) in analyst.execute(AFTER, [seen[-1] if seen else 0])]
    seen += feed(database, seen[-1])
    assert seen == sorted(set(seen)) == feed(database)
    assert len(seen) > PUBLISHERS


def test_listeners_are_told_with_the_commit_and_not_of_what_was_taken_back(on_postgres, database, two_runs):
    with (
        psycopg.connect(database.url("analyst"), autocommit=True) as analyst,
        psycopg.connect(database.url("writer")) as writer,
    ):
        analyst.execute("LISTEN nightjar_publication")
        writer.execute(ROLL_BACK, two_runs[:1])
        writer.rollback()
        number = writer.execute(ROLL_BACK, two_runs[:1]).fetchone()[0]
        writer.commit()
        (told,) = analyst.notifies(timeout=5, stop_after=1)
    run = on_postgres.store.run(two_runs[0])
    assert json.loads(told.payload) == {
        "publication_id": number,
        "model": run.model,
        "score_date": str(run.score_date),
        "run_id": run.id,
        "revision": run.revision,
        "action": "rollback",
    }
