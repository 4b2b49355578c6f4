"""The route delay model in one value: when it runs, what it reads, its inputs, and what it must reach."""

from datetime import date, time

from models.route_delay.contract import contract
from models.route_delay.datasets import ROUTE_WEEKS, ZONE
from models.route_delay.features import TABLES
from models.route_delay.population import COMING, PAST, outcomes, population
from models.route_delay.source import deliver
from models.route_delay.training import fit_baseline, fit_trees
from nightjar.core.kinds.regression import REGRESSION
from nightjar.core.model.spec import AuditLimits, GateLimits, ModelSpec, PublishedBy, Replay, TimeSplit

SPEC = ModelSpec(
    name="route_delay",
    title="Weekly delay of routes out of New York",
    description="Mean departure delay, in minutes, of a route's flights from this Monday to Sunday.",
    kind=REGRESSION,
    time_zone=ZONE.key,
    cron="0 5 * * 1",
    retrain_cron="0 7 1 * *",
    horizon_days=0,
    as_of_time=time(4, 30),
    maturity_days=7,
    promise=PublishedBy(at=time(8)),
    part_rows=100,
    seed=2013,
    replay=Replay(date(2013, 1, 1), date(2013, 12, 31)),
    datasets=(ROUTE_WEEKS,),
    deliver=deliver,
    feature_tables=TABLES,
    population_reads=(PAST,),
    population=population,
    outcome_reads=(COMING,),
    outcomes=outcomes,
    categorical=(),
    numeric=tuple(feature for table in TABLES for feature in table.features),
    contract=contract,
    baseline=fit_baseline,
    fit=fit_trees,
    split=TimeSplit(test_days=64, valid_days=22, min_train_rows=1_500),  # ten Mondays, and four
    gates=GateLimits(min_coverage=0.75),
    audit=AuditLimits(max_quarantine_share=0.02, min_distinct_share=0.3, max_mean_shift_sd=3.0),
)
