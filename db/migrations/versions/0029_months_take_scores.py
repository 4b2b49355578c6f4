"""Scores are copied into their month itself, which has a guard and rights of its own.

Of a COPY into a partitioned table whose trigger sees the rows, Postgres stores and logs each row by itself.
Of a COPY into a partition it stores and logs a page at a time.
"""

from alembic import op

revision = "0029"
down_revision = "0026"

HEAD = """
CREATE OR REPLACE FUNCTION nightjar.ensure_score_partition(day date) RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET DateStyle = 'ISO, YMD' AS $$
DECLARE
    today date := (clock_timestamp() AT TIME ZONE 'UTC')::date;
    month date;
    name text;
{declared}BEGIN
    IF day IS NULL OR day < '1900-01-01' OR day > least('2199-12-31', today + 366) THEN
        RAISE EXCEPTION 'no night of % is stored: it is not between 1900-01-01 and a year from now', coalesce(day::text, 'no date')
            USING ERRCODE = 'datetime_field_overflow';
    END IF;
    month := date_trunc('month', day::timestamp);
    name := 'score_' || to_char(month, 'YYYY_MM');
"""
CREATED = """
{indent}EXECUTE format('CREATE TABLE nightjar.%I (LIKE nightjar.score INCLUDING ALL)', name);
{indent}EXECUTE format('ALTER TABLE nightjar.%I {untold}', name);
{indent}EXECUTE format(
{indent}    'ALTER TABLE nightjar.score ATTACH PARTITION nightjar.%I FOR VALUES FROM (%L) TO (%L)',
{indent}    name, month, (month + interval '1 month')::date
{indent});
"""
UNTOLD = ", ".join(
    f'ALTER "{column}" SET STATISTICS 0'
    for column in (
        "entity_key",
        "score",
        "outputs",
        "challenger_outputs",
        "arm",
        "challenger_score",
        "carried_from",
    )
)
THERE = """EXISTS (SELECT FROM pg_class WHERE relname = name AND relnamespace = 'nightjar'::regnamespace)"""
GUARDED = """EXISTS (
        SELECT FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid
        WHERE relname = name AND relnamespace = 'nightjar'::regnamespace AND tgname = 'guard_night'
    )"""
# The columns that the writer may set in `score`, and not in the month.
CLOSED = """SELECT string_agg(quote_ident(of_score.attname), ', ') INTO closed
    FROM pg_attribute AS of_score
    LEFT JOIN (
        SELECT attname FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
        WHERE relname = name AND relnamespace = 'nightjar'::regnamespace AND attnum > 0
          AND has_column_privilege('nightjar_writer', attrelid, attnum, 'INSERT')
    ) AS of_month USING (attname)
    WHERE of_score.attrelid = 'nightjar.score'::regclass AND of_score.attnum > 0 AND NOT of_score.attisdropped
      AND has_column_privilege('nightjar_writer', of_score.attrelid, of_score.attnum, 'INSERT')
      AND of_month.attname IS NULL;"""

ENSURE = (
    HEAD.format(declared="    closed text;\n")
    + f"""
    {CLOSED}
    IF closed IS NULL AND {GUARDED} THEN
        RETURN name;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended('nightjar.' || name, 0));
    -- The catalog is read again, not to_regclass(): its cache does not notice what was committed while we waited
    IF NOT {THERE} THEN
        {CREATED.format(indent=" " * 8, untold=UNTOLD).strip()}
    END IF;
    -- The guard comes before the right to add rows.
    IF NOT {GUARDED} THEN
        EXECUTE format(
            'CREATE TRIGGER guard_night AFTER INSERT ON nightjar.%I REFERENCING NEW TABLE AS added '
            'FOR EACH STATEMENT EXECUTE FUNCTION nightjar.guard_night()', name
        );
    END IF;
    {CLOSED}
    IF closed IS NOT NULL THEN
        EXECUTE format('GRANT INSERT (%s) ON nightjar.%I TO nightjar_writer', closed, name);
    END IF;
    RETURN name;
END
$$
"""
)
ENSURE_BEFORE = (
    HEAD.format(declared="")
    + f"""    IF NOT {THERE} THEN
        PERFORM pg_advisory_xact_lock(hashtextextended('nightjar.' || name, 0));
        -- pg_class is read again, not to_regclass(): its cache does not notice what was committed while we waited
        IF NOT {THERE} THEN
            {CREATED.format(indent=" " * 12, untold=UNTOLD).strip()}
        END IF;
    END IF;
    RETURN name;
END
$$
"""
)
MONTHS = """
    SELECT relname, to_date(relname, '"score_"YYYY_MM') AS first FROM pg_inherits JOIN pg_class ON oid = inhrelid
    WHERE inhparent = 'nightjar.score'::regclass
"""
OPEN_ALL = f"SELECT nightjar.ensure_score_partition(first) FROM ({MONTHS}) AS month"  # noqa: S608  # constants
CLOSE_ALL = f"""
DO $$
DECLARE
    month record;
BEGIN
    FOR month IN {MONTHS} LOOP
        EXECUTE format('DROP TRIGGER guard_night ON nightjar.%I', month.relname);
        EXECUTE format('REVOKE ALL ON nightjar.%I FROM nightjar_writer', month.relname);
    END LOOP;
END
$$
"""


def upgrade() -> None:
    op.execute(ENSURE)
    op.execute(OPEN_ALL)


def downgrade() -> None:
    op.execute(CLOSE_ALL)
    op.execute(ENSURE_BEFORE)
