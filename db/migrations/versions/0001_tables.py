"""The tables, as db/tables.py describes them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "dataset",
        sa.Column(
            "id", sa.Integer(), sa.Identity(always=True), nullable=False, comment="Identity of the snapshot"
        ),
        sa.Column("model", sa.Text(), nullable=False, comment="Name of the model it trains"),
        sa.Column(
            "sha256", sa.Text(), nullable=False, comment="Hash of the content, whatever the file encoding"
        ),
        sa.Column("uri", sa.Text(), nullable=False, comment="Where the Parquet file lies"),
        sa.Column("rows", sa.BigInteger(), nullable=False, comment="Number of rows"),
        sa.Column("first_date", sa.Date(), nullable=False, comment="First score date in it"),
        sa.Column("last_date", sa.Date(), nullable=False, comment="Last score date in it"),
        sa.Column(
            "known_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="Outcomes recorded up to this instant are in it",
        ),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
            comment="When it was registered",
        ),
        sa.CheckConstraint("sha256 ~ '^[0-9a-f]{64}$'", name=op.f("dataset_sha256_hex")),
        sa.CheckConstraint("first_date <= last_date", name=op.f("dataset_dates_ordered")),
        sa.CheckConstraint("rows > 0", name=op.f("dataset_rows_positive")),
        sa.PrimaryKeyConstraint("id", name=op.f("dataset_pk")),
        sa.UniqueConstraint("id", "model", name=op.f("dataset_id_model_key")),
        sa.UniqueConstraint("model", "sha256", name=op.f("dataset_model_sha256_key")),
        schema="nightjar",
        comment="Training snapshots. Append-only.",
    )
    op.create_table(
        "outcome",
        sa.Column("model", sa.Text(), nullable=False, comment="Name of the model"),
        sa.Column("score_date", sa.Date(), nullable=False, comment="Local calendar date it happened on"),
        sa.Column("entity_key", sa.Text(), nullable=False, comment="What it happened to"),
        sa.Column(
            "recorded_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="From when on it could be known",
        ),
        sa.Column("outcome", sa.SmallInteger(), nullable=False, comment="1 if the event happened, else 0"),
        sa.CheckConstraint("outcome IN (0, 1)", name=op.f("outcome_is_binary")),
        sa.PrimaryKeyConstraint("model", "score_date", "entity_key", "recorded_at", name=op.f("outcome_pk")),
        schema="nightjar",
        comment=(
            "What really happened. Append-only: a correction joins the row it corrects under its later "
            "recorded_at."
        ),
    )
    op.create_table(
        "model_version",
        sa.Column(
            "id", sa.Integer(), sa.Identity(always=True), nullable=False, comment="Identity of the version"
        ),
        sa.Column("model", sa.Text(), nullable=False, comment="Name of the model"),
        sa.Column("number", sa.Integer(), nullable=False, comment="Counts from 1 within the model"),
        sa.Column("algorithm", sa.Text(), nullable=False, comment="What made it, and so what can load it"),
        sa.Column("dataset_id", sa.Integer(), nullable=False, comment="The snapshot it was trained on"),
        sa.Column("artifact_uri", sa.Text(), nullable=False, comment="Where its bytes lie"),
        sa.Column("artifact_sha256", sa.Text(), nullable=False, comment="Hash of its bytes"),
        sa.Column(
            "reference_uri",
            sa.Text(),
            nullable=False,
            comment="Sample of training rows that drift is measured against",
        ),
        sa.Column(
            "params",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=False,
            comment="Parameters it was fitted with",
        ),
        sa.Column(
            "metrics",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=False,
            comment="Measurements on unseen dates; one that is not defined is absent",
        ),
        sa.Column(
            "gates", postgresql.JSONB(astext_type=sa.Text()), nullable=False, comment="Verdict of each gate"
        ),
        sa.Column("code_version", sa.Text(), nullable=False, comment="The code that trained it"),
        sa.Column(
            "trained_through",
            sa.Date(),
            nullable=False,
            comment="Last date whose outcomes it has seen; scores of that date or earlier are in-sample",
        ),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
            comment="When it was registered",
        ),
        sa.CheckConstraint(
            "artifact_sha256 ~ '^[0-9a-f]{64}$'", name=op.f("model_version_artifact_sha256_hex")
        ),
        sa.CheckConstraint("number > 0", name=op.f("model_version_number_positive")),
        sa.ForeignKeyConstraint(
            ["dataset_id", "model"],
            ["nightjar.dataset.id", "nightjar.dataset.model"],
            name=op.f("model_version_dataset_id_fk"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("model_version_pk")),
        sa.UniqueConstraint(
            "dataset_id", "artifact_sha256", name=op.f("model_version_dataset_id_artifact_sha256_key")
        ),
        sa.UniqueConstraint("id", "model", name=op.f("model_version_id_model_key")),
        sa.UniqueConstraint("model", "number", name=op.f("model_version_model_number_key")),
        schema="nightjar",
        comment="Trained models. Append-only.",
    )
    op.create_table(
        "promotion",
        sa.Column(
            "id", sa.Integer(), sa.Identity(always=True), nullable=False, comment="Order of the ledger"
        ),
        sa.Column("model", sa.Text(), nullable=False, comment="Name of the model"),
        sa.Column("version_id", sa.Integer(), nullable=False, comment="The version that got the role"),
        sa.Column(
            "role",
            sa.Text(),
            nullable=False,
            comment="champion: its scores are published; challenger: scores the same rows in shadow",
        ),
        sa.Column("reason", sa.Text(), nullable=False, comment="Why"),
        sa.Column(
            "actor",
            sa.Text(),
            server_default=sa.text("CURRENT_USER"),
            nullable=False,
            comment="Database user that promoted",
        ),
        sa.Column(
            "promoted_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
            comment="From when on it holds the role",
        ),
        sa.CheckConstraint("role IN ('champion', 'challenger')", name=op.f("promotion_role_known")),
        sa.ForeignKeyConstraint(
            ["version_id", "model"],
            ["nightjar.model_version.id", "nightjar.model_version.model"],
            name=op.f("promotion_version_id_fk"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("promotion_pk")),
        schema="nightjar",
        comment="Who held which role from when on. Append-only: the newest row of a model and role counts.",
    )
    op.create_index(
        op.f("promotion_model_role_idx"),
        "promotion",
        ["model", "role", sa.literal_column("id DESC")],
        unique=False,
        schema="nightjar",
    )
    op.create_table(
        "run",
        sa.Column(
            "id", sa.Integer(), sa.Identity(always=True), nullable=False, comment="Identity of the run"
        ),
        sa.Column("model", sa.Text(), nullable=False, comment="Name of the model"),
        sa.Column("score_date", sa.Date(), nullable=False, comment="Local calendar date that is scored"),
        sa.Column(
            "revision",
            sa.Integer(),
            nullable=False,
            comment="Counts from 1 within the night; a forced rerun is the next one",
        ),
        sa.Column(
            "attempt",
            sa.Integer(),
            server_default=sa.text("1"),
            nullable=False,
            comment="How many processes claimed it; only the newest may write and publish",
        ),
        sa.Column(
            "state",
            sa.Text(),
            server_default=sa.text("'claimed'"),
            nullable=False,
            comment="claimed, published, failed (resumable) or abandoned (replaced before it was published)",
        ),
        sa.Column(
            "as_of",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="Instant up to which anything may be known",
        ),
        sa.Column(
            "version_id", sa.Integer(), nullable=False, comment="The champion when the run was first claimed"
        ),
        sa.Column(
            "challenger_id", sa.Integer(), nullable=True, comment="The challenger then, scored in shadow"
        ),
        sa.Column(
            "population_uri", sa.Text(), nullable=True, comment="Where the snapshot of the population lies"
        ),
        sa.Column("population_sha256", sa.Text(), nullable=True, comment="Hash of the snapshot"),
        sa.Column(
            "population_rows",
            sa.BigInteger(),
            nullable=True,
            comment="Rows to account for: scored + quarantined",
        ),
        sa.Column(
            "population_parts", sa.Integer(), nullable=True, comment="Parts the population is cut into"
        ),
        sa.Column("flow_run", sa.Text(), nullable=True, comment="Flow run that claimed it last"),
        sa.Column("error", sa.Text(), nullable=True, comment="Why the last attempt ended, if it failed"),
        sa.Column(
            "claimed_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
            comment="When it was claimed last",
        ),
        sa.Column(
            "ended_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="When the last attempt published or failed",
        ),
        sa.CheckConstraint(
            "state <> 'published' OR population_rows IS NOT NULL", name=op.f("run_published_has_population")
        ),
        sa.CheckConstraint(
            "state IN ('claimed', 'published', 'failed', 'abandoned')", name=op.f("run_state_known")
        ),
        sa.CheckConstraint(
            "num_nulls(population_uri, population_sha256, population_rows, population_parts) IN (0, 4)",
            name=op.f("run_population_whole"),
        ),
        sa.CheckConstraint(
            "population_rows > 0 AND population_parts > 0", name=op.f("run_population_positive")
        ),
        sa.CheckConstraint("revision > 0 AND attempt > 0", name=op.f("run_counts_positive")),
        sa.ForeignKeyConstraint(
            ["challenger_id", "model"],
            ["nightjar.model_version.id", "nightjar.model_version.model"],
            name=op.f("run_challenger_id_fk"),
        ),
        sa.ForeignKeyConstraint(
            ["version_id", "model"],
            ["nightjar.model_version.id", "nightjar.model_version.model"],
            name=op.f("run_version_id_fk"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("run_pk")),
        sa.UniqueConstraint("id", "model", "score_date", name=op.f("run_id_model_score_date_key")),
        sa.UniqueConstraint(
            "model", "score_date", "revision", name=op.f("run_model_score_date_revision_key")
        ),
        schema="nightjar",
        comment="One row a revision of a night (model, score date).",
    )
    op.create_table(
        "drift",
        sa.Column("run_id", sa.Integer(), nullable=False, comment="The run"),
        sa.Column("method", sa.Text(), nullable=False, comment="How the distance was measured"),
        sa.Column("column_name", sa.Text(), nullable=False, comment="Input column, or score"),
        sa.Column(
            "value", sa.Double(), nullable=True, comment="The distance; null where it cannot be computed"
        ),
        sa.Column("threshold", sa.Double(), nullable=True, comment="Above it the column counts as drifted"),
        sa.Column("drifted", sa.Boolean(), nullable=False, comment="The verdict"),
        sa.Column("null_share", sa.Double(), nullable=False, comment="Share of nulls in the night"),
        sa.Column(
            "reference_null_share",
            sa.Double(),
            nullable=False,
            comment="Share of nulls in the training sample",
        ),
        sa.Column("note", sa.Text(), nullable=True, comment="What else to know, as: all values are missing"),
        sa.Column(
            "measured_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
            comment="When it was measured",
        ),
        sa.ForeignKeyConstraint(["run_id"], ["nightjar.run.id"], name=op.f("drift_run_id_fk")),
        sa.PrimaryKeyConstraint("run_id", "method", "column_name", name=op.f("drift_pk")),
        schema="nightjar",
        comment="Each column of a night against the training sample, by one or more methods.",
    )
    op.create_table(
        "performance",
        sa.Column("run_id", sa.Integer(), nullable=False, comment="The run"),
        sa.Column("rows", sa.BigInteger(), nullable=False, comment="Scored rows"),
        sa.Column(
            "with_outcome", sa.BigInteger(), nullable=False, comment="Scored rows whose outcome was known"
        ),
        sa.Column("base_rate", sa.Double(), nullable=True, comment="Share of ones among the outcomes"),
        sa.Column("mean_score", sa.Double(), nullable=True, comment="Mean score of the rows with an outcome"),
        sa.Column(
            "auc",
            sa.Double(),
            nullable=True,
            comment="Area under the ROC curve; null if all outcomes are alike",
        ),
        sa.Column("pr_auc", sa.Double(), nullable=True, comment="Average precision"),
        sa.Column("brier", sa.Double(), nullable=True, comment="Mean squared error of the score"),
        sa.Column("ece", sa.Double(), nullable=True, comment="Expected calibration error"),
        sa.Column(
            "measured_at",
            sa.DateTime(timezone=True),
            nullable=False,
            comment="Outcomes known by this instant were counted",
        ),
        sa.CheckConstraint("with_outcome BETWEEN 0 AND rows", name=op.f("performance_outcomes_within_rows")),
        sa.ForeignKeyConstraint(["run_id"], ["nightjar.run.id"], name=op.f("performance_run_id_fk")),
        sa.PrimaryKeyConstraint("run_id", name=op.f("performance_pk")),
        schema="nightjar",
        comment="How a published run did once outcomes were known; the newest measurement of each.",
    )
    op.create_table(
        "publication",
        sa.Column(
            "id", sa.Integer(), sa.Identity(always=True), nullable=False, comment="Order of the ledger"
        ),
        sa.Column("model", sa.Text(), nullable=False, comment="Name of the model"),
        sa.Column("score_date", sa.Date(), nullable=False, comment="Local calendar date that is scored"),
        sa.Column("run_id", sa.Integer(), nullable=False, comment="The run that is visible from now on"),
        sa.Column(
            "action", sa.Text(), nullable=False, comment="publish, or rollback to a run published earlier"
        ),
        sa.Column("reason", sa.Text(), nullable=True, comment="Why, where a person decided"),
        sa.Column(
            "actor",
            sa.Text(),
            server_default=sa.text("CURRENT_USER"),
            nullable=False,
            comment="Database user that published",
        ),
        sa.Column("flow_run", sa.Text(), nullable=True, comment="Flow run that published"),
        sa.Column(
            "published_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
            comment="From when on it is visible",
        ),
        sa.CheckConstraint("action IN ('publish', 'rollback')", name=op.f("publication_action_known")),
        sa.ForeignKeyConstraint(
            ["run_id", "model", "score_date"],
            ["nightjar.run.id", "nightjar.run.model", "nightjar.run.score_date"],
            name=op.f("publication_run_id_fk"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("publication_pk")),
        schema="nightjar",
        comment=(
            "Which run analysts see of a night. Append-only: the newest row of a model and score date counts."
        ),
    )
    op.create_index(
        op.f("publication_model_score_date_idx"),
        "publication",
        ["model", "score_date", sa.literal_column("id DESC")],
        unique=False,
        schema="nightjar",
    )
    op.create_index(
        "publication_once_a_run",
        "publication",
        ["run_id"],
        unique=True,
        schema="nightjar",
        postgresql_where=sa.text("action = 'publish'"),
    )
    op.create_table(
        "receipt",
        sa.Column("run_id", sa.Integer(), nullable=False, comment="The run"),
        sa.Column("part", sa.Integer(), nullable=False, comment="Number of the part, from 0"),
        sa.Column("rows", sa.Integer(), nullable=False, comment="Rows of the population in this part"),
        sa.Column("scored", sa.Integer(), nullable=False, comment="Rows that got a score"),
        sa.Column("quarantined", sa.Integer(), nullable=False, comment="Rows that broke the contract"),
        sa.Column("attempt", sa.Integer(), nullable=False, comment="Attempt of the run that stored it"),
        sa.Column(
            "stored_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
            comment="When it was stored",
        ),
        sa.CheckConstraint("part >= 0", name=op.f("receipt_part_counts_from_0")),
        sa.CheckConstraint(
            "scored >= 0 AND quarantined >= 0 AND rows = scored + quarantined", name=op.f("receipt_adds_up")
        ),
        sa.ForeignKeyConstraint(["run_id"], ["nightjar.run.id"], name=op.f("receipt_run_id_fk")),
        sa.PrimaryKeyConstraint("run_id", "part", name=op.f("receipt_pk")),
        schema="nightjar",
        comment="Proof that a part is stored, written in the transaction of its rows. Append-only.",
    )
    op.create_table(
        "report",
        sa.Column("id", sa.Integer(), sa.Identity(always=True), nullable=False, comment="Order of writing"),
        sa.Column("run_id", sa.Integer(), nullable=False, comment="The run"),
        sa.Column("kind", sa.Text(), nullable=False, comment="drift, ..."),
        sa.Column("uri", sa.Text(), nullable=False, comment="Where the file lies"),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
            comment="When it was written",
        ),
        sa.ForeignKeyConstraint(["run_id"], ["nightjar.run.id"], name=op.f("report_run_id_fk")),
        sa.PrimaryKeyConstraint("id", name=op.f("report_pk")),
        sa.UniqueConstraint("run_id", "uri", name=op.f("report_run_id_uri_key")),
        schema="nightjar",
        comment="Where the reports of a run lie.",
    )
    op.create_table(
        "score",
        sa.Column("score_date", sa.Date(), nullable=False, comment="Local calendar date that is scored"),
        sa.Column("run_id", sa.Integer(), nullable=False, comment="The run that scored it"),
        sa.Column("entity_key", sa.Text(), nullable=False, comment="What is scored"),
        sa.Column("part", sa.Integer(), nullable=False, comment="Part of the run it came with"),
        sa.Column("score", sa.Double(), nullable=False, comment="Probability given by the champion"),
        sa.Column(
            "challenger_score",
            sa.Double(),
            nullable=True,
            comment="Probability given by the challenger, in shadow",
        ),
        sa.CheckConstraint("challenger_score BETWEEN 0 AND 1", name=op.f("score_challenger_is_probability")),
        sa.CheckConstraint(
            "octet_length(entity_key) BETWEEN 1 AND 512", name=op.f("score_entity_key_length")
        ),
        sa.CheckConstraint("score BETWEEN 0 AND 1", name=op.f("score_is_probability")),
        sa.ForeignKeyConstraint(["run_id"], ["nightjar.run.id"], name=op.f("score_run_id_fk")),
        sa.PrimaryKeyConstraint("score_date", "run_id", "entity_key", name=op.f("score_pk")),
        schema="nightjar",
        comment="Scores of all runs, published or not, one partition a month of score_date. Append-only.",
        postgresql_partition_by="RANGE (score_date)",
    )
    op.create_table(
        "quarantined_row",
        sa.Column("run_id", sa.Integer(), nullable=False, comment="The run"),
        sa.Column("part", sa.Integer(), nullable=False, comment="Part of the run it came with"),
        sa.Column("row_number", sa.Integer(), nullable=False, comment="Counts from 0 within the part"),
        sa.Column("entity_key", sa.Text(), nullable=True, comment="What it would have scored, if it says so"),
        sa.Column(
            "reasons",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=False,
            comment="Array of {column, check, value}",
        ),
        sa.Column("row", postgresql.JSONB(astext_type=sa.Text()), nullable=False, comment="The row itself"),
        sa.CheckConstraint("jsonb_typeof(reasons) = 'array'", name=op.f("quarantined_row_reasons_is_array")),
        sa.ForeignKeyConstraint(
            ["run_id", "part"],
            ["nightjar.receipt.run_id", "nightjar.receipt.part"],
            name=op.f("quarantined_row_run_id_fk"),
        ),
        sa.PrimaryKeyConstraint("run_id", "part", "row_number", name=op.f("quarantined_row_pk")),
        schema="nightjar",
        comment="Population rows that broke the contract, whole, with the reasons. Append-only.",
    )


def downgrade() -> None:
    op.drop_table("quarantined_row", schema="nightjar")
    op.drop_table("score", schema="nightjar")
    op.drop_table("report", schema="nightjar")
    op.drop_table("receipt", schema="nightjar")
    op.drop_index(
        "publication_once_a_run",
        table_name="publication",
        schema="nightjar",
        postgresql_where=sa.text("action = 'publish'"),
    )
    op.drop_index(op.f("publication_model_score_date_idx"), table_name="publication", schema="nightjar")
    op.drop_table("publication", schema="nightjar")
    op.drop_table("performance", schema="nightjar")
    op.drop_table("drift", schema="nightjar")
    op.drop_table("run", schema="nightjar")
    op.drop_index(op.f("promotion_model_role_idx"), table_name="promotion", schema="nightjar")
    op.drop_table("promotion", schema="nightjar")
    op.drop_table("model_version", schema="nightjar")
    op.drop_table("outcome", schema="nightjar")
    op.drop_table("dataset", schema="nightjar")
