"""A day of outcomes may count and be doubted: people are told of it, and nothing is held."""

from alembic import op

revision = "0035"
down_revision = "0034"

TABLE, NAME = "outcome_check", "outcome_check_verdict_known"
BEFORE = "passed; held: waits for a person, and nothing reads the day; accepted or refused by a person"
NOW = (
    "passed; doubted: counts, and people are told; held: waits for a person, and nothing reads the day; "
    "accepted or refused by a person"
)


def upgrade() -> None:
    _verdicts(("passed", "doubted", "held", "accepted", "refused"), NOW)


def downgrade() -> None:
    op.execute("UPDATE nightjar.outcome_check SET verdict = 'passed' WHERE verdict = 'doubted'")
    _verdicts(("passed", "held", "accepted", "refused"), BEFORE)


def _verdicts(known: tuple[str, ...], comment: str) -> None:
    listed = ", ".join(f"'{verdict}'" for verdict in known)
    op.drop_constraint(op.f(NAME), TABLE, schema="nightjar", type_="check")
    op.create_check_constraint(op.f(NAME), TABLE, f"verdict IN ({listed})", schema="nightjar")
    op.execute(f"COMMENT ON COLUMN nightjar.{TABLE}.verdict IS '{comment}'")
