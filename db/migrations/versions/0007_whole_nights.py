"""What the writer says is checked where it can be: a night is published whole or not at all, measurements are
only ever added, and the database sets the instants.
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

WRITER = "nightjar_writer"

ADDS = {
    "score": "score_date, run_id, entity_key, part, score, challenger_score, carried_from",
    "quarantined_row": "run_id, part, row_number, entity_key, reasons, row",
    "input_profile": 'run_id, column_name, rows, nulls, "distinct", entities, mean, stddev, quantiles, categories',
    "outcome": "model, score_date, entity_key, recorded_at, outcome",
    "performance": "run_id, rows, with_outcome, base_rate, mean_score, auc, pr_auc, brier, ece, measured_at",
}
"""Column by column, also where it is all of them: who may insert into a whole table may lock it."""

PLACE = r"^(/|file:///|(s3|s3a|gs|gcs|abfs|abfss|az|adl|oci|oss|hdfs|webhdfs|sftp|ssh|smb)://[^/])[^\u0001-\u001f\u007f]*$"
OF_OUR_TIME = "BETWEEN '1890-01-01' AND '2210-01-01'"
CHECKS = {
    **{
        (table, f"{column}_of_store"): f"{column} ~ '{PLACE}'"
        for table, column in (
            ("dataset", "uri"),
            ("model_version", "artifact_uri"),
            ("model_version", "reference_uri"),
            ("run", "population_uri"),
            ("report", "uri"),
        )
    },
    **{
        (table, f"{column}_of_our_time"): f"{column} {OF_OUR_TIME}"
        for table, column in (
            ("dataset", "first_date"),
            ("dataset", "last_date"),
            ("dataset", "known_at"),
            ("model_version", "trained_through"),
            ("run", "score_date"),
            ("run", "as_of"),
            ("run", "known_at"),
            ("outcome", "score_date"),
            ("outcome", "recorded_at"),
            ("performance", "measured_at"),
        )
    },
    ("run", "population_sha256_hex"): "population_sha256 ~ '^[0-9a-f]{64}$'",
}
"""Asked about what comes from now on.

Stored rows that would not pass stay as they are, and the constraint stays unvalidated.
"""

VALIDATE = """
DO $$
DECLARE
    added record;
BEGIN
    FOR added IN SELECT conrelid::regclass AS table, conname FROM pg_constraint
        WHERE connamespace = 'nightjar'::regnamespace AND contype = 'c' AND NOT convalidated
    LOOP
        BEGIN
            EXECUTE format('ALTER TABLE %s VALIDATE CONSTRAINT %I', added.table, added.conname);
        EXCEPTION WHEN check_violation THEN
            RAISE WARNING '% holds rows from before that break %', added.table, added.conname;
        END;
    END LOOP;
END
$$
"""

GUARD_NEW_RUN = """
CREATE FUNCTION nightjar.guard_new_run() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    due integer := (SELECT coalesce(max(revision), 0) + 1 FROM nightjar.run WHERE model = NEW.model AND score_date = NEW.score_date);
BEGIN
    IF NEW.revision <> due THEN
        RAISE EXCEPTION 'the next revision of % % is %, not %', NEW.model, NEW.score_date, due, NEW.revision
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.base_id IS NOT NULL AND NOT EXISTS (SELECT FROM nightjar.publication WHERE run_id = NEW.base_id) THEN
        RAISE EXCEPTION 'run % was never published: it cannot be repaired', NEW.base_id USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.score_date > (clock_timestamp() AT TIME ZONE 'UTC')::date + 366 THEN
        RAISE EXCEPTION 'no night of % is stored: it lies more than a year ahead', NEW.score_date
            USING ERRCODE = 'datetime_field_overflow';
    END IF;
    IF NEW.known_at > greatest(NEW.as_of, clock_timestamp() + interval '2 days') THEN
        RAISE EXCEPTION 'nothing is known yet of what will be recorded by %', NEW.known_at USING ERRCODE = 'datetime_field_overflow';
    END IF;
    RETURN NEW;
