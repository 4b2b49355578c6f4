"""What channels were told, in Postgres."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime
from typing import Any

from sqlalchemy import text

from db.locks import exclusive
from db.session import translated
from db.stores.rows import OnEngine
from nightjar.core.errors.night import WorkBusy
from nightjar.core.telling.incidents import Note, Severity
from nightjar.core.telling.messages import Cause
from nightjar.core.telling.publications import PublicationNews
from nightjar.core.telling.retrying import LONGEST_PAUSE, Pending

KNOW = text("""
    INSERT INTO nightjar.channel (name, after_publication)
    SELECT :channel, coalesce(max(id), 0) FROM nightjar.publication ON CONFLICT DO NOTHING
""")
PUBLICATIONS = text("""
    SELECT publication.id AS publication_id, publication.model, publication.score_date, run_id, revision,
        number AS model_version, action, publication.flow_run, published_at, told.attempts, told.tried_at
    FROM nightjar.channel JOIN nightjar.publication ON publication.id > after_publication
    JOIN nightjar.run ON run.id = run_id JOIN nightjar.model_version ON model_version.id = version_id
    CROSS JOIN LATERAL (
        SELECT count(*) AS attempts, max(tried_at) AS tried_at, coalesce(bool_or(arrived), false) AS arrived
        FROM nightjar.dispatch
        WHERE dispatch.channel = channel.name AND dispatch.publication_id = publication.id
    ) AS told
    WHERE channel.name = :channel AND NOT told.arrived
    ORDER BY told.tried_at NULLS FIRST, publication.id LIMIT :limit
""")
"""Those that were never tried come first: what a receiver refuses for ever must not take their places."""
TOLD = text("""
    INSERT INTO nightjar.dispatch (channel, publication_id, incident_id, attempt, arrived, error)
    VALUES (:channel, :publication, :incident, :attempt, :arrived, :error)
""")


INCIDENTS = text("""
    SELECT note.*, before.sentence AS was, told.attempts, told.tried_at FROM nightjar.incident AS note
    LEFT JOIN LATERAL (
        SELECT sentence FROM nightjar.incident AS earlier
        WHERE note.step = 'changed' AND note.continues IN (earlier.id, earlier.continues)
            AND earlier.step IN ('began', 'changed') AND earlier.id < note.id
        ORDER BY earlier.id DESC LIMIT 1
    ) AS before ON true
    CROSS JOIN LATERAL (
        SELECT count(*) AS attempts, max(tried_at) AS tried_at, coalesce(bool_or(arrived), false) AS arrived
        FROM nightjar.dispatch WHERE channel = :channel AND incident_id = note.id
    ) AS told
    WHERE note.step <> 'goes_on' AND NOT told.arrived AND NOT EXISTS (
        SELECT FROM nightjar.incident AS newer
        WHERE newer.continues = coalesce(note.continues, note.id) AND newer.id > note.id
            AND newer.step <> 'goes_on'
    ) AND CASE
        WHEN note.step IN ('began', 'changed') THEN note.severity = ANY(:severities)
        ELSE note.continues IN (
            SELECT coalesce(heard.continues, heard.id)
            FROM nightjar.incident AS heard JOIN nightjar.dispatch ON incident_id = heard.id
            WHERE channel = :channel AND arrived
        )
    END ORDER BY note.id
""")
"""Of each incident the newest step that is told, and its end to those who heard of it."""
CAUSES = text("""
    SELECT step IN ('over', 'unseen') AS ended, cause, max(tried_at) AS told_at
    FROM nightjar.dispatch JOIN nightjar.incident ON incident.id = incident_id
    WHERE channel = :channel AND arrived GROUP BY 1, 2
""")
UNTOLD = text("""
    SELECT channel, min(tried_at) AS since FROM nightjar.dispatch AS failed
    WHERE channel = ANY(:channels) AND id > coalesce(
        (SELECT max(id) FROM nightjar.dispatch AS taken WHERE taken.channel = failed.channel AND arrived), 0
    )
    GROUP BY channel HAVING max(tried_at) > clock_timestamp() - 2 * CAST(:pause AS interval)
""")
"""A channel that is tried no more, because there is nothing to tell, is not told of."""


class PostgresDispatches(OnEngine):
    """The `PublicationDispatches` and `IncidentDispatches` ports."""

    __slots__ = ()

    @contextmanager
    def alone(self, channel: str) -> Iterator[bool]:
        with ExitStack() as held:
            yield self._taken(held, channel)

    def _taken(self, held: ExitStack, channel: str) -> bool:
        try:
            held.enter_context(exclusive(self.engine, f"channel {channel}", wait_s=0))
        except WorkBusy:
            return False
        return True

    def know(self, channel: str) -> None:
        with translated(), self.engine.begin() as connection:
            connection.execute(KNOW, {"channel": channel})

    def publications(self, channel: str, limit: int) -> tuple[Pending[PublicationNews], ...]:
        with translated(), self.engine.connect() as connection:
            rows = connection.execute(PUBLICATIONS, {"channel": channel, "limit": limit}).mappings()
            return tuple(
                Pending(
                    PublicationNews(**{name: row[name] for name in PublicationNews.model_fields}),
                    row["attempts"],
                    row["tried_at"],
                )
                for row in rows
            )

    def told_publication(self, channel: str, pending: Pending[PublicationNews], error: str | None) -> None:
        told = {"channel": channel, "publication": pending.news.publication_id, "incident": None}
        with translated(), self.engine.begin() as connection:
            connection.execute(TOLD, told | _outcome(pending, error))

    def incidents(self, channel: str, severities: Iterable[Severity]) -> tuple[Pending[Note], ...]:
        asked = {"channel": channel, "severities": [each.value for each in severities]}
        with translated(), self.engine.connect() as connection:
            return tuple(
                Pending(
                    Note(**{name: row[name] for name in Note.model_fields}), row["attempts"], row["tried_at"]
                )
                for row in connection.execute(INCIDENTS, asked).mappings()
            )

    def told_causes(self, channel: str) -> dict[Cause, datetime]:
        with translated(), self.engine.connect() as connection:
            rows = connection.execute(CAUSES, {"channel": channel})
            return {(row.ended, row.cause): row.told_at for row in rows}

    def told_incidents(self, channel: str, told: Sequence[Pending[Note]], error: str | None) -> None:
        rows = [
            {"channel": channel, "publication": None, "incident": each.news.id} | _outcome(each, error)
            for each in told
        ]
        with translated(), self.engine.begin() as connection:
            connection.execute(TOLD, rows)

    def untold(self, channels: Iterable[str]) -> dict[str, datetime]:
        """Return since when each of the channels takes nothing, of those that are tried and do not."""
        asked = {"channels": list(channels), "pause": LONGEST_PAUSE}
        with translated(), self.engine.connect() as connection:
            return {row.channel: row.since for row in connection.execute(UNTOLD, asked)}


def _outcome(pending: Pending[Any], error: str | None) -> dict[str, Any]:
    return {"attempt": pending.attempts + 1, "arrived": error is None, "error": error}
