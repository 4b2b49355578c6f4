"""The schema: one SQLModel class for each table, with the comments that the database shows.

Migrations are checked against these classes. Rows are only ever added to every table except `run`; the
writer's privileges enforce this. Constraints here and triggers of the migrations check the columns that the
writer may set. The database sets the other columns.
"""

from datetime import date, datetime
from typing import Any, ClassVar

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Date,
    DateTime,
    Double,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy import Table as SqlTable
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.types import Boolean, TypeEngine
from sqlmodel import Field, SQLModel

from nightjar.core.places import PLACE

SCHEMA = "nightjar"
OF_OUR_TIME = "BETWEEN '1890-01-01' AND '2210-01-01'"
"""The bounds of every date and instant that the writer may set.

They exclude infinity. They leave a margin around the years that a command line accepts.
"""

MEASURED_ROLES = (
    "champion",
    "challenger",
    "champion beside challenger",
    "challenger arm",
    "champion arm",
)
EXPECTING = ("PAPE", "CBPE", "trailing mean")
RUN_STATES = ("claimed", "published", "failed", "abandoned", "pruned")


class Table(SQLModel):
    """Base of the tables, with its own metadata: other libraries define tables in SQLModel's metadata."""

    # SQLModel declares a computed name; ours is a constant.
    __tablename__: ClassVar[str]  # pyright: ignore[reportIncompatibleVariableOverride, reportIncompatibleMethodOverride]
    __table__: ClassVar[SqlTable]
    metadata = MetaData(
        schema=SCHEMA,
        naming_convention={
            "pk": "%(table_name)s_pk",
            "fk": "%(table_name)s_%(column_0_name)s_fk",
            "uq": "%(table_name)s_%(column_0_N_name)s_key",
            "ck": "%(table_name)s_%(constraint_name)s",
            "ix": "%(table_name)s_%(column_0_N_name)s_idx",
        },
    )


def _column(
    type_: TypeEngine[Any], comment: str, *, null: bool = False, key: bool = False, default: str | None = None
) -> Any:
    server_default = None if default is None else text(default)
    return Field(
        default=None,
        sa_column=Column(
            type_, comment=comment, nullable=null, primary_key=key, server_default=server_default
        ),
    )


def _id(comment: str) -> Any:
    return Field(
        default=None, sa_column=Column(Integer, Identity(always=True), primary_key=True, comment=comment)
    )


def _instant(comment: str, *, null: bool = False, key: bool = False, now: bool = False) -> Any:
    return _column(
        DateTime(timezone=True), comment, null=null, key=key, default="clock_timestamp()" if now else None
    )


def _one_of(column: str, values: tuple[str, ...]) -> CheckConstraint:
    return CheckConstraint(
        f"{column} IN ({', '.join(repr(value) for value in values)})", name=f"{column}_known"
    )


def _sha256(column: str) -> CheckConstraint:
    return CheckConstraint(f"{column} ~ '^[0-9a-f]{{64}}$'", name=f"{column}_hex")


def _place(column: str) -> CheckConstraint:
    return CheckConstraint(f"{column} ~ '{PLACE}'", name=f"{column}_of_store")


def _of_our_time(*columns: str) -> tuple[CheckConstraint, ...]:
    return tuple(
        CheckConstraint(f"{column} {OF_OUR_TIME}", name=f"{column}_of_our_time") for column in columns
    )


class DatasetRow(Table, table=True):
    __tablename__ = "dataset"
    __table_args__ = (
        UniqueConstraint("model", "sha256"),
        UniqueConstraint("id", "model"),
        CheckConstraint("rows > 0", name="rows_positive"),
        CheckConstraint("first_date <= last_date", name="dates_ordered"),
        _sha256("sha256"),
        _place("uri"),
        *_of_our_time("first_date", "last_date", "known_at"),
        {"comment": "Training snapshots. Append-only."},
    )
    id: int = _id("Identity of the snapshot")
    model: str = _column(Text(), "Name of the model it trains")
    sha256: str = _column(Text(), "Hash of the content, whatever the file encoding")
    uri: str = _column(Text(), "Where the Parquet file lies")
    rows: int = _column(BigInteger(), "Number of rows")
    first_date: date = _column(Date(), "First score date in it")
    last_date: date = _column(Date(), "Last score date in it")
    known_at: datetime = _instant("Outcomes recorded up to this instant are in it")
    created_at: datetime = _instant("When it was registered", now=True)