END
$$
"""

GUARD_RUN = """
CREATE OR REPLACE FUNCTION nightjar.guard_run() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    owns boolean := pg_has_role(current_user, (SELECT relowner FROM pg_class WHERE oid = TG_RELID), 'USAGE');
BEGIN
    IF OLD.state IN ('published', 'pruned') THEN
        RAISE EXCEPTION 'run % is %: it cannot change any more', OLD.id, OLD.state USING ERRCODE = 'restrict_violation';
    END IF;
    IF OLD.state = 'abandoned' AND NEW.state <> 'pruned' OR NEW.state = 'pruned' AND NOT owns
        OR NEW.state = 'published' AND OLD.state <> 'claimed' THEN
        RAISE EXCEPTION 'run % is %: % may not make it %', OLD.id, OLD.state, current_user, NEW.state USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.attempt NOT IN (OLD.attempt, OLD.attempt + 1) THEN
        RAISE EXCEPTION 'run % has seen attempt %: it cannot go to %', OLD.id, OLD.attempt, NEW.attempt USING ERRCODE = 'restrict_violation';
    END IF;
    IF OLD.population_sha256 IS NOT NULL AND (OLD.population_uri, OLD.population_sha256, OLD.population_rows, OLD.population_parts)
        IS DISTINCT FROM (NEW.population_uri, NEW.population_sha256, NEW.population_rows, NEW.population_parts) THEN
        RAISE EXCEPTION 'run % has its population: it cannot get another', OLD.id USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.state = 'claimed' AND (OLD.state <> 'claimed' OR NEW.attempt > OLD.attempt) THEN
        NEW.claimed_at := clock_timestamp();
        NEW.ended_at := NULL;
    ELSIF NEW.state IN ('published', 'failed', 'abandoned') AND NEW.state <> OLD.state THEN
        NEW.ended_at := clock_timestamp();
    END IF;
    RETURN NEW;
END
$$
"""

# Whoever stores rows holds a share of the run's row until they are committed: they are counted here, or
# refused later. A transaction that
# goes by an older snapshot would not count them.
GUARD_WHOLE = """
CREATE FUNCTION nightjar.guard_whole() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    told record;
    stored record;
    carried bigint := 0;
    changed text;
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'run % is published in isolation level read committed alone: others do not see all that is stored', NEW.id
            USING ERRCODE = 'restrict_violation';
    END IF;
    SELECT count(*) AS parts, coalesce(sum(rows), 0) AS rows, max(part) + 1 AS numbered INTO told FROM nightjar.receipt WHERE run_id = NEW.id;
    IF (told.parts, told.rows, told.numbered) IS DISTINCT FROM (NEW.population_parts::bigint, NEW.population_rows, NEW.population_parts) THEN
        RAISE EXCEPTION '% of % rows in % of % parts are stored', told.rows, coalesce(NEW.population_rows, 0), told.parts,
            coalesce(NEW.population_parts, 0) USING ERRCODE = 'restrict_violation';
    END IF;
    FOR stored IN
        SELECT part, coalesce(said.scored, 0) AS scored, coalesce(said.quarantined, 0) AS quarantined,
            coalesce(kept.rows, 0) AS kept, coalesce(aside.rows, 0) AS aside, coalesce(kept.carried, 0) AS carried
        FROM (SELECT part, scored, quarantined FROM nightjar.receipt WHERE run_id = NEW.id) AS said
        FULL JOIN (
            SELECT part, count(*) AS rows, count(carried_from) AS carried FROM nightjar.score
            WHERE score_date = NEW.score_date AND run_id = NEW.id GROUP BY part
        ) AS kept USING (part)
        FULL JOIN (SELECT part, count(*) AS rows FROM nightjar.quarantined_row WHERE run_id = NEW.id GROUP BY part) AS aside USING (part)
        ORDER BY part
    LOOP
        IF (stored.scored, stored.quarantined) <> (stored.kept, stored.aside) THEN
            RAISE EXCEPTION 'part %: its receipt says % scored and % set aside, stored are % and %', stored.part, stored.scored,
                stored.quarantined, stored.kept, stored.aside USING ERRCODE = 'restrict_violation';
        END IF;
        carried := carried + stored.carried;
    END LOOP;
    IF carried > 0 THEN
        SELECT entity_key INTO changed FROM (
            SELECT entity_key, score, challenger_score, carried_from FROM nightjar.score
            WHERE score_date = NEW.score_date AND run_id = NEW.id AND carried_from IS NOT NULL
            EXCEPT
            SELECT entity_key, score, challenger_score, coalesce(carried_from, run_id) FROM nightjar.score
            WHERE score_date = NEW.score_date AND run_id = NEW.base_id
        ) AS without_origin LIMIT 1;
        IF FOUND THEN
            RAISE EXCEPTION 'the score of % was not computed by the run that it names', quote_literal(changed)
                USING ERRCODE = 'restrict_violation';
        END IF;
    END IF;
    RETURN NEW;
