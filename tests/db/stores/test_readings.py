"""What the stores of readings promise, on Postgres and in memory."""

from datetime import date

import psycopg
import pytest
from polars.testing import assert_frame_equal

from nightjar.core.errors.night import ClaimLost
from nightjar.core.inputs.findings import Finding

DAYS = [date(2013, 5, 31), date(2013, 6, 1), date(2013, 6, 2)]
FOUND = Finding(
    name="units", column="distance", slice="origin=JFK", number=1.0, expected=0.0, limit=0.35, rate=0.01,
    sentence="share of entities whose value changed by the same factor",
)  # fmt: skip


def published(stores, make, day, rows=2.0, findings=()):
    """A night that is published with readings."""
    with stores.claim(day, force=True) as claimed:
        run = stores.store.record_population(claimed.run, make.population(1))
        stores.store.write_part(run, make.part(0, 1), make.scores("a"), make.quarantined())
        stores.readings.record(run, make.read(rows), make.sample())
        stores.readings.record_findings(run, findings)
        stores.store.publish(run, None, [finding.sentence for finding in findings])
        return run


def in_order(frame):
    return frame.sort("name", "column", "slice")


def test_readings_of_published_nights_come_back_as_they_were(stores, make):
    for day in DAYS:
        published(stores, make, day, rows=day.day)
    found = stores.readings.of_nights(make.model, DAYS[:2])
    assert set(found) == set(DAYS[:2])
    assert_frame_equal(in_order(found[DAYS[1]]), in_order(make.read(1.0)))


def test_nights_are_listed_newest_first_with_whether_a_person_accepted_them(stores, make):
    published(stores, make, DAYS[0], findings=[FOUND])
    published(stores, make, DAYS[1])
    published(stores, make, DAYS[2])
    assert list(stores.readings.published(make.model, DAYS[2], 5).items()) == [
        (DAYS[1], False),
        (DAYS[0], True),
    ]
    assert list(stores.readings.published(make.model, DAYS[2], 1)) == [DAYS[1]]


def test_sampled_rows_of_the_last_nights_come_back_newest_first(stores, make):
    published(stores, make, DAYS[0])
    published(stores, make, DAYS[1])
    assert [*stores.readings.samples(make.model, DAYS[2], 5)] == [DAYS[1], DAYS[0]]
    [(night, newest)] = stores.readings.samples(make.model, DAYS[2], 1).items()
    assert night == DAYS[1]
    assert_frame_equal(newest, make.sample())
    assert stores.readings.samples(make.model, DAYS[0], 1) == {}


def test_what_a_run_was_read_first_stays(stores, make):
    with stores.claim() as claimed:
        run = stores.store.record_population(claimed.run, make.population(1))
        stores.store.write_part(run, make.part(0, 1), make.scores("a"), make.quarantined())
        stores.readings.record(run, make.read(1.0), make.sample())
        stores.readings.record(run, make.read(9.0), make.sample())
        stores.store.publish(run)
    found = stores.readings.of_nights(make.model, [make.day])[make.day]
    assert_frame_equal(in_order(found), in_order(make.read(1.0)))


def test_a_run_that_is_no_longer_this_attempts_gets_no_readings(stores, make):
    run = published(stores, make, DAYS[0])
    with pytest.raises(ClaimLost):
        stores.readings.record(run, make.read(), make.sample())
    with pytest.raises(ClaimLost):
        stores.readings.record_findings(run, [FOUND])


def test_the_findings_of_a_run_are_those_of_its_newest_attempt(stores, make):
    with stores.claim(DAYS[1]) as claimed:
        stores.readings.record_findings(claimed.run, [FOUND, FOUND])
        stores.store.fail(claimed.run, "held back")
    assert list(stores.readings.findings(claimed.run)) == [FOUND, FOUND]
    with stores.claim(DAYS[1]) as again:
        assert list(stores.readings.findings(again.run)) == []


def test_doubts_are_those_of_the_published_run_that_nobody_accepted(stores, make):
    doubt = FOUND.model_copy(update={"name": "shadow", "holds": False})
    assert stores.readings.doubts(make.model) == {}
    doubted(stores, make, DAYS[0], doubt, FOUND, doubt)
    doubted(stores, make, DAYS[1], doubt, accepted=["seen"])
    doubted(stores, make, DAYS[2], doubt)
    with stores.claim(DAYS[1], force=True) as claimed:
        stores.readings.record_findings(claimed.run, [doubt])
        stores.store.fail(claimed.run, "held back")
    assert stores.readings.doubts(make.model) == {DAYS[0]: (doubt, doubt), DAYS[2]: (doubt,)}
    assert stores.readings.doubts("another") == {}
    doubted(stores, make, DAYS[2])
    assert stores.readings.doubts(make.model) == {DAYS[0]: (doubt, doubt)}


def test_a_doubt_of_an_attempt_that_was_not_published_is_none_of_the_night(stores, make):
    doubt = FOUND.model_copy(update={"holds": False})
    with stores.claim(DAYS[0]) as claimed:
        stores.readings.record_findings(claimed.run, [doubt])
        stores.store.fail(claimed.run, "held back")
    doubted(stores, make, DAYS[0], force=False)
    assert stores.readings.doubts(make.model) == {}


def doubted(stores, make, day, *findings, accepted=(), force=True):
    with stores.claim(day, force=force) as claimed:
        run = stores.store.record_population(claimed.run, make.population(1))
        stores.store.write_part(run, make.part(0, 1), make.scores("a"), make.quarantined())
        stores.readings.record_findings(run, findings)
        stores.store.publish(run, None, accepted)


def test_analysts_read_the_findings_of_every_run_and_the_readings_of_what_is_published(
    on_postgres, make, database
):
    published(on_postgres, make, DAYS[0])
    with on_postgres.claim(DAYS[1]) as claimed:
        on_postgres.readings.record(claimed.run, make.read(), make.sample())
        on_postgres.readings.record_findings(claimed.run, [FOUND])
        on_postgres.store.fail(claimed.run, "held back")
    with psycopg.connect(database.url("analyst")) as analyst:
        found = analyst.execute("SELECT score_date, state, name, slice, allowed FROM findings").fetchall()
        read = analyst.execute("SELECT DISTINCT score_date FROM readings").fetchall()
    assert found == [(DAYS[1], "failed", "units", "origin=JFK", 0.35)]
    assert read == [(DAYS[0],)]
