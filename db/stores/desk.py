"""What the desk shows, read from the views of analysts with an analyst's rights."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeVar

from psycopg import Connection
from psycopg.rows import class_row

from db.listening import WATCHED
from db.session import connect, translated
from db.views import ALONE
from nightjar.core.desk.entities import (
    ColumnSeen,
    Desk,
    EntityNight,
    Explained,
    Found,
    Measured,
    ModelSeen,
    Nights,
    NightSeen,
    OfNight,
    OpenNow,
    Report,
    RoleHeld,
    Scored,
    SetAside,
    StageSeen,
    Trouble,
)
from nightjar.core.entity_keys import nights_in, on_night
from nightjar.core.monitoring.foreseen import Expected
from nightjar.core.monitoring.losses import NightLoss

YEAR = timedelta(days=364)
RECENT = timedelta(days=62)
"""How far back the page of a model shows columns and quarantined rows."""

Row = TypeVar("Row")

MODELS = """
    SELECT version.model, count(shown.score_date)::integer AS nights, max(shown.score_date) AS newest,
        max(shown.published_at) AS published_at,
        (SELECT count(*)::integer FROM analytics.incidents
         WHERE incidents.model = version.model AND ended_at IS NULL) AS open_troubles
    FROM (SELECT DISTINCT model FROM analytics.model_versions) AS version
    LEFT JOIN analytics.publications AS shown ON shown.model = version.model AND shown.is_current
    GROUP BY version.model ORDER BY version.model
"""
NEWEST = "SELECT max(score_date) FROM analytics.runs WHERE model = %(model)s"
NIGHTS = """
    SELECT DISTINCT ON (run.score_date) run.score_date, run.run_id, run.revision, run.state,
        run.model_version, run.repairs_run, run.population, run.scored, run.quarantined, run.claimed_at,
        run.ended_at, run.flow_run, run.error, shown.action, shown.reason, shown.findings, shown.published_at,
        earliest.published_at AS first_published_at,
        coalesce((
            SELECT base.model_version <> run.model_version OR base.known_at = run.known_at
            FROM analytics.runs AS base
            WHERE base.model = run.model AND base.run_id = run.repairs_run
        ), false) AS switched, newer.run_id AS newer,
        newer.state AS newer_state, newer.error AS newer_error
    FROM analytics.runs AS run
    LEFT JOIN analytics.publications AS shown
        ON shown.run_id = run.run_id AND shown.model = run.model AND shown.is_current
    LEFT JOIN (
        SELECT score_date, min(published_at) AS published_at FROM analytics.publications
        WHERE model = %(model)s AND score_date BETWEEN %(first)s AND %(last)s GROUP BY score_date
    ) AS earliest ON earliest.score_date = run.score_date
    LEFT JOIN analytics.runs AS newer
        ON newer.model = run.model AND newer.score_date = run.score_date AND newer.revision > run.revision
        AND newer.state IN ('claimed', 'failed')
    WHERE run.model = %(model)s AND run.score_date BETWEEN %(first)s AND %(last)s
    ORDER BY run.score_date, shown.published_at IS NULL, run.revision DESC, newer.revision DESC
"""
MEASURED = """
    SELECT score_date, role, occasions, nights, metric, value, low, high, rows, coverage
    FROM analytics.measurements
    WHERE model = %(model)s AND score_date BETWEEN %(first)s AND %(last)s AND slice = '' AND is_newest
        AND (role = 'champion' OR occasions = 1)
    ORDER BY score_date
"""
EXPECTED = """
    SELECT score_date, method, metric, value, note, came_true FROM analytics.expectations
    WHERE model = %(model)s AND score_date BETWEEN %(first)s AND %(last)s
    ORDER BY score_date, metric, method
"""
DRIFT = """
    SELECT DISTINCT ON (score_date, column_name)
        score_date, column_name, value, threshold, drifted, finding, null_share, note
    FROM analytics.drift
    WHERE model = %(model)s AND score_date BETWEEN %(recent)s AND %(last)s AND method IN ('nights', 'psi')
    ORDER BY score_date, column_name, method
"""
"""The verdicts. Runs of earlier releases have those of the method psi alone."""
FOUND = """
    SELECT finding.score_date, finding.run_id, finding.name, finding.column_name, finding.slice,
        finding.number, finding.expected, finding.allowed, finding.rate, finding.sentence, finding.runbook,
        finding.holds
    FROM analytics.findings AS finding
    JOIN (
        SELECT run_id, max(attempt) AS attempt FROM analytics.findings
        WHERE model = %(model)s AND score_date BETWEEN %(recent)s AND %(last)s GROUP BY run_id
    ) AS newest USING (run_id, attempt)
    ORDER BY finding.score_date, finding.run_id, finding.rank
