"""Migrations make what the classes describe, can be undone, and say where a database stands."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from psycopg.types.json import Jsonb
from sqlalchemy import CheckConstraint, text
from sqlalchemy.exc import DBAPIError

from db import locks, migrate, revisions
from db.locks import night_lock
from db.server.roles import ensure_roles
from db.session import make_engine
from db.tables import SCHEMA, Table
from db.urls import read
from nightjar.core.errors.database import NightsRunning, SchemaNewer, SchemaOutdated, StoreUnavailable
from nightjar.core.errors.night import WorkBusy
from nightjar.core.errors.settings import BadSettings
from nightjar.core.kinds.metrics import read_rows

DAY = date(2013, 6, 15)


@pytest.fixture
def empty(postgres):
    """A database that was never migrated: (owner's URL, writer's URL)."""
    postgres.ensure_database("unmigrated")
    ensure_roles(postgres.url("admin", "unmigrated"), postgres.passwords)
    yield postgres.url("owner", "unmigrated"), postgres.url("writer", "unmigrated")
    with psycopg.connect(postgres.url("admin", "postgres"), autocommit=True) as admin:
        admin.execute("DROP DATABASE unmigrated WITH (FORCE)")


def differences(url: str) -> list:
    options = {
        "include_schemas": True,
        "include_name": migrate.is_ours,
        "compare_type": True,
        "compare_server_default": True,
    }
    engine = make_engine(url)
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts=options | {"version_table": migrate.VERSION_TABLE, "version_table_schema": SCHEMA},
        )
        found = compare_metadata(context, Table.metadata)
    engine.dispose()
    return found


def described(url: str) -> list[tuple]:
    """Tables with columns, types, rights and comments; constraints; indexes; views; rights; triggers and
    functions.
    """
    with psycopg.connect(url) as connection:
        return [
            connection.execute(query).fetchall()
            for query in (
                """SELECT c.oid::regclass::text, attname, atttypid::regtype::text, attnotnull, attacl::text,
                    col_description(c.oid, attnum)
                   FROM pg_attribute JOIN pg_class c ON c.oid = attrelid
                       WHERE relnamespace IN ('nightjar'::regnamespace, 'analytics'::regnamespace)
                   AND relkind IN ('r', 'p', 'v') AND attnum > 0 ORDER BY 1, 2""",
                (
                    "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint "
                    "ORDER BY 1, 2"
                ),
                "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'nightjar' ORDER BY 1",
                (
                    "SELECT oid::regclass::text, relacl::text FROM pg_class WHERE "
                    "relnamespace::regnamespace::text IN ('nightjar', 'analytics') ORDER BY 1"
                ),
                "SELECT tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1, 2",
                (
                    "SELECT proname, prosrc, proacl::text FROM pg_proc WHERE pronamespace = "
                    "'nightjar'::regnamespace ORDER BY 1"
                ),
            )
        ]


def test_the_migrations_make_what_the_classes_describe(database):
    with psycopg.connect(database.url("writer"), autocommit=True) as writer:
        writer.execute(
            "SELECT nightjar.ensure_score_partition('2013-06-15')"
        )  # a month is data, not a difference
    assert differences(database.url("owner")) == []


def test_a_difference_would_be_seen(database):
    with psycopg.connect(database.url("owner"), autocommit=True) as owner:
        owner.execute("ALTER TABLE nightjar.receipt ADD COLUMN surprise integer")
    assert [change[0] for change in differences(database.url("owner"))] == ["remove_column"]


def test_the_check_constraints_are_those_of_the_classes(database):
    """Alembic doesn't compare them."""
    with psycopg.connect(database.url("owner")) as owner:
        found = owner.execute(
            "SELECT conname FROM pg_constraint WHERE contype = 'c' AND connamespace = "
            "'nightjar'::regnamespace"
        ).fetchall()
    constraints = [constraint for table in Table.metadata.sorted_tables for constraint in table.constraints]
    assert {row[0] for row in found} == {
        str(constraint.name) for constraint in constraints if isinstance(constraint, CheckConstraint)
    }


