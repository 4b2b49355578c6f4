"""What each stage of a run took is kept with the run."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"

WRITER = "nightjar_writer"
INSTANT = sa.DateTime(timezone=True)
COLUMNS: tuple[tuple[str, sa.types.TypeEngine[Any], str], ...] = (
    ("run_id", sa.Integer(), "The run"),
    ("attempt", sa.Integer(), "Attempt of the run that did it"),
    ("part", sa.Integer(), "Part of the run; null for the run as a whole"),
    ("stage", sa.Text(), "population, snapshot, retrieval, ...: docs/telemetry.md lists them"),
    ("role", sa.Text(), "champion or challenger; empty for a stage that both share"),
    ("started_at", INSTANT, "When it began"),
    ("seconds", sa.Double(), "How long it took"),
    (
        "cpu_seconds",
        sa.Double(),
        "CPU time of its process; stages that ran at once share it equally. Postgres itself is not in it",
    ),
    ("peak_memory", sa.BigInteger(), "Bytes: the most that its process had held until it ended"),
    ("rows", sa.BigInteger(), "Rows that it handled; null if it has none"),
    ("size", sa.BigInteger(), "Bytes that it read or copied; null if it counts none"),
    ("quarantined", sa.BigInteger(), "Rows that it set aside; null if it sets none aside"),
    ("retries", sa.Integer(), "How often it failed before, in this attempt and process"),
    ("error", sa.Text(), "Class of the error that ended it; null if it ended well"),
    ("recorded_at", INSTANT, "When it was stored"),
)
"""Name, type, comment."""
NULLABLE = {"part", "rows", "size", "quarantined", "error"}
DEFAULTS = {"recorded_at": "clock_timestamp()"}


def upgrade() -> None:
    op.create_table(
        "stage",
        sa.Column(
            "id",
            sa.Integer(),
            sa.Identity(always=True),
            primary_key=True,
            nullable=False,
            comment="Order of writing",
        ),
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
        sa.CheckConstraint(
            "least(seconds, cpu_seconds, peak_memory, rows, size, quarantined, retries) >= 0",
            name=op.f("stage_numbers_from_0"),
        ),
        sa.CheckConstraint("part IS NULL OR error IS NULL", name=op.f("stage_part_ended_well")),
        sa.CheckConstraint(
            "started_at BETWEEN '1890-01-01' AND '2210-01-01'", name=op.f("stage_started_at_of_our_time")
        ),
        sa.ForeignKeyConstraint(["run_id"], ["nightjar.run.id"], name=op.f("stage_run_id_fk")),
        sa.ForeignKeyConstraint(
            ["run_id", "part"],
            ["nightjar.receipt.run_id", "nightjar.receipt.part"],
            name=op.f("stage_of_receipt_fk"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("stage_pk")),
        schema="nightjar",
        comment="What each stage of a run took, of its parts and of the run as a whole. Append-only.",
    )
    op.create_index(
        "stage_once_a_part", "stage", ["run_id", "part", "stage", "role"], unique=True, schema="nightjar"
    )
    # EXPLAIN shows everybody what comes from statistics of values.
    silent = ", ".join(f"ALTER {name} SET STATISTICS 0" for name, *_ in COLUMNS if name != "run_id")
    op.execute(f"ALTER TABLE nightjar.stage {silent}")
    added = ", ".join(name for name, *_ in COLUMNS if name not in DEFAULTS)
    op.execute(f"GRANT SELECT, INSERT ({added}) ON nightjar.stage TO {WRITER}")


def downgrade() -> None:
    op.drop_table("stage", schema="nightjar")
