"""The reasons of published scores are kept, for those rows that a spec asks for."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"

WRITER = "nightjar_writer"
ADDS = {
    "explanation": "run_id, rows, note",
    "reason": "run_id, entity_key, rank, input, value, contribution, words",
}
Columns = tuple[tuple[str, sa.types.TypeEngine[Any], str], ...]
EXPLANATION: Columns = (
    ("run_id", sa.Integer(), "The run"),
    ("rows", sa.BigInteger(), "Rows that have reasons"),
    ("note", sa.Text(), "Why no row has reasons, as a learner without contributions; null otherwise"),
    ("explained_at", sa.DateTime(timezone=True), "When it was stored"),
)
REASON: Columns = (
    ("run_id", sa.Integer(), "The run"),
    ("entity_key", sa.Text(), "What is scored"),
    ("rank", sa.SmallInteger(), "1 moved the raw score most, up or down"),
    ("input", sa.Text(), "Name of the input"),
    ("value", sa.Text(), "Its value as text; null where it was missing"),
    (
        "contribution",
        sa.Double(),
        "What it added to the raw score: log odds of a probability, or the unit of the score",
    ),
    ("words", sa.Text(), "The value in the words of the model's spec"),
)
"""Name, type, comment."""
NULLABLE = {"note", "value"}
DEFAULTS = {"explained_at": "clock_timestamp()"}


def upgrade() -> None:
    op.create_table(
        "explanation",
        *_columns(EXPLANATION),
        sa.CheckConstraint("rows >= 0", name=op.f("explanation_rows_counted")),
        sa.ForeignKeyConstraint(["run_id"], ["nightjar.run.id"], name=op.f("explanation_run_id_fk")),
        sa.PrimaryKeyConstraint("run_id", name=op.f("explanation_pk")),
        schema="nightjar",
        comment="That a published run was explained, once a run. Append-only.",
    )
    op.create_table(
        "reason",
        *_columns(REASON),
        sa.CheckConstraint(
            "octet_length(entity_key) BETWEEN 1 AND 512", name=op.f("reason_entity_key_length")
        ),
        sa.ForeignKeyConstraint(["run_id"], ["nightjar.explanation.run_id"], name=op.f("reason_run_id_fk")),
        sa.PrimaryKeyConstraint("run_id", "entity_key", "rank", name=op.f("reason_pk")),
        schema="nightjar",
        comment="What moved the scores of some rows most, a row an input. Append-only.",
    )
    for table, columns in (("explanation", EXPLANATION), ("reason", REASON)):
        # EXPLAIN shows everybody what comes from statistics of values.
        silent = ", ".join(f"ALTER {name} SET STATISTICS 0" for name, *_ in columns if name != "run_id")
        op.execute(f"ALTER TABLE nightjar.{table} {silent}")
        op.execute(f"GRANT SELECT, INSERT ({ADDS[table]}) ON nightjar.{table} TO {WRITER}")


def downgrade() -> None:
    op.drop_table("reason", schema="nightjar")
    op.drop_table("explanation", schema="nightjar")


def _columns(columns: Columns) -> list[sa.Column[Any]]:
    return [
        sa.Column(
            name,
            kind,
            nullable=name in NULLABLE,
            server_default=sa.text(DEFAULTS[name]) if name in DEFAULTS else None,
            comment=comment,
        )
        for name, kind, comment in columns
    ]
