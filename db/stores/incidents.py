"""Incidents in Postgres."""

from collections.abc import Callable

from sqlalchemy import Connection, insert, text

from db.session import translated
from db.stores.rows import OnEngine
from db.tables import IncidentRow, table_of
from nightjar.core.telling.incidents import Changes, Note, ending

INCIDENTS = table_of(IncidentRow)
ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtextextended('nightjar incidents', 0))")
OPENED = text("""
    SELECT * FROM nightjar.incident AS began
    WHERE ends IS NULL AND NOT EXISTS (SELECT FROM nightjar.incident AS ended WHERE ended.ends = began.id)
    ORDER BY id
""")


class PostgresIncidents(OnEngine):
    """The `IncidentLedger` port."""

    __slots__ = ()

    def opened(self) -> tuple[Note, ...]:
        with translated(), self.engine.connect() as connection:
            return _opened(connection)

    def note(self, decide: Callable[[tuple[Note, ...]], Changes]) -> Changes:
        with translated(), self.engine.begin() as connection:
            connection.execute(ONE_AT_A_TIME)
            decided = decide(_opened(connection))
            begun = [trouble.model_dump() for trouble in decided.begun]
            ended = [
                ending(note, decided.unmended.get(note.id)).model_dump() | {"ends": note.id}
                for note in decided.ended
            ]
            for rows in filter(None, (begun, ended)):
                connection.execute(insert(INCIDENTS), rows)
        return decided


def _opened(connection: Connection) -> tuple[Note, ...]:
    return tuple(Note.model_validate(dict(row)) for row in connection.execute(OPENED).mappings())
