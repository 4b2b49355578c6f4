"""What was expected of a night before its outcomes were known is kept with the run."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"

WRITER = "nightjar_writer"
INSTANT = sa.DateTime(timezone=True)
COLUMNS: tuple[tuple[str, sa.types.TypeEngine[Any], str], ...] = (
    ("run_id", sa.Integer(), "The run"),
    (
        "method",
        sa.Text(),
        "PAPE, CBPE, or trailing mean: the mean of the nights before, which an estimate has to beat",
    ),
    ("metric", sa.Text(), "Name of the metric"),
    ("value", sa.Double(), "What is expected; null if the method says nothing"),
    ("note", sa.Text(), "Why the method says nothing; null if it does"),
    ("rows", sa.BigInteger(), "Past rows with an outcome that it was learned from"),
    (
        "effective_rows",
        sa.Double(),
        "How many rows of equal weight say as much; rows, if all weigh the same",
    ),
    ("nights", sa.Integer(), "Nights that these rows are of"),
    ("known_at", INSTANT, "Outcomes recorded by this instant were counted"),
    ("made_at", INSTANT, "When it was stored; the same for all that was expected of a run"),
)
"""Name, type, comment."""
NULLABLE = {"value", "note"}
DEFAULTS = {"made_at": "statement_timestamp()"}
CHECKS = {
    "method_known": "method IN ('PAPE', 'CBPE', 'trailing mean')",
    "value_or_note": "value IS NOT NULL OR note IS NOT NULL",
    "effective_within_rows": "effective_rows BETWEEN 0 AND rows",
    "nights_within_rows": "nights BETWEEN 0 AND rows",
    "known_at_of_our_time": "known_at BETWEEN '1890-01-01' AND '2210-01-01'",
}


def upgrade() -> None:
    op.create_table(
        "expectation",
        *(
            sa.Column(
                name,
                kind,
                nullable=name in NULLABLE,
                server_default=sa.text(DEFAULTS[name]) if name in DEFAULTS else None,
                comment=told,
            )
            for name, kind, told in COLUMNS
        ),
        *(sa.CheckConstraint(check, name=op.f(f"expectation_{name}")) for name, check in CHECKS.items()),
        sa.ForeignKeyConstraint(["run_id"], ["nightjar.run.id"], name=op.f("expectation_run_id_fk")),
        sa.PrimaryKeyConstraint("run_id", "method", "metric", name=op.f("expectation_pk")),
        schema="nightjar",
        comment=(
            "What was expected of the metrics of a run before its outcomes were known. Append-only: what was "
            "expected first stays."
        ),
    )
    # EXPLAIN shows everybody what comes from statistics of values.
    silent = ", ".join(f"ALTER {name} SET STATISTICS 0" for name, *_ in COLUMNS if name != "run_id")
    op.execute(f"ALTER TABLE nightjar.expectation {silent}")
    added = ", ".join(name for name, *_ in COLUMNS if name not in DEFAULTS)
    op.execute(f"GRANT SELECT, INSERT ({added}) ON nightjar.expectation TO {WRITER}")


def downgrade() -> None:
    op.drop_table("expectation", schema="nightjar")