def test_going_down_and_up_again_leads_to_the_same_schema(database):
    before = described(database.url("owner"))
    migrate.downgrade(database.url("owner"))
    with psycopg.connect(database.url("owner")) as owner:
        left = owner.execute(
            "SELECT relname FROM pg_class WHERE relnamespace::regnamespace::text IN ('nightjar', "
            "'analytics', 'feast')"
        ).fetchall()
    assert {row[0] for row in left} <= {"alembic_version", "alembic_version_pkc"}
    migrate.upgrade(database.url("owner"))
    assert described(database.url("owner")) == before


def test_an_upgrade_with_nothing_to_do_waits_for_no_reader(database):
    with psycopg.connect(database.url("analyst")) as analyst:
        analyst.execute("SELECT count(*) FROM scores")  # its lock stays until the transaction ends
        migrate.upgrade(database.url("owner"))


def test_views_that_changed_are_made_anew(database):
    with psycopg.connect(database.url("owner"), autocommit=True) as owner:
        owner.execute("COMMENT ON SCHEMA analytics IS 'an older definition'")
        owner.execute("DROP VIEW analytics.reports")
        migrate.upgrade(database.url("owner"))
        assert owner.execute("SELECT to_regclass('analytics.reports') IS NOT NULL").fetchone() == (True,)


def test_a_view_that_somebody_dropped_comes_back(database):
    with psycopg.connect(database.url("owner")) as owner:
        owner.execute("DROP VIEW analytics.reports")
    migrate.upgrade(database.url("owner"))
    with psycopg.connect(database.url("analyst")) as analyst:
        assert analyst.execute("SELECT count(*) FROM analytics.reports").fetchone() == (0,)


def test_the_files_of_the_migrations_say_what_alembic_finds_out_by_running_them():
    script = ScriptDirectory.from_config(migrate._config())
    assert revisions.head() == script.get_current_head()
    assert sorted(revisions.known(), reverse=True) == [each.revision for each in script.walk_revisions()]


def test_a_database_that_is_behind_is_refused(empty):
    owner, writer = empty
    engine = make_engine(writer)
    try:
        with pytest.raises(SchemaOutdated, match=r"at migration none.*has to be migrated"):
            revisions.require_head(engine)
        migrate.upgrade(owner, "0002")
        assert revisions.current(engine) == "0002"
        with pytest.raises(SchemaOutdated):
            revisions.require_head(engine)
        migrate.upgrade(owner)
        revisions.require_head(engine)
        assert revisions.current(engine) == revisions.head()
    finally:
        engine.dispose()


@pytest.mark.parametrize("doing", ["upgrade", "downgrade"])
def test_a_database_that_newer_code_migrated_is_left_as_it_is(database, doing):
    with psycopg.connect(database.url("owner"), autocommit=True) as owner:
        owner.execute("UPDATE nightjar.alembic_version SET version_num = '9999'")
    before = described(database.url("owner"))
    with pytest.raises(
        SchemaNewer, match=rf"newer than this code: it is at migration 9999, .* here is {revisions.head()}"
    ):
        getattr(migrate, doing)(database.url("owner"))
    assert described(database.url("owner")) == before
    engine = make_engine(database.url("writer"))
    with pytest.raises(SchemaNewer):
        revisions.require_head(engine)
    engine.dispose()


def test_the_schema_of_feasts_registry_comes_back_with_its_rights(database):
    with psycopg.connect(database.url("owner"), autocommit=True) as owner:
        owner.execute("DROP SCHEMA feast CASCADE")
        migrate.upgrade(database.url("owner"))
        owner.execute("CREATE TABLE feast.sample ()")
    with psycopg.connect(database.url("writer")) as writer:
        assert writer.execute("SELECT count(*) FROM feast.sample").fetchone() == (0,)