class VersionRow(Table, table=True):
    __tablename__ = "model_version"
    __table_args__ = (
        UniqueConstraint("model", "number"),
        UniqueConstraint("id", "model"),
        UniqueConstraint("dataset_id", "artifact_sha256"),
        ForeignKeyConstraint(["dataset_id", "model"], ["dataset.id", "dataset.model"]),
        ForeignKeyConstraint(["model", "refit_of"], ["model_version.model", "model_version.number"]),
        CheckConstraint("number > 0", name="number_positive"),
        CheckConstraint("refit_of < number", name="refit_of_earlier"),
        CheckConstraint("score_low < score_high AND score_high <= 'Infinity'", name="score_bounds_ordered"),
        _sha256("artifact_sha256"),
        _place("artifact_uri"),
        _place("reference_uri"),
        _place("evidence_uri"),
        _sha256("evidence_sha256"),
        _place("golden_uri"),
        _sha256("golden_sha256"),
        CheckConstraint("num_nulls(golden_uri, golden_sha256) IN (0, 2)", name="golden_whole"),
        CheckConstraint("num_nulls(evidence_uri, evidence_sha256) IN (0, 2)", name="evidence_whole"),
        *_of_our_time("trained_through"),
        {"comment": "Trained models. Append-only."},
    )
    id: int = _id("Identity of the version")
    model: str = _column(Text(), "Name of the model")
    number: int = _column(Integer(), "Counts from 1 within the model")
    kind: str = _column(Text(), "What its scores and outcomes mean; nightjar/core/kinds has one file a kind")
    score_low: float = _column(Double(), "Least score that it may give; -Infinity where there is no bound")
    score_high: float = _column(Double(), "Greatest score that it may give; Infinity where there is no bound")
    outcomes: list[float] | None = _column(
        ARRAY(Double()),
        "What an outcome may be; null where it may be any number within the bounds of a score",
        null=True,
    )
    classes: list[str] = _column(
        ARRAY(Text()),
        "Names of the outcomes 0, 1, 2 and so on; empty for a kind without classes",
        default="'{}'",
    )
    outputs: list[str] = _column(
        ARRAY(Text()),
        "Names of the numbers that it gives beside the score, in the order of score.outputs; empty for none",
        default="'{}'",
    )
    calibration: list[float] = _column(
        ARRAY(Double()),
        "Numbers that its kind needs to make outputs, as the reach of an interval",
        default="'{}'",
    )
    algorithm: str = _column(Text(), "What made it, and so what can load it")
    dataset_id: int = _column(Integer(), "The snapshot it was trained on")
    artifact_uri: str = _column(Text(), "Where its bytes lie")
    artifact_sha256: str = _column(Text(), "Hash of its bytes")
    reference_uri: str = _column(Text(), "Sample of training rows that drift is measured against")
    params: dict[str, Any] = _column(JSONB(), "Parameters it was fitted with")
    metrics: list[dict[str, Any]] = _column(
        JSONB(),
        "Measured on unseen dates: array of {metric, of, value, low, high}; what is not defined is absent",
    )
    gates: list[dict[str, Any]] = _column(JSONB(), "Verdict of each gate")
    evidence_uri: str | None = _column(
        Text(), "All that was measured of it, as JSON; null for versions of before evidence", null=True
    )
    evidence_sha256: str | None = _column(Text(), "Hash of the evidence", null=True)
    golden_uri: str | None = _column(
        Text(), "Unseen rows with what it gave for them; null for versions of before golden rows", null=True
    )
    golden_sha256: str | None = _column(Text(), "Hash of the golden rows", null=True)
    record: dict[str, Any] | None = _column(
        JSONB(none_as_null=True),
        (
            "What it was made of: snapshot, windows, seed, code, recipes of features, libraries and threads; "
            "null for versions of before records"
        ),
        null=True,
    )
    code_version: str = _column(Text(), "The code that trained it")
    trained_through: date = _column(
        Date(), "Last date whose outcomes it has seen; scores of that date or earlier are in-sample"
    )
    refit_of: int | None = _column(
        Integer(),
        "Number of the version whose recipe it fits on all that is known, and which was judged; else null",
        null=True,
    )
    created_at: datetime = _instant("When it was registered", now=True)


class PromotionRow(Table, table=True):
    __tablename__ = "promotion"
    __table_args__ = (
        ForeignKeyConstraint(["version_id", "model"], ["model_version.id", "model_version.model"]),
        _one_of("role", ("champion", "challenger", "withdrawn")),
        CheckConstraint("share BETWEEN 0 AND 1", name="share_within_bounds"),
        CheckConstraint("share = 0 OR role = 'challenger'", name="share_of_challenger"),
        Index(None, "model", "role", text("id DESC")),
        {
            "comment": (
                "Who held which role from when on. Append-only: the newest row of a model and role counts."
            )
        },
    )
    id: int = _id("Order of the ledger")
    model: str = _column(Text(), "Name of the model")
    version_id: int = _column(Integer(), "The version that got the role")
    role: str = _column(
        Text(),
        (
            "champion: its scores are published; challenger: scores the same rows in shadow; "
            "withdrawn: no longer challenger"
        ),
    )
    share: float = _column(
        Double(), "Share of the entities that a challenger serves; 0 in shadow", default="0"
    )
    reason: str = _column(Text(), "Why")
    actor: str = _column(Text(), "Database user that promoted", default="CURRENT_USER")
    promoted_at: datetime = _instant("From when on it holds the role", now=True)


