"""The registry of models in Postgres: datasets, versions and promotions.

It is in the same database as the scores that refer to it, so transactions cover both.
"""

import json
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, Row, func, select, text
from sqlalchemy.dialects.postgresql import insert

from db.session import translated
from db.tables import DatasetRow, PromotionRow, VersionRow, table_of
from nightjar.core.kinds import kind_of
from nightjar.core.kinds.kind import Kind
from nightjar.core.lifecycle.arms import share_of
from nightjar.core.lifecycle.roles import CHALLENGER, CHAMPION, Ending, holder_of
from nightjar.core.model.entities import Candidate, Dataset, Promotion, Version
from nightjar.core.values import Value

T = TypeVar("T", bound=Value)
ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtextextended('nightjar registry ' || :model, 0))")


@dataclass(frozen=True, slots=True)
class PostgresRegistry:
    """The `Registry` port. Several processes may use it at once: it assigns one number at a time.

    The row of a version never changes. So it is read once, however often a night asks.
    """

    engine: Engine
    _versions: dict[int, Version] = field(default_factory=dict[int, Version], repr=False, compare=False)

    def add_dataset(
        self,
        model: str,
        sha256: str,
        uri: str,
        rows: int,
        first_date: date,
        last_date: date,
        known_at: datetime,
    ) -> Dataset:
        values = {
            "model": model,
            "sha256": sha256,
            "uri": uri,
            "rows": rows,
            "first_date": first_date,
            "last_date": last_date,
            "known_at": known_at,
        }
        table = table_of(DatasetRow)
        with translated(), self.engine.begin() as connection:
            connection.execute(insert(table).values(values).on_conflict_do_nothing())
            row = connection.execute(
                select(table).where(table.c.model == model, table.c.sha256 == sha256)
            ).one()
        return _as(Dataset, row)

    def datasets(self, model: str) -> tuple[Dataset, ...]:
        table = table_of(DatasetRow)
        with translated(), self.engine.connect() as connection:
            rows = connection.execute(select(table).where(table.c.model == model).order_by(table.c.id))
            return tuple(_as(Dataset, row) for row in rows)

    def add_version(self, candidate: Candidate) -> Version:
        table = table_of(VersionRow)
        with translated(), self.engine.begin() as connection:
            connection.execute(ONE_AT_A_TIME, {"model": candidate.model})
            same = select(table).where(
                table.c.dataset_id == candidate.dataset_id,
                table.c.artifact_sha256 == candidate.artifact_sha256,
            )
            row = connection.execute(same).one_or_none()
            if row is None:
                number = connection.execute(
                    select(func.coalesce(func.max(table.c.number), 0) + 1).where(
                        table.c.model == candidate.model
                    )
                )
                values = _storable(candidate) | {"number": number.scalar_one()}
                row = connection.execute(insert(table).values(values).returning(table)).one()
        return _as(Version, row)

    def version(self, model: str, number: int) -> Version | None:
        table = table_of(VersionRow)
        with translated(), self.engine.connect() as connection:
            row = connection.execute(
                select(table).where(table.c.model == model, table.c.number == number)
            ).one_or_none()
        return None if row is None else _as(Version, row)

    def version_by_id(self, version_id: int) -> Version:
        if version_id not in self._versions:
            table = table_of(VersionRow)
            with translated(), self.engine.connect() as connection:
                row = connection.execute(select(table).where(table.c.id == version_id)).one()
            self._versions[version_id] = _as(Version, row)
        return self._versions[version_id]

    def versions(self, model: str) -> tuple[Version, ...]:
        table = table_of(VersionRow)
        with translated(), self.engine.connect() as connection:
            rows = connection.execute(
                select(table).where(table.c.model == model).order_by(table.c.number.desc())
            )
            return tuple(_as(Version, row) for row in rows)

    def holder(self, model: str, role: str, at: datetime | None = None) -> Version | None:
        with translated(), self.engine.connect() as connection:
            version_id = _holder(connection, model, role, at)
        return None if version_id is None else self.version_by_id(version_id)

    def promote(self, version: Version, role: str, reason: str) -> Promotion:
        with translated(), self.engine.begin() as connection:
            connection.execute(ONE_AT_A_TIME, {"model": version.model})
            return _promoted(connection, version, role, reason)

    def promote_beside(
        self, version: Version, champion: Version | None, role: str, reason: str
    ) -> Promotion | None:
        with translated(), self.engine.begin() as connection:
            connection.execute(ONE_AT_A_TIME, {"model": version.model})
            now = _holder(connection, version.model, CHAMPION, None)
            other = _holder(connection, version.model, CHALLENGER, None) if role == CHALLENGER else None
            if now != (champion and champion.id) or other not in (None, version.id):
                return None
            return _promoted(connection, version, role, reason)

    def end_challenge(
        self, challenger: Version, champion: Version, ending: Ending, reason: str
    ) -> Promotion | None:
        model = challenger.model
        values = {"model": model, "version_id": challenger.id, "role": ending, "reason": reason}
        with translated(), self.engine.begin() as connection:
            connection.execute(ONE_AT_A_TIME, {"model": model})
            if not _hold(connection, challenger, champion):
                return None
            connection.execute(insert(table_of(PromotionRow)).values(values))
        return next(row for row in self.promotions(model) if row.role == ending)

    def set_share(
        self, challenger: Version, champion: Version, share: float, reason: str, *, instead_of: float
    ) -> Promotion | None:
        model = challenger.model
        given = {"model": model, "version_id": challenger.id, "role": CHALLENGER}
        with translated(), self.engine.begin() as connection:
            connection.execute(ONE_AT_A_TIME, {"model": model})
            if not _hold(connection, challenger, champion):
                return None
            if share_of(_ledger(connection, model)) != instead_of:
                return None
            connection.execute(
                insert(table_of(PromotionRow)).values(given | {"share": share, "reason": reason})
            )
        return next(row for row in self.promotions(model) if row.role == CHALLENGER)

    def promotions(self, model: str) -> tuple[Promotion, ...]:
        with translated(), self.engine.connect() as connection:
            return _ledger(connection, model)


