"""What SQL of the writer's own can publish: whole nights, and nothing else."""

import threading
from collections.abc import Callable
from datetime import timedelta

import psycopg
import pytest
from psycopg import Connection, errors

from nightjar.core.entities import ColumnDrift, NightPerformance
from nightjar.core.errors import AuditFailed, BadSettings, NightjarError

REFUSED, FOREIGN = errors.RestrictViolation, errors.ForeignKeyViolation
POPULATION = """
    UPDATE nightjar.run SET population_uri = 'file:///p', population_sha256 = repeat('b', 64), population_rows = %s, population_parts = %s
    WHERE id = %s
"""
RECEIPT = "INSERT INTO nightjar.receipt (run_id, part, rows, scored, quarantined, attempt) VALUES (%s, %s, %s, %s, %s, 1)"
SCORES = """
    INSERT INTO nightjar.score (score_date, run_id, entity_key, part, score, carried_from)
    SELECT score_date, id, 'p' || %(part)s::integer || 'k' || n, %(part)s, 0.5, %(carried)s
    FROM nightjar.run, generate_series(1, %(rows)s) AS n WHERE id = %(run)s
"""
ASIDE = "INSERT INTO nightjar.quarantined_row (run_id, part, row_number, reasons, row) SELECT %s, %s, n, '[]', '{}' FROM generate_series(1, %s) AS n"
PUBLISHED = "UPDATE nightjar.run SET state = 'published' WHERE id = %s"
SHOW = """
    INSERT INTO nightjar.publication (model, score_date, run_id, action, reason)
    SELECT model, score_date, id, %s, 'why' FROM nightjar.run WHERE id = %s
"""


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
def run(on_postgres) -> int:
    """A claimed run, of which nothing is stored."""
    with on_postgres.claim(force=True) as claimed:
        return claimed.run.id


def store(writer: Connection, run: int, part: int, scored: int, aside: int = 0, carried: int | None = None) -> None:
    with writer.transaction():
        writer.execute(RECEIPT, [run, part, scored + aside, scored, aside])
        writer.execute(SCORES, {"run": run, "part": part, "rows": scored, "carried": carried})
        writer.execute(ASIDE, [run, part, aside])


def publish(writer: Connection, run: int, action: str = "publish") -> None:
    with writer.transaction():
        writer.execute(PUBLISHED, [run])
        writer.execute(SHOW, [action, run])


def shown(writer: Connection, run: int) -> int:
    return writer.execute("SELECT count(*) FROM analytics.scores WHERE run_id = %s", [run]).fetchone()[0]


def test_a_night_that_adds_up_is_published(writer, run):
    writer.execute(POPULATION, [10, 2, run])
    store(writer, run, 0, 5)
    store(writer, run, 1, 3, 2)
    publish(writer, run)
    assert shown(writer, run) == 8


Tamper = Callable[[Connection, int], object]
HALF: dict[str, tuple[str, Tamper]] = {
    "one receipt of three": ("300 of 300 rows in 1 of 3 parts", lambda writer, run: writer.execute(RECEIPT, [run, 0, 300, 300, 0])),
    "no receipt": ("0 of 300 rows in 0 of 3 parts", lambda _writer, _run: None),
    "fewer rows than the population": ("299 of 300 rows", lambda writer, run: [store(writer, run, n, rows) for n, rows in enumerate((100, 100, 99))]),
    "more parts than the population": ("4 of 3 parts", lambda writer, run: [store(writer, run, n, 75) for n in range(4)]),
    "parts that are not numbered through": ("300 of 300 rows in 3 of 3", lambda writer, run: [store(writer, run, n, 100) for n in (0, 1, 3)]),
    "receipts without rows": ("says 100 scored and 0 set aside, stored are 0 and 0",
                              lambda writer, run: [writer.execute(RECEIPT, [run, n, 100, 100, 0]) for n in range(3)]),
    "rows without a receipt": ("part 7: its receipt says 0 scored and 0 set aside, stored are 1 and 0",
                               lambda writer, run: [*whole(writer, run), writer.execute(SCORES, {"run": run, "part": 7, "rows": 1, "carried": None})]),
    "rows in another part": ("part 0: its receipt says 99 scored", lambda writer, run: [
        writer.execute(RECEIPT, [run, 0, 100, 99, 1]), writer.execute(ASIDE, [run, 0, 1]), store(writer, run, 1, 100), store(writer, run, 2, 100),
        writer.execute(SCORES, {"run": run, "part": 0, "rows": 98, "carried": None})]),
    "rows set aside that are not there": ("says 99 scored and 1 set aside, stored are 99 and 0", lambda writer, run: [
        writer.execute(RECEIPT, [run, 0, 100, 99, 1]), store(writer, run, 1, 100), store(writer, run, 2, 100),
        writer.execute(SCORES, {"run": run, "part": 0, "rows": 99, "carried": None})]),
    "rows set aside that no receipt knows": ("part 2: its receipt says 100 scored and 0 set aside, stored are 100 and 1",
                                             lambda writer, run: [*whole(writer, run), writer.execute(ASIDE, [run, 2, 1])]),
    "scores of no other run": ("was not computed by the run that it names", lambda writer, run: [
        store(writer, run, 0, 100, carried=1), store(writer, run, 1, 100), store(writer, run, 2, 100)]),
}  # fmt: skip
"""What a writer stores of a population of 300 rows in 3 parts, and what the database says of it."""