class RunRow(Table, table=True):
    __tablename__ = "run"
    __table_args__ = (
        UniqueConstraint("model", "score_date", "revision"),
        UniqueConstraint("id", "model", "score_date"),
        ForeignKeyConstraint(["version_id", "model"], ["model_version.id", "model_version.model"]),
        ForeignKeyConstraint(["challenger_id", "model"], ["model_version.id", "model_version.model"]),
        ForeignKeyConstraint(["base_id", "model", "score_date"], ["run.id", "run.model", "run.score_date"]),
        CheckConstraint("known_at >= as_of", name="known_at_not_before_as_of"),
        CheckConstraint("revision > 0 AND attempt > 0", name="counts_positive"),
        CheckConstraint("challenger_share BETWEEN 0 AND 1", name="share_within_bounds"),
        CheckConstraint("challenger_share = 0 OR challenger_id IS NOT NULL", name="share_of_challenger"),
        CheckConstraint("population_rows > 0 AND population_parts > 0", name="population_positive"),
        CheckConstraint(
            "num_nulls(population_uri, population_sha256, population_rows, population_parts) IN (0, 4)",
            name="population_whole",
        ),
        CheckConstraint(
            "state <> 'published' OR population_rows IS NOT NULL", name="published_has_population"
        ),
        _one_of("state", RUN_STATES),
        _sha256("population_sha256"),
        _place("population_uri"),
        *_of_our_time("score_date", "as_of", "known_at"),
        {"comment": "One row a revision of a night (model, score date)."},
    )
    id: int = _id("Identity of the run")
    model: str = _column(Text(), "Name of the model")
    score_date: date = _column(Date(), "Local calendar date that is scored")
    revision: int = _column(Integer(), "Counts from 1 within the night; a forced rerun is the next one")
    attempt: int = _column(
        Integer(), "How many processes claimed it; only the newest may write and publish", default="1"
    )
    state: str = _column(
        Text(),
        (
            "claimed, published, failed (resumable), abandoned (replaced before it was published) or pruned "
            "(never published, and its rows are gone)"
        ),
        default="'claimed'",
    )
    as_of: datetime = _instant("Instant up to which anything may be known")
    known_at: datetime = _instant(
        "Corrections recorded up to this instant count; as_of, unless a later one was asked for"
    )
    base_id: int | None = _column(
        Integer(), "The published run it repairs, whose scores of untouched rows it keeps", null=True
    )
    version_id: int = _column(Integer(), "The champion when the run was first claimed")
    challenger_id: int | None = _column(Integer(), "The challenger then, scored in shadow", null=True)
    challenger_share: float = _column(
        Double(), "Share of the entities that the challenger serves; 0 in shadow", default="0"
    )
    population_uri: str | None = _column(Text(), "Where the snapshot of the population lies", null=True)
    population_sha256: str | None = _column(Text(), "Hash of the snapshot", null=True)
    population_rows: int | None = _column(
        BigInteger(), "Rows to account for: scored + quarantined", null=True
    )
    population_parts: int | None = _column(Integer(), "Parts the population is cut into", null=True)
    flow_run: str | None = _column(Text(), "Flow run that claimed it last", null=True)
    error: str | None = _column(Text(), "Why the last attempt ended, if it failed", null=True)
    claimed_at: datetime = _instant("When it was claimed last", now=True)
    ended_at: datetime | None = _instant("When the last attempt published or failed", null=True)


class ReceiptRow(Table, table=True):
    __tablename__ = "receipt"
    __table_args__ = (
        ForeignKeyConstraint(["run_id"], ["run.id"]),
        CheckConstraint("scored >= 0 AND quarantined >= 0 AND rows = scored + quarantined", name="adds_up"),
        CheckConstraint("part >= 0", name="part_counts_from_0"),
        CheckConstraint("jsonb_typeof(broken) = 'array'", name="broken_is_array"),
        {"comment": "Proof that a part is stored, written in the transaction of its rows. Append-only."},
    )
    run_id: int = _column(Integer(), "The run", key=True)
    part: int = _column(Integer(), "Number of the part, from 0", key=True)
    rows: int = _column(Integer(), "Rows of the population in this part")
    scored: int = _column(Integer(), "Rows that got a score")
    quarantined: int = _column(Integer(), "Rows that broke the contract")
    broken: list[dict[str, Any]] = _column(
        JSONB(),
        "Array of {column, check, rows}: how many rows broke each check; a row may break several",
        default="'[]'::jsonb",
    )
    sketch: str | None = _column(
        Text(),
        "Its scores in numbers, as JSON: mean, quantiles, the highest; null for parts of before sketches",
        null=True,
    )
    attempt: int = _column(Integer(), "Attempt of the run that stored it")
    stored_at: datetime = _instant("When it was stored", now=True)


