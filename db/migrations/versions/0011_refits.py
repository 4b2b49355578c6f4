"""A version may be the refit of another, which was judged. Those of before were judged themselves."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

WRITER = "nightjar_writer"
COMMENT = "Number of the version whose recipe it fits on all that is known, and which was judged; else null"

REFUSE_REFITS = """
DO $$
BEGIN
    IF EXISTS (SELECT FROM nightjar.model_version WHERE refit_of IS NOT NULL) THEN
        RAISE EXCEPTION 'there are refits: an older schema does not tell them from versions that were judged';
    END IF;
END
$$
"""


def upgrade() -> None:
    column = sa.Column("refit_of", sa.Integer(), nullable=True, comment=COMMENT)
    op.add_column("model_version", column, schema="nightjar")
    op.create_foreign_key(
        op.f("model_version_model_fk"),
        "model_version",
        "model_version",
        ["model", "refit_of"],
        ["model", "number"],
        source_schema="nightjar",
        referent_schema="nightjar",
    )
    op.create_check_constraint(
        op.f("model_version_refit_of_earlier"), "model_version", "refit_of < number", schema="nightjar"
    )
    op.execute(f"GRANT INSERT (refit_of) ON nightjar.model_version TO {WRITER}")


def downgrade() -> None:
    op.execute(REFUSE_REFITS)
    op.drop_column("model_version", "refit_of", schema="nightjar")
