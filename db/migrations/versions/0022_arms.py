"""A challenger may serve a share of the entities: who served a row stands on it."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"

WRITER = "nightjar_writer"
SHARE = "Share of the entities that {} serves; 0 in shadow"
ARM = "champion or challenger: whose score is published; null where one version serves all rows"
ROLES = (
    "role IN ('champion', 'challenger', 'champion beside challenger')",
    ("role IN ('champion', 'challenger', 'champion beside challenger', 'challenger arm', 'champion arm')"),
)
"""Before and after."""
ADDED = {
    "promotion": "share",
    "run": "challenger_share",
    "score": "arm",
}
CHECKS = (
    ("promotion", "share_within_bounds", "share BETWEEN 0 AND 1"),
    ("promotion", "share_of_challenger", "share = 0 OR role = 'challenger'"),
    ("run", "share_within_bounds", "challenger_share BETWEEN 0 AND 1"),
    ("run", "share_of_challenger", "challenger_share = 0 OR challenger_id IS NOT NULL"),
    ("score", "arm_known", "arm IN ('champion', 'challenger')"),
    ("score", "arm_has_score", "arm <> 'challenger' OR challenger_score IS NOT NULL"),
)
CHANGES = {
    "guard_whole()": (("challenger_outputs, ", "challenger_outputs, arm, "),),
    "ensure_score_partition(date)": (
        (
            'ALTER "challenger_outputs" SET STATISTICS 0',
            'ALTER "challenger_outputs" SET STATISTICS 0, ALTER "arm" SET STATISTICS 0',
        ),
    ),
}
"""Function -> the pieces of its text before and after."""
COMMENTS = {
    "COLUMN nightjar.measurement.role": (
        (
            "champion: on all scored rows; challenger and champion beside challenger: on the rows that both "
            "scored"
        ),
        (
            "champion: what was published, of all scored rows; challenger and champion beside challenger: on "
            "the rows that both scored; challenger arm and champion arm: of these, on those that each served"
        ),
    ),
    "COLUMN nightjar.explanation.note": (
        "Why no row has reasons, as a learner without contributions; null otherwise",
        "Why rows have no reasons, as a learner without contributions; null otherwise",
    ),
}
"""Before and after."""


def upgrade() -> None:
    _add("promotion", _share("share", "a challenger"))
    _add("run", _share("challenger_share", "the challenger"))
    _add("score", sa.Column("arm", sa.Text(), nullable=True, comment=ARM))
    for table, name, condition in CHECKS:
        op.create_check_constraint(op.f(f"{table}_{name}"), table, condition, schema="nightjar")
    _allow(1)
    for function, pieces in CHANGES.items():
        _rewrite(function, pieces)
    _say(1)
    # EXPLAIN shows everybody what comes from statistics of values.
    op.execute("ALTER TABLE nightjar.score ALTER arm SET STATISTICS 0")
    for table, column in ADDED.items():
        op.execute(f"GRANT INSERT ({column}) ON nightjar.{table} TO {WRITER}")


def downgrade() -> None:
    op.execute(REFUSE_ARMS)
    _say(0)
    for function, pieces in CHANGES.items():
        _rewrite(function, [(after, before) for before, after in pieces])
    _allow(0)
    for table, column in ADDED.items():
        op.drop_column(table, column, schema="nightjar")


REFUSE_ARMS = """
DO $$
BEGIN
    IF EXISTS (SELECT FROM nightjar.run WHERE challenger_share > 0) THEN
        RAISE EXCEPTION 'a challenger has served rows: an older schema would call its scores the champion''s';
    END IF;
END
$$
"""


def _share(name: str, whose: str) -> sa.Column[float]:
    return sa.Column(name, sa.Double(), nullable=False, server_default="0", comment=SHARE.format(whose))


def _add(table: str, column: sa.Column[float] | sa.Column[str]) -> None:
    op.add_column(table, column, schema="nightjar")


def _allow(when: int) -> None:
    name = op.f("measurement_role_known")
    op.drop_constraint(name, "measurement", schema="nightjar", type_="check")
    op.create_check_constraint(name, "measurement", ROLES[when], schema="nightjar")


def _say(when: int) -> None:
    for what, comments in COMMENTS.items():
        op.execute(f"COMMENT ON {what} IS '{comments[when]}'")


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
