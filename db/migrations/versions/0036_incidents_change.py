"""An open incident may get another cause, and a row says which step of its incident it is."""

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"

WRITER = "nightjar_writer"
STEPS = ("began", "changed", "goes_on", "over", "unseen")
ENDS = "step IN ('over', 'unseen')"
STEP = (
    "began; changed: it has another cause, and is told again; goes_on: only its words changed; over: it is "
    "mended; unseen: nobody looks at it any more"
)
BECAUSE = "Name of the error or of the check; empty if the kind says it all"
COMMENT = (
    "What is or was wrong, a row for each step of an incident. Append-only: an incident is open while no row "
    "ends it."
)
BEFORE = (
    "What is or was wrong, a row where it began and a row where it ended. Append-only: an incident is open "
    "while no row ends it."
)


def upgrade() -> None:
    op.drop_constraint(op.f("incident_ends_fk"), "incident", schema="nightjar", type_="foreignkey")
    op.drop_constraint(op.f("incident_ends_earlier"), "incident", schema="nightjar", type_="check")
    for name in ("incident_ends_key", "incident_id_model_kind_subject_key"):
        op.drop_constraint(op.f(name), "incident", schema="nightjar", type_="unique")
    op.alter_column(
        "incident",
        "ends",
        new_column_name="continues",
        comment="The row where it began; null for that row",
        schema="nightjar",
    )
    for name, comment in (("step", STEP), ("because", BECAUSE)):
        op.add_column(
            "incident", sa.Column(name, sa.Text(), nullable=True, comment=comment), schema="nightjar"
        )
    op.execute("""
        UPDATE nightjar.incident SET
            step = CASE
                WHEN continues IS NULL THEN 'began'
                WHEN sentence LIKE 'This is told no more. %' THEN 'unseen' ELSE 'over'
            END,
            because = CASE WHEN starts_with(cause, kind || ' ') THEN substr(cause, length(kind) + 2) ELSE '' END
    """)
    # Two kinds of one subject were open for a minute when it became worse or better. Now it is one incident.
    op.execute("""
        UPDATE nightjar.incident AS later SET step = 'changed', continues = first.id
        FROM nightjar.incident AS first
        WHERE later.step = 'began' AND first.step = 'began' AND first.id < later.id
            AND (first.model, first.subject) = (later.model, later.subject)
            AND (first.kind, later.kind) IN (('failed', 'held_back'), ('disk_filling', 'disk_full'),
                ('held_back', 'failed'), ('disk_full', 'disk_filling'))
            AND NOT EXISTS (SELECT FROM nightjar.incident AS ended WHERE ended.continues IN (first.id, later.id))
    """)
    for name in ("step", "because"):
        op.alter_column("incident", name, nullable=False, schema="nightjar")
    op.create_unique_constraint(
        op.f("incident_id_model_subject_key"), "incident", ["id", "model", "subject"], schema="nightjar"
    )
    op.create_foreign_key(
        op.f("incident_continues_fk"),
        "incident",
        "incident",
        ["continues", "model", "subject"],
        ["id", "model", "subject"],
        source_schema="nightjar",
        referent_schema="nightjar",
    )
    op.create_check_constraint(
        op.f("incident_continues_earlier"), "incident", "continues < id", schema="nightjar"
    )
    listed = ", ".join(f"'{step}'" for step in STEPS)
    op.create_check_constraint(
        op.f("incident_step_known"), "incident", f"step IN ({listed})", schema="nightjar"
    )
    op.create_check_constraint(
        op.f("incident_continues_unless_it_begins"),
        "incident",
        "(continues IS NULL) = (step = 'began')",
        schema="nightjar",
    )
    op.create_index(op.f("incident_continues_idx"), "incident", ["continues"], schema="nightjar")
    op.create_index(
        op.f("incident_ended_once"),
        "incident",
        ["continues"],
        schema="nightjar",
        unique=True,
        postgresql_where=sa.text(ENDS),
    )
    op.create_table_comment("incident", schema="nightjar", comment=COMMENT)
    # EXPLAIN shows everybody what comes from statistics of values.
    op.execute("ALTER TABLE nightjar.incident ALTER step SET STATISTICS 0, ALTER because SET STATISTICS 0")
    op.execute(f"GRANT INSERT (step, because) ON nightjar.incident TO {WRITER}")


def downgrade() -> None:
    untold = "SELECT id FROM nightjar.incident WHERE step IN ('changed', 'goes_on')"
    op.execute(f"DELETE FROM nightjar.dispatch WHERE incident_id IN ({untold})")  # noqa: S608  # words of ours
    op.execute("DELETE FROM nightjar.incident WHERE step IN ('changed', 'goes_on')")
    op.execute("""
        UPDATE nightjar.incident AS ended SET kind = began.kind FROM nightjar.incident AS began
        WHERE began.id = ended.continues
    """)
    for name in ("incident_ended_once", "incident_continues_idx"):
        op.drop_index(op.f(name), table_name="incident", schema="nightjar")
    for name in ("incident_continues_unless_it_begins", "incident_step_known", "incident_continues_earlier"):
        op.drop_constraint(op.f(name), "incident", schema="nightjar", type_="check")
    op.drop_constraint(op.f("incident_continues_fk"), "incident", schema="nightjar", type_="foreignkey")
    op.drop_constraint(op.f("incident_id_model_subject_key"), "incident", schema="nightjar", type_="unique")
    for name in ("step", "because"):
        op.drop_column("incident", name, schema="nightjar")
    op.alter_column(
        "incident",
        "continues",
        new_column_name="ends",
        comment="The row that it ends; null for a beginning",
        schema="nightjar",
    )
    columns = ["id", "model", "kind", "subject"]
    op.create_unique_constraint(
        op.f("incident_id_model_kind_subject_key"), "incident", columns, schema="nightjar"
    )
    op.create_unique_constraint(op.f("incident_ends_key"), "incident", ["ends"], schema="nightjar")
    op.create_foreign_key(
        op.f("incident_ends_fk"),
        "incident",
        "incident",
        ["ends", *columns[1:]],
        columns,
        source_schema="nightjar",
        referent_schema="nightjar",
    )
    op.create_check_constraint(op.f("incident_ends_earlier"), "incident", "ends < id", schema="nightjar")
    op.create_table_comment("incident", schema="nightjar", comment=BEFORE)
