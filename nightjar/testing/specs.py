"""A complete and valid spec of a toy model. A test changes only the fields that it tests."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, time, timedelta
from pathlib import Path
from typing import Any

import pandera.polars as pa
import polars as pl

from nightjar.core.kinds.kind import Kind
from nightjar.core.model.spec import (
    AuditLimits,
    Delivery,
    FeatureTable,
    GateLimits,
    ModelSpec,
    RawDataset,
    RawFrames,
    TimeSplit,
    Window,
)
from nightjar.testing.predictors import Formula

PLANNED = RawDataset(
    name="planned", columns={"entity_key": pl.String(), "x": pl.Float64()}, keys=("entity_key",)
)
HAPPENED = RawDataset(
    name="happened", columns={"entity_key": pl.String(), "late": pl.Int8()}, keys=("entity_key",)
)


# It delivers nothing for any day.
def deliver(inbox: Path, first: date, last: date) -> Iterator[Delivery]:  # noqa: ARG001
    """Nothing is delivered by itself."""
    return iter(())


def population(raw: RawFrames, score_date: date) -> pl.DataFrame:  # noqa: ARG001  # every row is to be scored
    return raw[PLANNED.name]


def outcomes(raw: RawFrames, score_date: date) -> pl.DataFrame:  # noqa: ARG001  # its window is that day
    return raw[HAPPENED.name].select("entity_key", "recorded_at", outcome="late")


# The mean needs neither `valid` nor `spec`.
def fit_constant(train: pl.DataFrame, valid: pl.DataFrame, *, spec: ModelSpec) -> Formula:  # noqa: ARG001
    """Every row gets the mean outcome of the training rows."""
    return Formula(pl.lit(train["outcome"].mean()))


TOY = ModelSpec(
    name="toy",
    title="Toy",
    description="A made-up world.",
    time_zone="America/New_York",
    cron="30 21 * * *",
    retrain_cron="0 4 * * 1",
    horizon_days=1,
    as_of_time=time(21),
    maturity_days=1,
    part_rows=4,
    seed=0,
    datasets=(PLANNED, HAPPENED),
    deliver=deliver,
    feature_tables=(),
    population_reads=(Window(PLANNED.name),),
    population=population,
    outcome_reads=(Window(HAPPENED.name),),
    outcomes=outcomes,
    categorical=(),
    numeric=("x",),
    contract=pa.DataFrameSchema,
    baseline=fit_constant,
    fit=fit_constant,
    split=TimeSplit(test_days=7, valid_days=3, min_train_rows=10),
    gates=GateLimits(
        min_auc=0.6,
        max_ece=0.2,
        max_loss_over_baseline=1.2,
        max_loss_over_champion=1.2,
        max_loss_within_nights=1.1,
        max_loss_over_anchor=1.2,
    ),
    audit=AuditLimits(max_quarantine_share=0.5, max_mean_shift=0.5, min_distinct_share=0.1),
)

WEATHER = FeatureTable(
    name="weather",
    description="",
    keys={"city": pl.String()},
    features={"rain": pl.Float64()},
    ttl=timedelta(days=1),
    lookback_days=0,
    sources=(),
    compute=lambda raw, first, last: pl.DataFrame(),  # noqa: ARG005  # it has no rows
)
"""A feature table for tests that ask for one; the toy has none."""


def toy_spec(**changes: Any) -> ModelSpec:
    """The toy with other fields. Raises BadSpec if they break a rule of specs."""
    return replace(TOY, **changes)


def spec_of_kind(kind: Kind, **changes: Any) -> ModelSpec:
    """The toy as a model of a kind, with limits that anything passes unless it is much worse than nothing."""
    gates = {limit.name: max(limit.low, -1.0) for limit in kind.gate_limits()}
    audit = {limit.name: limit.low for limit in kind.absurdities}
    limits = {"gates": GateLimits(**gates), "audit": AuditLimits(max_quarantine_share=0.5, **audit)}
    return toy_spec(**limits, kind=kind, **changes)
