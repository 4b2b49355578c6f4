"""What a score and an outcome may be is a property of the version: bounds stand in its columns.

Measurements become rows of (metric, value): a kind of model with other metrics needs no column.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"

WRITER = "nightjar_writer"
OF_OUR_TIME = "BETWEEN '1890-01-01' AND '2210-01-01'"
ADDED = "REFERENCING NEW TABLE AS added FOR EACH STATEMENT"
BOUNDS = "kind, score_low, score_high, outcomes"
NEWEST = "Append-only: the newest measurement of a run counts."
METRICS = ("base_rate", "mean_score", "auc", "pr_auc", "brier", "ece")

# One look at the rows of a statement gives their extremes. NaN is greater than every number.
GUARD_NIGHT = """
CREATE OR REPLACE FUNCTION nightjar.guard_night() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    named record;
    outside record;
BEGIN
    FOR named IN
        SELECT run_id, score_date, min(score) AS least, max(score) AS greatest,
            min(challenger_score) AS challenger_least, max(challenger_score) AS challenger_greatest
        FROM added GROUP BY run_id, score_date
    LOOP
        PERFORM FROM nightjar.run
        WHERE id = named.run_id AND score_date = named.score_date AND state = 'claimed' FOR SHARE;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'rows for %: no run % of % is claimed', TG_TABLE_NAME, named.run_id,
                named.score_date USING ERRCODE = 'foreign_key_violation';
        END IF;
        SELECT given.name, given.score, version.number, version.score_low, version.score_high INTO outside
        FROM nightjar.run
        CROSS JOIN LATERAL (VALUES
            ('score', run.version_id, named.least),
            ('score', run.version_id, named.greatest),
            ('challenger_score', coalesce(run.challenger_id, run.version_id), named.challenger_least),
            ('challenger_score', coalesce(run.challenger_id, run.version_id), named.challenger_greatest)
        ) AS given (name, version_id, score)
        JOIN nightjar.model_version AS version ON version.id = given.version_id
        WHERE run.id = named.run_id AND (
            given.score NOT BETWEEN version.score_low AND version.score_high
            OR given.score IN ('NaN', 'Infinity', '-Infinity')
        ) LIMIT 1;
        IF FOUND THEN
            RAISE EXCEPTION 'run % has a % of %; version % gives finite scores from % to %', named.run_id,
                outside.name, outside.score, outside.number, outside.score_low, outside.score_high
                USING ERRCODE = 'check_violation';
        END IF;
    END LOOP;
    RETURN NULL;
END
$$
"""

GUARD_NIGHT_BEFORE = """
CREATE OR REPLACE FUNCTION nightjar.guard_night() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    named record;
BEGIN
    FOR named IN SELECT DISTINCT run_id, score_date FROM added LOOP
        PERFORM FROM nightjar.run
        WHERE id = named.run_id AND score_date = named.score_date AND state = 'claimed' FOR SHARE;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'rows for %: no run % of % is claimed', TG_TABLE_NAME, named.run_id,
                named.score_date USING ERRCODE = 'foreign_key_violation';
        END IF;
    END LOOP;
    RETURN NULL;
END
$$
"""

GUARD_OUTCOMES = """
CREATE OR REPLACE FUNCTION nightjar.guard_outcomes() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    wrong record;
BEGIN
    IF EXISTS (SELECT FROM added WHERE recorded_at > clock_timestamp() + interval '2 days') THEN
        RAISE EXCEPTION 'no outcome is recorded in the future' USING ERRCODE = 'datetime_field_overflow';
    END IF;
    SELECT added.outcome, added.entity_key, added.model, version.number, version.kind INTO wrong
    FROM added LEFT JOIN (
        SELECT DISTINCT ON (model) model, number, kind, score_low, score_high, outcomes
        FROM nightjar.model_version WHERE model IN (SELECT model FROM added) ORDER BY model, number DESC
    ) AS version ON version.model = added.model
    WHERE added.outcome IN ('NaN', 'Infinity', '-Infinity')
        OR NOT coalesce(
            added.outcome = ANY (version.outcomes),
            added.outcome BETWEEN version.score_low AND version.score_high
        )
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'the outcome of % is %, which no outcome of the kind % can be',
            quote_literal(wrong.entity_key), wrong.outcome, coalesce(wrong.kind, 'that is unknown') USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END
