"""The views of the schema `analytics`, which analysts read, with the meaning of each column.

They hold no data, so every migration makes them again. Views run with their owner's rights: an analyst may
read the views, but not the tables under them. A run that is not published appears only as a row of `runs`.
Postgres never evaluates an analyst's condition on a row that is not published. Otherwise an error, the time,
or a count in EXPLAIN could reveal the row (docs/adr/0029).
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from psycopg import sql
from sqlalchemy import Connection, text

from db.server.roles import ANALYST, WRITER

ANALYTICS = "analytics"


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """columns: name -> (SQL expression, comment). source: everything from FROM on."""

    name: str
    comment: str
    columns: Mapping[str, tuple[str, str]]
    source: str

    @property
    def query(self) -> str:
        selected = ",\n    ".join(
            f"{expression} AS {column}" for column, (expression, _) in self.columns.items()
        )
        return f"SELECT\n    {selected}\n{self.source}"

    def definition(self, schema: str) -> str:
        return f"CREATE VIEW {schema}.{self.name} {BARRIER} AS\n{self.query}"


CURRENT = """(
    SELECT DISTINCT ON (model, score_date) id, model, score_date, run_id, published_at
    FROM nightjar.publication ORDER BY model, score_date, id DESC
)"""
"""The publications that count now: the newest of each night."""

SHOWN = """(
    SELECT id, model, score_date, run_id, published_at,
        lead(published_at) OVER (PARTITION BY model, score_date ORDER BY id) AS visible_until
    FROM nightjar.publication
)"""
"""Every publication, with the time in which it was the current one."""

BARRIER = "WITH (security_barrier)"
"""Option of a view. Conditions with functions that may reveal their arguments are evaluated outside it."""

APART = "WITH apart AS (SELECT)"
"""Makes a subquery that Postgres plans separately and executes once for each run.

Conditions on its columns can still use its indexes.
"""

ALONE = "OFFSET 0"
"""Does the same, and also keeps outside conditions away from its rows."""

FIRST = "pg_catalog.int4eq({}.run_id, run.id) AND "
"""The conditions that Postgres evaluates first when it reads a whole table.

They are functions, not operators, which Postgres would move to the end. No condition costs less.
"""

IN_ORDER = "ORDER BY publication.model, publication.score_date"
"""The order in which runs are read. CURRENT already sorts publications like this, so a query that groups by
night need not sort scores. For a source that does not always sort, this order would only cost time.
"""

CURRENT_RUN = f"{CURRENT} AS publication JOIN nightjar.run ON run.id = publication.run_id"
VERSION = "JOIN nightjar.model_version AS version ON version.id = run.version_id"


def of_run(table: str, alias: str) -> str:
    """Return SQL for a table's rows of the run. It reads no other rows."""
    # The tables are those that VIEWS names, so no input reaches this statement.
    rows = f"SELECT * FROM nightjar.{table} WHERE {table}.run_id = run.id {ALONE}"  # noqa: S608
    return f"CROSS JOIN LATERAL ({rows}) AS {alias}"


def named_outputs(version: str, outputs: str) -> str:
    """Return SQL for an object of a row's outputs by the names that a version gives them."""
    return f"""CASE WHEN score.{outputs} IS NOT NULL THEN (
            SELECT jsonb_object_agg(given.name, given.value)
            FROM unnest({version}.outputs, score.{outputs}) AS given (name, value)
        ) END"""  # noqa: S608  # words of this module


CHAMPION_CLASS = "version.classes[array_position(score.outputs, score.score)]"
CHALLENGER_CLASS = "challenger.classes[array_position(score.challenger_outputs, score.challenger_score)]"
OUTPUTS = named_outputs("version", "outputs")
CHALLENGER_OUTPUTS = named_outputs("challenger", "challenger_outputs")
CHALLENGER = "JOIN nightjar.model_version AS challenger ON challenger.id = run.challenger_id"


SERVED = "score.arm = 'challenger'"
"""True of a row that shows the challenger's score. Null of a run with one version."""


def by_arm(of_challenger: str, otherwise: str) -> str:
    """Return SQL for what belongs to the version that serves a row."""
    return f"CASE WHEN {SERVED} THEN {of_challenger} ELSE {otherwise} END"


def scores_of_run(more: str = "", joined: str = "") -> str:
    """The run's scores as `stored`. Each row has what the version that serves it says.

    The date is compared twice. The inner comparison finds the month. The outer one lets a condition on the
    date find the publication.
    """
    return f"""{VERSION}
LEFT {CHALLENGER}
JOIN LATERAL (
    {APART}
    SELECT score.score_date, score.entity_key,
        {by_arm("score.challenger_score", "score.score")} AS score, score.arm,
        coalesce(score.carried_from, score.run_id) AS scored_by_run,
        {by_arm("challenger.number", "version.number")} AS model_version,
        {by_arm("challenger.trained_through", "version.trained_through")} AS trained_through,
        score.score_date <= {by_arm("challenger.trained_through", "version.trained_through")} AS in_sample,
        receipt.stored_at, {by_arm(CHALLENGER_CLASS, CHAMPION_CLASS)} AS predicted_class,
        {by_arm(CHALLENGER_OUTPUTS, OUTPUTS)} AS outputs{more}
    FROM nightjar.score
    LEFT JOIN nightjar.receipt ON {FIRST.format("receipt")}receipt.run_id = score.run_id
        AND receipt.part = score.part{joined}
    WHERE {FIRST.format("score")}score.run_id = run.id AND score.score_date = publication.score_date
) AS stored ON stored.score_date = publication.score_date"""  # noqa: S608  # words of this module


OUTCOME = """, known.outcome, known.recorded_at AS outcome_recorded_at,
        CASE WHEN cardinality(version.classes) > 0 THEN version.classes[known.outcome::integer + 1] END
            AS outcome_class"""
