"""What SQL of the writer's own can publish: whole nights, and nothing else."""

import threading
from collections.abc import Callable
from datetime import timedelta

import psycopg
import pytest
from psycopg import Connection, errors

from nightjar.core.errors.base import NightjarError
from nightjar.core.errors.night import AuditFailed
from nightjar.core.errors.settings import BadSettings
from nightjar.core.monitoring.entities import ColumnDrift

REFUSED, FOREIGN = errors.RestrictViolation, errors.ForeignKeyViolation


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
def hand(writer, by_hand, on_postgres):
    """SQL of the writer's own, for a model that has a version."""
    assert on_postgres.champion
    return by_hand(writer)


@pytest.fixture
def run(hand) -> int:
    """A claimed run, of which nothing is stored."""
    return hand.claim()


def shown(writer: Connection, run: int) -> int:
    return writer.execute("SELECT count(*) FROM analytics.scores WHERE run_id = %s", [run]).fetchone()[0]


def test_a_night_that_adds_up_is_published(hand, writer, run):
    hand.population(run, 10, 2)
    hand.store(run, 0, 5)
    hand.store(run, 1, 3, 2)
    hand.publish(run)
    assert shown(writer, run) == 8


def test_a_publication_counts_its_rows_without_writing_them_to_disk(hand, writer, run):
    writer.execute("SET work_mem = '64kB'")
    hand.population(run, 30_000, 3)
    for part in range(3):
        hand.store(run, part, 10_000)
    before = spilled(writer)
    hand.publish(run)
    assert spilled(writer) == before


def spilled(writer: Connection) -> int:
    """Bytes that queries of this connection wrote to files of their own."""
    writer.execute("SELECT pg_stat_force_next_flush()")
    told = "SELECT pg_stat_get_db_temp_bytes(oid) FROM pg_database WHERE datname = current_database()"
    return writer.execute(told).fetchone()[0]


def all_but_a_row_of_part_0(hand, run: int) -> None:
    hand.receipt(run, 0, 99, 1)
    hand.scores(run, 0, 99)
    all_but_part_0(hand, run)


def all_but_part_0(hand, run: int) -> None:
    for part in (1, 2):
        hand.store(run, part, 100)


HALF: dict[str, tuple[str, Callable]] = {
    "one receipt of three": ("300 of 300 rows in 1 of 3 parts", lambda hand, run: hand.receipt(run, 0, 300)),
    "no receipt": ("0 of 300 rows in 0 of 3 parts", lambda _hand, _run: None),
    "fewer rows than the population": (
        "299 of 300 rows",
        lambda hand, run: [hand.store(run, n, rows) for n, rows in enumerate((100, 100, 99))],
    ),
    "more parts than the population": (
        "4 of 3 parts",
        lambda hand, run: [hand.store(run, n, 75) for n in range(4)],
    ),
    "parts that are not numbered through": (
        "300 of 300 rows in 3 of 3",
        lambda hand, run: [hand.store(run, n, 100) for n in (0, 1, 3)],
    ),
    "receipts without rows": (
        "says 100 scored and 0 set aside, stored are 0 and 0",
        lambda hand, run: [hand.receipt(run, n, 100) for n in range(3)],
    ),
    "rows without a receipt": (
        "part 7: its receipt says 0 scored and 0 set aside, stored are 1 and 0",
        lambda hand, run: [hand.store(run, 0, 100), all_but_part_0(hand, run), hand.scores(run, 7, 1)],
    ),
    "rows in another part": (
        "part 0: its receipt says 100 scored and 0 set aside, stored are 99 and 0",
        lambda hand, run: [
            hand.receipt(run, 0, 100),
            hand.scores(run, 0, 99),
            all_but_part_0(hand, run),
            hand.scores(run, 9, 1),
        ],
    ),
    "rows set aside that are not there": (
        "says 99 scored and 1 set aside, stored are 99 and 0",
        all_but_a_row_of_part_0,
    ),
    "rows set aside that no receipt knows": (
        "part 2: its receipt says 100 scored and 0 set aside, stored are 100 and 1",
        lambda hand, run: [hand.store(run, 0, 100), all_but_part_0(hand, run), hand.aside(run, 2, 1)],
    ),
    "scores of no other run": (
        "was not computed by the run that it names",
        lambda hand, run: [hand.store(run, 0, 100, carried_from=1), all_but_part_0(hand, run)],
    ),
}
"""What a writer stores of a population of 300 rows in 3 parts, and what the database says of it."""


