"""The model in one value. nightjar/core/model/spec.py explains each field. REPLACE what the comments say."""

from datetime import date, time

from models.nan.contract import contract
from models.nan.data import PLAN, RESULTS, deliver
from models.nan.features import TABLES
from models.nan.population import outcomes, population
from models.nan.training import fit, fit_baseline
from nightjar.core.kinds.binary import BINARY
from nightjar.core.model.spec import AuditLimits, GateLimits, ModelSpec, TimeSplit, Window

SPEC = ModelSpec(
    name="nan",  # the name of this folder
    title="nan",  # REPLACE: a name for people
    description="The probability that a shop sells out tomorrow.",  # REPLACE
    kind=BINARY,
    time_zone="UTC",  # REPLACE: the zone of your dates and of the times below
    cron="30 21 * * *",  # when a night starts
    retrain_cron="0 23 * * 0",
    horizon_days=1,  # it scores the day after
    as_of_time=time(21),  # up to when a night may know data
    maturity_days=1,  # when outcomes are complete, in days after the date that is scored
    part_rows=10_000,
    seed=1,
    data_from=date(2026, 7, 29),  # REPLACE: the first day that your feed has
    datasets=(PLAN, RESULTS),
    deliver=deliver,
    feature_tables=TABLES,
    population_reads=(Window(PLAN.name),),  # the days around the score date that `population` sees
    population=population,
    outcome_reads=(Window(RESULTS.name),),
    outcomes=outcomes,
    categorical=("region",),
    numeric=("promotion", "weekday", *(feature for table in TABLES for feature in table.features)),
    contract=contract,
    baseline=fit_baseline,
    fit=fit,
    split=TimeSplit(test_days=21, valid_days=14, min_train_rows=1_000),
    # REPLACE all limits by what a backfill of your data shows.
    gates=GateLimits(
        min_auc=0.6,
        max_ece=0.15,
        min_brier_skill=0.0,
        min_auc_gain_over_baseline=-0.02,
        max_auc_loss_to_champion=0.05,
    ),
    audit=AuditLimits(max_quarantine_share=0.05, max_mean_shift=0.35, min_distinct_share=0.1),
)
