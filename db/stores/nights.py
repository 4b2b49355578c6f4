"""The whole store in Postgres for scoring a night."""

from db.stores.claims import PostgresClaims
from db.stores.ledger import PostgresLedger
from db.stores.parts import PostgresParts
from db.stores.scores import PostgresScores


class PostgresNights(PostgresClaims, PostgresParts, PostgresLedger, PostgresScores):
    """The `NightStore` port. Threads may share one."""

    __slots__ = ()
