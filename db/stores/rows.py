"""Converts rows of runs, receipts and publications to values, and locks a claimed run."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection, Engine, Row, select, text

from db.tables import PublicationRow, ReceiptRow, RunRow, table_of
from nightjar.core.errors.night import ClaimLost
from nightjar.core.night.entities import Population, Publication, Receipt, Run, RunState

RUNS, RECEIPTS, PUBLICATIONS = table_of(RunRow), table_of(ReceiptRow), table_of(PublicationRow)

LOCK_TIMEOUT = text("SET LOCAL lock_timeout = '30s'")
"""A process locks a run's row while it stores one part.

A process that holds it longer has vanished. The call may be repeated then.
"""


@dataclass(frozen=True, slots=True)
class OnEngine:
    """A store whose methods are one transaction each. Threads may share one."""

    engine: Engine


def hold(connection: Connection, run: Run, *, share: bool = False) -> Run:
    """Lock the run until the transaction ends, and return it as stored.

    Raises ClaimLost if another attempt has the run, or if it has ended.
    """
    stored = as_claimed(connection, run, share=share)
    if stored.state is not RunState.CLAIMED:
        raise ClaimLost(run.model, run.score_date, run.id)
    return stored


def as_claimed(connection: Connection, run: Run, *, share: bool = False) -> Run:
    """Do the same for a run that is claimed or ended.

    The run's number alone proves nothing: a database that was restored to an earlier moment gives the number
    to another night.
    """
    row = connection.execute(
        select(RUNS).where(RUNS.c.id == run.id).with_for_update(read=share)
    ).one_or_none()
    stored = None if row is None else run_of(row)
    if stored is None or stored.model_copy(update={"state": run.state, "population": run.population}) != run:
        raise ClaimLost(run.model, run.score_date, run.id)
    return stored


def shown(connection: Connection, model: str, score_date: date) -> Publication | None:
    of_night = select(PUBLICATIONS).where(
        PUBLICATIONS.c.model == model, PUBLICATIONS.c.score_date == score_date
    )
    row = connection.execute(of_night.order_by(PUBLICATIONS.c.id.desc()).limit(1)).one_or_none()
    return None if row is None else publication_of(row)


def run_of(row: Row[Any]) -> Run:
    fields = {name: getattr(row, name) for name in Run.model_fields if name != "population"}
    population = {name: getattr(row, f"population_{name}") for name in Population.model_fields}
    return Run(**fields, population=Population(**population) if population["uri"] is not None else None)


def receipt_of(row: Row[Any]) -> Receipt:
    return Receipt(**{name: getattr(row, name) for name in Receipt.model_fields})


def publication_of(row: Row[Any]) -> Publication:
    return Publication(**{name: getattr(row, name) for name in Publication.model_fields})
