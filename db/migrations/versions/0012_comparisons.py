"""Champion and challenger of a night are measured on the same rows, and the comparison is kept."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

WRITER = "nightjar_writer"
ADDS = "run_id, metric, champion, challenger, rows, with_outcome, measured_at"
OF_OUR_TIME = "BETWEEN '1890-01-01' AND '2210-01-01'"
COLUMNS: tuple[tuple[str, sa.types.TypeEngine[Any], str | None, str], ...] = (
    ("run_id", sa.Integer(), None, "The run"),
    ("measured_at", sa.DateTime(timezone=True), None, "Outcomes known by this instant were counted"),
    (
        "recorded_at",
        sa.DateTime(timezone=True),
        "statement_timestamp()",
        "When it was stored; the same for all rows of a comparison",
    ),
    ("metric", sa.Text(), None, "What was measured; the model's kind says which metrics there are"),
    ("champion", sa.Double(), None, "The champion's number; null where it is not defined"),
    ("challenger", sa.Double(), None, "The challenger's number; null where it is not defined"),
    ("rows", sa.BigInteger(), None, "Rows that both scored"),
    ("with_outcome", sa.BigInteger(), None, "Those of them whose outcome was known"),
)
"""Name, type, default, comment."""
NUMBERS = {"champion", "challenger"}
CHANGES = {
    "guard_measured()": (
        (
            "'rows for measurement: their run was never published'",
            "'rows for %: their run was never published', TG_TABLE_NAME",
        ),
    ),
}
"""Function -> the pieces of its text before and after."""


def upgrade() -> None:
    op.create_table(
        "comparison",
        *(
            sa.Column(
                name,
                kind,
                nullable=name in NUMBERS,
                server_default=None if default is None else sa.text(default),
                comment=comment,
            )
            for name, kind, default, comment in COLUMNS
        ),
        sa.CheckConstraint("with_outcome BETWEEN 0 AND rows", name=op.f("comparison_outcomes_within_rows")),
        sa.CheckConstraint(f"measured_at {OF_OUR_TIME}", name=op.f("comparison_measured_at_of_our_time")),
        sa.ForeignKeyConstraint(["run_id"], ["nightjar.run.id"], name=op.f("comparison_run_id_fk")),
        sa.PrimaryKeyConstraint("run_id", "measured_at", "recorded_at", "metric", name=op.f("comparison_pk")),
        schema="nightjar",
        comment=(
            "How champion and challenger of a published run did on the rows that both scored, a row a "
            "metric. Append-only: the newest comparison of a run counts."
        ),
    )
    # EXPLAIN shows everybody what comes from statistics of values.
    silent = ", ".join(f"ALTER {name} SET STATISTICS 0" for name, *_ in COLUMNS if name != "run_id")
    op.execute(f"ALTER TABLE nightjar.comparison {silent}")
    for function, pieces in CHANGES.items():
        _rewrite(function, pieces)
    op.execute(
        "CREATE TRIGGER guard_measured AFTER INSERT ON nightjar.comparison REFERENCING NEW TABLE AS added "
        "FOR EACH STATEMENT EXECUTE FUNCTION nightjar.guard_measured()"
    )
    op.execute(f"GRANT SELECT, INSERT ({ADDS}) ON nightjar.comparison TO {WRITER}")


def downgrade() -> None:
    op.drop_table("comparison", schema="nightjar")
    for function, pieces in CHANGES.items():
        _rewrite(function, [(after, before) for before, after in pieces])


def _rewrite(function: str, pieces: Sequence[tuple[str, str]]) -> None:
    """Replace pieces of a function's text. Its rights stay."""
    connection = op.get_bind()
    wanted = sa.text("SELECT pg_get_functiondef(CAST(:name AS regprocedure))")
    definition = connection.execute(wanted, {"name": f"nightjar.{function}"}).scalar_one()
    for before, after in pieces:
        if before not in definition:
            raise RuntimeError(f"nightjar.{function} does not hold {before!r}: another hand changed it")
        definition = definition.replace(before, after)
    op.execute(definition)