def test_several_may_migrate_at_once(empty):
    with ThreadPoolExecutor(3) as pool:
        for done in [pool.submit(migrate.upgrade, empty[0]) for _ in range(3)]:
            done.result()
    assert differences(empty[0]) == []


def test_a_server_that_is_away_is_unavailable_and_a_database_that_is_not_there_a_setting_to_correct(postgres):
    url = postgres.url("writer", "nowhere")
    with pytest.raises(StoreUnavailable):
        revisions.require_head(make_engine(read(url).changed(port="1").text))
    with pytest.raises(BadSettings, match='database "nowhere" does not exist'):
        revisions.require_head(make_engine(url))


def test_a_migration_and_nights_wait_for_each_other(empty):
    """The night under way ends first; then the migration; then the night that began meanwhile."""
    owner, writer = empty
    migrate.upgrade(owner, "0003")
    engine = make_engine(writer)
    order = []

    def second_night():
        with night_lock(engine, "toy", DAY, wait_s=30):
            order.append("second night")

    def migration():
        migrate.upgrade(owner)
        order.append("migration")

    with ThreadPoolExecutor(2) as pool:
        with night_lock(engine, "other", DAY, wait_s=0):
            migrating = pool.submit(migration)
            with engine.connect() as looking:
                while not looking.exec_driver_sql(
                    "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
                ).scalar_one():
                    assert not migrating.done()
            with (
                pytest.raises(WorkBusy, match="Migrating the database"),
                night_lock(engine, "toy", DAY, wait_s=0),
            ):
                pass
            waiting = pool.submit(second_night)
            order.append("first night")
        migrating.result(30)
        waiting.result(30)
    engine.dispose()
    assert order[0] == "first night"
    assert set(order[1:]) == {"migration", "second night"}
    assert differences(owner) == []


def test_a_migration_does_not_keep_readers_waiting_for_one_who_idles(empty, monkeypatch):
    owner, _ = empty
    monkeypatch.setattr(locks, "READERS_END_WITHIN_S", 1)
    migrate.upgrade(owner)
    with psycopg.connect(owner) as idle, psycopg.connect(owner) as reader:
        idle.execute("SELECT count(*) FROM analytics.scores")
        with pytest.raises(
            NightsRunning,
            match=rf"pid {idle.info.backend_pid}, which reads in an open transaction. Waited 1 s; nothing",
        ):
            migrate.downgrade(owner, "0003")
        reader.execute("SELECT count(*) FROM analytics.scores")
    migrate.downgrade(owner, "0003")
    migrate.upgrade(owner)
    assert differences(owner) == []


def test_a_migration_that_waited_in_vain_changes_nothing_and_names_who_works(empty):
    owner, writer = empty
    migrate.upgrade(owner, "0003")
    engine, at = make_engine(writer), make_engine(owner)
    with (
        night_lock(engine, "toy", DAY, wait_s=0),
        pytest.raises(NightsRunning, match=r"while someone works .*nightjar_writer.* Waited 0 s; nothing"),
    ):
        migrate.upgrade(owner, wait_s=0.2)
    assert revisions.current(at) == "0003"
    engine.dispose()
    at.dispose()
    migrate.upgrade(owner, wait_s=0)
    assert differences(owner) == []


def test_a_month_of_scores_is_made_once_also_by_several_at_once(database):
    engine = make_engine(database.url("writer"), pool_size=4)

    def ensure(_):
        with engine.begin() as connection:
            return connection.execute(
                text("SELECT nightjar.ensure_score_partition('2024-02-29')")
            ).scalar_one()

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(ensure, range(8))) == {"score_2024_02"}
    engine.dispose()
    with psycopg.connect(database.url("owner")) as owner:
        bounds = owner.execute(
            "SELECT pg_get_expr(relpartbound, oid) FROM pg_class WHERE relname = 'score_2024_02'"
        ).fetchone()
    assert bounds == ("FOR VALUES FROM ('2024-02-01') TO ('2024-03-01')",)


