"""Profiles of the inputs and scores of runs, in Postgres."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Any

from sqlalchemy import Engine, Row, select, text
from sqlalchemy.dialects.postgresql import insert

from db.session import translated
from db.stores.rows import hold
from db.tables import InputProfileRow, table_of
from nightjar.core.comparison.entities import ColumnProfile, NightProfile
from nightjar.core.night.entities import Run

PROFILES = table_of(InputProfileRow)
TRAILING = text("""
    SELECT current.score_date, profile.* FROM (
        SELECT DISTINCT ON (score_date) score_date, run_id FROM nightjar.publication
        WHERE model = :model AND score_date < :before ORDER BY score_date DESC, id DESC LIMIT :nights
    ) AS current LEFT JOIN nightjar.input_profile AS profile ON profile.run_id = current.run_id
    ORDER BY current.score_date DESC, profile.column_name
""")


@dataclass(frozen=True, slots=True)
class PostgresInputProfiles:
    """The `InputProfiles` port."""

    engine: Engine

    def record(self, run: Run, profile: NightProfile) -> None:
        rows = [
            {"run_id": run.id, "column_name": column.column, **column.model_dump(exclude={"column"})}
            for column in profile.columns
        ]
        with translated(), self.engine.begin() as connection:
            hold(connection, run, share=True)
            connection.execute(insert(PROFILES).on_conflict_do_nothing(), rows)

    def of_run(self, run: Run) -> NightProfile:
        wanted = select(PROFILES).where(PROFILES.c.run_id == run.id).order_by(PROFILES.c.column_name)
        with translated(), self.engine.connect() as connection:
            return _night(run.score_date, connection.execute(wanted).all())

    def trailing(self, model: str, before: date, nights: int) -> tuple[NightProfile, ...]:
        with translated(), self.engine.connect() as connection:
            rows = connection.execute(TRAILING, {"model": model, "before": before, "nights": nights}).all()
        return tuple(
            _night(day, tuple(columns)) for day, columns in groupby(rows, key=lambda row: row.score_date)
        )


def _night(score_date: date, rows: Sequence[Row[Any]]) -> NightProfile:
    return NightProfile(
        score_date=score_date, columns=tuple(_column(row) for row in rows if row.run_id is not None)
    )


def _column(row: Row[Any]) -> ColumnProfile:
    fields = {name: getattr(row, name) for name in ColumnProfile.model_fields if name != "column"}
    return ColumnProfile(column=row.column_name, **fields)