def whole(writer: Connection, run: int) -> list[None]:
    return [store(writer, run, number, 100) for number in range(3)]


@pytest.mark.parametrize("half", HALF)
def test_a_night_that_does_not_add_up_is_not_published(writer, run, half):
    says, tamper = HALF[half]
    writer.execute(POPULATION, [300, 3, run])
    tamper(writer, run)
    with pytest.raises(REFUSED, match=says):
        publish(writer, run)
    assert shown(writer, run) == 0


def test_the_application_says_what_does_not_add_up(on_postgres, writer, make):
    with on_postgres.claim(force=True) as claimed:
        run = on_postgres.store.record_population(claimed.run, make.population(2))
        on_postgres.store.write_part(run, make.part(0, 2), make.scores("a", "b"), make.quarantined())
        writer.execute(SCORES, {"run": run.id, "part": 0, "rows": 1, "carried": None})
        with pytest.raises(AuditFailed, match="part 0: its receipt says 2 scored and 0 set aside, stored are 3 and 0"):
            on_postgres.store.publish(run)
        on_postgres.store.fail(run, "it does not add up")


def test_a_run_without_a_population_is_not_published(writer, run):
    with pytest.raises(REFUSED, match="0 of 0 rows in 0 of 0 parts"):
        publish(writer, run)


@pytest.mark.parametrize("state", ["failed", "abandoned"])
def test_only_a_claimed_run_is_published(writer, run, state):
    writer.execute(POPULATION, [1, 1, run])
    store(writer, run, 0, 1)
    writer.execute("UPDATE nightjar.run SET state = %s WHERE id = %s", [state, run])
    with pytest.raises(REFUSED, match="may not make it published"):
        publish(writer, run)


# --- at the same time ---


def test_rows_that_come_in_while_a_night_is_published_are_counted(database, writer, run):
    """The publication waits for them, and then finds one too many."""
    writer.execute(POPULATION, [1, 1, run])
    store(writer, run, 0, 1)
    outcome: list[type[Exception] | None] = []

    def published() -> None:
        with psycopg.connect(database.url("writer"), autocommit=True) as other:
            try:
                publish(other, run)
                outcome.append(None)
            except errors.Error as error:
                outcome.append(type(error))

    with psycopg.connect(database.url("writer")) as late:
        late.execute(SCORES, {"run": run, "part": 1, "rows": 1, "carried": None})
        publishing = threading.Thread(target=published)
        publishing.start()
        while not writer.execute("SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()").fetchone():
            assert publishing.is_alive()
        late.commit()
        publishing.join()
    assert outcome == [REFUSED]


def test_rows_that_come_in_after_a_publication_began_are_refused(database, writer, run):
    writer.execute(POPULATION, [1, 1, run])
    store(writer, run, 0, 1)
    with psycopg.connect(database.url("writer")) as publishing, psycopg.connect(database.url("writer")) as late:
        publishing.execute(PUBLISHED, [run])
        late.execute("SET lock_timeout = '200ms'")
        with pytest.raises(errors.LockNotAvailable):
            late.execute(SCORES, {"run": run, "part": 1, "rows": 1, "carried": None})
        late.rollback()
        publishing.execute(SHOW, ["publish", run])
        publishing.commit()
        with pytest.raises(FOREIGN):
            late.execute(SCORES, {"run": run, "part": 1, "rows": 1, "carried": None})


