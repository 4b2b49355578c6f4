"""What analysts read: the views of the schema `analytics`, each column with its meaning. They hold no data, so every migration makes them anew.

Views run with their owner's rights: an analyst may read them and nothing beneath them. Whatever is not published does not appear, except
as a row of `runs`.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from psycopg import sql
from sqlalchemy import Connection, text

from db.roles import ANALYST, WRITER

SCHEMA = "analytics"


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """columns: name -> (SQL expression, comment). source: everything from FROM on."""

    name: str
    comment: str
    columns: Mapping[str, tuple[str, str]]
    source: str

    @property
    def query(self) -> str:
        selected = ",\n    ".join(f"{expression} AS {column}" for column, (expression, _) in self.columns.items())
        return f"SELECT\n    {selected}\n{self.source}"


LATEST_OUTCOME = """(
    SELECT DISTINCT ON (model, score_date, entity_key) model, score_date, entity_key, outcome, recorded_at
    FROM nightjar.outcome ORDER BY model, score_date, entity_key, recorded_at DESC
)"""
"""Outcomes as last corrected."""

CURRENT = """(
    SELECT DISTINCT ON (model, score_date) id, model, score_date, run_id, published_at
    FROM nightjar.publication ORDER BY model, score_date, id DESC
)"""
"""The publications that count now: the newest of each night."""

SHOWN = """(
    SELECT id, score_date, run_id, published_at, lead(published_at) OVER (PARTITION BY model, score_date ORDER BY id) AS visible_until
    FROM nightjar.publication
)"""
"""Every publication with the time it was the one that counted."""

CURRENT_RUN = f"{CURRENT} AS publication JOIN nightjar.run ON run.id = publication.run_id AND run.score_date = publication.score_date"
VERSION = "JOIN nightjar.model_version AS version ON version.id = run.version_id"

NIGHT = {
    "model": ("run.model", "Name of the model"),
    "score_date": ("run.score_date", "Local calendar date that is scored"),
}
RUN = {
    "run_id": ("run.id", "The run that made it"),
    "revision": ("run.revision", "Which rerun of the night, from 1"),
}
VERSION_NUMBER = {"model_version": ("version.number", "Number of the champion that scored, within its model")}
COLUMN_DRIFT = {
    "column_name": ("drift.column_name", "Input column, or score"),
    "method": ("drift.method", "How the distance was measured; psi decides, evidently:* is for reading"),
    "value": ("drift.value", "The distance; null where it cannot be computed"),
    "threshold": ("drift.threshold", "Above it the column counts as drifted"),
    "drifted": ("drift.drifted", "The verdict"),
    "null_share": ("drift.null_share", "Share of nulls in the night"),
    "reference_null_share": ("drift.reference_null_share", "Share of nulls in the training sample"),
    "note": ("drift.note", "What else to know"),
    "measured_at": ("drift.measured_at", "When it was measured (UTC)"),
}
SCORE = {
    "model": ("run.model", "Name of the model"),
    "score_date": ("score.score_date", "Local calendar date that is scored; filter on it, the table is partitioned by it"),
    "entity_key": ("score.entity_key", "What is scored; one row each per model and score date"),
    "score": ("score.score", "Probability that the event happens, from 0 to 1"),
    **VERSION_NUMBER,
    **RUN,
    "as_of": ("run.as_of", "Nothing that happened or was first recorded later than this instant went into the score"),
    "known_at": (
        "run.known_at",
        "Corrections of earlier records counted if they were recorded by this instant; as_of, unless the night was repaired",
    ),
    "scored_by_run": ("coalesce(score.carried_from, score.run_id)", "The run that computed the score; not run_id where a repair kept it"),
    "trained_through": ("version.trained_through", "Last date whose outcomes the model had seen"),
    "in_sample": ("score.score_date <= version.trained_through", "True if the model may have seen this very outcome: not for judging it"),
    "published_at": ("publication.published_at", "From when on this score is the published one"),
    "scored_at": ("receipt.stored_at", "When the score was stored"),
}
SCORES_OF_RUN = f"""JOIN nightjar.score ON score.run_id = run.id AND score.score_date = run.score_date
JOIN nightjar.receipt ON receipt.run_id = score.run_id AND receipt.part = score.part
{VERSION}"""
SCORE_SOURCE = f"FROM {CURRENT_RUN}\n{SCORES_OF_RUN}"

VIEWS = (
    View(name="scores", comment="The published scores: one row an entity and night.", columns=SCORE, source=SCORE_SOURCE),
    View(
        name="scores_with_outcomes",
        comment="The published scores beside what really happened.",
        columns={
            **SCORE,
            "outcome": ("outcome.outcome", "1 if the event happened, 0 if not, null while unknown; the newest correction counts"),
            "outcome_recorded_at": ("outcome.recorded_at", "From when on the outcome could be known"),
        },
        source=f"""{SCORE_SOURCE}
