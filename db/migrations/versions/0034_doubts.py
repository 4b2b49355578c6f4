"""A finding may be told without holding its night back. Those of before held theirs."""

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"

WRITER = "nightjar_writer"
COMMENT = "False: people are told of it, and it did not hold the night back"


def upgrade() -> None:
    op.add_column(
        "finding",
        sa.Column("holds", sa.Boolean(), nullable=False, server_default=sa.true(), comment=COMMENT),
        schema="nightjar",
    )
    # EXPLAIN shows everybody what comes from statistics of values.
    op.execute("ALTER TABLE nightjar.finding ALTER holds SET STATISTICS 0")
    op.execute(f"GRANT INSERT (holds) ON nightjar.finding TO {WRITER}")
    # The watcher asks for doubts every minute, and nearly every finding is none.
    op.create_index(
        op.f("finding_run_id_idx"),
        "finding",
        ["run_id"],
        schema="nightjar",
        postgresql_where=sa.text("NOT holds"),
    )


def downgrade() -> None:
    op.drop_index(op.f("finding_run_id_idx"), table_name="finding", schema="nightjar")
    op.drop_column("finding", "holds", schema="nightjar")
