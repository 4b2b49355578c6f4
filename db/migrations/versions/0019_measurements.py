"""Nights are measured whole and by slices, alone and trailing, champion and challenger, in one table.

The comparison of champion and challenger is two measurements on the rows that both scored.
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0019"
down_revision = "0018"

WRITER = "nightjar_writer"
OF_OUR_TIME = "BETWEEN '1890-01-01' AND '2210-01-01'"
ADDS = (
    "run_id, role, slice, slice_value, occasions, nights, supported, rows, with_outcome, metrics, intervals, "
    "measured_at"
)
ADDS_BEFORE = {
    "measurement": "run_id, metric, value, rows, with_outcome, measured_at",
    "comparison": "run_id, metric, champion, challenger, rows, with_outcome, measured_at",
}
COMMENT = (
    "How a published run did, whole and by slices, and the nights that trail to it. Append-only: the newest "
    "measurement of a run, role, slice and window counts."
)
MEASURED_AT = "Outcomes known by this instant were counted"
METRIC = "What was measured; the model's kind says which metrics there are"
CARRY_OVER = """
INSERT INTO nightjar.measurement (
    run_id, role, slice, slice_value, occasions, measured_at, recorded_at, nights, supported, rows,
    with_outcome, metrics
)
SELECT run_id, 'champion', '', '', 1, measured_at, recorded_at, 1, true, rows, with_outcome,
    jsonb_object_agg(metric, value)
FROM nightjar.measurement_before GROUP BY run_id, measured_at, recorded_at, rows, with_outcome
UNION ALL
SELECT run_id, role, '', '', 1, measured_at, recorded_at, 1, true, rows, with_outcome,
    jsonb_object_agg(metric, value)
FROM nightjar.comparison CROSS JOIN LATERAL (
    VALUES ('challenger', challenger), ('champion beside challenger', champion)
) AS each (role, value)
GROUP BY run_id, role, measured_at, recorded_at, rows, with_outcome
"""
CARRY_BACK = """
INSERT INTO nightjar.measurement (run_id, measured_at, recorded_at, metric, value, rows, with_outcome)
SELECT run_id, measured_at, recorded_at, each.key, each.value::double precision, rows, with_outcome
FROM nightjar.measurement_after CROSS JOIN LATERAL jsonb_each_text(metrics) AS each
WHERE role = 'champion' AND slice = '' AND occasions = 1;
INSERT INTO nightjar.comparison (
    run_id, measured_at, recorded_at, metric, champion, challenger, rows, with_outcome
)
SELECT one.run_id, measured_at, recorded_at, each.key, (beside.metrics ->> each.key)::double precision,
    each.value::double precision, one.rows, one.with_outcome
FROM nightjar.measurement_after AS one
JOIN nightjar.measurement_after AS beside USING (run_id, measured_at, recorded_at, slice, occasions)
CROSS JOIN LATERAL jsonb_each_text(one.metrics) AS each
WHERE one.role = 'challenger' AND beside.role = 'champion beside challenger'
    AND one.slice = '' AND occasions = 1
