"""Nothing is told of rows that no view shows: no statistics of their values. And months of scores only where
nights can be.

Statistics hold values of all rows, and the planner's estimates, which EXPLAIN shows to everybody, come from
them.
"""

from alembic import op

revision = "0006"
down_revision = "0005"

UNTOLD = {
    "score": ("entity_key", "score", "challenger_score", "carried_from"),
    "receipt": ("stored_at",),
    "quarantined_row": ("entity_key", "reasons", "row"),
    "outcome": ("entity_key", "recorded_at", "outcome"),
    "drift": (
        "method",
        "column_name",
        "value",
        "threshold",
        "drifted",
        "null_share",
        "reference_null_share",
        "note",
        "measured_at",
    ),
    "performance": (
        "rows",
        "with_outcome",
        "base_rate",
        "mean_score",
        "auc",
        "pr_auc",
        "brier",
        "ece",
        "measured_at",
    ),
    "input_profile": (
        "column_name",
        "rows",
        "nulls",
        "distinct",
        "entities",
        "mean",
        "stddev",
        "quantiles",
        "categories",
    ),
    "report": ("kind", "uri", "created_at"),
}

# Servers before 18 cannot forget: what was gathered before the migration stays there until its month of
# scores is dropped.
FORGET = """
DO $$
DECLARE
    told record;
BEGIN
    IF current_setting('server_version_num')::integer >= 180000 THEN
        FOR told IN
            SELECT relname, attname FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
            WHERE relnamespace = 'nightjar'::regnamespace AND relkind IN ('r', 'p') AND attnum > 0 AND attstattarget = 0
        LOOP
            PERFORM pg_clear_attribute_stats('nightjar', told.relname, told.attname, false);
            PERFORM pg_clear_attribute_stats('nightjar', told.relname, told.attname, true);
        END LOOP;
    END IF;
END
$$
"""

# A month is attached, not created in place: that lets analysts go on reading the others meanwhile.
ENSURE_SCORE_PARTITION = """
CREATE OR REPLACE FUNCTION nightjar.ensure_score_partition(day date) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET DateStyle = 'ISO, YMD' AS $$
DECLARE
    today date := (clock_timestamp() AT TIME ZONE 'UTC')::date;
    month date;
    name text;
BEGIN
    IF day IS NULL OR day < '1900-01-01' OR day > least('2199-12-31', today + 366) THEN
        RAISE EXCEPTION 'no night of % is stored: it is not between 1900-01-01 and a year from now', coalesce(day::text, 'no date')
            USING ERRCODE = 'datetime_field_overflow';
    END IF;
    month := date_trunc('month', day::timestamp);
    name := 'score_' || to_char(month, 'YYYY_MM');
    IF NOT EXISTS (SELECT FROM pg_class WHERE relname = name AND relnamespace = 'nightjar'::regnamespace) THEN
        PERFORM pg_advisory_xact_lock(hashtextextended('nightjar.' || name, 0));
        -- pg_class is read again, not to_regclass(): its cache does not notice what was committed while we waited
        IF NOT EXISTS (SELECT FROM pg_class WHERE relname = name AND relnamespace = 'nightjar'::regnamespace) THEN
            EXECUTE format('CREATE TABLE nightjar.%I (LIKE nightjar.score INCLUDING ALL)', name);
            EXECUTE format('ALTER TABLE nightjar.%I {untold}', name);
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

ENSURE_BEFORE = """
CREATE OR REPLACE FUNCTION nightjar.ensure_score_partition(day date) RETURNS text
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
    for table in UNTOLD:
        op.execute(f"ALTER TABLE nightjar.{table} {_statistics(table, 0)}")
    op.execute(FORGET)
    op.execute(ENSURE_SCORE_PARTITION.replace("{untold}", _statistics("score", 0)))


def downgrade() -> None:
    op.execute(ENSURE_BEFORE)
    for table in UNTOLD:
        op.execute(f"ALTER TABLE nightjar.{table} {_statistics(table, -1)}")


def _statistics(table: str, target: int) -> str:
    return ", ".join(f'ALTER "{column}" SET STATISTICS {target}' for column in UNTOLD[table])
