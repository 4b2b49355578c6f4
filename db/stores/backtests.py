"""Steps of backtests in Postgres."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, select
from sqlalchemy.dialects.postgresql import insert

from db.session import translated
from db.tables import BacktestStepRow, table_of
from nightjar.core.lifecycle.backtest import NightMetric, StepDone
from nightjar.core.lifecycle.walk import Plan

STEPS = table_of(BacktestStepRow)


@dataclass(frozen=True, slots=True)
class PostgresBacktests:
    """The `Backtests` port."""

    engine: Engine

    def add_step(self, name: str, plan: Plan, step: StepDone, nights: Sequence[NightMetric]) -> None:
        values = {
            "model": plan.model,
            "backtest": name,
            "plan": plan.model_dump(mode="json", exclude={"model"}),
            "number": step.number,
            "known_at": step.known_at,
            "first_date": step.first,
            "last_date": step.last,
            "document": _document(step),
            "nights": [night.model_dump(mode="json") for night in nights],
            "files": [*_files(step)],
        }
        with translated(), self.engine.begin() as connection:
            connection.execute(insert(STEPS).values(values).on_conflict_do_nothing())

    def steps(self, name: str) -> tuple[StepDone, ...]:
        wanted = select(STEPS.c.document).where(STEPS.c.backtest == name).order_by(STEPS.c.number)
        with translated(), self.engine.connect() as connection:
            return tuple(map(StepDone.model_validate, connection.execute(wanted).scalars()))

    def newest(self, model: str) -> tuple[str, Plan] | None:
        wanted = select(STEPS.c.backtest, STEPS.c.plan).where(STEPS.c.model == model)
        with translated(), self.engine.connect() as connection:
            row = connection.execute(wanted.order_by(STEPS.c.id.desc()).limit(1)).one_or_none()
        return None if row is None else (row.backtest, Plan(model=model, **row.plan))


def _document(step: StepDone) -> dict[str, Any]:
    """JSON knows no NaN: such a number is null, and a metric that is none is left out."""
    document: dict[str, Any] = json.loads(step.model_dump_json())
    for version in document["versions"]:
        version["metrics"] = [metric for metric in version["metrics"] if metric["value"] is not None]
    return document


def _files(step: StepDone) -> Iterator[str]:
    """What a walk that goes on reads again."""
    found = [step.scores_uri]
    for version in step.versions:
        found += [version.artifact_uri, version.evidence_uri]
    yield from (uri for uri in found if uri is not None)
