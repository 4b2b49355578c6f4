"""Profiles of the inputs and scores of runs, in Postgres."""

from dataclasses import dataclass
from datetime import date

from sqlalchemy import Engine, text

from db.adding import add
from db.session import translated
from db.stores.rows import hold
from db.tables import InputProfileRow, table_of
from db.values import as_json, of_json, read_values
from nightjar.core.comparison.entities import ColumnProfile, NightProfile
from nightjar.core.night.entities import Run

PROFILES = table_of(InputProfileRow)
FIELDS = ", ".join(f'"{name}"' for name in ColumnProfile.model_fields if name != "column")
PROFILE = f"""
    SELECT column_name AS "column", {FIELDS} FROM nightjar.input_profile
    WHERE run_id = {{run}} ORDER BY column_name
"""  # noqa: S608  # words of this module
OF_RUN = text(PROFILE.format(run=":run_id"))
TRAILING = text(f"""
    SELECT score_date, ({as_json(PROFILE.format(run="current.run_id"))}) FROM (
        SELECT DISTINCT ON (score_date) score_date, run_id FROM nightjar.publication
        WHERE model = :model AND score_date < :before ORDER BY score_date DESC, id DESC LIMIT :nights
    ) AS current ORDER BY score_date DESC
""")  # noqa: S608  # as above


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
            add(connection, PROFILES, rows, known_stay=True)

    def of_run(self, run: Run) -> NightProfile:
        with translated(), self.engine.connect() as connection:
            columns = read_values(connection, OF_RUN, {"run_id": run.id}, ColumnProfile)
        return NightProfile(score_date=run.score_date, columns=columns)

    def trailing(self, model: str, before: date, nights: int) -> tuple[NightProfile, ...]:
        with translated(), self.engine.connect() as connection:
            rows = connection.execute(TRAILING, {"model": model, "before": before, "nights": nights}).all()
        return tuple(
            NightProfile(score_date=day, columns=of_json(ColumnProfile, columns)) for day, columns in rows
        )