KNOWN = """
    LEFT JOIN LATERAL (
        SELECT outcome, recorded_at FROM nightjar.outcome
        WHERE outcome.model = publication.model AND outcome.score_date = publication.score_date
            AND outcome.entity_key = score.entity_key
        ORDER BY recorded_at DESC LIMIT 1
    ) AS known ON true"""
"""The last correction of a score's outcome. It does not read outcomes of rows without a score."""

NIGHT = {
    "model": ("publication.model", "Name of the model"),
    "score_date": ("publication.score_date", "Local calendar date that is scored"),
}
RUN = {
    "run_id": ("run.id", "The run that made it"),
    "revision": ("run.revision", "Which rerun of the night, from 1"),
}
VERSION_NUMBER = {"model_version": ("version.number", "Number of the champion that scored, within its model")}
IN_SAMPLE = {
    "in_sample": (
        "publication.score_date <= version.trained_through",
        "True if the model may have seen these outcomes: not for judging it",
    )
}
PIVOT = {
    "base_rate": "Share of ones among the outcomes",
    "mean_score": "Mean score of the rows with an outcome; beside base_rate it shows bias",
    "auc": "Area under the ROC curve; null if all outcomes are alike",
    "pr_auc": "Average precision; a random order reaches base_rate",
    "brier": "Mean squared error of the score",
    "ece": "Expected calibration error",
}
"""The metrics that have a column of their own. Every metric of every kind is a row of `measurements`."""

MEASURED = {
    **IN_SAMPLE,
    "rows": ("performance.rows", "Scored rows"),
    "with_outcome": ("performance.with_outcome", "Scored rows whose outcome was known"),
    **{
        metric: (
            f"(performance.metrics ->> '{metric}')::double precision",
            f"{meaning}; null for a model without this metric",
        )
        for metric, meaning in PIVOT.items()
    },
    "measured_at": ("performance.measured_at", "Outcomes known by this instant were counted"),
    "recorded_at": ("performance.recorded_at", "When the measurement was stored"),
}
NEWEST = "ORDER BY measured_at DESC, recorded_at DESC LIMIT 1"


def measured(newest: str = ALONE) -> str:
    """Return SQL for the run's measurements, a row each. newest: SQL that selects the current ones."""
    return f"""CROSS JOIN LATERAL (
    SELECT rows, with_outcome, measured_at, recorded_at, metrics
    FROM nightjar.measurement
    WHERE measurement.run_id = run.id AND role = 'champion' AND slice = '' AND occasions = 1 {newest}
) AS performance"""  # noqa: S608  # words of this module


BOUND = "(measurement.intervals -> metric.key ->> {})::double precision"
EVERY_MEASUREMENT = f"""CROSS JOIN LATERAL (
    SELECT measurement.*, lead(measured_at) OVER (
        PARTITION BY role, slice, slice_value, occasions ORDER BY measured_at, recorded_at
    ) AS known_until
    FROM nightjar.measurement WHERE measurement.run_id = run.id AND supported {ALONE}
) AS measurement
CROSS JOIN LATERAL jsonb_each_text(measurement.metrics) AS metric"""  # noqa: S608  # words of this module
"""The run's measurements, a row a metric, each with the instant at which the next one restated it."""

EXPECTED = f"""CROSS JOIN LATERAL (
    SELECT expectation.*, (newest.metrics ->> metric)::double precision AS came_true,
        NOT EXISTS (
            SELECT FROM nightjar.measurement
            WHERE measurement.run_id = run.id AND with_outcome > 0 AND recorded_at <= made_at
        ) AS before_outcomes
    FROM nightjar.expectation
    LEFT JOIN LATERAL (
        SELECT metrics FROM nightjar.measurement
        WHERE measurement.run_id = run.id AND role = 'champion' AND slice = '' AND occasions = 1 {NEWEST}
    ) AS newest ON true
    WHERE expectation.run_id = run.id {ALONE}
) AS expectation"""  # noqa: S608  # words of this module
"""What was expected of the run, beside its newest measurement."""

NEWEST_DRIFT = f"""CROSS JOIN LATERAL (
    SELECT * FROM (
        SELECT *, rank() OVER (PARTITION BY method ORDER BY measured_at DESC) AS age
        FROM nightjar.drift WHERE drift.run_id = run.id
    ) AS measured WHERE age = 1 {ALONE}
) AS drift"""  # noqa: S608  # words of this module
"""Of the run's measurements by each method the newest."""

METRICS = """CASE jsonb_typeof(version.metrics) WHEN 'array' THEN (
        SELECT coalesce(jsonb_object_agg(CASE measured.of
            WHEN 'version' THEN measured.metric
            WHEN 'version beside champion' THEN measured.metric || '_beside_champion'
            ELSE measured.of || '_' || measured.metric
        END, measured.value), '{}')
        FROM jsonb_to_recordset(version.metrics) AS measured (metric text, of text, value double precision)
    ) ELSE version.metrics END"""
"""One object, as versions from before the migration to rows have it."""

INTERVALS = """CASE jsonb_typeof(version.metrics) WHEN 'array' THEN (
        SELECT jsonb_object_agg(measured.metric, jsonb_build_array(measured.low, measured.high))
        FROM jsonb_to_recordset(version.metrics)
            AS measured (metric text, low double precision, high double precision)
        WHERE measured.low IS NOT NULL
    ) END"""
"""One object for the metrics of the version itself that have an interval."""