"""
SET_ASIDE = """
    SELECT score_date, column_name, broken, rows FROM analytics.quarantine_counts
    WHERE model = %(model)s AND score_date BETWEEN %(recent)s AND %(last)s
    ORDER BY score_date, rows DESC, column_name, broken
"""
REPORTS = """
    SELECT DISTINCT ON (score_date, kind) score_date, run_id, kind, uri FROM analytics.reports
    WHERE model = %(model)s AND score_date BETWEEN %(first)s AND %(last)s
    ORDER BY score_date, kind, created_at DESC
"""
STAGES = """
    SELECT score_date, stage, role, rows, seconds, cpu_seconds, size, peak_memory, retries
    FROM analytics.stage_nights
    WHERE model = %(model)s AND score_date BETWEEN %(recent)s AND %(last)s
    ORDER BY score_date, began_at
"""
SCORED = """
    SELECT score_date, mean, quantiles FROM analytics.input_profiles
    WHERE model = %(model)s AND score_date BETWEEN %(first)s AND %(last)s AND column_name = 'score'
    ORDER BY score_date
"""
ROLES = """
    SELECT role, model_version, held_from, held_until, reason, actor FROM analytics.promotions
    WHERE model = %(model)s ORDER BY held_from
"""
LOSSES = """
    WITH tested AS MATERIALIZED (
        SELECT model_version, metric.key AS metric, (metric.value ->> 1)::double precision AS expected
        FROM analytics.model_versions CROSS JOIN jsonb_each(metric_intervals) AS metric
        WHERE model = %(model)s AND metric.value ->> 1 IS NOT NULL
    )
    SELECT score_date, metric, value, expected, with_outcome AS rows
    FROM analytics.measurements JOIN tested USING (model_version, metric)
    WHERE model = %(model)s AND score_date BETWEEN %(first)s AND %(last)s AND slice = '' AND is_newest
        AND role = 'champion' AND occasions = 1 AND NOT in_sample AND value IS NOT NULL AND with_outcome > 0
    ORDER BY score_date
"""
TROUBLE = """
    SELECT model, kind, subject, severity, coalesce(ending, sentence) AS sentence, link, runbook, began_at,
        ended_at
    FROM analytics.incidents
"""
TROUBLES = f"""
    {TROUBLE} WHERE model IN (%(model)s, '')
    ORDER BY ended_at IS NOT NULL, CASE WHEN ended_at IS NULL THEN severity END, began_at DESC LIMIT 50
"""
OPEN_TROUBLES = f"""
    {TROUBLE} WHERE ended_at IS NULL ORDER BY severity, began_at DESC LIMIT 50
"""
PUBLISHED = """
    SELECT score_date FROM analytics.publications
    WHERE model = %(model)s AND is_current ORDER BY score_date
"""
WORDS = "array_agg(reason.words ORDER BY reason.rank)"
EXPLAINED = f"""
    SELECT scores.entity_key, scores.score, {WORDS} AS reasons
    FROM analytics.reasons AS reason
    JOIN analytics.scores
        ON scores.model = reason.model AND scores.score_date = reason.score_date
        AND scores.entity_key = reason.entity_key
    WHERE reason.model = %(model)s AND reason.score_date = %(score_date)s
    GROUP BY scores.entity_key, scores.score ORDER BY scores.score DESC, scores.entity_key LIMIT 50
"""  # noqa: S608  # words of this module
ENTITY = f"""
    SELECT scored.score_date, scored.score, scored.model_version, scored.outcome,
        coalesce((
            SELECT {WORDS} FROM analytics.reasons AS reason
            WHERE reason.model = scored.model AND reason.score_date = scored.score_date
                AND reason.entity_key = scored.entity_key
        ), '{{}}') AS reasons
    FROM unnest(%(nights)s::date[], %(keys)s::text[]) AS asked (score_date, entity_key)
    CROSS JOIN LATERAL (
        SELECT * FROM analytics.scores_with_outcomes AS one
        WHERE one.model = %(model)s AND one.score_date = asked.score_date
            AND one.entity_key = asked.entity_key
        {ALONE}
    ) AS scored
    ORDER BY scored.score_date
"""  # noqa: S608  # words of this module
"""Each night's scores are planned apart, so that the key finds its row by index. Else all scores are read."""


