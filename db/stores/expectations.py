"""What was expected of nights, in Postgres."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Engine, text

from db.adding import add
from db.session import translated
from db.tables import ExpectationRow, table_of
from db.values import read_values
from nightjar.core.monitoring.entities import Expectation

EXPECTATIONS = table_of(ExpectationRow)
COLUMNS = {column.name for column in EXPECTATIONS.columns} - {"made_at"}
EXPECTED = text("SELECT DISTINCT run_id FROM nightjar.expectation WHERE run_id = ANY(:runs)")
OF_NIGHTS = text("""
    SELECT current.run_id, current.model, current.score_date, method, metric, value, note, rows,
        effective_rows, nights, known_at
    FROM (
        SELECT DISTINCT ON (score_date) model, score_date, run_id FROM nightjar.publication
        WHERE model = :model AND score_date >= :since ORDER BY score_date, id DESC
    ) AS current JOIN nightjar.expectation USING (run_id)
    ORDER BY current.score_date, metric, method
""")


@dataclass(frozen=True, slots=True)
class PostgresExpectations:
    """The `Expectations` port. Of two processes that expect something of a run, the first one is kept."""

    engine: Engine

    def record(self, expected: Sequence[Expectation]) -> None:
        if not expected:
            return
        rows = [one.model_dump(include=COLUMNS) for one in expected]
        with translated(), self.engine.begin() as connection:
            # One statement, so that all have the same instant.
            add(connection, EXPECTATIONS, rows, known_stay=True)

    def expected(self, runs: Collection[int]) -> frozenset[int]:
        with translated(), self.engine.connect() as connection:
            return frozenset(connection.execute(EXPECTED, {"runs": [*runs]}).scalars())

    def of_nights(self, model: str, since: date) -> Sequence[Expectation]:
        with translated(), self.engine.connect() as connection:
            return read_values(connection, OF_NIGHTS, {"model": model, "since": since}, Expectation)