END
$$
"""

GUARD_SHOWN = """
CREATE FUNCTION nightjar.guard_shown() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM nightjar.publication WHERE run_id = NEW.id AND action = 'publish') THEN
        RAISE EXCEPTION 'run % is published without a row in the ledger', NEW.id USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END
$$
"""

GUARD_PUBLICATION = """
CREATE OR REPLACE FUNCTION nightjar.guard_publication() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    shown record;
    run nightjar.run;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('ledger of ' || NEW.model || ' ' || to_char(NEW.score_date, 'YYYY-MM-DD'), 0));
    SELECT * INTO run FROM nightjar.run WHERE id = NEW.run_id;
    IF run.state IS DISTINCT FROM 'published' THEN
        RAISE EXCEPTION 'run % is not in the state published: analysts cannot be shown it', NEW.run_id USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.action = 'rollback' AND NOT EXISTS (SELECT FROM nightjar.publication WHERE run_id = NEW.run_id) THEN
        RAISE EXCEPTION 'run % was never shown: nobody goes back to it', NEW.run_id USING ERRCODE = 'restrict_violation';
    END IF;
    SELECT id, run_id INTO shown FROM nightjar.publication
    WHERE model = NEW.model AND score_date = NEW.score_date ORDER BY id DESC LIMIT 1;
    IF shown.id > NEW.id THEN
        RAISE EXCEPTION 'publication % of % % came first', shown.id, NEW.model, NEW.score_date USING ERRCODE = 'serialization_failure';
    END IF;
    IF NEW.action = 'publish' AND run.base_id IS NOT NULL AND shown.run_id <> run.base_id THEN
        RAISE EXCEPTION 'run % repairs run %, but analysts see run %', run.id, run.base_id, shown.run_id
            USING ERRCODE = 'restrict_violation';
    END IF;
    NEW.published_at := clock_timestamp();
    RETURN NEW;
END
$$
"""

GUARD_VERSION = """
CREATE FUNCTION nightjar.guard_version() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    due integer := (SELECT coalesce(max(number), 0) + 1 FROM nightjar.model_version WHERE model = NEW.model);
BEGIN
    IF NEW.number <> due THEN
        RAISE EXCEPTION 'the next version of % is %, not %', NEW.model, due, NEW.number USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$
"""

GUARD_RECEIPTS = """
CREATE FUNCTION nightjar.guard_receipts() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    named record;
BEGIN
    FOR named IN SELECT DISTINCT run_id, attempt FROM added LOOP
        PERFORM FROM nightjar.run WHERE id = named.run_id AND attempt = named.attempt AND state = 'claimed' FOR SHARE;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'rows for receipt: no run % is claimed by attempt %', named.run_id, named.attempt
                USING ERRCODE = 'foreign_key_violation';
        END IF;
    END LOOP;
    RETURN NULL;
END
$$
"""

GUARD_MEASURED = """
CREATE FUNCTION nightjar.guard_measured() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM added WHERE measured_at > clock_timestamp() + interval '2 days') THEN
        RAISE EXCEPTION 'no night is measured by outcomes that are not known yet' USING ERRCODE = 'datetime_field_overflow';
    END IF;
    IF EXISTS (SELECT FROM added WHERE NOT EXISTS (SELECT FROM nightjar.publication WHERE publication.run_id = added.run_id)) THEN
        RAISE EXCEPTION 'rows for performance: their run was never published' USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
END
$$
"""

GUARD_OUTCOMES = """
CREATE FUNCTION nightjar.guard_outcomes() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM added WHERE recorded_at > clock_timestamp() + interval '2 days') THEN
        RAISE EXCEPTION 'no outcome is recorded in the future' USING ERRCODE = 'datetime_field_overflow';
    END IF;
    RETURN NULL;