class StageRow(Table, table=True):
    __tablename__ = "stage"
    __table_args__ = (
        ForeignKeyConstraint(["run_id"], ["run.id"]),
        ForeignKeyConstraint(
            ["run_id", "part"], ["receipt.run_id", "receipt.part"], name="stage_of_receipt_fk"
        ),
        CheckConstraint(
            "least(seconds, cpu_seconds, peak_memory, rows, size, quarantined, retries) >= 0",
            name="numbers_from_0",
        ),
        CheckConstraint("part IS NULL OR error IS NULL", name="part_ended_well"),
        *_of_our_time("started_at"),
        # Nulls differ from one another: a run as a whole may repeat a stage.
        Index("stage_once_a_part", "run_id", "part", "stage", "role", unique=True),
        {"comment": "What each stage of a run took, of its parts and of the run as a whole. Append-only."},
    )
    id: int = _id("Order of writing")
    run_id: int = _column(Integer(), "The run")
    attempt: int = _column(Integer(), "Attempt of the run that did it")
    part: int | None = _column(Integer(), "Part of the run; null for the run as a whole", null=True)
    stage: str = _column(Text(), "population, snapshot, retrieval, ...: docs/telemetry.md lists them")
    role: str = _column(Text(), "champion or challenger; empty for a stage that both share")
    started_at: datetime = _instant("When it began")
    seconds: float = _column(Double(), "How long it took")
    cpu_seconds: float = _column(
        Double(),
        "CPU time of its process; stages that ran at once share it equally. Postgres itself is not in it",
    )
    peak_memory: int = _column(BigInteger(), "Bytes: the most that its process had held until it ended")
    rows: int | None = _column(BigInteger(), "Rows that it handled; null if it has none", null=True)
    size: int | None = _column(
        BigInteger(), "Bytes that it read or copied; null if it counts none", null=True
    )
    quarantined: int | None = _column(
        BigInteger(), "Rows that it set aside; null if it sets none aside", null=True
    )
    retries: int = _column(Integer(), "How often it failed before, in this attempt and process")
    error: str | None = _column(Text(), "Class of the error that ended it; null if it ended well", null=True)
    recorded_at: datetime = _instant("When it was stored", now=True)


class ScoreRow(Table, table=True):
    __tablename__ = "score"
    __table_args__ = (
        # run_id has no foreign key, and score has no bounds: a trigger checks each statement.
        # See docs/adr/0021 and docs/adr/0038.
        CheckConstraint("octet_length(entity_key) BETWEEN 1 AND 512", name="entity_key_length"),
        _one_of("arm", ("champion", "challenger")),
        CheckConstraint("arm <> 'challenger' OR challenger_score IS NOT NULL", name="arm_has_score"),
        {
            "comment": (
                "Scores of all runs, published or not, one partition a month of score_date. Append-only."
            ),
            "postgresql_partition_by": "RANGE (score_date)",
        },
    )
    score_date: date = _column(Date(), "Local calendar date that is scored", key=True)
    run_id: int = _column(Integer(), "The run that scored it", key=True)
    entity_key: str = _column(Text(), "What is scored", key=True)
    part: int = _column(Integer(), "Part of the run it came with")
    score: float = _column(Double(), "Given by the champion, within the bounds of its version")
    challenger_score: float | None = _column(
        Double(), "Given by the challenger, in shadow, within the bounds of its version", null=True
    )
    carried_from: int | None = _column(
        Integer(), "The run that computed it, where a repair kept the score of an untouched row", null=True
    )
    outputs: list[float] | None = _column(
        ARRAY(Double()),
        "Further numbers that the champion gives, named by the outputs of its version; null for none",
        null=True,
    )
    challenger_outputs: list[float] | None = _column(
        ARRAY(Double()),
        "Further numbers that the challenger gives, named by the outputs of its version; null for none",
        null=True,
    )
    arm: str | None = _column(
        Text(),
        "champion or challenger: whose score is published; null where one version serves all rows",
        null=True,
    )


def month_of(day: date) -> str:
    """The partition of `score` that holds a score date. `nightjar.ensure_score_partition` makes it."""
    return f"score_{day:%Y_%m}"


class QuarantinedRow(Table, table=True):
    __tablename__ = "quarantined_row"
    __table_args__ = (
        ForeignKeyConstraint(["run_id", "part"], ["receipt.run_id", "receipt.part"]),
        CheckConstraint("jsonb_typeof(reasons) = 'array'", name="reasons_is_array"),
        {"comment": "Population rows that broke the contract, whole, with the reasons. Append-only."},
    )
    run_id: int = _column(Integer(), "The run", key=True)
    part: int = _column(Integer(), "Part of the run it came with", key=True)
    row_number: int = _column(Integer(), "Counts from 0 within the part", key=True)
    entity_key: str | None = _column(Text(), "What it would have scored, if it says so", null=True)
    reasons: list[dict[str, Any]] = _column(JSONB(), "Array of {column, check, value}")
    row: dict[str, Any] = _column(JSONB(), "The row itself")


class PublicationRow(Table, table=True):
    __tablename__ = "publication"
    __table_args__ = (
        ForeignKeyConstraint(["run_id", "model", "score_date"], ["run.id", "run.model", "run.score_date"]),
        _one_of("action", ("publish", "rollback")),
        Index(None, "model", "score_date", text("id DESC")),
        Index("publication_once_a_run", "run_id", unique=True, postgresql_where=text("action = 'publish'")),
        {
            "comment": (
                "Which run analysts see of a night. Append-only: the newest row of a model and score date "
                "counts."
            )
        },
    )
    id: int = _id("Order of the ledger")
    model: str = _column(Text(), "Name of the model")
    score_date: date = _column(Date(), "Local calendar date that is scored")
    run_id: int = _column(Integer(), "The run that is visible from now on")
    action: str = _column(Text(), "publish, or rollback to a run published earlier")
    reason: str | None = _column(Text(), "Why, where a person decided", null=True)
    findings: list[str] = _column(
        ARRAY(Text()), "What the audit had against it, and the person accepted", default="'{}'::text[]"
    )
    actor: str = _column(Text(), "Database user that published", default="CURRENT_USER")
    flow_run: str | None = _column(Text(), "Flow run that published", null=True)
    published_at: datetime = _instant("From when on it is visible", now=True)