def test_a_month_made_before_the_migration_takes_scores_after_it_and_guards_them(database):
    migrate.downgrade(database.url("owner"), "0026")
    with psycopg.connect(database.url("owner"), autocommit=True) as owner:
        owner.execute("SELECT nightjar.ensure_score_partition('2013-06-01')")
    row = (
        "INSERT INTO nightjar.score_2013_06 (score_date, run_id, entity_key, part, score) "
        "VALUES ('2013-06-15', 1, 'a', 0, 0.5)"
    )
    with psycopg.connect(database.url("writer"), autocommit=True) as writer:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            writer.execute(row)
        migrate.upgrade(database.url("owner"))
        with pytest.raises(psycopg.errors.ForeignKeyViolation, match="no run 1 of 2013-06-15 is claimed"):
            writer.execute(row)


def test_a_new_month_does_not_wait_for_analysts(database):
    with (
        psycopg.connect(database.url("analyst")) as analyst,
        psycopg.connect(database.url("writer")) as writer,
    ):
        analyst.execute("SELECT count(*) FROM scores")
        writer.execute("SET lock_timeout = '2s'")
        writer.execute("SELECT nightjar.ensure_score_partition('2024-05-01')")


OLD_DRIFT = """
    INSERT INTO nightjar.drift (run_id, method, column_name, value, drifted, null_share, reference_null_share)
    SELECT %s, 'psi', name, 0.1, false, 0, 0 FROM unnest(ARRAY['a', 'b']) AS name
"""
OLD_MEASUREMENT = (
    "INSERT INTO nightjar.performance (run_id, rows, with_outcome, auc, measured_at) VALUES (%s, 2, 2, %s, "
    "'2013-06-16Z')"
)


MEASUREMENT = """
    INSERT INTO nightjar.measurement (run_id, role, slice, slice_value, occasions, nights, supported, rows,
        with_outcome, metrics, measured_at)
    VALUES (%s, 'champion', '', '', 1, 1, true, 2, 2, jsonb_build_object('auc', %s::float), '2013-06-16Z')
"""


def test_what_was_stored_before_stays_and_is_seen(on_postgres, database, engine):
    """Rows of one measurement had an instant each, a measurement replaced the one before, and any text was
    a place.
    """
    run, _ = on_postgres.publish()
    engine.dispose()
    migrate.downgrade(database.url("owner"), "0005")
    with psycopg.connect(database.url("writer"), autocommit=True) as writer:
        writer.execute(OLD_DRIFT, [run.id])
        writer.execute(OLD_MEASUREMENT, [run.id, 0.6])
        writer.execute(
            "INSERT INTO nightjar.report (run_id, kind, uri) VALUES (%s, 'drift', 'javascript:alert(1)')",
            [run.id],
        )
    migrate.upgrade(database.url("owner"))
    with psycopg.connect(database.url("analyst"), autocommit=True) as analyst:
        assert analyst.execute("SELECT count(*) FROM scores").fetchone() == (2,)
        assert analyst.execute("SELECT column_name FROM drift ORDER BY 1").fetchall() == [("a",), ("b",)]
        assert analyst.execute("SELECT auc FROM nightly_performance").fetchall() == [(0.6,)]
        assert analyst.execute("SELECT uri FROM reports").fetchall() == [("javascript:alert(1)",)]
    with psycopg.connect(database.url("writer"), autocommit=True) as writer:
        with pytest.raises(psycopg.errors.CheckViolation):
            writer.execute(
                "INSERT INTO nightjar.report (run_id, kind, uri) VALUES (%s, 'drift', 'javascript:alert(2)')",
                [run.id],
            )
        writer.execute(MEASUREMENT, [run.id, 0.7])
        writer.execute(OLD_DRIFT, [run.id])
    migrate.downgrade(database.url("owner"), "0005")
    with psycopg.connect(database.url("owner"), autocommit=True) as owner:
        assert owner.execute("SELECT auc FROM nightjar.performance").fetchall() == [(0.7,)]
        assert owner.execute("SELECT column_name FROM nightjar.drift ORDER BY 1").fetchall() == [
            ("a",),
            ("b",),
        ]
    migrate.upgrade(database.url("owner"))


