"""A version keeps a record of what it was made of. Those of before have none."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0014"
down_revision = "0013"

WRITER = "nightjar_writer"
TABLE = "model_version"
COMMENT = (
    "What it was made of: snapshot, windows, seed, code, recipes of features, libraries and threads; null for "
    "versions of before records"
)


def upgrade() -> None:
    op.add_column(TABLE, sa.Column("record", JSONB(), nullable=True, comment=COMMENT), schema="nightjar")
    op.execute(f"GRANT INSERT (record) ON nightjar.{TABLE} TO {WRITER}")


def downgrade() -> None:
    op.drop_column(TABLE, "record", schema="nightjar")