class OutcomeRow(Table, table=True):
    __tablename__ = "outcome"
    __table_args__ = (
        *_of_our_time("score_date", "recorded_at"),
        {
            "comment": (
                "What really happened. Append-only: a correction joins the row it corrects under its later "
                "recorded_at."
            )
        },
    )
    model: str = _column(Text(), "Name of the model", key=True)
    score_date: date = _column(Date(), "Local calendar date it happened on", key=True)
    entity_key: str = _column(Text(), "What it happened to", key=True)
    recorded_at: datetime = _instant("From when on it could be known", key=True)
    outcome: float = _column(
        Double(),
        "What happened, as the model's kind has it: of a binary model 1 if the event happened, else 0",
    )


class MeasurementRow(Table, table=True):
    __tablename__ = "measurement"
    __table_args__ = (
        ForeignKeyConstraint(["run_id"], ["run.id"]),
        CheckConstraint("with_outcome BETWEEN 0 AND rows", name="outcomes_within_rows"),
        CheckConstraint("nights BETWEEN 1 AND occasions", name="nights_within_occasions"),
        _one_of("role", MEASURED_ROLES),
        *_of_our_time("measured_at"),
        {
            "comment": (
                "How a published run did, whole and by slices, and the nights that trail to it. Append-only: "
                "the newest measurement of a run, role, slice and window counts."
            )
        },
    )
    run_id: int = _column(Integer(), "The run; of a window the last one", key=True)
    role: str = _column(
        Text(),
        (
            "champion: what was published, of all scored rows; challenger and champion beside challenger: on "
            "the rows that both scored; challenger arm and champion arm: of these, on those that each served"
        ),
        key=True,
    )
    slice: str = _column(Text(), "Name of the slice; empty for all rows", key=True)
    slice_value: str = _column(Text(), "Value of the slice; empty for all rows", key=True)
    occasions: int = _column(
        Integer(), "1 for the night alone; else the length of the window that ends with it", key=True
    )
    measured_at: datetime = _instant("Outcomes known by this instant were counted", key=True)
    recorded_at: datetime = _column(
        DateTime(timezone=True),
        "When it was stored; the same for all that was stored with it",
        key=True,
        default="statement_timestamp()",
    )
    nights: int = _column(Integer(), "Nights that are counted in it")
    supported: bool = _column(
        Boolean(), "False for a slice with fewer rows with an outcome than the model's spec asks for"
    )
    rows: int = _column(BigInteger(), "Scored rows")
    with_outcome: int = _column(BigInteger(), "Scored rows whose outcome was known")
    metrics: dict[str, float | None] = _column(
        JSONB(),
        (
            "Metric: its number; null where it is not defined, as the AUC of outcomes that are all alike. "
            "The kind and the spec of the model say which metrics there are"
        ),
    )
    intervals: dict[str, list[float]] = _column(
        JSONB(),
        "Metric: low and high at a confidence of 0.95, where they are known",
        default="'{}'::jsonb",
    )
    deliveries: str | None = _column(
        Text(),
        (
            "Of a whole night: SHA-256 of which deliveries of its outcomes were there; null where it is not "
            "known, and for tables that are scanned"
        ),
        null=True,
    )


class ExpectationRow(Table, table=True):
    __tablename__ = "expectation"
    __table_args__ = (
        ForeignKeyConstraint(["run_id"], ["run.id"]),
        _one_of("method", EXPECTING),
        CheckConstraint("value IS NOT NULL OR note IS NOT NULL", name="value_or_note"),
        CheckConstraint("effective_rows BETWEEN 0 AND rows", name="effective_within_rows"),
        CheckConstraint("nights BETWEEN 0 AND rows", name="nights_within_rows"),
        *_of_our_time("known_at"),
        {
            "comment": (
                "What was expected of the metrics of a run before its outcomes were known. Append-only: what "
                "was expected first stays."
            )
        },
    )
    run_id: int = _column(Integer(), "The run", key=True)
    method: str = _column(
        Text(),
        "PAPE, CBPE, or trailing mean: the mean of the nights before, which an estimate has to beat",
        key=True,
    )
    metric: str = _column(Text(), "Name of the metric", key=True)
    value: float | None = _column(Double(), "What is expected; null if the method says nothing", null=True)
    note: str | None = _column(Text(), "Why the method says nothing; null if it does", null=True)
    rows: int = _column(BigInteger(), "Past rows with an outcome that it was learned from")
    effective_rows: float = _column(
        Double(), "How many rows of equal weight say as much; rows, if all weigh the same"
    )
    nights: int = _column(Integer(), "Nights that these rows are of")
    known_at: datetime = _instant("Outcomes recorded by this instant were counted")
    made_at: datetime = _column(
        DateTime(timezone=True),
        "When it was stored; the same for all that was expected of a run",
        default="statement_timestamp()",
    )


