"""Incidents in Postgres."""

from collections.abc import Callable
from itertools import groupby

from sqlalchemy import Connection, insert, text

from db.listening import WATCHED
from db.session import translated
from db.stores.rows import OnEngine
from db.tables import IncidentRow, table_of
from nightjar.core.telling.incidents import Changes, Incident, Note, Step

INCIDENTS = table_of(IncidentRow)
ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtextextended('nightjar incidents', 0))")
OPENED = text("""
    SELECT note.* FROM nightjar.incident AS began
    CROSS JOIN LATERAL (
        SELECT * FROM nightjar.incident WHERE id = began.id
        UNION ALL SELECT * FROM nightjar.incident WHERE continues = began.id AND step = 'changed'
        UNION ALL (
            SELECT * FROM nightjar.incident WHERE continues = began.id AND step = 'goes_on'
            ORDER BY id DESC LIMIT 1
        )
    ) AS note
    WHERE began.continues IS NULL AND NOT EXISTS (
        SELECT FROM nightjar.incident AS ended
        WHERE ended.continues = began.id AND ended.step IN ('over', 'unseen')
    )
    ORDER BY began.id, note.id
""")


class PostgresIncidents(OnEngine):
    """The `IncidentLedger` port."""

    __slots__ = ()

    def opened(self) -> tuple[Incident, ...]:
        with translated(), self.engine.connect() as connection:
            return _opened(connection)

    def watched(self) -> bool:
        with translated(), self.engine.connect() as connection:
            return bool(connection.execute(text(WATCHED)).scalar_one())

    def note(self, decide: Callable[[tuple[Incident, ...]], Changes]) -> Changes:
        with translated(), self.engine.begin() as connection:
            connection.execute(ONE_AT_A_TIME)
            decided = decide(_opened(connection))
            begun = [each.model_dump() | {"step": Step.BEGAN.value} for each in decided.begun]
            further = [
                each.trouble.model_dump() | {"step": each.step.value, "continues": each.began.id}
                for each in decided.further
            ]
            for rows in filter(None, (begun, further)):
                connection.execute(insert(INCIDENTS), rows)
        return decided


def _opened(connection: Connection) -> tuple[Incident, ...]:
    notes = (Note.model_validate(dict(row)) for row in connection.execute(OPENED).mappings())
    by_incident = groupby(notes, lambda note: note.continues or note.id)
    return tuple(Incident(tuple(of_one)) for _, of_one in by_incident)