"""


def upgrade() -> None:
    _set_aside("measurement_before", "measurement")
    op.create_table(
        "measurement",
        _number("run_id", sa.Integer(), "The run; of a window the last one"),
        _number(
            "role",
            sa.Text(),
            "champion: on all scored rows; challenger and champion beside challenger: on the rows that both "
            "scored",
        ),
        _number("slice", sa.Text(), "Name of the slice; empty for all rows"),
        _number("slice_value", sa.Text(), "Value of the slice; empty for all rows"),
        _number(
            "occasions",
            sa.Integer(),
            "1 for the night alone; else the length of the window that ends with it",
        ),
        _number("measured_at", sa.DateTime(timezone=True), MEASURED_AT),
        _recorded_at("When it was stored; the same for all that was stored with it"),
        _number("nights", sa.Integer(), "Nights that are counted in it"),
        _number(
            "supported",
            sa.Boolean(),
            "False for a slice with fewer rows with an outcome than the model's spec asks for",
        ),
        _number("rows", sa.BigInteger(), "Scored rows"),
        _number("with_outcome", sa.BigInteger(), "Scored rows whose outcome was known"),
        _number(
            "metrics",
            postgresql.JSONB(),
            "Metric: its number; null where it is not defined, as the AUC of outcomes that are all alike. "
            "The kind and the spec of the model say which metrics there are",
        ),
        sa.Column(
            "intervals",
            postgresql.JSONB(),
            nullable=False,
            server_default=sa.text("'{}'::jsonb"),
            comment="Metric: low and high at a confidence of 0.95, where they are known",
        ),
        sa.CheckConstraint(
            "nights BETWEEN 1 AND occasions", name=op.f("measurement_nights_within_occasions")
        ),
        sa.CheckConstraint(
            "role IN ('champion', 'challenger', 'champion beside challenger')",
            name=op.f("measurement_role_known"),
        ),
        *_constraints(
            "measurement",
            ("run_id", "role", "slice", "slice_value", "occasions", "measured_at", "recorded_at"),
        ),
        schema="nightjar",
        comment=COMMENT,
    )
    _silence("measurement", [name for name in (*ADDS.split(", "), "recorded_at") if name != "run_id"])
    op.execute(CARRY_OVER)
    op.drop_table("measurement_before", schema="nightjar")
    op.drop_table("comparison", schema="nightjar")
    _guard("measurement", ADDS)


def downgrade() -> None:
    _set_aside("measurement_after", "measurement")
    _create_before("measurement", ("value",), COMMENT_BEFORE["measurement"])
    _create_before("comparison", ("champion", "challenger"), COMMENT_BEFORE["comparison"])
    for statement in CARRY_BACK.split(";"):
        op.execute(statement)
    op.drop_table("measurement_after", schema="nightjar")
    for table, adds in ADDS_BEFORE.items():
        _silence(table, [name for name in (*adds.split(", "), "recorded_at") if name != "run_id"])
        _guard(table, adds)


COMMENT_BEFORE = {
    "measurement": (
        "How a published run did, a row a metric. Append-only: the newest measurement of a run counts."
    ),
    "comparison": (
        "How champion and challenger of a published run did on the rows that both scored, a row a metric. "
        "Append-only: the newest comparison of a run counts."
    ),
}


def _set_aside(aside: str, table: str) -> None:
    """Rename a table and drop its constraints, whose names the next table of its name needs."""
    op.rename_table(table, aside, schema="nightjar")
    dropped = sa.text(
        "SELECT conname FROM pg_constraint WHERE conrelid = CAST(:name AS regclass) AND contype IN "
        "('p', 'f', 'c')"
    )
    for name in op.get_bind().execute(dropped, {"name": f"nightjar.{aside}"}).scalars().all():
        op.execute(f'ALTER TABLE nightjar.{aside} DROP CONSTRAINT "{name}"')


def _create_before(table: str, numbers: tuple[str, ...], comment: str) -> None:
    op.create_table(
        table,
        _number("run_id", sa.Integer(), "The run"),
        _number("measured_at", sa.DateTime(timezone=True), MEASURED_AT),
        _recorded_at(f"When it was stored; the same for all rows of a {table}"),
        _number("metric", sa.Text(), METRIC),
        *(sa.Column(name, sa.Double(), nullable=True) for name in numbers),
        _number("rows", sa.BigInteger(), "Scored rows"),
        _number("with_outcome", sa.BigInteger(), "Scored rows whose outcome was known"),
        *_constraints(table, ("run_id", "measured_at", "recorded_at", "metric")),
        schema="nightjar",
        comment=comment,
    )


def _number(name: str, kind: sa.types.TypeEngine[Any], comment: str) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False, comment=comment)


def _recorded_at(comment: str) -> sa.Column[Any]:
    return sa.Column(
        "recorded_at",
        sa.DateTime(timezone=True),
        nullable=False,
        server_default=sa.text("statement_timestamp()"),
        comment=comment,
    )


def _constraints(table: str, key: tuple[str, ...]) -> tuple[sa.Constraint, ...]:
    return (
        sa.CheckConstraint("with_outcome BETWEEN 0 AND rows", name=op.f(f"{table}_outcomes_within_rows")),
        sa.CheckConstraint(f"measured_at {OF_OUR_TIME}", name=op.f(f"{table}_measured_at_of_our_time")),
        sa.ForeignKeyConstraint(["run_id"], ["nightjar.run.id"], name=op.f(f"{table}_run_id_fk")),
        sa.PrimaryKeyConstraint(*key, name=op.f(f"{table}_pk")),
    )


def _silence(table: str, columns: list[str]) -> None:
    """EXPLAIN shows everybody what comes from statistics of values."""
    silent = ", ".join(f"ALTER {name} SET STATISTICS 0" for name in columns)
    op.execute(f"ALTER TABLE nightjar.{table} {silent}")


def _guard(table: str, adds: str) -> None:
    op.execute(
        f"CREATE TRIGGER guard_measured AFTER INSERT ON nightjar.{table} REFERENCING NEW TABLE AS added "
        "FOR EACH STATEMENT EXECUTE FUNCTION nightjar.guard_measured()"
    )
    op.execute(f"GRANT SELECT, INSERT ({adds}) ON nightjar.{table} TO {WRITER}")
