"""Steps of backtests are kept, apart from runs and their scores."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "0016"
down_revision = "0015"

WRITER = "nightjar_writer"
TABLE = "backtest_step"
OF_OUR_TIME = "BETWEEN '1890-01-01' AND '2210-01-01'"
COLUMNS: tuple[tuple[str, sa.types.TypeEngine[Any], str], ...] = (
    ("model", sa.Text(), "Name of the model"),
    ("backtest", sa.Text(), "Name of the backtest, by the hash of its plan, data and code"),
    ("plan", JSONB(), "Object of first, last, retrain, despite_gates"),
    ("number", sa.Integer(), "Counts from 1 within the backtest"),
    (
        "known_at",
        sa.DateTime(timezone=True),
        "The training knew what was recorded by this instant",
    ),
    ("first_date", sa.Date(), "First score date that it scored"),
    ("last_date", sa.Date(), "Last score date that it scored"),
    ("document", JSONB(), "The versions that were trained, their gates, the decision"),
    (
        "nights",
        JSONB(),
        "Array of {score_date, predictor, metric, value, rows}: what was measured of each night",
    ),
)
"""Name, type, comment."""
CHECKS = {
    "number_positive": "number > 0",
    "dates_ordered": "first_date <= last_date",
    "nights_is_array": "jsonb_typeof(nights) = 'array'",
    **{f"{name}_of_our_time": f"{name} {OF_OUR_TIME}" for name in ("known_at", "first_date", "last_date")},
}


def upgrade() -> None:
    op.create_table(
        TABLE,
        sa.Column("id", sa.Integer(), sa.Identity(always=True), comment="Order of writing"),
        *(sa.Column(name, kind, nullable=False, comment=comment) for name, kind, comment in COLUMNS),
        sa.Column(
            "files",
            ARRAY(sa.Text()),
            nullable=False,
            server_default=sa.text("'{}'::text[]"),
            comment="Where its scores and models lie",
        ),
        sa.Column(
            "stored_at",
            sa.DateTime(timezone=True),
            nullable=False,
            server_default=sa.text("clock_timestamp()"),
            comment="When it was stored",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"{TABLE}_pk")),
        sa.UniqueConstraint("backtest", "number", name=op.f(f"{TABLE}_backtest_number_key")),
        *(sa.CheckConstraint(text, name=op.f(f"{TABLE}_{name}")) for name, text in CHECKS.items()),
        schema="nightjar",
        comment=(
            "Steps of backtests: a training in the past, and how it did on the nights until the next. "
            "Nothing of it was published. Append-only."
        ),
    )
    # EXPLAIN shows everybody what comes from statistics of values.
    silent = ", ".join(
        f"ALTER {name} SET STATISTICS 0" for name in (*(name for name, *_ in COLUMNS), "files", "stored_at")
    )
    op.execute(f"ALTER TABLE nightjar.{TABLE} {silent}")
    adds = ", ".join((*(name for name, *_ in COLUMNS), "files"))
    op.execute(f"GRANT SELECT, INSERT ({adds}) ON nightjar.{TABLE} TO {WRITER}")


def downgrade() -> None:
    op.drop_table(TABLE, schema="nightjar")
