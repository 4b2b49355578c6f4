"""The verdicts on days of outcomes, in Postgres."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Engine, text

from db.adding import add
from db.session import translated
from db.tables import OutcomeCheckRow, table_of
from db.values import read_values
from nightjar.core.monitoring.outcome_guard import (
    BY_A_PERSON,
    COUNTS,
    UNDECIDED,
    CheckedDelivery,
    Held,
    OutcomeCheck,
    held_by,
)
from nightjar.core.monitoring.outcome_looks import OutcomeDay
from nightjar.core.values import Value

CHECKS = table_of(OutcomeCheckRow)
NEWEST = """
    SELECT DISTINCT ON (dataset, day, recorded_at) id, dataset, day, recorded_at, verdict, counts_from
    FROM nightjar.outcome_check WHERE model = :model ORDER BY dataset, day, recorded_at, id DESC
"""
"""What the days look like is not read: it takes 16 kB a day."""
DELIVERIES = text(f"""
    SELECT dataset, day, recorded_at, verdict, counts_from FROM ({NEWEST}) AS newest
""")  # noqa: S608  # words of this module
_OF_VERDICTS = f"""
    SELECT model, dataset, day, recorded_at, verdict, looks, findings, counts_from, reason, actor, decided_at
    FROM nightjar.outcome_check
    WHERE id IN (SELECT id FROM ({NEWEST}) AS newest WHERE verdict = ANY(:verdicts) AND {{which}})
    ORDER BY dataset, day, recorded_at
"""  # noqa: S608  # words of this module
OF_VERDICTS = text(_OF_VERDICTS.format(which="true"))
OF_DAYS = text(_OF_VERDICTS.format(which="day = ANY(:days)"))
LOOKS = text(f"""
    SELECT day, looks FROM nightjar.outcome_check WHERE id IN (
        SELECT DISTINCT ON (day) id FROM ({NEWEST}) AS newest
        WHERE dataset = :dataset AND day = ANY(:days) AND verdict = ANY(:verdicts)
        ORDER BY day, recorded_at DESC
    )
""")  # noqa: S608  # words of this module
NOT_PASSED = text("""
    SELECT day, recorded_at, verdict, counts_from FROM (
        SELECT DISTINCT ON (dataset, day, recorded_at, model) *
        FROM nightjar.outcome_check WHERE dataset = :dataset
        ORDER BY dataset, day, recorded_at, model, id DESC
    ) AS newest
    WHERE verdict <> 'passed'
""")
SET_BY_THE_DATABASE = {"actor", "decided_at"}


class _Day(Value):
    day: date
    looks: OutcomeDay


@dataclass(frozen=True, slots=True)
class PostgresOutcomeChecks:
    """The `OutcomeChecks` port."""

    engine: Engine

    def add(self, checks: Sequence[OutcomeCheck]) -> None:
        if not checks:
            return
        rows = [check.model_dump(exclude=SET_BY_THE_DATABASE) for check in checks]
        with translated(), self.engine.begin() as connection:
            add(connection, CHECKS, rows)

    def deliveries(self, model: str) -> tuple[CheckedDelivery, ...]:
        with translated(), self.engine.connect() as connection:
            return read_values(connection, DELIVERIES, {"model": model}, CheckedDelivery)

    def undecided(self, model: str) -> tuple[OutcomeCheck, ...]:
        asked = {"model": model, "verdicts": [*UNDECIDED]}
        with translated(), self.engine.connect() as connection:
            return read_values(connection, OF_VERDICTS, asked, OutcomeCheck)

    def decided(self, model: str, days: Collection[date]) -> tuple[OutcomeCheck, ...]:
        asked = {"model": model, "verdicts": [*BY_A_PERSON], "days": [*days]}
        with translated(), self.engine.connect() as connection:
            return read_values(connection, OF_DAYS, asked, OutcomeCheck)

    def looks(self, model: str, dataset: str, days: Collection[date]) -> Mapping[date, OutcomeDay]:
        asked = {"model": model, "dataset": dataset, "days": [*days], "verdicts": [*COUNTS]}
        with translated(), self.engine.connect() as connection:
            return {each.day: each.looks for each in read_values(connection, LOOKS, asked, _Day)}

    def held(self, dataset: str) -> Held:
        with translated(), self.engine.connect() as connection:
            found = connection.execute(NOT_PASSED, {"dataset": dataset})
            return held_by((row.day, row.recorded_at, row.verdict, row.counts_from) for row in found)