COLUMN_DRIFT = {
    "column_name": ("drift.column_name", "Input column, score or predicted_class"),
    "method": ("drift.method", "nights holds the verdict; psi and evidently:* are of earlier releases"),
    "value": ("drift.value", "The distance; null where it cannot be computed"),
    "threshold": ("drift.threshold", "Above it the column counts as drifted"),
    "drifted": ("drift.drifted", "The verdict: true is an alarm"),
    "null_share": ("drift.null_share", "Share of nulls in the night"),
    "reference_null_share": ("drift.reference_null_share", "Share of nulls in the training sample"),
    "note": ("drift.note", "What else to know"),
    "measured_at": ("drift.measured_at", "When it was measured (UTC)"),
    "finding": (
        "drift.finding",
        (
            "What is told, by name: an alarm if drifted, else information (season: differs from training and "
            "moves slowly; outside: differs from training for longer); null for nothing"
        ),
    ),
    "measure": (
        "drift.measure",
        "What the distance measures: level, jump, spread, mix, unseen or missing; psi: against training",
    ),
    "expected": ("drift.expected", "The usual distance of past nights"),
    "rate": (
        "drift.rate",
        "How often an ordinary night reaches the value, all measures of the column counted",
    ),
    "psi": ("drift.psi", "PSI of the night against the training sample"),
}
SCORE = {
    "model": ("publication.model", "Name of the model"),
    "score_date": (
        "stored.score_date",
        "Local calendar date that is scored; filter on it, the table is partitioned by it",
    ),
    "entity_key": ("stored.entity_key", "What is scored; one row each per model and score date"),
    "score": (
        "stored.score",
        (
            "What the model predicts: the expected value, or a probability from 0 to 1, of a binary model "
            "that the event happens, of a model with classes that of predicted_class"
        ),
    ),
    "model_version": (
        "stored.model_version",
        "Number of the version that gave the score, within its model",
    ),
    **RUN,
    "as_of": (
        "run.as_of",
        "Nothing that happened or was first recorded later than this instant went into the score",
    ),
    "known_at": (
        "run.known_at",
        (
            "Corrections of earlier records counted if they were recorded by this instant; as_of, unless "
            "the night was repaired"
        ),
    ),
    "scored_by_run": (
        "stored.scored_by_run",
        "The run that computed the score; not run_id where a repair kept it",
    ),
    "trained_through": ("stored.trained_through", "Last date whose outcomes the version had seen"),
    "in_sample": (
        "stored.in_sample",
        "True if the model may have seen this very outcome: not for judging it",
    ),
    "published_at": ("publication.published_at", "From when on this score is the published one"),
    "scored_at": ("stored.stored_at", "When the score was stored"),
    "predicted_class": (
        "stored.predicted_class",
        "The likeliest class, whose probability is the score; null of a model without classes",
    ),
    "outputs": (
        "stored.outputs",
        "Object of the other numbers that the model gives, by name; null for none",
    ),
    "arm": (
        "stored.arm",
        (
            "champion or challenger: whose score this is, where the challenger serves a share of the "
            "entities; null where one version serves all"
        ),
    ),
}
BOTH = f""", score.score AS champion_score, score.challenger_score,
        {CHALLENGER_CLASS} AS challenger_class, {CHALLENGER_OUTPUTS} AS challenger_outputs"""
CHALLENGER_NUMBER = {
    "challenger_version": (
        "challenger.number",
        "Number of the challenger of the night",
    )
}
SEEN_BY_EITHER = {
    "in_sample": (
        "publication.score_date <= greatest(version.trained_through, challenger.trained_through)",
        "True if either version may have seen these outcomes: not for comparing them",
    )
}
WITH_OUTCOME = {
    "outcome": (
        "stored.outcome",
        (
            "What happened, as 1 or 0 of a binary model, or the place of its class from 0; null "
            "while unknown; the newest correction counts"
        ),
    ),
    "outcome_recorded_at": ("stored.outcome_recorded_at", "From when on the outcome could be known"),
    "outcome_class": (
        "stored.outcome_class",
        "Name of the class that happened; null of a model without classes, and while unknown",
    ),
}
COMPARED = {
    **NIGHT,
    **RUN,
    **VERSION_NUMBER,
    **CHALLENGER_NUMBER,
    **SEEN_BY_EITHER,
    "kind": ("version.kind", "Kind of the model: it says which metrics there are"),
    "metric": ("comparison.metric", "What was measured"),
    "champion": ("comparison.champion", "The champion's number; null where it is not defined"),
    "challenger": ("comparison.challenger", "The challenger's number; null where it is not defined"),
}
COMPARED_WHEN = {
    "measured_at": ("comparison.measured_at", "Outcomes known by this instant were counted"),
    "recorded_at": ("comparison.recorded_at", "When the comparison was stored"),
    "is_newest": (
        "comparison.is_newest",
        "Whether it belongs to the newest comparison of the night, which is the one that counts",
    ),
}


def comparisons_on(challenger: str, champion: str) -> str:
    """Return SQL for the run's comparisons of these two roles."""
    return f"""FROM {CURRENT_RUN}
{VERSION}
{CHALLENGER}
CROSS JOIN LATERAL (
    SELECT measured_at, recorded_at, beside.rows, beside.with_outcome, one.rows AS challenger_rows,
        one.with_outcome AS challenger_with_outcome, metric.key AS metric,
        (beside.metrics ->> metric.key)::double precision AS champion,
        metric.value::double precision AS challenger,
        rank() OVER (ORDER BY measured_at DESC, recorded_at DESC) = 1 AS is_newest
    FROM nightjar.measurement AS one
    JOIN nightjar.measurement AS beside USING (run_id, slice, occasions, measured_at, recorded_at)
    CROSS JOIN LATERAL jsonb_each_text(one.metrics) AS metric
    WHERE run_id = run.id AND slice = '' AND occasions = 1 AND one.role = '{challenger}'
        AND beside.role = '{champion}' {ALONE}
) AS comparison"""  # noqa: S608  # words of this module


