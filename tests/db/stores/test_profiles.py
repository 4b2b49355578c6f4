"""What the stores of profiles promise, on Postgres and in memory."""

from datetime import date

import psycopg
import pytest
from sqlalchemy import text

from db.migrate import downgrade, upgrade
from nightjar.core.comparison.entities import ColumnProfile, NightProfile
from nightjar.core.errors.night import ClaimLost

DAYS = [date(2013, 5, 31), date(2013, 6, 1), date(2013, 6, 2)]
NUMBERS = ColumnProfile(
    column="temp", rows=5, nulls=1, distinct=3, entities=2, mean=1.5, stddev=0.5, quantiles=(1.0, 1.5, 2.0)
)
TEXTS = ColumnProfile(
    column="carrier", rows=5, nulls=0, distinct=2, entities=5, categories={"9E": 2, "\ufffd🦉": 3}
)


def profile(day, *columns):
    return NightProfile(score_date=day, columns=columns)


def published(stores, make, day, *columns):
    """A night that is published with a profile."""
    with stores.claim(day, force=True) as claimed:
        run = stores.store.record_population(claimed.run, make.population(1))
        stores.store.write_part(run, make.part(0, 1), make.scores("a"), make.quarantined())
        if columns:
            stores.profiles.record(run, profile(day, *columns))
        stores.store.publish(run)
        return run


def test_profiles_of_published_nights_come_back_newest_first(stores, make):
    for day in DAYS:
        published(stores, make, day, NUMBERS, TEXTS)
    found = stores.profiles.trailing(make.model, DAYS[2], 5)
    assert [night.score_date for night in found] == [DAYS[1], DAYS[0]]
    assert {column.column: column for column in found[0].columns} == {"temp": NUMBERS, "carrier": TEXTS}
    assert [night.score_date for night in stores.profiles.trailing(make.model, date(2014, 1, 1), 2)] == [
        DAYS[2],
        DAYS[1],
    ]
    assert stores.profiles.trailing("other", DAYS[2], 5) == ()


def test_only_what_is_published_now_counts(stores, make):
    warm = NUMBERS.model_copy(update={"mean": 20.0})
    published(stores, make, DAYS[0], NUMBERS)
    published(stores, make, DAYS[0], warm)
    with stores.claim(DAYS[1]) as claimed:
        stores.profiles.record(claimed.run, profile(DAYS[1], NUMBERS))
    assert stores.profiles.trailing(make.model, DAYS[2], 5) == (profile(DAYS[0], warm),)


def test_of_two_profiles_of_a_run_the_first_stays(stores, make):
    with stores.claim() as claimed:
        run = stores.store.record_population(claimed.run, make.population(1))
        stores.store.write_part(run, make.part(0, 1), make.scores("a"), make.quarantined())
        stores.profiles.record(run, profile(make.day, NUMBERS))
        stores.profiles.record(run, profile(make.day, NUMBERS.model_copy(update={"mean": 9.0}), TEXTS))
        stores.store.publish(run)
    [found] = stores.profiles.trailing(make.model, date(2014, 1, 1), 1)
    assert {column.column: column for column in found.columns} == {"temp": NUMBERS, "carrier": TEXTS}


def test_a_night_from_before_profiles_is_there_without_columns(stores, make):
    published(stores, make, DAYS[0])
    assert stores.profiles.trailing(make.model, DAYS[1], 5) == (profile(DAYS[0]),)


def test_a_run_that_is_no_longer_this_attempts_gets_no_profile(stores, make):
    run = published(stores, make, DAYS[0])
    with pytest.raises(ClaimLost):
        stores.profiles.record(run, profile(DAYS[0], NUMBERS))


def test_analysts_read_profiles_of_what_is_published(on_postgres, make, database):
    published(on_postgres, make, DAYS[0], NUMBERS)
    with psycopg.connect(database.url("analyst")) as analyst:
        rows = analyst.execute(
            "SELECT score_date, column_name, distinct_values, quantiles FROM input_profiles"
        ).fetchall()
    assert rows == [(DAYS[0], "temp", 3, [1.0, 1.5, 2.0])]


def test_nights_published_before_the_migration_get_a_profile_of_their_scores(
    on_postgres, make, database, engine
):
    published(on_postgres, make, DAYS[0])
    engine.dispose()
    downgrade(database.url("owner"), "0004")
    upgrade(database.url("owner"))
    [found] = on_postgres.profiles.trailing(make.model, DAYS[1], 5)
    assert [(column.column, column.rows, column.mean, len(column.quantiles)) for column in found.columns] == [
        ("score", 1, 0.5, 41)
    ]
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM nightjar.input_profile")).scalar_one() == 1