END
$$
"""

ADDED = "REFERENCING NEW TABLE AS added FOR EACH STATEMENT"
ENDS = "FOR EACH ROW WHEN (NEW.state = 'published' AND OLD.state <> 'published')"
TRIGGERS = {
    "guard_new_run": "CREATE TRIGGER guard_new_run BEFORE INSERT ON nightjar.run FOR EACH ROW",
    "guard_whole": f"CREATE TRIGGER guard_whole BEFORE UPDATE ON nightjar.run {ENDS}",
    "guard_shown": f"CREATE CONSTRAINT TRIGGER guard_shown AFTER UPDATE ON nightjar.run DEFERRABLE INITIALLY DEFERRED {ENDS}",
    "guard_version": "CREATE TRIGGER guard_version BEFORE INSERT ON nightjar.model_version FOR EACH ROW",
    "guard_receipts": f"CREATE TRIGGER guard_receipts AFTER INSERT ON nightjar.receipt {ADDED}",
    "guard_measured": f"CREATE TRIGGER guard_measured AFTER INSERT ON nightjar.performance {ADDED}",
    "guard_outcomes": f"CREATE TRIGGER guard_outcomes AFTER INSERT ON nightjar.outcome {ADDED}",
}
"""Function -> the trigger that calls it."""

GUARD_RUN_BEFORE = f"""
CREATE OR REPLACE FUNCTION nightjar.guard_run() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF OLD.state IN ('published', 'pruned') THEN
        RAISE EXCEPTION 'run % is %: it cannot change any more', OLD.id, OLD.state USING ERRCODE = 'restrict_violation';
    END IF;
    IF OLD.state = 'abandoned' AND NEW.state <> 'pruned' OR NEW.state = 'pruned' AND current_user = '{WRITER}' THEN
        RAISE EXCEPTION 'run % is %: % may not make it %', OLD.id, OLD.state, current_user, NEW.state USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.attempt < OLD.attempt THEN
        RAISE EXCEPTION 'run % has seen attempt %: it cannot go back to %', OLD.id, OLD.attempt, NEW.attempt USING ERRCODE = 'restrict_violation';
    END IF;
    IF OLD.population_sha256 IS NOT NULL AND (OLD.population_uri, OLD.population_sha256, OLD.population_rows, OLD.population_parts)
        IS DISTINCT FROM (NEW.population_uri, NEW.population_sha256, NEW.population_rows, NEW.population_parts) THEN
        RAISE EXCEPTION 'run % has its population: it cannot get another', OLD.id USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$
"""

GUARD_PUBLICATION_BEFORE = """
CREATE OR REPLACE FUNCTION nightjar.guard_publication() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM nightjar.run WHERE id = NEW.run_id AND state = 'published') THEN
        RAISE EXCEPTION 'run % is not in the state published: analysts cannot be shown it', NEW.run_id USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$