LEFT JOIN {LATEST_OUTCOME} AS outcome
    ON outcome.model = run.model AND outcome.score_date = score.score_date AND outcome.entity_key = score.entity_key""",
    ),
    View(
        name="publications",
        comment="Every publication and rollback, oldest first by id. What analysts saw at any time.",
        columns={
            "publication_id": ("publication.id", "Order of the ledger"),
            **NIGHT,
            **RUN,
            **VERSION_NUMBER,
            "action": ("publication.action", "publish, or rollback to a run published earlier"),
            "reason": ("publication.reason", "Why, where a person decided"),
            "findings": ("publication.findings", "What the audit had against it, and the person accepted"),
            "actor": ("publication.actor", "Database user that published"),
            "flow_run": ("publication.flow_run", "Flow run that published"),
            "published_at": ("publication.published_at", "From when on it was visible"),
            "is_current": ("publication.id = current.id", "Whether it is what analysts see now"),
        },
        source=f"""FROM nightjar.publication
JOIN nightjar.run ON run.id = publication.run_id
{VERSION}
JOIN {CURRENT} AS current ON current.model = publication.model AND current.score_date = publication.score_date""",
    ),
    View(
        name="scores_history",
        comment="Every score that ever was visible, with the time it was: what stood there at T is visible_from <= T < coalesce(visible_until, 'infinity').",
        columns={
            **{name: column for name, column in SCORE.items() if name != "published_at"},
            "publication_id": ("publication.id", "The row of publications that made it visible"),
            "visible_from": ("publication.published_at", "From when on analysts saw it"),
            "visible_until": ("publication.visible_until", "Until when, excluded; null for what they see now"),
        },
        source=f"""FROM {SHOWN} AS publication
