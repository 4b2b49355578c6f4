"""A publication counts the rows of a run without sorting them.

Of a run that was just stored Postgres expects one row, so it sorts a million by their part, on disk.
"""

from alembic import op

revision = "0032"
down_revision = "0031"


def upgrade() -> None:
    op.execute("ALTER FUNCTION nightjar.guard_whole() SET enable_sort = off")


def downgrade() -> None:
    op.execute("ALTER FUNCTION nightjar.guard_whole() RESET enable_sort")
