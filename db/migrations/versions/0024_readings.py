"""What the audit reads of a night, the rows that it looked at, and what it found are kept with the run."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY

revision = "0024"
down_revision = "0023"

WRITER = "nightjar_writer"
Columns = tuple[tuple[str, sa.types.TypeEngine[Any], str], ...]
RUN_ID = ("run_id", sa.Integer(), "The run")
READING: Columns = (
    RUN_ID,
    ("name", sa.Text(), "What was read: rows, changed, same_factor, ..."),
    ("column_names", ARRAY(sa.Text()), "Input column, table or score of each number; empty for the rows"),
    ("slices", ARRAY(sa.Text()), "Slice of each number, as origin=JFK; empty for all rows"),
    ("numbers", ARRAY(sa.Double()), "The numbers"),
)
AUDITED_ROWS: Columns = (
    RUN_ID,
    ("rows", sa.Integer(), "How many rows"),
    ("content", sa.LargeBinary(), "The rows with their inputs and scores, as a Parquet file"),
)
FINDING: Columns = (
    RUN_ID,
    ("attempt", sa.Integer(), "The attempt whose audit found it"),
    ("rank", sa.SmallInteger(), "Its place among the findings of the attempt, from 1"),
    ("name", sa.Text(), "Which check found it"),
    ("column_name", sa.Text(), "Input column, table or score; empty if it is about all"),
    ("slice", sa.Text(), "As origin=JFK; empty if it is about all rows"),
    ("number", sa.Double(), "What was measured"),
    ("expected", sa.Double(), "What comparable nights have"),
    ("allowed", sa.Double(), "The limit"),
    ("rate", sa.Double(), "Share of ordinary nights that reach the limit, as measured"),
    ("sentence", sa.Text(), "The finding in words"),
    ("runbook", sa.Text(), "File in runbooks/ that says what to do"),
    ("found_at", sa.DateTime(timezone=True), "When it was stored"),
)
"""Name, type, comment."""
NULLABLE = {"number", "expected", "allowed", "rate"}
DEFAULTS = {"found_at": "clock_timestamp()"}
TABLES: tuple[tuple[str, Columns, tuple[str, ...], str], ...] = (
    (
        "reading",
        READING,
        ("run_id", "name"),
        "The numbers of a run that later nights are compared with. Append-only.",
    ),
    (
        "audited_rows",
        AUDITED_ROWS,
        ("run_id",),
        "The sampled rows of a run, with which the rows of the next nights are compared. Append-only.",
    ),
    (
        "finding",
        FINDING,
        ("run_id", "attempt", "rank"),
        "What the audit of a run had against it, a row a finding. Append-only.",
    ),
)


def upgrade() -> None:
    for table, columns, key, comment in TABLES:
        op.create_table(
            table,
            *(
                sa.Column(
                    name,
                    kind,
                    nullable=name in NULLABLE,
                    server_default=sa.text(DEFAULTS[name]) if name in DEFAULTS else None,
                    comment=told,
                )
                for name, kind, told in columns
            ),
            *_checks(table),
            sa.ForeignKeyConstraint(["run_id"], ["nightjar.run.id"], name=op.f(f"{table}_run_id_fk")),
            sa.PrimaryKeyConstraint(*key, name=op.f(f"{table}_pk")),
            schema="nightjar",
            comment=comment,
        )
        # EXPLAIN shows everybody what comes from statistics of values.
        silent = ", ".join(f"ALTER {name} SET STATISTICS 0" for name, *_ in columns if name != "run_id")
        op.execute(f"ALTER TABLE nightjar.{table} {silent}")
        added = ", ".join(name for name, *_ in columns if name not in DEFAULTS)
        op.execute(f"GRANT SELECT, INSERT ({added}) ON nightjar.{table} TO {WRITER}")


def downgrade() -> None:
    for table, *_ in reversed(TABLES):
        op.drop_table(table, schema="nightjar")


def _checks(table: str) -> tuple[sa.CheckConstraint, ...]:
    if table == "reading":
        same = (
            "cardinality(column_names) = cardinality(numbers) AND cardinality(slices) = cardinality(numbers)"
        )
        return (sa.CheckConstraint(same, name=op.f("reading_same_length")),)
    if table == "audited_rows":
        return (sa.CheckConstraint("rows >= 0", name=op.f("audited_rows_rows_counted")),)
    return (sa.CheckConstraint("rank > 0", name=op.f("finding_rank_counted")),)