JOIN nightjar.run ON run.id = publication.run_id AND run.score_date = publication.score_date
{SCORES_OF_RUN}""",
    ),
    View(
        name="nightly_performance",
        comment="How each published night did once its outcomes were known.",
        columns={
            **NIGHT,
            **RUN,
            **VERSION_NUMBER,
            "in_sample": ("run.score_date <= version.trained_through", "True if the model may have seen these outcomes: not for judging it"),
            "rows": ("performance.rows", "Scored rows"),
            "with_outcome": ("performance.with_outcome", "Scored rows whose outcome was known"),
            "base_rate": ("performance.base_rate", "Share of ones among the outcomes"),
            "mean_score": ("performance.mean_score", "Mean score of the rows with an outcome; beside base_rate it shows bias"),
            "auc": ("performance.auc", "Area under the ROC curve; null if all outcomes are alike"),
            "pr_auc": ("performance.pr_auc", "Average precision; a random order reaches base_rate"),
            "brier": ("performance.brier", "Mean squared error of the score"),
            "ece": ("performance.ece", "Expected calibration error"),
            "measured_at": ("performance.measured_at", "Outcomes known by this instant were counted"),
        },
        source=f"FROM {CURRENT_RUN}\nJOIN nightjar.performance ON performance.run_id = run.id\n{VERSION}",
    ),
    View(
        name="drift",
        comment="Each input column of each published night against the training sample.",
        columns={**NIGHT, **RUN, **COLUMN_DRIFT},
        source=f"FROM {CURRENT_RUN}\nJOIN nightjar.drift ON drift.run_id = run.id",
    ),
    View(
        name="input_profiles",
        comment="What each input of each published night looked like, and its scores.",
        columns={
            **NIGHT,
            **RUN,
            "column_name": ("profile.column_name", "Input column, or score"),
            "rows": ("profile.rows", "Rows looked at: a fixed sample for inputs, all for score"),
            "nulls": ("profile.nulls", "Rows without a value"),
            "distinct_values": ("profile.distinct", "Different values"),
            "mean": ("profile.mean", "Of a column of numbers"),
            "stddev": ("profile.stddev", "Of a column of numbers"),
            "quantiles": ("profile.quantiles", "41 values of a column of numbers, from the least to the greatest, evenly spaced by rank"),
            "categories": ("profile.categories", "Of a column of texts: rows by category, the most frequent 200"),
        },
        source=f"FROM {CURRENT_RUN}\nJOIN nightjar.input_profile AS profile ON profile.run_id = run.id",
    ),
    View(
        name="runs",
        comment="Every run of every night, published or not, with its counts.",
        columns={
            **NIGHT,
            "run_id": ("run.id", "Identity of the run"),
            "revision": ("run.revision", "Counts from 1 within the night"),
            "attempt": ("run.attempt", "How many processes claimed it"),
            "state": (
                "run.state",
                "claimed, published, failed (resumable), abandoned (replaced before it was published) or pruned (its rows are gone)",
            ),
            **VERSION_NUMBER,
            "as_of": ("run.as_of", "Instant up to which anything may be known"),
            "known_at": ("run.known_at", "Instant up to which corrections count"),
            "repairs_run": ("run.base_id", "The published run whose scores of untouched rows it keeps; null for a run that scores all"),
            "population": ("run.population_rows", "Rows to account for: scored + quarantined once all parts are stored"),
            "scored": ("stored.scored", "Rows scored so far"),
            "quarantined": ("stored.quarantined", "Rows that broke the contract so far"),
            "parts": ("run.population_parts", "Parts of the population"),
            "parts_stored": ("stored.parts", "Parts stored so far"),
            "claimed_at": ("run.claimed_at", "When it was claimed last"),
            "ended_at": ("run.ended_at", "When the last attempt published or failed"),
            "flow_run": ("run.flow_run", "Flow run that claimed it last"),
            "error": ("run.error", "Why the last attempt ended, if it failed"),
        },
        source="""FROM nightjar.run
