"""Score all later nights of a backtest with each of its versions, whether it became champion or not."""

from collections.abc import Iterator

import polars as pl

from nightjar.core.lifecycle.ages import AGE, Age, ages_of
from nightjar.core.lifecycle.backtest import DAY, LOSS
from nightjar.core.lifecycle.walk import steps_of
from nightjar.core.model.spec import ModelSpec
from nightjar.core.ports.learners import Predictors
from nightjar.usecases.lifecycle.backtest import Walked
from nightjar.usecases.lifecycle.measuring import published_by


def aged(spec: ModelSpec, walked: Walked, predictors: Predictors) -> tuple[Age, ...]:
    """Quality by age, youngest first. The first range is as long as the longest step."""
    steps = steps_of(spec, walked.plan)
    losses = pl.concat(_losses(spec, walked, predictors), how="vertical")
    return ages_of(losses, max(len(step.nights) for step in steps))


def _losses(spec: ModelSpec, walked: Walked, predictors: Predictors) -> Iterator[pl.DataFrame]:
    """`score_date`, AGE and LOSS of each version on each night from its first one on."""
    nights = [night for step in steps_of(spec, walked.plan) for night in step.nights]
    places = pl.DataFrame({DAY: nights}, {DAY: pl.Date}).with_row_index(AGE).cast({AGE: pl.Int64})
    outcomes = walked.stretch.outcomes_by(walked.measured_at)
    yield pl.DataFrame(schema={DAY: pl.Date, AGE: pl.Int64, LOSS: pl.Float64})
    for done in walked.steps:
        start = nights.index(done.first)
        later = walked.stretch.nights(nights[start:])
        rows = later.join(outcomes, on=[DAY, "entity_key"], how="inner", maintain_order="left")
        for version in done.versions[-1:] if rows.height else ():
            predictor = predictors.load(spec, version)
            published = published_by(spec.kind, predictor, version.calibration, rows)
            loss = spec.kind.losses(published, rows["outcome"])
            sums = rows.select(DAY, loss.alias(LOSS)).group_by(DAY).agg(pl.col(LOSS).sum())
            yield sums.join(places, on=DAY).select(DAY, pl.col(AGE) - start, LOSS)