"""

FUNCTIONS = (
    GUARD_NEW_RUN,
    GUARD_RUN,
    GUARD_WHOLE,
    GUARD_SHOWN,
    GUARD_PUBLICATION,
    GUARD_VERSION,
    GUARD_RECEIPTS,
    GUARD_MEASURED,
    GUARD_OUTCOMES,
)


def upgrade() -> None:
    for function in FUNCTIONS:
        op.execute(function)
    op.execute("DROP TRIGGER guard_rows ON nightjar.receipt")
    for function, trigger in TRIGGERS.items():
        op.execute(f"{trigger} EXECUTE FUNCTION nightjar.{function}()")
        op.execute(f"REVOKE ALL ON FUNCTION nightjar.{function}() FROM PUBLIC")
    for (table, name), condition in CHECKS.items():
        op.create_check_constraint(
            op.f(f"{table}_{name}"), table, condition, schema="nightjar", postgresql_not_valid=True
        )
    op.execute(VALIDATE)
    _add_measurements()
    _grant()


def downgrade() -> None:
    _regrant()
    _replace_measurements()
    for table, name in CHECKS:
        op.drop_constraint(op.f(f"{table}_{name}"), table, schema="nightjar", type_="check")
    for function, trigger in TRIGGERS.items():
        op.execute(f"DROP TRIGGER {function} ON {trigger.partition(' ON ')[2].split()[0]}")
        op.execute(f"DROP FUNCTION nightjar.{function}()")
    op.execute(
        f"CREATE TRIGGER guard_rows AFTER INSERT ON nightjar.receipt {ADDED} EXECUTE FUNCTION "
        "nightjar.guard_rows()"
    )
    op.execute(GUARD_RUN_BEFORE)
    op.execute(GUARD_PUBLICATION_BEFORE)


DRIFT, DRIFT_BEFORE = (
    (
        "Each column of a night against the training sample. Append-only: the newest rows of a run and method "
        "count."
    ),
    "Each column of a night against the training sample, by one or more methods.",
)
MEASURED, MEASURED_BEFORE = (
    "How a published run did once outcomes were known. Append-only: the newest measurement of a run counts.",
    "How a published run did once outcomes were known; the newest measurement of each.",
)
REPORTS, REPORTS_BEFORE = "Where the reports of a run lie. Append-only.", "Where the reports of a run lie."
AT, AT_BEFORE = "When it was measured; the same for all rows of a measurement", "When it was measured"


def _add_measurements() -> None:
    """Rows of one measurement of drift carry one instant from now on; those of before get their latest."""
    op.execute("""
        UPDATE nightjar.drift SET measured_at = newest.at
        FROM (SELECT run_id, method, max(measured_at) AS at FROM nightjar.drift GROUP BY run_id, method) AS newest
        WHERE newest.run_id = drift.run_id AND newest.method = drift.method AND newest.at <> drift.measured_at
    """)
    _key("drift", "run_id", "method", "measured_at", "column_name")
    op.execute("ALTER TABLE nightjar.drift ALTER measured_at SET DEFAULT statement_timestamp()")
    id_ = sa.Column(
        "id", sa.Integer(), sa.Identity(always=True), nullable=False, comment="Order of measuring"
    )
    stored = sa.Column(
        "recorded_at",
        sa.DateTime(timezone=True),
        server_default=sa.text("clock_timestamp()"),
        nullable=False,
        comment="When the measurement was stored",
    )
    op.add_column("performance", id_, schema="nightjar")
    op.add_column("performance", stored, schema="nightjar")
    op.execute("ALTER TABLE nightjar.performance ALTER recorded_at SET STATISTICS 0")
    _key("performance", "id")
    newest_first = ["run_id", sa.literal_column("measured_at DESC"), sa.literal_column("id DESC")]
    op.create_index(op.f("performance_run_id_idx"), "performance", newest_first, schema="nightjar")
    _say(DRIFT, MEASURED, REPORTS, AT)


def _replace_measurements() -> None:
    """The newest alone is kept: there is no place for others."""
    _say(DRIFT_BEFORE, MEASURED_BEFORE, REPORTS_BEFORE, AT_BEFORE)
    op.drop_index(op.f("performance_run_id_idx"), "performance", schema="nightjar")
    op.execute("""
        DELETE FROM nightjar.performance AS older USING nightjar.performance AS newer
        WHERE newer.run_id = older.run_id AND (newer.measured_at, newer.id) > (older.measured_at, older.id)
    """)
    op.execute("""
        DELETE FROM nightjar.drift AS older USING nightjar.drift AS newer
        WHERE newer.run_id = older.run_id AND newer.method = older.method AND newer.measured_at > older.measured_at
    """)
    _key("performance", "run_id")
    op.drop_column("performance", "recorded_at", schema="nightjar")
    op.drop_column("performance", "id", schema="nightjar")
    op.execute("ALTER TABLE nightjar.drift ALTER measured_at SET DEFAULT clock_timestamp()")
    _key("drift", "run_id", "method", "column_name")


def _key(table: str, *columns: str) -> None:
    op.drop_constraint(op.f(f"{table}_pk"), table, schema="nightjar", type_="primary")
    op.create_primary_key(op.f(f"{table}_pk"), table, list(columns), schema="nightjar")


def _say(drift: str, measured: str, reports: str, at: str) -> None:
    for what, comment in {
        "TABLE nightjar.drift": drift,
        "TABLE nightjar.performance": measured,
        "TABLE nightjar.report": reports,
        "COLUMN nightjar.drift.measured_at": at,
    }.items():
        op.execute(f"COMMENT ON {what} IS '{comment}'")


def _grant() -> None:
    op.execute(f"REVOKE UPDATE ON nightjar.performance FROM {WRITER}")
    op.execute(f"REVOKE DELETE ON nightjar.drift FROM {WRITER}")
    op.execute(f"REVOKE UPDATE (claimed_at, ended_at) ON nightjar.run FROM {WRITER}")
    for table, columns in ADDS.items():
        op.execute(f"REVOKE INSERT ON nightjar.{table} FROM {WRITER}")
        op.execute(f"GRANT INSERT ({columns}) ON nightjar.{table} TO {WRITER}")


def _regrant() -> None:
    for table, columns in ADDS.items():
        op.execute(f"REVOKE INSERT ({columns}) ON nightjar.{table} FROM {WRITER}")
        op.execute(f"GRANT INSERT ON nightjar.{table} TO {WRITER}")
    op.execute(f"GRANT UPDATE (claimed_at, ended_at) ON nightjar.run TO {WRITER}")
    op.execute(f"GRANT DELETE ON nightjar.drift TO {WRITER}")
    op.execute(f"GRANT UPDATE ON nightjar.performance TO {WRITER}")
