"""A receipt counts the checks that its rows broke, so that nobody reads the rows to know."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0025"
down_revision = "0024"

WRITER = "nightjar_writer"
FILL = """
    UPDATE nightjar.receipt SET broken = counted.broken
    FROM (
        SELECT run_id, part, jsonb_agg(jsonb_build_object(
            'column', name, 'check', broken, 'rows', rows) ORDER BY rows DESC, name, broken) AS broken
        FROM (
            SELECT run_id, part, reason ->> 'column' AS name, reason ->> 'check' AS broken, count(*) AS rows
            FROM nightjar.quarantined_row CROSS JOIN LATERAL jsonb_array_elements(reasons) AS reason
            GROUP BY 1, 2, 3, 4
        ) AS one GROUP BY run_id, part
    ) AS counted
    WHERE counted.run_id = receipt.run_id AND counted.part = receipt.part
"""


def upgrade() -> None:
    op.add_column(
        "receipt",
        sa.Column(
            "broken",
            JSONB(),
            nullable=False,
            server_default=sa.text("'[]'::jsonb"),
            comment="Array of {column, check, rows}: how many rows broke each check; a row may break several",
        ),
        schema="nightjar",
    )
    op.create_check_constraint(
        op.f("receipt_broken_is_array"), "receipt", "jsonb_typeof(broken) = 'array'", schema="nightjar"
    )
    op.execute(FILL)
    op.execute("ALTER TABLE nightjar.receipt ALTER broken SET STATISTICS 0")
    op.execute(f"GRANT INSERT (broken) ON nightjar.receipt TO {WRITER}")


def downgrade() -> None:
    op.drop_column("receipt", "broken", schema="nightjar")