@pytest.mark.parametrize("half", HALF)
def test_a_night_that_does_not_add_up_is_not_published(hand, writer, run, half):
    says, tamper = HALF[half]
    hand.population(run, 300, 3)
    tamper(hand, run)
    with pytest.raises(REFUSED, match=says):
        hand.publish(run)
    assert shown(writer, run) == 0


def test_the_application_says_what_does_not_add_up(on_postgres, hand, make):
    with on_postgres.claim(force=True) as claimed:
        run = on_postgres.store.record_population(claimed.run, make.population(2))
        on_postgres.store.write_part(run, make.part(0, 2), make.scores("a", "b"), make.quarantined())
        hand.scores(run.id, 0, 1)
        with pytest.raises(
            AuditFailed, match="part 0: its receipt says 2 scored and 0 set aside, stored are 3 and 0"
        ):
            on_postgres.store.publish(run)
        on_postgres.store.fail(run, "it does not add up")


def test_a_run_without_a_population_is_not_published(hand, run):
    with pytest.raises(REFUSED, match="0 of 0 rows in 0 of 0 parts"):
        hand.publish(run)


@pytest.mark.parametrize("state", ["failed", "abandoned"])
def test_only_a_claimed_run_is_published(hand, state):
    run = hand.whole()
    hand.end(run, state)
    with pytest.raises(REFUSED, match="may not make it published"):
        hand.publish(run)


# --- at the same time ---


