"""A receipt describes the scores of its part, so that nobody reads them again to know."""

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"

WRITER = "nightjar_writer"
TOLD = "Its scores in numbers, as JSON: mean, quantiles, the highest; null for parts of before sketches"


def upgrade() -> None:
    sketch = sa.Column("sketch", sa.Text(), nullable=True, comment=TOLD)
    op.add_column("receipt", sketch, schema="nightjar")
    op.execute(f"GRANT INSERT (sketch) ON nightjar.receipt TO {WRITER}")


def downgrade() -> None:
    op.drop_column("receipt", "sketch", schema="nightjar")
