"""What the writer may set, column by column; what a run may become; rows only for a run that is claimed. And
runs whose rows are pruned.

The check of a score's run moves from a foreign key, which Postgres asks about each row, to a trigger that
asks once a statement.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

WRITER = "nightjar_writer"

ADDS = {
    "dataset": "model, sha256, uri, rows, first_date, last_date, known_at",
    "model_version": "model, number, algorithm, dataset_id, artifact_uri, artifact_sha256, reference_uri, params, metrics, gates, code_version, "
    "trained_through",
    "promotion": "model, version_id, role, reason",
    "run": "model, score_date, revision, as_of, known_at, base_id, version_id, challenger_id, flow_run",
    "receipt": "run_id, part, rows, scored, quarantined, attempt",
    "publication": "model, score_date, run_id, action, reason, flow_run",
    "drift": "run_id, method, column_name, value, threshold, drifted, null_share, reference_null_share, note",
    "report": "run_id, kind, uri",
}
"""Not in it: identities, the user that acts, the instant it happens at. Those the database alone knows."""

CHANGES_OF_RUN = (
    "attempt, state, population_uri, population_sha256, population_rows, population_parts, flow_run, error, "
    "claimed_at, ended_at"
)

BEFORE = "claimed, published, failed (resumable) or abandoned (replaced before it was published)"
AFTER = (
    "claimed, published, failed (resumable), abandoned (replaced before it was published) or pruned (never "
    "published, and its rows are gone)"
)
STATES = "'claimed', 'published', 'failed', 'abandoned'"

GUARD_RUN = f"""
CREATE FUNCTION nightjar.guard_run() RETURNS trigger
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

GUARD_PUBLICATION = """
CREATE FUNCTION nightjar.guard_publication() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM nightjar.run WHERE id = NEW.run_id AND state = 'published') THEN
        RAISE EXCEPTION 'run % is not in the state published: analysts cannot be shown it', NEW.run_id USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END
$$
"""


def guard_rows(function: str, named: str, columns: str, meets: str) -> str:
    """A trigger function for the rows of one statement.

    The share lock keeps the run from being published until they are committed.
    """
    found = f"SELECT DISTINCT {columns} FROM added"  # noqa: S608  # every word of it stands below
    values = ", ".join(f"named.{column}" for column in columns.split(", "))
    return f"""
CREATE FUNCTION nightjar.{function}() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    named record;
BEGIN
    FOR named IN {found} LOOP
        PERFORM FROM nightjar.run WHERE {meets} AND state = 'claimed' FOR SHARE;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'rows for %: {named}', TG_TABLE_NAME, {values} USING ERRCODE = 'foreign_key_violation';
        END IF;
    END LOOP;
    RETURN NULL;
END
$$
"""


GUARD_NIGHT = guard_rows(
    "guard_night",
    "no run % of % is claimed",
    "run_id, score_date",
    "id = named.run_id AND score_date = named.score_date",
)
GUARD_ROWS = guard_rows("guard_rows", "no run % is claimed", "run_id", "id = named.run_id")
GUARDED_BY = {"score": "guard_night", "receipt": "guard_rows", "quarantined_row": "guard_rows"}
GUARDS = ("guard_run", "guard_publication", "guard_night", "guard_rows")


def upgrade() -> None:
    op.drop_constraint(op.f("score_run_id_fk"), "score", schema="nightjar", type_="foreignkey")
    for function in (GUARD_RUN, GUARD_PUBLICATION, GUARD_NIGHT, GUARD_ROWS):
        op.execute(function)
    op.execute(
        "CREATE TRIGGER guard_run BEFORE UPDATE ON nightjar.run FOR EACH ROW EXECUTE FUNCTION "
        "nightjar.guard_run()"
    )
    op.execute(
        "CREATE TRIGGER guard_publication BEFORE INSERT ON nightjar.publication FOR EACH ROW EXECUTE "
        "FUNCTION nightjar.guard_publication()"
    )
    for table, function in GUARDED_BY.items():
        op.execute(
            f"CREATE TRIGGER {function} AFTER INSERT ON nightjar.{table} REFERENCING NEW TABLE AS added "
            f"FOR EACH STATEMENT EXECUTE FUNCTION nightjar.{function}()"
        )
    for function in GUARDS:
        op.execute(f"REVOKE ALL ON FUNCTION nightjar.{function}() FROM PUBLIC")
    for table, columns in ADDS.items():
        op.execute(f"REVOKE INSERT, UPDATE ON nightjar.{table} FROM {WRITER}")
        op.execute(f"GRANT INSERT ({columns}) ON nightjar.{table} TO {WRITER}")
    op.execute(f"GRANT UPDATE ({CHANGES_OF_RUN}) ON nightjar.run TO {WRITER}")
    _let_states_be(f"{STATES}, 'pruned'")
    _say_states_are(AFTER, BEFORE)


def downgrade() -> None:
    _say_states_are(BEFORE, AFTER)
    for table, function in {**GUARDED_BY, "run": "guard_run", "publication": "guard_publication"}.items():
        op.execute(f"DROP TRIGGER {function} ON nightjar.{table}")
    for function in GUARDS:
        op.execute(f"DROP FUNCTION nightjar.{function}()")
    op.execute("UPDATE nightjar.run SET state = 'abandoned' WHERE state = 'pruned'")
    _let_states_be(STATES)
    for table in ADDS:
        op.execute(f"REVOKE INSERT, UPDATE ON nightjar.{table} FROM {WRITER}")
        op.execute(f"GRANT INSERT ON nightjar.{table} TO {WRITER}")
    op.execute(f"GRANT UPDATE ON nightjar.run TO {WRITER}")
    op.create_foreign_key(
        op.f("score_run_id_fk"),
        "score",
        "run",
        ["run_id"],
        ["id"],
        source_schema="nightjar",
        referent_schema="nightjar",
    )


def _let_states_be(states: str) -> None:
    op.drop_constraint(op.f("run_state_known"), "run", schema="nightjar", type_="check")
    op.create_check_constraint(op.f("run_state_known"), "run", f"state IN ({states})", schema="nightjar")


def _say_states_are(comment: str, before: str) -> None:
    op.alter_column(
        "run",
        "state",
        existing_type=sa.Text(),
        existing_nullable=False,
        comment=comment,
        existing_comment=before,
        schema="nightjar",
    )
