"""Drift says what was measured, what is usual, and how often an ordinary night reaches it.

Rows of before, of the method psi, have none of it.
"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"

WRITER = "nightjar_writer"
TABLE = "drift"
COLUMNS = (
    ("finding", sa.Text(), "Name of what is told: an alarm if drifted, else information; null for nothing"),
    ("measure", sa.Text(), "What the distance measures, as level, spread, mix, unseen or missing"),
    ("expected", sa.Double(), "The usual distance of past nights"),
    ("rate", sa.Double(), "How often an ordinary night reaches the value"),
    ("psi", sa.Double(), "PSI of the night against the training sample"),
)


def upgrade() -> None:
    for name, kind, comment in COLUMNS:
        op.add_column(TABLE, sa.Column(name, kind, nullable=True, comment=comment), schema="nightjar")
    op.create_check_constraint(op.f("drift_rate_is_share"), TABLE, "rate BETWEEN 0 AND 1", schema="nightjar")
    names = ", ".join(name for name, *_ in COLUMNS)
    op.execute(f"GRANT INSERT ({names}) ON nightjar.{TABLE} TO {WRITER}")
    op.execute(f"COMMENT ON TABLE nightjar.{TABLE} IS {_quoted(NOW)}")


def downgrade() -> None:
    op.execute(f"COMMENT ON TABLE nightjar.{TABLE} IS {_quoted(BEFORE)}")
    op.drop_constraint(op.f("drift_rate_is_share"), TABLE, schema="nightjar")
    for name, *_ in reversed(COLUMNS):
        op.drop_column(TABLE, name, schema="nightjar")


BEFORE = "Each column of a night against the training sample. Append-only: the newest rows of a run and method count."
NOW = (
    "Each column of a night against comparable nights and the training sample. Append-only: the newest rows of "
    "a run and method count."
)


def _quoted(comment: str) -> str:
    return "'" + comment.replace("'", "''") + "'"