JOIN nightjar.model_version AS version ON version.id = run.version_id
CROSS JOIN LATERAL (
    SELECT count(*)::integer AS parts, coalesce(sum(scored), 0)::bigint AS scored, coalesce(sum(quarantined), 0)::bigint AS quarantined
    FROM nightjar.receipt WHERE receipt.run_id = run.id
) AS stored""",
    ),
    View(
        name="quarantine",
        comment="Rows of published nights that broke the contract, with the reasons.",
        columns={
            **NIGHT,
            **RUN,
            "part": ("quarantined_row.part", "Part of the run"),
            "row_number": ("quarantined_row.row_number", "Counts from 0 within the part"),
            "entity_key": ("quarantined_row.entity_key", "What would have been scored, if the row says so"),
            "reasons": ("quarantined_row.reasons", "Array of {column, check, value}"),
            "row": ("quarantined_row.row", "The whole row"),
        },
        source=f"FROM {CURRENT_RUN}\nJOIN nightjar.quarantined_row ON quarantined_row.run_id = run.id",
    ),
    View(
        name="model_versions",
        comment="Every trained version with its data, its measurements on unseen dates, and its gates.",
        columns={
            "model": ("version.model", "Name of the model"),
            "model_version": ("version.number", "Counts from 1 within the model"),
            "algorithm": ("version.algorithm", "What made it"),
            "trained_from": ("dataset.first_date", "First score date of its training snapshot"),
            "trained_through": ("version.trained_through", "Last date whose outcomes it has seen"),
            "dataset_rows": ("dataset.rows", "Rows of its training snapshot"),
            "dataset_sha256": ("dataset.sha256", "Hash of the snapshot's content"),
            "params": ("version.params", "Parameters it was fitted with"),
            "metrics": ("version.metrics", "Measurements on unseen dates"),
            "gates": ("version.gates", "Verdict of each gate"),
            "code_version": ("version.code_version", "The code that trained it"),
            "created_at": ("version.created_at", "When it was registered"),
            "is_champion": (
                """version.id = (
        SELECT version_id FROM nightjar.promotion
        WHERE promotion.model = version.model AND role = 'champion' ORDER BY id DESC LIMIT 1
    )""",
                "Whether it scores the published runs now; null before the first promotion",
            ),
        },
        source="FROM nightjar.model_version AS version JOIN nightjar.dataset ON dataset.id = version.dataset_id",
    ),
    View(
        name="promotions",
        comment="Who held which role when: the champion of an instant is the row with held_from <= it < held_until.",
        columns={
            "model": ("promotion.model", "Name of the model"),
            "role": ("promotion.role", "champion: its scores are published; challenger: scores the same rows in shadow"),
            "model_version": ("version.number", "The version that held it"),
            "held_from": ("promotion.promoted_at", "From when on"),
            "held_until": (
                "lead(promotion.promoted_at) OVER (PARTITION BY promotion.model, promotion.role ORDER BY promotion.id)",
                "Until when, excluded; null for the one who holds it now",
            ),
            "reason": ("promotion.reason", "Why"),
            "actor": ("promotion.actor", "Database user that promoted"),
        },
        source="FROM nightjar.promotion JOIN nightjar.model_version AS version ON version.id = promotion.version_id",
    ),
    View(
        name="reports",
        comment="Where the reports of published nights lie.",
        columns={
            **NIGHT,
            **RUN,
            "kind": ("report.kind", "drift, ..."),
            "uri": ("report.uri", "Where the file lies"),
            "created_at": ("report.created_at", "When it was written"),
        },
        source=f"FROM {CURRENT_RUN}\nJOIN nightjar.report ON report.run_id = run.id",
    ),
)

FINGERPRINT = "Published results, for analysts. Definition " + hashlib.sha256(repr(VIEWS).encode()).hexdigest()[:16]


def in_place(connection: Connection) -> bool:
    """Whether the views in the database are these, and all of them are there."""
    there = connection.execute(text("SELECT viewname FROM pg_views WHERE schemaname = :schema"), {"schema": SCHEMA}).scalars()
    found = connection.execute(text("SELECT obj_description(to_regnamespace(:schema)::oid, 'pg_namespace')"), {"schema": SCHEMA})
    return {view.name for view in VIEWS} <= set(there) and found.scalar_one_or_none() == FINGERPRINT


def drop(connection: Connection) -> None:
    for view in reversed(VIEWS):
        connection.execute(text(f"DROP VIEW IF EXISTS {SCHEMA}.{view.name}"))
    connection.execute(text(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE"))


def create(connection: Connection) -> None:
    """Make schema, views, comments and grants. Whoever runs it owns them."""
    run = connection.exec_driver_sql
    run(f"CREATE SCHEMA {SCHEMA}")
    run(f"COMMENT ON SCHEMA {SCHEMA} IS {_quoted(FINGERPRINT)}")
    for view in VIEWS:
        run(f"CREATE VIEW {SCHEMA}.{view.name} AS\n{view.query}")
        run(f"COMMENT ON VIEW {SCHEMA}.{view.name} IS {_quoted(view.comment)}")
        for column, (_, comment) in view.columns.items():
            run(f"COMMENT ON COLUMN {SCHEMA}.{view.name}.{column} IS {_quoted(comment)}")
    for role in (ANALYST, WRITER):
        run(f"GRANT USAGE ON SCHEMA {SCHEMA} TO {role}")
        run(f"GRANT SELECT ON ALL TABLES IN SCHEMA {SCHEMA} TO {role}")


def _quoted(comment: str) -> str:
    return sql.Literal(comment).as_string()