OLD_INCIDENTS = """
    INSERT INTO nightjar.incident (model, kind, subject, severity, cause, sentence, runbook, ends) VALUES
        ('toy', 'held_back', 'a', 'critical', 'held_back units', 'It is held.', 'x', NULL),
        ('toy', 'late', 'b', 'critical', 'worker_gone', 'It is late.', 'x', NULL),
        ('toy', 'partial', 'c', 'warning', 'partial', 'It lacks rows.', 'x', NULL),
        ('toy', 'late', 'b', 'critical', 'worker_gone', 'This is over: It is late.', 'x', 2),
        ('toy', 'partial', 'c', 'warning', 'partial', 'This is told no more. So.', 'x', 3)
"""
STEPS = "SELECT kind, step, because, continues FROM nightjar.incident ORDER BY id"
OLD_STEPS = "SELECT kind, ends FROM nightjar.incident ORDER BY id"


def test_incidents_of_before_get_their_steps_and_can_go_back(database):
    migrate.downgrade(database.url("owner"), "0035")
    with psycopg.connect(database.url("writer"), autocommit=True) as writer:
        writer.execute(OLD_INCIDENTS)
    migrate.upgrade(database.url("owner"))
    with psycopg.connect(database.url("writer"), autocommit=True) as writer:
        assert writer.execute(STEPS).fetchall() == [
            ("held_back", "began", "units", None),
            ("late", "began", "", None),
            ("partial", "began", "", None),
            ("late", "over", "", 2),
            ("partial", "unseen", "", 3),
        ]
        for step in ("changed", "goes_on", "over"):
            writer.execute(
                "INSERT INTO nightjar.incident (model, kind, subject, severity, cause, because, sentence, "
                "runbook, step, continues) VALUES ('toy', 'failed', 'a', 'warning', '', '', '', '', %s, 1)",
                [step],
            )
        writer.execute("INSERT INTO nightjar.channel (name, after_publication) VALUES ('mail', 0)")
        writer.execute(
            "INSERT INTO nightjar.dispatch (channel, incident_id, attempt, arrived) "
            "SELECT 'mail', id, 1, true FROM nightjar.incident"
        )
    migrate.downgrade(database.url("owner"), "0035")
    with psycopg.connect(database.url("owner"), autocommit=True) as owner:
        assert owner.execute(OLD_STEPS).fetchall()[3:] == [("late", 2), ("partial", 3), ("held_back", 1)]
    migrate.upgrade(database.url("owner"))


RISEN = """
    INSERT INTO nightjar.incident (model, kind, subject, severity, cause, sentence, runbook, ends) VALUES
        ('toy', 'failed', 'a', 'warning', 'failed Gone', 'It failed.', 'x', NULL),
        ('toy', 'failed', 'b', 'warning', 'failed Gone', 'It failed.', 'x', NULL),
        ('', 'disk_full', '/x', 'critical', 'disk_full', 'Little is free.', 'x', NULL),
        ('toy', 'failed', 'b', 'warning', 'failed Gone', 'This is over: It failed.', 'x', 2),
        ('toy', 'held_back', 'a', 'critical', 'held_back units', 'It is held.', 'x', NULL),
        ('toy', 'held_back', 'b', 'critical', 'held_back units', 'It is held.', 'x', NULL),
        ('', 'disk_filling', '/x', 'warning', 'disk_filling', 'Some is free.', 'x', NULL)
"""