def test_rows_that_come_in_while_a_night_is_published_are_counted(database, writer, hand, by_hand):
    """The publication waits for them, and then finds one too many."""
    run = hand.whole()
    ended: list[type[Exception]] = []

    def published() -> None:
        with psycopg.connect(database.url("writer"), autocommit=True) as other:
            try:
                by_hand(other).publish(run)
            except errors.Error as error:
                ended.append(type(error))

    with psycopg.connect(database.url("writer")) as late:
        by_hand(late).scores(run, 1, 1)
        publishing = threading.Thread(target=published)
        publishing.start()
        while not writer.execute(
            "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        ).fetchone():
            assert publishing.is_alive()
        late.commit()
        publishing.join()
    assert ended == [REFUSED]


def test_rows_that_come_in_after_a_publication_began_are_refused(database, hand, by_hand):
    run = hand.whole()
    with (
        psycopg.connect(database.url("writer")) as publishing,
        psycopg.connect(database.url("writer")) as late,
    ):
        by_hand(publishing).end(run)
        late.execute("SET lock_timeout = '200ms'")
        with pytest.raises(errors.LockNotAvailable):
            by_hand(late).scores(run, 1, 1)
        late.rollback()
        by_hand(publishing).show(run)
        publishing.commit()
        with pytest.raises(FOREIGN):
            by_hand(late).scores(run, 1, 1)


@pytest.mark.parametrize("level", ["REPEATABLE READ", "SERIALIZABLE"])
def test_nobody_publishes_by_a_snapshot_from_before(database, hand, by_hand, level):
    """It would count the rows that were there when it began."""
    run = hand.whole()
    with psycopg.connect(database.url("writer")) as old:
        old.execute(f"SET TRANSACTION ISOLATION LEVEL {level}")
        old.execute("SELECT count(*) FROM nightjar.score")
        hand.scores(run, 1, 7)
        with pytest.raises(REFUSED, match="read committed"):
            by_hand(old).end(run)


END = "UPDATE nightjar.run SET state = 'published' WHERE id = %(run)s"
LATE = (
    "INSERT INTO nightjar.score (score_date, run_id, entity_key, part, score) SELECT score_date, id, "
    "'late', 0, 0.5 FROM"
)
AT_ONCE = {
    "published first": f"WITH ended AS ({END} RETURNING *) {LATE} ended",
    "added first": f"WITH added AS ({LATE} nightjar.run WHERE id = %(run)s RETURNING 1) {END}",
}


@pytest.mark.parametrize("order", AT_ONCE)
def test_one_statement_cannot_publish_and_add_rows(hand, writer, order):
    run = hand.whole()

    def at_once() -> None:
        with writer.transaction():
            writer.execute(AT_ONCE[order], {"run": run})
            hand.show(run)

    with pytest.raises((REFUSED, FOREIGN)):
        at_once()
    assert shown(writer, run) == 0


# --- the ledger ---


def test_a_published_run_has_a_row_in_the_ledger_or_none_is_published(hand):
    run = hand.whole()
    with pytest.raises(REFUSED, match="without a row in the ledger"):
        hand.end(run)
    with pytest.raises(REFUSED, match="was never shown: nobody goes back to it"):
        hand.publish(run, "rollback")


def test_the_ledger_names_the_newest_last(database, writer, hand, by_hand):
    """A row that is written while another one is not committed yet is numbered after it."""
    runs = [hand.whole() for _ in range(2)]
    for run in runs:
        hand.publish(run)

    def behind() -> None:
        with psycopg.connect(database.url("writer"), autocommit=True) as second:
            by_hand(second).show(runs[0], "rollback")

    with psycopg.connect(database.url("writer")) as first:
        by_hand(first).show(runs[1], "rollback")
        waiting = threading.Thread(target=behind)
        waiting.start()
        while not writer.execute(
            "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        ).fetchone():
            assert waiting.is_alive()
        first.commit()
        waiting.join()
    assert writer.execute("SELECT run_id FROM analytics.publications WHERE is_current").fetchall() == [
        (runs[0],)
    ]


# --- repairs ---


@pytest.fixture
def base(hand) -> int:
    """A published run that scored p0k1 and p0k2."""
    run = hand.whole()
    hand.publish(run)
    return run


def test_a_repair_keeps_scores_of_the_run_it_repairs_and_of_those_before(hand, base):
    shown = base
    for _ in range(2):
        repair = hand.claim(base=shown)
        hand.population(repair, 2)
        hand.store(repair, 0, 2, carried_from=base)
        hand.publish(repair)
        shown = repair


LIES = {
    "another run": "UPDATE nightjar.score SET carried_from = 1 WHERE run_id = %s",
    "another score": "UPDATE nightjar.score SET score = 0.4 WHERE run_id = %s",
    "another challenger's score": "UPDATE nightjar.score SET challenger_score = 0.5 WHERE run_id = %s",
    "other outputs of the challenger": (
        "UPDATE nightjar.score SET challenger_outputs = '{0.5}' WHERE run_id = %s"
    ),
    "an entity that was not scored": (
        "UPDATE nightjar.score SET entity_key = entity_key || '!' WHERE run_id = %s"
    ),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_score_that_was_not_computed_by_the_run_it_names_is_not_published(hand, owner, base, lie):
    repair = hand.claim(base=base)
    hand.population(repair, 2)
    hand.store(repair, 0, 2, carried_from=base)
    owner.execute(LIES[lie], [repair])  # as if the writer had stored it
    with pytest.raises(REFUSED, match="was not computed by the run that it names"):
        hand.publish(repair)


def test_a_repair_of_what_analysts_no_longer_see_is_not_published(hand, base):
    repair = hand.claim(base=base)
    hand.population(repair, 2)
    hand.store(repair, 0, 2, carried_from=base)
    other = hand.whole()
    hand.publish(other)
    with pytest.raises(REFUSED, match=f"run {repair} repairs run {base}, but analysts see run {other}"):
        hand.publish(repair)


# --- what a run begins with ---

BEGIN = (
    "INSERT INTO nightjar.run (model, score_date, revision, as_of, known_at, version_id, base_id) VALUES "
    "('m', %s, %s, %s, %s, %s, %s)"
)


@pytest.mark.parametrize(
    ("says", "change"),
    [
        ("the next revision of m 2013-09-01 is 1, not 2147483647", {"revision": 2**31 - 1}),
        ("the next revision of m 2013-09-01 is 1, not 2", {"revision": 2}),
        ("was never published: it cannot be repaired", {"base_id": 999}),
        ("lies more than a year ahead", {"score_date": "2190-01-01"}),
        ("nothing is known yet of what will be recorded", {"known_at": "2190-01-01Z"}),
        ("violates check constraint", {"as_of": "-infinity"}),
        ("lies more than a year ahead", {"score_date": "infinity"}),
        ("violates check constraint", {"score_date": "0044-03-15 BC"}),
    ],
)
def test_a_run_begins_as_the_next_of_its_night(writer, on_postgres, make, says, change):
    version = on_postgres.registry.add_version(make.candidate(on_postgres.registry, model="m"))
    values = {
        "score_date": "2013-09-01",
        "revision": 1,
        "as_of": make.as_of,
        "known_at": make.as_of,
        "version_id": version.id,
        "base_id": None,
    }
    with pytest.raises(errors.Error, match=says):
        writer.execute(BEGIN, list((values | change).values()))


def test_a_version_has_the_next_number(writer, on_postgres, make):
    version = on_postgres.registry.add_version(make.candidate(on_postgres.registry))
    columns = (
        "model, kind, score_low, score_high, outcomes, algorithm, dataset_id, artifact_uri, reference_uri, "
        "params, metrics, gates, code_version, trained_through"
    )
    copied = (
        f"INSERT INTO nightjar.model_version (number, artifact_sha256, {columns}) SELECT %s, repeat('e', "
        f"64), {columns} FROM nightjar.model_version"
    )
    for number in (version.number + 2, 2**31 - 1, 0):
        with pytest.raises(REFUSED, match="the next version of flight_delay is"):
            writer.execute(f"{copied} WHERE id = %s", [number, version.id])


# --- instants, actors and attempts are the database's ---


def test_the_database_says_when_a_run_was_claimed_and_ended(on_postgres, writer):
    at = "SELECT clock_timestamp() - claimed_at, clock_timestamp() - ended_at FROM nightjar.run WHERE id = %s"
    with on_postgres.claim(force=True, flow_run="one") as claimed:
        on_postgres.store.fail(claimed.run, "it broke")
    claimed_ago, ended_ago = writer.execute(at, [claimed.run.id]).fetchone()
    assert timedelta() < ended_ago < claimed_ago < timedelta(minutes=1)
    with on_postgres.claim(force=True, flow_run="one") as again:
        assert again.run.id == claimed.run.id
        claimed_ago, ended_ago = writer.execute(at, [claimed.run.id]).fetchone()
    assert timedelta() < claimed_ago < timedelta(minutes=1)
    assert ended_ago is None


def test_attempts_rise_by_one(writer, run):
    for attempt in (0, 3, 2**31 - 1):
        with pytest.raises(REFUSED, match=f"has seen attempt 1: it cannot go to {attempt}"):
            writer.execute("UPDATE nightjar.run SET attempt = %s WHERE id = %s", [attempt, run])


def test_a_receipt_is_of_the_attempt_that_holds_the_run(hand, writer, run):
    writer.execute("UPDATE nightjar.run SET attempt = 2 WHERE id = %s", [run])
    with pytest.raises(FOREIGN, match=f"no run {run} is claimed by attempt 1"):
        hand.receipt(run, 0, 1)


def test_a_worker_with_a_login_of_its_own_is_no_owner(postgres, database, owner, run):
    """Members of nightjar_writer have its rights, and another name."""
    with psycopg.connect(database.url("admin"), autocommit=True) as admin:
        admin.execute("CREATE ROLE one_worker LOGIN PASSWORD 'x' IN ROLE nightjar_writer")
        try:
            with psycopg.connect(database.url("admin"), autocommit=True) as member:
                member.execute("SET ROLE one_worker")
                with pytest.raises(REFUSED, match="one_worker may not make it pruned"):
                    member.execute("UPDATE nightjar.run SET state = 'pruned' WHERE id = %s", [run])
        finally:
            admin.execute("DROP ROLE one_worker")
    owner.execute("UPDATE nightjar.run SET state = 'pruned' WHERE id = %s", [run])


# --- places and measurements ---

NO_PLACES = (
    "javascript:alert(1)",
    "JAVASCRIPT:alert(1)",
    " javascript:alert(1)",
    "data:text/html,x",
    "http://evil.example/x",
    "https://evil.example/x",
    "s3://",
    "s3:///x",
    "s3://b\nx",
    "file://host/x",
    "file:/x",
    "file:///x\x1b[2J",
    "relative/x",
    "",
    "ftp://x/y",
    "vbscript:x",
    "file:///a\r\nb",
)


@pytest.mark.parametrize("uri", NO_PLACES)
def test_a_report_lies_in_a_folder_or_a_store(writer, on_postgres, uri):
    run, _ = on_postgres.publish(force=True)
    with pytest.raises(errors.CheckViolation, match="report_uri_of_store"):
        writer.execute(
            "INSERT INTO nightjar.report (run_id, kind, uri) VALUES (%s, 'drift', %s)", [run.id, uri]
        )


@pytest.mark.parametrize(
    "uri",
    [
        "/data/report/a.html",
        "file:///data/a b/report.html",
        "s3://bucket/report",
        "gs://b/é",
        "abfss://c@a.net/x",
    ],
)
def test_a_place_of_a_store_is_taken(writer, on_postgres, uri):
    run, _ = on_postgres.publish(force=True)
    writer.execute("INSERT INTO nightjar.report (run_id, kind, uri) VALUES (%s, 'drift', %s)", [run.id, uri])


def test_every_place_is_checked(owner):
    named = owner.execute("""
        SELECT relname || '_' || attname || '_of_store' FROM pg_class JOIN pg_attribute
            ON attrelid = pg_class.oid
        WHERE relnamespace = 'nightjar'::regnamespace AND relkind = 'r' AND attname ~ 'ur[il]'
    """).fetchall()
    checked = owner.execute(
        "SELECT conname FROM pg_constraint WHERE conname LIKE '%of_store' AND convalidated"
    ).fetchall()
    assert len(named) == 7
    assert set(named) == set(checked)


def test_every_date_that_the_writer_may_set_is_of_our_time(owner):
    """A night's own dates are those of its run, and scores lie in months that are made for them."""
    settable = owner.execute("""
        SELECT relname || '_' || attname || '_of_our_time' FROM pg_class JOIN pg_attribute
            ON attrelid = pg_class.oid
        WHERE relnamespace = 'nightjar'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
            AND attnum > 0
          AND atttypid IN ('date'::regtype, 'timestamptz'::regtype, 'timestamp'::regtype)
          AND (has_column_privilege('nightjar_writer', pg_class.oid, attnum, 'INSERT')
            OR has_column_privilege('nightjar_writer', pg_class.oid, attnum, 'UPDATE'))
          AND relname || '.' || attname NOT IN ('publication.score_date', 'score.score_date')
    """).fetchall()
    checked = owner.execute(
        "SELECT conname FROM pg_constraint WHERE conname LIKE '%of_our_time' AND convalidated"
    ).fetchall()
    assert len(settable) == 18
    assert set(settable) == set(checked)


MEASUREMENT = """
    INSERT INTO nightjar.measurement (run_id, role, slice, slice_value, occasions, nights, supported, rows,
        with_outcome, metrics, measured_at)
    VALUES (%s, 'champion', '', '', 1, 1, true, 1, 1, '{}', %s)
"""


@pytest.mark.parametrize("at", ["infinity", "-infinity", "0044-03-15 BC", "2190-01-01Z", "9999-01-01Z"])
def test_no_outcome_is_recorded_and_no_night_measured_when_nobody_lives(writer, on_postgres, at):
    run, _ = on_postgres.publish(force=True)
    with pytest.raises((errors.CheckViolation, errors.DatetimeFieldOverflow)):
        writer.execute(
            "INSERT INTO nightjar.outcome (model, score_date, entity_key, recorded_at, outcome) VALUES "
            "('m', '2013-06-15', 'a', %s, 1)",
            [at],
        )
    with pytest.raises((errors.CheckViolation, errors.DatetimeFieldOverflow)):
        writer.execute(MEASUREMENT, [run.id, at])


def test_a_measurement_restates_and_the_one_before_stays(on_postgres, writer, make):
    run, _ = on_postgres.publish(force=True)
    for auc in (0.6, 0.7):
        on_postgres.outcomes.add([make.measured(run, make.as_of, auc=auc)])
    shown = "SELECT auc FROM analytics.{} WHERE run_id = %s ORDER BY recorded_at"
    assert writer.execute(shown.format("nightly_performance"), [run.id]).fetchall() == [(0.7,)]
    assert writer.execute(shown.format("performance_history"), [run.id]).fetchall() == [(0.6,), (0.7,)]


def test_a_night_that_is_not_published_is_not_measured(writer, run):
    with pytest.raises(FOREIGN, match="was never published"):
        writer.execute(MEASUREMENT, [run, "2013-06-16Z"])


def test_drift_that_is_measured_again_restates_and_the_rows_before_stay(on_postgres, writer):
    run, _ = on_postgres.publish(force=True)

    def drift(*values: tuple[str, float]) -> list[ColumnDrift]:
        shares = {"threshold": 0.2, "drifted": False, "null_share": 0, "reference_null_share": 0}
        return [ColumnDrift(column=column, method="psi", value=value, **shares) for column, value in values]

    for columns in ((("a", 0.1), ("b", 0.1)), (("a", 0.1), ("b", 0.1)), (("a", 0.2),)):
        on_postgres.ledger.record_drift(run, drift(*columns))
    kept = writer.execute(
        "SELECT column_name, value FROM nightjar.drift WHERE run_id = %s ORDER BY measured_at, column_name",
        [run.id],
    ).fetchall()
    assert kept == [("a", 0.1), ("b", 0.1), ("a", 0.2)]
    assert writer.execute(
        "SELECT column_name, value FROM analytics.drift WHERE run_id = %s", [run.id]
    ).fetchall() == [("a", 0.2)]


def test_a_measurement_ahead_of_time_is_refused_with_a_sentence(on_postgres, make):
    run, _ = on_postgres.publish(force=True)
    ahead = make.as_of.replace(year=2190)
    with pytest.raises(
        BadSettings, match="refuses a date: no night is measured by outcomes that are not known yet"
    ):
        on_postgres.outcomes.add([make.measured(run, ahead)])


def test_what_is_known_ahead_of_time_is_refused_with_a_sentence(on_postgres, make):
    with (
        pytest.raises(NightjarError, match="nothing is known yet"),
        on_postgres.claim(force=True, known_at=make.as_of.replace(year=2190)),
    ):
        pass
