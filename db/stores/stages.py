"""Stages of runs in Postgres. Those of a part are stored in the transaction of its receipt."""

from collections.abc import Sequence

from sqlalchemy import Connection, select, text

from db.adding import add
from db.session import translated
from db.stores.rows import OnEngine
from db.tables import StageRow, table_of
from nightjar.core.night.entities import Run
from nightjar.core.night.stages import Stage, Work

STAGES = table_of(StageRow)
INSTALLATION = text("SELECT system_identifier || ' ' || current_database() FROM pg_control_system()")
"""Postgres makes the number when it makes its folder: no two installations have the same."""


class PostgresStages(OnEngine):
    """The `StageLedger` port. Threads may share one."""

    __slots__ = ()

    def record(self, work: Work) -> None:
        if work.part is not None:  # those of a part are stored with its receipt, or not at all
            return
        with translated(), self.engine.begin() as connection:
            add_stages(connection, work.run, None, work.stages)

    def stages(self, run_id: int) -> tuple[tuple[int | None, Stage], ...]:
        wanted = select(STAGES).where(STAGES.c.run_id == run_id).order_by(STAGES.c.started_at, STAGES.c.id)
        with translated(), self.engine.connect() as connection:
            return tuple(
                (row.part, Stage(**{name: getattr(row, name) for name in Stage.model_fields}))
                for row in connection.execute(wanted)
            )

    def installation(self) -> str:
        """A name of the database that no other database has, whichever way it is reached."""
        with translated(), self.engine.connect() as connection:
            return connection.execute(INSTALLATION).scalar_one()


def add_stages(connection: Connection, run: Run, part: int | None, stages: Sequence[Stage]) -> None:
    """Store stages in the connection's transaction."""
    of_run = {"run_id": run.id, "attempt": run.attempt, "part": part}
    add(connection, STAGES, [of_run | stage.model_dump() for stage in stages])
