"""What inputs and scores of a run look like, kept for the nights after it; and what a person accepted when
publishing.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"

WRITER = "nightjar_writer"

# Published nights of before get a profile of their scores, so that tonight's mean has something to be
# compared with.
SCORES_OF_BEFORE = """
INSERT INTO nightjar.input_profile (run_id, column_name, rows, nulls, "distinct", entities, mean, stddev, quantiles)
SELECT run_id, 'score', count(*), 0, count(DISTINCT score), count(*), avg(score), stddev_pop(score),
       percentile_disc(ARRAY(SELECT step / 40.0::double precision FROM generate_series(0, 40) AS step)) WITHIN GROUP (ORDER BY score)
FROM nightjar.score WHERE run_id IN (SELECT run_id FROM nightjar.publication) GROUP BY run_id
"""


def upgrade() -> None:
    op.create_table(
        "input_profile",
        sa.Column("run_id", sa.Integer(), nullable=False, comment="The run"),
        sa.Column("column_name", sa.Text(), nullable=False, comment="Input column, or score"),
        sa.Column(
            "rows",
            sa.BigInteger(),
            nullable=False,
            comment="Rows looked at: a fixed sample for inputs, all for score",
        ),
        sa.Column("nulls", sa.BigInteger(), nullable=False, comment="Rows without a value"),
        sa.Column("distinct", sa.BigInteger(), nullable=False, comment="Different values"),
        sa.Column(
            "entities",
            sa.BigInteger(),
            nullable=False,
            comment="How many share the values: keys of the feature table, or else rows",
        ),
        sa.Column("mean", sa.Double(), nullable=True, comment="Of a column of numbers"),
        sa.Column("stddev", sa.Double(), nullable=True, comment="Of a column of numbers"),
        sa.Column(
            "quantiles",
            postgresql.ARRAY(sa.Double()),
            server_default=sa.text("'{}'::double precision[]"),
            nullable=False,
            comment="41 values of a column of numbers, from the least to the greatest, evenly spaced by rank",
        ),
        sa.Column(
            "categories",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
            comment="Of a column of texts: rows by category, the most frequent 200",
        ),
        sa.CheckConstraint("nulls BETWEEN 0 AND rows", name=op.f("input_profile_nulls_within_rows")),
        sa.ForeignKeyConstraint(["run_id"], ["nightjar.run.id"], name=op.f("input_profile_run_id_fk")),
        sa.PrimaryKeyConstraint("run_id", "column_name", name=op.f("input_profile_pk")),
        schema="nightjar",
        comment=(
            "What each input of a run looks like, and its scores: what later nights are compared with. "
            "Append-only."
        ),
    )
    op.execute(SCORES_OF_BEFORE)
    op.execute(
        "CREATE TRIGGER guard_rows AFTER INSERT ON nightjar.input_profile REFERENCING NEW TABLE AS added "
        "FOR EACH STATEMENT EXECUTE FUNCTION nightjar.guard_rows()"
    )
    op.execute(f"GRANT SELECT, INSERT ON nightjar.input_profile TO {WRITER}")
    findings = sa.Column(
        "findings",
        postgresql.ARRAY(sa.Text()),
        server_default=sa.text("'{}'::text[]"),
        nullable=False,
        comment="What the audit had against it, and the person accepted",
    )
    op.add_column("publication", findings, schema="nightjar")
    op.execute(f"GRANT INSERT (findings) ON nightjar.publication TO {WRITER}")


def downgrade() -> None:
    op.drop_column("publication", "findings", schema="nightjar")
    op.drop_table("input_profile", schema="nightjar")