VIEWS = (
    View(
        name="scores",
        comment="The published scores: one row an entity and night.",
        columns=SCORE,
        source=f"FROM {CURRENT_RUN}\n{scores_of_run()}\n{IN_ORDER}",
    ),
    View(
        name="scores_with_outcomes",
        comment="The published scores beside what really happened.",
        columns={
            **SCORE,
            **WITH_OUTCOME,
        },
        source=f"FROM {CURRENT_RUN}\n{scores_of_run(OUTCOME, KNOWN)}\n{IN_ORDER}",
    ),
    View(
        name="scores_with_challenger",
        comment="The published scores of nights with a challenger, with those of both versions and what "
        "really happened.",
        columns={
            **SCORE,
            **CHALLENGER_NUMBER,
            "challenger_score": (
                "stored.challenger_score",
                "What the challenger predicts; null where it could not score",
            ),
            "challenger_class": (
                "stored.challenger_class",
                "The likeliest class by the challenger; null of a model without classes",
            ),
            "challenger_outputs": (
                "stored.challenger_outputs",
                "Object of the other numbers that the challenger gives, by name; null for none",
            ),
            "champion_score": (
                "stored.champion_score",
                "What the champion predicts; it is the score, but for the rows of the challenger's arm",
            ),
            "challenger_share": (
                "run.challenger_share",
                "Share of the entities that the challenger serves; 0 in shadow",
            ),
            **WITH_OUTCOME,
        },
        source=(
            f"FROM {CURRENT_RUN} AND run.challenger_id IS NOT NULL\n"
            f"{scores_of_run(BOTH + OUTCOME, KNOWN)}\n{IN_ORDER}"
        ),
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
JOIN {CURRENT} AS current
    ON current.model = publication.model AND current.score_date = publication.score_date""",
    ),
    View(
        name="scores_history",
        comment="Every score that ever was visible, with the time it was: what stood there at T has "
        "visible_from <= T AND (visible_until IS NULL OR T < visible_until).",
        columns={
            **{name: column for name, column in SCORE.items() if name != "published_at"},
            "publication_id": ("publication.id", "The row of publications that made it visible"),
            "visible_from": ("publication.published_at", "From when on analysts saw it"),
            "visible_until": (
                "publication.visible_until",
                "Until when, excluded; null for what they see now",
            ),
        },
        source=f"""FROM {SHOWN} AS publication
JOIN nightjar.run ON run.id = publication.run_id
{scores_of_run()}""",
    ),
    View(
        name="nightly_performance",
        comment="How each published night did once its outcomes were known: the newest measurement.",
        columns={
            **NIGHT,
            **RUN,
            **VERSION_NUMBER,
            **MEASURED,
        },
        source=f"FROM {CURRENT_RUN}\n{VERSION}\n{measured(NEWEST)}",
    ),
    View(
        name="performance_history",
        comment="Every measurement of each published night; the newest of each is in nightly_performance.",
        columns={**NIGHT, **RUN, **VERSION_NUMBER, **MEASURED},
        source=f"FROM {CURRENT_RUN}\n{VERSION}\n{measured()}",
    ),
    View(
        name="measurements",
        comment=(
            "Every measurement of each published night, a row a metric, of models of every kind: whole and "
            "by slices, alone and trailing, champion and challenger. Known at an instant is the row with "
            "measured_at <= it < known_until."
        ),
        columns={
            **NIGHT,
            **RUN,
            **VERSION_NUMBER,
            "challenger_version": (
                "challenger.number",
                "Number of the version that scored in shadow; null for none",
            ),
            "in_sample": (
                """publication.score_date <= version.trained_through OR measurement.role <> 'champion'
        AND publication.score_date <= challenger.trained_through""",
                "True if the versions may have seen these outcomes: not for judging; never true of a window",
            ),
            "kind": ("version.kind", "Kind of the model: it says which metrics there are"),
            "role": (
                "measurement.role",
                (
                    "champion: on all scored rows; challenger and champion beside challenger: on the rows "
                    "that both scored"
                ),
            ),
            "slice": ("measurement.slice", "Name of the slice; empty for all rows"),
            "slice_value": ("measurement.slice_value", "Value of the slice; empty for all rows"),
            "occasions": (
                "measurement.occasions",
                "1 for the night alone; else the length of the window that ends with it",
            ),
            "nights": ("measurement.nights", "Nights that are counted in it"),
            "metric": ("metric.key", "What was measured"),
            "value": ("metric.value::double precision", "The number; null where it is not defined"),
            "low": (BOUND.format(0), "Low end of its interval at a confidence of 0.95; null where unknown"),
            "high": (BOUND.format(1), "High end of it"),
            "rows": ("measurement.rows", "Scored rows"),
            "with_outcome": ("measurement.with_outcome", "Scored rows whose outcome was known"),
            "coverage": (
                "measurement.with_outcome::double precision / nullif(measurement.rows, 0)",
                "Share of the scored rows whose outcome was known; null without rows",
            ),
            "measured_at": ("measurement.measured_at", "Outcomes known by this instant were counted"),
            "known_until": (
                "measurement.known_until",
                "When the next measurement restated it, excluded; null for the one that counts now",
            ),
            "recorded_at": ("measurement.recorded_at", "When the measurement was stored"),
            "is_newest": (
                "measurement.known_until IS NULL",
                "Whether it is the newest measurement of the same, which is the one that counts",
            ),
        },
        source=f"FROM {CURRENT_RUN}\n{VERSION}\nLEFT {CHALLENGER}\n{EVERY_MEASUREMENT}",
    ),
    View(
        name="expectations",
        comment=(
            "What was expected of the metrics of each published night by the outcomes that were known on its "
            "evening, beside what came true; a row a method and metric."
        ),
        columns={
            **NIGHT,
            **RUN,
            **VERSION_NUMBER,
            "metric": ("expectation.metric", "What was estimated"),
            "method": (
                "expectation.method",
                "PAPE, CBPE, or trailing mean: the mean of the nights before, which an estimate has to beat",
            ),
            "value": ("expectation.value", "What was expected; null if the method said nothing"),
            "note": ("expectation.note", "Why the method said nothing; null if it did"),
            "came_true": (
                "expectation.came_true",
                "The number by the newest measurement; null while it is not known, or not defined",
            ),
            "error": ("expectation.value - expectation.came_true", "What was expected less what came true"),
            "before_outcomes": (
                "expectation.before_outcomes",
                "False if the night was measured on some outcome before this was stored",
            ),
            "rows": ("expectation.rows", "Past rows with an outcome that it was learned from"),
            "effective_rows": (
                "expectation.effective_rows",
                "How many rows of equal weight say as much; rows, if all weigh the same",
            ),
            "nights": ("expectation.nights", "Nights that these rows are of"),
            "known_at": ("expectation.known_at", "Outcomes recorded by this instant were counted"),
            "made_at": ("expectation.made_at", "When it was stored"),
        },
        source=f"FROM {CURRENT_RUN}\n{VERSION}\n{EXPECTED}",
    ),
    View(
        name="comparisons",
        comment="Champion and challenger of published nights on the rows that both scored, a row a metric.",
        columns={
            **COMPARED,
            "rows": ("comparison.rows", "Rows that both scored"),
            "with_outcome": ("comparison.with_outcome", "Those of them whose outcome was known"),
            **COMPARED_WHEN,
        },
        source=comparisons_on("challenger", "champion beside challenger"),
    ),
    View(
        name="arms",
        comment=(
            "Champion and challenger of published nights, each on the rows that it served, of those that "
            "both scored; a row a metric."
        ),
        columns={
            **COMPARED,
            "share": ("run.challenger_share", "Share of the entities that the challenger serves"),
            "champion_rows": ("comparison.rows", "Rows that the champion served"),
            "champion_with_outcome": ("comparison.with_outcome", "Those of them whose outcome was known"),
            "challenger_rows": ("comparison.challenger_rows", "Rows that the challenger served"),
            "challenger_with_outcome": (
                "comparison.challenger_with_outcome",
                "Those of them whose outcome was known",
            ),
            **COMPARED_WHEN,
        },
        source=comparisons_on("challenger arm", "champion arm"),
    ),
    View(
        name="outcome_checks",
        comment=(
            "Every verdict on a delivered day of outcomes. What is held or refused is in no training, "
            "feature or measurement."
        ),
        columns={
            "model": ("outcome_check.model", "Name of the model"),
            "dataset": ("outcome_check.dataset", "Dataset that was delivered"),
            "day": ("outcome_check.day", "Day that the delivery is about"),
            "recorded_at": ("outcome_check.recorded_at", "Instant of the delivery"),
            "verdict": (
                "outcome_check.verdict",
                (
                    "passed; doubted: counts, and people are told; held: waits for a person; accepted or "
                    "refused by a person"
                ),
            ),
            "findings": (
                "outcome_check.findings",
                "What stands against it: array of {name, where, value, low, high, told}",
            ),
            "counts_from": (
                "outcome_check.counts_from",
                "From which instant on an accepted day counts; null otherwise",
            ),
            "reason": ("outcome_check.reason", "Why a person decided so; null otherwise"),
            "actor": ("outcome_check.actor", "Database user that checked or decided"),
            "decided_at": ("outcome_check.decided_at", "When"),
            "is_newest": (
                """NOT EXISTS (
        SELECT FROM nightjar.outcome_check AS later
        WHERE later.model = outcome_check.model AND later.dataset = outcome_check.dataset
            AND later.day = outcome_check.day AND later.recorded_at = outcome_check.recorded_at
            AND later.id > outcome_check.id
    )""",
                "Whether it is the newest verdict on the delivery, which is the one that counts",
            ),
        },
        source="FROM nightjar.outcome_check",
    ),
    View(
        name="drift",
        comment="Each column of each published night beside comparable nights and training, measured last.",
        columns={**NIGHT, **RUN, **COLUMN_DRIFT},
        source=f"FROM {CURRENT_RUN}\n{NEWEST_DRIFT}",
    ),
    View(
        name="input_profiles",
        comment="What each input of each published night looked like, and its scores.",
        columns={
            **NIGHT,
            **RUN,
            "column_name": ("profile.column_name", "Input column, score or predicted_class"),
            "rows": ("profile.rows", "Rows looked at: a fixed sample for inputs, all for score"),
            "nulls": ("profile.nulls", "Rows without a value"),
            "distinct_values": ("profile.distinct", "Different values"),
            "mean": ("profile.mean", "Of a column of numbers"),
            "stddev": ("profile.stddev", "Of a column of numbers"),
            "quantiles": (
                "profile.quantiles",
                "41 values of a column of numbers, from the least to the greatest, evenly spaced by rank",
            ),
            "categories": (
                "profile.categories",
                "Of a column of texts: rows by category, the most frequent 200",
            ),
        },
        source=f"FROM {CURRENT_RUN}\n{of_run('input_profile', 'profile')}",
    ),
    View(
        name="readings",
        comment="The numbers of each published night that later nights are compared with.",
        columns={
            **NIGHT,
            **RUN,
            "name": ("reading.name", "What was read: rows, changed, same_factor, ..."),
            "column_name": ("one.column_name", "Input column, table or score; empty for the rows"),
            "slice": ("one.slice", "As origin=JFK; empty for all rows"),
            "value": ("one.value", "The number"),
        },
        source=f"""FROM {CURRENT_RUN}
{of_run("reading", "reading")}
CROSS JOIN LATERAL unnest(reading.column_names, reading.slices, reading.numbers)
    AS one (column_name, slice, value)""",
    ),
    View(
        name="findings",
        comment="What the audit had against each run, published or not.",
        columns={
            "model": ("run.model", "Name of the model"),
            "score_date": ("run.score_date", "Local calendar date that is scored"),
            **RUN,
            "state": (
                "run.state",
                "published, if a person accepted what holds; or else as in `runs`",
            ),
            "attempt": ("finding.attempt", "The attempt whose audit found it"),
            "rank": ("finding.rank", "Its place among the findings of the attempt, from 1"),
            "name": ("finding.name", "Which check found it"),
            "column_name": ("finding.column_name", "Input column, table or score; empty if it is about all"),
            "slice": ("finding.slice", "As origin=JFK; empty if it is about all rows"),
            "number": ("finding.number", "What was measured"),
            "expected": ("finding.expected", "What comparable nights have"),
            "allowed": ("finding.allowed", "The limit"),
            "rate": ("finding.rate", "Share of ordinary nights that reach the limit, as measured"),
            "sentence": ("finding.sentence", "The finding in words"),
            "runbook": ("finding.runbook", "File in runbooks/ that says what to do"),
            "found_at": ("finding.found_at", "When it was stored"),
            "holds": (
                "finding.holds",
                "False: people are told of it, and it did not hold the night back",
            ),
        },
        source="FROM nightjar.run\nJOIN nightjar.finding ON finding.run_id = run.id",
    ),
    View(
        name="runs",
        comment="Every run of every night, published or not, with its counts.",
        columns={
            "model": ("run.model", "Name of the model"),
            "score_date": ("run.score_date", "Local calendar date that is scored"),
            "run_id": ("run.id", "Identity of the run"),
            "revision": ("run.revision", "Counts from 1 within the night"),
            "attempt": ("run.attempt", "How many processes claimed it"),
            "state": (
                "run.state",
                (
                    "claimed, published, failed (resumable), abandoned (replaced before it was published) "
                    "or pruned (its rows are gone)"
                ),
            ),
            **VERSION_NUMBER,
            "as_of": ("run.as_of", "Instant up to which anything may be known"),
            "known_at": ("run.known_at", "Instant up to which corrections count"),
            "repairs_run": (
                "run.base_id",
                "The published run whose scores of untouched rows it keeps; null for a run that scores all",
            ),
            "population": (
                "run.population_rows",
                "Rows to account for: scored + quarantined once all parts are stored",
            ),
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
    SELECT count(*)::integer AS parts, coalesce(sum(scored), 0)::bigint AS scored,
        coalesce(sum(quarantined), 0)::bigint AS quarantined
    FROM nightjar.receipt WHERE receipt.run_id = run.id
) AS stored""",
    ),
    View(
        name="stages",
        comment="What each stage of every run took, published or not, of its parts and of the whole.",
        columns={
            "model": ("run.model", "Name of the model"),
            "score_date": ("run.score_date", "Local calendar date that is scored"),
            **RUN,
            "state": ("run.state", "As in `runs`"),
            "attempt": ("stage.attempt", "Attempt of the run that did it"),
            "part": ("stage.part", "Part of the run; null for the run as a whole"),
            "stage": ("stage.stage", "population, snapshot, retrieval, ...: docs/telemetry.md lists them"),
            "role": ("stage.role", "champion or challenger; empty for a stage that both share"),
            "started_at": ("stage.started_at", "When it began (UTC)"),
            "seconds": ("stage.seconds", "How long it took"),
            "cpu_seconds": (
                "stage.cpu_seconds",
                "CPU time of its process; stages that ran at once share it equally. Postgres is not in it",
            ),
            "peak_memory": (
                "stage.peak_memory",
                "Bytes: the most that its process had held until it ended",
            ),
            "rows": ("stage.rows", "Rows that it handled; null if it has none"),
            "size": ("stage.size", "Bytes that it read or copied; null if it counts none"),
            "quarantined": ("stage.quarantined", "Rows that it set aside; null if it sets none aside"),
            "retries": ("stage.retries", "How often it failed before, in this attempt and process"),
            "error": ("stage.error", "Class of the error that ended it; null if it ended well"),
        },
        source="FROM nightjar.run\nJOIN nightjar.stage ON stage.run_id = run.id",
    ),
    View(
        name="stage_nights",
        comment="What each stage of each published night took, all its parts and attempts together.",
        columns={
            **NIGHT,
            **RUN,
            "stage": ("summed.stage", "population, snapshot, retrieval, ...: docs/telemetry.md lists them"),
            "role": ("summed.role", "champion or challenger; empty for a stage that both share"),
            "began_at": ("summed.began_at", "When the first of them began (UTC)"),
            "times": ("summed.times", "How many parts and attempts did it"),
            "seconds": ("summed.seconds", "Seconds of all; parts that ran at once count each"),
            "cpu_seconds": ("summed.cpu_seconds", "CPU time of all; Postgres itself is not in it"),
            "peak_memory": ("summed.peak_memory", "Bytes: the most that a process had held until it ended"),
            "rows": ("summed.rows", "Rows of all; null if it has none"),
            "size": ("summed.size", "Bytes that were read or copied; null if it counts none"),
            "quarantined": ("summed.quarantined", "Rows that were set aside; null if it sets none aside"),
            "retries": ("summed.retries", "How often it failed and was tried again"),
            "errors": ("summed.errors", "How many of them ended with an error"),
        },
        source=f"""FROM {CURRENT_RUN}
CROSS JOIN LATERAL (
    SELECT stage, role, min(started_at) AS began_at, count(*)::integer AS times, sum(seconds) AS seconds,
        sum(cpu_seconds) AS cpu_seconds, max(peak_memory) AS peak_memory, sum(rows)::bigint AS rows,
        sum(size)::bigint AS size, sum(quarantined)::bigint AS quarantined,
        sum(retries)::integer AS retries, count(error)::integer AS errors
    FROM nightjar.stage WHERE stage.run_id = run.id GROUP BY stage, role {ALONE}
) AS summed""",  # noqa: S608  # words of this module
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
        source=f"FROM {CURRENT_RUN}\n{of_run('quarantined_row', 'quarantined_row')}",
    ),
    View(
        name="quarantine_counts",
        comment="How many rows of each published night broke each check of the contract.",
        columns={
            **NIGHT,
            **RUN,
            "column_name": ("counted.column_name", "Column that the check is about; null for the whole row"),
            "broken": ("counted.broken", "The check"),
            "rows": ("counted.rows", "Rows that broke it; a row may break several checks"),
        },
        source=f"""FROM {CURRENT_RUN}
CROSS JOIN LATERAL (
    SELECT one."column" AS column_name, one."check" AS broken, sum(one.rows)::bigint AS rows
    FROM nightjar.receipt
    CROSS JOIN LATERAL jsonb_to_recordset(receipt.broken) AS one ("column" text, "check" text, rows bigint)
    WHERE receipt.run_id = run.id GROUP BY 1, 2 {ALONE}
) AS counted""",  # noqa: S608  # words of this module
    ),
    View(
        name="reasons",
        comment=(
            "What moved published scores most, a row an input, of those rows that the model's spec has "
            "explained."
        ),
        columns={
            **NIGHT,
            **RUN,
            "model_version": (
                "reason.model_version",
                "Number of the version that gave the score, within its model",
            ),
            "entity_key": ("reason.entity_key", "What is scored"),
            "rank": ("reason.rank", "1 moved the raw score most, up or down"),
            "input": ("reason.input", "Name of the input"),
            "value": ("reason.value", "Its value as text; null where it was missing"),
            "contribution": (
                "reason.contribution",
                (
                    "What it added to the raw score: to the log odds of a probability, or to the score "
                    "itself in its unit"
                ),
            ),
            "words": ("reason.words", "The value in the words of the field"),
        },
        source=f"""FROM {CURRENT_RUN}
{VERSION}
LEFT {CHALLENGER}
CROSS JOIN LATERAL (
    {APART}
    SELECT reason.*, {by_arm("challenger.number", "version.number")} AS model_version
    FROM nightjar.reason LEFT JOIN nightjar.score
        ON score.score_date = run.score_date AND score.run_id = run.id
            AND score.entity_key = reason.entity_key AND run.challenger_share > 0
    WHERE {FIRST.format("reason")}reason.run_id = run.id
) AS reason""",  # noqa: S608  # words of this module
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
            "refit_of": (
                "version.refit_of",
                "The version whose recipe it fits on all that is known; metrics and gates are of that one",
            ),
            "dataset_rows": ("dataset.rows", "Rows of its training snapshot"),
            "dataset_sha256": ("dataset.sha256", "Hash of the snapshot's content"),
            "params": ("version.params", "Parameters it was fitted with"),
            "metrics": (
                METRICS,
                "Measurements on unseen dates by name; a prefix says whose, if it is not the version",
            ),
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
            "kind": ("version.kind", "What its scores and outcomes mean, as binary"),
            "classes": ("version.classes", "Names of its classes, in the order of their numbers from 0"),
            "outputs": ("version.outputs", "Names of the numbers that it gives beside the score"),
            "metric_intervals": (
                INTERVALS,
                "Low and high of each of its own metrics, at a confidence of 0.95; null if none is known",
            ),
            "artifact_sha256": ("version.artifact_sha256", "Hash of its bytes"),
            "record": (
                "version.record",
                (
                    "What it was made of: snapshot, windows, seed, code, recipes of features, libraries and "
                    "threads; null for versions of before records"
                ),
            ),
        },
        source=(
            "FROM nightjar.model_version AS version JOIN nightjar.dataset ON dataset.id = version.dataset_id"
        ),
    ),
    View(
        name="promotions",
        comment=(
            "Who held which role when: the champion of an instant is the row with held_from <= it < "
            "held_until."
        ),
        columns={
            "model": ("promotion.model", "Name of the model"),
            "role": (
                "promotion.role",
                (
                    "champion: its scores are published; challenger: scores the same rows in shadow; "
                    "withdrawn: no longer challenger"
                ),
            ),
            "model_version": ("version.number", "The version that held it"),
            "held_from": ("promotion.promoted_at", "From when on"),
            "held_until": (
                """(
        SELECT min(later.promoted_at) FROM nightjar.promotion AS later
        WHERE later.model = promotion.model AND later.id > promotion.id AND (
            later.role = promotion.role AND promotion.role <> 'withdrawn'
            OR promotion.role = 'challenger' AND later.version_id = promotion.version_id
        )
    )""",
                "Until when, excluded; null for the one who holds it now",
            ),
            "reason": ("promotion.reason", "Why"),
            "actor": ("promotion.actor", "Database user that promoted"),
            "share": (
                "promotion.share",
                "Share of the entities that a challenger serves; 0 in shadow",
            ),
        },
        source=(
            "FROM nightjar.promotion "
            "JOIN nightjar.model_version AS version ON version.id = promotion.version_id"
        ),
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
        source=f"FROM {CURRENT_RUN}\n{of_run('report', 'report')}",
    ),
    View(
        name="incidents",
        comment="What is or was wrong with the models and the platform, a row an incident.",
        columns={
            "incident_id": ("began.id", "Order of noting"),
            "model": ("began.model", "Name of the model; empty for the platform itself"),
            "kind": ("coalesce(newest.kind, began.kind)", "Which rule of docs/alerts.md saw it last"),
            "subject": ("began.subject", "What it is about, as a score date; empty if the kind says it all"),
            "severity": (
                "coalesce(newest.severity, began.severity)",
                "warning, or critical: a person has to act now",
            ),
            "sentence": ("coalesce(newest.sentence, began.sentence)", "What is wrong, as it was seen last"),
            "link": ("coalesce(newest.link, began.link)", "Page about it for people, if there is one"),
            "runbook": ("coalesce(newest.runbook, began.runbook)", "Name of the runbook"),
            "first_sentence": ("began.sentence", "What was wrong when it began"),
            "began_at": ("began.noted_at", "When it was noticed"),
            "ended_at": ("ended.noted_at", "When its end was noticed; null while it is open"),
            "ended_as": (
                "ended.step",
                "over: it was mended; unseen: nobody looks at it any more; null while it is open",
            ),
            "ending": ("ended.sentence", "What was told at its end, with what a person decided"),
        },
        source=(
            "FROM nightjar.incident AS began\n"
            "LEFT JOIN nightjar.incident AS ended\n"
            "    ON ended.continues = began.id AND ended.step IN ('over', 'unseen')\n"
            "LEFT JOIN LATERAL (\n"
            "    SELECT * FROM nightjar.incident AS step\n"
            "    WHERE step.continues = began.id AND step.step IN ('changed', 'goes_on')\n"
            "    ORDER BY step.id DESC LIMIT 1\n"
            ") AS newest ON true\n"
            "WHERE began.continues IS NULL"
        ),
    ),
    View(
        name="backtests",
        comment="How versions of the past would have done, a row a night, predictor and metric.",
        columns={
            "model": ("step.model", "Name of the model"),
            "backtest": ("step.backtest", "Name of the backtest"),
            "retrain": ("step.plan ->> 'retrain'", "How often the model was retrained in it"),
            "step": ("step.number", "Which training it was, from 1"),
            "known_at": ("step.known_at", "The training knew what was recorded by this instant (UTC)"),
            "decision": ("step.document ->> 'decision'", "What became of the training"),
            "version": (
                "(step.document ->> 'champion')::integer",
                "Number of the champion within the backtest; it is no model_version; null for none",
            ),
            "score_date": ("night.score_date", "Local calendar date that would have been scored"),
            "predictor": (
                "night.predictor",
                "champion, champion never retrained, baseline, or constant: the best single answer",
            ),
            "metric": ("night.metric", "What was measured"),
            "value": ("night.value", "The number; null where it is not defined"),
            "rows": ("night.rows", "Rows whose outcome is known"),
            "stored_at": ("step.stored_at", "When it was computed (UTC)"),
        },
        source="""FROM nightjar.backtest_step AS step
CROSS JOIN LATERAL jsonb_to_recordset(step.nights) AS night (
    score_date date, predictor text, metric text, value double precision, rows bigint
)""",
    ),
)

