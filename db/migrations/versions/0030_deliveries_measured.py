"""A measurement of a whole night says which deliveries of outcomes it has read.

Rows of before have none. Their nights are measured once more, as they were every morning.
"""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"

WRITER = "nightjar_writer"
COMMENT = (
    "Of a whole night: SHA-256 of which deliveries of its outcomes were there; null where it is not known, and "
    "for tables that are scanned"
)


def upgrade() -> None:
    op.add_column(
        "measurement", sa.Column("deliveries", sa.Text(), nullable=True, comment=COMMENT), schema="nightjar"
    )
    # EXPLAIN shows everybody what comes from statistics of values.
    op.execute("ALTER TABLE nightjar.measurement ALTER deliveries SET STATISTICS 0")
    op.execute(f"GRANT INSERT (deliveries) ON nightjar.measurement TO {WRITER}")


def downgrade() -> None:
    op.drop_column("measurement", "deliveries", schema="nightjar")
