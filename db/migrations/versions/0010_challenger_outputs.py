"""The challenger's further outputs are kept beside its score, so that it can be measured as the champion is."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0009"

WRITER = "nightjar_writer"
OUTPUTS = "Further numbers that the challenger gives, named by the outputs of its version; null for none"

CHANGES = {
    "guard_whole()": (("outputs, challenger_score, ", "outputs, challenger_score, challenger_outputs, "),),
    "ensure_score_partition(date)": (
        (
            'ALTER "outputs" SET STATISTICS 0',
            'ALTER "outputs" SET STATISTICS 0, ALTER "challenger_outputs" SET STATISTICS 0',
        ),
    ),
}
"""Function -> the pieces of its text before and after."""


def upgrade() -> None:
    outputs = sa.Column("challenger_outputs", postgresql.ARRAY(sa.Double()), nullable=True, comment=OUTPUTS)
    op.add_column("score", outputs, schema="nightjar")
    op.execute("ALTER TABLE nightjar.score ALTER challenger_outputs SET STATISTICS 0")
    op.execute(f"GRANT INSERT (challenger_outputs) ON nightjar.score TO {WRITER}")
    for function, pieces in CHANGES.items():
        _rewrite(function, pieces)


def downgrade() -> None:
    for function, pieces in CHANGES.items():
        _rewrite(function, [(after, before) for before, after in pieces])
    op.drop_column("score", "challenger_outputs", schema="nightjar")


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