AFTER = f"""
CREATE FUNCTION {ANALYTICS}.publications_after(after bigint) RETURNS SETOF {ANALYTICS}.publications
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT * FROM {ANALYTICS}.publications WHERE publication_id > after ORDER BY publication_id;
END
"""  # noqa: S608  # words of this module
AFTER_COMMENT = (
    "What was published after a publication id, oldest first. A reader that asks again with the last id that "
    "it got misses nothing: publications become visible in the order of their ids."
)

FINGERPRINT = (
    "Published results, for analysts. Definition "
    + hashlib.sha256(repr((BARRIER, VIEWS, AFTER)).encode()).hexdigest()[:16]
)


def in_place(connection: Connection) -> bool:
    """Whether the views in the database are these, and all of them are there."""
    there = connection.execute(
        text("SELECT viewname FROM pg_views WHERE schemaname = :schema"), {"schema": ANALYTICS}
    ).scalars()
    found = connection.execute(
        text("SELECT obj_description(to_regnamespace(:schema)::oid, 'pg_namespace')"), {"schema": ANALYTICS}
    )
    return {view.name for view in VIEWS} <= set(there) and found.scalar_one_or_none() == FINGERPRINT


def drop(connection: Connection) -> None:
    connection.execute(text(f"DROP FUNCTION IF EXISTS {ANALYTICS}.publications_after"))
    for view in reversed(VIEWS):
        connection.execute(text(f"DROP VIEW IF EXISTS {ANALYTICS}.{view.name}"))
    connection.execute(text(f"DROP SCHEMA IF EXISTS {ANALYTICS} CASCADE"))