class OutcomeCheckRow(Table, table=True):
    __tablename__ = "outcome_check"
    __table_args__ = (
        _one_of("verdict", ("passed", "doubted", "held", "accepted", "refused")),
        CheckConstraint(
            "(counts_from IS NOT NULL) = (verdict = 'accepted')", name="accepted_counts_from_an_instant"
        ),
        *_of_our_time("day", "recorded_at", "counts_from"),
        Index(None, "dataset", "day"),
        {
            "comment": (
                "What became of each delivered day of outcomes. Append-only: the newest row of a model and "
                "delivery counts."
            )
        },
    )
    id: int = _id("Order of the ledger")
    model: str = _column(Text(), "Name of the model whose outcomes it is")
    dataset: str = _column(Text(), "Dataset that was delivered")
    day: date = _column(Date(), "Day that the delivery is about")
    recorded_at: datetime = _instant("Instant of the delivery")
    verdict: str = _column(
        Text(),
        (
            "passed; doubted: counts, and people are told; held: waits for a person, and nothing reads the "
            "day; accepted or refused by a person"
        ),
    )
    looks: dict[str, Any] = _column(JSONB(), "What the day looks like: what later days are compared with")
    findings: list[dict[str, Any]] = _column(
        JSONB(),
        "What stands against it: array of {name, where, value, low, high, told}",
        default="'[]'::jsonb",
    )
    counts_from: datetime | None = _instant(
        "From which instant on an accepted day counts; null otherwise", null=True
    )
    reason: str | None = _column(Text(), "Why a person accepted or refused it; null otherwise", null=True)
    actor: str = _column(Text(), "Database user that checked or decided", default="CURRENT_USER")
    decided_at: datetime = _instant("When", now=True)


class DriftRow(Table, table=True):
    __tablename__ = "drift"
    __table_args__ = (
        ForeignKeyConstraint(["run_id"], ["run.id"]),
        CheckConstraint("rate BETWEEN 0 AND 1", name="rate_is_share"),
        {
            "comment": (
                "Each column of a night against comparable nights and the training sample. Append-only: the "
                "newest rows of a run and method count."
            )
        },
    )
    run_id: int = _column(Integer(), "The run", key=True)
    method: str = _column(Text(), "How the distance was measured", key=True)
    measured_at: datetime = _column(
        DateTime(timezone=True),
        "When it was measured; the same for all rows of a measurement",
        key=True,
        default="statement_timestamp()",
    )
    column_name: str = _column(Text(), "Input column, or score", key=True)
    value: float | None = _column(Double(), "The distance; null where it cannot be computed", null=True)
    threshold: float | None = _column(Double(), "Above it the column counts as drifted", null=True)
    drifted: bool = _column(Boolean(), "The verdict")
    null_share: float = _column(Double(), "Share of nulls in the night")
    reference_null_share: float = _column(Double(), "Share of nulls in the training sample")
    note: str | None = _column(Text(), "What else to know, as: all values are missing", null=True)
    finding: str | None = _column(
        Text(), "Name of what is told: an alarm if drifted, else information; null for nothing", null=True
    )
    measure: str | None = _column(
        Text(), "What the distance measures, as level, spread, mix, unseen or missing", null=True
    )
    expected: float | None = _column(Double(), "The usual distance of past nights", null=True)
    rate: float | None = _column(Double(), "How often an ordinary night reaches the value", null=True)
    psi: float | None = _column(Double(), "PSI of the night against the training sample", null=True)


class InputProfileRow(Table, table=True):
    __tablename__ = "input_profile"
    __table_args__ = (
        ForeignKeyConstraint(["run_id"], ["run.id"]),
        CheckConstraint("nulls BETWEEN 0 AND rows", name="nulls_within_rows"),
        {
            "comment": (
                "What each input of a run looks like, and its scores: what later nights are compared with. "
                "Append-only."
            )
        },
    )
    run_id: int = _column(Integer(), "The run", key=True)
    column_name: str = _column(Text(), "Input column, or score", key=True)
    rows: int = _column(BigInteger(), "Rows looked at: a fixed sample for inputs, all for score")
    nulls: int = _column(BigInteger(), "Rows without a value")
    distinct: int = _column(BigInteger(), "Different values")
    entities: int = _column(
        BigInteger(), "How many share the values: keys of the feature table, or else rows"
    )
    mean: float | None = _column(Double(), "Of a column of numbers", null=True)
    stddev: float | None = _column(Double(), "Of a column of numbers", null=True)
    quantiles: list[float] = _column(
        ARRAY(Double()),
        "41 values of a column of numbers, from the least to the greatest, evenly spaced by rank",
        default="'{}'::double precision[]",
    )
    categories: dict[str, int] = _column(
        JSONB(), "Of a column of texts: rows by category, the most frequent 200", default="'{}'::jsonb"
    )