@dataclass(frozen=True, slots=True)
class PostgresDesk:
    """url: with the rights of an analyst. Each answer is of one snapshot of the database."""

    url: str

    def models(self) -> Sequence[ModelSeen]:
        with self._reading() as connection:
            return _rows(connection, ModelSeen, MODELS)

    def open_now(self) -> OpenNow:
        with self._reading() as connection:
            return OpenNow(
                troubles=_rows(connection, Trouble, OPEN_TROUBLES),
                watched=_watched(connection),
                sent_at=datetime.now(UTC),
            )

    def nights(self, model: str) -> Nights:
        with self._reading() as connection:
            nights = _rows(connection, NightSeen, NIGHTS, _year(connection, model))
            return Nights(model=model, nights=nights, sent_at=datetime.now(UTC))

    def desk(self, model: str) -> Desk:
        with self._reading() as connection:
            asked = _year(connection, model)
            return Desk(
                model=model,
                nights=_rows(connection, NightSeen, NIGHTS, asked),
                measured=_rows(connection, Measured, MEASURED, asked),
                expected=_rows(connection, Expected, EXPECTED, asked),
                drift=_rows(connection, ColumnSeen, DRIFT, asked),
                set_aside=_rows(connection, SetAside, SET_ASIDE, asked),
                stages=_rows(connection, StageSeen, STAGES, asked),
                scored=_rows(connection, Scored, SCORED, asked),
                roles=_rows(connection, RoleHeld, ROLES, asked),
                troubles=_rows(connection, Trouble, TROUBLES, asked),
                reports=_rows(connection, Report, REPORTS, asked),
                losses=_rows(connection, NightLoss, LOSSES, asked),
                watched=_watched(connection),
                sent_at=datetime.now(UTC),
            )

    def night(self, model: str, score_date: date) -> OfNight:
        asked = dict.fromkeys(("first", "recent", "last", "score_date"), score_date) | {"model": model}
        record = asked | {"first": max(score_date, date.min + YEAR) - YEAR}
        with self._reading() as connection:
            return OfNight(
                expected=_rows(connection, Expected, EXPECTED, record),
                measured=_rows(connection, Measured, MEASURED, asked),
                drift=_rows(connection, ColumnSeen, DRIFT, asked),
                found=_rows(connection, Found, FOUND, asked),
                set_aside=_rows(connection, SetAside, SET_ASIDE, asked),
                stages=_rows(connection, StageSeen, STAGES, asked),
                explained=_rows(connection, Explained, EXPLAINED, asked),
                reports=_rows(connection, Report, REPORTS, asked),
            )

    def entity(self, model: str, entity_key: str) -> Sequence[EntityNight]:
        """A key that holds the date of its night stands for the keys that hold those of other nights.

        One that is there on other nights too holds another date.
        """
        with self._reading() as connection:
            nights = [day for (day,) in connection.execute(PUBLISHED, {"model": model})]
            own = _of_keys(connection, model, [(night, entity_key) for night in nights])
            held = nights_in(entity_key, nights)
            if not held or any(one.score_date not in held for one in own):
                return own
            keys = [(to, key) for of in held for to in nights for key in on_night(entity_key, of, to)]
            return _of_keys(connection, model, dict.fromkeys(keys))

    @contextmanager
    def _reading(self) -> "Iterator[Connection[tuple[Any, ...]]]":
        with translated(), connect(self.url) as connection:
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            yield connection


def _of_keys(
    connection: "Connection[tuple[Any, ...]]", model: str, asked: Collection[tuple[date, str]]
) -> list[EntityNight]:
    """asked: nights, and a key to look for in each."""
    nights, keys = [night for night, _ in asked], [key for _, key in asked]
    return _rows(connection, EntityNight, ENTITY, {"model": model, "nights": nights, "keys": keys})


def _watched(connection: "Connection[tuple[Any, ...]]") -> bool:
    return connection.execute(WATCHED).fetchone() == (True,)


def _year(connection: "Connection[tuple[Any, ...]]", model: str) -> dict[str, Any]:
    """The parameters of the queries about the year that ends with the newest night."""
    found = connection.execute(NEWEST, {"model": model}).fetchone()
    last = (found[0] if found else None) or datetime.now(UTC).date()
    return {"model": model, "first": last - YEAR, "recent": last - RECENT, "last": last}


def _rows(
    connection: "Connection[tuple[Any, ...]]", of: type[Row], query: str, asked: dict[str, Any] | None = None
) -> list[Row]:
    with connection.cursor(row_factory=class_row(of)) as cursor:
        return cursor.execute(query, asked).fetchall()  # pyright: ignore[reportArgumentType, reportCallIssue]
