"""Months of scores, made when a night first needs them; what the writer may do; the schema of Feast's
registry.
"""

from alembic import op

revision = "0002"
down_revision = "0001"

WRITER = "nightjar_writer"
ADDS_TO = (
    "dataset",
    "model_version",
    "promotion",
    "receipt",
    "score",
    "quarantined_row",
    "publication",
    "outcome",
    "report",
)

# A month is attached, not created in place: that lets analysts go on reading the others meanwhile.
ENSURE_SCORE_PARTITION = """
CREATE FUNCTION nightjar.ensure_score_partition(day date) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    month date := date_trunc('month', day);
    name text := 'score_' || to_char(month, 'YYYY_MM');
BEGIN
    IF NOT EXISTS (SELECT FROM pg_class WHERE relname = name AND relnamespace = 'nightjar'::regnamespace) THEN
        PERFORM pg_advisory_xact_lock(hashtextextended('nightjar.' || name, 0));
        -- pg_class is read again, not to_regclass(): its cache does not notice what was committed while we waited
        IF NOT EXISTS (SELECT FROM pg_class WHERE relname = name AND relnamespace = 'nightjar'::regnamespace) THEN
            EXECUTE format('CREATE TABLE nightjar.%I (LIKE nightjar.score INCLUDING ALL)', name);
            EXECUTE format(
                'ALTER TABLE nightjar.score ATTACH PARTITION nightjar.%I FOR VALUES FROM (%L) TO (%L)',
                name, month, (month + interval '1 month')::date
            );
        END IF;
    END IF;
    RETURN name;
END
$$
"""


def upgrade() -> None:
    op.execute(ENSURE_SCORE_PARTITION)
    op.execute(
        "COMMENT ON FUNCTION nightjar.ensure_score_partition(date) IS 'Make sure that scores of this month "
        "can be stored'"
    )
    op.execute("REVOKE ALL ON FUNCTION nightjar.ensure_score_partition(date) FROM PUBLIC")
    op.execute(f"GRANT EXECUTE ON FUNCTION nightjar.ensure_score_partition(date) TO {WRITER}")
    op.execute(f"GRANT USAGE ON SCHEMA nightjar TO {WRITER}")
    op.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA nightjar TO {WRITER}")
    for table in ADDS_TO:
        op.execute(f"GRANT INSERT ON nightjar.{table} TO {WRITER}")
    op.execute(f"GRANT INSERT, UPDATE ON nightjar.run, nightjar.performance TO {WRITER}")
    op.execute(f"GRANT INSERT, DELETE ON nightjar.drift TO {WRITER}")
    op.execute(
        "COMMENT ON SCHEMA nightjar IS 'Runs, scores and ledgers of the scoring platform; analysts read the "
        "schema analytics'"
    )
    op.execute("CREATE SCHEMA IF NOT EXISTS feast")
    op.execute("COMMENT ON SCHEMA feast IS 'Registry of Feast: written by feast apply, read by flows'")
    op.execute(f"GRANT USAGE ON SCHEMA feast TO {WRITER}")
    op.execute(f"ALTER DEFAULT PRIVILEGES IN SCHEMA feast GRANT SELECT ON TABLES TO {WRITER}")


def downgrade() -> None:
    op.execute("ALTER DEFAULT PRIVILEGES IN SCHEMA feast REVOKE SELECT ON TABLES FROM nightjar_writer")
    op.execute("DROP SCHEMA feast CASCADE")
    op.execute(f"REVOKE ALL ON ALL TABLES IN SCHEMA nightjar FROM {WRITER}")
    op.execute(f"REVOKE ALL ON SCHEMA nightjar FROM {WRITER}")
    op.execute("DROP FUNCTION nightjar.ensure_score_partition(date)")