@pytest.mark.parametrize("level", ["REPEATABLE READ", "SERIALIZABLE"])
def test_nobody_publishes_by_a_snapshot_from_before(database, writer, run, level):
    """It would count the rows that were there when it began."""
    writer.execute(POPULATION, [1, 1, run])
    store(writer, run, 0, 1)
    with psycopg.connect(database.url("writer")) as old:
        old.execute(f"SET TRANSACTION ISOLATION LEVEL {level}")
        old.execute("SELECT count(*) FROM nightjar.score")
        writer.execute(SCORES, {"run": run, "part": 1, "rows": 7, "carried": None})
        with pytest.raises(REFUSED, match="read committed"):
            old.execute(PUBLISHED, [run])


LATE = "INSERT INTO nightjar.score (score_date, run_id, entity_key, part, score) SELECT score_date, id, 'late', 0, 0.5 FROM"
END = PUBLISHED.replace("%s", "%(run)s")
AT_ONCE = {
    "published first": f"WITH ended AS ({END} RETURNING *) {LATE} ended",
    "added first": f"WITH added AS ({LATE} nightjar.run WHERE id = %(run)s RETURNING 1) {END}",
}


@pytest.mark.parametrize("order", AT_ONCE)
def test_one_statement_cannot_publish_and_add_rows(writer, run, order):
    writer.execute(POPULATION, [1, 1, run])
    store(writer, run, 0, 1)

    def at_once() -> None:
        with writer.transaction():
            writer.execute(AT_ONCE[order], {"run": run})
            writer.execute(SHOW, ["publish", run])

    with pytest.raises((REFUSED, FOREIGN)):
        at_once()
    assert shown(writer, run) == 0


# --- the ledger ---


def test_a_published_run_has_a_row_in_the_ledger_or_none_is_published(writer, run):
    writer.execute(POPULATION, [1, 1, run])
    store(writer, run, 0, 1)
    with pytest.raises(REFUSED, match="without a row in the ledger"):
        writer.execute(PUBLISHED, [run])
    with pytest.raises(REFUSED, match="was never shown: nobody goes back to it"):
        publish(writer, run, "rollback")


def test_the_ledger_names_the_newest_last(database, writer, on_postgres):
    """A row that was numbered before another one is not written after it."""
    runs = [on_postgres.publish(force=True)[0].id for _ in range(2)]
    with psycopg.connect(database.url("writer")) as first:
        first.execute("SELECT pg_advisory_xact_lock(hashtextextended('ledger of flight_delay 2013-06-15', 0))")
        failed = []

        def behind() -> None:
            with psycopg.connect(database.url("writer"), autocommit=True) as second:
                try:
                    second.execute(SHOW, ["rollback", runs[0]])
                except errors.SerializationFailure as error:
                    failed.append(error)

        waiting = threading.Thread(target=behind)
        waiting.start()
        while not writer.execute("SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted").fetchone():
            assert waiting.is_alive()
        first.execute(SHOW, ["rollback", runs[1]])
        first.commit()
        waiting.join()
    assert len(failed) == 1
    assert writer.execute("SELECT run_id FROM analytics.publications WHERE is_current").fetchall() == [(runs[1],)]


# --- repairs ---


@pytest.fixture
def repair(on_postgres, make):
    """(the published run, a claimed one that repairs it)."""
    base, _ = on_postgres.publish(keys=("p0k1", "p0k2"), force=True)
    with on_postgres.claim(repairs=base.id) as claimed:
        return base, on_postgres.store.record_population(claimed.run, make.population(2))


def test_a_repair_keeps_scores_of_the_run_it_repairs_and_of_those_before(on_postgres, make, repair):
    base, run = repair
    kept = make.scores("p0k1", "p0k2").with_columns(carried_from=base.id)
    on_postgres.store.write_part(run, make.part(0, 2), kept, make.quarantined())
    on_postgres.store.publish(run)
    with on_postgres.claim(repairs=run.id) as claimed:
        again = on_postgres.store.record_population(claimed.run, make.population(2))
        on_postgres.store.write_part(again, make.part(0, 2), kept, make.quarantined())
        assert on_postgres.store.publish(again).run_id == again.id


@pytest.mark.parametrize("lie", ["another score", "another challenger's score", "another run", "an entity that was not scored"])
def test_a_score_that_was_not_computed_by_the_run_it_names_is_not_published(on_postgres, make, repair, lie):
    base, run = repair
    kept = {
        "another score": make.scores("p0k1", "p0k2", score=0.4),
        "another challenger's score": make.scores("p0k1", "p0k2", challenger=0.5),
        "another run": make.scores("p0k1", "p0k2"),
        "an entity that was not scored": make.scores("p0k1", "new"),
    }[lie].with_columns(carried_from=1 if lie == "another run" else base.id)
    on_postgres.store.write_part(run, make.part(0, 2), kept, make.quarantined())
    with pytest.raises(AuditFailed, match="was not computed by the run that it names"):
        on_postgres.store.publish(run)
    on_postgres.store.fail(run, "a lie")


