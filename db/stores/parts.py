"""Parts of runs in Postgres. One transaction stores scores, quarantined rows and receipt."""

from collections.abc import Collection, Mapping

import polars as pl
from sqlalchemy import Connection, select, text
from sqlalchemy.dialects.postgresql import insert as upsert

from db.copy import copy_frame
from db.session import translated
from db.stores.rows import RECEIPTS, OnEngine, hold, receipt_of
from db.stores.stages import add_stages
from db.tables import QuarantinedRow, ScoreRow, month_of, table_of
from nightjar.core.monitoring.sketch import sketch_of
from nightjar.core.night.entities import Part, Receipt, Run
from nightjar.core.night.part_rows import broken_checks, require_storable
from nightjar.core.ports.stages import UNSTAGED, Stages

SCORES = table_of(ScoreRow)
STALLED = text("""
    SELECT set_config(name, coalesce(nullif(current_setting(name), '0'), most), true)
    FROM (VALUES ('idle_in_transaction_session_timeout', '60s'), ('statement_timeout', '15min'))
        AS limits (name, most)
""")
"""A process that freezes while it stores a part answers the server's probes, and keeps the part from others.

Between two statements it loses its session after as long as a silent worker loses its parts. In the middle of
a COPY only the statement's own time ends it: far longer than any part takes. What the server's owner has set
stays.
"""
COUNTS = text("""
    SELECT run_id, sum(rows), sum(quarantined) FROM nightjar.receipt WHERE run_id = ANY(:runs) GROUP BY run_id
""")


class PostgresParts(OnEngine):
    """The `PartReader` and `PartWriter` ports. Threads may share one."""

    __slots__ = ()

    def receipts(self, run: Run) -> tuple[Receipt, ...]:
        wanted = select(RECEIPTS).where(RECEIPTS.c.run_id == run.id).order_by(RECEIPTS.c.part)
        with translated(), self.engine.connect() as connection:
            return tuple(receipt_of(row) for row in connection.execute(wanted))

    def counts(self, runs: Collection[int]) -> Mapping[int, tuple[int, int]]:
        with translated(), self.engine.connect() as connection:
            found = connection.execute(COUNTS, {"runs": [*runs]}).all()
        return {run_id: (rows, aside) for run_id, rows, aside in found}

    def write_part(
        self,
        run: Run,
        part: Part,
        scores: pl.DataFrame,
        quarantined: pl.DataFrame,
        stages: Stages = UNSTAGED,
    ) -> Receipt:
        require_storable(run, part, scores, quarantined)
        counts = {
            "rows": part.rows,
            "scored": scores.height,
            "quarantined": quarantined.height,
            "broken": [each.model_dump() for each in broken_checks(_storable(quarantined))],
            "sketch": sketch_of(scores).model_dump_json(),
            "attempt": run.attempt,
        }
        with translated(), self.engine.begin() as connection:
            connection.execute(STALLED)
            hold(connection, run, share=True)
            # The receipt goes first: of two processes that write the same part, the second waits here and
            # then finds it written.
            receipt = (
                upsert(RECEIPTS)
                .values(run_id=run.id, part=part.number, **counts)
                .on_conflict_do_nothing()
                .returning(RECEIPTS)
            )
            stored = connection.execute(receipt).one_or_none()
            if stored is not None:
                with stages("write") as tell:
                    size = _copy_part(connection, run, part, scores, quarantined)
                    tell(rows=part.rows, quarantined=quarantined.height, size=size)
                add_stages(connection, run, part.number, stages.ended)
            else:
                of_part = select(RECEIPTS).where(RECEIPTS.c.run_id == run.id, RECEIPTS.c.part == part.number)
                stored = connection.execute(of_part).one()
        return receipt_of(stored)


def _copy_part(
    connection: Connection, run: Run, part: Part, scores: pl.DataFrame, quarantined: pl.DataFrame
) -> int:
    """Return the bytes that were copied."""
    of_part = {"run_id": pl.lit(run.id), "part": pl.lit(part.number)}
    given = ("outputs", "challenger_outputs", "arm")
    scores = scores.drop(name for name in given if scores[name].null_count() == scores.height)
    stored = scores.with_columns(score_date=pl.lit(run.score_date), **of_part)
    size = copy_frame(connection, SCORES, stored, into=month_of(run.score_date))
    if quarantined.is_empty():  # as of most parts
        return size
    rows = _storable(quarantined).with_columns(row_number=pl.int_range(pl.len()), **of_part)
    return size + copy_frame(connection, table_of(QuarantinedRow), rows)


def _storable(quarantined: pl.DataFrame) -> pl.DataFrame:
    """Replace NUL, which Postgres does not accept in text. A broken row must not break its night."""
    return quarantined.cast(pl.String).with_columns(
        pl.all()
        .str.replace_all("\0", "\ufffd", literal=True)
        .str.replace_all("\\u0000", "\\ufffd", literal=True)
    )