def create(connection: Connection) -> None:
    """Make schema, views, the feed's function, comments and grants. The connection's role owns them."""
    run = connection.exec_driver_sql
    run(f"CREATE SCHEMA {ANALYTICS}")
    run(f"COMMENT ON SCHEMA {ANALYTICS} IS {_quoted(FINGERPRINT)}")
    for view in VIEWS:
        run(view.definition(ANALYTICS))
        run(f"COMMENT ON VIEW {ANALYTICS}.{view.name} IS {_quoted(view.comment)}")
        for column, (_, comment) in view.columns.items():
            run(f"COMMENT ON COLUMN {ANALYTICS}.{view.name}.{column} IS {_quoted(comment)}")
    run(AFTER)
    run(f"COMMENT ON FUNCTION {ANALYTICS}.publications_after IS {_quoted(AFTER_COMMENT)}")
    run(f"REVOKE ALL ON FUNCTION {ANALYTICS}.publications_after FROM PUBLIC")
    for role in (ANALYST, WRITER):
        run(f"GRANT EXECUTE ON FUNCTION {ANALYTICS}.publications_after TO {role}")
        run(f"GRANT USAGE ON SCHEMA {ANALYTICS} TO {role}")
        run(f"GRANT SELECT ON ALL TABLES IN SCHEMA {ANALYTICS} TO {role}")


def _quoted(comment: str) -> str:
    return sql.Literal(comment).as_string()
