"""What a flow run is about: the platform, the model and the date, also in its name and its log."""

from collections.abc import Callable, Mapping
from datetime import date
from functools import cache
from typing import Any

from prefect.runtime import flow_run
from structlog.contextvars import bind_contextvars

import models
from flows.stopping import go_on
from nightjar.core.errors.base import NightjarError
from nightjar.core.model.spec import ModelSpec
from nightjar.core.night.clock import score_date_of, today_from
from nightjar.showing.remedies import advised
from nightjar.wiring import logs
from nightjar.wiring.platform import Platform


@cache
def platform() -> Platform:
    """One wiring a process: its connection pool and loaded models serve every task on its threads."""
    made = Platform(go_on=go_on, advised=advised)
    logs.configure(made.settings.log_format, made.settings.log_level)
    return made


def model_and_date(model: str, score_date: date | None) -> tuple[ModelSpec, date]:
    """The spec, and the date given or else the one that the scheduled start stands for."""
    spec = models.model(model)
    return spec, score_date or score_date_of(spec, flow_run.scheduled_start_time)


def model_and_today(model: str, today: date | None) -> tuple[ModelSpec, date]:
    """The spec, and the local day given or else that of the scheduled start.

    That is carried into the model's recorded year if it replays one. Raises BadSettings for a day that has
    not come yet.
    """
    spec = models.model(model)
    return spec, today_from(spec, today, flow_run.scheduled_start_time)


def night_name() -> str:
    """Name of a scoring run: model and score date."""
    return named(flow_run.parameters, model_and_date, "score_date")


def day_name() -> str:
    """Name of a run about one day: model and that day."""
    return named(flow_run.parameters, model_and_today, "today")


def named(
    given: Mapping[str, Any], resolve: Callable[[str, date | None], tuple[ModelSpec, date]], field: str
) -> str:
    """Model and date. Both are bound to the log from here on: this process carries out one flow run."""
    model = given.get("model", "flight_delay")
    bind_contextvars(model=model)
    try:
        day = resolve(model, as_date(given.get(field)))[1]
    except NightjarError:
        return f"{model} ?"
    bind_contextvars(**{field: str(day)})
    return f"{model} {day}"


def as_date(value: Any) -> date | None:
    return date.fromisoformat(value) if isinstance(value, str) else value