def test_what_was_becoming_worse_or_better_during_the_upgrade_is_one_incident(database):
    """Two open rows of one key would be one trouble, and only one of them would ever end."""
    migrate.downgrade(database.url("owner"), "0035")
    with psycopg.connect(database.url("writer"), autocommit=True) as writer:
        writer.execute(RISEN)
    migrate.upgrade(database.url("owner"))
    with psycopg.connect(database.url("writer"), autocommit=True) as writer:
        assert writer.execute(STEPS).fetchall() == [
            ("failed", "began", "Gone", None),
            ("failed", "began", "Gone", None),
            ("disk_full", "began", "", None),
            ("failed", "over", "Gone", 2),
            ("held_back", "changed", "units", 1),
            ("held_back", "began", "units", None),
            ("disk_filling", "changed", "", 3),
        ]


OLD_MEASUREMENTS = """
    INSERT INTO nightjar.performance (run_id, rows, with_outcome, base_rate, mean_score, auc, pr_auc, brier,
        ece, measured_at)
    VALUES (%(run)s, 2, 1, 1, 0.5, NULL, NULL, 0.25, 0.5, '2013-06-16Z'), (%(run)s, 2, 2, 0.5, 0.5, 0.7, 0.6,
        0.2, 0.1, '2013-06-17Z')
"""
METRICS = {"auc": 0.7, "baseline_auc": 0.6, "champion_rows": 40, "auc_beside_champion": 0.69}
SHOWN = (
    "SELECT rows, with_outcome, base_rate, mean_score, auc, pr_auc, brier, ece, measured_at, recorded_at "
    "FROM {} ORDER BY measured_at"
)


def test_measurements_and_comparisons_of_before_become_one_table_and_can_go_back(
    on_postgres, database, engine, make
):
    """A metric had a row, and champion and challenger had a table of their own."""
    challenger = on_postgres.registry.add_version(make.candidate(on_postgres.registry, "b"))
    run, _ = on_postgres.publish(challenger=challenger)
    compared = [
        make.compared(run, make.as_of + timedelta(days=days), value) for days, value in enumerate((0.1, 0.2))
    ]
    for each in compared:
        on_postgres.outcomes.add([make.measured(run, each.measured_at, auc=0.7), *make.both(each)])
    whole = on_postgres.outcomes.measured(make.model)
    engine.dispose()
    migrate.downgrade(database.url("owner"), "0018")
    with psycopg.connect(database.url("owner"), autocommit=True) as owner:
        before = (
            "SELECT champion, challenger FROM nightjar.comparison WHERE metric = 'auc' ORDER BY measured_at"
        )
        assert owner.execute(before).fetchall() == [(0.5, 0.1), (0.5, 0.2)]
        nights = "SELECT metric, value FROM nightjar.measurement WHERE value IS NOT NULL"
        assert owner.execute(nights).fetchall() == [("auc", 0.7)] * 2
    migrate.upgrade(database.url("owner"))
    assert on_postgres.outcomes.measured(make.model) == whole
    assert on_postgres.outcomes.comparisons(make.model) == tuple(compared)


