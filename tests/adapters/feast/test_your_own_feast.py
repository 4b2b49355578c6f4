"""A model of a Feast repository that is not ours is trained, scored, published and watched."""

import math
from datetime import UTC, datetime, time, timedelta

import pandera.polars as pa
import polars as pl
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from structlog.testing import capture_logs

from nightjar.adapters.contracts import check
from nightjar.adapters.deliveries.raw_days import RawFiles
from nightjar.adapters.feast.chosen import ChosenFeatures
from nightjar.adapters.files.artifacts import FsspecArtifacts
from nightjar.adapters.learners.columns import inputs
from nightjar.adapters.learners.sklearn import SklearnPredictor
from nightjar.adapters.learners.store import PredictorStore
from nightjar.adapters.memory_registry import MemoryRegistry
from nightjar.core.model.categories import Categories
from nightjar.core.model.spec import FeastService, GateLimits, RawDataset, TimeSplit, Window
from nightjar.core.night.clock import night_of
from nightjar.testing.memory import MemoryDriftLedger, MemoryFeatureFiles, MemoryInputProfiles, MemoryNights
from nightjar.testing.nights import wired
from nightjar.testing.readings import MemoryReadings
from nightjar.testing.specs import toy_spec
from nightjar.usecases.lifecycle.retrain import retrain
from nightjar.usecases.monitoring.monitor import WatchNight
from nightjar.usecases.scoring.guard import NightGuard
from nightjar.usecases.scoring.inputs import NightInputs

pytestmark = pytest.mark.filterwarnings("ignore")
"""Feast and its stores warn of what the repository's own definitions use."""

MAX_AGE = {"driver_hourly_stats": timedelta(hours=2)}
DAYS, DRIVERS = 11, (1001, 1002, 1003, 1004, 1005)
BUSY = 500
"""Trips a day. Feast's rows are random, of 0 to 1,000: any of them must leave the gates no doubt."""
NUMBERS = {"driver_id": pl.Int64(), "val_to_add": pl.Int64(), "val_to_add_2": pl.Int64()}
RIDES = RawDataset(name="rides", columns={"entity_key": pl.String(), **NUMBERS}, keys=("entity_key",))
ENDED = RawDataset(name="ended", columns={"entity_key": pl.String(), "busy": pl.Int8()}, keys=("entity_key",))


def outcomes(raw, score_date):
    return raw["ended"].select("entity_key", "recorded_at", outcome="busy")


def fit(train, valid, *, spec):
    categories = Categories.of(train, spec.categorical)
    pipeline = make_pipeline(StandardScaler(), LogisticRegression())
    rows = inputs(train, spec.categorical, spec.numeric, categories)
    pipeline.fit(rows, train["outcome"].to_numpy())
    return SklearnPredictor(pipeline, spec.categorical, spec.numeric, categories, kind=spec.kind)


def spec_of(repo):
    """Which of five drivers are busy: their trips a day say it, and come from Feast."""
    return toy_spec(
        time_zone="UTC",
        horizon_days=0,
        as_of_time=time(0),
        datasets=(RIDES, ENDED),
        features=FeastService(repo=repo, service="driver_activity_v2", max_age=MAX_AGE),
        population_reads=(Window("rides"),),
        population=lambda raw, score_date: raw["rides"],
        outcome_reads=(Window("ended"),),
        outcomes=outcomes,
        numeric=("val_to_add", "avg_daily_trips", "conv_rate_plus_val1"),
        contract=lambda: pa.DataFrameSchema({"avg_daily_trips": pa.Column(pl.Int64)}),
        fit=fit,
        baseline=fit,
        split=TimeSplit(test_days=5, valid_days=2, min_train_rows=10),
        gates=GateLimits(
            min_auc=0.6,
            max_ece=1.0,
            max_loss_over_constant=10.0,
            max_loss_over_baseline=10.0,
            min_loss_over_an_input_a_day_earlier=0,  # the same
            min_loss_over_a_day_earlier=0,  # the trips of each day have nothing to do with those before
        ),
    )


