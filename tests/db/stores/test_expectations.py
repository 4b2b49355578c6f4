"""What the stores of expectations promise, on Postgres and in memory."""

import psycopg
import pytest
from psycopg.rows import dict_row
from sqlalchemy import text

from nightjar.core.monitoring.foreseen import Method

SEEN = """
    SELECT metric, method, value, note, came_true, error, before_outcomes, rows, effective_rows, nights
    FROM analytics.expectations ORDER BY metric, method
"""


def test_what_was_expected_of_a_night_comes_back_by_night(stores, make):
    first, _ = stores.publish(make.day)
    second, _ = stores.publish(make.day.replace(day=16))
    told = [make.expectation(first), make.expectation(first, None, method=Method.CBPE)]
    stores.expectations.record(told)
    stores.expectations.record([make.expectation(second, 0.3)])
    stores.expectations.record([])
    found = stores.expectations.of_nights(make.model, make.day)
    assert sorted(found, key=lambda one: (one.score_date, one.method)) == [
        told[1],
        told[0],
        make.expectation(second, 0.3),
    ]
    assert [one.run_id for one in stores.expectations.of_nights(make.model, make.day.replace(day=16))] == [
        second.id
    ]
    assert stores.expectations.expected([first.id, second.id, 0]) == {first.id, second.id}
    assert stores.expectations.expected([first.id]) == {first.id}
    assert stores.expectations.expected([]) == frozenset()


def test_what_was_expected_first_stays(stores, make):
    run, _ = stores.publish()
    stores.expectations.record([make.expectation(run, 0.2)])
    stores.expectations.record([make.expectation(run, 0.9), make.expectation(run, 0.7, metric="auc")])
    found = {one.metric: one.value for one in stores.expectations.of_nights(make.model, make.day)}
    assert found == {"brier": 0.2, "auc": 0.7}


def test_only_runs_that_analysts_see_count(stores, make):
    before, _ = stores.publish()
    stores.expectations.record([make.expectation(before)])
    now, _ = stores.publish(force=True)
    assert not stores.expectations.of_nights(make.model, make.day)
    stores.expectations.record([make.expectation(now, 0.4)])
    assert [one.value for one in stores.expectations.of_nights(make.model, make.day)] == [0.4]


def seen(database):
    with psycopg.connect(database.url("analyst"), row_factory=dict_row) as connection:
        return connection.execute(SEEN).fetchall()


def test_analysts_see_what_was_expected_beside_what_came_true(on_postgres, database, make):
    run, _ = on_postgres.publish()
    on_postgres.expectations.record([make.expectation(run)])
    on_postgres.outcomes.add([make.measured(run, make.as_of, brier=0.25)])
    on_postgres.expectations.record([make.expectation(run, None, metric="auc")])
    auc, brier = seen(database)
    assert (brier["value"], brier["came_true"]) == (0.2, 0.25)
    assert brier["error"] == pytest.approx(-0.05)
    assert (brier["rows"], brier["effective_rows"], brier["nights"]) == (900, 612.5, 28)
    assert (brier["before_outcomes"], auc["before_outcomes"]) == (True, False)
    assert (auc["value"], auc["came_true"], auc["error"]) == (None, None, None)
    assert "few past rows" in auc["note"]


@pytest.mark.parametrize(
    "broken", ["value = NULL", "effective_rows = 901", "nights = 901", "method = 'guess'"]
)
def test_the_table_refuses_what_says_too_much_or_nothing(on_postgres, engine, make, broken):
    run, _ = on_postgres.publish()
    column, value = broken.split(" = ")
    given = {"method": "'PAPE'", "value": "0.2", "note": "NULL", "effective_rows": "600", "nights": "28"}
    values = ", ".join(({**given, column: value}).values())
    statement = f"""
        INSERT INTO nightjar.expectation
            (method, value, note, effective_rows, nights, run_id, metric, rows, known_at)
        VALUES ({values}, {run.id}, 'brier', 900, '2013-06-15Z')
    """
    with pytest.raises(Exception, match="violates check constraint"), engine.begin() as connection:
        connection.execute(text(statement))