$$
"""

GUARD_OUTCOMES_BEFORE = """
CREATE OR REPLACE FUNCTION nightjar.guard_outcomes() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM added WHERE recorded_at > clock_timestamp() + interval '2 days') THEN
        RAISE EXCEPTION 'no outcome is recorded in the future' USING ERRCODE = 'datetime_field_overflow';
    END IF;
    RETURN NULL;
END
$$
"""


def guard_measured(table: str) -> str:
    return f"""
CREATE OR REPLACE FUNCTION nightjar.guard_measured() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM added WHERE measured_at > clock_timestamp() + interval '2 days') THEN
        RAISE EXCEPTION 'no night is measured by outcomes that are not known yet'
            USING ERRCODE = 'datetime_field_overflow';
    END IF;
    IF EXISTS (
        SELECT FROM added
        WHERE NOT EXISTS (SELECT FROM nightjar.publication WHERE publication.run_id = added.run_id)
    ) THEN
        RAISE EXCEPTION 'rows for {table}: their run was never published'
            USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
END
$$
"""  # noqa: S608  # one of two tables


# Two measurements that were stored in one microsecond are kept apart by their order.
CARRY_OVER = f"""
INSERT INTO nightjar.measurement (run_id, measured_at, recorded_at, metric, value, rows, with_outcome)
SELECT run_id, measured_at, recorded_at + later * interval '1 microsecond', metric, value, rows, with_outcome
FROM (
    SELECT *, row_number() OVER (PARTITION BY run_id, measured_at, recorded_at ORDER BY id) - 1 AS later
    FROM nightjar.performance
) AS performance
CROSS JOIN LATERAL (VALUES {", ".join(f"('{metric}', {metric})" for metric in METRICS)})
    AS measured (metric, value)
"""  # noqa: S608  # words of this module

# Rows that were stored before anybody asked this stay as they are, and the constraint stays unvalidated.
BOUND_INSTANTS = f"""
DO $$
BEGIN
    ALTER TABLE nightjar.measurement
        ADD CONSTRAINT measurement_measured_at_of_our_time CHECK (measured_at {OF_OUR_TIME}) NOT VALID;
    BEGIN
        ALTER TABLE nightjar.measurement VALIDATE CONSTRAINT measurement_measured_at_of_our_time;
    EXCEPTION WHEN check_violation THEN
        RAISE WARNING 'measurement holds rows from before that break measurement_measured_at_of_our_time';
    END;
END
$$
"""

VALUES = ", ".join(f"max(value) FILTER (WHERE metric = '{metric}')" for metric in METRICS)
CARRY_BACK = f"""
INSERT INTO nightjar.performance (run_id, rows, with_outcome, {", ".join(METRICS)}, measured_at, recorded_at)
SELECT run_id, rows, with_outcome, {VALUES}, measured_at, recorded_at
FROM nightjar.measurement GROUP BY run_id, rows, with_outcome, measured_at, recorded_at ORDER BY recorded_at
"""  # noqa: S608  # words of this module

METRICS_BACK = """
UPDATE nightjar.model_version SET metrics = coalesce((
    SELECT jsonb_object_agg(CASE measured.of
        WHEN 'version' THEN measured.metric
        WHEN 'version beside champion' THEN measured.metric || '_beside_champion'
        ELSE measured.of || '_' || measured.metric
    END, measured.value)
    FROM jsonb_to_recordset(metrics) AS measured (metric text, of text, value double precision)
), '{}') WHERE jsonb_typeof(metrics) = 'array'
"""

REFUSE_OTHER_KINDS = """
DO $$
BEGIN
    IF EXISTS (
        SELECT FROM nightjar.model_version WHERE (kind, score_low, score_high) <> ('binary', 0, 1)
    ) THEN
        RAISE EXCEPTION 'there are models of other kinds than binary: an older schema has no place for them';
    END IF;
