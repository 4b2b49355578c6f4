"""Each delivered day of outcomes is checked, and what became of it is kept."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0023"
down_revision = "0022"

WRITER = "nightjar_writer"
ADDS = "model, dataset, day, recorded_at, verdict, looks, findings, counts_from, reason"
OF_OUR_TIME = "BETWEEN '1890-01-01' AND '2210-01-01'"
INSTANT = sa.DateTime(timezone=True)
COLUMNS: tuple[tuple[str, sa.types.TypeEngine[Any], str | None, str], ...] = (
    ("model", sa.Text(), None, "Name of the model whose outcomes it is"),
    ("dataset", sa.Text(), None, "Dataset that was delivered"),
    ("day", sa.Date(), None, "Day that the delivery is about"),
    ("recorded_at", INSTANT, None, "Instant of the delivery"),
    (
        "verdict",
        sa.Text(),
        None,
        "passed; held: waits for a person, and nothing reads the day; accepted or refused by a person",
    ),
    ("looks", postgresql.JSONB(), None, "What the day looks like: what later days are compared with"),
    (
        "findings",
        postgresql.JSONB(),
        "'[]'::jsonb",
        "What stands against it: array of {name, where, value, low, high, told}",
    ),
    ("counts_from", INSTANT, None, "From which instant on an accepted day counts; null otherwise"),
    ("reason", sa.Text(), None, "Why a person accepted or refused it; null otherwise"),
    ("actor", sa.Text(), "CURRENT_USER", "Database user that checked or decided"),
    ("decided_at", INSTANT, "clock_timestamp()", "When"),
)
"""Name, type, default, comment."""
NULLABLE = {"counts_from", "reason"}


def upgrade() -> None:
    op.create_table(
        "outcome_check",
        sa.Column(
            "id",
            sa.Integer(),
            sa.Identity(always=True),
            primary_key=True,
            nullable=False,
            comment="Order of the ledger",
        ),
        *(
            sa.Column(
                name,
                kind,
                nullable=name in NULLABLE,
                server_default=None if default is None else sa.text(default),
                comment=comment,
            )
            for name, kind, default, comment in COLUMNS
        ),
        sa.CheckConstraint(
            "verdict IN ('passed', 'held', 'accepted', 'refused')", name=op.f("outcome_check_verdict_known")
        ),
        sa.CheckConstraint(
            "(counts_from IS NOT NULL) = (verdict = 'accepted')",
            name=op.f("outcome_check_accepted_counts_from_an_instant"),
        ),
        *(
            sa.CheckConstraint(f"{name} {OF_OUR_TIME}", name=op.f(f"outcome_check_{name}_of_our_time"))
            for name in ("day", "recorded_at", "counts_from")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("outcome_check_pk")),
        schema="nightjar",
        comment=(
            "What became of each delivered day of outcomes. Append-only: the newest row of a model and "
            "delivery counts."
        ),
    )
    op.create_index(
        op.f("outcome_check_dataset_day_idx"), "outcome_check", ["dataset", "day"], schema="nightjar"
    )
    # EXPLAIN shows everybody what comes from statistics of values.
    silent = ", ".join(f"ALTER {name} SET STATISTICS 0" for name, *_ in COLUMNS)
    op.execute(f"ALTER TABLE nightjar.outcome_check {silent}")
    op.execute(f"GRANT SELECT, INSERT ({ADDS}) ON nightjar.outcome_check TO {WRITER}")


def downgrade() -> None:
    op.drop_table("outcome_check", schema="nightjar")
