"""The backfill flow: many nights in one run, because a flow run of its own would cost each night a second or more."""

from datetime import date

from prefect import flow, get_run_logger

import models
from flows.circuit import break_circuit
from flows.night import failures_told, platform, show_backfill
from flows.score import as_tasks
from nightjar.core.entities import NightSummary
from nightjar.core.night import dates_between, night_of
from nightjar.usecases.backfill import backfill as backfill_nights


@flow(name="backfill", flow_run_name="{model} {first} to {last}", persist_result=False, on_failure=[break_circuit], on_crashed=[break_circuit])
def backfill(first: date, last: date, model: str = "flight_delay") -> None:
    """Score and publish every date that is not published yet. Fails at the end if a night failed; run it again for those alone.

    Args:
        first: First local date to score.
        last: Last local date to score.
        model: Name of a folder in models/.

    """
    with failures_told(model):
        spec = models.model(model)

        def one(score_date: date) -> NightSummary:
            night = night_of(spec, score_date)
            platform().ready(spec, night.as_of)
            return platform().score_night(spec).run(night, each_part=lambda work, parts: as_tasks(model, score_date, work, parts))

        summary = backfill_nights(dates_between(first, last), one)
        show_backfill(spec.name, summary)
        for failed in summary.failed:
            get_run_logger().error("%s: %s", failed.score_date, failed.error)
        if summary.failed:
            raise summary.failed[0].error