def _promoted(connection: Connection, version: Version, role: str, reason: str) -> Promotion:
    """The caller holds the lock of the model."""
    if _holder(connection, version.model, role, None) != version.id:
        values = {"model": version.model, "version_id": version.id, "role": role, "reason": reason}
        connection.execute(insert(table_of(PromotionRow)).values(values))
    return next(row for row in _ledger(connection, version.model) if row.role == role)


def _ledger(connection: Connection, model: str) -> tuple[Promotion, ...]:
    ledger, versions = table_of(PromotionRow), table_of(VersionRow)
    wanted = (
        select(ledger, versions.c.number.label("version_number"))
        .join(versions, versions.c.id == ledger.c.version_id)
        .where(ledger.c.model == model)
        .order_by(ledger.c.id.desc())
    )
    return tuple(_as(Promotion, row) for row in connection.execute(wanted))


def _hold(connection: Connection, challenger: Version, champion: Version) -> bool:
    """True if both versions still hold their roles."""
    held = {CHALLENGER: challenger.id, CHAMPION: champion.id}
    return {role: _holder(connection, challenger.model, role, None) for role in held} == held


def _holder(connection: Connection, model: str, role: str, at: datetime | None) -> int | None:
    ledger = table_of(PromotionRow)
    wanted = select(ledger.c.version_id, ledger.c.role).where(ledger.c.model == model)
    if at is not None:
        wanted = wanted.where(ledger.c.promoted_at <= at)
    return holder_of(role, map(tuple, connection.execute(wanted.order_by(ledger.c.id.desc()))))


def _storable(candidate: Candidate) -> dict[str, Any]:
    """Its columns. JSON knows no NaN: a metric that is none is left out, any other such number is null."""
    document = json.loads(candidate.model_dump_json(include={"params", "metrics", "gates", "record"}))
    metrics = [
        {name: value for name, value in row.items() if value is not None}
        for row in document["metrics"]
        if row["value"] is not None
    ]
    return (
        candidate.model_dump()
        | document
        | {"metrics": metrics}
        | _bounds(kind_of(candidate.kind, candidate.classes))
    )


def _bounds(kind: Kind) -> dict[str, Any]:
    """Return the bounds by which the database checks scores and outcomes."""
    return {
        "score_low": kind.low,
        "score_high": kind.high,
        "outcomes": None if kind.outcomes is None else list(kind.outcomes),
    }


def _as(kind: type[T], row: Row[Any]) -> T:
    """The row's columns as a value; columns that the value has no field for are left out."""
    return kind.model_validate({name: getattr(row, name) for name in kind.model_fields})