def test_a_repair_of_what_analysts_no_longer_see_is_not_published(on_postgres, make, writer, repair):
    base, run = repair
    on_postgres.store.write_part(run, make.part(0, 2), make.scores("p0k1", "p0k2").with_columns(carried_from=base.id), make.quarantined())
    earlier = writer.execute("SELECT min(run_id) FROM nightjar.publication WHERE score_date = %s", [base.score_date]).fetchone()[0]
    assert earlier != base.id
    writer.execute(SHOW, ["rollback", earlier])
    with pytest.raises(REFUSED, match=f"run {run.id} repairs run {base.id}, but analysts see run {earlier}"):
        publish(writer, run.id)


# --- what a run begins with ---

BEGIN = "INSERT INTO nightjar.run (model, score_date, revision, as_of, known_at, version_id, base_id) VALUES ('m', %s, %s, %s, %s, %s, %s)"


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
    values = {"score_date": "2013-09-01", "revision": 1, "as_of": make.as_of, "known_at": make.as_of, "version_id": version.id, "base_id": None}
    with pytest.raises(errors.Error, match=says):
        writer.execute(BEGIN, list((values | change).values()))


def test_a_version_has_the_next_number(writer, on_postgres, make):
    version = on_postgres.registry.add_version(make.candidate(on_postgres.registry))
    columns = "model, algorithm, dataset_id, artifact_uri, reference_uri, params, metrics, gates, code_version, trained_through"
    copied = (
        f"INSERT INTO nightjar.model_version (number, artifact_sha256, {columns}) SELECT %s, repeat('e', 64), {columns} FROM nightjar.model_version"
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


def test_a_receipt_is_of_the_attempt_that_holds_the_run(writer, run):
    writer.execute("UPDATE nightjar.run SET attempt = 2 WHERE id = %s", [run])
    with pytest.raises(FOREIGN, match=f"no run {run} is claimed by attempt 1"):
        writer.execute(RECEIPT, [run, 0, 1, 1, 0])


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
    "javascript:alert(1)", "JAVASCRIPT:alert(1)", " javascript:alert(1)", "data:text/html,x", "http://evil.example/x", "https://evil.example/x",
    "s3://", "s3:///x", "s3://b\nx", "file://host/x", "file:/x", "file:///x\x1b[2J", "relative/x", "", "ftp://x/y", "vbscript:x", "file:///a\r\nb",
)  # fmt: skip


@pytest.mark.parametrize("uri", NO_PLACES)
def test_a_report_lies_in_a_folder_or_a_store(writer, on_postgres, uri):
    run, _ = on_postgres.publish(force=True)
    with pytest.raises(errors.CheckViolation, match="report_uri_of_store"):
        writer.execute("INSERT INTO nightjar.report (run_id, kind, uri) VALUES (%s, 'drift', %s)", [run.id, uri])


@pytest.mark.parametrize("uri", ["/data/report/a.html", "file:///data/a b/report.html", "s3://bucket/report", "gs://b/é", "abfss://c@a.net/x"])
def test_a_place_of_a_store_is_taken(writer, on_postgres, uri):
    run, _ = on_postgres.publish(force=True)
    writer.execute("INSERT INTO nightjar.report (run_id, kind, uri) VALUES (%s, 'drift', %s)", [run.id, uri])


def test_every_place_is_checked(owner):
    named = owner.execute("""
        SELECT relname || '_' || attname || '_of_store' FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
        WHERE relnamespace = 'nightjar'::regnamespace AND relkind = 'r' AND attname ~ 'ur[il]'
    """).fetchall()
    checked = owner.execute("SELECT conname FROM pg_constraint WHERE conname LIKE '%of_store' AND convalidated").fetchall()
    assert len(named) == 5
    assert set(named) == set(checked)


