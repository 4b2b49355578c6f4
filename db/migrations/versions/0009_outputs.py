"""A version may give several numbers a row: an interval beside a value, or a probability for each class.

They are stored as an array beside the score. Their names are facts of the version.
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"

WRITER = "nightjar_writer"
OF_VERSION = {
    "classes": (sa.Text(), "Names of the outcomes 0, 1, 2 and so on; empty for a kind without classes"),
    "outputs": (
        sa.Text(),
        "Names of the numbers that it gives beside the score, in the order of score.outputs; empty for none",
    ),
    "calibration": (sa.Double(), "Numbers that its kind needs to make outputs, as the reach of an interval"),
}
"""Column of model_version -> type of its elements, comment. Versions of before have none of all three."""

OUTPUTS = "Further numbers that the champion gives, named by the outputs of its version; null for none"

METRICS = (
    "Measurements on unseen dates: array of {metric, of, value}; one that is not defined is absent",
    "Measured on unseen dates: array of {metric, of, value, low, high}; what is not defined is absent",
)
"""What is said of model_version.metrics before and after."""

# A version without outputs costs no second look at the rows.
CHECK_OUTPUTS = """
        SELECT number, classes, outputs, score_low, score_high INTO says FROM nightjar.model_version
        WHERE id = (SELECT version_id FROM nightjar.run WHERE run.id = named.run_id);
        CONTINUE WHEN named.with_outputs = 0 AND cardinality(says.outputs) = 0;
        SELECT added.entity_key INTO unfit FROM added
        WHERE added.run_id = named.run_id AND added.score_date = named.score_date AND NOT coalesce(
            array_ndims(added.outputs) = 1
            AND cardinality(added.outputs) = cardinality(says.outputs)
            AND says.score_low <= ALL (added.outputs) AND says.score_high >= ALL (added.outputs)
            AND NOT added.outputs && '{NaN,Infinity,-Infinity}'::double precision[]
            AND (cardinality(says.classes) = 0 OR (
                SELECT abs(sum(probability) - 1) <= 1e-5 AND max(probability) = added.score
                FROM unnest(added.outputs) AS given (probability)
            )),
            false
        ) LIMIT 1;
        IF FOUND THEN
            RAISE EXCEPTION 'run % has outputs for % that version % cannot give: it gives % % from % to %',
                named.run_id, quote_literal(unfit), says.number, cardinality(says.outputs),
                CASE WHEN cardinality(says.classes) = 0 THEN 'finite numbers'
                    ELSE 'probabilities that add up to 1, and the greatest is the score,' END,
                says.score_low, says.score_high USING ERRCODE = 'check_violation';
        END IF;"""

CHANGES = {
    "guard_night()": (
        ("    outside record;\n", "    outside record;\n    says record;\n    unfit text;\n"),
        (
            "SELECT run_id, score_date, min(score)",
            "SELECT run_id, score_date, count(outputs) AS with_outputs, min(score)",
        ),
        ("END IF;\n    END LOOP;", f"END IF;{CHECK_OUTPUTS}\n    END LOOP;"),
    ),
    "guard_whole()": (
        ("SELECT entity_key, score, challenger", "SELECT entity_key, score, outputs, challenger"),
    ),
    "ensure_score_partition(date)": (
        (
            'ALTER "score" SET STATISTICS 0',
            'ALTER "score" SET STATISTICS 0, ALTER "outputs" SET STATISTICS 0',
        ),
    ),
}
"""Function -> the pieces of its text before and after."""

REFUSE_OUTPUTS = """
DO $$
BEGIN
    IF EXISTS (SELECT FROM nightjar.model_version WHERE cardinality(outputs) > 0) THEN
        RAISE EXCEPTION 'there are versions with several outputs: an older schema has no place for them';
    END IF;
END
$$
"""


def upgrade() -> None:
    for name, (element, comment) in OF_VERSION.items():
        column = sa.Column(
            name,
            postgresql.ARRAY(element),
            nullable=False,
            server_default=sa.text("'{}'"),
            comment=comment,
        )
        op.add_column("model_version", column, schema="nightjar")
    outputs = sa.Column("outputs", postgresql.ARRAY(sa.Double()), nullable=True, comment=OUTPUTS)
    op.add_column("score", outputs, schema="nightjar")
    op.execute("ALTER TABLE nightjar.score ALTER outputs SET STATISTICS 0")
    for function, pieces in CHANGES.items():
        _rewrite(function, pieces)
    op.execute(f"COMMENT ON COLUMN nightjar.model_version.metrics IS '{METRICS[1]}'")
    op.execute(f"GRANT INSERT ({', '.join(OF_VERSION)}) ON nightjar.model_version TO {WRITER}")
    op.execute(f"GRANT INSERT (outputs) ON nightjar.score TO {WRITER}")


def downgrade() -> None:
    op.execute(REFUSE_OUTPUTS)
    op.execute(f"COMMENT ON COLUMN nightjar.model_version.metrics IS '{METRICS[0]}'")
    for function, pieces in CHANGES.items():
        _rewrite(function, [(after, before) for before, after in pieces])
    op.drop_column("score", "outputs", schema="nightjar")
    for name in OF_VERSION:
        op.drop_column("model_version", name, schema="nightjar")


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
