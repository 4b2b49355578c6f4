"""A flow run has a platform, a model and a date. Its name and its log show the model and the date."""

from collections.abc import Callable, Mapping
from datetime import date
from functools import cache
from typing import Annotated, Any

from prefect.runtime import flow_run
from pydantic import WithJsonSchema
from structlog.contextvars import bind_contextvars

import models
from flows.stopping import go_on
from nightjar.core.errors.base import NightjarError
from nightjar.core.model.spec import ModelSpec
from nightjar.core.night.clock import score_date_of, today_from
from nightjar.showing.remedies import advised
from nightjar.wiring import logs
from nightjar.wiring.platform import Platform

ModelName = Annotated[str, WithJsonSchema({"type": "string", "enum": list(models.NAMES)})]
"""The name of a model. Prefect's UI offers those that there are, for runs that a person starts."""


@cache
def platform() -> Platform:
    """Return the one wiring of this process. All its threads share the connection pool and loaded models."""
    made = Platform(go_on=go_on, advised=advised)
    logs.configure(made.settings.log_format, made.settings.log_level)
    return made


def model_and_date(model: str, score_date: date | None) -> tuple[ModelSpec, date]:
    """Return the spec and the given date, or else the date that belongs to the scheduled start."""
    spec = models.model(model)
    return spec, score_date or score_date_of(spec, flow_run.scheduled_start_time)


def model_and_today(model: str, today: date | None) -> tuple[ModelSpec, date]:
    """Return the spec and the given local day, or else the local day of the scheduled start.

    If the model replays a recorded year, the scheduled day is moved into that year. Raises BadSettings for a
    day in the future.
    """
    spec = models.model(model)
    return spec, today_from(spec, today, flow_run.scheduled_start_time)


def night_name() -> str:
    """Return the name of a scoring run: model and score date."""
    return named(flow_run.parameters, model_and_date, "score_date")


def day_name() -> str:
    """Return the name of a run about one day: model and day."""
    return named(flow_run.parameters, model_and_today, "today")


def named(
    given: Mapping[str, Any], resolve: Callable[[str, date | None], tuple[ModelSpec, date]], field: str
) -> str:
    """Return the name from model and date, and bind both to the log. A process carries out one flow run."""
    model = str(given["model"])
    bind_contextvars(model=model)
    try:
        day = resolve(model, as_date(given.get(field)))[1]
    except NightjarError:
        return f"{model} ?"
    bind_contextvars(**{field: str(day)})
    return f"{model} {day}"


def as_date(value: Any) -> date | None:
    return date.fromisoformat(value) if isinstance(value, str) else value