class ReadingRow(Table, table=True):
    __tablename__ = "reading"
    __table_args__ = (
        ForeignKeyConstraint(["run_id"], ["run.id"]),
        CheckConstraint(
            "cardinality(column_names) = cardinality(numbers) AND cardinality(slices) = cardinality(numbers)",
            name="same_length",
        ),
        {"comment": "The numbers of a run that later nights are compared with. Append-only."},
    )
    run_id: int = _column(Integer(), "The run", key=True)
    name: str = _column(Text(), "What was read: rows, changed, same_factor, ...", key=True)
    column_names: list[str] = _column(
        ARRAY(Text()), "Input column, table or score of each number; empty for the rows"
    )
    slices: list[str] = _column(ARRAY(Text()), "Slice of each number, as origin=JFK; empty for all rows")
    numbers: list[float] = _column(ARRAY(Double()), "The numbers")


class AuditedRowsRow(Table, table=True):
    __tablename__ = "audited_rows"
    __table_args__ = (
        ForeignKeyConstraint(["run_id"], ["run.id"]),
        CheckConstraint("rows >= 0", name="rows_counted"),
        {
            "comment": (
                "The sampled rows of a run, with which the rows of the next nights are compared. Append-only."
            )
        },
    )
    run_id: int = _column(Integer(), "The run", key=True)
    rows: int = _column(Integer(), "How many rows")
    content: bytes = _column(LargeBinary(), "The rows with their inputs and scores, as a Parquet file")


class FindingRow(Table, table=True):
    __tablename__ = "finding"
    __table_args__ = (
        ForeignKeyConstraint(["run_id"], ["run.id"]),
        CheckConstraint("rank > 0", name="rank_counted"),
        Index(None, "run_id", postgresql_where=text("NOT holds")),
        {"comment": "What the audit of a run had against it, a row a finding. Append-only."},
    )
    run_id: int = _column(Integer(), "The run", key=True)
    attempt: int = _column(Integer(), "The attempt whose audit found it", key=True)
    rank: int = _column(SmallInteger(), "Its place among the findings of the attempt, from 1", key=True)
    name: str = _column(Text(), "Which check found it")
    column_name: str = _column(Text(), "Input column, table or score; empty if it is about all")
    slice: str = _column(Text(), "As origin=JFK; empty if it is about all rows")
    number: float | None = _column(Double(), "What was measured", null=True)
    expected: float | None = _column(Double(), "What comparable nights have", null=True)
    allowed: float | None = _column(Double(), "The limit", null=True)
    rate: float | None = _column(
        Double(), "Share of ordinary nights that reach the limit, as measured", null=True
    )
    sentence: str = _column(Text(), "The finding in words")
    runbook: str = _column(Text(), "File in runbooks/ that says what to do")
    found_at: datetime = _instant("When it was stored", now=True)
    holds: bool = _column(
        Boolean(), "False: people are told of it, and it did not hold the night back", default="true"
    )


class ExplanationRow(Table, table=True):
    __tablename__ = "explanation"
    __table_args__ = (
        ForeignKeyConstraint(["run_id"], ["run.id"]),
        CheckConstraint("rows >= 0", name="rows_counted"),
        {"comment": "That a published run was explained, once a run. Append-only."},
    )
    run_id: int = _column(Integer(), "The run", key=True)
    rows: int = _column(BigInteger(), "Rows that have reasons")
    note: str | None = _column(
        Text(), "Why rows have no reasons, as a learner without contributions; null otherwise", null=True
    )
    explained_at: datetime = _instant("When it was stored", now=True)


class ReasonRow(Table, table=True):
    __tablename__ = "reason"
    __table_args__ = (
        ForeignKeyConstraint(["run_id"], ["explanation.run_id"]),
        CheckConstraint("octet_length(entity_key) BETWEEN 1 AND 512", name="entity_key_length"),
        {"comment": "What moved the scores of some rows most, a row an input. Append-only."},
    )
    run_id: int = _column(Integer(), "The run", key=True)
    entity_key: str = _column(Text(), "What is scored", key=True)
    rank: int = _column(SmallInteger(), "1 moved the raw score most, up or down", key=True)
    input: str = _column(Text(), "Name of the input")
    value: str | None = _column(Text(), "Its value as text; null where it was missing", null=True)
    contribution: float = _column(
        Double(), "What it added to the raw score: log odds of a probability, or the unit of the score"
    )
    words: str = _column(Text(), "The value in the words of the model's spec")


class ReportRow(Table, table=True):
    __tablename__ = "report"
    __table_args__ = (
        UniqueConstraint("run_id", "uri"),
        _place("uri"),
        ForeignKeyConstraint(["run_id"], ["run.id"]),
        {"comment": "Where the reports of a run lie. Append-only."},
    )
    id: int = _id("Order of writing")
    run_id: int = _column(Integer(), "The run")
    kind: str = _column(Text(), "drift, ...")
    uri: str = _column(Text(), "Where the file lies")
    created_at: datetime = _instant("When it was written", now=True)


