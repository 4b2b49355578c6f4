"""What triggers refuse though the role has the right: changes of what is final, and rows for a run that is
not claimed.
"""

from datetime import date

import psycopg
import pytest
from psycopg import errors

from db.tables import month_of
from nightjar.core.night.entities import RunState

FINAL, FOREIGN = errors.RestrictViolation, errors.ForeignKeyViolation
SCORE = "INSERT INTO nightjar.score (score_date, run_id, entity_key, part, score) VALUES (%s, %s, %s, 0, 0.5)"
RECEIPT = (
    "INSERT INTO nightjar.receipt (run_id, part, rows, scored, quarantined, attempt) VALUES (%s, 7, 1, 1, "
    "0, 1)"
)
SET_ASIDE = (
    "INSERT INTO nightjar.quarantined_row (run_id, part, row_number, reasons, row) VALUES (%s, 0, 9, '[]', "
    "'{}')"
)
PUBLISH = (
    "INSERT INTO nightjar.publication (model, score_date, run_id, action) SELECT model, score_date, id, "
    "'publish' FROM nightjar.run WHERE id = %s"
)
ABSENT = 999
NEXT_DAY = date(2013, 6, 16)
HELD = "SELECT count(*) FROM nightjar.score WHERE run_id = %s"


@pytest.fixture
def database(shared_database):
    """One for all: each test forces a revision of its own."""
    return shared_database


@pytest.fixture
def writer(database):
    with psycopg.connect(database.url("writer"), autocommit=True) as connection:
        yield connection


@pytest.fixture
def owner(database):
    with psycopg.connect(database.url("owner"), autocommit=True) as connection:
        yield connection


@pytest.fixture
def claimed(on_postgres, make):
    with on_postgres.claim(force=True) as claimed:
        yield on_postgres.store.record_population(claimed.run, make.population(2))


@pytest.mark.parametrize(
    "change",
    ["error = 'x'", "state = 'failed'", "attempt = attempt + 1", "population_rows = 1", "state = 'pruned'"],
)
def test_a_published_run_is_final_for_the_writer_and_the_owner(on_postgres, writer, owner, change):
    run, _ = on_postgres.publish(force=True)
    for role in (writer, owner):
        with pytest.raises(FINAL):
            role.execute(f"UPDATE nightjar.run SET {change} WHERE id = %s", [run.id])


@pytest.mark.parametrize(
    "change",
    ["attempt = attempt - 1", "population_uri = 'file:///other'", "population_rows = 3", "state = 'pruned'"],
)
def test_the_writer_cannot_turn_a_claimed_run_back_or_into_another(claimed, writer, change):
    with pytest.raises((FINAL, errors.CheckViolation)):
        writer.execute(f"UPDATE nightjar.run SET {change} WHERE id = %s", [claimed.id])


def test_an_abandoned_run_is_never_claimed_again(on_postgres, writer):
    with on_postgres.claim(force=True) as first:
        pass
    with on_postgres.claim(force=True):
        pass
    assert on_postgres.store.run(first.run.id).state is RunState.ABANDONED
    for state in ("claimed", "failed", "published", "pruned"):
        with pytest.raises((FINAL, errors.CheckViolation)):
            writer.execute("UPDATE nightjar.run SET state = %s WHERE id = %s", [state, first.run.id])


def test_rows_come_in_for_a_claimed_run(claimed, writer):
    writer.execute(SCORE, [claimed.score_date, claimed.id, "a"])
    writer.execute(RECEIPT, [claimed.id])


def test_no_rows_come_in_for_a_run_that_is_published(on_postgres, writer):
    run, _ = on_postgres.publish(force=True)
    for statement, values in (
        (SCORE, [run.score_date, run.id, "late"]),
        (RECEIPT, [run.id]),
        (SET_ASIDE, [run.id]),
    ):
        with pytest.raises(FOREIGN, match="is claimed"):
            writer.execute(statement, values)


@pytest.mark.parametrize("state", [RunState.FAILED, RunState.ABANDONED])
def test_no_rows_come_in_for_a_run_that_has_ended(claimed, writer, state):
    writer.execute("UPDATE nightjar.run SET state = %s WHERE id = %s", [state, claimed.id])
    with pytest.raises(FOREIGN):
        writer.execute(SCORE, [claimed.score_date, claimed.id, "late"])


def test_no_scores_come_in_for_another_date_or_a_run_that_does_not_exist(claimed, writer):
    for day, run_id in ((claimed.score_date.replace(day=16), claimed.id), (claimed.score_date, ABSENT)):
        with pytest.raises(FOREIGN, match=rf"rows for score: no run {run_id} of {day} is claimed"):
            writer.execute(SCORE, [day, run_id, "a"])


def test_one_row_of_another_run_refuses_the_whole_copy(claimed, writer):
    rows = [
        (claimed.score_date, run_id, key, 0, 0.5)
        for run_id, key in ((claimed.id, "a"), (claimed.id, "b"), (ABSENT, "c"))
    ]
    with pytest.raises(FOREIGN):
        copy_in(writer, rows)
    assert writer.execute(
        "SELECT count(*) FROM nightjar.score WHERE run_id = %s", [claimed.id]
    ).fetchone() == (0,)