def test_every_date_that_the_writer_may_set_is_of_our_time(owner):
    """A night's own dates are those of its run, and scores lie in months that are made for them."""
    settable = owner.execute("""
        SELECT relname || '_' || attname || '_of_our_time' FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
        WHERE relnamespace = 'nightjar'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition AND attnum > 0
          AND atttypid IN ('date'::regtype, 'timestamptz'::regtype, 'timestamp'::regtype)
          AND (has_column_privilege('nightjar_writer', pg_class.oid, attnum, 'INSERT')
            OR has_column_privilege('nightjar_writer', pg_class.oid, attnum, 'UPDATE'))
          AND relname || '.' || attname NOT IN ('publication.score_date', 'score.score_date')
    """).fetchall()
    checked = owner.execute("SELECT conname FROM pg_constraint WHERE conname LIKE '%of_our_time' AND convalidated").fetchall()
    assert len(settable) == 10
    assert set(settable) == set(checked)


@pytest.mark.parametrize("at", ["infinity", "-infinity", "0044-03-15 BC", "2190-01-01Z", "9999-01-01Z"])
def test_no_outcome_is_recorded_and_no_night_measured_when_nobody_lives(writer, on_postgres, at):
    run, _ = on_postgres.publish(force=True)
    with pytest.raises((errors.CheckViolation, errors.DatetimeFieldOverflow)):
        writer.execute(
            "INSERT INTO nightjar.outcome (model, score_date, entity_key, recorded_at, outcome) VALUES ('m', '2013-06-15', 'a', %s, 1)", [at]
        )
    with pytest.raises((errors.CheckViolation, errors.DatetimeFieldOverflow)):
        writer.execute("INSERT INTO nightjar.performance (run_id, rows, with_outcome, measured_at) VALUES (%s, 1, 1, %s)", [run.id, at])


def test_a_measurement_restates_and_the_one_before_stays(on_postgres, writer, make):
    run, _ = on_postgres.publish(force=True)
    metrics = dict.fromkeys(("base_rate", "mean_score", "pr_auc", "brier", "ece"))
    for auc in (0.6, 0.7):
        on_postgres.outcomes.record_performance(
            NightPerformance(run_id=run.id, model=make.model, score_date=make.day, rows=2, with_outcome=1, auc=auc, measured_at=make.as_of, **metrics)
        )
    shown = "SELECT auc FROM analytics.{} WHERE run_id = %s ORDER BY recorded_at"
    assert writer.execute(shown.format("nightly_performance"), [run.id]).fetchall() == [(0.7,)]
    assert writer.execute(shown.format("performance_history"), [run.id]).fetchall() == [(0.6,), (0.7,)]


def test_a_night_that_is_not_published_is_not_measured(writer, run):
    with pytest.raises(FOREIGN, match="was never published"):
        writer.execute("INSERT INTO nightjar.performance (run_id, rows, with_outcome, measured_at) VALUES (%s, 1, 1, '2013-06-16Z')", [run])


def test_drift_that_is_measured_again_restates_and_the_rows_before_stay(on_postgres, writer):
    run, _ = on_postgres.publish(force=True)

    def drift(*values: tuple[str, float]) -> list[ColumnDrift]:
        shares = {"threshold": 0.2, "drifted": False, "null_share": 0, "reference_null_share": 0}
        return [ColumnDrift(column=column, method="psi", value=value, **shares) for column, value in values]

    for columns in ((("a", 0.1), ("b", 0.1)), (("a", 0.1), ("b", 0.1)), (("a", 0.2),)):
        on_postgres.ledger.record_drift(run, drift(*columns))
    kept = writer.execute("SELECT column_name, value FROM nightjar.drift WHERE run_id = %s ORDER BY measured_at, column_name", [run.id]).fetchall()
    assert kept == [("a", 0.1), ("b", 0.1), ("a", 0.2)]
    assert writer.execute("SELECT column_name, value FROM analytics.drift WHERE run_id = %s", [run.id]).fetchall() == [("a", 0.2)]


def test_a_measurement_ahead_of_time_is_refused_with_a_sentence(on_postgres, make):
    run, _ = on_postgres.publish(force=True)
    metrics = dict.fromkeys(("base_rate", "mean_score", "auc", "pr_auc", "brier", "ece"))
    ahead = make.as_of.replace(year=2190)
    with pytest.raises(BadSettings, match="refuses a date: no night is measured by outcomes that are not known yet"):
        on_postgres.outcomes.record_performance(
            NightPerformance(run_id=run.id, model=make.model, score_date=make.day, rows=2, with_outcome=1, measured_at=ahead, **metrics)
        )


def test_what_is_known_ahead_of_time_is_refused_with_a_sentence(on_postgres, make):
    with pytest.raises(NightjarError, match="nothing is known yet"), on_postgres.claim(force=True, known_at=make.as_of.replace(year=2190)):
        pass