END
$$
"""

COMMENTS = {
    "model_version.metrics": (
        "Measurements on unseen dates: array of {metric, of, value}; one that is not defined is absent",
        "Measurements on unseen dates; one that is not defined is absent",
    ),
    "score.score": (
        "Given by the champion, within the bounds of its version",
        "Probability given by the champion",
    ),
    "score.challenger_score": (
        "Given by the challenger, in shadow, within the bounds of its version",
        "Probability given by the challenger, in shadow",
    ),
    "outcome.outcome": (
        "What happened, as the model''s kind has it: of a binary model 1 if the event happened, else 0",
        "1 if the event happened, else 0",
    ),
}
"""Column -> what is said of it after and before."""

CHECKS = {
    ("score", "is_probability"): "score BETWEEN 0 AND 1",
    ("score", "challenger_is_probability"): "challenger_score BETWEEN 0 AND 1",
    ("outcome", "is_binary"): "outcome IN (0, 1)",
}
"""What the triggers ask about from now on, by the bounds of the version."""


def upgrade() -> None:
    _add_bounds()
    for table, name in CHECKS:
        op.drop_constraint(op.f(f"{table}_{name}"), table, schema="nightjar", type_="check")
    op.execute("ALTER TABLE nightjar.outcome ALTER outcome TYPE double precision")
    for function in (GUARD_NIGHT, GUARD_OUTCOMES, guard_measured("measurement")):
        op.execute(function)
    _create_measurement()
    op.execute(CARRY_OVER)
    op.execute(BOUND_INSTANTS)
    op.drop_table("performance", schema="nightjar")
    _guard("measurement", "run_id, metric, value, rows, with_outcome, measured_at")
    _say(0)


def downgrade() -> None:
    op.execute(REFUSE_OTHER_KINDS)
    _say(1)
    _create_performance()
    op.execute(CARRY_BACK)
    op.drop_table("measurement", schema="nightjar")
    for function in (GUARD_NIGHT_BEFORE, GUARD_OUTCOMES_BEFORE, guard_measured("performance")):
        op.execute(function)
    _guard("performance", f"run_id, rows, with_outcome, {', '.join(METRICS)}, measured_at")
    op.execute("ALTER TABLE nightjar.outcome ALTER outcome TYPE smallint")
    for (table, name), condition in CHECKS.items():
        op.create_check_constraint(op.f(f"{table}_{name}"), table, condition, schema="nightjar")
    op.execute(METRICS_BACK)
    for column in BOUNDS.split(", "):
        op.drop_column("model_version", column, schema="nightjar")


def _add_bounds() -> None:
    """Every version of before is binary. Later ones must say what they are, so no default stays."""
    for name, kind, default, comment in (
        (
            "kind",
            sa.Text(),
            "'binary'",
            "What its scores and outcomes mean; nightjar/core/kinds has one file a kind",
        ),
        ("score_low", sa.Double(), "0", "Least score that it may give; -Infinity where there is no bound"),
        ("score_high", sa.Double(), "1", "Greatest score that it may give; Infinity where there is no bound"),
    ):
        column = sa.Column(name, kind, nullable=False, server_default=sa.text(default), comment=comment)
        op.add_column("model_version", column, schema="nightjar")
    may_be = sa.Column(
        "outcomes",
        postgresql.ARRAY(sa.Double()),
        nullable=True,
        server_default=sa.text("'{0,1}'"),
        comment="What an outcome may be; null where it may be any number within the bounds of a score",
    )
    op.add_column("model_version", may_be, schema="nightjar")
    for column in BOUNDS.split(", "):
        op.alter_column("model_version", column, server_default=None, schema="nightjar")
    op.create_check_constraint(
        op.f("model_version_score_bounds_ordered"),
        "model_version",
        "score_low < score_high AND score_high <= 'Infinity'",
        schema="nightjar",
    )
    op.execute(f"GRANT INSERT ({BOUNDS}) ON nightjar.model_version TO {WRITER}")


def _create_measurement() -> None:
    op.create_table(
        "measurement",
        sa.Column("run_id", sa.Integer(), nullable=False, comment="The run"),
        sa.Column(
            "measured_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="Outcomes known by this instant were counted",
        ),
        sa.Column(
            "recorded_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("statement_timestamp()"),
            nullable=False,
            comment="When it was stored; the same for all rows of a measurement",
        ),
        sa.Column(
            "metric",
            sa.Text(),
            nullable=False,
            comment="What was measured; the model's kind says which metrics there are",
        ),
        sa.Column(
            "value",
            sa.Double(),
            nullable=True,
            comment="The number; null where it is not defined, as the AUC of outcomes that are all alike",
        ),
        sa.Column("rows", sa.BigInteger(), nullable=False, comment="Scored rows"),
        sa.Column(
            "with_outcome", sa.BigInteger(), nullable=False, comment="Scored rows whose outcome was known"
        ),
        sa.CheckConstraint("with_outcome BETWEEN 0 AND rows", name=op.f("measurement_outcomes_within_rows")),
        sa.ForeignKeyConstraint(["run_id"], ["nightjar.run.id"], name=op.f("measurement_run_id_fk")),
        sa.PrimaryKeyConstraint(
            "run_id", "measured_at", "recorded_at", "metric", name=op.f("measurement_pk")
        ),
        schema="nightjar",
        comment="How a published run did, a row a metric. " + NEWEST,
    )
    _tell_nothing("measurement", ("measured_at", "recorded_at", "metric", "value", "rows", "with_outcome"))


def _create_performance() -> None:
    op.create_table(
        "performance",
        sa.Column("id", sa.Integer(), sa.Identity(always=True), nullable=False, comment="Order of measuring"),
        sa.Column("run_id", sa.Integer(), nullable=False, comment="The run"),
        sa.Column("rows", sa.BigInteger(), nullable=False, comment="Scored rows"),
        sa.Column(
            "with_outcome", sa.BigInteger(), nullable=False, comment="Scored rows whose outcome was known"
        ),
        sa.Column("base_rate", sa.Double(), nullable=True, comment="Share of ones among the outcomes"),
        sa.Column("mean_score", sa.Double(), nullable=True, comment="Mean score of the rows with an outcome"),
        sa.Column(
            "auc",
            sa.Double(),
            nullable=True,
            comment="Area under the ROC curve; null if all outcomes are alike",
        ),
        sa.Column("pr_auc", sa.Double(), nullable=True, comment="Average precision"),
        sa.Column("brier", sa.Double(), nullable=True, comment="Mean squared error of the score"),
        sa.Column("ece", sa.Double(), nullable=True, comment="Expected calibration error"),
        sa.Column(
            "measured_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="Outcomes known by this instant were counted",
        ),
        sa.Column(
            "recorded_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
            comment="When the measurement was stored",
        ),
        sa.CheckConstraint("with_outcome BETWEEN 0 AND rows", name=op.f("performance_outcomes_within_rows")),
        sa.CheckConstraint(f"measured_at {OF_OUR_TIME}", name=op.f("performance_measured_at_of_our_time")),
        sa.ForeignKeyConstraint(["run_id"], ["nightjar.run.id"], name=op.f("performance_run_id_fk")),
        sa.PrimaryKeyConstraint("id", name=op.f("performance_pk")),
        schema="nightjar",
        comment="How a published run did once outcomes were known. " + NEWEST,
    )
    newest_first = ["run_id", sa.literal_column("measured_at DESC"), sa.literal_column("id DESC")]
    op.create_index(op.f("performance_run_id_idx"), "performance", newest_first, schema="nightjar")
    _tell_nothing("performance", ("rows", "with_outcome", *METRICS, "measured_at", "recorded_at"))


def _tell_nothing(table: str, columns: tuple[str, ...]) -> None:
    """Keep no statistics of values: EXPLAIN shows everybody what comes from them."""
    op.execute(
        f"ALTER TABLE nightjar.{table} {', '.join(f'ALTER {column} SET STATISTICS 0' for column in columns)}"
    )


def _guard(table: str, adds: str) -> None:
    """The rights and the trigger of measurements. adds: what the writer may set."""
    trigger = f"CREATE TRIGGER guard_measured AFTER INSERT ON nightjar.{table} {ADDED}"
    op.execute(f"{trigger} EXECUTE FUNCTION nightjar.guard_measured()")
    op.execute(f"GRANT SELECT, INSERT ({adds}) ON nightjar.{table} TO {WRITER}")


def _say(when: int) -> None:
    for column, comments in COMMENTS.items():
        op.execute(f"COMMENT ON COLUMN nightjar.{column} IS '{comments[when]}'")