def copy_in(connection, rows, into="score"):
    with connection.cursor().copy(
        f"COPY nightjar.{into} (score_date, run_id, entity_key, part, score) FROM STDIN"
    ) as copy:
        for row in rows:
            copy.write_row(row)


def test_a_month_refuses_what_the_table_refuses(on_postgres, claimed, writer):
    month, (published, _) = month_of(claimed.score_date), on_postgres.publish(NEXT_DAY)
    fine = (claimed.score_date, claimed.id, "a", 0, 0.5)
    for wrong, refused in (
        ((claimed.score_date, ABSENT, "b", 0, 0.5), FOREIGN),
        ((published.score_date, published.id, "late", 0, 0.5), FOREIGN),
        ((claimed.score_date, claimed.id, "b", 0, 1.5), errors.CheckViolation),
        ((claimed.score_date, claimed.id, "b", 0, float("nan")), errors.CheckViolation),
        ((claimed.score_date, claimed.id, "a", 0, 0.5), errors.UniqueViolation),
        ((claimed.score_date.replace(month=7), claimed.id, "b", 0, 0.5), errors.CheckViolation),
    ):
        with pytest.raises(refused):
            copy_in(writer, [fine, wrong], into=month)
    assert writer.execute(HELD, [claimed.id]).fetchone() == (0,)
    copy_in(writer, [fine], into=month)
    assert writer.execute(HELD, [claimed.id]).fetchone() == (1,)


def test_a_run_is_not_published_while_rows_of_it_come_in(claimed, writer, database):
    with psycopg.connect(database.url("writer")) as other:
        other.execute(SCORE, [claimed.score_date, claimed.id, "a"])
        writer.execute("SET lock_timeout = '200ms'")
        with pytest.raises(errors.LockNotAvailable):
            writer.execute("UPDATE nightjar.run SET state = 'published' WHERE id = %s", [claimed.id])


def test_a_run_that_is_not_published_is_not_shown(claimed, writer):
    with pytest.raises(FINAL, match="cannot be shown"):
        writer.execute(PUBLISH, [claimed.id])


WITHIN = "INSERT INTO nightjar.score (score_date, run_id, entity_key, part, {}) VALUES (%s, %s, 'a', 0, {})"


@pytest.mark.parametrize(
    "value", ["-5e-324", "1.0000000000000002", "'NaN'", "'Infinity'", "'-Infinity'", "2"]
)
@pytest.mark.parametrize("columns", ["score", "score, challenger_score"])
def test_no_score_comes_in_that_the_version_of_its_run_cannot_give(claimed, writer, columns, value):
    values = value if columns == "score" else f"0.5, {value}"
    with pytest.raises(errors.CheckViolation, match="; version 1 gives finite scores from 0 to 1"):
        writer.execute(WITHIN.format(columns, values), [claimed.score_date, claimed.id])


def test_one_score_out_of_bounds_refuses_the_whole_statement(claimed, writer):
    rows = "SELECT %s::date, %s, n::text, 0, n / 100.0 FROM generate_series(1, 101) n"
    with pytest.raises(errors.CheckViolation, match=r"a score of 1.01; "):
        writer.execute(
            f"INSERT INTO nightjar.score (score_date, run_id, entity_key, part, score) {rows}",
            [claimed.score_date, claimed.id],
        )
    assert writer.execute(
        "SELECT count(*) FROM nightjar.score WHERE run_id = %s", [claimed.id]
    ).fetchone() == (0,)


@pytest.mark.parametrize("value", ["0.5", "2", "-1", "'NaN'", "'Infinity'"])
def test_no_outcome_comes_in_that_the_kind_of_its_model_cannot_have(on_postgres, writer, make, value):
    on_postgres.publish(force=True)
    happened = (
        "INSERT INTO nightjar.outcome (model, score_date, entity_key, recorded_at, outcome) VALUES (%s, %s, "
        "'a', '2013-06-16Z', {})"
    )
    with pytest.raises(
        errors.CheckViolation, match=r"the outcome of 'a' is .*, which no outcome of the kind binary can be"
    ):
        writer.execute(happened.format(value), [make.model, make.day])


@pytest.mark.parametrize("bounds", ["1, 0", "1, 1", "0, 'NaN'", "'NaN', 1"])
def test_a_version_without_bounds_that_hold_anything_is_refused(on_postgres, writer, bounds):
    _ = on_postgres.champion
    columns = (
        "model, kind, algorithm, dataset_id, artifact_uri, reference_uri, params, metrics, gates, "
        "code_version, trained_through"
    )
    copied = (
        f"SELECT 1 + (SELECT max(number) FROM nightjar.model_version), repeat('e', 64), {bounds}, {columns} "
        "FROM nightjar.model_version LIMIT 1"
    )
    with pytest.raises(errors.CheckViolation, match="score_bounds_ordered"):
        writer.execute(
            "INSERT INTO nightjar.model_version (number, artifact_sha256, score_low, score_high, "
            f"{columns}) {copied}"
        )
