"""Publications commit in the order of their ids and notify listeners. Incidents and dispatches are kept."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"

WRITER = "nightjar_writer"
Columns = tuple[tuple[str, sa.types.TypeEngine[Any], str], ...]
INCIDENT: Columns = (
    ("model", sa.Text(), "Name of the model; empty for the platform itself"),
    ("kind", sa.Text(), "Which rule of docs/alerts.md"),
    ("subject", sa.Text(), "What it is about, as a score date; empty if the kind says it all"),
    ("severity", sa.Text(), "warning, or critical: a person has to act now"),
    ("cause", sa.Text(), "What it has in common with others that began for one cause; else the kind"),
    ("sentence", sa.Text(), "What is wrong, or that it has ended"),
    ("link", sa.Text(), "Page about it for people, if there is one"),
    ("runbook", sa.Text(), "Name of the runbook"),
    ("ends", sa.Integer(), "The row that it ends; null for a beginning"),
)
CHANNEL: Columns = (
    ("name", sa.Text(), "Name of the channel; it holds no URL"),
    (
        "after_publication",
        sa.Integer(),
        "It is told of publications with a greater id: those before it was known are past",
    ),
)
DISPATCH: Columns = (
    ("channel", sa.Text(), "Name of the channel"),
    ("publication_id", sa.Integer(), "The publication that was told"),
    ("incident_id", sa.Integer(), "The beginning or end of an incident that was told"),
    ("attempt", sa.Integer(), "Counts from 1"),
    ("arrived", sa.Boolean(), "Whether the receiver took it"),
    ("error", sa.Text(), "Why it did not arrive; it holds no URL"),
)
"""Name, type, comment."""
NULLABLE = {"link", "ends", "publication_id", "incident_id", "error"}
INSTANTS = {
    "incident": ("noted_at", "When it was noted"),
    "channel": ("known_since", "When it was first seen in the settings"),
    "dispatch": ("tried_at", "When it was tried"),
}

IDS = {"incident": "Order of noting", "dispatch": "Order of writing"}

IN_ORDER = """
CREATE FUNCTION nightjar.publish_in_order() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- Before the statement: the id is drawn afterwards. The lock is held until others see the row.
    PERFORM pg_advisory_xact_lock(hashtextextended('nightjar publications', 0));
    RETURN NULL;
END $$
"""
NOTIFY = """
CREATE FUNCTION nightjar.notify_of_publication() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM pg_notify('nightjar_publication', json_build_object(
        'publication_id', NEW.id, 'model', NEW.model, 'score_date', NEW.score_date, 'run_id', NEW.run_id,
        'revision', (SELECT revision FROM nightjar.run WHERE id = NEW.run_id), 'action', NEW.action
    )::text);
    RETURN NULL;
END $$
"""
TRIGGERS = (
    "publish_in_order BEFORE INSERT ON nightjar.publication FOR EACH STATEMENT",
    "notify_of_publication AFTER INSERT ON nightjar.publication FOR EACH ROW",
)


def upgrade() -> None:
    for function in (IN_ORDER, NOTIFY):
        op.execute(function)
    for trigger in TRIGGERS:
        name = trigger.partition(" ")[0]
        op.execute(f"REVOKE ALL ON FUNCTION nightjar.{name}() FROM PUBLIC")
        op.execute(f"CREATE TRIGGER {trigger} EXECUTE FUNCTION nightjar.{name}()")
    _create(
        "incident",
        INCIDENT,
        "What is or was wrong, a row where it began and a row where it ended. Append-only: an incident is "
        "open while no row ends it.",
        sa.UniqueConstraint(
            "id", "model", "kind", "subject", name=op.f("incident_id_model_kind_subject_key")
        ),
        sa.UniqueConstraint("ends", name=op.f("incident_ends_key")),
        sa.ForeignKeyConstraint(
            ["ends", "model", "kind", "subject"],
            [f"nightjar.incident.{name}" for name in ("id", "model", "kind", "subject")],
            name=op.f("incident_ends_fk"),
        ),
        sa.CheckConstraint("ends < id", name=op.f("incident_ends_earlier")),
        sa.CheckConstraint("severity IN ('warning', 'critical')", name=op.f("incident_severity_known")),
    )
    _create(
        "channel",
        CHANNEL,
        "Whom we tell of publications or incidents, from when on. Append-only.",
        sa.CheckConstraint("after_publication >= 0", name=op.f("channel_after_publication_counts_from_0")),
    )
    _create(
        "dispatch",
        DISPATCH,
        "Each attempt to tell a channel of a publication or an incident. Append-only: what has no attempt "
        "that arrived is still to be told.",
        sa.ForeignKeyConstraint(
            ["publication_id"], ["nightjar.publication.id"], name=op.f("dispatch_publication_id_fk")
        ),
        sa.ForeignKeyConstraint(
            ["incident_id"], ["nightjar.incident.id"], name=op.f("dispatch_incident_id_fk")
        ),
        sa.CheckConstraint("num_nonnulls(publication_id, incident_id) = 1", name=op.f("dispatch_about_one")),
        sa.ForeignKeyConstraint(["channel"], ["nightjar.channel.name"], name=op.f("dispatch_channel_fk")),
        sa.CheckConstraint("attempt > 0", name=op.f("dispatch_attempt_positive")),
    )
    for about in ("publication_id", "incident_id"):
        op.create_index(
            op.f(f"dispatch_channel_{about}_attempt_idx"),
            "dispatch",
            ["channel", about, "attempt"],
            unique=True,
            schema="nightjar",
        )


def downgrade() -> None:
    for table in ("dispatch", "channel", "incident"):
        op.drop_table(table, schema="nightjar")
    for trigger in TRIGGERS:
        name = trigger.partition(" ")[0]
        op.execute(f"DROP TRIGGER {name} ON nightjar.publication")
        op.execute(f"DROP FUNCTION nightjar.{name}()")


def _create(table: str, columns: Columns, comment: str, *constraints: Any) -> None:
    instant, about = INSTANTS[table]
    op.create_table(
        table,
        *_ids(table),
        *(
            sa.Column(name, kind, nullable=name in NULLABLE, comment=comment)
            for name, kind, comment in columns
        ),
        sa.Column(
            instant,
            sa.DateTime(timezone=True),
            nullable=False,
            server_default=sa.text("clock_timestamp()"),
            comment=about,
        ),
        sa.PrimaryKeyConstraint("id" if table in IDS else "name", name=op.f(f"{table}_pk")),
        *constraints,
        schema="nightjar",
        comment=comment,
    )
    # EXPLAIN shows everybody what comes from statistics of values.
    silent = ", ".join(
        f"ALTER {name} SET STATISTICS 0" for name in (*(name for name, *_ in columns), instant)
    )
    op.execute(f"ALTER TABLE nightjar.{table} {silent}")
    adds = ", ".join(name for name, *_ in columns)
    op.execute(f"GRANT SELECT, INSERT ({adds}) ON nightjar.{table} TO {WRITER}")


def _ids(table: str) -> list[sa.Column[Any]]:
    if table not in IDS:
        return []
    return [sa.Column("id", sa.Integer(), sa.Identity(always=True), comment=IDS[table])]