class BacktestStepRow(Table, table=True):
    __tablename__ = "backtest_step"
    __table_args__ = (
        UniqueConstraint("backtest", "number"),
        CheckConstraint("number > 0", name="number_positive"),
        CheckConstraint("first_date <= last_date", name="dates_ordered"),
        CheckConstraint("jsonb_typeof(nights) = 'array'", name="nights_is_array"),
        *_of_our_time("known_at", "first_date", "last_date"),
        {
            "comment": (
                "Steps of backtests: a training in the past, and how it did on the nights until the next. "
                "Nothing of it was published. Append-only."
            )
        },
    )
    id: int = _id("Order of writing")
    model: str = _column(Text(), "Name of the model")
    backtest: str = _column(Text(), "Name of the backtest, by the hash of its plan, data and code")
    plan: dict[str, Any] = _column(JSONB(), "Object of first, last, retrain, despite_gates")
    number: int = _column(Integer(), "Counts from 1 within the backtest")
    known_at: datetime = _instant("The training knew what was recorded by this instant")
    first_date: date = _column(Date(), "First score date that it scored")
    last_date: date = _column(Date(), "Last score date that it scored")
    document: dict[str, Any] = _column(JSONB(), "The versions that were trained, their gates, the decision")
    nights: list[dict[str, Any]] = _column(
        JSONB(), "Array of {score_date, predictor, metric, value, rows}: what was measured of each night"
    )
    files: list[str] = _column(ARRAY(Text()), "Where its scores and models lie", default="'{}'::text[]")
    stored_at: datetime = _instant("When it was stored", now=True)


class IncidentRow(Table, table=True):
    __tablename__ = "incident"
    __table_args__ = (
        UniqueConstraint("id", "model", "subject"),
        ForeignKeyConstraint(
            ["continues", "model", "subject"], ["incident.id", "incident.model", "incident.subject"]
        ),
        CheckConstraint("continues < id", name="continues_earlier"),
        CheckConstraint("(continues IS NULL) = (step = 'began')", name="continues_unless_it_begins"),
        _one_of("severity", ("warning", "critical")),
        _one_of("step", ("began", "changed", "goes_on", "over", "unseen")),
        Index(None, "continues"),
        Index(
            "incident_ended_once",
            "continues",
            unique=True,
            postgresql_where=text("step IN ('over', 'unseen')"),
        ),
        {
            "comment": (
                "What is or was wrong, a row for each step of an incident. Append-only: an incident is open "
                "while no row ends it."
            )
        },
    )
    id: int = _id("Order of noting")
    model: str = _column(Text(), "Name of the model; empty for the platform itself")
    kind: str = _column(Text(), "Which rule of docs/alerts.md")
    subject: str = _column(Text(), "What it is about, as a score date; empty if the kind says it all")
    severity: str = _column(Text(), "warning, or critical: a person has to act now")
    cause: str = _column(Text(), "What it has in common with others that began for one cause; else the kind")
    sentence: str = _column(Text(), "What is wrong, or that it has ended")
    link: str | None = _column(Text(), "Page about it for people, if there is one", null=True)
    runbook: str = _column(Text(), "Name of the runbook")
    continues: int | None = _column(Integer(), "The row where it began; null for that row", null=True)
    noted_at: datetime = _instant("When it was noted", now=True)
    step: str = _column(
        Text(),
        (
            "began; changed: it has another cause, and is told again; goes_on: only its words changed; over: "
            "it is mended; unseen: nobody looks at it any more"
        ),
    )
    because: str = _column(Text(), "Name of the error or of the check; empty if the kind says it all")


class ChannelRow(Table, table=True):
    __tablename__ = "channel"
    __table_args__ = (
        CheckConstraint("after_publication >= 0", name="after_publication_counts_from_0"),
        {"comment": "Whom we tell of publications or incidents, from when on. Append-only."},
    )
    name: str = _column(Text(), "Name of the channel; it holds no URL", key=True)
    after_publication: int = _column(
        Integer(), "It is told of publications with a greater id: those before it was known are past"
    )
    known_since: datetime = _instant("When it was first seen in the settings", now=True)


class DispatchRow(Table, table=True):
    __tablename__ = "dispatch"
    __table_args__ = (
        ForeignKeyConstraint(["publication_id"], ["publication.id"]),
        ForeignKeyConstraint(["incident_id"], ["incident.id"]),
        CheckConstraint("num_nonnulls(publication_id, incident_id) = 1", name="about_one"),
        ForeignKeyConstraint(["channel"], ["channel.name"]),
        CheckConstraint("attempt > 0", name="attempt_positive"),
        Index(None, "channel", "publication_id", "attempt", unique=True),
        Index(None, "channel", "incident_id", "attempt", unique=True),
        {
            "comment": (
                "Each attempt to tell a channel of a publication or an incident. Append-only: what has no "
                "attempt that arrived is still to be told."
            )
        },
    )
    id: int = _id("Order of writing")
    channel: str = _column(Text(), "Name of the channel")
    publication_id: int | None = _column(Integer(), "The publication that was told", null=True)
    incident_id: int | None = _column(
        Integer(), "The beginning or end of an incident that was told", null=True
    )
    attempt: int = _column(Integer(), "Counts from 1")
    arrived: bool = _column(Boolean(), "Whether the receiver took it")
    error: str | None = _column(Text(), "Why it did not arrive; it holds no URL", null=True)
    tried_at: datetime = _instant("When it was tried", now=True)


def table_of(row: type[Table]) -> SqlTable:
    """SQLAlchemy's description of a class's table."""
    return row.__table__
