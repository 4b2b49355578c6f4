"""The verdicts on days of outcomes, in Postgres."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Engine, insert, text

from db.session import translated
from db.tables import OutcomeCheckRow, table_of
from nightjar.core.monitoring.outcome_guard import Held, OutcomeCheck, held_by

NEWEST = text("""
    SELECT DISTINCT ON (dataset, day, recorded_at, model) model, dataset, day, recorded_at, verdict, looks,
        findings, counts_from, reason, actor, decided_at
    FROM nightjar.outcome_check
    WHERE model = :model ORDER BY dataset, day, recorded_at, model, id DESC
""")
NOT_PASSED = text("""
    SELECT day, recorded_at, verdict, counts_from FROM (
        SELECT DISTINCT ON (dataset, day, recorded_at, model) *
        FROM nightjar.outcome_check WHERE dataset = :dataset
        ORDER BY dataset, day, recorded_at, model, id DESC
    ) AS newest
    WHERE verdict <> 'passed'
""")
SET_BY_THE_DATABASE = {"actor", "decided_at"}


@dataclass(frozen=True, slots=True)
class PostgresOutcomeChecks:
    """The `OutcomeChecks` port."""

    engine: Engine

    def add(self, checks: Sequence[OutcomeCheck]) -> None:
        if not checks:
            return
        rows = [check.model_dump(exclude=SET_BY_THE_DATABASE) for check in checks]
        with translated(), self.engine.begin() as connection:
            connection.execute(insert(table_of(OutcomeCheckRow)), rows)

    def newest(self, model: str) -> tuple[OutcomeCheck, ...]:
        with translated(), self.engine.connect() as connection:
            found = connection.execute(NEWEST, {"model": model}).mappings()
            return tuple(map(OutcomeCheck.model_validate, found))

    def held(self, dataset: str) -> Held:
        with translated(), self.engine.connect() as connection:
            found = connection.execute(NOT_PASSED, {"dataset": dataset})
            return held_by((row.day, row.recorded_at, row.verdict, row.counts_from) for row in found)
