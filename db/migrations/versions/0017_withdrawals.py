"""A challenger may be withdrawn: then nobody scores in shadow."""

from alembic import op

revision = "0017"
down_revision = "0016"

ROLES = (
    "role IN ('champion', 'challenger', 'withdrawn')",
    "role IN ('champion', 'challenger')",
)
BEFORE = "champion: its scores are published; challenger: scores the same rows in shadow"
COMMENTS = (f"{BEFORE}; withdrawn: no longer challenger", BEFORE)
"""After and before."""


def upgrade() -> None:
    _say(0)


def downgrade() -> None:
    # Raises if a challenger was withdrawn: an older schema has no place for that.
    _say(1)


def _say(when: int) -> None:
    name = op.f("promotion_role_known")
    op.drop_constraint(name, "promotion", schema="nightjar", type_="check")
    op.create_check_constraint(name, "promotion", ROLES[when], schema="nightjar")
    op.execute(f"COMMENT ON COLUMN nightjar.promotion.role IS '{COMMENTS[when]}'")