def midnight(day):
    return datetime.combine(day, time(), UTC)


def trips(stats, day):
    """Of each driver as known at midnight."""
    at = midnight(day)
    usable = stats.filter(pl.col("event_timestamp").is_between(at - timedelta(days=1), at))
    newest = usable.sort("event_timestamp").unique("driver_id", keep="last", maintain_order=True)
    return dict(newest.select("driver_id", "avg_daily_trips").iter_rows())


def land(raw, folder, dataset, day, rows, recorded_at):
    file = folder / "file.csv"
    lines = [",".join(dataset.columns), *(",".join(map(str, row)) for row in rows), f"# rows={len(rows)}"]
    file.write_text("\n".join(lines) + "\n")
    raw.land(dataset, day, file, recorded_at)


@pytest.fixture
def days(stats):
    last = stats["event_timestamp"].max().date()
    return [last - timedelta(days=n) for n in reversed(range(DAYS))]


@pytest.fixture
def night_inputs(drivers, stats, days, tmp_path):
    raw = RawFiles(tmp_path / "data")
    for day in days:
        known = trips(stats, day)
        rows = [(f"{driver}", driver, driver % 3, 2) for driver in DRIVERS]
        land(raw, tmp_path, RIDES, day, rows, midnight(day) - timedelta(hours=2))
        ended = [(f"{driver}", int(known[driver] >= BUSY)) for driver in DRIVERS]
        land(raw, tmp_path, ENDED, day, ended, midnight(day) + timedelta(hours=20))
    artifacts = FsspecArtifacts(str(tmp_path / "artifacts"))
    return NightInputs(
        spec=spec_of(drivers),
        raw=raw,
        features=ChosenFeatures(None),
        artifacts=artifacts,
        predictors=PredictorStore(artifacts),
        registry=MemoryRegistry(),
        check=check,
    )


def test_a_model_that_names_a_service_is_trained_scored_published_and_watched(night_inputs, stats, days):
    ports = {
        name: getattr(night_inputs, name)
        for name in ("raw", "features", "artifacts", "predictors", "registry")
    }
    spec, last = night_inputs.spec, days[-1]
    trained = retrain(spec, known_at=midnight(last), code_version="c", **ports)
    assert trained.promoted, trained.decision
    rows = pl.read_parquet(night_inputs.artifacts.get(trained.dataset.uri))
    for day, driver, known in rows.select("score_date", "entity_key", "avg_daily_trips").iter_rows():
        assert known == trips(stats, day)[int(driver)]

    store = MemoryNights()
    guard = NightGuard(
        spec=spec,
        files=MemoryFeatureFiles(),
        profiles=MemoryInputProfiles(store),
        readings=MemoryReadings(store),
    )
    with capture_logs() as logged:
        summary = wired(night_inputs, store, guard).run(night_of(spec, last))
    assert (summary.scored, summary.quarantined) == (len(DRIVERS), 0)
    assert [line["told"] for line in logged if line["event"] == "features_limited"] == [
        "its offline store 'file' drops rows, so our store reads its files",
        "known_by_created is off: a row counts from its event on, whenever it was recorded",
    ]
    scored = dict(store.published_scores(store.run(summary.run_id)).select("entity_key", "score").iter_rows())
    by_trips = sorted(DRIVERS, key=trips(stats, last).get)
    assert scored[str(by_trips[-1])] > scored[str(by_trips[0])]

    watch = WatchNight(
        inputs=night_inputs,
        store=store,
        profiles=MemoryInputProfiles(store),
        ledger=MemoryDriftLedger(),
        writer=None,
    )
    drift = watch.drift(store.run(summary.run_id))
    assert {column.column for column in drift} >= {*spec.numeric, "score"}
    assert all(math.isclose(column.null_share, 0) for column in drift)
