"""Repairs: a run may know later corrections, and keep the scores of rows that they do not touch."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    known_at = sa.Column(
        "known_at",
        sa.DateTime(timezone=True),
        comment="Corrections recorded up to this instant count; as_of, unless a later one was asked for",
    )
    op.add_column("run", known_at, schema="nightjar")
    op.execute("UPDATE nightjar.run SET known_at = as_of")
    op.alter_column("run", "known_at", nullable=False, schema="nightjar")
    base = sa.Column(
        "base_id",
        sa.Integer(),
        comment="The published run it repairs, whose scores of untouched rows it keeps",
    )
    op.add_column("run", base, schema="nightjar")
    op.create_foreign_key(
        op.f("run_base_id_fk"),
        "run",
        "run",
        ["base_id", "model", "score_date"],
        ["id", "model", "score_date"],
        source_schema="nightjar",
        referent_schema="nightjar",
    )
    op.create_check_constraint(
        op.f("run_known_at_not_before_as_of"), "run", "known_at >= as_of", schema="nightjar"
    )
    carried = sa.Column(
        "carried_from",
        sa.Integer(),
        comment="The run that computed it, where a repair kept the score of an untouched row",
    )
    op.add_column("score", carried, schema="nightjar")


def downgrade() -> None:
    op.drop_column("score", "carried_from", schema="nightjar")
    op.drop_constraint(op.f("run_known_at_not_before_as_of"), "run", schema="nightjar")
    op.drop_column("run", "base_id", schema="nightjar")
    op.drop_column("run", "known_at", schema="nightjar")