def test_measurements_versions_and_outcomes_of_before_become_rows_and_can_go_back(
    on_postgres, database, engine, make
):
    """Metrics had a column each, or a prefix in their name; an outcome was a small integer."""
    run, _ = on_postgres.publish()
    engine.dispose()
    migrate.downgrade(database.url("owner"), "0007")
    with psycopg.connect(database.url("writer"), autocommit=True) as writer:
        writer.execute(OLD_MEASUREMENTS, {"run": run.id})
        outcome = (
            "INSERT INTO nightjar.outcome (model, score_date, entity_key, recorded_at, outcome) VALUES (%s, "
            "%s, 'a', '2013-06-16Z', 1)"
        )
        writer.execute(outcome, [make.model, make.day])
    with psycopg.connect(database.url("owner"), autocommit=True) as owner:
        owner.execute("UPDATE nightjar.model_version SET metrics = %s", [Jsonb(METRICS)])
        before = owner.execute(SHOWN.format("nightjar.performance")).fetchall()
    migrate.upgrade(database.url("owner"))
    with psycopg.connect(database.url("analyst")) as analyst:
        assert analyst.execute(SHOWN.format("performance_history")).fetchall() == before
        assert analyst.execute(SHOWN.format("nightly_performance")).fetchall() == before[1:]
        newest = analyst.execute(
            "SELECT metric, value FROM measurements WHERE is_newest ORDER BY metric"
        ).fetchall()
        assert newest == [
            ("auc", 0.7),
            ("base_rate", 0.5),
            ("brier", 0.2),
            ("ece", 0.1),
            ("mean_score", 0.5),
            ("pr_auc", 0.6),
        ]
        assert analyst.execute(
            "SELECT outcome FROM scores_with_outcomes WHERE entity_key = 'a'"
        ).fetchall() == [(1.0,)]
        assert analyst.execute("SELECT kind, metrics FROM model_versions").fetchall() == [("binary", METRICS)]
    assert on_postgres.registry.versions(make.model)[0].metrics == read_rows(METRICS)
    (measured,) = on_postgres.outcomes.measured(make.model)
    assert (measured.with_outcome, measured.metrics["auc"]) == (2, 0.7)
    version = on_postgres.registry.add_version(make.candidate(on_postgres.registry, "c", metrics=METRICS))
    with psycopg.connect(database.url("analyst")) as analyst:
        assert analyst.execute(
            "SELECT metrics FROM model_versions WHERE model_version = %s", [version.number]
        ).fetchall() == [(METRICS,)]
    engine.dispose()
    migrate.downgrade(database.url("owner"), "0007")
    with psycopg.connect(database.url("owner"), autocommit=True) as owner:
        assert owner.execute(SHOWN.format("nightjar.performance")).fetchall() == before
        assert owner.execute("SELECT metrics FROM nightjar.model_version").fetchall() == [
            (METRICS,),
            (METRICS,),
        ]
    migrate.upgrade(database.url("owner"))


def test_a_schema_without_kinds_has_no_place_for_models_of_others(on_postgres, database, engine):
    _ = on_postgres.champion
    engine.dispose()
    with psycopg.connect(database.url("owner"), autocommit=True) as owner:
        owner.execute(
            "UPDATE nightjar.model_version SET kind = 'counts', score_high = 'Infinity', outcomes = NULL"
        )
    before = described(database.url("owner"))
    with pytest.raises(DBAPIError, match="models of other kinds than binary"):
        migrate.downgrade(database.url("owner"), "0007")
    assert described(database.url("owner")) == before


def test_months_made_before_and_after_the_migration_keep_no_statistics_of_what_is_hidden(database):
    migrate.downgrade(database.url("owner"), "0005")
    told = (
        "SELECT count(*) FROM pg_stats WHERE schemaname = 'nightjar' AND tablename ~ '^score_' AND attname "
        "= 'score'"
    )
    with psycopg.connect(database.url("owner"), autocommit=True) as owner:
        owner.execute("SELECT nightjar.ensure_score_partition('2013-06-01')")
        owner.execute("ALTER TABLE nightjar.score DISABLE TRIGGER guard_night")
        owner.execute(
            "INSERT INTO nightjar.score (score_date, run_id, entity_key, part, score) SELECT '2013-06-15', "
            "1, n, 0, 0.5 FROM generate_series(1, 9) n"
        )
        owner.execute("ANALYZE")
        assert owner.execute(told).fetchone() == (1,)
        migrate.upgrade(database.url("owner"))
        owner.execute("SELECT nightjar.ensure_score_partition('2013-07-01')")
        owner.execute(
            "INSERT INTO nightjar.score (score_date, run_id, entity_key, part, score) SELECT '2013-07-15', "
            "1, n, 0, 0.5 FROM generate_series(1, 9) n"
        )
        owner.execute("ANALYZE")
        assert owner.execute(told).fetchone() == (0,)
